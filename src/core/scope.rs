//! Sets of scopes.

use std::rc::Rc;

use super::limits::{MAX_SCOPE_BYTES, MAX_SCOPES};

/// A sorted set of scopes (RFC 6749 section 3.3).
///
/// A clone shares the memory. The empty set allocates nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScopeSet(Option<Rc<Vec<String>>>);

impl ScopeSet {
    /// Collects the scopes of a response or store record; empty strings are skipped.
    ///
    /// # Errors
    ///
    /// A phrase for an error message: more than 1000 scopes, a scope of more than 256 characters, or a scope that is not a
    /// scope-token (RFC 6749 section 3.3).
    pub fn from_external(scopes: &mut dyn Iterator<Item = &str>) -> Result<Self, &'static str> {
        let mut set = Vec::new();
        for scope in scopes.filter(|scope| !scope.is_empty()) {
            if set.len() == MAX_SCOPES {
                return Err("more than 1000 scopes");
            }
            if scope.len() > MAX_SCOPE_BYTES {
                return Err("a scope of more than 256 characters");
            }
            if !scope.bytes().all(is_scope_character) {
                return Err("a scope with characters that RFC 6749 does not allow in scopes");
            }
            set.push(scope.to_owned());
        }
        Ok(Self::from_unsorted(set))
    }

    /// The scopes of `requested` that are not in this set.
    pub fn missing(&self, requested: &Self) -> Self {
        let mut missing = Vec::new();
        for scope in requested.as_slice() {
            if !self.contains(scope) {
                missing.push(scope.clone());
            }
        }
        Self::from_sorted(missing)
    }

    /// Returns whether this set contains all scopes of `other`.
    pub fn includes(&self, other: &Self) -> bool {
        other.iter().all(|scope| self.contains(scope))
    }

    /// Returns whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Iterates over the scopes in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.as_slice().iter().map(String::as_str)
    }

    /// Joins the scopes with `, `, for messages.
    pub fn listed(&self) -> String {
        self.as_slice().join(", ")
    }

    /// The number of scopes.
    pub fn len(&self) -> usize {
        self.as_slice().len()
    }

    /// Returns whether clones of this set exist.
    pub(super) fn is_shared(&self) -> bool {
        self.0.as_ref().is_some_and(|scopes| Rc::strong_count(scopes) > 1)
    }

    /// FNV-1a hash of the scopes.
    pub(super) fn hash(&self) -> u64 {
        let mut hash = 0xcbf2_9ce4_8422_2325;
        for scope in self.as_slice() {
            for byte in scope.bytes() {
                hash = fnv_1a(hash, byte);
            }
            hash = fnv_1a(hash, b' ');
        }
        hash
    }

    /// Sorts and deduplicates.
    #[inline(never)]
    fn from_unsorted(mut scopes: Vec<String>) -> Self {
        scopes.sort_unstable();
        scopes.dedup();
        Self::from_sorted(scopes)
    }

    /// Takes scopes that are sorted and unique.
    fn from_sorted(set: Vec<String>) -> Self {
        Self(if set.is_empty() { None } else { Some(Rc::new(set)) })
    }

    fn contains(&self, scope: &str) -> bool {
        self.as_slice().binary_search_by(|it| it.as_str().cmp(scope)).is_ok()
    }

    fn as_slice(&self) -> &[String] {
        self.0.as_deref().map_or(&[], Vec::as_slice)
    }
}

impl<S: AsRef<str>> FromIterator<S> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = S>>(scopes: I) -> Self {
        let mut set = Vec::new();
        for scope in scopes {
            set.push(scope.as_ref().to_owned());
        }
        Self::from_unsorted(set)
    }
}

/// NQCHAR of RFC 6749 appendix A: visible ASCII except `"` and `\`.
const fn is_scope_character(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b'"' && byte != b'\\'
}

const fn fnv_1a(hash: u64, byte: u8) -> u64 {
    (hash ^ byte as u64).wrapping_mul(0x0100_0000_01b3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_scopes_are_sorted_and_unique() {
        let granted: ScopeSet = ["B"].into_iter().collect();
        let requested: ScopeSet = ["C", "A", "B", "A"].into_iter().collect();

        assert_eq!(granted.missing(&requested).listed(), "A, C");
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

    #[test]
    fn external_scopes_are_sorted_and_unique() {
        let scopes = ScopeSet::from_external(&mut ["B", "", "A", "B", "!#[]~"].into_iter());

        assert_eq!(scopes.unwrap().listed(), "!#[]~, A, B");
    }

    #[test]
    fn external_scopes_must_be_scope_tokens() {
        for byte in 0..=127_u8 {
            let allowed = matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
            let scope = format!("a{}", char::from(byte));

            assert_eq!(ScopeSet::from_external(&mut [&*scope].into_iter()).is_ok(), allowed, "{byte:#x}");
        }
        for scope in ["é", "a\u{202e}b", "\u{9b}31m", "\u{2028}"] {
            assert!(ScopeSet::from_external(&mut [scope].into_iter()).is_err(), "{scope:?}");
        }
    }

    #[test]
    fn external_scopes_are_limited_in_number_and_length() {
        let scopes: Vec<String> = (0..=MAX_SCOPES).rev().map(|number| number.to_string()).collect();
        let external = |scopes: &[String]| ScopeSet::from_external(&mut scopes.iter().map(String::as_str));

        assert_eq!(external(&scopes[1..]).unwrap().len(), MAX_SCOPES);
        assert!(external(&scopes).unwrap_err().contains(&MAX_SCOPES.to_string()));
        assert!(external(&["a".repeat(MAX_SCOPE_BYTES)]).is_ok());
        let bound = external(&["a".repeat(MAX_SCOPE_BYTES + 1)]).unwrap_err();
        assert!(bound.contains(&MAX_SCOPE_BYTES.to_string()));
    }
}
