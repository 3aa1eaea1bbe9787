//! What the npm face calls.

use std::rc::Rc;

use wasm_bindgen::prelude::*;

use crate::{
    core::{AccessToken, CallId, Event, Refusal, Want},
    driver::Driver,
    graphql::Ruling,
    host::{PLATFORM, given},
    js::{Desk, Face, error_view},
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

    /// A caller wants a token: `face.settle` or `face.reject` follows, maybe at once.
    /// Throws the fields of an `invalid_options` error.
    pub fn request(&self, call: f64, options: &JsValue, desk: &Desk) -> Result<(), JsValue> {
        let want = options::read_call(&given(options)).map_err(|error| error_view(&error))?;
        self.ask(desk, Event::Requested(id(call), want))
    }

    /// A caller wants a new token; as [`request`](Self::request).
    pub fn refresh(&self, call: f64, options: &JsValue, desk: &Desk) -> Result<(), JsValue> {
        options::read_refresh(&given(options)).map_err(|error| error_view(&error))?;
        self.ask(desk, Event::Requested(id(call), Want::Fresh))
    }

    /// A caller wants to know the scopes: `face.settle` follows with the application's as a list,
    /// or with a token, whose scopes are meant; else as [`refresh`](Self::refresh).
    pub fn scopes(&self, call: f64, options: &JsValue, desk: &Desk) -> Result<(), JsValue> {
        let asked =
            options::read_refresh(&given(options)).and_then(|()| self.driver.ask_scopes(desk, id(call)));
        asked.map_err(|error| error_view(&error))
    }

    /// A caller no longer waits.
    pub fn abandon(&self, call: f64, desk: &Desk) {
        self.driver.abandon(desk, id(call));
    }

    /// The token held was handed out without asking; told once for each token.
    pub fn used(&self, desk: &Desk) {
        self.driver.tell(desk, Event::Used);
    }

    /// The API refused this token. Throws the fields of an `invalid_options` error.
    pub fn invalidate(&self, token: &str, desk: &Desk) -> Result<(), JsValue> {
        self.ask(desk, Event::Invalidated(AccessToken::new(token)))
    }

    /// What the face needs to know of the API to send requests to it.
    pub fn traits(&self) -> JsValue {
        self.driver.traits()
    }

    /// Whether an answer of this status and body refuses the token: `"whole"`, or
    /// `"part"` where some of the request was carried out, or `undefined`.
    pub fn judge(&self, status: u16, body: Option<String>) -> Option<String> {
        match self.driver.judge(status, body.as_deref()) {
            Ruling::Taken => None,
            Ruling::Refused => Some("whole".to_owned()),
            Ruling::RefusedInPart => Some("part".to_owned()),
        }
    }

    /// An answer refused this token. `refusal` is `"first"`, `"again"` or `"final"`.
    pub fn refused(&self, token: &str, refusal: &str, desk: &Desk) {
        let refusal = match refusal {
            "first" => Refusal::First,
            "again" => Refusal::Again,
            _ => Refusal::Final,
        };
        self.driver.tell(desk, Event::Refused(AccessToken::new(token), refusal));
    }

    /// What an answer means that does not simply hold data: the fields of an error.
    pub fn explain(&self, response: &JsValue, body: String) -> JsValue {
        error_view(&self.driver.explain(response, body))
    }

    /// Why a request fails whose new token was refused as well. `needed` are the scopes
    /// that its operation needs, where that is known.
    pub fn rejected(
        &self,
        response: &JsValue,
        body: String,
        needed: Option<Vec<String>>,
        desk: &Desk,
    ) -> JsValue {
        let needed = needed.map(|needed| needed.into_iter().collect());
        error_view(&self.driver.rejected(desk, response, body, needed.as_ref()))
    }

    /// The time is not what it seemed: what is due is done, and the face told anew.
    pub fn woke(&self) {
        self.driver.woke();
    }

    /// Another holder wrote to the session's entry in the shared store.
    pub fn changed(&self, desk: &Desk) {
        self.driver.tell(desk, Event::PeerSaved);
    }

    /// Takes a newer token out of an ordinary answer; whether there was one.
    pub fn adopt(&self, response: &JsValue, desk: &Desk) -> bool {
        self.driver.adopt(desk, response)
    }

    /// A snapshot, as the contract spells it.
    pub fn status(&self, desk: &Desk) -> JsValue {
        self.driver.status(desk)
    }

    /// Has the desk hand out what its session holds, if that is open.
    pub fn attach(&self, desk: &Desk) {
        self.driver.attach(desk);
    }

    /// Ends a session; as [`close`](Self::close), which ends all.
    pub fn leave(&self, desk: &Desk) -> js_sys::Promise {
        self.driver.leave(desk)
    }

    /// Ends everything; callers that wait are rejected before it returns. What it gives
    /// settles when a grant that was on the wire under a lease is saved.
    pub fn close(&self) -> js_sys::Promise {
        self.driver.close()
    }

    fn ask(&self, desk: &Desk, event: Event) -> Result<(), JsValue> {
        self.driver.ask(desk, event).map_err(|error| error_view(&error))
    }
}

/// Call ids are counted by the face, from one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number below 2^53")]
fn id(call: f64) -> CallId {
    CallId(call as u64)
}
