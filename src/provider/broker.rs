//! Token broker: a server of the application that issues short-lived tokens to pages.
//!
//! Source: RFC 6749, sections 3.2, 5.1 and 5.2; `pkg-template/src/broker` implements the server.

use std::time::Duration;

use super::{
    DefaultFailure, ErrorRules,
    error_rules::{OAUTH_DENIED, OAUTH_OUTAGE},
    profile::{
        Authorization, ExpiryField, GrantProtocol, Issuer, Lifetime, Operation, Profile, RefreshTokenRules,
        SelectorPolicy, TokenSource, Variable, strings,
    },
};

/// Options for a broker.
#[derive(Clone, Debug)]
pub struct Broker {
    /// Token endpoint; absolute, or relative to the page.
    pub url: String,
    /// `credentials` mode of `fetch`.
    pub credentials: Option<&'static str>,
    /// Upper bound of a token's lifetime.
    pub lifetime: Option<Duration>,
}

impl Broker {
    /// Converts the options to a profile of `api` with tokens from the broker.
    pub fn profile(self, api: Profile) -> Profile {
        Profile {
            issuer: Issuer::Broker,
            credentials_mode: self.credentials,
            authenticate: Operation {
                protocol: GrantProtocol::Form,
                url: Some(self.url),
                document: "".into(),
                variables: vec![
                    ("scope".into(), Variable::Scopes),
                    ("refused".into(), Variable::RejectedToken),
                ],
                authorization: Authorization::None,
            },
            renew: None,
            revocation: None,
            application_scopes: None,
            schema_names: &[],
            token: TokenSource::Data(strings("access_token")),
            refresh_token: strings(""),
            refresh_rules: RefreshTokenRules::default(),
            scopes: strings("scope"),
            expiry: Some(ExpiryField::ExpiresIn {
                paths: strings("expires_in"),
                unit: Duration::from_secs(1),
            }),
            lifetime: self.lifetime.map_or(Lifetime::Default(DEFAULT_LIFETIME), Lifetime::AtMost),
            error_rules: ErrorRules { denied: OAUTH_DENIED, outage: OAUTH_OUTAGE, ..api.error_rules },
            default_failure: DefaultFailure::Protocol,
            environment: None,
            advice: "that the user is signed in, and what `authorize` of the broker gives",
            secrets: strings(""),
            has_session_secrets: false,
            selector_policy: SelectorPolicy::Any,
            ..api
        }
    }
}

/// Lifetime where the response has no `expires_in`, which RFC 6749 only recommends.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(5 * 60);
