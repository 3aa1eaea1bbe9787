//! Options of every provider.

use super::*;

const MILLISECONDS: &str = "a number of milliseconds from 1 to 2^53";

#[test]
fn first_error_is_reported() {
    let wrong = fluz().with("apiKey", RawValue::Null).with("timeoutMs", text("planted"));

    assert!(rejection(&wrong).starts_with("option `apiKey` is null; give the API key"));
    assert!(
        rejection(&wrong.with("unknownKey", RawValue::Null)).starts_with("option `unknownKey` is not known")
    );
}

#[test]
fn missing_options_have_the_documented_defaults() {
    let optional = [
        "endpoint",
        "lifetimeMs",
        "refresh",
        "refreshWindow",
        "minValidityMs",
        "timeoutMs",
        "retry",
        "fetch",
        "headers",
        "allowInsecure",
        "keepAlive",
        "store",
        "storeTimeoutMs",
    ];
    for options in everyone() {
        // A broker has no endpoint of its own for API requests.
        let has_endpoint = read(&options.clone().without("endpoint"), PLATFORM).is_ok();
        let optional = if has_endpoint { &optional[..] } else { &optional[1..] };
        let undefined =
            optional.iter().fold(options.clone(), |options, key| options.with(key, RawValue::Missing));
        for options in [options, undefined] {
            let config = accepted(&options);

            assert_eq!(config.policy, Policy::default());
            assert_eq!(config.timeout, Duration::from_secs(10));
            assert_eq!(config.fetch, None);
            assert_eq!(config.keep_alive, KeepAlive::No);
            assert!(config.store.is_none());
        }
    }
}

#[test]
fn every_provider_accepts_every_common_option() {
    for options in everyone() {
        let config = accepted(
            &options
                .with("refresh", text("while-used"))
                .with("refreshWindow", number(0.5))
                .with("minValidityMs", number(2500.0))
                .with("timeoutMs", number(0.5 + 1.0))
                .with("fetch", RawValue::Function("own"))
                .with("keepAlive", RawValue::Bool(true))
                .with("allowInsecure", RawValue::Bool(false))
                .with("headers", map([("X-Trace", text("on")), ("x-none", RawValue::Missing)])),
        );

        assert_eq!(config.policy.refresh, RefreshMode::WhileUsed);
        assert!((config.policy.refresh_window - 0.5).abs() < f64::EPSILON);
        assert_eq!(config.policy.min_validity, Some(Duration::from_millis(2500)));
        assert_eq!(config.timeout, Duration::from_micros(1500));
        assert_eq!(config.fetch, Some("own"));
        assert_eq!(config.keep_alive, KeepAlive::Yes);
        assert_eq!(config.profile.headers.last(), Some(&("x-trace".to_owned(), Secret::new("on"))));
    }
}

#[test]
fn refresh_has_three_modes() {
    for (word, mode) in [
        ("always", RefreshMode::Always),
        ("while-used", RefreshMode::WhileUsed),
        ("on-demand", RefreshMode::OnDemand),
    ] {
        assert_eq!(accepted(&toggle().with("refresh", text(word))).policy.refresh, mode);
    }
    let remedy = "\"always\" or \"while-used\" or \"on-demand\"";
    refuses_kinds(&toggle(), "refresh", &["a string"], remedy);
    assert_eq!(
        rejection(&toggle().with("refresh", text("planted"))),
        format!("option `refresh` is a word that is not known; give {remedy}")
    );
}

#[test]
fn numbers_have_ranges() {
    let window = "a fraction of the lifetime from 0 to 0.9, for example 0.25";
    let attempts = "how many requests to make in all, from 1 to 100";
    let from_zero = "a number of milliseconds from 0 to 2^53";
    let most = 9_007_199_254_740_992.0;
    for (key, remedy, good, bad) in [
        ("refreshWindow", window, [0.0, 0.9], [-0.0001, 0.9001]),
        ("minValidityMs", from_zero, [0.0, most], [-1.0, most * 2.0]),
        ("timeoutMs", MILLISECONDS, [1.0, most], [0.5, 1e300]),
        ("lifetimeMs", MILLISECONDS, [1.0, most], [0.0, 1e300]),
        ("retry.attempts", attempts, [1.0, 100.0], [0.0, 101.0]),
        ("retry.baseMs", MILLISECONDS, [1.0, most], [0.0, 1e300]),
        ("retry.maxMs", MILLISECONDS, [1.0, most], [-5.0, 1e300]),
    ] {
        refuses_kinds(&toggle(), key, &["a number"], remedy);
        for value in good {
            accepted(&toggle().with(key, number(value)));
        }
        for value in bad {
            let message = rejection(&toggle().with(key, number(value)));

            assert_eq!(message, format!("option `{key}` is out of range; give {remedy}"));
        }
    }
    assert_eq!(
        rejection(&toggle().with("retry.attempts", number(1.5))),
        format!("option `retry.attempts` is not a whole number; give {attempts}")
    );
}

#[test]
fn types_of_common_options_are_checked() {
    refuses_kinds(&toggle(), "keepAlive", &["a boolean"], "true or false");
    refuses_kinds(&toggle(), "allowInsecure", &["a boolean"], "true or false");
    refuses_kinds(&toggle(), "fetch", &["a function"], "a function");
    refuses_kinds(&toggle(), "headers", &["an object"], HEADERS);
    let retry = "an object, for example { attempts: 5 }";
    refuses_kinds(&toggle(), "retry", &["an object"], retry);
    refuses_kinds(&toggle(), "endpoint", &["a string"], "the URL to send grants to");
}

#[test]
fn each_retry_option_adjusts_the_others() {
    let millis = Duration::from_millis;
    for (given, attempts, base, max) in [
        (map([]), 3, 1_000, 30_000),
        (map([("attempts", number(1.0))]), 1, 1_000, 30_000),
        (map([("baseMs", number(10.0))]), 3, 10, 30_000),
        (map([("baseMs", number(60_000.0))]), 3, 60_000, 60_000),
        (map([("maxMs", number(60_000.0))]), 3, 1_000, 60_000),
        (map([("maxMs", number(10.0))]), 3, 10, 10),
        (map([("baseMs", number(5.0)), ("maxMs", number(5.0))]), 3, 5, 5),
        (map([("attempts", RawValue::Missing), ("baseMs", number(5.0)), ("maxMs", number(7.0))]), 3, 5, 7),
    ] {
        let retry = accepted(&toggle().with("retry", given)).policy.retry;

        assert_eq!(retry, Retry { attempts, base: millis(base), max: millis(max) });
    }
    assert_eq!(
        rejection(&toggle().with("retry", map([("baseMs", number(8.0)), ("maxMs", number(7.0))]))),
        "option `retry.maxMs` is less than `retry.baseMs`; the longest pause cannot be shorter than the first"
    );
}

#[test]
fn headers_are_added_to_the_providers() {
    let headers = map([("X-A", text("a b\tc")), ("Braintree-Version", text("2026-01-01"))]);

    let names = |options: &Value| {
        accepted(options).profile.headers.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
    };

    assert_eq!(
        names(&braintree().with("headers", headers.clone())),
        ["braintree-version", "x-a", "braintree-version"]
    );
    let own = acme().with("provider.headers", map([("X-Own", text("1"))]));
    assert_eq!(names(&own.with("headers", headers)), ["x-own", "x-a", "braintree-version"]);
}

#[test]
fn unsendable_headers_are_rejected() {
    for (options, prefix) in [(toggle(), "headers"), (acme(), "provider.headers")] {
        for name in ["Authorization", "AUTHORIZATION", "content-type", "Content-Type"] {
            assert_eq!(
                rejection(&options.clone().with(prefix, map([(name, text("planted"))]))),
                format!("option `{prefix}.{name}` cannot be set: the manager sends it itself; leave it out")
            );
        }
        for name in ["", "planted header", "x-planted:", "x-plänted", "x-planted\r\nHost"] {
            assert_eq!(
                rejection(&options.clone().with(prefix, map([(name, text("planted"))])))
                    .replace(&format!("`{prefix}.`"), &format!("`{prefix}.…`")),
                format!(
                    "option `{prefix}.…` is not a header's name; give a name of letters, digits and hyphens"
                )
            );
        }
        let value = "the header's value as a string of visible ASCII";
        for bad in ["planted\r\nHost: evil.test", "plänted", "planted\0", "planted\u{7f}"] {
            assert_eq!(
                rejection(&options.clone().with(prefix, map([("x-a", text(bad))]))),
                format!(
                    "option `{prefix}.x-a` is a string with characters that no header can hold; give {value}"
                )
            );
        }
        let base = options.with(prefix, map::<0>([]));
        refuses_kinds(&base, &format!("{prefix}.x-a"), &["a string"], value);
    }
}
