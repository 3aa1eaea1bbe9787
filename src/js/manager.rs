//! What the npm face calls.
//!
//! Each exported method costs code on both sides of the border, so those of one shape are one, and
//! are told apart by a number; `pkg-template/src/words.js` has the words for these.

use std::rc::Rc;

use js_sys::Function;
use wasm_bindgen::prelude::*;

use crate::{
    core::{AccessToken, CallId, Input, Rejection, TokenRequest},
    driver::Driver,
    graphql::AuthStatus,
    host::{PLATFORM, given},
    js::{Desk, Face, error_view, scopes},
    options,
};

/// One manager. Every method takes `&self`: it may be called again while it runs.
#[wasm_bindgen]
pub struct Core {
    driver: Rc<Driver>,
}

#[wasm_bindgen]
impl Core {
    /// Accepts the options, or throws the fields of an `invalid_options` error.
    #[wasm_bindgen(constructor)]
    pub fn new(options: &JsValue, face: Face) -> Result<Self, JsValue> {
        let settings = options::read(&given(options), PLATFORM).map_err(|error| error_view(&error))?;
        Ok(Self { driver: Driver::new(settings, face) })
    }

    /// A caller wants something: `face.settle` or `face.reject` follows, maybe at once. Throws
    /// the fields of an `invalid_options` error.
    ///
    /// | `what` | |
    /// |---|---|
    /// | 0 | a token |
    /// | 1 | a new token |
    /// | 2 | the scopes: `face.settle` has the application's as a list, or a token, whose scopes are meant |
    pub fn ask(&self, what: u32, call: f64, options: &JsValue, desk: &Desk) -> Result<(), JsValue> {
        let (driver, options, call) = (&self.driver, given(options), id(call));
        let asked = match what {
            0 => options::read_call(&options).and_then(|want| driver.ask(desk, Input::Requested(call, want))),
            1 => options::read_refresh(&options)
                .and_then(|()| driver.ask(desk, Input::Requested(call, TokenRequest::Forced))),
            _ => options::read_refresh(&options).and_then(|()| driver.ask_scopes(desk, call)),
        };
        asked.map_err(|error| error_view(&error))
    }

    /// Something was learned, of a session's token or of the time. Throws the fields of an
    /// `invalid_options` error, where the user says that the API refused `token`.
    ///
    /// | `what` | |
    /// |---|---|
    /// | 0 | the user says that the API refused `token` |
    /// | 1 | an answer refused `token` |
    /// | 2 | it refused the one that took its place as well |
    /// | 3 | it refused `token`, and the request is not sent again |
    /// | 4 | the token held was handed out without asking; told once for each token |
    /// | 5 | another holder wrote to the session's entry in the shared store |
    /// | 6 | the time is not what it seemed: what is due is done, and the face told anew |
    /// | 7 | the desk is to hand out what its session holds, if that is open |
    /// | 8 | the request is gone whose I/O the session waits for |
    pub fn tell(
        &self,
        what: u32,
        desk: &Desk,
        #[wasm_bindgen(unchecked_optional_param_type = "string")] token: &JsValue,
    ) -> Result<(), JsValue> {
        let driver = &self.driver;
        let token = || AccessToken::new(text(token));
        let event = match what {
            0 => {
                let told = driver.ask(desk, Input::TokenInvalidated(token()));
                return told.map_err(|error| error_view(&error));
            }
            1 => Input::TokenRejected(token(), Rejection::First),
            2 => Input::TokenRejected(token(), Rejection::Replayed),
            3 => Input::TokenRejected(token(), Rejection::NotReplayable),
            4 => Input::TokenUsed,
            5 => Input::StoreChanged,
            8 => Input::IoLost,
            6 => {
                driver.woke_at(desk);
                return Ok(());
            }
            _ => {
                driver.attach(desk);
                return Ok(());
            }
        };
        driver.tell(desk, event);
        Ok(())
    }

    /// A caller no longer waits.
    pub fn abandon(&self, call: f64, desk: &Desk) {
        self.driver.abandon(desk, id(call));
    }

    /// What the face needs to know of the API to send requests to it.
    pub fn traits(&self) -> JsValue {
        self.driver.traits()
    }

    /// Whether an answer of this status and body refuses the token: 1 if it does, 2 where some of
    /// the request was carried out, else 0.
    pub fn judge(&self, status: u16, body: &JsValue) -> u32 {
        match self.driver.check_rejection(status, body.as_string().as_deref()) {
            AuthStatus::Accepted => 0,
            AuthStatus::Rejected => 1,
            AuthStatus::PartiallyRejected => 2,
        }
    }

    /// What an answer means that does not simply hold data: the fields of an error.
    pub fn explain(&self, response: &JsValue, body: &JsValue) -> JsValue {
        error_view(&self.driver.classify(response, text(body)))
    }

    /// Why a request fails whose new token was refused as well. `needed` are the scopes
    /// that its operation needs, where that is known.
    pub fn rejected(&self, response: &JsValue, body: &JsValue, needed: &JsValue, desk: &Desk) -> JsValue {
        let needed = scopes(needed);
        error_view(&self.driver.repeated_rejection(desk, response, text(body), needed.as_ref()))
    }

    /// Takes a newer token out of an ordinary answer; whether there was one. `lent` is the token
    /// that was sent, where that was not the desk's own.
    pub fn adopt(
        &self,
        response: &JsValue,
        desk: &Desk,
        #[wasm_bindgen(unchecked_optional_param_type = "string")] lent: &JsValue,
    ) -> bool {
        let lent = lent.as_string().map(AccessToken::new);
        self.driver.adopt(desk, response, lent.as_ref())
    }

    /// A snapshot, as the contract spells it.
    pub fn status(&self, desk: &Desk) -> JsValue {
        self.driver.status(desk)
    }

    /// Ends a session, which is not the manager's own; as [`close`](Self::close), which ends all.
    pub fn leave(&self, desk: &Desk, ended: Function) {
        self.driver.leave(desk, ended);
    }

    /// Ends everything; callers that wait are rejected before it returns. Calls `ended` when a
    /// grant that was on the wire under a lease is saved.
    pub fn close(&self, ended: Function) {
        self.driver.close(ended);
    }
}

fn text(text: &JsValue) -> String {
    text.as_string().unwrap_or_default()
}

/// Call ids are counted by the face, from one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number below 2^53")]
fn id(call: f64) -> CallId {
    CallId(call as u64)
}
