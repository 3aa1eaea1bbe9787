//! What the engine does for the pure layers: JSON and URLs.

use js_sys::{Array, JSON, Object, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::Url;

use super::{text_member, value::convert};
use crate::json::{Credentials, DEEPEST, Json, Platform, UrlParts};

/// The engine's own JSON and URL.
pub(crate) const PLATFORM: Platform = Platform { parse_json, write_json, parse_url, resolve_url };

fn parse_json(text: &str) -> Option<Json> {
    Some(convert(&JSON::parse(text).ok()?, DEEPEST)).filter(Json::is_json)
}

fn write_json(value: &Json) -> String {
    let written = JSON::stringify(&to_js(value)).ok().and_then(|text| text.as_string());
    // JSON is always written: it has no cycles, no bigints and nothing that throws.
    written.unwrap_or_default()
}

/// The value that JavaScript sees.
pub(crate) fn to_js(value: &Json) -> JsValue {
    match value {
        Json::Null => JsValue::NULL,
        Json::Bool(value) => JsValue::from_bool(*value),
        Json::Number(value) => JsValue::from_f64(*value),
        Json::Text(value) => JsValue::from_str(value),
        Json::List(items) => {
            let list = Array::new();
            for item in items {
                list.push(&to_js(item));
            }
            list.into()
        }
        Json::Map(members) => {
            let object = Object::new();
            for (key, value) in members {
                // A plain object of our own takes any property.
                let _ = Reflect::set(&object, &JsValue::from_str(key), &to_js(value));
            }
            object.into()
        }
        Json::Missing | Json::Function(_) | Json::Other => JsValue::UNDEFINED,
    }
}

/// As `fetch` does it: relative to the page's base, or to where a worker's script is.
fn resolve_url(text: &str) -> String {
    let global = js_sys::global();
    let member = |name: &str| Reflect::get(&global, &JsValue::from_str(name)).unwrap_or_default();
    let base =
        text_member(&member("document"), "baseURI").or_else(|| text_member(&member("location"), "href"));
    let url = base.and_then(|base| Url::new_with_base(text, &base).ok());
    url.map_or_else(|| text.to_owned(), |url| url.href())
}

fn parse_url(text: &str) -> Option<UrlParts> {
    let url = Url::new(text).ok()?;
    let anonymous = url.username().is_empty() && url.password().is_empty();
    Some(UrlParts {
        protocol: url.protocol(),
        hostname: url.hostname(),
        origin: url.origin(),
        credentials: if anonymous { Credentials::Absent } else { Credentials::Present },
    })
}
