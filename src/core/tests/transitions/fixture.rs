//! Sessions in each state of the transition tables.

use std::rc::Rc;

use super::{
    super::{START, failure, millis, record, scopes, seconds, token},
    AcquisitionState, FailureState, LIFETIME, NOW, PREPARATION, Setup, Situation, TokenState, WAITER,
};
use crate::core::{
    AccessToken, AcquisitionId, Borrowing, Effect, ErrorCode, Event, Fence, Freshness, GrantFailure, Input,
    Jitter, Phase, Policy, Reason, Retry, Session, Sharing, TokenError, TokenRequest, TokenSet, TokenTimes,
    UnixMillis, WriteOutcome,
};

pub(super) fn broken() -> TokenError {
    failure(ErrorCode::Store)
}

pub(super) fn transient() -> GrantFailure {
    GrantFailure::Transient(failure(ErrorCode::Network))
}

pub(super) fn refused() -> GrantFailure {
    GrantFailure::RefreshTokenRejected(failure(ErrorCode::InvalidCredentials))
}

pub(super) fn permanent() -> GrantFailure {
    GrantFailure::Permanent(failure(ErrorCode::InvalidCredentials))
}

pub(super) const fn long_validity() -> TokenRequest {
    TokenRequest::Cached { min_validity: Some(seconds(70)), scopes: None, borrowing: Borrowing::Allowed }
}

pub(super) fn named(name: &str, issued_at: UnixMillis) -> Rc<TokenSet> {
    let stamp = match name {
        "first" => 10,
        "older" => 20,
        "held" => 30,
        _ => 40,
    };
    let mut tokens = token(name, issued_at, LIFETIME);
    Rc::make_mut(&mut tokens).scopes = Some(scopes(&["ASKED"]));
    Rc::make_mut(&mut tokens).times =
        TokenTimes { issued_at: Some(START + seconds(stamp)), expires_at: None };
    tokens
}

/// A session in a state, with what the table needs in addition.
pub(super) struct Fixture {
    pub(super) machine: Session,
    /// The current acquisition, or else the last one.
    pub(super) acquisition: AcquisitionId,
    history: History,
}

/// History of a session without a token.
#[derive(Clone, Copy)]
enum History {
    New,
    Held,
    Closed,
}

impl Fixture {
    pub(super) fn new(setup: Setup) -> Self {
        let retry = Retry { attempts: 2, ..Policy::default().retry };
        let sharing =
            (setup == Setup::WithStore).then_some(Sharing { lease: Some(seconds(20)), announces: true });
        let policy = Policy { retry, sharing, ..Policy::default() };
        let machine = Session::new(policy, scopes(&["ASKED"]), Jitter::new(7));
        Self { machine, acquisition: AcquisitionId(1), history: History::New }
    }

    pub(super) const fn earlier(&self) -> AcquisitionId {
        AcquisitionId(self.acquisition.0 - 1)
    }

    pub(super) fn handle(&mut self, input: Input, at: UnixMillis) -> Vec<Effect> {
        let effects = self.machine.handle(input, at);
        for effect in &effects {
            match effect {
                Effect::Send(id, _) | Effect::ReadStore(id) => self.acquisition = *id,
                Effect::Emit(Event::Token { .. }) => self.history = History::Held,
                Effect::Emit(Event::Cleared) => self.history = History::New,
                Effect::Emit(Event::Closed) => self.history = History::Closed,
                Effect::Resolve(..)
                | Effect::Cancel(_)
                | Effect::AcquireLease(_)
                | Effect::WriteStore(..)
                | Effect::ReleaseLease(_)
                | Effect::Revoke(_)
                | Effect::ReportCleared(_)
                | Effect::Emit(_) => {}
            }
        }
        effects
    }

    /// Answers the calls of the store with `stored`, a lease and success, until the acquisition is in this state.
    fn until(&mut self, acquisition_state: AcquisitionState, stored: Option<&Rc<TokenSet>>, at: UnixMillis) {
        while self.acquisition_state() != acquisition_state {
            let id = self.acquisition;
            let input = match self.acquisition_state() {
                AcquisitionState::ReadingStore | AcquisitionState::RecheckingStore => {
                    Input::StoreRead(id, Ok(stored.cloned().map(record)))
                }
                AcquisitionState::AcquiringLease => Input::LeaseAnswered(id, Ok(Some(Fence(1)))),
                AcquisitionState::ClaimingRefreshToken
                | AcquisitionState::ReturningRefreshToken
                | AcquisitionState::ClearingStore
                | AcquisitionState::WritingStore => Input::StoreWritten(id, Ok(WriteOutcome::Stored)),
                _ => return,
            };
            self.handle(input, at);
        }
    }

    fn land(&mut self, name: &str, issued_at: UnixMillis, at: UnixMillis) {
        self.handle(Input::Requested(PREPARATION, TokenRequest::Forced), at);
        self.until(AcquisitionState::Idle, None, at);
        self.handle(Input::Granted(self.acquisition, Ok(named(name, issued_at))), at);
        self.until(AcquisitionState::Idle, None, at);
    }

    /// Fails an acquisition, so that its failure is remembered.
    fn fail(&mut self, at: UnixMillis) {
        for _ in 0..2 {
            self.handle(Input::Requested(PREPARATION, TokenRequest::Forced), at);
            self.until(AcquisitionState::Idle, None, at);
            self.handle(Input::Granted(self.acquisition, Err(transient())), at);
        }
    }

    pub(super) fn situation(&self, now: UnixMillis) -> Situation {
        let failure_state = match self.machine.status(now).last_error {
            Some(_) => FailureState::CoolDown,
            None => FailureState::None,
        };
        match self.history {
            History::New | History::Held => {
                Situation::Open(self.acquisition_state(), self.token_state(now), failure_state)
            }
            History::Closed => Situation::Closed,
        }
    }

    fn acquisition_state(&self) -> AcquisitionState {
        let Some(acquisition) = self.machine.acquisition() else { return AcquisitionState::Idle };
        match &acquisition.phase {
            Phase::Backoff { .. } if acquisition.lease_wait.denied > 0 => AcquisitionState::AwaitingLease,
            Phase::Queued { .. } => unreachable!("a session outside of a pool needs no permit"),
            Phase::ReadingStore { .. } if acquisition.reason == Reason::Shared => {
                AcquisitionState::ReadingChange
            }
            Phase::ReadingStore { .. } => AcquisitionState::ReadingStore,
            Phase::AcquiringLease => AcquisitionState::AcquiringLease,
            Phase::RecheckingStore(_) => AcquisitionState::RecheckingStore,
            Phase::ClaimingRefreshToken(..) => AcquisitionState::ClaimingRefreshToken,
            Phase::ReturningRefreshToken { .. } => AcquisitionState::ReturningRefreshToken,
            Phase::ClearingStore(_) => AcquisitionState::ClearingStore,
            Phase::WritingStore { .. } => AcquisitionState::WritingStore,
            Phase::Backoff { .. } if acquisition.failed_attempts == 0 => AcquisitionState::RateLimited,
            Phase::Backoff { .. } => AcquisitionState::RetryBackoff,
            Phase::Requesting { presented: None, .. } => AcquisitionState::Authenticating,
            Phase::Requesting { presented: Some(_), .. } => AcquisitionState::Refreshing,
        }
    }

    fn token_state(&self, now: UnixMillis) -> TokenState {
        let Some(tokens) = self.machine.tokens() else {
            return match self.history {
                History::New => TokenState::None,
                History::Held | History::Closed => TokenState::Rejected,
            };
        };
        let served_until = Policy::default().served_until(tokens.issued_at, tokens.expires_at, None);
        match self.machine.status(now).freshness {
            Some(Freshness::Fresh) => TokenState::Fresh,
            Some(Freshness::RefreshDue) if now < served_until => TokenState::Due,
            Some(Freshness::RefreshDue) => TokenState::Stale,
            Some(Freshness::Expired) | None => TokenState::Expired,
        }
    }
}

/// A session in this state at [`NOW`]; `None` if it is unreachable.
pub(super) fn reach(
    setup: Setup,
    acquisition_state: AcquisitionState,
    token_state: TokenState,
    failure_state: FailureState,
) -> Option<Fixture> {
    let unreachable = match acquisition_state {
        // Only grants use up the rate limit, and each returns a token or a failure to remember; the bucket is refilled
        // before the cool-down ends.
        AcquisitionState::RateLimited => {
            token_state == TokenState::None || failure_state == FailureState::CoolDown
        }
        // A refresh token is granted with a token, and consumed by a failed attempt. One in a shared store may be
        // another holder's.
        AcquisitionState::Refreshing => {
            setup == Setup::WithoutStore
                && (token_state == TokenState::None || failure_state == FailureState::CoolDown)
        }
        // A sign-out discards the token and the failure.
        AcquisitionState::ClearingStore => {
            token_state != TokenState::None || failure_state == FailureState::CoolDown
        }
        _ => false,
    };
    if unreachable {
        return None;
    }
    let mut fixture = Fixture::new(setup);
    prepare_token(&mut fixture, acquisition_state, token_state, failure_state);
    if failure_state == FailureState::CoolDown {
        fixture.fail(NOW - millis(250));
    }
    prepare_acquisition(&mut fixture, acquisition_state, token_state, failure_state, NOW - millis(200));
    assert_eq!(fixture.situation(NOW), Situation::Open(acquisition_state, token_state, failure_state));
    Some(fixture)
}

fn prepare_token(
    fixture: &mut Fixture,
    acquisition_state: AcquisitionState,
    token_state: TokenState,
    failure_state: FailureState,
) {
    let issued_at = match token_state {
        TokenState::None => return,
        TokenState::Rejected | TokenState::Fresh => NOW - seconds(50),
        TokenState::Due => NOW - seconds(80),
        TokenState::Stale => NOW - seconds(95),
        TokenState::Expired => NOW - LIFETIME - millis(300),
    };
    // A backoff before the first request, and a rejection without a reaction, occur only after many grants.
    let hurried = acquisition_state == AcquisitionState::RateLimited
        || [AcquisitionState::Idle, AcquisitionState::ReadingChange].contains(&acquisition_state)
            && (token_state, failure_state) == (TokenState::Rejected, FailureState::None);
    if hurried {
        let at = NOW - millis(500);
        for _ in 0..5 {
            fixture.land("first", at, at);
        }
        fixture.handle(Input::TokenReceived(named("held", issued_at)), at);
    } else {
        fixture.land("first", issued_at, issued_at);
        fixture.land("held", issued_at, issued_at);
    }
    if token_state == TokenState::Rejected {
        fixture.handle(Input::TokenInvalidated(AccessToken::new("held")), NOW - millis(450));
    }
}

fn prepare_acquisition(
    fixture: &mut Fixture,
    acquisition_state: AcquisitionState,
    token_state: TokenState,
    failure_state: FailureState,
    at: UnixMillis,
) {
    if acquisition_state == AcquisitionState::Idle {
        return;
    }
    let begin = match (failure_state, token_state) {
        _ if acquisition_state == AcquisitionState::ReadingChange => Input::StoreChanged,
        _ if acquisition_state == AcquisitionState::ClearingStore => Input::Cleared,
        (FailureState::CoolDown, _) => Input::Requested(WAITER, TokenRequest::Forced),
        _ if acquisition_state == AcquisitionState::RateLimited => Input::Requested(WAITER, long_validity()),
        (FailureState::None, TokenState::Fresh) => Input::Requested(WAITER, TokenRequest::Forced),
        (FailureState::None, TokenState::Due) => Input::TimerFired,
        (
            FailureState::None,
            TokenState::None | TokenState::Rejected | TokenState::Stale | TokenState::Expired,
        ) => Input::Requested(WAITER, TokenRequest::DEFAULT),
    };
    // A refresh that is due would read the store by itself.
    let early = (acquisition_state == AcquisitionState::ReadingChange && failure_state == FailureState::None)
        .then(|| fixture.machine.tokens())
        .flatten();
    let at = early.map_or(at, |held| held.issued_at);
    fixture.handle(begin, at);
    if acquisition_state == AcquisitionState::RateLimited {
        return;
    }
    let saved = named("first", NOW - LIFETIME - seconds(1));
    let stored = [
        AcquisitionState::ClaimingRefreshToken,
        AcquisitionState::Refreshing,
        AcquisitionState::ReturningRefreshToken,
    ]
    .contains(&acquisition_state)
    .then_some(&saved);
    let first = match acquisition_state {
        AcquisitionState::AwaitingLease => AcquisitionState::AcquiringLease,
        AcquisitionState::ReturningRefreshToken => AcquisitionState::Refreshing,
        other => other,
    };
    fixture.until(first, stored, at);
    match acquisition_state {
        // The backoff takes at least 50 ms.
        AcquisitionState::AwaitingLease => {
            drop(fixture.handle(Input::LeaseAnswered(fixture.acquisition, Ok(None)), NOW - millis(20)))
        }
        AcquisitionState::Authenticating if fixture.acquisition_state() == AcquisitionState::Refreshing => {
            fixture.handle(Input::Granted(fixture.acquisition, Err(refused())), at);
        }
        AcquisitionState::RetryBackoff => {
            drop(fixture.handle(Input::Granted(fixture.acquisition, Err(transient())), at))
        }
        AcquisitionState::WritingStore => {
            drop(fixture.handle(Input::Granted(fixture.acquisition, Ok(named("saved", at))), at))
        }
        AcquisitionState::ReturningRefreshToken => {
            let unprocessed = GrantFailure::NotProcessed(failure(ErrorCode::Server));
            fixture.handle(Input::Granted(fixture.acquisition, Err(unprocessed)), at);
        }
        _ => {}
    }
}

pub(super) fn reach_closed(setup: Setup) -> Fixture {
    let mut fixture = Fixture::new(setup);
    fixture.land("held", NOW - seconds(50), NOW - seconds(50));
    fixture.handle(Input::TokenInvalidated(AccessToken::new("held")), NOW - seconds(2));
    fixture.handle(Input::Closed, NOW - seconds(1));
    fixture
}
