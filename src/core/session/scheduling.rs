//! What a lifecycle is to the other sessions of its pool.
//!
//! Decides what it claims and lends. Leaves whose turn it is to the pool.

use std::rc::Rc;

use super::{
    AccessToken, Effect, Jitter, Lifecycle, Openness, Phase, Policy, ScopeSet, TokenSet, Turn, UnixMillis,
    Want,
};

/// What a session claims of what all sessions share: the provider's attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Claim {
    /// Nothing: no flight, or one that pauses or reads.
    Nothing,
    /// It waits for its turn.
    Waits(Plea),
    /// It has its turn, and may have something on the wire.
    Asks,
}

/// Why it should be its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Plea {
    pub(in super::super) health: Health,
    pub(in super::super) hurry: Hurry,
    /// From when on callers wait for it; in the past where there is nothing to give them.
    pub(in super::super) due: UnixMillis,
}

/// Whether the last that was heard of a session was a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Health {
    Well,
    Troubled,
}

/// For whom a flight is, those first who cannot wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum Hurry {
    Callers,
    Nobody,
}

impl Lifecycle {
    /// A lifecycle whose flights wait for their turn; see [`admit`](Self::admit).
    pub(in super::super) fn in_turn(policy: Rc<Policy>, scopes: ScopeSet, jitter: Jitter) -> Self {
        Self { turn: Turn::Awaited, ..Self::new(policy, scopes, jitter) }
    }

    /// It is the turn of the flight that waits for it.
    pub(in super::super) fn admit(&mut self, now: UnixMillis, effects: &mut Vec<Effect>) {
        if let Some(flight) = &mut self.flight
            && let Phase::StandingBy { read_at } = flight.phase
        {
            flight.turn = Turn::Come;
            if read_at == Some(now) {
                self.read_in_vain(None, now, None, now, effects);
            } else {
                // Somebody may have saved since.
                self.go_on(now, effects);
            }
            self.tend(now, effects);
        }
    }

    /// What it claims.
    pub(in super::super) fn claim_of_turn(&self) -> Claim {
        match self.flight.as_deref() {
            Some(flight) if flight.turn == Turn::Come => Claim::Asks,
            Some(flight) if matches!(flight.phase, Phase::StandingBy { .. }) => Claim::Waits(Plea {
                health: match (&self.trouble, flight.failed) {
                    (None, 0) => Health::Well,
                    (Some(_), _) | (_, 1..) => Health::Troubled,
                },
                hurry: if self.is_awaited() { Hurry::Callers } else { Hurry::Nobody },
                due: self.holding.as_ref().map_or(UnixMillis::new(0), |holding| {
                    self.policy.served_until(holding.tokens.issued_at, holding.tokens.expires_at, None)
                }),
            }),
            Some(_) | None => Claim::Nothing,
        }
    }

    /// Whether a caller who wants this is given the token held, at once.
    pub(in super::super) fn serves(&self, want: &Want, now: UnixMillis) -> bool {
        self.holding.as_ref().is_some_and(|holding| {
            holding.satisfies(want, &self.policy, now) && holding.missing_scopes(want).is_none()
        })
    }

    /// The token held, for another session's caller: it must be known to have what they need.
    pub(in super::super) fn lends(
        &self,
        want: &Want,
        needed: &ScopeSet,
        now: UnixMillis,
    ) -> Option<&Rc<TokenSet>> {
        let known = self.held()?.scopes.as_ref().is_some_and(|granted| granted.includes(needed));
        self.held().filter(|_| known && self.serves(want, now))
    }

    /// Whether this is the token held.
    pub(in super::super) fn holds(&self, token: &AccessToken) -> bool {
        self.held().is_some_and(|held| held.access_token == *token)
    }

    /// Whether this is the token held, or one of the last before it.
    pub(in super::super) fn has_held(&self, token: &AccessToken) -> bool {
        self.holds(token) || self.superseded.includes(token)
    }

    /// The scopes that each grant asks for.
    pub const fn scopes(&self) -> &ScopeSet {
        &self.scopes
    }

    /// Whether nothing is to be expected of it any more.
    pub(in super::super) fn is_over(&self) -> bool {
        self.openness == Openness::Closed && !self.is_busy()
    }
}
