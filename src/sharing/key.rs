//! Who shares a token with whom.

use hmac_sha256::Hash;

use crate::{
    base64,
    core::{Identity, ScopeSet},
    json::{Json, Platform},
    options::{Granter, SecretSource, Selection, Settings},
    provider::{Authorization, Chosen, Profile},
};

/// The key of a session's entry in a store.
///
/// Made of everything that changes what is granted: the API, the credentials' identity,
/// the variables sent, and the scopes. It is a digest, from which nothing can be read.
/// Secrets that a function gives are left out, since they change: two managers that
/// differ in nothing else share a token.
pub fn key(settings: &Settings, selection: &Selection, scopes: &ScopeSet, platform: Platform) -> String {
    let scopes = Json::list_of(&mut scopes.iter());
    format!("gtm1-{}", base64::encode_url(&digest(settings, selection, scopes, platform)))
}

/// Who a session is, among those of one manager: all that its [`key`] is made of, but for
/// the scopes.
pub fn identity(settings: &Settings, selection: &Selection, platform: Platform) -> Identity {
    let mut half = [0; 16];
    half.copy_from_slice(&digest(settings, selection, Json::Null, platform)[..16]);
    Identity::new(half)
}

fn digest(settings: &Settings, selection: &Selection, scopes: Json, platform: Platform) -> [u8; 32] {
    let profile = &settings.profile;
    let mut secrets = Vec::new();
    if let Granter::Profile(sources) = &settings.granter {
        for source in sources {
            secrets.push(secret(source));
        }
    }
    let mut headers = Vec::new();
    for (name, value) in &profile.headers {
        headers.push((name.clone(), Json::text(value.expose())));
    }
    let whole = Json::List(vec![
        Json::text(&*profile.name),
        Json::text(&*profile.endpoint),
        Json::text(profile.grant_url()),
        identifying(profile, &selection.variables),
        Json::List(secrets),
        scopes,
        Json::Map(headers),
    ]);
    Hash::hash((platform.write_json)(&whole).as_bytes())
}

/// A secret's own digest: it tells two accounts apart, and nothing else.
fn secret(source: &SecretSource) -> Json {
    match source {
        SecretSource::Text(secret) => Json::text(base64::encode_url(&Hash::hash(secret.expose().as_bytes()))),
        SecretSource::Function(_) => Json::Null,
    }
}

fn identifying(profile: &Profile, chosen: &[Chosen]) -> Json {
    let operation = &profile.authenticate;
    // What is filled in later counts elsewhere, or changes.
    let variables = profile.filled(operation, chosen, &|_| Json::Null);
    let authorization = match &operation.authorization {
        Authorization::BasicPair { username, .. } => Json::text(username),
        Authorization::None
        | Authorization::ApiKey(_)
        | Authorization::Basic(_)
        | Authorization::Bearer(_) => Json::Null,
    };
    Json::List(vec![Json::text(&*operation.document), Json::Map(variables), authorization])
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use std::collections::BTreeSet;

    use proptest::{collection, option, prelude::*};

    use super::*;
    use crate::{
        json::native::PLATFORM,
        options::{self, Given},
    };

    fn text(value: &str) -> Given {
        Given::Text(value.to_owned().into())
    }

    fn settings(changes: &[(&str, Given)]) -> Settings {
        let mut members = vec![
            ("provider", text("fluz")),
            ("environment", text("sandbox")),
            ("apiKey", text("aWQ6c2VjcmV0")),
            ("userId", text("u")),
            ("accountId", text("a")),
            ("scopes", Given::List(vec![text("LIST_OFFERS"), text("LIST_PURCHASES")])),
        ];
        for (key, value) in changes {
            members.retain(|(known, _)| known != key);
            members.push((key, value.clone()));
        }
        let members = members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        options::read(&Given::Map(members), PLATFORM).expect("good options")
    }

    fn fluz(changes: &[(&str, Given)]) -> String {
        let settings = settings(changes);
        key(&settings, &Selection::default(), &settings.scopes, PLATFORM)
    }

    #[test]
    fn everything_that_changes_the_grant_changes_the_key() {
        let mut keys = vec![fluz(&[])];
        for change in [
            ("environment", text("production")),
            ("endpoint", text("https://other.test/graphql")),
            ("apiKey", text("aWQ6b3RoZXI=")),
            ("apiKey", Given::Function("1")),
            ("userId", text("other")),
            ("accountId", text("other")),
            ("seatId", text("s")),
            ("scopes", Given::List(vec![text("LIST_OFFERS")])),
        ] {
            keys.push(fluz(&[change]));
        }
        let count = keys.len();
        keys.sort();
        keys.dedup();

        assert_eq!(keys.len(), count);
    }

    #[test]
    fn what_does_not_change_the_grant_does_not_change_the_key() {
        for change in [
            ("scopes", Given::List(vec![text("LIST_PURCHASES"), text("LIST_OFFERS"), text("LIST_OFFERS")])),
            ("refresh", text("on-demand")),
            ("timeoutMs", Given::Number(5.0)),
            ("keepAlive", Given::Bool(true)),
        ] {
            assert_eq!(fluz(&[change]), fluz(&[]));
        }
    }

    proptest! {
        #[test]
        fn two_selectors_share_a_token_exactly_when_they_may(
            one in party(),
            other in party(),
            same in 0..4_u8,
        ) {
            // One in four is the same but for the order of its scopes.
            let other = if same == 0 { one.turned() } else { other };

            let (first, second) = (one.read(), other.read());

            let may = one.effective() == other.effective();
            prop_assert_eq!(first.key == second.key, may);
            let of_one_identity = one.effective().0 == other.effective().0;
            prop_assert_eq!(first.identity == second.identity, of_one_identity);
            prop_assert_eq!(first.identity == second.identity && first.scopes == second.scopes, may);
        }
    }

    /// A manager for Fluz and a selector of one of its sessions, of few values, so that many are the same.
    #[derive(Clone, Debug)]
    struct Party {
        /// Endpoint, API key, user, account, seat, scopes.
        manager: (usize, usize, usize, usize, Option<usize>, Vec<usize>),
        selector: Chosen,
    }

    /// Endpoint, API key, user, account, seat.
    type Whose = (usize, usize, usize, usize, Option<usize>);

    /// User, account, seat, scopes, each if it is chosen; a seat may be chosen to be none.
    type Chosen = (Option<usize>, Option<usize>, Option<Option<usize>>, Option<Vec<usize>>);

    struct Read {
        identity: Identity,
        scopes: ScopeSet,
        key: String,
    }

    fn party() -> impl Strategy<Value = Party> {
        let few = || 0..2_usize;
        let scopes = || collection::vec(0..3_usize, 1..4);
        let manager = (few(), 0..3_usize, few(), few(), option::of(few()), scopes());
        let selector =
            (option::of(few()), option::of(few()), option::of(option::of(few())), option::of(scopes()));
        (manager, selector).prop_map(|(manager, selector)| Party { manager, selector })
    }

    fn word(kind: &str, number: usize) -> Given {
        text(&format!("{kind}-{number}"))
    }

    fn words(scopes: &[usize]) -> Given {
        Given::List(scopes.iter().map(|scope| word("SCOPE", *scope)).collect())
    }

    impl Party {
        fn turned(&self) -> Self {
            let mut turned = self.clone();
            turned.manager.5.reverse();
            turned.selector.3.iter_mut().for_each(|scopes| scopes.reverse());
            turned
        }

        /// All that changes the grant but for the scopes, and the scopes.
        fn effective(&self) -> (Whose, BTreeSet<usize>) {
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

        fn read(&self) -> Read {
            let (endpoint, api_key, user, account, seat, scopes) = &self.manager;
            let api_key = match api_key {
                // Whatever a function gives: managers that differ in it alone share.
                2 => Given::Function("2"),
                number => word("key", *number),
            };
            let settings = settings(&[
                ("endpoint", text(["https://one.test/graphql", "https://two.test/graphql"][*endpoint])),
                ("apiKey", api_key),
                ("userId", word("user", *user)),
                ("accountId", word("account", *account)),
                ("seatId", seat.map_or(Given::Missing, |seat| word("seat", seat))),
                ("scopes", words(scopes)),
            ]);
            let (user, account, seat, scopes) = &self.selector;
            let or_missing = |value: Option<Given>| value.unwrap_or(Given::Missing);
            let selector = [
                ("scopes", or_missing(scopes.as_ref().map(|scopes| words(scopes)))),
                ("seatId", or_missing(seat.map(|seat| seat.map_or(Given::Null, |seat| word("seat", seat))))),
                ("userId", or_missing(user.map(|user| word("user", user)))),
                ("accountId", or_missing(account.map(|account| word("account", account)))),
            ];
            let members = selector.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
            let selection = options::read_selector(&Given::Map(members), &settings).expect("a good selector");
            let scopes = selection.scopes.clone().unwrap_or_else(|| settings.scopes.clone());
            Read {
                identity: identity(&settings, &selection, PLATFORM),
                key: key(&settings, &selection, &scopes, PLATFORM),
                scopes,
            }
        }
    }

    #[test]
    fn whatever_a_function_is_to_make_something_of_is_of_the_identity() {
        let by_function = |selector: &[(&str, Given)]| {
            let map = |members: &[(&str, Given)]| {
                Given::Map(members.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
            };
            let provider = map(&[
                ("name", text("acme")),
                ("endpoint", text("https://acme.test")),
                ("grant", Given::Function("1")),
            ]);
            let settings = options::read(&map(&[("provider", provider)]), PLATFORM).expect("good options");
            let selection = options::read_selector(&map(selector), &settings).expect("a good selector");
            identity(&settings, &selection, PLATFORM)
        };

        let (one, two) = (("a", text("1")), ("b", text("2")));
        assert_eq!(by_function(&[one.clone(), two.clone()]), by_function(&[two.clone(), one.clone()]));
        let swapped = [("a", text("2")), ("b", text("1"))];
        let number = [("a", Given::Number(1.0)), two.clone()];
        let all = [&[one.clone(), two.clone()][..], &[one], &[two], &[], &swapped, &number];
        for (place, selector) in all.iter().enumerate() {
            assert!(all[..place].iter().all(|other| by_function(other) != by_function(selector)), "{place}");
        }
    }

    #[test]
    fn a_key_is_short_plain_and_tells_nothing() {
        let key = fluz(&[]);

        assert_eq!(key.len(), 48);
        assert!(key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{key}");
    }
}
