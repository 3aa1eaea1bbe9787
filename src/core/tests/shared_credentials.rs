//! Credentials that all sessions of a manager present: refused ones are presented twice in all, by whichever sessions.

use proptest::prelude::*;

use super::{START, failure, history::config, millis, scopes, seconds, token};
use crate::core::{
    AcquisitionId, CallId, CredentialId, CredentialSharing, Effect, ErrorCode, Grant, GrantFailure, Identity,
    Input, IoScope, Jitter, Limits, Policy, Pool, PoolEffect, RefreshMode, SessionId, TokenError,
    TokenRequest, UnixMillis,
};

const GOOD: CredentialId = CredentialId(1);
const WRONG: CredentialId = CredentialId(2);
const OTHER: CredentialId = CredentialId(3);

/// A pool with a driver that the test controls.
struct Fixture {
    pool: Pool<u8>,
    now: UnixMillis,
    /// The result of the secret function.
    credentials: CredentialId,
    sent: Vec<(SessionId, AcquisitionId, CredentialId)>,
    presented: usize,
    /// The most requests in flight at a time.
    most_sent: usize,
    calls: u64,
    answers: Vec<Result<(), ErrorCode>>,
}

/// The provider's response to the credentials.
#[derive(Clone, Copy, Debug)]
enum Response {
    Rejected,
    IdentityRejected,
    Unavailable,
    Accepted,
}

impl Fixture {
    fn new(io_scope: IoScope) -> Self {
        Self::sharing(CredentialSharing::Shared, io_scope)
    }

    fn sharing(credentials: CredentialSharing, io_scope: IoScope) -> Self {
        let policy = Policy { refresh: RefreshMode::Always, io_scope, ..Policy::default() };
        let limits = Limits { credentials, ..Limits::default() };
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
        self.call_with("A", user, request);
    }

    fn call_with(&mut self, scope: &str, user: u8, request: TokenRequest) {
        let session = self.pool.open(Identity::new([user; 16]), &scopes(&[scope]), user, self.now);
        self.calls += 1;
        self.handle(session, Input::Requested(CallId(self.calls), request));
    }

    fn call(&mut self, user: u8) {
        self.call_for(user, TokenRequest::DEFAULT);
    }

    /// Answers the oldest request.
    fn answer(&mut self, said: Response) {
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
            Response::Accepted if credentials == GOOD => Ok(accepted()),
            Response::Accepted | Response::Rejected => Err(GrantFailure::Permanent(refused())),
            Response::IdentityRejected => Err(GrantFailure::IdentityRejected(refused())),
            Response::Unavailable => Err(GrantFailure::Transient(failure(ErrorCode::Server))),
        };
        self.handle(session, Input::Granted(acquisition, result));
    }

    fn answer_all(&mut self, said: Response) {
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
                | Effect::Revoke(_)
                | Effect::ReportCleared(_)
                | Effect::Emit(_) => {}
            }
        }
        assert!(self.pool.poll_timeout().is_none_or(|at| at > self.now), "a timeout in the past");
    }

    fn send(&mut self, session: SessionId, acquisition: AcquisitionId, grant: &Grant) {
        if *grant == Grant::AuthenticateIfChanged(self.credentials) {
            self.handle(session, Input::Granted(acquisition, Err(GrantFailure::Unchanged)));
            return;
        }
        self.presented += 1;
        self.sent.push((session, acquisition, self.credentials));
        self.most_sent = self.most_sent.max(self.sent.len());
        self.handle(session, Input::CredentialsPresented(acquisition, self.credentials));
    }

    /// Advances the time, and fires the timer whenever it is due.
    fn pass(&mut self, span: std::time::Duration) {
        let end = self.now + span;
        while let Some(timeout) = self.pool.poll_timeout().filter(|at| *at <= end) {
            self.now = timeout;
            let effects = self.pool.timer_fired(self.now);
            self.perform(effects);
        }
        self.now = end;
    }
}

#[test]
fn right_credentials_are_presented_twice_before_all_sessions_present_them() {
    let mut fixture = Fixture::new(IoScope::Process);
    fixture.credentials = GOOD;
    (0..100).for_each(|user| fixture.call(user));
    assert_eq!(fixture.sent.len(), 2);

    fixture.answer(Response::Accepted);

    assert_eq!(fixture.sent.len(), 32);
    fixture.answer_all(Response::Accepted);
    assert_eq!((fixture.presented, fixture.answers.len()), (100, 100));
}

#[test]
fn a_provider_out_of_order_delays_no_session_by_each_of_the_others() {
    let mut fixture = Fixture::new(IoScope::Process);
    fixture.credentials = GOOD;
    (0..100).for_each(|user| fixture.call(user));

    // Each failure lets one more ask: four after the first two, eight after all of these.
    let rounds: Vec<_> = (0..4)
        .map(|_| {
            let sent = fixture.sent.len();
            (0..sent).for_each(|_| fixture.answer(Response::Unavailable));
            sent
        })
        .collect();

    assert_eq!(rounds, [2, 4, 8, 16]);
}

#[test]
fn a_refresh_of_one_session_presents_refused_credentials_and_frees_the_others_if_they_are_accepted() {
    let mut fixture = Fixture::new(IoScope::Process);
    fixture.credentials = GOOD;
    (0..10).for_each(|user| fixture.call(user));
    fixture.answer_all(Response::Rejected);
    assert_eq!(fixture.presented, 2);

    fixture.call_for(7, TokenRequest::Forced);
    fixture.answer_all(Response::Rejected);
    assert_eq!(fixture.presented, 3);
    fixture.call_for(7, TokenRequest::Forced);
    fixture.answer_all(Response::Accepted);
    fixture.pass(seconds(120));
    fixture.call(3);
    fixture.answer_all(Response::Accepted);

    assert_eq!(fixture.answers.last(), Some(&Ok(())));
}

#[test]
fn refused_users_do_not_count_against_the_credentials() {
    let mut fixture = Fixture::new(IoScope::Process);
    fixture.credentials = GOOD;
    for user in 0..10 {
        fixture.call(user);
        fixture.answer_all(Response::IdentityRejected);
    }

    fixture.call(11);
    fixture.answer_all(Response::Accepted);

    assert_eq!((fixture.presented, fixture.answers.last()), (11, Some(&Ok(()))));
}

#[test]
fn background_refreshes_go_on_when_other_credentials_are_accepted() {
    let mut fixture = Fixture::new(IoScope::Process);
    fixture.credentials = GOOD;
    (0..4).for_each(|user| fixture.call(user));
    fixture.answer_all(Response::Accepted);
    // Rotated to wrong ones, which the refreshes of the background present.
    fixture.credentials = WRONG;
    for _ in 0..600 {
        fixture.pass(seconds(1));
        fixture.answer_all(Response::Rejected);
    }
    assert_eq!(fixture.pool.poll_timeout().filter(|at| *at < fixture.now + seconds(300)), None);

    fixture.credentials = GOOD;
    let before = fixture.presented;
    fixture.call(0);
    fixture.answer_all(Response::Accepted);

    assert_eq!(fixture.presented, before + 4, "the caller's session, and the others in the background");
}

#[test]
fn where_requests_end_with_their_callers_no_session_waits_for_another_and_later_ones_are_withheld() {
    let mut fixture = Fixture::new(IoScope::Request);
    (0..5).for_each(|user| fixture.call(user));
    assert_eq!(fixture.sent.len(), 5);
    fixture.answer_all(Response::Rejected);

    (5..50).for_each(|user| fixture.call(user));

    assert_eq!(fixture.presented, 5);
    assert_eq!(fixture.answers.len(), 50);
}

/// Calls of one user, with time for each cool-down to end.
fn calls_of(fixture: &mut Fixture, user: u8, said: Response) {
    for scope in ["A", "B", "A", "B"] {
        fixture.call_with(scope, user, TokenRequest::DEFAULT);
        fixture.answer_all(said);
        fixture.pass(seconds(600));
        fixture.answer_all(said);
    }
}

#[test]
fn rejections_count_for_each_identity_where_it_has_credentials_of_its_own() {
    let mut fixture = Fixture::sharing(CredentialSharing::ByIdentity, IoScope::Process);

    // Both users present the same password, which says nothing of the other.
    calls_of(&mut fixture, 1, Response::Rejected);
    assert_eq!(fixture.presented, 2);
    calls_of(&mut fixture, 2, Response::Rejected);
    assert_eq!(fixture.presented, 4);

    // The success of a third one releases neither.
    fixture.credentials = GOOD;
    fixture.call(3);
    fixture.answer_all(Response::Accepted);
    assert_eq!((fixture.presented, fixture.answers.last()), (5, Some(&Ok(()))));
    let before = fixture.answers.len();
    fixture.credentials = WRONG;
    fixture.call(1);
    fixture.call_with("B", 2, TokenRequest::DEFAULT);
    assert_eq!((fixture.presented, fixture.answers.len()), (5, before + 2));

    // Another password of the same user is presented, as soon as the failure is not remembered any more.
    fixture.credentials = OTHER;
    fixture.pass(seconds(60));
    fixture.call(1);
    assert_eq!(fixture.presented, 6);
}

#[test]
fn the_history_of_an_identity_is_that_of_its_sessions_alone() {
    let mut fixture = Fixture::sharing(CredentialSharing::ByIdentity, IoScope::Process);
    fixture.credentials = GOOD;
    fixture.call(1);
    fixture.answer_all(Response::Accepted);

    // Credentials that are proven by one user are not proven for another. Within the lifetime of the first token.
    for _ in 0..5 {
        fixture.call(2);
        fixture.answer_all(Response::Rejected);
        fixture.pass(seconds(25));
    }
    assert_eq!(fixture.presented, 3);
}

#[test]
fn credentials_of_identities_are_presented_twice_at_a_time_until_some_are_accepted() {
    let mut fixture = Fixture::sharing(CredentialSharing::ByIdentity, IoScope::Process);
    fixture.credentials = GOOD;
    (0..100).for_each(|user| fixture.call(user));
    assert_eq!(fixture.sent.len(), 2);
    fixture.answer(Response::Rejected);
    fixture.answer(Response::Rejected);
    assert_eq!(fixture.sent.len(), 1);

    fixture.answer(Response::Accepted);

    assert_eq!(fixture.sent.len(), 32);
    fixture.answer_all(Response::Accepted);
    assert_eq!(fixture.answers.len(), 100);
}

/// Something that happens.
#[derive(Clone, Debug)]
enum Act {
    Call(u8),
    Answer(Response),
    Pass(u64),
    Change(CredentialId),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let said = prop_oneof![
        4 => Just(Response::Rejected),
        1 => Just(Response::IdentityRejected),
        1 => Just(Response::Unavailable),
        2 => Just(Response::Accepted),
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
        let mut fixture = Fixture::new(IoScope::Process);
        // Rejections of the credentials that were rejected last, until some are accepted or something else fails.
        let (mut last, mut rejections, mut is_proven, mut others) = (WRONG, 0_usize, false, 0_usize);
        for act in acts {
            match act {
                Act::Call(user) => fixture.call(user),
                Act::Pass(span) => fixture.pass(millis(span)),
                Act::Change(credentials) => fixture.credentials = credentials,
                Act::Answer(said) => {
                    let Some((_, _, credentials)) = fixture.sent.first().copied() else { continue };
                    let is_accepted = matches!(said, Response::Accepted) && credentials == GOOD;
                    is_proven |= is_accepted;
                    match said {
                        Response::Unavailable | Response::IdentityRejected => others += 1,
                        Response::Rejected | Response::Accepted if is_accepted => rejections = 0,
                        Response::Rejected | Response::Accepted => {
                            rejections = if last == credentials { rejections + 1 } else { 1 };
                            last = credentials;
                        }
                    }
                    fixture.answer(said);
                }
            }
            if !is_proven {
                prop_assert!(fixture.sent.len() <= 2 + others, "{} sent at a time", fixture.sent.len());
                prop_assert!(others > 0 || rejections <= 2, "{rejections} rejections");
            }
        }

        // Whatever has happened, right credentials serve every caller in the end.
        fixture.answer_all(Response::Unavailable);
        fixture.credentials = GOOD;
        fixture.pass(seconds(3600));
        fixture.answer_all(Response::Accepted);
        let before = fixture.answers.len();
        for user in 0..20 {
            fixture.call_for(user, TokenRequest::Forced);
            fixture.answer_all(Response::Accepted);
        }
        prop_assert!(fixture.answers[before..].iter().all(Result::is_ok));
        prop_assert_eq!(fixture.answers.len() as u64, fixture.calls);
    }
}
