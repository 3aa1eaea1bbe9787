//! Which refusals of the token held are believed.
//!
//! An API that forbids an operation may say the same as one that no longer takes the
//! token (Braintree says `AUTHENTICATION` to both). The first refusal is believed: it
//! costs a grant, and the request is sent again. If the new token is refused as well,
//! the operation is to blame, and the token is kept for all the others. So an operation
//! that is called again and again and always forbidden causes a grant now and then,
//! rather than one for each call.

use super::{AccessToken, UnixMillis, cool_down, recent_tokens::fingerprint};

/// A request that was refused, by what becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is sent again, with the token that comes next.
    First,
    /// It was sent again, with a token that came since: this one.
    Again,
    /// It cannot be sent again, so that nothing will be learned from another token.
    Final,
}

/// What was learned from refusals.
#[derive(Clone, Debug, Default)]
pub struct Refusals(Option<Box<Doubt>>);

/// A time in which refusals are not believed.
#[derive(Clone, Debug)]
struct Doubt {
    /// The token that was refused [`Refusal::Again`]; `None` doubts [`Refusal::Final`] alone.
    about: Option<u64>,
    until: UnixMillis,
    /// In milliseconds.
    span: u64,
}

impl Refusals {
    /// Whether the token held, which was refused at `now`, is to be given up.
    ///
    /// Doubt lasts for as long as a cool-down, and starts anew once a minute was quiet.
    pub fn believe(&mut self, token: &AccessToken, refusal: Refusal, now: UnixMillis) -> bool {
        let token = fingerprint(token);
        let doubt = self.0.as_ref().filter(|doubt| now < doubt.until);
        let (believed, about) = match (refusal, doubt) {
            (Refusal::First, doubt) => return doubt.is_none_or(|doubt| doubt.about != Some(token)),
            (Refusal::Final, Some(_)) => return false,
            (Refusal::Again, Some(doubt)) if doubt.about == Some(token) => return false,
            (Refusal::Final, None) => (true, None),
            (Refusal::Again, _) => (false, Some(token)),
        };
        let recent = self.0.as_ref().filter(|doubt| now < doubt.until.after(QUIET));
        let span = cool_down(recent.map_or(0, |doubt| doubt.span));
        self.0 = Some(Box::new(Doubt { about, until: now.after(span), span }));
        believed
    }
}

/// As long as the longest cool-down.
const QUIET: u64 = 60_000;

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
    fn doubt_moves_on_to_the_token_that_was_refused_last() {
        let mut refusals = Refusals::default();
        assert!(!refusals.believe(&token("b"), Refusal::Again, START));
        assert!(!refusals.believe(&token("c"), Refusal::Again, at(1)));

        assert!(!refusals.believe(&token("c"), Refusal::First, at(2)));
        assert!(refusals.believe(&token("b"), Refusal::First, at(2)));
    }

    #[test]
    fn a_first_refusal_is_believed() {
        let mut refusals = Refusals::default();

        for name in ["a", "b", "c"] {
            assert!(refusals.believe(&token(name), Refusal::First, START));
        }
    }

    #[test]
    fn a_token_that_came_after_a_refusal_and_is_refused_too_is_kept_for_five_seconds() {
        let mut refusals = Refusals::default();
        assert!(!refusals.believe(&token("b"), Refusal::Again, START));

        assert!(!refusals.believe(&token("b"), Refusal::First, at(4)));
        assert!(refusals.believe(&token("b"), Refusal::First, at(5)));
    }

    #[test]
    fn doubt_is_about_one_token() {
        let mut refusals = Refusals::default();
        assert!(!refusals.believe(&token("b"), Refusal::Again, START));

        assert!(refusals.believe(&token("c"), Refusal::First, at(1)));
    }

    #[test]
    fn an_operation_that_is_always_forbidden_costs_a_grant_a_minute_in_the_end() {
        let mut refusals = Refusals::default();
        let mut believed_at = Vec::new();
        let mut number = 0;

        for second in 0..300 {
            if refusals.believe(&token(&format!("{number}")), Refusal::First, at(second)) {
                believed_at.push(second);
                number += 1;
                assert!(!refusals.believe(&token(&format!("{number}")), Refusal::Again, at(second)));
            }
        }

        assert_eq!(believed_at, [0, 5, 15, 35, 75, 135, 195, 255]);
    }

    #[test]
    fn two_hundred_replays_that_are_refused_together_count_as_one() {
        let mut refusals = Refusals::default();
        for _ in 0..200 {
            assert!(!refusals.believe(&token("b"), Refusal::Again, START));
        }

        assert!(refusals.believe(&token("b"), Refusal::First, at(5)));
    }

    #[test]
    fn doubt_starts_anew_once_a_minute_was_quiet() {
        let mut refusals = Refusals::default();
        for second in [0, 5, 15] {
            assert!(!refusals.believe(&token("b"), Refusal::Again, at(second)));
        }

        assert!(!refusals.believe(&token("b"), Refusal::Again, at(95)));
        assert!(refusals.believe(&token("b"), Refusal::First, at(100)));
    }

    #[test]
    fn what_cannot_be_sent_again_gives_up_one_token_in_a_while() {
        let mut refusals = Refusals::default();
        let mut believed_at = Vec::new();

        for second in 0..40 {
            if refusals.believe(&token(&format!("{second}")), Refusal::Final, at(second)) {
                believed_at.push(second);
            }
        }

        assert_eq!(believed_at, [0, 5, 15, 35]);
        assert!(refusals.believe(&token("x"), Refusal::First, at(39)));
    }
}
