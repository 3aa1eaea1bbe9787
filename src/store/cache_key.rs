//! Keys of a shared store: they determine which managers and sessions share a record.
//!
//! Each structure is destructured without `..`, so that a new option or profile field does not compile until it is
//! decided here whether it changes which token is granted.

use hmac_sha256::Hash;

use crate::{
    base64,
    core::{Identity, ScopeSet, Secret},
    json::{Json, Platform},
    options::{Config, GrantSource, SecretSource, Selection, TokenDetermination},
    provider::{
        Authorization, GrantProtocol, Issuer, Operation, Profile, RotationHeader, SameSession,
        SelectedVariable, SelectorPolicy, StringList, TokenSource, Variable, profile::path_of,
    },
};

/// Digest of what all sessions of a manager have in common in their keys: the API, the credentials and the option
/// `identity`.
///
/// Different credentials yield different digests. Where functions return the credentials, either the returned values or
/// `identity` is used. SHA-256: the digest only allows verifying a guess.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialsDigest(String);

impl CredentialsDigest {
    /// Computes the digest; `None` if it depends on secrets that functions return and `secrets` is `None`.
    ///
    /// `secrets` are those of one grant in the order of their ids.
    pub fn of(config: &Config, secrets: Option<&[Secret]>, platform: Platform) -> Option<Self> {
        let TokenDetermination { profile, grant_source, identity } = config.token_determination();
        let mut credentials = Vec::new();
        if let GrantSource::Profile(sources) = grant_source {
            for (index, source) in sources.iter().enumerate() {
                credentials.push(match source {
                    SecretSource::Text(secret) => digest(secret),
                    SecretSource::Function(_) if identity.is_some() => Json::Null,
                    SecretSource::Function(_) => digest(secrets?.get(index)?),
                });
            }
            // The values of header functions follow. Those for a broker change nothing: cookies identify its user.
            if identity.is_none() && profile.issuer == Issuer::Provider {
                let functions =
                    profile.headers.iter().filter(|(_, it)| matches!(it, SecretSource::Function(_)));
                for index in 0..functions.count() {
                    credentials.push(digest(secrets?.get(sources.len() + index)?));
                }
            }
        }
        let input = Json::List(vec![
            identity.map_or(Json::Null, Json::text),
            Json::List(credentials),
            describe_profile(profile),
        ]);
        Some(Self(base64::encode_url(&hash(&input, platform))))
    }
}

/// Returns the key of a session's record in a store: a digest of everything that determines which token is granted.
pub fn cache_key(
    credentials: &CredentialsDigest,
    config: &Config,
    selection: &Selection,
    scopes: &ScopeSet,
    platform: Platform,
) -> String {
    let input = Json::List(vec![
        Json::text(&*credentials.0),
        describe_variables(&config.profile, &selection.variables),
        Json::list_of(&mut scopes.iter()),
    ]);
    format!("gtm1-{}", base64::encode_url(&hash(&input, platform)))
}

/// Returns the identity of a session within its manager: everything that selectors can change in its [`cache_key`],
/// except the scopes.
pub fn identity(config: &Config, selection: &Selection, platform: Platform) -> Identity {
    let mut half = [0; 16];
    let variables = describe_variables(&config.profile, &selection.variables);
    half.copy_from_slice(&hash(&variables, platform)[..16]);
    Identity::new(half)
}

/// Returns the identity of a manager within the program, as a digest: everything in the [`cache_key`] of its default
/// session, except the scopes. `None` where managers with different credentials could have the same identity.
pub fn manager_identity(
    credentials: &CredentialsDigest,
    config: &Config,
    platform: Platform,
) -> Option<String> {
    let digest = || cache_key(credentials, config, &Selection::default(), &ScopeSet::default(), platform);
    config.identify_owner().then(digest)
}

/// Hashes the JSON of a value, which is unambiguous.
fn hash(value: &Json, platform: Platform) -> [u8; 32] {
    Hash::hash((platform.write_json)(value).as_bytes())
}

fn digest(secret: &Secret) -> Json {
    Json::text(base64::encode_url(&Hash::hash(secret.expose().as_bytes())))
}

fn describe_profile(profile: &Profile) -> Json {
    let Profile {
        name,
        endpoint,
        issuer,
        credentials_mode,
        headers,
        authenticate,
        renew,
        token,
        rotation,
        // It ends tokens, and grants none.
        revocation: _,
        // Equal for all tokens of an API.
        application_scopes: _,
        schema_names: _,
        refresh_token: _,
        // Its operation is that of `renew`, and its secret is identified with the others.
        refresh_rules: _,
        scopes: _,
        expiry: _,
        lifetime: _,
        presentation: _,
        error_rules: _,
        default_failure: _,
        environment: _,
        advice: _,
        quotable: _,
        known_scopes: _,
        // Secrets are identified by their ids.
        secrets: _,
        // Part of the digest of the credentials, or of the option `identity`.
        has_session_secrets: _,
        selector_policy: _,
    } = profile;
    let mut sent_headers = Vec::new();
    for (name, value) in headers {
        let value = match value {
            SecretSource::Text(text) => Json::text(text.expose()),
            // The value is part of the digest of the credentials.
            SecretSource::Function(_) => Json::Null,
        };
        sent_headers.push(named(name, value));
    }
    Json::List(vec![
        Json::text(&**name),
        Json::text(&**endpoint),
        Json::Bool(*issuer == Issuer::Broker),
        credentials_mode.map_or(Json::Null, Json::text),
        Json::List(sent_headers),
        describe_operation(authenticate),
        renew.as_ref().map_or(Json::Null, describe_operation),
        match token {
            TokenSource::Data(paths) => tagged("data", describe_strings(paths)),
            TokenSource::Headers(names) => tagged("headers", describe_strings(names)),
            TokenSource::Cookie(name) => tagged("cookie", Json::text(&**name)),
        },
        rotation.as_ref().map_or(Json::Null, describe_rotation),
    ])
}

fn describe_rotation(rotation: &RotationHeader) -> Json {
    let RotationHeader { headers, shape: _, same_session } = rotation;
    let headers = describe_strings(headers);
    match same_session {
        SameSession::Asserted => headers,
        SameSession::Claim(name) => Json::List(vec![headers, tagged("claim", Json::text(name))]),
        SameSession::Data(paths) => Json::List(vec![headers, tagged("data", describe_strings(paths))]),
    }
}

fn describe_strings(words: &StringList) -> Json {
    Json::list_of(&mut words.iter())
}

fn describe_operation(operation: &Operation) -> Json {
    // Selected per session, and part of its key.
    let Operation { protocol, url, document, variables: _, authorization } = operation;
    let authorization = match authorization {
        Authorization::None => Json::Null,
        Authorization::AccessToken => Json::text("accessToken"),
        Authorization::RefreshToken => Json::text("refreshToken"),
        Authorization::ApiKey(id) => tagged("key", Json::Number(id.0 as f64)),
        Authorization::Basic(id) => tagged("basic", Json::Number(id.0 as f64)),
        Authorization::Bearer(id) => tagged("bearer", Json::Number(id.0 as f64)),
        Authorization::ClientSecretBasic { client_id, secret } => {
            tagged("client", Json::List(vec![Json::text(client_id), Json::Number(secret.0 as f64)]))
        }
        Authorization::BasicPair { username, password } => {
            Json::List(vec![Json::text(username), Json::Number(password.0 as f64)])
        }
    };
    let protocol = match protocol {
        GrantProtocol::GraphQl => "graphql",
        GrantProtocol::Form => "form",
        GrantProtocol::Json => "json",
    };
    let url = url.as_ref().map_or(Json::Null, Json::text);
    Json::List(vec![Json::text(protocol), url, Json::text(&**document), authorization])
}

/// Describes the variables of both operations with the selected values, and those that are additional where any can be
/// selected.
fn describe_variables(profile: &Profile, chosen: &[SelectedVariable]) -> Json {
    let renew = profile.renew.as_ref().map_or(Json::Null, |renew| operation_variables(renew, chosen));
    let mut additional = Vec::new();
    for (name, value) in chosen {
        if profile.selector_policy == SelectorPolicy::Any
            && let Some(value) = value
            && !profile.authenticate.has_variable(name)
        {
            additional.push(named(name, literal(value)));
        }
    }
    Json::List(vec![operation_variables(&profile.authenticate, chosen), renew, Json::List(additional)])
}

fn operation_variables(operation: &Operation, chosen: &[SelectedVariable]) -> Json {
    let mut described = Vec::new();
    for (name, variable) in &operation.variables {
        let value = match variable.selected(name, chosen) {
            Some(value) => value.as_ref().map(literal),
            None if *variable == Variable::Absent => None,
            None => Some(describe_variable(variable, name, chosen)),
        };
        if let Some(value) = value {
            described.push(named(name, value));
        }
    }
    Json::List(described)
}

/// Describes a variable together with its kind, so that a secret is never equal to a literal.
fn describe_variable(variable: &Variable, path: &str, chosen: &[SelectedVariable]) -> Json {
    if let Some(Some(value)) = variable.selected(path, chosen) {
        return literal(value);
    }
    match variable {
        Variable::Literal(value) => literal(value),
        Variable::Absent => Json::Null,
        Variable::Secret(id) => tagged("secret", Json::Number(id.0 as f64)),
        Variable::AccessToken => tagged("accessToken", Json::Null),
        // In a revocation alone.
        Variable::TokenTypeHint => Json::Null,
        Variable::RefreshToken => tagged("refreshToken", Json::Null),
        Variable::RejectedToken => tagged("refused", Json::Null),
        Variable::Scopes => tagged("scopes", Json::Null),
        Variable::Map(members) => {
            let mut described = Vec::new();
            for (name, member) in members {
                described.push(named(name, describe_variable(member, &path_of(path, name), chosen)));
            }
            tagged("map", Json::List(described))
        }
        Variable::List(items) => {
            let mut described = Vec::new();
            for (index, item) in items.iter().enumerate() {
                described.push(describe_variable(item, &path_of(path, &index.to_string()), chosen));
            }
            tagged("list", Json::List(described))
        }
    }
}

fn literal(value: &Json) -> Json {
    tagged("value", value.clone())
}

/// Describes a member as a pair, because JavaScript objects cannot have a member `__proto__`.
fn named(name: &str, value: Json) -> Json {
    Json::List(vec![Json::text(name), value])
}

fn tagged(kind: &str, value: Json) -> Json {
    named(kind, value)
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests;
