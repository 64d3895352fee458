//! How fast a table becomes rows to learn from: `cargo run --release -p chainrule --example read_time -- FILE TARGET`.
//!
//! Prints one JSON object: the seconds from opening the file to encoded rows of f32, and what was read. `bench/reading.py` sets
//! others beside it.

#![allow(clippy::print_stdout, reason = "it is a measurement")]

use std::time::Instant;

use chainrule::{Encoding, Source};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("give a FILE and its TARGET")?;
    let target = arguments.next();
    let source = Source { path: Some(path.into()), target, ..Source::default() };
    let begin = Instant::now();
    let data = source.open(None)?.train;
    let read = begin.elapsed().as_secs_f64();
    let rows: Vec<u32> = (0..data.rows() as u32).collect();
    let width = data.columns.len();
    let encoded = Encoding::fit(&data, &rows, false)?.input_of(data)?;
    let seconds = begin.elapsed().as_secs_f64();
    let (rows, numbers) = (rows.len(), encoded.len());
    println!(
        "{{\"seconds\": {seconds:.4}, \"parsed_s\": {read:.4}, \"rows\": {rows}, \"columns\": {width}, \"numbers\": {numbers}}}"
    );
    Ok(())
}
