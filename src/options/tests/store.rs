//! Shared store: methods and time limits.

use super::*;

/// A store with every method, in the form that JavaScript passes to the core.
fn store(methods: &[&'static str]) -> RawValue {
    RawValue::Map(methods.iter().map(|method| ((*method).to_owned(), RawValue::Function(method))).collect())
}

#[test]
fn store_is_its_methods() {
    for options in everyone() {
        let options = options.with("identity", text("tenant-7"));
        let config = accepted(&options.with("store", store(&["get", "set", "delete", "acquire", "watch"])));

        let shared = config.store.expect("a store");
        assert_eq!((shared.get, shared.set), ("get", "set"));
        assert_eq!((shared.acquire, shared.watch), (Some("acquire"), Some("watch")));
        assert_eq!(shared.timeout, Duration::from_secs(5));
    }
}

#[test]
fn lease_covers_two_requests_and_two_writes() {
    let whole = store(&["get", "set", "delete", "acquire"]);
    let sharing = |options: Value| accepted(&options).policy.sharing.map(|sharing| sharing.lease);

    assert_eq!(sharing(toggle()), None);
    assert_eq!(sharing(toggle().with("store", store(&["get", "set", "delete"]))), Some(None));
    assert_eq!(sharing(toggle().with("store", whole.clone())), Some(Some(Duration::from_secs(30))));
    let quick =
        toggle().with("store", whole).with("timeoutMs", number(300.0)).with("storeTimeoutMs", number(200.0));
    assert_eq!(sharing(quick), Some(Some(Duration::from_secs(1))));
}

#[test]
fn invalid_store_names_the_expected_value() {
    let remedy = "an object with `get`, `set` and `delete`, for example redisStore(client)";
    refuses_kinds(&toggle(), "store", &["an object"], remedy);

    for missing in ["get", "set", "delete"] {
        let methods: Vec<_> = ["get", "set", "delete"].into_iter().filter(|it| *it != missing).collect();
        assert_eq!(
            rejection(&toggle().with("store", store(&methods))),
            format!(
                "option `store.{missing}` is missing; give a function: a store has `get`, `set` and `delete`"
            )
        );
    }
    for optional in ["acquire", "watch"] {
        let odd = toggle()
            .with("store", store(&["get", "set", "delete"]))
            .with(&format!("store.{optional}"), text("x"));
        assert_eq!(rejection(&odd), format!("option `store.{optional}` is a string; give a function"));
    }
    refuses_kinds(&toggle(), "storeTimeoutMs", &["a number"], "a number of milliseconds from 1 to 2^53");
}

/// Hint where credentials cannot be compared.
const IDENTITY: &str = "a string that names the owner of the credentials, for example the tenant's or the user's id: a \
    `store` shares tokens between managers of the same identity";

#[test]
fn store_requires_an_identity_without_comparable_credentials() {
    let methods = || store(&["get", "set", "delete"]);
    let anonymous = || {
        let authenticate = map([
            ("document", text("mutation ($scopes: [Scope!]) { login(scopes: $scopes) { jwt } }")),
            ("variables", map([("scopes", text("$scopes")), ("none", RawValue::Null)])),
        ]);
        acme().with("provider.authenticate", authenticate)
    };
    for options in [by_function(), broker(), acme(), anonymous()] {
        accepted(&options.clone());
        let message = rejection(&options.clone().with("store", methods()));
        assert_eq!(message, format!("option `identity` is missing; give {IDENTITY}"));

        let config = accepted(&options.with("store", methods()).with("identity", text("tenant-7")));
        assert_eq!(config.identity.as_deref(), Some("tenant-7"));
    }
    let variables = "provider.authenticate.variables";
    for options in [
        fluz(),
        fluz().with("apiKey", RawValue::Function("vault")),
        toggle(),
        braintree(),
        acme().with(variables, map([("password", RawValue::Function("vault"))])),
        acme().with(variables, map([("login", map([("id", list([text("me")]))]))])),
        acme().with("provider.authenticate.authorization", map([("bearer", RawValue::Function("vault"))])),
        acme().with("headers", map([("x-tenant", text("7"))])),
    ] {
        assert_eq!(accepted(&options.with("store", methods())).identity, None);
    }
}

#[test]
fn identity_is_a_short_string() {
    for options in everyone() {
        refuses_kinds(&options, "identity", &["a string"], IDENTITY);
    }
    let of = |identity: &str| toggle().with("identity", text(identity));
    assert_eq!(accepted(&of(&"x".repeat(256))).identity.map(|identity| identity.len()), Some(256));
    // The second is the result of a JavaScript string that is not valid Unicode.
    for wrong in ["x".repeat(257), "é".repeat(129), "bob\u{FFFD}".to_owned()] {
        assert_eq!(
            rejection(&of(&wrong)),
            "option `identity` is too long, or not valid Unicode; give at most 256 bytes of UTF-8"
        );
    }
}
