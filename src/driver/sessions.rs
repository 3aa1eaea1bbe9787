//! Connects the sessions of the core to their handles in JavaScript.
//!
//! A session handle ([`SessionHandle`]) receives the calls of one session and returns its cached token. A session that
//! the core opened by itself has no handle.

use std::{cell::RefMut, rc::Rc};

use js_sys::{Function, JSON};
use wasm_bindgen::prelude::*;

use super::{Driver, call_back};
use crate::{
    core::{Generation, Identity, IoScope, ScopeSet, SessionId, TokenError, TokenSet, UnixMillis, millis},
    graphql::token_digest,
    host::{HostBindings, KeyedStore, PLATFORM, from_js, wall},
    js::{JsAccessToken, SessionHandle},
    options::{Selection, read_selector},
    store::{self, CredentialsDigest},
};

/// The driver's state of one session.
pub(super) struct SessionEntry {
    id: SessionId,
    /// As received from JavaScript.
    pub(super) selector: JsValue,
    /// The digest of its credentials, once known, where each session has one.
    pub(super) credentials_digest: Option<CredentialsDigest>,
    /// The scopes that each of its grants requests.
    pub(super) scopes: ScopeSet,
    pub(super) handle: Option<SessionHandle>,
    /// The sign-out that the handle was last notified of.
    pub(super) generation: Generation,
    /// The digest of the token that was discarded because the API rejected it, until another one is granted.
    pub(super) rejected_token: Option<String>,
    /// The token that was last pushed to the handle.
    pub(super) pushed: Option<PushedToken>,
    /// Ends the subscription to changes in the shared store.
    unwatch: Option<Function>,
}

pub(super) struct PushedToken {
    tokens: Rc<TokenSet>,
    object: JsAccessToken,
    served_until: UnixMillis,
}

/// The parameters for opening a session.
#[derive(Clone)]
pub(super) struct SessionSpec {
    pub(super) identity: Identity,
    pub(super) scopes: ScopeSet,
}

impl Driver {
    /// Parses a selector.
    pub(super) fn selection(&self, selector: &JsValue) -> Result<Selection, TokenError> {
        let parsed = selector.as_string().and_then(|text| JSON::parse(&text).ok());
        read_selector(&from_js(parsed.as_ref().unwrap_or(selector)), &self.config)
    }

    /// Returns the parameters for opening the session of a handle, or `None` if it is open.
    pub(super) fn session_spec(&self, handle: &SessionHandle) -> Result<Option<SessionSpec>, TokenError> {
        if self.session_at(handle).is_some() {
            return Ok(None);
        }
        let selection = self.selection(&handle.selector())?;
        let identity = store::identity(&self.config, &selection, PLATFORM);
        Ok(Some(SessionSpec {
            identity,
            scopes: selection.scopes.unwrap_or_else(|| self.config.scopes.clone()),
        }))
    }

    /// Returns the session of a handle, if it is open.
    pub(super) fn session_at(&self, handle: &SessionHandle) -> Option<SessionId> {
        let id = SessionId::from_js(handle.session()?);
        // After a crash of the core, its successor may have given the same id to another session.
        self.entry(id).filter(|entry| entry.handle.as_ref() == Some(handle)).map(|_| id)
    }

    /// Borrows the state of a session, if it is open. The borrow must end before JavaScript runs.
    pub(super) fn entry(&self, id: SessionId) -> Option<RefMut<'_, SessionEntry>> {
        let found = RefMut::filter_map(self.sessions.borrow_mut(), |sessions| {
            sessions.get_mut(id.slot() as usize)?.as_mut().filter(|entry| entry.id == id)
        });
        found.ok()
    }

    /// Reports to the handle that I/O starts, where I/O ends with the request that started it.
    pub(super) fn io_started(&self, id: SessionId) {
        if self.config.policy.io_scope == IoScope::Request
            && let Some(handle) = self.entry(id).and_then(|entry| entry.handle.clone())
        {
            handle.io_started();
        }
    }

    /// Returns the selector and the scopes of an open session.
    pub(super) fn selector_and_scopes(&self, id: SessionId) -> Option<(JsValue, ScopeSet)> {
        self.entry(id).map(|entry| (entry.selector.clone(), entry.scopes.clone()))
    }

    /// Connects a handle to a session, and pushes the cached token to it.
    pub(super) fn bind(self: &Rc<Self>, id: SessionId, handle: &SessionHandle) {
        self.ensure_entry(id);
        let selector = handle.selector();
        let Some(mut entry) = self.entry(id) else { return };
        entry.selector = selector;
        entry.pushed = None;
        let before = entry.handle.replace(handle.clone());
        drop(entry);
        if let Some(before) = before {
            before.clear_token();
        }
        handle.bind(id.to_js());
        self.push_token(id);
        self.watch(id, handle);
    }

    /// Adds the driver's state of a session, if it is missing.
    fn ensure_entry(&self, id: SessionId) {
        let index = id.slot() as usize;
        if self.entry(id).is_some() {
            return;
        }
        let pool = self.pool.borrow();
        let (Some(machine), Some(selector)) = (pool.session(id), pool.selector(id)) else { return };
        let (selector, scopes, generation) =
            (selector.clone(), machine.scopes().clone(), machine.generation());
        let mut sessions = self.sessions.borrow_mut();
        if sessions.len() <= index {
            sessions.resize_with(index + 1, || None);
        }
        sessions[index] = Some(SessionEntry {
            id,
            selector,
            credentials_digest: None,
            scopes,
            handle: None,
            generation,
            rejected_token: None,
            pushed: None,
            unwatch: None,
        });
    }

    /// Subscribes to the records of all sessions, once the digest of the credentials is known.
    pub(super) fn watch_all(&self) {
        let mut index = 0;
        // The store's `watch` is user code and may call any method, so nothing is borrowed across it.
        while index < self.sessions.borrow().len() {
            let found = self.sessions.borrow()[index]
                .as_ref()
                .and_then(|it| it.handle.clone().map(|handle| (it.id, handle)));
            if let Some((id, handle)) = found {
                self.watch(id, &handle);
            }
            index += 1;
        }
    }

    pub(super) fn watch(&self, id: SessionId, handle: &SessionHandle) {
        // Where I/O ends with the request that started it, a subscription would end with the request as well.
        let is_watched = self.entry(id).is_none_or(|entry| entry.unwatch.is_some());
        if is_watched || self.config.policy.io_scope == IoScope::Request {
            return;
        }
        let Some((store, _)) = self.keyed_store(id) else { return };
        let unwatch = store.watch(&handle.store_watcher());
        if let Some(mut entry) = self.entry(id) {
            entry.unwatch = unwatch;
        }
    }

    /// Returns the shared store with the key of the session's record, and that key. `None` without a store, or if the digest
    /// of the credentials is unknown.
    pub(super) fn keyed_store(&self, id: SessionId) -> Option<(KeyedStore, String)> {
        let store = self.config.store.as_ref()?;
        let credentials = self.session_digest(id)?;
        let (selector, scopes) = self.selector_and_scopes(id)?;
        let selection = self.selection(&selector).ok()?;
        let key = store::cache_key(&credentials, &self.config, &selection, &scopes, PLATFORM);
        Some((KeyedStore::new(HostBindings::clone(&self.callbacks), store.clone(), &key), key))
    }

    /// Removes the driver's state of a session that ended or was evicted.
    pub(super) fn forget(&self, id: SessionId) {
        if self.entry(id).is_none() {
            return;
        }
        let removed = self.sessions.borrow_mut().get_mut(id.slot() as usize).and_then(Option::take);
        let Some(SessionEntry { handle, unwatch, .. }) = removed else { return };
        if let Some(handle) = handle {
            handle.clear_token();
        }
        call_back(unwatch);
    }

    /// Ends the subscriptions of all sessions.
    pub(super) fn unwatch(&self) {
        let mut index = 0;
        // Ending a subscription runs user code, which may call any method, so nothing is borrowed across it.
        while index < self.sessions.borrow().len() {
            let unwatch = self.sessions.borrow_mut()[index].as_mut().and_then(|entry| entry.unwatch.take());
            call_back(unwatch);
            index += 1;
        }
    }

    /// Pushes the cached tokens of all sessions that the last input may have changed.
    pub(super) fn publish(&self) {
        let mut dirty = self.pool.borrow().dirty().to_vec();
        dirty.dedup();
        self.report_sign_outs(&dirty);
        for id in dirty {
            self.ensure_entry(id);
            self.push_token(id);
        }
    }

    /// Pushes the cached token and its times to the handle, if they have changed.
    pub(super) fn push_token(&self, id: SessionId) {
        let Some(handle) = self.entry(id).and_then(|entry| entry.handle.clone()) else { return };
        let now = self.clock.now();
        let current = {
            let pool = self.pool.borrow();
            let cached = pool.session(id).and_then(|machine| machine.tokens());
            let valid = cached.filter(|tokens| now < tokens.expires_at).cloned();
            valid.zip(pool.served_until(id))
        };
        let Some((tokens, served_until)) = current else {
            let pushed = self.entry(id).and_then(|mut entry| entry.pushed.take());
            if let Some(pushed) = pushed {
                // An expired token is still cached, so a missing one was discarded after a rejection.
                if self.pool.borrow().session(id).is_some_and(|machine| machine.tokens().is_none())
                    && let Some(mut entry) = self.entry(id)
                {
                    entry.rejected_token = Some(token_digest(&pushed.tokens.access_token));
                }
                handle.clear_token();
            }
            return;
        };
        let object = self.js_token(id, &tokens);
        // JavaScript compares these times with the wall clock, which is the cheapest to read. They are converted to it
        // here, and pushed again after that clock was set.
        let by_wall = |at: UnixMillis| at.shifted(wall().ahead_of(now));
        let served_until = by_wall(served_until);
        let valid_until = by_wall(tokens.expires_at);
        let Some(mut entry) = self.entry(id) else { return };
        let is_unchanged = |pushed: &PushedToken| {
            let difference =
                pushed.served_until.since(served_until).max(served_until.since(pushed.served_until));
            pushed.tokens == tokens && millis(difference) < CLOCK_TOLERANCE_MS
        };
        if entry.pushed.as_ref().is_some_and(is_unchanged) {
            return;
        }
        entry.pushed = Some(PushedToken { tokens, object: object.clone(), served_until });
        drop(entry);
        handle.set_token(&object, served_until.to_js(), valid_until.to_js());
    }

    /// Returns the JavaScript object of a token, and reuses the existing one if it is equal. A provider may return the
    /// same token with another expiry, which makes a new object.
    pub(super) fn js_token(&self, id: SessionId, tokens: &Rc<TokenSet>) -> JsAccessToken {
        let mut scopes = None;
        if let Some(entry) = self.entry(id) {
            if let Some(pushed) = entry.pushed.as_ref().filter(|pushed| pushed.tokens == *tokens) {
                return pushed.object.clone();
            }
            scopes = Some(entry.scopes.clone());
        }
        // The token was lent, or its session has no handle. Thousands of callers may share it.
        if let Some((_, object)) = self.last_token.borrow().as_ref().filter(|(known, _)| known == tokens) {
            return object.clone();
        }
        let scopes = tokens.scopes.as_ref().or(scopes.as_ref()).unwrap_or(&self.config.scopes);
        let object = self.callbacks.token(tokens, scopes);
        self.last_token.replace(Some((tokens.clone(), object.clone())));
        object
    }
}

/// Largest difference at which two times count as equal: the clocks are read one after the other.
const CLOCK_TOLERANCE_MS: u64 = 20;
