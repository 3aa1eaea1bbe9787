//! Fingerprints and expiry times of tokens that are no longer cached.

use super::{AccessToken, TokenSet, UnixMillis};

/// Fingerprints of the last tokens that were replaced or rejected, with their expiry times.
///
/// A late response may carry a token that was replaced meanwhile; where tokens have no times of their own, the
/// fingerprint identifies it. A provider may also return the same token again, whose expiry is then known. The tokens
/// themselves are wiped when they are no longer needed.
#[derive(Clone, Debug, Default)]
pub struct RecentTokens(Vec<(u64, UnixMillis)>);

impl RecentTokens {
    /// Records a token that was replaced or rejected.
    pub fn remember(&mut self, tokens: &TokenSet) {
        let fingerprint = fingerprint(&tokens.access_token);
        self.0.retain(|(known, _)| *known != fingerprint);
        if self.0.len() == CAPACITY {
            self.0.remove(0);
        }
        self.0.push((fingerprint, tokens.expires_at));
    }

    /// Returns whether no token was recorded.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether `token` was cached before.
    pub fn includes(&self, token: &AccessToken) -> bool {
        self.expiry_of(token).is_some()
    }

    /// When `token` expires, if it was cached before.
    pub fn expiry_of(&self, token: &AccessToken) -> Option<UnixMillis> {
        let fingerprint = fingerprint(token);
        self.0.iter().find(|(known, _)| *known == fingerprint).map(|(_, expires_at)| *expires_at)
    }
}

/// Returns a 64-bit hash that identifies a token without storing it.
pub(super) fn fingerprint(token: &AccessToken) -> u64 {
    let mut digest = 0;
    // Each step is a bijection, so tokens that differ in a single word never collide.
    for word in token.expose().as_bytes().chunks(8) {
        let mut bytes = [0; 8];
        bytes[..word.len()].copy_from_slice(word);
        digest =
            (u64::rotate_left(digest, 29) ^ u64::from_le_bytes(bytes)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
    digest
}

/// More than the responses that can be in flight while tokens are replaced.
const CAPACITY: usize = 16;

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::core::{ClockOffset, TokenSet, TokenTimes};

    fn tokens(number: u64) -> Rc<TokenSet> {
        Rc::new(TokenSet {
            access_token: AccessToken::new(format!("token {number}")),
            refresh_token: None,
            scopes: None,
            issued_at: UnixMillis::new(0),
            expires_at: UnixMillis::new(1000 + number),
            provider_clock: ClockOffset::default(),
            times: TokenTimes::default(),
        })
    }

    #[test]
    fn the_last_sixteen_tokens_are_remembered_with_their_expiry() {
        let mut recent = RecentTokens::default();
        for number in 0..17 {
            recent.remember(&tokens(number));
        }

        assert!(!recent.includes(&AccessToken::new("token 0")));
        assert_eq!(recent.expiry_of(&AccessToken::new("token 1")), Some(UnixMillis::new(1001)));
        assert_eq!(recent.expiry_of(&AccessToken::new("token 16")), Some(UnixMillis::new(1016)));
        assert!(!recent.includes(&AccessToken::new("token 17")));
    }

    #[test]
    fn a_token_that_is_replaced_twice_is_stored_once() {
        let mut recent = RecentTokens::default();
        for number in 0..16 {
            recent.remember(&tokens(number));
        }

        recent.remember(&tokens(5));

        assert!(recent.includes(&AccessToken::new("token 0")));
    }
}
