//! What holds in every history of many sessions, one property for each promise.
#![expect(clippy::wildcard_enum_match_arm, reason = "a property is about a few effects")]

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use proptest::{prelude::*, test_runner::Config};

use super::{START, failure, seconds, token, world::Dice};
use crate::core::{
    CallId, Effect, ErrorCode, Event, Fence, FlightId, GrantFailure, Identity, Jitter, Lifecycle, Limits,
    Phase, Policy, Pool, PoolEffect, RefreshMode, Refusal, ScopeSet, Scoping, SessionId, Sharing, TokenError,
    TokenSet, UnixMillis, Want, Written,
};

/// A session as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Selector {
    identity: u8,
    scopes: ScopeSet,
}

#[derive(Clone, Debug)]
struct Plan {
    policy: Policy,
    limits: Limits,
    seed: u64,
    kin: Kin,
    acts: Vec<u32>,
}

/// Whether identities have sessions of several sets of scopes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kin {
    Several,
    One,
}

fn plans(kin: Kin) -> impl Strategy<Value = Plan> {
    (any::<u64>(), prop::collection::vec(any::<u32>(), 1..120)).prop_map(move |(seed, acts)| {
        let dice = &mut Dice::new(seed);
        Plan {
            policy: Policy {
                refresh: [RefreshMode::Always, RefreshMode::WhileUsed, RefreshMode::OnDemand][dice.index(3)],
                sharing: dice
                    .happens(0.3)
                    .map(|()| Sharing { lease: dice.happens(0.8).map(|()| seconds(20)) }),
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
struct Step {
    at: UnixMillis,
    cause: Cause,
    effects: Vec<PoolEffect>,
    /// Calls that were answered, by whom they asked.
    settled: Vec<(CallId, Selector, Result<TokenSet, TokenError>)>,
    sessions: BTreeMap<SessionId, View>,
    on_wire: usize,
    leases: usize,
    asking: usize,
    wakeup: Option<UnixMillis>,
}

#[derive(Clone, Debug)]
enum Cause {
    Told(SessionId, Event),
    Woke,
    Closed,
}

/// A session, seen from outside.
#[derive(Clone, Debug)]
struct View {
    own: bool,
    /// Its number among all uses, and when it was.
    used: (u64, UnixMillis),
    standing: Option<Standing>,
    quiet: bool,
    awaited: bool,
    wakeup: Option<UnixMillis>,
    held: Option<TokenSet>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Standing {
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

struct Driver {
    pool: Pool<u8>,
    dice: Dice,
    kin: Kin,
    now: UnixMillis,
    calls: u64,
    tokens: u64,
    uses: u64,
    /// Every session there ever was, with its last use.
    known: BTreeMap<SessionId, (Selector, (u64, UnixMillis))>,
    on_wire: BTreeSet<(SessionId, FlightId)>,
    asked: VecDeque<(SessionId, FlightId, Asked)>,
    leases: BTreeSet<(SessionId, FlightId)>,
    waiting: BTreeMap<CallId, SessionId>,
    /// For whom each token was granted.
    granted: BTreeMap<String, Selector>,
    steps: Vec<Step>,
}

impl Plan {
    /// Everything that happens.
    fn run(&self) -> Vec<Step> {
        let mut driver = self.driver();
        driver.act_all(&self.acts);
        driver.steps
    }

    /// And then nothing goes wrong any more, until nobody waits, and at last the pool is
    /// closed. Gives those who were left waiting.
    fn run_to_the_end(&self) -> (Vec<Step>, usize) {
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

    fn driver(&self) -> Driver {
        let own = Selector { identity: 0, scopes: some_scopes(1) };
        let jitter = Jitter::new(self.seed);
        let pool = Pool::new(self.policy.clone(), self.limits, jitter, own.taken_apart(), START);
        let known = BTreeMap::from([(pool.own(), (own, (0, START)))]);
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
    fn taken_apart(&self) -> (Identity, ScopeSet, u8) {
        (Identity::new([self.identity; 16]), self.scopes.clone(), self.identity)
    }
}

impl Driver {
    fn act_all(&mut self, acts: &[u32]) {
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
                    self.tell(session, Event::Abandoned(call));
                }
            }
            _ if self.dice.happens(0.2).is_some() => {
                let session = self.some_session();
                if session != self.pool.own() {
                    self.tell(session, Event::Closed);
                }
            }
            _ => {
                let session = self.some_session();
                self.tell(session, Event::PeerSaved);
            }
        }
    }

    fn ask(&mut self) {
        let scopes = if self.kin == Kin::One { 1 } else { self.dice.between(0, 4) };
        let identity = u8::try_from(self.dice.between(0, 7)).unwrap_or_default();
        let selector = Selector { identity, scopes: some_scopes(scopes) };
        let want = match self.dice.between(0, 8) {
            0 => Want::Fresh,
            1 => Want::Usable { min_validity: Some(seconds(90)), scopes: None },
            2 | 3 if self.kin == Kin::Several => {
                Want::Usable { min_validity: None, scopes: Some(some_scopes(self.dice.between(1, 4))) }
            }
            _ => Want::USABLE,
        };
        let (identity, scopes, context) = selector.taken_apart();
        let session = self.pool.open(identity, &scopes, context, self.now);
        self.uses += 1;
        self.known.entry(session).or_insert((selector, (self.uses, self.now)));
        self.calls += 1;
        self.waiting.insert(CallId(self.calls), session);
        self.tell(session, Event::Requested(CallId(self.calls), want));
    }

    fn tell_of_a_token(&mut self) {
        let session = self.some_session();
        let held = self.pool.lifecycle(session).and_then(Lifecycle::held).cloned();
        let event = match (self.dice.between(0, 4), held) {
            (0, _) => Event::Used,
            (1, Some(held)) => Event::Invalidated(held.access_token),
            (2, Some(held)) => Event::Refused(held.access_token, Refusal::First),
            (_, _) if self.kin == Kin::One => Event::Observed(self.token(session, None)),
            (..) => return,
        };
        self.tell(session, event);
    }

    /// One that is there, or was.
    fn some_session(&mut self) -> SessionId {
        let number = self.dice.index(self.known.len());
        self.known.keys().nth(number).copied().unwrap_or(self.pool.own())
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
            Asked::Load if fails => Event::Loaded(flight, Err(error())),
            Asked::Load => Event::Loaded(flight, Ok(None)),
            Asked::Acquire if fails => Event::Leased(flight, Err(error())),
            Asked::Acquire if weather == Weather::Rough => Event::Leased(flight, Ok(None)),
            Asked::Acquire => {
                assert!(self.leases.insert((session, flight)), "two leases for one flight");
                Event::Leased(flight, Ok(Some(Fence(self.calls))))
            }
            Asked::Save if fails => Event::Saved(flight, Err(error())),
            Asked::Save => Event::Saved(flight, Ok(Written::Kept)),
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
                Err(GrantFailure::RefreshTokenRefused(failure(ErrorCode::InvalidCredentials)))
            }
            (Weather::Rough, _) => Err(GrantFailure::Transient(failure(ErrorCode::Server))),
            (Weather::Calm, chance) => Ok(self.token(session, Some(chance))),
        };
        self.tell(session, Event::Granted(flight, answer));
    }

    /// Granted with the scopes that were asked for, mostly.
    fn token(&mut self, session: SessionId, chance: Option<u64>) -> TokenSet {
        self.tokens += 1;
        let selector = self.selector(session);
        let scopes = match chance {
            None | Some(0) => None,
            Some(1) => Some(some_scopes(1)),
            Some(_) => Some(selector.scopes.clone()),
        };
        let name = format!("token {}", self.tokens);
        self.granted.insert(name.clone(), selector);
        TokenSet { scopes, ..token(&name, self.now, seconds(180)) }
    }

    fn selector(&self, session: SessionId) -> Selector {
        self.known.get(&session).map(|(selector, _)| selector.clone()).expect("a session that was seen")
    }

    fn alarm(&mut self) {
        self.now = self.pool.next_wakeup().map_or(self.now, |at| at.max(self.now));
        self.wake();
    }

    fn wake(&mut self) {
        let effects = self.pool.woke(self.now);
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

    fn tell(&mut self, session: SessionId, event: Event) {
        let used = matches!(
            event,
            Event::Requested(..)
                | Event::Used
                | Event::Observed(_)
                | Event::Invalidated(_)
                | Event::Refused(..)
        );
        if used && self.pool.lifecycle(session).is_some() {
            self.uses += 1;
            let uses = (self.uses, self.now);
            self.known.get_mut(&session).into_iter().for_each(|(_, last)| *last = uses);
        }
        let effects = self.pool.handle(session, event.clone(), self.now);
        self.take_down(Cause::Told(session, event), effects);
    }

    fn take_down(&mut self, cause: Cause, effects: Vec<PoolEffect>) {
        let mut settled = Vec::new();
        for effect in &effects {
            let PoolEffect::Perform(session, effect) = effect else { continue };
            self.meet(*session);
            match effect {
                Effect::Settle(call, answer) => {
                    let asked = self.waiting.remove(call).expect("a call that waits, and is settled once");
                    settled.push((*call, self.selector(asked), answer.clone()));
                }
                Effect::Send(flight, _) => assert!(self.on_wire.insert((*session, *flight)), "two requests"),
                Effect::Cancel(flight) => drop(self.on_wire.remove(&(*session, *flight))),
                Effect::Load(flight) => self.asked.push_back((*session, *flight, Asked::Load)),
                Effect::Acquire(flight) => self.asked.push_back((*session, *flight, Asked::Acquire)),
                Effect::Save(flight, ..) => self.asked.push_back((*session, *flight, Asked::Save)),
                Effect::Release(flight) => {
                    assert!(self.leases.remove(&(*session, *flight)), "a lease that is given back twice");
                }
                Effect::Notify(_) => {}
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
            asking: self.pool.asking(),
            wakeup: self.pool.next_wakeup(),
            effects,
        };
        self.steps.push(step);
    }

    /// A session that the pool opened by itself, for a caller who needs more scopes.
    fn meet(&mut self, session: SessionId) {
        let Some(lifecycle) = self.pool.lifecycle(session) else { return };
        let Some(&identity) = self.pool.context(session) else { return };
        let selector = Selector { identity, scopes: lifecycle.scopes().clone() };
        self.known.entry(session).or_insert((selector, (self.uses, self.now)));
    }

    fn view(&self, session: SessionId, used: (u64, UnixMillis)) -> Option<View> {
        let lifecycle = self.pool.lifecycle(session)?;
        let standing = lifecycle.flight().filter(|flight| matches!(flight.phase, Phase::StandingBy { .. }));
        Some(View {
            used,
            own: session == self.pool.own(),
            standing: standing.map(|flight| {
                let well = flight.failed == 0 && lifecycle.status(self.now).last_error.is_none();
                if well { Standing::Well } else { Standing::Troubled }
            }),
            quiet: !lifecycle.is_busy() && !lifecycle.is_awaited(),
            awaited: lifecycle.is_awaited(),
            wakeup: lifecycle.next_wakeup(),
            held: lifecycle.held().cloned(),
        })
    }
}

fn some_scopes(number: u64) -> ScopeSet {
    [&[][..], &["A"], &["A", "B"], &["B", "C"]][usize::try_from(number).unwrap_or_default() % 4]
        .iter()
        .copied()
        .collect()
}

fn config() -> Config {
    Config { failure_persistence: None, ..Config::default() }
}

fn any_plans() -> impl Strategy<Value = Plan> {
    prop_oneof![plans(Kin::Several), plans(Kin::One)]
}

/// The sessions that were given their turn in a step, in order.
fn turns(before: Option<&Step>, step: &Step) -> Vec<SessionId> {
    let stood = |id: &SessionId| {
        before.is_none_or(|it| !it.sessions.contains_key(id) || it.sessions[id].standing.is_some())
    };
    let told = if let Cause::Told(session, Event::Granted(..)) = &step.cause { Some(*session) } else { None };
    let sent = step.effects.iter().filter_map(|effect| match effect {
        PoolEffect::Perform(session, Effect::Send(..)) => Some(*session),
        _ => None,
    });
    // One whose refresh token was refused goes on in its turn.
    sent.filter(|session| told != Some(*session) || stood(session)).collect()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_more_grants_are_on_the_wire_than_there_are_slots(plan in any_plans()) {
        for step in plan.run() {
            assert!(step.on_wire <= plan.limits.max_concurrent_grants, "{step:#?}");
            assert!(step.leases <= plan.limits.max_concurrent_grants, "{step:#?}");
            assert!(step.asking <= plan.limits.max_concurrent_grants, "{step:#?}");
        }
    }

    #[test]
    fn nobody_waits_for_a_turn_while_there_is_a_slot_for_them(plan in any_plans()) {
        for step in plan.run() {
            if step.asking == plan.limits.max_concurrent_grants {
                continue;
            }
            assert!(step.sessions.values().all(|it| it.standing != Some(Standing::Well)), "{step:#?}");
            let none_asks = step.asking == 0;
            assert!(!none_asks || step.sessions.values().all(|it| it.standing.is_none()), "{step:#?}");
        }
    }

    #[test]
    fn callers_go_before_the_background_but_for_one_turn_in_four(plan in any_plans()) {
        if plan.policy.sharing.is_some() {
            return Ok(());
        }
        let mut overtaken = Vec::new();
        let mut before: Option<Step> = None;
        for step in plan.run() {
            let caller_left = step.sessions.values().any(|it| it.awaited && it.standing == Some(Standing::Well));
            for session in turns(before.as_ref(), &step) {
                let for_nobody = step.sessions.get(&session).is_some_and(|it| !it.awaited);
                overtaken.push(for_nobody && caller_left);
            }
            before = Some(step);
        }
        for window in overtaken.windows(4) {
            assert!(window.iter().filter(|overtaken| **overtaken).count() <= 1, "{overtaken:?}");
        }
    }

    #[test]
    fn each_call_is_settled_once_and_nobody_is_left_waiting_when_all_is_well(plan in any_plans()) {
        let (steps, left) = plan.run_to_the_end();

        assert_eq!(left, 0, "{:#?}", steps.last());
        let last = steps.last().expect("the close");
        assert_eq!((last.leases, last.sessions.len(), last.wakeup), (0, 1, None), "{last:#?}");
    }

    #[test]
    fn the_alarm_is_the_earliest_of_all_and_later_than_now(plan in any_plans()) {
        for step in plan.run() {
            let due = step.sessions.values().filter_map(|it| it.wakeup);
            let idle = |it: &View| it.used.1 + plan.limits.idle + plan.limits.idle / 16;
            if plan.kin == Kin::One {
                let ends = step.sessions.values().filter(|it| it.quiet && !it.own).map(idle);
                assert_eq!(step.wakeup, due.chain(ends).min(), "{step:#?}");
            } else {
                assert!(step.wakeup.is_none_or(|at| due.min().is_none_or(|due| at <= due)), "{step:#?}");
            }
            assert!(step.wakeup.is_none_or(|at| at > step.at), "{step:#?}");
        }
    }

    #[test]
    fn an_alarm_that_goes_off_too_early_does_nothing(plan in any_plans()) {
        let mut wakeup = None;
        for step in plan.run() {
            if let Cause::Woke = step.cause && wakeup.is_none_or(|at| step.at < at) {
                assert_eq!(step.effects, [], "{step:#?}");
            }
            wakeup = step.wakeup;
        }
    }

    #[test]
    fn who_goes_is_quiet_and_was_used_before_all_quiet_ones_who_stay(plan in plans(Kin::One)) {
        let mut known: BTreeMap<SessionId, (u64, UnixMillis)> = BTreeMap::new();
        for step in plan.run() {
            let told = if let Cause::Told(id, Event::Closed | Event::Granted(..) | Event::Saved(..)) = &step.cause { Some(*id) } else { None };
            let quiet = |it: &&View| it.quiet && !it.own;
            let oldest = step.sessions.values().filter(quiet).map(|it| it.used).min();
            let others = step.sessions.len() - 1;
            let over = |used: (u64, UnixMillis)| used.1 + plan.limits.idle + plan.limits.idle / 16 <= step.at;
            let mut gone = 0;
            for effect in &step.effects {
                let PoolEffect::Forget(id) = effect else { continue };
                // One that was closed goes when its last grant is kept.
                if told == Some(*id) {
                    continue;
                }
                gone += 1;
                let Some(used) = known.get(id) else { continue };
                assert!(oldest.is_none_or(|oldest| *used < oldest), "{step:#?}");
                assert!(over(*used) || others + gone > plan.limits.max, "{step:#?}");
            }
            assert!(others <= plan.limits.max || step.sessions.values().filter(quiet).count() == 0, "{step:#?}");
            assert!(!step.sessions.values().filter(quiet).any(|it| over(it.used)), "{step:#?}");
            known.extend(step.sessions.iter().map(|(id, it)| (*id, it.used)));
        }
    }

    #[test]
    fn a_session_that_came_back_is_another(plan in any_plans()) {
        let mut gone = BTreeSet::new();
        for step in plan.run() {
            assert!(step.sessions.keys().all(|id| !gone.contains(id)), "{step:#?}");
            for effect in &step.effects {
                if let PoolEffect::Forget(id) = effect {
                    assert!(gone.insert(*id), "{step:#?}");
                }
            }
        }
    }

    #[test]
    fn a_call_is_given_a_token_of_its_identity_that_was_asked_for_or_granted_with_its_scopes(plan in plans(Kin::Several)) {
        let mut driver = plan.driver();
        driver.act_all(&plan.acts);
        let mut wants = BTreeMap::new();
        for step in &driver.steps {
            if let Cause::Told(_, Event::Requested(call, want)) = &step.cause {
                wants.insert(*call, want.clone());
            }
            for (call, selector, answer) in &step.settled {
                let Ok(given) = answer else { continue };
                let owner = &driver.granted[given.access_token.expose()];
                assert_eq!(owner.identity, selector.identity, "{step:#?}");
                let needed = needed(selector, &wants[call]);
                let granted = given.scopes.as_ref().is_some_and(|granted| !needed.is_empty() && granted.includes(&needed));
                let asked = owner.scopes == selector.scopes || owner.scopes == needed;
                assert!(asked || granted, "{needed:?} of {owner:?}: {step:#?}");
            }
        }
    }

    #[test]
    fn a_call_does_not_wait_where_a_sibling_holds_a_fresh_token_with_all_its_scopes(plan in plans(Kin::Several)) {
        let mut driver = plan.driver();
        driver.act_all(&plan.acts);
        let mut before: BTreeMap<SessionId, View> = BTreeMap::new();
        for step in &driver.steps {
            if let Cause::Told(session, Event::Requested(call, want @ Want::Usable { min_validity, .. })) = &step.cause {
                let selector = driver.selector(*session);
                let needed = needed(&selector, want);
                let fresh = |held: &TokenSet| {
                    let known = held.scopes.as_ref().is_some_and(|granted| granted.includes(&needed));
                    known && step.at < plan.policy.served_until(held.issued_at, held.expires_at, *min_validity)
                };
                let may = before.iter().any(|(id, it)| {
                    driver.selector(*id).identity == selector.identity && step.sessions.contains_key(id)
                        && !needed.is_empty() && it.held.as_ref().is_some_and(fresh)
                });
                let served = step.settled.iter().any(|(settled, _, answer)| settled == call && answer.is_ok());
                assert!(!may || served, "{step:#?}");
            }
            before.clone_from(&step.sessions);
        }
    }

    #[test]
    fn two_selectors_are_one_session_exactly_if_they_are_the_same(
        one in (0..4_u8, 0..4_u64),
        other in (0..4_u8, 0..4_u64),
        plan in plans(Kin::Several),
    ) {
        let mut driver = plan.driver();
        driver.act_all(&plan.acts);
        let [one, other] = [one, other].map(|(identity, scopes)| Selector { identity, scopes: some_scopes(scopes) });
        let mut open = |selector: &Selector| {
            let (identity, scopes, context) = selector.taken_apart();
            driver.pool.open(identity, &scopes, context, driver.now)
        };
        assert_eq!(open(&one) == open(&other), one == other);
        assert_eq!(open(&one), open(&one));
    }
}

/// The scopes that a call needs: the session's, and those it asks for besides.
fn needed(selector: &Selector, want: &Want) -> ScopeSet {
    match want {
        Want::Usable { scopes: Some(wish), .. } => selector.scopes.union(wish),
        Want::Usable { scopes: None, .. } | Want::Fresh => selector.scopes.clone(),
    }
}
