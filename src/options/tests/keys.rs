//! Unknown keys and keywords, and the suggested ones.

use super::*;

const COMMON_KEYS: [&str; 11] = [
    "endpoint",
    "lifetimeMs",
    "refresh",
    "refreshWindow",
    "minValidityMs",
    "timeoutMs",
    "retry",
    "fetch",
    "headers",
    "allowInsecure",
    "keepAlive",
];

/// Common misspellings of a word.
fn misspelt(word: &str) -> Vec<String> {
    let mut typos = Vec::new();
    for place in 0..word.len() {
        let (before, rest) = word.split_at(place);
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
        let message = rejection(&base.clone().without(&full(key)).with(&full(&typo), text("planted")));

        let meant = format!("option `{}` is not known; did you mean `{}`?", full(&typo), full(key));
        assert_eq!(message, meant);
    }
}

#[test]
fn misspelled_provider_option_is_corrected() {
    for (options, own) in [
        (
            fluz(),
            &[
                "environment",
                "apiKey",
                "appId",
                "appSecret",
                "userId",
                "accountId",
                "seatId",
                "scopes",
                "renewal",
            ][..],
        ),
        (toggle(), &["email", "username", "password"]),
        (braintree(), &["environment", "clientId", "clientSecret", "scopes", "braintreeVersion"]),
        (acme(), &["scopes"]),
        (by_function(), &["scopes"]),
    ] {
        for key in COMMON_KEYS.iter().chain(own).chain(&["provider"]) {
            names_the_nearest(&options, "", key);
        }
    }
}

#[test]
fn misspelled_nested_option_is_corrected() {
    for key in ["attempts", "baseMs", "maxMs"] {
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
        ("provider.sliding", &["header"]),
        ("provider.refused", &["statuses", "messages", "codes"]),
    ] {
        for key in keys {
            names_the_nearest(&acme(), path, key);
        }
    }
}

#[test]
fn misspelled_keyword_is_corrected() {
    let timed = acme().with("provider.expiry", map([("expiresIn", text("login.ttl"))]));
    for (options, key, words) in [
        (fluz(), "provider", &["fluz", "toggle", "braintree"][..]),
        (fluz(), "environment", &["sandbox", "production"]),
        (braintree(), "environment", &["sandbox", "production"]),
        (fluz(), "renewal", &["refresh", "generate"]),
        (toggle(), "refresh", &["always", "while-used", "on-demand"]),
        (timed, "provider.expiry.unit", &["seconds", "milliseconds"]),
    ] {
        for word in words {
            for typo in misspelt(word) {
                assert_eq!(
                    rejection(&options.clone().with(key, text(&typo))),
                    format!("option `{key}` is a word that is not known; did you mean \"{word}\"?")
                );
            }
        }
    }
}

#[test]
fn unknown_key_lists_the_known_ones() {
    let common = "`provider`, `endpoint`, `lifetimeMs`, `refresh`, `refreshWindow`, `minValidityMs`, `timeoutMs`, \
                  `retry`, `fetch`, `headers`, `origins`, `allowInsecure`, `keepAlive`, `waitUntil`, `sessions`, \
                 `store`, `storeTimeoutMs`, `identity`";
    assert_eq!(
        rejection(&toggle().with("cache", RawValue::Bool(true))),
        format!("option `cache` is not known; known here are {common}, `email`, `username`, `password`")
    );
    assert_eq!(
        rejection(&toggle().with("retry", map([("jitter", RawValue::Missing)]))),
        "option `retry.jitter` is not known; known here are `attempts`, `baseMs`, `maxMs`"
    );
    // An option of another provider.
    assert!(rejection(&toggle().with("scopes", texts(&["A"]))).starts_with("option `scopes` is not known; "));
    assert!(rejection(&braintree().with("userId", text("1"))).starts_with("option `userId` is not known; "));
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
        let hidden = |path: &str| path.replace("KEY", "…");
        for (options, path) in [
            (fluz(), "KEY"),
            (toggle(), "retry.KEY"),
            (acme(), "provider.KEY"),
            (acme(), "provider.authenticate.KEY"),
            (acme(), "provider.authenticate.authorization.KEY"),
            (acme(), "provider.refused.KEY"),
        ] {
            let Some((place, _)) = path.rsplit_once('.') else {
                let RawValue::Map(mut members) = options else { unreachable!() };
                members.push((secret.to_owned(), RawValue::Null));
                assert!(
                    rejection(&RawValue::Map(members))
                        .starts_with("option `…` is not known; known here are ")
                );
                continue;
            };
            let object = RawValue::Map(vec![(secret.to_owned(), RawValue::Null)]);

            let message = rejection(&options.with(place, object));

            assert!(message.starts_with(&format!("option `{}` is not known; ", hidden(path))), "{message}");
        }
        let variables = RawValue::Map(vec![(secret.to_owned(), RawValue::Other)]);
        assert!(rejection(&acme().with("provider.authenticate.variables", variables)).starts_with(
            "option `provider.authenticate.variables.…` is neither plain data nor a function; "
        ));
    }
}

#[test]
fn provider_is_a_name_or_an_object() {
    let remedy =
        "\"fluz\", \"toggle\", \"braintree\", \"broker\", or a Profile object that describes your own API";
    refuses_kinds(&fluz(), "provider", &["a string", "an object"], remedy);
    assert_eq!(
        rejection(&fluz().without("provider")),
        format!("option `provider` is missing; give {remedy}")
    );
    assert_eq!(
        rejection(&fluz().with("provider", text("planted"))),
        format!("option `provider` is a word that is not known; give {remedy}")
    );
}

#[test]
fn options_are_an_object() {
    for (value, kind) in kinds().into_iter().filter(|(_, kind)| *kind != "an object") {
        assert_eq!(
            rejection(&value),
            format!("options are {kind}; give an object: new TokenManager({{ provider: \"fluz\", … }})")
        );
    }
    assert!(rejection(&RawValue::Missing).starts_with("options are missing; give an object"));
}
