//! Sign-outs in progress: each ends when all its sessions have reported.

use std::{cell::RefCell, rc::Rc};

use js_sys::Function;
use wasm_bindgen::JsValue;

use super::{Driver, Message};
use crate::{
    core::{Session, SessionId, TokenError},
    js::{SessionHandle, error_to_js},
};

/// The sign-outs of one manager that have not ended.
#[derive(Default)]
pub(super) struct SignOuts(RefCell<Vec<SignOut>>);

impl SignOuts {
    pub(super) fn is_pending(&self) -> bool {
        !self.0.borrow().is_empty()
    }

    /// The sessions that have not reported yet.
    pub(super) fn sessions(&self) -> Vec<SessionId> {
        self.0.borrow().iter().flat_map(|sign_out| sign_out.sessions.iter().copied()).collect()
    }
}

struct SignOut {
    /// Sessions that have not reported yet, the last one first.
    sessions: Vec<SessionId>,
    /// The first failure.
    failure: Option<TokenError>,
    on_cleared: Function,
}

impl Driver {
    /// Signs out the identity of a handle, or all sessions. Calls `on_cleared` when the shared store no longer has a
    /// token from before the sign-out, with the fields of an error if it still may have one.
    ///
    /// # Errors
    ///
    /// `invalid_options` if the selector of the handle is invalid.
    pub(crate) fn clear(
        self: &Rc<Self>,
        handle: Option<&SessionHandle>,
        on_cleared: Function,
    ) -> Result<(), TokenError> {
        let mut sessions = match handle {
            Some(handle) => {
                let session_spec = self.session_spec(handle)?;
                let session = self.open(handle, session_spec);
                self.pool.borrow().siblings(&[session])
            }
            None => self.pool.borrow().open_sessions(),
        };
        // Not through the inbox: when this returns, no handle may have a token of before, also where a listener called
        // it. The effects wait for those of the input that is being processed.
        let effects = self.pool.borrow_mut().clear(&sessions, self.clock.now());
        self.publish();
        if sessions.is_empty() {
            report(&on_cleared, None);
        } else {
            sessions.reverse();
            self.sign_outs.0.borrow_mut().push(SignOut { sessions, failure: None, on_cleared });
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
        let mut ended = Vec::new();
        self.sign_outs.0.borrow_mut().retain_mut(|sign_out| {
            // Most report in the order of the list, which is reversed.
            let Some(place) = sign_out.sessions.iter().rposition(|pending| *pending == session) else {
                return true;
            };
            sign_out.sessions.swap_remove(place);
            if let (None, Err(error)) = (&sign_out.failure, result) {
                sign_out.failure = Some(error.clone());
            }
            let is_pending = !sign_out.sessions.is_empty();
            if !is_pending {
                ended.push((sign_out.on_cleared.clone(), sign_out.failure.take()));
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
