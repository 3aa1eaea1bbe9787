//! A shared store as it really is: an entry, a lease, a fence, and failures.

use std::{collections::VecDeque, rc::Rc};

use crate::core::{AcquisitionId, ErrorCode, Fence, Input, TokenError, TokenSet, WriteOutcome};

/// How the shared store is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum StoreOutcome {
    Success,
    /// It says that it failed, and did nothing.
    Failure,
    /// It says that it failed, and did what it was asked for.
    FailureAfterEffect,
}

/// The shared store, as it really is.
#[derive(Clone, Debug, Default)]
pub(super) struct Store {
    pub(super) entry: Option<Rc<TokenSet>>,
    /// Who has the lease.
    pub(super) lease: Option<Holder>,
    /// The number of the last lease.
    fence: u64,
    /// What was asked for and not answered yet; flights that are over may still be answered.
    pub(super) pending: VecDeque<(AcquisitionId, StoreCall)>,
    /// How often a lease was asked for in vain, or came to nothing.
    pub(super) denials: u32,
    /// The refresh tokens that another holder has presented.
    pub(super) presented_by_peer: Vec<String>,
    /// Whether it has ever failed.
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
    Write(Option<Fence>, Rc<TokenSet>),
}

impl Store {
    pub(super) fn answer(&mut self, outcome: StoreOutcome) -> Option<Input> {
        let (id, asked) = self.pending.pop_front()?;
        let failed = || TokenError::new(ErrorCode::Store, "the test says so");
        self.failures += u32::from(outcome != StoreOutcome::Success);
        if outcome == StoreOutcome::Failure {
            return Some(match asked {
                StoreCall::Read => Input::StoreRead(id, Err(failed())),
                StoreCall::AcquireLease => Input::LeaseAnswered(id, Err(failed())),
                StoreCall::Write(..) => Input::StoreWritten(id, Err(failed())),
            });
        }
        let works = outcome == StoreOutcome::Success;
        Some(match asked {
            StoreCall::Read => Input::StoreRead(id, works.then(|| self.entry.clone()).ok_or_else(failed)),
            // A lease that nobody hears of ends by itself: that is the store's affair.
            StoreCall::AcquireLease if !works => Input::LeaseAnswered(id, Err(failed())),
            StoreCall::AcquireLease => Input::LeaseAnswered(id, Ok(self.acquire(Holder::We(id)))),
            StoreCall::Write(fence, tokens) => {
                let written = self.write(fence, tokens);
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

    fn write(&mut self, fence: Option<Fence>, tokens: Rc<TokenSet>) -> WriteOutcome {
        if fence.is_some_and(|fence| fence.0 < self.fence) {
            self.denials += 1;
            return WriteOutcome::Fenced;
        }
        self.entry = Some(tokens);
        WriteOutcome::Stored
    }
}
