//! An acquisition in progress and its phases.

use std::rc::Rc;

use super::{CredentialId, Fence, Reason, RefreshToken, Step, TokenError, TokenSet, UnixMillis};

/// The acquisition of one token, with all its attempts and store operations.
///
/// A session has `Option<Acquisition>`, which makes it single-flight.
#[derive(Clone, Debug)]
pub struct Acquisition {
    /// Identifies the acquisition in inputs and effects.
    pub id: AcquisitionId,
    /// Why it was started.
    pub reason: Reason,
    /// Its current phase.
    pub phase: Phase,
    /// Number of attempts that failed and may be retried.
    pub failed_attempts: u32,
    /// Use of the shared store, if there is one.
    pub store_mode: StoreMode,
    /// Requests for the lease so far.
    pub lease_wait: LeaseWait,
    /// Permission of the scheduler to contact the provider.
    pub permit: Permit,
    /// Fingerprint of the credentials that it presents.
    pub credentials: CredentialId,
    /// Set if another holder announced a change after the last read of the store started.
    pub store_changed_while_reading: bool,
    /// When the pending step counts as lost. Meaningless where no step is pending: see [`wakes_at`](Self::wakes_at).
    pub deadline: UnixMillis,
}

impl Acquisition {
    /// Enters [`Phase::Backoff`]. No request is in flight, so the permit is returned.
    pub fn back_off(&mut self, until: UnixMillis) {
        self.phase = Phase::Backoff { until };
        if self.permit == Permit::Granted {
            self.permit = Permit::Pending;
        }
    }

    /// When the timer continues the acquisition: at the end of a backoff, or when the pending step counts as lost.
    pub const fn wakes_at(&self) -> UnixMillis {
        match (&self.phase, self.phase.pending_step()) {
            (Phase::Backoff { until }, _) => *until,
            (_, Some(_)) => self.deadline,
            (_, None) => UnixMillis::NEVER,
        }
    }
}

/// Identifies one acquisition. Results that carry the id of an earlier one change nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AcquisitionId(pub u64);

/// Permission of the pool's scheduler to contact the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// The session is not scheduled.
    NotRequired,
    /// A permit is required before the next request.
    Pending,
    /// The scheduler granted one.
    Granted,
}

/// Use of the shared store by an acquisition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreMode {
    /// It is used, if there is one that works.
    Shared,
    /// It is not used: there is none, it failed recently, or its lease is unavailable for too long.
    Bypassed,
}

/// The requests of an acquisition for the lease.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeaseWait {
    /// When the lease was first requested.
    pub since: Option<UnixMillis>,
    /// Number of requests that were denied because another holder had the lease.
    pub denied: u32,
}

/// A refresh token that a request presents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presented {
    /// The refresh token.
    pub refresh_token: RefreshToken,
    /// Where it was before.
    pub source: RefreshTokenSource,
}

/// Where a refresh token was before it was presented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefreshTokenSource {
    /// In the session, which alone has it.
    Session,
    /// In the record of this token in the shared store, from which it was removed.
    Claimed(Rc<TokenSet>),
    /// In the shared store, which still has it.
    Stored,
}

/// The phase of an acquisition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Waits for the time of the next attempt.
    Backoff {
        /// When the next attempt starts.
        until: UnixMillis,
    },
    /// Waits for a permit of the scheduler.
    Queued {
        /// When the shared store was read without success, if it was.
        read_at: Option<UnixMillis>,
    },
    /// Reads the shared store, without a lease.
    ReadingStore {
        /// When the acquisition may continue if nothing is found.
        resume_at: UnixMillis,
    },
    /// Requests the lease.
    AcquiringLease,
    /// Reads the shared store again, under the lease.
    RecheckingStore(Fence),
    /// Writes the record of this token to the shared store before its refresh token is presented: without the refresh
    /// token, so that no other holder presents it if this one crashes, unless it may be presented again.
    ClaimingRefreshToken(Fence, Rc<TokenSet>),
    /// Replaces the record in the shared store by one without a token, after a sign-out.
    ClearingStore(Option<Fence>),
    /// A request to the provider is in flight.
    Requesting {
        /// The refresh token that was presented; `None` means the credentials.
        presented: Option<Presented>,
        /// When the first request was sent.
        since: UnixMillis,
        /// The lease, where there is one.
        fence: Option<Fence>,
    },
    /// Writes a refresh token that the provider did not process back to the shared store.
    ReturningRefreshToken {
        /// The lease.
        fence: Fence,
        /// The token of the record, with its refresh token.
        tokens: Rc<TokenSet>,
        /// Why it was not processed.
        error: TokenError,
    },
    /// Writes the new token to the shared store.
    WritingStore {
        /// The new token.
        tokens: Rc<TokenSet>,
        /// When the first request was sent.
        since: UnixMillis,
        /// The lease, where there is one.
        fence: Option<Fence>,
    },
}

impl Phase {
    /// The lease that is held.
    pub const fn fence(&self) -> Option<Fence> {
        match self {
            Self::RecheckingStore(fence)
            | Self::ClaimingRefreshToken(fence, _)
            | Self::ReturningRefreshToken { fence, .. } => Some(*fence),
            Self::ClearingStore(fence)
            | Self::Requesting { fence, .. }
            | Self::WritingStore { fence, .. } => *fence,
            Self::Backoff { .. } | Self::Queued { .. } | Self::ReadingStore { .. } | Self::AcquiringLease => {
                None
            }
        }
    }

    /// The step that awaits a report of the driver, if there is one.
    pub const fn pending_step(&self) -> Option<Step> {
        match self {
            Self::Backoff { .. } | Self::Queued { .. } => None,
            Self::RecheckingStore(_)
            | Self::ClaimingRefreshToken(..)
            | Self::ReturningRefreshToken { .. }
            | Self::ClearingStore(_)
            | Self::WritingStore { .. } => Some(Step::Store),
            // The store's key, and a lease, may require the secrets first.
            Self::ReadingStore { .. } | Self::AcquiringLease => Some(Step::Either),
            Self::Requesting { .. } => Some(Step::Request),
        }
    }

    /// Returns whether a read of the shared store is pending.
    pub const fn is_reading_store(&self) -> bool {
        matches!(self, Self::ReadingStore { .. } | Self::RecheckingStore(_))
    }

    /// When the acquisition may continue if the pending read finds nothing.
    pub const fn resumes_at(&self) -> Option<UnixMillis> {
        if let Self::ReadingStore { resume_at } = self { Some(*resume_at) } else { None }
    }

    /// The refresh token that is about to be presented, or was presented without a response so far.
    pub fn presented(&self) -> Option<&RefreshToken> {
        match self {
            Self::Requesting { presented, .. } => presented.as_ref().map(|it| &it.refresh_token),
            Self::ClaimingRefreshToken(_, tokens) | Self::ReturningRefreshToken { tokens, .. } => {
                tokens.refresh_token.as_ref()
            }
            Self::Backoff { .. }
            | Self::Queued { .. }
            | Self::ReadingStore { .. }
            | Self::AcquiringLease
            | Self::RecheckingStore(_)
            | Self::ClearingStore(_)
            | Self::WritingStore { .. } => None,
        }
    }

    /// The token that is being written to the shared store.
    pub const fn writing(&self) -> Option<&Rc<TokenSet>> {
        if let Self::WritingStore { tokens, .. } = self { Some(tokens) } else { None }
    }
}
