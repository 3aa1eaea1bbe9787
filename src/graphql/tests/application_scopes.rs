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
fn scopes_are_sorted_and_unique() {
    let listed_scopes = json!(["MAKE_DEPOSIT", "LIST_OFFERS", null, "MAKE_DEPOSIT"]);

    assert_eq!(
        scenario().application_scopes(listed(&listed_scopes)).unwrap(),
        scopes(&["LIST_OFFERS", "MAKE_DEPOSIT"])
    );
}

#[test]
fn application_may_have_no_scopes() {
    assert_eq!(scenario().application_scopes(listed(&json!([]))).unwrap(), scopes(&[]));
}

#[test]
fn rejected_key_is_reported_as_for_a_grant() {
    let refused = reply(401, r#"{"error":"Error verifying API basic token"}"#);

    let failure = scenario().application_scopes(refused).unwrap_err();

    fails_with(ErrorCode::InvalidCredentials)
        .status(401)
        .errors_match("check that `apiKey`")
        .is_permanent(failure);
}

#[test]
fn outage_is_transient_and_not_retried() {
    let failure = scenario().application_scopes(reply(503, "")).unwrap_err();

    fails_with(ErrorCode::Server).status(503).errors_match("ask again later").is_transient(failure);
}

#[test]
fn rate_limit_states_the_delay() {
    let failure = scenario().application_scopes(reply(429, "").with("retry-after", "7")).unwrap_err();

    fails_with(ErrorCode::RateLimited).status(429).retry_after(Duration::from_secs(7)).is_transient(failure);
}

#[test]
fn response_without_a_list_is_a_protocol_error() {
    for (answer, says) in [
        (listed(&Value::Null), "answered without the scopes"),
        (listed(&json!("LIST_OFFERS")), "answered without the scopes"),
        (error(200, "planted complaint"), "refused the request for the scopes"),
    ] {
        let failure = scenario().application_scopes(answer).unwrap_err();

        fails_with(ErrorCode::Protocol).status(200).errors_match(says).is_permanent(failure);
    }
    let failure = scenario().application_scopes(reply(200, "<html>planted page</html>")).unwrap_err();
    fails_with(ErrorCode::Protocol).status(200).errors_match("check `endpoint`").is_transient(failure);
}
