//! Options of the built-in providers.

use super::{GrantSource, OptionReader, ProviderConfig, RawValue, SecretSource, check_keys, custom};
use crate::{
    core::ScopeSet,
    provider::{
        Profile,
        braintree::Braintree,
        broker::Broker,
        fluz::{ApplicationKey, Environment, Fluz, Renewal},
        toggle::{Login, Toggle},
    },
};

/// Expected values of `provider`.
pub(super) const HINT: &str =
    "\"fluz\", \"toggle\", \"braintree\", \"broker\", or a Profile object that describes your own API";

/// Reads the options of the provider `name`.
pub(super) fn read(name: &str, options: &OptionReader<'_>) -> ProviderConfig {
    match name {
        "fluz" => fluz(options),
        "toggle" => toggle(options),
        "braintree" => braintree(options),
        "broker" => broker(options),
        _ => {
            options.report_unknown_keyword("provider", "fluz toggle braintree broker", HINT);
            unknown_provider(options)
        }
    }
}

fn fluz(options: &OptionReader<'_>) -> ProviderConfig {
    check_keys(options, "environment apiKey appId appSecret userId accountId seatId scopes renewal");
    let endpoint = endpoint(options);
    let pair = options.get("appId").is_some() || options.get("appSecret").is_some();
    if pair && options.get("apiKey").is_some() {
        options
            .report(&["options `apiKey` and `appId` with `appSecret` say the same; give one or the other"]);
    }
    let (key, secret) = if pair {
        let app_id = options.basic_user_name("appId", "the application's id, to go with `appSecret`");
        (ApplicationKey::Pair { app_id }, options.secret("appSecret", "the application's secret"))
    } else {
        (ApplicationKey::ApiKey, options.secret("apiKey", "the API key that Fluz shows for your application"))
    };
    let renewal = match options.keyword("renewal", "refresh generate") {
        Some("generate") => Renewal::Generate,
        _ => Renewal::Refresh,
    };
    let scopes = options.scopes();
    let profile = Fluz {
        environment: environment(options, endpoint.as_ref()),
        endpoint,
        key,
        user_id: options.required_text("userId", "the id of the user to act for, a UUID"),
        account_id: options.required_text("accountId", "the id of the account to act for, a UUID"),
        seat_id: options.text("seatId", "the id of a seat, a UUID, or leave it out"),
        renewal,
        lifetime: options.millis("lifetimeMs"),
    };
    provider_config(profile.profile(), secret, scopes)
}

fn toggle(options: &OptionReader<'_>) -> ProviderConfig {
    check_keys(options, "email username password");
    let email = options.text("email", "the API user's email address");
    let username = options.text("username", "the API user's name");
    let login = match (email, username) {
        (Some(email), None) => Login::Email(email),
        (None, Some(username)) => Login::Username(username),
        (email, _) => {
            let what = if email.is_some() { "say the same" } else { "are both missing" };
            options.report(&["options `email` and `username` ", what, "; give one of them"]);
            Login::Email(String::new())
        }
    };
    let secret = options.secret("password", "the API user's password");
    let profile = Toggle { endpoint: endpoint(options), login, lifetime: options.millis("lifetimeMs") };
    provider_config(profile.profile(), secret, ScopeSet::default())
}

fn braintree(options: &OptionReader<'_>) -> ProviderConfig {
    check_keys(options, "environment clientId clientSecret scopes braintreeVersion");
    let endpoint = endpoint(options);
    let version = options.text("braintreeVersion", "a date, as in \"2019-01-01\"");
    if version.as_ref().is_some_and(|version| !is_date(version)) {
        options.report_value("braintreeVersion", "a string that is no date", "one as in \"2019-01-01\"");
    }
    let secret = options.secret("clientSecret", "the OAuth client's secret");
    let scopes = options.scopes();
    let profile = Braintree {
        environment: environment(options, endpoint.as_ref()),
        endpoint,
        client_id: options.basic_user_name("clientId", "the OAuth client's id"),
        version,
        lifetime: options.millis("lifetimeMs"),
    };
    provider_config(profile.profile(), secret, scopes)
}

fn broker(options: &OptionReader<'_>) -> ProviderConfig {
    check_keys(options, "url api credentials scopes");
    let endpoint = options.required_text("endpoint", "the URL of the API that the tokens are for");
    let api = match options.get("api") {
        Some(RawValue::Text(name)) => known_api(name, endpoint, options),
        _ => {
            let description = options.map("api", API).unwrap_or_else(|| options.nested("api", &[]));
            description.allow_only("refused sliding");
            custom::base_profile("api".to_owned(), endpoint, &description)
        }
    };
    let broker = Broker {
        url: options.required_text("url", "where your broker answers, for example \"/token\""),
        credentials: options.keyword("credentials", "same-origin include omit"),
        lifetime: options.millis("lifetimeMs"),
    };
    let scopes = options.optional_scopes().unwrap_or_default();
    ProviderConfig { profile: broker.profile(api), grant_source: GrantSource::Profile(Vec::new()), scopes }
}

/// Expected values of `api`.
const API: &str = "\"fluz\", \"toggle\", \"braintree\" or { refused, sliding }";

/// Returns the profile of a built-in API, for its error rules and its token rotation only.
fn known_api(name: &str, endpoint: String, options: &OptionReader<'_>) -> Profile {
    let environment = Environment::Production;
    let own = Some(endpoint.clone());
    let unused = String::new();
    match name {
        "fluz" => Fluz {
            environment,
            endpoint: own,
            key: ApplicationKey::ApiKey,
            user_id: String::new(),
            account_id: unused,
            seat_id: None,
            renewal: Renewal::Generate,
            lifetime: None,
        }
        .profile(),
        "toggle" => Toggle { endpoint: own, login: Login::Email(unused), lifetime: None }.profile(),
        "braintree" => {
            Braintree { environment, endpoint: own, client_id: unused, version: None, lifetime: None }
                .profile()
        }
        _ => {
            options.report_unknown_keyword("api", "fluz toggle braintree", API);
            custom::base_profile(unused, endpoint, options)
        }
    }
}

/// Returns a placeholder for an unknown provider; its options are rejected.
pub(super) fn unknown_provider(options: &OptionReader<'_>) -> ProviderConfig {
    let profile = custom::base_profile(String::new(), String::new(), options);
    ProviderConfig { profile, grant_source: GrantSource::Profile(Vec::new()), scopes: ScopeSet::default() }
}

fn provider_config(profile: Profile, secret: SecretSource, scopes: ScopeSet) -> ProviderConfig {
    ProviderConfig { profile, grant_source: GrantSource::Profile(vec![secret]), scopes }
}

pub(super) fn endpoint(options: &OptionReader<'_>) -> Option<String> {
    options.text("endpoint", "the URL to send grants to")
}

/// Reads the environment. It is optional where `endpoint` is given; the default is the one with shorter-lived tokens.
fn environment(options: &OptionReader<'_>, endpoint: Option<&String>) -> Environment {
    let chosen = options.keyword("environment", "sandbox production");
    if chosen.is_none() && endpoint.is_none() {
        options.report_invalid("environment", "\"sandbox\" or \"production\"");
    }
    if chosen == Some("sandbox") { Environment::Sandbox } else { Environment::Production }
}

fn is_date(text: &str) -> bool {
    let shaped = text.len() == 10
        && text.bytes().enumerate().all(|(place, byte)| match place {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    let number = |first: usize| {
        let digits = &text.as_bytes()[first..];
        (digits[0] - b'0') * 10 + (digits[1] - b'0')
    };
    shaped && (1..=12).contains(&number(5)) && (1..=31).contains(&number(8))
}
