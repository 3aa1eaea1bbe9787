//! Simulation of holders that share one token: leases that expire, crashes between any two steps, lost announcements,
//! and a provider that rotates refresh tokens.
//!
//! `SIMULATION_SEEDS=1000 cargo test holders` runs as many simulations; `SIMULATION_SEED=7` repeats one. `--nocapture`
//! shows the figures.

use std::{collections::BTreeMap, rc::Rc};

use super::{
    failure, millis, scopes,
    world::{
        Device, HOUR, Instant, MINUTE, Provider, ProviderResponse, Rng, SECOND, Schedule, index, one_seed,
        replayable, seeds,
    },
};
use crate::core::{
    AccessToken, AcquisitionId, CallId, ClockOffset, Effect, ErrorCode, Event, Grant, GrantFailure, Input,
    Jitter, Policy, RefreshToken, Session, Sharing, StoredRecord, TokenError, TokenRequest, TokenSet,
    TokenTimes,
};

mod store;

use store::{Entry, LeaseHeld, Operation, Store};

const BEGINNING: Instant = 100 * 24 * HOUR;
const LEASE: u64 = 20 * SECOND;
const REQUEST_TIMEOUT: u64 = 10 * SECOND;
const STORE_TIMEOUT: u64 = 5 * SECOND;
/// Time after a write within which each holder in use has read it: its announcement may be lost, two reads may be too
/// slow, and then the store is bypassed for a while.
const PROPAGATION: u64 = 3 * MINUTE;

/// Faults and their probabilities.
#[derive(Clone, Copy)]
struct FaultProfile {
    holders: usize,
    hours: u64,
    lifetime: u64,
    /// Fraction of requests that are lost.
    lost: f64,
    /// Fraction of steps after which a holder crashes, and after which it stops for a while.
    crash: f64,
    /// Fraction of store responses that take too long.
    slow: f64,
    /// Set if the store has outages, is emptied and returns garbage, and holders sleep.
    outages: Option<()>,
}

struct Holder {
    machine: Session,
    device: Device,
    /// Incremented by each crash: responses for an earlier generation are dropped.
    generation: u64,
    timer: u64,
    calls: u64,
    waiting: BTreeMap<CallId, Instant>,
    request: u64,
    operation: u64,
    asleep_until: Instant,
}

/// Recipient of a response: the holder, its generation, and the number of its request or operation.
#[derive(Clone, Copy)]
struct Recipient(usize, u64, u64);

enum Occurrence {
    TimerFires(usize, u64, u64),
    Call(usize),
    RequestArrives(Recipient, AcquisitionId, Grant, bool),
    ResponseArrives(Recipient, AcquisitionId, ProviderResponse),
    RequestTimesOut(Recipient, AcquisitionId),
    OperationArrives(Recipient, Operation),
    StoreAnswers(Recipient, Input),
    StoreTimesOut(Recipient, Operation),
    Announcement(usize),
    FallAsleep(usize),
    StoreGoesDown,
    StoreComesUp,
    StoreEmptied,
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
    /// Outages of the store and sleeps of a holder, each of which may cost every holder a grant.
    disturbances: u64,
    fenced: u64,
    shared: u64,
    /// Calls that received an older token than the store had had for [`PROPAGATION`].
    stale_reads: u64,
}

struct Simulation {
    faults: FaultProfile,
    now: Instant,
    rng: Rng,
    schedule: Schedule<Occurrence>,
    provider: Provider,
    store: Store,
    holders: Vec<Holder>,
    figures: Figures,
}

impl Simulation {
    fn new(seed: u64, faults: FaultProfile) -> Self {
        let mut rng = Rng::new(seed);
        let holders = (0..faults.holders).map(|_| Holder::new(&mut rng, BEGINNING)).collect();
        let provider = Provider::new(faults.lifetime, rng.symmetric(HOUR));
        let (store, schedule) = (Store::default(), Schedule::new());
        let figures = Figures { hours: faults.hours, holders: faults.holders, ..Figures::default() };
        let mut world = Self { faults, now: BEGINNING, rng, schedule, provider, store, holders, figures };
        for number in 0..faults.holders {
            world.schedule(5 * SECOND, Occurrence::Call(number));
            if faults.outages.is_some() {
                world.schedule(HOUR, Occurrence::FallAsleep(number));
            }
        }
        if faults.outages.is_some() {
            world.schedule(HOUR, Occurrence::StoreGoesDown);
            world.schedule(HOUR, Occurrence::StoreEmptied);
        }
        world
    }

    fn schedule(&mut self, mean: u64, occurrence: Occurrence) {
        let at = self.now + self.rng.between(0, 2 * mean).max(1);
        self.schedule.add(at, occurrence);
    }

    fn run(mut self) -> Figures {
        let end = BEGINNING + self.faults.hours * HOUR;
        while let Some((at, occurrence)) = self.schedule.next()
            && at < end
        {
            self.now = at;
            self.dispatch(occurrence);
        }
        self.drain(end)
    }

    /// Closes all holders and lets pending requests complete.
    fn drain(mut self, end: Instant) -> Figures {
        for number in 0..self.holders.len() {
            self.handle(number, Input::Closed);
        }
        self.schedule.add(end + 10 * MINUTE, Occurrence::StoreComesUp);
        while let Some((at, occurrence)) = self.schedule.next()
            && at < end + HOUR
        {
            self.now = at;
            if !matches!(occurrence, Occurrence::Call(_) | Occurrence::FallAsleep(_)) {
                self.dispatch(occurrence);
            }
        }
        for holder in &self.holders {
            assert!(!holder.machine.is_busy(), "busy an hour after the close");
            assert!(holder.waiting.is_empty(), "unanswered: {:?}", holder.waiting);
        }
        let lease = self.store.lease.filter(|lease| self.now < lease.until);
        assert!(lease.is_none(), "a lease was not received back");
        assert_eq!(self.provider.reuses, 0, "a refresh token was presented twice");
        self.figures.lifetimes = self.faults.hours * HOUR / self.faults.lifetime;
        self.figures
    }

    /// Returns the holder, unless it has crashed since.
    fn recipient(&self, Recipient(number, generation, _): Recipient) -> Option<&Holder> {
        Some(&self.holders[number]).filter(|holder| holder.generation == generation)
    }

    fn dispatch(&mut self, occurrence: Occurrence) {
        // Occurrences for a sleeping holder are delayed until it wakes.
        let for_whom = match &occurrence {
            Occurrence::TimerFires(number, ..)
            | Occurrence::Announcement(number)
            | Occurrence::RequestTimesOut(Recipient(number, ..), _)
            | Occurrence::StoreAnswers(Recipient(number, ..), _)
            | Occurrence::StoreTimesOut(Recipient(number, ..), _)
            | Occurrence::Call(number) => Some(*number),
            Occurrence::RequestArrives(..)
            | Occurrence::ResponseArrives(..)
            | Occurrence::OperationArrives(..)
            | Occurrence::FallAsleep(_)
            | Occurrence::StoreGoesDown
            | Occurrence::StoreComesUp
            | Occurrence::StoreEmptied => None,
        };
        if let Some(until) = for_whom.map(|number| self.holders[number].asleep_until)
            && self.now < until
        {
            self.schedule.add(until, occurrence);
            return;
        }
        self.process(occurrence);
    }

    fn process(&mut self, occurrence: Occurrence) {
        match occurrence {
            Occurrence::TimerFires(number, generation, timer) => {
                let holder = &self.holders[number];
                if (holder.generation, holder.timer) == (generation, timer) {
                    self.handle(number, Input::TimerFired);
                }
            }
            Occurrence::Call(number) => self.call(number),
            Occurrence::RequestArrives(to, acquisition, grant, loses_its_answer) => {
                let answer = self.provider.respond(&grant, self.now, &mut self.rng);
                if let ProviderResponse::Token { .. } = answer {
                    self.figures.grants += 1;
                }
                if !loses_its_answer {
                    let latency = self.rng.between(5, 300);
                    self.schedule
                        .add(self.now + latency, Occurrence::ResponseArrives(to, acquisition, answer));
                }
            }
            Occurrence::ResponseArrives(to, acquisition, answer) => self.answered(to, acquisition, answer),
            Occurrence::RequestTimesOut(to, acquisition) => {
                if self.recipient(to).is_some_and(|holder| holder.request == to.2) {
                    self.holders[to.0].request += 1;
                    self.handle(to.0, Input::Granted(acquisition, Err(lost())));
                }
            }
            Occurrence::OperationArrives(to, operation) => self.reached(to, &operation),
            Occurrence::StoreAnswers(to, input) => {
                if self.recipient(to).is_some_and(|holder| holder.operation == to.2) {
                    self.holders[to.0].operation += 1;
                    self.handle(to.0, input);
                }
            }
            Occurrence::StoreTimesOut(to, operation) => {
                if self.recipient(to).is_some_and(|holder| holder.operation == to.2) {
                    self.holders[to.0].operation += 1;
                    self.figures.disturbances += 1;
                    self.handle(to.0, operation.failed());
                }
            }
            Occurrence::Announcement(number) => self.handle(number, Input::StoreChanged),
            Occurrence::FallAsleep(number) => self.fall_asleep(number),
            Occurrence::StoreGoesDown => {
                self.store.down = Some(());
                self.figures.disturbances += 1;
                self.schedule(5 * MINUTE, Occurrence::StoreComesUp);
            }
            Occurrence::StoreComesUp => {
                self.store.down = None;
                self.schedule(HOUR, Occurrence::StoreGoesDown);
            }
            // Garbage is read as an empty store.
            Occurrence::StoreEmptied => {
                self.store.entry = None;
                self.figures.disturbances += 1;
                self.schedule(HOUR, Occurrence::StoreEmptied);
            }
        }
    }

    fn call(&mut self, number: usize) {
        self.schedule(20 * SECOND, Occurrence::Call(number));
        let holder = &mut self.holders[number];
        holder.calls += 1;
        let call = CallId(holder.calls);
        holder.waiting.insert(call, self.now);
        self.figures.calls += 1;
        self.handle(number, Input::Requested(call, TokenRequest::DEFAULT));
        self.figures.waits += u64::from(self.holders[number].waiting.contains_key(&call));
    }

    fn fall_asleep(&mut self, number: usize) {
        let span = self.rng.between(SECOND, 10 * MINUTE);
        self.holders[number].asleep_until = self.now + span;
        self.figures.disturbances += 1;
        self.schedule(HOUR, Occurrence::FallAsleep(number));
    }

    fn answered(&mut self, to: Recipient, acquisition: AcquisitionId, answer: ProviderResponse) {
        // A response to a sleeping holder is lost with its connection.
        let now = self.now;
        if self.recipient(to).is_none_or(|holder| holder.request != to.2 || now < holder.asleep_until) {
            return;
        }
        self.holders[to.0].request += 1;
        let answer = match answer {
            ProviderResponse::Token { access, refresh } => {
                let entry = Entry { access, refresh, received_at: self.now };
                Ok(self.as_seen_by(to.0, entry))
            }
            ProviderResponse::RefreshTokenRejected => {
                Err(GrantFailure::RefreshTokenRejected(failure(ErrorCode::InvalidCredentials)))
            }
            ProviderResponse::Unavailable(..) => Err(lost()),
        };
        self.handle(to.0, Input::Granted(acquisition, answer));
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
            expires_at: issued_at + millis(self.faults.lifetime),
            provider_clock: ClockOffset::default(),
            times: TokenTimes { issued_at: Some(issued.stamp), expires_at: None },
        })
    }

    fn handle(&mut self, number: usize, input: Input) {
        let holder = &mut self.holders[number];
        let time = holder.device.now(self.now);
        let effects = holder.machine.handle(input, time);
        assert!(holder.machine.poll_timeout().is_none_or(|at| at > time), "a timer in the past");
        for effect in effects {
            self.perform(number, effect);
            if self.rng.chance(self.faults.crash).is_some() {
                return self.crash(number);
            }
            // Longer than a lease: the lid of a laptop is closed, or a process is stopped.
            if self.rng.chance(self.faults.crash).is_some() {
                self.figures.disturbances += 1;
                self.holders[number].asleep_until = self.now + self.rng.between(LEASE, 4 * LEASE);
            }
        }
        let holder = &mut self.holders[number];
        holder.timer += 1;
        if let Some(at) = holder.machine.poll_timeout() {
            let span = at.millis() - holder.device.now(self.now).millis();
            let late = self.rng.between(0, 60);
            let timer = Occurrence::TimerFires(number, holder.generation, holder.timer);
            self.schedule.add(self.now + span + late, timer);
        }
    }

    fn crash(&mut self, number: usize) {
        self.figures.crashes += 1;
        let generation = self.holders[number].generation + 1;
        self.holders[number] = Holder { generation, ..Holder::new(&mut self.rng, self.now) };
    }

    fn perform(&mut self, number: usize, effect: Effect) {
        let holder = &mut self.holders[number];
        match effect {
            Effect::Resolve(call, answer) => self.resolved(number, call, answer),
            Effect::Send(acquisition, grant) => {
                holder.request += 1;
                let to = Recipient(number, holder.generation, holder.request);
                self.schedule.add(self.now + REQUEST_TIMEOUT, Occurrence::RequestTimesOut(to, acquisition));
                let lost = self.rng.chance(self.faults.lost).is_some();
                if lost && self.rng.chance(0.5).is_some() {
                    return;
                }
                let latency = self.rng.between(5, 300);
                self.schedule
                    .add(self.now + latency, Occurrence::RequestArrives(to, acquisition, grant, lost));
            }
            Effect::Cancel(_) => holder.request += 1,
            Effect::ReadStore(id) => self.operate(number, Operation::Read(id)),
            Effect::AcquireLease(id) => self.operate(number, Operation::AcquireLease(id)),
            Effect::WriteStore(id, fence, StoredRecord { tokens: Some(tokens), .. }) => {
                let here = holder.device.now(self.now);
                let age = here.since(tokens.issued_at);
                let entry = Entry {
                    access: index(tokens.access_token.expose()),
                    refresh: tokens.refresh_token.as_ref().map(|token| index(token.expose())),
                    received_at: self.now - u64::try_from(age.as_millis()).unwrap_or(0),
                };
                self.operate(number, Operation::Write(id, fence, entry));
            }
            Effect::ReleaseLease(acquisition) => {
                let generation = holder.generation;
                let mine = |lease: &mut LeaseHeld| {
                    (lease.holder, lease.generation, lease.acquisition) == (number, generation, acquisition)
                };
                self.store.lease.take_if(mine);
            }
            Effect::Emit(Event::Token { reason, .. }) => {
                self.figures.shared += u64::from(reason.as_str() == "shared");
            }
            Effect::WriteStore(..) | Effect::ReportCleared(_) => unreachable!("nobody signs out"),
            Effect::Emit(_) => {}
        }
    }

    fn resolved(&mut self, number: usize, call: CallId, answer: Result<Rc<TokenSet>, TokenError>) {
        let holder = &mut self.holders[number];
        let requested_at = holder.waiting.remove(&call).expect("one answer for each call");
        let waited = self.now - requested_at.max(holder.asleep_until.min(self.now));
        self.figures.longest_wait = self.figures.longest_wait.max(waited);
        match answer {
            Ok(tokens) => {
                let newer = self.store.entry.map_or(0, |it| it.access) > index(tokens.access_token.expose());
                let noticed = self.store.written_at + PROPAGATION < self.now;
                self.figures.stale_reads += u64::from(newer && noticed);
                let issued = self.provider.issued(index(tokens.access_token.expose()));
                // The lifetime counts from receipt, at most half a second after the token was issued.
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
}

impl Holder {
    fn new(rng: &mut Rng, now: Instant) -> Self {
        let sharing = Some(Sharing { lease: Some(millis(LEASE)), announces: true });
        let policy = Policy { sharing, ..Policy::default() };
        let jitter = Jitter::new(rng.between(0, u64::from(u32::MAX)));
        Self {
            machine: Session::new(policy, scopes(&[]), jitter),
            device: Device::new(now, rng),
            generation: 0,
            timer: 0,
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

fn simulate(seed: u64, faults: FaultProfile) -> Figures {
    replayable(seed, || Simulation::new(seed, faults).run())
}

/// Most grants of a single manager: the earliest refresh is at five eighths of a lifetime.
fn grants_of_one(figures: &Figures, lifetime: u64) -> u64 {
    figures.hours * HOUR * 8 / (lifetime * 5) + 2
}

#[test]
fn eight_holders_cause_as_many_grants_as_one() {
    let lifetime = 3 * MINUTE;
    let calm =
        FaultProfile { holders: 8, hours: 6, lifetime, lost: 0.0, crash: 0.0, slow: 0.0, outages: None };

    let figures = simulate(one_seed(), calm);

    eprintln!("{figures:#?}");
    // A single manager refreshes after 130.5 s at the earliest.
    let alone = figures.hours * HOUR / 130_500 + 2;
    assert!(figures.grants <= alone, "{} grants, {alone} of one", figures.grants);
    assert_eq!((figures.failed_calls, figures.fenced), (0, 0));
}

#[test]
fn under_all_faults_holders_share_tokens_and_no_refresh_token_is_presented_twice() {
    let seeds = seeds(24);

    for seed in seeds {
        let mut rng = Rng::new(!seed);
        let faults = FaultProfile {
            holders: [2, 5, 20][rng.index(3)],
            hours: 4,
            lifetime: [MINUTE, 3 * MINUTE, 10 * MINUTE][rng.index(3)],
            lost: [0.0, 0.05, 0.2][rng.index(3)],
            crash: [0.0, 0.002, 0.02][rng.index(3)],
            slow: [0.0, 0.01][rng.index(2)],
            outages: rng.chance(0.5),
        };
        let figures = simulate(seed, faults);
        eprintln!("{seed}: {figures:?}");
        let holders = figures.holders as u64;
        let most =
            grants_of_one(&figures, faults.lifetime) + figures.crashes + holders * figures.disturbances;
        if faults.lost == 0.0 {
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
        let faults = FaultProfile {
            holders: 5,
            hours: 24,
            lifetime: 30 * MINUTE,
            lost: 0.0,
            crash: 0.0,
            slow: 0.02,
            outages: None,
        };

        let figures = simulate(seed, faults);

        eprintln!("{seed}: {figures:?}");
        assert!(figures.shared > 100, "{figures:?}");
        assert_eq!(figures.stale_reads, 0, "{figures:?}");
    }
}
