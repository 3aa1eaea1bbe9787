//! Options as data: their names, accepted values and defaults, and the values that were given.
//!
//! One table for each object of options is the source for validation and for the flags of the command line; a test
//! (`src/generated.rs`) compares it with the types of the package.

use std::time::Duration;

use crate::{
    core::{ScopeSet, Secret},
    json::{Function, Json},
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
    /// Value of a missing option, if it is the same for all providers.
    pub default: Fallback,
}

/// The values that an option accepts. Texts are noun phrases that follow "give" in messages.
#[derive(Clone, Copy, Debug)]
pub enum Accepts {
    /// A string that is not blank.
    Text(&'static str),
    /// A UUID (RFC 9562 section 4), in either case.
    Uuid(&'static str),
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
    /// It must be given if this other option is missing.
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
#[derive(Clone, Debug, PartialEq)]
pub enum SecretSource {
    /// A given value.
    Text(Secret),
    /// A function that is called for each grant.
    Function(Function),
}

impl SecretSource {
    /// Returns the given value; `None` if a function returns it.
    pub fn as_text(&self) -> Option<&Secret> {
        if let Self::Text(secret) = self { Some(secret) } else { None }
    }

    /// Returns the source of a validated value.
    pub fn of(given: &Json) -> Self {
        if let Json::Function(function) = given {
            return Self::Function(Function::clone(function));
        }
        Self::Text(Secret::new(given.as_words().unwrap_or_default()))
    }
}

/// Returns whether a string can be the value of a header (RFC 9110 section 5.5), without bytes beyond ASCII.
pub(crate) fn is_header_value(value: &str) -> bool {
    value.bytes().all(|byte| byte == b' ' || byte == b'\t' || byte.is_ascii_graphic())
}

/// The validated values of an object of options.
///
/// A missing option has the default of its row, if any. A value that was reported as invalid is empty here.
#[derive(Clone, Debug)]
pub struct Values<'a> {
    members: &'a [(String, Json)],
    options: [&'static [OptionSpec]; 2],
    unused: Vec<&'static str>,
}

impl<'a> Values<'a> {
    /// Creates the values of an object that has the options of two tables, without the `unused` ones.
    pub const fn new(
        members: &'a [(String, Json)],
        options: [&'static [OptionSpec]; 2],
        unused: Vec<&'static str>,
    ) -> Self {
        Self { members, options, unused }
    }

    /// Values of an object without members.
    pub const EMPTY: Self = Self::new(&[], [&[], &[]], Vec::new());

    /// Returns the value of an option, if it is given.
    pub fn get(&self, name: &str) -> Option<&'a Json> {
        let found = self.members.iter().find(|(key, _)| key == name).map(|(_, value)| value);
        found.filter(|value| !matches!(value, Json::Missing) && !self.unused.contains(&name))
    }

    fn option(&self, name: &str) -> Option<&'static OptionSpec> {
        self.options.into_iter().flatten().find(|option| option.name == name)
    }

    /// Returns a string.
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).and_then(Json::as_words).map(str::to_owned)
    }

    /// Returns a required string.
    pub fn required_text(&self, name: &str) -> String {
        self.text(name).unwrap_or_default()
    }

    /// Returns a keyword, or its default.
    pub fn keyword(&self, name: &str) -> Option<&'static str> {
        let option = self.option(name)?;
        match (self.get(name), option.accepts, option.default) {
            (Some(given), Accepts::Keyword(words), _) => {
                words.split(' ').find(|word| given.as_words() == Some(*word))
            }
            (None, _, Fallback::Text(word)) => Some(word),
            _ => None,
        }
    }

    /// Returns a number; where it is missing, its default, and 0 where it has none.
    pub fn number(&self, name: &str) -> f64 {
        match (self.get(name), self.option(name).map(|option| option.default)) {
            (Some(given), _) => given.as_number().unwrap_or_default(),
            (None, Some(Fallback::Number(number))) => number,
            (None, _) => 0.0,
        }
    }

    /// Returns an integer; where it is missing, its default.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range and whole")]
    pub fn count(&self, name: &str) -> u32 {
        self.number(name) as u32
    }

    /// Returns a duration; where it is missing, its default.
    pub fn millis(&self, name: &str) -> Duration {
        duration(self.number(name))
    }

    /// Returns a duration without its default.
    pub fn given_millis(&self, name: &str) -> Option<Duration> {
        self.get(name).map(|_| self.millis(name))
    }

    /// Returns a boolean; `false` where missing.
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.get(name), Some(Json::Bool(true)))
    }

    /// Returns a function.
    pub fn function(&self, name: &str) -> Option<Function> {
        if let Some(Json::Function(function)) = self.get(name) {
            Some(Function::clone(function))
        } else {
            None
        }
    }

    /// Returns the scopes, if any are given.
    pub fn scopes(&self) -> Option<ScopeSet> {
        let given = self.get("scopes")?;
        Some(given.items().iter().filter_map(Json::as_words).collect())
    }

    /// Returns the members of an object.
    pub fn object(&self, name: &str) -> Option<Self> {
        let Accepts::Object(options, _) = self.option(name)?.accepts else { return None };
        Some(Self::new(self.get(name)?.members(), [options, &[]], Vec::new()))
    }

    /// Returns the secrets in the order of their rows.
    pub fn secrets(&self) -> Vec<SecretSource> {
        let mut secrets = Vec::new();
        for option in self.options.into_iter().flatten() {
            if let (Accepts::Secret(_), Some(given)) = (option.accepts, self.get(option.name)) {
                secrets.push(SecretSource::of(given));
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
