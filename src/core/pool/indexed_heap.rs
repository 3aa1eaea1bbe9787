//! An indexed priority queue.

/// Slots ordered by a key, equal keys by slot: an indexed 4-ary min-heap.
///
/// A key can be changed or removed in O(log n), because `positions` has the place of each slot in the heap. It serves for
/// timers and for the queues of the scheduler.
#[derive(Debug, Default)]
pub(super) struct IndexedHeap {
    heap: Vec<(u64, u32)>,
    /// Position in the heap by slot.
    positions: Vec<u32>,
}

/// Position of a slot that is not in the heap.
const ABSENT: u32 = u32::MAX;

/// Capacity that an empty heap keeps.
const MIN_CAPACITY: usize = 64;

impl IndexedHeap {
    pub(super) const fn new() -> Self {
        Self { heap: Vec::new(), positions: Vec::new() }
    }

    /// Inserts a slot, or changes its key.
    #[inline(never)]
    pub(super) fn insert(&mut self, slot: u32, key: u64) {
        let index = slot as usize;
        if self.positions.len() <= index {
            self.positions.resize(index + 1, ABSENT);
        }
        let mut position = self.positions[index] as usize;
        if position >= self.heap.len() {
            position = self.heap.len();
            self.heap.push((key, slot));
        }
        self.sift(position, (key, slot));
    }

    #[inline(never)]
    pub(super) fn remove(&mut self, slot: u32) {
        let Some(position) = self.positions.get_mut(slot as usize) else { return };
        let position = std::mem::replace(position, ABSENT) as usize;
        if position >= self.heap.len() {
            return;
        }
        if let Some(last) = self.heap.pop()
            && position < self.heap.len()
        {
            self.sift(position, last);
        }
        if self.heap.is_empty() && self.positions.len() > MIN_CAPACITY {
            // Frees the memory of a peak.
            *self = Self::new();
        }
    }

    /// Returns the least key and its slot.
    pub(super) fn first(&self) -> Option<(u64, u32)> {
        self.heap.first().copied()
    }

    /// Sifts `entry` up or down from `position`, the only place where the heap may be out of order.
    fn sift(&mut self, mut position: usize, entry: (u64, u32)) {
        while let Some(parent) = position.checked_sub(1).map(|position| position / 4)
            && entry < self.heap[parent]
        {
            self.put(position, self.heap[parent]);
            position = parent;
        }
        loop {
            let mut least = (position, entry);
            for child in 4 * position + 1..self.heap.len().min(4 * position + 5) {
                if self.heap[child] < least.1 {
                    least = (child, self.heap[child]);
                }
            }
            self.put(position, least.1);
            if least.0 == position {
                return;
            }
            position = least.0;
        }
    }

    fn put(&mut self, position: usize, entry: (u64, u32)) {
        self.heap[position] = entry;
        #[expect(clippy::cast_possible_truncation, reason = "there are at most as many entries as slots")]
        let index = position as u32;
        self.positions[entry.1 as usize] = index;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_keys_are_ordered_by_slot() {
        let mut heap = IndexedHeap::new();
        for slot in [3, 1, 2] {
            heap.insert(slot, 7);
        }

        assert_eq!(heap.first(), Some((7, 1)));
        heap.remove(1);
        assert_eq!(heap.first(), Some((7, 2)));
    }

    #[test]
    fn the_memory_of_a_peak_is_freed() {
        let mut heap = IndexedHeap::new();
        for slot in 0..1000 {
            heap.insert(slot, u64::from(slot % 10));
        }

        for slot in 0..1000 {
            heap.remove(slot);
        }

        assert_eq!(heap.first(), None);
        assert_eq!((heap.heap.capacity(), heap.positions.capacity()), (0, 0));
    }

    #[cfg(not(target_arch = "wasm32"))]
    proptest::proptest! {
        #[test]
        fn the_first_slot_has_the_least_key_after_any_operations(
            ops in proptest::collection::vec((0..40_u32, proptest::option::of(0..9_u64)), 1..300),
        ) {
            let mut heap = IndexedHeap::new();
            let mut model = std::collections::BTreeMap::new();
            for (slot, key) in ops {
                match key {
                    Some(key) => {
                        heap.insert(slot, key);
                        model.insert(slot, key);
                    }
                    None => {
                        heap.remove(slot);
                        model.remove(&slot);
                    }
                }
                let first = model.iter().map(|(slot, key)| (*key, *slot)).min();
                assert_eq!(heap.first(), first);
            }
        }
    }
}
