//! Performs one grant, or revokes tokens, or requests the application's scopes: secrets, requests and responses, in order.

use std::{cell::RefCell, rc::Rc};

use js_sys::{Array, Function};
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;

use crate::{
    core::{
        CredentialId, ErrorCode, Grant, GrantFailure, RefreshToken, Retryability, RevokedTokens, ScopeSet,
        Secret, TokenError, TokenSet, UnixMillis, millis,
    },
    graphql::{
        GrantExchange, InitialRefreshTokens, Outcome, SET_COOKIE, SchemaVariants, credential_fingerprint,
        token_from_function,
    },
    host::{
        CallOutcome, Clock, FetchException, FetchFailure, Fetcher, PLATFORM, callback_future, from_js,
        origin, response_of,
    },
    js::{ManagerCallbacks, SessionHandle, scopes_to_js},
    options::{Config, GrantSource, SecretSource},
    provider::{Issuer, Profile, Revocation, SelectedVariable, TokenSource, option::is_header_value},
};

/// The inputs of a grant.
pub(crate) struct GrantRunner<'a> {
    pub(crate) config: &'a Config,
    /// The values of the variables that the session's selector selects.
    pub(crate) selected: Vec<SelectedVariable>,
    /// The scopes to request.
    pub(crate) scopes: ScopeSet,
    /// The selector of the session, for user-supplied functions.
    pub(crate) selector: JsValue,
    pub(crate) schema_variants: &'a RefCell<SchemaVariants>,
    pub(crate) initial_refresh_tokens: &'a RefCell<InitialRefreshTokens>,
    pub(crate) clock: &'a Clock,
    pub(crate) callbacks: &'a ManagerCallbacks,
    pub(crate) signal: &'a AbortSignal,
    /// The handle of the session, or of the default one: it knows the tokens that no error may quote.
    pub(crate) handle: SessionHandle,
    /// The digest of the token that the API rejected, sent to a token broker.
    pub(crate) rejected_token: Option<String>,
    /// Called for each step of the grant.
    pub(crate) progressed: &'a dyn Fn(Progress<'_>),
}

/// A step of a grant, reported while it is in progress.
#[derive(Clone, Copy)]
pub(crate) enum Progress<'a> {
    /// A step succeeded and another one follows, with a time limit of its own.
    Stepped,
    /// The lifetime of the granted token was assumed.
    LifetimeAssumed,
    /// These credentials are about to be presented.
    CredentialsPresented(CredentialId, &'a [Secret]),
}

/// What to request.
pub(crate) enum GrantTask {
    Token(Grant),
    ApplicationScopes,
    Revocation(RevokedTokens),
    /// The values of headers that functions return, for a request of the user.
    HeaderSecrets,
}

/// The request that needs the secrets.
#[derive(Clone, Copy)]
pub(crate) enum SecretsOf<'a> {
    Grant,
    Revocation(&'a Revocation),
    /// A request of the user, which has headers alone.
    Request,
}

/// The result of a grant.
pub(crate) enum GrantResult {
    Token(Rc<TokenSet>),
    Scopes(ScopeSet),
    Revoked,
    HeaderSecrets(Vec<Secret>),
}

impl GrantRunner<'_> {
    /// Returns the secrets of a request, from options or from functions that return them. Those of the operation precede
    /// the values of headers that functions return.
    pub(crate) async fn secrets(&self, of: SecretsOf<'_>) -> Result<Vec<Secret>, GrantFailure> {
        let profile = &self.config.profile;
        let mut named: Vec<(&SecretSource, String)> = Vec::new();
        let (sources, names) = match (of, &self.config.grant_source) {
            (SecretsOf::Revocation(revocation), _) => (&*revocation.sources, &revocation.secrets),
            (SecretsOf::Grant, GrantSource::Profile(sources)) => (&**sources, &profile.secrets),
            // The function sends requests of its own.
            (SecretsOf::Grant, GrantSource::Function(_)) => return Ok(Vec::new()),
            (SecretsOf::Request, _) => (&[][..], &profile.secrets),
        };
        for (source, name) in sources.iter().zip(names.iter()) {
            named.push((source, name.to_owned()));
        }
        let own = named.len();
        let has_headers = if let SecretsOf::Revocation(it) = of { it.has_headers } else { true };
        for (name, source) in profile.headers.iter().filter(|_| has_headers) {
            if matches!(source, SecretSource::Function(_)) {
                named.push((source, ["headers.", name].concat()));
            }
        }
        let mut secrets = Vec::with_capacity(named.len());
        for (source, name) in named {
            secrets.push(match source {
                SecretSource::Text(secret) => secret.clone(),
                SecretSource::Function(function) => {
                    let (ended, done) = callback_future(self.callbacks, self.config.timeout);
                    let selector =
                        if profile.has_session_secrets { &self.selector } else { &JsValue::UNDEFINED };
                    self.callbacks.secret(function, selector, self.signal, &done);
                    let can_send = if secrets.len() < own { |_: &str| true } else { is_header_value };
                    let secret = self.secret(ended.await, &name, can_send)?;
                    (self.progressed)(Progress::Stepped);
                    secret
                }
            });
        }
        Ok(secrets)
    }

    /// Performs the grant, with as many requests as that takes. Each step has a time limit.
    // A single future that calls ordinary functions: nested futures would make the module larger.
    pub(crate) async fn run(
        &self,
        task: GrantTask,
        secrets: Option<Vec<Secret>>,
    ) -> Result<GrantResult, GrantFailure> {
        if self.config.profile.uses_cookies() && origin().is_some() {
            let message = "cookies of an API can be neither read nor sent by scripts of a page; request tokens on a server, \
                           for example with a broker";
            return Err(self.permanent(ErrorCode::Unsupported, message));
        }
        if let (GrantTask::Token(grant), GrantSource::Function(function)) = (&task, &self.config.grant_source)
        {
            let (ended, done) = callback_future(self.callbacks, self.config.timeout);
            self.call(function, grant, &done);
            return self.token_from_result(ended.await, grant).map(GrantResult::Token);
        }
        let revocation = match task {
            GrantTask::Revocation(_) => self.config.profile.revocation.as_deref(),
            GrantTask::Token(_) | GrantTask::ApplicationScopes | GrantTask::HeaderSecrets => None,
        };
        let of = match (&task, revocation) {
            (GrantTask::HeaderSecrets, _) => SecretsOf::Request,
            (_, Some(revocation)) => SecretsOf::Revocation(revocation),
            (_, None) => SecretsOf::Grant,
        };
        let secrets = match secrets {
            Some(secrets) => secrets,
            None => self.secrets(of).await?,
        };
        self.check_credentials(&task, &secrets)?;
        let (profile, scopes) = (&self.config.profile, &self.scopes);
        let mut exchange = match (task, revocation) {
            (GrantTask::Token(grant), _) => {
                let mut exchange = GrantExchange::new(profile, scopes, grant.clone());
                self.initial_refresh_tokens.borrow_mut().begin(&mut exchange, profile, &grant, &secrets);
                exchange
            }
            (GrantTask::Revocation(tokens), Some(revocation)) => {
                GrantExchange::for_revocation(profile, scopes, revocation, tokens)
            }
            // Not requested without a revocation; see `Driver::revoke`.
            (GrantTask::Revocation(_), None) => return Ok(GrantResult::Revoked),
            (GrantTask::ApplicationScopes, _) => GrantExchange::for_application_scopes(profile, scopes),
            (GrantTask::HeaderSecrets, _) => return Ok(GrantResult::HeaderSecrets(secrets)),
        };
        exchange.chosen = &self.selected;
        exchange.rejected_token = self.rejected_token.as_deref();
        loop {
            let (ended, done) = callback_future(self.callbacks, self.config.timeout);
            let sent_at = self.clock.now();
            self.send(&mut exchange, &secrets, &done)?;
            let outcome = ended.await;
            match self.receive(&mut exchange, outcome, sent_at) {
                Ok(Some(result)) => {
                    if exchange.is_lifetime_assumed() {
                        (self.progressed)(Progress::LifetimeAssumed);
                    }
                    return Ok(result);
                }
                Ok(None) => {}
                Err(failure) => exchange.handle_failure(failure)?,
            }
            (self.progressed)(Progress::Stepped);
        }
    }

    /// Reports which credentials are about to be presented, if any are.
    ///
    /// A token broker authenticates the page's user, with cookies for example. No secret is presented, and a change of
    /// the user cannot be detected here.
    fn check_credentials(&self, task: &GrantTask, secrets: &[Secret]) -> Result<(), GrantFailure> {
        let GrantTask::Token(grant) = task else { return Ok(()) };
        if matches!(grant, Grant::Refresh(_)) || self.config.profile.issuer == Issuer::Broker {
            return Ok(());
        }
        let credentials = credential_fingerprint(secrets);
        if *grant == Grant::AuthenticateIfChanged(credentials) {
            return Err(GrantFailure::Unchanged);
        }
        (self.progressed)(Progress::CredentialsPresented(credentials, secrets));
        Ok(())
    }

    fn secret(
        &self,
        outcome: CallOutcome,
        name: &str,
        can_send: fn(&str) -> bool,
    ) -> Result<Secret, GrantFailure> {
        let cause = self.cause(&outcome);
        let what = match outcome.into_value(self.config.timeout) {
            Ok(value) => match value.as_string() {
                Some(text) if !can_send(&text) => {
                    "returned a string with characters that no header can hold".to_owned()
                }
                Some(text) if !text.trim().is_empty() => return Ok(Secret::new(text)),
                Some(_) => "returned an empty string".to_owned(),
                None => "did not return a string".to_owned(),
            },
            Err(what) => what,
        };
        let message =
            format!("the function given for `{name}` {what}; it must return the secret as a string");
        Err(self.thrown(ErrorCode::CredentialsUnavailable, message, cause))
    }

    fn send(
        &self,
        exchange: &mut GrantExchange<'_>,
        secrets: &[Secret],
        done: &JsValue,
    ) -> Result<(), GrantFailure> {
        let request = exchange.next_request(&self.schema_variants.borrow(), secrets, PLATFORM)?;
        let sending = Fetcher {
            bindings: self.callbacks,
            fetch: self.config.fetch.as_ref(),
            signal: self.signal,
            scopes: scopes_to_js(&self.scopes),
            secrets: Self::known_secrets(exchange, secrets),
            handle: &self.handle,
        };
        sending.send(&request, &wanted_headers(&self.config.profile), done);
        Ok(())
    }

    /// Returns the secrets that errors must not quote: the presented refresh token, or `undefined`, and those of the
    /// options.
    fn known_secrets(exchange: &GrantExchange<'_>, secrets: &[Secret]) -> Array {
        let known = Array::of1(&exchange.presented().map(RefreshToken::expose).into());
        for secret in secrets {
            known.push(&JsValue::from_str(secret.expose()));
        }
        known
    }

    /// Returns the result, or `None` if another request is required.
    fn receive(
        &self,
        exchange: &mut GrantExchange<'_>,
        outcome: CallOutcome,
        sent_at: UnixMillis,
    ) -> Result<Option<GrantResult>, GrantFailure> {
        let response = response_of(outcome, &wanted_headers(&self.config.profile), sent_at, self.clock.now());
        let initial = exchange.initial();
        let response = response.map_err(|failure| {
            let failure = self.fetch_error(failure, exchange.url(), exchange.url_option());
            if initial.is_some() {
                self.initial_refresh_tokens.borrow_mut().failed(&failure);
            }
            failure
        })?;
        let outcome = exchange.handle_response(&response, &mut self.schema_variants.borrow_mut(), PLATFORM);
        if let Some(token) = initial {
            let next = exchange.initial();
            self.initial_refresh_tokens.borrow_mut().responded(token, &outcome, next.as_ref());
        }
        match outcome {
            Outcome::Resend => Ok(None),
            Outcome::Token(result) => result.map(|tokens| Some(GrantResult::Token(tokens))),
            Outcome::Scopes(scopes) => Ok(Some(GrantResult::Scopes(scopes))),
            Outcome::Revoked(Ok(())) => Ok(Some(GrantResult::Revoked)),
            Outcome::Revoked(Err(error)) => Err(GrantFailure::Permanent(error)),
        }
    }

    fn fetch_error(&self, failure: FetchFailure, url: &str, option: &str) -> GrantFailure {
        match failure {
            FetchFailure::TimedOut => {
                let message = format!(
                    "{} did not respond completely within {} ms; check the network, or set `timeoutMs` higher",
                    self.endpoint(url),
                    millis(self.config.timeout)
                );
                self.transient(ErrorCode::Timeout, message)
            }
            FetchFailure::Rejected(FetchException { what: Some(what), retryable, cause, .. }) => {
                let which = match self.config.fetch {
                    Some(_) => "the function given as option `fetch`",
                    None => "the global `fetch`, or what replaces it,",
                };
                let message = format!("{which} threw {what}");
                let mut error =
                    TokenError::new(ErrorCode::FetchThrew, message).of(self.config.profile.issuer_name());
                error.cause = cause;
                if retryable {
                    error.retryability = Some(Retryability::Retryable);
                    GrantFailure::Transient(error)
                } else {
                    GrantFailure::Permanent(error)
                }
            }
            FetchFailure::Rejected(FetchException { code, cause, .. }) => {
                let server = self.endpoint(url);
                let is_unsent =
                    code.as_deref().is_some_and(|code| UNSENT.split(' ').any(|known| known == code));
                let message = match (code, origin()) {
                    (Some(code), _) => {
                        format!("{server} cannot be reached ({code}); check `{option}` and the network")
                    }
                    // Browsers state no reason, because of CORS; a system's code excludes it.
                    (None, Some(origin)) => {
                        let cors = match self.config.profile.issuer {
                            Issuer::Broker => {
                                format!(
                                    "its `allowedOrigins` lists {origin} (CORS), and that `{option}` leads to it"
                                )
                            }
                            Issuer::Provider => {
                                format!(
                                    "it allows the origin {origin} and the headers of the request (CORS), such as \
                                     `content-type` and `authorization`, and `{option}`"
                                )
                            }
                        };
                        format!(
                            "{server} gave no response that this page may read; the browser's console names the cause: \
                             check that {cors}, and the network"
                        )
                    }
                    (None, None) => format!("{server} cannot be reached; check `{option}` and the network"),
                };
                let mut error =
                    TokenError::new(ErrorCode::Network, message).of(self.config.profile.issuer_name());
                error.cause = cause;
                if is_unsent { GrantFailure::NotProcessed(error) } else { GrantFailure::Transient(error) }
            }
            FetchFailure::Unavailable => self.permanent(
                ErrorCode::Unsupported,
                "`fetch` is not available here; pass one as option `fetch`",
            ),
            FetchFailure::InvalidResponse => self.permanent(
                ErrorCode::Protocol,
                "`fetch` did not return a Response; check the function given as option `fetch`",
            ),
            FetchFailure::TooLarge => {
                let message =
                    format!("{} responded with more than 1 MiB; check `{option}`", self.endpoint(url));
                self.permanent(ErrorCode::Protocol, message)
            }
        }
    }

    fn call(&self, function: &Function, grant: &Grant, done: &JsValue) {
        let refresh_token = match grant {
            Grant::Authenticate | Grant::AuthenticateIfChanged(_) => None,
            Grant::Refresh(token) => Some(token.expose()),
        };
        let scopes = scopes_to_js(&self.scopes);
        self.callbacks.grant(function, refresh_token, &scopes, &self.selector, self.signal, done);
    }

    fn token_from_result(&self, outcome: CallOutcome, grant: &Grant) -> Result<Rc<TokenSet>, GrantFailure> {
        let name = &self.config.profile.name;
        if let CallOutcome::Rejected(thrown) = &outcome
            && let Some(error) = self.callbacks.token_error_of(thrown)
        {
            let error = error.of(name);
            return Err(match grant {
                _ if error.retryability == Some(Retryability::Retryable) => GrantFailure::Transient(error),
                Grant::Refresh(_) => GrantFailure::RefreshTokenRejected(error),
                Grant::Authenticate | Grant::AuthenticateIfChanged(_) => GrantFailure::Permanent(error),
            });
        }
        let (code, advice) = match outcome {
            CallOutcome::TimedOut => (ErrorCode::Timeout, "heed its `signal`, or set `timeoutMs` higher"),
            CallOutcome::Resolved(_) | CallOutcome::Rejected(_) => {
                (ErrorCode::Network, "throw a TokenError to state whether to retry")
            }
        };
        let cause = self.cause(&outcome);
        match outcome.into_value(self.config.timeout) {
            Ok(value) => {
                let now = self.clock.now();
                token_from_function(&self.config.profile, &self.scopes, &from_js(&value), now, PLATFORM)
                    .map_err(GrantFailure::Permanent)
            }
            Err(what) => {
                Err(self.thrown(code, format!("the `grant` function of {name} {what}; {advice}"), cause))
            }
        }
    }

    /// Names the endpoint for a message. Only its origin is included, because a path may contain keys.
    fn endpoint(&self, url: &str) -> String {
        let origin = (PLATFORM.parse_url)(url).map(|url| url.origin);
        format!("{} ({})", self.config.profile.issuer_name(), origin.as_deref().unwrap_or("its endpoint"))
    }

    /// Describes what a user-supplied function threw, without its message, which may quote a secret.
    fn cause(&self, outcome: &CallOutcome) -> Option<String> {
        let CallOutcome::Rejected(thrown) = outcome else { return None };
        Some(self.callbacks.describe_cause(thrown))
    }

    fn thrown(&self, code: ErrorCode, message: String, cause: Option<String>) -> GrantFailure {
        let mut error = TokenError::new(code, message).of(self.config.profile.issuer_name());
        error.cause = cause;
        GrantFailure::Transient(error)
    }

    fn transient(&self, code: ErrorCode, message: impl Into<String>) -> GrantFailure {
        GrantFailure::Transient(TokenError::new(code, message).of(self.config.profile.issuer_name()))
    }

    fn permanent(&self, code: ErrorCode, message: impl Into<String>) -> GrantFailure {
        GrantFailure::Permanent(TokenError::new(code, message).of(self.config.profile.issuer_name()))
    }
}

/// Codes of systems and hosts for requests that reached no server: there was no address or no connection.
const UNSENT: &str = "EAI_AGAIN ECONNREFUSED EHOSTDOWN EHOSTUNREACH ENETUNREACH ENOTFOUND UND_ERR_CONNECT_TIMEOUT \
    ConnectionRefused FailedToOpenSocket";

/// Returns the names of the response headers that are read.
fn wanted_headers(profile: &Profile) -> Vec<&str> {
    let mut wanted = vec!["date", "retry-after", "content-type"];
    if profile.reads_cookies() {
        wanted.push(SET_COOKIE);
    }
    if let TokenSource::Headers(names) = &profile.token {
        names.iter().for_each(|name| wanted.push(name));
    }
    wanted
}
