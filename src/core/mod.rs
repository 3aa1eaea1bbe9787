//! The state machines: one token per [`Session`], the sessions of a manager in a [`Pool`].
//!
//! Inputs and the current time go in, effects come out. There is no clock, no entropy, no I/O and no JavaScript here, so
//! every rule is tested natively in simulated time. The entry points are [`Session::handle`] and
//! [`Session::poll_timeout`], and for a pool [`Pool::handle`] and [`Pool::poll_timeout`].
//!
//! [`CachedToken`] is the token that a session has. Its [`Freshness`] is computed from the time:
//!
//! ```text
//!   Fresh ── refresh_at ──▶ RefreshDue ── expires_at ──▶ Expired
//!      returned                returned until served_until
//! ```
//!
//! An [`Acquisition`] gets a new one. A session has at most one:
//!
//! ```text
//!  request, refresh due ──▶ Backoff ── until ──▶ Requesting ── token ──▶ cached
//!                              ▲                    │  │
//!                              └───── transient ────┘  ├─ refresh token rejected ─▶ Requesting, with the credentials
//!                                                      └─ permanent, or attempts exhausted ─▶ failed, cool-down
//! ```
//!
//! An acquisition starts in `Backoff`, usually for no time: the delay of the rate limit and the delay after a failed
//! attempt are one phase.
//!
//! Each step that the driver must report has a deadline, derived from the limits that the driver enforces ([`IoLimits`]).
//! A step that is not reported by then ended with its host, such as a request of a Worker, a frozen page or a killed
//! context. Another acquisition replaces it for the waiters, and its late results are stale.
//!
//! Where I/O ends with the request that started it ([`IoScope::Request`]), no timer starts an acquisition. The caller that
//! finds a refresh due starts it and waits for it; other callers receive the cached token.
//!
//! With a shared store, an acquisition has more phases:
//!
//! ```text
//!  Backoff ─▶ ReadingStore ─▶ AcquiringLease ─▶ RecheckingStore ─▶ ClaimingRefreshToken ─▶ Requesting ─▶ WritingStore
//!     ▲            │                │                 │                     │                  │             │
//!     │            └─ found ─▶ cached ◀─────── found ─┘                     │                  │             ▼
//!     └──────────────── another holder has it ────────┴────────────────── fenced ── transient ─┘           cached
//! ```
//!
//! A read takes no lease. Under the lease, the refresh token is removed from the store before it is presented
//! (`ClaimingRefreshToken`), so a holder that crashes afterwards costs one grant with the credentials, and the token is not
//! presented twice. The lease is released before each backoff and before listeners are notified. If the store fails, or
//! the lease is unavailable for too long, the session sends a grant of its own, with the credentials or a refresh token
//! that was never in the store. A store without leases shares access tokens only: each holder keeps its refresh token.
//!
//! In a pool, an acquisition that is about to contact the provider or to request the lease enters `Queued` until the
//! scheduler grants a permit. If that takes any time, it starts over with `ReadingStore`, because another holder may have
//! stored a token meanwhile.
//!
//! # Glossary
//!
//! | term | meaning |
//! |---|---|
//! | session | the token state of one identity and scope set |
//! | identity | everything besides the scopes that determines a grant |
//! | acquisition | getting one token, with all attempts and store operations |
//! | attempt | one request to the provider within an acquisition |
//! | grant | RFC 6749: credentials or a refresh token exchanged for an access token |
//! | cached token | the token of a session, with its times |
//! | refresh window | the end of a lifetime, in which the background refreshes |
//! | served until | when callers start to wait for a new token |
//! | input, effect, event | what happened, what the driver must do, what listeners receive |
//! | rejection | a response of the API that does not accept a token |
//! | holder | a session, in any process or tab, that shares a token through a store |
//! | lease, fence | the exclusive right to renew a stored token, for a limited time, and its growing number |
//! | permit | the scheduler's right to contact the provider |
//! | lender, borrower | a session with wider scopes, and a caller that receives its token |
//! | adopt | to cache a token from an ordinary response or from the store |
//! | cool-down | the time for which a failure is remembered and returned to callers |

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

pub use acquisition::{Acquisition, AcquisitionId, LeaseWait, Permit, Phase, StoreMode};
pub use cached_token::{CachedToken, Freshness};
pub use credentials::{CredentialHistory, CredentialId, SharedCredentials, Subject};
pub use effect::{Effect, Grant};
pub use error::{ErrorCode, ErrorDetails, Retryability, TokenError};
pub use event::{Event, Reason};
pub use input::{Borrowing, CallId, Fence, GrantFailure, Input, TokenRequest, WriteOutcome};
pub use jitter::Jitter;
pub use policy::{IoLimits, IoScope, Policy, RefreshMode, Retry, Sharing, Step, TokenBucket, cool_down};
pub use pool::{CredentialSharing, Identity, Limits, Pool, PoolEffect, Scoping, SessionId};
pub use recent_tokens::RecentTokens;
pub use rejection::{Rejection, RejectionHistory};
pub use scope::ScopeSet;
pub use secret::{AccessToken, RefreshToken, Secret, is_sendable};
pub use session::{Session, Status};
pub use time::{ClockOffset, HybridClock, UnixMillis, millis};
pub use token::{Generation, StoredRecord, TokenSet, TokenTimes};
