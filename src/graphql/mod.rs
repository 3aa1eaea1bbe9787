//! What grants look like on the wire, and what ordinary answers say about a token.
//! Pure: values in, values out.
//!
//! [`GrantExchange`] is the one way through: it writes the request of a grant, reads
//! what comes back, asks again in another spelling where the API refused a word,
//! and ends with a token or with why there is none.

mod auth_check;
mod custom_grant;
mod expiry;
mod grant_exchange;
mod jwt;
mod request;
mod response;
mod schema_variants;
mod timestamp;
mod token_rotation;

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests;

pub use auth_check::{AuthStatus, check_rejection, classify, repeated_rejection};
pub use custom_grant::token_from_function;
pub use grant_exchange::{GrantExchange, Outcome};
pub use jwt::claimed_times;
pub use request::{credential_fingerprint, token_digest};
pub use response::ParsedResponse;
pub use schema_variants::SchemaVariants;
pub use timestamp::{parse_http_date, parse_retry_after, parse_timestamp};
pub use token_rotation::rotated_token;
