//! One grant on the wire, from the first request to a token or the reason for none.

use std::rc::Rc;

use crate::{
    core::{
        ErrorCode, Grant, GrantFailure, RefreshToken, Retryability, ScopeSet, Scoping, TokenError, TokenSet,
        TokenTimes, is_sendable,
    },
    http::{HttpRequest, HttpResponse},
    json::{Json, Platform},
    provider::{Chosen, Operation, Part, Profile, Secrets, Signals, TokenSource, Unexplained, Wire, Words},
};

use super::{
    dialect::{Accept, Dialect, Renewal, Spelled},
    jwt,
    lifetime::{Clock, issued},
    request::{Filling, after_scheme},
    response::{Answer, Kind, Problem, holds, media_type, retry_after},
};

/// One grant on the wire.
#[derive(Debug)]
pub struct Exchange<'a> {
    /// The variables that the session chose.
    pub chosen: &'a [Chosen],
    /// The [`digest`](super::digest) of the token that the API refused, for a broker.
    pub refused: Option<&'a str>,
    profile: &'a Profile,
    scopes: &'a ScopeSet,
    presented: Option<RefreshToken>,
    /// What is asked instead of for a token.
    application_scopes: Option<&'a Operation>,
    /// How the last request was worded. The dialect may have learned from another
    /// grant since, and an answer is about what was sent.
    spoken: Dialect,
    /// Spellings that were changed on the way.
    respelled: Spelled,
}

/// What an answer means.
#[derive(Debug, PartialEq)]
pub enum Verdict {
    /// Ask again at once: something was learned that changes the request.
    AskAgain,
    /// The end.
    Done(Result<Rc<TokenSet>, GrantFailure>),
    /// The end where the application's scopes were asked for: those.
    Scopes(ScopeSet),
}

impl<'a> Exchange<'a> {
    /// Begins `grant`, for `scopes`.
    pub fn new(profile: &'a Profile, scopes: &'a ScopeSet, grant: Grant) -> Self {
        let presented = match grant {
            Grant::Authenticate | Grant::AuthenticateIfChanged(_) => None,
            Grant::Refresh(token) => Some(token),
        };
        Self {
            chosen: &[],
            refused: None,
            profile,
            scopes,
            presented,
            application_scopes: None,
            spoken: Dialect::default(),
            respelled: Spelled::default(),
        }
    }

    /// Begins to ask for [`Profile::application_scopes`], if there are any, instead of a token.
    pub fn for_application_scopes(profile: &'a Profile, scopes: &'a ScopeSet) -> Self {
        let mut exchange = Self::new(profile, scopes, Grant::Authenticate);
        exchange.application_scopes = profile.application_scopes.as_ref();
        exchange
    }

    /// The request to send next.
    ///
    /// # Errors
    ///
    /// The end of the grant, without a request: `credentials_unavailable` where a
    /// secret cannot be sent, or a refresh token that the API cannot take.
    pub fn request(
        &mut self,
        dialect: &Dialect,
        secrets: &Secrets,
        platform: Platform,
    ) -> Result<HttpRequest, GrantFailure> {
        self.spoken = *dialect;
        let operation = self.operation(dialect)?;
        let document = dialect.spell(self.profile, &operation.document);
        let accept = match dialect.accept {
            Accept::Standard => "application/graphql-response+json, application/json;q=0.9",
            Accept::Json => "application/json",
        };
        let filling = Filling {
            profile: self.profile,
            secrets,
            scopes: self.scopes,
            chosen: self.chosen,
            refresh_token: self.presented.as_ref(),
            refused: self.refused,
        };
        filling.request(operation, &document, accept, platform).map_err(GrantFailure::Permanent)
    }

    /// Takes note of an answer.
    pub fn answer(&mut self, response: &HttpResponse, dialect: &mut Dialect, platform: Platform) -> Verdict {
        let answer = Answer::to_grant(response, &self.profile.wire, platform);
        if answer.status == 406 && self.spoken.accept == Accept::Standard {
            dialect.accept = Accept::Json;
            return Verdict::AskAgain;
        }
        // Each question has its own kind of answer: a token is not an answer to the question for scopes.
        if self.application_scopes.is_some() {
            if let Some([(_, scopes @ Json::List(_))]) = answer.data().map(Json::members) {
                return match ScopeSet::from_external(&mut scopes.texts()) {
                    Ok(scopes) => Verdict::Scopes(scopes),
                    Err(what) => self.malformed(&answer, what),
                };
            }
        } else if let Some(token) = self.token(&answer, response) {
            if !is_sendable(token) {
                let what = "a token that is too long or holds spaces, control characters or other characters that \
                            cannot be sent";
                return self.malformed(&answer, what);
            }
            return match self.token_set(token, &answer, response, platform) {
                Ok(tokens) => Verdict::Done(Ok(tokens)),
                Err(what) => self.malformed(&answer, &what),
            };
        }
        if let Some(failure) = self.outage(&answer, response) {
            return Verdict::Done(Err(GrantFailure::Transient(failure)));
        }
        if let Some(failure) = self.interception(&answer, response) {
            return Verdict::Done(Err(GrantFailure::Transient(failure)));
        }
        let misspelled = self.misspelled(&answer);
        if self.respell(misspelled, dialect) {
            return Verdict::AskAgain;
        }
        if self.presented.is_some() && self.names_missing_operation(&answer) {
            dialect.renewal = Renewal::Absent;
        }
        let error = self.refusal(&answer, misspelled);
        let is_of_identity =
            error.code == ErrorCode::InvalidCredentials && answer.says(self.profile.signals.identity_refused);
        if is_of_identity && self.presented.is_none() {
            return Verdict::Done(Err(GrantFailure::IdentityRejected(error)));
        }
        self.refused(error)
    }

    fn operation(&self, dialect: &Dialect) -> Result<&'a Operation, GrantFailure> {
        if let Some(operation) = self.application_scopes {
            return Ok(operation);
        }
        match (&self.presented, &self.profile.renew, dialect.renewal) {
            (None, ..) => Ok(&self.profile.authenticate),
            (Some(_), Some(renew), Renewal::Offered) => Ok(renew),
            (Some(_), ..) => {
                let message = format!("{} does not take refresh tokens", self.profile.name);
                let error = TokenError::new(ErrorCode::Unsupported, message).of(&self.profile.name);
                Err(GrantFailure::RefreshTokenRejected(error))
            }
        }
    }

    /// The token in the answer, whatever it consists of.
    fn token<'b>(&self, answer: &'b Answer, response: &'b HttpResponse) -> Option<&'b str> {
        let token = match &self.profile.token {
            // Partial data: a complete payload counts, whatever else went wrong.
            TokenSource::Data(paths) => paths.lead(answer.data()?)?.as_text(),
            // A header comes with refusals and redirects too.
            TokenSource::Headers(_) if !answer.problems().is_empty() || !answer.succeeded() => None,
            TokenSource::Headers(names) => names.iter().find_map(|name| bearer(response.header(name)?)),
        };
        token.filter(|token| !token.is_empty())
    }

    fn token_set(
        &self,
        token: &str,
        answer: &Answer,
        response: &HttpResponse,
        platform: Platform,
    ) -> Result<Rc<TokenSet>, String> {
        let Profile { expiry, lifetime, .. } = self.profile;
        let data = answer.data();
        let stamp = jwt::stamp(token, platform);
        let fresh = match self.profile.wire {
            Wire::GraphQl => stamp,
            // Of a token that is older than the answer, its claims tell neither how long it lasts
            // from now nor what time it is.
            Wire::Form { .. } => TokenTimes::default(),
        };
        let clock = Clock::of(response, fresh);
        let mut tokens = issued(token, expiry.as_ref(), *lifetime, clock, data, fresh)
            .map_err(|path| format!("an end or a lifetime at `data.{path}` that cannot be read"))?;
        Rc::make_mut(&mut tokens).times = stamp;
        if let Some(data) = data {
            if self.profile.renew.is_some()
                && let Some(token) = self.profile.refresh_token.lead(data).and_then(Json::as_text)
                && !token.is_empty()
            {
                Rc::make_mut(&mut tokens).refresh_token = Some(RefreshToken::new(token));
            }
            Rc::make_mut(&mut tokens).scopes = granted_scopes(data, &self.profile.scopes)?;
        }
        if tokens.scopes.is_none() {
            Rc::make_mut(&mut tokens).scopes = asked_for(self.profile, self.scopes);
        }
        Ok(tokens)
    }

    /// A token, or scopes, with something that must not be used.
    fn malformed(&self, answer: &Answer, what: &str) -> Verdict {
        let name = self.profile.granter();
        let message = format!("{name} answered with {what}; check the profile, or tell the provider");
        self.refused(answer.error(name, ErrorCode::Protocol, message))
    }

    /// A failure that may pass.
    fn outage(&self, answer: &Answer, response: &HttpResponse) -> Option<TokenError> {
        let name = self.profile.granter();
        let throttled = answer.shows(self.profile.signals.throttled);
        // A server that says why it refuses is not out of order, whatever its status.
        let broken = answer.status >= 500 || answer.status == 408;
        let outage = answer.shows(self.profile.signals.outage)
            || (broken && !answer.says(&self.profile.signals.refused));
        let (code, message) = if throttled {
            let message =
                format!("{name} asks for fewer requests; make them later, or share one TokenManager");
            (ErrorCode::RateLimited, message)
        } else if outage {
            (
                ErrorCode::Server,
                format!("{name} is out of order ({}); {}", answer.sighted(), self.what_follows()),
            )
        } else {
            return None;
        };
        let mut error = answer.error(name, code, message);
        error.retry_after = retry_after(response);
        Some(error)
    }

    /// The end of a message about a transient failure: a grant is retried, the question for scopes is not.
    const fn what_follows(&self) -> &'static str {
        if self.application_scopes.is_some() { "ask again later" } else { "it is asked again by itself" }
    }

    /// An answer that is not the provider's. It passes: only the provider's own words are final.
    ///
    /// A bare 401 is the exception: servers refuse credentials so before they look at the request (RFC 9110
    /// section 15.5.2), and credentials that are refused must not be presented again and again.
    fn interception(&self, answer: &Answer, response: &HttpResponse) -> Option<TokenError> {
        let is_other_json = answer.kind == Kind::OtherJson && self.profile.wire == Wire::GraphQl;
        let Signals { refused, denied, .. } = &self.profile.signals;
        let denies = [refused, *denied].iter().any(|signs| signs.statuses.contains(&answer.status))
            && (answer.status == 401 || matches!(answer.kind, Kind::OtherJson | Kind::Empty));
        if denies || !(answer.is_intercepted() || is_other_json) {
            return None;
        }
        let name = self.profile.granter();
        let seen = answer.sighted();
        let option = if self.profile.wire == Wire::GraphQl { "endpoint" } else { "url" };
        let message = if answer.is_redirect() {
            format!(
                "{name} redirects, and credentials are not sent on; {}, since a network's sign-in page may be in \
                 between; otherwise set `{option}` to the address that it redirects to",
                self.what_follows()
            )
        } else {
            format!(
                "{name} answered with {} ({seen}, {}); {}; check `{option}`, and that nothing in between, such as a \
                 proxy or a network's sign-in page, answers for it",
                answer.kind.described(),
                media_type(response),
                self.what_follows()
            )
        };
        let mut error = answer.error(name, ErrorCode::Protocol, message);
        error.retryability = Some(Retryability::Retryable);
        Some(error)
    }

    /// Changes the spellings that validation complains of, each once in a grant.
    fn respell(&mut self, misspelled: Spelled, dialect: &mut Dialect) -> bool {
        let mut changed = false;
        for (place, spelling) in self.profile.spellings.iter().enumerate() {
            if misspelled[place] && !self.respelled[place] {
                // Counted from what was sent: another grant may have learned the same.
                dialect.respell(place, spelling, &self.spoken);
                self.respelled[place] = true;
                changed = true;
            }
        }
        changed
    }

    /// The words that validation complains of.
    fn misspelled(&self, answer: &Answer) -> Spelled {
        let mut misspelled = Spelled::default();
        // What passed validation has data.
        if answer.data().is_some() {
            return misspelled;
        }
        for (lead, name) in answer.problems().iter().filter_map(Problem::complaint) {
            let part = if holds(lead, "argument") { Part::Argument } else { Part::Field };
            for (place, spelling) in self.profile.spellings.iter().enumerate() {
                let word = self.spoken.word(place, spelling);
                misspelled[place] |= spelling.part == part && word.as_bytes() == name;
            }
        }
        misspelled
    }

    /// Whether validation complains of the renewing operation itself.
    fn names_missing_operation(&self, answer: &Answer) -> bool {
        let Some(renew) = &self.profile.renew else { return false };
        let document = self.spoken.spell(self.profile, &renew.document);
        let root = document.split('{').nth(1).map_or(&[][..], |root| root.trim_ascii_start().as_bytes());
        answer.problems().iter().filter_map(Problem::complaint).any(|(lead, name)| {
            let rest = root.strip_prefix(name);
            let is_root = rest.is_some_and(|rest| !rest.first().is_some_and(u8::is_ascii_alphanumeric));
            // A variable of another type: the operation is there, and takes no refresh token.
            (is_root && holds(lead, "field")) || name.first() == Some(&b'$')
        })
    }

    /// Why there is no token, where waiting does not help.
    fn refusal(&self, answer: &Answer, misspelled: Spelled) -> TokenError {
        let Profile { signals, advice, wire, .. } = self.profile;
        let name = self.profile.granter();
        let seen = answer.sighted();
        let sought = if self.application_scopes.is_some() { "the scopes" } else { "a token" };
        let failed = !answer.problems().is_empty();
        let denied = answer.shows(&signals.refused)
            || answer.shows(signals.denied)
            || (self.profile.unexplained == Unexplained::Denied && failed)
            || self.answered_null(answer);
        let mut code = ErrorCode::Protocol;
        let message = if misspelled.contains(&true) {
            format!(
                "{name} has no such request for a token ({seen}): check `endpoint`, and whether there is a newer \
                 graphql-token-manager"
            )
        } else if denied {
            code = ErrorCode::InvalidCredentials;
            format!("{name} refused the credentials ({seen}): check {advice}")
        } else if matches!(wire, Wire::Form { .. }) {
            if holds(answer.codes().as_bytes(), "invalid_scope") {
                code = ErrorCode::InsufficientScope;
            }
            format!("{name} gave no token ({seen}): check `url`, that it does not redirect, and the scopes")
        } else if answer.kind != Kind::GraphQl {
            format!("{name} answered with {} ({seen}); check `endpoint`", answer.kind.described())
        } else if failed {
            format!(
                "{name} refused the request for {sought} ({seen}): check the scopes, the ids and the version in the \
                 options"
            )
        } else if self.application_scopes.is_some() {
            format!("{name} answered without {sought}")
        } else {
            match &self.profile.token {
                TokenSource::Data(paths) => {
                    let paths = paths.iter().collect::<Vec<_>>().join("` or `data.");
                    format!("{name} answered without a token at `data.{paths}`")
                }
                TokenSource::Headers(names) => format!(
                    "{name} answered without the header `{}`; in a browser, the server must list it in \
                     `Access-Control-Expose-Headers`",
                    names.iter().collect::<Vec<_>>().join("` or `")
                ),
            }
        };
        answer.error(name, code, message)
    }

    /// A login that brings a header answers `null` where it failed.
    fn answered_null(&self, answer: &Answer) -> bool {
        let members = answer.data().map_or(&[][..], Json::members);
        matches!(self.profile.token, TokenSource::Headers(_))
            && !members.is_empty()
            && members.iter().all(|(_, value)| value.is_null())
    }

    fn refused(&self, error: TokenError) -> Verdict {
        Verdict::Done(Err(match self.presented {
            Some(_) => GrantFailure::RefreshTokenRejected(error),
            None => GrantFailure::Permanent(error),
        }))
    }
}

/// The token in a header: what comes after an optional `Bearer`.
pub(super) fn bearer(value: &str) -> Option<&str> {
    let value = value.trim();
    let token = after_scheme(value, "bearer").unwrap_or(value);
    (!token.is_empty() && !token.eq_ignore_ascii_case("bearer")).then_some(token)
}

/// The scopes of a token of which the answer does not tell them: those that were asked for
/// (RFC 6749 section 5.1).
pub(super) fn asked_for(profile: &Profile, scopes: &ScopeSet) -> Option<ScopeSet> {
    Some(scopes).filter(|scopes| !scopes.is_empty() && profile.scoping() == Scoping::ByRequest).cloned()
}

/// The scopes that the answer names. None at all means that it does not tell: a
/// token for nothing is not granted.
///
/// # Errors
///
/// The bound that they exceed; see [`ScopeSet::from_external`].
fn granted_scopes(data: &Json, paths: &Words) -> Result<Option<ScopeSet>, &'static str> {
    let Some(found) = paths.lead(data) else { return Ok(None) };
    let scopes = match found.as_text() {
        // RFC 6749 section 3.3: with spaces between them.
        Some(text) => ScopeSet::from_external(&mut text.split_ascii_whitespace()),
        None => ScopeSet::from_external(&mut found.texts()),
    }?;
    Ok((!scopes.is_empty()).then_some(scopes))
}
