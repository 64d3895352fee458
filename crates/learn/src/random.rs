//! Randomness as a pure function of (seed, purpose, number, position).
//!
//! ChaCha8 with the key (seed, purpose) and the stream `number` (an epoch, a step, a class).
//! So a run can be resumed at any step with nothing saved, and what one part draws never
//! shifts what another gets. The algorithms on top are written out here, because their
//! answers belong to the record of a run and must not change with a library.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

/// What the numbers are for; each purpose has streams of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Which rows are held out.
    Split,
    /// The order of the rows in an epoch.
    Shuffle,
    /// The parameters before the first step.
    Initial,
    /// A sample of rows, or noise, during training.
    Sample,
    /// Which rows are in which fold.
    Folds,
    /// The settings of a trial.
    Trial,
}

impl Purpose {
    /// The purpose's byte in the key, for ever.
    fn byte(self) -> u8 {
        match self {
            Self::Split => 0,
            Self::Shuffle => 1,
            Self::Initial => 2,
            Self::Sample => 3,
            Self::Folds => 4,
            Self::Trial => 5,
        }
    }
}

/// The stream of random numbers for one `purpose` and `number`.
///
/// ```
/// use chainrule::random::{Purpose, stream};
/// let draw = || stream(42, Purpose::Shuffle, 3).below(10);
/// assert_eq!(draw(), draw());
/// ```
pub fn stream(seed: u64, purpose: Purpose, number: u64) -> Stream {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8] = purpose.byte();
    let mut chacha = ChaCha8Rng::from_seed(key);
    chacha.set_stream(number);
    Stream(chacha)
}

/// One stream, read from its start.
#[derive(Debug, Clone)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// A whole number in `0..n`, each equally likely (Lemire's method); 0 when `n` is 0.
    ///
    /// ```
    /// use chainrule::random::{Purpose, stream};
    /// let mut chance = stream(1, Purpose::Shuffle, 0);
    /// assert!((0..100).all(|_| chance.below(6) < 6));
    /// ```
    pub fn below(&mut self, n: u32) -> u32 {
        if n == 0 {
            return 0;
        }
        // 2³² mod n products would fall on some answers once too often: draw again.
        let surplus = n.wrapping_neg() % n;
        loop {
            let product = u64::from(self.0.next_u32()) * u64::from(n);
            if product as u32 >= surplus {
                return (product >> 32) as u32;
            }
        }
    }

    /// A number in [0, 1): 53 random bits, all that an f64 there can hold evenly.
    ///
    /// ```
    /// use chainrule::random::{Purpose, stream};
    /// let mut chance = stream(1, Purpose::Shuffle, 0);
    /// assert!((0..100).all(|_| (0.0..1.0).contains(&chance.unit())));
    /// ```
    pub fn unit(&mut self) -> f64 {
        const ULP: f64 = 1.0 / (1u64 << 53) as f64;
        (self.0.next_u64() >> 11) as f64 * ULP
    }

    /// A number from the normal distribution with mean 0 and variance 1 (Box–Muller):
    /// `√(−2 ln(1 − u)) · cos 2πv` for two units u, v.
    ///
    /// The sine twin is not kept: each call takes the same two units, and no state hides
    /// between calls.
    ///
    /// ```
    /// use chainrule::random::{Purpose, stream};
    /// let mut chance = stream(1, Purpose::Shuffle, 0);
    /// let mean = (0..10_000).map(|_| chance.normal()).sum::<f64>() / 10_000.0;
    /// assert!(mean.abs() < 0.05);
    /// ```
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// Puts `items` into an order, each equally likely (Fisher–Yates from the end).
    ///
    /// ```
    /// use chainrule::random::{Purpose, stream};
    /// let mut cards = [0, 1, 2, 3, 4];
    /// stream(1, Purpose::Shuffle, 0).shuffle(&mut cards);
    /// cards.sort();
    /// assert_eq!(cards, [0, 1, 2, 3, 4]);
    /// ```
    pub fn shuffle(&mut self, items: &mut [u32]) {
        for last in (1..items.len()).rev() {
            // Row numbers are u32, so that a slice of them is not longer.
            let choices = u32::try_from(last + 1).unwrap_or(u32::MAX);
            items.swap(last, self.below(choices) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The stored numbers come from a second implementation of ChaCha8 and of the methods
    // above, written from their definitions in another language.

    #[test]
    fn whole_numbers_are_known() {
        let mut s = stream(0, Purpose::Split, 0);
        let drawn: Vec<u32> = (0..8).map(|_| s.below(100)).collect();
        assert_eq!(drawn, [18, 83, 90, 63, 76, 23, 53, 11]);
        // Just above a half, nearly every second draw is rejected.
        let mut s = stream(u64::MAX, Purpose::Sample, u64::MAX);
        let drawn: Vec<u32> = (0..4).map(|_| s.below((1 << 31) + 1)).collect();
        assert_eq!(drawn, [1_631_338_352, 179_675_326, 1_292_589_429, 809_284_316]);
        assert_eq!(s.below(0), 0);
        assert_eq!(s.below(1), 0);
    }

    #[test]
    fn orders_are_known() {
        let order = |epoch| {
            let mut rows: Vec<u32> = (0..10).collect();
            stream(42, Purpose::Shuffle, epoch).shuffle(&mut rows);
            rows
        };
        assert_eq!(order(3), [7, 0, 4, 9, 8, 1, 6, 5, 3, 2]);
        assert_eq!(order(4), [3, 0, 7, 1, 5, 2, 8, 9, 6, 4]);
    }

    #[test]
    fn units_and_normals_are_known() {
        let mut s = stream(7, Purpose::Initial, 1);
        for known in [0.989_038_108_803_666_8, 0.274_949_744_704_389_6, 0.877_749_788_264_037_2] {
            assert_eq!(s.unit(), known);
        }
        let mut s = stream(7, Purpose::Initial, 1);
        for known in [-0.469_060_959_946_174_9, -1.895_323_738_162_194_1, -1.742_044_743_500_953_4] {
            assert!((s.normal() - known).abs() < 1e-13);
        }
    }

    #[test]
    fn normals_have_mean_0_and_variance_1() {
        let mut s = stream(1, Purpose::Initial, 0);
        let n = 100_000;
        let (mut sum, mut squares) = (0.0, 0.0);
        for _ in 0..n {
            let x = s.normal();
            sum += x;
            squares += x * x;
        }
        assert!((sum / f64::from(n)).abs() < 0.01);
        assert!((squares / f64::from(n) - 1.0).abs() < 0.02);
    }
}
