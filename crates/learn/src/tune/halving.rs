//! Successive halving: which trials train how long. Jamieson and Talwalkar, *Non-stochastic Best Arm Identification and
//! Hyperparameter Optimization*, 2016; one bracket of Li and others, *Hyperband*, 2018.
//!
//! With n trials, at most R epochs, at least r, and η: s = min(⌊log_η n⌋, ⌊log_η R/r⌋), and rung i of 0 … s trains
//! ⌊n / ηⁱ⌋ trials for ⌊R / ηˢ⁻ⁱ⌋ epochs each. So each rung takes about as many epochs as any other.

use serde::Serialize;

/// Trainings of equal length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Rung {
    /// How many trials come so far.
    pub trials: usize,
    /// For how many epochs each of them trains.
    pub epochs: usize,
}

/// The rungs, lowest first, for at least one trial, 1 ≤ `least` ≤ `epochs`, and an `eta` from 2.
///
/// ```
/// use chainrule::tune::rungs;
/// let rungs: Vec<_> = rungs(27, 27, 1, 3).iter().map(|rung| (rung.trials, rung.epochs)).collect();
/// assert_eq!(rungs, [(27, 1), (9, 3), (3, 9), (1, 27)]);
/// ```
pub fn rungs(trials: usize, epochs: usize, least: usize, eta: usize) -> Vec<Rung> {
    let eta = eta.max(2);
    let last = trials.max(1).ilog(eta).min((epochs / least.max(1)).max(1).ilog(eta));
    // No power overflows: none is above the trials or the epochs.
    (0..=last).map(|rung| Rung { trials: trials / eta.pow(rung), epochs: epochs / eta.pow(last - rung) }).collect()
}

/// The trials that go on: at most `count` of those with a finite loss, by their loss and then by their number; in the order
/// of their numbers.
pub(crate) fn promoted(losses: &[(usize, Option<f64>)], count: usize) -> Vec<usize> {
    let finite = losses.iter().filter_map(|&(trial, loss)| Some((trial, loss.filter(|loss| loss.is_finite())?)));
    let mut ranked: Vec<(usize, f64)> = finite.collect();
    ranked.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
    let mut trials: Vec<usize> = ranked.into_iter().take(count).map(|(trial, _)| trial).collect();
    trials.sort_unstable();
    trials
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(trials: usize, epochs: usize, least: usize, eta: usize) -> Vec<(usize, usize)> {
        rungs(trials, epochs, least, eta).iter().map(|rung| (rung.trials, rung.epochs)).collect()
    }

    #[test]
    fn rungs_are_those_of_the_paper() {
        // Hyperband, table 1: R = 81, η = 3, the brackets s = 4, 3, 2 and 0.
        assert_eq!(sizes(81, 81, 1, 3), [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)]);
        assert_eq!(sizes(27, 81, 3, 3), [(27, 3), (9, 9), (3, 27), (1, 81)]);
        assert_eq!(sizes(9, 81, 9, 3), [(9, 9), (3, 27), (1, 81)]);
        assert_eq!(sizes(5, 81, 81, 3), [(5, 81)]);
    }

    #[test]
    fn sizes_that_are_no_powers_are_rounded_down() {
        assert_eq!(sizes(10, 30, 1, 3), [(10, 3), (3, 10), (1, 30)]);
        assert_eq!(sizes(100, 5, 1, 2), [(100, 1), (50, 2), (25, 5)]);
        assert_eq!(sizes(7, 100, 20, 2), [(7, 25), (3, 50), (1, 100)]);
        assert_eq!(sizes(1, 9, 1, 3), [(1, 9)]);
        assert_eq!(sizes(2, 1, 1, 2), [(2, 1)]);
        assert_eq!(sizes(usize::MAX, usize::MAX, 1, usize::MAX), [(usize::MAX, 1), (1, usize::MAX)]);
    }

    #[test]
    fn the_lowest_losses_go_on() {
        let losses = [(1, Some(0.5)), (2, None), (3, Some(0.1)), (4, Some(0.5)), (5, Some(f64::NAN)), (6, Some(0.2))];
        assert_eq!(promoted(&losses, 2), [3, 6]);
        assert_eq!(promoted(&losses, 3), [1, 3, 6]);
        assert_eq!(promoted(&losses, 6), [1, 3, 4, 6]);
    }
}
