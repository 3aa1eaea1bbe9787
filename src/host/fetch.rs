//! Sends a request with `fetch` and reads the whole response.

use std::rc::Rc;

use js_sys::{Array, Function, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;

use crate::{
    core::{ProviderErrors, Secret, UnixMillis},
    host::{CallOutcome, HostBindings},
    http::{HttpRequest, HttpResponse},
};

/// The reason for a missing response.
#[derive(Debug)]
pub(crate) enum FetchFailure {
    /// `fetch` threw an exception.
    Rejected(FetchException),
    /// `fetch` does not exist.
    Unavailable,
    /// `fetch` returned a value that is not a `Response`.
    InvalidResponse,
    /// The body is longer than the limit for responses to grants, 1 MiB.
    TooLarge,
    /// The time limit elapsed, or the request was aborted.
    TimedOut,
}

/// An exception of `fetch`; see `pkg-template/src/fetch-failure.js`.
#[derive(Debug, Default)]
pub(crate) struct FetchException {
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
pub(crate) struct Fetcher<'a> {
    pub(crate) bindings: &'a HostBindings,
    /// A replacement for the global `fetch`.
    pub(crate) fetch: Option<&'a Function>,
    pub(crate) signal: &'a AbortSignal,
    /// The requested scopes, which errors may quote.
    pub(crate) scopes: Array,
    /// Secrets that errors must not quote, besides those of the request.
    pub(crate) secrets: Array,
    pub(crate) handle: &'a JsValue,
}

impl Fetcher<'_> {
    /// Sends `request`, and reads the response and its headers named in `wanted`. Calls `done` with the outcome.
    pub(crate) fn send(&self, request: &HttpRequest, wanted: &[&str], done: &JsValue) {
        let headers = Array::new();
        for (name, value) in &request.headers {
            headers.push(&Array::of2(&JsValue::from_str(name), &JsValue::from_str(value.expose())));
        }
        self.bindings.send_request(
            self.fetch,
            &request.url,
            &headers,
            request.body.expose(),
            request.credentials,
            &self.scopes,
            &self.secrets,
            self.handle,
            &strings(wanted),
            self.signal,
            done,
        );
    }
}

/// Converts the outcome of [`send`](Fetcher::send).
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
pub(crate) fn response_of(
    outcome: CallOutcome,
    wanted: &[&str],
    sent_at: UnixMillis,
    received_at: UnixMillis,
) -> Result<HttpResponse, FetchFailure> {
    let parts = match outcome {
        CallOutcome::Resolved(parts) => parts,
        CallOutcome::Rejected(_) => {
            return Err(FetchFailure::Rejected(FetchException {
                retryable: true,
                ..FetchException::default()
            }));
        }
        CallOutcome::TimedOut => return Err(FetchFailure::TimedOut),
    };
    let Some(parts) = parts.dyn_ref::<Array>() else {
        return Err(match parts.as_string().as_deref() {
            Some("unavailable") => FetchFailure::Unavailable,
            Some("invalid") => FetchFailure::InvalidResponse,
            Some("too large") => FetchFailure::TooLarge,
            _ => FetchFailure::Rejected(fetch_exception(&parts)),
        });
    };
    let body = Secret::new(parts.shift().as_string().unwrap_or_default());
    let (json, first) = (parts.shift().as_string(), parts.shift().as_string());
    let provider_errors = json.zip(first).map(|(json, first)| Rc::new(ProviderErrors { json, first }));
    let predicates = parts.shift().as_f64().unwrap_or_default() as u8;
    let (status, headers) = status_and_headers(parts, wanted);
    Ok(HttpResponse { status, headers, body, provider_errors, predicates, sent_at, received_at })
}

fn fetch_exception(failure: &JsValue) -> FetchException {
    let get = |key: &str| Reflect::get(failure, &JsValue::from_str(key)).unwrap_or_default();
    FetchException {
        code: get("code").as_string(),
        what: get("what").as_string(),
        retryable: get("retryable") != JsValue::FALSE,
        cause: get("cause").as_string(),
    }
}

/// Returns the status of a response and its headers named in `wanted`. Returns `None` if `response` is not a `Response`.
pub(crate) fn status_and_headers_of(
    bindings: &HostBindings,
    response: &JsValue,
    wanted: &[&str],
) -> Option<(u16, Vec<(String, Secret)>)> {
    Some(status_and_headers(&bindings.status_and_headers(response, &strings(wanted))?, wanted))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
fn status_and_headers(parts: &Array, wanted: &[&str]) -> (u16, Vec<(String, Secret)>) {
    let status = parts.shift().as_f64().unwrap_or_default() as u16;
    let mut found = Vec::new();
    for name in wanted {
        if let Some(value) = parts.shift().as_string() {
            found.push(((*name).to_owned(), Secret::new(value)));
        }
    }
    (status, found)
}

fn strings(strings: &[&str]) -> Array {
    let list = Array::new();
    for text in strings {
        list.push(&JsValue::from_str(text));
    }
    list
}
