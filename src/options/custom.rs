//! A user's own API: a `Profile`, or a `grant` function.

use std::time::Duration;

use super::{Chosen, Given, Granter, Reader, SecretSource, check_keys, invalid, reader::is_header_name};
use crate::{
    core::{ScopeSet, TokenError},
    json::Json,
    provider::{
        Authorization, Expiry, Lifetime, Operation, Profile, SecretId, Signals, Signs, Sliding, TokenShape,
        TokenSource, Unexplained, Variable,
    },
};

/// Reads `provider`, an object, beside the other `options`.
pub(super) fn read<F: Clone>(
    provider: &Reader<'_, F>,
    options: &Reader<'_, F>,
) -> Result<Chosen<F>, TokenError> {
    check_keys(options, &["scopes"])?;
    let scopes = match options.get("scopes") {
        Some(_) => options.scopes("scopes")?,
        None => ScopeSet::default(),
    };
    let granted_by_function = provider.get("grant").is_some();
    provider.only(if granted_by_function { &BY_FUNCTION } else { &BY_PROFILE })?;
    let name = provider.required_text("name", "a short name for messages, for example \"acme\"")?;
    if !name.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') || name.len() > 40 {
        return Err(provider.wrong("name", "at most 40 characters of visible ASCII"));
    }
    let endpoint = match options.text("endpoint", "the URL to send grants to")? {
        Some(endpoint) => endpoint,
        None => provider.required_text("endpoint", "the URL of the GraphQL API")?,
    };
    let mut secrets = Secrets { names: Vec::new(), sources: Vec::new() };
    let mut profile = Profile {
        name,
        endpoint,
        headers: Vec::new(),
        authenticate: Operation::ABSENT,
        renew: None,
        spellings: Vec::new(),
        token: TokenSource::Data(Vec::new()),
        refresh_token: Vec::new(),
        scopes: Vec::new(),
        expiry: None,
        lifetime: Lifetime::Otherwise(UNTOLD),
        sliding: sliding(provider)?,
        signals: signals(provider)?,
        unexplained: Unexplained::Unknown,
        advice: "what `authenticate` identifies with".to_owned(),
        secrets: Vec::new(),
    };
    let granter = if granted_by_function {
        let grant = provider.function("grant")?.ok_or_else(|| provider.wrong("grant", "a function"))?;
        Granter::Function(grant)
    } else {
        wire(provider, &mut profile, &mut secrets)?;
        profile.secrets = secrets.names;
        Granter::Profile(secrets.sources)
    };
    if let Some(lifetime) = options.millis("lifetimeMs", 1)? {
        profile.lifetime = Lifetime::AtMost(lifetime);
    }
    Ok(Chosen { profile, granter, scopes })
}

const BY_PROFILE: [&str; 11] = [
    "name",
    "endpoint",
    "headers",
    "authenticate",
    "renew",
    "token",
    "refreshToken",
    "scopes",
    "expiry",
    "sliding",
    "refused",
];

const BY_FUNCTION: [&str; 5] = ["name", "endpoint", "grant", "sliding", "refused"];

/// The lifetime of a token of which nobody tells: long enough not to burden the API,
/// short enough that a refused call is rare.
const UNTOLD: Duration = Duration::from_secs(5 * 60);

/// The secrets met while reading, in the order of their ids.
struct Secrets<F> {
    names: Vec<String>,
    sources: Vec<SecretSource<F>>,
}

impl<F> Secrets<F> {
    fn add(&mut self, name: String, source: SecretSource<F>) -> SecretId {
        self.names.push(name);
        self.sources.push(source);
        SecretId(self.sources.len() - 1)
    }
}

/// Reads what the API looks like on the wire.
fn wire<F: Clone>(
    provider: &Reader<'_, F>,
    profile: &mut Profile,
    secrets: &mut Secrets<F>,
) -> Result<(), TokenError> {
    let path = "a path below `data`, for example \"login.token\", or a list of them";
    let authenticate =
        provider.map("authenticate")?.ok_or_else(|| provider.wrong("authenticate", "an object"))?;
    profile.authenticate = operation(&authenticate, secrets)?;
    profile.renew = provider.map("renew")?.map(|renew| operation(&renew, secrets)).transpose()?;
    profile.token = token(provider, path)?;
    profile.refresh_token = paths(provider, "refreshToken", path)?;
    profile.scopes = paths(provider, "scopes", path)?;
    if let Some(headers) = provider.map("headers")? {
        profile.headers = headers.headers()?;
    }
    if profile.renew.is_some() && profile.refresh_token.is_empty() {
        return Err(provider.wrong("refreshToken", "{ data: path } so that `renew` has something to present"));
    }
    expiry(provider, profile, path)
}

fn operation<F: Clone>(given: &Reader<'_, F>, secrets: &mut Secrets<F>) -> Result<Operation, TokenError> {
    given.only(&["document", "variables", "authorization"])?;
    let variables = match given.map("variables")? {
        Some(variables) => members(&variables, secrets)?,
        None => Vec::new(),
    };
    Ok(Operation {
        document: given.required_text("document", "a GraphQL document as a string")?,
        variables,
        authorization: authorization(given, secrets)?,
    })
}

fn members<F: Clone>(
    given: &Reader<'_, F>,
    secrets: &mut Secrets<F>,
) -> Result<Vec<(String, Variable)>, TokenError> {
    let given_members = given.members().iter().filter(|(_, value)| !matches!(value, Given::Missing));
    given_members.map(|(key, value)| Ok((key.clone(), variable(given.name(key), value, secrets)?))).collect()
}

fn variable<F: Clone>(
    name: String,
    value: &Given<F>,
    secrets: &mut Secrets<F>,
) -> Result<Variable, TokenError> {
    Ok(match value {
        Given::Text(text) if text.as_str() == "$refreshToken" => Variable::RefreshToken,
        Given::Text(text) if text.as_str() == "$scopes" => Variable::Scopes,
        Given::Function(function) => {
            Variable::Secret(secrets.add(name, SecretSource::Function(function.clone())))
        }
        Given::Map(inner) => Variable::Map(members(&Reader::new(format!("{name}."), inner), secrets)?),
        Given::List(items) => {
            let item = |(place, item)| variable(format!("{name}[{place}]"), item, secrets);
            Variable::List(items.iter().enumerate().map(item).collect::<Result<_, _>>()?)
        }
        Given::Missing | Given::Null | Given::Bool(_) | Given::Number(_) | Given::Text(_) | Given::Other => {
            Variable::Literal(json(&name, value)?)
        }
    })
}

fn json<F>(name: &str, value: &Given<F>) -> Result<Json, TokenError> {
    value.to_json().ok_or_else(|| {
        invalid(format!(
            "option `{name}` is {}; give JSON, or a function that returns a secret",
            value.kind()
        ))
    })
}

fn authorization<F: Clone>(
    given: &Reader<'_, F>,
    secrets: &mut Secrets<F>,
) -> Result<Authorization, TokenError> {
    let remedy = "\"none\", { basic: secret }, { basic: { username, password } } or { bearer: secret }";
    let object = match given.get("authorization") {
        None => return Ok(Authorization::None),
        Some(Given::Text(text)) if text.as_str() == "none" => return Ok(Authorization::None),
        Some(Given::Map(members)) => Reader::new(format!("{}.", given.name("authorization")), members),
        Some(_) => return Err(given.wrong("authorization", remedy)),
    };
    object.only(&["basic", "bearer"])?;
    let mut secret = |from: &Reader<'_, F>, key: &str, remedy: &str| {
        let source = from.secret(key, remedy)?;
        Ok::<_, TokenError>(secrets.add(from.name(key), source))
    };
    match (object.get("basic"), object.get("bearer")) {
        (Some(Given::Map(members)), None) => {
            let pair = Reader::new(object.name("basic."), members);
            pair.only(&["username", "password"])?;
            Ok(Authorization::BasicPair {
                username: pair.required_text("username", "a user name")?,
                password: secret(&pair, "password", "the password")?,
            })
        }
        (Some(_), None) => {
            Ok(Authorization::Basic(secret(&object, "basic", "the credentials, already encoded")?))
        }
        (None, Some(_)) => {
            Ok(Authorization::Bearer(secret(&object, "bearer", "the token to identify with")?))
        }
        _ => Err(given.wrong("authorization", remedy)),
    }
}

fn token<F: Clone>(provider: &Reader<'_, F>, path: &str) -> Result<TokenSource, TokenError> {
    let remedy = "{ data: \"login.token\" } or { header: \"x-authorization\" }";
    let given = provider.map("token")?.ok_or_else(|| provider.wrong("token", remedy))?;
    given.only(&["data", "header"])?;
    match (given.texts("data", path)?, headers(&given)?) {
        (Some(paths), None) => Ok(TokenSource::Data(paths)),
        (None, Some(headers)) => Ok(TokenSource::Headers(headers)),
        _ => Err(provider.wrong("token", remedy)),
    }
}

/// `{ data: path }`, or nothing.
fn paths<F: Clone>(provider: &Reader<'_, F>, key: &str, remedy: &str) -> Result<Vec<String>, TokenError> {
    let Some(given) = provider.map(key)? else { return Ok(Vec::new()) };
    given.only(&["data"])?;
    given.texts("data", remedy)?.ok_or_else(|| given.wrong("data", remedy))
}

/// `header`: one name or several; they come out in lower case.
fn headers<F: Clone>(given: &Reader<'_, F>) -> Result<Option<Vec<String>>, TokenError> {
    let remedy = "a header's name, or a list of them";
    let Some(names) = given.texts("header", remedy)? else { return Ok(None) };
    let names: Vec<_> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
    if names.iter().all(|name| is_header_name(name)) {
        Ok(Some(names))
    } else {
        Err(given.wrong("header", remedy))
    }
}

fn expiry<F: Clone>(provider: &Reader<'_, F>, profile: &mut Profile, path: &str) -> Result<(), TokenError> {
    let remedy =
        "{ expiresIn: path, unit: \"seconds\" }, { expiresAt: path }, { jwt: true } or { lifetimeMs }";
    let given = provider.map("expiry")?.ok_or_else(|| provider.wrong("expiry", remedy))?;
    given.only(&["expiresIn", "unit", "expiresAt", "jwt", "lifetimeMs"])?;
    let units = [("seconds", Duration::from_secs(1)), ("milliseconds", Duration::from_millis(1))];
    let unit = given.one_of("unit", &units)?;
    let told =
        ["expiresIn", "expiresAt", "jwt", "lifetimeMs"].into_iter().filter(|key| given.get(key).is_some());
    let told: Vec<_> = told.collect();
    if told.len() != 1 || (unit.is_some() && told != ["expiresIn"]) {
        return Err(invalid(format!(
            "option `{}` must tell one thing; give {remedy}",
            provider.name("expiry")
        )));
    }
    if let Some(paths) = given.texts("expiresIn", path)? {
        profile.expiry = Some(Expiry::ExpiresIn { paths, unit: unit.unwrap_or(Duration::from_secs(1)) });
    } else if let Some(paths) = given.texts("expiresAt", path)? {
        profile.expiry = Some(Expiry::ExpiresAt { paths });
    } else if let Some(lifetime) = given.millis("lifetimeMs", 1)? {
        profile.lifetime = Lifetime::AtMost(lifetime);
    } else if given.flag("jwt")? != Some(true) {
        // A JWT's claims are always read; saying so is all that `jwt: true` does.
        return Err(given.wrong("jwt", "true, or leave it out"));
    }
    Ok(())
}

fn sliding<F: Clone>(provider: &Reader<'_, F>) -> Result<Option<Sliding>, TokenError> {
    let Some(given) = provider.map("sliding")? else { return Ok(None) };
    given.only(&["header"])?;
    let headers =
        headers(&given)?.ok_or_else(|| given.wrong("header", "a header's name, or a list of them"))?;
    Ok(Some(Sliding { headers, shape: TokenShape::Any }))
}

fn signals<F: Clone>(provider: &Reader<'_, F>) -> Result<Signals, TokenError> {
    let refused = match provider.map("refused")? {
        Some(given) => {
            given.only(&["statuses", "messages", "codes"])?;
            Signs {
                statuses: statuses(&given)?,
                messages: given.texts("messages", "a message, or a list of them")?.unwrap_or_default(),
                codes: given.texts("codes", "an error code, or a list of them")?.unwrap_or_default(),
                phrases: Vec::new(),
            }
        }
        None => Signs { statuses: vec![401], ..Signs::default() },
    };
    Ok(Signals {
        refused,
        denied: Signs { statuses: vec![401, 403], ..Signs::default() },
        throttled: Signs { statuses: vec![429], ..Signs::default() },
        outage: Signs::default(),
    })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be a status")]
fn statuses<F: Clone>(given: &Reader<'_, F>) -> Result<Vec<u16>, TokenError> {
    let remedy = "a list of HTTP status codes, for example [401]";
    let items = match given.get("statuses") {
        None => return Ok(Vec::new()),
        Some(Given::List(items)) => items,
        Some(_) => return Err(given.wrong("statuses", remedy)),
    };
    let status = |item: &Given<F>| {
        let number =
            item.as_number().filter(|number| (100.0..600.0).contains(number) && number.fract() == 0.0)?;
        Some(number as u16)
    };
    items.iter().map(status).collect::<Option<_>>().ok_or_else(|| given.wrong("statuses", remedy))
}
