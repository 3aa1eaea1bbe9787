//! Which session is which, to the face and to the core.
//!
//! Decides nothing. A desk is where a session's callers come to, and where its token is
//! handed out; a session that the core opened by itself has none.

use std::{cell::RefMut, rc::Rc};

use js_sys::{Function, JSON};
use wasm_bindgen::prelude::*;

use super::{Driver, end};
use crate::{
    core::{Identity, IoScope, ScopeSet, SessionId, TokenError, TokenSet, UnixMillis, millis},
    graphql::token_digest,
    host::{Entry, Outside, PLATFORM, given, wall},
    js::{Desk, Held},
    options::{Selection, read_selector},
    store,
};

/// What belongs to a session, besides its state machine.
pub(super) struct Member {
    id: SessionId,
    /// Its selector, as the face wrote it.
    pub(super) key: JsValue,
    /// The scopes that each of its grants asks for.
    pub(super) scopes: ScopeSet,
    desk: Option<Desk>,
    /// The digest of the token that was given up since the API refused it, until another is granted.
    pub(super) refused: Option<String>,
    /// What its desk was told to hand out.
    told: Option<Told>,
    /// Ends being told of changes in a shared store.
    unwatch: Option<Function>,
}

struct Told {
    tokens: Rc<TokenSet>,
    held: Held,
    served_until: UnixMillis,
}

/// All that the core needs to know of a session in order to open it.
#[derive(Clone)]
pub(super) struct Opening {
    pub(super) identity: Identity,
    pub(super) scopes: ScopeSet,
}

impl Driver {
    /// What a selector means.
    pub(super) fn selection(&self, key: &JsValue) -> Result<Selection, TokenError> {
        let written = key.as_string().and_then(|text| JSON::parse(&text).ok());
        read_selector(&given(written.as_ref().unwrap_or(key)), &self.settings)
    }

    /// What is needed to open the session of a desk, where it is not open.
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

    /// The session whose token a desk hands out, if it is still open.
    pub(super) fn session_at(&self, desk: &Desk) -> Option<SessionId> {
        let id = SessionId::from_js(desk.session()?);
        // A core that broke off may have numbered another session so.
        self.member(id).filter(|member| member.desk.as_ref() == Some(desk)).map(|_| id)
    }

    /// What belongs to a session that is there. To be let go of before JavaScript runs.
    pub(super) fn member(&self, id: SessionId) -> Option<RefMut<'_, Member>> {
        let found = RefMut::filter_map(self.members.borrow_mut(), |members| {
            members.get_mut(id.slot() as usize)?.as_mut().filter(|member| member.id == id)
        });
        found.ok()
    }

    /// Notes whose I/O it is that starts, where it ends with its request.
    pub(super) fn io_started(&self, id: SessionId) {
        if self.settings.policy.io_scope == IoScope::Request
            && let Some(desk) = self.member(id).and_then(|member| member.desk.clone())
        {
            desk.io_started();
        }
    }

    /// The selector of a session that is there, and its scopes.
    pub(super) fn about(&self, id: SessionId) -> Option<(JsValue, ScopeSet)> {
        self.member(id).map(|member| (member.key.clone(), member.scopes.clone()))
    }

    /// From now on this desk hands out what the session holds.
    pub(super) fn seat(self: &Rc<Self>, id: SessionId, desk: &Desk) {
        self.enrol(id);
        let key = desk.key();
        let Some(mut member) = self.member(id) else { return };
        member.key = key;
        member.told = None;
        let before = member.desk.replace(desk.clone());
        drop(member);
        if let Some(before) = before {
            before.drop_hold();
        }
        desk.seated(id.to_js());
        self.show(id);
        self.watch(id, desk);
    }

    /// Makes a place for what belongs to a session.
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
            Some(Member { id, key, scopes, desk: None, refused: None, told: None, unwatch: None });
    }

    /// Watches the entries of all sessions, once the holder's digest is known.
    pub(super) fn watch_all(&self) {
        let mut place = 0;
        // A store's `watch` is the user's, and may call any method.
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
        // Where I/O ends with its request, nothing can listen for longer.
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

    /// The session's entry in the shared store, where there is one and the holder's digest is known, and what that is
    /// called.
    pub(super) fn entry(&self, id: SessionId) -> Option<(Entry, String)> {
        let store = self.settings.store.as_ref()?;
        let holder = self.holder.get()?;
        let (key, scopes) = self.about(id)?;
        let selection = self.selection(&key).ok()?;
        let name = store::cache_key(holder, &self.settings, &selection, &scopes, PLATFORM);
        Some((Entry::new(Outside::clone(&self.face), store.clone(), &name), name))
    }

    /// The session is gone, and all that belongs to it goes.
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

    /// Nobody is told of changes any more.
    pub(super) fn unwatch(&self) {
        let mut place = 0;
        // What ends it is the user's, and may call any method.
        while place < self.members.borrow().len() {
            let unwatch = self.members.borrow_mut()[place].as_mut().and_then(|member| member.unwatch.take());
            end(unwatch);
            place += 1;
        }
    }

    /// Tells the desks of all sessions that may have changed what to hand out.
    pub(super) fn publish(&self) {
        let mut dirty = self.pool.borrow().dirty().to_vec();
        dirty.dedup();
        for id in dirty {
            self.enrol(id);
            self.show(id);
        }
    }

    /// Tells a desk what to hand out, and until when, if that has changed.
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
            let told = self.member(id).and_then(|mut member| member.told.take());
            if let Some(told) = told {
                // One that expired is still held.
                if self.pool.borrow().session(id).is_some_and(|machine| machine.held().is_none())
                    && let Some(mut member) = self.member(id)
                {
                    member.refused = Some(token_digest(&told.tokens.access_token));
                }
                desk.drop_hold();
            }
            return;
        };
        let held = self.held(id, &tokens);
        // The face reads the wall clock alone, which is the cheapest; so it is told the
        // moments by that clock, and told again when that clock was set.
        let by_wall = |at: UnixMillis| at.shifted(wall().ahead_of(now));
        let served_until = by_wall(served_until);
        let valid_until = by_wall(tokens.expires_at);
        let Some(mut member) = self.member(id) else { return };
        let close = |told: &Told| {
            let apart = told.served_until.since(served_until).max(served_until.since(told.served_until));
            told.tokens == tokens && millis(apart) < CLOSE
        };
        if member.told.as_ref().is_some_and(close) {
            return;
        }
        member.told = Some(Told { tokens, held: held.clone(), served_until });
        drop(member);
        desk.hold(&held, served_until.to_js(), valid_until.to_js());
    }

    /// The token as the face has it, made once. A provider may repeat a token with another end, which
    /// makes another of it.
    pub(super) fn held(&self, id: SessionId, tokens: &Rc<TokenSet>) -> Held {
        let mut scopes = None;
        if let Some(member) = self.member(id) {
            if let Some(told) = member.told.as_ref().filter(|told| told.tokens == *tokens) {
                return told.held.clone();
            }
            scopes = Some(member.scopes.clone());
        }
        // One that was lent, or that nobody hands out: thousands of callers may share it.
        if let Some((_, made)) = self.made.borrow().as_ref().filter(|(known, _)| known == tokens) {
            return made.clone();
        }
        let scopes = tokens.scopes.as_ref().or(scopes.as_ref()).unwrap_or(&self.settings.scopes);
        let made = self.face.token(tokens, scopes);
        self.made.replace(Some((tokens.clone(), made.clone())));
        made
    }
}

/// Two moments this close are one: clocks are read one after the other.
const CLOSE: u64 = 20;
