//! The network in candle.

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{AdamW, Conv2d, Conv2dConfig, Linear, Module, Optimizer as _, ParamsAdamW, SGD};
use candle_nn::{VarBuilder, VarMap, loss};

use crate::network::{Network, Optimizer, SIDE, Table};
use crate::{Timing, measure};

struct Layers {
    convolutions: Vec<Conv2d>,
    dense: Vec<Linear>,
}

impl Layers {
    fn new(network: &Network, named: &VarBuilder<'_>) -> Result<Layers> {
        let padded = Conv2dConfig { padding: 1, ..Conv2dConfig::default() };
        let convolutions = network
            .convolutions()
            .enumerate()
            .map(|(n, (i, o))| candle_nn::conv2d(i, o, 3, padded, named.pp(format!("convolution {n}"))))
            .collect::<Result<_>>()?;
        let dense = network
            .dense()
            .enumerate()
            .map(|(n, (i, o))| candle_nn::linear(i, o, named.pp(format!("dense {n}"))))
            .collect::<Result<_>>()?;
        Ok(Layers { convolutions, dense })
    }

    fn logits(&self, x: Tensor) -> Result<Tensor> {
        let mut y = x;
        if !self.convolutions.is_empty() {
            y = y.reshape(((), 1, SIDE, SIDE))?;
            for layer in &self.convolutions {
                y = layer.forward(&y)?.relu()?.max_pool2d(2)?;
            }
            y = y.flatten_from(1)?;
        }
        for (n, layer) in self.dense.iter().enumerate() {
            if n > 0 {
                y = y.relu()?;
            }
            y = layer.forward(&y)?;
        }
        Ok(y)
    }
}

pub fn run(network: &Network, seconds: f64) -> Result<Timing> {
    let variables = VarMap::new();
    let layers = Layers::new(network, &VarBuilder::from_varmap(&variables, DType::F32, &Device::Cpu))?;
    match network.optimizer {
        Optimizer::Sgd => train(network, &layers, SGD::new(variables.all_vars(), 0.1)?, seconds),
        Optimizer::Adam => {
            // Without decay of the weights, AdamW is Adam.
            let adam = ParamsAdamW { lr: 1e-3, weight_decay: 0.0, ..ParamsAdamW::default() };
            train(network, &layers, AdamW::new(variables.all_vars(), adam)?, seconds)
        }
    }
}

fn train(network: &Network, layers: &Layers, mut optimizer: impl candle_nn::Optimizer, seconds: f64) -> Result<Timing> {
    let mut table = Table::new(network);
    measure(seconds, || {
        let (x, t) = table.draw(network.batch);
        let x = Tensor::from_vec(x, (network.batch, network.width()), &Device::Cpu)?;
        let t = Tensor::from_vec(t, network.batch, &Device::Cpu)?;
        optimizer.backward_step(&loss::cross_entropy(&layers.logits(x)?, &t)?)
    })
}
