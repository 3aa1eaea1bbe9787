//! Sign-out: no token that was obtained before is cached or returned afterwards, here and at the other holders.

use proptest::prelude::*;

use super::{
    START, failure,
    history::{Step, config, plans, shared_plans},
    record, scopes, seconds, token,
};
use crate::core::{
    AcquisitionId, CallId, CredentialHistory, CredentialId, CredentialSharing, Effect, ErrorCode, Event,
    Fence, Generation, Grant, GrantFailure, Identity, Input, Jitter, Limits, Policy, Pool, PoolEffect,
    Session, Sharing, StoredRecord, Subject, TokenRequest, WriteOutcome,
};

const LEASE: Sharing = Sharing { lease: Some(seconds(20)), announces: true };
const NO_LEASE: Sharing = Sharing { lease: None, announces: true };

fn session(sharing: Option<Sharing>) -> Session {
    Session::new(Policy { sharing, ..Policy::default() }, scopes(&[]), Jitter::new(1))
}

/// A session with the granted token `ann`, and written to the store if there is one.
fn signed_in(sharing: Option<Sharing>) -> Session {
    let mut session = session(sharing);
    request(&mut session, 1);
    let mut ann = token("ann", START, seconds(180));
    std::rc::Rc::make_mut(&mut ann).refresh_token = Some(crate::core::RefreshToken::new("refresh of ann"));
    if sharing.is_some() {
        let _ = session.handle(Input::StoreRead(AcquisitionId(1), Ok(None)), START);
        let _ = session.handle(Input::LeaseAnswered(AcquisitionId(1), Ok(Some(Fence(1)))), START);
        let _ = session.handle(Input::StoreRead(AcquisitionId(1), Ok(None)), START);
    }
    let _ = session.handle(Input::Granted(AcquisitionId(1), Ok(ann)), START);
    let _ = session.handle(Input::StoreWritten(AcquisitionId(1), Ok(WriteOutcome::Stored)), START);
    assert_eq!(held(&session), Some("ann"));
    session
}

fn request(session: &mut Session, call: u64) -> Vec<Effect> {
    session.handle(Input::Requested(CallId(call), TokenRequest::DEFAULT), START)
}

fn held(session: &Session) -> Option<&str> {
    session.tokens().map(|held| held.access_token.expose())
}

fn reports(effects: &[Effect]) -> Vec<Result<(), ErrorCode>> {
    let report = |effect: &Effect| {
        if let Effect::ReportCleared(result) = effect {
            Some(result.clone().map_err(|error| error.code))
        } else {
            None
        }
    };
    effects.iter().filter_map(report).collect()
}

fn sent(effects: &[Effect]) -> Option<&Grant> {
    effects.iter().find_map(|effect| if let Effect::Send(_, grant) = effect { Some(grant) } else { None })
}

/// The record that is written.
fn written(effects: &[Effect]) -> Option<(Option<Fence>, StoredRecord)> {
    effects.iter().find_map(|effect| {
        if let Effect::WriteStore(_, fence, record) = effect { Some((*fence, record.clone())) } else { None }
    })
}

/// Signs out of a store with leases, and returns the effects of the record's write with its generation.
fn sign_out(session: &mut Session, acquisition: u64) -> (Vec<Effect>, Generation) {
    let id = AcquisitionId(acquisition);
    let effects = session.handle(Input::Cleared, START);
    assert!(effects.contains(&Effect::ReadStore(id)), "{effects:?}");
    let _ = session.handle(Input::StoreRead(id, Ok(None)), START);
    let _ = session.handle(Input::LeaseAnswered(id, Ok(Some(Fence(2)))), START);
    let stored = Some(record(token("ann", START, seconds(180))));
    let effects = session.handle(Input::StoreRead(id, Ok(stored)), START);
    let (fence, cleared) = written(&effects).expect("a record");
    assert_eq!((fence, cleared.tokens), (Some(Fence(2)), None));
    (session.handle(Input::StoreWritten(id, Ok(WriteOutcome::Stored)), START), cleared.generation)
}

#[test]
fn the_next_request_presents_the_credentials() {
    let mut session = signed_in(None);

    let effects = session.handle(Input::Cleared, START);
    assert_eq!(held(&session), None);
    assert_eq!(reports(&effects), [Ok(())]);
    assert!(effects.contains(&Effect::Emit(Event::Cleared)));

    assert_eq!(sent(&request(&mut session, 2)), Some(&Grant::Authenticate));
}

fn revoked(effects: &[Effect]) -> Vec<(Option<&str>, Option<&str>)> {
    let mut found = Vec::new();
    for effect in effects {
        if let Effect::Revoke(tokens) = effect {
            found.extend(tokens.iter().map(|it| {
                let access = it.access_token.as_ref().map(|token| token.expose());
                (access, it.refresh_token.as_ref().map(|token| token.expose()))
            }));
        }
    }
    found
}

#[test]
fn revoke_discards_and_revokes_the_token_with_its_refresh_token() {
    for sharing in [None, Some(NO_LEASE)] {
        let mut session = signed_in(sharing);

        let effects = session.handle(Input::Revoked, START);

        assert_eq!(held(&session), None);
        assert_eq!(revoked(&effects), [(Some("ann"), Some("refresh of ann"))]);
        assert_eq!(revoked(&session.handle(Input::Revoked, START)), []);
    }
}

#[test]
fn close_does_not_end_a_sign_out_that_the_store_lacks() {
    for mode in [Input::Cleared, Input::Revoked] {
        let id = AcquisitionId(2);
        let mut session = signed_in(Some(LEASE));
        let is_revoked = matches!(mode, Input::Revoked);
        let _ = session.handle(mode, START);
        let _ = session.handle(Input::StoreRead(id, Ok(None)), START);

        let effects = session.handle(Input::Closed, START);
        assert_eq!(reports(&effects), []);
        assert!(effects.contains(&Effect::Emit(Event::Closed)));

        // Another holder has the lease for a while.
        let _ = session.handle(Input::LeaseAnswered(id, Ok(None)), START);
        let retry_at = session.poll_timeout().expect("another request for the lease");
        let effects = session.handle(Input::TimerFired, retry_at);
        assert!(effects.contains(&Effect::ReadStore(id)), "{effects:?}");
        let _ = session.handle(Input::StoreRead(id, Ok(None)), retry_at);
        let _ = session.handle(Input::LeaseAnswered(id, Ok(Some(Fence(2)))), retry_at);
        let mut bob = token("bob", START, seconds(180));
        std::rc::Rc::make_mut(&mut bob).refresh_token =
            Some(crate::core::RefreshToken::new("refresh of bob"));
        let effects = session.handle(Input::StoreRead(id, Ok(Some(record(bob)))), retry_at);
        let (fence, cleared) = written(&effects).expect("a record");
        assert_eq!((fence, cleared.tokens), (Some(Fence(2)), None));
        let effects = session.handle(Input::StoreWritten(id, Ok(WriteOutcome::Stored)), retry_at);

        assert_eq!(reports(&effects), [Ok(())]);
        assert!(effects.contains(&Effect::ReleaseLease(id)));
        let expected = [(Some("ann"), None), (Some("bob"), Some("refresh of bob"))];
        assert_eq!(revoked(&effects), if is_revoked { &expected[..] } else { &[] });
        assert!(!session.is_busy());
        assert_eq!((held(&session), session.poll_timeout()), (None, None));
    }
}

#[test]
fn a_sign_out_after_close_ends_with_the_store() {
    let id = AcquisitionId(2);
    let lost = START.after(600_000);
    for (input, at, code) in [
        (Input::StoreRead(id, Err(failure(ErrorCode::Store))), START, ErrorCode::Store),
        (
            Input::Granted(id, Err(GrantFailure::Permanent(failure(ErrorCode::Server)))),
            START,
            ErrorCode::Server,
        ),
        (Input::TimerFired, lost, ErrorCode::Closed),
    ] {
        let mut session = signed_in(Some(LEASE));
        let _ = session.handle(Input::Cleared, START);
        let _ = session.handle(Input::Closed, START);

        let effects = session.handle(input, at);

        assert_eq!(reports(&effects), [Err(code)]);
        assert_eq!(sent(&effects), None);
        assert!(!session.is_busy());
    }
}

#[test]
fn a_sign_out_after_close_adopts_no_token() {
    let id = AcquisitionId(2);
    let mut session = signed_in(Some(LEASE));
    let _ = session.handle(Input::Cleared, START);
    let _ = session.handle(Input::Closed, START);
    // The write succeeded although its result was not received, and another holder has stored a token since.
    let tokens = Some(token("bob", START, seconds(600)));
    let stored = StoredRecord { tokens, generation: session.generation() };

    let effects = session.handle(Input::StoreRead(id, Ok(Some(stored))), START);

    assert_eq!(reports(&effects), [Ok(())]);
    assert_eq!(held(&session), None);
    assert!(!effects.iter().any(|it| matches!(it, Effect::Emit(_))), "{effects:?}");
    assert!(!session.is_busy());
}

#[test]
fn clear_revokes_nothing() {
    assert_eq!(revoked(&signed_in(None).handle(Input::Cleared, START)), []);
}

#[test]
fn an_expired_token_is_not_revoked_but_its_refresh_token_is() {
    let mut session = signed_in(None);

    let effects = session.handle(Input::Revoked, START.after(180_000));

    assert_eq!(revoked(&effects), [(None, Some("refresh of ann"))]);
}

#[test]
fn a_refresh_token_that_has_expired_is_not_revoked() {
    let mut session = session(None);
    request(&mut session, 1);
    let mut ann = token("ann", START, seconds(180));
    let renewal = crate::core::RefreshToken::new("refresh of ann").expiring(Some(START));
    std::rc::Rc::make_mut(&mut ann).refresh_token = Some(renewal);
    let _ = session.handle(Input::Granted(AcquisitionId(1), Ok(ann)), START);

    let effects = session.handle(Input::Revoked, START + seconds(60));

    assert_eq!(revoked(&effects), [(Some("ann"), None)]);
}

#[test]
fn the_refresh_token_of_a_store_is_revoked_when_the_record_was_read_under_the_lease() {
    let mut session = signed_in(Some(LEASE));
    let mut ann = token("ann", START, seconds(180));
    std::rc::Rc::make_mut(&mut ann).refresh_token = Some(crate::core::RefreshToken::new("refresh of ann"));
    let stored = || Ok(Some(record(ann.clone())));
    let id = AcquisitionId(2);

    assert_eq!(revoked(&session.handle(Input::Revoked, START)), []);
    assert_eq!(revoked(&session.handle(Input::StoreRead(id, stored()), START)), []);
    let _ = session.handle(Input::LeaseAnswered(id, Ok(Some(Fence(2)))), START);
    assert_eq!(revoked(&session.handle(Input::StoreRead(id, stored()), START)), []);
    let effects = session.handle(Input::StoreWritten(id, Ok(WriteOutcome::Stored)), START);

    assert_eq!(revoked(&effects), [(Some("ann"), Some("refresh of ann"))]);
    assert_eq!(reports(&effects), [Ok(())]);
}

#[test]
fn the_token_of_another_holder_that_the_sign_out_discards_is_revoked_as_well() {
    let mut session = signed_in(Some(LEASE));
    let id = AcquisitionId(2);
    let _ = session.handle(Input::Revoked, START);
    let _ = session.handle(Input::StoreRead(id, Ok(None)), START);
    let _ = session.handle(Input::LeaseAnswered(id, Ok(Some(Fence(2)))), START);
    let newer = Ok(Some(record(token("newer", START, seconds(190)))));
    let _ = session.handle(Input::StoreRead(id, newer), START);

    let effects = session.handle(Input::StoreWritten(id, Ok(WriteOutcome::Stored)), START);

    assert_eq!(revoked(&effects), [(Some("ann"), None), (Some("newer"), Some("newer"))]);
}

#[test]
fn the_token_is_revoked_although_the_store_fails() {
    let mut session = signed_in(Some(LEASE));
    let _ = session.handle(Input::Revoked, START);

    let failed = Input::StoreRead(AcquisitionId(2), Err(failure(ErrorCode::Store)));
    let effects = session.handle(failed, START);

    assert_eq!(revoked(&effects), [(Some("ann"), None)]);
    assert_eq!(reports(&effects), [Err(ErrorCode::Store)]);
}

#[test]
fn a_remembered_failure_is_forgotten() {
    let mut session = session(None);
    request(&mut session, 1);
    let rejected = GrantFailure::Permanent(failure(ErrorCode::InvalidCredentials));
    let _ = session.handle(Input::Granted(AcquisitionId(1), Err(rejected)), START);
    assert!(sent(&request(&mut session, 2)).is_none());

    let _ = session.handle(Input::Cleared, START);

    assert_eq!(sent(&request(&mut session, 3)), Some(&Grant::Authenticate));
}

#[test]
fn rejected_credentials_are_presented_again() {
    let mut history = CredentialHistory::default();
    for _ in 0..2 {
        history.rejected(
            CredentialId(1),
            Subject::Credentials,
            &failure(ErrorCode::InvalidCredentials),
            START,
            0.0,
        );
    }
    assert_eq!(history.withheld(START), Some(CredentialId(1)));

    history.forget();

    assert_eq!(history.withheld(START), None);
}

#[test]
fn a_grant_in_flight_is_replaced_and_its_callers_wait_on() {
    let mut session = session(None);
    request(&mut session, 1);

    let effects = session.handle(Input::Cleared, START);
    assert!(effects.contains(&Effect::Cancel(AcquisitionId(1))));
    assert_eq!(sent(&effects), Some(&Grant::Authenticate));

    let late = session.handle(Input::Granted(AcquisitionId(1), Ok(token("ann", START, seconds(180)))), START);
    assert_eq!((late, held(&session)), (vec![], None));
    let effects =
        session.handle(Input::Granted(AcquisitionId(2), Ok(token("bob", START, seconds(180)))), START);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Resolve(CallId(1), Ok(_)))), "{effects:?}");
    assert_eq!(held(&session), Some("bob"));
}

#[test]
fn the_stored_entry_is_replaced_under_the_lease() {
    let mut session = signed_in(Some(LEASE));

    let (effects, _) = sign_out(&mut session, 2);

    assert_eq!(reports(&effects), [Ok(())]);
    assert!(effects.contains(&Effect::ReleaseLease(AcquisitionId(2))));
    assert_eq!(sent(&effects), None);
}

#[test]
fn a_caller_that_waits_gets_a_grant_under_the_same_lease() {
    let mut session = signed_in(Some(LEASE));
    let _ = session.handle(Input::Cleared, START);
    request(&mut session, 2);
    let id = AcquisitionId(2);
    let _ = session.handle(Input::StoreRead(id, Ok(None)), START);
    let _ = session.handle(Input::LeaseAnswered(id, Ok(Some(Fence(2)))), START);
    let _ = session.handle(Input::StoreRead(id, Ok(None)), START);

    let effects = session.handle(Input::StoreWritten(id, Ok(WriteOutcome::Stored)), START);

    assert_eq!(reports(&effects), [Ok(())]);
    assert_eq!(sent(&effects), Some(&Grant::Authenticate));
    let effects = session.handle(Input::Granted(id, Ok(token("bob", START, seconds(180)))), START);
    let (fence, bob) = written(&effects).expect("a record");
    assert_eq!(fence, Some(Fence(2)));
    assert_ne!(bob.generation, Generation::default());
}

#[test]
fn a_store_without_leases_is_written_at_once() {
    let mut session = signed_in(Some(NO_LEASE));
    let _ = session.handle(Input::Cleared, START);

    let effects = session.handle(Input::StoreRead(AcquisitionId(2), Ok(None)), START);

    assert!(matches!(written(&effects), Some((None, StoredRecord { tokens: None, .. }))), "{effects:?}");
}

#[test]
fn a_store_that_fails_fails_the_sign_out_and_the_next_acquisition_repeats_it() {
    let mut session = signed_in(Some(LEASE));
    let _ = session.handle(Input::Cleared, START);

    let effects = session.handle(Input::StoreRead(AcquisitionId(2), Err(failure(ErrorCode::Store))), START);
    assert_eq!(reports(&effects), [Err(ErrorCode::Store)]);
    assert_eq!((sent(&effects), held(&session), session.is_busy()), (None, None, false));

    let later = START + seconds(60);
    let _ = session.handle(Input::Requested(CallId(2), TokenRequest::DEFAULT), later);
    let id = AcquisitionId(3);
    let old = Some(record(token("ann", START, seconds(180))));
    let _ = session.handle(Input::StoreRead(id, Ok(old.clone())), later);
    assert_eq!(held(&session), None);
    let _ = session.handle(Input::LeaseAnswered(id, Ok(Some(Fence(2)))), later);
    let effects = session.handle(Input::StoreRead(id, Ok(old)), later);
    assert!(matches!(written(&effects), Some((_, StoredRecord { tokens: None, .. }))), "{effects:?}");
}

#[test]
fn another_holder_discards_its_token() {
    let mut session = signed_in(Some(LEASE));
    let _ = session.handle(Input::StoreChanged, START);

    let cleared = StoredRecord { tokens: None, generation: Generation(7) };
    let effects = session.handle(Input::StoreRead(AcquisitionId(2), Ok(Some(cleared))), START);

    assert_eq!(held(&session), None);
    assert!(effects.contains(&Effect::Emit(Event::Cleared)));
    assert_eq!(sent(&effects), None);
}

#[test]
fn a_session_that_never_had_a_token_emits_an_event_for_its_own_sign_out_only() {
    let cleared = Effect::Emit(Event::Cleared);
    let record = StoredRecord { tokens: None, generation: Generation(7) };
    let mut reader = session(Some(LEASE));
    request(&mut reader, 1);

    let effects = reader.handle(Input::StoreRead(AcquisitionId(1), Ok(Some(record))), START);

    assert!(!effects.contains(&cleared), "{effects:?}");
    assert!(session(None).handle(Input::Cleared, START).contains(&cleared));
}

#[test]
fn a_key_that_depends_on_secrets_which_are_unavailable_fails_the_sign_out_and_is_no_failure_to_remember() {
    let mut session = session(Some(LEASE));
    let _ = session.handle(Input::Cleared, START);
    let unavailable = GrantFailure::Permanent(failure(ErrorCode::CredentialsUnavailable));

    let effects = session.handle(Input::Granted(AcquisitionId(1), Err(unavailable)), START);

    assert_eq!(effects, [Effect::ReportCleared(Err(failure(ErrorCode::CredentialsUnavailable)))]);
    assert!(request(&mut session, 1).contains(&Effect::ReadStore(AcquisitionId(2))));
}

#[test]
fn another_holder_that_missed_the_sign_out_adopts_the_token_after_it() {
    let mut session = signed_in(Some(LEASE));
    let _ = session.handle(Input::StoreChanged, START);

    // It expires earlier than the cached one, which would otherwise be kept.
    let bob = StoredRecord { generation: Generation(7), ..record(token("bob", START, seconds(60))) };
    let _ = session.handle(Input::StoreRead(AcquisitionId(2), Ok(Some(bob))), START);

    assert_eq!(held(&session), Some("bob"));
}

#[test]
fn a_token_of_before_the_sign_out_that_is_written_late_is_not_adopted() {
    let mut session = signed_in(Some(NO_LEASE));
    let _ = session.handle(Input::StoreChanged, START);
    let cleared = StoredRecord { tokens: None, generation: Generation(7) };
    let _ = session.handle(Input::StoreRead(AcquisitionId(2), Ok(Some(cleared))), START);

    let _ = session.handle(Input::StoreChanged, START);
    let late = Some(record(token("another of ann", START, seconds(180))));
    let _ = session.handle(Input::StoreRead(AcquisitionId(3), Ok(late)), START);

    assert_eq!(held(&session), None);
}

#[test]
fn a_pool_signs_out_one_identity_or_all() {
    const IDENTITIES: [Identity; 3] =
        [Identity::new([0; 16]), Identity::new([1; 16]), Identity::new([2; 16])];
    for (of, expected) in [(Some(0_usize), 0..1), (Some(1), 1..3), (Some(3), 3..4), (None, 0..4)] {
        let limits = Limits { credentials: CredentialSharing::Shared, ..Limits::default() };
        let own = (IDENTITIES[0], scopes(&[]), ());
        let mut pool = Pool::new(Policy::default(), limits, Jitter::new(1), own, START);
        let mut ids = vec![pool.default_session()];
        for (identity, scope) in [(1, "A"), (1, "B"), (2, "A")] {
            ids.push(pool.open(IDENTITIES[identity], &scopes(&[scope]), (), START));
        }

        let sessions = match of {
            Some(number) => pool.siblings(&[ids[number]]),
            None => pool.open_sessions(),
        };
        let effects = pool.clear(&sessions, START);

        let reported = effects
            .iter()
            .filter(|effect| matches!(effect, PoolEffect::Session(_, Effect::ReportCleared(Ok(())))));
        assert_eq!(reported.count(), expected.len());
        assert!(ids[expected].iter().all(|id| sessions.contains(id)));
    }
}

/// Returns whether the step can introduce a token that was known before: the tests' provider repeats old tokens.
fn is_repeated(step: &Step) -> bool {
    matches!(step.input, Input::TokenReceived(_))
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_token_of_before_is_cached_or_returned(plan in prop_oneof![plans(), shared_plans()]) {
        let mut before: Vec<String> = Vec::new();
        let mut current: Vec<String> = Vec::new();
        for step in plan.run() {
            if matches!(step.input, Input::Cleared) {
                before.append(&mut current);
                prop_assert_eq!(&step.after.held, &None);
            }
            if is_repeated(&step) {
                current.extend(step.after.held.iter().map(|held| held.access_token.expose().to_owned()));
                before.retain(|token| !current.contains(token));
            }
            let returned = step.resolved().filter_map(|(_, answer)| answer.as_ref().ok());
            for token in returned.chain(&step.after.held) {
                let token = token.access_token.expose().to_owned();
                prop_assert!(!before.contains(&token), "{:#?}", step);
                current.push(token);
            }
        }
    }

    #[test]
    fn a_sign_out_rejects_no_caller(plan in prop_oneof![plans(), shared_plans()]) {
        for step in plan.run() {
            if matches!(step.input, Input::Cleared) {
                prop_assert_eq!(step.resolved().count(), 0);
                prop_assert!(step.after.waiting.is_empty() || step.after.acquisition.is_some());
            }
        }
    }

    #[test]
    fn each_sign_out_is_reported(plan in prop_oneof![plans(), shared_plans()]) {
        let (mut pending, mut closed) = (false, false);
        for step in plan.run() {
            pending |= matches!(step.input, Input::Cleared) && !closed;
            closed |= matches!(step.input, Input::Closed);
            if !reports(&step.effects).is_empty() {
                pending = false;
            }
            prop_assert!(!pending || step.after.acquisition.is_some(), "{:#?}", step);
        }
    }
}
