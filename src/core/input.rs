//! What is said to a lifecycle.

use std::{rc::Rc, time::Duration};

use super::{AccessToken, CredentialId, FlightId, Refusal, ScopeSet, TokenError, TokenSet};

/// Something that has happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A caller asked for a token.
    Requested(CallId, Want),
    /// A caller no longer waits.
    Abandoned(CallId),
    /// The token was handed out without asking; reported once for each token, for `while-used`.
    Used,
    /// The API refused this token, says the user; always believed.
    Invalidated(AccessToken),
    /// An answer of the API refused this token; see [`Refusals`](super::Refusals).
    Refused(AccessToken, Refusal),
    /// A token was seen in an ordinary answer of the API.
    Observed(Rc<TokenSet>),
    /// The alarm went off, or the machine woke. Harmless when early or repeated.
    Woke,
    /// What the flight waits for went down with its host, and will not be reported.
    IoLost,
    /// The flight took another step: a secret was had, or another request was sent.
    Progressed(FlightId),
    /// The flight presents credentials of this fingerprint to the provider.
    Presented(FlightId, CredentialId),
    /// A grant was answered, or was not.
    Granted(FlightId, Result<Rc<TokenSet>, GrantFailure>),
    /// The shared store was read: what is saved there, if anything.
    Loaded(FlightId, Result<Option<Rc<TokenSet>>, TokenError>),
    /// The lease was asked for; `None` where somebody else has it.
    Leased(FlightId, Result<Option<Fence>, TokenError>),
    /// The shared store was written to.
    Saved(FlightId, Result<Written, TokenError>),
    /// Somebody else wrote to the shared store.
    PeerSaved,
    /// The manager was closed.
    Closed,
}

impl Event {
    /// The flight that it is an answer to.
    pub(super) const fn flight(&self) -> Option<FlightId> {
        match self {
            Self::Progressed(id)
            | Self::Presented(id, _)
            | Self::Granted(id, _)
            | Self::Loaded(id, _)
            | Self::Leased(id, _)
            | Self::Saved(id, _) => Some(*id),
            Self::Requested(..)
            | Self::Abandoned(_)
            | Self::Used
            | Self::Invalidated(_)
            | Self::Refused(..)
            | Self::Observed(_)
            | Self::Woke
            | Self::IoLost
            | Self::PeerSaved
            | Self::Closed => None,
        }
    }
}

/// What a caller wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Want {
    /// A token that is good for a while: `getToken`.
    Usable {
        /// How long it should still be valid; the policy's where `None`.
        min_validity: Option<Duration>,
        /// The scopes it must have.
        scopes: Option<ScopeSet>,
        /// Whether a sibling's token with more scopes will do.
        lent: Lent,
    },
    /// A token granted from now on: `refresh`.
    Fresh,
}

impl Want {
    /// What `getToken()` wants that is told nothing.
    pub const USABLE: Self = Self::Usable { min_validity: None, scopes: None, lent: Lent::Accepted };
}

/// Whether a caller accepts a token that a session with more scopes of the same identity holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lent {
    /// Any token that has the scopes.
    #[default]
    Accepted,
    /// Only one that was asked for with just these scopes, such as for a page: a wider token is
    /// more than its receiver was given.
    Rejected,
}

/// One caller's wait for a token. Given by the driver, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// The number of a lease on an entry of a shared store. Numbers only grow, so that the
/// store knows a write that comes after somebody else's lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fence(pub u64);

/// What a shared store did with a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It kept it.
    Kept,
    /// It refused it: there was a later lease.
    Overtaken,
}

/// Why a grant brought no token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantFailure {
    /// Waiting may help.
    Transient(TokenError),
    /// The refresh token was refused: ask with the credentials at once.
    RefreshTokenRefused(TokenError),
    /// Waiting does not help.
    Permanent(TokenError),
    /// The credentials were not presented, because they are the ones that were refused.
    Unchanged,
}

impl GrantFailure {
    /// Returns the error that it carries.
    pub fn into_error(self) -> TokenError {
        match self {
            Self::Transient(error) | Self::RefreshTokenRefused(error) | Self::Permanent(error) => error,
            Self::Unchanged => TokenError::unchanged_credentials(),
        }
    }
}
