//! What a lifecycle wants done.

use std::rc::Rc;

use super::{CallId, Change, CredentialId, Fence, FlightId, RefreshToken, TokenError, TokenSet};

/// Something to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Tell a caller. Exactly once for each that did not abandon its call.
    Settle(CallId, Result<Rc<TokenSet>, TokenError>),
    /// Ask the provider; answered by [`Event::Granted`].
    Send(FlightId, Grant),
    /// Give up what was sent; no answer is awaited.
    Cancel(FlightId),
    /// Read the shared store; answered by [`Event::Loaded`].
    Load(FlightId),
    /// Ask for the lease, without waiting for it; answered by [`Event::Leased`].
    Acquire(FlightId),
    /// Write to the shared store, under the lease where there is one; answered by [`Event::Saved`].
    Save(FlightId, Option<Fence>, Rc<TokenSet>),
    /// Give the lease back; no answer is awaited.
    Release(FlightId),
    /// Tell the listeners.
    Notify(Change),
}

/// How to ask for a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grant {
    /// With the long-lived credentials.
    Authenticate,
    /// With the long-lived credentials, unless they are those of this fingerprint, which were refused:
    /// then [`GrantFailure::Unchanged`].
    AuthenticateIfChanged(CredentialId),
    /// With a refresh token, which leaves the lifecycle with this effect: it may be
    /// spent from now on, so it is never presented a second time.
    Refresh(RefreshToken),
}
