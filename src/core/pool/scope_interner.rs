//! Sets of scopes, each once: a million sessions have few.

use super::{super::ScopeSet, hash_index::Index};

/// Sets of scopes that are in use, each once.
#[derive(Debug)]
pub(super) struct ScopeSets {
    sets: Vec<ScopeSet>,
    /// By digest.
    index: Index,
    /// From what number on those that nobody uses any more are looked for.
    full: usize,
}

impl ScopeSets {
    pub(super) const fn new(index: Index) -> Self {
        Self { sets: Vec::new(), index, full: 0 }
    }

    /// The set as others have it already.
    pub(super) fn shared(&mut self, scopes: ScopeSet) -> ScopeSet {
        let known = self.index.find(scopes.digest(), &mut |at| self.sets[at as usize] == scopes);
        if let Some(known) = known {
            return self.sets[known as usize].clone();
        }
        if self.sets.len() > self.full {
            self.index.clear();
            for set in &std::mem::take(&mut self.sets) {
                if set.is_shared() {
                    self.keep(set.clone());
                }
            }
            // Twice as many as there are: looking for them costs little for each.
            self.full = 16 + 2 * self.sets.len();
        }
        self.keep(scopes.clone());
        scopes
    }

    fn keep(&mut self, set: ScopeSet) {
        #[expect(clippy::cast_possible_truncation, reason = "there are no more than sessions")]
        self.index.add(set.digest(), self.sets.len() as u32);
        self.sets.push(set);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_scopes_are_kept_once_and_for_as_long_as_somebody_uses_them() {
        let mut sets = ScopeSets::new(Index::new(1));
        let set = |number: u64| [format!("S{number}")].into_iter().collect::<ScopeSet>();
        let used: Vec<_> = (0..5).map(|number| sets.shared(set(number))).collect();

        for number in 5..500 {
            sets.shared(set(number));
        }

        assert!(sets.sets.len() < 60, "{}", sets.sets.len());
        assert!(used.iter().all(|set| sets.sets.contains(set)));
        assert_eq!(sets.shared(set(3)), used[3]);
    }
}
