//! API responses: rejected tokens and errors.

use super::{
    super::*, DATE, assert_not_printed, braintree, coded, custom, error, fluz, reply, scopes, toggle,
};
use crate::{
    core::{ErrorCode, Retryability, ScopeSet},
    http::HttpResponse,
    json::native::PLATFORM,
    provider::Profile,
};

fn profiles() -> [Profile; 4] {
    [fluz::scenario().profile, toggle::scenario().profile, braintree::scenario().profile, custom::acme()]
}

fn auth_status(profile: &Profile, status: u16, body: &str) -> AuthStatus {
    check_rejection(profile, status, Some(body), 0, PLATFORM)
}

const DONE: &str = r#"{"data":{"op":{"id":1}}}"#;

#[test]
fn response_with_data_only_is_accepted() {
    for profile in profiles() {
        for status in [200, 201, 294, 400, 500] {
            assert_eq!(auth_status(&profile, status, DONE), AuthStatus::Accepted, "{}", profile.name);
            assert_eq!(
                check_rejection(&profile, status, None, 0, PLATFORM),
                AuthStatus::Accepted,
                "{}",
                profile.name
            );
        }
    }
}

#[test]
fn status_alone_rejects_regardless_of_the_body() {
    for profile in profiles() {
        for body in ["", "<html>", "{}", "[]", r#"{"error":"no"}"#, r#"{"data":null}"#] {
            assert_eq!(auth_status(&profile, 401, body), AuthStatus::Rejected, "{} {body}", profile.name);
        }
        assert_eq!(
            check_rejection(&profile, 401, None, 0, PLATFORM),
            AuthStatus::Rejected,
            "{}",
            profile.name
        );
    }
}

#[test]
fn recognizes_rejections_of_each_provider_with_status_200() {
    let [fluz, toggle, braintree, _] = profiles();
    for (profile, body) in [
        (&fluz, r#"{"errors":[{"message":"x","extensions":{"code":"AUTH-0008"}}],"data":null}"#),
        (&fluz, r#"{"errors":[{"message":"x","extensions":{"code":"UNAUTHENTICATED"}}]}"#),
        (&fluz, r#"{"errors":[{"message":"Access token has expired"}],"data":{"getOffers":null}}"#),
        (&fluz, r#"{"error":"Error verifying API basic token"}"#),
        (
            &toggle,
            r#"{"errors":[{"message":"Unauthorized","locations":[{"line":1,"column":3}],"customer_facing":false}]}"#,
        ),
        (
            &braintree,
            r#"{"data":null,"errors":[{"message":"Authentication credentials are invalid.","extensions":{"errorClass":"AUTHENTICATION","errorType":"developer_error"}}],"extensions":{"requestId":"r-1"}}"#,
        ),
        // As printed in the guide.
        (
            &braintree,
            r#"{"extensions":{"errorClass":"AUTHENTICATION","errorType":"developer_error"},"message":"Authentication credentials are invalid."}"#,
        ),
    ] {
        assert_eq!(auth_status(profile, 200, body), AuthStatus::Rejected, "{body}");
        // JavaScript passes only bodies that contain this text.
        assert!(body.contains("\"error"), "{body}");
    }
    assert_eq!(auth_status(&toggle, 403, r#"{"errors":[{"message":"Unauthorized"}]}"#), AuthStatus::Rejected);
}

#[test]
fn unrelated_errors_reject_nothing() {
    let [fluz, toggle, braintree, _] = profiles();
    for (profile, response) in [
        (&fluz, coded(200, "VC-0020")),
        (&fluz, coded(403, "FORBIDDEN")),
        (&toggle, error(200, "validation")),
        (&toggle, error(200, "Unauthorized for this account")),
        (&braintree, coded(200, "AUTHORIZATION")),
        (&braintree, coded(200, "VALIDATION")),
        (&braintree, coded(503, "SERVICE_AVAILABILITY")),
    ] {
        assert_eq!(auth_status(profile, response.status, response.body.expose()), AuthStatus::Accepted);
    }
}

#[test]
fn partially_executed_request_is_not_repeated() {
    let braintree = braintree::scenario().profile;
    let with_data = |data: &str| {
        format!(
            r#"{{"data":{data},"errors":[{{"message":"x","extensions":{{"errorClass":"AUTHENTICATION"}}}}]}}"#
        )
    };

    for data in [r#"{"ping":"pong","node":null}"#, r#"{"a":{}}"#, r#"{"a":false}"#, r#"{"a":0}"#] {
        assert_eq!(auth_status(&braintree, 200, &with_data(data)), AuthStatus::PartiallyRejected, "{data}");
    }
    for data in ["null", "{}", r#"{"node":null}"#, r#"{"a":null,"b":null}"#] {
        assert_eq!(auth_status(&braintree, 200, &with_data(data)), AuthStatus::Rejected, "{data}");
    }
    assert_eq!(auth_status(&braintree, 401, DONE), AuthStatus::PartiallyRejected);
}

#[test]
fn failure_inside_the_payload_counts_as_executed() {
    let body = r#"{"data":{"op":{"success":false,"error":{"code":"AUTH-0008","message":"x"}}}}"#;

    assert_eq!(auth_status(&fluz::scenario().profile, 200, body), AuthStatus::PartiallyRejected);
}

#[test]
fn batch_is_rejected_with_one_of_its_responses() {
    let toggle = toggle::scenario().profile;
    let refused = r#"{"errors":[{"message":"Unauthorized"}]}"#;

    assert_eq!(auth_status(&toggle, 200, &format!("[{refused},{refused}]")), AuthStatus::Rejected);
    assert_eq!(auth_status(&toggle, 200, &format!("[{DONE},{refused}]")), AuthStatus::PartiallyRejected);
    assert_eq!(auth_status(&toggle, 200, &format!("[{DONE},{DONE}]")), AuthStatus::Accepted);
}

#[test]
fn bodies_other_than_responses_are_accepted() {
    for profile in profiles() {
        for body in
            ["", "\u{feff}", "null", "7", "\"errors\"", r#"{"errors":7,"data":[1]}"#, r#"{"errors":["#]
        {
            assert_eq!(auth_status(&profile, 200, body), AuthStatus::Accepted, "{body}");
        }
    }
}

#[test]
fn graphql_errors_are_reported_with_any_status() {
    let fluz = fluz::scenario().profile;
    for status in [200, 294, 400, 422, 403, 500] {
        let body = r#"{"errors":[{"message":"planted words","extensions":{"code":"VC-0020"}}],"data":null,"extensions":{"requestId":"r-1"}}"#;

        let failure = classify(&fluz, &reply(status, body), PLATFORM);

        assert_eq!(failure.code, ErrorCode::GraphqlErrors);
        assert_eq!((failure.status, failure.request_id.as_deref()), (Some(status), Some("r-1")));
        assert_eq!(
            failure.retryability,
            Some(if status == 500 { Retryability::Retryable } else { Retryability::Permanent })
        );
        assert!(failure.message.contains("VC-0020"), "{failure}");
        assert_not_printed(&["planted words".to_owned()], &format!("{failure} {failure:?}"));
    }
}

#[test]
fn rate_limit_errors_are_retryable() {
    let failure = classify(&braintree::scenario().profile, &coded(200, "RESOURCE_LIMIT"), PLATFORM);

    assert_eq!(
        (failure.code, failure.retryability),
        (ErrorCode::GraphqlErrors, Some(Retryability::Retryable))
    );
}

#[test]
fn response_other_than_graphql_is_classified_by_status() {
    let error_of_response = |response: &HttpResponse| {
        let failure = classify(&fluz::scenario().profile, response, PLATFORM);
        assert_not_printed(&["planted words".to_owned()], &format!("{failure} {failure:?}"));
        failure
    };
    for (status, body, code) in [
        (200, "", ErrorCode::Protocol),
        (200, "<html>planted words", ErrorCode::Protocol),
        (200, r#"{"data":null}"#, ErrorCode::Protocol),
        (200, r#"{"data":{"cut":"#, ErrorCode::Protocol),
        (200, r#"{"errors":["planted words"]}"#, ErrorCode::Protocol),
        (307, "", ErrorCode::Protocol),
        (0, "", ErrorCode::Protocol),
        (404, r#"{"message":"planted words"}"#, ErrorCode::Protocol),
        (400, r#"{"error":"planted words"}"#, ErrorCode::Protocol),
        (403, DONE, ErrorCode::Protocol),
        (406, "", ErrorCode::Protocol),
        (408, "", ErrorCode::Server),
        (429, "planted words", ErrorCode::RateLimited),
        (500, "", ErrorCode::Server),
        (502, "<html>planted words", ErrorCode::Server),
        (503, r#"{"error":"planted words"}"#, ErrorCode::Server),
    ] {
        let failure = error_of_response(&reply(status, body));

        assert_eq!(failure.code, code, "{status} {body}");
        assert_eq!(failure.status, (status > 0).then_some(status));
        let is_json = body.starts_with('{') && !body.ends_with(':');
        let intercepted =
            code == ErrorCode::Protocol && status != 406 && (!is_json || matches!(status, 0 | 307));
        assert_eq!(failure.retryability, intercepted.then_some(Retryability::Retryable), "{status} {body}");
    }
}

#[test]
fn retry_after_is_read_as_seconds_or_date() {
    let fluz = fluz::scenario().profile;
    for value in ["30", "Sun, 22 Nov 2026 10:21:00 GMT"] {
        let response = reply(429, "").with("retry-after", value).with("date", DATE);

        let failure = classify(&fluz, &response, PLATFORM);

        let seconds = failure.retry_after.map(|span| span.as_secs_f64().ceil());
        assert_eq!(seconds, Some(30.0), "{value}");
    }
}

#[test]
fn rejected_replacement_token_lacks_the_needed_scopes() {
    let refused = coded(200, "AUTHENTICATION");
    let granted = scopes(&["TRANSACTION_FIND"]);
    let needed = scopes(&["TRANSACTION_CHARGE", "TRANSACTION_FIND"]);

    let failure =
        repeated_rejection(&braintree::scenario().profile, &granted, Some(&needed), &refused, PLATFORM);

    assert_eq!(failure.code, ErrorCode::InsufficientScope);
    assert_eq!(failure.missing_scopes, Some(scopes(&["TRANSACTION_CHARGE"])));
    assert!(failure.message.contains("TRANSACTION_CHARGE"), "{failure}");
    assert!(failure.message.contains("TRANSACTION_FIND"), "{failure}");
}

#[test]
fn rejected_replacement_token_with_all_or_no_scopes_is_token_rejected() {
    let all = scopes(&["TRANSACTION_FIND"]);
    for (profile, granted, needed) in [
        (braintree::scenario().profile, all.clone(), Some(all)),
        (toggle::scenario().profile, ScopeSet::default(), None),
    ] {
        let failure =
            repeated_rejection(&profile, &granted, needed.as_ref(), &error(403, "Unauthorized"), PLATFORM);

        assert_eq!((failure.code, failure.status), (ErrorCode::TokenRejected, Some(403)));
        assert_eq!(failure.missing_scopes, None);
    }
}

#[test]
fn a_function_that_matches_rejects_the_token() {
    let mut profile = custom::acme();
    profile.error_rules.rejected.predicate = 1;
    for (predicates, body, expected) in [
        (1, None, AuthStatus::Rejected),
        (1, Some("<html>"), AuthStatus::Rejected),
        (1, Some(r#"{"data":{"me":null}}"#), AuthStatus::Rejected),
        (1, Some(DONE), AuthStatus::PartiallyRejected),
        (0, Some(DONE), AuthStatus::Accepted),
        (14, Some(DONE), AuthStatus::Accepted),
    ] {
        assert_eq!(check_rejection(&profile, 200, body, predicates, PLATFORM), expected, "{body:?}");
    }
    assert_eq!(check_rejection(&custom::acme(), 200, Some(DONE), 15, PLATFORM), AuthStatus::Accepted);
}

#[test]
fn a_function_that_matches_classifies_a_response() {
    let mut profile = custom::acme();
    profile.error_rules.rate_limited.predicate = 4;
    profile.error_rules.outage.predicate = 8;
    let failed = r#"{"errors":[{"message":"x"}]}"#;
    for (predicates, body, code, is_retryable) in [
        (0, failed, ErrorCode::GraphqlErrors, false),
        (4, failed, ErrorCode::GraphqlErrors, true),
        (8, failed, ErrorCode::GraphqlErrors, true),
        (4, "{}", ErrorCode::RateLimited, true),
        (8, "{}", ErrorCode::Server, true),
        (3, "{}", ErrorCode::Protocol, false),
    ] {
        let error = classify(&profile, &HttpResponse { predicates, ..reply(200, body) }, PLATFORM);

        let expected = if is_retryable { Retryability::Retryable } else { Retryability::Permanent };
        assert_eq!((error.code, error.retryability()), (code, expected), "{predicates} {body}");
    }
}

#[test]
fn rejection_of_a_field_is_distinguished_from_that_of_the_request() {
    let message = |path: &str| {
        let body = format!(
            r#"{{"errors":[{{"message":"x","extensions":{{"code":"UNAUTHENTICATED"}}{path}}}],"data":null}}"#
        );
        let failure =
            repeated_rejection(&custom::acme(), &ScopeSet::default(), None, &reply(200, &body), PLATFORM);
        assert_eq!(failure.code, ErrorCode::TokenRejected);
        failure.message.clone()
    };

    assert_ne!(message(r#","path":["me",0]"#), message(""));
    assert_eq!(message(r#","path":[]"#), message(""));
    assert_eq!(message(r#","path":"me""#), message(""));
}

#[test]
fn ambiguous_rejection_names_scopes_and_credentials() {
    let granted = scopes(&["TRANSACTION_FIND"]);

    let failure = repeated_rejection(
        &braintree::scenario().profile,
        &granted,
        None,
        &coded(200, "AUTHENTICATION"),
        PLATFORM,
    );

    assert_eq!((failure.code, failure.missing_scopes.clone()), (ErrorCode::InsufficientScope, None));
    for name in ["TRANSACTION_FIND", "AUTHENTICATION"] {
        assert!(failure.message.contains(name), "{failure}");
    }
}

#[test]
fn rejection_has_request_id_and_status() {
    let body = r#"{"errors":[{"message":"no"}],"extensions":{"requestId":"r-1"}}"#;
    for (status, expected_status) in [(401, Some(401)), (0, None)] {
        let refused = repeated_rejection(
            &toggle::scenario().profile,
            &ScopeSet::default(),
            None,
            &reply(status, body),
            PLATFORM,
        );

        assert_eq!((refused.status, refused.request_id.as_deref()), (expected_status, Some("r-1")));
    }
}
