//! A value as it was given, before anything is known of it.

use std::fmt;

use zeroize::Zeroizing;

use crate::json::{Function, Json};

/// A JavaScript value. Its texts are wiped when dropped: some are secrets.
#[derive(Clone)]
pub enum Given {
    /// `undefined`.
    Missing,
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// Any number, `NaN` and infinities too.
    Number(f64),
    /// A string.
    Text(Zeroizing<String>),
    /// An array.
    List(Vec<Self>),
    /// An object that is no other of these.
    Map(Vec<(String, Self)>),
    /// A function.
    Function(Function),
    /// Something that no option is: a symbol, a bigint, nesting without end.
    Other,
}

impl Given {
    /// What it is, for a message. Never the value: it may be a secret in a wrong place.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(number) if number.is_finite() => "a number",
            Self::Number(_) => "a number that is not finite",
            Self::Text(text) if text.is_empty() => "an empty string",
            Self::Text(text) if text.trim().is_empty() => "a blank string",
            Self::Text(_) => "a string",
            Self::List(items) if items.is_empty() => "an empty array",
            Self::List(_) => "an array",
            Self::Map(_) => "an object",
            Self::Function(_) => "a function",
            Self::Other => "neither plain data nor a function",
        }
    }

    /// The text, if it is one that says something.
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self {
            Some(text.as_str()).filter(|text| !text.trim().is_empty())
        } else {
            None
        }
    }

    /// The number, if it is one.
    pub fn as_number(&self) -> Option<f64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    /// As JSON, where it is.
    pub fn to_json(&self) -> Option<Json> {
        Some(match self {
            Self::Null => Json::Null,
            Self::Bool(value) => Json::Bool(*value),
            Self::Number(value) if value.is_finite() => Json::Number(*value),
            Self::Text(text) => Json::Text(text.clone()),
            Self::List(items) => Json::List(items.iter().map(Self::to_json).collect::<Option<_>>()?),
            Self::Map(members) => Json::Map(
                members
                    .iter()
                    .filter(|(_, value)| !matches!(value, Self::Missing))
                    .map(|(key, value)| Some((key.clone(), value.to_json()?)))
                    .collect::<Option<_>>()?,
            ),
            Self::Missing | Self::Number(_) | Self::Function(_) | Self::Other => return None,
        })
    }
}

/// Prints the kind alone.
impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}
