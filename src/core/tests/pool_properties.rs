//! Properties of every history of a pool.
#![expect(clippy::wildcard_enum_match_arm, reason = "a property is about a few effects")]

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use proptest::prelude::*;

use super::{
    history::config,
    pool_history::{Cause, Health, PoolView, Selector, Siblings, Step, View, any_plans, plans, some_scopes},
};
use crate::core::{
    Borrowing, Effect, Input, PoolEffect, ScopeSet, Scoping, SessionId, TokenRequest, TokenSet, UnixMillis,
};

/// The sessions that were granted a permit in a step, in order.
fn permits_granted(before: Option<&Step>, step: &Step) -> Vec<SessionId> {
    let stood = |id: &SessionId| {
        before.is_none_or(|it| !it.sessions.contains_key(id) || it.sessions[id].health.is_some())
    };
    let received_input =
        if let Cause::Input(session, Input::Granted(..)) = &step.cause { Some(*session) } else { None };
    let sent = step.effects.iter().filter_map(|effect| match effect {
        PoolEffect::Session(session, Effect::Send(..)) => Some(*session),
        _ => None,
    });
    // A session keeps its permit when its refresh token was rejected.
    sent.filter(|session| received_input != Some(*session) || stood(session)).collect()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn grants_in_flight_stay_within_the_limit(plan in any_plans()) {
        for step in plan.run() {
            assert!(step.in_flight <= plan.limits.max_concurrent_grants, "{step:#?}");
            assert!(step.leases <= plan.limits.max_concurrent_grants, "{step:#?}");
            assert!(step.permits_held <= plan.limits.max_concurrent_grants, "{step:#?}");
        }
    }

    #[test]
    fn no_session_queues_while_a_permit_is_available(plan in any_plans()) {
        for step in plan.run() {
            if step.permits_held == plan.limits.max_concurrent_grants {
                continue;
            }
            assert!(step.sessions.values().all(|it| it.health != Some(Health::Healthy)), "{step:#?}");
            let none_asks = step.permits_held == 0;
            assert!(!none_asks || step.sessions.values().all(|it| it.health.is_none()), "{step:#?}");
        }
    }

    #[test]
    fn interactive_requests_go_first_except_for_every_fourth_permit(plan in any_plans()) {
        if plan.policy.sharing.is_some() {
            return Ok(());
        }
        let mut fenced = Vec::new();
        let mut before: Option<Step> = None;
        for step in plan.run() {
            let caller_left = step.sessions.values().any(|it| it.awaited && it.health == Some(Health::Healthy));
            for session in permits_granted(before.as_ref(), &step) {
                let for_nobody = step.sessions.get(&session).is_some_and(|it| !it.awaited);
                fenced.push(for_nobody && caller_left);
            }
            before = Some(step);
        }
        for window in fenced.windows(4) {
            assert!(window.iter().filter(|fenced| **fenced).count() <= 1, "{fenced:?}");
        }
    }

    #[test]
    fn each_call_is_resolved_once_and_none_waits_after_the_faults_end(plan in any_plans()) {
        let (steps, left) = plan.run_to_the_end();

        assert_eq!(left, 0, "{:#?}", steps.last());
        let last = steps.last().expect("the close");
        assert_eq!((last.leases, last.sessions.len(), last.timeout), (0, 1, None), "{last:#?}");
    }

    #[test]
    fn the_timeout_is_the_earliest_of_all_sessions_and_in_the_future(plan in any_plans()) {
        for step in plan.run() {
            let due = step.sessions.values().filter_map(|it| it.timeout);
            let idle = |it: &View| it.used.1 + plan.limits.idle + plan.limits.idle / 16;
            if plan.siblings == Siblings::None {
                let ends = step.sessions.values().filter(|it| it.idle && !it.is_default).map(idle);
                assert_eq!(step.timeout, due.chain(ends).min(), "{step:#?}");
            } else {
                assert!(step.timeout.is_none_or(|at| due.min().is_none_or(|due| at <= due)), "{step:#?}");
            }
            assert!(step.timeout.is_none_or(|at| at > step.at), "{step:#?}");
        }
    }

    #[test]
    fn the_summary_of_the_pool_matches_its_sessions(plan in any_plans()) {
        for step in plan.run() {
            let all = PoolView {
                sessions: step.sessions.len(),
                awaited: step.sessions.values().any(|it| it.awaited),
                busy: step.sessions.values().any(|it| !it.idle),
            };
            assert_eq!(step.all, all, "{step:#?}");
        }
    }

    #[test]
    fn a_session_with_a_changed_token_is_reported_as_dirty(plan in any_plans()) {
        let mut before = BTreeMap::new();
        for step in plan.run() {
            for (id, it) in &step.sessions {
                let served = (it.held.clone(), it.served_until);
                let changed = before.insert(*id, served.clone()).is_some_and(|before| before != served);
                // The driver knows the session that it sent an input to.
                let received_input = matches!(&step.cause, Cause::Input(received_input, _) if received_input == id);
                assert!(!changed || received_input || step.dirty.contains(id), "{id:?}: {step:#?}");
            }
        }
    }

    #[test]
    fn effects_are_ordered_by_callers_io_events_and_evictions(plan in any_plans()) {
        for step in plan.run() {
            let order: Vec<_> = step.effects.iter().map(|effect| match effect {
                PoolEffect::Session(_, Effect::Resolve(..)) => 0,
                PoolEffect::Session(_, Effect::Emit(_)) => 2,
                PoolEffect::Session(..) => 1,
                PoolEffect::Evicted(_) => 3,
            }).collect();
            assert!(order.is_sorted(), "{step:#?}");
        }
    }

    #[test]
    fn an_early_timer_does_nothing(plan in any_plans()) {
        let mut timeout = None;
        for step in plan.run() {
            if let Cause::TimerFired = step.cause && timeout.is_none_or(|at| step.at < at) {
                assert_eq!((&step.effects[..], step.dirty.len()), (&[][..], 0), "{step:#?}");
            }
            timeout = step.timeout;
        }
    }

    #[test]
    fn an_evicted_session_is_idle_and_the_least_recently_used_of_the_idle_ones(plan in plans(Siblings::None)) {
        let mut known: BTreeMap<SessionId, (u64, UnixMillis)> = BTreeMap::new();
        let mut closed = BTreeSet::new();
        for step in plan.run() {
            if let Cause::Input(id, Input::Closed) = &step.cause {
                closed.insert(*id);
            }
            let idle = |it: &&View| it.idle && !it.is_default;
            let oldest = step.sessions.values().filter(idle).map(|it| it.used).min();
            let others = step.sessions.len() - 1;
            let over = |used: (u64, UnixMillis)| used.1 + plan.limits.idle + plan.limits.idle / 16 <= step.at;
            let mut evicted = 0;
            for effect in &step.effects {
                let PoolEffect::Evicted(id) = effect else { continue };
                // A closed session is evicted when its last grant is stored, or lost at its deadline.
                if closed.contains(id) {
                    continue;
                }
                evicted += 1;
                let Some(used) = known.get(id) else { continue };
                assert!(oldest.is_none_or(|oldest| *used < oldest), "{step:#?}");
                assert!(over(*used) || others + evicted > plan.limits.max, "{step:#?}");
            }
            assert!(others <= plan.limits.max || step.sessions.values().filter(idle).count() == 0, "{step:#?}");
            assert!(!step.sessions.values().filter(idle).any(|it| over(it.used)), "{step:#?}");
            known.extend(step.sessions.iter().map(|(id, it)| (*id, it.used)));
        }
    }

    #[test]
    fn a_recreated_session_has_a_new_id(plan in any_plans()) {
        let mut evicted = BTreeSet::new();
        for step in plan.run() {
            assert!(step.sessions.keys().all(|id| !evicted.contains(id)), "{step:#?}");
            for effect in &step.effects {
                if let PoolEffect::Evicted(id) = effect {
                    assert!(evicted.insert(*id), "{step:#?}");
                }
            }
        }
    }

    #[test]
    fn a_call_receives_a_token_of_its_identity_requested_or_granted_with_its_scopes(plan in plans(Siblings::Several)) {
        let mut driver = plan.driver();
        driver.act_all(&plan.ops);
        let mut requests = BTreeMap::new();
        for step in &driver.steps {
            if let Cause::Input(_, Input::Requested(call, request)) = &step.cause {
                requests.insert(*call, request.clone());
            }
            for (call, selector, answer) in &step.resolved {
                let Ok(received) = answer else { continue };
                let owner = &driver.granted[received.access_token.expose()];
                assert_eq!(owner.identity, selector.identity, "{step:#?}");
                let needed = needed(selector, &requests[call]);
                let granted = received.scopes.as_ref().is_some_and(|granted| !needed.is_empty() && granted.includes(&needed));
                let requested = owner.scopes == selector.scopes || owner.scopes == needed;
                assert!(requested || granted, "{needed:?} of {owner:?}: {step:#?}");
                if matches!(requests[call], TokenRequest::Cached { borrowing: Borrowing::Forbidden, .. }) {
                    // Where scopes cannot be requested, the session's own token is returned.
                    let fixed = plan.limits.scoping == Scoping::Fixed;
                    let exact = if fixed { &selector.scopes } else { &needed };
                    assert_eq!(&owner.scopes, exact, "{step:#?}");
                }
            }
        }
    }

    #[test]
    fn a_call_does_not_wait_while_a_sibling_has_a_fresh_token_with_all_its_scopes(plan in plans(Siblings::Several)) {
        let mut driver = plan.driver();
        driver.act_all(&plan.ops);
        let mut before: BTreeMap<SessionId, View> = BTreeMap::new();
        for step in &driver.steps {
            if let Cause::Input(session, Input::Requested(call, request @ TokenRequest::Cached { min_validity, borrowing: Borrowing::Allowed, .. })) = &step.cause {
                let selector = driver.selector(*session);
                let needed = needed(&selector, request);
                let fresh = |held: &Rc<TokenSet>| {
                    let known = held.scopes.as_ref().is_some_and(|granted| granted.includes(&needed));
                    known && step.at < plan.policy.served_until(held.issued_at, held.expires_at, *min_validity)
                };
                let may = before.iter().any(|(id, it)| {
                    driver.selector(*id).identity == selector.identity && step.sessions.contains_key(id)
                        && !needed.is_empty() && it.held.as_ref().is_some_and(fresh)
                });
                let served = step.resolved.iter().any(|(resolved, _, answer)| resolved == call && answer.is_ok());
                assert!(!may || served, "{step:#?}");
            }
            before.clone_from(&step.sessions);
        }
    }

    #[test]
    fn two_selectors_share_a_session_exactly_if_they_are_equal(
        one in (0..4_u8, 0..4_u64),
        other in (0..4_u8, 0..4_u64),
        plan in plans(Siblings::Several),
    ) {
        let mut driver = plan.driver();
        driver.act_all(&plan.ops);
        let [one, other] = [one, other].map(|(identity, scopes)| Selector { identity, scopes: some_scopes(scopes) });
        let mut open = |selector: &Selector| {
            let (identity, scopes, context) = selector.to_parts();
            driver.pool.open(identity, &scopes, context, driver.now)
        };
        assert_eq!(open(&one) == open(&other), one == other);
        assert_eq!(open(&one), open(&one));
    }
}

/// The scopes that a call needs: those it requests, or else the session's.
fn needed(selector: &Selector, request: &TokenRequest) -> ScopeSet {
    match request {
        TokenRequest::Cached { scopes: Some(scopes_wanted), .. } if !scopes_wanted.is_empty() => {
            scopes_wanted.clone()
        }
        TokenRequest::Cached { .. } | TokenRequest::Forced => selector.scopes.clone(),
    }
}
