//! What a user may write: keys, kinds, ranges, and what to write instead.
//!
//! Decides whether options are accepted. Pure: functions of JavaScript are opaque
//! values of type `F`, so every message is tested natively. Nothing behind this
//! module sees a value that was not checked here.

mod builtin;
mod custom;
mod given;
mod reader;

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests;

use std::time::Duration;

pub use given::Given;
use reader::Reader;

use crate::{
    core::{ErrorCode, Policy, RefreshMode, Retry, ScopeSet, Secret, Sharing, TokenError, Want},
    json::{Credentials, Platform},
    provider::{Profile, Wire},
};

/// Options that were accepted.
#[derive(Clone, Debug)]
pub struct Settings<F> {
    /// What the API is like.
    pub profile: Profile,
    /// Who asks it for tokens.
    pub granter: Granter<F>,
    /// The scopes to ask for.
    pub scopes: ScopeSet,
    /// When to refresh, retry and hand out.
    pub policy: Policy,
    /// For one grant request, its body included.
    pub timeout: Duration,
    /// Instead of the global `fetch`.
    pub fetch: Option<F>,
    /// Where `tokens.fetch` may send the token, the endpoint's own first.
    pub origins: Vec<String>,
    /// Whether the refresh timer keeps a process running.
    pub keep_alive: KeepAlive,
    /// Where tokens are shared with other holders.
    pub store: Option<Store<F>>,
}

/// A store that other holders use as well: its methods, as functions.
#[derive(Clone, Debug)]
pub struct Store<F> {
    /// Reads an entry.
    pub get: F,
    /// Writes one.
    pub set: F,
    /// Takes a lease, where the store has them.
    pub acquire: Option<F>,
    /// Says when an entry has changed, where the store can.
    pub watch: Option<F>,
    /// How long one call may take.
    pub timeout: Duration,
}

/// Who asks the API for tokens.
#[derive(Clone, Debug)]
pub enum Granter<F> {
    /// This library, as the profile says, with these secrets.
    Profile(Vec<SecretSource<F>>),
    /// A function of the user's.
    Function(F),
}

/// Where a secret comes from.
#[derive(Clone, Debug)]
pub enum SecretSource<F> {
    /// It was given.
    Text(Secret),
    /// It is asked for at each grant.
    Function(F),
}

/// Whether the refresh timer keeps a process running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepAlive {
    /// It does.
    Yes,
    /// The process may end.
    No,
}

/// Reads the options of a manager.
///
/// # Errors
///
/// `invalid_options`; the message names the key and what to write.
pub fn read<F: Clone>(given: &Given<F>, platform: Platform) -> Result<Settings<F>, TokenError> {
    let Given::Map(members) = given else {
        return Err(invalid(format!(
            "options are {}; give an object: new TokenManager({{ provider: \"fluz\", … }})",
            given.kind()
        )));
    };
    let options = Reader::new("", members);
    let chosen = match options.get("provider") {
        Some(Given::Text(name)) => builtin::read(name, &options)?,
        Some(Given::Map(provider)) => custom::read(&Reader::new("provider.", provider), &options)?,
        _ => {
            options.meant("provider")?;
            return Err(options.wrong("provider", builtin::REMEDY));
        }
    };
    let Chosen { mut profile, granter, scopes } = chosen;
    let own_origin = check_endpoint(&profile.endpoint, &options, platform)?;
    if let Wire::Form { url, .. } = &mut profile.wire {
        *url = (platform.resolve_url)(url);
        check_url("url", url, &options, platform)?;
    }
    if let Some(headers) = options.map("headers", HEADERS)? {
        profile.headers.extend(headers.headers()?);
    }
    let timeout = options.millis("timeoutMs", 1)?.unwrap_or(TIMEOUT);
    let store = store(&options)?;
    let lease = |store: &Store<F>| {
        // As long as a grant may take that asks twice, and writing before and after it.
        Sharing { lease: store.acquire.is_some().then(|| (timeout + store.timeout) * 2) }
    };
    Ok(Settings {
        profile,
        granter,
        scopes,
        policy: Policy { sharing: store.as_ref().map(lease), ..policy(&options)? },
        timeout,
        store,
        fetch: options.function("fetch")?,
        origins: origins(own_origin, &options, platform)?,
        keep_alive: if options.flag("keepAlive")? == Some(true) { KeepAlive::Yes } else { KeepAlive::No },
    })
}

/// Reads the options of one call: `getToken({ minValidityMs, scopes })`.
///
/// `signal` is known and left to the face.
///
/// # Errors
///
/// `invalid_options`; the message names the key and what to write.
pub fn read_call<F: Clone>(given: &Given<F>) -> Result<Want, TokenError> {
    let options = call(given, &["signal", "minValidityMs", "scopes"])?;
    let scopes = options.get("scopes").map(|_| options.scopes("scopes")).transpose()?;
    Ok(Want::Usable { min_validity: options.millis("minValidityMs", 0)?, scopes })
}

/// Checks the options of a forced refresh: `refresh({ signal })`.
///
/// # Errors
///
/// `invalid_options`; the message names the key and what to write.
pub fn read_refresh<F: Clone>(given: &Given<F>) -> Result<(), TokenError> {
    call(given, &["signal"]).map(drop)
}

fn call<'a, F: Clone>(given: &'a Given<F>, known: &[&str]) -> Result<Reader<'a, F>, TokenError> {
    let members = match given {
        Given::Missing => &[][..],
        Given::Map(members) => members,
        Given::Null
        | Given::Bool(_)
        | Given::Number(_)
        | Given::Text(_)
        | Given::List(_)
        | Given::Function(_)
        | Given::Other => {
            let kind = given.kind();
            return Err(invalid(format!("the options of the call are {kind}; give an object or nothing")));
        }
    };
    let options = Reader::new("", members);
    options.accept_only(known)?;
    Ok(options)
}

/// What a provider's own options make.
struct Chosen<F> {
    profile: Profile,
    granter: Granter<F>,
    scopes: ScopeSet,
}

/// The contract's default.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The options of every provider.
const COMMON: [&str; 15] = [
    "provider",
    "endpoint",
    "lifetimeMs",
    "refresh",
    "refreshWindow",
    "minValidityMs",
    "timeoutMs",
    "retry",
    "fetch",
    "headers",
    "origins",
    "allowInsecure",
    "keepAlive",
    "store",
    "storeTimeoutMs",
];

/// What to give as headers.
const HEADERS: &str = "an object, for example { \"x-tenant\": \"7\" }";

/// Options of the contract that this version does not have.
const NOT_YET: [&str; 1] = ["sessions"];

fn check_keys<F: Clone>(options: &Reader<'_, F>, own: &[&str]) -> Result<(), TokenError> {
    if let Some(key) = NOT_YET.into_iter().find(|key| options.get(key).is_some()) {
        return Err(invalid(format!("option `{key}` is not part of this version yet; leave it out")));
    }
    // Those that are there are undefined, which is as good as nothing.
    let absent: Vec<_> =
        NOT_YET.into_iter().filter(|key| options.members().iter().any(|(name, _)| name == key)).collect();
    options.accept_only(&[&COMMON[..], own, &absent].concat())
}

/// Checks where grants are sent; its origin.
fn check_endpoint<F: Clone>(
    endpoint: &str,
    options: &Reader<'_, F>,
    platform: Platform,
) -> Result<String, TokenError> {
    // The endpoints of the built-in providers are never wrong.
    let key = if options.get("endpoint").is_some() { "endpoint" } else { "provider.endpoint" };
    check_url(key, endpoint, options, platform)
}

/// Where `tokens.fetch` may send the token.
///
/// The endpoint's own origin is one of them in any case: `tokens.request` sends it there.
fn origins<F: Clone>(
    own: String,
    options: &Reader<'_, F>,
    platform: Platform,
) -> Result<Vec<String>, TokenError> {
    let mut origins = vec![own];
    let given = match options.get("origins") {
        None => &[][..],
        Some(Given::List(given)) => given,
        Some(_) => return Err(options.wrong("origins", ORIGINS)),
    };
    for (place, item) in given.iter().enumerate() {
        let text =
            item.as_text().ok_or_else(|| options.wrong_item("origins", place, item.kind(), ORIGINS))?;
        origins.push(check_url(&format!("origins[{place}]"), text, options, platform)?);
    }
    Ok(origins)
}

/// What to give as origins.
const ORIGINS: &str = "an array of origins, for example [\"https://api.example.com\"]";

/// Checks that secrets may be sent to a URL; its origin.
fn check_url<F: Clone>(
    key: &str,
    url: &str,
    options: &Reader<'_, F>,
    platform: Platform,
) -> Result<String, TokenError> {
    let allow_insecure = options.flag("allowInsecure")? == Some(true);
    let wrong = |what| Err(invalid(format!("option `{key}` {what}")));
    let Some(url) = (platform.parse_url)(url) else {
        return wrong("is not an absolute URL; give it in full, with https://");
    };
    if url.credentials == Credentials::Present {
        return wrong("holds a user name or password; leave them out and use the provider's options");
    }
    match url.protocol.as_str() {
        "https:" => Ok(url.origin),
        "http:" if allow_insecure || is_loopback(&url.hostname) => Ok(url.origin),
        "http:" => wrong(
            "is an http: URL, which would send secrets in the clear; use https:, or set `allowInsecure: true` \
             if the way there is safe",
        ),
        _ => wrong("is not an https: URL; give one, since secrets are sent there over HTTP"),
    }
}

/// Whether nothing leaves the machine (RFC 6761 section 6.3 for the name).
fn is_loopback(hostname: &str) -> bool {
    let is_ipv4 = || {
        let parts: Vec<_> = hostname.split('.').collect();
        parts.len() == 4 && parts[0] == "127" && parts.iter().all(|part| part.parse::<u8>().is_ok())
    };
    hostname == "localhost" || hostname.ends_with(".localhost") || hostname == "[::1]" || is_ipv4()
}

fn policy<F: Clone>(options: &Reader<'_, F>) -> Result<Policy, TokenError> {
    let default = Policy::default();
    let refresh = options.one_of(
        "refresh",
        &[
            ("always", RefreshMode::Always),
            ("while-used", RefreshMode::WhileUsed),
            ("on-demand", RefreshMode::OnDemand),
        ],
    )?;
    let refresh_window = options.number(
        "refreshWindow",
        0.0,
        0.9,
        "a fraction of the lifetime from 0 to 0.9, for example 0.25",
    )?;
    Ok(Policy {
        refresh: refresh.unwrap_or(default.refresh),
        refresh_window: refresh_window.unwrap_or(default.refresh_window),
        min_validity: options.millis("minValidityMs", 0)?,
        retry: retry(options, default.retry)?,
        sharing: None,
    })
}

fn store<F: Clone>(options: &Reader<'_, F>) -> Result<Option<Store<F>>, TokenError> {
    let timeout = options.millis("storeTimeoutMs", 1)?.unwrap_or(STORE_TIMEOUT);
    let Some(store) = options.map("store", STORE)? else { return Ok(None) };
    let method = |key: &str| {
        store
            .function(key)?
            .ok_or_else(|| store.wrong(key, "a function: a store has `get`, `set` and `delete`"))
    };
    let (get, set) = (method("get")?, method("set")?);
    // Not needed, and a store without it is likely none.
    method("delete")?;
    Ok(Some(Store {
        get,
        set,
        acquire: store.function("acquire")?,
        watch: store.function("watch")?,
        timeout,
    }))
}

/// What to give as a store.
const STORE: &str = "an object with `get`, `set` and `delete`, for example redisStore(client)";

/// The contract's default.
const STORE_TIMEOUT: Duration = Duration::from_secs(5);

fn retry<F: Clone>(options: &Reader<'_, F>, default: Retry) -> Result<Retry, TokenError> {
    let Some(retry) = options.map("retry", "an object, for example { attempts: 5 }")? else {
        return Ok(default);
    };
    retry.accept_only(&["attempts", "baseMs", "maxMs"])?;
    let attempts = retry.whole("attempts", 1, 100, "how many requests to make in all, from 1 to 100")?;
    let base = retry.millis("baseMs", 1)?;
    let max = retry.millis("maxMs", 1)?;
    let settled = Retry {
        attempts: attempts.unwrap_or(default.attempts),
        base: base.unwrap_or_else(|| max.map_or(default.base, |max| max.min(default.base))),
        max: max.unwrap_or_else(|| base.map_or(default.max, |base| base.max(default.max))),
    };
    if settled.max < settled.base {
        return Err(invalid(
            "option `retry.maxMs` is less than `retry.baseMs`; the longest pause cannot be shorter than the first",
        ));
    }
    Ok(settled)
}

fn invalid(message: impl Into<String>) -> TokenError {
    TokenError::new(ErrorCode::InvalidOptions, message)
}
