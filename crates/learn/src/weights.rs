//! `model.safetensors`: the parameters by name, as f32, for any program that reads the format.
//!
//! An affine layer's weight is `[in, out]`, as in y = x·W + b; PyTorch's Linear has it
//! transposed. A conv2d's is `[out, in / groups, height, width]`, as PyTorch's. The file says so
//! in its metadata, with the CRC-32 of all names, shapes and numbers: a file that was changed is refused. It is one entry, as
//! the library writes several in any order. A file without it is another program's, and believed as far as the format goes.

use std::collections::HashMap;
use std::path::Path;

use chainrule_engine::{Backend, Plan};
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};

use crate::input_error::{InputError, excerpt, listing};

const KEY: &str = "layout";
const LAYOUT: &str = "weight is [in, out]: y = x·W + b; of conv2d [out, in / groups, height, width]";

/// A parameter outside of an arena.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Its name: `0.weight`.
    pub name: String,
    /// Its axes.
    pub shape: Vec<usize>,
    /// Its numbers, the last axis fastest.
    pub values: Vec<f32>,
}

/// The parameters of `plan` in an arena.
pub(crate) fn tensors<B: Backend>(backend: &B, arena: &B::Arena, plan: &Plan) -> Vec<Tensor> {
    let tensor = |p: &chainrule_engine::Parameter| Tensor {
        name: p.name.clone(),
        shape: p.shape.axes().to_vec(),
        values: backend.read_span(arena, p.span).into_iter().map(|value| value as f32).collect(),
    };
    plan.parameters().iter().map(tensor).collect()
}

/// Writes tensors into an arena for `plan`, which [`fit`] has seen.
pub(crate) fn write<B: Backend>(backend: &B, arena: &mut B::Arena, plan: &Plan, tensors: &[Tensor]) {
    for (parameter, tensor) in plan.parameters().iter().zip(tensors) {
        let values: Vec<f64> = tensor.values.iter().map(|&value| value.into()).collect();
        backend.write(arena, parameter.span, &values);
    }
}

/// The tensors in the order of the plan's parameters.
///
/// # Errors
/// If one is missing, or has another shape or a number that is not finite.
pub(crate) fn fit(mut tensors: Vec<Tensor>, plan: &Plan, place: &str) -> Result<Vec<Tensor>, InputError> {
    let fitted = plan.parameters().iter().map(|parameter| {
        let at = tensors.iter().position(|tensor| tensor.name == parameter.name).ok_or_else(|| {
            let names: Vec<&str> = tensors.iter().map(|tensor| &*tensor.name).collect();
            wrong(place, format!("a tensor {}", excerpt(&parameter.name)), listing(&names))
        })?;
        let tensor = tensors.swap_remove(at);
        let place = format!("{place}, tensor {}", excerpt(&tensor.name));
        if tensor.shape != parameter.shape.axes() {
            return Err(wrong(&place, format!("shape {}", parameter.shape), format!("shape {:?}", tensor.shape)));
        }
        match tensor.values.iter().position(|value| !value.is_finite()) {
            Some(at) => {
                let found = format!("{} at {at}", tensor.values[at]);
                Err(wrong(&place, "finite numbers".to_owned(), found))
            }
            None => Ok(tensor),
        }
    });
    fitted.collect()
}

/// The bytes of a safetensors file.
///
/// # Errors
/// If the library refuses; it has no reason to.
pub(crate) fn to_bytes(tensors: &[Tensor]) -> Result<Vec<u8>, InputError> {
    let bytes = |tensor: &Tensor| tensor.values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let data: Vec<Vec<u8>> = tensors.iter().map(bytes).collect();
    let refused = |e| wrong("model.safetensors", "tensors that fit the format".to_owned(), format!("{e}"));
    let mut views = Vec::with_capacity(tensors.len());
    for (tensor, data) in tensors.iter().zip(&data) {
        let view = TensorView::new(Dtype::F32, tensor.shape.clone(), data).map_err(refused)?;
        views.push((&*tensor.name, view));
    }
    let layout = format!("{LAYOUT}{SUM}{:08x}", sum(tensors));
    serialize(views, Some(HashMap::from([(KEY.to_owned(), layout)]))).map_err(refused)
}

/// Before the sum, in the metadata.
const SUM: &str = "; crc32 ";

/// CRC-32 of names, shapes and numbers, in the order of the names.
fn sum(tensors: &[Tensor]) -> u32 {
    let mut sorted: Vec<&Tensor> = tensors.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let mut crc = crc32fast::Hasher::new();
    for tensor in sorted {
        crc.update(&(tensor.name.len() as u64).to_le_bytes());
        crc.update(tensor.name.as_bytes());
        crc.update(&(tensor.shape.len() as u64).to_le_bytes());
        tensor.shape.iter().for_each(|&length| crc.update(&(length as u64).to_le_bytes()));
        tensor.values.iter().for_each(|value| crc.update(&value.to_le_bytes()));
    }
    crc.finalize()
}

/// What a safetensors file holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Contents {
    /// Its tensors of floating-point numbers, as f32.
    pub(crate) tensors: Vec<Tensor>,
    /// The names of those of other numbers.
    pub(crate) others: Vec<String>,
    /// Whether this program laid it out.
    pub(crate) own: bool,
}

/// Reads the safetensors file of a run.
///
/// # Errors
/// If there is no such file, or it is broken or was changed, or has other numbers than floating-point ones.
pub(crate) fn read(path: &Path) -> Result<Vec<Tensor>, InputError> {
    let bytes = std::fs::read(path).map_err(|e| InputError::io(path, &e))?;
    let place = path.display().to_string();
    let Contents { tensors, others, .. } = contents(&bytes, &place)?;
    match others.first() {
        Some(name) => {
            let place = format!("{place}, tensor {}", excerpt(name));
            Err(wrong(&place, "floating-point numbers".to_owned(), "numbers of another type".to_owned()))
        }
        None => Ok(tensors),
    }
}

/// What is in the `bytes` of a safetensors file at `place`.
///
/// # Errors
/// If it is broken, or says that this program wrote it and was changed.
pub(crate) fn contents(bytes: &[u8], place: &str) -> Result<Contents, InputError> {
    let broken = |what: String| wrong(place, "a safetensors file".to_owned(), format!("a broken one: {what}"));
    if points_beyond(bytes) {
        return Err(broken("a tensor beyond the file's end".to_owned()));
    }
    let file = SafeTensors::deserialize(bytes).map_err(|e| broken(e.to_string()))?;
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| broken(e.to_string()))?;
    let mut found = Contents { tensors: Vec::new(), others: Vec::new(), own: false };
    for (name, view) in file.iter() {
        match floats(view.dtype(), view.data()) {
            Some(values) => {
                found.tensors.push(Tensor { name: name.to_owned(), shape: view.shape().to_vec(), values });
            }
            None => found.others.push(name.to_owned()),
        }
    }
    // In the order of the names: the library's is another each time.
    found.tensors.sort_by(|a, b| a.name.cmp(&b.name));
    found.others.sort_unstable();
    for (key, value) in header.metadata().iter().flatten() {
        let changed = || {
            let hint =
                "copy it again from where it was made; if its numbers were changed on purpose, leave its metadata out";
            InputError::new(place, "a file as it was written", "one that was changed", hint)
        };
        match value.strip_prefix(LAYOUT).map(|rest| (rest, rest.strip_prefix(SUM))) {
            // As it was written before there were sums.
            Some(("", _)) => found.own = true,
            Some((_, Some(written))) if written == format!("{:08x}", sum(&found.tensors)) => found.own = true,
            None if key != KEY => {}
            _ => return Err(changed()),
        }
    }
    Ok(found)
}

/// Numbers of a floating-point type as f32: exact, but of F64 the nearest. `None` of other types.
fn floats(dtype: Dtype, data: &[u8]) -> Option<Vec<f32>> {
    Some(match dtype {
        Dtype::F32 => data.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect(),
        Dtype::F64 => data.as_chunks().0.iter().map(|&bytes| f64::from_le_bytes(bytes) as f32).collect(),
        // The upper half of an f32.
        Dtype::BF16 => data.as_chunks().0.iter().map(|&[low, high]| f32::from_le_bytes([0, 0, low, high])).collect(),
        Dtype::F16 => data.as_chunks().0.iter().map(|&bytes| half(u16::from_le_bytes(bytes))).collect(),
        _ => return None,
    })
}

/// IEEE 754 binary16: a sign, 5 bits e, 10 bits m: 2^(e − 15)·(1 + m/1024); 2⁻¹⁴·m/1024 for e = 0; infinite or NaN for e = 31.
fn half(bits: u16) -> f32 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023) / 1024.0);
    let size = match exponent {
        0 => fraction * 2f32.powi(-14),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + fraction) * 2f32.powi(exponent - 15),
    };
    if bits >> 15 == 1 { -size } else { size }
}

/// Whether the header puts a tensor beyond the end of the file. The library adds such offsets
/// up before it looks, which overflows; whatever else is wrong, it finds.
fn points_beyond(bytes: &[u8]) -> bool {
    let header = bytes.split_first_chunk().and_then(|(length, rest)| {
        let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
        serde_json::from_slice::<HashMap<String, serde_json::Value>>(rest.get(..length)?).ok()
    });
    let ends = header.iter().flat_map(HashMap::values).filter_map(|tensor| tensor["data_offsets"][1].as_u64());
    ends.max().is_some_and(|end| end > bytes.len() as u64)
}

fn wrong(place: &str, expected: String, found: String) -> InputError {
    InputError::new(place, expected, found, "copy the run again from where it was made, or train anew")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Vec<Tensor> {
        vec![
            Tensor { name: "0.weight".into(), shape: vec![2, 3], values: vec![1.0, 2.0, 3.0, 4.0, 5.0, -0.5] },
            Tensor { name: "0.bias".into(), shape: vec![3], values: vec![0.1, 0.2, 0.3] },
        ]
    }

    fn read_bytes(bytes: &[u8]) -> Result<Vec<Tensor>, InputError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        std::fs::write(&path, bytes).unwrap();
        read(&path)
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = to_bytes(&two()).unwrap();
        assert_eq!(bytes, to_bytes(&two()).unwrap());
        let mut tensors = read_bytes(&bytes).unwrap();
        tensors.sort_by_key(|tensor| tensor.shape.len());
        tensors.reverse();
        assert_eq!(tensors, two());
    }

    #[test]
    fn broken_files_are_refused() {
        let whole = to_bytes(&two()).unwrap();
        for cut in 0..whole.len() {
            assert!(read_bytes(&whole[..cut]).is_err(), "cut at {cut}");
        }
        let mut huge = whole;
        huge[..8].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(read_bytes(&huge).unwrap_err().found.starts_with("a broken one"));
    }

    #[test]
    fn every_flipped_byte_is_refused_or_changes_nothing() {
        let square = vec![
            Tensor { name: "0.weight".into(), shape: vec![2, 2], values: vec![1.0, 2.0, 3.0, 4.0] },
            Tensor { name: "2.weight".into(), shape: vec![2, 2], values: vec![5.0, 6.0, 7.0, 8.0] },
        ];
        let whole = to_bytes(&square).unwrap();
        let as_written = contents(&whole, "here").unwrap();
        assert!(as_written.own);
        let mut refused = 0;
        for at in 0..whole.len() {
            for flip in 1..=u8::MAX {
                let mut changed = whole.clone();
                changed[at] ^= flip;
                match contents(&changed, "here") {
                    Ok(found) => assert_eq!(found, as_written, "{flip} at {at}"),
                    Err(_) => refused += 1,
                }
            }
        }
        assert!(refused > whole.len() * 250, "{refused}");
    }

    #[test]
    fn a_file_of_another_program_is_read_in_every_floating_point_type() {
        let data = |dtype| match dtype {
            Dtype::F64 => (-1.5f64).to_le_bytes().to_vec(),
            Dtype::F32 => (-1.5f32).to_le_bytes().to_vec(),
            Dtype::BF16 => vec![0xc0, 0xbf],
            Dtype::F16 => vec![0x00, 0xbe],
            _ => 7i64.to_le_bytes().to_vec(),
        };
        for dtype in [Dtype::F64, Dtype::F32, Dtype::BF16, Dtype::F16, Dtype::I64] {
            let data = data(dtype);
            let view = TensorView::new(dtype, vec![1], &data).unwrap();
            let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
            let found = contents(&serialize([("w", view)], Some(metadata)).unwrap(), "here").unwrap();
            assert!(!found.own);
            match dtype {
                Dtype::I64 => assert_eq!(found.others, ["w"]),
                _ => assert_eq!(found.tensors[0].values, [-1.5]),
            }
        }
        // The smallest of all, the smallest normal, the largest, and what is no number.
        let halves = [(1, 2f32.powi(-24)), (0x400, 2f32.powi(-14)), (0x7bff, 65504.0), (0xfc00, f32::NEG_INFINITY)];
        halves.iter().for_each(|&(bits, value)| assert_eq!(half(bits), value));
        assert!(half(0x7e00).is_nan());
    }

    #[test]
    fn offsets_whose_sum_overflows_are_refused() {
        const LEN: u64 = (1 << 61) - 1;
        let tensor = |i: u64| {
            format!(r#""t{i}":{{"dtype":"U8","shape":[{LEN}],"data_offsets":[{},{}]}}"#, i * LEN, (i + 1) * LEN)
        };
        let header = format!("{{{}}}", (0..8).map(tensor).collect::<Vec<_>>().join(","));
        let mut file = (header.len() as u64).to_le_bytes().to_vec();
        file.extend(header.as_bytes());
        assert_eq!(read_bytes(&file).unwrap_err().found, "a broken one: a tensor beyond the file's end");
    }
}
