//! OAuth 2.0 token endpoints: `provider.oauth`.
//!
//! Source: RFC 6749, sections 2.3, 4.3, 4.4, 5 and 6.

use std::time::Duration;

use super::{
    HEADERS, OptionReader, RawValue,
    custom::{SecretCollector, members},
    reader::split_words,
    refresh_token,
};
use crate::{
    json::Json,
    provider::{
        Authorization, CowStr, ErrorMatcher, ExpiryField, GrantProtocol, Operation, Profile,
        RefreshTokenExpiry, TokenSource, Variable,
        error_rules::{OAUTH_DENIED, OAUTH_OUTAGE},
        profile::strings,
    },
};

/// Reads the token endpoint `oauth` of `provider`.
pub(super) fn read(
    provider: &OptionReader<'_>,
    oauth: &OptionReader<'_>,
    profile: &mut Profile,
    secrets: &mut SecretCollector,
) {
    oauth.allow_only(
        "tokenEndpoint grant clientId clientSecret clientAuthentication username password refreshToken refreshTokenRotation parameters",
    );
    let url = oauth.required_text("tokenEndpoint", "the URL of the token endpoint");
    let grant = oauth.keyword("grant", GRANTS).unwrap_or("client_credentials");
    let (authorization, mut client) = client(oauth, secrets);
    if let Some(parameters) = oauth.map("parameters", "{ name: value }") {
        for (name, variable) in members(&parameters, secrets) {
            if split_words(OWN_FIELDS).contains(&&*name) {
                parameters
                    .report_at(&name, &["is a field that `oauth` sends by its own options; leave it out"]);
            }
            if !matches!(&variable, Variable::Secret(_) | Variable::Literal(Json::Text(_))) {
                parameters.report_invalid(&name, "a string, or a function that returns one");
            }
            client.push((name, variable));
        }
    }
    let operation = |grant_type: &'static str, own: Vec<(CowStr, Variable)>| {
        let mut variables = vec![("grant_type".into(), Variable::Literal(Json::text(grant_type)))];
        variables.extend(own);
        variables.extend(client.iter().cloned());
        Operation {
            protocol: GrantProtocol::Form,
            url: Some(url.clone()),
            document: "".into(),
            variables,
            authorization: authorization.clone(),
        }
    };
    let mut credential =
        |key: &'static str, hint| Variable::Secret(secrets.add(oauth.path(key), oauth.secret(key, hint)));
    // A `scope` in `parameters` is that of all sessions.
    let has_scope = client.iter().any(|(name, _)| name == "scope");
    let scope = (!has_scope).then(|| ("scope".into(), Variable::Scopes));
    let own = match grant {
        "password" => {
            // A name is not secret, and sessions can select it. A function receives the selector instead.
            let username = match oauth.get("username") {
                Some(name @ RawValue::Text(_)) => {
                    oauth.secret("username", USERNAME);
                    Variable::Literal(name.clone())
                }
                _ => credential("username", USERNAME),
            };
            let password = credential("password", "the user's password");
            let mut own = vec![("username".into(), username), ("password".into(), password)];
            own.extend(scope);
            own
        }
        // One refresh token is valid for one session, so sessions cannot request scopes of their own.
        "refresh_token" => vec![("refresh_token".into(), credential("refreshToken", "the refresh token"))],
        _ => scope.into_iter().collect(),
    };
    for (of, key) in [("password", "username"), ("password", "password"), ("refresh_token", "refreshToken")] {
        if grant != of && oauth.get(key).is_some() {
            oauth.report_at(key, &["belongs to the grant \"", of, "\"; set `grant`, or leave it out"]);
        }
    }
    profile.authenticate = operation(grant, own);
    profile.renew = Some(operation("refresh_token", vec![("refresh_token".into(), Variable::RefreshToken)]));
    if let Some(headers) = provider.map("headers", HEADERS) {
        headers.append_headers(&mut profile.headers);
    }
    profile.token = TokenSource::Data(strings("access_token"));
    profile.refresh_token = strings("refresh_token");
    profile.refresh_rules.rotation = refresh_token::rotation(oauth, "refreshTokenRotation");
    profile.refresh_rules.expiry = Some(RefreshTokenExpiry {
        field: Some(ExpiryField::ExpiresIn { paths: strings(REFRESH_EXPIRY), unit: Duration::from_secs(1) }),
        lifetime: None,
    });
    profile.scopes = strings("scope");
    profile.expiry =
        Some(ExpiryField::ExpiresIn { paths: strings("expires_in"), unit: Duration::from_secs(1) });
    profile.advice = "the client's id and secret, and the credentials of the grant";
    let rules = &mut profile.error_rules;
    if provider.get("denied").is_none() {
        rules.denied = OAUTH_DENIED;
    }
    if provider.get("unavailable").is_none() {
        rules.outage = OAUTH_OUTAGE;
    }
    if provider.get("throttled").is_none() {
        rules.rate_limited = ErrorMatcher::of(&[429], "slow_down");
    }
}

/// Reads the authentication of the client: the header, and the fields of each request.
pub(super) fn client(
    oauth: &OptionReader<'_>,
    secrets: &mut SecretCollector,
) -> (Authorization, Vec<(CowStr, Variable)>) {
    let client_id = oauth.required_text("clientId", "the client's id");
    let id = ("client_id".into(), Variable::Literal(Json::text(&*client_id)));
    let has_secret = oauth.get("clientSecret").is_some();
    let default = if has_secret { "client_secret_basic" } else { "none" };
    let method = oauth.keyword("clientAuthentication", METHODS).unwrap_or(default);
    if method == "none" {
        if has_secret {
            oauth.report_at("clientSecret", &["is not sent with the authentication \"none\"; leave one out"]);
        }
        return (Authorization::None, vec![id]);
    }
    let source = oauth.secret("clientSecret", "the client's secret");
    let secret = secrets.add(oauth.path("clientSecret"), source);
    if method == "client_secret_post" {
        return (Authorization::None, vec![id, ("client_secret".into(), Variable::Secret(secret))]);
    }
    (Authorization::ClientSecretBasic { client_id, secret }, Vec::new())
}

/// Fields that have options of their own. A server rejects a field that is sent twice (section 3.2).
const OWN_FIELDS: &str = "grant_type client_id client_secret username password refresh_token";

const USERNAME: &str = "the user's name";
const GRANTS: &str = "client_credentials password refresh_token";
const METHODS: &str = "client_secret_basic client_secret_post none";

/// The lifetime of the refresh token, which RFC 6749 does not define. GitHub, Shopify and Microsoft use the first name, and
/// Keycloak the second.
const REFRESH_EXPIRY: &str = "refresh_token_expires_in|refresh_expires_in";
