//! Takes values of a kind out of an object, or notes what to write instead.
//!
//! Reading goes on after something wrong: whoever reads gets a value that will not be used, and the
//! first note is what the user is told. That way no function that reads has a way out at every step.

use std::time::Duration;

use super::{
    RawValue, SecretSource,
    validation_error::{ValidationError, closest_match, concat, item_path, redacted_key},
};
use crate::{
    core::{ScopeSet, Secret},
    json::Function,
};

/// An object of options, and where it is.
pub(super) struct OptionReader<'a> {
    /// In front of keys in messages: `retry.`.
    prefix: String,
    members: &'a [(String, RawValue)],
    error: &'a ValidationError,
}

impl<'a> OptionReader<'a> {
    /// The outermost object.
    pub(super) fn new(members: &'a [(String, RawValue)], error: &'a ValidationError) -> Self {
        Self { prefix: String::new(), members, error }
    }

    /// An object at a key of this one.
    pub(super) fn nested(&self, key: &str, members: &'a [(String, RawValue)]) -> Self {
        Self { prefix: concat(&[&self.prefix, key, "."]), members, error: self.error }
    }

    /// The value of a key; `undefined` is as good as nothing.
    pub(super) fn get(&self, key: &str) -> Option<&'a RawValue> {
        let found = self.members.iter().find(|(name, _)| name == key).map(|(_, value)| value);
        found.filter(|value| !matches!(value, RawValue::Missing))
    }

    /// Whether a key was given, even if its value is `undefined`.
    pub(super) fn has(&self, key: &str) -> bool {
        self.members.iter().any(|(name, _)| name == key)
    }

    /// Every key that was given.
    pub(super) fn members(&self) -> &'a [(String, RawValue)] {
        self.members
    }

    /// The key with what leads to it.
    pub(super) fn path(&self, key: &str) -> String {
        concat(&[&self.prefix, key])
    }

    /// Refuses keys that are not among the `known` ones, which have spaces between them.
    pub(super) fn allow_only(&self, known: &str) {
        self.allow_keys(&split_words(known));
    }

    /// Refuses keys that are not among the `known` ones, and names the one that was meant.
    pub(super) fn allow_keys(&self, known: &[&str]) {
        if let Some((unknown, _)) = self.members.iter().find(|(key, _)| !known.contains(&key.as_str())) {
            self.report_unknown_key(unknown, known);
        }
    }

    /// Refuses a key that was likely meant to be `key`, which is missing.
    pub(super) fn suggest(&self, key: &str) {
        let meant = self.members.iter().find(|(name, _)| closest_match(name, &[key]).is_some());
        if let (Some((unknown, _)), None) = (meant, self.get(key)) {
            self.report_unknown_key(unknown, &[key]);
        }
    }

    fn report_unknown_key(&self, unknown: &str, known: &[&str]) {
        match closest_match(unknown, known) {
            Some(key) => {
                self.report_at(
                    redacted_key(unknown),
                    &["is not known; did you mean `", &self.prefix, key, "`?"],
                );
            }
            None => self.report_at(
                redacted_key(unknown),
                &["is not known; known here are `", &known.join("`, `"), "`"],
            ),
        }
    }

    /// Notes something about several keys.
    pub(super) fn report(&self, message: &[&str]) {
        self.error.report(message);
    }

    /// Notes something about a key.
    pub(super) fn report_at(&self, key: &str, rest: &[&str]) {
        self.error.report(&["option `", &self.prefix, key, "` ", &concat(rest)]);
    }

    /// Notes what a value is, and what to give.
    pub(super) fn report_value(&self, key: &str, what: &str, hint: &str) {
        self.report_at(key, &["is ", what, "; give ", hint]);
    }

    /// The same about a value that is of the wrong kind.
    pub(super) fn report_invalid(&self, key: &str, hint: &str) {
        self.report_value(key, self.get(key).map_or("missing", RawValue::kind), hint);
    }

    /// The same about an item of a list.
    pub(super) fn report_invalid_item(&self, key: &str, place: usize, what: &str, hint: &str) {
        self.report_value(&item_path(key, place), what, hint);
    }

    /// The same about a key that holds several things or none.
    pub(super) fn report_not_exactly_one(&self, key: &str, hint: &str) {
        self.report_at(key, &["must tell one thing; give ", hint]);
    }

    /// A text that is not empty.
    pub(super) fn text(&self, key: &str, hint: &str) -> Option<String> {
        let given = self.get(key)?;
        if given.as_words().is_none() {
            self.report_invalid(key, hint);
        }
        given.as_words().map(str::to_owned)
    }

    /// A text that must be there.
    pub(super) fn required_text(&self, key: &str, hint: &str) -> String {
        self.text(key, hint).unwrap_or_else(|| {
            self.report_invalid(key, hint);
            String::new()
        })
    }

    /// The user name of a Basic header, which ends at its first colon (RFC 7617 section 2).
    pub(super) fn basic_user_name(&self, key: &str, hint: &str) -> String {
        let name = self.required_text(key, hint);
        if name.bytes().any(|byte| byte == b':') {
            self.report_value(key, "a string with a colon in it", hint);
        }
        name
    }

    /// A secret that must be there: a text, or a function that gives one.
    pub(super) fn secret(&self, key: &str, hint: &str) -> SecretSource {
        let given = self.get(key);
        if let Some(RawValue::Function(function)) = given {
            return SecretSource::Function(Function::clone(function));
        }
        let text = given.and_then(RawValue::as_words);
        if text.is_none() {
            let reminder = match given {
                None | Some(RawValue::Text(_)) => " (if it comes from the environment: is the variable set?)",
                Some(_) => "",
            };
            self.report_invalid(
                key,
                &concat(&[hint, ", as a string or a function that returns one", reminder]),
            );
        }
        SecretSource::Text(Secret::new(text.unwrap_or_default()))
    }

    /// A number from `least` to `most`.
    pub(super) fn number(&self, key: &str, least: f64, most: f64, hint: &str) -> Option<f64> {
        let given = self.get(key)?;
        match given.as_number() {
            Some(number) if number >= least && number <= most => return Some(number),
            Some(number) if number.is_finite() => self.report_value(key, "out of range", hint),
            _ => self.report_invalid(key, hint),
        }
        None
    }

    /// A whole number from 1 to `most`.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range and whole")]
    pub(super) fn count(&self, key: &str, most: u32, hint: &str) -> Option<u32> {
        let number = self.number(key, 1.0, f64::from(most), hint)?;
        if number.fract() != 0.0 {
            self.report_value(key, "not a whole number", hint);
        }
        Some(number as u32)
    }

    /// A span of at least a millisecond, given in milliseconds, parts of one included.
    pub(super) fn millis(&self, key: &str) -> Option<Duration> {
        self.span(key, 1.0, "a number of milliseconds from 1 to 2^53")
    }

    /// The same for a span that may be none.
    pub(super) fn millis_or_zero(&self, key: &str) -> Option<Duration> {
        self.span(key, 0.0, "a number of milliseconds from 0 to 2^53")
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
    fn span(&self, key: &str, least: f64, hint: &str) -> Option<Duration> {
        let millis = self.number(key, least, MAX_MILLIS, hint)?;
        // Not `from_secs_f64`, which brings an arithmetic of its own.
        Some(Duration::from_micros((millis * 1000.0 + 0.5) as u64))
    }

    /// Whether it is `true`, of `true`, `false` and nothing.
    pub(super) fn flag(&self, key: &str) -> bool {
        match self.get(key) {
            Some(RawValue::Bool(value)) => return *value,
            Some(_) => self.report_invalid(key, "true or false"),
            None => {}
        }
        false
    }

    /// A function.
    pub(super) fn function(&self, key: &str) -> Option<Function> {
        let given = self.get(key)?;
        if let RawValue::Function(function) = given {
            return Some(Function::clone(function));
        }
        self.report_invalid(key, "a function");
        None
    }

    /// An object.
    pub(super) fn map(&self, key: &str, hint: &str) -> Option<Self> {
        let given = self.get(key)?;
        if let RawValue::Map(members) = given {
            return Some(self.nested(key, members));
        }
        self.report_invalid(key, hint);
        None
    }

    /// An object that must be there.
    pub(super) fn required_map(&self, key: &str, hint: &str) -> Self {
        self.map(key, hint).unwrap_or_else(|| {
            self.report_invalid(key, hint);
            self.nested(key, &[])
        })
    }

    /// One of the `known` words, which have spaces between them.
    pub(super) fn keyword(&self, key: &str, known: &'static str) -> Option<&'static str> {
        let text = self.get(key)?.as_words().unwrap_or_default();
        for word in split_words(known) {
            if word == text {
                return Some(word);
            }
        }
        let quoted = split_words(known).join("\" or \"");
        self.report_unknown_keyword(key, known, &concat(&["\"", &quoted, "\""]));
        None
    }

    /// Notes that a key holds none of the `known` words.
    pub(super) fn report_unknown_keyword(&self, key: &str, known: &str, hint: &str) {
        match self.get(key).and_then(RawValue::as_words).map(|text| closest_match(text, &split_words(known)))
        {
            None => self.report_invalid(key, hint),
            Some(None) => self.report_value(key, "a word that is not known", hint),
            Some(Some(word)) => {
                self.report_at(key, &["is a word that is not known; did you mean \"", word, "\"?"]);
            }
        }
    }

    /// The scopes: a list of at least one; each once.
    pub(super) fn scopes(&self) -> ScopeSet {
        let items = self.get("scopes").map_or(&[][..], RawValue::items);
        if items.is_empty() {
            self.report_invalid("scopes", "an array of scopes, at least one, for example [\"LIST_OFFERS\"]");
        }
        let mut scopes = Vec::new();
        for (place, item) in items.iter().enumerate() {
            match item.as_words() {
                Some(text) if is_scope(text) => scopes.push(text),
                text => {
                    let what = text.map_or(item.kind(), |_| "a string that is no scope");
                    self.report_invalid_item(
                        "scopes",
                        place,
                        what,
                        "a scope's name, visible ASCII without spaces",
                    );
                }
            }
        }
        scopes.into_iter().collect()
    }

    /// The same, where there are any.
    pub(super) fn optional_scopes(&self) -> Option<ScopeSet> {
        self.get("scopes").map(|_| self.scopes())
    }

    /// Adds headers for grant requests; names come out in lower case.
    pub(super) fn append_headers(&self, headers: &mut Vec<(String, Secret)>) {
        for (name, value) in self.members {
            let lower = name.to_ascii_lowercase();
            let key = redacted_key(name);
            if matches!(value, RawValue::Missing) {
                continue;
            }
            if ["authorization", "content-type"].contains(&lower.as_str()) {
                self.report_at(key, &["cannot be set: the manager sends it itself; leave it out"]);
            }
            if !is_header_name(&lower) {
                self.report_value(key, "not a header's name", "a name of letters, digits and hyphens");
            }
            match value.as_words() {
                Some(text) if is_header_value(text) => headers.push((lower, Secret::new(text))),
                text => {
                    let what =
                        text.map_or(value.kind(), |_| "a string with characters that no header can hold");
                    self.report_value(key, what, "the header's value as a string of visible ASCII");
                }
            }
        }
    }

    /// One name or path, or a list of them, at least one.
    pub(super) fn text_list(&self, key: &str, one: &str) -> Option<Vec<String>> {
        let given = self.get(key)?;
        let mut texts = Vec::new();
        match given.as_words() {
            Some(text) => texts.push(text.to_owned()),
            None if given.items().is_empty() => {
                self.report_invalid(key, &concat(&[one, ", or a list of them"]))
            }
            None => {}
        }
        for (place, item) in given.items().iter().enumerate() {
            match item.as_words() {
                Some(text) => texts.push(text.to_owned()),
                None => self.report_invalid_item(key, place, item.kind(), one),
            }
        }
        Some(texts)
    }
}

/// Words that are known, in one text: a list of texts would be as large again.
pub(super) fn split_words(text: &str) -> Vec<&str> {
    text.split(' ').collect()
}

/// 2^53: beyond it a JavaScript number is not exact.
const MAX_MILLIS: f64 = 9_007_199_254_740_992.0;

/// RFC 6749 section 3.3: visible ASCII but `"` and `\`.
fn is_scope(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
}

/// RFC 9110 section 5.6.2.
pub(super) fn is_header_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

fn is_header_value(value: &str) -> bool {
    value.bytes().all(|byte| byte == b' ' || byte == b'\t' || byte.is_ascii_graphic())
}
