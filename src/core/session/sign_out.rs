//! Sign-out: discarding everything that was obtained before, here and at the other holders.
//!
//! The store's record is replaced by one without a token and with a new [`Generation`]. Holders that read another
//! generation than their own discard their token. The record is written under the lease, so a grant that another holder
//! has in flight is written before it and replaced, or is fenced.

use std::rc::Rc;

use super::{
    Effect, Event, Fence, Generation, NoTokenReason, Permit, Phase, Reason, RejectionHistory, RevokedTokens,
    ScopeSet, Session, Sharing, StoredRecord, TokenError, TokenSet, UnixMillis, WriteOutcome,
};

/// The sign-outs of a session.
#[derive(Clone, Debug, Default)]
pub(super) struct SignOut {
    /// The last one.
    generation: Generation,
    /// The one before it, whose tokens may still be written by a holder that does not know of the last one.
    left: Option<Generation>,
    /// Set until the shared store has a record of the last one.
    is_unstored: bool,
    /// Set if the tokens that this sign-out discards are to be revoked.
    revokes: bool,
    /// Those found so far, revoked once the shared store, which has the refresh token, was read under the lease.
    unrevoked: Vec<RevokedTokens>,
}

impl SignOut {
    /// Collects the tokens of a record that the sign-out discards, if they are to be revoked.
    pub(super) fn collect_unrevoked(&mut self, record: &StoredRecord, now: UnixMillis) {
        if self.revokes
            && self.is_unstored
            && record.generation != self.generation
            && let Some(tokens) = &record.tokens
        {
            self.add_unrevoked(RevokedTokens::of(tokens, now));
        }
    }

    fn add_unrevoked(&mut self, tokens: RevokedTokens) {
        for known in &mut self.unrevoked {
            let is_same = known.refresh_token == tokens.refresh_token;
            if known.access_token == tokens.access_token
                && (is_same || known.refresh_token.is_none() || tokens.refresh_token.is_none())
            {
                if tokens.refresh_token.is_some() {
                    known.refresh_token = tokens.refresh_token;
                }
                return;
            }
        }
        if tokens.access_token.is_some() || tokens.refresh_token.is_some() {
            self.unrevoked.push(tokens);
        }
    }

    /// Returns the record of a token for the shared store.
    pub(super) const fn record(&self, tokens: Rc<TokenSet>) -> StoredRecord {
        StoredRecord { tokens: Some(tokens), generation: self.generation }
    }

    /// The last sign-out, here or at another holder.
    pub(super) const fn generation(&self) -> Generation {
        self.generation
    }

    /// Returns whether the shared store lacks a record of the last sign-out.
    pub(super) const fn is_unstored(&self) -> bool {
        self.is_unstored
    }
}

impl Session {
    /// Discards everything as [`clear`](Self::clear) does, and revokes the token and its refresh token.
    ///
    /// Where the refresh token is in the shared store, both are revoked together when the store was read.
    pub(super) fn revoke(&mut self, now: UnixMillis, effects: &mut Vec<Effect>) {
        let phase = self.acquisition.as_ref().map(|acquisition| &acquisition.phase);
        let cached = self.tokens().map(|cached| RevokedTokens::of(cached, now));
        let presented = phase.and_then(Phase::presented);
        let own = self.refresh_token.as_ref().filter(|token| !token.has_expired(now));
        let held = RevokedTokens {
            access_token: cached.and_then(|cached| cached.access_token),
            // The grant in flight is cancelled, and the provider may not have received it.
            refresh_token: own.or(presented).cloned(),
        };
        let written = phase.and_then(Phase::writing).map(|tokens| RevokedTokens::of(tokens, now));
        self.sign_out.revokes = true;
        self.sign_out.add_unrevoked(held);
        if let Some(written) = written {
            self.sign_out.add_unrevoked(written);
        }
        if !matches!(self.policy.sharing, Some(Sharing { lease: Some(_), .. })) {
            self.revoke_collected(effects);
        }
        self.clear(now, effects);
    }

    fn revoke_collected(&mut self, effects: &mut Vec<Effect>) {
        self.sign_out.revokes = false;
        let tokens = std::mem::take(&mut self.sign_out.unrevoked);
        if !tokens.is_empty() {
            effects.push(Effect::Revoke(tokens));
        }
    }

    /// Discards everything, and starts over for callers that wait.
    pub(super) fn clear(&mut self, now: UnixMillis, effects: &mut Vec<Effect>) {
        self.forget();
        effects.push(Effect::Emit(Event::Cleared));
        self.credentials.forget();
        let generation = Generation(self.jitter.next_u64());
        self.enter_generation(generation);
        if let Some(acquisition) = &self.acquisition
            && matches!(acquisition.phase, Phase::Requesting { .. })
        {
            effects.push(Effect::Cancel(acquisition.id));
        }
        self.end_acquisition(effects);
        if self.policy.sharing.is_some() {
            self.sign_out.is_unstored = true;
            // The store is tried even if it failed before.
            self.store_failure = None;
        } else {
            effects.push(Effect::ReportCleared(Ok(())));
        }
        if self.sign_out.is_unstored {
            self.start_acquisition(Reason::SignedOut, now);
        } else if self.is_awaited() {
            self.start_acquisition(Reason::Initial, now.max(self.bucket.for_caller()));
        }
    }

    /// Discards the token, the refresh token and the last failure.
    fn forget(&mut self) {
        self.refresh_token = None;
        self.rejected_refresh_token = None;
        self.last_failure = None;
        self.used = false;
        self.no_token_reason = NoTokenReason::Initial;
        self.rejections = RejectionHistory::default();
        self.reported_missing_scopes = ScopeSet::default();
        if let Some(discarded) = self.cached.take() {
            self.recent_tokens.remember(&discarded.tokens);
        }
    }

    fn enter_generation(&mut self, generation: Generation) {
        self.sign_out.left = Some(self.sign_out.generation);
        self.sign_out.generation = generation;
    }

    /// Returns the token of a record that was read, unless a sign-out discarded it.
    pub(super) fn accept_record(
        &mut self,
        record: Option<StoredRecord>,
        effects: &mut Vec<Effect>,
    ) -> Option<Rc<TokenSet>> {
        let StoredRecord { tokens, generation } = record?;
        if generation == self.sign_out.generation {
            // A write without a known result has succeeded.
            self.sign_out_stored(effects);
            return tokens;
        }
        if self.sign_out.is_unstored || self.sign_out.left == Some(generation) {
            return None;
        }
        // A session that never had a token has nothing to forget: it starts with this record.
        if self.cached.is_some() || !self.recent_tokens.is_empty() {
            effects.push(Effect::Emit(Event::Cleared));
        }
        self.forget();
        self.enter_generation(generation);
        tokens
    }

    /// Writes a record without a token, if the shared store has none of the last sign-out yet. Returns whether it does.
    pub(super) fn clear_store(&mut self, fence: Option<Fence>, effects: &mut Vec<Effect>) -> bool {
        if !self.sign_out.is_unstored {
            return false;
        }
        if let Some(acquisition) = &mut self.acquisition {
            acquisition.phase = Phase::ClearingStore(fence);
            let record = StoredRecord { tokens: None, generation: self.sign_out.generation };
            effects.push(Effect::WriteStore(acquisition.id, fence, record));
        }
        true
    }

    /// Continues after the record was written: with a grant, if callers wait for one.
    pub(super) fn store_cleared(
        &mut self,
        fence: Option<Fence>,
        result: Result<WriteOutcome, TokenError>,
        now: UnixMillis,
        effects: &mut Vec<Effect>,
    ) {
        match result {
            Ok(WriteOutcome::Stored) => {
                self.sign_out_stored(effects);
                if !self.end_sign_out(effects) {
                    self.send_grant(None, fence, now, effects);
                }
            }
            Ok(WriteOutcome::Fenced) => self.lease_lost(now, effects),
            Err(error) => {
                self.store_failed(error, now, effects);
                self.grant_without_store(fence, now, effects);
            }
        }
    }

    fn sign_out_stored(&mut self, effects: &mut Vec<Effect>) {
        if std::mem::take(&mut self.sign_out.is_unstored) {
            self.revoke_collected(effects);
            effects.push(Effect::ReportCleared(Ok(())));
        }
    }

    /// Reports that the shared store may still have a token from before the sign-out. The next acquisition tries to
    /// replace it.
    pub(super) fn sign_out_failed(&mut self, error: &TokenError, effects: &mut Vec<Effect>) {
        if self.sign_out.is_unstored {
            self.revoke_collected(effects);
            effects.push(Effect::ReportCleared(Err(error.clone())));
        }
    }

    /// Ends an acquisition that was started to replace the store's record, unless callers wait for its token. Returns
    /// whether it did.
    pub(super) fn end_sign_out(&mut self, effects: &mut Vec<Effect>) -> bool {
        let is_finished = self.only_signs_out();
        if is_finished {
            self.end_acquisition(effects);
        }
        is_finished
    }

    /// Returns whether the acquisition has yet to replace the store's record of before a sign-out.
    pub(super) fn is_replacing_record(&self) -> bool {
        self.sign_out.is_unstored
            && self.acquisition.as_ref().is_some_and(|acquisition| match acquisition.phase {
                Phase::Backoff { .. }
                | Phase::Queued { .. }
                | Phase::ReadingStore { .. }
                | Phase::AcquiringLease
                | Phase::RecheckingStore(_)
                | Phase::ClearingStore(_) => true,
                Phase::ClaimingRefreshToken(..)
                | Phase::ReturningRefreshToken { .. }
                | Phase::Requesting { .. }
                | Phase::WritingStore { .. } => false,
            })
    }

    /// Lets an acquisition that is replacing the store's record outlast a close. Returns whether there is one.
    pub(super) fn continue_sign_out_after_close(&mut self) -> bool {
        if !self.is_replacing_record() {
            return false;
        }
        let Some(acquisition) = &mut self.acquisition else { return false };
        // No grant follows, so no permit is needed.
        if matches!(acquisition.phase, Phase::Queued { .. }) {
            acquisition.phase = Phase::Backoff { until: UnixMillis::new(0) };
        }
        acquisition.reason = Reason::SignedOut;
        if acquisition.permit == Permit::Pending {
            acquisition.permit = Permit::NotRequired;
        }
        true
    }

    /// Returns whether the acquisition replaces the store's entry, and no caller waits for its token.
    pub fn only_signs_out(&self) -> bool {
        !self.is_awaited()
            && self.acquisition.as_ref().is_some_and(|acquisition| acquisition.reason == Reason::SignedOut)
    }
}
