//! Allowed destinations of grants.

use super::*;

/// Returns options with the endpoint as an option and in a profile.
fn places(endpoint: &str) -> [(Value, &'static str); 3] {
    [
        (toggle().with("endpoint", text(endpoint)), "endpoint"),
        (acme().with("endpoint", text(endpoint)), "endpoint"),
        (acme().with("provider.endpoint", text(endpoint)), "provider.endpoint"),
    ]
}

#[test]
fn https_is_allowed_anywhere() {
    for endpoint in [
        "https://api.acme.test/graphql",
        "HTTPS://API.ACME.TEST",
        "https://api.acme.test:8443/graphql?tenant=1",
        "https://10.0.0.1/",
        "https://[2001:db8::1]/graphql",
        "https://münchen.test/graphql",
    ] {
        for (options, _) in places(endpoint) {
            assert_eq!(accepted(&options).profile.endpoint, endpoint);
        }
    }
}

#[test]
fn http_is_allowed_to_loopback() {
    for endpoint in [
        "http://localhost/graphql",
        "http://LOCALHOST:4000/graphql",
        "http://api.localhost:4000/graphql",
        "http://a.b.localhost/",
        "http://127.0.0.1:4000/graphql",
        "http://127.255.255.254/",
        "http://[::1]:4000/graphql",
        "http://[0:0:0:0:0:0:0:1]/",
        // The URL standard parses these as 127.0.0.1 as well.
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f.0.0.1/",
    ] {
        for (options, _) in places(endpoint) {
            assert_eq!(accepted(&options).profile.endpoint, endpoint);
        }
    }
}

#[test]
fn other_http_is_rejected_unless_allowed() {
    for endpoint in [
        "http://api.acme.test/graphql",
        "http://127.0.0.1.evil.test/",
        "http://localhost.evil.test/",
        "http://evillocalhost/",
        "http://evil-localhost/",
        "http://127.evil.test/",
        "http://127.0.evil.test/",
        "http://127.256.0.1.test/",
        "http://127.0.0.evil.test/",
        "http://evil.test/?localhost",
        "http://evil.test/#.localhost",
        "http://evil.test:80/localhost",
        "http://128.0.0.1/",
        "http://0.0.0.0/",
        "http://10.127.0.0.1.test/",
        "http://192.168.0.1/",
        "http://[::2]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[2001:db8::1]/",
    ] {
        for (options, key) in places(endpoint) {
            assert_eq!(
                rejection(&options),
                format!(
                    "option `{key}` is an http: URL, which would send secrets in the clear; use https:, or \
                     set `allowInsecure: true` if the way there is safe"
                )
            );
            assert!(read(&options.clone().with("allowInsecure", RawValue::Bool(false)), PLATFORM).is_err());
            assert!(
                read(&options.with("allowInsecure", RawValue::Bool(true)), PLATFORM).is_ok(),
                "{endpoint}"
            );
        }
    }
}

#[test]
fn relative_or_invalid_urls_are_rejected() {
    for endpoint in
        ["/graphql", "api.acme.test/graphql", "//api.acme.test", "https://", "planted", "http://%"]
    {
        for (options, key) in places(endpoint) {
            assert_eq!(
                rejection(&options.with("allowInsecure", RawValue::Bool(true))),
                format!(
                    "option `{key}` is not an absolute URL of one host; give it in full, with https:// and without `*`"
                )
            );
        }
    }
}

#[test]
fn other_schemes_are_always_rejected() {
    for endpoint in ["ws://localhost/", "wss://api.acme.test/", "ftp://127.0.0.1/", "planted://localhost/"] {
        for (options, key) in places(endpoint) {
            assert_eq!(
                rejection(&options.with("allowInsecure", RawValue::Bool(true))),
                format!(
                    "option `{key}` is not an https: URL; give one, since secrets are sent there over HTTP"
                )
            );
        }
    }
}

#[test]
fn credentials_in_the_endpoint_are_rejected_and_not_shown() {
    for endpoint in [
        "https://planted@api.acme.test/",
        "https://user:planted@api.acme.test/",
        "https://:planted@api.acme.test/",
        "http://planted@localhost/",
        "http://localhost:planted@evil.test/",
    ] {
        for (options, key) in places(endpoint) {
            assert_eq!(
                rejection(&options.with("allowInsecure", RawValue::Bool(true))),
                format!(
                    "option `{key}` holds a user name or password; leave them out and use the provider's options"
                )
            );
        }
    }
}

#[test]
fn endpoint_option_precedes_the_profile() {
    for options in [acme(), by_function()] {
        let other = text("https://other.test/");

        let config = accepted(&options.clone().with("endpoint", other.clone()));
        let alone = accepted(&options.clone().without("provider.endpoint").with("endpoint", other.clone()));

        assert_eq!(config.profile.endpoint, "https://other.test/");
        assert_eq!(alone.profile.endpoint, "https://other.test/");
        let remedy = "the URL of the GraphQL API";
        refuses_kinds(&options, "provider.endpoint", &["a string"], remedy);
        refuses_kinds(&options.clone().with("endpoint", other), "provider.endpoint", &["a string"], remedy);
        assert_eq!(
            rejection(&options.without("provider.endpoint")),
            format!("option `provider.endpoint` is missing; give {remedy}")
        );
    }
}

#[test]
fn loopback_address_has_four_parts() {
    for hostname in
        ["127", "127.1", "127.0.0.1.1", "127.0.0.256", "127.0.0.", "1.127.0.0", "::1", "", "[::1]."]
    {
        assert!(!is_loopback(hostname), "{hostname}");
    }
}

#[test]
fn token_is_sent_to_the_endpoint_origin_and_given_origins() {
    let options =
        acme().with("origins", texts(&["https://files.acme.test/upload?x=1", "http://localhost:4000"]));

    assert_eq!(accepted(&acme()).origins, ["https://api.acme.test"]);
    assert_eq!(
        accepted(&options).origins,
        ["https://api.acme.test", "https://files.acme.test", "http://localhost:4000"]
    );
    assert_eq!(accepted(&acme().with("origins", list([]))).origins, ["https://api.acme.test"]);
}

const PATTERN: &str = "is not an absolute URL of one host; give it in full, with https:// and without `*`";

#[test]
fn endpoint_is_not_a_pattern() {
    for (options, key) in places("https://*.acme.test/graphql") {
        assert_eq!(rejection(&options), format!("option `{key}` {PATTERN}"));
    }
    accepted(&acme().with("origins", texts(&["https://acme.test/*", "https://acme.test/?*"])));
}

#[test]
fn invalid_origins_are_rejected_by_index() {
    for (origin, what) in [
        (
            "api.acme.test",
            "is not an absolute URL of one host; give it in full, with https:// and without `*`",
        ),
        (
            "https://user:planted@acme.test",
            "holds a user name or password; leave them out and use the provider's options",
        ),
        ("ftp://acme.test", "is not an https: URL; give one, since secrets are sent there over HTTP"),
        ("https://*.acme.test", PATTERN),
        ("https://%2a.acme.test", PATTERN),
        ("https://*", PATTERN),
        ("https://api.*:8443/graphql", PATTERN),
    ] {
        let options = toggle().with("origins", texts(&["https://acme.test", origin]));

        assert_eq!(rejection(&options), format!("option `origins[1]` {what}"));
    }
    let insecure = toggle().with("origins", texts(&["http://acme.test"]));
    assert!(
        rejection(&insecure).starts_with("option `origins[0]` is an http: URL, which would send secrets")
    );
    accepted(&insecure.with("allowInsecure", RawValue::Bool(true)));
}

#[test]
fn origins_are_an_array_of_strings() {
    let remedy = "an array of origins, for example [\"https://api.example.com\"]";
    refuses_kinds(&toggle(), "origins", &["an array", "an empty array"], remedy);
    assert_eq!(
        rejection(&toggle().with("origins", list([number(7.0)]))),
        format!("option `origins[0]` is a number; give {remedy}")
    );
}
