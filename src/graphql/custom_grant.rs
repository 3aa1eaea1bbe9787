//! What a user's own `grant` function gives.

use std::{rc::Rc, time::Duration};

use crate::{
    core::{ErrorCode, RefreshToken, ScopeSet, TokenError, TokenSet, UnixMillis, is_sendable},
    json::{Json, Platform},
    provider::{ExpiryField, Profile, profile::words},
};

use super::{
    expiry::{ProviderClock, issued},
    grant_exchange::asked_for,
    jwt,
};

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
) -> Result<Rc<TokenSet>, TokenError> {
    check(given).and_then(|()| tokens(profile, scopes, given, now, platform)).map_err(|what| {
        let message = format!(
            "the `grant` function of {} gave {what}; it must resolve with {{ accessToken, expiresAt | expiresInMs, \
             refreshToken?, scopes? }}",
            profile.name
        );
        TokenError::new(ErrorCode::Protocol, message).of(&profile.name)
    })
}

/// Refuses what is no object, or holds something useless.
///
/// Whatever else is in there is the user's: often the whole answer of another SDK.
fn check(given: &Json) -> Result<(), String> {
    let Json::Map(members) = given else { return Err(given.kind().to_owned()) };
    for (key, value) in members {
        if KNOWN.contains(&key.as_str()) && is_told(value) && !value.is_json() {
            return Err(format!("a useless `{key}`"));
        }
        // Ignored, a text would make a token with more scopes pass for one with those that were asked for.
        if key == "scopes" && is_told(value) && !is_list_of_texts(value) {
            return Err("`scopes` that are not an array of strings".to_owned());
        }
    }
    Ok(())
}

fn is_list_of_texts(value: &Json) -> bool {
    matches!(value, Json::List(items) if items.iter().all(|item| item.as_text().is_some()))
}

fn is_told(value: &Json) -> bool {
    !matches!(value, Json::Missing | Json::Null)
}

const KNOWN: [&str; 5] = ["accessToken", "expiresAt", "expiresInMs", "refreshToken", "scopes"];

fn tokens(
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
    let expiry = if granted.get("expiresInMs").is_some_and(is_told) { &WITHIN } else { &AT };
    let stamp = jwt::stamp(token, platform);
    let clock = ProviderClock::of_this_device(now, stamp);
    let mut tokens = issued(token, Some(expiry), profile.lifetime, clock, Some(granted), stamp)
        .map_err(|path| format!("an `{path}` that cannot be read"))?;
    Rc::make_mut(&mut tokens).refresh_token = text("refreshToken").map(RefreshToken::new);
    let told = ScopeSet::from_external(&mut granted.get("scopes").unwrap_or(&Json::Null).texts())?;
    Rc::make_mut(&mut tokens).scopes = if told.is_empty() { asked_for(profile, scopes) } else { Some(told) };
    Ok(tokens)
}

static WITHIN: ExpiryField =
    ExpiryField::ExpiresIn { paths: words("expiresInMs"), unit: Duration::from_millis(1) };
static AT: ExpiryField = ExpiryField::ExpiresAt { paths: words("expiresAt") };
