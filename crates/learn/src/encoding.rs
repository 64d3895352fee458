//! How data become the network's numbers, and its answers become data again.
//!
//! | data | network |
//! | --- | --- |
//! | numbers | (x − mean) / scale, column by column |
//! | bytes, such as pixels | x · scale |
//! | a table's column | see [`feature`] |
//! | a class's name | its number |
//! | a number as target | (t − mean) / scale, or (ln t − mean) / scale if it is asked for |
//!
//! Fitted once, on the training rows; then the same for validation, test and prediction.

use chainrule_engine::{Column, RowsError};
use serde::{Deserialize, Serialize};

use crate::closest::closest;
use crate::dataset::{Cells, Dataset, Target};
use crate::feature::{self, Feature};
use crate::input_encoding::InputEncoding;
use crate::input_error::{InputError, excerpt, listing};
use crate::keys::Keys;
use crate::model::Task;
use crate::readers::csv::Kind;
use crate::standardise::{Standardise, TargetScale};

/// What training fitted on its rows.
///
/// ```
/// use chainrule::{Encoding, Task, digits};
/// let data = digits();
/// let encoding = Encoding::fit(&data, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], false)?;
/// assert_eq!(encoding.task(), Task::Classes(10));
/// assert_eq!(encoding.input_of(data.select(&[0]))?.len(), 64);
/// # Ok::<(), chainrule::InputError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Encoding {
    /// Of what goes in.
    pub input: InputEncoding,
    /// Of what comes out.
    pub target: TargetEncoding,
}

/// What is predicted for a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TargetEncoding {
    /// One of these classes, by number.
    Classes(Vec<String>),
    /// A number.
    Number {
        /// The column's name.
        name: String,
        /// How it is standardised.
        scale: TargetScale,
    },
}

/// Encoded rows, resident: what a plan gathers its batches from.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    /// The cells encoded, the target as it was, but for its classes' numbers; the weights with a mean of 1 in training.
    pub(crate) data: Dataset,
    scaled: Vec<f32>,
}

impl Encoding {
    /// What the given rows of `data` say.
    ///
    /// # Errors
    /// If there is no target, or one that does not change: fewer than two classes, or one number; if there are fewer
    /// rows than classes, no column to learn from, or with `log_target` a number that has no logarithm.
    pub fn fit(data: &Dataset, rows: &[u32], log_target: bool) -> Result<Encoding, InputError> {
        let features = match &data.cells {
            Cells::Table(values) => feature::fit_all(&data.columns, values, rows),
            Cells::F32(_) | Cells::U8 { .. } => Vec::new(),
        };
        Encoding::fit_with(data, rows, log_target, features)
    }

    /// As [`fit`](Self::fit), with a table's features, which were fitted on the rows: of its cells nothing else is asked.
    pub(crate) fn fit_with(
        data: &Dataset,
        rows: &[u32],
        log_target: bool,
        features: Vec<Feature>,
    ) -> Result<Encoding, InputError> {
        if !features.is_empty() && features.iter().all(|feature| feature.kind() == Kind::Ignored) {
            return Err(InputError::new(
                data.source.clone(),
                "a column to learn from",
                format!("none that can be used among {}", listing(&data.columns)),
                "`chainrule data FILE` shows why each is passed over",
            ));
        }
        let target = match &data.target {
            Target::Classes { names, .. } if names.len() < 2 => {
                let hint = match data.image {
                    Some(_) => "give images of another class too: one alone needs no learning",
                    None => "choose another target; one that never changes needs no learning",
                };
                let place = format!("{}, target", data.source);
                return Err(InputError::new(place, "at least two classes", listing(names), hint));
            }
            Target::Classes { names, .. } if names.len() > rows.len() => {
                return Err(InputError::new(
                    format!("{}, target", data.source),
                    format!("at least {} rows to learn from, one for each class", names.len()),
                    rows.len().to_string(),
                    "give more rows, or choose a target with fewer classes",
                ));
            }
            Target::Classes { .. } if log_target => {
                let hint = "leave --log-target out";
                return Err(InputError::new(
                    format!("{}, target", data.source),
                    "numbers, to take their logarithms",
                    "classes",
                    hint,
                ));
            }
            Target::Classes { names, .. } => TargetEncoding::Classes(names.clone()),
            Target::Numbers { values, name } => {
                if log_target {
                    expect_logarithms(data, values, name)?;
                }
                let values: Vec<f32> = rows.iter().map(|&row| values[row as usize]).collect();
                if let Some(&only) = values.first().filter(|&first| values.iter().all(|value| value == first)) {
                    return Err(InputError::new(
                        format!("{}, target {}", data.source, excerpt(name)),
                        "at least two different numbers to learn from",
                        format!("{only} in every row"),
                        "choose another target; one that never changes needs no learning",
                    ));
                }
                let scale = if log_target { TargetScale::fit_log(&values) } else { TargetScale::fit(&values) };
                TargetEncoding::Number { name: name.clone(), scale }
            }
            Target::None => return Err(no_target(data)),
        };
        let byte = match data.cells {
            Cells::U8 { scale, .. } => Some(scale),
            Cells::F32(_) | Cells::Table(_) => None,
        };
        let standardise = Standardise::fit(data, rows);
        let (mut width, mut columns) = (data.width(), data.columns.clone());
        if !features.is_empty() {
            (width, columns) = (features.iter().map(Feature::width).sum(), Vec::new());
        }
        let input =
            InputEncoding { width, columns, image: data.image, byte, numbers_below: None, standardise, features };
        Ok(Encoding { input, target })
    }

    /// The network's input for all rows of `data`, row after row.
    ///
    /// # Errors
    /// If the rows do not fit what was fitted.
    pub fn input_of(&self, mut data: Dataset) -> Result<Vec<f32>, InputError> {
        data.target = Target::None;
        match self.apply(data)?.data.cells {
            Cells::F32(cells) => Ok(cells),
            Cells::U8 { cells, scale } => Ok(cells.into_iter().map(|cell| f32::from(cell) * scale).collect()),
            Cells::Table(_) => unreachable!("a table was encoded"),
        }
    }

    /// What is learned.
    pub fn task(&self) -> Task {
        match &self.target {
            TargetEncoding::Classes(names) => Task::Classes(names.len()),
            TargetEncoding::Number { .. } => Task::Number,
        }
    }

    /// Encodes rows, with their target or without.
    ///
    /// # Errors
    /// If the rows are of another width, or the target of another kind or with other classes,
    /// than were fitted.
    pub(crate) fn apply(&self, mut data: Dataset) -> Result<Table, InputError> {
        self.input.apply(&mut data)?;
        let mut scaled = Vec::new();
        if let (TargetEncoding::Number { scale, .. }, Target::Numbers { values, name }) = (&self.target, &data.target)
            && scale.log
        {
            expect_logarithms(&data, values, name)?;
        }
        match (&self.target, &mut data.target) {
            (_, Target::None) => {}
            (TargetEncoding::Classes(known), Target::Classes { labels, names }) => {
                let place = format!("{}, target", data.source);
                renumber(labels, names, known, &place)?;
            }
            (TargetEncoding::Number { scale, .. }, Target::Numbers { values, .. }) => {
                scaled = values.iter().map(|&value| scale.apply(value)).collect();
            }
            (TargetEncoding::Classes(known), Target::Numbers { .. }) => {
                let expected = format!("classes, as in training: {}", listing(known));
                return Err(other_target(&data, expected, "numbers"));
            }
            (TargetEncoding::Number { .. }, Target::Classes { names, .. }) => {
                let found = format!("classes: {}", listing(names));
                return Err(other_target(&data, "numbers, as in training".to_owned(), &found));
            }
        }
        Ok(Table { data, scaled })
    }
}

/// The targets of encoded rows: classes by number, or scaled numbers.
pub(crate) enum Labels {
    Classes(Vec<u32>),
    Numbers(Vec<f32>),
}

impl Table {
    /// Rows to learn from, encoded before: `width` numbers of `x` each.
    pub(crate) fn of(x: Vec<f32>, width: usize, labels: Labels, weights: Option<Vec<f32>>) -> Table {
        let (target, scaled) = match labels {
            Labels::Classes(labels) => (Target::Classes { labels, names: Vec::new() }, Vec::new()),
            Labels::Numbers(scaled) => (Target::Numbers { values: Vec::new(), name: String::new() }, scaled),
        };
        let (columns, keys, source) = (Vec::new(), Keys::default(), String::new());
        let cells = Cells::F32(x);
        let data = Dataset { cells, shape: vec![width], image: None, columns, target, weights, keys, source };
        Table { data, scaled }
    }

    /// The columns of a [`Network`](crate::model::Network)'s inputs: x, then t, then w if rows have weights.
    pub(crate) fn columns(&self) -> [Column<'_>; 3] {
        let x = match &self.data.cells {
            Cells::F32(cells) => Column::F32(cells),
            Cells::Table(_) => Column::Absent,
            Cells::U8 { cells, scale } => Column::U8 { cells, scale: *scale },
        };
        let t = match &self.data.target {
            Target::Classes { labels, .. } => Column::U32(labels),
            Target::Numbers { .. } => Column::F32(&self.scaled),
            Target::None => Column::Absent,
        };
        let w = self.data.weights.as_ref().map_or(Column::Absent, |weights| Column::F32(weights));
        [x, t, w]
    }

    /// The numbers of all rows.
    pub(crate) fn rows(&self) -> Vec<u32> {
        (0..self.data.rows() as u32).collect()
    }
}

/// Gives each label the number that its class had in training.
fn renumber(labels: &mut [u32], names: &mut Vec<String>, known: &[String], place: &str) -> Result<(), InputError> {
    if names == known {
        return Ok(());
    }
    let number = |name: &String| known.iter().position(|k| k == name).map(|at| at as u32);
    let numbers: Vec<Option<u32>> = names.iter().map(number).collect();
    for label in labels {
        // Only a class that occurs must be known.
        *label = numbers.get(*label as usize).copied().flatten().ok_or_else(|| {
            let name = names.get(*label as usize).map_or("", String::as_str);
            let hint = match closest(name, known.iter().map(String::as_str)) {
                Some(near) => format!("did you mean {}?", excerpt(near)),
                None => "remove the rows of classes that were not in training".to_owned(),
            };
            InputError::new(place, format!("classes of training: {}", listing(known)), excerpt(name), hint)
        })?;
    }
    *names = known.to_vec();
    Ok(())
}

/// Whether all values are above 0.
fn expect_logarithms(data: &Dataset, values: &[f32], name: &str) -> Result<(), InputError> {
    let Some(row) = values.iter().position(|&value| value <= 0.0) else { return Ok(()) };
    Err(InputError::new(
        format!("{}, target {}", data.source, excerpt(name)),
        "numbers above 0, to take their logarithms",
        format!("{} in row {}", values[row], row + 1),
        "leave --log-target out, or remove the row",
    ))
}

fn no_target(data: &Dataset) -> InputError {
    InputError::new(
        data.source.clone(),
        "a target for each row",
        "none",
        "give data with the column to learn, and its name as target",
    )
}

fn other_target(data: &Dataset, expected: String, found: &str) -> InputError {
    InputError::new(
        format!("{}, target", data.source),
        expected,
        found,
        "give the target that the network was trained on",
    )
}

impl From<RowsError> for InputError {
    fn from(e: RowsError) -> Self {
        InputError::new(
            format!("input '{}'", e.input),
            e.expected,
            e.found,
            "give data of the kind that the network was trained on",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(cells: Vec<f32>, target: Target) -> Dataset {
        Dataset {
            cells: Cells::F32(cells),
            shape: vec![2],
            image: None,
            columns: vec!["a".into(), "b".into()],
            target,
            weights: None,
            keys: Keys::default(),
            source: "table.csv".into(),
        }
    }

    fn classes(labels: &[u32], names: &[&str]) -> Target {
        Target::Classes { labels: labels.to_vec(), names: names.iter().map(|&name| name.into()).collect() }
    }

    #[test]
    fn classes_are_found_again_by_name() {
        let trained = data(vec![0.0, 1.0, 2.0, 3.0], classes(&[0, 1], &["no", "yes"]));
        let encoding = Encoding::fit(&trained, &[0, 1], false).unwrap();
        let table = encoding.apply(data(vec![0.0; 2], classes(&[0], &["yes"]))).unwrap();
        assert_eq!(table.data.target, classes(&[1], &["no", "yes"]));
        let e = encoding.apply(data(vec![0.0; 2], classes(&[0], &["yess"]))).unwrap_err();
        assert_eq!((&*e.place, &*e.hint), ("table.csv, target", "did you mean 'yes'?"));
        assert!(encoding.apply(data(vec![0.0; 2], classes(&[0], &["no", "maybe"]))).is_ok(), "maybe does not occur");
    }

    #[test]
    fn only_the_given_rows_are_asked() {
        let numbers = Target::Numbers { values: vec![1.0, 3.0, 99.0], name: "t".into() };
        let all = data(vec![0.0, 1.0, 2.0, 3.0, 50.0, 60.0], numbers);
        let encoding = Encoding::fit(&all, &[0, 1], false).unwrap();
        let table = encoding.apply(all).unwrap();
        let [Column::F32(x), Column::F32(t), Column::Absent] = table.columns() else { panic!("numbers stay numbers") };
        assert_eq!((x[..4].to_vec(), t[..2].to_vec()), (vec![-1.0, -1.0, 1.0, 1.0], vec![-1.0, 1.0]));
        assert_eq!(t[2], 97.0);
    }

    #[test]
    fn columns_are_found_again_by_name() {
        let trained = data(vec![0.0, 10.0, 2.0, 30.0], classes(&[0, 1], &["no", "yes"]));
        let encoding = Encoding::fit(&trained, &[0, 1], false).unwrap();
        let cells = |columns: &[&str], cells: &[f32]| {
            let mut given = data(cells.to_vec(), Target::None);
            given.columns = columns.iter().map(|&name| name.into()).collect();
            given.shape = vec![columns.len()];
            encoding.apply(given).unwrap().data.cells
        };
        let expected = Cells::F32(vec![-1.0, 1.0]);
        assert_eq!(cells(&["a", "b"], &[0.0, 30.0]), expected);
        assert_eq!(cells(&["b", "more", "a"], &[30.0, 7.0, 0.0]), expected);
        assert_eq!(cells(&["0", "2"], &[0.0, 30.0]), expected, "a table without names");
    }

    #[test]
    fn an_embedding_takes_whole_numbers() {
        let trained = data(vec![0.0, 1.0, 2.0, 3.0], classes(&[0, 1], &["no", "yes"]));
        let mut encoding = Encoding::fit(&trained, &[0, 1], false).unwrap();
        encoding.input.take_numbers_below(4);
        let table = encoding.apply(trained).unwrap();
        assert_eq!(table.data.cells, Cells::F32(vec![0.0, 1.0, 2.0, 3.0]));
        for wrong in [4.0, -1.0, 0.5, f32::NAN] {
            let e = encoding.apply(data(vec![0.0, 1.0, 2.0, wrong], Target::None)).unwrap_err();
            assert_eq!((e.place, e.found), ("table.csv, row 2, column 'b'".to_owned(), wrong.to_string()));
            assert!(e.expected.starts_with("a whole number from 0 to 3"), "{}", e.expected);
        }
    }

    #[test]
    fn pixels_may_come_as_a_table() {
        let input = InputEncoding {
            width: 2,
            columns: vec![],
            image: None,
            byte: Some(0.5),
            numbers_below: None,
            standardise: None,
            features: vec![],
        };
        let target = TargetEncoding::Classes(vec!["a".into(), "b".into()]);
        let table = Encoding { input, target }.apply(data(vec![2.0, 4.0], Target::None)).unwrap();
        let [Column::F32(x), Column::Absent, Column::Absent] = table.columns() else { panic!("no target was given") };
        assert_eq!(x, [1.0, 2.0]);
    }

    #[test]
    fn other_data_are_refused() {
        let trained = data(vec![0.0, 1.0, 2.0, 3.0], classes(&[0, 1], &["no", "yes"]));
        let encoding = Encoding::fit(&trained, &[0, 1], false).unwrap();
        let mut renamed = trained.clone();
        renamed.columns[1] = "c".into();
        assert_eq!(encoding.apply(renamed).unwrap_err().found, "columns 'a', 'c'");
        let mut wide = trained;
        wide.shape = vec![4];
        assert_eq!(encoding.apply(wide).unwrap_err().found, "rows of 4");
        let numbers = Target::Numbers { values: vec![1.0], name: "t".into() };
        assert_eq!(encoding.apply(data(vec![0.0; 2], numbers)).unwrap_err().found, "numbers");
        assert!(Encoding::fit(&data(vec![0.0; 2], classes(&[0], &["one"])), &[0], false).is_err());
        let three = data(vec![0.0; 4], classes(&[0, 1], &["a", "b", "c"]));
        let error = Encoding::fit(&three, &[0, 1], false).unwrap_err();
        assert_eq!(error.expected, "at least 3 rows to learn from, one for each class");
        let same = Target::Numbers { values: vec![2.5, 2.5, 3.0], name: "t".into() };
        let error = Encoding::fit(&data(vec![0.0; 6], same), &[0, 1], false).unwrap_err();
        assert_eq!((&*error.place, &*error.found), ("table.csv, target 't'", "2.5 in every row"));
    }
}
