//! Wording of grant requests and interpretation of responses, without I/O.
//!
//! [`GrantExchange`] writes the request of a grant, interprets the response, repeats the request with another schema
//! name where the API rejected one, and ends with a token or an error.

mod auth_check;
mod cookie;
mod custom_grant;
mod expiry;
mod grant_exchange;
mod initial_refresh_token;
mod jwt;
mod renewal;
mod request;
mod response;
mod revocation;
mod schema_variants;
mod timestamp;
mod token_rotation;

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests;

pub use auth_check::{AuthStatus, check_rejection, classify, repeated_rejection};
pub use cookie::SET_COOKIE;
pub use custom_grant::token_from_function;
pub use grant_exchange::{GrantExchange, Outcome};
pub use initial_refresh_token::InitialRefreshTokens;
pub use jwt::claimed_times;
pub use request::{credential_fingerprint, token_digest};
pub use response::ParsedResponse;
pub use schema_variants::SchemaVariants;
pub use timestamp::{parse_http_date, parse_retry_after, parse_timestamp};
pub use token_rotation::{Rotation, rotated_token};
