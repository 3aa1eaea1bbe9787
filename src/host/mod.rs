//! The bindings to the JavaScript host, one module per facility. They contain no rules.
//!
//! Any value or function of the host may be missing, may throw a value that is not an `Error`, and may call back. So
//! nothing is borrowed while JavaScript runs, and every call ends in a `Result` or an `Option`.
//!
//! Asynchronous calls run in JavaScript. [`callback_future()`] returns the future of their outcome, which is
//! [`TimedOut`](CallOutcome::TimedOut) after a time limit. `wasm-bindgen-futures` runs the tasks.

mod bindings;
mod callback_future;
mod clock;
mod entropy;
mod fetch;
mod from_js;
mod memory;
mod platform;
mod store;
mod timer;
mod to_js;
mod visibility;

#[cfg(test)]
pub(crate) mod tests;

pub(crate) use bindings::HostBindings;
pub(crate) use callback_future::{CallOutcome, callback_future};
pub(crate) use clock::{Clock, wall};
pub(crate) use entropy::seed;
pub(crate) use fetch::{FetchException, FetchFailure, Fetcher, response_of, status_and_headers_of};
pub(crate) use from_js::{error_name, from_js, string_property};
pub(crate) use memory::grow_ahead;
pub(crate) use platform::PLATFORM;
use platform::global;
pub(crate) use store::{KeyedStore, Lease};
pub(crate) use timer::Timer;
pub(crate) use to_js::to_js;
pub(crate) use visibility::{VisibilityListener, is_page, origin};
