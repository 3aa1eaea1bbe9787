//! Which token a caller is given, where a session is not the only one of its identity.
//!
//! Decides who is asked for it. Leaves getting it to the one who is.

use super::{
    super::{AccessToken, CallId, Effect, Event, Lent, ScopeSet, TokenError, UnixMillis, Want},
    Effects, Pool, Scoping, SessionId,
    hash_index::Index,
};

/// Callers who wait at another session than the one they asked.
#[derive(Debug)]
pub(super) struct Guests {
    list: Vec<Guest>,
    /// By call.
    index: Index,
}

#[derive(Clone, Copy, Debug)]
struct Guest {
    call: CallId,
    /// Whom they asked; may be gone by now.
    of: SessionId,
    /// Who answers.
    at: u32,
}

impl Guests {
    pub(super) const fn new(index: Index) -> Self {
        Self { list: Vec::new(), index }
    }

    fn add(&mut self, guest: Guest) {
        #[expect(clippy::cast_possible_truncation, reason = "there is no room for more")]
        self.index.add(guest.call.0, self.list.len() as u32);
        self.list.push(guest);
    }

    /// The caller waits no longer; the place where they did.
    pub(super) fn remove(&mut self, call: CallId) -> Option<u32> {
        let found = self.index.find(call.0, &mut |it| self.list[it as usize].call == call)?;
        self.index.remove(call.0, found);
        let guest = self.list.swap_remove(found as usize);
        match self.list.get(found as usize) {
            Some(moved) => {
                #[expect(clippy::cast_possible_truncation, reason = "there is no room for more")]
                self.index.remove(moved.call.0, self.list.len() as u32);
                self.index.add(moved.call.0, found);
            }
            // What many have needed is not kept for good.
            None if self.list.is_empty() => {
                self.list = Vec::new();
                self.index.clear();
            }
            None => {}
        }
        Some(guest.at)
    }
}

/// How many siblings may be asked to lend their token, those used last: a call must not take the
/// longer, the more sessions an identity has.
const CONSIDERED: usize = 64;

impl<T: Clone> Pool<T> {
    /// A caller wants a token: that of the session, or a sibling's that has what they need,
    /// or a new one. Other scopes than the session's are granted to a sibling, for these scopes
    /// alone: a request gets no more rights than it needs, and the session's other callers go on
    /// getting the token held. A caller who rejects lent tokens is given one that was asked for
    /// with exactly those scopes.
    ///
    /// The session that is to be told; `None` where the caller has been answered.
    pub(super) fn requested(
        &mut self,
        place: u32,
        call: CallId,
        want: &Want,
        now: UnixMillis,
        effects: &mut Effects,
    ) -> Option<u32> {
        self.touch(place, now);
        let session = self.sessions.get(place)?;
        if let Want::Usable { scopes: wish, lent, .. } = want
            && (*lent == Lent::Rejected || !session.lifecycle.serves(want, now))
        {
            let (of, asked) = (session.id, session.lifecycle.scopes());
            let needed = wish.as_ref().filter(|wish| !wish.is_empty()).unwrap_or(asked).clone();
            if *lent == Lent::Accepted
                && let Some(lender) = self.lender(place, want, &needed, now)
            {
                self.lend(place, lender, call, now, effects);
                return None;
            }
            if self.limits.scoping == Scoping::ByRequest && needed != *asked {
                let (identity, context) = (session.identity, session.context.clone());
                let at = self.open(identity, &needed, context, now).place();
                self.guests.add(Guest { call, of, at });
                self.touch(at, now);
                return Some(at);
            }
        }
        Some(place)
    }

    /// The sibling with the fewest scopes whose token has all that are needed, among those used last.
    fn lender(&self, place: u32, want: &Want, needed: &ScopeSet, now: UnixMillis) -> Option<u32> {
        // Who names no scopes is granted some that only the provider knows.
        if needed.is_empty() {
            return None;
        }
        let identity = self.sessions.get(place)?.identity;
        let considered = self.siblings_of(identity).take(CONSIDERED).filter(|(sibling, _)| *sibling != place);
        let offers = considered.filter_map(|(sibling, session)| {
            let granted = session.lifecycle.lends(want, needed, now)?;
            Some((granted.scopes.as_ref().map_or(0, ScopeSet::len), sibling))
        });
        offers.min().map(|(_, sibling)| sibling)
    }

    /// A caller gets a sibling's token, which counts as a use of both.
    fn lend(&mut self, place: u32, lender: u32, call: CallId, now: UnixMillis, effects: &mut Effects) {
        let (Some(session), Some(lending)) = (self.sessions.get(place), self.sessions.get(lender)) else {
            return;
        };
        let Some(tokens) = lending.lifecycle.held().cloned() else { return };
        effects.push(session.id, Effect::Settle(call, Ok(tokens)));
        self.touch(lender, now);
        self.tell(lender, Event::Used, now, effects);
        self.review(place, now, effects);
    }

    /// The session that holds this token: it may have been lent.
    pub(super) fn holder(&self, place: u32, token: &AccessToken) -> u32 {
        let Some(session) = self.sessions.get(place) else { return place };
        if session.lifecycle.holds(token) {
            return place;
        }
        let holder = self.siblings_of(session.identity).find(|(_, sibling)| sibling.lifecycle.holds(token));
        holder.map_or(place, |(holder, _)| holder)
    }

    /// The session that a token was granted to, which may have lent it to `session`; `None` where
    /// no session of the identity has held it lately.
    pub fn owner(&self, session: SessionId, token: &AccessToken) -> Option<SessionId> {
        let borrower = self.sessions.get(self.sessions.find(session)?)?;
        if borrower.lifecycle.has_held(token) {
            return Some(session);
        }
        let mut siblings = self.siblings_of(borrower.identity);
        siblings.find(|(_, sibling)| sibling.lifecycle.has_held(token)).map(|(_, owner)| owner.id)
    }

    /// The callers of a session that is being closed, who wait elsewhere.
    pub(super) fn dismiss_guests_of(&mut self, place: u32, now: UnixMillis, effects: &mut Effects) {
        let Some(id) = self.sessions.get(place).map(|session| session.id) else { return };
        // Backwards, since whoever leaves is followed in their place by the last.
        let mut left = self.guests.list.len();
        while left > 0 {
            left -= 1;
            if let Some(&Guest { call, of, at }) = self.guests.list.get(left)
                && of == id
            {
                self.guests.remove(call);
                effects.push(id, Effect::Settle(call, Err(TokenError::closed())));
                self.tell(at, Event::Abandoned(call), now, effects);
            }
        }
    }
}
