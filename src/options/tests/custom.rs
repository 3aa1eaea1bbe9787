//! User-supplied providers: profiles and `grant` functions.

use super::*;
use crate::{
    json::Json,
    provider::{
        Authorization, DefaultFailure, ErrorMatcher, ErrorRules, ExpectedValue, ExpiryField, GrantProtocol,
        Lifetime, Operation, RotationHeader, SameSession, SecretId, StringList, TokenShape, TokenSource,
        Variable,
    },
};

#[test]
fn grant_function_requires_name_and_endpoint_only() {
    let config = accepted(&by_function());

    let GrantSource::Function(function) = config.grant_source else { panic!("{:?}", config.grant_source) };
    assert_eq!(function, "grant");
    let profile = config.profile;
    assert_eq!((&*profile.name, &*profile.endpoint), ("acme", "https://api.acme.test/graphql"));
    assert_eq!(profile.authenticate, Operation::ABSENT);
    assert_eq!(profile.renew, None);
    assert_eq!(profile.expiry, None);
    assert_eq!(profile.lifetime, Lifetime::Assumed(Duration::from_secs(300)));
    assert_eq!(profile.rotation, None);
    assert!(profile.secrets.is_empty());
    assert!(config.scopes.is_empty());
}

#[test]
fn sliding_names_headers() {
    for options in [acme(), by_function()] {
        for (given, headers) in [
            (text("X-Authorization"), &["x-authorization"][..]),
            (texts(&["X-Authorization", "authorization"]), &["x-authorization", "authorization"]),
        ] {
            let options = options.clone().with("provider.sliding.sameSession", RawValue::Bool(true));
            let sliding = accepted(&options.with("provider.sliding.header", given)).profile.rotation;

            let headers = StringList::Owned(headers.iter().map(|&name| name.to_owned()).collect());
            let same_session = SameSession::Asserted;
            assert_eq!(sliding, Some(RotationHeader { headers, shape: TokenShape::Any, same_session }));
        }
    }
}

#[test]
fn sliding_states_how_a_session_is_known_to_be_the_same() {
    let key = "provider.sliding.sameSession";
    let options = by_function().with("provider.sliding.header", text("x-new"));
    let owned = |words: &[&str]| StringList::Owned(words.iter().map(|&word| word.to_owned()).collect());
    for (given, same_session) in [
        (RawValue::Bool(true), SameSession::Asserted),
        (map([("claim", text("sub"))]), SameSession::Claim("sub".to_owned())),
        (map([("data", text("me.id"))]), SameSession::Data(owned(&["me.id"]))),
        (map([("data", texts(&["me.id", "viewer"]))]), SameSession::Data(owned(&["me.id", "viewer"]))),
    ] {
        let rotation = accepted(&options.clone().with(key, given)).profile.rotation;
        assert_eq!(rotation.unwrap().same_session, same_session);
    }
    for given in [
        RawValue::Missing,
        RawValue::Null,
        RawValue::Bool(false),
        text("me.id"),
        list([text("me.id")]),
        RawValue::Function("same"),
        map([]),
        map([("claim", text("sub")), ("data", text("me.id"))]),
    ] {
        assert_eq!(rejected(&options.clone().with(key, given.clone())), key, "{given:?}");
    }
    for (given, at) in [
        (map([("data", text("me..id"))]), "data"),
        (map([("data", list([]))]), "data"),
        (map([("claim", text(""))]), "claim"),
        (map([("claim", number(1.0))]), "claim"),
    ] {
        assert_eq!(rejected(&options.clone().with(key, given)), format!("{key}.{at}"));
    }
}

#[test]
fn rejection_has_statuses_messages_and_codes() {
    let words = crate::provider::profile::strings;
    for options in [acme(), by_function()] {
        let refused_by =
            |given| accepted(&options.clone().with("provider.refused", given)).profile.error_rules.rejected;

        assert_eq!(refused_by(RawValue::Missing), ErrorMatcher::of(&[401], ""));
        assert_eq!(refused_by(map([])), ErrorMatcher::of(&[401], ""));
        assert_eq!(
            refused_by(map([
                ("statuses", list([number(401.0), number(100.0), number(599.0)])),
                ("messages", text("Unauthorized")),
                ("codes", list([text("UNAUTHENTICATED"), number(209.0)])),
                ("contains", text("expired")),
                ("data", map([("path", text("me.success")), ("is", RawValue::Bool(false))])),
            ])),
            ErrorMatcher {
                statuses: (&[401, 100, 599]).into(),
                messages: words("Unauthorized"),
                codes: words("UNAUTHENTICATED|209"),
                contains: words("expired"),
                phrases: "",
                data: vec![ExpectedValue { path: "me.success".to_owned(), is: RawValue::Bool(false) }],
                predicate: 0,
            }
        );
        let empty = map([("statuses", list([])), ("messages", list([])), ("codes", list([]))]);
        assert_eq!(refused_by(empty), ErrorMatcher::default());
    }
}

#[test]
fn other_error_rules_have_defaults() {
    let rules = accepted(&acme()).profile.error_rules;

    assert_eq!(rules.denied, ErrorMatcher::of(&[401, 403], ""));
    assert_eq!(rules.rate_limited.statuses[..], [429]);
    assert!(rules.rate_limited.codes.iter().any(|code| code == "THROTTLED"));
    assert_eq!(rules.outage, ErrorMatcher::default());
}

#[test]
fn each_kind_of_failure_has_rules_of_its_own() {
    let codes = |code| map([("codes", text(code))]);
    let options = acme()
        .with("provider.denied", codes("WRONG"))
        .with("provider.throttled", codes("LATER"))
        .with("provider.unavailable", codes("DOWN"));

    let profile = accepted(&options).profile;

    let ErrorRules { rejected, denied, rate_limited, outage, .. } = profile.error_rules;
    assert_eq!(rejected, ErrorMatcher::of(&[401], ""));
    assert_eq!(denied, ErrorMatcher::of(&[401, 403], "WRONG"));
    assert_eq!(rate_limited, ErrorMatcher::of(&[429], "LATER"));
    assert_eq!(outage, ErrorMatcher::of(&[], "DOWN"));
    assert_eq!(profile.default_failure, DefaultFailure::Protocol);
}

#[test]
fn each_rule_may_have_a_function() {
    let function = || map([("when", RawValue::Function("is"))]);
    let mut options = acme();
    for rule in ["refused", "denied", "throttled", "unavailable"] {
        options = options.with(&format!("provider.{rule}"), function());
    }

    let ErrorRules { rejected, denied, rate_limited, outage, .. } = accepted(&options).profile.error_rules;

    // The lists of the default remain.
    assert_eq!(rejected, ErrorMatcher { predicate: 1, ..ErrorMatcher::of(&[401], "") });
    assert_eq!(denied, ErrorMatcher { predicate: 2, ..ErrorMatcher::of(&[401, 403], "") });
    assert_eq!((rate_limited.predicate, &rate_limited.statuses[..]), (4, &[429][..]));
    assert_eq!(outage, ErrorMatcher { predicate: 8, ..ErrorMatcher::NONE });
    assert!(rejected.concerns_body() && !rejected.matches_predicate(14) && rejected.matches_predicate(9));
    for rule in ["refused", "denied", "throttled", "unavailable"] {
        for value in [text("is"), RawValue::Bool(true), map([]), RawValue::Null] {
            let key = format!("provider.{rule}.when");
            assert_eq!(rejected_at(&acme(), &key, value), key);
        }
    }
}

#[test]
fn every_response_is_passed_to_the_function_of_refused_alone() {
    let key = "provider.refused.every";
    let options = || acme().with("provider.refused.when", RawValue::Function("is"));
    for flag in [true, false] {
        accepted(&options().with(key, RawValue::Bool(flag)));
        assert_eq!(rejected_at(&acme(), key, RawValue::Bool(flag)), key);
    }
    assert_eq!(rejected_at(&options(), key, number(1.0)), key);
    for rule in ["denied", "throttled", "unavailable"] {
        let options = acme().with(&format!("provider.{rule}.when"), RawValue::Function("is"));
        let key = format!("provider.{rule}.every");
        assert_eq!(suggested(&options.with(&key, RawValue::Bool(true)))[0], key);
    }
}

fn rejected_at(options: &Value, key: &str, value: RawValue) -> String {
    rejected(&options.clone().with(key, value))
}

fn paths(paths: &'static str) -> StringList {
    StringList::Static(paths)
}

/// Profile with every option, like the example of the public documentation.
pub(super) fn full() -> Value {
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
    assert_eq!(profile.headers, [("x-tenant".to_owned(), SecretSource::Text(Secret::new("7")))]);
    let unit = Duration::from_secs(1);
    assert_eq!(profile.expiry, Some(ExpiryField::ExpiresIn { paths: paths("login.ttl"), unit }));
    assert_eq!(profile.lifetime, Lifetime::Assumed(Duration::from_secs(300)));
    assert_eq!(profile.default_failure, DefaultFailure::InvalidCredentialsIfExecuted);
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
    assert_eq!(profile.lifetime, Lifetime::Assumed(Duration::from_secs(300)));
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
fn variables_are_json_with_secrets_and_placeholders_at_any_depth() {
    let inner = map([
        ("secret", RawValue::Function("first")),
        ("list", list([RawValue::Function("second"), text("$scopes"), number(1.5), text("$9.50")])),
        ("unset", RawValue::Missing),
    ]);
    let variables = map([
        ("input", map([("inner", inner)])),
        ("scopes", text("$scopes")),
        ("nothing", RawValue::Null),
        ("yes", RawValue::Bool(true)),
        ("empty", text("")),
        ("unset", RawValue::Missing),
        ("bare", map([])),
        ("none", list([])),
        ("dollar", text("$")),
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
                            Variable::Literal(Json::text("$9.50")),
                        ]),
                    ),
                ]),
            )]),
        ),
        ("scopes", Variable::Scopes),
        ("nothing", Variable::Literal(Json::Null)),
        ("yes", Variable::Literal(Json::Bool(true))),
        ("empty", Variable::Literal(Json::text(""))),
        ("bare", Variable::Map(Vec::new())),
        ("none", Variable::List(Vec::new())),
        ("dollar", Variable::Literal(Json::text("$"))),
    ];
    assert_eq!(profile.authenticate.variables, expected.map(|(name, variable)| (name.into(), variable)));
    let at = "provider.authenticate.variables.input.inner";
    assert_eq!(profile.secrets, StringList::Owned(vec![format!("{at}.secret"), format!("{at}.list[0]")]));
}

#[test]
fn invalid_variable_is_named_at_any_depth() {
    let base = "provider.authenticate.variables";
    for bad in [RawValue::Other, number(f64::NAN), number(f64::NEG_INFINITY)] {
        for (variables, path) in [
            (map([("a", bad.clone())]), "a"),
            (map([("a", map([("b", bad.clone())]))]), "a.b"),
            (map([("a", list([text("x"), map([("b", list([bad.clone()]))])]))]), "a[1].b[0]"),
        ] {
            assert_eq!(rejected(&acme().with(base, variables)), format!("{base}.{path}"));
        }
    }
    let missing = map([("a", list([RawValue::Missing]))]);
    assert_eq!(rejected(&acme().with(base, missing)), format!("{base}.a[0]"));
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
}

#[test]
fn expiry_has_four_forms() {
    let seconds = Duration::from_secs(1);
    let untold = Lifetime::Assumed(Duration::from_secs(300));
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
fn revocation_is_an_operation_with_both_tokens() {
    let given = map([
        ("document", text("mutation { revoke }")),
        ("variables", map([("a", text("$accessToken")), ("r", list([text("$refreshToken")]))])),
        ("authorization", map([("bearer", text("$accessToken"))])),
    ]);

    let revocation = accepted(&acme().with("provider.revoke", given)).profile.revocation.expect("one");

    assert_eq!(revocation.operation.protocol, GrantProtocol::GraphQl);
    assert_eq!(revocation.operation.authorization, Authorization::AccessToken);
    let refresh = Variable::List(vec![Variable::RefreshToken]);
    assert_eq!(revocation.operation.variables, [("a".into(), Variable::AccessToken), ("r".into(), refresh)]);
    assert!(revocation.sources.is_empty());
}

#[test]
fn revocation_endpoint_is_encrypted_and_has_the_authorization_of_grants() {
    let basic = map([("username", text("app")), ("password", text("s3cret"))]);
    let options = acme()
        .with("provider.authenticate.authorization", map([("basic", basic)]))
        .with("provider.revoke.url", text("https://id.acme.test/revoke"));

    let profile = accepted(&options).profile;

    let revocation = profile.revocation.expect("one");
    // Its secrets are not those of grants, although their ids start at zero as well.
    let authorization = Authorization::BasicPair { username: "app".to_owned(), password: SecretId(0) };
    assert_eq!(revocation.operation.authorization, authorization);
    assert_eq!(revocation.sources.len(), 1);
    assert!(!revocation.has_headers);
    for (url, option) in [
        ("http://id.acme.test/revoke", "provider.revoke.url"),
        ("https://me:it@id.acme.test/revoke", "provider.revoke.url"),
        ("/revoke", "provider.revoke.url"),
    ] {
        assert_eq!(rejected(&options.clone().with("provider.revoke.url", text(url))), option, "{url}");
    }
    assert_eq!(
        rejected(&options.clone().with("provider.revoke.document", text("{ a }"))),
        "provider.revoke.document"
    );
    let none = accepted(&options.with("provider.revoke.authorization", text("none"))).profile;
    assert_eq!(none.revocation.expect("one").operation.authorization, Authorization::None);
}

#[test]
fn access_token_is_a_variable_of_a_revocation_alone() {
    let path = "provider.authenticate.variables.token";

    assert_eq!(rejected(&acme().with(path, text("$accessToken"))), path);
}

/// A profile with a revocation by an operation.
fn revoked_by_operation() -> Value {
    acme()
        .with("provider.revoke.document", text("mutation { revoke }"))
        .with("provider.revoke.variables", map([("token", text("$refreshToken"))]))
}

/// A profile with a revocation endpoint.
fn revoked_by_form() -> Value {
    acme().with("provider.revoke.url", text("https://id.acme.test/revoke"))
}

#[test]
fn revocation_names_a_token() {
    let nested = map([("a", list([map([("b", text("$accessToken"))])]))]);
    for (path, value) in [
        ("provider.revoke.variables", nested),
        ("provider.revoke.authorization", map([("bearer", text("$accessToken"))])),
    ] {
        let none =
            revoked_by_operation().with("provider.revoke.variables", map([("scopes", text("$scopes"))]));

        assert_eq!(rejected(&none), "provider.revoke");
        accepted(&none.with(path, value));
    }
    assert_eq!(rejected(&revoked_by_operation().without("provider.revoke.variables")), "provider.revoke");
}

#[test]
fn unknown_placeholders_of_a_revocation_are_rejected() {
    for (unknown, path) in [
        (text("$accesstoken"), "provider.revoke.variables.x"),
        (list([text("$token")]), "provider.revoke.variables.x[0]"),
        (map([("y", text("$id_token"))]), "provider.revoke.variables.x.y"),
    ] {
        assert_eq!(rejected(&revoked_by_operation().with("provider.revoke.variables.x", unknown)), path);
    }
    for known in ["$100", "$", "a$accessToken", "$scopes"] {
        accepted(&revoked_by_operation().with("provider.revoke.variables.x", text(known)));
    }
}

#[test]
fn fields_of_a_revocation_endpoint_are_strings() {
    let path = "provider.revoke.parameters.x";
    for value in [
        number(7.0),
        RawValue::Bool(true),
        RawValue::Null,
        list([text("a")]),
        map([("a", text("b"))]),
        RawValue::Other,
        text("$accessToken"),
        text("$refreshToken"),
        text("$scopes"),
    ] {
        assert_eq!(rejected(&revoked_by_form().with(path, value.clone())), path, "{value:?}");
    }
    for value in [text("a"), RawValue::Function("secret"), RawValue::Missing] {
        accepted(&revoked_by_form().with(path, value));
    }
    for own in ["token", "token_type_hint"] {
        let options = revoked_by_form().with(&format!("provider.revoke.parameters.{own}"), text("a"));
        assert_eq!(suggested(&options), ["provider.revoke.parameters", own]);
    }
}

#[test]
fn authenticate_has_no_token_to_present() {
    for placeholder in ["$refreshToken", "$accessToken"] {
        let variables = map([("input", map([("token", text(placeholder))]))]);
        let options = acme().with("provider.authenticate.variables", variables);
        assert_eq!(suggested(&options)[0], "provider.authenticate.variables.input.token");
    }
}

#[test]
fn names_in_a_path_are_not_empty() {
    for path in ["", ".", "a..b", ".a", "a.", " . "] {
        for (key, options) in [
            ("provider.token.data", full()),
            ("provider.refreshToken.data", full()),
            ("provider.scopes.data", full()),
            ("provider.expiry.expiresIn", full()),
            ("provider.expiry.expiresAt", acme().with("provider.expiry", map([]))),
        ] {
            assert_eq!(rejected(&options.clone().with(key, text(path))), key, "{path:?}");
            let second = options.with(key, list([text("login.ttl"), text(path)]));
            assert!(rejected(&second).starts_with(key), "{path:?}");
        }
        let value = map([("path", text(path)), ("is", RawValue::Null)]);
        for rule in ["refused", "denied", "throttled", "unavailable"] {
            let key = format!("provider.{rule}.data");
            let given = acme().with(&key, value.clone());
            assert_eq!(rejected(&given), format!("{key}[0].path"), "{path:?}");
        }
    }
}

#[test]
fn a_path_to_one_value_has_names_and_positions_alone() {
    for path in ["*.token", "login.*", "login[0].token"] {
        assert_eq!(
            rejected(&full().with("provider.token.data", text(path))),
            "provider.token.data",
            "{path}"
        );
        let session = map([("header", text("x-token")), ("sameSession", map([("data", text(path))]))]);
        let given = acme().with("provider.sliding", session);
        assert_eq!(rejected(&given), "provider.sliding.sameSession.data", "{path}");
    }
}

#[test]
fn placeholders_are_rejected_where_none_is_replaced() {
    let basic = |username, password| map([("username", text(username)), ("password", text(password))]);
    for options in [revoked_by_operation(), revoked_by_form()] {
        for (authorization, key) in [
            (map([("bearer", text("$refreshToken"))]), "bearer"),
            (map([("basic", text("$accessToken"))]), "basic"),
            (map([("basic", basic("$accessToken", "x"))]), "basic.username"),
            (map([("basic", basic("x", "$refreshToken"))]), "basic.password"),
        ] {
            let given = options.clone().with("provider.revoke.authorization", authorization);
            assert_eq!(rejected(&given), format!("provider.revoke.authorization.{key}"));
        }
        let given = options.with("provider.headers", map([("x-token", text("$accessToken"))]));
        assert_eq!(rejected(&given), "provider.headers.x-token");
    }
    // A form revokes two tokens, of which one is a refresh token.
    let bearer = map([("bearer", text("$accessToken"))]);
    let given = revoked_by_form().with("provider.revoke.authorization", bearer);
    assert_eq!(rejected(&given), "provider.revoke.authorization.bearer");
}

#[test]
fn unknown_placeholders_are_rejected() {
    for name in ["$token", "$refreshtoken", "$Scopes", "$refreshToken!"] {
        let variables = map([("input", map([("list", list([text(name)]))]))]);
        let options = acme().with("provider.authenticate.variables", variables);
        assert_eq!(rejected(&options), "provider.authenticate.variables.input.list[0]", "{name}");

        let options = acme().with("provider.authenticate.authorization", map([("bearer", text(name))]));
        assert_eq!(rejected(&options), "provider.authenticate.authorization.bearer", "{name}");
    }
    let access_token = map([("token", text("$accessToken"))]);
    assert_eq!(
        rejected(&acme().with("provider.authenticate.variables", access_token)),
        "provider.authenticate.variables.token"
    );
}

#[test]
fn a_renewal_may_present_the_access_token_instead_of_a_refresh_token() {
    let renew = |variables, bearer| {
        map([
            ("document", text("mutation renew")),
            ("variables", variables),
            ("authorization", map([("bearer", text(bearer))])),
        ])
    };
    let by_header = acme().with("provider.renew", renew(map([]), "$accessToken"));
    let by_variable = acme().with("provider.renew", renew(map([("a", text("$accessToken"))]), "secret"));
    let by_neither = acme().with("provider.renew", renew(map([]), "$refreshToken"));

    assert_eq!(accepted(&by_header).profile.renew.unwrap().authorization, Authorization::AccessToken);
    assert!(accepted(&by_variable).profile.renew.unwrap().presents_access_token());
    assert_eq!(rejected(&by_neither), "provider.refreshToken");
}

#[test]
fn an_operation_may_have_an_endpoint_of_its_own_and_be_json() {
    let json = map([("endpoint", text("https://api.acme.test/login")), ("json", map([("id", text("me"))]))]);
    let renew = map([
        ("endpoint", text("https://id.acme.test/graphql")),
        ("document", text("mutation renew")),
        ("authorization", map([("bearer", text("$accessToken"))])),
    ]);

    let options = acme().with("provider.authenticate", json).with("provider.renew", renew);
    let profile = accepted(&options).profile;

    assert_eq!(profile.authenticate.protocol, GrantProtocol::Json);
    assert_eq!(profile.grant_url(), "https://api.acme.test/login");
    assert_eq!(profile.renew.as_ref().unwrap().url(&profile), "https://id.acme.test/graphql");
    assert_eq!(profile.endpoint, "https://api.acme.test/graphql");
}

#[test]
fn an_endpoint_of_an_operation_is_checked_as_that_of_the_api() {
    let insecure = "http://id.acme.test/token";
    for key in ["authenticate", "renew"] {
        let operation = map([
            ("endpoint", text(insecure)),
            ("document", text("mutation")),
            ("variables", map([("a", text(if key == "renew" { "$accessToken" } else { "a" }))])),
        ]);
        let path = format!("provider.{key}");
        assert_eq!(rejected(&acme().with(&path, operation)), format!("{path}.endpoint"));
    }
    let without_url = map([("json", map([]))]);
    assert_eq!(
        rejected(&acme().with("provider.authenticate", without_url)),
        "provider.authenticate.endpoint"
    );
    let both = map([("json", map([])), ("document", text("query")), ("endpoint", text("https://a.test"))]);
    assert_eq!(rejected(&acme().with("provider.authenticate", both)), "provider.authenticate.json");
}
