//! Fluz: `generateUserAccessToken`, `refreshUserAccessToken`, `getApplicationScopes`.
//!
//! Sources, as read in November 2026: the pages "Generate a user access token",
//! "Refresh an expired user access token", "Using the Fluz API", "Error codes" and
//! "Staging vs. live environment" of docs.fluz.app. Where they contradict each
//! other, the likelier reading comes first and the other is a spelling.

use std::time::Duration;

use super::profile::{
    Authorization, Choice, Choices, Lifetime, Operation, Part, Presence, Profile, SecretId, Signals, Signs,
    Spelling, TokenSource, Unexplained, Variable, Wire, words,
};
use crate::json::Json;

/// What a user gives to reach Fluz.
#[derive(Clone, Debug)]
pub struct Fluz {
    /// Which of the two services.
    pub environment: Environment,
    /// Instead of the environment's own.
    pub endpoint: Option<String>,
    /// The application's key.
    pub key: Key,
    /// A UUID.
    pub user_id: String,
    /// A UUID.
    pub account_id: String,
    /// A UUID; the account's default seat where `None`.
    pub seat_id: Option<String>,
    /// Whether to present refresh tokens.
    pub renewal: Renewal,
    /// Instead of the environment's own.
    pub lifetime: Option<Duration>,
}

/// Which of the two services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// Staging.
    Sandbox,
    /// Live.
    Production,
}

/// The application's key. The secret is number 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// One string, which is base64 of the application's id and secret already.
    ApiKey,
    /// The secret apart from the id.
    Pair {
        /// The application's id.
        app_id: String,
    },
}

/// Whether to present refresh tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// `refreshUserAccessToken`, falling back to `generateUserAccessToken`.
    Refresh,
    /// `generateUserAccessToken` alone.
    Generate,
}

impl Fluz {
    /// As data.
    pub fn profile(self) -> Profile {
        let (endpoint, lifetime) = match self.environment {
            Environment::Sandbox => (SANDBOX, SANDBOX_LIFETIME),
            Environment::Production => (PRODUCTION, PRODUCTION_LIFETIME),
        };
        let (authorization, secret) = match self.key {
            Key::ApiKey => (Authorization::ApiKey(SecretId(0)), "apiKey"),
            Key::Pair { app_id } => {
                (Authorization::BasicPair { username: app_id, password: SecretId(0) }, "appSecret")
            }
        };
        // Left out rather than null: the one client known to work does so.
        let seat_id = self.seat_id.map_or(Variable::Absent, |id| Variable::Literal(Json::text(id)));
        let variables = vec![
            ("userId".to_owned(), Variable::Literal(Json::text(self.user_id))),
            ("accountId".to_owned(), Variable::Literal(Json::text(self.account_id))),
            ("scopes".to_owned(), Variable::Scopes),
            ("seatId".to_owned(), seat_id),
        ];
        Profile {
            name: "fluz".to_owned(),
            endpoint: self.endpoint.unwrap_or_else(|| endpoint.to_owned()),
            wire: Wire::GraphQl,
            headers: Vec::new(),
            authenticate: Operation {
                document: GENERATE.to_owned(),
                variables,
                authorization: authorization.clone(),
            },
            renew: (self.renewal == Renewal::Refresh).then(|| Operation {
                document: REFRESH.to_owned(),
                variables: vec![("refreshToken".to_owned(), Variable::RefreshToken)],
                authorization: authorization.clone(),
            }),
            application_scopes: Some(Operation {
                document: "{ getApplicationScopes }".to_owned(),
                variables: Vec::new(),
                authorization,
            }),
            spellings: SPELLINGS.to_vec(),
            token: TokenSource::Data(either("token", Some("accessToken"))),
            refresh_token: either("refreshToken", None),
            scopes: either("scopes", None),
            expiry: None,
            lifetime: Lifetime::AtMost(self.lifetime.unwrap_or(lifetime)),
            sliding: None,
            signals: signals(),
            unexplained: Unexplained::Unknown,
            advice: format!(
                "that `{secret}` belongs to this environment and is current, and that the user granted the \
                 application access"
            ),
            secrets: vec![secret.to_owned()],
            choices: Choices::Variables(
                CHOICES.map(|(name, presence)| Choice { name: name.to_owned(), presence }).into(),
            ),
        }
    }
}

const SANDBOX: &str = "https://transactional-graph.staging.fluzapp.com/api/v1/graphql";
const PRODUCTION: &str = "https://transactional-graph.fluzapp.com/api/v1/graphql";

/// "Sandbox tokens expire after 10 minutes"; the answer does not tell.
const SANDBOX_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// "Production tokens expire after 3 minutes"; the answer does not tell.
const PRODUCTION_LIFETIME: Duration = Duration::from_secs(3 * 60);

const CHOICES: [(&str, Presence); 3] =
    [("userId", Presence::Required), ("accountId", Presence::Required), ("seatId", Presence::Optional)];

const GENERATE: &str = "mutation generateUserAccessToken($userId: UUID!, $accountId: UUID!, \
    $scopes: [ScopeType!]!, $seatId: UUID) { generateUserAccessToken(userId: $userId, accountId: $accountId, \
    scopes: $scopes, seatId: $seatId) { %token% %refreshToken% scopes } }";

const REFRESH: &str = "mutation refreshUserAccessToken($refreshToken: String!) { \
    refreshUserAccessToken(%argument%: $refreshToken) { %token% %refreshToken% scopes } }";

const SPELLINGS: [Spelling; 3] = [
    // Newer copies of the page select `accessToken`, but every printed answer, and
    // the one client seen to work in production, has `token`.
    Spelling { name: "token", part: Part::Field, variants: &["token", "accessToken"] },
    // Older copies of the page do not select it.
    Spelling { name: "refreshToken", part: Part::Field, variants: &["refreshToken", ""] },
    // The page passes `$refreshToken` as `userId`, almost surely a slip.
    Spelling { name: "argument", part: Part::Argument, variants: &["refreshToken", "userId"] },
];

/// Paths of a field in the answers of both operations. The page's sample answer to
/// a refresh is keyed by the other operation's name.
fn either(field: &str, other: Option<&str>) -> Vec<String> {
    let fields = [Some(field), other];
    let roots = ["generateUserAccessToken", "refreshUserAccessToken"];
    roots
        .iter()
        .flat_map(|root| fields.iter().flatten().map(move |field| format!("{root}.{field}")))
        .collect()
}

fn signals() -> Signals {
    Signals {
        refused: Signs {
            // "Error verifying API basic token" comes with 401, as does an expired token.
            statuses: vec![401],
            // "Error codes": INVALID_CREDENTIALS, INVALID_USER_ACCESS.
            codes: words(&["AUTH-0002", "AUTH-0008", "UNAUTHENTICATED"]),
            messages: Vec::new(),
            // What the client seen to work in production takes for a refusal.
            phrases: vec![
                &["invalid access"],
                &["token", "expired"],
                &["token", "invalid"],
                &["token", "verif"],
            ],
        },
        denied: Signs { statuses: vec![403], codes: words(&["AUTH-0001"]), ..Signs::default() },
        throttled: Signs { statuses: vec![429], ..Signs::default() },
        outage: Signs::default(),
    }
}
