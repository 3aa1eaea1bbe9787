//! Plain objects for JavaScript, spelled as the contract spells them.

use js_sys::Array;
use wasm_bindgen::JsValue;

use crate::{
    core::{Change, Outlook, Remains, ScopeSet, Stage, Status, TokenError, UnixMillis, millis},
    host::Plain,
    provider::{Profile, Signs, TokenSource},
};

/// `status()`.
pub(crate) fn status_view(status: &Status, sessions: usize) -> JsValue {
    let state = match status.stage {
        None => "empty",
        Some(Stage::Fresh) => "fresh",
        Some(Stage::RefreshDue) => "refresh-due",
        Some(Stage::Expired) => "expired",
    };
    let view = Plain::new();
    view.text("state", Some(state));
    view.flag("refreshing", Some(status.refreshing));
    view.number("issuedAt", status.lifetime.map(|(issued_at, _)| issued_at.to_js()));
    view.number("expiresAt", status.lifetime.map(|(_, expires_at)| expires_at.to_js()));
    view.number("refreshAt", status.refresh_at.map(UnixMillis::to_js));
    if let Some(error) = &status.last_error {
        view.put("lastError", &error_view(error));
    }
    view.number("grants", Some(number(status.grants)));
    view.number("failures", Some(number(status.failures)));
    view.number("sessions", Some(number(sessions as u64)));
    view.into()
}

/// What the face needs to know of the API.
pub(crate) fn traits_view(profile: &Profile, origins: &[String]) -> JsValue {
    let Signs { statuses, codes, messages, phrases } = &profile.signals.refused;
    let headers = Array::new();
    for (name, value) in &profile.headers {
        headers.push(&Array::of2(&JsValue::from_str(name), &JsValue::from_str(value.expose())));
    }
    let refusing = Array::new();
    for status in statuses.iter() {
        refusing.push(&JsValue::from_f64(f64::from(*status)));
    }
    let view = Plain::new();
    view.text("name", Some(&profile.name));
    view.text("endpoint", Some(&profile.endpoint));
    view.put("origins", &texts(origins));
    view.put("headers", &headers);
    // Headers that may bring a newer token.
    let sliding = Array::new();
    if let Some(news) = &profile.sliding {
        for name in news.headers.iter() {
            sliding.push(&JsValue::from_str(name));
        }
    }
    view.put("sliding", &sliding);
    // Whether tokens are granted in headers, which can then be read.
    view.flag("readable", Some(matches!(profile.token, TokenSource::Headers(_))));
    // Statuses by which it refuses a token.
    view.put("statuses", &refusing);
    // Whether it also refuses tokens by what its answers say.
    view.flag("speaks", Some(!(codes.is_empty() && messages.is_empty() && phrases.is_empty())));
    view.into()
}

/// The fields of a `TokenError`, for the face to make one of.
pub(crate) fn error_view(error: &TokenError) -> JsValue {
    let view = Plain::new();
    view.text("code", Some(error.code.as_str()));
    view.text("message", Some(&error.message));
    view.flag("retryable", error.outlook.map(|outlook| outlook == Outlook::MayPass));
    view.text("provider", error.provider.as_deref());
    view.number("status", error.status.map(f64::from));
    view.text("requestId", error.request_id.as_deref());
    view.number("retryAfterMs", error.retry_after.map(|span| number(millis(span))));
    if let Some(scopes) = &error.missing_scopes {
        view.put("missingScopes", &listed(scopes));
    }
    view.number("attempts", error.attempts.map(f64::from));
    view.into()
}

/// One event for listeners. `requested` are the scopes that were asked for, should the answer not
/// tell.
pub(crate) fn news_view(change: &Change, requested: &ScopeSet, provider: &str) -> JsValue {
    match change {
        Change::Token { reason, expires_at, scopes } => {
            let news = news("token");
            news.text("reason", Some(reason.as_str()));
            news.number("expiresAt", Some(expires_at.to_js()));
            news.put("scopes", &listed(scopes.as_ref().unwrap_or(requested)));
            news.into()
        }
        Change::Retry { attempt, delay, error } => {
            let news = news("retry");
            news.number("attempt", Some(f64::from(*attempt)));
            news.number("delayMs", Some(number(millis(*delay))));
            news.text("code", Some(error.code.as_str()));
            news.into()
        }
        Change::Error { error, remains } => {
            let news = news("error");
            news.put("error", &error_view(error));
            news.flag("tokenStillValid", Some(*remains == Remains::ValidToken));
            news.into()
        }
        Change::Expired => news("expired").into(),
        Change::ScopesMissing(missing) => warning(
            "insufficient_scope",
            &format!(
                "{provider} granted a token without {}; have these scopes granted to the application and the \
                 user, or ask for fewer",
                missing.listed()
            ),
        ),
        Change::StoreFailed(error) => warning(error.code.as_str(), &error.message),
        Change::Closed => news("close").into(),
    }
}

/// A long-lived secret is where everybody can read it.
pub(crate) fn secret_in_page() -> JsValue {
    warning(
        "secret_in_page",
        "a long-lived secret is used in a page, where anyone can read it; get tokens from your own server \
         instead",
    )
}

fn warning(code: &str, message: &str) -> JsValue {
    let news = news("warning");
    news.text("code", Some(code));
    news.text("message", Some(message));
    news.into()
}

fn news(kind: &str) -> Plain {
    let news = Plain::new();
    news.text("type", Some(kind));
    news
}

#[expect(clippy::cast_precision_loss, reason = "counts and milliseconds stay below 2^53")]
fn number(number: u64) -> f64 {
    number as f64
}

fn texts(texts: &[String]) -> Array {
    let list = Array::new();
    for text in texts {
        list.push(&JsValue::from_str(text));
    }
    list
}

/// Scopes as a list.
pub(crate) fn listed(scopes: &ScopeSet) -> Array {
    let list = Array::new();
    for scope in scopes.iter() {
        list.push(&JsValue::from_str(scope));
    }
    list
}
