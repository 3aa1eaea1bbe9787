//! The history of credentials, which decides when rejected ones are presented again.
//!
//! Some APIs lock an account after a few wrong passwords, and some reject a correct one, for example during a restart.
//! Credentials that have obtained a token are therefore presented again after growing intervals, others at most twice by
//! all sessions that share them: those of the manager, or of an identity. Changed credentials are presented at once.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use super::{TokenError, UnixMillis};

/// Fingerprint of the credentials of a grant. A grant that reports none has the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CredentialId(pub u64);

/// The grants and rejections of a session's credentials so far.
#[derive(Clone, Debug, Default)]
pub struct CredentialHistory {
    own: History,
    /// The history of the same credentials in all sessions, where sessions present the same.
    shared: Option<Rc<SharedCredentials>>,
    /// The grants of all sessions, where the history is that of an identity. It withholds nothing.
    all: Option<Rc<SharedCredentials>>,
}

#[derive(Clone, Debug, Default)]
struct History {
    /// The credentials that obtained a token last.
    proven: Option<CredentialId>,
    rejected: Option<Box<RejectedCredentials>>,
}

/// Credentials that were rejected since they last obtained a token.
#[derive(Clone, Debug)]
struct RejectedCredentials {
    id: CredentialId,
    error: TokenError,
    /// Number of rejections in succession.
    times: usize,
    /// When they may be presented again.
    retry_at: UnixMillis,
}

/// The subject of a rejection. The answers of some providers distinguish these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The credentials, or a subject that the answer does not name.
    Credentials,
    /// The user or account to act for. The credentials may be valid for others.
    Identity,
}

impl CredentialHistory {
    /// The history of a session that shares its credentials with other sessions.
    pub fn with_shared(shared: Rc<SharedCredentials>) -> Self {
        Self { shared: Some(shared), ..Self::default() }
    }

    /// The history of a session whose credentials are those of its identity, `shared` by its siblings. `all` only limits the
    /// grants in flight.
    pub fn of_identity(shared: Rc<SharedCredentials>, all: Rc<SharedCredentials>) -> Self {
        Self { shared: Some(shared), all: Some(all), ..Self::default() }
    }

    /// Returns the history that sessions share, if they do.
    pub fn shared(&self) -> Option<Rc<SharedCredentials>> {
        self.shared.clone()
    }

    /// Announces credentials that ceased to be withheld, where the history is that of an identity.
    fn announce_released(&self) {
        if let (Some(shared), Some(all)) = (&self.shared, &self.all)
            && shared.take_released()
        {
            all.released.set(true);
        }
    }

    /// Records that credentials obtained a token.
    pub fn accepted(&mut self, id: CredentialId) {
        self.own.accepted(id);
        if let Some(shared) = &self.shared {
            shared.released.set(shared.released.get() || shared.withholds());
            shared.history.borrow_mut().accepted(id);
        }
        if let Some(all) = &self.all {
            all.history.borrow_mut().accepted(id);
        }
        self.announce_released();
    }

    /// Records a grant by other means: to another holder with the same credentials, or for a refresh token.
    pub fn granted_otherwise(&mut self) {
        self.own.rejected = None;
    }

    /// Records that credentials were rejected at `now`. `jitter` is in `0.0..1.0`.
    pub fn rejected(
        &mut self,
        id: CredentialId,
        subject: Subject,
        error: &TokenError,
        now: UnixMillis,
        jitter: f64,
    ) {
        if let Some(shared) = &self.shared {
            let mut history = shared.history.borrow_mut();
            // Credentials that are proven by one session are proven for all.
            self.own.proven = history.proven;
            if subject == Subject::Credentials {
                shared.failures.set(0);
                // Each session presents proven credentials after intervals of its own.
                if history.proven != Some(id) {
                    let withheld = history.withheld(now);
                    history.rejected(id, error, now, jitter);
                    shared
                        .released
                        .set(shared.released.get() || withheld.is_some_and(|withheld| withheld != id));
                }
            }
        }
        if let (Some(all), Subject::Credentials) = (&self.all, subject) {
            all.failures.set(0);
            all.history.borrow_mut().rejected(id, error, now, jitter);
        }
        self.own.rejected(id, error, now, jitter);
        self.announce_released();
    }

    /// Forgets all rejections: the credentials may be presented again.
    pub fn forget(&mut self) {
        self.own = History::default();
        if let Some(shared) = &self.shared {
            shared.released.set(shared.released.get() || shared.withholds());
            shared.history.replace(History::default());
            shared.failures.set(0);
        }
        self.announce_released();
    }

    /// Records that a grant failed for another reason than rejected credentials.
    pub fn failed_otherwise(&self) {
        for shared in [&self.shared, &self.all].into_iter().flatten() {
            shared.failures.set(shared.failures.get().saturating_add(1));
        }
    }

    /// When the background may present credentials.
    pub fn retry_at(&self) -> UnixMillis {
        let shared =
            self.shared.as_ref().map_or(UnixMillis::new(0), |shared| shared.history.borrow().retry_at());
        shared.max(self.own.retry_at())
    }

    /// The credentials that must not be presented at `now`.
    pub fn withheld(&self, now: UnixMillis) -> Option<CredentialId> {
        let shared = self.shared.as_ref().and_then(|shared| shared.history.borrow().withheld(now));
        shared.or_else(|| self.own.withheld(now))
    }

    /// The error of the last rejection.
    pub fn error(&self) -> Option<TokenError> {
        let rejected = |history: &History| history.rejected.as_ref().map(|rejected| rejected.error.clone());
        rejected(&self.own).or_else(|| rejected(&self.shared.as_ref()?.history.borrow()))
    }
}

impl History {
    fn accepted(&mut self, id: CredentialId) {
        self.proven = Some(id);
        self.rejected = None;
    }

    fn rejected(&mut self, id: CredentialId, error: &TokenError, now: UnixMillis, jitter: f64) {
        let before = self.rejected.as_ref().filter(|rejected| rejected.id == id);
        let times = before.map_or(0, |rejected| rejected.times).saturating_add(1);
        let retry_at = if self.proven == Some(id) {
            now.after(retry_interval(times, jitter))
        } else if times < MAX_UNPROVEN {
            now
        } else {
            UnixMillis::NEVER
        };
        self.rejected = Some(Box::new(RejectedCredentials { id, error: error.clone(), times, retry_at }));
    }

    fn retry_at(&self) -> UnixMillis {
        self.rejected.as_ref().map_or(UnixMillis::new(0), |rejected| rejected.retry_at)
    }

    fn withheld(&self, now: UnixMillis) -> Option<CredentialId> {
        self.rejected.as_ref().filter(|rejected| now < rejected.retry_at).map(|rejected| rejected.id)
    }
}

/// The grants and rejections of the credentials that all sessions of a manager, or of an identity, present.
#[derive(Debug, Default)]
pub struct SharedCredentials {
    /// Its rejected credentials never obtained a token.
    history: RefCell<History>,
    /// Grants that failed for other reasons since the last rejection.
    failures: Cell<usize>,
    /// Credentials were withheld and are not any more. Sessions may wait for that.
    released: Cell<bool>,
}

impl SharedCredentials {
    /// Most grants in flight at a time. Until credentials have obtained a token there are as many as may be rejected,
    /// since all of them would present wrong credentials before the first rejection arrives. Each failure of another kind
    /// adds one, so that an unavailable provider does not delay the sessions one after the other.
    pub fn max_grants(&self) -> usize {
        let history = self.history.borrow();
        if history.proven.is_some() {
            return usize::MAX;
        }
        let unproven = if history.rejected.is_some() { 1 } else { MAX_UNPROVEN };
        unproven.saturating_add(self.failures.get())
    }

    /// Returns whether credentials have ceased to be withheld since the last call.
    pub fn take_released(&self) -> bool {
        self.released.take()
    }

    /// Returns whether credentials were rejected since some obtained a token.
    pub fn has_rejection(&self) -> bool {
        self.history.borrow().rejected.is_some()
    }

    fn withholds(&self) -> bool {
        self.history.borrow().retry_at() == UnixMillis::NEVER
    }
}

/// Limit on presentations of credentials that never obtained a token. Known APIs lock an account after five failures or
/// more.
const MAX_UNPROVEN: usize = 2;

/// Milliseconds from the `times`-th rejection in succession until proven credentials are presented again, with a jitter
/// of up to a fifth so that many managers do not retry together.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a fifth of minutes")]
fn retry_interval(times: usize, jitter: f64) -> u64 {
    let interval = RETRY_INTERVALS[(times - 1).min(RETRY_INTERVALS.len() - 1)];
    interval as u64 + (interval * jitter / 5.0) as u64
}

/// 15 seconds, then 1, 4 and 15 minutes; the last one repeats.
const RETRY_INTERVALS: [f64; 4] = [15_000.0, 60_000.0, 240_000.0, 900_000.0];
