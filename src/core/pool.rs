//! Many sessions: who is kept, whose turn it is, and who may use whose token.
//!
//! Decides all that concerns more than one session. Leaves each token's life to its
//! [`Lifecycle`], and performing the effects to the driver.
//!
//! ```text
//!  open ──▶ kept ── idle, or least recently used of too many ──▶ gone ── open ──▶ another
//!            │  ▲
//!            ▼  │ nobody waits, nothing on the wire
//!           busy: not given up
//! ```
//!
//! A flight reads the shared store as it likes, but waits for its turn ([`turns`]) before
//! it asks for the lease or the provider; it has its turn until it lands, fails or pauses.

use std::{rc::Rc, time::Duration};

use super::{
    Change, Effect, Event, IoScope, Jitter, Lifecycle, Policy, ScopeSet, UnixMillis, millis,
    session::{turn, undeliverable},
};

mod borrowing;
mod hash_index;
mod identity;
mod indexed_heap;
mod lru;
mod scheduler;
mod scope_interner;
mod siblings;
mod slab;

use borrowing::Guests;
use hash_index::Index;
#[cfg(all(test, not(target_arch = "wasm32")))]
pub(in crate::core) use hash_index::steps;
pub use identity::Identity;
use indexed_heap::Ordered;
use lru::Recency;
use scheduler::{Slot, Turns};
use scope_interner::ScopeSets;
use siblings::Siblings;
use slab::Places;
pub use slab::SessionId;

/// The sessions of one manager. `T` is what the layer above wants to know of each.
#[derive(Debug)]
pub struct Pool<T> {
    policy: Rc<Policy>,
    limits: Limits,
    jitter: Jitter,
    own: SessionId,
    sessions: Places<Session<T>>,
    siblings: Siblings,
    /// By identity and scopes.
    selected: Index,
    scope_sets: ScopeSets,
    /// When each session is to be woken.
    alarms: Ordered,
    /// But for the own one, which is never given up.
    recency: Recency,
    turns: Turns,
    guests: Guests,
    uses: u64,
    awaited: usize,
    busy: usize,
    openness: Openness,
    /// Whom the last call concerned.
    reviewed: Vec<SessionId>,
}

/// How much of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Sessions kept, the manager's own and busy ones apart; at least one.
    pub max: usize,
    /// How long a session is kept that nobody uses.
    pub idle: Duration,
    /// Grants on the wire at a time; at least one.
    pub max_concurrent_grants: usize,
    /// Whether a token can be asked for with other scopes.
    pub scoping: Scoping,
}

/// Whether the provider grants scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scoping {
    /// Those that are asked for: a caller who needs more has them asked for.
    ByRequest,
    /// There are none, or the same always.
    Fixed,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max: 10_000,
            idle: Duration::from_secs(15 * 60),
            max_concurrent_grants: 32,
            scoping: Scoping::ByRequest,
        }
    }
}

/// Something to do.
#[derive(Clone, Debug, PartialEq)]
pub enum PoolEffect {
    /// What a session wants done.
    Perform(SessionId, Effect),
    /// The session is gone, and its token with it: forget what belongs to it.
    Forget(SessionId),
}

#[derive(Debug)]
struct Session<T> {
    id: SessionId,
    identity: Identity,
    lifecycle: Lifecycle,
    context: T,
    /// The number of its last use, and when that was.
    used: u64,
    used_at: UnixMillis,
    /// When it is to be woken, as the pool's alarms have it; [`UnixMillis::NEVER`] where they do not.
    alarm: UnixMillis,
    slot: Slot,
    activity: Activity,
}

/// What a session is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Activity {
    /// Nothing that would be lost with it.
    Quiet,
    /// It has a flight, which nobody waits for.
    Busy,
    /// Callers wait.
    Awaited,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Openness {
    Open,
    Closed,
}

impl<T: Clone> Pool<T> {
    /// A pool of one session, the manager's own, which is kept for as long as the pool is.
    pub fn new(
        policy: impl Into<Rc<Policy>>,
        limits: Limits,
        jitter: Jitter,
        own: (Identity, ScopeSet, T),
        now: UnixMillis,
    ) -> Self {
        let (identity, scopes, context) = own;
        let seed = jitter.clone().bits();
        let mut pool = Self {
            policy: policy.into(),
            limits,
            jitter,
            own: SessionId::NOBODY,
            sessions: Places::new(),
            siblings: Siblings::new(Index::new(seed)),
            selected: Index::new(seed),
            scope_sets: ScopeSets::new(Index::new(seed)),
            alarms: Ordered::new(),
            recency: Recency::new(),
            turns: Turns::new(limits.max_concurrent_grants),
            guests: Guests::new(Index::new(seed)),
            uses: 0,
            awaited: 0,
            busy: 0,
            openness: Openness::Open,
            reviewed: Vec::new(),
        };
        pool.own = pool.add(identity, scopes, context, now);
        pool
    }

    /// The session of this identity and these scopes; a new one if there is none (any more).
    ///
    /// A session that is not used may be gone at the next event: this is to be called for
    /// each request, just before it is handed to [`handle`](Self::handle). `context` is
    /// kept where the session is new.
    pub fn open(&mut self, identity: Identity, scopes: &ScopeSet, context: T, now: UnixMillis) -> SessionId {
        if self.openness == Openness::Closed {
            return SessionId::NOBODY;
        }
        self.find(identity, scopes).unwrap_or_else(|| {
            let id = self.add(identity, scopes.clone(), context, now);
            self.touch(id.place(), now);
            id
        })
    }

    /// Takes note of what has happened to a session and tells what to do, in order.
    ///
    /// An event of a session that is gone does no harm. `now` must not go back from call
    /// to call.
    #[must_use = "an effect that is not performed leaves a caller waiting"]
    pub fn handle(&mut self, session: SessionId, event: Event, now: UnixMillis) -> Vec<PoolEffect> {
        let mut effects = self.begin();
        let elsewhere = if let Event::Abandoned(call) = event { self.guests.remove(call) } else { None };
        if let Some(place) = elsewhere.or_else(|| self.sessions.find(session)) {
            self.note(place, event, now, &mut effects);
        } else if let Some(effect) = undeliverable(&event) {
            effects.push(session, effect);
        }
        self.tend(now, &mut effects);
        effects.in_order()
    }

    /// The alarm went off, or the machine woke: does what is due of all sessions.
    /// Harmless when early or repeated.
    #[must_use = "an effect that is not performed leaves a caller waiting"]
    pub fn woke(&mut self, now: UnixMillis) -> Vec<PoolEffect> {
        let mut effects = self.begin();
        self.tend(now, &mut effects);
        effects.in_order()
    }

    /// Closes all sessions. Listeners are told once, as of the manager's own.
    #[must_use = "an effect that is not performed leaves a caller waiting"]
    pub fn close(&mut self, now: UnixMillis) -> Vec<PoolEffect> {
        self.openness = Openness::Closed;
        let mut effects = self.begin();
        for place in 0..self.sessions.end() {
            self.note(place, Event::Closed, now, &mut effects);
        }
        effects.in_order()
    }

    fn begin(&mut self) -> Effects {
        self.reviewed.clear();
        Effects::default()
    }

    fn add(&mut self, identity: Identity, scopes: ScopeSet, context: T, now: UnixMillis) -> SessionId {
        let scopes = self.scope_sets.shared(scopes);
        let lifecycle = Lifecycle::in_turn(Rc::clone(&self.policy), scopes, self.jitter.split());
        let id = self.sessions.add(|id| Session {
            id,
            identity,
            lifecycle,
            context,
            used: 0,
            used_at: now,
            alarm: UnixMillis::NEVER,
            slot: Slot::NONE,
            activity: Activity::Quiet,
        });
        let (number, sessions) = (identity.number(), &self.sessions);
        self.siblings.add(number, id.place(), &mut |other| {
            other != id.place() && sessions.get(other).is_some_and(|other| other.identity == identity)
        });
        if let Some(session) = self.sessions.get(id.place()) {
            self.selected.add(session.number(), id.place());
        }
        id
    }

    fn note(&mut self, place: u32, event: Event, now: UnixMillis, effects: &mut Effects) {
        let mut told = place;
        match &event {
            Event::Requested(call, want) => {
                let Some(asked) = self.requested(place, *call, want, now, effects) else { return };
                told = asked;
            }
            Event::Invalidated(token) | Event::Refused(token, _) => {
                told = self.holder(place, token);
                self.touch(place, now);
            }
            Event::Used | Event::Observed(_) => self.touch(place, now),
            Event::Closed => {
                self.dismiss_guests_of(place, now, effects);
                // Whoever asks for the same again gets another.
                if let Some(session) = self.sessions.get(place) {
                    self.siblings.remove(session.identity.number(), place);
                    self.selected.remove(session.number(), place);
                }
            }
            Event::Abandoned(_)
            | Event::Woke
            | Event::IoLost
            | Event::Progressed(_)
            | Event::Presented(..)
            | Event::Granted(..)
            | Event::Loaded(..)
            | Event::Leased(..)
            | Event::Saved(..)
            | Event::PeerSaved => {}
        }
        self.tell(told, event, now, effects);
    }

    /// The session is used: from now on it is the last to go.
    fn touch(&mut self, place: u32, now: UnixMillis) {
        let Some(session) = self.sessions.get_mut(place) else { return };
        self.uses += 1;
        if session.id != self.own {
            self.recency.touch(place);
        }
        (session.used, session.used_at) = (self.uses, now);
        let (identity, sessions) = (session.identity, &self.sessions);
        self.siblings.touch(identity.number(), place, &mut |other| {
            other != place && sessions.get(other).is_some_and(|other| other.identity == identity)
        });
    }

    fn tell(&mut self, place: u32, event: Event, now: UnixMillis, effects: &mut Effects) {
        let Some(session) = self.sessions.get_mut(place) else { return };
        let mut told = Vec::new();
        session.lifecycle.tell(event, now, &mut told);
        self.take_up(place, told, now, effects);
    }

    fn take_up(&mut self, place: u32, told: Vec<Effect>, now: UnixMillis, effects: &mut Effects) {
        let Some(id) = self.sessions.get(place).map(|session| session.id) else { return };
        for effect in told {
            if let Effect::Settle(call, _) = &effect {
                self.guests.remove(*call);
            }
            // Listeners are told once that all is closed, as of the manager's own.
            let closing = self.openness == Openness::Closed && id != self.own;
            if !(closing && matches!(effect, Effect::Notify(Change::Closed))) {
                effects.push(id, effect);
            }
        }
        self.review(place, now, effects);
    }

    /// Takes note of how a session is now.
    fn review(&mut self, place: u32, now: UnixMillis, effects: &mut Effects) {
        let Some(session) = self.sessions.get_mut(place) else { return };
        self.reviewed.push(session.id);
        let alarm = session.lifecycle.alarm();
        if alarm != session.alarm {
            if alarm == UnixMillis::NEVER {
                self.alarms.remove(place);
            } else {
                self.alarms.insert(place, alarm.millis());
            }
            session.alarm = alarm;
        }
        self.turns.note(&mut session.slot, place, session.lifecycle.claim_of_turn(), now);
        let activity = Activity::of(&session.lifecycle);
        if activity != session.activity {
            self.awaited += usize::from(activity == Activity::Awaited);
            self.awaited -= usize::from(session.activity == Activity::Awaited);
            self.busy += usize::from(activity != Activity::Quiet);
            self.busy -= usize::from(session.activity != Activity::Quiet);
            session.activity = activity;
            match activity {
                _ if session.id == self.own => {}
                Activity::Quiet => self.recency.take_back(place, session.used),
                Activity::Busy | Activity::Awaited => self.recency.forget_return(place),
            }
        }
        if session.lifecycle.is_over() && session.id != self.own {
            self.forget(place, effects);
        }
    }

    /// Does what is due of all sessions, gives out turns, and lets go of who is not needed.
    fn tend(&mut self, now: UnixMillis, effects: &mut Effects) {
        // Otherwise the I/O of one session would end with a request that is about another.
        let is_free = self.policy.io_scope == IoScope::Process || self.openness == Openness::Closed;
        while is_free
            && let Some((at, place)) = self.alarms.first()
            && at <= now.millis()
        {
            self.tell(place, Event::Woke, now, effects);
        }
        while let Some(place) = self.turns.next() {
            let Some(session) = self.sessions.get_mut(place) else { continue };
            let mut told = Vec::new();
            session.lifecycle.admit(now, &mut told);
            self.take_up(place, told, now, effects);
        }
        self.let_go(now, effects);
    }

    /// Gives up those that nobody uses, and the least recently used of too many.
    fn let_go(&mut self, now: UnixMillis, effects: &mut Effects) {
        loop {
            while let (Some(head), _) = self.recency.first()
                && self.sessions.get(head).is_some_and(|session| session.activity != Activity::Quiet)
            {
                self.recency.pass_over(head);
            }
            let Some(place) = self.next_to_go() else { return };
            if !self.too_many() && self.idle_at(place) > now {
                return;
            }
            self.forget(place, effects);
        }
    }

    fn too_many(&self) -> bool {
        // The own one does not count.
        self.sessions.len() - 1 > self.limits.max.max(1)
    }

    fn forget(&mut self, place: u32, effects: &mut Effects) {
        let Some(session) = self.sessions.remove(place) else { return };
        self.recency.remove(place);
        self.alarms.remove(place);
        self.siblings.remove(session.identity.number(), place);
        self.selected.remove(session.number(), place);
        effects.gone.push(PoolEffect::Forget(session.id));
    }
}

impl<T> Pool<T> {
    /// When to call [`woke`](Self::woke); always later than the last event.
    pub fn next_wakeup(&self) -> Option<UnixMillis> {
        let due = self.alarms.first().map_or(UnixMillis::NEVER, |(at, _)| UnixMillis::new(at));
        let idle = self.next_to_go().map_or(UnixMillis::NEVER, |place| self.idle_at(place));
        due.min(idle).if_ever()
    }

    /// The sessions that the last call may have changed, in no order and maybe twice. What is
    /// held by all others is what it was.
    pub fn reviewed(&self) -> &[SessionId] {
        &self.reviewed
    }

    /// The manager's own session.
    pub const fn own(&self) -> SessionId {
        self.own
    }

    /// The session of this identity and these scopes, if there is one.
    pub fn find(&self, identity: Identity, scopes: &ScopeSet) -> Option<SessionId> {
        let place = self.selected.find(number(identity, scopes), &mut |place| {
            self.sessions
                .get(place)
                .is_some_and(|session| session.identity == identity && session.lifecycle.scopes() == scopes)
        })?;
        self.sessions.get(place).map(|session| session.id)
    }

    /// The lifecycle of a session; `None` where it is gone.
    pub fn lifecycle(&self, session: SessionId) -> Option<&Lifecycle> {
        self.session(session).map(|session| &session.lifecycle)
    }

    /// What the layer above wanted to know of a session.
    pub fn context(&self, session: SessionId) -> Option<&T> {
        self.session(session).map(|session| &session.context)
    }

    /// Until when the token that the session holds may be handed out without asking.
    ///
    /// It ends early enough for the pool to know that the session is used: whoever asks
    /// after that is given it all the same, and is counted.
    pub fn served_until(&self, session: SessionId) -> Option<UnixMillis> {
        let found = self.session(session)?;
        let until = found.lifecycle.served_until()?;
        Some(if session == self.own {
            until
        } else {
            until.min(found.used_at.after(millis(self.limits.idle) / GRAIN))
        })
    }

    /// How many sessions there are, the manager's own included.
    #[expect(clippy::len_without_is_empty, reason = "there is always the manager's own")]
    pub const fn len(&self) -> usize {
        self.sessions.len()
    }

    /// How many grants have their turn.
    pub const fn asking(&self) -> usize {
        self.turns.asking()
    }

    /// Whether a caller waits for an answer.
    pub const fn is_awaited(&self) -> bool {
        self.awaited > 0
    }

    /// Whether something is still to be done: see [`Lifecycle::is_busy`].
    pub const fn is_busy(&self) -> bool {
        self.busy > 0
    }

    fn session(&self, session: SessionId) -> Option<&Session<T>> {
        self.sessions.get(self.sessions.find(session)?)
    }

    /// The sessions of this identity, the last used first.
    fn siblings_of(&self, identity: Identity) -> impl Iterator<Item = (u32, &Session<T>)> {
        let places = self.siblings.of(identity.number(), &mut |place| {
            self.sessions.get(place).is_some_and(|session| session.identity == identity)
        });
        places.filter_map(|place| Some((place, self.sessions.get(place)?)))
    }

    /// The least recently used of those that may go.
    fn next_to_go(&self) -> Option<u32> {
        let (head, back) = self.recency.first();
        // Whoever was passed over was before all who were behind, and every use is the last.
        back.or(head)
    }

    /// When a session has been idle for too long, should nobody use it.
    fn idle_at(&self, place: u32) -> UnixMillis {
        let Some(session) = self.sessions.get(place) else { return UnixMillis::NEVER };
        let idle = millis(self.limits.idle);
        session.used_at.after(idle).after(idle / GRAIN)
    }
}

/// A use is known of within this part of the time after which a session is idle: tokens
/// are handed out without asking. So a session goes that much later, rather than too early.
const GRAIN: u64 = 16;

impl<T> Session<T> {
    fn number(&self) -> u64 {
        number(self.identity, self.lifecycle.scopes())
    }
}

/// A number that two pairs of identity and scopes rarely have in common.
fn number(identity: Identity, scopes: &ScopeSet) -> u64 {
    identity.number() ^ scopes.digest()
}

impl Activity {
    fn of(lifecycle: &Lifecycle) -> Self {
        if lifecycle.is_awaited() {
            Self::Awaited
        } else if lifecycle.is_busy() {
            Self::Busy
        } else {
            Self::Quiet
        }
    }
}

/// What is to be done, as within one session over all: callers first, listeners late; what
/// is gone, last.
#[derive(Default)]
struct Effects {
    /// By turn.
    performed: [Vec<PoolEffect>; 3],
    gone: Vec<PoolEffect>,
}

impl Effects {
    fn push(&mut self, session: SessionId, effect: Effect) {
        self.performed[usize::from(turn(&effect))].push(PoolEffect::Perform(session, effect));
    }

    fn in_order(self) -> Vec<PoolEffect> {
        let Self { performed: [first, second, third], gone } = self;
        chained(chained(chained(first, second), third), gone)
    }
}

/// Mostly one of them is empty, and the other need not be moved.
fn chained(mut first: Vec<PoolEffect>, mut later: Vec<PoolEffect>) -> Vec<PoolEffect> {
    if first.is_empty() {
        return later;
    }
    first.append(&mut later);
    first
}
