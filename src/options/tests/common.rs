//! Options of every provider.

use super::*;

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
        "quoteErrors",
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

            let issuer = config.profile.issuer_name().to_owned().into();
            assert_eq!(config.policy, Policy { issuer, ..Policy::default() });
            assert_eq!(config.timeout, Duration::from_secs(10));
            assert_eq!(config.fetch, None);
            assert_eq!(config.keep_alive, KeepAlive::No);
            assert!(config.quotes_errors);
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
                .with("quoteErrors", RawValue::Bool(false))
                .with("allowInsecure", RawValue::Bool(false))
                .with("headers", map([("X-Trace", text("on")), ("x-none", RawValue::Missing)])),
        );

        assert_eq!(config.policy.refresh, RefreshMode::WhileUsed);
        assert!((config.policy.refresh_window - 0.5).abs() < f64::EPSILON);
        assert_eq!(config.policy.min_validity, Some(Duration::from_millis(2500)));
        assert_eq!(config.timeout, Duration::from_micros(1500));
        assert_eq!(config.fetch, Some("own"));
        assert_eq!(config.keep_alive, KeepAlive::Yes);
        assert!(!config.quotes_errors);
        assert_eq!(
            config.profile.headers.last(),
            Some(&("x-trace".to_owned(), SecretSource::Text(Secret::new("on"))))
        );
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
}

#[test]
fn headers_are_added_to_the_providers_or_replace_them() {
    let headers = map([("X-A", text("a b\tc")), ("Braintree-Version", text("2026-01-01"))]);

    let names = |options: &Value| {
        accepted(options).profile.headers.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
    };

    assert_eq!(names(&braintree().with("headers", headers.clone())), ["x-a", "braintree-version"]);
    let own = acme().with("provider.headers", map([("X-Own", text("1"))]));
    assert_eq!(names(&own.with("headers", headers)), ["x-own", "x-a", "braintree-version"]);
}
