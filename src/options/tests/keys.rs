//! Unknown keys and keywords, and the suggested ones.

use super::{
    table::{COMMON, CUSTOM, RETRY, SESSIONS},
    *,
};
use crate::provider::{PROVIDERS, option::OptionSpec};

/// Common misspellings of a word.
fn misspelt(word: &str) -> Vec<String> {
    let mut typos = Vec::new();
    for at in 0..word.len() {
        let (before, rest) = word.split_at(at);
        typos.push(format!("{before}{}", &rest[1..]));
        typos.push(format!("{before}{}{rest}", &rest[..1]));
        typos.push(format!("{before}x{}", &rest[1..]));
        if let [first, second, ..] = rest.as_bytes() {
            typos.push(format!("{before}{}{}{}", char::from(*second), char::from(*first), &rest[2..]));
        }
    }
    let snake = |letter: char| {
        if letter.is_ascii_uppercase() { format!("_{}", letter.to_ascii_lowercase()) } else { letter.into() }
    };
    typos.push(word.chars().map(snake).collect());
    typos.extend([word.to_ascii_uppercase(), word.to_ascii_lowercase()]);
    typos.retain(|typo| typo != word);
    typos
}

/// Asserts that every misspelling of `key` in the object at `path` is answered with `key`.
fn names_the_nearest(base: &Value, path: &str, key: &str) {
    let full = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    for typo in misspelt(key) {
        let misspelt = base.clone().without(&full(key)).with(&full(&typo), text("planted"));

        assert_eq!(suggested(&misspelt), [full(&typo), full(key)]);
    }
}

fn names(table: &[OptionSpec]) -> impl Iterator<Item = &'static str> {
    table.iter().map(|option| option.name)
}

#[test]
fn misspelled_provider_option_is_corrected() {
    let builtin = PROVIDERS.map(|provider| (minimal(provider), provider.options));
    for (options, own) in builtin.into_iter().chain([(acme(), &CUSTOM[..]), (by_function(), &CUSTOM)]) {
        for key in names(&COMMON).chain(names(own)) {
            names_the_nearest(&options, "", key);
        }
    }
}

#[test]
fn misspelled_nested_option_is_corrected() {
    for key in names(&RETRY) {
        names_the_nearest(&toggle(), "retry", key);
    }
    let both =
        ["name", "endpoint", "sliding", "refused", "grant", "headers", "authenticate", "renew", "token"];
    for key in both.into_iter().chain(["refreshToken", "scopes", "expiry"]) {
        names_the_nearest(&acme(), "provider", key);
        names_the_nearest(&by_function(), "provider", key);
    }
    for (path, keys) in [
        ("provider.authenticate", &["document", "variables", "authorization"][..]),
        ("provider.renew", &["document", "variables", "authorization"]),
        ("provider.authenticate.authorization", &["basic", "bearer"]),
        ("provider.authenticate.authorization.basic", &["username", "password"]),
        ("provider.token", &["data", "header"]),
        ("provider.refreshToken", &["data"]),
        ("provider.scopes", &["data"]),
        ("provider.expiry", &["expiresIn", "unit", "expiresAt", "jwt", "lifetimeMs"]),
        ("provider.sliding", &["header", "sameSession"]),
        ("provider.refused", &["statuses", "messages", "codes"]),
    ] {
        for key in keys {
            names_the_nearest(&acme(), path, key);
        }
    }
    let sliding = sliding().with("provider.sliding.header", text("x-new"));
    for key in ["claim", "data"] {
        names_the_nearest(&sliding, "provider.sliding.sameSession", key);
    }
    for key in ["refused", "sliding"] {
        names_the_nearest(&broker(), "api", key);
    }
    for key in names(&SESSIONS) {
        names_the_nearest(&fluz(), "sessions", key);
    }
}

#[test]
fn misspelled_keyword_is_corrected() {
    let timed = acme().with("provider.expiry", map([("expiresIn", text("login.ttl"))]));
    let providers = PROVIDERS.map(|provider| provider.name);
    for (options, key, words) in [
        (fluz(), "provider", &[&providers[..], &["broker"]].concat()[..]),
        (fluz(), "environment", &["sandbox", "production"]),
        (braintree(), "environment", &["sandbox", "production"]),
        (fluz(), "renewal", &["refresh", "generate"]),
        (toggle(), "refresh", &["always", "while-used", "on-demand"]),
        (broker(), "credentials", &["same-origin", "include"]),
        (broker(), "api", &providers),
        (timed, "provider.expiry.unit", &["seconds", "milliseconds"]),
    ] {
        for word in words {
            for typo in misspelt(word) {
                assert_eq!(suggested(&options.clone().with(key, text(&typo))), [key, word]);
            }
        }
    }
}

#[test]
fn unknown_key_lists_the_known_ones() {
    let common: Vec<_> = names(&COMMON).collect();
    assert_eq!(
        suggested(&toggle().with("cache", RawValue::Bool(true))),
        [&["cache"], &common[..], &["email", "username", "password"]].concat()
    );
    assert_eq!(
        suggested(&toggle().with("retry", map([("jitter", RawValue::Missing)]))),
        ["retry.jitter", "attempts", "baseMs", "maxMs"]
    );
    for (options, key) in [(toggle(), "scopes"), (braintree(), "userId"), (broker(), "apiKey")] {
        // An option of another provider.
        assert_eq!(rejected(&options.with(key, texts(&["A"]))), key);
    }
}

#[test]
fn key_that_may_be_a_secret_is_not_shown() {
    for secret in [
        "planted4key",
        "plantedplantedplantedplantedplanted",
        "planted key",
        "planted.key",
        "plänted",
        "planted==",
        "planted123",
        "planted\n",
    ] {
        let unknown = || RawValue::Map(vec![(secret.to_owned(), RawValue::Null)]);
        for (options, place) in [
            (toggle(), "retry"),
            (acme(), "provider"),
            (acme(), "provider.authenticate"),
            (acme(), "provider.authenticate.authorization"),
            (acme(), "provider.refused"),
        ] {
            assert_eq!(rejected(&options.with(place, unknown())), format!("{place}.…"));
        }
        let RawValue::Map(mut members) = fluz() else { unreachable!() };
        members.push((secret.to_owned(), RawValue::Null));
        assert_eq!(rejected(&RawValue::Map(members)), "…");
        let variables = RawValue::Map(vec![(secret.to_owned(), RawValue::Other)]);
        let given = acme().with("provider.authenticate.variables", variables);
        assert_eq!(rejected(&given), "provider.authenticate.variables.…");
    }
}
