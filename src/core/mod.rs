//! The state machines: one token per [`Session`], the sessions of a manager in a [`Pool`].
//!
//! Inputs and the current time go in, effects come out. There is no clock, no entropy, no I/O and no JavaScript here, so
//! every rule is tested natively in simulated time. The entry points are [`Session::handle`] and
//! [`Session::poll_timeout`], and for a pool [`Pool::handle`] and [`Pool::poll_timeout`].
//!
//! ARCHITECTURE.md has the glossary, and the diagrams of a [`CachedToken`] and an [`Acquisition`].

mod acquisition;
mod cached_token;
mod credentials;
mod effect;
mod error;
mod event;
mod input;
mod jitter;
pub mod limits;
mod policy;
mod pool;
mod recent_tokens;
mod rejection;
mod scope;
mod secret;
mod session;
mod time;
mod token;

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests;

pub use acquisition::{
    Acquisition, AcquisitionId, LeaseWait, Permit, Phase, Presented, RefreshTokenSource, StoreMode,
};
pub use cached_token::{CachedToken, Freshness};
pub use credentials::{CredentialHistory, CredentialId, SharedCredentials, Subject};
pub use effect::{Effect, Grant};
pub use error::{ErrorCode, ErrorDetails, ProviderErrors, Retryability, TokenError};
pub use event::{Event, Reason};
pub use input::{Borrowing, CallId, Fence, GrantFailure, Input, SignOutMode, TokenRequest, WriteOutcome};
pub use jitter::Jitter;
pub use policy::{
    IoLimits, IoScope, Policy, RefreshMode, RefreshTokenRotation, Retry, Sharing, Step, TokenBucket,
    cool_down,
};
pub use pool::{CredentialSharing, Identity, Limits, Pool, PoolEffect, Scoping, SessionId};
pub use recent_tokens::RecentTokens;
pub use rejection::{Rejection, RejectionHistory};
pub use scope::ScopeSet;
pub use secret::{AccessToken, RefreshToken, Secret, is_sendable};
pub use session::{Session, Status};
pub use time::{ClockOffset, HybridClock, UnixMillis, millis};
pub use token::{Generation, RevokedTokens, StoredRecord, TokenSet, TokenTimes};
