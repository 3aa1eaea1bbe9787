//! Storage of sessions, and their ids.

/// Identifies a session of a pool. The id of an evicted session does not match its successor in the slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId {
    slot: u32,
    generation: u32,
}

impl SessionId {
    /// Matches no session.
    pub(super) const NONE: Self = Self { slot: u32::MAX, generation: 0 };

    /// The session's slot, a small number that is reused after its eviction.
    pub const fn slot(self) -> u32 {
        self.slot
    }

    /// Converts to a JavaScript number.
    pub fn to_js(self) -> f64 {
        f64::from(self.generation) * SLOTS + f64::from(self.slot)
    }

    /// Converts the result of [`to_js`](Self::to_js); any other number results in some id.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
    pub fn from_js(number: f64) -> Self {
        Self { slot: (number % SLOTS) as u32, generation: (number / SLOTS) as u32 }
    }
}

const SLOTS: f64 = (1_u64 << 32) as f64;

/// Generations of a slot before they repeat. Slot and generation together have the 53 bits of a JavaScript number.
const GENERATIONS: u32 = 1 << 21;

/// Sessions by slot, with a generation for each slot.
///
/// Neither of the usual crates fits: keys of `slotmap` have 64 bits, and `slab` has no generations.
#[derive(Debug)]
pub(super) struct Slab<S> {
    slots: Vec<Slot<S>>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Slot<S> {
    generation: u32,
    /// Boxed, so that vacant slots and spare capacity are small.
    session: Option<Box<S>>,
}

impl<S> Slab<S> {
    pub(super) const fn new() -> Self {
        Self { slots: Vec::new(), free: Vec::new() }
    }

    /// Inserts the session that `session` creates from its id.
    pub(super) fn insert(&mut self, session: impl FnOnce(SessionId) -> S) -> SessionId {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { generation: 0, session: None });
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        let Some(free) = self.slots.get_mut(slot as usize) else { return SessionId::NONE };
        let id = SessionId { slot, generation: free.generation };
        free.session = Some(Box::new(session(id)));
        id
    }

    pub(super) fn remove(&mut self, slot: u32) -> Option<Box<S>> {
        let occupied = self.slots.get_mut(slot as usize)?;
        let session = occupied.session.take()?;
        occupied.generation = (occupied.generation + 1) % GENERATIONS;
        self.free.push(slot);
        Some(session)
    }

    pub(super) fn get(&self, slot: u32) -> Option<&S> {
        self.slots.get(slot as usize)?.session.as_deref()
    }

    pub(super) fn get_mut(&mut self, slot: u32) -> Option<&mut S> {
        self.slots.get_mut(slot as usize)?.session.as_deref_mut()
    }

    /// Returns the slot of a session that was not evicted.
    pub(super) fn find(&self, id: SessionId) -> Option<u32> {
        let slot = self.slots.get(id.slot as usize)?;
        (slot.generation == id.generation && slot.session.is_some()).then_some(id.slot)
    }

    /// The first slot that was never used.
    pub(super) const fn end(&self) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "a slot has 32 bits")]
        let end = self.slots.len() as u32;
        end
    }

    pub(super) const fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_reused_and_the_old_id_matches_no_session() {
        let mut slab = Slab::new();
        let first = slab.insert(|_| "first");
        assert_eq!(slab.remove(first.slot()).as_deref(), Some(&"first"));

        let second = slab.insert(|_| "second");

        assert_eq!((first.slot(), slab.len()), (second.slot(), 1));
        assert_eq!((slab.find(first), slab.find(second)), (None, Some(second.slot())));
        assert_eq!(slab.find(SessionId::NONE), None);
    }

    #[test]
    fn an_id_survives_the_conversion_to_a_javascript_number() {
        for (slot, generation) in [(0, 0), (7, 3), (u32::MAX, GENERATIONS - 1)] {
            let id = SessionId { slot, generation };

            assert_eq!(SessionId::from_js(id.to_js()), id);
            assert!(id.to_js() < 9_007_199_254_740_992.0);
        }
        for odd in [-1.0, f64::NAN, f64::INFINITY, 0.5] {
            let _ = SessionId::from_js(odd);
        }
    }

    #[test]
    fn generations_repeat() {
        let mut slab = Slab::new();
        let first = slab.insert(|_| ());
        for _ in 0..GENERATIONS - 1 {
            slab.remove(first.slot());
            slab.insert(|_| ());
        }
        assert_eq!(slab.find(first), None);

        slab.remove(first.slot());

        assert_eq!(slab.insert(|_| ()), first);
    }
}
