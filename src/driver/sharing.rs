//! What sessions do with a shared store.
//!
//! Decides nothing: each call of the store ends as an event.

use std::{cell::RefCell, future::Future, rc::Rc};

use web_sys::AbortController;

use super::Driver;
use crate::{
    core::{Event, Fence, FlightId, Secret, SessionId, Skew, TokenSet},
    graphql::stamp,
    host::{Entry, Lease, PLATFORM, spawn, wall},
    sharing,
};

/// What flights have of the shared store. Each list is as long as there are flights on the
/// wire, at most.
#[derive(Default)]
pub(super) struct Shared {
    /// The leases of flights that have one, and such as came too late.
    leases: RefCell<Vec<(SessionId, FlightId, Lease)>>,
    /// The secrets of flights that are about to ask: had before the lease is, since asking
    /// for them runs code of the user's.
    secrets: RefCell<Vec<(SessionId, FlightId, Vec<Secret>)>>,
}

impl Shared {
    /// The secrets that were had for a flight; those of earlier ones are of no use any more.
    pub(super) fn take_secrets(&self, session: SessionId, flight: FlightId) -> Option<Vec<Secret>> {
        let mut secrets = self.secrets.borrow_mut();
        let (own, others) = secrets.drain(..).partition(|(of, ..)| *of == session);
        *secrets = others;
        let own: Vec<(SessionId, FlightId, Vec<Secret>)> = own;
        own.into_iter().find(|(_, of, _)| *of == flight).map(|(.., secrets)| secrets)
    }

    fn take_lease(&self, session: SessionId, flight: FlightId) -> Option<Lease> {
        let mut leases = self.leases.borrow_mut();
        let place = leases.iter().position(|(of, id, _)| (*of, *id) == (session, flight))?;
        Some(leases.swap_remove(place).2)
    }
}

impl Driver {
    pub(super) fn load(self: &Rc<Self>, session: SessionId, flight: FlightId) {
        self.store(session, move |driver, entry, name| async move {
            let loaded = entry.get().await;
            Event::Loaded(flight, loaded.map(|text| text.and_then(|text| driver.read(&text, &name))))
        });
    }

    pub(super) fn acquire(self: &Rc<Self>, session: SessionId, flight: FlightId) {
        let Some(span) = self.settings.policy.sharing.and_then(|sharing| sharing.lease) else { return };
        self.store(session, move |driver, entry, _| async move {
            let Ok(abort) = AbortController::new() else { return Event::Leased(flight, Ok(None)) };
            let secrets = match driver.granting(session, &abort.signal()).secrets().await {
                Ok(secrets) => secrets,
                Err(failure) => return Event::Granted(flight, Err(failure)),
            };
            let lease = match entry.acquire(span).await {
                Ok(Some(lease)) => lease,
                Ok(None) => return Event::Leased(flight, Ok(None)),
                Err(error) => return Event::Leased(flight, Err(error)),
            };
            let fence = lease.fence;
            driver.shared.leases.borrow_mut().push((session, flight, lease));
            driver.shared.take_secrets(session, flight);
            driver.shared.secrets.borrow_mut().push((session, flight, secrets));
            Event::Leased(flight, Ok(Some(fence)))
        });
    }

    pub(super) fn save(
        self: &Rc<Self>,
        session: SessionId,
        flight: FlightId,
        fence: Option<Fence>,
        tokens: &TokenSet,
    ) {
        let wall_ahead = self.wall_ahead();
        let keep_until = sharing::keep_until(tokens, wall_ahead);
        let tokens = tokens.clone();
        self.store(session, move |_, entry, name| async move {
            let text = sharing::write(&tokens, &name, wall_ahead, PLATFORM);
            Event::Saved(flight, entry.set(&text, keep_until, fence).await)
        });
    }

    pub(super) fn release(&self, session: SessionId, flight: FlightId) {
        self.shared.take_secrets(session, flight);
        if let Some(lease) = self.shared.take_lease(session, flight) {
            self.face.release(&lease.object);
        }
    }

    /// Does something with the session's entry, and dispatches what comes of it.
    fn store<F>(self: &Rc<Self>, session: SessionId, action: impl FnOnce(Rc<Self>, Entry, String) -> F)
    where
        F: Future<Output = Event> + 'static,
    {
        let Some((entry, name)) = self.entry(session) else { return };
        let doing = action(Rc::clone(self), entry, name);
        let driver = Rc::clone(self);
        spawn(Box::pin(async move {
            let event = doing.await;
            driver.dispatch(session, event);
        }));
    }

    fn read(&self, text: &Secret, name: &str) -> Option<TokenSet> {
        sharing::read(text, name, self.clock.now(), self.wall_ahead(), PLATFORM, |token| {
            stamp(token, PLATFORM)
        })
    }

    /// How far the wall clock, which holders have in common, is ahead of ours.
    fn wall_ahead(&self) -> Skew {
        wall().ahead_of(self.clock.now())
    }
}
