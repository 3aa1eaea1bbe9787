//! Whose turn it is to ask the provider.
//!
//! Decides the order, and how many ask at a time. Leaves asking to the lifecycles.
//!
//! A flight for which callers wait goes before one of the background, and the one whose
//! token is served for the shortest time goes first. Three rules keep everybody going:
//!
//! - Every fourth turn goes to whoever has waited longest, whatever it is for: a flight
//!   with `n` older ones before it waits for `4 (n + 1)` turns at most.
//! - Those that failed last time go behind all others, and have half of the slots at most:
//!   a request that times out takes a hundred times as long as one that is answered.
//! - Nobody waits longer than ten seconds for the sake of an order among callers: by then,
//!   the first to come is the first to go.

use super::{
    super::{
        UnixMillis,
        session::{Claim, Health, Hurry, Plea},
    },
    indexed_heap::Ordered,
};

/// Those who ask, and those who wait for it.
#[derive(Debug)]
pub(super) struct Turns {
    /// How many may ask at a time.
    most: usize,
    /// Of sessions that wait or ask; the others leave theirs to those who come.
    entries: Vec<Entry>,
    free: Vec<u32>,
    well: Line,
    troubled: Line,
    asking: usize,
    troubled_asking: usize,
    /// How many have come to wait.
    tickets: u64,
    given: u64,
}

/// What a session keeps of its entry, if it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot(u32);

impl Slot {
    /// Of a session that neither waits nor asks.
    pub(super) const NONE: Self = Self(u32::MAX);
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    session: u32,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Waits { plea: Plea, since: UnixMillis, ticket: u64 },
    Asks(Health),
    Left,
}

/// The entries of those that wait, in both orders that matter.
#[derive(Debug, Default)]
struct Line {
    by_rank: Ordered,
    by_age: Ordered,
}

impl Turns {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            entries: Vec::new(),
            free: Vec::new(),
            well: Line::default(),
            troubled: Line::default(),
            asking: 0,
            troubled_asking: 0,
            tickets: 0,
            given: 0,
        }
    }

    /// Takes note of what a session claims now.
    pub(super) fn note(&mut self, slot: &mut Slot, session: u32, claim: Claim, now: UnixMillis) {
        let before = self.entries.get(slot.0 as usize).map_or(State::Left, |entry| entry.state);
        match (before, claim) {
            (State::Left, Claim::Nothing) | (State::Asks(_), Claim::Asks) => {}
            (State::Waits { plea: before, .. }, Claim::Waits(plea)) if before == plea => {}
            (State::Waits { since, ticket, .. }, Claim::Waits(plea)) => {
                self.leave(*slot);
                self.wait(*slot, plea, since, ticket);
            }
            (_, Claim::Nothing) => {
                self.leave(*slot);
                self.free.push(slot.0);
                *slot = Slot::NONE;
                if self.free.len() == self.entries.len() {
                    // What many have needed is not kept for good.
                    (self.entries, self.free) = (Vec::new(), Vec::new());
                }
            }
            (_, claim) => {
                if *slot == Slot::NONE {
                    *slot = self.enter(session);
                }
                self.leave(*slot);
                if let Claim::Waits(plea) = claim {
                    self.tickets += 1;
                    self.wait(*slot, plea, now, self.tickets);
                } else {
                    self.ask(*slot, Health::Well);
                }
            }
        }
    }

    /// The session whose turn it is, if there is a slot for it; it has its turn from now on.
    pub(super) fn next(&mut self) -> Option<u32> {
        if self.asking >= self.most {
            return None;
        }
        let by_age = self.given % SHARE == SHARE - 1;
        let first = |line: &Line| if by_age { line.by_age.first() } else { line.by_rank.first() };
        let well = first(&self.well);
        let mut troubled = None;
        if self.troubled_asking < self.most.div_ceil(2) {
            troubled = first(&self.troubled);
        }
        let (slot, health) = match (well, troubled) {
            (Some((age, _)), Some((earlier, slot))) if by_age && earlier < age => (slot, Health::Troubled),
            (Some((_, slot)), _) => (slot, Health::Well),
            (None, Some((_, slot))) => (slot, Health::Troubled),
            (None, None) => return None,
        };
        self.given += 1;
        self.leave(Slot(slot));
        self.ask(Slot(slot), health);
        self.entries.get(slot as usize).map(|entry| entry.session)
    }

    /// How many ask at the moment.
    pub(super) const fn asking(&self) -> usize {
        self.asking
    }

    fn enter(&mut self, session: u32) -> Slot {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.entries.push(Entry { session, state: State::Left });
            u32::try_from(self.entries.len() - 1).unwrap_or(u32::MAX)
        });
        self.entries[slot as usize].session = session;
        Slot(slot)
    }

    /// Those first for whom callers wait, then whose token ends first, then who came first.
    fn wait(&mut self, slot: Slot, plea: Plea, since: UnixMillis, ticket: u64) {
        let due = match plea.hurry {
            Hurry::Callers => plea.due.min(since.after(PATIENCE)),
            Hurry::Nobody => plea.due,
        };
        let behind = match plea.hurry {
            Hurry::Callers => 0,
            Hurry::Nobody => 1 << 63,
        };
        // One number, so that an entry of an order is small. Milliseconds take 43 bits until the
        // year 2248, when all are due at once; that leaves 20 for who came first of those who are
        // due in the same millisecond, out of order only where the count of all begins anew.
        let due = due.max(since).millis().min((1 << 43) - 1);
        let rank = behind | (due << 20) | (ticket & 0xF_FFFF);
        let line = self.line(plea.health);
        line.by_rank.insert(slot.0, rank);
        line.by_age.insert(slot.0, ticket);
        self.entries[slot.0 as usize].state = State::Waits { plea, since, ticket };
    }

    fn ask(&mut self, slot: Slot, health: Health) {
        self.asking += 1;
        self.troubled_asking += usize::from(health == Health::Troubled);
        self.entries[slot.0 as usize].state = State::Asks(health);
    }

    fn leave(&mut self, slot: Slot) {
        match std::mem::replace(&mut self.entries[slot.0 as usize].state, State::Left) {
            State::Waits { plea, .. } => {
                let line = self.line(plea.health);
                line.by_rank.remove(slot.0);
                line.by_age.remove(slot.0);
            }
            State::Asks(health) => {
                self.asking -= 1;
                self.troubled_asking -= usize::from(health == Health::Troubled);
            }
            State::Left => {}
        }
    }

    const fn line(&mut self, health: Health) -> &mut Line {
        match health {
            Health::Well => &mut self.well,
            Health::Troubled => &mut self.troubled,
        }
    }
}

/// Each fourth turn goes by age: enough that nobody starves, too few to be felt.
const SHARE: u64 = 4;

/// Ten seconds: as long as callers are used to wait at worst, for a request that times out.
const PATIENCE: u64 = 10_000;

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

    fn callers(due: u64) -> Claim {
        Claim::Waits(Plea { health: Health::Well, hurry: Hurry::Callers, due: at(due) })
    }

    fn background(due: u64) -> Claim {
        Claim::Waits(Plea { health: Health::Well, hurry: Hurry::Nobody, due: at(due) })
    }

    fn troubled(hurry: Hurry) -> Claim {
        Claim::Waits(Plea { health: Health::Troubled, hurry, due: at(0) })
    }

    /// Turns, and what each session keeps of them.
    struct Bench {
        turns: Turns,
        slots: Vec<Slot>,
    }

    impl Bench {
        fn new(most: usize) -> Self {
            Self { turns: Turns::new(most), slots: vec![Slot::NONE; 200] }
        }

        fn note(&mut self, session: u32, claim: Claim, now: UnixMillis) {
            self.turns.note(&mut self.slots[session as usize], session, claim, now);
        }

        fn next(&mut self) -> Option<u32> {
            self.turns.next()
        }
    }

    /// One after the other, each of which ends before the next begins.
    fn in_order(turns: &mut Bench) -> Vec<u32> {
        let mut order = Vec::new();
        while let Some(session) = turns.next() {
            order.push(session);
            turns.note(session, Claim::Nothing, START);
        }
        order
    }

    #[test]
    fn as_many_ask_as_there_are_slots_and_each_that_ends_makes_room() {
        let mut turns = Bench::new(2);
        for session in 1..=3 {
            turns.note(session, callers(0), START);
        }
        assert_eq!((turns.next(), turns.next(), turns.next()), (Some(1), Some(2), None));

        turns.note(1, Claim::Asks, START);
        assert_eq!(turns.next(), None);
        turns.note(1, Claim::Nothing, START);

        assert_eq!((turns.next(), turns.turns.asking()), (Some(3), 2));
    }

    #[test]
    fn callers_go_first_and_then_the_token_that_ends_first() {
        let mut turns = Bench::new(1);
        turns.note(1, background(9), START);
        turns.note(2, background(8), START);
        turns.note(3, callers(7), START);
        turns.note(4, callers(6), START);

        // The fourth turn would be that of age: one is left by then.
        assert_eq!(in_order(&mut turns), [4, 3, 2, 1]);
    }

    #[test]
    fn a_token_of_centuries_goes_behind_those_that_end_and_no_further() {
        let mut turns = Bench::new(1);
        // In the year 2527: one bit more than there are.
        turns.note(1, background(15_792_186_045), START);
        turns.note(2, background(9), START);
        turns.note(3, callers(u64::MAX), START);

        assert_eq!(in_order(&mut turns), [3, 2, 1]);
    }

    #[test]
    fn a_caller_who_comes_to_a_flight_that_waits_moves_it_up_and_keeps_its_age() {
        let mut turns = Bench::new(1);
        turns.note(1, background(9), START);
        turns.note(2, background(5), at(1));
        turns.note(3, callers(0), at(2));

        turns.note(1, callers(0), at(3));

        assert_eq!(turns.next(), Some(1));
    }

    #[test]
    fn every_fourth_turn_goes_to_whoever_has_waited_longest() {
        let mut turns = Bench::new(1);
        turns.note(0, background(0), START);
        for session in 1..=9 {
            turns.note(session, callers(0), at(1));
        }

        assert_eq!(in_order(&mut turns), [1, 2, 3, 0, 4, 5, 6, 7, 8, 9]);
    }

    #[test]
    fn after_ten_seconds_the_callers_who_came_first_go_first() {
        let mut turns = Bench::new(1);
        turns.note(1, callers(3600), START);
        turns.note(2, callers(0), at(9));
        turns.note(3, callers(0), at(11));

        assert_eq!(in_order(&mut turns), [2, 1, 3]);
    }

    #[test]
    fn those_in_trouble_go_last_and_have_half_of_the_slots_at_most() {
        let mut turns = Bench::new(4);
        for session in 1..=4 {
            turns.note(session, troubled(Hurry::Callers), START);
        }
        turns.note(5, background(9), at(1));
        assert_eq!((turns.next(), turns.next(), turns.next()), (Some(5), Some(1), Some(2)));

        assert_eq!(turns.next(), None);
        turns.note(6, background(9), at(1));
        assert_eq!(turns.next(), Some(6));
    }

    #[test]
    fn even_one_slot_is_had_by_those_in_trouble_now_and_then() {
        let mut turns = Bench::new(1);
        turns.note(0, troubled(Hurry::Nobody), START);
        for session in 1..=9 {
            turns.note(session, callers(0), at(1));
        }

        assert_eq!(in_order(&mut turns)[3], 0);
    }

    #[cfg(not(target_arch = "wasm32"))]
    proptest::proptest! {
        #[test]
        fn whoever_waits_behind_n_others_has_a_turn_within_4_n_and_4(
            arrivals in proptest::collection::vec((0..3_u8, 0..100_u64, 0..4_u8), 1..200),
        ) {
            let mut turns = Bench::new(1);
            let mut patience: BTreeMap<u32, usize> = BTreeMap::new();
            for (number, (kind, due, served)) in (0..).zip(arrivals) {
                patience.insert(number, 4 * (patience.len() + 1));
                turns.note(number, [callers(due), background(due), troubled(Hurry::Nobody)][usize::from(kind)], at(u64::from(number)));
                for _ in 0..served {
                    let Some(session) = turns.next() else { break };
                    turns.note(session, Claim::Nothing, at(0));
                    patience.remove(&session);
                    for (waiting, left) in &mut patience {
                        assert!(*left > 1, "{waiting} starves");
                        *left -= 1;
                    }
                }
            }
        }
    }

    #[test]
    fn nothing_is_kept_of_what_many_have_needed() {
        let mut turns = Bench::new(1);
        for session in 0..200 {
            turns.note(session, callers(0), START);
        }

        assert_eq!(in_order(&mut turns).len(), 200);
        assert_eq!((turns.turns.entries.capacity(), turns.turns.free.capacity()), (0, 0));
    }

    #[test]
    fn a_flight_that_must_wait_again_waits_behind_those_that_came_before() {
        let mut turns = Bench::new(1);
        turns.note(1, callers(0), START);
        assert_eq!(turns.next(), Some(1));
        turns.note(2, callers(0), at(1));

        turns.note(1, callers(0), at(2));

        assert_eq!(turns.next(), Some(2));
    }
}
