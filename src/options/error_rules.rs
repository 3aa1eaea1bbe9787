//! Error rules of user-supplied providers: `refused`, `denied`, `throttled` and `unavailable`.

use super::{OptionReader, RawValue, validation_error::item_path};
use crate::provider::{ErrorMatcher, ErrorRules, ExpectedValue, StringList};

/// Reads the error rules of `provider`.
pub(super) fn error_rules(provider: &OptionReader<'_>) -> ErrorRules {
    ErrorRules {
        rejected: matcher(provider, PREDICATES[0], ErrorMatcher::of(&[401], "")),
        denied: matcher(provider, PREDICATES[1], ErrorMatcher::of(&[401, 403], "")),
        identity_rejected: ErrorMatcher::NONE,
        rate_limited: matcher(provider, PREDICATES[2], ErrorMatcher::of(&[429], THROTTLED)),
        outage: matcher(provider, PREDICATES[3], ErrorMatcher::NONE),
    }
}

/// Rules that may have a function, and its bit in [`ErrorMatcher::predicate`]; `BITS` in
/// `pkg-template/src/rule-functions.js`.
const PREDICATES: [(&str, u8); 4] = [("refused", 1), ("denied", 2), ("throttled", 4), ("unavailable", 8)];

/// Codes by which servers limit the rate of requests in responses with HTTP 200.
const THROTTLED: &str =
    "THROTTLED|RATE_LIMITED|RATE_LIMIT_EXCEEDED|TOO_MANY_REQUESTS|STRAPI_RATE_LIMIT_ERROR|KT-CT-1199";

/// Reads the rules of one kind of failure. Each list that is given replaces that of `defaults`.
fn matcher(provider: &OptionReader<'_>, (key, bit): (&str, u8), defaults: ErrorMatcher) -> ErrorMatcher {
    let Some(given) = provider.map(key, "{ statuses, codes, messages, contains, data, when }") else {
        return defaults;
    };
    // An ordinary response with data alone may be a rejection, and is not compared with the other rules.
    given.allow_only(if key == "refused" {
        "statuses codes messages contains data when every"
    } else {
        "statuses codes messages contains data when"
    });
    let has_function = given.function("when").is_some();
    match given.get("every") {
        None => {}
        Some(RawValue::Bool(_)) if has_function => {}
        Some(RawValue::Bool(_)) => given.report_at("every", &["goes with `when` alone; leave it out"]),
        Some(_) => given.report_invalid("every", "true or false"),
    }
    ErrorMatcher {
        statuses: statuses(&given).map_or(defaults.statuses, Into::into),
        codes: codes(&given).map_or(defaults.codes, StringList::Owned),
        messages: strings_or_empty(&given, "messages", "the message of an error"),
        contains: strings_or_empty(&given, "contains", "a part of the message of an error"),
        phrases: "",
        data: values(&given),
        predicate: if has_function { bit } else { 0 },
    }
}

/// Reads a string, a list of strings or an empty list.
fn strings_or_empty(given: &OptionReader<'_>, key: &str, one: &str) -> StringList {
    match given.get(key) {
        Some(RawValue::List(items)) if items.is_empty() => StringList::default(),
        _ => given.text_list(key, one).map_or_else(StringList::default, StringList::Owned),
    }
}

/// Reads `codes`: strings and numbers.
fn codes(given: &OptionReader<'_>) -> Option<Vec<String>> {
    let value = given.get("codes")?;
    let items = if let RawValue::List(items) = value { items } else { std::slice::from_ref(value) };
    let mut codes = Vec::new();
    for (index, item) in items.iter().enumerate() {
        match (item.as_words(), item.as_integer()) {
            (Some(code), _) => codes.push(code.to_owned()),
            (None, Some(number)) => codes.push(number.to_string()),
            _ if matches!(value, RawValue::List(_)) => {
                given.report_invalid_item("codes", index, item.kind(), CODE);
            }
            _ => given.report_invalid("codes", CODE),
        }
    }
    Some(codes)
}

const CODE: &str = "the code of an error, a string or a number";

/// Reads `data`: `{ path, is }` or a list of them.
fn values(given: &OptionReader<'_>) -> Vec<ExpectedValue> {
    let Some(value) = given.get("data") else { return Vec::new() };
    let items = if let RawValue::List(items) = value { items } else { std::slice::from_ref(value) };
    let mut values = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let RawValue::Map(members) = item else {
            given.report_invalid_item("data", index, item.kind(), EXPECTED_VALUE);
            continue;
        };
        let item = given.nested(&item_path("data", index), members);
        item.allow_only("path is");
        let path = item.required_text("path", VALUE_PATH);
        item.check_path("path", &path, VALUE_PATH);
        let is = item.get("is").unwrap_or(&RawValue::Missing);
        if matches!(is, RawValue::List(_) | RawValue::Map(_)) || !is.is_json() {
            item.report_invalid("is", "null, true, false, a number or a string");
        }
        values.push(ExpectedValue { path, is: is.clone() });
    }
    values
}

const VALUE_PATH: &str = "a path below `data`, for example \"login.errorCode\"";

const EXPECTED_VALUE: &str = "{ path, is }";

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be a status")]
fn statuses(given: &OptionReader<'_>) -> Option<Vec<u16>> {
    let RawValue::List(items) = given.get("statuses")? else {
        given.report_invalid("statuses", "a list of HTTP status codes, for example [401]");
        return None;
    };
    let mut statuses = Vec::new();
    for (index, item) in items.iter().enumerate() {
        match item.as_number() {
            Some(number) if (100.0..600.0).contains(&number) && number.fract() == 0.0 => {
                statuses.push(number as u16);
            }
            number => {
                let what = number.map_or(item.kind(), |_| "no HTTP status code");
                given.report_invalid_item("statuses", index, what, "a whole number from 100 to 599");
            }
        }
    }
    Some(statuses)
}
