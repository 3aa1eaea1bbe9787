//! Tests of the state machines, natively and in simulated time.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::expect_used, clippy::panic, reason = "this is how a test fails")]

use std::{rc::Rc, time::Duration};

use super::{
    AccessToken, ClockOffset, ErrorCode, RefreshToken, ScopeSet, StoredRecord, TokenError, TokenSet,
    TokenTimes, UnixMillis,
};
use crate::core;

mod history;
mod lost_io;
mod pool;
mod pool_history;
mod pool_properties;
mod population;
mod properties;
mod refresh_token;
mod rejected_credentials;
mod repeated_tokens;
mod scenarios;
mod secrets;
mod shared_credentials;
mod sharing;
mod sign_out;
mod simulation;
mod store_changes;
mod store_model;
mod transitions;
mod world;

/// Far enough from the epoch that nothing saturates.
const START: UnixMillis = UnixMillis::new(1_750_000_000_000);

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A token received at `issued_at`, with a refresh token of the same name.
fn token(name: &str, issued_at: UnixMillis, lifetime: Duration) -> Rc<TokenSet> {
    Rc::new(TokenSet {
        access_token: AccessToken::new(name),
        refresh_token: Some(RefreshToken::new(name)),
        scopes: None,
        issued_at,
        expires_at: issued_at + lifetime,
        provider_clock: ClockOffset::default(),
        times: TokenTimes::default(),
    })
}

/// The record of a token in the shared store, as long as the user has not signed out.
fn record(tokens: Rc<TokenSet>) -> StoredRecord {
    StoredRecord { tokens: Some(tokens), ..StoredRecord::default() }
}

fn failure(code: ErrorCode) -> TokenError {
    TokenError::new(code, "the test says so")
}

fn scopes(names: &[&str]) -> ScopeSet {
    names.iter().copied().collect()
}
