//! What JavaScript offers, each thing in one place. Acts, and decides nothing.
//!
//! Everything that comes from outside may be missing, may throw, may be no `Error`
//! and may call back. So nothing here is borrowed while JavaScript runs, and every
//! call ends in a `Result` or an `Option`.
//!
//! What takes its time is done by the face, and [`waiting()`] is the future of how it ends, in time
//! or [`Late`](Ending::Late). Tasks that wait are run by `wasm-bindgen-futures`.

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
