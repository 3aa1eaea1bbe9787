//! The exported class, which `pkg-template/src/manager-runtime.js` uses.

use std::rc::Rc;

use js_sys::Function;
use wasm_bindgen::prelude::*;

use crate::{
    core::{AccessToken, CallId, Input, Rejection, TokenRequest},
    driver::Driver,
    graphql::AuthStatus,
    host::{PLATFORM, from_js},
    js::{Desk, Face, error_view, scopes},
    options,
};

/// The native part of one manager. Every method takes `&self`, because JavaScript may call it again while it runs.
#[wasm_bindgen]
pub struct NativeManager {
    driver: Rc<Driver>,
}

#[wasm_bindgen]
impl NativeManager {
    /// Accepts the options, or throws the fields of an `invalid_options` error.
    #[wasm_bindgen(constructor)]
    pub fn new(options: &JsValue, face: Face) -> Result<Self, JsValue> {
        let settings = options::read(&from_js(options), PLATFORM).map_err(|error| error_view(&error))?;
        Ok(Self { driver: Driver::new(settings, face) })
    }

    /// Requests a token for a caller: `face.settle` or `face.reject` follows, possibly before this returns.
    ///
    /// Throws the fields of an `invalid_options` error, as the next two do.
    #[wasm_bindgen(js_name = getToken)]
    pub fn get_token(&self, call: f64, options: &JsValue, desk: &Desk) -> Result<(), JsValue> {
        let request = options::read_call(&from_js(options)).map_err(|error| error_view(&error))?;
        self.request(desk, Input::Requested(id(call), request))
    }

    /// Requests a token that is granted after this call.
    pub fn refresh(&self, call: f64, options: &JsValue, desk: &Desk) -> Result<(), JsValue> {
        options::read_refresh(&from_js(options)).map_err(|error| error_view(&error))?;
        self.request(desk, Input::Requested(id(call), TokenRequest::Forced))
    }

    /// Requests the scopes that may be granted: `face.settle` receives those of the application as a list, or a token
    /// from which JavaScript reads them.
    #[wasm_bindgen(js_name = getScopes)]
    pub fn get_scopes(&self, call: f64, options: &JsValue, desk: &Desk) -> Result<(), JsValue> {
        let requested =
            options::read_refresh(&from_js(options)).and_then(|()| self.driver.ask_scopes(desk, id(call)));
        requested.map_err(|error| error_view(&error))
    }

    /// Discards the token if it is the cached one: the user reported that the API rejected it.
    ///
    /// Throws the fields of an `invalid_options` error where the session's selector is invalid.
    pub fn invalidate(&self, desk: &Desk, token: &JsValue) -> Result<(), JsValue> {
        self.request(desk, Input::TokenInvalidated(AccessToken::new(text(token))))
    }

    /// Reports that a response rejected the token, and that the request is sent again with another one.
    #[wasm_bindgen(js_name = tokenRejected)]
    pub fn token_rejected(&self, desk: &Desk, token: &JsValue) {
        self.reject(desk, token, Rejection::First);
    }

    /// Reports that a response rejected the token, and that the request cannot be sent again.
    #[wasm_bindgen(js_name = lastTokenRejected)]
    pub fn last_token_rejected(&self, desk: &Desk, token: &JsValue) {
        self.reject(desk, token, Rejection::NotReplayable);
    }

    /// Reports that the token which replaced a rejected one was rejected as well.
    #[wasm_bindgen(js_name = replacementRejected)]
    pub fn replacement_rejected(&self, desk: &Desk, token: &JsValue) {
        self.reject(desk, token, Rejection::Replayed);
    }

    /// Reports that JavaScript returned the cached token without a call of the core, once per token.
    #[wasm_bindgen(js_name = tokenUsed)]
    pub fn token_used(&self, desk: &Desk) {
        self.driver.tell(desk, Input::TokenUsed);
    }

    /// Reports that another holder wrote to the session's entry in the shared store.
    #[wasm_bindgen(js_name = storeChanged)]
    pub fn store_changed(&self, desk: &Desk) {
        self.driver.tell(desk, Input::StoreChanged);
    }

    /// Reports the end of the request that started the I/O for which the session waits.
    #[wasm_bindgen(js_name = ioLost)]
    pub fn io_lost(&self, desk: &Desk) {
        self.driver.tell(desk, Input::IoLost);
    }

    /// Reports that the clock was stopped or set: runs what is due, and pushes the cached tokens to JavaScript again.
    #[wasm_bindgen(js_name = clockChanged)]
    pub fn clock_changed(&self, desk: &Desk) {
        self.driver.woke_at(desk);
    }

    /// Connects the handle to its session, if that is open, and pushes the cached token to it.
    pub fn attach(&self, desk: &Desk) {
        self.driver.attach(desk);
    }

    /// Cancels a call.
    pub fn abandon(&self, call: f64, desk: &Desk) {
        self.driver.abandon(desk, id(call));
    }

    /// Returns the properties of the API that JavaScript needs in order to send requests to it.
    pub fn traits(&self) -> JsValue {
        self.driver.traits()
    }

    /// Checks whether a response with this status and body rejects the token: 0 if it does not, 1 if it does, 2 if it
    /// does after a part of the request was executed.
    pub fn judge(&self, status: u16, body: &JsValue) -> u32 {
        match self.driver.check_rejection(status, body.as_string().as_deref()) {
            AuthStatus::Accepted => 0,
            AuthStatus::Rejected => 1,
            AuthStatus::PartiallyRejected => 2,
        }
    }

    /// Classifies a response that does not contain data alone. Returns the fields of an error.
    pub fn explain(&self, response: &JsValue, body: &JsValue) -> JsValue {
        error_view(&self.driver.classify(response, text(body)))
    }

    /// Explains the rejection of a replacement token. `needed` are the scopes that the operation requires, if known.
    /// Returns the fields of an error.
    pub fn rejected(&self, response: &JsValue, body: &JsValue, needed: &JsValue, desk: &Desk) -> JsValue {
        let needed = scopes(needed);
        error_view(&self.driver.repeated_rejection(desk, response, text(body), needed.as_ref()))
    }

    /// Adopts a newer token from an ordinary response. `lent` is the token that was sent, if it was not that of the
    /// handle's session. Returns true if a newer token was adopted.
    pub fn adopt(
        &self,
        response: &JsValue,
        desk: &Desk,
        #[wasm_bindgen(unchecked_optional_param_type = "string")] lent: &JsValue,
    ) -> bool {
        let lent = lent.as_string().map(AccessToken::new);
        self.driver.adopt(desk, response, lent.as_ref())
    }

    /// Returns a snapshot of the session, with the property names of the public API.
    pub fn status(&self, desk: &Desk) -> JsValue {
        self.driver.status(desk)
    }

    /// Signs out the identity of a session. Calls `ended` when the shared store has no token of before any more, with the
    /// fields of an error if it still may have one.
    ///
    /// Throws the fields of an `invalid_options` error where the session's selector is invalid.
    pub fn clear(&self, desk: &Desk, ended: Function) -> Result<(), JsValue> {
        self.driver.clear(Some(desk), ended).map_err(|error| error_view(&error))
    }

    /// Signs out all sessions, as [`clear`](Self::clear) does.
    #[wasm_bindgen(js_name = clearAll)]
    pub fn clear_all(&self, ended: Function) -> Result<(), JsValue> {
        self.driver.clear(None, ended).map_err(|error| error_view(&error))
    }

    /// Closes a session that is not the manager's own, and calls `ended` as [`close`](Self::close) does.
    pub fn leave(&self, desk: &Desk, ended: Function) {
        self.driver.leave(desk, ended);
    }

    /// Closes the manager. Pending calls are rejected before it returns. Calls `ended` when the result of a grant that
    /// was in flight under a lease is stored.
    pub fn close(&self, ended: Function) {
        self.driver.close(ended);
    }
}

impl NativeManager {
    fn request(&self, desk: &Desk, input: Input) -> Result<(), JsValue> {
        self.driver.ask(desk, input).map_err(|error| error_view(&error))
    }

    fn reject(&self, desk: &Desk, token: &JsValue, rejection: Rejection) {
        self.driver.tell(desk, Input::TokenRejected(AccessToken::new(text(token)), rejection));
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
