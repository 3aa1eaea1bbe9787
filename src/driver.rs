//! The loop between the core and the world. Acts, and never decides.
//!
//! ```text
//!   exported methods, timers, answers ──▶ dispatch ──▶ Lifecycle::handle ──▶ perform
//!                                            ▲                                 │
//!                                            └──── events, listeners ◀─────────┘
//! ```
//!
//! Whatever is performed may call JavaScript, which may call any method of the
//! manager. Such a call puts its event into the inbox, where the loop that is
//! running finds it: nothing is borrowed while JavaScript runs.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    future::Future,
    rc::{Rc, Weak},
};

use js_sys::Function;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{AbortController, AbortSignal};

use crate::{
    core::{
        AccessToken, CallId, Effect, ErrorCode, Event, Fence, FlightId, Grant, GrantFailure, Jitter,
        Lifecycle, ScopeSet, Secret, Skew, TokenError, TokenSet, UnixMillis, Want, millis,
    },
    grant::Granting,
    graphql::{Dialect, Ruling, digest, explain, judge, observe, rejected, stamp},
    host::{Alarm, Clock, Entry, Hold, Lease, PLATFORM, Wakeups, headers_of, is_page, race, seed, wall},
    http::HttpResponse,
    js::{Face, Held, NewsView, StatusView, TraitsView, error_view},
    options::{Granter, KeepAlive, Settings},
    sharing,
};

/// Drives one manager.
pub(crate) struct Driver {
    settings: Settings<Function>,
    machine: RefCell<Lifecycle>,
    inbox: RefCell<VecDeque<Event>>,
    draining: Cell<bool>,
    clock: Clock,
    alarm: Alarm,
    /// Listens for as long as the manager is open.
    wakeups: RefCell<Option<Wakeups>>,
    /// What was learned of the API; kept between grants.
    dialect: RefCell<Dialect>,
    on_wire: RefCell<Option<OnWire>>,
    /// The digest of the token that was given up since the API refused it, until another is granted.
    refused: RefCell<Option<String>>,
    /// The shared store, where there is one.
    shared: Option<Shared>,
    /// Called when all that was to be done after a close is done.
    closed: RefCell<Option<Function>>,
    face: Face,
    /// What the face was told to hold.
    told: RefCell<Option<Told>>,
    /// The last error, as the face has it: thousands of callers may share one.
    blamed: RefCell<Option<(TokenError, JsValue)>>,
}

/// A grant that was sent.
struct OnWire {
    id: FlightId,
    abort: AbortController,
    /// Ends the wait for it, also where `fetch` does not heed the signal.
    give_up: Function,
}

/// What a manager has of a shared store.
struct Shared {
    entry: Entry,
    /// What the entry is called, and says of itself.
    key: String,
    /// The lease of the flight that has one, and such as came too late.
    leases: RefCell<Vec<(FlightId, Lease)>>,
    /// The secrets of the flight that is about to ask: had before the lease is, since
    /// asking for them runs code of the user's.
    secrets: RefCell<Option<(FlightId, Vec<Secret>)>>,
    /// Ends being told of changes.
    unwatch: RefCell<Option<Function>>,
}

/// What the face was told to hold.
struct Told {
    token: AccessToken,
    held: Held,
    served_until: UnixMillis,
}

impl Driver {
    pub(crate) fn new(settings: Settings<Function>, face: Face) -> Rc<Self> {
        let machine = Lifecycle::new(settings.policy.clone(), settings.scopes.clone(), Jitter::new(seed()));
        let dialect = Dialect::of(&settings.profile);
        if is_page() && matches!(&settings.granter, Granter::Profile(sources) if !sources.is_empty()) {
            face.notify(&NewsView::secret_in_page());
        }
        Rc::new_cyclic(|driver: &Weak<Self>| {
            let wakeups = Wakeups::new(waking(driver.clone(), |_| ()));
            let shared = settings.store.as_ref().map(|store| {
                let key = sharing::key(&settings, PLATFORM);
                let entry = Entry::new(store.clone(), &key);
                let unwatch = RefCell::new(entry.watch(&face.changed()));
                Shared { entry, key, leases: RefCell::default(), secrets: RefCell::default(), unwatch }
            });
            Self {
                shared,
                closed: RefCell::default(),
                settings,
                machine: RefCell::new(machine),
                inbox: RefCell::default(),
                draining: Cell::new(false),
                clock: Clock::new(),
                alarm: Alarm::new(waking(driver.clone(), |driver| driver.alarm.rang())),
                wakeups: RefCell::new(Some(wakeups)),
                dialect: RefCell::new(dialect),
                on_wire: RefCell::default(),
                refused: RefCell::default(),
                face,
                told: RefCell::default(),
                blamed: RefCell::default(),
            }
        })
    }

    /// A caller wants a token.
    pub(crate) fn request(self: &Rc<Self>, call: CallId, want: Want) {
        self.dispatch(Event::Requested(call, want));
    }

    /// Takes note of what has happened, and does what follows.
    pub(crate) fn dispatch(self: &Rc<Self>, event: Event) {
        self.inbox.borrow_mut().push_back(event);
        if self.draining.replace(true) {
            return;
        }
        loop {
            // Not `while let`: its scrutinee would stay borrowed in the body.
            let Some(event) = self.inbox.borrow_mut().pop_front() else { break };
            let effects = self.machine.borrow_mut().handle(event, self.clock.now());
            self.publish();
            for effect in effects {
                self.perform(effect);
            }
        }
        self.draining.set(false);
        self.rearm();
        if !self.machine.borrow().is_busy()
            && let Some(closed) = self.closed.take()
        {
            let _ = closed.call0(&JsValue::UNDEFINED);
        }
    }

    /// Takes a newer token out of an ordinary answer; whether there was one.
    pub(crate) fn adopt(self: &Rc<Self>, response: &JsValue) -> bool {
        let Some(observed) = self.observed(response) else { return false };
        let token = observed.access_token.clone();
        let holds = || self.machine.borrow().held().is_some_and(|held| held.access_token == token);
        let held_before = holds();
        self.dispatch(Event::Observed(observed));
        !held_before && holds()
    }

    pub(crate) fn traits(&self) -> TraitsView<'_> {
        TraitsView::new(&self.settings.profile, &self.settings.origins)
    }

    pub(crate) fn judge(&self, status: u16, body: Option<&str>) -> Ruling {
        judge(&self.settings.profile, status, body, PLATFORM)
    }

    pub(crate) fn explain(&self, response: &JsValue, body: String) -> TokenError {
        match self.answered(response, &["date", "retry-after"], body) {
            Some(response) => explain(&self.settings.profile, &response, PLATFORM),
            None => no_answer(),
        }
    }

    pub(crate) fn rejected(&self, response: &JsValue, body: String, needed: Option<&ScopeSet>) -> TokenError {
        let Some(response) = self.answered(response, &[], body) else { return no_answer() };
        let machine = self.machine.borrow();
        let granted = machine.held().and_then(|held| held.scopes.as_ref()).unwrap_or(&self.settings.scopes);
        rejected(&self.settings.profile, granted, needed, &response, PLATFORM)
    }

    pub(crate) fn status(&self) -> StatusView {
        StatusView::new(&self.machine.borrow().status(self.clock.now()))
    }

    /// Closes; what it gives settles when nothing is left to be done.
    pub(crate) fn close(self: &Rc<Self>) -> js_sys::Promise {
        let closed = js_sys::Promise::new(&mut |resolve, _| drop(self.closed.replace(Some(resolve))));
        self.dispatch(Event::Closed);
        self.wakeups.take();
        if let Some(unwatch) = self.shared.as_ref().and_then(|shared| shared.unwatch.take()) {
            let _ = unwatch.call0(&JsValue::UNDEFINED);
        }
        closed
    }

    fn observed(&self, response: &JsValue) -> Option<TokenSet> {
        let profile = &self.settings.profile;
        let sliding = profile.sliding.as_ref()?;
        let mut wanted = vec!["date"];
        wanted.extend(sliding.headers.iter().map(String::as_str));
        observe(profile, &self.answered(response, &wanted, String::new())?, PLATFORM)
    }

    /// An ordinary answer that has just arrived; `None` if it is none.
    fn answered(&self, response: &JsValue, wanted: &[&str], body: String) -> Option<HttpResponse> {
        let (status, headers) = headers_of(response, wanted)?;
        let now = self.clock.now();
        Some(HttpResponse { status, headers, body: Secret::new(body), sent_at: now, received_at: now })
    }

    fn perform(self: &Rc<Self>, effect: Effect) {
        match effect {
            Effect::Settle(call, Ok(tokens)) => {
                let held = self.held(&tokens);
                self.face.settle(call, &held);
            }
            Effect::Settle(call, Err(error)) => self.face.reject(call, &self.blame(error)),
            Effect::Send(id, grant) => self.send(id, grant),
            Effect::Cancel(id) => self.cancel(id),
            Effect::Load(id) => self.store(move |driver, entry| async move {
                let loaded = entry.get().await;
                let loaded = loaded.map(|text| text.and_then(|text| driver.read(&text)));
                Event::Loaded(id, loaded)
            }),
            Effect::Acquire(id) => self.acquire(id),
            Effect::Save(id, fence, tokens) => self.save(id, fence, &tokens),
            Effect::Release(id) => {
                let leases = self.shared.as_ref().map(|shared| &shared.leases);
                let lease = leases.and_then(|leases| {
                    let place = leases.borrow().iter().position(|(of, _)| *of == id)?;
                    Some(leases.borrow_mut().swap_remove(place))
                });
                if let Some((_, lease)) = lease {
                    lease.release();
                }
            }
            Effect::Notify(change) => {
                let news = NewsView::new(change, &self.settings.scopes, &self.settings.profile.name);
                self.face.notify(&news);
            }
        }
    }

    fn send(self: &Rc<Self>, id: FlightId, grant: Grant) {
        let Ok(abort) = AbortController::new() else {
            let message =
                "there is no AbortController here; this needs Node 18 or a browser of 2019 or later";
            let error = TokenError::new(ErrorCode::Unsupported, message);
            return self.dispatch(Event::Granted(id, Err(GrantFailure::Permanent(error))));
        };
        let mut give_up = Function::default();
        let given_up = js_sys::Promise::new(&mut |resolve, _| give_up = resolve);
        let signal = abort.signal();
        self.on_wire.replace(Some(OnWire { id, abort, give_up }));
        let secrets = self.shared.as_ref().and_then(|shared| shared.secrets.take());
        let secrets = secrets.filter(|(of, _)| *of == id).map(|(_, secrets)| secrets);
        let driver = Rc::clone(self);
        spawn_local(async move {
            let granting = driver.granting(&signal);
            let answered = async { Some(granting.run(grant, secrets).await) };
            let cancelled = async {
                let _ = JsFuture::from(given_up).await;
                None
            };
            let answer = race(answered, cancelled).await;
            let sent = driver.on_wire.borrow_mut().take_if(|sent| sent.id == id);
            if let (Some(sent), Some(Err(_))) = (sent, &answer) {
                // What was given up could stay on the wire for minutes, and keep the process running.
                sent.abort.abort();
            }
            if let Some(answer) = answer {
                if answer.is_ok() {
                    driver.refused.take();
                }
                driver.dispatch(Event::Granted(id, answer));
            }
        });
    }

    fn granting<'a>(&'a self, signal: &'a AbortSignal) -> Granting<'a> {
        Granting {
            settings: &self.settings,
            dialect: &self.dialect,
            clock: &self.clock,
            face: &self.face,
            signal,
            refused: self.refused.borrow().clone(),
        }
    }

    /// Does something with the shared store, and dispatches what comes of it.
    fn store<F>(self: &Rc<Self>, action: impl FnOnce(Rc<Self>, Entry) -> F)
    where
        F: Future<Output = Event> + 'static,
    {
        let Some(shared) = &self.shared else { return };
        let doing = action(Rc::clone(self), shared.entry.clone());
        let driver = Rc::clone(self);
        spawn_local(async move {
            let event = doing.await;
            driver.dispatch(event);
        });
    }

    fn acquire(self: &Rc<Self>, id: FlightId) {
        let Some(span) = self.settings.policy.sharing.and_then(|sharing| sharing.lease) else { return };
        self.store(move |driver, entry| async move {
            let Ok(abort) = AbortController::new() else { return Event::Leased(id, Ok(None)) };
            let secrets = match driver.granting(&abort.signal()).secrets().await {
                Ok(secrets) => secrets,
                Err(failure) => return Event::Granted(id, Err(failure)),
            };
            let lease = match entry.acquire(span).await {
                Ok(Some(lease)) => lease,
                Ok(None) => return Event::Leased(id, Ok(None)),
                Err(error) => return Event::Leased(id, Err(error)),
            };
            let fence = lease.fence;
            if let Some(shared) = &driver.shared {
                shared.leases.borrow_mut().push((id, lease));
                shared.secrets.replace(Some((id, secrets)));
            }
            Event::Leased(id, Ok(Some(fence)))
        });
    }

    fn save(self: &Rc<Self>, id: FlightId, fence: Option<Fence>, tokens: &TokenSet) {
        let Some(shared) = &self.shared else { return };
        let wall_ahead = self.wall_ahead();
        let text = sharing::write(tokens, &shared.key, wall_ahead, PLATFORM);
        let keep_until = sharing::keep_until(tokens, wall_ahead);
        self.store(
            move |_, entry| async move { Event::Saved(id, entry.set(&text, keep_until, fence).await) },
        );
    }

    fn read(&self, text: &Secret) -> Option<TokenSet> {
        let key = &self.shared.as_ref()?.key;
        sharing::read(text, key, self.clock.now(), self.wall_ahead(), PLATFORM, |token| {
            stamp(token, PLATFORM)
        })
    }

    /// How far the wall clock, which holders have in common, is ahead of ours.
    fn wall_ahead(&self) -> Skew {
        wall().ahead_of(self.clock.now())
    }

    fn cancel(&self, id: FlightId) {
        let Some(on_wire) = self.on_wire.take().filter(|on_wire| on_wire.id == id) else { return };
        let _ = on_wire.give_up.call0(&JsValue::UNDEFINED);
        on_wire.abort.abort();
    }

    /// Tells the face what to hand out, and until when, if that has changed.
    fn publish(&self) {
        let now = self.clock.now();
        let hold = {
            let machine = self.machine.borrow();
            let valid = machine.held().filter(|tokens| now < tokens.expires_at).cloned();
            valid.zip(machine.served_until())
        };
        let Some((tokens, served_until)) = hold else {
            if let Some(told) = self.told.take() {
                // One that expired is still held.
                if self.machine.borrow().held().is_none() {
                    self.refused.replace(Some(digest(&told.token)));
                }
                self.face.drop_hold();
            }
            return;
        };
        let held = self.held(&tokens);
        // The face reads the wall clock alone, which is the cheapest; so it is told the
        // moments by that clock, and told again when that clock was set.
        let by_wall = |at: UnixMillis| at.shifted(wall().ahead_of(now));
        let served_until = by_wall(served_until);
        let mut told = self.told.borrow_mut();
        let same = told.as_ref().is_some_and(|told| {
            told.token == tokens.access_token
                && millis(told.served_until.since(served_until).max(served_until.since(told.served_until)))
                    < CLOSE
        });
        if !same {
            *told = Some(Told { token: tokens.access_token, held: held.clone(), served_until });
            drop(told);
            self.face.hold(&held, served_until.to_js(), by_wall(tokens.expires_at).to_js());
        }
    }

    /// The token as the face has it, made once.
    fn held(&self, tokens: &TokenSet) -> Held {
        if let Some(told) = self.told.borrow().as_ref().filter(|told| told.token == tokens.access_token) {
            return told.held.clone();
        }
        let scopes = tokens.scopes.as_ref().unwrap_or(&self.settings.scopes);
        self.face.token(tokens, scopes)
    }

    /// The error as the face has it, made once.
    fn blame(&self, error: TokenError) -> JsValue {
        if let Some((_, made)) = self.blamed.borrow().as_ref().filter(|(known, _)| *known == error) {
            return made.clone();
        }
        let made = self.face.error(&error_view(&error));
        self.blamed.replace(Some((error, made.clone())));
        made
    }

    fn rearm(&self) {
        let machine = self.machine.borrow();
        let hold = if machine.is_awaited() || self.settings.keep_alive == KeepAlive::Yes {
            Hold::Process
        } else {
            Hold::Nothing
        };
        self.alarm.set(machine.next_wakeup(), hold, self.clock.now());
    }
}

fn no_answer() -> TokenError {
    let message = "`fetch` gave something that is no Response; check the function given as option `fetch`";
    TokenError::new(ErrorCode::Protocol, message)
}

/// Two moments this close are one: clocks are read one after the other.
const CLOSE: u64 = 20;

/// What timers and events call. They do not keep the driver alive.
fn waking(driver: Weak<Driver>, first: impl Fn(&Driver) + 'static) -> impl FnMut() + 'static {
    move || {
        if let Some(driver) = driver.upgrade() {
            first(&driver);
            driver.dispatch(Event::Woke);
        }
    }
}
