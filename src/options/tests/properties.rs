//! Properties of validation: arbitrary values cause no panic, no secret in a message, and no accepted value out of
//! range.

use proptest::{collection::vec, prelude::*, sample::select, strategy::ValueTree, test_runner::TestRunner};

use super::{
    table::{BROKER, COMMON, RETRY, SESSIONS},
    *,
};
use crate::provider::{Authorization, Operation, PROVIDERS, TokenSource, Variable};

fn config() -> ProptestConfig {
    // A failure prints its minimal input; no file is written.
    ProptestConfig {
        cases: 4 * ProptestConfig::default().cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Text that no message may contain: a marker within the characters of generated secrets.
fn secret() -> impl Strategy<Value = String> {
    let mark = "s3cret";
    prop_oneof![
        "[A-Za-z0-9+/=]{0,40}".prop_map(move |noise| format!("{mark}{noise}")),
        ".{0,12}".prop_map(move |noise| format!("{noise}{mark}")),
        Just(format!("https://user:{mark}@api.test/")),
        Just(format!("http://{mark}.test/")),
        Just(format!("Basic {mark}")),
        Just(mark.to_owned()),
    ]
}

/// Keys and keywords of the options, so that random objects reach the validation of values.
fn words() -> Vec<&'static str> {
    let tables = [&COMMON[..], &RETRY, &SESSIONS, &BROKER];
    let options = tables.into_iter().chain(PROVIDERS.map(|provider| provider.options)).flatten();
    let mut words: Vec<_> = OTHER_WORDS.split(' ').chain(PROVIDERS.map(|provider| provider.name)).collect();
    for option in options {
        words.push(option.name);
        if let Accepts::Keyword(keywords) = option.accepts {
            words.extend(keywords.split(' '));
        }
    }
    words.sort_unstable();
    words.dedup();
    words
}

/// Members of profiles and stores, and values.
const OTHER_WORDS: &str = "broker 2019-01-01 https://a.test/ http://a.test/ x-a Authorization get set delete acquire watch \
    name authenticate document variables $scopes authorization basic bearer renew token data header refreshToken \
    expiry expiresIn expiresAt unit jwt grant";

fn word() -> impl Strategy<Value = String> {
    prop_oneof![8 => select(words()).prop_map(str::to_owned), 1 => secret()]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => word().prop_map(|word| text(&word)),
        2 => secret().prop_map(|secret| text(&secret)),
        2 => prop_oneof![any::<f64>(), select(vec![0.0, 0.5, 1.0, 2.0, 401.0, 1e4, -1.0, f64::NAN, f64::INFINITY])]
            .prop_map(number),
        1 => any::<bool>().prop_map(RawValue::Bool),
        1 => Just(RawValue::Function("s3cret")),
        1 => select(vec![RawValue::Missing, RawValue::Null, RawValue::Other, text(""), text(" ")]),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            1 => vec(inner.clone(), 0..4).prop_map(RawValue::List),
            3 => vec((word(), inner), 0..6).prop_map(RawValue::Map),
        ]
    })
}

/// Valid options with changes at a few paths.
fn nearly_right() -> impl Strategy<Value = Value> {
    let base = prop_oneof![select(everyone().to_vec()), Just(renewing())];
    let path = vec(word().prop_map(|word| word.replace('.', "")), 1..=4);
    let places = " provider retry headers provider.authenticate provider.authenticate.variables \
        provider.authenticate.authorization provider.authenticate.authorization.basic provider.renew \
        provider.token provider.expiry provider.refused provider.sliding provider.headers";
    let places = select(places.split(' ').collect::<Vec<_>>());
    let change = (places, path, value()).prop_map(|(within, path, value)| {
        let path = if path.len() > 2 { path[..1].join(".") } else { path.join(".") };
        (if within.is_empty() { path } else { format!("{within}.{path}") }, value)
    });
    let changes = vec(prop_oneof![1 => change, 2 => likely()], 1..4);
    (base, changes).prop_map(|(base, changes)| {
        changes.into_iter().fold(base, |options, (path, value)| options.with(&path, value))
    })
}

/// A value of the right type, mostly in range, for an option of every provider.
fn likely() -> impl Strategy<Value = (String, Value)> {
    let millis = select(vec![
        "minValidityMs",
        "timeoutMs",
        "lifetimeMs",
        "retry.attempts",
        "retry.baseMs",
        "retry.maxMs",
    ]);
    prop_oneof![
        3 => (millis, prop_oneof![(1_u32..100).prop_map(f64::from), 0.1..1e17])
            .prop_map(|(key, millis)| (key.to_owned(), number(millis))),
        1 => (0.0..1.0).prop_map(|window| ("refreshWindow".to_owned(), number(window))),
        1 => secret().prop_map(|secret| ("headers.x-a".to_owned(), text(&secret))),
        1 => Just(("fetch".to_owned(), RawValue::Function("s3cret"))),
    ]
}

/// Profile with a secret in every place that accepts one.
fn renewing() -> Value {
    let variables = map([("a", list([RawValue::Function("s3cret")])), ("b", text("s3cret"))]);
    let pair = map([("basic", map([("username", text("me")), ("password", text("s3cret"))]))]);
    acme()
        .with("provider.authenticate.variables", variables)
        .with("provider.authenticate.authorization", pair)
        .with("provider.renew.document", text("{ renew }"))
        .with("provider.renew.authorization.bearer", text("s3cret"))
        .with("provider.refreshToken.data", text("renew.refresh"))
}

/// Checks the properties of accepted and of rejected options.
fn check(options: &Value) -> Result<(), TestCaseError> {
    let checked = match read(options, PLATFORM) {
        Ok(config) => check_settings(&config),
        Err(error) => check_error(&error),
    };
    // A value prints its type only.
    checked.map_err(|error| TestCaseError::fail(format!("{error}, given {}", written(options))))
}

fn written(value: &Value) -> String {
    match value {
        RawValue::Number(number) => number.to_string(),
        RawValue::Text(text) => format!("{text:?}"),
        RawValue::List(items) => format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(", ")),
        RawValue::Map(members) => {
            let member = |(key, value): &(String, Value)| format!("{key:?}: {}", written(value));
            format!("{{ {} }}", members.iter().map(member).collect::<Vec<_>>().join(", "))
        }
        RawValue::Missing
        | RawValue::Null
        | RawValue::Bool(_)
        | RawValue::Function(_)
        | RawValue::IllFormed
        | RawValue::Other => value.kind().to_owned(),
    }
}

fn check_error(error: &TokenError) -> Result<(), TestCaseError> {
    let message = error.message.clone();
    prop_assert_eq!(error, &TokenError::new(ErrorCode::InvalidOptions, message.as_str()));
    prop_assert!(!message.to_lowercase().contains("s3cret"), "{}", message);
    prop_assert!(message.len() < 600, "{}", message);
    prop_assert!(!message.chars().any(char::is_control), "{:?}", message);
    Ok(())
}

fn check_settings(config: &Config) -> Result<(), TestCaseError> {
    let Config { profile, grant_source, scopes, policy, timeout, .. } = config;
    let most = Duration::from_millis(1 << 53);
    prop_assert!((0.0..=0.9).contains(&policy.refresh_window));
    prop_assert!((1..=100).contains(&policy.retry.attempts));
    prop_assert!(policy.retry.base <= policy.retry.max && policy.retry.max <= most);
    prop_assert!(policy.retry.base >= Duration::from_millis(1));
    prop_assert!(policy.min_validity.is_none_or(|span| span <= most));
    prop_assert!((Duration::from_millis(1)..=most).contains(timeout));
    let lifetime = profile.lifetime.span();
    prop_assert!((Duration::from_millis(1)..=most).contains(&lifetime));
    let url = (PLATFORM.parse_url)(&profile.endpoint);
    prop_assert!(url.is_some_and(|url| url.credentials == Credentials::Absent));
    let clean = |scope: &str| !scope.is_empty() && scope.bytes().all(|byte| byte.is_ascii_graphic());
    prop_assert!(scopes.iter().all(clean));
    for (name, source) in &profile.headers {
        let Some(value) = source.as_text() else { continue };
        prop_assert!(name.bytes().all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase()));
        prop_assert!(!["authorization", "content-type"].contains(&name.as_str()));
        prop_assert!(value.expose().bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte)));
    }
    if let GrantSource::Profile(sources) = grant_source {
        prop_assert_eq!(sources.len(), profile.secrets.iter().count());
        let mut ids = ids_of(&profile.authenticate);
        ids.extend(profile.renew.iter().flat_map(ids_of));
        ids.sort_unstable();
        ids.dedup();
        prop_assert_eq!(ids, (0..sources.len()).collect::<Vec<_>>());
        let (TokenSource::Data(places) | TokenSource::Headers(places)) = &profile.token else {
            panic!("{:?}", profile.token)
        };
        prop_assert!(!places.is_empty() && places.iter().all(|place| !place.is_empty()));
        prop_assert!(profile.renew.is_none() || !profile.refresh_token.is_empty());
    }
    // The names of secrets appear in messages about secrets.
    prop_assert!(!profile.secrets.iter().any(|name| name.contains("s3cret")), "{:?}", profile.secrets);
    Ok(())
}

/// Returns the ids of the secrets of an operation.
fn ids_of(operation: &Operation) -> Vec<usize> {
    fn of(variable: &Variable) -> Vec<usize> {
        match variable {
            Variable::Secret(id) => vec![id.0],
            Variable::Map(members) => members.iter().flat_map(|(_, member)| of(member)).collect(),
            Variable::List(items) => items.iter().flat_map(of).collect(),
            Variable::Literal(_)
            | Variable::Absent
            | Variable::RefreshToken
            | Variable::AccessToken
            | Variable::TokenTypeHint
            | Variable::RejectedToken
            | Variable::Scopes => Vec::new(),
        }
    }
    let mut ids: Vec<_> = operation.variables.iter().flat_map(|(_, variable)| of(variable)).collect();
    match &operation.authorization {
        Authorization::None | Authorization::AccessToken | Authorization::RefreshToken => {}
        Authorization::ApiKey(id) | Authorization::Basic(id) | Authorization::Bearer(id) => ids.push(id.0),
        Authorization::BasicPair { password: id, .. }
        | Authorization::ClientSecretBasic { secret: id, .. } => ids.push(id.0),
    }
    ids
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_value_is_accepted_or_rejected_without_showing_a_secret(value in value()) {
        check(&value)?;
    }

    #[test]
    fn nearly_valid_options_are_accepted_or_rejected_without_showing_a_secret(
        options in nearly_right()
    ) {
        check(&options)?;
    }

    #[test]
    fn call_options_are_accepted_or_rejected_without_showing_a_secret(given in value()) {
        if let Err(error) = read_call(&given) {
            check_error(&error)?;
        }
        if let Err(error) = read_refresh(&given) {
            check_error(&error)?;
        }
    }

    #[test]
    fn any_number_is_in_range_or_rejected(
        numbers in vec(prop_oneof![any::<f64>(), 0.0..1e5, 1e14..1e17, -2.0..2.0], 7)
    ) {
        let keys = ["refreshWindow", "minValidityMs", "timeoutMs", "lifetimeMs", "retry.attempts", "retry.baseMs"];
        for (key, &given) in keys.iter().zip(&numbers) {
            check(&toggle().with(key, number(given)))?;
            check(&braintree().with(key, number(given)).with("retry.maxMs", number(numbers[6])))?;
        }
    }
}

#[test]
fn generated_options_cover_acceptance_and_rejection() {
    let mut runner = TestRunner::deterministic();
    let (mut right, mut wrong) = (0, 0);
    for _ in 0..1000 {
        let options = nearly_right().new_tree(&mut runner).expect("a value").current();
        if read(&options, PLATFORM).is_ok() { right += 1 } else { wrong += 1 }
    }

    assert!(right > 100 && wrong > 300, "{right} accepted, {wrong} refused");
}
