//! JSON as JavaScript has it.

use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::JsValue;

use crate::json::Json;

/// JSON as the value that the engine writes.
pub(crate) fn plain(json: &Json) -> JsValue {
    // Nothing in it fails: keys are texts, and numbers no integers of 64 bits.
    json.serialize(&Serializer::json_compatible()).unwrap_or_default()
}
