//! Selectors of sessions.

use super::*;
use crate::json::Json;

fn selected(options: &Value, selector: &Value) -> Selection {
    read_selector(selector, &accepted(options)).expect("a right selector")
}

fn refused_selector(options: &Value, selector: &Value) -> String {
    let error = read_selector(selector, &accepted(options)).expect_err("a wrong selector");
    assert_eq!(error.code, ErrorCode::InvalidOptions);
    error.message.clone()
}

/// API with one variable of each kind.
fn shop() -> Value {
    acme().with(
        "provider.authenticate.variables",
        map([
            ("shop", text("one")),
            ("till", number(1.0)),
            ("test", RawValue::Bool(true)),
            ("secret", RawValue::Function("secret")),
            ("input", map([("deep", text("x"))])),
            ("scopes", text("of their own")),
        ]),
    )
}

#[test]
fn empty_selector_is_always_accepted() {
    for options in everyone() {
        assert_eq!(selected(&options, &map([])), Selection::default());
    }
    for options in [fluz(), braintree(), by_function()] {
        assert_eq!(selected(&options, &map([("scopes", RawValue::Missing)])), Selection::default());
    }
}

#[test]
fn fluz_selects_users_accounts_seats_and_scopes() {
    let selector = map([
        ("userId", text("u")),
        ("seatId", text("s")),
        ("accountId", text("a")),
        ("scopes", texts(&["B", "A", "B"])),
    ]);

    let Selection { variables, scopes } = selected(&fluz(), &selector);

    let literal = |name: &str, value: &str| (name.to_owned(), Some(Json::text(value)));
    assert_eq!(variables, [literal("accountId", "a"), literal("seatId", "s"), literal("userId", "u")]);
    assert_eq!(scopes, Some(["A", "B"].into_iter().collect()));
    let none = selected(&fluz(), &map([("seatId", RawValue::Null)]));
    assert_eq!(none.variables, [("seatId".to_owned(), None)]);
}

#[test]
fn braintree_selects_scopes_only_and_toggle_nothing() {
    let scopes = map([("scopes", texts(&["A"]))]);
    assert_eq!(selected(&braintree(), &scopes).scopes, Some(["A"].into_iter().collect()));

    assert_eq!(
        refused_selector(&braintree(), &map([("userId", text("u"))])),
        "option `userId` is not known; known here are `scopes`"
    );
    for key in ["userId", "scopes", "username"] {
        let message = refused_selector(&toggle(), &map([(key, texts(&["A"]))]));
        assert!(message.starts_with("toggle knows no other users and no scopes"), "{message}");
        assert!(message.ends_with("make another TokenManager"), "{message}");
    }
}

#[test]
fn custom_api_selects_constant_scalar_variables() {
    let selector = map([("till", number(2.0)), ("test", RawValue::Bool(false)), ("shop", text("two"))]);

    let variables = selected(&shop(), &selector).variables;

    let names: Vec<_> = variables.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["shop", "test", "till"]);
    for unknown in ["secret", "input", "scopes"] {
        let message = refused_selector(&shop(), &map([(unknown, texts(&["A"]))]));
        assert_eq!(
            message,
            format!("option `{unknown}` is not known; known here are `shop`, `till`, `test`")
        );
    }
}

#[test]
fn grant_function_receives_any_scalar() {
    let selector = map([
        ("tenant", text("t")),
        ("shard", number(3.0)),
        ("live", RawValue::Bool(true)),
        ("scopes", texts(&["A"])),
    ]);

    let Selection { variables, scopes } = selected(&by_function(), &selector);

    let names: Vec<_> = variables.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!((names, scopes.is_some()), (vec!["live", "shard", "tenant"], true));
    for (value, kind) in kinds() {
        if !["a string", "a number", "a boolean", "missing"].contains(&kind) {
            assert_eq!(
                refused_selector(&by_function(), &map([("tenant", value)])),
                format!("option `tenant` is {kind}; give a string, a number, or true or false")
            );
        }
    }
}

#[test]
fn broker_receives_strings_except_its_own_fields() {
    let broker = map([
        ("provider", text("broker")),
        ("url", text("https://shop.test/token")),
        ("endpoint", text("https://api.test/graphql")),
    ]);

    let selection = selected(&broker, &map([("userId", text("u")), ("scopes", texts(&["A"]))]));

    assert_eq!(selection.variables, [("userId".to_owned(), Some(Json::text("u")))]);
    assert_eq!(
        refused_selector(&broker, &map([("userId", number(7.0))])),
        "option `userId` is a number; give a string"
    );
    for own in ["scope", "refused"] {
        let message = refused_selector(&broker, &map([(own, text("x"))]));
        assert_eq!(message, format!("option `{own}` is not to be selected; leave it out"));
    }
}

#[test]
fn selector_is_an_object() {
    for (value, kind) in kinds().into_iter().filter(|(_, kind)| *kind != "an object") {
        let message = refused_selector(&fluz(), &value);
        let kind = if matches!(value, RawValue::Other) { "what is not a plain object" } else { kind };
        assert_eq!(message, format!("a session is selected by {kind}; give an object, or {{}}"));
    }
}

#[test]
fn undefined_is_rejected_except_for_scopes() {
    let broker = map([
        ("provider", text("broker")),
        ("url", text("https://shop.test/token")),
        ("endpoint", text("https://api.test/graphql")),
    ]);
    for (options, key) in [
        (fluz(), "userId"),
        (fluz(), "seatId"),
        (shop(), "till"),
        (by_function(), "tenant"),
        (broker, "userId"),
    ] {
        assert_eq!(
            refused_selector(&options, &map([(key, RawValue::Missing)])),
            format!("option `{key}` is undefined; give a value, or leave the key out for the manager's own")
        );
    }
    assert_eq!(selected(&fluz(), &map([("scopes", RawValue::Missing)])), Selection::default());
}

#[test]
fn selected_value_has_the_type_of_the_managers() {
    for (options, key, right, remedy) in [
        (fluz(), "userId", "a string", "a string, or leave it out for the manager's own"),
        (fluz(), "seatId", "a string", "a string, or null for none"),
        (shop(), "shop", "a string", "a string, or leave it out for the manager's own"),
        (shop(), "till", "a number", "a number"),
        (shop(), "test", "a boolean", "true or false"),
    ] {
        for (value, kind) in kinds() {
            let selector = map([(key, value)]);
            let given_up = key == "seatId" && kind == "null";
            if kind == right || given_up {
                selected(&options, &selector);
            } else {
                let message = refused_selector(&options, &selector);
                assert_eq!(message, format!("option `{key}` is {kind}; give {remedy}"));
            }
        }
    }
}

#[test]
fn misspelled_selector_key_is_corrected_and_secrets_are_not_shown() {
    let selector = map([("userID", text("u"))]);
    assert_eq!(refused_selector(&fluz(), &selector), "option `userID` is not known; did you mean `userId`?");

    for options in [fluz(), by_function()] {
        let message = refused_selector(&options, &map([("planted secret key", RawValue::Null)]));
        assert!(message.starts_with("option `…` is "), "{message}");
    }
}

#[test]
fn selected_scopes_are_a_non_empty_list() {
    let message = refused_selector(&braintree(), &map([("scopes", texts(&[]))]));
    assert!(message.starts_with("option `scopes` is an empty array; give an array of scopes"), "{message}");
}
