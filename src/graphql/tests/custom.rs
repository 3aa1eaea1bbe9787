//! User-supplied profiles.

use serde_json::json;

use crate::{
    core::limits::MAX_LIFETIME_MS,
    json::Json,
    provider::{
        Authorization, DefaultFailure, ErrorMatcher, ErrorRules, ExpiryField, GrantProtocol, Issuer,
        Lifetime, Operation, Presentation, RefreshTokenRules, RotationHeader, SameSession, SecretId,
        SecretSource, SelectorPolicy, TokenShape, TokenSource, Variable, profile::strings,
    },
};

use super::*;

const SECRET: &str = "planted-secret";

const THROTTLED: ErrorMatcher = ErrorMatcher::of(&[429], "");

/// Profile of the example in the public documentation.
pub(super) fn acme() -> Profile {
    let authenticate = Operation {
        protocol: GrantProtocol::GraphQl,
        url: None,
        document:
            "mutation ($id: ID!, $secret: String!) { login(id: $id, secret: $secret) { jwt renewal ttl } }"
                .into(),
        variables: vec![
            ("id".into(), Variable::Literal(Json::text("me"))),
            ("secret".into(), Variable::Secret(SecretId(0))),
        ],
        authorization: Authorization::None,
    };
    let renew = Operation {
        protocol: GrantProtocol::GraphQl,
        url: None,
        document: "mutation ($refresh: String!) { renew(token: $refresh) { jwt renewal ttl } }".into(),
        variables: vec![("refresh".into(), Variable::RefreshToken)],
        authorization: Authorization::None,
    };
    Profile {
        name: "acme".into(),
        endpoint: "https://api.acme.test/graphql".into(),
        issuer: Issuer::Provider,
        credentials_mode: None,
        headers: Vec::new(),
        authenticate,
        renew: Some(renew),
        revocation: None,
        application_scopes: None,
        schema_names: &[],
        token: TokenSource::Data(strings("login.jwt|renew.jwt")),
        refresh_token: strings("login.renewal|renew.renewal"),
        refresh_rules: RefreshTokenRules::default(),
        scopes: strings("login.scope"),
        expiry: Some(ExpiryField::ExpiresIn {
            paths: strings("login.ttl|renew.ttl"),
            unit: Duration::from_secs(1),
        }),
        lifetime: Lifetime::Default(15 * MINUTE),
        rotation: Some(RotationHeader {
            headers: strings("x-authorization"),
            shape: TokenShape::Any,
            same_session: SameSession::Asserted,
        }),
        presentation: Presentation::BEARER,
        error_rules: ErrorRules {
            rejected: ErrorMatcher {
                statuses: (&[401]).into(),
                codes: strings("UNAUTHENTICATED"),
                messages: strings("Unauthorized"),
                contains: strings(""),
                phrases: "",
                data: Vec::new(),
                predicate: 0,
            },
            denied: ErrorMatcher::NONE,
            identity_rejected: ErrorMatcher::NONE,
            rate_limited: THROTTLED,
            outage: ErrorMatcher::NONE,
        },
        default_failure: DefaultFailure::Protocol,
        environment: None,
        advice: "`secret`",
        secrets: strings("secret"),
        has_session_secrets: true,
        selector_policy: SelectorPolicy::Nothing,
        quotable: &[],
        known_scopes: strings(""),
    }
}

fn scenario(profile: Profile) -> Scenario {
    Scenario::new(profile, &["read", "write"], &[SECRET])
}

/// Returns the `authorization` header of `authorization` with `secret`.
fn identified(authorization: Authorization, secret: &str) -> Option<String> {
    let mut profile = acme();
    profile.authenticate.authorization = authorization;
    let mut scenario = Scenario::new(profile, &[], &[secret]);

    scenario.respond(logged_in(json!({ "jwt": "planted-token" }))).unwrap();

    scenario.last().header("authorization").map(str::to_owned)
}

fn logged_in(payload: Value) -> HttpResponse {
    reply(200, &json!({ "data": { "login": payload } }).to_string())
}

#[test]
fn grant_request_follows_the_profile() {
    let mut scenario = scenario(acme());

    let answer =
        json!({ "jwt": "planted-token", "renewal": "planted-renewal", "ttl": 90, "scope": "read write" });
    let token = scenario.respond(logged_in(answer)).unwrap();

    assert_eq!(scenario.last().url, "https://api.acme.test/graphql");
    assert_eq!(scenario.last().header("authorization"), None);
    assert_eq!(scenario.last().variables(), json!({ "id": "me", "secret": SECRET }));
    assert_eq!(token.access_token.expose(), "planted-token");
    assert_eq!(token.refresh_token.as_ref().unwrap().expose(), "planted-renewal");
    assert_eq!(token.scopes, Some(scopes(&["read", "write"])));
    assert_eq!(lifetime(&token), Duration::from_secs(90));
}

#[test]
fn refresh_request_follows_the_profile() {
    let mut scenario = scenario(acme());
    let answer = json!({ "data": { "renew": { "jwt": "planted-token", "ttl": "45" } } }).to_string();

    let token = scenario.refresh("planted-renewal", once(reply(200, &answer))).unwrap();

    assert_eq!(
        scenario.last().json(),
        json!({
            "query": "mutation ($refresh: String!) { renew(token: $refresh) { jwt renewal ttl } }",
            "variables": { "refresh": "planted-renewal" },
        }),
    );
    assert_eq!(token.refresh_token, None);
    assert_eq!(lifetime(&token), Duration::from_secs(45));
}

#[test]
fn every_kind_of_variable_is_resolved() {
    let mut profile = acme();
    profile.authenticate.variables = vec![
        ("null".into(), Variable::Literal(Json::Null)),
        ("yes".into(), Variable::Literal(Json::Bool(true))),
        ("number".into(), Variable::Literal(Json::Number(1.5))),
        (
            "input".into(),
            Variable::Map(vec![
                ("scopes".into(), Variable::Scopes),
                (
                    "secrets".into(),
                    Variable::List(vec![Variable::Secret(SecretId(1)), Variable::Secret(SecretId(0))]),
                ),
            ]),
        ),
        // Authentication has no refresh token to present.
        ("refresh".into(), Variable::RefreshToken),
    ];
    let mut scenario = Scenario::new(profile, &["write", "read"], &["planted-first", "planted-second"]);

    scenario.respond(logged_in(json!({ "jwt": "planted-token" }))).unwrap();

    assert_eq!(
        scenario.last().variables(),
        json!({
            "null": null,
            "yes": true,
            "number": 1.5,
            "input": { "scopes": ["read", "write"], "secrets": ["planted-second", "planted-first"] },
            "refresh": null,
        }),
    );
}

#[test]
fn each_authorization_has_its_header() {
    let pair = Authorization::BasicPair { username: "Aladdin".to_owned(), password: SecretId(0) };
    let key = Authorization::ApiKey(SecretId(0));
    for (authorization, secret, header) in [
        (Authorization::None, SECRET, None),
        (Authorization::Basic(SecretId(0)), " planted:secret\n", Some("Basic planted:secret")),
        (Authorization::Bearer(SecretId(0)), " planted-secret\n", Some("Bearer planted-secret")),
        (key, "planted-secret", Some("Basic planted-secret")),
        // Examples of RFC 7617 sections 2 and 2.1.
        (pair, "open sesame", Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")),
        (
            Authorization::BasicPair { username: "test".to_owned(), password: SecretId(0) },
            "123£",
            Some("Basic dGVzdDoxMjPCow=="),
        ),
    ] {
        let sent = identified(authorization, secret);

        assert_eq!(sent.as_deref(), header, "{header:?}");
    }
}

#[test]
fn custom_header_replaces_the_default() {
    let header = |name: &str, value: &str| (name.to_owned(), SecretSource::Text(Secret::new(value)));
    let mut profile = acme();
    profile.headers =
        vec![header("accept", "application/json"), header("x-tenant", "first"), header("x-tenant", "second")];
    let mut scenario = scenario(profile);

    scenario.respond(logged_in(json!({ "jwt": "planted-token" }))).unwrap();

    assert_eq!(
        scenario.last().sorted_headers(),
        [("accept", "application/json"), ("content-type", "application/json"), ("x-tenant", "second")],
    );
}

#[test]
fn headers_have_the_values_that_functions_return_after_the_secrets_of_the_operation() {
    let mut profile = acme();
    profile.headers = vec![
        ("x-first".to_owned(), SecretSource::Function("first")),
        ("x-plain".to_owned(), SecretSource::Text(Secret::new("plain"))),
        ("accept".to_owned(), SecretSource::Function("second")),
    ];
    profile.secrets = strings("variables.secret");
    let secrets = ["planted-secret", "planted-first", "planted-second"];
    let mut scenario = Scenario::new(profile.clone(), &[], &secrets);

    scenario.respond(logged_in(json!({ "jwt": "planted-token" }))).unwrap();

    assert_eq!(
        scenario.last().sorted_headers(),
        [
            ("accept", "planted-second"),
            ("content-type", "application/json"),
            ("x-first", "planted-first"),
            ("x-plain", "plain"),
        ],
    );
    // Without a value, nothing is sent.
    let mut scenario = Scenario::new(profile, &[], &secrets[..2]);
    let failure = scenario.respond(logged_in(json!({ "jwt": "planted-token" }))).unwrap_err();
    assert_eq!(failure.into_error().code, ErrorCode::CredentialsUnavailable);
}

#[test]
fn a_selected_value_replaces_the_constant_at_its_path_alone() {
    let variable = |text: &str| Variable::Literal(Json::text(text));
    let mut profile = acme();
    profile.authenticate.variables = vec![
        (
            "input".into(),
            Variable::Map(vec![
                ("id".into(), variable("a")),
                ("secret".into(), Variable::Secret(SecretId(0))),
                ("list".into(), Variable::List(vec![variable("x"), variable("y")])),
            ]),
        ),
        ("id".into(), variable("own")),
        ("key".into(), Variable::Secret(SecretId(0))),
    ];
    let chosen = |path: &str, value: &str| (path.to_owned(), Some(Json::text(value)));
    // The last one names no constant.
    let selected = [chosen("input.id", "b"), chosen("input.list.1", "z"), chosen("key", "planted")];

    let resolved = profile.resolve_variables(&profile.authenticate, &selected, &|_| Json::text("secret"));

    let expected = r#"{"input":{"id":"b","secret":"secret","list":["x","z"]},"id":"own","key":"secret"}"#;
    assert_eq!((PLATFORM.write_json)(&Json::Map(resolved)), expected);
}

#[test]
fn first_existing_path_is_used() {
    let mut profile = acme();
    profile.token = TokenSource::Data(strings("missing|login.null|login.tokens.1|login.jwt"));
    let payload =
        json!({ "null": null, "tokens": ["planted-first", "planted-second"], "jwt": "planted-third" });

    let token = scenario(profile).respond(logged_in(payload)).unwrap();

    assert_eq!(token.access_token.expose(), "planted-second");
}

#[test]
fn lifetime_uses_its_unit() {
    for (unit, ttl, millis) in [
        (Duration::from_secs(1), json!(90), 90_000),
        (Duration::from_secs(1), json!(1.5), 1500),
        (Duration::from_secs(1), json!(" 90 "), 90_000),
        (Duration::from_millis(1), json!(90_000), 90_000),
        (Duration::from_millis(1), json!("1500"), 1500),
        (Duration::from_secs(60), json!(2), 120_000),
        // The default of a quarter of an hour where the value is missing.
        (Duration::from_secs(1), json!(null), 900_000),
        (Duration::from_secs(1), json!(0), 0),
        (Duration::from_secs(1), json!(-90), 0),
        (Duration::from_secs(1), json!(1e300), MAX_LIFETIME_MS),
    ] {
        let mut profile = acme();
        profile.expiry = Some(ExpiryField::ExpiresIn { paths: strings("login.ttl"), unit });

        let token =
            scenario(profile).respond(logged_in(json!({ "jwt": "planted-token", "ttl": ttl }))).unwrap();

        assert_eq!(lifetime(&token), Duration::from_millis(millis), "{ttl}");
    }
}

#[test]
fn shorter_of_stated_and_known_lifetime_applies() {
    for (known, ttl, seconds) in [
        (Lifetime::AtMost(MINUTE), 90, 60),
        (Lifetime::AtMost(MINUTE), 30, 30),
        (Lifetime::Default(MINUTE), 90, 90),
        (Lifetime::Default(MINUTE), 30, 30),
    ] {
        let profile = Profile { lifetime: known, ..acme() };

        let token =
            scenario(profile).respond(logged_in(json!({ "jwt": "planted-token", "ttl": ttl }))).unwrap();

        assert_eq!(lifetime(&token), Duration::from_secs(seconds), "{known:?} {ttl}");
    }
}

#[test]
fn token_is_read_from_any_configured_header() {
    let profile = Profile { token: TokenSource::Headers(strings("x-session")), ..acme() };
    let answer = logged_in(json!({ "ok": true })).with("x-session", "Bearer planted-token");

    let token = scenario(profile).respond(answer).unwrap();

    assert_eq!(token.access_token.expose(), "planted-token");
}

#[test]
fn any_sendable_token_rotates_without_a_required_shape() {
    let observed = |value: &str| adopted(&acme(), &reply(200, "").with("x-authorization", value));

    let token = observed("Bearer access_token$sandbox$abc").unwrap();

    assert_eq!(token.access_token.expose(), "access_token$sandbox$abc");
    assert_eq!(lifetime(&token), 15 * MINUTE);
    for value in ["", "Bearer", "planted token", "plänted"] {
        assert_eq!(observed(value), None, "{value}");
    }
}

#[test]
fn rejecting_status_contains_no_new_token() {
    let mut profile = acme();
    profile.error_rules.rejected.statuses = (&[419]).into();
    let observed = |status| adopted(&profile, &reply(status, "").with("x-authorization", "planted"));

    assert_eq!(observed(419), None);
    assert!(observed(401).is_some());
}

#[test]
fn a_json_operation_is_sent_to_its_own_endpoint_and_answered_by_json() {
    let mut profile = acme();
    profile.authenticate.protocol = GrantProtocol::Json;
    profile.authenticate.url = Some("https://api.acme.test/api/auth/local".to_owned());
    profile.token = TokenSource::Data(strings("jwt"));
    profile.default_failure = DefaultFailure::InvalidCredentialsIfExecuted;
    let mut scenario = Scenario::new(profile.clone(), &[], &[SECRET]);

    let token = scenario.respond(reply(200, r#"{"jwt":"planted-token"}"#)).unwrap();

    assert_eq!(token.access_token.expose(), "planted-token");
    let request = scenario.last();
    assert_eq!(request.url, "https://api.acme.test/api/auth/local");
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.json(), json!({ "id": "me", "secret": SECRET }));

    for (status, code) in [
        (400, ErrorCode::InvalidCredentials),
        (401, ErrorCode::InvalidCredentials),
        (404, ErrorCode::Protocol),
        (429, ErrorCode::RateLimited),
        (503, ErrorCode::Server),
    ] {
        let body = json!({ "data": null, "error": { "status": status, "name": "ValidationError", "message": "no" } });
        let error = Scenario::new(profile.clone(), &[], &[SECRET]).respond(reply(status, &body.to_string()));

        assert_eq!(error.unwrap_err().error().unwrap().code, code, "{status}");
    }
}

#[test]
fn the_id_and_secret_of_a_client_are_encoded_as_in_a_form() {
    let authorization =
        Authorization::ClientSecretBasic { client_id: "a:b c".to_owned(), secret: SecretId(0) };

    // RFC 6749 section 2.3.1.
    let expected = format!("Basic {}", crate::base64::encode(b"a%3Ab%20c:p%2Bq%2F%3A"));
    assert_eq!(identified(authorization, "p+q/:\n"), Some(expected));
}

#[test]
fn a_renewal_presents_the_access_token_in_a_variable_or_in_the_header() {
    let renew = Operation {
        variables: vec![("a".into(), Variable::AccessToken), ("r".into(), Variable::RefreshToken)],
        authorization: Authorization::AccessToken,
        ..acme().renew.unwrap()
    };
    let profile = Profile { renew: Some(renew), ..acme() };
    for (renewal, variables) in [
        (json!("planted-renewal"), json!({ "a": "planted-token", "r": "planted-renewal", })),
        (json!(null), json!({ "a": "planted-token", "r": null })),
    ] {
        let mut scenario = Scenario::new(profile.clone(), &["read"], &[SECRET]);
        let token =
            scenario.respond(logged_in(json!({ "jwt": "planted-token", "renewal": renewal }))).unwrap();

        let refresh_token = token.refresh_token.clone().expect("there is something to present");
        let answer = json!({ "data": { "renew": { "jwt": "planted-second" } } });
        let renewed =
            scenario.refresh(refresh_token.expose(), once(reply(200, &answer.to_string()))).unwrap();

        assert_eq!(renewed.access_token.expose(), "planted-second");
        assert_eq!(scenario.last().variables(), variables);
        assert_eq!(scenario.last().header("authorization"), Some("Bearer planted-token"));
    }
}

#[test]
fn an_error_that_matches_no_rule_is_one_of_the_credentials_if_the_operation_was_executed() {
    let profile = Profile { default_failure: DefaultFailure::InvalidCredentialsIfExecuted, ..acme() };
    for (body, code) in [
        (json!({ "data": null, "errors": [{ "message": "no" }] }), ErrorCode::InvalidCredentials),
        (json!({ "data": { "login": { "jwt": null } } }), ErrorCode::InvalidCredentials),
        (json!({ "data": { "login": { "success": false } } }), ErrorCode::InvalidCredentials),
        (json!({ "data": { "login": { "errorCode": "X" } } }), ErrorCode::InvalidCredentials),
        (json!({ "data": { "login": { "errors": [{ "code": "X" }] } } }), ErrorCode::InvalidCredentials),
        (
            json!({ "data": { "login": { "errors": { "all": [{ "code": "X" }] } } } }),
            ErrorCode::InvalidCredentials,
        ),
        // The operation was not executed, or failed inside the server.
        (json!({ "errors": [{ "message": "no" }] }), ErrorCode::Protocol),
        (
            json!({ "data": null, "errors": [{ "message": "no", "extensions": { "code": "INTERNAL_SERVER_ERROR" } }] }),
            ErrorCode::Protocol,
        ),
        (json!({ "data": { "login": { "errors": [] } } }), ErrorCode::Protocol),
    ] {
        let mut scenario = scenario(profile.clone());
        let error = scenario.respond(reply(200, &body.to_string())).unwrap_err();

        assert_eq!(error.error().unwrap().code, code, "{body}");
    }
}

#[test]
fn the_payload_of_a_grant_may_name_the_code_of_a_failure() {
    let rules = ErrorRules { denied: ErrorMatcher::of(&[], "wrong_password"), ..acme().error_rules };
    let profile = Profile { error_rules: rules, ..acme() };
    for payload in [
        json!({ "errorCode": "WRONG_PASSWORD" }),
        json!({ "errors": [{ "code": "OTHER" }, { "code": "wrong_password" }] }),
        json!({ "errors": { "password": [{ "code": "wrong_password" }] } }),
    ] {
        let error = scenario(profile.clone()).respond(logged_in(payload.clone())).unwrap_err();

        assert_eq!(error.error().unwrap().code, ErrorCode::InvalidCredentials, "{payload}");
    }
}

#[test]
fn a_point_in_time_is_no_lifetime() {
    let now = NOW.millis() / 1000;
    for (ttl, is_read) in [(90, true), (now + 8, false), (now * 1000 + 8, true)] {
        let granted = scenario(acme()).respond(logged_in(json!({ "jwt": "planted-token", "ttl": ttl })));

        assert_eq!(granted.is_ok(), is_read, "{ttl}");
    }
}

#[test]
fn the_body_of_a_json_response_may_be_the_failure() {
    let mut profile = acme();
    profile.authenticate.protocol = GrantProtocol::Json;
    profile.authenticate.url = Some("https://api.acme.test/auth".to_owned());
    let rate_limited = ErrorMatcher { contains: strings("slow down"), ..ErrorMatcher::of(&[429], "209") };
    profile.error_rules = ErrorRules { rate_limited, ..acme().error_rules };
    for body in [
        json!({ "code": 209 }),
        json!({ "errorCode": "209" }),
        json!({ "statusCode": 209 }),
        json!({ "message": "Please slow down" }),
        json!({ "detail": "Please slow down" }),
        json!({ "error": "x", "error_description": "Please slow down" }),
        json!({ "error": { "message": "slow down" } }),
    ] {
        for status in [200, 400, 403] {
            let error = scenario(profile.clone()).respond(reply(status, &body.to_string())).unwrap_err();

            assert_eq!(error.error().unwrap().code, ErrorCode::RateLimited, "{status} {body}");
        }
    }
}

#[test]
fn the_header_of_a_response_with_a_failure_contains_no_token() {
    let rules = ErrorRules { denied: ErrorMatcher::of(&[], "WRONG"), ..acme().error_rules };
    let token = TokenSource::Headers(strings("x-session"));
    let profile = Profile { token, error_rules: rules, expiry: None, ..acme() };
    for (payload, is_granted) in [(json!({ "id": 1 }), true), (json!({ "errorCode": "WRONG" }), false)] {
        let response = logged_in(payload.clone()).with("x-session", "planted-token");
        let granted = Scenario::new(profile.clone(), &[], &[SECRET]).respond(response);

        assert_eq!(granted.is_ok(), is_granted, "{payload}");
    }
}

#[test]
fn a_token_endpoint_grants_tokens_of_the_type_that_requests_present() {
    let grant = |token_type: Value, scheme: &'static str| {
        let mut profile = acme();
        profile.authenticate.protocol = GrantProtocol::Form;
        profile.token = TokenSource::Data(strings("access_token"));
        profile.presentation.scheme = scheme.into();
        let body = json!({ "access_token": "planted-token", "token_type": token_type, "ttl": 60 });
        scenario(profile).respond(reply(200, &body.to_string()))
    };
    for (token_type, scheme) in [
        (json!("Bearer"), "Bearer"),
        (json!("bearer"), "Bearer"),
        (json!("BEARER"), ""),
        (json!("bearer"), "JWT"),
        (json!("dpop"), "DPoP"),
        (Value::Null, "Bearer"),
    ] {
        grant(token_type.clone(), scheme).unwrap_or_else(|failure| panic!("{token_type}: {failure:?}"));
    }
    for (token_type, scheme) in [
        (json!("mac"), "Bearer"),
        (json!("DPoP"), "Bearer"),
        (json!("DPoP"), "JWT"),
        (json!("mac"), ""),
        (json!(""), "Bearer"),
        (json!(1), "Bearer"),
        (json!(["mac"]), "Bearer"),
    ] {
        let error = grant(token_type.clone(), scheme).expect_err("not understood").into_error();
        assert_eq!(error.code, ErrorCode::Protocol, "{token_type}");
    }
    // Other protocols have no member of this meaning.
    let token = json!({ "jwt": "planted-token", "token_type": "mac" });
    scenario(acme()).respond(logged_in(token)).unwrap();
}

#[test]
fn a_function_that_matches_classifies_a_grant() {
    let mut profile = acme();
    let rules = &mut profile.error_rules;
    (rules.rejected.predicate, rules.denied.predicate) = (1, 2);
    (rules.rate_limited.predicate, rules.outage.predicate) = (4, 8);
    for (predicates, body, code) in [
        (1, "<html>", ErrorCode::InvalidCredentials),
        (2, r#"{"data":{"login":{"ok":false}}}"#, ErrorCode::InvalidCredentials),
        (4, r#"{"data":{"login":{"ok":false}}}"#, ErrorCode::RateLimited),
        (8, r#"{"data":{"login":{"ok":false}}}"#, ErrorCode::Server),
        (0, r#"{"data":{"login":{"ok":false}}}"#, ErrorCode::Protocol),
    ] {
        let granted = scenario(profile.clone()).respond(HttpResponse { predicates, ..reply(200, body) });

        let error = granted.expect_err("there is no token").into_error();
        assert_eq!(error.code, code, "{predicates}");
    }
}
