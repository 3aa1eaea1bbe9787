//! A hash index of slots.

/// Slots by a 64-bit hash, which several may share: open addressing with linear probing and backward-shift deletion.
///
/// An entry has 32 bits of the hash and the slot, eight bytes in total; the caller compares the rest. The hash is mixed
/// with a seed, so that chosen names cannot collide on purpose. `hashbrown::HashTable` would add 1.2 KB to the compressed
/// module.
#[derive(Debug)]
pub(super) struct HashIndex {
    /// Empty, or a power of two of buckets.
    buckets: Vec<Bucket>,
    len: usize,
    seed: u64,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    hash: u32,
    /// [`VACANT`] without an entry.
    slot: u32,
}

const VACANT: u32 = u32::MAX;

const VACANT_BUCKET: Bucket = Bucket { hash: 0, slot: VACANT };

impl HashIndex {
    pub(super) const fn new(seed: u64) -> Self {
        Self { buckets: Vec::new(), len: 0, seed }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new(self.seed);
    }

    /// Returns the first slot with this hash for which `is_match` holds.
    #[inline(never)]
    pub(super) fn find(&self, hash: u64, is_match: &mut dyn FnMut(u32) -> bool) -> Option<u32> {
        let hash = self.mix(hash);
        let mut index = hash as usize;
        loop {
            count_step();
            let bucket = self.buckets.get(index & self.buckets.len().wrapping_sub(1))?;
            if bucket.slot == VACANT {
                return None;
            }
            if bucket.hash == hash && is_match(bucket.slot) {
                return Some(bucket.slot);
            }
            index += 1;
        }
    }

    #[inline(never)]
    pub(super) fn insert(&mut self, hash: u64, slot: u32) {
        if 8 * self.len >= 7 * self.buckets.len() {
            let capacity = (2 * self.buckets.len()).max(8);
            let old = std::mem::replace(&mut self.buckets, vec![VACANT_BUCKET; capacity]);
            for bucket in old {
                self.place(bucket);
            }
        }
        self.len += 1;
        self.place(Bucket { hash: self.mix(hash), slot });
    }

    /// Removes an entry, if it is present.
    #[inline(never)]
    pub(super) fn remove(&mut self, hash: u64, slot: u32) {
        let mask = self.buckets.len().wrapping_sub(1);
        let mut hole = self.mix(hash) as usize & mask;
        loop {
            count_step();
            let Some(bucket) = self.buckets.get(hole) else { return };
            if bucket.slot == VACANT {
                return;
            }
            if bucket.slot == slot {
                break;
            }
            hole = (hole + 1) & mask;
        }
        self.len -= 1;
        // Backward shift: moves each following entry into the hole, unless that lies before its home bucket.
        let mut next = hole;
        loop {
            count_step();
            next = (next + 1) & mask;
            let bucket = self.buckets[next];
            if bucket.slot == VACANT {
                break;
            }
            let distance = next.wrapping_sub(bucket.hash as usize) & mask;
            if distance >= next.wrapping_sub(hole) & mask {
                self.buckets[hole] = bucket;
                hole = next;
            }
        }
        self.buckets[hole] = VACANT_BUCKET;
    }

    fn place(&mut self, bucket: Bucket) {
        let mask = self.buckets.len() - 1;
        let mut index = bucket.hash as usize & mask;
        while bucket.slot != VACANT && self.buckets[index].slot != VACANT {
            count_step();
            index = (index + 1) & mask;
        }
        if bucket.slot != VACANT {
            self.buckets[index] = bucket;
        }
    }

    /// Fibonacci hashing: the upper half of the product depends on all bits of the hash.
    const fn mix(&self, hash: u64) -> u32 {
        ((hash ^ self.seed).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as u32
    }
}

/// Counts the steps of searches, for tests of their complexity.
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

/// Returns the number of steps of an action.
#[cfg(all(test, not(target_arch = "wasm32")))]
pub(in crate::core) fn steps(action: impl FnOnce()) -> usize {
    let before = STEPS.get();
    action();
    STEPS.get() - before
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            super::{Input, Jitter, Policy, ScopeSet},
            Identity, Limits, Pool, UnixMillis,
        },
        *,
    };

    #[test]
    fn sessions_that_were_closed_or_evicted_leave_no_entry() {
        let now = UnixMillis::new(0);
        let limits = Limits { max: 3, ..Limits::default() };
        let own = (Identity::new([0; 16]), ScopeSet::default(), ());
        let mut pool = Pool::new(Policy::default(), limits, Jitter::new(1), own, now);

        for number in 1..100 {
            let session = pool.open(Identity::new([number; 16]), &ScopeSet::default(), (), now);
            let input = if number % 2 == 0 { Input::Closed } else { Input::TokenUsed };
            let _ = pool.handle(session, input, now);
        }

        assert!(pool.len() <= 5, "{} sessions", pool.len());
        assert!(pool.by_identity_and_scopes.len <= pool.len(), "{}", pool.by_identity_and_scopes.len);
    }

    #[test]
    fn all_slots_with_the_same_hash_are_found() {
        let mut index = HashIndex::new(1);
        for slot in 0..20 {
            index.insert(7, slot);
            index.insert(u64::from(slot), 100 + slot);
        }

        let mut seen = Vec::new();
        index.find(7, &mut |slot| {
            seen.push(slot);
            false
        });

        seen.sort_unstable();
        assert_eq!(seen, (0..20).chain([107]).collect::<Vec<_>>());
        assert_eq!(index.find(7, &mut |slot| slot == 3), Some(3));
        assert_eq!(HashIndex::new(1).find(7, &mut |_| true), None);
    }

    #[test]
    fn the_capacity_follows_the_entries_and_clear_frees_it() {
        let mut index = HashIndex::new(1);
        for hash in 0..1000 {
            index.insert(hash, 3);
            index.remove(hash, 3);
        }
        assert_eq!((index.len, index.buckets.len()), (0, 8));

        index.clear();

        assert_eq!(index.buckets.capacity(), 0);
    }

    #[cfg(not(target_arch = "wasm32"))]
    proptest::proptest! {
        #[test]
        fn exactly_the_inserted_entries_are_found(
            ops in proptest::collection::vec((0..8_u64, 0..40_u32), 1..400),
            seed in proptest::num::u64::ANY,
        ) {
            let mut index = HashIndex::new(seed);
            let mut model = std::collections::BTreeSet::new();
            for (hash, slot) in ops {
                // A slot is present at most once, as in the pool.
                let before = model.iter().find(|(_, it)| *it == slot).copied();
                if let Some((hash, slot)) = before {
                    index.remove(hash, slot);
                    model.remove(&(hash, slot));
                } else {
                    index.insert(hash, slot);
                    model.insert((hash, slot));
                }
                for hash in 0..8 {
                    let mut seen = std::collections::BTreeSet::new();
                    index.find(hash, &mut |slot| !seen.insert((hash, slot)));
                    assert!(model.range((hash, 0)..=(hash, u32::MAX)).eq(&seen));
                }
            }
        }
    }
}
