//! A user's own API: a `Profile`, or a `grant` function.

use std::time::Duration;

use super::{
    Chosen, Given, Granter, HEADERS, Invalid, Reader, SecretSource, builtin, check_keys, invalid,
    reader::{is_header_name, shown},
};
use crate::{
    core::ScopeSet,
    json::Json,
    provider::{
        Authorization, Choices, Expiry, Lifetime, Operation, Profile, SecretId, Signals, Signs, Sliding,
        Text, TokenShape, TokenSource, Unexplained, Variable, Wire, Words,
    },
};

/// Reads `provider`, an object, beside the other `options`.
pub(super) fn read<F: Clone>(
    provider: &Reader<'_, F>,
    options: &Reader<'_, F>,
) -> Result<Chosen<F>, Invalid> {
    check_keys(options, &["scopes"])?;
    let scopes = scopes(options)?;
    provider.accept_only(&[&COMMON[..], &["grant"], &WIRE].concat())?;
    let grant = provider.function("grant")?;
    if grant.is_some()
        && let Some(key) = WIRE.into_iter().find(|key| provider.get(key).is_some())
    {
        return Err(invalid(format!(
            "options `provider.grant` and `provider.{key}` exclude each other; describe the API or give a \
             function, not both"
        )));
    }
    let name = provider.required_text("name", "a short name for messages, for example \"acme\"")?;
    if !name.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') || name.len() > 40 {
        return Err(provider.wrong("name", "at most 40 characters of visible ASCII"));
    }
    let own_endpoint = "the URL of the GraphQL API";
    let own = provider.text("endpoint", own_endpoint)?;
    let endpoint = builtin::endpoint(options)?.or(own);
    let mut secrets = Secrets { names: Vec::new(), sources: Vec::new() };
    let endpoint = endpoint.ok_or_else(|| provider.wrong("endpoint", own_endpoint))?;
    let mut profile = bare(name, endpoint, provider)?;
    let granter = if let Some(grant) = grant {
        Granter::Function(grant)
    } else {
        wire(provider, &mut profile, &mut secrets)?;
        profile.secrets = Words::Given(secrets.names);
        profile.choices = Choices::Variables { optional: &[] };
        Granter::Profile(secrets.sources)
    };
    if let Some(lifetime) = options.millis("lifetimeMs", 1)? {
        profile.lifetime = Lifetime::AtMost(lifetime);
    }
    Ok(Chosen { profile, granter, scopes })
}

/// The scopes to ask for, where there are any.
pub(super) fn scopes<F: Clone>(options: &Reader<'_, F>) -> Result<ScopeSet, Invalid> {
    match options.get("scopes") {
        Some(_) => options.scopes("scopes"),
        None => Ok(ScopeSet::default()),
    }
}

/// An API of which is told how it refuses tokens and brings new ones, and nothing of grants.
pub(super) fn bare<F: Clone>(
    name: String,
    endpoint: String,
    told: &Reader<'_, F>,
) -> Result<Profile, Invalid> {
    Ok(Profile {
        name: name.into(),
        endpoint: endpoint.into(),
        wire: Wire::GraphQl,
        headers: Vec::new(),
        authenticate: Operation::ABSENT,
        renew: None,
        application_scopes: None,
        spellings: &[],
        token: TokenSource::Data(Words::default()),
        refresh_token: Words::default(),
        scopes: Words::default(),
        expiry: None,
        lifetime: Lifetime::Otherwise(UNTOLD),
        sliding: sliding(told)?,
        signals: signals(told)?,
        unexplained: Unexplained::Unknown,
        advice: "what `authenticate` identifies with",
        secrets: Words::default(),
        choices: Choices::Any,
    })
}

/// What every description of an API may have.
const COMMON: [&str; 4] = ["name", "endpoint", "sliding", "refused"];

/// What describes the wire, where no function of the user's grants.
const WIRE: [&str; 7] = ["authenticate", "renew", "token", "refreshToken", "scopes", "expiry", "headers"];

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
) -> Result<(), Invalid> {
    let how = "{ document, variables, authorization }";
    let or_function = format!("{how}, or a `grant` function instead");
    let authenticate = provider
        .map("authenticate", &or_function)?
        .ok_or_else(|| provider.wrong("authenticate", &or_function))?;
    profile.authenticate = operation(&authenticate, secrets)?;
    profile.renew = provider.map("renew", how)?.map(|renew| operation(&renew, secrets)).transpose()?;
    profile.token = token(provider)?;
    profile.refresh_token = paths(provider, "refreshToken")?;
    profile.scopes = paths(provider, "scopes")?;
    if let Some(headers) = provider.map("headers", HEADERS)? {
        profile.headers = headers.headers()?;
    }
    if profile.renew.is_some() && profile.refresh_token.is_empty() {
        return Err(provider.wrong("refreshToken", "{ data: path } so that `renew` has something to present"));
    }
    expiry(provider, profile)
}

/// What a path is.
const PATH: &str = "a path below `data`, for example \"login.token\"";

fn operation<F: Clone>(given: &Reader<'_, F>, secrets: &mut Secrets<F>) -> Result<Operation, Invalid> {
    given.accept_only(&["document", "variables", "authorization"])?;
    let variables = match given.map("variables", "{ name: value }")? {
        Some(variables) => members(&variables, secrets)?,
        None => Vec::new(),
    };
    Ok(Operation {
        document: given.required_text("document", "a GraphQL document as a string")?.into(),
        variables,
        authorization: authorization(given, secrets)?,
    })
}

fn members<F: Clone>(
    given: &Reader<'_, F>,
    secrets: &mut Secrets<F>,
) -> Result<Vec<(Text, Variable)>, Invalid> {
    let given_members = given.members().iter().filter(|(_, value)| !matches!(value, Given::Missing));
    given_members
        .map(|(key, value)| Ok((key.clone().into(), variable(given.name(shown(key)), value, secrets)?)))
        .collect()
}

fn variable<F: Clone>(name: String, value: &Given<F>, secrets: &mut Secrets<F>) -> Result<Variable, Invalid> {
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

fn json<F>(name: &str, value: &Given<F>) -> Result<Json, Invalid> {
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
) -> Result<Authorization, Invalid> {
    let remedy = "\"none\", { basic: secret }, { basic: { username, password } } or { bearer: secret }";
    let object = match given.get("authorization") {
        None => return Ok(Authorization::None),
        Some(Given::Text(text)) if text.as_str() == "none" => return Ok(Authorization::None),
        Some(Given::Map(members)) => Reader::new(format!("{}.", given.name("authorization")), members),
        Some(_) => return Err(given.wrong("authorization", remedy)),
    };
    object.accept_only(&["basic", "bearer"])?;
    let mut secret = |from: &Reader<'_, F>, key: &str, remedy: &str| {
        let source = from.secret(key, remedy)?;
        Ok::<_, Invalid>(secrets.add(from.name(key), source))
    };
    match (object.get("basic"), object.get("bearer")) {
        (Some(Given::Map(members)), None) => {
            let pair = Reader::new(object.name("basic."), members);
            pair.accept_only(&["username", "password"])?;
            Ok(Authorization::BasicPair {
                username: pair.user_name("username", "the user name")?,
                password: secret(&pair, "password", "the password")?,
            })
        }
        (Some(_), None) => {
            Ok(Authorization::Basic(secret(&object, "basic", "the credentials, already encoded")?))
        }
        (None, Some(_)) => {
            Ok(Authorization::Bearer(secret(&object, "bearer", "the token to identify with")?))
        }
        _ => Err(given.not_one("authorization", remedy)),
    }
}

fn token<F: Clone>(provider: &Reader<'_, F>) -> Result<TokenSource, Invalid> {
    let remedy = "{ data: \"login.token\" } or { header: \"x-authorization\" }";
    let given = provider.map("token", remedy)?.ok_or_else(|| provider.wrong("token", remedy))?;
    given.accept_only(&["data", "header"])?;
    match (given.texts("data", PATH)?, headers(&given)?) {
        (Some(paths), None) => Ok(TokenSource::Data(Words::Given(paths))),
        (None, Some(headers)) => Ok(TokenSource::Headers(headers)),
        _ => Err(provider.not_one("token", remedy)),
    }
}

/// `{ data: path }`, or nothing.
fn paths<F: Clone>(provider: &Reader<'_, F>, key: &str) -> Result<Words, Invalid> {
    let Some(given) = provider.map(key, "{ data: path }")? else { return Ok(Words::default()) };
    given.accept_only(&["data"])?;
    given.texts("data", PATH)?.map(Words::Given).ok_or_else(|| given.wrong("data", PATH))
}

/// `header`: one name or several; they come out in lower case.
fn headers<F: Clone>(given: &Reader<'_, F>) -> Result<Option<Words>, Invalid> {
    let Some(names) = given.texts("header", HEADER_NAME)? else { return Ok(None) };
    if names.iter().all(|name| is_header_name(name)) {
        Ok(Some(Words::Given(names.iter().map(|name| name.to_ascii_lowercase()).collect())))
    } else {
        Err(given.wrong("header", "a header's name of letters, digits and hyphens"))
    }
}

const HEADER_NAME: &str = "a header's name";

fn expiry<F: Clone>(provider: &Reader<'_, F>, profile: &mut Profile) -> Result<(), Invalid> {
    let remedy =
        "{ expiresIn: path, unit: \"seconds\" }, { expiresAt: path }, { jwt: true } or { lifetimeMs }";
    let given = provider.map("expiry", remedy)?.ok_or_else(|| provider.wrong("expiry", remedy))?;
    let ways = ["expiresIn", "expiresAt", "jwt", "lifetimeMs"];
    given.accept_only(&[&ways[..], &["unit"]].concat())?;
    let units = [("seconds", Duration::from_secs(1)), ("milliseconds", Duration::from_millis(1))];
    let unit = given.one_of("unit", &units)?;
    if ways.into_iter().filter(|way| given.get(way).is_some()).count() != 1 {
        return Err(provider.not_one("expiry", remedy));
    }
    if unit.is_some() && given.get("expiresIn").is_none() {
        return Err(invalid("option `provider.expiry.unit` goes with `expiresIn` alone; leave it out"));
    }
    if let Some(paths) = given.texts("expiresIn", PATH)? {
        let paths = Words::Given(paths);
        profile.expiry = Some(Expiry::ExpiresIn { paths, unit: unit.unwrap_or(Duration::from_secs(1)) });
    } else if let Some(paths) = given.texts("expiresAt", PATH)? {
        profile.expiry = Some(Expiry::ExpiresAt { paths: Words::Given(paths) });
    } else if let Some(lifetime) = given.millis("lifetimeMs", 1)? {
        profile.lifetime = Lifetime::AtMost(lifetime);
    } else if !matches!(given.get("jwt"), Some(Given::Bool(true))) {
        // A JWT's claims are always read; saying so is all that `jwt: true` does.
        return Err(given.wrong("jwt", "true, or tell the expiry in another way"));
    }
    Ok(())
}

fn sliding<F: Clone>(provider: &Reader<'_, F>) -> Result<Option<Sliding>, Invalid> {
    let Some(given) = provider.map("sliding", "{ header: \"x-authorization\" }")? else { return Ok(None) };
    given.accept_only(&["header"])?;
    let headers = headers(&given)?.ok_or_else(|| given.wrong("header", HEADER_NAME))?;
    Ok(Some(Sliding { headers, shape: TokenShape::Any }))
}

fn signals<F: Clone>(provider: &Reader<'_, F>) -> Result<Signals, Invalid> {
    let refused = match provider.map("refused", "{ statuses, messages, codes }")? {
        Some(given) => {
            given.accept_only(&["statuses", "messages", "codes"])?;
            Signs {
                statuses: statuses(&given)?.into(),
                messages: signs(&given, "messages", "the message of an error")?,
                codes: signs(&given, "codes", "the code of an error")?,
                phrases: &[],
            }
        }
        None => Signs::of(&[401], &[]),
    };
    Ok(Signals { refused, denied: &DENIED, throttled: &THROTTLED, outage: &NONE })
}

static DENIED: Signs = Signs::of(&[401, 403], &[]);
static THROTTLED: Signs = Signs::of(&[429], &[]);
static NONE: Signs = Signs::of(&[], &[]);

/// One text or several, or none at all.
fn signs<F: Clone>(given: &Reader<'_, F>, key: &str, one: &str) -> Result<Words, Invalid> {
    match given.get(key) {
        Some(Given::List(items)) if items.is_empty() => Ok(Words::default()),
        _ => Ok(given.texts(key, one)?.map_or_else(Words::default, Words::Given)),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be a status")]
fn statuses<F: Clone>(given: &Reader<'_, F>) -> Result<Vec<u16>, Invalid> {
    let items = match given.get("statuses") {
        None => return Ok(Vec::new()),
        Some(Given::List(items)) => items,
        Some(_) => return Err(given.wrong("statuses", "a list of HTTP status codes, for example [401]")),
    };
    let status = |(place, item): (usize, &Given<F>)| match item.as_number() {
        Some(number) if (100.0..600.0).contains(&number) && number.fract() == 0.0 => Ok(number as u16),
        number => {
            let what = number.map_or(item.kind(), |_| "no HTTP status code");
            Err(given.wrong_item("statuses", place, what, "a whole number from 100 to 599"))
        }
    };
    items.iter().enumerate().map(status).collect()
}
