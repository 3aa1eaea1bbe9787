//! Requests that are in flight.
//!
//! Each response becomes an input for the session, or resolves or rejects the call that requested it.

use std::rc::Rc;

use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{AbortController, AbortSignal};

use super::{Driver, Step, sign_outs::SignOutStep};
use crate::{
    core::{
        AcquisitionId, CallId, ErrorCode, Grant, GrantFailure, Input, Reason, ScopeSet, Secret, Session,
        SessionId, TokenError,
    },
    grant::{GrantResult, GrantRunner, GrantTask, Progress},
    js::assumed_lifetime_warning,
};

/// The recipient of a response.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Recipient {
    Acquisition(SessionId, AcquisitionId),
    /// A call that requested the application's scopes. Such requests are not shared.
    Caller(CallId),
    /// A sign-out that revokes tokens.
    SignOut(SignOutStep),
}

/// A request in flight.
pub(super) struct InFlight {
    pub(super) recipient: Recipient,
    abort: AbortController,
    /// The start of the grant as observers know it. `undefined` if nothing observed it.
    started: JsValue,
}

impl Driver {
    pub(super) fn send(
        self: &Rc<Self>,
        session: SessionId,
        recipient: Recipient,
        task: GrantTask,
        secrets: Option<Vec<Secret>>,
    ) {
        // Now: the session of a sign-out may be evicted before the task runs.
        let requested = self.selector_and_scopes(session);
        self.send_for(session, requested, recipient, task, secrets);
    }

    /// Sends a request for the selector and the scopes in `requested`. Without them, nothing is sent: the functions that
    /// return secrets would take the session for the manager's own.
    pub(super) fn send_for(
        self: &Rc<Self>,
        session: SessionId,
        requested: Option<(JsValue, ScopeSet)>,
        recipient: Recipient,
        task: GrantTask,
        secrets: Option<Vec<Secret>>,
    ) {
        let Some(requested) = requested else { return self.deliver(recipient, Err(session_ended())) };
        let Ok(abort) = AbortController::new() else {
            return self.deliver(recipient, Err(no_abort_controller()));
        };
        self.io_started(session);
        let signal = abort.signal();
        let started = self.grant_started(session, &task);
        self.in_flight.borrow_mut().push(InFlight { recipient, abort, started });
        let driver = Rc::clone(self);
        spawn_local(async move {
            let progressed = |progress: Progress<'_>| driver.progressed(recipient, progress);
            let runner = driver.grant_runner(session, requested, &signal, &progressed);
            let result = runner.run(task, secrets).await;
            // A cancelled request was removed, and its response is dropped.
            let Some(sent) = driver.take_in_flight(recipient) else { return };
            if result.is_err() {
                // Ends requests of the failed grant that may still be in flight, for minutes, and would keep the
                // process running.
                sent.abort.abort();
            }
            let error = result.as_ref().err().and_then(GrantFailure::error);
            driver.grant_ended(&sent, if result.is_ok() { "answered" } else { "failed" }, error);
            driver.deliver(recipient, result);
        });
    }

    /// Reports the start of a grant to observers, if there are any.
    #[inline(never)]
    fn grant_started(&self, session: SessionId, task: &GrantTask) -> JsValue {
        let GrantTask::Token(grant) = task else { return JsValue::UNDEFINED };
        let name = if matches!(grant, Grant::Refresh(_)) { "refresh sent" } else { "grant sent" };
        let attempt = self.pool.borrow().session(session).and_then(Session::attempt);
        let (reason, attempt) = attempt.unwrap_or((Reason::Initial, 1));
        let number = f64::from(attempt);
        let step = Step { session, name, detail: reason.as_str(), number, error: None };
        self.step(step, &JsValue::UNDEFINED)
    }

    /// Reports the end of a grant, if its start was observed.
    #[inline(never)]
    fn grant_ended(&self, sent: &InFlight, name: &str, error: Option<&TokenError>) {
        if let Recipient::Acquisition(session, _) = sent.recipient
            && !sent.started.is_undefined()
        {
            self.step(Step { session, name, detail: "", number: 0.0, error }, &sent.started);
        }
    }

    fn progressed(self: &Rc<Self>, recipient: Recipient, progress: Progress<'_>) {
        if let Recipient::Acquisition(session, id) = recipient {
            let input = match progress {
                Progress::Stepped => Input::Progressed(id),
                Progress::LifetimeAssumed => return self.warn_of_assumed_lifetime(session),
                Progress::CredentialsPresented(credentials, secrets) => {
                    self.set_credentials_digest(session, secrets);
                    Input::CredentialsPresented(id, credentials)
                }
            };
            self.dispatch(session, input);
        }
    }

    /// Warns, once, that nothing states the lifetime of tokens.
    fn warn_of_assumed_lifetime(&self, session: SessionId) {
        if let Some((selector, _)) = self.selector_and_scopes(session)
            && !self.has_warned_of_lifetime.replace(true)
        {
            self.callbacks.notify(&assumed_lifetime_warning(&self.config.profile), &selector);
        }
    }

    /// Passes the result to its recipient. A result of the wrong kind is reported as a protocol error.
    fn deliver(self: &Rc<Self>, recipient: Recipient, result: Result<GrantResult, GrantFailure>) {
        match recipient {
            Recipient::Acquisition(session, id) => {
                let granted = result.and_then(|response| match response {
                    GrantResult::Token(tokens) => Ok(tokens),
                    GrantResult::Scopes(_) | GrantResult::Revoked | GrantResult::HeaderSecrets(_) => {
                        Err(self.wrong_kind("scopes instead of a token"))
                    }
                });
                if granted.is_ok()
                    && let Some(mut entry) = self.entry(session)
                {
                    entry.rejected_token = None;
                }
                self.dispatch(session, Input::Granted(id, granted));
            }
            Recipient::Caller(call) => match result {
                Ok(GrantResult::Scopes(scopes)) => self.callbacks.resolve_with_scopes(call, &scopes),
                Ok(GrantResult::HeaderSecrets(secrets)) => {
                    self.callbacks.resolve_with_secrets(call, &secrets);
                }
                Ok(GrantResult::Token(_) | GrantResult::Revoked) => {
                    self.reject(call, self.wrong_kind("a token instead of scopes"))
                }
                Err(failure) => self.reject(call, failure),
            },
            Recipient::SignOut(step) => {
                self.report_revoked(step, result.err().map(GrantFailure::into_error));
            }
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
            let is_caller = |sent: &&InFlight| matches!(sent.recipient, Recipient::Caller(_));
            let Some(caller) = self.in_flight.borrow().iter().find(is_caller).map(|sent| sent.recipient)
            else {
                break;
            };
            self.cancel(caller);
        }
    }

    fn take_in_flight(&self, recipient: Recipient) -> Option<InFlight> {
        let mut in_flight = self.in_flight.borrow_mut();
        let index = in_flight.iter().position(|sent| sent.recipient == recipient)?;
        Some(in_flight.swap_remove(index))
    }

    /// `selector` and `scopes` are those of the session.
    pub(super) fn grant_runner<'a>(
        &'a self,
        session: SessionId,
        (selector, scopes): (JsValue, ScopeSet),
        signal: &'a AbortSignal,
        progressed: &'a dyn Fn(Progress<'_>),
    ) -> GrantRunner<'a> {
        let (handle, rejected_token) = self
            .entry(session)
            .map(|entry| (entry.handle.clone(), entry.rejected_token.clone()))
            .unwrap_or_default();
        let selection = self.selection(&selector).unwrap_or_default();
        GrantRunner {
            config: &self.config,
            selected: selection.variables,
            scopes,
            selector,
            schema_variants: &self.schema_variants,
            initial_refresh_tokens: &self.initial_refresh_tokens,
            clock: &self.clock,
            callbacks: &self.callbacks,
            signal,
            handle: handle.unwrap_or_else(|| self.callbacks.default_handle()),
            rejected_token,
            progressed,
        }
    }

    pub(super) fn cancel(&self, recipient: Recipient) {
        let Some(in_flight) = self.take_in_flight(recipient) else { return };
        self.callbacks.abort(&in_flight.abort);
        self.grant_ended(&in_flight, "cancelled", None);
    }
}

/// The failure of a request for a session that ended before.
pub(super) fn session_ended() -> GrantFailure {
    let message = "the session has ended; call `session()` again";
    GrantFailure::Permanent(TokenError::new(ErrorCode::Closed, message))
}

pub(super) fn no_abort_controller() -> GrantFailure {
    let message = "there is no AbortController here; this needs Node 20 or a browser of 2019 or later";
    GrantFailure::Permanent(TokenError::new(ErrorCode::Unsupported, message))
}
