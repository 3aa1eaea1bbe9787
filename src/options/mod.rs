//! Validation of options: keys, types and ranges.
//!
//! Functions are stored and never called here, so every message is tested natively. The other modules receive validated
//! options only.

mod builtin;
mod custom;
mod error_rules;
mod expiry;
mod oauth;
mod reader;
mod refresh_token;
pub(crate) mod selectable;
mod selector;
pub mod table;
mod validation_error;

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests;

use std::time::Duration;

use reader::OptionReader;
pub use selector::{Selection, read_selector};
use table::IDENTITY;
pub(crate) use validation_error::closest_match;
use validation_error::{ValidationError, item_path};

pub use crate::provider::SecretSource;
use crate::{
    core::{
        Borrowing, CredentialSharing, IoLimits, Limits, Policy, RefreshMode, Retry, ScopeSet, Scoping,
        Sharing, TokenError, TokenRequest, limits::MAX_IDENTITY_BYTES,
    },
    json::{Credentials, Function, Json, Platform},
    provider::{
        GrantProtocol, Issuer, Profile,
        option::{OptionSpec, Values},
    },
};

/// A user-supplied value before validation.
pub type RawValue = Json;

/// Validated options.
#[derive(Clone, Debug)]
pub struct Config {
    /// Description of the API.
    pub profile: Profile,
    /// Source of grants.
    pub grant_source: GrantSource,
    /// Requested scopes.
    pub scopes: ScopeSet,
    /// Refresh and retry policy.
    pub policy: Policy,
    /// Limit of one grant request, including its body.
    pub timeout: Duration,
    /// Replaces the global `fetch`.
    pub fetch: Option<Function>,
    /// Origins that `tokens.fetch` may send the token to; the first is that of the endpoint.
    pub origins: Vec<String>,
    /// Effect of the refresh timer on the process.
    pub keep_alive: KeepAlive,
    /// Limits on sessions.
    pub limits: Limits,
    /// Store that shares tokens between holders.
    pub store: Option<StoreMethods>,
    /// Name of the credentials' owner, part of the key in a shared store.
    pub identity: Option<String>,
    /// Set if errors may quote those of a response.
    pub quotes_errors: bool,
}

/// The options that determine which token is granted, besides those that a selector replaces.
#[derive(Clone, Copy, Debug)]
pub struct TokenDetermination<'a> {
    /// The API.
    pub profile: &'a Profile,
    /// The source of the token.
    pub grant_source: &'a GrantSource,
    /// The owner of the credentials.
    pub identity: Option<&'a str>,
}

impl Config {
    /// Returns the options that determine which token is granted. A new option does not compile until it is decided here
    /// whether it does.
    pub fn token_determination(&self) -> TokenDetermination<'_> {
        let Self {
            profile,
            grant_source,
            identity,
            // Selected per session, and part of its key.
            scopes: _,
            // These change when and how a token is requested, not which one.
            policy: _,
            timeout: _,
            fetch: _,
            origins: _,
            keep_alive: _,
            limits: _,
            store: _,
            quotes_errors: _,
        } = self;
        TokenDetermination { profile, grant_source, identity: identity.as_deref() }
    }

    /// Returns whether managers of one program with the same options (compared as data) receive tokens of the same
    /// owner.
    pub fn identify_owner(&self) -> bool {
        // A broker receives the cookies of the page, which its managers share, and whatever a `fetch` option adds.
        let is_of_page = self.profile.issuer == Issuer::Broker && self.fetch.is_none();
        self.identity.is_some() || is_of_page || are_distinguishable(&self.profile, &self.grant_source)
    }
}

/// Methods of a shared store.
#[derive(Clone, Debug)]
pub struct StoreMethods {
    /// Reads a record.
    pub get: Function,
    /// Writes a record.
    pub set: Function,
    /// Acquires a lease; optional.
    pub acquire: Option<Function>,
    /// Reports changes of a record; optional.
    pub watch: Option<Function>,
    /// Limit of one call.
    pub timeout: Duration,
}

/// Source of grants.
#[derive(Clone, Debug)]
pub enum GrantSource {
    /// Grant requests of this library, with these secrets.
    Profile(Vec<SecretSource>),
    /// A user-supplied function.
    Function(Function),
}

/// Effect of the refresh timer on the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepAlive {
    /// Keeps the process running.
    Yes,
    /// Lets the process end.
    No,
}

/// Reads the options of a manager.
///
/// # Errors
///
/// `invalid_options`; the message names the key and the expected value.
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
    let (provider_config, values) = match options.get("provider") {
        Some(RawValue::Text(name)) => builtin::read(name, &options),
        Some(RawValue::Map(provider)) => custom::read(&options.nested("provider", provider), &options),
        _ => {
            options.suggest("provider");
            options.report_invalid("provider", &builtin::expected_provider());
            builtin::unknown_provider(&options)
        }
    };
    if !matches!(options.get("debug"), None | Some(RawValue::Bool(_) | RawValue::Function(_))) {
        options.report_invalid("debug", "true, false or a function that receives each line");
    }
    let ProviderConfig { mut profile, grant_source, scopes } = provider_config;
    let urls = UrlCheck { options: &options, platform, allow_insecure: values.flag("allowInsecure") };
    let own_origin = urls.check_endpoint(&profile.endpoint);
    if let Some(url) = &mut profile.authenticate.url {
        *url = (platform.resolve_url)(url);
        let key = match (profile.issuer, profile.authenticate.protocol) {
            (Issuer::Broker, _) => "url",
            (Issuer::Provider, GrantProtocol::Form) => "provider.oauth.tokenEndpoint",
            (Issuer::Provider, GrantProtocol::GraphQl | GrantProtocol::Json) => {
                "provider.authenticate.endpoint"
            }
        };
        urls.check(key, url);
    }
    if let Some(url) = profile.renew.as_mut().and_then(|renew| renew.url.as_mut()) {
        *url = (platform.resolve_url)(url);
        urls.check("provider.renew.endpoint", url);
    }
    // That of `renew`.
    if let Some(url) = profile.refresh_rules.initial.as_mut().and_then(|initial| initial.0.url.as_mut()) {
        *url = (platform.resolve_url)(url);
    }
    if let Some(revocation) = &mut profile.revocation
        && let Some(url) = &revocation.operation.url
    {
        revocation.has_headers = urls.check("provider.revoke.url", url) == own_origin;
    }
    if let Some(headers) = options.map("headers", HEADERS) {
        headers.append_headers(&mut profile.headers);
    }
    check_cookies(&profile, &options, platform);
    let presentation = &profile.presentation.header;
    if profile.headers.iter().any(|(name, _)| *name == **presentation) {
        options.report_at(
            "headers",
            &["cannot have `", presentation, "`, which contains the token; leave it out"],
        );
    }
    let limits =
        Limits { credentials: credentials(&profile, &grant_source), ..limits(&values, profile.scoping()) };
    let timeout = values.millis("timeoutMs");
    let store_timeout = values.millis("storeTimeoutMs");
    let store = store(&options, store_timeout);
    let identity = identity(&values, &options);
    if store.is_some() && identity.is_none() && !are_distinguishable(&profile, &grant_source) {
        options.report_invalid("identity", IDENTITY);
    }
    let lease = |store: &StoreMethods| {
        // Twice the time of a grant request, and of writing before and after it.
        Sharing {
            lease: store.acquire.is_some().then(|| (timeout + store.timeout) * 2),
            announces: store.watch.is_some(),
        }
    };
    let io_limits = IoLimits { request: timeout, store: store_timeout };
    let issuer = profile.issuer_name().to_owned().into();
    let rotation = profile.refresh_rules.rotation;
    Config {
        profile,
        grant_source,
        scopes,
        policy: Policy {
            sharing: store.as_ref().map(lease),
            limits: io_limits,
            rotation,
            issuer,
            ..policy(&values, &options)
        },
        timeout,
        limits,
        store,
        identity,
        quotes_errors: !matches!(options.get("quoteErrors"), Some(RawValue::Bool(false))),
        fetch: values.function("fetch"),
        origins: urls.origins(own_origin),
        keep_alive: if values.flag("keepAlive") { KeepAlive::Yes } else { KeepAlive::No },
    }
}

/// Reads the options of one call: `getToken({ minValidityMs, scopes })`.
///
/// `signal` is handled in JavaScript.
///
/// # Errors
///
/// `invalid_options`; the message names the key and the expected value.
pub fn read_call(given: &RawValue) -> Result<TokenRequest, TokenError> {
    let error = ValidationError::default();
    let values = call(given, &error, &table::CALL);
    let scopes = values.scopes();
    let borrowing = if values.flag("exactScopes") { Borrowing::Forbidden } else { Borrowing::Allowed };
    let want = TokenRequest::Cached { min_validity: values.given_millis("minValidityMs"), scopes, borrowing };
    error.into_result()?;
    Ok(want)
}

/// Checks the options of a forced refresh: `refresh({ signal })`.
///
/// # Errors
///
/// `invalid_options`; the message names the key and the expected value.
pub fn read_refresh(given: &RawValue) -> Result<(), TokenError> {
    let error = ValidationError::default();
    call(given, &error, &table::REFRESH);
    error.into_result()
}

fn call<'a>(given: &'a RawValue, error: &'a ValidationError, known: &'static [OptionSpec]) -> Values<'a> {
    if !matches!(given, RawValue::Missing | RawValue::Map(_)) {
        error.report(&["the options of the call are ", given.kind(), "; give an object or nothing"]);
    }
    OptionReader::new(given.members(), error).read(known, &[], Vec::new())
}

/// Result of the provider's own options.
struct ProviderConfig {
    profile: Profile,
    grant_source: GrantSource,
    scopes: ScopeSet,
}

/// Expected value of `headers`.
const HEADERS: &str = "an object, for example { \"x-tenant\": \"7\" }";

/// Reports operations that would send the cookie of a refresh token to another origin than that which set it, and headers
/// that would replace it.
fn check_cookies(profile: &Profile, options: &OptionReader<'_>, platform: Platform) {
    if profile.refresh_rules.cookie.is_none() {
        return;
    }
    let origin_of = |operation: &crate::provider::Operation| {
        (platform.parse_url)(operation.url(profile)).map(|url| url.origin)
    };
    let revoke = profile.revocation.as_ref().map(|revocation| &revocation.operation);
    for (key, operation) in [("provider.renew", profile.renew.as_ref()), ("provider.revoke", revoke)] {
        if operation.is_some_and(|operation| origin_of(operation) != origin_of(&profile.authenticate)) {
            options.report_at(
                key,
                &["would send the cookie of `refreshToken` to another origin than that of `authenticate`; use one origin"],
            );
        }
    }
    if profile.headers.iter().any(|(name, _)| name == "cookie") {
        options
            .report_at("headers", &["cannot have `cookie`, which contains the refresh token; leave it out"]);
    }
}

/// Checks the URLs that tokens and secrets are sent to.
struct UrlCheck<'a> {
    options: &'a OptionReader<'a>,
    platform: Platform,
    allow_insecure: bool,
}

impl UrlCheck<'_> {
    /// Checks the endpoint; returns its origin.
    fn check_endpoint(&self, endpoint: &str) -> String {
        // The endpoints of built-in providers are valid.
        let key = if self.options.get("endpoint").is_some() { "endpoint" } else { "provider.endpoint" };
        self.check(key, endpoint)
    }

    /// Returns the origins that `tokens.fetch` may send the token to.
    ///
    /// The endpoint's origin is always included, because `tokens.request` sends the token there.
    fn origins(&self, own: String) -> Vec<String> {
        let mut origins = vec![own];
        match self.options.get("origins") {
            None => {}
            Some(RawValue::List(given)) => {
                for (index, given) in given.iter().enumerate() {
                    match given.as_words() {
                        Some(text) => origins.push(self.check(&item_path("origins", index), text)),
                        None => self.options.report_invalid_item("origins", index, given.kind(), ORIGINS),
                    }
                }
            }
            Some(_) => self.options.report_invalid("origins", ORIGINS),
        }
        origins
    }

    /// Checks that secrets may be sent to a URL; returns its origin.
    fn check(&self, key: &str, url: &str) -> String {
        // The URL standard accepts a `*` in a host; no request ever has such an origin.
        let parsed = (self.platform.parse_url)(url).filter(|url| !url.hostname.as_bytes().contains(&b'*'));
        let Some(url) = parsed else {
            self.options.report_at(
                key,
                &["is not an absolute URL of one host; give it in full, with https:// and without `*`"],
            );
            return String::new();
        };
        if url.credentials == Credentials::Present {
            let what = "holds a user name or password; leave them out and use the provider's options";
            self.options.report_at(key, &[what]);
        }
        match url.protocol.as_str() {
            "https:" => {}
            "http:" if self.allow_insecure || is_loopback(&url.hostname) => {}
            "http:" => self.options.report_at(
                key,
                &["is an http: URL, which would send secrets in the clear; use https:, or set \
                   `allowInsecure: true` if the way there is safe"],
            ),
            _ => {
                let what = "is not an https: URL; give one, since secrets are sent there over HTTP";
                self.options.report_at(key, &[what]);
            }
        }
        url.origin
    }
}

/// Expected value of `origins`.
const ORIGINS: &str = "an array of origins, for example [\"https://api.example.com\"]";

/// Returns whether the host is the local machine (RFC 6761 section 6.3 for the name).
fn is_loopback(hostname: &str) -> bool {
    let is_ipv4 = || {
        let parts: Vec<_> = hostname.split('.').collect();
        parts.len() == 4 && parts[0] == "127" && parts.iter().all(|part| part.parse::<u8>().is_ok())
    };
    hostname == "localhost" || hostname.ends_with(".localhost") || hostname == "[::1]" || is_ipv4()
}

fn policy(values: &Values<'_>, options: &OptionReader<'_>) -> Policy {
    Policy {
        refresh: match values.keyword("refresh") {
            Some("while-used") => RefreshMode::WhileUsed,
            Some("on-demand") => RefreshMode::OnDemand,
            _ => RefreshMode::Always,
        },
        refresh_window: values.number("refreshWindow"),
        min_validity: values.given_millis("minValidityMs"),
        retry: retry(values, options),
        ..Policy::default()
    }
}

fn store(options: &OptionReader<'_>, timeout: Duration) -> Option<StoreMethods> {
    let store = options.map("store", STORE)?;
    let method = |key: &str| {
        let method = store.function(key);
        if method.is_none() {
            store.report_invalid(key, "a function: a store has `get`, `set` and `delete`");
        }
        method
    };
    let (get, set) = (method("get"), method("set"));
    // Not called, but an object without it is most likely not a store.
    method("delete");
    Some(StoreMethods {
        get: get?,
        set: set?,
        acquire: store.function("acquire"),
        watch: store.function("watch"),
        timeout,
    })
}

/// Expected value of `store`.
const STORE: &str = "an object with `get`, `set` and `delete`, for example redisStore(client)";

fn identity(values: &Values<'_>, options: &OptionReader<'_>) -> Option<String> {
    let identity = values.text("identity")?;
    // JavaScript strings that are not valid Unicode arrive with U+FFFD, so different strings would become one identity.
    if identity.len() > MAX_IDENTITY_BYTES || identity.contains('\u{FFFD}') {
        options.report_value("identity", "too long, or not valid Unicode", "at most 256 bytes of UTF-8");
    }
    Some(identity)
}

/// Returns whether managers with different credentials differ in the options that this library reads.
///
/// The credentials of a `grant` function are in its closure, those of a broker in the page's cookies. A profile without
/// secrets, variables and headers relies on cookies or the `fetch` option.
fn are_distinguishable(profile: &Profile, grant_source: &GrantSource) -> bool {
    let GrantSource::Profile(sources) = grant_source else { return false };
    let sends_data =
        !sources.is_empty() || !profile.headers.is_empty() || profile.authenticate.has_literals();
    sends_data && profile.issuer == Issuer::Provider
}

/// Whether all sessions present the same credentials. The user of a page presents those for a broker, and a user-supplied
/// function decides by itself. A secret function that receives the selector has a secret of each identity, and so has the
/// password grant, where sessions select the user name.
fn credentials(profile: &Profile, grant_source: &GrantSource) -> CredentialSharing {
    let GrantSource::Profile(sources) = grant_source else { return CredentialSharing::Unknown };
    let is_function = |source: &SecretSource| matches!(source, SecretSource::Function(_));
    let has_functions =
        sources.iter().any(is_function) || profile.headers.iter().any(|(_, source)| is_function(source));
    let selects_user =
        profile.authenticate.protocol == GrantProtocol::Form && profile.authenticate.has_variable("username");
    if profile.issuer == Issuer::Broker || (sources.is_empty() && !has_functions) {
        CredentialSharing::Unknown
    } else if profile.has_session_secrets && (has_functions || selects_user) {
        CredentialSharing::ByIdentity
    } else {
        CredentialSharing::Shared
    }
}

fn limits(values: &Values<'_>, scoping: Scoping) -> Limits {
    let default = Limits { scoping, ..Limits::default() };
    let Some(sessions) = values.object("sessions") else { return default };
    Limits {
        max: sessions.count("max") as usize,
        idle: sessions.millis("idleMs"),
        max_concurrent_grants: sessions.count("maxConcurrentGrants") as usize,
        ..default
    }
}

fn retry(values: &Values<'_>, options: &OptionReader<'_>) -> Retry {
    let Some(retry) = values.object("retry") else { return Policy::default().retry };
    let (base, max) = (retry.given_millis("baseMs"), retry.given_millis("maxMs"));
    let (default_base, default_max) = (retry.millis("baseMs"), retry.millis("maxMs"));
    let settled = Retry {
        attempts: retry.count("attempts"),
        base: base.unwrap_or_else(|| max.map_or(default_base, |max| max.min(default_base))),
        max: max.unwrap_or_else(|| base.map_or(default_max, |base| base.max(default_max))),
    };
    if settled.max < settled.base {
        let what = "is less than `retry.baseMs`; the longest pause cannot be shorter than the first";
        options.report_at("retry.maxMs", &[what]);
    }
    settled
}
