//! Benchmarks of a pool: memory and time per session, and load on the provider.
//!
//! `cargo bench --bench sessions` prints one JSON object per line; arguments after `--` select benchmarks (`size`, `herd`,
//! `day`). `cargo xtask bench sessions` formats the results and checks their bounds.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::print_stdout, reason = "this is what it is for")]
#![expect(clippy::disallowed_methods, reason = "it measures real time")]

use std::{
    alloc::System,
    collections::BTreeMap,
    hint::black_box,
    rc::Rc,
    time::{Duration, Instant},
};

use graphql_token_manager::core;
use serde_json::{Value, json};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

use core::{
    AccessToken, AcquisitionId, CallId, ClockOffset, Effect, Input, Jitter, Limits, Policy, Pool, PoolEffect,
    RefreshMode, ScopeSet, SessionId, TokenRequest, TokenSet, TokenTimes, UnixMillis,
};

#[path = "../src/core/tests/population.rs"]
mod population;

use population::{Figures, Population, day, herd, identity};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    let (flags, names): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|word| word.starts_with('-'));
    // `cargo bench` passes this flag; `cargo test --all-targets` does not and must not run the benchmarks.
    if !flags.iter().any(|flag| flag == "--bench") {
        return;
    }
    let wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    if wanted("size") {
        sizes();
    }
    if wanted("herd") {
        herds();
    }
    if wanted("day") {
        days();
    }
}

fn sizes() {
    for count in [1_000, 100_000, 1_000_000] {
        let mut events = Events::new();
        let mut bench = Bench::new(count);
        bench.fill();
        let first = bench.bytes();
        bench.hand_out(500_000, &mut events);
        bench.refresh(16 * count, &mut events);
        let full = bench.bytes();
        // Last, because it replaces an unknown part of the sessions.
        bench.replace(count.min(100_000), &mut events);
        drop(bench);
        line(&json!({
            "figures": "size",
            "sessions": count,
            "token": TOKEN,
            "bytes": { "first": first, "full": full },
            "nanos": events.figures(),
            "lookupNanos": lookups(count).figures(),
        }));
    }
}

fn line(figures: &Value) {
    println!("{figures}");
}

/// Characters of an access token.
const TOKEN: usize = 300;

const LIFETIME: Duration = Duration::from_secs(600);

/// A full pool, and the memory it uses.
struct Bench {
    count: u32,
    /// Users so far.
    users: u32,
    before: isize,
    pool: Pool<()>,
    scopes: ScopeSet,
    now: UnixMillis,
    calls: u64,
    tokens: u64,
    rng: Jitter,
}

/// Lower bound of any lookup by key: finds and reads one of as many entries of as many bytes. A thousand entries fit
/// in the processor's caches, of a million hardly any.
fn lookups(count: u32) -> Times {
    const BYTES: usize = 800;
    let things: BTreeMap<u32, Box<[u8; BYTES]>> =
        (0..count).map(|number| (number.reverse_bits(), Box::new([1; BYTES]))).collect();
    let mut rng = Jitter::new(3);
    let mut times = Times::new();
    for _ in 0..500_000 {
        let key = any(&mut rng, count).reverse_bits();
        let begun = Instant::now();
        let sum: u32 =
            things.get(&key).map_or(0, |thing| thing.iter().step_by(64).map(|byte| u32::from(*byte)).sum());
        times.add(nanos(begun.elapsed()));
        black_box(sum);
    }
    times
}

/// Durations of events, by kind.
struct Events {
    held: Times,
    due: Times,
    refreshed: Times,
    /// A session is created.
    made: Times,
    /// Its first grant starts, and another session is evicted.
    replaced: Times,
}

impl Events {
    fn new() -> Self {
        Self {
            held: Times::new(),
            due: Times::new(),
            refreshed: Times::new(),
            made: Times::new(),
            replaced: Times::new(),
        }
    }

    fn figures(self) -> Value {
        let Self { held, due, refreshed, made, replaced } = self;
        json!({
            "held": held.figures(),
            "due": due.figures(),
            "refreshed": refreshed.figures(),
            "made": made.figures(),
            "replaced": replaced.figures(),
        })
    }
}

/// Durations in nanoseconds, up to the initial capacity, so that recording allocates nothing.
struct Times(Vec<u64>);

impl Times {
    fn new() -> Self {
        Self(Vec::with_capacity(1_000_000))
    }

    fn add(&mut self, nanos: u64) {
        if self.0.len() < self.0.capacity() {
            self.0.push(nanos);
        }
    }

    /// The median and the 99.9th percentile.
    fn figures(mut self) -> [u64; 2] {
        self.0.sort_unstable();
        [500, 999]
            .map(|thousandths| self.0.get(self.0.len() * thousandths / 1000).copied().unwrap_or_default())
    }
}

impl Bench {
    fn new(count: u32) -> Self {
        let before = allocated();
        let now = UnixMillis::new(1_750_000_000_000);
        let scopes: ScopeSet = ["LIST_OFFERS", "PURCHASE_GIFTCARD"].into_iter().collect();
        let limits = Limits {
            max: count as usize,
            idle: Duration::from_secs(86_400),
            max_concurrent_grants: 1_000,
            ..Limits::default()
        };
        let own = (identity(u32::MAX), scopes.clone(), ());
        let pool = Pool::new(Policy::default(), limits, Jitter::new(1), own, now);
        Self { count, users: count, before, pool, scopes, now, calls: 0, tokens: 0, rng: Jitter::new(2) }
    }

    /// Grants the first token of each session, one after another.
    fn fill(&mut self) {
        let start = self.now;
        for user in 0..self.count {
            // All first tokens are granted before the first refresh is due.
            self.now = start + LIFETIME * 2 / 3 * user / self.count;
            let (.., effects) = self.ask(user);
            self.grant(&effects, |_| ());
        }
    }

    fn bytes(&self) -> isize {
        (allocated() - self.before) / isize::try_from(self.count).unwrap_or(1)
    }

    fn hand_out(&mut self, calls: u32, events: &mut Events) {
        for _ in 0..calls {
            let user = any(&mut self.rng, self.count);
            let (opening, requesting, effects) = self.ask(user);
            assert!(matches!(effects[..], [PoolEffect::Session(_, Effect::Resolve(_, Ok(_)))]));
            events.held.add(opening + requesting);
        }
    }

    /// Refreshes this many tokens: due timers, and their responses.
    fn refresh(&mut self, tokens: u32, events: &mut Events) {
        let mut refreshed = 0;
        while refreshed < u64::from(tokens) {
            let Some(at) = self.pool.poll_timeout() else { break };
            self.now = self.now.max(at);
            let start = Instant::now();
            let effects = self.pool.timer_fired(self.now);
            let time = start.elapsed();
            let sent = sent(&effects).count() as u64;
            if let Some(each) = nanos(time).checked_div(sent) {
                events.due.add(each);
            }
            refreshed += sent;
            self.grant(&effects, |time| events.refreshed.add(time));
        }
    }

    /// Creates new sessions, which evict the least recently used.
    fn replace(&mut self, sessions: u32, events: &mut Events) {
        for user in self.users..self.users + sessions {
            let (opening, requesting, effects) = self.ask(user);
            self.grant(&effects, |_| ());
            events.made.add(opening);
            events.replaced.add(requesting);
        }
        self.users += sessions;
    }

    /// Opens the user's session and requests a token; returns the time of both.
    fn ask(&mut self, user: u32) -> (u64, u64, Vec<PoolEffect>) {
        self.calls += 1;
        let (identity, call) = (identity(user), CallId(self.calls));
        let start = Instant::now();
        let session = self.pool.open(identity, &self.scopes, (), self.now);
        let opened = Instant::now();
        let effects = self.pool.handle(session, Input::Requested(call, TokenRequest::DEFAULT), self.now);
        (nanos(opened - start), nanos(opened.elapsed()), effects)
    }

    /// Answers the requests in flight, and those that follow.
    fn grant(&mut self, effects: &[PoolEffect], mut took: impl FnMut(u64)) {
        let mut awaited: Vec<_> = sent(effects).collect();
        while let Some((session, acquisition)) = awaited.pop() {
            let tokens = self.token();
            let start = Instant::now();
            let effects = self.pool.handle(session, Input::Granted(acquisition, Ok(tokens)), self.now);
            took(nanos(start.elapsed()));
            awaited.extend(sent(&effects));
        }
    }

    fn token(&mut self) -> Rc<TokenSet> {
        self.tokens += 1;
        // The exact capacity, because spare capacity would be counted.
        let mut text = String::with_capacity(TOKEN);
        text.push_str(&format!("{:0>TOKEN$}", self.tokens));
        Rc::new(TokenSet {
            access_token: AccessToken::new(text),
            refresh_token: None,
            scopes: Some(self.scopes.iter().collect()),
            issued_at: self.now,
            expires_at: self.now + LIFETIME,
            provider_clock: ClockOffset::default(),
            times: TokenTimes { issued_at: Some(self.now), expires_at: Some(self.now + LIFETIME) },
        })
    }
}

fn sent(effects: &[PoolEffect]) -> impl Iterator<Item = (SessionId, AcquisitionId)> {
    effects.iter().filter_map(|effect| match effect {
        PoolEffect::Session(session, Effect::Send(acquisition, _)) => Some((*session, *acquisition)),
        PoolEffect::Session(..) | PoolEffect::Evicted(_) => None,
    })
}

/// Bytes allocated now.
fn allocated() -> isize {
    let stats = ALLOCATOR.stats();
    let signed = |bytes: usize| isize::try_from(bytes).unwrap_or(isize::MAX);
    // The allocator counts a reallocation as either an allocation or a deallocation.
    signed(stats.bytes_allocated) - signed(stats.bytes_deallocated)
}

/// A random number below `count`.
fn any(rng: &mut Jitter, count: u32) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of a user")]
    let number = (rng.fraction() * f64::from(count)) as u32;
    number
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn herds() {
    // The last limit equals the number of sessions.
    for slots in [60, 70, 75, 100_000] {
        let scenario = herd(100_000, slots);
        let (users, lifetime, span, latency) =
            (scenario.users, scenario.lifetime, scenario.span, scenario.latency);
        let figures = Population::new(scenario, 1).run();
        let (peak, mean) = figures.peak_and_mean();
        let granted = figures.granted();
        let Figures { calls, waited, expired, failed, .. } = figures;
        line(&json!({
            "figures": "herd",
            "sessions": users,
            "lifetimeMs": millis(lifetime),
            "lifetimes": span.div_duration_f64(lifetime),
            "latencyMs": millis(latency),
            "maxConcurrentGrants": slots,
            "peak": peak,
            "mean": mean,
            "grants": granted,
            "calls": calls,
            "waited": waited,
            "expired": expired,
            "failed": failed,
        }));
    }
}

fn days() {
    for idle in [Duration::from_secs(2 * 86_400), Limits::default().idle] {
        for (name, refresh) in [
            ("always", RefreshMode::Always),
            ("while-used", RefreshMode::WhileUsed),
            ("on-demand", RefreshMode::OnDemand),
        ] {
            let figures =
                Population::new(day(10_000, Policy { refresh, ..Policy::default() }, idle), 1).run();
            let granted = figures.granted();
            let Figures { calls, waited, expired, failed, longest_wait, .. } = figures;
            line(&json!({
                "figures": "day",
                "refresh": name,
                "idleMs": millis(idle),
                "grants": granted,
                "calls": calls,
                "waited": waited,
                "expired": expired,
                "failed": failed,
                "longestWaitMs": millis(longest_wait),
            }));
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
