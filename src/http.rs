//! HTTP requests and responses as plain values.

use std::{fmt, rc::Rc};

use crate::core::{ProviderErrors, Secret, UnixMillis};

/// A request to send. The method is always `POST`, and redirects are not followed.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// The absolute URL.
    pub url: String,
    /// The headers. Names are in lower case and unique.
    pub headers: Vec<(String, Secret)>,
    /// The body.
    pub body: Secret,
    /// The `credentials` mode of `fetch`; `None` for its default.
    pub credentials: Option<&'static str>,
}

/// Prints no values, because any of them may be a secret.
impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.headers.iter().map(|(name, _)| name)).finish()
    }
}

/// A response with its whole body.
#[derive(Clone, Debug)]
pub struct HttpResponse {
    /// The status code, or 0 for a redirect that the browser does not expose (`opaqueredirect`).
    pub status: u16,
    /// The requested headers that are present, with names in lower case.
    pub headers: Vec<(String, Secret)>,
    /// The body.
    pub body: Secret,
    /// The errors of the body that are safe to show, where there are any.
    pub provider_errors: Option<Rc<ProviderErrors>>,
    /// The error rules with a function that matches the response; see [`ErrorMatcher::predicate`](crate::provider::ErrorMatcher).
    pub predicates: u8,
    /// When the request was sent.
    pub sent_at: UnixMillis,
    /// When the whole body was received.
    pub received_at: UnixMillis,
}

impl HttpResponse {
    /// Returns the value of a header. `name` is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.expose())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_prints_the_names_of_its_headers_alone() {
        let headers = vec![("authorization".to_owned(), Secret::new("planted"))];
        let request = HttpRequest {
            url: "https://planted.test".to_owned(),
            headers,
            body: Secret::new("planted"),
            credentials: None,
        };

        assert_eq!(format!("{request:?}"), "[\"authorization\"]");
    }
}
