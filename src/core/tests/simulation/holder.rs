//! A holder of the simulation: a session on a device, and the effects that it performs.
#![expect(clippy::wildcard_enum_match_arm, reason = "the checks are about a few inputs")]

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use super::{
    DRIFT, Delivery, Device, Instant, LEASE, LONGEST_RECOVERY, Occurrence, PROPAGATION, REQUEST_TIMEOUT,
    Recipient, Rng, SECOND, Simulation, index, millis, scopes,
    store::{Entry, LeaseHeld, Operation},
};
use crate::core::tests::world::Issued;
use crate::core::{
    AccessToken, AcquisitionId, CallId, ClockOffset, Effect, ErrorCode, Event, Grant, Input, Jitter, Policy,
    RefreshToken, Session, StoredRecord, TokenError, TokenRequest, TokenSet, TokenTimes,
};

pub(super) struct Holder {
    pub(super) machine: Session,
    pub(super) device: Device,
    /// Incremented by each crash: responses for an earlier generation are dropped.
    pub(super) generation: u64,
    pub(super) timer: u64,
    pub(super) calls: u64,
    pub(super) waiting: BTreeMap<CallId, Instant>,
    pub(super) request: u64,
    pub(super) operation: u64,
    pub(super) asleep_until: Instant,
    /// When the last fault occurred that excuses a failed call.
    pub(super) excused_at: Instant,
    acquisitions: BTreeSet<AcquisitionId>,
}

/// The input that caused an effect.
#[derive(Clone, Copy, PartialEq)]
enum Trigger {
    Failure,
    Forced,
    Other,
}

impl Holder {
    pub(super) fn new(policy: &Policy, rng: &mut Rng, now: Instant) -> Self {
        let jitter = Jitter::new(rng.between(0, u64::from(u32::MAX)));
        Self {
            machine: Session::new(policy.clone(), scopes(&[]), jitter),
            device: Device::new(now, rng),
            generation: 0,
            timer: 0,
            calls: 0,
            waiting: BTreeMap::new(),
            request: 0,
            operation: 0,
            asleep_until: 0,
            excused_at: now,
            acquisitions: BTreeSet::new(),
        }
    }

    /// The token as the driver reports it, with a lifetime that counts from receipt.
    pub(super) fn received(
        &mut self,
        (access, refresh): (usize, Option<usize>),
        issued: Issued,
        left: u64,
        now: Instant,
    ) -> Rc<TokenSet> {
        let issued_at = self.device.now(now);
        Rc::new(TokenSet {
            access_token: AccessToken::new(access.to_string()),
            refresh_token: refresh.map(|refresh| RefreshToken::new(refresh.to_string())),
            scopes: None,
            issued_at,
            expires_at: issued_at + millis(left),
            provider_clock: ClockOffset::default(),
            times: TokenTimes { issued_at: Some(issued.stamp), expires_at: None },
        })
    }
}

impl Simulation {
    /// The token of an entry of the store, which was received some time ago.
    pub(super) fn as_seen_by(&mut self, number: usize, entry: Entry) -> Rc<TokenSet> {
        let issued = self.provider.issued(entry.access);
        let (token, lifetime) = ((entry.access, entry.refresh), self.scenario.lifetime);
        let mut tokens = self.holders[number].received(token, issued, lifetime, self.now);
        let age = millis(self.now - entry.received_at);
        let seen = Rc::make_mut(&mut tokens);
        (seen.issued_at, seen.expires_at) = (seen.issued_at - age, seen.expires_at - age);
        tokens
    }

    pub(super) fn handle(&mut self, number: usize, input: Input) {
        let trigger = match &input {
            Input::Granted(_, Err(_)) => Trigger::Failure,
            Input::Requested(_, TokenRequest::Forced) => Trigger::Forced,
            _ => Trigger::Other,
        };
        let holder = &mut self.holders[number];
        let time = holder.device.now(self.now);
        let effects = holder.machine.handle(input, time);
        assert!(holder.machine.poll_timeout().is_none_or(|at| at > time), "a timer in the past");
        for effect in effects {
            self.perform(number, effect, trigger);
            if self.rng.chance(self.faults.crash).is_some() {
                return self.crash(number);
            }
            // Longer than a lease: the lid of a laptop is closed, or a process is stopped.
            if self.rng.chance(self.faults.crash).is_some() {
                self.disturb(number);
                self.holders[number].asleep_until = self.now + self.rng.between(LEASE, 4 * LEASE);
            }
        }
        let holder = &mut self.holders[number];
        holder.timer += 1;
        if let Some(at) = holder.machine.poll_timeout() {
            let span = at.millis() - holder.device.now(self.now).millis();
            // Timers fire late, never early.
            let late = self.rng.between(0, 60);
            let timer = Occurrence::TimerFires(number, holder.generation, holder.timer);
            self.schedule.add(self.now + span + late, timer);
        }
    }

    fn perform(&mut self, number: usize, effect: Effect, trigger: Trigger) {
        let holder = &mut self.holders[number];
        match effect {
            Effect::Resolve(call, answer) => self.resolved(number, call, answer, trigger),
            Effect::Send(acquisition, grant) => self.send(number, acquisition, grant, trigger),
            Effect::Cancel(_) => holder.request += 1,
            Effect::ReadStore(id) => self.operate(number, Operation::Read(id)),
            Effect::AcquireLease(id) => self.operate(number, Operation::AcquireLease(id)),
            Effect::WriteStore(id, fence, StoredRecord { tokens: Some(tokens), .. }) => {
                let age = holder.device.now(self.now).since(tokens.issued_at);
                let entry = Entry {
                    access: index(tokens.access_token.expose()),
                    refresh: tokens.refresh_token.as_ref().map(|token| index(token.expose())),
                    received_at: self.now - u64::try_from(age.as_millis()).unwrap_or(0),
                };
                self.operate(number, Operation::Write(id, fence, entry));
            }
            Effect::WriteStore(..) | Effect::Revoke(_) | Effect::ReportCleared(_) => {
                unreachable!("nobody signs out")
            }
            Effect::ReleaseLease(acquisition) => {
                let generation = holder.generation;
                let mine = |lease: &mut LeaseHeld| {
                    (lease.holder, lease.generation, lease.acquisition) == (number, generation, acquisition)
                };
                self.store.lease.take_if(mine);
            }
            Effect::Emit(Event::Token { reason, .. }) => {
                self.figures.shared += u64::from(reason.as_str() == "shared");
            }
            Effect::Emit(_) => {}
        }
    }

    fn send(&mut self, number: usize, acquisition: AcquisitionId, grant: Grant, trigger: Trigger) {
        let holder = &mut self.holders[number];
        holder.request += 1;
        let to = Recipient(number, holder.generation, holder.request);
        self.figures.requests += 1;
        if holder.acquisitions.insert(acquisition) {
            self.figures.acquisitions += 1;
            self.figures.unforced += u64::from(trigger != Trigger::Forced);
        }
        self.schedule.add(self.now + REQUEST_TIMEOUT, Occurrence::RequestTimesOut(to, acquisition));
        let mut delivery = Delivery::Delivered;
        if self.rng.chance(self.faults.lost).is_some() {
            delivery = Delivery::Lost;
            self.excuse(number);
            if self.rng.chance(0.5).is_some() {
                return;
            }
        }
        let latency = self.rng.between(5, 300);
        self.schedule.add(self.now + latency, Occurrence::RequestArrives(to, acquisition, grant, delivery));
    }

    fn resolved(
        &mut self,
        number: usize,
        call: CallId,
        answer: Result<Rc<TokenSet>, TokenError>,
        trigger: Trigger,
    ) {
        let holder = &mut self.holders[number];
        let requested_at = holder.waiting.remove(&call).expect("one answer for each call");
        let waited = self.now - requested_at.max(holder.asleep_until.min(self.now));
        self.figures.longest_wait = self.figures.longest_wait.max(waited);
        match answer {
            Ok(tokens) => self.received(number, index(tokens.access_token.expose()), trigger),
            // The simulation ends, also for sleeping holders.
            Err(error) if error.code == ErrorCode::Closed => {}
            Err(error) => {
                self.figures.failed_calls += 1;
                let excuse = self.now - holder.excused_at;
                let is_excused = self.provider.outage.is_some() || excuse < LONGEST_RECOVERY;
                assert!(is_excused, "a call failed with {error:?}, {excuse} ms after all was well");
            }
        }
    }

    fn received(&mut self, number: usize, token: usize, trigger: Trigger) {
        let newer = self.store.entry.map_or(0, |it| it.access) > token;
        let noticed = self.store.written_at + PROPAGATION < self.now;
        self.figures.stale_reads += u64::from(newer && noticed);
        // The lifetime counts from receipt, at most 300 ms after the token was issued, and clocks drift.
        let lifetime = self.scenario.lifetime;
        let tolerance = 700 + lifetime * 2 * DRIFT / 1_000_000;
        let expires_at = self.provider.issued(token).expires_at;
        assert!(self.now < expires_at + tolerance, "a token {} ms too old", self.now - expires_at);
        let holder = &mut self.holders[number];
        let time = holder.device.now(self.now);
        let well = trigger != Trigger::Failure && holder.machine.status(time).last_error.is_none();
        if well && tolerance < (lifetime / 8).min(10 * SECOND) {
            assert!(self.now < expires_at, "an expired token, although no grant failed");
        }
        if self.faults.provider.is_some() {
            self.schedule(200, Occurrence::TokenUsed(number, token));
        }
    }
}
