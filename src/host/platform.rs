//! JSON and URLs, as implemented by the JavaScript engine.

use js_sys::{JSON, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::Url;

use super::{
    from_js::{Strings, convert},
    string_property,
    to_js::to_js,
};
use crate::json::{Credentials, DEEPEST, Json, Platform, UrlParts};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(thread_local_v2, js_name = globalThis)]
    static GLOBAL: JsValue;
}

/// The functions of the JavaScript engine.
pub(crate) const PLATFORM: Platform = Platform { parse_json, write_json, parse_url, resolve_url };

fn parse_json(text: &str) -> Option<Json> {
    Some(convert(&JSON::parse(text).ok()?, DEEPEST, Strings::Any)).filter(Json::is_json)
}

fn write_json(value: &Json) -> String {
    let written = JSON::stringify(&to_js(value)).ok().and_then(|text| text.as_string());
    // Values of type [`Json`] have no cycles, no bigints and no `toJSON` that throws, so this does not fail.
    written.unwrap_or_default()
}

/// Resolves a URL as `fetch` does: against the base of the page, or the URL of the worker's script.
fn resolve_url(text: &str) -> String {
    let base = string_property(&global("document"), "baseURI")
        .or_else(|| string_property(&global("location"), "href"));
    let url = base.and_then(|base| Url::new_with_base(text, &base).ok());
    url.map_or_else(|| text.to_owned(), |url| url.href())
}

/// Returns a property of the global object, or `undefined` if it does not exist.
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
