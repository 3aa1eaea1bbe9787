//! The event loop between the core and its host. It performs effects, and decides nothing.
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
        AccessToken, CallId, Effect, ErrorCode, Event, Input, IoScope, Jitter, Pool, PoolEffect,
        RefreshToken, ScopeSet, Secret, Session, SessionId, Status, TokenError, TokenRequest, TokenSet,
    },
    grant::GrantTask,
    graphql::{
        AuthStatus, InitialRefreshTokens, Rotation, SchemaVariants, check_rejection, classify,
        repeated_rejection, rotated_token,
    },
    host::{
        Clock, HostBindings, PLATFORM, Timer, VisibilityListener, grow_ahead, is_page, seed,
        status_and_headers_of,
    },
    http::HttpResponse,
    js::{
        JsAccessToken, ManagerCallbacks, SessionHandle, api_profile_to_js, error_to_js, event_to_js,
        secret_in_page_warning, status_to_js,
    },
    options::{Config, GrantSource, KeepAlive, Selection},
    store::{CredentialsDigest, identity, manager_identity},
};

mod in_flight;
mod sessions;
mod sign_outs;
mod store_ops;

use in_flight::{InFlight, Recipient};
use sessions::{SessionEntry, SessionSpec};
use sign_outs::SignOuts;
use store_ops::HeldLeases;

/// The event loop of one manager.
pub(crate) struct Driver {
    config: Config,
    /// The sessions. Each has its selector, as received from JavaScript.
    pool: RefCell<Pool<JsValue>>,
    /// Indexed by slot.
    sessions: RefCell<Vec<Option<SessionEntry>>>,
    inbox: RefCell<Vec<Message>>,
    draining: Cell<bool>,
    clock: Clock,
    timer: Timer,
    /// Subscribed while the manager is open.
    visibility: RefCell<Option<VisibilityListener>>,
    /// The schema variants that worked, kept between grants.
    schema_variants: RefCell<SchemaVariants>,
    initial_refresh_tokens: RefCell<InitialRefreshTokens>,
    in_flight: RefCell<Vec<InFlight>>,
    leases: HeldLeases,
    sign_outs: SignOuts,
    /// Part of the keys in the store. Unknown until functions have returned the secrets that it depends on. Where these
    /// receive the selector, each session has a digest of its own, and this is that of the first one.
    credentials_digest: OnceCell<CredentialsDigest>,
    has_session_digests: bool,
    /// Called when the work that remains after a close is done.
    closed: RefCell<Option<(Function, Rc<Self>)>>,
    close_callbacks: RefCell<Vec<(SessionId, Function)>>,
    callbacks: ManagerCallbacks,
    has_warned_of_lifetime: Cell<bool>,
    /// The JavaScript objects of the last token and the last error, because thousands of callers may share one.
    last_token: RefCell<Option<(Rc<TokenSet>, JsAccessToken)>>,
    last_error: RefCell<Option<(TokenError, JsValue)>>,
}

/// A message for the event loop.
enum Message {
    /// An input for the session of a handle. The session is opened if it is not open.
    ForHandle(SessionHandle, Option<SessionSpec>, Input),
    /// An input for one session.
    ForSession(SessionId, Input),
    /// Time passed, or the clock was set.
    RunDue,
    /// The effects of a sign-out, which has happened already.
    Perform(Vec<PoolEffect>),
    Closed,
}

impl Driver {
    pub(crate) fn new(mut config: Config, callbacks: ManagerCallbacks) -> Rc<Self> {
        if callbacks.io_ends_with_request() {
            config.policy.io_scope = IoScope::Request;
            // A queued session would receive its permit within a request that belongs to another session. Hosts of this
            // kind limit the concurrency of each request themselves.
            config.limits.max_concurrent_grants = usize::MAX;
        }
        let clock = Clock::new(HostBindings::clone(&callbacks));
        let handle = callbacks.default_handle();
        let identity = identity(&config, &Selection::default(), PLATFORM);
        let default_session = (identity, config.scopes.clone(), handle.selector());
        let pool = Pool::new(
            config.policy.clone(),
            config.limits,
            Jitter::new(seed()),
            default_session,
            clock.now(),
        );
        let schema_variants = SchemaVariants::default();
        let credentials_digest =
            CredentialsDigest::of(&config, None, PLATFORM).map_or_else(OnceCell::new, OnceCell::from);
        let has_session_digests = config.profile.has_session_secrets && credentials_digest.get().is_none();
        if is_page() && matches!(&config.grant_source, GrantSource::Profile(sources) if !sources.is_empty()) {
            callbacks.notify(&secret_in_page_warning(), &handle.selector());
        }
        let driver = Rc::new_cyclic(|driver: &Weak<Self>| Self {
            config,
            pool: RefCell::new(pool),
            sessions: RefCell::default(),
            inbox: RefCell::default(),
            draining: Cell::new(false),
            clock,
            timer: Timer::new(
                HostBindings::clone(&callbacks),
                weak_callback(driver.clone(), |driver| driver.timer.fired()),
            ),
            visibility: RefCell::new(Some(VisibilityListener::new(
                &callbacks,
                weak_callback(driver.clone(), |_| ()),
            ))),
            schema_variants: RefCell::new(schema_variants),
            initial_refresh_tokens: RefCell::default(),
            in_flight: RefCell::default(),
            leases: HeldLeases::default(),
            sign_outs: SignOuts::default(),
            credentials_digest,
            has_session_digests,
            closed: RefCell::default(),
            close_callbacks: RefCell::default(),
            callbacks,
            has_warned_of_lifetime: Cell::new(false),
            last_token: RefCell::default(),
            last_error: RefCell::default(),
        });
        driver.bind(driver.default_session(), &handle);
        driver.report_identity();
        driver
    }

    /// Returns the digest of the credentials of a session, if it is known.
    fn session_digest(&self, session: SessionId) -> Option<CredentialsDigest> {
        if self.has_session_digests {
            return self.entry(session)?.credentials_digest.clone();
        }
        self.credentials_digest.get().cloned()
    }

    /// Computes the digest of the credentials of a session from secrets that functions returned for it, if it is unknown.
    ///
    /// The first digest is kept: rotating a secret does not change the keys in the store.
    fn set_credentials_digest(self: &Rc<Self>, session: SessionId, secrets: &[Secret]) {
        if self.session_digest(session).is_some() {
            return;
        }
        let Some(digest) = CredentialsDigest::of(&self.config, Some(secrets), PLATFORM) else { return };
        let is_first = self.credentials_digest.set(digest.clone()).is_ok();
        if self.has_session_digests {
            let Some(mut entry) = self.entry(session) else { return };
            entry.credentials_digest = Some(digest);
            let handle = entry.handle.clone();
            drop(entry);
            if let Some(handle) = handle {
                self.watch(session, &handle);
            }
        } else {
            self.watch_all();
        }
        if is_first {
            self.report_identity();
        }
    }

    fn report_identity(&self) {
        let identity = |credentials| manager_identity(credentials, &self.config, PLATFORM);
        if let Some(digest) = self.credentials_digest.get().and_then(identity) {
            self.callbacks.identified(&digest);
        }
    }

    /// Enqueues an input for the session of a handle, and opens the session if it is not open.
    ///
    /// # Errors
    ///
    /// `invalid_options` if the selector of the handle is invalid.
    pub(crate) fn handle_or_open(
        self: &Rc<Self>,
        handle: &SessionHandle,
        input: Input,
    ) -> Result<(), TokenError> {
        let session_spec = self.session_spec(handle)?;
        self.enqueue(Message::ForHandle(handle.clone(), session_spec, input));
        Ok(())
    }

    /// Enqueues an input for the session of a handle, if it is open.
    pub(crate) fn handle_if_open(self: &Rc<Self>, handle: &SessionHandle, input: Input) {
        if let Some(session) = self.session_at(handle) {
            self.dispatch(session, input);
        }
    }

    /// Cancels a call.
    pub(crate) fn cancel_call(self: &Rc<Self>, handle: &SessionHandle, call: CallId) {
        // The session may have been evicted, and a sibling may serve the call by now. The pool finds it by the call id.
        let session = self.session_at(handle).unwrap_or_else(|| self.default_session());
        self.cancel(Recipient::Caller(call));
        self.dispatch(session, Input::Cancelled(call));
    }

    /// Requests the scopes for a caller: those of the application if the provider has an operation for them, otherwise
    /// those of a token.
    ///
    /// # Errors
    ///
    /// `invalid_options` if the selector of the handle is invalid.
    pub(crate) fn request_scopes(
        self: &Rc<Self>,
        handle: &SessionHandle,
        call: CallId,
    ) -> Result<(), TokenError> {
        if self.config.profile.application_scopes.is_none() {
            return self.handle_or_open(handle, Input::Requested(call, TokenRequest::DEFAULT));
        }
        self.session_spec(handle)?;
        // The application's scopes are the same for all sessions.
        self.send(self.default_session(), Recipient::Caller(call), GrantTask::ApplicationScopes, None);
        Ok(())
    }

    /// Requests the values of headers that functions return, for a caller. The session need not be open.
    ///
    /// # Errors
    ///
    /// `invalid_options` if the selector of the handle is invalid.
    pub(crate) fn request_header_secrets(
        self: &Rc<Self>,
        handle: &SessionHandle,
        call: CallId,
    ) -> Result<(), TokenError> {
        self.selection(&handle.selector())?;
        let requested = Some((handle.selector(), self.config.scopes.clone()));
        self.send_for(
            self.default_session(),
            requested,
            Recipient::Caller(call),
            GrantTask::HeaderSecrets,
            None,
        );
        Ok(())
    }

    /// Runs what is due, after the timer fired or the clock may have been stopped or set.
    pub(crate) fn run_due(self: &Rc<Self>) {
        self.enqueue(Message::RunDue);
    }

    /// Same as [`run_due`](Self::run_due), within a call that belongs to a handle. Where I/O ends with the request that
    /// started it, only what is due for the session of that handle is run.
    pub(crate) fn run_due_for(self: &Rc<Self>, handle: &SessionHandle) {
        match self.config.policy.io_scope {
            IoScope::Process => self.run_due(),
            IoScope::Request => {
                self.handle_if_open(handle, Input::TimerFired);
                // The sessions of a sign-out belong to the call that waits for it.
                for session in self.sign_outs.sessions() {
                    self.dispatch(session, Input::TimerFired);
                }
            }
        }
    }

    /// Enqueues an input for a session.
    fn dispatch(self: &Rc<Self>, session: SessionId, input: Input) {
        self.enqueue(Message::ForSession(session, input));
    }

    fn enqueue(self: &Rc<Self>, message: Message) {
        self.inbox.borrow_mut().push(message);
        if self.draining.replace(true) {
            return;
        }
        loop {
            let messages = self.inbox.take();
            if messages.is_empty() {
                break;
            }
            for message in messages {
                self.process(message);
            }
        }
        self.draining.set(false);
        self.rearm();
        self.callbacks.status_changed();
        if !self.pool.borrow().is_busy() {
            call_back(self.closed.take().map(|(on_closed, _)| on_closed));
        }
    }

    fn process(self: &Rc<Self>, message: Message) {
        let effects = self.handle(message);
        self.publish();
        for effect in effects {
            match effect {
                PoolEffect::Session(session, effect) => self.perform(session, effect),
                PoolEffect::Evicted(session) => self.remove(session),
            }
        }
    }

    fn handle(self: &Rc<Self>, message: Message) -> Vec<PoolEffect> {
        grow_ahead();
        let now = self.clock.now();
        match message {
            Message::ForHandle(handle, session_spec, input) => {
                let session = self.open(&handle, session_spec);
                self.pool.borrow_mut().handle(session, input, now)
            }
            Message::ForSession(session, input) => self.pool.borrow_mut().handle(session, input, now),
            Message::RunDue => self.pool.borrow_mut().timer_fired(now),
            Message::Perform(effects) => effects,
            Message::Closed => self.pool.borrow_mut().close(now),
        }
    }

    /// Returns the session of a handle, and opens one if it has none or if it was evicted.
    fn open(self: &Rc<Self>, handle: &SessionHandle, session_spec: Option<SessionSpec>) -> SessionId {
        if let Some(session) = self.session_at(handle) {
            return session;
        }
        // The session may have been evicted after this message was enqueued; its selector was valid then.
        let session_spec = session_spec.or_else(|| self.session_spec(handle).ok().flatten());
        let Some(SessionSpec { identity, scopes }) = session_spec else { return self.default_session() };
        let session = self.pool.borrow_mut().open(identity, &scopes, handle.selector(), self.clock.now());
        self.bind(session, handle);
        session
    }

    fn remove(&self, session: SessionId) {
        let is_closed = self.close_callbacks.borrow().iter().any(|(of, _)| *of == session);
        self.observe(session, if is_closed { "session closed" } else { "evicted" }, f64::NAN, None);
        self.forget(session);
        while let Some(on_closed) = self.take_close_callback(session) {
            call_back(Some(on_closed));
        }
    }

    /// Removes and returns one callback that waits for the end of a session.
    fn take_close_callback(&self, session: SessionId) -> Option<Function> {
        let mut close_callbacks = self.close_callbacks.borrow_mut();
        let index = close_callbacks.iter().position(|(of, _)| *of == session)?;
        Some(close_callbacks.remove(index).1)
    }

    /// Adopts a newer token of the same session from an ordinary response. The request carried `sent`, which is
    /// `lent` as well if another session lent it. Returns the effect of the response on that token.
    pub(crate) fn adopt(
        self: &Rc<Self>,
        handle: &SessionHandle,
        response: &JsValue,
        body: String,
        sent: &AccessToken,
        lent: Option<&AccessToken>,
    ) -> AuthStatus {
        let rotated = match self.rotation(response, body, sent) {
            Rotation::Unchanged => return AuthStatus::Accepted,
            Rotation::Ended(status) => return status,
            Rotation::Token(rotated) => rotated,
        };
        if let Some(lent) = lent {
            // The new token has the scopes of the session that lent the old one, and belongs to that session.
            let borrower = self.session_at(handle);
            let lender = borrower.and_then(|session| self.pool.borrow().session_of_token(session, lent));
            if let Some(lender) = lender {
                self.dispatch(lender, Input::TokenReceived(rotated));
            }
        } else {
            // A session with an invalid selector receives no token.
            let _ = self.handle_or_open(handle, Input::TokenReceived(rotated));
        }
        AuthStatus::Accepted
    }

    pub(crate) fn api_profile(&self) -> JsValue {
        api_profile_to_js(&self.config)
    }

    pub(crate) fn check_rejection(&self, status: u16, body: Option<&str>, predicates: u8) -> AuthStatus {
        check_rejection(&self.config.profile, status, body, predicates, PLATFORM)
    }

    pub(crate) fn classify(&self, response: &JsValue, body: String, predicates: u8) -> TokenError {
        match self.http_response(response, &["date", "retry-after", "content-type"], body) {
            Some(response) => {
                classify(&self.config.profile, &HttpResponse { predicates, ..response }, PLATFORM)
            }
            None => not_a_response(),
        }
    }

    pub(crate) fn repeated_rejection(
        &self,
        handle: &SessionHandle,
        response: &JsValue,
        body: String,
        needed: Option<&ScopeSet>,
    ) -> TokenError {
        let Some(response) = self.http_response(response, &[], body) else { return not_a_response() };
        let session = self.session_at(handle);
        let pool = self.pool.borrow();
        let machine = session.and_then(|session| pool.session(session));
        let granted = machine.and_then(|machine| machine.tokens()?.scopes.as_ref());
        let granted = granted.or_else(|| machine.map(|machine| machine.scopes()));
        repeated_rejection(
            &self.config.profile,
            granted.unwrap_or(&self.config.scopes),
            needed,
            &response,
            PLATFORM,
        )
    }

    /// Returns the refresh token of a session, so that no error quotes it.
    pub(crate) fn refresh_token(&self, handle: &SessionHandle) -> Option<RefreshToken> {
        let session = self.session_at(handle)?;
        self.pool.borrow().session(session)?.refresh_token().cloned()
    }

    pub(crate) fn status(&self, handle: &SessionHandle) -> JsValue {
        let session = self.session_at(handle);
        let pool = self.pool.borrow();
        let machine = session.and_then(|session| pool.session(session));
        let status = machine.map_or_else(Status::default, |machine| machine.status(self.clock.now()));
        status_to_js(&status, pool.len())
    }

    /// Connects a handle to its session, if that is open, and pushes the cached token to the handle.
    pub(crate) fn attach(self: &Rc<Self>, handle: &SessionHandle) {
        let Ok(Some(SessionSpec { identity, scopes })) = self.session_spec(handle) else { return };
        let open = self.pool.borrow().find(identity, &scopes);
        if let Some(session) = open {
            self.bind(session, handle);
        }
    }

    /// Closes the manager, and calls `on_closed` when no work remains.
    pub(crate) fn close(self: &Rc<Self>, on_closed: Function) {
        // Until then it owns itself: the manager is freed, and a timer has a weak reference alone.
        self.closed.replace(Some((on_closed, Rc::clone(self))));
        self.enqueue(Message::Closed);
        self.cancel_callers();
        self.visibility.take();
        self.unwatch();
    }

    /// Closes one session, and calls `on_closed` when no work remains for it. The default session is not closed.
    pub(crate) fn close_session(self: &Rc<Self>, handle: &SessionHandle, on_closed: Function) {
        match self.session_at(handle) {
            Some(session) if session != self.default_session() => {
                self.close_callbacks.borrow_mut().push((session, on_closed));
                self.dispatch(session, Input::Closed);
            }
            Some(_) | None => call_back(Some(on_closed)),
        }
    }

    fn default_session(&self) -> SessionId {
        self.pool.borrow().default_session()
    }

    /// Returns the meaning of a response for the token that was sent.
    fn rotation(&self, response: &JsValue, body: String, sent: &AccessToken) -> Rotation {
        let profile = &self.config.profile;
        let mut wanted = vec!["date"];
        let headers = profile.rotation.iter().flat_map(|rotation| rotation.headers.iter());
        headers.for_each(|name| wanted.push(name));
        match self.http_response(response, &wanted, body) {
            Some(response) => rotated_token(profile, &response, sent, PLATFORM),
            None => Rotation::Unchanged,
        }
    }

    /// Converts a response that has just arrived to an ordinary application request. Returns `None` if it is not a
    /// `Response`.
    fn http_response(&self, response: &JsValue, wanted: &[&str], body: String) -> Option<HttpResponse> {
        let (status, headers) = status_and_headers_of(&self.callbacks, response, wanted)?;
        let now = self.clock.now();
        Some(HttpResponse {
            status,
            headers,
            body: Secret::new(body),
            provider_errors: None,
            predicates: 0,
            sent_at: now,
            received_at: now,
        })
    }

    fn perform(self: &Rc<Self>, session: SessionId, effect: Effect) {
        match effect {
            Effect::Resolve(call, Ok(tokens)) => {
                self.callbacks.resolve(call, &self.js_token(session, &tokens))
            }
            Effect::Resolve(call, Err(error)) => self.callbacks.reject(call, &self.error_object(error)),
            Effect::Send(id, grant) => {
                let secrets = self.leases.take_secrets(session, id);
                self.send(session, Recipient::Acquisition(session, id), GrantTask::Token(grant), secrets);
            }
            Effect::Cancel(id) => self.cancel(Recipient::Acquisition(session, id)),
            Effect::ReadStore(id) => self.read_store(session, id),
            Effect::AcquireLease(id) => self.acquire(session, id),
            Effect::WriteStore(id, fence, record) => self.write_store(session, id, fence, record),
            Effect::ReleaseLease(id) => self.release(session, id),
            Effect::Revoke(tokens) => self.revoke_tokens(session, tokens),
            Effect::ReportCleared(result) => self.report_cleared(session, &result),
            // Closing the default session closes the manager; other sessions close without this event.
            Effect::Emit(Event::Closed) if session != self.default_session() => {}
            Effect::Emit(event) => self.notify(session, event),
        }
    }

    fn notify(&self, session: SessionId, event: Event) {
        let Some((selector, scopes)) = self.selector_and_scopes(session) else { return };
        self.callbacks.notify(&event_to_js(&event, &scopes, &self.config.profile.name), &selector);
        if matches!(event, Event::Token { .. }) && self.callbacks.is_observed() {
            let planned = self.pool.borrow().session(session).and_then(Session::refresh_at);
            if let Some(at) = planned {
                self.observe(session, "refresh planned", at.to_js(), None);
            }
        }
    }

    /// Reports a step to observers, if there are any.
    #[inline(never)]
    fn observe(&self, session: SessionId, name: &str, number: f64, error: Option<&TokenError>) {
        self.step(Step { session, name, detail: "", number, error }, &JsValue::UNDEFINED);
    }

    /// As [`observe`](Self::observe). The start of a grant returns what the report of its end passes as `started`. Runs user
    /// code, so nothing may be borrowed.
    #[inline(never)]
    fn step(&self, step: Step<'_>, started: &JsValue) -> JsValue {
        let Step { session, name, detail, number, error } = step;
        if !self.callbacks.is_observed() {
            return JsValue::UNDEFINED;
        }
        let selector = self.entry(session).map(|entry| entry.selector.clone()).unwrap_or_default();
        let error = error.map(error_to_js).unwrap_or_default();
        self.callbacks.step(name, detail, number, &error, started, &selector)
    }

    /// Returns the JavaScript error, and reuses the last one if it is equal.
    fn error_object(&self, error: TokenError) -> JsValue {
        if let Some((_, object)) = self.last_error.borrow().as_ref().filter(|(known, _)| *known == error) {
            return object.clone();
        }
        let object = self.callbacks.create_error(&error_to_js(&error));
        self.last_error.replace(Some((error, object.clone())));
        object
    }

    fn rearm(&self) {
        let pool = self.pool.borrow();
        let is_awaited = pool.is_awaited() || self.sign_outs.is_pending();
        let keep_alive = if is_awaited { KeepAlive::Yes } else { self.config.keep_alive };
        self.timer.set(pool.poll_timeout(), keep_alive, self.clock.now());
    }
}

/// A step that only observers receive; `pkg-template/src/trace.js` gives it its form. It contains no secret.
#[derive(Clone, Copy)]
struct Step<'a> {
    session: SessionId,
    name: &'a str,
    detail: &'a str,
    /// Of a grant the attempt, of a planned refresh its time, of an operation its duration; otherwise NaN.
    number: f64,
    error: Option<&'a TokenError>,
}

fn not_a_response() -> TokenError {
    let message = "`fetch` did not return a Response; check the function given as option `fetch`";
    TokenError::new(ErrorCode::Protocol, message)
}

/// Calls a callback, if there is one, and ignores its exceptions.
fn call_back(function: Option<Function>) {
    if let Some(function) = function {
        let _ = function.call0(&JsValue::UNDEFINED);
    }
}

/// Returns a callback for timers and page events. It holds a weak reference, so the driver can be dropped.
fn weak_callback(driver: Weak<Driver>, first: impl Fn(&Driver) + 'static) -> impl FnMut() + 'static {
    move || {
        if let Some(driver) = driver.upgrade() {
            first(&driver);
            driver.run_due();
        }
    }
}
