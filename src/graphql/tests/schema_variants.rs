//! Contradictory names in documentation: each variant is tried once and remembered.

use crate::core::ErrorCode;

use super::{
    fluz::{SAMPLE, options, scenario},
    *,
};

/// Names in a version of the schema of Fluz; validates like graphql-js.
#[derive(Clone, Copy)]
pub(super) struct Schema {
    pub(super) token: &'static str,
    /// Selectability of `refreshToken`.
    pub(super) refresh_token: Selectable,
    /// Argument of `refreshUserAccessToken`.
    pub(super) argument: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Selectable {
    Yes,
    No,
}

/// The schema of the more likely pages.
pub(super) const LIKELIEST: Schema =
    Schema { token: "token", refresh_token: Selectable::Yes, argument: "refreshToken" };

impl Schema {
    pub(super) fn errors(self, query: &str) -> Vec<String> {
        let (root, selection) = query.split_once(')').map_or(("", ""), |(_, body)| {
            let body = body.trim_start_matches(" { ");
            let (call, selection) = body.rsplit_once('{').unwrap_or((body, ""));
            (call, selection)
        });
        let name = root.split('(').next().unwrap_or_default();
        let mut errors = Vec::new();
        let argument = root.split_once('(').and_then(|(_, rest)| rest.split(':').next()).unwrap_or_default();
        if name == "refreshUserAccessToken" && argument != self.argument {
            errors.push(format!(r#"Unknown argument "{argument}" on field "Mutation.{name}"."#));
            errors.push(format!(
                r#"Field "{name}" argument "{}" of type "String!" is required, but it was not provided."#,
                self.argument
            ));
        }
        for field in selection.split([' ', '}']).filter(|field| !field.is_empty()) {
            let known = field == self.token
                || field == "scopes"
                || (field == "refreshToken" && self.refresh_token == Selectable::Yes);
            if !known {
                errors.push(format!(
                    r#"Cannot query field "{field}" on type "UserAccessToken". Did you mean "{}"?"#,
                    self.token
                ));
            }
        }
        errors
    }

    /// Server with validation errors in `style`, or a token.
    pub(super) fn server(self, style: Style) -> impl FnMut(&HttpRequest) -> HttpResponse {
        move |request| {
            let query = request.query();
            let errors = self.errors(&query);
            if !errors.is_empty() {
                return style.respond(&errors);
            }
            let root = if query.contains("refreshUserAccessToken") { "refresh" } else { "generate" };
            let mut payload = serde_json::json!({ self.token: "planted-token" });
            if self.refresh_token == Selectable::Yes {
                payload["refreshToken"] = "planted-refresh-token".into();
            }
            let root = format!("{root}UserAccessToken");
            reply(200, &serde_json::json!({ "data": { root: payload } }).to_string())
        }
    }
}

/// Form of a response to an invalid document.
#[derive(Clone, Copy, Debug)]
pub(super) enum Style {
    /// graphql-http and graphql-yoga: status 400 and the new media type.
    Standard,
    /// Apollo Server.
    Apollo,
    /// Before the media type was defined: always status 200 without codes.
    Old,
}

impl Style {
    fn respond(self, errors: &[String]) -> HttpResponse {
        let errors: Vec<_> = errors
            .iter()
            .map(|message| {
                let mut error =
                    serde_json::json!({ "message": message, "locations": [{ "line": 1, "column": 9 }] });
                if let Self::Apollo = self {
                    error["extensions"] = serde_json::json!({ "code": "GRAPHQL_VALIDATION_FAILED" });
                }
                error
            })
            .collect();
        let status = match self {
            Self::Standard | Self::Apollo => 400,
            Self::Old => 200,
        };
        let mut body = serde_json::json!({ "errors": errors });
        if let Self::Old = self {
            body["data"] = Value::Null;
        }
        reply(status, &body.to_string())
    }
}

const STYLES: [Style; 3] = [Style::Standard, Style::Apollo, Style::Old];

/// Server with a schema of one field, `scopes`.
fn knows_nothing(request: &HttpRequest) -> HttpResponse {
    let field = if request.query().contains("accessToken") { "accessToken" } else { "token" };
    error(400, &format!(r#"Cannot query field "{field}" on type "UserAccessToken"."#))
}

#[test]
fn next_variant_is_tried_once_and_remembered() {
    for style in STYLES {
        let schema = Schema { token: "accessToken", ..LIKELIEST };
        let mut scenario = scenario();

        let first = scenario.authenticate(schema.server(style)).unwrap();
        let second = scenario.authenticate(schema.server(style)).unwrap();

        assert_eq!(first.access_token.expose(), "planted-token", "{style:?}");
        assert_eq!(second.access_token.expose(), "planted-token", "{style:?}");
        assert_eq!(scenario.requests.len(), 3, "{style:?}");
        assert!(scenario.last().query().ends_with("{ accessToken refreshToken scopes } }"));
    }
}

#[test]
fn two_validation_errors_in_a_response_cost_one_request() {
    let schema = Schema { token: "accessToken", refresh_token: Selectable::No, ..LIKELIEST };
    let mut scenario = scenario();

    let token = scenario.authenticate(schema.server(Style::Apollo)).unwrap();

    assert_eq!(token.refresh_token, None);
    assert_eq!(scenario.requests.len(), 2);
    assert!(scenario.last().query().ends_with("{ accessToken  scopes } }"));
}

#[test]
fn refresh_argument_is_tried_once_and_remembered() {
    for style in STYLES {
        let schema = Schema { argument: "userId", ..LIKELIEST };
        let mut scenario = scenario();

        let first = scenario.refresh("planted-first", schema.server(style)).unwrap();
        scenario.refresh("planted-second", schema.server(style)).unwrap();

        assert_eq!(first.access_token.expose(), "planted-token", "{style:?}");
        assert_eq!(scenario.requests.len(), 3, "{style:?}");
        assert!(scenario.last().query().contains("refreshUserAccessToken(userId: $refreshToken)"));
        assert_eq!(scenario.last().variables()["refreshToken"], "planted-second");
    }
}

#[test]
fn distinguishes_a_field_from_an_argument_of_the_same_name() {
    let argument = Schema { argument: "userId", ..LIKELIEST };
    let field = Schema { refresh_token: Selectable::No, ..LIKELIEST };
    let (mut first, mut second) = (scenario(), scenario());

    first.refresh("planted-first", argument.server(Style::Old)).unwrap();
    second.refresh("planted-first", field.server(Style::Old)).unwrap();

    assert!(first.last().query().ends_with("(userId: $refreshToken) { token refreshToken scopes } }"));
    assert!(second.last().query().ends_with("(refreshToken: $refreshToken) { token  scopes } }"));
}

#[test]
fn all_names_may_change_at_once() {
    let schema = Schema { token: "accessToken", refresh_token: Selectable::No, argument: "userId" };
    let mut scenario = scenario();

    scenario.refresh("planted-first", schema.server(Style::Standard)).unwrap();

    assert_eq!(scenario.requests.len(), 2);
    assert!(scenario.last().query().ends_with("(userId: $refreshToken) { accessToken  scopes } }"));
}

#[test]
fn consecutive_validation_errors_are_handled() {
    let schema = Schema { token: "accessToken", refresh_token: Selectable::No, argument: "userId" };
    let mut scenario = scenario();

    scenario
        .refresh("planted-first", |request| {
            let errors = schema.errors(&request.query());
            match errors.first() {
                Some(message) => error(400, message),
                None => reply(200, &SAMPLE.replace("generate", "refresh")),
            }
        })
        .unwrap();

    assert_eq!(scenario.requests.len(), 4);
}

#[test]
fn two_rejected_variants_end_the_grant() {
    let mut scenario = scenario();

    let granted = scenario.authenticate(knows_nothing);

    assert_eq!(scenario.requests.len(), 2);
    fails_with(ErrorCode::Protocol).status(400).is_permanent(granted);
}

#[test]
fn reverted_name_is_followed() {
    let mut scenario = scenario();

    scenario.authenticate(Schema { token: "accessToken", ..LIKELIEST }.server(Style::Apollo)).unwrap();
    scenario.authenticate(LIKELIEST.server(Style::Apollo)).unwrap();

    assert_eq!(scenario.requests.len(), 4);
    assert!(scenario.last().query().contains("{ token refreshToken scopes }"));
}

#[test]
fn understands_validation_errors_of_other_servers() {
    for message in [
        r#"Cannot query field "token" on type "UserAccessToken". Did you mean "accessToken"?"#,
        r#"Cannot query field "token" on type "UserAccessToken"."#,
        "Cannot query field 'token' on type 'UserAccessToken'.",
        "The field `token` does not exist on the type `UserAccessToken`.",
        "Field 'token' doesn't exist on type 'UserAccessToken'",
        "Validation error (FieldUndefined@[generateUserAccessToken/token]) : Field 'token' in type 'UserAccessToken' is undefined",
        r#"Unknown field "token" on type "UserAccessToken""#,
    ] {
        let mut scenario = scenario();

        scenario.authenticate(in_turn([error(200, message), reply(200, SAMPLE)])).unwrap();

        assert!(scenario.last().query().contains("{ accessToken refreshToken scopes }"), "{message}");
    }
    for message in [
        r#"Unknown argument "refreshToken" on field "Mutation.refreshUserAccessToken"."#,
        "Unknown argument 'refreshToken' on field 'refreshUserAccessToken' of type 'Mutation'.",
        "The argument `refreshToken` does not exist.",
        "Validation error (UnknownArgument@[refreshUserAccessToken]) : Unknown field argument 'refreshToken'",
    ] {
        let mut scenario = scenario();

        scenario.refresh("planted-first", in_turn([error(200, message), reply(200, SAMPLE)])).unwrap();

        assert!(scenario.last().query().contains("(userId: $refreshToken)"), "{message}");
    }
}

#[test]
fn unrelated_validation_error_changes_no_variant() {
    for message in [
        r#"Cannot query field "scopes" on type "UserAccessToken". Did you mean "token"?"#,
        r#"Unknown argument "token" on field "Mutation.generateUserAccessToken"."#,
        r#"Cannot query field "tokens" on type "UserAccessToken"."#,
        "Cannot query field token on type UserAccessToken.",
        "\"",
    ] {
        let mut scenario = scenario();

        let granted = scenario.authenticate(|request| {
            assert!(request.query().contains("{ token refreshToken scopes }"), "{message}");
            error(400, message)
        });

        assert_eq!(scenario.requests.len(), 1, "{message}");
        fails_with(ErrorCode::Protocol).status(400).is_permanent(granted);
    }
}

#[test]
fn error_beside_data_is_not_a_validation_error() {
    let body = r#"{"data":{"generateUserAccessToken":{"scopes":["A"]}},
        "errors":[{"message":"Cannot query field \"token\" on type \"UserAccessToken\"."}]}"#;
    let mut scenario = scenario();

    let granted = scenario.respond(reply(200, body));

    fails_with(ErrorCode::Protocol).status(200).is_permanent(granted);
}

#[test]
fn concurrent_grants_share_a_changed_variant() {
    let profile = options().profile();
    let mut variants = SchemaVariants::default();
    let (scopes, secrets) = (ScopeSet::default(), [Secret::new("planted-secret")]);
    let mut server = Schema { token: "accessToken", ..LIKELIEST }.server(Style::Apollo);
    let mut exchanges = [(); 3].map(|()| GrantExchange::new(&profile, &scopes, Grant::Authenticate));

    // All requests are sent before the first response.
    let mut ask = |exchanges: &mut [GrantExchange<'_>; 3], variants: &mut SchemaVariants| {
        let requests = exchanges.each_mut().map(|it| it.next_request(variants, &secrets, PLATFORM).unwrap());
        let responses = requests.map(|request| server(&request));
        let mut responses = responses.iter();
        exchanges.each_mut().map(|it| it.handle_response(responses.next().unwrap(), variants, PLATFORM))
    };
    let first = ask(&mut exchanges, &mut variants);
    let second = ask(&mut exchanges, &mut variants);

    assert_eq!(first, [Outcome::Resend, Outcome::Resend, Outcome::Resend]);
    for outcome in second {
        assert!(matches!(outcome, Outcome::Token(Ok(_))), "{outcome:?}");
    }
}

#[test]
fn concurrent_grants_share_a_changed_media_type() {
    let profile = options().profile();
    let mut variants = SchemaVariants::default();
    let (scopes, secrets) = (ScopeSet::default(), [Secret::new("planted-secret")]);
    let mut exchanges = [(); 2].map(|()| GrantExchange::new(&profile, &scopes, Grant::Authenticate));

    for exchange in &mut exchanges {
        exchange.next_request(&variants, &secrets, PLATFORM).unwrap();
    }
    let outcome = exchanges.each_mut().map(|it| it.handle_response(&reply(406, ""), &mut variants, PLATFORM));

    assert_eq!(outcome, [Outcome::Resend, Outcome::Resend]);
    for exchange in &mut exchanges {
        let request = exchange.next_request(&variants, &secrets, PLATFORM).unwrap();
        assert_eq!(request.header("accept"), Some("application/json"));
        let outcome = exchange.handle_response(&reply(406, ""), &mut variants, PLATFORM);
        assert!(matches!(outcome, Outcome::Token(Err(_))), "{outcome:?}");
    }
}
