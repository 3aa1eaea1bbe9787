//! Results of a user-supplied `grant` function.

use std::rc::Rc;

use crate::{
    core::ErrorCode,
    graphql::token_from_function,
    options::RawValue,
    provider::{Lifetime, SelectorPolicy},
};

use super::{custom::acme, *};

/// A JavaScript value; functions are represented by their type only.
type Value = RawValue;

fn text(text: &str) -> Value {
    RawValue::Text(text.to_owned().into())
}

fn object(members: &[(&str, Value)]) -> Value {
    RawValue::Map(members.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
}

/// Returns the token of a function with this result.
fn granted(given: &Value) -> Result<Rc<TokenSet>, TokenError> {
    let profile = Profile { lifetime: Lifetime::Default(15 * MINUTE), ..acme() };
    token_from_function(&profile, &ScopeSet::default(), given, NOW, PLATFORM)
}

/// Returns a token with these members.
fn with(members: &[(&str, Value)]) -> Value {
    object(&[&[("accessToken", text("planted-token"))], members].concat())
}

#[test]
fn reads_a_token_with_all_members() {
    let scopes = RawValue::List(vec![text("write"), text("read")]);

    let token = granted(&with(&[
        ("expiresInMs", RawValue::Number(90_000.0)),
        ("refreshToken", text("planted-refresh-token")),
        ("scopes", scopes),
    ]))
    .unwrap();

    assert_eq!(token.access_token.expose(), "planted-token");
    assert_eq!(token.refresh_token.as_ref().unwrap().expose(), "planted-refresh-token");
    assert_eq!(token.scopes, Some(super::scopes(&["read", "write"])));
    assert_eq!(token.issued_at, NOW);
    assert_eq!(lifetime(&token), Duration::from_secs(90));
}

#[test]
fn missing_scopes_are_the_requested_ones() {
    let profile = Profile { selector_policy: SelectorPolicy::Any, ..acme() };
    let requested = scopes(&["read", "write"]);
    let granted = |profile: &Profile, members: &[(&str, Value)]| {
        token_from_function(profile, &requested, &with(members), NOW, PLATFORM).unwrap().scopes.clone()
    };

    assert_eq!(granted(&profile, &[]), Some(requested.clone()));
    assert_eq!(granted(&profile, &[("scopes", RawValue::List(vec![text("read")]))]), Some(scopes(&["read"])));
    // Without a variable for scopes, the requested scopes are not granted.
    assert_eq!(granted(&Profile { selector_policy: SelectorPolicy::Nothing, ..acme() }, &[]), None);
}

#[test]
fn token_alone_is_enough() {
    for members in [
        vec![],
        vec![
            ("expiresInMs", RawValue::Missing),
            ("refreshToken", RawValue::Null),
            ("scopes", RawValue::Missing),
        ],
        vec![("refreshToken", text("")), ("scopes", RawValue::List(vec![]))],
    ] {
        let token = granted(&with(&members)).unwrap();

        assert_eq!((token.refresh_token.as_ref(), token.scopes.as_ref()), (None, None));
        assert_eq!(lifetime(&token), 15 * MINUTE);
    }
}

#[test]
fn expiry_is_a_span_or_a_timestamp() {
    let end = RawValue::Number((NOW + 30 * MINUTE).to_js());
    let span = RawValue::Number(90_000.0);
    for (members, lasts) in [
        (vec![("expiresAt", end.clone())], 30 * MINUTE),
        (vec![("expiresAt", text("2026-11-22T10:50:30Z"))], 30 * MINUTE),
        (vec![("expiresInMs", span.clone())], Duration::from_secs(90)),
        (vec![("expiresInMs", RawValue::Null), ("expiresAt", end.clone())], 30 * MINUTE),
        (vec![("expiresInMs", RawValue::Missing), ("expiresAt", end.clone())], 30 * MINUTE),
        (vec![("expiresAt", end), ("expiresInMs", span)], Duration::from_secs(90)),
    ] {
        assert_eq!(lifetime(&granted(&with(&members)).unwrap()), lasts, "{members:?}");
    }
}

#[test]
fn other_members_are_ignored() {
    let token = granted(&with(&[
        ("client", RawValue::Function("f")),
        ("raw", RawValue::Other),
        ("delay", RawValue::Number(f64::NAN)),
        ("nested", object(&[("symbol", RawValue::Other)])),
    ]));

    assert_eq!(token.unwrap().access_token.expose(), "planted-token");
}

#[test]
fn invalid_result_names_the_expected_one() {
    let scopes = |scope: &str| with(&[("scopes", RawValue::List(vec![text("A"), text(scope)]))]);
    for (given, named) in [
        (RawValue::Missing, ""),
        (RawValue::Null, ""),
        (text("planted-token"), ""),
        (RawValue::List(vec![text("planted-token")]), ""),
        (object(&[]), "`accessToken`"),
        (object(&[("accessToken", text(""))]), "`accessToken`"),
        (object(&[("accessToken", RawValue::Number(7.0))]), "`accessToken`"),
        (object(&[("accessToken", RawValue::Null)]), "`accessToken`"),
        (object(&[("accessToken", RawValue::Function("f"))]), "`accessToken`"),
        (object(&[("accessToken", text("planted token"))]), "`accessToken`"),
        (with(&[("expiresInMs", RawValue::Number(f64::NAN))]), "`expiresInMs`"),
        (with(&[("expiresInMs", text("soon"))]), "`expiresInMs`"),
        (with(&[("expiresAt", text("soon"))]), "`expiresAt`"),
        (with(&[("expiresAt", RawValue::Bool(true))]), "`expiresAt`"),
        (with(&[("expiresAt", RawValue::Number(0.0))]), "`expiresAt`"),
        (with(&[("expiresAt", RawValue::Other)]), "`expiresAt`"),
        (with(&[("scopes", text("A ADMIN"))]), "`scopes`"),
        (with(&[("scopes", RawValue::List(vec![text("A"), RawValue::Number(7.0)]))]), "`scopes`"),
        (scopes("a\u{1b}[31m"), ""),
        (scopes(&"a".repeat(257)), "256"),
    ] {
        let error = granted(&given).unwrap_err();

        assert_not_printed(&["planted".to_owned()], &format!("{error} {error:?} {given:?}"));
        fails_with(ErrorCode::Protocol).mentions("`grant`").mentions(named).compare(&error);
    }
}

#[test]
fn passed_expiry_leaves_no_lifetime() {
    let declared = Profile { lifetime: Lifetime::AtMost(15 * MINUTE), ..acme() };
    for (key, value) in [
        ("expiresInMs", RawValue::Number(0.0)),
        ("expiresInMs", RawValue::Number(-1.0)),
        ("expiresAt", RawValue::Number(NOW.to_js())),
        ("expiresAt", RawValue::Number((NOW - MINUTE).to_js())),
        ("expiresAt", text("2026-11-22T10:20:29Z")),
    ] {
        let given = with(&[(key, value)]);
        let strict = token_from_function(&declared, &ScopeSet::default(), &given, NOW, PLATFORM).unwrap();

        assert_eq!(lifetime(&granted(&given).unwrap()), Duration::ZERO, "{given:?}");
        assert_eq!(lifetime(&strict), Duration::ZERO, "{given:?}");
    }
}
