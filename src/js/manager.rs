//! The exported class, which `pkg-template/src/manager-core.js` uses.

use std::rc::Rc;

use js_sys::Function;
use wasm_bindgen::prelude::*;

use crate::{
    core::{AccessToken, CallId, Input, Rejection, SignOutMode, TokenRequest},
    driver::Driver,
    graphql,
    host::{PLATFORM, from_js},
    js::{ManagerCallbacks, SessionHandle, error_to_js, refresh_token_to_js, scopes_from_js},
    options,
};

/// The result of [`NativeManager::check_rejection`].
#[wasm_bindgen]
#[derive(Clone, Copy, Debug)]
pub enum AuthStatus {
    /// The response accepts the token.
    Accepted = "accepted",
    /// The response rejects the token, and nothing was executed.
    Rejected = "rejected",
    /// The response rejects the token after a part of the request was executed.
    PartiallyRejected = "partially_rejected",
}

/// The native part of one manager. Every method takes `&self`, because JavaScript may call it again while it runs.
#[wasm_bindgen]
pub struct NativeManager {
    driver: Rc<Driver>,
}

#[wasm_bindgen]
impl NativeManager {
    /// Accepts the options, or throws the fields of an `invalid_options` error.
    #[wasm_bindgen(constructor)]
    pub fn new(options: &JsValue, callbacks: ManagerCallbacks) -> Result<Self, JsValue> {
        let config = options::read(&from_js(options), PLATFORM).map_err(|error| error_to_js(&error))?;
        Ok(Self { driver: Driver::new(config, callbacks) })
    }

    /// Requests a token for a caller: `callbacks.resolveCall` or `callbacks.rejectCall` follows, possibly before
    /// this returns.
    ///
    /// Throws the fields of an `invalid_options` error, as the next two do.
    #[wasm_bindgen(js_name = getToken)]
    pub fn get_token(&self, call: f64, options: &JsValue, handle: &SessionHandle) -> Result<(), JsValue> {
        let request = options::read_call(&from_js(options)).map_err(|error| error_to_js(&error))?;
        self.request(handle, Input::Requested(id(call), request))
    }

    /// Requests a token that is granted after this call.
    pub fn refresh(&self, call: f64, options: &JsValue, handle: &SessionHandle) -> Result<(), JsValue> {
        options::read_refresh(&from_js(options)).map_err(|error| error_to_js(&error))?;
        self.request(handle, Input::Requested(id(call), TokenRequest::Forced))
    }

    /// Requests the scopes that may be granted: `callbacks.resolveCall` receives those of the application as a
    /// list, or a token from which JavaScript reads them.
    #[wasm_bindgen(js_name = getScopes)]
    pub fn get_scopes(&self, call: f64, options: &JsValue, handle: &SessionHandle) -> Result<(), JsValue> {
        let requested = options::read_refresh(&from_js(options))
            .and_then(|()| self.driver.request_scopes(handle, id(call)));
        requested.map_err(|error| error_to_js(&error))
    }

    /// Requests the values of the headers that functions return, for a request of the session: `callbacks.resolveCall`
    /// receives them as a list, in the order of `secretHeaders`.
    #[wasm_bindgen(js_name = getHeaderSecrets)]
    pub fn get_header_secrets(
        &self,
        call: f64,
        options: &JsValue,
        handle: &SessionHandle,
    ) -> Result<(), JsValue> {
        let requested = options::read_refresh(&from_js(options))
            .and_then(|()| self.driver.request_header_secrets(handle, id(call)));
        requested.map_err(|error| error_to_js(&error))
    }

    /// Discards the token if it is the cached one: the user reported that the API rejected it.
    ///
    /// Throws the fields of an `invalid_options` error if the session's selector is invalid.
    pub fn invalidate(&self, handle: &SessionHandle, token: &JsValue) -> Result<(), JsValue> {
        self.request(handle, Input::TokenInvalidated(AccessToken::new(text(token))))
    }

    /// Reports that a response rejected the token, and that the request is replayed with the next one.
    #[wasm_bindgen(js_name = tokenRejected)]
    pub fn token_rejected(&self, handle: &SessionHandle, token: &JsValue) {
        self.reject(handle, token, Rejection::First);
    }

    /// Reports that a response rejected the token, and that the request is not replayed.
    #[wasm_bindgen(js_name = rejectedWithoutReplay)]
    pub fn rejected_without_replay(&self, handle: &SessionHandle, token: &JsValue) {
        self.reject(handle, token, Rejection::WithoutReplay);
    }

    /// Reports that a new token, requested after a rejection, was rejected as well, or is the one that was rejected.
    #[wasm_bindgen(js_name = rejectedAfterRenewal)]
    pub fn rejected_after_renewal(&self, handle: &SessionHandle, token: &JsValue) {
        self.reject(handle, token, Rejection::AfterRenewal);
    }

    /// Reports that JavaScript returned the cached token without a call of the core, once per token.
    #[wasm_bindgen(js_name = tokenUsed)]
    pub fn token_used(&self, handle: &SessionHandle) {
        self.driver.handle_if_open(handle, Input::TokenUsed);
    }

    /// Reports that another holder wrote the session's record in the shared store.
    #[wasm_bindgen(js_name = storeChanged)]
    pub fn store_changed(&self, handle: &SessionHandle) {
        self.driver.handle_if_open(handle, Input::StoreChanged);
    }

    /// Reports the end of the request that started the I/O for which the session waits.
    #[wasm_bindgen(js_name = ioLost)]
    pub fn io_lost(&self, handle: &SessionHandle) {
        self.driver.handle_if_open(handle, Input::IoLost);
    }

    /// Runs what is due, also after the clock was set, and pushes cached tokens whose times by that clock have changed.
    #[wasm_bindgen(js_name = runDue)]
    pub fn run_due(&self, handle: &SessionHandle) {
        self.driver.run_due_for(handle);
    }

    /// Connects the handle to its session, if that is open, and pushes the cached token to it.
    pub fn attach(&self, handle: &SessionHandle) {
        self.driver.attach(handle);
    }

    /// Cancels a call.
    #[wasm_bindgen(js_name = cancelCall)]
    pub fn cancel_call(&self, call: f64, handle: &SessionHandle) {
        self.driver.cancel_call(handle, id(call));
    }

    /// Returns the properties of the API that JavaScript needs in order to send requests to it.
    #[wasm_bindgen(js_name = apiProfile)]
    pub fn api_profile(&self) -> JsValue {
        self.driver.api_profile()
    }

    /// Checks whether a response with this status and body rejects the token. `predicates` are the rules whose functions
    /// match it.
    #[wasm_bindgen(js_name = checkRejection)]
    pub fn check_rejection(&self, status: u16, body: &JsValue, predicates: u8) -> AuthStatus {
        auth_status_to_js(self.driver.check_rejection(status, body.as_string().as_deref(), predicates))
    }

    /// Classifies a response that does not contain data alone. Returns the fields of an error.
    #[wasm_bindgen(js_name = classifyResponse)]
    pub fn classify_response(&self, response: &JsValue, body: &JsValue, predicates: u8) -> JsValue {
        error_to_js(&self.driver.classify(response, text(body), predicates))
    }

    /// Explains the rejection of a replacement token. `needed` are the scopes that the operation requires, if known.
    /// Returns the fields of an error.
    #[wasm_bindgen(js_name = explainRejection)]
    pub fn explain_rejection(
        &self,
        response: &JsValue,
        body: &JsValue,
        needed: &JsValue,
        handle: &SessionHandle,
    ) -> JsValue {
        let needed = scopes_from_js(needed);
        error_to_js(&self.driver.repeated_rejection(handle, response, text(body), needed.as_ref()))
    }

    /// Adopts a newer token of the same session from an ordinary response to a request with the token `sent`, which is
    /// `lent` as well if another session lent it. The body may be `undefined`. Returns whether the response rejects the
    /// token that was sent, because the session has ended.
    pub fn adopt(
        &self,
        response: &JsValue,
        body: &JsValue,
        handle: &SessionHandle,
        sent: &JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "string")] lent: &JsValue,
    ) -> AuthStatus {
        let sent = AccessToken::new(text(sent));
        let lent = lent.as_string().map(AccessToken::new);
        auth_status_to_js(self.driver.adopt(handle, response, text(body), &sent, lent.as_ref()))
    }

    /// Returns the refresh token of a session, if it is known, so that no error quotes it.
    #[wasm_bindgen(js_name = refreshToken)]
    pub fn refresh_token(&self, handle: &SessionHandle) -> JsValue {
        refresh_token_to_js(self.driver.refresh_token(handle).as_ref())
    }

    /// Returns a snapshot of the session, with the property names of the public API.
    pub fn status(&self, handle: &SessionHandle) -> JsValue {
        self.driver.status(handle)
    }

    /// Signs out the identity of a session. Calls `on_cleared` when the shared store no longer has a token from before the
    /// sign-out, with the fields of an error if it still may have one.
    ///
    /// Throws the fields of an `invalid_options` error if the session's selector is invalid.
    pub fn clear(&self, handle: &SessionHandle, on_cleared: Function) -> Result<(), JsValue> {
        self.driver
            .sign_out(Some(handle), SignOutMode::Clear, on_cleared)
            .map_err(|error| error_to_js(&error))
    }

    /// Signs out all sessions, as [`clear`](Self::clear) does.
    #[wasm_bindgen(js_name = clearAll)]
    pub fn clear_all(&self, on_cleared: Function) -> Result<(), JsValue> {
        self.driver.sign_out(None, SignOutMode::Clear, on_cleared).map_err(|error| error_to_js(&error))
    }

    /// Signs out the identity of a session, or all sessions, as [`clear`](Self::clear) does, and revokes the tokens. The
    /// provider must have a revocation.
    pub fn revoke(&self, handle: Option<SessionHandle>, on_revoked: Function) -> Result<(), JsValue> {
        let signed_out = self.driver.sign_out(handle.as_ref(), SignOutMode::Revoke, on_revoked);
        signed_out.map_err(|error| error_to_js(&error))
    }

    /// Closes a session other than the default session, and calls `on_closed` as [`close`](Self::close) does.
    #[wasm_bindgen(js_name = closeSession)]
    pub fn close_session(&self, handle: &SessionHandle, on_closed: Function) {
        self.driver.close_session(handle, on_closed);
    }

    /// Closes the manager. Pending calls are rejected before it returns. Calls `on_closed` when the result of a grant that
    /// was in flight under a lease is stored.
    pub fn close(&self, on_closed: Function) {
        self.driver.close(on_closed);
    }
}

impl NativeManager {
    fn request(&self, handle: &SessionHandle, input: Input) -> Result<(), JsValue> {
        self.driver.handle_or_open(handle, input).map_err(|error| error_to_js(&error))
    }

    fn reject(&self, handle: &SessionHandle, token: &JsValue, rejection: Rejection) {
        self.driver.handle_if_open(handle, Input::TokenRejected(AccessToken::new(text(token)), rejection));
    }
}

const fn auth_status_to_js(status: graphql::AuthStatus) -> AuthStatus {
    match status {
        graphql::AuthStatus::Accepted => AuthStatus::Accepted,
        graphql::AuthStatus::Rejected => AuthStatus::Rejected,
        graphql::AuthStatus::PartiallyRejected => AuthStatus::PartiallyRejected,
    }
}

fn text(text: &JsValue) -> String {
    text.as_string().unwrap_or_default()
}

/// Converts a call id. JavaScript counts them from one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number below 2^53")]
fn id(call: f64) -> CallId {
    CallId(call as u64)
}
