//! Typed access to an object of options.
//!
//! Reading continues after an error with placeholder values, and the first error is reported at the end, so readers
//! need no early returns.

use std::time::Duration;

use super::{
    RawValue,
    validation_error::{ValidationError, closest_match, concat, item_path, redacted_key},
};
use crate::{
    core::ScopeSet,
    json::Function,
    provider::{
        SecretSource,
        option::{Accepts, OptionSpec, Presence, Values, duration, is_header_value},
    },
};

/// An object of options and its path.
pub(super) struct OptionReader<'a> {
    /// Prefix of keys in messages, for example `retry.`.
    prefix: String,
    members: &'a [(String, RawValue)],
    error: &'a ValidationError,
}

impl<'a> OptionReader<'a> {
    /// Creates a reader of the outermost object.
    pub(super) fn new(members: &'a [(String, RawValue)], error: &'a ValidationError) -> Self {
        Self { prefix: String::new(), members, error }
    }

    /// Creates a reader of the object at a key.
    pub(super) fn nested(&self, key: &str, members: &'a [(String, RawValue)]) -> Self {
        Self { prefix: concat(&[&self.prefix, key, "."]), members, error: self.error }
    }

    /// Returns the value of a key; `undefined` counts as missing.
    pub(super) fn get(&self, key: &str) -> Option<&'a RawValue> {
        let found = self.members.iter().find(|(name, _)| name == key).map(|(_, value)| value);
        found.filter(|value| !matches!(value, RawValue::Missing))
    }

    /// Returns all members.
    pub(super) fn members(&self) -> &'a [(String, RawValue)] {
        self.members
    }

    /// Returns the full path of a key.
    pub(super) fn path(&self, key: &str) -> String {
        concat(&[&self.prefix, key])
    }

    /// Validates an object that has the options of two tables, except the `unused` ones, and no others.
    ///
    /// A row of `own` replaces the one of `common` with the same name.
    pub(super) fn read(
        &self,
        own: &'static [OptionSpec],
        common: &'static [OptionSpec],
        unused: Vec<&'static str>,
    ) -> Values<'a> {
        let mut known = Vec::new();
        for option in common.iter().chain(own) {
            if !known.contains(&option.name) {
                known.push(option.name);
            }
        }
        self.allow_keys(&known);
        let mut done = unused.clone();
        for option in own.iter().chain(common) {
            if !done.contains(&option.name) {
                done.push(option.name);
                self.check(option);
            }
        }
        Values::new(self.members, [own, common], unused)
    }

    /// Reports an error where the value of an option is not accepted, or where it is missing and required.
    fn check(&self, option: &OptionSpec) {
        let name = option.name;
        let is_required = match option.presence {
            Presence::Optional => false,
            Presence::Required => true,
            Presence::RequiredWithout(other) => self.get(other).is_none(),
        };
        if self.get(name).is_none() && !is_required {
            return;
        }
        match option.accepts {
            Accepts::Text(hint) => drop(self.required_text(name, hint)),
            Accepts::Uuid(hint) => {
                if !is_uuid_text(&self.required_text(name, hint)) {
                    self.report_value(name, NO_UUID, hint);
                }
            }
            Accepts::UserName(hint) => drop(self.basic_user_name(name, hint)),
            Accepts::Date => self.check_date(name),
            Accepts::Secret(hint) => drop(self.secret(name, hint)),
            Accepts::Scopes => drop(self.scopes()),
            Accepts::Keyword(known) => drop(self.one_of(name, known)),
            Accepts::Flag => self.check_flag(name),
            Accepts::Function => drop(self.function(name)),
            Accepts::Millis(least) => drop(self.millis_from(name, least)),
            Accepts::Number(least, most, hint) => drop(self.number(name, least, most, hint)),
            Accepts::Count(most, hint) => self.check_count(name, most, hint),
            Accepts::Object(members, hint) => {
                if let Some(object) = self.map(name, hint) {
                    object.read(members, &[], Vec::new());
                }
            }
            Accepts::Other => {}
        }
    }

    /// Rejects keys other than the `known` ones, which are separated by spaces.
    pub(super) fn allow_only(&self, known: &str) {
        self.allow_keys(&split_words(known));
    }

    /// Rejects keys other than the `known` ones and suggests the closest match.
    pub(super) fn allow_keys(&self, known: &[&str]) {
        if let Some((unknown, _)) = self.members.iter().find(|(key, _)| !known.contains(&key.as_str())) {
            self.report_unknown_key(unknown, known);
        }
    }

    /// Rejects a likely misspelling of `key` where `key` itself is missing.
    pub(super) fn suggest(&self, key: &str) {
        let meant = self.members.iter().find(|(name, _)| closest_match(name, &[key]).is_some());
        if let (Some((unknown, _)), None) = (meant, self.get(key)) {
            self.report_unknown_key(unknown, &[key]);
        }
    }

    /// Reports an unknown key, with the closest of the `known` ones or all of them.
    pub(super) fn report_unknown_key(&self, unknown: &str, known: &[&str]) {
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

    /// Reports an error about several keys.
    pub(super) fn report(&self, message: &[&str]) {
        self.error.report(message);
    }

    /// Reports an error about a key.
    pub(super) fn report_at(&self, key: &str, rest: &[&str]) {
        self.error.report(&["option `", &self.prefix, key, "` ", &concat(rest)]);
    }

    /// Reports the received and the expected value of a key.
    pub(super) fn report_value(&self, key: &str, what: &str, hint: &str) {
        self.report_at(key, &["is ", what, "; give ", hint]);
    }

    /// Reports a value of the wrong type, or a missing one.
    pub(super) fn report_invalid(&self, key: &str, hint: &str) {
        self.report_value(key, self.get(key).map_or("missing", RawValue::kind), hint);
    }

    /// Reports an invalid item of a list.
    pub(super) fn report_invalid_item(&self, key: &str, index: usize, what: &str, hint: &str) {
        self.report_value(&item_path(key, index), what, hint);
    }

    /// Reports a value that must contain exactly one of several members.
    pub(super) fn report_not_exactly_one(&self, key: &str, hint: &str) {
        self.report_at(key, &["must tell one thing; give ", hint]);
    }

    /// Reads a non-empty string.
    pub(super) fn text(&self, key: &str, hint: &str) -> Option<String> {
        let given = self.get(key)?;
        if given.as_words().is_none() {
            self.report_invalid(key, hint);
        }
        given.as_words().map(str::to_owned)
    }

    /// Reads a required string.
    pub(super) fn required_text(&self, key: &str, hint: &str) -> String {
        self.text(key, hint).unwrap_or_else(|| {
            self.report_invalid(key, hint);
            String::new()
        })
    }

    /// Reads the user name of Basic credentials, which cannot contain a colon (RFC 7617 section 2).
    pub(super) fn basic_user_name(&self, key: &str, hint: &str) -> String {
        let name = self.required_text(key, hint);
        self.check_no_placeholder(key, &name);
        if name.bytes().any(|byte| byte == b':') {
            self.report_value(key, "a string with a colon in it", hint);
        }
        name
    }

    /// Reads a required secret: a string or a function that returns one.
    pub(super) fn secret(&self, key: &str, hint: &str) -> SecretSource {
        let given = self.get(key).unwrap_or(&RawValue::Missing);
        if !matches!(given, RawValue::Function(_)) && given.as_words().is_none() {
            let reminder = if matches!(given, RawValue::Missing | RawValue::Text(_)) {
                " (if it comes from the environment: is the variable set?)"
            } else {
                ""
            };
            self.report_invalid(
                key,
                &concat(&[hint, ", as a string or a function that returns one", reminder]),
            );
        }
        self.check_no_placeholder(key, given.as_words().unwrap_or_default());
        SecretSource::of(given)
    }

    /// Reports a placeholder of `variables` where it would be sent as it is.
    fn check_no_placeholder(&self, key: &str, text: &str) {
        if ["$accessToken", "$refreshToken", "$scopes"].contains(&text) {
            self.report_at(key, &["is a placeholder, which only `variables` can have"]);
        }
    }

    /// Reads a number from `least` to `most`.
    pub(super) fn number(&self, key: &str, least: f64, most: f64, hint: &str) -> Option<f64> {
        let given = self.get(key)?;
        match given.as_number() {
            Some(number) if number >= least && number <= most => return Some(number),
            Some(number) if number.is_finite() => self.report_value(key, "out of range", hint),
            _ => self.report_invalid(key, hint),
        }
        None
    }

    /// Checks a whole number from 1 to `most`.
    fn check_count(&self, key: &str, most: u32, hint: &str) {
        let number = self.number(key, 1.0, f64::from(most), hint);
        if number.is_some_and(|number| number.fract() != 0.0) {
            self.report_value(key, "not a whole number", hint);
        }
    }

    /// Reads a duration in milliseconds, at least 1; fractions are allowed.
    pub(super) fn millis(&self, key: &str) -> Option<Duration> {
        self.millis_from(key, 1.0).map(duration)
    }

    fn millis_from(&self, key: &str, least: f64) -> Option<f64> {
        let hint = if least == 0.0 {
            "a number of milliseconds from 0 to 2^53"
        } else {
            "a number of milliseconds from 1 to 2^53"
        };
        self.number(key, least, MAX_MILLIS, hint)
    }

    /// Checks a date, `YYYY-MM-DD`.
    fn check_date(&self, key: &str) {
        let date = self.required_text(key, "a date, as in \"2019-01-01\"");
        if !is_date(&date) {
            self.report_value(key, "a string that is no date", "one as in \"2019-01-01\"");
        }
    }

    fn check_flag(&self, key: &str) {
        if !matches!(self.get(key), Some(RawValue::Bool(_))) {
            self.report_invalid(key, "true or false");
        }
    }

    /// Reads a function.
    pub(super) fn function(&self, key: &str) -> Option<Function> {
        let given = self.get(key)?;
        if let RawValue::Function(function) = given {
            return Some(Function::clone(function));
        }
        self.report_invalid(key, "a function");
        None
    }

    /// Reads an object.
    pub(super) fn map(&self, key: &str, hint: &str) -> Option<Self> {
        let given = self.get(key)?;
        if let RawValue::Map(members) = given {
            return Some(self.nested(key, members));
        }
        self.report_invalid(key, hint);
        None
    }

    /// Reads a required object.
    pub(super) fn required_map(&self, key: &str, hint: &str) -> Self {
        self.map(key, hint).unwrap_or_else(|| {
            self.report_invalid(key, hint);
            self.nested(key, &[])
        })
    }

    /// Reads one of the `known` keywords, which are separated by spaces.
    pub(super) fn keyword(&self, key: &str, known: &'static str) -> Option<&'static str> {
        self.get(key).and_then(|_| self.one_of(key, known))
    }

    /// Reads one of the `known` keywords, which is required.
    fn one_of(&self, key: &str, known: &'static str) -> Option<&'static str> {
        let known = split_words(known);
        let text = self.get(key).and_then(RawValue::as_words);
        let found = known.iter().copied().find(|word| Some(*word) == text);
        if found.is_none() {
            self.report_unknown_keyword(key, &known, &concat(&["\"", &known.join("\" or \""), "\""]));
        }
        found
    }

    /// Reports a value other than the `known` keywords and suggests the closest match.
    pub(super) fn report_unknown_keyword(&self, key: &str, known: &[&str], hint: &str) {
        match self.get(key).and_then(RawValue::as_words).map(|text| closest_match(text, known)) {
            None => self.report_invalid(key, hint),
            Some(None) => self.report_value(key, "a word that is not known", hint),
            Some(Some(word)) => {
                self.report_at(key, &["is a word that is not known; did you mean \"", word, "\"?"]);
            }
        }
    }

    /// Reads the required scopes: a non-empty list, without duplicates in the result.
    pub(super) fn scopes(&self) -> ScopeSet {
        let items = self.get("scopes").map_or(&[][..], RawValue::items);
        if items.is_empty() {
            self.report_invalid("scopes", "an array of scopes, at least one, for example [\"LIST_OFFERS\"]");
        }
        let mut scopes = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match item.as_words() {
                Some(text) if is_scope(text) => scopes.push(text),
                text => {
                    let what = text.map_or(item.kind(), |_| "a string that is no scope");
                    self.report_invalid_item(
                        "scopes",
                        index,
                        what,
                        "a scope's name, visible ASCII without spaces",
                    );
                }
            }
        }
        scopes.into_iter().collect()
    }

    /// Reads the scopes, if any are given.
    pub(super) fn optional_scopes(&self) -> Option<ScopeSet> {
        self.get("scopes").map(|_| self.scopes())
    }

    /// Appends the headers of grant requests; names are converted to lower case. A later value replaces an earlier one.
    pub(super) fn append_headers(&self, headers: &mut Vec<(String, SecretSource)>) {
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
            self.check_no_placeholder(key, value.as_words().unwrap_or_default());
            let is_valid = match (value, value.as_words()) {
                (RawValue::Function(_), _) => true,
                (_, Some(text)) => is_header_value(text),
                (_, None) => false,
            };
            if !is_valid {
                let what = match value.as_words() {
                    Some(_) => "a string with characters that no header can hold",
                    None => value.kind(),
                };
                self.report_value(
                    key,
                    what,
                    "the header's value as a string of visible ASCII, or a function that returns one",
                );
            }
            headers.retain(|(known, _)| *known != lower);
            headers.push((lower, SecretSource::of(value)));
        }
    }

    /// Reads a string or a non-empty list of strings.
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
        for (index, item) in given.items().iter().enumerate() {
            match item.as_words() {
                Some(text) => texts.push(text.to_owned()),
                None => self.report_invalid_item(key, index, item.kind(), one),
            }
        }
        Some(texts)
    }

    /// Reads a path or a list of them. A path leads to one value, so it has no `*`.
    pub(super) fn path_list(&self, key: &str, one: &str) -> Option<Vec<String>> {
        let paths = self.text_list(key, one)?;
        for path in &paths {
            self.check_path(key, path, one);
            if path.split('.').any(|name| name == "*" || name.contains('[')) {
                self.report_value(key, "a path with `*` or `[` in it", one);
            }
        }
        Some(paths)
    }

    /// Reports a path with an empty name, which leads nowhere.
    pub(super) fn check_path(&self, key: &str, path: &str, hint: &str) {
        if path.split('.').any(|name| name.trim().is_empty()) {
            self.report_value(key, "a path with an empty name in it", hint);
        }
    }
}

/// Splits a static list of keywords: smaller in the module than a slice of strings.
pub(super) fn split_words(text: &str) -> Vec<&str> {
    text.split(' ').collect()
}

/// 2^53, beyond which JavaScript numbers are not exact.
const MAX_MILLIS: f64 = 9_007_199_254_740_992.0;

fn is_date(text: &str) -> bool {
    let shaped = text.len() == 10
        && text.bytes().enumerate().all(|(index, byte)| match index {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    let number = |first: usize| {
        let digits = &text.as_bytes()[first..];
        (digits[0] - b'0') * 10 + (digits[1] - b'0')
    };
    shaped && (1..=12).contains(&number(5)) && (1..=31).contains(&number(8))
}

/// What a string is called that is no UUID.
pub(super) const NO_UUID: &str = "a string that is no UUID";

/// RFC 9562 section 4: 32 hexadecimal digits in five groups.
pub(super) fn is_uuid_text(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// RFC 6749 section 3.3: visible ASCII except `"` and `\`.
fn is_scope(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
}

/// RFC 9110 section 5.6.2.
pub(super) fn is_header_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}
