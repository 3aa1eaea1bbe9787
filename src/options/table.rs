//! Tables of the options that do not depend on a provider, and of the options of calls.
//!
//! Those of a built-in provider are in its descriptor. A test (`src/generated.rs`) compares these tables with the types
//! of the package.

use crate::provider::option::{Accepts, OptionSpec};

/// Options of every provider.
pub static COMMON: [OptionSpec; 20] = [
    OptionSpec::required("provider", Accepts::Other),
    OptionSpec::optional("endpoint", Accepts::Text("the URL to send grants to")),
    OptionSpec::optional("lifetimeMs", Accepts::Millis(1.0)),
    OptionSpec::optional("refresh", Accepts::Keyword("always while-used on-demand")).or_text("always"),
    OptionSpec::optional("refreshWindow", Accepts::Number(0.0, 0.9, WINDOW)).or_number(0.25),
    OptionSpec::optional("minValidityMs", Accepts::Millis(0.0)),
    OptionSpec::optional("timeoutMs", Accepts::Millis(1.0)).or_number(10_000.0),
    OptionSpec::optional("retry", Accepts::Object(&RETRY, "an object, for example { attempts: 5 }")),
    OptionSpec::optional("fetch", Accepts::Function),
    OptionSpec::optional("headers", Accepts::Other),
    OptionSpec::optional("origins", Accepts::Other),
    OptionSpec::optional("allowInsecure", Accepts::Flag),
    OptionSpec::optional("keepAlive", Accepts::Flag),
    // Called by JavaScript, where the current request is known.
    OptionSpec::optional("waitUntil", Accepts::Function),
    OptionSpec::optional("sessions", Accepts::Object(&SESSIONS, "an object, for example { max: 1000 }")),
    OptionSpec::optional("store", Accepts::Other),
    OptionSpec::optional("storeTimeoutMs", Accepts::Millis(1.0)).or_number(5_000.0),
    OptionSpec::optional("identity", Accepts::Text(IDENTITY)),
    // Used by JavaScript, also where it restarts the core.
    OptionSpec::optional("debug", Accepts::Other),
    OptionSpec::optional("quoteErrors", Accepts::Flag),
];

const WINDOW: &str = "a fraction of the lifetime from 0 to 0.9, for example 0.25";

/// Expected value of `identity`.
pub(super) const IDENTITY: &str = "a string that names the owner of the credentials, for example the tenant's or the \
    user's id: a `store` shares tokens between managers of the same identity";

/// Members of `retry`. The first delay is at most the longest one, so each of these adjusts the default of the other.
pub static RETRY: [OptionSpec; 3] = [
    OptionSpec::optional("attempts", Accepts::Count(100, "how many requests to make in all, from 1 to 100"))
        .or_number(3.0),
    OptionSpec::optional("baseMs", Accepts::Millis(1.0)).or_number(1_000.0),
    OptionSpec::optional("maxMs", Accepts::Millis(1.0)).or_number(30_000.0),
];

/// Members of `sessions`. The maximum fits into the four gigabytes of WebAssembly memory, and exceeds what one device
/// needs.
pub static SESSIONS: [OptionSpec; 3] = [
    OptionSpec::optional(
        "max",
        Accepts::Count(10_000_000, "how many sessions to keep, from 1 to 10 million"),
    )
    .or_number(10_000.0),
    OptionSpec::optional("idleMs", Accepts::Millis(1.0)).or_number(900_000.0),
    OptionSpec::optional(
        "maxConcurrentGrants",
        Accepts::Count(10_000, "how many grants may be in flight at a time, from 1 to 10000"),
    )
    .or_number(32.0),
];

/// Options of a page that receives its tokens from a broker.
pub static BROKER: [OptionSpec; 5] = [
    OptionSpec::required("endpoint", Accepts::Text("the URL of the API that the tokens are for")),
    OptionSpec::optional("api", Accepts::Other),
    OptionSpec::required("url", Accepts::Text("where your broker answers, for example \"/token\"")),
    OptionSpec::optional("credentials", Accepts::Keyword("same-origin include omit")),
    OptionSpec::optional("scopes", Accepts::Scopes),
];

/// Options of a manager with an object as its provider.
pub static CUSTOM: [OptionSpec; 1] = [OptionSpec::optional("scopes", Accepts::Scopes)];

/// Options of `getToken` and its variants. JavaScript handles the signal.
pub static CALL: [OptionSpec; 4] = [
    OptionSpec::optional("signal", Accepts::Other),
    OptionSpec::optional("minValidityMs", Accepts::Millis(0.0)),
    OptionSpec::optional("scopes", Accepts::Scopes),
    OptionSpec::optional("exactScopes", Accepts::Flag),
];

/// Options of a forced refresh.
pub static REFRESH: [OptionSpec; 1] = [OptionSpec::optional("signal", Accepts::Other)];
