//! Tests of each binding against the real host, which is Node, Chromium or Firefox.

use std::{cell::Cell, rc::Rc, time::Duration};

use gloo_timers::future::TimeoutFuture;
use js_sys::{Array, Function, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test as test;
use web_sys::{AbortController, AbortSignal};

use super::*;
use crate::{
    core::{Secret, UnixMillis},
    http::HttpRequest,
    json::{Credentials, DEEPEST, Json},
    options::{KeepAlive, RawValue},
};

fn js(source: &str) -> JsValue {
    js_sys::eval(source).expect("the source is right")
}

/// The class of the package that implements [`HostBindings`], and all modules that it imports, directly or not:
/// wasm-bindgen copies the modules that are named here to the place of the test, and no others.
mod package {
    use wasm_bindgen::prelude::*;

    use crate::host::HostBindings;

    #[wasm_bindgen(module = "/pkg-template/src/host-bindings.js")]
    extern "C" {
        #[wasm_bindgen(extends = HostBindings, js_name = HostBindings)]
        pub(super) type PackageBindings;

        #[wasm_bindgen(constructor, js_class = HostBindings)]
        pub(super) fn new() -> PackageBindings;
    }

    #[wasm_bindgen(module = "/pkg-template/src/body-reading.js")]
    extern "C" {
        #[wasm_bindgen(js_name = readUpTo)]
        fn body_reading();
    }

    #[wasm_bindgen(module = "/pkg-template/src/tables.js")]
    extern "C" {
        #[wasm_bindgen(js_name = MAX_JSON_BYTES)]
        fn tables();
    }

    #[wasm_bindgen(module = "/pkg-template/src/timers.js")]
    extern "C" {
        #[wasm_bindgen(js_name = startTimer)]
        fn timers();
    }

    #[wasm_bindgen(module = "/pkg-template/src/cache-mode.js")]
    extern "C" {
        #[wasm_bindgen(js_name = withoutCache)]
        fn cache_mode();
    }

    #[wasm_bindgen(module = "/pkg-template/src/fetch-failure.js")]
    extern "C" {
        #[wasm_bindgen(js_name = failureOf)]
        fn fetch_failure();
    }

    #[wasm_bindgen(module = "/pkg-template/src/ignoring-errors.js")]
    extern "C" {
        #[wasm_bindgen(js_name = ignoringErrors)]
        fn ignoring_errors();
    }

    #[wasm_bindgen(module = "/pkg-template/src/is-object.js")]
    extern "C" {
        #[wasm_bindgen(js_name = isObject)]
        fn is_object();
    }

    #[wasm_bindgen(module = "/pkg-template/src/microtask.js")]
    extern "C" {
        #[wasm_bindgen(js_name = microtask)]
        fn microtask();
    }

    #[wasm_bindgen(module = "/pkg-template/src/redaction.js")]
    extern "C" {
        #[wasm_bindgen(js_name = redactor)]
        fn redaction();
    }

    #[wasm_bindgen(module = "/pkg-template/src/request-secrets.js")]
    extern "C" {
        #[wasm_bindgen(js_name = secretsOfGrant)]
        fn request_secrets();
    }

    #[wasm_bindgen(module = "/pkg-template/src/provider-errors.js")]
    extern "C" {
        #[wasm_bindgen(js_name = providerErrorsOf)]
        fn provider_errors();
    }

    #[wasm_bindgen(module = "/pkg-template/src/request-scope.js")]
    extern "C" {
        #[wasm_bindgen(js_name = ioEndsWithRequest)]
        fn request_scope();
    }

    #[wasm_bindgen(module = "/pkg-template/src/response-outline.js")]
    extern "C" {
        #[wasm_bindgen(js_name = parsed)]
        fn response_outline();
    }

    #[wasm_bindgen(module = "/pkg-template/src/rule-functions.js")]
    extern "C" {
        #[wasm_bindgen(js_name = matchedRules)]
        fn rule_functions();
    }

    #[wasm_bindgen(module = "/pkg-template/src/send-and-read.js")]
    extern "C" {
        #[wasm_bindgen(js_name = sendAndRead)]
        fn send_and_read();
    }

    #[wasm_bindgen(module = "/pkg-template/src/token-error.js")]
    extern "C" {
        #[wasm_bindgen(js_name = fieldsOf)]
        fn token_error();
    }

    #[wasm_bindgen(module = "/pkg-template/src/utf8.js")]
    extern "C" {
        #[wasm_bindgen(js_name = lazyTextDecoder)]
        fn utf8();
    }

    #[wasm_bindgen(module = "/pkg-template/stores/foreign-promise.js")]
    extern "C" {
        #[wasm_bindgen(js_name = handled)]
        fn foreign_promise();
    }
}

/// Creates the bindings of the package.
pub(crate) fn bindings() -> HostBindings {
    package::PackageBindings::new().unchecked_into()
}

/// Calls a function and returns its outcome.
async fn called(source: &str, limit: u64, signal: Option<AbortSignal>) -> CallOutcome {
    let function = js(source).unchecked_into::<Function>();
    let (ended, done) = callback_future(&bindings(), Duration::from_millis(limit));
    bindings().call(&function, &Array::of1(&"argument".into()), signal.as_ref(), &done);
    ended.await
}

/// Returns a counter and a function that increments it.
fn counter() -> (Rc<Cell<u32>>, impl FnMut() + 'static) {
    let count = Rc::new(Cell::new(0));
    let counted = Rc::clone(&count);
    (count, move || counted.set(counted.get() + 1))
}

#[test]
fn the_clock_starts_at_the_wall_clock() {
    let clock = Clock::new(bindings());

    assert!(clock.now().since(wall()) < Duration::from_millis(50));
}

#[test]
async fn an_alarm_rings_once_at_its_time() {
    let (count, on_fire) = counter();
    let timer = Timer::new(bindings(), on_fire);
    let clock = Clock::new(bindings());

    timer.set(Some(clock.now() + Duration::from_millis(5)), KeepAlive::No, clock.now());
    TimeoutFuture::new(60).await;

    assert_eq!(count.get(), 1);
}

#[test]
async fn an_alarm_for_next_month_does_not_ring_today() {
    let (count, on_fire) = counter();
    let timer = Timer::new(bindings(), on_fire);
    let clock = Clock::new(bindings());

    timer.set(Some(clock.now() + Duration::from_secs(30 * 24 * 3600)), KeepAlive::Yes, clock.now());
    TimeoutFuture::new(30).await;

    assert_eq!(count.get(), 0);
}

#[test]
async fn an_alarm_that_was_unset_moved_or_dropped_does_not_ring() {
    let (count, on_fire) = counter();
    let unset = Timer::new(bindings(), on_fire);
    let (moved_count, on_fire) = counter();
    let moved = Timer::new(bindings(), on_fire);
    let (dropped_count, on_fire) = counter();
    let dropped = Timer::new(bindings(), on_fire);
    let clock = Clock::new(bindings());
    let soon = Some(clock.now() + Duration::from_millis(5));
    for timer in [&unset, &moved, &dropped] {
        timer.set(soon, KeepAlive::No, clock.now());
    }

    unset.set(None, KeepAlive::No, clock.now());
    moved.set(Some(clock.now() + Duration::from_secs(3600)), KeepAlive::No, clock.now());
    drop(dropped);
    TimeoutFuture::new(60).await;

    assert_eq!((count.get(), moved_count.get(), dropped_count.get()), (0, 0, 0));
}

#[test]
async fn waiting_ends_at_its_limit() {
    let never = called("() => new Promise(() => {})", 5, None).await;
    let failed_late = called("() => new Promise((_, no) => setTimeout(no, 30))", 5, None).await;
    let in_time = called("(argument) => argument", 60_000, None).await;

    assert!(matches!(never, CallOutcome::TimedOut));
    assert!(matches!(failed_late, CallOutcome::TimedOut));
    assert!(matches!(in_time, CallOutcome::Resolved(value) if value == "argument"));
}

#[test]
async fn waiting_takes_no_limit_for_none() {
    let far = called("() => new Promise((yes) => setTimeout(yes, 30, 7))", 1_000_000_000_000, None).await;

    assert!(matches!(far, CallOutcome::Resolved(value) if value == 7));
}

#[test]
async fn waiting_ends_when_it_is_given_up() {
    let abort = AbortController::new().expect("there is one");
    let signal = abort.signal();
    Reflect::set(&js_sys::global(), &"abort".into(), &abort).expect("it is an object");

    let source = "() => { setTimeout(() => abort.abort(), 5); return new Promise(() => {}) }";
    let outcome = called(source, 60_000, Some(signal)).await;

    assert!(matches!(outcome, CallOutcome::TimedOut));
}

#[test]
async fn a_lease_that_comes_too_late_is_given_back() {
    let late = "(() => { globalThis.released = 0; return () => new Promise((yes) => setTimeout(yes, 20,
        { fence: 1, release() { released++ } })) })()";
    let acquire = js(late).unchecked_into::<Function>();

    let (ended, done) = callback_future(&bindings(), Duration::from_millis(5));
    bindings().acquire(&acquire, &Array::new(), &done);
    let outcome = ended.await;
    TimeoutFuture::new(60).await;

    assert!(matches!(outcome, CallOutcome::TimedOut));
    assert_eq!(js("released"), 1);
}

#[test]
fn json_is_read_and_written_by_the_engine() {
    let text = r#"{"a":[1.5,true,null,"é\n"],"b":{}}"#;
    let json = (PLATFORM.parse_json)(text).expect("it is JSON");

    assert_eq!(json.at("a.3").and_then(Json::as_text), Some("é\n"));
    assert_eq!((PLATFORM.write_json)(&json), text);
    let without_value = Json::Map(vec![("a".to_owned(), Json::Missing), ("b".to_owned(), Json::Null)]);
    assert_eq!((PLATFORM.write_json)(&without_value), r#"{"b":null}"#);
    for bad in ["", "{", "undefined", "{'a':1}"] {
        assert!((PLATFORM.parse_json)(bad).is_none(), "{bad}");
    }
}

#[test]
fn json_that_is_nested_too_deep_is_refused_by_the_engine_too() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));

    assert!((PLATFORM.parse_json)(&nested(DEEPEST)).is_some());
    assert!((PLATFORM.parse_json)(&nested(DEEPEST + 1)).is_none());
    assert!((PLATFORM.parse_json)(&nested(100_000)).is_none());
}

#[test]
fn urls_are_taken_apart_by_the_engine() {
    let parse = PLATFORM.parse_url;
    let local = parse("http://[::1]:8080/graphql").expect("it is a URL");

    assert_eq!((local.protocol.as_str(), local.hostname.as_str()), ("http:", "[::1]"));
    assert_eq!(local.origin, "http://[::1]:8080");
    assert_eq!(local.credentials, Credentials::Absent);
    assert_eq!(parse("https://u:p@api.test/").map(|url| url.credentials), Some(Credentials::Present));
    assert!(parse("/graphql").is_none());
}

#[test]
fn an_address_is_relative_to_the_page_where_there_is_one() {
    let resolve = PLATFORM.resolve_url;
    let resolved = resolve("/token");

    assert_eq!(resolve("https://api.test/b"), "https://api.test/b");
    if is_page() {
        assert!(resolved.starts_with("http") && resolved.ends_with("/token"), "{resolved}");
    } else {
        assert_eq!(resolved, "/token");
    }
}

#[test]
fn values_are_taken_over_whatever_they_are() {
    let RawValue::Map(members) = from_js(&js(
        "({ missing: undefined, nothing: null, flag: true, number: 1.5, text: 'x', list: [1, 'y'],
            map: { inner: Object.create(null) }, call() {}, date: new Date(5), buffer: new Uint8Array(1),
            symbol: Symbol('s'), big: 1n, error: new Error('e') })",
    )) else {
        panic!("an object is a map")
    };
    let kinds: Vec<_> = members.iter().map(|(key, value)| format!("{key}: {}", value.kind())).collect();

    let other = "neither plain data nor a function";
    assert_eq!(
        kinds,
        [
            "missing: missing".to_owned(),
            "nothing: null".to_owned(),
            "flag: a boolean".to_owned(),
            "number: a number".to_owned(),
            "text: a string".to_owned(),
            "list: an array".to_owned(),
            "map: an object".to_owned(),
            "call: a function".to_owned(),
            "date: a number".to_owned(),
            format!("buffer: {other}"),
            format!("symbol: {other}"),
            format!("big: {other}"),
            format!("error: {other}"),
        ]
    );
}

#[test]
fn options_of_a_class_are_options_too() {
    let options = from_js(&js("new (class Options { constructor() { this.provider = 'fluz' } })()"));

    assert!(matches!(options, RawValue::Map(members) if members.len() == 1));
}

#[test]
fn an_object_that_contains_itself_or_throws_does_no_harm() {
    let cyclic = from_js(&js("const a = {}; a.a = a; a.list = [a]; a"));
    let throwing = from_js(&js("({ get secret() { throw new Error('no') } })"));
    let proxy = from_js(&js("new Proxy({}, { ownKeys() { throw new Error('no') } })"));

    assert!(matches!(cyclic, RawValue::Map(_)));
    assert!(matches!(throwing, RawValue::Other));
    assert!(matches!(proxy, RawValue::Other));
}

#[test]
async fn functions_of_the_user_may_give_a_value_or_a_promise_or_throw() {
    for (source, expected) in [
        ("() => 'now'", Ok("now")),
        ("async () => 'later'", Ok("later")),
        ("() => ({ then(resolve) { resolve('thenable') } })", Ok("thenable")),
        ("() => { throw 'at once' }", Err("at once")),
        ("() => Promise.reject('rejected')", Err("rejected")),
    ] {
        let result = match called(source, 60_000, None).await {
            CallOutcome::Resolved(value) => Ok(value),
            CallOutcome::Rejected(value) => Err(value),
            CallOutcome::TimedOut => panic!("{source}"),
        };

        let text = |value: JsValue| value.as_string().unwrap_or_default();
        let expected = expected.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(result.map(text).map_err(text), expected, "{source}");
    }
}

fn request() -> HttpRequest {
    HttpRequest {
        url: "https://api.test/graphql".to_owned(),
        headers: vec![("authorization".to_owned(), Secret::new("Basic planted"))],
        body: Secret::new("{}"),
        credentials: None,
    }
}

async fn fetched(source: &str) -> Result<crate::http::HttpResponse, FetchFailure> {
    let function = js(source).unchecked_into::<Function>();
    let handle = js("({ api: { quotesErrors: true, rules: {} }, knownTokens: () => [], remember() {} })");
    let sending = Fetcher {
        bindings: &bindings(),
        fetch: Some(&function),
        signal: &AbortController::new().expect("there is one").signal(),
        scopes: Array::new(),
        secrets: Array::new(),
        handle: &handle,
    };
    let (clock, wanted) = (Clock::new(bindings()), ["date", "x-authorization"]);
    let (ended, done) = callback_future(&bindings(), Duration::from_secs(60));
    sending.send(&request(), &wanted, &done);
    let sent_at = clock.now();
    response_of(ended.await, &wanted, sent_at, clock.now())
}

#[test]
async fn a_request_is_sent_as_fetch_expects_it() {
    let response = fetched(
        "async (url, init) => new Response(JSON.stringify([url, init.method, init.redirect,
            init.headers.authorization, init.body, init.signal instanceof AbortSignal]))",
    )
    .await
    .expect("there is an answer");

    assert_eq!(
        response.body.expose(),
        r#"["https://api.test/graphql","POST","manual","Basic planted","{}",true]"#
    );
}

#[test]
async fn an_answer_is_read_with_its_status_and_headers() {
    let response = fetched(
        "async () => new Response('{\"é\":1}', { status: 429, headers: { 'X-Authorization': 'token' } })",
    )
    .await
    .expect("there is an answer");

    assert_eq!(response.status, 429);
    assert_eq!(response.header("x-authorization"), Some("token"));
    assert_eq!(response.header("date"), None);
    assert_eq!(response.body.expose(), "{\"é\":1}");
    assert!(response.sent_at <= response.received_at);
}

#[test]
async fn an_answer_without_a_body_is_empty() {
    let response =
        fetched("async () => new Response(null, { status: 204 })").await.expect("there is an answer");

    assert_eq!(response.body.expose(), "");
}

#[test]
async fn a_fetch_that_has_only_text_will_do() {
    let response = fetched("() => ({ status: 200, headers: new Map(), text: async () => 'hello' })")
        .await
        .expect("there is an answer");

    assert_eq!(response.body.expose(), "hello");
}

#[test]
async fn more_than_a_mib_is_not_read() {
    for source in [
        "async () => new Response('x'.repeat(1024 * 1024 + 1))",
        "() => ({ status: 200, headers: new Map(), text: () => 'x'.repeat(1024 * 1024 + 1) })",
    ] {
        assert!(matches!(fetched(source).await, Err(FetchFailure::TooLarge)), "{source}");
    }
    let most = fetched("async () => new Response('x'.repeat(1024 * 1024))").await;
    assert!(most.is_ok());
}

#[test]
async fn what_is_no_answer_is_told_apart_from_none() {
    for source in [
        "() => undefined",
        "() => 'text'",
        "() => ({})",
        "() => ({ status: 'ok', headers: new Map(), text() {} })",
        "() => ({ status: 200, text: () => 'no headers' })",
        "() => ({ status: 200, headers: new Map() })",
        "() => ({ status: 200, headers: new Map(), text: () => 7 })",
        "() => ({ get status() { throw new Error('no') } })",
    ] {
        assert!(matches!(fetched(source).await, Err(FetchFailure::InvalidResponse)), "{source}");
    }
}

#[test]
async fn only_the_code_of_a_failure_is_kept() {
    for (source, expected) in [
        (
            "() => { throw Object.assign(new TypeError('planted'), { cause: { code: 'ECONNREFUSED' } }) }",
            Some("ECONNREFUSED"),
        ),
        ("async () => { throw { code: 'ENOTFOUND' } }", Some("ENOTFOUND")),
        ("async () => { throw { code: 'Basic planted' } }", None),
        ("async () => { throw 'planted' }", None),
        ("async () => { throw undefined }", None),
        ("async () => new Response(new ReadableStream({ pull(c) { c.error(new Error('cut')) } }))", None),
    ] {
        let Err(FetchFailure::Rejected(FetchException { code, .. })) = fetched(source).await else {
            panic!("{source}")
        };

        assert_eq!(code.as_deref(), expected, "{source}");
    }
}

#[test]
fn a_page_that_wakes_calls_until_nobody_listens() {
    let global = js_sys::global();
    let has_events = Reflect::get(&global, &"dispatchEvent".into()).is_ok_and(|it| it.is_function());
    let (count, on_wakeup) = counter();
    let visibility = VisibilityListener::new(&bindings(), on_wakeup);
    let online = || has_events.then(|| js("dispatchEvent(new Event('online'))"));

    online();
    drop(visibility);
    online();

    // The global object of Node dispatches no events.
    assert_eq!(count.get(), u32::from(has_events));
}

#[test]
fn seeds_differ() {
    assert_ne!(seed(), seed());
    assert!(UnixMillis::new(seed()) != UnixMillis::new(0));
}

#[test]
async fn the_errors_of_an_answer_are_read_without_the_secrets_of_the_request() {
    let response = fetched(
        r#"async () => Response.json({ errors: [{ message: "is planted good", code: 7 }] }, { status: 400 })"#,
    )
    .await
    .expect("there is an answer");

    let errors = response.provider_errors.expect("there is an error");
    assert_eq!(errors.first, "is [secret] good");
    assert_eq!(errors.json, r#"[{"message":"is [secret] good","code":"7"}]"#);
}

#[test]
fn the_memory_grows_in_large_steps() {
    let mut kept = Vec::new();
    let mut growths = 0;
    let mut pages = memory::pages();
    for _ in 0..20_000 {
        kept.push(vec![0_u8; 1000]);
        grow_ahead();
        growths += u32::from(pages != memory::pages());
        pages = memory::pages();
    }
    // 20 MB in steps of 64 KiB would be 300.
    assert!(growths <= 20, "{growths}");
}
