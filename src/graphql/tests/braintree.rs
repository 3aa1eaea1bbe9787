//! Braintree: `createOAuthAccessTokenFromClientCredentials`.

use serde_json::json;

use crate::{
    core::ErrorCode,
    provider::braintree::{Braintree, Environment},
};

use super::*;

const CLIENT_SECRET: &str = "client_secret$sandbox$planted";

/// The guide's sample response, which has the word "date" for `expiresAt`.
const SAMPLE: &str = r#"{
"data": {
"createOAuthAccessTokenFromClientCredentials": {
"accessToken": {
"accessToken": "access_token$sandbox$abc123",
"tokenType": "BEARER",
"expiresAt": "2026-11-22T11:20:30Z"
}
}
},
"extensions": {
"requestId": "a-uuid-for-the-request"
}
}"#;

fn options() -> Braintree {
    Braintree {
        environment: Environment::Sandbox,
        endpoint: None,
        client_id: "client_id$sandbox$abc".to_owned(),
        version: None,
        lifetime: None,
    }
}

pub(super) fn scenario() -> Scenario {
    let scopes = ["TRANSACTION_SALE", "TRANSACTION_MANAGE_SETTLEMENT"];
    Scenario::new(options().profile(), &scopes, &[CLIENT_SECRET])
}

/// A token with this expiry.
fn expiring(at: &Value) -> HttpResponse {
    let token =
        json!({ "accessToken": "access_token$sandbox$planted", "tokenType": "BEARER", "expiresAt": at });
    let payload = json!({ "createOAuthAccessTokenFromClientCredentials": { "accessToken": token } });
    reply(200, &json!({ "data": payload }).to_string())
}

/// An error in the form of the guides and of the SDKs' fixtures.
pub(super) fn classed(class: &str) -> String {
    json!({
        "data": null,
        "errors": [{
            "message": "Authentication credentials are invalid.",
            "locations": [{ "line": 2, "column": 3 }],
            "path": ["createOAuthAccessTokenFromClientCredentials"],
            "extensions": { "errorClass": class, "errorType": "developer_error", "legacyCode": "81234" },
        }],
        "extensions": { "requestId": "b7d2-planted-no-secret" },
    })
    .to_string()
}

#[test]
fn grant_request_matches_the_guide() {
    let mut scenario = scenario();

    scenario.respond(reply(200, SAMPLE)).unwrap();

    let request = scenario.last();
    assert_eq!(request.url, "https://payments.sandbox.braintree-api.com/graphql");
    assert_eq!(
        request.sorted_headers(),
        [
            ("accept", "application/graphql-response+json, application/json;q=0.9"),
            // client_id$sandbox$abc:client_secret$sandbox$planted
            ("authorization", "Basic Y2xpZW50X2lkJHNhbmRib3gkYWJjOmNsaWVudF9zZWNyZXQkc2FuZGJveCRwbGFudGVk"),
            ("braintree-version", "2019-01-01"),
            ("content-type", "application/json"),
        ],
    );
    assert_eq!(
        request.json(),
        json!({
            "query": "mutation createOAuthAccessTokenFromClientCredentials(\
                $input: CreateOAuthAccessTokenFromClientCredentialsInput!) { \
                createOAuthAccessTokenFromClientCredentials(input: $input) { \
                accessToken { accessToken tokenType expiresAt } } }",
            "variables": { "input": { "scopes": ["TRANSACTION_MANAGE_SETTLEMENT", "TRANSACTION_SALE"] } },
        }),
    );
}

#[test]
fn reads_the_sample_response() {
    let token = scenario().respond(reply(200, SAMPLE)).unwrap();
    let requested = scopes(&["TRANSACTION_MANAGE_SETTLEMENT", "TRANSACTION_SALE"]);

    assert_eq!(token.access_token.expose(), "access_token$sandbox$abc123");
    assert_eq!(token.refresh_token, None);
    // The response contains no scopes.
    assert_eq!(token.scopes, Some(requested));
    assert_eq!(token.expires_at, NOW + 60 * MINUTE);
}

#[test]
fn expiry_is_optional_and_may_have_any_format() {
    for (at, minutes) in [
        (json!("2026-11-22T12:50:30+01:00"), 90),
        (json!("1795344630"), 30),
        (json!(1_795_344_630_000_u64), 30),
        (json!("2026-11-22T10:20:30Z"), 0),
        (json!(null), 60),
    ] {
        let token = scenario().respond(expiring(&at)).unwrap();

        assert_eq!(lifetime(&token), minutes * MINUTE, "{at}");
    }
    let granted = scenario().respond(expiring(&json!("date")));
    fails_with(ErrorCode::Protocol)
        .status(200)
        .mentions("`data.createOAuthAccessTokenFromClientCredentials.accessToken.expiresAt`")
        .is_permanent(granted);
}

#[test]
fn refresh_is_unsupported() {
    let mut body: Value = serde_json::from_str(SAMPLE).unwrap();
    body["data"]["createOAuthAccessTokenFromClientCredentials"]["accessToken"]["refreshToken"] =
        json!("planted-refresh-token");
    let mut scenario = scenario();

    let token = scenario.respond(reply(200, &body.to_string())).unwrap();
    let granted = scenario.refresh("planted-refresh-token", |_| panic!("a request was made"));

    assert_eq!(token.refresh_token, None);
    fails_with(ErrorCode::Unsupported).rejects_refresh_token(granted);
}

#[test]
fn api_responses_contain_no_new_token() {
    let response = reply(200, "").with("authorization", &jwt("{}")).with("x-authorization", &jwt("{}"));

    assert_eq!(adopted(&options().profile(), &response), None);
}
