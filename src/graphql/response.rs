//! Takes an answer apart (GraphQL over HTTP; GraphQL specification section 7).
//!
//! Tolerant where servers differ: the status alone decides nothing, error keys may
//! be missing or in odd places, and an answer may be no GraphQL at all.

use std::{fmt, time::Duration};

use crate::{
    core::{ErrorCode, TokenError, TokenTimes},
    http::HttpResponse,
    json::{Json, Platform, has_too_many_values},
    provider::{ErrorMatcher, GrantProtocol, profile::strings},
};

use super::{expiry::ProviderClock, timestamp::parse_retry_after};

/// An answer in its parts.
pub struct ParsedResponse {
    /// The HTTP status.
    pub status: u16,
    /// What the body is.
    pub kind: BodyKind,
    /// The body, where it is JSON.
    body: Option<Json>,
    format: ResponseFormat,
}

/// Where an answer has its data, and what its errors say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ResponseFormat {
    /// As GraphQL has it.
    GraphQl,
    /// The members of the body are its data, and its error is a code (RFC 6749 sections 5.1
    /// and 5.2).
    OAuth,
}

/// Prints the codes alone: a message may quote a secret.
impl fmt::Debug for ParsedResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Answer").field(&self.status).field(&self.codes()).finish()
    }
}

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyKind {
    /// An object with `data` or errors.
    GraphQl,
    /// Some other JSON.
    OtherJson,
    /// A page for people.
    Html,
    /// Nothing.
    Empty,
    /// Text that is no JSON.
    NotJson,
    /// More values than the answer to a grant has.
    TooLarge,
}

impl BodyKind {
    /// For a message: "answered with …".
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
    /// Takes `response` apart.
    pub fn read(response: &HttpResponse, platform: Platform) -> Self {
        Self::of(response, ResponseFormat::GraphQl, platform)
    }

    /// Takes the answer to a grant apart.
    pub fn of_grant(response: &HttpResponse, grant_protocol: &GrantProtocol, platform: Platform) -> Self {
        let format = match grant_protocol {
            GrantProtocol::GraphQl => ResponseFormat::GraphQl,
            GrantProtocol::TokenEndpoint { .. } => ResponseFormat::OAuth,
        };
        if has_too_many_values(response.body.expose()) {
            return Self { status: response.status, kind: BodyKind::TooLarge, body: None, format };
        }
        Self::of(response, format, platform)
    }

    fn of(response: &HttpResponse, format: ResponseFormat, platform: Platform) -> Self {
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
        Self { status: response.status, kind, body, format }
    }

    /// `data`, where it is there and not `null`.
    pub fn data(&self) -> Option<&Json> {
        let body = self.body.as_ref()?;
        match self.format {
            ResponseFormat::GraphQl => body.get("data").filter(|data| !data.is_null()),
            ResponseFormat::OAuth => Some(body),
        }
    }

    /// Its errors, from wherever they stand.
    pub(super) fn errors(&self) -> Vec<GraphqlError<'_>> {
        self.body.as_ref().map_or_else(Vec::new, |body| errors_in(body, self.format))
    }

    /// Whether it has errors as the GraphQL specification (section 7.1) writes them, and is not
    /// what something in between says in JSON.
    pub(super) fn has_graphql_errors(&self) -> bool {
        let errors = self.body.as_ref().and_then(|body| body.get("errors")).map_or(&[][..], Json::items);
        !errors.is_empty()
            && errors.iter().all(|error| error.get("message").and_then(Json::as_text).is_some())
    }

    /// The provider's own id of the request.
    pub fn request_id(&self) -> Option<&str> {
        self.body.as_ref()?.at("extensions.requestId")?.as_text().filter(|id| is_safe_to_show(id))
    }

    /// Whether the status is one of success. 294 is "partial success" (GraphQL over HTTP).
    pub const fn is_success(&self) -> bool {
        matches!(self.status, 200..=299)
    }

    /// Whether `matcher` are found in it.
    pub fn matches(&self, matcher: &ErrorMatcher) -> bool {
        matcher.statuses.contains(&self.status) || self.errors_match(matcher)
    }

    /// Whether its errors show `matcher`, whatever its status.
    pub fn errors_match(&self, matcher: &ErrorMatcher) -> bool {
        self.errors().iter().any(|error| error.matches(matcher))
    }

    /// The codes of the errors, the first few, for a message; empty where there are none.
    pub fn codes(&self) -> String {
        let mut codes: Vec<&str> = Vec::new();
        for error in self.errors() {
            for code in error.codes().into_iter().flatten() {
                if codes.len() <= MAX_CODES_SHOWN && !codes.contains(&code) {
                    codes.push(if codes.len() < MAX_CODES_SHOWN { code } else { "…" });
                }
            }
        }
        codes.join(", ")
    }

    /// What was seen, for a message.
    pub(super) fn summary(&self) -> String {
        match (self.codes(), self.status) {
            (codes, 200) if !codes.is_empty() => codes,
            (codes, status) if !codes.is_empty() => format!("HTTP {status}, {codes}"),
            (_, status) => format!("HTTP {status}"),
        }
    }

    /// Whether something else than the provider seems to have answered: a proxy, a gateway, or the sign-in
    /// page of a network. What the provider says is JSON.
    pub(super) const fn is_intercepted(&self) -> bool {
        matches!(self.kind, BodyKind::Html | BodyKind::Empty | BodyKind::NotJson) || self.is_redirect()
    }

    /// Whether it is a redirect, which requests with secrets do not follow.
    pub(super) const fn is_redirect(&self) -> bool {
        matches!(self.status, 0 | 300..=399)
    }

    /// What it means, as an error of `provider`.
    pub(super) fn error(&self, provider: &str, code: ErrorCode, message: String) -> TokenError {
        let mut error = TokenError::new(code, message).of(provider);
        let failure = &mut *error;
        failure.status = (self.status > 0).then_some(self.status);
        failure.request_id = self.request_id().map(str::to_owned);
        error
    }
}

/// How long an answer asks to be left alone.
pub(super) fn retry_after(response: &HttpResponse) -> Option<Duration> {
    let now = ProviderClock::of(response, TokenTimes::default()).provider_now();
    parse_retry_after(response.header("retry-after")?, now)
}

/// The media type of an answer, for a message; "no content type" where it states none that can be shown.
pub(super) fn media_type(response: &HttpResponse) -> &str {
    // Media types in use have letters alone; anything else could be a secret.
    let shown = |text: &&str| {
        (1..=64).contains(&text.len())
            && text.bytes().filter(|byte| *byte == b'/').count() == 1
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || b"/+-.".contains(&byte))
    };
    let stated = response.header("content-type").and_then(|value| value.split(';').next());
    stated.map(str::trim).filter(shown).unwrap_or("no content type")
}

/// A body without what may lie around its JSON: byte order marks, and the whitespace of RFC 8259 section 2. What is
/// accepted here must be JSON for the face as well, which takes the errors of an answer out of it.
fn strip_bom(mut text: &str) -> &str {
    while let Some(rest) = text.strip_prefix("\u{feff}") {
        text = rest;
    }
    text.trim_matches([' ', '\t', '\n', '\r'])
}

/// The body of an answer, if it is JSON.
pub(super) fn parse_body(text: &str, platform: Platform) -> Option<Json> {
    (platform.parse_json)(strip_bom(text))
}

/// Whether the errors of a body show `matcher`.
pub(super) fn errors_match(body: &Json, matcher: &ErrorMatcher) -> bool {
    errors_in(body, ResponseFormat::GraphQl).iter().any(|error| error.matches(matcher))
}

/// An answer has one error or two; a message that lists more is not read.
const MAX_CODES_SHOWN: usize = 3;

/// One error of an answer. Its message is compared and never shown: servers quote
/// the variables they were sent.
pub(super) struct GraphqlError<'a> {
    error: &'a Json,
    format: ResponseFormat,
}

impl<'a> GraphqlError<'a> {
    fn text(&self, path: &str) -> Option<&'a str> {
        self.error.at(path)?.as_text()
    }

    fn message(&self) -> &'a str {
        self.error.as_text().or_else(|| self.text("message")).unwrap_or_default()
    }

    /// Its codes; only such that are safe to show.
    fn codes(&self) -> [Option<&'a str>; 4] {
        let message = if self.format == ResponseFormat::OAuth { Some(self.message()) } else { None };
        let code = |path| self.text(path).filter(|code| is_safe_to_show(code));
        [
            code("extensions.code"),
            code("extensions.errorClass"),
            code("code"),
            message.filter(|code| is_safe_to_show(code)),
        ]
    }

    fn matches(&self, matcher: &ErrorMatcher) -> bool {
        let message = self.message().trim();
        matcher.codes.iter().any(|known| self.codes().contains(&Some(known)))
            || matcher.messages.iter().any(|known| known.trim().eq_ignore_ascii_case(message))
            || strings(matcher.phrases)
                .iter()
                .any(|phrase| phrase.split('+').all(|part| contains_ignore_case(message.as_bytes(), part)))
    }

    /// What validation complains of: the words before the first name in quotes, and
    /// that name. What comes after it are suggestions.
    pub(super) fn rejected_name(&self) -> Option<(&'a [u8], &'a [u8])> {
        let message = self.message().as_bytes();
        let start = message.iter().position(|byte| QUOTES.contains(byte))?;
        let (lead, quoted) = message.split_at(start);
        let (quote, rest) = quoted.split_first()?;
        Some((lead, rest.split(|byte| byte == quote).next()?))
    }
}

/// Quotation marks around names in validation errors of the common servers.
const QUOTES: &[u8] = b"\"'`";

/// Whether `text` holds `word`, in any case. Not `str::contains`, whose searching is a kilobyte.
pub(super) fn contains_ignore_case(text: &[u8], word: &str) -> bool {
    text.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
}

/// The most errors and payloads of an answer that are read. A login has one error or two, and a
/// batch of operations has an answer for each.
const MAX_ERRORS: usize = 100;

/// `errors`, a bare top-level `error`, the body itself, and failures inside the payload; the first
/// [`MAX_ERRORS`] of each.
fn errors_in(body: &Json, format: ResponseFormat) -> Vec<GraphqlError<'_>> {
    let mut errors = Vec::new();
    let mut add = |error| errors.push(GraphqlError { error, format });
    for error in body.get("errors").map_or(&[][..], Json::items).iter().take(MAX_ERRORS) {
        add(error);
    }
    if let Some(error) = body.get("error")
        && (error.as_text().is_some() || error.get("message").is_some())
    {
        add(error);
    }
    // Braintree's guide to access tokens prints an error without the list around it.
    if body.get("message").is_some() && body.get("extensions").is_some() {
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

/// A code or an id, if it is one: what a provider writes there goes into messages.
fn is_safe_to_show(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        core::{Secret, UnixMillis},
        json::native::PLATFORM,
        provider::profile::strings,
    };

    fn answer(status: u16, body: &str) -> ParsedResponse {
        let at = UnixMillis::new(0);
        let response =
            HttpResponse { status, headers: vec![], body: Secret::new(body), sent_at: at, received_at: at };
        ParsedResponse::read(&response, PLATFORM)
    }

    #[test]
    fn errors_are_found_wherever_they_stand() {
        for (body, code) in [
            (r#"{"errors":[{"message":"x","extensions":{"code":"C"}}]}"#, "C"),
            (r#"{"errors":[{"message":"x","extensions":{"errorClass":"C"}}]}"#, "C"),
            (r#"{"error":{"message":"x","code":"C"}}"#, "C"),
            (r#"{"extensions":{"errorClass":"C"},"message":"x"}"#, "C"),
            (r#"{"data":{"op":{"success":false,"error":{"code":"C","message":"x"}}}}"#, "C"),
            (r#"{"error":"x"}"#, ""),
        ] {
            let answer = answer(200, body);

            assert_eq!(answer.errors().len(), 1, "{body}");
            assert_eq!(answer.codes(), code, "{body}");
            assert_eq!(answer.kind, BodyKind::GraphQl, "{body}");
        }
    }

    #[test]
    fn no_errors_are_written_in_many_ways() {
        for body in [r#"{"data":{}}"#, r#"{"data":{},"errors":null}"#, r#"{"data":{},"errors":[]}"#] {
            assert!(answer(200, body).errors().is_empty(), "{body}");
        }
    }

    #[test]
    fn bodies_that_are_no_graphql_are_told_apart() {
        for (body, kind) in [
            ("", BodyKind::Empty),
            (" \n", BodyKind::Empty),
            ("<!doctype html><p>Log in", BodyKind::Html),
            (r#"{"data":{"x""#, BodyKind::NotJson),
            ("Bad gateway", BodyKind::NotJson),
            (r#"{"status":"ok"}"#, BodyKind::OtherJson),
            ("[1]", BodyKind::OtherJson),
        ] {
            assert_eq!(answer(200, body).kind, kind, "{body}");
        }
        assert_eq!(answer(200, "\u{feff}{\"data\":{}}").kind, BodyKind::GraphQl);
        assert_eq!(answer(200, "\u{a0}{\"data\":{}}").kind, BodyKind::NotJson);
    }

    #[test]
    fn signs_are_statuses_codes_messages_and_phrases() {
        let matcher = ErrorMatcher {
            statuses: (&[401]).into(),
            codes: strings("AUTH-0008"),
            messages: strings("Unauthorized"),
            phrases: "token+expired",
        };

        for body in [
            r#"{"errors":[{"message":" unauthorized "}]}"#,
            r#"{"errors":[{"message":"no","extensions":{"code":"AUTH-0008"}}]}"#,
            r#"{"errors":[{"message":"Your TOKEN has Expired"}]}"#,
        ] {
            assert!(answer(200, body).matches(&matcher), "{body}");
        }
        assert!(answer(401, "").matches(&matcher));
        for body in
            [r#"{"errors":[{"message":"Unauthorized for this"}]}"#, r#"{"errors":[{"message":"expired"}]}"#]
        {
            assert!(!answer(200, body).matches(&matcher), "{body}");
        }
    }

    #[test]
    fn only_codes_and_ids_that_are_safe_to_show_are_kept() {
        let shown = answer(200, r#"{"data":{},"extensions":{"requestId":"a1-b_2.c"}}"#);
        assert_eq!(shown.request_id(), Some("a1-b_2.c"));

        for id in ["", "a b", "a\\\"b", &"x".repeat(65)] {
            let hidden = answer(200, &format!(r#"{{"data":{{}},"extensions":{{"requestId":"{id}"}}}}"#));
            assert_eq!(hidden.request_id(), None, "{id}");
        }
    }

    #[test]
    fn an_error_prints_its_codes_alone() {
        let body = r#"{"errors":[{"message":"planted","extensions":{"code":"C","password":"planted"}}]}"#;

        let printed = format!("{:?}", answer(200, body));

        assert!(printed.contains(r#""C""#) && !printed.contains("planted"), "{printed}");
    }

    #[test]
    fn a_complaint_is_the_first_name_in_quotes_and_what_leads_to_it() {
        for (message, lead, name) in [
            (
                r#"Cannot query field \"token\" on type \"T\". Did you mean \"accessToken\"?"#,
                "Cannot query field ",
                "token",
            ),
            ("Unknown argument 'userId' on field 'x'", "Unknown argument ", "userId"),
        ] {
            let answer = answer(200, &format!(r#"{{"errors":[{{"message":"{message}"}}]}}"#));

            assert_eq!(answer.errors()[0].rejected_name(), Some((lead.as_bytes(), name.as_bytes())));
        }
        assert_eq!(answer(200, r#"{"error":"no quotes"}"#).errors()[0].rejected_name(), None);
    }
}
