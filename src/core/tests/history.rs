//! Random histories of one lifecycle: a small driver that does what it is told.
//!
//! Decides what may happen to a lifecycle. Leaves judging what it did to the properties.

use std::{collections::BTreeMap, time::Duration};

use proptest::{option, prelude::*, sample::Index};

use super::{START, failure, millis, scopes, seconds};
use crate::core::{
    AccessToken, CallId, Effect, ErrorCode, Event, FlightId, GrantFailure, Jitter, Lifecycle, Policy,
    RefreshMode, RefreshToken, Retry, ScopeSet, Skew, Stamp, TokenError, TokenSet, UnixMillis, Want,
};

/// What is thrown, and what shrinks: a policy and things that happen.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) policy: Policy,
    seed: u64,
    acts: Vec<Act>,
}

#[derive(Clone, Debug)]
enum Act {
    /// Time passes and nobody notices.
    Pass(Duration),
    /// Time passes until the alarm goes off.
    Alarm,
    Wake,
    Ask(Want),
    Abandon(Index),
    Use,
    Refuse(Known),
    See(Known, Grown),
    /// The request on the wire is answered.
    Answer(Reply),
    /// A flight that is over, or never was, is answered.
    AnswerElsewhere(u64, Reply),
    Close,
}

/// Which token an act is about.
#[derive(Clone, Debug)]
enum Known {
    Held,
    /// One of all that there ever were.
    Any(Index),
    New,
}

/// How a token is made.
#[derive(Clone, Debug)]
struct Grown {
    lifetime: Duration,
    /// By how many seconds the provider's clock is off just now; no stamp where `None`.
    stamped: Option<i64>,
    refresh_token: Option<()>,
    scopes: Option<ScopeSet>,
}

#[derive(Clone, Debug)]
enum Reply {
    Token(Grown),
    /// The token had expired when it came.
    Stale,
    Transient(Option<Duration>),
    RefreshTokenRefused,
    Permanent,
}

pub(super) fn plans() -> impl Strategy<Value = Plan> {
    (policies(), any::<u64>(), prop::collection::vec(acts(), 1..80)).prop_map(|(policy, seed, acts)| Plan {
        policy,
        seed,
        acts,
    })
}

fn policies() -> impl Strategy<Value = Policy> {
    let refresh = prop_oneof![
        4 => Just(RefreshMode::Always),
        2 => Just(RefreshMode::WhileUsed),
        1 => Just(RefreshMode::OnDemand),
    ];
    let validity = prop_oneof![3 => Just(None), 1 => spans().prop_map(Some)];
    let window = prop_oneof![Just(0.25), 0.0..=0.9];
    (refresh, window, validity, 1..4_u32).prop_map(|(refresh, refresh_window, min_validity, attempts)| {
        Policy { refresh, refresh_window, min_validity, retry: Retry { attempts, ..Policy::default().retry } }
    })
}

fn acts() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => spans().prop_map(Act::Pass),
        6 => Just(Act::Alarm),
        2 => Just(Act::Wake),
        8 => wants().prop_map(Act::Ask),
        2 => any::<Index>().prop_map(Act::Abandon),
        1 => Just(Act::Use),
        3 => known().prop_map(Act::Refuse),
        4 => (sightings(), grown()).prop_map(|(known, grown)| Act::See(known, grown)),
        12 => replies().prop_map(Act::Answer),
        2 => (0..9_u64, replies()).prop_map(|(back, reply)| Act::AnswerElsewhere(back, reply)),
        1 => prop_oneof![9 => Just(Act::Wake), 1 => Just(Act::Close)],
    ]
}

/// From no time at all to days.
fn spans() -> impl Strategy<Value = Duration> {
    prop_oneof![
        (0..3_u64).prop_map(millis),
        (0..2_000_u64).prop_map(millis),
        (0..200_u64).prop_map(seconds),
        (0..90_000_u64).prop_map(seconds),
        (0..9_u64).prop_map(|days| seconds(days * 86_400)),
    ]
}

fn wants() -> impl Strategy<Value = Want> {
    let scope = prop_oneof![Just(scopes(&["A"])), Just(scopes(&["A", "B"]))];
    let validity = prop_oneof![4 => Just(None), 1 => spans().prop_map(Some)];
    prop_oneof![
        4 => (validity, option::weighted(0.2, scope))
            .prop_map(|(min_validity, scopes)| Want::Usable { min_validity, scopes }),
        1 => Just(Want::Fresh),
    ]
}

fn known() -> impl Strategy<Value = Known> {
    prop_oneof![2 => Just(Known::Held), 2 => any::<Index>().prop_map(Known::Any), 1 => Just(Known::New)]
}

fn sightings() -> impl Strategy<Value = Known> {
    prop_oneof![1 => Just(Known::Held), 2 => any::<Index>().prop_map(Known::Any), 5 => Just(Known::New)]
}

fn grown() -> impl Strategy<Value = Grown> {
    let lifetime = prop_oneof![5 => Just(seconds(180)), 3 => (1..20_000_u64).prop_map(millis), 1 => spans()];
    let stamped = option::weighted(0.7, prop_oneof![1 => Just(0), 1 => -100..100_i64]);
    let granted = option::weighted(0.3, prop_oneof![Just(scopes(&["A"])), Just(scopes(&["A", "B"]))]);
    (lifetime, stamped, option::weighted(0.6, Just(())), granted).prop_map(
        |(lifetime, stamped, refresh_token, scopes)| Grown {
            lifetime: lifetime.max(millis(1)),
            stamped,
            refresh_token,
            scopes,
        },
    )
}

fn replies() -> impl Strategy<Value = Reply> {
    let pauses = option::weighted(0.3, prop_oneof![(0..31_u64).prop_map(seconds), spans()]);
    prop_oneof![
        8 => grown().prop_map(Reply::Token),
        1 => Just(Reply::Stale),
        4 => pauses.prop_map(Reply::Transient),
        2 => Just(Reply::RefreshTokenRefused),
        1 => Just(Reply::Permanent),
    ]
}

/// What happened, step by step.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) at: UnixMillis,
    pub(super) event: Event,
    pub(super) effects: Vec<Effect>,
    pub(super) before: View,
    pub(super) after: View,
}

/// What can be known of a lifecycle from outside, just before or after a step.
#[derive(Clone, Debug, Default)]
pub(super) struct View {
    pub(super) held: Option<TokenSet>,
    pub(super) on_wire: Option<FlightId>,
    pub(super) waiting: BTreeMap<CallId, Want>,
    pub(super) flight: Option<()>,
    pub(super) wakeup: Option<UnixMillis>,
    pub(super) served_until: Option<UnixMillis>,
    pub(super) remembered: Option<TokenError>,
}

impl Step {
    /// Whether the flight that this step sends first was begun in this step.
    pub(super) fn begins(&self) -> bool {
        self.sends().is_some() && (self.before.flight.is_none() || self.lands())
    }

    /// Whether an answer ended the flight.
    fn lands(&self) -> bool {
        matches!(self.answer(), Some(Ok(_)))
    }

    /// The flight whose request is sent.
    pub(super) fn sends(&self) -> Option<FlightId> {
        self.effects.iter().find_map(|effect| if let Effect::Send(id, _) = effect { Some(*id) } else { None })
    }

    /// The answer to the request on the wire, if this step is one.
    pub(super) fn answer(&self) -> Option<&Result<TokenSet, GrantFailure>> {
        let Event::Granted(id, answer) = &self.event else { return None };
        (self.before.on_wire == Some(*id)).then_some(answer)
    }

    /// The callers who are told, and what.
    pub(super) fn settled(&self) -> impl Iterator<Item = (CallId, &Result<TokenSet, TokenError>)> {
        self.effects.iter().filter_map(|effect| {
            if let Effect::Settle(call, answer) = effect { Some((*call, answer)) } else { None }
        })
    }
}

impl Plan {
    /// Everything that happens, with a last `close()`.
    pub(super) fn run(&self) -> Vec<Step> {
        let mut driver = Driver::new(self.lifecycle());
        for act in &self.acts {
            driver.perform(act);
        }
        driver.tell(Event::Closed);
        driver.steps
    }

    /// What the same lifecycle does when it is told `events` instead.
    pub(super) fn replay(&self, events: impl Iterator<Item = (UnixMillis, Event)>) -> Vec<Vec<Effect>> {
        let mut machine = self.lifecycle();
        events.map(|(at, event)| machine.handle(event, at)).collect()
    }

    fn lifecycle(&self) -> Lifecycle {
        Lifecycle::new(self.policy.clone(), scopes(&["A"]), Jitter::new(self.seed))
    }
}

struct Driver {
    machine: Lifecycle,
    now: UnixMillis,
    view: View,
    calls: u64,
    last_sent: u64,
    /// Every token there ever was.
    tokens: Vec<TokenSet>,
    steps: Vec<Step>,
}

impl Driver {
    fn new(machine: Lifecycle) -> Self {
        let (tokens, steps) = (Vec::new(), Vec::new());
        Self { machine, now: START, view: View::default(), calls: 0, last_sent: 0, tokens, steps }
    }

    fn perform(&mut self, act: &Act) {
        let event = match act {
            Act::Pass(span) => {
                self.now = self.now + *span;
                return;
            }
            Act::Alarm => {
                self.now = self.machine.next_wakeup().map_or(self.now, |at| at.max(self.now));
                Event::Woke
            }
            Act::Wake => Event::Woke,
            Act::Ask(want) => {
                self.calls += 1;
                Event::Requested(CallId(self.calls), want.clone())
            }
            Act::Abandon(index) if self.calls > 0 => {
                Event::Abandoned(CallId(1 + index.index(usize::try_from(self.calls).unwrap_or(1)) as u64))
            }
            Act::Abandon(_) => return,
            Act::Use => Event::Used,
            Act::Refuse(known) => {
                let token = self.known(known);
                Event::Invalidated(token.map_or(AccessToken::new("strange"), |it| it.access_token))
            }
            Act::See(known, grown) => match self.known(known) {
                Some(token) => Event::Observed(TokenSet { issued_at: self.now, ..token }),
                None => Event::Observed(self.grow(grown)),
            },
            Act::Answer(reply) => {
                let Some(id) = self.view.on_wire else { return };
                Event::Granted(id, self.reply(reply))
            }
            Act::AnswerElsewhere(back, reply) => {
                let id = FlightId((self.last_sent + 4).saturating_sub(*back));
                if self.view.on_wire == Some(id) {
                    return;
                }
                Event::Granted(id, self.reply(reply))
            }
            Act::Close => Event::Closed,
        };
        self.tell(event);
    }

    fn known(&self, known: &Known) -> Option<TokenSet> {
        match known {
            Known::Held => self.machine.held().cloned(),
            Known::Any(index) => (!self.tokens.is_empty()).then(|| index.get(&self.tokens).clone()),
            Known::New => None,
        }
    }

    fn reply(&mut self, reply: &Reply) -> Result<TokenSet, GrantFailure> {
        match reply {
            Reply::Token(grown) => Ok(self.grow(grown)),
            Reply::Stale => {
                let plain =
                    Grown { lifetime: millis(1), stamped: None, refresh_token: Some(()), scopes: None };
                Ok(TokenSet { expires_at: self.now, ..self.grow(&plain) })
            }
            Reply::Transient(retry_after) => {
                let error = TokenError { retry_after: *retry_after, ..failure(ErrorCode::Server) };
                Err(GrantFailure::Transient(error))
            }
            Reply::RefreshTokenRefused => {
                Err(GrantFailure::RefreshTokenRefused(failure(ErrorCode::InvalidCredentials)))
            }
            Reply::Permanent => Err(GrantFailure::Permanent(failure(ErrorCode::InvalidCredentials))),
        }
    }

    fn grow(&mut self, grown: &Grown) -> TokenSet {
        let name = format!("token {}", self.tokens.len());
        let provider_time = |off: i64| self.now.shifted(Skew::new(off * 1000));
        let token = TokenSet {
            refresh_token: grown.refresh_token.map(|()| RefreshToken::new(name.clone())),
            access_token: AccessToken::new(name),
            scopes: grown.scopes.clone(),
            issued_at: self.now,
            expires_at: self.now + grown.lifetime,
            provider_clock: Skew::default(),
            stamp: Stamp { issued_at: grown.stamped.map(provider_time), expires_at: None },
        };
        self.tokens.push(token.clone());
        token
    }

    fn tell(&mut self, event: Event) {
        let before = self.view.clone();
        let effects = self.machine.handle(event.clone(), self.now);
        self.account(&event, &effects);
        let after = self.view.clone();
        self.steps.push(Step { at: self.now, event, effects, before, after });
    }

    fn account(&mut self, event: &Event, effects: &[Effect]) {
        let View { on_wire, waiting, .. } = &mut self.view;
        match event {
            Event::Requested(call, want) => drop(waiting.insert(*call, want.clone())),
            Event::Abandoned(call) => drop(waiting.remove(call)),
            Event::Granted(id, _) if *on_wire == Some(*id) => *on_wire = None,
            Event::Granted(..)
            | Event::Used
            | Event::Invalidated(_)
            | Event::Observed(_)
            | Event::Woke
            | Event::Closed => {}
        }
        for effect in effects {
            match effect {
                Effect::Settle(call, _) => drop(waiting.remove(call)),
                Effect::Send(id, _) => {
                    *on_wire = Some(*id);
                    self.last_sent = id.0;
                }
                Effect::Cancel(_) => *on_wire = None,
                Effect::Notify(_) => {}
            }
        }
        let status = self.machine.status(self.now);
        self.view.held = self.machine.held().cloned();
        self.view.flight = status.refreshing.then_some(());
        self.view.wakeup = self.machine.next_wakeup();
        self.view.served_until = self.machine.served_until();
        self.view.remembered = status.last_error;
    }
}
