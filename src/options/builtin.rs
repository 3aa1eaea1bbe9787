//! The built-in providers and the broker.

use super::{
    GrantSource, OptionReader, ProviderConfig, RawValue, custom,
    table::{BROKER, COMMON},
};
use crate::provider::{Descriptor, PROVIDERS, Profile, broker::Broker, option::Values};

/// Reads the options of the provider `name`.
pub(super) fn read<'a>(name: &str, options: &OptionReader<'a>) -> (ProviderConfig, Values<'a>) {
    match Descriptor::find(name) {
        Some(provider) => described(provider, options),
        None if name == "broker" => broker(options),
        None => {
            options.report_unknown_keyword("provider", &names(&["broker"]), &expected_provider());
            unknown_provider(options)
        }
    }
}

/// Expected values of `provider`.
pub(super) fn expected_provider() -> String {
    format!("\"{}\", or a Profile object that describes your own API", names(&["broker"]).join("\", \""))
}

/// Returns the names of the built-in providers, and `others`.
fn names(others: &[&'static str]) -> Vec<&'static str> {
    let mut names = Vec::new();
    for provider in PROVIDERS {
        names.push(provider.name);
    }
    names.extend(others);
    names
}

fn described<'a>(provider: &Descriptor, options: &OptionReader<'a>) -> (ProviderConfig, Values<'a>) {
    let excluded = exclude_alternatives(provider, options);
    let values = options.read(provider.options, &COMMON, excluded);
    let config = ProviderConfig {
        profile: (provider.profile)(&values),
        grant_source: GrantSource::Profile(values.secrets()),
        scopes: values.scopes().unwrap_or_default(),
    };
    (config, values)
}

/// Returns the options of the alternatives that are not used. Where none is given, the first is used, and reported as
/// missing.
fn exclude_alternatives(provider: &Descriptor, options: &OptionReader<'_>) -> Vec<&'static str> {
    let is_given = |group: &[&'static str]| group.iter().any(|name| options.get(name).is_some());
    let used = provider.alternatives.iter().position(|group| is_given(group)).unwrap_or(0);
    let mut excluded = Vec::new();
    for (index, group) in provider.alternatives.iter().enumerate() {
        if index != used {
            if is_given(group) {
                let [one, other] = [provider.alternatives[used], group].map(|group| group.join("` with `"));
                options.report(&[
                    "options `",
                    &one,
                    "` and `",
                    &other,
                    "` say the same; give one or the other",
                ]);
            }
            excluded.extend(*group);
        }
    }
    excluded
}

fn broker<'a>(options: &OptionReader<'a>) -> (ProviderConfig, Values<'a>) {
    let values = options.read(&BROKER, &COMMON, Vec::new());
    let endpoint = values.required_text("endpoint");
    let expected = format!(
        "\"{}\" or {{ present, refused, throttled, unavailable, sliding }}",
        names(&[]).join("\", \"")
    );
    let api = match options.get("api") {
        Some(RawValue::Text(name)) => match Descriptor::find(name) {
            Some(provider) => Profile { endpoint: endpoint.into(), ..(provider.profile)(&Values::EMPTY) },
            None => {
                options.report_unknown_keyword("api", &names(&[]), &expected);
                custom::base_profile(String::new(), endpoint, options)
            }
        },
        _ => {
            let description = options.map("api", &expected).unwrap_or_else(|| options.nested("api", &[]));
            description.allow_only("present refused throttled unavailable sliding");
            custom::base_profile("api".to_owned(), endpoint, &description)
        }
    };
    let broker = Broker {
        url: values.required_text("url"),
        credentials: values.keyword("credentials"),
        lifetime: values.given_millis("lifetimeMs"),
    };
    let config = ProviderConfig {
        profile: broker.profile(api),
        grant_source: GrantSource::Profile(Vec::new()),
        scopes: values.scopes().unwrap_or_default(),
    };
    (config, values)
}

/// Returns a placeholder for an unknown provider, after that was reported.
pub(super) fn unknown_provider<'a>(options: &OptionReader<'a>) -> (ProviderConfig, Values<'a>) {
    let profile = custom::base_profile(String::new(), String::new(), options);
    let grant_source = GrantSource::Profile(Vec::new());
    let scopes = crate::core::ScopeSet::default();
    (ProviderConfig { profile, grant_source, scopes }, options.read(&[], &COMMON, Vec::new()))
}
