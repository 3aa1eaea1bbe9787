//! What a session may be given: `session({ userId, scopes })`.

use super::{Given, Invalid, Reader, Settings, invalid, reader::shown};
use crate::{
    core::{ScopeSet, Scoping, TokenError},
    json::Json,
    provider::{Choices, Chosen, Variable, Wire},
};

/// What a session has of its own; all else is the manager's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    /// Variables of the grant in the order of their names; one without a value is left out.
    pub variables: Vec<Chosen>,
    /// The scopes to ask for.
    pub scopes: Option<ScopeSet>,
}

/// Reads a selector.
///
/// # Errors
///
/// `invalid_options`; the message names the key and what to write.
pub fn read_selector<F: Clone>(given: &Given<F>, settings: &Settings<F>) -> Result<Selection, TokenError> {
    Ok(selection(given, settings)?)
}

fn selection<F: Clone>(given: &Given<F>, settings: &Settings<F>) -> Result<Selection, Invalid> {
    let Given::Map(members) = given else {
        let kind = if matches!(given, Given::Missing) { "nothing" } else { given.kind() };
        return Err(invalid(format!("a session is selected by {kind}; give an object, or {{}}")));
    };
    let options = Reader::new("", members);
    let profile = &settings.profile;
    let scoped = settings.limits.scoping == Scoping::ByRequest;
    let mut variables = Vec::new();
    match &profile.choices {
        Choices::Any => {
            // What a form has of its own is not to be chosen.
            for (name, value) in members.iter().filter(|(name, _)| name != "scopes") {
                if profile.authenticate.has(name) {
                    return Err(invalid(format!("option `{name}` is not to be selected; leave it out")));
                }
                if !matches!(value, Given::Missing) {
                    variables.push((name.clone(), Some(plain(name, value, &profile.wire)?)));
                }
            }
        }
        choices @ (Choices::Nothing | Choices::Variables { .. }) => {
            let mut known = Vec::new();
            for (name, variable) in &profile.authenticate.variables {
                if is_choosable(name, variable, choices) {
                    known.push(&**name);
                }
            }
            if scoped {
                known.push("scopes");
            }
            if known.is_empty() && !members.is_empty() {
                return Err(invalid(format!(
                    "{} knows no other users and no scopes under the same credentials: a session has nothing \
                     to select; make another TokenManager",
                    profile.name
                )));
            }
            options.accept_only(&known)?;
            for (name, own) in &profile.authenticate.variables {
                if is_choosable(name, own, choices) && options.get(name).is_some() {
                    variables.push((name.clone().into_owned(), chosen(&options, name, own, choices)?));
                }
            }
        }
    }
    variables.sort_by(|(one, _), (other, _)| one.cmp(other));
    let scopes = options.get("scopes").map(|_| options.scopes("scopes")).transpose()?;
    Ok(Selection { variables, scopes })
}

/// Whether a variable is the same for each request, and plain.
fn is_choosable(name: &str, variable: &Variable, choices: &Choices) -> bool {
    let plain = match variable {
        Variable::Literal(value) => matches!(value, Json::Text(_) | Json::Number(_) | Json::Bool(_)),
        Variable::Absent => true,
        Variable::Secret(_)
        | Variable::RefreshToken
        | Variable::Refused
        | Variable::Scopes
        | Variable::Map(_)
        | Variable::List(_) => false,
    };
    // What is called so chooses scopes.
    plain && name != "scopes" && *choices != Choices::Nothing
}

/// The value for a variable, of the same kind as the manager's own.
fn chosen<F: Clone>(
    options: &Reader<'_, F>,
    key: &str,
    own: &Variable,
    choices: &Choices,
) -> Result<Option<Json>, Invalid> {
    let own = if let Variable::Literal(own) = own { Some(own) } else { None };
    let may_be_left_out = matches!(choices, Choices::Variables { optional } if optional.contains(&key));
    let remedy = match own {
        Some(Json::Number(_)) => "a number",
        Some(Json::Bool(_)) => "true or false",
        _ if may_be_left_out => "a string, or null for none",
        _ => "a string, or leave it out for the manager's own",
    };
    match (options.get(key), own) {
        (Some(Given::Null), _) if may_be_left_out => Ok(None),
        (Some(Given::Number(_)), Some(Json::Number(_))) | (Some(Given::Bool(_)), Some(Json::Bool(_))) => {
            options.get(key).and_then(Given::to_json).map(Some).ok_or_else(|| options.wrong(key, remedy))
        }
        (Some(Given::Text(_)), None | Some(Json::Text(_))) => Ok(options.text(key, remedy)?.map(Json::text)),
        _ => Err(options.wrong(key, remedy)),
    }
}

/// A value that a function is to make something of.
fn plain<F>(key: &str, value: &Given<F>, wire: &Wire) -> Result<Json, Invalid> {
    let (others, remedy) = match wire {
        Wire::GraphQl => {
            (matches!(value, Given::Number(_) | Given::Bool(_)), "a string, a number, or true or false")
        }
        // All that a form has.
        Wire::Form { .. } => (false, "a string"),
    };
    let json = value.to_json().filter(|_| others || value.as_text().is_some());
    json.ok_or_else(|| {
        let (key, kind) = (shown(key), value.kind());
        invalid(format!("option `{key}` is {kind}; give {remedy}"))
    })
}
