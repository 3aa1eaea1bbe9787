//! Why there is no token, in the words of the public contract.

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
    /// The provider refused the credentials.
    InvalidCredentials,
    /// A secret function threw, took too long, or gave no string.
    CredentialsUnavailable,
    /// Fewer scopes were granted than are needed.
    InsufficientScope,
    /// The API refused a token that was granted just before.
    TokenRejected,
    /// 429, or the provider's own throttle.
    RateLimited,
    /// No answer.
    Network,
    /// The function given as `fetch` threw something that is not a failure of the network.
    FetchThrew,
    /// Too late an answer.
    Timeout,
    /// 5xx, or the provider's own code for an outage.
    Server,
    /// The answer is not what the provider documents.
    Protocol,
    /// A store failed where the token could not be had without it.
    Store,
    /// The manager is closed.
    Closed,
    /// This provider, or this runtime, has no such operation.
    Unsupported,
    /// The page forbids WebAssembly. Said by the face alone, and by a `grant` function
    /// that uses a manager of its own.
    WasmBlocked,
    /// The core broke off. Said by the same.
    Internal,
    /// A GraphQL answer with errors; `request` alone rejects with it.
    GraphqlErrors,
}

impl ErrorCode {
    /// As the contract spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidOptions => "invalid_options",
            Self::InvalidCredentials => "invalid_credentials",
            Self::CredentialsUnavailable => "credentials_unavailable",
            Self::InsufficientScope => "insufficient_scope",
            Self::TokenRejected => "token_rejected",
            Self::RateLimited => "rate_limited",
            Self::Network => "network",
            Self::FetchThrew => "fetch_threw",
            Self::Timeout => "timeout",
            Self::Server => "server",
            Self::Protocol => "protocol",
            Self::Store => "store",
            Self::Closed => "closed",
            Self::Unsupported => "unsupported",
            Self::WasmBlocked => "wasm_blocked",
            Self::Internal => "internal",
            Self::GraphqlErrors => "graphql_errors",
        }
    }

    /// The code of that spelling.
    pub fn parse(spelling: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == spelling)
    }

    const ALL: [Self; 17] = [
        Self::InvalidOptions,
        Self::InvalidCredentials,
        Self::CredentialsUnavailable,
        Self::InsufficientScope,
        Self::TokenRejected,
        Self::RateLimited,
        Self::Network,
        Self::FetchThrew,
        Self::Timeout,
        Self::Server,
        Self::Protocol,
        Self::Store,
        Self::Closed,
        Self::Unsupported,
        Self::WasmBlocked,
        Self::Internal,
        Self::GraphqlErrors,
    ];
}

/// A failure as a caller sees it: what failed, why, and what to do.
///
/// Holds no secret and no part of an answer's body but a request id and codes
/// made of letters, digits and `-_.`.
///
/// One pointer: all callers of an acquisition share its error. A change makes a copy of its own.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenError(Rc<ErrorDetails>);

/// The fields of a [`TokenError`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorDetails {
    /// What to branch on.
    pub code: ErrorCode,
    /// For people; may change.
    pub message: String,
    /// The profile's name.
    pub provider: Option<String>,
    /// The HTTP status of the answer, where there was one.
    pub status: Option<u16>,
    /// The provider's own id of the request.
    pub request_id: Option<String>,
    /// How long the provider asked to be left alone.
    pub retry_after: Option<Duration>,
    /// Scopes that were asked for and not granted.
    pub missing_scopes: Option<ScopeSet>,
    /// How many requests were made before giving up.
    pub attempts: Option<u32>,
    /// Whether waiting helps, where a `grant` function said so; else the code says it.
    pub outlook: Option<Outlook>,
    /// What `fetch` threw, as the face wrote it down; holds no secret.
    pub cause: Option<String>,
}

/// Whether waiting helps after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// It may.
    MayPass,
    /// It does not.
    Lasts,
}

impl TokenError {
    /// An error that says no more than its code and message.
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
            outlook: None,
            cause: None,
        }))
    }

    /// What every call gets once a manager is closed.
    pub fn closed() -> Self {
        Self::new(ErrorCode::Closed, "this TokenManager is closed; make a new one")
    }

    /// Credentials are not presented again that were refused.
    pub fn unchanged_credentials() -> Self {
        let message = "the provider refused these credentials before, and they are still the same; correct them, or \
                       call refresh() to present them again";
        Self::new(ErrorCode::InvalidCredentials, message)
    }

    /// Names the provider it is about.
    #[must_use]
    pub fn of(mut self, provider: &str) -> Self {
        self.provider = Some(provider.to_owned());
        self
    }

    /// Names the scopes that are missing.
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
    fn an_error_is_of_a_provider_and_of_missing_scopes() {
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
    fn every_code_is_read_back_from_its_spelling() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::parse(code.as_str()), Some(code));
        }
        assert_eq!(ErrorCode::parse("unknown"), None);
    }
}
