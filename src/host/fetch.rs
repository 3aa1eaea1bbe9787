//! Sends a request with `fetch` and reads the whole response.

use js_sys::{Array, Function, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;

use crate::{
    core::{Secret, UnixMillis},
    host::{Ending, Outside},
    http::{HttpRequest, HttpResponse},
};

/// The reason for a missing response.
#[derive(Debug)]
pub(crate) enum FetchFailure {
    /// `fetch` threw an exception.
    Threw(Thrown),
    /// `fetch` does not exist.
    Absent,
    /// `fetch` returned a value that is not a `Response`.
    NotAnAnswer,
    /// The body is longer than the limit for responses to grants, 1 MiB.
    TooLarge,
    /// The time limit elapsed, or the request was aborted.
    Late,
}

/// An exception of `fetch`; see `pkg-template/src/fetch-failure.js`.
#[derive(Debug, Default)]
pub(crate) struct Thrown {
    /// The error code of the system, such as `ECONNREFUSED`, if there is one.
    pub(crate) code: Option<String>,
    /// The class and the message, if the exception is not a network failure.
    pub(crate) what: Option<String>,
    /// True if another attempt may succeed.
    pub(crate) retryable: bool,
    /// The `cause` of the error, serialized as JSON.
    pub(crate) cause: Option<String>,
}

/// The parameters of `fetch` that do not depend on the request.
pub(crate) struct Sending<'a> {
    pub(crate) outside: &'a Outside,
    /// A replacement for the global `fetch`.
    pub(crate) fetch: Option<&'a Function>,
    pub(crate) signal: &'a AbortSignal,
}

impl Sending<'_> {
    /// Sends `request`, and reads the response and its headers named in `wanted`. Calls `done` with the outcome.
    pub(crate) fn send(&self, request: &HttpRequest, wanted: &[&str], done: &JsValue) {
        let headers = Array::new();
        for (name, value) in &request.headers {
            headers.push(&Array::of2(&JsValue::from_str(name), &JsValue::from_str(value.expose())));
        }
        self.outside.exchange(
            self.fetch,
            &request.url,
            &headers,
            request.body.expose(),
            request.credentials,
            &texts(wanted),
            self.signal,
            done,
        );
    }
}

/// Converts the outcome of [`send`](Sending::send).
pub(crate) fn received(
    ending: Ending,
    wanted: &[&str],
    sent_at: UnixMillis,
    received_at: UnixMillis,
) -> Result<HttpResponse, FetchFailure> {
    let told = match ending {
        Ending::Gave(told) => told,
        Ending::Threw(_) => return Err(FetchFailure::Threw(Thrown { retryable: true, ..Thrown::default() })),
        Ending::Late => return Err(FetchFailure::Late),
    };
    let Some(told) = told.dyn_ref::<Array>() else {
        return Err(match told.as_string().as_deref() {
            Some("absent") => FetchFailure::Absent,
            Some("rubbish") => FetchFailure::NotAnAnswer,
            Some("large") => FetchFailure::TooLarge,
            _ => FetchFailure::Threw(thrown(&told)),
        });
    };
    let body = Secret::new(told.shift().as_string().unwrap_or_default());
    let (status, headers) = headers_told(told, wanted);
    Ok(HttpResponse { status, headers, body, sent_at, received_at })
}

fn thrown(failure: &JsValue) -> Thrown {
    let get = |key: &str| Reflect::get(failure, &JsValue::from_str(key)).unwrap_or_default();
    Thrown {
        code: get("code").as_string(),
        what: get("what").as_string(),
        retryable: get("retryable") != JsValue::FALSE,
        cause: get("cause").as_string(),
    }
}

/// Returns the status of a response and its headers named in `wanted`. Returns `None` if `answer` is not a `Response`.
pub(crate) fn headers_of(
    outside: &Outside,
    answer: &JsValue,
    wanted: &[&str],
) -> Option<(u16, Vec<(String, Secret)>)> {
    Some(headers_told(&outside.headers_of(answer, &texts(wanted))?, wanted))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
fn headers_told(told: &Array, wanted: &[&str]) -> (u16, Vec<(String, Secret)>) {
    let status = told.shift().as_f64().unwrap_or_default() as u16;
    let mut found = Vec::new();
    for name in wanted {
        if let Some(value) = told.shift().as_string() {
            found.push(((*name).to_owned(), Secret::new(value)));
        }
    }
    (status, found)
}

fn texts(texts: &[&str]) -> Array {
    let list = Array::new();
    for text in texts {
        list.push(&JsValue::from_str(text));
    }
    list
}
