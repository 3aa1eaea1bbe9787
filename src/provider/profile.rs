//! Description of an API and its tokens.

use std::{borrow::Cow, fmt, time::Duration, vec};

use super::{DefaultFailure, ErrorRules, SecretSource, fluz::Environment};
use crate::{
    core::{RefreshTokenRotation, Scoping},
    json::Json,
};

/// An API: the source of its tokens, their form, and how errors are recognized.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Name in messages and errors, for example `fluz`.
    pub name: CowStr,
    /// URL of the GraphQL API, and of each operation that has no URL of its own.
    pub endpoint: CowStr,
    /// Server that issues the tokens.
    pub issuer: Issuer,
    /// `credentials` mode of `fetch` in grant requests; the default of `fetch` where `None`.
    pub credentials_mode: Option<&'static str>,
    /// Headers of grant requests, names in lower case. A value may be a secret, such as the key of a gateway. The values
    /// that functions return follow the secrets of the operation, in the order of the headers.
    pub headers: Vec<(String, SecretSource)>,
    /// Obtains a token with the long-lived credentials.
    pub authenticate: Operation,
    /// Obtains a token with a refresh token.
    pub renew: Option<Operation>,
    /// Revokes tokens at a sign-out, where the API can.
    pub revocation: Option<Box<Revocation>>,
    /// Lists the scopes that the application may request, in the only field below `data`.
    pub application_scopes: Option<Operation>,
    /// Names in the documents that differ between versions of the schema.
    pub schema_names: &'static [SchemaName],
    /// Location of the token in a response.
    pub token: TokenSource,
    /// Paths of the refresh token below `data`.
    pub refresh_token: StringList,
    /// Expiry and rotation of refresh tokens.
    pub refresh_rules: RefreshTokenRules,
    /// Paths of the granted scopes below `data`.
    pub scopes: StringList,
    /// Location of the expiry in a response.
    pub expiry: Option<ExpiryField>,
    /// Lifetime known in advance.
    pub lifetime: Lifetime,
    /// Headers in which API responses return a new token.
    pub rotation: Option<RotationHeader>,
    /// Header of requests that contains the token.
    pub presentation: Presentation,
    /// Recognizes errors in responses.
    pub error_rules: ErrorRules,
    /// Meaning of errors that match no rule, in response to a grant.
    pub default_failure: DefaultFailure,
    /// The option `environment`, where the provider has more than one.
    pub environment: Option<Environment>,
    /// Advice when credentials are rejected; follows "check" in a message.
    pub advice: &'static str,
    /// Option name of each [`SecretId`].
    pub secrets: StringList,
    /// Set if secret functions receive the selector of the session, so that each identity may have secrets of its own.
    pub has_session_secrets: bool,
    /// Variables that a session may select, besides scopes.
    pub selector_policy: SelectorPolicy,
    /// Names of the variables and headers that are no secrets whatever their values, so that errors may quote them.
    pub quotable: &'static [&'static str],
    /// The scopes that are documented, for suggestions. An API may have others.
    pub known_scopes: StringList,
}

impl Profile {
    /// Returns whether tokens with different scopes can be requested.
    pub fn scoping(&self) -> Scoping {
        let is_scopes = |it: &Variable| *it == Variable::Scopes;
        let named = self.authenticate.variables.iter().any(|(_, variable)| variable.any(&is_scopes));
        let is_by_request = named || self.selector_policy == SelectorPolicy::Any;
        // One refresh token is valid for one session, so sessions cannot request scopes of their own.
        let is_shared = self.refresh_rules.has_initial;
        if is_by_request && !is_shared { Scoping::ByRequest } else { Scoping::Fixed }
    }

    /// Resolves the variables of `operation`: a selected value replaces the constant at its path, `fill` returns the values
    /// that change per request, and variables selected without a value are omitted.
    pub fn resolve_variables(
        &self,
        operation: &Operation,
        chosen: &[SelectedVariable],
        fill: &dyn Fn(&Variable) -> Json,
    ) -> Vec<(String, Json)> {
        let mut filled = Vec::new();
        for (name, variable) in &operation.variables {
            let value = match (variable.selected(name, chosen), variable) {
                (Some(value), _) => value.clone(),
                (None, Variable::Absent) => None,
                (None, variable) => Some(variable.resolve(name, chosen, fill)),
            };
            if let Some(value) = value {
                filled.push((name.clone().into_owned(), value));
            }
        }
        if self.selector_policy == SelectorPolicy::Any {
            for (name, value) in chosen {
                if let Some(value) = value
                    && !operation.has_variable(name)
                {
                    filled.push((name.clone(), value.clone()));
                }
            }
        }
        filled
    }
}

/// The path of a variable that a session selected (see [`path_of`]), or its name where any can be selected, and the value;
/// omitted where that is `None`.
pub type SelectedVariable = (String, Option<Json>);

/// Returns the path of a member or an item: the names and list positions from the variables to it, separated by dots.
pub fn path_of(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { [parent, ".", name].concat() }
}

/// Grant variables that a session may select.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SelectorPolicy {
    /// No variables.
    Nothing,
    /// Each constant scalar in the variables of [`Profile::authenticate`], at any depth.
    PlainVariables {
        /// Variables that may be omitted.
        optional: &'static [&'static str],
        /// Form of the strings.
        form: IdForm,
    },
    /// Any variables, which are passed to a user-supplied function or to a broker.
    Any,
}

/// Form of the ids that a session selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdForm {
    /// Any string.
    Any,
    /// A UUID (RFC 9562 section 4).
    Uuid,
}

impl Profile {
    /// Returns whether a token or a refresh token is in a cookie.
    pub fn reads_cookies(&self) -> bool {
        self.refresh_rules.cookie.is_some() || matches!(self.token, TokenSource::Cookie(_))
    }

    /// Returns whether a token or a refresh token is in a cookie of a response or of a request.
    pub fn uses_cookies(&self) -> bool {
        self.reads_cookies() || self.presentation.header == "cookie"
    }

    /// Returns the name of the token issuer, for messages and errors.
    pub fn issuer_name(&self) -> &str {
        match self.issuer {
            Issuer::Provider => &self.name,
            Issuer::Broker => "broker",
        }
    }

    /// Returns the URL of grant requests.
    pub fn grant_url(&self) -> &str {
        self.authenticate.url(self)
    }

    /// Returns the option with the URL of an operation, for messages.
    pub fn url_option(&self, operation: &Operation) -> &'static str {
        match (self.issuer, operation.protocol, &operation.url) {
            (Issuer::Broker, ..) => "url",
            (Issuer::Provider, _, None) => "endpoint",
            (Issuer::Provider, GrantProtocol::Form, Some(_)) => "oauth.tokenEndpoint",
            (Issuer::Provider, GrantProtocol::GraphQl | GrantProtocol::Json, Some(_)) => {
                "authenticate.endpoint"
            }
        }
    }

    /// Returns the host of grant requests, for messages. It tells a sandbox from production.
    pub fn grant_host(&self) -> &str {
        let url = self.grant_url();
        let host = url.split_once("//").and_then(|(_, rest)| rest.split(['/', '?', '#']).next());
        host.filter(|host| !host.contains('@')).unwrap_or("its endpoint")
    }
}

/// The revocation of tokens.
#[derive(Clone, Debug)]
pub struct Revocation {
    /// A GraphQL operation, which has both tokens, or a form for each token (RFC 7009): its fields are the variables.
    pub operation: Operation,
    /// Set if the request has the [`headers`](Profile::headers) of grants, which may be secrets of their origin.
    pub has_headers: bool,
    /// Option name of each [`SecretId`] of the operation. They are not those of [`Profile::secrets`], which are read for
    /// each grant and identify the credentials.
    pub secrets: StringList,
    /// Sources of the secrets.
    pub sources: Vec<SecretSource>,
}

/// Server that issues tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Issuer {
    /// The provider of the API.
    Provider,
    /// A server of the application, which identifies the user of a page. Its tokens may be older than its responses.
    Broker,
}

/// Protocol of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantProtocol {
    /// GraphQL over HTTP.
    GraphQl,
    /// A form request with a JSON object as the response, as at an OAuth 2.0 token endpoint (RFC 6749). The variables are
    /// its fields.
    Form,
    /// A JSON object as the request and as the response. The variables are its members.
    Json,
}

/// Index of a secret in [`Profile::secrets`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretId(pub usize);

/// An operation that returns or revokes a token.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// Protocol of the request.
    pub protocol: GrantProtocol,
    /// URL of the request; [`Profile::endpoint`] where `None`.
    pub url: Option<String>,
    /// The GraphQL document, in which `%name%` is the placeholder of a [`SchemaName`].
    pub document: CowStr,
    /// Variables by name.
    pub variables: Vec<(CowStr, Variable)>,
    /// Authentication of the request.
    pub authorization: Authorization,
}

impl Operation {
    /// Placeholder where a user-supplied function returns the tokens.
    pub const ABSENT: Self = Self {
        protocol: GrantProtocol::GraphQl,
        url: None,
        document: Cow::Borrowed(""),
        variables: Vec::new(),
        authorization: Authorization::None,
    };

    /// Returns the URL of the request to the API with this `profile`.
    pub fn url<'a>(&'a self, profile: &'a Profile) -> &'a str {
        self.url.as_deref().unwrap_or(&profile.endpoint)
    }

    /// Returns whether a variable holds plain data, at any depth.
    pub fn has_literals(&self) -> bool {
        let is_literal = |it: &Variable| matches!(it, Variable::Literal(value) if !value.is_null());
        self.variables.iter().any(|(_, variable)| variable.any(&is_literal))
    }

    /// Returns whether the request contains the access token.
    pub fn presents_access_token(&self) -> bool {
        self.authorization == Authorization::AccessToken
            || self.variables.iter().any(|(_, variable)| variable.any(&|it| *it == Variable::AccessToken))
    }

    /// Returns the operation with a secret in place of the refresh token.
    pub fn with_refresh_token(&self, secret: SecretId) -> Self {
        let mut operation = self.clone();
        for (_, variable) in &mut operation.variables {
            variable.replace_refresh_token(secret);
        }
        if operation.authorization == Authorization::RefreshToken {
            operation.authorization = Authorization::Bearer(secret);
        }
        operation
    }

    /// Returns whether a variable has this name.
    pub fn has_variable(&self, name: &str) -> bool {
        self.variables.iter().any(|(own, _)| own == name)
    }
}

/// Source of the value of a variable.
#[derive(Clone, Debug, PartialEq)]
pub enum Variable {
    /// A constant.
    Literal(Json),
    /// Omitted, unless a session selects it.
    Absent,
    /// A secret, read again for each grant.
    Secret(SecretId),
    /// The refresh token.
    RefreshToken,
    /// The access token, in a renewal or a revocation; in a form of a revocation, the token to revoke.
    AccessToken,
    /// The kind of the token to revoke, in a form (RFC 7009 section 2.1).
    TokenTypeHint,
    /// Digest of the token that the API rejected, if it did.
    RejectedToken,
    /// The requested scopes, as a list.
    Scopes,
    /// An object of variables.
    Map(Vec<(CowStr, Self)>),
    /// A list of variables.
    List(Vec<Self>),
}

impl Variable {
    /// Returns the value, where a session selected others at the paths in `chosen`; `fill` returns the values that change
    /// per request.
    fn resolve(&self, path: &str, chosen: &[SelectedVariable], fill: &dyn Fn(&Self) -> Json) -> Json {
        if let Some(Some(value)) = self.selected(path, chosen) {
            return value.clone();
        }
        match self {
            Self::Literal(value) => value.clone(),
            Self::Map(members) => {
                let mut filled = Vec::new();
                for (name, member) in members {
                    let value = member.resolve(&path_of(path, name), chosen, fill);
                    filled.push((name.clone().into_owned(), value));
                }
                Json::Map(filled)
            }
            Self::List(items) => {
                let mut filled = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    filled.push(item.resolve(&path_of(path, &index.to_string()), chosen, fill));
                }
                Json::List(filled)
            }
            Self::Absent
            | Self::Secret(_)
            | Self::RefreshToken
            | Self::AccessToken
            | Self::TokenTypeHint
            | Self::RejectedToken
            | Self::Scopes => fill(self),
        }
    }

    fn replace_refresh_token(&mut self, secret: SecretId) {
        match self {
            Self::RefreshToken => *self = Self::Secret(secret),
            Self::Map(members) => members.iter_mut().for_each(|(_, it)| it.replace_refresh_token(secret)),
            Self::List(items) => items.iter_mut().for_each(|it| it.replace_refresh_token(secret)),
            Self::Literal(_)
            | Self::Absent
            | Self::Secret(_)
            | Self::AccessToken
            | Self::TokenTypeHint
            | Self::RejectedToken
            | Self::Scopes => {}
        }
    }

    /// Returns the value that a session selected instead of a constant at `path`, if it did.
    pub fn selected<'a>(&self, path: &str, chosen: &'a [SelectedVariable]) -> Option<&'a Option<Json>> {
        if !matches!(self, Self::Literal(_) | Self::Absent) {
            return None;
        }
        chosen.iter().find(|(known, _)| known == path).map(|(_, value)| value)
    }

    /// Returns whether this variable, or one in it, passes `test`.
    fn any(&self, test: &dyn Fn(&Self) -> bool) -> bool {
        match self {
            Self::Map(members) => members.iter().any(|(_, member)| member.any(test)),
            Self::List(items) => items.iter().any(|item| item.any(test)),
            Self::Literal(_)
            | Self::Absent
            | Self::Secret(_)
            | Self::RefreshToken
            | Self::AccessToken
            | Self::TokenTypeHint
            | Self::RejectedToken
            | Self::Scopes => test(self),
        }
    }
}

/// The `Authorization` header of a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authorization {
    /// No header.
    None,
    /// `Basic` with an API key: unchanged, or encoded where it is a raw `id:secret`.
    ApiKey(SecretId),
    /// `Basic` with the secret unchanged.
    Basic(SecretId),
    /// `Basic` with a user name and a password (RFC 7617).
    BasicPair {
        /// The user name, which is not a secret.
        username: String,
        /// The password.
        password: SecretId,
    },
    /// `Basic` with an OAuth client's id and secret (RFC 6749 section 2.3.1).
    ClientSecretBasic {
        /// The client's id.
        client_id: String,
        /// The client's secret.
        secret: SecretId,
    },
    /// `Bearer` with the secret unchanged.
    Bearer(SecretId),
    /// `Bearer` with the access token, in a renewal or a revocation.
    AccessToken,
    /// `Bearer` with the refresh token, in a renewal.
    RefreshToken,
}

/// Maximum number of [`SchemaName`]s in a profile.
pub(crate) const MAX_SCHEMA_NAMES: usize = 3;

/// A name that differs between versions of a schema, or within its documentation.
///
/// GraphQL rejects an unknown name before execution, so the next variant can be tried at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaName {
    /// The placeholder in documents, without the percent signs.
    pub placeholder: &'static str,
    /// Field or argument.
    pub kind: NameKind,
    /// Variants, most likely first. An empty variant omits the name.
    pub variants: &'static [&'static str],
}

/// Role of a name in a GraphQL document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameKind {
    /// The name of a field.
    Field,
    /// The name of an argument.
    Argument,
}

/// Location of the token in a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenSource {
    /// The first of these paths below `data` that has a value.
    Data(StringList),
    /// The first of these headers that is present, without an optional `Bearer`.
    Headers(StringList),
    /// The cookie of this name.
    Cookie(String),
}

/// Location of the expiry in a response, besides a JWT's own claims.
#[derive(Clone, Debug, PartialEq)]
pub enum ExpiryField {
    /// Remaining lifetime in units of `unit`.
    ExpiresIn {
        /// Paths below `data`.
        paths: StringList,
        /// Unit of the number.
        unit: Duration,
    },
    /// Timestamp in any format of [`crate::graphql::parse_timestamp`].
    ExpiresAt {
        /// Paths below `data`.
        paths: StringList,
    },
}

/// Expiry and rotation of the refresh tokens of an API.
#[derive(Clone, Debug, Default)]
pub struct RefreshTokenRules {
    /// Their expiry; `None` if nothing states it.
    pub expiry: Option<RefreshTokenExpiry>,
    /// Whether one may be presented again.
    pub rotation: RefreshTokenRotation,
    /// The cookie that contains it, in responses and in the requests that present it.
    pub cookie: Option<String>,
    /// Set if the application has the first one.
    pub has_initial: bool,
    /// The operation that presents the first one before [`Profile::authenticate`] is used, and the id of its secret. `None`
    /// also if `authenticate` presents it.
    pub initial: Option<Box<(Operation, SecretId)>>,
}

/// Expiry of a refresh token. Its own claims count as well.
#[derive(Clone, Debug, PartialEq)]
pub struct RefreshTokenExpiry {
    /// Location in a response.
    pub field: Option<ExpiryField>,
    /// Upper bound, and the lifetime where the response states none.
    pub lifetime: Option<Duration>,
}

/// Lifetime known in advance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// Upper bound, regardless of the response.
    AtMost(Duration),
    /// Applies where the response states no lifetime.
    Default(Duration),
    /// As [`Default`](Self::Default), where a missing lifetime is probably a mistake in the description of the API.
    Assumed(Duration),
    /// User-supplied lifetime for an API with an expiry in its responses: applies where the expiry is missing, and
    /// where no clock can interpret it.
    Declared(Duration),
}

impl Lifetime {
    /// Returns the span of any kind.
    pub const fn span(self) -> Duration {
        let (Self::AtMost(span) | Self::Default(span) | Self::Assumed(span) | Self::Declared(span)) = self;
        span
    }
}

/// Headers in which API responses return a new token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotationHeader {
    /// Header names in lower case; the first that is present is used.
    pub headers: StringList,
    /// Expected form of the token.
    pub shape: TokenShape,
    /// How a new token is known to be one of the same session.
    pub same_session: SameSession,
}

/// How a token in the response to an ordinary request is known to be of the session of the token that was sent.
///
/// Some servers answer to the token of an ended session as to no token, and begin an anonymous session in the same header.
/// Of two JWTs with a subject, these are equal in any case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SameSession {
    /// The API has no tokens of other sessions in the header.
    Asserted,
    /// Both tokens are JWTs, and this claim has the same value in both.
    Claim(String),
    /// The first of these paths below `data` that the response has leads to a value that is not empty. If it is empty, the
    /// session has ended.
    Data(StringList),
}

/// Header of requests that contains the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presentation {
    /// Name in lower case.
    pub header: CowStr,
    /// Authentication scheme before the token (RFC 9110 section 11.4); none where empty. Of a cookie, its name and `=`.
    pub scheme: CowStr,
}

impl Presentation {
    /// `Authorization: Bearer …` (RFC 6750 section 2.1).
    pub const BEARER: Self = Self { header: Cow::Borrowed("authorization"), scheme: Cow::Borrowed("Bearer") };

    /// Returns the value of the header.
    pub fn value(&self, token: &str) -> String {
        let space = if self.scheme.is_empty() || self.scheme.ends_with('=') { "" } else { " " };
        [&*self.scheme, space, token].concat()
    }
}

/// Expected form of a token, so that other header values are not taken for tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenShape {
    /// Three parts separated by dots (RFC 7519).
    Jwt,
    /// Anything that can be sent in a header.
    Any,
}

/// A static or an owned string.
pub type CowStr = Cow<'static, str>;

/// A list of static or owned strings.
#[derive(Clone)]
pub enum StringList {
    /// Static strings separated by `|`: smaller in the module than a slice of strings.
    Static(&'static str),
    /// User-supplied strings.
    Owned(Vec<String>),
}

impl StringList {
    /// Returns the strings in order.
    pub fn iter(&self) -> vec::IntoIter<&str> {
        let words = match self {
            Self::Static("") => Vec::new(),
            Self::Static(words) => words.split('|').collect(),
            Self::Owned(given) => {
                let mut words = Vec::new();
                for word in given {
                    words.push(word.as_str());
                }
                words
            }
        };
        words.into_iter()
    }

    /// Returns the string at `index`.
    pub fn get(&self, index: usize) -> Option<&str> {
        self.iter().as_slice().get(index).copied()
    }

    /// Returns whether the list is empty.
    pub fn is_empty(&self) -> bool {
        self.get(0).is_none()
    }

    /// Returns the value at the first of these paths that exists and is not `null`.
    pub fn find_in<'a>(&self, json: &'a Json) -> Option<&'a Json> {
        self.find_with_path(json).map(|(_, value)| value)
    }

    /// Returns the same value with its path.
    pub fn find_with_path<'a>(&self, json: &'a Json) -> Option<(&str, &'a Json)> {
        for path in self.iter() {
            if let Some(value) = json.at(path)
                && !value.is_null()
            {
                return Some((path, value));
            }
        }
        None
    }
}

impl Default for StringList {
    fn default() -> Self {
        strings("")
    }
}

impl PartialEq for StringList {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for StringList {}

#[cfg(test)]
impl<const N: usize> PartialEq<[&str; N]> for StringList {
    fn eq(&self, other: &[&str; N]) -> bool {
        self.iter().eq(other.iter().copied())
    }
}

impl fmt::Debug for StringList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Creates a list of static strings separated by `|`.
pub(crate) const fn strings(list: &'static str) -> StringList {
    StringList::Static(list)
}
