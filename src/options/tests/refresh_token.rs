//! `provider.refreshToken`.

use std::time::Duration;

use super::{Value, accepted, custom::full, list, map, rejected, text, texts};
use crate::{
    core::{RefreshTokenRotation, Scoping},
    json::Json,
    options::RawValue,
    provider::{
        Authorization, ExpiryField, RefreshTokenExpiry, SecretId, SelectorPolicy, TokenSource, Variable,
        profile::strings,
    },
};

fn expiry(described: Value) -> Option<RefreshTokenExpiry> {
    accepted(&full().with("provider.refreshToken.expiry", described)).profile.refresh_rules.expiry
}

#[test]
fn the_expiry_of_refresh_tokens_has_the_shapes_of_an_expiry() {
    let (field, lifetime) = (None, None);
    let jwt = expiry(map([("jwt", RawValue::Bool(true))]));
    assert_eq!(jwt, Some(RefreshTokenExpiry { field, lifetime }));
    let paths = strings("login.end|renew.end");
    let at = expiry(map([("expiresAt", texts(&["login.end", "renew.end"]))]));
    let field = Some(ExpiryField::ExpiresAt { paths: paths.clone() });
    assert_eq!(at, Some(RefreshTokenExpiry { field, lifetime }));
    let within = expiry(map([("expiresIn", texts(&["login.end", "renew.end"]))]));
    let field = Some(ExpiryField::ExpiresIn { paths, unit: Duration::from_secs(1) });
    assert_eq!(within, Some(RefreshTokenExpiry { field, lifetime }));
    let declared = expiry(map([("lifetimeMs", RawValue::Number(86_400_000.0))]));
    let lifetime = Some(Duration::from_secs(86_400));
    assert_eq!(declared, Some(RefreshTokenExpiry { field: None, lifetime }));
    assert_eq!(accepted(&full()).profile.refresh_rules.expiry, None);
}

#[test]
fn a_wrong_expiry_of_refresh_tokens_is_rejected() {
    let path = "provider.refreshToken.expiry";
    for (given, key) in [
        (map([]), path),
        (map([("jwt", RawValue::Bool(true)), ("expiresAt", text("end"))]), path),
        (text("end"), path),
        (map([("at", text("end"))]), "provider.refreshToken.expiry.at"),
        (
            map([("jwt", RawValue::Bool(true)), ("unit", text("seconds"))]),
            "provider.refreshToken.expiry.unit",
        ),
    ] {
        assert_eq!(rejected(&full().with(path, given)), key);
    }
}

#[test]
fn a_rotation_is_strict_unless_it_is_given() {
    let given = |word| accepted(&full().with("provider.refreshToken.rotation", text(word))).policy.rotation;

    assert_eq!(accepted(&full()).policy.rotation, RefreshTokenRotation::Strict);
    assert_eq!(given("strict"), RefreshTokenRotation::Strict);
    assert_eq!(given("retry-previous"), RefreshTokenRotation::RetryPrevious);
    let path = "provider.refreshToken.rotation";
    assert_eq!(rejected(&full().with(path, text("retry"))), path);
    assert_eq!(
        rejected(&full().with("provider.refreshToken.reuse", text("strict"))),
        "provider.refreshToken.reuse"
    );
}

#[test]
fn a_first_refresh_token_is_presented_by_the_renewal() {
    let config = accepted(&full().with("provider.refreshToken.initial", RawValue::Function("authorized")));

    let profile = config.profile;
    assert_eq!(profile.authenticate.document, "mutation login");
    let initial = profile.refresh_rules.initial.as_ref().expect("an operation");
    assert_eq!(initial.0.document, "mutation renew");
    assert_eq!(initial.0.variables, [("refresh".into(), Variable::Secret(SecretId(2)))]);
    assert_eq!(initial.1, SecretId(2));
    assert_eq!(profile.secrets.get(2), Some("provider.refreshToken.initial"));
    assert_eq!(profile.selector_policy, SelectorPolicy::Nothing);
}

#[test]
fn with_a_first_refresh_token_there_may_be_no_credentials() {
    let given = full().without("provider.authenticate");
    let renew = map([
        ("document", text("mutation renew")),
        (
            "variables",
            map([("in", list([map([("refresh", text("$refreshToken")), ("all", text("$scopes"))])]))]),
        ),
        ("authorization", map([("bearer", text("$refreshToken"))])),
    ]);
    let given = given.with("provider.renew", renew);
    let profile = accepted(&given.clone().with("provider.refreshToken.initial", text("planted"))).profile;

    assert_eq!(profile.authenticate.document, "mutation renew");
    let item = Variable::Map(vec![
        ("refresh".into(), Variable::Secret(SecretId(0))),
        ("all".into(), Variable::Scopes),
    ]);
    assert_eq!(profile.authenticate.variables, [("in".into(), Variable::List(vec![item]))]);
    assert_eq!(profile.authenticate.authorization, Authorization::Bearer(SecretId(0)));
    assert_eq!(profile.scoping(), Scoping::Fixed, "one refresh token is valid for one session");
    assert!(profile.refresh_rules.initial.is_none());
    assert_eq!(rejected(&given), "provider.authenticate");
}

#[test]
fn a_first_refresh_token_needs_a_renewal_that_presents_it_alone() {
    let path = "provider.refreshToken.initial";
    let both = map([("a", text("$accessToken")), ("r", text("$refreshToken"))]);

    for options in [
        full().without("provider.renew").with(path, text("planted")),
        full().with("provider.renew.variables", both).with(path, text("planted")),
        full().with(path, text("")),
        full().with(path, text("$refreshToken")),
        full().with(path, Json::Number(7.0)),
    ] {
        assert_eq!(rejected(&options), path);
    }
}

#[test]
fn tokens_may_be_in_cookies() {
    let profile = accepted(
        &full()
            .with("provider.token", map([("cookie", text("access"))]))
            .with("provider.refreshToken", map([("cookie", text("refresh"))]))
            .with("provider.renew.variables", map([]))
            .with("provider.present", map([("cookie", text("access"))])),
    )
    .profile;

    assert_eq!(profile.token, TokenSource::Cookie("access".to_owned()));
    assert_eq!(profile.refresh_rules.cookie.as_deref(), Some("refresh"));
    assert_eq!(profile.presentation.header, "cookie");
    assert_eq!(profile.presentation.value("opaque"), "access=opaque");
    assert!(profile.reads_cookies() && profile.uses_cookies());
}

#[test]
fn a_cookie_names_the_token_to_revoke() {
    let revoke = map([("document", text("mutation { logout }"))]);
    let given = full().with("provider.revoke", revoke);
    let in_cookie = given.clone().with("provider.refreshToken", map([("cookie", text("refresh"))]));

    assert!(accepted(&in_cookie).profile.revocation.is_some());
    assert_eq!(rejected(&given), "provider.revoke");
    let elsewhere = in_cookie.with("provider.revoke.endpoint", text("https://id.acme.test/graphql"));
    assert_eq!(rejected(&elsewhere), "provider.revoke");
}

#[test]
fn a_wrong_cookie_is_rejected() {
    let name = |name| map([("cookie", text(name))]);
    let in_cookie = full().with("provider.refreshToken", name("refresh"));
    let elsewhere = text("https://id.acme.test/graphql");
    for (options, key) in [
        (full().with("provider.token.cookie", text("access")), "provider.token"),
        (full().with("provider.token", name("a b")), "provider.token.cookie"),
        (full().with("provider.token", name("a=b")), "provider.token.cookie"),
        (full().with("provider.refreshToken.cookie", text("refresh")), "provider.refreshToken.data"),
        (
            in_cookie.clone().with("provider.refreshToken.initial", text("planted")),
            "provider.refreshToken.initial",
        ),
        (in_cookie.clone().with("provider.renew.endpoint", elsewhere), "provider.renew"),
        (in_cookie.with("provider.headers", map([("Cookie", text("refresh=own"))])), "headers"),
        (
            full().with("provider.present", map([("cookie", text("access")), ("scheme", text("JWT"))])),
            "provider.present.cookie",
        ),
        (full().with("provider.present", map([("header", text("Cookie"))])), "provider.present.header"),
    ] {
        assert_eq!(rejected(&options), key);
    }
}
