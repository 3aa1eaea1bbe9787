//! Sign-outs in progress: each ends when all its sessions have reported.

use std::{cell::RefCell, rc::Rc};

use js_sys::Function;
use wasm_bindgen::JsValue;

use super::{Driver, Message};
use crate::{
    core::{PoolEffect, SessionId, TokenError},
    js::{SessionHandle, error_to_js},
};

/// The sign-outs of one manager that have not ended.
#[derive(Default)]
pub(super) struct SignOuts(RefCell<Vec<SignOut>>);

struct SignOut {
    /// Sessions that have not reported yet.
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
        let of = match handle {
            Some(handle) => Some((handle.clone(), self.session_spec(handle)?)),
            None => None,
        };
        self.enqueue(Message::Cleared(of, on_cleared));
        Ok(())
    }

    pub(super) fn start_sign_out(&self, of: Option<SessionId>, on_cleared: Function) -> Vec<PoolEffect> {
        let (sessions, effects) = self.pool.borrow_mut().clear(of, self.clock.now());
        if sessions.is_empty() {
            report(&on_cleared, None);
        } else {
            self.sign_outs.0.borrow_mut().push(SignOut { sessions, failure: None, on_cleared });
        }
        effects
    }

    pub(super) fn report_cleared(&self, session: SessionId, result: &Result<(), TokenError>) {
        let mut ended = Vec::new();
        self.sign_outs.0.borrow_mut().retain_mut(|sign_out| {
            let before = sign_out.sessions.len();
            sign_out.sessions.retain(|pending| *pending != session);
            if sign_out.sessions.len() < before && sign_out.failure.is_none() {
                sign_out.failure = result.as_ref().err().cloned();
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
