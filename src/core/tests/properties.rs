//! Properties of every history of a session.
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
    history::{Plan, Step, any_plans, config, plans},
    seconds,
};
use crate::core::{
    AcquisitionId, CachedToken, CallId, Effect, ErrorCode, Event, Generation, Grant, GrantFailure, Input,
    IoScope, Policy, RefreshMode, RefreshTokenRotation, Rejection, TokenError, TokenRequest, TokenSet,
    UnixMillis, cool_down,
};

proptest! {
    #![proptest_config(config())]

    #[test]
    fn at_most_one_request_is_in_flight(plan in any_plans()) {
        let mut in_flight = None;
        for step in plan.run() {
            if let Input::Granted(id, _) = step.input && in_flight == Some(id) {
                in_flight = None;
            }
            for effect in &step.effects {
                match effect {
                    Effect::Send(id, _) => assert_eq!(in_flight.replace(*id), None, "{step:#?}"),
                    Effect::Cancel(id) => assert_eq!(in_flight.take(), Some(*id), "{step:#?}"),
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn every_call_is_resolved_once_or_cancelled(plan in any_plans()) {
        let mut waiting = BTreeSet::new();
        for step in plan.run() {
            match step.input {
                Input::Requested(call, _) => drop(waiting.insert(call)),
                Input::Cancelled(call) => drop(waiting.remove(&call)),
                _ => {}
            }
            for (call, _) in step.resolved() {
                assert!(waiting.remove(&call), "{call:?} does not wait: {step:#?}");
            }
        }
        assert!(waiting.is_empty(), "{waiting:?} wait after the close");
    }

    #[test]
    fn no_caller_receives_an_expired_token(plan in any_plans()) {
        for step in plan.run() {
            for (_, answer) in step.resolved() {
                assert!(answer.as_ref().is_ok_and(|received| step.at < received.expires_at) || answer.is_err(), "{step:#?}");
            }
        }
    }

    #[test]
    fn no_caller_receives_a_token_past_served_until_unless_the_grant_failed(plan in any_plans()) {
        for step in plan.run() {
            let failed = step.before.remembered.is_some() || step.after.remembered.is_some();
            for (call, answer) in step.resolved() {
                if let (Ok(received), Some(TokenRequest::Cached { min_validity, .. })) = (answer, token_request(&step, call)) {
                    let until = plan.policy.served_until(received.issued_at, received.expires_at, min_validity);
                    assert!(step.at < until || failed, "{step:#?}");
                }
            }
        }
    }

    #[test]
    fn no_caller_receives_a_refresh_token(plan in any_plans()) {
        for step in plan.run() {
            for (_, answer) in step.resolved() {
                assert!(answer.as_ref().ok().and_then(|received| received.refresh_token.as_ref()).is_none(), "{step:#?}");
            }
        }
    }

    #[test]
    fn a_refresh_token_is_presented_once_unless_it_was_not_used_or_a_response_contains_no_new_one(plan in any_plans()) {
        let mut spent: Vec<String> = Vec::new();
        let mut presented = None;
        for step in plan.with_rotation(RefreshTokenRotation::Strict).run() {
            let is_usable_again = match step.answer() {
                Some(Ok(tokens)) => tokens.refresh_token.is_none(),
                Some(Err(failure)) => matches!(failure, GrantFailure::NotProcessed(_)),
                None => false,
            };
            if is_usable_again {
                spent.retain(|it| Some(it) != presented.as_ref());
            }
            for effect in &step.effects {
                if let Effect::Send(_, grant) = effect {
                    presented = None;
                    if let Grant::Refresh(token) = grant {
                        assert!(!spent.contains(&token.expose().to_owned()), "{step:#?}");
                        spent.push(token.expose().to_owned());
                        presented = spent.last().cloned();
                    }
                }
            }
        }
    }

    #[test]
    fn an_acquisition_presents_the_last_refresh_token_if_it_is_unused(plan in plans()) {
        let (mut kept, mut presented) = (None, None);
        for step in plan.with_rotation(RefreshTokenRotation::Strict).run() {
            if let Some(Ok(tokens)) = step.answer() && step.at < tokens.expires_at {
                kept = tokens.refresh_token.clone().or_else(|| presented.take());
            }
            if let Some(Err(GrantFailure::NotProcessed(_))) = step.answer() {
                kept = presented.take();
            }
            if matches!(step.input, Input::Cleared) {
                (kept, presented) = (None, None);
            }
            for effect in &step.effects {
                if let Effect::Send(_, grant) = effect {
                    let refresh_token = if let Grant::Refresh(token) = grant { Some(token) } else { None };
                    assert_eq!(refresh_token, kept.as_ref(), "{step:#?}");
                    presented = kept.take();
                }
            }
        }
    }

    #[test]
    fn a_stale_response_changes_nothing(plan in any_plans()) {
        assert_inert(&plan, |step| matches!(step.input, Input::Granted(..)) && step.answer().is_none());
    }

    #[test]
    fn the_rejection_of_another_token_changes_nothing(plan in any_plans()) {
        assert_inert(&plan, |step| match &step.input {
            Input::TokenInvalidated(token) | Input::TokenRejected(token, _) => step.before.held.as_ref().is_none_or(|held| held.access_token != *token),
            _ => false,
        });
    }

    #[test]
    fn the_rejection_of_the_cached_token_invalidates_it(plan in any_plans()) {
        for step in plan.run() {
            if let (Input::TokenInvalidated(token), Some(held)) = (&step.input, &step.before.held)
                && held.access_token == *token
            {
                assert_eq!(step.after.held, None, "{step:#?}");
            }
        }
    }

    #[test]
    fn a_token_granted_after_a_rejection_is_not_replaced_by_an_older_one(plan in plans()) {
        for step in plan.run() {
            if let Input::TokenRejected(_, Rejection::AfterRenewal) = step.input {
                assert_eq!(step.after.held, step.before.held, "{step:#?}");
            }
        }
    }

    #[test]
    fn a_cancelled_call_does_not_affect_other_callers(plan in plans()) {
        // A sign-out starts over for the callers that wait.
        let plan = plan.without_sign_outs();
        let history = plan.run();
        let given_up: BTreeSet<_> = history
            .iter()
            .filter_map(|step| if let Input::Cancelled(call) = step.input { Some(call) } else { None })
            .collect();
        let others = |effects: Vec<Effect>| -> Vec<Effect> {
            let about_them = |it: &Effect| matches!(it, Effect::Resolve(call, _) if given_up.contains(call));
            effects.into_iter().filter(|it| !about_them(it)).collect()
        };
        // One difference is allowed: a backoff without waiters may end when a token is received.
        let unseen = |input: &Input| if let Input::TokenReceived(_) = input { Input::TimerFired } else { input.clone() };
        let stayed = |input: &Input| if let Input::Cancelled(_) = input { Input::TimerFired } else { unseen(input) };

        let evicted = plan.replay(history.iter().map(|step| (step.at, unseen(&step.input))));
        let patient = plan.replay(history.iter().map(|step| (step.at, stayed(&step.input))));

        for ((step, evicted), patient) in history.iter().zip(evicted).zip(patient) {
            assert_eq!(others(evicted), others(patient), "{step:#?}");
        }
    }

    #[test]
    fn a_received_token_never_replaces_a_newer_one(plan in any_plans()) {
        let mut replaced_tokens: Vec<String> = Vec::new();
        for step in plan.run() {
            let replaced = step.before.held.clone().filter(|held| step.after.held.as_ref() != Some(held));
            if let (Input::TokenReceived(tokens), Some(old)) = (&step.input, &replaced) {
                assert!(!tokens.times.is_older_than(&old.times), "{step:#?}");
            }
            if let (Input::TokenReceived(tokens), true) = (&step.input, adopted(&step)) {
                let name = tokens.access_token.expose();
                assert!(!replaced_tokens.iter().rev().take(16).any(|it| it == name), "{step:#?}");
                assert!(step.at < tokens.expires_at, "{step:#?}");
            }
            replaced_tokens.extend(replaced.map(|old| old.access_token.expose().to_owned()));
        }
    }

    #[test]
    fn the_timeout_is_in_the_future(plan in any_plans()) {
        for step in plan.run() {
            assert!(step.after.timeout.is_none_or(|timeout| timeout > step.at), "{step:#?}");
        }
    }

    #[test]
    fn no_acquisition_outlasts_the_limits_of_its_steps(plan in any_plans()) {
        let longest = Duration::from_millis(plan.policy.limits.deadline(crate::core::Step::Either));
        for step in plan.run() {
            let Some(acquisition) = step.after.acquisition else { continue };
            let timeout = step.after.timeout.expect("an acquisition has a deadline, or the end of its delay");
            if step.after.in_flight == Some(acquisition) {
                assert!(timeout <= step.at + longest, "{step:#?}");
            }
        }
    }

    #[test]
    fn an_early_timer_does_nothing(plan in any_plans()) {
        let history = plan.run();
        let early = |step: &Step| {
            matches!(step.input, Input::TimerFired) && step.before.timeout.is_none_or(|timeout| step.at < timeout)
        };
        assert!(history.iter().all(|step| !early(step) || step.effects.is_empty()));

        let heard: Vec<_> = history.iter().filter(|step| !early(step)).collect();
        let effects = plan.replay(heard.iter().map(|step| (step.at, step.input.clone())));

        for (step, effects) in heard.iter().zip(effects) {
            assert_eq!(step.effects, effects, "{step:#?}");
        }
    }

    #[test]
    fn at_most_five_unforced_grants_start_within_a_second(plan in plans()) {
        let started = starts(&plan.run(), |step| {
            let forced = matches!(step.input, Input::Requested(_, TokenRequest::Forced));
            // A grant that became due during sleep is counted at its due time.
            let late = !step.begins() && step.before.timeout.is_some_and(|due| due < step.at);
            !forced && !late
        });
        for window in started.windows(6) {
            assert!(window[5].since(window[0]) >= seconds(1), "{window:?}");
        }
    }

    #[test]
    fn background_grants_are_a_second_apart(plan in any_plans()) {
        let started = starts(&plan.run(), is_background);
        for pair in started.windows(2) {
            assert!(pair[1].since(pair[0]) >= seconds(1), "{pair:?}");
        }
    }

    #[test]
    fn close_resolves_all_callers_at_once_and_nothing_follows(plan in plans()) {
        let history = plan.run();
        let closed = history.iter().position(|step| matches!(step.input, Input::Closed));
        let (close, after) = history[closed.expect("every history ends with a close")..]
            .split_first()
            .expect("it begins with the close");
        let resolved: BTreeMap<_, _> = close.resolved().collect();

        assert!(close.before.waiting.keys().eq(resolved.keys()), "{close:#?}");
        assert!(resolved.values().all(|answer| is_closed(answer)), "{close:#?}");
        let cancelled = close.effects.iter().find_map(|it| if let Effect::Cancel(id) = it { Some(*id) } else { None });
        assert_eq!(cancelled, close.before.in_flight, "{close:#?}");
        assert_eq!(close.effects.last(), Some(&Effect::Emit(Event::Closed)), "{close:#?}");
        for step in std::iter::once(close).chain(after) {
            let view = &step.after;
            assert_eq!((&view.held, view.acquisition, view.timeout, view.served_until), (&None, None, None, None));
        }
        for step in after {
            let is_request = matches!(step.input, Input::Requested(..));
            assert_eq!(step.effects.len(), usize::from(is_request), "{step:#?}");
            assert!(step.resolved().all(|(_, answer)| is_closed(answer)), "{step:#?}");
        }
    }

    #[test]
    fn a_failure_never_discards_a_token(plan in any_plans()) {
        for step in plan.run() {
            if given_up(&step).is_some() {
                assert_eq!(held_at_failure(&step), step.after.held.as_ref(), "{step:#?}");
            }
        }
    }

    #[test]
    fn all_waiters_share_the_failure_or_the_remaining_token(plan in any_plans()) {
        for step in plan.run() {
            let Some(error) = given_up(&step) else { continue };
            let rest = held_at_failure(&step).filter(|held| step.at < held.expires_at);
            let mut waiting = step.before.waiting.clone();
            match &step.input {
                Input::Requested(call, request) => _ = waiting.insert(*call, request.clone()),
                Input::Cancelled(call) => _ = waiting.remove(call),
                _ => {}
            }
            assert_eq!(step.resolved().count(), waiting.len(), "{step:#?}");
            for (call, answer) in step.resolved() {
                match (rest, &waiting[&call]) {
                    (Some(rest), request @ TokenRequest::Cached { .. }) => assert_given(answer, rest, request),
                    (Some(_), TokenRequest::Forced) | (None, _) => assert_eq!(answer.as_ref(), Err(error), "{step:#?}"),
                }
            }
        }
    }

    #[test]
    fn during_a_cool_down_only_forced_grants_are_sent(plan in any_plans()) {
        for (step, until) in cooled(&plan.run()) {
            if step.at < until && step.begins() {
                assert!(matches!(step.input, Input::Requested(_, TokenRequest::Forced)), "until {until:?}: {step:#?}");
            }
        }
    }

    #[test]
    fn during_a_cool_down_callers_are_rejected_at_once_and_after_it_they_wait(plan in any_plans()) {
        for (step, until) in cooled(&plan.run()) {
            let Input::Requested(call, request @ TokenRequest::Cached { min_validity, .. }) = &step.input else { continue };
            let served = step.before.held.as_ref().is_some_and(|held| {
                step.at < plan.policy.served_until(held.issued_at, held.expires_at, *min_validity)
            });
            if served || step.before.acquisition.is_some() {
                continue;
            }
            if step.at >= until {
                assert!(step.after.waiting.contains_key(call), "{step:#?}");
                continue;
            }
            let (_, answer) = step.resolved().next().expect("an answer at once");
            match step.before.held.as_ref().filter(|held| step.at < held.expires_at) {
                Some(rest) => assert_given(answer, rest, request),
                None => {
                    let error = answer.as_ref().expect_err("the failure that is remembered");
                    assert_eq!(error.code, step.before.remembered.as_ref().expect("a failure").code);
                    assert!(error.retry_after.is_none_or(|left| left == until.since(step.at)), "{step:#?}");
                }
            }
        }
    }

    #[test]
    fn after_rejected_credentials_the_background_waits(plan in any_plans()) {
        let mut refused_at = None;
        for step in plan.run() {
            if let Some(error) = given_up(&step) {
                refused_at = (error.code == ErrorCode::InvalidCredentials).then_some(step.at);
            }
            if has_new_token(&step) {
                refused_at = None;
            }
            let has_waited = refused_at.is_none_or(|at| step.at >= at + seconds(5));
            assert!(has_waited || !is_background(&step), "{step:#?}");
        }
    }

    #[test]
    fn an_acquisition_makes_at_most_the_attempts_of_the_policy(plan in any_plans()) {
        let mut failures: BTreeMap<AcquisitionId, u32> = BTreeMap::new();
        for step in plan.run() {
            if let (Input::Granted(id, _), Some(Err(GrantFailure::Transient(_) | GrantFailure::NotProcessed(_)))) = (&step.input, step.answer()) {
                *failures.entry(*id).or_default() += 1;
            }
            for effect in &step.effects {
                if let Effect::Send(id, _) = effect {
                    assert!(failures.get(id).is_none_or(|&failed| failed < plan.policy.retry.attempts), "{step:#?}");
                }
            }
            if let Some(error) = given_up(&step) && let Some(attempts) = error.attempts {
                assert!(attempts <= plan.policy.retry.attempts, "{step:#?}");
            }
        }
    }

    #[test]
    fn a_retry_waits_for_its_delay_unless_a_forced_refresh_ends_it(plan in any_plans()) {
        let mut backoff = None;
        for step in plan.run() {
            if let Input::Requested(_, TokenRequest::Forced) = step.input {
                backoff = None;
            }
            if let (Some(id), Some((delayed, until))) = (step.sends(), backoff) {
                assert!(step.at >= until || id != delayed, "{step:#?}");
            }
            for effect in &step.effects {
                if let Effect::Emit(Event::Retry { delay, error, .. }) = effect {
                    assert!(*delay >= plan.policy.retry.base / 2, "{step:#?}");
                    assert!(*delay <= plan.policy.retry.max, "{step:#?}");
                    assert!(error.retry_after.is_none_or(|retry_after| retry_after <= *delay), "{step:#?}");
                    backoff = step.before.acquisition.map(|id| (id, step.at + *delay));
                }
            }
        }
    }

    #[test]
    fn all_waiters_receive_the_granted_token(plan in plans()) {
        for step in plan.run() {
            let Some(Ok(tokens)) = step.answer() else { continue };
            if tokens.expires_at <= step.at || step.before.held.is_some() && step.after.held == step.before.held {
                continue;
            }
            let held = step.after.held.as_ref().expect("the token that granted");
            assert_eq!(held.access_token, tokens.access_token, "{step:#?}");
            assert_eq!(step.resolved().count(), step.before.waiting.len(), "{step:#?}");
            for (call, answer) in step.resolved() {
                assert_given(answer, held, &step.before.waiting[&call]);
            }
        }
    }

    #[test]
    fn each_token_and_its_expiry_are_announced_once(plan in any_plans()) {
        let mut announced: BTreeSet<String> = BTreeSet::new();
        for step in plan.run() {
            let changed = step.after.held.is_some() && step.after.held != step.before.held;
            assert_eq!(has_new_token(&step), changed, "{step:#?}");
            if step.effects.contains(&Effect::Emit(Event::Expired)) {
                let held = step.after.held.as_ref().expect("an expired token is kept");
                assert!(held.expires_at <= step.at, "{step:#?}");
                assert!(announced.insert(held.access_token.expose().to_owned()), "{step:#?}");
            }
        }
    }

    #[test]
    fn callers_are_resolved_before_events_are_emitted(plan in any_plans()) {
        for step in plan.run() {
            let first_news = step.effects.iter().position(|it| matches!(it, Effect::Emit(_)));
            let last_settled = step.effects.iter().rposition(|it| matches!(it, Effect::Resolve(..)));
            assert!(first_news.is_none() || last_settled < first_news, "{step:#?}");
        }
    }

    #[test]
    fn until_served_until_a_call_would_return_the_same_token(plan in any_plans()) {
        let history = plan.run();
        let in_time = |step: &Step| {
            matches!(step.input, Input::Requested(_, TokenRequest::DEFAULT))
                && step.before.served_until.is_some_and(|until| step.at < until)
        };
        let events = history.iter().map(|step| (step.at, if in_time(step) { Input::TokenUsed } else { step.input.clone() }));

        for (step, mut effects) in history.iter().zip(plan.replay(events)) {
            if let (true, Input::Requested(call, _)) = (in_time(step), &step.input) {
                let held = step.before.held.clone().expect("what is served");
                effects.insert(0, Effect::Resolve(*call, Ok(held)));
            }
            assert_eq!(step.effects, effects, "{step:#?}");
        }
    }

    #[test]
    fn the_background_refreshes_as_the_policy_requires(plan in any_plans()) {
        let mut used = false;
        // Rejected credentials are withheld, also after a token was received from the API.
        let mut withheld = false;
        for step in plan.run() {
            used |= matches!(step.input, Input::Requested(..) | Input::TokenUsed)
                || step.before.held.is_some() && step.after.held.is_none();
            withheld &= !has_new_token(&step) || adopted(&step);
            withheld |= given_up(&step).is_some_and(|error| error.code == ErrorCode::InvalidCredentials);
            match plan.policy.refresh {
                _ if plan.policy.io_scope == IoScope::Request => assert!(!is_background(&step), "{step:#?}"),
                RefreshMode::Always | RefreshMode::WhileUsed if withheld => {}
                RefreshMode::Always => assert_refresh_is_planned(&plan, &step),
                RefreshMode::WhileUsed if used && !has_new_token(&step) => assert_refresh_is_planned(&plan, &step),
                RefreshMode::WhileUsed => assert!(used || !is_background(&step), "{step:#?}"),
                RefreshMode::OnDemand => assert!(!is_background(&step), "{step:#?}"),
            }
            used &= !has_new_token(&step);
        }
    }
}

/// Checks that a history without the inputs selected by `inert` has the same effects.
fn assert_inert(plan: &Plan, inert: impl Fn(&Step) -> bool) {
    let history = plan.run();
    let events = history
        .iter()
        .map(|step| (step.at, if inert(step) { Input::TimerFired } else { step.input.clone() }));

    for (step, effects) in history.iter().zip(plan.replay(events)) {
        assert_eq!(step.effects, effects, "{step:#?}");
    }
}

fn token_request(step: &Step, call: CallId) -> Option<TokenRequest> {
    match &step.input {
        Input::Requested(caller, request) if *caller == call => Some(request.clone()),
        _ => step.before.waiting.get(&call).cloned(),
    }
}

/// Returns whether the received token is cached now. The step may also cache a granted token, for which the store was late.
fn adopted(step: &Step) -> bool {
    let Input::TokenReceived(received) = &step.input else { return false };
    let is_held = step.after.held.as_ref().is_some_and(|held| held.access_token == received.access_token);
    has_new_token(step) && is_held
}

fn has_new_token(step: &Step) -> bool {
    step.effects.iter().any(|it| matches!(it, Effect::Emit(Event::Token { .. })))
}

/// The failure that ended an acquisition in this step.
fn given_up(step: &Step) -> Option<&TokenError> {
    step.effects.iter().find_map(|it| match it {
        Effect::Emit(Event::Error { error, .. }) => Some(error),
        _ => None,
    })
}

/// Returns the token that was cached when an acquisition failed: the input is handled before an overdue step of the
/// acquisition is noticed, and may have replaced or discarded the token that was cached before.
fn held_at_failure(step: &Step) -> Option<&Rc<TokenSet>> {
    match &step.input {
        Input::TokenReceived(_) if adopted(step) => step.after.held.as_ref(),
        Input::TokenInvalidated(token) | Input::TokenRejected(token, _) => {
            let held = step.before.held.as_ref()?;
            let is_discarded = step.after.held.is_none() && held.access_token == *token;
            (!is_discarded).then_some(held)
        }
        _ => step.before.held.as_ref(),
    }
}

fn is_closed(answer: &Result<Rc<TokenSet>, TokenError>) -> bool {
    answer.as_ref().is_err_and(|error| error.code == ErrorCode::Closed)
}

fn is_background(step: &Step) -> bool {
    step.begins() && !matches!(step.input, Input::Requested(..))
}

/// Times at which acquisitions of this kind sent their first request.
fn starts(history: &[Step], kind: impl Fn(&Step) -> bool) -> Vec<UnixMillis> {
    let mut seen = BTreeSet::new();
    let first = history.iter().filter(|step| step.sends().is_some_and(|id| seen.insert(id)));
    first.filter(|step| kind(step)).map(|step| step.at).collect()
}

/// Each step after a failure until the next token or sign-out, with the end of the cool-down.
fn cooled(history: &[Step]) -> Vec<(&Step, UnixMillis)> {
    let mut cooled = Vec::new();
    let mut failure = None;
    let mut has_sign_outs = false;
    for step in history {
        if matches!(step.input, Input::Closed) {
            break;
        }
        if let Input::StoreRead(_, Ok(Some(record))) = &step.input {
            has_sign_outs |= record.generation != Generation::default();
        }
        let signed_out = match step.input {
            Input::Cleared => true,
            // A read may show that another holder has signed out.
            Input::StoreRead(..) => has_sign_outs && step.after.remembered.is_none(),
            _ => false,
        };
        has_sign_outs |= signed_out;
        if has_new_token(step) || signed_out {
            failure = None;
        }
        cooled.extend(failure.map(|(_, until)| (step, until)));
        if let Some(error) = given_up(step) {
            let span = cool_down(failure.map_or(0, |(span, _)| span));
            let retry_after = error.retry_after.unwrap_or_default();
            failure = Some((span, step.at + Duration::from_millis(span).max(retry_after)));
        }
    }
    cooled
}

fn assert_given(answer: &Result<Rc<TokenSet>, TokenError>, held: &Rc<TokenSet>, request: &TokenRequest) {
    let cached = CachedToken::new(held.clone(), &Policy::default(), 0.0);
    match (answer, cached.missing_scopes(request)) {
        (Ok(received), None) => assert_eq!(received, held),
        (Err(error), Some(missing)) => {
            assert_eq!(error.code, ErrorCode::InsufficientScope);
            assert_eq!(error.missing_scopes, Some(missing));
        }
        (answer, missing) => panic!("{answer:?}, where {missing:?} is missing"),
    }
}

/// Checks that an unimpeded refresh of a cached token is scheduled before callers would wait.
fn assert_refresh_is_planned(plan: &Plan, step: &Step) {
    let Some(held) = &step.after.held else { return };
    if step.after.acquisition.is_none() && step.after.remembered.is_none() {
        let due = plan.policy.refresh_at(held.issued_at, held.expires_at, 0.0);
        // An empty bucket, and an acquisition that ended in its backoff.
        let schedule = step.at + seconds(6);
        assert!(step.after.timeout.is_some_and(|timeout| timeout <= due.max(schedule)), "{step:#?}");
    }
}
