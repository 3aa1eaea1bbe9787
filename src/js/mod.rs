//! The interface between the core and the JavaScript of the package.
//!
//! The public class is plain JavaScript (`pkg-template/src`). It is built on this interface, which is not public.

mod face;
mod manager;
mod views;

#[cfg(test)]
mod tests;

pub(crate) use face::{Desk, Face, Held, scopes};
pub(crate) use views::{error_view, listed, news_view, secret_in_page, status_view, traits_view};
