//! Responses of servers, proxies and captive portals, for any API.

use crate::core::ErrorCode;

use super::*;

fn stories() -> [Scenario; 3] {
    [fluz::scenario(), toggle::scenario(), braintree::scenario()]
}

#[test]
fn response_other_than_graphql_names_the_endpoint() {
    // The maximum number of brackets: more count as too many values.
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let nested = format!(r#"{{"data":{}1{}}}"#, r#"{"planted":"#.repeat(70), "}".repeat(70));
    for (body, described) in [
        ("", "an empty body"),
        (" \r\n\t", "an empty body"),
        ("\u{feff}", "an empty body"),
        ("<!doctype html><title>planted</title>", "an HTML page"),
        ("  <html>planted", "an HTML page"),
        (r#"{"data":{"planted-token":"#, "not JSON, or only a part of it"),
        ("planted words", "not JSON, or only a part of it"),
        ("\u{0}\u{1}\u{2}", "not JSON, or only a part of it"),
        (&deep, "not JSON, or only a part of it"),
        (&nested, "not JSON, or only a part of it"),
        ("{}", "JSON that is no GraphQL answer"),
        ("[]", "JSON that is no GraphQL answer"),
        ("null", "JSON that is no GraphQL answer"),
        ("7", "JSON that is no GraphQL answer"),
        (r#""planted-words""#, "JSON that is no GraphQL answer"),
        (r#"[{"data":{"planted":"planted"}}]"#, "JSON that is no GraphQL answer"),
        (r#"{"status":"planted"}"#, "JSON that is no GraphQL answer"),
        (r#"{"errors":[]}"#, "JSON that is no GraphQL answer"),
        (r#"{"error":null}"#, "JSON that is no GraphQL answer"),
        (r#"{"error":{"planted":true}}"#, "JSON that is no GraphQL answer"),
    ] {
        for mut scenario in stories() {
            for (status, sighted) in
                [(200, "(HTTP 200, no content type)"), (404, "(HTTP 404, no content type)")]
            {
                let granted = scenario.answered(reply(status, body));

                fails_with(ErrorCode::Protocol)
                    .status(status)
                    .errors_match("answered with")
                    .errors_match(described)
                    .errors_match(sighted)
                    .errors_match("check `endpoint`")
                    .is_transient(granted);
            }
        }
    }
}

#[test]
fn outage_is_transient_with_any_body() {
    for status in [408, 500, 501, 502, 503, 504, 520, 599] {
        for body in
            ["", "<html>planted</html>", r#"{"errors":[{"message":"planted words"}]}"#, r#"{"data":null}"#]
        {
            for mut scenario in stories() {
                let granted = scenario.answered(reply(status, body));

                fails_with(ErrorCode::Server)
                    .status(status)
                    .errors_match("out of order (HTTP ")
                    .errors_match("it is asked again by itself")
                    .is_transient(granted);
            }
        }
    }
}

#[test]
fn stated_rejection_is_not_an_outage() {
    for (mut scenario, body) in [
        (fluz::scenario(), r#"{"errors":[{"message":"planted","extensions":{"code":"AUTH-0002"}}]}"#),
        (toggle::scenario(), r#"{"errors":[{"message":"Unauthorized"}]}"#),
        (
            braintree::scenario(),
            r#"{"errors":[{"message":"planted","extensions":{"errorClass":"AUTHENTICATION"}}]}"#,
        ),
    ] {
        let granted = scenario.answered(reply(500, body));

        fails_with(ErrorCode::InvalidCredentials)
            .status(500)
            .errors_match("refused the credentials")
            .is_permanent(granted);
    }
}

#[test]
fn rate_limit_is_transient() {
    for body in ["", "<html>planted</html>", r#"{"errors":[{"message":"planted words"}]}"#] {
        for mut scenario in stories() {
            let granted = scenario.answered(reply(429, body));

            fails_with(ErrorCode::RateLimited)
                .status(429)
                .errors_match("asks for fewer requests")
                .errors_match("share one TokenManager")
                .is_transient(granted);
        }
    }
}

#[test]
fn retry_after_is_seconds_or_date() {
    for (asked, seconds) in [
        ("0", Some(0)),
        ("7", Some(7)),
        (" 7 ", Some(7)),
        ("86400", Some(86_400)),
        // One day is the maximum.
        ("86401", Some(86_400)),
        ("99999999999999999999999999", Some(86_400)),
        ("Sun, 22 Nov 2026 10:21:30 GMT", Some(60)),
        ("Sunday, 22-Nov-26 10:21:30 GMT", Some(60)),
        ("Sun Nov 22 10:21:30 2026", Some(60)),
        ("Sun, 22 Nov 2026 10:19:30 GMT", Some(0)),
        ("Mon, 22 Nov 2027 10:21:30 GMT", Some(86_400)),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("7 s", None),
        ("soon", None),
    ] {
        for (status, code) in [(429, ErrorCode::RateLimited), (503, ErrorCode::Server)] {
            for mut scenario in stories() {
                let granted = scenario.answered(reply(status, "").with("retry-after", asked));

                let expected =
                    ExpectedError { retry_after: seconds.map(Duration::from_secs), ..fails_with(code) };
                expected.status(status).is_transient(granted);
            }
        }
    }
}

#[test]
fn retry_after_date_uses_the_provider_clock() {
    let response = reply(429, "")
        .with("date", "Mon, 23 Nov 2026 10:20:30 GMT")
        .with("retry-after", "Mon, 23 Nov 2026 10:21:30 GMT");

    for mut scenario in stories() {
        let granted = scenario.answered(response.clone());

        // Minus half of the latency, and half of the second that the header truncates.
        fails_with(ErrorCode::RateLimited)
            .status(429)
            .retry_after(Duration::from_millis(60_000 - 50 - 500))
            .is_transient(granted);
    }
}

#[test]
fn redirect_is_not_followed_and_names_the_option() {
    for (status, known) in [(0, None), (301, Some(301)), (302, Some(302)), (307, Some(307)), (399, Some(399))]
    {
        for mut scenario in stories() {
            let granted = scenario.answered(reply(status, "").with("location", "https://planted.example/"));

            let expected = ExpectedError { status: known, ..fails_with(ErrorCode::Protocol) };
            expected
                .errors_match("redirects, and credentials are not sent on")
                .errors_match("set `endpoint`")
                .is_transient(granted);
        }
    }
}

#[test]
fn other_http_errors_concern_the_endpoint() {
    for status in [100, 204, 400, 402, 404, 405, 409, 413, 415, 451, 499] {
        for mut scenario in stories() {
            let granted = scenario.answered(reply(status, ""));

            fails_with(ErrorCode::Protocol)
                .status(status)
                .errors_match("an empty body")
                .errors_match("check `endpoint`")
                .is_transient(granted);
        }
    }
}

#[test]
fn legacy_media_type_is_used_after_a_406() {
    for mut scenario in stories() {
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
    for mut scenario in stories() {
        let granted = scenario.authenticate(|_| reply(406, ""));

        assert_eq!(scenario.requests.len(), 2);
        fails_with(ErrorCode::Protocol).status(406).errors_match("check `endpoint`").is_transient(granted);
    }
}

#[test]
fn body_decides_regardless_of_status_and_media_type() {
    for status in [200, 201, 294, 400, 422] {
        for media_type in
            ["application/graphql-response+json; charset=utf-8", "application/json", "text/plain"]
        {
            let granted =
                fluz::scenario().answered(coded(status, "AUTH-0002").with("content-type", media_type));
            fails_with(ErrorCode::InvalidCredentials)
                .status(status)
                .errors_match("AUTH-0002")
                .is_permanent(granted);

            let token =
                fluz::scenario().answered(reply(status, fluz::SAMPLE).with("content-type", media_type));
            assert_eq!(lifetime(&token.unwrap()), 10 * MINUTE);
        }
    }
}

#[test]
fn unsendable_token_is_rejected() {
    for token in [
        "planted token",
        " planted-token",
        "planted-token\n",
        "planted\r\nx-injected: 1",
        "planted\u{0}token",
        "planted\u{7f}token",
        "plänted-token",
        "planted-tokén",
        "planted-\u{200b}token",
        " ",
    ] {
        let payload = serde_json::json!({ "token": token });

        let granted = fluz::scenario().answered(fluz::generated(payload));

        fails_with(ErrorCode::Protocol)
            .status(200)
            .errors_match("holds spaces, control characters")
            .errors_match("tell the provider")
            .is_permanent(granted);
    }
}

#[test]
fn token_may_contain_any_visible_character() {
    let token: String = ('!'..='~').collect();
    let payload = serde_json::json!({ "token": token });

    let granted = fluz::scenario().answered(fluz::generated(payload)).unwrap();

    assert_eq!(granted.access_token.expose(), token);
}

#[test]
fn token_must_be_a_string() {
    for token in ["7", "true", "null", "{}", "[]", r#"["planted-token"]"#, r#"{"token":"planted-token"}"#] {
        let body = format!(r#"{{"data":{{"generateUserAccessToken":{{"token":{token}}}}}}}"#);

        let granted = fluz::scenario().answered(reply(200, &body));

        fails_with(ErrorCode::Protocol)
            .status(200)
            .errors_match("answered without a token")
            .is_permanent(granted);
    }
}

#[test]
fn data_must_be_an_object() {
    for data in ["7", "true", r#""planted-token""#, "[]", r#"["planted-token"]"#] {
        for mut scenario in [fluz::scenario(), braintree::scenario()] {
            let granted = scenario.answered(reply(200, &format!(r#"{{"data":{data}}}"#)));

            fails_with(ErrorCode::Protocol)
                .status(200)
                .errors_match("answered without a token")
                .is_permanent(granted);
        }
    }
}

#[test]
fn shows_only_well_formed_codes() {
    let body = serde_json::json!({ "errors": [
        { "message": "planted words", "extensions": { "code": "FIRST", "errorClass": "SECOND" } },
        { "message": "planted words", "code": "FIRST" },
        { "message": "planted words", "code": "THIRD" },
        { "message": "planted words", "extensions": { "code": "planted words with spaces" } },
        { "message": "planted words", "extensions": { "code": 401 } },
        { "message": "planted words", "extensions": { "code": "<planted>" } },
        { "message": "planted words", "extensions": { "code": "p".repeat(65) } },
        "planted words",
        7,
        null,
    ] });

    let granted = fluz::scenario().answered(reply(200, &body.to_string()));

    fails_with(ErrorCode::Protocol).status(200).errors_match("(FIRST, SECOND, THIRD)").is_permanent(granted);
}

#[test]
fn message_length_is_bounded_with_many_errors() {
    let codes = (0..5000).map(|it| serde_json::json!({ "code": format!("CODE-{}", it % 70 / 2) }));
    let body = serde_json::json!({ "errors": codes.collect::<Vec<_>>() });

    let granted = fluz::scenario().answered(reply(200, &body.to_string()));

    fails_with(ErrorCode::Protocol)
        .status(200)
        .errors_match("(CODE-0, CODE-1, CODE-2, …)")
        .is_permanent(granted);
}

#[test]
fn malformed_request_id_is_dropped() {
    for id in [r#""planted words""#, r#""<planted>""#, "7", "null", "{}", r#""""#] {
        let body = format!(r#"{{"data":null,"extensions":{{"requestId":{id}}}}}"#);

        let granted = fluz::scenario().answered(reply(200, &body));

        fails_with(ErrorCode::Protocol).status(200).is_permanent(granted);
    }
}
