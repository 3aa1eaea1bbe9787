//! Toggle: `loginUser`, whose token comes in a header and slides.
//!
//! Sources, as read in November 2026: the pages "Authentication", "Error handling"
//! and "Pagination and throttling" of developers.usetoggle.com/graphql, and
//! academy.usetoggle.com/en/articles/9319343 for the endpoint.

use std::time::Duration;

use super::profile::{
    Authorization, Choices, Lifetime, Operation, Part, Profile, SecretId, Signals, Signs, Sliding, Spelling,
    TokenShape, TokenSource, Unexplained, Variable, Wire, words,
};
use crate::json::Json;

/// What a user gives to reach Toggle. The password is secret number 0.
#[derive(Clone, Debug)]
pub struct Toggle {
    /// Instead of Toggle's own.
    pub endpoint: Option<String>,
    /// Who logs in.
    pub login: Login,
    /// Instead of an hour.
    pub lifetime: Option<Duration>,
}

/// Who logs in; only what is given is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// By email address.
    Email(String),
    /// By user name.
    Username(String),
}

impl Toggle {
    /// As data.
    pub fn profile(self) -> Profile {
        let (key, value) = match self.login {
            Login::Email(email) => ("email", email),
            Login::Username(username) => ("username", username),
        };
        Profile {
            name: "toggle".to_owned(),
            endpoint: self.endpoint.unwrap_or_else(|| ENDPOINT.to_owned()),
            wire: Wire::GraphQl,
            headers: Vec::new(),
            authenticate: Operation {
                document: format!(
                    "query($login: String, $password: String!) {{ %root%({key}: $login, password: $password) {{ id }} }}"
                ),
                variables: vec![
                    ("login".to_owned(), Variable::Literal(Json::text(value))),
                    ("password".to_owned(), Variable::Secret(SecretId(0))),
                ],
                authorization: Authorization::None,
            },
            renew: None,
            application_scopes: None,
            // The newest copy of the page has a capital letter in its code and none in its text.
            spellings: vec![Spelling {
                name: "root",
                part: Part::Field,
                variants: &["loginUser", "LoginUser"],
            }],
            token: TokenSource::Headers(words(&HEADERS)),
            refresh_token: Vec::new(),
            scopes: Vec::new(),
            expiry: None,
            lifetime: Lifetime::AtMost(self.lifetime.unwrap_or(LIFETIME)),
            sliding: Some(Sliding { headers: words(&HEADERS), shape: TokenShape::Jwt }),
            signals: Signals {
                refused: Signs {
                    statuses: vec![401],
                    codes: Vec::new(),
                    // The page's sample, and what the library that Toggle seems to use says.
                    messages: words(&[
                        "Unauthorized",
                        "Unauthenticated",
                        "Token has expired",
                        "Token could not be parsed",
                    ]),
                    phrases: Vec::new(),
                },
                denied: Signs { statuses: vec![403, 422], ..Signs::default() },
                throttled: Signs { statuses: vec![429], ..Signs::default() },
                outage: Signs::default(),
            },
            // What a wrong password gives is not documented, and errors have no codes.
            unexplained: Unexplained::Denied,
            advice: format!("`{key}` and `password`; the password is shown only once, when it is made"),
            secrets: vec!["password".to_owned()],
            choices: Choices::NONE,
        }
    }
}

const ENDPOINT: &str = "https://api.mytoggle.io/graphql";

/// "It will require a refresh after 60 minutes."
const LIFETIME: Duration = Duration::from_secs(60 * 60);

/// Both carry the token; the second is deprecated.
const HEADERS: [&str; 2] = ["x-authorization", "authorization"];
