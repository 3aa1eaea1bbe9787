//! Many managers, one provider, a bad network: what must hold throughout.
//!
//! `SIMULATION_SEEDS=1000 cargo test simulation` runs as many worlds as asked;
//! `SIMULATION_SEED=7` replays one. `--nocapture` shows the figures.
#![expect(clippy::wildcard_enum_match_arm, reason = "the world cares for a few kinds only")]

use std::rc::Rc;

use super::{
    failure,
    manager::{Figures, Manager, TIMEOUT, failed, refresh_token},
    seconds,
    world::{
        Agenda, Answer, DRIFT, Dice, HOUR, Instant, MINUTE, Outage, Provider, SECOND, index, one_seed,
        replayable, seeds,
    },
};
use crate::core::{
    AcquisitionId, Borrowing, CallId, Effect, ErrorCode, Event, Grant, GrantFailure, Input, Policy,
    RefreshMode, TokenError, TokenRequest, TokenSet,
};

/// The first moment: far enough from the epoch for every clock.
const BEGINNING: Instant = 100 * 24 * HOUR;

/// How a world is.
struct Climate {
    hours: u64,
    managers: usize,
    lifetime: u64,
    policy: Policy,
    /// The mean time between two calls of a manager.
    call_every: u64,
    /// How many requests go wrong, of one.
    faults: f64,
    weather: Weather,
}

/// What happens beside lost requests.
#[derive(PartialEq)]
enum Weather {
    /// Nothing.
    Calm,
    /// Outages, revocations, sleep, clocks that are set, callers with wishes.
    Rough,
}

/// What happens next. The number is the manager's.
enum Happening {
    Alarm(usize, u64),
    Call(usize),
    GiveUp(usize, CallId),
    Asked(usize, AcquisitionId, u64, Grant, Fate),
    Answered(usize, AcquisitionId, u64, Answer, Fate),
    TimedOut(usize, AcquisitionId, u64),
    Used(usize, usize),
    Refused(usize, usize),
    Seen(usize, usize),
    FallAsleep(usize),
    WakeUp(usize),
    ClockSet(usize),
    OutageBegins,
    OutageEnds(Instant),
    Revoked,
}

/// What becomes of a request.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Arrives,
    /// The provider does what is asked; its answer is lost.
    LosesItsAnswer,
    /// The answer comes twice.
    ComesTwice,
}

/// What callers are told on.
#[derive(Clone, Copy, PartialEq)]
enum Occasion {
    Failure,
    Other,
}

struct Simulation {
    climate: Climate,
    now: Instant,
    dice: Dice,
    agenda: Agenda<Happening>,
    provider: Provider,
    managers: Vec<Manager>,
}

impl Simulation {
    fn new(seed: u64, climate: Climate) -> Self {
        let mut dice = Dice::new(seed);
        let provider = Provider::new(climate.lifetime, dice.around_zero(HOUR));
        let managers = (0..climate.managers)
            .map(|_| Manager::new(climate.policy.clone(), BEGINNING, &mut dice))
            .collect();
        let mut simulation =
            Self { climate, now: BEGINNING, dice, agenda: Agenda::new(), provider, managers };
        simulation.prepare();
        simulation
    }

    fn prepare(&mut self) {
        for number in 0..self.managers.len() {
            self.soon(self.climate.call_every, Happening::Call(number));
            if self.climate.weather == Weather::Rough {
                self.soon(12 * HOUR, Happening::FallAsleep(number));
                self.soon(12 * HOUR, Happening::ClockSet(number));
            }
        }
        if self.climate.weather == Weather::Rough {
            self.soon(6 * HOUR, Happening::OutageBegins);
            self.soon(8 * HOUR, Happening::Revoked);
        }
    }

    fn is_awake(&self, number: usize) -> Result<(), Instant> {
        self.managers[number].device.asleep().map_or(Ok(()), Err)
    }

    /// At some time whose mean is `mean` from now.
    fn soon(&mut self, mean: u64, happening: Happening) {
        let at = self.now + self.dice.between(0, 2 * mean).max(1);
        self.agenda.add(at, happening);
    }

    fn run(mut self) -> Figures {
        let end = BEGINNING + self.climate.hours * HOUR;
        while let Some((at, happening)) = self.agenda.next()
            && at < end
        {
            self.now = at;
            self.happen(happening);
        }
        self.finish()
    }

    fn finish(mut self) -> Figures {
        let mut figures = Figures { hours: self.climate.hours, ..Figures::default() };
        let elapsed = self.climate.hours * HOUR;
        for number in 0..self.managers.len() {
            self.tell(number, Input::Closed);
            let manager = &mut self.managers[number];
            assert!(manager.waiting.is_empty(), "unanswered: {:?}", manager.waiting);
            manager.check_pace(elapsed, self.climate.lifetime);
            manager.figures.manager_hours = self.climate.hours;
            manager.figures.lifetimes = elapsed / self.climate.lifetime;
            figures.add(&manager.figures);
        }
        assert_eq!(self.provider.reuses, 0, "a refresh token was presented twice");
        figures
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Alarm(number, alarm) => {
                let manager = &self.managers[number];
                if manager.alarm == alarm && manager.device.asleep().is_none() {
                    self.tell(number, Input::TimerFired);
                }
            }
            Happening::Call(number) => self.call(number),
            Happening::GiveUp(number, call) => {
                if self.is_awake(number).is_ok() && self.managers[number].waiting.remove(&call).is_some() {
                    self.tell(number, Input::Cancelled(call));
                }
            }
            Happening::Asked(number, flight, request, grant, fate) => {
                self.asked(number, flight, request, &grant, fate);
            }
            Happening::Answered(number, flight, request, answer, fate) => {
                self.answered(number, flight, request, answer, fate);
            }
            Happening::TimedOut(number, flight, request) => self.timed_out(number, flight, request),
            Happening::Used(number, token) => self.used(number, token),
            Happening::Refused(number, token) => self.refused(number, token),
            Happening::Seen(number, token) => self.seen(number, token),
            Happening::FallAsleep(number) => {
                self.managers[number].device.fall_asleep(self.now);
                self.soon(HOUR, Happening::WakeUp(number));
            }
            Happening::WakeUp(number) => self.wake_up(number),
            Happening::ClockSet(number) => {
                if self.is_awake(number).is_ok() {
                    let by = self.dice.around_zero(25 * HOUR);
                    self.managers[number].device.set(by, self.now);
                    self.managers[number].excuse(self.now);
                }
                self.soon(12 * HOUR, Happening::ClockSet(number));
            }
            Happening::OutageBegins => self.outage_begins(),
            Happening::OutageEnds(since) => self.outage_ends(since),
            Happening::Revoked => {
                self.provider.revoke_everything();
                self.soon(8 * HOUR, Happening::Revoked);
            }
        }
    }

    fn tell(&mut self, number: usize, event: Input) {
        let occasion = match event {
            Input::Granted(_, Err(_)) => Occasion::Failure,
            _ => Occasion::Other,
        };
        let effects = self.managers[number].tell(event, self.now);
        for effect in effects {
            match effect {
                Effect::Resolve(call, answer) => self.settled(number, call, answer, occasion),
                Effect::Send(flight, grant) => self.send(number, flight, grant),
                Effect::Cancel(_) => self.managers[number].on_wire = None,
                Effect::Emit(Event::Error { .. }) => self.managers[number].figures.failed_flights += 1,
                Effect::Emit(Event::Token { .. }) => self.managers[number].figures.grants += 1,
                Effect::Emit(_) => {}
                _ => panic!("there is no shared store here: {effect:?}"),
            }
        }
        let alarm = self.managers[number].alarm;
        if let Some(span) = self.managers[number].alarm_in(self.now) {
            // Timers are never early and often late.
            let late = self.dice.between(0, 60);
            self.agenda.add(self.now + span + late, Happening::Alarm(number, alarm));
        }
    }

    fn call(&mut self, number: usize) {
        if self.climate.weather == Weather::Calm {
            self.agenda.add(self.now + self.climate.call_every, Happening::Call(number));
        } else {
            self.soon(self.climate.call_every, Happening::Call(number));
        }
        if self.is_awake(number).is_err() {
            return;
        }
        let want = match self.dice.between(0, 100) {
            0..2 if self.climate.weather == Weather::Rough => TokenRequest::Forced,
            2..4 if self.climate.weather == Weather::Rough => TokenRequest::Cached {
                min_validity: Some(seconds(45)),
                scopes: None,
                borrowing: Borrowing::Allowed,
            },
            _ => TokenRequest::DEFAULT,
        };
        let event = self.managers[number].call(&want, self.now);
        let call = self.managers[number].latest_call();
        self.tell(number, event);
        if self.managers[number].waiting.contains_key(&call) {
            self.managers[number].figures.waits += 1;
            if self.climate.weather == Weather::Rough && self.dice.happens(0.2).is_some() {
                self.soon(2 * SECOND, Happening::GiveUp(number, call));
            }
        }
    }

    fn settled(
        &mut self,
        number: usize,
        call: CallId,
        answer: Result<Rc<TokenSet>, TokenError>,
        occasion: Occasion,
    ) {
        let now = self.now;
        let asked_at = self.managers[number].waiting.remove(&call).expect("one answer for each call");
        match answer {
            Ok(tokens) => self.given(number, &tokens, occasion),
            // The world ends, for those who sleep as well.
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
        let waited = now - asked_at.max(self.managers[number].awake_since);
        assert!(waited <= LONGEST_WAIT, "a call waited for {waited} ms");
    }

    fn given(&mut self, number: usize, tokens: &TokenSet, occasion: Occasion) {
        let token = index(tokens.access_token.expose());
        let expires_at = self.provider.issued(token).expires_at;
        let delay = self.managers[number].delays.get(&token).copied().unwrap_or_default();
        let lifetime = self.climate.lifetime;
        // The lifetime counts from receipt, and clocks are not exact.
        let error = delay + lifetime * 2 * DRIFT / 1_000_000 + 2;
        assert!(self.now < expires_at + error, "a token {} ms too old", self.now - expires_at);
        let margin = (lifetime / 8).min(10 * SECOND);
        let well = occasion == Occasion::Other && self.managers[number].remembered(self.now).is_none();
        if error < margin && well {
            assert!(self.now < expires_at, "an expired token, although it came {delay} ms late only");
        }
        self.soon(200, Happening::Used(number, token));
    }

    fn send(&mut self, number: usize, flight: AcquisitionId, grant: Grant) {
        let request = self.managers[number].request(flight);
        self.agenda.add(self.now + TIMEOUT, Happening::TimedOut(number, flight, request));
        let latency = self.dice.latency();
        let fate = match self.dice.happens(self.climate.faults) {
            None if self.dice.happens(0.02).is_some() => Fate::ComesTwice,
            None => Fate::Arrives,
            Some(()) => {
                self.managers[number].excuse(self.now);
                if self.dice.happens(0.5).is_some() {
                    return;
                }
                Fate::LosesItsAnswer
            }
        };
        self.agenda.add(self.now + latency, Happening::Asked(number, flight, request, grant, fate));
    }

    fn asked(&mut self, number: usize, flight: AcquisitionId, request: u64, grant: &Grant, fate: Fate) {
        let answer = self.provider.asked(grant, self.now, &mut self.dice);
        if matches!(answer, Answer::Unavailable(..)) {
            self.managers[number].excused_at = self.now;
        }
        let latency = self.dice.latency();
        if let Answer::Token { access, .. } = answer {
            self.managers[number].delays.insert(access, latency);
        }
        if fate != Fate::LosesItsAnswer {
            let at = self.now + latency;
            self.agenda.add(at, Happening::Answered(number, flight, request, answer, fate));
        }
    }

    fn answered(&mut self, number: usize, flight: AcquisitionId, request: u64, answer: Answer, fate: Fate) {
        if fate == Fate::ComesTwice {
            let again = Happening::Answered(number, flight, request, answer, Fate::Arrives);
            self.soon(MINUTE, again);
        }
        let manager = &mut self.managers[number];
        let awaited = manager.on_wire == Some((flight, request));
        // A driver that has sent the flight's next request no longer listens to this one.
        let forgotten = manager.on_wire.is_some_and(|(current, _)| current == flight) && !awaited;
        if manager.device.asleep().is_some() || forgotten {
            return;
        }
        if awaited {
            manager.on_wire = None;
        }
        let answer = match answer {
            Answer::Token { access, refresh } => {
                let issued = self.provider.issued(access);
                let mut tokens = manager.received(access, issued, self.provider.lifetime, self.now);
                Rc::make_mut(&mut tokens).refresh_token = refresh.map(refresh_token);
                Ok(tokens)
            }
            Answer::RefreshTokenRejected | Answer::Unavailable(..) => Err(failed(&answer)),
        };
        self.tell(number, Input::Granted(flight, answer));
    }

    fn timed_out(&mut self, number: usize, flight: AcquisitionId, request: u64) {
        let manager = &mut self.managers[number];
        if manager.on_wire == Some((flight, request)) && manager.device.asleep().is_none() {
            manager.on_wire = None;
            manager.excuse(self.now);
            let error = GrantFailure::Transient(failure(ErrorCode::Timeout));
            self.tell(number, Input::Granted(flight, Err(error)));
        }
    }

    /// A caller sends its token to the API.
    fn used(&mut self, number: usize, token: usize) {
        if self.is_awake(number).is_err() {
            return;
        }
        if self.provider.accepts(token, self.now).is_err() {
            self.soon(200, Happening::Refused(number, token));
        } else if self.climate.weather == Weather::Rough && self.dice.happens(0.05).is_some() {
            let newer = self.provider.slide(token, self.now);
            self.soon(500, Happening::Seen(number, newer));
        }
    }

    fn refused(&mut self, number: usize, token: usize) {
        let held = self.managers[number].machine.held();
        let Some(held) = held.filter(|held| index(held.access_token.expose()) == token) else { return };
        if self.is_awake(number).is_ok() {
            let event = Input::TokenInvalidated(held.access_token.clone());
            self.managers[number].figures.refused_tokens += 1;
            self.managers[number].figures.causes += 1;
            self.tell(number, event);
        }
    }

    fn seen(&mut self, number: usize, token: usize) {
        let issued = self.provider.issued(token);
        let manager = &mut self.managers[number];
        if manager.device.asleep().is_none() && self.now < issued.expires_at {
            let tokens = manager.received(token, issued, issued.expires_at - self.now, self.now);
            self.tell(number, Input::TokenReceived(tokens));
        }
    }

    fn wake_up(&mut self, number: usize) {
        self.managers[number].device.wake_up(self.now);
        self.managers[number].awake_since = self.now;
        self.managers[number].excuse(self.now);
        self.soon(12 * HOUR, Happening::FallAsleep(number));
        self.tell(number, Input::TimerFired);
        if let Some((flight, _)) = self.managers[number].on_wire.take() {
            let error = GrantFailure::Transient(failure(ErrorCode::Network));
            self.tell(number, Input::Granted(flight, Err(error)));
        }
    }

    fn outage_begins(&mut self) {
        self.provider.outage = Some(match self.dice.between(0, 3) {
            0 => Outage::Down,
            1 => Outage::Throttled,
            _ => Outage::Denied,
        });
        let mean = if self.dice.happens(0.3).is_some() { HOUR } else { 5 * MINUTE };
        self.soon(mean, Happening::OutageEnds(self.now));
    }

    fn outage_ends(&mut self, since: Instant) {
        self.provider.outage = None;
        for manager in &mut self.managers {
            manager.excused_at = self.now;
            manager.figures.outage_flights += 8 + (self.now - since) / (55 * SECOND);
        }
        self.soon(6 * HOUR, Happening::OutageBegins);
    }
}

/// Until a call must succeed again: the longest `Retry-After` of this provider, a
/// cool-down, and the time of one flight.
const LONGEST_RECOVERY: u64 = 200 * SECOND;

/// Four requests that time out, one of them with a refresh token; two of the longest
/// pauses; a second for the pace of grants and one for timers that are late.
const LONGEST_WAIT: u64 = 4 * TIMEOUT + 2 * 30 * SECOND + 2 * SECOND;

fn climate_of(seed: u64) -> Climate {
    let mut dice = Dice::new(!seed);
    let refresh = match dice.between(0, 10) {
        0..6 => RefreshMode::Always,
        6..8 => RefreshMode::WhileUsed,
        _ => RefreshMode::OnDemand,
    };
    let lifetimes = [MINUTE, 3 * MINUTE, 3 * MINUTE, 10 * MINUTE, HOUR];
    Climate {
        hours: 24,
        managers: 4,
        lifetime: lifetimes[dice.index(5)],
        policy: Policy { refresh, ..Policy::default() },
        call_every: dice.between(5 * SECOND, 3 * MINUTE),
        faults: [0.0, 0.02, 0.1, 0.3][dice.index(4)],
        weather: Weather::Rough,
    }
}

fn simulate(seed: u64, climate: Climate) -> Figures {
    replayable(seed, || Simulation::new(seed, climate).run())
}

#[test]
fn whatever_happens_callers_are_served_and_providers_are_spared() {
    let seeds = seeds(42);

    let mut figures = Figures::default();
    for seed in seeds.clone() {
        figures.add(&simulate(seed, climate_of(seed)));
    }

    eprintln!("{figures:#?}");
    assert!(seeds.end - seeds.start < 42 || figures.hours >= 1_000);
}

#[test]
fn a_day_of_three_minute_tokens_makes_no_caller_wait() {
    let climate = Climate {
        hours: 24,
        managers: 1,
        lifetime: 3 * MINUTE,
        policy: Policy::default(),
        call_every: SECOND,
        faults: 0.02,
        weather: Weather::Calm,
    };

    let figures = simulate(one_seed(), climate);

    eprintln!("{figures:#?}");
    assert!(figures.calls >= 86_000);
    assert_eq!((figures.failed_calls, figures.refused_tokens), (0, 0));
    // The first of all, which found nothing, and those that joined it.
    assert!(figures.waits <= 15, "{} calls waited", figures.waits);
    assert!(figures.grants * 2 <= figures.lifetimes * 3, "{} grants", figures.grants);
}
