//! JSON as JavaScript has it.

use js_sys::{Array, Object};
use wasm_bindgen::prelude::*;

use crate::json::Json;

/// JSON as the value that the engine writes.
pub(crate) fn plain(json: &Json) -> JsValue {
    match json {
        Json::Null => JsValue::NULL,
        Json::Bool(flag) => JsValue::from_bool(*flag),
        Json::Number(number) => JsValue::from_f64(*number),
        Json::Text(text) => JsValue::from_str(text),
        Json::List(items) => items.iter().map(plain).collect::<Array>().into(),
        Json::Map(members) => {
            let entries = Array::new();
            for (key, value) in members {
                entries.push(&Array::of2(&JsValue::from_str(key), &plain(value)));
            }
            // Not by assignment, which makes no member of `__proto__`. Entries are iterable pairs.
            Object::from_entries(&entries).map(JsValue::from).unwrap_or_default()
        }
        Json::Missing | Json::Function(_) | Json::IllFormed | Json::Other => JsValue::UNDEFINED,
    }
}
