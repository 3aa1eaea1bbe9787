//! Tokens that were held before and must not come back.

use super::AccessToken;

/// Fingerprints of the last tokens that were replaced or refused.
///
/// A late answer may carry a token that a newer one has replaced. Where tokens do
/// not tell their age, this is how it is recognised. The tokens themselves are not
/// kept: a secret that is no longer needed is wiped.
#[derive(Clone, Debug, Default)]
pub struct Superseded(Vec<u64>);

impl Superseded {
    /// `token` must not come back.
    pub fn remember(&mut self, token: &AccessToken) {
        if self.0.len() == REMEMBERED {
            self.0.remove(0);
        }
        self.0.push(fingerprint(token));
    }

    /// Whether `token` was held before.
    pub fn includes(&self, token: &AccessToken) -> bool {
        self.0.contains(&fingerprint(token))
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
    use super::*;

    #[test]
    fn the_last_sixteen_are_remembered() {
        let mut superseded = Superseded::default();
        for number in 0..17 {
            superseded.remember(&AccessToken::new(format!("token {number}")));
        }

        assert!(!superseded.includes(&AccessToken::new("token 0")));
        assert!(superseded.includes(&AccessToken::new("token 1")));
        assert!(superseded.includes(&AccessToken::new("token 16")));
        assert!(!superseded.includes(&AccessToken::new("token 17")));
    }
}
