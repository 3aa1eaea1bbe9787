//! Request-response exchange of one grant.

use std::rc::Rc;

use crate::{
    core::{
        ErrorCode, Grant, GrantFailure, RefreshToken, Retryability, RevokedTokens, ScopeSet, Scoping, Secret,
        TokenError, TokenSet, TokenTimes, UnixMillis, is_sendable,
    },
    http::{HttpRequest, HttpResponse},
    json::{Json, Platform},
    options::closest_match,
    provider::{
        DefaultFailure, ErrorMatcher, ErrorRules, GrantProtocol, Issuer, Lifetime, NameKind, Operation,
        Profile, Revocation, SelectedVariable, StringList, TokenSource,
    },
};

use super::{
    cookie::cookie,
    expiry::{ProviderClock, refresh_token_expiry, states_no_lifetime, token_with_lifetime},
    jwt,
    renewal::{presented_tokens, token_to_present},
    request::{RequestBuilder, RequestTarget, after_scheme},
    response::{
        BodyKind, GraphqlError, ParsedResponse, contains_ignore_case, is_safe_to_show, media_type,
        retry_after,
    },
    revocation::RevocationExchange,
    schema_variants::{Accept, NameFlags, RefreshOperation, SchemaVariants},
};

/// Request-response exchange of one grant: writes requests and interprets responses until there is a token or an error.
#[derive(Debug)]
pub struct GrantExchange<'a> {
    /// Variables that the session selected.
    pub chosen: &'a [SelectedVariable],
    /// The [`token_digest`](super::token_digest) of the token that the API rejected, for a broker.
    pub rejected_token: Option<&'a str>,
    profile: &'a Profile,
    scopes: &'a ScopeSet,
    presented: Option<RefreshToken>,
    /// The first refresh token, and the operation that presents it before the credentials are used.
    initial: Option<(&'a Operation, RefreshToken)>,
    /// Operation that lists the scopes, in place of a grant.
    application_scopes: Option<&'a Operation>,
    /// Revocation, in place of a grant.
    revocation: Option<RevocationExchange<'a>>,
    /// Set if the lifetime of the token was assumed, because nothing states it.
    is_lifetime_assumed: bool,
    /// The operation of the last request; the first one to send before that.
    sent: &'a Operation,
    /// Variants of the last request. The shared variants may have changed since because of another grant, but a
    /// response refers to what was sent.
    sent_variants: SchemaVariants,
    /// Names with a variant that was changed during this grant.
    advanced: NameFlags,
}

/// Meaning of a response.
#[derive(Debug, PartialEq)]
pub enum Outcome {
    /// The request must be sent again at once, with changes that the response caused.
    Resend,
    /// The grant has ended.
    Token(Result<Rc<TokenSet>, GrantFailure>),
    /// The application's scopes, where these were requested.
    Scopes(ScopeSet),
    /// The revocation has ended.
    Revoked(Result<(), TokenError>),
}

impl<'a> GrantExchange<'a> {
    /// Creates the exchange of `grant` for `scopes`.
    pub fn new(profile: &'a Profile, scopes: &'a ScopeSet, grant: Grant) -> Self {
        let presented = match grant {
            Grant::Authenticate | Grant::AuthenticateIfChanged(_) => None,
            Grant::Refresh(token) => Some(token),
        };
        Self {
            chosen: &[],
            rejected_token: None,
            profile,
            scopes,
            presented,
            initial: None,
            application_scopes: None,
            revocation: None,
            is_lifetime_assumed: false,
            sent: &profile.authenticate,
            sent_variants: SchemaVariants::default(),
            advanced: NameFlags::default(),
        }
    }

    /// Presents the first refresh token before the credentials.
    pub fn begin_with(&mut self, refresh_token: RefreshToken) {
        if let (None, Some(initial)) = (&self.presented, &self.profile.refresh_rules.initial) {
            self.initial = Some((&initial.0, refresh_token));
        }
    }

    /// Returns the first refresh token, if the next or current request presents it.
    pub fn initial(&self) -> Option<RefreshToken> {
        self.initial.as_ref().map(|(_, token)| token.clone())
    }

    /// Creates an exchange that requests [`Profile::application_scopes`] instead of a token, where the profile has the
    /// operation.
    pub fn for_application_scopes(profile: &'a Profile, scopes: &'a ScopeSet) -> Self {
        let mut exchange = Self::new(profile, scopes, Grant::Authenticate);
        exchange.application_scopes = profile.application_scopes.as_ref();
        exchange
    }

    /// Creates an exchange that revokes tokens by the `revocation` of the profile.
    pub fn for_revocation(
        profile: &'a Profile,
        scopes: &'a ScopeSet,
        revocation: &'a Revocation,
        tokens: RevokedTokens,
    ) -> Self {
        let mut exchange = Self::new(profile, scopes, Grant::Authenticate);
        exchange.revocation = Some(RevocationExchange::new(revocation, tokens));
        exchange.sent = &revocation.operation;
        exchange
    }

    /// Returns the refresh token that is presented.
    pub const fn presented(&self) -> Option<&RefreshToken> {
        self.presented.as_ref()
    }

    /// Returns whether the lifetime of the token was assumed, because nothing states it.
    pub const fn is_lifetime_assumed(&self) -> bool {
        self.is_lifetime_assumed
    }

    /// Returns the option with the URL that requests are sent to.
    pub fn url_option(&self) -> &'static str {
        self.profile.url_option(self.sent)
    }

    /// Returns a path for a message, from the body of a response.
    fn shown_path(&self, path: &str) -> String {
        if self.sent.protocol == GrantProtocol::GraphQl { ["data.", path].concat() } else { path.to_owned() }
    }

    /// Returns the URL that requests are sent to.
    pub fn url(&self) -> &'a str {
        self.sent.url(self.profile)
    }

    /// Returns the request to send next.
    ///
    /// # Errors
    ///
    /// The end of the grant without a request: `credentials_unavailable` where a secret cannot be sent in a header, or
    /// a refresh token where the API has no operation for it.
    pub fn next_request(
        &mut self,
        variants: &SchemaVariants,
        secrets: &[Secret],
        platform: Platform,
    ) -> Result<HttpRequest, GrantFailure> {
        self.sent_variants = *variants;
        let mut builder = RequestBuilder {
            profile: self.profile,
            secrets,
            scopes: self.scopes,
            chosen: self.chosen,
            refresh_token: None,
            access_token: None,
            token_type_hint: "",
            rejected_token: self.rejected_token,
            target: RequestTarget::of_grant(self.profile),
        };
        if let Some(presented) = &self.presented {
            (builder.access_token, builder.refresh_token) = presented_tokens(presented);
        }
        if let Some(revocation) = &self.revocation {
            revocation.complete(&mut builder);
        }
        let operation = self.operation(variants)?;
        self.sent = operation;
        let document = variants.render(self.profile, &operation.document);
        let accept = match variants.accept {
            Accept::Standard => "application/graphql-response+json, application/json;q=0.9",
            Accept::Json => "application/json",
        };
        builder.build(operation, &document, accept, platform).map_err(GrantFailure::Permanent)
    }

    /// Ends a request without a response. Returns `Ok` if another request follows.
    ///
    /// # Errors
    ///
    /// The failure of the exchange: of a revocation, its first.
    pub fn handle_failure(&mut self, failure: GrantFailure) -> Result<(), GrantFailure> {
        let Some(revocation) = &mut self.revocation else { return Err(failure) };
        let ended = revocation.end_token(Some(failure.into_error()));
        ended.map_or(Ok(()), |result| result.map_err(GrantFailure::Permanent))
    }

    /// Interprets a response; updates `variants` with what it shows about the API.
    pub fn handle_response(
        &mut self,
        response: &HttpResponse,
        variants: &mut SchemaVariants,
        platform: Platform,
    ) -> Outcome {
        let parsed = ParsedResponse::of_grant(response, self.sent.protocol, platform);
        if parsed.status == 406 && self.sent_variants.accept == Accept::Standard {
            variants.accept = Accept::Json;
            return Outcome::Resend;
        }
        if let Some(revocation) = &mut self.revocation {
            let ended = revocation.handle_response(self.profile, &parsed);
            return ended.map_or(Outcome::Resend, Outcome::Revoked);
        }
        // A token is not a response to a request for scopes, and vice versa.
        if self.application_scopes.is_some() {
            if let Some([(_, scopes @ Json::List(_))]) = parsed.data().map(Json::members) {
                return match ScopeSet::from_external(&mut scopes.texts()) {
                    Ok(scopes) => Outcome::Scopes(scopes),
                    Err(what) => self.malformed(&parsed, what),
                };
            }
        } else if let Some(token) = self.token(&parsed, response) {
            if let Some(what) = self.unusable_type(&parsed) {
                return self.malformed(&parsed, &what);
            }
            if !is_sendable(token) {
                let what = "a token that is too long or holds spaces, control characters or other characters that \
                            cannot be sent";
                return self.malformed(&parsed, what);
            }
            return match self.token_set(token, &parsed, response, platform) {
                Ok(tokens) => {
                    let Profile { expiry, lifetime, issuer, .. } = self.profile;
                    let claims = tokens.times;
                    self.is_lifetime_assumed = matches!(lifetime, Lifetime::Assumed(_))
                        && *issuer == Issuer::Provider
                        && states_no_lifetime(
                            expiry.as_ref(),
                            ProviderClock::of(response, claims),
                            parsed.data(),
                            claims,
                        );
                    Outcome::Token(Ok(tokens))
                }
                Err(what) => self.malformed(&parsed, &what),
            };
        }
        if let Some(failure) = self.transient_failure(&parsed, response) {
            // RFC 6585 section 4 and RFC 9110 section 15.6.4: the request was not processed.
            let is_processed = !matches!(parsed.status, 429 | 503);
            let failure = if is_processed {
                GrantFailure::Transient(failure)
            } else {
                GrantFailure::NotProcessed(failure)
            };
            return Outcome::Token(Err(failure));
        }
        if let Some(failure) = self.intercepted(&parsed, response) {
            return Outcome::Token(Err(GrantFailure::Transient(failure)));
        }
        let rejected_names = self.rejected_names(&parsed);
        if self.try_next_variants(rejected_names, variants) {
            return Outcome::Resend;
        }
        if self.presented.is_some() && self.reports_missing_operation(&parsed) {
            variants.refresh_operation = RefreshOperation::Absent;
        }
        let error = self.permanent_failure(&parsed, rejected_names);
        let is_of_identity = error.code == ErrorCode::InvalidCredentials
            && parsed.errors_match(&self.profile.error_rules.identity_rejected);
        if is_of_identity && self.presented.is_none() && self.initial.is_none() {
            return Outcome::Token(Err(GrantFailure::IdentityRejected(error)));
        }
        self.fail(error)
    }

    fn operation(&self, variants: &SchemaVariants) -> Result<&'a Operation, GrantFailure> {
        if let Some(revocation) = &self.revocation {
            return Ok(&revocation.revocation.operation);
        }
        if let Some(operation) = self.application_scopes {
            return Ok(operation);
        }
        if let Some((operation, _)) = &self.initial {
            return Ok(operation);
        }
        match (&self.presented, &self.profile.renew, variants.refresh_operation) {
            (None, ..) => Ok(&self.profile.authenticate),
            (Some(_), Some(renew), RefreshOperation::Assumed) => Ok(renew),
            (Some(_), ..) => {
                let message = format!("{} does not take refresh tokens", self.profile.name);
                let error = TokenError::new(ErrorCode::Unsupported, message).of(&self.profile.name);
                Err(GrantFailure::RefreshTokenRejected(error))
            }
        }
    }

    /// Returns the token of the response, without a check of its characters.
    fn token<'b>(&self, parsed: &'b ParsedResponse, response: &'b HttpResponse) -> Option<&'b str> {
        let token = match &self.profile.token {
            // A complete payload counts even where the response has errors (partial data).
            TokenSource::Data(paths) => paths.find_in(parsed.data()?)?.as_text(),
            // Rejections and redirects can have the header as well.
            TokenSource::Headers(_) | TokenSource::Cookie(_)
                if !parsed.is_success() || self.has_failed(parsed) =>
            {
                None
            }
            TokenSource::Cookie(name) => cookie(response, name),
            TokenSource::Headers(names) => names.iter().find_map(|name| bearer(response.header(name)?)),
        };
        token.filter(|token| !token.is_empty())
    }

    /// Returns whether the response states a failure beside a header that may contain a token.
    fn has_failed(&self, parsed: &ParsedResponse) -> bool {
        let ErrorRules { rejected, denied, .. } = &self.profile.error_rules;
        !parsed.errors().is_empty() || parsed.errors_match(rejected) || parsed.errors_match(denied)
    }

    fn token_set(
        &self,
        token: &str,
        parsed: &ParsedResponse,
        response: &HttpResponse,
        platform: Platform,
    ) -> Result<Rc<TokenSet>, String> {
        let Profile { expiry, lifetime, .. } = self.profile;
        let data = parsed.data();
        let stamp = jwt::claimed_times(token, platform);
        let fresh = match self.profile.issuer {
            Issuer::Provider => stamp,
            // A token from a broker can be older than the response, so its claims determine neither the remaining
            // lifetime nor the current time.
            Issuer::Broker => TokenTimes::default(),
        };
        let clock = ProviderClock::of(response, fresh);
        let mut tokens =
            token_with_lifetime(token, expiry.as_ref(), *lifetime, clock, data, fresh).map_err(|path| {
                format!("an end or a lifetime at `{}` that cannot be read", self.shown_path(&path))
            })?;
        Rc::make_mut(&mut tokens).times = stamp;
        if let Some(data) = data {
            let found = match &self.profile.refresh_rules.cookie {
                Some(name) => cookie(response, name),
                None => self.profile.refresh_token.find_in(data).and_then(Json::as_text),
            };
            let is_deleted = self.profile.refresh_rules.cookie.is_some() && found == Some("");
            let found = found.filter(|token| !token.is_empty());
            let refresh_token = token_to_present(self.profile, token, found);
            let expires_at = match found {
                Some(found) => self.refresh_token_expiry(found, clock, data, platform)?,
                None => None,
            };
            Rc::make_mut(&mut tokens).refresh_token = refresh_token
                .map(|refresh_token| refresh_token.expiring(expires_at))
                .or_else(|| self.initial.as_ref().map(|(_, token)| token.clone()))
                // The session would keep the one that was presented.
                .or_else(|| {
                    let presented = self.presented.clone().filter(|_| is_deleted)?;
                    Some(presented.expiring(Some(UnixMillis::new(0))))
                });
            Rc::make_mut(&mut tokens).scopes = granted_scopes(data, &self.profile.scopes)?;
        }
        if tokens.scopes.is_none() {
            Rc::make_mut(&mut tokens).scopes = requested_scopes(self.profile, self.scopes);
        }
        Ok(tokens)
    }

    /// Describes the `token_type` of a response if requests do not present the token so: a client must not use a token whose
    /// type it does not understand (RFC 6749 section 7.1). Only a token endpoint states the type, and some leave it out.
    fn unusable_type(&self, parsed: &ParsedResponse) -> Option<String> {
        if self.sent.protocol != GrantProtocol::Form || self.profile.issuer == Issuer::Broker {
            return None;
        }
        let stated = parsed.data()?.get("token_type").filter(|stated| !stated.is_null())?;
        let scheme = &self.profile.presentation.scheme;
        let text = stated.as_text();
        if text.is_some_and(|it| it.eq_ignore_ascii_case("bearer") || it.eq_ignore_ascii_case(scheme)) {
            return None;
        }
        let shown = text.filter(|text| is_safe_to_show(text)).unwrap_or("that cannot be shown");
        Some(
            ["a token of the type ", shown, ", which is not sent as `Bearer` (RFC 6749 section 7.1)"]
                .concat(),
        )
    }

    fn refresh_token_expiry(
        &self,
        refresh_token: &str,
        clock: ProviderClock,
        data: &Json,
        platform: Platform,
    ) -> Result<Option<UnixMillis>, String> {
        let Some(expiry) = &self.profile.refresh_rules.expiry else { return Ok(None) };
        let claims = jwt::claimed_times(refresh_token, platform);
        match refresh_token_expiry(expiry, clock, data, claims) {
            // RFC 6749 does not define the field, which may mean something else.
            Err(_) if self.sent.protocol == GrantProtocol::Form => Ok(None),
            expiry => expiry.map_err(|path| {
                format!("an end of the refresh token at `{}` that cannot be read", self.shown_path(&path))
            }),
        }
    }

    /// Rejects a response with a token, an expiry or scopes that cannot be used.
    fn malformed(&mut self, parsed: &ParsedResponse, what: &str) -> Outcome {
        let name = self.profile.issuer_name();
        let message = format!("{name} answered with {what}; check the profile, or tell the provider");
        self.fail(parsed.error(name, ErrorCode::Protocol, message))
    }

    /// Returns the error of a rate limit or an outage.
    fn transient_failure(&self, parsed: &ParsedResponse, response: &HttpResponse) -> Option<TokenError> {
        let name = self.profile.issuer_name();
        let rate_limited = parsed.matches(&self.profile.error_rules.rate_limited);
        // A rejection is not an outage, whatever its status.
        let broken = parsed.status >= 500 || parsed.status == 408;
        let outage = parsed.matches(&self.profile.error_rules.outage)
            || (broken && !parsed.errors_match(&self.profile.error_rules.rejected));
        let (code, message) = if rate_limited {
            let message = format!("{name} rate limited the request; retry later, or share one TokenManager");
            (ErrorCode::RateLimited, message)
        } else if outage {
            (
                ErrorCode::Server,
                format!("{name} is out of order ({}); {}", parsed.summary(), self.next_step()),
            )
        } else {
            return None;
        };
        let mut error = parsed.error(name, code, message);
        error.retry_after = retry_after(response);
        Some(error)
    }

    /// Returns the end of a message about a transient failure: only grants are retried.
    const fn next_step(&self) -> &'static str {
        if self.application_scopes.is_some() { "try again later" } else { "it is retried" }
    }

    /// Returns the error of a response that did not come from the provider. It is transient, because only the provider
    /// can reject a grant for good.
    ///
    /// A bare 401 is the exception: servers reject credentials with it before they read the request (RFC 9110 section
    /// 15.5.2), and rejected credentials must not be presented repeatedly.
    fn intercepted(&self, parsed: &ParsedResponse, response: &HttpResponse) -> Option<TokenError> {
        let is_other_json =
            parsed.kind == BodyKind::OtherJson && self.sent.protocol == GrantProtocol::GraphQl;
        let ErrorRules { rejected, denied, .. } = &self.profile.error_rules;
        let denies = [rejected, denied].iter().any(|matcher| matcher.statuses.contains(&parsed.status))
            && (parsed.status == 401 || matches!(parsed.kind, BodyKind::OtherJson | BodyKind::Empty));
        let denies = denies || parsed.matches_predicate(rejected) || parsed.matches_predicate(denied);
        if denies || !(parsed.is_intercepted() || is_other_json) {
            return None;
        }
        let name = self.profile.issuer_name();
        let summary = parsed.summary();
        let option = self.url_option();
        let message = if parsed.is_redirect() {
            format!(
                "{name} redirects, and credentials are not sent on; {}, since a network's sign-in page may be in \
                 between; otherwise set `{option}` to the address that it redirects to",
                self.next_step()
            )
        } else {
            format!(
                "{name} answered with {} ({summary}, {}); {}; check `{option}`, and that nothing in between, such as a \
                 firewall, a proxy or a network's sign-in page, answers for it",
                parsed.kind.description(),
                media_type(response),
                self.next_step()
            )
        };
        let mut error = parsed.error(name, ErrorCode::Protocol, message);
        error.retryability = Some(Retryability::Retryable);
        Some(error)
    }

    /// Selects the next variant of each rejected name, at most once per name and grant. Returns whether any changed.
    fn try_next_variants(&mut self, rejected_names: NameFlags, variants: &mut SchemaVariants) -> bool {
        let mut changed = false;
        for (index, name) in self.profile.schema_names.iter().enumerate() {
            if rejected_names[index] && !self.advanced[index] {
                // Relative to the sent variant: another grant may have advanced it already.
                variants.advance(index, name, &self.sent_variants);
                self.advanced[index] = true;
                changed = true;
            }
        }
        changed
    }

    /// Returns the schema names that a validation error rejects.
    fn rejected_names(&self, parsed: &ParsedResponse) -> NameFlags {
        let mut rejected_names = NameFlags::default();
        // A response with data has passed validation.
        if parsed.data().is_some() {
            return rejected_names;
        }
        for (lead, rejected) in parsed.errors().iter().filter_map(GraphqlError::rejected_name) {
            let kind =
                if contains_ignore_case(lead, "argument") { NameKind::Argument } else { NameKind::Field };
            for (index, name) in self.profile.schema_names.iter().enumerate() {
                let word = self.sent_variants.current(index, name);
                rejected_names[index] |= name.kind == kind && word.as_bytes() == rejected;
            }
        }
        rejected_names
    }

    /// Returns whether a validation error rejects the refresh operation itself.
    fn reports_missing_operation(&self, parsed: &ParsedResponse) -> bool {
        let Some(renew) = &self.profile.renew else { return false };
        let document = self.sent_variants.render(self.profile, &renew.document);
        let root = document.split('{').nth(1).map_or(&[][..], |root| root.trim_ascii_start().as_bytes());
        parsed.errors().iter().filter_map(GraphqlError::rejected_name).any(|(lead, name)| {
            let rest = root.strip_prefix(name);
            let is_root = rest.is_some_and(|rest| !rest.first().is_some_and(u8::is_ascii_alphanumeric));
            // A type error of a variable: the operation exists, but does not take a refresh token.
            (is_root && contains_ignore_case(lead, "field")) || name.first() == Some(&b'$')
        })
    }

    /// Returns the error of a failure that retrying does not resolve.
    fn permanent_failure(&self, parsed: &ParsedResponse, rejected_names: NameFlags) -> TokenError {
        let Profile { error_rules, advice, .. } = self.profile;
        let name = self.profile.issuer_name();
        let summary = parsed.summary();
        let sought = if self.application_scopes.is_some() { "the scopes" } else { "a token" };
        let failed = !parsed.errors().is_empty() || parsed.has_failed_execution();
        let denied = parsed.matches(&error_rules.rejected)
            || parsed.matches(&error_rules.denied)
            || self.is_denied_by_default(parsed)
            || self.is_null_login(parsed);
        let mut code = ErrorCode::Protocol;
        let message = if rejected_names.contains(&true) {
            format!(
                "{name} has no such request for a token ({summary}): check `endpoint`, and whether there is a newer \
                 graphql-token-manager"
            )
        } else if denied {
            code = ErrorCode::InvalidCredentials;
            let host = self.profile.grant_host();
            let environment = self.profile.environment.map_or_else(String::new, |environment| {
                [" (`environment` is \"", environment.name(), "\")"].concat()
            });
            format!("{name} refused the credentials ({summary}) at {host}{environment}: check {advice}")
        } else if self.sent.protocol == GrantProtocol::Form {
            if contains_ignore_case(parsed.codes().as_bytes(), "invalid_scope") {
                code = ErrorCode::InsufficientScope;
            }
            let option = self.url_option();
            format!(
                "{name} gave no token ({summary}): check `{option}`, that it does not redirect, and the scopes"
            )
        } else if parsed.kind != BodyKind::GraphQl && self.sent.protocol == GrantProtocol::GraphQl {
            format!(
                "{name} answered with {} ({summary}); check `{}`",
                parsed.kind.description(),
                self.url_option()
            )
        } else if failed {
            let reason = match self.scope_suggestion() {
                suggestion if suggestion.is_empty() => {
                    "check the scopes, the ids and the version in the options".to_owned()
                }
                suggestion => suggestion,
            };
            format!("{name} refused the request for {sought} ({summary}): {reason}")
        } else if self.application_scopes.is_some() {
            format!("{name} answered without {sought}")
        } else {
            match &self.profile.token {
                TokenSource::Data(paths) => {
                    let mut listed = Vec::new();
                    for path in paths.iter() {
                        listed.push(self.shown_path(path));
                    }
                    format!("{name} answered without a token at `{}`", listed.join("` or `"))
                }
                TokenSource::Cookie(cookie) => format!("{name} answered without the cookie `{cookie}`"),
                TokenSource::Headers(names) => format!(
                    "{name} answered without the header `{}`; in a browser, the server must list it in \
                     `Access-Control-Expose-Headers`",
                    names.iter().collect::<Vec<_>>().join("` or `")
                ),
            }
        };
        parsed.error(name, code, message)
    }

    /// Returns a question for each requested scope that is probably misspelled. The provider decides which scopes exist:
    /// it may have more than are documented.
    fn scope_suggestion(&self) -> String {
        let known = self.profile.known_scopes.iter();
        let known = known.as_slice();
        let mut suggestions = Vec::new();
        for scope in self.scopes.iter().filter(|scope| !known.contains(scope)) {
            if let Some(meant) = closest_match(scope, known) {
                suggestions.push(format!("did you mean the scope \"{meant}\", not \"{scope}\""));
            }
        }
        suggestions.join("; ")
    }

    /// Returns whether an error that matches no rule rejects the credentials.
    fn is_denied_by_default(&self, parsed: &ParsedResponse) -> bool {
        match self.profile.default_failure {
            DefaultFailure::Protocol => false,
            DefaultFailure::InvalidCredentials => !parsed.errors().is_empty(),
            DefaultFailure::InvalidCredentialsIfExecuted => {
                let failed = match self.sent.protocol {
                    GrantProtocol::Json => matches!(parsed.status, 400 | 401 | 403 | 422),
                    GrantProtocol::GraphQl | GrantProtocol::Form => parsed.has_failed_execution(),
                };
                failed && !parsed.errors_match(&INTERNAL_ERROR)
            }
        }
    }

    /// Returns whether the response has `null` instead of a token and no errors, which is how some APIs report a failed
    /// login: at the path of the token, or in all root fields if the token is in a header.
    fn is_null_login(&self, parsed: &ParsedResponse) -> bool {
        let Some(data) = parsed.data() else { return false };
        if !parsed.errors().is_empty() {
            return false;
        }
        let members = data.members();
        let is_null = !members.is_empty() && members.iter().all(|(_, value)| value.is_null());
        match &self.profile.token {
            TokenSource::Headers(_) | TokenSource::Cookie(_) => is_null,
            TokenSource::Data(paths) => {
                self.profile.default_failure == DefaultFailure::InvalidCredentialsIfExecuted
                    && (is_null || paths.iter().any(|path| data.at(path).is_some_and(Json::is_null)))
            }
        }
    }

    fn fail(&mut self, error: TokenError) -> Outcome {
        // The credentials follow.
        if self.initial.take().is_some() {
            return Outcome::Resend;
        }
        Outcome::Token(Err(match self.presented {
            Some(_) => GrantFailure::RefreshTokenRejected(error),
            None => GrantFailure::Permanent(error),
        }))
    }
}

/// The code of errors inside the server, in graphql-js and Apollo Server.
const INTERNAL_ERROR: ErrorMatcher = ErrorMatcher::of(&[], "INTERNAL_SERVER_ERROR");

/// Returns the token of a header value, without an optional `Bearer`.
pub(super) fn bearer(value: &str) -> Option<&str> {
    let value = value.trim();
    let token = after_scheme(value, "bearer").unwrap_or(value);
    (!token.is_empty() && !token.eq_ignore_ascii_case("bearer")).then_some(token)
}

/// Returns the requested scopes, which apply where the response states none (RFC 6749 section 5.1).
pub(super) fn requested_scopes(profile: &Profile, scopes: &ScopeSet) -> Option<ScopeSet> {
    Some(scopes).filter(|scopes| !scopes.is_empty() && profile.scoping() == Scoping::ByRequest).cloned()
}

/// Returns the scopes that the response states; `None` where the list is empty or missing, because a token without any
/// scope is not granted.
///
/// # Errors
///
/// The exceeded limit; see [`ScopeSet::from_external`].
fn granted_scopes(data: &Json, paths: &StringList) -> Result<Option<ScopeSet>, &'static str> {
    let Some(found) = paths.find_in(data) else { return Ok(None) };
    let scopes = match found.as_text() {
        // RFC 6749 section 3.3: separated by spaces.
        Some(text) => ScopeSet::from_external(&mut text.split_ascii_whitespace()),
        None => ScopeSet::from_external(&mut found.texts()),
    }?;
    Ok((!scopes.is_empty()).then_some(scopes))
}
