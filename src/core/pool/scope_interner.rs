//! Interning of scope sets.

use super::{super::ScopeSet, hash_index::HashIndex};

/// The scope sets in use, each stored once: many sessions have few distinct ones.
#[derive(Debug)]
pub(super) struct ScopeInterner {
    sets: Vec<ScopeSet>,
    by_hash: HashIndex,
    /// Number of sets above which unused ones are removed.
    sweep_above: usize,
}

impl ScopeInterner {
    pub(super) const fn new(by_hash: HashIndex) -> Self {
        Self { sets: Vec::new(), by_hash, sweep_above: 0 }
    }

    /// Returns the stored set that equals `scopes`, and stores it if there is none.
    pub(super) fn intern(&mut self, scopes: ScopeSet) -> ScopeSet {
        let known = self.by_hash.find(scopes.hash(), &mut |index| self.sets[index as usize] == scopes);
        if let Some(known) = known {
            return self.sets[known as usize].clone();
        }
        if self.sets.len() > self.sweep_above {
            self.by_hash.clear();
            for set in &std::mem::take(&mut self.sets) {
                if set.is_shared() {
                    self.insert(set.clone());
                }
            }
            // Twice the number in use, so that the sweeps cost amortized constant time.
            self.sweep_above = 16 + 2 * self.sets.len();
        }
        self.insert(scopes.clone());
        scopes
    }

    fn insert(&mut self, set: ScopeSet) {
        #[expect(clippy::cast_possible_truncation, reason = "there are at most as many sets as sessions")]
        self.by_hash.insert(set.hash(), self.sets.len() as u32);
        self.sets.push(set);
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            super::{Jitter, Policy},
            Identity, Limits, Pool, UnixMillis,
        },
        *,
    };
    #[cfg(not(target_arch = "wasm32"))]
    use crate::core::pool::steps;

    fn set(number: usize) -> ScopeSet {
        [format!("S{number}")].into_iter().collect()
    }

    #[test]
    fn scope_sets_are_stored_once_and_removed_when_unused() {
        let mut interner = ScopeInterner::new(HashIndex::new(1));
        let used: Vec<_> = (0..5).map(|number| interner.intern(set(number))).collect();
        let mut most = 0;

        // Twice: a set that was removed is not found, and stored again.
        for number in (5..500).chain(5..500) {
            assert_eq!(interner.intern(set(number)), set(number));
            most = most.max(interner.sets.len());
        }

        assert_eq!(most, 16 + 2 * used.len() + 1);
        let before = interner.sets.len();
        for (number, stored) in used.iter().enumerate() {
            assert_eq!(interner.intern(set(number)), *stored);
        }
        assert_eq!(interner.sets.len(), before, "a set in use is not stored a second time");
    }

    #[cfg(not(target_arch = "wasm32"))]
    #[test]
    fn sweeps_take_amortized_constant_time() {
        let cost = |count: usize| {
            let mut interner = ScopeInterner::new(HashIndex::new(1));
            let mut used = Vec::new();
            steps(|| (0..count).for_each(|number| used.push(interner.intern(set(number)))))
        };

        let (few, many) = (cost(100), cost(10_000));

        assert!(many < 400 * few, "{many} steps for a hundred times as many sets as for {few}");
    }

    #[test]
    fn sessions_with_equal_scopes_share_one_set() {
        let own = (Identity::new([0; 16]), set(0), ());
        let mut pool =
            Pool::new(Policy::default(), Limits::default(), Jitter::new(1), own, UnixMillis::new(0));

        for number in 1..100 {
            pool.open(Identity::new([number; 16]), &set(1), (), UnixMillis::new(0));
        }

        assert_eq!(pool.len(), 100);
        assert_eq!(pool.scope_interner.sets.len(), 2);
        assert!(pool.scope_interner.sets.iter().all(ScopeSet::is_shared));
    }
}
