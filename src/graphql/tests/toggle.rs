//! Toggle: `loginUser`, which returns the token in a header; later responses renew it.

use std::rc::Rc;

use serde_json::json;

use crate::{
    core::ErrorCode,
    provider::toggle::{Login, Toggle},
};

use super::*;

const PASSWORD: &str = "planted-password";

/// Documented response: only `id` is printed; the token is in the headers.
const LOGGED_IN: &str = r#"{"data":{"loginUser":{"id":"77"}},"extensions":{"cost":{"actualQueryCost":1,"throttleStatus":{"maximumAvailable":8000,"currentlyAvailable":7999}}}}"#;

fn options() -> Toggle {
    Toggle { endpoint: None, login: Login::Username("api-user".to_owned()), lifetime: None }
}

pub(super) fn scenario() -> Scenario {
    Scenario::new(options().profile(), &[], &[PASSWORD])
}

pub(super) fn by_email() -> Scenario {
    let login = Login::Email("shop@example.com".to_owned());
    Scenario::new(Toggle { login, ..options() }.profile(), &[], &[PASSWORD])
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

    scenario.respond(logged_in().with("x-authorization", &token())).unwrap();

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
fn password_is_sent_unchanged() {
    let password = " \"pässword\"\n ";
    let mut scenario = Scenario::new(options().profile(), &[], &[password]);

    scenario.respond(logged_in().with("x-authorization", &token())).unwrap();

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
            scenario().respond(logged_in().with("x-authorization", &jwt(&claims.to_string()))).unwrap();

        assert_eq!(lifetime(&token), minutes * MINUTE, "{claims}");
        assert_eq!(token.issued_at, NOW);
        assert_eq!(token.scopes, None);
        assert_eq!(token.refresh_token, None);
    }
}

#[test]
fn newer_header_is_preferred_unless_it_is_empty() {
    let newer = ("x-authorization", token());
    let older = ("authorization", "planted-older".to_owned());
    for headers in [[&newer, &older], [&older, &newer]] {
        let response = headers.iter().fold(logged_in(), |it, (name, value)| it.with(name, value));

        assert_eq!(scenario().respond(response).unwrap().access_token.expose(), token());
    }
    for empty in ["", "  ", "Bearer", "bearer "] {
        let response = logged_in().with("x-authorization", empty).with("authorization", &token());

        assert_eq!(scenario().respond(response).unwrap().access_token.expose(), token(), "{empty:?}");
    }
}

#[test]
fn login_by_email_sends_no_user_name() {
    let mut scenario = by_email();

    scenario.respond(logged_in().with("x-authorization", &token())).unwrap();

    assert!(scenario.last().query().contains("loginUser(email: $login, password: $password)"));
    assert_eq!(scenario.last().variables(), json!({ "login": "shop@example.com", "password": PASSWORD }));
}

#[test]
fn strips_the_bearer_prefix() {
    for prefix in ["", "Bearer ", "bearer ", "BEARER   ", " Bearer\t"] {
        let value = format!("{prefix}{} ", token());

        let granted = scenario().respond(logged_in().with("authorization", &value)).unwrap();

        assert_eq!(granted.access_token.expose(), token(), "{prefix:?}");
    }
}

#[test]
fn null_login_beside_a_token_is_accepted() {
    let response = reply(200, r#"{"data":{"loginUser":null}}"#).with("x-authorization", &token());

    let granted = scenario().respond(response).unwrap();

    assert_eq!(granted.access_token.expose(), token());
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
    fails_with(ErrorCode::Protocol).status(200).is_permanent(granted);
}

/// Returns the new token of an API response.
fn observed(response: &HttpResponse) -> Option<Rc<TokenSet>> {
    adopted(&options().profile(), response)
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
fn rejection_and_outage_contain_no_new_token() {
    let observed = |status| observed(&reply(status, "").with("x-authorization", &token())).is_some();

    for status in [200, 294, 400, 404, 422, 429] {
        assert!(observed(status), "{status}");
    }
    for status in [401, 403, 500, 502, 503, 599] {
        assert!(!observed(status), "{status}");
    }
}

#[test]
fn value_other_than_a_jwt_is_ignored() {
    for value in ["", "Bearer", "opaque", "a.b", "a.b.c.d", "a.b c.d", "é.é.é", "Basic YTpi", "a..c"] {
        assert_eq!(observed(&reply(200, "").with("x-authorization", value)), None, "{value}");
    }
    assert_eq!(observed(&reply(200, "")), None);
}
