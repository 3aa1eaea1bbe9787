//! Short-lived access tokens for GraphQL APIs: got once, shared by all callers,
//! renewed ahead of their expiry.
//!
//! This crate is the core of an npm package. It **decides** in plain Rust and
//! **acts** through a thin layer of JavaScript bindings:
//!
//! ```text
//!  pkg-template/src   TokenManager, a plain class      ── what users import
//!  ───────────────────────────────────────────────────── the wasm border
//!  js                 Core, Face: the exported class and what it calls back
//!  driver             the loop: event → Pool::handle → effects
//!  grant              one grant: secrets, requests, answers, in order
//!  host               clock, entropy, alarm, fetch, values, page events
//!  ───────────────────────────────────────────────────── below: pure, tested natively
//!  sharing            what is written to a shared store, and under which key
//!  options            what users may write
//!  graphql            what is sent, and what an answer means
//!  provider           what the APIs are like, as data
//!  http, json, base64 plain values
//!  core               the rules of a token's life, and of many tokens
//! ```
//!
//! Each layer uses only those below it. [`core`] has the words and the diagrams.
//!
//! # How it deviates from what one might expect
//!
//! - **JSON and URLs are the engine's.** The pure layers take them as functions
//!   ([`json::Platform`]): a parser of our own would cost bytes and be worse.
//! - **Libraries do what is nobody's own**: `wasm-bindgen-futures` runs the tasks that wait,
//!   `serde` with `serde-wasm-bindgen` writes what JavaScript is given.
//! - **Views are JSON, not a structure each.** To serialize one type costs the module
//!   1 KB compressed, a derived structure for each 4 KB.
//! - **A flight starts with a pause**, mostly of no time at all. The pause that keeps
//!   grants apart and the pause after a failure are one phase.
//! - **A session waits for its turn before it asks, not with what it asks.** The pool holds no
//!   effects back: a flight that stands by has spent nothing, and may turn out not to be needed.
//! - **More scopes are another session.** A caller who needs them is served by a sibling of the
//!   same identity, so that each lifecycle asks for the same scopes always.
//! - **A refresh token leaves the state when it is presented.** Whether its answer is
//!   lost, late or a failure, it cannot be presented again by accident.
//! - **It leaves a shared store before that, too** (`Claiming`): a holder that crashes between
//!   presenting and saving costs one grant by the credentials, not a session that the
//!   provider closes because a refresh token came twice.
//! - **A store tells its other holders itself** that it was written to. The core announces
//!   nothing, and each notice is answered by a read that takes no lease.
//! - **A flight that could not have the lease in time, or whose store fails, goes alone**, by
//!   the credentials or a refresh token that was never in the store.
//! - **The time is one clock made of two** ([`core::SteadyClock`]), so that the rules need
//!   not know that clocks jump.
//! - **What validation complains of is spelled in another way** ([`provider::Spelling`]): the
//!   contradictions of documentation are data, and each costs one request at most.
//! - **Not every refusal costs a token** ([`core::Refusals`]): APIs may say of an operation that
//!   is forbidden what they say of a token that has ended.
//!
//! # Example
//!
//! The core needs no JavaScript. An event and the time go in, effects come out:
//!
//! ```
//! use std::time::Duration;
//!
//! use graphql_token_manager::core::{
//!     AccessToken, CallId, Effect, Event, Grant, Jitter, Lifecycle, Policy, ScopeSet, Skew, Stamp, Tokens,
//!     UnixMillis, Want,
//! };
//!
//! let now = UnixMillis::new(1_800_000_000_000);
//! let mut lifecycle = Lifecycle::new(Policy::default(), ScopeSet::default(), Jitter::new(7));
//!
//! let effects = lifecycle.handle(Event::Requested(CallId(1), Want::USABLE), now);
//! let [Effect::Send(flight, Grant::Authenticate)] = effects[..] else { panic!("it asks the provider") };
//!
//! let tokens = TokenSet {
//!     access_token: AccessToken::new("secret"),
//!     refresh_token: None,
//!     scopes: None,
//!     issued_at: now,
//!     expires_at: now + Duration::from_secs(180),
//!     provider_clock: Skew::default(),
//!     stamp: Stamp::default(),
//! };
//! let effects = lifecycle.handle(Event::Granted(flight, Ok(tokens.into())), now);
//! assert!(matches!(effects[0], Effect::Settle(CallId(1), Ok(_))));
//!
//! // A token of three minutes is renewed in its last quarter.
//! let refresh = lifecycle.next_wakeup().expect("a refresh is planned");
//! assert!(refresh.since(now) <= Duration::from_secs(135));
//! ```

pub mod base64;
pub mod core;
pub mod graphql;
pub mod http;
pub mod json;
pub mod options;
pub mod provider;
pub mod sharing;

#[cfg(target_arch = "wasm32")]
mod driver;
#[cfg(target_arch = "wasm32")]
mod grant;
#[cfg(target_arch = "wasm32")]
mod host;
#[cfg(target_arch = "wasm32")]
mod js;

/// A fifth as large as the standard library's, and no slower.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod layers {
    //! Who may use whom, read from the source.

    use std::{fs, path::Path};

    /// Each layer with those it may use, from the bottom up.
    const MAY_USE: [(&str, &[&str]); 12] = [
        ("base64", &[]),
        ("core", &[]),
        ("json", &["core"]),
        ("http", &["core"]),
        ("provider", &["core", "json"]),
        ("options", &["core", "json", "provider"]),
        ("graphql", &["base64", "core", "json", "http", "provider", "options"]),
        ("sharing", &["base64", "core", "json", "provider", "options"]),
        ("host", &["core", "json", "http", "options"]),
        ("js", &["core", "json", "graphql", "host", "http", "driver", "options", "provider"]),
        ("grant", &["core", "graphql", "host", "http", "js", "options", "provider"]),
        ("driver", &["core", "graphql", "grant", "host", "http", "js", "options", "sharing"]),
    ];

    /// Every source file of a layer, with its text, tests left out.
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

    /// The layers named in a file: in `use crate::{…}` and in paths.
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
        // What compares and stores them, what writes and reads the wire, and the border.
        let allowed = [
            "core/secret.rs",
            "core/recent_tokens.rs",
            "graphql/request.rs",
            "graphql/exchange.rs",
            "graphql/response.rs",
            "graphql/sliding.rs",
            "http.rs",
            "sharing/entry.rs",
            "sharing/key.rs",
            "host/fetch.rs",
            "host/store.rs",
            "grant.rs",
            "js/face.rs",
            "js/views.rs",
        ];
        for (layer, _) in MAY_USE {
            for (path, code) in sources(layer) {
                let exempt = allowed.iter().any(|file| path.ends_with(file));
                assert!(exempt || !code.contains(".expose()"), "{path}");
            }
        }
    }
}
