//! What a shared store is given: the key of an entry, and the entry itself. Pure.
//!
//! Decides who shares a token with whom, and what is written down of it. Leaves
//! keeping it to the store.

mod cache_key;
mod record;

pub use cache_key::{HolderDigest, cache_key, identity, manager_identity};
pub use record::{MAX_ENTRY_BYTES, decode, encode, expires_at};
