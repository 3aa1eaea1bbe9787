//! `Debug` output contains no secret, in any history of a session.

use std::fmt::Debug;

use proptest::prelude::*;

use super::history::{any_plans, config};
use crate::core::{AccessToken, Input, RefreshToken, Secret, TokenError};

/// A part of every token in the histories, and of nothing else.
pub(super) const PLANTED: &str = "pl4nt3d";

#[track_caller]
fn check(value: &dyn Debug) {
    for printed in [format!("{value:?}"), format!("{value:#?}")] {
        let bytes = format!("{:?}", PLANTED.as_bytes());
        assert!(!printed.contains(PLANTED), "{printed}");
        assert!(!printed.contains(&bytes[1..20]), "as bytes: {printed}");
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn debug_output_contains_no_secret(plan in any_plans()) {
        let mut machine = plan.machine();
        for step in plan.run() {
            check(&step.input);
            check(&machine.handle(step.input.clone(), step.at));
            check(&machine);
            check(&machine.status(step.at));
            if let Input::Granted(_, Ok(tokens)) | Input::TokenReceived(tokens) = &step.input {
                assert!(tokens.access_token.expose().contains(PLANTED), "the search would find it");
            }
            for (_, answer) in step.resolved() {
                let error: Option<&TokenError> = answer.as_ref().err();
                check(&error.map(TokenError::to_string));
            }
        }
    }
}

#[test]
fn debug_output_of_a_secret_is_its_type() {
    check(&(AccessToken::new(PLANTED), RefreshToken::new(PLANTED), Secret::new(PLANTED)));
}
