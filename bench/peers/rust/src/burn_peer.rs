//! The network in burn, with `flex`, its CPU backend.

use std::convert::Infallible;

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{Linear, LinearConfig, PaddingConfig2d};
use burn::optim::{AdamConfig, GradientsParams, SgdConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::network::{Network, Optimizer, SIDE, Table};
use crate::{Timing, measure};

#[derive(Module, Debug)]
struct Layers {
    convolutions: Vec<Conv2d>,
    dense: Vec<Linear>,
}

impl Layers {
    fn new(network: &Network, device: &Device) -> Layers {
        let convolution = |(i, o)| {
            let padding = PaddingConfig2d::Explicit(1, 1, 1, 1);
            Conv2dConfig::new([i, o], [3, 3]).with_padding(padding).init(device)
        };
        Layers {
            convolutions: network.convolutions().map(convolution).collect(),
            dense: network.dense().map(|(i, o)| LinearConfig::new(i, o).init(device)).collect(),
        }
    }

    fn logits(&self, x: Tensor<2>, pool: &MaxPool2d) -> Tensor<2> {
        let mut y = x;
        if !self.convolutions.is_empty() {
            let mut image = y.reshape([-1, 1, SIDE as i32, SIDE as i32]);
            for layer in &self.convolutions {
                image = pool.forward(relu(layer.forward(image)));
            }
            y = image.flatten(1, 3);
        }
        for (n, layer) in self.dense.iter().enumerate() {
            if n > 0 {
                y = relu(y);
            }
            y = layer.forward(y);
        }
        y
    }
}

pub fn run(network: &Network, seconds: f64) -> Result<Timing, Infallible> {
    let device = Device::flex().autodiff();
    let pool = MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init();
    let loss = CrossEntropyLossConfig::new().init(&device);
    let (mut optimizer, rate) = match network.optimizer {
        Optimizer::Sgd => (SgdConfig::new().init(), 0.1),
        Optimizer::Adam => (AdamConfig::new().with_epsilon(1e-8).init(), 1e-3),
    };
    let mut table = Table::new(network);
    // The optimizer takes the layers and gives them back.
    let mut slot = Some(Layers::new(network, &device));
    measure(seconds, || {
        let layers = slot.take().expect("each step puts them back");
        let (x, t) = table.draw(network.batch);
        let t = t.into_iter().map(|class| class as i32).collect::<Vec<_>>();
        let x = Tensor::<2>::from_data(TensorData::new(x, [network.batch, network.width()]), &device);
        let t = Tensor::<1, Int>::from_data(TensorData::new(t, [network.batch]), &device);
        let gradients = loss.forward(layers.logits(x, &pool), t).backward();
        let gradients = GradientsParams::from_grads(gradients, &layers);
        slot = Some(optimizer.step(rate, layers, gradients));
        Ok(())
    })
}
