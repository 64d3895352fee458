//! A team of threads that is started once and given its work in numbered parts.
//!
//! A training step meets twice, and lasts tens of microseconds: waking a sleeping thread would
//! cost as much as its work. So members spin for a moment after each turn, where the next
//! usually comes at once, and then sleep, so that an idle team burns nothing.
//!
//! Each member has its own part; whoever is done takes a part that nobody has begun. On a machine that is
//! shared, where a member may not be running at all just now, the caller then does everything
//! itself instead of waiting for a time slice. Results do not depend on who computes a part.

#[cfg(not(all(test, loom)))]
use std::{
    hint,
    sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize},
    sync::{Arc, Condvar, Mutex},
    thread,
};

// The models run the same code on loom's stand-ins, which try each order that the memory model allows.
#[cfg(all(test, loom))]
use loom::{
    hint,
    sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize},
    sync::{Arc, Condvar, Mutex},
    thread,
};

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

/// How often a member looks for work, or the caller for its end, before it gives way. About 20 µs
/// on today's machines: longer than the caller is busy between two sweeps of a small network.
const SPINS: u32 = if cfg!(all(test, loom)) { 1 } else { 2_000 };

/// What a team is asked to do: called with the number of each part.
type Work<'a> = &'a (dyn Fn(usize) + Sync);

#[derive(Debug)]
pub(super) struct Team {
    shared: Arc<Shared>,
    threads: Vec<thread::JoinHandle<()>>,
}

struct Shared {
    /// Rises by one with each turn.
    turn: AtomicU64,
    /// The work of this turn. Read only by whoever has claimed a part of it.
    work: AtomicPtr<Work<'static>>,
    /// The parts that nobody has begun. A part is claimed by taking its flag.
    open: Vec<AtomicBool>,
    /// Parts that are not finished.
    unfinished: AtomicUsize,
    /// Threads that have begun to serve.
    started: AtomicUsize,
    /// Whether a member's work has panicked.
    panicked: AtomicBool,
    stop: AtomicBool,
    /// Whether a member sleeps, or is about to.
    asleep: AtomicBool,
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
        let shared = Arc::new(Shared::new(members));
        let start = |member: usize| {
            let shared = Arc::clone(&shared);
            let name = format!("chainrule-{member}");
            thread::Builder::new().name(name).spawn(move || shared.serve(member))
        };
        // Where the machine refuses more threads, the others take their parts.
        let threads: Vec<_> = (1..members).map_while(|member| start(member).ok()).collect();
        // A thread allocates as it starts: afterwards, steps allocate nothing.
        while shared.started.load(Ordering::Acquire) < threads.len() {
            thread::yield_now();
        }
        Team { shared, threads }
    }

    /// Calls `work` once for each part, as many as the team has members, and returns when all are done.
    ///
    /// # Panics
    /// If the work does.
    pub(super) fn run(&mut self, work: Work<'_>) {
        let shared = &*self.shared;
        // SAFETY: only the lifetime changes. The reference is read by those who have claimed a part, and
        // below we wait until every part is finished, so none reads it after this call.
        let mut lasting = unsafe { std::mem::transmute::<Work<'_>, Work<'static>>(work) };
        shared.work.store(&raw mut lasting, Ordering::Relaxed);
        shared.unfinished.store(shared.open.len(), Ordering::Relaxed);
        // Release: whoever takes a flag sees the work and the count that belong to it.
        shared.open.iter().for_each(|part| part.store(true, Ordering::Release));
        shared.begin_turn();
        shared.take_parts(0);
        let mut spins = 0;
        while shared.unfinished.load(Ordering::Acquire) > 0 {
            spins += 1;
            if spins < SPINS { hint::spin_loop() } else { thread::yield_now() }
        }
        assert!(!shared.panicked.swap(false, Ordering::Relaxed), "a thread of the team panicked");
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.shared.end();
        for thread in self.threads.drain(..) {
            // A member catches its work's panics, so it ends without one.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn new(parts: usize) -> Shared {
        Shared {
            turn: AtomicU64::new(0),
            work: AtomicPtr::default(),
            open: (0..parts).map(|_| AtomicBool::new(false)).collect(),
            unfinished: AtomicUsize::new(0),
            started: AtomicUsize::new(0),
            panicked: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            asleep: AtomicBool::new(false),
            lock: Mutex::new(()),
            wake: Condvar::new(),
        }
    }

    /// Calls the members to the next turn. Only the team's caller does.
    fn begin_turn(&self) {
        // Release: whoever sees the turn finds its parts open. It need not, but would leave them to others.
        self.turn.store(self.turn.load(Ordering::Relaxed) + 1, Ordering::Release);
        // This swap and the one in `sleep_until_called` come one after the other. Either the member's is second,
        // reads ours, and so sees the new turn; or ours is second and reads that it sleeps.
        if self.asleep.swap(false, Ordering::Release) {
            self.wake_all();
        }
    }

    fn end(&self) {
        // Relaxed: whoever looked before we had the lock is woken, and whoever looks later sees it by the lock.
        self.stop.store(true, Ordering::Relaxed);
        self.wake_all();
    }

    fn wake_all(&self) {
        // A member holds the lock from before it says that it sleeps until it does: none is missed.
        drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner));
        self.wake.notify_all();
    }

    fn serve(&self, member: usize) {
        self.started.fetch_add(1, Ordering::Release);
        let mut done = 0;
        while let Some(turn) = self.next_turn(done) {
            done = turn;
            self.take_parts(member);
        }
    }

    /// Does the part of that number, and then those of others, unless somebody has begun them.
    fn take_parts(&self, own: usize) {
        let parts = self.open.len();
        for part in (0..parts).map(|i| (own + i) % parts) {
            if self.open[part].compare_exchange(true, false, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                // SAFETY: this part is claimed and unfinished, so the call of `run` that set `work`
                // has not returned, and its reference is alive.
                let work = unsafe { *self.work.load(Ordering::Relaxed) };
                // The others still use `work`, so even a panic must not leave before they are done.
                let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(part)));
                if outcome.is_err() {
                    self.panicked.store(true, Ordering::Relaxed);
                }
                self.unfinished.fetch_sub(1, Ordering::Release);
            }
        }
    }

    /// Waits for a turn after `done`; `None` when the team ends.
    fn next_turn(&self, done: u64) -> Option<u64> {
        for _ in 0..SPINS {
            let turn = self.turn.load(Ordering::Acquire);
            if turn != done {
                return Some(turn);
            }
            hint::spin_loop();
        }
        self.sleep_until_called(done)
    }

    /// What `next_turn` does when spinning was in vain.
    fn sleep_until_called(&self, done: u64) -> Option<u64> {
        let mut guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let called = || self.turn.load(Ordering::Acquire) != done || self.stop.load(Ordering::Relaxed);
        while !called() {
            self.asleep.swap(true, Ordering::Acquire);
            if called() {
                break;
            }
            guard = self.wake.wait(guard).unwrap_or_else(PoisonError::into_inner);
        }
        let turn = self.turn.load(Ordering::Acquire);
        (turn != done).then_some(turn)
    }
}

#[cfg(all(test, loom))]
mod models;

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_done_once_a_turn() {
        let mut team = Team::new(3);
        let counts = [const { AtomicUsize::new(0) }; 3];
        for turn in 0..1000 {
            team.run(&|part| {
                counts[part].fetch_add(1, Ordering::Relaxed);
            });
            if turn % 200 == 0 {
                thread::sleep(std::time::Duration::from_millis(5)); // let them fall asleep
            }
        }
        assert!(counts.iter().all(|c| c.load(Ordering::Relaxed) == 1000));
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_team_goes_on() {
        let mut team = Team::new(2);
        for failing in [0, 1] {
            let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                team.run(&|part| assert_ne!(part, failing));
            }));
            assert!(caught.is_err());
        }
        let sum = AtomicUsize::new(0);
        team.run(&|part| {
            sum.fetch_add(part + 1, Ordering::Relaxed);
        });
        assert_eq!(sum.into_inner(), 3);
    }
}
