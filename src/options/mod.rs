//! What a user may write: keys, kinds, ranges, and what to write instead.
//!
//! Decides whether options are accepted. Pure: nothing is done with functions of
//! JavaScript but to keep them, so every message is tested natively. Nothing behind this
//! module sees a value that was not checked here.

mod builtin;
mod custom;
mod reader;
mod selector;
mod validation_error;

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests;

use std::time::Duration;

use reader::OptionReader;
pub use selector::{Selection, read_selector};
use validation_error::{ValidationError, concat, item_path};

use crate::{
    core::{
        Borrowing, IoLimits, Limits, Policy, RefreshMode, Retry, ScopeSet, Scoping, Secret, Sharing,
        TokenError, TokenRequest,
    },
    json::{Credentials, Function, Json, Platform},
    provider::{GrantProtocol, Profile},
};

/// What users give: any value, before anything is known of it.
pub type RawValue = Json;

/// Options that were accepted.
#[derive(Clone, Debug)]
pub struct Config {
    /// What the API is like.
    pub profile: Profile,
    /// Who asks it for tokens.
    pub grant_source: GrantSource,
    /// The scopes to ask for.
    pub scopes: ScopeSet,
    /// When to refresh, retry and hand out.
    pub policy: Policy,
    /// For one grant request, its body included.
    pub timeout: Duration,
    /// Instead of the global `fetch`.
    pub fetch: Option<Function>,
    /// Where `tokens.fetch` may send the token, the endpoint's own first.
    pub origins: Vec<String>,
    /// Whether the refresh timer keeps a process running.
    pub keep_alive: KeepAlive,
    /// How many sessions there may be, and for how long.
    pub limits: Limits,
    /// Where tokens are shared with other holders.
    pub store: Option<StoreMethods>,
    /// The name of the credentials' owner, as part of the key in a shared store.
    pub identity: Option<String>,
}

impl Config {
    /// Returns whether managers of one program whose options are the same data get tokens of the same owner.
    pub fn identify_owner(&self) -> bool {
        // A broker receives what the page has, the same for all of its managers, and what `fetch` adds.
        let is_of_page = matches!(self.profile.grant_protocol, GrantProtocol::TokenEndpoint { .. })
            && self.fetch.is_none();
        self.identity.is_some() || is_of_page || are_distinguishable(&self.profile, &self.grant_source)
    }
}

/// A store that other holders use as well: its methods, as functions.
#[derive(Clone, Debug)]
pub struct StoreMethods {
    /// Reads an entry.
    pub get: Function,
    /// Writes one.
    pub set: Function,
    /// Takes a lease, where the store has them.
    pub acquire: Option<Function>,
    /// Says when an entry has changed, where the store can.
    pub watch: Option<Function>,
    /// How long one call may take.
    pub timeout: Duration,
}

/// Who asks the API for tokens.
#[derive(Clone, Debug)]
pub enum GrantSource {
    /// This library, as the profile says, with these secrets.
    Profile(Vec<SecretSource>),
    /// A function of the user's.
    Function(Function),
}

/// Where a secret comes from.
#[derive(Clone, Debug)]
pub enum SecretSource {
    /// It was given.
    Text(Secret),
    /// It is asked for at each grant.
    Function(Function),
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
pub fn read(given: &RawValue, platform: Platform) -> Result<Config, TokenError> {
    let error = ValidationError::default();
    let config = config(given, &error, platform);
    error.into_result()?;
    Ok(config)
}

fn config(given: &RawValue, error: &ValidationError, platform: Platform) -> Config {
    let options = OptionReader::new(given.members(), error);
    if !matches!(given, RawValue::Map(_)) {
        let kind = given.kind();
        options.report(&[
            "options are ",
            kind,
            "; give an object: new TokenManager({ provider: \"fluz\", … })",
        ]);
    }
    let provider_config = match options.get("provider") {
        Some(RawValue::Text(name)) => builtin::read(name, &options),
        Some(RawValue::Map(provider)) => custom::read(&options.nested("provider", provider), &options),
        _ => {
            options.suggest("provider");
            options.report_invalid("provider", builtin::HINT);
            builtin::unknown_provider(&options)
        }
    };
    let ProviderConfig { mut profile, grant_source, scopes } = provider_config;
    let own_origin = check_endpoint(&profile.endpoint, &options, platform);
    if let GrantProtocol::TokenEndpoint { url, .. } = &mut profile.grant_protocol {
        *url = (platform.resolve_url)(url);
        check_url("url", url, &options, platform);
    }
    if let Some(headers) = options.map("headers", HEADERS) {
        headers.append_headers(&mut profile.headers);
    }
    let limits = limits(&options, profile.scoping());
    let timeout = options.millis("timeoutMs").unwrap_or(TIMEOUT);
    let store = store(&options);
    let identity = identity(&options);
    if store.is_some() && identity.is_none() && !are_distinguishable(&profile, &grant_source) {
        options.report_invalid("identity", IDENTITY);
    }
    let lease = |store: &StoreMethods| {
        // As long as a grant may take that asks twice, and writing before and after it.
        Sharing {
            lease: store.acquire.is_some().then(|| (timeout + store.timeout) * 2),
            announces: store.watch.is_some(),
        }
    };
    let io_limits =
        IoLimits { request: timeout, store: store.as_ref().map_or(STORE_TIMEOUT, |store| store.timeout) };
    Config {
        profile,
        grant_source,
        scopes,
        policy: Policy { sharing: store.as_ref().map(lease), limits: io_limits, ..policy(&options) },
        timeout,
        limits,
        store,
        identity,
        fetch: {
            // Called by the face, which alone knows in which request it is.
            options.function("waitUntil");
            options.function("fetch")
        },
        origins: origins(own_origin, &options, platform),
        keep_alive: if options.flag("keepAlive") { KeepAlive::Yes } else { KeepAlive::No },
    }
}

/// Reads the options of one call: `getToken({ minValidityMs, scopes })`.
///
/// `signal` is known and left to the face.
///
/// # Errors
///
/// `invalid_options`; the message names the key and what to write.
pub fn read_call(given: &RawValue) -> Result<TokenRequest, TokenError> {
    let error = ValidationError::default();
    let options = call(given, &error, "signal minValidityMs scopes exactScopes");
    let scopes = options.optional_scopes();
    let borrowing = if options.flag("exactScopes") { Borrowing::Forbidden } else { Borrowing::Allowed };
    let want =
        TokenRequest::Cached { min_validity: options.millis_or_zero("minValidityMs"), scopes, borrowing };
    error.into_result()?;
    Ok(want)
}

/// Checks the options of a forced refresh: `refresh({ signal })`.
///
/// # Errors
///
/// `invalid_options`; the message names the key and what to write.
pub fn read_refresh(given: &RawValue) -> Result<(), TokenError> {
    let error = ValidationError::default();
    call(given, &error, "signal");
    error.into_result()
}

fn call<'a>(given: &'a RawValue, error: &'a ValidationError, known: &str) -> OptionReader<'a> {
    if !matches!(given, RawValue::Missing | RawValue::Map(_)) {
        error.report(&["the options of the call are ", given.kind(), "; give an object or nothing"]);
    }
    let options = OptionReader::new(given.members(), error);
    options.allow_only(known);
    options
}

/// What a provider's own options make.
struct ProviderConfig {
    profile: Profile,
    grant_source: GrantSource,
    scopes: ScopeSet,
}

/// The contract's default.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The options of every provider.
const COMMON: &str = "provider endpoint lifetimeMs refresh refreshWindow minValidityMs timeoutMs retry fetch \
    headers origins allowInsecure keepAlive waitUntil sessions store storeTimeoutMs identity ";

/// What to give as headers.
const HEADERS: &str = "an object, for example { \"x-tenant\": \"7\" }";

fn check_keys(options: &OptionReader<'_>, own: &str) {
    options.allow_only(&concat(&[COMMON, own]));
}

/// Checks where grants are sent; its origin.
fn check_endpoint(endpoint: &str, options: &OptionReader<'_>, platform: Platform) -> String {
    // The endpoints of the built-in providers are never wrong.
    let key = if options.get("endpoint").is_some() { "endpoint" } else { "provider.endpoint" };
    check_url(key, endpoint, options, platform)
}

/// Where `tokens.fetch` may send the token.
///
/// The endpoint's own origin is one of them in any case: `tokens.request` sends it there.
fn origins(own: String, options: &OptionReader<'_>, platform: Platform) -> Vec<String> {
    let mut origins = vec![own];
    match options.get("origins") {
        None => {}
        Some(RawValue::List(given)) => {
            for (place, given) in given.iter().enumerate() {
                match given.as_words() {
                    Some(text) => {
                        origins.push(check_url(&item_path("origins", place), text, options, platform))
                    }
                    None => options.report_invalid_item("origins", place, given.kind(), ORIGINS),
                }
            }
        }
        Some(_) => options.report_invalid("origins", ORIGINS),
    }
    origins
}

/// What to give as origins.
const ORIGINS: &str = "an array of origins, for example [\"https://api.example.com\"]";

/// Checks that secrets may be sent to a URL; its origin.
fn check_url(key: &str, url: &str, options: &OptionReader<'_>, platform: Platform) -> String {
    let allow_insecure = options.flag("allowInsecure");
    // The URL standard accepts a `*` in a host; no request ever has such an origin.
    let Some(url) = (platform.parse_url)(url).filter(|url| !url.hostname.as_bytes().contains(&b'*')) else {
        options.report_at(
            key,
            &["is not an absolute URL of one host; give it in full, with https:// and without `*`"],
        );
        return String::new();
    };
    if url.credentials == Credentials::Present {
        let what = "holds a user name or password; leave them out and use the provider's options";
        options.report_at(key, &[what]);
    }
    match url.protocol.as_str() {
        "https:" => {}
        "http:" if allow_insecure || is_loopback(&url.hostname) => {}
        "http:" => options.report_at(
            key,
            &["is an http: URL, which would send secrets in the clear; use https:, or set `allowInsecure: true` \
               if the way there is safe"],
        ),
        _ => {
            let what = "is not an https: URL; give one, since secrets are sent there over HTTP";
            options.report_at(key, &[what]);
        }
    }
    url.origin
}

/// Whether nothing leaves the machine (RFC 6761 section 6.3 for the name).
fn is_loopback(hostname: &str) -> bool {
    let is_ipv4 = || {
        let parts: Vec<_> = hostname.split('.').collect();
        parts.len() == 4 && parts[0] == "127" && parts.iter().all(|part| part.parse::<u8>().is_ok())
    };
    hostname == "localhost" || hostname.ends_with(".localhost") || hostname == "[::1]" || is_ipv4()
}

fn policy(options: &OptionReader<'_>) -> Policy {
    let default = Policy::default();
    let refresh = match options.keyword("refresh", "always while-used on-demand") {
        Some("always") => RefreshMode::Always,
        Some("while-used") => RefreshMode::WhileUsed,
        Some(_) => RefreshMode::OnDemand,
        None => default.refresh,
    };
    let fraction = "a fraction of the lifetime from 0 to 0.9, for example 0.25";
    let refresh_window = options.number("refreshWindow", 0.0, 0.9, fraction);
    Policy {
        refresh,
        refresh_window: refresh_window.unwrap_or(default.refresh_window),
        min_validity: options.millis_or_zero("minValidityMs"),
        retry: retry(options, default.retry),
        ..default
    }
}

fn store(options: &OptionReader<'_>) -> Option<StoreMethods> {
    let timeout = options.millis("storeTimeoutMs").unwrap_or(STORE_TIMEOUT);
    let store = options.map("store", STORE)?;
    let method = |key: &str| {
        let method = store.function(key);
        if method.is_none() {
            store.report_invalid(key, "a function: a store has `get`, `set` and `delete`");
        }
        method
    };
    let (get, set) = (method("get"), method("set"));
    // Not needed, and a store without it is likely none.
    method("delete");
    Some(StoreMethods {
        get: get?,
        set: set?,
        acquire: store.function("acquire"),
        watch: store.function("watch"),
        timeout,
    })
}

/// What to give as a store.
const STORE: &str = "an object with `get`, `set` and `delete`, for example redisStore(client)";

/// The contract's default.
const STORE_TIMEOUT: Duration = Duration::from_secs(5);

fn identity(options: &OptionReader<'_>) -> Option<String> {
    let identity = options.text("identity", IDENTITY)?;
    // JavaScript strings that are not valid Unicode arrive with U+FFFD in them: several would be one identity.
    if identity.len() > MAX_IDENTITY_BYTES || identity.contains('\u{FFFD}') {
        options.report_value("identity", "too long, or not valid Unicode", "at most 256 bytes of UTF-8");
    }
    Some(identity)
}

/// Returns whether managers with other credentials differ in what the manager itself reads.
///
/// The credentials of a `grant` function are in its closure, those of a broker in the page's cookies. A profile without a
/// secret, a variable and a header leaves them to cookies or to the `fetch` option.
fn are_distinguishable(profile: &Profile, grant_source: &GrantSource) -> bool {
    let GrantSource::Profile(sources) = grant_source else { return false };
    let sends_data =
        !sources.is_empty() || !profile.headers.is_empty() || profile.authenticate.has_literals();
    sends_data && matches!(profile.grant_protocol, GrantProtocol::GraphQl)
}

/// What to give as identity.
const IDENTITY: &str = "a string that names the owner of the credentials, for example the tenant's or the user's id: \
    a `store` shares tokens between managers of the same identity";

const MAX_IDENTITY_BYTES: usize = 256;

fn limits(options: &OptionReader<'_>, scoping: Scoping) -> Limits {
    let default = Limits { scoping, ..Limits::default() };
    let Some(sessions) = options.map("sessions", "an object, for example { max: 1000 }") else {
        return default;
    };
    sessions.allow_only("max idleMs maxConcurrentGrants");
    let max = sessions.count("max", MAX_SESSIONS, "how many sessions to keep, from 1 to 10 million");
    let grants = sessions.count(
        "maxConcurrentGrants",
        10_000,
        "how many grants may be on the wire at a time, from 1 to 10000",
    );
    Limits {
        max: max.map_or(default.max, |max| max as usize),
        idle: sessions.millis("idleMs").unwrap_or(default.idle),
        max_concurrent_grants: grants.map_or(default.max_concurrent_grants, |grants| grants as usize),
        ..default
    }
}

/// What fits into the four gigabytes that WebAssembly has, and more than one device needs.
const MAX_SESSIONS: u32 = 10_000_000;

fn retry(options: &OptionReader<'_>, default: Retry) -> Retry {
    let Some(retry) = options.map("retry", "an object, for example { attempts: 5 }") else {
        return default;
    };
    retry.allow_only("attempts baseMs maxMs");
    let attempts = retry.count("attempts", 100, "how many requests to make in all, from 1 to 100");
    let base = retry.millis("baseMs");
    let max = retry.millis("maxMs");
    let settled = Retry {
        attempts: attempts.unwrap_or(default.attempts),
        base: base.unwrap_or_else(|| max.map_or(default.base, |max| max.min(default.base))),
        max: max.unwrap_or_else(|| base.map_or(default.max, |base| base.max(default.max))),
    };
    if settled.max < settled.base {
        let what = "is less than `retry.baseMs`; the longest pause cannot be shorter than the first";
        retry.report_at("maxMs", &[what]);
    }
    settled
}
