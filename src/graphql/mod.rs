//! What grants look like on the wire, and what ordinary answers say about a token.
//! Pure: values in, values out.
//!
//! [`Exchange`] is the one way through: it writes the request of a grant, reads
//! what comes back, asks again in another spelling where the API refused a word,
//! and ends with a token or with why there is none.

mod dialect;
mod exchange;
mod function;
mod jwt;
mod lifetime;
mod point;
mod request;
mod response;
mod ruling;
mod sliding;

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests;

pub use dialect::Dialect;
pub use exchange::{Exchange, Verdict};
pub use function::granted_by_function;
pub use jwt::stamp;
pub use point::{parse_http_date, parse_point, parse_retry_after};
pub use request::{digest, fingerprint};
pub use response::Answer;
pub use ruling::{Ruling, explain, judge, rejected};
pub use sliding::observe;
