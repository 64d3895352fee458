//! Encoded examples, in memory or on disk: what a training takes its batches from, and what is judged. Whichever it is, the rows come in
//! the same order with the same bits.

use crate::encoding::Table;
use crate::evaluate::ROWS;
use crate::input_error::InputError;
use crate::mini_batch::MiniBatches;
use crate::settings::Settings;
use crate::stored::{Dealer, StoredExamples};

/// Encoded rows.
#[derive(Debug)]
pub(crate) enum Examples {
    /// All of them in memory.
    Resident(Box<Table>),
    /// On disk, but for the target.
    Stored(Box<StoredExamples>),
}

impl Examples {
    /// Whether rows have weights.
    pub(crate) fn are_weighed(&self) -> bool {
        match self {
            Examples::Resident(table) => table.data.weights.is_some(),
            Examples::Stored(examples) => examples.stored.weights.is_some(),
        }
    }

    /// How many.
    pub(crate) fn rows(&self) -> usize {
        match self {
            Examples::Resident(table) => table.data.rows(),
            Examples::Stored(examples) => examples.stored.rows(),
        }
    }

    /// Hands `rows` on in their order, at most [`ROWS`] at a time: tables, and which rows of them. On disk they must be in
    /// ascending order.
    pub(crate) fn each<E: From<InputError>>(
        &self,
        rows: &[u32],
        mut to: impl FnMut(&Table, &[u32]) -> Result<(), E>,
    ) -> Result<(), E> {
        match self {
            Examples::Resident(table) => rows.chunks(ROWS).try_for_each(|rows| to(table, rows)),
            Examples::Stored(examples) => {
                examples.each(rows, |table, rows| rows.chunks(ROWS).try_for_each(|rows| to(table, rows)))
            }
        }
    }

    /// The batches of these training rows, of no epoch yet.
    ///
    /// # Errors
    /// If there is no room on the disk.
    pub(crate) fn batches<'a>(&'a self, train: &'a [u32], settings: &Settings) -> Result<Batches<'a>, InputError> {
        Ok(match self {
            Examples::Resident(table) => {
                Batches::Resident { table, batches: MiniBatches::new(train, settings.batch, settings.seed, 0) }
            }
            Examples::Stored(examples) => {
                Batches::Stored { dealer: Box::new(Dealer::new(examples, train, settings)?), within: Vec::new() }
            }
        })
    }
}

impl From<Table> for Examples {
    fn from(table: Table) -> Self {
        Examples::Resident(Box::new(table))
    }
}

/// Mini-batches of an epoch.
pub(crate) enum Batches<'a> {
    Resident { table: &'a Table, batches: MiniBatches },
    Stored { dealer: Box<Dealer<'a>>, within: Vec<u32> },
}

impl Batches<'_> {
    /// How many an epoch has.
    pub(crate) fn len(&self) -> usize {
        match self {
            Batches::Resident { batches, .. } => batches.len(),
            Batches::Stored { dealer, .. } => dealer.len(),
        }
    }

    /// Turns to another epoch.
    pub(crate) fn reshuffle(&mut self, epoch: u64) -> Result<(), InputError> {
        match self {
            Batches::Resident { batches, .. } => {
                batches.reshuffle(epoch);
                Ok(())
            }
            Batches::Stored { dealer, .. } => dealer.reshuffle(epoch),
        }
    }

    /// The batch of this number in the epoch, from 0: a table, and which rows of it. Of a resident table it allocates nothing.
    pub(crate) fn at(&mut self, number: usize) -> Result<(&Table, &[u32]), InputError> {
        match self {
            Batches::Resident { table, batches } => Ok((table, batches.iter().nth(number).unwrap_or_default())),
            Batches::Stored { dealer, within } => {
                let (table, rows) = dealer.batch(number)?;
                within.clear();
                within.extend(rows);
                Ok((table, within))
            }
        }
    }

    /// The rows of a batch by their numbers in the data, and not in a table of it; `epoch` is the one at hand.
    pub(crate) fn numbers(&mut self, epoch: u64, number: usize) -> Vec<u32> {
        match self {
            Batches::Resident { batches, .. } => batches.iter().nth(number).unwrap_or_default().to_vec(),
            Batches::Stored { dealer, .. } => dealer.numbers(epoch, number),
        }
    }
}
