//! The shared store of the holders, with slow and failing calls.

use super::{
    super::{
        failure, record,
        world::{Instant, SECOND},
    },
    LEASE, Occurrence, Recipient, STORE_TIMEOUT, Simulation,
};
use crate::core::{AcquisitionId, ErrorCode, Fence, Input, WriteOutcome};

/// The entry of the store.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) access: usize,
    pub(super) refresh: Option<usize>,
    pub(super) received_at: Instant,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) struct LeaseHeld {
    pub(super) holder: usize,
    pub(super) generation: u64,
    pub(super) acquisition: AcquisitionId,
    pub(super) until: Instant,
}

#[derive(Default)]
pub(super) struct Store {
    pub(super) entry: Option<Entry>,
    pub(super) written_at: Instant,
    pub(super) lease: Option<LeaseHeld>,
    pub(super) fence: u64,
    pub(super) down: Option<()>,
}

#[derive(Clone)]
pub(super) enum Operation {
    Read(AcquisitionId),
    AcquireLease(AcquisitionId),
    Write(AcquisitionId, Option<Fence>, Entry),
}

impl Operation {
    pub(super) fn failed(&self) -> Input {
        let error = failure(ErrorCode::Store);
        match self {
            Self::Read(id) => Input::StoreRead(*id, Err(error)),
            Self::AcquireLease(id) => Input::LeaseAnswered(*id, Err(error)),
            Self::Write(id, ..) => Input::StoreWritten(*id, Err(error)),
        }
    }
}

impl Simulation {
    pub(super) fn operate(&mut self, number: usize, operation: Operation) {
        let holder = &mut self.holders[number];
        holder.operation += 1;
        let to = Recipient(number, holder.generation, holder.operation);
        let slow = self.rng.chance(self.faults.slow).is_some();
        let latency = if slow { self.rng.between(0, 30 * SECOND) } else { self.rng.between(1, 20) };
        self.schedule.add(self.now + STORE_TIMEOUT, Occurrence::StoreTimesOut(to, operation.clone()));
        self.schedule.add(self.now + latency, Occurrence::OperationArrives(to, operation));
    }

    /// Performs an operation, even if its holder no longer waits for it.
    pub(super) fn reached(&mut self, to: Recipient, operation: &Operation) {
        if self.store.down.is_some() {
            let latency = self.rng.between(1, 20);
            return self.schedule.add(self.now + latency, Occurrence::StoreAnswers(to, operation.failed()));
        }
        let input = match operation {
            Operation::Read(id) => {
                let entry = self.store.entry;
                Input::StoreRead(*id, Ok(entry.map(|entry| record(self.as_seen_by(to.0, entry)))))
            }
            Operation::AcquireLease(id) => Input::LeaseAnswered(*id, Ok(self.lease(to, *id))),
            Operation::Write(id, fence, entry) => {
                Input::StoreWritten(*id, Ok(self.write(to.0, *fence, *entry)))
            }
        };
        let latency = self.rng.between(1, 20);
        self.schedule.add(self.now + latency, Occurrence::StoreAnswers(to, input));
    }

    pub(super) fn lease(&mut self, to: Recipient, acquisition: AcquisitionId) -> Option<Fence> {
        if self.store.lease.is_some_and(|lease| self.now < lease.until) {
            return None;
        }
        // A driver that no longer waits for a lease releases it on arrival.
        if self.recipient(to).is_some_and(|holder| holder.operation == to.2) {
            let until = self.now + LEASE;
            self.store.lease = Some(LeaseHeld { holder: to.0, generation: to.1, acquisition, until });
        }
        self.store.fence += 1;
        Some(Fence(self.store.fence))
    }

    pub(super) fn write(&mut self, number: usize, fence: Option<Fence>, entry: Entry) -> WriteOutcome {
        if fence.is_some_and(|fence| fence.0 < self.store.fence) {
            self.figures.fenced += 1;
            return WriteOutcome::Fenced;
        }
        let had_refresh_token = self.store.entry.is_some_and(|entry| entry.refresh.is_some());
        self.figures.lost_refresh_tokens += u64::from(had_refresh_token && entry.refresh.is_none());
        self.store.entry = Some(entry);
        self.store.written_at = self.now;
        for other in (0..self.holders.len()).filter(|other| *other != number) {
            // Some announcements are lost.
            if self.rng.chance(0.95).is_some() {
                let latency = self.rng.between(1, 50);
                self.schedule.add(self.now + latency, Occurrence::Announcement(other));
            }
        }
        WriteOutcome::Stored
    }
}
