//! Scenarios of past defects, and boundaries that random histories rarely reach.

use std::rc::Rc;

use super::{START, failure, millis, scopes, seconds, token};
use crate::core::{
    AccessToken, AcquisitionId, CallId, Effect, ErrorCode, Event, GrantFailure, Input, Jitter, Policy,
    RefreshMode, ScopeSet, Session, TokenRequest, TokenSet, TokenTimes, UnixMillis,
};

fn session() -> Session {
    Session::new(Policy::default(), ScopeSet::default(), Jitter::new(1))
}

fn stamped(name: &str, at: UnixMillis, provider_time: UnixMillis) -> Rc<TokenSet> {
    let stamp = TokenTimes { issued_at: Some(provider_time), expires_at: None };
    let mut tokens = token(name, at, seconds(180));
    Rc::make_mut(&mut tokens).times = stamp;
    tokens
}

/// The tokens that callers received.
fn received(effects: &[Effect]) -> Vec<&str> {
    let received = effects.iter().filter_map(|effect| {
        if let Effect::Resolve(_, Ok(tokens)) = effect { Some(tokens.access_token.expose()) } else { None }
    });
    received.collect()
}

/// `refresh()`, answered at once with `tokens`; `number` is the acquisition.
fn refreshed(machine: &mut Session, number: u64, tokens: Rc<TokenSet>, now: UnixMillis) -> Vec<Effect> {
    let mut effects = machine.handle(Input::Requested(CallId(number), TokenRequest::Forced), now);
    effects.extend(machine.handle(Input::Granted(AcquisitionId(number), Ok(tokens)), now));
    effects
}

#[test]
fn callers_wait_at_most_seconds_after_refresh_was_called_in_a_loop() {
    let mut machine = session();
    for number in 1..=1000 {
        let name = number.to_string();
        let _ = refreshed(&mut machine, number, token(&name, START, seconds(180)), START);
    }
    let _ = machine.handle(Input::TokenInvalidated(AccessToken::new("1000")), START);

    let _ = machine.handle(Input::Requested(CallId(1001), TokenRequest::DEFAULT), START);

    assert_eq!(machine.poll_timeout(), Some(START + seconds(1)));
}

#[test]
fn refresh_returns_the_new_token_although_the_provider_set_its_clock_back() {
    let mut machine = session();
    let _ = refreshed(&mut machine, 1, stamped("old", START, START), START);

    let later = START + seconds(60);
    let effects = refreshed(&mut machine, 2, stamped("new", later, START - seconds(3600)), later);

    assert_eq!(received(&effects), ["new"]);
    assert_eq!(machine.tokens().map(|held| held.access_token.expose()), Some("new"));
}

#[test]
fn a_token_is_served_until_its_refresh_is_due_and_longer_during_the_refresh() {
    let mut machine = session();
    let _ = refreshed(&mut machine, 1, token("held", START, seconds(180)), START);
    let refresh_at = machine.poll_timeout().expect("a refresh is planned");

    assert_eq!(machine.served_until(), Some(refresh_at));
    let _ = machine.handle(Input::TimerFired, refresh_at);
    assert_eq!(machine.served_until(), Some(refresh_at + seconds(11)), "until that would be lost");
    let _ = machine.handle(Input::Progressed(AcquisitionId(2)), START + seconds(165));
    assert_eq!(machine.served_until(), Some(START + seconds(170)));
}

#[test]
fn a_retry_after_of_exactly_the_maximum_is_respected() {
    let mut machine = session();
    let _ = machine.handle(Input::Requested(CallId(1), TokenRequest::DEFAULT), START);
    let mut error = failure(ErrorCode::Server);
    error.retry_after = Some(seconds(30));

    let effects =
        machine.handle(Input::Granted(AcquisitionId(1), Err(GrantFailure::Transient(error))), START);

    let [Effect::Emit(Event::Retry { attempt: 2, delay, error })] = effects.as_slice() else {
        panic!("no retry: {effects:?}");
    };
    assert_eq!((*delay, error.code), (seconds(30), ErrorCode::Server));
    assert_eq!(machine.poll_timeout(), Some(START + seconds(30)));
}

#[test]
fn grants_and_failures_are_counted() {
    let mut machine = session();
    for number in 1..=3 {
        let _ = refreshed(&mut machine, number, token("held", START, seconds(180)), START);
    }
    for number in 4..=5 {
        let _ = machine.handle(Input::Requested(CallId(number), TokenRequest::Forced), START);
        let refused = Err(GrantFailure::Permanent(failure(ErrorCode::InvalidCredentials)));
        let _ = machine.handle(Input::Granted(AcquisitionId(number), refused), START);
    }

    let status = machine.status(START);

    assert_eq!((status.grants, status.failures), (3, 2));
}

#[test]
fn on_demand_a_call_in_the_refresh_window_starts_the_refresh_without_waiting() {
    let policy = Policy { refresh: RefreshMode::OnDemand, ..Policy::default() };
    let mut machine = Session::new(policy, ScopeSet::default(), Jitter::new(1));
    let _ = refreshed(&mut machine, 1, token("held", START, seconds(180)), START);
    let due = START + seconds(140);
    assert!(machine.handle(Input::TimerFired, due).is_empty());

    let effects = machine.handle(Input::Requested(CallId(2), TokenRequest::DEFAULT), due);

    assert_eq!(received(&effects), ["held"]);
    assert!(matches!(effects.last(), Some(Effect::Send(AcquisitionId(2), _))), "{effects:?}");
}

#[test]
fn missing_scopes_are_announced_when_they_change() {
    let mut machine = Session::new(Policy::default(), scopes(&["A", "B"]), Jitter::new(1));
    let mut heard = Vec::new();

    for (number, granted) in [["A", "X"], ["A", "X"], ["B", "X"], ["A", "B"], ["B", "X"]].iter().enumerate() {
        let mut tokens = token("held", START, seconds(180));
        Rc::make_mut(&mut tokens).scopes = Some(scopes(granted));
        for effect in refreshed(&mut machine, number as u64 + 1, tokens, START) {
            if let Effect::Emit(Event::ScopesMissing(missing)) = effect {
                heard.push((number, missing.listed()));
            }
        }
    }

    assert_eq!(heard, [(0, "B".to_owned()), (2, "A".to_owned()), (4, "A".to_owned())]);
}

#[test]
fn a_session_is_awaited_while_a_caller_waits() {
    let mut machine = session();
    assert!(!machine.is_awaited());

    let _ = machine.handle(Input::Requested(CallId(1), TokenRequest::DEFAULT), START);
    assert!(machine.is_awaited());

    let _ = machine.handle(Input::Cancelled(CallId(1)), START);
    assert!(!machine.is_awaited());
}

#[test]
fn a_token_of_the_same_second_is_accepted() {
    let mut machine = session();
    let _ = refreshed(&mut machine, 1, stamped("held", START, START), START);

    let _ = machine
        .handle(Input::TokenReceived(stamped("seen", START + millis(500), START)), START + millis(500));

    assert_eq!(machine.tokens().map(|held| held.access_token.expose()), Some("seen"));
}
