//! Selectors of sessions: `session({ userId, scopes })`.

use super::{
    Config, OptionReader, RawValue, ValidationError,
    reader::{NO_UUID, is_uuid_text},
    selectable::{Selectable, Target, selectable},
    validation_error::redacted_key,
};
use crate::{
    core::{ScopeSet, Scoping, TokenError},
    json::Json,
    provider::{GrantProtocol, IdForm, SelectedVariable, SelectorPolicy, Variable},
};

/// Values that a session selects instead of those of its manager.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    /// Grant variables sorted by path; omitted where the value is `None`.
    pub variables: Vec<SelectedVariable>,
    /// Requested scopes.
    pub scopes: Option<ScopeSet>,
}

/// Reads a selector.
///
/// # Errors
///
/// `invalid_options`; the message names the key and the expected value.
pub fn read_selector(given: &RawValue, config: &Config) -> Result<Selection, TokenError> {
    let error = ValidationError::default();
    let selection = selection(given, &error, config);
    error.into_result()?;
    Ok(selection)
}

fn selection(given: &RawValue, error: &ValidationError, config: &Config) -> Selection {
    if !matches!(given, RawValue::Map(_)) {
        let kind = if matches!(given, RawValue::Missing) { "nothing" } else { given.kind() };
        // JavaScript converts instances of classes to the same value.
        let kind = if matches!(given, RawValue::Other) { "what is not a plain object" } else { kind };
        error.report(&["a session is selected by ", kind, "; give an object, or {}"]);
    }
    let members = given.members();
    let options = OptionReader::new(members, error);
    let profile = &config.profile;
    let scoped = config.limits.scoping == Scoping::ByRequest;
    let mut variables = Vec::new();
    match &profile.selector_policy {
        SelectorPolicy::Any => {
            for (name, value) in members.iter().filter(|(name, _)| name != "scopes") {
                // The form's own fields cannot be selected.
                if profile.authenticate.has_variable(name) {
                    options.report_at(name, &["is not to be selected; leave it out"]);
                }
                insert(&mut variables, name, plain(&options, name, value, profile.authenticate.protocol));
            }
        }
        selector_policy @ (SelectorPolicy::Nothing | SelectorPolicy::PlainVariables { .. }) => {
            let own = if *selector_policy == SelectorPolicy::Nothing {
                Vec::new()
            } else {
                selectable(&profile.authenticate)
            };
            // Last in messages, because it is not a variable.
            let others = if scoped { &["scopes"][..] } else { &[] };
            let choosable: Vec<_> = own.iter().filter(|it| !it.is_secret).collect();
            if choosable.is_empty() && !scoped && !members.is_empty() {
                error.report(&[
                    &profile.name,
                    " knows no other users and no scopes under the same credentials: a session has nothing to \
                     select; make another TokenManager",
                ]);
            }
            for (key, _) in members.iter().filter(|(key, _)| !scoped || key != "scopes") {
                if let Some(found) = find(&options, key, &own, others) {
                    if variables.iter().any(|(path, _)| *path == found.path) {
                        options.report_at(
                            key,
                            &["is `", &found.path, "`, which is selected twice; leave one out"],
                        );
                    }
                    insert(&mut variables, &found.path, chosen(&options, key, found.own, selector_policy));
                }
            }
        }
    }
    Selection { variables, scopes: options.optional_scopes() }
}

/// A present key without a value: often the id of a signed-out user; omitting it would select the session of the
/// manager.
const UNDEFINED: &str = "undefined";

const OR_LEAVE_OUT: &str = "a value, or leave the key out for the manager's own";

/// Inserts a variable in the order of names; there are few.
fn insert(variables: &mut Vec<SelectedVariable>, name: &str, value: Option<Json>) {
    let index = variables.iter().position(|(other, _)| other.as_str() > name).unwrap_or(variables.len());
    variables.insert(index, (name.to_owned(), value));
}

/// Finds the variable that a key of a selector names, and reports why there is none. `others` are known keys besides.
fn find<'a>(
    options: &OptionReader<'_>,
    key: &str,
    own: &'a [Selectable<'a>],
    others: &[&'a str],
) -> Option<&'a Selectable<'a>> {
    match Target::of(key, own) {
        Target::Variable(found) => return Some(found),
        Target::Secret => options.report_at(
            key,
            &[
                "names a secret, which a selector cannot hold, because events show selectors; describe it as a \
                 function, which receives the selector: ({ session }) => …",
            ],
        ),
        Target::Ambiguous(paths) => options.report_at(
            key,
            &["names more than one variable; give the path of one: `", &paths.join("`, `"), "`"],
        ),
        Target::Unknown => {
            let mut known: Vec<_> = own.iter().filter(|it| !it.is_secret).map(|it| it.path.as_str()).collect();
            known.extend_from_slice(others);
            options.report_unknown_key(key, &known);
        }
    }
    None
}

/// Reads the value of a variable, which has the type of the manager's own.
fn chosen(
    options: &OptionReader<'_>,
    key: &str,
    own: &Variable,
    selector_policy: &SelectorPolicy,
) -> Option<Json> {
    let own = if let Variable::Literal(own) = own { Some(own) } else { None };
    let may_be_left_out =
        matches!(selector_policy, SelectorPolicy::PlainVariables { optional, .. } if optional.contains(&key));
    let is_uuid = matches!(selector_policy, SelectorPolicy::PlainVariables { form: IdForm::Uuid, .. });
    let hint = match own {
        Some(Json::Number(_)) => "a number",
        Some(Json::Bool(_)) => "true or false",
        _ if is_uuid && may_be_left_out => "a UUID, or null for none",
        _ if is_uuid => "a UUID, or leave it out for the manager's own",
        _ if may_be_left_out => "a string, or null for none",
        _ => "a string, or leave it out for the manager's own",
    };
    let given = options.get(key).unwrap_or(&RawValue::Missing);
    let is_of_its_kind = match (given, own) {
        (RawValue::Null, _) if may_be_left_out => return None,
        (RawValue::Number(_), Some(Json::Number(_))) | (RawValue::Bool(_), Some(Json::Bool(_))) => true,
        (RawValue::Text(_), None | Some(Json::Text(_))) => given.as_words().is_some(),
        _ => false,
    };
    let json = (is_of_its_kind && given.is_json()).then(|| given.clone());
    if matches!(given, RawValue::Missing) {
        options.report_value(key, UNDEFINED, OR_LEAVE_OUT);
    } else if json.is_none() {
        options.report_invalid(key, hint);
    } else if is_uuid && !given.as_text().is_some_and(is_uuid_text) {
        options.report_value(key, NO_UUID, hint);
    }
    json
}

/// Reads a value that is passed to a user-supplied function or to a broker.
fn plain(options: &OptionReader<'_>, key: &str, value: &RawValue, protocol: GrantProtocol) -> Option<Json> {
    let (others, hint) = match protocol {
        GrantProtocol::GraphQl | GrantProtocol::Json => {
            (matches!(value, RawValue::Number(_) | RawValue::Bool(_)), "a string, a number, or true or false")
        }
        // Form fields are strings.
        GrantProtocol::Form => (false, "a string"),
    };
    let json = (others && value.is_json() || value.as_words().is_some()).then(|| value.clone());
    if matches!(value, RawValue::Missing) {
        options.report_value(redacted_key(key), UNDEFINED, OR_LEAVE_OUT);
    } else if json.is_none() {
        options.report_value(redacted_key(key), value.kind(), hint);
    }
    json
}
