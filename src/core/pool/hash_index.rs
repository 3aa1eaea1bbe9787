//! Where things are, by a number that they have.

/// Small numbers by a large one, which several may have in common.
///
/// Knows the large ones by 32 bits alone: whoever looks for one says whether what is found is
/// it. So it takes eight bytes for each, and one kind of it serves for all things. The bits
/// are mixed with a seed, so that nobody can choose names that lie in one heap.
#[derive(Debug)]
pub(super) struct Index {
    /// A power of two of them, or none; where one is taken, those that come after it follow.
    entries: Vec<Entry>,
    taken: usize,
    seed: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    mixed: u32,
    /// [`NOTHING`] where it is free.
    found: u32,
}

const NOTHING: u32 = u32::MAX;

const FREE: Entry = Entry { mixed: 0, found: NOTHING };

impl Index {
    pub(super) const fn new(seed: u64) -> Self {
        Self { entries: Vec::new(), taken: 0, seed }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new(self.seed);
    }

    /// The first that `is` the one, of those that may have this number.
    #[inline(never)]
    pub(super) fn find(&self, number: u64, is: &mut dyn FnMut(u32) -> bool) -> Option<u32> {
        let mixed = self.mixed(number);
        let mut at = mixed as usize;
        loop {
            count_step();
            let entry = self.entries.get(at & self.entries.len().wrapping_sub(1))?;
            if entry.found == NOTHING {
                return None;
            }
            if entry.mixed == mixed && is(entry.found) {
                return Some(entry.found);
            }
            at += 1;
        }
    }

    #[inline(never)]
    pub(super) fn add(&mut self, number: u64, found: u32) {
        if 8 * self.taken >= 7 * self.entries.len() {
            let size = (2 * self.entries.len()).max(8);
            let before = std::mem::replace(&mut self.entries, vec![FREE; size]);
            for entry in before {
                self.put(entry);
            }
        }
        self.taken += 1;
        self.put(Entry { mixed: self.mixed(number), found });
    }

    /// Forgets it, if it is there.
    #[inline(never)]
    pub(super) fn remove(&mut self, number: u64, found: u32) {
        let mask = self.entries.len().wrapping_sub(1);
        let mut free = self.mixed(number) as usize & mask;
        loop {
            count_step();
            let Some(entry) = self.entries.get(free) else { return };
            if entry.found == NOTHING {
                return;
            }
            if entry.found == found {
                break;
            }
            free = (free + 1) & mask;
        }
        self.taken -= 1;
        // Whoever comes after it moves up, unless that were before where it is looked for.
        let mut next = free;
        loop {
            count_step();
            next = (next + 1) & mask;
            let entry = self.entries[next];
            if entry.found == NOTHING {
                break;
            }
            let away = next.wrapping_sub(entry.mixed as usize) & mask;
            if away >= next.wrapping_sub(free) & mask {
                self.entries[free] = entry;
                free = next;
            }
        }
        self.entries[free] = FREE;
    }

    fn put(&mut self, entry: Entry) {
        let mask = self.entries.len() - 1;
        let mut at = entry.mixed as usize & mask;
        while entry.found != NOTHING && self.entries[at].found != NOTHING {
            count_step();
            at = (at + 1) & mask;
        }
        if entry.found != NOTHING {
            self.entries[at] = entry;
        }
    }

    /// The higher half of a product depends on all bits below it.
    const fn mixed(&self, number: u64) -> u32 {
        ((number ^ self.seed).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as u32
    }
}

/// Counts what takes time, for tests of how that grows.
#[cfg(any(not(test), target_arch = "wasm32"))]
pub(super) const fn count_step() {}

#[cfg(all(test, not(target_arch = "wasm32")))]
thread_local! {
    static STEPS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

#[cfg(all(test, not(target_arch = "wasm32")))]
pub(super) fn count_step() {
    STEPS.set(STEPS.get() + 1);
}

/// How many steps an action takes.
#[cfg(all(test, not(target_arch = "wasm32")))]
pub(in crate::core) fn steps(action: impl FnOnce()) -> usize {
    let before = STEPS.get();
    action();
    STEPS.get() - before
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_that_have_a_number_in_common_are_all_found() {
        let mut index = Index::new(1);
        for found in 0..20 {
            index.add(7, found);
            index.add(u64::from(found), 100 + found);
        }

        let mut seen = Vec::new();
        index.find(7, &mut |found| {
            seen.push(found);
            false
        });

        seen.sort_unstable();
        assert_eq!(seen, (0..20).chain([107]).collect::<Vec<_>>());
        assert_eq!(index.find(7, &mut |found| found == 3), Some(3));
        assert_eq!(Index::new(1).find(7, &mut |_| true), None);
    }

    #[test]
    fn room_is_kept_for_those_that_are_there_and_none_once_it_is_cleared() {
        let mut index = Index::new(1);
        for number in 0..1000 {
            index.add(number, 3);
            index.remove(number, 3);
        }
        assert_eq!((index.taken, index.entries.len()), (0, 8));

        index.clear();

        assert_eq!(index.entries.capacity(), 0);
    }

    #[cfg(not(target_arch = "wasm32"))]
    proptest::proptest! {
        #[test]
        fn what_is_there_is_found_and_nothing_else(
            acts in proptest::collection::vec((0..8_u64, 0..40_u32), 1..400),
            seed in proptest::num::u64::ANY,
        ) {
            let mut index = Index::new(seed);
            let mut model = std::collections::BTreeSet::new();
            for (number, found) in acts {
                // As the pool does: a small number is there once.
                let before = model.iter().find(|(_, it)| *it == found).copied();
                if let Some((number, found)) = before {
                    index.remove(number, found);
                    model.remove(&(number, found));
                } else {
                    index.add(number, found);
                    model.insert((number, found));
                }
                for number in 0..8 {
                    let mut seen = std::collections::BTreeSet::new();
                    index.find(number, &mut |found| !seen.insert((number, found)));
                    assert!(model.range((number, 0)..=(number, u32::MAX)).eq(&seen));
                }
            }
        }
    }
}
