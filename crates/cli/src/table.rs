//! Tables as plain lines: columns two spaces apart, wide letters counted as two.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};

/// The rows as lines, the columns `right` aligned to the right.
pub(crate) fn table(rows: impl IntoIterator<Item = Vec<String>>, right: impl Fn(usize) -> bool) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.add_rows(rows);
    let last = table.column_count().saturating_sub(1);
    for (number, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, if number == last { 0 } else { 2 }));
        column.set_cell_alignment(if right(number) { CellAlignment::Right } else { CellAlignment::Left });
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn columns_line_up_in_any_script() {
        let rows = [["사과", "100", "←"], ["x", "2", ""]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(table(rows, |column| column == 1), "사과  100  ←\nx       2\n");
    }
}
