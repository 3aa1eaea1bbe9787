//! One grant on the wire, from the first request to a token or the reason for none.

use crate::{
    core::{
        AccessToken, ErrorCode, Grant, GrantFailure, RefreshToken, ScopeSet, Scoping, Stamp, TokenError,
        TokenSet, is_sendable,
    },
    http::{HttpRequest, HttpResponse},
    json::{Json, Platform},
    provider::{Chosen, Operation, Part, Profile, Secrets, TokenSource, Unexplained, Wire, Words},
};

use super::{
    jwt,
    lifetime::{Clock, validity},
    point::parse_retry_after,
    request::Filling,
    response::{Answer, Kind},
};

/// What has been learned of an API: which spelling it takes, whether it renews.
///
/// Kept for as long as the manager lives, so that each lesson costs one request.
#[derive(Clone, Debug)]
pub struct Dialect {
    /// For each spelling of the profile, which variant it takes.
    chosen: Vec<usize>,
    accept: Accept,
    renewal: Renewal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Accept {
    /// Both media types (GraphQL over HTTP section 5.2).
    Standard,
    /// The legacy one alone, for a server that answered 406.
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Renewal {
    Offered,
    /// The API does not have the operation.
    Absent,
}

impl Dialect {
    /// What is likeliest.
    pub fn of(profile: &Profile) -> Self {
        Self { chosen: vec![0; profile.spellings.len()], accept: Accept::Standard, renewal: Renewal::Offered }
    }

    fn spell(&self, profile: &Profile, document: &str) -> String {
        profile.spellings.iter().zip(&self.chosen).fold(
            document.to_owned(),
            |document, (spelling, &chosen)| {
                document.replace(&format!("%{}%", spelling.name), spelling.variants[chosen])
            },
        )
    }
}

/// One grant on the wire.
#[derive(Debug)]
pub struct Exchange<'a> {
    profile: &'a Profile,
    scopes: &'a ScopeSet,
    /// What the session chose.
    chosen: &'a [Chosen],
    presented: Option<RefreshToken>,
    /// What is asked instead of for a token.
    application_scopes: Option<&'a Operation>,
    /// The digest of the token that the API refused, for a broker.
    refused: Option<String>,
    /// How the last request was worded. The dialect may have learned from another
    /// grant since, and an answer is about what was sent.
    spoken: Dialect,
    /// Spellings that were changed on the way, by their place in the profile.
    respelled: Vec<usize>,
}

/// What an answer means.
#[derive(Debug, PartialEq)]
pub enum Verdict {
    /// Ask again at once: something was learned that changes the request.
    AskAgain,
    /// The end.
    Done(Result<TokenSet, GrantFailure>),
    /// The end where the application's scopes were asked for: those.
    Scopes(ScopeSet),
}

impl<'a> Exchange<'a> {
    /// Begins `grant`, for `scopes`.
    pub fn new(profile: &'a Profile, scopes: &'a ScopeSet, grant: Grant) -> Self {
        let presented = match grant {
            Grant::Authenticate => None,
            Grant::Refresh(token) => Some(token),
        };
        let spoken = Dialect::of(profile);
        Self {
            profile,
            scopes,
            chosen: &[],
            presented,
            application_scopes: None,
            refused: None,
            spoken,
            respelled: Vec::new(),
        }
    }

    /// Begins to ask for [`Profile::application_scopes`], if there are any, instead of a token.
    pub fn for_application_scopes(profile: &'a Profile, scopes: &'a ScopeSet) -> Self {
        let application_scopes = profile.application_scopes.as_ref();
        Self { application_scopes, ..Self::new(profile, scopes, Grant::Authenticate) }
    }

    /// The same, for a session that chose variables of its own.
    #[must_use]
    pub fn choosing(self, chosen: &'a [Chosen]) -> Self {
        Self { chosen, ..self }
    }

    /// The same, after the API refused the token of this [`digest`](super::digest).
    #[must_use]
    pub fn after_refusal(self, refused: Option<String>) -> Self {
        Self { refused, ..self }
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
        self.spoken = dialect.clone();
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
            refused: self.refused.as_deref(),
        };
        filling.request(operation, &document, accept, platform).map_err(GrantFailure::Permanent)
    }

    /// Takes note of an answer.
    pub fn answer(&mut self, response: &HttpResponse, dialect: &mut Dialect, platform: Platform) -> Verdict {
        let answer = match self.profile.wire {
            Wire::GraphQl => Answer::read(response, platform),
            Wire::Form { .. } => Answer::of_form(response, platform),
        };
        if answer.status == 406 && self.spoken.accept == Accept::Standard {
            dialect.accept = Accept::Json;
            return Verdict::AskAgain;
        }
        if self.application_scopes.is_some()
            && let Some([(_, scopes @ Json::List(_))]) = answer.data.as_ref().map(Json::members)
        {
            return Verdict::Scopes(scopes.texts().collect());
        }
        match self.token(&answer, response) {
            Some(Ok(token)) => return Verdict::Done(Ok(self.token_set(&token, &answer, response, platform))),
            Some(Err(())) => {
                let message = format!(
                    "{} answered with a token that holds spaces, control characters or other characters \
                     that cannot be sent; tell the provider",
                    self.profile.name
                );
                return self.refused(self.error(ErrorCode::Protocol, message, &answer));
            }
            None => {}
        }
        if let Some(failure) = self.outage(&answer, response) {
            return Verdict::Done(Err(GrantFailure::Transient(failure)));
        }
        if self.respell(&answer, dialect) {
            return Verdict::AskAgain;
        }
        let error = self.refusal(&answer);
        if self.presented.is_some() && self.names_missing_operation(&answer) {
            dialect.renewal = Renewal::Absent;
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
                Err(GrantFailure::RefreshTokenRefused(error))
            }
        }
    }

    /// The token in the answer: `None` where there is none, an error where it is none.
    fn token(&self, answer: &Answer, response: &HttpResponse) -> Option<Result<AccessToken, ()>> {
        let text = match &self.profile.token {
            // Partial data: a complete payload counts, whatever else went wrong.
            TokenSource::Data(paths) => paths.lead(answer.data.as_ref()?)?.as_text()?.to_owned(),
            // A header comes with refusals and redirects too.
            TokenSource::Headers(_) if !answer.problems.is_empty() || !answer.succeeded() => return None,
            TokenSource::Headers(names) => names.iter().find_map(|name| bearer(response.header(name)?))?,
        };
        if text.is_empty() {
            return None;
        }
        Some(if is_sendable(&text) { Ok(AccessToken::new(text)) } else { Err(()) })
    }

    fn token_set(
        &self,
        token: &AccessToken,
        answer: &Answer,
        response: &HttpResponse,
        platform: Platform,
    ) -> TokenSet {
        let data = answer.data.as_ref();
        let text = |paths: &Words| data.and_then(|data| paths.lead(data)).and_then(Json::as_text);
        let stamp = jwt::stamp(token.expose(), platform);
        let fresh = match self.profile.wire {
            Wire::GraphQl => stamp,
            // Of a token that is older than the answer, its claims tell neither how long it lasts
            // from now nor what time it is.
            Wire::Form { .. } => Stamp::default(),
        };
        let validity = validity(self.profile.expiry.as_ref(), self.profile.lifetime, response, data, fresh);
        TokenSet {
            access_token: token.clone(),
            refresh_token: text(&self.profile.refresh_token)
                .filter(|token| self.profile.renew.is_some() && !token.is_empty())
                .map(RefreshToken::new),
            scopes: data
                .and_then(|data| granted_scopes(data, &self.profile.scopes))
                .or_else(|| asked_for(self.profile, self.scopes)),
            issued_at: response.received_at,
            expires_at: validity.expires_at,
            provider_clock: validity.provider_clock,
            stamp,
        }
    }

    /// A failure that may pass.
    fn outage(&self, answer: &Answer, response: &HttpResponse) -> Option<TokenError> {
        let name = self.profile.granter();
        let throttled = answer.shows(&self.profile.signals.throttled);
        // A server that says why it refuses is not out of order, whatever its status.
        let broken = answer.status >= 500 || answer.status == 408;
        let outage = answer.shows(&self.profile.signals.outage)
            || (broken && !answer.says(&self.profile.signals.refused));
        if !throttled && !outage {
            return None;
        }
        let now = Clock::of(response, Stamp::default()).theirs();
        let retry_after = response.header("retry-after").and_then(|text| parse_retry_after(text, now));
        let error = if throttled {
            let message =
                format!("{name} asks for fewer requests; make them later, or share one TokenManager");
            self.error(ErrorCode::RateLimited, message, answer)
        } else {
            let next = match self.application_scopes {
                Some(_) => "ask again later",
                None => "it is asked again by itself",
            };
            let message = format!("{name} is out of order ({}); {next}", sighted(answer));
            self.error(ErrorCode::Server, message, answer)
        };
        Some(TokenError { retry_after, ..error })
    }

    /// Changes the spellings that validation complains of, each once in a grant.
    fn respell(&mut self, answer: &Answer, dialect: &mut Dialect) -> bool {
        let before = self.respelled.len();
        for place in self.misspelled(answer) {
            if !self.respelled.contains(&place) {
                // Counted from what was sent: another grant may have learned the same.
                let next = self.spoken.chosen[place] + 1;
                dialect.chosen[place] = next % self.profile.spellings[place].variants.len();
                self.respelled.push(place);
            }
        }
        self.respelled.len() > before
    }

    /// The words, by their place in the profile, that validation complains of.
    fn misspelled(&self, answer: &Answer) -> Vec<usize> {
        // What passed validation has data.
        if answer.data.is_some() {
            return Vec::new();
        }
        let mut places = Vec::new();
        for (lead, name) in answer.problems.iter().filter_map(|problem| problem.complaint()) {
            let part = if lead.contains("argument") { Part::Argument } else { Part::Field };
            let spoken = self.profile.spellings.iter().zip(&self.spoken.chosen).enumerate();
            let meant = spoken.filter(|(_, (spelling, chosen))| {
                spelling.part == part && spelling.variants[**chosen] == name
            });
            places.extend(meant.map(|(place, _)| place));
        }
        places
    }

    /// Whether validation complains of the renewing operation itself.
    fn names_missing_operation(&self, answer: &Answer) -> bool {
        let Some(renew) = &self.profile.renew else { return false };
        let document = self.spoken.spell(self.profile, &renew.document);
        let root = document.split('{').nth(1).map_or("", |after| after.trim_start());
        answer.problems.iter().filter_map(|problem| problem.complaint()).any(|(lead, name)| {
            let is_root = root
                .strip_prefix(name)
                .is_some_and(|rest| !rest.starts_with(|it: char| it.is_alphanumeric()));
            // A variable of another type: the operation is there, and takes no refresh token.
            (lead.contains("field") && is_root) || name.starts_with('$')
        })
    }

    /// Why there is no token, where waiting does not help.
    fn refusal(&self, answer: &Answer) -> TokenError {
        let Profile { signals, advice, wire, .. } = self.profile;
        let name = self.profile.granter();
        if !self.misspelled(answer).is_empty() {
            let message = format!(
                "{name} has no such request for a token ({}): check `endpoint`, and whether there is a newer \
                 graphql-token-manager",
                sighted(answer)
            );
            return self.error(ErrorCode::Protocol, message, answer);
        }
        let denied = answer.shows(&signals.refused)
            || answer.shows(&signals.denied)
            || (self.profile.unexplained == Unexplained::Denied && !answer.problems.is_empty())
            || self.answered_null(answer);
        if denied {
            let message = format!("{name} refused the credentials ({}): check {advice}", sighted(answer));
            return self.error(ErrorCode::InvalidCredentials, message, answer);
        }
        if matches!(wire, Wire::Form { .. }) {
            let beyond = answer.codes().contains("invalid_scope");
            let code = if beyond { ErrorCode::InsufficientScope } else { ErrorCode::Protocol };
            let message = format!(
                "{name} gave no token ({}): check `url`, that it does not redirect, and the scopes",
                sighted(answer)
            );
            return self.error(code, message, answer);
        }
        let sought = if self.application_scopes.is_some() { "the scopes" } else { "a token" };
        let message = match (answer.kind, answer.status) {
            (_, 0 | 300..=399) => format!(
                "the endpoint of {name} redirects, and credentials are not sent on; set `endpoint` to the \
                 address it redirects to"
            ),
            (Kind::GraphQl, _) if !answer.problems.is_empty() => format!(
                "{name} refused the request for {sought} ({}): check the scopes, the ids and the version in the options",
                sighted(answer)
            ),
            (Kind::GraphQl, _) if self.application_scopes.is_some() => {
                format!("{name} answered without {sought}")
            }
            (Kind::GraphQl, _) => match &self.profile.token {
                TokenSource::Data(paths) => {
                    format!("{name} answered without a token at `data.{}`", joined(paths, "` or `data."))
                }
                TokenSource::Headers(names) => format!(
                    "{name} answered without the header `{}`; in a browser, the server must list it in \
                     `Access-Control-Expose-Headers`",
                    joined(names, "` or `")
                ),
            },
            (kind, _) => format!(
                "{name} answered with {} ({}); check that `endpoint` is a GraphQL endpoint and that nothing in \
                 between answers for it",
                kind.described(),
                sighted(answer)
            ),
        };
        self.error(ErrorCode::Protocol, message, answer)
    }

    /// A login that brings a header answers `null` where it failed.
    fn answered_null(&self, answer: &Answer) -> bool {
        let members = answer.data.as_ref().map_or(&[][..], Json::members);
        matches!(self.profile.token, TokenSource::Headers(_))
            && !members.is_empty()
            && members.iter().all(|(_, value)| value.is_null())
    }

    fn refused(&self, error: TokenError) -> Verdict {
        Verdict::Done(Err(match self.presented {
            Some(_) => GrantFailure::RefreshTokenRefused(error),
            None => GrantFailure::Permanent(error),
        }))
    }

    fn error(&self, code: ErrorCode, message: String, answer: &Answer) -> TokenError {
        TokenError {
            status: (answer.status > 0).then_some(answer.status),
            request_id: answer.request_id.clone(),
            ..TokenError::new(code, message).of(self.profile.granter())
        }
    }
}

/// The token in a header: what comes after an optional `Bearer`.
pub(super) fn bearer(value: &str) -> Option<String> {
    let value = value.trim();
    let token = match value.split_once(char::is_whitespace) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer") => rest.trim(),
        _ => value,
    };
    (!token.is_empty() && !token.eq_ignore_ascii_case("bearer")).then(|| token.to_owned())
}

/// The scopes of a token of which the answer does not tell them: those that were asked for
/// (RFC 6749 section 5.1).
pub(super) fn asked_for(profile: &Profile, scopes: &ScopeSet) -> Option<ScopeSet> {
    Some(scopes).filter(|scopes| !scopes.is_empty() && profile.scoping() == Scoping::ByRequest).cloned()
}

/// The scopes that the answer names. None at all means that it does not tell: a
/// token for nothing is not granted.
fn granted_scopes(data: &Json, paths: &Words) -> Option<ScopeSet> {
    let found = paths.lead(data)?;
    let scopes: ScopeSet = match found.as_text() {
        // RFC 6749 section 3.3: with spaces between them.
        Some(text) => text.split_ascii_whitespace().collect(),
        None => found.texts().collect(),
    };
    (!scopes.is_empty()).then_some(scopes)
}

fn joined(words: &Words, between: &str) -> String {
    let mut joined = String::new();
    for word in words.iter() {
        joined.push_str(if joined.is_empty() { "" } else { between });
        joined.push_str(word);
    }
    joined
}

/// What was seen, for a message.
pub(super) fn sighted(answer: &Answer) -> String {
    match (answer.codes(), answer.status) {
        (codes, 200) if !codes.is_empty() => codes,
        (codes, status) if !codes.is_empty() => format!("HTTP {status}, {codes}"),
        (_, status) => format!("HTTP {status}"),
    }
}
