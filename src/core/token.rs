//! Tokens and their metadata.

use std::rc::Rc;

use super::{AccessToken, ClockOffset, RefreshToken, ScopeSet, UnixMillis};

/// An access token, and what was granted with it. Passed as `Rc<TokenSet>`: many callers share one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenSet {
    /// The access token.
    pub access_token: AccessToken,
    /// The refresh token, if the provider issued one.
    pub refresh_token: Option<RefreshToken>,
    /// The granted scopes; `None` where the response does not state them.
    pub scopes: Option<ScopeSet>,
    /// When the access token was received, by our clock.
    pub issued_at: UnixMillis,
    /// When the access token expires, by our clock.
    pub expires_at: UnixMillis,
    /// Offset of the provider's clock from ours.
    pub provider_clock: ClockOffset,
    /// Times claimed by the token itself.
    pub times: TokenTimes,
}

/// Tokens to be revoked at the provider (RFC 7009).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevokedTokens {
    /// The access token; `None` if it has expired.
    pub access_token: Option<AccessToken>,
    /// The refresh token, if the provider issued one.
    pub refresh_token: Option<RefreshToken>,
}

impl RevokedTokens {
    /// Returns the tokens of a set that are valid at `now`.
    pub fn of(tokens: &TokenSet, now: UnixMillis) -> Self {
        let is_valid = now < tokens.expires_at;
        Self {
            access_token: is_valid.then(|| tokens.access_token.clone()),
            refresh_token: tokens.refresh_token.clone().filter(|token| !token.has_expired(now)),
        }
    }
}

/// The record of a session in a shared store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredRecord {
    /// The token; `None` after a sign-out.
    pub tokens: Option<Rc<TokenSet>>,
    /// The sign-out that the record follows.
    pub generation: Generation,
}

/// Identifies the last sign-out of a session, by a random number; zero before the first.
///
/// A holder that reads another generation than its own missed a sign-out, and discards its token. The numbers are random
/// because a counter in a store that lost its data would repeat itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Generation(pub u64);

/// Times in the claims of a JWT (RFC 7519), by the provider's clock.
///
/// Read without verification, and used only to order tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenTimes {
    /// `iat`.
    pub issued_at: Option<UnixMillis>,
    /// `exp`.
    pub expires_at: Option<UnixMillis>,
}

impl TokenTimes {
    /// Returns whether a token with these times is known to be older than one with `other`.
    ///
    /// Claims have whole seconds, so the order of two tokens issued within one second is unknown.
    pub fn is_older_than(&self, other: &Self) -> bool {
        match (self.issued_at.zip(other.issued_at), self.expires_at.zip(other.expires_at)) {
            (Some((mine, theirs)), Some((my_end, their_end))) => (mine, my_end) < (theirs, their_end),
            (Some((mine, theirs)), None) | (None, Some((mine, theirs))) => mine < theirs,
            (None, None) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(issued_at: impl Into<Option<u64>>, expires_at: impl Into<Option<u64>>) -> TokenTimes {
        TokenTimes {
            issued_at: issued_at.into().map(UnixMillis::new),
            expires_at: expires_at.into().map(UnixMillis::new),
        }
    }

    #[test]
    fn an_earlier_issue_is_older() {
        assert!(times(1, None).is_older_than(&times(2, None)));
        assert!(times(1, 9).is_older_than(&times(2, 8)));
        assert!(!times(2, None).is_older_than(&times(1, None)));
    }

    #[test]
    fn an_earlier_expiry_is_older_where_the_issue_times_are_equal_or_unknown() {
        assert!(times(1, 8).is_older_than(&times(1, 9)));
        assert!(times(None, 8).is_older_than(&times(3, 9)));
        assert!(!times(1, 9).is_older_than(&times(1, 9)));
    }

    #[test]
    fn a_token_without_comparable_times_is_not_older() {
        assert!(!times(None, None).is_older_than(&times(5, 5)));
        assert!(!times(5, None).is_older_than(&times(None, 5)));
    }
}
