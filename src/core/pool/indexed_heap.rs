//! What comes first of what comes and goes: what the pool's orders are made of.

/// Small numbers in the order of their keys, and of equal ones in their own.
///
/// A heap in which each has four below it, who lie side by side, and which knows where each
/// is. A map that is sorted throughout would be six kilobytes more of WebAssembly, and nobody
/// asks who comes second.
#[derive(Debug, Default)]
pub(super) struct Ordered {
    heap: Vec<(u64, u32)>,
    /// Where in the heap each is, by its number.
    places: Vec<u32>,
}

/// Who is not in the heap.
const ELSEWHERE: u32 = u32::MAX;

/// As many as a new one has room for without a thought of giving it back.
const FEW: usize = 64;

impl Ordered {
    pub(super) const fn new() -> Self {
        Self { heap: Vec::new(), places: Vec::new() }
    }

    /// The number has this key from now on.
    #[inline(never)]
    pub(super) fn insert(&mut self, number: u32, key: u64) {
        let index = number as usize;
        if self.places.len() <= index {
            self.places.resize(index + 1, ELSEWHERE);
        }
        let mut place = self.places[index] as usize;
        if place >= self.heap.len() {
            place = self.heap.len();
            self.heap.push((key, number));
        }
        self.settle(place, (key, number));
    }

    #[inline(never)]
    pub(super) fn remove(&mut self, number: u32) {
        let Some(place) = self.places.get_mut(number as usize) else { return };
        let place = std::mem::replace(place, ELSEWHERE) as usize;
        if place >= self.heap.len() {
            return;
        }
        if let Some(last) = self.heap.pop()
            && place < self.heap.len()
        {
            self.settle(place, last);
        }
        if self.heap.is_empty() && self.places.len() > FEW {
            // What many have needed is not kept for good.
            *self = Self::new();
        }
    }

    pub(super) fn first(&self) -> Option<(u64, u32)> {
        self.heap.first().copied()
    }

    /// Puts `entry` where it belongs, which is above or below `place`, and nothing else is
    /// out of order.
    fn settle(&mut self, mut place: usize, entry: (u64, u32)) {
        while let Some(above) = place.checked_sub(1).map(|place| place / 4)
            && entry < self.heap[above]
        {
            self.put(place, self.heap[above]);
            place = above;
        }
        loop {
            let mut least = (place, entry);
            for below in 4 * place + 1..self.heap.len().min(4 * place + 5) {
                if self.heap[below] < least.1 {
                    least = (below, self.heap[below]);
                }
            }
            self.put(place, least.1);
            if least.0 == place {
                return;
            }
            place = least.0;
        }
    }

    fn put(&mut self, place: usize, entry: (u64, u32)) {
        self.heap[place] = entry;
        #[expect(clippy::cast_possible_truncation, reason = "there are no more than numbers")]
        let index = place as u32;
        self.places[entry.1 as usize] = index;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_keys_are_in_the_order_of_the_numbers() {
        let mut ordered = Ordered::new();
        for number in [3, 1, 2] {
            ordered.insert(number, 7);
        }

        assert_eq!(ordered.first(), Some((7, 1)));
        ordered.remove(1);
        assert_eq!(ordered.first(), Some((7, 2)));
    }

    #[test]
    fn nothing_is_kept_of_what_many_have_needed() {
        let mut ordered = Ordered::new();
        for number in 0..1000 {
            ordered.insert(number, u64::from(number % 10));
        }

        for number in 0..1000 {
            ordered.remove(number);
        }

        assert_eq!(ordered.first(), None);
        assert_eq!((ordered.heap.capacity(), ordered.places.capacity()), (0, 0));
    }

    #[cfg(not(target_arch = "wasm32"))]
    proptest::proptest! {
        #[test]
        fn the_first_is_the_one_with_the_least_key_whoever_came_and_went(
            acts in proptest::collection::vec((0..40_u32, proptest::option::of(0..9_u64)), 1..300),
        ) {
            let mut ordered = Ordered::new();
            let mut model = std::collections::BTreeMap::new();
            for (number, key) in acts {
                match key {
                    Some(key) => {
                        ordered.insert(number, key);
                        model.insert(number, key);
                    }
                    None => {
                        ordered.remove(number);
                        model.remove(&number);
                    }
                }
                let first = model.iter().map(|(number, key)| (*key, *number)).min();
                assert_eq!(ordered.first(), first);
            }
        }
    }
}
