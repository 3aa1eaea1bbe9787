//! Rejected credentials: presented again after growing intervals if they have worked, at most twice if they have not,
//! and at once if they changed.

use std::rc::Rc;

use proptest::prelude::*;

use super::{START, failure, history::config, millis, seconds, token};
use crate::core::{
    AcquisitionId, CallId, CredentialId, Effect, ErrorCode, Event, Grant, GrantFailure, Input, Jitter,
    Policy, RefreshMode, ScopeSet, Session, TokenError, TokenRequest, TokenSet, UnixMillis,
};

/// A session with a scripted provider and driver.
struct Fixture {
    machine: Session,
    now: UnixMillis,
    /// Result of the secret function.
    credentials: CredentialId,
    /// The credentials that the provider accepts.
    accepted: Option<CredentialId>,
    presented: Vec<(UnixMillis, CredentialId)>,
    /// Set for each presentation that was accepted.
    outcomes: Vec<bool>,
    answers: Vec<Result<Rc<TokenSet>, TokenError>>,
    token_still_valid: Vec<bool>,
    calls: u64,
}

const GOOD: CredentialId = CredentialId(1);
const OTHER: CredentialId = CredentialId(2);

impl Fixture {
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

    /// A fixture with credentials that have obtained a token of three minutes.
    fn proven(refresh: RefreshMode, seed: u64) -> Self {
        let mut fixture = Self::new(refresh, seed);
        fixture.accepted = Some(GOOD);
        fixture.call(TokenRequest::DEFAULT);
        fixture.accepted = None;
        fixture.presented.clear();
        fixture
    }

    fn call(&mut self, request: TokenRequest) {
        self.calls += 1;
        self.handle(Input::Requested(CallId(self.calls), request));
    }

    fn handle(&mut self, input: Input) {
        let mut events = vec![input];
        while let Some(input) = events.pop() {
            for effect in self.machine.handle(input, self.now) {
                match effect {
                    Effect::Send(acquisition, grant) => {
                        events.extend(self.answered(acquisition, &grant).into_iter().rev())
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
                    | Effect::Revoke(_)
                    | Effect::ReportCleared(_)
                    | Effect::Emit(_) => {}
                }
            }
        }
    }

    fn answered(&mut self, acquisition: AcquisitionId, grant: &Grant) -> Vec<Input> {
        if *grant == Grant::AuthenticateIfChanged(self.credentials) {
            return vec![Input::Granted(acquisition, Err(GrantFailure::Unchanged))];
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
        vec![Input::CredentialsPresented(acquisition, self.credentials), Input::Granted(acquisition, answer)]
    }

    /// Lets time pass and fires due timers.
    fn pass(&mut self, span: std::time::Duration) {
        let end = self.now + span;
        while let Some(timer) = self.machine.poll_timeout().filter(|at| *at <= end) {
            self.now = timer;
            self.handle(Input::TimerFired);
        }
        self.now = end;
        self.handle(Input::TimerFired);
    }
}

#[test]
fn proven_credentials_are_presented_again_after_fifteen_seconds_one_four_and_then_fifteen_minutes() {
    for seed in 0..20 {
        let mut fixture = Fixture::proven(RefreshMode::Always, seed);

        fixture.pass(seconds(4 * 3600));

        let times: Vec<_> = fixture.presented.iter().map(|(at, _)| *at).collect();
        let delays: Vec<_> = times.windows(2).map(|pair| pair[1].since(pair[0]).as_secs_f64()).collect();
        for (index, pause) in delays.iter().enumerate() {
            let least = [15.0, 60.0, 240.0].get(index).copied().unwrap_or(900.0);
            assert!((least..=least * 1.2 + 0.001).contains(pause), "{index}: {pause} s");
        }
        assert!(times.len() > 14, "it goes on: {times:?}");
        // The first rejections came while the token was valid.
        assert_eq!(fixture.token_still_valid.first(), Some(&true));
        assert_eq!(fixture.token_still_valid.last(), Some(&false));
    }
}

#[test]
fn one_rejection_is_not_permanent() {
    let mut fixture = Fixture::proven(RefreshMode::Always, 1);
    fixture.pass(seconds(140));
    assert_eq!(fixture.presented.len(), 1);

    fixture.accepted = Some(GOOD);
    fixture.pass(seconds(20));

    assert_eq!(fixture.presented.len(), 2);
    assert_eq!(fixture.machine.tokens().map(|held| held.access_token.expose()), Some("2"));
    assert_eq!(fixture.machine.status(fixture.now).last_error, None);
}

#[test]
fn a_forced_refresh_presents_rejected_credentials_at_once() {
    let mut fixture = Fixture::new(RefreshMode::Always, 1);
    for _ in 0..60 {
        fixture.call(TokenRequest::DEFAULT);
        fixture.pass(seconds(1));
    }
    let before = fixture.presented.len();

    fixture.call(TokenRequest::Forced);
    assert_eq!(fixture.presented.len(), before + 1);
    fixture.accepted = Some(GOOD);
    fixture.call(TokenRequest::Forced);

    assert!(fixture.answers.last().is_some_and(Result::is_ok));
}

#[test]
fn changed_credentials_are_presented_by_the_first_call_after_the_cool_down() {
    let mut fixture = Fixture::new(RefreshMode::Always, 1);
    fixture.accepted = Some(OTHER);
    for _ in 0..600 {
        fixture.call(TokenRequest::DEFAULT);
        fixture.pass(seconds(1));
    }
    fixture.credentials = OTHER;

    fixture.pass(seconds(60));
    fixture.call(TokenRequest::DEFAULT);

    assert_eq!(fixture.presented.last(), Some(&(fixture.now, OTHER)));
    assert!(fixture.answers.last().is_some_and(Result::is_ok));
}

#[test]
fn a_received_token_does_not_end_the_wait() {
    let mut fixture = Fixture::proven(RefreshMode::Always, 1);
    fixture.pass(seconds(400));
    let seen = token("seen", fixture.now, seconds(20));

    fixture.handle(Input::TokenReceived(seen));
    let before = fixture.presented.len();
    fixture.pass(seconds(50));

    assert_eq!(fixture.presented.len(), before, "{:?}", fixture.presented);
}

/// A generated operation.
#[derive(Clone, Debug)]
enum Op {
    Pass(u64),
    Call,
    Event(u64),
    Accept(bool),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        4 => (1_u64..2_000_000).prop_map(Op::Pass),
        4 => (1_u64..20_000).prop_map(Op::Pass),
        8 => Just(Op::Call),
        1 => (1_u64..4).prop_map(Op::Event),
        1 => any::<bool>().prop_map(Op::Accept),
    ];
    prop::collection::vec(op, 1..120)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn rejected_credentials_are_never_presented_more_often_than_documented(ops in ops(), seed: u64) {
        let mut fixture = Fixture::new(RefreshMode::Always, seed);
        for op in ops {
            match op {
                Op::Pass(span) => fixture.pass(millis(span)),
                Op::Call => fixture.call(TokenRequest::DEFAULT),
                Op::Event(id) => fixture.credentials = CredentialId(id),
                Op::Accept(accepts) => fixture.accepted = accepts.then_some(fixture.credentials),
            }
        }

        // Within a series of presentations of the same credentials without success, the intervals grow.
        let mut row: Vec<UnixMillis> = Vec::new();
        let mut proven = None;
        let mut last = None;
        for ((at, id), accepted) in fixture.presented.iter().copied().zip(fixture.outcomes.iter().copied()) {
            if last != Some(id) {
                row.clear();
            }
            last = Some(id);
            if let Some(before) = row.last() && proven == Some(id) {
                let least = [15, 60, 240].get(row.len() - 1).copied().unwrap_or(900);
                prop_assert!(at.since(*before) >= seconds(least), "{:?} {:?}", fixture.presented, fixture.outcomes);
            }
            if accepted {
                proven = Some(id);
                row.clear();
            } else {
                row.push(at);
                prop_assert!(proven == Some(id) || row.len() <= 2, "{:?} {:?}", fixture.presented, fixture.outcomes);
            }
        }
    }
}
