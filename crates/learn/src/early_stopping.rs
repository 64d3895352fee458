//! The best epoch, and when to wait for a better one no longer: Prechelt, *Early Stopping – But When?*, 1998, his third
//! class of criteria.
//!
//! The best epoch is the one with the lowest validation loss, the first of equals; without validation rows it is the last.
//! With a patience of N, training ends after N epochs in a row that were not better than the best. The course of the rate
//! is still that of all epochs that were asked for.

/// The best epoch so far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct EarlyStopping {
    patience: Option<usize>,
    best: usize,
    lowest: Option<f64>,
}

impl EarlyStopping {
    /// Before the first epoch.
    pub(crate) fn new(patience: Option<usize>) -> Self {
        EarlyStopping { patience, best: 0, lowest: None }
    }

    /// Whether `epoch`, from 1, with this validation loss is the best so far.
    pub(crate) fn is_best(&mut self, epoch: usize, loss: Option<f64>) -> bool {
        let better = match (loss, self.lowest) {
            (Some(loss), Some(lowest)) => loss < lowest,
            _ => true,
        };
        if better {
            (self.best, self.lowest) = (epoch, loss);
        }
        better
    }

    /// Whether `epoch` is the last that patience allows.
    pub(crate) fn is_over(&self, epoch: usize) -> bool {
        self.patience.is_some_and(|patience| epoch - self.best >= patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The best epoch, and the last.
    fn course(patience: Option<usize>, losses: &[f64]) -> (usize, usize) {
        let mut stopping = EarlyStopping::new(patience);
        for (epoch, &loss) in (1..).zip(losses) {
            assert_eq!(stopping.is_best(epoch, Some(loss)), stopping.best == epoch);
            if stopping.is_over(epoch) {
                return (stopping.best, epoch);
            }
        }
        (stopping.best, losses.len())
    }

    #[test]
    fn patience_counts_the_epochs_since_the_best() {
        let losses = [5.0, 3.0, 4.0, 2.0, 2.5, 2.1, 2.2, 1.0];
        assert_eq!(course(None, &losses), (8, 8));
        assert_eq!(course(Some(1), &losses), (2, 3));
        assert_eq!(course(Some(2), &losses), (4, 6));
        assert_eq!(course(Some(3), &losses), (4, 7));
        assert_eq!(course(Some(4), &losses), (8, 8));
    }

    #[test]
    fn an_equal_loss_is_no_fall() {
        assert_eq!(course(Some(2), &[1.0, 1.0, 1.0, 0.5]), (1, 3));
    }

    #[test]
    fn without_a_validation_loss_the_last_is_the_best() {
        let mut stopping = EarlyStopping::new(None);
        assert!((1..=3).all(|epoch| stopping.is_best(epoch, None) && !stopping.is_over(epoch)));
        assert_eq!(stopping.best, 3);
    }
}
