//! Toggle: `loginUser`, which returns the token in a header; later responses renew it.

use std::rc::Rc;

use serde_json::json;

use crate::{
    core::ErrorCode,
    graphql::rotated_token,
    provider::toggle::{Login, Toggle},
};

use super::*;

const PASSWORD: &str = "planted-password";

/// Documented response: only `id` is printed; the token is in the headers.
const LOGGED_IN: &str = r#"{"data":{"loginUser":{"id":"77"}},"extensions":{"cost":{"actualQueryCost":1,"throttleStatus":{"maximumAvailable":8000,"currentlyAvailable":7999}}}}"#;

/// Sample of the page "Authentication", section "Authentication failure".
const UNAUTHORIZED: &str = r#"{
  "errors": [
    {
      "message": "Unauthorized",
      "locations": [
        {
          "line": 2,
          "column": 3
        }
      ],
      "customer_facing": false
    }
  ]
}"#;

fn options() -> Toggle {
    Toggle { endpoint: None, login: Login::Username("api-user".to_owned()), lifetime: None }
}

pub(super) fn scenario() -> Scenario {
    Scenario::new(options().profile(), &[], &[PASSWORD])
}

/// A JWT without claims about time.
fn token() -> String {
    jwt(r#"{"sub":"77"}"#)
}

fn logged_in() -> HttpResponse {
    reply(200, LOGGED_IN)
}

#[test]
fn login_matches_the_page() {
    let mut scenario = scenario();

    scenario.answered(logged_in().with("x-authorization", &token())).unwrap();

    let request = scenario.last();
    assert_eq!(request.url, "https://api.mytoggle.io/graphql");
    assert_eq!(
        request.sorted_headers(),
        [
            ("accept", "application/graphql-response+json, application/json;q=0.9"),
            ("content-type", "application/json"),
        ],
    );
    assert_eq!(
        request.json(),
        json!({
            "query": "query($login: String, $password: String!) { \
                loginUser(username: $login, password: $password) { id } }",
            "variables": { "login": "api-user", "password": "planted-password" },
        }),
    );
}

#[test]
fn login_by_email_sends_no_user_name() {
    let login = Login::Email("shop@example.com".to_owned());
    let mut scenario = Scenario::new(Toggle { login, ..options() }.profile(), &[], &[PASSWORD]);

    scenario.answered(logged_in().with("x-authorization", &token())).unwrap();

    assert!(scenario.last().query().contains("loginUser(email: $login, password: $password)"));
    assert_eq!(scenario.last().variables(), json!({ "login": "shop@example.com", "password": PASSWORD }));
}

#[test]
fn password_is_sent_unchanged() {
    let password = " \"pässword\"\n ";
    let mut scenario = Scenario::new(options().profile(), &[], &[password]);

    scenario.answered(logged_in().with("x-authorization", &token())).unwrap();

    assert_eq!(scenario.last().variables()["password"], password);
}

#[test]
fn lifetime_is_at_most_one_hour() {
    let now = NOW.millis() / 1000;
    for (claims, minutes) in [
        (json!({ "sub": "77" }), 60),
        (json!({ "iat": now, "exp": now + 1800 }), 30),
        (json!({ "iat": now, "exp": now + 86_400 }), 60),
    ] {
        let token =
            scenario().answered(logged_in().with("x-authorization", &jwt(&claims.to_string()))).unwrap();

        assert_eq!(lifetime(&token), minutes * MINUTE, "{claims}");
        assert_eq!(token.issued_at, NOW);
        assert_eq!(token.scopes, None);
        assert_eq!(token.refresh_token, None);
    }
}

#[test]
fn custom_endpoint_and_lifetime_replace_the_defaults() {
    let endpoint = Some("http://127.0.0.1:4000/toggle".to_owned());
    let profile = Toggle { endpoint, lifetime: Some(5 * MINUTE), ..options() }.profile();
    let mut scenario = Scenario::new(profile, &[], &[PASSWORD]);

    let token = scenario.answered(logged_in().with("x-authorization", &token())).unwrap();

    assert_eq!(scenario.last().url, "http://127.0.0.1:4000/toggle");
    assert_eq!(lifetime(&token), 5 * MINUTE);
}

#[test]
fn newer_header_is_preferred() {
    for headers in [["authorization", "x-authorization"], ["x-authorization", "authorization"]] {
        let value = |name| if name == "x-authorization" { token() } else { "planted-older".to_owned() };
        let response = headers.iter().fold(logged_in(), |it, name| it.with(name, &value(*name)));

        let granted = scenario().answered(response).unwrap();

        assert_eq!(granted.access_token.expose(), token());
    }
}

#[test]
fn deprecated_header_is_used_if_the_newer_is_empty() {
    for empty in ["", "  ", "Bearer", "bearer "] {
        let response = logged_in().with("x-authorization", empty).with("authorization", &token());

        let granted = scenario().answered(response).unwrap();

        assert_eq!(granted.access_token.expose(), token(), "{empty:?}");
    }
}

#[test]
fn strips_the_bearer_prefix() {
    for prefix in ["", "Bearer ", "bearer ", "BEARER   ", " Bearer\t"] {
        let value = format!("{prefix}{} ", token());

        let granted = scenario().answered(logged_in().with("authorization", &value)).unwrap();

        assert_eq!(granted.access_token.expose(), token(), "{prefix:?}");
    }
}

#[test]
fn null_login_beside_a_token_is_accepted() {
    let response = reply(200, r#"{"data":{"loginUser":null}}"#).with("x-authorization", &token());

    let granted = scenario().answered(response).unwrap();

    assert_eq!(granted.access_token.expose(), token());
}

#[test]
fn html_403_is_not_a_rejection() {
    let page = reply(403, "<html>planted</html>").with("content-type", "text/html; charset=utf-8");
    let odd = reply(403, "<html>planted</html>").with("content-type", "text/planted-secret-0");

    fails_with(ErrorCode::Protocol)
        .status(403)
        .errors_match("HTTP 403, text/html")
        .is_transient(scenario().answered(page));
    fails_with(ErrorCode::Protocol)
        .status(403)
        .errors_match("no content type")
        .is_transient(scenario().answered(odd));
}

#[test]
fn rejected_login_is_permanent() {
    let validation = r#"{"data":{"loginUser":null},"errors":[{"message":"validation",
        "validation":{"password":["planted words"]},"customer_facing":false}]}"#;
    for response in [
        reply(200, UNAUTHORIZED),
        reply(403, UNAUTHORIZED),
        reply(401, UNAUTHORIZED),
        reply(401, ""),
        reply(403, ""),
        reply(422, r#"{"message":"planted words"}"#),
        reply(200, validation),
        // Errors have no codes, and the response to a wrong password is not documented.
        error(200, "planted words of their own"),
        reply(200, r#"{"data":{"loginUser":null}}"#),
        reply(200, r#"{"data":{"LoginUser":null}}"#),
        // An error beside a header: the header may echo the request.
        reply(200, UNAUTHORIZED).with("x-authorization", &token()),
    ] {
        let status = response.status;

        let granted = scenario().answered(response);

        fails_with(ErrorCode::InvalidCredentials)
            .status(status)
            .errors_match("toggle refused the credentials")
            .errors_match("check `username` and `password`")
            .errors_match("shown only once")
            .is_permanent(granted);
    }
}

#[test]
fn advice_names_the_given_identifier() {
    let login = Login::Email("shop@example.com".to_owned());
    let mut scenario = Scenario::new(Toggle { login, ..options() }.profile(), &[], &[PASSWORD]);

    let granted = scenario.answered(reply(200, UNAUTHORIZED));

    fails_with(ErrorCode::InvalidCredentials)
        .status(200)
        .errors_match("check `email` and")
        .is_permanent(granted);
}

#[test]
fn missing_header_names_the_cors_requirement() {
    for response in
        [logged_in(), logged_in().with("x-authorization", ""), logged_in().with("x-other", "planted")]
    {
        let granted = scenario().answered(response);

        fails_with(ErrorCode::Protocol)
            .status(200)
            .errors_match("without the header `x-authorization` or `authorization`")
            .errors_match("`Access-Control-Expose-Headers`")
            .is_permanent(granted);
    }
}

#[test]
fn ignores_a_header_without_a_token() {
    for value in ["planted token", "Basic planted==", "plänted", "planted\u{7f}"] {
        let granted = scenario().answered(logged_in().with("x-authorization", value));

        fails_with(ErrorCode::Protocol)
            .status(200)
            .errors_match("cannot be sent")
            .errors_match("tell the provider")
            .is_permanent(granted);
    }
}

#[test]
fn ignores_the_header_of_a_failure() {
    for status in [300, 302, 307, 404, 418] {
        let granted = scenario().answered(reply(status, "").with("x-authorization", &token()));

        fails_with(ErrorCode::Protocol).status(status).is_transient(granted);
    }
    let granted = scenario().answered(reply(502, "").with("x-authorization", &token()));
    fails_with(ErrorCode::Server).status(502).is_transient(granted);
}

#[test]
fn capitalized_name_is_tried_once_and_remembered() {
    let capital = |request: &HttpRequest| {
        if request.query().contains("LoginUser(") {
            return reply(200, r#"{"data":{"LoginUser":{"id":"77"}}}"#).with("x-authorization", &token());
        }
        error(200, r#"Cannot query field "loginUser" on type "Query". Did you mean "LoginUser"?"#)
    };
    let mut scenario = scenario();

    scenario.authenticate(capital).unwrap();
    scenario.authenticate(capital).unwrap();

    assert_eq!(scenario.requests.len(), 3);
}

#[test]
fn two_rejected_variants_end_the_login() {
    let mut scenario = scenario();

    let granted = scenario.authenticate(|request| {
        let name = if request.query().contains("LoginUser(") { "LoginUser" } else { "loginUser" };
        error(200, &format!(r#"Cannot query field "{name}" on type "Query"."#))
    });

    assert_eq!(scenario.requests.len(), 2);
    fails_with(ErrorCode::Protocol)
        .status(200)
        .errors_match("has no such request")
        .errors_match("check `endpoint`")
        .is_permanent(granted);
}

#[test]
fn rate_limited_login_is_transient() {
    let granted = scenario().answered(reply(429, UNAUTHORIZED).with("retry-after", "600"));

    fails_with(ErrorCode::RateLimited)
        .status(429)
        .retry_after(10 * MINUTE)
        .errors_match("fewer requests")
        .is_transient(granted);
}

/// Returns the new token of an API response.
fn observed(response: &HttpResponse) -> Option<Rc<TokenSet>> {
    rotated_token(&options().profile(), response, PLATFORM)
}

#[test]
fn api_response_contains_a_newer_token() {
    let now = NOW.millis() / 1000;
    let newer = jwt(&json!({ "iat": now, "exp": now + 3600 }).to_string());
    for (name, prefix) in [("x-authorization", ""), ("authorization", ""), ("authorization", "Bearer ")] {
        let response = reply(200, "").with(name, &format!("{prefix}{newer}"));

        let token = observed(&response).unwrap();

        assert_eq!(token.access_token.expose(), newer);
        assert_eq!(token.issued_at, NOW);
        assert_eq!(lifetime(&token), 60 * MINUTE);
        assert_eq!(token.times.issued_at, Some(UnixMillis::new(now * 1000)));
        assert_eq!((token.refresh_token.clone(), token.scopes.clone()), (None, None));
    }
}

#[test]
fn newer_header_rotates_first() {
    let older = jwt(r#"{"sub":"older"}"#);
    let response = reply(200, "").with("authorization", &older).with("x-authorization", &token());

    assert_eq!(observed(&response).unwrap().access_token.expose(), token());
}

#[test]
fn response_with_errors_may_contain_a_new_token() {
    for status in [200, 294, 400, 404, 422, 429] {
        assert!(observed(&reply(status, "").with("x-authorization", &token())).is_some(), "{status}");
    }
}

#[test]
fn rejection_and_outage_contain_no_new_token() {
    for status in [401, 403, 500, 502, 503, 599] {
        assert_eq!(observed(&reply(status, "").with("x-authorization", &token())), None, "{status}");
    }
}

#[test]
fn value_other_than_a_jwt_is_ignored() {
    for value in ["", "Bearer", "opaque", "a.b", "a.b.c.d", "a.b c.d", "é.é.é", "Basic YTpi", "a..c"] {
        assert_eq!(observed(&reply(200, "").with("x-authorization", value)), None, "{value}");
    }
    assert_eq!(observed(&reply(200, "")), None);
}
