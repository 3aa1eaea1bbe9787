//! Effects of the state machine: what the driver must do, in order.

use std::rc::Rc;

use super::{
    AcquisitionId, CallId, CredentialId, Event, Fence, RefreshToken, RevokedTokens, StoredRecord, TokenError,
    TokenSet,
};

/// Something the driver must do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Resolve a caller's request. Emitted exactly once for each request that was not cancelled.
    Resolve(CallId, Result<Rc<TokenSet>, TokenError>),
    /// Request a token from the provider; answered by [`Input::Granted`](super::Input::Granted).
    Send(AcquisitionId, Grant),
    /// Abort the request to the provider. Not answered.
    Cancel(AcquisitionId),
    /// Read the shared store; answered by [`Input::StoreRead`](super::Input::StoreRead).
    ReadStore(AcquisitionId),
    /// Request the lease without waiting for it; answered by [`Input::LeaseAnswered`](super::Input::LeaseAnswered).
    AcquireLease(AcquisitionId),
    /// Write to the shared store, under the lease where there is one; answered by
    /// [`Input::StoreWritten`](super::Input::StoreWritten).
    WriteStore(AcquisitionId, Option<Fence>, StoredRecord),
    /// Release the lease. Not answered.
    ReleaseLease(AcquisitionId),
    /// Revoke tokens that a sign-out discarded. Not answered. Precedes the report of that sign-out.
    Revoke(Vec<RevokedTokens>),
    /// Report the end of a sign-out that began with [`Input::Cleared`](super::Input::Cleared): the record of the shared
    /// store, where there is one, is replaced by a record without a token, or could not be.
    ReportCleared(Result<(), TokenError>),
    /// Emit an event to the listeners.
    Emit(Event),
}

impl Effect {
    /// Position of the effect among those of one call: resolve callers, then perform I/O, then emit events.
    ///
    /// Listeners run last, so that they observe a finished transition and no lease is held meanwhile.
    pub(super) const fn rank(&self) -> u8 {
        match self {
            Self::Resolve(..) | Self::Revoke(_) | Self::ReportCleared(_) => 0,
            Self::Send(..)
            | Self::Cancel(_)
            | Self::ReadStore(_)
            | Self::AcquireLease(_)
            | Self::WriteStore(..)
            | Self::ReleaseLease(_) => 1,
            Self::Emit(_) => 2,
        }
    }

    /// Returns whether the driver must report a result.
    pub(super) const fn is_answered(&self) -> bool {
        matches!(self, Self::Send(..) | Self::ReadStore(_) | Self::AcquireLease(_) | Self::WriteStore(..))
    }
}

/// Authentication of a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grant {
    /// With the long-lived credentials.
    Authenticate,
    /// With the long-lived credentials, unless they have this fingerprint of rejected ones: then the grant fails with
    /// [`GrantFailure::Unchanged`](super::GrantFailure::Unchanged).
    AuthenticateIfChanged(CredentialId),
    /// With a refresh token. It leaves the session with this effect: the provider may have consumed it, so it is not
    /// presented a second time, unless the provider did not process the request.
    Refresh(RefreshToken),
}
