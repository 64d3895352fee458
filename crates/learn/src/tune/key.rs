//! What a space may name: the options of a training that trials may differ in, by the names of `train`'s flags.

use chainrule_engine::Range;

use crate::choice;
use crate::input_error::InputError;
use crate::input_shape;
use crate::settings::Settings;

/// An option of a training.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) set: Set,
}

/// How an option is set, by the kind of its value.
#[derive(Debug)]
pub(crate) enum Set {
    /// A number in a range.
    Number(Range, fn(&mut Settings, f64)),
    /// A whole number from 1.
    Whole(fn(&mut Settings, usize)),
    /// Words, which may be wrong.
    Words(fn(&mut Settings, &str) -> Result<(), InputError>),
}

/// In the order in which they are set, weight decay after the optimizer that it is of. A trial draws for each of them, whether
/// it is in the space or not, so that one more in a space changes no other: new ones come last.
pub(crate) static KEYS: [Key; 13] = [
    Key { name: "model", set: Set::Words(|settings, text| put(&mut settings.model, text.parse())) },
    Key { name: "loss", set: Set::Words(|settings, text| put(&mut settings.loss, text.parse())) },
    Key { name: "input", set: Set::Words(|settings, text| put(&mut settings.input, input_shape::parse(text))) },
    Key {
        name: "optimizer",
        set: Set::Words(|settings, text| {
            settings.optimizer = choice::parse(text)?;
            Ok(())
        }),
    },
    Key { name: "rate", set: Set::Number(Range::Positive, |settings, rate| settings.rate = Some(rate)) },
    Key {
        name: "schedule",
        set: Set::Words(|settings, text| {
            settings.schedule = choice::parse(text)?;
            Ok(())
        }),
    },
    Key { name: "warm_up", set: Set::Number(Range::NotNegative, |settings, epochs| settings.warm_up = epochs) },
    Key { name: "initial", set: Set::Words(|settings, text| put(&mut settings.initial, choice::parse(text))) },
    Key { name: "patience", set: Set::Whole(|settings, epochs| settings.patience = Some(epochs)) },
    Key { name: "batch", set: Set::Whole(|settings, rows| settings.batch = rows) },
    Key {
        name: "weight_decay",
        set: Set::Number(Range::NotNegative, |settings, decay| {
            settings.optimizer = settings.optimizer.with_weight_decay(decay);
        }),
    },
    Key { name: "clip_norm", set: Set::Number(Range::Positive, |settings, most| settings.optimizer.clip_norm = most) },
    Key {
        name: "clip_value",
        set: Set::Number(Range::Positive, |settings, most| settings.optimizer.clip_value = most),
    },
];

fn put<T>(place: &mut Option<T>, value: Result<T, InputError>) -> Result<(), InputError> {
    *place = Some(value?);
    Ok(())
}
