//! Tests of the core behind its callbacks: re-entrancy, closing, and managers that are dropped.

use gloo_timers::future::TimeoutFuture;
use js_sys::{Function, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{ManagerCallbacks, SessionHandle, manager::NativeManager};
use crate::host::tests::bindings;

/// Callbacks that record their calls. `onNotify` may be replaced.
const CALLBACKS: &str = "(bindings) => {
    const callbacks = Object.assign(bindings, {
        log: [], grants: 0, onNotify() {},
        grant(grant, refreshToken, scopes, selector, signal, done) {
            const argument = { refreshToken, scopes, session: JSON.parse(selector), signal };
            this.call(grant, [argument], signal, done);
        },
        handle(selector) {
            const name = selector === '{}' ? '' : `${selector} `;
            return {
                selector,
                bind(session) { this.session = session },
                setToken: (token) => callbacks.log.push(`${name}set ${token.value}`),
                clearToken: () => callbacks.log.push(`${name}clear`),
                storeWatcher: () => () => {},
            };
        },
        resolveCall(call, token) { this.log.push(`resolve ${call} ${token.value}`) },
        rejectCall(call, error) { this.log.push(`reject ${call} ${error.code}`) },
        createToken(value) { return { value } },
        createError(fields) { return fields },
        statusChanged() {}, isObserved: false, step() {},
        tokenErrorFields(thrown) { return thrown && thrown.code ? thrown : undefined },
        notify(event, selector) {
            this.log.push(selector === '{}' ? event.type : `${selector} ${event.type}`);
            this.onNotify(event);
        },
    });
    callbacks.defaultHandle = callbacks.handle('{}');
    return callbacks;
}";

fn callbacks() -> JsValue {
    let make = js_sys::eval(CALLBACKS).expect("the source is right").unchecked_into::<Function>();
    make.call1(&JsValue::UNDEFINED, &bindings()).expect("it does not throw")
}

struct Fixture {
    callbacks: JsValue,
    default_handle: SessionHandle,
    core: NativeManager,
}

impl Fixture {
    /// Waits, for up to ten seconds, until the log passes `test`.
    async fn until(&self, test: impl Fn(&str) -> bool) {
        for _ in 0..500 {
            if test(&self.log()) {
                return;
            }
            TimeoutFuture::new(20).await;
        }
    }

    /// Creates a manager that gets its tokens from `grant`, the source of a function that can use the callbacks as
    /// `callbacks`.
    fn new(grant: &str) -> Self {
        let callbacks = callbacks();
        let options = format!(
            "return {{ provider: {{ name: 'acme', endpoint: 'https://api.test', grant: ({grant}) }},
                retry: {{ attempts: 1 }} }}"
        );
        let options = Function::new_with_args("callbacks", &options)
            .call1(&JsValue::UNDEFINED, &callbacks)
            .expect("options");
        let core = NativeManager::new(&options, callbacks.clone().unchecked_into::<ManagerCallbacks>());
        let core = core.unwrap_or_else(|_| panic!("accepted"));
        let default_handle = callbacks.unchecked_ref::<ManagerCallbacks>().default_handle();
        Self { callbacks, default_handle, core }
    }

    fn request(&self, call: u32) {
        self.request_at(call, &self.default_handle);
    }

    fn request_at(&self, call: u32, handle: &SessionHandle) {
        let requested = self.core.get_token(f64::from(call), &JsValue::UNDEFINED, handle);
        requested.expect("no options are valid");
    }

    /// Returns the handle of a user's session.
    fn handle(&self, user: &str) -> SessionHandle {
        let handle =
            Reflect::get(&self.callbacks, &"handle".into()).expect("it has one").unchecked_into::<Function>();
        let selector = format!("{{\"user\":\"{user}\"}}");
        handle.call1(&self.callbacks, &selector.into()).expect("it does not throw").unchecked_into()
    }

    fn log(&self) -> String {
        let log = Reflect::get(&self.callbacks, &"log".into()).expect("it has one");
        log.unchecked_into::<js_sys::Array>().join("; ").into()
    }

    fn grants(&self) -> Option<f64> {
        Reflect::get(&self.callbacks, &"grants".into()).ok()?.as_f64()
    }

    /// Runs `body` with the type of each event.
    fn on_notify(&self, body: impl Fn(&str) + 'static) {
        let listener = Closure::<dyn Fn(JsValue)>::new(move |event: JsValue| {
            let kind = Reflect::get(&event, &"type".into()).ok().and_then(|kind| kind.as_string());
            body(&kind.unwrap_or_default());
        });
        Reflect::set(&self.callbacks, &"onNotify".into(), &listener.into_js_value())
            .expect("it is an object");
    }
}

fn nothing() -> Function {
    Function::new_no_args("")
}

/// Closes a session and waits until it is closed.
async fn close_session(core: &NativeManager, handle: &SessionHandle) {
    let ended = js_sys::Promise::new(&mut |resolve, _| core.close_session(handle, resolve));
    wasm_bindgen_futures::JsFuture::from(ended).await.expect("it ends");
}

const GRANT: &str = "() => ({ accessToken: `token-${++callbacks.grants}`, expiresInMs: 60000 })";

/// Waits for what happens in a moment, where nothing shows that it has happened.
async fn a_while() {
    TimeoutFuture::new(30).await;
}

#[test]
async fn a_thousand_callers_share_one_grant() {
    let fixture = Fixture::new(GRANT);

    (1..=1000).for_each(|call| fixture.request(call));
    fixture.until(|log| log.matches("resolve").count() == 1000).await;

    assert_eq!(fixture.grants(), Some(1.0));
    assert_eq!(fixture.log().matches("resolve").count(), 1000);
}

#[test]
async fn the_handle_receives_the_token_before_callers_and_listeners() {
    let fixture = Fixture::new(GRANT);

    fixture.request(1);
    fixture.until(|log| log.ends_with("; token")).await;

    assert_eq!(fixture.log(), "set token-1; resolve 1 token-1; token");
}

#[test]
async fn a_listener_may_call_any_method() {
    let fixture = std::rc::Rc::new(Fixture::new(GRANT));
    let inner = std::rc::Rc::clone(&fixture);
    let first = std::cell::Cell::new(true);
    fixture.on_notify(move |kind| {
        if kind == "token" && first.replace(false) {
            inner.core.invalidate(&inner.default_handle, &"token-1".into()).expect("its selector is right");
            inner.request(2);
            inner.core.cancel_call(7.0, &inner.default_handle);
            let token = "token-1".into();
            inner.core.adopt(
                &JsValue::NULL,
                &JsValue::UNDEFINED,
                &inner.default_handle,
                &token,
                &JsValue::UNDEFINED,
            );
            inner.core.status(&inner.default_handle);
        }
    });

    fixture.request(1);
    fixture.until(|log| log.ends_with("resolve 2 token-2; token")).await;

    assert_eq!(
        fixture.log(),
        "set token-1; resolve 1 token-1; token; clear; set token-2; resolve 2 token-2; token"
    );
}

#[test]
async fn a_listener_may_close_the_manager() {
    let fixture = std::rc::Rc::new(Fixture::new(GRANT));
    let inner = std::rc::Rc::clone(&fixture);
    fixture.on_notify(move |kind| {
        if kind == "token" {
            inner.core.close(nothing());
        }
    });

    fixture.request(1);
    fixture.until(|log| log.ends_with("close")).await;
    fixture.request(2);

    assert_eq!(fixture.log(), "set token-1; resolve 1 token-1; token; clear; close; reject 2 closed");
}

#[test]
async fn a_grant_function_may_call_its_manager() {
    let fixture = std::rc::Rc::new(Fixture::new("() => callbacks.onGrant()"));
    let inner = std::rc::Rc::clone(&fixture);
    let grant = Closure::<dyn Fn() -> JsValue>::new(move || {
        inner.request(2);
        inner.core.invalidate(&inner.default_handle, &"token".into()).expect("its selector is right");
        js_sys::eval("({ accessToken: 'token' })").expect("the source is right")
    });
    Reflect::set(&fixture.callbacks, &"onGrant".into(), &grant.into_js_value()).expect("it is an object");

    fixture.request(1);
    fixture.until(|log| log.ends_with("; token")).await;

    assert_eq!(fixture.log(), "set token; resolve 1 token; resolve 2 token; token");
}

#[test]
async fn closing_ends_a_grant_that_never_settles() {
    let fixture = Fixture::new("({ signal }) => { callbacks.signal = signal; return new Promise(() => {}) }");
    fixture.request(1);
    a_while().await;

    fixture.core.close(nothing());

    let signal = Reflect::get(&fixture.callbacks, &"signal".into()).expect("it was called");
    assert!(signal.unchecked_into::<web_sys::AbortSignal>().aborted());
    assert_eq!(fixture.log(), "reject 1 closed; close");
}

#[test]
async fn a_cancelled_call_is_not_resolved() {
    let fixture = Fixture::new(GRANT);
    fixture.request(1);
    fixture.request(2);

    fixture.core.cancel_call(1.0, &fixture.default_handle);
    fixture.until(|log| log.ends_with("; token")).await;

    assert_eq!(fixture.log(), "set token-1; resolve 2 token-1; token");
}

#[test]
async fn a_dropped_manager_requests_no_more_tokens() {
    let grant = "() => ({ accessToken: `token-${++callbacks.grants}`, expiresInMs: 40 })";
    let fixture = Fixture::new(grant);
    fixture.request(1);
    a_while().await;
    let granted = fixture.grants();
    let Fixture { callbacks, core, .. } = fixture;

    drop(core);
    TimeoutFuture::new(1500).await;

    let grants = Reflect::get(&callbacks, &"grants".into()).ok().and_then(|grants| grants.as_f64());
    assert_eq!(grants, granted);
}

#[test]
async fn an_invalid_result_of_a_grant_function_rejects_the_call() {
    for (source, code) in [
        ("() => undefined", "protocol"),
        ("() => ({ accessToken: 7 })", "protocol"),
        ("() => ({ accessToken: 'a b' })", "protocol"),
        ("() => { throw new Error('planted') }", "network"),
        ("() => Promise.reject(undefined)", "network"),
        (
            "() => { throw { code: 'invalid_credentials', message: 'no', retryable: false } }",
            "invalid_credentials",
        ),
    ] {
        let fixture = Fixture::new(source);

        fixture.request(1);
        fixture.until(|log| log.ends_with("error")).await;

        assert_eq!(fixture.log(), format!("reject 1 {code}; error"), "{source}");
    }
}

#[test]
fn invalid_options_are_rejected() {
    let callbacks = callbacks().unchecked_into::<ManagerCallbacks>();
    let options = js_sys::eval("({ provider: 'flux' })").expect("the source is right");

    let Err(fields) = NativeManager::new(&options, callbacks) else { panic!("accepted") };

    let code = Reflect::get(&fields, &"code".into()).ok().and_then(|code| code.as_string());
    assert_eq!(code.as_deref(), Some("invalid_options"));
}

#[test]
async fn a_handle_receives_the_token_of_its_own_session() {
    let grant =
        "({ session }) => ({ accessToken: `token-of-${session.user ?? 'nobody'}`, expiresInMs: 60000 })";
    let fixture = Fixture::new(grant);
    let (one, other) = (fixture.handle("one"), fixture.handle("other"));

    fixture.request(1);
    fixture.request_at(2, &one);
    fixture.request_at(3, &other);
    fixture.until(|log| log.matches("resolve").count() == 3).await;

    for (call, user) in [(1, "nobody"), (2, "one"), (3, "other")] {
        assert!(fixture.log().contains(&format!("resolve {call} token-of-{user}")), "{}", fixture.log());
    }
    for user in ["one", "other"] {
        let selector = format!("{{\"user\":\"{user}\"}}");
        assert!(fixture.log().contains(&format!("{selector} set token-of-{user}")), "{}", fixture.log());
        assert!(fixture.log().contains(&format!("{selector} token")), "{}", fixture.log());
    }
}

#[test]
async fn a_session_has_one_handle_the_latest() {
    let fixture = Fixture::new(GRANT);
    let (before, after) = (fixture.handle("one"), fixture.handle("one"));
    fixture.request_at(1, &before);
    a_while().await;

    fixture.core.attach(&after);

    let selector = "{\"user\":\"one\"}";
    assert!(
        fixture.log().ends_with(&format!("{selector} clear; {selector} set token-1")),
        "{}",
        fixture.log()
    );
    assert_eq!(fixture.grants(), Some(1.0));
}

#[test]
async fn a_closed_session_is_opened_again_without_its_token() {
    let fixture = Fixture::new(GRANT);
    let handle = fixture.handle("one");
    fixture.request_at(1, &handle);
    a_while().await;

    close_session(&fixture.core, &handle).await;
    fixture.request_at(2, &handle);
    fixture.until(|log| log.contains("resolve 2")).await;

    assert_eq!(fixture.grants(), Some(2.0));
    assert!(fixture.log().contains("resolve 2 token-2"), "{}", fixture.log());
    assert!(!fixture.log().contains("close"), "{}", fixture.log());
}

#[test]
async fn closing_the_managers_own_session_does_nothing() {
    let fixture = Fixture::new(GRANT);
    fixture.request(1);
    a_while().await;

    close_session(&fixture.core, &fixture.default_handle).await;
    fixture.request(2);

    assert!(fixture.log().ends_with("resolve 2 token-1"), "{}", fixture.log());
}

#[test]
fn an_invalid_selector_is_rejected() {
    let fixture = Fixture::new(GRANT);
    let handle = fixture.handle("");

    let Err(fields) = fixture.core.get_token(1.0, &JsValue::UNDEFINED, &handle) else { panic!("accepted") };

    let code = Reflect::get(&fields, &"code".into()).ok().and_then(|code| code.as_string());
    assert_eq!(code.as_deref(), Some("invalid_options"));
    assert_eq!(fixture.log(), "");
}
