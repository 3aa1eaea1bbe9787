//! The one way to build, pack, show and test graphql-token-manager.

fn main() {}
