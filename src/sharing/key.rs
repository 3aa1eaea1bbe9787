//! Who shares a token with whom.

use sha2::{Digest, Sha256};

use base64ct::{Base64UrlUnpadded, Encoding};

use crate::{
    core::ScopeSet,
    json::{Json, Platform},
    options::{Granter, SecretSource, Settings},
    provider::{Authorization, Operation, Variable},
};

/// The key of a manager's entry in a store.
///
/// Made of everything that changes what is granted: the API, the credentials' identity,
/// the variables sent, and the scopes. It is a digest, from which nothing can be read.
/// Secrets that a function gives are left out, since they change: two managers that
/// differ in nothing else share a token.
pub fn key<F>(settings: &Settings<F>, platform: Platform) -> String {
    let profile = &settings.profile;
    let secrets = match &settings.granter {
        Granter::Profile(sources) => sources.iter().map(identity).collect(),
        Granter::Function(_) => Vec::new(),
    };
    let whole = Json::List(vec![
        Json::text(&profile.name),
        Json::text(&profile.endpoint),
        Json::text(profile.grant_url()),
        operation(&profile.authenticate),
        Json::List(secrets),
        listed(&settings.scopes),
        Json::Map(
            profile.headers.iter().map(|(name, value)| (name.clone(), Json::text(value.expose()))).collect(),
        ),
    ]);
    let digest = Sha256::digest((platform.write_json)(&whole));
    format!("gtm1-{}", Base64UrlUnpadded::encode_string(&digest))
}

/// A secret's own digest: it tells two accounts apart, and nothing else.
fn identity<F>(source: &SecretSource<F>) -> Json {
    match source {
        SecretSource::Text(secret) => {
            Json::text(Base64UrlUnpadded::encode_string(&Sha256::digest(secret.expose())))
        }
        SecretSource::Function(_) => Json::Null,
    }
}

fn operation(operation: &Operation) -> Json {
    let variables = operation.variables.iter().map(|(name, value)| (name.clone(), variable(value))).collect();
    let authorization = match &operation.authorization {
        Authorization::BasicPair { username, .. } => Json::text(username),
        Authorization::None
        | Authorization::ApiKey(_)
        | Authorization::Basic(_)
        | Authorization::Bearer(_) => Json::Null,
    };
    Json::List(vec![Json::text(&operation.document), Json::Map(variables), authorization])
}

/// What is filled in later counts elsewhere, or changes.
fn variable(value: &Variable) -> Json {
    match value {
        Variable::Literal(json) => json.clone(),
        Variable::Secret(_) | Variable::RefreshToken | Variable::Refused | Variable::Scopes => Json::Null,
        Variable::Map(members) => {
            Json::Map(members.iter().map(|(name, value)| (name.clone(), variable(value))).collect())
        }
        Variable::List(items) => Json::List(items.iter().map(variable).collect()),
    }
}

fn listed(scopes: &ScopeSet) -> Json {
    Json::List(scopes.iter().map(Json::text).collect())
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use super::*;
    use crate::{
        json::native::PLATFORM,
        options::{self, Given},
    };

    fn text(value: &str) -> Given<u8> {
        Given::Text(value.to_owned().into())
    }

    fn fluz(changes: &[(&str, Given<u8>)]) -> String {
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
        key(&options::read(&Given::Map(members), PLATFORM).expect("good options"), PLATFORM)
    }

    #[test]
    fn everything_that_changes_the_grant_changes_the_key() {
        let mut keys = vec![fluz(&[])];
        for change in [
            ("environment", text("production")),
            ("endpoint", text("https://other.test/graphql")),
            ("apiKey", text("aWQ6b3RoZXI=")),
            ("apiKey", Given::Function(1)),
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

    #[test]
    fn a_key_is_short_plain_and_tells_nothing() {
        let key = fluz(&[]);

        assert_eq!(key.len(), 48);
        assert!(key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{key}");
    }
}
