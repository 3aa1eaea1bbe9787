//! What is being done about the token.

use super::{FlightId, Reason, RefreshToken, UnixMillis};

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
}

/// What a flight is doing.
///
/// A store that others share adds four: `Loading` before the first grant of all,
/// `Locking` and `Rereading` before each `Granting`, `Saving` after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The provider was asked.
    Granting {
        /// What it was asked with; `None` means with the credentials.
        presented: Option<RefreshToken>,
        /// When it was asked first.
        since: UnixMillis,
    },
    /// The provider will be asked.
    BackingOff {
        /// When.
        until: UnixMillis,
    },
}
