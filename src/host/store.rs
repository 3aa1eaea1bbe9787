//! A user-supplied store. Each call completes, fails or reaches its time limit.

use std::time::Duration;

use js_sys::{Array, Function, Reflect};
use wasm_bindgen::prelude::*;

use super::{CallOutcome, HostBindings, error_name, string_property};
use crate::{
    core::{ErrorCode, Fence, Secret, TokenError, UnixMillis, WriteOutcome, millis},
    options::StoreMethods,
};

/// A user-supplied store, with the key of one session.
#[derive(Clone)]
pub(crate) struct KeyedStore {
    bindings: HostBindings,
    store: StoreMethods,
    key: JsValue,
}

/// A lease that was granted: its fence, and the object with the `release` function.
pub(crate) struct Lease {
    pub(crate) fence: Fence,
    pub(crate) object: JsValue,
}

impl KeyedStore {
    pub(crate) fn new(bindings: HostBindings, store: StoreMethods, key: &str) -> Self {
        Self { bindings, store, key: JsValue::from_str(key) }
    }

    /// Calls `get`.
    pub(crate) fn get(&self, done: &JsValue) {
        self.bindings.call(&self.store.get, &Array::of1(&self.key), None, done);
    }

    /// Converts the outcome of [`get`](Self::get). `None` if the store has no record.
    pub(crate) fn read_result(&self, outcome: CallOutcome) -> Result<Option<Secret>, TokenError> {
        let value = self.outcome("get", outcome)?;
        if value.is_null() || value.is_undefined() {
            return Ok(None);
        }
        match value.as_string() {
            Some(text) => Ok(Some(Secret::new(text))),
            None => Err(store_error("get", "returned something that is not a string")),
        }
    }

    /// Calls `set`, with the time until which the store must keep the record.
    pub(crate) fn set(&self, text: &Secret, expires_at: UnixMillis, fence: Option<Fence>, done: &JsValue) {
        let text = JsValue::from_str(text.expose());
        let arguments = Array::of3(&self.key, &text, &JsValue::from_f64(expires_at.to_js()));
        if let Some(Fence(fence)) = fence {
            arguments.push(&JsValue::from_f64(number(fence)));
        }
        self.bindings.call(&self.store.set, &arguments, None, done);
    }

    /// Converts the outcome of [`set`](Self::set).
    pub(crate) fn write_result(&self, outcome: CallOutcome) -> Result<WriteOutcome, TokenError> {
        let written = self.outcome("set", outcome)?;
        Ok(if written.as_bool() == Some(false) { WriteOutcome::Fenced } else { WriteOutcome::Stored })
    }

    /// Calls `acquire`, if the store has leases.
    pub(crate) fn acquire(&self, span: Duration, done: &JsValue) {
        if let Some(acquire) = &self.store.acquire {
            let arguments = Array::of2(&self.key, &JsValue::from_f64(number(millis(span))));
            self.bindings.acquire(acquire, &arguments, done);
        }
    }

    /// Converts the outcome of [`acquire`](Self::acquire). `None` if another holder has the lease.
    pub(crate) fn lease_result(&self, outcome: CallOutcome) -> Result<Option<Lease>, TokenError> {
        lease_of(self.outcome("acquire", outcome)?)
    }

    /// Calls `watch`, which calls `changed` after each write of another holder. Returns a function that ends the
    /// subscription.
    pub(crate) fn watch(&self, changed: &JsValue) -> Option<Function> {
        self.bindings.watch(self.store.watch.as_ref()?, &self.key, changed)
    }

    /// The time limit of each call.
    pub(crate) fn limit(&self) -> Duration {
        self.store.timeout
    }

    fn outcome(&self, name: &str, outcome: CallOutcome) -> Result<JsValue, TokenError> {
        let given = match outcome {
            CallOutcome::Rejected(thrown) => Err(store_exception(&thrown)),
            ended @ (CallOutcome::Resolved(_) | CallOutcome::TimedOut) => ended.into_value(self.limit()),
        };
        given.map_err(|what| store_error(name, &what))
    }
}

/// Converts the return value of `acquire`.
fn lease_of(object: JsValue) -> Result<Option<Lease>, TokenError> {
    if object.is_null() || object.is_undefined() {
        return Ok(None);
    }
    let fence = Reflect::get(&object, &JsValue::from_str("fence")).ok().and_then(|fence| fence.as_f64());
    match fence.filter(|fence| (0.0..MAX_FENCE).contains(fence) && fence.fract() == 0.0) {
        Some(fence) if has_release(&object) => {
            Ok(Some(Lease { fence: Fence(UnixMillis::from_js(fence).millis()), object }))
        }
        _ => Err(store_error(
            "acquire",
            "gave something that is not a lease: { fence, release() }, whose fence is a whole number from 0 to 2^53 - 2",
        )),
    }
}

/// 2^53 - 1. Fences are compared, and larger integers are not exact in JavaScript.
const MAX_FENCE: f64 = 9_007_199_254_740_991.0;

fn has_release(object: &JsValue) -> bool {
    Reflect::get(object, &JsValue::from_str("release")).is_ok_and(|it| it.is_function())
}

/// The codes of a `StoreError`, as documented in `store.d.ts`.
const STORE_CODES: [&str; 7] =
    ["invalid_options", "blocked", "full", "too_large", "insecure", "unsupported", "unavailable"];

/// Largest number of characters of a store's message that is passed on.
const MAX_MESSAGE: usize = 400;

/// Describes an exception of a store.
///
/// The message of a `StoreError` contains no value of a record. Other messages may, so only the name of the error and
/// the error code of the system are used.
fn store_exception(thrown: &JsValue) -> String {
    let member = |key: &str| thrown.is_object().then(|| string_property(thrown, key)).flatten();
    let code = member("code").unwrap_or_default();
    if member("name").as_deref() == Some("StoreError") && STORE_CODES.contains(&code.as_str()) {
        let message = member("message").unwrap_or_default();
        let shown: String = message.chars().filter(|it| !it.is_control()).take(MAX_MESSAGE).collect();
        return format!("failed ({code}): {shown}");
    }
    // Longer runs of capitals may be a secret.
    let is_code = (2..=40).contains(&code.len())
        && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
        && code.split('_').all(|word| word.len() <= 16);
    let threw = error_name(thrown);
    if is_code { format!("threw {threw} ({code})") } else { format!("threw {threw}") }
}

fn store_error(name: &str, what: &str) -> TokenError {
    let message = format!(
        "the store's `{name}` {what}; check that the store is connected and reachable. Tokens are not shared until it \
         works again"
    );
    TokenError::new(ErrorCode::Store, message)
}

#[expect(clippy::cast_precision_loss, reason = "fences and spans are below 2^53")]
fn number(whole: u64) -> f64 {
    whole as f64
}
