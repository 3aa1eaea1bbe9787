//! The tokens that a renewal presents.
//!
//! Some APIs renew a token with the access token itself, alone or beside a refresh token. Such an access token follows the
//! rules of a refresh token, because it renews nothing once it was rejected or has expired. The two are therefore kept as
//! one refresh token, separated by a line break, which neither can contain.

use crate::{core::RefreshToken, provider::Profile};

/// Returns what the next renewal presents, from the tokens of a response; `None` if there is nothing to present.
pub(super) fn token_to_present(
    profile: &Profile,
    access_token: &str,
    refresh_token: Option<&str>,
) -> Option<RefreshToken> {
    let renew = profile.renew.as_ref()?;
    if renew.presents_access_token() {
        let both = [access_token, "\n", refresh_token.unwrap_or_default()].concat();
        return Some(RefreshToken::new(both));
    }
    refresh_token.map(RefreshToken::new)
}

/// Returns the access token and the refresh token of [`token_to_present`].
pub(super) fn presented_tokens(presented: &RefreshToken) -> (Option<&str>, Option<&str>) {
    match presented.expose().split_once('\n') {
        Some((access_token, refresh_token)) => {
            (Some(access_token), Some(refresh_token).filter(|token| !token.is_empty()))
        }
        None => (None, Some(presented.expose())),
    }
}
