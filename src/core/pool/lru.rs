//! Who was used least recently.
//!
//! Decides the order in which sessions go. Leaves to the pool who may go at all.

use super::indexed_heap::Ordered;

/// Sessions in the order of their last use.
///
/// A use moves a session to the end of a line, whether it is busy or not: that takes as
/// long for a million sessions as for ten. A busy one at the head of the line is taken
/// out of it ([`pass_over`](Self::pass_over)), and found again by its number once it is
/// quiet ([`take_back`](Self::take_back)).
#[derive(Debug)]
pub(super) struct Recency {
    /// By place.
    line: Vec<Neighbours>,
    oldest: u32,
    newest: u32,
    /// Those that were passed over and are quiet again, by the number of their last use.
    back: Ordered,
}

#[derive(Clone, Copy, Debug)]
struct Neighbours {
    older: u32,
    newer: u32,
}

/// There is no such neighbour.
const NOBODY: u32 = u32::MAX;

/// Who is not in the line.
const ELSEWHERE: Neighbours = Neighbours { older: NOBODY - 1, newer: NOBODY - 1 };

impl Recency {
    pub(super) const fn new() -> Self {
        Self { line: Vec::new(), oldest: NOBODY, newest: NOBODY, back: Ordered::new() }
    }

    /// The session is used, after all others.
    pub(super) fn touch(&mut self, place: u32) {
        self.remove(place);
        let index = place as usize;
        if self.line.len() <= index {
            self.line.resize(index + 1, ELSEWHERE);
        }
        self.line[index] = Neighbours { older: self.newest, newer: NOBODY };
        match self.line.get_mut(self.newest as usize) {
            Some(newest) => newest.newer = place,
            None => self.oldest = place,
        }
        self.newest = place;
    }

    /// The session is gone, or is not to go.
    pub(super) fn remove(&mut self, place: u32) {
        let Some(link) = self.line.get_mut(place as usize) else { return };
        let Neighbours { older, newer } = std::mem::replace(link, ELSEWHERE);
        if older == ELSEWHERE.older {
            self.back.remove(place);
            return;
        }
        match self.line.get_mut(older as usize) {
            Some(older) => older.newer = newer,
            None => self.oldest = newer,
        }
        match self.line.get_mut(newer as usize) {
            Some(newer) => newer.older = older,
            None => self.newest = older,
        }
    }

    /// The head of the line is busy: it is not to go, and those behind it may.
    pub(super) fn pass_over(&mut self, place: u32) {
        self.remove(place);
    }

    /// The session is quiet again, if it was passed over; its last use is what it was.
    pub(super) fn take_back(&mut self, place: u32, last: u64) {
        if self.line.get(place as usize).is_some_and(|link| link.older == ELSEWHERE.older) {
            self.back.insert(place, last);
        }
    }

    /// The session is busy: it is not to go.
    pub(super) fn forget_return(&mut self, place: u32) {
        self.back.remove(place);
    }

    /// The head of the line, and the first of those that came back.
    pub(super) fn first(&self) -> (Option<u32>, Option<u32>) {
        let back = self.back.first().map(|(_, place)| place);
        ((self.oldest != NOBODY).then_some(self.oldest), back)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_in_the_order_of_the_last_use() {
        let mut recency = Recency::new();
        for place in [3, 1, 2] {
            recency.touch(place);
        }
        recency.touch(3);

        let mut order = Vec::new();
        while let (Some(place), _) = recency.first() {
            order.push(place);
            recency.remove(place);
        }

        assert_eq!(order, [1, 2, 3]);
    }

    #[test]
    fn who_was_passed_over_is_found_again_by_its_last_use() {
        let mut recency = Recency::new();
        for place in [1, 2, 3] {
            recency.touch(place);
        }
        recency.pass_over(1);
        recency.pass_over(2);

        recency.take_back(2, 12);
        recency.take_back(1, 11);
        recency.take_back(3, 13);

        assert_eq!(recency.first(), (Some(3), Some(1)));
        recency.touch(1);
        recency.forget_return(2);
        assert_eq!(recency.first(), (Some(3), None));
        recency.remove(3);
        assert_eq!(recency.first(), (Some(1), None));
    }
}
