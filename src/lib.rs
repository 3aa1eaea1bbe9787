//! Short-lived access tokens for GraphQL APIs.
