//! Descriptions of APIs as data.
//!
//! Each peculiarity of an API is a value of a type in [`profile`]; a new API is one more file beside [`fluz`],
//! [`toggle`] and [`braintree`]. A user-supplied profile becomes the same data.

pub mod braintree;
pub mod broker;
pub mod fluz;
pub mod profile;
pub mod toggle;

pub(crate) use profile::MAX_SCHEMA_NAMES;
pub use profile::{
    Authorization, CowStr, DefaultFailure, ErrorMatcher, ErrorRules, ExpiryField, GrantProtocol, Lifetime,
    NameKind, Operation, Profile, RotationHeader, SchemaName, SecretId, SelectedVariable, SelectorPolicy,
    StringList, TokenShape, TokenSource, Variable,
};

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use std::time::Duration;

    use crate::json::{Credentials, native::PLATFORM};

    use super::{
        braintree::Braintree,
        fluz::{ApplicationKey, Environment, Fluz, Renewal},
        toggle::{Login, Toggle},
        *,
    };

    /// Every combination of options for a built-in provider.
    fn profiles() -> Vec<Profile> {
        let mut profiles = Vec::new();
        for environment in [Environment::Sandbox, Environment::Production] {
            for key in [ApplicationKey::ApiKey, ApplicationKey::Pair { app_id: "app".to_owned() }] {
                for (renewal, seat_id) in
                    [(Renewal::Refresh, None), (Renewal::Generate, Some("seat".to_owned()))]
                {
                    let fluz = Fluz {
                        environment,
                        endpoint: None,
                        key: key.clone(),
                        user_id: "user".to_owned(),
                        account_id: "account".to_owned(),
                        seat_id,
                        renewal,
                        lifetime: None,
                    };
                    profiles.push(fluz.profile());
                }
            }
            let client_id = "client".to_owned();
            let braintree =
                Braintree { environment, endpoint: None, client_id, version: None, lifetime: None };
            profiles.push(braintree.profile());
        }
        for login in [Login::Email("email".to_owned()), Login::Username("name".to_owned())] {
            profiles.push(Toggle { endpoint: None, login, lifetime: None }.profile());
        }
        profiles
    }

    fn operations(profile: &Profile) -> impl Iterator<Item = &Operation> {
        [Some(&profile.authenticate), profile.renew.as_ref()].into_iter().flatten()
    }

    fn secrets_of(variable: &Variable) -> Vec<SecretId> {
        match variable {
            Variable::Secret(id) => vec![*id],
            Variable::Map(members) => members.iter().flat_map(|(_, it)| secrets_of(it)).collect(),
            Variable::List(items) => items.iter().flat_map(secrets_of).collect(),
            Variable::Literal(_)
            | Variable::Absent
            | Variable::RefreshToken
            | Variable::RejectedToken
            | Variable::Scopes => Vec::new(),
        }
    }

    #[test]
    fn every_placeholder_has_variants() {
        for profile in profiles() {
            for operation in operations(&profile) {
                let words: Vec<_> = operation.document.split('%').skip(1).step_by(2).collect();

                for word in words {
                    assert!(profile.schema_names.iter().any(|name| name.placeholder == word), "{word}");
                }
            }
            assert!(profile.schema_names.len() <= MAX_SCHEMA_NAMES);
            for name in profile.schema_names {
                let mut variants = name.variants.to_vec();
                variants.dedup();
                assert!(variants.len() >= 2, "{}", name.placeholder);
            }
        }
    }

    #[test]
    fn every_variable_is_declared() {
        for profile in profiles() {
            for operation in operations(&profile) {
                let declared = operation.document.split(')').next().unwrap_or_default();

                for (name, _) in &operation.variables {
                    assert!(declared.contains(&format!("${name}:")), "{name} in {}", operation.document);
                }
            }
        }
    }

    #[test]
    fn every_secret_has_an_option_name() {
        for profile in profiles() {
            for operation in operations(&profile) {
                let identified = match &operation.authorization {
                    Authorization::None => None,
                    Authorization::ApiKey(id) | Authorization::Basic(id) | Authorization::Bearer(id) => {
                        Some(*id)
                    }
                    Authorization::BasicPair { password, .. } => Some(*password),
                };
                let filled = operation.variables.iter().flat_map(|(_, it)| secrets_of(it));

                let used: Vec<_> = filled.chain(identified).collect();

                assert_eq!(used, [SecretId(0)]);
            }
            assert_eq!(profile.secrets.iter().count(), 1);
            assert!(profile.advice.contains(profile.secrets.get(0).unwrap()), "{}", profile.advice);
        }
    }

    #[test]
    fn endpoints_are_encrypted() {
        for profile in profiles() {
            let url = (PLATFORM.parse_url)(&profile.endpoint).unwrap();

            assert_eq!((url.protocol.as_str(), url.credentials), ("https:", Credentials::Absent));
        }
    }

    #[test]
    fn phrases_are_lower_case() {
        for profile in profiles() {
            let none = StringList::default();
            let sliding = profile.rotation.iter().flat_map(|it| it.headers.iter());
            let token = match &profile.token {
                TokenSource::Headers(names) => names,
                TokenSource::Data(_) => &none,
            };
            let headers =
                profile.headers.iter().map(|(name, _)| name.as_str()).chain(sliding).chain(token.iter());
            let ErrorRules { rejected, denied, rate_limited, outage, .. } = &profile.error_rules;
            let phrases = [rejected, denied, rate_limited, outage]
                .into_iter()
                .flat_map(|it| it.phrases.split(['|', '+']));

            let words = headers.chain(phrases);

            for word in words {
                assert_eq!(word, word.to_lowercase());
            }
        }
    }

    #[test]
    fn every_lifetime_allows_a_refresh() {
        for profile in profiles() {
            let (Lifetime::AtMost(span) | Lifetime::Default(span) | Lifetime::Declared(span)) =
                profile.lifetime;

            assert!((Duration::from_secs(180)..=Duration::from_secs(3600)).contains(&span), "{span:?}");
        }
    }

    #[test]
    fn only_fluz_uses_refresh_tokens_and_only_if_enabled() {
        let taking = profiles().iter().filter(|profile| profile.renew.is_some()).count();

        // Half of the ways to reach Fluz: two environments, two kinds of key.
        assert_eq!(taking, 4);
    }

    #[test]
    fn no_error_matches_two_rules() {
        for profile in profiles() {
            let ErrorRules { rejected, denied, rate_limited, outage, .. } = &profile.error_rules;
            let all = [rejected, denied, rate_limited, outage];

            let mut statuses: Vec<_> = all.iter().flat_map(|it| it.statuses.iter()).collect();
            let mut codes: Vec<_> = all.iter().flat_map(|it| it.codes.iter()).collect();
            let (before, known) = (statuses.len(), codes.len());
            statuses.sort_unstable();
            statuses.dedup();
            codes.sort_unstable();
            codes.dedup();

            assert_eq!((statuses.len(), codes.len()), (before, known), "{}", profile.name);
        }
    }
}
