//! The way back from the network's input to what people know: the inverse of an [`InputEncoding`], to the digits that f32 kept.

use crate::calendar::{self, DAY};
use crate::feature::{Cycle, Feature};
use crate::input_encoding::InputEncoding;
use crate::readers::csv::Kind;

impl InputEncoding {
    /// The cells of an encoded row of numbers or pixels, before they were standardised; not of a table's columns.
    pub(crate) fn cells(&self, numbers: &[f32]) -> Vec<f32> {
        match &self.standardise {
            None => numbers.to_vec(),
            Some(by) => {
                let moments = by.mean.iter().zip(&by.scale);
                numbers.iter().zip(moments).map(|(x, (mean, scale))| x * scale + mean).collect()
            }
        }
    }

    /// Each column of an encoded row of a table, by name; those that the network does not see are left out.
    pub(crate) fn describe(&self, numbers: &[f32]) -> Vec<(String, String)> {
        if self.features.is_empty() {
            let names = self.columns.iter().cloned().chain((self.columns.len()..).map(|at| at.to_string()));
            return names.zip(self.cells(numbers).iter().map(|&x| short(x.into()))).collect();
        }
        let mut rest = numbers;
        let seen = self.features.iter().filter(|feature| feature.kind() != Kind::Ignored);
        seen.map(|feature| {
            let (own, others) = rest.split_at_checked(feature.width()).unwrap_or((rest, &[]));
            rest = others;
            (feature.name().to_owned(), feature.describe(own))
        })
        .collect()
    }
}

impl Feature {
    /// What the cell was that became these numbers.
    fn describe(&self, numbers: &[f32]) -> String {
        match self {
            Feature::Number { .. } if numbers.get(1).is_some_and(|&empty| empty == 1.0) => "empty".to_owned(),
            Feature::Number { mean, scale, .. } => {
                numbers.first().map_or(String::new(), |&x| short(f64::from(x) * scale + mean))
            }
            Feature::Date { indicator: true, .. } if numbers.get(1) == Some(&1.0) => "empty".to_owned(),
            Feature::Date { mean, scale, cycles, .. } => {
                // What an f32 keeps of years is some seconds, of days without a time of them the day.
                let unit = match cycles.contains(&Cycle::Day) {
                    false if *scale >= DAY => DAY,
                    _ if *scale < 1e6 => 1.0,
                    _ => 60.0,
                };
                let told = |&x: &f32| calendar::spelled(((f64::from(x) * scale + mean) / unit).round() * unit);
                numbers.first().map_or(String::new(), told)
            }
            Feature::Category { values, missing, .. } => match numbers.iter().position(|&x| x == 1.0) {
                Some(at) if at < values.len() => values[at].clone(),
                Some(at) if *missing && at == values.len() => "empty".to_owned(),
                _ => "another".to_owned(),
            },
            Feature::Ignored { .. } => String::new(),
        }
    }
}

/// Six digits, as many as f32 has for sure.
fn short(x: f64) -> String {
    let rounded: f64 = format!("{x:.5e}").parse().unwrap_or(x);
    if rounded == 0.0 { "0".to_owned() } else { rounded.to_string() }
}

#[cfg(test)]
mod tests {
    use crate::columns::{EMPTY, Values};
    use crate::dataset::{Cells, Dataset, Target};
    use crate::encoding::Encoding;

    /// Each row so often, that no category is rare.
    const TIMES: usize = 10;

    #[test]
    fn what_is_encoded_is_told_as_it_was() {
        let words = vec!["north".to_owned(), "south".to_owned()];
        let data = Dataset {
            cells: Cells::Table(vec![
                Values::Numbers([39.0, f64::NAN, 41.5, 0.1].repeat(TIMES)),
                Values::Categories { codes: [0, 1, EMPTY, 0].repeat(TIMES), names: words },
                Values::Dates([1_706_659_200.0, 1_590_969_600.0, f64::NAN, 0.0].repeat(TIMES)),
            ]),
            shape: vec![3],
            image: None,
            columns: vec!["age".into(), "side".into(), "since".into()],
            target: Target::Numbers { values: [1.0, 2.0, 3.0, 4.0].repeat(TIMES), name: "y".into() },
            weights: None,
            keys: crate::keys::Keys::default(),
            source: "people.csv".into(),
        };
        let encoding = Encoding::fit(&data, &Vec::from_iter(0..4 * TIMES as u32), false).unwrap();
        let table = encoding.apply(data).unwrap();
        let Cells::F32(cells) = &table.data.cells else { panic!("rows of numbers") };
        let told: Vec<Vec<(String, String)>> =
            cells.chunks(encoding.input.width).map(|row| encoding.input.describe(row)).collect();
        let expected = [
            ["39", "north", "2024-01-31"],
            ["empty", "south", "2020-06-01"],
            ["41.5", "empty", "empty"],
            ["0.1", "north", "1970-01-01"],
        ];
        for (row, expected) in told.iter().zip(expected) {
            assert_eq!(row.iter().map(|(name, _)| &**name).collect::<Vec<_>>(), ["age", "side", "since"]);
            assert_eq!(row.iter().map(|(_, cell)| &**cell).collect::<Vec<_>>(), expected);
        }
    }
}
