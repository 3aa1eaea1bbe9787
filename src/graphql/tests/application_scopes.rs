//! Fluz: `getApplicationScopes`, which uses the application's key and returns no token.

use serde_json::json;

use crate::core::ErrorCode;

use super::{
    fluz::{API_KEY, scenario},
    *,
};

fn listed(scopes: &Value) -> HttpResponse {
    reply(200, &json!({ "data": { "getApplicationScopes": scopes } }).to_string())
}

#[test]
fn requests_scopes_with_the_application_key() {
    let mut scenario = scenario();

    scenario.application_scopes(listed(&json!(["LIST_OFFERS"]))).unwrap();

    let request = scenario.last();
    assert_eq!(request.url, "https://transactional-graph.staging.fluzapp.com/api/v1/graphql");
    assert_eq!(request.header("authorization"), Some(format!("Basic {API_KEY}").as_str()));
    assert_eq!(request.json(), json!({ "query": "{ getApplicationScopes }", "variables": {} }));
}

#[test]
fn listed_scopes_are_sorted_and_unique() {
    for (answer, expected) in [
        (json!(["MAKE_DEPOSIT", "LIST_OFFERS", null, "MAKE_DEPOSIT"]), &["LIST_OFFERS", "MAKE_DEPOSIT"][..]),
        (json!([]), &[]),
    ] {
        assert_eq!(scenario().application_scopes(listed(&answer)).unwrap(), scopes(expected));
    }
}

#[test]
fn failures_are_classified_as_for_a_grant() {
    let failed = |response| scenario().application_scopes(response).unwrap_err();
    let rejected = reply(401, r#"{"error":"Error verifying API basic token"}"#);

    fails_with(ErrorCode::InvalidCredentials).status(401).is_permanent(failed(rejected));
    fails_with(ErrorCode::Server).status(503).is_transient(failed(reply(503, "")));
    fails_with(ErrorCode::RateLimited)
        .status(429)
        .retry_after(Duration::from_secs(7))
        .is_transient(failed(reply(429, "").with("retry-after", "7")));
    fails_with(ErrorCode::Protocol).status(200).is_transient(failed(reply(200, "<html>planted page</html>")));
    for answer in [listed(&Value::Null), listed(&json!("LIST_OFFERS")), error(200, "planted complaint")] {
        fails_with(ErrorCode::Protocol).status(200).is_permanent(failed(answer));
    }
}
