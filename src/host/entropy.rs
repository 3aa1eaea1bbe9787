//! The seed of the jitter.

/// Returns a seed that differs between managers. It is not secret: it only spreads refreshes in time.
#[expect(clippy::disallowed_methods, reason = "the one place that rolls the dice")]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "53 bits are enough")]
pub(crate) fn seed() -> u64 {
    (js_sys::Math::random() * 2_f64.powi(53)) as u64
}
