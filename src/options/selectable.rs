//! Variables that a selector may replace, and the names by which it reaches them.

use crate::json::Json;
use crate::provider::{GrantProtocol, Operation, Variable, profile::path_of};

/// A constant of an operation, or a secret that a function returns.
pub(super) struct Selectable<'a> {
    /// Its path below the variables; see [`path_of`].
    pub(super) path: String,
    /// The last name of the path; `None` for an item of a list.
    name: Option<&'a str>,
    pub(super) own: &'a Variable,
    /// Set for what no selector may hold: a function, or a constant that is named like a secret.
    pub(super) is_secret: bool,
}

/// The variable that a key of a selector names.
pub(super) enum Target<'a> {
    Variable(&'a Selectable<'a>),
    Secret,
    /// The name, or the path, of all of these.
    Ambiguous(Vec<&'a str>),
    Unknown,
}

impl<'a> Target<'a> {
    /// Finds the variable with the path `key`, or else the only one with this name.
    pub(super) fn of(key: &str, all: &'a [Selectable<'a>]) -> Self {
        let by_path = all.iter().any(|it| it.path == key);
        let mut is_secret = false;
        let mut found = None;
        let mut paths = Vec::new();
        for it in all {
            if if by_path { it.path == key } else { it.name == Some(key) } {
                // A function of the same name cannot be meant, unless there is nothing else.
                is_secret |= it.is_secret;
                if !it.is_secret {
                    found = Some(it);
                    paths.push(it.path.as_str());
                }
            }
        }
        match found {
            Some(found) if paths.len() == 1 => Self::Variable(found),
            Some(_) => Self::Ambiguous(paths),
            None if is_secret => Self::Secret,
            None => Self::Unknown,
        }
    }
}

/// Returns the constant scalars of an operation that a session may select, and its secrets.
pub(super) fn selectable(operation: &Operation) -> Vec<Selectable<'_>> {
    let mut found = Vec::new();
    for (name, variable) in &operation.variables {
        // `scopes` selects scopes. The fields of a token endpoint that identify the client are those of all sessions.
        let is_own = operation.protocol == GrantProtocol::Form
            && (["grant_type", "scope"].contains(&&**name) || name.starts_with("client_"));
        if name != "scopes" && !is_own {
            collect(name.clone().into_owned(), Some(name), Some(name), variable, &mut found);
        }
    }
    found
}

/// `name` is the last name of the path, and `within` that of the value or of the list that contains it.
fn collect<'a>(
    path: String,
    name: Option<&'a str>,
    within: Option<&'a str>,
    own: &'a Variable,
    found: &mut Vec<Selectable<'a>>,
) {
    match own {
        Variable::Map(members) => {
            for (name, member) in members {
                collect(path_of(&path, name), Some(name), Some(name), member, found);
            }
        }
        Variable::List(items) => {
            for (index, item) in items.iter().enumerate() {
                collect(path_of(&path, &index.to_string()), None, within, item, found);
            }
        }
        Variable::Literal(Json::Text(_) | Json::Number(_) | Json::Bool(_)) | Variable::Absent => {
            found.push(Selectable { path, name, own, is_secret: within.is_some_and(is_secret_name) });
        }
        Variable::Secret(_) => found.push(Selectable { path, name, own, is_secret: true }),
        Variable::Literal(_)
        | Variable::RefreshToken
        | Variable::AccessToken
        | Variable::TokenTypeHint
        | Variable::RejectedToken
        | Variable::Scopes => {}
    }
}

/// Parts of names of secrets, in lower case and without `-` and `_`.
pub(crate) const SECRET_NAME_PARTS: &str = "token secret password passwd passphrase passcode credential jwt apikey privatekey accesskey authorization cookie";

/// Whole names of secrets, in the same form.
pub(crate) const SECRET_NAMES: &str = "key pin otp totp pwd pass";

/// Returns whether a variable is a secret by its name.
fn is_secret_name(name: &str) -> bool {
    let mut letters = Vec::new();
    for byte in name.bytes() {
        if byte != b'-' && byte != b'_' {
            letters.push(byte.to_ascii_lowercase());
        }
    }
    let holds = |part: &str| letters.windows(part.len()).any(|window| window == part.as_bytes());
    SECRET_NAME_PARTS.split(' ').any(holds)
        || SECRET_NAMES.split(' ').any(|known| letters == known.as_bytes())
}
