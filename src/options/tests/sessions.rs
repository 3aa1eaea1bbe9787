//! Limits on sessions.

use super::*;
use crate::core::{Limits, Presented, Scoping};

#[test]
fn session_limits_have_the_documented_defaults() {
    for options in everyone() {
        for given in [None, Some(map([])), Some(map([("max", RawValue::Missing)]))] {
            let options =
                given.map_or_else(|| options.clone(), |given| options.clone().with("sessions", given));
            let Limits { max, idle, max_concurrent_grants, .. } = accepted(&options).limits;

            assert_eq!((max, idle, max_concurrent_grants), (10_000, Duration::from_secs(900), 32));
        }
    }
}

#[test]
fn each_limit_is_accepted() {
    let sessions =
        map([("max", number(5.0)), ("idleMs", number(0.25e3)), ("maxConcurrentGrants", number(2.0))]);

    let limits = accepted(&fluz().with("sessions", sessions)).limits;

    let expected = Limits {
        max: 5,
        idle: Duration::from_millis(250),
        max_concurrent_grants: 2,
        scoping: Scoping::ByRequest,
        credentials: Presented::Shared,
    };
    assert_eq!(limits, expected);
}

#[test]
fn scopes_are_selectable_where_the_grant_uses_them() {
    let named = acme().with("provider.authenticate.variables", map([("scopes", text("$scopes"))]));
    let nested = acme()
        .with("provider.authenticate.variables", map([("input", map([("list", list([text("$scopes")]))]))]));

    for (options, scoping) in [
        (fluz(), Scoping::ByRequest),
        (toggle(), Scoping::Fixed),
        (braintree(), Scoping::ByRequest),
        (acme(), Scoping::Fixed),
        (acme().with("scopes", texts(&["A"])), Scoping::Fixed),
        (named, Scoping::ByRequest),
        (nested, Scoping::ByRequest),
        (by_function(), Scoping::ByRequest),
    ] {
        assert_eq!(accepted(&options).limits.scoping, scoping, "{options:?}");
    }
}

#[test]
fn invalid_limit_names_the_expected_value() {
    refuses_kinds(&fluz(), "sessions", &["an object"], "an object, for example { max: 1000 }");
    refuses_kinds(
        &fluz().with("sessions", map([])),
        "sessions.max",
        &["a number"],
        "how many sessions to keep, from 1 to 10 million",
    );
    refuses_kinds(
        &fluz().with("sessions", map([])),
        "sessions.idleMs",
        &["a number"],
        "a number of milliseconds from 1 to 2^53",
    );
    for (key, value, what) in [
        ("max", 0.0, "out of range"),
        ("max", 10_000_001.0, "out of range"),
        ("max", 1.5, "not a whole number"),
        ("idleMs", 0.5, "out of range"),
        ("maxConcurrentGrants", 0.0, "out of range"),
        ("maxConcurrentGrants", 10_001.0, "out of range"),
    ] {
        let message = rejection(&fluz().with("sessions", map([(key, number(value))])));
        assert!(message.starts_with(&format!("option `sessions.{key}` is {what}; give ")), "{message}");
    }
    assert_eq!(
        rejection(&fluz().with("sessions", map([("maxConcurentGrants", number(1.0))]))),
        "option `sessions.maxConcurentGrants` is not known; did you mean `sessions.maxConcurrentGrants`?"
    );
}

#[test]
fn sessions_share_credentials_that_the_library_presents_itself() {
    for options in [fluz(), toggle(), braintree()] {
        assert_eq!(accepted(&options).limits.credentials, Presented::Shared);
    }
    // The last one presents no secret.
    for options in [broker(), by_function(), acme()] {
        assert_eq!(accepted(&options).limits.credentials, Presented::Unknown);
    }
}
