//! What takes its time in JavaScript, and what goes on when it has ended.
//!
//! The face sees to it that each ends, and tells how by calling a function. That goes on with the
//! task which waits for it: each waits for one thing at a time, so there is no queue, and nothing
//! to wake.

use std::{
    cell::{Cell, RefCell},
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use js_sys::Promise;
use wasm_bindgen::prelude::*;

use super::described;
use crate::core::millis;

#[wasm_bindgen]
extern "C" {
    type Settled;

    #[wasm_bindgen(method)]
    fn then(this: &Settled, done: &JsValue);
}

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

type Doing = Pin<Box<dyn Future<Output = ()>>>;

/// Something that is done bit by bit. Away while it runs.
struct Task(Cell<Option<Doing>>);

thread_local! {
    /// The task that runs.
    static RUNNING: RefCell<Option<Rc<Task>>> = const { RefCell::new(None) };
    /// Those that it started, which come next.
    static NEXT: RefCell<Vec<Rc<Task>>> = const { RefCell::new(Vec::new()) };
}

/// Does something that may wait, once what runs has come to an end, or to where it waits.
pub(crate) fn spawn(doing: Doing) {
    let task = Rc::new(Task(Cell::new(Some(doing))));
    if RUNNING.with_borrow(Option::is_some) {
        return NEXT.with_borrow_mut(|next| next.push(task));
    }
    let gave = Promise::resolve(&JsValue::from_f64(0.0));
    gave.unchecked_ref::<Settled>().then(&going_on(Some(task), Rc::default()));
}

/// What a task waits for.
pub(crate) struct Waiting(Rc<Cell<Option<Ending>>>);

/// What the task that runs can wait for, and the function that ends it.
pub(crate) fn waiting() -> (Waiting, JsValue) {
    let ended = Rc::new(Cell::new(None));
    let done = going_on(RUNNING.with_borrow(Clone::clone), Rc::clone(&ended));
    (Waiting(ended), done)
}

/// A function that is told how something ended, and goes on with the task that waits for it.
fn going_on(task: Option<Rc<Task>>, ended: Rc<Cell<Option<Ending>>>) -> JsValue {
    Closure::once_into_js(move |ending: u32, value: JsValue| {
        ended.set(Some(match ending {
            0 => Ending::Gave(value),
            1 => Ending::Threw(value),
            _ => Ending::Late,
        }));
        let mut next = task;
        while let Some(task) = next {
            go_on(task);
            next = NEXT.with_borrow_mut(|next| if next.is_empty() { None } else { Some(next.remove(0)) });
        }
    })
}

fn go_on(task: Rc<Task>) {
    let Some(mut doing) = task.0.take() else { return };
    // It may call JavaScript, which may call a method of the manager; so nothing is borrowed.
    RUNNING.set(Some(Rc::clone(&task)));
    let pending = doing.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending();
    RUNNING.set(None);
    if pending {
        task.0.set(Some(doing));
    }
}

impl Future for Waiting {
    type Output = Ending;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Ending> {
        self.0.take().map_or(Poll::Pending, Poll::Ready)
    }
}
