//! Profiles as data: operations, paths and expiry.

use super::{custom::refuses_header, *};
use crate::{
    json::Json,
    provider::{
        Authorization, DefaultFailure, ExpiryField, Lifetime, SecretId, StringList, TokenSource, Variable,
    },
};

const PATH: &str = "a path below `data`, for example \"login.token\"";

fn paths(paths: &'static str) -> StringList {
    StringList::Static(paths)
}

/// Profile with every option, like the example of the public documentation.
fn full() -> Value {
    let authenticate = map([
        ("document", text("mutation login")),
        ("variables", map([("id", text("me")), ("secret", RawValue::Function("vault"))])),
        ("authorization", text("none")),
    ]);
    let renew = map([
        ("document", text("mutation renew")),
        ("variables", map([("refresh", text("$refreshToken"))])),
        ("authorization", map([("bearer", RawValue::Function("bearer"))])),
    ]);
    acme()
        .with("provider.authenticate", authenticate)
        .with("provider.renew", renew)
        .with("provider.token.data", texts(&["login.jwt", "renew.jwt"]))
        .with("provider.refreshToken.data", text("login.renewal"))
        .with("provider.scopes.data", texts(&["login.scopes"]))
        .with("provider.expiry", map([("expiresIn", text("login.ttl")), ("unit", text("seconds"))]))
        .with("provider.headers", map([("X-Tenant", text("7"))]))
        .with("scopes", texts(&["read"]))
}

#[test]
fn documented_example_is_accepted() {
    let config = accepted(&full());

    let profile = config.profile;
    assert_eq!(profile.name, "acme");
    assert_eq!(profile.authenticate.document, "mutation login");
    assert_eq!(profile.authenticate.authorization, Authorization::None);
    assert_eq!(
        profile.authenticate.variables,
        [
            ("id".into(), Variable::Literal(Json::text("me"))),
            ("secret".into(), Variable::Secret(SecretId(0)))
        ]
    );
    let renew = profile.renew.expect("it renews");
    assert_eq!(renew.variables, [("refresh".into(), Variable::RefreshToken)]);
    assert_eq!(renew.authorization, Authorization::Bearer(SecretId(1)));
    assert_eq!(profile.token, TokenSource::Data(paths("login.jwt|renew.jwt")));
    assert_eq!(profile.refresh_token, ["login.renewal"]);
    assert_eq!(profile.scopes, ["login.scopes"]);
    assert_eq!(profile.headers, [("x-tenant".to_owned(), Secret::new("7"))]);
    let unit = Duration::from_secs(1);
    assert_eq!(profile.expiry, Some(ExpiryField::ExpiresIn { paths: paths("login.ttl"), unit }));
    assert_eq!(profile.lifetime, Lifetime::Default(Duration::from_secs(300)));
    assert_eq!(profile.default_failure, DefaultFailure::Protocol);
    assert!(profile.schema_names.is_empty());
    let names = ["provider.authenticate.variables.secret", "provider.renew.authorization.bearer"];
    assert_eq!(profile.secrets, names);
    let GrantSource::Profile(sources) = config.grant_source else { panic!("not a profile") };
    assert!(matches!(sources[..], [SecretSource::Function("vault"), SecretSource::Function("bearer")]));
    assert_eq!(config.scopes.listed(), "read");
}

#[test]
fn minimal_profile_is_accepted() {
    let profile = accepted(&acme()).profile;

    assert!(profile.authenticate.variables.is_empty());
    assert_eq!(profile.authenticate.authorization, Authorization::None);
    assert_eq!(profile.renew, None);
    assert_eq!(profile.token, TokenSource::Data(paths("login.jwt")));
    assert!(profile.refresh_token.is_empty() && profile.scopes.is_empty() && profile.headers.is_empty());
    assert_eq!(profile.expiry, None);
    assert_eq!(profile.lifetime, Lifetime::Default(Duration::from_secs(300)));
    assert!(profile.secrets.is_empty());
}

#[test]
fn every_authorization_is_accepted() {
    let path = "provider.authenticate.authorization";
    let pair = map([("username", text("me")), ("password", text("planted"))]);
    let own_pair = Authorization::BasicPair { username: "me".to_owned(), password: SecretId(0) };
    for (given, authorization, name) in [
        (RawValue::Missing, Authorization::None, None),
        (text("none"), Authorization::None, None),
        (map([("basic", text("planted"))]), Authorization::Basic(SecretId(0)), Some("basic")),
        (map([("basic", RawValue::Function("planted"))]), Authorization::Basic(SecretId(0)), Some("basic")),
        (map([("basic", pair)]), own_pair, Some("basic.password")),
        (map([("bearer", text("planted"))]), Authorization::Bearer(SecretId(0)), Some("bearer")),
        (
            map([("bearer", RawValue::Function("planted")), ("basic", RawValue::Missing)]),
            Authorization::Bearer(SecretId(0)),
            Some("bearer"),
        ),
    ] {
        let config = accepted(&acme().with(path, given));

        assert_eq!(config.profile.authenticate.authorization, authorization);
        let names: Vec<_> = name.iter().map(|name| format!("{path}.{name}")).collect();
        assert_eq!(config.profile.secrets, StringList::Owned(names.clone()));
        let GrantSource::Profile(sources) = config.grant_source else { panic!("not a profile") };
        for source in &sources {
            match source {
                SecretSource::Text(secret) => assert_eq!(secret.expose(), "planted"),
                SecretSource::Function(name) => assert_eq!(*name, "planted"),
            }
        }
        assert_eq!(sources.len(), names.len());
    }
}

#[test]
fn invalid_authorization_names_the_expected_value() {
    for path in ["provider.authenticate.authorization", "provider.renew.authorization"] {
        let base = full().without(path);
        let remedy = "\"none\", { basic: secret }, { basic: { username, password } } or { bearer: secret }";
        refuses_kinds(&base, path, &["an object"], remedy);
        for bad in [map([]), map([("basic", text("planted")), ("bearer", text("planted"))])] {
            assert_eq!(
                rejection(&base.clone().with(path, bad)),
                format!("option `{path}` must tell one thing; give {remedy}")
            );
        }
        let secret = "as a string or a function that returns one";
        let but = ["a string", "a function", "an object"];
        let basic = format!("the credentials, already encoded, {secret}");
        refuses_kinds(&base, &format!("{path}.basic"), &but, &basic);
        let bearer = format!("the token to identify with, {secret}");
        refuses_kinds(&base, &format!("{path}.bearer"), &but[..2], &bearer);
        let pair =
            base.with(&format!("{path}.basic"), map([("username", text("me")), ("password", text("x"))]));
        refuses_kinds(&pair, &format!("{path}.basic.username"), &["a string"], "the user name");
        let password = format!("the password, {secret}");
        refuses_kinds(&pair, &format!("{path}.basic.password"), &but[..2], &password);
        assert_eq!(
            rejection(&pair.with(&format!("{path}.basic.username"), text("me:planted"))),
            format!("option `{path}.basic.username` is a string with a colon in it; give the user name")
        );
    }
}

#[test]
fn variables_are_json_with_secrets_and_placeholders_at_any_depth() {
    let inner = map([
        ("secret", RawValue::Function("first")),
        ("list", list([RawValue::Function("second"), text("$scopes"), number(1.5), text("$refreshToken!")])),
        ("unset", RawValue::Missing),
    ]);
    let variables = map([
        ("input", map([("inner", inner)])),
        ("scopes", text("$scopes")),
        ("refresh", text("$refreshToken")),
        ("nothing", RawValue::Null),
        ("yes", RawValue::Bool(true)),
        ("empty", text("")),
        ("unset", RawValue::Missing),
        ("bare", map([])),
        ("none", list([])),
        ("dollar", text("$Scopes")),
    ]);

    let profile = accepted(&acme().with("provider.authenticate.variables", variables)).profile;

    let expected = [
        (
            "input",
            Variable::Map(vec![(
                "inner".into(),
                Variable::Map(vec![
                    ("secret".into(), Variable::Secret(SecretId(0))),
                    (
                        "list".into(),
                        Variable::List(vec![
                            Variable::Secret(SecretId(1)),
                            Variable::Scopes,
                            Variable::Literal(Json::Number(1.5)),
                            Variable::Literal(Json::text("$refreshToken!")),
                        ]),
                    ),
                ]),
            )]),
        ),
        ("scopes", Variable::Scopes),
        ("refresh", Variable::RefreshToken),
        ("nothing", Variable::Literal(Json::Null)),
        ("yes", Variable::Literal(Json::Bool(true))),
        ("empty", Variable::Literal(Json::text(""))),
        ("bare", Variable::Map(Vec::new())),
        ("none", Variable::List(Vec::new())),
        ("dollar", Variable::Literal(Json::text("$Scopes"))),
    ];
    assert_eq!(profile.authenticate.variables, expected.map(|(name, variable)| (name.into(), variable)));
    let at = "provider.authenticate.variables.input.inner";
    assert_eq!(profile.secrets, StringList::Owned(vec![format!("{at}.secret"), format!("{at}.list[0]")]));
}

#[test]
fn invalid_variable_is_named_at_any_depth() {
    let base = "provider.authenticate.variables";
    for (bad, kind) in [
        (RawValue::Other, "neither plain data nor a function"),
        (number(f64::NAN), "a number that is not finite"),
        (number(f64::NEG_INFINITY), "a number that is not finite"),
    ] {
        for (variables, path) in [
            (map([("a", bad.clone())]), "a"),
            (map([("a", map([("b", bad.clone())]))]), "a.b"),
            (map([("a", list([text("x"), map([("b", list([bad.clone()]))])]))]), "a[1].b[0]"),
        ] {
            assert_eq!(
                rejection(&acme().with(base, variables)),
                format!("option `{base}.{path}` is {kind}; give JSON, or a function that returns a secret")
            );
        }
    }
    assert_eq!(
        rejection(&acme().with(base, map([("a", list([RawValue::Missing]))]))),
        format!("option `{base}.a[0]` is missing; give JSON, or a function that returns a secret")
    );
}

#[test]
fn invalid_operation_names_the_expected_value() {
    let what = "{ document, variables, authorization }";
    let or_function = format!("{what}, or a `grant` function instead");
    for (path, remedy) in [("provider.authenticate", or_function.as_str()), ("provider.renew", what)] {
        refuses_kinds(&full(), path, &["an object"], remedy);
        let document = "a GraphQL document as a string";
        refuses_kinds(&full(), &format!("{path}.document"), &["a string"], document);
        assert_eq!(
            rejection(&full().without(&format!("{path}.document"))),
            format!("option `{path}.document` is missing; give {document}")
        );
        refuses_kinds(&full(), &format!("{path}.variables"), &["an object"], "{ name: value }");
    }
}

#[test]
fn renew_requires_a_refresh_token_path() {
    assert_eq!(
        rejection(&full().without("provider.refreshToken")),
        "option `provider.refreshToken` is missing; give { data: path } so that `renew` has something to present"
    );
    accepted(&full().without("provider.renew"));
}

#[test]
fn token_is_below_data_or_in_a_header() {
    for (given, source) in [
        (map([("data", text("a.b"))]), TokenSource::Data(paths("a.b"))),
        (map([("header", text("X-Token"))]), TokenSource::Headers(paths("x-token"))),
        (map([("header", texts(&["A", "b"]))]), TokenSource::Headers(paths("a|b"))),
        (map([("header", text("a")), ("data", RawValue::Missing)]), TokenSource::Headers(paths("a"))),
    ] {
        assert_eq!(accepted(&acme().with("provider.token", given)).profile.token, source);
    }
    let remedy = "{ data: \"login.token\" } or { header: \"x-authorization\" }";
    refuses_kinds(&acme(), "provider.token", &["an object"], remedy);
    assert_eq!(
        rejection(&acme().without("provider.token")),
        format!("option `provider.token` is missing; give {remedy}")
    );
    for bad in [map([]), map([("data", text("a")), ("header", text("b"))])] {
        assert_eq!(
            rejection(&acme().with("provider.token", bad)),
            format!("option `provider.token` must tell one thing; give {remedy}")
        );
    }
    refuses_header(&acme().without("provider.token"), "provider.token");
}

#[test]
fn path_is_a_string_or_a_list() {
    for (base, path) in [
        (acme(), "provider.token.data"),
        (acme(), "provider.refreshToken.data"),
        (acme(), "provider.scopes.data"),
        (acme().without("provider.expiry"), "provider.expiry.expiresIn"),
        (acme().without("provider.expiry"), "provider.expiry.expiresAt"),
    ] {
        accepted(&base.clone().with(path, text("a.0.b")));
        accepted(&base.clone().with(path, texts(&["a", "b"])));
        refuses_kinds(&base, path, &["a string", "an array"], &format!("{PATH}, or a list of them"));
        for (item, kind) in kinds().into_iter().filter(|(_, kind)| *kind != "a string") {
            assert_eq!(
                rejection(&base.clone().with(path, list([text("a"), item]))),
                format!("option `{path}[1]` is {kind}; give {PATH}")
            );
        }
    }
    for key in ["refreshToken", "scopes"] {
        refuses_kinds(&acme(), &format!("provider.{key}"), &["an object"], "{ data: path }");
        assert_eq!(
            rejection(&acme().with(&format!("provider.{key}"), map([]))),
            format!("option `provider.{key}.data` is missing; give {PATH}")
        );
    }
}

#[test]
fn expiry_has_four_forms() {
    let seconds = Duration::from_secs(1);
    let untold = Lifetime::Default(Duration::from_secs(300));
    let in_units = |unit| Some(ExpiryField::ExpiresIn { paths: paths("a"), unit });
    for (given, expiry, lifetime) in [
        (map([("expiresIn", text("a"))]), in_units(seconds), untold),
        (map([("expiresIn", text("a")), ("unit", text("seconds"))]), in_units(seconds), untold),
        (map([("expiresIn", text("a")), ("unit", text("milliseconds"))]), in_units(seconds / 1000), untold),
        (
            map([("expiresAt", texts(&["a", "b"]))]),
            Some(ExpiryField::ExpiresAt { paths: paths("a|b") }),
            untold,
        ),
        (map([("jwt", RawValue::Bool(true)), ("expiresAt", RawValue::Missing)]), None, untold),
        (map([("lifetimeMs", number(2000.0))]), None, Lifetime::AtMost(seconds * 2)),
    ] {
        let profile = accepted(&acme().with("provider.expiry", given)).profile;

        assert_eq!((profile.expiry, profile.lifetime), (expiry, lifetime));
    }
}

#[test]
fn invalid_expiry_names_the_expected_value() {
    let ways = "{ expiresIn: path, unit: \"seconds\" }, { expiresAt: path }, { jwt: true } or { lifetimeMs }";
    refuses_kinds(&acme(), "provider.expiry", &["an object"], ways);
    assert_eq!(
        rejection(&acme().without("provider.expiry")),
        format!("option `provider.expiry` is missing; give {ways}")
    );
    let jwt = || ("jwt", RawValue::Bool(true));
    for bad in [
        map([]),
        map([("unit", text("seconds"))]),
        map([jwt(), ("expiresIn", text("a"))]),
        map([jwt(), ("lifetimeMs", number(1.0))]),
        map([("expiresIn", text("a")), ("expiresAt", text("a"))]),
    ] {
        assert_eq!(
            rejection(&acme().with("provider.expiry", bad)),
            format!("option `provider.expiry` must tell one thing; give {ways}")
        );
    }
    assert_eq!(
        rejection(&acme().with("provider.expiry", map([jwt(), ("unit", text("seconds"))]))),
        "option `provider.expiry.unit` goes with `expiresIn` alone; leave it out"
    );
    let empty = acme().with("provider.expiry", map([]));
    refuses_kinds(
        &empty,
        "provider.expiry.lifetimeMs",
        &["a number"],
        "a number of milliseconds from 1 to 2^53",
    );
    for (value, kind) in kinds() {
        if !matches!(value, RawValue::Bool(true)) {
            assert_eq!(
                rejection(&empty.clone().with("provider.expiry.jwt", value)),
                format!(
                    "option `provider.expiry.jwt` is {kind}; give true, or tell the expiry in another way"
                )
            );
        }
    }
    let timed = empty.with("provider.expiry.expiresIn", text("a"));
    refuses_kinds(&timed, "provider.expiry.unit", &["a string"], "\"seconds\" or \"milliseconds\"");
}
