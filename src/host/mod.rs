//! The bindings to the JavaScript host, one module per facility. They contain no rules.
//!
//! Any value or function of the host may be missing, may throw a value that is not an `Error`, and may call back. So
//! nothing is borrowed while JavaScript runs, and every call ends in a `Result` or an `Option`.
//!
//! Asynchronous calls run in JavaScript. [`waiting()`] returns the future of their outcome, which is
//! [`Late`](Ending::Late) after a time limit. `wasm-bindgen-futures` runs the tasks.

mod alarm;
mod clock;
mod entropy;
mod fetch;
mod outside;
mod page;
mod plain;
mod platform;
mod store;
mod value;
mod waiting;

#[cfg(test)]
pub(crate) mod tests;

pub(crate) use alarm::{Alarm, Hold};
pub(crate) use clock::{Clock, wall};
pub(crate) use entropy::seed;
pub(crate) use fetch::{FetchFailure, Sending, Thrown, headers_of, received};
pub(crate) use outside::Outside;
pub(crate) use page::{Wakeups, is_page};
pub(crate) use plain::plain;
pub(crate) use platform::PLATFORM;
use platform::global;
pub(crate) use store::{Entry, Lease};
pub(crate) use value::{described, given, text_member};
pub(crate) use waiting::{Ending, waiting};
