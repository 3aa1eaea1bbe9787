//! What takes its time in JavaScript, and what goes on when it has ended.
//!
//! The face tells how it ended by calling a function. That wakes the task which waits for it, and
//! so does the end of the time that it may take.

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

/// How something ended that took its time.
#[derive(Debug)]
pub(crate) enum Ending {
    /// It gave this.
    Gave(JsValue),
    /// It threw this.
    Threw(JsValue),
    /// It took too long, or was given up.
    Late,
}

impl Ending {
    /// What it gave; else what it did, for a message.
    pub(crate) fn given(self, limit: Duration) -> Result<JsValue, String> {
        match self {
            Self::Gave(value) => Ok(value),
            Self::Threw(thrown) => Err(format!("threw {}", described(&thrown))),
            Self::Late => Err(format!("gave nothing within {} ms", millis(limit))),
        }
    }
}

/// How far it is with what is waited for.
#[derive(Default)]
enum Wait {
    /// It goes on; with who is to be told when it ends.
    On(Option<Waker>),
    Ended(Ending),
    /// Nobody waits any more.
    #[default]
    Over,
}

/// Waits for one thing to end.
pub(crate) struct Waiting {
    wait: Rc<Cell<Wait>>,
    _limit: Limit,
}

/// The timer that ends the wait. It is cleared when this is dropped.
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

/// What a task can wait for, for so long at most, and the function that ends it: that is to be told
/// once how it ended, and gives whether anybody still waited.
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

/// Ends it, unless it has ended; whether it had not.
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

/// In milliseconds, as a timer takes it: at most 2^31 - 1, or 24.8 days, which is what every engine
/// takes.
#[expect(clippy::cast_possible_truncation, reason = "below 2^31")]
pub(super) fn delay(span: Duration) -> u32 {
    millis(span).min(i32::MAX as u64) as u32
}
