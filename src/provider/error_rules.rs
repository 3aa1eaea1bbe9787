//! Rules that recognize errors in responses.

use std::borrow::Cow;

use super::profile::{StringList, strings};
use crate::json::Json;

/// Recognizes errors in responses.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorRules {
    /// The token, or the credentials of a grant, are rejected.
    pub rejected: ErrorMatcher,
    /// The credentials are rejected; in addition to `rejected`, in responses to grants only.
    pub denied: ErrorMatcher,
    /// The user or account to act for is rejected: codes of `rejected` or `denied` that do not concern the credentials.
    pub identity_rejected: ErrorMatcher,
    /// The API limits the rate of requests.
    pub rate_limited: ErrorMatcher,
    /// The API is temporarily unavailable.
    pub outage: ErrorMatcher,
}

/// Matches a response that has any of these.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ErrorMatcher {
    /// HTTP status codes.
    pub statuses: Cow<'static, [u16]>,
    /// Error codes, compared without regard to case, in any of [`CODE_PATHS`] of an error. A number is compared as text.
    pub codes: StringList,
    /// Complete error messages, compared without regard to case.
    pub messages: StringList,
    /// Parts of an error message, compared without regard to case.
    pub contains: StringList,
    /// Phrases in an error message, in lower case: alternatives separated by `|`, each of parts separated by `+` that
    /// all occur.
    pub phrases: &'static str,
    /// Values in the data of a response.
    pub data: Vec<ExpectedValue>,
    /// Bit of the rule's function in [`HttpResponse::predicates`](crate::http::HttpResponse); 0 without a function.
    /// JavaScript calls it before the response reaches the core.
    pub predicate: u8,
}

impl ErrorMatcher {
    /// Matches nothing.
    pub const NONE: Self = Self::of(&[], "");

    /// Matches these statuses and codes only.
    pub const fn of(statuses: &'static [u16], codes: &'static str) -> Self {
        Self {
            statuses: Cow::Borrowed(statuses),
            codes: strings(codes),
            messages: strings(""),
            contains: strings(""),
            phrases: "",
            data: Vec::new(),
            predicate: 0,
        }
    }

    /// Returns whether the rule's function is one of those that match a response.
    pub const fn matches_predicate(&self, predicates: u8) -> bool {
        self.predicate & predicates != 0
    }

    /// Returns whether the rules concern the body of a response, besides its status.
    pub fn concerns_body(&self) -> bool {
        let Self { statuses: _, codes, messages, contains, phrases, data, predicate } = self;
        !(codes.is_empty()
            && messages.is_empty()
            && contains.is_empty()
            && phrases.is_empty()
            && data.is_empty()
            && *predicate == 0)
    }
}

/// A value in the data of a response.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpectedValue {
    /// A path below `data`; see [`Json::any_at`].
    pub path: String,
    /// The value: `null`, a boolean, a number or a string.
    pub is: Json,
}

/// The places where servers put the code of an error: GraphQL's `extensions.code` first, then Braintree, Octopus Kraken,
/// AppSync, Payload, Strapi, Apollo Server, NestJS, Saleor and Vendure.
pub const CODE_PATHS: &str = "extensions.code|extensions.errorClass|code|extensions.errorCode|extensions.errorType|\
    errorType|errorCode|extensions.name|extensions.statusCode|extensions.error.name|extensions.http.status|\
    extensions.response.statusCode|extensions.originalError.statusCode|extensions.exception.code|\
    extensions.exception.name|statusCode";

/// Errors of a token endpoint that reject the credentials: RFC 6749 section 5.2, and section 4.1.2.1, whose codes some
/// servers use here as well.
pub const OAUTH_DENIED: ErrorMatcher =
    ErrorMatcher::of(&[401, 403], "invalid_client|invalid_grant|unauthorized_client|access_denied");

/// Errors of a token endpoint that is temporarily unavailable (RFC 6749 section 4.1.2.1).
pub const OAUTH_OUTAGE: ErrorMatcher = ErrorMatcher::of(&[], "temporarily_unavailable|server_error");

/// Meaning of errors that match no rule, in response to a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultFailure {
    /// The credentials are rejected: the wording of the API is not documented.
    InvalidCredentials,
    /// The credentials are rejected if the operation was executed, unless it failed inside the server. Otherwise a
    /// protocol error: the operation is not valid.
    InvalidCredentialsIfExecuted,
    /// A protocol error.
    Protocol,
}
