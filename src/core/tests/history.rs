//! Random histories of one lifecycle: a small driver that does what it is told.
//!
//! Decides what may happen to a lifecycle. Leaves judging what it did to the properties.
#![expect(clippy::wildcard_enum_match_arm, reason = "the driver is told about a few effects only")]

use std::{collections::BTreeMap, rc::Rc, time::Duration};

use proptest::{prelude::*, test_runner::Config};

use super::{
    START, failure, millis, scopes, seconds,
    store_model::{Asked, Health, Holder, Store},
    world::Dice,
};
use crate::core::{
    AccessToken, AcquisitionId, Borrowing, CallId, ClockOffset, Effect, ErrorCode, Event, GrantFailure,
    Input, IoScope, Jitter, Phase, Policy, RefreshMode, RefreshToken, Rejection, Retry, ScopeSet, Session,
    Sharing, TokenError, TokenRequest, TokenSet, TokenTimes, UnixMillis,
};

/// How the properties are run.
pub(super) fn config() -> Config {
    // A history is quickly made. A failure prints the shrunken one: no file need keep it.
    let usual = Config::default();
    Config { cases: 2 * usual.cases, failure_persistence: None, ..usual }
}

/// What is thrown, and what shrinks: a policy and things that happen.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) policy: Policy,
    seed: u64,
    acts: Vec<Act>,
}

#[derive(Clone, Debug)]
enum Act {
    /// Time passes and nobody notices.
    Pass(Duration),
    /// Time passes until the alarm goes off.
    Alarm,
    Wake,
    Ask(TokenRequest),
    Abandon(usize),
    Use,
    /// The user says that the API refused a token.
    Refuse(Known),
    /// An answer does.
    Deny(Known, Rejection),
    See(Known, Grown),
    /// The request on the wire is answered.
    Answer(Reply),
    /// The request on the wire is followed by another, or was preceded by something else.
    Progress,
    /// A flight that is over, or never was, is answered.
    AnswerElsewhere(u64, Reply),
    /// Token after token comes and is refused, as fast as can be.
    Storm(u64),
    /// What was asked of the shared store is answered.
    Store(Health),
    /// Another holder does something.
    Peer(PeerAct),
    Close,
}

/// Which token an act is about.
#[derive(Clone, Debug)]
enum Known {
    Held,
    /// One of all that there ever were.
    Any(usize),
    New,
}

#[derive(Clone, Debug)]
enum PeerAct {
    /// Takes the lease, also if ours has ended by itself.
    TakesLease,
    GivesLeaseBack,
    /// Gets a token, by the refresh token in the store if there is one, and saves it.
    Grants(Grown),
    /// Says that it has saved something.
    Announces,
    /// Empties the store.
    Flushes,
}

/// How a token is made.
#[derive(Clone, Debug)]
struct Grown {
    lifetime: Duration,
    /// By how many seconds the provider's clock is off just now; no stamp where `None`.
    stamped: Option<i64>,
    refresh_token: Option<()>,
    scopes: Option<ScopeSet>,
}

#[derive(Clone, Debug)]
enum Reply {
    Token(Grown),
    /// The token had expired when it came.
    Stale,
    Transient(Option<Duration>),
    RefreshTokenRejected,
    Permanent(ErrorCode),
}

/// Each act is one number, which proptest can take away or make smaller: strategies
/// for every field would take most of the time of a test.
pub(super) fn plans() -> impl Strategy<Value = Plan> {
    (any::<u64>(), prop::collection::vec(any::<u32>(), 1..80)).prop_map(|(seed, numbers)| Plan {
        policy: policy(&mut Dice::new(seed)),
        seed,
        acts: numbers.into_iter().map(|number| act(&mut Dice::new(u64::from(number)))).collect(),
    })
}

/// Plans of holders that share a token through a store.
pub(super) fn shared_plans() -> impl Strategy<Value = Plan> {
    (plans(), prop::collection::vec(any::<u32>(), 1..80)).prop_map(|(plan, numbers)| {
        let lease = Dice::new(!plan.seed).happens(0.8).map(|()| seconds(20));
        let announces = Dice::new(plan.seed).happens(0.7).is_some();
        let policy = Policy { sharing: Some(Sharing { lease, announces }), ..plan.policy };
        let acts = numbers.into_iter().map(|number| shared_act(&mut Dice::new(u64::from(number)))).collect();
        Plan { policy, seed: plan.seed, acts }
    })
}

fn shared_act(dice: &mut Dice) -> Act {
    match dice.between(0, 10) {
        0..5 => act(dice),
        5..9 => Act::Store(match dice.between(0, 16) {
            0..14 => Health::Works,
            14..15 => Health::Fails,
            _ => Health::FailsAfterwards,
        }),
        _ => Act::Peer(match dice.between(0, 8) {
            0..2 => PeerAct::TakesLease,
            2..4 => PeerAct::GivesLeaseBack,
            4..6 => PeerAct::Grants(grown(dice)),
            6..7 => PeerAct::Announces,
            _ => PeerAct::Flushes,
        }),
    }
}

fn policy(dice: &mut Dice) -> Policy {
    Policy {
        refresh: match dice.between(0, 7) {
            0..4 => RefreshMode::Always,
            4..6 => RefreshMode::WhileUsed,
            _ => RefreshMode::OnDemand,
        },
        refresh_window: [0.0, 0.25, 0.25, 0.25, 0.5, 0.9][dice.index(6)],
        min_validity: dice.happens(0.25).map(|()| span(dice)),
        retry: Retry { attempts: u32::try_from(dice.between(1, 5)).unwrap_or(1), ..Policy::default().retry },
        io_scope: dice.happens(0.2).map_or(IoScope::Process, |()| IoScope::Request),
        ..Policy::default()
    }
}

fn act(dice: &mut Dice) -> Act {
    match dice.between(0, 49) {
        0..6 => Act::Pass(span(dice)),
        6..12 => Act::Alarm,
        12..15 => Act::Wake,
        15..23 => Act::Ask(want(dice)),
        23..25 => Act::Abandon(dice.index(usize::MAX)),
        25..26 => Act::Use,
        26..28 => Act::Refuse(known(dice, 2)),
        28 => Act::Deny(
            known(dice, 2),
            [Rejection::First, Rejection::Replayed, Rejection::NotReplayable][dice.index(3)],
        ),
        29..33 => Act::See(known(dice, 5), grown(dice)),
        33..45 => Act::Answer(reply(dice)),
        45..47 => Act::AnswerElsewhere(dice.between(0, 9), reply(dice)),
        47 => Act::Progress,
        _ if dice.happens(0.1).is_some() => Act::Close,
        _ => Act::Storm(dice.between(1, 9)),
    }
}

/// From no time at all to days.
fn span(dice: &mut Dice) -> Duration {
    match dice.index(5) {
        0 => millis(dice.between(0, 3)),
        1 => millis(dice.between(0, 2_000)),
        2 => seconds(dice.between(0, 200)),
        3 => seconds(dice.between(0, 90_000)),
        _ => seconds(dice.between(0, 9) * 86_400),
    }
}

fn want(dice: &mut Dice) -> TokenRequest {
    if dice.happens(0.2).is_some() {
        return TokenRequest::Forced;
    }
    let min_validity = dice.happens(0.2).map(|()| span(dice));
    TokenRequest::Cached {
        min_validity,
        scopes: dice.happens(0.2).map(|()| some_scopes(dice)),
        borrowing: Borrowing::Allowed,
    }
}

fn some_scopes(dice: &mut Dice) -> ScopeSet {
    if dice.happens(0.5).is_some() { scopes(&["A"]) } else { scopes(&["A", "B"]) }
}

fn known(dice: &mut Dice, new: u64) -> Known {
    match dice.between(0, 4 + new) {
        0..2 => Known::Held,
        2..4 => Known::Any(dice.index(usize::MAX)),
        _ => Known::New,
    }
}

fn grown(dice: &mut Dice) -> Grown {
    let lifetime = match dice.between(0, 9) {
        0..5 => seconds(180),
        5..8 => millis(dice.between(1, 20_000)),
        _ => span(dice).max(millis(1)),
    };
    let off = [0, dice.around_zero(100)][dice.index(2)];
    Grown {
        lifetime,
        stamped: dice.happens(0.7).map(|()| off),
        refresh_token: dice.happens(0.6),
        scopes: dice.happens(0.3).map(|()| some_scopes(dice)),
    }
}

fn reply(dice: &mut Dice) -> Reply {
    match dice.between(0, 17) {
        0..8 => Reply::Token(grown(dice)),
        8..9 => Reply::Stale,
        9..13 => Reply::Transient(dice.happens(0.3).map(|()| {
            let short = seconds(dice.between(0, 32));
            [short, span(dice)][dice.index(2)]
        })),
        13..15 => Reply::RefreshTokenRejected,
        15..16 => Reply::Permanent(ErrorCode::InvalidCredentials),
        _ => Reply::Permanent(ErrorCode::Protocol),
    }
}

/// What happened, step by step.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) at: UnixMillis,
    pub(super) event: Input,
    pub(super) effects: Vec<Effect>,
    pub(super) before: View,
    pub(super) after: View,
}

/// What can be known of a lifecycle from outside, just before or after a step.
#[derive(Clone, Debug, Default)]
pub(super) struct View {
    pub(super) held: Option<Rc<TokenSet>>,
    pub(super) on_wire: Option<AcquisitionId>,
    pub(super) waiting: BTreeMap<CallId, TokenRequest>,
    pub(super) flight: Option<AcquisitionId>,
    pub(super) wakeup: Option<UnixMillis>,
    pub(super) served_until: Option<UnixMillis>,
    pub(super) remembered: Option<TokenError>,
    pub(super) store: Store,
}

impl Step {
    /// Whether the flight that this step sends first was begun in this step.
    pub(super) fn begins(&self) -> bool {
        self.sends().is_some() && (self.before.flight.is_none() || self.lands())
    }

    /// Whether an answer ended the flight.
    fn lands(&self) -> bool {
        matches!(self.answer(), Some(Ok(_)))
    }

    /// The flight whose request is sent.
    pub(super) fn sends(&self) -> Option<AcquisitionId> {
        self.effects.iter().find_map(|effect| if let Effect::Send(id, _) = effect { Some(*id) } else { None })
    }

    /// The answer to the request on the wire, if this step is one.
    pub(super) fn answer(&self) -> Option<&Result<Rc<TokenSet>, GrantFailure>> {
        let Input::Granted(id, answer) = &self.event else { return None };
        (self.before.on_wire == Some(*id)).then_some(answer)
    }

    /// The callers who are told, and what.
    pub(super) fn settled(&self) -> impl Iterator<Item = (CallId, &Result<Rc<TokenSet>, TokenError>)> {
        self.effects.iter().filter_map(|effect| {
            if let Effect::Resolve(call, answer) = effect { Some((*call, answer)) } else { None }
        })
    }
}

impl Plan {
    /// Everything that happens, with a last `close()`.
    pub(super) fn run(&self) -> Vec<Step> {
        let mut driver = Driver::new(self.machine());
        for act in &self.acts {
            driver.perform(act);
        }
        driver.tell(Input::Closed);
        driver.wind_up();
        driver.steps
    }

    /// What the same lifecycle does when it is told `events` instead.
    pub(super) fn replay(&self, events: impl Iterator<Item = (UnixMillis, Input)>) -> Vec<Vec<Effect>> {
        let mut machine = self.machine();
        events.map(|(at, event)| machine.handle(event, at)).collect()
    }

    /// The same, where each thing that is asked of the store fails at once.
    pub(super) fn replay_without_a_store(
        &self,
        events: impl Iterator<Item = (UnixMillis, Input)>,
    ) -> Vec<Vec<Effect>> {
        let mut machine = self.machine();
        let failed = || failure(ErrorCode::Store);
        let answered = |(at, event): (UnixMillis, Input)| {
            let mut effects = machine.handle(event, at);
            let mut next = 0;
            while next < effects.len() {
                let answer = match effects[next] {
                    Effect::ReadStore(id) => Some(Input::StoreRead(id, Err(failed()))),
                    Effect::AcquireLease(id) => Some(Input::LeaseAnswered(id, Err(failed()))),
                    Effect::WriteStore(id, ..) => Some(Input::StoreWritten(id, Err(failed()))),
                    _ => None,
                };
                next += 1;
                effects.extend(answer.into_iter().flat_map(|event| machine.handle(event, at)));
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

    fn machine(&self) -> Session {
        Session::new(self.policy.clone(), scopes(&["A"]), Jitter::new(self.seed))
    }
}

struct Driver {
    machine: Session,
    now: UnixMillis,
    view: View,
    calls: u64,
    last_sent: u64,
    /// Every token there ever was.
    tokens: Vec<Rc<TokenSet>>,
    steps: Vec<Step>,
}

impl Driver {
    fn new(machine: Session) -> Self {
        let (tokens, steps) = (Vec::new(), Vec::new());
        Self { machine, now: START, view: View::default(), calls: 0, last_sent: 0, tokens, steps }
    }

    /// Everything that is still awaited is answered.
    fn wind_up(&mut self) {
        while self.view.on_wire.is_some() || !self.view.store.asked.is_empty() {
            self.perform(&Act::Answer(Reply::Transient(None)));
            self.perform(&Act::Store(Health::Works));
        }
    }

    fn peer(&mut self, act: &PeerAct) -> Option<Input> {
        match act {
            PeerAct::TakesLease => {
                self.view.store.lease = None;
                self.view.store.acquire(Holder::Peer);
            }
            PeerAct::GivesLeaseBack => {
                self.view.store.lease.take_if(|holder| *holder == Holder::Peer);
            }
            PeerAct::Grants(grown) => {
                self.peer(&PeerAct::TakesLease);
                let spent = self.view.store.entry.take().and_then(|entry| entry.refresh_token.clone());
                let store = &mut self.view.store;
                store.presented_by_peer.extend(spent.map(|token| token.expose().to_owned()));
                self.view.store.entry = Some(self.grow(grown));
                self.view.store.lease = None;
                return Some(Input::StoreChanged);
            }
            PeerAct::Announces => return Some(Input::StoreChanged),
            PeerAct::Flushes => self.view.store.entry = None,
        }
        None
    }

    fn storm(&mut self) {
        let lifetime = seconds(180);
        let token = Grown { lifetime, stamped: None, refresh_token: None, scopes: None };
        for act in
            [Act::Ask(TokenRequest::DEFAULT), Act::Answer(Reply::Token(token)), Act::Refuse(Known::Held)]
        {
            self.perform(&act);
        }
    }

    fn perform(&mut self, act: &Act) {
        let event = match act {
            Act::Storm(times) => {
                (0..*times).for_each(|_| self.storm());
                return;
            }
            Act::Pass(span) => {
                self.now = self.now + *span;
                return;
            }
            Act::Alarm => {
                self.now = self.machine.poll_timeout().map_or(self.now, |at| at.max(self.now));
                Input::TimerFired
            }
            Act::Wake => Input::TimerFired,
            Act::Ask(want) => {
                self.calls += 1;
                Input::Requested(CallId(self.calls), want.clone())
            }
            Act::Abandon(number) => Input::Cancelled(CallId(*number as u64 % (self.calls + 1))),
            Act::Use => Input::TokenUsed,
            Act::Refuse(known) => {
                let token = self.known(known);
                Input::TokenInvalidated(
                    token.map_or(AccessToken::new("strange"), |it| it.access_token.clone()),
                )
            }
            Act::Deny(known, refusal) => {
                let token = self.known(known);
                Input::TokenRejected(
                    token.map_or(AccessToken::new("strange"), |it| it.access_token.clone()),
                    *refusal,
                )
            }
            Act::See(known, grown) => match self.known(known) {
                Some(mut token) => {
                    Rc::make_mut(&mut token).issued_at = self.now;
                    Input::TokenReceived(token)
                }
                None => Input::TokenReceived(self.grow(grown)),
            },
            Act::Answer(reply) => {
                let Some(id) = self.view.on_wire else { return };
                Input::Granted(id, self.reply(reply))
            }
            Act::Progress => {
                let Some(id) = self.view.on_wire else { return };
                Input::Progressed(id)
            }
            Act::AnswerElsewhere(back, reply) => {
                let id = AcquisitionId((self.last_sent + 4).saturating_sub(*back));
                // A driver that was asked for the entry or the lease answers with that, or with why it had no secrets.
                let waits_for_store = self.machine.acquisition().is_some_and(|it| {
                    it.id == id && matches!(it.phase, Phase::ReadingStore { .. } | Phase::AcquiringLease)
                });
                if self.view.on_wire == Some(id) || waits_for_store {
                    return;
                }
                Input::Granted(id, self.reply(reply))
            }
            Act::Close => Input::Closed,
            Act::Store(health) => {
                let Some(event) = self.view.store.answer(*health) else { return };
                event
            }
            Act::Peer(act) => {
                let Some(event) = self.peer(act) else { return };
                event
            }
        };
        self.tell(event);
    }

    fn known(&self, known: &Known) -> Option<Rc<TokenSet>> {
        match known {
            Known::Held => self.machine.held().cloned(),
            Known::Any(number) => self.tokens.get(number % self.tokens.len().max(1)).cloned(),
            Known::New => None,
        }
    }

    fn reply(&mut self, reply: &Reply) -> Result<Rc<TokenSet>, GrantFailure> {
        match reply {
            Reply::Token(grown) => Ok(self.grow(grown)),
            Reply::Stale => {
                let plain =
                    Grown { lifetime: millis(1), stamped: None, refresh_token: Some(()), scopes: None };
                let mut stale = self.grow(&plain);
                Rc::make_mut(&mut stale).expires_at = self.now;
                Ok(stale)
            }
            Reply::Transient(retry_after) => {
                let mut error = failure(ErrorCode::Server);
                error.retry_after = *retry_after;
                Err(GrantFailure::Transient(error))
            }
            Reply::RefreshTokenRejected => {
                Err(GrantFailure::RefreshTokenRejected(failure(ErrorCode::InvalidCredentials)))
            }
            Reply::Permanent(code) => Err(GrantFailure::Permanent(failure(*code))),
        }
    }

    fn grow(&mut self, grown: &Grown) -> Rc<TokenSet> {
        let name = format!("token {}", self.tokens.len());
        let provider_time = |off: i64| self.now.shifted(ClockOffset::new(off * 1000));
        let token = Rc::new(TokenSet {
            refresh_token: grown.refresh_token.map(|()| RefreshToken::new(name.clone())),
            access_token: AccessToken::new(name),
            scopes: grown.scopes.clone(),
            issued_at: self.now,
            expires_at: self.now + grown.lifetime,
            provider_clock: ClockOffset::default(),
            times: TokenTimes { issued_at: grown.stamped.map(provider_time), expires_at: None },
        });
        self.tokens.push(token.clone());
        token
    }

    fn tell(&mut self, event: Input) {
        let before = self.view.clone();
        let effects = self.machine.handle(event.clone(), self.now);
        self.account(&event, &effects);
        let after = self.view.clone();
        self.steps.push(Step { at: self.now, event, effects, before, after });
    }

    fn account(&mut self, event: &Input, effects: &[Effect]) {
        let View { on_wire, waiting, store, .. } = &mut self.view;
        match event {
            Input::Requested(call, want) => drop(waiting.insert(*call, want.clone())),
            Input::Cancelled(call) => drop(waiting.remove(call)),
            Input::Granted(id, _) if *on_wire == Some(*id) => *on_wire = None,
            Input::Granted(..)
            | Input::TokenUsed
            | Input::TokenInvalidated(_)
            | Input::TokenRejected(..)
            | Input::TokenReceived(_)
            | Input::TimerFired
            | Input::IoLost
            | Input::Progressed(_)
            | Input::Presented(..)
            | Input::StoreRead(..)
            | Input::LeaseAnswered(..)
            | Input::StoreWritten(..)
            | Input::StoreChanged
            | Input::Closed => {}
        }
        for effect in effects {
            match effect {
                Effect::Resolve(call, _) => drop(waiting.remove(call)),
                Effect::Send(id, _) => {
                    *on_wire = Some(*id);
                    self.last_sent = id.0;
                }
                Effect::Cancel(_) => *on_wire = None,
                Effect::ReadStore(id) => store.asked.push_back((*id, Asked::Load)),
                Effect::AcquireLease(id) => store.asked.push_back((*id, Asked::Acquire)),
                Effect::WriteStore(id, fence, tokens) => {
                    store.asked.push_back((*id, Asked::Save(*fence, tokens.clone())));
                }
                Effect::ReleaseLease(id) => {
                    store.lease.take_if(|holder| *holder == Holder::We(*id));
                }
                Effect::Emit(Event::StoreFailed(_)) => store.failures += 1,
                Effect::Emit(_) => {}
            }
        }
        let status = self.machine.status(self.now);
        self.view.held = self.machine.held().cloned();
        self.view.flight = self.machine.acquisition().map(|flight| flight.id);
        assert_eq!(self.machine.is_busy(), self.view.flight.is_some());
        self.view.wakeup = self.machine.poll_timeout();
        self.view.served_until = self.machine.served_until();
        self.view.remembered = status.last_error;
    }
}

/// Plans of both kinds.
pub(super) fn any_plans() -> impl Strategy<Value = Plan> {
    prop_oneof![plans(), shared_plans()]
}
