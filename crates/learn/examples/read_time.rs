//! How fast a table is read: `cargo run --release -p chainrule --example read_time -- FILE [TIMES]`.
//!
//! Prints for each time the seconds and the megabytes of the file in a second, and what was read.

#![allow(clippy::print_stdout, reason = "it is a measurement")]

use std::time::Instant;

use chainrule::Source;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("give a FILE")?;
    let times = arguments.next().map_or(Ok(3), |times| times.parse())?;
    let bytes = std::fs::metadata(&path)?.len();
    let source = Source { path: Some(path.into()), ..Source::default() };
    for _ in 0..times {
        let begin = Instant::now();
        let data = source.look()?;
        let seconds = begin.elapsed().as_secs_f64();
        let (rows, columns) = (data.rows(), data.columns.len());
        println!("{seconds:.3} s, {:.0} MB/s: {rows} rows, {columns} columns", bytes as f64 / seconds / 1e6);
    }
    Ok(())
}
