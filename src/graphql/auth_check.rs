//! Interpretation of API responses: token rejections and errors.
//!
//! Determines whether a token was rejected, whether the request can be sent again, and which error a response without
//! usable data means. JavaScript returns the responses to the caller.

use crate::{
    core::{ErrorCode, Retryability, ScopeSet, TokenError},
    http::HttpResponse,
    json::{Json, Platform},
    provider::Profile,
};

use super::response::{
    BodyKind, ParsedResponse, errors_match, is_field_matched, media_type, parse_body, retry_after,
};

/// Effect of a response on the token it was requested with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthStatus {
    /// The response does not reject the token.
    Accepted,
    /// The token was rejected and nothing was executed.
    Rejected,
    /// The token was rejected for part of the request; sending it again could execute the rest twice.
    PartiallyRejected,
}

/// Checks the status and, where it was read, the body of a response for a rejection.
///
/// A batch is rejected where one of its responses is.
///
/// `predicates` are the rules with a function that matches the response.
pub fn check_rejection(
    profile: &Profile,
    status: u16,
    body: Option<&str>,
    predicates: u8,
    platform: Platform,
) -> AuthStatus {
    let rejected = &profile.error_rules.rejected;
    let body = body.and_then(|body| parse_body(body, platform));
    let answers = answers_in(body.as_ref());
    let is_rejected = rejected.statuses.contains(&status) || rejected.matches_predicate(predicates);
    if !is_rejected && !answers.iter().any(|answer| errors_match(answer, rejected)) {
        return AuthStatus::Accepted;
    }
    let is_carried_out = |body: &Json| {
        let fields = body.get("data").map_or(&[][..], Json::members);
        fields.iter().any(|(name, field)| !field.is_null() && !is_field_matched(name, field, rejected))
    };
    if answers.iter().any(is_carried_out) { AuthStatus::PartiallyRejected } else { AuthStatus::Rejected }
}

/// Returns the answers of a body, which may be a batch.
pub(super) const fn answers_in(body: Option<&Json>) -> &[Json] {
    match body {
        Some(Json::List(batch)) => batch.as_slice(),
        Some(answer) => std::slice::from_ref(answer),
        None => &[],
    }
}

/// Returns the error of a response that contains more than data, or none.
///
/// The code is `graphql_errors` for a GraphQL response with errors; otherwise the error states why the response is not
/// one.
pub fn classify(profile: &Profile, response: &HttpResponse, platform: Platform) -> TokenError {
    let parsed = ParsedResponse::read(response, platform);
    let name = &profile.name;
    let rate_limited = parsed.matches(&profile.error_rules.rate_limited);
    let outage =
        parsed.status >= 500 || parsed.status == 408 || parsed.matches_predicate(&profile.error_rules.outage);
    let summary = parsed.summary();
    let mut retryability = None;
    let (code, message) = if parsed.has_graphql_errors() {
        let is_transient = rate_limited || outage || parsed.errors_match(&profile.error_rules.outage);
        retryability = Some(if is_transient { Retryability::Retryable } else { Retryability::Permanent });
        let message = format!(
            "{name} answered with errors ({summary}); see `errors` and `data`, which are not printed"
        );
        (ErrorCode::GraphqlErrors, message)
    } else if rate_limited {
        (ErrorCode::RateLimited, format!("{name} rate limited the request; retry later"))
    } else if outage {
        (ErrorCode::Server, format!("{name} is out of order ({summary}); try again later"))
    } else {
        let (what, advice) = match (parsed.kind, parsed.status) {
            (_, 0 | 300..=399) => {
                ("a redirect", "the token is not sent on; set `endpoint` to the address it redirects to")
            }
            (BodyKind::GraphQl, status) => {
                (BodyKind::OtherJson.description(), advice(BodyKind::OtherJson, status))
            }
            (kind, status) => (kind.description(), advice(kind, status)),
        };
        let media_type = media_type(response);
        // 406: the server will not accept the media type later either.
        retryability = (parsed.is_intercepted() && parsed.status != 406).then_some(Retryability::Retryable);
        (ErrorCode::Protocol, format!("{name} answered with {what} ({summary}, {media_type}); {advice}"))
    };
    let mut error = parsed.error(name, code, message);
    error.retryability = retryability;
    if rate_limited || outage {
        error.retry_after = retry_after(response);
    }
    error
}

/// Returns the advice for a response that is not a GraphQL response.
const fn advice(kind: BodyKind, status: u16) -> &'static str {
    match (kind, status) {
        (_, 406) => "set `headers: { accept: \"application/json\" }` if it is an older server",
        (BodyKind::GraphQl | BodyKind::OtherJson | BodyKind::TooLarge, _) => {
            "check `endpoint` and the document"
        }
        (BodyKind::Html | BodyKind::Empty | BodyKind::NotJson, _) => {
            "check that `endpoint` is a GraphQL endpoint and that nothing in between answers for it"
        }
    }
}

/// Returns the error of a request after its replacement token was rejected as well.
///
/// An API may reject an invalid token and a token with insufficient scopes in the same way. Where the token has scopes,
/// these are the likely cause, unless the `needed` scopes are known and `granted`.
pub fn repeated_rejection(
    profile: &Profile,
    granted: &ScopeSet,
    needed: Option<&ScopeSet>,
    response: &HttpResponse,
    platform: Platform,
) -> TokenError {
    let parsed = ParsedResponse::read(response, platform);
    let name = &profile.name;
    let summary = parsed.summary();
    let missing = needed.map(|needed| granted.missing(needed));
    let granted_list = granted.listed();
    let (code, message) = match &missing {
        Some(missing) if !missing.is_empty() => (
            ErrorCode::InsufficientScope,
            format!(
                "{name} refused the operation ({summary}), which needs {}; the token was granted {granted_list}: ask for \
                 these scopes in the options, and have them granted to the application and the user",
                missing.listed()
            ),
        ),
        None if !granted.is_empty() => (
            ErrorCode::InsufficientScope,
            format!(
                "{name} refused the operation ({summary}), also with a new token. The operation probably needs \
                 scopes besides those that the token was granted ({granted_list}): ask for them in the options; if none is \
                 missing, check that the credentials belong to this environment"
            ),
        ),
        // The operation was executed, and the error is that of a field.
        _ if parsed.rejects_field(&profile.error_rules.rejected) => (
            ErrorCode::TokenRejected,
            format!(
                "{name} refused a field of the operation ({summary}), also with a new token: check what the user may do; \
                 if every operation is refused, check that `endpoint` and the credentials belong to the same environment"
            ),
        ),
        _ => (
            ErrorCode::TokenRejected,
            format!(
                "{name} refused a token that it had just granted ({summary}): check that `endpoint` and the \
                 credentials belong to the same environment, and what the user may do"
            ),
        ),
    };
    let mut error = parsed.error(name, code, message);
    error.missing_scopes = missing.filter(|missing| !missing.is_empty());
    error
}
