//! A table of any size into the [cache](crate::stored) of its columns: the blocks that [`read`](super::read) joins in memory, the
//! cells written out as soon as there is a group of rows of them. So types, names and codes are those of the table in memory.

use super::{
    Asked, Block, CsvOptions, asked_columns,
    column::{Cells, Column},
    finish,
    keys::expect_whole,
    target, weights_of,
};
use crate::{
    columns::Values,
    dataset::Target,
    input_error::InputError,
    pipeline::in_order,
    settings::all_threads,
    stored::{Chunk, Identity, Meta, StoredCells, StoredColumn, StoredTarget, Writer, hashes},
};
use std::path::Path;

/// Rows of a group, unless a row is long.
const GROUP: usize = 1 << 14;
/// Cells of a group, at most, unless a row is longer.
const CELLS: usize = 1 << 20;

/// Writes the table at `path` with its target.
///
/// # Errors
/// As [`read`](super::read), and if it cannot be written.
pub(crate) fn store(path: &Path, options: &CsvOptions, writer: &mut Writer, of: Identity) -> Result<Meta, InputError> {
    let Asked { table, kinds, learned, weighed, keyed } = asked_columns(path, options, true)?;
    let group = (CELLS / kinds.len().max(1)).clamp(1, GROUP);
    let (sheet, blocks) = table.split();
    let new = || kinds.iter().copied().map(Column::new).collect::<Vec<_>>();
    let (mut columns, mut chunks, mut waiting, mut rows) = (new(), vec![Vec::new(); kinds.len()], 0, 0);
    let resident = |at: usize| Some(at) == learned || Some(at) == weighed;
    in_order(
        all_threads(),
        blocks,
        || Ok(()),
        |(): &mut (), block: Block| {
            let mut part = new();
            sheet.read(&block, &mut part).map(|rows| (part, rows))
        },
        |(part, count)| {
            for (at, (column, part)) in columns.iter_mut().zip(part).enumerate() {
                if column.turns_to_words(&part) {
                    recode(column, &mut chunks[at], writer)?;
                }
                column.append(part);
            }
            rows += count;
            waiting += count;
            while waiting >= group {
                put(&mut columns, &mut chunks, group, resident, writer)?;
                waiting -= group;
            }
            Ok(())
        },
    )?;
    if waiting > 0 {
        put(&mut columns, &mut chunks, waiting, resident, writer)?;
    }

    let (mut stored, mut target, mut weights, mut keys) = (Vec::new(), Target::None, None, Vec::new());
    for ((at, column), chunks) in columns.into_iter().enumerate().zip(chunks) {
        let name = sheet.names()[at].clone();
        if learned == Some(at) {
            target = target::finish(column, &sheet, at, options.kind)?;
        } else if weighed == Some(at) {
            weights = Some(weights_of(column, &sheet, at)?);
            let cells = StoredCells::Ignored(crate::columns::Reason::Weights);
            stored.push(StoredColumn { name, cells, chunks: Vec::new() });
        } else if let Some(key) = keyed.at(at) {
            expect_whole(key, &column, &sheet, at)?;
            keys.push((key, chunks));
            let cells = StoredCells::Ignored(crate::columns::Reason::Split);
            stored.push(StoredColumn { name, cells, chunks: Vec::new() });
        } else {
            let (cells, chunks) = match finish(column, &sheet, at)? {
                Values::Numbers(_) => (StoredCells::Numbers, chunks),
                Values::Dates(_) => (StoredCells::Dates, chunks),
                Values::Categories { names, .. } => (StoredCells::Categories(names), chunks),
                Values::Ignored { reason, .. } => (StoredCells::Ignored(reason), Vec::new()),
            };
            stored.push(StoredColumn { name, cells, chunks });
        }
    }
    let (fingerprint, hashes) = hashes(writer, &stored, rows, &target, weights.as_deref())?;
    let target = match &target {
        Target::Classes { labels, names } => {
            StoredTarget::Classes { names: names.clone(), chunks: writer.put_all(labels, GROUP, u32::to_le_bytes)? }
        }
        Target::Numbers { values, name } => {
            StoredTarget::Numbers { name: name.clone(), chunks: writer.put_all(values, GROUP, f32::to_le_bytes)? }
        }
        Target::None => unreachable!("a target was asked for"),
    };
    let weights = weights.map(|weights| writer.put_all(&weights, GROUP, f32::to_le_bytes)).transpose()?;
    let hashes = writer.put_all(&hashes, group, u64::to_le_bytes)?;
    Ok(Meta { of, rows, group, columns: stored, target, weights, keys, hashes, fingerprint })
}

/// Writes the first `rows` of what waits in memory, but of the columns that stay there.
fn put(
    columns: &mut [Column],
    chunks: &mut [Vec<Chunk>],
    rows: usize,
    resident: impl Fn(usize) -> bool,
    writer: &mut Writer,
) -> Result<(), InputError> {
    for (_, (column, chunks)) in columns.iter_mut().zip(chunks).enumerate().filter(|(at, _)| !resident(*at)) {
        match column.take(rows) {
            Cells::Numbers(cells) | Cells::Dates(cells) => {
                chunks.extend(writer.put_all(&cells, rows, f64::to_le_bytes)?);
            }
            Cells::Words(words) => chunks.extend(writer.put_all(&words.codes, rows, u32::to_le_bytes)?),
            Cells::Keys(keys) => chunks.extend(writer.put_all(&keys, rows, u64::to_le_bytes)?),
            Cells::Gone { .. } => chunks.clear(),
        }
    }
    Ok(())
}

/// Of a column of numbers or of dates that meets its first word, writes what is on disk once more, as names.
fn recode(column: &mut Column, chunks: &mut [Chunk], writer: &mut Writer) -> Result<(), InputError> {
    let are_dates = matches!(column.cells(), Cells::Dates(_));
    column.become_words_after(|words| {
        for chunk in chunks {
            let cells = writer.read(*chunk, f64::from_le_bytes)?;
            let codes = if are_dates { words.codes_of_dates(&cells) } else { words.codes_of(&cells) };
            *chunk = writer.put(&codes.iter().flat_map(|code| code.to_le_bytes()).collect::<Vec<u8>>())?;
        }
        Ok(())
    })
}
