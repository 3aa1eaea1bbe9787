//! The part of a flight that goes through a shared store.
//!
//! Decides who asks the provider, and what the holders tell each other. Leaves
//! reading, writing and locking to the driver.

use std::rc::Rc;

use super::{
    Change, Company, Effect, ErrorCode, Event, Fence, Flight, IoScope, Lifecycle, Openness, Phase, Queue,
    Reason, RefreshToken, Sharing, TokenError, TokenSet, Turn, UnixMillis, Usage, Want, Written, cool_down,
};

/// A shared store that failed.
#[derive(Clone, Copy, Debug)]
pub(super) struct StoreTrouble {
    /// When it is tried again.
    until: UnixMillis,
    /// In milliseconds.
    span: u64,
}

/// Changes that other holders made in the shared store.
#[derive(Debug)]
pub(super) struct StoreChanges {
    /// A change was announced, and no successful read has begun since.
    unread: bool,
    /// The start of the last read.
    read_at: UnixMillis,
}

impl Default for StoreChanges {
    fn default() -> Self {
        Self { unread: false, read_at: UnixMillis::new(0) }
    }
}

/// Whether what was found in the store ends the flight.
enum Found {
    /// Nobody needs another.
    Enough,
    /// The provider must be asked.
    TooLittle,
}

impl Lifecycle {
    /// The pause of the flight is over.
    pub(super) fn go_on(&mut self, now: UnixMillis, effects: &mut Vec<Effect>) {
        if self.shares(now) {
            self.load(now, now, effects);
        } else if let Some(flight) = &mut self.flight {
            flight.company = Company::Alone;
            if flight.turn == Turn::Awaited {
                flight.phase = Phase::StandingBy { read_at: None };
            } else {
                self.ask_alone(None, now, effects);
            }
        }
    }

    /// Whether the flight goes through the shared store.
    fn shares(&self, now: UnixMillis) -> bool {
        self.policy.sharing.is_some()
            && self.store_trouble.as_ref().is_none_or(|trouble| trouble.until <= now)
            && self.flight.as_ref().is_none_or(|flight| flight.company == Company::Shared)
    }

    fn load(&mut self, then: UnixMillis, now: UnixMillis, effects: &mut Vec<Effect>) {
        self.read_store(Phase::Loading { then }, now, effects);
    }

    fn read_store(&mut self, phase: Phase, now: UnixMillis, effects: &mut Vec<Effect>) {
        let Some(flight) = &mut self.flight else { return };
        flight.phase = phase;
        flight.changed_while_reading = false;
        self.store_changes.read_at = now;
        effects.push(Effect::Load(flight.id));
    }

    /// Asks without the store, by a refresh token that was never in it.
    fn ask_alone(&mut self, fence: Option<Fence>, now: UnixMillis, effects: &mut Vec<Effect>) {
        let presented = self.refresh_token.take();
        self.ask(presented, fence, now, effects);
    }

    /// Records that another holder wrote to the store; [`read_changes`](Self::read_changes) reads it.
    pub(super) fn peer_saved(&mut self) {
        if self.policy.sharing.is_none() {
            return;
        }
        // The write of the other holder shows that the store works.
        self.store_trouble = None;
        self.store_changes.unread = true;
        if let Some(flight) = &mut self.flight {
            flight.changed_while_reading = true;
        }
    }

    /// When the store is read although no token is requested; the flight in progress comes first.
    pub(super) fn store_read_at(&self) -> UnixMillis {
        let may_read = self.openness == Openness::Open && self.policy.io_scope == IoScope::Process;
        let Some(sharing) = self.policy.sharing.filter(|_| may_read) else { return UnixMillis::NEVER };
        let is_in_use = self.usage == Usage::Used && self.holding.is_some();
        let at = match (&self.flight, self.store_changes.unread) {
            (Some(_), _) => UnixMillis::NEVER,
            (None, true) => UnixMillis::new(0),
            (None, false) if sharing.announces && is_in_use => {
                self.store_changes.read_at.after(Sharing::MISSED_CHANGES)
            }
            (None, false) => UnixMillis::NEVER,
        };
        at.max(self.store_trouble.as_ref().map_or(at, |trouble| trouble.until))
    }

    /// Reads the store where a change is unread, or may have been missed.
    ///
    /// A change that is announced during a read may be missing from what that read returns, so it
    /// stays unread until a later read has succeeded. A flight that pauses reads at once; any other
    /// is read for after it has ended.
    pub(super) fn read_changes(&mut self, now: UnixMillis, effects: &mut Vec<Effect>) {
        if self.store_read_at() <= now {
            self.begin(Reason::Shared, now);
        }
        match self.flight.as_deref() {
            Some(Flight { company: Company::Shared, phase, .. }) if self.store_changes.unread => {
                match phase {
                    Phase::BackingOff { until } if now < *until => self.load(*until, now, effects),
                    Phase::StandingBy { .. } => self.load(now, now, effects),
                    Phase::BackingOff { .. }
                    | Phase::Loading { .. }
                    | Phase::Locking
                    | Phase::Rereading(_)
                    | Phase::Claiming(..)
                    | Phase::Granting { .. }
                    | Phase::Saving { .. } => {}
                }
            }
            Some(_) | None => {}
        }
    }

    pub(super) fn loaded(
        &mut self,
        answer: Result<Option<Rc<TokenSet>>, TokenError>,
        now: UnixMillis,
        effects: &mut Vec<Effect>,
    ) {
        let Some(flight) = &self.flight else { return };
        let (fence, then) = (flight.phase.fence(), flight.phase.resumes_at().unwrap_or(now));
        if !flight.phase.is_reading() {
            return;
        }
        let stored = match answer {
            Ok(stored) => stored,
            Err(error) => {
                self.store_failed(error, now, effects);
                return self.read_in_vain(fence, then, None, now, effects);
            }
        };
        self.store_trouble = None;
        self.store_changes.unread &= flight.changed_while_reading;
        match self.take_over(stored.as_ref(), now, effects) {
            Found::Enough => self.give_up(effects),
            Found::TooLittle => self.read_in_vain(fence, then, stored, now, effects),
        }
    }

    pub(super) fn leased(
        &mut self,
        answer: Result<Option<Fence>, TokenError>,
        now: UnixMillis,
        effects: &mut Vec<Effect>,
    ) {
        let Some(flight) = &mut self.flight else { return };
        if flight.phase != Phase::Locking {
            // The lease came after it was no longer waited for.
            if let (None, Ok(Some(_))) = (flight.phase.fence(), &answer) {
                effects.push(Effect::Release(flight.id));
            }
            return;
        }
        match answer {
            Ok(Some(fence)) => {
                self.read_store(Phase::Rereading(fence), now, effects);
            }
            Ok(None) => self.queue(now, effects),
            Err(error) => {
                self.store_failed(error, now, effects);
                self.ask_alone(None, now, effects);
            }
        }
    }

    pub(super) fn saved(
        &mut self,
        answer: Result<Written, TokenError>,
        now: UnixMillis,
        effects: &mut Vec<Effect>,
    ) {
        let Some(flight) = &self.flight else { return };
        let (id, reason) = (flight.id, flight.reason);
        if let Phase::Claiming(fence, refresh_token) = &flight.phase {
            let (fence, refresh_token) = (*fence, refresh_token.clone());
            self.claimed(fence, refresh_token, answer, now, effects);
        } else if let Phase::Saving { tokens, since, fence } = &flight.phase {
            let (tokens, since, leased) = (tokens.clone(), *since, fence.is_some());
            if let Err(error) = answer {
                self.store_failed(error, now, effects);
            }
            if self.policy.is_worn(&tokens, now) {
                let message = "the store took so long that the token has worn out; look at the store's load";
                return self.stumbled(TokenError::new(ErrorCode::Store, message), now, effects);
            }
            if leased {
                effects.push(Effect::Release(id));
            }
            self.landed(tokens, reason, since, now, effects);
        }
    }

    fn claimed(
        &mut self,
        fence: Fence,
        refresh_token: RefreshToken,
        answer: Result<Written, TokenError>,
        now: UnixMillis,
        effects: &mut Vec<Effect>,
    ) {
        match answer {
            Ok(Written::Kept) => self.ask(Some(refresh_token), Some(fence), now, effects),
            Ok(Written::Overtaken) => {
                if let Some(flight) = &self.flight {
                    effects.push(Effect::Release(flight.id));
                }
                self.queue(now, effects);
            }
            // It may have been written or not: somebody else may present the token.
            Err(error) => {
                self.store_failed(error, now, effects);
                self.ask_alone(Some(fence), now, effects);
            }
        }
    }

    /// What a grant brought goes to the store first: the refresh token in it may be
    /// the only one that is still good.
    pub(super) fn save(&mut self, mut tokens: Rc<TokenSet>, now: UnixMillis, effects: &mut Vec<Effect>) {
        let Some(flight) = &mut self.flight else { return };
        let Phase::Granting { since, fence, .. } = flight.phase else { return };
        let alone = flight.company == Company::Alone;
        let Some(Sharing { lease, .. }) = self.policy.sharing.filter(|_| !alone) else {
            // RFC 6749 section 6.
            self.refresh_token = Rc::make_mut(&mut tokens).refresh_token.take();
            if fence.is_some() {
                effects.push(Effect::Release(flight.id));
            }
            let reason = flight.reason;
            self.landed(tokens, reason, since, now, effects);
            return;
        };
        if lease.is_none() {
            self.refresh_token = Rc::make_mut(&mut tokens).refresh_token.take();
        }
        effects.push(Effect::Save(flight.id, fence, tokens.clone()));
        Rc::make_mut(&mut tokens).refresh_token = None;
        flight.phase = Phase::Saving { tokens, since, fence };
    }

    /// The manager is closed, and a grant is on the wire under a lease: its token is
    /// kept for the others before the lease is given back. Given back sooner, somebody
    /// else could present the same refresh token.
    pub(super) fn wind_up(&mut self, event: Event, effects: &mut Vec<Effect>) {
        if let Event::Granted(id, Ok(mut tokens)) = event {
            if let Some(Flight { phase, .. }) = self.flight.as_deref_mut()
                && let Phase::Granting { presented, since, fence } = phase
            {
                if tokens.refresh_token.is_none() {
                    Rc::make_mut(&mut tokens).refresh_token = presented.take();
                }
                effects.push(Effect::Save(id, *fence, tokens.clone()));
                *phase = Phase::Saving { tokens, since: *since, fence: *fence };
            }
        } else if let Event::Granted(..) | Event::Saved(..) = event {
            self.give_up(effects);
        }
    }

    /// Ends the flight; gives its lease back if it has one.
    pub(super) fn give_up(&mut self, effects: &mut Vec<Effect>) {
        if let Some(flight) = self.flight.take()
            && flight.phase.fence().is_some()
        {
            effects.push(Effect::Release(flight.id));
        }
    }

    /// Takes over what somebody else saved, if it is newer than what we hold.
    fn take_over(
        &mut self,
        stored: Option<&Rc<TokenSet>>,
        now: UnixMillis,
        effects: &mut Vec<Effect>,
    ) -> Found {
        let Some(stored) = stored.filter(|stored| self.gains_by(stored, now)) else {
            return Found::TooLittle;
        };
        let others_granted = self.flight.as_ref().is_some_and(|flight| flight.queue.denied > 0);
        let mut tokens = stored.clone();
        Rc::make_mut(&mut tokens).refresh_token = None;
        self.credentials.granted_otherwise();
        self.hold(tokens, Reason::Shared, effects);
        self.settle(
            &|it, want| {
                let is_enough = it.holding.as_ref()?.satisfies(want, &it.policy, now);
                // A grant that was running when it was asked for has been joined.
                let is_joined = others_granted && *want == Want::Fresh;
                if is_enough || is_joined { it.given(want) } else { None }
            },
            effects,
        );
        if self.waiting.is_empty() { Found::Enough } else { Found::TooLittle }
    }

    fn gains_by(&self, stored: &TokenSet, now: UnixMillis) -> bool {
        now < stored.expires_at
            && !self.superseded.includes(&stored.access_token)
            && !self.latest_stamp().is_some_and(|latest| stored.stamp.is_older_than(latest))
            && self.held().is_none_or(|held| {
                held.access_token != stored.access_token && held.expires_at < stored.expires_at
            })
    }

    /// The store had nothing for us, or could not be read.
    pub(super) fn read_in_vain(
        &mut self,
        fence: Option<Fence>,
        then: UnixMillis,
        stored: Option<Rc<TokenSet>>,
        now: UnixMillis,
        effects: &mut Vec<Effect>,
    ) {
        let Some(flight) = &mut self.flight else { return };
        let leases = self.policy.sharing.is_some_and(|sharing| sharing.lease.is_some());
        if flight.reason == Reason::Shared {
            // It was only to be read. Those who came to wait start over.
            self.flight = None;
            for (call, want) in std::mem::take(&mut self.waiting) {
                self.requested(call, want, now, effects);
            }
        } else if now < then {
            flight.pause(then);
        } else if flight.turn == Turn::Awaited {
            flight.phase = Phase::StandingBy { read_at: Some(now) };
        } else if flight.company == Company::Alone || !leases {
            self.ask_alone(fence, now, effects);
        } else if let Some(fence) = fence {
            self.claim(fence, stored, now, effects);
        } else {
            flight.phase = Phase::Locking;
            flight.queue.since.get_or_insert(now);
            effects.push(Effect::Acquire(flight.id));
        }
    }

    /// Under the lease: takes the refresh token out of the store, if there is one.
    fn claim(
        &mut self,
        fence: Fence,
        stored: Option<Rc<TokenSet>>,
        now: UnixMillis,
        effects: &mut Vec<Effect>,
    ) {
        let Some(flight) = &mut self.flight else { return };
        let claimed = stored.and_then(|mut stored| {
            let refresh_token = Rc::make_mut(&mut stored).refresh_token.take()?;
            Some((stored, refresh_token))
        });
        match claimed {
            Some((rest, refresh_token)) => {
                flight.phase = Phase::Claiming(fence, refresh_token);
                effects.push(Effect::Save(flight.id, Some(fence), rest));
            }
            None => self.ask(None, Some(fence), now, effects),
        }
    }

    /// Somebody else has the lease: waits for what they save, but not for ever.
    fn queue(&mut self, now: UnixMillis, effects: &mut Vec<Effect>) {
        let Some(flight) = &mut self.flight else { return };
        let Queue { since, denied } = &mut flight.queue;
        *denied += 1;
        let waited = now.millis_since(since.unwrap_or(now));
        let lease = self.policy.sharing.and_then(|sharing| sharing.lease).unwrap_or_default();
        if waited >= Sharing::patience(lease) {
            flight.company = Company::Alone;
            self.ask_alone(None, now, effects);
        } else {
            let pause = Sharing::poll(*denied, self.jitter.fraction());
            flight.pause(now.after(pause));
        }
    }

    /// The store failed: this flight, and those of a cool-down, do without it.
    fn store_failed(&mut self, error: TokenError, now: UnixMillis, effects: &mut Vec<Effect>) {
        if let Some(flight) = &mut self.flight {
            flight.company = Company::Alone;
        }
        if self.store_trouble.is_none() {
            effects.push(Effect::Notify(Change::StoreFailed(error)));
        }
        let span = cool_down(self.store_trouble.as_ref().map_or(0, |trouble| trouble.span));
        self.store_trouble = Some(Box::new(StoreTrouble { until: now.after(span), span }));
    }
}
