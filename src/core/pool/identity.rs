//! The identity of a session.

/// Digest of everything besides the scopes that determines a grant: the API, the credentials, the user, the account and
/// the seat.
///
/// Sessions of one identity may lend each other tokens, as far as the scopes permit; sessions of different identities
/// share nothing. The driver computes the digest; its 128 bits resist collisions by chance and second preimages.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity([u8; 16]);

impl Identity {
    /// Wraps a digest, for example the first half of a SHA-256.
    pub const fn new(digest: [u8; 16]) -> Self {
        Self(digest)
    }

    /// The first 64 bits, as a hash.
    pub(super) const fn hash(self) -> u64 {
        let Self([a, b, c, d, e, f, g, h, ..]) = self;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}

/// The digest is not secret, but would clutter the output of every session.
impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity")
    }
}
