//! Short stories of many sessions.

use std::rc::Rc;

use super::{
    START,
    crowd::{Crowd, day, herd},
    failure, millis, scopes, seconds, token,
};
use crate::core::pool::steps;
use crate::core::{
    AcquisitionId, Borrowing, CallId, Effect, ErrorCode, Event, Fence, GrantFailure, Identity, Input, Jitter,
    Limits, Policy, Pool, PoolEffect, RefreshMode, Rejection, Scoping, SessionId, Sharing, TokenRequest,
    TokenSet, UnixMillis,
};

const LIFETIME: u64 = 180;

/// A pool and the driver around it; each identity is a number, and what is known of it.
struct Bench {
    pool: Pool<u8>,
    now: UnixMillis,
    calls: u64,
    tokens: u64,
    effects: Vec<PoolEffect>,
}

impl Bench {
    fn new(limits: Limits) -> Self {
        Self::of(Policy::default(), limits)
    }

    fn of(policy: Policy, limits: Limits) -> Self {
        let own = (identity(0), scopes(&["A"]), 0);
        let pool = Pool::new(policy, limits, Jitter::new(1), own, START);
        Self { pool, now: START, calls: 0, tokens: 0, effects: Vec::new() }
    }

    fn open(&mut self, number: u8, names: &[&str]) -> SessionId {
        self.pool.open(identity(number), &scopes(names), number, self.now)
    }

    fn tell(&mut self, session: SessionId, event: Input) {
        self.effects = self.pool.handle(session, event, self.now);
        assert!(self.pool.poll_timeout().is_none_or(|at| at > self.now), "an alarm in the past");
    }

    fn ask_for(&mut self, session: SessionId, want: TokenRequest) -> CallId {
        self.calls += 1;
        let call = CallId(self.calls);
        self.tell(session, Input::Requested(call, want));
        call
    }

    fn ask(&mut self, session: SessionId) -> CallId {
        self.ask_for(session, TokenRequest::DEFAULT)
    }

    /// The identity's session of one scope is asked; gives the session.
    fn use_of(&mut self, number: u8) -> SessionId {
        let session = self.open(number, &["A"]);
        self.ask(session);
        session
    }

    /// The flight of a session is answered with a token of these scopes.
    fn grant(&mut self, session: SessionId, flight: u64, granted: Option<&[&str]>) -> Rc<TokenSet> {
        self.tokens += 1;
        let scopes = granted.map(scopes);
        let mut granted = token(&format!("token {}", self.tokens), self.now, seconds(LIFETIME));
        Rc::make_mut(&mut granted).scopes = scopes;
        self.tell(session, Input::Granted(AcquisitionId(flight), Ok(granted.clone())));
        granted
    }

    /// A session that holds a token.
    fn holder(&mut self, number: u8) -> SessionId {
        let session = self.use_of(number);
        self.grant(session, 1, None);
        session
    }

    fn pass(&mut self, span: u64) {
        self.now = self.now + seconds(span);
        self.effects = self.pool.timer_fired(self.now);
        assert!(self.pool.poll_timeout().is_none_or(|at| at > self.now), "an alarm in the past");
    }

    fn sent(&self) -> Vec<SessionId> {
        self.each(|session, effect| matches!(effect, Effect::Send(..)).then_some(session))
    }

    fn gone(&self) -> Vec<SessionId> {
        let gone = self.effects.iter().filter_map(|effect| match effect {
            PoolEffect::Evicted(session) => Some(*session),
            PoolEffect::Session(..) => None,
        });
        gone.collect()
    }

    fn settled(&self) -> Vec<(CallId, Result<String, ErrorCode>)> {
        self.each(|_, effect| {
            let Effect::Resolve(call, answer) = effect else { return None };
            let name = |tokens: &Rc<TokenSet>| tokens.access_token.expose().to_owned();
            Some((*call, answer.as_ref().map(name).map_err(|error| error.code)))
        })
    }

    fn each<R>(&self, pick: impl Fn(SessionId, &Effect) -> Option<R>) -> Vec<R> {
        let picked = self.effects.iter().filter_map(|effect| match effect {
            PoolEffect::Session(session, effect) => pick(*session, effect),
            PoolEffect::Evicted(_) => None,
        });
        picked.collect()
    }
}

fn identity(number: u8) -> Identity {
    Identity::new([number; 16])
}

fn name(tokens: &TokenSet) -> Result<String, ErrorCode> {
    Ok(tokens.access_token.expose().to_owned())
}

fn wanting(names: &[&str]) -> TokenRequest {
    TokenRequest::Cached { min_validity: None, scopes: Some(scopes(names)), borrowing: Borrowing::Allowed }
}

fn exactly(wish: Option<&[&str]>) -> TokenRequest {
    TokenRequest::Cached { min_validity: None, scopes: wish.map(scopes), borrowing: Borrowing::Forbidden }
}

fn slots(max_concurrent_grants: usize) -> Limits {
    Limits { max_concurrent_grants, ..Limits::default() }
}

fn keeping(max: usize) -> Limits {
    Limits { max, ..Limits::default() }
}

#[test]
fn the_same_identity_and_scopes_are_the_same_session() {
    let mut bench = Bench::new(Limits::default());
    let session = bench.open(1, &["B", "A"]);

    assert_eq!(bench.open(1, &["A", "B", "A"]), session);
    assert_ne!(bench.open(1, &["A"]), session);
    assert_ne!(bench.open(2, &["A", "B"]), session);
    assert_eq!(bench.open(0, &["A"]), bench.pool.default_session());
    assert_eq!(bench.pool.context(session), Some(&1));
}

#[test]
fn the_least_recently_used_session_goes_first_and_the_managers_own_never() {
    let mut bench = Bench::new(keeping(2));
    let own = bench.holder(0);
    let (first, second) = (bench.holder(1), bench.holder(2));
    bench.ask(first);

    let third = bench.holder(3);

    assert_eq!(bench.gone(), []);
    assert_eq!(bench.pool.session(second).map(|_| ()), None);
    assert_eq!(bench.pool.len(), 3);
    bench.holder(4);
    assert_eq!(bench.pool.session(first).map(|_| ()), None);
    assert!([own, third].iter().all(|kept| bench.pool.session(*kept).is_some()));
}

#[test]
fn a_session_that_has_a_flight_is_kept_until_it_has_none() {
    let mut bench = Bench::new(keeping(1));
    let first = bench.use_of(1);
    let second = bench.use_of(2);
    assert_eq!((bench.gone(), bench.pool.len()), (vec![], 3));

    bench.grant(first, 1, None);

    assert_eq!(bench.gone(), [first]);
    bench.grant(second, 1, None);
    assert_eq!((bench.gone(), bench.pool.len()), (vec![], 2));
}

#[test]
fn a_session_that_nobody_uses_goes_although_it_is_refreshed() {
    let mut bench = Bench::new(Limits { idle: seconds(160), ..Limits::default() });
    let (used, unused) = (bench.holder(1), bench.holder(2));
    bench.pass(140);
    bench.ask(used);
    bench.grant(used, 2, None);
    bench.grant(unused, 2, None);

    bench.pass(29);
    assert_eq!(bench.gone(), []);
    bench.pass(1);

    assert_eq!(bench.gone(), [unused]);
    assert!(bench.pool.session(used).is_some());
}

#[test]
fn a_session_comes_back_after_it_was_given_up() {
    let mut bench = Bench::new(Limits { idle: seconds(16), ..Limits::default() });
    let gone = bench.holder(1);
    bench.pass(17);
    assert_eq!(bench.gone(), [gone]);

    let back = bench.use_of(1);

    assert_ne!(back, gone);
    assert_eq!(bench.sent(), [back]);
    // What was still on its way to the old one does nothing to the new one.
    bench.tell(gone, Input::Granted(AcquisitionId(1), Ok(token("late", bench.now, seconds(9)))));
    assert_eq!(bench.effects, []);
}

#[test]
fn grants_wait_for_a_slot_and_each_that_ends_makes_room_for_one() {
    let mut bench = Bench::new(slots(2));
    let sessions: Vec<_> = (1..=4).map(|number| bench.use_of(number)).collect();
    assert_eq!((bench.sent(), bench.pool.permits_held()), (vec![], 2));

    bench.grant(sessions[0], 1, None);

    assert_eq!(bench.sent(), [sessions[2]]);
    bench.tell(
        sessions[1],
        Input::Granted(AcquisitionId(1), Err(GrantFailure::Transient(failure(ErrorCode::Server)))),
    );
    assert_eq!((bench.sent(), bench.pool.permits_held()), (vec![sessions[3]], 2));
}

#[test]
fn waiting_callers_go_before_background_refreshes() {
    let mut bench = Bench::new(slots(1));
    let holders: Vec<_> = (1..=3).map(|number| bench.holder(number)).collect();
    bench.pass(140);
    let [first] = bench.sent()[..] else { panic!("one slot") };
    let late = bench.use_of(9);
    assert_eq!(bench.sent(), []);

    bench.grant(first, 2, None);

    assert_eq!(bench.sent(), [late]);
    assert!(holders.contains(&first));
}

#[test]
fn a_flight_that_waits_for_its_turn_is_not_needed_once_a_token_is_seen() {
    let mut bench = Bench::new(slots(1));
    let (first, second) = (bench.use_of(1), bench.use_of(2));
    let seen = token("seen", START, seconds(LIFETIME));

    bench.tell(second, Input::TokenReceived(seen.clone()));

    assert_eq!(bench.settled(), [(CallId(2), name(&seen))]);
    bench.grant(first, 1, None);
    assert_eq!((bench.sent(), bench.pool.permits_held()), (vec![], 0));
}

#[test]
fn a_caller_who_waits_for_a_turn_may_give_up_and_the_next_goes() {
    let mut bench = Bench::new(slots(1));
    let first = bench.use_of(1);
    let second = bench.open(2, &["A"]);
    let call = bench.ask(second);

    bench.tell(second, Input::Cancelled(call));
    bench.tell(second, Input::Closed);

    assert_eq!(bench.gone(), [second]);
    bench.grant(first, 1, None);
    assert_eq!(bench.pool.permits_held(), 0);
}

#[test]
fn the_shared_store_is_read_out_of_turn_and_the_lease_is_not_asked_for() {
    let policy =
        Policy { sharing: Some(Sharing { lease: Some(seconds(20)), announces: true }), ..Policy::default() };
    let mut bench = Bench::of(policy, slots(1));
    let about = |bench: &Bench| bench.each(|id, effect| Some((id, effect.clone())));
    let (first, second) = (bench.use_of(1), bench.use_of(2));
    assert_eq!(about(&bench), [(second, Effect::ReadStore(AcquisitionId(1)))]);
    bench.tell(first, Input::StoreRead(AcquisitionId(1), Ok(None)));
    // Its turn comes at once.
    assert_eq!(about(&bench), [(first, Effect::AcquireLease(AcquisitionId(1)))]);

    bench.tell(second, Input::StoreRead(AcquisitionId(1), Ok(None)));
    assert_eq!(about(&bench), []);

    // Somebody may have saved by the time its turn comes.
    bench.now = bench.now + millis(1);
    bench.tell(first, Input::LeaseAnswered(AcquisitionId(1), Ok(None)));
    assert_eq!(about(&bench), [(second, Effect::ReadStore(AcquisitionId(1)))]);
}

#[test]
fn a_lease_that_comes_for_a_session_that_is_gone_is_given_back() {
    let mut bench = Bench::new(Limits::default());
    let session = bench.open(1, &["A"]);
    bench.tell(session, Input::Closed);

    bench.tell(session, Input::LeaseAnswered(AcquisitionId(3), Ok(Some(Fence(7)))));

    assert_eq!(bench.effects, [PoolEffect::Session(session, Effect::ReleaseLease(AcquisitionId(3)))]);
}

#[test]
fn a_session_that_was_closed_is_another_when_it_is_asked_for_again() {
    let mut bench = Bench::new(Limits::default());
    let closed = bench.use_of(1);

    bench.tell(closed, Input::Closed);

    assert_eq!(bench.settled(), [(CallId(1), Err(ErrorCode::Closed))]);
    let call = bench.ask(closed);
    assert_eq!(bench.settled(), [(call, Err(ErrorCode::Closed))]);
    assert_ne!(bench.open(1, &["A"]), closed);
}

#[test]
fn closing_the_pool_settles_everybody_and_is_told_once() {
    let mut bench = Bench::new(slots(1));
    for number in 0..4 {
        bench.use_of(number);
    }

    bench.effects = bench.pool.close(bench.now);

    let told = bench.each(|id, effect| (*effect == Effect::Emit(Event::Closed)).then_some(id));
    assert_eq!((told, bench.settled().len()), (vec![bench.pool.default_session()], 4));
    assert_eq!((bench.pool.len(), bench.pool.poll_timeout()), (1, None));
    assert_eq!((bench.pool.is_awaited(), bench.pool.is_busy()), (false, false));
    let nobody = bench.use_of(5);
    assert_eq!(bench.settled(), [(CallId(5), Err(ErrorCode::Closed))]);
    assert_eq!(bench.pool.session(nobody).map(|_| ()), None);
}

#[test]
fn a_session_uses_the_fresh_token_of_a_sibling_that_has_all_its_scopes() {
    let mut bench = Bench::new(Limits::default());
    let wide = bench.open(1, &["A", "B"]);
    bench.ask(wide);
    let granted = bench.grant(wide, 1, Some(&["A", "B"]));
    let narrow = bench.open(1, &["A"]);

    let call = bench.ask(narrow);

    assert_eq!((bench.settled(), bench.sent()), (vec![(call, name(&granted))], vec![]));
    // Near its end, it is not fresh any more.
    bench.now = bench.now + seconds(LIFETIME - 5);
    bench.ask(narrow);
    assert!(bench.sent().contains(&narrow));
}

#[test]
fn a_caller_who_rejects_lent_tokens_is_given_one_that_was_asked_for_with_just_its_scopes() {
    let mut bench = Bench::new(Limits::default());
    let wide = bench.open(1, &["A", "B"]);
    bench.ask(wide);
    let wider = bench.grant(wide, 1, Some(&["A", "B"]));
    let narrow = bench.open(1, &["A"]);
    let lent = bench.ask(narrow);
    assert_eq!(bench.settled(), [(lent, name(&wider))]);

    let own = bench.ask_for(narrow, exactly(None));
    assert_eq!((bench.settled(), bench.sent()), (vec![], vec![narrow]));
    let granted = bench.grant(narrow, 1, Some(&["A"]));
    assert_eq!(bench.settled(), [(own, name(&granted))]);

    // Other scopes than the session's are asked for on their own as well, whatever is held.
    let more = bench.ask_for(narrow, exactly(Some(&["B", "C"])));
    let [sibling] = bench.sent()[..] else { panic!("one grant") };
    let granted = bench.grant(sibling, 1, Some(&["B", "C"]));
    assert_eq!(bench.settled(), [(more, name(&granted))]);
    let both = bench.ask_for(narrow, exactly(Some(&["B", "A"])));
    assert_eq!((bench.settled(), bench.sent()), (vec![(both, name(&wider))], vec![]));
}

#[test]
fn nobody_uses_a_token_of_another_identity_or_one_whose_scopes_are_not_known_to_do() {
    let mut bench = Bench::new(Limits::default());
    for (number, granted) in [(1, Some(&["A", "B"][..])), (2, None), (3, Some(&["B"][..]))] {
        let wide = bench.open(number, &["A", "B"]);
        bench.ask(wide);
        bench.grant(wide, 1, granted);
    }

    for (number, names) in [(4, &["A"][..]), (2, &["A"]), (3, &["A"]), (1, &[]), (1, &["A", "C"])] {
        let session = bench.open(number, names);
        bench.ask(session);
        assert_eq!(bench.sent(), [session], "{number} {names:?}");
    }
}

/// Sessions of one identity, each with a scope set of its own and a token.
fn siblings(count: usize) -> (Bench, Vec<SessionId>) {
    let mut bench = Bench::new(Limits { max: 2 * count, ..slots(count) });
    let mut sessions = Vec::new();
    for number in 1..=count {
        let session = bench.pool.open(identity(1), &subset(number), 1, bench.now);
        bench.ask(session);
        bench.grant(session, 1, None);
        sessions.push(session);
    }
    (bench, sessions)
}

/// The scopes that have their bit in a number.
fn subset(number: usize) -> crate::core::ScopeSet {
    (0..16).filter(|bit| number >> bit & 1 == 1).map(|bit| format!("S{bit}")).collect()
}

#[test]
fn one_more_session_takes_no_longer_the_more_siblings_it_has() {
    let cost = |count| {
        let (mut bench, sessions) = siblings(count);
        let costs = (1..=8).map(|more| {
            steps(|| {
                let session = bench.pool.open(identity(1), &subset(count + more), 1, bench.now);
                bench.ask(session);
                bench.ask(sessions[more]);
                bench.tell(sessions[more + 8], Input::Closed);
            })
        });
        costs.sum::<usize>()
    };

    let (few, many) = (cost(200), cost(6_000));

    assert!(many < 4 * few, "{many} steps with thirty times as many siblings as for {few}");
}

#[test]
fn the_siblings_used_last_lend_their_tokens_and_any_that_holds_a_refused_one_is_found() {
    let (mut bench, sessions) = siblings(300);
    let wide = bench.pool.open(identity(1), &subset(0xffff), 1, bench.now);
    bench.ask(wide);
    let granted = bench.grant(wide, 1, Some(&["S0", "S12", "S14"]));
    let narrow = bench.pool.open(identity(1), &subset(1 << 14), 1, bench.now);
    let call = bench.ask(narrow);
    assert_eq!(bench.settled(), [(call, name(&granted))]);

    // Not used, it is not looked at any more.
    for session in &sessions[..80] {
        bench.ask(*session);
    }
    let unused = bench.pool.open(identity(1), &subset(1 << 12), 1, bench.now);
    bench.ask(unused);
    assert_eq!(bench.settled(), []);

    bench.tell(narrow, Input::TokenRejected(granted.access_token.clone(), Rejection::First));
    assert_eq!(bench.pool.session(wide).and_then(|it| it.held()), None);
}

#[test]
fn a_token_belongs_to_the_session_that_it_was_granted_to_also_once_it_was_replaced() {
    let mut bench = Bench::new(Limits::default());
    let wide = bench.open(1, &["A", "B"]);
    let narrow = bench.open(1, &["A"]);
    let stranger = bench.open(2, &["A", "B"]);
    bench.ask(wide);
    let lent = bench.grant(wide, 1, None).access_token.clone();
    let newer = token("newer", bench.now, seconds(LIFETIME));

    assert_eq!(bench.pool.owner(narrow, &lent), Some(wide));
    assert_eq!(bench.pool.owner(wide, &lent), Some(wide));
    assert_eq!(bench.pool.owner(stranger, &lent), None);
    assert_eq!(bench.pool.owner(narrow, &newer.access_token), None);

    bench.tell(wide, Input::TokenReceived(newer));

    assert_eq!(bench.pool.owner(narrow, &lent), Some(wide));
}

#[test]
fn the_refusal_of_a_token_that_was_lent_reaches_the_session_that_holds_it() {
    let mut bench = Bench::new(Limits::default());
    let wide = bench.open(1, &["A", "B"]);
    bench.ask(wide);
    let granted = bench.grant(wide, 1, Some(&["A", "B"]));
    let narrow = bench.open(1, &["A"]);
    bench.ask(narrow);

    bench.tell(narrow, Input::TokenRejected(granted.access_token.clone(), Rejection::First));

    assert_eq!(bench.pool.session(wide).and_then(|it| it.held()), None);
}

#[test]
fn named_scopes_that_are_not_held_are_granted_once_for_them_alone_and_other_callers_keep_their_token() {
    let mut bench = Bench::new(Limits::default());
    let narrow = bench.open(1, &["A"]);
    bench.ask(narrow);
    let held = bench.grant(narrow, 1, Some(&["A"]));

    let stepping = bench.ask_for(narrow, wanting(&["B"]));
    let [sibling] = bench.sent()[..] else { panic!("one grant") };
    assert_eq!(bench.pool.session(sibling).map(|it| it.scopes().clone()), Some(scopes(&["B"])));
    assert_eq!(bench.pool.context(sibling), Some(&1));
    let joining = bench.ask_for(narrow, wanting(&["B"]));
    assert_eq!((bench.sent(), bench.settled()), (vec![], vec![]));
    let other = bench.ask(narrow);
    assert_eq!(bench.settled(), [(other, name(&held))]);

    let granted = bench.grant(sibling, 1, Some(&["B"]));
    assert_eq!(bench.settled(), [(stepping, name(&granted)), (joining, name(&granted))]);
    let again = bench.ask_for(narrow, wanting(&["B"]));
    assert_eq!((bench.settled(), bench.sent()), (vec![(again, name(&granted))], vec![]));
    let other = bench.ask(narrow);
    assert_eq!(bench.settled(), [(other, name(&held))]);
}

#[test]
fn fewer_scopes_than_the_session_has_are_granted_for_them_alone_unless_a_wider_token_is_held() {
    let mut bench = Bench::new(Limits::default());
    let wide = bench.open(1, &["A", "B"]);
    bench.ask_for(wide, wanting(&["B"]));

    let [sibling] = bench.sent()[..] else { panic!("one grant") };
    assert_eq!(bench.pool.session(sibling).map(|it| it.scopes().clone()), Some(scopes(&["B"])));

    bench.ask(wide);
    let held = bench.grant(wide, 1, Some(&["A", "B"]));
    bench.settled();
    let other = bench.ask_for(wide, wanting(&["A"]));
    assert_eq!((bench.settled(), bench.sent()), (vec![(other, name(&held))], vec![]));
}

#[test]
fn scopes_that_are_asked_for_and_not_granted_are_an_error_for_those_who_asked_alone() {
    let mut bench = Bench::new(Limits::default());
    let narrow = bench.open(1, &["A"]);
    bench.ask(narrow);
    let held = bench.grant(narrow, 1, Some(&["A"]));
    let stepping = bench.ask_for(narrow, wanting(&["B"]));
    let [wide] = bench.sent()[..] else { panic!("one grant") };

    bench.grant(wide, 1, Some(&["A"]));

    assert_eq!(bench.settled(), [(stepping, Err(ErrorCode::InsufficientScope))]);
    let again = bench.ask_for(narrow, wanting(&["B"]));
    assert_eq!((bench.settled(), bench.sent()), (vec![(again, Err(ErrorCode::InsufficientScope))], vec![]));
    let other = bench.ask(narrow);
    assert_eq!(bench.settled(), [(other, name(&held))]);
}

#[test]
fn a_caller_who_waits_for_more_scopes_may_give_up_or_be_closed_with_its_session() {
    let mut bench = Bench::new(Limits::default());
    let narrow = bench.open(1, &["A"]);
    let (first, second) = (bench.ask_for(narrow, wanting(&["B"])), bench.ask_for(narrow, wanting(&["B"])));

    bench.tell(narrow, Input::Cancelled(first));
    bench.tell(narrow, Input::Closed);

    assert_eq!(bench.settled(), [(second, Err(ErrorCode::Closed))]);
    assert!(!bench.pool.is_awaited());
}

#[test]
fn a_caller_who_waits_for_more_scopes_may_give_up_when_its_session_is_gone() {
    let mut bench = Bench::new(keeping(1));
    let narrow = bench.open(1, &["A"]);
    let call = bench.ask_for(narrow, wanting(&["B"]));
    assert_eq!(bench.gone(), [narrow]);

    bench.tell(narrow, Input::Cancelled(call));

    assert!(!bench.pool.is_awaited());
}

#[test]
fn where_scopes_are_no_matter_of_asking_nothing_more_is_asked_for() {
    let mut bench = Bench::new(Limits { scoping: Scoping::Fixed, ..Limits::default() });
    let own = bench.pool.default_session();
    bench.ask_for(own, wanting(&["B"]));
    assert_eq!(bench.sent(), [own]);

    bench.grant(own, 1, None);

    assert_eq!(bench.settled().len(), 1);
    assert_eq!(bench.pool.len(), 1);
}

#[test]
fn a_token_is_handed_out_without_asking_until_the_pool_must_know_that_it_is_used() {
    let mut bench = Bench::new(Limits { idle: seconds(160), ..Limits::default() });
    let (own, session) = (bench.holder(0), bench.holder(1));

    assert_eq!(bench.pool.served_until(session), Some(START + seconds(10)));
    assert!(bench.pool.served_until(own) > Some(START + seconds(100)));
    bench.now = START + seconds(15);
    bench.ask(session);
    assert_eq!(bench.pool.served_until(session), Some(START + seconds(25)));
}

#[test]
fn a_broken_identity_does_not_keep_the_others_waiting() {
    let policy = Policy { refresh: RefreshMode::OnDemand, ..Policy::default() };
    let mut bench = Bench::of(policy, slots(1));
    let broken = bench.use_of(1);
    let down = || Input::Granted(AcquisitionId(1), Err(GrantFailure::Transient(failure(ErrorCode::Server))));
    bench.tell(broken, down());
    let first = bench.use_of(2);
    // Its pause is over while another has the only slot.
    bench.pass(1);
    let second = bench.use_of(3);

    bench.grant(first, 1, None);
    assert_eq!(bench.sent(), [second]);
    bench.now = bench.now + millis(100);
    bench.grant(second, 1, None);

    assert_eq!(bench.sent(), [broken]);
    bench.tell(broken, down());
    assert_eq!(bench.pool.permits_held(), 0);
}

/// Calls for a share of the provider's time as large as in the benchmark, which has more sessions.
#[test]
fn a_herd_of_tokens_granted_in_one_second_is_refreshed_without_a_rush_or_a_wait() {
    let figures = Crowd::new(herd(2_000, 2), 1).run();

    let (peak, mean) = figures.peak_and_mean();
    eprintln!("peak {peak}/s, mean {mean}/s, {} grants, {} calls", figures.granted(), figures.calls);
    assert_eq!((figures.waited, figures.expired, figures.failed, figures.gone), (0, 0, 0, 0));
    assert!(figures.on_wire <= 2);
    assert!(peak <= 5.0 * mean, "{peak} against {mean}");
    assert!(figures.granted() * 10 <= 2_000 * 10 * 16, "{} grants", figures.granted());
}

#[test]
fn tokens_that_nobody_uses_are_not_refreshed_where_the_policy_says_so() {
    let granted = |refresh| {
        let policy = Policy { refresh, ..Policy::default() };
        let figures = Crowd::new(day(50, policy, seconds(86_400)), 1).run();
        assert_eq!((figures.expired, figures.failed), (0, 0));
        figures.granted()
    };

    let (always, used) = (granted(RefreshMode::Always), granted(RefreshMode::WhileUsed));

    assert!(used * 3 < always, "{used} against {always}");
}
