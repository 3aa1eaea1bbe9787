//! Tests of the core behind its callbacks: re-entrancy, closing, and managers that are dropped.

use gloo_timers::future::TimeoutFuture;
use js_sys::{Function, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{Desk, Face, manager::NativeManager};
use crate::host::tests::bindings_class;

/// Callbacks that record their calls. `onNotify` may be replaced.
const FACE: &str = "(Outside) => {
    const face = Object.assign(new Outside(), {
        log: [], grants: 0, onNotify() {},
        grant(grant, refreshToken, scopes, key, signal, done) {
            const argument = { refreshToken, scopes, session: JSON.parse(key), signal };
            this.call(grant, [argument], signal, done);
        },
        desk(key) {
            const name = key === '{}' ? '' : `${key} `;
            return {
                key,
                seated(session) { this.session = session },
                hold: (token) => face.log.push(`${name}hold ${token.value}`),
                dropHold: () => face.log.push(`${name}drop`),
                watcher: () => () => {},
            };
        },
        settle(call, token) { this.log.push(`settle ${call} ${token.value}`) },
        reject(call, error) { this.log.push(`reject ${call} ${error.code}`) },
        token(value) { return { value } },
        error(fields) { return fields },
        changed() {},
        fieldsOf(thrown) { return thrown && thrown.code ? thrown : undefined },
        notify(event, key) {
            this.log.push(key === '{}' ? event.type : `${key} ${event.type}`);
            this.onNotify(event);
        },
    });
    face.own = face.desk('{}');
    return face;
}";

fn face() -> JsValue {
    let make = js_sys::eval(FACE).expect("the source is right").unchecked_into::<Function>();
    make.call1(&JsValue::UNDEFINED, &bindings_class()).expect("it does not throw")
}

struct Fixture {
    face: JsValue,
    own: Desk,
    core: NativeManager,
}

impl Fixture {
    /// Creates a manager that gets its tokens from `grant`, the source of a function that can use the callbacks as
    /// `face`.
    fn new(grant: &str) -> Self {
        let face = face();
        let options = format!(
            "return {{ provider: {{ name: 'acme', endpoint: 'https://api.test', grant: ({grant}) }},
                retry: {{ attempts: 1 }} }}"
        );
        let options =
            Function::new_with_args("face", &options).call1(&JsValue::UNDEFINED, &face).expect("options");
        let core = NativeManager::new(&options, face.clone().unchecked_into::<Face>());
        let core = core.unwrap_or_else(|_| panic!("accepted"));
        let own = face.unchecked_ref::<Face>().own();
        Self { face, own, core }
    }

    fn request(&self, call: u32) {
        self.request_at(call, &self.own);
    }

    fn request_at(&self, call: u32, desk: &Desk) {
        let asked = self.core.get_token(f64::from(call), &JsValue::UNDEFINED, desk);
        asked.expect("no options are right");
    }

    /// Returns the handle of a user's session.
    fn desk(&self, user: &str) -> Desk {
        let desk = Reflect::get(&self.face, &"desk".into()).expect("it has one").unchecked_into::<Function>();
        let key = format!("{{\"user\":\"{user}\"}}");
        desk.call1(&self.face, &key.into()).expect("it does not throw").unchecked_into()
    }

    fn log(&self) -> String {
        let log = Reflect::get(&self.face, &"log".into()).expect("it has one");
        log.unchecked_into::<js_sys::Array>().join("; ").into()
    }

    fn grants(&self) -> Option<f64> {
        Reflect::get(&self.face, &"grants".into()).ok()?.as_f64()
    }

    /// Runs `body` with the type of each event.
    fn on_notify(&self, body: impl Fn(&str) + 'static) {
        let listener = Closure::<dyn Fn(JsValue)>::new(move |event: JsValue| {
            let kind = Reflect::get(&event, &"type".into()).ok().and_then(|kind| kind.as_string());
            body(&kind.unwrap_or_default());
        });
        Reflect::set(&self.face, &"onNotify".into(), &listener.into_js_value()).expect("it is an object");
    }
}

fn nothing() -> Function {
    Function::new_no_args("")
}

/// Closes a session and waits until it is closed.
async fn left(core: &NativeManager, desk: &Desk) {
    let ended = js_sys::Promise::new(&mut |resolve, _| core.leave(desk, resolve));
    wasm_bindgen_futures::JsFuture::from(ended).await.expect("it ends");
}

const GRANT: &str = "() => ({ accessToken: `token-${++face.grants}`, expiresInMs: 60000 })";

async fn a_while() {
    TimeoutFuture::new(30).await;
}

#[test]
async fn a_thousand_callers_share_one_grant() {
    let fixture = Fixture::new(GRANT);

    (1..=1000).for_each(|call| fixture.request(call));
    a_while().await;

    assert_eq!(fixture.grants(), Some(1.0));
    assert_eq!(fixture.log().matches("settle").count(), 1000);
}

#[test]
async fn the_face_holds_the_token_before_callers_and_listeners_are_told() {
    let fixture = Fixture::new(GRANT);

    fixture.request(1);
    a_while().await;

    assert_eq!(fixture.log(), "hold token-1; settle 1 token-1; token");
}

#[test]
async fn a_listener_may_call_any_method() {
    let fixture = std::rc::Rc::new(Fixture::new(GRANT));
    let inner = std::rc::Rc::clone(&fixture);
    let first = std::cell::Cell::new(true);
    fixture.on_notify(move |kind| {
        if kind == "token" && first.replace(false) {
            inner.core.invalidate(&inner.own, &"token-1".into()).expect("its selector is right");
            inner.request(2);
            inner.core.abandon(7.0, &inner.own);
            inner.core.adopt(&JsValue::NULL, &inner.own, &JsValue::UNDEFINED);
            inner.core.status(&inner.own);
        }
    });

    fixture.request(1);
    a_while().await;

    assert_eq!(
        fixture.log(),
        "hold token-1; settle 1 token-1; token; drop; hold token-2; settle 2 token-2; token"
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
    a_while().await;
    fixture.request(2);

    assert_eq!(fixture.log(), "hold token-1; settle 1 token-1; token; drop; close; reject 2 closed");
}

#[test]
async fn a_grant_function_may_call_the_manager_it_grants_for() {
    let fixture = std::rc::Rc::new(Fixture::new("() => face.onGrant()"));
    let inner = std::rc::Rc::clone(&fixture);
    let grant = Closure::<dyn Fn() -> JsValue>::new(move || {
        inner.request(2);
        inner.core.invalidate(&inner.own, &"token".into()).expect("its selector is right");
        js_sys::eval("({ accessToken: 'token' })").expect("the source is right")
    });
    Reflect::set(&fixture.face, &"onGrant".into(), &grant.into_js_value()).expect("it is an object");

    fixture.request(1);
    a_while().await;

    assert_eq!(fixture.log(), "hold token; settle 1 token; settle 2 token; token");
}

#[test]
async fn closing_ends_a_grant_that_never_settles() {
    let fixture = Fixture::new("({ signal }) => { face.signal = signal; return new Promise(() => {}) }");
    fixture.request(1);
    a_while().await;

    fixture.core.close(nothing());

    let signal = Reflect::get(&fixture.face, &"signal".into()).expect("it was called");
    assert!(signal.unchecked_into::<web_sys::AbortSignal>().aborted());
    assert_eq!(fixture.log(), "reject 1 closed; close");
}

#[test]
async fn a_call_that_is_abandoned_is_not_settled() {
    let fixture = Fixture::new(GRANT);
    fixture.request(1);
    fixture.request(2);

    fixture.core.abandon(1.0, &fixture.own);
    a_while().await;

    assert_eq!(fixture.log(), "hold token-1; settle 2 token-1; token");
}

#[test]
async fn a_manager_that_is_dropped_asks_for_nothing_more() {
    let grant = "() => ({ accessToken: `token-${++face.grants}`, expiresInMs: 40 })";
    let fixture = Fixture::new(grant);
    fixture.request(1);
    a_while().await;
    let granted = fixture.grants();
    let Fixture { face, core, .. } = fixture;

    drop(core);
    TimeoutFuture::new(1500).await;

    let grants = Reflect::get(&face, &"grants".into()).ok().and_then(|grants| grants.as_f64());
    assert_eq!(grants, granted);
}

#[test]
async fn a_grant_function_that_gives_rubbish_is_told_what_to_give() {
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
        a_while().await;

        assert_eq!(fixture.log(), format!("reject 1 {code}; error"), "{source}");
    }
}

#[test]
fn options_that_are_wrong_are_refused() {
    let face = face().unchecked_into::<Face>();
    let options = js_sys::eval("({ provider: 'flux' })").expect("the source is right");

    let Err(fields) = NativeManager::new(&options, face) else { panic!("accepted") };

    let code = Reflect::get(&fields, &"code".into()).ok().and_then(|code| code.as_string());
    assert_eq!(code.as_deref(), Some("invalid_options"));
}

#[test]
async fn a_desk_is_told_what_its_own_session_holds() {
    let grant =
        "({ session }) => ({ accessToken: `token-of-${session.user ?? 'nobody'}`, expiresInMs: 60000 })";
    let fixture = Fixture::new(grant);
    let (one, other) = (fixture.desk("one"), fixture.desk("other"));

    fixture.request(1);
    fixture.request_at(2, &one);
    fixture.request_at(3, &other);
    a_while().await;

    for (call, user) in [(1, "nobody"), (2, "one"), (3, "other")] {
        assert!(fixture.log().contains(&format!("settle {call} token-of-{user}")), "{}", fixture.log());
    }
    for user in ["one", "other"] {
        let key = format!("{{\"user\":\"{user}\"}}");
        assert!(fixture.log().contains(&format!("{key} hold token-of-{user}")), "{}", fixture.log());
        assert!(fixture.log().contains(&format!("{key} token")), "{}", fixture.log());
    }
}

#[test]
async fn a_session_has_one_desk_and_the_latest_is_told() {
    let fixture = Fixture::new(GRANT);
    let (before, after) = (fixture.desk("one"), fixture.desk("one"));
    fixture.request_at(1, &before);
    a_while().await;

    fixture.core.attach(&after);

    let key = "{\"user\":\"one\"}";
    assert!(fixture.log().ends_with(&format!("{key} drop; {key} hold token-1")), "{}", fixture.log());
    assert_eq!(fixture.grants(), Some(1.0));
}

#[test]
async fn a_session_that_was_left_is_forgotten_and_comes_back_as_another() {
    let fixture = Fixture::new(GRANT);
    let desk = fixture.desk("one");
    fixture.request_at(1, &desk);
    a_while().await;

    left(&fixture.core, &desk).await;
    fixture.request_at(2, &desk);
    a_while().await;

    assert_eq!(fixture.grants(), Some(2.0));
    assert!(fixture.log().contains("settle 2 token-2"), "{}", fixture.log());
    assert!(!fixture.log().contains("close"), "{}", fixture.log());
}

#[test]
async fn leaving_the_managers_own_session_does_nothing() {
    let fixture = Fixture::new(GRANT);
    fixture.request(1);
    a_while().await;

    left(&fixture.core, &fixture.own).await;
    fixture.request(2);

    assert!(fixture.log().ends_with("settle 2 token-1"), "{}", fixture.log());
}

#[test]
fn a_selector_that_is_wrong_is_refused() {
    let fixture = Fixture::new(GRANT);
    let desk = fixture.desk("");

    let Err(fields) = fixture.core.get_token(1.0, &JsValue::UNDEFINED, &desk) else { panic!("accepted") };

    let message = Reflect::get(&fields, &"message".into()).ok().and_then(|message| message.as_string());
    let expected = "option `user` is an empty string; give a string, a number, or true or false";
    assert_eq!(message.as_deref(), Some(expected));
    assert_eq!(fixture.log(), "");
}
