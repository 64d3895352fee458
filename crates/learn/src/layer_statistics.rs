//! How each layer is doing: for weights, gradients and outputs the root mean square, the spread, and the share of units that no
//! longer learn.
//!
//! Measured before the first step and after epochs, at most [`RECORDS`] times in a training, on the same training rows each
//! time: what changes from record to record is then the network. The rows go through the training build (with dropout, with the
//! batch's own statistics) forward and back, in an arena of their own, so that no bit of the training depends on being
//! watched.

use chainrule_engine::{Backend, Clock, Goal, Graph, Kind, NodeId, Plan, Request, Rows, Span};
use serde::{Deserialize, Serialize};

use crate::encoding::Table;
use crate::examples::Examples;
use crate::histogram::{Histogram, Range, rounded};
use crate::input_error::InputError;
use crate::model::{Model, Network};
use crate::spec::Layer;

/// How many times it is measured at most, the first time not counted.
pub const RECORDS: usize = 50;

/// Rows that are looked at, at most.
const SAMPLE: usize = 128;

/// Numbers of all rows' outputs that are looked at, at most: images take fewer rows.
const NUMBERS: usize = 1 << 23;

/// A unit's derivative below this share of the largest that its function can have: it hardly learns.
const FLAT: f64 = 0.02;

/// All layers at one time.
///
/// ```
/// # use chainrule::{Settings, Source, digits, run_folder, train};
/// # let temporary = tempfile::tempdir()?;
/// # let folder = temporary.path().join("run");
/// # let settings = Settings { model: Some("affine:10".parse()?), epochs: 2, ..Settings::default() };
/// # let trained = train(digits(), &settings, |_progress| {})?;
/// # run_folder::save(&folder, &trained, &Source::default(), false)?;
/// let run = chainrule::Run::open(&folder)?;
/// # // A run that was not kept has no layers to show.
/// for layers in run.layers().unwrap_or_default() {
///     println!("after epoch {}: {}", layers.epoch, layers.parameters[0].gradient_rms);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layers {
    /// After this epoch; 0 before the first step.
    pub epoch: usize,
    /// Weights and biases, in the order of the layers.
    pub parameters: Vec<ParameterStatistics>,
    /// What comes out of layers, in their order.
    pub outputs: Vec<OutputStatistics>,
}

/// A weight or a bias.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParameterStatistics {
    /// The number of its layer's word in the SPEC, from 0, and what it is: `2.weight`.
    pub name: String,
    /// √(mean w²)
    pub rms: f64,
    /// √(mean (∂loss/∂w)²)
    pub gradient_rms: f64,
    /// Of w.
    pub values: Histogram,
    /// Of ∂loss/∂w.
    pub gradients: Histogram,
}

/// What a layer gives for the rows that are looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputStatistics {
    /// The number of its word in the SPEC, from 0.
    pub layer: usize,
    /// The word.
    pub word: String,
    /// √(mean y²)
    pub rms: f64,
    /// √(mean (∂loss of a row/∂y)²)
    pub gradient_rms: f64,
    /// Of a relu: the share of units (numbers of a vector, channels of an image) that are 0 for each of the rows, and so let no
    /// derivative through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead: Option<f64>,
    /// Of a sigmoid or tanh: the share of outputs where its derivative is under 2 % of the largest it can have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saturated: Option<f64>,
}

/// Whether it is measured after this epoch of so many.
pub(crate) fn is_due(epoch: usize, epochs: usize) -> bool {
    epoch.is_multiple_of(every(epochs)) || epoch == epochs
}

/// From one epoch that is measured to the next, of so many.
pub(crate) fn every(epochs: usize) -> usize {
    epochs.div_ceil(RECORDS).max(1)
}

/// Looks at the layers.
pub(crate) struct Observer<'a, B: Backend> {
    backend: &'a B,
    plan: Plan,
    arena: B::Arena,
    sample: Sample<'a>,
    /// Each layer whose output is looked at: its number, its word and its node.
    outputs: Vec<(usize, Layer, NodeId)>,
}

/// The rows that are looked at.
enum Sample<'a> {
    /// Of a table in memory.
    Resident(&'a Table, Vec<u32>),
    /// Of a table on disk, in memory.
    Stored(Box<Table>),
}

impl<'a, B: Backend> Observer<'a, B> {
    /// Of a training of this network on the `train` rows, which are in ascending order.
    ///
    /// # Errors
    /// If there is no memory for it, or the disk fails.
    pub(crate) fn new(
        backend: &'a B,
        (graph, model, network): (&Graph, &Model, &Network<'_>),
        examples: &'a Examples,
        train: &[u32],
    ) -> Result<Self, InputError> {
        let mut outputs: Vec<(usize, Layer, NodeId)> = Vec::new();
        for (at, (&layer, &node)) in model.layers().iter().zip(&network.layers).enumerate() {
            // A parenthesis gives what came before it.
            let is_new = outputs.iter().all(|(.., other)| *other != node);
            if is_new && matches!(graph.node(node).kind, Kind::Op(_)) {
                outputs.push((at, layer, node));
            }
        }
        let parameters = graph.ids().filter(|&id| matches!(graph.node(id).kind, Kind::Parameter));
        let request = Request {
            goal: Goal::Gradients,
            loss: Some(network.loss.id()),
            outputs: outputs.iter().map(|output| output.2).collect(),
            with_respect_to: parameters.chain(outputs.iter().map(|output| output.2)).collect(),
            trace: false,
        };
        let plan = Plan::compile(graph, &request)?;
        let numbers: usize = outputs.iter().map(|(.., node)| graph.node(*node).shape.len()).sum();
        let count = (NUMBERS / numbers.max(1)).clamp(1, SAMPLE).min(train.len());
        let rows: Vec<u32> = (0..count).map(|at| train[at * train.len() / count]).collect();
        let sample = match examples {
            Examples::Resident(table) => Sample::Resident(table, rows),
            Examples::Stored(examples) => Sample::Stored(Box::new(examples.gather(&rows)?)),
        };
        let arena = backend.allocate(&[&plan], count)?;
        Ok(Observer { backend, plan, arena, sample, outputs })
    }

    /// The layers of a network with these `parameters`, the arena's first span, after this epoch.
    pub(crate) fn look(&mut self, epoch: usize, parameters: &[f64], clock: Clock) -> Result<Layers, InputError> {
        let Observer { backend, plan, arena, sample, outputs } = self;
        backend.write(arena, Span { offset: 0, len: parameters.len() }, parameters);
        let every;
        let (table, rows): (&Table, &[u32]) = match sample {
            Sample::Resident(table, rows) => (table, rows),
            Sample::Stored(table) => {
                every = table.rows();
                (table, &every)
            }
        };
        let columns = table.columns();
        backend.run(plan, arena, &Rows::pick(plan, &columns, rows)?, clock);
        let read = |buf| backend.read(plan, arena, buf);
        let parameters = plan.parameters().iter().filter_map(|parameter| {
            let gradient = read(plan.gradient_of(parameter.node)?);
            let value = backend.read_span(arena, parameter.span);
            let (values, gradients) = (Range::of(&value), Range::of(&gradient));
            Some(ParameterStatistics {
                name: parameter.name.clone(),
                rms: rounded(values.rms(value.len())),
                gradient_rms: rounded(gradients.rms(gradient.len())),
                values: Histogram::within(values, &value),
                gradients: Histogram::within(gradients, &gradient),
            })
        });
        let outputs = outputs.iter().filter_map(|&(layer, word, node)| {
            let buf = plan.value_of(node)?;
            let y = read(buf);
            let gradient = plan.gradient_of(node).map_or(Vec::new(), read);
            Some(OutputStatistics {
                layer,
                word: word.to_string(),
                rms: rounded(Range::of(&y).rms(y.len())),
                // The loss is the mean of the rows'.
                gradient_rms: rounded(Range::of(&gradient).rms(gradient.len()) * rows.len() as f64),
                dead: (word == Layer::Relu).then(|| rounded(dead(&y, buf.shape.axes()))),
                saturated: match word {
                    Layer::Sigmoid => Some(share(&y, |y| 4.0 * y * (1.0 - y) < FLAT)),
                    Layer::Tanh => Some(share(&y, |y| 1.0 - y * y < FLAT)),
                    _ => None,
                },
            })
        });
        Ok(Layers { epoch, parameters: parameters.collect(), outputs: outputs.collect() })
    }
}

fn share(values: &[f64], is: impl Fn(f64) -> bool) -> f64 {
    rounded(values.iter().filter(|&&y| is(y)).count() as f64 / values.len().max(1) as f64)
}

/// The share of units of this shape that are 0 in every row of `y`.
fn dead(y: &[f64], shape: &[usize]) -> f64 {
    let numbers: usize = shape.iter().product();
    // Of an image, a channel.
    let (units, each) = match shape {
        [channels, ..] if shape.len() == 3 => (*channels, numbers / channels),
        _ => (numbers, 1),
    };
    let mut lives = vec![false; units];
    for row in y.chunks_exact(numbers.max(1)) {
        if each == 1 {
            lives.iter_mut().zip(row).for_each(|(lives, &y)| *lives |= y != 0.0);
            continue;
        }
        for (lives, values) in lives.iter_mut().zip(row.chunks_exact(each.max(1))) {
            *lives |= values.iter().any(|&y| y != 0.0);
        }
    }
    lives.iter().filter(|lives| !**lives).count() as f64 / units.max(1) as f64
}

#[cfg(test)]
mod tests {
    use chainrule_engine::Reference;

    use super::*;
    use crate::encoding::Labels;
    use crate::loss::Objective;
    use crate::model::{Build, Task};

    #[test]
    fn a_unit_is_dead_if_no_row_wakes_it() {
        // Three units, two rows: the second unit is 0 in both.
        assert_eq!(dead(&[0.0, 0.0, 1.0, 2.0, 0.0, 0.0], &[3]), 1.0 / 3.0);
        // Two channels of 1 x 2: the first is 0 in both rows.
        assert_eq!(dead(&[0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0], &[2, 1, 2]), 0.5);
    }

    #[test]
    fn it_is_measured_at_most_so_often_and_after_the_last_epoch() {
        for epochs in [1, 7, 50, 51, 60, 99, 1000] {
            let due: Vec<usize> = (1..=epochs).filter(|&epoch| is_due(epoch, epochs)).collect();
            assert!(due.len() <= RECORDS + 1 && due.last() == Some(&epochs), "{epochs}: {due:?}");
        }
    }

    /// Rows 1 and 2 of class 0 by affine:2 relu affine:2. The first layer's weights are 1 and −1, so that the second unit is dead; the
    /// second layer's are 0, so that both classes have ½ and ∂loss of a row/∂y = (−½, ½), and by its weights the mean of
    /// (1, 0)ᵀ(−½, ½) and (2, 0)ᵀ(−½, ½).
    #[test]
    fn what_is_measured_is_what_a_pencil_finds() {
        let model: Model = "affine:2 relu affine:2".parse().unwrap();
        let graph = Graph::new();
        let objective = Objective::usual(Task::Classes(2));
        let network = model.build(&graph, [1].into(), objective, Build::Train).unwrap();
        let examples = Examples::from(Table::of(vec![1.0, 2.0], 1, Labels::Classes(vec![0, 0]), None));
        let mut observer = Observer::new(&Reference, (&graph, &model, &network), &examples, &[0, 1]).unwrap();
        let mut parameters = vec![0.0; observer.plan.layout().parameters];
        let weight = observer.plan.parameter("0.weight").unwrap();
        parameters[weight.offset..][..2].copy_from_slice(&[1.0, -1.0]);
        let layers = observer.look(3, &parameters, Clock::default()).unwrap();

        assert_eq!(layers.epoch, 3);
        let names: Vec<&str> = layers.parameters.iter().map(|p| &*p.name).collect();
        assert_eq!(names, ["0.weight", "0.bias", "2.weight", "2.bias"]);
        let rms: Vec<f64> = layers.parameters.iter().map(|p| p.rms).collect();
        assert_eq!(rms, [1.0, 0.0, 0.0, 0.0]);
        let gradients: Vec<f64> = layers.parameters.iter().map(|p| p.gradient_rms).collect();
        assert_eq!(gradients, [0.0, 0.0, rounded(0.75 / 2f64.sqrt()), 0.5]);
        assert_eq!(layers.parameters[0].values.counts.iter().sum::<u64>(), 2);
        assert_eq!((layers.parameters[2].gradients.low, layers.parameters[2].gradients.high), (-0.75, 0.75));
        let outputs: Vec<(usize, &str, Option<f64>)> =
            layers.outputs.iter().map(|o| (o.layer, &*o.word, o.dead)).collect();
        assert_eq!(outputs, [(0, "affine:2", None), (1, "relu", Some(0.5)), (2, "affine:2", None)]);
        assert_eq!(layers.outputs[1].rms, rounded((5.0 / 4.0f64).sqrt()));
        assert_eq!((layers.outputs[2].gradient_rms, layers.outputs[1].gradient_rms), (0.5, 0.0));
    }
}
