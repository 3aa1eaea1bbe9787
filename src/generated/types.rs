//! Comparison of the tables of options and events with the types of the package.
//!
//! `js-tests/documents/tables.test.js` compares the types with the documentation.

use std::collections::{BTreeMap, BTreeSet};

use super::read;
use crate::{
    core::Event,
    options::table::{BROKER, CALL, COMMON, REFRESH, RETRY, SESSIONS},
    provider::{
        PROVIDERS,
        option::{Accepts, Fallback, OptionSpec, Presence},
    },
};

/// A member of a declaration.
#[derive(Debug, Default)]
struct Member {
    /// Its documentation, on one line.
    about: String,
    /// Its type, or its types in the alternatives of a union.
    types: String,
    is_optional: bool,
}

impl Member {
    fn default_value(&self) -> Option<&str> {
        self.about.split_once("@defaultValue ").map(|(_, value)| value.trim())
    }
}

/// Returns the text of a declaration, up to the next one.
fn declaration<'a>(types: &'a str, name: &str) -> &'a str {
    let start = ["interface", "type"]
        .into_iter()
        .find_map(|keyword| types.find(&format!("export {keyword} {name} ")))
        .unwrap_or_else(|| panic!("no declaration of {name}"));
    let rest = &types[start..];
    rest[1..].find("\nexport ").map_or(rest, |end| &rest[..=end])
}

/// Returns the members of a declaration: those indented by two spaces, and by eight in the alternatives of a union.
fn members(types: &str, name: &str) -> BTreeMap<String, Member> {
    let mut members = BTreeMap::<String, Member>::new();
    let mut about = String::new();
    let mut last = None;
    for line in declaration(types, name).lines().skip(1) {
        let text = line.trim();
        if text.starts_with("/**") || text.starts_with('*') {
            if text.starts_with("/**") {
                about.clear();
            }
            about.push_str(text.trim_matches(['/', '*', ' ']));
            about.push(' ');
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        let declared = text.split_once(':').filter(|(key, _)| {
            matches!(indent, 2 | 8) && key.trim_end_matches('?').chars().all(char::is_alphanumeric)
        });
        if let Some((key, rest)) = declared {
            let member = members.entry(key.trim_end_matches('?').to_owned()).or_default();
            // An alternative excludes the options of the others.
            if rest.trim() != "undefined;" {
                member.about = std::mem::take(&mut about);
                member.types.push_str(rest);
            }
            member.is_optional |= key.ends_with('?');
            last = Some(key.trim_end_matches('?').to_owned());
        } else if let Some(member) = last.as_ref().and_then(|last| members.get_mut(last)) {
            member.types.push_str(text);
        }
    }
    members
}

/// Compares a table with a declaration. `others` are members that are not in the table.
fn assert_same(table: &[OptionSpec], alternatives: &[&[&str]], types: &str, name: &str, others: &[&str]) {
    let members = members(types, name);
    let declared: BTreeSet<_> =
        members.keys().map(String::as_str).filter(|key| !others.contains(key)).collect();
    let listed: BTreeSet<_> = table.iter().map(|option| option.name).collect();
    assert_eq!(declared, listed, "{name}");
    for option in table {
        let member = &members[option.name];
        let label = format!("{name}.{}", option.name);
        let is_alternative = alternatives.iter().any(|group| group.contains(&option.name));
        let is_required = option.presence == Presence::Required && !is_alternative;
        assert!(is_alternative || is_required != member.is_optional, "{label} is required");
        assert_default(option, member, &label);
        assert_accepted(option.accepts, member, &label);
    }
}

fn assert_default(option: &OptionSpec, member: &Member, label: &str) {
    let declared = member.default_value();
    match option.default {
        Fallback::None => {}
        Fallback::Text(word) => assert_eq!(declared, Some(format!("\"{word}\"").as_str()), "{label}"),
        Fallback::Number(number) => {
            let declared = declared.map(plain).and_then(|text| text.parse::<f64>().ok());
            assert_eq!(declared, Some(number), "{label}");
        }
    }
}

/// Compares the type of a member with the accepted values, and its documentation with the range.
fn assert_accepted(accepts: Accepts, member: &Member, label: &str) {
    let Member { about, types, .. } = member;
    let states = |range: &str| assert!(plain(about).contains(range), "{label} states the range: {range}");
    let has = |what: &str| assert!(types.contains(what), "{label} has the type {what}: {types}");
    match accepts {
        Accepts::Text(_) | Accepts::Uuid(_) | Accepts::UserName(_) => has("string"),
        Accepts::Date => {
            has("string");
            states("YYYY-MM-DD");
        }
        Accepts::Secret(_) => has("Secret"),
        Accepts::Scopes => has("readonly"),
        Accepts::Keyword(words) => {
            let declared: BTreeSet<_> = types.split('"').skip(1).step_by(2).collect();
            assert_eq!(declared, words.split(' ').collect(), "{label}");
        }
        Accepts::Flag => has("boolean"),
        Accepts::Function => {}
        Accepts::Millis(least) => {
            has("number");
            if least > 1.0 {
                states(&format!("At least {least}"));
            }
        }
        Accepts::Number(least, most, _) => {
            has("number");
            states(&format!("from {least} to {most}"));
        }
        Accepts::Count(most, _) => {
            has("number");
            states(&format!("integer from 1 to {most}"));
        }
        Accepts::Object(..) => has("Options"),
        Accepts::Other => {}
    }
}

/// Removes the separators of thousands: `10 000` and `10_000`.
fn plain(text: &str) -> String {
    let chars: Vec<_> = text.chars().collect();
    let is_digit = |at: Option<&char>| at.is_some_and(char::is_ascii_digit);
    let kept = (0..chars.len()).filter(|&at| {
        let separates = matches!(chars[at], ' ' | '_') && at > 0 && is_digit(chars.get(at - 1));
        !(separates && (1..=3).all(|next| is_digit(chars.get(at + next))))
    });
    kept.map(|at| chars[at]).collect()
}

#[test]
fn options_of_every_provider_have_types() {
    let types = read("pkg-template/options.d.ts");
    // `provider` has a type in the declaration of each provider.
    let (provider, common) = COMMON.split_first().expect("the table has rows");
    assert_eq!(provider.name, "provider");
    assert_same(common, &[], &types, "CommonOptions", &[]);
    assert_same(&RETRY, &[], &types, "RetryOptions", &[]);
    assert_same(&SESSIONS, &[], &types, "SessionOptions", &[]);
}

#[test]
fn options_of_each_provider_have_types() {
    let types = read("pkg-template/options.d.ts");
    assert_same(&BROKER, &[], &types, "BrokerProviderOptions", &["provider"]);
    for provider in PROVIDERS {
        let (first, rest) = provider.name.split_at(1);
        let name = format!("{}{rest}Options", first.to_uppercase());
        assert_same(provider.options, provider.alternatives, &types, &name, &["provider"]);
        let selected = &members(&types, &name)["provider"].types;
        assert_eq!(selected.trim(), format!("\"{}\";", provider.name));
        assert!(declaration(&types, "TokenManagerOptions").contains(&name), "{name}");
        assert!(declaration(&types, "BuiltinProvider").contains(&format!("\"{}\"", provider.name)), "{name}");
    }
}

#[test]
fn options_of_calls_have_types() {
    let types = read("pkg-template/index.d.ts");
    let refresh = REFRESH.iter().map(|option| option.name);
    let call: Vec<_> = members(&types, "GetTokenOptions").into_keys().collect();
    let table: BTreeSet<_> = CALL.iter().map(|option| option.name).collect();
    assert_same(&REFRESH, &[], &types, "RefreshOptions", &[]);
    assert_eq!(call.iter().map(String::as_str).chain(refresh).collect::<BTreeSet<_>>(), table);
}

#[test]
fn every_type_of_event_is_declared() {
    let types = read("pkg-template/index.d.ts");
    let events = declaration(&types, "TokenEvent");
    let alternatives = || events.split("\n  | {").skip(1);
    let name = |text: &str| {
        text.split("readonly type: \"").nth(1).and_then(|rest| rest.split('"').next()).map(str::to_owned)
    };
    let declared: BTreeSet<_> = alternatives().filter_map(name).collect();
    let with_session: BTreeSet<_> =
        alternatives().filter(|text| text.contains("readonly session: ")).filter_map(name).collect();

    assert_eq!(declared, Event::TYPES.map(str::to_owned).into());
    assert_eq!(with_session, Event::TYPES_WITH_SESSION.map(str::to_owned).into());
}
