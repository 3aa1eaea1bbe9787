//! Takes values of a kind out of an object, or notes what to write instead.
//!
//! Reading goes on after something wrong: whoever reads gets a value that will not be used, and the
//! first note is what the user is told. That way no function that reads has a way out at every step.

use std::time::Duration;

use super::{
    RawValue, SecretSource,
    validation_error::{ValidationError, item, nearest, shown, told},
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
    complaint: &'a ValidationError,
}

impl<'a> OptionReader<'a> {
    /// The outermost object.
    pub(super) fn new(members: &'a [(String, RawValue)], complaint: &'a ValidationError) -> Self {
        Self { prefix: String::new(), members, complaint }
    }

    /// An object at a key of this one.
    pub(super) fn inner(&self, key: &str, members: &'a [(String, RawValue)]) -> Self {
        Self { prefix: told(&[&self.prefix, key, "."]), members, complaint: self.complaint }
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
    pub(super) fn name(&self, key: &str) -> String {
        told(&[&self.prefix, key])
    }

    /// Refuses keys that are not among the `known` ones, which have spaces between them.
    pub(super) fn accept_only(&self, known: &str) {
        self.accept(&words(known));
    }

    /// Refuses keys that are not among the `known` ones, and names the one that was meant.
    pub(super) fn accept(&self, known: &[&str]) {
        if let Some((unknown, _)) = self.members.iter().find(|(key, _)| !known.contains(&key.as_str())) {
            self.unknown(unknown, known);
        }
    }

    /// Refuses a key that was likely meant to be `key`, which is missing.
    pub(super) fn meant(&self, key: &str) {
        let meant = self.members.iter().find(|(name, _)| nearest(name, &[key]).is_some());
        if let (Some((unknown, _)), None) = (meant, self.get(key)) {
            self.unknown(unknown, &[key]);
        }
    }

    fn unknown(&self, unknown: &str, known: &[&str]) {
        match nearest(unknown, known) {
            Some(key) => {
                self.tell(shown(unknown), &["is not known; did you mean `", &self.prefix, key, "`?"]);
            }
            None => self.tell(shown(unknown), &["is not known; known here are `", &known.join("`, `"), "`"]),
        }
    }

    /// Notes something about several keys.
    pub(super) fn note(&self, message: &[&str]) {
        self.complaint.note(message);
    }

    /// Notes something about a key.
    pub(super) fn tell(&self, key: &str, rest: &[&str]) {
        self.complaint.note(&["option `", &self.prefix, key, "` ", &told(rest)]);
    }

    /// Notes what a value is, and what to give.
    pub(super) fn is(&self, key: &str, what: &str, remedy: &str) {
        self.tell(key, &["is ", what, "; give ", remedy]);
    }

    /// The same about a value that is of the wrong kind.
    pub(super) fn wrong(&self, key: &str, remedy: &str) {
        self.is(key, self.get(key).map_or("missing", RawValue::kind), remedy);
    }

    /// The same about an item of a list.
    pub(super) fn wrong_item(&self, key: &str, place: usize, what: &str, remedy: &str) {
        self.is(&item(key, place), what, remedy);
    }

    /// The same about a key that holds several things or none.
    pub(super) fn not_one(&self, key: &str, remedy: &str) {
        self.tell(key, &["must tell one thing; give ", remedy]);
    }

    /// A text that is not empty.
    pub(super) fn text(&self, key: &str, remedy: &str) -> Option<String> {
        let given = self.get(key)?;
        if given.as_words().is_none() {
            self.wrong(key, remedy);
        }
        given.as_words().map(str::to_owned)
    }

    /// A text that must be there.
    pub(super) fn required_text(&self, key: &str, remedy: &str) -> String {
        self.text(key, remedy).unwrap_or_else(|| {
            self.wrong(key, remedy);
            String::new()
        })
    }

    /// The user name of a Basic header, which ends at its first colon (RFC 7617 section 2).
    pub(super) fn user_name(&self, key: &str, remedy: &str) -> String {
        let name = self.required_text(key, remedy);
        if name.bytes().any(|byte| byte == b':') {
            self.is(key, "a string with a colon in it", remedy);
        }
        name
    }

    /// A secret that must be there: a text, or a function that gives one.
    pub(super) fn secret(&self, key: &str, remedy: &str) -> SecretSource {
        let given = self.get(key);
        if let Some(RawValue::Function(function)) = given {
            return SecretSource::Function(Function::clone(function));
        }
        let text = given.and_then(RawValue::as_words);
        if text.is_none() {
            let hint = match given {
                None | Some(RawValue::Text(_)) => " (if it comes from the environment: is the variable set?)",
                Some(_) => "",
            };
            self.wrong(key, &told(&[remedy, ", as a string or a function that returns one", hint]));
        }
        SecretSource::Text(Secret::new(text.unwrap_or_default()))
    }

    /// A number from `least` to `most`.
    pub(super) fn number(&self, key: &str, least: f64, most: f64, remedy: &str) -> Option<f64> {
        let given = self.get(key)?;
        match given.as_number() {
            Some(number) if number >= least && number <= most => return Some(number),
            Some(number) if number.is_finite() => self.is(key, "out of range", remedy),
            _ => self.wrong(key, remedy),
        }
        None
    }

    /// A whole number from 1 to `most`.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range and whole")]
    pub(super) fn count(&self, key: &str, most: u32, remedy: &str) -> Option<u32> {
        let number = self.number(key, 1.0, f64::from(most), remedy)?;
        if number.fract() != 0.0 {
            self.is(key, "not a whole number", remedy);
        }
        Some(number as u32)
    }

    /// A span of at least a millisecond, given in milliseconds, parts of one included.
    pub(super) fn millis(&self, key: &str) -> Option<Duration> {
        self.span(key, 1.0, "a number of milliseconds from 1 to 2^53")
    }

    /// The same for a span that may be none.
    pub(super) fn millis_or_none(&self, key: &str) -> Option<Duration> {
        self.span(key, 0.0, "a number of milliseconds from 0 to 2^53")
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
    fn span(&self, key: &str, least: f64, remedy: &str) -> Option<Duration> {
        let millis = self.number(key, least, MAX_MILLIS, remedy)?;
        // Not `from_secs_f64`, which brings an arithmetic of its own.
        Some(Duration::from_micros((millis * 1000.0 + 0.5) as u64))
    }

    /// Whether it is `true`, of `true`, `false` and nothing.
    pub(super) fn flag(&self, key: &str) -> bool {
        match self.get(key) {
            Some(RawValue::Bool(value)) => return *value,
            Some(_) => self.wrong(key, "true or false"),
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
        self.wrong(key, "a function");
        None
    }

    /// An object.
    pub(super) fn map(&self, key: &str, remedy: &str) -> Option<Self> {
        let given = self.get(key)?;
        if let RawValue::Map(members) = given {
            return Some(self.inner(key, members));
        }
        self.wrong(key, remedy);
        None
    }

    /// An object that must be there.
    pub(super) fn required_map(&self, key: &str, remedy: &str) -> Self {
        self.map(key, remedy).unwrap_or_else(|| {
            self.wrong(key, remedy);
            self.inner(key, &[])
        })
    }

    /// One of the `known` words, which have spaces between them.
    pub(super) fn word(&self, key: &str, known: &'static str) -> Option<&'static str> {
        let text = self.get(key)?.as_words().unwrap_or_default();
        for word in words(known) {
            if word == text {
                return Some(word);
            }
        }
        let quoted = words(known).join("\" or \"");
        self.not_a_word(key, known, &told(&["\"", &quoted, "\""]));
        None
    }

    /// Notes that a key holds none of the `known` words.
    pub(super) fn not_a_word(&self, key: &str, known: &str, remedy: &str) {
        match self.get(key).and_then(RawValue::as_words).map(|text| nearest(text, &words(known))) {
            None => self.wrong(key, remedy),
            Some(None) => self.is(key, "a word that is not known", remedy),
            Some(Some(word)) => {
                self.tell(key, &["is a word that is not known; did you mean \"", word, "\"?"]);
            }
        }
    }

    /// The scopes: a list of at least one; each once.
    pub(super) fn scopes(&self) -> ScopeSet {
        let items = self.get("scopes").map_or(&[][..], RawValue::items);
        if items.is_empty() {
            self.wrong("scopes", "an array of scopes, at least one, for example [\"LIST_OFFERS\"]");
        }
        let mut scopes = Vec::new();
        for (place, item) in items.iter().enumerate() {
            match item.as_words() {
                Some(text) if is_scope(text) => scopes.push(text),
                text => {
                    let what = text.map_or(item.kind(), |_| "a string that is no scope");
                    self.wrong_item("scopes", place, what, "a scope's name, visible ASCII without spaces");
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
    pub(super) fn add_to(&self, headers: &mut Vec<(String, Secret)>) {
        for (name, value) in self.members {
            let lower = name.to_ascii_lowercase();
            let key = shown(name);
            if matches!(value, RawValue::Missing) {
                continue;
            }
            if ["authorization", "content-type"].contains(&lower.as_str()) {
                self.tell(key, &["cannot be set: the manager sends it itself; leave it out"]);
            }
            if !is_header_name(&lower) {
                self.is(key, "not a header's name", "a name of letters, digits and hyphens");
            }
            match value.as_words() {
                Some(text) if is_header_value(text) => headers.push((lower, Secret::new(text))),
                text => {
                    let what =
                        text.map_or(value.kind(), |_| "a string with characters that no header can hold");
                    self.is(key, what, "the header's value as a string of visible ASCII");
                }
            }
        }
    }

    /// One name or path, or a list of them, at least one.
    pub(super) fn texts(&self, key: &str, one: &str) -> Option<Vec<String>> {
        let given = self.get(key)?;
        let mut texts = Vec::new();
        match given.as_words() {
            Some(text) => texts.push(text.to_owned()),
            None if given.items().is_empty() => self.wrong(key, &told(&[one, ", or a list of them"])),
            None => {}
        }
        for (place, item) in given.items().iter().enumerate() {
            match item.as_words() {
                Some(text) => texts.push(text.to_owned()),
                None => self.wrong_item(key, place, item.kind(), one),
            }
        }
        Some(texts)
    }
}

/// Words that are known, in one text: a list of texts would be as large again.
pub(super) fn words(text: &str) -> Vec<&str> {
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
