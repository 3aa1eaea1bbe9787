//! Options of Fluz, Toggle and Braintree: accepted, required and rejected values.

use super::*;
use crate::provider::{Authorization, Lifetime, SecretId, Variable};

/// Prints variables with the sources of their values.
fn shape(variables: &[(crate::provider::CowStr, Variable)]) -> String {
    fn one(variable: &Variable) -> String {
        match variable {
            Variable::Literal(value) => (PLATFORM.write_json)(value),
            Variable::Absent => "nothing".to_owned(),
            Variable::Secret(SecretId(id)) => format!("secret {id}"),
            Variable::RefreshToken => "refresh token".to_owned(),
            Variable::TokenTypeHint => "hint".to_owned(),
            Variable::AccessToken => "access token".to_owned(),
            Variable::RejectedToken => "refused".to_owned(),
            Variable::Scopes => "scopes".to_owned(),
            Variable::Map(members) => format!("{{{}}}", shape(members)),
            Variable::List(items) => format!("[{}]", items.iter().map(one).collect::<Vec<_>>().join(", ")),
        }
    }
    let member =
        |(name, variable): &(crate::provider::CowStr, Variable)| format!("{name}: {}", one(variable));
    let sent = variables.iter().filter(|(_, variable)| *variable != Variable::Absent);
    sent.map(member).collect::<Vec<_>>().join(", ")
}

fn secret_of(config: &Config) -> &str {
    match &config.grant_source {
        GrantSource::Profile(sources) => match sources.as_slice() {
            [SecretSource::Text(secret)] => secret.expose(),
            [SecretSource::Function(name)] => name,
            other => panic!("{other:?}"),
        },
        GrantSource::Function(name) => panic!("{name}"),
    }
}

#[test]
fn fluz_has_defaults() {
    let config = accepted(&fluz());

    let profile = &config.profile;
    assert_eq!(profile.name, "fluz");
    assert_eq!(profile.endpoint, "https://transactional-graph.staging.fluzapp.com/api/v1/graphql");
    assert_eq!(profile.lifetime, Lifetime::AtMost(Duration::from_secs(600)));
    assert_eq!(profile.authenticate.authorization, Authorization::ApiKey(SecretId(0)));
    let variables = shape(&profile.authenticate.variables);
    assert_eq!(variables, format!("userId: \"{USER_ID}\", accountId: \"{ACCOUNT_ID}\", scopes: scopes"));
    assert_eq!(profile.secrets, ["apiKey"]);
    assert!(profile.renew.is_some());
    assert_eq!(secret_of(&config), "planted-key");
    assert_eq!(config.scopes.listed(), "LIST_OFFERS");
}

#[test]
fn environment_determines_endpoint_and_lifetime() {
    for (environment, endpoint, seconds) in [
        ("sandbox", "https://transactional-graph.staging.fluzapp.com/api/v1/graphql", 600),
        ("production", "https://transactional-graph.fluzapp.com/api/v1/graphql", 180),
    ] {
        let profile = accepted(&fluz().with("environment", text(environment))).profile;

        assert_eq!(profile.endpoint, endpoint);
        assert_eq!(profile.lifetime, Lifetime::AtMost(Duration::from_secs(seconds)));
    }
    for (environment, endpoint) in [
        ("sandbox", "https://payments.sandbox.braintree-api.com/graphql"),
        ("production", "https://payments.braintree-api.com/graphql"),
    ] {
        let profile = accepted(&braintree().with("environment", text(environment))).profile;

        assert_eq!(profile.endpoint, endpoint);
    }
}

#[test]
fn environment_is_optional_with_an_endpoint() {
    let own = text("https://own.test/graphql");
    let bare = fluz().without("environment").with("endpoint", own.clone());

    let profile = accepted(&bare).profile;

    assert_eq!(profile.endpoint, "https://own.test/graphql");
    assert_eq!(profile.lifetime, Lifetime::AtMost(Duration::from_secs(180)));
    let sandbox = accepted(&bare.with("environment", text("sandbox"))).profile;
    assert_eq!(sandbox.endpoint, "https://own.test/graphql");
    assert_eq!(sandbox.lifetime, Lifetime::AtMost(Duration::from_secs(600)));
    assert_eq!(accepted(&braintree().without("environment").with("endpoint", own)).profile.name, "braintree");
}

#[test]
fn fluz_accepts_id_and_secret_instead_of_a_key() {
    let pair =
        fluz().without("apiKey").with("appId", text("app-1")).with("appSecret", RawValue::Function("vault"));

    let config = accepted(&pair);

    let authorization = Authorization::BasicPair { username: "app-1".to_owned(), password: SecretId(0) };
    assert_eq!(config.profile.authenticate.authorization, authorization);
    assert_eq!(config.profile.renew.clone().map(|renew| renew.authorization), Some(authorization));
    assert_eq!(config.profile.secrets, ["appSecret"]);
    assert_eq!(secret_of(&config), "vault");
}

#[test]
fn seat_is_sent_only_if_given() {
    let seated = accepted(&fluz().with("seatId", text(SEAT_ID))).profile;

    assert!(shape(&seated.authenticate.variables).ends_with(&format!("seatId: \"{SEAT_ID}\"")));
    let unset = accepted(&fluz().with("seatId", RawValue::Missing)).profile;
    assert!(!shape(&unset.authenticate.variables).contains("seatId"));
}

#[test]
fn renewal_generate_disables_refresh() {
    assert!(accepted(&fluz().with("renewal", text("generate"))).profile.renew.is_none());
    assert!(accepted(&fluz().with("renewal", text("refresh"))).profile.renew.is_some());
}

#[test]
fn toggle_sends_only_the_given_identifier() {
    for (key, options) in
        [("email", toggle()), ("username", toggle().without("email").with("username", text("a@b.test")))]
    {
        let config = accepted(&options);

        let profile = &config.profile;
        assert_eq!(profile.endpoint, "https://api.mytoggle.io/graphql");
        assert_eq!(profile.lifetime, Lifetime::AtMost(Duration::from_secs(3600)));
        assert!(profile.authenticate.document.contains(&format!("({key}: $login, password: $password)")));
        assert_eq!(shape(&profile.authenticate.variables), r#"login: "a@b.test", password: secret 0"#);
        assert_eq!(profile.secrets, ["password"]);
        assert_eq!(secret_of(&config), "planted-password");
        assert!(config.scopes.is_empty());
    }
}

#[test]
fn braintree_has_defaults() {
    let config = accepted(&braintree());

    let profile = &config.profile;
    assert_eq!(
        profile.headers,
        [("braintree-version".to_owned(), SecretSource::Text(Secret::new("2019-01-01")))]
    );
    assert_eq!(profile.lifetime, Lifetime::Default(Duration::from_secs(3600)));
    assert_eq!(
        profile.authenticate.authorization,
        Authorization::BasicPair { username: "client-1".to_owned(), password: SecretId(0) }
    );
    assert_eq!(shape(&profile.authenticate.variables), "input: {scopes: scopes}");
    assert_eq!(profile.secrets, ["clientSecret"]);
    assert_eq!(secret_of(&config), "planted-secret");
    assert_eq!(config.scopes.listed(), "TRANSACTION_SALE");
}

#[test]
fn lifetime_option_replaces_the_providers() {
    let own = Duration::from_millis(1500);
    for (options, lifetime) in [
        (fluz(), Lifetime::AtMost(own)),
        (toggle(), Lifetime::AtMost(own)),
        (braintree(), Lifetime::Declared(own)),
        (acme(), Lifetime::AtMost(own)),
        (acme().with("provider.expiry", map([("lifetimeMs", number(9.0))])), Lifetime::AtMost(own)),
        (by_function(), Lifetime::AtMost(own)),
    ] {
        assert_eq!(accepted(&options.with("lifetimeMs", number(1500.0))).profile.lifetime, lifetime);
    }
}

#[test]
fn secrets_may_be_functions() {
    for (options, key) in [(fluz(), "apiKey"), (toggle(), "password"), (braintree(), "clientSecret")] {
        assert_eq!(secret_of(&accepted(&options.with(key, RawValue::Function("vault")))), "vault");
    }
}

#[test]
fn scopes_are_sorted_and_unique_in_the_config() {
    let given =
        texts(&["transaction:sale", "LIST_OFFERS", "dispute:accept/facilitated", "LIST_OFFERS", "A.b~!#"]);
    for options in [fluz(), braintree(), acme(), by_function()] {
        assert_eq!(
            accepted(&options.with("scopes", given.clone())).scopes.listed(),
            "A.b~!#, LIST_OFFERS, dispute:accept/facilitated, transaction:sale"
        );
    }
    assert!(accepted(&acme()).scopes.is_empty());
    assert!(accepted(&by_function().with("scopes", RawValue::Missing)).scopes.is_empty());
}
