//! New tokens that come with ordinary answers.

use std::rc::Rc;

use crate::{
    core::{TokenSet, is_sendable},
    http::HttpResponse,
    json::Platform,
    provider::{Profile, TokenShape},
};

use super::{
    expiry::{ProviderClock, issued},
    grant_exchange::bearer,
    jwt,
};

/// The token that an ordinary answer brings, if it brings one.
///
/// `response` needs no body. A refusal or an outage brings none, whatever headers it
/// has. Whether the token is newer than the one held is the core's to decide.
pub fn observe(profile: &Profile, response: &HttpResponse, platform: Platform) -> Option<Rc<TokenSet>> {
    let sliding = profile.sliding.as_ref()?;
    let refused = profile.signals.refused.statuses.contains(&response.status) || response.status == 403;
    if refused || response.status >= 500 {
        return None;
    }
    let token = sliding.headers.iter().find_map(|name| bearer(response.header(name)?))?;
    let fits = match sliding.shape {
        TokenShape::Jwt => jwt::looks_like_jwt(token),
        TokenShape::Any => true,
    };
    if !fits || !is_sendable(token) {
        return None;
    }
    let stamp = jwt::stamp(token, platform);
    issued(token, profile.expiry.as_ref(), profile.lifetime, ProviderClock::of(response, stamp), None, stamp)
        .ok()
}
