//! A manager in the simulation: a session and its driver.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use super::{
    failure, millis, scopes, seconds,
    world::{Device, HOUR, Instant, Issued, Outage, ProviderResponse, Rng, SECOND},
};
use crate::core::{
    AccessToken, AcquisitionId, CallId, ClockOffset, Effect, ErrorCode, GrantFailure, Input, Jitter, Policy,
    RefreshToken, Session, TokenError, TokenRequest, TokenSet, TokenTimes, UnixMillis,
};

/// A session on a device.
pub(super) struct Manager {
    pub(super) machine: Session,
    pub(super) device: Device,
    pub(super) policy: Policy,
    /// Number of the current timer; earlier ones are void.
    pub(super) timer: u64,
    pub(super) waiting: BTreeMap<CallId, Instant>,
    /// The acquisition and number of the request in flight.
    pub(super) in_flight: Option<(AcquisitionId, u64)>,
    pub(super) awake_since: Instant,
    /// When the last fault occurred that excuses a failed call.
    pub(super) excused_at: Instant,
    /// Delay of each access token's response, by which its expiry is overestimated.
    pub(super) delays: BTreeMap<usize, u64>,
    pub(super) figures: Figures,
    acquisitions: BTreeSet<AcquisitionId>,
    requests: u64,
    calls: u64,
}

/// Counters of one manager or of many.
#[derive(Clone, Debug, Default)]
pub(super) struct Figures {
    /// Simulated hours.
    pub(super) hours: u64,
    /// Simulated hours of all managers.
    pub(super) manager_hours: u64,
    /// Token lifetimes in that time.
    pub(super) lifetimes: u64,
    pub(super) calls: u64,
    pub(super) waits: u64,
    pub(super) failed_calls: u64,
    pub(super) rejected_tokens: u64,
    /// Acquisitions other than those started by `refresh()`.
    pub(super) acquisitions: u64,
    pub(super) requests: u64,
    pub(super) grants: u64,
    pub(super) failed_acquisitions: u64,
    /// Events that may cost a grant: faults, sleep, changed clocks, rejections, requests for more validity.
    pub(super) causes: u64,
    /// Acquisitions that outages may cost.
    pub(super) outage_acquisitions: u64,
}

impl Figures {
    pub(super) fn add(&mut self, other: &Self) {
        self.hours += other.hours;
        self.manager_hours += other.manager_hours;
        self.lifetimes += other.lifetimes;
        self.calls += other.calls;
        self.waits += other.waits;
        self.failed_calls += other.failed_calls;
        self.rejected_tokens += other.rejected_tokens;
        self.acquisitions += other.acquisitions;
        self.requests += other.requests;
        self.grants += other.grants;
        self.failed_acquisitions += other.failed_acquisitions;
        self.causes += other.causes;
        self.outage_acquisitions += other.outage_acquisitions;
    }
}

impl Manager {
    pub(super) fn new(policy: Policy, now: Instant, rng: &mut Rng) -> Self {
        let jitter = Jitter::new(rng.between(0, u64::from(u32::MAX)));
        Self {
            machine: Session::new(policy.clone(), scopes(&[]), jitter),
            device: Device::new(now, rng),
            policy,
            timer: 0,
            waiting: BTreeMap::new(),
            in_flight: None,
            awake_since: now,
            excused_at: now,
            delays: BTreeMap::new(),
            figures: Figures::default(),
            acquisitions: BTreeSet::new(),
            requests: 0,
            calls: 0,
        }
    }

    pub(super) fn handle(&mut self, input: Input, now: Instant) -> Vec<Effect> {
        let forced = matches!(input, Input::Requested(_, TokenRequest::Forced));
        let time = self.device.now(now);
        let effects = self.machine.handle(input, time);
        assert!(self.machine.poll_timeout().is_none_or(|at| at > time), "a timer in the past");
        for effect in &effects {
            if let Effect::Send(id, _) = effect
                && self.acquisitions.insert(*id)
                && !forced
            {
                self.figures.acquisitions += 1;
            }
        }
        self.timer += 1;
        effects
    }

    /// Time until the timer fires.
    pub(super) fn timer_in(&mut self, now: Instant) -> Option<u64> {
        let time = self.device.now(now);
        self.machine.poll_timeout().map(|at| at.millis().saturating_sub(time.millis()))
    }

    pub(super) fn call(&mut self, wanted: &TokenRequest, now: Instant) -> Input {
        self.calls += 1;
        self.figures.calls += 1;
        let scopes_wanted = matches!(wanted, TokenRequest::Cached { min_validity: Some(_), .. });
        self.figures.causes += u64::from(scopes_wanted);
        self.waiting.insert(CallId(self.calls), now);
        Input::Requested(CallId(self.calls), wanted.clone())
    }

    pub(super) const fn latest_call(&self) -> CallId {
        CallId(self.calls)
    }

    /// Returns the number of a new request.
    pub(super) fn request(&mut self, acquisition: AcquisitionId) -> u64 {
        assert_eq!(self.in_flight, None, "two requests on the wire");
        self.requests += 1;
        self.figures.requests += 1;
        self.in_flight = Some((acquisition, self.requests));
        self.requests
    }

    /// Records a fault that is outside of the session.
    pub(super) fn excuse(&mut self, now: Instant) {
        self.figures.causes += 1;
        self.excused_at = now;
    }

    /// The token as the driver reports it, with a lifetime that counts from receipt.
    pub(super) fn received(&mut self, name: usize, issued: Issued, left: u64, now: Instant) -> Rc<TokenSet> {
        let issued_at = self.device.now(now);
        Rc::new(TokenSet {
            access_token: AccessToken::new(name.to_string()),
            refresh_token: None,
            scopes: None,
            issued_at,
            expires_at: issued_at + millis(left),
            provider_clock: ClockOffset::default(),
            times: TokenTimes { issued_at: Some(issued.stamp), expires_at: None },
        })
    }

    /// The remembered failure.
    pub(super) fn remembered(&mut self, now: Instant) -> Option<TokenError> {
        let time = self.device.now(now);
        self.machine.status(time).last_error
    }

    /// Checks the bounds on requests that hold under all faults.
    pub(super) fn check_pace(&self, elapsed: u64, lifetime: u64) {
        let start = UnixMillis::new(HOUR);
        let shortest = self.policy.refresh_at(start, start + millis(lifetime), 1.0).since(start);
        let due = elapsed / u64::try_from(shortest.as_millis()).unwrap_or(1);
        let Figures { acquisitions, requests, causes, outage_acquisitions, .. } = self.figures;
        let most = due + 2 * causes + outage_acquisitions + 2;
        assert!(
            acquisitions <= most,
            "{acquisitions} acquisitions, at most {most} expected: {:?}",
            self.figures
        );
        let all = self.acquisitions.len() as u64;
        let most = all * u64::from(self.policy.retry.attempts + 1);
        assert!(requests <= most, "{requests} requests of {all} acquisitions");
    }
}

/// Converts a response to an input.
pub(super) fn failed(answer: &ProviderResponse) -> GrantFailure {
    match answer {
        ProviderResponse::RefreshTokenRejected => {
            GrantFailure::RefreshTokenRejected(failure(ErrorCode::InvalidCredentials))
        }
        ProviderResponse::Unavailable(Outage::Denied, _) => {
            GrantFailure::Permanent(failure(ErrorCode::InvalidCredentials))
        }
        ProviderResponse::Unavailable(Outage::Throttled, wait) => {
            let mut error = failure(ErrorCode::RateLimited);
            error.retry_after = Some(seconds(*wait));
            GrantFailure::Transient(error)
        }
        ProviderResponse::Unavailable(Outage::Down, _) => GrantFailure::Transient(failure(ErrorCode::Server)),
        ProviderResponse::Token { .. } => unreachable!("a token is no failure"),
    }
}

pub(super) fn refresh_token(number: usize) -> RefreshToken {
    RefreshToken::new(number.to_string())
}

/// Time limit of a request: `timeoutMs`.
pub(super) const TIMEOUT: u64 = 10 * SECOND;
