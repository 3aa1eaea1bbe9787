//! Many holders of one token: a shared store, leases that end by themselves, crashes
//! between any two steps, notices that are lost, a provider that rotates.
//!
//! `SIMULATION_SEEDS=1000 cargo test holders` runs as many worlds as asked;
//! `SIMULATION_SEED=7` replays one. `--nocapture` shows the figures.

use std::{collections::BTreeMap, rc::Rc};

use super::{
    failure, millis, scopes,
    world::{
        Agenda, Answer, Device, Dice, HOUR, Instant, MINUTE, Provider, SECOND, index, one_seed, replayable,
        seeds,
    },
};
use crate::core::{
    AccessToken, AcquisitionId, CallId, ClockOffset, Effect, ErrorCode, Event, Fence, Grant, GrantFailure,
    Input, Jitter, Policy, RefreshToken, Session, Sharing, TokenError, TokenRequest, TokenSet, TokenTimes,
    WriteOutcome,
};

const BEGINNING: Instant = 100 * 24 * HOUR;
const LEASE: u64 = 20 * SECOND;
const REQUEST_TIMEOUT: u64 = 10 * SECOND;
const STORE_TIMEOUT: u64 = 5 * SECOND;
/// How long after a write each holder that is in use has read it: its notice may be lost, two reads may
/// be too slow, and then the store is left alone for a while.
const NOTICED: u64 = 3 * MINUTE;

/// What goes wrong, and how often.
#[derive(Clone, Copy)]
struct Weather {
    holders: usize,
    hours: u64,
    lifetime: u64,
    /// Requests that are lost, of one.
    lost: f64,
    /// Steps after which a holder crashes, and after which it stops for a while, of one.
    crash: f64,
    /// Answers of the store that take too long, of one.
    slow: f64,
    /// Whether the store goes down, is emptied and holds rubbish, and holders sleep.
    rough: Option<()>,
}

struct Holder {
    machine: Session,
    device: Device,
    /// Grows with each crash: what was meant for the one before is not heard.
    life: u64,
    alarm: u64,
    calls: u64,
    waiting: BTreeMap<CallId, Instant>,
    request: u64,
    operation: u64,
    asleep_until: Instant,
}

/// What is written in the store.
#[derive(Clone, Copy)]
struct Entry {
    access: usize,
    refresh: Option<usize>,
    received_at: Instant,
}

#[derive(Clone, Copy, PartialEq)]
struct LeaseHeld {
    holder: usize,
    life: u64,
    flight: AcquisitionId,
    until: Instant,
}

#[derive(Default)]
struct Store {
    entry: Option<Entry>,
    written_at: Instant,
    lease: Option<LeaseHeld>,
    fence: u64,
    down: Option<()>,
}

/// Who an answer is for: the holder, its life, its request or operation.
#[derive(Clone, Copy)]
struct To(usize, u64, u64);

enum Happening {
    Alarm(usize, u64, u64),
    Call(usize),
    Asked(To, AcquisitionId, Grant, bool),
    Answered(To, AcquisitionId, Answer),
    RequestTimedOut(To, AcquisitionId),
    Reached(To, Operation),
    StoreAnswered(To, Input),
    StoreTimedOut(To, Operation),
    Notice(usize),
    FallAsleep(usize),
    StoreGoesDown,
    StoreComesUp,
    Emptied,
}

#[derive(Clone)]
enum Operation {
    Load(AcquisitionId),
    Acquire(AcquisitionId),
    Save(AcquisitionId, Option<Fence>, Entry),
}

impl Operation {
    fn failed(&self) -> Input {
        let error = failure(ErrorCode::Store);
        match self {
            Self::Load(id) => Input::StoreRead(*id, Err(error)),
            Self::Acquire(id) => Input::LeaseAnswered(*id, Err(error)),
            Self::Save(id, ..) => Input::StoreWritten(*id, Err(error)),
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Figures {
    hours: u64,
    holders: usize,
    lifetimes: u64,
    calls: u64,
    waits: u64,
    failed_calls: u64,
    longest_wait: u64,
    grants: u64,
    crashes: u64,
    /// Times that the store, or a holder's sleep, may have cost each holder a grant.
    troubles: u64,
    overtaken: u64,
    shared: u64,
    /// Calls that got an older token than the store had had for [`NOTICED`].
    superseded: u64,
}

struct Simulation {
    weather: Weather,
    now: Instant,
    dice: Dice,
    agenda: Agenda<Happening>,
    provider: Provider,
    store: Store,
    holders: Vec<Holder>,
    figures: Figures,
}

impl Simulation {
    fn new(seed: u64, weather: Weather) -> Self {
        let mut dice = Dice::new(seed);
        let holders = (0..weather.holders).map(|_| Holder::new(&mut dice, BEGINNING)).collect();
        let provider = Provider::new(weather.lifetime, dice.around_zero(HOUR));
        let (store, agenda) = (Store::default(), Agenda::new());
        let figures = Figures { hours: weather.hours, holders: weather.holders, ..Figures::default() };
        let mut world = Self { weather, now: BEGINNING, dice, agenda, provider, store, holders, figures };
        for number in 0..weather.holders {
            world.soon(5 * SECOND, Happening::Call(number));
            if weather.rough.is_some() {
                world.soon(HOUR, Happening::FallAsleep(number));
            }
        }
        if weather.rough.is_some() {
            world.soon(HOUR, Happening::StoreGoesDown);
            world.soon(HOUR, Happening::Emptied);
        }
        world
    }

    fn soon(&mut self, mean: u64, happening: Happening) {
        let at = self.now + self.dice.between(0, 2 * mean).max(1);
        self.agenda.add(at, happening);
    }

    fn run(mut self) -> Figures {
        let end = BEGINNING + self.weather.hours * HOUR;
        while let Some((at, happening)) = self.agenda.next()
            && at < end
        {
            self.now = at;
            self.happen(happening);
        }
        self.wind_up(end)
    }

    /// Everybody closes; what is on the wire comes home.
    fn wind_up(mut self, end: Instant) -> Figures {
        for number in 0..self.holders.len() {
            self.tell(number, Input::Closed);
        }
        self.agenda.add(end + 10 * MINUTE, Happening::StoreComesUp);
        while let Some((at, happening)) = self.agenda.next()
            && at < end + HOUR
        {
            self.now = at;
            if !matches!(happening, Happening::Call(_) | Happening::FallAsleep(_)) {
                self.happen(happening);
            }
        }
        for holder in &self.holders {
            assert!(!holder.machine.is_busy(), "busy an hour after the close");
            assert!(holder.waiting.is_empty(), "unanswered: {:?}", holder.waiting);
        }
        let lease = self.store.lease.filter(|lease| self.now < lease.until);
        assert!(lease.is_none(), "a lease was not given back");
        assert_eq!(self.provider.reuses, 0, "a refresh token was presented twice");
        self.figures.lifetimes = self.weather.hours * HOUR / self.weather.lifetime;
        self.figures
    }

    /// When the holder hears of it; `None` if that one has crashed since.
    fn hears(&self, To(number, life, _): To) -> Option<&Holder> {
        Some(&self.holders[number]).filter(|holder| holder.life == life)
    }

    fn happen(&mut self, happening: Happening) {
        // Who sleeps hears of it on waking.
        let for_whom = match &happening {
            Happening::Alarm(number, ..)
            | Happening::Notice(number)
            | Happening::RequestTimedOut(To(number, ..), _)
            | Happening::StoreAnswered(To(number, ..), _)
            | Happening::StoreTimedOut(To(number, ..), _)
            | Happening::Call(number) => Some(*number),
            Happening::Asked(..)
            | Happening::Answered(..)
            | Happening::Reached(..)
            | Happening::FallAsleep(_)
            | Happening::StoreGoesDown
            | Happening::StoreComesUp
            | Happening::Emptied => None,
        };
        if let Some(until) = for_whom.map(|number| self.holders[number].asleep_until)
            && self.now < until
        {
            self.agenda.add(until, happening);
            return;
        }
        self.occur(happening);
    }

    fn occur(&mut self, happening: Happening) {
        match happening {
            Happening::Alarm(number, life, alarm) => {
                let holder = &self.holders[number];
                if (holder.life, holder.alarm) == (life, alarm) {
                    self.tell(number, Input::TimerFired);
                }
            }
            Happening::Call(number) => self.call(number),
            Happening::Asked(to, flight, grant, loses_its_answer) => {
                let answer = self.provider.asked(&grant, self.now, &mut self.dice);
                if let Answer::Token { .. } = answer {
                    self.figures.grants += 1;
                }
                if !loses_its_answer {
                    let latency = self.dice.between(5, 300);
                    self.agenda.add(self.now + latency, Happening::Answered(to, flight, answer));
                }
            }
            Happening::Answered(to, flight, answer) => self.answered(to, flight, answer),
            Happening::RequestTimedOut(to, flight) => {
                if self.hears(to).is_some_and(|holder| holder.request == to.2) {
                    self.holders[to.0].request += 1;
                    self.tell(to.0, Input::Granted(flight, Err(lost())));
                }
            }
            Happening::Reached(to, operation) => self.reached(to, &operation),
            Happening::StoreAnswered(to, event) => {
                if self.hears(to).is_some_and(|holder| holder.operation == to.2) {
                    self.holders[to.0].operation += 1;
                    self.tell(to.0, event);
                }
            }
            Happening::StoreTimedOut(to, operation) => {
                if self.hears(to).is_some_and(|holder| holder.operation == to.2) {
                    self.holders[to.0].operation += 1;
                    self.figures.troubles += 1;
                    self.tell(to.0, operation.failed());
                }
            }
            Happening::Notice(number) => self.tell(number, Input::StoreChanged),
            Happening::FallAsleep(number) => self.fall_asleep(number),
            Happening::StoreGoesDown => {
                self.store.down = Some(());
                self.figures.troubles += 1;
                self.soon(5 * MINUTE, Happening::StoreComesUp);
            }
            Happening::StoreComesUp => {
                self.store.down = None;
                self.soon(HOUR, Happening::StoreGoesDown);
            }
            // Rubbish is read as nothing, too.
            Happening::Emptied => {
                self.store.entry = None;
                self.figures.troubles += 1;
                self.soon(HOUR, Happening::Emptied);
            }
        }
    }

    fn call(&mut self, number: usize) {
        self.soon(20 * SECOND, Happening::Call(number));
        let holder = &mut self.holders[number];
        holder.calls += 1;
        let call = CallId(holder.calls);
        holder.waiting.insert(call, self.now);
        self.figures.calls += 1;
        self.tell(number, Input::Requested(call, TokenRequest::DEFAULT));
        self.figures.waits += u64::from(self.holders[number].waiting.contains_key(&call));
    }

    fn fall_asleep(&mut self, number: usize) {
        let span = self.dice.between(SECOND, 10 * MINUTE);
        self.holders[number].asleep_until = self.now + span;
        self.figures.troubles += 1;
        self.soon(HOUR, Happening::FallAsleep(number));
    }

    fn answered(&mut self, to: To, flight: AcquisitionId, answer: Answer) {
        // An answer to who sleeps is lost: the connection is gone when it wakes.
        let now = self.now;
        if self.hears(to).is_none_or(|holder| holder.request != to.2 || now < holder.asleep_until) {
            return;
        }
        self.holders[to.0].request += 1;
        let answer = match answer {
            Answer::Token { access, refresh } => {
                let entry = Entry { access, refresh, received_at: self.now };
                Ok(self.as_seen_by(to.0, entry))
            }
            Answer::RefreshTokenRejected => {
                Err(GrantFailure::RefreshTokenRejected(failure(ErrorCode::InvalidCredentials)))
            }
            Answer::Unavailable(..) => Err(lost()),
        };
        self.tell(to.0, Input::Granted(flight, answer));
    }

    fn as_seen_by(&mut self, number: usize, entry: Entry) -> Rc<TokenSet> {
        let here = self.holders[number].device.now(self.now);
        let issued = self.provider.issued(entry.access);
        let issued_at = here - millis(self.now - entry.received_at);
        Rc::new(TokenSet {
            access_token: AccessToken::new(entry.access.to_string()),
            refresh_token: entry.refresh.map(|refresh| RefreshToken::new(refresh.to_string())),
            scopes: None,
            issued_at,
            expires_at: issued_at + millis(self.weather.lifetime),
            provider_clock: ClockOffset::default(),
            times: TokenTimes { issued_at: Some(issued.stamp), expires_at: None },
        })
    }

    fn tell(&mut self, number: usize, event: Input) {
        let holder = &mut self.holders[number];
        let time = holder.device.now(self.now);
        let effects = holder.machine.handle(event, time);
        assert!(holder.machine.poll_timeout().is_none_or(|at| at > time), "an alarm in the past");
        for effect in effects {
            self.perform(number, effect);
            if self.dice.happens(self.weather.crash).is_some() {
                return self.crash(number);
            }
            // Longer than a lease lasts: a laptop is closed, a process is stopped.
            if self.dice.happens(self.weather.crash).is_some() {
                self.figures.troubles += 1;
                self.holders[number].asleep_until = self.now + self.dice.between(LEASE, 4 * LEASE);
            }
        }
        let holder = &mut self.holders[number];
        holder.alarm += 1;
        if let Some(at) = holder.machine.poll_timeout() {
            let span = at.millis() - holder.device.now(self.now).millis();
            let late = self.dice.between(0, 60);
            let alarm = Happening::Alarm(number, holder.life, holder.alarm);
            self.agenda.add(self.now + span + late, alarm);
        }
    }

    fn crash(&mut self, number: usize) {
        self.figures.crashes += 1;
        let life = self.holders[number].life + 1;
        self.holders[number] = Holder { life, ..Holder::new(&mut self.dice, self.now) };
    }

    fn perform(&mut self, number: usize, effect: Effect) {
        let holder = &mut self.holders[number];
        match effect {
            Effect::Resolve(call, answer) => self.settled(number, call, answer),
            Effect::Send(flight, grant) => {
                holder.request += 1;
                let to = To(number, holder.life, holder.request);
                self.agenda.add(self.now + REQUEST_TIMEOUT, Happening::RequestTimedOut(to, flight));
                let lost = self.dice.happens(self.weather.lost).is_some();
                if lost && self.dice.happens(0.5).is_some() {
                    return;
                }
                let latency = self.dice.between(5, 300);
                self.agenda.add(self.now + latency, Happening::Asked(to, flight, grant, lost));
            }
            Effect::Cancel(_) => holder.request += 1,
            Effect::ReadStore(id) => self.operate(number, Operation::Load(id)),
            Effect::AcquireLease(id) => self.operate(number, Operation::Acquire(id)),
            Effect::WriteStore(id, fence, tokens) => {
                let here = holder.device.now(self.now);
                let age = here.since(tokens.issued_at);
                let entry = Entry {
                    access: index(tokens.access_token.expose()),
                    refresh: tokens.refresh_token.as_ref().map(|token| index(token.expose())),
                    received_at: self.now - u64::try_from(age.as_millis()).unwrap_or(0),
                };
                self.operate(number, Operation::Save(id, fence, entry));
            }
            Effect::ReleaseLease(flight) => {
                let life = holder.life;
                let mine = |lease: &mut LeaseHeld| {
                    (lease.holder, lease.life, lease.flight) == (number, life, flight)
                };
                self.store.lease.take_if(mine);
            }
            Effect::Emit(Event::Token { reason, .. }) => {
                self.figures.shared += u64::from(reason.as_str() == "shared");
            }
            Effect::Emit(_) => {}
        }
    }

    fn settled(&mut self, number: usize, call: CallId, answer: Result<Rc<TokenSet>, TokenError>) {
        let holder = &mut self.holders[number];
        let asked_at = holder.waiting.remove(&call).expect("one answer for each call");
        let waited = self.now - asked_at.max(holder.asleep_until.min(self.now));
        self.figures.longest_wait = self.figures.longest_wait.max(waited);
        match answer {
            Ok(tokens) => {
                let newer = self.store.entry.map_or(0, |it| it.access) > index(tokens.access_token.expose());
                let noticed = self.store.written_at + NOTICED < self.now;
                self.figures.superseded += u64::from(newer && noticed);
                let issued = self.provider.issued(index(tokens.access_token.expose()));
                // It counts from receipt, half a second after it was issued at most.
                assert!(
                    self.now < issued.expires_at + 700,
                    "a token {} ms too old",
                    self.now - issued.expires_at
                );
            }
            Err(error) if error.code == ErrorCode::Closed => {}
            Err(_) => self.figures.failed_calls += 1,
        }
    }

    fn operate(&mut self, number: usize, operation: Operation) {
        let holder = &mut self.holders[number];
        holder.operation += 1;
        let to = To(number, holder.life, holder.operation);
        let slow = self.dice.happens(self.weather.slow).is_some();
        let latency = if slow { self.dice.between(0, 30 * SECOND) } else { self.dice.between(1, 20) };
        self.agenda.add(self.now + STORE_TIMEOUT, Happening::StoreTimedOut(to, operation.clone()));
        self.agenda.add(self.now + latency, Happening::Reached(to, operation));
    }

    /// The store does what it was asked for, whoever still waits for it.
    fn reached(&mut self, to: To, operation: &Operation) {
        if self.store.down.is_some() {
            let latency = self.dice.between(1, 20);
            return self.agenda.add(self.now + latency, Happening::StoreAnswered(to, operation.failed()));
        }
        let event = match operation {
            Operation::Load(id) => {
                let entry = self.store.entry;
                Input::StoreRead(*id, Ok(entry.map(|entry| self.as_seen_by(to.0, entry))))
            }
            Operation::Acquire(id) => Input::LeaseAnswered(*id, Ok(self.lease(to, *id))),
            Operation::Save(id, fence, entry) => {
                Input::StoreWritten(*id, Ok(self.write(to.0, *fence, *entry)))
            }
        };
        let latency = self.dice.between(1, 20);
        self.agenda.add(self.now + latency, Happening::StoreAnswered(to, event));
    }

    fn lease(&mut self, to: To, flight: AcquisitionId) -> Option<Fence> {
        if self.store.lease.is_some_and(|lease| self.now < lease.until) {
            return None;
        }
        // A driver that no longer waits for a lease gives it back when it comes.
        if self.hears(to).is_some_and(|holder| holder.operation == to.2) {
            let until = self.now + LEASE;
            self.store.lease = Some(LeaseHeld { holder: to.0, life: to.1, flight, until });
        }
        self.store.fence += 1;
        Some(Fence(self.store.fence))
    }

    fn write(&mut self, number: usize, fence: Option<Fence>, entry: Entry) -> WriteOutcome {
        if fence.is_some_and(|fence| fence.0 < self.store.fence) {
            self.figures.overtaken += 1;
            return WriteOutcome::Fenced;
        }
        self.store.entry = Some(entry);
        self.store.written_at = self.now;
        for other in (0..self.holders.len()).filter(|other| *other != number) {
            // Notices are lost now and then.
            if self.dice.happens(0.95).is_some() {
                let latency = self.dice.between(1, 50);
                self.agenda.add(self.now + latency, Happening::Notice(other));
            }
        }
        WriteOutcome::Stored
    }
}

impl Holder {
    fn new(dice: &mut Dice, now: Instant) -> Self {
        let sharing = Some(Sharing { lease: Some(millis(LEASE)), announces: true });
        let policy = Policy { sharing, ..Policy::default() };
        let jitter = Jitter::new(dice.between(0, u64::from(u32::MAX)));
        Self {
            machine: Session::new(policy, scopes(&[]), jitter),
            device: Device::new(now, dice),
            life: 0,
            alarm: 0,
            calls: 0,
            waiting: BTreeMap::new(),
            request: 0,
            operation: 0,
            asleep_until: 0,
        }
    }
}

fn lost() -> GrantFailure {
    GrantFailure::Transient(failure(ErrorCode::Network))
}

fn simulate(seed: u64, weather: Weather) -> Figures {
    replayable(seed, || Simulation::new(seed, weather).run())
}

/// Grants of one manager alone, at most: none comes before five eighths of a lifetime.
fn grants_of_one(figures: &Figures, lifetime: u64) -> u64 {
    figures.hours * HOUR * 8 / (lifetime * 5) + 2
}

#[test]
fn eight_holders_cause_the_grants_of_one() {
    let lifetime = 3 * MINUTE;
    let calm = Weather { holders: 8, hours: 6, lifetime, lost: 0.0, crash: 0.0, slow: 0.0, rough: None };

    let figures = simulate(one_seed(), calm);

    eprintln!("{figures:#?}");
    // One manager refreshes each 130.5 s at the earliest.
    let alone = figures.hours * HOUR / 130_500 + 2;
    assert!(figures.grants <= alone, "{} grants, {alone} of one", figures.grants);
    assert_eq!((figures.failed_calls, figures.overtaken), (0, 0));
}

#[test]
fn whatever_happens_holders_share_and_nobody_presents_a_refresh_token_twice() {
    let seeds = seeds(24);

    for seed in seeds {
        let mut dice = Dice::new(!seed);
        let weather = Weather {
            holders: [2, 5, 20][dice.index(3)],
            hours: 4,
            lifetime: [MINUTE, 3 * MINUTE, 10 * MINUTE][dice.index(3)],
            lost: [0.0, 0.05, 0.2][dice.index(3)],
            crash: [0.0, 0.002, 0.02][dice.index(3)],
            slow: [0.0, 0.01][dice.index(2)],
            rough: dice.happens(0.5),
        };
        let figures = simulate(seed, weather);
        eprintln!("{seed}: {figures:?}");
        let holders = figures.holders as u64;
        let most = grants_of_one(&figures, weather.lifetime) + figures.crashes + holders * figures.troubles;
        if weather.lost == 0.0 {
            assert!(figures.grants <= most, "{figures:?}, at most {most}");
            assert_eq!(figures.failed_calls, 0, "{figures:?}");
        }
        let longest = LEASE + 3 * REQUEST_TIMEOUT + 6 * STORE_TIMEOUT + 10 * SECOND;
        assert!(figures.longest_wait <= longest, "{figures:?}");
    }
}

#[test]
fn holders_of_a_slow_store_read_each_change_that_was_announced_or_missed() {
    for seed in seeds(8) {
        let weather = Weather {
            holders: 5,
            hours: 24,
            lifetime: 30 * MINUTE,
            lost: 0.0,
            crash: 0.0,
            slow: 0.02,
            rough: None,
        };

        let figures = simulate(seed, weather);

        eprintln!("{seed}: {figures:?}");
        assert!(figures.shared > 100, "{figures:?}");
        assert_eq!(figures.superseded, 0, "{figures:?}");
    }
}
