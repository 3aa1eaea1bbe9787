//! The first refresh token of an application that was authorized elsewhere: when it is presented.

use super::{GrantExchange, Outcome};
use crate::{
    core::{Grant, GrantFailure, RefreshToken, RefreshTokenRotation, Secret},
    provider::Profile,
};

/// The first refresh tokens that a manager presented. One with the same value is not presented again, unless the
/// provider did not process it, or accepts it until its replacement is used.
#[derive(Debug, Default)]
pub struct InitialRefreshTokens {
    /// The last one that must not be presented.
    spent: Option<RefreshToken>,
}

impl InitialRefreshTokens {
    /// Makes `exchange` present the first refresh token, which is one of `secrets`, if it may be presented.
    pub fn begin(
        &mut self,
        exchange: &mut GrantExchange<'_>,
        profile: &Profile,
        grant: &Grant,
        secrets: &[Secret],
    ) {
        let Some(initial) = &profile.refresh_rules.initial else { return };
        let Some(secret) = secrets.get(initial.1.0) else { return };
        let token = RefreshToken::new(secret.expose());
        if matches!(grant, Grant::Refresh(_)) || self.spent.as_ref() == Some(&token) {
            return;
        }
        if profile.refresh_rules.rotation == RefreshTokenRotation::Strict {
            self.spent = Some(token.clone());
        }
        exchange.begin_with(token);
    }

    /// Records the outcome of a request that presented `token`, after which the exchange would present `next`.
    pub fn responded(&mut self, token: RefreshToken, outcome: &Outcome, next: Option<&RefreshToken>) {
        match outcome {
            Outcome::Token(Err(failure)) => self.failed(failure),
            Outcome::Resend if next.is_some() => {}
            // The session has it, or its replacement; or it was rejected.
            Outcome::Token(Ok(_)) | Outcome::Resend | Outcome::Scopes(_) | Outcome::Revoked(_) => {
                self.spent = Some(token);
            }
        }
    }

    /// Records the failure of a request that presented it.
    pub fn failed(&mut self, failure: &GrantFailure) {
        if matches!(failure, GrantFailure::NotProcessed(_)) {
            self.spent = None;
        }
    }
}
