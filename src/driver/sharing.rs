//! Operations of sessions on a shared store.
//!
//! Each call of the store ends as an input for the session.

use std::{cell::RefCell, rc::Rc, time::Duration};

use wasm_bindgen_futures::spawn_local;
use web_sys::AbortController;

use super::{Driver, wire::no_abort_controller};
use crate::{
    core::{AcquisitionId, ClockOffset, Fence, GrantFailure, Input, Secret, SessionId, StoredRecord},
    grant::Progress,
    graphql::claimed_times,
    host::{Lease, PLATFORM, callback_future, wall},
    store,
};

/// The lease of an acquisition.
struct Leased {
    session: SessionId,
    flight: AcquisitionId,
    lease: Lease,
    /// The secrets for its grant, until they are used. They are requested before the lease, because that runs user
    /// code.
    secrets: Option<Vec<Secret>>,
}

/// The leases that acquisitions hold, including those that arrived too late. At most one per acquisition in flight.
#[derive(Default)]
pub(super) struct Shared(RefCell<Vec<Leased>>);

impl Shared {
    fn place(&self, session: SessionId, flight: AcquisitionId) -> Option<usize> {
        self.0.borrow().iter().position(|leased| (leased.session, leased.flight) == (session, flight))
    }

    /// Removes and returns the secrets that were requested for an acquisition.
    pub(super) fn take_secrets(&self, session: SessionId, flight: AcquisitionId) -> Option<Vec<Secret>> {
        let place = self.place(session, flight)?;
        self.0.borrow_mut()[place].secrets.take()
    }
}

/// An operation on an entry.
enum Deed {
    Load,
    Acquire(Duration),
    Save(Option<Fence>, StoredRecord),
}

impl Driver {
    pub(super) fn load(self: &Rc<Self>, session: SessionId, flight: AcquisitionId) {
        self.store(session, flight, Deed::Load);
    }

    pub(super) fn acquire(self: &Rc<Self>, session: SessionId, flight: AcquisitionId) {
        if let Some(span) = self.settings.policy.sharing.and_then(|sharing| sharing.lease) {
            self.store(session, flight, Deed::Acquire(span));
        }
    }

    pub(super) fn save(
        self: &Rc<Self>,
        session: SessionId,
        flight: AcquisitionId,
        fence: Option<Fence>,
        record: StoredRecord,
    ) {
        self.store(session, flight, Deed::Save(fence, record));
    }

    pub(super) fn release(&self, session: SessionId, flight: AcquisitionId) {
        if let Some(place) = self.shared.place(session, flight) {
            let leased = self.shared.0.borrow_mut().swap_remove(place);
            self.face.release(&leased.lease.object);
        }
    }

    /// Performs an operation on the session's entry, and enqueues its result.
    fn store(self: &Rc<Self>, session: SessionId, flight: AcquisitionId, deed: Deed) {
        if self.settings.store.is_none() {
            return;
        }
        self.io_started(session);
        let driver = Rc::clone(self);
        spawn_local(async move {
            let event = match driver.request_secrets(session, flight).await {
                Ok(()) => driver.done(session, flight, deed).await,
                // Without the holder's digest the key is unknown, so nothing is read or written.
                Err(failure) => match deed {
                    Deed::Load | Deed::Acquire(_) => Some(Input::Granted(flight, Err(failure))),
                    Deed::Save(..) => Some(Input::StoreWritten(flight, Err(failure.into_error()))),
                },
            };
            if let Some(event) = event {
                driver.dispatch(session, event);
            }
        });
    }

    /// Calls the functions that return secrets, unless the holder's digest is known without them.
    ///
    /// Each acquisition calls them itself until one has succeeded: in some hosts a request cannot wait for I/O that
    /// another request started.
    async fn request_secrets(
        self: &Rc<Self>,
        session: SessionId,
        flight: AcquisitionId,
    ) -> Result<(), GrantFailure> {
        if self.holder.get().is_some() {
            return Ok(());
        }
        let abort = AbortController::new().map_err(|_| no_abort_controller())?;
        let progressed = |_: Progress<'_>| self.dispatch(session, Input::Progressed(flight));
        let secrets = self.granting(session, &abort.signal(), &progressed).secrets().await?;
        self.learn_holder(&secrets);
        Ok(())
    }

    async fn done(self: &Rc<Self>, session: SessionId, flight: AcquisitionId, deed: Deed) -> Option<Input> {
        let (entry, name) = self.entry(session)?;
        let mut secrets = None;
        if matches!(deed, Deed::Acquire(_)) {
            let Ok(abort) = AbortController::new() else {
                return Some(Input::LeaseAnswered(flight, Ok(None)));
            };
            let progressed = |_: Progress<'_>| self.dispatch(session, Input::Progressed(flight));
            match self.granting(session, &abort.signal(), &progressed).secrets().await {
                Ok(had) => secrets = Some(had),
                Err(failure) => return Some(Input::Granted(flight, Err(failure))),
            }
        }
        let (ended, done) = callback_future(&self.face, entry.limit());
        match &deed {
            Deed::Load => entry.get(&done),
            Deed::Acquire(span) => entry.acquire(*span, &done),
            Deed::Save(fence, record) => {
                let wall_ahead = self.wall_ahead();
                let text = store::encode(record, &name, wall_ahead, PLATFORM);
                let expires_at = store::expires_at(record, self.clock.now(), wall_ahead);
                entry.set(&text, expires_at, *fence, &done);
            }
        }
        let outcome = ended.await;
        Some(match deed {
            Deed::Load => {
                let loaded = entry.read_result(outcome);
                Input::StoreRead(flight, loaded.map(|text| text.and_then(|text| self.read(&text, &name))))
            }
            Deed::Acquire(_) => {
                let leased = entry.lease_result(outcome).map(|lease| {
                    let lease = lease?;
                    let fence = lease.fence;
                    self.shared.0.borrow_mut().push(Leased { session, flight, lease, secrets });
                    Some(fence)
                });
                Input::LeaseAnswered(flight, leased)
            }
            Deed::Save(..) => Input::StoreWritten(flight, entry.write_result(outcome)),
        })
    }

    fn read(&self, text: &Secret, name: &str) -> Option<StoredRecord> {
        let lifetime = self.settings.profile.lifetime;
        store::decode(text, name, self.clock.now(), self.wall_ahead(), lifetime, PLATFORM, |token| {
            claimed_times(token, PLATFORM)
        })
    }

    /// Offset of the wall clock, which all holders share, from the driver's clock.
    fn wall_ahead(&self) -> ClockOffset {
        wall().ahead_of(self.clock.now())
    }
}
