//! The npm face, as the driver calls it.

use std::time::Duration;

use js_sys::{Array, Function, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;

use crate::{
    core::{CallId, ErrorCode, Retryability, ScopeSet, TokenError, TokenSet},
    host::Outside,
    js::listed,
};

#[wasm_bindgen]
extern "C" {
    /// An `AccessToken` of the contract, made by the face and frozen.
    #[derive(Clone)]
    pub(crate) type Held;

    /// One object for each manager. None of its methods throws, and only `notify` runs
    /// code of the user's.
    #[wasm_bindgen(extends = Outside)]
    pub type Face;

    #[wasm_bindgen(method, js_name = settle)]
    fn settle_call(this: &Face, call: f64, held: &Held);

    #[wasm_bindgen(method, js_name = settle)]
    fn settle_list(this: &Face, call: f64, scopes: &Array);

    #[wasm_bindgen(method, js_name = reject)]
    fn reject_call(this: &Face, call: f64, error: &JsValue);

    /// The desk of the manager's own session.
    #[wasm_bindgen(method, getter)]
    pub(crate) fn own(this: &Face) -> Desk;

    /// Calls a `grant` function for the session whose selector is `key`; as [`Outside::call`].
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

    /// Makes a `TokenError` of its fields.
    #[wasm_bindgen(method)]
    pub(crate) fn error(this: &Face, fields: &JsValue) -> JsValue;

    /// The fields of a `TokenError`; `undefined` if it is none.
    #[wasm_bindgen(method, js_name = fieldsOf)]
    fn fields_of(this: &Face, thrown: &JsValue) -> JsValue;

    /// Tells the listeners something about the session whose selector is `key`.
    #[wasm_bindgen(method)]
    pub(crate) fn notify(this: &Face, event: &JsValue, key: &JsValue);

    /// Something happened, after which the status of a session may be another.
    #[wasm_bindgen(method)]
    pub(crate) fn changed(this: &Face);

    /// The manager's identity is known: a digest of its credentials and of what they are for. Called at most once.
    #[wasm_bindgen(method)]
    pub(crate) fn identified(this: &Face, digest: &str);

    /// Where the callers of one session come to. None of its methods throws, or runs code of
    /// the user's.
    #[derive(Clone, PartialEq)]
    pub type Desk;

    /// The selector: JSON, or what was given instead of one.
    #[wasm_bindgen(method, getter)]
    pub(crate) fn key(this: &Desk) -> JsValue;

    /// What [`seated`](Self::seated) was last called with.
    #[wasm_bindgen(method, getter)]
    pub(crate) fn session(this: &Desk) -> Option<f64>;

    /// The session whose token this desk hands out.
    #[wasm_bindgen(method)]
    pub(crate) fn seated(this: &Desk, session: f64);

    /// I/O of this session starts, in the request of the call that is being made.
    #[wasm_bindgen(method, js_name = ioStarted)]
    pub(crate) fn io_started(this: &Desk);

    /// Hand this out until `served_until` without asking; it is valid until
    /// `valid_until`. Both by `Date.now()`.
    #[wasm_bindgen(method)]
    pub(crate) fn hold(this: &Desk, held: &Held, served_until: f64, valid_until: f64);

    /// Nothing is held.
    #[wasm_bindgen(method, js_name = dropHold)]
    pub(crate) fn drop_hold(this: &Desk);

    /// A function for a store to call when somebody else wrote to the session's entry.
    #[wasm_bindgen(method)]
    pub(crate) fn watcher(this: &Desk) -> JsValue;
}

impl Face {
    /// Gives a caller its token.
    pub(crate) fn settle(&self, call: CallId, held: &Held) {
        self.settle_call(number(call), held);
    }

    /// Gives a caller the scopes it asked for.
    pub(crate) fn settle_scopes(&self, call: CallId, scopes: &ScopeSet) {
        self.settle_list(number(call), &listed(scopes));
    }

    /// Gives a caller its error.
    pub(crate) fn reject(&self, call: CallId, error: &JsValue) {
        self.reject_call(number(call), error);
    }

    /// Makes the token that users see.
    pub(crate) fn token(&self, tokens: &TokenSet, scopes: &ScopeSet) -> Held {
        let skew = tokens.provider_clock;
        self.make_token(
            tokens.access_token.expose(),
            &listed(scopes),
            tokens.issued_at.shifted(skew).to_js(),
            tokens.expires_at.shifted(skew).to_js(),
        )
    }

    /// What was thrown, if it is a `TokenError`, of this copy of the package or another.
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

/// The scopes in a list, if it is one.
pub(crate) fn scopes(list: &JsValue) -> Option<ScopeSet> {
    let list = list.dyn_ref::<Array>()?;
    Some(list.iter().filter_map(|scope| scope.as_string()).collect())
}

/// Call ids count up from one: they stay exact for 285 years of a million a second.
#[expect(clippy::cast_precision_loss, reason = "below 2^53")]
fn number(call: CallId) -> f64 {
    call.0 as f64
}
