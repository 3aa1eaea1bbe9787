//! Takes an answer apart (GraphQL over HTTP; GraphQL specification section 7).
//!
//! Tolerant where servers differ: the status alone decides nothing, error keys may
//! be missing or in odd places, and an answer may be no GraphQL at all.

use std::fmt;

use crate::{
    http::HttpResponse,
    json::{Json, Platform},
    provider::Signs,
};

/// An answer in its parts.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// `data`, where it is there and not `null`.
    pub data: Option<Json>,
    /// Its errors, from wherever they stand.
    pub problems: Vec<Problem>,
    /// The provider's own id of the request.
    pub request_id: Option<String>,
    /// What the body is.
    pub kind: Kind,
}

/// One error of an answer. Its message is compared and never shown: servers quote
/// the variables they were sent.
#[derive(Clone)]
pub struct Problem {
    message: String,
    /// Its codes; only such that are safe to show.
    pub codes: Vec<String>,
}

/// Prints the codes alone: the message may quote a secret.
impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.codes).finish()
    }
}

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An object with `data` or errors.
    GraphQl,
    /// Some other JSON.
    OtherJson,
    /// A page for people.
    Html,
    /// Nothing.
    Empty,
    /// Text that is no JSON.
    Garbled,
}

impl Kind {
    /// For a message: "answered with …".
    pub const fn described(self) -> &'static str {
        match self {
            Self::GraphQl => "a GraphQL answer",
            Self::OtherJson => "JSON that is no GraphQL answer",
            Self::Html => "an HTML page",
            Self::Empty => "an empty body",
            Self::Garbled => "a body that is not JSON, or only a part of it",
        }
    }
}

impl Answer {
    /// Takes `response` apart.
    pub fn read(response: &HttpResponse, platform: Platform) -> Self {
        let text = response.body.expose().trim_start_matches('\u{feff}').trim();
        let body = (platform.parse_json)(text);
        let data = body.as_ref().and_then(|body| body.get("data")).filter(|data| !data.is_null()).cloned();
        let problems = body.as_ref().map_or_else(Vec::new, problems);
        let kind = match &body {
            Some(body) if body.get("data").is_some() || !problems.is_empty() => Kind::GraphQl,
            Some(_) => Kind::OtherJson,
            None if text.is_empty() => Kind::Empty,
            None if text.starts_with('<') => Kind::Html,
            None => Kind::Garbled,
        };
        let request_id = body
            .as_ref()
            .and_then(|body| body.at("extensions.requestId"))
            .and_then(Json::as_text)
            .and_then(showable);
        Self { status: response.status, data, problems, request_id, kind }
    }

    /// Takes the answer to a form apart, whose data are the members of its body, and whose error is
    /// a code (RFC 6749 sections 5.1 and 5.2).
    pub fn of_form(response: &HttpResponse, platform: Platform) -> Self {
        let mut answer = Self::read(response, platform);
        answer.data = parsed(response.body.expose(), platform);
        for problem in &mut answer.problems {
            problem.codes.extend(showable(&problem.message));
        }
        answer
    }

    /// Whether the status is one of success. 294 is "partial success" (GraphQL over HTTP).
    pub const fn succeeded(&self) -> bool {
        matches!(self.status, 200..=299)
    }

    /// Whether `signs` are found in it.
    pub fn shows(&self, signs: &Signs) -> bool {
        signs.statuses.contains(&self.status) || self.says(signs)
    }

    /// Whether its errors show `signs`, whatever its status.
    pub fn says(&self, signs: &Signs) -> bool {
        self.problems.iter().any(|problem| problem.shows(signs))
    }

    /// The codes of the errors, the first few, for a message; empty where there are none.
    pub fn codes(&self) -> String {
        let mut codes: Vec<&str> = Vec::new();
        for code in self.problems.iter().flat_map(|problem| &problem.codes) {
            if codes.len() > MOST_CODES {
                break;
            }
            if !codes.contains(&code.as_str()) {
                codes.push(code);
            }
        }
        if codes.len() > MOST_CODES {
            codes[MOST_CODES] = "…";
        }
        codes.join(", ")
    }
}

/// The body of an answer, if it is JSON.
pub(super) fn parsed(text: &str, platform: Platform) -> Option<Json> {
    (platform.parse_json)(text.trim_start_matches('\u{feff}').trim())
}

/// Whether the errors of a body show `signs`.
pub(super) fn says(body: &Json, signs: &Signs) -> bool {
    problems(body).iter().any(|problem| problem.shows(signs))
}

/// Whether a body has errors as the GraphQL specification (section 7.1) writes them,
/// and is not what something in between says in JSON.
pub(super) fn has_errors(response: &HttpResponse, platform: Platform) -> bool {
    let body = parsed(response.body.expose(), platform);
    let errors = body.as_ref().and_then(|body| body.get("errors")).map_or(&[][..], Json::items);
    !errors.is_empty() && errors.iter().all(|error| error.get("message").and_then(Json::as_text).is_some())
}

/// An answer has one error or two; a message that lists more is not read.
const MOST_CODES: usize = 3;

impl Problem {
    fn read(error: &Json) -> Self {
        let text = |path: &str| error.at(path).and_then(Json::as_text);
        let codes = ["extensions.code", "extensions.errorClass", "code"];
        Self {
            message: error.as_text().or_else(|| text("message")).unwrap_or_default().to_owned(),
            codes: codes.iter().filter_map(|path| showable(text(path)?)).collect(),
        }
    }

    fn shows(&self, signs: &Signs) -> bool {
        let message = self.message.trim().to_ascii_lowercase();
        self.codes.iter().any(|code| signs.codes.iter().any(|known| known == code))
            || signs.messages.iter().any(|known| known.trim().eq_ignore_ascii_case(&message))
            || signs.phrases.iter().any(|words| words.iter().all(|word| message.contains(word)))
    }

    /// What validation complains of: the words before the first name in quotes, and
    /// that name. What comes after it are suggestions.
    pub(super) fn complaint(&self) -> Option<(String, &str)> {
        let start = self.message.find(QUOTES)?;
        let (lead, quoted) = self.message.split_at(start);
        let mut characters = quoted.chars();
        let quote = characters.next()?;
        let name = characters.as_str().split(quote).next()?;
        Some((lead.to_ascii_lowercase(), name))
    }
}

/// Quotation marks around names in validation errors of the common servers.
const QUOTES: [char; 3] = ['"', '\'', '`'];

/// `errors`, a bare top-level `error`, the body itself, and failures inside the payload.
fn problems(body: &Json) -> Vec<Problem> {
    let listed = body.get("errors").map_or(&[][..], Json::items).iter();
    let bare = body.get("error").filter(|error| error.as_text().is_some() || error.get("message").is_some());
    // Braintree's guide to access tokens prints an error without the list around it.
    let itself = Some(body).filter(|body| body.get("message").is_some() && body.get("extensions").is_some());
    // Fluz: "most mutations return failures inside the payload".
    let inside = body
        .get("data")
        .map_or(&[][..], Json::members)
        .iter()
        .filter_map(|(_, payload)| payload.get("error"))
        .filter(|error| !error.is_null());
    listed.chain(bare).chain(itself).chain(inside).map(Problem::read).collect()
}

/// A code or an id, if it is one: what a provider writes there goes into messages.
fn showable(text: &str) -> Option<String> {
    let fits = (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    fits.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        core::{Secret, UnixMillis},
        json::native::PLATFORM,
        provider::profile::words,
    };

    fn answer(status: u16, body: &str) -> Answer {
        let at = UnixMillis::new(0);
        let response =
            HttpResponse { status, headers: vec![], body: Secret::new(body), sent_at: at, received_at: at };
        Answer::read(&response, PLATFORM)
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

            assert_eq!(answer.problems.len(), 1, "{body}");
            assert_eq!(answer.codes(), code, "{body}");
            assert_eq!(answer.kind, Kind::GraphQl, "{body}");
        }
    }

    #[test]
    fn no_errors_are_written_in_many_ways() {
        for body in [r#"{"data":{}}"#, r#"{"data":{},"errors":null}"#, r#"{"data":{},"errors":[]}"#] {
            assert!(answer(200, body).problems.is_empty(), "{body}");
        }
    }

    #[test]
    fn bodies_that_are_no_graphql_are_told_apart() {
        for (body, kind) in [
            ("", Kind::Empty),
            (" \n", Kind::Empty),
            ("<!doctype html><p>Log in", Kind::Html),
            (r#"{"data":{"x""#, Kind::Garbled),
            ("Bad gateway", Kind::Garbled),
            (r#"{"status":"ok"}"#, Kind::OtherJson),
            ("[1]", Kind::OtherJson),
        ] {
            assert_eq!(answer(200, body).kind, kind, "{body}");
        }
        assert_eq!(answer(200, "\u{feff}{\"data\":{}}").kind, Kind::GraphQl);
    }

    #[test]
    fn signs_are_statuses_codes_messages_and_phrases() {
        let signs = Signs {
            statuses: (&[401]).into(),
            codes: words(&["AUTH-0008"]),
            messages: words(&["Unauthorized"]),
            phrases: &[&["token", "expired"]],
        };

        for body in [
            r#"{"errors":[{"message":" unauthorized "}]}"#,
            r#"{"errors":[{"message":"no","extensions":{"code":"AUTH-0008"}}]}"#,
            r#"{"errors":[{"message":"Your TOKEN has Expired"}]}"#,
        ] {
            assert!(answer(200, body).shows(&signs), "{body}");
        }
        assert!(answer(401, "").shows(&signs));
        for body in
            [r#"{"errors":[{"message":"Unauthorized for this"}]}"#, r#"{"errors":[{"message":"expired"}]}"#]
        {
            assert!(!answer(200, body).shows(&signs), "{body}");
        }
    }

    #[test]
    fn only_codes_and_ids_that_are_safe_to_show_are_kept() {
        let shown = answer(200, r#"{"data":{},"extensions":{"requestId":"a1-b_2.c"}}"#);
        assert_eq!(shown.request_id.as_deref(), Some("a1-b_2.c"));

        for id in ["", "a b", "a\\\"b", &"x".repeat(65)] {
            let hidden = answer(200, &format!(r#"{{"data":{{}},"extensions":{{"requestId":"{id}"}}}}"#));
            assert_eq!(hidden.request_id, None, "{id}");
        }
    }

    #[test]
    fn an_error_prints_its_codes_alone() {
        let body = r#"{"errors":[{"message":"planted","extensions":{"code":"C","password":"planted"}}]}"#;

        let printed = format!("{:?}", answer(200, body));

        assert!(printed.contains(r#"["C"]"#) && !printed.contains("planted"), "{printed}");
    }

    #[test]
    fn a_complaint_is_the_first_name_in_quotes_and_what_leads_to_it() {
        for (message, lead, name) in [
            (
                r#"Cannot query field \"token\" on type \"T\". Did you mean \"accessToken\"?"#,
                "cannot query field ",
                "token",
            ),
            ("Unknown argument 'userId' on field 'x'", "unknown argument ", "userId"),
        ] {
            let answer = answer(200, &format!(r#"{{"errors":[{{"message":"{message}"}}]}}"#));

            assert_eq!(answer.problems[0].complaint(), Some((lead.to_owned(), name)));
        }
        assert_eq!(answer(200, r#"{"error":"no quotes"}"#).problems[0].complaint(), None);
    }
}
