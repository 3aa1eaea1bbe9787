//! Options of a broker.

use crate::provider::{GrantProtocol, Lifetime, braintree::Braintree, fluz::Environment};

use super::*;

fn wire(options: &Value) -> (String, Option<&'static str>) {
    let profile = accepted(options).profile;
    assert_eq!(profile.authenticate.protocol, GrantProtocol::Form);
    (profile.grant_url().to_owned(), profile.credentials_mode)
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
    for bad in ["http://tokens.test/", "//user:planted@tokens.test/"] {
        assert_eq!(rejected(&broker().with("url", text(bad))), "url");
    }
    assert_eq!(wire(&broker().with("credentials", text("include"))).1, Some("include"));
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
        ("sliding", map([("header", text("X-New")), ("sameSession", RawValue::Bool(true))])),
    ]);

    let profile = accepted(&broker().with("api", api)).profile;

    assert_eq!(profile.error_rules.rejected.codes, ["DENIED"]);
    assert_eq!(profile.rotation.unwrap().headers, ["x-new"]);
}

#[test]
fn lifetime_option_limits_the_broker() {
    let profile = accepted(&broker().with("lifetimeMs", number(60_000.0))).profile;

    assert_eq!(profile.lifetime, Lifetime::AtMost(Duration::from_secs(60)));
}
