//! Sign-outs in progress: each ends when all its sessions have reported, and all its revocations have ended.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use js_sys::Function;
use wasm_bindgen::JsValue;

use super::{Driver, Message, Recipient};
use crate::{
    core::{Identity, IoScope, Retryability, RevokedTokens, Session, SessionId, SignOutMode, TokenError},
    grant::GrantTask,
    js::{SessionHandle, error_to_js},
};

/// The sign-outs of one manager that have not ended.
#[derive(Default)]
pub(super) struct SignOuts {
    pending: RefCell<Vec<SignOut>>,
    /// Those in flight, with the identity whose tokens they revoke: the session may be evicted meanwhile.
    revocations: RefCell<Vec<(SignOutStep, Option<Identity>)>>,
    last_revocation: Cell<u32>,
}

/// What a sign-out waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct SignOutStep {
    session: SessionId,
    /// The number of a revocation; zero for the report of the session itself.
    revocation: u32,
}

impl SignOuts {
    pub(super) fn is_pending(&self) -> bool {
        !self.pending.borrow().is_empty()
    }

    /// The sessions that have not reported yet.
    pub(super) fn sessions(&self) -> Vec<SessionId> {
        self.pending
            .borrow()
            .iter()
            .flat_map(|sign_out| sign_out.steps.iter().map(|step| step.session))
            .collect()
    }

    /// Lets a sign-out wait for the revocations in flight of an identity, or of all, and share their failure.
    fn join_revocations(&self, identity: Option<Identity>, joining: &mut SignOut) {
        let concerns = |of: Option<Identity>| identity.is_none() || of == identity;
        let revocations = self.revocations.borrow();
        joining.steps.extend(revocations.iter().filter(|(_, of)| concerns(*of)).map(|(step, _)| *step));
        let pending = self.pending.borrow();
        let mut failures = pending.iter().filter_map(|sign_out| sign_out.failure.as_ref());
        joining.failure = failures.find(|(of, _)| of.is_some() && concerns(*of)).cloned();
    }
}

struct SignOut {
    /// Those that have not ended. The sessions are in reverse order.
    steps: Vec<SignOutStep>,
    /// Revocations are awaited only if it requested some.
    mode: SignOutMode,
    /// The first failure, and the identity if it is that of a revocation.
    failure: Option<(Option<Identity>, TokenError)>,
    on_cleared: Function,
}

impl Driver {
    /// Signs out the identity of a handle, or all sessions. Calls `on_cleared` when the shared store no longer has a
    /// token from before the sign-out, with the fields of an error if it still may have one. To
    /// revoke the discarded tokens, the provider must have a revocation, which is awaited as well.
    ///
    /// # Errors
    ///
    /// `invalid_options` if the selector of the handle is invalid.
    pub(crate) fn sign_out(
        self: &Rc<Self>,
        handle: Option<&SessionHandle>,
        mode: SignOutMode,
        on_cleared: Function,
    ) -> Result<(), TokenError> {
        let sessions = match handle {
            Some(handle) => {
                let session_spec = self.session_spec(handle)?;
                let session = self.open(handle, session_spec);
                self.pool.borrow().siblings(&[session])
            }
            None => self.pool.borrow().open_sessions(),
        };
        // Not through the inbox: when this returns, no handle may have a token of before, also where a listener called
        // it. The effects wait for those of the input that is being processed.
        let effects = self.pool.borrow_mut().sign_out(&sessions, mode, self.clock.now());
        self.publish();
        if sessions.is_empty() {
            report(&on_cleared, None);
        } else {
            let mut sign_out = SignOut { steps: Vec::new(), mode, failure: None, on_cleared };
            // Where I/O ends with its request, that of the earlier sign-out may have ended.
            if mode == SignOutMode::Revoke && self.config.policy.io_scope == IoScope::Process {
                let identity = handle.and_then(|_| self.pool.borrow().identity(sessions[0]));
                self.sign_outs.join_revocations(identity, &mut sign_out);
            }
            let reports = sessions.into_iter().rev().map(|session| SignOutStep { session, revocation: 0 });
            sign_out.steps.extend(reports);
            self.sign_outs.pending.borrow_mut().push(sign_out);
        }
        self.enqueue(Message::Perform(effects));
        Ok(())
    }

    /// Reports to the handles that their sessions were signed out, here or by another holder. A sibling may have lent
    /// its token, so its requests in flight are concerned as well.
    pub(super) fn report_sign_outs(&self, dirty: &[SessionId]) {
        let mut signed_out = Vec::new();
        for id in dirty {
            let generation = self.pool.borrow().session(*id).map(Session::generation);
            if let (Some(generation), Some(mut entry)) = (generation, self.entry(*id))
                && entry.generation != generation
            {
                entry.generation = generation;
                entry.rejected_token = None;
                signed_out.push(*id);
            }
        }
        let siblings = self.pool.borrow().siblings(&signed_out);
        for id in siblings {
            let Some(mut entry) = self.entry(id) else { continue };
            // A sibling that was not signed out keeps its token, which is pushed again.
            entry.pushed = None;
            let handle = entry.handle.clone();
            drop(entry);
            if let Some(handle) = handle {
                handle.signed_out();
                self.push_token(id);
            }
        }
    }

    pub(super) fn report_cleared(&self, session: SessionId, result: &Result<(), TokenError>) {
        self.end_step(SignOutStep { session, revocation: 0 }, None, result.as_ref().err());
    }

    /// Sends the revocation of tokens of a session. The sign-outs wait for it that wait for the report of the session:
    /// what a later one discards does not concern those before.
    pub(super) fn revoke_tokens(self: &Rc<Self>, session: SessionId, tokens: Vec<RevokedTokens>) {
        let identity = self.pool.borrow().identity(session);
        for tokens in tokens {
            let step = SignOutStep { session, revocation: self.sign_outs.last_revocation.get() + 1 };
            self.sign_outs.last_revocation.set(step.revocation);
            for sign_out in self.sign_outs.pending.borrow_mut().iter_mut() {
                let report = SignOutStep { session, revocation: 0 };
                if sign_out.mode == SignOutMode::Revoke && sign_out.steps.contains(&report) {
                    sign_out.steps.push(step);
                }
            }
            self.sign_outs.revocations.borrow_mut().push((step, identity));
            self.send(session, Recipient::SignOut(step), GrantTask::Revocation(tokens), None);
        }
    }

    pub(super) fn report_revoked(&self, step: SignOutStep, failure: Option<TokenError>) {
        let failure = failure.map(|mut error| {
            error.message = format!("a token was discarded here, but not revoked: {}", error.message);
            // It is forgotten, so the next call does not revoke it.
            error.retryability = Some(Retryability::Permanent);
            error
        });
        let mut revocations = self.sign_outs.revocations.borrow_mut();
        let ended = revocations.iter().position(|(pending, _)| *pending == step);
        let identity = ended.and_then(|place| revocations.swap_remove(place).1);
        drop(revocations);
        self.end_step(step, identity, failure.as_ref());
        // The timer was set while the revocation was pending, and would keep the process running.
        self.rearm();
    }

    /// Ends a step of each sign-out that waits for it, and reports the sign-outs that have ended.
    fn end_step(&self, step: SignOutStep, identity: Option<Identity>, failure: Option<&TokenError>) {
        let mut ended = Vec::new();
        self.sign_outs.pending.borrow_mut().retain_mut(|sign_out| {
            // Most end in the order of the list, which is reversed.
            let Some(place) = sign_out.steps.iter().rposition(|pending| *pending == step) else {
                return true;
            };
            sign_out.steps.swap_remove(place);
            if let (None, Some(error)) = (&sign_out.failure, failure) {
                sign_out.failure = Some((identity, error.clone()));
            }
            let is_pending = !sign_out.steps.is_empty();
            if !is_pending {
                let failure = sign_out.failure.take().map(|(_, error)| error);
                ended.push((sign_out.on_cleared.clone(), failure));
            }
            is_pending
        });
        for (on_cleared, failure) in ended {
            report(&on_cleared, failure.as_ref());
        }
    }
}

fn report(on_cleared: &Function, failure: Option<&TokenError>) {
    let failure = failure.map_or(JsValue::UNDEFINED, error_to_js);
    // It runs no user code, and does not throw.
    let _ = on_cleared.call1(&JsValue::UNDEFINED, &failure);
}
