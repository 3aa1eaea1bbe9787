//! Rejections of the cached token, and which of them invalidate it.
//!
//! An API may reject a forbidden operation in the same way as an invalid token (Braintree returns `AUTHENTICATION` for
//! both). The first rejection invalidates the token: it costs one grant, and the request is replayed. If the new token is
//! rejected as well, the operation is forbidden, and the token is kept. A forbidden operation that is repeated in a loop
//! thus causes a grant per cool-down instead of one per call.

use super::{AccessToken, UnixMillis, cool_down, recent_tokens::fingerprint};

/// A rejection of a token, by what follows from it for the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The request is replayed with the next token.
    First,
    /// A new token was requested after a rejection, and did not help: it was rejected as well, or it is the same.
    AfterRenewal,
    /// The request is not replayed: it cannot be, or a part of it was executed.
    WithoutReplay,
}

/// The rejections of a session's tokens so far.
#[derive(Clone, Debug, Default)]
pub struct RejectionHistory(Option<Box<Suspicion>>);

/// A period in which rejections are attributed to the operation, not to the token.
#[derive(Clone, Debug)]
struct Suspicion {
    /// Fingerprint of the token that was rejected after a renewal; `None` covers only [`Rejection::WithoutReplay`].
    about: Option<u64>,
    until: UnixMillis,
    /// Length in milliseconds.
    span: u64,
}

impl RejectionHistory {
    /// Returns whether the cached token, rejected at `now`, must be invalidated.
    ///
    /// The suspicion lasts for a cool-down. Its length starts over after a minute without rejections.
    pub fn should_invalidate(&mut self, token: &AccessToken, rejection: Rejection, now: UnixMillis) -> bool {
        let token = fingerprint(token);
        let suspicion = self.0.as_ref().filter(|suspicion| now < suspicion.until);
        let (invalidates, about) = match (rejection, suspicion) {
            (Rejection::First, suspicion) => return suspicion.is_none_or(|it| it.about != Some(token)),
            (Rejection::WithoutReplay, Some(_)) => return false,
            (Rejection::AfterRenewal, Some(suspicion)) if suspicion.about == Some(token) => return false,
            (Rejection::WithoutReplay, None) => (true, None),
            (Rejection::AfterRenewal, _) => (false, Some(token)),
        };
        let recent = self.0.as_ref().filter(|suspicion| now < suspicion.until.after(QUIET_PERIOD));
        let span = cool_down(recent.map_or(0, |suspicion| suspicion.span));
        self.0 = Some(Box::new(Suspicion { about, until: now.after(span), span }));
        invalidates
    }
}

/// As long as the longest cool-down.
const QUIET_PERIOD: u64 = 60_000;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const START: UnixMillis = UnixMillis::new(1_800_000_000_000);

    fn at(seconds: u64) -> UnixMillis {
        START + Duration::from_secs(seconds)
    }

    fn token(name: &str) -> AccessToken {
        AccessToken::new(name)
    }

    #[test]
    fn suspicion_moves_to_the_token_that_was_rejected_last() {
        let mut history = RejectionHistory::default();
        assert!(!history.should_invalidate(&token("b"), Rejection::AfterRenewal, START));
        assert!(!history.should_invalidate(&token("c"), Rejection::AfterRenewal, at(1)));

        assert!(!history.should_invalidate(&token("c"), Rejection::First, at(2)));
        assert!(history.should_invalidate(&token("b"), Rejection::First, at(2)));
    }

    #[test]
    fn a_first_rejection_invalidates_the_token() {
        let mut history = RejectionHistory::default();

        for name in ["a", "b", "c"] {
            assert!(history.should_invalidate(&token(name), Rejection::First, START));
        }
    }

    #[test]
    fn a_token_whose_replay_is_rejected_is_kept_for_five_seconds() {
        let mut history = RejectionHistory::default();
        assert!(!history.should_invalidate(&token("b"), Rejection::AfterRenewal, START));

        assert!(!history.should_invalidate(&token("b"), Rejection::First, at(4)));
        assert!(history.should_invalidate(&token("b"), Rejection::First, at(5)));
    }

    #[test]
    fn suspicion_concerns_one_token() {
        let mut history = RejectionHistory::default();
        assert!(!history.should_invalidate(&token("b"), Rejection::AfterRenewal, START));

        assert!(history.should_invalidate(&token("c"), Rejection::First, at(1)));
    }

    #[test]
    fn a_forbidden_operation_causes_at_most_one_grant_a_minute_in_the_long_run() {
        let mut history = RejectionHistory::default();
        let mut invalidated_at = Vec::new();
        let mut number = 0;

        for second in 0..300 {
            if history.should_invalidate(&token(&format!("{number}")), Rejection::First, at(second)) {
                invalidated_at.push(second);
                number += 1;
                assert!(!history.should_invalidate(
                    &token(&format!("{number}")),
                    Rejection::AfterRenewal,
                    at(second)
                ));
            }
        }

        assert_eq!(invalidated_at, [0, 5, 15, 35, 75, 135, 195, 255]);
    }

    #[test]
    fn two_hundred_concurrent_rejected_replays_count_as_one() {
        let mut history = RejectionHistory::default();
        for _ in 0..200 {
            assert!(!history.should_invalidate(&token("b"), Rejection::AfterRenewal, START));
        }

        assert!(history.should_invalidate(&token("b"), Rejection::First, at(5)));
    }

    #[test]
    fn the_suspicion_starts_over_after_a_quiet_minute() {
        let mut history = RejectionHistory::default();
        for second in [0, 5, 15] {
            assert!(!history.should_invalidate(&token("b"), Rejection::AfterRenewal, at(second)));
        }

        assert!(!history.should_invalidate(&token("b"), Rejection::AfterRenewal, at(95)));
        assert!(history.should_invalidate(&token("b"), Rejection::First, at(100)));
    }

    #[test]
    fn rejections_without_a_replay_invalidate_one_token_per_cool_down() {
        let mut history = RejectionHistory::default();
        let mut invalidated_at = Vec::new();

        for second in 0..40 {
            if history.should_invalidate(&token(&format!("{second}")), Rejection::WithoutReplay, at(second)) {
                invalidated_at.push(second);
            }
        }

        assert_eq!(invalidated_at, [0, 5, 15, 35]);
        assert!(history.should_invalidate(&token("x"), Rejection::First, at(39)));
    }
}
