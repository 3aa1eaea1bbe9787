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
            assert_eq!(rejected(&options), key);
            assert_eq!(rejected(&options.clone().with("allowInsecure", RawValue::Bool(false))), key);
            accepted(&options.with("allowInsecure", RawValue::Bool(true)));
        }
    }
}

#[test]
fn other_urls_are_rejected_and_not_shown() {
    for endpoint in [
        // Relative or invalid.
        "/graphql",
        "api.acme.test/graphql",
        "//api.acme.test",
        "https://",
        "planted",
        "http://%",
        // Other schemes.
        "ws://localhost/",
        "wss://api.acme.test/",
        "ftp://127.0.0.1/",
        "planted://localhost/",
        // User names and passwords.
        "https://planted@api.acme.test/",
        "https://user:planted@api.acme.test/",
        "https://:planted@api.acme.test/",
        "http://planted@localhost/",
        "http://localhost:planted@evil.test/",
        // Patterns.
        "https://*.acme.test/graphql",
        "https://%2a.acme.test",
        "https://*",
        "https://api.*:8443/graphql",
    ] {
        for (options, key) in places(endpoint) {
            assert_eq!(rejected(&options.with("allowInsecure", RawValue::Bool(true))), key, "{endpoint}");
        }
        let given = toggle().with("origins", texts(&["https://acme.test", endpoint]));
        assert_eq!(rejected(&given.with("allowInsecure", RawValue::Bool(true))), "origins[1]");
    }
    accepted(&acme().with("origins", texts(&["https://acme.test/*", "https://acme.test/?*"])));
}

#[test]
fn endpoint_option_precedes_the_profile() {
    for options in [acme(), by_function()] {
        let other = options.with("endpoint", text("https://other.test/"));

        for options in [other.clone(), other.without("provider.endpoint")] {
            assert_eq!(accepted(&options).profile.endpoint, "https://other.test/");
        }
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
    let insecure = toggle().with("origins", texts(&["http://acme.test"]));
    assert_eq!(rejected(&insecure), "origins[0]");
    accepted(&insecure.with("allowInsecure", RawValue::Bool(true)));
}
