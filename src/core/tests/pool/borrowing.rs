//! Sessions of one identity that lend each other tokens.

use std::rc::Rc;

use super::{
    super::{scopes, seconds, token},
    Fixture, LIFETIME, identity, keeping, name, slots, with_scopes,
};
use crate::core::{
    ErrorCode, Input, Limits, Policy, RefreshMode, Rejection, Scoping, SessionId, TokenSet, pool::steps,
};

/// Sessions of one identity, each with its own scope set and a token.
fn siblings(count: usize) -> (Fixture, Vec<SessionId>) {
    let mut fixture = Fixture::new(Limits { max: 2 * count, ..slots(count) });
    let mut sessions = Vec::new();
    for number in 1..=count {
        let session = fixture.pool.open(identity(1), &subset(number), 1, fixture.now);
        fixture.request(session);
        fixture.grant(session, 1, None);
        sessions.push(session);
    }
    (fixture, sessions)
}

/// The scopes with their bit set in a number.
fn subset(number: usize) -> crate::core::ScopeSet {
    (0..16).filter(|bit| number >> bit & 1 == 1).map(|bit| format!("S{bit}")).collect()
}

#[test]
fn the_cost_of_a_session_does_not_grow_with_its_siblings() {
    let cost = |count| {
        let (mut fixture, sessions) = siblings(count);
        let costs = (1..=8).map(|more| {
            steps(|| {
                let session = fixture.pool.open(identity(1), &subset(count + more), 1, fixture.now);
                fixture.request(session);
                fixture.request(sessions[more]);
                fixture.handle(sessions[more + 8], Input::Closed);
            })
        });
        costs.sum::<usize>()
    };

    let (few, many) = (cost(200), cost(6_000));

    assert!(many < 4 * few, "{many} steps with thirty times as many siblings as for {few}");
}

#[test]
fn the_most_recently_used_siblings_lend_and_any_holder_of_a_rejected_token_is_found() {
    let (mut fixture, sessions) = siblings(300);
    let wide = fixture.pool.open(identity(1), &subset(0xffff), 1, fixture.now);
    fixture.request(wide);
    let granted = fixture.grant(wide, 1, Some(&["S0", "S12", "S14"]));
    let narrow = fixture.pool.open(identity(1), &subset(1 << 14), 1, fixture.now);
    let call = fixture.request(narrow);
    assert_eq!(fixture.resolved(), [(call, name(&granted))]);

    // An unused sibling is no longer considered.
    for session in &sessions[..80] {
        fixture.request(*session);
    }
    let unused = fixture.pool.open(identity(1), &subset(1 << 12), 1, fixture.now);
    fixture.request(unused);
    assert_eq!(fixture.resolved(), []);

    fixture.handle(narrow, Input::TokenRejected(granted.access_token.clone(), Rejection::First));
    assert_eq!(fixture.pool.session(wide).and_then(|it| it.tokens()), None);
}

#[test]
fn a_token_belongs_to_the_session_it_was_granted_to_even_after_its_replacement() {
    let mut fixture = Fixture::new(Limits::default());
    let wide = fixture.open(1, &["A", "B"]);
    let narrow = fixture.open(1, &["A"]);
    let stranger = fixture.open(2, &["A", "B"]);
    fixture.request(wide);
    let lent = fixture.grant(wide, 1, None).access_token.clone();
    let newer = token("newer", fixture.now, seconds(LIFETIME));

    assert_eq!(fixture.pool.session_of_token(narrow, &lent), Some(wide));
    assert_eq!(fixture.pool.session_of_token(wide, &lent), Some(wide));
    assert_eq!(fixture.pool.session_of_token(stranger, &lent), None);
    assert_eq!(fixture.pool.session_of_token(narrow, &newer.access_token), None);

    fixture.handle(wide, Input::TokenReceived(newer));

    assert_eq!(fixture.pool.session_of_token(narrow, &lent), Some(wide));
}

/// Opens three sessions of one identity: the first holds a token, the second uses it, and the third, used last, holds
/// one of its own. Returns the sessions and both tokens.
fn tokens_of_two_siblings(fixture: &mut Fixture) -> ([SessionId; 3], [Rc<TokenSet>; 2]) {
    let wide = fixture.open(1, &["A", "B"]);
    fixture.request(wide);
    let first = fixture.grant(wide, 1, Some(&["A", "B"]));
    let narrow = fixture.open(1, &["A"]);
    fixture.request(narrow);
    let last = fixture.open(1, &["C"]);
    fixture.request(last);
    let second = fixture.grant(last, 1, Some(&["C"]));
    ([wide, narrow, last], [first, second])
}

#[test]
fn the_holder_of_a_rejected_token_is_found_where_it_was_not_used_last() {
    for is_certain in [false, true] {
        let mut fixture = Fixture::new(Limits::default());
        let ([wide, narrow, last], [lent, own]) = tokens_of_two_siblings(&mut fixture);
        let rejected = lent.access_token.clone();

        let input = if is_certain {
            Input::TokenInvalidated(rejected)
        } else {
            Input::TokenRejected(rejected, Rejection::First)
        };
        fixture.handle(narrow, input);

        let held = |session| fixture.pool.session(session).and_then(|it| it.tokens());
        assert_eq!(held(wide), None);
        assert_eq!(held(last).map(|tokens| &tokens.access_token), Some(&own.access_token));
    }
}

#[test]
fn the_owner_of_a_token_is_found_where_it_was_not_used_last() {
    let mut fixture = Fixture::new(Limits::default());
    let (sessions, [lent, own]) = tokens_of_two_siblings(&mut fixture);
    let [wide, _, last] = sessions;

    for session in sessions {
        assert_eq!(fixture.pool.session_of_token(session, &lent.access_token), Some(wide));
        assert_eq!(fixture.pool.session_of_token(session, &own.access_token), Some(last));
    }
}

#[test]
fn requested_scopes_are_granted_once_and_separately_and_other_callers_keep_their_token() {
    let mut fixture = Fixture::new(Limits::default());
    let narrow = fixture.open(1, &["A"]);
    fixture.request(narrow);
    let held = fixture.grant(narrow, 1, Some(&["A"]));

    let stepping = fixture.request_with(narrow, with_scopes(&["B"]));
    let [sibling] = fixture.sent()[..] else { panic!("one grant") };
    assert_eq!(fixture.pool.session(sibling).map(|it| it.scopes().clone()), Some(scopes(&["B"])));
    assert_eq!(fixture.pool.selector(sibling), Some(&1));
    let joining = fixture.request_with(narrow, with_scopes(&["B"]));
    assert_eq!((fixture.sent(), fixture.resolved()), (vec![], vec![]));
    let other = fixture.request(narrow);
    assert_eq!(fixture.resolved(), [(other, name(&held))]);

    let granted = fixture.grant(sibling, 1, Some(&["B"]));
    assert_eq!(fixture.resolved(), [(stepping, name(&granted)), (joining, name(&granted))]);
    let again = fixture.request_with(narrow, with_scopes(&["B"]));
    assert_eq!((fixture.resolved(), fixture.sent()), (vec![(again, name(&granted))], vec![]));
    let other = fixture.request(narrow);
    assert_eq!(fixture.resolved(), [(other, name(&held))]);
}

#[test]
fn scopes_that_are_not_granted_are_an_error_only_for_callers_that_requested_them() {
    let mut fixture = Fixture::new(Limits::default());
    let narrow = fixture.open(1, &["A"]);
    fixture.request(narrow);
    let held = fixture.grant(narrow, 1, Some(&["A"]));
    let stepping = fixture.request_with(narrow, with_scopes(&["B"]));
    let [wide] = fixture.sent()[..] else { panic!("one grant") };

    fixture.grant(wide, 1, Some(&["A"]));

    assert_eq!(fixture.resolved(), [(stepping, Err(ErrorCode::InsufficientScope))]);
    let again = fixture.request_with(narrow, with_scopes(&["B"]));
    assert_eq!(
        (fixture.resolved(), fixture.sent()),
        (vec![(again, Err(ErrorCode::InsufficientScope))], vec![])
    );
    let other = fixture.request(narrow);
    assert_eq!(fixture.resolved(), [(other, name(&held))]);
}

#[test]
fn a_borrower_can_cancel_and_is_rejected_when_its_session_closes() {
    let mut fixture = Fixture::new(Limits::default());
    let narrow = fixture.open(1, &["A"]);
    let (first, second) = (
        fixture.request_with(narrow, with_scopes(&["B"])),
        fixture.request_with(narrow, with_scopes(&["B"])),
    );

    fixture.handle(narrow, Input::Cancelled(first));
    fixture.handle(narrow, Input::Closed);

    assert_eq!(fixture.resolved(), [(second, Err(ErrorCode::Closed))]);
    assert!(!fixture.pool.is_awaited());
}

#[test]
fn a_borrower_can_cancel_after_its_session_was_evicted() {
    let mut fixture = Fixture::new(keeping(1));
    let narrow = fixture.open(1, &["A"]);
    let call = fixture.request_with(narrow, with_scopes(&["B"]));
    assert_eq!(fixture.evicted(), [narrow]);

    fixture.handle(narrow, Input::Cancelled(call));

    assert!(!fixture.pool.is_awaited());
}

#[test]
fn with_fixed_scoping_no_other_scopes_are_requested() {
    let mut fixture = Fixture::new(Limits { scoping: Scoping::Fixed, ..Limits::default() });
    let own = fixture.pool.default_session();
    fixture.request_with(own, with_scopes(&["B"]));
    assert_eq!(fixture.sent(), [own]);

    fixture.grant(own, 1, None);

    assert_eq!(fixture.resolved().len(), 1);
    assert_eq!(fixture.pool.len(), 1);
}

#[test]
fn a_request_with_scopes_counts_as_a_use_of_the_session_that_grants_them() {
    let mut fixture = Fixture::new(keeping(3));
    let narrow = fixture.open(1, &["A"]);
    fixture.request_with(narrow, with_scopes(&["B"]));
    let wide = fixture.sent()[0];
    fixture.grant(wide, 1, Some(&["B"]));
    let other = fixture.holder(2);

    // All tokens have expired, and the other session is used before the scopes are requested again.
    fixture.now = fixture.now + seconds(LIFETIME);
    fixture.request(other);
    fixture.grant(other, 2, None);
    fixture.now = fixture.now + seconds(1);
    fixture.request_with(narrow, with_scopes(&["B"]));
    fixture.grant(wide, 2, Some(&["B"]));
    fixture.request_from(3);

    assert_eq!(fixture.evicted(), [other]);
}

#[test]
fn a_lent_token_counts_as_a_use_of_both_sessions() {
    let policy = Policy { refresh: RefreshMode::WhileUsed, ..Policy::default() };
    let mut fixture = Fixture::of(policy, keeping(3));
    let ([wide, narrow, last], _) = tokens_of_two_siblings(&mut fixture);
    assert_eq!(fixture.evicted(), []);

    fixture.request(narrow);
    assert_eq!(fixture.resolved().len(), 1);

    // The session that lent is refreshed like one that is used, and evicted after the one that is not.
    fixture.request_from(3);
    assert_eq!(fixture.evicted(), [last]);
    fixture.now = fixture.now + seconds(LIFETIME - 1);
    fixture.effects = fixture.pool.timer_fired(fixture.now);
    assert!(fixture.sent().contains(&wide));
}
