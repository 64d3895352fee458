//! The rows at hand of an input, from its resident table into the arena.
//!
//! A table larger than the caches answers late. So its lines are asked for before they are copied: some rows ahead, or, where a
//! product reads the rows next, while the product of the rows before them is computed.

use std::ops::Range;

use super::simd::{CACHE_LINE, prefetch};
use crate::rows::{Column, Rows};

/// So many rows ahead where nothing else is computed meanwhile.
const AHEAD: usize = 2;

/// Rows at hand of one input.
#[derive(Clone, Copy)]
pub(super) struct Table<'a> {
    pub(super) column: Column<'a>,
    pub(super) rows: &'a Rows<'a>,
    /// The row at hand that counts as 0.
    pub(super) first: usize,
    /// So many rows from there on.
    pub(super) count: usize,
    /// Numbers of a row.
    pub(super) width: usize,
}

impl Table<'_> {
    /// Writes rows `from..` to `y`, as many as it has room for, as f32; the first of them may have been `asked` for, and
    /// are not for the machine to wait for.
    pub(super) fn gather(self, from: usize, asked: bool, y: &mut [f32]) {
        fn each<T>(
            table: Table<'_>,
            from: usize,
            asked: bool,
            y: &mut [f32],
            cells: &[T],
            copy: impl Fn(&[T], &mut [f32]),
        ) {
            let Table { rows, first, width, .. } = table;
            let row = |at: usize| &cells[rows.row(first + at) * width..][..width];
            let ask = |at: usize| row(at).chunks(CACHE_LINE / size_of::<T>()).for_each(|line| prefetch(line.as_ptr()));
            let end = from + y.len() / width;
            // Single numbers come sooner than they can be asked for.
            let mut next = if asked || width == 1 { end } else { from };
            for (at, y) in (from..end).zip(y.chunks_exact_mut(width)) {
                while next < end.min(at + AHEAD + 1) {
                    ask(next);
                    next += 1;
                }
                copy(row(at), y);
            }
        }
        /// A number at a time.
        fn by<T: Copy>(f: impl Fn(T) -> f32) -> impl Fn(&[T], &mut [f32]) {
            move |cells, y| y.iter_mut().zip(cells).for_each(|(y, &cell)| *y = f(cell))
        }
        match self.column {
            Column::F32(cells) => each(self, from, asked, y, cells, copy),
            Column::F64(cells) => each(self, from, asked, y, cells, by(|x| x as f32)),
            Column::U8 { cells, scale } => each(self, from, asked, y, cells, by(|x| f32::from(x) * scale)),
            Column::U32(cells) => each(self, from, asked, y, cells, by(|x| x as f32)),
            Column::Absent => y.fill(f32::NAN),
        }
    }

    /// Cache lines of a row.
    pub(super) fn lines(self) -> usize {
        (self.width * self.cells().1).div_ceil(CACHE_LINE)
    }

    /// Asks for these cache lines of each of `count` rows from `at` on, as far as there are any.
    pub(super) fn ask(self, at: usize, count: usize, lines: Range<usize>) {
        let (cells, bytes) = self.cells();
        let lines = lines.start..lines.end.min(self.lines());
        for at in (at..self.count).take(count) {
            let row = cells.wrapping_add(self.rows.row(self.first + at) * self.width * bytes);
            lines.clone().for_each(|line| prefetch(row.wrapping_add(line * CACHE_LINE)));
        }
    }

    /// Where the table begins, and the bytes of a number.
    fn cells(self) -> (*const u8, usize) {
        match self.column {
            Column::F32(cells) => (cells.as_ptr().cast(), 4),
            Column::F64(cells) => (cells.as_ptr().cast(), 8),
            Column::U8 { cells, .. } => (cells.as_ptr(), 1),
            Column::U32(cells) => (cells.as_ptr().cast(), 4),
            Column::Absent => (std::ptr::null(), 0),
        }
    }
}

/// Copies a row: without a call, as long as it has a vector's numbers.
fn copy(cells: &[f32], y: &mut [f32]) {
    const BLOCK: usize = 16;
    let (Some(last), true) = (cells.last_chunk::<BLOCK>(), cells.len() <= 8 * BLOCK) else {
        return y.copy_from_slice(cells);
    };
    for (cells, y) in cells.as_chunks::<BLOCK>().0.iter().zip(y.as_chunks_mut::<BLOCK>().0) {
        *y = *cells;
    }
    if let Some(y) = y.last_chunk_mut::<BLOCK>() {
        *y = *last;
    }
}

#[cfg(test)]
mod tests {
    use crate::{Backend, Buf, Clock, Column, Cpu, Graph, Plan, Reference, Rows};

    /// What a plan delivers.
    fn run<B: Backend>(backend: &B, plan: &Plan, delivered: [Buf; 2], weights: &[f64], rows: &Rows<'_>) -> Vec<f64> {
        let mut arena = backend.allocate(&[plan], rows.count()).expect("memory");
        backend.write(&mut arena, plan.parameter("w").expect("used"), weights);
        backend.run(plan, &mut arena, rows, Clock::default());
        delivered.iter().flat_map(|&value| backend.read(plan, &arena, value)).collect()
    }

    /// Widths on both sides of those that a product gathers itself, outputs for one vector and for more than one block, and
    /// rows for a whole tile, for a part of one and for several chunks.
    #[test]
    fn a_product_gathers_the_rows_that_it_reads() {
        const TABLE: usize = 50;
        for (width, outputs) in [(63, 20), (64, 16), (70, 50), (1100, 70)] {
            let g = Graph::new();
            let x = g.input("x", [width]);
            let y = x.affine(g.parameter("w", [width, outputs]), g.parameter("b", [outputs])).relu();
            // The rows are read once more, when the product is done.
            let twice = x * 2.0;
            let plan = g.predict(&[y, twice]).expect("shapes fit");
            let delivered = [y, twice].map(|var| plan.value(var).expect("it is delivered"));
            let weights: Vec<f64> = (0..width * outputs).map(|i| (i as f64 * 0.37).sin()).collect();
            let cells: Vec<u8> = (0..TABLE * width).map(|i| (i * 7 % 251) as u8).collect();
            let f32s: Vec<f32> = cells.iter().map(|&cell| f32::from(cell) / 256.0).collect();
            let f64s: Vec<f64> = cells.iter().map(|&cell| f64::from(cell) / 256.0).collect();
            let columns = [
                ("f32", Column::F32(&f32s)),
                ("f64", Column::F64(&f64s)),
                ("u8", Column::U8 { cells: &cells, scale: 1.0 / 256.0 }),
            ];
            for count in [1, 5, 8, 49, 130] {
                let index: Vec<u32> = (0..count).map(|i| i * 17 % TABLE as u32).collect();
                let table = [columns[0].1];
                let rows = Rows::pick(&plan, &table, &index).expect("rows of the table");
                let exact = run(&Reference, &plan, delivered, &weights, &rows);
                for cpu in [1, 2, 3].into_iter().flat_map(Cpu::each) {
                    for (name, column) in columns {
                        let table = [column];
                        let rows = Rows::pick(&plan, &table, &index).expect("rows of the table");
                        let found = run(&cpu, &plan, delivered, &weights, &rows);
                        let close = |(&found, &exact): (&f64, &f64)| (found - exact).abs() < 1e-4;
                        let all = found.len() == exact.len() && found.iter().zip(&exact).all(close);
                        assert!(
                            all,
                            "{count} rows of {width} {name} by {outputs}: {} × {}",
                            cpu.instruction_set(),
                            cpu.threads()
                        );
                    }
                }
            }
        }
    }
}
