//! Toggle: `loginUser`, which returns the token in a header; later responses renew it.
//!
//! Sources, as read in November 2026: the pages "Authentication", "Error handling" and "Pagination and throttling" of
//! developers.usetoggle.com/graphql, and academy.usetoggle.com/en/articles/9319343 for the endpoint.

use std::{borrow::Cow, time::Duration};

use super::{
    DefaultFailure, Descriptor, ErrorMatcher, ErrorRules,
    option::{Accepts, OptionSpec},
    profile::{
        Authorization, CowStr, GrantProtocol, Issuer, Lifetime, NameKind, Operation, Presentation, Profile,
        RefreshTokenRules, RotationHeader, SameSession, SchemaName, SecretId, SelectorPolicy, TokenShape,
        TokenSource, Variable, strings,
    },
};
use crate::json::Json;

/// Descriptor of Toggle.
pub static TOGGLE: Descriptor = Descriptor {
    name: "toggle",
    options: &OPTIONS,
    alternatives: &[&["email"], &["username"]],
    profile: |given| {
        let by_name = given.text("username").map(Login::Username);
        let toggle = Toggle {
            endpoint: given.text("endpoint"),
            login: by_name.unwrap_or_else(|| Login::Email(given.required_text("email"))),
            lifetime: given.given_millis("lifetimeMs"),
        };
        toggle.profile()
    },
};

static OPTIONS: [OptionSpec; 3] = [
    OptionSpec::required("email", Accepts::Text("the API user's email address")),
    OptionSpec::required("username", Accepts::Text("the API user's name")),
    OptionSpec::required("password", Accepts::Secret("the API user's password")),
];

/// Options for Toggle. The password is secret number 0.
#[derive(Clone, Debug)]
pub struct Toggle {
    /// Replaces Toggle's endpoint.
    pub endpoint: Option<String>,
    /// The user to log in.
    pub login: Login,
    /// Replaces the default of one hour.
    pub lifetime: Option<Duration>,
}

/// The user to log in; only the given identifier is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// By email address.
    Email(String),
    /// By user name.
    Username(String),
}

impl Toggle {
    /// Converts the options to a profile.
    pub fn profile(self) -> Profile {
        let (document, login, advice) = match self.login {
            Login::Email(email) => {
                (BY_EMAIL, email, "`email` and `password`; the password is shown only once, when it is made")
            }
            Login::Username(username) => (
                BY_USERNAME,
                username,
                "`username` and `password`; the password is shown only once, when it is made",
            ),
        };
        Profile {
            name: "toggle".into(),
            endpoint: self.endpoint.map_or(ENDPOINT.into(), CowStr::Owned),
            issuer: Issuer::Provider,
            credentials_mode: None,
            headers: Vec::new(),
            authenticate: Operation {
                protocol: GrantProtocol::GraphQl,
                url: None,
                document: document.into(),
                variables: vec![
                    ("login".into(), Variable::Literal(Json::text(login))),
                    ("password".into(), Variable::Secret(SecretId(0))),
                ],
                authorization: Authorization::None,
            },
            renew: None,
            revocation: None,
            application_scopes: None,
            // In the newest copy of the page, the code has a capital letter and the text has none.
            schema_names: &[SchemaName {
                placeholder: "root",
                kind: NameKind::Field,
                variants: &["loginUser", "LoginUser"],
            }],
            token: TokenSource::Headers(strings(HEADERS)),
            refresh_token: strings(""),
            refresh_rules: RefreshTokenRules::default(),
            scopes: strings(""),
            expiry: None,
            lifetime: Lifetime::AtMost(self.lifetime.unwrap_or(LIFETIME)),
            rotation: Some(RotationHeader {
                headers: strings(HEADERS),
                shape: TokenShape::Jwt,
                same_session: SameSession::Asserted,
            }),
            presentation: Presentation::BEARER,
            error_rules: ERROR_RULES,
            // The response to a wrong password is not documented, and errors have no codes.
            default_failure: DefaultFailure::InvalidCredentials,
            environment: None,
            advice,
            secrets: strings("password"),
            has_session_secrets: false,
            selector_policy: SelectorPolicy::Nothing,
            quotable: &[],
            known_scopes: strings(""),
        }
    }
}

const ENDPOINT: &str = "https://api.mytoggle.io/graphql";

/// "It will require a refresh after 60 minutes."
const LIFETIME: Duration = Duration::from_secs(60 * 60);

const BY_EMAIL: &str =
    "query($login: String, $password: String!) { %root%(email: $login, password: $password) { id } }";
const BY_USERNAME: &str =
    "query($login: String, $password: String!) { %root%(username: $login, password: $password) { id } }";

const ERROR_RULES: ErrorRules = ErrorRules {
    rejected: ErrorMatcher {
        statuses: Cow::Borrowed(&[401]),
        codes: strings(""),
        // The page's sample, and the messages of the library that Toggle appears to use.
        messages: strings("Unauthorized|Unauthenticated|Token has expired|Token could not be parsed"),
        contains: strings(""),
        phrases: "",
        data: Vec::new(),
        predicate: 0,
    },
    denied: ErrorMatcher::of(&[403, 422], ""),
    identity_rejected: ErrorMatcher::NONE,
    rate_limited: ErrorMatcher::of(&[429], ""),
    outage: ErrorMatcher::NONE,
};

/// Both contain the token; the second is deprecated.
const HEADERS: &str = "x-authorization|authorization";
