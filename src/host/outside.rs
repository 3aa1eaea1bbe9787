//! What the face does for the core.

use js_sys::{Array, Function};
use wasm_bindgen::prelude::*;
use web_sys::{AbortController, AbortSignal};

#[wasm_bindgen]
extern "C" {
    /// What the core has of the world, by way of the face; see `pkg-template/src/outside.js`. None
    /// of its methods throws. Those that take their time call `done` once, later, with an
    /// [`Ending`](super::Ending).
    #[derive(Clone, Debug)]
    pub type Outside;

    /// A timer that rings once. Where it does not hold the process, that may end.
    #[wasm_bindgen(method, js_name = setTimer)]
    pub(crate) fn set_timer(this: &Outside, ring: &JsValue, delay: u32, holds: bool) -> JsValue;

    #[wasm_bindgen(method, js_name = clearTimer)]
    pub(crate) fn clear_timer(this: &Outside, timer: &JsValue);

    /// Whether I/O ends with the request that started it.
    #[wasm_bindgen(method, getter, js_name = ioEndsWithRequest)]
    pub(crate) fn io_ends_with_request(this: &Outside) -> bool;

    /// Gives up what was sent, where any caller may.
    #[wasm_bindgen(method, js_name = giveUp)]
    pub(crate) fn give_up(this: &Outside, sent: &AbortController);

    /// The timer of a wait, of which there may be many.
    #[wasm_bindgen(method, js_name = setLimit)]
    pub(crate) fn set_limit(this: &Outside, ring: &JsValue, delay: u32) -> JsValue;

    #[wasm_bindgen(method, js_name = clearLimit)]
    pub(crate) fn clear_limit(this: &Outside, timer: &JsValue);

    /// The monotonic clock, in milliseconds; zero for ever where there is none.
    #[wasm_bindgen(method, js_name = monotonicNow)]
    pub(crate) fn monotonic_now(this: &Outside) -> f64;

    /// Calls `woke` when a page is shown again or the network is back; what ends that.
    #[wasm_bindgen(method)]
    pub(crate) fn listen(this: &Outside, woke: &JsValue) -> Function;

    /// Calls a function of the user's. Not given up where there is no `signal`.
    #[wasm_bindgen(method)]
    pub(crate) fn call(
        this: &Outside,
        function: &Function,
        arguments: &Array,
        signal: Option<&AbortSignal>,
        done: &JsValue,
    );

    /// Calls a store's. A lease that comes too late is given back.
    #[wasm_bindgen(method)]
    pub(crate) fn acquire(this: &Outside, function: &Function, arguments: &Array, done: &JsValue);

    /// Gives a lease back. Should that fail, it ends by itself.
    #[wasm_bindgen(method)]
    pub(crate) fn release(this: &Outside, lease: &JsValue);

    /// Calls a store's `watch`; what ends that. `None` where it threw.
    #[wasm_bindgen(method)]
    pub(crate) fn watch(
        this: &Outside,
        function: &Function,
        key: &JsValue,
        changed: &JsValue,
    ) -> Option<Function>;

    /// Sends a request and reads the whole answer: its text, its status and the headers that are
    /// `wanted`, or a word that says why there is none.
    #[wasm_bindgen(method)]
    pub(crate) fn exchange(
        this: &Outside,
        fetch: Option<&Function>,
        url: &str,
        headers: &Array,
        body: &str,
        credentials: Option<&str>,
        wanted: &Array,
        signal: &AbortSignal,
        done: &JsValue,
    );

    /// The status of an answer and the headers that are `wanted`, if it is one.
    #[wasm_bindgen(method, js_name = headersOf)]
    pub(crate) fn headers_of(this: &Outside, answer: &JsValue, wanted: &Array) -> Option<Array>;
}
