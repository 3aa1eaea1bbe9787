//! Conversion of JavaScript values to Rust.

use js_sys::{Array, Function, Reflect};
use wasm_bindgen::prelude::*;

use crate::options::RawValue;

#[wasm_bindgen]
extern "C" {
    /// Getters and proxies may throw.
    #[wasm_bindgen(js_namespace = Object, catch)]
    fn entries(object: &JsValue) -> Result<Array, JsValue>;

    #[wasm_bindgen(js_namespace = Object, catch, js_name = getPrototypeOf)]
    fn prototype_of(object: &JsValue) -> Result<JsValue, JsValue>;

    /// Throws for a revoked proxy.
    #[wasm_bindgen(js_namespace = Array, catch, js_name = isArray)]
    fn is_array(value: &JsValue) -> Result<bool, JsValue>;

    /// Copies an array. Reading the copy runs no user code.
    #[wasm_bindgen(js_namespace = Array, catch, js_name = from)]
    fn copy_of(list: &JsValue) -> Result<Array, JsValue>;

    type JsDate;

    /// Throws for an object that inherits from `Date` but is not one.
    #[wasm_bindgen(method, catch, js_name = getTime)]
    fn time(this: &JsDate) -> Result<f64, JsValue>;
}

/// Converts a user-supplied value once, so that later changes of it have no effect.
pub(crate) fn from_js(value: &JsValue) -> RawValue {
    // The options may be an instance of a class; the values in them may not.
    let is_options = value.is_object() && is_array(value).is_ok_and(|array| !array);
    if is_options {
        return members(value, DEEPEST, Strings::WellFormed);
    }
    convert(value, DEEPEST, Strings::WellFormed)
}

/// The JavaScript strings that are accepted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Strings {
    /// Strings without lone surrogates. Converting those would replace each by U+FFFD, which could make two different
    /// identities equal.
    WellFormed,
    /// All strings; a lone surrogate becomes U+FFFD. Used for responses, because their other members are still useful.
    Any,
}

/// Deepest nesting of options, in levels. A profile's variables have five. The limit also ends the conversion of an
/// object that contains itself.
const DEEPEST: usize = 12;

/// Converts a value of at most `depth` levels; deeper values become [`RawValue::Other`].
pub(super) fn convert(value: &JsValue, depth: usize, strings: Strings) -> RawValue {
    let Some(deeper) = depth.checked_sub(1) else { return RawValue::Other };
    if value.is_undefined() {
        return RawValue::Missing;
    }
    if value.is_null() {
        return RawValue::Null;
    }
    if let Some(value) = value.as_bool() {
        return RawValue::Bool(value);
    }
    if let Some(value) = value.as_f64() {
        return RawValue::Number(value);
    }
    if let Some(text) = value.as_string() {
        return if accepted(value, &text, strings) { RawValue::text(text) } else { RawValue::IllFormed };
    }
    if let Some(function) = value.dyn_ref::<Function>() {
        return RawValue::Function(function.clone());
    }
    match is_array(value) {
        Ok(true) => list(value, deeper, strings),
        Ok(false) if value.is_object() && is_plain(value) => members(value, deeper, strings),
        Ok(false) if value.is_instance_of::<js_sys::Date>() => {
            value.unchecked_ref::<JsDate>().time().map_or(RawValue::Other, RawValue::Number)
        }
        Ok(false) | Err(_) => RawValue::Other,
    }
}

fn list(list: &JsValue, depth: usize, strings: Strings) -> RawValue {
    let Ok(given) = copy_of(list) else { return RawValue::Other };
    let mut items = Vec::new();
    for index in 0..given.length() {
        items.push(convert(&given.get(index), depth, strings));
    }
    RawValue::List(items)
}

fn members(object: &JsValue, depth: usize, strings: Strings) -> RawValue {
    let Ok(given) = entries(object) else { return RawValue::Other };
    let mut members = Vec::new();
    for index in 0..given.length() {
        let entry = given.get(index).unchecked_into::<Array>();
        let name = entry.get(0);
        // `Object.entries` returns string keys only.
        let key = name.as_string().unwrap_or_default();
        let value = if accepted(&name, &key, strings) {
            convert(&entry.get(1), depth, strings)
        } else {
            RawValue::IllFormed
        };
        members.push((key, value));
    }
    RawValue::Map(members)
}

/// Returns true if the string is accepted. A lone surrogate becomes U+FFFD, so only a text that contains this character
/// is checked for lone surrogates.
fn accepted(string: &JsValue, text: &str, strings: Strings) -> bool {
    strings == Strings::Any
        || !text.contains(char::REPLACEMENT_CHARACTER)
        || string.unchecked_ref::<js_sys::JsString>().is_valid_utf16()
}

/// Returns true if the prototype of an object is `null` or `Object.prototype`, of this realm or another.
fn is_plain(object: &JsValue) -> bool {
    match prototype_of(object) {
        Ok(prototype) if prototype.is_null() => true,
        Ok(prototype) => prototype_of(&prototype).is_ok_and(|root| root.is_null()),
        Err(_) => false,
    }
}

/// Returns the string property `key` of an object, which may be of any class.
pub(crate) fn string_property(object: &JsValue, key: &str) -> Option<String> {
    Reflect::get(object, &JsValue::from_str(key)).ok()?.as_string()
}

/// Describes a thrown value by the name of its error alone, because the message may contain secrets.
pub(crate) fn error_name(thrown: &JsValue) -> String {
    let name = thrown.is_object().then(|| string_property(thrown, "name")).flatten();
    // A program may set the name too, so it must have the form of a class.
    let is_class = |name: &String| {
        name.len() <= 48
            && name.bytes().all(|byte| byte.is_ascii_alphabetic())
            && name.as_bytes()[..].first().is_some_and(u8::is_ascii_uppercase)
            && (name.ends_with("Error") || name.ends_with("Exception"))
    };
    match name.filter(is_class) {
        Some(name) => format!("a {name}"),
        None => "something that is no Error".to_owned(),
    }
}
