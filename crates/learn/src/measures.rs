//! All metrics of a network on some rows.

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::metrics::{self, ConfusionMatrix, Judges, METRICS};

/// What was measured: each metric that judges such a target, in the order of [`METRICS`].
#[derive(Clone, Debug, PartialEq)]
pub struct Measures {
    /// A metric's name and its value; `None` where it has no meaning, such as a ranking of a class that does not occur.
    pub values: Vec<(&'static str, Option<f64>)>,
    /// How often each class was taken for each.
    pub confusion: Option<ConfusionMatrix>,
}

impl Measures {
    /// Of the probabilities of `classes` classes, row after row. Top-k metrics of no fewer classes than k are left out, as
    /// they are always 1.
    ///
    /// ```
    /// let measures = chainrule::Measures::of_classes(&[0.9, 0.1, 0.4, 0.6], &[0, 1], 2);
    /// assert_eq!(measures.values[0], ("accuracy", Some(1.0)));
    /// ```
    pub fn of_classes(probabilities: &[f64], labels: &[u32], classes: usize) -> Measures {
        let predicted: Vec<u32> =
            probabilities.chunks_exact(classes.max(1)).map(|row| crate::evaluate::best(row).0).collect();
        let confusion = ConfusionMatrix::new(&predicted, labels, classes);
        let counted = |of: &dyn Fn(&ConfusionMatrix) -> f64| confusion.as_ref().map(of);
        let value = |name: &str| match name {
            "accuracy" => metrics::accuracy(&predicted, labels),
            "top_2" => metrics::top_k(probabilities, labels, classes, 2),
            "top_5" => metrics::top_k(probabilities, labels, classes, 5),
            "balanced_accuracy" => counted(&ConfusionMatrix::balanced_accuracy),
            "precision_macro" => counted(&|c| c.macro_mean(ConfusionMatrix::precision)),
            "recall_macro" => counted(&|c| c.macro_mean(ConfusionMatrix::recall)),
            "f1_macro" => counted(&|c| c.macro_mean(ConfusionMatrix::f1)),
            "f1_micro" => counted(&ConfusionMatrix::f1_micro),
            "roc_auc" => metrics::roc_auc(probabilities, labels, classes),
            "pr_auc" => metrics::average_precision(probabilities, labels, classes),
            "log_loss" => metrics::log_loss(probabilities, labels, classes),
            "brier" => metrics::brier(probabilities, labels, classes),
            "calibration_error" => metrics::calibration_error(probabilities, labels, classes),
            _ => None,
        };
        let trivial = |name: &str| (name == "top_2" && classes <= 2) || (name == "top_5" && classes <= 5);
        let values = names(Judges::Classes).filter(|name| !trivial(name)).map(|name| (name, value(name))).collect();
        Measures { values, confusion }
    }

    /// Of predicted numbers, in the target's unit.
    ///
    /// ```
    /// let measures = chainrule::Measures::of_numbers(&[1.0, 3.0], &[1.0, 2.0]);
    /// assert_eq!(measures.values[0], ("mse", Some(0.5)));
    /// ```
    pub fn of_numbers(predicted: &[f32], values: &[f32]) -> Measures {
        let value = |name: &str| match name {
            "mse" => metrics::mse(predicted, values),
            "rmse" => metrics::rmse(predicted, values),
            "mae" => metrics::mae(predicted, values),
            "median_absolute_error" => metrics::median_absolute_error(predicted, values),
            "r2" => metrics::r2(predicted, values),
            _ => None,
        };
        Measures { values: names(Judges::Numbers).map(|name| (name, value(name))).collect(), confusion: None }
    }
}

fn names(judges: Judges) -> impl Iterator<Item = &'static str> {
    METRICS.iter().filter(move |metric| metric.judges == judges).map(|metric| metric.name)
}

impl Serialize for Measures {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in &self.values {
            map.serialize_entry(name, value)?;
        }
        if let Some(confusion) = &self.confusion {
            map.serialize_entry("confusion", confusion.counts())?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_measured() {
        let sixths: Vec<f64> = (0..36).map(|i| if i % 7 == 0 { 0.5 } else { 0.1 }).collect();
        let classes = Measures::of_classes(&sixths, &[0, 1, 2, 3, 4, 5], 6);
        let numbers = Measures::of_numbers(&[1.0, 2.0], &[1.5, 2.5]);
        let measured: Vec<_> = classes.values.iter().chain(&numbers.values).collect();
        assert_eq!(measured.iter().map(|(name, _)| *name).collect::<Vec<_>>(), METRICS.map(|metric| metric.name));
        assert!(measured.iter().all(|(_, value)| value.is_some()), "{measured:?}");
    }
}
