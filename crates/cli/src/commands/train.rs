//! `chainrule train`: from data to a run.

use std::path::{Path, PathBuf};

use chainrule::cross_validation;
use chainrule::engine::{Optimizer, Shape};
use chainrule::run_folder::{expect_free, save};
use chainrule::{
    Checkpoint, Data, Every, Fractions, InitFrom, Initial, InputError, Keeper, Loss, Model, Progress, Record, Schedule,
    Settings, Source, Stored, TensorBoard, TrainError, train_kept, train_stored,
};
use clap::Args;

use super::split_args::SplitArgs;
use super::summary::Summary;
use super::table_args::TableArgs;
use super::{find_rate, folds};
use crate::arguments;
use crate::interrupt;
use crate::outcome::{No, tell};
use crate::progress::Display;

/// Train a network
///
/// Trains on DATA, or without it on 1797 handwritten digits inside the program, and leaves a
/// RUN: a folder with the network of the best epoch and the record of everything that was asked.
#[derive(Args)]
#[command(
    allow_negative_numbers = true,
    args_override_self = true, // of a flag in --config and in the command line the last counts
    after_help = "\
Examples:
  chainrule train
  chainrule train iris.csv --target species
  chainrule train adult.csv.gz --target income --ignore fnlwgt
  psql -c 'COPY visits TO STDOUT CSV HEADER' | chainrule train - --target outcome --out runs/visits
  chainrule train visits.csv --target outcome --groups patient
  chainrule train data.npz --target y
  chainrule train sales.csv --target amount --time date --test next-year.csv
  chainrule train sales.csv --target amount --split runs/sales-1
  chainrule train large.csv --target y --memory 500MB
  chainrule train mnist --model 'affine:50 relu affine:10' --optimizer sgd --epochs 17 --batch 100
  chainrule train --optimizer momentum --find-rate
  chainrule train --epochs 300 --patience 10
  chainrule train --tensorboard logs
  chainrule train iris.csv --target species --folds 5
  chainrule train pets --size 64x64
  chainrule train pets --size 64x64 --init-from runs/animals-1/model.safetensors --rate 0.0001
  chainrule train --optimizer adamw,beta2=0.99 --weight-decay 0.05 --schedule cosine --warm-up 1
  chainrule train mnist --config recipes/mnist_mlp.toml
  chainrule train --model 'conv2d:16@3,padding=1 relu max_pool:2 affine:10'
  chainrule train pixels.csv --target digit --input 1x28x28 --model 'conv2d:8@5 relu max_pool:2 affine:10'

The words of SPEC, with their parameters and formulas:  chainrule list layers"
)]
pub(crate) struct TrainArgs {
    /// A CSV table, - on standard input, a folder with a folder of PNG or JPEG images for each class, a folder of MNIST's IDX files, or
    /// numpy's arrays, .npz or .npy
    data: Option<PathBuf>,
    #[command(flatten)]
    table: TableArgs,
    /// Do with about so much memory, however large a table is, to the same network: 500MB, 2GB. It is read once into a cache
    /// beside it, DATA.chainrule-cache, which the next training finds ready
    #[arg(long, value_name = "SIZE", requires = "data", conflicts_with_all = ["find_rate", "folds"], value_parser = arguments::bytes)]
    memory: Option<u64>,
    /// Learn the logarithm of a target of positive numbers, as suits one that reaches over several orders of size; scores
    /// and predictions are in its own unit
    #[arg(long, requires = "data")]
    log_target: bool,
    /// A TOML file of these flags by name, such as rate = 0.1 or log_target = true; the command line comes before it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The layers in order, of the words that `chainrule list layers` shows
    /// [default: 'affine:128 relu affine:K'; for a table 'affine:128 relu affine:64 relu affine:K']
    #[arg(long, value_name = "SPEC", value_parser = arguments::model)]
    model: Option<Model>,
    /// What is made small, of the words that `chainrule list losses` shows [default: as the target says]
    #[arg(long, value_name = "NAME", value_parser = arguments::loss)]
    loss: Option<Loss>,
    /// What image a row of a table is, channels x height x width: 1x28x28 [default: as the data say]
    #[arg(long, value_name = "SHAPE", value_parser = arguments::input)]
    input: Option<Shape>,
    /// How often each row is learned from [default: 50; for a table 5 to 200, for about 16000 steps in all]
    #[arg(long, value_name = "N", value_parser = arguments::count)]
    epochs: Option<usize>,
    /// Stop when the validation loss has not fallen for N epochs, and keep the best one; --epochs is still the most,
    /// and what a schedule goes by
    #[arg(long, value_name = "N", value_parser = arguments::count)]
    patience: Option<usize>,
    /// Rows in a step [default: 32; for a table 64, and fewer for a small one]
    #[arg(long, value_name = "N", value_parser = arguments::count)]
    batch: Option<usize>,
    /// How weights follow their gradients: sgd, momentum, nesterov, adagrad, rmsprop, adam, adamw or lion, with
    /// settings after commas: adam,beta1=0.8 [default: adam; for a table adamw,decay=0.1 at rate 0.004]
    #[arg(long, value_name = "OPTIMIZER", value_parser = arguments::optimizer)]
    optimizer: Option<Optimizer>,
    /// The learning rate [default: the optimizer's usual one, such as 0.1 for sgd, 0.001 for adam]
    #[arg(long, value_name = "R", value_parser = arguments::rate)]
    rate: Option<f64>,
    /// Do not train: let the rate rise over some hundreds of steps and suggest one by how the loss answers; leaves no RUN
    #[arg(long, conflicts_with_all = ["rate", "schedule", "warm_up", "out", "force", "epochs", "patience", "folds"])]
    find_rate: bool,
    /// How the rate goes on: constant, step, exponential, cosine, one_cycle or plateau, with settings after a colon:
    /// 'step:every=10,factor=0.5' [default: constant; for a table without --optimizer cosine]
    #[arg(long, value_name = "SCHEDULE", value_parser = arguments::schedule)]
    schedule: Option<Schedule>,
    /// Let the rate rise over the first N epochs, before the schedule begins; 0.5 is half an epoch
    #[arg(long, value_name = "N", default_value = "0", value_parser = arguments::warm_up)]
    warm_up: f64,
    /// How weights are drawn: zeros, normal:STD, uniform:LIMIT, xavier, he, lecun or orthogonal
    /// [default: he before relu, xavier before sigmoid and tanh, else lecun]
    #[arg(long, value_name = "NAME", value_parser = arguments::initial)]
    initial: Option<Initial>,
    /// Begin with the weights of a safetensors file, by name: a run's model.safetensors, or PyTorch's of a Sequential, whose
    /// Linear weights are transposed; what it has not is drawn. The last layer is drawn if its number of outputs differs
    #[arg(long, value_name = "FILE", value_parser = arguments::init_from)]
    init_from: Option<InitFrom>,
    /// Pull weights, but not biases, to 0: decoupled from the gradient with adamw and lion, else added to it
    #[arg(long, value_name = "X", value_parser = arguments::weight_decay)]
    weight_decay: Option<f64>,
    /// Scale all gradients down together when their norm is above X
    #[arg(long, value_name = "X", value_parser = arguments::clip)]
    clip_norm: Option<f64>,
    /// Cut each element of a gradient off at -X and X
    #[arg(long, value_name = "X", value_parser = arguments::clip)]
    clip_value: Option<f64>,
    /// Of all chance; the same seed and data give the same network
    #[arg(long, value_name = "N", default_value_t = Settings::default().seed, value_parser = arguments::seed)]
    seed: u64,
    /// Threads; they change no result [default: all]
    #[arg(long, value_name = "N", value_parser = arguments::threads)]
    threads: Option<usize>,
    /// The run's folder [default: the next free of runs/DATA-1, -2, …]
    #[arg(long, value_name = "RUN")]
    out: Option<PathBuf>,
    /// Replace a run that is already in --out
    #[arg(long, requires = "out")]
    force: bool,
    #[command(flatten)]
    split: SplitArgs,
    /// Cross-validate: deal all rows but the test rows into K folds, train K times without one of them and judge by it;
    /// leaves no RUN, but with --out a folder of the folds' scores
    #[arg(long, value_name = "K", value_parser = arguments::folds)]
    folds: Option<usize>,
    /// Go on with a training that was interrupted, to the same bits as without it: the folder that it was to leave
    #[arg(long, value_name = "RUN", conflicts_with_all = OF_A_BEGINNING)]
    resume: Option<PathBuf>,
    /// How often a checkpoint is written to go on from: steps, seconds such as 30s, or epoch
    #[arg(long, value_name = "WHEN", default_value = "10s", value_parser = arguments::every)]
    checkpoint_every: Every,
    /// Write event files for TensorBoard to a folder in DIR that is called as the RUN is: scores, rate and speed of each epoch,
    /// how the layers are doing, histograms of weights and gradients. To be given again with --resume
    #[arg(long, value_name = "DIR", conflicts_with_all = ["find_rate", "folds"])]
    tensorboard: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Say nothing but warnings and errors
    #[arg(long, short, conflicts_with_all = ["find_rate", "folds"])]
    quiet: bool,
}

impl TrainArgs {
    fn talk(&self) -> Talk {
        Talk { json: self.json, quiet: self.quiet }
    }
}

/// What a training says of itself.
#[derive(Clone, Copy)]
struct Talk {
    json: bool,
    quiet: bool,
}

/// What a training that goes on has from its beginning.
const OF_A_BEGINNING: [&str; 36] = [
    "data",
    "target",
    "no_header",
    "delimiter",
    "category",
    "ignore",
    "weights",
    "memory",
    "size",
    "log_target",
    "config",
    "model",
    "loss",
    "input",
    "epochs",
    "patience",
    "batch",
    "optimizer",
    "rate",
    "find_rate",
    "schedule",
    "warm_up",
    "initial",
    "init_from",
    "weight_decay",
    "clip_norm",
    "clip_value",
    "seed",
    "out",
    "force",
    "validation",
    "test",
    "groups",
    "time",
    "split",
    "folds",
];

/// Trains, writes the run, prints its scores.
pub(crate) fn run(args: &TrainArgs) -> anyhow::Result<()> {
    if let Some(folder) = &args.resume {
        let (mut keeper, checkpoint) = Keeper::resume(folder, args.checkpoint_every, interrupt::stop())?;
        let within = |e: InputError| InputError { place: format!("{}, {}", folder.display(), e.place), ..e };
        let settings = Settings { threads: args.threads, ..checkpoint.header.settings().map_err(within)? };
        let data = Examples::open(keeper.source(), args.quiet)?;
        let logs = args.tensorboard.as_deref().map(|logs| events(logs, folder));
        let board = logs.map(|logs| TensorBoard::resume(&logs, &settings, &checkpoint)).transpose()?;
        return keep(data, &settings, &mut keeper, Some(checkpoint), board, args.talk());
    }
    let source = args.split.of(Source { memory: args.memory, ..args.table.source(args.data.clone()) });
    let fractions = args.split.fractions()?;
    let out = || args.out.clone().unwrap_or_else(|| next_free(&source.name()));
    // Before the data are read, and before the training: its time would be lost.
    args.settings(&Settings::default(), fractions).check()?;
    source.expect_text()?;
    match args.folds {
        Some(_) => args.out.as_deref().map_or(Ok(()), |out| cross_validation::expect_free(out, args.force))?,
        None if args.find_rate => {}
        None => {
            expect_free(&out(), args.force)?;
            let logs = args.tensorboard.as_deref().map(|logs| events(logs, &out()));
            logs.map_or(Ok(()), |logs| TensorBoard::expect_free(&logs, args.force))?;
        }
    }
    let data = Examples::open(&source, args.quiet)?;
    // Rows of a table that are images are learned as images.
    let usual = if args.input.is_some() { Settings::default() } else { data.usual() };
    let settings = args.settings(&usual, fractions);
    let data = match (data, args.folds) {
        (Examples::Resident(data), _) if args.find_rate => return find_rate::run(*data, &settings, args.json),
        (Examples::Resident(data), Some(count)) => {
            return folds::run(*data, &source, &settings, count, args.out.as_deref(), args.force, args.json);
        }
        (data, _) => data,
    };
    // Asked again: another training may have taken the name.
    let mut keeper = Keeper::begin(&out(), args.force, &source, args.checkpoint_every, interrupt::stop())?;
    let logs = args.tensorboard.as_deref().map(|logs| events(logs, keeper.folder()));
    let board = logs.map(|logs| TensorBoard::begin(&logs, &settings, args.force)).transpose()?;
    keep(data, &settings, &mut keeper, None, board, args.talk())
}

/// Data in memory, or a table on disk.
enum Examples {
    Resident(Box<Data>),
    Stored(Box<Stored>),
}

impl Examples {
    fn open(source: &Source, is_quiet: bool) -> Result<Examples, InputError> {
        Ok(match source.stored(None)? {
            Some(stored) => {
                stored.outdated().filter(|_| !is_quiet).iter().for_each(|why| tell(why));
                Examples::Stored(Box::new(stored))
            }
            None => Examples::Resident(Box::new(source.open(None)?)),
        })
    }

    /// The settings that are usual for them.
    fn usual(&self) -> Settings {
        match self {
            Examples::Resident(data) => Settings::usual(&data.train),
            Examples::Stored(stored) => Settings::usual(&stored.outline()),
        }
    }
}

/// Trains, from a checkpoint on if there is one, writes the run, prints its scores.
fn keep(
    data: Examples,
    settings: &Settings,
    keeper: &mut Keeper<'_>,
    from: Option<Checkpoint>,
    mut board: Option<TensorBoard>,
    talk: Talk,
) -> anyhow::Result<()> {
    let mut display = Display::new(talk.quiet);
    // Without its events a training is still a training: it goes on, and the command says in the end what failed.
    let mut unwritten = None;
    let watch = |progress: Progress<'_>| {
        if let (Some(board), None) = (&mut board, &unwritten) {
            unwritten = board.watch(progress).err();
            unwritten.iter().for_each(|e| tell(&format!("warning: no more events for TensorBoard: {e}")));
        }
        display.show(progress);
    };
    let trained = match data {
        Examples::Resident(data) => train_kept(*data, settings, keeper, from, watch),
        Examples::Stored(stored) => train_stored(*stored, settings, keeper, from, watch),
    };
    display.finish();
    let (folder, source) = (keeper.folder(), keeper.source());
    let logs = board.as_ref().and_then(|board| board.folder().parent());
    let logs = logs.map_or(String::new(), |logs| format!(" --tensorboard {}", logs.display()));
    let trained = trained.map_err(|e| match e {
        TrainError::Stopped { epoch, .. } => {
            let seen = if epoch > 1 { ", and report.html shows the epochs so far" } else { "" };
            No(format!(
                "{e}; a checkpoint holds all of it{seen}\n  go on with: chainrule train --resume {}{logs}",
                folder.display()
            ))
            .into()
        }
        other => told(other),
    })?;
    // The folder is this training's own since it began.
    let findings = save(folder, &trained, source, true)?;
    if talk.json || !talk.quiet {
        Summary::new(folder, &Record::of(&trained, source), trained.test).print(talk.json)?;
    }
    if let (Some(board), None) = (&mut board, &unwritten) {
        unwritten = board.end(&trained).err();
    }
    if !talk.quiet {
        let folder = folder.display();
        if let Some(first) = findings.first() {
            let more = if findings.len() > 1 { format!(", and {} more", findings.len() - 1) } else { String::new() };
            let (what, when) = (first.illness, first.when());
            tell(&format!("doctor: {what}, {when}{more}; chainrule doctor {folder} says what to try"));
        }
        tell(&format!("next: open {folder}/report.html in a browser, or chainrule test {folder} --metrics"));
    }
    unwritten.map_or(Ok(()), |e| Err(e.into()))
}

/// The folder for the events of a run: one of its own, so that TensorBoard lays runs over each other.
fn events(logs: &Path, run: &Path) -> PathBuf {
    // A run may be given as `.`, which has a name all the same.
    let name = std::path::absolute(run).ok().and_then(|run| run.file_name().map(ToOwned::to_owned));
    logs.join(name.unwrap_or_else(|| "run".into()))
}

/// Why training gave nothing, as what decides the exit status.
pub(crate) fn told(e: TrainError) -> anyhow::Error {
    match e {
        TrainError::Input(e) => anyhow::Error::new(e),
        TrainError::Diverged(e) => anyhow::Error::new(*e),
        stopped @ TrainError::Stopped { .. } => No(stopped.to_string()).into(),
    }
}

impl TrainArgs {
    /// What was asked for, and the usual where nothing was.
    fn settings(&self, usual: &Settings, fractions: Fractions) -> Settings {
        // The usual rate and its course are for the usual optimizer.
        let (rate, schedule) = match self.optimizer {
            None => (usual.rate, usual.schedule),
            Some(_) => (None, Schedule::Constant),
        };
        Settings {
            model: self.model.clone(),
            loss: self.loss,
            input: self.input,
            log_target: self.log_target,
            optimizer: self.optimizer(usual.optimizer),
            rate: self.rate.or(rate),
            schedule: self.schedule.unwrap_or(schedule),
            warm_up: self.warm_up,
            initial: self.initial,
            init_from: self.init_from.clone(),
            batch: self.batch.unwrap_or(usual.batch),
            epochs: self.epochs.unwrap_or(usual.epochs),
            patience: self.patience,
            seed: self.seed,
            threads: self.threads,
            fractions,
        }
    }

    /// The optimizer, with what was said of it beside its settings.
    fn optimizer(&self, usual: Optimizer) -> Optimizer {
        let mut optimizer = self.optimizer.unwrap_or(usual);
        if let Some(decay) = self.weight_decay {
            optimizer = optimizer.with_weight_decay(decay);
        }
        Optimizer {
            clip_norm: self.clip_norm.unwrap_or(optimizer.clip_norm),
            clip_value: self.clip_value.unwrap_or(optimizer.clip_value),
            ..optimizer
        }
    }
}

/// `runs/<name>-1`, or the next that is not there.
fn next_free(name: &str) -> PathBuf {
    let numbered = |n: usize| Path::new("runs").join(format!("{name}-{n}"));
    (1..).map(numbered).find(|path| !path.exists()).unwrap_or_else(|| numbered(1))
}
