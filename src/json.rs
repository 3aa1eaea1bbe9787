//! JSON values, and the functions that the platform provides for the pure layers.
//!
//! The pure layers receive the parsers of JSON and URLs as functions: those of the JavaScript engine on wasm32, and
//! well-known crates in native tests. Parsers in Rust would make the module larger.

use serde::{Serialize, Serializer, ser::SerializeMap};
use zeroize::Zeroizing;

/// A JSON value (RFC 8259), or another JavaScript value. Strings are zeroized on drop, because some are secrets.
///
/// One type for both, because each type would have its own copy of the code that moves and drops a tree. Only
/// user-supplied values contain variants that are not JSON.
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
    /// `undefined`. Not JSON: omitted from objects.
    Missing,
    /// A function. Not JSON.
    Function(Function),
    /// A JavaScript string with a lone surrogate, which UTF-8 cannot represent. Not JSON.
    IllFormed,
    /// A symbol, a bigint, or a value that is nested too deeply. Not JSON.
    Other,
}

/// Serializes as `JSON.stringify` does: values that are not JSON are omitted from objects, and `null` elsewhere.
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
    /// Creates a string.
    pub fn text(value: impl Into<String>) -> Self {
        Self::Text(Zeroizing::new(value.into()))
    }

    /// Creates an array of strings.
    pub fn list_of(texts: &mut dyn Iterator<Item = &str>) -> Self {
        let mut items = Vec::new();
        for text in texts {
            items.push(Self::text(text));
        }
        Self::List(items)
    }

    /// Creates an object of the members that have a value.
    pub fn object(members: Vec<(&str, Option<Self>)>) -> Self {
        let mut valued = Vec::with_capacity(members.len());
        for (key, value) in members {
            if let Some(value) = value {
                valued.push((key.to_owned(), value));
            }
        }
        Self::Map(valued)
    }

    /// Returns the member `key` of an object, or the item with the index `key` of an array.
    pub fn get(&self, key: &str) -> Option<&Self> {
        if let Self::List(items) = self {
            return items.get(key.parse::<usize>().ok()?);
        }
        self.members().iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// Returns the value at a path of names and indices, separated by dots.
    pub fn at(&self, path: &str) -> Option<&Self> {
        let mut value = self;
        for key in path.split('.') {
            value = value.get(key)?;
        }
        Some(value)
    }

    /// Returns whether a value at `path` passes `test`. In the path, `*` stands for each member of an object and each item
    /// of an array, and a name that follows an array is looked up in each of its items.
    pub fn any_at(&self, path: &str, test: &mut dyn FnMut(&Self) -> bool) -> bool {
        let (key, rest) = path.split_once('.').map_or((path, None), |(key, rest)| (key, Some(rest)));
        let mut visit = |value: &Self| match rest {
            Some(rest) => value.any_at(rest, test),
            None => test(value),
        };
        if key == "*" {
            return self.items().iter().any(&mut visit)
                || self.members().iter().any(|(_, member)| visit(member));
        }
        match self.get(key) {
            Some(value) => visit(value),
            None => self.items().iter().any(|item| item.any_at(path, test)),
        }
    }

    /// Returns the string, if the value is a string.
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// Returns the string, if the value is a string that is not blank.
    pub fn as_words(&self) -> Option<&str> {
        self.as_text().filter(|text| !text.trim().is_empty())
    }

    /// Returns the number, if the value is a number.
    pub fn as_number(&self) -> Option<f64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    /// Returns the number, if the value is an integer that a double represents exactly. Numbers with a fraction would add
    /// their conversion from and to text, 20 KB of the compressed module.
    #[expect(clippy::cast_possible_truncation, reason = "checked to be a whole number below 2^53")]
    pub fn as_integer(&self) -> Option<i64> {
        let number = self.as_number()?;
        (number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0).then_some(number as i64)
    }

    /// Returns the items of an array, and an empty slice for other values.
    pub fn items(&self) -> &[Self] {
        if let Self::List(items) = self { items } else { &[] }
    }

    /// Returns the items of an array that are strings.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.items().iter().filter_map(Self::as_text)
    }

    /// Returns the members of an object, and an empty slice for other values.
    pub fn members(&self) -> &[(String, Self)] {
        if let Self::Map(members) = self { members } else { &[] }
    }

    /// Returns true if the value is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Returns true if the value can be serialized as JSON.
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

    /// Names the kind of the value, for a message. The value itself may be a secret in the wrong option.
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

/// Prints the kind alone, because options contain secrets and bodies of responses must not be logged.
impl std::fmt::Debug for Json {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.kind())
    }
}

/// A JavaScript function. Native tests use its name instead and do not call it.
#[cfg(target_arch = "wasm32")]
pub type Function = js_sys::Function;
/// A JavaScript function. Native tests use its name instead and do not call it.
#[cfg(not(target_arch = "wasm32"))]
pub type Function = &'static str;

/// The functions that the platform provides.
#[derive(Clone, Copy)]
pub struct Platform {
    /// Parses JSON. Returns `None` if it is invalid or nested deeper than [`DEEPEST`].
    pub parse_json: fn(&str) -> Option<Json>,
    /// Serializes JSON.
    pub write_json: fn(&Json) -> String,
    /// Parses an absolute URL (WHATWG URL). Returns `None` if it is invalid.
    pub parse_url: fn(&str) -> Option<UrlParts>,
    /// Resolves a URL against the URL of the page, if there is one.
    pub resolve_url: fn(&str) -> String,
}

/// The parts of a URL that are checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlParts {
    /// The scheme with its colon: `https:`.
    pub protocol: String,
    /// The host in lower case, IPv6 addresses in brackets.
    pub hostname: String,
    /// Scheme, host and port. Contains no secret.
    pub origin: String,
    /// Presence of a user name or a password.
    pub credentials: Credentials,
}

/// Presence of a user name or a password in a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// There is none.
    Absent,
    /// There is one.
    Present,
}

/// Returns true if the text contains more values than a response to a grant or a record of a store can have.
///
/// An engine parses 1 MiB of JSON in milliseconds, but converting each of its values blocks the event loop a hundred
/// times as long. Each value of an object or array except the first follows a comma, so commas are counted, including
/// those in strings. Opening brackets are counted as well, because engines parse them more slowly than any other
/// character.
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

/// Ten times the number of scopes that is accepted.
const MAX_COUNT: usize = 10_000;

/// Deepest nesting of JSON, in levels. Responses to login operations have four. The limit bounds the use of the stack
/// by a hostile response.
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
    fn a_path_may_lead_to_many_values() {
        let json =
            parse_json(r#"{"a":{"errors":[{"code":1},{"code":2}]},"b":{"errors":[[{"code":3}]]}}"#).unwrap();
        let found = |path: &str, code: f64| json.any_at(path, &mut |value| value.as_number() == Some(code));

        assert!(found("a.errors.code", 2.0) && found("a.errors.0.code", 1.0) && found("*.errors.code", 3.0));
        assert!(found("*.*.*.code", 2.0));
        assert!(!found("a.errors.0.code", 2.0) && !found("b.errors.code", 1.0) && !found("errors.code", 1.0));
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
