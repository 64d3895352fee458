//! Whether a small run is worth a team: by what its like took, alone and shared.
//!
//! No table of sizes can tell. What two threads cost each other depends on how far their cores are apart, which a virtual machine changes
//! at any time, and on who else is at work: a step of 100 µs may take 60 or 110 of a team. So runs of a middling size are timed, and a few of
//! many are done the other way. Nobody's bits depend on it.

use std::time::Duration;

/// Runs of one size that are done the other way in a row. The first of them find their numbers in the wrong caches.
const TRIAL: u32 = 6;
/// The last so many of those, and of the runs before, are compared by their shortest: what disturbs a run makes it longer.
const COMPARED: u32 = 3;
/// Runs until the first trial; each one that changes nothing doubles them, up to the most.
const FIRST: u32 = 32;
const MOST: u32 = 4096;
/// The other way is taken if it needs less than this share of the time.
const BETTER: f64 = 0.97;

/// The runs of one size.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    /// What tells them from others.
    size: [u64; 2],
    alone: bool,
    /// Runs since the last trial began, and how many there are from one to the next.
    count: u32,
    interval: u32,
    /// Seconds of the shortest of the last runs this way, and of the trial's.
    this: f64,
    other: f64,
}

/// Those of the sizes that were met last.
#[derive(Debug, Default)]
pub(super) struct Paces {
    all: [Pace; 8],
    next: usize,
}

impl Paces {
    /// The runs of that size.
    pub(super) fn of(&mut self, size: [u64; 2]) -> &mut Pace {
        let known = self.all.iter().position(|pace| pace.interval > 0 && pace.size == size);
        let at = known.unwrap_or_else(|| {
            let at = self.next;
            self.next = (at + 1) % self.all.len();
            self.all[at] = Pace { size, interval: FIRST, count: TRIAL, ..Pace::default() };
            at
        });
        &mut self.all[at]
    }
}

impl Pace {
    /// Whether the next run is to be done alone.
    pub(super) fn alone(&self) -> bool {
        self.alone != (self.count < TRIAL)
    }

    /// It took so long.
    pub(super) fn took(&mut self, time: Duration) {
        let seconds = time.as_secs_f64();
        let shortest = |so_far: f64, first: bool| if first { seconds } else { so_far.min(seconds) };
        if self.count < TRIAL {
            self.other = shortest(self.other, self.count <= TRIAL - COMPARED);
            if self.count + 1 == TRIAL {
                if self.other < BETTER * self.this {
                    (self.alone, self.interval) = (!self.alone, FIRST);
                } else {
                    self.interval = (2 * self.interval).min(MOST);
                }
            }
        } else if self.count + COMPARED >= self.interval {
            self.this = shortest(self.this, self.count + COMPARED == self.interval);
        }
        self.count = if self.count + 1 == self.interval { 0 } else { self.count + 1 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many runs, each of which takes as many microseconds as `alone` or `shared` says: how many were done alone.
    fn run(pace: &mut Pace, runs: u32, alone: u64, shared: u64) -> u32 {
        let one = |_| {
            let by_itself = pace.alone();
            pace.took(Duration::from_micros(if by_itself { alone } else { shared }));
            u32::from(by_itself)
        };
        (0..runs).map(one).sum()
    }

    #[test]
    fn the_shorter_way_is_found_again_when_it_changes() {
        let mut paces = Paces::default();
        let pace = paces.of([1, 2]);
        assert!(!pace.alone(), "a team is what most runs are worth");
        let tried = run(pace, 20_000, 100, 60);
        assert!((TRIAL..=15 * TRIAL).contains(&tried), "{tried}");
        // The cores are moved apart.
        run(pace, MOST, 100, 110);
        assert!(run(pace, 5_000, 100, 110) > 4_800);
        // And together; a little is not worth a change.
        run(pace, MOST, 100, 60);
        assert!(run(pace, 5_000, 100, 60) < 200);
        run(pace, 2 * MOST, 100, 102);
        assert!(run(pace, 5_000, 100, 102) < 200);
    }

    #[test]
    fn each_size_has_its_own() {
        let mut paces = Paces::default();
        run(paces.of([1, 1]), 1_000, 10, 20);
        run(paces.of([1, 2]), 1_000, 20, 10);
        assert!(paces.of([1, 1]).alone() && !paces.of([1, 2]).alone());
        for other in 3..20 {
            run(paces.of([other, 0]), 10, 10, 20);
        }
        assert!(!paces.of([1, 1]).alone(), "it was long ago");
    }
}
