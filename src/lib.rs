//! Short-lived access tokens for GraphQL APIs.

pub mod core;
pub mod graphql;
pub mod http;
pub mod json;
pub mod options;
pub mod provider;

#[cfg(target_arch = "wasm32")]
mod driver;
#[cfg(target_arch = "wasm32")]
mod grant;
#[cfg(target_arch = "wasm32")]
mod host;
#[cfg(target_arch = "wasm32")]
mod js;
