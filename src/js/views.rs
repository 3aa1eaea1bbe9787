//! Plain objects for JavaScript, spelled as the contract spells them.

use serde::Serialize;
use wasm_bindgen::JsValue;

use crate::{
    core::{Change, Outlook, Remains, ScopeSet, Stage, Status, TokenError, UnixMillis, millis},
    provider::{Profile, Signs, TokenSource},
};

/// `status()`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StatusView {
    state: &'static str,
    refreshing: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_at: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_at: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<ErrorView>,
    grants: u64,
    failures: u64,
    sessions: usize,
}

impl StatusView {
    pub(crate) fn new(status: &Status, sessions: usize) -> Self {
        Self {
            state: match status.stage {
                None => "empty",
                Some(Stage::Fresh) => "fresh",
                Some(Stage::RefreshDue) => "refresh-due",
                Some(Stage::Expired) => "expired",
            },
            refreshing: status.refreshing,
            issued_at: status.lifetime.map(|(issued_at, _)| issued_at.to_js()),
            expires_at: status.lifetime.map(|(_, expires_at)| expires_at.to_js()),
            refresh_at: status.refresh_at.map(UnixMillis::to_js),
            last_error: status.last_error.as_ref().map(ErrorView::new),
            grants: status.grants,
            failures: status.failures,
            sessions,
        }
    }
}

/// What the face needs to know of the API.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TraitsView<'a> {
    name: &'a str,
    endpoint: &'a str,
    origins: &'a [String],
    headers: Vec<(&'a str, &'a str)>,
    /// Headers that may bring a newer token.
    sliding: &'a [String],
    /// Whether tokens are granted in headers, which can then be read.
    readable: bool,
    /// Statuses by which it refuses a token.
    statuses: &'a [u16],
    /// Whether it also refuses tokens by what its answers say.
    speaks: bool,
}

impl<'a> TraitsView<'a> {
    pub(crate) fn new(profile: &'a Profile, origins: &'a [String]) -> Self {
        let Signs { statuses, codes, messages, phrases } = &profile.signals.refused;
        Self {
            name: &profile.name,
            endpoint: &profile.endpoint,
            origins,
            headers: profile.headers.iter().map(|(name, value)| (name.as_str(), value.expose())).collect(),
            sliding: profile.sliding.as_ref().map_or(&[], |sliding| &sliding.headers),
            readable: matches!(profile.token, TokenSource::Headers(_)),
            statuses,
            speaks: !(codes.is_empty() && messages.is_empty() && phrases.is_empty()),
        }
    }
}

/// The fields of a `TokenError`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ErrorView {
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    retryable: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing_scopes: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<u32>,
}

impl ErrorView {
    fn new(error: &TokenError) -> Self {
        Self {
            code: error.code.as_str(),
            message: error.message.clone(),
            retryable: error.outlook.map(|outlook| outlook == Outlook::MayPass),
            provider: error.provider.clone(),
            status: error.status,
            request_id: error.request_id.clone(),
            retry_after_ms: error.retry_after.map(millis),
            missing_scopes: error.missing_scopes.as_ref().map(listed),
            attempts: error.attempts,
        }
    }
}

/// The fields of a `TokenError`, for the face to make one of.
pub(crate) fn error_view(error: &TokenError) -> JsValue {
    ErrorView::new(error)
        .serialize(&serde_wasm_bindgen::Serializer::json_compatible())
        .unwrap_or(JsValue::UNDEFINED)
}

/// One event for listeners.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub(crate) enum NewsView {
    Token { reason: &'static str, expires_at: f64, scopes: Vec<String> },
    Retry { attempt: u32, delay_ms: u64, code: &'static str },
    Error { error: ErrorFields, token_still_valid: bool },
    Expired,
    Warning { code: &'static str, message: String },
    Close,
}

/// Hides the fields from other modules.
#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct ErrorFields(ErrorView);

impl NewsView {
    /// `requested` are the scopes that were asked for, should the answer not tell.
    pub(crate) fn new(change: Change, requested: &ScopeSet, provider: &str) -> Self {
        match change {
            Change::Token { reason, expires_at, scopes } => Self::Token {
                reason: reason.as_str(),
                expires_at: expires_at.to_js(),
                scopes: listed(scopes.as_ref().unwrap_or(requested)),
            },
            Change::Retry { attempt, delay, error } => {
                Self::Retry { attempt, delay_ms: millis(delay), code: error.code.as_str() }
            }
            Change::Error { error, remains } => Self::Error {
                error: ErrorFields(ErrorView::new(&error)),
                token_still_valid: remains == Remains::ValidToken,
            },
            Change::Expired => Self::Expired,
            Change::ScopesMissing(missing) => Self::Warning {
                code: "insufficient_scope",
                message: format!(
                    "{provider} granted a token without {}; have these scopes granted to the application and \
                     the user, or ask for fewer",
                    missing.listed()
                ),
            },
            Change::StoreFailed(error) => Self::Warning { code: error.code.as_str(), message: error.message },
            Change::Closed => Self::Close,
        }
    }

    /// A long-lived secret is where everybody can read it.
    pub(crate) fn secret_in_page() -> Self {
        Self::Warning {
            code: "secret_in_page",
            message:
                "a long-lived secret is used in a page, where anyone can read it; get tokens from your own \
                      server instead"
                    .to_owned(),
        }
    }
}

fn listed(scopes: &ScopeSet) -> Vec<String> {
    scopes.iter().map(str::to_owned).collect()
}
