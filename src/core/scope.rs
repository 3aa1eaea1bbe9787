//! Sets of scopes: what was asked for, what was granted, what is missing.

use std::rc::Rc;

/// A set of scopes, in order, each once (RFC 6749 section 3.3).
///
/// Shared by all who name the same set: a million sessions have few. The empty set
/// takes no memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScopeSet(Option<Rc<Vec<String>>>);

/// The most scopes that an answer or a store entry may name.
///
/// The largest published table of scopes (Microsoft Graph) has about 700.
const MAX_SCOPES: usize = 1000;

/// The length of the longest scope that an answer or a store entry may name, in bytes.
const MAX_SCOPE_LENGTH: usize = 256;

impl ScopeSet {
    /// The scopes that an answer or a store entry names; empty texts are skipped.
    ///
    /// # Errors
    ///
    /// The bound that is exceeded, for a message: more than 1000 scopes, one of more than 256
    /// characters, or one with characters that a scope-token (RFC 6749 section 3.3) has not.
    pub fn from_external(scopes: &mut dyn Iterator<Item = &str>) -> Result<Self, &'static str> {
        let mut set = Vec::new();
        for scope in scopes.filter(|scope| !scope.is_empty()) {
            if set.len() == MAX_SCOPES {
                return Err("more than 1000 scopes");
            }
            if scope.len() > MAX_SCOPE_LENGTH {
                return Err("a scope of more than 256 characters");
            }
            if !scope.bytes().all(is_scope_character) {
                return Err("a scope with characters that RFC 6749 does not allow in scopes");
            }
            set.push(scope.to_owned());
        }
        Ok(Self::sorted(set))
    }

    /// The scopes of `wanted` that are not in this set, in order.
    pub fn missing(&self, wanted: &Self) -> Self {
        let mut missing = Vec::new();
        for scope in wanted.listing() {
            if !self.contains(scope) {
                missing.push(scope.clone());
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
        self.listing().join(", ")
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

    /// Of scopes in any order, in time that grows little faster than their number.
    #[inline(never)]
    fn sorted(mut scopes: Vec<String>) -> Self {
        scopes.sort_unstable();
        scopes.dedup();
        Self::of(scopes)
    }

    /// Of scopes that are in order, each once.
    fn of(set: Vec<String>) -> Self {
        Self(if set.is_empty() { None } else { Some(Rc::new(set)) })
    }

    fn contains(&self, scope: &str) -> bool {
        self.listing().binary_search_by(|held| held.as_str().cmp(scope)).is_ok()
    }

    fn listing(&self) -> &[String] {
        self.0.as_deref().map_or(&[], Vec::as_slice)
    }
}

impl<S: AsRef<str>> FromIterator<S> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = S>>(scopes: I) -> Self {
        let mut set = Vec::new();
        for scope in scopes {
            set.push(scope.as_ref().to_owned());
        }
        Self::sorted(set)
    }
}

/// Whether a scope-token may have this character: visible ASCII but `"` and `\` (RFC 6749 section 3.3).
const fn is_scope_character(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b'"' && byte != b'\\'
}

const fn digested(digest: u64, byte: u8) -> u64 {
    (digest ^ byte as u64).wrapping_mul(0x0100_0000_01b3)
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

    #[test]
    fn external_scopes_are_sorted_and_counted_once() {
        let scopes = ScopeSet::from_external(&mut ["B", "", "A", "B", "!#[]~"].into_iter());

        assert_eq!(scopes.unwrap().listed(), "!#[]~, A, B");
    }

    #[test]
    fn external_scopes_have_the_characters_of_a_scope_token() {
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
    fn external_scopes_are_bounded_in_number_and_length() {
        let scopes: Vec<String> = (0..=MAX_SCOPES).rev().map(|number| number.to_string()).collect();
        let external = |scopes: &[String]| ScopeSet::from_external(&mut scopes.iter().map(String::as_str));

        assert_eq!(external(&scopes[1..]).unwrap().len(), MAX_SCOPES);
        assert!(external(&scopes).unwrap_err().contains(&MAX_SCOPES.to_string()));
        assert!(external(&["a".repeat(MAX_SCOPE_LENGTH)]).is_ok());
        let bound = external(&["a".repeat(MAX_SCOPE_LENGTH + 1)]).unwrap_err();
        assert!(bound.contains(&MAX_SCOPE_LENGTH.to_string()));
    }
}
