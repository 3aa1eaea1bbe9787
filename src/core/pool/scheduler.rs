//! The order in which sessions contact the provider, and how many may do so at a time.
//!
//! Interactive acquisitions go before background ones, and among them those that are due first.
//! Three rules prevent starvation:
//!
//! - Every fourth permit goes to the oldest request, whatever its priority: a request behind `n` older ones waits for at
//!   most `4 (n + 1)` permits.
//! - Sessions go last after a failed attempt and have at most half of the permits: a request that times out takes a
//!   hundred times as long as one that is answered.
//! - After ten seconds, interactive requests are ordered by age.

use super::{
    super::{
        UnixMillis,
        session::{Health, PermitState, Priority, QueueRequest},
    },
    indexed_heap::IndexedHeap,
};

/// Grants permits to queued acquisitions.
#[derive(Debug)]
pub(super) struct GrantScheduler {
    /// Most permits held at a time.
    limit: usize,
    /// The sessions that wait for a permit or hold one.
    clients: Vec<Client>,
    free: Vec<u32>,
    healthy: Queue,
    failing: Queue,
    held: usize,
    held_by_failing: usize,
    /// Requests so far, which number each request.
    sequence: u64,
    granted: u64,
}

/// A session's index in the scheduler, which the session stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SchedulerKey(u32);

impl SchedulerKey {
    /// The key of a session that neither waits for a permit nor holds one.
    pub(super) const NONE: Self = Self(u32::MAX);
}

#[derive(Clone, Copy, Debug)]
struct Client {
    session: u32,
    state: ClientState,
}

#[derive(Clone, Copy, Debug)]
enum ClientState {
    Waiting { request: QueueRequest, since: UnixMillis, sequence: u64 },
    Holding(Health),
    Idle,
}

/// Waiting clients in two orders.
#[derive(Debug, Default)]
struct Queue {
    by_rank: IndexedHeap,
    by_age: IndexedHeap,
}

impl GrantScheduler {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit: limit.max(1),
            clients: Vec::new(),
            free: Vec::new(),
            healthy: Queue::default(),
            failing: Queue::default(),
            held: 0,
            held_by_failing: 0,
            sequence: 0,
            granted: 0,
        }
    }

    /// Updates the state of a session.
    pub(super) fn update(
        &mut self,
        key: &mut SchedulerKey,
        session: u32,
        state: PermitState,
        now: UnixMillis,
    ) {
        let before = self.clients.get(key.0 as usize).map_or(ClientState::Idle, |client| client.state);
        match (before, state) {
            (ClientState::Idle, PermitState::Idle) | (ClientState::Holding(_), PermitState::Holding) => {}
            (ClientState::Waiting { request: before, .. }, PermitState::Waiting(request))
                if before == request => {}
            (ClientState::Waiting { since, sequence, .. }, PermitState::Waiting(request)) => {
                self.leave(*key);
                self.enqueue(*key, request, since, sequence);
            }
            (_, PermitState::Idle) => {
                self.leave(*key);
                self.free.push(key.0);
                *key = SchedulerKey::NONE;
                if self.free.len() == self.clients.len() {
                    // Frees the memory of a peak.
                    (self.clients, self.free) = (Vec::new(), Vec::new());
                }
            }
            (_, state) => {
                if *key == SchedulerKey::NONE {
                    *key = self.register(session);
                }
                self.leave(*key);
                if let PermitState::Waiting(request) = state {
                    self.sequence += 1;
                    self.enqueue(*key, request, now, self.sequence);
                } else {
                    self.issue_permit(*key, Health::Healthy);
                }
            }
        }
    }

    /// Grants a permit to the next session, if one is waiting, fewer than `max` are held and the limit permits.
    pub(super) fn next_permit(&mut self, max: usize) -> Option<u32> {
        if self.held >= self.limit.min(max) {
            return None;
        }
        let by_age = self.granted % AGE_INTERVAL == AGE_INTERVAL - 1;
        let first = |queue: &Queue| if by_age { queue.by_age.first() } else { queue.by_rank.first() };
        let healthy = first(&self.healthy);
        let mut failing = None;
        if self.held_by_failing < self.limit.div_ceil(2) {
            failing = first(&self.failing);
        }
        let (key, health) = match (healthy, failing) {
            (Some((age, _)), Some((earlier, key))) if by_age && earlier < age => (key, Health::Failing),
            (Some((_, key)), _) => (key, Health::Healthy),
            (None, Some((_, key))) => (key, Health::Failing),
            (None, None) => return None,
        };
        self.granted += 1;
        self.leave(SchedulerKey(key));
        self.issue_permit(SchedulerKey(key), health);
        self.clients.get(key as usize).map(|client| client.session)
    }

    /// The number of permits held.
    pub(super) const fn permits_held(&self) -> usize {
        self.held
    }

    fn register(&mut self, session: u32) -> SchedulerKey {
        let key = self.free.pop().unwrap_or_else(|| {
            self.clients.push(Client { session, state: ClientState::Idle });
            u32::try_from(self.clients.len() - 1).unwrap_or(u32::MAX)
        });
        self.clients[key as usize].session = session;
        SchedulerKey(key)
    }

    /// Adds a client to its queue, ordered by priority, then by due time, then by sequence.
    fn enqueue(&mut self, key: SchedulerKey, request: QueueRequest, since: UnixMillis, sequence: u64) {
        let due_at = match request.priority {
            Priority::Interactive => request.due_at.min(since.after(MAX_REORDERING)),
            Priority::Background => request.due_at,
        };
        let priority = match request.priority {
            Priority::Interactive => 0,
            Priority::Background => 1 << 63,
        };
        // Priority, due time and sequence share 64 bits, so that an entry of the heap is small. Milliseconds take 43 bits
        // until the year 2248, after which all are due at once. The 20 bits of the sequence order requests that are due in
        // the same millisecond, except where they wrap.
        let due_at = due_at.max(since).millis().min((1 << 43) - 1);
        let rank = priority | (due_at << 20) | (sequence & 0xF_FFFF);
        let queue = self.queue(request.health);
        queue.by_rank.insert(key.0, rank);
        queue.by_age.insert(key.0, sequence);
        self.clients[key.0 as usize].state = ClientState::Waiting { request, since, sequence };
    }

    fn issue_permit(&mut self, key: SchedulerKey, health: Health) {
        self.held += 1;
        self.held_by_failing += usize::from(health == Health::Failing);
        self.clients[key.0 as usize].state = ClientState::Holding(health);
    }

    fn leave(&mut self, key: SchedulerKey) {
        match std::mem::replace(&mut self.clients[key.0 as usize].state, ClientState::Idle) {
            ClientState::Waiting { request, .. } => {
                let queue = self.queue(request.health);
                queue.by_rank.remove(key.0);
                queue.by_age.remove(key.0);
            }
            ClientState::Holding(health) => {
                self.held -= 1;
                self.held_by_failing -= usize::from(health == Health::Failing);
            }
            ClientState::Idle => {}
        }
    }

    const fn queue(&mut self, health: Health) -> &mut Queue {
        match health {
            Health::Healthy => &mut self.healthy,
            Health::Failing => &mut self.failing,
        }
    }
}

/// Every fourth permit goes by age: often enough to prevent starvation, rarely enough to keep the order by priority.
const AGE_INTERVAL: u64 = 4;

/// Longest time in milliseconds for which later interactive requests go first: as long as a request that times out.
const MAX_REORDERING: u64 = 10_000;

#[cfg(test)]
mod tests {
    #[cfg(not(target_arch = "wasm32"))]
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;

    const START: UnixMillis = UnixMillis::new(1_800_000_000_000);

    fn at(seconds: u64) -> UnixMillis {
        START + Duration::from_secs(seconds)
    }

    fn interactive(due: u64) -> PermitState {
        let (health, priority) = (Health::Healthy, Priority::Interactive);
        PermitState::Waiting(QueueRequest { health, priority, due_at: at(due) })
    }

    fn background(due: u64) -> PermitState {
        let (health, priority) = (Health::Healthy, Priority::Background);
        PermitState::Waiting(QueueRequest { health, priority, due_at: at(due) })
    }

    fn failing(priority: Priority) -> PermitState {
        PermitState::Waiting(QueueRequest { health: Health::Failing, priority, due_at: at(0) })
    }

    /// A scheduler with the keys of its sessions.
    struct Fixture {
        scheduler: GrantScheduler,
        keys: Vec<SchedulerKey>,
    }

    impl Fixture {
        fn new(limit: usize) -> Self {
            Self { scheduler: GrantScheduler::new(limit), keys: vec![SchedulerKey::NONE; 200] }
        }

        fn update(&mut self, session: u32, state: PermitState, now: UnixMillis) {
            self.scheduler.update(&mut self.keys[session as usize], session, state, now);
        }

        fn next(&mut self) -> Option<u32> {
            self.scheduler.next_permit(usize::MAX)
        }
    }

    /// The order in which sessions are granted a permit where each returns it before the next.
    fn order(fixture: &mut Fixture) -> Vec<u32> {
        let mut order = Vec::new();
        while let Some(session) = fixture.next() {
            order.push(session);
            fixture.update(session, PermitState::Idle, START);
        }
        order
    }

    #[test]
    fn permits_are_limited_and_a_returned_one_is_granted_again() {
        let mut fixture = Fixture::new(2);
        for session in 1..=3 {
            fixture.update(session, interactive(0), START);
        }
        assert_eq!((fixture.next(), fixture.next(), fixture.next()), (Some(1), Some(2), None));

        fixture.update(1, PermitState::Holding, START);
        assert_eq!(fixture.next(), None);
        fixture.update(1, PermitState::Idle, START);

        assert_eq!((fixture.next(), fixture.scheduler.permits_held()), (Some(3), 2));
    }

    #[test]
    fn interactive_requests_go_first_and_then_the_earliest_due() {
        let mut fixture = Fixture::new(1);
        fixture.update(1, background(9), START);
        fixture.update(2, background(8), START);
        fixture.update(3, interactive(7), START);
        fixture.update(4, interactive(6), START);

        // The fourth permit goes by age, when one request is left.
        assert_eq!(order(&mut fixture), [4, 3, 2, 1]);
    }

    #[test]
    fn a_due_time_beyond_43_bits_stays_within_its_priority() {
        let mut fixture = Fixture::new(1);
        // The year 2527, which takes 44 bits.
        fixture.update(1, background(15_792_186_045), START);
        fixture.update(2, background(9), START);
        fixture.update(3, interactive(u64::MAX), START);

        assert_eq!(order(&mut fixture), [3, 2, 1]);
    }

    #[test]
    fn a_queued_request_that_becomes_interactive_moves_up_and_keeps_its_age() {
        let mut fixture = Fixture::new(1);
        fixture.update(1, background(9), START);
        fixture.update(2, background(5), at(1));
        fixture.update(3, interactive(0), at(2));

        fixture.update(1, interactive(0), at(3));

        assert_eq!(fixture.next(), Some(1));
    }

    #[test]
    fn every_fourth_permit_goes_to_the_oldest_request() {
        let mut fixture = Fixture::new(1);
        fixture.update(0, background(0), START);
        for session in 1..=9 {
            fixture.update(session, interactive(0), at(1));
        }

        assert_eq!(order(&mut fixture), [1, 2, 3, 0, 4, 5, 6, 7, 8, 9]);
    }

    #[test]
    fn interactive_requests_are_ordered_by_age_after_ten_seconds() {
        let mut fixture = Fixture::new(1);
        fixture.update(1, interactive(3600), START);
        fixture.update(2, interactive(0), at(9));
        fixture.update(3, interactive(0), at(11));

        assert_eq!(order(&mut fixture), [2, 1, 3]);
    }

    #[test]
    fn failing_sessions_go_last_and_hold_at_most_half_of_the_permits() {
        let mut fixture = Fixture::new(4);
        for session in 1..=4 {
            fixture.update(session, failing(Priority::Interactive), START);
        }
        fixture.update(5, background(9), at(1));
        assert_eq!((fixture.next(), fixture.next(), fixture.next()), (Some(5), Some(1), Some(2)));

        assert_eq!(fixture.next(), None);
        fixture.update(6, background(9), at(1));
        assert_eq!(fixture.next(), Some(6));
    }

    #[test]
    fn failing_sessions_share_a_single_permit() {
        let mut fixture = Fixture::new(1);
        fixture.update(0, failing(Priority::Background), START);
        for session in 1..=9 {
            fixture.update(session, interactive(0), at(1));
        }

        assert_eq!(order(&mut fixture)[3], 0);
    }

    #[cfg(not(target_arch = "wasm32"))]
    proptest::proptest! {
        #[test]
        fn a_request_behind_n_others_waits_for_at_most_4_n_plus_4_permits(
            arrivals in proptest::collection::vec((0..3_u8, 0..100_u64, 0..4_u8), 1..200),
        ) {
            let mut fixture = Fixture::new(1);
            let mut limits: BTreeMap<u32, usize> = BTreeMap::new();
            for (session, (kind, due, served)) in (0..).zip(arrivals) {
                limits.insert(session, 4 * (limits.len() + 1));
                fixture.update(session, [interactive(due), background(due), failing(Priority::Background)][usize::from(kind)], at(u64::from(session)));
                for _ in 0..served {
                    let Some(session) = fixture.next() else { break };
                    fixture.update(session, PermitState::Idle, at(0));
                    limits.remove(&session);
                    for (waiting, left) in &mut limits {
                        assert!(*left > 1, "{waiting} starves");
                        *left -= 1;
                    }
                }
            }
        }
    }

    #[test]
    fn the_memory_of_a_peak_is_freed() {
        let mut fixture = Fixture::new(1);
        for session in 0..200 {
            fixture.update(session, interactive(0), START);
        }

        assert_eq!(order(&mut fixture).len(), 200);
        assert_eq!((fixture.scheduler.clients.capacity(), fixture.scheduler.free.capacity()), (0, 0));
    }

    #[test]
    fn a_request_after_a_returned_permit_goes_behind_older_requests() {
        let mut fixture = Fixture::new(1);
        fixture.update(1, interactive(0), START);
        assert_eq!(fixture.next(), Some(1));
        fixture.update(2, interactive(0), at(1));

        fixture.update(1, interactive(0), at(2));

        assert_eq!(fixture.next(), Some(2));
    }
}
