//! Descriptions of APIs as data.
//!
//! Each peculiarity of an API is a value of a type in [`profile`]; a new API is one more file beside [`fluz`],
//! [`toggle`] and [`braintree`], with a [`Descriptor`] that is listed in [`PROVIDERS`]. A user-supplied profile becomes
//! the same data.

pub mod braintree;
pub mod broker;
pub mod error_rules;
pub mod fluz;
pub mod option;
pub mod profile;
pub mod toggle;

pub use error_rules::{DefaultFailure, ErrorMatcher, ErrorRules, ExpectedValue};
pub use option::SecretSource;
use option::{OptionSpec, Values};
pub(crate) use profile::MAX_SCHEMA_NAMES;
pub use profile::{
    Authorization, CowStr, ExpiryField, GrantProtocol, IdForm, Issuer, Lifetime, NameKind, Operation,
    Presentation, Profile, RefreshTokenExpiry, RefreshTokenRules, Revocation, RotationHeader, SameSession,
    SchemaName, SecretId, SelectedVariable, SelectorPolicy, StringList, TokenShape, TokenSource, Variable,
};

/// The built-in providers. Validation, the flags of the command line, the entry `/scopes` and the documentation list
/// what is here.
pub static PROVIDERS: [&Descriptor; 3] = [&fluz::FLUZ, &toggle::TOGGLE, &braintree::BRAINTREE];

/// A built-in provider: its options, and the profile that they describe.
#[derive(Debug)]
pub struct Descriptor {
    /// Value of the option `provider`.
    pub name: &'static str,
    /// The options besides those of every provider, in the order in which they are checked.
    pub options: &'static [OptionSpec],
    /// Groups of options of which exactly one must be given, the most common first; empty where there are none.
    pub alternatives: &'static [&'static [&'static str]],
    /// Converts validated options to a profile. Its error rules, token rotation and headers do not depend on them,
    /// because a broker uses these without the options.
    pub profile: fn(&Values<'_>) -> Profile,
}

impl Descriptor {
    /// Returns the provider with this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        PROVIDERS.into_iter().find(|provider| provider.name == name)
    }
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use std::time::Duration;

    use crate::json::{Credentials, native::PLATFORM};

    use super::{
        option::{Accepts, Presence},
        *,
    };
    use crate::{core::limits::MAX_LIFETIME_MS, json::Json};

    /// Every choice of alternatives and keywords of each built-in provider, without and with the optional values.
    fn profiles() -> Vec<Profile> {
        let mut profiles = Vec::new();
        for provider in PROVIDERS {
            for used in 0..provider.alternatives.len().max(1) {
                let unused = provider.alternatives.iter().enumerate().filter(|(index, _)| *index != used);
                let unused: Vec<_> = unused.flat_map(|(_, group)| group.iter().copied()).collect();
                let options = provider.options.iter().filter(|option| !unused.contains(&option.name));
                for members in options.fold(vec![Vec::new()], with_each_value) {
                    let values = Values::new(&members, [provider.options, &[]], unused.clone());
                    profiles.push((provider.profile)(&values));
                }
            }
        }
        profiles
    }

    type Members = Vec<(String, Json)>;

    /// Extends each combination of options by each value of one more.
    fn with_each_value(combinations: Vec<Members>, option: &OptionSpec) -> Vec<Members> {
        let mut choices = match option.accepts {
            Accepts::Keyword(words) => words.split(' ').map(Json::text).collect(),
            Accepts::Text(_)
            | Accepts::Uuid(_)
            | Accepts::UserName(_)
            | Accepts::Date
            | Accepts::Secret(_) => {
                vec![Json::text("text")]
            }
            Accepts::Scopes
            | Accepts::Flag
            | Accepts::Function
            | Accepts::Millis(_)
            | Accepts::Number(..)
            | Accepts::Count(..)
            | Accepts::Object(..)
            | Accepts::Other => Vec::new(),
        };
        if option.presence == Presence::Optional && choices.len() == 1 {
            choices.push(Json::Missing);
        }
        let with = |members: &Members, choice: &Json| {
            let mut members = members.clone();
            members.push((option.name.to_owned(), choice.clone()));
            members
        };
        let mut extended = Vec::new();
        for members in combinations {
            if choices.is_empty() {
                extended.push(members);
            } else {
                extended.extend(choices.iter().map(|choice| with(&members, choice)));
            }
        }
        extended
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
            | Variable::AccessToken
            | Variable::TokenTypeHint
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
                    Authorization::None | Authorization::AccessToken | Authorization::RefreshToken => None,
                    Authorization::ApiKey(id) | Authorization::Basic(id) | Authorization::Bearer(id) => {
                        Some(*id)
                    }
                    Authorization::BasicPair { password: id, .. }
                    | Authorization::ClientSecretBasic { secret: id, .. } => Some(*id),
                };
                let filled = operation.variables.iter().flat_map(|(_, it)| secrets_of(it));

                for SecretId(id) in filled.chain(identified) {
                    assert!(profile.secrets.get(id).is_some(), "secret {id} of {}", profile.name);
                }
            }
            for name in profile.secrets.iter() {
                assert!(profile.advice.contains(name), "{name} in {}", profile.advice);
            }
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
                TokenSource::Data(_) | TokenSource::Cookie(_) => &none,
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
            let span = profile.lifetime.span();

            // The policy refreshes in the last quarter, at most once per second.
            assert!(
                (Duration::from_secs(4)..Duration::from_millis(MAX_LIFETIME_MS)).contains(&span),
                "{span:?}"
            );
        }
    }

    #[test]
    fn a_renewal_presents_the_refresh_token_that_a_grant_returned() {
        for profile in profiles() {
            let presents = |operation: &Operation| {
                operation.variables.iter().any(|(_, it)| matches!(it, Variable::RefreshToken))
            };

            assert!(!presents(&profile.authenticate), "{}", profile.name);
            if let Some(renew) = &profile.renew {
                assert!(presents(renew) && profile.refresh_token.iter().count() > 0, "{}", profile.name);
            }
        }
    }

    #[test]
    fn options_of_a_broker_do_not_depend_on_those_of_the_api() {
        for profile in profiles() {
            let unset = (Descriptor::find(&profile.name).unwrap().profile)(&Values::EMPTY);

            assert_eq!(profile.error_rules, unset.error_rules);
            assert_eq!(profile.rotation, unset.rotation);
        }
    }

    #[test]
    fn known_scopes_are_those_of_the_entry_scopes() {
        for profile in profiles() {
            let path = format!("{}/pkg-template/src/scopes/{}.js", env!("CARGO_MANIFEST_DIR"), profile.name);
            let text = std::fs::read_to_string(path).unwrap_or_default();
            let listed = text.lines().filter_map(|line| line.strip_prefix("  ")?.split_once(": {"));
            let names: Vec<_> = listed
                .map(|(name, _)| name)
                .filter(|name| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'))
                .collect();

            assert_eq!(profile.known_scopes.iter().collect::<Vec<_>>(), names, "{}", profile.name);
        }
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
