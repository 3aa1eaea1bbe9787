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
    check_rejection(profile, status, Some(body), PLATFORM)
}

const DONE: &str = r#"{"data":{"op":{"id":1}}}"#;

#[test]
fn an_answer_with_data_alone_refuses_nothing() {
    for profile in profiles() {
        for status in [200, 201, 294, 400, 500] {
            assert_eq!(auth_status(&profile, status, DONE), AuthStatus::Accepted, "{}", profile.name);
            assert_eq!(
                check_rejection(&profile, status, None, PLATFORM),
                AuthStatus::Accepted,
                "{}",
                profile.name
            );
        }
    }
}

#[test]
fn a_status_is_enough_whatever_the_body_is() {
    for profile in profiles() {
        for body in ["", "<html>", "{}", "[]", r#"{"error":"no"}"#, r#"{"data":null}"#] {
            assert_eq!(auth_status(&profile, 401, body), AuthStatus::Rejected, "{} {body}", profile.name);
        }
        assert_eq!(check_rejection(&profile, 401, None, PLATFORM), AuthStatus::Rejected, "{}", profile.name);
    }
}

#[test]
fn each_provider_refuses_in_its_own_words_also_with_status_200() {
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
fn errors_that_are_about_something_else_refuse_nothing() {
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
fn what_was_carried_out_in_part_is_not_sent_again() {
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
fn a_failure_inside_the_payload_was_carried_out() {
    let body = r#"{"data":{"op":{"success":false,"error":{"code":"AUTH-0008","message":"x"}}}}"#;

    assert_eq!(auth_status(&fluz::scenario().profile, 200, body), AuthStatus::PartiallyRejected);
}

#[test]
fn a_batch_is_refused_where_one_of_its_answers_is() {
    let toggle = toggle::scenario().profile;
    let refused = r#"{"errors":[{"message":"Unauthorized"}]}"#;

    assert_eq!(auth_status(&toggle, 200, &format!("[{refused},{refused}]")), AuthStatus::Rejected);
    assert_eq!(auth_status(&toggle, 200, &format!("[{DONE},{refused}]")), AuthStatus::PartiallyRejected);
    assert_eq!(auth_status(&toggle, 200, &format!("[{DONE},{DONE}]")), AuthStatus::Accepted);
}

#[test]
fn bodies_that_are_no_answers_break_nothing() {
    for profile in profiles() {
        for body in
            ["", "\u{feff}", "null", "7", "\"errors\"", r#"{"errors":7,"data":[1]}"#, r#"{"errors":["#]
        {
            assert_eq!(auth_status(&profile, 200, body), AuthStatus::Accepted, "{body}");
        }
    }
}

#[test]
fn a_graphql_answer_with_errors_says_so_whatever_its_status() {
    let fluz = fluz::scenario().profile;
    for status in [200, 294, 400, 422, 403, 500] {
        let body = r#"{"errors":[{"message":"planted words","extensions":{"code":"VC-0020"}}],"data":null,"extensions":{"requestId":"r-1"}}"#;

        let told = classify(&fluz, &reply(status, body), PLATFORM);

        assert_eq!(told.code, ErrorCode::GraphqlErrors);
        assert_eq!((told.status, told.request_id.as_deref()), (Some(status), Some("r-1")));
        assert_eq!(
            told.retryability,
            Some(if status == 500 { Retryability::Retryable } else { Retryability::Permanent })
        );
        assert!(told.message.contains("VC-0020"), "{told}");
        assert_not_printed(&["planted words".to_owned()], &format!("{told} {told:?}"));
    }
}

#[test]
fn errors_of_a_throttle_may_pass() {
    let told = classify(&braintree::scenario().profile, &coded(200, "RESOURCE_LIMIT"), PLATFORM);

    assert_eq!((told.code, told.retryability), (ErrorCode::GraphqlErrors, Some(Retryability::Retryable)));
}

#[test]
fn an_answer_that_is_no_graphql_is_told_by_its_status() {
    let told_of = |response: &HttpResponse| {
        let told = classify(&fluz::scenario().profile, response, PLATFORM);
        assert!(told.message.starts_with("fluz "), "{told}");
        assert!(told.message.contains("; "), "{told}");
        assert_not_printed(&["planted words".to_owned()], &format!("{told} {told:?}"));
        told
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
        let told = told_of(&reply(status, body));

        assert_eq!(told.code, code, "{status} {body}");
        assert_eq!(told.status, (status > 0).then_some(status));
        let is_json = body.starts_with('{') && !body.ends_with(':');
        let intercepted =
            code == ErrorCode::Protocol && status != 406 && (!is_json || matches!(status, 0 | 307));
        assert_eq!(told.retryability, intercepted.then_some(Retryability::Retryable), "{status} {body}");
    }
    assert!(told_of(&reply(307, "")).message.contains("a redirect"));
    assert!(told_of(&reply(406, "")).message.contains("accept"));
}

#[test]
fn how_long_to_wait_is_told_in_seconds_or_as_a_date() {
    let fluz = fluz::scenario().profile;
    for value in ["30", "Sun, 22 Nov 2026 10:21:00 GMT"] {
        let response = reply(429, "").with("retry-after", value).with("date", DATE);

        let told = classify(&fluz, &response, PLATFORM);

        let seconds = told.retry_after.map(|span| span.as_secs_f64().ceil());
        assert_eq!(seconds, Some(30.0), "{value}");
    }
}

#[test]
fn a_fresh_token_that_is_refused_lacks_the_scopes_that_are_known_to_be_needed() {
    let refused = coded(200, "AUTHENTICATION");
    let granted = scopes(&["TRANSACTION_FIND"]);
    let needed = scopes(&["TRANSACTION_CHARGE", "TRANSACTION_FIND"]);

    let told =
        repeated_rejection(&braintree::scenario().profile, &granted, Some(&needed), &refused, PLATFORM);

    assert_eq!(told.code, ErrorCode::InsufficientScope);
    assert_eq!(told.missing_scopes, Some(scopes(&["TRANSACTION_CHARGE"])));
    assert!(told.message.contains("needs TRANSACTION_CHARGE"), "{told}");
    assert!(told.message.contains("granted TRANSACTION_FIND"), "{told}");
}

#[test]
fn a_fresh_token_that_is_refused_with_all_scopes_or_without_any_is_rejected() {
    let all = scopes(&["TRANSACTION_FIND"]);
    for (profile, granted, needed) in [
        (braintree::scenario().profile, all.clone(), Some(all)),
        (toggle::scenario().profile, ScopeSet::default(), None),
    ] {
        let told =
            repeated_rejection(&profile, &granted, needed.as_ref(), &error(403, "Unauthorized"), PLATFORM);

        assert_eq!((told.code, told.status), (ErrorCode::TokenRejected, Some(403)));
        assert_eq!(told.missing_scopes, None);
    }
}

#[test]
fn too_few_scopes_that_look_like_bad_credentials_are_told_as_both() {
    let granted = scopes(&["TRANSACTION_FIND"]);

    let told = repeated_rejection(
        &braintree::scenario().profile,
        &granted,
        None,
        &coded(200, "AUTHENTICATION"),
        PLATFORM,
    );

    assert_eq!((told.code, told.missing_scopes.clone()), (ErrorCode::InsufficientScope, None));
    for words in ["scopes", "TRANSACTION_FIND", "credentials", "AUTHENTICATION"] {
        assert!(told.message.contains(words), "{words}: {}", told.message);
    }
}

#[test]
fn a_refusal_tells_its_request_id_and_its_status_where_it_has_one() {
    let body = r#"{"errors":[{"message":"no"}],"extensions":{"requestId":"r-1"}}"#;
    for (status, told) in [(401, Some(401)), (0, None)] {
        let refused = repeated_rejection(
            &toggle::scenario().profile,
            &ScopeSet::default(),
            None,
            &reply(status, body),
            PLATFORM,
        );

        assert_eq!((refused.status, refused.request_id.as_deref()), (told, Some("r-1")));
    }
}
