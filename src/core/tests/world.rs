//! A simulated world: a provider that rotates, devices with clocks of their own, a bad network.
//!
//! Decides what happens and when, from one seed. Leaves judging it to the simulation.

use std::{
    collections::BTreeMap,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
};

use crate::core::{ClockOffset, Grant, HybridClock, Jitter, UnixMillis};

/// True time, in milliseconds, which nobody in the world can see.
pub(super) type Instant = u64;

pub(super) const SECOND: u64 = 1_000;
pub(super) const MINUTE: u64 = 60 * SECOND;
pub(super) const HOUR: u64 = 60 * MINUTE;

/// The worlds to run: `SIMULATION_SEED` alone, or `SIMULATION_SEEDS` of them.
pub(super) fn seeds(usual: u64) -> Range<u64> {
    match number("SIMULATION_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SIMULATION_SEEDS").unwrap_or(usual),
    }
}

/// The world to run, where there is one.
pub(super) fn one_seed() -> u64 {
    number("SIMULATION_SEED").unwrap_or(1)
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Runs a world; where it fails, says how to run it again.
pub(super) fn replayable<T>(seed: u64, run: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        eprintln!("replay with SIMULATION_SEED={seed}");
        resume_unwind(panic)
    })
}

/// Chance, repeatable.
pub(super) struct Rng(Jitter);

impl Rng {
    pub(super) const fn new(seed: u64) -> Self {
        Self(Jitter::new(seed))
    }

    pub(super) fn chance(&mut self, probability: f64) -> Option<()> {
        (self.0.fraction() < probability).then_some(())
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "small"
    )]
    pub(super) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + (self.0.fraction() * (high - low) as f64) as u64
    }

    pub(super) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.between(0, length as u64)).unwrap_or_default()
    }

    pub(super) fn symmetric(&mut self, reach: u64) -> i64 {
        self.between(0, 2 * reach).cast_signed() - reach.cast_signed()
    }

    /// Mostly short, sometimes longer than anybody waits.
    pub(super) fn latency(&mut self) -> u64 {
        match self.between(0, 100) {
            0..90 => self.between(5, 300),
            90..98 => self.between(300, 3 * SECOND),
            _ => self.between(3 * SECOND, 15 * SECOND),
        }
    }
}

/// What is to happen, in order of time.
pub(super) struct Schedule<T> {
    entries: BTreeMap<(Instant, u64), T>,
    count: u64,
}

impl<T> Schedule<T> {
    pub(super) const fn new() -> Self {
        Self { entries: BTreeMap::new(), count: 0 }
    }

    pub(super) fn add(&mut self, at: Instant, entry: T) {
        self.count += 1;
        self.entries.insert((at, self.count), entry);
    }

    pub(super) fn next(&mut self) -> Option<(Instant, T)> {
        self.entries.pop_first().map(|((at, _), entry)| (at, entry))
    }
}

/// The clocks of one device. Each runs at its own rate; only the wall clock can be set.
pub(super) struct Device {
    steady: HybridClock,
    offset: i64,
    wall_drift: i64,
    monotonic_drift: i64,
    asleep_since: Option<Instant>,
    /// How long the monotonic clock has stood still.
    stopped: u64,
    sleep: Sleep,
}

/// What a monotonic clock does while its device sleeps.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Sleep {
    Counts,
    Stops,
}

/// How many parts in a million a device's clocks are off, at most.
pub(super) const DRIFT: u64 = 100;

impl Device {
    pub(super) fn new(now: Instant, rng: &mut Rng) -> Self {
        let mut device = Self {
            steady: HybridClock::new(UnixMillis::new(0), 0),
            offset: rng.symmetric(24 * HOUR),
            wall_drift: rng.symmetric(DRIFT),
            monotonic_drift: rng.symmetric(DRIFT),
            asleep_since: None,
            stopped: 0,
            sleep: rng.chance(0.5).map_or(Sleep::Counts, |()| Sleep::Stops),
        };
        device.steady = HybridClock::new(device.wall(now), device.monotonic(now));
        device
    }

    /// The time as the device's own software sees it.
    pub(super) fn now(&mut self, now: Instant) -> UnixMillis {
        let (wall, monotonic) = (self.wall(now), self.monotonic(now));
        self.steady.read(wall, monotonic)
    }

    /// Somebody sets the wall clock. The time is read just before and just after, since
    /// no software can tell a clock that was set back in its sleep from a shorter sleep.
    pub(super) fn set(&mut self, by: i64, now: Instant) {
        self.now(now);
        self.offset += by;
        self.now(now);
    }

    pub(super) fn fall_asleep(&mut self, now: Instant) {
        self.now(now);
        self.asleep_since = Some(now);
    }

    pub(super) fn wake_up(&mut self, now: Instant) {
        if let (Some(since), Sleep::Stops) = (self.asleep_since.take(), self.sleep) {
            self.stopped += now - since;
        }
    }

    pub(super) const fn asleep(&self) -> Option<Instant> {
        self.asleep_since
    }

    fn wall(&self, now: Instant) -> UnixMillis {
        UnixMillis::new(drifted(now, self.wall_drift).saturating_add_signed(self.offset))
    }

    fn monotonic(&self, now: Instant) -> u64 {
        let now = match (self.asleep_since, self.sleep) {
            (Some(since), Sleep::Stops) => since,
            (Some(_), Sleep::Counts) | (None, _) => now,
        };
        drifted(now - self.stopped, self.monotonic_drift)
    }
}

fn drifted(span: u64, parts_per_million: i64) -> u64 {
    span.saturating_add_signed(span.cast_signed() / 1_000_000 * parts_per_million)
}

/// A provider that gives a new refresh token with each access token, and takes a whole
/// family of tokens back when it sees a refresh token twice.
pub(super) struct Provider {
    pub(super) lifetime: u64,
    /// By how much its clock is off; its tokens are stamped with it.
    offset: i64,
    pub(super) outage: Option<Outage>,
    access_tokens: Vec<Issued>,
    refresh_tokens: Vec<Rotating>,
    revoked: Vec<bool>,
    /// How often a spent refresh token was presented.
    pub(super) reuses: u32,
}

/// Why a provider does not work just now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Outage {
    Down,
    Throttled,
    Denied,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Issued {
    pub(super) expires_at: Instant,
    pub(super) stamp: UnixMillis,
    family: usize,
}

struct Rotating {
    family: usize,
    state: Rotation,
}

#[derive(PartialEq)]
enum Rotation {
    Good,
    Spent,
}

/// What a provider answers.
#[derive(Clone, Copy, Debug)]
pub(super) enum ProviderResponse {
    Token { access: usize, refresh: Option<usize> },
    RefreshTokenRejected,
    Unavailable(Outage, u64),
}

impl Provider {
    pub(super) fn new(lifetime: u64, offset: i64) -> Self {
        let (access_tokens, refresh_tokens, revoked) = (Vec::new(), Vec::new(), Vec::new());
        Self { lifetime, offset, outage: None, access_tokens, refresh_tokens, revoked, reuses: 0 }
    }

    pub(super) fn asked(&mut self, grant: &Grant, now: Instant, rng: &mut Rng) -> ProviderResponse {
        if let Some(outage) = self.outage {
            return ProviderResponse::Unavailable(outage, rng.between(1, 120));
        }
        match grant {
            Grant::Authenticate | Grant::AuthenticateIfChanged(_) => {
                self.revoked.push(false);
                let family = self.revoked.len() - 1;
                ProviderResponse::Token {
                    access: self.issue(family, now),
                    refresh: Some(self.rotate(family)),
                }
            }
            Grant::Refresh(token) => self.refreshed(index(token.expose()), now, rng),
        }
    }

    fn refreshed(&mut self, token: usize, now: Instant, rng: &mut Rng) -> ProviderResponse {
        let Rotating { family, state } = &mut self.refresh_tokens[token];
        let family = *family;
        if *state == Rotation::Spent {
            self.reuses += 1;
            self.revoked[family] = true;
        }
        if self.revoked[family] {
            return ProviderResponse::RefreshTokenRejected;
        }
        let refresh = if rng.chance(0.2).is_some() {
            None
        } else {
            self.refresh_tokens[token].state = Rotation::Spent;
            Some(self.rotate(family))
        };
        ProviderResponse::Token { access: self.issue(family, now), refresh }
    }

    /// A new token for an old one, as with sliding sessions.
    pub(super) fn slide(&mut self, token: usize, now: Instant) -> usize {
        self.issue(self.access_tokens[token].family, now)
    }

    pub(super) fn revoke_everything(&mut self) {
        self.revoked.fill(true);
    }

    pub(super) fn issued(&self, token: usize) -> Issued {
        self.access_tokens[token]
    }

    pub(super) fn accepts(&self, token: usize, now: Instant) -> Result<(), ()> {
        let Issued { expires_at, family, .. } = self.access_tokens[token];
        if now < expires_at && !self.revoked[family] { Ok(()) } else { Err(()) }
    }

    fn issue(&mut self, family: usize, now: Instant) -> usize {
        let stamp = UnixMillis::new(now / SECOND * SECOND).shifted(ClockOffset::new(self.offset));
        self.access_tokens.push(Issued { expires_at: now + self.lifetime, stamp, family });
        self.access_tokens.len() - 1
    }

    fn rotate(&mut self, family: usize) -> usize {
        self.refresh_tokens.push(Rotating { family, state: Rotation::Good });
        self.refresh_tokens.len() - 1
    }
}

/// Tokens are named by their number.
pub(super) fn index(name: &str) -> usize {
    name.parse().expect("a token of this provider")
}
