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
fn they_are_asked_for_with_the_applications_key() {
    let mut scenario = scenario();

    scenario.application_scopes(listed(&json!(["LIST_OFFERS"]))).unwrap();

    let request = scenario.last();
    assert_eq!(request.url, "https://transactional-graph.staging.fluzapp.com/api/v1/graphql");
    assert_eq!(request.header("authorization"), Some(format!("Basic {API_KEY}").as_str()));
    assert_eq!(request.json(), json!({ "query": "{ getApplicationScopes }", "variables": {} }));
}

#[test]
fn they_come_in_order_and_each_once() {
    let told = json!(["MAKE_DEPOSIT", "LIST_OFFERS", null, "MAKE_DEPOSIT"]);

    assert_eq!(
        scenario().application_scopes(listed(&told)).unwrap(),
        scopes(&["LIST_OFFERS", "MAKE_DEPOSIT"])
    );
}

#[test]
fn an_application_may_have_none() {
    assert_eq!(scenario().application_scopes(listed(&json!([]))).unwrap(), scopes(&[]));
}

#[test]
fn a_refused_key_is_told_as_for_a_grant() {
    let refused = reply(401, r#"{"error":"Error verifying API basic token"}"#);

    let failure = scenario().application_scopes(refused).unwrap_err();

    fails_with(ErrorCode::InvalidCredentials)
        .status(401)
        .errors_match("check that `apiKey`")
        .is_permanent(failure);
}

#[test]
fn an_outage_may_pass_and_is_not_asked_again_by_itself() {
    let failure = scenario().application_scopes(reply(503, "")).unwrap_err();

    fails_with(ErrorCode::Server).status(503).errors_match("ask again later").is_transient(failure);
}

#[test]
fn a_throttle_tells_how_long() {
    let failure = scenario().application_scopes(reply(429, "").with("retry-after", "7")).unwrap_err();

    fails_with(ErrorCode::RateLimited).status(429).retry_after(Duration::from_secs(7)).is_transient(failure);
}

#[test]
fn an_answer_without_a_list_is_not_what_is_documented() {
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
