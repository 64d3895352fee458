//! The team under loom, which runs a small program in each order of its threads' steps, and with each value
//! that a load may return under the memory model of C11.
//!
//! loom takes two shortcuts that shaped the team: it treats SeqCst accesses as AcqRel, so the handshake with a
//! sleeper is made of swaps; and it lets a plain store and a concurrent swap overwrite each other
//! unseen, so a part is claimed by compare-and-exchange, which writes only where the flag is up.
//!
//! `CONTRIBUTING.md` says how to run them; `LOOM_MAX_PREEMPTIONS` widens the search.

use super::*;
use loom::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// A number without any synchronization of its own: two accesses of which neither happens before the other
/// fail the model.
struct Plain(UnsafeCell<u64>);

// SAFETY: loom panics instead of letting two accesses race.
unsafe impl Sync for Plain {}

impl Plain {
    fn new(value: u64) -> Plain {
        Plain(UnsafeCell::new(value))
    }

    fn get(&self) -> u64 {
        // SAFETY: loom has checked that nobody writes meanwhile.
        self.0.with(|value| unsafe { *value })
    }

    fn add(&self, more: u64) {
        // SAFETY: loom has checked that nobody else reads or writes meanwhile.
        self.0.with_mut(|value| unsafe { *value += more });
    }
}

/// Every order with at most that many preemptions, unless `LOOM_MAX_PREEMPTIONS` says otherwise.
fn check(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(preemptions);
    builder.check(model);
}

/// Each part sees what the caller wrote before the turn, and the caller sees what each part wrote.
fn every_part_once_a_turn(members: usize, turns: u64) {
    let mut team = Team::new(members);
    let input = Plain::new(0);
    let sums: Vec<_> = (0..members).map(|_| Plain::new(0)).collect();
    for turn in 1..=turns {
        input.add(1);
        team.run(&|part| sums[part].add(input.get()));
        for sum in &sums {
            assert_eq!(sum.get(), turn * (turn + 1) / 2);
        }
    }
}

#[test]
fn two_members_do_every_part_once_a_turn() {
    check(3, || every_part_once_a_turn(2, 2));
}

#[test]
fn three_members_do_every_part_once() {
    check(1, || every_part_once_a_turn(3, 1));
}

/// loom reports a member that sleeps on as a deadlock. `Team::run` would not: the caller does what it left.
/// Without spinning, because after a yield loom no longer shows a thread the old turn that it has seen.
#[test]
fn a_member_is_woken_for_each_turn() {
    check(3, || {
        let shared = Arc::new(Shared::new(1));
        let members: Vec<_> = (0..2)
            .map(|_| {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    let mut turn = 0;
                    while turn < 2 {
                        turn = shared.sleep_until_called(turn).expect("the team has not ended");
                    }
                })
            })
            .collect();
        shared.begin_turn();
        shared.begin_turn();
        members.into_iter().for_each(|member| member.join().unwrap());
    });
}

#[test]
fn dropping_the_team_ends_members_that_spin_or_sleep() {
    check(3, || drop(Team::new(3)));
}

#[test]
fn a_panic_in_a_part_reaches_the_caller_and_the_team_goes_on() {
    for failing in [0, 1] {
        check(3, move || {
            let mut team = Team::new(2);
            let caught = catch_unwind(AssertUnwindSafe(|| {
                team.run(&|part| {
                    if part == failing {
                        resume_unwind(Box::new("as a part would")); // without a message for each order
                    }
                });
            }));
            assert!(caught.is_err());
            let done = [Plain::new(0), Plain::new(0)];
            team.run(&|part| done[part].add(1));
            assert_eq!(done.map(|part| part.get()), [1, 1]);
        });
    }
}
