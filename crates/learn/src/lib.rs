//! Train neural networks on the machine you have: data, training, judging, predicting.
//!
//! The digits inside the program, learned by a small network in a second:
//!
//! ```
//! use chainrule::{Settings, digits, train};
//!
//! let model = "affine:50 relu affine:10".parse()?;
//! let settings = Settings { model: Some(model), epochs: 40, seed: 1, ..Settings::default() };
//! let trained = train(digits(), &settings, |_progress| {})?;
//!
//! let test = trained.test.expect("a fifth of the rows was held out");
//! assert!(test.accuracy.unwrap() > 0.95);
//!
//! // The same network at work: a class and its probabilities for each row.
//! let mut csv = Vec::new();
//! let mut predictions = trained.predictor.predict_into(&mut csv, 1)?;
//! predictions.add(digits().select(&[0, 1, 2]))?;
//! predictions.finish()?;
//! assert!(csv.starts_with(b"predicted,p(0),p(1)"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Files come in through [`readers`] as a [`Dataset`]; [`split`] sets rows aside; an
//! [`encoding`], fitted on the training rows, turns data into the network's numbers;
//! [`mini_batch`] deals them out; [`trainer`] descends; [`evaluate`] judges; a
//! [`run_folder`] keeps. [`cross_validation`] judges by folds, and [`tune`](mod@tune) searches for settings. What is wrong with an input is said by an [`InputError`]. This crate
//! opens files and prints nothing. The mathematics is in [`chainrule_engine`].

mod batch_prediction;
mod calendar;
pub mod categories;
pub mod checkpoint;
pub mod choice;
pub mod closest;
pub mod columns;
mod command_line;
pub mod cross_validation;
pub mod dataset;
mod decoding;
mod descent;
pub mod digits;
pub mod divergence;
pub mod doctor;
mod early_stopping;
pub mod encoding;
pub mod evaluate;
mod examples;
pub mod feature;
pub mod fingerprint;
mod first_layer;
mod folder;
pub mod folds;
pub mod forecast;
pub mod held_out;
pub mod histogram;
pub mod initial;
pub mod input_encoding;
pub mod input_error;
pub mod input_shape;
pub mod keeper;
pub mod keys;
pub mod layer_shape;
pub mod layer_statistics;
pub mod leaks;
pub mod local_derivative;
pub mod loss;
pub mod measures;
pub mod metrics;
pub mod mini_batch;
mod missing;
pub mod model;
mod node_name;
mod pipeline;
pub mod predict;
mod prepared;
pub mod pretrained;
pub mod profile;
pub mod random;
pub mod range_test;
pub mod readers;
pub mod record;
mod report;
mod row_hash;
pub mod run_folder;
pub mod sample_weights;
pub mod schedule;
mod session;
pub mod settings;
pub mod source;
pub mod spec;
pub mod split;
pub mod split_rows;
pub mod standardise;
pub mod step_losses;
pub mod stored;
pub mod tensorboard;
pub mod trace;
pub mod trainer;
pub mod training_step;
pub mod tune;
pub mod usual;
pub mod vigil;
pub mod vocabulary;
mod weights;

pub use chainrule_engine as engine;

pub use batch_prediction::Batch;
pub use checkpoint::Checkpoint;
pub use columns::Values;
pub use dataset::{Cells, Dataset, Target};
pub use digits::digits;
pub use divergence::Diverged;
pub use doctor::{Advice, Finding, Illness};
pub use encoding::Encoding;
pub use evaluate::Scores;
pub use feature::Feature;
pub use held_out::HeldOut;
pub use initial::Initial;
pub use input_error::InputError;
pub use keeper::{Every, Keeper};
pub use keys::{Keys, Part};
pub use layer_statistics::Layers;
pub use leaks::Warning;
pub use loss::{Loss, Objective};
pub use measures::Measures;
pub use mini_batch::MiniBatches;
pub use model::{Build, Model, Network, Task};
pub use predict::{PredictError, Predictor};
pub use pretrained::{InitFrom, Taken};
pub use readers::Data;
pub use record::Record;
pub use run_folder::Run;
pub use schedule::Schedule;
pub use settings::Settings;
pub use source::Source;
pub use split::{Fractions, Split};
pub use split_rows::SplitRows;
pub use standardise::{Standardise, TargetScale};
pub use stored::Stored;
pub use tensorboard::TensorBoard;
pub use trace::{Trace, TracedNode};
pub use trainer::{Progress, TrainError, Trained, train, train_kept, train_on, train_stored};
pub use training_step::TrainingStep;
pub use weights::Tensor;
