//! A team of threads that is started once and given its work by number.
//!
//! A training step meets twice, and lasts tens of microseconds: waking a sleeping thread would
//! cost as much as its work. So members spin for a moment after each piece of work, where the next
//! usually comes at once, and then sleep, so that an idle team burns nothing.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

/// How often a member looks for work, or the caller for its end, before it gives way. About 20 µs
/// on today's machines: longer than the caller is busy between two sweeps of a small network.
const SPINS: u32 = 2_000;

/// What a team is asked to do: called with each member's number, 0 for the caller itself.
type Work<'a> = &'a (dyn Fn(usize) + Sync);

#[derive(Debug)]
pub(super) struct Team {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    /// Rises by one with each piece of work.
    turn: AtomicU64,
    /// The work of this turn. Only read between the turn's rise and the last member's end.
    work: Mutex<Option<Work<'static>>>,
    /// Members that have not finished this turn.
    busy: AtomicUsize,
    /// Whether a member's work has panicked.
    panicked: AtomicBool,
    stop: AtomicBool,
    /// Members that sleep, or are about to.
    sleepers: AtomicUsize,
    lock: Mutex<()>,
    wake: Condvar,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("turn", &self.turn).finish_non_exhaustive()
    }
}

impl Team {
    /// A team of that many, the caller included.
    pub(super) fn new(members: usize) -> Team {
        let shared = Arc::new(Shared {
            turn: AtomicU64::new(0),
            work: Mutex::new(None),
            busy: AtomicUsize::new(0),
            panicked: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            sleepers: AtomicUsize::new(0),
            lock: Mutex::new(()),
            wake: Condvar::new(),
        });
        let start = |member: usize| {
            let shared = Arc::clone(&shared);
            let name = format!("chainrule-{member}");
            std::thread::Builder::new().name(name).spawn(move || shared.serve(member))
        };
        // A machine that refuses more threads gets a smaller team: results do not depend on its size.
        let threads = (1..members).map_while(|member| start(member).ok()).collect();
        Team { shared, threads }
    }

    /// How many, the caller included.
    pub(super) fn members(&self) -> usize {
        self.threads.len() + 1
    }

    /// Calls `work` once for each member at the same time, and returns when all are done.
    ///
    /// # Panics
    /// If a member's work does.
    pub(super) fn run(&mut self, work: Work<'_>) {
        let shared = &*self.shared;
        // SAFETY: only the lifetime changes. The reference is dropped from `work` below, after every
        // member has counted itself out of `busy`, and none reads it before the next turn.
        let lasting = unsafe { std::mem::transmute::<Work<'_>, Work<'static>>(work) };
        *shared.work.lock().unwrap_or_else(PoisonError::into_inner) = Some(lasting);
        shared.busy.store(self.threads.len(), Ordering::Relaxed);
        // SeqCst here and in `sleep`: either the member sees the new turn, or we see the sleeper.
        shared.turn.fetch_add(1, Ordering::SeqCst);
        if shared.sleepers.load(Ordering::SeqCst) > 0 {
            drop(shared.lock.lock().unwrap_or_else(PoisonError::into_inner));
            shared.wake.notify_all();
        }
        // The others still read `work`, so even a panic waits for them.
        let mine = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(0)));
        let mut spins = 0;
        while shared.busy.load(Ordering::Acquire) > 0 {
            spins += 1;
            if spins < SPINS { std::hint::spin_loop() } else { std::thread::yield_now() }
        }
        *shared.work.lock().unwrap_or_else(PoisonError::into_inner) = None;
        if let Err(panic) = mine {
            std::panic::resume_unwind(panic);
        }
        assert!(!shared.panicked.swap(false, Ordering::Relaxed), "a thread of the team panicked");
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        drop(self.shared.lock.lock().unwrap_or_else(PoisonError::into_inner));
        self.shared.wake.notify_all();
        for thread in self.threads.drain(..) {
            // A member catches its work's panics, so it ends without one.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn serve(&self, member: usize) {
        let mut done = 0;
        while let Some(turn) = self.next_turn(done) {
            done = turn;
            let work = *self.work.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(work) = work {
                let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(member)));
                if outcome.is_err() {
                    self.panicked.store(true, Ordering::Relaxed);
                }
            }
            self.busy.fetch_sub(1, Ordering::Release);
        }
    }

    /// Waits for a turn after `done`; `None` when the team ends.
    fn next_turn(&self, done: u64) -> Option<u64> {
        for _ in 0..SPINS {
            let turn = self.turn.load(Ordering::Acquire);
            if turn != done {
                return Some(turn);
            }
            std::hint::spin_loop();
        }
        let mut guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        let turn = loop {
            let turn = self.turn.load(Ordering::SeqCst);
            if turn != done {
                break Some(turn);
            }
            if self.stop.load(Ordering::SeqCst) {
                break None;
            }
            guard = self.wake.wait(guard).unwrap_or_else(PoisonError::into_inner);
        };
        self.sleepers.fetch_sub(1, Ordering::SeqCst);
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_works_once_a_turn() {
        let mut team = Team::new(3);
        let counts = [const { AtomicUsize::new(0) }; 3];
        for turn in 0..1000 {
            team.run(&|member| {
                counts[member].fetch_add(1, Ordering::Relaxed);
            });
            if turn % 200 == 0 {
                std::thread::sleep(std::time::Duration::from_millis(5)); // let them fall asleep
            }
        }
        assert!(counts.iter().all(|c| c.load(Ordering::Relaxed) == 1000));
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_team_goes_on() {
        let mut team = Team::new(2);
        for failing in [0, 1] {
            let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                team.run(&|member| assert_ne!(member, failing));
            }));
            assert!(caught.is_err());
        }
        let sum = AtomicUsize::new(0);
        team.run(&|member| {
            sum.fetch_add(member + 1, Ordering::Relaxed);
        });
        assert_eq!(sum.into_inner(), 3);
    }
}
