//! A CSV table of any size to measure with: `cargo run --release -p chainrule --example large_table -- FILE BYTES [COLUMNS]`.
//!
//! Columns of numbers with four decimals, one in twenty cells of the first empty, a category, and `y`, of two classes: the sign of a
//! weighted sum of the numbers. The same arguments give the same bytes.

use std::fs::File;
use std::io::{BufWriter, Write};

use chainrule::random::{Purpose, stream};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("give a FILE and its size in bytes, such as 4e9")?;
    let bytes: f64 = arguments.next().ok_or("give a size in bytes, such as 4e9")?.parse()?;
    let columns: usize = arguments.next().map_or(Ok(30), |columns| columns.parse())?;
    let numbers = columns.checked_sub(2).filter(|&n| n > 0).ok_or("give 3 columns or more")?;
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut random = stream(1, Purpose::Sample, 0);
    let header: Vec<String> = (0..numbers).map(|at| format!("x{at}")).chain(["kind".into(), "y".into()]).collect();
    writeln!(file, "{}", header.join(","))?;
    let (mut line, mut written) = (Vec::new(), 0);
    while (written as f64) < bytes {
        line.clear();
        let mut sum = 0i64;
        for at in 0..numbers {
            let number = random.below(20_000_000);
            sum += (i64::from(number) - 10_000_000) * (at as i64 % 5 - 2);
            if at > 0 || !number.is_multiple_of(20) {
                if number < 10_000_000 {
                    line.push(b'-');
                }
                let size = number.abs_diff(10_000_000);
                write!(line, "{}.{:04}", size / 10_000, size % 10_000)?;
            }
            line.push(b',');
        }
        writeln!(line, "kind {},{}", random.below(8), if sum > 0 { "yes" } else { "no" })?;
        file.write_all(&line)?;
        written += line.len();
    }
    Ok(file.flush()?)
}
