//! The interface of a session to its pool: permits, lending and eviction.

use std::rc::Rc;

use super::{
    AccessToken, CredentialHistory, Effect, Jitter, Permit, Phase, Policy, ScopeSet, Session, TokenRequest,
    TokenSet, UnixMillis,
};
use crate::core::SharedCredentials;

/// Use of the scheduler's permits by a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum PermitState {
    /// No acquisition, or one that needs no permit in its phase.
    Idle,
    /// Waits for a permit.
    Waiting(QueueRequest),
    /// Has a permit, and may have a request in flight.
    Holding,
}

/// A session's place in the order of the scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct QueueRequest {
    pub(in super::super) health: Health,
    pub(in super::super) priority: Priority,
    /// When callers start to wait for a new token; in the past without a token.
    pub(in super::super) due_at: UnixMillis,
}

/// Result of a session's last attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Health {
    Healthy,
    Failing,
}

/// Purpose of an acquisition. Interactive ones are scheduled first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum Priority {
    /// Callers wait for it.
    Interactive,
    /// It refreshes a token in the background.
    Background,
}

impl Session {
    /// A session that requires a permit for each acquisition; see [`grant_permit`](Self::grant_permit).
    pub(in super::super) fn scheduled(
        policy: Rc<Policy>,
        scopes: ScopeSet,
        jitter: Jitter,
        credentials: CredentialHistory,
    ) -> Self {
        Self { initial_permit: Permit::Pending, credentials, ..Self::new(policy, scopes, jitter) }
    }

    /// Returns the history of the credentials that it shares with other sessions, if it does.
    pub(in super::super) fn shared_credentials(&self) -> Option<Rc<SharedCredentials>> {
        self.credentials.shared()
    }

    /// Continues a queued acquisition.
    pub(in super::super) fn grant_permit(&mut self, now: UnixMillis, effects: &mut Vec<Effect>) {
        if let Some(acquisition) = &mut self.acquisition
            && let Phase::Queued { read_at } = acquisition.phase
        {
            acquisition.permit = Permit::Granted;
            if read_at == Some(now) {
                self.on_store_miss(None, now, None, now, effects);
            } else {
                // Another holder may have stored a token while this session was queued.
                self.advance(now, effects);
            }
            self.run_due(now, effects);
        }
    }

    /// Returns the use of permits in the current phase.
    pub(in super::super) fn permit_state(&self) -> PermitState {
        match self.acquisition.as_deref() {
            Some(acquisition) if acquisition.permit == Permit::Granted => PermitState::Holding,
            Some(acquisition) if matches!(acquisition.phase, Phase::Queued { .. }) => {
                PermitState::Waiting(QueueRequest {
                    health: match (&self.last_failure, acquisition.failed_attempts) {
                        (None, 0) => Health::Healthy,
                        (Some(_), _) | (_, 1..) => Health::Failing,
                    },
                    priority: if self.is_awaited() { Priority::Interactive } else { Priority::Background },
                    due_at: self.cached.as_ref().map_or(UnixMillis::new(0), |cached| {
                        self.policy.served_until(cached.tokens.issued_at, cached.tokens.expires_at, None)
                    }),
                })
            }
            Some(_) | None => PermitState::Idle,
        }
    }

    /// Returns whether the cached token satisfies a request without waiting.
    pub(in super::super) fn can_serve(&self, request: &TokenRequest, now: UnixMillis) -> bool {
        self.cached.as_ref().is_some_and(|cached| {
            cached.satisfies(request, &self.policy, now) && cached.missing_scopes(request).is_none()
        })
    }

    /// The cached token, if it can be lent to a caller of a sibling session: it must be known to have the needed scopes.
    pub(in super::super) fn lendable(
        &self,
        request: &TokenRequest,
        needed: &ScopeSet,
        now: UnixMillis,
    ) -> Option<&TokenSet> {
        let tokens = self.tokens()?;
        let has_scopes = tokens.scopes.as_ref().is_some_and(|granted| granted.includes(needed));
        (has_scopes && self.can_serve(request, now)).then_some(tokens)
    }

    /// Returns whether this is the cached token.
    pub(in super::super) fn caches(&self, token: &AccessToken) -> bool {
        self.tokens().is_some_and(|cached| cached.access_token == *token)
    }

    /// Returns whether this is the cached token, or one of the last before it.
    pub(in super::super) fn has_cached(&self, token: &AccessToken) -> bool {
        self.caches(token) || self.recent_tokens.includes(token)
    }

    /// The scopes that each grant requests.
    pub const fn scopes(&self) -> &ScopeSet {
        &self.scopes
    }

    /// Returns whether the session is closed and its last acquisition has ended.
    pub(in super::super) fn is_finished(&self) -> bool {
        self.closed && !self.is_busy()
    }
}
