//! A store of the user's, as promises. Every call ends in time, or as a failure.

use std::time::Duration;

use js_sys::{Array, Function, Reflect};
use wasm_bindgen::prelude::*;

use super::{Ending, Outside, described, waiting};
use crate::{
    core::{ErrorCode, Fence, Secret, TokenError, UnixMillis, Written, millis},
    options::Store,
};

/// One entry of a store.
#[derive(Clone)]
pub(crate) struct Entry {
    outside: Outside,
    store: Store<Function>,
    key: JsValue,
}

/// A lease that was had: its number, and what gives it back.
pub(crate) struct Lease {
    pub(crate) fence: Fence,
    pub(crate) object: JsValue,
}

impl Entry {
    pub(crate) fn new(outside: Outside, store: Store<Function>, key: &str) -> Self {
        Self { outside, store, key: JsValue::from_str(key) }
    }

    /// What is saved there.
    pub(crate) async fn get(&self) -> Result<Option<Secret>, TokenError> {
        let value = self.call("get", &self.store.get, &Array::of1(&self.key)).await?;
        if value.is_null() || value.is_undefined() {
            return Ok(None);
        }
        match value.as_string() {
            Some(text) => Ok(Some(Secret::new(text))),
            None => Err(failed("get", "gave something that is no string")),
        }
    }

    /// Saves an entry; whether it was kept.
    pub(crate) async fn set(
        &self,
        text: &Secret,
        keep_until: UnixMillis,
        fence: Option<Fence>,
    ) -> Result<Written, TokenError> {
        let text = JsValue::from_str(text.expose());
        let arguments = Array::of3(&self.key, &text, &JsValue::from_f64(keep_until.to_js()));
        if let Some(Fence(fence)) = fence {
            arguments.push(&JsValue::from_f64(number(fence)));
        }
        let kept = self.call("set", &self.store.set, &arguments).await?;
        Ok(if kept.as_bool() == Some(false) { Written::Overtaken } else { Written::Kept })
    }

    /// Asks for the lease; `None` where somebody else has it.
    pub(crate) async fn acquire(&self, span: Duration) -> Result<Option<Lease>, TokenError> {
        let Some(acquire) = &self.store.acquire else { return Ok(None) };
        let span = JsValue::from_f64(number(millis(span)));
        let arguments = Array::of2(&self.key, &span);
        let (ended, done) = waiting();
        self.outside.acquire(acquire, &arguments, self.limit(), &done);
        lease(self.outcome("acquire", ended.await)?)
    }

    /// Has `changed` called whenever somebody else wrote; what ends that.
    pub(crate) fn watch(&self, changed: &JsValue) -> Option<Function> {
        let watch = self.store.watch.as_ref()?;
        watch.call2(&JsValue::UNDEFINED, &self.key, changed).ok()?.dyn_into().ok()
    }

    async fn call(
        &self,
        name: &'static str,
        function: &Function,
        arguments: &Array,
    ) -> Result<JsValue, TokenError> {
        let (ended, done) = waiting();
        self.outside.call(function, arguments, self.limit(), None, &done);
        self.outcome(name, ended.await)
    }

    fn limit(&self) -> f64 {
        number(millis(self.store.timeout))
    }

    fn outcome(&self, name: &str, ending: Ending) -> Result<JsValue, TokenError> {
        match ending {
            Ending::Gave(value) => Ok(value),
            Ending::Threw(thrown) => Err(failed(name, &format!("threw {}", described(&thrown)))),
            Ending::Late => {
                Err(failed(name, &format!("gave nothing within {} ms", millis(self.store.timeout))))
            }
        }
    }
}

/// The lease in what `acquire` gave.
fn lease(object: JsValue) -> Result<Option<Lease>, TokenError> {
    if object.is_null() || object.is_undefined() {
        return Ok(None);
    }
    let fence = Reflect::get(&object, &JsValue::from_str("fence")).ok().and_then(|fence| fence.as_f64());
    match fence.filter(|fence| *fence >= 0.0) {
        Some(fence) if has_release(&object) => {
            Ok(Some(Lease { fence: Fence(UnixMillis::from_js(fence).millis()), object }))
        }
        _ => Err(failed("acquire", "gave something that is no lease: { fence: number, release() }")),
    }
}

fn has_release(object: &JsValue) -> bool {
    Reflect::get(object, &JsValue::from_str("release")).is_ok_and(|it| it.is_function())
}

fn failed(name: &str, what: &str) -> TokenError {
    let message = format!("the store's `{name}` {what}; tokens are not shared until it works again");
    TokenError::new(ErrorCode::Store, message)
}

#[expect(clippy::cast_precision_loss, reason = "fences and spans are below 2^53")]
fn number(whole: u64) -> f64 {
    whole as f64
}
