//! New tokens in API responses.

use std::rc::Rc;

use crate::{
    core::{AccessToken, TokenSet, is_sendable},
    http::HttpResponse,
    json::{Json, Platform},
    provider::{Profile, RotationHeader, SameSession, TokenShape},
};

use super::{
    auth_check::{AuthStatus, answers_in},
    expiry::{ProviderClock, token_with_lifetime},
    grant_exchange::bearer,
    jwt,
    response::parse_body,
};

/// Meaning of a response for the token that its request had, besides the error rules.
#[derive(Debug, PartialEq)]
pub enum Rotation {
    /// There is no token to adopt: none that is new, or one of a session that is unknown.
    Unchanged,
    /// A token of the same session.
    Token(Rc<TokenSet>),
    /// The session has ended, and the response has the token of another one. The status is that of the token that was sent.
    Ended(AuthStatus),
}

/// Returns the meaning of an API response to a request with the token `sent`.
///
/// Rejections and outages never contain a new token. The body is read only if [`SameSession::Data`] needs it. The core
/// decides whether the token is newer than the cached one.
pub fn rotated_token(
    profile: &Profile,
    response: &HttpResponse,
    sent: &AccessToken,
    platform: Platform,
) -> Rotation {
    let Some(rotation) = &profile.rotation else { return Rotation::Unchanged };
    let Some(token) = token_in(profile, rotation, response) else { return Rotation::Unchanged };
    let sent = sent.expose();
    if token != sent {
        let claim_of = |token, name: &str| jwt::claim(token, name, platform);
        let session = match &rotation.same_session {
            SameSession::Asserted => Session::Same,
            SameSession::Claim(name) => match claim_of(sent, name) {
                Some(value) if claim_of(token, name) == Some(value.clone()) => Session::Same,
                _ => Session::Unknown,
            },
            SameSession::Data(paths) => {
                let body = parse_body(response.body.expose(), platform);
                session_of(answers_in(body.as_ref()), &paths.iter().collect::<Vec<_>>())
            }
        };
        let subject = claim_of(sent, "sub");
        let is_other_subject = subject.is_some() && claim_of(token, "sub") != subject;
        match session {
            Session::Ended(status) => return Rotation::Ended(status),
            Session::Same if !is_other_subject => {}
            Session::Same | Session::Unknown => return Rotation::Unchanged,
        }
    }
    let claims = jwt::claimed_times(token, platform);
    let tokens = token_with_lifetime(
        token,
        profile.expiry.as_ref(),
        profile.lifetime,
        ProviderClock::of(response, claims),
        None,
        claims,
    );
    tokens.map_or(Rotation::Unchanged, Rotation::Token)
}

/// Returns the token in a header of a response, if it has one that can be sent.
fn token_in<'a>(profile: &Profile, rotation: &RotationHeader, response: &'a HttpResponse) -> Option<&'a str> {
    let is_rejected =
        profile.error_rules.rejected.statuses.contains(&response.status) || response.status == 403;
    if is_rejected || response.status >= 500 {
        return None;
    }
    let token = rotation.headers.iter().find_map(|name| bearer(response.header(name)?))?;
    let fits = match rotation.shape {
        TokenShape::Jwt => jwt::looks_like_jwt(token),
        TokenShape::Any => true,
    };
    (fits && is_sendable(token)).then_some(token)
}

/// Session of a new token, compared with that of the token that was sent.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Session {
    Same,
    Unknown,
    Ended(AuthStatus),
}

/// Returns the session by the first of `paths` that an answer has. A response may be a batch of answers.
fn session_of(answers: &[Json], paths: &[&str]) -> Session {
    let mut session = Session::Unknown;
    for answer in answers {
        // A field may be empty because of an error.
        let Some(data) = answer.get("data").filter(|_| !has_errors(answer)) else { continue };
        match paths.iter().find_map(|path| is_filled(data, path)) {
            Some(false) => {
                let is_carried_out = answers
                    .iter()
                    .filter_map(|it| it.get("data"))
                    .any(|data| data.members().iter().any(|(_, field)| !field.is_null()));
                return Session::Ended(if is_carried_out {
                    AuthStatus::PartiallyRejected
                } else {
                    AuthStatus::Rejected
                });
            }
            Some(true) => session = Session::Same,
            None => {}
        }
    }
    session
}

fn has_errors(answer: &Json) -> bool {
    answer.get("errors").is_some_and(|errors| !errors.is_null() && *errors != Json::List(Vec::new()))
}

/// Returns whether the value at a path is not empty: not `null`, `false`, 0, a blank string, or an object or array without
/// members. `None` if the response does not have the field.
fn is_filled(data: &Json, path: &str) -> Option<bool> {
    let mut value = data;
    for name in path.split('.') {
        value = value.get(name)?;
        if value.is_null() {
            return Some(false);
        }
    }
    Some(match value {
        Json::Bool(flag) => *flag,
        Json::Number(number) => *number != 0.0,
        Json::Text(text) => !text.trim().is_empty(),
        Json::List(items) => !items.is_empty(),
        Json::Map(members) => !members.is_empty(),
        Json::Null | Json::Missing | Json::Function(_) | Json::IllFormed | Json::Other => false,
    })
}
