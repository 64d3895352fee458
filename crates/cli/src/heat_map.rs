//! Numbers as a map of colored cells: light gray at 0, to red at the largest size and blue at its negative.

use std::collections::BTreeMap;
use std::fmt::Write;

/// Of a map, along its longer side, and the most cells there.
const MAP: f64 = 132.0;
const MOST: usize = 44;

/// Shades of a map on a page, above 0 and below.
const SHADES: usize = 32;

/// Rows and columns of a map: of an image its channels side by side, of a long vector lines of equal length.
fn grid(shape: &[usize], numbers: usize) -> [usize; 2] {
    match *shape {
        [rows, columns] => [rows, columns],
        [channels, height, width] => [height, channels * width],
        _ if numbers <= 32 => [1, numbers],
        _ => {
            let root = numbers.isqrt();
            let columns = (root..=2 * root).find(|columns| numbers.is_multiple_of(*columns)).unwrap_or(root);
            [numbers.div_ceil(columns), columns]
        }
    }
}

/// Each cell is the number of largest size among those that share it.
pub(crate) fn map(shape: &[usize], numbers: &[f64]) -> Vec<Vec<f64>> {
    let [rows, columns] = match shape {
        &[channels, height, width] if channels > 1 => return images(channels, height, width, numbers),
        _ => grid(shape, numbers.len()),
    };
    shrunk(rows, columns, |row, column| numbers.get(row * columns + column).copied())
}

fn images(channels: usize, height: usize, width: usize, numbers: &[f64]) -> Vec<Vec<f64>> {
    // A gap of one between the channels, in lines as long as the picture is high.
    let across = channels.isqrt().max(1);
    let (rows, columns) = (channels.div_ceil(across) * (height + 1) - 1, across * (width + 1) - 1);
    shrunk(rows, columns, |row, column| {
        let (channel, y, x) =
            (row / (height + 1) * across + column / (width + 1), row % (height + 1), column % (width + 1));
        (y < height && x < width && channel < channels).then(|| numbers[(channel * height + y) * width + x])
    })
}

fn shrunk(rows: usize, columns: usize, at: impl Fn(usize, usize) -> Option<f64>) -> Vec<Vec<f64>> {
    let (down, across) = (rows.div_ceil(MOST).max(1), columns.div_ceil(MOST).max(1));
    let cell = |row: usize, column: usize| {
        let numbers = (row..rows.min(row + down))
            .flat_map(|row| (column..columns.min(column + across)).map(move |column| (row, column)))
            .filter_map(|(row, column)| at(row, column));
        numbers.fold(0.0, |most: f64, x| if x.abs() > most.abs() { x } else { most })
    };
    (0..rows).step_by(down).map(|row| (0..columns).step_by(across).map(|column| cell(row, column)).collect()).collect()
}

/// Pixels of a map's cell, and of the whole map.
pub(crate) fn map_size(map: &[Vec<f64>]) -> (f64, [f64; 2]) {
    let (rows, columns) = (map.len(), map.first().map_or(0, Vec::len));
    let cell = (MAP / rows.max(columns).max(1) as f64).min(12.0);
    (cell, [columns as f64 * cell, rows as f64 * cell])
}

/// A map, each cell a square of its color.
pub(crate) fn cells(out: &mut String, map: &[Vec<f64>], [x, y]: [f64; 2], cell: f64) {
    let most = largest(map);
    for (row, cells) in map.iter().enumerate() {
        for (column, &number) in cells.iter().enumerate() {
            let _ = writeln!(
                out,
                "<rect x=\"{:.2}\" y=\"{:.2}\" width=\"{cell:.2}\" height=\"{cell:.2}\" fill=\"{}\"/>",
                x + column as f64 * cell,
                y + row as f64 * cell,
                shade(number, most)
            );
        }
    }
}

/// A map in cells of size 1, those of one shade as one path over the color of 0: a page has many of them.
pub(crate) fn shades(out: &mut String, map: &[Vec<f64>]) {
    let (rows, columns, most) = (map.len(), map.first().map_or(0, Vec::len), largest(map));
    let mut paths: BTreeMap<i64, String> = BTreeMap::new();
    for (row, cells) in map.iter().enumerate() {
        for (column, &number) in cells.iter().enumerate() {
            let share = if most > 0.0 { number / most * SHADES as f64 } else { 0.0 };
            // What is no finite number has a shade of its own.
            let shade = if number.is_finite() { share.round() as i64 } else { i64::MAX };
            if shade != 0 {
                let _ = write!(paths.entry(shade).or_default(), "M{column} {row}h1v1h-1z");
            }
        }
    }
    let _ = write!(out, "<path fill=\"var(--zero)\" d=\"M0 0h{columns}v{rows}h-{columns}z\"/>");
    for (shade, path) in paths {
        let (color, share) = match shade {
            i64::MAX => ("ink", 1.0),
            1.. => ("back", shade as f64 / SHADES as f64),
            _ => ("forward", -shade as f64 / SHADES as f64),
        };
        let _ = write!(out, "<path fill=\"var(--{color})\" fill-opacity=\"{share:.2}\" d=\"{path}\"/>");
    }
}

/// A map as a picture within a page.
pub(crate) fn heat_map(shape: &[usize], numbers: &[f64]) -> String {
    let map = map(shape, numbers);
    let (_, [width, height]) = map_size(&map);
    let (rows, columns) = (map.len(), map.first().map_or(0, Vec::len));
    let mut out = format!(
        "<svg class=\"map\" width=\"{:.0}\" height=\"{:.0}\" viewBox=\"0 0 {columns} {rows}\" role=\"img\" \
         aria-label=\"heat map\">",
        width * 1.5,
        height * 1.5
    );
    shades(&mut out, &map);
    out + "</svg>"
}

fn largest(map: &[Vec<f64>]) -> f64 {
    map.iter().flatten().filter(|x| x.is_finite()).fold(0.0, |most: f64, x| most.max(x.abs()))
}

/// Light gray at 0, to red at `most` and blue at −`most`; black is no number.
fn shade(number: f64, most: f64) -> String {
    if !number.is_finite() {
        return "#000000".to_owned();
    }
    let share = if most > 0.0 { (number / most).clamp(-1.0, 1.0) } else { 0.0 };
    let end = if share < 0.0 { [29.0, 78.0, 216.0] } else { [185.0, 28.0, 28.0] };
    let [r, g, b] = end.map(|end| (238.0 + (end - 238.0) * share.abs()).round() as u8);
    format!("#{r:02x}{g:02x}{b:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_gray_and_the_ends_are_red_and_blue() {
        assert_eq!([0.0, 2.0, -2.0, f64::NAN].map(|x| shade(x, 2.0)), ["#eeeeee", "#b91c1c", "#1d4ed8", "#000000"]);
        assert_eq!(shade(0.0, 0.0), "#eeeeee");
    }

    #[test]
    fn a_map_has_a_cell_for_each_number_until_there_are_too_many() {
        assert_eq!(map(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
        assert_eq!(map(&[784], &[0.5; 784]), vec![vec![0.5; 28]; 28]);
        let mut many = vec![0.0; 100];
        many[1] = -7.0;
        assert_eq!(map(&[1, 100], &many)[0][..2], [-7.0, 0.0]);
        let two = map(&[2, 1, 2], &[1.0, 2.0, 3.0, 4.0]);
        assert_eq!(two, [[1.0, 2.0], [0.0, 0.0], [3.0, 4.0]]);
    }

    #[test]
    fn a_page_gathers_cells_of_one_shade() {
        let mut out = String::new();
        shades(&mut out, &[vec![2.0, 0.0], vec![-1.0, 2.0], vec![f64::NAN, 0.01]]);
        assert!(out.contains("fill-opacity=\"1.00\" d=\"M0 0h1v1h-1zM1 1h1v1h-1z\""), "{out}");
        assert!(out.contains("var(--forward)\" fill-opacity=\"0.50\" d=\"M0 1h"), "{out}");
        assert!(out.contains("var(--ink)\" fill-opacity=\"1.00\" d=\"M0 2h"), "{out}");
    }
}
