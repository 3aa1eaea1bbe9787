//! User-supplied providers: a `Profile` object or a `grant` function.

use std::time::Duration;

use super::{
    GrantSource, HEADERS, OptionReader, ProviderConfig, RawValue, SecretSource,
    error_rules::error_rules,
    expiry::{self, EXPIRY},
    oauth,
    reader::{is_header_name, split_words},
    refresh_token,
    table::{COMMON, CUSTOM},
    validation_error::{concat, item_path, redacted_key},
};
use crate::{
    json::Function,
    provider::{
        Authorization, CowStr, DefaultFailure, GrantProtocol, IdForm, Issuer, Lifetime, Operation,
        Presentation, Profile, RefreshTokenRules, Revocation, RotationHeader, SameSession, SecretId,
        SelectorPolicy, StringList, TokenShape, TokenSource, Variable, option::Values,
    },
};

/// Reads the object `provider` together with the other `options`.
pub(super) fn read<'a>(
    provider: &OptionReader<'_>,
    options: &OptionReader<'a>,
) -> (ProviderConfig, Values<'a>) {
    let values = options.read(&CUSTOM, &COMMON, Vec::new());
    let scopes = values.scopes().unwrap_or_default();
    provider.allow_only(&concat(&[
        "name endpoint present sliding refused throttled unavailable revoke grant ",
        GRANT_KEYS,
    ]));
    let grant = provider.function("grant");
    for key in split_words(GRANT_KEYS) {
        if grant.is_some() && provider.get(key).is_some() {
            options.report(&[
                "options `provider.grant` and `provider.",
                key,
                "` exclude each other; describe the API or give a function, not both",
            ]);
        }
    }
    let name = provider.required_text("name", "a short name for messages, for example \"acme\"");
    if !name.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') || name.len() > 40 {
        provider.report_invalid("name", "at most 40 characters of visible ASCII");
    }
    let own_endpoint = "the URL of the GraphQL API";
    let own = provider.text("endpoint", own_endpoint);
    let endpoint = values.text("endpoint").or(own);
    let mut secrets = SecretCollector::default();
    if endpoint.is_none() {
        provider.report_invalid("endpoint", own_endpoint);
    }
    let mut profile = base_profile(name, endpoint.unwrap_or_default(), provider);
    profile.has_session_secrets = true;
    let grant_source = if let Some(grant) = grant {
        GrantSource::Function(grant)
    } else {
        if let Some(oauth) = provider.map("oauth", "{ tokenEndpoint, clientId, clientSecret }") {
            for key in split_words(OAUTH_EXCLUDES) {
                if provider.get(key).is_some() {
                    provider.report_at(key, &["and `oauth` exclude each other; leave one of them out"]);
                }
            }
            oauth::read(provider, &oauth, &mut profile, &mut secrets);
            let parameters = oauth.map("parameters", "");
            if parameters.is_some_and(|it| it.get("scope").is_some()) && !scopes.is_empty() {
                options.report_at("scopes", &["and `oauth.parameters.scope` say the same; give one of them"]);
            }
        } else {
            read_grant(provider, &mut profile, &mut secrets);
            if provider.get("denied").is_none() {
                profile.default_failure = DefaultFailure::InvalidCredentialsIfExecuted;
            }
        }
        profile.secrets = StringList::Owned(secrets.names);
        // One refresh token is valid for one session.
        let is_of_one = profile.refresh_rules.has_initial
            || profile.authenticate.has_variable("refresh_token") && provider.get("oauth").is_some();
        profile.selector_policy = if is_of_one {
            SelectorPolicy::Nothing
        } else {
            SelectorPolicy::PlainVariables { optional: &[], form: IdForm::Any }
        };
        GrantSource::Profile(secrets.sources)
    };
    profile.revocation = revocation(provider, &profile.refresh_rules);
    if let Some(lifetime) = values.given_millis("lifetimeMs") {
        profile.lifetime = Lifetime::AtMost(lifetime);
    }
    (ProviderConfig { profile, grant_source, scopes }, values)
}

/// Returns a profile without grants: only the error rules and the token rotation are read from `description`.
pub(super) fn base_profile(name: String, endpoint: String, description: &OptionReader<'_>) -> Profile {
    Profile {
        name: name.into(),
        endpoint: endpoint.into(),
        issuer: Issuer::Provider,
        credentials_mode: None,
        headers: Vec::new(),
        authenticate: Operation::ABSENT,
        renew: None,
        revocation: None,
        application_scopes: None,
        schema_names: &[],
        token: TokenSource::Data(StringList::default()),
        refresh_token: StringList::default(),
        refresh_rules: RefreshTokenRules::default(),
        scopes: StringList::default(),
        expiry: None,
        lifetime: Lifetime::Assumed(DEFAULT_LIFETIME),
        rotation: rotation(description),
        presentation: presentation(description),
        error_rules: error_rules(description),
        default_failure: DefaultFailure::Protocol,
        environment: None,
        advice: "what `authenticate` identifies with",
        secrets: StringList::default(),
        has_session_secrets: false,
        selector_policy: SelectorPolicy::Any,
        quotable: &[],
        known_scopes: StringList::default(),
    }
}

/// Keys that describe grants, which exclude a `grant` function.
const GRANT_KEYS: &str = "authenticate renew token refreshToken scopes expiry headers denied oauth";

/// Keys that `oauth` replaces.
const OAUTH_EXCLUDES: &str = "authenticate renew token refreshToken scopes expiry";

/// Lifetime where none is stated: long enough to limit the load on the API, short enough that rejected calls are rare.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(5 * 60);

/// Secrets in the order of their ids.
#[derive(Default)]
pub(super) struct SecretCollector {
    names: Vec<String>,
    sources: Vec<SecretSource>,
    /// Purpose of the operation that is read.
    purpose: Purpose,
    /// Set if a placeholder stands for a token.
    has_token: bool,
}

/// Purpose of the operation that is read, which decides on its placeholders.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Purpose {
    #[default]
    Authenticate,
    /// An operation that may contain the access token.
    Renew,
    /// An operation that may contain the access token.
    Revoke,
    /// A form, which has strings alone and no placeholders.
    RevokeForm,
}

impl SecretCollector {
    /// Adds a secret.
    pub(super) fn add(&mut self, name: String, source: SecretSource) -> SecretId {
        self.names.push(name);
        self.sources.push(source);
        SecretId(self.sources.len() - 1)
    }
}

/// Reads the description of grants.
fn read_grant(provider: &OptionReader<'_>, profile: &mut Profile, secrets: &mut SecretCollector) {
    let has_initial = matches!(provider.get("refreshToken"), Some(RawValue::Map(_)))
        && provider.map("refreshToken", "").is_some_and(|it| it.get("initial").is_some());
    if !has_initial || provider.get("authenticate").is_some() {
        let authenticate = provider.required_map(
            "authenticate",
            "{ document, variables, authorization }, or a `grant` function instead",
        );
        profile.authenticate = operation(&authenticate, secrets);
    }
    let renew = provider.map("renew", "{ document, variables, authorization }");
    secrets.purpose = Purpose::Renew;
    profile.renew = renew.map(|renew| operation(&renew, secrets));
    profile.token = token(provider);
    refresh_token::read(provider, profile, secrets);
    profile.scopes = paths(provider, "scopes");
    if let Some(headers) = provider.map("headers", HEADERS) {
        headers.append_headers(&mut profile.headers);
    }
    let needs_refresh_token = profile.renew.as_ref().is_some_and(|renew| !renew.presents_access_token());
    if needs_refresh_token && profile.refresh_token.is_empty() && profile.refresh_rules.cookie.is_none() {
        provider.report_invalid("refreshToken", "{ data: path } so that `renew` has something to present");
    }
    let described = expiry::read(provider, &provider.required_map("expiry", EXPIRY));
    profile.expiry = described.field;
    if let Some(lifetime) = described.lifetime {
        profile.lifetime = Lifetime::AtMost(lifetime);
    }
}

/// Reads `revoke`: a GraphQL operation, or `{ url, parameters, authorization }` for a form.
fn revocation(provider: &OptionReader<'_>, refresh_rules: &RefreshTokenRules) -> Option<Box<Revocation>> {
    let given = provider.map("revoke", "{ document, variables, authorization } or { url, parameters }")?;
    let url = given.text("url", "the URL of the revocation endpoint");
    let purpose = if url.is_some() { Purpose::RevokeForm } else { Purpose::Revoke };
    let mut secrets = SecretCollector { purpose, ..SecretCollector::default() };
    let operation = match url {
        None => operation(&given, &mut secrets),
        Some(url) => form(url, &given, provider, &mut secrets),
    };
    let SecretCollector { names, sources, has_token, .. } = secrets;
    // The cookie of a refresh token is sent with each operation.
    if purpose == Purpose::Revoke && !has_token && refresh_rules.cookie.is_none() {
        provider.report_at(
            "revoke",
            &["names no token to revoke; give \"$accessToken\" or \"$refreshToken\" in `variables`, or \
             \"$accessToken\" as `authorization.bearer`"],
        );
    }
    Some(Box::new(Revocation { operation, has_headers: true, secrets: StringList::Owned(names), sources }))
}

/// Reads the form of RFC 7009 section 2.1.
fn form(
    url: String,
    given: &OptionReader<'_>,
    provider: &OptionReader<'_>,
    secrets: &mut SecretCollector,
) -> Operation {
    given.allow_only("url parameters authorization");
    let parameters = given.map("parameters", "{ name: value }");
    let mut variables = parameters.map(|given| members(&given, secrets)).unwrap_or_default();
    for own in ["token", "token_type_hint"] {
        if variables.iter().any(|(name, _)| *name == own) {
            given.report_at(
                "parameters",
                &["cannot have `", own, "`, which is sent for each token; leave it out"],
            );
        }
    }
    variables.push(("token".into(), Variable::AccessToken));
    variables.push(("token_type_hint".into(), Variable::TokenTypeHint));
    // The client identifies itself as it does for a grant.
    let own = given.get("authorization").is_some();
    let authorization = match provider.get("oauth") {
        // `parameters` may identify the client in another way.
        Some(RawValue::Map(oauth))
            if !own && !variables.iter().any(|(name, _)| name.starts_with("client_")) =>
        {
            let oauth = provider.nested("oauth", oauth);
            let (authorization, fields) = oauth::client(&oauth, secrets);
            variables.extend(fields);
            // An assertion identifies the client (RFC 7523 section 2.2).
            if let Some(parameters) = oauth.map("parameters", "") {
                let fields = members(&parameters, secrets).into_iter();
                variables.extend(fields.filter(|(name, _)| name.starts_with("client_")));
            }
            authorization
        }
        _ => {
            let source = if own { None } else { provider.map("authenticate", "") };
            authorization(source.as_ref().unwrap_or(given), secrets)
        }
    };
    Operation { protocol: GrantProtocol::Form, url: Some(url), document: "".into(), variables, authorization }
}

/// The variable that stands for the access token.
const ACCESS_TOKEN: &str = "$accessToken";

/// The variable that stands for the refresh token.
const REFRESH_TOKEN: &str = "$refreshToken";

const PLACEHOLDERS: &str = "\"$refreshToken\", \"$accessToken\" and \"$scopes\"";

/// Returns whether a string has the form of a placeholder. It would be sent as it is, which is never intended.
fn is_placeholder(text: &str) -> bool {
    matches!(text.as_bytes(), [b'$', letter, ..] if letter.is_ascii_alphabetic())
}

/// Expected value of a path.
pub(super) const PATH: &str = "a path below `data`, for example \"login.token\"";

fn operation(given: &OptionReader<'_>, secrets: &mut SecretCollector) -> Operation {
    given.allow_only("document variables authorization endpoint json");
    let is_json = given.get("json").is_some();
    let (protocol, content) =
        if is_json { (GrantProtocol::Json, "json") } else { (GrantProtocol::GraphQl, "variables") };
    let mut document = String::new();
    if is_json {
        if given.get("document").is_some() || given.get("variables").is_some() {
            given.report_at("json", &["and `document` exclude each other; give one of them"]);
        }
        given.required_text("endpoint", "the URL that the JSON is sent to");
    } else {
        document = given.required_text("document", "a GraphQL document as a string");
    }
    let variables = given.map(content, "{ name: value }");
    Operation {
        protocol,
        url: given.text("endpoint", "a URL, if it is not the endpoint of the API"),
        variables: variables.map(|variables| members(&variables, secrets)).unwrap_or_default(),
        document: document.into(),
        authorization: authorization(given, secrets),
    }
}

/// Reads variables.
pub(super) fn members(given: &OptionReader<'_>, secrets: &mut SecretCollector) -> Vec<(CowStr, Variable)> {
    let mut variables = Vec::new();
    for (key, value) in given.members() {
        if !matches!(value, RawValue::Missing) {
            variables.push((key.clone().into(), variable(given, redacted_key(key), value, secrets)));
        }
    }
    variables
}

fn variable(
    within: &OptionReader<'_>,
    key: &str,
    value: &RawValue,
    secrets: &mut SecretCollector,
) -> Variable {
    let is_form = secrets.purpose == Purpose::RevokeForm;
    if is_form && !matches!(value, RawValue::Text(_) | RawValue::Function(_)) {
        within.report_value(key, value.kind(), "a string, or a function that returns a secret");
        return Variable::Absent;
    }
    match value {
        RawValue::Text(text) if !is_form && text.as_str() == REFRESH_TOKEN => {
            secrets.has_token = true;
            check_has_token(within, key, REFRESH_TOKEN, secrets.purpose);
            Variable::RefreshToken
        }
        RawValue::Text(text) if !is_form && text.as_str() == "$scopes" => Variable::Scopes,
        RawValue::Text(text) if !is_form && text.as_str() == ACCESS_TOKEN => {
            secrets.has_token = true;
            check_has_token(within, key, ACCESS_TOKEN, secrets.purpose);
            Variable::AccessToken
        }
        RawValue::Text(text) if is_placeholder(text) => {
            within.report_at(
                key,
                &[
                    "looks like a placeholder, and none is named so here: there are ",
                    PLACEHOLDERS,
                    "; to send it as it is, give a function that returns it",
                ],
            );
            Variable::Absent
        }
        RawValue::Function(function) => {
            Variable::Secret(secrets.add(within.path(key), SecretSource::Function(Function::clone(function))))
        }
        RawValue::Map(inner) => Variable::Map(members(&within.nested(key, inner), secrets)),
        RawValue::List(items) => {
            let mut variables = Vec::new();
            for (index, value) in items.iter().enumerate() {
                variables.push(variable(within, &item_path(key, index), value, secrets));
            }
            Variable::List(variables)
        }
        RawValue::Missing
        | RawValue::Null
        | RawValue::Bool(_)
        | RawValue::Number(_)
        | RawValue::Text(_)
        | RawValue::IllFormed
        | RawValue::Other => {
            if !value.is_json() {
                within.report_value(key, value.kind(), "JSON, or a function that returns a secret");
            }
            Variable::Literal(value.clone())
        }
    }
}

/// Reports a placeholder of a token in `authenticate`, which is sent where there is no token.
fn check_has_token(within: &OptionReader<'_>, key: &str, placeholder: &str, purpose: Purpose) {
    if purpose == Purpose::Authenticate {
        within.report_at(
            key,
            &["is \"", placeholder, "\", which only `renew` and `revoke` have; leave it out"],
        );
    }
}

fn authorization(given: &OptionReader<'_>, secrets: &mut SecretCollector) -> Authorization {
    let hint = "\"none\", { basic: secret }, { basic: { username, password } } or { bearer: secret }";
    if given.get("authorization").is_none_or(|it| it.as_words() == Some("none")) {
        return Authorization::None;
    }
    let object = given.required_map("authorization", hint);
    object.allow_only("basic bearer");
    match (secrets.purpose, object.get("bearer").and_then(RawValue::as_words)) {
        (Purpose::Renew | Purpose::Revoke, Some(ACCESS_TOKEN)) => {
            secrets.has_token = true;
            return Authorization::AccessToken;
        }
        (Purpose::Renew, Some(REFRESH_TOKEN)) => return Authorization::RefreshToken,
        _ => {}
    }
    for key in split_words("basic bearer") {
        if object.get(key).and_then(RawValue::as_text).is_some_and(is_placeholder) {
            object.report_at(
                key,
                &["looks like a placeholder, which this operation does not have; give a secret"],
            );
        }
    }
    let mut secret =
        |from: &OptionReader<'_>, key: &str, hint: &str| secrets.add(from.path(key), from.secret(key, hint));
    match (object.get("basic"), object.get("bearer")) {
        (Some(RawValue::Map(members)), None) => {
            let pair = object.nested("basic", members);
            pair.allow_only("username password");
            Authorization::BasicPair {
                username: pair.basic_user_name("username", "the user name"),
                password: secret(&pair, "password", "the password"),
            }
        }
        (Some(_), None) => Authorization::Basic(secret(&object, "basic", "the credentials, already encoded")),
        (None, Some(_)) => Authorization::Bearer(secret(&object, "bearer", "the token to identify with")),
        _ => {
            given.report_not_exactly_one("authorization", hint);
            Authorization::None
        }
    }
}

fn token(provider: &OptionReader<'_>) -> TokenSource {
    let hint = "{ data: \"login.token\" }, { header: \"x-authorization\" } or { cookie: \"token\" }";
    let given = provider.required_map("token", hint);
    given.allow_only("data header cookie");
    let paths = given.path_list("data", PATH);
    let headers = headers(&given);
    let cookie = cookie_name(&given);
    if usize::from(paths.is_some()) + usize::from(headers.is_some()) + usize::from(cookie.is_some()) != 1 {
        provider.report_not_exactly_one("token", hint);
    }
    match (headers, cookie) {
        (Some(headers), _) => TokenSource::Headers(headers),
        (None, Some(cookie)) => TokenSource::Cookie(cookie),
        (None, None) => TokenSource::Data(StringList::Owned(paths.unwrap_or_default())),
    }
}

/// Reads `{ data: path }`; empty where the key is missing.
fn paths(provider: &OptionReader<'_>, key: &str) -> StringList {
    let Some(given) = provider.map(key, "{ data: path }") else { return StringList::default() };
    given.allow_only("data");
    let paths = given.path_list("data", PATH);
    if paths.is_none() {
        given.report_invalid("data", PATH);
    }
    StringList::Owned(paths.unwrap_or_default())
}

/// Reads `cookie`: a token of RFC 9110, as RFC 6265 section 4.1.1 requires. Letters, digits, hyphens and underscores
/// suffice.
pub(super) fn cookie_name(given: &OptionReader<'_>) -> Option<String> {
    let name = given.text("cookie", COOKIE_NAME)?;
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
        given.report_invalid("cookie", COOKIE_NAME);
    }
    Some(name)
}

const COOKIE_NAME: &str = "a cookie's name of letters, digits, hyphens, dots and underscores";

/// Reads `header`: a name or a list of names, in lower case.
fn headers(given: &OptionReader<'_>) -> Option<StringList> {
    let mut names = given.text_list("header", HEADER_NAME)?;
    if !names.iter().all(|name| is_header_name(name)) {
        given.report_invalid("header", "a header's name of letters, digits and hyphens");
    }
    names.iter_mut().for_each(|name| name.make_ascii_lowercase());
    Some(StringList::Owned(names))
}

const HEADER_NAME: &str = "a header's name";

/// Reads `present`. A scheme belongs to `Authorization` (RFC 9110 section 11.6.2); other headers have none unless it is
/// given.
fn presentation(provider: &OptionReader<'_>) -> Presentation {
    let Some(given) = provider.map("present", "{ header, scheme }") else { return Presentation::BEARER };
    given.allow_only("header scheme cookie");
    if let Some(cookie) = cookie_name(&given) {
        if given.get("header").is_some() || given.get("scheme").is_some() {
            given.report_at("cookie", &["and `header` exclude each other; give one of them"]);
        }
        return Presentation { header: "cookie".into(), scheme: (cookie + "=").into() };
    }
    let mut header = given.text("header", HEADER_NAME).unwrap_or_else(|| "authorization".to_owned());
    header.make_ascii_lowercase();
    if !is_header_name(&header) || split_words(RESERVED_HEADERS).contains(&&*header) {
        given.report_value("header", "not a header that can contain a token", HEADER_NAME);
    }
    let default = if header == "authorization" { "Bearer" } else { "" };
    let scheme = match given.get("scheme") {
        None => default,
        Some(value) => {
            let scheme = value.as_text().filter(|scheme| scheme.is_empty() || is_header_name(scheme));
            if scheme.is_none() {
                given.report_invalid("scheme", "a word, for example \"JWT\", or an empty string");
            }
            scheme.unwrap_or_default()
        }
    };
    Presentation { scheme: scheme.to_owned().into(), header: header.into() }
}

/// Headers that requests have for other purposes.
const RESERVED_HEADERS: &str = "accept content-length content-type cookie host";

fn rotation(provider: &OptionReader<'_>) -> Option<RotationHeader> {
    let given = provider.map("sliding", "{ header: \"x-authorization\", sameSession }")?;
    given.allow_only("header sameSession");
    let headers = headers(&given);
    if headers.is_none() {
        given.report_invalid("header", HEADER_NAME);
    }
    let same_session = same_session(&given);
    Some(RotationHeader { headers: headers?, shape: TokenShape::Any, same_session: same_session? })
}

/// Reads `sameSession`. It is required, because a token that nothing identifies may be that of an anonymous session.
fn same_session(sliding: &OptionReader<'_>) -> Option<SameSession> {
    let hint = "how a new token is known to be of the same session: { data: \"me.id\" }, a field that is empty without the \
                session; { claim: \"sub\" }, a claim that both JWTs have; or true, if the API has tokens of no other session \
                in this header";
    match sliding.get("sameSession") {
        Some(RawValue::Bool(true)) => return Some(SameSession::Asserted),
        Some(RawValue::Map(_)) => {}
        _ => {
            sliding.report_invalid("sameSession", hint);
            return None;
        }
    }
    let given = sliding.required_map("sameSession", hint);
    given.allow_only("claim data");
    let claim = given.text("claim", "the name of a claim, for example \"sub\"");
    let paths = given.path_list("data", PATH);
    match (claim, paths) {
        (Some(name), None) => Some(SameSession::Claim(name)),
        (None, Some(paths)) => Some(SameSession::Data(StringList::Owned(paths))),
        _ => {
            sliding.report_not_exactly_one("sameSession", hint);
            None
        }
    }
}
