//! The refresh token: claiming it from the shared store, presenting it, and keeping one that is still valid.

use std::rc::Rc;

use super::{
    Effect, Fence, Phase, Presented, RefreshToken, RefreshTokenRotation, RefreshTokenSource, Session,
    StoreMode, TokenError, TokenSet, UnixMillis, WriteOutcome,
};

impl Session {
    /// Under the lease, writes the record of the stored token before its refresh token is presented, if there is one.
    pub(super) fn claim_refresh_token(
        &mut self,
        fence: Fence,
        stored: Option<Rc<TokenSet>>,
        now: UnixMillis,
        effects: &mut Vec<Effect>,
    ) {
        if self.clear_store(Some(fence), effects) {
            return;
        }
        let Some(acquisition) = &mut self.acquisition else { return };
        let rejected = &self.rejected_refresh_token;
        let is_usable = |token: &RefreshToken| !token.has_expired(now) && rejected.as_ref() != Some(token);
        let claimed = stored.filter(|stored| stored.refresh_token.as_ref().is_some_and(is_usable));
        let Some(tokens) = claimed else {
            // One that was not processed, or could not be written.
            return self.grant_without_store(Some(fence), now, effects);
        };
        let mut written = Rc::clone(&tokens);
        if self.policy.rotation == RefreshTokenRotation::Strict {
            Rc::make_mut(&mut written).refresh_token = None;
        }
        acquisition.phase = Phase::ClaimingRefreshToken(fence, tokens);
        effects.push(Effect::WriteStore(acquisition.id, Some(fence), self.sign_out.record(written)));
    }

    /// Presents the refresh token of the record that was written.
    pub(super) fn refresh_token_claimed(
        &mut self,
        fence: Fence,
        tokens: Rc<TokenSet>,
        result: Result<WriteOutcome, TokenError>,
        now: UnixMillis,
        effects: &mut Vec<Effect>,
    ) {
        let is_late = self.acquisition.as_ref().is_some_and(|acquisition| acquisition.deadline <= now);
        let is_strict = self.policy.rotation == RefreshTokenRotation::Strict;
        match (result, tokens.refresh_token.clone()) {
            // A host that was suspended meanwhile may have lost the lease, and another holder may have replaced a refresh
            // token that stayed in the store.
            (Ok(WriteOutcome::Stored), _) if is_late && !is_strict => {
                // The time of a suspension is not one of waiting for another holder.
                if let Some(acquisition) = &mut self.acquisition {
                    acquisition.lease_wait.since = None;
                }
                self.lease_lost(now, effects);
            }
            (Ok(WriteOutcome::Stored), Some(refresh_token)) => {
                let source =
                    if is_strict { RefreshTokenSource::Claimed(tokens) } else { RefreshTokenSource::Stored };
                self.send_grant(Some(Presented { refresh_token, source }), Some(fence), now, effects);
            }
            (Ok(WriteOutcome::Stored), None) => self.send_grant(None, Some(fence), now, effects),
            (Ok(WriteOutcome::Fenced), _) => self.lease_lost(now, effects),
            // The write may have been lost, and then another holder presents this refresh token.
            (Err(error), _) => {
                self.store_failed(error, now, effects);
                self.grant_without_store(Some(fence), now, effects);
            }
        }
    }

    /// Writes a refresh token that the provider did not process back to the shared store, from which it was removed, so that
    /// other holders have it. Returns whether it does.
    pub(super) fn return_refresh_token(&mut self, error: &TokenError, effects: &mut Vec<Effect>) -> bool {
        let Some(acquisition) = &mut self.acquisition else { return false };
        let Phase::Requesting { presented: Some(presented), fence: Some(fence), .. } = &acquisition.phase
        else {
            return false;
        };
        let RefreshTokenSource::Claimed(tokens) = &presented.source else { return false };
        if acquisition.store_mode == StoreMode::Bypassed {
            return false;
        }
        let (fence, tokens) = (*fence, Rc::clone(tokens));
        let record = self.sign_out.record(Rc::clone(&tokens));
        effects.push(Effect::WriteStore(acquisition.id, Some(fence), record));
        acquisition.phase = Phase::ReturningRefreshToken { fence, tokens, error: error.clone() };
        true
    }

    /// Continues with the failure of the grant after the refresh token was written back.
    pub(super) fn refresh_token_returned(
        &mut self,
        tokens: &TokenSet,
        error: TokenError,
        result: Result<WriteOutcome, TokenError>,
        now: UnixMillis,
        effects: &mut Vec<Effect>,
    ) {
        match result {
            Ok(WriteOutcome::Stored) => {}
            // The store does not have it, so this session keeps it.
            Ok(WriteOutcome::Fenced) => self.refresh_token.clone_from(&tokens.refresh_token),
            // The write may have succeeded, and then another holder presents it.
            Err(error) => self.store_failed(error, now, effects),
        }
        self.on_transient_failure(error, now, effects);
    }

    /// Keeps the refresh token of a request without a usable response, if it may be presented again.
    pub(super) fn keep_presented(&mut self) {
        let presented = self.take_presented();
        if self.policy.rotation == RefreshTokenRotation::RetryPrevious {
            self.keep(presented);
        }
    }

    /// Keeps the refresh token of a request that the provider did not process.
    pub(super) fn keep_unprocessed(&mut self) {
        let presented = self.take_presented();
        self.keep(presented);
    }

    /// Keeps a refresh token, unless the shared store has it.
    fn keep(&mut self, presented: Option<Presented>) {
        if let Some(presented) = presented.filter(|it| it.source != RefreshTokenSource::Stored) {
            self.refresh_token = Some(presented.refresh_token);
        }
    }

    /// Forgets a refresh token that the provider rejected, also where the shared store still has it.
    pub(super) fn forget_presented(&mut self) {
        if let Some(Presented { refresh_token, source: RefreshTokenSource::Stored }) = self.take_presented() {
            self.rejected_refresh_token = Some(refresh_token);
        }
    }

    /// The refresh token for the record of a response that contains none: the one that was presented stays valid (RFC 6749
    /// section 6).
    pub(super) fn take_presented_token(&mut self) -> Option<RefreshToken> {
        self.take_presented().map(|presented| presented.refresh_token)
    }

    fn take_presented(&mut self) -> Option<Presented> {
        match &mut self.acquisition.as_mut()?.phase {
            Phase::Requesting { presented, .. } => presented.take(),
            Phase::Backoff { .. }
            | Phase::Queued { .. }
            | Phase::ReadingStore { .. }
            | Phase::AcquiringLease
            | Phase::RecheckingStore(_)
            | Phase::ClaimingRefreshToken(..)
            | Phase::ReturningRefreshToken { .. }
            | Phase::ClearingStore(_)
            | Phase::WritingStore { .. } => None,
        }
    }
}
