//! A SPEC: it is no network, or one whose shapes fit an image or do not, and then one that is written as it was read.
#![no_main]

use chainrule::Model;
use chainrule::engine::Shape;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(model) = text.parse::<Model>() else { return };
    let again: Model = model.to_string().parse().expect("what is written can be read");
    assert_eq!(again.to_string(), model.to_string());
    for axes in [&[3, 8, 8][..], &[7]] {
        let _ = model.shapes(Shape::new(axes).expect("a shape"));
    }
});
