//! Data and network, ready to train: rows split, looked at for leaks, encoded by what the training rows say; what is learned, and by
//! which network.

use chainrule_engine::Shape;

use crate::dataset::{Dataset, Target};
use crate::encoding::Encoding;
use crate::examples::Examples;
use crate::fingerprint::fingerprint;
use crate::input_error::InputError;
use crate::keys::{Keys, Part};
use crate::leaks::{self, Warning};
use crate::loss::Objective;
use crate::model::Model;
use crate::readers::Data;
use crate::row_hash::row_hashes;
use crate::sample_weights;
use crate::settings::Settings;
use crate::split::{Fractions, Split};
use crate::split_rows::SplitRows;
use crate::stored::{Stored, StoredExamples};

/// Data and network, ready to train.
pub(crate) struct Prepared {
    pub(crate) fingerprint: String,
    pub(crate) split: Split,
    pub(crate) encoding: Encoding,
    pub(crate) objective: Objective,
    pub(crate) input: Shape,
    pub(crate) model: Model,
    pub(crate) examples: Examples,
    /// What was given beside the table.
    pub(crate) own: Own,
    /// The rows to judge by: of that test set, or else of the table.
    pub(crate) test_rows: Vec<u32>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) split_rows: SplitRows,
}

/// Rows that are not of the training's table.
#[derive(Default)]
pub(crate) struct Own {
    /// To choose by.
    pub(crate) validation: Option<Examples>,
    /// To judge by.
    pub(crate) test: Option<Examples>,
}

impl Prepared {
    pub(crate) fn new(data: Data, settings: &Settings) -> Result<Prepared, InputError> {
        let fingerprint = fingerprint(&data);
        let mut split = split(&data, settings.fractions, settings.seed)?;
        if split.train.is_empty() {
            return Err(no_rows());
        }
        let (warnings, split_rows) = looked_at(&data, &split);
        if let Some(validation) = &data.validation {
            split.validation = (0..validation.rows() as u32).collect();
        }
        expect_patience(settings, &split)?;
        let mut encoding = Encoding::fit(&data.train, &split.train, settings.log_target)?;
        let (input, objective, model) = fit(&mut encoding, &data.train.source, settings)?;
        let mut table = encoding.apply(data.train)?;
        if let Some(weights) = &mut table.data.weights {
            sample_weights::normalise(weights, &split.train, &table.data.source)?;
        }
        let encoded = |data: Option<Dataset>| data.map(|data| encoding.apply(data).map(Examples::from)).transpose();
        let own = Own { validation: encoded(data.validation)?, test: encoded(data.test)? };
        let test_rows = own.test.as_ref().map_or_else(|| std::mem::take(&mut split.test), all_rows);
        let examples = Examples::from(table);
        Ok(Prepared {
            fingerprint,
            split,
            encoding,
            objective,
            input,
            model,
            examples,
            own,
            test_rows,
            warnings,
            split_rows,
        })
    }

    /// As [`new`](Self::new), of a table on disk.
    pub(crate) fn stored(mut stored: Stored, settings: &Settings) -> Result<Prepared, InputError> {
        let fingerprint = stored.fingerprint();
        let mut split = stored.split(settings.fractions, settings.seed)?;
        if split.train.is_empty() {
            return Err(no_rows());
        }
        let (mut warnings, split_rows) = stored.looked_at(&split)?;
        // Of no more use, and as large as the target.
        stored.keys = Keys::default();
        let (validation, test) = (stored.validation.take(), stored.test.take());
        if let Some(validation) = &validation {
            split.validation = (0..validation.rows() as u32).collect();
        }
        expect_patience(settings, &split)?;
        let (features, told) = stored.fit(&split.train, settings.threads())?;
        warnings.extend(told);
        let outline = Dataset { target: std::mem::replace(&mut stored.target, Target::None), ..stored.outline() };
        let encoding = Encoding::fit_with(&outline, &split.train, settings.log_target, features);
        stored.target = outline.target;
        let mut encoding = encoding?;
        let (input, objective, model) = fit(&mut encoding, &outline.source, settings)?;
        if let Some(weights) = &mut stored.weights {
            sample_weights::normalise(weights, &split.train, &outline.source)?;
        }
        let encoded =
            |stored: Stored| Examples::Stored(Box::new(StoredExamples { stored, encoding: encoding.clone() }));
        let own = Own { validation: validation.map(|v| encoded(*v)), test: test.map(|test| encoded(*test)) };
        let test_rows = own.test.as_ref().map_or_else(|| std::mem::take(&mut split.test), all_rows);
        let examples = encoded(stored);
        Ok(Prepared {
            fingerprint,
            split,
            encoding,
            objective,
            input,
            model,
            examples,
            own,
            test_rows,
            warnings,
            split_rows,
        })
    }

    /// Without the rows to judge by.
    pub(crate) fn without_test(self) -> Prepared {
        let Own { validation, .. } = self.own;
        Prepared { own: Own { validation, test: None }, test_rows: Vec::new(), ..self }
    }
}

/// The shape of a row, what is learned and by which network, for data from `source`.
///
/// # Errors
/// If the rows have another number of cells than was asked for, or the loss is of another kind of target.
pub(crate) fn fit(
    encoding: &mut Encoding,
    source: &str,
    settings: &Settings,
) -> Result<(Shape, Objective, Model), InputError> {
    if let Some(shape) = settings.input {
        encoding.input.lay_out(shape, source)?;
    }
    let objective = Objective::new(encoding.task(), settings.loss)?;
    let model = settings.model.clone().unwrap_or_else(|| match encoding.input.image {
        Some(image) => Model::usual_of_images(image, objective.outputs()),
        None if encoding.input.features.is_empty() => Model::usual(objective.outputs()),
        None => Model::usual_of_tables(objective.outputs()),
    });
    if let Some(most) = model.takes_numbers_below() {
        encoding.input.take_numbers_below(most);
    }
    Ok((encoding.input.shape()?, objective, model))
}

/// The numbers of all rows.
fn all_rows(examples: &Examples) -> Vec<u32> {
    (0..examples.rows() as u32).collect()
}

/// What looks wrong with the rows to learn from, and with those of them that are to be judged by as well; and the rows held out.
fn looked_at(data: &Data, split: &Split) -> (Vec<Warning>, SplitRows) {
    let hashes = row_hashes(&data.train);
    let (all, others);
    let (test, hashes_of_test, rows) = match &data.test {
        Some(test) => {
            (all, others) = ((0..test.rows() as u32).collect::<Vec<_>>(), row_hashes(test));
            (test, &others, &all)
        }
        None => (&data.train, &hashes, &split.test),
    };
    let twice = leaks::duplicates((&hashes, &split.train), (hashes_of_test, rows));
    let twice = (twice > 0).then_some(Warning::DuplicateRows { rows: twice, of: rows.len() });
    let by_keys = leaks::of_keys((&data.train.keys, &split.train), (&test.keys, rows));
    let found = twice.into_iter().chain(by_keys).chain(leaks::warnings(&data.train, &split.train)).collect();
    let of = |rows: &[u32]| rows.iter().map(|&row| hashes[row as usize]).collect();
    (found, SplitRows { validation: of(&split.validation), test: of(&split.test) })
}

/// Whether there are rows to stop by, if that is asked for.
fn expect_patience(settings: &Settings, split: &Split) -> Result<(), InputError> {
    if settings.patience.is_none() || !split.validation.is_empty() {
        return Ok(());
    }
    let hint = "set rows aside to choose by, such as a tenth, or leave the patience out";
    Err(InputError::new("patience", "validation rows to stop by", "none", hint))
}

pub(crate) fn no_rows() -> InputError {
    InputError::new("split", "rows to train on", "none", "set fewer rows aside")
}

/// Which rows train, choose and judge: a function of the data, the fractions and the seed.
pub(crate) fn split(data: &Data, fractions: Fractions, seed: u64) -> Result<Split, InputError> {
    let train = &data.train;
    let fractions = fractions.beside(data.validation.is_some(), data.test.is_some());
    expect_one(&train.keys, data.validation.is_some(), data.test.is_some(), &train.source)?;
    Split::keyed(&train.target, &train.keys, train.rows(), fractions, seed)
}

/// Whether no part is given twice: by the rows' keys, and beside the table.
///
/// # Errors
/// If one is.
pub(crate) fn expect_one(keys: &Keys, validation: bool, test: bool, source: &str) -> Result<(), InputError> {
    for (part, given) in [(Part::Validation, validation), (Part::Test, test)] {
        if given && keys.parts.as_ref().is_some_and(|parts| parts.contains(&part)) {
            let name = part.name();
            let expected = format!("{name} rows from one place");
            let found = format!("{name} rows in the table's split, and a {name} set beside it");
            return Err(InputError::new(source, expected, found, "leave one of them out"));
        }
    }
    Ok(())
}
