//! What a shared store is given: the key of an entry, and the entry itself. Pure.
//!
//! Decides who shares a token with whom, and what is written down of it. Leaves
//! keeping it to the store.

mod entry;
mod key;

pub use entry::{LONGEST, keep_until, read, write};
pub use key::{HolderDigest, identity, key, own_identity};
