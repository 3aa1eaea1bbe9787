//! Refresh tokens of user-supplied profiles: `provider.refreshToken`.

use super::{
    OptionReader,
    custom::{PATH, SecretCollector, cookie_name},
    expiry::{self, EXPIRY},
};
use crate::{
    core::RefreshTokenRotation,
    provider::{Profile, RefreshTokenExpiry, StringList},
};

const REFRESH_TOKEN: &str = "{ data: path } or { cookie: name }";

/// Reads `refreshToken` of `provider`, after `renew`.
pub(super) fn read(provider: &OptionReader<'_>, profile: &mut Profile, secrets: &mut SecretCollector) {
    let Some(given) = provider.map("refreshToken", REFRESH_TOKEN) else { return };
    given.allow_only("data cookie initial expiry rotation");
    let (paths, cookie) = (given.path_list("data", PATH), cookie_name(&given));
    if cookie.is_some() {
        for key in ["data", "initial"] {
            if given.get(key).is_some() {
                given.report_at(key, &["and `cookie` exclude each other; give one of them"]);
            }
        }
    } else if paths.is_none() {
        given.report_invalid("data", PATH);
    }
    profile.refresh_rules.cookie = cookie;
    profile.refresh_token = StringList::Owned(paths.unwrap_or_default());
    let rules = &mut profile.refresh_rules;
    rules.rotation = rotation(&given, "rotation");
    rules.expiry = given.map("expiry", EXPIRY).map(|described| {
        let expiry = expiry::read(&given, &described);
        RefreshTokenExpiry { field: expiry.field, lifetime: expiry.lifetime }
    });
    if given.get("initial").is_some() {
        initial(provider, &given, profile, secrets);
    }
}

/// Reads the keyword of a rotation.
pub(super) fn rotation(given: &OptionReader<'_>, key: &str) -> RefreshTokenRotation {
    match given.keyword(key, "strict retry-previous") {
        Some("retry-previous") => RefreshTokenRotation::RetryPrevious,
        _ => RefreshTokenRotation::Strict,
    }
}

/// Reads the first refresh token, with which an application was authorized elsewhere.
fn initial(
    provider: &OptionReader<'_>,
    given: &OptionReader<'_>,
    profile: &mut Profile,
    secrets: &mut SecretCollector,
) {
    let secret = secrets.add(given.path("initial"), given.secret("initial", "the first refresh token"));
    let Some(renew) = profile.renew.as_ref().filter(|renew| !renew.presents_access_token()) else {
        return given.report_at(
            "initial",
            &["needs a `renew` that presents \"$refreshToken\", and no \"$accessToken\"; describe it, or leave this out"],
        );
    };
    let operation = renew.with_refresh_token(secret);
    let rules = &mut profile.refresh_rules;
    rules.has_initial = true;
    if provider.get("authenticate").is_some() {
        rules.initial = Some(Box::new((operation, secret)));
    } else {
        profile.authenticate = operation;
        profile.advice = "`refreshToken.initial`; the application may have to be authorized again";
    }
}
