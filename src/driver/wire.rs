//! Requests that are in flight.
//!
//! Each response becomes an input for the session, or resolves or rejects the call that requested it.

use std::rc::Rc;

use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{AbortController, AbortSignal};

use super::Driver;
use crate::{
    core::{AcquisitionId, CallId, ErrorCode, GrantFailure, Input, Secret, SessionId, TokenError},
    grant::{Errand, Got, Granting, Progress},
};

/// The recipient of a response.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Asker {
    Acquisition(SessionId, AcquisitionId),
    /// A call that requested the application's scopes. Such requests are not shared.
    Caller(CallId),
}

/// A request in flight.
pub(super) struct OnWire {
    pub(super) asker: Asker,
    abort: AbortController,
}

impl Driver {
    pub(super) fn send(
        self: &Rc<Self>,
        session: SessionId,
        asker: Asker,
        errand: Errand,
        secrets: Option<Vec<Secret>>,
    ) {
        let Ok(abort) = AbortController::new() else {
            return self.answer(asker, Err(no_abort_controller()));
        };
        self.io_started(session);
        let signal = abort.signal();
        self.on_wire.borrow_mut().push(OnWire { asker, abort });
        let driver = Rc::clone(self);
        spawn_local(async move {
            let progressed = |progress: Progress<'_>| driver.progressed(asker, progress);
            let answer = driver.granting(session, &signal, &progressed).run(errand, secrets).await;
            // A cancelled request was removed, and its response is dropped.
            let Some(sent) = driver.take_from_wire(asker) else { return };
            if answer.is_err() {
                // Ends requests of the failed grant that may still be in flight, for minutes, and would keep the
                // process running.
                sent.abort.abort();
            }
            driver.answer(asker, answer);
        });
    }

    fn progressed(self: &Rc<Self>, asker: Asker, progress: Progress<'_>) {
        if let Asker::Acquisition(session, id) = asker {
            let event = match progress {
                Progress::Stepped => Input::Progressed(id),
                Progress::Presented(credentials, secrets) => {
                    self.learn_holder(secrets);
                    Input::Presented(id, credentials)
                }
            };
            self.dispatch(session, event);
        }
    }

    /// Passes the result to its recipient. A result of the wrong kind is reported as a protocol error.
    fn answer(self: &Rc<Self>, asker: Asker, answer: Result<Got, GrantFailure>) {
        match asker {
            Asker::Acquisition(session, id) => {
                let granted = answer.and_then(|got| match got {
                    Got::Token(tokens) => Ok(tokens),
                    Got::Scopes(_) => Err(self.wrong_kind("scopes instead of a token")),
                });
                if granted.is_ok()
                    && let Some(mut member) = self.member(session)
                {
                    member.refused = None;
                }
                self.dispatch(session, Input::Granted(id, granted));
            }
            Asker::Caller(call) => match answer {
                Ok(Got::Scopes(scopes)) => self.face.settle_scopes(call, &scopes),
                Ok(Got::Token(_)) => self.reject(call, self.wrong_kind("a token instead of scopes")),
                Err(failure) => self.reject(call, failure),
            },
        }
    }

    fn reject(&self, call: CallId, failure: GrantFailure) {
        self.face.reject(call, &self.blame(failure.into_error()));
    }

    fn wrong_kind(&self, what: &str) -> GrantFailure {
        let name = &*self.settings.profile.name;
        let message = format!("{name} answered with {what}; check that `endpoint` is its own");
        GrantFailure::Permanent(TokenError::new(ErrorCode::Protocol, message).of(name))
    }

    /// Cancels the requests of all callers.
    pub(super) fn cancel_callers(&self) {
        // Not `while let`: the borrow in its scrutinee would last for the whole body.
        loop {
            let is_caller = |sent: &&OnWire| matches!(sent.asker, Asker::Caller(_));
            let Some(caller) = self.on_wire.borrow().iter().find(is_caller).map(|sent| sent.asker) else {
                break;
            };
            self.cancel(caller);
        }
    }

    fn take_from_wire(&self, asker: Asker) -> Option<OnWire> {
        let mut on_wire = self.on_wire.borrow_mut();
        let place = on_wire.iter().position(|sent| sent.asker == asker)?;
        Some(on_wire.swap_remove(place))
    }

    pub(super) fn granting<'a>(
        &'a self,
        session: SessionId,
        signal: &'a AbortSignal,
        progressed: &'a dyn Fn(Progress<'_>),
    ) -> Granting<'a> {
        let (key, scopes) =
            self.about(session).unwrap_or_else(|| (JsValue::UNDEFINED, self.settings.scopes.clone()));
        let refused = self.member(session).and_then(|member| member.refused.clone());
        let selection = self.selection(&key).unwrap_or_default();
        Granting {
            settings: &self.settings,
            chosen: selection.variables,
            scopes,
            key,
            dialect: &self.dialect,
            clock: &self.clock,
            face: &self.face,
            signal,
            refused,
            progressed,
        }
    }

    pub(super) fn cancel(&self, asker: Asker) {
        let Some(on_wire) = self.take_from_wire(asker) else { return };
        self.face.abort(&on_wire.abort);
    }
}

pub(super) fn no_abort_controller() -> GrantFailure {
    let message = "there is no AbortController here; this needs Node 20 or a browser of 2019 or later";
    GrantFailure::Permanent(TokenError::new(ErrorCode::Unsupported, message))
}
