//! Plain objects for JavaScript, spelled as the contract spells them.
//!
//! All are made by way of [`Json`], which is written in one place.

use wasm_bindgen::JsValue;

use crate::{
    core::{Change, Outlook, Remains, ScopeSet, Stage, Status, TokenError, UnixMillis, millis},
    host::to_js,
    json::Json,
    provider::{Profile, Signs, TokenSource, Words},
};

/// `status()`.
pub(crate) struct StatusView(pub(super) Json);

impl StatusView {
    pub(crate) fn new(status: &Status, sessions: usize) -> Self {
        let state = match status.stage {
            None => "empty",
            Some(Stage::Fresh) => "fresh",
            Some(Stage::RefreshDue) => "refresh-due",
            Some(Stage::Expired) => "expired",
        };
        Self(Json::object(vec![
            ("state", text(state)),
            ("refreshing", Some(Json::Bool(status.refreshing))),
            ("issuedAt", status.lifetime.and_then(|(issued_at, _)| point(issued_at))),
            ("expiresAt", status.lifetime.and_then(|(_, expires_at)| point(expires_at))),
            ("refreshAt", status.refresh_at.and_then(point)),
            ("lastError", status.last_error.as_ref().map(fields)),
            ("grants", number(status.grants)),
            ("failures", number(status.failures)),
            ("sessions", number(sessions as u64)),
        ]))
    }
}

/// What the face needs to know of the API.
pub(crate) struct TraitsView(pub(super) Json);

impl TraitsView {
    pub(crate) fn new(profile: &Profile, origins: &[String]) -> Self {
        let Signs { statuses, codes, messages, phrases } = &profile.signals.refused;
        let mut headers = Vec::new();
        for (name, value) in &profile.headers {
            headers.push(Json::List(vec![Json::text(name), Json::text(value.expose())]));
        }
        let mut numbers = Vec::new();
        for status in &**statuses {
            numbers.push(Json::Number(f64::from(*status)));
        }
        let sliding = profile.sliding.as_ref().map(|sliding| &sliding.headers);
        let speaks = !(codes.is_empty() && messages.is_empty() && phrases.is_empty());
        Self(Json::object(vec![
            ("name", text(&profile.name)),
            ("endpoint", text(&profile.endpoint)),
            ("origins", Some(texts(origins))),
            ("headers", Some(Json::List(headers))),
            // Headers that may bring a newer token.
            ("sliding", Some(sliding.map_or(Json::List(Vec::new()), Words::to_json))),
            // Whether tokens are granted in headers, which can then be read.
            ("readable", Some(Json::Bool(matches!(profile.token, TokenSource::Headers(_))))),
            // Statuses by which it refuses a token.
            ("statuses", Some(Json::List(numbers))),
            // Whether it also refuses tokens by what its answers say.
            ("speaks", Some(Json::Bool(speaks))),
        ]))
    }
}

/// The fields of a `TokenError`, for the face to make one of.
pub(crate) fn error_view(error: &TokenError) -> JsValue {
    to_js(&fields(error))
}

fn fields(error: &TokenError) -> Json {
    Json::object(vec![
        ("code", text(error.code.as_str())),
        ("message", text(&error.message)),
        ("retryable", error.outlook.map(|outlook| Json::Bool(outlook == Outlook::MayPass))),
        ("provider", error.provider.as_deref().and_then(text)),
        ("status", error.status.and_then(|status| number(status.into()))),
        ("requestId", error.request_id.as_deref().and_then(text)),
        ("retryAfterMs", error.retry_after.and_then(|span| number(millis(span)))),
        ("missingScopes", error.missing_scopes.as_ref().map(listed)),
        ("attempts", error.attempts.and_then(|attempts| number(attempts.into()))),
    ])
}

/// One event for listeners.
pub(crate) struct NewsView(pub(super) Json);

impl NewsView {
    /// `requested` are the scopes that were asked for, should the answer not tell.
    pub(crate) fn new(change: Change, requested: &ScopeSet, provider: &str) -> Self {
        match change {
            Change::Token { reason, expires_at, scopes } => Self::of(
                "token",
                vec![
                    ("reason", text(reason.as_str())),
                    ("expiresAt", point(expires_at)),
                    ("scopes", Some(listed(scopes.as_ref().unwrap_or(requested)))),
                ],
            ),
            Change::Retry { attempt, delay, error } => Self::of(
                "retry",
                vec![
                    ("attempt", number(attempt.into())),
                    ("delayMs", number(millis(delay))),
                    ("code", text(error.code.as_str())),
                ],
            ),
            Change::Error { error, remains } => Self::of(
                "error",
                vec![
                    ("error", Some(fields(&error))),
                    ("tokenStillValid", Some(Json::Bool(remains == Remains::ValidToken))),
                ],
            ),
            Change::Expired => Self::of("expired", Vec::new()),
            Change::ScopesMissing(missing) => Self::warning(
                "insufficient_scope",
                &format!(
                    "{provider} granted a token without {}; have these scopes granted to the application and \
                     the user, or ask for fewer",
                    missing.listed()
                ),
            ),
            Change::StoreFailed(error) => Self::warning(error.code.as_str(), &error.message),
            Change::Closed => Self::of("close", Vec::new()),
        }
    }

    /// A long-lived secret is where everybody can read it.
    pub(crate) fn secret_in_page() -> Self {
        Self::warning(
            "secret_in_page",
            "a long-lived secret is used in a page, where anyone can read it; get tokens from your own \
             server instead",
        )
    }

    fn warning(code: &str, message: &str) -> Self {
        Self::of("warning", vec![("code", text(code)), ("message", text(message))])
    }

    fn of(kind: &str, mut members: Vec<(&str, Option<Json>)>) -> Self {
        members.insert(0, ("type", text(kind)));
        Self(Json::object(members))
    }
}

fn text(text: &str) -> Option<Json> {
    Some(Json::text(text))
}

#[expect(clippy::cast_precision_loss, reason = "counts and milliseconds stay below 2^53")]
fn number(number: u64) -> Option<Json> {
    Some(Json::Number(number as f64))
}

fn point(point: UnixMillis) -> Option<Json> {
    Some(Json::Number(point.to_js()))
}

fn texts(texts: &[String]) -> Json {
    Json::list_of(&mut texts.iter().map(String::as_str))
}

fn listed(scopes: &ScopeSet) -> Json {
    Json::list_of(&mut scopes.iter())
}
