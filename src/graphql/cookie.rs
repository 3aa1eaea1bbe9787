//! Cookies of responses (RFC 6265 section 5.2).

use crate::{core::is_sendable, http::HttpResponse};

/// The header of responses with cookies. Its values are separated by line breaks.
pub const SET_COOKIE: &str = "set-cookie";

/// Returns the value of a cookie that a response sets; an empty one if it deletes the cookie, or sets a value that
/// cannot be sent back, and `None` if it sets none of this name. Of several, the last one counts.
pub(super) fn cookie<'a>(response: &'a HttpResponse, name: &str) -> Option<&'a str> {
    let mut found = None;
    for line in response.header(SET_COOKIE)?.split('\n') {
        let mut parts = line.split(';');
        let Some((known, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { continue };
        if known.trim() == name {
            let is_deleted = parts.any(is_past);
            let value = value.trim();
            found = Some(if is_deleted || !is_sendable(value) { "" } else { value });
        }
    }
    found
}

/// Returns whether an attribute deletes the cookie: a `Max-Age` of zero or less.
fn is_past(attribute: &str) -> bool {
    attribute.split_once('=').is_some_and(|(name, value)| {
        let value = value.trim();
        name.trim().eq_ignore_ascii_case("max-age") && (value.starts_with('-') || value == "0")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{Secret, UnixMillis};

    fn found(lines: &str) -> Option<String> {
        let response = HttpResponse {
            status: 200,
            headers: vec![(SET_COOKIE.to_owned(), Secret::new(lines))],
            body: Secret::new(""),
            provider_errors: None,
            predicates: 0,
            sent_at: UnixMillis::new(0),
            received_at: UnixMillis::new(0),
        };
        cookie(&response, "refresh").map(str::to_owned)
    }

    #[test]
    fn the_last_cookie_of_the_name_counts() {
        assert_eq!(found("refresh=a"), Some("a".to_owned()));
        assert_eq!(found("other=x; Path=/\nrefresh = a=b ; HttpOnly; Max-Age=60"), Some("a=b".to_owned()));
        assert_eq!(found("refresh=a\nrefresh=b"), Some("b".to_owned()));
        assert_eq!(found("refresh2=a\nREFRESH=b\nrefresh"), None);
    }

    #[test]
    fn a_deleted_cookie_or_one_that_cannot_be_sent_is_empty() {
        for line in
            ["refresh=", "refresh=a; Max-Age=0", "refresh=a; max-age = -1", "refresh=a b", "refresh=ä"]
        {
            assert_eq!(found(line).as_deref(), Some(""), "{line}");
            assert_eq!(found(&format!("refresh=old\n{line}")).as_deref(), Some(""), "{line}");
        }
    }
}
