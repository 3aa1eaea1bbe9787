//! Numbers in order, and things by their number: what the pool's orders are made of.
//!
//! One type for all of them, rather than a `BTreeMap` of each kind: every kind would be
//! eight kilobytes of WebAssembly.

use std::collections::BTreeMap;

/// A pair of numbers; an order of one number leaves the other at zero.
pub(super) type Key = (u64, u64);

/// Keys in order, each with a small number.
#[derive(Debug, Default)]
pub(super) struct Ordered(BTreeMap<Key, u32>);

impl Ordered {
    pub(super) const fn new() -> Self {
        Self(BTreeMap::new())
    }

    #[inline(never)]
    pub(super) fn insert(&mut self, key: Key, value: u32) {
        self.0.insert(key, value);
    }

    #[inline(never)]
    pub(super) fn remove(&mut self, key: Key) -> Option<u32> {
        self.0.remove(&key)
    }

    pub(super) fn get(&self, key: Key) -> Option<u32> {
        self.0.get(&key).copied()
    }

    pub(super) fn first(&self) -> Option<(Key, u32)> {
        self.0.first_key_value().map(|(key, value)| (*key, *value))
    }
}

/// Things by a number of their own.
#[derive(Debug)]
pub(super) struct Numbered<V> {
    slots: Ordered,
    values: Vec<Option<(u64, V)>>,
    free: Vec<u32>,
}

impl<V> Numbered<V> {
    pub(super) const fn new() -> Self {
        Self { slots: Ordered::new(), values: Vec::new(), free: Vec::new() }
    }

    /// In place of what had the number before.
    pub(super) fn insert(&mut self, number: u64, value: V) {
        self.remove(number);
        let slot = self.free.pop().unwrap_or_else(|| {
            self.values.push(None);
            u32::try_from(self.values.len() - 1).unwrap_or(u32::MAX)
        });
        if let Some(free) = self.values.get_mut(slot as usize) {
            *free = Some((number, value));
            self.slots.insert((number, 0), slot);
        }
    }

    pub(super) fn get(&self, number: u64) -> Option<&V> {
        let slot = self.slots.get((number, 0))?;
        self.values.get(slot as usize)?.as_ref().map(|(_, value)| value)
    }

    pub(super) fn remove(&mut self, number: u64) -> Option<V> {
        let slot = self.slots.remove((number, 0))?;
        let (_, value) = self.values.get_mut(slot as usize)?.take()?;
        if self.free.len() + 1 == self.values.len() {
            // The last one: what many have needed is not kept for good.
            (self.values, self.free) = (Vec::new(), Vec::new());
        } else {
            self.free.push(slot);
        }
        Some(value)
    }

    /// In no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &V)> {
        self.values.iter().flatten().map(|(number, value)| (*number, value))
    }

    pub(super) const fn len(&self) -> usize {
        self.values.len() - self.free.len()
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_are_found_by_their_number_and_the_later_takes_the_place() {
        let mut things = Numbered::new();
        for (number, thing) in [(7, "a"), (3, "b"), (7, "c")] {
            things.insert(number, thing);
        }

        assert_eq!(
            (things.len(), things.get(7), things.get(3), things.get(0)),
            (2, Some(&"c"), Some(&"b"), None)
        );
        assert_eq!((things.remove(3), things.remove(3)), (Some("b"), None));
        things.insert(9, "d");
        assert_eq!(things.iter().collect::<Vec<_>>(), [(7, &"c"), (9, &"d")]);
    }

    #[test]
    fn nothing_is_kept_of_what_many_have_needed() {
        let mut things = Numbered::new();
        for number in 0..1000 {
            things.insert(number, number);
        }

        assert!((0..1000).all(|number| things.remove(number) == Some(number)));

        assert!(things.is_empty());
        assert_eq!((things.values.capacity(), things.free.capacity()), (0, 0));
    }
}
