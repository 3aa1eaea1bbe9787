//! Secret values: redacted in `Debug`, wiped when dropped, and read only by `expose()`.

use std::{fmt, rc::Rc};

use zeroize::Zeroizing;

use super::{
    UnixMillis,
    limits::{MAX_TOKEN_BYTES, REFRESH_TOKEN_TOLERANCE_MS},
};

/// Defines a secret type: clones share the value, `==` compares it, `Debug` prints the type's name.
macro_rules! secret {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(Rc<Zeroizing<String>>);

        impl $name {
            /// Wraps a value. Copies of it that the caller keeps are not wiped.
            pub fn new(value: impl Into<String>) -> Self {
                Self(Rc::new(Zeroizing::new(value.into())))
            }

            /// Returns the value, for a request, a store or its caller.
            pub fn expose(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    };
}

secret! {
    /// An access token (RFC 6749 section 1.4).
    AccessToken
}

secret! {
    /// Any other secret: a password, a header value, the body of a request or response.
    Secret
}

/// A refresh token (RFC 6749 section 1.5), and when it expires. `==` compares the value alone. A single pointer, because it
/// is moved often.
#[derive(Clone)]
pub struct RefreshToken(Rc<(Secret, UnixMillis)>);

impl RefreshToken {
    /// A refresh token of unknown expiry.
    pub fn new(value: impl Into<String>) -> Self {
        Self(Rc::new((Secret::new(value), UnixMillis::NEVER)))
    }

    /// The same refresh token with an expiry by our clock, if it is known.
    #[must_use]
    pub fn expiring(self, expires_at: Option<UnixMillis>) -> Self {
        Self(Rc::new((self.0.0.clone(), expires_at.unwrap_or(UnixMillis::NEVER))))
    }

    /// Returns the value, for a request, a store or its caller.
    pub fn expose(&self) -> &str {
        self.0.0.expose()
    }

    /// When it expires, by our clock; `None` if that is unknown.
    pub fn expires_at(&self) -> Option<UnixMillis> {
        self.0.1.into_option()
    }

    /// Until when it is presented: its expiry, and a minute by which clocks may differ. `None` if that is unknown.
    pub fn presented_until(&self) -> Option<UnixMillis> {
        self.expires_at().map(|expires_at| expires_at.after(REFRESH_TOKEN_TOLERANCE_MS))
    }

    /// Returns whether it has certainly expired.
    pub fn has_expired(&self, now: UnixMillis) -> bool {
        self.presented_until().is_some_and(|until| until <= now)
    }
}

impl PartialEq for RefreshToken {
    fn eq(&self, other: &Self) -> bool {
        self.0.0 == other.0.0
    }
}

impl Eq for RefreshToken {}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken")
    }
}

/// Returns whether a token can be sent in a header without encoding: 1 to 65,536 characters of visible ASCII.
///
/// RFC 6749 appendix A.12 also permits spaces, which RFC 6750 section 2.1 forbids; the latter also forbids the `$` of
/// Braintree's tokens, which is accepted here.
pub fn is_sendable(token: &str) -> bool {
    (1..=MAX_TOKEN_BYTES).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_contains_no_secret() {
        let printed = format!(
            "{:?} {:#?} {:?}",
            AccessToken::new("planted"),
            RefreshToken::new("planted"),
            Secret::new("planted"),
        );

        assert_eq!(printed, "AccessToken RefreshToken Secret");
    }

    #[test]
    fn a_refresh_token_has_expired_a_minute_after_its_stated_end() {
        let end = UnixMillis::new(1_000_000);
        let token = RefreshToken::new("token").expiring(Some(end));

        assert!(!token.has_expired(end.after(59_999)));
        assert!(token.has_expired(end.after(60_000)));
        assert!(!RefreshToken::new("token").has_expired(UnixMillis::NEVER.before(1)));
    }

    #[test]
    fn a_token_is_visible_ascii() {
        assert!(is_sendable("access_token$sandbox$abc123"));
        assert!(is_sendable("eyJhbGciOiJIUzI1NiJ9.e30.c2ln"));
        for bad in ["", " ", "a b", "a\n", "a\u{7f}", "ä", "\u{0}"] {
            assert!(!is_sendable(bad), "{bad:?}");
        }
        assert!(is_sendable(&"a".repeat(MAX_TOKEN_BYTES)));
        assert!(!is_sendable(&"a".repeat(MAX_TOKEN_BYTES + 1)));
    }
}
