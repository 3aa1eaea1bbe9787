//! Options of an OAuth 2.0 token endpoint.

use crate::{
    core::RefreshTokenRotation,
    json::Json,
    provider::{Authorization, ExpiryField, GrantProtocol, SecretId, Variable, error_rules::OAUTH_DENIED},
};

use super::*;

/// Minimal options of a token endpoint.
pub(super) fn oauth() -> Value {
    let oauth = map([
        ("tokenEndpoint", text("https://id.acme.test/token")),
        ("clientId", text("client")),
        ("clientSecret", text("planted-secret")),
    ]);
    let provider =
        map([("name", text("acme")), ("endpoint", text("https://api.acme.test/graphql")), ("oauth", oauth)]);
    map([("provider", provider)])
}

fn fields(options: &Value) -> Vec<(String, Variable)> {
    let variables = accepted(options).profile.authenticate.variables;
    variables.into_iter().map(|(name, variable)| (name.into_owned(), variable)).collect()
}

fn field(name: &str, value: &str) -> (String, Variable) {
    (name.to_owned(), Variable::Literal(Json::text(value)))
}

#[test]
fn client_credentials_are_the_default_grant() {
    let config = accepted(&oauth().with("scopes", texts(&["read", "write"])));

    let profile = &config.profile;
    assert_eq!(profile.grant_url(), "https://id.acme.test/token");
    assert_eq!(profile.authenticate.protocol, GrantProtocol::Form);
    let authorization =
        Authorization::ClientSecretBasic { client_id: "client".to_owned(), secret: SecretId(0) };
    assert_eq!(profile.authenticate.authorization, authorization);
    let scope = ("scope".to_owned(), Variable::Scopes);
    assert_eq!(fields(&oauth()), [field("grant_type", "client_credentials"), scope]);
    assert_eq!(profile.secrets, ["provider.oauth.clientSecret"]);
    assert_eq!(profile.error_rules.denied, OAUTH_DENIED);
    let renew = profile.renew.as_ref().expect("a refresh token may be issued");
    assert_eq!(renew.url(profile), "https://id.acme.test/token");
    assert_eq!(renew.authorization, authorization);
    assert_eq!(renew.variables[1], ("refresh_token".into(), Variable::RefreshToken));
}

#[test]
fn the_client_authenticates_by_header_by_fields_or_not_at_all() {
    let method = |method| oauth().with("provider.oauth.clientAuthentication", text(method));
    let by_fields = fields(&method("client_secret_post"));
    assert_eq!(
        by_fields[2..],
        [field("client_id", "client"), ("client_secret".to_owned(), Variable::Secret(SecretId(0)))]
    );

    let public = oauth().without("provider.oauth.clientSecret");
    assert_eq!(fields(&public)[2..], [field("client_id", "client")]);
    assert_eq!(accepted(&public).profile.authenticate.authorization, Authorization::None);

    assert_eq!(rejected(&method("none")), "provider.oauth.clientSecret");
    assert_eq!(
        rejected(&public.with("provider.oauth.clientAuthentication", text("client_secret_basic"))),
        "provider.oauth.clientSecret"
    );
    assert_eq!(rejected(&method("private_key_jwt")), "provider.oauth.clientAuthentication");
}

#[test]
fn each_grant_has_its_own_credentials() {
    let password = oauth()
        .with("provider.oauth.grant", text("password"))
        .with("provider.oauth.username", text("ann"))
        .with("provider.oauth.password", RawValue::Function("password"));
    assert_eq!(
        fields(&password)[..3],
        [
            field("grant_type", "password"),
            field("username", "ann"),
            ("password".to_owned(), Variable::Secret(SecretId(1))),
        ]
    );
    let by_function = password.clone().with("provider.oauth.username", RawValue::Function("username"));
    assert_eq!(fields(&by_function)[1], ("username".to_owned(), Variable::Secret(SecretId(1))));
    for username in ["", "$scopes"] {
        let given = password.clone().with("provider.oauth.username", text(username));
        assert_eq!(rejected(&given), "provider.oauth.username");
    }
    let initial = oauth()
        .with("provider.oauth.grant", text("refresh_token"))
        .with("provider.oauth.refreshToken", RawValue::Function("initial"));
    assert_eq!(fields(&initial)[1], ("refresh_token".to_owned(), Variable::Secret(SecretId(1))));

    for (options, key) in [
        (&oauth(), "username"),
        (&oauth(), "password"),
        (&oauth(), "refreshToken"),
        (&password, "refreshToken"),
        (&initial, "password"),
    ] {
        let path = format!("provider.oauth.{key}");
        assert_eq!(rejected(&options.clone().with(&path, text("planted"))), path);
    }
}

#[test]
fn parameters_are_sent_with_each_request() {
    let parameters = map([("audience", text("api")), ("assertion", RawValue::Function("sign"))]);
    let profile = accepted(&oauth().with("provider.oauth.parameters", parameters)).profile;

    let own = [
        ("audience".into(), Variable::Literal(Json::text("api"))),
        ("assertion".into(), Variable::Secret(SecretId(1))),
    ];
    assert!(profile.authenticate.variables.ends_with(&own));
    assert!(profile.renew.unwrap().variables.ends_with(&own));

    let number = map([("audience", number(1.0))]);
    let options = oauth().with("provider.oauth.parameters", number);
    assert_eq!(rejected(&options), "provider.oauth.parameters.audience");
}

#[test]
fn a_token_endpoint_excludes_what_it_replaces() {
    for (key, value) in [
        ("authenticate", map([("document", text("mutation"))])),
        ("renew", map([("document", text("mutation"))])),
        ("token", map([("data", text("token"))])),
        ("refreshToken", map([("data", text("token"))])),
        ("scopes", map([("data", text("scopes"))])),
        ("expiry", map([("jwt", RawValue::Bool(true))])),
    ] {
        let path = format!("provider.{key}");
        assert_eq!(rejected(&oauth().with(&path, value)), path);
    }
    for key in ["tokenEndpoint", "clientId"] {
        let path = format!("provider.oauth.{key}");
        assert_eq!(rejected(&oauth().without(&path)), path);
    }
    assert_eq!(
        rejected(&oauth().with("provider.oauth.tokenEndpoint", text("http://id.acme.test/token"))),
        "provider.oauth.tokenEndpoint"
    );
}

#[test]
fn a_revocation_endpoint_receives_the_client_as_the_token_endpoint_does() {
    let revoked = |method| {
        let options = oauth()
            .with("provider.oauth.clientAuthentication", text(method))
            .with("provider.revoke.url", text("https://id.acme.test/revoke"));
        accepted(&options).profile.revocation.expect("one")
    };

    let by_header = revoked("client_secret_basic");
    let authorization =
        Authorization::ClientSecretBasic { client_id: "client".to_owned(), secret: SecretId(0) };
    assert_eq!(by_header.operation.authorization, authorization);
    assert_eq!(by_header.sources.len(), 1);

    let by_fields = revoked("client_secret_post").operation;
    assert_eq!(by_fields.authorization, Authorization::None);
    assert!(by_fields.has_variable("client_id") && by_fields.has_variable("client_secret"));
}

#[test]
fn sessions_select_scopes_the_user_and_parameters_but_nothing_of_the_client() {
    let selected = |options: &Value, name: &str| {
        let selector = map([(name, if name == "scopes" { texts(&["read"]) } else { text("other") })]);
        read_selector(&selector, &accepted(options)).map_err(|error| error.code)
    };
    let parameters = map([
        ("audience", text("api")),
        ("client_assertion_type", text("jwt")),
        ("resource", RawValue::Function("resource")),
    ]);
    let options = oauth().with("provider.oauth.parameters", parameters);
    let password = options
        .clone()
        .with("provider.oauth.grant", text("password"))
        .with("provider.oauth.username", text("ann"))
        .with("provider.oauth.password", RawValue::Function("password"));
    let initial = options
        .clone()
        .with("provider.oauth.grant", text("refresh_token"))
        .with("provider.oauth.refreshToken", text("planted"));

    for (options, names) in [
        (&options, &["scopes", "audience"][..]),
        (&password, &["scopes", "audience", "username"]),
        (&initial, &[]),
    ] {
        for name in [
            "scopes",
            "audience",
            "username",
            "password",
            "grant_type",
            "scope",
            "client_id",
            "client_secret",
            "client_assertion_type",
            "resource",
            "refresh_token",
        ] {
            assert_eq!(selected(options, name).is_ok(), names.contains(&name), "{name}");
        }
    }
}

#[test]
fn a_field_is_not_sent_twice() {
    for name in ["grant_type", "client_id", "client_secret", "refresh_token", "username", "password"] {
        let path = format!("provider.oauth.parameters.{name}");
        assert_eq!(rejected(&oauth().with(&path, text("a"))), path);
    }
    let scoped = oauth().with("provider.oauth.parameters.scope", text("manage:project"));
    assert_eq!(
        fields(&scoped),
        [field("grant_type", "client_credentials"), field("scope", "manage:project")]
    );
    assert_eq!(rejected(&scoped.with("scopes", texts(&["read"]))), "scopes");
    // At a revocation endpoint, `parameters` may identify the client themselves.
    let parameters = map([("client_id", text("other")), ("client_secret", RawValue::Function("secret"))]);
    let options = oauth()
        .with("provider.revoke.url", text("https://id.acme.test/revoke"))
        .with("provider.revoke.parameters", parameters);
    let revocation = accepted(&options).profile.revocation.expect("one");
    assert_eq!(revocation.operation.authorization, Authorization::None);
    let count = |name| revocation.operation.variables.iter().filter(|(own, _)| *own == name).count();
    assert_eq!((count("client_id"), count("client_secret")), (1, 1));
}

#[test]
fn an_assertion_identifies_the_client_at_both_endpoints() {
    let options = oauth()
        .without("provider.oauth.clientSecret")
        .with("provider.oauth.parameters.client_assertion", RawValue::Function("sign"))
        .with("provider.oauth.parameters.audience", text("api"))
        .with("provider.revoke.url", text("https://id.acme.test/revoke"));

    let operation = accepted(&options).profile.revocation.expect("one").operation;

    assert!(operation.has_variable("client_id") && operation.has_variable("client_assertion"));
    assert!(!operation.has_variable("audience"));
}

#[test]
fn headers_of_the_profile_are_sent_to_the_token_endpoint() {
    let profile = accepted(&oauth().with("provider.headers", map([("X-Tenant", text("7"))]))).profile;

    assert_eq!(profile.headers, [("x-tenant".to_owned(), SecretSource::Text(Secret::new("7")))]);
}

#[test]
fn no_header_replaces_the_one_that_contains_the_token() {
    let options = oauth()
        .with("provider.present", map([("header", text("X-Token"))]))
        .with("headers", map([("x-token", text("constant"))]));

    assert_eq!(rejected(&options), "headers");
}

#[test]
fn refresh_tokens_of_a_token_endpoint_may_rotate_and_state_their_lifetime() {
    let rules = |options: &Value| accepted(options).profile.refresh_rules;
    let options = oauth().with("provider.oauth.refreshTokenRotation", text("retry-previous"));

    assert_eq!(rules(&oauth()).rotation, RefreshTokenRotation::Strict);
    assert_eq!(rules(&options).rotation, RefreshTokenRotation::RetryPrevious);
    let field = rules(&oauth()).expiry.and_then(|expiry| expiry.field);
    let Some(ExpiryField::ExpiresIn { paths, .. }) = field else { panic!("{field:?}") };
    assert_eq!(paths, ["refresh_token_expires_in", "refresh_expires_in"]);
    let wrong = oauth().with("provider.oauth.refreshTokenRotation", text("loose"));
    assert_eq!(rejected(&wrong), "provider.oauth.refreshTokenRotation");
}
