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
    grant::{GrantResponse, GrantRunner, GrantTask, Progress},
};

/// The recipient of a response.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestOwner {
    Acquisition(SessionId, AcquisitionId),
    /// A call that requested the application's scopes. Such requests are not shared.
    Caller(CallId),
}

/// A request in flight.
pub(super) struct InFlight {
    pub(super) owner: RequestOwner,
    abort: AbortController,
}

impl Driver {
    pub(super) fn send(
        self: &Rc<Self>,
        session: SessionId,
        owner: RequestOwner,
        task: GrantTask,
        secrets: Option<Vec<Secret>>,
    ) {
        let Ok(abort) = AbortController::new() else {
            return self.deliver(owner, Err(no_abort_controller()));
        };
        self.io_started(session);
        let signal = abort.signal();
        self.in_flight.borrow_mut().push(InFlight { owner, abort });
        let driver = Rc::clone(self);
        spawn_local(async move {
            let progressed = |progress: Progress<'_>| driver.progressed(owner, progress);
            let answer = driver.grant_runner(session, &signal, &progressed).run(task, secrets).await;
            // A cancelled request was removed, and its response is dropped.
            let Some(sent) = driver.take_from_wire(owner) else { return };
            if answer.is_err() {
                // Ends requests of the failed grant that may still be in flight, for minutes, and would keep the
                // process running.
                sent.abort.abort();
            }
            driver.deliver(owner, answer);
        });
    }

    fn progressed(self: &Rc<Self>, owner: RequestOwner, progress: Progress<'_>) {
        if let RequestOwner::Acquisition(session, id) = owner {
            let input = match progress {
                Progress::Stepped => Input::Progressed(id),
                Progress::Presented(credentials, secrets) => {
                    self.learn_holder(secrets);
                    Input::Presented(id, credentials)
                }
            };
            self.dispatch(session, input);
        }
    }

    /// Passes the result to its recipient. A result of the wrong kind is reported as a protocol error.
    fn deliver(self: &Rc<Self>, owner: RequestOwner, answer: Result<GrantResponse, GrantFailure>) {
        match owner {
            RequestOwner::Acquisition(session, id) => {
                let granted = answer.and_then(|got| match got {
                    GrantResponse::Token(tokens) => Ok(tokens),
                    GrantResponse::Scopes(_) => Err(self.wrong_kind("scopes instead of a token")),
                });
                if granted.is_ok()
                    && let Some(mut entry) = self.entry(session)
                {
                    entry.rejected_token = None;
                }
                self.dispatch(session, Input::Granted(id, granted));
            }
            RequestOwner::Caller(call) => match answer {
                Ok(GrantResponse::Scopes(scopes)) => self.callbacks.resolve_with_scopes(call, &scopes),
                Ok(GrantResponse::Token(_)) => {
                    self.reject(call, self.wrong_kind("a token instead of scopes"))
                }
                Err(failure) => self.reject(call, failure),
            },
        }
    }

    fn reject(&self, call: CallId, failure: GrantFailure) {
        self.callbacks.reject(call, &self.error_object(failure.into_error()));
    }

    fn wrong_kind(&self, what: &str) -> GrantFailure {
        let name = &*self.config.profile.name;
        let message = format!("{name} answered with {what}; check that `endpoint` is its own");
        GrantFailure::Permanent(TokenError::new(ErrorCode::Protocol, message).of(name))
    }

    /// Cancels the requests of all callers.
    pub(super) fn cancel_callers(&self) {
        // Not `while let`: the borrow in its scrutinee would last for the whole body.
        loop {
            let is_caller = |sent: &&InFlight| matches!(sent.owner, RequestOwner::Caller(_));
            let Some(caller) = self.in_flight.borrow().iter().find(is_caller).map(|sent| sent.owner) else {
                break;
            };
            self.cancel(caller);
        }
    }

    fn take_from_wire(&self, owner: RequestOwner) -> Option<InFlight> {
        let mut in_flight = self.in_flight.borrow_mut();
        let place = in_flight.iter().position(|sent| sent.owner == owner)?;
        Some(in_flight.swap_remove(place))
    }

    pub(super) fn grant_runner<'a>(
        &'a self,
        session: SessionId,
        signal: &'a AbortSignal,
        progressed: &'a dyn Fn(Progress<'_>),
    ) -> GrantRunner<'a> {
        let (key, scopes) =
            self.key_and_scopes(session).unwrap_or_else(|| (JsValue::UNDEFINED, self.config.scopes.clone()));
        let rejected_token = self.entry(session).and_then(|entry| entry.rejected_token.clone());
        let selection = self.selection(&key).unwrap_or_default();
        GrantRunner {
            config: &self.config,
            selected: selection.variables,
            scopes,
            key,
            schema_variants: &self.schema_variants,
            clock: &self.clock,
            callbacks: &self.callbacks,
            signal,
            rejected_token,
            progressed,
        }
    }

    pub(super) fn cancel(&self, owner: RequestOwner) {
        let Some(in_flight) = self.take_from_wire(owner) else { return };
        self.callbacks.abort(&in_flight.abort);
    }
}

pub(super) fn no_abort_controller() -> GrantFailure {
    let message = "there is no AbortController here; this needs Node 20 or a browser of 2019 or later";
    GrantFailure::Permanent(TokenError::new(ErrorCode::Unsupported, message))
}
