//! The token state of one identity and scope set: a state machine without I/O.

use std::rc::Rc;

use super::{
    AccessToken, Acquisition, AcquisitionId, CachedToken, CallId, CredentialHistory, CredentialId, Effect,
    ErrorCode, Event, Fence, Freshness, Generation, Grant, GrantFailure, Input, IoScope, Jitter, LeaseWait,
    Permit, Phase, Policy, Presented, Reason, RecentTokens, RefreshMode, RefreshToken, RefreshTokenRotation,
    RefreshTokenSource, RejectionHistory, Retryability, RevokedTokens, ScopeSet, Sharing, StoreMode,
    StoredRecord, Subject, TokenBucket, TokenError, TokenRequest, TokenSet, TokenTimes, UnixMillis,
    WriteOutcome, cool_down, millis,
};

mod acquire;
mod refresh_token;
mod scheduling;
mod shared_store;
mod sign_out;
mod timing;

pub(super) use scheduling::{Health, PermitState, Priority, QueueRequest};
use shared_store::{StoreChanges, StoreFailure};
use sign_out::SignOut;
pub use timing::Status;

/// The state machine of one token. ARCHITECTURE.md has its diagrams.
#[derive(Debug)]
pub struct Session {
    policy: Rc<Policy>,
    /// Requested by each grant.
    scopes: ScopeSet,
    jitter: Jitter,
    cached: Option<CachedToken>,
    /// `None` while it is presented, and if the shared store has it.
    refresh_token: Option<RefreshToken>,
    /// The last one that the provider rejected and the shared store still has.
    rejected_refresh_token: Option<RefreshToken>,
    acquisition: Option<Box<Acquisition>>,
    /// The permit with which each acquisition starts.
    initial_permit: Permit,
    /// In order of arrival. Searched linearly: few callers cancel.
    waiters: Vec<(CallId, TokenRequest)>,
    last_failure: Option<Box<LastFailure>>,
    credentials: CredentialHistory,
    store_failure: Option<Box<StoreFailure>>,
    store_changes: StoreChanges,
    /// Until when this session may have the lease without its knowledge, because a reply to its request was lost.
    lost_lease_until: UnixMillis,
    sign_out: SignOut,
    bucket: TokenBucket,
    /// Set if the token was requested since it was cached.
    used: bool,
    no_token_reason: NoTokenReason,
    recent_tokens: RecentTokens,
    rejections: RejectionHistory,
    /// The missing scopes that listeners were last notified of.
    reported_missing_scopes: ScopeSet,
    closed: bool,
    /// Acquisitions started, from which ids are made. 32 bits last for one a second during a century.
    acquisitions: u32,
    successes: u32,
    failures: u32,
}

/// The failure of the last acquisition.
#[derive(Clone, Debug)]
struct LastFailure {
    error: TokenError,
    /// End of the cool-down.
    until: UnixMillis,
    /// Length of the cool-down in milliseconds.
    span: u64,
}

/// Why no token is cached.
#[derive(Clone, Debug, PartialEq, Eq)]
enum NoTokenReason {
    /// None was granted since the start or the last sign-out.
    Initial,
    /// The API rejected the token with these times.
    Rejected(Box<TokenTimes>),
}

impl Session {
    /// A session without a token. Each grant requests `scopes`.
    pub fn new(policy: impl Into<Rc<Policy>>, scopes: ScopeSet, jitter: Jitter) -> Self {
        Self {
            policy: policy.into(),
            scopes,
            jitter,
            cached: None,
            refresh_token: None,
            rejected_refresh_token: None,
            acquisition: None,
            initial_permit: Permit::NotRequired,
            waiters: Vec::new(),
            last_failure: None,
            credentials: CredentialHistory::default(),
            store_failure: None,
            store_changes: StoreChanges::default(),
            lost_lease_until: UnixMillis::new(0),
            sign_out: SignOut::default(),
            bucket: TokenBucket::default(),
            used: false,
            no_token_reason: NoTokenReason::Initial,
            recent_tokens: RecentTokens::default(),
            rejections: RejectionHistory::default(),
            reported_missing_scopes: ScopeSet::default(),
            closed: false,
            acquisitions: 0,
            successes: 0,
            failures: 0,
        }
    }

    /// Applies an input and returns the effects to perform, in order.
    ///
    /// `now` must not decrease from call to call.
    #[must_use = "an effect that is not performed leaves a caller waiting"]
    pub fn handle(&mut self, input: Input, now: UnixMillis) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.handle_unsorted(input, now, &mut effects);
        effects.sort_by_key(Effect::rank);
        effects
    }

    /// As [`handle`](Self::handle); the pool sorts the effects of all sessions together.
    pub(super) fn handle_unsorted(&mut self, input: Input, now: UnixMillis, effects: &mut Vec<Effect>) {
        let is_stale = match (input.acquisition(), &self.acquisition) {
            (Some(id), Some(acquisition)) => id != acquisition.id,
            (Some(_), None) => true,
            (None, _) => false,
        };
        if is_stale || self.closed && matches!(input, Input::Requested(..)) {
            if let Some(effect) = reject_stale(&input) {
                effects.push(effect);
            }
        } else if self.closed {
            self.drain_after_close(input, now, effects);
        } else {
            self.apply(input, now, effects);
        }
        self.run_due(now, effects);
    }

    /// Returns whether a caller is waiting for a token.
    pub fn is_awaited(&self) -> bool {
        !self.waiters.is_empty()
    }

    /// Returns whether an acquisition is in progress. One may outlast [`Input::Closed`]: a token requested under a lease is
    /// still written for the other holders, and a record of before a sign-out is still replaced.
    pub const fn is_busy(&self) -> bool {
        self.acquisition.is_some()
    }

    /// Returns whether the session was closed.
    pub(super) const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Why the acquisition in progress was started, and the number of its current attempt.
    pub fn attempt(&self) -> Option<(Reason, u32)> {
        self.acquisition.as_ref().map(|acquisition| (acquisition.reason, acquisition.failed_attempts + 1))
    }

    /// The last sign-out, here or at another holder.
    pub const fn generation(&self) -> Generation {
        self.sign_out.generation()
    }

    /// The cached token, valid or not.
    pub fn tokens(&self) -> Option<&Rc<TokenSet>> {
        self.cached.as_ref().map(|cached| &cached.tokens)
    }

    /// The refresh token; `None` while it is presented, and if the shared store has it.
    pub const fn refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh_token.as_ref()
    }

    /// The acquisition in progress, for the transition tables.
    #[cfg(test)]
    #[cfg(not(target_arch = "wasm32"))]
    pub(super) fn acquisition(&self) -> Option<&Acquisition> {
        self.acquisition.as_deref()
    }

    fn apply(&mut self, input: Input, now: UnixMillis, effects: &mut Vec<Effect>) {
        match input {
            Input::Requested(call, request) => self.requested(call, request, now, effects),
            Input::Cancelled(call) => {
                if let Some(index) = self.waiters.iter().position(|(waiter, _)| *waiter == call) {
                    self.waiters.remove(index);
                }
                self.shrink_waiters();
            }
            Input::TokenUsed => self.used = true,
            Input::TokenInvalidated(token) => self.invalidate(&token),
            Input::TokenRejected(token, rejection) => {
                let is_cached = self.tokens().is_some_and(|cached| cached.access_token == token);
                if is_cached && self.rejections.should_invalidate(&token, rejection, now) {
                    self.invalidate(&token);
                }
            }
            Input::TokenReceived(tokens) => self.token_received(tokens, now, effects),
            Input::TimerFired => {}
            Input::IoLost => self.io_lost(now, effects),
            Input::Progressed(_) => self.extend_deadline(now),
            Input::CredentialsPresented(_, credentials) => {
                if let Some(acquisition) = &mut self.acquisition {
                    acquisition.credentials = credentials;
                }
            }
            Input::Granted(_, result) => self.granted(result, now, effects),
            Input::StoreRead(_, result) => self.store_read(result, now, effects),
            Input::LeaseAnswered(_, result) => self.lease_answered(result, now, effects),
            Input::StoreWritten(_, result) => self.store_written(result, now, effects),
            Input::StoreChanged => self.store_changed(),
            Input::Cleared => self.clear(now, effects),
            Input::Revoked => self.revoke(now, effects),
            Input::Closed => self.close(effects),
        }
    }

    /// Performs what is due at `now`.
    fn run_due(&mut self, now: UnixMillis, effects: &mut Vec<Effect>) {
        self.set_deadline(effects, now);
        if self.acquisition.as_ref().is_some_and(|acquisition| acquisition.wakes_at() <= now) {
            self.io_lost(now, effects);
        }
        if self.closed {
            self.end_backoff(now, effects);
        } else {
            self.run_due_while_open(now, effects);
            // A refresh may have waited for an acquisition that has just ended.
            if self.timeout() <= now {
                self.run_due_while_open(now, effects);
            }
        }
        self.set_deadline(effects, now);
    }

    fn run_due_while_open(&mut self, now: UnixMillis, effects: &mut Vec<Effect>) {
        if self.expiry_event_at() <= now {
            if let Some(cached) = &mut self.cached {
                cached.expiry_announced = true;
            }
            effects.push(Effect::Emit(Event::Expired));
        }
        if self.background_refresh_at() <= now {
            self.start_acquisition(self.reason(now), now);
        }
        self.read_changes(now, effects);
        self.end_backoff(now, effects);
    }

    fn end_backoff(&mut self, now: UnixMillis, effects: &mut Vec<Effect>) {
        if let Some(Acquisition { phase: Phase::Backoff { until }, .. }) = self.acquisition.as_deref()
            && *until <= now
        {
            self.advance(now, effects);
        }
    }

    fn requested(&mut self, call: CallId, request: TokenRequest, now: UnixMillis, effects: &mut Vec<Effect>) {
        self.used = true;
        if let Some(cached) = &self.cached
            && cached.satisfies(&request, &self.policy, now)
        {
            let is_due = self.continues_at(cached) <= now;
            // In this scope the refresh would end with the call that started it, so the call waits for it.
            let waits = is_due && self.policy.io_scope == IoScope::Request;
            if !waits {
                effects.push(Effect::Resolve(call, token_for(cached, &request)));
            }
            if is_due && self.acquisition.is_none() {
                self.start_acquisition(Reason::Proactive, now);
            }
            if waits {
                self.waiters.push((call, request));
            }
            return;
        }
        match (self.acquisition.as_deref_mut(), &request, &self.last_failure) {
            (None, TokenRequest::Cached { .. }, Some(failure)) if now < failure.until => {
                let mut error = failure.error.clone();
                error.retry_after = error.retry_after.map(|_| failure.until.since(now));
                effects.push(Effect::Resolve(call, self.token_or_error(error, &request, now)));
                return;
            }
            (None, TokenRequest::Cached { .. }, _) => {
                let at = now.max(self.bucket.for_caller());
                self.start_acquisition(self.reason(now), at);
            }
            (None, TokenRequest::Forced, _) => self.start_acquisition(Reason::Forced, now),
            // A forced refresh ends the backoff. A request that is already in flight is joined.
            (Some(Acquisition { phase: Phase::Backoff { until }, .. }), TokenRequest::Forced, _) => {
                *until = now;
            }
            (Some(_), _, _) => {}
        }
        self.waiters.push((call, request));
    }

    fn invalidate(&mut self, token: &AccessToken) {
        if let Some(cached) = self.cached.take_if(|cached| cached.tokens.access_token == *token) {
            self.recent_tokens.remember(&cached.tokens);
            self.no_token_reason = NoTokenReason::Rejected(Box::new(cached.tokens.times));
            self.used = true;
        }
    }

    /// Adopts a token from an ordinary response, unless it is known, expired or older than the cached one.
    fn token_received(&mut self, mut tokens: Rc<TokenSet>, now: UnixMillis, effects: &mut Vec<Effect>) {
        // A token that is being written to the store will be cached next.
        let writing = self.acquisition.as_ref().and_then(|acquisition| acquisition.phase.writing());
        let is_same = |known: Option<&Rc<TokenSet>>| {
            known.is_some_and(|known| known.access_token == tokens.access_token)
        };
        if is_same(self.tokens())
            || is_same(writing)
            || tokens.expires_at <= now
            || self.recent_tokens.includes(&tokens.access_token)
        {
            return;
        }
        if self.latest_times().is_some_and(|latest| tokens.times.is_older_than(latest)) {
            return;
        }
        // Only acquisitions obtain and present refresh tokens.
        let adopted = Rc::make_mut(&mut tokens);
        adopted.refresh_token = None;
        if adopted.scopes.is_none() {
            adopted.scopes = self.tokens().and_then(|cached| cached.scopes.clone());
        }
        self.cache_token(tokens, Reason::Adopted, effects);
        self.resolve_waiters(
            &|session, request| match request {
                TokenRequest::Forced => None,
                TokenRequest::Cached { .. } => session.cached_result(request),
            },
            effects,
        );
        let has_no_purpose = self.acquisition.as_ref().is_some_and(|acquisition| match acquisition.phase {
            // The change of another holder must still be read, and that of a sign-out written.
            _ if acquisition.reason == Reason::Shared || self.sign_out.is_unstored() => false,
            Phase::Backoff { .. }
            | Phase::Queued { .. }
            | Phase::ReadingStore { .. }
            | Phase::AcquiringLease
            | Phase::RecheckingStore(_) => true,
            Phase::ClaimingRefreshToken(..)
            | Phase::ReturningRefreshToken { .. }
            | Phase::ClearingStore(_)
            | Phase::Requesting { .. }
            | Phase::WritingStore { .. } => false,
        });
        if has_no_purpose && self.waiters.is_empty() {
            self.end_acquisition(effects);
        }
    }

    fn close(&mut self, effects: &mut Vec<Effect>) {
        self.closed = true;
        self.resolve_waiters(&|_, _| Some(Err(TokenError::closed())), effects);
        let is_signing_out = self.continue_sign_out_after_close();
        if !is_signing_out {
            self.sign_out_failed(&TokenError::closed(), effects);
        }
        match self.acquisition.as_deref() {
            Some(_) if is_signing_out => {}
            // `drain_after_close` writes the token for the other holders.
            Some(Acquisition {
                phase:
                    Phase::Requesting { fence: Some(_), .. }
                    | Phase::WritingStore { fence: Some(_), .. }
                    | Phase::ReturningRefreshToken { .. },
                ..
            }) => {}
            // The token is not shared, so the response in flight has no consumer.
            Some(Acquisition { id, phase: Phase::Requesting { fence: None, .. }, .. }) => {
                effects.push(Effect::Cancel(*id));
                self.acquisition = None;
            }
            Some(_) | None => self.end_acquisition(effects),
        }
        self.cached = None;
        self.refresh_token = None;
        effects.push(Effect::Emit(Event::Closed));
    }

    /// Starts an acquisition with its first attempt at `at`.
    fn start_acquisition(&mut self, reason: Reason, at: UnixMillis) {
        self.acquisitions = self.acquisitions.wrapping_add(1);
        self.acquisition = Some(Box::new(Acquisition {
            id: AcquisitionId(u64::from(self.acquisitions)),
            reason,
            phase: Phase::Backoff { until: at },
            failed_attempts: 0,
            store_mode: StoreMode::Shared,
            lease_wait: LeaseWait::default(),
            permit: self.initial_permit,
            credentials: CredentialId::default(),
            store_changed_while_reading: false,
            deadline: UnixMillis::NEVER,
        }));
    }

    /// Replaces an acquisition after its pending step was not reported in time.
    ///
    /// The step ended with its host, for example with the request of a Worker or in a frozen page. Its refresh token may
    /// have been presented, so it is not presented again with a strict rotation.
    fn io_lost(&mut self, now: UnixMillis, effects: &mut Vec<Effect>) {
        let Some(acquisition) = self.acquisition.as_deref().filter(|it| it.phase.pending_step().is_some())
        else {
            return;
        };
        let (id, reason) = (acquisition.id, acquisition.reason);
        if matches!(acquisition.phase, Phase::WritingStore { .. }) && !self.closed {
            // The token was granted, whether or not the store has it.
            let message =
                "the store's `set` did not complete in time; tokens are not shared until it works again";
            self.store_written(Err(TokenError::new(ErrorCode::Store, message)), now, effects);
            self.renew_acquisition_id();
            return;
        }
        if matches!(acquisition.phase, Phase::Requesting { .. }) {
            effects.push(Effect::Cancel(id));
        }
        if acquisition.phase == Phase::AcquiringLease {
            self.lease_reply_lost(now);
        }
        self.keep_presented();
        self.end_acquisition(effects);
        if self.closed {
            self.refresh_token = None;
            self.sign_out_failed(&TokenError::closed(), effects);
        } else {
            self.start_acquisition(reason, now.max(self.bucket.for_caller()));
        }
    }

    /// Makes results of earlier steps of the acquisition stale.
    fn renew_acquisition_id(&mut self) {
        self.acquisitions = self.acquisitions.wrapping_add(1);
        if let Some(acquisition) = &mut self.acquisition {
            acquisition.id = AcquisitionId(u64::from(self.acquisitions));
        }
    }

    /// Ends the acquisition and releases its lease.
    fn end_acquisition(&mut self, effects: &mut Vec<Effect>) {
        if let Some(acquisition) = self.acquisition.take()
            && acquisition.phase.fence().is_some()
        {
            effects.push(Effect::ReleaseLease(acquisition.id));
        }
    }

    /// Caches a new token and notifies listeners.
    fn cache_token(&mut self, mut tokens: Rc<TokenSet>, reason: Reason, effects: &mut Vec<Effect>) {
        effects.push(Effect::Emit(Event::Token {
            reason,
            expires_at: tokens.expires_at.shifted(tokens.provider_clock),
            scopes: tokens.scopes.clone(),
        }));
        let missing = tokens.scopes.as_ref().map_or_else(ScopeSet::default, |it| it.missing(&self.scopes));
        if !missing.is_empty() && missing != self.reported_missing_scopes {
            effects.push(Effect::Emit(Event::ScopesMissing(missing.clone())));
        }
        self.reported_missing_scopes = missing;
        // Usually all requested scopes are granted: both then share one set.
        if tokens.scopes.as_ref() == Some(&self.scopes) {
            Rc::make_mut(&mut tokens).scopes = Some(self.scopes.clone());
        }
        let cached = CachedToken::new(tokens, &self.policy, self.jitter.fraction());
        let token = &cached.tokens.access_token;
        if let Some(replaced) = self.cached.take_if(|replaced| replaced.tokens.access_token != *token) {
            self.recent_tokens.remember(&replaced.tokens);
        }
        self.cached = Some(cached);
        self.last_failure = None;
        self.used = false;
    }

    /// The expiry of a token that is or was cached. A provider may return the same token again, and then only its
    /// computed expiry moves.
    fn known_expiry(&self, token: &AccessToken) -> Option<UnixMillis> {
        let cached = self.tokens().filter(|cached| cached.access_token == *token);
        cached.map(|cached| cached.expires_at).or_else(|| self.recent_tokens.expiry_of(token))
    }

    /// Resolves the waiters for which `result` returns one; the others stay.
    fn resolve_waiters(
        &mut self,
        result: &dyn Fn(&Self, &TokenRequest) -> Option<TokenResult>,
        effects: &mut Vec<Effect>,
    ) {
        for (call, request) in std::mem::take(&mut self.waiters) {
            match result(self, &request) {
                Some(result) => effects.push(Effect::Resolve(call, result)),
                None => self.waiters.push((call, request)),
            }
        }
    }

    /// The cached token as the result of a request.
    fn cached_result(&self, request: &TokenRequest) -> Option<TokenResult> {
        self.cached.as_ref().map(|cached| token_for(cached, request))
    }

    /// Frees the memory of an empty list: an idle session has no waiters, and their capacity would be a quarter of its
    /// size.
    fn shrink_waiters(&mut self) {
        if self.waiters.is_empty() {
            self.waiters = Vec::new();
        }
    }

    /// The cached token while it is valid, or `error`. A failed refresh never discards a valid token.
    fn token_or_error(&self, error: TokenError, request: &TokenRequest, now: UnixMillis) -> TokenResult {
        match (&self.cached, request) {
            (Some(cached), TokenRequest::Cached { .. }) if cached.freshness(now) != Freshness::Expired => {
                token_for(cached, request)
            }
            _ => Err(error),
        }
    }

    /// The times of the cached token, or of the one that was rejected.
    fn latest_times(&self) -> Option<&TokenTimes> {
        match (self.tokens(), &self.no_token_reason) {
            (Some(cached), _) => Some(&cached.times),
            (None, NoTokenReason::Rejected(times)) => Some(times),
            (None, NoTokenReason::Initial) => None,
        }
    }

    /// The reason of an acquisition that starts now.
    fn reason(&self, now: UnixMillis) -> Reason {
        match (&self.cached, &self.no_token_reason) {
            (Some(cached), _) if cached.satisfies(&TokenRequest::DEFAULT, &self.policy, now) => {
                Reason::Proactive
            }
            (Some(_), _) => Reason::Expired,
            (None, NoTokenReason::Rejected(_)) => Reason::Rejected,
            (None, NoTokenReason::Initial) => Reason::Initial,
        }
    }
}

/// The effect that answers an input without a consumer: its session is closed or evicted, or its acquisition has ended.
pub(super) fn reject_stale(input: &Input) -> Option<Effect> {
    match input {
        Input::Requested(call, _) => Some(Effect::Resolve(*call, Err(TokenError::closed()))),
        Input::LeaseAnswered(id, Ok(Some(_))) => Some(Effect::ReleaseLease(*id)),
        Input::LeaseAnswered(..)
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
        | Input::StoreRead(..)
        | Input::StoreWritten(..)
        | Input::StoreChanged
        | Input::Cleared
        | Input::Revoked
        | Input::Closed => None,
    }
}

/// The result that a caller receives.
type TokenResult = Result<Rc<TokenSet>, TokenError>;

/// Returns the cached token, or `insufficient_scope` if it is known to lack requested scopes.
fn token_for(cached: &CachedToken, request: &TokenRequest) -> TokenResult {
    let Some(missing) = cached.missing_scopes(request) else { return Ok(Rc::clone(&cached.tokens)) };
    let message = format!(
        "the token was granted without {}; ask for these scopes in the options, and have them granted to \
         the application and the user",
        missing.listed()
    );
    Err(TokenError::new(ErrorCode::InsufficientScope, message).missing(missing))
}
