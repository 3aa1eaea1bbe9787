//! The sessions of each identity, which may lend each other tokens.

use super::hash_index::{HashIndex, count_step};

/// Slots of each identity, the most recently used first: linked lists over an array of slots. A hash index has the head of
/// each list.
///
/// Insertion, use and removal take O(1), however many sessions an identity has.
#[derive(Debug)]
pub(super) struct Siblings {
    /// By slot.
    links: Vec<Links>,
    heads: HashIndex,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Links {
    previous: u32,
    next: u32,
}

/// The link of an end of a list.
const END: u32 = u32::MAX;

/// The links of a slot that is in no list.
const UNLINKED: Links = Links { previous: END - 1, next: END - 1 };

impl Siblings {
    pub(super) const fn new(heads: HashIndex) -> Self {
        Self { links: Vec::new(), heads }
    }

    /// Inserts a slot at the head of its identity's list. `is_same` compares identities, because hashes may collide.
    pub(super) fn insert(&mut self, hash: u64, slot: u32, is_same: &mut dyn FnMut(u32) -> bool) {
        let index = slot as usize;
        if self.links.len() <= index {
            self.links.resize(index + 1, UNLINKED);
        }
        let head = self.heads.find(hash, is_same);
        if let Some(head) = head {
            self.heads.remove(hash, head);
            self.links[head as usize].previous = slot;
        }
        self.links[index] = Links { previous: END, next: head.unwrap_or(END) };
        self.heads.insert(hash, slot);
    }

    /// Removes a slot, if it is in a list.
    pub(super) fn remove(&mut self, hash: u64, slot: u32) {
        let Some(links) = self.links.get_mut(slot as usize).filter(|links| **links != UNLINKED) else {
            return;
        };
        let Links { previous, next } = std::mem::replace(links, UNLINKED);
        if let Some(next) = self.links.get_mut(next as usize) {
            next.previous = previous;
        }
        if let Some(previous) = self.links.get_mut(previous as usize) {
            previous.next = next;
            return;
        }
        self.heads.remove(hash, slot);
        if next != END {
            self.heads.insert(hash, next);
        }
    }

    /// Moves a slot to the head of its list, if it is in one.
    pub(super) fn mark_used(&mut self, hash: u64, slot: u32, is_same: &mut dyn FnMut(u32) -> bool) {
        let is_behind = |links: &Links| *links != UNLINKED && links.previous != END;
        if self.links.get(slot as usize).is_some_and(is_behind) {
            self.remove(hash, slot);
            self.insert(hash, slot, is_same);
        }
    }

    /// Iterates over the slots of an identity, the most recently used first.
    pub(super) fn of<'a>(
        &'a self,
        hash: u64,
        is_same: &mut dyn FnMut(u32) -> bool,
    ) -> impl Iterator<Item = u32> + use<'a> {
        let mut next = self.heads.find(hash, is_same);
        std::iter::from_fn(move || {
            count_step();
            let slot = next?;
            next = self.links.get(slot as usize).map(|links| links.next).filter(|next| *next != END);
            Some(slot)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(siblings: &Siblings, hash: u64, identity: u32) -> Vec<u32> {
        siblings.of(hash, &mut |slot| slot % 2 == identity).collect()
    }

    #[test]
    fn siblings_are_ordered_by_last_use_and_identities_with_the_same_hash_are_distinguished() {
        let mut siblings = Siblings::new(HashIndex::new(1));
        for slot in [1, 2, 3, 4, 5] {
            siblings.insert(7, slot, &mut |other| other % 2 == slot % 2);
        }
        assert_eq!((order(&siblings, 7, 1), order(&siblings, 7, 0)), (vec![5, 3, 1], vec![4, 2]));

        siblings.mark_used(7, 1, &mut |other| other % 2 == 1);
        assert_eq!(order(&siblings, 7, 1), [1, 5, 3]);
        siblings.mark_used(7, 5, &mut |other| other % 2 == 1);
        siblings.mark_used(7, 5, &mut |other| other % 2 == 1);
        assert_eq!(order(&siblings, 7, 1), [5, 1, 3]);

        siblings.remove(7, 5);
        siblings.remove(7, 5);
        // A use does not reinsert a removed slot.
        siblings.mark_used(7, 5, &mut |other| other % 2 == 1);
        assert_eq!((order(&siblings, 7, 1), order(&siblings, 7, 0)), (vec![1, 3], vec![4, 2]));
        siblings.remove(7, 3);
        siblings.remove(7, 1);
        assert_eq!((order(&siblings, 7, 1), order(&siblings, 7, 0)), (vec![], vec![4, 2]));
        assert!(order(&siblings, 8, 1).is_empty());
    }
}
