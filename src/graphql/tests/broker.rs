//! Grants by a broker: RFC 6749, with the samples of sections 5.1 and 5.2.

use crate::{
    core::{AccessToken, ClockOffset},
    graphql::token_digest,
    options::{self, RawValue},
};

use super::*;

fn profile() -> Profile {
    let text = |text: &str| RawValue::Text(text.to_owned().into());
    let members = [
        ("provider", text("broker")),
        ("url", text("https://page.test/token")),
        ("endpoint", text("https://api.acme.test/graphql")),
        ("credentials", text("include")),
    ];
    let members = members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    options::read(&RawValue::Map(members), PLATFORM).expect("good options").profile
}

fn scenario() -> Scenario {
    Scenario::new(profile(), &["read:a", "b&c"], &[])
}

fn error_of(granted: Granted) -> (TokenError, &'static str) {
    match granted.expect_err("there is no token") {
        GrantFailure::Transient(error) | GrantFailure::NotProcessed(error) => (error, "transient"),
        GrantFailure::Permanent(error) => (error, "permanent"),
        GrantFailure::RefreshTokenRejected(_)
        | GrantFailure::Unchanged
        | GrantFailure::IdentityRejected(_) => {
            panic!("nothing was presented")
        }
    }
}

#[test]
fn grant_request_is_a_form() {
    let mut scenario = scenario();

    let tokens = scenario.respond(reply(
        200,
        r#"{"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"example","expires_in":3600,
            "refresh_token":"tGzv3JOkF0XG5Qx2TlKWIA","example_parameter":"example_value","scope":"read:a"}"#,
    ));

    let tokens = tokens.unwrap();
    assert_eq!(tokens.access_token, AccessToken::new("2YotnFZFEjr1zCsicMWpAA"));
    assert_eq!(tokens.expires_at.since(NOW), Duration::from_secs(3600));
    assert_eq!(tokens.scopes, Some(["read:a"].into_iter().collect()));
    // Pages do not receive refresh tokens.
    assert_eq!(tokens.refresh_token, None);
    let HttpRequest { url, body, credentials, .. } = scenario.last();
    assert_eq!(url, "https://page.test/token");
    assert_eq!(body.expose(), "scope=b%26c%20read%3Aa");
    assert_eq!(*credentials, Some("include"));
    assert_eq!(scenario.last().header("content-type"), Some("application/x-www-form-urlencoded"));
}

#[test]
fn form_contains_the_rejected_token_digest() {
    let mut scenario = scenario();
    scenario.rejected_token = Some(token_digest(&AccessToken::new("abc")));

    let _ = scenario.respond(reply(200, "{}"));

    // RFC 6234: SHA-256 of "abc".
    let form = "scope=b%26c%20read%3Aa&refused=ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0";
    assert_eq!(scenario.last().body.expose(), form);
}

#[test]
fn claims_of_an_older_token_are_not_a_clock() {
    // Issued 100 s ago for 180 s, by a provider with a clock that is unknown to the page.
    let issued_at = 1_795_342_830 - 100;
    let claims = format!(r#"{{"iat":{issued_at},"exp":{}}}"#, issued_at + 180);
    let encoded = crate::base64::encode_url(claims.as_bytes());
    let body = format!(r#"{{"access_token":"e30.{encoded}.c2ln","expires_in":80}}"#);

    let tokens = scenario().respond(reply(200, &body)).unwrap();

    assert_eq!(tokens.expires_at.since(NOW), Duration::from_secs(80));
    assert_eq!(tokens.provider_clock, ClockOffset::default());
    assert!(tokens.times.issued_at.is_some(), "it still tells which of two tokens is older");
}

#[test]
fn errors_are_classified_by_retryability() {
    for (status, body, code, retryability) in [
        (401, r#"{"error":"invalid_client"}"#, ErrorCode::InvalidCredentials, "permanent"),
        (400, r#"{"error":"invalid_grant"}"#, ErrorCode::InvalidCredentials, "permanent"),
        (403, r#"{"error":"unauthorized_client"}"#, ErrorCode::InvalidCredentials, "permanent"),
        (400, r#"{"error":"invalid_scope"}"#, ErrorCode::InsufficientScope, "permanent"),
        (400, r#"{"error":"invalid_request"}"#, ErrorCode::Protocol, "permanent"),
        (404, "<html>", ErrorCode::Protocol, "transient"),
        (403, "<html>", ErrorCode::Protocol, "transient"),
        (403, "{}", ErrorCode::InvalidCredentials, "permanent"),
        (401, "<html>", ErrorCode::InvalidCredentials, "permanent"),
        (200, "<html>", ErrorCode::Protocol, "transient"),
        (200, "[]", ErrorCode::Protocol, "permanent"),
        (0, "", ErrorCode::Protocol, "transient"),
        (429, r#"{"error":"temporarily_unavailable"}"#, ErrorCode::RateLimited, "transient"),
        (400, r#"{"error":"temporarily_unavailable"}"#, ErrorCode::Server, "transient"),
        (500, r#"{"error":"server_error"}"#, ErrorCode::Server, "transient"),
        (502, "<html>", ErrorCode::Server, "transient"),
    ] {
        let (error, seen) = error_of(scenario().respond(reply(status, body)));

        assert_eq!((error.code, seen), (code, retryability), "{status} {body}");
        assert_eq!(error.provider.as_deref(), Some("broker"));
    }
}

#[test]
fn retry_after_of_a_broker_is_used() {
    for status in [429, 503] {
        let response = reply(status, r#"{"error":"temporarily_unavailable"}"#).with("retry-after", "7");

        let (error, _) = error_of(scenario().respond(response));

        assert_eq!(error.retry_after, Some(Duration::from_secs(7)));
    }
}
