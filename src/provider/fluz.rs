//! Fluz: `generateUserAccessToken`, `refreshUserAccessToken`, `getApplicationScopes`.
//!
//! Sources, as read in November 2026: the pages "Generate a user access token", "Refresh an expired user access token",
//! "Using the Fluz API", "Error codes" and "Staging vs. live environment" of docs.fluz.app. Where they contradict each
//! other, the more likely name is the first variant of a [`SchemaName`].

use std::{borrow::Cow, time::Duration};

use super::{
    DefaultFailure, Descriptor, ErrorMatcher, ErrorRules,
    option::{Accepts, OptionSpec, Values},
    profile::{
        Authorization, CowStr, GrantProtocol, IdForm, Issuer, Lifetime, NameKind, Operation, Presentation,
        Profile, RefreshTokenRules, SchemaName, SecretId, SelectorPolicy, TokenSource, Variable, strings,
    },
};
use crate::json::Json;

/// Descriptor of Fluz.
pub static FLUZ: Descriptor = Descriptor {
    name: "fluz",
    options: &OPTIONS,
    alternatives: &[&["apiKey"], &["appId", "appSecret"]],
    profile: |given| {
        let pair = given.text("appId").map(|app_id| ApplicationKey::Pair { app_id });
        let fluz = Fluz {
            environment: Environment::of(given),
            endpoint: given.text("endpoint"),
            key: pair.unwrap_or(ApplicationKey::ApiKey),
            user_id: given.required_text("userId"),
            account_id: given.required_text("accountId"),
            seat_id: given.text("seatId"),
            renewal: if given.keyword("renewal") == Some("generate") {
                Renewal::Generate
            } else {
                Renewal::Refresh
            },
            lifetime: given.given_millis("lifetimeMs"),
        };
        fluz.profile()
    },
};

static OPTIONS: [OptionSpec; 9] = [
    OptionSpec::required("apiKey", Accepts::Secret("the API key that Fluz shows for your application")),
    OptionSpec::required("appId", Accepts::UserName("the application's id, to go with `appSecret`")),
    OptionSpec::required("appSecret", Accepts::Secret("the application's secret")),
    OptionSpec::required("userId", Accepts::Uuid("the id of the user to act for, a UUID")),
    OptionSpec::required("accountId", Accepts::Uuid("the id of the account to act for, a UUID")),
    OptionSpec::optional("seatId", Accepts::Uuid("the id of a seat, a UUID, or leave it out")),
    OptionSpec::required("scopes", Accepts::Scopes),
    OptionSpec::optional("renewal", Accepts::Keyword("refresh generate")).or_text("refresh"),
    ENVIRONMENT,
];

/// The option `environment`. It may be missing where an endpoint is given.
pub(super) const ENVIRONMENT: OptionSpec =
    OptionSpec::optional("environment", Accepts::Keyword("sandbox production")).unless("endpoint");

/// Options for Fluz.
#[derive(Clone, Debug)]
pub struct Fluz {
    /// Sandbox or production.
    pub environment: Environment,
    /// Replaces the endpoint of the environment.
    pub endpoint: Option<String>,
    /// The application's key.
    pub key: ApplicationKey,
    /// A UUID.
    pub user_id: String,
    /// A UUID.
    pub account_id: String,
    /// A UUID; the account's default seat where `None`.
    pub seat_id: Option<String>,
    /// Refresh tokens: used or not.
    pub renewal: Renewal,
    /// Replaces the lifetime of the environment.
    pub lifetime: Option<Duration>,
}

/// Environment of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// Staging.
    Sandbox,
    /// Live.
    Production,
}

impl Environment {
    /// Returns the value of the option.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Production => "production",
        }
    }

    /// Returns the environment that was given; where there is none, the one with the shorter lifetime.
    pub(super) fn of(given: &Values<'_>) -> Self {
        if given.keyword("environment") == Some("sandbox") { Self::Sandbox } else { Self::Production }
    }
}

/// The application's key. Its secret is number 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApplicationKey {
    /// One string: base64 of the application's id and secret.
    ApiKey,
    /// The id and the secret as two options.
    Pair {
        /// The application's id.
        app_id: String,
    },
}

/// Operations to renew a token with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// `refreshUserAccessToken`, falling back to `generateUserAccessToken`.
    Refresh,
    /// `generateUserAccessToken` alone.
    Generate,
}

impl Fluz {
    /// Converts the options to a profile.
    pub fn profile(self) -> Profile {
        let (endpoint, lifetime) = match self.environment {
            Environment::Sandbox => (SANDBOX, SANDBOX_LIFETIME),
            Environment::Production => (PRODUCTION, PRODUCTION_LIFETIME),
        };
        let (authorization, secret, advice): (_, &'static str, _) = match self.key {
            ApplicationKey::ApiKey => (
                Authorization::ApiKey(SecretId(0)),
                "apiKey",
                "that `apiKey` belongs to this environment and is current, and that the user granted the \
                 application access",
            ),
            ApplicationKey::Pair { app_id } => (
                Authorization::BasicPair { username: app_id, password: SecretId(0) },
                "appSecret",
                "that `appSecret` belongs to this environment and is current, and that the user granted the \
                 application access",
            ),
        };
        // Omitted instead of null, as in the one client that is known to work.
        let seat_id = self.seat_id.map_or(Variable::Absent, |id| Variable::Literal(Json::text(id)));
        let variables = vec![
            ("userId".into(), Variable::Literal(Json::text(self.user_id))),
            ("accountId".into(), Variable::Literal(Json::text(self.account_id))),
            ("scopes".into(), Variable::Scopes),
            ("seatId".into(), seat_id),
        ];
        let operation = |document: &'static str, variables| Operation {
            protocol: GrantProtocol::GraphQl,
            url: None,
            document: document.into(),
            variables,
            authorization: authorization.clone(),
        };
        Profile {
            name: "fluz".into(),
            endpoint: self.endpoint.map_or(endpoint.into(), CowStr::Owned),
            issuer: Issuer::Provider,
            credentials_mode: None,
            headers: Vec::new(),
            authenticate: operation(GENERATE, variables),
            renew: (self.renewal == Renewal::Refresh)
                .then(|| operation(REFRESH, vec![("refreshToken".into(), Variable::RefreshToken)])),
            revocation: None,
            application_scopes: Some(operation("{ getApplicationScopes }", Vec::new())),
            schema_names: &SPELLINGS,
            // The page's sample response to a refresh has the other operation's name as its key.
            token: TokenSource::Data(strings(
                "generateUserAccessToken.token|generateUserAccessToken.accessToken|refreshUserAccessToken.token|refreshUserAccessToken.accessToken",
            )),
            refresh_rules: RefreshTokenRules::default(),
            refresh_token: strings(
                "generateUserAccessToken.refreshToken|refreshUserAccessToken.refreshToken",
            ),
            scopes: strings("generateUserAccessToken.scopes|refreshUserAccessToken.scopes"),
            expiry: None,
            lifetime: Lifetime::AtMost(self.lifetime.unwrap_or(lifetime)),
            rotation: None,
            presentation: Presentation::BEARER,
            error_rules: ERROR_RULES,
            default_failure: DefaultFailure::Protocol,
            environment: Some(self.environment),
            advice,
            secrets: strings(secret),
            has_session_secrets: false,
            selector_policy: SelectorPolicy::PlainVariables { optional: &["seatId"], form: IdForm::Uuid },
            quotable: &["userId", "accountId", "seatId"],
            known_scopes: strings(KNOWN_SCOPES),
        }
    }
}

const SANDBOX: &str = "https://transactional-graph.staging.fluzapp.com/api/v1/graphql";
const PRODUCTION: &str = "https://transactional-graph.fluzapp.com/api/v1/graphql";

/// The documented scopes; the whole enumeration is not published.
const KNOWN_SCOPES: &str = "LIST_PAYMENT|LIST_PURCHASES|LIST_OFFERS|MAKE_DEPOSIT|PURCHASE_GIFTCARD|REVEAL_GIFTCARD|\
    MANAGE_PAYMENT|REVEAL_VIRTUALCARD|CREATE_VIRTUALCARD|EDIT_VIRTUALCARD|REQUEST_VIRTUAL_CARD|\
    REQUEST_ACCOUNT_TRANSFER|LIST_APPROVALS|MANAGE_APPROVALS|VIEW_SUBUSERS|MANAGE_SUBUSERS|\
    MAKE_PAYOUT_TRANSFER_SEND|MAKE_PAYOUT_TRANSFER_RECEIVE|MAKE_PAYOUT_SEND|MAKE_PAYOUT_RECEIVE|\
    VERIFY_KYC|MAKE_WIDTHDRAW";

/// "Sandbox tokens expire after 10 minutes"; responses contain no lifetime.
const SANDBOX_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// "Production tokens expire after 3 minutes"; responses contain no lifetime.
const PRODUCTION_LIFETIME: Duration = Duration::from_secs(3 * 60);

const GENERATE: &str = "mutation generateUserAccessToken($userId: UUID!, $accountId: UUID!, \
    $scopes: [ScopeType!]!, $seatId: UUID) { generateUserAccessToken(userId: $userId, accountId: $accountId, \
    scopes: $scopes, seatId: $seatId) { %token% %refreshToken% scopes } }";

const REFRESH: &str = "mutation refreshUserAccessToken($refreshToken: String!) { \
    refreshUserAccessToken(%argument%: $refreshToken) { %token% %refreshToken% scopes } }";

static SPELLINGS: [SchemaName; 3] = [
    // Newer copies of the page select `accessToken`, but every printed response, and the one client seen to work in
    // production, has `token`.
    SchemaName { placeholder: "token", kind: NameKind::Field, variants: &["token", "accessToken"] },
    // Older copies of the page do not select it.
    SchemaName { placeholder: "refreshToken", kind: NameKind::Field, variants: &["refreshToken", ""] },
    // The page passes `$refreshToken` as `userId`, which is most likely a mistake.
    SchemaName { placeholder: "argument", kind: NameKind::Argument, variants: &["refreshToken", "userId"] },
];

const ERROR_RULES: ErrorRules = ErrorRules {
    rejected: ErrorMatcher {
        // Phrases that the client seen to work in production treats as a rejection.
        phrases: "invalid access|token+expired|token+invalid|token+verif",
        // "Error verifying API basic token" comes with 401, as does an expired token.
        statuses: Cow::Borrowed(&[401]),
        // "Error codes": INVALID_CREDENTIALS, INVALID_USER_ACCESS.
        codes: strings("AUTH-0002|AUTH-0008|UNAUTHENTICATED"),
        messages: strings(""),
        contains: strings(""),
        data: Vec::new(),
        predicate: 0,
    },
    denied: ErrorMatcher::of(&[403], "AUTH-0001"),
    // "Error codes": INVALID_ACCOUNT, INVALID_USER_ACCESS. The key may be valid for other users.
    identity_rejected: ErrorMatcher::of(&[], "AUTH-0001|AUTH-0008"),
    rate_limited: ErrorMatcher::of(&[429], ""),
    outage: ErrorMatcher::NONE,
};
