//! Fluz: `refreshUserAccessToken`, and its fallback.

use serde_json::json;

use crate::{
    core::ErrorCode,
    provider::fluz::{ApplicationKey, Environment, Fluz, Renewal},
};

use super::{
    fluz::{SAMPLE, options, scenario, with},
    schema_variants::{LIKELIEST, Schema, Style},
    *,
};

/// A response to `refreshUserAccessToken`.
fn refreshed(payload: Value) -> HttpResponse {
    reply(200, &json!({ "data": { "refreshUserAccessToken": payload } }).to_string())
}

/// Message of graphql-js for an operation that the schema does not have.
const MISSING: &str = r#"Cannot query field "refreshUserAccessToken" on type "Mutation". Did you mean "generateUserAccessToken"?"#;

#[test]
fn refresh_request_matches_the_page() {
    let mut scenario = scenario();

    scenario.refresh("planted-refresh-token", once(reply(200, SAMPLE))).unwrap();

    let request = scenario.last();
    assert_eq!(request.url, "https://transactional-graph.staging.fluzapp.com/api/v1/graphql");
    assert_eq!(request.header("authorization"), Some("Basic YXBwLWlkOnBsYW50ZWQtc2VjcmV0"));
    assert_eq!(
        request.json(),
        json!({
            "query": "mutation refreshUserAccessToken($refreshToken: String!) { \
                refreshUserAccessToken(refreshToken: $refreshToken) { token refreshToken scopes } }",
            "variables": { "refreshToken": "planted-refresh-token" },
        }),
    );
}

#[test]
fn reads_the_response_under_either_operation() {
    // The page's sample response to a refresh has the other operation as its key.
    for body in [SAMPLE.to_owned(), SAMPLE.replace("generateUser", "refreshUser")] {
        let token = scenario().refresh("planted-refresh-token", once(reply(200, &body))).unwrap();

        assert_eq!(token.access_token.expose(), "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...");
        assert_eq!(token.refresh_token.as_ref().unwrap().expose(), "0cb671d0b1aaa727c96874270cd15c2f");
        assert_eq!(token.scopes, Some(scopes(&["LIST_OFFERS", "LIST_PURCHASES"])));
        assert_eq!(token.expires_at, NOW + 10 * MINUTE);
    }
}

#[test]
fn empty_refresh_token_is_none() {
    for answered in [json!(""), json!(null), json!(7)] {
        let payload = json!({ "token": "planted-token", "refreshToken": answered });

        let token = scenario().refresh("planted-refresh-token", once(refreshed(payload))).unwrap();

        assert_eq!(token.refresh_token, None);
    }
}

#[test]
fn generating_manager_keeps_no_refresh_token() {
    let mut scenario = with(Fluz { renewal: Renewal::Generate, ..options() }.profile());

    let token = scenario.respond(reply(200, SAMPLE)).unwrap();
    let granted = scenario.refresh("planted-refresh-token", |_| panic!("a request was made"));

    assert_eq!(token.refresh_token, None);
    fails_with(ErrorCode::Unsupported).rejects_refresh_token(granted);
}

#[test]
fn id_and_secret_authenticate_a_refresh() {
    let key = ApplicationKey::Pair { app_id: "app-id".to_owned() };
    let profile = Fluz { key, environment: Environment::Production, ..options() }.profile();
    let mut scenario = Scenario::new(profile, &[], &["planted-secret"]);

    let token = scenario.refresh("planted-refresh-token", once(reply(200, SAMPLE))).unwrap();

    assert_eq!(scenario.last().header("authorization"), Some("Basic YXBwLWlkOnBsYW50ZWQtc2VjcmV0"));
    assert_eq!(lifetime(&token), 3 * MINUTE);
}

#[test]
fn failed_refresh_falls_back_to_the_credentials() {
    let rejected = json!({ "success": false, "error": { "code": "AUTH-0002", "message": "planted words" } });
    for (response, code) in [
        (reply(401, r#"{"error":"Error verifying API basic token"}"#), ErrorCode::InvalidCredentials),
        (coded(200, "AUTH-0008"), ErrorCode::InvalidCredentials),
        (error(200, "planted: refresh token expired"), ErrorCode::InvalidCredentials),
        (refreshed(rejected), ErrorCode::InvalidCredentials),
        (coded(200, "VC-0020"), ErrorCode::Protocol),
        (refreshed(json!(null)), ErrorCode::Protocol),
        (refreshed(json!({ "token": "plan ted" })), ErrorCode::Protocol),
    ] {
        let status = response.status;

        let granted = scenario().refresh("planted-refresh-token", once(response));

        fails_with(code).status(status).rejects_refresh_token(granted);
    }
}

#[test]
fn intercepted_response_or_outage_does_not_reject_the_refresh_token() {
    for (status, body, code) in [
        (200, "<html>planted</html>", ErrorCode::Protocol),
        (302, "", ErrorCode::Protocol),
        (503, "", ErrorCode::Server),
    ] {
        let granted = scenario().refresh("planted-refresh-token", once(reply(status, body)));

        fails_with(code).status(status).is_transient(granted);
    }
}

#[test]
fn missing_operation_is_requested_once() {
    for message in [
        MISSING,
        "Cannot query field 'refreshUserAccessToken' on type 'Mutation'.",
        r#"Variable "$refreshToken" of type "String!" used in position expecting type "UUID!"."#,
    ] {
        let mut scenario = scenario();

        let first = scenario.refresh("planted-first", once(error(400, message)));
        let second = scenario.refresh("planted-second", |_| panic!("a request was made"));
        let token = scenario.respond(reply(200, SAMPLE));

        assert_eq!(scenario.requests.len(), 2);
        fails_with(ErrorCode::Protocol).status(400).rejects_refresh_token(first);
        fails_with(ErrorCode::Unsupported).rejects_refresh_token(second);
        token.unwrap();
    }
}

#[test]
fn operation_with_another_argument_is_requested_twice_and_not_again() {
    let schema = Schema { argument: "grant", ..LIKELIEST };
    let mut scenario = scenario();

    let first = scenario.refresh("planted-first", schema.server(Style::Apollo));
    let second = scenario.refresh("planted-second", |_| panic!("a request was made"));

    assert_eq!(scenario.requests.len(), 2);
    fails_with(ErrorCode::Protocol).status(400).rejects_refresh_token(first);
    fails_with(ErrorCode::Unsupported).rejects_refresh_token(second);
}

#[test]
fn existing_operation_is_requested_again() {
    for message in [
        "planted words",
        r#"Cannot query field "scopes" on type "UserAccessToken"."#,
        r#"Cannot query field "refresh" on type "Mutation"."#,
        r#"Cannot query field "refreshUserAccessTokens" on type "Mutation"."#,
        r#"Variable "refreshUserAccessToken" is odd."#,
    ] {
        let mut scenario = scenario();

        let granted = scenario.refresh("planted-first", once(error(400, message)));
        let token = scenario.refresh("planted-second", once(reply(200, SAMPLE)));

        fails_with(ErrorCode::Protocol).status(400).rejects_refresh_token(granted);
        token.unwrap();
    }
}

#[test]
fn credential_grant_does_not_disable_the_refresh_operation() {
    let mut scenario = scenario();

    let granted = scenario.respond(error(400, MISSING));
    let token = scenario.refresh("planted-first", once(reply(200, SAMPLE)));

    fails_with(ErrorCode::Protocol).status(400).is_permanent(granted);
    token.unwrap();
}
