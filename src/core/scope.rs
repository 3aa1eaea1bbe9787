//! Sets of scopes: what was asked for, what was granted, what is missing.

use std::rc::Rc;

use super::text::joined;

/// A set of scopes, in order, each once (RFC 6749 section 3.3).
///
/// Shared by all who name the same set: a million sessions have few. The empty set
/// takes no memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScopeSet(Option<Rc<Vec<String>>>);

impl ScopeSet {
    /// The scopes of `wanted` that are not in this set, in order.
    pub fn missing(&self, wanted: &Self) -> Self {
        let mut missing = Vec::new();
        for scope in wanted.listing() {
            if !self.contains(scope) {
                add(&mut missing, scope);
            }
        }
        Self::of(missing)
    }

    /// Whether each scope of `other` is in this set.
    pub fn includes(&self, other: &Self) -> bool {
        other.iter().all(|scope| self.contains(scope))
    }

    /// Whether there is no scope in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The scopes in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.listing().iter().map(String::as_str)
    }

    /// The scopes with a comma and a space between them, for a message.
    pub fn listed(&self) -> String {
        joined(&mut self.iter(), ", ")
    }

    /// How many scopes are in it.
    pub fn len(&self) -> usize {
        self.listing().len()
    }

    /// Whether it has been cloned, and one of those is left.
    pub(super) fn is_shared(&self) -> bool {
        self.0.as_ref().is_some_and(|scopes| Rc::strong_count(scopes) > 1)
    }

    /// A number that two sets rarely have in common (FNV-1a).
    pub(super) fn digest(&self) -> u64 {
        let mut digest = 0xcbf2_9ce4_8422_2325;
        for scope in self.listing() {
            for byte in scope.bytes() {
                digest = digested(digest, byte);
            }
            digest = digested(digest, b' ');
        }
        digest
    }

    /// Of scopes that are in order, each once.
    #[inline(never)]
    fn of(set: Vec<String>) -> Self {
        Self(if set.is_empty() { None } else { Some(Rc::new(set)) })
    }

    fn contains(&self, scope: &str) -> bool {
        search(self.listing(), scope).is_ok()
    }

    fn listing(&self) -> &[String] {
        self.0.as_deref().map_or(&[], Vec::as_slice)
    }
}

impl<S: AsRef<str>> FromIterator<S> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = S>>(scopes: I) -> Self {
        let mut set = Vec::new();
        for scope in scopes {
            add(&mut set, scope.as_ref());
        }
        Self::of(set)
    }
}

const fn digested(digest: u64, byte: u8) -> u64 {
    (digest ^ byte as u64).wrapping_mul(0x0100_0000_01b3)
}

/// There is an instance of the loop above for each kind of iterator, but one of this.
#[inline(never)]
fn add(set: &mut Vec<String>, scope: &str) {
    if let Err(place) = search(set, scope) {
        set.insert(place, scope.to_owned());
    }
}

fn search(set: &[String], scope: &str) -> Result<usize, usize> {
    set.binary_search_by(|held| held.as_str().cmp(scope))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_once_and_in_order() {
        let granted: ScopeSet = ["B"].into_iter().collect();
        let wanted: ScopeSet = ["C", "A", "B", "A"].into_iter().collect();

        assert_eq!(granted.missing(&wanted).listed(), "A, C");
        assert!(granted.missing(&granted).is_empty());
    }

    #[test]
    fn a_set_includes_its_subsets_and_the_empty_set() {
        let set: ScopeSet = ["A", "B", "C"].into_iter().collect();

        assert!(set.includes(&["C", "B"].into_iter().collect()));
        assert!(!set.includes(&["A", "D"].into_iter().collect()));
        assert!(set.includes(&ScopeSet::default()));
        assert_eq!((set.len(), ScopeSet::default().len()), (3, 0));
    }
}
