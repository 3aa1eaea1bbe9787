//! Sets of scopes, each once: a million sessions have few.

use super::{super::ScopeSet, ordered::Numbered};

/// Sets of scopes that are in use, each once.
#[derive(Debug)]
pub(super) struct ScopeSets {
    /// By a digest, which two sets have in common so rarely that the later is not kept then.
    sets: Numbered<ScopeSet>,
    /// From what number on those that nobody uses any more are looked for.
    full: usize,
}

impl ScopeSets {
    pub(super) const fn new() -> Self {
        Self { sets: Numbered::new(), full: 0 }
    }

    /// The set as others have it already.
    pub(super) fn shared(&mut self, scopes: ScopeSet) -> ScopeSet {
        let digest = scopes.digest();
        if let Some(known) = self.sets.get(digest) {
            return if *known == scopes { known.clone() } else { scopes };
        }
        if self.sets.len() > self.full {
            let unused: Vec<u64> =
                self.sets.iter().filter(|(_, set)| !set.is_shared()).map(|(digest, _)| digest).collect();
            for digest in unused {
                self.sets.remove(digest);
            }
            // Twice as many as there are: looking for them costs little for each.
            self.full = 16 + 2 * self.sets.len();
        }
        self.sets.insert(digest, scopes.clone());
        scopes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_scopes_are_kept_once_and_for_as_long_as_somebody_uses_them() {
        let mut sets = ScopeSets::new();
        let set = |number: u64| [format!("S{number}")].into_iter().collect::<ScopeSet>();
        let used: Vec<_> = (0..5).map(|number| sets.shared(set(number))).collect();

        for number in 5..500 {
            sets.shared(set(number));
        }

        assert!(sets.sets.len() < 60, "{}", sets.sets.len());
        assert!(used.iter().all(|set| sets.sets.get(set.digest()) == Some(set)));
        assert_eq!(sets.shared(set(3)), used[3]);
    }
}
