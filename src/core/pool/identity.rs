//! Who a session is for.

/// Everything that changes what is granted, but for the scopes: the API, the credentials,
/// the user, the account, the seat.
///
/// A digest, made by the layer above, from which nothing can be read. Two sessions of one
/// identity are one session if their scopes are the same, and may use each other's tokens
/// as far as their scopes allow; two of different identities share nothing. Sixteen bytes:
/// two identities with the same digest are not found by chance, nor made in a lifetime.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity([u8; 16]);

impl Identity {
    /// Of a digest such as the first half of a SHA-256.
    pub const fn new(digest: [u8; 16]) -> Self {
        Self(digest)
    }

    /// A number that two identities rarely have in common.
    pub(super) const fn number(self) -> u64 {
        let Self([a, b, c, d, e, f, g, h, ..]) = self;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}

/// It is no secret, but a line of it would be in every printed session.
impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity")
    }
}
