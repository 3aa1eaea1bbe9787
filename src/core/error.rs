//! Errors of the public contract.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    rc::Rc,
    time::Duration,
};

use super::ScopeSet;

/// The codes of the public contract; JavaScript sees them as `error.code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// The options are wrong; the message names the key and what to write.
    InvalidOptions,
    /// The provider rejected the credentials.
    InvalidCredentials,
    /// A secret function threw, timed out, or returned something other than a string.
    CredentialsUnavailable,
    /// Fewer scopes were granted than are needed.
    InsufficientScope,
    /// The API rejected a token that had just been granted.
    TokenRejected,
    /// HTTP 429, or the provider's own throttling code.
    RateLimited,
    /// No response was received.
    Network,
    /// The user-supplied `fetch` threw something other than a network error.
    FetchThrew,
    /// The response was not received in time.
    Timeout,
    /// HTTP 5xx, or the provider's own code for an outage.
    Server,
    /// The response differs from the provider's documentation.
    Protocol,
    /// A store failed, and the token was unavailable without it.
    Store,
    /// The manager is closed.
    Closed,
    /// The provider or the runtime does not support the operation.
    Unsupported,
    /// The page forbids WebAssembly. Only raised by JavaScript, including a `grant` function that uses another manager.
    WasmBlocked,
    /// The core crashed. Only raised by JavaScript, like `WasmBlocked`.
    Internal,
    /// A GraphQL response with errors; only raised by `request`.
    GraphqlErrors,
}

/// The codes with their spelling in JavaScript and their classification, in the order of the enumeration.
const CODES: [(ErrorCode, &str, Retryability); 17] = [
    (ErrorCode::InvalidOptions, "invalid_options", Retryability::Permanent),
    (ErrorCode::InvalidCredentials, "invalid_credentials", Retryability::Permanent),
    (ErrorCode::CredentialsUnavailable, "credentials_unavailable", Retryability::Retryable),
    (ErrorCode::InsufficientScope, "insufficient_scope", Retryability::Permanent),
    (ErrorCode::TokenRejected, "token_rejected", Retryability::Permanent),
    (ErrorCode::RateLimited, "rate_limited", Retryability::Retryable),
    (ErrorCode::Network, "network", Retryability::Retryable),
    (ErrorCode::FetchThrew, "fetch_threw", Retryability::Permanent),
    (ErrorCode::Timeout, "timeout", Retryability::Retryable),
    (ErrorCode::Server, "server", Retryability::Retryable),
    (ErrorCode::Protocol, "protocol", Retryability::Permanent),
    (ErrorCode::Store, "store", Retryability::Retryable),
    (ErrorCode::Closed, "closed", Retryability::Permanent),
    (ErrorCode::Unsupported, "unsupported", Retryability::Permanent),
    (ErrorCode::WasmBlocked, "wasm_blocked", Retryability::Permanent),
    (ErrorCode::Internal, "internal", Retryability::Retryable),
    (ErrorCode::GraphqlErrors, "graphql_errors", Retryability::Permanent),
];

impl ErrorCode {
    /// The codes in the order of the documentation.
    pub fn all() -> impl Iterator<Item = Self> {
        CODES.iter().map(|(code, ..)| *code)
    }

    /// The spelling of the public contract.
    pub const fn as_str(self) -> &'static str {
        CODES[self as usize].1
    }

    /// The classification of errors that do not have their own.
    pub const fn retryability(self) -> Retryability {
        CODES[self as usize].2
    }

    /// Parses the spelling of the public contract.
    pub fn parse(spelling: &str) -> Option<Self> {
        CODES.iter().find(|(_, name, _)| *name == spelling).map(|(code, ..)| *code)
    }
}

/// An error as a caller receives it: what failed, why, and what to do.
///
/// Contains no secret, and of a response's body only the request id, codes of letters, digits and `-_.`, and the errors
/// from which JavaScript has removed the secrets (`pkg-template/src/redaction.js`). It is copy-on-write, because
/// all callers of an acquisition share its error.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenError(Rc<ErrorDetails>);

/// The fields of a [`TokenError`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorDetails {
    /// The stable code, for programs.
    pub code: ErrorCode,
    /// The description, for people. May change.
    pub message: String,
    /// Name of the provider.
    pub provider: Option<String>,
    /// HTTP status of the response, if one was received.
    pub status: Option<u16>,
    /// The provider's id of the request.
    pub request_id: Option<String>,
    /// The provider's `Retry-After`.
    pub retry_after: Option<Duration>,
    /// Scopes that were requested and not granted.
    pub missing_scopes: Option<ScopeSet>,
    /// Number of attempts before the acquisition failed.
    pub attempts: Option<u32>,
    /// Overrides the classification of the code, for example by a `grant` function.
    pub retryability: Option<Retryability>,
    /// The value that `fetch` threw, as described by JavaScript. Contains no secret.
    pub cause: Option<String>,
    /// What the provider said.
    pub provider_errors: Option<Rc<ProviderErrors>>,
}

/// The errors of a response, without secrets: `pkg-template/src/redaction.js` removes them.
#[derive(Debug, PartialEq, Eq)]
pub struct ProviderErrors {
    /// The errors, serialized as JSON.
    pub json: String,
    /// The message of the first one.
    pub first: String,
}

/// Classification of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retryability {
    /// A retry may succeed.
    Retryable,
    /// A retry fails in the same way.
    Permanent,
}

impl TokenError {
    /// An error with a code and a message.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self(Rc::new(ErrorDetails {
            code,
            message: message.into(),
            provider: None,
            status: None,
            request_id: None,
            retry_after: None,
            missing_scopes: None,
            attempts: None,
            retryability: None,
            cause: None,
            provider_errors: None,
        }))
    }

    /// The error of every call after a manager is closed.
    pub fn closed() -> Self {
        Self::new(ErrorCode::Closed, "this TokenManager is closed; make a new one")
    }

    /// The error of a grant that would present rejected credentials again.
    pub fn unchanged_credentials() -> Self {
        let message = "the provider refused these credentials before, and they are still the same; correct them, or \
                       call refresh() to present them again";
        Self::new(ErrorCode::InvalidCredentials, message)
    }

    /// The classification: that of this error, or else that of its code.
    pub fn retryability(&self) -> Retryability {
        self.retryability.unwrap_or_else(|| self.code.retryability())
    }

    /// Sets the provider.
    #[must_use]
    pub fn of(mut self, provider: &str) -> Self {
        self.provider = Some(provider.to_owned());
        self
    }

    /// Sets the missing scopes.
    #[must_use]
    pub fn missing(mut self, scopes: ScopeSet) -> Self {
        self.missing_scopes = Some(scopes);
        self
    }
}

impl Deref for TokenError {
    type Target = ErrorDetails;

    fn deref(&self) -> &ErrorDetails {
        &self.0
    }
}

impl DerefMut for TokenError {
    fn deref_mut(&mut self) -> &mut ErrorDetails {
        Rc::make_mut(&mut self.0)
    }
}

impl fmt::Debug for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code.as_str())
    }
}

impl std::error::Error for TokenError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_its_provider_and_the_missing_scopes() {
        let missing: ScopeSet = ["A"].into_iter().collect();
        let error = TokenError::new(ErrorCode::Server, "it is down").of("acme").missing(missing.clone());

        assert_eq!((error.provider.as_deref(), error.missing_scopes.clone()), (Some("acme"), Some(missing)));
        assert_eq!((error.code, error.message.as_str()), (ErrorCode::Server, "it is down"));
    }

    #[test]
    fn an_error_prints_its_message_and_code() {
        let error = TokenError::new(ErrorCode::Timeout, "it took too long");

        assert_eq!(error.to_string(), "it took too long (timeout)");
    }

    #[test]
    fn every_code_is_parsed_from_its_spelling() {
        for (index, (code, spelling, _)) in CODES.into_iter().enumerate() {
            assert_eq!((code as usize, code.as_str()), (index, spelling));
            assert_eq!(ErrorCode::parse(spelling), Some(code));
        }
        assert_eq!(ErrorCode::parse("unknown"), None);
    }
}
