//! An acquisition in progress and its phases.

use std::rc::Rc;

use super::{CredentialId, Fence, Reason, RefreshToken, Step, TokenSet, UnixMillis};

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
    /// Whether it uses the shared store, where there is one.
    pub store_mode: StoreMode,
    /// How long it has been waiting for the lease.
    pub lease_wait: LeaseWait,
    /// Whether the scheduler permits it to contact the provider.
    pub permit: Permit,
    /// Fingerprint of the credentials that it presents.
    pub credentials: CredentialId,
    /// Whether another holder announced a change after the last read of the store started.
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

/// Whether an acquisition may contact the provider, as far as other sessions of the pool are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// The session is not scheduled.
    NotRequired,
    /// A permit is required before the next request.
    Pending,
    /// The scheduler granted one.
    Granted,
}

/// Whether an acquisition uses the shared store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreMode {
    /// Yes, if there is one that works.
    Shared,
    /// No: the store failed during this acquisition.
    Bypassed,
}

/// How long an acquisition has been waiting for the lease.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeaseWait {
    /// When it first requested the lease.
    pub since: Option<UnixMillis>,
    /// How often another holder had the lease.
    pub denied: u32,
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
    /// Removes the refresh token from the shared store, so that no other holder presents it if this one crashes.
    ClaimingRefreshToken(Fence, RefreshToken),
    /// A request to the provider is in flight.
    Requesting {
        /// The refresh token that was presented; `None` means the credentials.
        presented: Option<RefreshToken>,
        /// When the first request was sent.
        since: UnixMillis,
        /// The lease, where there is one.
        fence: Option<Fence>,
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
            Self::RecheckingStore(fence) | Self::ClaimingRefreshToken(fence, _) => Some(*fence),
            Self::Requesting { fence, .. } | Self::WritingStore { fence, .. } => *fence,
            Self::Backoff { .. } | Self::Queued { .. } | Self::ReadingStore { .. } | Self::AcquiringLease => {
                None
            }
        }
    }

    /// The step whose result the driver must report, if one is pending.
    pub const fn pending_step(&self) -> Option<Step> {
        match self {
            Self::Backoff { .. } | Self::Queued { .. } => None,
            Self::RecheckingStore(_) | Self::ClaimingRefreshToken(..) | Self::WritingStore { .. } => {
                Some(Step::Store)
            }
            // The store's key, and a lease, may require the secrets first.
            Self::ReadingStore { .. } | Self::AcquiringLease => Some(Step::Either),
            Self::Requesting { .. } => Some(Step::Request),
        }
    }

    /// Whether a read of the shared store is pending.
    pub const fn is_reading_store(&self) -> bool {
        matches!(self, Self::ReadingStore { .. } | Self::RecheckingStore(_))
    }

    /// When the acquisition may continue if the pending read finds nothing.
    pub const fn resumes_at(&self) -> Option<UnixMillis> {
        if let Self::ReadingStore { resume_at } = self { Some(*resume_at) } else { None }
    }

    /// The token that is being written to the shared store.
    pub const fn writing(&self) -> Option<&Rc<TokenSet>> {
        if let Self::WritingStore { tokens, .. } = self { Some(tokens) } else { None }
    }
}
