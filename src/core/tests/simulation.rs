//! Simulation of many managers with one provider and a bad network.
//!
//! `SIMULATION_SEEDS=1000 cargo test simulation` runs as many simulations; `SIMULATION_SEED=7` repeats one.
//! `--nocapture` shows the figures.
#![expect(clippy::wildcard_enum_match_arm, reason = "the world cares for a few kinds only")]

use std::rc::Rc;

use super::{
    failure,
    manager::{Figures, Manager, TIMEOUT, failed, refresh_token},
    seconds,
    world::{
        DRIFT, HOUR, Instant, MINUTE, Outage, Provider, ProviderResponse, Rng, SECOND, Schedule, index,
        one_seed, replayable, seeds,
    },
};
use crate::core::{
    AcquisitionId, Borrowing, CallId, Effect, ErrorCode, Event, Grant, GrantFailure, Input, Policy,
    RefreshMode, TokenError, TokenRequest, TokenSet,
};

/// Far enough from the epoch for the clock of every device.
const BEGINNING: Instant = 100 * 24 * HOUR;

/// Parameters of a simulation.
struct Scenario {
    hours: u64,
    managers: usize,
    lifetime: u64,
    policy: Policy,
    /// Mean time between two calls of a manager.
    call_every: u64,
    /// Fraction of requests that fail.
    fault_rate: f64,
    fault_plan: FaultPlan,
}

/// Faults other than lost requests.
#[derive(PartialEq)]
enum FaultPlan {
    /// None.
    None,
    /// Outages, revocations, sleep, changed clocks, and requests for more validity.
    All,
}

/// Scheduled occurrences. The first number is the manager's.
enum Occurrence {
    TimerFires(usize, u64),
    Call(usize),
    Cancel(usize, CallId),
    RequestArrives(usize, AcquisitionId, u64, Grant, Delivery),
    ResponseArrives(usize, AcquisitionId, u64, ProviderResponse, Delivery),
    RequestTimesOut(usize, AcquisitionId, u64),
    TokenUsed(usize, usize),
    TokenRejected(usize, usize),
    TokenReceived(usize, usize),
    FallAsleep(usize),
    WakeUp(usize),
    ClockSet(usize),
    OutageBegins,
    OutageEnds(Instant),
    TokensRevoked,
}

/// Delivery of a request and its response.
#[derive(Clone, Copy, PartialEq)]
enum Delivery {
    Delivered,
    /// The provider performs the request, but its response is lost.
    ResponseLost,
    /// The response arrives twice.
    Duplicated,
}

/// The input that resolved a call.
#[derive(Clone, Copy, PartialEq)]
enum Trigger {
    Failure,
    Other,
}

struct Simulation {
    scenario: Scenario,
    now: Instant,
    rng: Rng,
    schedule: Schedule<Occurrence>,
    provider: Provider,
    managers: Vec<Manager>,
}

impl Simulation {
    fn new(seed: u64, scenario: Scenario) -> Self {
        let mut rng = Rng::new(seed);
        let provider = Provider::new(scenario.lifetime, rng.symmetric(HOUR));
        let managers = (0..scenario.managers)
            .map(|_| Manager::new(scenario.policy.clone(), BEGINNING, &mut rng))
            .collect();
        let mut simulation =
            Self { scenario, now: BEGINNING, rng, schedule: Schedule::new(), provider, managers };
        simulation.prepare();
        simulation
    }

    fn prepare(&mut self) {
        for number in 0..self.managers.len() {
            self.schedule(self.scenario.call_every, Occurrence::Call(number));
            if self.scenario.fault_plan == FaultPlan::All {
                self.schedule(12 * HOUR, Occurrence::FallAsleep(number));
                self.schedule(12 * HOUR, Occurrence::ClockSet(number));
            }
        }
        if self.scenario.fault_plan == FaultPlan::All {
            self.schedule(6 * HOUR, Occurrence::OutageBegins);
            self.schedule(8 * HOUR, Occurrence::TokensRevoked);
        }
    }

    fn is_awake(&self, number: usize) -> Result<(), Instant> {
        self.managers[number].device.asleep().map_or(Ok(()), Err)
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
            self.process(occurrence);
        }
        self.finish()
    }

    fn finish(mut self) -> Figures {
        let mut figures = Figures { hours: self.scenario.hours, ..Figures::default() };
        let elapsed = self.scenario.hours * HOUR;
        for number in 0..self.managers.len() {
            self.handle(number, Input::Closed);
            let manager = &mut self.managers[number];
            assert!(manager.waiting.is_empty(), "unanswered: {:?}", manager.waiting);
            manager.check_pace(elapsed, self.scenario.lifetime);
            manager.figures.manager_hours = self.scenario.hours;
            manager.figures.lifetimes = elapsed / self.scenario.lifetime;
            figures.add(&manager.figures);
        }
        assert_eq!(self.provider.reuses, 0, "a refresh token was presented twice");
        figures
    }

    fn process(&mut self, occurrence: Occurrence) {
        match occurrence {
            Occurrence::TimerFires(number, timer) => {
                let manager = &self.managers[number];
                if manager.timer == timer && manager.device.asleep().is_none() {
                    self.handle(number, Input::TimerFired);
                }
            }
            Occurrence::Call(number) => self.call(number),
            Occurrence::Cancel(number, call) => {
                if self.is_awake(number).is_ok() && self.managers[number].waiting.remove(&call).is_some() {
                    self.handle(number, Input::Cancelled(call));
                }
            }
            Occurrence::RequestArrives(number, acquisition, request, grant, delivery) => {
                self.request_arrives(number, acquisition, request, &grant, delivery);
            }
            Occurrence::ResponseArrives(number, acquisition, request, answer, delivery) => {
                self.answered(number, acquisition, request, answer, delivery);
            }
            Occurrence::RequestTimesOut(number, acquisition, request) => {
                self.timed_out(number, acquisition, request)
            }
            Occurrence::TokenUsed(number, token) => self.used(number, token),
            Occurrence::TokenRejected(number, token) => self.refused(number, token),
            Occurrence::TokenReceived(number, token) => self.seen(number, token),
            Occurrence::FallAsleep(number) => {
                self.managers[number].device.fall_asleep(self.now);
                self.schedule(HOUR, Occurrence::WakeUp(number));
            }
            Occurrence::WakeUp(number) => self.wake_up(number),
            Occurrence::ClockSet(number) => {
                if self.is_awake(number).is_ok() {
                    let by = self.rng.symmetric(25 * HOUR);
                    self.managers[number].device.set(by, self.now);
                    self.managers[number].excuse(self.now);
                }
                self.schedule(12 * HOUR, Occurrence::ClockSet(number));
            }
            Occurrence::OutageBegins => self.outage_begins(),
            Occurrence::OutageEnds(since) => self.outage_ends(since),
            Occurrence::TokensRevoked => {
                self.provider.revoke_everything();
                self.schedule(8 * HOUR, Occurrence::TokensRevoked);
            }
        }
    }

    fn handle(&mut self, number: usize, input: Input) {
        let trigger = match input {
            Input::Granted(_, Err(_)) => Trigger::Failure,
            _ => Trigger::Other,
        };
        let effects = self.managers[number].handle(input, self.now);
        for effect in effects {
            match effect {
                Effect::Resolve(call, answer) => self.resolved(number, call, answer, trigger),
                Effect::Send(acquisition, grant) => self.send(number, acquisition, grant),
                Effect::Cancel(_) => self.managers[number].in_flight = None,
                Effect::Emit(Event::Error { .. }) => self.managers[number].figures.failed_acquisitions += 1,
                Effect::Emit(Event::Token { .. }) => self.managers[number].figures.grants += 1,
                Effect::Emit(_) => {}
                _ => panic!("there is no shared store here: {effect:?}"),
            }
        }
        let timer = self.managers[number].timer;
        if let Some(span) = self.managers[number].timer_in(self.now) {
            // Timers fire late, never early.
            let late = self.rng.between(0, 60);
            self.schedule.add(self.now + span + late, Occurrence::TimerFires(number, timer));
        }
    }

    fn call(&mut self, number: usize) {
        if self.scenario.fault_plan == FaultPlan::None {
            self.schedule.add(self.now + self.scenario.call_every, Occurrence::Call(number));
        } else {
            self.schedule(self.scenario.call_every, Occurrence::Call(number));
        }
        if self.is_awake(number).is_err() {
            return;
        }
        let wanted = match self.rng.between(0, 100) {
            0..2 if self.scenario.fault_plan == FaultPlan::All => TokenRequest::Forced,
            2..4 if self.scenario.fault_plan == FaultPlan::All => TokenRequest::Cached {
                min_validity: Some(seconds(45)),
                scopes: None,
                borrowing: Borrowing::Allowed,
            },
            _ => TokenRequest::DEFAULT,
        };
        let input = self.managers[number].call(&wanted, self.now);
        let call = self.managers[number].latest_call();
        self.handle(number, input);
        if self.managers[number].waiting.contains_key(&call) {
            self.managers[number].figures.waits += 1;
            if self.scenario.fault_plan == FaultPlan::All && self.rng.chance(0.2).is_some() {
                self.schedule(2 * SECOND, Occurrence::Cancel(number, call));
            }
        }
    }

    fn resolved(
        &mut self,
        number: usize,
        call: CallId,
        answer: Result<Rc<TokenSet>, TokenError>,
        trigger: Trigger,
    ) {
        let now = self.now;
        let requested_at = self.managers[number].waiting.remove(&call).expect("one answer for each call");
        match answer {
            Ok(tokens) => self.received(number, &tokens, trigger),
            // The simulation ends, also for sleeping devices.
            Err(error) if error.code == ErrorCode::Closed => return,
            Err(error) => {
                let manager = &mut self.managers[number];
                manager.figures.failed_calls += 1;
                let excuse = now - manager.excused_at;
                assert!(
                    self.provider.outage.is_some() || excuse < LONGEST_RECOVERY,
                    "a call failed with {error:?}, {excuse} ms after all was well"
                );
            }
        }
        let waited = now - requested_at.max(self.managers[number].awake_since);
        assert!(waited <= LONGEST_WAIT, "a call waited for {waited} ms");
    }

    fn received(&mut self, number: usize, tokens: &TokenSet, trigger: Trigger) {
        let token = index(tokens.access_token.expose());
        let expires_at = self.provider.issued(token).expires_at;
        let delay = self.managers[number].delays.get(&token).copied().unwrap_or_default();
        let lifetime = self.scenario.lifetime;
        // The lifetime counts from receipt, and clocks drift.
        let error = delay + lifetime * 2 * DRIFT / 1_000_000 + 2;
        assert!(self.now < expires_at + error, "a token {} ms too old", self.now - expires_at);
        let margin = (lifetime / 8).min(10 * SECOND);
        let well = trigger == Trigger::Other && self.managers[number].remembered(self.now).is_none();
        if error < margin && well {
            assert!(self.now < expires_at, "an expired token, although it came {delay} ms late only");
        }
        self.schedule(200, Occurrence::TokenUsed(number, token));
    }

    fn send(&mut self, number: usize, acquisition: AcquisitionId, grant: Grant) {
        let request = self.managers[number].request(acquisition);
        self.schedule.add(self.now + TIMEOUT, Occurrence::RequestTimesOut(number, acquisition, request));
        let latency = self.rng.latency();
        let delivery = match self.rng.chance(self.scenario.fault_rate) {
            None if self.rng.chance(0.02).is_some() => Delivery::Duplicated,
            None => Delivery::Delivered,
            Some(()) => {
                self.managers[number].excuse(self.now);
                if self.rng.chance(0.5).is_some() {
                    return;
                }
                Delivery::ResponseLost
            }
        };
        self.schedule.add(
            self.now + latency,
            Occurrence::RequestArrives(number, acquisition, request, grant, delivery),
        );
    }

    fn request_arrives(
        &mut self,
        number: usize,
        acquisition: AcquisitionId,
        request: u64,
        grant: &Grant,
        delivery: Delivery,
    ) {
        let answer = self.provider.respond(grant, self.now, &mut self.rng);
        if matches!(answer, ProviderResponse::Unavailable(..)) {
            self.managers[number].excused_at = self.now;
        }
        let latency = self.rng.latency();
        if let ProviderResponse::Token { access, .. } = answer {
            self.managers[number].delays.insert(access, latency);
        }
        if delivery != Delivery::ResponseLost {
            let at = self.now + latency;
            self.schedule
                .add(at, Occurrence::ResponseArrives(number, acquisition, request, answer, delivery));
        }
    }

    fn answered(
        &mut self,
        number: usize,
        acquisition: AcquisitionId,
        request: u64,
        answer: ProviderResponse,
        delivery: Delivery,
    ) {
        if delivery == Delivery::Duplicated {
            let again =
                Occurrence::ResponseArrives(number, acquisition, request, answer, Delivery::Delivered);
            self.schedule(MINUTE, again);
        }
        let manager = &mut self.managers[number];
        let awaited = manager.in_flight == Some((acquisition, request));
        // The driver ignores responses to a request that was followed by another of the same acquisition.
        let forgotten = manager.in_flight.is_some_and(|(current, _)| current == acquisition) && !awaited;
        if manager.device.asleep().is_some() || forgotten {
            return;
        }
        if awaited {
            manager.in_flight = None;
        }
        let answer = match answer {
            ProviderResponse::Token { access, refresh } => {
                let issued = self.provider.issued(access);
                let mut tokens = manager.received(access, issued, self.provider.lifetime, self.now);
                Rc::make_mut(&mut tokens).refresh_token = refresh.map(refresh_token);
                Ok(tokens)
            }
            ProviderResponse::RefreshTokenRejected | ProviderResponse::Unavailable(..) => {
                Err(failed(&answer))
            }
        };
        self.handle(number, Input::Granted(acquisition, answer));
    }

    fn timed_out(&mut self, number: usize, acquisition: AcquisitionId, request: u64) {
        let manager = &mut self.managers[number];
        if manager.in_flight == Some((acquisition, request)) && manager.device.asleep().is_none() {
            manager.in_flight = None;
            manager.excuse(self.now);
            let error = GrantFailure::Transient(failure(ErrorCode::Timeout));
            self.handle(number, Input::Granted(acquisition, Err(error)));
        }
    }

    /// A caller sends its token to the API.
    fn used(&mut self, number: usize, token: usize) {
        if self.is_awake(number).is_err() {
            return;
        }
        if self.provider.accepts(token, self.now).is_err() {
            self.schedule(200, Occurrence::TokenRejected(number, token));
        } else if self.scenario.fault_plan == FaultPlan::All && self.rng.chance(0.05).is_some() {
            let newer = self.provider.slide(token, self.now);
            self.schedule(500, Occurrence::TokenReceived(number, newer));
        }
    }

    fn refused(&mut self, number: usize, token: usize) {
        let held = self.managers[number].machine.held();
        let Some(held) = held.filter(|held| index(held.access_token.expose()) == token) else { return };
        if self.is_awake(number).is_ok() {
            let input = Input::TokenInvalidated(held.access_token.clone());
            self.managers[number].figures.rejected_tokens += 1;
            self.managers[number].figures.causes += 1;
            self.handle(number, input);
        }
    }

    fn seen(&mut self, number: usize, token: usize) {
        let issued = self.provider.issued(token);
        let manager = &mut self.managers[number];
        if manager.device.asleep().is_none() && self.now < issued.expires_at {
            let tokens = manager.received(token, issued, issued.expires_at - self.now, self.now);
            self.handle(number, Input::TokenReceived(tokens));
        }
    }

    fn wake_up(&mut self, number: usize) {
        self.managers[number].device.wake_up(self.now);
        self.managers[number].awake_since = self.now;
        self.managers[number].excuse(self.now);
        self.schedule(12 * HOUR, Occurrence::FallAsleep(number));
        self.handle(number, Input::TimerFired);
        if let Some((acquisition, _)) = self.managers[number].in_flight.take() {
            let error = GrantFailure::Transient(failure(ErrorCode::Network));
            self.handle(number, Input::Granted(acquisition, Err(error)));
        }
    }

    fn outage_begins(&mut self) {
        self.provider.outage = Some(match self.rng.between(0, 3) {
            0 => Outage::Down,
            1 => Outage::Throttled,
            _ => Outage::Denied,
        });
        let mean = if self.rng.chance(0.3).is_some() { HOUR } else { 5 * MINUTE };
        self.schedule(mean, Occurrence::OutageEnds(self.now));
    }

    fn outage_ends(&mut self, since: Instant) {
        self.provider.outage = None;
        for manager in &mut self.managers {
            manager.excused_at = self.now;
            manager.figures.outage_acquisitions += 8 + (self.now - since) / (55 * SECOND);
        }
        self.schedule(6 * HOUR, Occurrence::OutageBegins);
    }
}

/// Time after which a call must succeed again: the longest `Retry-After` of this provider, a cool-down, and an
/// acquisition.
const LONGEST_RECOVERY: u64 = 200 * SECOND;

/// Four requests that time out, one of them with a refresh token; two of the longest delays; a second for the rate
/// limit and one for late timers.
const LONGEST_WAIT: u64 = 4 * TIMEOUT + 2 * 30 * SECOND + 2 * SECOND;

fn scenario_of(seed: u64) -> Scenario {
    let mut rng = Rng::new(!seed);
    let refresh = match rng.between(0, 10) {
        0..6 => RefreshMode::Always,
        6..8 => RefreshMode::WhileUsed,
        _ => RefreshMode::OnDemand,
    };
    let lifetimes = [MINUTE, 3 * MINUTE, 3 * MINUTE, 10 * MINUTE, HOUR];
    Scenario {
        hours: 24,
        managers: 4,
        lifetime: lifetimes[rng.index(5)],
        policy: Policy { refresh, ..Policy::default() },
        call_every: rng.between(5 * SECOND, 3 * MINUTE),
        fault_rate: [0.0, 0.02, 0.1, 0.3][rng.index(4)],
        fault_plan: FaultPlan::All,
    }
}

fn simulate(seed: u64, scenario: Scenario) -> Figures {
    replayable(seed, || Simulation::new(seed, scenario).run())
}

#[test]
fn under_all_faults_callers_are_served_and_requests_are_limited() {
    let seeds = seeds(42);

    let mut figures = Figures::default();
    for seed in seeds.clone() {
        figures.add(&simulate(seed, scenario_of(seed)));
    }

    eprintln!("{figures:#?}");
    assert!(seeds.end - seeds.start < 42 || figures.hours >= 1_000);
}

#[test]
fn during_a_day_of_three_minute_tokens_no_caller_waits() {
    let scenario = Scenario {
        hours: 24,
        managers: 1,
        lifetime: 3 * MINUTE,
        policy: Policy::default(),
        call_every: SECOND,
        fault_rate: 0.02,
        fault_plan: FaultPlan::None,
    };

    let figures = simulate(one_seed(), scenario);

    eprintln!("{figures:#?}");
    assert!(figures.calls >= 86_000);
    assert_eq!((figures.failed_calls, figures.rejected_tokens), (0, 0));
    // The first call, and those that joined its acquisition.
    assert!(figures.waits <= 15, "{} calls waited", figures.waits);
    assert!(figures.grants * 2 <= figures.lifetimes * 3, "{} grants", figures.grants);
}
