//! Which token a caller is given, where a session is not the only one of its identity.
//!
//! Decides who is asked for it. Leaves getting it to the one who is.

use super::{
    super::{AccessToken, CallId, Effect, Event, ScopeSet, TokenError, UnixMillis, Want},
    Guest, Pool, PoolEffect, Scoping,
};

impl<T: Clone> Pool<T> {
    /// A caller wants a token: that of the session, or a sibling's that has what they need,
    /// or a new one. Where they need more than the session asks for, it is asked for by a
    /// sibling, so that the session's other callers go on getting what is held.
    pub(super) fn requested(
        &mut self,
        place: u32,
        call: CallId,
        want: Want,
        now: UnixMillis,
        effects: &mut Vec<PoolEffect>,
    ) {
        self.touch(place, now);
        let Some(session) = self.sessions.get(place) else { return };
        if let Want::Usable { scopes: wish, .. } = &want
            && !session.lifecycle.serves(&want, now)
        {
            let (of, asked) = (session.id, session.lifecycle.scopes());
            let needed = wish.as_ref().map_or_else(|| asked.clone(), |wish| asked.union(wish));
            if let Some(lender) = self.lender(place, &want, &needed, now) {
                return self.lend(place, lender, call, now, effects);
            }
            if self.limits.scoping == Scoping::ByRequest && !asked.includes(&needed) {
                let (identity, context) = (session.identity, session.context.clone());
                let at = self.open(identity, &needed, context, now).place();
                self.guests.insert(call.0, Guest { of, at });
                self.touch(at, now);
                return self.tell(at, Event::Requested(call, want), now, effects);
            }
        }
        self.tell(place, Event::Requested(call, want), now, effects);
    }

    /// The sibling with the fewest scopes whose token has all that are needed.
    fn lender(&self, place: u32, want: &Want, needed: &ScopeSet, now: UnixMillis) -> Option<u32> {
        // Who names no scopes is granted some that only the provider knows.
        if needed.is_empty() {
            return None;
        }
        let identity = self.sessions.get(place)?.identity;
        let lends = |sibling: &u32| {
            let lifecycle = &self.sessions.get(*sibling)?.lifecycle;
            lifecycle.lends(want, needed, now)?.scopes.as_ref().map(ScopeSet::len)
        };
        let siblings = self.families.several(identity).filter(|sibling| *sibling != place);
        let offers = siblings.filter_map(|sibling| Some((lends(&sibling)?, sibling)));
        offers.min().map(|(_, sibling)| sibling)
    }

    /// A caller gets a sibling's token, which counts as a use of both.
    fn lend(
        &mut self,
        place: u32,
        lender: u32,
        call: CallId,
        now: UnixMillis,
        effects: &mut Vec<PoolEffect>,
    ) {
        let (Some(session), Some(lending)) = (self.sessions.get(place), self.sessions.get(lender)) else {
            return;
        };
        let Some(tokens) = lending.lifecycle.held().cloned() else { return };
        effects.push(PoolEffect::Perform(session.id, Effect::Settle(call, Ok(tokens))));
        self.touch(lender, now);
        self.tell(lender, Event::Used, now, effects);
        self.review(place, now, effects);
    }

    /// The session that holds this token: it may have been lent.
    pub(super) fn holder(&self, place: u32, token: &AccessToken) -> u32 {
        let Some(session) = self.sessions.get(place) else { return place };
        let holds =
            |place: &u32| self.sessions.get(*place).is_some_and(|session| session.lifecycle.holds(token));
        let mut siblings = self.families.several(session.identity);
        if holds(&place) { place } else { siblings.find(holds).unwrap_or(place) }
    }

    /// The callers of a session that is being closed, who wait elsewhere.
    pub(super) fn dismiss_guests_of(&mut self, place: u32, now: UnixMillis, effects: &mut Vec<PoolEffect>) {
        let Some(id) = self.sessions.get(place).map(|session| session.id) else { return };
        let leaving: Vec<_> = self
            .guests
            .iter()
            .filter(|(_, guest)| guest.of == id)
            .map(|(call, it)| (CallId(call), *it))
            .collect();
        for (call, guest) in leaving {
            self.guests.remove(call.0);
            effects.push(PoolEffect::Perform(id, Effect::Settle(call, Err(TokenError::closed()))));
            self.tell(guest.at, Event::Abandoned(call), now, effects);
        }
    }
}
