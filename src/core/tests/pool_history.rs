//! Random histories of many sessions: what is done to a pool, and how everything was after each step.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    rc::Rc,
};

use proptest::prelude::*;

use super::{START, failure, seconds, token, world::Dice};
use crate::core::{
    AcquisitionId, Borrowing, CallId, Effect, ErrorCode, Fence, GrantFailure, Identity, Input, Jitter,
    Limits, Phase, Policy, Pool, PoolEffect, RefreshMode, Rejection, ScopeSet, Scoping, Session, SessionId,
    Sharing, TokenError, TokenRequest, TokenSet, UnixMillis, WriteOutcome,
};

/// A session as it is asked for.
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
    pub(super) kin: Kin,
    pub(super) acts: Vec<u32>,
}

/// Whether identities have sessions of several sets of scopes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kin {
    Several,
    One,
}

pub(super) fn plans(kin: Kin) -> impl Strategy<Value = Plan> {
    (any::<u64>(), prop::collection::vec(any::<u32>(), 1..120)).prop_map(move |(seed, acts)| {
        let dice = &mut Dice::new(seed);
        Plan {
            policy: Policy {
                refresh: [RefreshMode::Always, RefreshMode::WhileUsed, RefreshMode::OnDemand][dice.index(3)],
                sharing: dice
                    .happens(0.3)
                    .map(|()| Sharing { lease: dice.happens(0.8).map(|()| seconds(20)), announces: true }),
                ..Policy::default()
            },
            limits: Limits {
                max: 1 + dice.index(5),
                idle: seconds([16, 160, 1600][dice.index(3)]),
                max_concurrent_grants: 1 + dice.index(3),
                scoping: [Scoping::ByRequest, Scoping::ByRequest, Scoping::Fixed][dice.index(3)],
            },
            seed,
            kin,
            acts,
        }
    })
}

/// What happened, and how everything was afterwards.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) at: UnixMillis,
    pub(super) cause: Cause,
    pub(super) effects: Vec<PoolEffect>,
    /// Calls that were answered, by whom they asked.
    pub(super) settled: Vec<(CallId, Selector, Result<Rc<TokenSet>, TokenError>)>,
    pub(super) sessions: BTreeMap<SessionId, View>,
    pub(super) on_wire: usize,
    pub(super) leases: usize,
    pub(super) asking: usize,
    pub(super) wakeup: Option<UnixMillis>,
    pub(super) all: Told,
    /// The sessions that the pool says may have changed.
    pub(super) reviewed: BTreeSet<SessionId>,
}

/// What the pool says of all its sessions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Told {
    pub(super) sessions: usize,
    pub(super) awaited: bool,
    pub(super) busy: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Cause {
    Told(SessionId, Input),
    Woke,
    Closed,
}

/// A session, seen from outside.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) own: bool,
    /// Its number among all uses, and when it was.
    pub(super) used: (u64, UnixMillis),
    pub(super) standing: Option<Standing>,
    pub(super) quiet: bool,
    pub(super) awaited: bool,
    pub(super) wakeup: Option<UnixMillis>,
    pub(super) held: Option<Rc<TokenSet>>,
    pub(super) served_until: Option<UnixMillis>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Standing {
    Well,
    Troubled,
}

#[derive(Clone, Copy, PartialEq)]
enum Weather {
    Calm,
    Rough,
}

#[derive(Clone, Debug)]
enum Asked {
    Load,
    Acquire,
    Save,
}

pub(super) struct Driver {
    pub(super) pool: Pool<u8>,
    dice: Dice,
    kin: Kin,
    pub(super) now: UnixMillis,
    calls: u64,
    tokens: u64,
    uses: u64,
    /// Every session there ever was, with its last use.
    known: BTreeMap<SessionId, (Selector, (u64, UnixMillis))>,
    on_wire: BTreeSet<(SessionId, AcquisitionId)>,
    asked: VecDeque<(SessionId, AcquisitionId, Asked)>,
    leases: BTreeSet<(SessionId, AcquisitionId)>,
    waiting: BTreeMap<CallId, SessionId>,
    /// For whom each token was granted.
    pub(super) granted: BTreeMap<String, Selector>,
    pub(super) steps: Vec<Step>,
}

impl Plan {
    /// Everything that happens.
    pub(super) fn run(&self) -> Vec<Step> {
        let mut driver = self.driver();
        driver.act_all(&self.acts);
        driver.steps
    }

    /// And then nothing goes wrong any more, until nobody waits, and at last the pool is
    /// closed. Gives those who were left waiting.
    pub(super) fn run_to_the_end(&self) -> (Vec<Step>, usize) {
        let mut driver = self.driver();
        driver.act_all(&self.acts);
        for _ in 0..500 {
            if driver.waiting.is_empty() {
                break;
            }
            driver.all_is_well();
        }
        let left = driver.waiting.len();
        let effects = driver.pool.close(driver.now);
        driver.take_down(Cause::Closed, effects);
        while !driver.on_wire.is_empty() || !driver.asked.is_empty() {
            driver.all_is_well();
        }
        (driver.steps, left)
    }

    pub(super) fn driver(&self) -> Driver {
        let own = Selector { identity: 0, scopes: some_scopes(1) };
        let jitter = Jitter::new(self.seed);
        let pool = Pool::new(self.policy.clone(), self.limits, jitter, own.taken_apart(), START);
        let known = BTreeMap::from([(pool.default_session(), (own, (0, START)))]);
        Driver {
            pool,
            dice: Dice::new(0),
            kin: self.kin,
            now: START,
            calls: 0,
            tokens: 0,
            uses: 0,
            known,
            on_wire: BTreeSet::new(),
            asked: VecDeque::new(),
            leases: BTreeSet::new(),
            waiting: BTreeMap::new(),
            granted: BTreeMap::new(),
            steps: Vec::new(),
        }
    }
}

impl Selector {
    pub(super) fn taken_apart(&self) -> (Identity, ScopeSet, u8) {
        (Identity::new([self.identity; 16]), self.scopes.clone(), self.identity)
    }
}

impl Driver {
    pub(super) fn act_all(&mut self, acts: &[u32]) {
        for number in acts {
            self.dice = Dice::new(u64::from(*number));
            self.act();
        }
    }

    fn act(&mut self) {
        match self.dice.between(0, 20) {
            0..7 => self.ask(),
            7..9 => self.answer_some(Weather::Rough),
            9..13 => self.answer_some(Weather::Calm),
            13 => {
                let span = [1, 20, 100, 2_000][self.dice.index(4)];
                self.now = self.now + seconds(self.dice.between(0, span));
            }
            14 | 15 => self.alarm(),
            16 => self.wake(),
            17 => self.tell_of_a_token(),
            18 => {
                let call = CallId(self.dice.between(1, self.calls + 2));
                if let Some(session) = self.waiting.remove(&call) {
                    self.tell(session, Input::Cancelled(call));
                }
            }
            _ if self.dice.happens(0.2).is_some() => {
                let session = self.some_session();
                if session != self.pool.default_session() {
                    self.tell(session, Input::Closed);
                }
            }
            _ => {
                let session = self.some_session();
                self.tell(session, Input::StoreChanged);
            }
        }
    }

    fn ask(&mut self) {
        let scopes = if self.kin == Kin::One { 1 } else { self.dice.between(0, 4) };
        let identity = u8::try_from(self.dice.between(0, 7)).unwrap_or_default();
        let selector = Selector { identity, scopes: some_scopes(scopes) };
        let want = match self.dice.between(0, 8) {
            0 => TokenRequest::Forced,
            1 => TokenRequest::Cached {
                min_validity: Some(seconds(90)),
                scopes: None,
                borrowing: Borrowing::Allowed,
            },
            2 | 3 if self.kin == Kin::Several => {
                let borrowing =
                    if self.dice.happens(0.3).is_some() { Borrowing::Forbidden } else { Borrowing::Allowed };
                TokenRequest::Cached {
                    min_validity: None,
                    scopes: Some(some_scopes(self.dice.between(1, 4))),
                    borrowing,
                }
            }
            4 => TokenRequest::Cached { min_validity: None, scopes: None, borrowing: Borrowing::Forbidden },
            _ => TokenRequest::DEFAULT,
        };
        let (identity, scopes, context) = selector.taken_apart();
        let session = self.pool.open(identity, &scopes, context, self.now);
        self.uses += 1;
        self.known.entry(session).or_insert((selector, (self.uses, self.now)));
        self.calls += 1;
        self.waiting.insert(CallId(self.calls), session);
        self.tell(session, Input::Requested(CallId(self.calls), want));
    }

    fn tell_of_a_token(&mut self) {
        let session = self.some_session();
        let held = self.pool.session(session).and_then(Session::held).cloned();
        let event = match (self.dice.between(0, 4), held) {
            (0, _) => Input::TokenUsed,
            (1, Some(held)) => Input::TokenInvalidated(held.access_token.clone()),
            (2, Some(held)) => Input::TokenRejected(held.access_token.clone(), Rejection::First),
            (_, _) if self.kin == Kin::One => Input::TokenReceived(self.token(session, None)),
            (..) => return,
        };
        self.tell(session, event);
    }

    /// One that is there, or was.
    fn some_session(&mut self) -> SessionId {
        let number = self.dice.index(self.known.len());
        self.known.keys().nth(number).copied().unwrap_or(self.pool.default_session())
    }

    fn answer_some(&mut self, weather: Weather) {
        if self.dice.happens(0.5).is_some() && !self.asked.is_empty() {
            self.answer_of_the_store(weather);
        } else {
            self.answer_of_the_provider(weather);
        }
    }

    fn answer_of_the_store(&mut self, weather: Weather) {
        let Some((session, flight, asked)) = self.asked.pop_front() else { return };
        let fails = weather == Weather::Rough && self.dice.happens(0.3).is_some();
        let error = || failure(ErrorCode::Store);
        let event = match asked {
            Asked::Load if fails => Input::StoreRead(flight, Err(error())),
            Asked::Load => Input::StoreRead(flight, Ok(None)),
            Asked::Acquire if fails => Input::LeaseAnswered(flight, Err(error())),
            Asked::Acquire if weather == Weather::Rough => Input::LeaseAnswered(flight, Ok(None)),
            Asked::Acquire => {
                assert!(self.leases.insert((session, flight)), "two leases for one flight");
                Input::LeaseAnswered(flight, Ok(Some(Fence(self.calls))))
            }
            Asked::Save if fails => Input::StoreWritten(flight, Err(error())),
            Asked::Save => Input::StoreWritten(flight, Ok(WriteOutcome::Stored)),
        };
        self.tell(session, event);
    }

    fn answer_of_the_provider(&mut self, weather: Weather) {
        let number = self.dice.index(self.on_wire.len().max(1));
        let Some(&(session, flight)) = self.on_wire.iter().nth(number) else { return };
        self.on_wire.remove(&(session, flight));
        let answer = match (weather, self.dice.between(0, 4)) {
            (Weather::Rough, 0) => Err(GrantFailure::Permanent(failure(ErrorCode::InvalidCredentials))),
            (Weather::Rough, 1) => {
                Err(GrantFailure::RefreshTokenRejected(failure(ErrorCode::InvalidCredentials)))
            }
            (Weather::Rough, _) => Err(GrantFailure::Transient(failure(ErrorCode::Server))),
            (Weather::Calm, chance) => Ok(self.token(session, Some(chance))),
        };
        self.tell(session, Input::Granted(flight, answer));
    }

    /// Granted with the scopes that were asked for, mostly.
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

    fn alarm(&mut self) {
        self.now = self.pool.poll_timeout().map_or(self.now, |at| at.max(self.now));
        self.wake();
    }

    fn wake(&mut self) {
        let effects = self.pool.timer_fired(self.now);
        self.take_down(Cause::Woke, effects);
    }

    /// Whatever is awaited comes, or time passes.
    fn all_is_well(&mut self) {
        if !self.asked.is_empty() {
            self.answer_of_the_store(Weather::Calm);
        } else if !self.on_wire.is_empty() {
            self.answer_of_the_provider(Weather::Calm);
        } else {
            self.alarm();
        }
    }

    fn tell(&mut self, session: SessionId, event: Input) {
        let used = matches!(
            event,
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
        let effects = self.pool.handle(session, event.clone(), self.now);
        self.take_down(Cause::Told(session, event), effects);
    }

    fn take_down(&mut self, cause: Cause, effects: Vec<PoolEffect>) {
        let mut settled = Vec::new();
        for session in self.pool.dirty().to_vec() {
            self.meet(session);
        }
        for effect in &effects {
            let PoolEffect::Session(session, effect) = effect else { continue };
            self.meet(*session);
            match effect {
                Effect::Resolve(call, answer) => {
                    let asked = self.waiting.remove(call).expect("a call that waits, and is settled once");
                    settled.push((*call, self.selector(asked), answer.clone()));
                }
                Effect::Send(flight, _) => assert!(self.on_wire.insert((*session, *flight)), "two requests"),
                Effect::Cancel(flight) => drop(self.on_wire.remove(&(*session, *flight))),
                Effect::ReadStore(flight) => self.asked.push_back((*session, *flight, Asked::Load)),
                Effect::AcquireLease(flight) => self.asked.push_back((*session, *flight, Asked::Acquire)),
                Effect::WriteStore(flight, ..) => self.asked.push_back((*session, *flight, Asked::Save)),
                Effect::ReleaseLease(flight) => {
                    assert!(self.leases.remove(&(*session, *flight)), "a lease that is given back twice");
                }
                Effect::Emit(_) => {}
            }
        }
        let sessions = self.known.iter().filter_map(|(id, (_, used))| Some((*id, self.view(*id, *used)?)));
        let step = Step {
            at: self.now,
            cause,
            settled,
            sessions: sessions.collect(),
            on_wire: self.on_wire.len(),
            leases: self.leases.len(),
            asking: self.pool.permits_held(),
            wakeup: self.pool.poll_timeout(),
            all: Told {
                sessions: self.pool.len(),
                awaited: self.pool.is_awaited(),
                busy: self.pool.is_busy(),
            },
            reviewed: self.pool.dirty().iter().copied().collect(),
            effects,
        };
        self.steps.push(step);
    }

    /// A session that the pool opened by itself, for a caller who needs more scopes.
    fn meet(&mut self, session: SessionId) {
        let Some(lifecycle) = self.pool.session(session) else { return };
        let Some(&identity) = self.pool.context(session) else { return };
        let selector = Selector { identity, scopes: lifecycle.scopes().clone() };
        self.known.entry(session).or_insert((selector, (self.uses, self.now)));
    }

    fn view(&self, session: SessionId, used: (u64, UnixMillis)) -> Option<View> {
        let lifecycle = self.pool.session(session)?;
        let standing = lifecycle.acquisition().filter(|flight| matches!(flight.phase, Phase::Queued { .. }));
        Some(View {
            used,
            own: session == self.pool.default_session(),
            standing: standing.map(|flight| {
                let well = flight.failed_attempts == 0 && lifecycle.status(self.now).last_error.is_none();
                if well { Standing::Well } else { Standing::Troubled }
            }),
            quiet: !lifecycle.is_busy() && !lifecycle.is_awaited(),
            awaited: lifecycle.is_awaited(),
            wakeup: lifecycle.poll_timeout(),
            held: lifecycle.held().cloned(),
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
    prop_oneof![plans(Kin::Several), plans(Kin::One)]
}
