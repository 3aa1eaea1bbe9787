//! Failed grants: the code and the retryability of each response, for each API.

use serde_json::json;

use crate::{
    core::{
        ErrorCode::{self, InvalidCredentials, Protocol, RateLimited, Server},
        Retryability,
    },
    provider::{TokenSource, profile::strings},
};

use super::{braintree::classed, custom::acme, fluz::generated, *};

/// Kind of failure.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Permanent,
    /// Permanent for the user or account, not for the credentials.
    OfIdentity,
    Transient,
}

use Kind::{OfIdentity, Permanent, Transient};

fn custom() -> Scenario {
    Scenario::new(acme(), &["read", "write"], &["planted-secret"])
}

/// Custom API that returns its token in a header.
fn by_header() -> Scenario {
    let token = TokenSource::Headers(strings("x-session"));
    Scenario::new(Profile { token, ..acme() }, &[], &["planted-secret"])
}

/// Checks a grant that fails with `response`. Its message contains `mention`: a code, an option or a path.
#[track_caller]
fn check(mut scenario: Scenario, response: HttpResponse, kind: Kind, code: ErrorCode, mention: &'static str) {
    let shown = format!("{} {} {}", scenario.profile.name, response.status, response.body.expose());
    let status = (response.status > 0).then_some(response.status);
    let (error, failed) = match scenario.respond(response) {
        Err(GrantFailure::Permanent(error)) => (error, Permanent),
        Err(GrantFailure::IdentityRejected(error)) => (error, OfIdentity),
        Err(GrantFailure::Transient(error)) => {
            assert!(!matches!(status, Some(429 | 503)), "{shown}");
            (error, Transient)
        }
        Err(GrantFailure::NotProcessed(error)) => {
            assert!(matches!(status, Some(429 | 503)), "{shown}");
            (error, Transient)
        }
        other => panic!("{other:?}: {shown}"),
    };
    assert_eq!((error.code, failed, error.status), (code, kind, status), "{shown}");
    let retryable = error.retryability() == Retryability::Retryable;
    assert_eq!(retryable, kind == Transient, "{shown}");
    assert!(error.message.contains(mention), "{mention} is not in: {error}");
    assert_eq!(scenario.requests.len(), 1, "{shown}");
}

#[test]
fn servers_proxies_and_captive_portals_are_told_apart_from_apis() {
    // The maximum number of brackets: more count as too many values.
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let nested = format!(r#"{{"data":{}1{}}}"#, r#"{"planted":"#.repeat(70), "}".repeat(70));
    let bodies = [
        "",
        " \r\n\t",
        "\u{feff}",
        "<!doctype html><title>planted</title>",
        "  <html>planted",
        r#"{"data":{"planted-token":"#,
        "planted words",
        "\u{0}\u{1}\u{2}",
        &deep,
        &nested,
        "{}",
        "[]",
        "null",
        "7",
        r#""planted-words""#,
        r#"[{"data":{"planted":"planted"}}]"#,
        r#"{"status":"planted"}"#,
        r#"{"errors":[]}"#,
        r#"{"error":null}"#,
        r#"{"error":{"planted":true}}"#,
    ];
    for scenario in [fluz::scenario, toggle::scenario, braintree::scenario] {
        for body in bodies {
            for status in [200, 404] {
                check(scenario(), reply(status, body), Transient, Protocol, "`endpoint`");
            }
        }
        for status in [100, 204, 400, 402, 404, 405, 409, 413, 415, 451, 499] {
            check(scenario(), reply(status, ""), Transient, Protocol, "`endpoint`");
        }
        for status in [0, 301, 302, 307, 399] {
            let redirect = reply(status, "").with("location", "https://planted.example/");
            check(scenario(), redirect, Transient, Protocol, "`endpoint`");
        }
        for body in ["", "<html>planted</html>", r#"{"errors":[{"message":"planted words"}]}"#] {
            check(scenario(), reply(429, body), Transient, RateLimited, "");
            for status in [408, 500, 501, 502, 503, 504, 520, 599] {
                check(scenario(), reply(status, body), Transient, Server, "");
            }
        }
        check(scenario(), reply(503, r#"{"data":null}"#), Transient, Server, "");
    }
}

#[test]
fn rejected_credentials_are_permanent() {
    let inside =
        |code| generated(json!({ "success": false, "error": { "code": code, "message": "planted" } }));
    let validation = r#"{"data":{"loginUser":null},"errors":[{"message":"validation",
        "validation":{"password":["planted words"]},"customer_facing":false}]}"#;
    let missing_scope = r#"{"extensions":{"errorClass":"AUTHENTICATION"},"message":"planted"}"#;
    let rejected = |message: &str| error(200, message);
    let unauthorized = || error(200, "Unauthorized");
    for (scenario, mention, responses) in [
        (
            fluz::scenario as fn() -> Scenario,
            "`apiKey`",
            vec![
                // Seen on the real service; the others follow "Error codes".
                reply(401, r#"{"error":"Error verifying API basic token"}"#),
                reply(200, r#"{"error":"Error verifying API basic token"}"#),
                reply(401, ""),
                reply(401, "<html>planted</html>"),
                reply(403, r#"{"error":{"message":"planted words"}}"#),
                rejected("Invalid access to planted"),
                rejected("Your token has EXPIRED"),
                rejected("The token is invalid"),
                coded(200, "AUTH-0002"),
                coded(500, "AUTH-0002"),
                coded(200, "UNAUTHENTICATED"),
            ],
        ),
        (
            toggle::scenario,
            "`password`",
            vec![
                unauthorized(),
                error(403, "Unauthorized"),
                error(401, "Unauthorized"),
                error(500, "Unauthorized"),
                reply(401, ""),
                reply(403, ""),
                reply(422, r#"{"message":"planted words"}"#),
                reply(200, validation),
                // Errors have no codes, and the response to a wrong password is not documented.
                rejected("planted words of their own"),
                reply(200, r#"{"data":{"loginUser":null}}"#),
                reply(200, r#"{"data":{"LoginUser":null}}"#),
                // An error beside a header: the header may echo the request.
                unauthorized().with("x-authorization", &jwt(r#"{"sub":"77"}"#)),
            ],
        ),
        (
            braintree::scenario,
            "`clientSecret`",
            vec![
                reply(200, &classed("AUTHENTICATION")),
                reply(200, &classed("AUTHORIZATION")),
                reply(401, &classed("AUTHENTICATION")),
                reply(500, &classed("AUTHENTICATION")),
                reply(401, &classed("UNKNOWN")),
                reply(403, &classed("UNKNOWN")),
                // The guide's sample of a missing scope, which is not in a list.
                reply(200, missing_scope),
                reply(200, &format!(r#"{{"errors":[{missing_scope}]}}"#)),
            ],
        ),
        (
            custom,
            "`secret`",
            vec![
                reply(401, ""),
                rejected(" UNAUTHORIZED "),
                coded(200, "UNAUTHENTICATED"),
                reply(200, r#"{"errors":[{"message":"planted words","code":"UNAUTHENTICATED"}]}"#),
            ],
        ),
        (by_header, "`secret`", vec![reply(200, r#"{"data":{"login":null}}"#)]),
    ] {
        for response in responses {
            check(scenario(), response, Permanent, InvalidCredentials, mention);
        }
    }
    for code in ["AUTH-0001", "AUTH-0008"] {
        check(fluz::scenario(), coded(200, code), OfIdentity, InvalidCredentials, code);
        check(fluz::scenario(), inside(code), OfIdentity, InvalidCredentials, code);
    }
}

#[test]
fn rejected_requests_are_permanent() {
    let scope = r#"Variable "$scopes" got invalid value "PLANTED" at "scopes[0]"; Value "PLANTED" does not exist in "ScopeType" enum."#;
    let inaccessible = "The requested field is not accessible with the provided authentication credentials.";
    for (scenario, response, mention) in [
        (fluz::scenario as fn() -> Scenario, error(200, scope), ""),
        (fluz::scenario, error(400, scope), ""),
        (fluz::scenario, error(422, scope), ""),
        (fluz::scenario, coded(200, "VC-0020"), "VC-0020"),
        (
            fluz::scenario,
            generated(json!({ "error": { "code": "VC-0019", "message": "planted" } })),
            "VC-0019",
        ),
        (braintree::scenario, reply(200, &classed("VALIDATION")), "VALIDATION"),
        (braintree::scenario, reply(200, &classed("NOT_FOUND")), "NOT_FOUND"),
        (braintree::scenario, reply(200, &classed("UNSUPPORTED_CLIENT")), "UNSUPPORTED_CLIENT"),
        (braintree::scenario, reply(200, &classed("UNKNOWN")), "UNKNOWN"),
        (braintree::scenario, reply(200, &classed("SOMETHING_NEW")), "SOMETHING_NEW"),
        (braintree::scenario, error(200, inaccessible), ""),
        (custom, error(200, "Unauthorized for planted"), ""),
        (custom, coded(200, "UNAUTHENTICATED-NOT"), "UNAUTHENTICATED-NOT"),
    ] {
        check(scenario(), response, Permanent, Protocol, mention);
    }
}

#[test]
fn responses_without_a_token_are_permanent() {
    let fluz_path = "data.generateUserAccessToken.token";
    for payload in [
        json!(null),
        json!({}),
        json!({ "token": "" }),
        json!({ "token": 7 }),
        json!({ "token": true }),
        json!({ "token": {} }),
        json!({ "token": [] }),
        json!({ "token": ["planted-token"] }),
        json!(["token"]),
    ] {
        check(fluz::scenario(), generated(payload), Permanent, Protocol, fluz_path);
    }
    for data in ["7", "true", r#""planted-token""#, "[]", r#"["planted-token"]"#] {
        for scenario in [fluz::scenario(), braintree::scenario()] {
            check(scenario, reply(200, &format!(r#"{{"data":{data}}}"#)), Permanent, Protocol, "`data.");
        }
    }
    let logged_in = || reply(200, r#"{"data":{"loginUser":{"id":"77"}}}"#);
    for response in
        [logged_in(), logged_in().with("x-authorization", ""), logged_in().with("x-other", "planted")]
    {
        check(toggle::scenario(), response, Permanent, Protocol, "`x-authorization`");
    }
    let null = reply(200, r#"{"data":{"login":null}}"#);
    check(custom(), null, Permanent, Protocol, "`data.login.jwt`");
    for body in [r#"{"data":{"login":{"ok":true}}}"#, r#"{"data":{"login":null,"ping":"pong"}}"#] {
        check(by_header(), reply(200, body), Permanent, Protocol, "`x-session`");
    }
}

#[test]
fn unsendable_tokens_are_rejected() {
    for token in [
        "planted token",
        " planted-token",
        "planted-token\n",
        "planted\r\nx-injected: 1",
        "planted\u{0}token",
        "planted\u{7f}token",
        "plänted-token",
        "planted-\u{200b}token",
        " ",
    ] {
        check(fluz::scenario(), generated(json!({ "token": token })), Permanent, Protocol, "");
    }
    for value in ["planted token", "Basic planted==", "plänted", "planted\u{7f}"] {
        let response = reply(200, r#"{"data":{"loginUser":{"id":"77"}}}"#).with("x-authorization", value);
        check(toggle::scenario(), response, Permanent, Protocol, "");
    }
    let token: String = ('!'..='~').collect();
    let granted = fluz::scenario().respond(generated(json!({ "token": token }))).unwrap();
    assert_eq!(granted.access_token.expose(), token);
}

#[test]
fn the_token_of_a_failed_response_is_ignored() {
    for (status, code) in
        [300, 302, 307, 404, 418].map(|it| (it, Protocol)).into_iter().chain([(502, Server)])
    {
        let response = reply(status, "").with("x-authorization", &jwt(r#"{"sub":"77"}"#));
        check(toggle::scenario(), response, Transient, code, "");
    }
    // A page of a proxy is not a rejection.
    for media_type in ["text/html; charset=utf-8", "text/planted-secret-0"] {
        let page = reply(403, "<html>planted</html>").with("content-type", media_type);
        check(toggle::scenario(), page, Transient, Protocol, "");
    }
    for payload in [
        json!(null),
        json!({}),
        json!({ "accessToken": null }),
        json!({ "accessToken": { "accessToken": null } }),
    ] {
        let errors = json!([{ "message": "planted words", "extensions": { "errorClass": "AUTHORIZATION" } }]);
        let data = json!({ "createOAuthAccessTokenFromClientCredentials": payload });
        let body = json!({ "data": data, "errors": errors }).to_string();
        check(braintree::scenario(), reply(200, &body), Permanent, InvalidCredentials, "AUTHORIZATION");
    }
    check(custom(), reply(403, ""), Transient, Protocol, "");
}

#[test]
fn retry_after_is_seconds_or_date() {
    for (given, seconds) in [
        ("0", Some(0)),
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
    ] {
        for (response, code) in [
            (reply(429, ""), RateLimited),
            (reply(503, ""), Server),
            (coded(200, "RESOURCE_LIMIT"), RateLimited),
            (coded(200, "SERVICE_AVAILABILITY"), Server),
            (coded(200, "INTERNAL"), Server),
        ] {
            let granted = braintree::scenario().respond(response.clone().with("retry-after", given));

            let retry_after = seconds.map(Duration::from_secs);
            let expected = ExpectedError { retry_after, ..fails_with(code) };
            expected.status(response.status).is_transient(granted);
        }
    }
}

#[test]
fn retry_after_date_uses_the_provider_clock() {
    let response = reply(429, "")
        .with("date", "Mon, 23 Nov 2026 10:20:30 GMT")
        .with("retry-after", "Mon, 23 Nov 2026 10:21:30 GMT");

    // Minus half of the latency, and half of the second that the header truncates.
    fails_with(RateLimited)
        .status(429)
        .retry_after(Duration::from_millis(60_000 - 50 - 500))
        .is_transient(fluz::scenario().respond(response));
}

#[test]
fn well_formed_request_ids_are_kept() {
    for (id, shown) in [
        (r#""f3a1-77""#, Some("f3a1-77")),
        (r#""planted words""#, None),
        (r#""<planted>""#, None),
        ("7", None),
        ("null", None),
        ("{}", None),
        (r#""""#, None),
    ] {
        let body = format!(r#"{{"data":null,"extensions":{{"requestId":{id}}}}}"#);

        let granted = fluz::scenario().respond(reply(200, &body));

        let expected = ExpectedError { request_id: shown, ..fails_with(Protocol) };
        expected.status(200).is_permanent(granted);
    }
}

#[test]
fn messages_show_only_a_few_well_formed_codes() {
    let error =
        json!({ "message": "planted words", "extensions": { "code": "FIRST", "errorClass": "SECOND" } });
    let body = json!({ "errors": [
        error,
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
    check(fluz::scenario(), reply(200, &body.to_string()), Permanent, Protocol, "FIRST, SECOND, THIRD");

    let codes = (0..5000).map(|it| json!({ "code": format!("CODE-{}", it % 70 / 2) }));
    let body = json!({ "errors": codes.collect::<Vec<_>>() });
    check(fluz::scenario(), reply(200, &body.to_string()), Permanent, Protocol, "CODE-0, CODE-1, CODE-2, …");
}

#[test]
fn advice_names_the_given_option() {
    check(toggle::by_email(), reply(401, ""), Permanent, InvalidCredentials, "`email`");
    check(fluz::with_pair(), reply(401, ""), Permanent, InvalidCredentials, "`appSecret`");
    let unreadable = reply(200, r#"{"data":{"login":{"jwt":"planted-token","ttl":"soon"}}}"#);
    check(custom(), unreadable, Permanent, Protocol, "`data.login.ttl`");
}
