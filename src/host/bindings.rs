//! The functions of the host that the core calls through JavaScript.

use js_sys::{Array, Function};
use wasm_bindgen::prelude::*;
use web_sys::{AbortController, AbortSignal};

#[wasm_bindgen]
extern "C" {
    /// The functions of the host; see `pkg-template/src/host-bindings.js`. None of them throws. An asynchronous function
    /// calls `done` once, after it has returned, with an [`CallOutcome`](super::CallOutcome).
    #[derive(Clone, Debug)]
    pub type HostBindings;

    /// Sets a timer that fires once. It keeps the process running if `keep_alive` is true.
    #[wasm_bindgen(method, js_name = setTimer)]
    pub(crate) fn set_timer(this: &HostBindings, on_fire: &JsValue, delay: u32, keep_alive: bool) -> JsValue;

    #[wasm_bindgen(method, js_name = clearTimer)]
    pub(crate) fn clear_timer(this: &HostBindings, timer: &JsValue);

    /// Returns true if I/O ends with the request that started it.
    #[wasm_bindgen(method, getter, js_name = ioEndsWithRequest)]
    pub(crate) fn io_ends_with_request(this: &HostBindings) -> bool;

    /// Aborts a request. Does nothing where I/O ends with its request: only the request that started it may abort it.
    #[wasm_bindgen(method, js_name = abort)]
    pub(crate) fn abort(this: &HostBindings, request: &AbortController);

    /// Sets a timer that limits one call. Many of them may be set at once.
    #[wasm_bindgen(method, js_name = setTimeLimit)]
    pub(crate) fn set_time_limit(this: &HostBindings, on_fire: &JsValue, delay: u32) -> JsValue;

    #[wasm_bindgen(method, js_name = clearTimeLimit)]
    pub(crate) fn clear_time_limit(this: &HostBindings, timer: &JsValue);

    /// Returns the monotonic clock in milliseconds, and always zero where there is none.
    #[wasm_bindgen(method, js_name = monotonicNow)]
    pub(crate) fn monotonic_now(this: &HostBindings) -> f64;

    /// Calls `on_wakeup` when a page becomes visible or the network is back. Returns a function that ends the subscription.
    #[wasm_bindgen(method, js_name = subscribeToWakeups)]
    pub(crate) fn subscribe_to_wakeups(this: &HostBindings, on_wakeup: &JsValue) -> Function;

    /// Calls a user-supplied function. It cannot be aborted without a `signal`.
    #[wasm_bindgen(method)]
    pub(crate) fn call(
        this: &HostBindings,
        function: &Function,
        arguments: &Array,
        signal: Option<&AbortSignal>,
        done: &JsValue,
    );

    /// Describes what a user-supplied function threw, as the `cause` of an error, without its message.
    #[wasm_bindgen(method, js_name = describeCause)]
    pub(crate) fn describe_cause(this: &HostBindings, thrown: &JsValue) -> String;

    /// Calls the `acquire` function of a store. A lease that arrives after the time limit is released.
    #[wasm_bindgen(method)]
    pub(crate) fn acquire(this: &HostBindings, function: &Function, arguments: &Array, done: &JsValue);

    /// Releases a lease. If that fails, the lease expires by itself.
    #[wasm_bindgen(method)]
    pub(crate) fn release(this: &HostBindings, lease_of: &JsValue);

    /// Calls the `watch` function of a store. Returns a function that ends the subscription, or `None` if `watch`
    /// threw.
    #[wasm_bindgen(method)]
    pub(crate) fn watch(
        this: &HostBindings,
        function: &Function,
        key: &JsValue,
        changed: &JsValue,
    ) -> Option<Function>;

    /// Sends a request and reads the whole response: its text, its errors without secrets, the message of the first
    /// error, its status and its headers named in `wanted`, or a string that names the reason why there is none.
    /// Errors may quote `scopes`, but neither `secrets` nor what the session's `handle` knows.
    #[wasm_bindgen(method, js_name = sendRequest)]
    pub(crate) fn send_request(
        this: &HostBindings,
        fetch: Option<&Function>,
        url: &str,
        headers: &Array,
        body: &str,
        credentials: Option<&str>,
        scopes: &Array,
        secrets: &Array,
        handle: &JsValue,
        wanted: &Array,
        signal: &AbortSignal,
        done: &JsValue,
    );

    /// Returns the status of a response and its headers named in `wanted`, or `None` if `response` is not a `Response`.
    #[wasm_bindgen(method, js_name = statusAndHeaders)]
    pub(crate) fn status_and_headers(
        this: &HostBindings,
        response: &JsValue,
        wanted: &Array,
    ) -> Option<Array>;
}
