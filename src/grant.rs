//! Gets one token, or the scopes that may be asked for: secrets, requests and answers, in order.

use std::cell::RefCell;

use js_sys::{Array, Function};
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;

use crate::{
    core::{
        ErrorCode, Grant, GrantFailure, Outlook, RefreshToken, ScopeSet, Secret, TokenError, TokenSet, millis,
    },
    graphql::{Dialect, Exchange, Verdict, granted_by_function},
    host::{Clock, Ending, FetchFailure, PLATFORM, Sending, described, fetch, given, waiting},
    http::{HttpRequest, HttpResponse},
    js::{Face, listed},
    options::{Granter, SecretSource, Settings},
    provider::{Profile, TokenSource},
};

/// What a grant is made with.
pub(crate) struct Granting<'a> {
    pub(crate) settings: &'a Settings<Function>,
    /// What the API is like for this session.
    pub(crate) profile: Profile,
    /// The scopes to ask for.
    pub(crate) scopes: ScopeSet,
    /// Of the session's selector, for a function of the user's.
    pub(crate) key: JsValue,
    pub(crate) dialect: &'a RefCell<Dialect>,
    pub(crate) clock: &'a Clock,
    pub(crate) face: &'a Face,
    pub(crate) signal: &'a AbortSignal,
    /// The digest of the token that the API refused, for a broker.
    pub(crate) refused: Option<String>,
}

/// What is to be got.
pub(crate) enum Errand {
    Token(Grant),
    ApplicationScopes,
}

/// What was got.
pub(crate) enum Got {
    Token(TokenSet),
    Scopes(ScopeSet),
}

impl Granting<'_> {
    /// The secrets to ask with, from wherever they are.
    pub(crate) async fn secrets(&self) -> Result<Vec<Secret>, GrantFailure> {
        let Granter::Profile(sources) = &self.settings.granter else { return Ok(Vec::new()) };
        let mut secrets = Vec::with_capacity(sources.len());
        for (source, name) in sources.iter().zip(&self.profile.secrets) {
            secrets.push(self.secret(source, name).await?);
        }
        Ok(secrets)
    }

    /// Asks until there is what is to be got, or a reason for none. Never waits for ever.
    pub(crate) async fn run(
        &self,
        errand: Errand,
        secrets: Option<Vec<Secret>>,
    ) -> Result<Got, GrantFailure> {
        if let (Errand::Token(grant), Granter::Function(function)) = (&errand, &self.settings.granter) {
            return self.by_function(grant, function).await.map(Got::Token);
        }
        let secrets = match secrets {
            Some(secrets) => secrets,
            None => self.secrets().await?,
        };
        self.by_profile(errand, &secrets).await
    }

    async fn by_profile(&self, errand: Errand, secrets: &[Secret]) -> Result<Got, GrantFailure> {
        let profile = &self.profile;
        let mut exchange = match errand {
            Errand::Token(grant) => {
                Exchange::new(profile, &self.scopes, grant).after_refusal(self.refused.clone())
            }
            Errand::ApplicationScopes => Exchange::for_application_scopes(profile, &self.scopes),
        };
        loop {
            let request = {
                let dialect = self.dialect.borrow();
                exchange.request(&dialect, secrets, PLATFORM)?
            };
            let response = self.send(&request).await?;
            let mut dialect = self.dialect.borrow_mut();
            match exchange.answer(&response, &mut dialect, PLATFORM) {
                Verdict::AskAgain => {}
                Verdict::Done(result) => return result.map(Got::Token),
                Verdict::Scopes(scopes) => return Ok(Got::Scopes(scopes)),
            }
        }
    }

    async fn secret(&self, source: &SecretSource<Function>, name: &str) -> Result<Secret, GrantFailure> {
        let function = match source {
            SecretSource::Text(secret) => return Ok(secret.clone()),
            SecretSource::Function(function) => function,
        };
        let (ended, done) = waiting();
        self.face.call(function, &Array::new(), self.limit(), Some(self.signal), &done);
        let what = match ended.await {
            Ending::Gave(value) => match value.as_string() {
                Some(text) if !text.trim().is_empty() => return Ok(Secret::new(text)),
                Some(_) => "gave an empty string".to_owned(),
                None => "gave no string".to_owned(),
            },
            Ending::Threw(thrown) => format!("threw {}", described(&thrown)),
            Ending::Late => format!("gave nothing within {} ms", millis(self.settings.timeout)),
        };
        let message =
            format!("the function given for `{name}` {what}; it must return the secret as a string");
        Err(self.transient(ErrorCode::CredentialsUnavailable, message))
    }

    async fn send(&self, request: &HttpRequest) -> Result<HttpResponse, GrantFailure> {
        let profile = &self.profile;
        let wanted = wanted_headers(profile);
        let sending = Sending {
            outside: self.face,
            fetch: self.settings.fetch.as_ref(),
            limit: self.limit(),
            signal: self.signal,
            clock: self.clock,
        };
        fetch(sending, request, &wanted).await.map_err(|failure| self.explained(failure))
    }

    fn explained(&self, failure: FetchFailure) -> GrantFailure {
        match failure {
            FetchFailure::Late => {
                let message = format!(
                    "{} gave no whole answer within {} ms; check the network, or set `timeoutMs` higher",
                    self.endpoint(),
                    millis(self.settings.timeout)
                );
                self.transient(ErrorCode::Timeout, message)
            }
            FetchFailure::Network(code) => {
                let why = code.map_or_else(String::new, |code| format!(" ({code})"));
                let message = format!(
                    "{} cannot be reached{why}; check `endpoint` and the network, and in a browser that the \
                     server allows this origin (CORS)",
                    self.endpoint()
                );
                self.transient(ErrorCode::Network, message)
            }
            FetchFailure::Absent => {
                self.permanent(ErrorCode::Unsupported, "there is no `fetch` here; give one as option `fetch`")
            }
            FetchFailure::NotAnAnswer => self.permanent(
                ErrorCode::Protocol,
                "`fetch` gave something that is no Response; check the function given as option `fetch`",
            ),
            FetchFailure::TooLarge => {
                let message = format!("{} answered with more than a MiB; check `endpoint`", self.endpoint());
                self.permanent(ErrorCode::Protocol, message)
            }
        }
    }

    async fn by_function(&self, grant: &Grant, function: &Function) -> Result<TokenSet, GrantFailure> {
        let refresh_token = match grant {
            Grant::Authenticate => None,
            Grant::Refresh(token) => Some(token),
        };
        let (ended, done) = waiting();
        self.face.grant(
            function,
            refresh_token.map(RefreshToken::expose),
            &listed(&self.scopes),
            &self.key,
            self.limit(),
            self.signal,
            &done,
        );
        let name = &self.profile.name;
        match ended.await {
            Ending::Gave(value) => {
                granted_by_function(&self.profile, &self.scopes, &given(&value), self.clock.now(), PLATFORM)
                    .map_err(GrantFailure::Permanent)
            }
            Ending::Threw(thrown) => Err(match self.face.own_error(&thrown) {
                Some(error) if error.outlook == Some(Outlook::MayPass) => {
                    GrantFailure::Transient(error.of(name))
                }
                Some(error) if refresh_token.is_some() => GrantFailure::RefreshTokenRefused(error.of(name)),
                Some(error) => GrantFailure::Permanent(error.of(name)),
                None => {
                    let message = format!(
                        "the `grant` function of {name} threw {}; throw a TokenError to say whether to try again",
                        described(&thrown)
                    );
                    self.transient(ErrorCode::Network, message)
                }
            }),
            Ending::Late => {
                let message = format!(
                    "the `grant` function of {name} gave nothing within {} ms; heed its `signal`, or set \
                     `timeoutMs` higher",
                    millis(self.settings.timeout)
                );
                Err(self.transient(ErrorCode::Timeout, message))
            }
        }
    }

    /// How long each thing may take, in milliseconds.
    #[expect(clippy::cast_precision_loss, reason = "spans are below 2^53")]
    fn limit(&self) -> f64 {
        millis(self.settings.timeout) as f64
    }

    /// Who is asked, for a message: the origin alone, since paths may hold keys.
    fn endpoint(&self) -> String {
        let profile = &self.profile;
        let origin = (PLATFORM.parse_url)(profile.grant_url()).map(|url| url.origin);
        format!("{} ({})", profile.granter(), origin.as_deref().unwrap_or("its endpoint"))
    }

    fn transient(&self, code: ErrorCode, message: impl Into<String>) -> GrantFailure {
        GrantFailure::Transient(TokenError::new(code, message).of(self.profile.granter()))
    }

    fn permanent(&self, code: ErrorCode, message: impl Into<String>) -> GrantFailure {
        GrantFailure::Permanent(TokenError::new(code, message).of(self.profile.granter()))
    }
}

/// The headers of an answer that are looked at.
fn wanted_headers(profile: &Profile) -> Vec<&str> {
    let mut wanted = vec!["date", "retry-after"];
    if let TokenSource::Headers(names) = &profile.token {
        wanted.extend(names.iter().map(String::as_str));
    }
    wanted
}
