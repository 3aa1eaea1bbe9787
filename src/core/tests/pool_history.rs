//! Random histories of a pool, with the observable state after each step.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    rc::Rc,
};

use proptest::prelude::*;

use super::{START, failure, seconds, token, world::Rng};
use crate::core::{
    AcquisitionId, Borrowing, CallId, CredentialSharing, Effect, ErrorCode, Fence, GrantFailure, Identity,
    Input, Jitter, Limits, Phase, Policy, Pool, PoolEffect, RefreshMode, Rejection, ScopeSet, Scoping,
    Session, SessionId, Sharing, TokenError, TokenRequest, TokenSet, UnixMillis, WriteOutcome,
};

/// The identity and scopes by which a session is opened.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Selector {
    pub(super) identity: u8,
    pub(super) scopes: ScopeSet,
}

#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) policy: Policy,
    pub(super) limits: Limits,
    seed: u64,
    pub(super) siblings: Siblings,
    pub(super) ops: Vec<u32>,
}

/// Number of scope sets that an identity has sessions for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Siblings {
    Several,
    None,
}

pub(super) fn plans(siblings: Siblings) -> impl Strategy<Value = Plan> {
    (any::<u64>(), prop::collection::vec(any::<u32>(), 1..120)).prop_map(move |(seed, ops)| {
        let rng = &mut Rng::new(seed);
        Plan {
            policy: Policy {
                refresh: [RefreshMode::Always, RefreshMode::WhileUsed, RefreshMode::OnDemand][rng.index(3)],
                sharing: rng
                    .chance(0.3)
                    .map(|()| Sharing { lease: rng.chance(0.8).map(|()| seconds(20)), announces: true }),
                ..Policy::default()
            },
            limits: Limits {
                max: 1 + rng.index(5),
                idle: seconds([16, 160, 1600][rng.index(3)]),
                max_concurrent_grants: 1 + rng.index(3),
                scoping: [Scoping::ByRequest, Scoping::ByRequest, Scoping::Fixed][rng.index(3)],
                credentials: CredentialSharing::Unknown,
            },
            seed,
            siblings,
            ops,
        }
    })
}

/// An input with its effects and the observable state after it.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) at: UnixMillis,
    pub(super) cause: Cause,
    pub(super) effects: Vec<PoolEffect>,
    /// Resolved calls, with the session that was called.
    pub(super) resolved: Vec<(CallId, Selector, Result<Rc<TokenSet>, TokenError>)>,
    pub(super) sessions: BTreeMap<SessionId, View>,
    pub(super) in_flight: usize,
    pub(super) leases: usize,
    pub(super) permits_held: usize,
    pub(super) timeout: Option<UnixMillis>,
    pub(super) all: PoolView,
    /// The sessions that the pool reports as possibly changed.
    pub(super) dirty: BTreeSet<SessionId>,
}

/// The pool's summary of all its sessions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct PoolView {
    pub(super) sessions: usize,
    pub(super) awaited: bool,
    pub(super) busy: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Cause {
    Input(SessionId, Input),
    TimerFired,
    Closed,
}

/// The observable state of a session.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) is_default: bool,
    /// Number and time of its last use.
    pub(super) used: (u64, UnixMillis),
    pub(super) health: Option<Health>,
    pub(super) idle: bool,
    pub(super) awaited: bool,
    pub(super) timeout: Option<UnixMillis>,
    pub(super) held: Option<Rc<TokenSet>>,
    pub(super) served_until: Option<UnixMillis>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Health {
    Healthy,
    Failing,
}

#[derive(Clone, Copy, PartialEq)]
enum Responses {
    Successful,
    Random,
}

#[derive(Clone, Debug)]
enum StoreCall {
    Read,
    AcquireLease,
    Write,
}

pub(super) struct Driver {
    pub(super) pool: Pool<u8>,
    rng: Rng,
    siblings: Siblings,
    pub(super) now: UnixMillis,
    calls: u64,
    tokens: u64,
    uses: u64,
    /// All sessions so far, with their last use.
    known: BTreeMap<SessionId, (Selector, (u64, UnixMillis))>,
    in_flight: BTreeSet<(SessionId, AcquisitionId)>,
    pending: VecDeque<(SessionId, AcquisitionId, StoreCall)>,
    leases: BTreeSet<(SessionId, AcquisitionId)>,
    waiting: BTreeMap<CallId, SessionId>,
    /// The session for which each token was granted.
    pub(super) granted: BTreeMap<String, Selector>,
    pub(super) steps: Vec<Step>,
}

impl Plan {
    /// Runs all operations.
    pub(super) fn run(&self) -> Vec<Step> {
        let mut driver = self.driver();
        driver.act_all(&self.ops);
        driver.steps
    }

    /// Runs all operations, then without faults until no caller waits, then closes the pool. Returns the steps and the
    /// number of callers that still waited.
    pub(super) fn run_to_the_end(&self) -> (Vec<Step>, usize) {
        let mut driver = self.driver();
        driver.act_all(&self.ops);
        for _ in 0..500 {
            if driver.waiting.is_empty() {
                break;
            }
            driver.advance_without_faults();
        }
        let left = driver.waiting.len();
        let effects = driver.pool.close(driver.now);
        driver.record(Cause::Closed, effects);
        while !driver.in_flight.is_empty() || !driver.pending.is_empty() {
            driver.advance_without_faults();
        }
        (driver.steps, left)
    }

    pub(super) fn driver(&self) -> Driver {
        let own = Selector { identity: 0, scopes: some_scopes(1) };
        let jitter = Jitter::new(self.seed);
        let pool = Pool::new(self.policy.clone(), self.limits, jitter, own.to_parts(), START);
        let known = BTreeMap::from([(pool.default_session(), (own, (0, START)))]);
        Driver {
            pool,
            rng: Rng::new(0),
            siblings: self.siblings,
            now: START,
            calls: 0,
            tokens: 0,
            uses: 0,
            known,
            in_flight: BTreeSet::new(),
            pending: VecDeque::new(),
            leases: BTreeSet::new(),
            waiting: BTreeMap::new(),
            granted: BTreeMap::new(),
            steps: Vec::new(),
        }
    }
}

impl Selector {
    pub(super) fn to_parts(&self) -> (Identity, ScopeSet, u8) {
        (Identity::new([self.identity; 16]), self.scopes.clone(), self.identity)
    }
}

impl Driver {
    pub(super) fn act_all(&mut self, ops: &[u32]) {
        for number in ops {
            self.rng = Rng::new(u64::from(*number));
            self.op();
        }
    }

    fn op(&mut self) {
        match self.rng.between(0, 20) {
            0..7 => self.request(),
            7..9 => self.respond_any(Responses::Random),
            9..13 => self.respond_any(Responses::Successful),
            13 => {
                let span = [1, 20, 100, 2_000][self.rng.index(4)];
                self.now = self.now + seconds(self.rng.between(0, span));
            }
            14 | 15 => self.timer(),
            16 => self.wake(),
            17 => self.report_token(),
            18 => {
                let call = CallId(self.rng.between(1, self.calls + 2));
                if let Some(session) = self.waiting.remove(&call) {
                    self.handle(session, Input::Cancelled(call));
                }
            }
            _ if self.rng.chance(0.2).is_some() => {
                let session = self.any_session();
                if session != self.pool.default_session() {
                    self.handle(session, Input::Closed);
                }
            }
            _ => {
                let session = self.any_session();
                self.handle(session, Input::StoreChanged);
            }
        }
    }

    fn request(&mut self) {
        let scopes = if self.siblings == Siblings::None { 1 } else { self.rng.between(0, 4) };
        let identity = u8::try_from(self.rng.between(0, 7)).unwrap_or_default();
        let selector = Selector { identity, scopes: some_scopes(scopes) };
        let request = match self.rng.between(0, 8) {
            0 => TokenRequest::Forced,
            1 => TokenRequest::Cached {
                min_validity: Some(seconds(90)),
                scopes: None,
                borrowing: Borrowing::Allowed,
            },
            2 | 3 if self.siblings == Siblings::Several => {
                let borrowing =
                    if self.rng.chance(0.3).is_some() { Borrowing::Forbidden } else { Borrowing::Allowed };
                TokenRequest::Cached {
                    min_validity: None,
                    scopes: Some(some_scopes(self.rng.between(1, 4))),
                    borrowing,
                }
            }
            4 => TokenRequest::Cached { min_validity: None, scopes: None, borrowing: Borrowing::Forbidden },
            _ => TokenRequest::DEFAULT,
        };
        let (identity, scopes, context) = selector.to_parts();
        let session = self.pool.open(identity, &scopes, context, self.now);
        self.uses += 1;
        self.known.entry(session).or_insert((selector, (self.uses, self.now)));
        self.calls += 1;
        self.waiting.insert(CallId(self.calls), session);
        self.handle(session, Input::Requested(CallId(self.calls), request));
    }

    fn report_token(&mut self) {
        let session = self.any_session();
        let held = self.pool.session(session).and_then(Session::tokens).cloned();
        let input = match (self.rng.between(0, 4), held) {
            (0, _) => Input::TokenUsed,
            (1, Some(held)) => Input::TokenInvalidated(held.access_token.clone()),
            (2, Some(held)) => Input::TokenRejected(held.access_token.clone(), Rejection::First),
            (_, _) if self.siblings == Siblings::None => Input::TokenReceived(self.token(session, None)),
            (..) => return,
        };
        self.handle(session, input);
    }

    /// A session that exists or existed.
    fn any_session(&mut self) -> SessionId {
        let number = self.rng.index(self.known.len());
        self.known.keys().nth(number).copied().unwrap_or(self.pool.default_session())
    }

    fn respond_any(&mut self, responses: Responses) {
        if self.rng.chance(0.5).is_some() && !self.pending.is_empty() {
            self.answer_store(responses);
        } else {
            self.answer_provider(responses);
        }
    }

    fn answer_store(&mut self, responses: Responses) {
        let Some((session, acquisition, call)) = self.pending.pop_front() else { return };
        let fails = responses == Responses::Random && self.rng.chance(0.3).is_some();
        let error = || failure(ErrorCode::Store);
        let input = match call {
            StoreCall::Read if fails => Input::StoreRead(acquisition, Err(error())),
            StoreCall::Read => Input::StoreRead(acquisition, Ok(None)),
            StoreCall::AcquireLease if fails => Input::LeaseAnswered(acquisition, Err(error())),
            StoreCall::AcquireLease if responses == Responses::Random => {
                Input::LeaseAnswered(acquisition, Ok(None))
            }
            StoreCall::AcquireLease => {
                assert!(self.leases.insert((session, acquisition)), "two leases for one acquisition");
                Input::LeaseAnswered(acquisition, Ok(Some(Fence(self.calls))))
            }
            StoreCall::Write if fails => Input::StoreWritten(acquisition, Err(error())),
            StoreCall::Write => Input::StoreWritten(acquisition, Ok(WriteOutcome::Stored)),
        };
        self.handle(session, input);
    }

    fn answer_provider(&mut self, responses: Responses) {
        let number = self.rng.index(self.in_flight.len().max(1));
        let Some(&(session, acquisition)) = self.in_flight.iter().nth(number) else { return };
        self.in_flight.remove(&(session, acquisition));
        let answer = match (responses, self.rng.between(0, 4)) {
            (Responses::Random, 0) => Err(GrantFailure::Permanent(failure(ErrorCode::InvalidCredentials))),
            (Responses::Random, 1) => {
                Err(GrantFailure::RefreshTokenRejected(failure(ErrorCode::InvalidCredentials)))
            }
            (Responses::Random, _) => Err(GrantFailure::Transient(failure(ErrorCode::Server))),
            (Responses::Successful, chance) => Ok(self.token(session, Some(chance))),
        };
        self.handle(session, Input::Granted(acquisition, answer));
    }

    /// Usually granted with the requested scopes.
    fn token(&mut self, session: SessionId, chance: Option<u64>) -> Rc<TokenSet> {
        self.tokens += 1;
        let selector = self.selector(session);
        let scopes = match chance {
            None | Some(0) => None,
            Some(1) => Some(some_scopes(1)),
            Some(_) => Some(selector.scopes.clone()),
        };
        let name = format!("token {}", self.tokens);
        self.granted.insert(name.clone(), selector);
        let mut tokens = token(&name, self.now, seconds(180));
        Rc::make_mut(&mut tokens).scopes = scopes;
        tokens
    }

    pub(super) fn selector(&self, session: SessionId) -> Selector {
        self.known.get(&session).map(|(selector, _)| selector.clone()).expect("a session that was seen")
    }

    fn timer(&mut self) {
        self.now = self.pool.poll_timeout().map_or(self.now, |at| at.max(self.now));
        self.wake();
    }

    fn wake(&mut self) {
        let effects = self.pool.timer_fired(self.now);
        self.record(Cause::TimerFired, effects);
    }

    /// Answers what is pending, or lets time pass.
    fn advance_without_faults(&mut self) {
        if !self.pending.is_empty() {
            self.answer_store(Responses::Successful);
        } else if !self.in_flight.is_empty() {
            self.answer_provider(Responses::Successful);
        } else {
            self.timer();
        }
    }

    fn handle(&mut self, session: SessionId, input: Input) {
        let used = matches!(
            input,
            Input::Requested(..)
                | Input::TokenUsed
                | Input::TokenReceived(_)
                | Input::TokenInvalidated(_)
                | Input::TokenRejected(..)
        );
        if used && self.pool.session(session).is_some() {
            self.uses += 1;
            let uses = (self.uses, self.now);
            self.known.get_mut(&session).into_iter().for_each(|(_, last)| *last = uses);
        }
        let effects = self.pool.handle(session, input.clone(), self.now);
        self.record(Cause::Input(session, input), effects);
    }

    fn record(&mut self, cause: Cause, effects: Vec<PoolEffect>) {
        let mut resolved = Vec::new();
        for session in self.pool.dirty().to_vec() {
            self.register(session);
        }
        for effect in &effects {
            let PoolEffect::Session(session, effect) = effect else { continue };
            self.register(*session);
            match effect {
                Effect::Resolve(call, answer) => {
                    let called = self.waiting.remove(call).expect("a call that waits, and is resolved once");
                    resolved.push((*call, self.selector(called), answer.clone()));
                }
                Effect::Send(acquisition, _) => {
                    assert!(self.in_flight.insert((*session, *acquisition)), "two requests")
                }
                Effect::Cancel(acquisition) => drop(self.in_flight.remove(&(*session, *acquisition))),
                Effect::ReadStore(acquisition) => {
                    self.pending.push_back((*session, *acquisition, StoreCall::Read))
                }
                Effect::AcquireLease(acquisition) => {
                    self.pending.push_back((*session, *acquisition, StoreCall::AcquireLease))
                }
                Effect::WriteStore(acquisition, ..) => {
                    self.pending.push_back((*session, *acquisition, StoreCall::Write))
                }
                Effect::ReleaseLease(acquisition) => {
                    assert!(
                        self.leases.remove(&(*session, *acquisition)),
                        "a lease that is received back twice"
                    );
                }
                Effect::Emit(_) | Effect::Revoke(_) | Effect::ReportCleared(_) => {}
            }
        }
        let sessions = self.known.iter().filter_map(|(id, (_, used))| Some((*id, self.view(*id, *used)?)));
        let step = Step {
            at: self.now,
            cause,
            resolved,
            sessions: sessions.collect(),
            in_flight: self.in_flight.len(),
            leases: self.leases.len(),
            permits_held: self.pool.permits_held(),
            timeout: self.pool.poll_timeout(),
            all: PoolView {
                sessions: self.pool.len(),
                awaited: self.pool.is_awaited(),
                busy: self.pool.is_busy(),
            },
            dirty: self.pool.dirty().iter().copied().collect(),
            effects,
        };
        self.steps.push(step);
    }

    /// Registers a session that the pool opened for a borrower.
    fn register(&mut self, session: SessionId) {
        let Some(machine) = self.pool.session(session) else { return };
        let Some(&identity) = self.pool.selector(session) else { return };
        let selector = Selector { identity, scopes: machine.scopes().clone() };
        self.known.entry(session).or_insert((selector, (self.uses, self.now)));
    }

    fn view(&self, session: SessionId, used: (u64, UnixMillis)) -> Option<View> {
        let machine = self.pool.session(session)?;
        let health =
            machine.acquisition().filter(|acquisition| matches!(acquisition.phase, Phase::Queued { .. }));
        Some(View {
            used,
            is_default: session == self.pool.default_session(),
            health: health.map(|acquisition| {
                let well = acquisition.failed_attempts == 0 && machine.status(self.now).last_error.is_none();
                if well { Health::Healthy } else { Health::Failing }
            }),
            idle: !machine.is_busy() && !machine.is_awaited(),
            awaited: machine.is_awaited(),
            timeout: machine.poll_timeout(),
            held: machine.tokens().cloned(),
            served_until: self.pool.served_until(session),
        })
    }
}

pub(super) fn some_scopes(number: u64) -> ScopeSet {
    [&[][..], &["A"], &["A", "B"], &["B", "C"]][usize::try_from(number).unwrap_or_default() % 4]
        .iter()
        .copied()
        .collect()
}

pub(super) fn any_plans() -> impl Strategy<Value = Plan> {
    prop_oneof![plans(Siblings::Several), plans(Siblings::None)]
}
