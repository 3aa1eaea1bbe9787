//! Options as data: their names, accepted values and defaults, and the values that were given.
//!
//! One table for each object of options is the source for validation, and for the tables of the package and of its
//! documentation (`src/generated.rs`).

use std::time::Duration;

use crate::{
    core::{ScopeSet, Secret},
    json::Function,
};

/// A row of a table of options.
#[derive(Debug)]
pub struct OptionSpec {
    /// Name in JavaScript. Names of durations end in `Ms`.
    pub name: &'static str,
    /// Accepted values.
    pub accepts: Accepts,
    /// Whether the option may be missing.
    pub presence: Presence,
    /// Value of a missing option, where it is the same for all providers.
    pub default: Fallback,
}

/// The values that an option accepts. Texts are noun phrases that follow "give" in messages.
#[derive(Clone, Copy, Debug)]
pub enum Accepts {
    /// A string that is not blank.
    Text(&'static str),
    /// A string without a colon, for Basic credentials (RFC 7617 section 2).
    UserName(&'static str),
    /// A date, `YYYY-MM-DD`.
    Date,
    /// A string that is not blank, or a function that returns one.
    Secret(&'static str),
    /// A list of at least one scope (RFC 6749 section 3.3).
    Scopes,
    /// One of these words, which are separated by spaces.
    Keyword(&'static str),
    /// `true` or `false`.
    Flag,
    /// A function.
    Function,
    /// Milliseconds, from this number to 2^53. Fractions are allowed.
    Millis(f64),
    /// A number within these bounds.
    Number(f64, f64, &'static str),
    /// An integer from 1 to this number.
    Count(u32, &'static str),
    /// An object with these members.
    Object(&'static [OptionSpec], &'static str),
    /// A value that its own code reads.
    Other,
}

/// Whether an option may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It may be missing.
    Optional,
    /// It must be given.
    Required,
    /// It must be given where this other option is missing.
    RequiredWithout(&'static str),
}

/// Value of a missing option.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fallback {
    /// None, or one that depends on others.
    None,
    /// A number, in milliseconds for durations.
    Number(f64),
    /// A keyword or a string.
    Text(&'static str),
}

impl OptionSpec {
    /// Creates an option that may be missing.
    pub const fn optional(name: &'static str, accepts: Accepts) -> Self {
        Self { name, accepts, presence: Presence::Optional, default: Fallback::None }
    }

    /// Creates an option that must be given.
    pub const fn required(name: &'static str, accepts: Accepts) -> Self {
        Self { presence: Presence::Required, ..Self::optional(name, accepts) }
    }

    /// Sets the option that may replace this one.
    #[must_use]
    pub const fn unless(self, other: &'static str) -> Self {
        Self { presence: Presence::RequiredWithout(other), ..self }
    }

    /// Sets a number as the default.
    #[must_use]
    pub const fn or_number(self, default: f64) -> Self {
        Self { default: Fallback::Number(default), ..self }
    }

    /// Sets a keyword or a string as the default.
    #[must_use]
    pub const fn or_text(self, default: &'static str) -> Self {
        Self { default: Fallback::Text(default), ..self }
    }
}

/// Source of a secret.
#[derive(Clone, Debug)]
pub enum SecretSource {
    /// A given value.
    Text(Secret),
    /// A function that is called for each grant.
    Function(Function),
}

/// A validated value.
#[derive(Clone, Debug)]
pub enum Value {
    /// A string.
    Text(String),
    /// One of the accepted words.
    Keyword(&'static str),
    /// A number, an integer or a duration in milliseconds.
    Number(f64),
    /// `true` or `false`.
    Flag(bool),
    /// A function.
    Function(Function),
    /// A secret.
    Secret(SecretSource),
    /// Scopes.
    Scopes(ScopeSet),
    /// An object.
    Object(Values),
}

/// The validated values of an object of options.
///
/// A missing option has the default of its row, if any. A required option that is missing was reported as an error, and
/// has an empty value here.
#[derive(Clone, Debug, Default)]
pub struct Values {
    given: Vec<(&'static OptionSpec, Value)>,
    missing: Vec<&'static OptionSpec>,
}

impl Values {
    /// Adds the value of an option, or its absence.
    pub fn push(&mut self, option: &'static OptionSpec, value: Option<Value>) {
        match value {
            Some(value) => self.given.push((option, value)),
            None => self.missing.push(option),
        }
    }

    /// Returns whether an option was given.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.given.iter().find(|(option, _)| option.name == name).map(|(_, value)| value)
    }

    fn default(&self, name: &str) -> Fallback {
        self.missing.iter().find(|option| option.name == name).map_or(Fallback::None, |option| option.default)
    }

    /// Returns a string.
    pub fn text(&self, name: &str) -> Option<String> {
        if let Some(Value::Text(text)) = self.get(name) { Some(text.clone()) } else { None }
    }

    /// Returns a required string.
    pub fn required_text(&self, name: &str) -> String {
        self.text(name).unwrap_or_default()
    }

    /// Returns a keyword, or its default.
    pub fn keyword(&self, name: &str) -> Option<&'static str> {
        match (self.get(name), self.default(name)) {
            (Some(Value::Keyword(word)), _) => Some(word),
            (None, Fallback::Text(word)) => Some(word),
            _ => None,
        }
    }

    /// Returns a number without its default.
    pub fn given_number(&self, name: &str) -> Option<f64> {
        if let Some(Value::Number(number)) = self.get(name) { Some(*number) } else { None }
    }

    /// Returns a number; where it is missing, its default, and 0 where it has none.
    pub fn number(&self, name: &str) -> f64 {
        match (self.given_number(name), self.default(name)) {
            (Some(number), _) | (None, Fallback::Number(number)) => number,
            _ => 0.0,
        }
    }

    /// Returns an integer; where it is missing, its default.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range and whole")]
    pub fn count(&self, name: &str) -> u32 {
        self.number(name) as u32
    }

    /// Returns a duration without its default.
    pub fn given_millis(&self, name: &str) -> Option<Duration> {
        self.given_number(name).map(duration)
    }

    /// Returns a duration; where it is missing, its default.
    pub fn millis(&self, name: &str) -> Duration {
        duration(self.number(name))
    }

    /// Returns a boolean; `false` where missing.
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.get(name), Some(Value::Flag(true)))
    }

    /// Returns a function.
    pub fn function(&self, name: &str) -> Option<Function> {
        if let Some(Value::Function(function)) = self.get(name) {
            Some(Function::clone(function))
        } else {
            None
        }
    }

    /// Returns the scopes; empty where missing.
    pub fn scopes(&self, name: &str) -> ScopeSet {
        if let Some(Value::Scopes(scopes)) = self.get(name) { scopes.clone() } else { ScopeSet::default() }
    }

    /// Returns an object.
    pub fn object(&self, name: &str) -> Option<&Self> {
        if let Some(Value::Object(values)) = self.get(name) { Some(values) } else { None }
    }

    /// Returns the secrets in the order of their rows.
    pub fn secrets(&self) -> Vec<SecretSource> {
        let mut secrets = Vec::new();
        for (_, value) in &self.given {
            if let Value::Secret(secret) = value {
                secrets.push(secret.clone());
            }
        }
        secrets
    }
}

/// Converts validated milliseconds.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
pub(crate) fn duration(millis: f64) -> Duration {
    // `from_secs_f64` would add its own arithmetic to the module.
    Duration::from_micros((millis * 1000.0 + 0.5) as u64)
}
