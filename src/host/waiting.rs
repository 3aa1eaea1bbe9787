//! Futures of asynchronous JavaScript calls.
//!
//! JavaScript calls a function with the outcome. That call, or the end of the time limit, wakes the task that waits.

use std::{
    cell::Cell,
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use wasm_bindgen::prelude::*;

use super::{Outside, described};
use crate::core::millis;

/// The outcome of an asynchronous call.
#[derive(Debug)]
pub(crate) enum Ending {
    /// It resolved with this value.
    Gave(JsValue),
    /// It threw or rejected with this value.
    Threw(JsValue),
    /// The time limit elapsed, or the call was aborted.
    Late,
}

impl Ending {
    /// Returns the value, or a description of the failure for a message.
    pub(crate) fn given(self, limit: Duration) -> Result<JsValue, String> {
        match self {
            Self::Gave(value) => Ok(value),
            Self::Threw(thrown) => Err(format!("threw {}", described(&thrown))),
            Self::Late => Err(format!("gave nothing within {} ms", millis(limit))),
        }
    }
}

/// The state of a call.
#[derive(Default)]
enum Wait {
    /// Pending, with the task to wake.
    On(Option<Waker>),
    Ended(Ending),
    /// The outcome was consumed, or the future was dropped.
    #[default]
    Over,
}

/// The future of one call.
pub(crate) struct Waiting {
    wait: Rc<Cell<Wait>>,
    _limit: Limit,
}

/// The timer of the time limit. It is cleared on drop.
struct Limit {
    outside: Outside,
    timer: JsValue,
    _ring: Closure<dyn FnMut()>,
}

impl Limit {
    fn new(outside: &Outside, span: Duration, ring: impl FnMut() + 'static) -> Self {
        let ring = Closure::<dyn FnMut()>::new(ring);
        let timer = outside.set_limit(ring.as_ref(), delay(span));
        Self { outside: outside.clone(), timer, _ring: ring }
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        self.outside.clear_limit(&self.timer);
    }
}

/// Returns a future that completes when the callback is called or `limit` elapses, and the callback.
///
/// The callback takes the outcome as a number and a value: 0 for resolved, 1 for thrown, 2 for timed out or aborted. It
/// returns true if the call was still pending.
pub(crate) fn waiting(outside: &Outside, limit: Duration) -> (Waiting, JsValue) {
    let wait = Rc::new(Cell::new(Wait::On(None)));
    let (called, rang) = (Rc::clone(&wait), Rc::clone(&wait));
    let done = Closure::once_into_js(move |ending: u32, value: JsValue| {
        end(
            &called,
            match ending {
                0 => Ending::Gave(value),
                1 => Ending::Threw(value),
                _ => Ending::Late,
            },
        )
    });
    let limit = Limit::new(outside, limit, move || {
        end(&rang, Ending::Late);
    });
    (Waiting { wait, _limit: limit }, done)
}

/// Completes a pending call. Returns false if it was not pending.
fn end(wait: &Cell<Wait>, ending: Ending) -> bool {
    match wait.take() {
        Wait::On(waiter) => {
            wait.set(Wait::Ended(ending));
            if let Some(waiter) = waiter {
                waiter.wake();
            }
            true
        }
        ended @ (Wait::Ended(_) | Wait::Over) => {
            wait.set(ended);
            false
        }
    }
}

impl Future for Waiting {
    type Output = Ending;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Ending> {
        if let Wait::Ended(ending) = self.wait.take() {
            return Poll::Ready(ending);
        }
        self.wait.set(Wait::On(Some(context.waker().clone())));
        Poll::Pending
    }
}

/// Converts a delay to milliseconds. At most 2^31 - 1, or 24.8 days, the longest delay that every engine accepts.
#[expect(clippy::cast_possible_truncation, reason = "below 2^31")]
pub(super) fn delay(span: Duration) -> u32 {
    millis(span).min(i32::MAX as u64) as u32
}
