//! Requests and answers as plain values.

use std::fmt;

use crate::core::{Secret, UnixMillis};

/// A request to send. Always `POST`, never followed to another address.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// Where to.
    pub url: String,
    /// Names in lower case, each once.
    pub headers: Vec<(String, Secret)>,
    /// The body.
    pub body: Secret,
    /// With which origins to share cookies; `fetch` decides where `None`.
    pub credentials: Option<&'static str>,
}

/// Prints no value: any of them may be a secret.
impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.headers.iter().map(|(name, _)| name)).finish()
    }
}

/// An answer that has arrived in full.
#[derive(Clone, Debug)]
pub struct HttpResponse {
    /// The status code; 0 where a redirect was withheld.
    pub status: u16,
    /// The headers that were asked for and are there, names in lower case.
    pub headers: Vec<(String, Secret)>,
    /// The body.
    pub body: Secret,
    /// When the request was sent.
    pub sent_at: UnixMillis,
    /// When the body had arrived.
    pub received_at: UnixMillis,
}

impl HttpResponse {
    /// The value of a header; `name` in lower case.
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
