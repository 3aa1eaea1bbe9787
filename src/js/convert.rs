//! JavaScript objects with the property names of the public API.
//!
//! All are created from [`Json`], because one serializer is smaller than one for each type.

use js_sys::Array;
use wasm_bindgen::JsValue;

use crate::{
    core::{Event, Freshness, RefreshToken, Retryability, ScopeSet, Status, TokenError, UnixMillis, millis},
    host::{PLATFORM, to_js},
    json::Json,
    options::{Config, SecretSource},
    provider::{
        ExpectedValue, ExpiryField, GrantProtocol, Profile, RotationHeader, SameSession, TokenSource,
    },
};

/// Creates the result of `status()`.
pub(crate) fn status_to_js(status: &Status, sessions: usize) -> JsValue {
    let state = match status.freshness {
        None => "empty",
        Some(Freshness::Fresh) => "fresh",
        Some(Freshness::RefreshDue) => "refresh-due",
        Some(Freshness::Expired) => "expired",
    };
    let mut fields = Fields::default();
    fields.text("state", Some(state));
    fields.flag("refreshing", Some(status.refreshing));
    fields.number("issuedAt", status.lifetime.map(|(issued_at, _)| issued_at.to_js()));
    fields.number("expiresAt", status.lifetime.map(|(_, expires_at)| expires_at.to_js()));
    fields.number("refreshAt", status.refresh_at.map(UnixMillis::to_js));
    // Used in JavaScript, and not part of the public API.
    fields.number("dueAt", status.due_at.map(UnixMillis::to_js));
    if let Some(error) = &status.last_error {
        fields.put("lastError", error_fields(error));
    }
    fields.number("grants", Some(number(status.grants)));
    fields.number("failures", Some(number(status.failures)));
    fields.number("sessions", Some(number(sessions as u64)));
    fields.into_js()
}

/// Creates the properties of the API that JavaScript needs in order to send requests to it.
pub(crate) fn api_profile_to_js(config: &Config) -> JsValue {
    let Config { profile, origins, .. } = config;
    let rejected = &profile.error_rules.rejected;
    let mut headers = Vec::new();
    let mut secret_headers = Vec::new();
    for (name, source) in &profile.headers {
        match source {
            SecretSource::Text(value) => {
                headers.push(Json::list_of(&mut [name.as_str(), value.expose()].into_iter()));
            }
            SecretSource::Function(_) => secret_headers.push(name.as_str()),
        }
    }
    let mut rejection_statuses = Vec::new();
    for status in rejected.statuses.iter() {
        rejection_statuses.push(Json::Number(f64::from(*status)));
    }
    let mut fields = Fields::default();
    fields.text("name", Some(&profile.name));
    fields.text("endpoint", Some(&profile.endpoint));
    fields.text("grantUrl", Some(profile.grant_url()));
    fields.put("origins", Json::list_of(&mut origins.iter().map(String::as_str)));
    fields.put("headers", Json::List(headers));
    // The names of those with values that functions return, in the order of `HeaderSecrets`.
    fields.put("secretHeaders", Json::list_of(&mut secret_headers.into_iter()));
    // The headers that may contain a newer token.
    let rotation = profile.rotation.as_ref().map(|rotation| Json::list_of(&mut rotation.headers.iter()));
    fields.put("rotationHeaders", rotation.unwrap_or_else(|| Json::List(Vec::new())));
    // The paths below `data` of values that show that the session has not ended.
    let mut session_paths = Json::List(Vec::new());
    if let Some(RotationHeader { same_session: SameSession::Data(paths), .. }) = &profile.rotation {
        session_paths = Json::list_of(&mut paths.iter());
    }
    fields.put("sessionPaths", session_paths);
    // True if tokens are granted in headers, so that rotated ones can be read.
    fields.flag("tokenInHeader", Some(matches!(profile.token, TokenSource::Headers(_))));
    // True if the API revokes tokens.
    fields.flag("revokes", Some(profile.revocation.is_some()));
    // What errors may quote of grants, where tokens and scopes are in their responses, and whether errors are quoted.
    fields.put("quotable", Json::list_of(&mut profile.quotable.iter().copied()));
    fields.put("scopePaths", Json::list_of(&mut profile.scopes.iter()));
    let mut tokens: Vec<_> = profile.refresh_token.iter().collect();
    if let TokenSource::Data(paths) = &profile.token {
        tokens.extend(paths.iter());
    }
    fields.put("tokenPaths", Json::list_of(&mut tokens.into_iter()));
    fields.flag("quotesErrors", Some(config.quotes_errors));
    // The header of requests that contains the token, and the scheme before it.
    fields.text("tokenHeader", Some(&profile.presentation.header));
    fields.text("tokenScheme", Some(&profile.presentation.scheme));
    // The statuses that reject a token.
    fields.put("rejectionStatuses", Json::List(rejection_statuses));
    // True if bodies of responses may also reject a token.
    fields.flag("rejectsInBody", Some(rejected.concerns_body()));
    // The values that reject a token, each with its path below `data`.
    let value_of =
        |expected: &ExpectedValue| Json::List(vec![Json::text(&expected.path), expected.is.clone()]);
    fields.put("rejectionValues", Json::List(rejected.data.iter().map(value_of).collect()));
    fields.into_js()
}

/// Creates the fields of a `TokenError`, which JavaScript constructs from them.
pub(crate) fn error_to_js(error: &TokenError) -> JsValue {
    let mut fields = error_fields(error);
    if let (Json::Map(members), Some(cause)) = (&mut fields, &error.cause) {
        members.push(("cause".to_owned(), Json::text(cause)));
    }
    to_js(&fields)
}

fn error_fields(error: &TokenError) -> Json {
    let mut fields = Fields::default();
    fields.text("code", Some(error.code.as_str()));
    fields.text("message", Some(&error.message));
    fields.flag("retryable", Some(error.retryability() == Retryability::Retryable));
    fields.text("provider", error.provider.as_deref());
    fields.number("status", error.status.map(f64::from));
    fields.text("requestId", error.request_id.as_deref());
    fields.number("retryAfterMs", error.retry_after.map(|span| number(millis(span))));
    if let Some(scopes) = &error.missing_scopes {
        fields.put("missingScopes", Json::list_of(&mut scopes.iter()));
    }
    fields.number("attempts", error.attempts.map(f64::from));
    if let Some(errors) =
        error.provider_errors.as_ref().and_then(|errors| (PLATFORM.parse_json)(&errors.json))
    {
        fields.put("providerErrors", errors);
    }
    Json::Map(fields.0)
}

/// Creates an event for listeners. `requested` are the scopes that apply if the response named none.
pub(crate) fn event_to_js(event: &Event, requested: &ScopeSet, provider: &str) -> JsValue {
    let fields = || {
        let mut fields = Fields::default();
        fields.text("type", Some(event.name()));
        fields
    };
    match event {
        Event::Token { reason, expires_at, scopes } => {
            let mut fields = fields();
            fields.text("reason", Some(reason.as_str()));
            fields.number("expiresAt", Some(expires_at.to_js()));
            fields.put("scopes", Json::list_of(&mut scopes.as_ref().unwrap_or(requested).iter()));
            fields.into_js()
        }
        Event::Retry { attempt, delay, error } => {
            let mut fields = fields();
            fields.number("attempt", Some(f64::from(*attempt)));
            fields.number("delayMs", Some(number(millis(*delay))));
            fields.text("code", Some(error.code.as_str()));
            fields.into_js()
        }
        Event::Error { error, token_still_valid } => {
            let mut fields = fields();
            fields.put("error", error_fields(error));
            fields.flag("tokenStillValid", Some(*token_still_valid));
            fields.into_js()
        }
        Event::Cleared | Event::Expired | Event::Closed => fields().into_js(),
        Event::ScopesMissing(missing) => warning(
            "insufficient_scope",
            &format!(
                "{provider} granted a token without {}; have these scopes granted to the application and the \
                 user, or ask for fewer",
                missing.listed()
            ),
        ),
        Event::StoreFailed(error) => warning(error.code.as_str(), &error.message),
    }
}

/// Creates the warning about a long-lived secret in a page, where its users can read it.
pub(crate) fn secret_in_page_warning() -> JsValue {
    warning(
        "secret_in_page",
        "a long-lived secret is used in a page, where anyone can read it; get tokens from your own server \
         instead",
    )
}

/// Creates the warning that nothing states the lifetime of tokens.
pub(crate) fn assumed_lifetime_warning(profile: &Profile) -> JsValue {
    let paths = match &profile.expiry {
        Some(ExpiryField::ExpiresIn { paths, .. } | ExpiryField::ExpiresAt { paths }) => {
            let prefix = if profile.authenticate.protocol == GrantProtocol::GraphQl { "data." } else { "" };
            let separator = ["` or `", prefix].concat();
            let paths = paths.iter().collect::<Vec<_>>().join(&separator);
            ["there is nothing at `", prefix, &paths, "`"].concat()
        }
        None => "the token is no JWT with `exp`".to_owned(),
    };
    let message = format!(
        "{} does not state how long its tokens live: {paths}; {} s are assumed; check `provider.expiry`, or set `lifetimeMs`",
        profile.name,
        profile.lifetime.span().as_secs()
    );
    warning("expiry_unknown", &message)
}

fn warning(code: &str, message: &str) -> JsValue {
    let mut fields = Fields::default();
    fields.text("type", Some("warning"));
    fields.text("code", Some(code));
    fields.text("message", Some(message));
    fields.into_js()
}

#[expect(clippy::cast_precision_loss, reason = "counts and milliseconds stay below 2^53")]
fn number(number: u64) -> f64 {
    number as f64
}

/// Properties in insertion order. Missing values are omitted.
#[derive(Default)]
struct Fields(Vec<(String, Json)>);

impl Fields {
    fn put(&mut self, key: &str, value: Json) {
        self.0.push((key.to_owned(), value));
    }

    fn text(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.put(key, Json::text(text));
        }
    }

    fn number(&mut self, key: &str, number: Option<f64>) {
        if let Some(number) = number {
            self.put(key, Json::Number(number));
        }
    }

    fn flag(&mut self, key: &str, flag: Option<bool>) {
        if let Some(flag) = flag {
            self.put(key, Json::Bool(flag));
        }
    }

    fn into_js(self) -> JsValue {
        to_js(&Json::Map(self.0))
    }
}

/// Converts a refresh token; `undefined` if there is none.
pub(crate) fn refresh_token_to_js(token: Option<&RefreshToken>) -> JsValue {
    token.map(RefreshToken::expose).into()
}

/// Converts scopes to an array.
pub(crate) fn scopes_to_js(scopes: &ScopeSet) -> Array {
    let list = Array::new();
    for scope in scopes.iter() {
        list.push(&JsValue::from_str(scope));
    }
    list
}
