//! Digits, and what layers have learned of them, as images.

use chainrule::engine::{Backend, Clock, Column, Graph, Reference, Rows, ops::Conv2d};
use chainrule::{Cells, Settings, Target, Tensor, train};

use crate::canvas::{Outcome, cells, grey, largest, page, signed, word};

const SIDE: usize = 8;
const PIXELS: usize = SIDE * SIDE;

/// The pixels of a digit, from 0 to 1.
fn pixels(row: usize) -> Vec<f64> {
    let Cells::U8 { cells, scale } = chainrule::digits().cells else { return Vec::new() };
    cells[row * PIXELS..][..PIXELS].iter().map(|&cell| f64::from(cell) * f64::from(scale)).collect()
}

/// Two rows of ten, with their classes.
pub(crate) fn digits() -> Outcome<()> {
    let area = page("digits", (760, 196))?;
    let Target::Classes { labels, .. } = chainrule::digits().target else { return Ok(()) };
    for (row, label) in labels.iter().enumerate().take(20) {
        let (x, y) = (16 + (row % 10) as i32 * 74, 12 + (row / 10) as i32 * 92);
        cells(&area, &pixels(row), SIDE, (x, y), SIDE as i32, grey)?;
        word(&area, &label.to_string(), (x + 32, y + 75), 15)?;
    }
    Ok(area.present()?)
}

/// The parameters of a network trained on the digits.
fn learned(model: &str, epochs: usize) -> Outcome<Vec<Tensor>> {
    let settings = Settings { model: Some(model.parse()?), epochs, ..Settings::default() };
    Ok(train(chainrule::digits(), &settings, |_| {})?.predictor.tensors().to_vec())
}

/// The ten columns of one layer's weights.
pub(crate) fn affine() -> Outcome<()> {
    let tensors = learned("affine:10", 50)?;
    let area = page("affine", (760, 236))?;
    for class in 0..10 {
        let column: Vec<f64> = tensors[0].values.iter().skip(class).step_by(10).map(|&w| f64::from(w)).collect();
        let (x, y) = (24 + (class % 5) as i32 * 146, 8 + (class / 5) as i32 * 116);
        let most = largest(&column);
        cells(&area, &column, SIDE, (x, y), 11, |w| signed(w, most))?;
        word(&area, &class.to_string(), (x + 108, y + 44), 24)?;
    }
    Ok(area.present()?)
}

/// Eight kernels, and the feature maps that they make of a digit.
pub(crate) fn convolution() -> Outcome<()> {
    const KERNELS: usize = 8;
    let tensors = learned("conv2d:8@3,padding=1 relu max_pool:2 affine:10", 30)?;
    let digit = pixels(0);

    let g = Graph::new();
    let (x, w, b) = (g.input("x", [1, SIDE, SIDE]), g.parameter("w", [KERNELS, 1, 3, 3]), g.parameter("b", [KERNELS]));
    let maps = x.conv2d(w, b, Conv2d { padding: 1, ..Conv2d::default() }).relu();
    let plan = g.predict(&[maps])?;
    let mut arena = Reference.allocate(&[&plan], 1)?;
    for (parameter, tensor) in plan.parameters().iter().zip(&tensors) {
        let values: Vec<f64> = tensor.values.iter().map(|&w| f64::from(w)).collect();
        Reference.write(&mut arena, parameter.span, &values);
    }
    Reference.run(&plan, &mut arena, &Rows::all(&plan, &[Column::F64(&digit)])?, Clock::default());
    let maps = Reference.read(&plan, &arena, plan.value(maps).ok_or("it is delivered")?);
    let kernels: Vec<f64> = tensors[0].values.iter().map(|&w| f64::from(w)).collect();

    let area = page("convolution", (760, 190))?;
    cells(&area, &digit, SIDE, (16, 86), 10, grey)?;
    let (steepest, brightest) = (largest(&kernels), largest(&maps));
    for kernel in 0..KERNELS {
        let x = 122 + kernel as i32 * 79;
        cells(&area, &kernels[kernel * 9..][..9], 3, (x + 14, 16), 15, |w| signed(w, steepest))?;
        cells(&area, &maps[kernel * PIXELS..][..PIXELS], SIDE, (x, 94), 9, |y| grey(y / brightest))?;
    }
    Ok(area.present()?)
}
