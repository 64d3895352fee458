//! How much memory a training will take, asked before it takes any: a system may grant what it has not got, and end the program later.
//!
//! ```text
//! the arena's numbers
//! + f64: parameters and optimizer memory as an epoch began, parameters of the best epoch
//! + of a training that is kept, f64: both again in a checkpoint, f32: its bytes, and an arena to look at the layers
//! ```
//!
//! The rows are in memory by then. What is more than the machine has is refused; what is more than is free now is only said, as another program may end.

use chainrule_engine::{Backend, Plan};
use sysinfo::{MemoryRefreshKind, RefreshKind, System};

use crate::examples::Examples;
use crate::input_error::InputError;

const NARROW: u64 = 4;
const WIDE: u64 = 8;

/// Memory for a training, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// What it will take beside the rows.
    pub needed: u64,
    /// What is free now; `None` where the system does not say.
    pub free: Option<u64>,
}

/// What a training by `plans` on as many rows at a time will take.
pub(crate) fn needed<B: Backend>(backend: &B, plans: &[&Plan], rows: usize, is_kept: bool) -> u64 {
    let of = |numbers: fn(&Plan) -> usize| plans.iter().map(|plan| numbers(plan) as u64).max().unwrap_or_default();
    let (parameters, memory) = (of(|plan| plan.layout().parameters), of(|plan| plan.layout().memory));
    let state = parameters.saturating_add(memory);
    let copies = state.saturating_add(parameters);
    let kept = if is_kept {
        (WIDE + NARROW).saturating_mul(copies).saturating_add((2 * NARROW).saturating_mul(parameters))
    } else {
        0
    };
    backend.bytes(plans, rows).saturating_add(WIDE.saturating_mul(copies)).saturating_add(kept)
}

/// Whether there is as much, for a training on `examples`.
///
/// # Errors
/// If the machine, or what the training was given, has less.
pub(crate) fn expect_room(needed: u64, examples: &Examples) -> Result<Memory, InputError> {
    if let Examples::Stored(examples) = examples {
        let (given, rows) = (examples.stored.memory, examples.stored.working_set());
        let least = needed.saturating_add(rows);
        if least > given {
            return Err(InputError::new(
                "memory",
                format!("at least {}, {} of it for the network", told(least), told(needed)),
                told(given),
                "give --memory more, or make the model or the batch smaller",
            ));
        }
    }
    let (total, free) = machine().unzip();
    match total {
        Some(total) if needed > total => Err(too_little(needed, total)),
        _ => Ok(Memory { needed, free }),
    }
}

fn too_little(needed: u64, total: u64) -> InputError {
    let (expected, found) =
        (format!("room for a training of {}", told(needed)), format!("a machine with {}", told(total)));
    InputError::new("memory", expected, found, "make the model or the batch smaller")
}

/// How much memory this machine has, or this container of it, and how much is free.
fn machine() -> Option<(u64, u64)> {
    let system =
        System::new_with_specifics(RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram()));
    let (total, free) = (system.total_memory(), system.available_memory());
    // Pages of files count as used in a container, and yet are free.
    let (total, free) = match system.cgroup_limits() {
        Some(limits) => (total.min(limits.total_memory), free.min(limits.total_memory.saturating_sub(limits.rss))),
        None => (total, free),
    };
    (total > 0).then_some((total, free))
}

/// Bytes as people say them: `3.2 GB`.
///
/// ```
/// use chainrule::forecast::told;
/// println!("{}", told(1_500_000_000));
/// ```
pub fn told(bytes: u64) -> String {
    let units = ["kB", "MB", "GB", "TB"];
    let mut size = bytes as f64 / 1e3;
    let mut at = 0;
    while size >= 999.5 && at + 1 < units.len() {
        size /= 1e3;
        at += 1;
    }
    if size < 9.95 { format!("{size:.1} {}", units[at]) } else { format!("{size:.0} {}", units[at]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_told_in_the_unit_that_suits() {
        assert_eq!(
            [0, 1234, 45_600, 999_600, 3_200_000_000].map(told),
            ["0.0 kB", "1.2 kB", "46 kB", "1.0 MB", "3.2 GB"]
        );
        assert_eq!(told(u64::MAX), "18446744 TB");
    }

    #[test]
    fn a_machine_has_memory() {
        if let Some((total, free)) = machine() {
            assert!(free <= total && total > 1 << 20, "{free} of {total}");
        }
    }
}
