//! The JavaScript callbacks that the driver uses.

use std::time::Duration;

use js_sys::{Array, Function, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;

use crate::{
    core::{CallId, ErrorCode, Retryability, ScopeSet, TokenError, TokenSet},
    host::HostBindings,
    js::listed,
};

#[wasm_bindgen]
extern "C" {
    /// A frozen `AccessToken` of the public API.
    #[derive(Clone)]
    pub(crate) type Held;

    /// The callbacks of one manager. None of them throws, and of those declared here only `notify` and `grant` run user
    /// code.
    #[wasm_bindgen(extends = HostBindings)]
    pub type Face;

    #[wasm_bindgen(method, js_name = settle)]
    fn settle_call(this: &Face, call: f64, held: &Held);

    #[wasm_bindgen(method, js_name = settle)]
    fn settle_list(this: &Face, call: f64, scopes: &Array);

    #[wasm_bindgen(method, js_name = reject)]
    fn reject_call(this: &Face, call: f64, error: &JsValue);

    /// The handle of the manager's own session.
    #[wasm_bindgen(method, getter)]
    pub(crate) fn own(this: &Face) -> Desk;

    /// Calls a user-supplied `grant` function for the session with the selector `key`, as [`HostBindings::call`] does.
    #[wasm_bindgen(method)]
    pub(crate) fn grant(
        this: &Face,
        function: &Function,
        refresh_token: Option<&str>,
        scopes: &Array,
        key: &JsValue,
        signal: &AbortSignal,
        done: &JsValue,
    );

    #[wasm_bindgen(method, js_name = token)]
    fn make_token(this: &Face, value: &str, scopes: &Array, issued_at: f64, expires_at: f64) -> Held;

    /// Creates a `TokenError` from its fields.
    #[wasm_bindgen(method)]
    pub(crate) fn error(this: &Face, fields: &JsValue) -> JsValue;

    /// Returns the fields of a `TokenError`, and `undefined` for other values.
    #[wasm_bindgen(method, js_name = fieldsOf)]
    fn fields_of(this: &Face, thrown: &JsValue) -> JsValue;

    /// Emits an event to listeners, for the session with the selector `key`.
    #[wasm_bindgen(method)]
    pub(crate) fn notify(this: &Face, event: &JsValue, key: &JsValue);

    /// Reports that the status of any session may have changed.
    #[wasm_bindgen(method)]
    pub(crate) fn changed(this: &Face);

    /// Reports the manager's identity, a digest of its credentials and of the API that they are for. Called at most
    /// once.
    #[wasm_bindgen(method)]
    pub(crate) fn identified(this: &Face, digest: &str);

    /// A session handle: it receives the calls of one session and returns its cached token. None of its methods throws
    /// or runs user code.
    #[derive(Clone, PartialEq)]
    pub type Desk;

    /// The selector as JSON, or the user's value if it cannot be serialized.
    #[wasm_bindgen(method, getter)]
    pub(crate) fn key(this: &Desk) -> JsValue;

    /// The session of the last call of [`seated`](Self::seated).
    #[wasm_bindgen(method, getter)]
    pub(crate) fn session(this: &Desk) -> Option<f64>;

    /// Connects the handle to a session.
    #[wasm_bindgen(method)]
    pub(crate) fn seated(this: &Desk, session: f64);

    /// Reports that I/O of this session starts within the current request.
    #[wasm_bindgen(method, js_name = ioStarted)]
    pub(crate) fn io_started(this: &Desk);

    /// Pushes the cached token: the handle returns it without a call of the core until `served_until`, and it is valid
    /// until `valid_until`. Both are times of `Date.now()`.
    #[wasm_bindgen(method)]
    pub(crate) fn hold(this: &Desk, held: &Held, served_until: f64, valid_until: f64);

    /// Removes the cached token.
    #[wasm_bindgen(method, js_name = dropHold)]
    pub(crate) fn drop_hold(this: &Desk);

    /// Returns a function that a store calls after another holder wrote to the session's entry.
    #[wasm_bindgen(method)]
    pub(crate) fn watcher(this: &Desk) -> JsValue;
}

impl Face {
    /// Resolves a call with a token.
    pub(crate) fn settle(&self, call: CallId, held: &Held) {
        self.settle_call(number(call), held);
    }

    /// Resolves a call with scopes.
    pub(crate) fn settle_scopes(&self, call: CallId, scopes: &ScopeSet) {
        self.settle_list(number(call), &listed(scopes));
    }

    /// Rejects a call.
    pub(crate) fn reject(&self, call: CallId, error: &JsValue) {
        self.reject_call(number(call), error);
    }

    /// Creates the token that users receive, with times of the provider's clock.
    pub(crate) fn token(&self, tokens: &TokenSet, scopes: &ScopeSet) -> Held {
        let skew = tokens.provider_clock;
        self.make_token(
            tokens.access_token.expose(),
            &listed(scopes),
            tokens.issued_at.shifted(skew).to_js(),
            tokens.expires_at.shifted(skew).to_js(),
        )
    }

    /// Converts a thrown `TokenError`, of this copy of the package or another. Returns `None` for other values.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
    pub(crate) fn own_error(&self, thrown: &JsValue) -> Option<TokenError> {
        let fields = self.fields_of(thrown);
        let get = |key: &str| Reflect::get(&fields, &JsValue::from_str(key)).unwrap_or_default();
        let (code, message) = (get("code").as_string()?, get("message").as_string()?);
        let missing_scopes = scopes(&get("missingScopes"));
        let retryability =
            if get("retryable") == JsValue::TRUE { Retryability::Retryable } else { Retryability::Permanent };
        let mut error = TokenError::new(ErrorCode::parse(&code)?, message);
        let failure = &mut *error;
        failure.status = get("status").as_f64().map(|status| status as u16);
        failure.request_id = get("requestId").as_string();
        failure.retry_after = get("retryAfterMs")
            .as_f64()
            .filter(|millis| *millis >= 0.0)
            .map(|millis| Duration::from_micros((millis * 1000.0) as u64));
        failure.missing_scopes = missing_scopes;
        failure.retryability = Some(retryability);
        Some(error)
    }
}

/// Converts an array of scopes. Returns `None` if the value is not an array.
pub(crate) fn scopes(list: &JsValue) -> Option<ScopeSet> {
    let list = list.dyn_ref::<Array>()?;
    Some(list.iter().filter_map(|scope| scope.as_string()).collect())
}

/// Converts a call id. Ids count up from one, and stay below 2^53 for 285 years at a million calls per second.
#[expect(clippy::cast_precision_loss, reason = "below 2^53")]
fn number(call: CallId) -> f64 {
    call.0 as f64
}
