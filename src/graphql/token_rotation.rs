//! New tokens in API responses.

use std::rc::Rc;

use crate::{
    core::{TokenSet, is_sendable},
    http::HttpResponse,
    json::Platform,
    provider::{Profile, TokenShape},
};

use super::{
    expiry::{ProviderClock, token_with_lifetime},
    grant_exchange::bearer,
    jwt,
};

/// Returns the new token of an API response, if there is one.
///
/// Only the headers of `response` are read. Rejections and outages never contain a new token. The core decides whether
/// the token is newer than the cached one.
pub fn rotated_token(profile: &Profile, response: &HttpResponse, platform: Platform) -> Option<Rc<TokenSet>> {
    let rotation = profile.rotation.as_ref()?;
    let is_rejected =
        profile.error_rules.rejected.statuses.contains(&response.status) || response.status == 403;
    if is_rejected || response.status >= 500 {
        return None;
    }
    let token = rotation.headers.iter().find_map(|name| bearer(response.header(name)?))?;
    let fits = match rotation.shape {
        TokenShape::Jwt => jwt::looks_like_jwt(token),
        TokenShape::Any => true,
    };
    if !fits || !is_sendable(token) {
        return None;
    }
    let claims = jwt::claimed_times(token, platform);
    token_with_lifetime(
        token,
        profile.expiry.as_ref(),
        profile.lifetime,
        ProviderClock::of(response, claims),
        None,
        claims,
    )
    .ok()
}
