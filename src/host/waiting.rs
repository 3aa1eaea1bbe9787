//! What takes its time in JavaScript, and what goes on when it has ended.
//!
//! The face sees to it that each ends, and tells how by calling a function. That wakes the task
//! which waits for it.

use std::{
    cell::Cell,
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use wasm_bindgen::prelude::*;

use super::described;
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

/// What is waited for.
#[derive(Default)]
struct Wait {
    ended: Cell<Option<Ending>>,
    waiter: Cell<Option<Waker>>,
}

/// Waits for one thing to end.
pub(crate) struct Waiting(Rc<Wait>);

/// What a task can wait for, and the function that ends it.
pub(crate) fn waiting() -> (Waiting, JsValue) {
    let wait = Rc::new(Wait::default());
    let waited = Rc::clone(&wait);
    let done = Closure::once_into_js(move |ending: u32, value: JsValue| {
        waited.end(match ending {
            0 => Ending::Gave(value),
            1 => Ending::Threw(value),
            _ => Ending::Late,
        });
    });
    (Waiting(wait), done)
}

impl Wait {
    fn end(&self, ending: Ending) {
        self.ended.set(Some(ending));
        if let Some(waiter) = self.waiter.take() {
            waiter.wake();
        }
    }
}

impl Future for Waiting {
    type Output = Ending;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Ending> {
        match self.0.ended.take() {
            Some(ending) => Poll::Ready(ending),
            None => {
                self.0.waiter.set(Some(context.waker().clone()));
                Poll::Pending
            }
        }
    }
}
