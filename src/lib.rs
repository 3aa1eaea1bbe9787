//! Short-lived access tokens for GraphQL APIs.

pub mod core;
