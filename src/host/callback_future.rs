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

use super::{HostBindings, error_name};
use crate::core::millis;

/// The outcome of an asynchronous call.
#[derive(Debug)]
pub(crate) enum CallOutcome {
    /// It resolved with this value.
    Resolved(JsValue),
    /// It threw or rejected with this value.
    Rejected(JsValue),
    /// The time limit elapsed, or the call was aborted.
    TimedOut,
}

impl CallOutcome {
    /// Returns the value, or a description of the failure for a message.
    pub(crate) fn into_value(self, limit: Duration) -> Result<JsValue, String> {
        match self {
            Self::Resolved(value) => Ok(value),
            Self::Rejected(thrown) => Err(format!("threw {}", error_name(&thrown))),
            Self::TimedOut => Err(format!("did not settle within {} ms", millis(limit))),
        }
    }
}

/// The state of a call.
#[derive(Default)]
enum CallState {
    /// With the task to wake.
    Pending(Option<Waker>),
    Completed(CallOutcome),
    /// The outcome was consumed, or the future was dropped.
    #[default]
    Consumed,
}

/// The future of one call.
pub(crate) struct CallbackFuture {
    state: Rc<Cell<CallState>>,
    _limit: TimeLimit,
}

/// The timer of the time limit. It is cleared on drop.
struct TimeLimit {
    bindings: HostBindings,
    timer: JsValue,
    _callback: Closure<dyn FnMut()>,
}

impl TimeLimit {
    fn new(bindings: &HostBindings, span: Duration, on_fire: impl FnMut() + 'static) -> Self {
        let callback = Closure::<dyn FnMut()>::new(on_fire);
        let timer = bindings.set_time_limit(callback.as_ref(), delay(span));
        Self { bindings: bindings.clone(), timer, _callback: callback }
    }
}

impl Drop for TimeLimit {
    fn drop(&mut self) {
        self.bindings.clear_time_limit(&self.timer);
    }
}

/// Returns a future that completes when the callback is called or `limit` elapses, and the callback.
///
/// The callback takes the outcome as a number and a value: 0 for resolved, 1 for thrown, 2 for timed out or aborted. It
/// returns true if the call was still pending.
pub(crate) fn callback_future(bindings: &HostBindings, limit: Duration) -> (CallbackFuture, JsValue) {
    let state = Rc::new(Cell::new(CallState::Pending(None)));
    let (called, timed_out) = (Rc::clone(&state), Rc::clone(&state));
    let done = Closure::once_into_js(move |outcome: u32, value: JsValue| {
        complete(
            &called,
            match outcome {
                0 => CallOutcome::Resolved(value),
                1 => CallOutcome::Rejected(value),
                _ => CallOutcome::TimedOut,
            },
        )
    });
    let limit = TimeLimit::new(bindings, limit, move || {
        complete(&timed_out, CallOutcome::TimedOut);
    });
    (CallbackFuture { state, _limit: limit }, done)
}

/// Completes a pending call. Returns false if it was not pending.
fn complete(state: &Cell<CallState>, outcome: CallOutcome) -> bool {
    match state.take() {
        CallState::Pending(waker) => {
            state.set(CallState::Completed(outcome));
            if let Some(waker) = waker {
                waker.wake();
            }
            true
        }
        settled @ (CallState::Completed(_) | CallState::Consumed) => {
            state.set(settled);
            false
        }
    }
}

impl Future for CallbackFuture {
    type Output = CallOutcome;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<CallOutcome> {
        if let CallState::Completed(outcome) = self.state.take() {
            return Poll::Ready(outcome);
        }
        self.state.set(CallState::Pending(Some(context.waker().clone())));
        Poll::Pending
    }
}

/// Converts a delay to milliseconds. At most 2^31 - 1, or 24.8 days, the longest delay that every engine accepts.
#[expect(clippy::cast_possible_truncation, reason = "below 2^31")]
pub(super) fn delay(span: Duration) -> u32 {
    millis(span).min(i32::MAX as u64) as u32
}
