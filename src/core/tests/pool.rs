//! Scenarios with several sessions of a pool.

use std::rc::Rc;

use super::{
    START, millis,
    population::{Population, day, herd},
    scopes, seconds, token,
};
use crate::core::{
    AcquisitionId, Borrowing, CallId, Effect, ErrorCode, Event, Fence, Identity, Input, Jitter, Limits,
    Policy, Pool, PoolEffect, RefreshMode, SessionId, Sharing, TokenRequest, TokenSet, UnixMillis,
};

mod borrowing;

const LIFETIME: u64 = 180;

/// A pool and its driver. The context of a session is the number of its identity.
struct Fixture {
    pool: Pool<u8>,
    now: UnixMillis,
    calls: u64,
    tokens: u64,
    effects: Vec<PoolEffect>,
}

impl Fixture {
    fn new(limits: Limits) -> Self {
        Self::of(Policy::default(), limits)
    }

    fn of(policy: Policy, limits: Limits) -> Self {
        let own = (identity(0), scopes(&["A"]), 0);
        let pool = Pool::new(policy, limits, Jitter::new(1), own, START);
        Self { pool, now: START, calls: 0, tokens: 0, effects: Vec::new() }
    }

    fn open(&mut self, number: u8, names: &[&str]) -> SessionId {
        self.pool.open(identity(number), &scopes(names), number, self.now)
    }

    fn handle(&mut self, session: SessionId, input: Input) {
        self.effects = self.pool.handle(session, input, self.now);
        assert!(self.pool.poll_timeout().is_none_or(|at| at > self.now), "a timer in the past");
    }

    fn request_with(&mut self, session: SessionId, request: TokenRequest) -> CallId {
        self.calls += 1;
        let call = CallId(self.calls);
        self.handle(session, Input::Requested(call, request));
        call
    }

    fn request(&mut self, session: SessionId) -> CallId {
        self.request_with(session, TokenRequest::DEFAULT)
    }

    /// Requests a token from the session of an identity with one scope, and returns the session.
    fn request_from(&mut self, number: u8) -> SessionId {
        let session = self.open(number, &["A"]);
        self.request(session);
        session
    }

    /// Answers the acquisition of a session with a token of these scopes.
    fn grant(&mut self, session: SessionId, acquisition: u64, granted: Option<&[&str]>) -> Rc<TokenSet> {
        self.tokens += 1;
        let scopes = granted.map(scopes);
        let mut granted = token(&format!("token {}", self.tokens), self.now, seconds(LIFETIME));
        Rc::make_mut(&mut granted).scopes = scopes;
        self.handle(session, Input::Granted(AcquisitionId(acquisition), Ok(granted.clone())));
        granted
    }

    /// Returns a session with a cached token.
    fn holder(&mut self, number: u8) -> SessionId {
        let session = self.request_from(number);
        self.grant(session, 1, None);
        session
    }

    fn sent(&self) -> Vec<SessionId> {
        self.each(|session, effect| matches!(effect, Effect::Send(..)).then_some(session))
    }

    fn evicted(&self) -> Vec<SessionId> {
        let evicted = self.effects.iter().filter_map(|effect| match effect {
            PoolEffect::Evicted(session) => Some(*session),
            PoolEffect::Session(..) => None,
        });
        evicted.collect()
    }

    fn resolved(&self) -> Vec<(CallId, Result<String, ErrorCode>)> {
        self.each(|_, effect| {
            let Effect::Resolve(call, answer) = effect else { return None };
            let name = |tokens: &Rc<TokenSet>| tokens.access_token.expose().to_owned();
            Some((*call, answer.as_ref().map(name).map_err(|error| error.code)))
        })
    }

    fn each<R>(&self, pick: impl Fn(SessionId, &Effect) -> Option<R>) -> Vec<R> {
        let picked = self.effects.iter().filter_map(|effect| match effect {
            PoolEffect::Session(session, effect) => pick(*session, effect),
            PoolEffect::Evicted(_) => None,
        });
        picked.collect()
    }
}

fn identity(number: u8) -> Identity {
    Identity::new([number; 16])
}

fn name(tokens: &TokenSet) -> Result<String, ErrorCode> {
    Ok(tokens.access_token.expose().to_owned())
}

fn with_scopes(names: &[&str]) -> TokenRequest {
    TokenRequest::Cached { min_validity: None, scopes: Some(scopes(names)), borrowing: Borrowing::Allowed }
}

fn slots(max_concurrent_grants: usize) -> Limits {
    Limits { max_concurrent_grants, ..Limits::default() }
}

fn keeping(max: usize) -> Limits {
    Limits { max, ..Limits::default() }
}

#[test]
fn a_queued_acquisition_ends_when_a_token_is_received() {
    let mut fixture = Fixture::new(slots(1));
    let (first, second) = (fixture.request_from(1), fixture.request_from(2));
    let seen = token("seen", START, seconds(LIFETIME));

    fixture.handle(second, Input::TokenReceived(seen.clone()));

    assert_eq!(fixture.resolved(), [(CallId(2), name(&seen))]);
    fixture.grant(first, 1, None);
    assert_eq!((fixture.sent(), fixture.pool.permits_held()), (vec![], 0));
}

#[test]
fn the_shared_store_is_read_without_a_permit_and_the_lease_requires_one() {
    let policy =
        Policy { sharing: Some(Sharing { lease: Some(seconds(20)), announces: true }), ..Policy::default() };
    let mut fixture = Fixture::of(policy, slots(1));
    let about = |fixture: &Fixture| fixture.each(|id, effect| Some((id, effect.clone())));
    let (first, second) = (fixture.request_from(1), fixture.request_from(2));
    assert_eq!(about(&fixture), [(second, Effect::ReadStore(AcquisitionId(1)))]);
    fixture.handle(first, Input::StoreRead(AcquisitionId(1), Ok(None)));
    // The permit is granted at once.
    assert_eq!(about(&fixture), [(first, Effect::AcquireLease(AcquisitionId(1)))]);

    fixture.handle(second, Input::StoreRead(AcquisitionId(1), Ok(None)));
    assert_eq!(about(&fixture), []);

    // Another holder may have stored a token before the permit is granted.
    fixture.now = fixture.now + millis(1);
    fixture.handle(first, Input::LeaseAnswered(AcquisitionId(1), Ok(None)));
    assert_eq!(about(&fixture), [(second, Effect::ReadStore(AcquisitionId(1)))]);
}

#[test]
fn closing_the_pool_resolves_all_callers_and_emits_one_event() {
    let mut fixture = Fixture::new(slots(1));
    for number in 0..4 {
        fixture.request_from(number);
    }

    fixture.effects = fixture.pool.close(fixture.now);

    let closed_events = fixture.each(|id, effect| (*effect == Effect::Emit(Event::Closed)).then_some(id));
    assert_eq!((closed_events, fixture.resolved().len()), (vec![fixture.pool.default_session()], 4));
    assert_eq!((fixture.pool.len(), fixture.pool.poll_timeout()), (1, None));
    assert_eq!((fixture.pool.is_awaited(), fixture.pool.is_busy()), (false, false));
    let closed_session = fixture.request_from(5);
    assert_eq!(fixture.resolved(), [(CallId(5), Err(ErrorCode::Closed))]);
    assert_eq!(fixture.pool.session(closed_session).map(|_| ()), None);
}

#[test]
fn a_closed_session_is_replaced_at_the_next_request() {
    let mut fixture = Fixture::new(Limits::default());
    let closed = fixture.holder(1);
    fixture.handle(closed, Input::Closed);

    let replacement = fixture.request_from(1);
    fixture.grant(replacement, 1, None);

    assert_ne!(replacement, closed);
    assert_eq!(fixture.resolved().len(), 1);
}

#[test]
fn a_session_that_stores_its_last_token_after_closing_is_replaced_and_no_sibling() {
    let policy =
        Policy { sharing: Some(Sharing { lease: Some(seconds(20)), announces: true }), ..Policy::default() };
    let mut fixture = Fixture::of(policy, Limits::default());
    let sibling = fixture.open(1, &["B"]);
    let closed = fixture.request_from(1);
    fixture.handle(closed, Input::StoreRead(AcquisitionId(1), Ok(None)));
    fixture.handle(closed, Input::LeaseAnswered(AcquisitionId(1), Ok(Some(Fence(1)))));
    fixture.handle(closed, Input::StoreRead(AcquisitionId(1), Ok(None)));
    assert_eq!(fixture.sent(), [closed]);

    fixture.handle(closed, Input::Closed);

    assert!(fixture.pool.session(closed).is_some(), "its request is in flight");
    assert_eq!(fixture.pool.siblings(&[sibling]), [sibling]);
    assert_eq!(fixture.pool.find(identity(1), &scopes(&["A"])), None);
}

#[test]
fn a_sign_out_that_ends_an_acquisition_frees_its_permit_at_once() {
    let mut fixture = Fixture::new(slots(1));
    let first = fixture.request_from(1);
    fixture.handle(first, Input::Cancelled(CallId(1)));
    let second = fixture.request_from(2);
    assert_eq!(fixture.sent(), []);

    fixture.effects = fixture.pool.clear(&[first], fixture.now);

    assert_eq!(fixture.sent(), [second]);
}

#[test]
fn sessions_that_were_busy_are_evicted_in_the_order_of_their_last_use() {
    let mut fixture = Fixture::new(keeping(2));
    let (first, second) = (fixture.request_from(1), fixture.request_from(2));
    fixture.request(first);
    fixture.grant(first, 1, None);
    fixture.grant(second, 1, None);

    fixture.request_from(3);

    assert_eq!(fixture.evicted(), [second]);
}

#[test]
fn a_token_is_served_without_a_call_until_the_pool_must_count_its_use() {
    let mut fixture = Fixture::new(Limits { idle: seconds(160), ..Limits::default() });
    let (own, session) = (fixture.holder(0), fixture.holder(1));

    assert_eq!(fixture.pool.served_until(session), Some(START + seconds(10)));
    assert!(fixture.pool.served_until(own) > Some(START + seconds(100)));
    fixture.now = START + seconds(15);
    fixture.request(session);
    assert_eq!(fixture.pool.served_until(session), Some(START + seconds(25)));
}

/// The load on the provider is the same fraction as in the benchmark, with fewer sessions.
#[test]
fn a_herd_of_tokens_granted_in_one_second_is_refreshed_without_a_peak_or_a_wait() {
    let figures = Population::new(herd(2_000, 2), 1).run();

    let (peak, mean) = figures.peak_and_mean();
    eprintln!("peak {peak}/s, mean {mean}/s, {} grants, {} calls", figures.granted(), figures.calls);
    assert_eq!((figures.waited, figures.expired, figures.failed, figures.evicted), (0, 0, 0, 0));
    assert!(figures.in_flight <= 2);
    assert!(peak <= 5.0 * mean, "{peak} against {mean}");
    assert!(figures.granted() * 10 <= 2_000 * 10 * 16, "{} grants", figures.granted());
}

#[test]
fn unused_tokens_are_refreshed_as_the_policy_requires() {
    let granted = |refresh| {
        let policy = Policy { refresh, ..Policy::default() };
        let figures = Population::new(day(50, policy, seconds(86_400)), 1).run();
        assert_eq!((figures.expired, figures.failed), (0, 0));
        figures.granted()
    };

    let (always, used) = (granted(RefreshMode::Always), granted(RefreshMode::WhileUsed));

    assert!(used * 3 < always, "{used} against {always}");
}
