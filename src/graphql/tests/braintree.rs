//! Braintree: `createOAuthAccessTokenFromClientCredentials`.

use serde_json::json;

use crate::{
    core::{ClockOffset, ErrorCode},
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
    with(options())
}

fn with(options: Braintree) -> Scenario {
    Scenario::new(options.profile(), &["TRANSACTION_SALE", "TRANSACTION_MANAGE_SETTLEMENT"], &[CLIENT_SECRET])
}

/// A token with this expiry.
fn expiring(at: &Value) -> HttpResponse {
    let token =
        json!({ "accessToken": "access_token$sandbox$planted", "tokenType": "BEARER", "expiresAt": at });
    let payload = json!({ "createOAuthAccessTokenFromClientCredentials": { "accessToken": token } });
    reply(200, &json!({ "data": payload }).to_string())
}

/// An error in the form of the guides and of the SDKs' fixtures.
fn classed(class: &str) -> String {
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

    scenario.answered(reply(200, SAMPLE)).unwrap();

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
    let token = scenario().answered(reply(200, SAMPLE)).unwrap();
    let asked = scopes(&["TRANSACTION_MANAGE_SETTLEMENT", "TRANSACTION_SALE"]);

    assert_eq!(token.access_token.expose(), "access_token$sandbox$abc123");
    assert_eq!(token.refresh_token, None);
    // The response contains no scopes.
    assert_eq!(token.scopes, Some(asked));
    assert_eq!(token.expires_at, NOW + 60 * MINUTE);
}

#[test]
fn each_environment_has_an_endpoint() {
    for (environment, endpoint) in [
        (Environment::Sandbox, "https://payments.sandbox.braintree-api.com/graphql"),
        (Environment::Production, "https://payments.braintree-api.com/graphql"),
    ] {
        let mut scenario = with(Braintree { environment, ..options() });

        scenario.answered(reply(200, SAMPLE)).unwrap();

        assert_eq!(scenario.last().url, endpoint);
    }
}

#[test]
fn custom_endpoint_version_and_lifetime_replace_the_defaults() {
    let mut scenario = with(Braintree {
        endpoint: Some("http://127.0.0.1:4000/braintree".to_owned()),
        version: Some("2026-01-13".to_owned()),
        lifetime: Some(5 * MINUTE),
        ..options()
    });

    let token = scenario.answered(expiring(&json!(null))).unwrap();

    assert_eq!(scenario.last().url, "http://127.0.0.1:4000/braintree");
    assert_eq!(scenario.last().header("braintree-version"), Some("2026-01-13"));
    assert_eq!(lifetime(&token), 5 * MINUTE);
}

#[test]
fn reads_every_format_of_expiry() {
    let end = NOW + 30 * MINUTE;
    for at in [
        json!("2026-11-22T10:50:30Z"),
        json!("2026-11-22T10:50:30.000Z"),
        json!("2026-11-22T10:50:30.000000Z"),
        json!("2026-11-22T10:50:30.000000000Z"),
        json!("2026-11-22T10:50:30"),
        json!("2026-11-22 10:50:30"),
        json!("2026-11-22T11:50:30+01:00"),
        json!("2026-11-22T16:20:30+0530"),
        json!("2026-11-22T02:50:30-08"),
        json!("1795344630"),
        json!("1795344630000"),
        json!(1_795_344_630),
        json!(1_795_344_630_000_u64),
        json!(1_795_344_630.0),
    ] {
        let token = scenario().answered(expiring(&at)).unwrap();

        assert_eq!(token.expires_at, end, "{at}");
    }
}

#[test]
fn missing_expiry_means_one_hour() {
    let token = scenario().answered(expiring(&json!(null))).unwrap();

    assert_eq!(lifetime(&token), 60 * MINUTE);
}

#[test]
fn passed_expiry_leaves_no_lifetime() {
    for at in [json!(3600), json!("2026-11-22T10:20:29Z"), json!("2026-11-22T10:20:30Z")] {
        let token = scenario().answered(expiring(&at)).unwrap();

        assert_eq!(lifetime(&token), Duration::ZERO, "{at}");
    }
}

#[test]
fn unreadable_expiry_is_named() {
    for at in [
        json!("date"),
        json!(""),
        json!("2026-11-22"),
        json!("22 Nov 2026 10:50:30 GMT"),
        json!(0),
        json!(-1),
        json!(true),
        json!({ "at": "2026-11-22T10:50:30Z" }),
        json!(["2026-11-22T10:50:30Z"]),
    ] {
        let granted = scenario().answered(expiring(&at));

        fails_with(ErrorCode::Protocol)
            .status(200)
            .errors_match("`data.createOAuthAccessTokenFromClientCredentials.accessToken.expiresAt`")
            .is_permanent(granted);
    }
}

#[test]
fn stated_expiry_may_exceed_the_default() {
    let mut scenario = with(Braintree { lifetime: Some(MINUTE), ..options() });

    let token = scenario.answered(expiring(&json!("2026-11-23T10:20:30Z"))).unwrap();

    assert_eq!(lifetime(&token), 24 * 60 * MINUTE);
}

#[test]
fn device_clock_off_by_a_day_has_no_effect() {
    let answer = expiring(&json!("2026-11-22T10:50:30Z")).with("date", DATE);
    let yesterday = NOW - 24 * 60 * MINUTE;
    let response =
        HttpResponse { sent_at: yesterday - Duration::from_millis(100), received_at: yesterday, ..answer };

    let token = scenario().answered(response).unwrap();

    // The header is truncated to a second and the latency is unknown: half a second of tolerance.
    assert!(lifetime(&token).abs_diff(30 * MINUTE) <= Duration::from_millis(550), "{:?}", lifetime(&token));
    let skew = token.expires_at.shifted(token.provider_clock);
    assert_eq!(skew, NOW + 30 * MINUTE);
}

#[test]
fn accurate_device_clock_has_no_offset() {
    let token = scenario().answered(expiring(&json!("2026-11-22T10:50:30Z")).with("date", DATE)).unwrap();

    assert_eq!(token.expires_at, NOW + 30 * MINUTE);
    assert_eq!(token.provider_clock, ClockOffset::default());
}

#[test]
fn token_type_is_ignored() {
    for kind in ["BEARER", "bearer", "OTHER", ""] {
        let body = SAMPLE.replace("BEARER", kind);

        let token = scenario().answered(reply(200, &body)).unwrap();

        assert_eq!(token.access_token.expose(), "access_token$sandbox$abc123");
    }
}

#[test]
fn rejected_credentials_are_permanent() {
    for (class, status, sighted) in [
        ("AUTHENTICATION", 200, "(AUTHENTICATION)"),
        ("AUTHORIZATION", 200, "(AUTHORIZATION)"),
        ("AUTHENTICATION", 401, "(HTTP 401, AUTHENTICATION)"),
        ("UNKNOWN", 401, "(HTTP 401, UNKNOWN)"),
        ("UNKNOWN", 403, "(HTTP 403, UNKNOWN)"),
    ] {
        let granted = scenario().answered(reply(status, &classed(class)));

        fails_with(ErrorCode::InvalidCredentials)
            .status(status)
            .request_id("b7d2-planted-no-secret")
            .errors_match("braintree refused the credentials")
            .errors_match(sighted)
            .errors_match("check that `clientId` and `clientSecret` belong to this environment")
            .errors_match("may have these scopes")
            .is_permanent(granted);
    }
}

#[test]
fn reads_the_missing_scope_sample_with_and_without_list() {
    let sample = r#"{
"extensions": {
"errorClass": "AUTHENTICATION",
"errorType": "developer_error"
},
"message": "Authentication credentials are invalid."
}"#;
    for body in [sample.to_owned(), format!(r#"{{"errors":[{sample}]}}"#)] {
        let granted = scenario().answered(reply(200, &body));

        fails_with(ErrorCode::InvalidCredentials)
            .status(200)
            .errors_match("(AUTHENTICATION)")
            .is_permanent(granted);
    }
}

#[test]
fn rate_limit_and_outage_are_transient() {
    for (class, code, says) in [
        ("RESOURCE_LIMIT", ErrorCode::RateLimited, "share one TokenManager"),
        ("SERVICE_AVAILABILITY", ErrorCode::Server, "out of order (SERVICE_AVAILABILITY)"),
        ("INTERNAL", ErrorCode::Server, "asked again by itself"),
    ] {
        let granted = scenario().answered(reply(200, &classed(class)).with("retry-after", "4"));

        fails_with(code)
            .status(200)
            .request_id("b7d2-planted-no-secret")
            .retry_after(Duration::from_secs(4))
            .errors_match(says)
            .is_transient(granted);
    }
}

#[test]
fn other_error_classes_concern_the_request() {
    for class in ["VALIDATION", "NOT_FOUND", "UNSUPPORTED_CLIENT", "UNKNOWN", "SOMETHING_NEW"] {
        let granted = scenario().answered(reply(200, &classed(class)));

        fails_with(ErrorCode::Protocol)
            .status(200)
            .request_id("b7d2-planted-no-secret")
            .errors_match("braintree refused the request for a token")
            .errors_match(class)
            .errors_match("check the scopes")
            .is_permanent(granted);
    }
}

#[test]
fn error_without_a_class_concerns_the_request() {
    let message = "The requested field is not accessible with the provided authentication credentials.";

    let granted = scenario().answered(error(200, message));

    fails_with(ErrorCode::Protocol).status(200).errors_match("(HTTP 200)").is_permanent(granted);
}

#[test]
fn complete_payload_beside_errors_is_used() {
    let errors = json!([{ "message": "planted words", "extensions": { "errorClass": "INTERNAL" } }]);
    let mut body: Value = serde_json::from_str(SAMPLE).unwrap();
    body["errors"] = errors;

    let token = scenario().answered(reply(200, &body.to_string())).unwrap();

    assert_eq!(token.access_token.expose(), "access_token$sandbox$abc123");
}

#[test]
fn incomplete_payload_beside_errors_is_ignored() {
    for payload in [
        json!(null),
        json!({}),
        json!({ "accessToken": null }),
        json!({ "accessToken": { "accessToken": null } }),
    ] {
        let errors = json!([{ "message": "planted words", "extensions": { "errorClass": "AUTHORIZATION" } }]);
        let data = json!({ "createOAuthAccessTokenFromClientCredentials": payload });

        let granted = scenario().answered(reply(200, &json!({ "data": data, "errors": errors }).to_string()));

        fails_with(ErrorCode::InvalidCredentials).status(200).is_permanent(granted);
    }
}

#[test]
fn refresh_is_unsupported() {
    let mut body: Value = serde_json::from_str(SAMPLE).unwrap();
    body["data"]["createOAuthAccessTokenFromClientCredentials"]["accessToken"]["refreshToken"] =
        json!("planted-refresh-token");
    let mut scenario = scenario();

    let token = scenario.answered(reply(200, &body.to_string())).unwrap();
    let granted = scenario.refresh("planted-refresh-token", |_| panic!("a request was made"));

    assert_eq!(token.refresh_token, None);
    fails_with(ErrorCode::Unsupported).errors_match("braintree").rejects_refresh_token(granted);
}

#[test]
fn api_responses_contain_no_new_token() {
    let response = reply(200, "").with("authorization", &jwt("{}")).with("x-authorization", &jwt("{}"));

    assert_eq!(crate::graphql::rotated_token(&options().profile(), &response, PLATFORM), None);
}
