//! Plain objects of our own.

use js_sys::{Array, Object};
use wasm_bindgen::prelude::*;

use crate::json::Json;

#[wasm_bindgen]
extern "C" {
    /// An object that has the properties it is given, and no others.
    #[wasm_bindgen(extends = Object)]
    pub(crate) type Plain;

    /// It is ours, and takes any property.
    #[wasm_bindgen(method, indexing_setter)]
    pub(crate) fn put(this: &Plain, key: &str, value: &JsValue);
}

impl Plain {
    pub(crate) fn new() -> Self {
        Object::new().unchecked_into()
    }

    pub(crate) fn text(&self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.put(key, &JsValue::from_str(text));
        }
    }

    pub(crate) fn number(&self, key: &str, number: Option<f64>) {
        if let Some(number) = number {
            self.put(key, &JsValue::from_f64(number));
        }
    }

    pub(crate) fn flag(&self, key: &str, flag: Option<bool>) {
        if let Some(flag) = flag {
            self.put(key, &JsValue::from_bool(flag));
        }
    }
}

/// JSON as the value that the engine writes.
pub(crate) fn plain(json: &Json) -> JsValue {
    match json {
        Json::Null => JsValue::NULL,
        Json::Bool(flag) => JsValue::from_bool(*flag),
        Json::Number(number) => JsValue::from_f64(*number),
        Json::Text(text) => JsValue::from_str(text),
        Json::List(items) => {
            let list = Array::new();
            for item in items {
                list.push(&plain(item));
            }
            list.into()
        }
        Json::Map(members) => {
            let object = Plain::new();
            for (key, value) in members {
                object.put(key, &plain(value));
            }
            object.into()
        }
        // As the value of a member it is left out.
        Json::Missing | Json::Function(_) | Json::Other => JsValue::UNDEFINED,
    }
}
