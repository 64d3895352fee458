//! The book's own pictures, from trainings on the digits inside the program and from the formulas themselves.
//!
//! `cargo run --release -p chainrule-book --example pictures` writes them to `book/en/pictures`. The same program draws the same pictures.

mod canvas;
mod formulas;
mod images;
mod trainings;

use canvas::Outcome;

fn main() -> Outcome<()> {
    images::digits()?;
    images::affine()?;
    images::convolution()?;
    formulas::losses()?;
    formulas::gradient()?;
    formulas::softmax()?;
    trainings::overfitting()?;
    trainings::mini_batches()?;
    trainings::backpropagation()
}
