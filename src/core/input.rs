//! Inputs of the state machine: what happened, reported by the driver.

use std::{rc::Rc, time::Duration};

use super::{
    AccessToken, AcquisitionId, CredentialId, Rejection, ScopeSet, StoredRecord, TokenError, TokenSet,
};

/// Something that happened to a session.
#[derive(Clone, Debug)]
pub enum Input {
    /// A caller requested a token.
    Requested(CallId, TokenRequest),
    /// A caller no longer waits.
    Cancelled(CallId),
    /// JavaScript returned the cached token without a call of the core. Reported once per token, for the refresh mode
    /// `while-used`.
    TokenUsed,
    /// The user reported that the API rejected this token. Always accepted.
    TokenInvalidated(AccessToken),
    /// A response of the API rejected this token; see [`RejectionHistory`](super::RejectionHistory).
    TokenRejected(AccessToken, Rejection),
    /// An ordinary response of the API carried a token.
    TokenReceived(Rc<TokenSet>),
    /// The timer fired, or the machine resumed. Early and repeated inputs are harmless.
    TimerFired,
    /// The I/O of the acquisition ended with its host, and its result will not be reported.
    IoLost,
    /// The acquisition made progress: a secret was read, or another request was sent.
    Progressed(AcquisitionId),
    /// The acquisition presents credentials with this fingerprint to the provider.
    CredentialsPresented(AcquisitionId, CredentialId),
    /// A grant succeeded or failed.
    Granted(AcquisitionId, Result<Rc<TokenSet>, GrantFailure>),
    /// The shared store was read; `None` if it has no record.
    StoreRead(AcquisitionId, Result<Option<StoredRecord>, TokenError>),
    /// The shared store answered a request for the lease; `None` if another holder has it.
    LeaseAnswered(AcquisitionId, Result<Option<Fence>, TokenError>),
    /// The shared store was written.
    StoreWritten(AcquisitionId, Result<WriteOutcome, TokenError>),
    /// Another holder wrote to the shared store.
    StoreChanged,
    /// The user signed out: nothing obtained before may be used.
    Cleared,
    /// As [`Cleared`](Self::Cleared), and the provider must be asked to revoke the discarded tokens.
    Revoked,
    /// The session was closed.
    Closed,
}

impl Input {
    /// The acquisition to which this input belongs.
    pub(super) const fn acquisition(&self) -> Option<AcquisitionId> {
        match self {
            Self::Progressed(id)
            | Self::CredentialsPresented(id, _)
            | Self::Granted(id, _)
            | Self::StoreRead(id, _)
            | Self::LeaseAnswered(id, _)
            | Self::StoreWritten(id, _) => Some(*id),
            Self::Requested(..)
            | Self::Cancelled(_)
            | Self::TokenUsed
            | Self::TokenInvalidated(_)
            | Self::TokenRejected(..)
            | Self::TokenReceived(_)
            | Self::TimerFired
            | Self::IoLost
            | Self::StoreChanged
            | Self::Cleared
            | Self::Revoked
            | Self::Closed => None,
        }
    }
}

/// What a sign-out does with the tokens that it discards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignOutMode {
    /// [`Input::Cleared`].
    Clear,
    /// [`Input::Revoked`].
    Revoke,
}

/// A caller's request for a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenRequest {
    /// A token that stays valid for a while, from the cache where possible: `getToken`.
    Cached {
        /// Least remaining validity; the policy's where `None`.
        min_validity: Option<Duration>,
        /// Scopes that the token must have.
        scopes: Option<ScopeSet>,
        /// Permission to return a token of a sibling session.
        borrowing: Borrowing,
    },
    /// A token granted after this request: `refresh`.
    Forced,
}

impl TokenRequest {
    /// `getToken()` without options.
    pub const DEFAULT: Self =
        Self::Cached { min_validity: None, scopes: None, borrowing: Borrowing::Allowed };
}

/// Permission to return a token of a session of the same identity with more scopes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Borrowing {
    /// Any token that has the scopes.
    #[default]
    Allowed,
    /// Only a token that was requested with exactly these scopes, for example for a page, which must not receive more
    /// scopes than it was granted.
    Forbidden,
}

/// One caller's request. Chosen by the driver, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// Fencing token of a lease on a record of a shared store.
///
/// Fences only grow, so the store can reject a late write of a former lease holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fence(pub u64);

/// Result of a write to the shared store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteOutcome {
    /// The record was stored.
    Stored,
    /// The write was rejected because a newer lease exists.
    Fenced,
}

/// Why a grant returned no token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantFailure {
    /// A retry may succeed.
    Transient(TokenError),
    /// As [`Transient`](Self::Transient): the provider did not process the request, so a refresh token in it was not used.
    NotProcessed(TokenError),
    /// The refresh token was rejected: authenticate with the credentials at once.
    RefreshTokenRejected(TokenError),
    /// A retry cannot succeed.
    Permanent(TokenError),
    /// As [`Permanent`](Self::Permanent): the provider rejected the user or account to act for, not the credentials.
    IdentityRejected(TokenError),
    /// The credentials were not presented, because the provider rejected the same ones before.
    Unchanged,
}

impl GrantFailure {
    /// Returns the error of the failure, if the provider or the request caused it.
    pub const fn error(&self) -> Option<&TokenError> {
        match self {
            Self::Transient(error)
            | Self::NotProcessed(error)
            | Self::RefreshTokenRejected(error)
            | Self::Permanent(error)
            | Self::IdentityRejected(error) => Some(error),
            Self::Unchanged => None,
        }
    }

    /// Returns the error of the failure.
    pub fn into_error(self) -> TokenError {
        match self {
            Self::Transient(error)
            | Self::NotProcessed(error)
            | Self::RefreshTokenRejected(error)
            | Self::Permanent(error)
            | Self::IdentityRejected(error) => error,
            Self::Unchanged => TokenError::unchanged_credentials(),
        }
    }
}
