//! Media types and statuses of responses, for any API.

use crate::core::ErrorCode;

use super::*;

#[test]
fn legacy_media_type_is_used_after_a_406() {
    for mut scenario in [fluz::scenario(), toggle::scenario(), braintree::scenario()] {
        let first = scenario.authenticate(in_turn([reply(406, "<html>planted</html>"), reply(401, "")]));
        let second = scenario.authenticate(once(reply(401, "")));

        fails_with(ErrorCode::InvalidCredentials).status(401).is_permanent(first);
        fails_with(ErrorCode::InvalidCredentials).status(401).is_permanent(second);
        let accepted: Vec<_> = scenario.requests.iter().map(|it| it.header("accept").unwrap()).collect();
        let both = "application/graphql-response+json, application/json;q=0.9";
        assert_eq!(accepted, [both, "application/json", "application/json"]);
    }
}

#[test]
fn second_406_ends_the_grant() {
    for mut scenario in [fluz::scenario(), toggle::scenario(), braintree::scenario()] {
        let granted = scenario.authenticate(|_| reply(406, ""));

        assert_eq!(scenario.requests.len(), 2);
        fails_with(ErrorCode::Protocol).status(406).is_transient(granted);
    }
}

#[test]
fn body_decides_regardless_of_status_and_media_type() {
    for status in [200, 201, 294, 400, 422] {
        for media_type in
            ["application/graphql-response+json; charset=utf-8", "application/json", "text/plain"]
        {
            let granted =
                fluz::scenario().respond(coded(status, "AUTH-0002").with("content-type", media_type));
            fails_with(ErrorCode::InvalidCredentials).status(status).is_permanent(granted);

            let token =
                fluz::scenario().respond(reply(status, fluz::SAMPLE).with("content-type", media_type));
            assert_eq!(lifetime(&token.unwrap()), 10 * MINUTE);
        }
    }
}
