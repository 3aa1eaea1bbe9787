//! Timeouts of a session, and its status.

use super::{
    Acquisition, CachedToken, Effect, Freshness, IoScope, NoTokenReason, Reason, RefreshMode, Session,
    TokenError, UnixMillis,
};

/// A snapshot of a session for dashboards. Contains no token.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    /// Freshness of the cached token; `None` without one.
    pub freshness: Option<Freshness>,
    /// Set while an acquisition is in progress.
    pub refreshing: bool,
    /// When the token was issued and when it expires, by the provider's clock.
    pub lifetime: Option<(UnixMillis, UnixMillis)>,
    /// When the background refreshes the token, by our clock.
    pub refresh_at: Option<UnixMillis>,
    /// When the token is due for a refresh, by our clock, whether or not the background refreshes it.
    pub due_at: Option<UnixMillis>,
    /// The failure of the last acquisition, if no token was cached since.
    pub last_error: Option<TokenError>,
    /// Acquisitions that returned a token.
    pub grants: u64,
    /// Acquisitions that failed.
    pub failures: u64,
}

impl Session {
    /// When to send [`Input::TimerFired`](super::Input::TimerFired); always later than the last input.
    pub fn poll_timeout(&self) -> Option<UnixMillis> {
        self.timeout().into_option()
    }

    /// As [`poll_timeout`](Self::poll_timeout), with [`UnixMillis::NEVER`] for `None`.
    pub(in super::super) fn timeout(&self) -> UnixMillis {
        let acquisition = self.acquisition.as_deref().map_or(UnixMillis::NEVER, Acquisition::wakes_at);
        acquisition.min(self.background_refresh_at()).min(self.expiry_event_at()).min(self.store_read_at())
    }

    /// Until when the cached token may be returned without a call of the core.
    ///
    /// Ends when a refresh is due and not in progress, so that the next call starts it.
    pub fn served_until(&self) -> Option<UnixMillis> {
        let cached = self.cached.as_ref()?;
        let until = self.policy.served_until(cached.tokens.issued_at, cached.tokens.expires_at, None);
        Some(until.min(self.continues_at(cached)))
    }

    /// The status at `now`.
    pub fn status(&self, now: UnixMillis) -> Status {
        Status {
            freshness: self.cached.as_ref().map(|cached| cached.freshness(now)),
            refreshing: self.acquisition.as_ref().is_some_and(|it| {
                it.reason != Reason::Shared && (it.reason != Reason::SignedOut || self.is_awaited())
            }),
            lifetime: self.tokens().map(|tokens| {
                let offset = tokens.provider_clock;
                (tokens.issued_at.shifted(offset), tokens.expires_at.shifted(offset))
            }),
            refresh_at: self.refresh_at(),
            due_at: self.cached.as_ref().map(|cached| cached.refresh_at),
            last_error: self.last_failure.as_ref().map(|failure| failure.error.clone()),
            grants: u64::from(self.successes),
            failures: u64::from(self.failures),
        }
    }

    /// When the timer starts a refresh, if one is planned.
    pub fn refresh_at(&self) -> Option<UnixMillis> {
        self.background_refresh_at().into_option()
    }

    /// When any input starts the refresh, or continues the acquisition in progress.
    pub(super) fn continues_at(&self, cached: &CachedToken) -> UnixMillis {
        match self.acquisition.as_deref() {
            Some(acquisition) => acquisition.wakes_at(),
            None => self.background_from(cached.refresh_at),
        }
    }

    /// When listeners are notified that the cached token expired.
    pub(super) fn expiry_event_at(&self) -> UnixMillis {
        let is_replaced = self.acquisition.as_ref().is_some_and(|it| it.phase.writing().is_some());
        match &self.cached {
            Some(cached) if !cached.expiry_announced && !is_replaced => cached.tokens.expires_at,
            Some(_) | None => UnixMillis::NEVER,
        }
    }

    /// When the timer starts an acquisition.
    pub(super) fn background_refresh_at(&self) -> UnixMillis {
        let is_wanted = match self.policy.refresh {
            RefreshMode::Always => true,
            RefreshMode::WhileUsed => self.used,
            RefreshMode::OnDemand => false,
        };
        let is_disabled = self.closed || self.policy.io_scope == IoScope::Request;
        if is_disabled || !is_wanted || self.acquisition.is_some() {
            return UnixMillis::NEVER;
        }
        match (&self.cached, &self.no_token_reason) {
            (Some(cached), _) => self.background_from(cached.refresh_at),
            (None, NoTokenReason::Rejected(_)) => self.background_from(UnixMillis::new(0)),
            (None, NoTokenReason::Initial) => UnixMillis::NEVER,
        }
    }

    /// `at`, delayed until the rate limit, the cool-down and the credential history permit a background grant.
    fn background_from(&self, at: UnixMillis) -> UnixMillis {
        let cool_down_end = self.last_failure.as_ref().map_or(at, |failure| failure.until);
        at.max(cool_down_end).max(self.credentials.retry_at()).max(self.bucket.for_background())
    }

    /// Sets the deadline of the step that one of `effects` starts.
    pub(super) fn set_deadline(&mut self, effects: &[Effect], now: UnixMillis) {
        if effects.iter().any(Effect::is_answered) {
            self.extend_deadline(now);
        }
    }

    /// Restarts the deadline of the pending step.
    pub(super) fn extend_deadline(&mut self, now: UnixMillis) {
        if let Some(acquisition) = &mut self.acquisition
            && let Some(step) = acquisition.phase.pending_step()
        {
            acquisition.deadline = now.after(self.policy.limits.deadline(step));
        }
    }
}
