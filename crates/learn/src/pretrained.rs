//! Weights to begin with, from a safetensors file, by name.
//!
//! A parameter is called by the number of its word in the SPEC, which is what PyTorch's Sequential calls it, as long as each word is
//! a module: `flatten` and `dropout` are. What this program wrote says so in its metadata; all else is laid out as PyTorch has it:
//!
//! | word | its parameters | PyTorch's |
//! | --- | --- | --- |
//! | affine | `weight` `[in, out]`, `bias` | Linear: `weight` `[out, in]`, `bias` |
//! | conv2d, layer_norm, embedding | `weight`, `bias` | the same |
//! | batch_norm | `weight`, `bias`, `mean`, `variance` | `weight`, `bias`, `running_mean`, `running_var`, and `num_batches_tracked`, which is not needed |
//!
//! A parameter without a tensor stays as it was drawn. A tensor of another shape is an error, as it is of another network; but
//! of the last word, whose outputs the target decides, another number of outputs leaves it as it was drawn, and so
//! the layers before it can be taken for other classes.

use std::fmt;
use std::path::{Path, PathBuf};

use chainrule_engine::Parameter;
use serde::{Deserialize, Serialize};

use crate::dataset::Fnv;
use crate::input_error::{InputError, excerpt, listing};
use crate::layer_shape::{Role, roles};
use crate::model::Model;
use crate::spec::Layer;
use crate::weights::{self, Contents, Tensor};

/// A file of weights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InitFrom {
    /// Where it is.
    pub path: PathBuf,
    /// FNV-1a of its bytes, in hexadecimal: a training goes by what the file was when it was asked for.
    pub hash: String,
}

/// What became of the parameters and of the file's tensors, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// From which file.
    pub path: PathBuf,
    /// Parameters that were taken, and how.
    pub taken: Vec<String>,
    /// Parameters that stayed as they were drawn, and why.
    pub drawn: Vec<String>,
    /// Tensors of the file that no parameter is.
    pub unused: Vec<String>,
}

/// The numbers of each parameter, in the network's order; `None` of one that the file has not.
type Found = Vec<Option<Vec<f32>>>;

impl InitFrom {
    /// The file at `path`, as it is now.
    ///
    /// ```
    /// # use chainrule::{Settings, Source, digits, run_folder, train};
    /// # let temporary = tempfile::tempdir()?;
    /// # let folder = temporary.path().join("run");
    /// # let settings = Settings { model: Some("affine:10".parse()?), epochs: 2, ..Settings::default() };
    /// # let trained = train(digits(), &settings, |_progress| {})?;
    /// # run_folder::save(&folder, &trained, &Source::default(), false)?;
    /// let run = chainrule::Run::open(&folder)?;
    /// use chainrule::InitFrom;
    /// let init_from = Some(InitFrom::open(&folder.join("model.safetensors"))?);
    /// let on = train(digits(), &Settings { init_from, epochs: 1, ..settings }, |_progress| {})?;
    /// assert!(on.train.loss < trained.train.loss);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If there is none, or it is no safetensors file, or the path is none that a record can hold.
    pub fn open(path: &Path) -> Result<InitFrom, InputError> {
        if path.to_str().is_none() {
            let hint = "rename the file or its folder";
            let place = path.display().to_string();
            return Err(InputError::new(place, "a path of UTF-8 text, for a run to name it", "other bytes", hint));
        }
        let (hash, _) = read(path)?;
        Ok(InitFrom { path: path.to_owned(), hash })
    }

    /// For each of the parameters of `model` the values to begin with, if the file has them.
    ///
    /// # Errors
    /// If the file has changed, has none of them, or one of another shape or with numbers that cannot be.
    pub(crate) fn values(&self, model: &Model, parameters: &[Parameter]) -> Result<(Found, Taken), InputError> {
        let (hash, contents) = read(&self.path)?;
        if hash != self.hash {
            let place = self.path.display().to_string();
            let hint = "put the file back as it was, or begin again";
            return Err(InputError::new(place, format!("the file with hash {}", self.hash), hash, hint));
        }
        fit(&self.path, contents, model, parameters)
    }
}

fn read(path: &Path) -> Result<(String, Contents), InputError> {
    let bytes = std::fs::read(path).map_err(|e| InputError::io(path, &e))?;
    let hash = format!("{:016x}", Fnv::of_bytes(&bytes).value());
    let hint = "give a safetensors file, such as a run's model.safetensors, or one that Python's safetensors wrote";
    let contents = weights::contents(&bytes, &path.display().to_string());
    Ok((hash, contents.map_err(|e| InputError { hint: hint.to_owned(), ..e })?))
}

fn fit(path: &Path, contents: Contents, model: &Model, parameters: &[Parameter]) -> Result<(Found, Taken), InputError> {
    let Contents { mut tensors, mut others, own } = contents;
    let layers = model.layers();
    let of = |(at, layer): (usize, &Layer)| roles(layer).iter().map(move |&role| (at, role)).collect::<Vec<_>>();
    let mut report = Taken { path: path.to_owned(), ..Taken::default() };
    let mut values = Vec::with_capacity(parameters.len());
    let all = listing(&tensors.iter().map(|tensor| &*tensor.name).collect::<Vec<_>>());
    for ((at, role), parameter) in layers.iter().enumerate().flat_map(of).zip(parameters) {
        let name = &parameter.name;
        let names = [name.clone(), format!("{at}.{}", torch_name(role))];
        let Some(found) = tensors.iter().position(|tensor| names.contains(&tensor.name)) else {
            report.drawn.push(name.clone());
            values.push(None);
            continue;
        };
        let tensor = tensors.remove(found);
        let turned = !own && role == Role::Weight && matches!(layers[at], Layer::Affine(_));
        let mut shape = parameter.shape.axes().to_vec();
        if turned {
            shape.reverse();
        }
        if tensor.shape != shape {
            if at + 1 < layers.len() || !has_other_outputs(&tensor.shape, &shape, turned) {
                return Err(misfit(path, &tensor, &shape, turned));
            }
            let outputs = |shape: &[usize]| if turned { shape[0] } else { shape[shape.len() - 1] };
            report.drawn.push(format!("{name} ({} outputs, not {})", outputs(&shape), outputs(&tensor.shape)));
            values.push(None);
            continue;
        }
        expect_numbers(path, &tensor, role)?;
        report.taken.push(if turned { format!("{name} (transposed)") } else { name.clone() });
        values.push(Some(if turned { transposed(&tensor) } else { tensor.values }));
    }
    others.retain(|name| !name.ends_with(".num_batches_tracked"));
    report.unused = tensors.into_iter().map(|tensor| tensor.name).chain(others).collect();
    if report.taken.is_empty() {
        let names: Vec<&str> = parameters.iter().map(|parameter| &*parameter.name).collect();
        let hint = "a parameter is called by the number of its word in the SPEC, as in PyTorch's Sequential: rename the tensors";
        let expected = format!("weights that can be taken, of {}", listing(&names));
        return Err(InputError::new(path.display().to_string(), expected, format!("none, but {all}"), hint));
    }
    Ok((values, report))
}

/// What PyTorch calls a parameter of this role.
fn torch_name(role: Role) -> &'static str {
    match role {
        Role::Mean => "running_mean",
        Role::Variance => "running_var",
        Role::Weight | Role::Bias => role.name(),
    }
}

/// Whether the shapes differ in the number of outputs alone: the first axis of a turned weight, else the last.
fn has_other_outputs(found: &[usize], expected: &[usize], turned: bool) -> bool {
    let inputs = |shape: &[usize]| match (turned, shape) {
        (true, [_, inputs]) | (false, [inputs, _]) => Some(*inputs),
        _ => None,
    };
    found.len() == expected.len() && inputs(found) == inputs(expected)
}

fn misfit(path: &Path, tensor: &Tensor, shape: &[usize], turned: bool) -> InputError {
    let as_torch = if turned { ", PyTorch's [out, in]," } else { "" };
    InputError::new(
        format!("{}, tensor {}", path.display(), excerpt(&tensor.name)),
        format!("shape {shape:?}{as_torch} as the network has it"),
        format!("shape {:?}", tensor.shape),
        "say the file's own network with --model; only the last layer may have another number of outputs",
    )
}

fn expect_numbers(path: &Path, tensor: &Tensor, role: Role) -> Result<(), InputError> {
    let fits = |value: &f32| value.is_finite() && (role != Role::Variance || *value >= 0.0);
    match tensor.values.iter().position(|value| !fits(value)) {
        None => Ok(()),
        Some(at) => {
            let expected = if role == Role::Variance { "finite numbers from 0" } else { "finite numbers" };
            let place = format!("{}, tensor {}", path.display(), excerpt(&tensor.name));
            let found = format!("{} at {at}", tensor.values[at]);
            Err(InputError::new(place, expected, found, "take weights of a training that did not diverge"))
        }
    }
}

/// `[out, in]` as `[in, out]`.
fn transposed(tensor: &Tensor) -> Vec<f32> {
    let (outputs, inputs) = (tensor.shape[0], tensor.shape[1]);
    (0..inputs).flat_map(|i| (0..outputs).map(move |o| tensor.values[o * inputs + i])).collect()
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "weights from {}: {}", self.path.display(), self.taken.join(", "))?;
        if !self.drawn.is_empty() {
            write!(f, "\n  left as drawn: {}", self.drawn.join(", "))?;
        }
        if !self.unused.is_empty() {
            write!(f, "\n  of the file not used: {}", self.unused.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use chainrule_engine::Graph;

    use super::*;
    use crate::model::{Build, Task};
    use crate::{Objective, Tensor};

    fn tensor(name: &str, shape: &[usize]) -> Tensor {
        let values = (0..shape.iter().product::<usize>()).map(|i| i as f32).collect();
        Tensor { name: name.into(), shape: shape.to_vec(), values }
    }

    fn fitted(own: bool, tensors: Vec<Tensor>) -> Result<(Found, Taken), InputError> {
        let model: Model = "affine:2 batch_norm relu affine:3".parse().unwrap();
        let graph = Graph::new();
        let objective = Objective::usual(Task::Classes(3));
        let network = model.build(&graph, [2].into(), objective, Build::Test).unwrap();
        let plan = graph.predict(&[network.y]).unwrap();
        let others = vec!["1.num_batches_tracked".to_owned()];
        fit(Path::new("w"), Contents { tensors, others, own }, &model, plan.parameters())
    }

    #[test]
    fn a_weight_of_linear_is_transposed_and_ours_is_not() {
        let (values, taken) = fitted(false, vec![tensor("0.weight", &[2, 2]), tensor("head", &[1])]).unwrap();
        assert_eq!(values[0].as_deref(), Some(&[0.0, 2.0, 1.0, 3.0][..]));
        assert_eq!((taken.taken, taken.unused), (vec!["0.weight (transposed)".to_owned()], vec!["head".to_owned()]));
        let (values, taken) = fitted(true, vec![tensor("0.weight", &[2, 2])]).unwrap();
        assert_eq!(values[0].as_deref(), Some(&[0.0, 1.0, 2.0, 3.0][..]));
        assert_eq!(taken.drawn.join(" "), "0.bias 1.weight 1.bias 1.mean 1.variance 3.weight 3.bias");
    }

    #[test]
    fn running_statistics_have_two_names() {
        for [mean, variance] in [["1.running_mean", "1.running_var"], ["1.mean", "1.variance"]] {
            let (_, taken) = fitted(false, vec![tensor(mean, &[2]), tensor(variance, &[2])]).unwrap();
            assert_eq!((taken.taken.join(" "), taken.unused.len()), ("1.mean 1.variance".to_owned(), 0));
        }
        let negative = Tensor { values: vec![1.0, -1.0], ..tensor("1.running_var", &[2]) };
        let e = fitted(false, vec![negative]).unwrap_err();
        assert_eq!((&*e.expected, &*e.found), ("finite numbers from 0", "-1 at 1"));
    }

    #[test]
    fn the_last_layer_may_have_other_outputs_and_no_layer_another_shape() {
        let given = vec![tensor("0.bias", &[2]), tensor("3.weight", &[5, 2]), tensor("3.bias", &[5])];
        let (values, taken) = fitted(false, given).unwrap();
        assert_eq!(values.iter().flatten().count(), 1);
        assert!(taken.to_string().contains("3.weight (3 outputs, not 5), 3.bias (3 outputs, not 5)"), "{taken}");
        let found = |tensors| fitted(false, tensors).unwrap_err().found;
        assert_eq!(found(vec![tensor("0.weight", &[3, 2])]), "shape [3, 2]");
        assert_eq!(found(vec![tensor("3.weight", &[2, 3])]), "shape [2, 3]");
        assert_eq!(found(vec![tensor("fc.weight", &[2, 3])]), "none, but 'fc.weight'");
        assert_eq!(found(vec![tensor("3.bias", &[5])]), "none, but '3.bias'");
    }
}
