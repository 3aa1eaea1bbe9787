//! The cached token of a session, and its freshness.

use std::rc::Rc;

use super::{Policy, ScopeSet, TokenRequest, TokenSet, UnixMillis};

/// A token with the times that the policy derives from it.
#[derive(Clone, Debug)]
pub struct CachedToken {
    /// The token, without its refresh token: the session keeps that apart.
    pub tokens: Rc<TokenSet>,
    /// When a background refresh is due. Stored, because its jitter is drawn once.
    pub refresh_at: UnixMillis,
    /// Set if listeners were notified that it expired.
    pub expiry_announced: bool,
}

/// Freshness of a token. Computed from the time, never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Valid, and no refresh is due.
    Fresh,
    /// Valid, and a refresh is due.
    RefreshDue,
    /// No longer valid.
    Expired,
}

impl CachedToken {
    /// Derives the times of `tokens`; `jitter` is in `0.0..1.0`.
    pub fn new(tokens: Rc<TokenSet>, policy: &Policy, jitter: f64) -> Self {
        let refresh_at = policy.refresh_at(tokens.issued_at, tokens.expires_at, jitter);
        Self { tokens, refresh_at, expiry_announced: false }
    }

    /// Returns the freshness at `now`.
    pub fn freshness(&self, now: UnixMillis) -> Freshness {
        if now >= self.tokens.expires_at {
            Freshness::Expired
        } else if now >= self.refresh_at {
            Freshness::RefreshDue
        } else {
            Freshness::Fresh
        }
    }

    /// Returns whether it can be returned at `now` without waiting for a new one.
    pub fn satisfies(&self, request: &TokenRequest, policy: &Policy, now: UnixMillis) -> bool {
        match request {
            TokenRequest::Cached { min_validity, .. } => {
                now < policy.served_until(self.tokens.issued_at, self.tokens.expires_at, *min_validity)
            }
            TokenRequest::Forced => false,
        }
    }

    /// Requested scopes that the token is known to lack.
    pub fn missing_scopes(&self, request: &TokenRequest) -> Option<ScopeSet> {
        let TokenRequest::Cached { scopes: Some(requested), .. } = request else { return None };
        let missing = self.tokens.scopes.as_ref()?.missing(requested);
        (!missing.is_empty()).then_some(missing)
    }
}
