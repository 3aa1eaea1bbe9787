//! Values that must not be seen: unprintable by type, wiped when dropped.
//!
//! Decides what a token may consist of. Leaves using a value to the few files
//! that call `expose()`.

use std::{fmt, rc::Rc};

use zeroize::Zeroizing;

/// Defines a secret: shared by reference, compared by value, printed as its name.
macro_rules! secret {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(Rc<Zeroizing<String>>);

        impl $name {
            /// Takes the value over. The caller's copy, if any, is not wiped.
            pub fn new(value: impl Into<String>) -> Self {
                Self(Rc::new(Zeroizing::new(value.into())))
            }

            /// The value itself, for the wire or the caller it belongs to.
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
    /// A refresh token (RFC 6749 section 1.5).
    RefreshToken
}

secret! {
    /// Anything else that must not be seen: a password, a header's value, a
    /// request's or an answer's body.
    Secret
}

/// The length of the longest token that is accepted, in bytes.
const MAX_TOKEN_LENGTH: usize = 65_536;

/// Whether a token can be sent in a header as it is.
///
/// Visible ASCII only. RFC 6749 appendix A.12 would allow spaces and RFC 6750
/// section 2.1 would forbid the `$` of Braintree's tokens: this is what both
/// leave possible on the wire. Servers and proxies accept far shorter headers than
/// 64 KiB.
pub fn is_sendable(token: &str) -> bool {
    (1..=MAX_TOKEN_LENGTH).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_printed() {
        let printed = format!(
            "{:?} {:#?} {:?}",
            AccessToken::new("planted"),
            RefreshToken::new("planted"),
            Secret::new("planted"),
        );

        assert_eq!(printed, "AccessToken RefreshToken Secret");
    }

    #[test]
    fn a_token_is_visible_ascii() {
        assert!(is_sendable("access_token$sandbox$abc123"));
        assert!(is_sendable("eyJhbGciOiJIUzI1NiJ9.e30.c2ln"));
        for bad in ["", " ", "a b", "a\n", "a\u{7f}", "ä", "\u{0}"] {
            assert!(!is_sendable(bad), "{bad:?}");
        }
        assert!(is_sendable(&"a".repeat(MAX_TOKEN_LENGTH)));
        assert!(!is_sendable(&"a".repeat(MAX_TOKEN_LENGTH + 1)));
    }
}
