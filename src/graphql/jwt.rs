//! Times in the claims of a JWT.

use crate::{
    base64,
    core::{TokenTimes, UnixMillis},
    json::{Json, Platform},
};

/// Reads `iat` and `exp` (RFC 7519 section 4.1) where the token is a JWT.
///
/// Nothing is verified or required: an opaque token has no times.
pub fn claimed_times(token: &str, platform: Platform) -> TokenTimes {
    claims(token, platform).map_or_else(TokenTimes::default, |claims| TokenTimes {
        issued_at: numeric_date(&claims, "iat"),
        expires_at: numeric_date(&claims, "exp"),
    })
}

/// Returns the value of a claim that identifies something: a string or an integer. `None` if the token is not a JWT.
pub(super) fn claim(token: &str, name: &str, platform: Platform) -> Option<Json> {
    let value = claims(token, platform)?.get(name)?.clone();
    (value.as_words().is_some() || value.as_integer().is_some()).then_some(value)
}

/// Returns whether a token has the form of a JWT: three parts of base64url.
pub(super) fn looks_like_jwt(token: &str) -> bool {
    let parts: Vec<_> = token.split('.').collect();
    let is_full = |part: &&str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    parts.len() == 3 && parts.iter().all(is_full)
}

fn claims(token: &str, platform: Platform) -> Option<Json> {
    let payload = token.split('.').nth(1)?;
    let bytes = base64::decode_url(payload)?;
    (platform.parse_json)(str::from_utf8(&bytes).ok()?)
}

/// Seconds since the epoch, fractions allowed (RFC 7519 section 2).
fn numeric_date(claims: &Json, name: &str) -> Option<UnixMillis> {
    let seconds = claims.get(name)?.as_number()?;
    (seconds > 0.0 && seconds < LAST_SECOND).then(|| UnixMillis::from_js(seconds * 1000.0))
}

/// End of the year 9999.
const LAST_SECOND: f64 = 253_402_300_800.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::native::PLATFORM;

    fn jwt(claims: &str) -> String {
        format!("e30.{}.c2ln", base64::encode_url(claims.as_bytes()))
    }

    #[test]
    fn reads_the_times_of_a_jwt() {
        let times = claimed_times(&jwt(r#"{"iat":1000,"exp":1180.5,"sub":"x"}"#), PLATFORM);

        assert_eq!(times.issued_at, Some(UnixMillis::new(1_000_000)));
        assert_eq!(times.expires_at, Some(UnixMillis::new(1_180_500)));
    }

    #[test]
    fn reads_a_padded_payload() {
        let token = format!("e30.{}==.c2ln", base64::encode_url(br#"{"exp":1}"#));

        assert_eq!(claimed_times(&token, PLATFORM).expires_at, Some(UnixMillis::new(1000)));
    }

    #[test]
    fn opaque_token_has_no_times() {
        let opaque = ["", "abc", "a.b", "a.b.c", "access_token$sandbox$abc123", "..", "é.é.é"];
        let odd = [
            r#"{"iat":"1000"}"#,
            r#"{"iat":-5,"exp":1e300}"#,
            // The epoch, and the year 10000.
            r#"{"iat":0,"exp":253402300800}"#,
            "[]",
            "7",
            "{",
            r#"{"exp":null}"#,
        ];

        for token in opaque.map(str::to_owned).into_iter().chain(odd.map(jwt)) {
            assert_eq!(claimed_times(&token, PLATFORM), TokenTimes::default(), "{token}");
        }
    }

    #[test]
    fn jwt_has_three_parts() {
        assert!(looks_like_jwt(&jwt("{}")));
        for token in ["", "..", "a.b", "a.b.c.d", "a.b.", "a b.c.d", "access_token$sandbox$abc123"] {
            assert!(!looks_like_jwt(token), "{token}");
        }
    }
}
