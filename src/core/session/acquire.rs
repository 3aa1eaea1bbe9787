//! What becomes of a grant: asked for, answered, tried again, given up.
//!
//! Decides what an answer of the provider means for the token and for those who wait.
//! Leaves whether it goes through a shared store to `sharing`.

use std::{rc::Rc, time::Duration};

use super::{
    Change, Effect, ErrorCode, Fence, Grant, GrantFailure, Lifecycle, Outlook, Phase, Reason, RefreshToken,
    Remains, Stage, Stamp, TokenError, TokenSet, Trouble, UnixMillis, Want, cool_down, millis,
};

impl Lifecycle {
    /// Asks the provider.
    pub(super) fn ask(
        &mut self,
        presented: Option<RefreshToken>,
        fence: Option<Fence>,
        now: UnixMillis,
        effects: &mut Vec<Effect>,
    ) {
        let authenticate = self.authenticate(now);
        let Some(flight) = &mut self.flight else { return };
        // Not when it began: a flight that is dropped in its first pause costs nobody.
        if flight.failed == 0 {
            self.pace.started(now);
        }
        let grant = presented.clone().map_or(authenticate, Grant::Refresh);
        flight.phase = Phase::Granting { presented, since: now, fence };
        effects.push(Effect::Send(flight.id, grant));
    }

    pub(super) fn granted(
        &mut self,
        mut answer: Result<Rc<TokenSet>, GrantFailure>,
        now: UnixMillis,
        effects: &mut Vec<Effect>,
    ) {
        if let Ok(tokens) = &mut answer
            && let Some(end) = self.known_end(&tokens.access_token)
        {
            Rc::make_mut(tokens).expires_at = tokens.expires_at.min(end);
        }
        let authenticate = self.authenticate(now);
        let Some(flight) = &mut self.flight else { return };
        let credentials = flight.credentials;
        let mut none = None;
        let presented = match &mut flight.phase {
            Phase::Granting { presented, .. } => presented,
            // A secret function failed: it is called before the lease is acquired, and where the key of the entry depends
            // on its value, before the store is read.
            Phase::Locking | Phase::Loading { .. } if answer.is_err() => &mut none,
            Phase::Locking
            | Phase::BackingOff { .. }
            | Phase::StandingBy { .. }
            | Phase::Loading { .. }
            | Phase::Rereading(_)
            | Phase::Claiming(..)
            | Phase::Saving { .. } => return,
        };
        match answer {
            Ok(mut tokens) if now < tokens.expires_at => {
                // RFC 6749 section 6: the old one stays good where none comes.
                if presented.is_none() {
                    self.credentials.accepted(credentials);
                } else {
                    self.credentials.granted_otherwise();
                }
                if tokens.refresh_token.is_none() {
                    Rc::make_mut(&mut tokens).refresh_token = presented.take();
                }
                self.save(tokens, now, effects);
            }
            // A provider that repeats a token has another one soon.
            Ok(_) => {
                let message = "the token had expired when it arrived; check the lifetime that the answer states, \
                               and this device's clock";
                let mut error = TokenError::new(ErrorCode::Protocol, message);
                error.outlook = Some(Outlook::MayPass);
                self.stumbled(error, now, effects);
            }
            Err(GrantFailure::RefreshTokenRefused(_)) if presented.is_some() => {
                *presented = None;
                effects.push(Effect::Send(flight.id, authenticate));
            }
            Err(GrantFailure::Transient(error)) => self.stumbled(error, now, effects),
            Err(GrantFailure::Permanent(error) | GrantFailure::RefreshTokenRefused(error)) => {
                if error.code == ErrorCode::InvalidCredentials {
                    let jitter = self.jitter.fraction();
                    self.credentials.refused(credentials, error.clone(), now, jitter);
                }
                self.failed(error, now, effects);
            }
            Err(GrantFailure::Unchanged) => {
                let error = self.credentials.error().unwrap_or_else(TokenError::unchanged_credentials);
                self.failed(error, now, effects);
            }
        }
    }

    /// A flight that asked at `asked_at` has brought a token.
    pub(super) fn landed(
        &mut self,
        tokens: Rc<TokenSet>,
        reason: Reason,
        asked_at: UnixMillis,
        now: UnixMillis,
        effects: &mut Vec<Effect>,
    ) {
        self.flight = None;
        self.grants = self.grants.saturating_add(1);
        if !self.has_overtaken(&tokens.stamp, asked_at, now) {
            self.hold(tokens, reason, effects);
        }
        self.settle(&Self::given, effects);
    }

    /// A request of the flight failed in a way that may pass.
    pub(super) fn stumbled(&mut self, mut error: TokenError, now: UnixMillis, effects: &mut Vec<Effect>) {
        let Some(flight) = &mut self.flight else { return };
        flight.failed += 1;
        error.attempts = Some(flight.failed);
        let retry = self.policy.retry;
        let asked = error.retry_after.map_or(0, millis);
        let asks_too_much = asked > millis(retry.max);
        if asks_too_much {
            error.code = ErrorCode::RateLimited;
        }
        if asks_too_much || flight.failed >= retry.attempts {
            self.failed(error, now, effects);
            return;
        }
        let delay = retry.pause(flight.failed, self.jitter.fraction()).max(asked);
        if flight.phase.fence().is_some() {
            effects.push(Effect::Release(flight.id));
        }
        flight.pause(now.after(delay));
        let delay = Duration::from_millis(delay);
        effects.push(Effect::Notify(Change::Retry { attempt: flight.failed + 1, delay, error }));
    }

    /// How to ask with the credentials: refused ones are held back for a while, or for good, unless
    /// somebody asks for a new token now.
    fn authenticate(&self, now: UnixMillis) -> Grant {
        let is_forced = self.flight.as_ref().is_some_and(|flight| flight.reason == Reason::Forced)
            || self.waiting.iter().any(|(_, want)| *want == Want::Fresh);
        match self.credentials.withheld(now) {
            Some(withheld) if !is_forced => Grant::AuthenticateIfChanged(withheld),
            Some(_) | None => Grant::Authenticate,
        }
    }

    /// The flight is given up.
    fn failed(&mut self, error: TokenError, now: UnixMillis, effects: &mut Vec<Effect>) {
        self.give_up(effects);
        self.failures = self.failures.saturating_add(1);
        let span = cool_down(self.trouble.as_ref().map_or(0, |trouble| trouble.span));
        let until = now.after(span.max(error.retry_after.map_or(0, millis)));
        self.trouble = Some(Box::new(Trouble { error: error.clone(), until, span }));
        self.settle(&|it, want| Some(it.rest_or(error.clone(), want, now)), effects);
        let remains = match self.holding.as_ref().map(|holding| holding.stage(now)) {
            Some(Stage::Fresh | Stage::RefreshDue) => Remains::ValidToken,
            Some(Stage::Expired) | None => Remains::Nothing,
        };
        effects.push(Effect::Notify(Change::Error { error, remains }));
    }

    /// Whether the token held is newer than one of this stamp that was asked for at `asked_at`.
    ///
    /// Only one that was adopted since can be: one that was held before is older,
    /// whatever the stamps say, since the provider may have set its clock. And it
    /// must be good enough for all who wait.
    fn has_overtaken(&self, stamp: &Stamp, asked_at: UnixMillis, now: UnixMillis) -> bool {
        self.holding.as_ref().is_some_and(|holding| {
            let serves = |want: &Want| *want == Want::Fresh || holding.satisfies(want, &self.policy, now);
            asked_at <= holding.tokens.issued_at
                && stamp.is_older_than(&holding.tokens.stamp)
                && serves(&Want::USABLE)
                && self.waiting.iter().all(|(_, want)| serves(want))
        })
    }
}
