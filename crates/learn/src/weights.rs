//! `model.safetensors`: the parameters by name, as f32, for any program that reads the format.
//!
//! An affine layer's weight is `[in, out]`, as in y = x·W + b; PyTorch's Linear has it
//! transposed. A conv2d's is `[out, in / groups, height, width]`, as PyTorch's. The file says so
//! in its metadata.

use std::collections::HashMap;
use std::path::Path;

use chainrule_engine::{Backend, Plan};
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};

use crate::input_error::{InputError, excerpt, listing};

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
    serialize(views, Some(HashMap::from([("layout".to_owned(), LAYOUT.to_owned())]))).map_err(refused)
}

/// Reads a safetensors file of f32 tensors.
///
/// # Errors
/// If there is no such file, or it is broken, or has other numbers than f32.
pub(crate) fn read(path: &Path) -> Result<Vec<Tensor>, InputError> {
    let bytes = std::fs::read(path).map_err(|e| InputError::io(path, &e))?;
    let place = path.display().to_string();
    let broken = |what: String| wrong(&place, "a safetensors file".to_owned(), format!("a broken one: {what}"));
    if points_beyond(&bytes) {
        return Err(broken("a tensor beyond the file's end".to_owned()));
    }
    let file = SafeTensors::deserialize(&bytes).map_err(|e| broken(e.to_string()))?;
    let tensor = |(name, view): (&str, TensorView<'_>)| {
        if view.dtype() != Dtype::F32 {
            let place = format!("{place}, tensor {}", excerpt(name));
            return Err(wrong(&place, "numbers of type F32".to_owned(), format!("{:?}", view.dtype())));
        }
        let (numbers, _) = view.data().as_chunks::<4>();
        let values = numbers.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        Ok(Tensor { name: name.to_owned(), shape: view.shape().to_vec(), values })
    };
    file.iter().map(tensor).collect()
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
        let mut huge = whole.clone();
        huge[..8].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(read_bytes(&huge).unwrap_err().found.starts_with("a broken one"));
        let half = String::from_utf8_lossy(&whole).replace("F32", "F16");
        assert!(read_bytes(half.as_bytes()).is_err());
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
