//! JSON as a plain value, and the three things the platform does for the pure layers.
//!
//! Every JavaScript engine reads and writes JSON and URLs better than code of ours
//! would, and for no bytes at all. So the pure layers take these as functions: the
//! host's on wasm32, well-known crates in native tests.

use zeroize::Zeroizing;

/// A JSON value (RFC 8259). Its texts are wiped when dropped: some are secrets.
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
}

impl Json {
    /// A string.
    pub fn text(value: impl Into<String>) -> Self {
        Self::Text(Zeroizing::new(value.into()))
    }

    /// The member `key` of an object, or the item `key` of an array.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(members) => members.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            Self::List(items) => items.get(key.parse::<usize>().ok()?),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) => None,
        }
    }

    /// What lies at a path: names and positions with dots between them.
    pub fn at(&self, path: &str) -> Option<&Self> {
        path.split('.').try_fold(self, |value, key| value.get(key))
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::List(_) | Self::Map(_) => None,
        }
    }

    /// The number, if it is one.
    pub fn as_number(&self) -> Option<f64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    /// The items, if it is an array; none otherwise.
    pub fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) | Self::Map(_) => &[],
        }
    }

    /// The members, if it is an object; none otherwise.
    pub fn members(&self) -> &[(String, Self)] {
        match self {
            Self::Map(members) => members,
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) | Self::List(_) => &[],
        }
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

/// Prints the kind alone: an answer's body is not for logs.
impl std::fmt::Debug for Json {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Null => "Json::Null",
            Self::Bool(_) => "Json::Bool",
            Self::Number(_) => "Json::Number",
            Self::Text(_) => "Json::Text",
            Self::List(_) => "Json::List",
            Self::Map(_) => "Json::Map",
        })
    }
}

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

/// How deep JSON may be nested. Answers of login operations have four levels;
/// this bounds the stack that a hostile one can use.
pub const DEEPEST: usize = 64;

#[cfg(test)]
pub(crate) mod native {
    //! The platform of native tests.

    use serde::{Serialize, Serializer};

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

    impl Serialize for Json {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            match self {
                Self::Null => serializer.serialize_unit(),
                Self::Bool(value) => serializer.serialize_bool(*value),
                Self::Number(value) => serializer.serialize_f64(*value),
                Self::Text(value) => serializer.serialize_str(value),
                Self::List(items) => serializer.collect_seq(items),
                Self::Map(members) => serializer.collect_map(members.iter().map(|(key, value)| (key, value))),
            }
        }
    }

    fn write_json(value: &Json) -> String {
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
    use super::{native::parse_json, *};

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

        assert_eq!(format!("{json:?}"), "Json::Map");
    }

    #[test]
    fn json_that_is_nested_too_deep_is_refused() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));

        assert!(parse_json(&nested(DEEPEST)).is_some());
        assert!(parse_json(&nested(DEEPEST + 1)).is_none());
    }
}
