//! Sessions of one identity, which may lend each other tokens.

use super::hash_index::{Index, count_step};

/// The sessions of each identity, the last used first.
///
/// To open one, use it or take it out takes as long where there are ten thousand of an identity as
/// where there are two: they are a linked list, whose first is found by the identity's number.
#[derive(Debug)]
pub(super) struct Siblings {
    /// By place.
    links: Vec<Links>,
    /// The first of each list.
    first: Index,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Links {
    before: u32,
    after: u32,
}

/// There is no such neighbour.
const NONE: u32 = u32::MAX;

/// In no list.
const UNLINKED: Links = Links { before: NONE - 1, after: NONE - 1 };

impl Siblings {
    pub(super) const fn new(index: Index) -> Self {
        Self { links: Vec::new(), first: index }
    }

    /// Adds a session in front. `is_of` says whether a session has the same identity: a number may
    /// be that of several.
    pub(super) fn add(&mut self, number: u64, place: u32, is_of: &mut dyn FnMut(u32) -> bool) {
        let index = place as usize;
        if self.links.len() <= index {
            self.links.resize(index + 1, UNLINKED);
        }
        let first = self.first.find(number, is_of);
        if let Some(first) = first {
            self.first.remove(number, first);
            self.links[first as usize].before = place;
        }
        self.links[index] = Links { before: NONE, after: first.unwrap_or(NONE) };
        self.first.add(number, place);
    }

    /// Takes a session out, if it is in a list.
    pub(super) fn remove(&mut self, number: u64, place: u32) {
        let Some(link) = self.links.get_mut(place as usize).filter(|link| **link != UNLINKED) else { return };
        let Links { before, after } = std::mem::replace(link, UNLINKED);
        if let Some(after) = self.links.get_mut(after as usize) {
            after.before = before;
        }
        if let Some(before) = self.links.get_mut(before as usize) {
            before.after = after;
            return;
        }
        self.first.remove(number, place);
        if after != NONE {
            self.first.add(number, after);
        }
    }

    /// The session is used: it comes first, if it is in a list.
    pub(super) fn touch(&mut self, number: u64, place: u32, is_of: &mut dyn FnMut(u32) -> bool) {
        let is_behind = |link: &Links| *link != UNLINKED && link.before != NONE;
        if self.links.get(place as usize).is_some_and(is_behind) {
            self.remove(number, place);
            self.add(number, place, is_of);
        }
    }

    /// The sessions of an identity, the last used first.
    pub(super) fn of<'a>(
        &'a self,
        number: u64,
        is_of: &mut dyn FnMut(u32) -> bool,
    ) -> impl Iterator<Item = u32> + use<'a> {
        let mut next = self.first.find(number, is_of);
        std::iter::from_fn(move || {
            count_step();
            let place = next?;
            next = self.links.get(place as usize).map(|link| link.after).filter(|after| *after != NONE);
            Some(place)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(siblings: &Siblings, number: u64, identity: u32) -> Vec<u32> {
        siblings.of(number, &mut |place| place % 2 == identity).collect()
    }

    #[test]
    fn they_come_in_the_order_of_their_last_use_and_two_identities_with_one_number_stay_apart() {
        let mut siblings = Siblings::new(Index::new(1));
        for place in [1, 2, 3, 4, 5] {
            siblings.add(7, place, &mut |other| other % 2 == place % 2);
        }
        assert_eq!((order(&siblings, 7, 1), order(&siblings, 7, 0)), (vec![5, 3, 1], vec![4, 2]));

        siblings.touch(7, 1, &mut |other| other % 2 == 1);
        assert_eq!(order(&siblings, 7, 1), [1, 5, 3]);
        siblings.touch(7, 5, &mut |other| other % 2 == 1);
        siblings.touch(7, 5, &mut |other| other % 2 == 1);
        assert_eq!(order(&siblings, 7, 1), [5, 1, 3]);

        siblings.remove(7, 5);
        siblings.remove(7, 5);
        // What is in no list does not come back by being used.
        siblings.touch(7, 5, &mut |other| other % 2 == 1);
        assert_eq!((order(&siblings, 7, 1), order(&siblings, 7, 0)), (vec![1, 3], vec![4, 2]));
        siblings.remove(7, 3);
        siblings.remove(7, 1);
        assert_eq!((order(&siblings, 7, 1), order(&siblings, 7, 0)), (vec![], vec![4, 2]));
        assert!(order(&siblings, 8, 1).is_empty());
    }
}
