//! The format of the transition tables: one line for all states with the same effects.

use super::{
    AcquisitionState, CALLER, EARLY_TIMER, FailureState, Fixture, NOW, Setup, Situation, TIMER, TOKEN_STATES,
    TokenState, inputs, reach, reach_closed,
};
use crate::core::{Effect, Event, Grant, Input, RevokedTokens, StoredRecord, UnixMillis};

const LEGEND: &str = "\
Effects of each input in each state of a session.

    acquisition | token | effects, in order ▶ changes of the state

acquisition  idle: none · limited: backoff of the rate limit · retrying: backoff after a failed attempt
             authenticating: request with the credentials · refreshing: request with a refresh token
             with a star: during a cool-down
token        none: never cached · rejected: by the API · fresh · due: for a refresh · stale: no longer served · expired

any     all reachable states
–       only what is due anyway, as listed under `the machine resumes`

Unreachable: none × limited, none × refreshing, limited*, refreshing*. A caller waits for each acquisition, except for one
of the background (due). A refresh token exists where a grant returned a token and none was presented since.
";

const SHARED_LEGEND: &str = "\
Effects of each input in each state of a session that shares its token through a store.

    acquisition | token | effects, in order ▶ changes of the state

acquisition  idle: none · limited: backoff of the rate limit · retrying: backoff after a failed attempt
             waiting: another holder has the lease · syncing: reads a change of another holder only
             reading: before anything else · leasing: requests the lease · rechecking: reads under the lease
             claiming: removes the refresh token from the store · authenticating: request with the credentials, under the
             lease · refreshing: request with the refresh token · writing
             with a star: during a cool-down
token        none: never cached · rejected: by the API · fresh · due: for a refresh · stale: no longer served · expired

any     all reachable states
–       only what is due anyway, as listed under `the machine resumes`

Unreachable: none × limited, limited*. A caller waits for each acquisition, except for one of the background (due) and where
it only reads a change. While claiming and refreshing, the store's refresh token is `first`.
";

const NOTHING: &str = "–";

/// The table.
pub(super) fn written(setup: Setup) -> String {
    let mut text = match setup {
        Setup::WithoutStore => LEGEND.to_owned(),
        Setup::WithStore => SHARED_LEGEND.to_owned(),
    };
    for (title, input) in inputs(setup) {
        text.push_str(&format!("\n{title}\n"));
        for line in lines(setup, title, input) {
            text.push_str(&line.written(setup));
        }
    }
    text
}

/// The states in which an input has one outcome: each of these acquisition states with each of these token states.
struct Line {
    acquisition_states: Vec<String>,
    token_states: Vec<&'static str>,
    outcome: String,
}

impl Line {
    fn written(&self, setup: Setup) -> String {
        let all = every_acquisition_state(setup).count();
        let acquisition_states = match self.acquisition_states.len() {
            count if count == all => "any".to_owned(),
            count if count > 8 && setup == Setup::WithStore => {
                let others: Vec<_> = every_acquisition_state(setup)
                    .filter(|it| !self.acquisition_states.contains(it))
                    .collect();
                format!("all but {}", others.join(" "))
            }
            _ => self.acquisition_states.join(" "),
        };
        let token_states = if self.token_states.len() == TOKEN_STATES.len() {
            "any".to_owned()
        } else {
            self.token_states.join(" ")
        };
        format!("    {acquisition_states:<50} | {token_states:<32} | {}\n", self.outcome)
    }
}

fn every_acquisition_state(setup: Setup) -> impl Iterator<Item = String> {
    let reached = move |&(acquisition_state, failure_state): &(AcquisitionState, FailureState)| {
        TOKEN_STATES
            .iter()
            .any(|&token_state| reach(setup, acquisition_state, token_state, failure_state).is_some())
    };
    [FailureState::None, FailureState::CoolDown]
        .into_iter()
        .flat_map(move |failure_state| {
            setup
                .acquisition_states()
                .iter()
                .map(move |&acquisition_state| (acquisition_state, failure_state))
        })
        .filter(reached)
        .map(|(acquisition_state, failure_state)| starred(acquisition_state, failure_state))
}

fn starred(acquisition_state: AcquisitionState, failure_state: FailureState) -> String {
    format!(
        "{}{}",
        acquisition_state_name(acquisition_state),
        if failure_state == FailureState::CoolDown { "*" } else { "" }
    )
}

fn lines(setup: Setup, title: &str, input: fn(&Fixture) -> Input) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for failure_state in [FailureState::None, FailureState::CoolDown] {
        for &acquisition_state in setup.acquisition_states() {
            for row in row(setup, title, input, acquisition_state, failure_state) {
                match lines
                    .iter_mut()
                    .find(|it| it.token_states == row.token_states && it.outcome == row.outcome)
                {
                    Some(line) => line.acquisition_states.extend(row.acquisition_states),
                    None => lines.push(row),
                }
            }
        }
    }
    let outcome = outcome(reach_closed(setup), input, NOW);
    lines.push(Line { acquisition_states: vec!["closed".to_owned()], token_states: vec![NOTHING], outcome });
    lines
}

fn row(
    setup: Setup,
    title: &str,
    input: fn(&Fixture) -> Input,
    acquisition_state: AcquisitionState,
    failure_state: FailureState,
) -> Vec<Line> {
    let mut row: Vec<Line> = Vec::new();
    for token_state in TOKEN_STATES {
        let Some(fixture) = reach(setup, acquisition_state, token_state, failure_state) else { continue };
        let outcome = match title {
            TIMER => after_timer(fixture, input),
            EARLY_TIMER => outcome(fixture, input, NOW),
            _ => beyond_what_is_due(
                outcome(fixture, input, NOW),
                reach(setup, acquisition_state, token_state, failure_state),
            ),
        };
        match row.iter_mut().find(|line| line.outcome == outcome) {
            Some(line) => line.token_states.push(token_state_name(token_state)),
            None => row.push(Line {
                acquisition_states: vec![starred(acquisition_state, failure_state)],
                token_states: vec![token_state_name(token_state)],
                outcome,
            }),
        }
    }
    if let [only] = row.as_mut_slice() {
        only.token_states = vec!["any"];
    }
    row
}

/// `–` where the outcome is the same as without the input.
fn beyond_what_is_due(outcome_of_event: String, twin: Option<Fixture>) -> String {
    let due = twin.map(|twin| outcome(twin, |_| Input::TimerFired, NOW));
    if due.as_ref() == Some(&outcome_of_event) { NOTHING.to_owned() } else { outcome_of_event }
}

fn after_timer(fixture: Fixture, input: fn(&Fixture) -> Input) -> String {
    match fixture.machine.poll_timeout() {
        // The machine slept until then: what is due is done at the first input.
        Some(at) => outcome(fixture, input, at.max(NOW)),
        None => "no timer is set".to_owned(),
    }
}

const fn acquisition_state_name(acquisition_state: AcquisitionState) -> &'static str {
    match acquisition_state {
        AcquisitionState::Idle => "idle",
        AcquisitionState::RateLimited => "limited",
        AcquisitionState::RetryBackoff => "retrying",
        AcquisitionState::AwaitingLease => "waiting",
        AcquisitionState::ReadingChange => "syncing",
        AcquisitionState::ReadingStore => "reading",
        AcquisitionState::AcquiringLease => "leasing",
        AcquisitionState::RecheckingStore => "rechecking",
        AcquisitionState::ClaimingRefreshToken => "claiming",
        AcquisitionState::ReturningRefreshToken => "returning",
        AcquisitionState::ClearingStore => "clearing",
        AcquisitionState::WritingStore => "writing",
        AcquisitionState::Authenticating => "authenticating",
        AcquisitionState::Refreshing => "refreshing",
    }
}

const fn token_state_name(token_state: TokenState) -> &'static str {
    match token_state {
        TokenState::None => "none",
        TokenState::Rejected => "rejected",
        TokenState::Fresh => "fresh",
        TokenState::Due => "due",
        TokenState::Stale => "stale",
        TokenState::Expired => "expired",
    }
}

/// The outcome of an input: its effects in order, and the changes of the state.
fn outcome(mut fixture: Fixture, input: fn(&Fixture) -> Input, at: UnixMillis) -> String {
    let before = fixture.situation(at);
    let input = input(&fixture);
    let is_request = matches!(input, Input::Requested(..));
    let effects = fixture.handle(input, at);
    let after = fixture.situation(at);
    assert!(fixture.machine.poll_timeout().is_none_or(|timeout| timeout > at));

    let mut parts: Vec<_> = effects.iter().map(effect_text).collect();
    if is_request && !effects.iter().any(|effect| matches!(effect, Effect::Resolve(CALLER, _))) {
        parts.insert(0, "the caller waits".to_owned());
    }
    let next = change(before, after);
    match (parts.is_empty(), next.is_empty()) {
        (true, true) => NOTHING.to_owned(),
        (_, true) => parts.join("; "),
        (_, false) => format!("{} ▶ {}", parts.join("; "), next.join(", ")).trim_start().to_owned(),
    }
}

fn effect_text(effect: &Effect) -> String {
    match effect {
        Effect::Resolve(call, answer) => {
            let who = if *call == CALLER { "the caller" } else { "the waiter" };
            match answer {
                Ok(tokens) => format!("{who} gets `{}`", tokens.access_token.expose()),
                Err(error) => format!("{who} gets {}", error.code.as_str()),
            }
        }
        Effect::Send(_, Grant::Authenticate) => "authenticate".to_owned(),
        Effect::Send(_, Grant::AuthenticateIfChanged(_)) => "authenticate if changed".to_owned(),
        Effect::Send(_, Grant::Refresh(_)) => "refresh".to_owned(),
        Effect::Cancel(_) => "cancel".to_owned(),
        Effect::ReadStore(_) => "read".to_owned(),
        Effect::AcquireLease(_) => "acquire lease".to_owned(),
        Effect::WriteStore(_, _, StoredRecord { tokens: None, .. }) => "write no token".to_owned(),
        Effect::WriteStore(_, _, StoredRecord { tokens: Some(tokens), .. }) => {
            let refresh_token = if tokens.refresh_token.is_some() { "with" } else { "without" };
            format!("write `{}` {refresh_token} a refresh token", tokens.access_token.expose())
        }
        Effect::ReleaseLease(_) => "release".to_owned(),
        Effect::Revoke(tokens) => {
            let kinds = |it: &RevokedTokens| match (&it.access_token, &it.refresh_token) {
                (Some(token), None) => format!("`{}`", token.expose()),
                (Some(token), Some(_)) => format!("`{}` and its refresh token", token.expose()),
                (None, _) => "a refresh token".to_owned(),
            };
            format!("revoke {}", tokens.iter().map(kinds).collect::<Vec<_>>().join(", "))
        }
        Effect::ReportCleared(Ok(())) => "cleared".to_owned(),
        Effect::ReportCleared(Err(error)) => format!("not cleared: {}", error.code.as_str()),
        Effect::Emit(event) => event_text(event),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the type alone describes any other event")]
fn event_text(event: &Event) -> String {
    match event {
        Event::Token { reason, .. } => format!("emit token ({})", reason.as_str()),
        Event::Retry { attempt, error, .. } => format!("emit retry {attempt} ({})", error.code.as_str()),
        Event::Error { error, token_still_valid } => {
            let remaining = if *token_still_valid { ", a token remains" } else { "" };
            format!("emit error ({}{remaining})", error.code.as_str())
        }
        Event::ScopesMissing(missing) => format!("emit missing {}", missing.listed()),
        Event::StoreFailed(_) => "emit store failed".to_owned(),
        Event::Closed => "emit closed".to_owned(),
        event => format!("emit {}", event.name()),
    }
}

fn change(before: Situation, after: Situation) -> Vec<&'static str> {
    match (before, after) {
        (
            Situation::Open(acquisition_state, token_state, failure_state),
            Situation::Open(acquisition_now, token_now, failure_now),
        ) => [
            (acquisition_state != acquisition_now).then(|| acquisition_state_name(acquisition_now)),
            (token_state != token_now).then(|| token_state_name(token_now)),
            (failure_state != failure_now)
                .then(|| if failure_now == FailureState::CoolDown { "cool-down" } else { "no cool-down" }),
        ]
        .into_iter()
        .flatten()
        .collect(),
        (Situation::Open(..), Situation::Closed) => vec!["closed"],
        (Situation::Closed, _) => vec![],
    }
}
