//! Takes values of a kind out of an object, or says what to write instead.

use std::time::Duration;

use super::{Given, Invalid, SecretSource, invalid};
use crate::core::{ScopeSet, Secret};

/// An object of options, and where it is.
pub(super) struct Reader<'a, F> {
    /// In front of keys in messages: `retry.`.
    prefix: String,
    members: &'a [(String, Given<F>)],
}

impl<'a, F: Clone> Reader<'a, F> {
    pub(super) fn new(prefix: impl Into<String>, members: &'a [(String, Given<F>)]) -> Self {
        Self { prefix: prefix.into(), members }
    }

    /// The value of a key; `undefined` is as good as nothing.
    pub(super) fn get(&self, key: &str) -> Option<&'a Given<F>> {
        let found = self.members.iter().find(|(name, _)| name == key).map(|(_, value)| value);
        found.filter(|value| !matches!(value, Given::Missing))
    }

    /// Every key that was given.
    pub(super) fn members(&self) -> &'a [(String, Given<F>)] {
        self.members
    }

    /// The key with what leads to it.
    pub(super) fn name(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    /// Refuses keys that are not known, and names the one that was meant.
    pub(super) fn accept_only(&self, known: &[&str]) -> Result<(), Invalid> {
        let Some((unknown, _)) = self.members.iter().find(|(key, _)| !known.contains(&key.as_str())) else {
            return Ok(());
        };
        Err(self.unknown(unknown, known))
    }

    /// Refuses a key that was likely meant to be `key`, which is missing.
    pub(super) fn meant(&self, key: &str) -> Result<(), Invalid> {
        match self.members.iter().find(|(name, _)| nearest(name, &[key]).is_some()) {
            Some((unknown, _)) if self.get(key).is_none() => Err(self.unknown(unknown, &[key])),
            _ => Ok(()),
        }
    }

    fn unknown(&self, unknown: &str, known: &[&str]) -> Invalid {
        let name = self.name(shown(unknown));
        invalid(match nearest(unknown, known) {
            Some(key) => format!("option `{name}` is not known; did you mean `{}`?", self.name(key)),
            None => format!("option `{name}` is not known; known here are `{}`", known.join("`, `")),
        })
    }

    /// An error about a key: what it is, and what to give.
    pub(super) fn wrong(&self, key: &str, remedy: &str) -> Invalid {
        self.is(key, self.get(key).map_or("missing", Given::kind), remedy)
    }

    /// The same about an item of a list.
    pub(super) fn wrong_item(&self, key: &str, place: usize, what: &str, remedy: &str) -> Invalid {
        self.is(&format!("{key}[{place}]"), what, remedy)
    }

    /// An error about a key that holds several things or none.
    pub(super) fn not_one(&self, key: &str, remedy: &str) -> Invalid {
        invalid(format!("option `{}` must tell one thing; give {remedy}", self.name(key)))
    }

    fn is(&self, key: &str, what: &str, remedy: &str) -> Invalid {
        invalid(format!("option `{}` is {what}; give {remedy}", self.name(key)))
    }

    /// A text that is not empty.
    pub(super) fn text(&self, key: &str, remedy: &str) -> Result<Option<String>, Invalid> {
        match self.get(key) {
            None => Ok(None),
            Some(Given::Text(text)) if !text.trim().is_empty() => Ok(Some(text.to_string())),
            Some(_) => Err(self.wrong(key, remedy)),
        }
    }

    /// A text that must be there.
    pub(super) fn required_text(&self, key: &str, remedy: &str) -> Result<String, Invalid> {
        self.text(key, remedy)?.ok_or_else(|| self.wrong(key, remedy))
    }

    /// The user name of a Basic header, which ends at its first colon (RFC 7617 section 2).
    pub(super) fn user_name(&self, key: &str, remedy: &str) -> Result<String, Invalid> {
        let name = self.required_text(key, remedy)?;
        if name.contains(':') { Err(self.is(key, "a string with a colon in it", remedy)) } else { Ok(name) }
    }

    /// A secret that must be there: a text, or a function that gives one.
    pub(super) fn secret(&self, key: &str, remedy: &str) -> Result<SecretSource<F>, Invalid> {
        let hint = match self.get(key) {
            Some(Given::Text(text)) if !text.trim().is_empty() => {
                return Ok(SecretSource::Text(Secret::new(text.as_str())));
            }
            Some(Given::Function(function)) => return Ok(SecretSource::Function(function.clone())),
            None | Some(Given::Text(_)) => " (if it comes from the environment: is the variable set?)",
            Some(_) => "",
        };
        Err(self.wrong(key, &format!("{remedy}, as a string or a function that returns one{hint}")))
    }

    /// A number from `least` to `most`.
    pub(super) fn number(
        &self,
        key: &str,
        least: f64,
        most: f64,
        remedy: &str,
    ) -> Result<Option<f64>, Invalid> {
        match self.get(key) {
            None => Ok(None),
            Some(Given::Number(number)) if (least..=most).contains(number) => Ok(Some(*number)),
            Some(Given::Number(number)) if number.is_finite() => Err(self.is(key, "out of range", remedy)),
            Some(_) => Err(self.wrong(key, remedy)),
        }
    }

    /// A whole number from `least` to `most`.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range and whole")]
    pub(super) fn whole(
        &self,
        key: &str,
        least: u32,
        most: u32,
        remedy: &str,
    ) -> Result<Option<u32>, Invalid> {
        match self.number(key, f64::from(least), f64::from(most), remedy)? {
            Some(number) if number.fract() != 0.0 => Err(self.is(key, "not a whole number", remedy)),
            number => Ok(number.map(|number| number as u32)),
        }
    }

    /// A span in milliseconds, at least `least` of them, parts of one included.
    pub(super) fn millis(&self, key: &str, least: u32) -> Result<Option<Duration>, Invalid> {
        let remedy = format!("a number of milliseconds from {least} to 2^53");
        let millis = self.number(key, f64::from(least), MOST_MILLIS, &remedy)?;
        Ok(millis.map(|millis| Duration::from_secs_f64(millis / 1000.0)))
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, Invalid> {
        match self.get(key) {
            None => Ok(None),
            Some(Given::Bool(value)) => Ok(Some(*value)),
            Some(_) => Err(self.wrong(key, "true or false")),
        }
    }

    /// A function.
    pub(super) fn function(&self, key: &str) -> Result<Option<F>, Invalid> {
        match self.get(key) {
            None => Ok(None),
            Some(Given::Function(function)) => Ok(Some(function.clone())),
            Some(_) => Err(self.wrong(key, "a function")),
        }
    }

    /// An object.
    pub(super) fn map(&self, key: &str, remedy: &str) -> Result<Option<Self>, Invalid> {
        match self.get(key) {
            None => Ok(None),
            Some(Given::Map(members)) => Ok(Some(Self::new(format!("{}.", self.name(key)), members))),
            Some(_) => Err(self.wrong(key, remedy)),
        }
    }

    /// One of several words.
    pub(super) fn one_of<T: Copy>(&self, key: &str, words: &[(&str, T)]) -> Result<Option<T>, Invalid> {
        let Some(given) = self.get(key) else { return Ok(None) };
        let text = given.as_text().unwrap_or_default();
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Ok(Some(*value));
        }
        let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        Err(self.not_a_word(key, &known, &format!("\"{}\"", known.join("\" or \""))))
    }

    /// An error about a key that holds none of the `known` words.
    pub(super) fn not_a_word(&self, key: &str, known: &[&str], remedy: &str) -> Invalid {
        let Some(text) = self.get(key).and_then(Given::as_text) else { return self.wrong(key, remedy) };
        match nearest(text, known) {
            Some(word) => invalid(format!(
                "option `{}` is a word that is not known; did you mean \"{word}\"?",
                self.name(key)
            )),
            None => self.is(key, "a word that is not known", remedy),
        }
    }

    /// A list of scopes, at least one; each once.
    pub(super) fn scopes(&self, key: &str) -> Result<ScopeSet, Invalid> {
        let items = match self.get(key) {
            Some(Given::List(items)) if !items.is_empty() => items,
            _ => {
                return Err(
                    self.wrong(key, "an array of scopes, at least one, for example [\"LIST_OFFERS\"]")
                );
            }
        };
        let scope = |(place, item): (usize, &'a Given<F>)| match item.as_text() {
            Some(text) if is_scope(text) => Ok(text),
            text => {
                let what = text.map_or(item.kind(), |_| "a string that is no scope");
                Err(self.wrong_item(key, place, what, "a scope's name, visible ASCII without spaces"))
            }
        };
        items.iter().enumerate().map(scope).collect()
    }

    /// Headers to add to grant requests; names come out in lower case.
    pub(super) fn headers(&self) -> Result<Vec<(String, Secret)>, Invalid> {
        let header = |(name, value): &(String, Given<F>)| {
            let lower = name.to_ascii_lowercase();
            let key = shown(name);
            if ["authorization", "content-type"].contains(&lower.as_str()) {
                return Err(invalid(format!(
                    "option `{}` cannot be set: the manager sends it itself; leave it out",
                    self.name(key)
                )));
            }
            if !is_header_name(&lower) {
                return Err(self.is(key, "not a header's name", "a name of letters, digits and hyphens"));
            }
            match value.as_text() {
                Some(text) if is_header_value(text) => Ok((lower, Secret::new(text))),
                text => {
                    let what =
                        text.map_or(value.kind(), |_| "a string with characters that no header can hold");
                    Err(self.is(key, what, "the header's value as a string of visible ASCII"))
                }
            }
        };
        let given = self.members.iter().filter(|(_, value)| !matches!(value, Given::Missing));
        given.map(header).collect()
    }

    /// One name or path, or a list of them, at least one.
    pub(super) fn texts(&self, key: &str, one: &str) -> Result<Option<Vec<String>>, Invalid> {
        match self.get(key) {
            None => Ok(None),
            Some(Given::List(items)) if !items.is_empty() => {
                let text = |(place, item): (usize, &Given<F>)| {
                    let text = item.as_text().map(str::to_owned);
                    text.ok_or_else(|| self.wrong_item(key, place, item.kind(), one))
                };
                items.iter().enumerate().map(text).collect::<Result<_, _>>().map(Some)
            }
            Some(given) => match given.as_text() {
                Some(text) => Ok(Some(vec![text.to_owned()])),
                None => Err(self.wrong(key, &format!("{one}, or a list of them"))),
            },
        }
    }
}

/// 2^53: beyond it a JavaScript number is not exact.
const MOST_MILLIS: f64 = 9_007_199_254_740_992.0;

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

/// A key as it may be shown: a secret may have been pasted in its place.
///
/// Keys are words: letters, maybe with `_` or `-` between them and a digit or two
/// at the end. Whatever generates secrets puts digits or signs anywhere.
pub(super) fn shown(key: &str) -> &str {
    let word = key.trim_end_matches(|last: char| last.is_ascii_digit());
    let plain = key.len() <= LONGEST_SHOWN
        && key.len() - word.len() <= 2
        && word.bytes().all(|byte| byte.is_ascii_alphabetic() || b"_-".contains(&byte));
    if plain { key } else { "…" }
}

/// The longest key of the contract has 19 letters, the longest usual header 32.
const LONGEST_SHOWN: usize = 32;

/// The known word that was most likely meant.
fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let lower = word.to_ascii_lowercase();
    known
        .iter()
        .map(|&candidate| (strsim::osa_distance(&lower, &candidate.to_ascii_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= 1.max(candidate.len() / 3))
        .min()
        .map(|(_, candidate)| candidate)
}
