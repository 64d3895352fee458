//! How good predictions are: plain functions of predictions and truth, summed in f64 and in order.
//!
//! Each is `None` where it has no meaning: nothing to judge, not as many predictions as truths, or a
//! class that a ranking needs and that does not occur. [`METRICS`] lists them by the names that users write.
//! Values equal scikit-learn's where it has the same metric.

mod confusion;
mod probability;
mod ranking;
mod regression;

pub use confusion::{ConfusionMatrix, accuracy};
pub(crate) use probability::{BINS, calibration_bin};
pub use probability::{brier, calibration_error, log_loss};
pub use ranking::{average_precision, roc_auc, top_k};
pub use regression::{mae, median_absolute_error, mse, r2, rmse};

/// What a metric judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judges {
    /// Predicted classes and their probabilities.
    Classes,
    /// Predicted numbers.
    Numbers,
}

/// A metric as users meet it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// As users write it, and as `--json` has it.
    pub name: &'static str,
    /// In a line.
    pub formula: &'static str,
    /// What it judges.
    pub judges: Judges,
    /// Whether more is better.
    pub higher_is_better: bool,
}

const fn classes(name: &'static str, formula: &'static str, higher_is_better: bool) -> Metric {
    Metric { name, formula, judges: Judges::Classes, higher_is_better }
}

const fn numbers(name: &'static str, formula: &'static str, higher_is_better: bool) -> Metric {
    Metric { name, formula, judges: Judges::Numbers, higher_is_better }
}

/// All metrics, in the order in which they are printed.
///
/// ```
/// for metric in chainrule::metrics::METRICS {
///     println!("{}: {}", metric.name, metric.formula);
/// }
/// ```
pub const METRICS: [Metric; 18] = [
    classes("accuracy", "the share of rows whose most probable class is right", true),
    classes("top_2", "the share of rows whose class is among the 2 most probable", true),
    classes("top_5", "the share of rows whose class is among the 5 most probable", true),
    classes("balanced_accuracy", "the mean of the classes' recalls", true),
    classes("precision_macro", "the mean over classes of right / predicted", true),
    classes("recall_macro", "the mean over classes of right / occurring", true),
    classes("f1_macro", "the mean over classes of 2·precision·recall / (precision + recall)", true),
    classes("f1_micro", "the same of all classes' counts together: of single labels, the accuracy", true),
    classes("roc_auc", "P(a row of the class ranks above one of another), mean over classes", true),
    classes("pr_auc", "average precision: Σ (recallₙ − recallₙ₋₁)·precisionₙ, mean over classes", true),
    classes("log_loss", "−mean ln p(the right class)", false),
    classes("brier", "mean Σ (p − onehot)² over classes; of two classes, half of it", false),
    classes("calibration_error", "Σ over 15 bins of confidence of share·|accuracy − confidence|", false),
    numbers("mse", "mean (predicted − value)²", false),
    numbers("rmse", "√mse, in the unit of the values", false),
    numbers("mae", "mean |predicted − value|", false),
    numbers("median_absolute_error", "median |predicted − value|", false),
    numbers("r2", "1 − Σ (predicted − value)² / Σ (value − mean)²", true),
];
