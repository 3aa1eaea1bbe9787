//! The history of credentials, which decides when rejected ones are presented again.
//!
//! Some APIs lock an account after a few wrong passwords, and some reject a correct one, for example during a restart.
//! Credentials that have obtained a token are therefore presented again after growing intervals, others at most twice.
//! Changed credentials are presented at once.

use super::{TokenError, UnixMillis};

/// Fingerprint of the credentials of a grant. A grant that reports none has the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CredentialId(pub u64);

/// The grants and rejections of a session's credentials so far.
#[derive(Clone, Debug, Default)]
pub struct CredentialHistory {
    /// The credentials that obtained a token last.
    proven: Option<CredentialId>,
    rejected: Option<Box<RejectedCredentials>>,
}

/// Credentials that were rejected since they last obtained a token.
#[derive(Clone, Debug)]
struct RejectedCredentials {
    id: CredentialId,
    error: TokenError,
    /// Number of rejections in succession.
    times: usize,
    /// When they may be presented again.
    retry_at: UnixMillis,
}

impl CredentialHistory {
    /// Records that credentials obtained a token.
    pub fn accepted(&mut self, id: CredentialId) {
        self.proven = Some(id);
        self.rejected = None;
    }

    /// Records a grant by other means: to another holder with the same credentials, or for a refresh token.
    pub fn granted_otherwise(&mut self) {
        self.rejected = None;
    }

    /// Records that credentials were rejected at `now`. `jitter` is in `0.0..1.0`.
    pub fn rejected(&mut self, id: CredentialId, error: TokenError, now: UnixMillis, jitter: f64) {
        let before = self.rejected.as_ref().filter(|rejected| rejected.id == id);
        let times = before.map_or(0, |rejected| rejected.times).saturating_add(1);
        let retry_at = if self.proven == Some(id) {
            now.after(retry_interval(times, jitter))
        } else if times < MAX_UNPROVEN {
            now
        } else {
            UnixMillis::NEVER
        };
        self.rejected = Some(Box::new(RejectedCredentials { id, error, times, retry_at }));
    }

    /// When the background may present credentials.
    pub fn retry_at(&self) -> UnixMillis {
        self.rejected.as_ref().map_or(UnixMillis::new(0), |rejected| rejected.retry_at)
    }

    /// The credentials that must not be presented at `now`.
    pub fn withheld(&self, now: UnixMillis) -> Option<CredentialId> {
        self.rejected.as_ref().filter(|rejected| now < rejected.retry_at).map(|rejected| rejected.id)
    }

    /// The error of the last rejection.
    pub fn error(&self) -> Option<TokenError> {
        self.rejected.as_ref().map(|rejected| rejected.error.clone())
    }
}

/// Limit on presentations of credentials that never obtained a token. Known APIs lock an account after five failures or
/// more.
const MAX_UNPROVEN: usize = 2;

/// Milliseconds from the `times`-th rejection in succession until proven credentials are presented again, with a jitter
/// of up to a fifth so that many managers do not retry together.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a fifth of minutes")]
fn retry_interval(times: usize, jitter: f64) -> u64 {
    let interval = RETRY_INTERVALS[(times - 1).min(RETRY_INTERVALS.len() - 1)];
    interval as u64 + (interval * jitter / 5.0) as u64
}

/// 15 seconds, then 1, 4 and 15 minutes; the last one repeats.
const RETRY_INTERVALS: [f64; 4] = [15_000.0, 60_000.0, 240_000.0, 900_000.0];
