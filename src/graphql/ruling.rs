//! What an ordinary answer of the API says about the token it was asked with.
//!
//! Decides whether the token was refused, whether the request may be sent again, and
//! which error an answer means that holds no data. Leaves carrying answers to the face.

use crate::{
    core::{ErrorCode, Outlook, ScopeSet, Stamp, TokenError},
    http::HttpResponse,
    json::{Json, Platform},
    provider::Profile,
};

use super::{
    exchange::sighted,
    lifetime::Clock,
    point::parse_retry_after,
    response::{Answer, Kind, has_errors, parsed, says},
};

/// What an ordinary answer says about the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// Nothing.
    Taken,
    /// It was refused, and nothing was carried out.
    Refused,
    /// It was refused for a part; sending the request again could do the rest twice.
    RefusedInPart,
}

/// Judges an answer by its status and by its body, where that was looked into.
///
/// A batch of answers is refused where one of them is.
pub fn judge(profile: &Profile, status: u16, body: Option<&str>, platform: Platform) -> Ruling {
    let refused = &profile.signals.refused;
    let body = body.and_then(|body| parsed(body, platform));
    let answers = match &body {
        Some(Json::List(batch)) => batch.as_slice(),
        Some(answer) => std::slice::from_ref(answer),
        None => &[],
    };
    if !refused.statuses.contains(&status) && !answers.iter().any(|answer| says(answer, refused)) {
        return Ruling::Taken;
    }
    let is_carried_out = |body: &Json| {
        body.get("data").is_some_and(|data| data.members().iter().any(|(_, field)| !field.is_null()))
    };
    if answers.iter().any(is_carried_out) { Ruling::RefusedInPart } else { Ruling::Refused }
}

/// What an answer means that does not simply hold data.
///
/// `graphql_errors` where it is a GraphQL answer with errors, else why there is none.
pub fn explain(profile: &Profile, response: &HttpResponse, platform: Platform) -> TokenError {
    let answer = Answer::read(response, platform);
    let name = &profile.name;
    let throttled = answer.shows(&profile.signals.throttled);
    let outage = answer.status >= 500 || answer.status == 408;
    let error = |code, message: String| {
        let mut error = TokenError::new(code, message).of(name);
        let failure = &mut *error;
        failure.status = (answer.status > 0).then_some(answer.status);
        failure.request_id.clone_from(&answer.request_id);
        failure.retry_after = response
            .header("retry-after")
            .filter(|_| throttled || outage)
            .and_then(|text| parse_retry_after(text, Clock::of(response, Stamp::default()).theirs()));
        error
    };
    let seen = sighted(&answer);
    if has_errors(response, platform) {
        let message = format!(
            "{name} answered with errors ({seen}); see `errors` and `data`, which are not printed since they may \
             hold anything"
        );
        let passes = throttled || outage || answer.says(&profile.signals.outage);
        let outlook = if passes { Outlook::MayPass } else { Outlook::Lasts };
        let mut error = error(ErrorCode::GraphqlErrors, message);
        error.outlook = Some(outlook);
        return error;
    }
    if throttled {
        return error(ErrorCode::RateLimited, format!("{name} asks for fewer requests; make them later"));
    }
    if outage {
        return error(ErrorCode::Server, format!("{name} is out of order ({seen}); try again later"));
    }
    let advice = match (answer.kind, answer.status) {
        (_, 0 | 300..=399) => "the token is not sent on; set `endpoint` to the address it redirects to",
        (_, 406) => "set `headers: { accept: \"application/json\" }` if it is an older server",
        (Kind::GraphQl | Kind::OtherJson, _) => "check `endpoint` and the document",
        (Kind::Html | Kind::Empty | Kind::Garbled, _) => {
            "check that `endpoint` is a GraphQL endpoint and that nothing in between answers for it"
        }
    };
    let what = match (answer.kind, answer.status) {
        (_, 0 | 300..=399) => "a redirect",
        (Kind::GraphQl, _) => Kind::OtherJson.described(),
        (kind, _) => kind.described(),
    };
    error(ErrorCode::Protocol, format!("{name} answered with {what} ({seen}); {advice}"))
}

/// Why a request fails whose fresh token was refused as well.
///
/// An API may say the same of a token that it does not take and of one whose scopes do
/// not suffice. So where the token has scopes at all, those are what to look at, unless
/// the `needed` ones are known and `granted`.
pub fn rejected(
    profile: &Profile,
    granted: &ScopeSet,
    needed: Option<&ScopeSet>,
    response: &HttpResponse,
    platform: Platform,
) -> TokenError {
    let answer = Answer::read(response, platform);
    let name = &profile.name;
    let seen = sighted(&answer);
    let missing = needed.map(|needed| granted.missing(needed));
    let held = granted.listed();
    let (code, message) = match &missing {
        Some(missing) if !missing.is_empty() => (
            ErrorCode::InsufficientScope,
            format!(
                "{name} refused the operation ({seen}), which needs {}; the token was granted {held}: ask for \
                 these scopes in the options, and have them granted to the application and the user",
                missing.listed()
            ),
        ),
        None if !granted.is_empty() => (
            ErrorCode::InsufficientScope,
            format!(
                "{name} refused the operation ({seen}), also with a new token; it looks as if the operation needs \
                 scopes that the token lacks, which was granted {held}: ask for those in the options; if none is \
                 lacking, check that the credentials belong to this environment"
            ),
        ),
        _ => (
            ErrorCode::TokenRejected,
            format!(
                "{name} refused a token that it had just granted ({seen}): check that `endpoint` and the \
                 credentials belong to the same environment, and what the user may do"
            ),
        ),
    };
    let mut error = TokenError::new(code, message).of(name);
    let failure = &mut *error;
    failure.status = (answer.status > 0).then_some(answer.status);
    failure.request_id = answer.request_id;
    failure.missing_scopes = missing.filter(|missing| !missing.is_empty());
    error
}
