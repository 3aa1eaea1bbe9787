//! Options of one call.

use super::*;

fn want(given: &Value) -> TokenRequest {
    read_call(given).unwrap_or_else(|error| panic!("{error}"))
}

fn wrong(given: &Value) -> Vec<String> {
    named(read_call(given).expect_err("these options are wrong"))
}

#[test]
fn missing_options_request_any_usable_token() {
    for nothing in
        [RawValue::Missing, map([]), map([("scopes", RawValue::Missing), ("signal", RawValue::Missing)])]
    {
        assert_eq!(want(&nothing), TokenRequest::DEFAULT);
        assert_eq!(read_refresh(&map::<0>([])), Ok(()));
    }
}

#[test]
fn call_options_set_the_minimum_validity() {
    let given = map([
        ("minValidityMs", number(0.0)),
        ("scopes", texts(&["B", "A", "B"])),
        ("signal", RawValue::Other),
    ]);

    let scopes = Some(["A", "B"].into_iter().collect());
    assert_eq!(
        want(&given),
        TokenRequest::Cached { min_validity: Some(Duration::ZERO), scopes, borrowing: Borrowing::Allowed }
    );
}

#[test]
fn call_may_require_exact_scopes() {
    let exact = |value| map([("exactScopes", value)]);

    let rejected = TokenRequest::Cached { min_validity: None, scopes: None, borrowing: Borrowing::Forbidden };
    assert_eq!(want(&exact(RawValue::Bool(true))), rejected);
    assert_eq!(want(&exact(RawValue::Bool(false))), TokenRequest::DEFAULT);
}

#[test]
fn signal_is_not_validated_here() {
    for (value, _) in kinds() {
        let given = map([("signal", value)]);

        assert_eq!(want(&given), TokenRequest::DEFAULT);
        assert_eq!(read_refresh(&given), Ok(()));
    }
}

#[test]
fn invalid_call_options_are_named() {
    for (key, types) in
        [("minValidityMs", &["number"][..]), ("scopes", &["array"]), ("exactScopes", &["boolean"])]
    {
        for value in kinds_but(types) {
            assert_eq!(wrong(&map([(key, value)]))[0], key);
        }
    }
    assert_eq!(wrong(&map([("minValidityMs", number(-1.0))])), ["minValidityMs"]);
    for value in kinds_but(&["object"]) {
        assert_eq!(wrong(&value), [""]);
        assert_eq!(named(read_refresh(&value).expect_err("no object")), [""]);
    }
}

#[test]
fn unknown_call_options_are_rejected() {
    let known = ["signal", "minValidityMs", "scopes", "exactScopes"];

    assert_eq!(wrong(&map([("force", RawValue::Bool(true))])), [&["force"][..], &known].concat());
    assert_eq!(wrong(&map([("minValidtyMs", number(1.0))])), ["minValidtyMs", "minValidityMs"]);
    for key in ["scopes", "Signal"] {
        let refresh = read_refresh(&map([(key, RawValue::Other)]));
        assert_eq!(named(refresh.expect_err("unknown")), [key, "signal"]);
    }
}
