//! What a grant brings.

use super::{AccessToken, RefreshToken, ScopeSet, Skew, UnixMillis};

/// An access token, and what was granted with it. Passed as `Rc<TokenSet>`: many callers share one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenSet {
    /// The token itself.
    pub access_token: AccessToken,
    /// The token to renew it with, where the provider gave one.
    pub refresh_token: Option<RefreshToken>,
    /// The scopes granted; `None` where the answer does not tell.
    pub scopes: Option<ScopeSet>,
    /// When it was received, by our clock.
    pub issued_at: UnixMillis,
    /// When it stops being valid, by our clock.
    pub expires_at: UnixMillis,
    /// How far the provider's clock is ahead of ours.
    pub provider_clock: Skew,
    /// What the token says of itself.
    pub stamp: Stamp,
}

/// The times in a token's own claims (RFC 7519), by the provider's clock.
///
/// Read without verification: they serve to order tokens, not to trust them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// `iat`.
    pub issued_at: Option<UnixMillis>,
    /// `exp`.
    pub expires_at: Option<UnixMillis>,
}

impl Stamp {
    /// Whether this token is known to be older than one stamped `other`.
    ///
    /// Claims count in whole seconds, so two tokens of one second are not known
    /// to be of different age.
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

    fn stamp(issued_at: impl Into<Option<u64>>, expires_at: impl Into<Option<u64>>) -> Stamp {
        Stamp {
            issued_at: issued_at.into().map(UnixMillis::new),
            expires_at: expires_at.into().map(UnixMillis::new),
        }
    }

    #[test]
    fn an_earlier_issue_is_older() {
        assert!(stamp(1, None).is_older_than(&stamp(2, None)));
        assert!(stamp(1, 9).is_older_than(&stamp(2, 8)));
        assert!(!stamp(2, None).is_older_than(&stamp(1, None)));
    }

    #[test]
    fn an_earlier_end_is_older_where_the_issue_does_not_tell() {
        assert!(stamp(1, 8).is_older_than(&stamp(1, 9)));
        assert!(stamp(None, 8).is_older_than(&stamp(3, 9)));
        assert!(!stamp(1, 9).is_older_than(&stamp(1, 9)));
    }

    #[test]
    fn what_cannot_be_compared_is_not_older() {
        assert!(!stamp(None, None).is_older_than(&stamp(5, 5)));
        assert!(!stamp(5, None).is_older_than(&stamp(None, 5)));
    }
}
