//! Selectors of sessions.

use super::*;
use crate::json::Json;

fn selected(options: &Value, selector: &Value) -> Selection {
    read_selector(selector, &accepted(options)).expect("a right selector")
}

/// Returns the member that the error names, and the known ones.
fn rejected_selector(options: &Value, selector: &Value) -> Vec<String> {
    let error = read_selector(selector, &accepted(options)).expect_err("a wrong selector");
    assert_eq!(error.code, ErrorCode::InvalidOptions);
    named(error)
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
        ("userId", text(USER_ID)),
        ("seatId", text(SEAT_ID)),
        ("accountId", text(ACCOUNT_ID)),
        ("scopes", texts(&["B", "A", "B"])),
    ]);

    let Selection { variables, scopes } = selected(&fluz(), &selector);

    let literal = |name: &str, value: &str| (name.to_owned(), Some(Json::text(value)));
    assert_eq!(
        variables,
        [literal("accountId", ACCOUNT_ID), literal("seatId", SEAT_ID), literal("userId", USER_ID)]
    );
    assert_eq!(scopes, Some(["A", "B"].into_iter().collect()));
    let none = selected(&fluz(), &map([("seatId", RawValue::Null)]));
    assert_eq!(none.variables, [("seatId".to_owned(), None)]);
}

#[test]
fn braintree_selects_scopes_only_and_toggle_nothing() {
    let scopes = map([("scopes", texts(&["A"]))]);
    assert_eq!(selected(&braintree(), &scopes).scopes, Some(["A"].into_iter().collect()));

    assert_eq!(rejected_selector(&braintree(), &map([("userId", text("u"))])), ["userId", "scopes"]);
    for key in ["userId", "scopes", "username"] {
        rejected_selector(&toggle(), &map([(key, texts(&["A"]))]));
    }
}

#[test]
fn custom_api_selects_constant_scalar_variables() {
    let selector = map([("till", number(2.0)), ("test", RawValue::Bool(false)), ("shop", text("two"))]);

    let variables = selected(&shop(), &selector).variables;

    let names: Vec<_> = variables.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["shop", "test", "till"]);
    for unknown in ["input", "scopes"] {
        let selector = map([(unknown, texts(&["A"]))]);
        assert_eq!(rejected_selector(&shop(), &selector), [unknown, "shop", "till", "test", "input.deep"]);
    }
}

/// API with a log-in that takes one input object.
fn with_input() -> Value {
    acme().with(
        "provider.authenticate.variables",
        map([
            (
                "input",
                map([
                    ("identifier", text("a")),
                    ("id", text("1")),
                    ("tenant", map([("id", number(1.0)), ("key", text("planted"))])),
                    ("password", RawValue::Function("secret")),
                    ("passwords", list([text("planted")])),
                    ("groups", list([text("one"), map([("role", text("reader"))])])),
                ]),
            ),
            ("client", RawValue::Function("client")),
            ("other", map([("client", text("web")), ("apiToken", text("planted"))])),
            ("kind", text("shop")),
            ("more", map([("kind", text("inner"))])),
        ]),
    )
}

#[test]
fn custom_api_selects_nested_variables_by_path_or_by_a_name_that_occurs_once() {
    for (key, path, value) in [
        ("identifier", "input.identifier", text("b")),
        ("input.tenant.id", "input.tenant.id", number(2.0)),
        ("input.groups.0", "input.groups.0", text("two")),
        ("role", "input.groups.1.role", text("writer")),
        // The function of the same name cannot be selected.
        ("other.client", "other.client", text("app")),
        // The path of one variable, and the name of another.
        ("kind", "kind", text("x")),
        ("more.kind", "more.kind", text("x")),
    ] {
        for spelling in [key, path] {
            let Selection { variables, .. } = selected(&with_input(), &map([(spelling, value.clone())]));
            assert_eq!(variables, [(path.to_owned(), Some(value.clone()))], "{spelling}");
        }
    }
}

#[test]
fn a_name_of_several_variables_is_rejected_with_their_paths() {
    let selector = map([("id", text("2"))]);
    assert_eq!(rejected_selector(&with_input(), &selector), ["id", "input.id", "input.tenant.id"]);

    // The same path of two variables.
    let json = map([("a.b", text("x")), ("a", map([("b", text("y"))]))]);
    let options = acme()
        .without("provider.authenticate.document")
        .with("provider.authenticate.endpoint", text("https://acme.test/login"))
        .with("provider.authenticate.json", json);
    assert_eq!(rejected_selector(&options, &map([("a.b", text("z"))])), ["a.b", "a.b", "a.b"]);
}

#[test]
fn a_variable_is_selected_once() {
    for value in ["b", "c"] {
        let selector = map([("identifier", text("b")), ("input.identifier", text(value))]);
        assert_eq!(rejected_selector(&with_input(), &selector), ["input.identifier", "input.identifier"]);
    }
}

#[test]
fn a_selector_holds_no_secret() {
    // Functions, and constants with the name of a secret.
    for key in [
        "password",
        "input.password",
        "client",
        "input.tenant.key",
        "key",
        "input.passwords.0",
        "apiToken",
        "other.apiToken",
    ] {
        for value in [text("planted"), RawValue::Null, number(1.0), RawValue::Missing] {
            assert_eq!(rejected_selector(&with_input(), &map([(key, value)]))[0], key);
        }
    }
    // Each of these alone, in other spellings too.
    for name in [
        "token",
        "refreshToken",
        "client_secret",
        "Password",
        "PASSWD",
        "pass-phrase",
        "passcode",
        "jwt",
        "api_key",
        "X-API-Key",
        "privateKey",
        "access_key",
        "authorization",
        "cookie",
        "credentials",
        "PIN",
        "otp",
    ] {
        let options = acme()
            .with("provider.authenticate.variables", map([("email", text("a")), (name, text("planted"))]));
        assert_eq!(rejected_selector(&options, &map([(name, text("planted"))])), [name]);
    }
    for name in ["keyboard", "tenantKey", "spin", "passport", "email"] {
        let options = acme().with("provider.authenticate.variables", map([(name, text("one"))]));
        selected(&options, &map([(name, text("two"))]));
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
}

#[test]
fn broker_receives_strings_except_its_own_fields() {
    let selection = selected(&broker(), &map([("userId", text("u")), ("scopes", texts(&["A"]))]));

    assert_eq!(selection.variables, [("userId".to_owned(), Some(Json::text("u")))]);
    for own in ["scope", "refused"] {
        assert_eq!(rejected_selector(&broker(), &map([(own, text("x"))])), [own]);
    }
}

#[test]
fn selected_values_have_types() {
    for (options, key, types) in [
        // The string is no UUID.
        (fluz(), "userId", &[][..]),
        (fluz(), "seatId", &["null"]),
        (shop(), "shop", &["string"]),
        (shop(), "till", &["number"]),
        (shop(), "test", &["boolean"]),
        (by_function(), "tenant", &["string", "number", "boolean"]),
        (broker(), "userId", &["string"]),
        (braintree(), "scopes", &["array"]),
    ] {
        for (value, kind) in kinds() {
            let selector = map([(key, value)]);
            if types.contains(&kind) {
                selected(&options, &selector);
            } else {
                assert_eq!(rejected_selector(&options, &selector)[0], key, "{kind}");
            }
        }
        let undefined = map([(key, RawValue::Missing)]);
        if key == "scopes" {
            assert_eq!(selected(&options, &undefined), Selection::default());
        } else {
            assert_eq!(rejected_selector(&options, &undefined), [key]);
        }
    }
    for value in kinds_but(&["object"]) {
        rejected_selector(&fluz(), &value);
    }
}

#[test]
fn misspelled_selector_key_is_corrected_and_secrets_are_not_shown() {
    assert_eq!(rejected_selector(&fluz(), &map([("userID", text("u"))])), ["userID", "userId"]);
    for options in [fluz(), by_function()] {
        let selector = map([("planted secret key", RawValue::Null)]);
        assert_eq!(rejected_selector(&options, &selector)[0], "…");
    }
}
