//! User-supplied providers: options that profiles and `grant` functions share.

use super::*;
use crate::provider::{ErrorMatcher, Lifetime, Operation, RotationHeader, StringList, TokenShape};

#[test]
fn grant_function_requires_name_and_endpoint_only() {
    let config = accepted(&by_function());

    let GrantSource::Function(function) = config.grant_source else { panic!("{:?}", config.grant_source) };
    assert_eq!(function, "grant");
    let profile = config.profile;
    assert_eq!((&*profile.name, &*profile.endpoint), ("acme", "https://api.acme.test/graphql"));
    assert_eq!(profile.authenticate, Operation::ABSENT);
    assert_eq!(profile.renew, None);
    assert_eq!(profile.expiry, None);
    assert_eq!(profile.lifetime, Lifetime::Default(Duration::from_secs(300)));
    assert_eq!(profile.rotation, None);
    assert!(profile.secrets.is_empty());
    assert!(config.scopes.is_empty());
}

#[test]
fn grant_must_be_a_function() {
    refuses_kinds(&by_function(), "provider.grant", &["a function"], "a function");
}

#[test]
fn grant_function_excludes_described_grants() {
    for key in ["authenticate", "renew", "token", "refreshToken", "scopes", "expiry", "headers"] {
        assert_eq!(
            rejection(&by_function().with(&format!("provider.{key}"), text("planted"))),
            format!(
                "options `provider.grant` and `provider.{key}` exclude each other; describe the API or give a \
                 function, not both"
            )
        );
        accepted(&by_function().with(&format!("provider.{key}"), RawValue::Missing));
    }
    accepted(&acme().with("provider.grant", RawValue::Missing));
}

#[test]
fn missing_grant_names_both_alternatives() {
    for options in [acme().without("provider.authenticate"), by_function().without("provider.grant")] {
        assert_eq!(
            rejection(&options),
            "option `provider.authenticate` is missing; give { document, variables, authorization }, or a \
             `grant` function instead"
        );
    }
}

#[test]
fn name_is_short_and_visible() {
    for name in ["a", "Acme Inc. (EU)", &"x".repeat(40)] {
        for options in [acme(), by_function()] {
            assert_eq!(accepted(&options.with("provider.name", text(name))).profile.name, name);
        }
    }
    for options in [acme(), by_function()] {
        for name in ["plänted", "planted\n", "planted\0", &"x".repeat(41)] {
            assert_eq!(
                rejection(&options.clone().with("provider.name", text(name))),
                "option `provider.name` is a string; give at most 40 characters of visible ASCII"
            );
        }
        let remedy = "a short name for messages, for example \"acme\"";
        refuses_kinds(&options, "provider.name", &["a string"], remedy);
        assert_eq!(
            rejection(&options.without("provider.name")),
            format!("option `provider.name` is missing; give {remedy}")
        );
    }
}

#[test]
fn sliding_names_headers() {
    for options in [acme(), by_function()] {
        for (given, headers) in [
            (text("X-Authorization"), &["x-authorization"][..]),
            (texts(&["X-Authorization", "authorization"]), &["x-authorization", "authorization"]),
        ] {
            let sliding = accepted(&options.clone().with("provider.sliding.header", given)).profile.rotation;

            let headers = StringList::Owned(headers.iter().map(|&name| name.to_owned()).collect());
            assert_eq!(sliding, Some(RotationHeader { headers, shape: TokenShape::Any }));
        }
        refuses_kinds(&options, "provider.sliding", &["an object"], "{ header: \"x-authorization\" }");
        refuses_header(&options, "provider.sliding");
        assert_eq!(
            rejection(&options.with("provider.sliding", map([]))),
            "option `provider.sliding.header` is missing; give a header's name"
        );
    }
}

/// Asserts that `header` at this path accepts only the name of a header, or a list of names.
pub(super) fn refuses_header(base: &Value, path: &str) {
    let header = format!("{path}.header");
    let one_or_more = "a header's name, or a list of them";
    refuses_kinds(base, &header, &["a string", "an array"], one_or_more);
    for bad in [text("planted header"), text("x-planted:"), texts(&["x-good", "plänted"])] {
        let kind = bad.kind();

        assert_eq!(
            rejection(&base.clone().with(&header, bad)),
            format!("option `{header}` is {kind}; give a header's name of letters, digits and hyphens")
        );
    }
    for (item, kind) in kinds().into_iter().filter(|(_, kind)| *kind != "a string") {
        assert_eq!(
            rejection(&base.clone().with(&header, list([text("x-good"), item]))),
            format!("option `{header}[1]` is {kind}; give a header's name")
        );
    }
}

#[test]
fn rejection_has_statuses_messages_and_codes() {
    let words = crate::provider::profile::strings;
    for options in [acme(), by_function()] {
        let refused_by =
            |given| accepted(&options.clone().with("provider.refused", given)).profile.error_rules.rejected;

        assert_eq!(refused_by(RawValue::Missing), ErrorMatcher::of(&[401], ""));
        assert_eq!(refused_by(map([])), ErrorMatcher::default());
        assert_eq!(
            refused_by(map([
                ("statuses", list([number(401.0), number(100.0), number(599.0)])),
                ("messages", text("Unauthorized")),
                ("codes", texts(&["UNAUTHENTICATED", "EXPIRED"])),
            ])),
            ErrorMatcher {
                statuses: (&[401, 100, 599]).into(),
                messages: words("Unauthorized"),
                codes: words("UNAUTHENTICATED|EXPIRED"),
                phrases: "",
            }
        );
        let empty = map([("statuses", list([])), ("messages", list([])), ("codes", list([]))]);
        assert_eq!(refused_by(empty), ErrorMatcher::default());
    }
}

#[test]
fn other_error_rules_use_the_status_only() {
    let signals = accepted(&acme()).profile.error_rules;

    assert_eq!(*signals.denied, ErrorMatcher::of(&[401, 403], ""));
    assert_eq!(*signals.rate_limited, ErrorMatcher::of(&[429], ""));
    assert_eq!(*signals.outage, ErrorMatcher::default());
}

#[test]
fn invalid_rejection_rules_name_the_expected_value() {
    let base = by_function();
    refuses_kinds(&base, "provider.refused", &["an object"], "{ statuses, messages, codes }");
    let lists = ["an array", "an empty array"];
    let statuses = "a list of HTTP status codes, for example [401]";
    refuses_kinds(&base, "provider.refused.statuses", &lists, statuses);
    for (item, what) in [
        (number(99.0), "no HTTP status code"),
        (number(600.0), "no HTTP status code"),
        (number(401.5), "no HTTP status code"),
        (number(-401.0), "no HTTP status code"),
        (number(f64::NAN), "no HTTP status code"),
        (number(f64::INFINITY), "no HTTP status code"),
        (text("401"), "a string"),
        (RawValue::Null, "null"),
        (RawValue::Missing, "missing"),
    ] {
        assert_eq!(
            rejection(&base.clone().with("provider.refused.statuses", list([number(401.0), item]))),
            format!("option `provider.refused.statuses[1]` is {what}; give a whole number from 100 to 599")
        );
    }
    for (key, one) in [("messages", "the message of an error"), ("codes", "the code of an error")] {
        let path = format!("provider.refused.{key}");
        let but = ["a string", "an array", "an empty array"];
        refuses_kinds(&base, &path, &but, &format!("{one}, or a list of them"));
        assert_eq!(
            rejection(&base.clone().with(&path, list([text("x"), text(" ")]))),
            format!("option `{path}[1]` is a blank string; give {one}")
        );
    }
}
