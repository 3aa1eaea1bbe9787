//! What JavaScript sees of the core, and what the core sees of the npm face.
//!
//! The public class is plain JavaScript (`pkg-template/src`); this is what it is
//! built on, and no part of the contract.

mod face;
mod manager;
mod views;

#[cfg(test)]
mod tests;

pub(crate) use face::{Desk, Face, Held, scopes};
pub(crate) use views::{error_view, listed, news_view, secret_in_page, status_view, traits_view};
