//! Providers that return a cached token until it expires, as metadata servers and gateways do.

use std::{collections::BTreeMap, rc::Rc};

use proptest::prelude::*;

use super::{START, history::config, millis, scopes, seconds, token};
use crate::core::{
    AcquisitionId, CallId, Effect, Input, Jitter, Policy, ScopeSet, Session, TokenRequest, TokenSet,
    UnixMillis,
};

/// A provider that returns the same token until it expires, with the remaining lifetime in whole seconds.
struct Provider {
    lifetime: u64,
    granted: usize,
    end: UnixMillis,
    requests: Vec<UnixMillis>,
}

impl Provider {
    fn new(lifetime: u64) -> Self {
        Self { lifetime, granted: 0, end: START, requests: Vec::new() }
    }

    fn grant(&mut self, now: UnixMillis) -> Rc<TokenSet> {
        self.requests.push(now);
        if self.end <= now {
            self.granted += 1;
            self.end = now + millis(self.lifetime);
        }
        let left = self.end.since(now).as_secs();
        token(&self.granted.to_string(), now, seconds(left))
    }

    fn is_valid(&self, tokens: &TokenSet, now: UnixMillis) -> bool {
        tokens.access_token.expose() == self.granted.to_string() && now < self.end
    }
}

/// Milliseconds between two calls.
const STEP: u64 = 50;

/// Results of consecutive calls.
#[derive(Default)]
struct Seen {
    calls: u64,
    failed: usize,
    invalid: usize,
    longest_wait: u64,
}

fn run(provider: &mut Provider, seed: u64, span: u64) -> Seen {
    let mut machine = Session::new(Policy::default(), ScopeSet::default(), Jitter::new(seed));
    let mut seen = Seen::default();
    let mut waiting: BTreeMap<CallId, UnixMillis> = BTreeMap::new();
    let mut ends: BTreeMap<String, UnixMillis> = BTreeMap::new();
    for step in 0..span / STEP {
        let now = START + millis(step * STEP);
        let mut events = Vec::new();
        if machine.poll_timeout().is_some_and(|at| at <= now) {
            events.push(Input::TimerFired);
        }
        if waiting.is_empty() {
            seen.calls += 1;
            waiting.insert(CallId(seen.calls), now);
            events.push(Input::Requested(CallId(seen.calls), TokenRequest::DEFAULT));
        }
        while let Some(input) = events.pop() {
            for effect in machine.handle(input, now) {
                match effect {
                    Effect::Send(acquisition, _) => {
                        events.push(Input::Granted(acquisition, Ok(provider.grant(now))))
                    }
                    Effect::Resolve(call, answer) => {
                        let since = waiting.remove(&call).expect("a caller that waits");
                        seen.longest_wait = seen.longest_wait.max(now.since(since).as_millis() as u64);
                        match answer {
                            Ok(tokens) if provider.is_valid(&tokens, now) => {}
                            Ok(_) => seen.invalid += 1,
                            Err(_) => seen.failed += 1,
                        }
                    }
                    Effect::Cancel(_)
                    | Effect::ReadStore(_)
                    | Effect::AcquireLease(_)
                    | Effect::WriteStore(..)
                    | Effect::ReleaseLease(_)
                    | Effect::Revoke(_)
                    | Effect::ReportCleared(_)
                    | Effect::Emit(_) => {}
                }
            }
            if let Some(held) = machine.tokens() {
                let end = ends.entry(held.access_token.expose().to_owned()).or_insert(held.expires_at);
                assert!(held.expires_at <= *end, "a token that is repeated got a later end");
                *end = held.expires_at;
            }
        }
    }
    seen
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_repeated_token_is_never_served_past_its_expiry_and_grants_stay_limited(
        lifetime in 3_000_u64..60_000,
        seed: u64,
    ) {
        let mut provider = Provider::new(lifetime);

        let seen = run(&mut provider, seed, 3 * lifetime);

        prop_assert_eq!((seen.failed, seen.invalid), (0, 0));
        // The lifetime is stated in whole seconds, and there are two delays between three attempts.
        prop_assert!(seen.longest_wait <= 4_000, "{} ms", seen.longest_wait);
        // Each request waits for three quarters of the remaining lifetime, and the last second takes three more.
        let most = 12 * provider.granted;
        prop_assert!(provider.requests.len() <= most, "{} requests", provider.requests.len());
    }
}

#[test]
fn the_expiry_of_a_rejected_token_is_remembered() {
    let mut machine = Session::new(Policy::default(), scopes(&[]), Jitter::new(1));
    let tokens = token("repeated", START, seconds(60));
    let _ = machine.handle(Input::Requested(CallId(1), TokenRequest::DEFAULT), START);
    let _ = machine.handle(Input::Granted(AcquisitionId(1), Ok(tokens.clone())), START);
    let _ = machine.handle(Input::TokenInvalidated(tokens.access_token.clone()), START + seconds(10));
    let later = START + seconds(20);
    let _ = machine.handle(Input::Requested(CallId(2), TokenRequest::DEFAULT), later);

    let repeated = token("repeated", later, seconds(60));
    let _ = machine.handle(Input::Granted(AcquisitionId(2), Ok(repeated)), later);

    assert_eq!(machine.tokens().map(|held| held.expires_at), Some(START + seconds(60)));
}
