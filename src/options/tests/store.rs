//! Shared store and limits on sessions.

use super::*;
use crate::core::{CredentialSharing, Limits, Scoping};

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
fn store_has_methods() {
    let methods = ["get", "set", "delete"];
    for missing in methods {
        let others: Vec<_> = methods.into_iter().filter(|it| *it != missing).collect();

        assert_eq!(rejected(&toggle().with("store", store(&others))), format!("store.{missing}"));
    }
    for optional in ["acquire", "watch"] {
        let path = format!("store.{optional}");

        assert_eq!(rejected(&toggle().with("store", store(&methods)).with(&path, text("x"))), path);
    }
}

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
        assert_eq!(rejected(&options.clone().with("store", methods())), "identity");

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
        credentials: CredentialSharing::Shared,
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
fn sessions_share_credentials_that_the_library_presents_itself() {
    let function = || RawValue::Function("secret");
    let basic = |secret| acme().with("provider.authenticate.authorization", map([("basic", secret)]));
    let oauth = |changes: &[(&str, Value)]| {
        let mut options = oauth::oauth();
        for (path, value) in changes {
            options = options.with(path, value.clone());
        }
        options
    };
    let password: &[_] = &[
        ("provider.oauth.grant", text("password")),
        ("provider.oauth.username", text("ann")),
        ("provider.oauth.password", text("planted")),
    ];
    for options in
        [fluz(), toggle().with("password", function()), braintree(), basic(text("planted")), oauth(&[])]
    {
        assert_eq!(accepted(&options).limits.credentials, CredentialSharing::Shared);
    }
    // A function receives the selector, and returns the password of the selected user.
    for options in [
        basic(function()),
        acme().with("provider.authenticate.variables", map([("password", function())])),
        acme().with("provider.headers", map([("x-key", function())])),
        acme().with("headers", map([("x-key", function())])),
        oauth(&[("provider.oauth.clientSecret", function())]),
        oauth(password),
    ] {
        assert_eq!(accepted(&options).limits.credentials, CredentialSharing::ByIdentity);
    }
    // The last one presents no secret.
    for options in [broker(), broker().with("headers", map([("x-key", function())])), by_function(), acme()] {
        assert_eq!(accepted(&options).limits.credentials, CredentialSharing::Unknown);
    }
}
