//! Keys of a shared store: which options and selectors change them.

use std::collections::BTreeSet;

use proptest::{collection, option, prelude::*};

use super::*;
use crate::{
    json::native::PLATFORM,
    options::{self, RawValue},
};

fn text(value: &str) -> RawValue {
    RawValue::Text(value.to_owned().into())
}

const ID: &str = "11111111-1111-4111-8111-111111111111";
const OTHER_ID: &str = "22222222-2222-4222-8222-222222222222";

fn config(changes: &[(&str, RawValue)]) -> Config {
    let mut members = vec![
        ("provider", text("fluz")),
        ("environment", text("sandbox")),
        ("apiKey", text("aWQ6c2VjcmV0")),
        ("userId", text(ID)),
        ("accountId", text(ID)),
        ("scopes", RawValue::List(vec![text("LIST_OFFERS"), text("LIST_PURCHASES")])),
    ];
    for (key, value) in changes {
        members.retain(|(known, _)| known != key);
        members.push((key, value.clone()));
    }
    let members = members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    options::read(&RawValue::Map(members), PLATFORM).expect("good options")
}

fn fluz(changes: &[(&str, RawValue)]) -> String {
    key_of(&config(changes), &["from a function"])
}

/// Returns the key of a manager's default session, where functions return these secrets.
fn key_of(config: &Config, given: &[&str]) -> String {
    let given: Vec<_> = given.iter().map(|secret| Secret::new(*secret)).collect();
    let holder = CredentialsDigest::of(config, Some(&given), PLATFORM).expect("all secrets are there");
    cache_key(&holder, config, &Selection::default(), &config.scopes, PLATFORM)
}

#[test]
fn grant_options_change_the_key() {
    let mut keys = vec![fluz(&[])];
    for change in [
        ("environment", text("production")),
        ("endpoint", text("https://other.test/graphql")),
        ("apiKey", text("aWQ6b3RoZXI=")),
        ("apiKey", RawValue::Function("1")),
        ("headers", RawValue::Map(vec![("x-tenant".to_owned(), text("7"))])),
        ("identity", text("tenant-7")),
        ("userId", text(OTHER_ID)),
        ("accountId", text(OTHER_ID)),
        ("seatId", text(ID)),
        ("scopes", RawValue::List(vec![text("LIST_OFFERS")])),
    ] {
        keys.push(fluz(&[change]));
    }
    let count = keys.len();
    keys.sort();
    keys.dedup();

    assert_eq!(keys.len(), count);
}

#[test]
fn other_options_do_not_change_the_key() {
    for change in [
        ("scopes", RawValue::List(vec![text("LIST_PURCHASES"), text("LIST_OFFERS"), text("LIST_OFFERS")])),
        ("refresh", text("on-demand")),
        ("timeoutMs", RawValue::Number(5.0)),
        ("keepAlive", RawValue::Bool(true)),
    ] {
        assert_eq!(fluz(&[change]), fluz(&[]));
    }
}

fn map(members: &[(&str, RawValue)]) -> RawValue {
    RawValue::Map(members.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
}

/// Profile with one secret, which a function returns.
fn profile(changes: &[(&str, RawValue)]) -> Vec<(&'static str, RawValue)> {
    let authenticate = map(&[
        ("document", text("mutation ($a: ID, $b: ID) { login(a: $a, b: $b) { jwt } }")),
        ("variables", map(&[("a", RawValue::Function("1")), ("b", RawValue::Null)])),
    ]);
    let mut provider = vec![
        ("name", text("acme")),
        ("endpoint", text("https://acme.test/graphql")),
        ("authenticate", authenticate),
        ("token", map(&[("data", text("login.jwt"))])),
        ("expiry", map(&[("jwt", RawValue::Bool(true))])),
    ];
    for (key, value) in changes {
        provider.retain(|(known, _)| known != key);
        provider.push((key, value.clone()));
    }
    vec![("provider", map(&provider))]
}

fn read(options: &[(&str, RawValue)]) -> Config {
    options::read(&map(options), PLATFORM).expect("good options")
}

#[test]
fn profile_fields_that_change_the_token_change_the_key() {
    let operation = |variables: RawValue, authorization: RawValue| {
        map(&[
            ("document", text("mutation ($a: ID, $b: ID) { login(a: $a, b: $b) { jwt } }")),
            ("variables", variables),
            ("authorization", authorization),
        ])
    };
    let none = || text("none");
    let secret = || RawValue::Function("1");
    let variables = || map(&[("a", secret()), ("b", RawValue::Null)]);
    let renew = |tenant: &str| {
        let variables = map(&[("refresh", text("$refreshToken")), ("tenant", text(tenant))]);
        map(&[("document", text("{ renew }")), ("variables", variables)])
    };
    let refresh_token = ("refreshToken", map(&[("data", text("login.renewal"))]));
    let headers = |value: &str| map(&[("x-tenant", text(value))]);
    let sliding_of = |name: &str, same| ("sliding", map(&[("header", text(name)), ("sameSession", same)]));
    let sliding = |name: &str| sliding_of(name, RawValue::Bool(true));
    let mut keys = vec![key_of(&read(&profile(&[])), &["s"])];
    for change in [
        vec![("name", text("other"))],
        vec![("endpoint", text("https://other.test/graphql"))],
        vec![("token", map(&[("data", text("login.adminJwt"))]))],
        vec![("token", map(&[("header", text("x-token"))]))],
        vec![("headers", headers("1"))],
        vec![("headers", headers("2"))],
        vec![sliding("x-one")],
        vec![sliding("x-two")],
        vec![sliding_of("x-one", map(&[("claim", text("sub"))]))],
        vec![sliding_of("x-one", map(&[("data", text("sub"))]))],
        vec![sliding_of("x-one", map(&[("data", text("me.id"))]))],
        vec![refresh_token.clone(), ("renew", renew("1"))],
        vec![refresh_token, ("renew", renew("2"))],
        // The secret in another place.
        vec![("authenticate", operation(map(&[("a", RawValue::Null), ("b", secret())]), none()))],
        vec![("authenticate", operation(map(&[("a", RawValue::List(vec![secret()]))]), none()))],
        vec![("authenticate", operation(map(&[("a", RawValue::List(vec![text("1"), secret()]))]), none()))],
        vec![("authenticate", operation(map(&[("a", RawValue::List(vec![text("2"), secret()]))]), none()))],
        vec![("authenticate", operation(map(&[("a", RawValue::List(vec![secret(), text("1")]))]), none()))],
        vec![("authenticate", operation(map(&[("a", map(&[("a", secret())]))]), none()))],
        vec![("authenticate", operation(map(&[("a", map(&[("b", secret())]))]), none()))],
        vec![("authenticate", operation(map(&[]), map(&[("basic", secret())])))],
        vec![("authenticate", operation(map(&[]), map(&[("bearer", secret())])))],
        // A literal in its place.
        vec![("authenticate", operation(map(&[("a", text("secret"))]), map(&[("basic", secret())])))],
        // Names that JavaScript objects cannot have.
        vec![("authenticate", operation(map(&[("a", secret()), ("__proto__", text("1"))]), none()))],
        vec![("authenticate", operation(map(&[("a", secret()), ("__proto__", text("2"))]), none()))],
        // An additional variable.
        vec![("authenticate", operation(map(&[("a", secret()), ("b", text("1"))]), none()))],
        vec![("authenticate", operation(map(&[("a", secret()), ("b", RawValue::Number(1.0))]), none()))],
    ] {
        keys.push(key_of(&read(&profile(&change)), &["s"]));
    }
    let unchanged = vec![("authenticate", operation(variables(), none()))];
    assert_eq!(key_of(&read(&profile(&unchanged)), &["s"]), keys[0]);
    let count = keys.len();
    keys.sort();
    keys.dedup();

    assert_eq!(keys.len(), count);
}

#[test]
fn key_uses_the_returned_secret_or_the_identity() {
    let config = read(&profile(&[]));
    assert_eq!(CredentialsDigest::of(&config, None, PLATFORM), None);
    assert_eq!(CredentialsDigest::of(&config, Some(&[]), PLATFORM), None);
    assert_eq!(key_of(&config, &["one"]), key_of(&config, &["one"]));
    assert_ne!(key_of(&config, &["one"]), key_of(&config, &["two"]));

    let of = |identity: &str| {
        let options = [profile(&[]), vec![("identity", text(identity))]].concat();
        let config = read(&options);
        let holder = CredentialsDigest::of(&config, None, PLATFORM).expect("known without the secrets");
        cache_key(&holder, &config, &Selection::default(), &config.scopes, PLATFORM)
    };
    assert_eq!(of("one"), of("one"));
    assert_ne!(of("one"), of("two"));
    assert_ne!(of("one"), key_of(&config, &["one"]));
}

#[test]
fn managers_of_one_owner_have_one_identity() {
    let of = |config: &Config, secret: &str| {
        let given = [Secret::new(secret)];
        let holder = CredentialsDigest::of(config, Some(&given), PLATFORM).expect("all secrets are there");
        manager_identity(&holder, config, PLATFORM)
    };
    let fluz = |changes: &[(&str, RawValue)]| of(&config(changes), "given");
    let scopes = ("scopes", RawValue::List(vec![text("LIST_OFFERS")]));
    let same = fluz(&[]);

    assert!(same.is_some());
    assert_eq!(fluz(&[scopes]), same);
    assert_eq!(fluz(&[("lifetimeMs", RawValue::Number(1000.0))]), same);
    for (name, other) in
        [("apiKey", "b3RoZXI6b25l"), ("userId", OTHER_ID), ("accountId", OTHER_ID), ("identity", "o")]
    {
        assert_ne!(fluz(&[(name, text(other))]), same, "{name}");
    }
    let by_function = config(&[("apiKey", RawValue::Function("1"))]);
    assert_eq!(of(&by_function, "one"), of(&by_function, "one"));
    assert_ne!(of(&by_function, "one"), of(&by_function, "two"));
}

#[test]
fn managers_with_credentials_in_functions_need_an_identity_option() {
    let of = |options: &[(&str, RawValue)]| {
        let config = read(options);
        let holder = CredentialsDigest::of(&config, Some(&[]), PLATFORM).expect("there are no secrets");
        manager_identity(&holder, &config, PLATFORM)
    };
    let given = map(&[
        ("name", text("acme")),
        ("endpoint", text("https://acme.test")),
        ("grant", RawValue::Function("1")),
    ]);
    let by_function = ("provider", given);
    let broker = vec![
        ("provider", text("broker")),
        ("url", text("https://acme.test/token")),
        ("endpoint", text("https://acme.test")),
    ];
    let fetch = ("fetch", RawValue::Function("2"));
    let named = ("identity", text("one"));

    assert_eq!(of(std::slice::from_ref(&by_function)), None);
    assert!(of(&[by_function, named.clone()]).is_some());
    // Managers of one page send the same cookies; what a `fetch` option adds is unknown.
    assert!(of(&broker).is_some());
    assert_eq!(of(&[broker.clone(), vec![fetch.clone()]].concat()), None);
    assert!(of(&[broker, vec![fetch, named]].concat()).is_some());
}

#[test]
fn key_uses_secret_and_identity() {
    let with =
        |api_key: &str, identity: &str| fluz(&[("apiKey", text(api_key)), ("identity", text(identity))]);
    let mut keys = [with("a", "b"), with("b", "a"), with("ab", "a"), with("a", "ab"), with("a", "a")];
    keys.sort();

    assert!(keys.windows(2).all(|pair| pair[0] != pair[1]));
    assert_eq!(
        fluz(&[("apiKey", text("same"))]),
        key_of(&config(&[("apiKey", RawValue::Function("1"))]), &["same"])
    );
}

/// Profile with one input object, a secret function and a header function.
fn with_input() -> Vec<(&'static str, RawValue)> {
    let input = map(&[
        ("identifier", text("a")),
        ("groups", RawValue::List(vec![text("one"), text("two")])),
        ("password", RawValue::Function("password")),
    ]);
    let authenticate = map(&[
        ("document", text("mutation ($input: Input!) { login(input: $input) { jwt } }")),
        ("variables", map(&[("input", input)])),
    ]);
    profile(&[
        ("authenticate", authenticate),
        ("headers", map(&[("x-key", RawValue::Function("key")), ("x-plain", text("1"))])),
    ])
}

#[test]
fn nested_selections_change_the_key_and_both_spellings_have_one() {
    let config = read(&with_input());
    let of = |members: &[(&str, RawValue)]| {
        let selection = options::read_selector(&map(members), &config).expect("a right selector");
        let given = [Secret::new("one"), Secret::new("two")];
        let holder = CredentialsDigest::of(&config, Some(&given), PLATFORM).expect("all secrets are there");
        let key = cache_key(&holder, &config, &selection, &config.scopes, PLATFORM);
        (key, identity(&config, &selection, PLATFORM))
    };
    let (own, b) = (of(&[]), of(&[("input.identifier", text("b"))]));
    let other_group = of(&[("input.groups.1", text("three"))]);

    assert_eq!(of(&[("identifier", text("b"))]), b);
    assert_eq!(of(&[("identifier", text("a"))]), own);
    for (one, other) in [(&own, &b), (&own, &other_group), (&b, &other_group)] {
        assert_ne!(one.0, other.0);
        assert_ne!(one.1, other.1);
    }
    assert_ne!(of(&[("input.groups.0", text("three"))]), other_group);
}

#[test]
fn values_of_header_functions_tell_credentials_apart() {
    let config = read(&with_input());
    let of = |config: &Config, given: &[&str]| {
        let given: Vec<_> = given.iter().map(|secret| Secret::new(*secret)).collect();
        CredentialsDigest::of(config, Some(&given), PLATFORM)
    };

    assert_eq!(CredentialsDigest::of(&config, None, PLATFORM), None);
    assert_eq!(of(&config, &["password"]), None);
    assert_eq!(of(&config, &["password", "key"]), of(&config, &["password", "key"]));
    for other in [["other", "key"], ["password", "other"], ["key", "password"]] {
        assert_ne!(of(&config, &other), of(&config, &["password", "key"]));
    }
    // With `identity`, no function is called for the key.
    let mut named = with_input();
    named.push(("identity", text("tenant-7")));
    assert!(CredentialsDigest::of(&read(&named), None, PLATFORM).is_some());
    // A function is not a string of the same value.
    let plain = profile(&[("headers", map(&[("x-key", text("key"))]))]);
    let by_function = profile(&[("headers", map(&[("x-key", RawValue::Function("key"))]))]);
    assert_ne!(of(&read(&plain), &["secret"]), of(&read(&by_function), &["secret", "key"]));
}

proptest! {
    #[test]
    fn selectors_share_a_key_exactly_for_equal_grants(
        one in selector_case(),
        other in selector_case(),
        same in 0..4_u8,
    ) {
        // One case in four differs only in the order of the scopes.
        let other = if same == 0 { one.turned() } else { other };

        let (first, second) = (one.read(), other.read());

        let may = one.effective() == other.effective();
        prop_assert_eq!(first.key == second.key, may);
        // Identities are compared within one manager only.
        let ((_, _, user, account, seat), scopes) = one.effective();
        let ((.., other_user, other_account, other_seat), other_scopes) = other.effective();
        let of_one_identity = (user, account, seat) == (other_user, other_account, other_seat);
        prop_assert_eq!(first.identity == second.identity, of_one_identity);
        prop_assert_eq!(first.scopes == second.scopes, scopes == other_scopes);
    }
}

/// A manager for Fluz and a selector of one of its sessions, from few values, so that many cases are equal.
#[derive(Clone, Debug)]
struct SelectorCase {
    /// Endpoint, API key, user, account, seat, scopes.
    manager: (usize, usize, usize, usize, Option<usize>, Vec<usize>),
    by_function: bool,
    selector: SelectedParts,
}

/// Endpoint, API key, user, account, seat.
type CaseIdentity = (usize, usize, usize, usize, Option<usize>);

/// User, account, seat and scopes, each optional; the seat may be selected as `null`.
type SelectedParts = (Option<usize>, Option<usize>, Option<Option<usize>>, Option<Vec<usize>>);

struct Computed {
    identity: Identity,
    scopes: ScopeSet,
    key: String,
}

fn selector_case() -> impl Strategy<Value = SelectorCase> {
    let few = || 0..2_usize;
    let scopes = || collection::vec(0..3_usize, 1..4);
    let manager = (few(), 0..3_usize, few(), few(), option::of(few()), scopes());
    let selector =
        (option::of(few()), option::of(few()), option::of(option::of(few())), option::of(scopes()));
    (manager, any::<bool>(), selector).prop_map(|(manager, by_function, selector)| SelectorCase {
        manager,
        by_function,
        selector,
    })
}

fn word(kind: &str, number: usize) -> RawValue {
    text(&format!("{kind}-{number}"))
}

fn id(number: usize) -> RawValue {
    text(&format!("11111111-1111-4111-8111-{number:012}"))
}

fn words(scopes: &[usize]) -> RawValue {
    RawValue::List(scopes.iter().map(|scope| word("SCOPE", *scope)).collect())
}

impl SelectorCase {
    fn turned(&self) -> Self {
        let mut turned = self.clone();
        turned.manager.5.reverse();
        turned.selector.3.iter_mut().for_each(|scopes| scopes.reverse());
        turned
    }

    /// Returns everything that changes the grant except the scopes, and the scopes.
    fn effective(&self) -> (CaseIdentity, BTreeSet<usize>) {
        let (endpoint, api_key, own_user, own_account, own_seat, own_scopes) = &self.manager;
        let (user, account, seat, scopes) = &self.selector;
        let identity = (
            *endpoint,
            *api_key,
            user.unwrap_or(*own_user),
            account.unwrap_or(*own_account),
            seat.unwrap_or(*own_seat),
        );
        (identity, scopes.as_ref().unwrap_or(own_scopes).iter().copied().collect())
    }

    fn read(&self) -> Computed {
        let (endpoint, api_key, user, account, seat, scopes) = &self.manager;
        // The same secret returned by a function is the same credentials.
        let given_key = if self.by_function { RawValue::Function("key") } else { word("key", *api_key) };
        let config = config(&[
            ("endpoint", text(["https://one.test/graphql", "https://two.test/graphql"][*endpoint])),
            ("apiKey", given_key),
            ("userId", id(*user)),
            ("accountId", id(*account)),
            ("seatId", seat.map_or(RawValue::Missing, id)),
            ("scopes", words(scopes)),
        ]);
        let (user, account, seat, scopes) = &self.selector;
        let selector = [
            ("scopes", scopes.as_ref().map(|scopes| words(scopes))),
            ("seatId", seat.map(|seat| seat.map_or(RawValue::Null, id))),
            ("userId", user.map(id)),
            ("accountId", account.map(id)),
        ];
        let given = selector.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
        let members = given.collect();
        let selection = options::read_selector(&RawValue::Map(members), &config).expect("a good selector");
        let scopes = selection.scopes.clone().unwrap_or_else(|| config.scopes.clone());
        let given = [Secret::new(format!("key-{api_key}"))];
        let holder = CredentialsDigest::of(&config, Some(&given), PLATFORM).expect("all secrets are there");
        Computed {
            identity: identity(&config, &selection, PLATFORM),
            key: cache_key(&holder, &config, &selection, &scopes, PLATFORM),
            scopes,
        }
    }
}

#[test]
fn variables_for_a_function_are_part_of_the_identity() {
    let by_function = |selector: &[(&str, RawValue)]| {
        let map = |members: &[(&str, RawValue)]| {
            RawValue::Map(members.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
        };
        let provider = map(&[
            ("name", text("acme")),
            ("endpoint", text("https://acme.test")),
            ("grant", RawValue::Function("1")),
        ]);
        let config = options::read(&map(&[("provider", provider)]), PLATFORM).expect("good options");
        let selection = options::read_selector(&map(selector), &config).expect("a good selector");
        identity(&config, &selection, PLATFORM)
    };

    let (one, two) = (("a", text("1")), ("b", text("2")));
    assert_eq!(by_function(&[one.clone(), two.clone()]), by_function(&[two.clone(), one.clone()]));
    let swapped = [("a", text("2")), ("b", text("1"))];
    let number = [("a", RawValue::Number(1.0)), two.clone()];
    let all = [&[one.clone(), two.clone()][..], &[one], &[two], &[], &swapped, &number];
    for (index, selector) in all.iter().enumerate() {
        assert!(all[..index].iter().all(|other| by_function(other) != by_function(selector)), "{index}");
    }
}

#[test]
fn key_is_short_and_url_safe() {
    let key = fluz(&[]);

    assert_eq!(key.len(), 48);
    assert!(key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{key}");
}
