//! What there is to know about an API's tokens, as data.

use std::{borrow::Cow, fmt, time::Duration, vec};

use crate::{
    core::{Scoping, Secret},
    json::Json,
};

/// An API: where its tokens come from, what they look like, how it refuses.
#[derive(Clone, Debug)]
pub struct Profile {
    /// For messages and errors: `fluz`.
    pub name: CowStr,
    /// Where requests are sent, and grants, unless `wire` says otherwise.
    pub endpoint: CowStr,
    /// How grants are worded.
    pub grant_protocol: GrantProtocol,
    /// Sent with each grant, names in lower case. A value may be a gateway's key.
    pub headers: Vec<(String, Secret)>,
    /// How to get a token with the long-lived credentials.
    pub authenticate: Operation,
    /// How to get one with a refresh token.
    pub renew: Option<Operation>,
    /// What tells all scopes that the application may ask for: a list, alone below `data`.
    pub application_scopes: Option<Operation>,
    /// Words of the documents that the API may spell in another way.
    pub schema_names: &'static [SchemaName],
    /// Where the token is in an answer.
    pub token: TokenSource,
    /// Where the refresh token is, below `data`.
    pub refresh_token: StringList,
    /// Where the granted scopes are, below `data`.
    pub scopes: StringList,
    /// What tells when the token expires.
    pub expiry: Option<ExpiryField>,
    /// What is known of the lifetime beforehand.
    pub lifetime: Lifetime,
    /// How an ordinary answer brings a new token.
    pub rotation: Option<RotationHeader>,
    /// How answers tell what went wrong.
    pub error_rules: ErrorRules,
    /// What errors that no signal explains mean when they answer a grant.
    pub default_failure: DefaultFailure,
    /// What to check when the credentials are refused; follows "check".
    pub advice: &'static str,
    /// The option that each [`SecretId`] stands for.
    pub secrets: StringList,
    /// What a session may choose of its own, besides scopes.
    pub selector_policy: SelectorPolicy,
}

impl Profile {
    /// Whether a token can be asked for with other scopes.
    pub fn scoping(&self) -> Scoping {
        let named = self.authenticate.variables.iter().any(|(_, variable)| variable.uses_scopes());
        if named || self.selector_policy == SelectorPolicy::Any { Scoping::ByRequest } else { Scoping::Fixed }
    }

    /// The variables of `operation` by name, as `fill` tells those that are not the same for each
    /// request, and as a session chose them; what was chosen without a value is left out.
    pub fn resolve_variables(
        &self,
        operation: &Operation,
        chosen: &[SelectedVariable],
        fill: &dyn Fn(&Variable) -> Json,
    ) -> Vec<(String, Json)> {
        let mut filled = Vec::new();
        for (name, variable) in &operation.variables {
            let value = match (chosen.iter().find(|(known, _)| known == name), variable) {
                (Some((_, value)), _) => value.clone(),
                (None, Variable::Absent) => None,
                (None, variable) => Some(variable.resolve(fill)),
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

/// A variable as a session chose it; one without a value is left out.
pub type SelectedVariable = (String, Option<Json>);

/// What a session may choose of what is sent with a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SelectorPolicy {
    /// Nothing.
    Nothing,
    /// Each variable of [`Profile::authenticate`] that is the same for each request, and plain.
    PlainVariables {
        /// Those that may be left out.
        optional: &'static [&'static str],
    },
    /// Whatever it likes: a function of the user's makes something of it.
    Any,
}

impl Profile {
    /// Who grants the tokens, for messages and errors.
    pub fn issuer(&self) -> &str {
        match self.grant_protocol {
            GrantProtocol::GraphQl => &self.name,
            GrantProtocol::TokenEndpoint { .. } => "broker",
        }
    }

    /// Where grants are sent.
    pub fn grant_url(&self) -> &str {
        match &self.grant_protocol {
            GrantProtocol::GraphQl => &self.endpoint,
            GrantProtocol::TokenEndpoint { url, .. } => url,
        }
    }
}

/// How grants are worded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantProtocol {
    /// GraphQL over HTTP, sent to the endpoint.
    GraphQl,
    /// A form of variables, answered by the members of an object (RFC 6749).
    TokenEndpoint {
        /// Where it is sent.
        url: String,
        /// With which origins to share cookies; `fetch` decides where `None`.
        credentials: Option<&'static str>,
    },
}

/// One of a profile's secrets, by its place in [`Profile::secrets`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretId(pub usize);

/// A GraphQL operation that brings a token.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// The document; `%name%` stands for the spelling of that name.
    pub document: CowStr,
    /// The variables by name.
    pub variables: Vec<(CowStr, Variable)>,
    /// What to identify with.
    pub authorization: Authorization,
}

impl Operation {
    /// None: a function of the user's grants the tokens.
    pub const ABSENT: Self =
        Self { document: Cow::Borrowed(""), variables: Vec::new(), authorization: Authorization::None };

    /// Returns whether a variable holds plain data, at any depth.
    pub fn has_literals(&self) -> bool {
        self.variables.iter().any(|(_, variable)| variable.has_literals())
    }

    /// Whether it has a variable of this name.
    pub fn has_variable(&self, name: &str) -> bool {
        self.variables.iter().any(|(own, _)| own == name)
    }
}

/// What a variable is filled with.
#[derive(Clone, Debug, PartialEq)]
pub enum Variable {
    /// The same for each request.
    Literal(Json),
    /// Left out, unless a session chooses it.
    Absent,
    /// A secret, asked for afresh for each grant.
    Secret(SecretId),
    /// The refresh token.
    RefreshToken,
    /// The digest of the token that the API refused, where it did.
    RejectedToken,
    /// The scopes wanted, as a list.
    Scopes,
    /// An object of variables.
    Map(Vec<(CowStr, Self)>),
    /// A list of variables.
    List(Vec<Self>),
}

impl Variable {
    /// Its value, with what `fill` tells in the place of each variable that is not the same for
    /// each request.
    pub fn resolve(&self, fill: &dyn Fn(&Self) -> Json) -> Json {
        match self {
            Self::Literal(value) => value.clone(),
            Self::Map(members) => {
                let mut filled = Vec::new();
                for (name, member) in members {
                    filled.push((name.clone().into_owned(), member.resolve(fill)));
                }
                Json::Map(filled)
            }
            Self::List(items) => {
                let mut filled = Vec::new();
                for item in items {
                    filled.push(item.resolve(fill));
                }
                Json::List(filled)
            }
            Self::Absent | Self::Secret(_) | Self::RefreshToken | Self::RejectedToken | Self::Scopes => {
                fill(self)
            }
        }
    }

    fn has_literals(&self) -> bool {
        match self {
            Self::Literal(value) => !value.is_null(),
            Self::Absent | Self::Secret(_) | Self::RefreshToken | Self::RejectedToken | Self::Scopes => false,
            Self::Map(members) => members.iter().any(|(_, member)| member.has_literals()),
            Self::List(items) => items.iter().any(Self::has_literals),
        }
    }

    fn uses_scopes(&self) -> bool {
        match self {
            Self::Scopes => true,
            Self::Literal(_) | Self::Absent | Self::Secret(_) | Self::RefreshToken | Self::RejectedToken => {
                false
            }
            Self::Map(members) => members.iter().any(|(_, member)| member.uses_scopes()),
            Self::List(items) => items.iter().any(Self::uses_scopes),
        }
    }
}

/// The `Authorization` header of a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authorization {
    /// None is sent.
    None,
    /// `Basic`, from an API key: as it is, or encoded if it is a raw `id:secret`.
    ApiKey(SecretId),
    /// `Basic`, with the secret as it is.
    Basic(SecretId),
    /// `Basic`, from a user name and a password (RFC 7617).
    BasicPair {
        /// The user name; no secret.
        username: String,
        /// The password.
        password: SecretId,
    },
    /// `Bearer`, with the secret as it is.
    Bearer(SecretId),
}

/// The most words that a profile spells in several ways.
pub(crate) const MAX_SCHEMA_NAMES: usize = 3;

/// A word that an API may spell in more than one way.
///
/// Documentation contradicts itself on such words. GraphQL refuses a wrong one
/// before it executes anything, so the next spelling can be tried at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaName {
    /// The placeholder in documents, without the percent signs.
    pub placeholder: &'static str,
    /// What kind of word it is.
    pub kind: NameKind,
    /// The spellings, the likeliest first. An empty one leaves the word out.
    pub variants: &'static [&'static str],
}

/// What a word is in a GraphQL document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameKind {
    /// The name of a field.
    Field,
    /// The name of an argument.
    Argument,
}

/// Where the token is in an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenSource {
    /// At the first of these paths below `data` that leads to something.
    Data(StringList),
    /// In the first of these headers that is there, after an optional `Bearer`.
    Headers(StringList),
}

/// What in an answer tells when the token expires, besides a JWT's own claims.
#[derive(Clone, Debug, PartialEq)]
pub enum ExpiryField {
    /// A span from now on, in units of `unit`, at the first of these paths.
    ExpiresIn {
        /// Paths below `data`.
        paths: StringList,
        /// What the number counts.
        unit: Duration,
    },
    /// A point in time, in any of the forms of [`crate::graphql::parse_point`].
    ExpiresAt {
        /// Paths below `data`.
        paths: StringList,
    },
}

/// What is known of a lifetime beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// It is this long at most, whatever the answer tells.
    AtMost(Duration),
    /// It is this long where the answer does not tell.
    Default(Duration),
    /// A user declares it for an API whose answers state when a token ends: it counts where the answer
    /// does not tell, and where no clock makes sense of what it tells.
    Declared(Duration),
}

/// How an ordinary answer brings a new token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotationHeader {
    /// Header names in lower case, the first that is there counts.
    pub headers: StringList,
    /// What a token looks like.
    pub shape: TokenShape,
}

/// What a token looks like, so that nothing else is taken for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenShape {
    /// Three parts with dots between them (RFC 7519).
    Jwt,
    /// Anything that can be sent.
    Any,
}

/// How answers tell what went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorRules {
    /// The token, or what was identified with, is refused.
    pub rejected: ErrorMatcher,
    /// The credentials are refused, besides `refused`; only when asking for a token.
    pub denied: &'static ErrorMatcher,
    /// Too many requests.
    pub rate_limited: &'static ErrorMatcher,
    /// An outage that passes.
    pub outage: &'static ErrorMatcher,
}

/// Signs in an answer; any of them is enough.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorMatcher {
    /// HTTP status codes.
    pub statuses: Cow<'static, [u16]>,
    /// Codes of an error: `extensions.code`, `extensions.errorClass`, `error.code`.
    pub codes: StringList,
    /// Messages of an error, whole, in any case.
    pub messages: StringList,
    /// What stands together in a message, in lower case: phrases with `|` between them, of parts
    /// with `+` between them.
    pub phrases: &'static str,
}

impl ErrorMatcher {
    /// These and no others.
    pub const fn of(statuses: &'static [u16], codes: &'static str) -> Self {
        Self { statuses: Cow::Borrowed(statuses), codes: strings(codes), messages: strings(""), phrases: "" }
    }
}

/// What errors that no signal explains mean when they answer a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultFailure {
    /// The API words its refusal freely: the credentials are wrong.
    InvalidCredentials,
    /// Nothing that this profile knows.
    Protocol,
}

/// A text that is written in the code, or that a user gave.
pub type CowStr = Cow<'static, str>;

/// Words that are written in the code, or that a user gave.
#[derive(Clone)]
pub enum StringList {
    /// Written in the code, with `|` between them: a list of texts would be as large again.
    Static(&'static str),
    /// Given by a user.
    Owned(Vec<String>),
}

impl StringList {
    /// The words in order.
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

    /// The word at `place`.
    pub fn get(&self, place: usize) -> Option<&str> {
        self.iter().as_slice().get(place).copied()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.get(0).is_none()
    }

    /// What lies at the first of these paths that leads to something other than `null`.
    pub fn find_in<'a>(&self, json: &'a Json) -> Option<&'a Json> {
        self.find_with_path(json).map(|(_, value)| value)
    }

    /// The same, with the path that leads there.
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

/// Words that are written in the code, with `|` between them.
pub(crate) const fn strings(list: &'static str) -> StringList {
    StringList::Static(list)
}

/// The secrets of one grant, as they were given for it.
pub type Secrets = [Secret];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::native::parse_json;

    #[test]
    fn the_first_path_that_leads_to_a_value_counts() {
        let json = parse_json(r#"{"token":null,"accessToken":"b"}"#).unwrap();

        for paths in [strings("token|accessToken"), StringList::Owned(vec!["x".into(), "accessToken".into()])]
        {
            assert_eq!(paths.find_in(&json).and_then(Json::as_text), Some("b"));
        }
    }
}
