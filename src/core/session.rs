//! One token's life: when it is asked for, handed out, replaced and given up.
//!
//! Decides everything about one token. Leaves asking the provider, telling the
//! time and waking up to the driver.

use std::rc::Rc;

use super::{
    AccessToken, CallId, Change, Company, CredentialHistory, CredentialId, Effect, ErrorCode, Event, Expiry,
    Fence, Flight, FlightId, Grant, GrantFailure, Holding, IoScope, Jitter, Outlook, Pace, Phase, Policy,
    Queue, Reason, RefreshMode, RefreshToken, Refusals, Remains, ScopeSet, Sharing, Stage, Stamp, Superseded,
    TokenError, TokenSet, Turn, UnixMillis, Want, Written, cool_down, millis,
};

mod acquire;
mod scheduling;
mod shared_store;

pub(super) use scheduling::{Claim, Health, Hurry, Plea};
use shared_store::{StoreChanges, StoreTrouble};

/// The state machine of one token. See the [module's diagram](super).
#[derive(Debug)]
pub struct Lifecycle {
    policy: Rc<Policy>,
    /// The scopes that each grant asks for.
    scopes: ScopeSet,
    jitter: Jitter,
    holding: Option<Holding>,
    /// Here while nobody presents it, and only if no other holder can.
    refresh_token: Option<RefreshToken>,
    flight: Option<Box<Flight>>,
    /// How each flight starts.
    turn: Turn,
    /// In the order in which they came. Found by walking: few leave before they are settled.
    waiting: Vec<(CallId, Want)>,
    trouble: Option<Box<Trouble>>,
    credentials: CredentialHistory,
    store_trouble: Option<Box<StoreTrouble>>,
    store_changes: StoreChanges,
    pace: Pace,
    usage: Usage,
    vacancy: Vacancy,
    superseded: Superseded,
    refusals: Refusals,
    /// What listeners were told is missing.
    scopes_missing: ScopeSet,
    openness: Openness,
    /// Enough for one a second in a lifetime.
    flights: u32,
    grants: u32,
    failures: u32,
}

/// A failure, remembered.
#[derive(Clone, Debug)]
struct Trouble {
    error: TokenError,
    /// The end of the cool-down.
    until: UnixMillis,
    /// In milliseconds.
    span: u64,
}

/// Whether the token was asked for since it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Usage {
    Unused,
    Used,
}

/// Why there is no token, where there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Vacancy {
    NeverHeld,
    /// The API refused the token of this stamp.
    Refused(Box<Stamp>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Openness {
    Open,
    Closed,
}

/// A snapshot for dashboards. Holds no token.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    /// How good the token is; `None` where there is none.
    pub stage: Option<Stage>,
    /// Whether a new one is being asked for.
    pub refreshing: bool,
    /// When the token came and when it expires, by the provider's clock.
    pub lifetime: Option<(UnixMillis, UnixMillis)>,
    /// When the background refreshes it, by our clock.
    pub refresh_at: Option<UnixMillis>,
    /// When it becomes due for a refresh, by our clock, whether or not the background refreshes it.
    pub due_at: Option<UnixMillis>,
    /// The failure that is remembered.
    pub last_error: Option<TokenError>,
    /// Grants that brought a token.
    pub grants: u64,
    /// Grants that were given up.
    pub failures: u64,
}

impl Lifecycle {
    /// A lifecycle that holds nothing. `scopes` are those that each grant asks for.
    pub fn new(policy: impl Into<Rc<Policy>>, scopes: ScopeSet, jitter: Jitter) -> Self {
        Self {
            policy: policy.into(),
            scopes,
            jitter,
            holding: None,
            refresh_token: None,
            flight: None,
            turn: Turn::Free,
            waiting: Vec::new(),
            trouble: None,
            credentials: CredentialHistory::default(),
            store_trouble: None,
            store_changes: StoreChanges::default(),
            pace: Pace::default(),
            usage: Usage::Unused,
            vacancy: Vacancy::NeverHeld,
            superseded: Superseded::default(),
            refusals: Refusals::default(),
            scopes_missing: ScopeSet::default(),
            openness: Openness::Open,
            flights: 0,
            grants: 0,
            failures: 0,
        }
    }

    /// Takes note of what has happened and tells what to do, in order.
    ///
    /// `now` must not go back from call to call.
    #[must_use = "an effect that is not performed leaves a caller waiting"]
    pub fn handle(&mut self, event: Event, now: UnixMillis) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.tell(event, now, &mut effects);
        effects.sort_by_key(turn);
        effects
    }

    /// As [`handle`](Self::handle), for whoever puts the effects in order.
    pub(super) fn tell(&mut self, event: Event, now: UnixMillis, effects: &mut Vec<Effect>) {
        let is_late = match (event.flight(), &self.flight) {
            (Some(id), Some(flight)) => id != flight.id,
            (Some(_), None) => true,
            (None, _) => false,
        };
        let is_closed = self.openness == Openness::Closed;
        if is_late || is_closed && matches!(event, Event::Requested(..)) {
            if let Some(effect) = undeliverable(&event) {
                effects.push(effect);
            }
        } else if is_closed {
            self.wind_up(event, effects);
        } else {
            self.note(event, now, effects);
        }
        self.tend(now, effects);
    }

    /// Gives the steps that were just asked for their deadline.
    fn set_deadline(&mut self, effects: &[Effect], now: UnixMillis) {
        if effects.iter().any(is_step) {
            self.progressed(now);
        }
    }

    /// The flight takes another step, which has its time from now on.
    fn progressed(&mut self, now: UnixMillis) {
        if let Some(flight) = &mut self.flight
            && let Some(step) = flight.phase.step()
        {
            flight.deadline = now.after(self.policy.limits.deadline(step));
        }
    }

    /// When to send [`Event::Woke`]; always later than the last event.
    pub fn next_wakeup(&self) -> Option<UnixMillis> {
        self.alarm().if_ever()
    }

    pub(super) fn alarm(&self) -> UnixMillis {
        let flight = self.flight.as_deref().map_or(UnixMillis::NEVER, Flight::wakes_at);
        flight.min(self.refresh_at()).min(self.expires_at()).min(self.store_read_at())
    }

    /// From when on any event starts the refresh, or has it go on.
    fn continues_at(&self, holding: &Holding) -> UnixMillis {
        match self.flight.as_deref() {
            Some(flight) => flight.wakes_at(),
            None => self.background_from(holding.refresh_at),
        }
    }

    /// Whether a caller waits for an answer.
    pub fn is_awaited(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether something is still to be done: a grant that was on the wire under a lease
    /// when the manager was closed is kept for the other holders.
    pub const fn is_busy(&self) -> bool {
        self.flight.is_some()
    }

    /// The token held, valid or not.
    pub fn held(&self) -> Option<&Rc<TokenSet>> {
        self.holding.as_ref().map(|holding| &holding.tokens)
    }

    /// Until when the token held may be handed out without asking.
    ///
    /// Ends when a refresh is due that nothing has begun, or whose flight is lost, so that
    /// the next caller, who need not wait, sets it going.
    pub fn served_until(&self) -> Option<UnixMillis> {
        let holding = self.holding.as_ref()?;
        let until = self.policy.served_until(holding.tokens.issued_at, holding.tokens.expires_at, None);
        Some(until.min(self.continues_at(holding)))
    }

    /// What is being done about the token, for the table of transitions.
    #[cfg(test)]
    #[cfg(not(target_arch = "wasm32"))]
    pub(super) fn flight(&self) -> Option<&Flight> {
        self.flight.as_deref()
    }

    /// A snapshot at `now`.
    pub fn status(&self, now: UnixMillis) -> Status {
        Status {
            stage: self.holding.as_ref().map(|holding| holding.stage(now)),
            refreshing: self.flight.as_ref().is_some_and(|flight| flight.reason != Reason::Shared),
            lifetime: self.held().map(|tokens| {
                let skew = tokens.provider_clock;
                (tokens.issued_at.shifted(skew), tokens.expires_at.shifted(skew))
            }),
            refresh_at: self.refresh_at().if_ever(),
            due_at: self.holding.as_ref().map(|holding| holding.refresh_at),
            last_error: self.trouble.as_ref().map(|trouble| trouble.error.clone()),
            grants: u64::from(self.grants),
            failures: u64::from(self.failures),
        }
    }

    fn note(&mut self, event: Event, now: UnixMillis, effects: &mut Vec<Effect>) {
        match event {
            Event::Requested(call, want) => self.requested(call, want, now, effects),
            Event::Abandoned(call) => {
                if let Some(place) = self.waiting.iter().position(|(waiting, _)| *waiting == call) {
                    self.waiting.remove(place);
                }
                self.close_the_waiting_room();
            }
            Event::Used => self.usage = Usage::Used,
            Event::Invalidated(token) => self.invalidated(&token),
            Event::Refused(token, refusal) => {
                let is_held = self.held().is_some_and(|held| held.access_token == token);
                if is_held && self.refusals.believe(&token, refusal, now) {
                    self.invalidated(&token);
                }
            }
            Event::Observed(tokens) => self.observed(tokens, now, effects),
            Event::Woke => {}
            Event::IoLost => self.lost(now, effects),
            Event::Progressed(_) => self.progressed(now),
            Event::Presented(_, credentials) => {
                if let Some(flight) = &mut self.flight {
                    flight.credentials = credentials;
                }
            }
            Event::Granted(_, answer) => self.granted(answer, now, effects),
            Event::Loaded(_, answer) => self.loaded(answer, now, effects),
            Event::Leased(_, answer) => self.leased(answer, now, effects),
            Event::Saved(_, answer) => self.saved(answer, now, effects),
            Event::PeerSaved => self.peer_saved(),
            Event::Closed => self.closed(effects),
        }
    }

    /// Does what is due at `now`.
    fn tend(&mut self, now: UnixMillis, effects: &mut Vec<Effect>) {
        self.set_deadline(effects, now);
        if self.flight.as_ref().is_some_and(|flight| flight.wakes_at() <= now) {
            self.lost(now, effects);
        }
        if self.openness == Openness::Open {
            self.do_what_is_due(now, effects);
        }
        self.set_deadline(effects, now);
    }

    fn do_what_is_due(&mut self, now: UnixMillis, effects: &mut Vec<Effect>) {
        if self.expires_at() <= now {
            if let Some(holding) = &mut self.holding {
                holding.expiry = Expiry::Announced;
            }
            effects.push(Effect::Notify(Change::Expired));
        }
        if self.refresh_at() <= now {
            self.begin(self.reason(now), now);
        }
        self.read_changes(now, effects);
        if let Some(Flight { phase: Phase::BackingOff { until }, .. }) = self.flight.as_deref()
            && *until <= now
        {
            self.go_on(now, effects);
        }
    }

    fn requested(&mut self, call: CallId, want: Want, now: UnixMillis, effects: &mut Vec<Effect>) {
        self.usage = Usage::Used;
        if let Some(holding) = &self.holding
            && holding.satisfies(&want, &self.policy, now)
        {
            let due = self.continues_at(holding) <= now;
            // The I/O of this call ends with it, and would end before it is complete.
            let waits = due && self.policy.io_scope == IoScope::Request;
            if !waits {
                effects.push(Effect::Settle(call, answer(holding, &want)));
            }
            if due && self.flight.is_none() {
                self.begin(Reason::Proactive, now);
            }
            if waits {
                self.waiting.push((call, want));
            }
            return;
        }
        match (self.flight.as_deref_mut(), &want, &self.trouble) {
            (None, Want::Usable { .. }, Some(trouble)) if now < trouble.until => {
                let mut error = trouble.error.clone();
                error.retry_after = error.retry_after.map(|_| trouble.until.since(now));
                effects.push(Effect::Settle(call, self.rest_or(error, &want, now)));
                return;
            }
            (None, Want::Usable { .. }, _) => {
                let at = now.max(self.pace.for_caller());
                self.begin(self.reason(now), at);
            }
            (None, Want::Fresh, _) => self.begin(Reason::Forced, now),
            // "Now" was asked for: the pause is over. What was sent is joined.
            (Some(Flight { phase: Phase::BackingOff { until }, .. }), Want::Fresh, _) => *until = now,
            (Some(_), _, _) => {}
        }
        self.waiting.push((call, want));
    }

    fn invalidated(&mut self, token: &AccessToken) {
        if let Some(held) = self.holding.take_if(|held| held.tokens.access_token == *token) {
            self.superseded.remember(&held.tokens);
            self.vacancy = Vacancy::Refused(Box::new(held.tokens.stamp));
            self.usage = Usage::Used;
        }
    }

    fn observed(&mut self, mut tokens: Rc<TokenSet>, now: UnixMillis, effects: &mut Vec<Effect>) {
        // One that is being saved is about to land.
        let saving = self.flight.as_ref().and_then(|flight| flight.phase.saving());
        let is = |known: Option<&Rc<TokenSet>>| {
            known.is_some_and(|known| known.access_token == tokens.access_token)
        };
        if is(self.held())
            || is(saving)
            || tokens.expires_at <= now
            || self.superseded.includes(&tokens.access_token)
        {
            return;
        }
        if self.latest_stamp().is_some_and(|latest| tokens.stamp.is_older_than(latest)) {
            return;
        }
        // Only flights bring refresh tokens, and only they present them.
        let adopted = Rc::make_mut(&mut tokens);
        adopted.refresh_token = None;
        if adopted.scopes.is_none() {
            adopted.scopes = self.held().and_then(|held| held.scopes.clone());
        }
        self.hold(tokens, Reason::Adopted, effects);
        self.settle(&|it, want| if *want == Want::Fresh { None } else { it.given(want) }, effects);
        let spared = self.flight.as_ref().is_some_and(|flight| match flight.phase {
            // Reading a change of another holder is still needed.
            _ if flight.reason == Reason::Shared => false,
            Phase::BackingOff { .. }
            | Phase::StandingBy { .. }
            | Phase::Loading { .. }
            | Phase::Locking
            | Phase::Rereading(_) => true,
            Phase::Claiming(..) | Phase::Granting { .. } | Phase::Saving { .. } => false,
        });
        if spared && self.waiting.is_empty() {
            self.give_up(effects);
        }
    }

    fn closed(&mut self, effects: &mut Vec<Effect>) {
        self.openness = Openness::Closed;
        self.settle(&|_, _| Some(Err(TokenError::closed())), effects);
        match self.flight.as_deref() {
            // See `wind_up`.
            Some(Flight {
                phase: Phase::Granting { fence: Some(_), .. } | Phase::Saving { fence: Some(_), .. },
                ..
            }) => {}
            // Nobody shares this token: what is on the wire serves nobody any more.
            Some(Flight { id, phase: Phase::Granting { fence: None, .. }, .. }) => {
                effects.push(Effect::Cancel(*id));
                self.flight = None;
            }
            Some(_) | None => self.give_up(effects),
        }
        self.holding = None;
        self.refresh_token = None;
        effects.push(Effect::Notify(Change::Closed));
    }

    /// Starts a flight that asks the provider at `at`.
    fn begin(&mut self, reason: Reason, at: UnixMillis) {
        self.flights = self.flights.wrapping_add(1);
        let phase = Phase::BackingOff { until: at };
        self.flight = Some(Box::new(Flight {
            id: FlightId(u64::from(self.flights)),
            reason,
            phase,
            failed: 0,
            company: Company::Shared,
            queue: Queue::default(),
            turn: self.turn,
            credentials: CredentialId::default(),
            changed_while_reading: false,
            deadline: UnixMillis::NEVER,
        }));
    }

    /// What the flight waits for has not been reported within its time: it went down with its
    /// host, which may be a request that ended, or a page that was frozen. Another flight takes
    /// over. The refresh token may have been presented, and is not presented again.
    fn lost(&mut self, now: UnixMillis, effects: &mut Vec<Effect>) {
        let Some(flight) = self.flight.as_deref().filter(|flight| flight.phase.step().is_some()) else {
            return;
        };
        let (id, reason, is_closed) = (flight.id, flight.reason, self.openness == Openness::Closed);
        if matches!(flight.phase, Phase::Saving { .. }) && !is_closed {
            // There is a token, whatever has become of the store.
            let message =
                "the store's `set` was not answered in time; tokens are not shared until it works again";
            self.saved(Err(TokenError::new(ErrorCode::Store, message)), now, effects);
            self.renumber();
            return;
        }
        if matches!(flight.phase, Phase::Granting { .. }) {
            effects.push(Effect::Cancel(id));
        }
        self.give_up(effects);
        if !is_closed {
            self.begin(reason, now.max(self.pace.for_caller()));
        }
    }

    /// Answers to what the flight has asked for so far come too late.
    fn renumber(&mut self) {
        self.flights = self.flights.wrapping_add(1);
        if let Some(flight) = &mut self.flight {
            flight.id = FlightId(u64::from(self.flights));
        }
    }

    /// Takes over a new token.
    fn hold(&mut self, mut tokens: Rc<TokenSet>, reason: Reason, effects: &mut Vec<Effect>) {
        effects.push(Effect::Notify(Change::Token {
            reason,
            expires_at: tokens.expires_at.shifted(tokens.provider_clock),
            scopes: tokens.scopes.clone(),
        }));
        let missing = tokens.scopes.as_ref().map_or_else(ScopeSet::default, |it| it.missing(&self.scopes));
        if !missing.is_empty() && missing != self.scopes_missing {
            effects.push(Effect::Notify(Change::ScopesMissing(missing.clone())));
        }
        self.scopes_missing = missing;
        // Mostly what was asked for: one set for both.
        if tokens.scopes.as_ref() == Some(&self.scopes) {
            Rc::make_mut(&mut tokens).scopes = Some(self.scopes.clone());
        }
        let holding = Holding::new(tokens, &self.policy, self.jitter.fraction());
        let held = &holding.tokens.access_token;
        if let Some(old) = self.holding.take_if(|old| old.tokens.access_token != *held) {
            self.superseded.remember(&old.tokens);
        }
        self.holding = Some(holding);
        self.trouble = None;
        self.usage = Usage::Unused;
    }

    /// When a token ends that was held before, and still is or is not: a provider may repeat one that it
    /// keeps, and its end only seems to move.
    fn known_end(&self, token: &AccessToken) -> Option<UnixMillis> {
        let held = self.held().filter(|held| held.access_token == *token);
        held.map(|held| held.expires_at).or_else(|| self.superseded.end_of(token))
    }

    /// Those who wait get what is `given` to them; the others wait on.
    fn settle(&mut self, given: &dyn Fn(&Self, &Want) -> Option<Answer>, effects: &mut Vec<Effect>) {
        for (call, want) in std::mem::take(&mut self.waiting) {
            match given(self, &want) {
                Some(answer) => effects.push(Effect::Settle(call, answer)),
                None => self.waiting.push((call, want)),
            }
        }
    }

    /// The token held, as an answer.
    fn given(&self, want: &Want) -> Option<Answer> {
        self.holding.as_ref().map(|holding| answer(holding, want))
    }

    /// Most sessions have nobody waiting most of the time: room for them would be a quarter
    /// of what a session takes.
    fn close_the_waiting_room(&mut self) {
        if self.waiting.is_empty() {
            self.waiting = Vec::new();
        }
    }

    /// What is left of the token held, or `error`.
    fn rest_or(&self, error: TokenError, want: &Want, now: UnixMillis) -> Answer {
        match (&self.holding, want) {
            (Some(holding), Want::Usable { .. }) if holding.stage(now) != Stage::Expired => {
                answer(holding, want)
            }
            _ => Err(error),
        }
    }

    /// The stamp of the token held, or of the one that was refused.
    fn latest_stamp(&self) -> Option<&Stamp> {
        match (self.held(), &self.vacancy) {
            (Some(held), _) => Some(&held.stamp),
            (None, Vacancy::Refused(stamp)) => Some(stamp),
            (None, Vacancy::NeverHeld) => None,
        }
    }

    /// Why a grant that starts now is asked for.
    fn reason(&self, now: UnixMillis) -> Reason {
        match (&self.holding, &self.vacancy) {
            (Some(holding), _) if holding.satisfies(&Want::USABLE, &self.policy, now) => Reason::Proactive,
            (Some(_), _) => Reason::Expired,
            (None, Vacancy::Refused(_)) => Reason::Refused,
            (None, Vacancy::NeverHeld) => Reason::Initial,
        }
    }

    /// When listeners are to be told that the token held expired.
    fn expires_at(&self) -> UnixMillis {
        let replaced = matches!(self.flight.as_deref(), Some(Flight { phase: Phase::Saving { .. }, .. }));
        match &self.holding {
            Some(holding) if holding.expiry == Expiry::Ahead && !replaced => holding.tokens.expires_at,
            Some(_) | None => UnixMillis::NEVER,
        }
    }

    /// When the timer starts a grant that nobody asked for.
    fn refresh_at(&self) -> UnixMillis {
        let wanted = match self.policy.refresh {
            RefreshMode::Always => true,
            RefreshMode::WhileUsed => self.usage == Usage::Used,
            RefreshMode::OnDemand => false,
        };
        let never = self.openness == Openness::Closed || self.policy.io_scope == IoScope::Request;
        if never || !wanted || self.flight.is_some() {
            return UnixMillis::NEVER;
        }
        match (&self.holding, &self.vacancy) {
            (Some(holding), _) => self.background_from(holding.refresh_at),
            (None, Vacancy::Refused(_)) => self.background_from(UnixMillis::new(0)),
            (None, Vacancy::NeverHeld) => UnixMillis::NEVER,
        }
    }

    /// `at`, put off until the pace, the cool-down and what is known of the credentials allow a
    /// background grant.
    fn background_from(&self, at: UnixMillis) -> UnixMillis {
        let cool = self.trouble.as_ref().map_or(at, |trouble| trouble.until);
        at.max(cool).max(self.credentials.retry_at()).max(self.pace.for_background())
    }
}

/// Callers first. Listeners last: they hear of what has happened, not of what will,
/// and run when no lease is held.
pub(super) const fn turn(effect: &Effect) -> u8 {
    match effect {
        Effect::Settle(..) => 0,
        Effect::Send(..)
        | Effect::Cancel(_)
        | Effect::Load(_)
        | Effect::Acquire(_)
        | Effect::Save(..)
        | Effect::Release(_) => 1,
        Effect::Notify(_) => 2,
    }
}

/// Whether the driver is to report how this ends.
const fn is_step(effect: &Effect) -> bool {
    matches!(effect, Effect::Send(..) | Effect::Load(_) | Effect::Acquire(_) | Effect::Save(..))
}

/// What is done about an event that nothing else comes of: the session was closed, or is
/// gone, or the flight that it is an answer to is over.
pub(super) fn undeliverable(event: &Event) -> Option<Effect> {
    match event {
        Event::Requested(call, _) => Some(Effect::Settle(*call, Err(TokenError::closed()))),
        Event::Leased(flight, Ok(Some(_))) => Some(Effect::Release(*flight)),
        Event::Leased(..)
        | Event::Abandoned(_)
        | Event::Used
        | Event::Invalidated(_)
        | Event::Refused(..)
        | Event::Observed(_)
        | Event::Woke
        | Event::IoLost
        | Event::Progressed(_)
        | Event::Presented(..)
        | Event::Granted(..)
        | Event::Loaded(..)
        | Event::Saved(..)
        | Event::PeerSaved
        | Event::Closed => None,
    }
}

/// What a caller gets.
type Answer = Result<Rc<TokenSet>, TokenError>;

fn answer(holding: &Holding, want: &Want) -> Answer {
    let Some(missing) = holding.missing_scopes(want) else { return Ok(holding.tokens.clone()) };
    let message = format!(
        "the token was granted without {}; ask for these scopes in the options, and have them granted to \
         the application and the user",
        missing.listed()
    );
    Err(TokenError::new(ErrorCode::InsufficientScope, message).missing(missing))
}
