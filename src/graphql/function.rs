//! What a user's own `grant` function gives.

use std::time::Duration;

use crate::{
    core::{
        AccessToken, ErrorCode, RefreshToken, ScopeSet, Secret, TokenError, TokenSet, UnixMillis, is_sendable,
    },
    http::HttpResponse,
    json::{Json, Platform},
    provider::{Expiry, Profile, profile::words},
};

use super::{exchange::asked_for, jwt, lifetime::validity};

/// Reads `{ accessToken, expiresAt | expiresInMs, refreshToken?, scopes? }`, given at
/// `now` to who asked for `scopes`. A lifetime that is not told is the profile's.
///
/// # Errors
///
/// `protocol`, where there is no token or it cannot be sent.
pub fn granted_by_function(
    profile: &Profile,
    scopes: &ScopeSet,
    given: &Json,
    now: UnixMillis,
    platform: Platform,
) -> Result<TokenSet, TokenError> {
    let wrong = |what: String| {
        let message = format!(
            "the `grant` function of {} gave {what}; it must resolve with {{ accessToken, expiresAt | expiresInMs, \
             refreshToken?, scopes? }}",
            profile.name
        );
        TokenError::new(ErrorCode::Protocol, message).of(&profile.name)
    };
    if !matches!(given, Json::Map(_)) {
        return Err(wrong(given.kind().to_owned()));
    }
    let is_told = |value: &Json| !matches!(value, Json::Missing | Json::Null);
    // Whatever else is in there is the user's: often the whole answer of another SDK.
    for (key, value) in given.members() {
        if KNOWN.contains(&key.as_str()) && is_told(value) && !value.is_json() {
            return Err(wrong(format!("a useless `{key}`")));
        }
    }
    let get = |key: &str| given.get(key).filter(|value| is_told(value));
    let text = |key: &str| get(key).and_then(Json::as_text).filter(|text| !text.is_empty());
    let token = text("accessToken").ok_or_else(|| wrong("no `accessToken`".to_owned()))?;
    if !is_sendable(token) {
        return Err(wrong("an `accessToken` with spaces or characters that cannot be sent".to_owned()));
    }
    let stamp = jwt::stamp(token, platform);
    let told = ["expiresInMs", "expiresAt"].into_iter().find(|key| get(key).is_some());
    let expiry = told.map(|key| match key {
        "expiresInMs" => Expiry::ExpiresIn { paths: words(&["expiresInMs"]), unit: Duration::from_millis(1) },
        _ => Expiry::ExpiresAt { paths: words(&["expiresAt"]) },
    });
    let response = HttpResponse {
        status: 200,
        headers: Vec::new(),
        body: Secret::new(""),
        sent_at: now,
        received_at: now,
    };
    let validity = validity(expiry.as_ref(), profile.lifetime, &response, Some(given), stamp);
    let told = get("scopes").map(|list| list.texts().collect::<ScopeSet>());
    Ok(TokenSet {
        access_token: AccessToken::new(token),
        refresh_token: text("refreshToken").map(RefreshToken::new),
        scopes: told.filter(|told| !told.is_empty()).or_else(|| asked_for(profile, scopes)),
        issued_at: now,
        expires_at: validity.expires_at,
        provider_clock: validity.provider_clock,
        stamp,
    })
}

/// What is read of the object that a function gives.
const KNOWN: [&str; 5] = ["accessToken", "expiresAt", "expiresInMs", "refreshToken", "scopes"];
