//! No secret is printed, whatever is printed.

use std::{fmt::Debug, rc::Rc};

use super::{START, failure, scopes, seconds};
use crate::core::{
    AccessToken, CallId, Change, Company, CredentialId, Effect, ErrorCode, Event, Fence, Flight, FlightId,
    Grant, GrantFailure, Holding, Jitter, Lent, Lifecycle, Phase, Policy, Queue, Reason, RefreshToken,
    Refusal, Remains, Secret, Skew, Stamp, Superseded, TokenError, TokenSet, Turn, UnixMillis, Want, Written,
};

/// A part of every secret here, and of nothing else.
const PLANTED: &str = "pl4nt3d";

/// Remembers all that was printed, to look for secrets once.
#[derive(Default)]
struct Printed(Vec<String>);

impl Printed {
    fn print(&mut self, value: &impl Debug) {
        self.0.push(format!("{value:?}"));
        self.0.push(format!("{value:#?}"));
    }

    fn look_for_secrets(&self) {
        let quoted: Vec<u8> = PLANTED.bytes().collect();
        for text in &self.0 {
            assert!(!text.contains(PLANTED), "{text}");
            assert!(!text.contains(&format!("{quoted:?}")[1..20]), "as bytes: {text}");
        }
    }
}

fn access_token(number: u64) -> AccessToken {
    AccessToken::new(format!("{PLANTED}-access-{number}"))
}

fn refresh_token(number: u64) -> RefreshToken {
    RefreshToken::new(format!("{PLANTED}-refresh-{number}"))
}

fn planted(number: u64, issued_at: UnixMillis) -> Rc<TokenSet> {
    Rc::new(TokenSet {
        access_token: access_token(number),
        refresh_token: Some(refresh_token(number)),
        scopes: Some(scopes(&["ASKED"])),
        issued_at,
        expires_at: issued_at + seconds(180),
        provider_clock: Skew::default(),
        stamp: Stamp::default(),
    })
}

#[test]
fn the_search_finds_what_it_looks_for() {
    let found = std::panic::catch_unwind(|| {
        let mut printed = Printed::default();
        printed.print(&planted(1, START).access_token.expose());
        printed.look_for_secrets();
    });

    assert!(found.is_err());
}

#[test]
fn no_value_of_the_core_prints_a_secret() {
    let mut printed = Printed::default();
    let tokens = planted(1, START);

    printed.print(&access_token(1));
    printed.print(&refresh_token(1));
    printed.print(&Secret::new(PLANTED));
    printed.print(&tokens);
    printed.print(&Holding::new(tokens.clone(), &Policy::default(), 0.0));
    for phase in [
        Phase::BackingOff { until: START },
        Phase::StandingBy { read_at: Some(START) },
        Phase::Loading { then: START },
        Phase::Locking,
        Phase::Rereading(Fence(1)),
        Phase::Claiming(Fence(1), refresh_token(1)),
        Phase::Granting { presented: Some(refresh_token(1)), since: START, fence: None },
        Phase::Saving { tokens: tokens.clone(), since: START, fence: None },
    ] {
        printed.print(&phase);
        let (id, company, queue) = (FlightId(1), Company::Shared, Queue::default());
        printed.print(&Flight {
            id,
            reason: Reason::Initial,
            phase,
            failed: 0,
            company,
            queue,
            turn: Turn::Come,
            credentials: CredentialId(1),
            changed_while_reading: false,
            deadline: START,
        });
    }
    let mut superseded = Superseded::default();
    superseded.remember(&planted(1, START));
    printed.print(&superseded);
    printed.look_for_secrets();
}

#[test]
fn no_event_and_no_effect_prints_a_secret() {
    let mut printed = Printed::default();
    let tokens = planted(1, START);
    let error = failure(ErrorCode::Server);

    printed.print(&[
        Event::Requested(CallId(1), Want::USABLE),
        Event::Abandoned(CallId(1)),
        Event::Used,
        Event::Invalidated(access_token(1)),
        Event::Refused(access_token(1), Refusal::First),
        Event::Observed(tokens.clone()),
        Event::Woke,
        Event::Granted(FlightId(1), Ok(tokens.clone())),
        Event::Granted(FlightId(1), Err(GrantFailure::Transient(error.clone()))),
        Event::Granted(FlightId(1), Err(GrantFailure::RefreshTokenRefused(error.clone()))),
        Event::Granted(FlightId(1), Err(GrantFailure::Permanent(error.clone()))),
        Event::Loaded(FlightId(1), Ok(Some(tokens.clone()))),
        Event::Leased(FlightId(1), Ok(Some(Fence(1)))),
        Event::Saved(FlightId(1), Ok(Written::Kept)),
        Event::PeerSaved,
        Event::Closed,
    ]);
    printed.print(&[
        Effect::Load(FlightId(1)),
        Effect::Acquire(FlightId(1)),
        Effect::Save(FlightId(1), None, tokens.clone()),
        Effect::Release(FlightId(1)),
        Effect::Settle(CallId(1), Ok(tokens)),
        Effect::Settle(CallId(1), Err(error.clone())),
        Effect::Send(FlightId(1), Grant::Authenticate),
        Effect::Send(FlightId(1), Grant::Refresh(refresh_token(1))),
        Effect::Cancel(FlightId(1)),
        Effect::Notify(Change::Error { error, remains: Remains::Nothing }),
    ]);
    printed.look_for_secrets();
}

/// Each step prints what it is told, what it does and the whole machine.
struct Watched {
    machine: Lifecycle,
    printed: Printed,
    flight: FlightId,
}

impl Watched {
    fn tell(&mut self, event: Event, now: UnixMillis) {
        self.printed.print(&event);
        let effects = self.machine.handle(event, now);
        self.printed.print(&effects);
        self.printed.print(&self.machine);
        self.printed.print(&self.machine.status(now));
        for effect in &effects {
            match effect {
                Effect::Send(id, _) => self.flight = *id,
                Effect::Settle(_, Err(error)) => self.error(error),
                Effect::Notify(Change::Error { error, .. } | Change::Retry { error, .. }) => {
                    self.error(error)
                }
                Effect::Settle(_, Ok(_))
                | Effect::Cancel(_)
                | Effect::Load(_)
                | Effect::Acquire(_)
                | Effect::Save(..)
                | Effect::Release(_)
                | Effect::Notify(_) => {}
            }
        }
    }

    fn error(&mut self, error: &TokenError) {
        self.printed.0.push(error.to_string());
        self.printed.print(&(error as &dyn std::error::Error));
    }

    fn answer(&mut self, answer: Result<Rc<TokenSet>, GrantFailure>, now: UnixMillis) {
        self.tell(Event::Granted(self.flight, answer), now);
    }
}

#[test]
fn a_life_from_success_to_failure_to_the_end_prints_no_secret() {
    let machine = Lifecycle::new(Policy::default(), scopes(&["ASKED", "MISSING"]), Jitter::new(1));
    let mut life = Watched { machine, printed: Printed::default(), flight: FlightId(0) };
    let wanted =
        Want::Usable { min_validity: None, scopes: Some(scopes(&["MISSING"])), lent: Lent::Accepted };
    let transient = || Err(GrantFailure::Transient(failure(ErrorCode::Timeout)));
    let refused = || Err(GrantFailure::RefreshTokenRefused(failure(ErrorCode::InvalidCredentials)));

    life.tell(Event::Requested(CallId(1), Want::USABLE), START);
    life.answer(Ok(planted(1, START)), START);
    life.tell(Event::Requested(CallId(2), wanted), START);
    life.tell(Event::Requested(CallId(3), Want::Fresh), START + seconds(1));
    life.answer(refused(), START + seconds(2));
    life.answer(Ok(planted(2, START + seconds(3))), START + seconds(3));
    life.tell(Event::Observed(planted(3, START + seconds(4))), START + seconds(4));
    life.tell(Event::Woke, START + seconds(150));
    life.answer(transient(), START + seconds(151));
    life.tell(Event::Woke, START + seconds(160));
    life.answer(transient(), START + seconds(161));
    life.tell(Event::Woke, START + seconds(170));
    life.answer(transient(), START + seconds(171));
    life.tell(Event::Invalidated(access_token(3)), START + seconds(172));
    life.tell(Event::Requested(CallId(4), Want::USABLE), START + seconds(173));
    life.tell(Event::Woke, START + seconds(180));
    life.answer(Ok(planted(4, START + seconds(180))), START + seconds(180));
    life.tell(Event::Requested(CallId(5), Want::Fresh), START + seconds(181));
    life.tell(Event::Closed, START + seconds(182));
    life.tell(Event::Requested(CallId(6), Want::USABLE), START + seconds(183));

    assert!(life.printed.0.len() > 150, "{} texts were printed", life.printed.0.len());
    life.printed.look_for_secrets();
}
