//! Tables of all options: the types, items and values that each accepts and rejects, and the required options.

use super::{custom::full, *};

type Types = &'static [&'static str];

const STRING: Types = &["string"];
const SECRET: Types = &["string", "function"];
const NUMBER: Types = &["number"];
const OBJECT: Types = &["object"];
const LIST: Types = &["array"];
const ANY_LIST: Types = &["array", "empty array"];
const ONE_OR_MORE: Types = &["string", "array"];
const ANY_NUMBER_OF: Types = &["string", "array", "empty array"];

/// Fluz with the application's id and secret instead of a key.
fn fluz_pair() -> Value {
    fluz().without("apiKey").with("appId", text("app-1")).with("appSecret", text("planted"))
}

/// Adds an empty object at a path.
fn with_empty(options: Value, path: &str) -> Value {
    options.with(path, map([]))
}

/// A profile with a pair of credentials in the authorization of an operation.
fn with_pair(operation: &str) -> Value {
    let pair = map([("username", text("me")), ("password", text("planted"))]);
    full().with(&format!("provider.{operation}.authorization"), map([("basic", pair)]))
}

#[test]
fn values_of_other_types_are_rejected() {
    let without_authorization = || full().without("provider.renew.authorization");
    let no_expiry = || with_empty(acme(), "provider.expiry");
    let mut rows = vec![
        (fluz(), "provider", &["string", "object"][..]),
        (fluz(), "environment", STRING),
        (fluz(), "apiKey", SECRET),
        (fluz_pair(), "appId", STRING),
        (fluz_pair(), "appSecret", SECRET),
        // The string is no UUID.
        (fluz(), "userId", &[]),
        (fluz(), "accountId", &[]),
        (fluz(), "seatId", &[]),
        (fluz(), "renewal", STRING),
        (fluz(), "scopes", LIST),
        (toggle(), "email", STRING),
        (toggle().without("email"), "username", STRING),
        (toggle(), "password", SECRET),
        (braintree(), "environment", STRING),
        (braintree(), "clientId", STRING),
        (braintree(), "clientSecret", SECRET),
        (braintree(), "scopes", LIST),
        (braintree(), "braintreeVersion", STRING),
        (broker(), "url", STRING),
        (broker(), "api", &["string", "empty string", "blank string", "object"]),
        (with_empty(toggle(), "headers"), "headers.x-a", SECRET),
        (with_empty(fluz(), "sessions"), "sessions.max", NUMBER),
        (with_empty(fluz(), "sessions"), "sessions.idleMs", NUMBER),
        (with_empty(fluz(), "sessions"), "sessions.maxConcurrentGrants", NUMBER),
        (with_empty(acme(), "provider.headers"), "provider.headers.x-a", SECRET),
        (full(), "provider.authenticate", OBJECT),
        (full(), "provider.authenticate.document", STRING),
        (full(), "provider.authenticate.variables", OBJECT),
        (
            full().without("provider.authenticate.authorization"),
            "provider.authenticate.authorization",
            OBJECT,
        ),
        (full(), "provider.renew", OBJECT),
        (full(), "provider.renew.document", STRING),
        (full(), "provider.renew.variables", OBJECT),
        (without_authorization(), "provider.renew.authorization", OBJECT),
        (without_authorization(), "provider.renew.authorization.basic", &["string", "function", "object"]),
        (without_authorization(), "provider.renew.authorization.bearer", SECRET),
        (with_pair("renew"), "provider.renew.authorization.basic.username", STRING),
        (with_pair("renew"), "provider.renew.authorization.basic.password", SECRET),
        (acme(), "provider.token", OBJECT),
        (acme(), "provider.token.data", ONE_OR_MORE),
        (acme().without("provider.token"), "provider.token.header", ONE_OR_MORE),
        (acme(), "provider.refreshToken", OBJECT),
        (acme(), "provider.refreshToken.data", ONE_OR_MORE),
        (acme(), "provider.scopes", OBJECT),
        (acme(), "provider.scopes.data", ONE_OR_MORE),
        (acme(), "provider.expiry", OBJECT),
        (no_expiry(), "provider.expiry.expiresIn", ONE_OR_MORE),
        (no_expiry(), "provider.expiry.expiresAt", ONE_OR_MORE),
        (no_expiry(), "provider.expiry.lifetimeMs", NUMBER),
        (no_expiry(), "provider.expiry.jwt", &["boolean"]),
        (no_expiry().with("provider.expiry.expiresIn", text("a")), "provider.expiry.unit", STRING),
        (by_function(), "provider.grant", &["function"]),
    ];
    for options in [acme(), by_function()] {
        for (path, types) in [
            ("provider.name", STRING),
            ("provider.endpoint", STRING),
            ("provider.sliding", OBJECT),
            ("provider.sliding.header", ONE_OR_MORE),
            ("provider.refused", OBJECT),
            ("provider.refused.statuses", ANY_LIST),
            ("provider.refused.messages", ANY_NUMBER_OF),
            ("provider.refused.codes", &["string", "number", "array", "empty array"]),
            ("scopes", LIST),
        ] {
            rows.push((options.clone(), path, types));
        }
        // A profile's own endpoint is checked although the option replaces it.
        rows.push((options.with("endpoint", text("https://other.test/")), "provider.endpoint", STRING));
    }
    for options in everyone() {
        for (path, types) in [
            ("endpoint", STRING),
            ("origins", ANY_LIST),
            ("headers", OBJECT),
            ("fetch", &["function"]),
            ("keepAlive", &["boolean"]),
            ("allowInsecure", &["boolean"]),
            ("refresh", STRING),
            ("refreshWindow", NUMBER),
            ("minValidityMs", NUMBER),
            ("timeoutMs", NUMBER),
            ("lifetimeMs", NUMBER),
            ("retry", OBJECT),
            ("retry.attempts", NUMBER),
            ("retry.baseMs", NUMBER),
            ("retry.maxMs", NUMBER),
            ("sessions", OBJECT),
            ("store", OBJECT),
            ("storeTimeoutMs", NUMBER),
            ("identity", STRING),
            ("quoteErrors", &["boolean"]),
        ] {
            rows.push((options.clone(), path, types));
        }
    }

    for (options, path, types) in rows {
        for value in kinds_but(types) {
            assert_eq!(rejected(&options.clone().with(path, value)), path);
        }
    }
}

#[test]
fn items_of_other_types_are_rejected_by_index() {
    let no_token = || acme().without("provider.token");
    let no_expiry = || with_empty(acme(), "provider.expiry");
    let mut rows = vec![
        (no_token(), "provider.token.header", text("x-a"), STRING),
        (acme(), "provider.token.data", text("a"), STRING),
        (acme(), "provider.refreshToken.data", text("a"), STRING),
        (acme(), "provider.scopes.data", text("a"), STRING),
        (no_expiry(), "provider.expiry.expiresIn", text("a"), STRING),
        (no_expiry(), "provider.expiry.expiresAt", text("a"), STRING),
        (sliding(), "provider.sliding.header", text("x-a"), STRING),
        (by_function(), "provider.refused.messages", text("a"), STRING),
        (by_function(), "provider.refused.codes", text("a"), &["string", "number"]),
        // 7 is not a status.
        (by_function(), "provider.refused.statuses", number(401.0), &[]),
        (toggle(), "origins", text("https://a.test"), &[]),
    ];
    rows.extend(
        [fluz(), braintree(), acme(), by_function()].map(|options| (options, "scopes", text("A"), STRING)),
    );
    for (options, path, good, types) in rows {
        for item in kinds_but(types).chain([RawValue::Missing]) {
            let given = options.clone().with(path, list([good.clone(), item]));
            assert_eq!(rejected(&given), format!("{path}[1]"));
        }
    }
}

#[test]
fn numbers_have_ranges() {
    let most = 9_007_199_254_740_992.0;
    for (path, good, bad) in [
        ("refreshWindow", vec![0.0, 0.9], vec![-0.0001, 0.9001]),
        ("minValidityMs", vec![0.0, most], vec![-1.0, most * 2.0]),
        ("timeoutMs", vec![1.0, most], vec![0.5, 1e300]),
        ("storeTimeoutMs", vec![1.0, most], vec![0.5, 1e300]),
        ("lifetimeMs", vec![1.0, most], vec![0.0, 1e300]),
        ("retry.attempts", vec![1.0, 100.0], vec![0.0, 101.0, 1.5]),
        ("retry.baseMs", vec![1.0, most], vec![0.0, 1e300]),
        ("retry.maxMs", vec![1.0, most], vec![-5.0, 1e300]),
        ("sessions.max", vec![1.0, 10_000_000.0], vec![0.0, 10_000_001.0, 1.5]),
        ("sessions.idleMs", vec![1.0, most], vec![0.5, 1e300]),
        ("sessions.maxConcurrentGrants", vec![1.0, 10_000.0], vec![0.0, 10_001.0, 1.5]),
    ] {
        for value in good {
            accepted(&toggle().with(path, number(value)));
        }
        for value in bad {
            assert_eq!(rejected(&toggle().with(path, number(value))), path, "{value}");
        }
    }
    let shortest = map([("baseMs", number(8.0)), ("maxMs", number(7.0))]);
    assert_eq!(rejected(&toggle().with("retry", shortest)), "retry.maxMs");
}

#[test]
fn texts_have_formats() {
    let (most, too_long) = ("x".repeat(256), "x".repeat(257));
    let (name, long_name) = ("x".repeat(40), "x".repeat(41));
    let two_bytes_each = "é".repeat(129);
    let not_a_header = ["planted header", "x-planted:", "plänted"];
    let not_a_uuid = [
        "planted",
        "1111111111114111811111111111111111111111",
        " 11111111-1111-4111-8111-111111111111",
        "1111111-11111-4111-8111-111111111111",
        "plante-d111-4111-8111-111111111111-1",
    ];
    let not_a_scope = ["planted scope", " LIST_OFFERS", "planted\n", "plänted", "planted\"", "planted\\"];
    for (options, path, good, bad) in [
        (
            braintree(),
            "braintreeVersion",
            &["2019-01-01", "2026-12-31", "2026-01-13"][..],
            &[
                "planted",
                "2019-1-1",
                "2019-01-01T00:00:00Z",
                "20190101",
                "2019/01/01",
                "2019-13-01",
                "2019-00-01",
                "2019-01-32",
                "2019-01-00",
                "2019-01-0é",
                "+019-01-01",
                "2019-01-1\n",
            ][..],
        ),
        (fluz(), "environment", &["sandbox", "production"], &["planted"]),
        (braintree(), "environment", &["sandbox", "production"], &["planted"]),
        (fluz(), "renewal", &["refresh", "generate"], &["planted"]),
        (toggle(), "refresh", &["always", "while-used", "on-demand"], &["planted"]),
        (broker(), "credentials", &["same-origin", "include", "omit"], &["planted"]),
        (broker(), "api", &["fluz", "toggle", "braintree"], &["planted"]),
        (fluz(), "provider", &["fluz"], &["planted"]),
        (fluz_pair(), "appId", &["app-1"], &["id:planted"]),
        (braintree(), "clientId", &["client-1"], &["id:planted"]),
        (
            with_pair("authenticate"),
            "provider.authenticate.authorization.basic.username",
            &["me"],
            &["me:planted"],
        ),
        (
            acme(),
            "provider.name",
            &["a", "Acme Inc. (EU)", &name],
            &["plänted", "planted\n", "planted\0", &long_name],
        ),
        (toggle(), "headers.x-a", &["a b\tc"], &["planted\r\nHost: evil.test", "plänted", "planted\0"]),
        (acme(), "provider.headers.x-a", &["a b\tc"], &["planted\n", "planted\u{7f}"]),
        (sliding(), "provider.sliding.header", &["X-New"], &not_a_header),
        (acme().without("provider.token"), "provider.token.header", &["X-New"], &not_a_header),
        (fluz(), "userId", &[USER_ID, "ABCDEF00-0000-0000-0000-abcdef000000"], &not_a_uuid),
        (fluz(), "accountId", &[ACCOUNT_ID], &not_a_uuid),
        (fluz(), "seatId", &[SEAT_ID], &not_a_uuid),
        (toggle(), "identity", &["tenant-7", &most], &[&too_long, &two_bytes_each, "bob\u{FFFD}"]),
        (fluz(), "scopes[1]", &["transaction:sale", "dispute:accept/facilitated", "A.b~!#"], &not_a_scope),
    ] {
        let given = |value: &str| match path.strip_suffix("[1]") {
            Some(list_path) => options.clone().with(list_path, texts(&["LIST_OFFERS", value])),
            None => options.clone().with(path, text(value)),
        };
        for value in good {
            accepted(&given(value));
        }
        for value in bad {
            assert_eq!(rejected(&given(value)), path, "{value}");
        }
    }
}

#[test]
fn header_names_are_checked() {
    for (options, path) in [(toggle(), "headers"), (acme(), "provider.headers")] {
        for (name, shown) in [
            ("Authorization", "Authorization"),
            ("AUTHORIZATION", "AUTHORIZATION"),
            ("content-type", "content-type"),
            ("", ""),
            ("planted header", "…"),
            ("x-planted:", "…"),
            ("x-plänted", "…"),
            ("x-planted\r\nHost", "…"),
        ] {
            let given = options.clone().with(path, map([(name, text("planted"))]));
            assert_eq!(rejected(&given), format!("{path}.{shown}"));
        }
    }
}

#[test]
fn http_statuses_are_whole_numbers_from_100_to_599() {
    let given =
        |status| by_function().with("provider.refused.statuses", list([number(401.0), number(status)]));

    for status in [100.0, 599.0] {
        accepted(&given(status));
    }
    for status in [99.0, 600.0, 401.5, -401.0] {
        assert_eq!(rejected(&given(status)), "provider.refused.statuses[1]", "{status}");
    }
}

#[test]
fn required_options_are_named_if_missing_or_undefined() {
    let no_renewal_token = full().without("provider.refreshToken");
    assert_eq!(rejected(&no_renewal_token), "provider.refreshToken");
    accepted(&no_renewal_token.without("provider.renew"));
    for (options, path) in [
        (fluz(), "provider"),
        (fluz(), "environment"),
        (fluz(), "apiKey"),
        (fluz(), "userId"),
        (fluz(), "accountId"),
        (fluz(), "scopes"),
        (fluz_pair(), "appId"),
        (fluz_pair(), "appSecret"),
        (toggle(), "password"),
        (toggle(), "email"),
        (braintree(), "environment"),
        (braintree(), "clientId"),
        (braintree(), "clientSecret"),
        (braintree(), "scopes"),
        (broker(), "url"),
        (broker(), "endpoint"),
        (acme(), "provider.authenticate"),
        (full(), "provider.authenticate.document"),
        (full(), "provider.renew.document"),
        (acme(), "provider.token"),
        (acme(), "provider.expiry"),
        (acme(), "provider.name"),
        (acme(), "provider.endpoint"),
        (by_function(), "provider.name"),
        (by_function(), "provider.endpoint"),
        (acme().with("provider.refreshToken", map([])), "provider.refreshToken.data"),
        (acme().with("provider.scopes", map([])), "provider.scopes.data"),
        (sliding(), "provider.sliding.header"),
        (sliding().with("provider.sliding.header", text("x-a")), "provider.sliding.sameSession"),
    ] {
        for missing in [options.clone().without(path), options.clone().with(path, RawValue::Missing)] {
            assert_eq!(rejected(&missing), path);
        }
    }
    assert_eq!(rejected(&by_function().without("provider.grant")), "provider.authenticate");
}

#[test]
fn alternatives_exclude_each_other() {
    for (options, path) in [
        (fluz().with("appId", text("planted")), "apiKey"),
        (fluz().with("appSecret", text("planted")), "apiKey"),
        (toggle().with("username", text("planted")), "email"),
        (acme().with("provider.token", map([])), "provider.token"),
        (acme().with("provider.token.header", text("x-a")), "provider.token"),
        (full().with("provider.renew.authorization", map([])), "provider.renew.authorization"),
        (full().with("provider.renew.authorization.basic", text("planted")), "provider.renew.authorization"),
        (acme().with("provider.expiry", map([])), "provider.expiry"),
        (acme().with("provider.expiry", map([("unit", text("seconds"))])), "provider.expiry"),
        (acme().with("provider.expiry.expiresIn", text("a")), "provider.expiry"),
        (acme().with("provider.expiry.lifetimeMs", number(1.0)), "provider.expiry"),
        (full().with("provider.expiry.expiresAt", text("a")), "provider.expiry"),
        (acme().with("provider.expiry.unit", text("seconds")), "provider.expiry.unit"),
    ] {
        assert_eq!(rejected(&options), path);
    }
    for key in ["authenticate", "renew", "token", "refreshToken", "scopes", "expiry", "headers"] {
        let path = format!("provider.{key}");

        assert_eq!(suggested(&by_function().with(&path, text("planted")))[..2], ["provider.grant", &path]);
        accepted(&by_function().with(&path, RawValue::Missing));
    }
    accepted(&acme().with("provider.grant", RawValue::Missing));
    assert_eq!(rejected(&acme().with("provider.expiry.jwt", RawValue::Bool(false))), "provider.expiry.jwt");
}

#[test]
fn the_first_error_is_reported_and_unknown_keys_precede_all() {
    let wrong = fluz().with("apiKey", RawValue::Null).with("timeoutMs", text("planted"));

    assert_eq!(rejected(&wrong), "apiKey");
    assert_eq!(rejected(&wrong.with("unknownKey", RawValue::Null)), "unknownKey");
}

#[test]
fn options_are_an_object() {
    for value in kinds_but(OBJECT).chain([RawValue::Missing]) {
        // The example contains no option to name.
        assert_eq!(read(&value, PLATFORM).expect_err("not an object").code, ErrorCode::InvalidOptions);
    }
}
