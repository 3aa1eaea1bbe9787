//! Properties of responses: arbitrary bytes cause no panic, no endless loop and no undocumented outcome.

use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::json;

use crate::{
    core::{ErrorCode, is_sendable},
    graphql::{claimed_times, parse_http_date, parse_retry_after, parse_timestamp},
    json::Json,
    provider::{Authorization, SecretId, TokenSource},
};

use super::{custom::acme, *};

/// End of the year 9999, in milliseconds.
const LAST: u64 = 253_402_300_799_999;

fn config() -> ProptestConfig {
    // A failure prints its minimal input; no file is written.
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

fn scenario(which: usize) -> Scenario {
    match which {
        0 => fluz::scenario(),
        1 => toggle::scenario(),
        2 => braintree::scenario(),
        _ => Scenario::new(acme(), &["read"], &["planted-secret"]),
    }
}

/// Kind of grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum GrantKind {
    ByCredentials,
    ByRefreshToken,
}

/// Checks that the outcome of a grant is documented. [`Scenario`] has checked for secrets and counted the requests.
fn documented(granted: &Granted, kind: GrantKind) -> Result<(), TestCaseError> {
    let error = match granted {
        Ok(token) => {
            prop_assert!(is_sendable(token.access_token.expose()));
            prop_assert!(token.expires_at >= token.issued_at);
            prop_assert!(token.refresh_token.as_ref().is_none_or(|token| !token.expose().is_empty()));
            prop_assert!(token.scopes.as_ref().is_none_or(|scopes| !scopes.is_empty()));
            return Ok(());
        }
        Err(GrantFailure::Transient(error) | GrantFailure::NotProcessed(error)) => {
            prop_assert!(
                matches!(error.code, ErrorCode::RateLimited | ErrorCode::Server | ErrorCode::Protocol),
                "{error}"
            );
            error
        }
        Err(GrantFailure::Permanent(error)) if kind == GrantKind::ByCredentials => {
            prop_assert!(
                matches!(error.code, ErrorCode::InvalidCredentials | ErrorCode::Protocol),
                "{error}"
            );
            error
        }
        Err(GrantFailure::IdentityRejected(error)) if kind == GrantKind::ByCredentials => {
            prop_assert_eq!(error.code, ErrorCode::InvalidCredentials, "{}", error);
            error
        }
        Err(GrantFailure::RefreshTokenRejected(error)) if kind == GrantKind::ByRefreshToken => {
            let lasting = [ErrorCode::InvalidCredentials, ErrorCode::Protocol, ErrorCode::Unsupported];
            prop_assert!(lasting.contains(&error.code), "{error}");
            error
        }
        other => return Err(TestCaseError::fail(format!("{other:?}"))),
    };
    prop_assert!(error.message.len() < 600, "{error}");
    prop_assert!(error.message.chars().all(|it| !it.is_control()), "{error}");
    prop_assert!(error.retry_after.is_none_or(|span| span <= 24 * 60 * MINUTE));
    Ok(())
}

fn status() -> impl Strategy<Value = u16> {
    prop_oneof![
        4 => Just(200_u16),
        2 => select(vec![0_u16, 204, 294, 302, 400, 401, 403, 406, 408, 422, 429, 500, 503]),
        1 => any::<u16>(),
    ]
}

/// Text that no message contains by chance.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["zq[a-z0-9]{0,12}", "zq\\PC{0,12}", "[\"'`\\\\\u{0}\r\n é]{0,4}", Just(String::new())]
}

fn message() -> impl Strategy<Value = String> {
    let names = [
        "token",
        "accessToken",
        "refreshToken",
        "userId",
        "loginUser",
        "LoginUser",
        "refreshUserAccessToken",
        "",
    ];
    let leads = ["Cannot query field", "Unknown argument", "Unknown field argument", "Variable", ""];
    prop_oneof![
        (select(leads.to_vec()), select(vec!['"', '\'', '`']), select(names.to_vec()))
            .prop_map(|(lead, quote, name)| format!("{lead} {quote}{name}{quote} on type {quote}zq{quote}.")),
        select(vec!["Unauthorized", "Token has expired", "zq token is invalid", "validation"])
            .prop_map(str::to_owned),
        text(),
    ]
}

fn code() -> impl Strategy<Value = Value> {
    let known = [
        "AUTHENTICATION",
        "RESOURCE_LIMIT",
        "INTERNAL",
        "AUTH-0008",
        "UNAUTHENTICATED",
        "GRAPHQL_VALIDATION_FAILED",
    ];
    prop_oneof![select(known.to_vec()).prop_map(Value::from), leaf()]
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        text().prop_map(Value::from),
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
    ]
}

/// Arbitrary values with the keys of responses.
fn tree() -> impl Strategy<Value = Value> {
    let keys = ["data", "errors", "error", "extensions", "message", "code", "token", "accessToken", "0", ""];
    leaf().prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((select(keys.to_vec()), inner), 0..5).prop_map(object),
        ]
    })
}

fn object<K: Into<String>>(members: Vec<(K, Value)>) -> Value {
    Value::Object(members.into_iter().map(|(key, value)| (key.into(), value)).collect())
}

/// Values in the place of a token.
fn payload() -> impl Strategy<Value = Value> {
    let keys = [
        "token",
        "accessToken",
        "refreshToken",
        "scopes",
        "expiresAt",
        "jwt",
        "ttl",
        "renewal",
        "error",
        "id",
    ];
    let value = prop_oneof![
        3 => leaf(),
        1 => vec(leaf(), 0..4).prop_map(Value::from),
        1 => "[!-~]{1,40}".prop_map(|claims| Value::from(jwt(&claims))),
        1 => vec((select(vec!["accessToken", "expiresAt", "code", "message"]), leaf()), 0..4).prop_map(object),
    ];
    prop_oneof![5 => vec((select(keys.to_vec()), value), 0..6).prop_map(object), 1 => tree()]
}

/// Bodies in the form of a response with arbitrary contents.
fn response_body() -> impl Strategy<Value = Value> {
    let roots = [
        "generateUserAccessToken",
        "refreshUserAccessToken",
        "createOAuthAccessTokenFromClientCredentials",
        "loginUser",
        "login",
        "renew",
    ];
    let data = prop_oneof![
        4 => vec((select(roots.to_vec()), payload()), 0..3).prop_map(object),
        1 => leaf(),
    ];
    let error = prop_oneof![
        4 => (message(), code(), code()).prop_map(|(message, code, class)| {
            json!({ "message": message, "extensions": { "code": code, "errorClass": class } })
        }),
        1 => tree(),
    ];
    let errors = prop_oneof![4 => vec(error.clone(), 0..4).prop_map(Value::from), 1 => leaf()];
    let member = prop_oneof![
        3 => data.prop_map(|it| ("data", it)),
        3 => errors.prop_map(|it| ("errors", it)),
        1 => error.prop_map(|it| ("error", it)),
        1 => leaf().prop_map(|id| ("extensions", json!({ "requestId": id }))),
        1 => message().prop_map(|it| ("message", Value::from(it))),
    ];
    prop_oneof![8 => vec(member, 0..4).prop_map(object), 1 => tree()]
}

fn headers() -> impl Strategy<Value = Vec<(String, String)>> {
    let names = ["date", "retry-after", "x-authorization", "authorization", "content-type"];
    let value = prop_oneof![
        "\\PC{0,20}",
        "[0-9]{1,30}",
        Just(DATE.to_owned()),
        "(Bearer )?[!-~]{1,20}",
        "[!-~]{1,30}".prop_map(|claims| jwt(&claims)),
    ];
    vec((select(names.to_vec()).prop_map(str::to_owned), value), 0..4)
}

fn arriving(status: u16, body: &str, headers: &[(String, String)]) -> HttpResponse {
    headers.iter().fold(reply(status, body), |response, (name, value)| response.with(name, value))
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_bytes_end_a_grant(
        bytes in vec(any::<u8>(), 0..200), status in status(), headers in headers(), which in 0_usize..4,
    ) {
        let body = String::from_utf8_lossy(&bytes);

        let granted = scenario(which).authenticate(|_| arriving(status, &body, &headers));

        documented(&granted, GrantKind::ByCredentials)?;
    }

    #[test]
    fn any_responses_end_a_grant(
        answers in vec((response_body(), status()), 1..4), headers in headers(), which in 0_usize..4,
    ) {
        let mut scenario = scenario(which);
        let mut answers = answers.iter().cycle();

        let granted = scenario.authenticate(|_| {
            let (body, status) = answers.next().unwrap();
            arriving(*status, &body.to_string(), &headers)
        });

        documented(&granted, GrantKind::ByCredentials)?;
        prop_assert!(scenario.requests.len() <= 2 + scenario.profile.schema_names.len());
    }

    #[test]
    fn any_responses_end_a_refresh(
        answers in vec((response_body(), status()), 1..4), headers in headers(), which in 0_usize..4,
    ) {
        let mut scenario = scenario(which);
        let mut answers = answers.iter().cycle();

        for _ in 0..3 {
            let granted = scenario.refresh("planted-refresh-token", |_| {
                let (body, status) = answers.next().unwrap();
                arriving(*status, &body.to_string(), &headers)
            });
            documented(&granted, GrantKind::ByRefreshToken)?;
        }
    }

    #[test]
    fn one_wrong_byte_ends_a_grant(index in 0..fluz::SAMPLE.len(), byte in 0_u8..128) {
        let mut bytes = fluz::SAMPLE.as_bytes().to_vec();
        bytes[index] = byte;
        let body = String::from_utf8(bytes).unwrap();

        let granted = fluz::scenario().authenticate(|_| reply(200, &body));

        documented(&granted, GrantKind::ByCredentials)?;
    }

    #[test]
    fn each_validation_error_costs_at_most_one_request(
        messages in vec(vec(message(), 1..4), 1..8), kind in select(vec![GrantKind::ByCredentials, GrantKind::ByRefreshToken]),
    ) {
        let mut scenario = fluz::scenario();
        let mut answers = messages.iter().cycle();
        let server = |_: &HttpRequest| {
            let errors: Vec<_> = answers.next().unwrap().iter().map(|it| json!({ "message": it })).collect();
            reply(400, &json!({ "errors": errors }).to_string())
        };

        let granted = match kind {
            GrantKind::ByCredentials => scenario.authenticate(server),
            GrantKind::ByRefreshToken => scenario.refresh("planted-refresh-token", server),
        };

        documented(&granted, kind)?;
        prop_assert!(scenario.requests.len() <= 1 + scenario.profile.schema_names.len());
    }

    #[test]
    fn any_header_is_a_sendable_token_or_ignored(value in "\\PC{0,30}", status in status(), which in 0_usize..4) {
        let profile = scenario(which).profile;
        let response = reply(status, "").with("x-authorization", &value).with("authorization", &value);

        if let Some(token) = adopted(&profile, &response) {
            prop_assert!(is_sendable(token.access_token.expose()));
            prop_assert!(token.expires_at > token.issued_at);
            prop_assert!(value.contains(token.access_token.expose()));
        }
    }

    #[test]
    fn any_secret_is_sent_as_visible_ascii_or_not_at_all(secret: String, user in "[^:]{0,10}", way in 0_usize..4) {
        let mut profile = acme();
        profile.authenticate.authorization = match way {
            0 => Authorization::ApiKey(SecretId(0)),
            1 => Authorization::Basic(SecretId(0)),
            2 => Authorization::Bearer(SecretId(0)),
            _ => Authorization::BasicPair { username: user, password: SecretId(0) },
        };
        let mut scenario = Scenario::new(profile, &[], &[&secret]);

        let granted = scenario.authenticate(|request| {
            let sent = request.header("authorization").unwrap();
            assert!(sent.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{sent:?}");
            reply(404, "")
        });

        prop_assert!(granted.is_err());
    }

    #[test]
    fn any_path_is_safe(path in "[a-z0-9.\\PC]{0,12}", body in tree()) {
        let profile = Profile { token: TokenSource::Data(crate::provider::StringList::Owned(vec![path])), ..acme() };
        let mut scenario = Scenario::new(profile, &[], &["planted-secret"]);

        let granted = scenario.authenticate(|_| reply(200, &json!({ "data": body }).to_string()));

        // The message contains the user-supplied path.
        prop_assert!(!matches!(granted, Err(GrantFailure::RefreshTokenRejected(_))));
    }

    #[test]
    fn any_text_is_a_timestamp_or_none(text in "\\PC{0,30}") {
        let point = parse_timestamp(&Json::text(text.as_str()));

        prop_assert!(point.is_none_or(|at| (1..=LAST).contains(&at.millis())));
    }

    #[test]
    fn any_numeric_text_is_a_timestamp_or_none(text in "[-0-9TZ:. +e]{0,32}") {
        let point = parse_timestamp(&Json::text(text.as_str()));

        prop_assert!(point.is_none_or(|at| (1..=LAST + 24 * 3_600_000).contains(&at.millis())));
    }

    #[test]
    fn any_number_is_a_timestamp_or_none(number: f64) {
        let point = parse_timestamp(&Json::Number(number));

        prop_assert!(point.is_none_or(|at| (1..=LAST).contains(&at.millis())));
    }

    #[test]
    fn timestamp_is_equal_in_every_zone(seconds in 86_400_u64..253_402_300_800 - 86_400, offset in -839_i64..840) {
        let local = u64::try_from(i64::try_from(seconds).unwrap() + offset * 60).unwrap();
        let shown = httpdate::fmt_http_date(std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(local));
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let month = 1 + months.iter().position(|month| *month == &shown[8..11]).unwrap();
        let (sign, hours, minutes) = (if offset < 0 { '-' } else { '+' }, offset.abs() / 60, offset.abs() % 60);
        let iso = format!("{}-{month:02}-{}T{}{sign}{hours:02}:{minutes:02}", &shown[12..16], &shown[5..7], &shown[17..25]);

        prop_assert_eq!(parse_timestamp(&Json::text(iso)), Some(UnixMillis::new(seconds * 1000)));
    }

    #[test]
    fn any_text_is_an_http_date_or_none(text in "\\PC{0,40}", bytes in "[A-Za-z0-9:, -]{0,32}") {
        for text in [text, bytes] {
            prop_assert!(parse_http_date(&text).is_none_or(|at| at.millis() <= LAST));
            prop_assert!(parse_retry_after(&text, NOW).is_none_or(|span| span <= 24 * 60 * MINUTE));
        }
    }

    #[test]
    fn any_token_has_plausible_times_or_none(token in "\\PC{0,40}", claims in vec(any::<u8>(), 0..40)) {
        let times = claimed_times(&token, PLATFORM);
        let raw = claimed_times(&jwt(&String::from_utf8_lossy(&claims)), PLATFORM);

        for at in [times.issued_at, times.expires_at, raw.issued_at, raw.expires_at].into_iter().flatten() {
            prop_assert!(at.millis() <= LAST);
        }
    }

    #[test]
    fn any_claims_give_a_positive_lifetime(issued: f64, expires: f64, sent in any::<u64>(), received in any::<u64>()) {
        let token = jwt(&json!({ "iat": issued, "exp": expires }).to_string());
        let response = HttpResponse {
            sent_at: UnixMillis::new(sent),
            received_at: UnixMillis::new(received % (LAST * 2)),
            ..fluz::generated(json!({ "token": token }))
        };

        let granted = fluz::scenario().respond(response);

        prop_assert!(lifetime(&granted.unwrap()) <= 10 * MINUTE);
    }
}

#[test]
fn truncated_response_is_never_a_token() {
    for end in 0..fluz::SAMPLE.len() {
        let granted = fluz::scenario().respond(reply(200, &fluz::SAMPLE[..end]));

        fails_with(ErrorCode::Protocol).status(200).is_transient(granted);
    }
}

#[test]
fn large_body_ends_a_grant() {
    let error = r#"{"message":"Cannot query field \"token\" on type \"T\".","extensions":{"code":"A"}},"#;
    let errors = error.repeat((1 << 17) / error.len());
    for body in [
        "\"".repeat(1 << 17),
        "[".repeat(1 << 17),
        "<".repeat(1 << 17),
        format!(r#"{{"errors":[{}]}}"#, errors.trim_end_matches(',')),
        format!(r#"{{"error":"{}"}}"#, "'".repeat(1 << 17)),
        format!(r#"{{"data":{{"generateUserAccessToken":{{"token":"{}"}}}}}}"#, "a".repeat(1 << 17)),
    ] {
        for which in 0..4 {
            let granted = scenario(which).authenticate(|_| reply(200, &body));

            documented(&granted, GrantKind::ByCredentials).unwrap();
        }
    }
}
