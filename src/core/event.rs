//! Events for listeners. They contain no token.

use std::time::Duration;

use super::{ScopeSet, TokenError, UnixMillis};

/// An event for listeners.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A new token is cached.
    Token {
        /// Why it was requested.
        reason: Reason,
        /// When it expires, by the provider's clock.
        expires_at: UnixMillis,
        /// Its scopes, if they are known.
        scopes: Option<ScopeSet>,
    },
    /// A grant failed and is retried after a delay.
    Retry {
        /// Number of the next attempt; the first retry is attempt 2.
        attempt: u32,
        /// Time until the next attempt.
        delay: Duration,
        /// Why the last attempt failed.
        error: TokenError,
    },
    /// An acquisition failed.
    Error {
        /// Why it failed.
        error: TokenError,
        /// Set if the cached token is still valid; callers continue to receive it.
        token_still_valid: bool,
    },
    /// The cached token expired before it was replaced.
    Expired,
    /// The provider granted fewer scopes than were requested.
    ScopesMissing(ScopeSet),
    /// The shared store failed; the token is not shared until it works again.
    StoreFailed(TokenError),
    /// The token was discarded, because the user signed out here or at another holder.
    Cleared,
    /// The manager was closed.
    Closed,
}

impl Event {
    /// The types of events in JavaScript. `change` and some warnings originate there.
    pub const TYPES: [&str; 8] =
        ["token", "change", "cleared", "retry", "error", "expired", "warning", "close"];

    /// The types of events that name their session also if it is the default one.
    pub const TYPES_WITH_SESSION: [&str; 5] = ["token", "change", "cleared", "error", "expired"];

    /// The type in JavaScript, one of [`Self::TYPES`].
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Token { .. } => "token",
            Self::Retry { .. } => "retry",
            Self::Error { .. } => "error",
            Self::Cleared => "cleared",
            Self::Expired => "expired",
            Self::ScopesMissing(_) | Self::StoreFailed(_) => "warning",
            Self::Closed => "close",
        }
    }
}

/// Why a token was requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// There was no token.
    Initial,
    /// The cached token was due for a refresh.
    Proactive,
    /// The remaining validity of the cached token was too short.
    Expired,
    /// The API rejected the cached token.
    Rejected,
    /// An ordinary response of the API carried it.
    Adopted,
    /// Another holder stored it.
    Shared,
    /// A caller forced a refresh.
    Forced,
    /// There was no token, because the user signed out. Such an acquisition ends without a grant if no caller waits.
    SignedOut,
}

impl Reason {
    /// The spelling of the public contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Initial | Self::SignedOut => "initial",
            Self::Proactive => "proactive",
            Self::Expired => "expired",
            Self::Rejected => "refused",
            Self::Adopted => "adopted",
            Self::Shared => "shared",
            Self::Forced => "forced",
        }
    }
}
