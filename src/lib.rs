//! Short-lived access tokens for GraphQL APIs: acquired once, shared by all callers, renewed before they expire.
//!
//! The core of an npm package. The rules are plain Rust, and I/O goes through a thin layer of JavaScript bindings:
//!
//! ```text
//!  pkg-template/src   TokenManager, a plain JavaScript class: the public API
//!  ───────────────────────────────────────────────────── JavaScript above, WebAssembly below
//!  js                 NativeManager, the exported class, and its callbacks
//!  driver             the event loop: input → Pool::handle → effects
//!  grant              one grant: secrets, requests and responses, in order
//!  host               clocks, entropy, timers, fetch, stores, conversion of values, page events
//!  ───────────────────────────────────────────────────── below: no JavaScript, tested natively
//!  store              records of a shared store and their keys
//!  graphql            requests and the interpretation of responses
//!  options            validation of the user's options
//!  provider           descriptions of the APIs, as data
//!  http, json, base64 plain values
//!  core               the state machines of one token and of many
//! ```
//!
//! Without JavaScript, each layer uses only those below it. Of those above, `js` exports the driver to JavaScript, and
//! `driver` and `grant` use its conversions. A test in this file has the list. ARCHITECTURE.md has the glossary and the
//! diagrams.
//!
//! # Design decisions
//!
//! - **JSON and URLs are parsed by the engine.** The pure layers receive the parsers as functions ([`json::Platform`]);
//!   parsers in Rust would add to the module.
//! - **Values for JavaScript are passed as JSON.** A derived structure per type costs 4 KB of the compressed module,
//!   JSON 1 KB.
//! - **An acquisition starts with a backoff**, usually of zero length: the delay of the rate limit and the delay after
//!   a failed attempt are one phase.
//! - **A session queues before it sends, and the pool holds no effects back.** A queued acquisition has sent nothing,
//!   and may turn out to be unnecessary.
//! - **Each scope set has its own session.** A caller that needs more scopes is served by a sibling,
//!   so each session always requests the same scopes.
//! - **A refresh token leaves the state when it is presented**, so it cannot be presented again, whether its response
//!   is lost, late or a failure. It returns only if the provider did not process the request.
//! - **It leaves a shared store earlier** (`ClaimingRefreshToken`): a holder that crashes between presenting and
//!   storing costs one grant with the credentials, not a session that the provider revokes because of a repeated
//!   refresh token.
//! - **A store announces writes to its other holders.** The core announces nothing, and reads after each announcement
//!   without a lease.
//! - **An acquisition bypasses the store** if the lease is unavailable for too long or the store fails, with the
//!   credentials or a refresh token that was never in the store.
//! - **The time is that of one combined clock** ([`core::HybridClock`]), so the rules need not handle jumps.
//! - **A validation error selects another spelling** ([`provider::SchemaName`]): contradictions in a provider's
//!   documentation are data, and each costs at most one request.
//! - **Not every rejection invalidates a token** ([`core::RejectionHistory`]): an API may reject a forbidden operation
//!   in the same way as an expired token.
//!
//! # Example
//!
//! The core needs no JavaScript:
//!
//! ```
//! use std::time::Duration;
//!
//! use graphql_token_manager::core::{
//!     AccessToken, CallId, ClockOffset, Effect, Grant, Input, Jitter, Policy, ScopeSet, Session, TokenRequest, TokenSet,
//!     TokenTimes, UnixMillis,
//! };
//!
//! let now = UnixMillis::new(1_800_000_000_000);
//! let mut session = Session::new(Policy::default(), ScopeSet::default(), Jitter::new(7));
//!
//! let effects = session.handle(Input::Requested(CallId(1), TokenRequest::DEFAULT), now);
//! let [Effect::Send(id, Grant::Authenticate)] = effects[..] else { panic!("it asks the provider") };
//!
//! let tokens = TokenSet {
//!     access_token: AccessToken::new("secret"),
//!     refresh_token: None,
//!     scopes: None,
//!     issued_at: now,
//!     expires_at: now + Duration::from_secs(180),
//!     provider_clock: ClockOffset::default(),
//!     times: TokenTimes::default(),
//! };
//! let effects = session.handle(Input::Granted(id, Ok(tokens.into())), now);
//! assert!(matches!(effects[0], Effect::Resolve(CallId(1), Ok(_))));
//!
//! // A token of three minutes is renewed in its last quarter.
//! let refresh = session.poll_timeout().expect("a refresh is planned");
//! assert!(refresh.since(now) <= Duration::from_secs(135));
//! ```

pub mod base64;
pub mod core;
pub mod graphql;
pub mod http;
pub mod json;
pub mod options;
pub mod provider;
pub mod store;

#[cfg(target_arch = "wasm32")]
mod driver;
#[cfg(target_arch = "wasm32")]
mod grant;
#[cfg(target_arch = "wasm32")]
mod host;
#[cfg(target_arch = "wasm32")]
mod js;

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod generated;

/// About a fifth of the size of the standard library's allocator, and not slower.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod layers {
    //! Checks the dependencies between layers in the source text.

    use std::{fs, path::Path};

    /// The layers, each with those that it may use.
    const MAY_USE: [(&str, &[&str]); 12] = [
        ("base64", &[]),
        ("core", &[]),
        ("json", &["core"]),
        ("http", &["core"]),
        ("provider", &["core", "json"]),
        ("options", &["core", "json", "provider"]),
        ("graphql", &["base64", "core", "json", "http", "provider", "options"]),
        ("store", &["base64", "core", "json", "provider", "options"]),
        ("host", &["core", "json", "http", "options"]),
        ("js", &["core", "json", "graphql", "host", "http", "driver", "options", "provider"]),
        ("grant", &["core", "graphql", "host", "http", "js", "options", "provider"]),
        ("driver", &["core", "graphql", "grant", "host", "http", "js", "options", "store"]),
    ];

    /// Returns the path and text of each source file of a layer, without its tests.
    fn sources(layer: &str) -> Vec<(String, String)> {
        fn collect(path: &Path, found: &mut Vec<(String, String)>) {
            if path.is_dir() {
                for entry in fs::read_dir(path).unwrap() {
                    let entry = entry.unwrap();
                    let tests = ["tests", "tests.rs"].iter().any(|name| entry.file_name() == *name);
                    if !tests {
                        collect(&entry.path(), found);
                    }
                }
            } else if let Ok(text) = fs::read_to_string(path) {
                let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
                found.push((path.display().to_string(), code.to_owned()));
            }
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut found = Vec::new();
        collect(&root.join(layer), &mut found);
        collect(&root.join(format!("{layer}.rs")), &mut found);
        assert!(!found.is_empty(), "{layer}");
        found
    }

    /// Returns the layers that a file names in `use crate::{…}` or in paths.
    fn used(code: &str) -> Vec<&'static str> {
        let code: String = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let flat: String = code.split_whitespace().collect();
        let named = |layer: &str| {
            let ends = |rest: &str| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_');
            let direct = flat.split(&format!("crate::{layer}")).skip(1).any(ends);
            let grouped = flat.split("usecrate::{").skip(1).any(|rest| {
                let group = rest.split(";").next().unwrap_or_default();
                [format!(",{layer}::"), format!("}},{layer}::")].iter().any(|start| group.contains(start))
                    || group.starts_with(&format!("{layer}::"))
            });
            direct || grouped
        };
        MAY_USE.iter().map(|(layer, _)| *layer).filter(|layer| named(layer)).collect()
    }

    #[test]
    fn each_layer_uses_only_those_it_may() {
        for (layer, may_use) in MAY_USE {
            for (path, code) in sources(layer) {
                for other in used(&code) {
                    assert!(other == layer || may_use.contains(&other), "{path} uses {other}");
                }
            }
        }
    }

    #[test]
    fn secrets_are_exposed_only_where_they_are_needed() {
        // Comparison and storage of secrets, encoding and decoding of messages, and the bindings.
        let allowed = [
            "core/secret.rs",
            "core/recent_tokens.rs",
            "graphql/request.rs",
            "graphql/revocation.rs",
            "graphql/grant_exchange.rs",
            "graphql/initial_refresh_token.rs",
            "graphql/renewal.rs",
            "graphql/response.rs",
            "graphql/token_rotation.rs",
            "http.rs",
            "store/record.rs",
            "store/cache_key.rs",
            "host/fetch.rs",
            "host/store.rs",
            "grant.rs",
            "js/manager_callbacks.rs",
            "js/convert.rs",
        ];
        for (layer, _) in MAY_USE {
            for (path, code) in sources(layer) {
                let exempt = allowed.iter().any(|file| path.ends_with(file));
                assert!(exempt || !code.contains(".expose()"), "{path}");
            }
        }
    }
}
