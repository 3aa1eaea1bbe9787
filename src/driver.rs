//! The loop between the core and the world. Acts, and never decides.
//!
//! ```text
//!   exported methods, timers, answers ──▶ dispatch ──▶ Pool::handle ──▶ perform
//!                                            ▲                                 │
//!                                            └──── events, listeners ◀─────────┘
//! ```
//!
//! Whatever is performed may call JavaScript, which may call any method of the
//! manager. Such a call puts its event into the inbox, where the loop that is
//! running finds it: nothing is borrowed while JavaScript runs.

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
    host::{Alarm, Clock, Hold, Outside, PLATFORM, Wakeups, headers_of, is_page, seed},
    http::HttpResponse,
    js::{Desk, Face, Held, error_view, news_view, secret_in_page, status_view, traits_view},
    options::{Config, GrantSource, KeepAlive, Selection},
    store::{HolderDigest, identity, manager_identity},
};

mod members;
mod sharing;
mod wire;

use members::{Member, Opening};
use sharing::Shared;
use wire::{Asker, OnWire};

/// Drives one manager.
pub(crate) struct Driver {
    settings: Config,
    /// Each session's context is its selector, as the face wrote it.
    pool: RefCell<Pool<JsValue>>,
    /// By place.
    members: RefCell<Vec<Option<Member>>>,
    inbox: RefCell<Vec<Happening>>,
    draining: Cell<bool>,
    clock: Clock,
    alarm: Alarm,
    /// Listens for as long as the manager is open.
    wakeups: RefCell<Option<Wakeups>>,
    /// What was learned of the API; kept between grants.
    dialect: RefCell<SchemaVariants>,
    on_wire: RefCell<Vec<OnWire>>,
    shared: Shared,
    /// Whose entries in the store are; not known where it depends on secrets that functions give, until they were called.
    holder: OnceCell<HolderDigest>,
    /// Called when all that was to be done after a close is done: of the manager, of sessions.
    closed: RefCell<Option<Function>>,
    gone: RefCell<Vec<(SessionId, Function)>>,
    face: Face,
    /// The last token and error, as the face has them: thousands of callers may share one.
    made: RefCell<Option<(Rc<TokenSet>, Held)>>,
    blamed: RefCell<Option<(TokenError, JsValue)>>,
}

/// What the loop takes note of.
enum Happening {
    /// Something was asked for at a desk, whose session is opened where it is not open.
    At(Desk, Option<Opening>, Input),
    /// Something came for a session.
    For(SessionId, Input),
    Woke,
    Closed,
}

impl Driver {
    pub(crate) fn new(mut settings: Config, face: Face) -> Rc<Self> {
        if face.io_ends_with_request() {
            settings.policy.io_scope = IoScope::Request;
            // One session's turn would come in a request that is about another. Hosts limit each request.
            settings.limits.max_concurrent_grants = usize::MAX;
        }
        let clock = Clock::new(Outside::clone(&face));
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
            alarm: Alarm::new(Outside::clone(&face), waking(driver.clone(), |driver| driver.alarm.rang())),
            wakeups: RefCell::new(Some(Wakeups::new(&face, waking(driver.clone(), |_| ())))),
            dialect: RefCell::new(dialect),
            on_wire: RefCell::default(),
            shared: Shared::default(),
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

    /// Computes the holder's digest from secrets that functions gave, where it is not known.
    ///
    /// The first digest stays, since a secret that is rotated is still the same holder's.
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

    /// A caller wants a token, or something is to be done about one.
    ///
    /// # Errors
    ///
    /// `invalid_options` where the desk's selector is wrong.
    pub(crate) fn ask(self: &Rc<Self>, desk: &Desk, event: Input) -> Result<(), TokenError> {
        let opening = self.opening(desk)?;
        self.take_note(Happening::At(desk.clone(), opening, event));
        Ok(())
    }

    /// Something is told that matters only to a session that is open.
    pub(crate) fn tell(self: &Rc<Self>, desk: &Desk, event: Input) {
        if let Some(session) = self.session_at(desk) {
            self.dispatch(session, event);
        }
    }

    /// A caller no longer waits.
    pub(crate) fn abandon(self: &Rc<Self>, desk: &Desk, call: CallId) {
        // Its session may be gone, and the caller be with another since.
        let session = self.session_at(desk).unwrap_or_else(|| self.own());
        self.cancel(Asker::Caller(call));
        self.dispatch(session, Input::Cancelled(call));
    }

    /// A caller wants to know the scopes: the application's where it can be asked for them, else
    /// those of a token.
    ///
    /// # Errors
    ///
    /// `invalid_options` where the desk's selector is wrong.
    pub(crate) fn ask_scopes(self: &Rc<Self>, desk: &Desk, call: CallId) -> Result<(), TokenError> {
        if self.settings.profile.application_scopes.is_none() {
            return self.ask(desk, Input::Requested(call, TokenRequest::DEFAULT));
        }
        self.opening(desk)?;
        // They are the same for all sessions.
        self.send(self.own(), Asker::Caller(call), Errand::ApplicationScopes, None);
        Ok(())
    }

    /// The alarm went off, or time is not what it seemed.
    pub(crate) fn woke(self: &Rc<Self>) {
        self.take_note(Happening::Woke);
    }

    /// As [`woke`](Self::woke), told by a caller of a desk. Where I/O ends with its request, only that session may do
    /// what is due.
    pub(crate) fn woke_at(self: &Rc<Self>, desk: &Desk) {
        match self.settings.policy.io_scope {
            IoScope::Process => self.woke(),
            IoScope::Request => self.tell(desk, Input::TimerFired),
        }
    }

    /// Takes note of what has happened to a session, and does what follows.
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
            Happening::Closed => self.pool.borrow_mut().close(now),
        }
    }

    /// The session of a desk; a new one where there is none (any more).
    fn open(self: &Rc<Self>, desk: &Desk, opening: Option<Opening>) -> SessionId {
        if let Some(session) = self.session_at(desk) {
            return session;
        }
        // It may have gone since this was asked for; its selector was accepted then.
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

    /// What waits for the end of a session.
    fn take_gone(&self, session: SessionId) -> Option<Function> {
        let mut gone = self.gone.borrow_mut();
        let place = gone.iter().position(|(of, _)| *of == session)?;
        Some(gone.remove(place).1)
    }

    /// Takes a newer token out of an ordinary answer to a request that carried `lent`, or the
    /// desk's own token; whether there was one.
    pub(crate) fn adopt(
        self: &Rc<Self>,
        desk: &Desk,
        response: &JsValue,
        lent: Option<&AccessToken>,
    ) -> bool {
        let Some(observed) = self.observed(response) else { return false };
        if let Some(lent) = lent {
            // It has the scopes of the session that lent its token, and belongs to that one.
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

    /// Has a desk hand out what its session holds, if that is open.
    pub(crate) fn attach(self: &Rc<Self>, desk: &Desk) {
        let Ok(Some(Opening { identity, scopes })) = self.opening(desk) else { return };
        let open = self.pool.borrow().find(identity, &scopes);
        if let Some(session) = open {
            self.seat(session, desk);
        }
    }

    /// Closes, and calls `ended` when nothing is left to be done.
    pub(crate) fn close(self: &Rc<Self>, ended: Function) {
        self.closed.replace(Some(ended));
        self.take_note(Happening::Closed);
        self.cancel_callers();
        self.wakeups.take();
        self.unwatch();
    }

    /// Closes one session, which is not the manager's own; as [`close`](Self::close).
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

    /// An ordinary answer that has just arrived; `None` if it is none.
    fn answered(&self, response: &JsValue, wanted: &[&str], body: String) -> Option<HttpResponse> {
        let (status, headers) = headers_of(&self.face, response, wanted)?;
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
            Effect::WriteStore(id, fence, tokens) => self.save(session, id, fence, tokens),
            Effect::ReleaseLease(id) => self.release(session, id),
            // The manager is closed only once.
            Effect::Emit(Event::Closed) if session != self.own() => {}
            Effect::Emit(change) => self.notify(session, change),
        }
    }

    fn notify(&self, session: SessionId, change: Event) {
        let Some((key, scopes)) = self.about(session) else { return };
        self.face.notify(&news_view(&change, &scopes, &self.settings.profile.name), &key);
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
        let pool = self.pool.borrow();
        let hold = if pool.is_awaited() || self.settings.keep_alive == KeepAlive::Yes {
            Hold::Process
        } else {
            Hold::Nothing
        };
        self.alarm.set(pool.poll_timeout(), hold, self.clock.now());
    }
}

fn no_answer() -> TokenError {
    let message = "`fetch` gave something that is no Response; check the function given as option `fetch`";
    TokenError::new(ErrorCode::Protocol, message)
}

/// Calls what waits for an end, or brings one about.
fn end(function: Option<Function>) {
    if let Some(function) = function {
        let _ = function.call0(&JsValue::UNDEFINED);
    }
}

/// What timers and events call. They do not keep the driver alive.
fn waking(driver: Weak<Driver>, first: impl Fn(&Driver) + 'static) -> impl FnMut() + 'static {
    move || {
        if let Some(driver) = driver.upgrade() {
            first(&driver);
            driver.woke();
        }
    }
}
