//! Options of one call.

use super::*;

fn want(given: &Value) -> TokenRequest {
    read_call(given).unwrap_or_else(|error| panic!("{error}"))
}

fn wrong(given: &Value) -> String {
    message(read_call(given).expect_err("these options are wrong"))
}

#[test]
fn nothing_asks_for_any_usable_token() {
    for nothing in
        [RawValue::Missing, map([]), map([("scopes", RawValue::Missing), ("signal", RawValue::Missing)])]
    {
        assert_eq!(want(&nothing), TokenRequest::DEFAULT);
        assert_eq!(read_refresh(&map::<0>([])), Ok(()));
    }
}

#[test]
fn a_call_says_how_good_the_token_must_be() {
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
fn a_call_may_reject_tokens_with_more_scopes() {
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
fn a_signal_is_left_to_the_face_whatever_it_is() {
    for (value, _) in kinds() {
        let given = map([("signal", value)]);

        assert_eq!(want(&given), TokenRequest::DEFAULT);
        assert_eq!(read_refresh(&given), Ok(()));
    }
}

#[test]
fn options_of_a_call_are_an_object() {
    for (value, kind) in kinds().into_iter().filter(|(_, kind)| *kind != "an object") {
        let expected = format!("the options of the call are {kind}; give an object or nothing");

        assert_eq!(wrong(&value), expected);
        assert_eq!(message(read_refresh(&value).expect_err("no object")), expected);
    }
}

#[test]
fn unknown_keys_of_a_call_are_refused() {
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
fn wrong_values_of_a_call_say_what_to_give() {
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
