//! Faults of the simulation: of devices, of the store and of the provider.
#![expect(clippy::wildcard_enum_match_arm, reason = "each function handles the events of one kind")]

use super::{HOUR, MINUTE, Occurrence, Outage, SECOND, Simulation};

/// Faults and their probabilities.
#[derive(Clone, Copy, Default)]
pub(super) struct FaultProfile {
    /// Fraction of requests that are lost.
    pub(super) lost: f64,
    /// Fraction of steps after which a holder crashes, and after which it stops for a while.
    pub(super) crash: f64,
    /// Fraction of store responses that take too long.
    pub(super) slow: f64,
    /// Set if the store has outages and is emptied, and holders sleep.
    pub(super) store: Option<()>,
    /// Set if the provider has outages and revokes tokens, its API replaces tokens, clocks are set, holders sleep,
    /// callers cancel, and some of them force a refresh or need more validity.
    pub(super) provider: Option<()>,
}

impl Simulation {
    pub(super) fn device_event(&mut self, occurrence: Occurrence) {
        match occurrence {
            Occurrence::FallAsleep(number) => {
                let often = self.faults.store.is_some();
                let span = self.rng.between(SECOND, if often { 10 * MINUTE } else { 2 * HOUR });
                let holder = &mut self.holders[number];
                holder.device.fall_asleep(self.now);
                holder.asleep_until = holder.asleep_until.max(self.now + span);
                self.schedule.add(self.holders[number].asleep_until, Occurrence::WakeUp(number));
            }
            Occurrence::WakeUp(number) => {
                self.holders[number].device.wake_up(self.now);
                self.disturb(number);
                let often = self.faults.store.is_some();
                self.schedule(if often { HOUR } else { 12 * HOUR }, Occurrence::FallAsleep(number));
            }
            Occurrence::ClockSet(number) => {
                let by = self.rng.symmetric(25 * HOUR);
                self.holders[number].device.set(by, self.now);
                self.excuse(number);
                self.schedule(12 * HOUR, Occurrence::ClockSet(number));
            }
            _ => unreachable!("an event of a device"),
        }
    }

    pub(super) fn server_event(&mut self, occurrence: &Occurrence) {
        match occurrence {
            Occurrence::StoreGoesDown => {
                self.store.down = Some(());
                self.figures.disturbances += 1;
                self.schedule(5 * MINUTE, Occurrence::StoreComesUp);
            }
            Occurrence::StoreComesUp => {
                self.store.down = None;
                self.schedule(HOUR, Occurrence::StoreGoesDown);
            }
            // Garbage is read as an empty store.
            Occurrence::StoreEmptied => {
                self.store.entry = None;
                self.figures.disturbances += 1;
                self.schedule(HOUR, Occurrence::StoreEmptied);
            }
            Occurrence::OutageBegins => {
                let kind = self.rng.index(3);
                self.provider.outage = Some([Outage::Down, Outage::Throttled, Outage::Denied][kind]);
                let mean = if self.rng.chance(0.3).is_some() { HOUR } else { 5 * MINUTE };
                self.schedule(mean, Occurrence::OutageEnds(self.now));
            }
            Occurrence::OutageEnds(since) => {
                self.provider.outage = None;
                for holder in &mut self.holders {
                    holder.excused_at = self.now;
                    self.figures.outage_acquisitions += 8 + (self.now - since) / (55 * SECOND);
                }
                self.schedule(6 * HOUR, Occurrence::OutageBegins);
            }
            Occurrence::TokensRevoked => {
                self.provider.revoke_everything();
                self.schedule(8 * HOUR, Occurrence::TokensRevoked);
            }
            _ => unreachable!("an event of a server"),
        }
    }
}
