//! Parsing of responses (GraphQL over HTTP; GraphQL specification section 7).
//!
//! Tolerant where servers differ: the status alone determines nothing, errors may lack keys or be in unusual places,
//! and the body may not be GraphQL.

use std::{fmt, rc::Rc, time::Duration};

use crate::{
    core::{ErrorCode, ProviderErrors, TokenError, TokenTimes, limits::MAX_ERRORS},
    http::HttpResponse,
    json::{Json, Platform, has_too_many_values},
    provider::{ErrorMatcher, GrantProtocol, error_rules::CODE_PATHS, profile::strings},
};

use super::{expiry::ProviderClock, timestamp::parse_retry_after};

/// A parsed response.
pub struct ParsedResponse {
    /// The HTTP status.
    pub status: u16,
    /// Kind of body.
    pub kind: BodyKind,
    /// Body, where it is JSON.
    body: Option<Json>,
    format: ResponseFormat,
    purpose: Purpose,
    provider_errors: Option<Rc<ProviderErrors>>,
    predicates: u8,
}

/// What the request was for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// A token. Failures may be described in the payloads of the operation.
    Grant,
    /// Any operation, whose payloads may look like errors.
    Request,
}

/// Layout of data and errors in a body.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ResponseFormat {
    /// GraphQL.
    GraphQl,
    /// JSON: the members of the body are the data. The error is a code (RFC 6749 sections 5.1 and 5.2) or an object.
    Plain,
}

/// Prints the codes only: a message may quote a secret.
impl fmt::Debug for ParsedResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ParsedResponse").field(&self.status).field(&self.codes()).finish()
    }
}

/// Kind of body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyKind {
    /// An object with `data` or errors.
    GraphQl,
    /// Other JSON.
    OtherJson,
    /// HTML.
    Html,
    /// Empty.
    Empty,
    /// Not JSON.
    NotJson,
    /// More values than the response to a grant has.
    TooLarge,
}

impl BodyKind {
    /// Describes the body in a message: "answered with …".
    pub const fn description(self) -> &'static str {
        match self {
            Self::GraphQl => "a GraphQL answer",
            Self::OtherJson => "JSON that is no GraphQL answer",
            Self::Html => "an HTML page",
            Self::Empty => "an empty body",
            Self::NotJson => "a body that is not JSON, or only a part of it",
            Self::TooLarge => "JSON of more than 10,000 values",
        }
    }
}

impl ParsedResponse {
    /// Parses an API response.
    pub fn read(response: &HttpResponse, platform: Platform) -> Self {
        Self::of(response, ResponseFormat::GraphQl, Purpose::Request, platform)
    }

    /// Parses the response to a grant.
    pub fn of_grant(response: &HttpResponse, protocol: GrantProtocol, platform: Platform) -> Self {
        let format = match protocol {
            GrantProtocol::GraphQl => ResponseFormat::GraphQl,
            GrantProtocol::Form | GrantProtocol::Json => ResponseFormat::Plain,
        };
        if has_too_many_values(response.body.expose()) {
            let kind = BodyKind::TooLarge;
            return Self {
                status: response.status,
                kind,
                body: None,
                format,
                purpose: Purpose::Grant,
                provider_errors: None,
                predicates: response.predicates,
            };
        }
        Self::of(response, format, Purpose::Grant, platform)
    }

    fn of(response: &HttpResponse, format: ResponseFormat, purpose: Purpose, platform: Platform) -> Self {
        let text = strip_bom(response.body.expose());
        let body = (platform.parse_json)(text);
        let kind = match &body {
            Some(body) if body.get("data").is_some() || !errors_in(body, format).is_empty() => {
                BodyKind::GraphQl
            }
            Some(_) => BodyKind::OtherJson,
            None if text.is_empty() => BodyKind::Empty,
            None if text.as_bytes().first() == Some(&b'<') => BodyKind::Html,
            None => BodyKind::NotJson,
        };
        let provider_errors = response.provider_errors.clone();
        let predicates = response.predicates;
        Self { status: response.status, kind, body, format, purpose, provider_errors, predicates }
    }

    /// Returns the data, unless it is missing or `null`.
    pub fn data(&self) -> Option<&Json> {
        let body = self.body.as_ref()?;
        match self.format {
            ResponseFormat::GraphQl => body.get("data").filter(|data| !data.is_null()),
            ResponseFormat::Plain => Some(body),
        }
    }

    /// Returns the errors from all supported places.
    pub(super) fn errors(&self) -> Vec<GraphqlError<'_>> {
        self.body.as_ref().map_or_else(Vec::new, |body| errors_in(body, self.format))
    }

    /// Returns the errors, and for a grant the payloads that may describe its failure.
    fn failures(&self) -> Vec<GraphqlError<'_>> {
        let mut failures = self.errors();
        if self.purpose == Purpose::Grant
            && let Some(body) = &self.body
        {
            failures.extend(failed_payloads(body));
            if self.format == ResponseFormat::Plain {
                failures.push(GraphqlError { error: body, kind: ErrorKind::Problem });
            }
        }
        failures
    }

    /// Returns whether the operation was executed and failed: the response has `data`, and errors beside it or in its
    /// payloads.
    pub(super) fn has_failed_execution(&self) -> bool {
        let data = self.body.as_ref().and_then(|body| body.get("data"));
        data.is_some() && (!self.errors().is_empty() || data.is_some_and(has_failed_payload))
    }

    /// Returns whether the response has errors as defined by the GraphQL specification (section 7.1), unlike the JSON
    /// of a gateway.
    pub(super) fn has_graphql_errors(&self) -> bool {
        let errors = self.body.as_ref().and_then(|body| body.get("errors")).map_or(&[][..], Json::items);
        !errors.is_empty()
            && errors.iter().all(|error| error.get("message").and_then(Json::as_text).is_some())
    }

    /// Returns the provider's id of the request.
    pub fn request_id(&self) -> Option<&str> {
        self.body.as_ref()?.at("extensions.requestId")?.as_text().filter(|id| is_safe_to_show(id))
    }

    /// Returns whether the status is in the 2xx range. 294 is "partial success" (GraphQL over HTTP).
    pub const fn is_success(&self) -> bool {
        matches!(self.status, 200..=299)
    }

    /// Returns whether the status or an error matches.
    pub fn matches(&self, matcher: &ErrorMatcher) -> bool {
        matcher.statuses.contains(&self.status) || self.errors_match(matcher)
    }

    /// Returns whether an error matches, regardless of the status.
    pub fn errors_match(&self, matcher: &ErrorMatcher) -> bool {
        self.failures().iter().any(|error| error.matches(matcher))
            || self.data().is_some_and(|data| matches_data(data, matcher))
            || self.matches_predicate(matcher)
    }

    /// Returns whether the function of a rule matches, whatever the response is.
    pub(super) const fn matches_predicate(&self, matcher: &ErrorMatcher) -> bool {
        matcher.matches_predicate(self.predicates)
    }

    /// Returns whether an error that matches has a path: it is that of a field (GraphQL specification section 7.1.2).
    pub(super) fn rejects_field(&self, matcher: &ErrorMatcher) -> bool {
        let has_path =
            |it: &GraphqlError<'_>| it.error.get("path").is_some_and(|path| !path.items().is_empty());
        self.errors().iter().any(|error| has_path(error) && error.matches(matcher))
    }

    /// Returns the first few error codes for a message; empty where there are none.
    pub fn codes(&self) -> String {
        let mut codes: Vec<&str> = Vec::new();
        for error in self.failures() {
            for code in error.shown_codes().into_iter().flatten() {
                if codes.len() <= MAX_CODES_SHOWN && !codes.contains(&code) {
                    codes.push(if codes.len() < MAX_CODES_SHOWN { code } else { "…" });
                }
            }
        }
        codes.join(", ")
    }

    /// Returns the status and codes for a message.
    pub(super) fn summary(&self) -> String {
        match (self.codes(), self.status) {
            (codes, 200) if !codes.is_empty() => codes,
            (codes, status) if !codes.is_empty() => format!("HTTP {status}, {codes}"),
            (_, status) => format!("HTTP {status}"),
        }
    }

    /// Returns whether a proxy, a gateway or a captive portal appears to have responded instead of the provider. The
    /// responses of providers are JSON.
    pub(super) const fn is_intercepted(&self) -> bool {
        matches!(self.kind, BodyKind::Html | BodyKind::Empty | BodyKind::NotJson) || self.is_redirect()
    }

    /// Returns whether the response is a redirect, which requests with secrets do not follow.
    pub(super) const fn is_redirect(&self) -> bool {
        matches!(self.status, 0 | 300..=399)
    }

    /// Creates an error of `provider` with the status, the request id and what the provider said.
    pub(super) fn error(&self, provider: &str, code: ErrorCode, mut message: String) -> TokenError {
        if let Some(errors) = &self.provider_errors {
            message += &["; ", provider, " says: “", &errors.first, "”"].concat();
        }
        let mut error = TokenError::new(code, message).of(provider);
        let failure = &mut *error;
        failure.status = (self.status > 0).then_some(self.status);
        failure.request_id = self.request_id().map(str::to_owned);
        failure.provider_errors = self.provider_errors.clone();
        error
    }
}

/// Returns the delay of the `Retry-After` header.
pub(super) fn retry_after(response: &HttpResponse) -> Option<Duration> {
    let now = ProviderClock::of(response, TokenTimes::default()).provider_now();
    parse_retry_after(response.header("retry-after")?, now)
}

/// Returns the media type for a message; "no content type" where it is missing or not safe to show.
pub(super) fn media_type(response: &HttpResponse) -> &str {
    // Common media types consist of letters; anything else could be a secret.
    let shown = |text: &&str| {
        (1..=64).contains(&text.len())
            && text.bytes().filter(|byte| *byte == b'/').count() == 1
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || b"/+-.".contains(&byte))
    };
    let stated = response.header("content-type").and_then(|value| value.split(';').next());
    stated.map(str::trim).filter(shown).unwrap_or("no content type")
}

/// Strips byte order marks and the whitespace of RFC 8259 section 2. The result must be JSON for `JSON.parse` as well,
/// with which JavaScript reads the errors.
fn strip_bom(mut text: &str) -> &str {
    while let Some(rest) = text.strip_prefix("\u{feff}") {
        text = rest;
    }
    text.trim_matches([' ', '\t', '\n', '\r'])
}

/// Parses a body; `None` where it is not JSON.
pub(super) fn parse_body(text: &str, platform: Platform) -> Option<Json> {
    (platform.parse_json)(strip_bom(text))
}

/// Returns whether an error of a body matches.
pub(super) fn errors_match(body: &Json, matcher: &ErrorMatcher) -> bool {
    errors_in(body, ResponseFormat::GraphQl).iter().any(|error| error.matches(matcher))
        || body.get("data").is_some_and(|data| matches_data(data, matcher))
}

/// Returns whether a root field contains a value by which `matcher` recognizes an error, so that the field is not a result.
pub(super) fn is_field_matched(name: &str, value: &Json, matcher: &ErrorMatcher) -> bool {
    matcher.data.iter().any(|expected| match expected.path.split_once('.') {
        Some((root, rest)) => {
            (root == name || root == "*") && value.any_at(rest, &mut |value| *value == expected.is)
        }
        None => false,
    })
}

/// Responses have one or two errors; longer lists would make messages unreadable.
const MAX_CODES_SHOWN: usize = 3;

/// An error of a response. Its message is compared and not shown, since servers quote the variables of the request; see
/// [`ProviderErrors`].
pub(super) struct GraphqlError<'a> {
    error: &'a Json,
    kind: ErrorKind,
}

/// Whether the error is a code.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ErrorKind {
    /// An object, or the text of a message.
    Problem,
    /// The code of RFC 6749 section 5.2.
    OAuthCode,
}

impl<'a> GraphqlError<'a> {
    fn text(&self, path: &str) -> Option<&'a str> {
        self.error.at(path)?.as_text()
    }

    fn message(&self) -> &'a str {
        self.error.as_text().or_else(|| self.text("message")).unwrap_or_default()
    }

    /// Returns the codes that are safe to show, without those that only some servers have.
    fn shown_codes(&self) -> [Option<&'a str>; 4] {
        let code = if self.kind == ErrorKind::OAuthCode { self.error.as_text() } else { None };
        [self.text("extensions.code"), self.text("extensions.errorClass"), self.text("code"), code]
            .map(|code| code.filter(|code| is_safe_to_show(code)))
    }

    /// Returns whether one of the codes is `known`.
    fn has_code(&self, known: &str) -> bool {
        let is_known = |path| match self.error.at(path) {
            Some(Json::Text(code)) => code.eq_ignore_ascii_case(known),
            Some(number) => number.as_integer().is_some_and(|number| known.parse() == Ok(number)),
            None => false,
        };
        strings(CODE_PATHS).iter().any(is_known)
            || (self.kind == ErrorKind::OAuthCode && self.error.as_text() == Some(known))
    }

    fn matches(&self, matcher: &ErrorMatcher) -> bool {
        // RFC 6749 section 5.2, and RFC 9457.
        [self.message(), self.text("error_description").unwrap_or(""), self.text("detail").unwrap_or("")]
            .iter()
            .any(|message| self.matches_message(matcher, message.trim()))
            || matcher.codes.iter().any(|known| self.has_code(known))
    }

    fn matches_message(&self, matcher: &ErrorMatcher, message: &str) -> bool {
        matcher.contains.iter().any(|part| contains_ignore_case(message.as_bytes(), part))
            || matcher.messages.iter().any(|known| known.trim().eq_ignore_ascii_case(message))
            || strings(matcher.phrases)
                .iter()
                .any(|phrase| phrase.split('+').all(|part| contains_ignore_case(message.as_bytes(), part)))
    }

    /// Returns the text before the first quoted name of a validation error, and the name. Names after it are
    /// suggestions.
    pub(super) fn rejected_name(&self) -> Option<(&'a [u8], &'a [u8])> {
        let message = self.message().as_bytes();
        let start = message.iter().position(|byte| QUOTES.contains(byte))?;
        let (lead, quoted) = message.split_at(start);
        let (quote, rest) = quoted.split_first()?;
        Some((lead, rest.split(|byte| byte == quote).next()?))
    }
}

/// Quotation marks around names in validation errors of common servers.
const QUOTES: &[u8] = b"\"'`";

/// Returns whether `text` contains `word`, ignoring case. `str::contains` would add a kilobyte to the module.
pub(super) fn contains_ignore_case(text: &[u8], word: &str) -> bool {
    text.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
}

/// Collects `errors`, a top-level `error`, the body itself, and errors inside payloads; at most [`MAX_ERRORS`] of each.
fn errors_in(body: &Json, format: ResponseFormat) -> Vec<GraphqlError<'_>> {
    let mut errors = Vec::new();
    let mut add = |error| errors.push(GraphqlError { error, kind: ErrorKind::Problem });
    for error in body.get("errors").map_or(&[][..], Json::items).iter().take(MAX_ERRORS) {
        add(error);
    }
    match (format, body.get("error")) {
        (ResponseFormat::Plain, Some(error @ Json::Text(_))) => {
            errors.push(GraphqlError { error, kind: ErrorKind::OAuthCode });
        }
        (_, Some(error)) if error.as_text().is_some() || error.get("message").is_some() => {
            errors.push(GraphqlError { error, kind: ErrorKind::Problem });
        }
        _ => {}
    }
    let mut add = |error| errors.push(GraphqlError { error, kind: ErrorKind::Problem });
    // Braintree's guide to access tokens shows an error without a list; Parse Server rejects a token by one with a `code`.
    let has_code =
        body.get("code").is_some() && body.get("error").is_some_and(|error| error.as_text().is_some());
    if has_code || body.get("message").is_some() && body.get("extensions").is_some() {
        add(body);
    }
    // Fluz: "most mutations return failures inside the payload".
    for (_, payload) in body.get("data").map_or(&[][..], Json::members).iter().take(MAX_ERRORS) {
        if let Some(error) = payload.get("error")
            && !error.is_null()
        {
            add(error);
        }
    }
    errors
}

/// Returns the payloads of a grant that may describe its failure: each payload, for a member such as `errorCode`, and its
/// `errors`, a list or an object of lists; at most [`MAX_ERRORS`] of each.
fn failed_payloads(body: &Json) -> Vec<GraphqlError<'_>> {
    let mut failures = Vec::new();
    for (_, payload) in body.get("data").map_or(&[][..], Json::members).iter().take(MAX_ERRORS) {
        failures.push(GraphqlError { error: payload, kind: ErrorKind::Problem });
        let errors = payload.get("errors").unwrap_or(&Json::Null);
        let lists = errors.members().iter().map(|(_, list)| list).chain([errors]);
        for error in lists.flat_map(Json::items).take(MAX_ERRORS) {
            failures.push(GraphqlError { error, kind: ErrorKind::Problem });
        }
    }
    failures
}

/// Returns whether a payload states that its operation failed.
fn has_failed_payload(data: &Json) -> bool {
    data.members().iter().any(|(_, payload)| {
        let errors = payload.get("errors").unwrap_or(&Json::Null);
        payload.get("success") == Some(&Json::Bool(false))
            || payload.get("errorCode").is_some_and(|code| !code.is_null())
            || !errors.items().is_empty()
            || !errors.members().is_empty()
    })
}

/// Returns whether the data has one of the expected values.
fn matches_data(data: &Json, matcher: &ErrorMatcher) -> bool {
    matcher.data.iter().any(|expected| data.any_at(&expected.path, &mut |value| *value == expected.is))
}

/// Returns whether a code or id has a harmless form, because messages contain it.
pub(super) fn is_safe_to_show(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        core::{Secret, UnixMillis},
        json::native::PLATFORM,
        provider::{ExpectedValue, profile::strings},
    };

    fn parsed(status: u16, body: &str) -> ParsedResponse {
        let at = UnixMillis::new(0);
        let response = HttpResponse {
            status,
            headers: vec![],
            body: Secret::new(body),
            provider_errors: None,
            predicates: 0,
            sent_at: at,
            received_at: at,
        };
        ParsedResponse::read(&response, PLATFORM)
    }

    #[test]
    fn finds_errors_in_all_supported_places() {
        for (body, code) in [
            (r#"{"errors":[{"message":"x","extensions":{"code":"C"}}]}"#, "C"),
            (r#"{"errors":[{"message":"x","extensions":{"errorClass":"C"}}]}"#, "C"),
            (r#"{"error":{"message":"x","code":"C"}}"#, "C"),
            (r#"{"extensions":{"errorClass":"C"},"message":"x"}"#, "C"),
            (r#"{"data":{"op":{"success":false,"error":{"code":"C","message":"x"}}}}"#, "C"),
            (r#"{"error":"x"}"#, ""),
        ] {
            let response = parsed(200, body);

            assert_eq!(response.errors().len(), 1, "{body}");
            assert_eq!(response.codes(), code, "{body}");
            assert_eq!(response.kind, BodyKind::GraphQl, "{body}");
        }
    }

    #[test]
    fn recognizes_responses_without_errors() {
        for body in [r#"{"data":{}}"#, r#"{"data":{},"errors":null}"#, r#"{"data":{},"errors":[]}"#] {
            assert!(parsed(200, body).errors().is_empty(), "{body}");
        }
    }

    #[test]
    fn classifies_bodies_other_than_graphql() {
        for (body, kind) in [
            ("", BodyKind::Empty),
            (" \n", BodyKind::Empty),
            ("<!doctype html><p>Log in", BodyKind::Html),
            (r#"{"data":{"x""#, BodyKind::NotJson),
            ("Bad gateway", BodyKind::NotJson),
            (r#"{"status":"ok"}"#, BodyKind::OtherJson),
            ("[1]", BodyKind::OtherJson),
        ] {
            assert_eq!(parsed(200, body).kind, kind, "{body}");
        }
        assert_eq!(parsed(200, "\u{feff}{\"data\":{}}").kind, BodyKind::GraphQl);
        assert_eq!(parsed(200, "\u{a0}{\"data\":{}}").kind, BodyKind::NotJson);
    }

    #[test]
    fn matches_statuses_codes_messages_and_phrases() {
        let matcher = ErrorMatcher {
            statuses: (&[401]).into(),
            codes: strings("AUTH-0008"),
            messages: strings("Unauthorized"),
            contains: strings("ended at"),
            phrases: "token+expired",
            data: vec![ExpectedValue { path: "*.errors.code".to_owned(), is: Json::text("ENDED") }],
            predicate: 0,
        };

        for body in [
            r#"{"errors":[{"message":" unauthorized "}]}"#,
            r#"{"errors":[{"message":"no","extensions":{"code":"AUTH-0008"}}]}"#,
            r#"{"error":"no","code":"AUTH-0008"}"#,
            r#"{"errors":[{"message":"Your TOKEN has Expired"}]}"#,
            r#"{"errors":[{"message":"The session ENDED at noon"}]}"#,
            r#"{"data":{"me":{"errors":[{"code":"OTHER"},{"code":"ENDED"}]}}}"#,
        ] {
            assert!(parsed(200, body).matches(&matcher), "{body}");
        }
        assert!(parsed(401, "").matches(&matcher));
        for body in [
            r#"{"errors":[{"message":"Unauthorized for this"}]}"#,
            r#"{"errors":[{"message":"expired"}]}"#,
            r#"{"code":"AUTH-0008"}"#,
        ] {
            assert!(!parsed(200, body).matches(&matcher), "{body}");
        }
    }

    #[test]
    fn keeps_only_codes_and_ids_safe_to_show() {
        let shown = parsed(200, r#"{"data":{},"extensions":{"requestId":"a1-b_2.c"}}"#);
        assert_eq!(shown.request_id(), Some("a1-b_2.c"));

        for id in ["", "a b", "a\\\"b", &"x".repeat(65)] {
            let hidden = parsed(200, &format!(r#"{{"data":{{}},"extensions":{{"requestId":"{id}"}}}}"#));
            assert_eq!(hidden.request_id(), None, "{id}");
        }
    }

    #[test]
    fn debug_prints_codes_only() {
        let body = r#"{"errors":[{"message":"planted","extensions":{"code":"C","password":"planted"}}]}"#;

        let printed = format!("{:?}", parsed(200, body));

        assert!(printed.contains(r#""C""#) && !printed.contains("planted"), "{printed}");
    }

    #[test]
    fn rejected_name_is_the_first_in_quotes() {
        for (message, lead, name) in [
            (
                r#"Cannot query field \"token\" on type \"T\". Did you mean \"accessToken\"?"#,
                "Cannot query field ",
                "token",
            ),
            ("Unknown argument 'userId' on field 'x'", "Unknown argument ", "userId"),
        ] {
            let response = parsed(200, &format!(r#"{{"errors":[{{"message":"{message}"}}]}}"#));

            assert_eq!(response.errors()[0].rejected_name(), Some((lead.as_bytes(), name.as_bytes())));
        }
        assert_eq!(parsed(200, r#"{"error":"no quotes"}"#).errors()[0].rejected_name(), None);
    }
}
