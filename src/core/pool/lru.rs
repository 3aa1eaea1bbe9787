//! The order of eviction: least recently used first.

use super::indexed_heap::IndexedHeap;

/// Slots in the order of their last use: a doubly linked list over an array of slots.
///
/// A use moves a slot to the end in O(1), whether or not its session is busy. A busy session at the head of the list is
/// taken out ([`skip`](Self::skip)) and put into a heap ordered by last use once it is idle
/// ([`reinsert`](Self::reinsert)).
#[derive(Debug)]
pub(super) struct LruList {
    /// By slot.
    links: Vec<Links>,
    oldest: u32,
    newest: u32,
    /// Skipped sessions that are idle again, by the number of their last use.
    reinserted: IndexedHeap,
}

#[derive(Clone, Copy, Debug)]
struct Links {
    older: u32,
    newer: u32,
}

/// The link of an end of the list.
const END: u32 = u32::MAX;

/// The links of a slot that is not in the list.
const UNLINKED: Links = Links { older: END - 1, newer: END - 1 };

impl LruList {
    pub(super) const fn new() -> Self {
        Self { links: Vec::new(), oldest: END, newest: END, reinserted: IndexedHeap::new() }
    }

    /// Moves a slot to the end of the list.
    pub(super) fn mark_used(&mut self, slot: u32) {
        self.remove(slot);
        let index = slot as usize;
        if self.links.len() <= index {
            self.links.resize(index + 1, UNLINKED);
        }
        self.links[index] = Links { older: self.newest, newer: END };
        match self.links.get_mut(self.newest as usize) {
            Some(newest) => newest.newer = slot,
            None => self.oldest = slot,
        }
        self.newest = slot;
    }

    /// Removes a slot from the list and the heap.
    pub(super) fn remove(&mut self, slot: u32) {
        let Some(links) = self.links.get_mut(slot as usize) else { return };
        let Links { older, newer } = std::mem::replace(links, UNLINKED);
        if older == UNLINKED.older {
            self.reinserted.remove(slot);
            return;
        }
        match self.links.get_mut(older as usize) {
            Some(older) => older.newer = newer,
            None => self.oldest = newer,
        }
        match self.links.get_mut(newer as usize) {
            Some(newer) => newer.older = older,
            None => self.newest = older,
        }
    }

    /// Takes the slot of a busy session out of the list, so that those behind it can be evicted.
    pub(super) fn skip(&mut self, slot: u32) {
        self.remove(slot);
    }

    /// Makes a skipped slot available again, in the order of its last use. Does nothing if it was not skipped.
    pub(super) fn reinsert(&mut self, slot: u32, last_use: u64) {
        if self.links.get(slot as usize).is_some_and(|links| links.older == UNLINKED.older) {
            self.reinserted.insert(slot, last_use);
        }
    }

    /// Reverts [`reinsert`](Self::reinsert): the session is busy again.
    pub(super) fn cancel_reinsert(&mut self, slot: u32) {
        self.reinserted.remove(slot);
    }

    /// Returns the head of the list and the least recently used of the reinserted slots.
    pub(super) fn first(&self) -> (Option<u32>, Option<u32>) {
        let reinserted = self.reinserted.first().map(|(_, slot)| slot);
        ((self.oldest != END).then_some(self.oldest), reinserted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_ordered_by_their_last_use() {
        let mut lru = LruList::new();
        for slot in [3, 1, 2] {
            lru.mark_used(slot);
        }
        lru.mark_used(3);

        let mut order = Vec::new();
        while let (Some(slot), _) = lru.first() {
            order.push(slot);
            lru.remove(slot);
        }

        assert_eq!(order, [1, 2, 3]);
    }

    #[test]
    fn skipped_slots_are_reinserted_in_the_order_of_their_last_use() {
        let mut lru = LruList::new();
        for slot in [1, 2, 3] {
            lru.mark_used(slot);
        }
        lru.skip(1);
        lru.skip(2);

        lru.reinsert(2, 12);
        lru.reinsert(1, 11);
        lru.reinsert(3, 13);

        assert_eq!(lru.first(), (Some(3), Some(1)));
        lru.mark_used(1);
        lru.cancel_reinsert(2);
        assert_eq!(lru.first(), (Some(3), None));
        lru.remove(3);
        assert_eq!(lru.first(), (Some(1), None));
    }
}
