//! The event loop between the core and its host. It performs effects and contains no rules.
//!
//! ```text
//!  exported methods, timers, responses ──▶ dispatch ──▶ Pool::handle ──▶ perform
//!                                              ▲                             │
//!                                              └───── inputs, callbacks ◀────┘
//! ```
//!
//! An effect may call JavaScript, which may call any method of the manager. Such a call only adds its input to the
//! inbox, and the loop that is already running processes it. No `RefCell` is borrowed while JavaScript runs.

use std::{
    cell::{Cell, OnceCell, RefCell},
    rc::{Rc, Weak},
};

use js_sys::Function;
use wasm_bindgen::prelude::*;

use crate::{
    core::{
        AccessToken, CallId, Effect, ErrorCode, Event, Input, IoScope, Jitter, Pool, PoolEffect, ScopeSet,
        Secret, SessionId, Status, TokenError, TokenRequest, TokenSet,
    },
    grant::Errand,
    graphql::{AuthStatus, SchemaVariants, check_rejection, classify, repeated_rejection, rotated_token},
    host::{Clock, HostBindings, PLATFORM, Timer, VisibilityListener, is_page, seed, status_and_headers_of},
    http::HttpResponse,
    js::{Desk, Face, Held, error_view, news_view, secret_in_page, status_view, traits_view},
    options::{Config, GrantSource, KeepAlive, Selection},
    store::{HolderDigest, identity, manager_identity},
};

mod members;
mod sharing;
mod sign_outs;
mod wire;

use members::{Member, Opening};
use sharing::Shared;
use sign_outs::SignOuts;
use wire::{Asker, OnWire};

/// The event loop of one manager.
pub(crate) struct Driver {
    settings: Config,
    /// The sessions. The context of each is its selector, as received from JavaScript.
    pool: RefCell<Pool<JsValue>>,
    /// Indexed by slot.
    members: RefCell<Vec<Option<Member>>>,
    inbox: RefCell<Vec<Happening>>,
    draining: Cell<bool>,
    clock: Clock,
    timer: Timer,
    /// Subscribed while the manager is open.
    visibility: RefCell<Option<VisibilityListener>>,
    /// The schema variants that worked, kept between grants.
    dialect: RefCell<SchemaVariants>,
    on_wire: RefCell<Vec<OnWire>>,
    shared: Shared,
    sign_outs: SignOuts,
    /// The holder's digest, part of each key in the store. Unknown until functions have returned the secrets that it
    /// depends on.
    holder: OnceCell<HolderDigest>,
    /// Called when the work that remains after a close is done.
    closed: RefCell<Option<Function>>,
    gone: RefCell<Vec<(SessionId, Function)>>,
    face: Face,
    /// The JavaScript objects of the last token and the last error, because thousands of callers may share one.
    made: RefCell<Option<(Rc<TokenSet>, Held)>>,
    blamed: RefCell<Option<(TokenError, JsValue)>>,
}

/// A message for the event loop.
enum Happening {
    /// An input for the session of a handle. The session is opened if it is not open.
    At(Desk, Option<Opening>, Input),
    /// An input for one session.
    For(SessionId, Input),
    Woke,
    /// The user signed out: of the identity of a handle, or of all sessions.
    Cleared(Option<(Desk, Option<Opening>)>, Function),
    Closed,
}

impl Driver {
    pub(crate) fn new(mut settings: Config, face: Face) -> Rc<Self> {
        if face.io_ends_with_request() {
            settings.policy.io_scope = IoScope::Request;
            // A queued session would receive its permit within a request that belongs to another session. Hosts of this
            // kind limit the concurrency of each request themselves.
            settings.limits.max_concurrent_grants = usize::MAX;
        }
        let clock = Clock::new(HostBindings::clone(&face));
        let desk = face.own();
        let identity = identity(&settings, &Selection::default(), PLATFORM);
        let own = (identity, settings.scopes.clone(), desk.key());
        let pool = Pool::new(settings.policy.clone(), settings.limits, Jitter::new(seed()), own, clock.now());
        let dialect = SchemaVariants::default();
        let holder = HolderDigest::of(&settings, None, PLATFORM).map_or_else(OnceCell::new, OnceCell::from);
        if is_page() && matches!(&settings.grant_source, GrantSource::Profile(sources) if !sources.is_empty())
        {
            face.notify(&secret_in_page(), &desk.key());
        }
        let driver = Rc::new_cyclic(|driver: &Weak<Self>| Self {
            settings,
            pool: RefCell::new(pool),
            members: RefCell::default(),
            inbox: RefCell::default(),
            draining: Cell::new(false),
            clock,
            timer: Timer::new(
                HostBindings::clone(&face),
                waking(driver.clone(), |driver| driver.timer.fired()),
            ),
            visibility: RefCell::new(Some(VisibilityListener::new(&face, waking(driver.clone(), |_| ())))),
            dialect: RefCell::new(dialect),
            on_wire: RefCell::default(),
            shared: Shared::default(),
            sign_outs: SignOuts::default(),
            holder,
            closed: RefCell::default(),
            gone: RefCell::default(),
            face,
            made: RefCell::default(),
            blamed: RefCell::default(),
        });
        driver.seat(driver.own(), &desk);
        driver.report_identity();
        driver
    }

    /// Computes the holder's digest from secrets that functions returned, if it is unknown.
    ///
    /// The first digest is kept: rotating a secret does not change the holder.
    fn learn_holder(&self, secrets: &[Secret]) {
        if self.holder.get().is_none()
            && let Some(holder) = HolderDigest::of(&self.settings, Some(secrets), PLATFORM)
            && self.holder.set(holder).is_ok()
        {
            self.watch_all();
            self.report_identity();
        }
    }

    fn report_identity(&self) {
        let identity = |holder| manager_identity(holder, &self.settings, PLATFORM);
        if let Some(digest) = self.holder.get().and_then(identity) {
            self.face.identified(&digest);
        }
    }

    /// Enqueues an input for the session of a handle, and opens the session if it is not open.
    ///
    /// # Errors
    ///
    /// `invalid_options` if the selector of the handle is invalid.
    pub(crate) fn ask(self: &Rc<Self>, desk: &Desk, event: Input) -> Result<(), TokenError> {
        let opening = self.opening(desk)?;
        self.take_note(Happening::At(desk.clone(), opening, event));
        Ok(())
    }

    /// Enqueues an input for the session of a handle, if it is open.
    pub(crate) fn tell(self: &Rc<Self>, desk: &Desk, event: Input) {
        if let Some(session) = self.session_at(desk) {
            self.dispatch(session, event);
        }
    }

    /// Cancels a call.
    pub(crate) fn abandon(self: &Rc<Self>, desk: &Desk, call: CallId) {
        // The session may have been evicted, and a sibling may serve the call by now. The pool finds it by the call id.
        let session = self.session_at(desk).unwrap_or_else(|| self.own());
        self.cancel(Asker::Caller(call));
        self.dispatch(session, Input::Cancelled(call));
    }

    /// Requests the scopes for a caller: those of the application if the provider has an operation for them, otherwise
    /// those of a token.
    ///
    /// # Errors
    ///
    /// `invalid_options` if the selector of the handle is invalid.
    pub(crate) fn ask_scopes(self: &Rc<Self>, desk: &Desk, call: CallId) -> Result<(), TokenError> {
        if self.settings.profile.application_scopes.is_none() {
            return self.ask(desk, Input::Requested(call, TokenRequest::DEFAULT));
        }
        self.opening(desk)?;
        // The application's scopes are the same for all sessions.
        self.send(self.own(), Asker::Caller(call), Errand::ApplicationScopes, None);
        Ok(())
    }

    /// Runs what is due, after the timer fired or the clock may have been stopped or set.
    pub(crate) fn woke(self: &Rc<Self>) {
        self.take_note(Happening::Woke);
    }

    /// Same as [`woke`](Self::woke), within a call that belongs to a handle. Where I/O ends with the request that
    /// started it, only what is due for the session of that handle is run.
    pub(crate) fn woke_at(self: &Rc<Self>, desk: &Desk) {
        match self.settings.policy.io_scope {
            IoScope::Process => self.woke(),
            IoScope::Request => self.tell(desk, Input::TimerFired),
        }
    }

    /// Enqueues an input for a session.
    fn dispatch(self: &Rc<Self>, session: SessionId, event: Input) {
        self.take_note(Happening::For(session, event));
    }

    fn take_note(self: &Rc<Self>, happening: Happening) {
        self.inbox.borrow_mut().push(happening);
        if self.draining.replace(true) {
            return;
        }
        loop {
            let happenings = self.inbox.take();
            if happenings.is_empty() {
                break;
            }
            for happening in happenings {
                self.follow(happening);
            }
        }
        self.draining.set(false);
        self.rearm();
        self.face.changed();
        if !self.pool.borrow().is_busy() {
            end(self.closed.take());
        }
    }

    fn follow(self: &Rc<Self>, happening: Happening) {
        let effects = self.handle(happening);
        self.publish();
        for effect in effects {
            match effect {
                PoolEffect::Session(session, effect) => self.perform(session, effect),
                PoolEffect::Evicted(session) => self.bury(session),
            }
        }
    }

    fn handle(self: &Rc<Self>, happening: Happening) -> Vec<PoolEffect> {
        let now = self.clock.now();
        match happening {
            Happening::At(desk, opening, event) => {
                let session = self.open(&desk, opening);
                self.pool.borrow_mut().handle(session, event, now)
            }
            Happening::For(session, event) => self.pool.borrow_mut().handle(session, event, now),
            Happening::Woke => self.pool.borrow_mut().timer_fired(now),
            Happening::Cleared(of, ended) => {
                let session = of.map(|(desk, opening)| self.open(&desk, opening));
                self.start_sign_out(session, ended)
            }
            Happening::Closed => self.pool.borrow_mut().close(now),
        }
    }

    /// Returns the session of a handle, and opens one if it has none or if it was evicted.
    fn open(self: &Rc<Self>, desk: &Desk, opening: Option<Opening>) -> SessionId {
        if let Some(session) = self.session_at(desk) {
            return session;
        }
        // The session may have been evicted after this message was enqueued; its selector was valid then.
        let opening = opening.or_else(|| self.opening(desk).ok().flatten());
        let Some(Opening { identity, scopes }) = opening else { return self.own() };
        let session = self.pool.borrow_mut().open(identity, &scopes, desk.key(), self.clock.now());
        self.seat(session, desk);
        session
    }

    fn bury(&self, session: SessionId) {
        self.forget(session);
        while let Some(ended) = self.take_gone(session) {
            end(Some(ended));
        }
    }

    /// Removes and returns one callback that waits for the end of a session.
    fn take_gone(&self, session: SessionId) -> Option<Function> {
        let mut gone = self.gone.borrow_mut();
        let place = gone.iter().position(|(of, _)| *of == session)?;
        Some(gone.remove(place).1)
    }

    /// Adopts a newer token from an ordinary response. The request carried `lent`, or the token of the handle's session
    /// if that is `None`.
    ///
    /// Returns true if a newer token was adopted.
    pub(crate) fn adopt(
        self: &Rc<Self>,
        desk: &Desk,
        response: &JsValue,
        lent: Option<&AccessToken>,
    ) -> bool {
        let Some(observed) = self.observed(response) else { return false };
        if let Some(lent) = lent {
            // The new token has the scopes of the session that lent the old one, and belongs to that session.
            let asked = self.session_at(desk);
            let owner = asked.and_then(|session| self.pool.borrow().owner(session, lent));
            if let Some(owner) = owner {
                self.dispatch(owner, Input::TokenReceived(observed));
            }
            return owner.is_some();
        }
        let token = observed.access_token.clone();
        let holds = || {
            let session = self.session_at(desk);
            let pool = self.pool.borrow();
            let held = session.and_then(|session| pool.session(session)?.held());
            held.is_some_and(|held| held.access_token == token)
        };
        let held_before = holds();
        let asked = self.ask(desk, Input::TokenReceived(observed));
        !held_before && asked.is_ok() && holds()
    }

    pub(crate) fn traits(&self) -> JsValue {
        traits_view(&self.settings.profile, &self.settings.origins)
    }

    pub(crate) fn check_rejection(&self, status: u16, body: Option<&str>) -> AuthStatus {
        check_rejection(&self.settings.profile, status, body, PLATFORM)
    }

    pub(crate) fn classify(&self, response: &JsValue, body: String) -> TokenError {
        match self.answered(response, &["date", "retry-after", "content-type"], body) {
            Some(response) => classify(&self.settings.profile, &response, PLATFORM),
            None => no_answer(),
        }
    }

    pub(crate) fn repeated_rejection(
        &self,
        desk: &Desk,
        response: &JsValue,
        body: String,
        needed: Option<&ScopeSet>,
    ) -> TokenError {
        let Some(response) = self.answered(response, &[], body) else { return no_answer() };
        let session = self.session_at(desk);
        let pool = self.pool.borrow();
        let machine = session.and_then(|session| pool.session(session));
        let granted = machine.and_then(|machine| machine.held()?.scopes.as_ref());
        let granted = granted.or_else(|| machine.map(|machine| machine.scopes()));
        repeated_rejection(
            &self.settings.profile,
            granted.unwrap_or(&self.settings.scopes),
            needed,
            &response,
            PLATFORM,
        )
    }

    pub(crate) fn status(&self, desk: &Desk) -> JsValue {
        let session = self.session_at(desk);
        let pool = self.pool.borrow();
        let machine = session.and_then(|session| pool.session(session));
        let status = machine.map_or_else(Status::default, |machine| machine.status(self.clock.now()));
        status_view(&status, pool.len())
    }

    /// Connects a handle to its session, if that is open, and pushes the cached token to the handle.
    pub(crate) fn attach(self: &Rc<Self>, desk: &Desk) {
        let Ok(Some(Opening { identity, scopes })) = self.opening(desk) else { return };
        let open = self.pool.borrow().find(identity, &scopes);
        if let Some(session) = open {
            self.seat(session, desk);
        }
    }

    /// Closes the manager, and calls `ended` when no work remains.
    pub(crate) fn close(self: &Rc<Self>, ended: Function) {
        self.closed.replace(Some(ended));
        self.take_note(Happening::Closed);
        self.cancel_callers();
        self.visibility.take();
        self.unwatch();
    }

    /// Closes one session, and calls `ended` when no work remains for it. The manager's own session is not closed.
    pub(crate) fn leave(self: &Rc<Self>, desk: &Desk, ended: Function) {
        match self.session_at(desk) {
            Some(session) if session != self.own() => {
                self.gone.borrow_mut().push((session, ended));
                self.dispatch(session, Input::Closed);
            }
            Some(_) | None => end(Some(ended)),
        }
    }

    fn own(&self) -> SessionId {
        self.pool.borrow().default_session()
    }

    fn observed(&self, response: &JsValue) -> Option<Rc<TokenSet>> {
        let profile = &self.settings.profile;
        let sliding = profile.rotation.as_ref()?;
        let mut wanted = vec!["date"];
        sliding.headers.iter().for_each(|name| wanted.push(name));
        rotated_token(profile, &self.answered(response, &wanted, String::new())?, PLATFORM)
    }

    /// Converts a response that has just arrived to an ordinary application request. Returns `None` if it is not a
    /// `Response`.
    fn answered(&self, response: &JsValue, wanted: &[&str], body: String) -> Option<HttpResponse> {
        let (status, headers) = status_and_headers_of(&self.face, response, wanted)?;
        let now = self.clock.now();
        Some(HttpResponse { status, headers, body: Secret::new(body), sent_at: now, received_at: now })
    }

    fn perform(self: &Rc<Self>, session: SessionId, effect: Effect) {
        match effect {
            Effect::Resolve(call, Ok(tokens)) => self.face.settle(call, &self.held(session, &tokens)),
            Effect::Resolve(call, Err(error)) => self.face.reject(call, &self.blame(error)),
            Effect::Send(id, grant) => {
                let secrets = self.shared.take_secrets(session, id);
                self.send(session, Asker::Acquisition(session, id), Errand::Token(grant), secrets);
            }
            Effect::Cancel(id) => self.cancel(Asker::Acquisition(session, id)),
            Effect::ReadStore(id) => self.load(session, id),
            Effect::AcquireLease(id) => self.acquire(session, id),
            Effect::WriteStore(id, fence, record) => self.save(session, id, fence, record),
            Effect::ReleaseLease(id) => self.release(session, id),
            Effect::ReportCleared(result) => self.report_cleared(session, &result),
            // Closing the manager's own session closes the manager; other sessions close without this event.
            Effect::Emit(Event::Closed) if session != self.own() => {}
            Effect::Emit(change) => self.notify(session, change),
        }
    }

    fn notify(&self, session: SessionId, change: Event) {
        let Some((key, scopes)) = self.about(session) else { return };
        self.face.notify(&news_view(&change, &scopes, &self.settings.profile.name), &key);
    }

    /// Returns the JavaScript error, and reuses the last one if it is equal.
    fn blame(&self, error: TokenError) -> JsValue {
        if let Some((_, made)) = self.blamed.borrow().as_ref().filter(|(known, _)| *known == error) {
            return made.clone();
        }
        let made = self.face.error(&error_view(&error));
        self.blamed.replace(Some((error, made.clone())));
        made
    }

    fn rearm(&self) {
        let pool = self.pool.borrow();
        let keep_alive = if pool.is_awaited() { KeepAlive::Yes } else { self.settings.keep_alive };
        self.timer.set(pool.poll_timeout(), keep_alive, self.clock.now());
    }
}

fn no_answer() -> TokenError {
    let message = "`fetch` gave something that is no Response; check the function given as option `fetch`";
    TokenError::new(ErrorCode::Protocol, message)
}

/// Calls a callback, if there is one, and ignores its exceptions.
fn end(function: Option<Function>) {
    if let Some(function) = function {
        let _ = function.call0(&JsValue::UNDEFINED);
    }
}

/// Returns a callback for timers and page events. It holds a weak reference, so the driver can be dropped.
fn waking(driver: Weak<Driver>, first: impl Fn(&Driver) + 'static) -> impl FnMut() + 'static {
    move || {
        if let Some(driver) = driver.upgrade() {
            first(&driver);
            driver.woke();
        }
    }
}
