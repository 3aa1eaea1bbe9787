//! The sessions of one manager: lookup, lending, scheduling of grants, and eviction.
//!
//! ```text
//!  open ──▶ pooled ── idle timeout, or least recently used above the limit ──▶ evicted ── open ──▶ recreated
//!            │  ▲
//!            ▼  │ no waiters, no acquisition
//!           busy: not evicted
//! ```
//!
//! An acquisition reads the shared store without a permit, but waits for one ([`scheduler`]) before it requests the lease
//! or contacts the provider. It has the permit until it succeeds, fails or backs off.
//!
//! The indexes are kept small, because they grow with the number of sessions: sessions have a `u32` slot, and each index
//! is an array over slots or over entries of eight bytes. A `BTreeMap` in their place would add eight kilobytes of
//! WebAssembly.

use std::{rc::Rc, time::Duration};

use super::{
    CredentialHistory, Effect, Event, Input, IoScope, Jitter, Policy, ScopeSet, Session, SharedCredentials,
    SignOutMode, UnixMillis, session::reject_stale,
};

mod borrowing;
mod effects;
mod eviction;
mod hash_index;
mod identity;
mod indexed_heap;
mod lru;
mod scheduler;
mod scope_interner;
mod siblings;
mod slab;

use borrowing::Borrowers;
pub use effects::PoolEffect;
use effects::PoolEffects;
use hash_index::HashIndex;
#[cfg(all(test, not(target_arch = "wasm32")))]
pub(in crate::core) use hash_index::steps;
pub use identity::Identity;
use indexed_heap::IndexedHeap;
use lru::LruList;
use scheduler::{GrantScheduler, SchedulerKey};
use scope_interner::ScopeInterner;
use siblings::Siblings;
pub use slab::SessionId;
use slab::Slab;

/// The sessions of one manager. `T` is the driver's data of a session.
#[derive(Debug)]
pub struct Pool<T> {
    policy: Rc<Policy>,
    limits: Limits,
    jitter: Jitter,
    default_session: SessionId,
    sessions: Slab<PooledSession<T>>,
    siblings: Siblings,
    by_identity_and_scopes: HashIndex,
    scope_interner: ScopeInterner,
    credentials: Rc<SharedCredentials>,
    /// The histories of evicted identities with rejected credentials, the oldest first: an eviction must not permit
    /// another attempt. At most [`MAX_REJECTED`].
    rejected: Vec<(Identity, Rc<SharedCredentials>)>,
    /// Slots ordered by the timeout of their session.
    timers: IndexedHeap,
    /// All sessions but the default one, which is never evicted.
    lru: LruList,
    scheduler: GrantScheduler,
    borrowers: Borrowers,
    /// Uses of all sessions so far, which number each use.
    uses: u64,
    awaited_count: usize,
    busy_count: usize,
    closed: bool,
    /// Sessions changed by the current call; re-indexed before it returns.
    dirty: Vec<SessionId>,
}

/// Limits of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most sessions, not counting the default one and busy ones; at least one.
    pub max: usize,
    /// Time without use after which a session is evicted.
    pub idle: Duration,
    /// Most acquisitions that contact the provider at a time; at least one.
    pub max_concurrent_grants: usize,
    /// Support of the provider for requested scopes.
    pub scoping: Scoping,
    /// Whether all sessions present the same credentials.
    pub credentials: CredentialSharing,
}

/// The relation of the sessions' credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialSharing {
    /// Each session presents those of the manager.
    Shared,
    /// Each identity has its own, which its sessions share.
    ByIdentity,
    /// A user-supplied function or a broker decides.
    Unknown,
}

/// Support of a provider for requested scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scoping {
    /// It grants the scopes that are requested.
    ByRequest,
    /// It has no scopes, or always grants the same.
    Fixed,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max: 10_000,
            idle: Duration::from_secs(15 * 60),
            max_concurrent_grants: 32,
            scoping: Scoping::ByRequest,
            credentials: CredentialSharing::Unknown,
        }
    }
}

/// Limit on the remembered histories of evicted identities, which are searched linearly when a session is opened.
const MAX_REJECTED: usize = 1000;

/// A session with its entries in the indexes of the pool.
#[derive(Debug)]
struct PooledSession<T> {
    id: SessionId,
    identity: Identity,
    machine: Session,
    selector: T,
    /// Number of the last use.
    last_use: u64,
    last_used_at: UnixMillis,
    /// The session's key in `timers`; [`UnixMillis::NEVER`] without one.
    timeout: UnixMillis,
    scheduler_key: SchedulerKey,
    activity: Activity,
}

/// The activity of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Activity {
    /// No acquisition and no waiters: the session can be evicted.
    Idle,
    /// An acquisition without waiters.
    Busy,
    /// Callers wait.
    Awaited,
}

impl<T: Clone> Pool<T> {
    /// A pool with the default session, which lives as long as the pool.
    pub fn new(
        policy: impl Into<Rc<Policy>>,
        limits: Limits,
        jitter: Jitter,
        default_session: (Identity, ScopeSet, T),
        now: UnixMillis,
    ) -> Self {
        let (identity, scopes, selector) = default_session;
        let seed = jitter.clone().next_u64();
        let mut pool = Self {
            policy: policy.into(),
            limits,
            jitter,
            default_session: SessionId::NONE,
            sessions: Slab::new(),
            siblings: Siblings::new(HashIndex::new(seed)),
            by_identity_and_scopes: HashIndex::new(seed),
            scope_interner: ScopeInterner::new(HashIndex::new(seed)),
            credentials: Rc::default(),
            rejected: Vec::new(),
            timers: IndexedHeap::new(),
            lru: LruList::new(),
            scheduler: GrantScheduler::new(limits.max_concurrent_grants),
            borrowers: Borrowers::new(HashIndex::new(seed)),
            uses: 0,
            awaited_count: 0,
            busy_count: 0,
            closed: false,
            dirty: Vec::new(),
        };
        pool.default_session = pool.insert(identity, scopes, selector, now);
        pool
    }

    /// Returns the session of an identity and scope set, and creates it if there is none.
    ///
    /// Any input may evict an unused session: call this for each request, just before [`handle`](Self::handle). `selector`
    /// is stored if the session is new.
    pub fn open(&mut self, identity: Identity, scopes: &ScopeSet, selector: T, now: UnixMillis) -> SessionId {
        if self.closed {
            return SessionId::NONE;
        }
        self.find(identity, scopes).unwrap_or_else(|| {
            let id = self.insert(identity, scopes.clone(), selector, now);
            self.mark_used(id.slot(), now);
            id
        })
    }

    /// Applies an input to a session and returns the effects to perform, in order.
    ///
    /// An input for an evicted session is harmless. `now` must not decrease from call to call.
    #[must_use = "an effect that is not performed leaves a caller waiting"]
    pub fn handle(&mut self, session: SessionId, input: Input, now: UnixMillis) -> Vec<PoolEffect> {
        let mut effects = self.start_call();
        let lender = if let Input::Cancelled(call) = input { self.borrowers.remove(call) } else { None };
        if let Some(slot) = lender.or_else(|| self.sessions.find(session)) {
            self.apply(slot, input, now, &mut effects);
        } else if let Some(effect) = reject_stale(&input) {
            effects.push(session, effect);
        }
        self.run_due(now, &mut effects);
        effects.into_sorted()
    }

    /// Performs what is due in all sessions. Call it when the timer fires or the machine resumes; early and repeated calls
    /// are harmless.
    #[must_use = "an effect that is not performed leaves a caller waiting"]
    pub fn timer_fired(&mut self, now: UnixMillis) -> Vec<PoolEffect> {
        let mut effects = self.start_call();
        self.run_due(now, &mut effects);
        effects.into_sorted()
    }

    /// Closes all sessions. One event is emitted, for the default session.
    #[must_use = "an effect that is not performed leaves a caller waiting"]
    pub fn close(&mut self, now: UnixMillis) -> Vec<PoolEffect> {
        self.closed = true;
        let mut effects = self.start_call();
        for slot in 0..self.sessions.end() {
            self.apply(slot, Input::Closed, now, &mut effects);
        }
        effects.into_sorted()
    }

    /// Signs out sessions that are open. Each reports [`Effect::ReportCleared`]. Returns the effects to perform, in order.
    #[must_use = "an effect that is not performed leaves a caller waiting"]
    pub fn clear(&mut self, sessions: &[SessionId], now: UnixMillis) -> Vec<PoolEffect> {
        self.sign_out(sessions, SignOutMode::Clear, now)
    }

    /// Signs out sessions that are open. Each reports [`Effect::ReportCleared`].
    #[must_use = "an effect that is not performed leaves a caller waiting"]
    pub fn sign_out(
        &mut self,
        sessions: &[SessionId],
        mode: SignOutMode,
        now: UnixMillis,
    ) -> Vec<PoolEffect> {
        let mut effects = self.start_call();
        for session in sessions {
            if let Some(slot) = self.sessions.find(*session) {
                let input = match mode {
                    SignOutMode::Clear => Input::Cleared,
                    SignOutMode::Revoke => Input::Revoked,
                };
                self.apply(slot, input, now, &mut effects);
            }
        }
        self.run_due(now, &mut effects);
        effects.into_sorted()
    }

    fn start_call(&mut self) -> PoolEffects {
        self.dirty.clear();
        PoolEffects::default()
    }

    fn insert(&mut self, identity: Identity, scopes: ScopeSet, selector: T, now: UnixMillis) -> SessionId {
        let scopes = self.scope_interner.intern(scopes);
        let credentials = match self.limits.credentials {
            CredentialSharing::Shared => CredentialHistory::with_shared(Rc::clone(&self.credentials)),
            CredentialSharing::ByIdentity => {
                CredentialHistory::of_identity(self.history_of(identity), Rc::clone(&self.credentials))
            }
            CredentialSharing::Unknown => CredentialHistory::default(),
        };
        let machine = Session::scheduled(Rc::clone(&self.policy), scopes, self.jitter.fork(), credentials);
        let id = self.sessions.insert(|id| PooledSession {
            id,
            identity,
            machine,
            selector,
            last_use: 0,
            last_used_at: now,
            timeout: UnixMillis::NEVER,
            scheduler_key: SchedulerKey::NONE,
            activity: Activity::Idle,
        });
        let (hash, sessions) = (identity.hash(), &self.sessions);
        self.siblings.insert(hash, id.slot(), &mut |other| {
            other != id.slot() && sessions.get(other).is_some_and(|other| other.identity == identity)
        });
        if let Some(pooled) = self.sessions.get(id.slot()) {
            self.by_identity_and_scopes.insert(pooled.hash(), id.slot());
        }
        id
    }

    /// Returns the history of the credentials of an identity: that of its sessions, or of one that was evicted.
    fn history_of(&mut self, identity: Identity) -> Rc<SharedCredentials> {
        let evicted = self.rejected.iter().position(|(known, _)| *known == identity);
        let evicted = evicted.map(|index| self.rejected.remove(index).1);
        let sibling = self.siblings_of(identity).find_map(|(_, it)| it.machine.shared_credentials());
        sibling.or(evicted).unwrap_or_default()
    }

    fn apply(&mut self, slot: u32, input: Input, now: UnixMillis, effects: &mut PoolEffects) {
        let mut receiver = slot;
        match &input {
            Input::Requested(call, request) => {
                let Some(requested) = self.requested(slot, *call, request, now, effects) else { return };
                receiver = requested;
            }
            Input::TokenInvalidated(token) | Input::TokenRejected(token, _) => {
                receiver = self.slot_caching(slot, token);
                self.mark_used(slot, now);
            }
            Input::TokenUsed | Input::TokenReceived(_) => self.mark_used(slot, now),
            Input::Closed => {
                self.reject_borrowers_of(slot, now, effects);
                // The next request for the same identity and scopes creates another session.
                if let Some(pooled) = self.sessions.get(slot) {
                    self.siblings.remove(pooled.identity.hash(), slot);
                    self.by_identity_and_scopes.remove(pooled.hash(), slot);
                }
            }
            Input::Cancelled(_)
            | Input::TimerFired
            | Input::IoLost
            | Input::Progressed(_)
            | Input::CredentialsPresented(..)
            | Input::Granted(..)
            | Input::StoreRead(..)
            | Input::LeaseAnswered(..)
            | Input::StoreWritten(..)
            | Input::StoreChanged
            | Input::Cleared
            | Input::Revoked => {}
        }
        self.forward(receiver, input, now, effects);
    }

    fn forward(&mut self, slot: u32, input: Input, now: UnixMillis, effects: &mut PoolEffects) {
        let Some(pooled) = self.sessions.get_mut(slot) else { return };
        let mut emitted = Vec::new();
        pooled.machine.handle_unsorted(input, now, &mut emitted);
        self.collect_effects(slot, emitted, now, effects);
    }

    fn collect_effects(
        &mut self,
        slot: u32,
        emitted: Vec<Effect>,
        now: UnixMillis,
        effects: &mut PoolEffects,
    ) {
        let Some(id) = self.sessions.get(slot).map(|pooled| pooled.id) else { return };
        for effect in emitted {
            if let Effect::Resolve(call, _) = &effect {
                self.borrowers.remove(*call);
            }
            let is_duplicate = self.closed && id != self.default_session;
            if !(is_duplicate && matches!(effect, Effect::Emit(Event::Closed))) {
                effects.push(id, effect);
            }
        }
        self.reindex(slot, now, effects);
    }

    /// Updates the indexes after a change of a session.
    fn reindex(&mut self, slot: u32, now: UnixMillis, effects: &mut PoolEffects) {
        let Some(pooled) = self.sessions.get_mut(slot) else { return };
        self.dirty.push(pooled.id);
        let timeout = pooled.machine.timeout();
        if timeout != pooled.timeout {
            if timeout == UnixMillis::NEVER {
                self.timers.remove(slot);
            } else {
                self.timers.insert(slot, timeout.millis());
            }
            pooled.timeout = timeout;
        }
        self.scheduler.update(&mut pooled.scheduler_key, slot, pooled.machine.permit_state(), now);
        let activity = Activity::of(&pooled.machine);
        if activity != pooled.activity {
            self.awaited_count += usize::from(activity == Activity::Awaited);
            self.awaited_count -= usize::from(pooled.activity == Activity::Awaited);
            self.busy_count += usize::from(activity != Activity::Idle);
            self.busy_count -= usize::from(pooled.activity != Activity::Idle);
            pooled.activity = activity;
            match activity {
                _ if pooled.id == self.default_session => {}
                Activity::Idle => self.lru.reinsert(slot, pooled.last_use),
                Activity::Busy | Activity::Awaited => self.lru.cancel_reinsert(slot),
            }
        }
        if pooled.machine.is_finished() && pooled.id != self.default_session {
            self.remove(slot, effects);
        }
    }

    /// Fires due timers, grants permits and evicts sessions.
    fn run_due(&mut self, now: UnixMillis, effects: &mut PoolEffects) {
        if self.credentials.take_released() {
            // Background refreshes that waited for other credentials, or for these to be accepted, may be due.
            for slot in 0..self.sessions.end() {
                self.reindex(slot, now, effects);
            }
        }
        // Request-scoped I/O of one session must not be started by a request for another.
        let may_fire = self.policy.io_scope == IoScope::Process || self.closed;
        while may_fire
            && let Some((at, slot)) = self.timers.first()
            && at <= now.millis()
        {
            self.forward(slot, Input::TimerFired, now, effects);
        }
        while let Some(slot) = self.scheduler.next_permit(self.max_grants()) {
            let Some(pooled) = self.sessions.get_mut(slot) else { continue };
            let mut emitted = Vec::new();
            pooled.machine.grant_permit(now, &mut emitted);
            self.collect_effects(slot, emitted, now, effects);
        }
        self.evict(now, effects);
    }

    /// Most grants in flight at a time, as far as credentials limit them.
    fn max_grants(&self) -> usize {
        // With request-scoped I/O, no session may wait for that of another.
        let may_wait = self.policy.io_scope == IoScope::Process;
        if may_wait && self.limits.credentials != CredentialSharing::Unknown {
            self.credentials.max_grants()
        } else {
            usize::MAX
        }
    }
}

impl<T> Pool<T> {
    /// When to call [`timer_fired`](Self::timer_fired); always later than the last input.
    pub fn poll_timeout(&self) -> Option<UnixMillis> {
        let due = self.timers.first().map_or(UnixMillis::NEVER, |(at, _)| UnixMillis::new(at));
        let idle = self.lru_candidate().map_or(UnixMillis::NEVER, |slot| self.idle_at(slot));
        due.min(idle).into_option()
    }

    /// The sessions that the last call may have changed, in any order, some of them twice. All others have the same token
    /// as before.
    pub fn dirty(&self) -> &[SessionId] {
        &self.dirty
    }

    /// The default session.
    pub const fn default_session(&self) -> SessionId {
        self.default_session
    }

    /// Returns the session of an identity and scope set, if there is one.
    pub fn find(&self, identity: Identity, scopes: &ScopeSet) -> Option<SessionId> {
        let slot = self.by_identity_and_scopes.find(hash(identity, scopes), &mut |slot| {
            self.sessions
                .get(slot)
                .is_some_and(|pooled| pooled.identity == identity && pooled.machine.scopes() == scopes)
        })?;
        self.sessions.get(slot).map(|pooled| pooled.id)
    }

    /// The state machine of a session; `None` after its eviction.
    pub fn session(&self, session: SessionId) -> Option<&Session> {
        self.pooled(session).map(|pooled| &pooled.machine)
    }

    /// The sessions that are not closed.
    pub fn open_sessions(&self) -> Vec<SessionId> {
        let slots = (0..self.sessions.end()).filter_map(|slot| self.sessions.get(slot));
        slots.filter(|pooled| !pooled.machine.is_closed()).map(|pooled| pooled.id).collect()
    }

    /// The sessions with the identity of one of `sessions` that are not closed.
    pub fn siblings(&self, sessions: &[SessionId]) -> Vec<SessionId> {
        let mut identities: Vec<_> =
            sessions.iter().filter_map(|id| Some(self.pooled(*id)?.identity)).collect();
        identities.sort_unstable();
        identities.dedup();
        let siblings = identities.into_iter().flat_map(|identity| self.siblings_of(identity));
        siblings.map(|(_, pooled)| pooled.id).collect()
    }

    /// The identity of a session; `None` after its eviction.
    pub fn identity(&self, session: SessionId) -> Option<Identity> {
        self.pooled(session).map(|pooled| pooled.identity)
    }

    /// The driver's data of a session.
    pub fn selector(&self, session: SessionId) -> Option<&T> {
        self.pooled(session).map(|pooled| &pooled.selector)
    }

    /// The number of sessions, including the default one.
    #[expect(clippy::len_without_is_empty, reason = "the default session always exists")]
    pub const fn len(&self) -> usize {
        self.sessions.len()
    }

    /// The number of acquisitions with a permit.
    pub const fn permits_held(&self) -> usize {
        self.scheduler.permits_held()
    }

    /// Returns whether a caller is waiting for a token.
    pub const fn is_awaited(&self) -> bool {
        self.awaited_count > 0
    }

    /// Returns whether an acquisition is in progress: see [`Session::is_busy`].
    pub const fn is_busy(&self) -> bool {
        self.busy_count > 0
    }

    fn pooled(&self, session: SessionId) -> Option<&PooledSession<T>> {
        self.sessions.get(self.sessions.find(session)?)
    }

    /// The sessions of an identity, the most recently used first.
    fn siblings_of(&self, identity: Identity) -> impl Iterator<Item = (u32, &PooledSession<T>)> {
        let slots = self.siblings.of(identity.hash(), &mut |slot| {
            self.sessions.get(slot).is_some_and(|pooled| pooled.identity == identity)
        });
        slots.filter_map(|slot| Some((slot, self.sessions.get(slot)?)))
    }
}

impl<T> PooledSession<T> {
    fn hash(&self) -> u64 {
        hash(self.identity, self.machine.scopes())
    }
}

/// Hash of a session's identity and scopes.
fn hash(identity: Identity, scopes: &ScopeSet) -> u64 {
    identity.hash() ^ scopes.hash()
}

impl Activity {
    fn of(session: &Session) -> Self {
        if session.is_awaited() {
            Self::Awaited
        } else if session.is_busy() {
            Self::Busy
        } else {
            Self::Idle
        }
    }
}
