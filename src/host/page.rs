//! Moments at which a page may have slept: timers were late or did not run.

use wasm_bindgen::prelude::*;
use web_sys::EventTarget;

#[wasm_bindgen]
extern "C" {
    /// The page's document; absent in workers and outside browsers.
    #[wasm_bindgen(thread_local_v2, js_name = document)]
    static DOCUMENT: Option<EventTarget>;
}

/// Listens until it is dropped.
#[derive(Debug)]
pub(crate) struct Wakeups {
    callback: Closure<dyn FnMut()>,
    targets: Vec<(EventTarget, &'static str)>,
}

impl Wakeups {
    /// Calls `woke` when a page is shown again or the network is back.
    pub(crate) fn new(woke: impl FnMut() + 'static) -> Self {
        let callback = Closure::new(woke);
        let document = DOCUMENT.with(Clone::clone).map(|document| (document, "visibilitychange"));
        let global = js_sys::global().unchecked_into::<EventTarget>();
        // `online` also tells workers; Node's global has no events at all.
        let on_global = ["pageshow", "online"].map(|event| (global.clone(), event));
        let candidates = document.into_iter().chain(on_global);
        let listening = |(target, event): &(EventTarget, &str)| {
            has_events(target)
                && target.add_event_listener_with_callback(event, callback.as_ref().unchecked_ref()).is_ok()
        };
        let targets = candidates.filter(listening).collect();
        Self { callback, targets }
    }
}

impl Drop for Wakeups {
    fn drop(&mut self) {
        for (target, event) in &self.targets {
            let callback = self.callback.as_ref().unchecked_ref();
            let _ = target.remove_event_listener_with_callback(event, callback);
        }
    }
}

/// Whether this is a page, whose source anyone can read.
pub(crate) fn is_page() -> bool {
    DOCUMENT.with(Option::is_some)
}

fn has_events(target: &EventTarget) -> bool {
    js_sys::Reflect::get(target, &JsValue::from_str("addEventListener")).is_ok_and(|it| it.is_function())
}
