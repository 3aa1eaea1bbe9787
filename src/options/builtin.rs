//! The options of the providers that are built in.

use super::{Chosen, Granter, Invalid, Reader, SecretSource, check_keys, invalid};
use crate::{
    core::ScopeSet,
    provider::{
        Profile,
        braintree::Braintree,
        fluz::{Environment, Fluz, Key, Renewal},
        toggle::{Login, Toggle},
    },
};

/// What to give as `provider`.
pub(super) const REMEDY: &str =
    "\"fluz\", \"toggle\", \"braintree\", or a Profile object that describes your own API";

/// Reads the options of the provider called `name`.
pub(super) fn read<F: Clone>(name: &str, options: &Reader<'_, F>) -> Result<Chosen<F>, Invalid> {
    match name {
        "fluz" => fluz(options),
        "toggle" => toggle(options),
        "braintree" => braintree(options),
        "broker" => Err(invalid(format!(
            "option `provider` is \"broker\", which is not part of this version yet; give {REMEDY}"
        ))),
        _ => Err(options.not_a_word("provider", &["fluz", "toggle", "braintree"], REMEDY)),
    }
}

fn fluz<F: Clone>(options: &Reader<'_, F>) -> Result<Chosen<F>, Invalid> {
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

fn toggle<F: Clone>(options: &Reader<'_, F>) -> Result<Chosen<F>, Invalid> {
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

fn braintree<F: Clone>(options: &Reader<'_, F>) -> Result<Chosen<F>, Invalid> {
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

fn chosen<F>(profile: Profile, secret: SecretSource<F>, scopes: ScopeSet) -> Chosen<F> {
    Chosen { profile, granter: Granter::Profile(vec![secret]), scopes }
}

pub(super) fn endpoint<F: Clone>(options: &Reader<'_, F>) -> Result<Option<String>, Invalid> {
    options.text("endpoint", "the URL to send grants to")
}

/// Which environment; with an endpoint of the user's own it may be left out, and is
/// then the one whose tokens live shorter.
fn environment<F: Clone>(options: &Reader<'_, F>, endpoint: Option<&String>) -> Result<Environment, Invalid> {
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
