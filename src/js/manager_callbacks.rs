//! The callbacks of one manager in JavaScript, which the driver calls.

use std::{rc::Rc, time::Duration};

use js_sys::{Array, Function, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;

use crate::{
    core::{CallId, ErrorCode, ProviderErrors, Retryability, ScopeSet, Secret, TokenError, TokenSet},
    host::HostBindings,
    js::{SessionHandle, scopes_to_js},
};

#[wasm_bindgen]
extern "C" {
    /// A frozen `AccessToken` of the public API.
    #[derive(Clone)]
    pub(crate) type JsAccessToken;

    /// The callbacks of one manager. None of them throws, and of those declared here only `notify`, `step`, `secret` and
    /// `grant` run user code.
    #[wasm_bindgen(extends = HostBindings)]
    pub type ManagerCallbacks;

    #[wasm_bindgen(method, js_name = resolveCall)]
    fn resolve_call(this: &ManagerCallbacks, call: f64, token: &JsAccessToken);

    #[wasm_bindgen(method, js_name = resolveCall)]
    fn resolve_call_with_list(this: &ManagerCallbacks, call: f64, list: &Array);

    #[wasm_bindgen(method, js_name = rejectCall)]
    fn reject_call(this: &ManagerCallbacks, call: f64, error: &JsValue);

    /// The handle of the default session.
    #[wasm_bindgen(method, getter, js_name = defaultHandle)]
    pub(crate) fn default_handle(this: &ManagerCallbacks) -> SessionHandle;

    /// Calls a user-supplied `grant` function for the session with this selector, as [`HostBindings::call`] does.
    #[wasm_bindgen(method)]
    pub(crate) fn grant(
        this: &ManagerCallbacks,
        function: &Function,
        refresh_token: Option<&str>,
        scopes: &Array,
        selector: &JsValue,
        signal: &AbortSignal,
        done: &JsValue,
    );

    /// Calls a function that returns a secret, as [`HostBindings::call`] does: with the selector of the session, unless it
    /// is `undefined`.
    #[wasm_bindgen(method)]
    pub(crate) fn secret(
        this: &ManagerCallbacks,
        function: &Function,
        selector: &JsValue,
        signal: &AbortSignal,
        done: &JsValue,
    );

    #[wasm_bindgen(method, js_name = createToken)]
    fn create_token(
        this: &ManagerCallbacks,
        value: &str,
        scopes: &Array,
        issued_at: f64,
        expires_at: f64,
    ) -> JsAccessToken;

    /// Creates a `TokenError` from its fields.
    #[wasm_bindgen(method, js_name = createError)]
    pub(crate) fn create_error(this: &ManagerCallbacks, fields: &JsValue) -> JsValue;

    /// Returns the fields of a `TokenError`, and `undefined` for other values.
    #[wasm_bindgen(method, js_name = tokenErrorFields)]
    fn token_error_fields(this: &ManagerCallbacks, thrown: &JsValue) -> JsValue;

    /// Emits an event to listeners, for the session with this selector.
    #[wasm_bindgen(method)]
    pub(crate) fn notify(this: &ManagerCallbacks, event: &JsValue, selector: &JsValue);

    /// Returns whether anything observes steps. Read before a step is described.
    #[wasm_bindgen(method, getter, js_name = isObserved)]
    pub(crate) fn is_observed(this: &ManagerCallbacks) -> bool;

    /// Reports a step of the session with this selector to observers. The start of a grant returns a value, which the
    /// report of its end passes as `started`.
    #[wasm_bindgen(method)]
    pub(crate) fn step(
        this: &ManagerCallbacks,
        name: &str,
        detail: &str,
        number: f64,
        error: &JsValue,
        started: &JsValue,
        selector: &JsValue,
    ) -> JsValue;

    /// Reports that the status of any session may have changed.
    #[wasm_bindgen(method, js_name = statusChanged)]
    pub(crate) fn status_changed(this: &ManagerCallbacks);

    /// Reports the manager's identity, a digest of its credentials and of the API that they are for. Called at most
    /// once.
    #[wasm_bindgen(method)]
    pub(crate) fn identified(this: &ManagerCallbacks, digest: &str);
}

impl ManagerCallbacks {
    /// Resolves a call with a token.
    pub(crate) fn resolve(&self, call: CallId, token: &JsAccessToken) {
        self.resolve_call(number(call), token);
    }

    /// Resolves a call with scopes.
    pub(crate) fn resolve_with_scopes(&self, call: CallId, scopes: &ScopeSet) {
        self.resolve_call_with_list(number(call), &scopes_to_js(scopes));
    }

    /// Resolves a call with the values of headers.
    pub(crate) fn resolve_with_secrets(&self, call: CallId, secrets: &[Secret]) {
        let values = secrets.iter().map(|secret| JsValue::from_str(secret.expose())).collect();
        self.resolve_call_with_list(number(call), &values);
    }

    /// Rejects a call.
    pub(crate) fn reject(&self, call: CallId, error: &JsValue) {
        self.reject_call(number(call), error);
    }

    /// Creates the token that users receive, with times of the provider's clock.
    pub(crate) fn token(&self, tokens: &TokenSet, scopes: &ScopeSet) -> JsAccessToken {
        let clock_offset = tokens.provider_clock;
        self.create_token(
            tokens.access_token.expose(),
            &scopes_to_js(scopes),
            tokens.issued_at.shifted(clock_offset).to_js(),
            tokens.expires_at.shifted(clock_offset).to_js(),
        )
    }

    /// Converts a thrown `TokenError`, of this copy of the package or another. Returns `None` for other values.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
    pub(crate) fn token_error_of(&self, thrown: &JsValue) -> Option<TokenError> {
        let fields = self.token_error_fields(thrown);
        let get = |key: &str| Reflect::get(&fields, &JsValue::from_str(key)).unwrap_or_default();
        let (code, message) = (get("code").as_string()?, get("message").as_string()?);
        let missing_scopes = scopes_from_js(&get("missingScopes"));
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
        failure.provider_errors = get("providerErrors")
            .as_string()
            .map(|json| Rc::new(ProviderErrors { json, first: String::new() }));
        failure.retryability = Some(retryability);
        Some(error)
    }
}

/// Converts an array of scopes. Returns `None` if the value is not an array.
pub(crate) fn scopes_from_js(list: &JsValue) -> Option<ScopeSet> {
    let list = list.dyn_ref::<Array>()?;
    Some(list.iter().filter_map(|scope| scope.as_string()).collect())
}

/// Converts a call id. Ids count up from one, and stay below 2^53 for 285 years at a million calls per second.
#[expect(clippy::cast_precision_loss, reason = "below 2^53")]
fn number(call: CallId) -> f64 {
    call.0 as f64
}
