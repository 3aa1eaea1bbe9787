//! No change that another holder announced is missed, in any order of announcements, reads, writes, grants and
//! failures.
//!
//! One holder uses a store that others write to. A call of the store is performed some time after it was requested,
//! and answered some time after that, as over a network. All orders of a few steps are tried.
#![expect(clippy::wildcard_enum_match_arm, reason = "a holder requests only a few things here")]

use std::rc::Rc;

use super::{START, failure, millis, record, scopes, seconds, token};
use crate::core::{
    AcquisitionId, CallId, Effect, ErrorCode, Fence, Input, Jitter, Policy, Session, Sharing, TokenRequest,
    TokenSet, UnixMillis, WriteOutcome,
};

/// Remaining steps of each kind.
#[derive(Clone, Copy)]
struct Budget {
    writes: u32,
    failures: u32,
    refreshes: u32,
    denials: u32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    OtherHolderWrites,
    NoticeArrives,
    Performed(usize),
    Answered(usize),
    Fails(usize),
    LeaseDenied(usize),
    Granted,
    Refresh,
}

#[derive(Clone, Debug)]
enum Call {
    Read,
    AcquireLease,
    Write(Option<Fence>, Rc<TokenSet>),
}

/// A call of the store; `answer` is set once it was performed.
#[derive(Debug)]
struct Pending {
    acquisition: AcquisitionId,
    call: Call,
    answer: Option<Input>,
}

struct Run {
    machine: Session,
    now: UnixMillis,
    budget: Budget,
    /// Expiry of the newest token; each is valid for longer than the one before.
    version: u64,
    stored: Option<Rc<TokenSet>>,
    fence: u64,
    notices: u32,
    pending: Vec<Pending>,
    in_flight: Option<AcquisitionId>,
    reads: u32,
    calls: u64,
}

impl Run {
    /// A holder with the stored token, and backoffs of zero length.
    fn new(budget: Budget) -> Self {
        let sharing = Some(Sharing { lease: Some(seconds(20)), announces: true });
        let policy = Policy { sharing, ..Policy::default() };
        let mut run = Self {
            machine: Session::new(policy, scopes(&[]), Jitter::new(1)),
            now: START,
            budget,
            version: 0,
            stored: None,
            fence: 0,
            notices: 0,
            pending: Vec::new(),
            in_flight: None,
            reads: 0,
            calls: 0,
        };
        run.stored = Some(run.new_token());
        run.request(TokenRequest::DEFAULT);
        run.drain();
        run.reads = 0;
        run.budget = budget;
        run
    }

    fn new_token(&mut self) -> Rc<TokenSet> {
        self.version += 1;
        token(&self.version.to_string(), START, seconds(3_600) + millis(self.version))
    }

    fn request(&mut self, wanted: TokenRequest) {
        self.calls += 1;
        self.handle(Input::Requested(CallId(self.calls), wanted));
    }

    fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut add = |possible: bool, step| steps.extend(possible.then_some(step));
        add(self.budget.writes > 0, Step::OtherHolderWrites);
        add(self.budget.refreshes > 0, Step::Refresh);
        add(self.notices > 0, Step::NoticeArrives);
        add(self.in_flight.is_some(), Step::Granted);
        for (index, pending) in self.pending.iter().enumerate() {
            let performed = pending.answer.is_some();
            add(!performed, Step::Performed(index));
            add(performed, Step::Answered(index));
            add(performed && self.budget.failures > 0, Step::Fails(index));
            let locks = matches!(pending.call, Call::AcquireLease);
            add(!performed && locks && self.budget.denials > 0, Step::LeaseDenied(index));
        }
        steps
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::OtherHolderWrites => {
                self.budget.writes -= 1;
                self.stored = Some(self.new_token());
                self.notices += 1;
            }
            Step::NoticeArrives => {
                self.notices -= 1;
                self.handle(Input::StoreChanged);
            }
            Step::Refresh => {
                self.budget.refreshes -= 1;
                self.request(TokenRequest::Forced);
            }
            Step::Granted => {
                let acquisition = self.in_flight.take().expect("a request");
                let granted = self.new_token();
                self.handle(Input::Granted(acquisition, Ok(granted)));
            }
            Step::Performed(index) => self.perform(index),
            Step::LeaseDenied(index) => {
                self.budget.denials -= 1;
                self.pending[index].answer =
                    Some(Input::LeaseAnswered(self.pending[index].acquisition, Ok(None)));
            }
            Step::Answered(index) => {
                let answer = self.pending.remove(index).answer;
                self.handle(answer.expect("it was performed"));
            }
            Step::Fails(index) => {
                self.budget.failures -= 1;
                let Pending { acquisition, call, .. } = self.pending.remove(index);
                let error = || failure(ErrorCode::Store);
                self.handle(match call {
                    Call::Read => Input::StoreRead(acquisition, Err(error())),
                    Call::AcquireLease => Input::LeaseAnswered(acquisition, Err(error())),
                    Call::Write(..) => Input::StoreWritten(acquisition, Err(error())),
                });
            }
        }
    }

    fn perform(&mut self, index: usize) {
        let (acquisition, call) = (self.pending[index].acquisition, self.pending[index].call.clone());
        let answer = match call {
            Call::Read => Input::StoreRead(acquisition, Ok(self.stored.clone().map(record))),
            Call::AcquireLease => {
                self.fence += 1;
                Input::LeaseAnswered(acquisition, Ok(Some(Fence(self.fence))))
            }
            Call::Write(fence, _) if fence.is_some_and(|it| it.0 < self.fence) => {
                Input::StoreWritten(acquisition, Ok(WriteOutcome::Fenced))
            }
            Call::Write(_, tokens) => {
                self.stored = Some(tokens);
                Input::StoreWritten(acquisition, Ok(WriteOutcome::Stored))
            }
        };
        self.pending[index].answer = Some(answer);
    }

    fn handle(&mut self, input: Input) {
        for effect in self.machine.handle(input, self.now) {
            let (acquisition, call) = match effect {
                Effect::ReadStore(acquisition) => (acquisition, Call::Read),
                Effect::AcquireLease(acquisition) => (acquisition, Call::AcquireLease),
                Effect::WriteStore(acquisition, fence, record) => {
                    (acquisition, Call::Write(fence, record.tokens.expect("a token")))
                }
                Effect::Send(acquisition, _) => {
                    self.in_flight = Some(acquisition);
                    continue;
                }
                _ => continue,
            };
            self.reads += u32::from(matches!(call, Call::Read));
            self.pending.push(Pending { acquisition, call, answer: None });
        }
    }

    /// Lets pending calls complete and a cool-down of the store pass.
    fn drain(&mut self) {
        self.budget = Budget { writes: 0, failures: 0, refreshes: 0, denials: 0 };
        let end = self.now + seconds(30);
        loop {
            if let Some(step) = self.steps().first() {
                self.take(*step);
            } else if let Some(at) = self.machine.poll_timeout().filter(|at| *at < end) {
                self.now = at;
                self.handle(Input::TimerFired);
            } else {
                return;
            }
        }
    }

    fn check(&mut self, history: &[Step]) {
        let notices = history.iter().filter(|it| **it == Step::OtherHolderWrites).count();
        self.drain();
        let version = |tokens: &Rc<TokenSet>| tokens.access_token.expose().parse::<u64>().expect("a version");
        let held = self.machine.tokens().map(version).expect("a token is held throughout");
        let stored = self.stored.as_ref().map(version).expect("it is never emptied");
        assert!(held >= stored, "holds {held} where the store has {stored}: {history:?}");
        // Each announcement costs at most one read, as do a failed read and each of three phases.
        assert!(self.reads as usize <= notices + 7, "{} reads: {history:?}", self.reads);
    }
}

/// Tries every order by repeating each from the start, and returns their number.
fn explore(budget: Budget, history: &mut Vec<Step>) -> u64 {
    let mut run = Run::new(budget);
    history.iter().for_each(|step| run.take(*step));
    let steps = run.steps();
    if steps.is_empty() {
        run.check(history);
        return 1;
    }
    let mut count = 0;
    for step in steps {
        history.push(step);
        count += explore(budget, history);
        history.pop();
    }
    count
}

#[test]
fn every_order_of_announcements_reads_and_writes_ends_with_the_stored_token() {
    let none = Budget { writes: 0, failures: 0, refreshes: 0, denials: 0 };
    let mut orders = 0;
    for budget in [
        Budget { writes: 4, ..none },
        Budget { writes: 3, failures: 1, ..none },
        Budget { writes: 2, refreshes: 1, ..none },
        Budget { writes: 1, refreshes: 1, failures: 1, ..none },
        Budget { writes: 1, refreshes: 1, denials: 1, ..none },
    ] {
        orders += explore(budget, &mut Vec::new());
    }
    eprintln!("{orders} orders");
    assert!(orders > 1_000, "{orders} orders");
}

#[test]
fn an_unannounced_change_is_read_within_a_minute_of_use() {
    let mut run = Run::new(Budget { writes: 1, failures: 0, refreshes: 0, denials: 0 });
    run.handle(Input::TokenUsed);
    run.take(Step::OtherHolderWrites);
    run.notices = 0;

    let at = run.machine.poll_timeout().expect("a timer");
    assert_eq!(at, START.after(Sharing::MISSED_CHANGES));
    run.now = at;
    run.handle(Input::TimerFired);
    run.drain();

    assert_eq!(run.machine.tokens(), run.stored.as_ref().map(without_refresh_token).as_ref());
    assert_eq!(run.reads, 1);
}

#[test]
fn an_unused_token_causes_no_reads() {
    let run = Run::new(Budget { writes: 0, failures: 0, refreshes: 0, denials: 0 });

    let refresh = START + seconds(3_600 - 330);
    assert!(run.machine.poll_timeout().is_some_and(|at| at >= refresh), "{:?}", run.machine.poll_timeout());
}

fn without_refresh_token(tokens: &Rc<TokenSet>) -> Rc<TokenSet> {
    let mut tokens = tokens.clone();
    Rc::make_mut(&mut tokens).refresh_token = None;
    tokens
}
