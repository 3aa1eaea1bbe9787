//! What token we have, and how good it is at a time.

use std::rc::Rc;

use super::{Policy, ScopeSet, TokenSet, UnixMillis, Want};

/// A token and the moments that the policy derives from it.
#[derive(Clone, Debug)]
pub struct Holding {
    /// The token. Its refresh token has been taken out: only flights touch that.
    pub tokens: Rc<TokenSet>,
    /// When a background refresh is due. Kept, because its jitter was thrown once.
    pub refresh_at: UnixMillis,
    /// Whether listeners know that it expired.
    pub expiry: Expiry,
}

/// Whether listeners know that a token expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// Not yet.
    Ahead,
    /// They were told.
    Announced,
}

/// How good a token is. Computed from the time, never stored, so it cannot be stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// To be handed out; nothing to do.
    Fresh,
    /// To be replaced, and until then to be handed out.
    RefreshDue,
    /// No longer valid.
    Expired,
}

impl Holding {
    /// Holds `tokens`; `jitter` is in `0.0..1.0`.
    pub fn new(tokens: Rc<TokenSet>, policy: &Policy, jitter: f64) -> Self {
        let refresh_at = policy.refresh_at(tokens.issued_at, tokens.expires_at, jitter);
        Self { tokens, refresh_at, expiry: Expiry::Ahead }
    }

    /// How good it is at `now`.
    pub fn stage(&self, now: UnixMillis) -> Stage {
        if now >= self.tokens.expires_at {
            Stage::Expired
        } else if now >= self.refresh_at {
            Stage::RefreshDue
        } else {
            Stage::Fresh
        }
    }

    /// Whether it is handed out at `now` without waiting for a better one.
    pub fn satisfies(&self, want: &Want, policy: &Policy, now: UnixMillis) -> bool {
        match want {
            Want::Usable { min_validity, .. } => {
                now < policy.served_until(self.tokens.issued_at, self.tokens.expires_at, *min_validity)
            }
            Want::Fresh => false,
        }
    }

    /// Scopes of `want` that the token is known not to have.
    pub fn missing_scopes(&self, want: &Want) -> Option<ScopeSet> {
        let Want::Usable { scopes: Some(wanted), .. } = want else { return None };
        let missing = self.tokens.scopes.as_ref()?.missing(wanted);
        (!missing.is_empty()).then_some(missing)
    }
}
