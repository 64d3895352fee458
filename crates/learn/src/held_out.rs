//! What a network makes of rows that it did not learn from, for people to look at: which classes it takes for which, whether it knows what it
//! knows, how far off its numbers are, and the rows on which it is most wrong.
//!
//! Collected in the one pass over the rows that judges them, in memory that does not grow with their number, but for numbers' answers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chainrule_engine::Column;
use serde::{Deserialize, Serialize};

use crate::dataset::Cells;
use crate::encoding::{Encoding, Table, TargetEncoding};
use crate::evaluate::{Answer, Said, best};
use crate::examples::Examples;
use crate::histogram::Histogram;
use crate::input_encoding::InputEncoding;
use crate::input_error::InputError;
use crate::metrics::{BINS, calibration_bin};

/// Rows that are shown, at most.
const WORST: usize = 24;

/// Classes of which a table is shown, at most.
const CLASSES: usize = 100;

/// Points that are drawn, at most.
const POINTS: usize = 400;

/// Cells of a row that are shown, at most.
const CELLS: usize = 60;

/// Sides of an image that is shown, at most; larger ones are shown by every second, third, … pixel.
const SIDE: usize = 64;

/// What was looked at.
///
/// ```
/// # use chainrule::{Settings, Source, digits, run_folder, train};
/// # let temporary = tempfile::tempdir()?;
/// # let folder = temporary.path().join("run");
/// # let settings = Settings { model: Some("affine:10".parse()?), epochs: 2, ..Settings::default() };
/// # let trained = train(digits(), &settings, |_progress| {})?;
/// # run_folder::save(&folder, &trained, &Source::default(), false)?;
/// let run = chainrule::Run::open(&folder)?;
/// let held_out = run.seen()?.expect("test rows were held out");
/// println!("of {} rows", held_out.rows);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldOut {
    /// `test`, or `validation` where there was no test set.
    pub part: String,
    /// How many rows.
    pub rows: usize,
    /// For classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<ClassesHeldOut>,
    /// For numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numbers: Option<NumbersHeldOut>,
    /// The rows with the largest loss, the largest first: of classes, those that were taken for another.
    pub worst: Vec<Mistake>,
}

/// How classes were told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassesHeldOut {
    /// How often each class (a row) was taken for each (a column); empty if there are more than 100 of them.
    pub confusion: Vec<Vec<u64>>,
    /// By the highest probability of a row, in fifteen equal steps: how sure, and how often right.
    pub calibration: Vec<Reliability>,
}

/// Rows of which the network was about equally sure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reliability {
    /// How many.
    pub rows: u64,
    /// The mean of their highest probabilities.
    pub confidence: f64,
    /// The share of them that were told right.
    pub accuracy: f64,
}

/// How numbers were told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumbersHeldOut {
    /// Predicted − true.
    pub errors: Histogram,
    /// True and predicted, of at most 400 rows at equal distances.
    pub points: Vec<[f32; 2]>,
}

/// A row, and what the network said of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mistake {
    /// Its number in its data, from 1.
    pub row: usize,
    /// Its number among the rows of the part, from 1, by which `chainrule trace --row` shows those of a test set.
    pub number: usize,
    /// Its own.
    pub loss: f64,
    /// What is true.
    pub truth: String,
    /// What was said.
    pub predicted: String,
    /// How sure, of a class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// The row itself.
    pub example: Example,
}

/// A row as people know it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Example {
    /// Channels, height and width, and a byte for each pixel of each channel, in base64.
    Image {
        /// Of the bytes.
        shape: [usize; 3],
        /// From black to white.
        bytes: String,
    },
    /// Columns by name with what they say; at most 60.
    Cells(Vec<(String, String)>),
}

/// Collects while rows are judged.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    classes: usize,
    confusion: Vec<u64>,
    /// Rows, Σ confidence, right ones.
    calibration: Vec<(u64, f64, u64)>,
    numbers: Vec<[f32; 2]>,
    rows: usize,
    worst: Vec<Candidate>,
}

#[derive(Clone, Debug)]
struct Candidate {
    loss: f64,
    row: u32,
    number: usize,
    answer: Told,
}

#[derive(Clone, Copy, Debug)]
enum Told {
    Class { truth: u32, predicted: u32, probability: f64 },
    Number { truth: f32, predicted: f32 },
}

impl Collector {
    /// Looks at one row.
    pub(crate) fn see(&mut self, said: &Said<'_>) {
        self.rows += 1;
        let answer = match said.answer {
            Answer::Class { probabilities, label } => {
                let (predicted, probability) = best(probabilities);
                self.classes = probabilities.len();
                if self.classes <= CLASSES {
                    self.confusion.resize(self.classes * self.classes, 0);
                    if let Some(count) = self.confusion.get_mut(label as usize * self.classes + predicted as usize) {
                        *count += 1;
                    }
                }
                let bin = calibration_bin(probability);
                self.calibration.resize(BINS, (0, 0.0, 0));
                let (rows, confidence, right) = &mut self.calibration[bin];
                *rows += 1;
                *confidence += probability;
                *right += u64::from(predicted == label);
                if predicted == label {
                    return;
                }
                Told::Class { truth: label, predicted, probability }
            }
            Answer::Number { predicted, value } => {
                self.numbers.push([value, predicted]);
                Told::Number { truth: value, predicted }
            }
        };
        // In the order of the loss, and of the rows where losses are equal.
        let place = self.worst.partition_point(|other| other.loss >= said.loss);
        if place < WORST {
            self.worst.insert(place, Candidate { loss: said.loss, row: said.row, number: self.rows, answer });
            self.worst.truncate(WORST);
        }
    }

    /// What was seen, with the worst rows from where they are.
    ///
    /// # Errors
    /// If the disk fails.
    pub(crate) fn finish(
        self,
        part: &str,
        Encoding { input, target }: &Encoding,
        examples: &Examples,
    ) -> Result<HeldOut, InputError> {
        let class = |class: u32| match target {
            TargetEncoding::Classes(names) => names.get(class as usize).cloned().unwrap_or_default(),
            TargetEncoding::Number { .. } => String::new(),
        };
        let mut shown = self.shown(input, examples)?;
        let worst = self.worst.iter().map(|candidate| {
            let (truth, predicted, probability) = match candidate.answer {
                Told::Class { truth, predicted, probability } => (class(truth), class(predicted), Some(probability)),
                Told::Number { truth, predicted } => (truth.to_string(), predicted.to_string(), None),
            };
            let place = shown.iter().position(|(row, _)| *row == candidate.row)?;
            let example = shown.swap_remove(place).1;
            Some(Mistake {
                row: candidate.row as usize + 1,
                number: candidate.number,
                loss: candidate.loss,
                truth,
                predicted,
                probability,
                example,
            })
        });
        let worst = worst.collect::<Option<Vec<Mistake>>>().unwrap_or_default();
        let reliability = |&(rows, confidence, right): &(u64, f64, u64)| {
            let mean = |sum: f64| if rows == 0 { 0.0 } else { sum / rows as f64 };
            Reliability { rows, confidence: mean(confidence), accuracy: mean(right as f64) }
        };
        let classes = (self.classes > 0).then(|| ClassesHeldOut {
            confusion: self.confusion.chunks(self.classes).map(<[u64]>::to_vec).collect(),
            calibration: self.calibration.iter().map(reliability).collect(),
        });
        let numbers = (!self.numbers.is_empty()).then(|| {
            let errors: Vec<f64> =
                self.numbers.iter().map(|[value, said]| f64::from(*said) - f64::from(*value)).collect();
            let step = self.numbers.len().div_ceil(POINTS);
            let points = self.numbers.iter().copied().step_by(step).collect();
            NumbersHeldOut { errors: Histogram::of(&errors), points }
        });
        Ok(HeldOut { part: part.to_owned(), rows: self.rows, classes, numbers, worst })
    }

    /// The worst rows by number, as people know them.
    fn shown(&self, input: &InputEncoding, examples: &Examples) -> Result<Vec<(u32, Example)>, InputError> {
        let mut rows: Vec<u32> = self.worst.iter().map(|candidate| candidate.row).collect();
        rows.sort_unstable();
        let mut shown = Vec::new();
        examples.each(&rows, |table, within| {
            shown.extend(within.iter().map(|&row| example(input, table, row as usize)));
            Ok::<(), InputError>(())
        })?;
        Ok(rows.into_iter().zip(shown).collect())
    }
}

/// Row number `row` of an encoded table.
fn example(input: &InputEncoding, table: &Table, row: usize) -> Example {
    let numbers: Vec<f32> = match (&table.data.cells, table.columns()) {
        (Cells::U8 { cells, .. }, _) => cells[row * input.width..][..input.width].iter().map(|&x| x.into()).collect(),
        (_, [Column::F32(cells), ..]) => cells[row * input.width..][..input.width].to_vec(),
        _ => Vec::new(),
    };
    match input.image {
        Some(image) => picture(image, &input.cells(&numbers)),
        None => Example::Cells(input.describe(&numbers).into_iter().take(CELLS).collect()),
    }
}

/// An image of at most so many pixels a side, its darkest number black and its lightest white.
fn picture([channels, height, width]: [usize; 3], numbers: &[f32]) -> Example {
    let step = height.max(width).div_ceil(SIDE).max(1);
    let finite = || numbers.iter().copied().filter(|x| x.is_finite());
    let (low, high) = finite().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    let byte = |x: f32| if high > low { ((x - low) / (high - low) * 255.0).round() as u8 } else { 0 };
    let mut bytes = Vec::new();
    for plane in numbers.chunks_exact((height * width).max(1)).take(channels) {
        for line in plane.chunks_exact(width).step_by(step) {
            bytes.extend(line.iter().step_by(step).map(|&x| byte(x)));
        }
    }
    let shape = [channels, height.div_ceil(step), width.div_ceil(step)];
    Example::Image { shape, bytes: STANDARD.encode(bytes) }
}

#[cfg(test)]
mod tests {
    use super::{Collector, Example, picture};
    use crate::digits;
    use crate::encoding::Encoding;
    use crate::evaluate::{Answer, Said};
    use crate::examples::Examples;

    #[test]
    fn what_was_taken_for_what_is_counted_and_the_worst_come_first() {
        let data = digits();
        let rows: Vec<u32> = (0..data.rows() as u32).collect();
        let encoding = Encoding::fit(&data, &rows, false).unwrap();
        let examples = Examples::Resident(Box::new(encoding.apply(data).unwrap()));
        let mut seen = Collector::default();
        // Row, the true class, the class that was said and how surely.
        for (row, label, said, sure) in [(7, 2, 2, 0.9), (3, 1, 4, 0.6), (9, 1, 5, 0.95), (4, 0, 0, 0.9)] {
            let mut probabilities = [(1.0_f64 - sure) / 9.0; 10];
            probabilities[said] = sure;
            let loss = -probabilities[label as usize].ln();
            seen.see(&Said { row, loss, answer: Answer::Class { probabilities: &probabilities, label } });
        }
        let held_out = seen.finish("test", &encoding, &examples).unwrap();
        let classes = held_out.classes.unwrap();
        assert_eq!(held_out.rows, 4);
        assert_eq!([(2, 2), (1, 4), (1, 5), (0, 0)].map(|(is, said)| classes.confusion[is][said]), [1; 4]);
        assert_eq!(classes.confusion.iter().flatten().sum::<u64>(), 4);
        let known: Vec<_> = classes.calibration.iter().filter(|bin| bin.rows > 0).collect();
        assert_eq!(known.iter().map(|bin| bin.rows).collect::<Vec<_>>(), [1, 2, 1]);
        assert_eq!(known.iter().map(|bin| bin.accuracy).collect::<Vec<_>>(), [0.0, 1.0, 0.0]);
        let told: Vec<_> =
            held_out.worst.iter().map(|one| (one.row, one.number, &*one.truth, &*one.predicted)).collect();
        assert_eq!(told, [(10, 3, "1", "5"), (4, 2, "1", "4")]);
        let Example::Image { shape, .. } = &held_out.worst[0].example else { panic!("{:?}", held_out.worst[0]) };
        assert_eq!(*shape, [1, 8, 8]);
    }

    #[test]
    fn an_image_goes_from_black_to_white_and_a_large_one_is_thinned() {
        let Example::Image { shape, bytes } = picture([1, 1, 3], &[-1.0, 0.0, 1.0]) else { panic!() };
        assert_eq!((shape, bytes.as_str()), ([1, 1, 3], "AID/"));
        let Example::Image { shape, .. } = picture([3, 130, 65], &[0.5; 3 * 130 * 65]) else { panic!() };
        assert_eq!(shape, [3, 44, 22]);
    }
}
