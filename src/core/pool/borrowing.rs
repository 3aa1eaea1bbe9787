//! Lending: which session's token a caller receives where an identity has several sessions.

use super::{
    super::{AccessToken, Borrowing, CallId, Effect, Input, ScopeSet, TokenError, TokenRequest, UnixMillis},
    Pool, PoolEffects, Scoping, SessionId,
    hash_index::HashIndex,
};

/// Callers that wait at a sibling of the session they called.
#[derive(Debug)]
pub(super) struct Borrowers {
    list: Vec<Borrower>,
    by_call: HashIndex,
}

#[derive(Clone, Copy, Debug)]
struct Borrower {
    call: CallId,
    /// The session that was called; may be evicted.
    home: SessionId,
    /// Slot of the session that acquires the token.
    lender: u32,
}

impl Borrowers {
    pub(super) const fn new(by_call: HashIndex) -> Self {
        Self { list: Vec::new(), by_call }
    }

    fn insert(&mut self, borrower: Borrower) {
        #[expect(clippy::cast_possible_truncation, reason = "memory ends earlier")]
        self.by_call.insert(borrower.call.0, self.list.len() as u32);
        self.list.push(borrower);
    }

    /// Removes a caller and returns the slot of its lender.
    pub(super) fn remove(&mut self, call: CallId) -> Option<u32> {
        let index = self.by_call.find(call.0, &mut |index| self.list[index as usize].call == call)?;
        self.by_call.remove(call.0, index);
        let borrower = self.list.swap_remove(index as usize);
        match self.list.get(index as usize) {
            Some(moved) => {
                #[expect(clippy::cast_possible_truncation, reason = "memory ends earlier")]
                self.by_call.remove(moved.call.0, self.list.len() as u32);
                self.by_call.insert(moved.call.0, index);
            }
            // Frees the memory of a peak.
            None if self.list.is_empty() => {
                self.list = Vec::new();
                self.by_call.clear();
            }
            None => {}
        }
        Some(borrower.lender)
    }
}

/// Siblings considered as lenders, the most recently used first: bounds the time of a call for an identity with many
/// sessions.
const MAX_CONSIDERED: usize = 64;

impl<T: Clone> Pool<T> {
    /// Resolves a request with the token of a sibling, or returns the slot of the session that must handle it.
    ///
    /// Scopes that the called session lacks are acquired by a sibling with exactly these scopes: a request gets no more
    /// rights than it needs, and the other callers of the session keep their token. A caller that forbids borrowing
    /// receives a token that was requested with exactly its scopes.
    pub(super) fn requested(
        &mut self,
        slot: u32,
        call: CallId,
        request: &TokenRequest,
        now: UnixMillis,
        effects: &mut PoolEffects,
    ) -> Option<u32> {
        self.mark_used(slot, now);
        let pooled = self.sessions.get(slot)?;
        if let TokenRequest::Cached { scopes, borrowing, .. } = request
            && (*borrowing == Borrowing::Forbidden || !pooled.machine.can_serve(request, now))
        {
            let (home, own_scopes) = (pooled.id, pooled.machine.scopes());
            let needed = scopes.as_ref().filter(|scopes| !scopes.is_empty()).unwrap_or(own_scopes).clone();
            if *borrowing == Borrowing::Allowed
                && let Some(lender) = self.find_lender(slot, request, &needed, now)
            {
                self.lend(slot, lender, call, now, effects);
                return None;
            }
            if self.limits.scoping == Scoping::ByRequest && needed != *own_scopes {
                let (identity, selector) = (pooled.identity, pooled.selector.clone());
                let lender = self.open(identity, &needed, selector, now).slot();
                self.borrowers.insert(Borrower { call, home, lender });
                self.mark_used(lender, now);
                return Some(lender);
            }
        }
        Some(slot)
    }

    /// Finds a sibling with a token for all needed scopes: of those used recently, the one with the fewest scopes.
    fn find_lender(
        &self,
        slot: u32,
        request: &TokenRequest,
        needed: &ScopeSet,
        now: UnixMillis,
    ) -> Option<u32> {
        // Without requested scopes the provider chooses them, and no sibling is known to have the same.
        if needed.is_empty() {
            return None;
        }
        let identity = self.sessions.get(slot)?.identity;
        let considered =
            self.siblings_of(identity).take(MAX_CONSIDERED).filter(|(sibling, _)| *sibling != slot);
        let lenders = considered.filter_map(|(sibling, pooled)| {
            let tokens = pooled.machine.lendable(request, needed, now)?;
            Some((tokens.scopes.as_ref().map_or(0, ScopeSet::len), sibling))
        });
        lenders.min().map(|(_, sibling)| sibling)
    }

    /// Resolves a caller with a sibling's token, which counts as a use of both sessions.
    fn lend(&mut self, slot: u32, lender: u32, call: CallId, now: UnixMillis, effects: &mut PoolEffects) {
        let (Some(pooled), Some(lending)) = (self.sessions.get(slot), self.sessions.get(lender)) else {
            return;
        };
        let Some(tokens) = lending.machine.tokens().cloned() else { return };
        effects.push(pooled.id, Effect::Resolve(call, Ok(tokens)));
        self.mark_used(lender, now);
        self.forward(lender, Input::TokenUsed, now, effects);
        self.reindex(slot, now, effects);
    }

    /// Returns the slot of the session that caches this token: it may have been lent to the session at `slot`.
    pub(super) fn slot_caching(&self, slot: u32, token: &AccessToken) -> u32 {
        let Some(pooled) = self.sessions.get(slot) else { return slot };
        if pooled.machine.caches(token) {
            return slot;
        }
        let sibling = self.siblings_of(pooled.identity).find(|(_, sibling)| sibling.machine.caches(token));
        sibling.map_or(slot, |(sibling, _)| sibling)
    }

    /// Returns the session to which a token was granted, which may have lent it to `session`; `None` if no session of
    /// the identity had it recently.
    pub fn session_of_token(&self, session: SessionId, token: &AccessToken) -> Option<SessionId> {
        let borrower = self.pooled(session)?;
        if borrower.machine.has_cached(token) {
            return Some(session);
        }
        let mut siblings = self.siblings_of(borrower.identity);
        siblings.find(|(_, sibling)| sibling.machine.has_cached(token)).map(|(_, pooled)| pooled.id)
    }

    /// Rejects the callers of a closing session that wait at siblings.
    pub(super) fn reject_borrowers_of(&mut self, slot: u32, now: UnixMillis, effects: &mut PoolEffects) {
        let Some(id) = self.sessions.get(slot).map(|pooled| pooled.id) else { return };
        // Backwards, because `swap_remove` moves the last borrower to the removed index.
        let mut index = self.borrowers.list.len();
        while index > 0 {
            index -= 1;
            if let Some(&Borrower { call, home, lender }) = self.borrowers.list.get(index)
                && home == id
            {
                self.borrowers.remove(call);
                effects.push(id, Effect::Resolve(call, Err(TokenError::closed())));
                self.forward(lender, Input::Cancelled(call), now, effects);
            }
        }
    }
}
