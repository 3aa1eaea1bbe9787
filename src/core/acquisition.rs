//! What is being done about the token.

use std::rc::Rc;

use super::{CredentialId, Fence, Reason, RefreshToken, Step, TokenSet, UnixMillis};

/// One attempt to get a token, from the first request to its landing.
///
/// `Option<Flight>` is the single-flight rule: there is one at most.
#[derive(Clone, Debug)]
pub struct Flight {
    /// Answers carry it.
    pub id: FlightId,
    /// Why it was started.
    pub reason: Reason,
    /// What it is doing.
    pub phase: Phase,
    /// Requests that have failed and may be tried again.
    pub failed: u32,
    /// Whether it goes through the shared store, where there is one.
    pub company: Company,
    /// How it has fared with the lease.
    pub queue: Queue,
    /// Whether it may ask the provider, as far as other sessions are concerned.
    pub turn: Turn,
    /// The credentials that it presents, as far as they are told apart.
    pub credentials: CredentialId,
    /// Another holder announced a change after the last read of the store began.
    pub changed_while_reading: bool,
    /// When the step that is waited for is lost. Means nothing where none is: see [`wakes_at`](Self::wakes_at).
    pub deadline: UnixMillis,
}

impl Flight {
    /// Waits until then. Nothing of it is on the wire, so that others may have its turn.
    pub fn pause(&mut self, until: UnixMillis) {
        self.phase = Phase::BackingOff { until };
        if self.turn == Turn::Come {
            self.turn = Turn::Awaited;
        }
    }

    /// When the clock has the flight go on: after a pause, or because what it waits for is lost.
    pub const fn wakes_at(&self) -> UnixMillis {
        match (&self.phase, self.phase.step()) {
            (Phase::BackingOff { until }, _) => *until,
            (_, Some(_)) => self.deadline,
            (_, None) => UnixMillis::NEVER,
        }
    }
}

/// One attempt to get a token, retries included. An answer that carries the id
/// of an earlier one changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlightId(pub u64);

/// Whether a flight may ask the provider, as far as other sessions are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// There are none, or they do not matter.
    Free,
    /// It must wait for its turn, from when on it would ask.
    Awaited,
    /// It may.
    Come,
}

/// Whether a flight goes through the shared store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Company {
    /// It does, if there is one that works.
    Shared,
    /// It does not: the store has failed it.
    Alone,
}

/// How a flight has fared with the lease.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    /// When it first asked for it.
    pub since: Option<UnixMillis>,
    /// How often somebody else had it.
    pub denied: u32,
}

/// What a flight is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It waits.
    BackingOff {
        /// Until when.
        until: UnixMillis,
    },
    /// It waits for its turn among the flights of other sessions.
    StandingBy {
        /// When it read the shared store in vain, if it did.
        read_at: Option<UnixMillis>,
    },
    /// The shared store is read, without a lease.
    Loading {
        /// When the flight may go on, should nothing be found.
        then: UnixMillis,
    },
    /// The lease was asked for.
    Locking,
    /// The shared store is read again, under the lease.
    Rereading(Fence),
    /// The refresh token is taken out of the shared store, so that nobody else
    /// presents it, whatever becomes of us.
    Claiming(Fence, RefreshToken),
    /// The provider was asked.
    Granting {
        /// What it was asked with; `None` means with the credentials.
        presented: Option<RefreshToken>,
        /// When it was asked first.
        since: UnixMillis,
        /// The lease, where there is one.
        fence: Option<Fence>,
    },
    /// What the grant brought is written to the shared store.
    Saving {
        /// What it brought.
        tokens: Rc<TokenSet>,
        /// When the provider was asked.
        since: UnixMillis,
        /// The lease, where there is one.
        fence: Option<Fence>,
    },
}

impl Phase {
    /// The lease that is held.
    pub const fn fence(&self) -> Option<Fence> {
        match self {
            Self::Rereading(fence) | Self::Claiming(fence, _) => Some(*fence),
            Self::Granting { fence, .. } | Self::Saving { fence, .. } => *fence,
            Self::BackingOff { .. } | Self::StandingBy { .. } | Self::Loading { .. } | Self::Locking => None,
        }
    }

    /// What the driver is to report; `None` where nothing was asked of it.
    pub const fn step(&self) -> Option<Step> {
        match self {
            Self::BackingOff { .. } | Self::StandingBy { .. } => None,
            Self::Rereading(_) | Self::Claiming(..) | Self::Saving { .. } => Some(Step::Store),
            // The store is asked by a key, and for a lease, once the secrets are known.
            Self::Loading { .. } | Self::Locking => Some(Step::Either),
            Self::Granting { .. } => Some(Step::Request),
        }
    }

    /// Whether the shared store is being read.
    pub const fn is_reading(&self) -> bool {
        matches!(self, Self::Loading { .. } | Self::Rereading(_))
    }

    /// Until when the flight would wait, had it not found something to read.
    pub const fn resumes_at(&self) -> Option<UnixMillis> {
        if let Self::Loading { then } = self { Some(*then) } else { None }
    }

    /// The token that is being saved.
    pub fn saving(&self) -> Option<&Rc<TokenSet>> {
        if let Self::Saving { tokens, .. } = self { Some(tokens) } else { None }
    }
}
