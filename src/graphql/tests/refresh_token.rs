//! Refresh tokens of user-supplied profiles: their expiry, and the first one of an application.

use serde_json::{Value, json};

use super::{custom::acme, *};
use crate::{
    core::RefreshTokenRotation,
    provider::{ExpiryField, RefreshTokenExpiry, SecretId, profile::strings},
};

const HOUR: u64 = 3600;

fn renewed(payload: Value) -> HttpResponse {
    reply(200, &json!({ "data": { "renew": payload } }).to_string())
}

/// The remaining lifetime in seconds of the refresh token of a response.
fn refresh_lifetime(expiry: RefreshTokenExpiry, payload: Value) -> Result<Option<u64>, ErrorCode> {
    let mut profile = acme();
    profile.refresh_rules.expiry = Some(expiry);
    let mut scenario = Scenario::new(profile, &[], &["planted-secret"]);
    let answer = json!({ "data": { "login": payload } }).to_string();
    match scenario.respond(reply(200, &answer).with("date", DATE)) {
        Ok(tokens) => {
            let token = tokens.refresh_token.clone().expect("a refresh token");
            Ok(token.expires_at().map(|at| at.since(NOW).as_secs()))
        }
        Err(failure) => Err(failure.into_error().code),
    }
}

fn in_seconds() -> RefreshTokenExpiry {
    let field = ExpiryField::ExpiresIn { paths: strings("login.end"), unit: Duration::from_secs(1) };
    RefreshTokenExpiry { field: Some(field), lifetime: None }
}

fn at() -> RefreshTokenExpiry {
    RefreshTokenExpiry { field: Some(ExpiryField::ExpiresAt { paths: strings("login.end") }), lifetime: None }
}

fn login(end: Value) -> Value {
    json!({ "jwt": "planted-token", "renewal": "planted-renewal", "ttl": 90, "end": end })
}

#[test]
fn the_expiry_of_a_refresh_token_is_read_in_the_shapes_of_an_expiry() {
    let end = NOW.millis() / 1000 + HOUR;

    assert_eq!(refresh_lifetime(in_seconds(), login(json!(HOUR))), Ok(Some(HOUR)));
    assert_eq!(refresh_lifetime(in_seconds(), login(json!("3600"))), Ok(Some(HOUR)));
    assert_eq!(refresh_lifetime(at(), login(json!(end))), Ok(Some(HOUR)));
    assert_eq!(refresh_lifetime(at(), login(json!(end * 1000))), Ok(Some(HOUR)));
    assert_eq!(refresh_lifetime(at(), login(json!("2026-11-22T11:20:30Z"))), Ok(Some(HOUR)));
    let declared = RefreshTokenExpiry { field: None, lifetime: Some(MINUTE) };
    assert_eq!(refresh_lifetime(declared, login(json!(null))), Ok(Some(60)));
}

#[test]
fn a_refresh_token_without_a_stated_end_has_none() {
    for end in [json!(null), json!(0), json!(-1)] {
        assert_eq!(refresh_lifetime(in_seconds(), login(end)), Ok(None));
    }
    for end in [json!(null), json!(0), json!(-1), json!("0")] {
        assert_eq!(refresh_lifetime(at(), login(end)), Ok(None));
    }
    // A point in time that has passed.
    assert_eq!(refresh_lifetime(at(), login(json!(NOW.millis() / 1000 - HOUR))), Ok(None));
}

#[test]
fn an_unreadable_end_of_a_refresh_token_is_a_protocol_error_unless_the_field_is_not_described() {
    assert_eq!(refresh_lifetime(in_seconds(), login(json!("soon"))), Err(ErrorCode::Protocol));

    let mut profile = acme();
    profile.authenticate.protocol = GrantProtocol::Form;
    profile.token = crate::provider::TokenSource::Data(strings("access_token"));
    profile.refresh_token = strings("refresh_token");
    profile.expiry = None;
    let field = ExpiryField::ExpiresIn { paths: strings("end"), unit: Duration::from_secs(1) };
    profile.refresh_rules.expiry = Some(RefreshTokenExpiry { field: Some(field), lifetime: None });
    let mut scenario = Scenario::new(profile, &[], &["planted-secret"]);
    let answer =
        json!({ "access_token": "planted-token", "refresh_token": "planted-renewal", "end": "soon" });
    let tokens = scenario.respond(reply(200, &answer.to_string())).expect("a token");
    assert_eq!(tokens.refresh_token.as_ref().and_then(RefreshToken::expires_at), None);
}

#[test]
fn the_claims_of_a_refresh_token_count_as_well() {
    let claims = crate::base64::encode_url(format!("{{\"exp\":{}}}", NOW.millis() / 1000 + 60).as_bytes());
    let mut payload = login(json!(HOUR));
    payload["renewal"] = json!(format!("e30.{claims}.planted-signature"));

    assert_eq!(refresh_lifetime(in_seconds(), payload), Ok(Some(60)));
}

const INITIAL: &str = "planted-initial";

/// A manager with a first refresh token besides its credentials.
fn initial(rotation: RefreshTokenRotation) -> Scenario {
    let mut profile = acme();
    let renew = profile.renew.as_ref().expect("it renews").with_refresh_token(SecretId(1));
    profile.refresh_rules.has_initial = true;
    profile.refresh_rules.rotation = rotation;
    profile.refresh_rules.initial = Some(Box::new((renew, SecretId(1))));
    Scenario::new(profile, &[], &["planted-secret", INITIAL])
}

fn strict() -> Scenario {
    initial(RefreshTokenRotation::Strict)
}

/// What each request presented: the first refresh token, or the credentials.
fn presented(scenario: &Scenario) -> Vec<&'static str> {
    let presents = |request: &HttpRequest| match request.variables() {
        variables if variables["refresh"] == INITIAL => "initial",
        variables if variables["secret"] == "planted-secret" => "credentials",
        variables => panic!("{variables}"),
    };
    scenario.requests.iter().map(presents).collect()
}

fn granted() -> HttpResponse {
    renewed(json!({ "jwt": "planted-token", "renewal": "planted-renewal", "ttl": 90 }))
}

fn logged_in() -> HttpResponse {
    reply(200, &json!({ "data": { "login": { "jwt": "planted-token", "ttl": 90 } } }).to_string())
}

#[test]
fn the_first_refresh_token_is_presented_before_the_credentials_and_once() {
    let mut scenario = strict();

    let tokens = scenario.authenticate(once(granted())).expect("a token");
    assert_eq!(tokens.refresh_token, Some(RefreshToken::new("planted-renewal")));
    scenario.authenticate(once(logged_in())).expect("a token");

    assert_eq!(presented(&scenario), ["initial", "credentials"]);
}

#[test]
fn the_credentials_follow_a_rejection_of_the_first_refresh_token_at_once() {
    for rotation in [RefreshTokenRotation::Strict, RefreshTokenRotation::RetryPrevious] {
        let mut scenario = initial(rotation);

        scenario.authenticate(in_turn([coded(200, "UNAUTHENTICATED"), logged_in()])).expect("a token");
        scenario.authenticate(once(logged_in())).expect("a token");

        assert_eq!(presented(&scenario), ["initial", "credentials", "credentials"], "{rotation:?}");
    }
}

#[test]
fn a_first_refresh_token_that_is_not_replaced_is_kept() {
    let tokens = strict().authenticate(once(renewed(json!({ "jwt": "planted-token", "ttl": 90 }))));

    assert_eq!(tokens.expect("a token").refresh_token, Some(RefreshToken::new(INITIAL)));
}

#[test]
fn a_first_refresh_token_is_presented_again_if_it_was_not_processed_or_may_be() {
    let (strict, retry) = (RefreshTokenRotation::Strict, RefreshTokenRotation::RetryPrevious);
    for (rotation, status, then) in [
        (strict, 503, "initial"),
        (strict, 500, "credentials"),
        (retry, 500, "initial"),
        (retry, 429, "initial"),
    ] {
        let mut scenario = initial(rotation);

        scenario.authenticate(once(reply(status, "{}"))).expect_err("a failure");
        let answer = if then == "initial" { granted() } else { logged_in() };
        scenario.authenticate(once(answer)).expect("a token");

        assert_eq!(presented(&scenario), ["initial", then], "{rotation:?} {status}");
    }
}

#[test]
fn a_rejected_first_refresh_token_stays_spent_when_the_credentials_are_not_processed() {
    let mut scenario = strict();

    scenario.authenticate(in_turn([coded(200, "UNAUTHENTICATED"), reply(503, "{}")])).expect_err("a failure");
    scenario.authenticate(once(logged_in())).expect("a token");

    assert_eq!(presented(&scenario), ["initial", "credentials", "credentials"]);
}

#[test]
fn a_new_first_refresh_token_is_presented() {
    let mut scenario = strict();
    scenario.authenticate(in_turn([coded(200, "UNAUTHENTICATED"), logged_in()])).expect("a token");
    scenario.secrets[1] = Secret::new("planted-newer");

    scenario.authenticate(once(granted())).expect("a token");

    assert_eq!(scenario.last().variables()["refresh"], "planted-newer");
}

#[test]
fn a_refresh_presents_its_own_token() {
    let mut scenario = strict();

    scenario.refresh("planted-renewal", once(granted())).expect("a token");

    assert_eq!(scenario.last().variables()["refresh"], "planted-renewal");
}

#[test]
fn a_refresh_token_in_a_cookie_is_presented_as_one() {
    let mut profile = acme();
    profile.refresh_rules.cookie = Some("refresh".to_owned());
    profile.token = crate::provider::TokenSource::Cookie("access".to_owned());
    let mut scenario = Scenario::new(profile, &[], &["planted-secret"]);
    let cookies = "access=planted-token; HttpOnly\nrefresh=planted-renewal; Path=/; Max-Age=60";

    let answer = json!({ "data": { "login": { "ttl": 90 } } }).to_string();
    let tokens = scenario.respond(reply(200, &answer).with("set-cookie", cookies)).expect("a token");
    assert_eq!(tokens.access_token.expose(), "planted-token");
    assert_eq!(tokens.refresh_token, Some(RefreshToken::new("planted-renewal")));
    assert_eq!(scenario.last().header("cookie"), None);

    let answer = json!({ "data": { "renew": { "ttl": 90 } } }).to_string();
    let renewed = reply(200, &answer).with("set-cookie", "access=planted-next");
    let tokens = scenario.refresh("planted-renewal", once(renewed)).expect("a token");
    assert_eq!(scenario.last().header("cookie"), Some("refresh=planted-renewal"));
    assert_eq!(tokens.refresh_token, None, "the session keeps the one that it presented");
}

#[test]
fn a_refresh_token_whose_cookie_is_deleted_has_expired() {
    let mut profile = acme();
    profile.refresh_rules.cookie = Some("refresh".to_owned());
    let answer = json!({ "data": { "renew": { "jwt": "planted-next", "ttl": 90 } } }).to_string();

    for deleted in ["refresh=; Path=/", "refresh=deleted; Max-Age=0"] {
        let renewed = reply(200, &answer).with("set-cookie", deleted);
        let mut scenario = Scenario::new(profile.clone(), &[], &["planted-secret"]);
        let tokens = scenario.refresh("planted-renewal", once(renewed)).expect("a token");
        let kept = tokens.refresh_token.clone().expect("the session would keep the one that it presented");
        assert!(kept.has_expired(NOW), "{deleted}");
    }
}

#[test]
fn a_failed_response_sets_no_token_in_a_cookie() {
    let mut profile = acme();
    profile.token = crate::provider::TokenSource::Cookie("access".to_owned());
    for (response, expected) in [
        (coded(200, "UNAUTHENTICATED"), ErrorCode::InvalidCredentials),
        (reply(200, r#"{"data":{"login":{}}}"#).with("set-cookie", "other=x"), ErrorCode::Protocol),
    ] {
        let failed = Scenario::new(profile.clone(), &[], &["planted-secret"])
            .respond(if expected == ErrorCode::InvalidCredentials {
                response.with("set-cookie", "access=planted-token")
            } else {
                response
            })
            .expect_err("a failure");
        assert_eq!(failed.into_error().code, expected);
    }
}
