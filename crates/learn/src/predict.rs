//! A trained network at work: rows in, answers out, some rows at a time.

use std::io::{self, Write};

use chainrule_engine::{Backend, Buf, Clock, Cpu, CpuArena, Graph, Plan, Rows};

use crate::dataset::{Dataset, Target};
use crate::encoding::{Encoding, TargetEncoding};
use crate::evaluate::{Evaluation, Judgement, ROWS, Scores, best};
use crate::examples::Examples;
use crate::input_error::InputError;
use crate::loss::{Loss, Objective, probabilities};
use crate::measures::Measures;
use crate::model::{Build, Model};
use crate::stored::{Stored, StoredExamples};
use crate::weights::{self, Tensor};

/// A network with its parameters and all that it needs to meet data.
///
/// ```
/// # use chainrule::{Settings, digits, train};
/// # let settings = Settings { model: Some("affine:10".parse()?), epochs: 2, ..Settings::default() };
/// let trained = train(digits(), &settings, |_progress| {})?;
/// let scores = trained.predictor.score(digits().select(&[0, 1, 2, 3]), None, 1)?;
/// assert_eq!(trained.predictor.model().to_string(), "affine:10");
/// println!("loss {}", scores.loss);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Predictor {
    model: Model,
    encoding: Encoding,
    objective: Objective,
    tensors: Vec<Tensor>,
}

/// Why predictions were not written.
#[derive(Debug, thiserror::Error)]
pub enum PredictError {
    /// The data do not fit the network.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The writer failed.
    #[error(transparent)]
    Write(#[from] io::Error),
}

impl Predictor {
    /// A network from its parts.
    ///
    /// ```
    /// # use chainrule::{Settings, digits, train};
    /// # let settings = Settings { model: Some("affine:10".parse()?), epochs: 2, ..Settings::default() };
    /// let trained = train(digits(), &settings, |_progress| {})?;
    /// use chainrule::Predictor;
    /// let (old, loss) = (&trained.predictor, trained.predictor.objective().loss);
    /// let copy = Predictor::new(old.model().clone(), old.encoding().clone(), loss, old.tensors().to_vec())?;
    /// assert_eq!(&copy, old);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If they do not fit together.
    pub fn new(model: Model, encoding: Encoding, loss: Loss, tensors: Vec<Tensor>) -> Result<Self, InputError> {
        Self::at("model", model, encoding, Some(loss), tensors)
    }

    /// As [`new`](Self::new), naming `place` in errors.
    pub(crate) fn at(
        place: &str,
        model: Model,
        encoding: Encoding,
        loss: Option<Loss>,
        tensors: Vec<Tensor>,
    ) -> Result<Self, InputError> {
        let objective = Objective::new(encoding.task(), loss)?;
        let graph = Graph::new();
        let network = model.build(&graph, encoding.input.shape()?, objective, Build::Test)?;
        let tensors = weights::fit(tensors, &graph.predict(&[network.y])?, place)?;
        Ok(Predictor { model, encoding, objective, tensors })
    }

    /// The layers.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// How data meet the network.
    pub fn encoding(&self) -> &Encoding {
        &self.encoding
    }

    /// What it has learned, and by what loss.
    pub fn objective(&self) -> Objective {
        self.objective
    }

    /// The parameters, in the order of the layers.
    ///
    /// ```
    /// # use chainrule::{Settings, digits, train};
    /// # let settings = Settings { model: Some("affine:10".parse()?), epochs: 2, ..Settings::default() };
    /// let trained = train(digits(), &settings, |_progress| {})?;
    /// let names: Vec<&str> = trained.predictor.tensors().iter().map(|tensor| &*tensor.name).collect();
    /// assert_eq!(names, ["0.weight", "0.bias"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    /// Judges the network on `rows` of `data`, all of them if `None`.
    ///
    /// ```
    /// # use chainrule::{Settings, digits, train};
    /// # let settings = Settings { model: Some("affine:10".parse()?), epochs: 2, ..Settings::default() };
    /// let trained = train(digits(), &settings, |_progress| {})?;
    /// let first = trained.predictor.score(digits(), Some(&[0, 1, 2]), 1)?;
    /// assert!(first.accuracy.unwrap() >= 0.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the data do not fit the network, or have no target or no rows.
    pub fn score(&self, data: Dataset, rows: Option<&[u32]>, threads: usize) -> Result<Scores, InputError> {
        Ok(self.judge(data, rows, threads)?.scores)
    }

    /// As [`score`](Self::score), with all metrics.
    ///
    /// ```
    /// # use chainrule::{Settings, digits, train};
    /// # let settings = Settings { model: Some("affine:10".parse()?), epochs: 2, ..Settings::default() };
    /// let trained = train(digits(), &settings, |_progress| {})?;
    /// let (_, measures) = trained.predictor.measure(digits(), None, 1)?;
    /// let auc = measures.values.iter().find(|(name, _)| *name == "roc_auc").and_then(|(_, value)| *value);
    /// assert!(auc.unwrap() > 0.5 && measures.confusion.is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`score`](Self::score).
    pub fn measure(
        &self,
        data: Dataset,
        rows: Option<&[u32]>,
        threads: usize,
    ) -> Result<(Scores, Measures), InputError> {
        let judgement = self.judge(data, rows, threads)?;
        Ok((judgement.scores, judgement.measures()))
    }

    /// As [`measure`](Self::measure), of `rows` in ascending order of a table on disk.
    ///
    /// # Errors
    /// As [`score`](Self::score), and if the disk fails.
    pub fn measure_stored(
        &self,
        stored: Stored,
        rows: &[u32],
        threads: usize,
    ) -> Result<(Scores, Measures), InputError> {
        let source = stored.outline().source;
        let examples = Examples::Stored(Box::new(StoredExamples { stored, encoding: self.encoding.clone() }));
        let judgement = self.judge_examples(&examples, Some(rows), threads, &source)?;
        Ok((judgement.scores, judgement.measures()))
    }

    fn judge(&self, data: Dataset, rows: Option<&[u32]>, threads: usize) -> Result<Judgement, InputError> {
        let source = data.source.clone();
        if data.target == Target::None {
            return Err(InputError::new(source, "a target to judge by", "none", "give data with the target's column"));
        }
        self.judge_examples(&Examples::from(self.encoding.apply(data)?), rows, threads, &source)
    }

    /// Judges the network on `rows` of examples from `source`, all of them if `None`.
    pub(crate) fn judge_examples(
        &self,
        examples: &Examples,
        rows: Option<&[u32]>,
        threads: usize,
        source: &str,
    ) -> Result<Judgement, InputError> {
        let all;
        let rows = match rows {
            Some(rows) => rows,
            None => {
                all = (0..examples.rows() as u32).collect::<Vec<_>>();
                &all
            }
        };
        let graph = Graph::new();
        let network = self.model.build(&graph, self.encoding.input.shape()?, self.objective, Build::Test)?;
        let evaluation = Evaluation::new(&graph, &network)?;
        let backend = Cpu::new(threads);
        let mut arena = backend.allocate(&[&evaluation.plan], rows.len().min(ROWS))?;
        weights::write(&backend, &mut arena, &evaluation.plan, &self.tensors);
        let judgement = evaluation.judge(&backend, &mut arena, &self.encoding, examples, rows)?;
        judgement.ok_or_else(|| InputError::new(source, "rows to judge", "none", "give data with rows"))
    }

    /// Starts predicting into `out` as CSV: a header, then for each row `predicted`, the most
    /// probable class, and each class's probability in a column by its name; or for numbers
    /// `predicted` alone, in the target's unit.
    ///
    /// ```
    /// # use chainrule::{Settings, digits, train};
    /// # let settings = Settings { model: Some("affine:10".parse()?), epochs: 2, ..Settings::default() };
    /// let trained = train(digits(), &settings, |_progress| {})?;
    /// let mut csv = Vec::new();
    /// let mut predictions = trained.predictor.predict_into(&mut csv, 1)?;
    /// predictions.add(digits().select(&[0, 1]))?;
    /// predictions.finish()?;
    /// assert_eq!(String::from_utf8(csv)?.lines().count(), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If there is no memory for the network.
    pub fn predict_into<W: Write>(&self, out: W, threads: usize) -> Result<Predictions<'_, W>, PredictError> {
        let graph = Graph::new();
        let input = self.encoding.input.shape()?;
        let network = self.model.build(&graph, input, self.objective, Build::Test)?;
        let plan = graph.predict(&[network.y]).map_err(InputError::from)?;
        let backend = Cpu::new(threads);
        let mut arena = backend.allocate(&[&plan], ROWS).map_err(InputError::from)?;
        weights::write(&backend, &mut arena, &plan, &self.tensors);
        let out = csv::Writer::from_writer(out);
        Ok(Predictions {
            predictor: self,
            backend,
            y: plan.value(network.y),
            plan,
            arena,
            out,
            headed: false,
            names: None,
        })
    }
}

impl From<csv::Error> for PredictError {
    /// The error of the writer itself, so that a closed pipe can be told from a full disk.
    fn from(e: csv::Error) -> Self {
        match e.into_kind() {
            csv::ErrorKind::Io(e) => PredictError::Write(e),
            other => PredictError::Write(io::Error::other(format!("{other:?}"))),
        }
    }
}

/// Predictions under way.
pub struct Predictions<'a, W: Write> {
    predictor: &'a Predictor,
    backend: Cpu,
    plan: Plan,
    y: Option<Buf>,
    arena: CpuArena,
    out: csv::Writer<W>,
    headed: bool,
    /// The names of the rows at hand, if rows have names.
    names: Option<Vec<String>>,
}

impl Predictions<'_, Vec<u8>> {
    /// For a part that is not the first.
    pub(crate) fn without_header(mut self) -> Self {
        self.headed = true;
        self
    }

    /// What was written since the last time.
    pub(crate) fn take(&mut self) -> Result<Vec<u8>, PredictError> {
        let out = std::mem::replace(&mut self.out, csv::Writer::from_writer(Vec::new()));
        out.into_inner().map_err(|e| PredictError::Write(io::Error::other(e.to_string())))
    }
}

impl<W: Write> Predictions<'_, W> {
    /// As [`add`](Self::add), each row with the file that it comes from in a first column `file`: for all of the rows, or none.
    ///
    /// ```
    /// # use chainrule::{Settings, digits, train};
    /// # let settings = Settings { model: Some("affine:10".parse()?), epochs: 2, ..Settings::default() };
    /// let trained = train(digits(), &settings, |_progress| {})?;
    /// let mut csv = Vec::new();
    /// let mut predictions = trained.predictor.predict_into(&mut csv, 1)?;
    /// predictions.add_files(digits().select(&[0, 1]), vec!["a.png".into(), "b.png".into()])?;
    /// predictions.finish()?;
    /// assert!(csv.starts_with(b"file,predicted,"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn add_files(&mut self, data: Dataset, files: Vec<String>) -> Result<(), PredictError> {
        self.names = Some(files);
        self.add(data)
    }

    /// Predicts for all rows of `data`; a target that they have is not looked at.
    ///
    /// # Errors
    /// If the rows do not fit the network, or cannot be written.
    pub fn add(&mut self, mut data: Dataset) -> Result<(), PredictError> {
        data.target = Target::None;
        let table = self.predictor.encoding.apply(data)?;
        // Only now, so that rows that do not fit leave nothing behind.
        self.header()?;
        let columns = table.columns();
        let Some(y) = self.y else { return Ok(()) };
        for numbers in table.rows().chunks(ROWS) {
            let rows = Rows::pick(&self.plan, &columns, numbers).map_err(InputError::from)?;
            self.backend.run(&self.plan, &mut self.arena, &rows, Clock::default());
            let outputs = self.backend.read(&self.plan, &self.arena, y);
            let first = numbers.first().map_or(0, |&row| row as usize);
            let rows = outputs.chunks_exact(y.shape.len()).enumerate();
            rows.into_iter().try_for_each(|(row, outputs)| self.write(first + row, outputs))?;
        }
        Ok(())
    }

    /// A row of which nothing is known: empty cells.
    pub(crate) fn add_nothing(&mut self) -> Result<(), PredictError> {
        self.header()?;
        let classes = match &self.predictor.encoding.target {
            TargetEncoding::Classes(names) => names.len(),
            TargetEncoding::Number { .. } => 0,
        };
        Ok(self.out.write_record((0..=classes).map(|_| ""))?)
    }

    pub(crate) fn header(&mut self) -> Result<(), PredictError> {
        if std::mem::replace(&mut self.headed, true) {
            return Ok(());
        }
        if self.names.is_some() {
            self.out.write_field("file")?;
        }
        self.out.write_field("predicted")?;
        if let TargetEncoding::Classes(names) = &self.predictor.encoding.target {
            for name in names {
                self.out.write_field(format!("p({name})"))?;
            }
        }
        Ok(self.out.write_record(None::<&[u8]>)?)
    }

    fn write(&mut self, row: usize, outputs: &[f64]) -> Result<(), PredictError> {
        if let Some(names) = &self.names {
            self.out.write_field(names.get(row).map_or("", String::as_str))?;
        }
        match &self.predictor.encoding.target {
            TargetEncoding::Classes(names) => {
                let outputs = probabilities(outputs, names.len());
                self.out.write_field(names.get(best(&outputs).0 as usize).map_or("", String::as_str))?;
                for probability in outputs {
                    self.out.write_field((probability as f32).to_string())?;
                }
            }
            TargetEncoding::Number { scale, .. } => {
                self.out.write_field(scale.invert(best(outputs).1 as f32).to_string())?;
            }
        }
        Ok(self.out.write_record(None::<&[u8]>)?)
    }

    /// Writes what is still buffered.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(mut self) -> Result<(), PredictError> {
        self.header()?;
        Ok(self.out.flush()?)
    }
}
