//! The options of the providers that are built in.

use super::{Chosen, Given, Granter, Reader, SecretSource, check_keys, custom, invalid};
use crate::{
    core::{ScopeSet, TokenError},
    provider::{
        Profile,
        braintree::Braintree,
        broker::Broker,
        fluz::{Environment, Fluz, Key, Renewal},
        toggle::{Login, Toggle},
    },
};

/// What to give as `provider`.
pub(super) const REMEDY: &str =
    "\"fluz\", \"toggle\", \"braintree\", \"broker\", or a Profile object that describes your own API";

/// Reads the options of the provider called `name`.
pub(super) fn read<F: Clone>(name: &str, options: &Reader<'_, F>) -> Result<Chosen<F>, TokenError> {
    match name {
        "fluz" => fluz(options),
        "toggle" => toggle(options),
        "braintree" => braintree(options),
        "broker" => broker(options),
        _ => Err(options.not_a_word("provider", &["fluz", "toggle", "braintree", "broker"], REMEDY)),
    }
}

fn fluz<F: Clone>(options: &Reader<'_, F>) -> Result<Chosen<F>, TokenError> {
    let own =
        ["environment", "apiKey", "appId", "appSecret", "userId", "accountId", "seatId", "scopes", "renewal"];
    check_keys(options, &own)?;
    let endpoint = endpoint(options)?;
    let pair = options.get("appId").is_some() || options.get("appSecret").is_some();
    if pair && options.get("apiKey").is_some() {
        return Err(invalid(
            "options `apiKey` and `appId` with `appSecret` say the same; give one or the other",
        ));
    }
    let (key, secret) = if pair {
        let app_id = options.user_name("appId", "the application's id, to go with `appSecret`")?;
        (Key::Pair { app_id }, options.secret("appSecret", "the application's secret")?)
    } else {
        (Key::ApiKey, options.secret("apiKey", "the API key that Fluz shows for your application")?)
    };
    let renewal =
        options.one_of("renewal", &[("refresh", Renewal::Refresh), ("generate", Renewal::Generate)])?;
    let scopes = options.scopes("scopes")?;
    let profile = Fluz {
        environment: environment(options, endpoint.as_ref())?,
        endpoint,
        key,
        user_id: options.required_text("userId", "the id of the user to act for, a UUID")?,
        account_id: options.required_text("accountId", "the id of the account to act for, a UUID")?,
        seat_id: options.text("seatId", "the id of a seat, a UUID, or leave it out")?,
        renewal: renewal.unwrap_or(Renewal::Refresh),
        lifetime: options.millis("lifetimeMs", 1)?,
    };
    Ok(chosen(profile.profile(), secret, scopes))
}

fn toggle<F: Clone>(options: &Reader<'_, F>) -> Result<Chosen<F>, TokenError> {
    check_keys(options, &["email", "username", "password"])?;
    let email = options.text("email", "the API user's email address")?;
    let username = options.text("username", "the API user's name")?;
    let login = match (email, username) {
        (Some(email), None) => Login::Email(email),
        (None, Some(username)) => Login::Username(username),
        (Some(_), Some(_)) => {
            return Err(invalid("options `email` and `username` say the same; give one of them"));
        }
        (None, None) => {
            return Err(invalid("options `email` and `username` are both missing; give one of them"));
        }
    };
    let secret = options.secret("password", "the API user's password")?;
    let profile = Toggle { endpoint: endpoint(options)?, login, lifetime: options.millis("lifetimeMs", 1)? };
    Ok(chosen(profile.profile(), secret, ScopeSet::default()))
}

fn braintree<F: Clone>(options: &Reader<'_, F>) -> Result<Chosen<F>, TokenError> {
    check_keys(options, &["environment", "clientId", "clientSecret", "scopes", "braintreeVersion"])?;
    let endpoint = endpoint(options)?;
    let version = options.text("braintreeVersion", "a date, as in \"2019-01-01\"")?;
    if version.as_ref().is_some_and(|version| !is_date(version)) {
        return Err(invalid(
            "option `braintreeVersion` is a string that is no date; give one as in \"2019-01-01\"",
        ));
    }
    let secret = options.secret("clientSecret", "the OAuth client's secret")?;
    let scopes = options.scopes("scopes")?;
    let profile = Braintree {
        environment: environment(options, endpoint.as_ref())?,
        endpoint,
        client_id: options.user_name("clientId", "the OAuth client's id")?,
        version,
        lifetime: options.millis("lifetimeMs", 1)?,
    };
    Ok(chosen(profile.profile(), secret, scopes))
}

fn broker<F: Clone>(options: &Reader<'_, F>) -> Result<Chosen<F>, TokenError> {
    check_keys(options, &["url", "api", "credentials", "scopes"])?;
    let endpoint = options.required_text("endpoint", "the URL of the API that the tokens are for")?;
    let api = match options.get("api") {
        Some(Given::Text(name)) => {
            known(name, endpoint).ok_or_else(|| options.not_a_word("api", &APIS, API))?
        }
        _ => {
            let told = options.map("api", API)?.unwrap_or_else(|| Reader::new("", &[]));
            told.accept_only(&["refused", "sliding"])?;
            custom::bare("api".to_owned(), endpoint, &told)?
        }
    };
    let credentials = ["same-origin", "include", "omit"].map(|word| (word, word));
    let broker = Broker {
        url: options.required_text("url", "where your broker answers, for example \"/token\"")?,
        credentials: options.one_of("credentials", &credentials)?,
        lifetime: options.millis("lifetimeMs", 1)?,
    };
    let scopes = custom::scopes(options)?;
    Ok(Chosen { profile: broker.profile(api), granter: Granter::Profile(Vec::new()), scopes })
}

/// What to give as `api`.
const API: &str = "\"fluz\", \"toggle\", \"braintree\" or { refused, sliding }";

const APIS: [&str; 3] = ["fluz", "toggle", "braintree"];

/// A built-in API, for how it refuses tokens and brings new ones.
fn known(name: &str, endpoint: String) -> Option<Profile> {
    let environment = Environment::Production;
    let endpoint = Some(endpoint);
    let nobody = String::new();
    Some(match name {
        "fluz" => Fluz {
            environment,
            endpoint,
            key: Key::ApiKey,
            user_id: String::new(),
            account_id: nobody,
            seat_id: None,
            renewal: Renewal::Generate,
            lifetime: None,
        }
        .profile(),
        "toggle" => Toggle { endpoint, login: Login::Email(nobody), lifetime: None }.profile(),
        "braintree" => {
            Braintree { environment, endpoint, client_id: nobody, version: None, lifetime: None }.profile()
        }
        _ => return None,
    })
}

fn chosen<F>(profile: Profile, secret: SecretSource<F>, scopes: ScopeSet) -> Chosen<F> {
    Chosen { profile, granter: Granter::Profile(vec![secret]), scopes }
}

pub(super) fn endpoint<F: Clone>(options: &Reader<'_, F>) -> Result<Option<String>, TokenError> {
    options.text("endpoint", "the URL to send grants to")
}

/// Which environment; with an endpoint of the user's own it may be left out, and is
/// then the one whose tokens live shorter.
fn environment<F: Clone>(
    options: &Reader<'_, F>,
    endpoint: Option<&String>,
) -> Result<Environment, TokenError> {
    let words = [("sandbox", Environment::Sandbox), ("production", Environment::Production)];
    match (options.one_of("environment", &words)?, endpoint) {
        (Some(environment), _) => Ok(environment),
        (None, Some(_)) => Ok(Environment::Production),
        (None, None) => Err(options.wrong("environment", "\"sandbox\" or \"production\"")),
    }
}

fn is_date(text: &str) -> bool {
    let shaped = text.len() == 10
        && text.bytes().enumerate().all(|(place, byte)| match place {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    shaped && ("01"..="12").contains(&&text[5..7]) && ("01"..="31").contains(&&text[8..])
}
