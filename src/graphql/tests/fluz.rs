//! Fluz: `generateUserAccessToken`.

use serde_json::json;

use crate::{
    core::ErrorCode,
    provider::{
        Profile,
        fluz::{ApplicationKey, Environment, Fluz, Renewal},
    },
};

use super::*;

/// As displayed by Fluz: base64 of the application's id and secret.
pub(super) const API_KEY: &str = "YXBwLWlkOnBsYW50ZWQtc2VjcmV0";

/// Sample response of the page "Generate a user access token", with a complete list of scopes.
pub(super) const SAMPLE: &str = r#"{
  "data": {
    "generateUserAccessToken": {
      "token": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...",
      "refreshToken": "0cb671d0b1aaa727c96874270cd15c2f",
      "scopes": ["LIST_PURCHASES", "LIST_OFFERS"]
    }
  }
}"#;

pub(super) fn options() -> Fluz {
    Fluz {
        environment: Environment::Sandbox,
        endpoint: None,
        key: ApplicationKey::ApiKey,
        user_id: "11111111-1111-4111-8111-111111111111".to_owned(),
        account_id: "22222222-2222-4222-8222-222222222222".to_owned(),
        seat_id: None,
        renewal: Renewal::Refresh,
        lifetime: None,
    }
}

pub(super) fn scenario() -> Scenario {
    with(options().profile())
}

pub(super) fn with(profile: Profile) -> Scenario {
    Scenario::new(profile, &["LIST_PURCHASES", "LIST_OFFERS"], &[API_KEY])
}

/// A response to `generateUserAccessToken`.
pub(super) fn generated(payload: Value) -> HttpResponse {
    reply(200, &json!({ "data": { "generateUserAccessToken": payload } }).to_string())
}

#[test]
fn grant_request_matches_the_page() {
    let mut scenario = scenario();

    scenario.answered(reply(200, SAMPLE)).unwrap();

    let request = scenario.last();
    assert_eq!(request.url, "https://transactional-graph.staging.fluzapp.com/api/v1/graphql");
    assert_eq!(
        request.sorted_headers(),
        [
            ("accept", "application/graphql-response+json, application/json;q=0.9"),
            ("authorization", "Basic YXBwLWlkOnBsYW50ZWQtc2VjcmV0"),
            ("content-type", "application/json"),
        ],
    );
    assert_eq!(
        request.json(),
        json!({
            "query": "mutation generateUserAccessToken($userId: UUID!, $accountId: UUID!, \
                $scopes: [ScopeType!]!, $seatId: UUID) { generateUserAccessToken(userId: $userId, \
                accountId: $accountId, scopes: $scopes, seatId: $seatId) { token refreshToken scopes } }",
            "variables": {
                "userId": "11111111-1111-4111-8111-111111111111",
                "accountId": "22222222-2222-4222-8222-222222222222",
                "scopes": ["LIST_OFFERS", "LIST_PURCHASES"],
            },
        }),
    );
}

#[test]
fn reads_the_sample_response() {
    let token = scenario().answered(reply(200, SAMPLE)).unwrap();

    assert_eq!(token.access_token.expose(), "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...");
    assert_eq!(token.refresh_token.as_ref().unwrap().expose(), "0cb671d0b1aaa727c96874270cd15c2f");
    assert_eq!(token.scopes, Some(scopes(&["LIST_OFFERS", "LIST_PURCHASES"])));
    assert_eq!(token.issued_at, NOW);
    assert_eq!(token.expires_at, NOW + 10 * MINUTE);
}

#[test]
fn reads_either_name_of_the_token() {
    let token = scenario().answered(generated(json!({ "accessToken": "planted-token" }))).unwrap();

    assert_eq!(token.access_token.expose(), "planted-token");
    assert_eq!(token.refresh_token, None);
}

#[test]
fn null_under_one_name_leaves_the_other() {
    let payload = json!({ "token": null, "accessToken": "planted-token" });

    let token = scenario().answered(generated(payload)).unwrap();

    assert_eq!(token.access_token.expose(), "planted-token");
}

#[test]
fn each_environment_has_an_endpoint_and_a_lifetime() {
    for (environment, endpoint, minutes) in [
        (Environment::Sandbox, "https://transactional-graph.staging.fluzapp.com/api/v1/graphql", 10),
        (Environment::Production, "https://transactional-graph.fluzapp.com/api/v1/graphql", 3),
    ] {
        let mut scenario = with(Fluz { environment, ..options() }.profile());

        let token = scenario.answered(reply(200, SAMPLE)).unwrap();

        assert_eq!(scenario.last().url, endpoint);
        assert_eq!(lifetime(&token), minutes * MINUTE);
    }
}

#[test]
fn custom_endpoint_and_lifetime_replace_the_defaults() {
    let fluz = Fluz {
        endpoint: Some("http://127.0.0.1:4000/fluz".to_owned()),
        lifetime: Some(2 * MINUTE),
        ..options()
    };
    let mut scenario = with(fluz.profile());

    let token = scenario.answered(reply(200, SAMPLE)).unwrap();

    assert_eq!(scenario.last().url, "http://127.0.0.1:4000/fluz");
    assert_eq!(lifetime(&token), 2 * MINUTE);
}

#[test]
fn seat_is_sent_only_if_set() {
    let mut without = scenario();
    let seat_id = Some("33333333-3333-4333-8333-333333333333".to_owned());
    let mut seated = with(Fluz { seat_id, ..options() }.profile());

    without.answered(reply(200, SAMPLE)).unwrap();
    seated.answered(reply(200, SAMPLE)).unwrap();

    assert!(!without.last().variables().as_object().unwrap().contains_key("seatId"));
    assert_eq!(seated.last().variables()["seatId"], "33333333-3333-4333-8333-333333333333");
}

#[test]
fn pasted_forms_of_a_key_are_sent_alike() {
    for key in [
        "YXBwLWlkOnBsYW50ZWQtc2VjcmV0",
        "Basic YXBwLWlkOnBsYW50ZWQtc2VjcmV0",
        "  basic Basic YXBwLWlkOnBsYW50ZWQtc2VjcmV0\r\n",
        "app-id:planted-secret",
    ] {
        let mut scenario = Scenario::new(options().profile(), &[], &[key]);

        scenario.answered(reply(200, SAMPLE)).unwrap();

        assert_eq!(scenario.last().header("authorization"), Some("Basic YXBwLWlkOnBsYW50ZWQtc2VjcmV0"));
    }
}

#[test]
fn id_and_secret_are_encoded() {
    let key = ApplicationKey::Pair { app_id: "app-id".to_owned() };
    let mut scenario = Scenario::new(Fluz { key, ..options() }.profile(), &[], &["planted-secret"]);

    scenario.answered(reply(200, SAMPLE)).unwrap();

    assert_eq!(scenario.last().header("authorization"), Some("Basic YXBwLWlkOnBsYW50ZWQtc2VjcmV0"));
}

#[test]
fn unsendable_key_is_never_sent() {
    for key in ["planted\nkey", "planted\u{7f}key", "plänted-key", "planted\u{0}key"] {
        let mut scenario = Scenario::new(options().profile(), &[], &[key]);

        let granted = scenario.authenticate(|_| panic!("a request was made"));

        fails_with(ErrorCode::CredentialsUnavailable)
            .errors_match("`apiKey`")
            .errors_match("as the provider shows it")
            .is_permanent(granted);
    }
}

#[test]
fn empty_granted_scopes_mean_the_requested_ones() {
    let asked = scenario().scopes;
    for (answered, expected) in [
        (json!(["LIST_OFFERS"]), scopes(&["LIST_OFFERS"])),
        (json!(["B", "A", "B"]), scopes(&["A", "B"])),
        (json!(["A", null, 7, { "name": "B" }]), scopes(&["A"])),
        (json!("A B"), scopes(&["A", "B"])),
        (json!([]), asked.clone()),
        (json!(""), asked.clone()),
        (json!(null), asked.clone()),
        (json!({ "LIST_OFFERS": true }), asked.clone()),
        (json!(7), asked.clone()),
    ] {
        let payload = json!({ "token": "planted-token", "scopes": answered });

        let token = scenario().answered(generated(payload)).unwrap();

        assert_eq!(token.scopes, Some(expected), "{answered}");
    }
}

#[test]
fn undocumented_scope_is_requested() {
    let mut scenario = Scenario::new(options().profile(), &["SOMETHING_NEW_2"], &[API_KEY]);

    scenario.answered(reply(200, SAMPLE)).unwrap();

    assert_eq!(scenario.last().variables()["scopes"], json!(["SOMETHING_NEW_2"]));
}

#[test]
fn jwt_expiry_limits_the_lifetime() {
    let now = NOW.millis() / 1000;
    for (claims, seconds) in [
        (format!(r#"{{"iat":{now},"exp":{}}}"#, now + 120), 120),
        (format!(r#"{{"exp":{}}}"#, now + 120), 120),
        (format!(r#"{{"iat":{now},"exp":{}}}"#, now + 86_400), 600),
        // The example token of jwt.io, which the pages print.
        (r#"{"sub":"1234567890","name":"John Doe","admin":true,"iat":1516239022}"#.to_owned(), 600),
    ] {
        let token = scenario().answered(generated(json!({ "token": jwt(&claims) }))).unwrap();

        assert_eq!(lifetime(&token), Duration::from_secs(seconds), "{claims}");
    }
}

#[test]
fn complete_payload_is_used_despite_errors() {
    let body = r#"{
        "data": { "generateUserAccessToken": { "token": "planted-token" }, "marco": null },
        "errors": [{ "message": "planted words", "path": ["marco"], "extensions": { "code": "AUTH-0008" } }]
    }"#;

    for status in [200, 294, 500] {
        let token = scenario().answered(reply(status, body)).unwrap();

        assert_eq!(token.access_token.expose(), "planted-token");
    }
}

#[test]
fn rejected_key_is_permanent() {
    // The first body was seen on the real service; the others follow "Error codes".
    let seen = reply(401, r#"{"error":"Error verifying API basic token"}"#);
    let inside =
        |code| generated(json!({ "success": false, "error": { "code": code, "message": "planted words" } }));
    for (response, sighted) in [
        (seen, "HTTP 401"),
        (reply(401, ""), "HTTP 401"),
        (reply(401, "<html>planted</html>"), "HTTP 401"),
        (reply(200, r#"{"error":"Error verifying API basic token"}"#), "HTTP 200"),
        (reply(403, r#"{"error":{"message":"planted words"}}"#), "HTTP 403"),
        (error(200, "Invalid access to planted"), "HTTP 200"),
        (error(200, "Your token has EXPIRED"), "HTTP 200"),
        (error(200, "The token is invalid"), "HTTP 200"),
        (coded(200, "AUTH-0002"), "AUTH-0002"),
        (coded(400, "AUTH-0008"), "HTTP 400, AUTH-0008"),
        (coded(200, "AUTH-0001"), "AUTH-0001"),
        (coded(200, "UNAUTHENTICATED"), "UNAUTHENTICATED"),
        (inside("AUTH-0008"), "AUTH-0008"),
    ] {
        let status = response.status;

        let granted = scenario().answered(response);

        fails_with(ErrorCode::InvalidCredentials)
            .status(status)
            .errors_match("refused the credentials")
            .errors_match(sighted)
            .errors_match("check that `apiKey` belongs to this environment")
            .is_permanent(granted);
    }
}

#[test]
fn rejected_users_and_accounts_do_not_count_against_the_key() {
    for (code, is_of_identity) in
        [("AUTH-0001", true), ("AUTH-0008", true), ("AUTH-0002", false), ("UNAUTHENTICATED", false)]
    {
        let granted = scenario().answered(coded(200, code));

        assert_eq!(matches!(granted, Err(GrantFailure::IdentityRejected(_))), is_of_identity, "{code}");
    }
}

#[test]
fn advice_names_the_given_option() {
    let key = ApplicationKey::Pair { app_id: "app-id".to_owned() };
    let mut scenario = Scenario::new(Fluz { key, ..options() }.profile(), &[], &["planted-secret"]);

    let granted = scenario.answered(reply(401, ""));

    fails_with(ErrorCode::InvalidCredentials).status(401).errors_match("`appSecret`").is_permanent(granted);
}

#[test]
fn rejected_request_advises_to_check_scopes_and_ids() {
    let scope = r#"Variable "$scopes" got invalid value "PLANTED" at "scopes[0]"; Value "PLANTED" does not exist in "ScopeType" enum."#;
    let inside =
        generated(json!({ "success": false, "error": { "code": "VC-0019", "message": "planted words" } }));
    for (response, sighted) in [
        (error(200, scope), "HTTP 200"),
        (error(400, scope), "HTTP 400"),
        (error(422, scope).with("content-type", "application/graphql-response+json"), "HTTP 422"),
        (coded(200, "VC-0020"), "VC-0020"),
        (inside, "VC-0019"),
    ] {
        let status = response.status;

        let granted = scenario().answered(response);

        fails_with(ErrorCode::Protocol)
            .status(status)
            .errors_match("refused the request for a token")
            .errors_match(sighted)
            .errors_match("check the scopes, the ids and the version in the options")
            .is_permanent(granted);
    }
}

#[test]
fn keeps_the_request_id() {
    let body = r#"{"errors":[{"message":"planted words"}],"extensions":{"requestId":"f3a1-77"}}"#;

    let granted = scenario().answered(reply(200, body));

    fails_with(ErrorCode::Protocol).status(200).request_id("f3a1-77").is_permanent(granted);
}

#[test]
fn missing_token_names_its_paths() {
    for payload in [
        json!(null),
        json!({}),
        json!({ "token": "" }),
        json!({ "token": 7 }),
        json!({ "token": {} }),
        json!(["token"]),
    ] {
        let granted = scenario().answered(generated(payload));

        fails_with(ErrorCode::Protocol)
            .status(200)
            .errors_match("answered without a token at `data.generateUserAccessToken.token`")
            .errors_match("`data.refreshUserAccessToken.accessToken`")
            .is_permanent(granted);
    }
}
