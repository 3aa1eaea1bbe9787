//! Grant requests: GraphQL over HTTP (`POST` with JSON), or a form to a token endpoint.

use std::slice;

use crate::{
    base64,
    core::{AccessToken, CredentialId, ErrorCode, ScopeSet, Secret, TokenError},
    http::HttpRequest,
    json::{Json, Platform},
    provider::{
        Authorization, GrantProtocol, Operation, Profile, SecretId, SecretSource, SelectedVariable,
        StringList, Variable,
    },
};

/// Contents of a request.
pub(super) struct RequestBuilder<'a> {
    pub(super) profile: &'a Profile,
    pub(super) secrets: &'a [Secret],
    pub(super) scopes: &'a ScopeSet,
    /// Variables that the session selected.
    pub(super) chosen: &'a [SelectedVariable],
    pub(super) refresh_token: Option<&'a str>,
    /// The access token, or the token of a form, to revoke.
    pub(super) access_token: Option<&'a str>,
    pub(super) token_type_hint: &'a str,
    pub(super) rejected_token: Option<&'a str>,
    pub(super) target: RequestTarget<'a>,
}

/// Recipient of a request.
#[derive(Clone, Copy)]
pub(super) struct RequestTarget<'a> {
    /// `credentials` mode of `fetch`.
    pub(super) credentials_mode: Option<&'static str>,
    /// The values that functions return follow the secrets of the operation.
    pub(super) headers: &'a [(String, SecretSource)],
    /// Option name of each secret.
    pub(super) secret_names: &'a StringList,
}

impl<'a> RequestTarget<'a> {
    /// The recipient of grants.
    pub(super) fn of_grant(profile: &'a Profile) -> Self {
        Self {
            credentials_mode: profile.credentials_mode,
            headers: &profile.headers,
            secret_names: &profile.secrets,
        }
    }
}

impl RequestBuilder<'_> {
    /// Builds the request of `operation` with the rendered `document`.
    pub(super) fn build(
        &self,
        operation: &Operation,
        document: &str,
        accept: &str,
        platform: Platform,
    ) -> Result<HttpRequest, TokenError> {
        let variables =
            self.profile.resolve_variables(operation, self.chosen, &|variable| self.variable(variable));
        let (media_type, body) = match operation.protocol {
            GrantProtocol::GraphQl => {
                let body = Json::Map(vec![
                    ("query".to_owned(), Json::text(document)),
                    ("variables".to_owned(), Json::Map(variables)),
                ]);
                ("application/json", (platform.write_json)(&body))
            }
            GrantProtocol::Json => ("application/json", (platform.write_json)(&Json::Map(variables))),
            GrantProtocol::Form => ("application/x-www-form-urlencoded", encode_form(&variables)),
        };
        let mut headers = vec![
            ("content-type".to_owned(), Secret::new(media_type)),
            ("accept".to_owned(), Secret::new(accept)),
        ];
        let authorization = match (&operation.authorization, self.access_token) {
            (Authorization::AccessToken, token) => token.map(|token| {
                let presentation = &self.profile.presentation;
                (presentation.header.to_string(), Secret::new(presentation.value(token)))
            }),
            (other, _) => self.authorization(other)?.map(|value| ("authorization".to_owned(), value)),
        };
        headers.extend(authorization);
        if let (Some(name), Some(token)) = (&self.profile.refresh_rules.cookie, self.refresh_token) {
            let own = Secret::new([name, "=", token].concat());
            match headers.iter_mut().find(|(name, _)| name == "cookie") {
                Some((_, cookies)) => *cookies = Secret::new([cookies.expose(), "; ", own.expose()].concat()),
                None => headers.push(("cookie".to_owned(), own)),
            }
        }
        let mut returned = self.secrets.iter().skip(self.target.secret_names.iter().count());
        for (name, source) in self.target.headers {
            let Some(value) = source.as_text().or_else(|| returned.next()) else {
                return Err(self.missing_header(name));
            };
            match headers.iter_mut().find(|(known, _)| known == name) {
                Some((_, existing)) => *existing = value.clone(),
                None => headers.push((name.clone(), value.clone())),
            }
        }
        Ok(HttpRequest {
            url: operation.url(self.profile).to_owned(),
            headers,
            body: Secret::new(body),
            credentials: self.target.credentials_mode,
        })
    }

    fn variable(&self, variable: &Variable) -> Json {
        match variable {
            Variable::Secret(id) => Json::text(self.secret(*id).expose()),
            Variable::RefreshToken => self.refresh_token.map_or(Json::Null, Json::text),
            Variable::AccessToken => self.access_token.map_or(Json::Null, Json::text),
            Variable::TokenTypeHint => Json::text(self.token_type_hint),
            Variable::RejectedToken => self.rejected_token.map_or(Json::Null, Json::text),
            Variable::Scopes => Json::list_of(&mut self.scopes.iter()),
            // These have a value of their own.
            Variable::Literal(_) | Variable::Absent | Variable::Map(_) | Variable::List(_) => Json::Null,
        }
    }

    fn authorization(&self, authorization: &Authorization) -> Result<Option<Secret>, TokenError> {
        let (scheme, id) = match authorization {
            // `build` presents the access token.
            Authorization::None | Authorization::AccessToken => return Ok(None),
            Authorization::RefreshToken => {
                return Ok(self.refresh_token.map(|token| Secret::new(["Bearer ", token].concat())));
            }
            Authorization::ApiKey(id) | Authorization::Basic(id) => ("Basic", id),
            Authorization::BasicPair { password: id, .. }
            | Authorization::ClientSecretBasic { secret: id, .. } => ("Basic", id),
            Authorization::Bearer(id) => ("Bearer", id),
        };
        let secret = self.secret(*id).expose();
        let credentials = match authorization {
            Authorization::ApiKey(_) => basic_credentials(secret),
            Authorization::BasicPair { username, .. } => {
                // A secret read from a file often ends with a line break.
                let pair = Secret::new(format!("{username}:{}", without_line_breaks(secret)));
                base64::encode(pair.expose().as_bytes())
            }
            Authorization::ClientSecretBasic { client_id, .. } => {
                // Both are encoded as in a form, so that they may contain colons.
                let mut pair = String::new();
                percent_encode(client_id, &mut pair);
                pair.push(':');
                percent_encode(without_line_breaks(secret), &mut pair);
                base64::encode(Secret::new(pair).expose().as_bytes())
            }
            Authorization::None
            | Authorization::Basic(_)
            | Authorization::Bearer(_)
            | Authorization::AccessToken
            | Authorization::RefreshToken => secret.trim().to_owned(),
        };
        let value = Secret::new(format!("{scheme} {}", Secret::new(credentials).expose()));
        if value.expose().bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
            return Ok(Some(value));
        }
        let message = format!(
            "`{}` holds a character that cannot be sent in a header; give it as the provider shows it",
            self.target.secret_names.get(id.0).unwrap_or("the secret")
        );
        Err(TokenError::new(ErrorCode::CredentialsUnavailable, message).of(&self.profile.name))
    }

    fn missing_header(&self, name: &str) -> TokenError {
        let message = format!("the value of the header `{name}` is missing; check its function in `headers`");
        TokenError::new(ErrorCode::CredentialsUnavailable, message).of(&self.profile.name)
    }

    fn secret(&self, id: SecretId) -> &Secret {
        &self.secrets[id.0]
    }
}

/// Encodes a form of strings and of lists with items separated by spaces (RFC 6749 section 3.3). Empty values are
/// omitted.
fn encode_form(fields: &[(String, Json)]) -> String {
    let mut form = String::new();
    for (name, value) in fields {
        let items = if let Json::List(items) = value { items } else { slice::from_ref(value) };
        let mut has_items = false;
        for item in items.iter().filter_map(Json::as_text) {
            if has_items {
                form.push_str("%20");
            } else {
                form.push_str(if form.is_empty() { "" } else { "&" });
                percent_encode(name, &mut form);
                form.push('=');
            }
            percent_encode(item, &mut form);
            has_items = true;
        }
    }
    form
}

/// Encodes as `application/x-www-form-urlencoded` (WHATWG URL), which permits percent-encoding any byte.
fn percent_encode(text: &str, form: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            form.push(char::from(byte));
        } else {
            form.push('%');
            for digit in [byte >> 4, byte & 15] {
                form.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
            }
        }
    }
}

/// Returns the digest that identifies a rejected token to a broker without revealing it.
pub fn token_digest(token: &AccessToken) -> String {
    base64::encode_url(&hmac_sha256::Hash::hash(token.expose().as_bytes()))
}

/// Returns a fingerprint to compare credentials without storing them: 64 bits of SHA-256.
pub fn credential_fingerprint(secrets: &[Secret]) -> CredentialId {
    let mut hash = hmac_sha256::Hash::new();
    for secret in secrets {
        let secret = secret.expose().as_bytes();
        hash.update((secret.len() as u64).to_le_bytes());
        hash.update(secret);
    }
    let [a, b, c, d, e, f, g, h, ..] = hash.finalize();
    CredentialId(u64::from_le_bytes([a, b, c, d, e, f, g, h]))
}

/// Returns the `Basic` credentials of an API key as it was pasted.
///
/// Fluz displays the key in base64. Users also paste it with `Basic ` in front, or as the id and secret separated by a
/// colon, which base64 cannot contain.
fn basic_credentials(key: &str) -> String {
    let mut key = key.trim();
    while let Some(rest) = after_scheme(key, "basic") {
        key = rest;
    }
    if key.bytes().any(|byte| byte == b':') { base64::encode(key.as_bytes()) } else { key.to_owned() }
}

fn without_line_breaks(mut text: &str) -> &str {
    while let [.., b'\n' | b'\r'] = text.as_bytes() {
        text = &text[..text.len() - 1];
    }
    text
}

/// Returns the trimmed credentials of an `Authorization` header of this `scheme`.
pub(super) fn after_scheme<'a>(header: &'a str, scheme: &str) -> Option<&'a str> {
    let (first, rest) = header.split_at_checked(scheme.len())?;
    let credentials = rest.trim();
    (first.eq_ignore_ascii_case(scheme) && credentials.len() < rest.len()).then_some(credentials)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(secrets: &[&str]) -> CredentialId {
        credential_fingerprint(&secrets.iter().map(|&secret| Secret::new(secret)).collect::<Vec<_>>())
    }

    #[test]
    fn fingerprint_depends_on_each_secret_and_on_where_it_ends() {
        assert_eq!(fingerprint(&["ab", "c"]), fingerprint(&["ab", "c"]));
        for other in [&["ax", "c"][..], &["ab", "x"], &["a", "bc"], &["c", "ab"], &["ab"], &["ab", "c", ""]] {
            assert_ne!(fingerprint(other), fingerprint(&["ab", "c"]), "{other:?}");
        }
    }
}
