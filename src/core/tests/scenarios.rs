//! Short stories that went wrong once.

use super::{START, millis, seconds, token};
use crate::core::{
    AccessToken, CallId, Effect, Event, FlightId, Jitter, Lifecycle, Policy, ScopeSet, TokenSet, UnixMillis,
    Want,
};

fn lifecycle() -> Lifecycle {
    Lifecycle::new(Policy::default(), ScopeSet::default(), Jitter::new(1))
}

/// `refresh()`, answered at once with `tokens`, as the flight of this number.
fn refreshed(machine: &mut Lifecycle, number: u64, tokens: TokenSet, now: UnixMillis) -> Vec<Effect> {
    let mut effects = machine.handle(Event::Requested(CallId(number), Want::Fresh), now);
    effects.extend(machine.handle(Event::Granted(FlightId(number), Ok(tokens)), now));
    effects
}

#[test]
fn a_closed_lifecycle_sets_no_alarm_although_its_token_was_refused() {
    let mut machine = lifecycle();
    let held = token("held", START, seconds(180));
    let _ = refreshed(&mut machine, 1, held.clone(), START);
    let _ = machine.handle(Event::Invalidated(held.access_token), START + millis(100));

    let _ = machine.handle(Event::Closed, START + millis(200));

    assert_eq!(machine.next_wakeup(), None);
    assert_eq!(machine.status(START + millis(200)).refresh_at, None);
}

#[test]
fn callers_wait_for_seconds_at_most_although_refresh_was_called_in_a_loop() {
    let mut machine = lifecycle();
    for number in 1..=1000 {
        let name = number.to_string();
        let _ = refreshed(&mut machine, number, token(&name, START, seconds(180)), START);
    }
    let _ = machine.handle(Event::Invalidated(AccessToken::new("1000")), START);

    let _ = machine.handle(Event::Requested(CallId(1001), Want::USABLE), START);

    assert_eq!(machine.next_wakeup(), Some(START + seconds(1)));
}
