//! When credentials are presented again that the provider refused.
//!
//! Some APIs lock an account after a few wrong passwords, and some refuse a right one once, as while they
//! restart. So credentials that have brought a token are presented again after growing intervals, and
//! others twice in all. Different ones are presented at once.

use super::{TokenError, UnixMillis};

/// A fingerprint of the credentials of a grant. All credentials of a grant that does not state any have
/// the default one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CredentialId(pub u64);

/// What a session has learned of its credentials.
#[derive(Clone, Debug, Default)]
pub struct CredentialHistory {
    /// Those that brought a token last.
    proven: Option<CredentialId>,
    refused: Option<Box<Refused>>,
}

/// Credentials that were refused since they brought a token, if they ever did.
#[derive(Clone, Debug)]
struct Refused {
    id: CredentialId,
    error: TokenError,
    /// How often in succession.
    times: usize,
    /// From when on they may be presented again.
    retry_at: UnixMillis,
}

impl CredentialHistory {
    /// Credentials brought a token.
    pub fn accepted(&mut self, id: CredentialId) {
        self.proven = Some(id);
        self.refused = None;
    }

    /// A token was granted by other means: to another holder with the same credentials, or for a refresh token.
    pub fn granted_otherwise(&mut self) {
        self.refused = None;
    }

    /// Credentials were refused at `now`. `jitter` is in `0.0..1.0`.
    pub fn refused(&mut self, id: CredentialId, error: TokenError, now: UnixMillis, jitter: f64) {
        let before = self.refused.as_ref().filter(|refused| refused.id == id);
        let times = before.map_or(0, |refused| refused.times).saturating_add(1);
        let retry_at = if self.proven == Some(id) {
            now.after(retry_interval(times, jitter))
        } else if times < MAX_UNPROVEN {
            now
        } else {
            UnixMillis::NEVER
        };
        self.refused = Some(Box::new(Refused { id, error, times, retry_at }));
    }

    /// From when on credentials may be presented, whichever they are.
    pub fn retry_at(&self) -> UnixMillis {
        self.refused.as_ref().map_or(UnixMillis::new(0), |refused| refused.retry_at)
    }

    /// The credentials that must not be presented at `now`.
    pub fn withheld(&self, now: UnixMillis) -> Option<CredentialId> {
        self.refused.as_ref().filter(|refused| now < refused.retry_at).map(|refused| refused.id)
    }

    /// Why the last ones were refused.
    pub fn error(&self) -> Option<TokenError> {
        self.refused.as_ref().map(|refused| refused.error.clone())
    }
}

/// How often credentials are presented that never brought a token. The fewest failures after which a
/// known API locks an account are five.
const MAX_UNPROVEN: usize = 2;

/// How many milliseconds after the `times`-th refusal in succession proven credentials are presented
/// again: up to a fifth longer than stated here, so that many managers do not do so together.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a fifth of minutes")]
fn retry_interval(times: usize, jitter: f64) -> u64 {
    let interval = RETRY_INTERVALS[(times - 1).min(RETRY_INTERVALS.len() - 1)];
    interval as u64 + (interval * jitter / 5.0) as u64
}

/// 15 seconds, and 1, 4 and 15 minutes; the last one repeats.
const RETRY_INTERVALS: [f64; 4] = [15_000.0, 60_000.0, 240_000.0, 900_000.0];
