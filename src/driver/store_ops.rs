//! Operations of sessions on a shared store.
//!
//! Each call of the store ends as an input for the session.

use std::{cell::RefCell, rc::Rc, time::Duration};

use wasm_bindgen_futures::spawn_local;
use web_sys::AbortController;

use super::{
    Driver,
    in_flight::{no_abort_controller, session_ended},
};
use crate::{
    core::{
        AcquisitionId, ClockOffset, Fence, GrantFailure, Input, Secret, Session, SessionId, StoredRecord,
        TokenError, UnixMillis, WriteOutcome, millis,
    },
    grant::{Progress, SecretsOf},
    graphql::claimed_times,
    host::{Lease, PLATFORM, callback_future, wall},
    store,
};

/// The lease of an acquisition.
struct Leased {
    session: SessionId,
    acquisition: AcquisitionId,
    lease: Lease,
    /// The secrets for its grant, until they are used. They are requested before the lease, because that runs user
    /// code.
    secrets: Option<Vec<Secret>>,
}

/// The leases that acquisitions hold, including those that arrived too late. At most one per acquisition in flight.
#[derive(Default)]
pub(super) struct HeldLeases(RefCell<Vec<Leased>>);

impl HeldLeases {
    fn index_of(&self, session: SessionId, acquisition: AcquisitionId) -> Option<usize> {
        self.0
            .borrow()
            .iter()
            .position(|leased| (leased.session, leased.acquisition) == (session, acquisition))
    }

    /// Removes and returns the secrets that were requested for an acquisition.
    pub(super) fn take_secrets(&self, session: SessionId, acquisition: AcquisitionId) -> Option<Vec<Secret>> {
        let index = self.index_of(session, acquisition)?;
        self.0.borrow_mut()[index].secrets.take()
    }
}

/// An operation on the record of a session.
enum StoreOp {
    Read,
    Acquire(Duration),
    Write(Option<Fence>, StoredRecord),
}

impl Driver {
    pub(super) fn read_store(self: &Rc<Self>, session: SessionId, acquisition: AcquisitionId) {
        self.store(session, acquisition, StoreOp::Read);
    }

    pub(super) fn acquire(self: &Rc<Self>, session: SessionId, acquisition: AcquisitionId) {
        if let Some(span) = self.config.policy.sharing.and_then(|sharing| sharing.lease) {
            self.store(session, acquisition, StoreOp::Acquire(span));
        }
    }

    pub(super) fn write_store(
        self: &Rc<Self>,
        session: SessionId,
        acquisition: AcquisitionId,
        fence: Option<Fence>,
        record: StoredRecord,
    ) {
        self.store(session, acquisition, StoreOp::Write(fence, record));
    }

    pub(super) fn release(&self, session: SessionId, acquisition: AcquisitionId) {
        if let Some(index) = self.leases.index_of(session, acquisition) {
            let leased = self.leases.0.borrow_mut().swap_remove(index);
            self.callbacks.release(&leased.lease.object);
            self.observe(session, "lease released", f64::NAN, None);
        }
    }

    /// Performs an operation on the session's record, and enqueues its result.
    fn store(self: &Rc<Self>, session: SessionId, acquisition: AcquisitionId, op: StoreOp) {
        if self.config.store.is_none() {
            return;
        }
        self.io_started(session);
        let driver = Rc::clone(self);
        spawn_local(async move {
            let input = match driver.request_secrets(session, acquisition).await {
                Ok(()) => driver.perform_store_op(session, acquisition, op).await,
                // Without the digest of the credentials the key is unknown, so nothing is read or written.
                Err(failure) => match op {
                    StoreOp::Read | StoreOp::Acquire(_) => Some(Input::Granted(acquisition, Err(failure))),
                    StoreOp::Write(..) => Some(Input::StoreWritten(acquisition, Err(failure.into_error()))),
                },
            };
            if let Some(input) = input {
                driver.dispatch(session, input);
            }
        });
    }

    /// Calls the functions that return secrets, unless the digest of the session's credentials is known.
    ///
    /// Each acquisition calls them itself until one has succeeded: in some hosts a request cannot wait for I/O that
    /// another request started.
    async fn request_secrets(
        self: &Rc<Self>,
        session: SessionId,
        acquisition: AcquisitionId,
    ) -> Result<(), GrantFailure> {
        if self.session_digest(session).is_some() {
            return Ok(());
        }
        let requested = self.selector_and_scopes(session).ok_or_else(session_ended)?;
        let abort = AbortController::new().map_err(|_| no_abort_controller())?;
        let progressed = |_: Progress<'_>| self.dispatch(session, Input::Progressed(acquisition));
        let signal = abort.signal();
        let runner = self.grant_runner(session, requested, &signal, &progressed);
        let secrets = runner.secrets(SecretsOf::Grant).await?;
        self.set_credentials_digest(session, &secrets);
        Ok(())
    }

    async fn perform_store_op(
        self: &Rc<Self>,
        session: SessionId,
        acquisition: AcquisitionId,
        op: StoreOp,
    ) -> Option<Input> {
        let (store, key) = self.keyed_store(session)?;
        let mut secrets = None;
        // A sign-out presents no credentials, and the functions that return them may fail after it.
        let only_signs_out = self.pool.borrow().session(session).is_some_and(Session::only_signs_out);
        if matches!(op, StoreOp::Acquire(_)) && !only_signs_out {
            let Ok(abort) = AbortController::new() else {
                return Some(Input::Granted(acquisition, Err(no_abort_controller())));
            };
            let progressed = |_: Progress<'_>| self.dispatch(session, Input::Progressed(acquisition));
            let requested = self.selector_and_scopes(session)?;
            let signal = abort.signal();
            match self.grant_runner(session, requested, &signal, &progressed).secrets(SecretsOf::Grant).await
            {
                Ok(received) => secrets = Some(received),
                Err(failure) => return Some(Input::Granted(acquisition, Err(failure))),
            }
        }
        let since = self.clock.now();
        let (ended, done) = callback_future(&self.callbacks, store.limit());
        match &op {
            StoreOp::Read => store.get(&done),
            StoreOp::Acquire(span) => store.acquire(*span, &done),
            StoreOp::Write(fence, record) => {
                let wall_ahead = self.wall_ahead();
                let text = store::encode(record, &key, wall_ahead, PLATFORM);
                let expires_at = store::expires_at(record, self.clock.now(), wall_ahead);
                store.set(&text, expires_at, *fence, &done);
            }
        }
        let outcome = ended.await;
        Some(match op {
            StoreOp::Read => {
                let loaded = store.read_result(outcome);
                self.store_step(session, "store read", since, loaded.as_ref().err());
                Input::StoreRead(acquisition, loaded.map(|text| text.and_then(|text| self.read(&text, &key))))
            }
            StoreOp::Acquire(_) => {
                let leased = store.lease_result(outcome);
                let name = match &leased {
                    Ok(Some(_)) => "lease taken",
                    Ok(None) => "lease held elsewhere",
                    Err(_) => "lease failed",
                };
                self.store_step(session, name, since, leased.as_ref().err());
                let leased = leased.map(|lease| {
                    let lease = lease?;
                    let fence = lease.fence;
                    self.leases.0.borrow_mut().push(Leased { session, acquisition, lease, secrets });
                    Some(fence)
                });
                Input::LeaseAnswered(acquisition, leased)
            }
            StoreOp::Write(..) => {
                let written = store.write_result(outcome);
                let name =
                    if matches!(written, Ok(WriteOutcome::Fenced)) { "lease lost" } else { "store written" };
                self.store_step(session, name, since, written.as_ref().err());
                Input::StoreWritten(acquisition, written)
            }
        })
    }

    /// Reports a finished operation to observers.
    #[inline(never)]
    #[expect(clippy::cast_precision_loss, reason = "a span is below 2^53")]
    fn store_step(&self, session: SessionId, name: &str, since: UnixMillis, error: Option<&TokenError>) {
        let took = millis(self.clock.now().since(since)) as f64;
        self.observe(session, name, took, error);
    }

    fn read(&self, text: &Secret, key: &str) -> Option<StoredRecord> {
        let lifetime = self.config.profile.lifetime;
        store::decode(text, key, self.clock.now(), self.wall_ahead(), lifetime, PLATFORM, |token| {
            claimed_times(token, PLATFORM)
        })
    }

    /// Offset of the wall clock, which all holders share, from the driver's clock.
    fn wall_ahead(&self) -> ClockOffset {
        wall().ahead_of(self.clock.now())
    }
}
