//! Tokens that were held before, and when they end.

use super::{AccessToken, TokenSet, UnixMillis};

/// Fingerprints of the last tokens that were replaced or refused, and when each ends.
///
/// A late answer may carry a token that a newer one has replaced. Where tokens do
/// not tell their age, this is how it is recognised. A provider may also repeat a token
/// that it keeps: its end was known before. The tokens themselves are not
/// kept: a secret that is no longer needed is wiped.
#[derive(Clone, Debug, Default)]
pub struct Superseded(Vec<(u64, UnixMillis)>);

impl Superseded {
    /// `tokens` are replaced or refused.
    pub fn remember(&mut self, tokens: &TokenSet) {
        let fingerprint = fingerprint(&tokens.access_token);
        self.0.retain(|(known, _)| *known != fingerprint);
        if self.0.len() == REMEMBERED {
            self.0.remove(0);
        }
        self.0.push((fingerprint, tokens.expires_at));
    }

    /// Whether `token` was held before.
    pub fn includes(&self, token: &AccessToken) -> bool {
        self.end_of(token).is_some()
    }

    /// When `token` ends, where it was held before.
    pub fn end_of(&self, token: &AccessToken) -> Option<UnixMillis> {
        let fingerprint = fingerprint(token);
        self.0.iter().find(|(known, _)| *known == fingerprint).map(|(_, end)| *end)
    }
}

/// Tells tokens apart without keeping them.
pub(super) fn fingerprint(token: &AccessToken) -> u64 {
    let mut digest = 0;
    // Each step can be undone, so that tokens which differ in one word alone never have the
    // same, and others as rarely as 64 bits allow.
    for word in token.expose().as_bytes().chunks(8) {
        let mut bytes = [0; 8];
        bytes[..word.len()].copy_from_slice(word);
        digest =
            (u64::rotate_left(digest, 29) ^ u64::from_le_bytes(bytes)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
    digest
}

/// Sixteen: more than the answers that can be on their way while tokens are replaced.
const REMEMBERED: usize = 16;

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::core::{Skew, Stamp, TokenSet};

    fn tokens(number: u64) -> Rc<TokenSet> {
        Rc::new(TokenSet {
            access_token: AccessToken::new(format!("token {number}")),
            refresh_token: None,
            scopes: None,
            issued_at: UnixMillis::new(0),
            expires_at: UnixMillis::new(1000 + number),
            provider_clock: Skew::default(),
            stamp: Stamp::default(),
        })
    }

    #[test]
    fn the_last_sixteen_are_remembered_with_their_ends() {
        let mut superseded = Superseded::default();
        for number in 0..17 {
            superseded.remember(&tokens(number));
        }

        assert!(!superseded.includes(&AccessToken::new("token 0")));
        assert_eq!(superseded.end_of(&AccessToken::new("token 1")), Some(UnixMillis::new(1001)));
        assert_eq!(superseded.end_of(&AccessToken::new("token 16")), Some(UnixMillis::new(1016)));
        assert!(!superseded.includes(&AccessToken::new("token 17")));
    }

    #[test]
    fn one_that_is_replaced_again_takes_one_place() {
        let mut superseded = Superseded::default();
        for number in 0..16 {
            superseded.remember(&tokens(number));
        }

        superseded.remember(&tokens(5));

        assert!(superseded.includes(&AccessToken::new("token 0")));
    }
}
