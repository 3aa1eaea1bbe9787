//! Sign-outs in progress: each ends when all its sessions have reported.

use std::{cell::RefCell, rc::Rc};

use js_sys::Function;
use wasm_bindgen::JsValue;

use super::{Driver, Happening};
use crate::{
    core::{PoolEffect, SessionId, TokenError},
    js::{Desk, error_view},
};

/// The sign-outs of one manager that have not ended.
#[derive(Default)]
pub(super) struct SignOuts(RefCell<Vec<SignOut>>);

struct SignOut {
    /// Sessions that have not reported yet.
    sessions: Vec<SessionId>,
    /// The first failure.
    failure: Option<TokenError>,
    ended: Function,
}

impl Driver {
    /// Signs out the identity of a handle, or all sessions. Calls `ended` when the shared store has no token of before
    /// any more, with the fields of an error if it still may have one.
    ///
    /// # Errors
    ///
    /// `invalid_options` if the selector of the handle is invalid.
    pub(crate) fn clear(self: &Rc<Self>, desk: Option<&Desk>, ended: Function) -> Result<(), TokenError> {
        let of = match desk {
            Some(desk) => Some((desk.clone(), self.opening(desk)?)),
            None => None,
        };
        self.take_note(Happening::Cleared(of, ended));
        Ok(())
    }

    pub(super) fn start_sign_out(&self, of: Option<SessionId>, ended: Function) -> Vec<PoolEffect> {
        let (sessions, effects) = self.pool.borrow_mut().clear(of, self.clock.now());
        if sessions.is_empty() {
            end(&ended, None);
        } else {
            self.sign_outs.0.borrow_mut().push(SignOut { sessions, failure: None, ended });
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
                ended.push((sign_out.ended.clone(), sign_out.failure.take()));
            }
            is_pending
        });
        for (ended, failure) in ended {
            end(&ended, failure.as_ref());
        }
    }
}

fn end(ended: &Function, failure: Option<&TokenError>) {
    let failure = failure.map_or(JsValue::UNDEFINED, error_view);
    // It runs no user code, and does not throw.
    let _ = ended.call1(&JsValue::UNDEFINED, &failure);
}
