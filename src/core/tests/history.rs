//! Random histories of one session, with a small driver that performs its effects. The properties check them.
#![expect(clippy::wildcard_enum_match_arm, reason = "the driver performs a few effects only")]

use std::{collections::BTreeMap, rc::Rc, time::Duration};

use proptest::{prelude::*, test_runner::Config};

use super::{
    START, failure, millis, scopes, seconds,
    secrets::PLANTED,
    store_model::{Holder, Store, StoreCall, StoreOutcome},
    world::Rng,
};
use crate::core::{
    AccessToken, AcquisitionId, Borrowing, CallId, ClockOffset, Effect, ErrorCode, Event, Generation,
    GrantFailure, Input, IoScope, Jitter, Phase, Policy, RefreshMode, RefreshToken, RefreshTokenRotation,
    Rejection, Retry, ScopeSet, Session, Sharing, StoredRecord, TokenError, TokenRequest, TokenSet,
    TokenTimes, UnixMillis,
};

/// Configuration of the properties.
pub(super) fn config() -> Config {
    // Histories are cheap, so there are twice as many cases as usual. A failure prints the shrunken one, so no file is
    // written.
    let usual = Config::default();
    Config { cases: 2 * usual.cases, failure_persistence: None, ..usual }
}

/// A generated policy and sequence of operations.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) policy: Policy,
    seed: u64,
    ops: Vec<Op>,
}

#[derive(Clone, Debug)]
enum Op {
    /// Time passes without an input.
    AdvanceTime(Duration),
    /// Time passes until the timer fires.
    FireTimer,
    FireTimerEarly,
    Request(TokenRequest),
    Cancel(usize),
    UseToken,
    /// The user reports a rejected token.
    Invalidate(TokenRef),
    /// A response rejects a token.
    Reject(TokenRef, Rejection),
    ReceiveToken(TokenRef, TokenSpec),
    /// Answers the request in flight.
    Respond(ResponseSpec),
    /// The request in flight makes progress.
    Progress,
    /// Answers an acquisition that has ended or never existed.
    RespondStale(u64, ResponseSpec),
    /// Tokens are granted and rejected in quick succession.
    Storm(u64),
    /// Answers the oldest pending call of the shared store.
    AnswerStore(StoreOutcome),
    /// Another holder uses the store.
    Peer(PeerOp),
    SignOut,
    Close,
}

/// A token that an operation refers to.
#[derive(Clone, Debug)]
enum TokenRef {
    Cached,
    /// One of all tokens so far.
    Any(usize),
    New,
}

#[derive(Clone, Debug)]
enum PeerOp {
    /// Takes the lease, even if ours has expired.
    TakesLease,
    ReleasesLease,
    /// Gets a token, with the stored refresh token if there is one, and stores it.
    Grants(TokenSpec),
    /// Announces a change.
    Announces,
    /// Signs out, and replaces the entry.
    SignsOut,
    /// Empties the store.
    Flushes,
}

/// Properties of a generated token.
#[derive(Clone, Debug)]
struct TokenSpec {
    lifetime: Duration,
    /// Current offset of the provider's clock in seconds; `None` for a token without times.
    clock_offset: Option<i64>,
    refresh_token: Option<()>,
    scopes: Option<ScopeSet>,
}

#[derive(Clone, Debug)]
enum ResponseSpec {
    Token(TokenSpec),
    /// The token has expired on arrival.
    ExpiredToken,
    Transient(Option<Duration>),
    NotProcessed,
    RefreshTokenRejected,
    Permanent(ErrorCode),
}

/// Each operation is generated from one number, which proptest can remove or shrink: strategies for every field would
/// take most of the time of a test.
pub(super) fn plans() -> impl Strategy<Value = Plan> {
    (any::<u64>(), prop::collection::vec(any::<u32>(), 1..80)).prop_map(|(seed, numbers)| Plan {
        policy: policy(&mut Rng::new(seed)),
        seed,
        ops: numbers.into_iter().map(|number| op(&mut Rng::new(u64::from(number)))).collect(),
    })
}

/// Plans of holders that share a token through a store.
pub(super) fn shared_plans() -> impl Strategy<Value = Plan> {
    (plans(), prop::collection::vec(any::<u32>(), 1..80)).prop_map(|(plan, numbers)| {
        let lease = Rng::new(!plan.seed).chance(0.8).map(|()| seconds(20));
        let announces = Rng::new(plan.seed).chance(0.7).is_some();
        let policy = Policy { sharing: Some(Sharing { lease, announces }), ..plan.policy };
        let ops = numbers.into_iter().map(|number| shared_op(&mut Rng::new(u64::from(number)))).collect();
        Plan { policy, seed: plan.seed, ops }
    })
}

fn shared_op(rng: &mut Rng) -> Op {
    match rng.between(0, 10) {
        0..5 => op(rng),
        5..9 => Op::AnswerStore(match rng.between(0, 16) {
            0..14 => StoreOutcome::Success,
            14..15 => StoreOutcome::Failure,
            _ => StoreOutcome::FailureAfterEffect,
        }),
        _ => Op::Peer(match rng.between(0, 9) {
            0..2 => PeerOp::TakesLease,
            2..4 => PeerOp::ReleasesLease,
            4..6 => PeerOp::Grants(spec(rng)),
            6..7 => PeerOp::Announces,
            7 => PeerOp::SignsOut,
            _ => PeerOp::Flushes,
        }),
    }
}

fn policy(rng: &mut Rng) -> Policy {
    Policy {
        refresh: match rng.between(0, 7) {
            0..4 => RefreshMode::Always,
            4..6 => RefreshMode::WhileUsed,
            _ => RefreshMode::OnDemand,
        },
        refresh_window: [0.0, 0.25, 0.25, 0.25, 0.5, 0.9][rng.index(6)],
        min_validity: rng.chance(0.25).map(|()| span(rng)),
        retry: Retry { attempts: u32::try_from(rng.between(1, 5)).unwrap_or(1), ..Policy::default().retry },
        io_scope: rng.chance(0.2).map_or(IoScope::Process, |()| IoScope::Request),
        rotation: rng
            .chance(0.4)
            .map_or(RefreshTokenRotation::Strict, |()| RefreshTokenRotation::RetryPrevious),
        ..Policy::default()
    }
}

fn op(rng: &mut Rng) -> Op {
    match rng.between(0, 50) {
        0..6 => Op::AdvanceTime(span(rng)),
        6..12 => Op::FireTimer,
        12..15 => Op::FireTimerEarly,
        15..23 => Op::Request(token_request(rng)),
        23..25 => Op::Cancel(rng.index(usize::MAX)),
        25..26 => Op::UseToken,
        26..28 => Op::Invalidate(token_ref(rng, 2)),
        28 => Op::Reject(
            token_ref(rng, 2),
            [Rejection::First, Rejection::AfterRenewal, Rejection::WithoutReplay][rng.index(3)],
        ),
        29..33 => Op::ReceiveToken(token_ref(rng, 5), spec(rng)),
        33..45 => Op::Respond(response(rng)),
        45..47 => Op::RespondStale(rng.between(0, 9), response(rng)),
        47 => Op::Progress,
        48 if rng.chance(0.5).is_some() => Op::SignOut,
        _ if rng.chance(0.1).is_some() => Op::Close,
        _ => Op::Storm(rng.between(1, 9)),
    }
}

/// From zero to days.
fn span(rng: &mut Rng) -> Duration {
    match rng.index(5) {
        0 => millis(rng.between(0, 3)),
        1 => millis(rng.between(0, 2_000)),
        2 => seconds(rng.between(0, 200)),
        3 => seconds(rng.between(0, 90_000)),
        _ => seconds(rng.between(0, 9) * 86_400),
    }
}

fn token_request(rng: &mut Rng) -> TokenRequest {
    if rng.chance(0.2).is_some() {
        return TokenRequest::Forced;
    }
    let min_validity = rng.chance(0.2).map(|()| span(rng));
    TokenRequest::Cached {
        min_validity,
        scopes: rng.chance(0.2).map(|()| some_scopes(rng)),
        borrowing: Borrowing::Allowed,
    }
}

fn some_scopes(rng: &mut Rng) -> ScopeSet {
    if rng.chance(0.5).is_some() { scopes(&["A"]) } else { scopes(&["A", "B"]) }
}

fn token_ref(rng: &mut Rng, new: u64) -> TokenRef {
    match rng.between(0, 4 + new) {
        0..2 => TokenRef::Cached,
        2..4 => TokenRef::Any(rng.index(usize::MAX)),
        _ => TokenRef::New,
    }
}

fn spec(rng: &mut Rng) -> TokenSpec {
    let lifetime = match rng.between(0, 9) {
        0..5 => seconds(180),
        5..8 => millis(rng.between(1, 20_000)),
        _ => span(rng).max(millis(1)),
    };
    let off = [0, rng.symmetric(100)][rng.index(2)];
    TokenSpec {
        lifetime,
        clock_offset: rng.chance(0.7).map(|()| off),
        refresh_token: rng.chance(0.6),
        scopes: rng.chance(0.3).map(|()| some_scopes(rng)),
    }
}

fn response(rng: &mut Rng) -> ResponseSpec {
    match rng.between(0, 17) {
        0..8 => ResponseSpec::Token(spec(rng)),
        8..9 => ResponseSpec::ExpiredToken,
        9 => ResponseSpec::NotProcessed,
        10..13 => ResponseSpec::Transient(rng.chance(0.3).map(|()| {
            let short = seconds(rng.between(0, 32));
            [short, span(rng)][rng.index(2)]
        })),
        13..15 => ResponseSpec::RefreshTokenRejected,
        15..16 => ResponseSpec::Permanent(ErrorCode::InvalidCredentials),
        _ => ResponseSpec::Permanent(ErrorCode::Protocol),
    }
}

/// An input, its effects, and the observable state before and after it.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) at: UnixMillis,
    pub(super) input: Input,
    pub(super) effects: Vec<Effect>,
    pub(super) before: View,
    pub(super) after: View,
}

/// The observable state of a session.
#[derive(Clone, Debug, Default)]
pub(super) struct View {
    pub(super) held: Option<Rc<TokenSet>>,
    pub(super) in_flight: Option<AcquisitionId>,
    pub(super) waiting: BTreeMap<CallId, TokenRequest>,
    pub(super) acquisition: Option<AcquisitionId>,
    pub(super) timeout: Option<UnixMillis>,
    pub(super) served_until: Option<UnixMillis>,
    pub(super) remembered: Option<TokenError>,
    pub(super) store: Store,
}

impl Step {
    /// Returns whether the first request of an acquisition is sent in this step.
    pub(super) fn begins(&self) -> bool {
        self.sends().is_some() && (self.before.acquisition.is_none() || self.lands())
    }

    /// Returns whether a response ended the acquisition.
    fn lands(&self) -> bool {
        matches!(self.answer(), Some(Ok(_)))
    }

    /// The acquisition that sends a request.
    pub(super) fn sends(&self) -> Option<AcquisitionId> {
        self.effects.iter().find_map(|effect| if let Effect::Send(id, _) = effect { Some(*id) } else { None })
    }

    /// The response to the request in flight, if this step is one.
    pub(super) fn answer(&self) -> Option<&Result<Rc<TokenSet>, GrantFailure>> {
        let Input::Granted(id, answer) = &self.input else { return None };
        (self.before.in_flight == Some(*id)).then_some(answer)
    }

    /// The callers that are resolved, with their results.
    pub(super) fn resolved(&self) -> impl Iterator<Item = (CallId, &Result<Rc<TokenSet>, TokenError>)> {
        self.effects.iter().filter_map(|effect| {
            if let Effect::Resolve(call, answer) = effect { Some((*call, answer)) } else { None }
        })
    }
}

impl Plan {
    pub(super) fn without_sign_outs(mut self) -> Self {
        self.ops.retain(|op| !matches!(op, Op::SignOut));
        self
    }

    /// The same operations with another rotation of refresh tokens.
    pub(super) fn with_rotation(mut self, rotation: RefreshTokenRotation) -> Self {
        self.policy.rotation = rotation;
        self
    }

    /// Runs all operations, and a final `close()`.
    pub(super) fn run(&self) -> Vec<Step> {
        let mut driver = Driver::new(self.machine());
        for op in &self.ops {
            driver.perform(op);
        }
        driver.handle(Input::Closed);
        driver.drain();
        driver.steps
    }

    /// Returns the effects of another sequence of inputs on the same session.
    pub(super) fn replay(&self, events: impl Iterator<Item = (UnixMillis, Input)>) -> Vec<Vec<Effect>> {
        let mut machine = self.machine();
        events.map(|(at, input)| machine.handle(input, at)).collect()
    }

    /// As `replay`, where each call of the store fails at once.
    pub(super) fn replay_without_a_store(
        &self,
        events: impl Iterator<Item = (UnixMillis, Input)>,
    ) -> Vec<Vec<Effect>> {
        let mut machine = self.machine();
        let failed = || failure(ErrorCode::Store);
        let answered = |(at, input): (UnixMillis, Input)| {
            let mut effects = machine.handle(input, at);
            let mut next = 0;
            while next < effects.len() {
                let answer = match effects[next] {
                    Effect::ReadStore(id) => Some(Input::StoreRead(id, Err(failed()))),
                    Effect::AcquireLease(id) => Some(Input::LeaseAnswered(id, Err(failed()))),
                    Effect::WriteStore(id, ..) => Some(Input::StoreWritten(id, Err(failed()))),
                    _ => None,
                };
                next += 1;
                effects.extend(answer.into_iter().flat_map(|input| machine.handle(input, at)));
            }
            effects.sort_by_key(|effect| match effect {
                Effect::Resolve(..) => 0,
                Effect::Emit(_) => 2,
                _ => 1,
            });
            effects
        };
        events.map(answered).collect()
    }

    pub(super) fn machine(&self) -> Session {
        Session::new(self.policy.clone(), scopes(&["A"]), Jitter::new(self.seed))
    }
}

struct Driver {
    machine: Session,
    now: UnixMillis,
    view: View,
    calls: u64,
    last_sent: u64,
    /// All tokens so far.
    tokens: Vec<Rc<TokenSet>>,
    steps: Vec<Step>,
}

impl Driver {
    fn new(machine: Session) -> Self {
        let (tokens, steps) = (Vec::new(), Vec::new());
        Self { machine, now: START, view: View::default(), calls: 0, last_sent: 0, tokens, steps }
    }

    /// Answers all pending requests and calls.
    fn drain(&mut self) {
        loop {
            if self.view.in_flight.is_some() || !self.view.store.pending.is_empty() {
                self.perform(&Op::Respond(ResponseSpec::Transient(None)));
                self.perform(&Op::AnswerStore(StoreOutcome::Success));
            } else if self.machine.is_closed() && self.machine.is_busy() {
                // A sign-out waits for the lease of a peer.
                self.perform(&Op::FireTimer);
            } else {
                break;
            }
        }
    }

    fn peer(&mut self, op: &PeerOp) -> Option<Input> {
        match op {
            PeerOp::TakesLease => {
                self.view.store.lease = None;
                self.view.store.acquire(Holder::Peer);
            }
            PeerOp::ReleasesLease => {
                self.view.store.lease.take_if(|holder| *holder == Holder::Peer);
            }
            PeerOp::Grants(spec) => {
                self.peer(&PeerOp::TakesLease);
                let StoredRecord { tokens, generation } = self.view.store.entry.take().unwrap_or_default();
                let spent = tokens.and_then(|tokens| tokens.refresh_token.clone());
                let store = &mut self.view.store;
                let presented = store.presented_by_peer.len();
                store.presented_by_peer.extend(spent.map(|token| token.expose().to_owned()));
                let spent = self.view.store.presented_by_peer.len();
                let tokens = self.make_token(spec);
                let store = &mut self.view.store;
                if let (true, Some(new)) = (spent > presented, &tokens.refresh_token) {
                    let spent = store.presented_by_peer[spent - 1].clone();
                    store.replaced_by_peer.push((spent, new.expose().to_owned()));
                }
                store.entry = Some(StoredRecord { tokens: Some(tokens), generation });
                store.lease = None;
                return Some(Input::StoreChanged);
            }
            PeerOp::Announces => return Some(Input::StoreChanged),
            PeerOp::SignsOut => {
                let store = &mut self.view.store;
                store.sign_outs_of_peer += 1;
                let generation = Generation(store.sign_outs_of_peer);
                store.entry = Some(StoredRecord { tokens: None, generation });
                return Some(Input::StoreChanged);
            }
            PeerOp::Flushes => self.view.store.entry = None,
        }
        None
    }

    fn storm(&mut self) {
        let lifetime = seconds(180);
        let token = TokenSpec { lifetime, clock_offset: None, refresh_token: None, scopes: None };
        for op in [
            Op::Request(TokenRequest::DEFAULT),
            Op::Respond(ResponseSpec::Token(token)),
            Op::Invalidate(TokenRef::Cached),
        ] {
            self.perform(&op);
        }
    }

    fn perform(&mut self, op: &Op) {
        let input = match op {
            Op::Storm(times) => {
                (0..*times).for_each(|_| self.storm());
                return;
            }
            Op::AdvanceTime(span) => {
                self.now = self.now + *span;
                return;
            }
            Op::FireTimer => {
                self.now = self.machine.poll_timeout().map_or(self.now, |at| at.max(self.now));
                Input::TimerFired
            }
            Op::FireTimerEarly => Input::TimerFired,
            Op::Request(request) => {
                self.calls += 1;
                Input::Requested(CallId(self.calls), request.clone())
            }
            Op::Cancel(number) => Input::Cancelled(CallId(*number as u64 % (self.calls + 1))),
            Op::UseToken => Input::TokenUsed,
            Op::Invalidate(known) => {
                let token = self.known(known);
                Input::TokenInvalidated(
                    token.map_or(AccessToken::new("unknown"), |it| it.access_token.clone()),
                )
            }
            Op::Reject(known, rejection) => {
                let token = self.known(known);
                Input::TokenRejected(
                    token.map_or(AccessToken::new("unknown"), |it| it.access_token.clone()),
                    *rejection,
                )
            }
            Op::ReceiveToken(known, spec) => match self.known(known) {
                Some(mut token) => {
                    Rc::make_mut(&mut token).issued_at = self.now;
                    Input::TokenReceived(token)
                }
                None => Input::TokenReceived(self.make_token(spec)),
            },
            Op::Respond(response) => {
                let Some(id) = self.view.in_flight else { return };
                Input::Granted(id, self.response(response))
            }
            Op::Progress => {
                let Some(id) = self.view.in_flight else { return };
                Input::Progressed(id)
            }
            Op::RespondStale(back, response) => {
                let id = AcquisitionId((self.last_sent + 4).saturating_sub(*back));
                // A pending read or lease request is answered as such, or by the failure of a secret function.
                let waits_for_store = self.machine.acquisition().is_some_and(|it| {
                    it.id == id && matches!(it.phase, Phase::ReadingStore { .. } | Phase::AcquiringLease)
                });
                if self.view.in_flight == Some(id) || waits_for_store {
                    return;
                }
                Input::Granted(id, self.response(response))
            }
            Op::SignOut => Input::Cleared,
            Op::Close => Input::Closed,
            Op::AnswerStore(outcome) => {
                let Some(input) = self.view.store.answer(*outcome) else { return };
                input
            }
            Op::Peer(op) => {
                let Some(input) = self.peer(op) else { return };
                input
            }
        };
        self.handle(input);
    }

    fn known(&self, known: &TokenRef) -> Option<Rc<TokenSet>> {
        match known {
            TokenRef::Cached => self.machine.tokens().cloned(),
            TokenRef::Any(number) => self.tokens.get(number % self.tokens.len().max(1)).cloned(),
            TokenRef::New => None,
        }
    }

    fn response(&mut self, response: &ResponseSpec) -> Result<Rc<TokenSet>, GrantFailure> {
        match response {
            ResponseSpec::Token(spec) => Ok(self.make_token(spec)),
            ResponseSpec::ExpiredToken => {
                let plain = TokenSpec {
                    lifetime: millis(1),
                    clock_offset: None,
                    refresh_token: Some(()),
                    scopes: None,
                };
                let mut stale = self.make_token(&plain);
                Rc::make_mut(&mut stale).expires_at = self.now;
                Ok(stale)
            }
            ResponseSpec::Transient(retry_after) => {
                let mut error = failure(ErrorCode::Server);
                error.retry_after = *retry_after;
                Err(GrantFailure::Transient(error))
            }
            ResponseSpec::NotProcessed => Err(GrantFailure::NotProcessed(failure(ErrorCode::Server))),
            ResponseSpec::RefreshTokenRejected => {
                Err(GrantFailure::RefreshTokenRejected(failure(ErrorCode::InvalidCredentials)))
            }
            ResponseSpec::Permanent(code) => Err(GrantFailure::Permanent(failure(*code))),
        }
    }

    fn make_token(&mut self, spec: &TokenSpec) -> Rc<TokenSet> {
        let name = format!("{PLANTED} {}", self.tokens.len());
        let provider_time = |off: i64| self.now.shifted(ClockOffset::new(off * 1000));
        let token = Rc::new(TokenSet {
            refresh_token: spec.refresh_token.map(|()| RefreshToken::new(name.clone())),
            access_token: AccessToken::new(name),
            scopes: spec.scopes.clone(),
            issued_at: self.now,
            expires_at: self.now + spec.lifetime,
            provider_clock: ClockOffset::default(),
            times: TokenTimes { issued_at: spec.clock_offset.map(provider_time), expires_at: None },
        });
        self.tokens.push(token.clone());
        token
    }

    fn handle(&mut self, input: Input) {
        let before = self.view.clone();
        let effects = self.machine.handle(input.clone(), self.now);
        self.account(&input, &effects);
        let after = self.view.clone();
        self.steps.push(Step { at: self.now, input, effects, before, after });
    }

    fn account(&mut self, input: &Input, effects: &[Effect]) {
        let View { in_flight, waiting, store, .. } = &mut self.view;
        match input {
            Input::Requested(call, request) => drop(waiting.insert(*call, request.clone())),
            Input::Cancelled(call) => drop(waiting.remove(call)),
            Input::Granted(id, _) if *in_flight == Some(*id) => *in_flight = None,
            Input::Granted(..)
            | Input::TokenUsed
            | Input::TokenInvalidated(_)
            | Input::TokenRejected(..)
            | Input::TokenReceived(_)
            | Input::TimerFired
            | Input::IoLost
            | Input::Progressed(_)
            | Input::CredentialsPresented(..)
            | Input::StoreRead(..)
            | Input::LeaseAnswered(..)
            | Input::StoreWritten(..)
            | Input::StoreChanged
            | Input::Cleared
            | Input::Revoked
            | Input::Closed => {}
        }
        for effect in effects {
            match effect {
                Effect::Resolve(call, _) => drop(waiting.remove(call)),
                Effect::Send(id, _) => {
                    *in_flight = Some(*id);
                    self.last_sent = id.0;
                }
                Effect::Cancel(_) => *in_flight = None,
                Effect::ReadStore(id) => store.pending.push_back((*id, StoreCall::Read)),
                Effect::AcquireLease(id) => store.pending.push_back((*id, StoreCall::AcquireLease)),
                Effect::WriteStore(id, fence, record) => {
                    store.pending.push_back((*id, StoreCall::Write(*fence, record.clone())));
                }
                Effect::ReleaseLease(id) => {
                    store.lease.take_if(|holder| *holder == Holder::We(*id));
                }
                Effect::Emit(Event::StoreFailed(_)) => store.failures += 1,
                Effect::Emit(_) | Effect::Revoke(_) | Effect::ReportCleared(_) => {}
            }
        }
        let status = self.machine.status(self.now);
        self.view.held = self.machine.tokens().cloned();
        self.view.acquisition = self.machine.acquisition().map(|acquisition| acquisition.id);
        assert_eq!(self.machine.is_busy(), self.view.acquisition.is_some());
        self.view.timeout = self.machine.poll_timeout();
        self.view.served_until = self.machine.served_until();
        self.view.remembered = status.last_error;
    }
}

/// Plans of both kinds.
pub(super) fn any_plans() -> impl Strategy<Value = Plan> {
    prop_oneof![plans(), shared_plans()]
}
