//! A model of a shared store: an entry, a lease, a fence, and failures.

use std::collections::VecDeque;

use crate::core::{AcquisitionId, ErrorCode, Fence, Input, StoredRecord, TokenError, WriteOutcome};

/// Outcome of a call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum StoreOutcome {
    Success,
    /// The call fails without an effect.
    Failure,
    /// The call has its effect and reports a failure.
    FailureAfterEffect,
}

/// The state of the store.
#[derive(Clone, Debug, Default)]
pub(super) struct Store {
    pub(super) entry: Option<StoredRecord>,
    /// The holder of the lease.
    pub(super) lease: Option<Holder>,
    /// The fence of the last lease.
    fence: u64,
    /// Calls that were not answered yet, also of acquisitions that have ended.
    pub(super) pending: VecDeque<(AcquisitionId, StoreCall)>,
    /// Requests for the lease that were denied or failed.
    pub(super) denials: u32,
    /// The refresh tokens that another holder presented.
    pub(super) presented_by_peer: Vec<String>,
    /// Those that were replaced when the other holder presented them, with their replacements.
    pub(super) replaced_by_peer: Vec<(String, String)>,
    /// Number of sign-outs by the other holder so far, which identify its generations.
    pub(super) sign_outs_of_peer: u64,
    /// Number of failures so far.
    pub(super) failures: u32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Holder {
    We(AcquisitionId),
    Peer,
}

#[derive(Clone, Debug)]
pub(super) enum StoreCall {
    Read,
    AcquireLease,
    Write(Option<Fence>, StoredRecord),
}

impl Store {
    pub(super) fn answer(&mut self, outcome: StoreOutcome) -> Option<Input> {
        let (id, operation) = self.pending.pop_front()?;
        let failed = || TokenError::new(ErrorCode::Store, "the test says so");
        self.failures += u32::from(outcome != StoreOutcome::Success);
        if outcome == StoreOutcome::Failure {
            return Some(match operation {
                StoreCall::Read => Input::StoreRead(id, Err(failed())),
                StoreCall::AcquireLease => Input::LeaseAnswered(id, Err(failed())),
                StoreCall::Write(..) => Input::StoreWritten(id, Err(failed())),
            });
        }
        let works = outcome == StoreOutcome::Success;
        Some(match operation {
            StoreCall::Read => Input::StoreRead(id, works.then(|| self.entry.clone()).ok_or_else(failed)),
            // A lease without a receiver expires in the store.
            StoreCall::AcquireLease if !works => Input::LeaseAnswered(id, Err(failed())),
            StoreCall::AcquireLease => Input::LeaseAnswered(id, Ok(self.acquire(Holder::We(id)))),
            StoreCall::Write(fence, record) => {
                let written = self.write(fence, record);
                Input::StoreWritten(id, works.then_some(written).ok_or_else(failed))
            }
        })
    }

    pub(super) fn acquire(&mut self, holder: Holder) -> Option<Fence> {
        if self.lease.is_some() {
            self.denials += 1;
            return None;
        }
        self.lease = Some(holder);
        self.fence += 1;
        Some(Fence(self.fence))
    }

    fn write(&mut self, fence: Option<Fence>, record: StoredRecord) -> WriteOutcome {
        if fence.is_some_and(|fence| fence.0 < self.fence) {
            self.denials += 1;
            return WriteOutcome::Fenced;
        }
        self.entry = Some(record);
        WriteOutcome::Stored
    }
}
