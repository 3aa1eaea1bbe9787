//! A deterministic pseudo-random number generator for jitter.

/// Deterministic PRNG (`SplitMix64`, Steele et al. 2014): the same seed yields the same sequence.
///
/// Not for secrets. The host seeds it once with entropy, so that many managers do not refresh in the same second.
#[derive(Clone, Debug)]
pub struct Jitter(u64);

impl Jitter {
    /// A generator with this seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the next number in `0.0..1.0`.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a float exactly")]
    pub fn fraction(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Returns a new generator, seeded by this one.
    #[must_use]
    pub const fn fork(&mut self) -> Self {
        Self(self.next_u64())
    }

    /// Returns the next 64 bits.
    pub(super) const fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of the reference implementation for the seed in its documentation.
    #[test]
    fn the_sequence_is_that_of_the_reference_implementation() {
        let mut jitter = Jitter::new(1_234_567);
        let drawn: Vec<_> = (0..5).map(|_| jitter.fraction()).collect();

        let bits = [
            6_457_827_717_110_365_317_u64,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!(drawn, bits.map(|bits| (bits >> 11) as f64 / 9_007_199_254_740_992.0));
    }

    #[test]
    fn fractions_are_spread_below_one_and_repeat_by_seed() {
        let mut jitter = Jitter::new(42).fork();
        let drawn: Vec<_> = (0..10_000).map(|_| jitter.fraction()).collect();

        let mut again = Jitter::new(42).fork();
        assert!(drawn.iter().all(|&fraction| fraction == again.fraction()));
        assert!(drawn.iter().all(|fraction| (0.0..1.0).contains(fraction)));
        let mean = drawn.iter().sum::<f64>() / 10_000.0;
        assert!((0.49..0.51).contains(&mean), "{mean}");
    }
}
