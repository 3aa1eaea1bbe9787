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
    use super::*;

    #[test]
    fn scope_sets_are_stored_once_and_removed_when_unused() {
        let mut interner = ScopeInterner::new(HashIndex::new(1));
        let set = |number: u64| [format!("S{number}")].into_iter().collect::<ScopeSet>();
        let used: Vec<_> = (0..5).map(|number| interner.intern(set(number))).collect();

        for number in 5..500 {
            interner.intern(set(number));
        }

        assert!(interner.sets.len() < 60, "{}", interner.sets.len());
        assert!(used.iter().all(|set| interner.sets.contains(set)));
        assert_eq!(interner.intern(set(3)), used[3]);
    }
}
