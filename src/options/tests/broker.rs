//! Options of a broker.

use crate::provider::{GrantProtocol, Lifetime, braintree::Braintree, fluz::Environment};

use super::*;

fn wire(options: &Value) -> (String, Option<&'static str>) {
    match accepted(options).profile.grant_protocol {
        GrantProtocol::TokenEndpoint { url, credentials } => (url, credentials),
        GrantProtocol::GraphQl => panic!("it is a form"),
    }
}

#[test]
fn page_requires_url_and_endpoint_only() {
    let config = accepted(&broker());

    assert_eq!(config.profile.endpoint, "https://api.acme.test/graphql");
    assert_eq!(config.origins, ["https://api.acme.test"]);
    assert!(config.scopes.is_empty() && config.profile.headers.is_empty());
    assert!(matches!(config.grant_source, GrantSource::Profile(secrets) if secrets.is_empty()));
    assert_eq!(config.profile.error_rules.rejected.statuses[..], [401]);
    assert_eq!(config.profile.lifetime, Lifetime::Default(Duration::from_secs(300)));
}

#[test]
fn url_may_be_relative() {
    for (given, url) in [
        ("/token", "https://page.test/token"),
        ("token", "https://page.test/shop/token"),
        ("https://tokens.test/fluz", "https://tokens.test/fluz"),
    ] {
        assert_eq!(wire(&broker().with("url", text(given))), (url.to_owned(), None));
    }
    assert_eq!(
        rejection(&broker().with("url", text("http://tokens.test/"))),
        "option `url` is an http: URL, which would send secrets in the clear; use https:, or set \
         `allowInsecure: true` if the way there is safe"
    );
    assert_eq!(
        rejection(&broker().with("url", text("//user:planted@tokens.test/"))),
        "option `url` holds a user name or password; leave them out and use the provider's options"
    );
}

#[test]
fn missing_option_is_named() {
    let url = "where your broker answers, for example \"/token\"";
    refuses_kinds(&broker(), "url", &["a string"], url);
    let endpoint = "the URL of the API that the tokens are for";
    refuses_kinds(&broker(), "endpoint", &["a string"], endpoint);
    for (key, remedy) in [("url", url), ("endpoint", endpoint)] {
        assert_eq!(rejection(&broker().without(key)), format!("option `{key}` is missing; give {remedy}"));
    }
}

#[test]
fn built_in_api_supplies_its_error_rules() {
    let profile = accepted(&broker().with("api", text("braintree"))).profile;

    let known = Braintree {
        environment: Environment::Sandbox,
        endpoint: None,
        client_id: String::new(),
        version: None,
        lifetime: None,
    };
    let known = known.profile();
    assert_eq!(profile.name, "braintree");
    assert_eq!(profile.headers, known.headers);
    assert_eq!(profile.error_rules.rejected, known.error_rules.rejected);
    assert_eq!(profile.error_rules.rate_limited, known.error_rules.rate_limited);
    let toggle = accepted(&broker().with("api", text("toggle"))).profile;
    assert!(toggle.rotation.is_some() && toggle.renew.is_none());
    let fluz = accepted(&broker().with("api", text("fluz"))).profile;
    assert!(!fluz.error_rules.rejected.codes.is_empty() && fluz.schema_names.is_empty());
    // The responses state the lifetime of a token issued now.
    assert_eq!(fluz.lifetime, Lifetime::Default(Duration::from_secs(300)));
}

#[test]
fn custom_api_supplies_its_error_rules() {
    let api = map([
        ("refused", map([("codes", texts(&["DENIED"]))])),
        ("sliding", map([("header", text("X-New"))])),
    ]);

    let profile = accepted(&broker().with("api", api)).profile;

    assert_eq!(profile.error_rules.rejected.codes, ["DENIED"]);
    assert_eq!(profile.rotation.unwrap().headers, ["x-new"]);
    assert_eq!(
        rejection(&broker().with("api", map([("refusd", RawValue::Null)]))),
        "option `api.refusd` is not known; did you mean `api.refused`?"
    );
    let remedy = "\"fluz\", \"toggle\", \"braintree\" or { refused, sliding }";
    refuses_kinds(&broker(), "api", &["a string", "an empty string", "a blank string", "an object"], remedy);
    assert_eq!(
        rejection(&broker().with("api", text("fluzz"))),
        "option `api` is a word that is not known; did you mean \"fluz\"?"
    );
}

#[test]
fn credentials_has_the_modes_of_fetch() {
    for word in ["same-origin", "include", "omit"] {
        assert_eq!(wire(&broker().with("credentials", text(word))).1, Some(word));
    }
    assert_eq!(
        rejection(&broker().with("credentials", text("included"))),
        "option `credentials` is a word that is not known; did you mean \"include\"?"
    );
}

#[test]
fn secrets_are_rejected_for_a_broker() {
    assert!(rejection(&broker().with("apiKey", text("planted"))).starts_with("option `apiKey` is not known"));
}

#[test]
fn lifetime_option_limits_the_broker() {
    let profile = accepted(&broker().with("lifetimeMs", number(60_000.0))).profile;

    assert_eq!(profile.lifetime, Lifetime::AtMost(Duration::from_secs(60)));
}
