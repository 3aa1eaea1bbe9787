//! Short-lived access tokens for GraphQL APIs.

pub mod core;
pub mod graphql;
pub mod http;
pub mod json;
pub mod provider;
