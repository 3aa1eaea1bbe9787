//! Recorded exchanges: requests to each API, its responses, and their outcomes.
//!
//! A [`Scenario`] runs complete grants against a closure in the role of the server, and checks after each that nothing
//! printable contains a secret or a part of a response.

use std::{rc::Rc, time::Duration};

use serde_json::Value;

use crate::{
    core::{
        AccessToken, ErrorCode, Grant, GrantFailure, RefreshToken, ScopeSet, Secret, TokenError, TokenSet,
        UnixMillis,
    },
    http::{HttpRequest, HttpResponse},
    json::native::PLATFORM,
    provider::{GrantProtocol, Profile},
};

use super::{
    AuthStatus, GrantExchange, InitialRefreshTokens, Outcome, ParsedResponse, Rotation, SchemaVariants,
    rotated_token,
};

mod application_scopes;
mod auth_check;
mod braintree;
mod broker;
mod bytes;
mod custom;
mod custom_grant;
mod failures;
mod fluz;
mod fluz_refresh;
mod media_types;
mod refresh_token;
mod schema_variants;
mod toggle;
mod token_rotation;

/// Time of receipt: 2026-11-22T10:20:30Z.
const NOW: UnixMillis = UnixMillis::new(1_795_342_830_000);

/// [`NOW`] in the format of a `Date` header.
const DATE: &str = "Sun, 22 Nov 2026 10:20:30 GMT";

const MINUTE: Duration = Duration::from_secs(60);

/// More requests than any grant sends: both media types, and each variant once.
const MAX_REQUESTS: usize = 10;

type Granted = Result<Rc<TokenSet>, GrantFailure>;

/// Consecutive grants of one manager.
struct Scenario {
    profile: Profile,
    scopes: ScopeSet,
    secrets: Vec<Secret>,
    variants: SchemaVariants,
    initial_refresh_tokens: InitialRefreshTokens,
    /// Digest of the token that the API rejected.
    rejected_token: Option<String>,
    /// All requests so far.
    requests: Vec<HttpRequest>,
}

impl Scenario {
    fn new(profile: Profile, scopes: &[&str], secrets: &[&str]) -> Self {
        Self {
            variants: SchemaVariants::default(),
            initial_refresh_tokens: InitialRefreshTokens::default(),
            profile,
            scopes: scopes.iter().copied().collect(),
            secrets: secrets.iter().map(|&secret| Secret::new(secret)).collect(),
            rejected_token: None,
            requests: Vec::new(),
        }
    }

    /// Runs a grant with the long-lived credentials.
    fn authenticate(&mut self, server: impl FnMut(&HttpRequest) -> HttpResponse) -> Granted {
        self.grant(&Grant::Authenticate, server)
    }

    /// Runs a grant with a refresh token.
    fn refresh(&mut self, token: &str, server: impl FnMut(&HttpRequest) -> HttpResponse) -> Granted {
        self.grant(&Grant::Refresh(RefreshToken::new(token)), server)
    }

    /// Runs a grant with the long-lived credentials that has one response.
    fn respond(&mut self, response: HttpResponse) -> Granted {
        self.authenticate(once(response))
    }

    fn grant(&mut self, grant: &Grant, server: impl FnMut(&HttpRequest) -> HttpResponse) -> Granted {
        match self.exchange(Some(grant), server) {
            Outcome::Token(granted) => granted,
            Outcome::Resend | Outcome::Scopes(_) | Outcome::Revoked(_) => panic!("no end of a grant"),
        }
    }

    /// Requests the application's scopes.
    fn application_scopes(&mut self, response: HttpResponse) -> Result<ScopeSet, Granted> {
        match self.exchange(None, once(response)) {
            Outcome::Scopes(scopes) => Ok(scopes),
            Outcome::Token(granted) => Err(granted),
            Outcome::Resend | Outcome::Revoked(_) => panic!("the exchange does not end"),
        }
    }

    /// Runs a grant, or the request for the application's scopes, to its end.
    fn exchange(
        &mut self,
        grant: Option<&Grant>,
        mut server: impl FnMut(&HttpRequest) -> HttpResponse,
    ) -> Outcome {
        let mut exchange = match grant {
            Some(grant) => {
                let mut exchange = GrantExchange::new(&self.profile, &self.scopes, grant.clone());
                exchange.rejected_token = self.rejected_token.as_deref();
                self.initial_refresh_tokens.begin(&mut exchange, &self.profile, grant, &self.secrets);
                exchange
            }
            None => GrantExchange::for_application_scopes(&self.profile, &self.scopes),
        };
        let mut secrets: Vec<String> = self.secrets.iter().map(|secret| secret.expose().to_owned()).collect();
        if let Some(Grant::Refresh(token)) = grant {
            secrets.push(token.expose().to_owned());
        }
        let mut hidden = secrets.clone();
        for _ in 0..MAX_REQUESTS {
            let request = match exchange.next_request(&self.variants, &self.secrets, PLATFORM) {
                Ok(request) => request,
                Err(failure) => return Outcome::Token(check_printed(Err(failure), &hidden)),
            };
            let response = server(&request);
            // The requested scopes are not secret, and may equal the granted ones.
            let is_requested = |text: &String| self.scopes.iter().any(|scope| scope == text);
            hidden.extend(contents(response.body.expose()).into_iter().filter(|text| !is_requested(text)));
            if self.profile.authenticate.protocol == GrantProtocol::Form {
                // For a token endpoint, `error` is a code.
                hidden.retain(|text| !response.body.expose().contains(&format!(r#""error":"{text}""#)));
            }
            hidden.extend(response.headers.iter().map(|(_, value)| value.expose().to_owned()));
            let initial = exchange.initial();
            let outcome = exchange.handle_response(&response, &mut self.variants, PLATFORM);
            if let Some(token) = initial {
                self.initial_refresh_tokens.responded(token, &outcome, exchange.initial().as_ref());
            }
            let answer = ParsedResponse::read(&response, PLATFORM);
            assert_not_printed(&secrets, &format!("{exchange:?} {:?}", self.variants));
            assert_not_printed(&hidden, &format!("{request:?} {response:?} {answer:?} {outcome:?}"));
            self.requests.push(request);
            match outcome {
                Outcome::Resend => {}
                Outcome::Token(granted) => return Outcome::Token(check_printed(granted, &hidden)),
                Outcome::Scopes(_) | Outcome::Revoked(_) => return outcome,
            }
        }
        panic!("the exchange does not end");
    }

    fn last(&self) -> &HttpRequest {
        self.requests.last().expect("a request was made")
    }
}

/// Returns the token that is adopted from the response to a request with another one.
fn adopted(profile: &Profile, response: &HttpResponse) -> Option<Rc<TokenSet>> {
    match rotated_token(profile, response, &AccessToken::new("sent-token"), PLATFORM) {
        Rotation::Token(tokens) => Some(tokens),
        Rotation::Unchanged => None,
        Rotation::Ended(_) => panic!("the session ended"),
    }
}

/// Checks what the outcome of a grant prints.
fn check_printed(granted: Granted, hidden: &[String]) -> Granted {
    if let Err(
        GrantFailure::Transient(error)
        | GrantFailure::NotProcessed(error)
        | GrantFailure::RefreshTokenRejected(error)
        | GrantFailure::Permanent(error),
    ) = &granted
    {
        assert_not_printed(hidden, &format!("{error} {error:?} {granted:?}"));
    }
    granted
}

fn assert_not_printed(hidden: &[String], printed: &str) {
    for text in hidden.iter().filter(|text| text.len() >= SHORTEST) {
        assert!(!printed.contains(text.as_str()), "{text:?} is shown in {printed}");
    }
}

/// Shorter texts may be words of a message by chance.
const SHORTEST: usize = 6;

/// Collects every text of a body except codes and ids.
fn contents(body: &str) -> Vec<String> {
    fn collect(value: &Value, texts: &mut Vec<String>) {
        match value {
            Value::String(text) => texts.push(text.clone()),
            Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
            Value::Object(members) => members
                .iter()
                .filter(|(key, _)| !NOT_SECRET.contains(&key.as_str()))
                .for_each(|(_, value)| collect(value, texts)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    let mut texts = Vec::new();
    match serde_json::from_str(body) {
        Ok(value) => collect(&value, &mut texts),
        Err(_) => texts.push(body.to_owned()),
    }
    texts
}

/// Members with public values.
const NOT_SECRET: [&str; 7] =
    ["code", "errorClass", "requestId", "scope", "scopes", "getApplicationScopes", "expiresAt"];

/// Server that responds once.
fn once(response: HttpResponse) -> impl FnMut(&HttpRequest) -> HttpResponse {
    in_turn([response])
}

/// Server with a list of responses.
fn in_turn(responses: impl IntoIterator<Item = HttpResponse>) -> impl FnMut(&HttpRequest) -> HttpResponse {
    let mut responses: Vec<_> = responses.into_iter().collect();
    responses.reverse();
    move |_| responses.pop().expect("one more request than was expected")
}

/// Response that took 100 ms.
fn reply(status: u16, body: &str) -> HttpResponse {
    HttpResponse {
        status,
        headers: Vec::new(),
        body: Secret::new(body),
        provider_errors: None,
        predicates: 0,
        sent_at: NOW - Duration::from_millis(100),
        received_at: NOW,
    }
}

/// Response with an error of this `message`.
fn error(status: u16, message: &str) -> HttpResponse {
    reply(status, &serde_json::json!({ "errors": [{ "message": message }] }).to_string())
}

/// Response with an error of this `code`.
fn coded(status: u16, code: &str) -> HttpResponse {
    let error = serde_json::json!({ "message": "planted words", "extensions": { "code": code } });
    reply(status, &serde_json::json!({ "errors": [error] }).to_string())
}

impl HttpResponse {
    fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), Secret::new(value)));
        self
    }
}

impl HttpRequest {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.expose())
    }

    /// Returns all headers, sorted by name.
    fn sorted_headers(&self) -> Vec<(&str, &str)> {
        let mut headers: Vec<_> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
        headers.sort_unstable();
        headers
    }

    fn json(&self) -> Value {
        serde_json::from_str(self.body.expose()).expect("the body is JSON")
    }

    fn query(&self) -> String {
        self.json()["query"].as_str().expect("the query is a text").to_owned()
    }

    fn variables(&self) -> Value {
        self.json()["variables"].clone()
    }
}

/// Expected contents of an error.
struct ExpectedError {
    code: ErrorCode,
    status: Option<u16>,
    request_id: Option<&'static str>,
    retry_after: Option<Duration>,
    names: Vec<&'static str>,
}

/// Expects an error of this code without further contents.
fn fails_with(code: ErrorCode) -> ExpectedError {
    ExpectedError { code, status: None, request_id: None, retry_after: None, names: Vec::new() }
}

impl ExpectedError {
    fn status(self, status: u16) -> Self {
        Self { status: Some(status), ..self }
    }

    fn retry_after(self, span: Duration) -> Self {
        Self { retry_after: Some(span), ..self }
    }

    /// Expects the message to contain the name of an option, a function or a path.
    fn mentions(mut self, name: &'static str) -> Self {
        self.names.push(name);
        self
    }

    /// Asserts a permanent failure.
    #[track_caller]
    fn is_permanent(&self, granted: Granted) {
        match granted {
            Err(GrantFailure::Permanent(error) | GrantFailure::IdentityRejected(error)) => {
                self.compare(&error)
            }
            other => panic!("not permanent: {other:?}"),
        }
    }

    /// Asserts a transient failure.
    #[track_caller]
    fn is_transient(&self, granted: Granted) {
        match granted {
            Err(GrantFailure::Transient(error) | GrantFailure::NotProcessed(error)) => self.compare(&error),
            other => panic!("not transient: {other:?}"),
        }
    }

    /// Asserts a rejection of the refresh token, after which the credentials are used.
    #[track_caller]
    fn rejects_refresh_token(&self, granted: Granted) {
        match granted {
            Err(GrantFailure::RefreshTokenRejected(error)) => self.compare(&error),
            other => panic!("not about the refresh token: {other:?}"),
        }
    }

    #[track_caller]
    fn compare(&self, error: &TokenError) {
        assert_eq!(error.code, self.code, "{error}");
        assert_eq!(error.status, self.status, "{error}");
        assert_eq!(error.request_id.as_deref(), self.request_id, "{error}");
        assert_eq!(error.retry_after, self.retry_after, "{error}");
        assert_eq!((&error.missing_scopes, error.attempts), (&None, None), "{error}");
        assert!(error.provider.is_some(), "{error}");
        let name = error.provider.as_deref().unwrap_or_default();
        let names_it = error.message.contains(name) || error.code == ErrorCode::CredentialsUnavailable;
        assert!(names_it, "{error}");
        for name in &self.names {
            assert!(error.message.contains(name), "{name:?} is not in: {error}");
        }
    }
}

/// Returns the lifetime of a token from its receipt.
fn lifetime(token: &TokenSet) -> Duration {
    token.expires_at.since(token.issued_at)
}

fn scopes(scopes: &[&str]) -> ScopeSet {
    scopes.iter().copied().collect()
}

/// Returns an unsigned JWT with these claims.
fn jwt(claims: &str) -> String {
    use base64ct::{Base64UrlUnpadded, Encoding};

    let part = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
    format!("{}.{}.{}", part(r#"{"alg":"HS256","typ":"JWT"}"#), part(claims), part("signature"))
}
