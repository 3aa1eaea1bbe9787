//! Properties of every history of a shared token: rules of the store, the lease and the stored refresh token.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a property is about a few events; the table is about all"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    time::Duration,
};

use proptest::prelude::*;

use super::{
    START, failure,
    history::{Plan, Step, config, plans, shared_plans},
    record, scopes, seconds,
    store_model::Holder,
    token,
};
use crate::core::{
    AcquisitionId, CallId, Effect, ErrorCode, Event, Fence, Grant, GrantFailure, Input, IoScope, Jitter,
    Policy, RefreshTokenRotation, Session, Sharing, StoredRecord, TokenRequest, TokenSet, UnixMillis,
    WriteOutcome,
};

proptest! {
    #![proptest_config(config())]

    #[test]
    fn without_sharing_the_store_is_never_used(plan in plans()) {
        for step in plan.run() {
            assert!(!step.effects.iter().any(is_about_the_store), "{step:#?}");
        }
    }

    #[test]
    fn a_usable_cached_token_is_returned_without_the_store(plan in shared_plans()) {
        let announces = plan.policy.sharing.is_some_and(|it| it.announces);
        let mut read_at = UnixMillis::new(0);
        for step in plan.run() {
            let last_read = read_at;
            if step.effects.iter().any(|it| matches!(it, Effect::ReadStore(_))) {
                read_at = step.at;
            }
            let Input::Requested(call, _) = step.input else { continue };
            if announces && last_read.after(Sharing::MISSED_CHANGES) <= step.at {
                continue;
            }
            let served = step.resolved().any(|(resolved, answer)| resolved == call && answer.is_ok());
            let due = step.before.timeout.is_some_and(|at| at <= step.at);
            let locks = step.effects.iter().any(|it| matches!(it, Effect::AcquireLease(_) | Effect::WriteStore(..)));
            assert!(!locks, "{step:#?}");
            assert!(!served || due || !step.effects.iter().any(is_about_the_store) || is_due(&plan, &step), "{step:#?}");
        }
    }

    #[test]
    fn each_lease_is_released_once(plan in shared_plans()) {
        let mut held = BTreeSet::new();
        for step in plan.run() {
            if let Input::LeaseAnswered(id, Ok(Some(_))) = step.input {
                assert!(held.insert(id), "{step:#?}");
            }
            for effect in &step.effects {
                if let Effect::ReleaseLease(id) = effect {
                    assert!(held.remove(id), "{step:#?}");
                }
            }
        }
        assert!(held.is_empty(), "{held:?} were not received back");
    }

    #[test]
    fn no_lease_is_held_during_a_backoff_or_while_events_are_emitted(plan in shared_plans()) {
        let mut held = BTreeSet::new();
        for step in plan.run() {
            if let Input::LeaseAnswered(id, Ok(Some(_))) = step.input {
                held.insert(id);
            }
            for effect in &step.effects {
                match effect {
                    Effect::ReleaseLease(id) => drop(held.remove(id)),
                    Effect::Emit(Event::Retry { .. } | Event::Token { .. } | Event::Error { .. }) => {
                        // Except for a token that an ordinary response carries while a grant is in progress.
                        let seen = matches!(step.input, Input::TokenReceived(_) | Input::StoreRead(..));
                        assert!(held.is_empty() || seen, "{step:#?}");
                    }
                    _ => {}
                }
            }
            assert!(held.is_empty() || step.after.in_flight.is_some() || awaits_store(&step), "{step:#?}");
        }
    }

    #[test]
    fn grants_are_sent_under_the_lease_while_the_store_works(plan in shared_plans()) {
        let Some(lease) = plan.policy.sharing.and_then(|it| it.lease) else { return Ok(()) };
        let patience = Duration::from_millis(Sharing::lease_timeout(lease));
        let mut began: BTreeMap<AcquisitionId, UnixMillis> = BTreeMap::new();
        let mut held = BTreeSet::new();
        // With request-scoped I/O, the reply to a request for the lease may be lost: the session may have that lease.
        let mut unanswered = None;
        let mut maybe_held_until = UnixMillis::new(0);
        for step in plan.run() {
            if let Input::LeaseAnswered(id, result) = &step.input
                && unanswered == Some(*id)
                && step.before.acquisition == unanswered
            {
                unanswered = None;
                if let Ok(Some(_)) = result {
                    maybe_held_until = UnixMillis::new(0);
                }
            }
            if let Input::LeaseAnswered(id, Ok(Some(_))) = step.input {
                held.insert(id);
            }
            for effect in &step.effects {
                match effect {
                    Effect::AcquireLease(id) => {
                        began.entry(*id).or_insert(step.at);
                        let is_lost = unanswered.replace(*id).is_some_and(|previous| previous != *id);
                        if is_lost && plan.policy.io_scope == IoScope::Request {
                            maybe_held_until = step.at + lease;
                        }
                    }
                    Effect::ReleaseLease(id) => drop(held.remove(id)),
                    Effect::Send(id, _) => {
                        let impatient = began.get(id).is_some_and(|since| step.at.since(*since) >= patience);
                        // A write that is not answered in time is detected at any later input.
                        let failed = step.before.store.failures > 0
                            || step.effects.iter().any(|it| matches!(it, Effect::Emit(Event::StoreFailed(_))));
                        let is_maybe_held = step.at < maybe_held_until;
                        assert!(held.contains(id) || impatient || failed || is_maybe_held, "{step:#?}");
                    }
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn a_refresh_token_is_presented_by_one_holder_only(plan in shared_plans()) {
        let mut spent: BTreeSet<String> = BTreeSet::new();
        let mut presented = None;
        for step in plan.with_rotation(RefreshTokenRotation::Strict).run() {
            spent.extend(step.before.store.presented_by_peer.iter().cloned());
            // The provider keeps it valid where the response contains no new one, and where it did not process the request.
            let is_kept = match step.answer() {
                Some(Ok(tokens)) => tokens.refresh_token.is_none(),
                Some(Err(failure)) => matches!(failure, GrantFailure::NotProcessed(_)),
                None => false,
            };
            if is_kept && let Some(kept) = &presented {
                spent.remove(kept);
            }
            for effect in &step.effects {
                if let Effect::Send(_, grant) = effect {
                    presented = None;
                    if let Grant::Refresh(token) = grant {
                        presented = Some(token.expose().to_owned());
                        assert!(spent.insert(token.expose().to_owned()), "{step:#?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_presented_refresh_token_is_not_in_the_store(plan in shared_plans()) {
        for step in plan.with_rotation(RefreshTokenRotation::Strict).run() {
            for effect in &step.effects {
                if let Effect::Send(_, Grant::Refresh(token)) = effect {
                    let entry = step.after.store.entry.as_ref();
                    assert_ne!(entry.and_then(|entry| entry.tokens.as_ref()?.refresh_token.as_ref()), Some(token), "{step:#?}");
                }
            }
        }
    }

    #[test]
    fn a_store_without_leases_receives_no_refresh_token(plan in shared_plans()) {
        let leases = plan.policy.sharing.is_some_and(|it| it.lease.is_some());
        for step in plan.run() {
            for effect in &step.effects {
                match effect {
                    Effect::WriteStore(_, fence, StoredRecord { tokens, .. }) => {
                        // A sign-out does not wait for the lease of a crashed holder.
                        assert!(fence.is_some() == leases || tokens.is_none(), "{step:#?}");
                        let refresh_token = tokens.as_ref().and_then(|tokens| tokens.refresh_token.as_ref());
                        assert!(leases || refresh_token.is_none(), "{step:#?}");
                    }
                    Effect::AcquireLease(_) => assert!(leases, "{step:#?}"),
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn a_granted_token_is_written_before_it_is_returned(plan in shared_plans()) {
        let mut saving = None;
        for step in plan.run() {
            if let Input::StoreWritten(id, _) = step.input && saving == Some(id) {
                saving = None;
            }
            if let Some(Ok(tokens)) = step.answer() && step.at < tokens.expires_at {
                let saved = step.effects.iter().find_map(|it| match it {
                    Effect::WriteStore(id, fence, saved) => Some((*id, fence.is_some(), saved.tokens.as_ref()?)),
                    _ => None,
                });
                if let Some((id, leased, saved)) = saved {
                    let kept = saved.refresh_token.is_some() || tokens.refresh_token.is_none();
                    assert!(kept || !leased, "{step:#?}");
                    assert_eq!(step.resolved().count(), 0, "{step:#?}");
                    saving = Some(id);
                } else {
                    assert!(step.before.store.failures > 0 || was_impatient(&step), "{step:#?}");
                }
            }
            let granted = step.effects.iter().any(|it| matches!(it, Effect::Emit(Event::Token { .. })));
            let elsewhere = matches!(step.input, Input::TokenReceived(_) | Input::StoreRead(..));
            assert!(!granted || elsewhere || saving.is_none() || is_overdue(&step), "{step:#?}");
            saving = saving.filter(|_| !is_overdue(&step));
        }
    }

    #[test]
    fn a_stored_token_is_adopted_only_if_it_is_newer_and_valid(plan in shared_plans()) {
        let mut replaced_tokens: Vec<String> = Vec::new();
        for step in plan.run() {
            if let (Input::StoreRead(_, Ok(Some(StoredRecord { tokens: Some(stored), .. }))), Some(now_held)) = (&step.input, &step.after.held)
                && step.before.held.as_ref() != Some(now_held)
            {
                let name = now_held.access_token.expose();
                assert_eq!(name, stored.access_token.expose());
                assert!(step.at < now_held.expires_at, "{step:#?}");
                assert!(now_held.refresh_token.is_none(), "{step:#?}");
                assert!(!replaced_tokens.iter().rev().take(16).any(|it| it == name), "{step:#?}");
                let signed_out = step.effects.contains(&Effect::Emit(Event::Cleared));
                if let Some(old) = step.before.held.as_ref().filter(|_| !signed_out) {
                    assert!(old.expires_at < now_held.expires_at, "{step:#?}");
                    assert!(!now_held.times.is_older_than(&old.times), "{step:#?}");
                }
            }
            let replaced = step.before.held.clone().filter(|held| step.after.held.as_ref() != Some(held));
            replaced_tokens.extend(replaced.map(|old| old.access_token.expose().to_owned()));
        }
    }

    #[test]
    fn a_failing_store_costs_no_token(plan in plans(), lease in any::<bool>()) {
        let lease = lease.then_some(seconds(20));
        // A sign-out that cannot reach the store fails.
        let plan = plan.without_sign_outs();
        let mut shared = plan.clone();
        shared.policy.sharing = Some(Sharing { lease, announces: false });
        let history = plan.run();

        let effects = shared.replay_without_a_store(history.iter().map(|step| (step.at, step.input.clone())));

        for (step, effects) in history.iter().zip(effects) {
            let rest: Vec<_> = effects.into_iter().filter(|it| !is_about_the_store(it)).collect();
            assert_eq!(step.effects, rest, "{step:#?}");
        }
    }

    #[test]
    fn a_store_failure_is_announced_once_until_the_store_works(plan in shared_plans()) {
        let mut fails = false;
        for step in plan.run() {
            let worked = matches!(step.input, Input::StoreChanged | Input::Cleared | Input::StoreRead(_, Ok(_)));
            let told = step.effects.iter().filter(|it| matches!(it, Effect::Emit(Event::StoreFailed(_)))).count();
            assert!(told == 0 || !fails || worked, "{step:#?}");
            fails = (fails || told > 0) && !worked;
        }
    }

    #[test]
    fn close_waits_for_a_grant_in_flight_under_a_lease(plan in shared_plans()) {
        let history = plan.run();
        let closed = history.iter().position(|step| matches!(step.input, Input::Closed));
        let (close, after) = history[closed.expect("every history ends with a close")..].split_first().expect("a close");

        assert!(close.before.waiting.keys().eq(close.resolved().map(|(call, _)| call).collect::<BTreeSet<_>>().iter()));
        let leased = close.before.store.lease.is_some_and(|it| matches!(it, Holder::We(_)));
        let cancelled = close.effects.iter().any(|it| matches!(it, Effect::Cancel(_)));
        assert!(!cancelled || close.before.in_flight.is_some(), "{close:#?}");
        assert!(!(cancelled && leased) || was_impatient(close) || close.before.store.failures > 0 || is_overdue(close), "{close:#?}");
        let was_signed_out = history.iter().any(|step| matches!(step.input, Input::Cleared));
        for step in after {
            assert!(!step.effects.iter().any(|it| matches!(it, Effect::Send(..))), "{step:#?}");
            // The record of before a sign-out is still replaced.
            let acts = |it: &Effect| match it {
                Effect::ReadStore(_) | Effect::AcquireLease(_) | Effect::Emit(Event::StoreFailed(_)) => !was_signed_out,
                it => matches!(it, Effect::Emit(_)),
            };
            assert!(!step.effects.iter().any(acts), "{step:#?}");
            // Pending calls may be lost.
            assert_eq!(step.after.timeout.is_some(), step.after.acquisition.is_some(), "{step:#?}");
            if let Some(Ok(tokens)) = step.answer() {
                let saved = step.effects.iter().find_map(|it| if let Effect::WriteStore(_, Some(_), saved) = it { saved.tokens.as_ref() } else { None });
                let saved = saved.expect("a grant that was awaited is saved");
                assert_eq!(saved.access_token, tokens.access_token, "{step:#?}");
            }
        }
        assert_eq!(history.last().and_then(|step| step.after.acquisition), None);
    }

    #[test]
    fn an_acquisition_with_a_fenced_claim_presents_no_refresh_token(plan in shared_plans()) {
        for step in plan.run() {
            if let Input::StoreWritten(_, Ok(WriteOutcome::Fenced)) = step.input {
                let presents = step.effects.iter().any(|it| matches!(it, Effect::Send(_, Grant::Refresh(_))));
                assert!(!presents || was_impatient(&step), "{step:#?}");
            }
        }
    }
}

fn is_about_the_store(effect: &Effect) -> bool {
    matches!(
        effect,
        Effect::ReadStore(_)
            | Effect::AcquireLease(_)
            | Effect::WriteStore(..)
            | Effect::ReleaseLease(_)
            | Effect::Emit(Event::StoreFailed(_))
    )
}

/// Returns whether the next request had to start a refresh.
fn is_due(plan: &Plan, step: &Step) -> bool {
    step.before.held.as_ref().is_some_and(|held: &Rc<TokenSet>| {
        plan.policy.refresh_at(held.issued_at, held.expires_at, 1.0) <= step.at
    })
}

/// Returns whether a call of the store is pending.
fn awaits_store(step: &Step) -> bool {
    !step.after.store.pending.is_empty()
}

/// Returns whether the deadline of the pending step has passed.
fn is_overdue(step: &Step) -> bool {
    step.before.timeout.is_some_and(|at| at <= step.at)
}

/// Returns whether the lease was denied for so long that a grant may be sent without it.
fn was_impatient(step: &Step) -> bool {
    step.before.store.denials > 0
}

const ACQUISITION: AcquisitionId = AcquisitionId(1);

/// A session with a request in flight, under a lease of 20 s.
fn permits_held() -> Session {
    let sharing = Some(Sharing { lease: Some(seconds(20)), announces: true });
    let policy = Policy { sharing, ..Policy::default() };
    let mut machine = Session::new(policy, scopes(&[]), Jitter::new(1));
    for input in [
        Input::Requested(CallId(1), TokenRequest::DEFAULT),
        Input::StoreRead(ACQUISITION, Ok(None)),
        Input::LeaseAnswered(ACQUISITION, Ok(Some(Fence(1)))),
        Input::StoreRead(ACQUISITION, Ok(None)),
    ] {
        let _ = machine.handle(input, START);
    }
    machine
}

#[test]
fn a_token_received_while_it_is_written_is_announced_once() {
    let mut machine = permits_held();
    let tokens = token("new", START, seconds(180));
    let _ = machine.handle(Input::Granted(ACQUISITION, Ok(tokens.clone())), START);

    assert_eq!(machine.handle(Input::TokenReceived(tokens), START), []);

    let effects = machine.handle(Input::StoreWritten(ACQUISITION, Ok(WriteOutcome::Stored)), START);
    let told = effects.iter().filter(|it| matches!(it, Effect::Emit(Event::Token { .. }))).count();
    assert_eq!((effects.len(), told), (3, 1), "{effects:?}");
}

#[test]
fn a_forced_refresh_joins_a_grant_in_progress_of_another_holder_and_no_earlier_one() {
    for (others_ask, served) in [(true, 1), (false, 0)] {
        let sharing = Some(Sharing { lease: Some(seconds(20)), announces: true });
        let policy = Policy { sharing, ..Policy::default() };
        let mut machine = Session::new(policy, scopes(&[]), Jitter::new(1));
        let _ = machine.handle(Input::Requested(CallId(1), TokenRequest::Forced), START);
        if others_ask {
            let _ = machine.handle(Input::StoreRead(ACQUISITION, Ok(None)), START);
            let _ = machine.handle(Input::LeaseAnswered(ACQUISITION, Ok(None)), START);
            let _ = machine.handle(Input::StoreChanged, START);
        }

        let shared = Ok(Some(record(token("theirs", START, seconds(180)))));
        let effects = machine.handle(Input::StoreRead(ACQUISITION, shared), START);

        let resolved = effects.iter().filter(|it| matches!(it, Effect::Resolve(CallId(1), Ok(_)))).count();
        assert_eq!(resolved, served, "{effects:?}");
    }
}

#[test]
fn a_store_that_has_worked_since_is_announced_when_it_fails_again() {
    let sharing = Some(Sharing { lease: Some(seconds(20)), announces: true });
    let mut machine = Session::new(Policy { sharing, ..Policy::default() }, scopes(&[]), Jitter::new(1));
    let mut announced = Vec::new();

    // An hour apart, so that the token and the cool-down of the store are over.
    for (number, works) in [(1, false), (2, true), (3, false)] {
        let now = START + seconds(3_600 * number);
        let tokens = token("held", now, seconds(180));
        let read = if works { Ok(Some(record(tokens.clone()))) } else { Err(failure(ErrorCode::Store)) };
        let mut effects = machine.handle(Input::Requested(CallId(number), TokenRequest::DEFAULT), now);
        effects.extend(machine.handle(Input::StoreRead(AcquisitionId(number), read), now));
        effects.extend(machine.handle(Input::Granted(AcquisitionId(number), Ok(tokens)), now));
        announced.push(effects.iter().any(|it| matches!(it, Effect::Emit(Event::StoreFailed(_)))));
    }

    assert_eq!(announced, [true, false, true]);
}
