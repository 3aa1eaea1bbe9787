//! Grants: sending them, and what follows from their results: a token, a retry or a failure.

use std::{rc::Rc, time::Duration};

use super::{
    CredentialId, Effect, ErrorCode, Event, Fence, Freshness, Grant, GrantFailure, LastFailure, Phase,
    Presented, Reason, Retryability, Session, Subject, TokenError, TokenRequest, TokenSet, TokenTimes,
    UnixMillis, cool_down, millis,
};

impl Session {
    /// Sends a grant to the provider.
    pub(super) fn send_grant(
        &mut self,
        presented: Option<Presented>,
        fence: Option<Fence>,
        now: UnixMillis,
        effects: &mut Vec<Effect>,
    ) {
        let authenticate = self.authenticate(now);
        let Some(acquisition) = &mut self.acquisition else { return };
        // Counted here rather than at its start: an acquisition that ends in its first backoff has sent nothing.
        if acquisition.failed_attempts == 0 {
            self.bucket.take(now);
        }
        let refresh_token = presented.as_ref().map(|presented| presented.refresh_token.clone());
        let grant = refresh_token.map_or(authenticate, Grant::Refresh);
        acquisition.phase = Phase::Requesting { presented, since: now, fence };
        effects.push(Effect::Send(acquisition.id, grant));
    }

    pub(super) fn granted(
        &mut self,
        mut result: Result<Rc<TokenSet>, GrantFailure>,
        now: UnixMillis,
        effects: &mut Vec<Effect>,
    ) {
        if let Ok(tokens) = &mut result
            && let Some(expiry) = self.known_expiry(&tokens.access_token)
        {
            Rc::make_mut(tokens).expires_at = tokens.expires_at.min(expiry);
        }
        let authenticate = self.authenticate(now);
        let Some(acquisition) = &mut self.acquisition else { return };
        let (id, credentials) = (acquisition.id, acquisition.credentials);
        let is_refresh = match &acquisition.phase {
            Phase::Requesting { presented, .. } => presented.is_some(),
            // A secret function failed. It is called before the lease is requested, and before the store is read where
            // the key of the record depends on its value.
            Phase::AcquiringLease | Phase::ReadingStore { .. } if result.is_err() => false,
            Phase::AcquiringLease
            | Phase::Backoff { .. }
            | Phase::Queued { .. }
            | Phase::ReadingStore { .. }
            | Phase::RecheckingStore(_)
            | Phase::ClaimingRefreshToken(..)
            | Phase::ReturningRefreshToken { .. }
            | Phase::ClearingStore(_)
            | Phase::WritingStore { .. } => return,
        };
        match result {
            Ok(mut tokens) if now < tokens.expires_at => {
                if is_refresh {
                    self.credentials.granted_otherwise();
                } else {
                    self.credentials.accepted(credentials);
                }
                if tokens.refresh_token.is_none() {
                    Rc::make_mut(&mut tokens).refresh_token = self.take_presented_token();
                }
                self.write_store(tokens, now, effects);
            }
            // Retryable: a provider that returns the same token until it expires issues a new one soon.
            Ok(_) => {
                let issuer = &*self.policy.issuer;
                let message = format!(
                    "{issuer} granted a token that had expired when it arrived; check the lifetime that the response \
                     states, and this device's clock"
                );
                let mut error = TokenError::new(ErrorCode::Protocol, message).of(issuer);
                error.retryability = Some(Retryability::Retryable);
                self.keep_presented();
                self.on_transient_failure(error, now, effects);
            }
            Err(GrantFailure::RefreshTokenRejected(_)) if is_refresh => {
                self.forget_presented();
                effects.push(Effect::Send(id, authenticate));
            }
            Err(GrantFailure::Transient(error)) => {
                self.keep_presented();
                self.record_failure(&error);
                self.on_transient_failure(error, now, effects);
            }
            Err(GrantFailure::NotProcessed(error)) => {
                self.record_failure(&error);
                // The next attempt presents it again, here or at another holder.
                if !self.return_refresh_token(&error, effects) {
                    self.keep_unprocessed();
                    self.on_transient_failure(error, now, effects);
                }
            }
            Err(GrantFailure::IdentityRejected(error)) => {
                self.record_rejection(credentials, Subject::Identity, &error, now);
                self.fail_acquisition(error, now, effects);
            }
            Err(GrantFailure::Permanent(error) | GrantFailure::RefreshTokenRejected(error)) => {
                self.keep_presented();
                self.record_rejection(credentials, Subject::Credentials, &error, now);
                self.fail_acquisition(error, now, effects);
            }
            Err(GrantFailure::Unchanged) => {
                let error = self.credentials.error().unwrap_or_else(TokenError::unchanged_credentials);
                self.fail_acquisition(error, now, effects);
            }
        }
    }

    /// Records a permanent failure in the history of the credentials.
    fn record_rejection(
        &mut self,
        credentials: CredentialId,
        subject: Subject,
        error: &TokenError,
        now: UnixMillis,
    ) {
        if error.code == ErrorCode::InvalidCredentials {
            let jitter = self.jitter.fraction();
            self.credentials.rejected(credentials, subject, error, now, jitter);
        } else {
            self.record_failure(error);
        }
    }

    fn record_failure(&self, error: &TokenError) {
        // After a failure of a secret function nothing was presented.
        if error.code != ErrorCode::CredentialsUnavailable {
            self.credentials.failed_otherwise();
        }
    }

    /// Completes the acquisition with a token that was requested at `requested_at`.
    pub(super) fn on_success(
        &mut self,
        tokens: Rc<TokenSet>,
        reason: Reason,
        requested_at: UnixMillis,
        now: UnixMillis,
        effects: &mut Vec<Effect>,
    ) {
        self.acquisition = None;
        self.successes = self.successes.saturating_add(1);
        if !self.has_newer_than(&tokens.times, requested_at, now) {
            self.cache_token(tokens, reason, effects);
        }
        self.resolve_waiters(&Self::cached_result, effects);
    }

    /// Schedules the next attempt, or fails the acquisition if no attempts are left or `Retry-After` exceeds `retry.max`.
    pub(super) fn on_transient_failure(
        &mut self,
        mut error: TokenError,
        now: UnixMillis,
        effects: &mut Vec<Effect>,
    ) {
        let Some(acquisition) = &mut self.acquisition else { return };
        acquisition.failed_attempts += 1;
        error.attempts = Some(acquisition.failed_attempts);
        let retry = self.policy.retry;
        let retry_after = error.retry_after.map_or(0, millis);
        let exceeds_max = retry_after > millis(retry.max);
        if exceeds_max {
            error.code = ErrorCode::RateLimited;
        }
        if exceeds_max || acquisition.failed_attempts >= retry.attempts {
            self.fail_acquisition(error, now, effects);
            return;
        }
        let delay = retry.delay(acquisition.failed_attempts, self.jitter.fraction()).max(retry_after);
        if acquisition.phase.fence().is_some() {
            effects.push(Effect::ReleaseLease(acquisition.id));
        }
        acquisition.back_off(now.after(delay));
        let delay = Duration::from_millis(delay);
        effects.push(Effect::Emit(Event::Retry { attempt: acquisition.failed_attempts + 1, delay, error }));
    }

    /// The grant that presents the credentials. Rejected credentials are withheld for a while, or until they change,
    /// unless a caller forces a refresh.
    fn authenticate(&self, now: UnixMillis) -> Grant {
        let is_forced = self.acquisition.as_ref().is_some_and(|it| it.reason == Reason::Forced)
            || self.waiters.iter().any(|(_, request)| *request == TokenRequest::Forced);
        match self.credentials.withheld(now) {
            Some(withheld) if !is_forced => Grant::AuthenticateIfChanged(withheld),
            Some(_) | None => Grant::Authenticate,
        }
    }

    /// Fails the acquisition: all waiters share its error, which is remembered for a cool-down.
    fn fail_acquisition(&mut self, error: TokenError, now: UnixMillis, effects: &mut Vec<Effect>) {
        self.sign_out_failed(&error, effects);
        if self.end_sign_out(effects) {
            return;
        }
        self.end_acquisition(effects);
        self.failures = self.failures.saturating_add(1);
        let span = cool_down(self.last_failure.as_ref().map_or(0, |failure| failure.span));
        let until = now.after(span.max(error.retry_after.map_or(0, millis)));
        self.last_failure = Some(Box::new(LastFailure { error: error.clone(), until, span }));
        self.resolve_waiters(
            &|session, request| Some(session.token_or_error(error.clone(), request, now)),
            effects,
        );
        let token_still_valid =
            self.cached.as_ref().is_some_and(|cached| cached.freshness(now) != Freshness::Expired);
        effects.push(Effect::Emit(Event::Error { error, token_still_valid }));
    }

    /// Returns whether the cached token is newer than one with these times that was requested at `requested_at`.
    ///
    /// Only a token that was adopted since can be newer. One that was cached before is older whatever its times are,
    /// since the provider's clock may have been set. The cached token must also satisfy all waiters.
    fn has_newer_than(&self, times: &TokenTimes, requested_at: UnixMillis, now: UnixMillis) -> bool {
        self.cached.as_ref().is_some_and(|cached| {
            let serves = |request: &TokenRequest| {
                *request == TokenRequest::Forced || cached.satisfies(request, &self.policy, now)
            };
            requested_at <= cached.tokens.issued_at
                && times.is_older_than(&cached.tokens.times)
                && serves(&TokenRequest::DEFAULT)
                && self.waiters.iter().all(|(_, request)| serves(request))
        })
    }
}
