//! Values as JSON has them, and the things the platform does for the pure layers.
//!
//! Every JavaScript engine reads and writes JSON and URLs better than code of ours
//! would, and for no bytes at all. So the pure layers take these as functions: the
//! host's on wasm32, well-known crates in native tests.

use serde::{Serialize, Serializer, ser::SerializeMap};
use zeroize::Zeroizing;

/// A JSON value (RFC 8259), and what JavaScript has besides. Its texts are wiped when dropped: some
/// are secrets.
///
/// One type for both, because there is a copy of the code that moves and drops a tree for each. What
/// is no JSON comes from users alone; a parsed answer has none of it.
#[derive(Clone, PartialEq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// Any number.
    Number(f64),
    /// A string.
    Text(Zeroizing<String>),
    /// An array.
    List(Vec<Self>),
    /// An object, in the order it was written.
    Map(Vec<(String, Self)>),
    /// `undefined`: no JSON, but left out of an object that is written.
    Missing,
    /// A function: no JSON.
    Function(Function),
    /// A string of JavaScript with a lone surrogate, which no UTF-8 can hold: no JSON.
    IllFormed,
    /// A symbol, a bigint, nesting without end: no JSON.
    Other,
}

/// As the engine would write it: what is no JSON is left out of an object, and `null` elsewhere.
impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(flag) => serializer.serialize_bool(*flag),
            Self::Number(number) => serializer.serialize_f64(*number),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => serializer.collect_seq(items),
            Self::Map(members) => {
                let mut map = serializer.serialize_map(None)?;
                for (key, value) in members {
                    if !matches!(value, Self::Missing | Self::Function(_) | Self::IllFormed | Self::Other) {
                        map.serialize_entry(key, value)?;
                    }
                }
                map.end()
            }
            Self::Null | Self::Missing | Self::Function(_) | Self::IllFormed | Self::Other => {
                serializer.serialize_unit()
            }
        }
    }
}

impl Json {
    /// A string.
    pub fn text(value: impl Into<String>) -> Self {
        Self::Text(Zeroizing::new(value.into()))
    }

    /// An array of texts.
    pub fn list_of(texts: &mut dyn Iterator<Item = &str>) -> Self {
        let mut items = Vec::new();
        for text in texts {
            items.push(Self::text(text));
        }
        Self::List(items)
    }

    /// An object of the members that have a value.
    pub fn object(members: Vec<(&str, Option<Self>)>) -> Self {
        let mut valued = Vec::with_capacity(members.len());
        for (key, value) in members {
            if let Some(value) = value {
                valued.push((key.to_owned(), value));
            }
        }
        Self::Map(valued)
    }

    /// The member `key` of an object, or the item `key` of an array.
    pub fn get(&self, key: &str) -> Option<&Self> {
        if let Self::List(items) = self {
            return items.get(key.parse::<usize>().ok()?);
        }
        self.members().iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// What lies at a path: names and positions with dots between them.
    pub fn at(&self, path: &str) -> Option<&Self> {
        let mut value = self;
        for key in path.split('.') {
            value = value.get(key)?;
        }
        Some(value)
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The text, if it is one that says something.
    pub fn as_words(&self) -> Option<&str> {
        self.as_text().filter(|text| !text.trim().is_empty())
    }

    /// The number, if it is one.
    pub fn as_number(&self) -> Option<f64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    /// The items, if it is an array; none otherwise.
    pub fn items(&self) -> &[Self] {
        if let Self::List(items) = self { items } else { &[] }
    }

    /// Those of its items that are texts, if it is an array; none otherwise.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.items().iter().filter_map(Self::as_text)
    }

    /// The members, if it is an object; none otherwise.
    pub fn members(&self) -> &[(String, Self)] {
        if let Self::Map(members) = self { members } else { &[] }
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether it can be written as JSON.
    pub fn is_json(&self) -> bool {
        match self {
            Self::Null | Self::Bool(_) | Self::Text(_) => true,
            Self::Number(number) => number.is_finite(),
            Self::List(items) => items.iter().all(Self::is_json),
            Self::Map(members) => {
                members.iter().all(|(_, value)| matches!(value, Self::Missing) || value.is_json())
            }
            Self::Missing | Self::Function(_) | Self::IllFormed | Self::Other => false,
        }
    }

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
            Self::IllFormed => "a string that is not well-formed (it has a lone surrogate)",
            Self::Other => "neither plain data nor a function",
        }
    }
}

/// Prints the kind alone: an answer's body is not for logs, and options hold secrets.
impl std::fmt::Debug for Json {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.kind())
    }
}

/// A function of JavaScript's; natively, where nobody calls it, its name.
#[cfg(target_arch = "wasm32")]
pub type Function = js_sys::Function;
/// A function of JavaScript's; natively, where nobody calls it, its name.
#[cfg(not(target_arch = "wasm32"))]
pub type Function = &'static str;

/// What the platform does for the pure layers.
#[derive(Clone, Copy)]
pub struct Platform {
    /// Reads JSON; `None` where it is none, or nested deeper than [`DEEPEST`].
    pub parse_json: fn(&str) -> Option<Json>,
    /// Writes JSON.
    pub write_json: fn(&Json) -> String,
    /// Takes an absolute URL apart (WHATWG URL); `None` where it is none.
    pub parse_url: fn(&str) -> Option<UrlParts>,
    /// Makes a URL absolute, where there is a page that it may be relative to.
    pub resolve_url: fn(&str) -> String,
}

/// The parts of a URL that rules are about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlParts {
    /// With the colon: `https:`.
    pub protocol: String,
    /// In lower case, IPv6 in brackets.
    pub hostname: String,
    /// Scheme, host and port; safe to show.
    pub origin: String,
    /// Whether it carries a user name or a password.
    pub credentials: Credentials,
}

/// Whether a URL carries a user name or a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// It does not.
    Absent,
    /// It does.
    Present,
}

/// Whether a text holds more values than an answer to a grant or a store entry has.
///
/// An engine parses a mebibyte of JSON in milliseconds; taking over each of its values blocks the
/// event loop for a hundred times as long. Commas are counted, and those in strings with them: each
/// value but the first of an object or array has one before it. Opening brackets are counted as
/// well, for which engines need longer than for any other character.
pub fn has_too_many_values(text: &str) -> bool {
    let (mut commas, mut brackets) = (0, 0);
    for byte in text.bytes() {
        match byte {
            b',' => commas += 1,
            b'[' | b'{' => brackets += 1,
            _ => {}
        }
    }
    commas.max(brackets) > MAX_COUNT
}

/// Ten times as many as the scopes that are accepted.
const MAX_COUNT: usize = 10_000;

/// How deep JSON may be nested. Answers of login operations have four levels;
/// this bounds the stack that a hostile one can use.
pub const DEEPEST: usize = 64;

#[cfg(test)]
pub(crate) mod native {
    //! The platform of native tests.

    use super::*;

    pub(crate) const PLATFORM: Platform = Platform { parse_json, write_json, parse_url, resolve_url };

    pub(crate) fn parse_json(text: &str) -> Option<Json> {
        fn convert(value: serde_json::Value, depth: usize) -> Option<Json> {
            let deeper = depth.checked_sub(1)?;
            Some(match value {
                serde_json::Value::Null => Json::Null,
                serde_json::Value::Bool(value) => Json::Bool(value),
                serde_json::Value::Number(value) => Json::Number(value.as_f64()?),
                serde_json::Value::String(value) => Json::text(value),
                serde_json::Value::Array(items) => {
                    Json::List(items.into_iter().map(|item| convert(item, deeper)).collect::<Option<_>>()?)
                }
                serde_json::Value::Object(members) => Json::Map(
                    members
                        .into_iter()
                        .map(|(key, value)| Some((key, convert(value, deeper)?)))
                        .collect::<Option<_>>()?,
                ),
            })
        }
        convert(serde_json::from_str(text).ok()?, DEEPEST)
    }

    fn write_json(value: &Json) -> String {
        assert!(value.is_json(), "{value:?} is no JSON");
        serde_json::to_string(value).expect("JSON is always written")
    }

    fn resolve_url(text: &str) -> String {
        let page = url::Url::parse("https://page.test/shop/").expect("it is a URL");
        page.join(text).map_or_else(|_| text.to_owned(), String::from)
    }

    fn parse_url(text: &str) -> Option<UrlParts> {
        let url = url::Url::parse(text).ok()?;
        let anonymous = url.username().is_empty() && url.password().is_none();
        Some(UrlParts {
            protocol: format!("{}:", url.scheme()),
            hostname: url.host_str()?.to_owned(),
            origin: url.origin().ascii_serialization(),
            credentials: if anonymous { Credentials::Absent } else { Credentials::Present },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{
        native::{self, parse_json},
        *,
    };

    #[test]
    fn a_path_leads_through_objects_and_arrays() {
        let json = parse_json(r#"{"login":{"tokens":[{"jwt":"a"},{"jwt":null}]}}"#).unwrap();

        assert_eq!(json.at("login.tokens.0.jwt").and_then(Json::as_text), Some("a"));
        assert_eq!(json.at("login.tokens.2.jwt"), None);
        assert_eq!(json.at("login.tokens.x"), None);
        assert_eq!(json.at("login.missing"), None);
    }

    #[test]
    fn a_value_prints_its_kind_alone() {
        let json = parse_json(r#"{"password":"planted"}"#).unwrap();

        assert_eq!(format!("{json:?}"), "an object");
    }

    #[test]
    fn what_is_no_json_is_none_however_deep() {
        let within = |value: Json| Json::List(vec![Json::Map(vec![("a".to_owned(), value)])]);

        for value in [Json::Null, Json::Bool(false), Json::Number(0.5), Json::text(""), Json::Missing] {
            assert!(within(value.clone()).is_json(), "{value:?}");
        }
        for value in [Json::Number(f64::NAN), Json::Other, Json::List(vec![Json::Missing])] {
            assert!(!within(value.clone()).is_json(), "{value:?}");
        }
    }

    #[test]
    fn a_member_without_a_value_is_not_written() {
        let json = Json::Map(vec![("a".to_owned(), Json::Missing), ("b".to_owned(), Json::Null)]);

        assert_eq!((native::PLATFORM.write_json)(&json), r#"{"b":null}"#);
    }

    #[test]
    fn values_are_counted_by_their_commas_and_brackets() {
        let list = |commas: usize| format!("[0{}]", ",0".repeat(commas));
        let nested = |brackets: usize| format!("{}{}", "[".repeat(brackets), "]".repeat(brackets));
        let objects = |count: usize| format!("[{{}}{}]", ",{}".repeat(count - 2));

        for text in [list, nested, objects] as [fn(usize) -> String; 3] {
            assert!(!has_too_many_values(&text(MAX_COUNT)));
            assert!(has_too_many_values(&text(MAX_COUNT + 1)));
        }
    }

    #[test]
    fn json_that_is_nested_too_deep_is_refused() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));

        assert!(parse_json(&nested(DEEPEST)).is_some());
        assert!(parse_json(&nested(DEEPEST + 1)).is_none());
    }
}
