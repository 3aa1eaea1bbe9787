//! What the APIs are like. Data; decides nothing.
//!
//! Each quirk of an API is a value of a type in [`profile`]; adding an API is one
//! more file beside [`fluz`], [`toggle`] and [`braintree`]. A profile that a user
//! writes becomes the same data.

pub mod braintree;
pub mod fluz;
pub mod profile;
pub mod toggle;

pub use profile::{
    Authorization, Expiry, Lifetime, Operation, Part, Profile, SecretId, Secrets, Signals, Signs, Sliding,
    Spelling, TokenShape, TokenSource, Unexplained, Variable,
};
