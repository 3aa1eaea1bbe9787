//! Eviction of sessions: after an idle timeout, or the least recently used above the limit.

use super::{
    super::{UnixMillis, millis},
    Activity, CredentialSharing, MAX_REJECTED, Pool, PoolEffects, SessionId,
};

impl<T> Pool<T> {
    /// Records a use: the session moves to the end of the eviction order.
    pub(super) fn mark_used(&mut self, slot: u32, now: UnixMillis) {
        let Some(pooled) = self.sessions.get_mut(slot) else { return };
        self.uses += 1;
        if pooled.id != self.default_session {
            self.lru.mark_used(slot);
        }
        (pooled.last_use, pooled.last_used_at) = (self.uses, now);
        let (identity, sessions) = (pooled.identity, &self.sessions);
        self.siblings.mark_used(identity.hash(), slot, &mut |other| {
            other != slot && sessions.get(other).is_some_and(|other| other.identity == identity)
        });
    }

    /// Evicts sessions that are idle for too long, and the least recently used above the limit.
    pub(super) fn evict(&mut self, now: UnixMillis, effects: &mut PoolEffects) {
        loop {
            while let (Some(oldest), _) = self.lru.first()
                && self.sessions.get(oldest).is_some_and(|pooled| pooled.activity != Activity::Idle)
            {
                self.lru.skip(oldest);
            }
            let Some(slot) = self.lru_candidate() else { return };
            if !self.is_over_limit() && self.idle_at(slot) > now {
                return;
            }
            self.remove(slot, effects);
        }
    }

    pub(super) fn remove(&mut self, slot: u32, effects: &mut PoolEffects) {
        let Some(pooled) = self.sessions.remove(slot) else { return };
        self.lru.remove(slot);
        self.timers.remove(slot);
        self.siblings.remove(pooled.identity.hash(), slot);
        self.by_identity_and_scopes.remove(pooled.hash(), slot);
        if self.limits.credentials == CredentialSharing::ByIdentity
            && let Some(history) = pooled.machine.shared_credentials()
            && history.has_rejection()
            && !self.rejected.iter().any(|(identity, _)| *identity == pooled.identity)
        {
            if self.rejected.len() == MAX_REJECTED {
                self.rejected.remove(0);
            }
            self.rejected.push((pooled.identity, history));
        }
        effects.push_evicted(pooled.id);
    }

    /// Until when the token of a session may be returned without a call of the core.
    ///
    /// Ends early enough for the pool to count the use: the next call is answered with the same token.
    pub fn served_until(&self, session: SessionId) -> Option<UnixMillis> {
        let pooled = self.pooled(session)?;
        let until = pooled.machine.served_until()?;
        Some(if session == self.default_session {
            until
        } else {
            until.min(pooled.last_used_at.after(millis(self.limits.idle) / USE_GRANULARITY))
        })
    }

    /// The least recently used session that can be evicted.
    pub(super) fn lru_candidate(&self) -> Option<u32> {
        let (oldest, reinserted) = self.lru.first();
        // Skipped sessions were at the head of the list, so they were used before all that are still in it.
        reinserted.or(oldest)
    }

    /// When a session reaches the idle timeout, unless it is used.
    pub(super) fn idle_at(&self, slot: u32) -> UnixMillis {
        let Some(pooled) = self.sessions.get(slot) else { return UnixMillis::NEVER };
        let idle = millis(self.limits.idle);
        pooled.last_used_at.after(idle).after(idle / USE_GRANULARITY)
    }

    fn is_over_limit(&self) -> bool {
        // The default session does not count.
        self.sessions.len() - 1 > self.limits.max.max(1)
    }
}

/// Uses are known to within this fraction of the idle timeout, because JavaScript returns cached tokens without a call of
/// the core. The timeout is extended by the same fraction, so that no session is evicted early.
const USE_GRANULARITY: u64 = 16;
