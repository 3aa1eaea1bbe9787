//! Limits of the public contract, and those that JavaScript shares.
//!
//! A limit that concerns one function only is defined beside it. `src/generated.rs` writes those that JavaScript
//! shares to the package.

/// Most bytes of a response to a grant, and of a JSON response that is examined for a rejection: 1 MiB. Both have some
/// hundred bytes.
pub const MAX_JSON_BYTES: usize = 1 << 20;

/// Most bytes of a record of a shared store: 1 MiB.
pub const MAX_ENTRY_BYTES: usize = 1 << 20;

/// Most errors and payloads of a response that are examined. A login has one or two errors; a batch has a response per
/// operation.
pub const MAX_ERRORS: usize = 100;

/// Milliseconds after the stated expiry of a refresh token until which it is presented.
///
/// The clocks of holders and of the provider differ. An expired one costs a rejected request; one that is withheld although
/// it is valid costs a grant with the credentials, which may not exist.
pub const REFRESH_TOKEN_TOLERANCE_MS: u64 = 60_000;

/// Most bytes of a token. Servers and proxies accept far shorter headers.
pub const MAX_TOKEN_BYTES: usize = 65_536;

/// Most scopes of a response or store record. The largest published table of scopes (Microsoft Graph) has about 700.
pub const MAX_SCOPES: usize = 1000;

/// Most bytes of a scope of a response or store record.
pub const MAX_SCOPE_BYTES: usize = 256;

/// Most bytes of the option `identity`.
pub const MAX_IDENTITY_BYTES: usize = 256;

/// Longest accepted lifetime of a token in milliseconds: ten years of 365 days.
///
/// A response or store record that states a longer one is a mistake or an attack; the token is refreshed after ten years.
pub const MAX_LIFETIME_MS: u64 = 10 * 365 * 24 * 60 * 60 * 1000;

/// Longest refresh window in milliseconds.
///
/// Five minutes: long enough for three attempts at the longest delay (30 s), short enough that most of an hour-long token's
/// lifetime is used.
pub const MAX_REFRESH_WINDOW_MS: u64 = 5 * 60_000;

/// First cool-down after a failure, in milliseconds. Bounds the grants of a failing session to twelve a minute, whatever
/// the rate of requests.
pub const MIN_COOL_DOWN_MS: u64 = 5000;

/// Longest cool-down in milliseconds. A provider that recovered is noticed within a minute.
pub const MAX_COOL_DOWN_MS: u64 = 60_000;

/// Least milliseconds between two background grants of a session. Attempts of one acquisition follow the option `retry`
/// instead.
pub const MIN_GRANT_INTERVAL_MS: u64 = 1000;

/// Longest delay that `Retry-After` may request, in milliseconds: one day.
pub const MAX_RETRY_AFTER_MS: u64 = 24 * 60 * 60 * 1000;
