//! Effects of the sessions of a pool, in one order.

use super::{super::Effect, SessionId};

/// Something the driver must do.
#[derive(Clone, Debug, PartialEq)]
pub enum PoolEffect {
    /// An effect of a session.
    Session(SessionId, Effect),
    /// The session was evicted with its token: drop the data that belongs to it.
    Evicted(SessionId),
}

/// Collects the effects of one call and sorts them as those of a single session; evictions come last.
#[derive(Default)]
pub(super) struct PoolEffects {
    by_rank: [Vec<PoolEffect>; 3],
    evicted: Vec<PoolEffect>,
}

impl PoolEffects {
    pub(super) fn push(&mut self, session: SessionId, effect: Effect) {
        self.by_rank[usize::from(effect.rank())].push(PoolEffect::Session(session, effect));
    }

    pub(super) fn push_evicted(&mut self, session: SessionId) {
        self.evicted.push(PoolEffect::Evicted(session));
    }

    pub(super) fn into_sorted(self) -> Vec<PoolEffect> {
        let Self { by_rank: [first, second, third], evicted } = self;
        concat(concat(concat(first, second), third), evicted)
    }
}

/// Concatenates two lists, without a copy where the first is empty, which is usual.
fn concat(mut first: Vec<PoolEffect>, mut second: Vec<PoolEffect>) -> Vec<PoolEffect> {
    if first.is_empty() {
        return second;
    }
    first.append(&mut second);
    first
}
