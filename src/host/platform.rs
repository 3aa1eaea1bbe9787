//! What the engine does for the pure layers: JSON and URLs.

use js_sys::{Array, JSON, Object, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::Url;

use super::{plain::plain, text_member};
use crate::json::{Credentials, DEEPEST, Json, Platform, UrlParts};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(thread_local_v2, js_name = globalThis)]
    static GLOBAL: JsValue;
}

/// The engine's own JSON and URL.
pub(crate) const PLATFORM: Platform = Platform { parse_json, write_json, parse_url, resolve_url };

fn parse_json(text: &str) -> Option<Json> {
    convert(&JSON::parse(text).ok()?, DEEPEST)
}

/// Only what `JSON.parse` returns: nothing in it can throw.
fn convert(value: &JsValue, depth: usize) -> Option<Json> {
    let deeper = depth.checked_sub(1)?;
    if value.is_null() {
        return Some(Json::Null);
    }
    if let Some(value) = value.as_bool() {
        return Some(Json::Bool(value));
    }
    if let Some(value) = value.as_f64() {
        return Some(Json::Number(value));
    }
    if let Some(value) = value.as_string() {
        return Some(Json::text(value));
    }
    if Array::is_array(value) {
        let items = value.unchecked_ref::<Array>().iter();
        return Some(Json::List(items.map(|item| convert(&item, deeper)).collect::<Option<_>>()?));
    }
    let member = |entry: JsValue| {
        let entry = entry.unchecked_into::<Array>();
        Some((entry.get(0).as_string()?, convert(&entry.get(1), deeper)?))
    };
    let entries = Object::entries(value.unchecked_ref());
    Some(Json::Map(entries.iter().map(member).collect::<Option<_>>()?))
}

fn write_json(value: &Json) -> String {
    let written = JSON::stringify(&plain(value)).ok().and_then(|text| text.as_string());
    // JSON is always written: it has no cycles, no bigints and nothing that throws.
    written.unwrap_or_default()
}

/// As `fetch` does it: relative to the page's base, or to where a worker's script is.
fn resolve_url(text: &str) -> String {
    let base =
        text_member(&global("document"), "baseURI").or_else(|| text_member(&global("location"), "href"));
    let url = base.and_then(|base| Url::new_with_base(text, &base).ok());
    url.map_or_else(|| text.to_owned(), |url| url.href())
}

/// What goes by a name everywhere; `undefined` where nothing does.
pub(super) fn global(name: &str) -> JsValue {
    GLOBAL.with(|global| Reflect::get(global, &JsValue::from_str(name)).unwrap_or_default())
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
