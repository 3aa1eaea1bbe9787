//! A simulated population of users with a session each: a provider of constant latency, and no faults.
//!
//! It only counts. The tests and the benchmark, which both include this file, check the figures.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, VecDeque},
    rc::Rc,
    time::Duration,
};

use super::core::{
    AccessToken, AcquisitionId, CallId, ClockOffset, Effect, Identity, Input, Jitter, Limits, Policy, Pool,
    PoolEffect, ScopeSet, SessionId, TokenRequest, TokenSet, TokenTimes, UnixMillis,
};

/// The users and their traffic.
#[derive(Clone, Debug)]
pub(super) struct Scenario {
    pub(super) users: u32,
    pub(super) policy: Policy,
    pub(super) limits: Limits,
    pub(super) lifetime: Duration,
    /// Latency of a grant.
    pub(super) latency: Duration,
    pub(super) span: Duration,
    pub(super) start: Start,
    pub(super) traffic: Traffic,
}

/// The state at the start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Start {
    /// No sessions.
    Empty,
    /// A token for each user, all granted within one second.
    Herd,
}

/// Distribution of calls.
#[derive(Clone, Copy, Debug)]
pub(super) enum Traffic {
    /// About one call per user in this interval, with a jitter of half of it.
    Steady(Duration),
    /// This many visits per user and day, most of them in the afternoon and few at night. A visit is twenty calls, 15
    /// seconds apart on average.
    Daily(f64),
}

/// Counters.
#[derive(Clone, Debug, Default)]
pub(super) struct Figures {
    pub(super) calls: u64,
    /// Calls that were not resolved at once.
    pub(super) waited: u64,
    /// The longest wait of a call.
    pub(super) longest_wait: Duration,
    /// Calls that received an expired token.
    pub(super) expired: u64,
    /// Calls that were rejected.
    pub(super) failed: u64,
    /// Grants per second.
    pub(super) grants: Vec<u32>,
    /// Most requests in flight at a time.
    pub(super) in_flight: usize,
    /// Evicted sessions.
    pub(super) evicted: u64,
}

impl Figures {
    pub(super) fn granted(&self) -> u64 {
        self.grants.iter().copied().map(u64::from).sum()
    }

    /// The busiest second, and the mean from the first grant on.
    #[expect(clippy::cast_precision_loss, reason = "small")]
    pub(super) fn peak_and_mean(&self) -> (f64, f64) {
        let busy: Vec<_> = self.grants.iter().skip_while(|grants| **grants == 0).collect();
        let peak = busy.iter().copied().max().copied().unwrap_or_default();
        (f64::from(peak), self.granted() as f64 / busy.len().max(1) as f64)
    }
}

pub(super) struct Population {
    scenario: Scenario,
    pool: Pool<()>,
    scopes: ScopeSet,
    now: UnixMillis,
    rng: Jitter,
    /// In order of time, because the latency is constant.
    answers: VecDeque<(UnixMillis, SessionId, AcquisitionId)>,
    calls: BinaryHeap<Reverse<(UnixMillis, u32, u32)>>,
    waiting: HashMap<CallId, UnixMillis>,
    tokens: u64,
    figures: Figures,
}

const START: UnixMillis = UnixMillis::new(1_750_000_000_000);

/// Calls per visit.
const VISIT: u32 = 20;
const BETWEEN_CALLS: f64 = 15.0;
const DAY: f64 = 86_400.0;

impl Population {
    pub(super) fn new(scenario: Scenario, seed: u64) -> Self {
        let mut rng = Jitter::new(seed);
        let scopes: ScopeSet = ["LIST_OFFERS", "PURCHASE_GIFTCARD"].into_iter().collect();
        let own = (identity(u32::MAX), scopes.clone(), ());
        let pool = Pool::new(scenario.policy.clone(), scenario.limits, rng.fork(), own, START);
        let seconds = usize::try_from(scenario.span.as_secs()).unwrap_or(usize::MAX) + 1;
        let figures = Figures { grants: vec![0; seconds], ..Figures::default() };
        Self {
            scenario,
            pool,
            scopes,
            now: START,
            rng,
            answers: VecDeque::new(),
            calls: BinaryHeap::new(),
            waiting: HashMap::new(),
            tokens: 0,
            figures,
        }
    }

    pub(super) fn run(mut self) -> Figures {
        for user in 0..self.scenario.users {
            if self.scenario.start == Start::Herd {
                self.now = START + Duration::from_secs(1) * user / self.scenario.users;
                let session = self.pool.open(identity(user), &self.scopes, (), self.now);
                let token = self.token();
                self.handle(session, Input::TokenReceived(token));
            }
            self.plan(user, 0);
        }
        let end = START + self.scenario.span;
        loop {
            let call = self.calls.peek().map(|Reverse((at, ..))| *at);
            let answer = self.answers.front().map(|(at, ..)| *at);
            let timer = self.pool.poll_timeout();
            let Some(next) = [call, answer, timer].into_iter().flatten().min().filter(|at| *at <= end) else {
                break;
            };
            self.now = self.now.max(next);
            if answer == Some(next) {
                let Some((_, session, acquisition)) = self.answers.pop_front() else { continue };
                let token = self.token();
                self.handle(session, Input::Granted(acquisition, Ok(token)));
            } else if call == Some(next) {
                let Some(Reverse((_, user, left))) = self.calls.pop() else { continue };
                self.call(user);
                self.plan(user, left);
            } else {
                let effects = self.pool.timer_fired(self.now);
                self.perform(effects);
            }
        }
        self.figures
    }

    fn call(&mut self, user: u32) {
        self.figures.calls += 1;
        let call = CallId(self.figures.calls);
        self.waiting.insert(call, self.now);
        let session = self.pool.open(identity(user), &self.scopes, (), self.now);
        self.handle(session, Input::Requested(call, TokenRequest::DEFAULT));
        self.figures.waited += u64::from(self.waiting.contains_key(&call));
    }

    fn handle(&mut self, session: SessionId, input: Input) {
        let effects = self.pool.handle(session, input, self.now);
        self.perform(effects);
    }

    fn perform(&mut self, effects: Vec<PoolEffect>) {
        for effect in effects {
            match effect {
                PoolEffect::Session(_, Effect::Resolve(call, answer)) => {
                    let requested_at = self.waiting.remove(&call).unwrap_or(self.now);
                    let figures = &mut self.figures;
                    figures.longest_wait = figures.longest_wait.max(self.now.since(requested_at));
                    match answer {
                        Ok(tokens) => figures.expired += u64::from(tokens.expires_at <= self.now),
                        Err(_) => figures.failed += 1,
                    }
                }
                PoolEffect::Session(session, Effect::Send(acquisition, _)) => {
                    let second = usize::try_from(self.now.since(START).as_secs()).unwrap_or(usize::MAX);
                    self.figures.grants.get_mut(second).into_iter().for_each(|grants| *grants += 1);
                    self.answers.push_back((self.now + self.scenario.latency, session, acquisition));
                    self.figures.in_flight = self.figures.in_flight.max(self.answers.len());
                }
                PoolEffect::Evicted(_) => self.figures.evicted += 1,
                PoolEffect::Session(..) => {}
            }
        }
    }

    fn token(&mut self) -> Rc<TokenSet> {
        self.tokens += 1;
        Rc::new(TokenSet {
            access_token: AccessToken::new(self.tokens.to_string()),
            refresh_token: None,
            scopes: Some(self.scopes.clone()),
            issued_at: self.now,
            expires_at: self.now + self.scenario.lifetime,
            provider_clock: ClockOffset::default(),
            times: TokenTimes::default(),
        })
    }

    /// Schedules a user's next call, with `left` more in this visit.
    fn plan(&mut self, user: u32, left: u32) {
        let (wait, left) = match self.scenario.traffic {
            Traffic::Steady(mean) => (mean.mul_f64(0.5 + self.rng.fraction()), 0),
            Traffic::Daily(_) if left > 0 => {
                (Duration::from_secs_f64(2.0 * BETWEEN_CALLS * self.rng.fraction()), left - 1)
            }
            Traffic::Daily(visits) => (self.until_visit(visits), VISIT - 1),
        };
        self.calls.push(Reverse((self.now + wait, user, left)));
    }

    /// Time to the next visit, at a rate that depends on the time of day.
    fn until_visit(&mut self, visits: f64) -> Duration {
        let mut wait = 0.0;
        let highest = 1.0 + SWING;
        loop {
            wait -= (1.0 - self.rng.fraction()).ln() * DAY / (visits * highest);
            let hours = (self.now.since(START).as_secs_f64() + wait) / 3600.0;
            // The simulation starts at midnight; the peak is at three in the afternoon.
            let rate = 1.0 + SWING * ((hours - 9.0) / 24.0 * std::f64::consts::TAU).sin();
            if self.rng.fraction() * highest < rate {
                return Duration::from_secs_f64(wait);
            }
        }
    }
}

/// Nineteen times as many visits in the afternoon as at night.
const SWING: f64 = 0.9;

pub(super) fn identity(user: u32) -> Identity {
    let mut digest = [0; 16];
    digest[..4].copy_from_slice(&user.to_le_bytes());
    Identity::new(digest)
}

/// Ten lifetimes of sessions that were all granted their first token within one second.
pub(super) fn herd(users: u32, max_concurrent_grants: usize) -> Scenario {
    let lifetime = Duration::from_secs(600);
    Scenario {
        users,
        policy: Policy::default(),
        limits: Limits { max: users as usize, max_concurrent_grants, ..Limits::default() },
        lifetime,
        latency: Duration::from_millis(100),
        span: lifetime * 10,
        start: Start::Herd,
        traffic: Traffic::Steady(Duration::from_secs(60)),
    }
}

/// A day of three-minute tokens.
pub(super) fn day(users: u32, policy: Policy, idle: Duration) -> Scenario {
    Scenario {
        users,
        policy,
        limits: Limits { max: users as usize, idle, ..Limits::default() },
        lifetime: Duration::from_secs(180),
        latency: Duration::from_millis(100),
        span: Duration::from_secs(86_400),
        start: Start::Empty,
        traffic: Traffic::Daily(8.0),
    }
}
