//! The effects of every input in every state, compared with `transitions.txt`, and with `transitions-shared.txt` for a
//! shared store.
//!
//! The tables are the readable specification. After an intended change, `UPDATE_TRANSITIONS=1 cargo test transitions`
//! rewrites them; review the difference before committing it.
#![expect(clippy::wildcard_enum_match_arm, reason = "the preparation knows a few situations only")]

use std::time::Duration;

use super::{START, failure, record, scopes, seconds};
use crate::core::{
    AccessToken, Borrowing, CallId, CredentialId, ErrorCode, Fence, GrantFailure, Input, Rejection,
    TokenRequest, UnixMillis, WriteOutcome,
};

mod fixture;
mod table;

use fixture::{Fixture, broken, long_validity, named, permanent, reach, reach_closed, refused, transient};

/// Sharing through a store with leases.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Setup {
    WithoutStore,
    WithStore,
}

/// The time of each input in the table.
const NOW: UnixMillis = UnixMillis::new(START.millis() + 86_400_000);

/// Refreshed after 72.5 to 75 s, served for 90 s.
const LIFETIME: Duration = seconds(100);

const WAITER: CallId = CallId(1);
const CALLER: CallId = CallId(2);
const PREPARATION: CallId = CallId(3);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum AcquisitionState {
    Idle,
    RateLimited,
    RetryBackoff,
    /// Another holder has the lease.
    AwaitingLease,
    /// Reads a change of another holder, and nothing else.
    ReadingChange,
    ReadingStore,
    AcquiringLease,
    RecheckingStore,
    ClaimingRefreshToken,
    ReturningRefreshToken,
    ClearingStore,
    Authenticating,
    Refreshing,
    WritingStore,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum TokenState {
    None,
    Rejected,
    Fresh,
    Due,
    Stale,
    Expired,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum FailureState {
    None,
    CoolDown,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Situation {
    Open(AcquisitionState, TokenState, FailureState),
    Closed,
}

impl Setup {
    const fn acquisition_states(self) -> &'static [AcquisitionState] {
        match self {
            Self::WithoutStore => &[
                AcquisitionState::Idle,
                AcquisitionState::RateLimited,
                AcquisitionState::RetryBackoff,
                AcquisitionState::Authenticating,
                AcquisitionState::Refreshing,
            ],
            Self::WithStore => &[
                AcquisitionState::Idle,
                AcquisitionState::RateLimited,
                AcquisitionState::RetryBackoff,
                AcquisitionState::AwaitingLease,
                AcquisitionState::ReadingChange,
                AcquisitionState::ReadingStore,
                AcquisitionState::AcquiringLease,
                AcquisitionState::RecheckingStore,
                AcquisitionState::ClaimingRefreshToken,
                AcquisitionState::ReturningRefreshToken,
                AcquisitionState::ClearingStore,
                AcquisitionState::Authenticating,
                AcquisitionState::Refreshing,
                AcquisitionState::WritingStore,
            ],
        }
    }
}

const TOKEN_STATES: [TokenState; 6] = [
    TokenState::None,
    TokenState::Rejected,
    TokenState::Fresh,
    TokenState::Due,
    TokenState::Stale,
    TokenState::Expired,
];

#[test]
fn the_effects_of_every_input_in_every_state_match_the_table() {
    compare(Setup::WithoutStore, "transitions.txt", include_str!("transitions.txt"));
}

#[test]
fn the_effects_of_every_input_in_every_state_with_a_store_match_the_table() {
    compare(Setup::WithStore, "transitions-shared.txt", include_str!("transitions-shared.txt"));
}

fn compare(setup: Setup, name: &str, table: &str) {
    let actual = table::written(setup);

    if std::env::var_os("UPDATE_TRANSITIONS").is_some() {
        let path = format!("{}/src/core/tests/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::write(path, &actual).expect("the table can be written");
        return;
    }
    let expected = table.lines().chain(std::iter::repeat("(the table ends)"));
    for (number, (actual, expected)) in actual.lines().zip(expected).enumerate() {
        assert_eq!(actual, expected, "line {} of {name}", number + 1);
    }
    assert_eq!(actual.lines().count(), table.lines().count(), "lines of {name}");
}

#[test]
fn the_tables_cover_every_kind_of_input() {
    let fixture = reach(Setup::WithStore, AcquisitionState::Idle, TokenState::None, FailureState::None)
        .expect("a new session is reachable");

    for kind in KINDS {
        let is_covered = inputs(Setup::WithStore).iter().any(|(_, input)| kind_of(&input(&fixture)) == kind);
        assert!(is_covered, "{kind} is not in the table");
    }
}

const KINDS: [&str; 29] = [
    "Requested a cached token",
    "Requested a forced refresh",
    "Cancelled",
    "TokenUsed",
    "TokenInvalidated",
    "TokenReceived",
    "TimerFired",
    "Granted a token",
    "Granted, transient failure",
    "Granted, refresh token rejected",
    "Granted, permanent failure",
    "Closed",
    "Requested with a minimum validity",
    "Requested with scopes",
    "StoreRead",
    "StoreRead, failure",
    "LeaseAnswered",
    "LeaseAnswered, failure",
    "StoreWritten",
    "StoreWritten, failure",
    "StoreChanged",
    "TokenRejected",
    "Progressed",
    "IoLost",
    "CredentialsPresented",
    "Granted, credentials unchanged",
    "Cleared",
    "Revoked",
    "Granted, request not processed",
];

/// A new kind of input fails to compile here until it is added to [`KINDS`].
fn kind_of(input: &Input) -> &'static str {
    match input {
        Input::Requested(_, TokenRequest::Cached { min_validity: None, scopes: None, .. }) => KINDS[0],
        Input::Requested(_, TokenRequest::Cached { min_validity: Some(_), .. }) => KINDS[12],
        Input::Requested(_, TokenRequest::Cached { scopes: Some(_), .. }) => KINDS[13],
        Input::Requested(_, TokenRequest::Forced) => KINDS[1],
        Input::Cancelled(_) => KINDS[2],
        Input::TokenUsed => KINDS[3],
        Input::TokenInvalidated(_) => KINDS[4],
        Input::TokenRejected(..) => KINDS[21],
        Input::TokenReceived(_) => KINDS[5],
        Input::TimerFired => KINDS[6],
        Input::Granted(_, Ok(_)) => KINDS[7],
        Input::Granted(_, Err(GrantFailure::Transient(_))) => KINDS[8],
        Input::Granted(_, Err(GrantFailure::NotProcessed(_))) => KINDS[28],
        Input::Granted(_, Err(GrantFailure::RefreshTokenRejected(_))) => KINDS[9],
        Input::Granted(_, Err(GrantFailure::Permanent(_) | GrantFailure::IdentityRejected(_))) => KINDS[10],
        Input::Cleared => KINDS[26],
        Input::Revoked => KINDS[27],
        Input::Closed => KINDS[11],
        Input::StoreRead(_, Ok(_)) => KINDS[14],
        Input::StoreRead(_, Err(_)) => KINDS[15],
        Input::LeaseAnswered(_, Ok(_)) => KINDS[16],
        Input::LeaseAnswered(_, Err(_)) => KINDS[17],
        Input::StoreWritten(_, Ok(_)) => KINDS[18],
        Input::StoreWritten(_, Err(_)) => KINDS[19],
        Input::StoreChanged => KINDS[20],
        Input::Progressed(_) => KINDS[22],
        Input::IoLost => KINDS[23],
        Input::CredentialsPresented(..) => KINDS[24],
        Input::Granted(_, Err(GrantFailure::Unchanged)) => KINDS[25],
    }
}

type NamedInput = (&'static str, fn(&Fixture) -> Input);

fn inputs(setup: Setup) -> Vec<NamedInput> {
    let mut inputs = calls();
    inputs.extend(token_inputs());
    inputs.extend(grant_inputs());
    if setup == Setup::WithStore {
        inputs.extend(read_inputs());
        inputs.extend(lease_inputs());
    }
    inputs
}

/// Shows what is due in each state.
const EARLY_TIMER: &str = "the machine resumes, or the timer fires early";

/// Happens later than [`NOW`]: at the session's timeout.
const TIMER: &str = "the timer fires";

fn calls() -> Vec<NamedInput> {
    vec![
        ("getToken()", |_| Input::Requested(CALLER, TokenRequest::DEFAULT)),
        ("getToken({ minValidityMs: 70_000 }) with tokens of 100 s", |_| {
            Input::Requested(CALLER, long_validity())
        }),
        ("getToken({ scopes }) with tokens that were granted without them", |_| {
            let request = Some(scopes(&["OTHER"]));
            Input::Requested(
                CALLER,
                TokenRequest::Cached { min_validity: None, scopes: request, borrowing: Borrowing::Allowed },
            )
        }),
        ("refresh()", |_| Input::Requested(CALLER, TokenRequest::Forced)),
        ("a caller cancels", |_| Input::Cancelled(WAITER)),
        ("a caller cancels that does not wait", |_| Input::Cancelled(CALLER)),
        ("the token is used", |_| Input::TokenUsed),
        (EARLY_TIMER, |_| Input::TimerFired),
        (TIMER, |_| Input::TimerFired),
        ("clear()", |_| Input::Cleared),
        ("revoke()", |_| Input::Revoked),
        ("close()", |_| Input::Closed),
    ]
}

fn token_inputs() -> Vec<NamedInput> {
    vec![
        ("the user reports the cached token as rejected", |_| {
            Input::TokenInvalidated(AccessToken::new("held"))
        }),
        ("the user reports another token as rejected", |_| {
            Input::TokenInvalidated(AccessToken::new("first"))
        }),
        ("a response rejects the cached token", |_| {
            Input::TokenRejected(AccessToken::new("held"), Rejection::First)
        }),
        ("a response rejects the cached token on a replay", |_| {
            Input::TokenRejected(AccessToken::new("held"), Rejection::AfterRenewal)
        }),
        ("a response rejects another token", |_| {
            Input::TokenRejected(AccessToken::new("first"), Rejection::First)
        }),
        ("a response carries a newer token", |_| Input::TokenReceived(named("newer", NOW))),
        ("a response carries an older token that was never cached", |_| {
            Input::TokenReceived(named("older", NOW))
        }),
        ("a response carries the cached token", |_| Input::TokenReceived(named("held", NOW))),
        ("a response carries a token that was cached before", |_| Input::TokenReceived(named("first", NOW))),
        ("a response carries an expired token", |_| Input::TokenReceived(named("newer", NOW - LIFETIME))),
    ]
}

fn grant_inputs() -> Vec<NamedInput> {
    vec![
        ("the pending step is lost", |_| Input::IoLost),
        ("the acquisition makes progress", |fixture| Input::Progressed(fixture.acquisition)),
        ("credentials are presented", |fixture| {
            Input::CredentialsPresented(fixture.acquisition, CredentialId(7))
        }),
        ("the credentials are unchanged since their rejection", |fixture| {
            Input::Granted(fixture.acquisition, Err(GrantFailure::Unchanged))
        }),
        ("a grant returns a token", |fixture| Input::Granted(fixture.acquisition, Ok(named("newer", NOW)))),
        ("a grant returns an older token", |fixture| {
            Input::Granted(fixture.acquisition, Ok(named("older", NOW)))
        }),
        ("a grant returns an expired token", |fixture| {
            Input::Granted(fixture.acquisition, Ok(named("newer", NOW - LIFETIME)))
        }),
        ("a grant fails, retryable", |fixture| Input::Granted(fixture.acquisition, Err(transient()))),
        ("a grant fails, the request was not processed", |fixture| {
            Input::Granted(fixture.acquisition, Err(GrantFailure::NotProcessed(failure(ErrorCode::Server))))
        }),
        ("a grant fails with a Retry-After beyond the maximum", |fixture| {
            let mut error = failure(ErrorCode::Server);
            error.retry_after = Some(seconds(31));
            Input::Granted(fixture.acquisition, Err(GrantFailure::Transient(error)))
        }),
        ("the refresh token is rejected", |fixture| Input::Granted(fixture.acquisition, Err(refused()))),
        ("the credentials are rejected", |fixture| Input::Granted(fixture.acquisition, Err(permanent()))),
        ("stale: a grant returns a token", |fixture| {
            Input::Granted(fixture.earlier(), Ok(named("newer", NOW)))
        }),
        ("stale: a grant fails, retryable", |fixture| Input::Granted(fixture.earlier(), Err(transient()))),
        ("stale: the refresh token is rejected", |fixture| Input::Granted(fixture.earlier(), Err(refused()))),
        ("stale: the credentials are rejected", |fixture| {
            Input::Granted(fixture.earlier(), Err(permanent()))
        }),
    ]
}

fn read_inputs() -> Vec<NamedInput> {
    vec![
        ("another holder wrote to the store", |_| Input::StoreChanged),
        ("the store has no entry", |fixture| Input::StoreRead(fixture.acquisition, Ok(None))),
        ("the store has the cached token", |fixture| {
            Input::StoreRead(fixture.acquisition, Ok(Some(record(named("held", NOW)))))
        }),
        ("the store has a newer token", |fixture| {
            Input::StoreRead(fixture.acquisition, Ok(Some(record(named("newer", NOW)))))
        }),
        ("the store has a newer token that is due", |fixture| {
            Input::StoreRead(fixture.acquisition, Ok(Some(record(named("newer", NOW - seconds(80))))))
        }),
        ("the store has an older token", |fixture| {
            Input::StoreRead(fixture.acquisition, Ok(Some(record(named("older", NOW)))))
        }),
        ("the store has an expired token", |fixture| {
            Input::StoreRead(fixture.acquisition, Ok(Some(record(named("newer", NOW - LIFETIME)))))
        }),
        ("the store cannot be read", |fixture| Input::StoreRead(fixture.acquisition, Err(broken()))),
        ("stale: the store has a newer token", |fixture| {
            Input::StoreRead(fixture.earlier(), Ok(Some(record(named("newer", NOW)))))
        }),
    ]
}

fn lease_inputs() -> Vec<NamedInput> {
    vec![
        ("the lease is acquired", |fixture| Input::LeaseAnswered(fixture.acquisition, Ok(Some(Fence(2))))),
        ("another holder has the lease", |fixture| Input::LeaseAnswered(fixture.acquisition, Ok(None))),
        ("the store fails to grant a lease", |fixture| {
            Input::LeaseAnswered(fixture.acquisition, Err(broken()))
        }),
        ("stale: the lease is acquired", |fixture| {
            Input::LeaseAnswered(fixture.earlier(), Ok(Some(Fence(1))))
        }),
        ("stale: another holder has the lease", |fixture| Input::LeaseAnswered(fixture.earlier(), Ok(None))),
        ("the store was written", |fixture| {
            Input::StoreWritten(fixture.acquisition, Ok(WriteOutcome::Stored))
        }),
        ("the store fences the write", |fixture| {
            Input::StoreWritten(fixture.acquisition, Ok(WriteOutcome::Fenced))
        }),
        ("the store cannot be written to", |fixture| Input::StoreWritten(fixture.acquisition, Err(broken()))),
        ("stale: the store was written", |fixture| {
            Input::StoreWritten(fixture.earlier(), Ok(WriteOutcome::Stored))
        }),
    ]
}
