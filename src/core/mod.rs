//! The rules of a token's life. Decides, and never acts.
//!
//! Events and the time go in, effects come out; there is no clock, no dice, no
//! I/O and no JavaScript here, so that every rule is tested natively, in
//! simulated time. For one token, the one entry is [`Lifecycle::handle`] and the one alarm
//! is [`Lifecycle::next_wakeup`]; for many, [`Pool::handle`] and [`Pool::next_wakeup`].
//!
//! Two questions, two types. [`Holding`]: what do we have? Its [`Stage`] is
//! computed from the time.
//!
//! ```text
//!   Fresh ── refresh_at ──▶ RefreshDue ── expires_at ──▶ Expired
//!     handed out              handed out until served_until
//! ```
//!
//! [`Flight`]: what are we doing about it? There is one at most.
//!
//! ```text
//!  asked, due ──▶ BackingOff ── until ──▶ Granting ── token ──▶ landed
//!                     ▲                      │  │
//!                     └────── transient ─────┘  ├─ refresh token refused ─▶ Granting, by credentials
//!                                               └─ permanent, or attempts spent ─▶ failed, cool-down
//! ```
//!
//! A flight starts in `BackingOff`, mostly for no time at all: the pause that the
//! pace of grants asks for and the pause after a failure are one thing.
//!
//! Each step that the driver is to report has a deadline, by the limits that the driver itself
//! keeps ([`IoLimits`]). A step that is not reported by then went down with its host: a request
//! of a Worker that ended, a page that was frozen, a context that was killed. Another flight
//! takes over for the callers who wait, and answers to the lost one change nothing.
//!
//! Where I/O ends with the request that started it ([`IoScope::Request`]), no timer starts
//! anything: a caller who finds a refresh due makes it, and waits for it; others are served.
//!
//! Where holders share a token through a store, a flight goes through it:
//!
//! ```text
//!  BackingOff ──▶ Loading ──▶ Locking ──▶ Rereading ──▶ Claiming ──▶ Granting ──▶ Saving ──▶ landed
//!      ▲             │           │            │            │             │
//!      │             └─ found ───│─── found ──┘            │             │
//!      │                    ▼    │      ▼                  │             │
//!      │                  landed │    landed               │             │
//!      └──── somebody else's ────┴────── overtaken ────────┴── transient ┘
//! ```
//!
//! Reading takes no lease. Under the lease, the refresh token is taken out of the
//! store *before* it is presented (`Claiming`): a holder that crashes after that
//! costs one grant by the credentials, and nobody presents the token twice. The
//! lease is given back before each pause, and before listeners are told. A store
//! that fails, or a lease that cannot be had in time, leads to a grant of one's
//! own, by the credentials or a refresh token that was never in the store. A store
//! that has no leases shares access tokens alone: each holder keeps its refresh token.
//!
//! Where there are many sessions, a [`Pool`] keeps them: `StandingBy` is the phase of a flight
//! that would ask the provider, or for the lease, and waits for its turn. It comes before
//! `Granting` or `Locking`, and whatever ends a pause ends it as well. If its turn does not
//! come at once, the flight starts over: what it waited for may have been saved by somebody else.
//!
//! The words, used in this sense throughout:
//!
//! - **holding**: the token we have and the moments that follow from it;
//! - **flight**: one attempt to get a token, retries included;
//! - **refresh window**: the end of a lifetime, in which the background refreshes;
//! - **served until**: from when on callers wait for a new token instead;
//! - **settle**: to give a caller its one answer;
//! - **adopt**: to take over a token that came with an ordinary answer;
//! - **holder**: a lifecycle among others that share a token through a store;
//! - **lease**: the right to be the one who asks the provider, for a while;
//! - **session**: a lifecycle among others of one manager, for an identity and a set of scopes;
//! - **identity**: all that changes what is granted, but for the scopes;
//! - **turn**: the right to be one of the few sessions that ask the provider at a time;
//! - **lend**: to give one's token to a caller of another session of the same identity;
//! - **cool-down**: the time in which a failure is repeated to callers from memory;
//! - **doubt**: the time in which a refusal is not believed, since the token before was refused too.

mod acquisition;
mod cached_token;
mod credentials;
mod effect;
mod error;
mod event;
mod input;
mod jitter;
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

pub use acquisition::{Company, Flight, FlightId, Phase, Queue, Turn};
pub use cached_token::{Expiry, Holding, Stage};
pub use credentials::{CredentialHistory, CredentialId};
pub use effect::{Effect, Grant};
pub use error::{ErrorCode, ErrorDetails, Outlook, TokenError};
pub use event::{Change, Reason, Remains};
pub use input::{CallId, Event, Fence, GrantFailure, Lent, Want, Written};
pub use jitter::Jitter;
pub use policy::{IoLimits, IoScope, Pace, Policy, RefreshMode, Retry, Sharing, Step, cool_down};
pub use pool::{Identity, Limits, Pool, PoolEffect, Scoping, SessionId};
pub use recent_tokens::Superseded;
pub use rejection::{Refusal, Refusals};
pub use scope::ScopeSet;
pub use secret::{AccessToken, RefreshToken, Secret, is_sendable};
pub use session::{Lifecycle, Status};
pub use time::{MAX_LIFETIME, Skew, SteadyClock, UnixMillis, millis};
pub use token::{Stamp, TokenSet};
