//! Contents of a shared store: keys and encoded tokens, without I/O.

mod cache_key;
mod record;

pub use cache_key::{CredentialsDigest, cache_key, identity, manager_identity};
pub use record::{decode, encode, expires_at};
