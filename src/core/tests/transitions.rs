//! What every event does in every situation, compared with `transitions.txt`, and with
//! `transitions-shared.txt` for those that share their token through a store.
//!
//! The tables are written to be read: they are the specification. After a change that
//! is meant, `UPDATE_TRANSITIONS=1 cargo test transitions` writes them anew; read
//! the difference before you commit it.
#![expect(clippy::wildcard_enum_match_arm, reason = "the preparation knows a few situations only")]

use std::{rc::Rc, time::Duration};

use super::{START, failure, millis, scopes, seconds, token};
use crate::core::{
    AccessToken, AcquisitionId, Borrowing, CallId, CredentialId, Effect, ErrorCode, Event, Fence, Freshness,
    GrantFailure, Input, Jitter, Phase, Policy, Reason, Rejection, Retry, Session, Sharing, TokenError,
    TokenRequest, TokenSet, TokenTimes, UnixMillis, WriteOutcome,
};

mod table;

/// Whether the token is shared through a store, one that has leases.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum World {
    Alone,
    Shared,
}

/// When each event of the table happens.
const NOW: UnixMillis = UnixMillis::new(START.millis() + 86_400_000);

/// Refreshed after 72.5 to 75 s, served for 90 s.
const LIFETIME: Duration = seconds(100);

const WAITER: CallId = CallId(1);
const CALLER: CallId = CallId(2);
const PREPARATION: CallId = CallId(3);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Doing {
    Nothing,
    FirstPause,
    RetryPause,
    /// Somebody else has the lease.
    Queueing,
    /// Reading what another holder saved, and no more than that.
    Looking,
    Loading,
    Locking,
    Rereading,
    Claiming,
    AskingByCredentials,
    AskingByRefreshToken,
    Saving,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Having {
    NeverHeld,
    Refused,
    Fresh,
    Due,
    PastServed,
    Expired,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Memory {
    Clear,
    Cooling,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Situation {
    Open(Doing, Having, Memory),
    Closed,
}

impl World {
    const fn doings(self) -> &'static [Doing] {
        match self {
            Self::Alone => &[
                Doing::Nothing,
                Doing::FirstPause,
                Doing::RetryPause,
                Doing::AskingByCredentials,
                Doing::AskingByRefreshToken,
            ],
            Self::Shared => &[
                Doing::Nothing,
                Doing::FirstPause,
                Doing::RetryPause,
                Doing::Queueing,
                Doing::Looking,
                Doing::Loading,
                Doing::Locking,
                Doing::Rereading,
                Doing::Claiming,
                Doing::AskingByCredentials,
                Doing::AskingByRefreshToken,
                Doing::Saving,
            ],
        }
    }
}

const HAVINGS: [Having; 6] =
    [Having::NeverHeld, Having::Refused, Having::Fresh, Having::Due, Having::PastServed, Having::Expired];

#[test]
fn every_event_does_in_every_situation_what_the_table_says() {
    compare(World::Alone, "transitions.txt", include_str!("transitions.txt"));
}

#[test]
fn every_event_does_in_every_situation_of_a_shared_token_what_the_table_says() {
    compare(World::Shared, "transitions-shared.txt", include_str!("transitions-shared.txt"));
}

fn compare(world: World, name: &str, table: &str) {
    let actual = table::written(world);

    if std::env::var_os("UPDATE_TRANSITIONS").is_some() {
        let path = format!("{}/src/core/tests/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::write(path, &actual).expect("the table can be written");
        return;
    }
    let expected = table.lines().chain(std::iter::repeat("(the table ends)"));
    for (number, (actual, expected)) in actual.lines().zip(expected).enumerate() {
        assert_eq!(actual, expected, "line {} of {name}", number + 1);
    }
    assert_eq!(actual.lines().count(), table.lines().count(), "lines of {name}");
}

#[test]
fn the_tables_have_every_kind_of_event() {
    let bench = reach(World::Shared, Doing::Nothing, Having::NeverHeld, Memory::Clear)
        .expect("a new lifecycle is reachable");

    for kind in KINDS {
        let present = events(World::Shared).iter().any(|(_, event)| kind_of(&event(&bench)) == kind);
        assert!(present, "{kind} is not in the table");
    }
}

const KINDS: [&str; 26] = [
    "Requested a usable token",
    "Requested a fresh token",
    "Abandoned",
    "Used",
    "Invalidated",
    "Observed",
    "Woke",
    "Granted a token",
    "Granted nothing, transient",
    "Granted nothing, refresh token refused",
    "Granted nothing, permanent",
    "Closed",
    "Requested with a wish for validity",
    "Requested with a wish for scopes",
    "Loaded",
    "Loaded nothing, the store failed",
    "Leased",
    "Leased nothing, the store failed",
    "Saved",
    "Saved nothing, the store failed",
    "PeerSaved",
    "Refused",
    "Progressed",
    "IoLost",
    "Presented",
    "Granted Unchanged",
];

/// A new kind of event stops the build here, until it has its place in [`KINDS`].
fn kind_of(event: &Input) -> &'static str {
    match event {
        Input::Requested(_, TokenRequest::Cached { min_validity: None, scopes: None, .. }) => KINDS[0],
        Input::Requested(_, TokenRequest::Cached { min_validity: Some(_), .. }) => KINDS[12],
        Input::Requested(_, TokenRequest::Cached { scopes: Some(_), .. }) => KINDS[13],
        Input::Requested(_, TokenRequest::Forced) => KINDS[1],
        Input::Cancelled(_) => KINDS[2],
        Input::TokenUsed => KINDS[3],
        Input::TokenInvalidated(_) => KINDS[4],
        Input::TokenRejected(..) => KINDS[21],
        Input::TokenReceived(_) => KINDS[5],
        Input::TimerFired => KINDS[6],
        Input::Granted(_, Ok(_)) => KINDS[7],
        Input::Granted(_, Err(GrantFailure::Transient(_))) => KINDS[8],
        Input::Granted(_, Err(GrantFailure::RefreshTokenRejected(_))) => KINDS[9],
        Input::Granted(_, Err(GrantFailure::Permanent(_))) => KINDS[10],
        Input::Closed => KINDS[11],
        Input::StoreRead(_, Ok(_)) => KINDS[14],
        Input::StoreRead(_, Err(_)) => KINDS[15],
        Input::LeaseAnswered(_, Ok(_)) => KINDS[16],
        Input::LeaseAnswered(_, Err(_)) => KINDS[17],
        Input::StoreWritten(_, Ok(_)) => KINDS[18],
        Input::StoreWritten(_, Err(_)) => KINDS[19],
        Input::StoreChanged => KINDS[20],
        Input::Progressed(_) => KINDS[22],
        Input::IoLost => KINDS[23],
        Input::Presented(..) => KINDS[24],
        Input::Granted(_, Err(GrantFailure::Unchanged)) => KINDS[25],
    }
}

type Told = (&'static str, fn(&Bench) -> Input);

fn events(world: World) -> Vec<Told> {
    let mut events = calls();
    events.extend(sightings());
    events.extend(answers());
    if world == World::Shared {
        events.extend(readings());
        events.extend(leases());
    }
    events
}

/// Shows what is due in each situation.
const WOKE: &str = "the machine wakes, or the alarm goes off too early";

/// Happens later than [`NOW`]: when the lifecycle has asked for it.
const ALARM: &str = "the alarm goes off";

fn calls() -> Vec<Told> {
    vec![
        ("getToken()", |_| Input::Requested(CALLER, TokenRequest::DEFAULT)),
        ("getToken({ minValidityMs: 70_000 }), of a token that lives for 100 s", |_| {
            Input::Requested(CALLER, long_wish())
        }),
        ("getToken({ scopes }), of a token that was granted without them", |_| {
            let wanted = Some(scopes(&["OTHER"]));
            Input::Requested(
                CALLER,
                TokenRequest::Cached { min_validity: None, scopes: wanted, borrowing: Borrowing::Allowed },
            )
        }),
        ("refresh()", |_| Input::Requested(CALLER, TokenRequest::Forced)),
        ("a caller gives up", |_| Input::Cancelled(WAITER)),
        ("a caller gives up who does not wait", |_| Input::Cancelled(CALLER)),
        ("the token was used", |_| Input::TokenUsed),
        (WOKE, |_| Input::TimerFired),
        (ALARM, |_| Input::TimerFired),
        ("close()", |_| Input::Closed),
    ]
}

fn sightings() -> Vec<Told> {
    vec![
        ("the API refuses the token held", |_| Input::TokenInvalidated(AccessToken::new("held"))),
        ("the API refuses another token", |_| Input::TokenInvalidated(AccessToken::new("first"))),
        ("an answer refuses the token held", |_| {
            Input::TokenRejected(AccessToken::new("held"), Rejection::First)
        }),
        ("an answer refuses the token held, as another did the one before", |_| {
            Input::TokenRejected(AccessToken::new("held"), Rejection::Replayed)
        }),
        ("an answer refuses another token", |_| {
            Input::TokenRejected(AccessToken::new("first"), Rejection::First)
        }),
        ("a newer token is seen", |_| Input::TokenReceived(named("newer", NOW))),
        ("an older token is seen, never held", |_| Input::TokenReceived(named("older", NOW))),
        ("the token held is seen", |_| Input::TokenReceived(named("held", NOW))),
        ("a token held before is seen", |_| Input::TokenReceived(named("first", NOW))),
        ("an expired token is seen", |_| Input::TokenReceived(named("newer", NOW - LIFETIME))),
    ]
}

fn answers() -> Vec<Told> {
    vec![
        ("what the flight waits for is lost", |_| Input::IoLost),
        ("the flight takes another step", |bench| Input::Progressed(bench.flight)),
        ("credentials are presented", |bench| Input::Presented(bench.flight, CredentialId(7))),
        ("the credentials are still those that were refused", |bench| {
            Input::Granted(bench.flight, Err(GrantFailure::Unchanged))
        }),
        ("a grant brings a token", |bench| Input::Granted(bench.flight, Ok(named("newer", NOW)))),
        ("a grant brings a token of an earlier stamp", |bench| {
            Input::Granted(bench.flight, Ok(named("older", NOW)))
        }),
        ("a grant brings an expired token", |bench| {
            Input::Granted(bench.flight, Ok(named("newer", NOW - LIFETIME)))
        }),
        ("a grant fails, which may pass", |bench| Input::Granted(bench.flight, Err(transient()))),
        ("a grant is put off for longer than callers wait", |bench| {
            let mut error = failure(ErrorCode::Server);
            error.retry_after = Some(seconds(31));
            Input::Granted(bench.flight, Err(GrantFailure::Transient(error)))
        }),
        ("the refresh token is refused", |bench| Input::Granted(bench.flight, Err(refused()))),
        ("the credentials are refused", |bench| Input::Granted(bench.flight, Err(permanent()))),
        ("an answer to an earlier flight: a token", |bench| {
            Input::Granted(bench.earlier(), Ok(named("newer", NOW)))
        }),
        ("an answer to an earlier flight: it may pass", |bench| {
            Input::Granted(bench.earlier(), Err(transient()))
        }),
        ("an answer to an earlier flight: refresh token refused", |bench| {
            Input::Granted(bench.earlier(), Err(refused()))
        }),
        ("an answer to an earlier flight: permanent", |bench| {
            Input::Granted(bench.earlier(), Err(permanent()))
        }),
    ]
}

fn readings() -> Vec<Told> {
    vec![
        ("another holder has saved", |_| Input::StoreChanged),
        ("the store has nothing", |bench| Input::StoreRead(bench.flight, Ok(None))),
        ("the store has the token held", |bench| {
            Input::StoreRead(bench.flight, Ok(Some(named("held", NOW))))
        }),
        ("the store has a newer token", |bench| {
            Input::StoreRead(bench.flight, Ok(Some(named("newer", NOW))))
        }),
        ("the store has a newer token that is due", |bench| {
            Input::StoreRead(bench.flight, Ok(Some(named("newer", NOW - seconds(80)))))
        }),
        ("the store has a token of an earlier stamp", |bench| {
            Input::StoreRead(bench.flight, Ok(Some(named("older", NOW))))
        }),
        ("the store has an expired token", |bench| {
            Input::StoreRead(bench.flight, Ok(Some(named("newer", NOW - LIFETIME))))
        }),
        ("the store cannot be read", |bench| Input::StoreRead(bench.flight, Err(broken()))),
        ("an answer to an earlier flight: what the store has", |bench| {
            Input::StoreRead(bench.earlier(), Ok(Some(named("newer", NOW))))
        }),
    ]
}

fn leases() -> Vec<Told> {
    vec![
        ("the lease is had", |bench| Input::LeaseAnswered(bench.flight, Ok(Some(Fence(2))))),
        ("somebody else has the lease", |bench| Input::LeaseAnswered(bench.flight, Ok(None))),
        ("the store cannot give a lease", |bench| Input::LeaseAnswered(bench.flight, Err(broken()))),
        ("an answer to an earlier flight: the lease", |bench| {
            Input::LeaseAnswered(bench.earlier(), Ok(Some(Fence(1))))
        }),
        ("an answer to an earlier flight: no lease", |bench| Input::LeaseAnswered(bench.earlier(), Ok(None))),
        ("the store has kept it", |bench| Input::StoreWritten(bench.flight, Ok(WriteOutcome::Stored))),
        ("the store refuses it: there was a later lease", |bench| {
            Input::StoreWritten(bench.flight, Ok(WriteOutcome::Fenced))
        }),
        ("the store cannot be written to", |bench| Input::StoreWritten(bench.flight, Err(broken()))),
        ("an answer to an earlier flight: kept", |bench| {
            Input::StoreWritten(bench.earlier(), Ok(WriteOutcome::Stored))
        }),
    ]
}

fn broken() -> TokenError {
    failure(ErrorCode::Store)
}

fn transient() -> GrantFailure {
    GrantFailure::Transient(failure(ErrorCode::Network))
}

fn refused() -> GrantFailure {
    GrantFailure::RefreshTokenRejected(failure(ErrorCode::InvalidCredentials))
}

fn permanent() -> GrantFailure {
    GrantFailure::Permanent(failure(ErrorCode::InvalidCredentials))
}

const fn long_wish() -> TokenRequest {
    TokenRequest::Cached { min_validity: Some(seconds(70)), scopes: None, borrowing: Borrowing::Allowed }
}

fn named(name: &str, issued_at: UnixMillis) -> Rc<TokenSet> {
    let stamp = match name {
        "first" => 10,
        "older" => 20,
        "held" => 30,
        _ => 40,
    };
    let mut tokens = token(name, issued_at, LIFETIME);
    Rc::make_mut(&mut tokens).scopes = Some(scopes(&["ASKED"]));
    Rc::make_mut(&mut tokens).times =
        TokenTimes { issued_at: Some(START + seconds(stamp)), expires_at: None };
    tokens
}

/// A lifecycle in a situation, and what the table needs to know besides.
struct Bench {
    machine: Session,
    /// The current flight; where there is none, the last one.
    flight: AcquisitionId,
    history: History,
}

/// What a lifecycle that holds nothing has been through.
#[derive(Clone, Copy)]
enum History {
    New,
    Held,
    Closed,
}

impl Bench {
    fn new(world: World) -> Self {
        let retry = Retry { attempts: 2, ..Policy::default().retry };
        let sharing =
            (world == World::Shared).then_some(Sharing { lease: Some(seconds(20)), announces: true });
        let policy = Policy { retry, sharing, ..Policy::default() };
        let machine = Session::new(policy, scopes(&["ASKED"]), Jitter::new(7));
        Self { machine, flight: AcquisitionId(1), history: History::New }
    }

    const fn earlier(&self) -> AcquisitionId {
        AcquisitionId(self.flight.0 - 1)
    }

    fn tell(&mut self, event: Input, at: UnixMillis) -> Vec<Effect> {
        let effects = self.machine.handle(event, at);
        for effect in &effects {
            match effect {
                Effect::Send(id, _) | Effect::ReadStore(id) => self.flight = *id,
                Effect::Emit(Event::Token { .. }) => self.history = History::Held,
                Effect::Emit(Event::Closed) => self.history = History::Closed,
                Effect::Resolve(..)
                | Effect::Cancel(_)
                | Effect::AcquireLease(_)
                | Effect::WriteStore(..)
                | Effect::ReleaseLease(_)
                | Effect::Emit(_) => {}
            }
        }
        effects
    }

    /// The store answers that it has `stored`, gives the lease and keeps everything,
    /// until the flight does this.
    fn until(&mut self, doing: Doing, stored: Option<&Rc<TokenSet>>, at: UnixMillis) {
        while self.doing() != doing {
            let id = self.flight;
            let event = match self.doing() {
                Doing::Loading | Doing::Rereading => Input::StoreRead(id, Ok(stored.cloned())),
                Doing::Locking => Input::LeaseAnswered(id, Ok(Some(Fence(1)))),
                Doing::Claiming | Doing::Saving => Input::StoreWritten(id, Ok(WriteOutcome::Stored)),
                _ => return,
            };
            self.tell(event, at);
        }
    }

    fn land(&mut self, name: &str, issued_at: UnixMillis, at: UnixMillis) {
        self.tell(Input::Requested(PREPARATION, TokenRequest::Forced), at);
        self.until(Doing::Nothing, None, at);
        self.tell(Input::Granted(self.flight, Ok(named(name, issued_at))), at);
        self.until(Doing::Nothing, None, at);
    }

    /// Lets a flight fail for good, so that a failure is remembered.
    fn fail(&mut self, at: UnixMillis) {
        for _ in 0..2 {
            self.tell(Input::Requested(PREPARATION, TokenRequest::Forced), at);
            self.until(Doing::Nothing, None, at);
            self.tell(Input::Granted(self.flight, Err(transient())), at);
        }
    }

    fn situation(&self, now: UnixMillis) -> Situation {
        let memory = match self.machine.status(now).last_error {
            Some(_) => Memory::Cooling,
            None => Memory::Clear,
        };
        match self.history {
            History::New | History::Held => Situation::Open(self.doing(), self.having(now), memory),
            History::Closed => Situation::Closed,
        }
    }

    fn doing(&self) -> Doing {
        let Some(flight) = self.machine.acquisition() else { return Doing::Nothing };
        match &flight.phase {
            Phase::Backoff { .. } if flight.lease_wait.denied > 0 => Doing::Queueing,
            Phase::Queued { .. } => unreachable!("a lifecycle alone waits for nobody's turn"),
            Phase::ReadingStore { .. } if flight.reason == Reason::Shared => Doing::Looking,
            Phase::ReadingStore { .. } => Doing::Loading,
            Phase::AcquiringLease => Doing::Locking,
            Phase::RecheckingStore(_) => Doing::Rereading,
            Phase::ClaimingRefreshToken(..) => Doing::Claiming,
            Phase::WritingStore { .. } => Doing::Saving,
            Phase::Backoff { .. } if flight.failed_attempts == 0 => Doing::FirstPause,
            Phase::Backoff { .. } => Doing::RetryPause,
            Phase::Requesting { presented: None, .. } => Doing::AskingByCredentials,
            Phase::Requesting { presented: Some(_), .. } => Doing::AskingByRefreshToken,
        }
    }

    fn having(&self, now: UnixMillis) -> Having {
        let Some(tokens) = self.machine.held() else {
            return match self.history {
                History::New => Having::NeverHeld,
                History::Held | History::Closed => Having::Refused,
            };
        };
        let served_until = Policy::default().served_until(tokens.issued_at, tokens.expires_at, None);
        match self.machine.status(now).freshness {
            Some(Freshness::Fresh) => Having::Fresh,
            Some(Freshness::RefreshDue) if now < served_until => Having::Due,
            Some(Freshness::RefreshDue) => Having::PastServed,
            Some(Freshness::Expired) | None => Having::Expired,
        }
    }
}

/// A lifecycle that is in this situation at [`NOW`]; `None` where there is no way.
fn reach(world: World, doing: Doing, having: Having, memory: Memory) -> Option<Bench> {
    let unreachable = match doing {
        // Only grants use up the pace, and each brings a token or a failure to remember;
        // the pace has recovered before the cool-down is over.
        Doing::FirstPause => having == Having::NeverHeld || memory == Memory::Cooling,
        // A refresh token comes with a token, and is spent by what has failed. One that
        // is in a shared store may come from somebody else.
        Doing::AskingByRefreshToken => {
            world == World::Alone && (having == Having::NeverHeld || memory == Memory::Cooling)
        }
        _ => false,
    };
    if unreachable {
        return None;
    }
    let mut bench = Bench::new(world);
    prepare_holding(&mut bench, doing, having, memory);
    if memory == Memory::Cooling {
        bench.fail(NOW - millis(250));
    }
    prepare_flight(&mut bench, doing, having, memory, NOW - millis(200));
    assert_eq!(bench.situation(NOW), Situation::Open(doing, having, memory));
    Some(bench)
}

fn prepare_holding(bench: &mut Bench, doing: Doing, having: Having, memory: Memory) {
    let issued_at = match having {
        Having::NeverHeld => return,
        Having::Refused | Having::Fresh => NOW - seconds(50),
        Having::Due => NOW - seconds(80),
        Having::PastServed => NOW - seconds(95),
        Having::Expired => NOW - LIFETIME - millis(300),
    };
    // A pause before the first request, and a refusal that nothing is done about,
    // exist only where many grants have just been made.
    let hurried = doing == Doing::FirstPause
        || [Doing::Nothing, Doing::Looking].contains(&doing)
            && (having, memory) == (Having::Refused, Memory::Clear);
    if hurried {
        let at = NOW - millis(500);
        for _ in 0..5 {
            bench.land("first", at, at);
        }
        bench.tell(Input::TokenReceived(named("held", issued_at)), at);
    } else {
        bench.land("first", issued_at, issued_at);
        bench.land("held", issued_at, issued_at);
    }
    if having == Having::Refused {
        bench.tell(Input::TokenInvalidated(AccessToken::new("held")), NOW - millis(450));
    }
}

fn prepare_flight(bench: &mut Bench, doing: Doing, having: Having, memory: Memory, at: UnixMillis) {
    if doing == Doing::Nothing {
        return;
    }
    let begin = match (memory, having) {
        _ if doing == Doing::Looking => Input::StoreChanged,
        (Memory::Cooling, _) => Input::Requested(WAITER, TokenRequest::Forced),
        _ if doing == Doing::FirstPause => Input::Requested(WAITER, long_wish()),
        (Memory::Clear, Having::Fresh) => Input::Requested(WAITER, TokenRequest::Forced),
        (Memory::Clear, Having::Due) => Input::TimerFired,
        (Memory::Clear, Having::NeverHeld | Having::Refused | Having::PastServed | Having::Expired) => {
            Input::Requested(WAITER, TokenRequest::DEFAULT)
        }
    };
    // A refresh that is due reads the store for itself.
    let early = (doing == Doing::Looking && memory == Memory::Clear).then(|| bench.machine.held()).flatten();
    let at = early.map_or(at, |held| held.issued_at);
    bench.tell(begin, at);
    if doing == Doing::FirstPause {
        return;
    }
    let saved = named("first", NOW - LIFETIME - seconds(1));
    let stored = [Doing::Claiming, Doing::AskingByRefreshToken].contains(&doing).then_some(&saved);
    let first = if doing == Doing::Queueing { Doing::Locking } else { doing };
    bench.until(first, stored, at);
    match doing {
        // Its pause is of a twentieth of a second at least.
        Doing::Queueing => drop(bench.tell(Input::LeaseAnswered(bench.flight, Ok(None)), NOW - millis(20))),
        Doing::AskingByCredentials if bench.doing() == Doing::AskingByRefreshToken => {
            bench.tell(Input::Granted(bench.flight, Err(refused())), at);
        }
        Doing::RetryPause => drop(bench.tell(Input::Granted(bench.flight, Err(transient())), at)),
        Doing::Saving => drop(bench.tell(Input::Granted(bench.flight, Ok(named("saved", at))), at)),
        _ => {}
    }
}

fn reach_closed(world: World) -> Bench {
    let mut bench = Bench::new(world);
    bench.land("held", NOW - seconds(50), NOW - seconds(50));
    bench.tell(Input::TokenInvalidated(AccessToken::new("held")), NOW - seconds(2));
    bench.tell(Input::Closed, NOW - seconds(1));
    bench
}
