//! The simulated world: a provider that rotates refresh tokens, and devices with their own clocks.
//!
//! All of it is determined by one seed; the simulations check the results.

use std::{
    collections::BTreeMap,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
};

use crate::core::{ClockOffset, Grant, HybridClock, Jitter, RefreshTokenRotation, UnixMillis};

/// True time in milliseconds, which is not observable within the simulation.
pub(super) type Instant = u64;

pub(super) const SECOND: u64 = 1_000;
pub(super) const MINUTE: u64 = 60 * SECOND;
pub(super) const HOUR: u64 = 60 * MINUTE;

/// The seeds to run: `SIMULATION_SEED` alone, or `SIMULATION_SEEDS` of them.
pub(super) fn seeds(usual: u64) -> Range<u64> {
    match number("SIMULATION_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SIMULATION_SEEDS").unwrap_or(usual),
    }
}

/// The seed to run, for a single simulation.
pub(super) fn one_seed() -> u64 {
    number("SIMULATION_SEED").unwrap_or(1)
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Runs a simulation; on failure, prints the seed to repeat it.
pub(super) fn replayable<T>(seed: u64, run: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        eprintln!("replay with SIMULATION_SEED={seed}");
        resume_unwind(panic)
    })
}

/// A deterministic random number generator.
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
}

/// Scheduled occurrences in order of time.
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

/// The clocks of one device. Each has its own rate; only the wall clock can be set.
pub(super) struct Device {
    clock: HybridClock,
    offset: i64,
    wall_drift: i64,
    monotonic_drift: i64,
    asleep_since: Option<Instant>,
    /// Total time for which the monotonic clock was stopped.
    stopped: u64,
    sleep: Sleep,
}

/// Behaviour of the monotonic clock while the device sleeps.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Sleep {
    Counts,
    Stops,
}

/// Most parts per million by which a clock drifts.
pub(super) const DRIFT: u64 = 100;

impl Device {
    pub(super) fn new(now: Instant, rng: &mut Rng) -> Self {
        let mut device = Self {
            clock: HybridClock::new(UnixMillis::new(0), 0),
            offset: rng.symmetric(24 * HOUR),
            wall_drift: rng.symmetric(DRIFT),
            monotonic_drift: rng.symmetric(DRIFT),
            asleep_since: None,
            stopped: 0,
            sleep: rng.chance(0.5).map_or(Sleep::Counts, |()| Sleep::Stops),
        };
        device.clock = HybridClock::new(device.wall(now), device.monotonic(now));
        device
    }

    /// The time that the device's software reads.
    pub(super) fn now(&mut self, now: Instant) -> UnixMillis {
        let (wall, monotonic) = (self.wall(now), self.monotonic(now));
        self.clock.read(wall, monotonic)
    }

    /// Sets the wall clock. The time is read just before and just after, because a clock that is set back during sleep
    /// cannot be distinguished from a shorter sleep.
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

/// A provider that issues a new refresh token with each access token, and revokes a family of tokens when a refresh
/// token is reused.
pub(super) struct Provider {
    pub(super) lifetime: u64,
    /// Offset of its clock, which its tokens carry.
    offset: i64,
    pub(super) outage: Option<Outage>,
    access_tokens: Vec<Issued>,
    refresh_tokens: Vec<Rotating>,
    revoked: Vec<bool>,
    /// Number of reused refresh tokens.
    pub(super) reuses: u32,
    /// Whether a refresh token stays valid until its replacement is used.
    pub(super) rotation: RefreshTokenRotation,
    /// Number of grants with the credentials.
    pub(super) authentications: u64,
}

/// Cause of an outage.
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
    /// The refresh token that it replaces.
    previous: Option<usize>,
}

#[derive(PartialEq)]
enum Rotation {
    Good,
    Spent,
}

/// A response of the provider.
#[derive(Clone, Copy, Debug)]
pub(super) enum ProviderResponse {
    Token { access: usize, refresh: Option<usize> },
    RefreshTokenRejected,
    Unavailable(Outage, u64),
}

impl Provider {
    pub(super) fn new(lifetime: u64, offset: i64) -> Self {
        let (access_tokens, refresh_tokens, revoked) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            lifetime,
            offset,
            outage: None,
            access_tokens,
            refresh_tokens,
            revoked,
            reuses: 0,
            rotation: RefreshTokenRotation::Strict,
            authentications: 0,
        }
    }

    pub(super) fn respond(&mut self, grant: &Grant, now: Instant, rng: &mut Rng) -> ProviderResponse {
        if let Some(outage) = self.outage {
            return ProviderResponse::Unavailable(outage, rng.between(1, 120));
        }
        match grant {
            Grant::Authenticate | Grant::AuthenticateIfChanged(_) => {
                self.authentications += 1;
                self.revoked.push(false);
                let family = self.revoked.len() - 1;
                ProviderResponse::Token {
                    access: self.issue(family, now),
                    refresh: Some(self.rotate_refresh_token(family, None)),
                }
            }
            Grant::Refresh(token) => self.refreshed(index(token.expose()), now, rng),
        }
    }

    fn refreshed(&mut self, token: usize, now: Instant, rng: &mut Rng) -> ProviderResponse {
        let Rotating { family, state, previous } = &self.refresh_tokens[token];
        let (family, previous) = (*family, *previous);
        if *state == Rotation::Spent {
            self.reuses += 1;
            self.revoked[family] = true;
        }
        if self.revoked[family] {
            return ProviderResponse::RefreshTokenRejected;
        }
        // The replacement is used.
        if let Some(previous) = previous {
            self.refresh_tokens[previous].state = Rotation::Spent;
        }
        let refresh = if rng.chance(0.2).is_some() {
            None
        } else {
            if self.rotation == RefreshTokenRotation::Strict {
                self.refresh_tokens[token].state = Rotation::Spent;
            }
            Some(self.rotate_refresh_token(family, Some(token)))
        };
        ProviderResponse::Token { access: self.issue(family, now), refresh }
    }

    /// Issues a new token for an old one, as an API does that rotates tokens.
    pub(super) fn rotate_access_token(&mut self, token: usize, now: Instant) -> usize {
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

    fn rotate_refresh_token(&mut self, family: usize, previous: Option<usize>) -> usize {
        self.refresh_tokens.push(Rotating { family, state: Rotation::Good, previous });
        self.refresh_tokens.len() - 1
    }
}

/// Tokens are named by their number.
pub(super) fn index(name: &str) -> usize {
    name.parse().expect("a token of this provider")
}
