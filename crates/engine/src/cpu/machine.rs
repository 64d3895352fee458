//! What this machine can do at most, measured: the two numbers that bound a training step from below, and how far its cores are apart.
//!
//! Arithmetic: chains of multiply-adds that never leave the registers, enough of them to hide one another's latency.
//! Memory: one pass over more numbers than any cache holds, each read and written, as an optimizer does. Both on all
//! threads at once, and the best of several short trials: what disturbs a trial only makes it slower.
//! A meeting: all threads are called and wait for one another. Cores that share a cache meet several times as fast as others, and
//! hand over rows and parameters as much faster, so a small step takes longer where a system moves threads apart.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Cpu;
use super::memory::Cells;
use super::simd::{LANES, Simd};
use super::team::Team;
use crate::backend::BackendError;

/// A trial of arithmetic lasts so many seconds at least: far longer than it takes to hand out, and short enough that
/// some fall between the time slices of other programs.
const TRIAL: f64 = 0.004;
const TRIALS_OF_ARITHMETIC: usize = 50;
/// 256 MiB of f32.
const NUMBERS: usize = 64 << 20;
const TRIALS_OF_MEMORY: usize = 15;
const MEETINGS: usize = 200;
const TRIALS_OF_MEETING: usize = 25;
/// About as long as the team's own members wait before they give way.
const SPINS: usize = 2_000;
const LONGEST_TRIAL: Duration = Duration::from_millis(40);
/// Chains of multiply-adds, in vectors: as many as the registers hold beside two operands.
const CHAINS: usize = 12;
const CHAINS_OF_TWO_REGISTERS: usize = 6;

/// What a machine can do at most, on all threads of a backend together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Machine {
    /// Floating-point operations a second, by multiply-adds in f32; each counts as two.
    pub peak_flops: f64,
    /// Bytes a second, read and written, beyond the caches.
    pub bandwidth: f64,
    /// Seconds until all threads have met that were called: the median of several trials, as it changes with the cores that they are on.
    pub meeting: f64,
}

impl Cpu {
    /// Measures what its threads can do at most on its instruction set, in about a second.
    ///
    /// ```
    /// # // It takes a second, and says nothing on a busy machine.
    /// # fn main() -> Result<(), chainrule_engine::BackendError> { if false {
    /// let machine = chainrule_engine::Cpu::all_cores().measure()?;
    /// println!("{:.0} GFLOP/s, {:.0} GB/s", machine.peak_flops / 1e9, machine.bandwidth / 1e9);
    /// # } Ok(()) }
    /// ```
    ///
    /// # Errors
    /// If there is no memory for 256 MiB of numbers.
    pub fn measure(&self) -> Result<Machine, BackendError> {
        let mut team = self.team.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Machine {
            peak_flops: self.peak_flops(&mut team),
            bandwidth: self.bandwidth(&mut team)?,
            meeting: self.meeting(&mut team),
        })
    }

    fn meeting(&self, team: &mut Team) -> f64 {
        let met = |here: &AtomicUsize| here.load(Ordering::Acquire) >= self.threads;
        let mut trials = [(); TRIALS_OF_MEETING].map(|()| {
            let start = Instant::now();
            for _ in 0..MEETINGS {
                let here = AtomicUsize::new(0);
                team.run(&|_| {
                    here.fetch_add(1, Ordering::AcqRel);
                    for _ in 0..SPINS {
                        if met(&here) {
                            return;
                        }
                        std::hint::spin_loop();
                    }
                    // Whom we wait for needs this core, or could not be started.
                    while !met(&here) && start.elapsed() < LONGEST_TRIAL {
                        std::thread::yield_now();
                    }
                });
            }
            start.elapsed().as_secs_f64() / MEETINGS as f64
        });
        trials.sort_by(f64::total_cmp);
        trials[TRIALS_OF_MEETING / 2]
    }

    fn peak_flops(&self, team: &mut Team) -> f64 {
        let (mut rounds, mut trials, mut best) = (1 << 10, 0, 0.0_f64);
        while trials < TRIALS_OF_ARITHMETIC {
            let start = Instant::now();
            team.run(&|_| {
                let mut y = [0.0; LANES];
                // SAFETY: y holds one vector, and the table's instructions are this machine's.
                unsafe { (self.kernels.multiply_add)(rounds, y.as_mut_ptr()) }
                std::hint::black_box(y);
            });
            let seconds = start.elapsed().as_secs_f64();
            if seconds < TRIAL {
                rounds *= 2;
                continue;
            }
            best = best.max((2 * CHAINS * LANES * rounds * self.threads) as f64 / seconds);
            trials += 1;
        }
        best
    }

    fn bandwidth(&self, team: &mut Team) -> Result<f64, BackendError> {
        let mut cells = Cells::new(NUMBERS)?;
        let part = NUMBERS.div_ceil(self.threads).next_multiple_of(LANES);
        let parts: Vec<Mutex<&mut [f32]>> = cells.as_mut_slice().chunks_mut(part).map(Mutex::new).collect();
        let mut best = 0.0_f64;
        for _ in 0..TRIALS_OF_MEMORY {
            let start = Instant::now();
            team.run(&|number| {
                // With many threads the last may have none.
                let Some(part) = parts.get(number) else { return };
                let mut part = part.lock().unwrap_or_else(PoisonError::into_inner);
                // SAFETY: a part is whole vectors, and the table's instructions are this machine's.
                unsafe { (self.kernels.read_and_write)(part.as_mut_ptr(), part.len()) }
            });
            let bytes = 2 * NUMBERS * size_of::<f32>();
            best = best.max(bytes as f64 / start.elapsed().as_secs_f64());
        }
        Ok(best)
    }
}

/// `rounds` multiply-adds on each of [`CHAINS`] vectors, whose sum goes to `y`.
///
/// # Safety
/// The machine has S; `y` is valid for one vector.
#[inline(always)]
pub(super) unsafe fn multiply_add<S: Simd>(rounds: usize, y: *mut f32) {
    // SAFETY: the caller's promises.
    unsafe {
        if S::TILE_VECTORS > 1 {
            chains::<S, CHAINS>(rounds, y);
        } else {
            chains::<S, CHAINS_OF_TWO_REGISTERS>(rounds * (CHAINS / CHAINS_OF_TWO_REGISTERS), y);
        }
    }
}

/// x ← x·a + b, which tends to 1 from any start: no number grows, none becomes denormal.
///
/// # Safety
/// As of [`multiply_add`].
#[inline(always)]
unsafe fn chains<S: Simd, const N: usize>(rounds: usize, y: *mut f32) {
    // SAFETY: the caller's promises.
    unsafe {
        let (a, b) = (S::splat(0.75), S::splat(0.25));
        let mut x = [S::splat(0.5); N];
        for (n, x) in x.iter_mut().enumerate() {
            // Unlike one another, and unknown: else one chain could stand for all.
            *x = S::splat(std::hint::black_box(n as f32));
        }
        for _ in 0..rounds {
            for x in &mut x {
                *x = S::fma(*x, a, b);
            }
        }
        let mut sum = x[0];
        for &x in &x[1..] {
            sum = S::add(sum, x);
        }
        S::store(y, sum);
    }
}

/// x ← x·a + b over `len` numbers.
///
/// # Safety
/// The machine has S; `p` is valid for `len` numbers, a multiple of [`LANES`].
#[inline(always)]
pub(super) unsafe fn read_and_write<S: Simd>(p: *mut f32, len: usize) {
    // SAFETY: the caller's promises.
    unsafe {
        let (a, b) = (S::splat(0.75), S::splat(0.25));
        for at in (0..len).step_by(LANES) {
            let p = p.add(at);
            S::store(p, S::fma(S::load(p), a, b));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instruction_set_is_measured() {
        for cpu in Cpu::each(2) {
            let Machine { peak_flops, bandwidth, meeting } = cpu.measure().unwrap();
            assert!(peak_flops.is_finite() && peak_flops > 0.0, "{cpu:?}");
            assert!(bandwidth.is_finite() && bandwidth > 0.0, "{cpu:?}");
            assert!(meeting.is_finite() && meeting > 0.0, "{cpu:?}");
        }
    }
}
