//! Dice that can be thrown again: the same seed, the same numbers.

/// A small generator of numbers for jitter (`SplitMix64`, Steele et al. 2014).
///
/// Not for secrets. The host seeds it once, from real entropy, so that many
/// managers do not refresh in the same second.
#[derive(Clone, Debug)]
pub struct Jitter(u64);

impl Jitter {
    /// The same seed gives the same numbers.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number in `0.0..1.0`.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a float exactly")]
    pub fn fraction(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Other dice, thrown by these.
    #[must_use]
    pub const fn split(&mut self) -> Self {
        Self(self.bits())
    }

    /// Sixty-four of them.
    pub(super) const fn bits(&mut self) -> u64 {
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

    /// The numbers of the reference implementation, for the seed of its documentation.
    #[test]
    fn the_numbers_are_those_of_split_mix_64() {
        let mut jitter = Jitter::new(1_234_567);
        let thrown: Vec<_> = (0..5).map(|_| jitter.fraction()).collect();

        let bits = [
            6_457_827_717_110_365_317_u64,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!(thrown, bits.map(|bits| (bits >> 11) as f64 / 9_007_199_254_740_992.0));
    }

    #[test]
    fn fractions_are_spread_below_one_and_repeat_by_seed() {
        let mut jitter = Jitter::new(42).split();
        let thrown: Vec<_> = (0..10_000).map(|_| jitter.fraction()).collect();

        let mut again = Jitter::new(42).split();
        assert!(thrown.iter().all(|&fraction| fraction == again.fraction()));
        assert!(thrown.iter().all(|fraction| (0.0..1.0).contains(fraction)));
        let mean = thrown.iter().sum::<f64>() / 10_000.0;
        assert!((0.49..0.51).contains(&mean), "{mean}");
    }
}
