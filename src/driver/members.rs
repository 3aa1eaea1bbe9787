//! Connects the sessions of the core to their handles in JavaScript.
//!
//! A session handle ([`Desk`]) receives the calls of one session and returns its cached token. A session that the core
//! opened by itself has no handle.

use std::{cell::RefMut, rc::Rc};

use js_sys::{Function, JSON};
use wasm_bindgen::prelude::*;

use super::{Driver, end};
use crate::{
    core::{Identity, IoScope, ScopeSet, SessionId, TokenError, TokenSet, UnixMillis, millis},
    graphql::token_digest,
    host::{HostBindings, PLATFORM, StoreEntry, from_js, wall},
    js::{Desk, Held},
    options::{Selection, read_selector},
    store,
};

/// The driver's state of one session.
pub(super) struct Member {
    id: SessionId,
    /// Its selector, as received from JavaScript.
    pub(super) key: JsValue,
    /// The scopes that each of its grants requests.
    pub(super) scopes: ScopeSet,
    desk: Option<Desk>,
    /// The digest of the token that was discarded because the API rejected it, until another one is granted.
    pub(super) refused: Option<String>,
    /// The token that was last pushed to the handle.
    parts: Option<Told>,
    /// Ends the subscription to changes in the shared store.
    unwatch: Option<Function>,
}

struct Told {
    tokens: Rc<TokenSet>,
    held: Held,
    served_until: UnixMillis,
}

/// The parameters for opening a session.
#[derive(Clone)]
pub(super) struct Opening {
    pub(super) identity: Identity,
    pub(super) scopes: ScopeSet,
}

impl Driver {
    /// Parses a selector.
    pub(super) fn selection(&self, key: &JsValue) -> Result<Selection, TokenError> {
        let written = key.as_string().and_then(|text| JSON::parse(&text).ok());
        read_selector(&from_js(written.as_ref().unwrap_or(key)), &self.settings)
    }

    /// Returns the parameters for opening the session of a handle, or `None` if it is open.
    pub(super) fn opening(&self, desk: &Desk) -> Result<Option<Opening>, TokenError> {
        if self.session_at(desk).is_some() {
            return Ok(None);
        }
        let selection = self.selection(&desk.key())?;
        let identity = store::identity(&self.settings, &selection, PLATFORM);
        Ok(Some(Opening {
            identity,
            scopes: selection.scopes.unwrap_or_else(|| self.settings.scopes.clone()),
        }))
    }

    /// Returns the session of a handle, if it is open.
    pub(super) fn session_at(&self, desk: &Desk) -> Option<SessionId> {
        let id = SessionId::from_js(desk.session()?);
        // After a crash of the core, its successor may have given the same id to another session.
        self.member(id).filter(|member| member.desk.as_ref() == Some(desk)).map(|_| id)
    }

    /// Borrows the state of a session, if it is open. The borrow must end before JavaScript runs.
    pub(super) fn member(&self, id: SessionId) -> Option<RefMut<'_, Member>> {
        let found = RefMut::filter_map(self.members.borrow_mut(), |members| {
            members.get_mut(id.slot() as usize)?.as_mut().filter(|member| member.id == id)
        });
        found.ok()
    }

    /// Reports to the handle that I/O starts, where I/O ends with the request that started it.
    pub(super) fn io_started(&self, id: SessionId) {
        if self.settings.policy.io_scope == IoScope::Request
            && let Some(desk) = self.member(id).and_then(|member| member.desk.clone())
        {
            desk.io_started();
        }
    }

    /// Returns the selector and the scopes of an open session.
    pub(super) fn about(&self, id: SessionId) -> Option<(JsValue, ScopeSet)> {
        self.member(id).map(|member| (member.key.clone(), member.scopes.clone()))
    }

    /// Connects a handle to a session, and pushes the cached token to it.
    pub(super) fn seat(self: &Rc<Self>, id: SessionId, desk: &Desk) {
        self.enrol(id);
        let key = desk.key();
        let Some(mut member) = self.member(id) else { return };
        member.key = key;
        member.parts = None;
        let before = member.desk.replace(desk.clone());
        drop(member);
        if let Some(before) = before {
            before.drop_hold();
        }
        desk.seated(id.to_js());
        self.show(id);
        self.watch(id, desk);
    }

    /// Adds the driver's state of a session, if it is missing.
    fn enrol(&self, id: SessionId) {
        let place = id.slot() as usize;
        if self.member(id).is_some() {
            return;
        }
        let pool = self.pool.borrow();
        let (Some(machine), Some(key)) = (pool.session(id), pool.context(id)) else { return };
        let (key, scopes) = (key.clone(), machine.scopes().clone());
        let mut members = self.members.borrow_mut();
        if members.len() <= place {
            members.resize_with(place + 1, || None);
        }
        members[place] =
            Some(Member { id, key, scopes, desk: None, refused: None, parts: None, unwatch: None });
    }

    /// Subscribes to the records of all sessions, once the holder's digest is known.
    pub(super) fn watch_all(&self) {
        let mut place = 0;
        // The store's `watch` is user code and may call any method, so nothing is borrowed across it.
        while place < self.members.borrow().len() {
            let found = self.members.borrow()[place]
                .as_ref()
                .and_then(|it| it.desk.clone().map(|desk| (it.id, desk)));
            if let Some((id, desk)) = found {
                self.watch(id, &desk);
            }
            place += 1;
        }
    }

    fn watch(&self, id: SessionId, desk: &Desk) {
        // Where I/O ends with the request that started it, a subscription would end with the request as well.
        let is_watched = self.member(id).is_none_or(|member| member.unwatch.is_some());
        if is_watched || self.settings.policy.io_scope == IoScope::Request {
            return;
        }
        let Some((entry, _)) = self.entry(id) else { return };
        let unwatch = entry.watch(&desk.watcher());
        if let Some(mut member) = self.member(id) {
            member.unwatch = unwatch;
        }
    }

    /// Returns the session's entry in the shared store and its key. `None` without a store, or if the holder's digest
    /// is unknown.
    pub(super) fn entry(&self, id: SessionId) -> Option<(StoreEntry, String)> {
        let store = self.settings.store.as_ref()?;
        let holder = self.holder.get()?;
        let (key, scopes) = self.about(id)?;
        let selection = self.selection(&key).ok()?;
        let name = store::cache_key(holder, &self.settings, &selection, &scopes, PLATFORM);
        Some((StoreEntry::new(HostBindings::clone(&self.face), store.clone(), &name), name))
    }

    /// Removes the driver's state of a session that ended or was evicted.
    pub(super) fn forget(&self, id: SessionId) {
        if self.member(id).is_none() {
            return;
        }
        let gone = self.members.borrow_mut().get_mut(id.slot() as usize).and_then(Option::take);
        let Some(Member { desk, unwatch, .. }) = gone else { return };
        if let Some(desk) = desk {
            desk.drop_hold();
        }
        end(unwatch);
    }

    /// Ends the subscriptions of all sessions.
    pub(super) fn unwatch(&self) {
        let mut place = 0;
        // Ending a subscription runs user code, which may call any method, so nothing is borrowed across it.
        while place < self.members.borrow().len() {
            let unwatch = self.members.borrow_mut()[place].as_mut().and_then(|member| member.unwatch.take());
            end(unwatch);
            place += 1;
        }
    }

    /// Pushes the cached tokens of all sessions that the last input may have changed.
    pub(super) fn publish(&self) {
        let mut dirty = self.pool.borrow().dirty().to_vec();
        dirty.dedup();
        for id in dirty {
            self.enrol(id);
            self.show(id);
        }
    }

    /// Pushes the cached token and its times to the handle, if they have changed.
    fn show(&self, id: SessionId) {
        let Some(desk) = self.member(id).and_then(|member| member.desk.clone()) else { return };
        let now = self.clock.now();
        let hold = {
            let pool = self.pool.borrow();
            let held = pool.session(id).and_then(|machine| machine.held());
            let valid = held.filter(|tokens| now < tokens.expires_at).cloned();
            valid.zip(pool.served_until(id))
        };
        let Some((tokens, served_until)) = hold else {
            let parts = self.member(id).and_then(|mut member| member.parts.take());
            if let Some(parts) = parts {
                // An expired token is still cached, so a missing one was discarded after a rejection.
                if self.pool.borrow().session(id).is_some_and(|machine| machine.held().is_none())
                    && let Some(mut member) = self.member(id)
                {
                    member.refused = Some(token_digest(&parts.tokens.access_token));
                }
                desk.drop_hold();
            }
            return;
        };
        let held = self.held(id, &tokens);
        // JavaScript compares these times with the wall clock, which is the cheapest to read. They are converted to it
        // here, and pushed again after that clock was set.
        let by_wall = |at: UnixMillis| at.shifted(wall().ahead_of(now));
        let served_until = by_wall(served_until);
        let valid_until = by_wall(tokens.expires_at);
        let Some(mut member) = self.member(id) else { return };
        let close = |parts: &Told| {
            let apart = parts.served_until.since(served_until).max(served_until.since(parts.served_until));
            parts.tokens == tokens && millis(apart) < CLOSE
        };
        if member.parts.as_ref().is_some_and(close) {
            return;
        }
        member.parts = Some(Told { tokens, held: held.clone(), served_until });
        drop(member);
        desk.hold(&held, served_until.to_js(), valid_until.to_js());
    }

    /// Returns the JavaScript object of a token, and reuses the existing one if it is equal. A provider may return the
    /// same token with another expiry, which makes a new object.
    pub(super) fn held(&self, id: SessionId, tokens: &Rc<TokenSet>) -> Held {
        let mut scopes = None;
        if let Some(member) = self.member(id) {
            if let Some(parts) = member.parts.as_ref().filter(|parts| parts.tokens == *tokens) {
                return parts.held.clone();
            }
            scopes = Some(member.scopes.clone());
        }
        // The token was lent, or its session has no handle. Thousands of callers may share it.
        if let Some((_, made)) = self.made.borrow().as_ref().filter(|(known, _)| known == tokens) {
            return made.clone();
        }
        let scopes = tokens.scopes.as_ref().or(scopes.as_ref()).unwrap_or(&self.settings.scopes);
        let made = self.face.token(tokens, scopes);
        self.made.replace(Some((tokens.clone(), made.clone())));
        made
    }
}

/// Largest difference, in milliseconds, at which two times count as equal: the clocks are read one after the other.
const CLOSE: u64 = 20;
