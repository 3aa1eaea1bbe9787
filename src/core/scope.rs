//! Sets of scopes: what was asked for, what was granted, what is missing.

/// A set of scopes, in order, each once (RFC 6749 section 3.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeSet(Vec<String>);

impl ScopeSet {
    /// The scopes of `wanted` that are not in this set, in order.
    pub fn missing(&self, wanted: &Self) -> Self {
        Self(
            wanted
                .iter()
                .filter(|scope| !self.0.iter().any(|held| held == scope))
                .map(str::to_owned)
                .collect(),
        )
    }

    /// Whether there is no scope in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The scopes in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The scopes with a comma and a space between them, for a message.
    pub fn listed(&self) -> String {
        self.iter().collect::<Vec<_>>().join(", ")
    }
}

impl<S: Into<String>> FromIterator<S> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = S>>(scopes: I) -> Self {
        let mut set = Vec::new();
        for scope in scopes {
            let scope = scope.into();
            if let Err(place) = set.binary_search(&scope) {
                set.insert(place, scope);
            }
        }
        Self(set)
    }
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
}
