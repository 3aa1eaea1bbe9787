//! Acquisitions after the end of their I/O with its host: the request of a Worker ended, a page was frozen, a context
//! was killed. No response will arrive.

use std::time::Duration;

use super::{START, failure, millis, scopes, seconds, token};
use crate::core::{
    AcquisitionId, CallId, Effect, ErrorCode, Fence, Grant, GrantFailure, Identity, Input, IoScope, Jitter,
    Limits, Policy, Pool, PoolEffect, ScopeSet, Session, Sharing, TokenRequest, UnixMillis,
};

/// Deadline of a request sent at [`START`]: its limit of 10 s and one second.
const DEADLINE: UnixMillis = UnixMillis::new(START.millis() + 11_000);

fn session(policy: Policy) -> Session {
    Session::new(policy, ScopeSet::default(), Jitter::new(1))
}

fn request(machine: &mut Session, call: u64, at: UnixMillis) -> Vec<Effect> {
    machine.handle(Input::Requested(CallId(call), TokenRequest::DEFAULT), at)
}

fn resolved(effects: &[Effect]) -> Vec<(u64, Option<&str>)> {
    let resolved = effects.iter().filter_map(|effect| {
        let Effect::Resolve(call, answer) = effect else { return None };
        Some((call.0, answer.as_ref().ok().map(|tokens| tokens.access_token.expose())))
    });
    resolved.collect()
}

fn in_requests() -> Policy {
    Policy { io_scope: IoScope::Request, ..Policy::default() }
}

#[test]
fn a_request_without_a_response_is_sent_again_at_its_deadline_and_not_before() {
    let mut machine = session(Policy::default());
    let _ = request(&mut machine, 1, START);

    assert_eq!(machine.poll_timeout(), Some(DEADLINE));
    assert_eq!(request(&mut machine, 2, DEADLINE - millis(1)), []);
    let effects = machine.handle(Input::TimerFired, DEADLINE);
    let again = Effect::Send(AcquisitionId(2), Grant::Authenticate);
    assert_eq!(effects, [Effect::Cancel(AcquisitionId(1)), again]);

    let late =
        machine.handle(Input::Granted(AcquisitionId(1), Ok(token("late", START, seconds(180)))), DEADLINE);
    assert_eq!(late, []);
    let granted = token("new", DEADLINE, seconds(180));
    let effects = machine.handle(Input::Granted(AcquisitionId(2), Ok(granted)), DEADLINE + millis(9));
    assert_eq!(resolved(&effects), [(1, Some("new")), (2, Some("new"))]);
}

#[test]
fn a_response_after_the_deadline_is_accepted_if_no_other_input_came_first() {
    let mut machine = session(Policy::default());
    let _ = request(&mut machine, 1, START);

    let late = DEADLINE + seconds(60);
    let effects =
        machine.handle(Input::Granted(AcquisitionId(1), Ok(token("late", late, seconds(180)))), late);

    assert_eq!(resolved(&effects), [(1, Some("late"))]);
}

#[test]
fn each_step_of_an_acquisition_has_a_deadline() {
    let mut machine = session(Policy::default());
    let _ = request(&mut machine, 1, START);

    let _ = machine.handle(Input::Progressed(AcquisitionId(1)), START + seconds(9));
    assert_eq!(machine.poll_timeout(), Some(DEADLINE + seconds(9)));
    let _ = machine.handle(Input::Progressed(AcquisitionId(7)), START + seconds(10));
    assert_eq!(machine.poll_timeout(), Some(DEADLINE + seconds(9)), "of another acquisition");
}

/// A session with request-scoped I/O and a token that is due for a refresh, and the time of that.
fn due() -> (Session, UnixMillis) {
    let mut machine = session(in_requests());
    let _ = request(&mut machine, 1, START);
    let _ = machine.handle(Input::Granted(AcquisitionId(1), Ok(token("held", START, seconds(180)))), START);
    let due = machine.served_until().expect("a token is held");
    assert!(due < START + seconds(136), "the refresh is due, not the token over");
    (machine, due)
}

#[test]
fn with_request_scoped_io_no_timer_starts_a_refresh() {
    let (mut machine, due) = due();

    assert_eq!(machine.handle(Input::TimerFired, due + seconds(1)), []);
    assert_eq!(machine.poll_timeout(), Some(START + seconds(180)), "only the expiry input");
}

#[test]
fn with_request_scoped_io_only_the_caller_that_starts_a_refresh_waits_for_it() {
    let (mut machine, due) = due();

    assert!(matches!(request(&mut machine, 2, due)[..], [Effect::Send(..)]));
    assert_eq!(resolved(&request(&mut machine, 3, due)), [(3, Some("held"))]);
    let effects = machine
        .handle(Input::Granted(AcquisitionId(2), Ok(token("new", due, seconds(180)))), due + millis(9));
    assert_eq!(resolved(&effects), [(2, Some("new"))]);
}

#[test]
fn with_request_scoped_io_a_failed_refresh_resolves_its_caller_with_the_cached_token() {
    let (mut machine, due) = due();
    let _ = request(&mut machine, 2, due);

    let failed = Err(GrantFailure::Permanent(failure(ErrorCode::Protocol)));
    let effects = machine.handle(Input::Granted(AcquisitionId(2), failed), due);

    assert_eq!(resolved(&effects), [(2, Some("held"))]);
}

#[test]
fn with_request_scoped_io_the_next_caller_replaces_a_lost_refresh() {
    let (mut machine, due) = due();
    let _ = request(&mut machine, 2, due);

    assert_eq!(machine.served_until(), Some(due + seconds(11)));
    let effects = request(&mut machine, 3, due + seconds(11));
    assert_eq!(resolved(&effects), []);
    assert!(matches!(effects[..], [Effect::Cancel(_), Effect::Send(..)]), "{effects:?}");
    assert_eq!(resolved(&request(&mut machine, 4, due + seconds(12))), [(4, Some("held"))]);
}

#[test]
fn with_request_scoped_io_the_first_call_after_the_backoff_sends_the_retry() {
    let (mut machine, due) = due();
    let _ = request(&mut machine, 2, due);
    let failed = Err(GrantFailure::Transient(failure(ErrorCode::Server)));
    let _ = machine.handle(Input::Granted(AcquisitionId(2), failed), due);
    let _ = machine.handle(Input::Cancelled(CallId(2)), due);

    let resumes = machine.poll_timeout().expect("a backoff");
    assert_eq!(resolved(&request(&mut machine, 3, resumes - millis(1))), [(3, Some("held"))]);
    let effects = request(&mut machine, 4, resumes);
    assert!(matches!(effects[..], [Effect::Send(..)]), "{effects:?}");
}

const LEASE: Duration = seconds(5);

/// A session whose first request for the lease was lost, and whose second request was denied, and the effects of that.
fn denied_after_lost_lease(io_scope: IoScope, denied_after: Duration) -> (Session, Vec<Effect>) {
    let sharing = Some(Sharing { lease: Some(LEASE), announces: false });
    let mut machine = session(Policy { io_scope, sharing, ..Policy::default() });
    let _ = request(&mut machine, 1, START);
    let _ = machine.handle(Input::StoreRead(AcquisitionId(1), Ok(None)), START);
    let _ = machine.handle(Input::IoLost, START);
    let denied_at = START + denied_after;
    let _ = machine.handle(Input::StoreRead(AcquisitionId(2), Ok(None)), denied_at);
    let effects = machine.handle(Input::LeaseAnswered(AcquisitionId(2), Ok(None)), denied_at);
    (machine, effects)
}

#[test]
fn with_request_scoped_io_a_lease_that_may_be_the_sessions_own_is_not_waited_for() {
    let (mut machine, effects) = denied_after_lost_lease(IoScope::Request, LEASE - millis(1));
    assert!(matches!(effects[..], [Effect::Send(..)]), "{effects:?}");

    // Nor is it by the next acquisition, until the session has a lease again.
    let _ = machine.handle(Input::Granted(AcquisitionId(2), Ok(token("a", START, seconds(180)))), START);
    let renewed = |machine: &mut Session, id, lease| {
        let _ = machine.handle(Input::Requested(CallId(id), TokenRequest::Forced), START);
        let _ = machine.handle(Input::StoreRead(AcquisitionId(id), Ok(None)), START);
        machine.handle(Input::LeaseAnswered(AcquisitionId(id), Ok(lease)), START)
    };
    let effects = renewed(&mut machine, 3, None);
    assert!(matches!(effects[..], [Effect::Send(..)]), "{effects:?}");
    let _ = machine.handle(Input::Granted(AcquisitionId(3), Ok(token("b", START, seconds(180)))), START);
    let _ = renewed(&mut machine, 4, Some(Fence(1)));
    let _ = machine.handle(Input::StoreRead(AcquisitionId(4), Ok(None)), START);
    let _ = machine.handle(
        Input::Granted(AcquisitionId(4), Err(GrantFailure::Permanent(failure(ErrorCode::Protocol)))),
        START,
    );
    assert_eq!(renewed(&mut machine, 5, None), []);
}

#[test]
fn with_process_scoped_io_a_lease_is_waited_for_although_a_reply_was_lost() {
    assert_eq!(denied_after_lost_lease(IoScope::Process, Duration::ZERO).1, []);
}

#[test]
fn with_request_scoped_io_a_lease_is_waited_for_once_the_lost_one_has_expired() {
    assert_eq!(denied_after_lost_lease(IoScope::Request, LEASE).1, []);
}

#[test]
fn with_request_scoped_io_an_input_starts_io_of_its_own_session_only() {
    let identity = |number: u8| Identity::new([number; 16]);
    let own = (identity(0), scopes(&["A"]), ());
    let mut pool = Pool::new(in_requests(), Limits::default(), Jitter::new(1), own, START);
    let others = pool.open(identity(1), &scopes(&["A"]), (), START);
    for session in [pool.default_session(), others] {
        let _ = pool.handle(session, Input::Requested(CallId(1), TokenRequest::DEFAULT), START);
    }

    // Both requests are lost, and each session's own caller replaces its request.
    let effects = pool.handle(others, Input::TimerFired, DEADLINE);

    let concerned = |effect: &PoolEffect| matches!(effect, PoolEffect::Session(id, _) if *id == others);
    assert!(effects.iter().all(concerned), "{effects:?}");
    assert_eq!(effects.len(), 2, "{effects:?}");
    assert_eq!(pool.timer_fired(DEADLINE), []);
}
