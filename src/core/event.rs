//! News for listeners.

use std::time::Duration;

use super::{ScopeSet, TokenError, UnixMillis};

/// News for listeners. Holds no token.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// There is a new token.
    Token {
        /// Why it was asked for.
        reason: Reason,
        /// Until when it is valid, by the provider's clock.
        expires_at: UnixMillis,
        /// What it may do, where that is known.
        scopes: Option<ScopeSet>,
    },
    /// A grant failed and is asked for again after a pause.
    Retry {
        /// The attempt to come; the first retry is attempt 2.
        attempt: u32,
        /// The pause.
        delay: Duration,
        /// Why.
        error: TokenError,
    },
    /// A grant was given up.
    Error {
        /// Why.
        error: TokenError,
        /// What is left.
        remains: Remains,
    },
    /// The token held expired and nothing has replaced it.
    Expired,
    /// Fewer scopes were granted than were asked for.
    ScopesMissing(ScopeSet),
    /// The shared store failed; the token is not shared until it works again.
    StoreFailed(TokenError),
    /// The manager was closed.
    Closed,
}

/// What a failed grant leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remains {
    /// A token that is still valid; callers go on getting it.
    ValidToken,
    /// None.
    Nothing,
}

/// Why a token was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// There was none.
    Initial,
    /// The one held was about to expire.
    Proactive,
    /// The one held had too little time left.
    Expired,
    /// The API refused the one held.
    Refused,
    /// It came with an ordinary answer.
    Adopted,
    /// Somebody else got it, and shared it.
    Shared,
    /// Somebody asked for a new one.
    Forced,
}

impl Reason {
    /// As the contract spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Proactive => "proactive",
            Self::Expired => "expired",
            Self::Refused => "refused",
            Self::Adopted => "adopted",
            Self::Shared => "shared",
            Self::Forced => "forced",
        }
    }
}
