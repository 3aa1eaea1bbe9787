//! Simulation of holders of tokens, each alone or all sharing one through a store: clocks that drift and are set, sleep,
//! crashes between any two steps, lost requests and announcements, leases that expire, outages, and a provider that
//! rotates refresh tokens.
//!
//! `SIMULATION_SEEDS=1000 cargo test simulation` runs as many simulations; `SIMULATION_SEED=7` repeats one.
//! `--nocapture` shows the figures.

use super::{
    failure, millis, scopes, seconds,
    world::{
        DRIFT, Device, HOUR, Instant, MINUTE, Outage, Provider, ProviderResponse, Rng, SECOND, Schedule,
        index, one_seed, replayable, seeds,
    },
};
use crate::core::{
    AcquisitionId, Borrowing, CallId, ErrorCode, Grant, GrantFailure, Input, Policy, RefreshMode,
    RefreshTokenRotation, Sharing, TokenRequest, UnixMillis,
};

mod faults;
mod holder;
mod store;

use faults::FaultProfile;
use holder::Holder;
use store::{Operation, Store};

/// Far enough from the epoch for the clock of every device.
const BEGINNING: Instant = 100 * 24 * HOUR;
const LEASE: u64 = 20 * SECOND;
const REQUEST_TIMEOUT: u64 = 10 * SECOND;
const STORE_TIMEOUT: u64 = 5 * SECOND;
/// Time after a write within which each holder in use has read it: its announcement may be lost, two reads may be too
/// slow, and then the store is bypassed for a while.
const PROPAGATION: u64 = 3 * MINUTE;
/// Time after a fault within which a call succeeds again: the longest `Retry-After` of this provider, a cool-down, and
/// an acquisition.
const LONGEST_RECOVERY: u64 = 200 * SECOND;
/// Four requests that time out, one of them with a refresh token; two of the longest delays; a second for the rate
/// limit and one for late timers.
const LONGEST_WAIT: u64 = 4 * REQUEST_TIMEOUT + 2 * 30 * SECOND + 2 * SECOND;

/// Parameters of a simulation.
#[derive(Clone)]
struct Scenario {
    holders: usize,
    hours: u64,
    lifetime: u64,
    policy: Policy,
    /// Mean time between two calls of a holder.
    call_every: u64,
    faults: FaultProfile,
}

/// Recipient of a response: the holder, its generation, and the number of its request or operation.
#[derive(Clone, Copy)]
struct Recipient(usize, u64, u64);

enum Occurrence {
    TimerFires(usize, u64, u64),
    Call(usize),
    Cancel(usize, u64, CallId),
    RequestArrives(Recipient, AcquisitionId, Grant, Delivery),
    ResponseArrives(Recipient, AcquisitionId, ProviderResponse),
    RequestTimesOut(Recipient, AcquisitionId),
    TokenUsed(usize, usize),
    TokenRejected(usize, usize),
    TokenReceived(usize, usize),
    OperationArrives(Recipient, Operation),
    StoreAnswers(Recipient, Input),
    StoreTimesOut(Recipient, Operation),
    Announcement(usize),
    FallAsleep(usize),
    WakeUp(usize),
    ClockSet(usize),
    StoreGoesDown,
    StoreComesUp,
    StoreEmptied,
    OutageBegins,
    OutageEnds(Instant),
    TokensRevoked,
}

/// Delivery of a response. The provider performs the request either way.
#[derive(Clone, Copy, PartialEq)]
enum Delivery {
    Delivered,
    Lost,
}

#[derive(Clone, Debug, Default)]
struct Figures {
    calls: u64,
    waits: u64,
    failed_calls: u64,
    longest_wait: u64,
    rejected_tokens: u64,
    /// Tokens that the provider granted.
    grants: u64,
    requests: u64,
    /// Grants with the credentials.
    authentications: u64,
    /// Entries with a refresh token that were replaced by one without.
    lost_refresh_tokens: u64,
    acquisitions: u64,
    /// Acquisitions that no caller forced.
    unforced: u64,
    crashes: u64,
    /// Faults of the store and sleeps of a holder, each of which may cost every holder a grant.
    disturbances: u64,
    /// Events that may cost their holder a grant: faults, sleep, changed clocks, rejections, requests for more validity.
    causes: u64,
    /// Acquisitions that outages may cost.
    outage_acquisitions: u64,
    fenced: u64,
    shared: u64,
    /// Calls that received an older token than the store had had for [`PROPAGATION`].
    stale_reads: u64,
}

struct Simulation {
    scenario: Scenario,
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
    fn new(seed: u64, scenario: Scenario) -> Self {
        let mut rng = Rng::new(seed);
        let new_holder = |_| Holder::new(&scenario.policy, &mut rng, BEGINNING);
        let holders = (0..scenario.holders).map(new_holder).collect();
        let mut provider = Provider::new(scenario.lifetime, rng.symmetric(HOUR));
        provider.rotation = scenario.policy.rotation;
        let (faults, figures) = (scenario.faults, Figures::default());
        let (store, schedule) = (Store::default(), Schedule::new());
        let mut world =
            Self { scenario, faults, now: BEGINNING, rng, schedule, provider, store, holders, figures };
        world.plan();
        world
    }

    fn plan(&mut self) {
        for number in 0..self.scenario.holders {
            self.schedule(5 * SECOND, Occurrence::Call(number));
            if self.faults.store.is_some() {
                self.schedule(HOUR, Occurrence::FallAsleep(number));
            }
            if self.faults.provider.is_some() {
                self.schedule(12 * HOUR, Occurrence::FallAsleep(number));
                self.schedule(12 * HOUR, Occurrence::ClockSet(number));
            }
        }
        if self.faults.store.is_some() {
            self.schedule(HOUR, Occurrence::StoreGoesDown);
            self.schedule(HOUR, Occurrence::StoreEmptied);
        }
        if self.faults.provider.is_some() {
            self.schedule(6 * HOUR, Occurrence::OutageBegins);
            self.schedule(8 * HOUR, Occurrence::TokensRevoked);
        }
    }

    /// Schedules an occurrence at a random time with mean `mean` from now.
    fn schedule(&mut self, mean: u64, occurrence: Occurrence) {
        let at = self.now + self.rng.between(0, 2 * mean).max(1);
        self.schedule.add(at, occurrence);
    }

    fn run(mut self) -> Figures {
        let end = BEGINNING + self.scenario.hours * HOUR;
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
        assert_eq!(self.provider.reuses, 0, "a spent refresh token was presented");
        self.figures.authentications = self.provider.authentications;
        self.figures
    }

    /// Returns the holder, unless it has crashed since.
    fn recipient(&self, Recipient(number, generation, _): Recipient) -> Option<&Holder> {
        Some(&self.holders[number]).filter(|holder| holder.generation == generation)
    }

    /// Records a fault that excuses a failed call of a holder.
    fn excuse(&mut self, number: usize) {
        self.figures.causes += 1;
        self.holders[number].excused_at = self.now;
    }

    fn disturb(&mut self, number: usize) {
        self.figures.disturbances += 1;
        self.excuse(number);
    }

    fn dispatch(&mut self, occurrence: Occurrence) {
        // Occurrences for a sleeping holder are delayed until it wakes.
        let for_whom = match &occurrence {
            Occurrence::TimerFires(number, ..)
            | Occurrence::Announcement(number)
            | Occurrence::RequestTimesOut(Recipient(number, ..), _)
            | Occurrence::StoreAnswers(Recipient(number, ..), _)
            | Occurrence::StoreTimesOut(Recipient(number, ..), _)
            | Occurrence::Call(number)
            | Occurrence::Cancel(number, ..)
            | Occurrence::TokenUsed(number, _)
            | Occurrence::TokenRejected(number, _)
            | Occurrence::TokenReceived(number, _)
            | Occurrence::ClockSet(number) => Some(*number),
            Occurrence::RequestArrives(..)
            | Occurrence::ResponseArrives(..)
            | Occurrence::OperationArrives(..)
            | Occurrence::FallAsleep(_)
            | Occurrence::WakeUp(_)
            | Occurrence::StoreGoesDown
            | Occurrence::StoreComesUp
            | Occurrence::StoreEmptied
            | Occurrence::OutageBegins
            | Occurrence::OutageEnds(_)
            | Occurrence::TokensRevoked => None,
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
            Occurrence::Cancel(number, generation, call) => {
                let holder = &mut self.holders[number];
                if holder.generation == generation && holder.waiting.remove(&call).is_some() {
                    self.handle(number, Input::Cancelled(call));
                }
            }
            Occurrence::RequestArrives(to, acquisition, grant, delivery) => {
                self.request_arrives(to, acquisition, &grant, delivery);
            }
            Occurrence::ResponseArrives(to, acquisition, answer) => self.answered(to, acquisition, answer),
            Occurrence::RequestTimesOut(to, acquisition) => {
                if self.recipient(to).is_some_and(|holder| holder.request == to.2) {
                    self.holders[to.0].request += 1;
                    self.excuse(to.0);
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
                    self.disturb(to.0);
                    self.handle(to.0, operation.failed());
                }
            }
            Occurrence::Announcement(number) => self.handle(number, Input::StoreChanged),
            Occurrence::TokenUsed(number, token) => self.token_used(number, token),
            Occurrence::TokenRejected(number, token) => self.token_rejected(number, token),
            Occurrence::TokenReceived(number, token) => {
                let issued = self.provider.issued(token);
                if self.now < issued.expires_at {
                    let left = issued.expires_at - self.now;
                    let tokens = self.holders[number].received((token, None), issued, left, self.now);
                    self.handle(number, Input::TokenReceived(tokens));
                }
            }
            Occurrence::FallAsleep(_) | Occurrence::WakeUp(_) | Occurrence::ClockSet(_) => {
                self.device_event(occurrence)
            }
            Occurrence::StoreGoesDown
            | Occurrence::StoreComesUp
            | Occurrence::StoreEmptied
            | Occurrence::OutageBegins
            | Occurrence::OutageEnds(_)
            | Occurrence::TokensRevoked => self.server_event(&occurrence),
        }
    }

    fn call(&mut self, number: usize) {
        self.schedule(self.scenario.call_every, Occurrence::Call(number));
        let faulty = self.faults.provider.is_some();
        let request = match self.rng.between(0, 100) {
            0..2 if faulty => TokenRequest::Forced,
            2..4 if faulty => {
                self.figures.causes += 1;
                let min_validity = Some(seconds(45));
                TokenRequest::Cached { min_validity, scopes: None, borrowing: Borrowing::Allowed }
            }
            _ => TokenRequest::DEFAULT,
        };
        let holder = &mut self.holders[number];
        holder.calls += 1;
        let call = CallId(holder.calls);
        holder.waiting.insert(call, self.now);
        self.figures.calls += 1;
        self.handle(number, Input::Requested(call, request));
        if self.holders[number].waiting.contains_key(&call) {
            self.figures.waits += 1;
            if faulty && self.rng.chance(0.2).is_some() {
                let generation = self.holders[number].generation;
                self.schedule(2 * SECOND, Occurrence::Cancel(number, generation, call));
            }
        }
    }

    fn request_arrives(
        &mut self,
        to: Recipient,
        acquisition: AcquisitionId,
        grant: &Grant,
        delivery: Delivery,
    ) {
        let answer = self.provider.respond(grant, self.now, &mut self.rng);
        self.figures.grants += u64::from(matches!(answer, ProviderResponse::Token { .. }));
        if matches!(answer, ProviderResponse::Unavailable(..)) {
            self.holders[to.0].excused_at = self.now;
        }
        if delivery == Delivery::Delivered {
            let latency = self.rng.between(5, 300);
            let arrives = Occurrence::ResponseArrives(to, acquisition, answer);
            self.schedule.add(self.now + latency, arrives);
            // Some responses arrive twice.
            if self.rng.chance(0.02).is_some() {
                self.schedule(MINUTE, Occurrence::ResponseArrives(to, acquisition, answer));
            }
        }
    }

    fn answered(&mut self, to: Recipient, acquisition: AcquisitionId, answer: ProviderResponse) {
        // A response to a sleeping holder is lost with its connection.
        let now = self.now;
        if self.recipient(to).is_none_or(|holder| holder.request != to.2 || now < holder.asleep_until) {
            return;
        }
        let holder = &mut self.holders[to.0];
        holder.request += 1;
        let answer = match answer {
            ProviderResponse::Token { access, refresh } => {
                let issued = self.provider.issued(access);
                Ok(holder.received((access, refresh), issued, self.provider.lifetime, now))
            }
            ProviderResponse::RefreshTokenRejected => {
                Err(GrantFailure::RefreshTokenRejected(failure(ErrorCode::InvalidCredentials)))
            }
            ProviderResponse::Unavailable(outage, wait) => Err(unavailable(outage, wait)),
        };
        self.handle(to.0, Input::Granted(acquisition, answer));
    }

    /// A caller sends its token to the API.
    fn token_used(&mut self, number: usize, token: usize) {
        if self.provider.accepts(token, self.now).is_err() {
            self.schedule(200, Occurrence::TokenRejected(number, token));
        } else if self.rng.chance(0.05).is_some() {
            let newer = self.provider.rotate_access_token(token, self.now);
            self.schedule(500, Occurrence::TokenReceived(number, newer));
        }
    }

    fn token_rejected(&mut self, number: usize, token: usize) {
        let held = self.holders[number].machine.tokens();
        let Some(held) = held.filter(|held| index(held.access_token.expose()) == token) else { return };
        let input = Input::TokenInvalidated(held.access_token.clone());
        self.figures.rejected_tokens += 1;
        self.figures.causes += 1;
        self.handle(number, input);
    }

    fn crash(&mut self, number: usize) {
        self.figures.crashes += 1;
        let generation = self.holders[number].generation + 1;
        self.holders[number] = Holder::new(&self.scenario.policy, &mut self.rng, self.now);
        self.holders[number].generation = generation;
    }
}

fn lost() -> GrantFailure {
    GrantFailure::Transient(failure(ErrorCode::Network))
}

fn unavailable(outage: Outage, wait: u64) -> GrantFailure {
    match outage {
        Outage::Down => GrantFailure::NotProcessed(failure(ErrorCode::Server)),
        Outage::Denied => GrantFailure::Permanent(failure(ErrorCode::InvalidCredentials)),
        Outage::Throttled => {
            let mut error = failure(ErrorCode::RateLimited);
            error.retry_after = Some(seconds(wait));
            GrantFailure::NotProcessed(error)
        }
    }
}

fn simulate(seed: u64, scenario: Scenario) -> Figures {
    replayable(seed, || Simulation::new(seed, scenario).run())
}

/// A number of holders that share a three-minute token, without faults.
fn sharing(holders: usize, hours: u64) -> Scenario {
    let sharing = Some(Sharing { lease: Some(millis(LEASE)), announces: true });
    let policy = Policy { sharing, ..Policy::default() };
    let faults = FaultProfile::default();
    Scenario { holders, hours, lifetime: 3 * MINUTE, policy, call_every: 20 * SECOND, faults }
}

/// Most grants of a single holder without faults.
fn grants_of_one(scenario: &Scenario) -> u64 {
    let start = UnixMillis::new(HOUR);
    let end = start + millis(scenario.lifetime);
    let shortest = scenario.policy.refresh_at(start, end, 1.0).since(start);
    scenario.hours * HOUR / u64::try_from(shortest.as_millis()).unwrap_or(1) + 2
}

#[test]
fn eight_holders_cause_as_many_grants_as_one() {
    let scenario = sharing(8, 6);
    let alone = grants_of_one(&scenario);

    let figures = simulate(one_seed(), scenario);

    eprintln!("{figures:#?}");
    assert!(figures.grants <= alone, "{} grants, {alone} of one", figures.grants);
    assert_eq!((figures.failed_calls, figures.fenced), (0, 0));
}

#[test]
fn under_all_faults_holders_share_tokens_and_no_refresh_token_is_presented_twice() {
    for seed in seeds(24) {
        let mut rng = Rng::new(!seed);
        let faults = FaultProfile {
            lost: [0.0, 0.05, 0.2][rng.index(3)],
            crash: [0.0, 0.002, 0.02][rng.index(3)],
            slow: [0.0, 0.01][rng.index(2)],
            store: rng.chance(0.5),
            provider: None,
        };
        let lifetime = [MINUTE, 3 * MINUTE, 10 * MINUTE][rng.index(3)];
        let scenario = Scenario { lifetime, faults, ..sharing([2, 5, 20][rng.index(3)], 4) };
        let holders = scenario.holders as u64;
        // The earliest refresh is at five eighths of a lifetime.
        let alone = scenario.hours * HOUR * 8 / (lifetime * 5) + 2;

        let figures = simulate(seed, scenario);

        eprintln!("{seed}: {figures:?}");
        if faults.lost == 0.0 {
            let most = alone + figures.crashes + holders * figures.disturbances;
            assert!(figures.grants <= most, "{figures:?}, at most {most}");
            assert_eq!(figures.failed_calls, 0, "{figures:?}");
        }
        let longest = LEASE + 3 * REQUEST_TIMEOUT + 6 * STORE_TIMEOUT + 10 * SECOND;
        assert!(figures.longest_wait <= longest, "{figures:?}");
    }
}

#[test]
fn with_retry_previous_no_fault_costs_a_refresh_token_and_none_is_presented_after_its_replacement() {
    let (mut retrying, mut strict) = (0, 0);
    for seed in seeds(20) {
        let mut rng = Rng::new(!seed);
        let faults = FaultProfile {
            lost: [0.0, 0.05, 0.2][rng.index(3)],
            crash: [0.0, 0.002, 0.02][rng.index(3)],
            slow: [0.0, 0.01, 0.05][rng.index(3)],
            store: rng.chance(0.5),
            provider: rng.chance(0.3),
        };
        let lifetime = [MINUTE, 3 * MINUTE][rng.index(2)];
        let mut scenario = Scenario { lifetime, faults, ..sharing([2, 5, 20][rng.index(3)], 4) };
        strict += simulate(seed, scenario.clone()).authentications;
        scenario.policy.rotation = RefreshTokenRotation::RetryPrevious;

        let figures = simulate(seed, scenario);

        eprintln!("{seed}: {figures:?}");
        retrying += figures.authentications;
        assert_eq!(figures.lost_refresh_tokens, 0, "{figures:?}");
    }
    eprintln!("{retrying} grants with the credentials, {strict} if strict");
    assert!(
        retrying < strict || one_seed() != 1,
        "{retrying} grants with the credentials, {strict} if strict"
    );
}

#[test]
fn holders_of_a_slow_store_read_each_change_that_was_announced_or_missed() {
    for seed in seeds(8) {
        let faults = FaultProfile { slow: 0.02, ..FaultProfile::default() };

        let figures = simulate(seed, Scenario { lifetime: 30 * MINUTE, faults, ..sharing(5, 24) });

        eprintln!("{seed}: {figures:?}");
        assert!(figures.shared > 100, "{figures:?}");
        assert_eq!(figures.stale_reads, 0, "{figures:?}");
    }
}

#[test]
fn under_all_faults_callers_are_served_and_requests_are_limited() {
    for seed in seeds(42) {
        let mut rng = Rng::new(!seed);
        let modes = [RefreshMode::Always, RefreshMode::Always, RefreshMode::WhileUsed, RefreshMode::OnDemand];
        let policy = Policy { refresh: modes[rng.index(4)], ..Policy::default() };
        let lost = [0.0, 0.02, 0.1, 0.3][rng.index(4)];
        let faults = FaultProfile { lost, provider: Some(()), ..FaultProfile::default() };
        let scenario = Scenario {
            holders: 4,
            hours: 24,
            lifetime: [MINUTE, 3 * MINUTE, 3 * MINUTE, 10 * MINUTE, HOUR][rng.index(5)],
            policy,
            call_every: rng.between(5 * SECOND, 3 * MINUTE),
            faults,
        };
        let due = scenario.holders as u64 * grants_of_one(&scenario);
        let attempts = u64::from(scenario.policy.retry.attempts);

        let figures = simulate(seed, scenario);

        eprintln!("{seed}: {figures:?}");
        let most = due + 2 * figures.causes + figures.outage_acquisitions;
        assert!(figures.unforced <= most, "{figures:?}, at most {most}");
        assert!(figures.requests <= figures.acquisitions * (attempts + 1), "{figures:?}");
        assert!(figures.longest_wait <= LONGEST_WAIT, "{figures:?}");
    }
}

#[test]
fn during_a_day_of_three_minute_tokens_no_caller_waits() {
    let faults = FaultProfile { lost: 0.02, ..FaultProfile::default() };
    let policy = Policy::default();
    let lifetime = 3 * MINUTE;
    let scenario = Scenario { holders: 1, hours: 24, lifetime, policy, call_every: SECOND, faults };

    let figures = simulate(one_seed(), scenario);

    eprintln!("{figures:#?}");
    assert!(figures.calls >= 80_000);
    assert_eq!((figures.failed_calls, figures.rejected_tokens), (0, 0));
    // The first call, and those that joined its acquisition.
    assert!(figures.waits <= 15, "{} calls waited", figures.waits);
    assert!(figures.grants * 2 <= 24 * HOUR / lifetime * 3, "{} grants", figures.grants);
}
