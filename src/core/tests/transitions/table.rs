//! How the table of transitions is written: one line for all situations that agree.

use super::{
    ALARM, Bench, CALLER, Doing, HAVINGS, Having, Memory, NOW, Situation, WOKE, World, events, reach,
    reach_closed,
};
use crate::core::{Effect, Event, Grant, Input, UnixMillis};

const LEGEND: &str = "\
What a lifecycle does about each event in each situation.

    doing | having | effects, in order ▶ what is different afterwards

doing   idle: no flight · pausing: until the pace allows the first request · retrying: pausing after a failure
        asking: by the credentials · renewing: asking by a refresh token
        with a star: while a failure is remembered, within its cool-down
having  never: held · refused: by the API · fresh · due: to be refreshed · late: no longer served · expired

any     all of them that there is a way to
–       nothing but what is due anyway, as listed under `the machine wakes`

Not in the table, since there is no way there: never × pausing, never × renewing, pausing*, renewing*.
Somebody waits wherever a flight is, except for a background flight (due). There is a refresh token
wherever a token came from a grant and none has been presented since.
";

const SHARED_LEGEND: &str = "\
What a lifecycle that shares its token through a store does about each event in each situation.

    doing | having | effects, in order ▶ what is different afterwards

doing   idle: no flight · pausing: until the pace allows the first request · retrying: pausing after a failure
        queueing: somebody else has the lease · looking: reading what another holder saved, and no more
        loading: reading before anything else · locking: the lease was asked for · rereading: under the lease
        claiming: taking the refresh token out of the store · asking: by the credentials, under the lease
        renewing: by the refresh token · saving
        with a star: while a failure is remembered, within its cool-down
having  never: held · refused: by the API · fresh · due: to be refreshed · late: no longer served · expired

any     all of them that there is a way to
–       nothing but what is due anyway, as listed under `the machine wakes`

Not in the table, since there is no way there: never × pausing, pausing*. Somebody waits wherever a flight is, except
for a background flight (due) and where it only looks. While claiming and renewing, the store's refresh token is `first`.
";

const NOTHING: &str = "–";

/// The whole table.
pub(super) fn written(world: World) -> String {
    let mut text = match world {
        World::Alone => LEGEND.to_owned(),
        World::Shared => SHARED_LEGEND.to_owned(),
    };
    for (title, event) in events(world) {
        text.push_str(&format!("\n{title}\n"));
        for line in lines(world, title, event) {
            text.push_str(&line.written(world));
        }
    }
    text
}

/// Situations in which one event has one outcome: each of these doings with each of these havings.
struct Line {
    doings: Vec<String>,
    havings: Vec<&'static str>,
    outcome: String,
}

impl Line {
    fn written(&self, world: World) -> String {
        let all = every_doing(world).count();
        let doings = match self.doings.len() {
            count if count == all => "any".to_owned(),
            count if count > 8 && world == World::Shared => {
                let others: Vec<_> = every_doing(world).filter(|it| !self.doings.contains(it)).collect();
                format!("all but {}", others.join(" "))
            }
            _ => self.doings.join(" "),
        };
        let havings =
            if self.havings.len() == HAVINGS.len() { "any".to_owned() } else { self.havings.join(" ") };
        format!("    {doings:<50} | {havings:<32} | {}\n", self.outcome)
    }
}

fn every_doing(world: World) -> impl Iterator<Item = String> {
    let reached = move |&(doing, memory): &(Doing, Memory)| {
        HAVINGS.iter().any(|&having| reach(world, doing, having, memory).is_some())
    };
    [Memory::Clear, Memory::Cooling]
        .into_iter()
        .flat_map(move |memory| world.doings().iter().map(move |&doing| (doing, memory)))
        .filter(reached)
        .map(|(doing, memory)| starred(doing, memory))
}

fn starred(doing: Doing, memory: Memory) -> String {
    format!("{}{}", doing_name(doing), if memory == Memory::Cooling { "*" } else { "" })
}

fn lines(world: World, title: &str, event: fn(&Bench) -> Input) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for memory in [Memory::Clear, Memory::Cooling] {
        for &doing in world.doings() {
            for row in row(world, title, event, doing, memory) {
                match lines.iter_mut().find(|it| it.havings == row.havings && it.outcome == row.outcome) {
                    Some(line) => line.doings.extend(row.doings),
                    None => lines.push(row),
                }
            }
        }
    }
    let outcome = outcome(reach_closed(world), event, NOW);
    lines.push(Line { doings: vec!["closed".to_owned()], havings: vec![NOTHING], outcome });
    lines
}

fn row(world: World, title: &str, event: fn(&Bench) -> Input, doing: Doing, memory: Memory) -> Vec<Line> {
    let mut row: Vec<Line> = Vec::new();
    for having in HAVINGS {
        let Some(bench) = reach(world, doing, having, memory) else { continue };
        let outcome = match title {
            ALARM => alarmed(bench, event),
            WOKE => outcome(bench, event, NOW),
            _ => beyond_what_is_due(outcome(bench, event, NOW), reach(world, doing, having, memory)),
        };
        match row.iter_mut().find(|line| line.outcome == outcome) {
            Some(line) => line.havings.push(having_name(having)),
            None => row.push(Line {
                doings: vec![starred(doing, memory)],
                havings: vec![having_name(having)],
                outcome,
            }),
        }
    }
    if let [only] = row.as_mut_slice() {
        only.havings = vec!["any"];
    }
    row
}

/// `–` where the same would have happened had nothing been said.
fn beyond_what_is_due(outcome_of_event: String, twin: Option<Bench>) -> String {
    let due = twin.map(|twin| outcome(twin, |_| Input::TimerFired, NOW));
    if due.as_ref() == Some(&outcome_of_event) { NOTHING.to_owned() } else { outcome_of_event }
}

fn alarmed(bench: Bench, event: fn(&Bench) -> Input) -> String {
    match bench.machine.poll_timeout() {
        // A laptop slept: what is due is done at the first event.
        Some(at) => outcome(bench, event, at.max(NOW)),
        None => "no alarm is set".to_owned(),
    }
}

const fn doing_name(doing: Doing) -> &'static str {
    match doing {
        Doing::Nothing => "idle",
        Doing::FirstPause => "pausing",
        Doing::RetryPause => "retrying",
        Doing::Queueing => "queueing",
        Doing::Looking => "looking",
        Doing::Loading => "loading",
        Doing::Locking => "locking",
        Doing::Rereading => "rereading",
        Doing::Claiming => "claiming",
        Doing::Saving => "saving",
        Doing::AskingByCredentials => "asking",
        Doing::AskingByRefreshToken => "renewing",
    }
}

const fn having_name(having: Having) -> &'static str {
    match having {
        Having::NeverHeld => "never",
        Having::Refused => "refused",
        Having::Fresh => "fresh",
        Having::Due => "due",
        Having::PastServed => "late",
        Having::Expired => "expired",
    }
}

/// What an event does: its effects in order, and the situation after it where that differs.
fn outcome(mut bench: Bench, event: fn(&Bench) -> Input, at: UnixMillis) -> String {
    let before = bench.situation(at);
    let event = event(&bench);
    let asked = matches!(event, Input::Requested(..));
    let effects = bench.tell(event, at);
    let after = bench.situation(at);
    assert!(bench.machine.poll_timeout().is_none_or(|wakeup| wakeup > at));

    let mut parts: Vec<_> = effects.iter().map(spoken).collect();
    if asked && !effects.iter().any(|effect| matches!(effect, Effect::Resolve(CALLER, _))) {
        parts.insert(0, "the caller waits".to_owned());
    }
    let next = change(before, after);
    match (parts.is_empty(), next.is_empty()) {
        (true, true) => NOTHING.to_owned(),
        (_, true) => parts.join("; "),
        (_, false) => format!("{} ▶ {}", parts.join("; "), next.join(", ")).trim_start().to_owned(),
    }
}

fn spoken(effect: &Effect) -> String {
    match effect {
        Effect::Resolve(call, answer) => {
            let who = if *call == CALLER { "the caller" } else { "the waiter" };
            match answer {
                Ok(tokens) => format!("{who} gets `{}`", tokens.access_token.expose()),
                Err(error) => format!("{who} gets {}", error.code.as_str()),
            }
        }
        Effect::Send(_, Grant::Authenticate) => "ask by credentials".to_owned(),
        Effect::Send(_, Grant::AuthenticateIfChanged(_)) => "ask by credentials if they changed".to_owned(),
        Effect::Send(_, Grant::Refresh(_)) => "ask by refresh token".to_owned(),
        Effect::Cancel(_) => "cancel".to_owned(),
        Effect::ReadStore(_) => "read".to_owned(),
        Effect::AcquireLease(_) => "ask for the lease".to_owned(),
        Effect::WriteStore(_, _, tokens) => {
            let refresh_token = if tokens.refresh_token.is_some() { "with" } else { "without" };
            format!("save `{}` {refresh_token} a refresh token", tokens.access_token.expose())
        }
        Effect::ReleaseLease(_) => "release".to_owned(),
        Effect::Emit(change) => announced(change),
    }
}

fn announced(change: &Event) -> String {
    match change {
        Event::Token { reason, .. } => format!("tell token ({})", reason.as_str()),
        Event::Retry { attempt, error, .. } => format!("tell retry {attempt} ({})", error.code.as_str()),
        Event::Error { error, token_still_valid } => {
            let remaining = if *token_still_valid { ", a token remains" } else { "" };
            format!("tell error ({}{remaining})", error.code.as_str())
        }
        Event::Expired => "tell expired".to_owned(),
        Event::ScopesMissing(missing) => format!("tell missing {}", missing.listed()),
        Event::StoreFailed(_) => "tell store failed".to_owned(),
        Event::Closed => "tell closed".to_owned(),
    }
}

fn change(before: Situation, after: Situation) -> Vec<&'static str> {
    match (before, after) {
        (Situation::Open(doing, having, memory), Situation::Open(doing_now, having_now, memory_now)) => [
            (doing != doing_now).then(|| doing_name(doing_now)),
            (having != having_now).then(|| having_name(having_now)),
            (memory != memory_now).then(|| if memory_now == Memory::Cooling { "cooling" } else { "clear" }),
        ]
        .into_iter()
        .flatten()
        .collect(),
        (Situation::Open(..), Situation::Closed) => vec!["closed"],
        (Situation::Closed, _) => vec![],
    }
}
