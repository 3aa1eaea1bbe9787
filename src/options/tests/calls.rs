//! Options of one call.

use super::*;

fn want(given: &Value) -> TokenRequest {
    read_call(given).unwrap_or_else(|error| panic!("{error}"))
}

fn wrong(given: &Value) -> String {
    message(read_call(given).expect_err("these options are wrong"))
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
    for (value, _) in
        kinds().into_iter().filter(|(value, _)| !matches!(value, RawValue::Bool(_) | RawValue::Missing))
    {
        assert!(read_call(&exact(value)).is_err());
    }
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
fn call_options_are_an_object() {
    for (value, kind) in kinds().into_iter().filter(|(_, kind)| *kind != "an object") {
        let expected = format!("the options of the call are {kind}; give an object or nothing");

        assert_eq!(wrong(&value), expected);
        assert_eq!(message(read_refresh(&value).expect_err("no object")), expected);
    }
}

#[test]
fn unknown_call_options_are_rejected() {
    assert_eq!(
        wrong(&map([("force", RawValue::Bool(true))])),
        "option `force` is not known; known here are `signal`, `minValidityMs`, `scopes`, `exactScopes`"
    );
    assert_eq!(
        wrong(&map([("minValidtyMs", number(1.0))])),
        "option `minValidtyMs` is not known; did you mean `minValidityMs`?"
    );
    let refresh = |given: &Value| message(read_refresh(given).expect_err("unknown"));
    assert_eq!(
        refresh(&map([("scopes", texts(&["A"]))])),
        "option `scopes` is not known; known here are `signal`"
    );
    assert_eq!(
        refresh(&map([("Signal", RawValue::Other)])),
        "option `Signal` is not known; did you mean `signal`?"
    );
}

#[test]
fn invalid_call_options_name_the_expected_value() {
    let milliseconds = "a number of milliseconds from 0 to 2^53";
    let scopes = "an array of scopes, at least one, for example [\"LIST_OFFERS\"]";
    for (key, but, remedy) in [("minValidityMs", "a number", milliseconds), ("scopes", "an array", scopes)] {
        for (value, kind) in kinds().into_iter().filter(|(_, kind)| *kind != but) {
            assert_eq!(wrong(&map([(key, value)])), format!("option `{key}` is {kind}; give {remedy}"));
        }
    }
    assert_eq!(
        wrong(&map([("minValidityMs", number(-1.0))])),
        format!("option `minValidityMs` is out of range; give {milliseconds}")
    );
}
