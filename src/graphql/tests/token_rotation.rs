//! Sessions of new tokens in API responses.

use serde_json::json;

use super::{custom::acme, *};
use crate::provider::{SameSession, profile::strings};

/// Returns the meaning of a response with a new token.
fn rotation(same_session: SameSession, sent: &str, token: &str, body: &str) -> Rotation {
    let mut profile = acme();
    profile.rotation.as_mut().expect("it has one").same_session = same_session;
    let response = reply(200, body).with("x-authorization", token);
    rotated_token(&profile, &response, &AccessToken::new(sent), PLATFORM)
}

fn by_data(body: &str) -> Rotation {
    rotation(SameSession::Data(strings("me.id|viewer")), "sent-token", "new-token", body)
}

fn of_claims(claims: &Value) -> String {
    jwt(&claims.to_string())
}

fn is_adopted(rotation: &Rotation) -> bool {
    matches!(rotation, Rotation::Token(_))
}

#[test]
fn a_token_is_adopted_beside_a_field_that_is_not_empty() {
    for body in [
        r#"{"data":{"me":{"id":"1"}}}"#,
        r#"{"data":{"me":{"id":7}},"errors":[]}"#,
        r#"{"data":{"me":{"id":true}},"errors":null}"#,
        r#"{"data":{"viewer":{"x":null}}}"#,
        r#"{"data":{"viewer":[0]}}"#,
        // Of several paths, the first that the response has counts.
        r#"{"data":{"me":{"id":"1"},"viewer":null}}"#,
        r#"[{"data":{"a":1}},{"data":{"me":{"id":"1"}}}]"#,
    ] {
        assert!(is_adopted(&by_data(body)), "{body}");
    }
}

#[test]
fn a_token_is_not_adopted_from_a_response_without_the_field() {
    for body in [
        "",
        "<html>",
        "[]",
        r#"{"data":null}"#,
        r#"{"data":{}}"#,
        r#"{"data":{"shop":{"id":1}}}"#,
        r#"{"data":{"me":{"name":"x"}}}"#,
        r#"{"me":{"id":"1"}}"#,
        // The field may be empty because of the error, and the rest is not certain.
        r#"{"data":{"me":null},"errors":[{"message":"x"}]}"#,
        r#"{"data":{"me":{"id":"1"}},"errors":[{"message":"x"}]}"#,
    ] {
        assert_eq!(by_data(body), Rotation::Unchanged, "{body}");
    }
}

#[test]
fn a_field_that_is_empty_ends_the_session() {
    for body in [
        r#"{"data":{"me":null}}"#,
        r#"{"data":{"me":null,"shop":null}}"#,
        r#"{"data":{"viewer":null}}"#,
        r#"[{"data":{"me":null}},{"data":null}]"#,
    ] {
        assert_eq!(by_data(body), Rotation::Ended(AuthStatus::Rejected), "{body}");
    }
    for body in [
        r#"{"data":{"me":{"id":null}}}"#,
        r#"{"data":{"me":{"id":" "}}}"#,
        r#"{"data":{"me":{"id":0}}}"#,
        r#"{"data":{"me":{"id":false}}}"#,
        r#"{"data":{"me":{"id":[]}}}"#,
        r#"{"data":{"me":{"id":{}}}}"#,
        r#"{"data":{"me":null,"order":{"id":1}}}"#,
        r#"[{"data":{"me":{"id":"1"}}},{"data":{"me":null}}]"#,
    ] {
        assert_eq!(by_data(body), Rotation::Ended(AuthStatus::PartiallyRejected), "{body}");
    }
}

#[test]
fn the_token_that_was_sent_ends_no_session() {
    let data = SameSession::Data(strings("me.id"));

    let same = rotation(data, "sent-token", "sent-token", r#"{"data":{"me":null}}"#);

    assert!(is_adopted(&same));
}

#[test]
fn a_token_of_another_subject_is_not_adopted() {
    let sent = of_claims(&json!({ "sub": "1", "sid": "a" }));
    let data = || SameSession::Data(strings("me.id"));
    let signed_in = r#"{"data":{"me":{"id":"1"}}}"#;
    for claims in [json!({ "sub": "2" }), json!({ "sub": 1 }), json!({ "sub": null }), json!({})] {
        let new = of_claims(&claims);
        for same_session in [SameSession::Asserted, data()] {
            assert_eq!(rotation(same_session, &sent, &new, signed_in), Rotation::Unchanged, "{claims}");
        }
    }
    assert_eq!(rotation(SameSession::Asserted, &sent, "opaque", ""), Rotation::Unchanged);
    let same = of_claims(&json!({ "sub": "1" }));
    assert!(is_adopted(&rotation(SameSession::Asserted, &sent, &same, "")));
    assert!(is_adopted(&rotation(SameSession::Asserted, "opaque", &same, "")));
    // The anonymous session of an ended one has another subject, or none.
    for other in [of_claims(&json!({ "sub": "anonymous" })), of_claims(&json!({})), "opaque".to_owned()] {
        let ended = rotation(data(), &sent, &other, r#"{"data":{"me":null}}"#);
        assert_eq!(ended, Rotation::Ended(AuthStatus::Rejected), "{other}");
    }
    // A subject alone does not show that the field is not empty.
    assert_eq!(rotation(data(), &sent, &same, "{}"), Rotation::Unchanged);
}

#[test]
fn a_claim_identifies_the_session() {
    let by_claim = |sent: &str, new: &str| rotation(SameSession::Claim("sid".to_owned()), sent, new, "");
    let sent = of_claims(&json!({ "sid": "a" }));

    assert!(is_adopted(&by_claim(&sent, &of_claims(&json!({ "sid": "a", "exp": 4_000_000_000_u64 })))));
    for claims in [json!({ "sid": "b" }), json!({ "sid": ["a"] }), json!({}), json!({ "sub": "a" })] {
        assert_eq!(by_claim(&sent, &of_claims(&claims)), Rotation::Unchanged, "{claims}");
        assert_eq!(by_claim(&of_claims(&claims), &sent), Rotation::Unchanged, "{claims}");
    }
    for opaque in ["opaque", "a.b.c"] {
        assert_eq!(by_claim(&sent, opaque), Rotation::Unchanged);
        assert_eq!(by_claim(opaque, &sent), Rotation::Unchanged);
    }
    let absent = of_claims(&json!({ "x": 1 }));
    assert_eq!(by_claim(&absent, &of_claims(&json!({ "x": 2 }))), Rotation::Unchanged);
}
