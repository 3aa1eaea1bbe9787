//! The handle of one session in JavaScript.

use wasm_bindgen::prelude::*;

use crate::js::JsAccessToken;

#[wasm_bindgen]
extern "C" {
    /// A session handle: it receives the calls of one session and returns its cached token. None of its methods throws
    /// or runs user code.
    #[derive(Clone, PartialEq)]
    pub type SessionHandle;

    /// The selector as JSON, or the user's value if it cannot be serialized.
    #[wasm_bindgen(method, getter)]
    pub(crate) fn selector(this: &SessionHandle) -> JsValue;

    /// The session of the last call of [`bind`](Self::bind).
    #[wasm_bindgen(method, getter)]
    pub(crate) fn session(this: &SessionHandle) -> Option<f64>;

    /// Connects the handle to a session.
    #[wasm_bindgen(method)]
    pub(crate) fn bind(this: &SessionHandle, session: f64);

    /// Reports that I/O of this session starts within the current request.
    #[wasm_bindgen(method, js_name = ioStarted)]
    pub(crate) fn io_started(this: &SessionHandle);

    /// Pushes the cached token: the handle returns it without a call of the core until `served_until`, and it is valid
    /// until `valid_until`. Both are times of `Date.now()`.
    #[wasm_bindgen(method, js_name = setToken)]
    pub(crate) fn set_token(this: &SessionHandle, token: &JsAccessToken, served_until: f64, valid_until: f64);

    /// Removes the cached token.
    #[wasm_bindgen(method, js_name = clearToken)]
    pub(crate) fn clear_token(this: &SessionHandle);

    /// Reports a sign-out: removes the cached token, and requests in flight are neither repeated with another token nor
    /// searched for a newer one.
    #[wasm_bindgen(method, js_name = signedOut)]
    pub(crate) fn signed_out(this: &SessionHandle);

    /// Returns a function that a store calls after another holder wrote the session's record.
    #[wasm_bindgen(method, js_name = storeWatcher)]
    pub(crate) fn store_watcher(this: &SessionHandle) -> JsValue;
}
