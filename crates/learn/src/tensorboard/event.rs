//! TensorBoard's messages in protocol buffers' encoding: what of `event.proto`, `summary.proto` and `tensor.proto` a training needs.
//!
//! ```text
//! Event          1 wall_time, double | 2 step, int64 | 3 file_version, string | 5 Summary
//! Summary        1 Value, each
//! Value          1 tag | 2 simple_value, float | 4 Image | 5 HistogramProto | 8 TensorProto | 9 SummaryMetadata
//! Image          1 height | 2 width | 3 channels | 4 encoded, bytes
//! HistogramProto 1 min | 2 max | 3 num | 4 sum | 5 sum_squares | 6 upper ends, packed | 7 counts, packed: all double
//! TensorProto    1 dtype: 7 is string | 2 TensorShapeProto | 8 string_val, each
//! TensorShape    2 Dim (1 size), each
//! Metadata       1 PluginData (1 plugin_name)
//! ```
//!
//! By hand, as a compiler of these files would weigh more than they do. Zeros are left out, as the encoding asks.

use crate::histogram::Histogram;

/// What an event says of one tag.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Scalar(f32),
    /// With the root mean square of the numbers.
    Histogram(Histogram, f64),
    /// A PNG file of so many rows, columns and channels.
    Image([usize; 3], Vec<u8>),
    /// Markdown.
    Text(String),
}

/// The event that begins a file.
pub(super) fn version(wall_time: f64) -> Vec<u8> {
    let mut event = Vec::new();
    double(&mut event, 1, wall_time);
    bytes(&mut event, 3, b"brain.Event:2");
    event
}

/// What is said of each tag at a step.
pub(super) fn event(wall_time: f64, step: u64, values: &[(String, Value)]) -> Vec<u8> {
    let mut summary = Vec::new();
    for (tag, value) in values {
        bytes(&mut summary, 1, &tagged(tag, value));
    }
    let mut event = Vec::new();
    double(&mut event, 1, wall_time);
    integer(&mut event, 2, step);
    bytes(&mut event, 5, &summary);
    event
}

fn tagged(tag: &str, value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    bytes(&mut out, 1, tag.as_bytes());
    match value {
        Value::Scalar(x) => {
            // One of several that may be there, and so written even if it is 0.
            key(&mut out, 2, 5);
            out.extend(x.to_le_bytes());
        }
        Value::Image([height, width, channels], png) => {
            let mut image = Vec::new();
            for (field, &number) in (1..).zip([height, width, channels]) {
                integer(&mut image, field, number as u64);
            }
            bytes(&mut image, 4, png);
            bytes(&mut out, 4, &image);
        }
        Value::Histogram(histogram, rms) => bytes(&mut out, 5, &distribution(histogram, *rms)),
        Value::Text(text) => {
            let (mut one, mut shape, mut tensor) = (Vec::new(), Vec::new(), Vec::new());
            integer(&mut one, 1, 1);
            bytes(&mut shape, 2, &one);
            integer(&mut tensor, 1, 7);
            bytes(&mut tensor, 2, &shape);
            bytes(&mut tensor, 8, text.as_bytes());
            bytes(&mut out, 8, &tensor);
            let (mut plugin, mut metadata) = (Vec::new(), Vec::new());
            bytes(&mut plugin, 1, b"text");
            bytes(&mut metadata, 1, &plugin);
            bytes(&mut out, 9, &metadata);
        }
    }
    out
}

/// The sum is that of the parts' middles, each as often as it counts; nothing that TensorBoard draws goes by it.
fn distribution(histogram: &Histogram, rms: f64) -> Vec<u8> {
    let Histogram { low, high, counts } = histogram;
    let width = high / counts.len() as f64 - low / counts.len() as f64;
    let counts: Vec<f64> = counts.iter().map(|&count| count as f64).collect();
    let mut ends: Vec<f64> = (1..=counts.len()).map(|part| low + width * part as f64).collect();
    ends.last_mut().into_iter().for_each(|last| *last = *high);
    let sum = ends.iter().zip(&counts).map(|(end, count)| (end - width / 2.0) * count).sum();
    let number = counts.iter().sum::<f64>();
    let mut out = Vec::new();
    let numbers = [*low, *high, number, sum, (rms * rms * number).min(f64::MAX)];
    (1..).zip(numbers).for_each(|(field, number)| double(&mut out, field, number));
    for (field, numbers) in [(6, &ends), (7, &counts)] {
        bytes(&mut out, field, &numbers.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>());
    }
    out
}

fn varint(out: &mut Vec<u8>, mut x: u64) {
    while x >= 0x80 {
        out.push(x as u8 | 0x80);
        x >>= 7;
    }
    out.push(x as u8);
}

/// Of a field: its number and how its value is written (0: varint, 1: eight bytes, 2: length and bytes, 5: four bytes).
fn key(out: &mut Vec<u8>, field: u64, wire: u64) {
    varint(out, field << 3 | wire);
}

fn integer(out: &mut Vec<u8>, field: u64, x: u64) {
    if x != 0 {
        key(out, field, 0);
        varint(out, x);
    }
}

fn double(out: &mut Vec<u8>, field: u64, x: f64) {
    if x != 0.0 {
        key(out, field, 1);
        out.extend(x.to_le_bytes());
    }
}

fn bytes(out: &mut Vec<u8>, field: u64, value: &[u8]) {
    key(out, field, 2);
    varint(out, value.len() as u64);
    out.extend(value);
}

/// A tag, and the number of a scalar.
pub(super) type Tagged = (String, Option<f32>);

/// The step of an event and its tags; `None` if it is no event.
pub(super) fn read(event: &[u8]) -> Option<(u64, Vec<Tagged>)> {
    let (mut step, mut tags) = (0, Vec::new());
    for (field, value) in fields(event)? {
        match (field, value) {
            (2, Field::Integer(x)) => step = x,
            (5, Field::Bytes(summary)) => {
                for (field, value) in fields(summary)? {
                    if let (1, Field::Bytes(value)) = (field, value) {
                        tags.push(read_value(value)?);
                    }
                }
            }
            _ => {}
        }
    }
    Some((step, tags))
}

fn read_value(value: &[u8]) -> Option<Tagged> {
    let (mut tag, mut scalar) = (String::new(), None);
    for (field, value) in fields(value)? {
        match (field, value) {
            (1, Field::Bytes(name)) => tag = String::from_utf8_lossy(name).into_owned(),
            (2, Field::Four(number)) => scalar = Some(f32::from_le_bytes(number)),
            _ => {}
        }
    }
    Some((tag, scalar))
}

/// A field's value.
enum Field<'a> {
    Integer(u64),
    Eight,
    Bytes(&'a [u8]),
    Four([u8; 4]),
}

fn fields(mut message: &[u8]) -> Option<Vec<(u64, Field<'_>)>> {
    let mut found = Vec::new();
    while !message.is_empty() {
        let key = read_varint(&mut message)?;
        let value = match key & 7 {
            0 => Field::Integer(read_varint(&mut message)?),
            1 => {
                message.split_off(..8)?;
                Field::Eight
            }
            2 => {
                let length = usize::try_from(read_varint(&mut message)?).ok()?;
                Field::Bytes(message.split_off(..length)?)
            }
            5 => Field::Four(message.split_off(..4)?.try_into().ok()?),
            _ => return None,
        };
        found.push((key >> 3, value));
    }
    Some(found)
}

fn read_varint(message: &mut &[u8]) -> Option<u64> {
    let mut x = 0;
    for at in 0..10 {
        let byte = *message.split_off_first()?;
        x |= u64::from(byte & 0x7f) << (7 * at);
        if byte < 0x80 {
            return Some(x);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::framing::framed;
    use super::*;

    /// What TensorBoard's own messages and writer make of it: see `tools/tensorboard_oracle.py`.
    fn oracle(name: &str) -> Vec<u8> {
        let text = include_str!("../../tests/oracle/tensorboard.json");
        let oracle: serde_json::Value = serde_json::from_str(text).unwrap();
        let hex = oracle[name].as_str().unwrap();
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    fn histogram() -> Value {
        Value::Histogram(Histogram { low: -1.0, high: 2.0, counts: vec![1, 0, 3] }, 1.5)
    }

    #[test]
    fn the_bytes_are_tensorboards() {
        assert_eq!(framed(&version(1.5)), oracle("version"));
        let one = |step, tag: &str, value| framed(&event(2.25, step, &[(tag.to_owned(), value)]));
        let scalars = [("loss/train".to_owned(), Value::Scalar(0.5)), ("rate".to_owned(), Value::Scalar(0.0))];
        assert_eq!(framed(&event(2.25, 300, &scalars)), oracle("scalars"));
        assert_eq!(one(0, "gradients/0.weight", histogram()), oracle("histogram"));
        let picture = Value::Image([2, 3, 1], b"png".to_vec());
        assert_eq!(one(1, "filters/0.weight", picture), oracle("picture"));
        assert_eq!(one(0, "settings", Value::Text("| a |".to_owned())), oracle("text"));
    }

    #[test]
    fn what_is_written_is_read_and_what_is_cut_off_is_none() {
        let values = [("a".to_owned(), Value::Scalar(-2.5)), ("b".to_owned(), histogram())];
        let bytes = event(1.0, 1 << 40, &values);
        let tags = vec![("a".to_owned(), Some(-2.5)), ("b".to_owned(), None)];
        assert_eq!(read(&bytes), Some((1 << 40, tags)));
        assert_eq!(read(&version(1.0)), Some((0, Vec::new())));
        for cut in 0..bytes.len() {
            // Nothing, or what came before a whole field ended.
            assert!(read(&bytes[..cut]).is_none_or(|(_, tags)| tags.is_empty()), "cut at {cut}");
        }
        assert_eq!(read(&[0xff; 11]), None);
    }
}
