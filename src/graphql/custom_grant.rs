//! Result of a user-supplied `grant` function.

use std::{rc::Rc, time::Duration};

use crate::{
    core::{ErrorCode, RefreshToken, ScopeSet, TokenError, TokenSet, UnixMillis, is_sendable},
    json::{Json, Platform},
    provider::{ExpiryField, Profile, profile::strings},
};

use super::{
    expiry::{ProviderClock, token_with_lifetime},
    grant_exchange::requested_scopes,
    jwt,
};

/// Reads `{ accessToken, expiresAt | expiresInMs, refreshToken?, scopes? }`, resolved at `now` for the requested
/// `scopes`. The lifetime is that of the profile where the result has none.
///
/// # Errors
///
/// `protocol` where the token is missing or cannot be sent.
pub fn token_from_function(
    profile: &Profile,
    scopes: &ScopeSet,
    given: &Json,
    now: UnixMillis,
    platform: Platform,
) -> Result<Rc<TokenSet>, TokenError> {
    check_shape(given).and_then(|()| token_set(profile, scopes, given, now, platform)).map_err(|what| {
        let message = format!(
            "the `grant` function of {} gave {what}; it must resolve with {{ accessToken, expiresAt | expiresInMs, \
             refreshToken?, scopes? }}",
            profile.name
        );
        TokenError::new(ErrorCode::Protocol, message).of(&profile.name)
    })
}

/// Rejects values other than objects, and members of the wrong type.
///
/// Other members are ignored: the result is often the complete response of another SDK.
fn check_shape(given: &Json) -> Result<(), String> {
    let Json::Map(members) = given else { return Err(given.kind().to_owned()) };
    for (key, value) in members {
        if MEMBERS.contains(&key.as_str()) && is_present(value) && !value.is_json() {
            return Err(format!("a useless `{key}`"));
        }
        // If a string were ignored, a token with more scopes would be stored as one with the requested scopes.
        if key == "scopes" && is_present(value) && !is_list_of_strings(value) {
            return Err("`scopes` that are not an array of strings".to_owned());
        }
    }
    Ok(())
}

fn is_list_of_strings(value: &Json) -> bool {
    matches!(value, Json::List(items) if items.iter().all(|item| item.as_text().is_some()))
}

fn is_present(value: &Json) -> bool {
    !matches!(value, Json::Missing | Json::Null)
}

const MEMBERS: [&str; 5] = ["accessToken", "expiresAt", "expiresInMs", "refreshToken", "scopes"];

fn token_set(
    profile: &Profile,
    scopes: &ScopeSet,
    granted: &Json,
    now: UnixMillis,
    platform: Platform,
) -> Result<Rc<TokenSet>, String> {
    let text = |key| granted.get(key).and_then(Json::as_text).filter(|text| !text.is_empty());
    let token = text("accessToken").ok_or_else(|| "no `accessToken`".to_owned())?;
    if !is_sendable(token) {
        return Err("an `accessToken` with spaces or characters that cannot be sent".to_owned());
    }
    let expiry = if granted.get("expiresInMs").is_some_and(is_present) { &EXPIRES_IN } else { &EXPIRES_AT };
    let claims = jwt::claimed_times(token, platform);
    let clock = ProviderClock::of_this_device(now, claims);
    let mut tokens = token_with_lifetime(token, Some(expiry), profile.lifetime, clock, Some(granted), claims)
        .map_err(|path| format!("an `{path}` that cannot be read"))?;
    Rc::make_mut(&mut tokens).refresh_token = text("refreshToken").map(RefreshToken::new);
    let granted_scopes = ScopeSet::from_external(&mut granted.get("scopes").unwrap_or(&Json::Null).texts())?;
    Rc::make_mut(&mut tokens).scopes =
        if granted_scopes.is_empty() { requested_scopes(profile, scopes) } else { Some(granted_scopes) };
    Ok(tokens)
}

static EXPIRES_IN: ExpiryField =
    ExpiryField::ExpiresIn { paths: strings("expiresInMs"), unit: Duration::from_millis(1) };
static EXPIRES_AT: ExpiryField = ExpiryField::ExpiresAt { paths: strings("expiresAt") };
