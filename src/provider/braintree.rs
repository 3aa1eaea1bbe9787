//! Braintree: `createOAuthAccessTokenFromClientCredentials`.
//!
//! Sources, as read in November 2026: the guides "Access tokens (client
//! credentials)" and "Making API calls" of developer.paypal.com/braintree/graphql,
//! "GraphQL error handling" of the in-person guides, the public schema
//! (braintree/graphql-api), and the error classes that Braintree's own SDKs know
//! (braintree_node, `lib/braintree/graphql.js`).

use std::time::Duration;

use crate::core::Secret;

pub use super::fluz::Environment;
use super::{
    DefaultFailure, Descriptor, ErrorMatcher, ErrorRules,
    fluz::ENVIRONMENT,
    option::{Accepts, OptionSpec, SecretSource},
    profile::{
        Authorization, CowStr, ExpiryField, GrantProtocol, Issuer, Lifetime, Operation, Presentation,
        Profile, RefreshTokenRules, SecretId, SelectorPolicy, TokenSource, Variable, strings,
    },
};

/// Descriptor of Braintree.
pub static BRAINTREE: Descriptor = Descriptor {
    name: "braintree",
    options: &OPTIONS,
    alternatives: &[],
    profile: |given| {
        let braintree = Braintree {
            environment: Environment::of(given),
            endpoint: given.text("endpoint"),
            client_id: given.required_text("clientId"),
            version: given.text("braintreeVersion"),
            lifetime: given.given_millis("lifetimeMs"),
        };
        braintree.profile()
    },
};

static OPTIONS: [OptionSpec; 5] = [
    OptionSpec::required("clientId", Accepts::UserName("the OAuth client's id")),
    OptionSpec::required("clientSecret", Accepts::Secret("the OAuth client's secret")),
    OptionSpec::required("scopes", Accepts::Scopes),
    OptionSpec::optional("braintreeVersion", Accepts::Date).or_text(VERSION),
    ENVIRONMENT,
];

/// Options for Braintree. The client secret is secret number 0.
#[derive(Clone, Debug)]
pub struct Braintree {
    /// Sandbox or production.
    pub environment: Environment,
    /// Replaces the endpoint of the environment.
    pub endpoint: Option<String>,
    /// The OAuth client's id.
    pub client_id: String,
    /// `Braintree-Version`: a date, `YYYY-MM-DD`; [`VERSION`] where `None`.
    pub version: Option<String>,
    /// Lifetime to assume where `expiresAt` is missing or unusable; default one hour.
    pub lifetime: Option<Duration>,
}

impl Braintree {
    /// Converts the options to a profile.
    pub fn profile(self) -> Profile {
        let endpoint = match self.environment {
            Environment::Sandbox => SANDBOX,
            Environment::Production => PRODUCTION,
        };
        Profile {
            name: "braintree".into(),
            endpoint: self.endpoint.map_or(endpoint.into(), CowStr::Owned),
            issuer: Issuer::Provider,
            credentials_mode: None,
            headers: vec![(
                "braintree-version".to_owned(),
                SecretSource::Text(Secret::new(self.version.unwrap_or_else(|| VERSION.to_owned()))),
            )],
            authenticate: Operation {
                protocol: GrantProtocol::GraphQl,
                url: None,
                document: CREATE.into(),
                variables: vec![("input".into(), Variable::Map(vec![("scopes".into(), Variable::Scopes)]))],
                authorization: Authorization::BasicPair { username: self.client_id, password: SecretId(0) },
            },
            // The schema has no mutation that takes a refresh token.
            renew: None,
            revocation: None,
            application_scopes: None,
            schema_names: &[],
            token: TokenSource::Data(strings(
                "createOAuthAccessTokenFromClientCredentials.accessToken.accessToken",
            )),
            refresh_token: strings(""),
            refresh_rules: RefreshTokenRules::default(),
            scopes: strings(""),
            expiry: Some(ExpiryField::ExpiresAt {
                paths: strings("createOAuthAccessTokenFromClientCredentials.accessToken.expiresAt"),
            }),
            lifetime: self.lifetime.map_or(Lifetime::Default(LIFETIME), Lifetime::Declared),
            rotation: None,
            presentation: Presentation::BEARER,
            error_rules: ERROR_RULES,
            default_failure: DefaultFailure::Protocol,
            environment: Some(self.environment),
            advice: "that `clientId` and `clientSecret` belong to this environment, and that the OAuth client \
                     may have these scopes",
            secrets: strings("clientSecret"),
            has_session_secrets: false,
            selector_policy: SelectorPolicy::Nothing,
            quotable: &["braintree-version"],
            known_scopes: strings(KNOWN_SCOPES),
        }
    }
}

const ERROR_RULES: ErrorRules = ErrorRules {
    // Wrong secrets, expired tokens and missing scopes all have this class.
    rejected: ErrorMatcher::of(&[401], "AUTHENTICATION"),
    denied: ErrorMatcher::of(&[403], "AUTHORIZATION"),
    identity_rejected: ErrorMatcher::NONE,
    rate_limited: ErrorMatcher::of(&[429], "RESOURCE_LIMIT"),
    outage: ErrorMatcher::of(&[], "SERVICE_AVAILABILITY|INTERNAL"),
};

const SANDBOX: &str = "https://payments.sandbox.braintree-api.com/graphql";
const PRODUCTION: &str = "https://payments.braintree-api.com/graphql";

/// The list of the guide, which is "subject to change", and one that the schema names.
const KNOWN_SCOPES: &str = "ADDRESS_CREATE|ADDRESS_DELETE|ADDRESS_FIND|ADDRESS_UPDATE|APPLE_PAY_MANAGE_WEB_DOMAINS|\
    CLIENT_TOKEN_GENERATE|CREDIT_CARD_EXPIRING_BETWEEN|CREDIT_CARD_VERIFICATION_SEARCH|CUSTOMER_CREATE|\
    CUSTOMER_DELETE|CUSTOMER_FIND|CUSTOMER_SEARCH|CUSTOMER_UPDATE|DISPUTE_ACCEPT|\
    DISPUTE_ACCEPT_FACILITATED|DISPUTE_ADD_EVIDENCE|DISPUTE_ADD_EVIDENCE_FACILITATED|DISPUTE_FINALIZE|\
    DISPUTE_FINALIZE_FACILITATED|DISPUTE_FIND|DISPUTE_FIND_FACILITATED|DISPUTE_REMOVE_EVIDENCE|\
    DISPUTE_REMOVE_EVIDENCE_FACILITATED|DISPUTE_SEARCH|DISPUTE_SEARCH_FACILITATED|\
    DOCUMENT_UPLOAD_CREATE|GRANT_PAYMENT_METHOD|MERCHANT_ACCOUNT_ALL|MERCHANT_ACCOUNT_FIND|\
    MULTI_USE_PAYMENT_METHOD_CREATE|MULTI_USE_PAYMENT_METHOD_DELETE|MULTI_USE_PAYMENT_METHOD_FIND|\
    MULTI_USE_PAYMENT_METHOD_UPDATE|PAYMENT_CONTEXT_CREATE|PAYMENT_CONTEXT_FIND|PAYMENT_CONTEXT_SEARCH|\
    PAYMENT_METHOD_VAULT|PAYMENT_METHOD_VERIFY|READ_FACILITATED_TRANSACTIONS|\
    SETTLEMENT_BATCH_SUMMARY_GENERATE|SHARED_VAULT_TRANSACTIONS|SINGLE_USE_PAYMENT_METHOD_CREATE|\
    SINGLE_USE_PAYMENT_METHOD_FIND|SUBSCRIPTION_CANCEL|SUBSCRIPTION_CREATE|SUBSCRIPTION_FIND|\
    SUBSCRIPTION_SEARCH|SUBSCRIPTION_UPDATE|TRANSACTION_CHARGE|TRANSACTION_FIND|\
    TRANSACTION_MANAGE_SETTLEMENT|TRANSACTION_REFUND|TRANSACTION_REVERSE|TRANSACTION_SALE|\
    TRANSACTION_SEARCH|TRANSACTION_VOID|MANAGE_OAUTH_CLIENT_SECRETS";

/// Default version: the one in the samples of the guide.
pub const VERSION: &str = "2019-01-01";

/// One hour: only `expiresAt` is documented. Short, because replacing a token too early costs one grant, and keeping it
/// too long costs rejected calls.
const LIFETIME: Duration = Duration::from_secs(60 * 60);

const CREATE: &str = "mutation createOAuthAccessTokenFromClientCredentials(\
    $input: CreateOAuthAccessTokenFromClientCredentialsInput!) { \
    createOAuthAccessTokenFromClientCredentials(input: $input) { \
    accessToken { accessToken tokenType expiresAt } } }";
