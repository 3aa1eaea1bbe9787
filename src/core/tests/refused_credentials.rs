//! Credentials that the provider refuses: presented again after growing intervals where they have worked,
//! twice in all where they have not, and at once where they changed.

use std::rc::Rc;

use proptest::prelude::*;

use super::{START, failure, history::config, millis, seconds, token};
use crate::core::{
    AcquisitionId, CallId, CredentialId, Effect, ErrorCode, Event, Grant, GrantFailure, Input, Jitter,
    Policy, RefreshMode, ScopeSet, Session, TokenError, TokenRequest, TokenSet, UnixMillis,
};

/// A session, and a provider and a driver that do as they are told.
struct Bench {
    machine: Session,
    now: UnixMillis,
    /// What the secret function gives.
    credentials: CredentialId,
    /// Those that the provider accepts.
    accepted: Option<CredentialId>,
    presented: Vec<(UnixMillis, CredentialId)>,
    /// Whether each of these was accepted.
    outcomes: Vec<bool>,
    answers: Vec<Result<Rc<TokenSet>, TokenError>>,
    token_still_valid: Vec<bool>,
    calls: u64,
}

const GOOD: CredentialId = CredentialId(1);
const OTHER: CredentialId = CredentialId(2);

impl Bench {
    fn new(refresh: RefreshMode, seed: u64) -> Self {
        let policy = Policy { refresh, ..Policy::default() };
        Self {
            machine: Session::new(policy, ScopeSet::default(), Jitter::new(seed)),
            now: START,
            credentials: GOOD,
            accepted: None,
            presented: Vec::new(),
            outcomes: Vec::new(),
            answers: Vec::new(),
            token_still_valid: Vec::new(),
            calls: 0,
        }
    }

    /// One whose credentials have brought a token of three minutes.
    fn proven(refresh: RefreshMode, seed: u64) -> Self {
        let mut bench = Self::new(refresh, seed);
        bench.accepted = Some(GOOD);
        bench.call(TokenRequest::DEFAULT);
        bench.accepted = None;
        bench.presented.clear();
        bench
    }

    fn call(&mut self, want: TokenRequest) {
        self.calls += 1;
        self.handle(Input::Requested(CallId(self.calls), want));
    }

    fn handle(&mut self, event: Input) {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            for effect in self.machine.handle(event, self.now) {
                match effect {
                    Effect::Send(flight, grant) => {
                        events.extend(self.answered(flight, &grant).into_iter().rev())
                    }
                    Effect::Resolve(_, answer) => self.answers.push(answer),
                    Effect::Emit(Event::Error { token_still_valid, .. }) => {
                        self.token_still_valid.push(token_still_valid)
                    }
                    Effect::Cancel(_)
                    | Effect::ReadStore(_)
                    | Effect::AcquireLease(_)
                    | Effect::WriteStore(..)
                    | Effect::ReleaseLease(_)
                    | Effect::Emit(_) => {}
                }
            }
        }
    }

    fn answered(&mut self, flight: AcquisitionId, grant: &Grant) -> Vec<Input> {
        if *grant == Grant::AuthenticateIfChanged(self.credentials) {
            return vec![Input::Granted(flight, Err(GrantFailure::Unchanged))];
        }
        self.presented.push((self.now, self.credentials));
        self.outcomes.push(self.accepted == Some(self.credentials));
        let answer = if self.accepted == Some(self.credentials) {
            let mut tokens = token(&self.presented.len().to_string(), self.now, seconds(180));
            Rc::make_mut(&mut tokens).refresh_token = None;
            Ok(tokens)
        } else {
            Err(GrantFailure::Permanent(failure(ErrorCode::InvalidCredentials)))
        };
        vec![Input::Presented(flight, self.credentials), Input::Granted(flight, answer)]
    }

    /// Lets time pass, with the alarms that go off meanwhile.
    fn pass(&mut self, span: std::time::Duration) {
        let end = self.now + span;
        while let Some(alarm) = self.machine.poll_timeout().filter(|at| *at <= end) {
            self.now = alarm;
            self.handle(Input::TimerFired);
        }
        self.now = end;
        self.handle(Input::TimerFired);
    }

    fn last_code(&self) -> Option<ErrorCode> {
        self.answers.last()?.as_ref().err().map(|error| error.code)
    }
}

#[test]
fn proven_credentials_are_presented_again_after_fifteen_seconds_one_four_and_then_fifteen_minutes() {
    for seed in 0..20 {
        let mut bench = Bench::proven(RefreshMode::Always, seed);

        bench.pass(seconds(4 * 3600));

        let times: Vec<_> = bench.presented.iter().map(|(at, _)| *at).collect();
        let pauses: Vec<_> = times.windows(2).map(|pair| pair[1].since(pair[0]).as_secs_f64()).collect();
        for (place, pause) in pauses.iter().enumerate() {
            let least = [15.0, 60.0, 240.0].get(place).copied().unwrap_or(900.0);
            assert!((least..=least * 1.2 + 0.001).contains(pause), "{place}: {pause} s");
        }
        assert!(times.len() > 14, "it goes on: {times:?}");
        // The first refusals came while the token was valid.
        assert_eq!(bench.token_still_valid.first(), Some(&true));
        assert_eq!(bench.token_still_valid.last(), Some(&false));
    }
}

#[test]
fn one_refusal_is_not_the_end() {
    let mut bench = Bench::proven(RefreshMode::Always, 1);
    bench.pass(seconds(140));
    assert_eq!(bench.presented.len(), 1);

    bench.accepted = Some(GOOD);
    bench.pass(seconds(20));

    assert_eq!(bench.presented.len(), 2);
    assert_eq!(bench.machine.held().map(|held| held.access_token.expose()), Some("2"));
    assert_eq!(bench.machine.status(bench.now).last_error, None);
}

#[test]
fn callers_cause_no_more_presentations_of_proven_credentials_than_the_background() {
    for refresh in [RefreshMode::Always, RefreshMode::WhileUsed, RefreshMode::OnDemand] {
        let mut bench = Bench::proven(refresh, 1);

        for _ in 0..3600 {
            bench.pass(seconds(1));
            bench.call(TokenRequest::DEFAULT);
        }

        // The first after two minutes; 15 s, 1, 4, 15, 15 and 15 minutes, a tenth more each.
        assert!((6..=8).contains(&bench.presented.len()), "{refresh:?} {:?}", bench.presented);
        assert_eq!(bench.last_code(), Some(ErrorCode::InvalidCredentials));
    }
}

#[test]
fn credentials_that_never_worked_are_presented_twice() {
    let mut bench = Bench::new(RefreshMode::Always, 1);

    for _ in 0..3600 {
        bench.call(TokenRequest::DEFAULT);
        bench.pass(seconds(1));
    }

    assert_eq!(bench.presented.len(), 2);
    assert_eq!(bench.last_code(), Some(ErrorCode::InvalidCredentials));
    assert_eq!(bench.answers.len(), 3600);
}

#[test]
fn refresh_presents_refused_credentials_now() {
    let mut bench = Bench::new(RefreshMode::Always, 1);
    for _ in 0..60 {
        bench.call(TokenRequest::DEFAULT);
        bench.pass(seconds(1));
    }
    let before = bench.presented.len();

    bench.call(TokenRequest::Forced);
    assert_eq!(bench.presented.len(), before + 1);
    bench.accepted = Some(GOOD);
    bench.call(TokenRequest::Forced);

    assert!(bench.answers.last().is_some_and(Result::is_ok));
}

#[test]
fn other_credentials_are_presented_by_the_next_call_after_the_cool_down() {
    let mut bench = Bench::new(RefreshMode::Always, 1);
    bench.accepted = Some(OTHER);
    for _ in 0..600 {
        bench.call(TokenRequest::DEFAULT);
        bench.pass(seconds(1));
    }
    bench.credentials = OTHER;

    bench.pass(seconds(60));
    bench.call(TokenRequest::DEFAULT);

    assert_eq!(bench.presented.last(), Some(&(bench.now, OTHER)));
    assert!(bench.answers.last().is_some_and(Result::is_ok));
}

#[test]
fn a_token_that_the_api_sent_does_not_end_the_wait() {
    let mut bench = Bench::proven(RefreshMode::Always, 1);
    bench.pass(seconds(400));
    let seen = token("seen", bench.now, seconds(20));

    bench.handle(Input::TokenReceived(seen));
    let before = bench.presented.len();
    bench.pass(seconds(50));

    assert_eq!(bench.presented.len(), before, "{:?}", bench.presented);
}

/// Something that happens to the session.
#[derive(Clone, Debug)]
enum Act {
    Pass(u64),
    Call,
    Event(u64),
    Accept(bool),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => (1_u64..2_000_000).prop_map(Act::Pass),
        4 => (1_u64..20_000).prop_map(Act::Pass),
        8 => Just(Act::Call),
        1 => (1_u64..4).prop_map(Act::Event),
        1 => any::<bool>().prop_map(Act::Accept),
    ];
    prop::collection::vec(act, 1..120)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn refused_credentials_are_never_presented_more_often_than_stated(acts in acts(), seed: u64) {
        let mut bench = Bench::new(RefreshMode::Always, seed);
        for act in acts {
            match act {
                Act::Pass(span) => bench.pass(millis(span)),
                Act::Call => bench.call(TokenRequest::DEFAULT),
                Act::Event(id) => bench.credentials = CredentialId(id),
                Act::Accept(accepts) => bench.accepted = accepts.then_some(bench.credentials),
            }
        }

        // In a row of presentations of the same credentials without a success among them, the pauses grow.
        let mut row: Vec<UnixMillis> = Vec::new();
        let mut proven = None;
        let mut last = None;
        for ((at, id), accepted) in bench.presented.iter().copied().zip(bench.outcomes.iter().copied()) {
            if last != Some(id) {
                row.clear();
            }
            last = Some(id);
            if let Some(before) = row.last() && proven == Some(id) {
                let least = [15, 60, 240].get(row.len() - 1).copied().unwrap_or(900);
                prop_assert!(at.since(*before) >= seconds(least), "{:?} {:?}", bench.presented, bench.outcomes);
            }
            if accepted {
                proven = Some(id);
                row.clear();
            } else {
                row.push(at);
                prop_assert!(proven == Some(id) || row.len() <= 2, "{:?} {:?}", bench.presented, bench.outcomes);
            }
        }
    }
}
