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

/// Scenario with the application's id and secret instead of its key.
pub(super) fn with_pair() -> Scenario {
    let key = ApplicationKey::Pair { app_id: "app-id".to_owned() };
    Scenario::new(Fluz { key, ..options() }.profile(), &[], &["planted-secret"])
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

    scenario.respond(reply(200, SAMPLE)).unwrap();

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
    let token = scenario().respond(reply(200, SAMPLE)).unwrap();

    assert_eq!(token.access_token.expose(), "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...");
    assert_eq!(token.refresh_token.as_ref().unwrap().expose(), "0cb671d0b1aaa727c96874270cd15c2f");
    assert_eq!(token.scopes, Some(scopes(&["LIST_OFFERS", "LIST_PURCHASES"])));
    assert_eq!(token.issued_at, NOW);
    assert_eq!(token.expires_at, NOW + 10 * MINUTE);
}

#[test]
fn reads_either_name_of_the_token() {
    for payload in [json!({ "accessToken": "planted" }), json!({ "token": null, "accessToken": "planted" })] {
        let token = scenario().respond(generated(payload)).unwrap();

        assert_eq!(token.access_token.expose(), "planted");
        assert_eq!(token.refresh_token, None);
    }
}

#[test]
fn seat_is_sent_only_if_set() {
    let mut without = scenario();
    let seat_id = Some("33333333-3333-4333-8333-333333333333".to_owned());
    let mut seated = with(Fluz { seat_id, ..options() }.profile());

    without.respond(reply(200, SAMPLE)).unwrap();
    seated.respond(reply(200, SAMPLE)).unwrap();

    assert!(!without.last().variables().as_object().unwrap().contains_key("seatId"));
    assert_eq!(seated.last().variables()["seatId"], "33333333-3333-4333-8333-333333333333");
}

#[test]
fn pasted_forms_of_a_key_are_sent_alike() {
    // A key that starts like the scheme is unchanged.
    let mut scenario = Scenario::new(options().profile(), &[], &["BasicallyAKey"]);
    scenario.respond(reply(200, SAMPLE)).unwrap();
    assert_eq!(scenario.last().header("authorization"), Some("Basic BasicallyAKey"));
    for key in [
        "YXBwLWlkOnBsYW50ZWQtc2VjcmV0",
        "Basic YXBwLWlkOnBsYW50ZWQtc2VjcmV0",
        "  basic Basic YXBwLWlkOnBsYW50ZWQtc2VjcmV0\r\n",
        "app-id:planted-secret",
        "Basic app-id:planted-secret",
    ] {
        let mut scenario = Scenario::new(options().profile(), &[], &[key]);

        scenario.respond(reply(200, SAMPLE)).unwrap();

        assert_eq!(scenario.last().header("authorization"), Some("Basic YXBwLWlkOnBsYW50ZWQtc2VjcmV0"));
    }
}

#[test]
fn unsendable_key_is_never_sent() {
    for key in ["planted\nkey", "planted\u{7f}key", "plänted-key", "planted\u{0}key"] {
        let mut scenario = Scenario::new(options().profile(), &[], &[key]);

        let granted = scenario.authenticate(|_| panic!("a request was made"));

        fails_with(ErrorCode::CredentialsUnavailable).is_permanent(granted);
    }
}

#[test]
fn empty_granted_scopes_mean_the_requested_ones() {
    let requested = scenario().scopes;
    for (answered, expected) in [
        (json!(["LIST_OFFERS"]), scopes(&["LIST_OFFERS"])),
        (json!(["B", "A", "B"]), scopes(&["A", "B"])),
        (json!(["A", null, 7, { "name": "B" }]), scopes(&["A"])),
        (json!("A B"), scopes(&["A", "B"])),
        (json!([]), requested.clone()),
        (json!(""), requested.clone()),
        (json!(null), requested.clone()),
        (json!({ "LIST_OFFERS": true }), requested.clone()),
        (json!(7), requested.clone()),
    ] {
        let payload = json!({ "token": "planted-token", "scopes": answered });

        let token = scenario().respond(generated(payload)).unwrap();

        assert_eq!(token.scopes, Some(expected), "{answered}");
    }
}

#[test]
fn complete_payload_is_used_despite_errors() {
    let body = r#"{
        "data": { "generateUserAccessToken": { "token": "planted-token" }, "marco": null },
        "errors": [{ "message": "planted words", "path": ["marco"], "extensions": { "code": "AUTH-0008" } }]
    }"#;

    for status in [200, 294, 500] {
        let token = scenario().respond(reply(status, body)).unwrap();

        assert_eq!(token.access_token.expose(), "planted-token");
    }
}
