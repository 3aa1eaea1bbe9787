//! The steps of an acquisition that use the shared store: reading, leases, claiming the refresh token, writing.

use std::{rc::Rc, time::Duration};

use super::{
    Acquisition, Effect, ErrorCode, Event, Fence, GrantFailure, Input, IoScope, LeaseWait, Permit, Phase,
    Presented, Reason, RefreshTokenSource, Session, Sharing, StoreMode, StoredRecord, TokenError,
    TokenRequest, TokenSet, UnixMillis, WriteOutcome, cool_down, millis,
};

/// A failure of the shared store.
#[derive(Clone, Copy, Debug)]
pub(super) struct StoreFailure {
    /// When the store is used again.
    until: UnixMillis,
    /// Length of the cool-down in milliseconds.
    span: u64,
}

/// Changes of the shared store by other holders.
#[derive(Debug)]
pub(super) struct StoreChanges {
    /// Set if a change was announced and no successful read started since.
    unread: bool,
    /// When the last read started.
    read_at: UnixMillis,
}

impl Default for StoreChanges {
    fn default() -> Self {
        Self { unread: false, read_at: UnixMillis::new(0) }
    }
}

impl Session {
    /// Continues the acquisition after a backoff: reads the shared store, queues for a permit, or sends the grant.
    pub(super) fn advance(&mut self, now: UnixMillis, effects: &mut Vec<Effect>) {
        if self.uses_store(now) {
            self.read_store_before(now, now, effects);
        } else if let Some(acquisition) = &mut self.acquisition {
            acquisition.store_mode = StoreMode::Bypassed;
            if acquisition.permit == Permit::Pending {
                acquisition.phase = Phase::Queued { read_at: None };
            } else {
                self.grant_without_store(None, now, effects);
            }
        }
    }

    /// Returns whether the acquisition uses the shared store.
    fn uses_store(&self, now: UnixMillis) -> bool {
        self.policy.sharing.is_some()
            && self.store_failure.as_ref().is_none_or(|failure| failure.until <= now)
            && self.acquisition.as_ref().is_none_or(|acquisition| acquisition.store_mode == StoreMode::Shared)
    }

    /// Reads the store during a backoff that ends at `resume_at`.
    fn read_store_before(&mut self, resume_at: UnixMillis, now: UnixMillis, effects: &mut Vec<Effect>) {
        self.read_store(Phase::ReadingStore { resume_at }, now, effects);
    }

    fn read_store(&mut self, phase: Phase, now: UnixMillis, effects: &mut Vec<Effect>) {
        let Some(acquisition) = &mut self.acquisition else { return };
        acquisition.phase = phase;
        acquisition.store_changed_while_reading = false;
        self.store_changes.read_at = now;
        effects.push(Effect::ReadStore(acquisition.id));
    }

    /// Sends a grant without the store, with the credentials or a refresh token that was never in it.
    pub(super) fn grant_without_store(
        &mut self,
        fence: Option<Fence>,
        now: UnixMillis,
        effects: &mut Vec<Effect>,
    ) {
        if self.end_sign_out(effects) {
            return;
        }
        let presented = self.refresh_token.take().filter(|refresh_token| !refresh_token.has_expired(now));
        let source = RefreshTokenSource::Session;
        let presented = presented.map(|refresh_token| Presented { refresh_token, source });
        self.send_grant(presented, fence, now, effects);
    }

    /// Records that another holder wrote to the store; [`read_changes`](Self::read_changes) reads it.
    pub(super) fn store_changed(&mut self) {
        if self.policy.sharing.is_none() {
            return;
        }
        // The write of the other holder shows that the store works.
        self.store_failure = None;
        self.store_changes.unread = true;
        if let Some(acquisition) = &mut self.acquisition {
            acquisition.store_changed_while_reading = true;
        }
    }

    /// When the store is read although no token is requested. An acquisition in progress goes first.
    pub(super) fn store_read_at(&self) -> UnixMillis {
        let may_read = !self.closed && self.policy.io_scope == IoScope::Process;
        let Some(sharing) = self.policy.sharing.filter(|_| may_read) else { return UnixMillis::NEVER };
        let is_in_use = self.used && self.cached.is_some();
        let at = match (&self.acquisition, self.store_changes.unread) {
            (Some(_), _) => UnixMillis::NEVER,
            (None, true) => UnixMillis::new(0),
            (None, false) if sharing.announces && is_in_use => {
                self.store_changes.read_at.after(Sharing::MISSED_CHANGES)
            }
            (None, false) => UnixMillis::NEVER,
        };
        at.max(self.store_failure.as_ref().map_or(at, |failure| failure.until))
    }

    /// Reads the store where a change is unread, or may have been missed.
    ///
    /// The result of a read may lack a change that is announced meanwhile, so that change stays unread until a later read
    /// succeeds. An acquisition in its backoff reads at once; after any other the store is read when it has ended.
    pub(super) fn read_changes(&mut self, now: UnixMillis, effects: &mut Vec<Effect>) {
        if self.store_read_at() <= now {
            self.start_acquisition(Reason::Shared, now);
        }
        match self.acquisition.as_deref() {
            Some(Acquisition { store_mode: StoreMode::Shared, phase, .. }) if self.store_changes.unread => {
                match phase {
                    Phase::Backoff { until } if now < *until => self.read_store_before(*until, now, effects),
                    Phase::Queued { .. } => self.read_store_before(now, now, effects),
                    Phase::Backoff { .. }
                    | Phase::ReadingStore { .. }
                    | Phase::AcquiringLease
                    | Phase::RecheckingStore(_)
                    | Phase::ClaimingRefreshToken(..)
                    | Phase::ReturningRefreshToken { .. }
                    | Phase::ClearingStore(_)
                    | Phase::Requesting { .. }
                    | Phase::WritingStore { .. } => {}
                }
            }
            Some(_) | None => {}
        }
    }

    pub(super) fn store_read(
        &mut self,
        result: Result<Option<StoredRecord>, TokenError>,
        now: UnixMillis,
        effects: &mut Vec<Effect>,
    ) {
        let Some(acquisition) = &self.acquisition else { return };
        let (fence, resume_at) = (acquisition.phase.fence(), acquisition.phase.resumes_at().unwrap_or(now));
        if !acquisition.phase.is_reading_store() {
            return;
        }
        let record = match result {
            Ok(record) => record,
            Err(error) => {
                self.store_failed(error, now, effects);
                return self.on_store_miss(fence, resume_at, None, now, effects);
            }
        };
        self.store_failure = None;
        self.store_changes.unread &= acquisition.store_changed_while_reading;
        let was_unstored = self.sign_out.is_unstored();
        if let (Some(_), Some(record)) = (fence, &record) {
            self.sign_out.collect_unrevoked(record, now);
        }
        let stored = self.accept_record(record, effects).filter(|_| !self.closed);
        let is_stored = was_unstored && !self.sign_out.is_unstored();
        if self.adopt_stored(stored.as_ref(), now, effects) {
            self.end_acquisition(effects);
        } else if !(is_stored && self.end_sign_out(effects)) {
            self.on_store_miss(fence, resume_at, stored, now, effects);
        }
    }

    pub(super) fn lease_answered(
        &mut self,
        result: Result<Option<Fence>, TokenError>,
        now: UnixMillis,
        effects: &mut Vec<Effect>,
    ) {
        let Some(acquisition) = &mut self.acquisition else { return };
        if acquisition.phase != Phase::AcquiringLease {
            // The lease was granted too late.
            if let (None, Ok(Some(_))) = (acquisition.phase.fence(), &result) {
                effects.push(Effect::ReleaseLease(acquisition.id));
            }
            return;
        }
        match result {
            Ok(Some(fence)) => {
                self.lost_lease_until = UnixMillis::new(0);
                self.read_store(Phase::RecheckingStore(fence), now, effects);
            }
            Ok(None) => self.wait_for_lease(now, effects),
            Err(error) => {
                self.store_failed(error, now, effects);
                self.grant_without_store(None, now, effects);
            }
        }
    }

    pub(super) fn store_written(
        &mut self,
        result: Result<WriteOutcome, TokenError>,
        now: UnixMillis,
        effects: &mut Vec<Effect>,
    ) {
        let Some(acquisition) = &self.acquisition else { return };
        let (id, reason) = (acquisition.id, acquisition.reason);
        if let Phase::ClaimingRefreshToken(fence, tokens) = &acquisition.phase {
            let (fence, tokens) = (*fence, Rc::clone(tokens));
            self.refresh_token_claimed(fence, tokens, result, now, effects);
        } else if let Phase::ReturningRefreshToken { tokens, error, .. } = &acquisition.phase {
            let (tokens, error) = (Rc::clone(tokens), error.clone());
            self.refresh_token_returned(&tokens, error, result, now, effects);
        } else if let Phase::ClearingStore(fence) = acquisition.phase {
            self.store_cleared(fence, result, now, effects);
        } else if let Phase::WritingStore { tokens, since, fence } = &acquisition.phase {
            let (tokens, since, has_lease) = (Rc::clone(tokens), *since, fence.is_some());
            if let Err(error) = result {
                self.store_failed(error, now, effects);
            }
            if self.policy.may_be_too_old(&tokens, now) {
                let message =
                    "the store took more than a quarter of the token's lifetime; check the store's load";
                return self.on_transient_failure(TokenError::new(ErrorCode::Store, message), now, effects);
            }
            if has_lease {
                effects.push(Effect::ReleaseLease(id));
            }
            self.on_success(tokens, reason, since, now, effects);
        }
    }

    /// Requests the lease again after a write was fenced.
    pub(super) fn lease_lost(&mut self, now: UnixMillis, effects: &mut Vec<Effect>) {
        if let Some(acquisition) = &self.acquisition
            && acquisition.phase.fence().is_some()
        {
            effects.push(Effect::ReleaseLease(acquisition.id));
        }
        self.wait_for_lease(now, effects);
    }

    /// Writes a new token to the store before it is returned: its refresh token may be the only valid one.
    pub(super) fn write_store(
        &mut self,
        mut tokens: Rc<TokenSet>,
        now: UnixMillis,
        effects: &mut Vec<Effect>,
    ) {
        let Some(acquisition) = &mut self.acquisition else { return };
        let Phase::Requesting { since, fence, .. } = acquisition.phase else { return };
        let is_bypassed = acquisition.store_mode == StoreMode::Bypassed;
        let Some(Sharing { lease, .. }) = self.policy.sharing.filter(|_| !is_bypassed) else {
            self.refresh_token = Rc::make_mut(&mut tokens).refresh_token.take();
            if fence.is_some() {
                effects.push(Effect::ReleaseLease(acquisition.id));
            }
            let reason = acquisition.reason;
            self.on_success(tokens, reason, since, now, effects);
            return;
        };
        // Without leases two holders could present one refresh token, so each keeps its own.
        if lease.is_none() {
            self.refresh_token = Rc::make_mut(&mut tokens).refresh_token.take();
        }
        let record = self.sign_out.record(Rc::clone(&tokens));
        effects.push(Effect::WriteStore(acquisition.id, fence, record));
        Rc::make_mut(&mut tokens).refresh_token = None;
        acquisition.phase = Phase::WritingStore { tokens, since, fence };
    }

    /// After a close, writes the token of a grant in flight under a lease for the other holders, or the refresh token
    /// that it presented in vain, then releases the lease. Continues a sign-out until the store has its record.
    ///
    /// Releasing the lease earlier would let another holder present the same refresh token.
    pub(super) fn drain_after_close(&mut self, input: Input, now: UnixMillis, effects: &mut Vec<Effect>) {
        if self.is_replacing_record() {
            match input {
                Input::StoreRead(_, result) => self.store_read(result, now, effects),
                Input::LeaseAnswered(_, result) => self.lease_answered(result, now, effects),
                Input::StoreWritten(_, result) => self.store_written(result, now, effects),
                // A secret function failed, on which the key of the record depends.
                Input::Granted(_, Err(failure)) => {
                    self.sign_out_failed(&failure.into_error(), effects);
                    self.end_acquisition(effects);
                }
                Input::Requested(..)
                | Input::Cancelled(_)
                | Input::TokenUsed
                | Input::TokenInvalidated(_)
                | Input::TokenRejected(..)
                | Input::TokenReceived(_)
                | Input::TimerFired
                | Input::IoLost
                | Input::Progressed(_)
                | Input::CredentialsPresented(..)
                | Input::Granted(..)
                | Input::StoreChanged
                | Input::Cleared
                | Input::Revoked
                | Input::Closed => {}
            }
        } else if let Input::Granted(id, Ok(mut tokens)) = input {
            if let Some(Acquisition { phase, .. }) = self.acquisition.as_deref_mut()
                && let Phase::Requesting { presented, since, fence } = phase
            {
                if tokens.refresh_token.is_none() {
                    Rc::make_mut(&mut tokens).refresh_token = presented.take().map(|it| it.refresh_token);
                }
                effects.push(Effect::WriteStore(id, *fence, self.sign_out.record(Rc::clone(&tokens))));
                *phase = Phase::WritingStore { tokens, since: *since, fence: *fence };
            }
        } else if let Input::Granted(_, Err(GrantFailure::NotProcessed(error))) = input {
            if !self.return_refresh_token(&error, effects) {
                self.end_acquisition(effects);
            }
        } else if let Input::Granted(..) | Input::StoreWritten(..) = input {
            self.end_acquisition(effects);
        }
    }

    /// Adopts a token that another holder stored if it is newer than the cached one, and returns whether that leaves no
    /// caller waiting.
    fn adopt_stored(
        &mut self,
        stored: Option<&Rc<TokenSet>>,
        now: UnixMillis,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let Some(stored) = stored.filter(|stored| self.is_newer_than_cached(stored, now)) else {
            return false;
        };
        let was_denied_lease = self.acquisition.as_ref().is_some_and(|it| it.lease_wait.denied > 0);
        let mut tokens = Rc::clone(stored);
        Rc::make_mut(&mut tokens).refresh_token = None;
        self.credentials.granted_otherwise();
        self.cache_token(tokens, Reason::Shared, effects);
        self.resolve_waiters(
            &|session, request| {
                let is_satisfied = session.cached.as_ref()?.satisfies(request, &session.policy, now);
                // The forced refresh joined the grant of the holder that had the lease.
                let is_joined = was_denied_lease && *request == TokenRequest::Forced;
                if is_satisfied || is_joined { session.cached_result(request) } else { None }
            },
            effects,
        );
        self.waiters.is_empty()
    }

    fn is_newer_than_cached(&self, stored: &TokenSet, now: UnixMillis) -> bool {
        now < stored.expires_at
            && !self.recent_tokens.includes(&stored.access_token)
            && !self.latest_times().is_some_and(|latest| stored.times.is_older_than(latest))
            && self.tokens().is_none_or(|cached| {
                cached.access_token != stored.access_token && cached.expires_at < stored.expires_at
            })
    }

    /// Continues the acquisition after a read of the store that failed or returned no newer token.
    pub(super) fn on_store_miss(
        &mut self,
        fence: Option<Fence>,
        resume_at: UnixMillis,
        stored: Option<Rc<TokenSet>>,
        now: UnixMillis,
        effects: &mut Vec<Effect>,
    ) {
        let Some(acquisition) = &mut self.acquisition else { return };
        let has_leases = self.policy.sharing.is_some_and(|sharing| sharing.lease.is_some());
        if acquisition.reason == Reason::Shared {
            // Only a change was to be read. Requests that arrived meanwhile start over.
            self.acquisition = None;
            for (call, request) in std::mem::take(&mut self.waiters) {
                self.requested(call, request, now, effects);
            }
        } else if now < resume_at {
            acquisition.back_off(resume_at);
        } else if acquisition.permit == Permit::Pending {
            acquisition.phase = Phase::Queued { read_at: Some(now) };
        } else if acquisition.store_mode == StoreMode::Bypassed || !has_leases {
            let is_bypassed = acquisition.store_mode == StoreMode::Bypassed;
            if is_bypassed || !self.clear_store(fence, effects) {
                self.grant_without_store(fence, now, effects);
            }
        } else if let Some(fence) = fence {
            self.claim_refresh_token(fence, stored, now, effects);
        } else {
            acquisition.phase = Phase::AcquiringLease;
            acquisition.lease_wait.since.get_or_insert(now);
            effects.push(Effect::AcquireLease(acquisition.id));
        }
    }

    /// Waits for the token of the holder that has the lease. Sends a grant without the store once the lease of a crashed
    /// holder would have expired, or at once if this session may have the lease itself.
    fn wait_for_lease(&mut self, now: UnixMillis, effects: &mut Vec<Effect>) {
        let lease = self.lease_span();
        let Some(acquisition) = &mut self.acquisition else { return };
        let LeaseWait { since, denied } = &mut acquisition.lease_wait;
        *denied += 1;
        let waited = now.millis_since(since.unwrap_or(now));
        if now < self.lost_lease_until || waited >= Sharing::lease_timeout(lease) {
            acquisition.store_mode = StoreMode::Bypassed;
            if !self.clear_store(None, effects) {
                self.grant_without_store(None, now, effects);
            }
        } else {
            let delay = Sharing::lease_retry_delay(*denied, self.jitter.fraction());
            acquisition.back_off(now.after(delay));
        }
    }

    /// Records that the reply to a request for the lease was lost.
    ///
    /// The request of a Worker may have ended after the store granted the lease. Waiting for that lease would delay each
    /// caller until it expires. In other hosts the reply is only late, and the driver releases that lease.
    pub(super) fn lease_reply_lost(&mut self, now: UnixMillis) {
        if self.policy.io_scope == IoScope::Request {
            self.lost_lease_until = now.after(millis(self.lease_span()));
        }
    }

    /// The time for which a lease is requested.
    fn lease_span(&self) -> Duration {
        self.policy.sharing.and_then(|sharing| sharing.lease).unwrap_or_default()
    }

    /// Bypasses the store for this acquisition and those that start within a cool-down.
    pub(super) fn store_failed(&mut self, error: TokenError, now: UnixMillis, effects: &mut Vec<Effect>) {
        self.sign_out_failed(&error, effects);
        if let Some(acquisition) = &mut self.acquisition {
            acquisition.store_mode = StoreMode::Bypassed;
        }
        if self.store_failure.is_none() {
            effects.push(Effect::Emit(Event::StoreFailed(error)));
        }
        let span = cool_down(self.store_failure.as_ref().map_or(0, |failure| failure.span));
        self.store_failure = Some(Box::new(StoreFailure { until: now.after(span), span }));
    }
}
