//! Invariant 3: after compilation a training step allocates nothing.
#![allow(clippy::unwrap_used, reason = "a test that meets the unexpected has failed")]

mod network;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use chainrule_engine::{Backend, Clock, Column, Cpu, Optimizer, Rows};

/// The system's allocator, counting.
struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise, passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, p: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise, passed on.
        unsafe { System.dealloc(p, layout) }
    }
    unsafe fn realloc(&self, p: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise, passed on.
        unsafe { System.realloc(p, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// One test in this file: another's allocations would be counted too.
#[test]
fn a_hundred_steps_allocate_nothing() {
    let words = ["affine:70", "relu", "affine:40", "tanh", "affine:5"];
    for (name, threads, clip_norm) in [("sgd", 1, f64::INFINITY), ("adam", 2, f64::INFINITY), ("adamw", 2, 0.5)] {
        let optimizer = Optimizer { clip_norm, ..Optimizer::named(name).unwrap() };
        let plan = network::classifier(200, &words, optimizer);
        let backend = Cpu::new(threads);
        let mut arena = backend.allocate(&[&plan], 64).unwrap();
        let x: Vec<f32> = network::numbers(0.3, 200 * 64).iter().map(|&x| x as f32).collect();
        let labels: Vec<u32> = (0..64).map(|i| i % 5).collect();
        let columns = [Column::F32(&x), Column::U32(&labels)];
        let index: Vec<u32> = (0..64).rev().collect();
        let mut step = |n: u64| {
            let rows = Rows::pick(&plan, &columns, &index[..64 - (n % 3) as usize]).unwrap();
            backend.run(&plan, &mut arena, &rows, Clock { step: n, rate: 0.01, seed: 0 });
            assert!(backend.read_number(&plan, &arena, plan.loss().unwrap()).is_finite());
        };
        step(0);
        let mut hundred = || {
            let before = ALLOCATIONS.load(Ordering::Relaxed);
            (1..=100).for_each(&mut step);
            ALLOCATIONS.load(Ordering::Relaxed) - before
        };
        // The thread that runs the tests may still be at work on a busy machine, but not every time.
        let allocations = (0..3).map(|_| hundred()).min();
        assert_eq!(allocations, Some(0), "allocations in 100 steps of {name} on {threads} threads");
    }
}
