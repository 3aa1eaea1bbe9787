//! Which sessions are of one identity, and so may share a token.

use std::collections::HashMap;

use super::super::ScopeSet;

/// Everything that changes what is granted, but for the scopes: the API, the credentials,
/// the user, the account, the seat.
///
/// A digest, made by the layer above, from which nothing can be read. Two sessions of one
/// identity are one session if their scopes are the same, and may use each other's tokens
/// as far as their scopes allow; two of different identities share nothing. Sixteen bytes:
/// two identities with the same digest are not found by chance, nor made in a lifetime.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity([u8; 16]);

impl Identity {
    /// Of a digest such as the first half of a SHA-256.
    pub const fn new(digest: [u8; 16]) -> Self {
        Self(digest)
    }
}

/// It is no secret, but a line of it would be in every printed session.
impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity")
    }
}

/// All sessions, by identity and scopes.
#[derive(Debug, Default)]
pub(super) struct Families(HashMap<Identity, Family>);

/// The sessions of one identity, by their scopes.
#[derive(Debug)]
enum Family {
    /// As most are.
    Single(u32),
    #[expect(clippy::box_collection, reason = "it would make each of a million single ones larger")]
    Several(Box<Vec<(ScopeSet, u32)>>),
}

/// Where the session of these scopes is among its siblings, which are in order, or would be.
fn place_of(sessions: &[(ScopeSet, u32)], scopes: &ScopeSet) -> Result<usize, usize> {
    sessions.binary_search_by(|(known, _)| known.cmp(scopes))
}

impl Families {
    /// The session of this identity and these scopes; `scopes_of` tells those of a session.
    pub(super) fn find<'a>(
        &self,
        identity: Identity,
        scopes: &ScopeSet,
        scopes_of: impl Fn(u32) -> Option<&'a ScopeSet>,
    ) -> Option<u32> {
        match self.0.get(&identity)? {
            Family::Single(session) => (scopes_of(*session) == Some(scopes)).then_some(*session),
            Family::Several(sessions) => place_of(sessions, scopes).ok().map(|place| sessions[place].1),
        }
    }

    pub(super) fn add<'a>(
        &mut self,
        identity: Identity,
        scopes: ScopeSet,
        session: u32,
        scopes_of: impl Fn(u32) -> Option<&'a ScopeSet>,
    ) {
        let Some(family) = self.0.get_mut(&identity) else {
            self.0.insert(identity, Family::Single(session));
            return;
        };
        if let Family::Single(first) = family {
            let first = scopes_of(*first).map(|scopes| (scopes.clone(), *first));
            *family = Family::Several(Box::new(first.into_iter().collect()));
        }
        if let Family::Several(sessions) = family {
            match place_of(sessions, &scopes) {
                Ok(place) => sessions[place].1 = session,
                Err(place) => sessions.insert(place, (scopes, session)),
            }
        }
    }

    /// Removes it, if it is still the one of its identity and scopes.
    pub(super) fn remove(&mut self, identity: Identity, scopes: &ScopeSet, session: u32) {
        let Some(family) = self.0.get_mut(&identity) else { return };
        let empty = match family {
            Family::Single(single) => *single == session,
            Family::Several(sessions) => {
                if let Ok(place) = place_of(sessions, scopes)
                    && sessions[place].1 == session
                {
                    sessions.remove(place);
                }
                sessions.is_empty()
            }
        };
        if empty {
            self.0.remove(&identity);
        }
    }

    /// Whether there is more than one session of this identity.
    pub(super) fn several(&self, identity: Identity) -> impl Iterator<Item = u32> {
        let several = self.0.get(&identity).and_then(|family| match family {
            Family::Single(_) => None,
            Family::Several(sessions) => Some(sessions.iter().map(|(_, session)| *session)),
        });
        several.into_iter().flatten()
    }
}
