//! What a user's own `grant` function gives.

use std::time::Duration;

use crate::{
    core::{ErrorCode, RefreshToken, ScopeSet, TokenError, TokenSet, UnixMillis, is_sendable},
    json::{Json, Platform},
    options::Given,
    provider::{Expiry, Profile, profile::words},
};

use super::{
    exchange::asked_for,
    jwt,
    lifetime::{Clock, issued},
};

/// Reads `{ accessToken, expiresAt | expiresInMs, refreshToken?, scopes? }`, given at
/// `now` to who asked for `scopes`. A lifetime that is not told is the profile's.
///
/// # Errors
///
/// `protocol`, where there is no token or it cannot be sent.
pub fn granted_by_function<F>(
    profile: &Profile,
    scopes: &ScopeSet,
    given: &Given<F>,
    now: UnixMillis,
    platform: Platform,
) -> Result<TokenSet, TokenError> {
    known(given).and_then(|granted| tokens(profile, scopes, &granted, now, platform)).map_err(|what| {
        let message = format!(
            "the `grant` function of {} gave {what}; it must resolve with {{ accessToken, expiresAt | expiresInMs, \
             refreshToken?, scopes? }}",
            profile.name
        );
        TokenError::new(ErrorCode::Protocol, message).of(&profile.name)
    })
}

/// What is read of the object that a function gives, or what it gave instead.
///
/// Whatever else is in there is the user's: often the whole answer of another SDK.
fn known<F>(given: &Given<F>) -> Result<Json, String> {
    let Given::Map(members) = given else { return Err(given.kind().to_owned()) };
    let mut known = Vec::new();
    for (key, value) in members {
        if KNOWN.contains(&key.as_str()) && !matches!(value, Given::Missing | Given::Null) {
            let value = value.to_json().ok_or_else(|| format!("a useless `{key}`"))?;
            known.push((key.clone(), value));
        }
    }
    Ok(Json::Map(known))
}

const KNOWN: [&str; 5] = ["accessToken", "expiresAt", "expiresInMs", "refreshToken", "scopes"];

fn tokens(
    profile: &Profile,
    scopes: &ScopeSet,
    granted: &Json,
    now: UnixMillis,
    platform: Platform,
) -> Result<TokenSet, String> {
    let text = |key| granted.get(key).and_then(Json::as_text).filter(|text| !text.is_empty());
    let token = text("accessToken").ok_or_else(|| "no `accessToken`".to_owned())?;
    if !is_sendable(token) {
        return Err("an `accessToken` with spaces or characters that cannot be sent".to_owned());
    }
    let expiry = if granted.get("expiresInMs").is_some() { &WITHIN } else { &AT };
    let stamp = jwt::stamp(token, platform);
    let clock = Clock::from(now, now, None, stamp);
    let mut tokens = issued(token, Some(expiry), profile.lifetime, clock, Some(granted), stamp);
    tokens.refresh_token = text("refreshToken").map(RefreshToken::new);
    let told = granted.get("scopes").map_or(&[][..], Json::items);
    let told: ScopeSet = told.iter().filter_map(Json::as_text).collect();
    tokens.scopes = if told.is_empty() { asked_for(profile, scopes) } else { Some(told) };
    Ok(tokens)
}

static WITHIN: Expiry = Expiry::ExpiresIn { paths: words(&["expiresInMs"]), unit: Duration::from_millis(1) };
static AT: Expiry = Expiry::ExpiresAt { paths: words(&["expiresAt"]) };
