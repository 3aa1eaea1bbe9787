//! Rules of refresh tokens: what a store has of them, and when one is presented again.
#![expect(clippy::wildcard_enum_match_arm, reason = "a rule is about a few effects and phases")]

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{
    START, failure,
    history::{Step, any_plans, config, shared_plans},
    millis, record, scopes, seconds, token,
};
use crate::core::{
    AcquisitionId, CallId, Effect, ErrorCode, Fence, Grant, GrantFailure, Input, Jitter, Policy,
    RefreshToken, RefreshTokenRotation, Session, Sharing, StoredRecord, TokenRequest, TokenSet, UnixMillis,
    WriteOutcome,
};

/// The refresh token that a step presents; `None` inside for the credentials.
fn sent(step: &Step) -> Option<Option<&RefreshToken>> {
    step.effects.iter().find_map(|effect| match effect {
        Effect::Send(_, Grant::Refresh(token)) => Some(Some(token)),
        Effect::Send(..) => Some(None),
        _ => None,
    })
}

/// The token of the record that a step writes.
fn written(effects: &[Effect]) -> Option<&TokenSet> {
    effects.iter().find_map(|effect| match effect {
        Effect::WriteStore(_, _, StoredRecord { tokens: Some(tokens), .. }) => Some(&**tokens),
        _ => None,
    })
}

proptest! {
    #![proptest_config(config())]

    /// A crash at any time leaves the store with a refresh token that the provider accepts.
    #[test]
    fn with_retry_previous_no_record_is_written_without_the_refresh_token_that_the_last_one_had(plan in shared_plans()) {
        if plan.policy.sharing.is_none_or(|sharing| sharing.lease.is_none()) {
            return Ok(());
        }
        let mut presented = None;
        for step in plan.with_rotation(RefreshTokenRotation::RetryPrevious).run() {
            if let Some(written) = written(&step.effects) {
                let expected = match (&step.input, step.answer()) {
                    (Input::StoreRead(_, Ok(Some(read))), _) => {
                        read.tokens.as_ref().and_then(|tokens| tokens.refresh_token.clone())
                    }
                    (_, Some(Ok(granted))) => granted.refresh_token.clone().or_else(|| presented.clone()),
                    _ => panic!("{step:#?}"),
                };
                assert_eq!(written.refresh_token, expected, "{step:#?}");
            }
            if let Some(token) = sent(&step) {
                presented = token.cloned();
            }
        }
    }

    #[test]
    fn with_retry_previous_a_replaced_refresh_token_is_not_presented_after_its_replacement(plan in any_plans()) {
        let mut replaced: Vec<(String, String)> = Vec::new();
        let mut used = BTreeSet::new();
        let mut presented: Option<String> = None;
        for step in plan.with_rotation(RefreshTokenRotation::RetryPrevious).run() {
            let store = &step.before.store;
            used.extend(store.presented_by_peer.iter().cloned());
            if let (Some(Ok(granted)), Some(old)) = (step.answer(), &presented)
                && let Some(new) = &granted.refresh_token
            {
                replaced.push((old.clone(), new.expose().to_owned()));
            }
            if let Some(token) = sent(&step) {
                presented = token.map(|token| token.expose().to_owned());
                let all = || replaced.iter().chain(&store.replaced_by_peer);
                let is_outdated = |old: &String| all().any(|(replaced, new)| replaced == old && used.contains(new));
                assert!(!presented.as_ref().is_some_and(is_outdated), "{step:#?}");
                used.extend(presented.clone());
            }
        }
    }

    #[test]
    fn with_retry_previous_a_refresh_token_is_presented_until_it_is_replaced_or_rejected(plan in super::history::plans()) {
        let mut valid = None;
        for step in plan.with_rotation(RefreshTokenRotation::RetryPrevious).run() {
            match step.answer() {
                Some(Ok(tokens)) if step.at < tokens.expires_at && tokens.refresh_token.is_some() => {
                    valid.clone_from(&tokens.refresh_token);
                }
                Some(Err(GrantFailure::RefreshTokenRejected(_))) => valid = None,
                _ => {}
            }
            if matches!(step.input, Input::Cleared) {
                valid = None;
            }
            if let Some(token) = sent(&step) {
                assert_eq!(token, valid.as_ref(), "{step:#?}");
            }
        }
    }
}

const FIRST: AcquisitionId = AcquisitionId(1);

/// A session, and the record of its store as long as no write fails.
struct Run {
    machine: Session,
    stored: Option<StoredRecord>,
    now: UnixMillis,
    id: AcquisitionId,
}

impl Run {
    /// A session that has a request with the stored refresh token `old` in flight.
    fn refreshing(rotation: RefreshTokenRotation) -> Self {
        let mut run = Self::new(rotation);
        run.handle(Input::Requested(CallId(1), TokenRequest::DEFAULT));
        run.until_sent();
        run
    }

    fn new(rotation: RefreshTokenRotation) -> Self {
        let sharing = Some(Sharing { lease: Some(seconds(30)), announces: false });
        let policy = Policy { sharing, rotation, ..Policy::default() };
        let machine = Session::new(policy, scopes(&[]), Jitter::new(1));
        let stored = Some(record(token("old", START - seconds(200), seconds(180))));
        Self { machine, stored, now: START, id: FIRST }
    }

    fn handle(&mut self, input: Input) -> Vec<Effect> {
        let effects = self.machine.handle(input, self.now);
        for effect in &effects {
            if let Effect::Send(id, _) | Effect::ReadStore(id) = effect {
                self.id = *id;
            }
        }
        effects
    }

    /// Answers the store's calls until a request is sent; returns what it presents.
    fn until_sent(&mut self) -> Option<String> {
        for _ in 0..9 {
            let Some(acquisition) = self.machine.acquisition() else { break };
            let id = acquisition.id;
            let input = match &acquisition.phase {
                crate::core::Phase::Backoff { until } => {
                    self.now = *until;
                    Input::TimerFired
                }
                phase if phase.is_reading_store() => Input::StoreRead(id, Ok(self.stored.clone())),
                crate::core::Phase::AcquiringLease => Input::LeaseAnswered(id, Ok(Some(Fence(1)))),
                _ => Input::StoreWritten(id, Ok(WriteOutcome::Stored)),
            };
            let effects = self.handle(input);
            self.store(&effects);
            if let Some(Effect::Send(_, grant)) = effects.iter().find(|it| matches!(it, Effect::Send(..))) {
                let Grant::Refresh(token) = grant else { return None };
                return Some(token.expose().to_owned());
            }
        }
        panic!("no request is sent");
    }

    fn store(&mut self, effects: &[Effect]) {
        for effect in effects {
            if let Effect::WriteStore(_, _, record) = effect {
                self.stored = Some(record.clone());
            }
        }
    }

    fn granted(&mut self, result: Result<std::rc::Rc<TokenSet>, GrantFailure>) -> Vec<Effect> {
        self.handle(Input::Granted(self.id, result))
    }

    fn stored_refresh_token(&self) -> Option<&str> {
        let tokens = self.stored.as_ref()?.tokens.as_ref()?;
        tokens.refresh_token.as_ref().map(RefreshToken::expose)
    }
}

fn unprocessed() -> GrantFailure {
    GrantFailure::NotProcessed(failure(ErrorCode::Server))
}

#[test]
fn a_refresh_token_that_was_not_processed_is_written_back_before_the_lease_is_released() {
    let mut run = Run::refreshing(RefreshTokenRotation::Strict);
    assert_eq!(run.stored_refresh_token(), None);

    let effects = run.granted(Err(unprocessed()));

    let [Effect::WriteStore(FIRST, Some(Fence(1)), _)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(written(&effects).and_then(|it| it.refresh_token.as_ref()), Some(&RefreshToken::new("old")));
    let effects = run.handle(Input::StoreWritten(FIRST, Ok(WriteOutcome::Stored)));
    assert!(matches!(effects.as_slice(), [Effect::ReleaseLease(FIRST), Effect::Emit(_)]), "{effects:?}");
    assert_eq!(run.machine.refresh_token(), None, "the store has it");
}

#[test]
fn a_refresh_token_that_was_written_back_is_claimed_again() {
    let mut run = Run::refreshing(RefreshTokenRotation::Strict);
    let effects = run.granted(Err(unprocessed()));
    run.store(&effects);

    assert_eq!(run.until_sent().as_deref(), Some("old"));
    assert_eq!(run.stored_refresh_token(), None);
}

#[test]
fn a_refresh_token_whose_return_is_fenced_is_presented_by_this_session_alone() {
    let mut run = Run::refreshing(RefreshTokenRotation::Strict);
    run.granted(Err(unprocessed()));

    run.handle(Input::StoreWritten(FIRST, Ok(WriteOutcome::Fenced)));

    assert_eq!(run.stored_refresh_token(), None);
    assert_eq!(run.until_sent().as_deref(), Some("old"));
}

#[test]
fn a_refresh_token_whose_return_failed_is_not_presented_again() {
    let mut run = Run::refreshing(RefreshTokenRotation::Strict);
    run.granted(Err(unprocessed()));

    run.handle(Input::StoreWritten(FIRST, Err(failure(ErrorCode::Store))));

    // The write may have succeeded, and then another holder presents it.
    assert_eq!(run.machine.refresh_token(), None);
    assert_eq!(run.until_sent(), None);
}

#[test]
fn a_lost_return_starts_over_with_the_store() {
    let mut run = Run::refreshing(RefreshTokenRotation::Strict);
    let effects = run.granted(Err(unprocessed()));
    run.store(&effects);
    run.now = run.machine.poll_timeout().expect("a deadline");

    let effects = run.handle(Input::TimerFired);

    assert!(matches!(effects.as_slice(), [Effect::ReleaseLease(FIRST), Effect::ReadStore(_)]), "{effects:?}");
    assert_eq!(run.machine.refresh_token(), None);
    assert_eq!(run.until_sent().as_deref(), Some("old"));
}

#[test]
fn a_close_leaves_the_refresh_token_in_the_store_if_it_was_not_processed() {
    for closes_first in [true, false] {
        let mut run = Run::refreshing(RefreshTokenRotation::Strict);
        let mut effects = Vec::new();
        if closes_first {
            run.handle(Input::Closed);
            effects = run.granted(Err(unprocessed()));
        } else {
            effects.extend(run.granted(Err(unprocessed())));
            run.handle(Input::Closed);
        }
        run.store(&effects);
        let effects = run.handle(Input::StoreWritten(FIRST, Ok(WriteOutcome::Stored)));

        assert_eq!(run.stored_refresh_token(), Some("old"), "{closes_first}");
        assert_eq!(effects, [Effect::ReleaseLease(FIRST)], "{closes_first}");
        assert!(!run.machine.is_busy(), "{closes_first}");
    }
}

#[test]
fn a_failure_is_reported_once_the_refresh_token_is_in_the_store() {
    let mut run = Run::refreshing(RefreshTokenRotation::Strict);
    let mut error = failure(ErrorCode::RateLimited);
    error.retry_after = Some(seconds(3600));

    let effects = run.granted(Err(GrantFailure::NotProcessed(error)));
    assert!(!effects.iter().any(|it| matches!(it, Effect::Resolve(..))), "{effects:?}");
    let effects = run.handle(Input::StoreWritten(FIRST, Ok(WriteOutcome::Stored)));

    assert!(matches!(effects.first(), Some(Effect::Resolve(CallId(1), Err(_)))), "{effects:?}");
    assert!(!run.machine.is_busy());
}

#[test]
fn with_retry_previous_the_store_keeps_the_refresh_token_that_is_presented() {
    let mut run = Run::refreshing(RefreshTokenRotation::RetryPrevious);
    assert_eq!(run.stored_refresh_token(), Some("old"));

    let effects = run.granted(Ok(token("new", run.now, seconds(180))));
    run.store(&effects);

    assert_eq!(run.stored_refresh_token(), Some("new"));
}

#[test]
fn with_retry_previous_a_lost_response_leads_to_the_same_refresh_token() {
    for lost in [GrantFailure::Transient(failure(ErrorCode::Timeout)), unprocessed()] {
        let mut run = Run::refreshing(RefreshTokenRotation::RetryPrevious);

        let effects = run.granted(Err(lost));

        assert_eq!(written(&effects), None, "the store has it");
        assert_eq!(run.machine.refresh_token(), None);
        assert_eq!(run.until_sent().as_deref(), Some("old"));
    }
}

#[test]
fn with_retry_previous_a_rejected_refresh_token_is_not_presented_again() {
    let mut run = Run::refreshing(RefreshTokenRotation::RetryPrevious);
    let rejected = || GrantFailure::RefreshTokenRejected(failure(ErrorCode::InvalidCredentials));
    let effects = run.granted(Err(rejected()));
    assert_eq!(effects, [Effect::Send(FIRST, Grant::Authenticate)]);

    run.granted(Err(GrantFailure::Transient(failure(ErrorCode::Timeout))));

    assert_eq!(run.stored_refresh_token(), Some("old"));
    assert_eq!(run.until_sent(), None, "the credentials are presented");
}

#[test]
fn with_retry_previous_nothing_is_presented_after_a_claim_that_was_fenced_or_answered_late() {
    for (late, result) in [(0, WriteOutcome::Fenced), (6000, WriteOutcome::Stored)] {
        let mut run = Run::new(RefreshTokenRotation::RetryPrevious);
        run.handle(Input::Requested(CallId(1), TokenRequest::DEFAULT));
        for input in [
            Input::StoreRead(FIRST, Ok(run.stored.clone())),
            Input::LeaseAnswered(FIRST, Ok(Some(Fence(1)))),
            Input::StoreRead(FIRST, Ok(run.stored.clone())),
        ] {
            run.handle(input);
        }
        run.now = run.now + millis(late);

        let effects = run.handle(Input::StoreWritten(FIRST, Ok(result)));

        assert_eq!(effects, [Effect::ReleaseLease(FIRST)], "{late}");
    }
}

#[test]
fn with_retry_previous_a_store_that_fails_gets_no_refresh_token_presented() {
    let mut run = Run::new(RefreshTokenRotation::RetryPrevious);
    run.handle(Input::Requested(CallId(1), TokenRequest::DEFAULT));
    for input in [
        Input::StoreRead(FIRST, Ok(run.stored.clone())),
        Input::LeaseAnswered(FIRST, Ok(Some(Fence(1)))),
        Input::StoreRead(FIRST, Ok(run.stored.clone())),
    ] {
        run.handle(input);
    }

    let effects = run.handle(Input::StoreWritten(FIRST, Err(failure(ErrorCode::Store))));

    assert!(effects.contains(&Effect::Send(FIRST, Grant::Authenticate)), "{effects:?}");
}

#[test]
fn with_retry_previous_and_no_store_a_lost_step_leads_to_the_same_refresh_token() {
    for (rotation, expected) in
        [(RefreshTokenRotation::RetryPrevious, Some("held")), (RefreshTokenRotation::Strict, None)]
    {
        let mut machine = Session::new(Policy { rotation, ..Policy::default() }, scopes(&[]), Jitter::new(1));
        let _ = machine.handle(Input::Requested(CallId(1), TokenRequest::DEFAULT), START);
        let _ = machine.handle(Input::Granted(FIRST, Ok(token("held", START, seconds(180)))), START);
        let _ = machine.handle(Input::Requested(CallId(2), TokenRequest::Forced), START + seconds(1));

        let effects = machine.handle(Input::IoLost, START + seconds(9));

        let presented = effects.iter().find_map(|effect| match effect {
            Effect::Send(_, Grant::Refresh(token)) => Some(Some(token.expose())),
            Effect::Send(..) => Some(None),
            _ => None,
        });
        assert_eq!(presented, Some(expected), "{rotation:?}: {effects:?}");
    }
}

/// A stored token with the refresh token `old`, which expires at `end`.
fn expiring(end: UnixMillis) -> Option<StoredRecord> {
    let mut tokens = token("old", START - seconds(200), seconds(180));
    let made = std::rc::Rc::make_mut(&mut tokens);
    made.refresh_token = Some(RefreshToken::new("old").expiring(Some(end)));
    Some(record(tokens))
}

#[test]
fn a_refresh_token_that_has_expired_is_not_presented() {
    for (end, expected) in [(START - seconds(59), Some("old")), (START - seconds(60), None)] {
        for rotation in [RefreshTokenRotation::Strict, RefreshTokenRotation::RetryPrevious] {
            let mut run = Run::new(rotation);
            run.stored = expiring(end);
            run.handle(Input::Requested(CallId(1), TokenRequest::DEFAULT));

            assert_eq!(run.until_sent().as_deref(), expected, "{rotation:?}");
        }
    }
}

#[test]
fn without_a_store_a_refresh_token_that_has_expired_is_not_presented() {
    for (age, expected) in [(600 + 59, true), (600 + 60, false)] {
        let mut machine = Session::new(Policy::default(), scopes(&[]), Jitter::new(1));
        let mut granted = token("held", START, seconds(180));
        let end = START + seconds(600);
        std::rc::Rc::make_mut(&mut granted).refresh_token =
            Some(RefreshToken::new("held").expiring(Some(end)));
        let _ = machine.handle(Input::Requested(CallId(1), TokenRequest::DEFAULT), START);
        let _ = machine.handle(Input::Granted(FIRST, Ok(granted)), START);

        let effects = machine.handle(Input::Requested(CallId(2), TokenRequest::Forced), START + seconds(age));

        let presents = effects.iter().any(|it| matches!(it, Effect::Send(_, Grant::Refresh(_))));
        assert_eq!(presents, expected, "{age}: {effects:?}");
    }
}
