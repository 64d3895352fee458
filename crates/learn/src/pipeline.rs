//! Items through several threads, and out in the order in which they came in.
//!
//! Threads take the next item in turn, so that a source is read by one at a time, and work side by side. What they made is
//! handed on in order, so that nothing depends on how many they are. Each may be only so far ahead of the slowest, so
//! that memory does not grow with the source.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::mpsc::{channel, sync_channel};
use std::thread;

/// Items under way for each thread: one in work, one waiting for those before it.
const AHEAD: usize = 2;

/// Gives each item of `source` to `work`, which runs on `threads` threads with a state of their own each, and what that
/// makes to `sink`, in the order of the source.
///
/// # Errors
/// The first in the order of the source, after all items before it have reached the sink; or the sink's own, which ends it.
pub(crate) fn in_order<T, S, R: Send, E: Send>(
    threads: usize,
    source: impl FnMut() -> Result<Option<T>, E> + Send,
    state: impl Fn() -> Result<S, E> + Sync,
    work: impl Fn(&mut S, T) -> Result<R, E> + Sync,
    mut sink: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    let threads = threads.max(1);
    // The numbers of the items are counted where they are taken.
    let source = Mutex::new((source, 0u64, false));
    let (permit, permits) = sync_channel::<()>(threads * AHEAD);
    let (done, made) = channel::<(u64, Result<R, E>)>();
    for _ in 0..threads * AHEAD {
        let _ = permit.try_send(());
    }
    let permits = Mutex::new(permits);
    thread::scope(|scope| {
        for _ in 0..threads {
            let done = done.clone();
            let (source, permits, state, work) = (&source, &permits, &state, &work);
            scope.spawn(move || {
                let mut own = None;
                loop {
                    // The sink is gone, or a thread panicked: nobody wants more.
                    let Ok(Ok(())) = permits.lock().map(|permits| permits.recv()) else { return };
                    let (number, taken) = {
                        let Ok(mut source) = source.lock() else { return };
                        let (next, count, ended) = &mut *source;
                        if *ended {
                            return;
                        }
                        let taken = next();
                        *ended = !matches!(taken, Ok(Some(_)));
                        *count += 1;
                        (*count - 1, taken)
                    };
                    let result = match taken {
                        Ok(None) => return,
                        Err(e) => Err(e),
                        Ok(Some(item)) => match &mut own {
                            Some(own) => work(own, item),
                            none => state().and_then(|state| work(none.insert(state), item)),
                        },
                    };
                    if done.send((number, result)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(done);
        let (mut waiting, mut next) = (BTreeMap::new(), 0);
        let mut outcome = Ok(());
        'items: for (number, result) in &made {
            waiting.insert(number, result);
            while let Some(result) = waiting.remove(&next) {
                outcome = result.and_then(&mut sink);
                if outcome.is_err() {
                    break 'items;
                }
                next += 1;
                // Those that wait for a permit may all be gone.
                let _ = permit.try_send(());
            }
        }
        // Ends the threads that wait.
        drop((permit, made));
        outcome
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// Squares of 0 to 99, the even ones late; the `bad` one is an error.
    fn squares(threads: usize, bad: Option<u32>) -> (Vec<u32>, Result<(), u32>) {
        let (mut items, mut out) = (0..100, Vec::new());
        let work = |_: &mut (), item: u32| {
            if item.is_multiple_of(2) {
                thread::sleep(Duration::from_micros(200));
            }
            if Some(item) == bad { Err(item) } else { Ok(item * item) }
        };
        let ended = in_order(
            threads,
            || Ok(items.next()),
            || Ok(()),
            work,
            |square| {
                out.push(square);
                Ok(())
            },
        );
        (out, ended)
    }

    #[test]
    fn the_order_is_that_of_the_source() {
        let all: Vec<u32> = (0..100).map(|i| i * i).collect();
        for threads in [0, 1, 2, 5] {
            assert_eq!(squares(threads, None), (all.clone(), Ok(())));
            assert_eq!(squares(threads, Some(41)), (all[..41].to_vec(), Err(41)));
        }
    }

    #[test]
    fn an_error_of_the_source_comes_after_what_came_before_it() {
        let (mut items, mut count) = (0..10, 0);
        let source = || items.next().map(Some).ok_or("no end");
        let ended = in_order(
            3,
            source,
            || Ok(()),
            |_, item| Ok(item),
            |_: i32| {
                count += 1;
                Ok(())
            },
        );
        assert_eq!((count, ended), (10, Err("no end")));
    }

    #[test]
    fn a_sink_that_fails_ends_it() {
        let mut taken = 0;
        let ended = in_order(
            2,
            || {
                taken += 1;
                Ok(Some(taken))
            },
            || Ok(()),
            |_, item| Ok(item),
            |item: u64| if item == 5 { Err("full") } else { Ok(()) },
        );
        assert_eq!(ended, Err("full"));
        assert!(taken < 20, "{taken}");
    }
}
