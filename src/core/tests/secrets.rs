//! `Debug` output contains no secret.

use std::{fmt::Debug, rc::Rc};

use super::{START, failure, record, scopes, seconds};
use crate::core::{
    AccessToken, Acquisition, AcquisitionId, Borrowing, CachedToken, CallId, ClockOffset, CredentialId,
    Effect, ErrorCode, Event, Fence, Grant, GrantFailure, Input, Jitter, LeaseWait, Permit, Phase, Policy,
    Reason, RecentTokens, RefreshToken, Rejection, Secret, Session, StoreMode, TokenError, TokenRequest,
    TokenSet, TokenTimes, UnixMillis, WriteOutcome,
};

/// A part of every secret in these tests, and of nothing else.
const PLANTED: &str = "pl4nt3d";

/// Collects output, to search it for secrets once.
#[derive(Default)]
struct Printed(Vec<String>);

impl Printed {
    fn print(&mut self, value: &impl Debug) {
        self.0.push(format!("{value:?}"));
        self.0.push(format!("{value:#?}"));
    }

    fn look_for_secrets(&self) {
        let quoted: Vec<u8> = PLANTED.bytes().collect();
        for text in &self.0 {
            assert!(!text.contains(PLANTED), "{text}");
            assert!(!text.contains(&format!("{quoted:?}")[1..20]), "as bytes: {text}");
        }
    }
}

fn access_token(number: u64) -> AccessToken {
    AccessToken::new(format!("{PLANTED}-access-{number}"))
}

fn refresh_token(number: u64) -> RefreshToken {
    RefreshToken::new(format!("{PLANTED}-refresh-{number}"))
}

fn planted(number: u64, issued_at: UnixMillis) -> Rc<TokenSet> {
    Rc::new(TokenSet {
        access_token: access_token(number),
        refresh_token: Some(refresh_token(number)),
        scopes: Some(scopes(&["ASKED"])),
        issued_at,
        expires_at: issued_at + seconds(180),
        provider_clock: ClockOffset::default(),
        times: TokenTimes::default(),
    })
}

#[test]
fn the_search_finds_a_planted_secret() {
    let found = std::panic::catch_unwind(|| {
        let mut printed = Printed::default();
        printed.print(&planted(1, START).access_token.expose());
        printed.look_for_secrets();
    });

    assert!(found.is_err());
}

#[test]
fn debug_output_of_values_contains_no_secret() {
    let mut printed = Printed::default();
    let tokens = planted(1, START);

    printed.print(&access_token(1));
    printed.print(&refresh_token(1));
    printed.print(&Secret::new(PLANTED));
    printed.print(&tokens);
    printed.print(&CachedToken::new(tokens.clone(), &Policy::default(), 0.0));
    for phase in [
        Phase::Backoff { until: START },
        Phase::Queued { read_at: Some(START) },
        Phase::ReadingStore { resume_at: START },
        Phase::AcquiringLease,
        Phase::RecheckingStore(Fence(1)),
        Phase::ClaimingRefreshToken(Fence(1), refresh_token(1)),
        Phase::ClearingStore(Some(Fence(1))),
        Phase::Requesting { presented: Some(refresh_token(1)), since: START, fence: None },
        Phase::WritingStore { tokens: tokens.clone(), since: START, fence: None },
    ] {
        printed.print(&phase);
        let (id, store_mode, lease_wait) = (AcquisitionId(1), StoreMode::Shared, LeaseWait::default());
        printed.print(&Acquisition {
            id,
            reason: Reason::Initial,
            phase,
            failed_attempts: 0,
            store_mode,
            lease_wait,
            permit: Permit::Granted,
            credentials: CredentialId(1),
            store_changed_while_reading: false,
            deadline: START,
        });
    }
    let mut superseded = RecentTokens::default();
    superseded.remember(&planted(1, START));
    printed.print(&superseded);
    printed.look_for_secrets();
}

#[test]
fn debug_output_of_inputs_and_effects_contains_no_secret() {
    let mut printed = Printed::default();
    let tokens = planted(1, START);
    let error = failure(ErrorCode::Server);

    printed.print(&[
        Input::Requested(CallId(1), TokenRequest::DEFAULT),
        Input::Cancelled(CallId(1)),
        Input::TokenUsed,
        Input::TokenInvalidated(access_token(1)),
        Input::TokenRejected(access_token(1), Rejection::First),
        Input::TokenReceived(tokens.clone()),
        Input::TimerFired,
        Input::Granted(AcquisitionId(1), Ok(tokens.clone())),
        Input::Granted(AcquisitionId(1), Err(GrantFailure::Transient(error.clone()))),
        Input::Granted(AcquisitionId(1), Err(GrantFailure::RefreshTokenRejected(error.clone()))),
        Input::Granted(AcquisitionId(1), Err(GrantFailure::Permanent(error.clone()))),
        Input::StoreRead(AcquisitionId(1), Ok(Some(record(tokens.clone())))),
        Input::LeaseAnswered(AcquisitionId(1), Ok(Some(Fence(1)))),
        Input::StoreWritten(AcquisitionId(1), Ok(WriteOutcome::Stored)),
        Input::StoreChanged,
        Input::Cleared,
        Input::Closed,
    ]);
    printed.print(&[
        Effect::ReadStore(AcquisitionId(1)),
        Effect::AcquireLease(AcquisitionId(1)),
        Effect::WriteStore(AcquisitionId(1), None, record(tokens.clone())),
        Effect::ReportCleared(Err(error.clone())),
        Effect::ReleaseLease(AcquisitionId(1)),
        Effect::Resolve(CallId(1), Ok(tokens)),
        Effect::Resolve(CallId(1), Err(error.clone())),
        Effect::Send(AcquisitionId(1), Grant::Authenticate),
        Effect::Send(AcquisitionId(1), Grant::Refresh(refresh_token(1))),
        Effect::Cancel(AcquisitionId(1)),
        Effect::Emit(Event::Error { error, token_still_valid: false }),
    ]);
    printed.look_for_secrets();
}

/// A session that prints each input, its effects and its state.
struct Watched {
    machine: Session,
    printed: Printed,
    acquisition: AcquisitionId,
}

impl Watched {
    fn handle(&mut self, input: Input, now: UnixMillis) {
        self.printed.print(&input);
        let effects = self.machine.handle(input, now);
        self.printed.print(&effects);
        self.printed.print(&self.machine);
        self.printed.print(&self.machine.status(now));
        for effect in &effects {
            match effect {
                Effect::Send(id, _) => self.acquisition = *id,
                Effect::Resolve(_, Err(error)) => self.error(error),
                Effect::Emit(Event::Error { error, .. } | Event::Retry { error, .. }) => self.error(error),
                Effect::Resolve(_, Ok(_))
                | Effect::Cancel(_)
                | Effect::ReadStore(_)
                | Effect::AcquireLease(_)
                | Effect::WriteStore(..)
                | Effect::ReleaseLease(_)
                | Effect::ReportCleared(_)
                | Effect::Emit(_) => {}
            }
        }
    }

    fn error(&mut self, error: &TokenError) {
        self.printed.0.push(error.to_string());
        self.printed.print(&(error as &dyn std::error::Error));
    }

    fn answer(&mut self, answer: Result<Rc<TokenSet>, GrantFailure>, now: UnixMillis) {
        self.handle(Input::Granted(self.acquisition, answer), now);
    }
}

#[test]
fn debug_output_of_a_session_contains_no_secret_from_success_to_close() {
    let machine = Session::new(Policy::default(), scopes(&["ASKED", "MISSING"]), Jitter::new(1));
    let mut session = Watched { machine, printed: Printed::default(), acquisition: AcquisitionId(0) };
    let request = TokenRequest::Cached {
        min_validity: None,
        scopes: Some(scopes(&["MISSING"])),
        borrowing: Borrowing::Allowed,
    };
    let transient = || Err(GrantFailure::Transient(failure(ErrorCode::Timeout)));
    let refused = || Err(GrantFailure::RefreshTokenRejected(failure(ErrorCode::InvalidCredentials)));

    session.handle(Input::Requested(CallId(1), TokenRequest::DEFAULT), START);
    session.answer(Ok(planted(1, START)), START);
    session.handle(Input::Requested(CallId(2), request), START);
    session.handle(Input::Requested(CallId(3), TokenRequest::Forced), START + seconds(1));
    session.answer(refused(), START + seconds(2));
    session.answer(Ok(planted(2, START + seconds(3))), START + seconds(3));
    session.handle(Input::TokenReceived(planted(3, START + seconds(4))), START + seconds(4));
    session.handle(Input::TimerFired, START + seconds(150));
    session.answer(transient(), START + seconds(151));
    session.handle(Input::TimerFired, START + seconds(160));
    session.answer(transient(), START + seconds(161));
    session.handle(Input::TimerFired, START + seconds(170));
    session.answer(transient(), START + seconds(171));
    session.handle(Input::TokenInvalidated(access_token(3)), START + seconds(172));
    session.handle(Input::Requested(CallId(4), TokenRequest::DEFAULT), START + seconds(173));
    session.handle(Input::TimerFired, START + seconds(180));
    session.answer(Ok(planted(4, START + seconds(180))), START + seconds(180));
    session.handle(Input::Requested(CallId(5), TokenRequest::Forced), START + seconds(181));
    session.handle(Input::Closed, START + seconds(182));
    session.handle(Input::Requested(CallId(6), TokenRequest::DEFAULT), START + seconds(183));

    assert!(session.printed.0.len() > 150, "{} texts were printed", session.printed.0.len());
    session.printed.look_for_secrets();
}
