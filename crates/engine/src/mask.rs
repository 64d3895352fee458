//! Which elements a dropout keeps: a pure function of (seed, step, stream, row, position).
//!
//! So a mask is never stored: the gradient asks for it again. It is the same whoever computes a row, and a run that is
//! resumed at some step drops what it would have dropped.

/// The elements that one dropout drops in one step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mask {
    key: u64,
    /// Drop where 32 even bits are below it.
    below: u32,
}

/// Those of one row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowMask {
    low: u32,
    high: u32,
    below: u32,
}

impl Mask {
    /// Drops a share `rate`, from 0 to less than 1. Dropouts of one network have streams of their own.
    pub(crate) fn new(rate: f64, stream: u64, seed: u64, step: u64) -> Mask {
        let key = split_mix(split_mix(split_mix(seed).wrapping_add(step)).wrapping_add(stream));
        Mask { key, below: (rate * 2f64.powi(32)) as u32 }
    }

    /// Of the batch's row of that number.
    pub(crate) fn row(self, row: usize) -> RowMask {
        let key = split_mix(self.key.wrapping_add(row as u64));
        RowMask { low: key as u32, high: (key >> 32) as u32, below: self.below }
    }
}

impl RowMask {
    /// Whether the row's element at `position` is kept.
    #[inline(always)]
    pub(crate) fn keeps(self, position: u32) -> bool {
        scramble(scramble(position.wrapping_add(self.low)) ^ self.high) >= self.below
    }
}

/// SplitMix64's step (Steele, Lea and Flood, 2014): well-mixed bits of any number.
pub(crate) fn split_mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// A bijection of 32 bits in which each bit of the input changes about half of the output's (the constants are those that
/// Wellons's search found least biased). Of 32 bits, as vectors multiply those.
#[inline(always)]
fn scramble(x: u32) -> u32 {
    let x = (x ^ (x >> 16)).wrapping_mul(0x7feb_352d);
    let x = (x ^ (x >> 15)).wrapping_mul(0x846c_a68b);
    x ^ (x >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(mask: Mask, rows: usize, len: u32) -> Vec<Vec<bool>> {
        (0..rows).map(|r| (0..len).map(|i| mask.row(r).keeps(i)).collect()).collect()
    }

    fn share(bits: impl Iterator<Item = bool>) -> f64 {
        let (mut yes, mut all) = (0.0, 0.0);
        bits.for_each(|bit| {
            yes += f64::from(u8::from(bit));
            all += 1.0;
        });
        yes / all
    }

    #[test]
    fn the_share_is_the_rate_in_rows_and_in_columns() {
        for rate in [0.0, 0.1, 0.5, 0.9] {
            let rows = kept(Mask::new(rate, 3, 7, 11), 400, 1000);
            assert!((share(rows.iter().flatten().copied()) - (1.0 - rate)).abs() < 0.003);
            // Five deviations of a thousand, or of four hundred, draws.
            let near =
                |share: f64, draws: f64| (share - (1.0 - rate)).abs() <= 5.0 * (rate * (1.0 - rate) / draws).sqrt();
            assert!(rows.iter().all(|row| near(share(row.iter().copied()), 1000.0)), "{rate}");
            assert!((0..1000).all(|i| near(share(rows.iter().map(|row| row[i])), 400.0)), "{rate}");
        }
    }

    #[test]
    fn seed_step_stream_row_and_neighbour_are_independent() {
        let bits = |stream, seed, step| kept(Mask::new(0.5, stream, seed, step), 100, 100);
        let first = bits(0, 1, 0);
        let agree =
            |a: &[Vec<bool>], b: &[Vec<bool>]| share(a.iter().flatten().zip(b.iter().flatten()).map(|(a, b)| a == b));
        for other in [bits(1, 1, 0), bits(0, 2, 0), bits(0, 1, 1)] {
            assert!((agree(&first, &other) - 0.5).abs() < 0.025);
        }
        assert!((agree(&first[1..], &first[..99]) - 0.5).abs() < 0.025, "rows");
        let neighbours = first.iter().flat_map(|row| row.windows(2).map(|pair| pair[0] == pair[1]));
        assert!((share(neighbours) - 0.5).abs() < 0.025);
        assert_eq!(first, bits(0, 1, 0));
    }
}
