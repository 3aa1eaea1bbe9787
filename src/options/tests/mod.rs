//! Validation: accepted options with their results, and rejected options with the option that the error names.

mod broker;
mod builtin;
mod calls;
mod common;
mod custom;
mod endpoint;
mod keys;
mod oauth;
mod properties;
mod refresh_token;
mod selector;
mod store;
mod values;

use super::*;
use crate::{
    core::{ErrorCode, Secret},
    json::native::PLATFORM,
    provider::{
        Descriptor,
        option::{Accepts, Presence},
    },
};

/// A user-supplied value; functions are identified by name.
type Value = RawValue;

fn text(text: &str) -> Value {
    RawValue::Text(text.to_owned().into())
}

fn number(number: f64) -> Value {
    RawValue::Number(number)
}

fn list<const N: usize>(items: [Value; N]) -> Value {
    RawValue::List(items.into())
}

fn texts(items: &[&str]) -> Value {
    RawValue::List(items.iter().map(|item| text(item)).collect())
}

fn map<const N: usize>(members: [(&str, Value); N]) -> Value {
    RawValue::Map(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

const USER_ID: &str = "11111111-1111-4111-8111-111111111111";
const ACCOUNT_ID: &str = "22222222-2222-4222-8222-222222222222";
const SEAT_ID: &str = "33333333-3333-4333-8333-333333333333";

/// Minimal options of Fluz.
fn fluz() -> Value {
    map([
        ("provider", text("fluz")),
        ("environment", text("sandbox")),
        ("apiKey", text("planted-key")),
        ("userId", text(USER_ID)),
        ("accountId", text(ACCOUNT_ID)),
        ("scopes", texts(&["LIST_OFFERS"])),
    ])
}

/// Minimal options of Toggle.
fn toggle() -> Value {
    map([("provider", text("toggle")), ("email", text("a@b.test")), ("password", text("planted-password"))])
}

/// Minimal options of Braintree.
fn braintree() -> Value {
    map([
        ("provider", text("braintree")),
        ("environment", text("sandbox")),
        ("clientId", text("client-1")),
        ("clientSecret", text("planted-secret")),
        ("scopes", texts(&["TRANSACTION_SALE"])),
    ])
}

/// Minimal options of a broker.
fn broker() -> Value {
    map([
        ("provider", text("broker")),
        ("url", text("/token")),
        ("endpoint", text("https://api.acme.test/graphql")),
    ])
}

/// Minimal profile of another API.
fn acme() -> Value {
    let authenticate = map([("document", text("{ login { jwt } }"))]);
    let provider = map([
        ("name", text("acme")),
        ("endpoint", text("https://api.acme.test/graphql")),
        ("authenticate", authenticate),
        ("token", map([("data", text("login.jwt"))])),
        ("expiry", map([("jwt", RawValue::Bool(true))])),
    ]);
    map([("provider", provider)])
}

/// Minimal options with a `grant` function.
fn by_function() -> Value {
    let provider = map([
        ("name", text("acme")),
        ("endpoint", text("https://api.acme.test/graphql")),
        ("grant", RawValue::Function("grant")),
    ]);
    map([("provider", provider)])
}

/// A `grant` function and new tokens in ordinary responses, without the header.
fn sliding() -> Value {
    by_function().with("provider.sliding.sameSession", RawValue::Bool(true))
}

/// Minimal options of a built-in provider, with the first of its alternatives.
fn minimal(provider: &Descriptor) -> Value {
    let unused: Vec<_> = provider.alternatives.iter().skip(1).flat_map(|group| group.iter()).collect();
    let mut members = vec![("provider".to_owned(), text(provider.name))];
    for option in provider.options {
        if option.presence == Presence::Optional || unused.contains(&&option.name) {
            continue;
        }
        let value = match option.accepts {
            Accepts::Keyword(words) => text(words.split(' ').next().unwrap_or_default()),
            Accepts::Scopes => texts(&["planted"]),
            Accepts::Date => text("2019-01-01"),
            Accepts::Uuid(_) => text(USER_ID),
            Accepts::Text(_)
            | Accepts::UserName(_)
            | Accepts::Secret(_)
            | Accepts::Flag
            | Accepts::Function
            | Accepts::Millis(_)
            | Accepts::Number(..)
            | Accepts::Count(..)
            | Accepts::Object(..)
            | Accepts::Other => text("planted"),
        };
        members.push((option.name.to_owned(), value));
    }
    RawValue::Map(members)
}

/// Minimal options of each kind.
fn everyone() -> [Value; 6] {
    [fluz(), toggle(), braintree(), broker(), acme(), by_function()]
}

impl Value {
    /// Replaces the value at a path of keys.
    fn with(mut self, path: &str, value: Self) -> Self {
        match path.split_once('.') {
            None => *self.slot(path) = value,
            Some((key, rest)) => {
                let slot = self.slot(key);
                *slot = std::mem::replace(slot, Self::Missing).with(rest, value);
            }
        }
        self
    }

    /// Removes the value at a path of keys.
    fn without(mut self, path: &str) -> Self {
        match (path.split_once('.'), &mut self) {
            (None, Self::Map(members)) => members.retain(|(key, _)| key != path),
            (Some((key, rest)), _) => {
                let slot = self.slot(key);
                *slot = std::mem::replace(slot, Self::Missing).without(rest);
            }
            (None, _) => {}
        }
        self
    }

    fn slot(&mut self, key: &str) -> &mut Self {
        if !matches!(self, Self::Map(_)) {
            *self = Self::Map(Vec::new());
        }
        let Self::Map(members) = self else { unreachable!() };
        let index = members.iter().position(|(name, _)| name == key).unwrap_or_else(|| {
            members.push((key.to_owned(), Self::Missing));
            members.len() - 1
        });
        &mut members[index].1
    }
}

#[track_caller]
fn accepted(options: &Value) -> Config {
    read(options, PLATFORM).unwrap_or_else(|error| panic!("{error}"))
}

/// Returns the option that the error names.
#[track_caller]
fn rejected(options: &Value) -> String {
    named(read(options, PLATFORM).expect_err("these options are wrong")).remove(0)
}

/// Returns the names that the error quotes: the option, then what may have been meant.
#[track_caller]
fn suggested(options: &Value) -> Vec<String> {
    named(read(options, PLATFORM).expect_err("these options are wrong"))
}

/// Checks an error about options, and returns what its message quotes. An error about the whole object quotes nothing.
#[track_caller]
fn named(error: TokenError) -> Vec<String> {
    let message = error.message.clone();
    assert_eq!(error, TokenError::new(ErrorCode::InvalidOptions, message.as_str()));
    assert!(!message.contains('\n') && !message.contains("planted"), "{message}");
    let quoted: Vec<_> = message.split(['`', '"']).skip(1).step_by(2).map(str::to_owned).collect();
    if quoted.is_empty() { vec![String::new()] } else { quoted }
}

/// One value of every type, with the name of the type.
fn kinds() -> [(Value, &'static str); 15] {
    [
        (RawValue::Null, "null"),
        (RawValue::Bool(true), "boolean"),
        (RawValue::Bool(false), "boolean"),
        (number(7.0), "number"),
        (number(f64::NAN), "not a number"),
        (number(f64::INFINITY), "infinite"),
        (text("planted"), "string"),
        (text(""), "empty string"),
        (text(" \n"), "blank string"),
        (texts(&["planted"]), "array"),
        (list([]), "empty array"),
        (map([("planted", text("planted"))]), "object"),
        (RawValue::Function("planted"), "function"),
        (RawValue::IllFormed, "ill-formed string"),
        (RawValue::Other, "other"),
    ]
}

/// One value of every type except those of these names.
fn kinds_but(names: &'static [&str]) -> impl Iterator<Item = Value> {
    kinds().into_iter().filter(|(_, kind)| !names.contains(kind)).map(|(value, _)| value)
}
