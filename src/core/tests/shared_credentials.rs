//! Credentials that all sessions of a manager present: refused ones are presented twice in all, by whichever sessions.

use proptest::prelude::*;

use super::{START, failure, history::config, millis, scopes, seconds, token};
use crate::core::{
    AcquisitionId, CallId, CredentialId, Effect, ErrorCode, Grant, GrantFailure, Identity, Input, IoScope,
    Jitter, Limits, Policy, Pool, PoolEffect, Presented, RefreshMode, SessionId, TokenError, TokenRequest,
    UnixMillis,
};

const GOOD: CredentialId = CredentialId(1);
const WRONG: CredentialId = CredentialId(2);
const OTHER: CredentialId = CredentialId(3);

/// A manager whose requests are answered when the test says so.
struct Bench {
    pool: Pool<u8>,
    now: UnixMillis,
    /// What the secret function gives.
    credentials: CredentialId,
    sent: Vec<(SessionId, AcquisitionId, CredentialId)>,
    presented: usize,
    /// The most requests that were on the wire at a time.
    most_sent: usize,
    calls: u64,
    answers: Vec<Result<(), ErrorCode>>,
}

/// What the provider says of the credentials.
#[derive(Clone, Copy, Debug)]
enum Said {
    Rejected,
    IdentityRejected,
    Unavailable,
    Accepted,
}

impl Bench {
    fn new(io_scope: IoScope) -> Self {
        let policy = Policy { refresh: RefreshMode::Always, io_scope, ..Policy::default() };
        let limits = Limits { credentials: Presented::Shared, ..Limits::default() };
        let own = (Identity::new([0; 16]), scopes(&["A"]), 0);
        Self {
            pool: Pool::new(policy, limits, Jitter::new(1), own, START),
            now: START,
            credentials: WRONG,
            sent: Vec::new(),
            presented: 0,
            most_sent: 0,
            calls: 0,
            answers: Vec::new(),
        }
    }

    /// A caller of a user's session.
    fn call_for(&mut self, user: u8, request: TokenRequest) {
        let session = self.pool.open(Identity::new([user; 16]), &scopes(&["A"]), user, self.now);
        self.calls += 1;
        self.handle(session, Input::Requested(CallId(self.calls), request));
    }

    fn call(&mut self, user: u8) {
        self.call_for(user, TokenRequest::DEFAULT);
    }

    /// Answers the oldest request.
    fn answer(&mut self, said: Said) {
        if self.sent.is_empty() {
            return;
        }
        let (session, acquisition, credentials) = self.sent.remove(0);
        let accepted = || {
            let mut tokens = token(&format!("token {}", self.presented), self.now, seconds(180));
            std::rc::Rc::make_mut(&mut tokens).refresh_token = None;
            tokens
        };
        let refused = || failure(ErrorCode::InvalidCredentials);
        let result = match said {
            Said::Accepted if credentials == GOOD => Ok(accepted()),
            Said::Accepted | Said::Rejected => Err(GrantFailure::Permanent(refused())),
            Said::IdentityRejected => Err(GrantFailure::IdentityRejected(refused())),
            Said::Unavailable => Err(GrantFailure::Transient(failure(ErrorCode::Server))),
        };
        self.handle(session, Input::Granted(acquisition, result));
    }

    fn answer_all(&mut self, said: Said) {
        while !self.sent.is_empty() {
            self.answer(said);
        }
    }

    fn handle(&mut self, session: SessionId, input: Input) {
        let effects = self.pool.handle(session, input, self.now);
        self.perform(effects);
    }

    fn perform(&mut self, effects: Vec<PoolEffect>) {
        for effect in effects {
            let PoolEffect::Session(session, effect) = effect else { continue };
            match effect {
                Effect::Send(acquisition, grant) => self.send(session, acquisition, &grant),
                Effect::Resolve(_, answer) => {
                    self.answers.push(answer.map(drop).map_err(|error: TokenError| error.code));
                }
                Effect::Cancel(acquisition) => {
                    self.sent.retain(|sent| (sent.0, sent.1) != (session, acquisition))
                }
                Effect::ReadStore(_)
                | Effect::AcquireLease(_)
                | Effect::WriteStore(..)
                | Effect::ReleaseLease(_)
                | Effect::Emit(_) => {}
            }
        }
        assert!(self.pool.poll_timeout().is_none_or(|at| at > self.now), "an alarm in the past");
    }

    fn send(&mut self, session: SessionId, acquisition: AcquisitionId, grant: &Grant) {
        if *grant == Grant::AuthenticateIfChanged(self.credentials) {
            self.handle(session, Input::Granted(acquisition, Err(GrantFailure::Unchanged)));
            return;
        }
        self.presented += 1;
        self.sent.push((session, acquisition, self.credentials));
        self.most_sent = self.most_sent.max(self.sent.len());
        self.handle(session, Input::Presented(acquisition, self.credentials));
    }

    /// Lets time pass, with the alarms that go off meanwhile.
    fn pass(&mut self, span: std::time::Duration) {
        let end = self.now + span;
        while let Some(alarm) = self.pool.poll_timeout().filter(|at| *at <= end) {
            self.now = alarm;
            let effects = self.pool.timer_fired(self.now);
            self.perform(effects);
        }
        self.now = end;
    }
}

#[test]
fn a_hundred_sessions_present_wrong_credentials_twice_in_all() {
    let mut bench = Bench::new(IoScope::Process);
    for user in 0..100 {
        bench.call(user);
    }
    bench.answer_all(Said::Rejected);

    for _ in 0..60 {
        bench.pass(seconds(60));
        (0..100).for_each(|user| bench.call(user));
        bench.answer_all(Said::Rejected);
    }

    assert_eq!((bench.presented, bench.most_sent), (2, 2));
    assert_eq!(bench.answers.len(), 6_100);
    assert!(bench.answers.iter().all(|answer| *answer == Err(ErrorCode::InvalidCredentials)));
}

#[test]
fn right_credentials_are_presented_twice_before_all_sessions_present_them() {
    let mut bench = Bench::new(IoScope::Process);
    bench.credentials = GOOD;
    (0..100).for_each(|user| bench.call(user));
    assert_eq!(bench.sent.len(), 2);

    bench.answer(Said::Accepted);

    assert_eq!(bench.sent.len(), 32);
    bench.answer_all(Said::Accepted);
    assert_eq!((bench.presented, bench.answers.len()), (100, 100));
}

#[test]
fn a_provider_out_of_order_delays_no_session_by_each_of_the_others() {
    let mut bench = Bench::new(IoScope::Process);
    bench.credentials = GOOD;
    (0..100).for_each(|user| bench.call(user));

    // Each failure lets one more ask: four after the first two, eight after all of these.
    let rounds: Vec<_> = (0..4)
        .map(|_| {
            let sent = bench.sent.len();
            (0..sent).for_each(|_| bench.answer(Said::Unavailable));
            sent
        })
        .collect();

    assert_eq!(rounds, [2, 4, 8, 16]);
}

#[test]
fn other_credentials_are_presented_and_free_the_sessions() {
    let mut bench = Bench::new(IoScope::Process);
    (0..10).for_each(|user| bench.call(user));
    bench.answer_all(Said::Rejected);
    bench.credentials = GOOD;
    bench.pass(seconds(60));

    (0..10).for_each(|user| bench.call(user));
    bench.answer_all(Said::Accepted);

    assert_eq!(bench.presented, 2 + 10);
    assert_eq!(bench.answers.iter().filter(|answer| answer.is_ok()).count(), 10);
}

#[test]
fn a_refresh_of_one_session_presents_refused_credentials_and_frees_the_others_if_they_are_accepted() {
    let mut bench = Bench::new(IoScope::Process);
    bench.credentials = GOOD;
    (0..10).for_each(|user| bench.call(user));
    bench.answer_all(Said::Rejected);
    assert_eq!(bench.presented, 2);

    bench.call_for(7, TokenRequest::Forced);
    bench.answer_all(Said::Rejected);
    assert_eq!(bench.presented, 3);
    bench.call_for(7, TokenRequest::Forced);
    bench.answer_all(Said::Accepted);
    bench.pass(seconds(120));
    bench.call(3);
    bench.answer_all(Said::Accepted);

    assert_eq!(bench.answers.last(), Some(&Ok(())));
}

#[test]
fn refused_users_do_not_count_against_the_credentials() {
    let mut bench = Bench::new(IoScope::Process);
    bench.credentials = GOOD;
    for user in 0..10 {
        bench.call(user);
        bench.answer_all(Said::IdentityRejected);
    }

    bench.call(11);
    bench.answer_all(Said::Accepted);

    assert_eq!((bench.presented, bench.answers.last()), (11, Some(&Ok(()))));
}

#[test]
fn background_refreshes_go_on_when_other_credentials_are_accepted() {
    let mut bench = Bench::new(IoScope::Process);
    bench.credentials = GOOD;
    (0..4).for_each(|user| bench.call(user));
    bench.answer_all(Said::Accepted);
    // Rotated to wrong ones, which the refreshes of the background present.
    bench.credentials = WRONG;
    for _ in 0..600 {
        bench.pass(seconds(1));
        bench.answer_all(Said::Rejected);
    }
    assert_eq!(bench.pool.poll_timeout().filter(|at| *at < bench.now + seconds(300)), None);

    bench.credentials = GOOD;
    let before = bench.presented;
    bench.call(0);
    bench.answer_all(Said::Accepted);

    assert_eq!(bench.presented, before + 4, "the caller's session, and the others in the background");
}

#[test]
fn where_requests_end_with_their_callers_no_session_waits_for_another_and_later_ones_are_withheld() {
    let mut bench = Bench::new(IoScope::Request);
    (0..5).for_each(|user| bench.call(user));
    assert_eq!(bench.sent.len(), 5);
    bench.answer_all(Said::Rejected);

    (5..50).for_each(|user| bench.call(user));

    assert_eq!(bench.presented, 5);
    assert_eq!(bench.answers.len(), 50);
}

/// Something that happens.
#[derive(Clone, Debug)]
enum Act {
    Call(u8),
    Answer(Said),
    Pass(u64),
    Change(CredentialId),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let said = prop_oneof![
        4 => Just(Said::Rejected),
        1 => Just(Said::IdentityRejected),
        1 => Just(Said::Unavailable),
        2 => Just(Said::Accepted),
    ];
    let act = prop_oneof![
        6 => (0..20_u8).prop_map(Act::Call),
        4 => said.prop_map(Act::Answer),
        2 => (1..100_000_u64).prop_map(Act::Pass),
        1 => prop_oneof![Just(GOOD), Just(WRONG), Just(OTHER)].prop_map(Act::Change),
    ];
    prop::collection::vec(act, 1..150)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn unproven_credentials_are_presented_twice_by_all_sessions_together(acts in acts()) {
        let mut bench = Bench::new(IoScope::Process);
        // Refusals of the credentials that were refused last, until some are accepted or something else fails.
        let (mut last, mut refusals, mut is_proven, mut others) = (WRONG, 0_usize, false, 0_usize);
        for act in acts {
            match act {
                Act::Call(user) => bench.call(user),
                Act::Pass(span) => bench.pass(millis(span)),
                Act::Change(credentials) => bench.credentials = credentials,
                Act::Answer(said) => {
                    let Some((_, _, credentials)) = bench.sent.first().copied() else { continue };
                    let is_accepted = matches!(said, Said::Accepted) && credentials == GOOD;
                    is_proven |= is_accepted;
                    match said {
                        Said::Unavailable | Said::IdentityRejected => others += 1,
                        Said::Rejected | Said::Accepted if is_accepted => refusals = 0,
                        Said::Rejected | Said::Accepted => {
                            refusals = if last == credentials { refusals + 1 } else { 1 };
                            last = credentials;
                        }
                    }
                    bench.answer(said);
                }
            }
            if !is_proven {
                prop_assert!(bench.sent.len() <= 2 + others, "{} sent at a time", bench.sent.len());
                prop_assert!(others > 0 || refusals <= 2, "{refusals} refusals");
            }
        }

        // Whatever has happened, right credentials serve every caller in the end.
        bench.answer_all(Said::Unavailable);
        bench.credentials = GOOD;
        bench.pass(seconds(3600));
        bench.answer_all(Said::Accepted);
        let before = bench.answers.len();
        for user in 0..20 {
            bench.call_for(user, TokenRequest::Forced);
            bench.answer_all(Said::Accepted);
        }
        prop_assert!(bench.answers[before..].iter().all(Result::is_ok));
        prop_assert_eq!(bench.answers.len() as u64, bench.calls);
    }
}
