//! Conversion of JSON values to JavaScript.

use js_sys::{Array, Object};
use wasm_bindgen::prelude::*;

use crate::json::Json;

/// Converts a value. Values that are not JSON become `undefined`.
pub(crate) fn to_js(json: &Json) -> JsValue {
    match json {
        Json::Null => JsValue::NULL,
        Json::Bool(flag) => JsValue::from_bool(*flag),
        Json::Number(number) => JsValue::from_f64(*number),
        Json::Text(text) => JsValue::from_str(text),
        Json::List(items) => items.iter().map(to_js).collect::<Array>().into(),
        Json::Map(members) => {
            let entries = Array::new();
            for (key, value) in members {
                entries.push(&Array::of2(&JsValue::from_str(key), &to_js(value)));
            }
            // Assigning `__proto__` would set the prototype, so the object is created from its entries, which cannot
            // fail here.
            Object::from_entries(&entries).map(JsValue::from).unwrap_or_default()
        }
        Json::Missing | Json::Function(_) | Json::IllFormed | Json::Other => JsValue::UNDEFINED,
    }
}
