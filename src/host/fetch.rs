//! Sends a request and reads the whole answer, whatever `fetch` is.

use js_sys::{ArrayBuffer, Function, Object, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;
use zeroize::Zeroizing;

use crate::{
    core::Secret,
    host::{Clock, awaited, text_member},
    http::{HttpRequest, HttpResponse},
};

#[wasm_bindgen]
extern "C" {
    /// What a `fetch` resolves with; it may be anything.
    type Answer;

    #[wasm_bindgen(method, getter, catch)]
    fn status(this: &Answer) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, getter, catch)]
    fn headers(this: &Answer) -> Result<Headers, JsValue>;

    #[wasm_bindgen(method, getter, catch)]
    fn body(this: &Answer) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn text(this: &Answer) -> Result<JsValue, JsValue>;

    type Headers;

    #[wasm_bindgen(method, catch)]
    fn get(this: &Headers, name: &str) -> Result<JsValue, JsValue>;

    type Stream;

    #[wasm_bindgen(method, catch, js_name = getReader)]
    fn reader(this: &Stream) -> Result<Reader, JsValue>;

    type Reader;

    #[wasm_bindgen(method, catch)]
    fn read(this: &Reader) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn cancel(this: &Reader) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(extends = Uint8Array, js_name = Uint8Array)]
    type Bytes;

    /// A copy; throws where the bytes were given away.
    #[wasm_bindgen(constructor, catch, js_class = "Uint8Array")]
    fn copied(chunk: &JsValue) -> Result<Bytes, JsValue>;
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum FetchFailure {
    /// It could not be had; with the system's code, where there is one.
    Network(Option<String>),
    /// There is no `fetch`.
    Absent,
    /// `fetch` gave something else.
    NotAnAnswer,
    /// Its body is longer than any answer to a grant.
    TooLarge,
}

/// Sends `request` with `fetch`, or with the global one, and reads the answer and
/// those of its headers that are `wanted`.
pub(crate) async fn fetch(
    fetch: Option<&Function>,
    request: &HttpRequest,
    wanted: &[&str],
    signal: &AbortSignal,
    clock: &Clock,
) -> Result<HttpResponse, FetchFailure> {
    let global = js_sys::global();
    let builtin = Reflect::get(&global, &JsValue::from_str("fetch")).unwrap_or_default();
    let fetch = fetch.or_else(|| builtin.dyn_ref::<Function>()).ok_or(FetchFailure::Absent)?;
    let sent_at = clock.now();
    let called = fetch.call2(&JsValue::UNDEFINED, &JsValue::from_str(&request.url), &init(request, signal));
    let answer = awaited(&called.map_err(network)?).await.map_err(network)?;
    if !answer.is_object() {
        return Err(FetchFailure::NotAnAnswer);
    }
    let answer = answer.unchecked_into::<Answer>();
    let (status, headers) = headers_of(&answer, wanted).ok_or(FetchFailure::NotAnAnswer)?;
    let body = read(&answer).await?;
    Ok(HttpResponse { status, headers, body, sent_at, received_at: clock.now() })
}

/// The status of an answer, and those of its headers that are `wanted`; `None` if it
/// is no answer.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
pub(crate) fn headers_of(answer: &JsValue, wanted: &[&str]) -> Option<(u16, Vec<(String, Secret)>)> {
    let answer = answer.unchecked_ref::<Answer>();
    let status = answer.status().ok()?.as_f64()? as u16;
    let headers = answer.headers().ok()?;
    let mut found = Vec::new();
    for name in wanted {
        if let Some(value) = headers.get(name).ok()?.as_string() {
            found.push(((*name).to_owned(), Secret::new(value)));
        }
    }
    Some((status, found))
}

fn init(request: &HttpRequest, signal: &AbortSignal) -> Object {
    let headers = Object::new();
    for (name, value) in &request.headers {
        set(&headers, name, &JsValue::from_str(value.expose()));
    }
    let init = Object::new();
    set(&init, "method", &JsValue::from_str("POST"));
    set(&init, "headers", &headers);
    set(&init, "body", &JsValue::from_str(request.body.expose()));
    // Secrets are not sent on to wherever an answer points.
    set(&init, "redirect", &JsValue::from_str("manual"));
    set(&init, "signal", signal);
    // Workers have no such member, and refuse it.
    if let Some(credentials) = request.credentials {
        set(&init, "credentials", &JsValue::from_str(credentials));
    }
    init
}

fn set(object: &Object, key: &str, value: &JsValue) {
    // A plain object of our own takes any property.
    let _ = Reflect::set(object, &JsValue::from_str(key), value);
}

async fn read(answer: &Answer) -> Result<Secret, FetchFailure> {
    let body = answer.body().map_err(network)?;
    let Ok(reader) = body.unchecked_ref::<Stream>().reader() else {
        // No stream: an empty answer, or a `fetch` of the user's that has only text.
        let text = answer.text().map_err(|_| FetchFailure::NotAnAnswer)?;
        let text = awaited(&text).await.map_err(network)?;
        let text = text.as_string().ok_or(FetchFailure::NotAnAnswer)?;
        return if text.len() > LARGEST { Err(FetchFailure::TooLarge) } else { Ok(Secret::new(text)) };
    };
    let mut bytes = Zeroizing::new(Vec::new());
    let mut size = 0;
    loop {
        let part = awaited(&reader.read().map_err(network)?).await.map_err(network)?;
        let chunk = Reflect::get(&part, &JsValue::from_str("value")).map_err(network)?;
        // Of any realm, and not what only inherits from bytes.
        if !ArrayBuffer::is_view(&chunk) {
            break;
        }
        let chunk = Bytes::copied(&chunk).map_err(network)?;
        // An empty one counts as well, or a stream of them would never end.
        size += match chunk.length() {
            0 => 64,
            length => length as usize,
        };
        if size > LARGEST {
            if let Ok(cancelled) = reader.cancel() {
                // Waited for by nobody, and yet its rejection is not lost.
                drop(awaited(&cancelled));
            }
            return Err(FetchFailure::TooLarge);
        }
        bytes.extend(chunk.to_vec());
    }
    Ok(Secret::new(String::from_utf8_lossy(&bytes)))
}

/// A MiB: an answer to a grant has some kilobytes.
const LARGEST: usize = 1024 * 1024;

/// What can be told of a failure. Only a code: messages of `fetch` quote headers.
fn network(error: JsValue) -> FetchFailure {
    let cause = Reflect::get(&error, &JsValue::from_str("cause")).unwrap_or_default();
    let code = text_member(&cause, "code").or_else(|| text_member(&error, "code"));
    FetchFailure::Network(code.filter(|code| {
        code.len() <= 40
            && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    }))
}
