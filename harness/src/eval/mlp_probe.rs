//! Non-linear probe: a perceptron with one hidden layer on frozen features (Table II).
//! Linear, batch norm, rectifier, linear; fitted as the linear probe is, and judged with
//! batch norm's running statistics.

use burn::{
    module::Module,
    nn::{Linear, LinearConfig},
    tensor::{Device, Tensor},
};

use super::{
    features::Features,
    fit::{self, Classifier},
    scores::Scores,
};
use crate::{config::ProbeConfig, layers::BatchNorm};

/// The perceptron.
#[derive(Module, Debug)]
struct Perceptron {
    linear1: Linear,
    bn: BatchNorm,
    linear2: Linear,
}

impl Classifier for Perceptron {
    // Over a single row batch norm has no variance: nothing can be learnt from it.
    const LEAST_ROWS: usize = 2;

    fn scores(&self, rows: Tensor<2>) -> Tensor<2> {
        let hidden = self.bn.forward_relu(self.linear1.forward(rows));
        self.linear2.forward(hidden)
    }
}

/// Scores of each test row.
pub fn scores(
    sets: [&Features; 2],
    labels: &[u16],
    classes: usize,
    config: &ProbeConfig,
    seed: u64,
    device: &Device,
) -> Scores {
    let (dim, hidden) = (sets[0].dim, config.mlp_hidden);
    let build = |device: &Device| Perceptron {
        // Batch norm's shift takes the place of a bias.
        linear1: LinearConfig::new(dim, hidden).with_bias(false).init(device),
        bn: BatchNorm::new(hidden, device),
        linear2: LinearConfig::new(hidden, classes).init(device),
    };
    let config = ProbeConfig {
        linear_epochs: config.mlp_epochs,
        ..config.clone()
    };
    fit::scores(build, sets, labels, &config, seed, device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::{
        fit::testing::{draw, probe, right},
        linear_probe,
    };

    /// Class 0 in two opposite corners, class 1 in the two others.
    fn corners(rows: usize, seed: u64) -> (Features, Vec<u16>) {
        draw(rows, 2, seed, |class, noise| {
            let side = noise().signum();
            let other = if class == 0 { side } else { -side };
            vec![5.0 + side + noise(), 100.0 * (other + noise())]
        })
    }

    #[test]
    fn separates_what_no_line_separates() {
        let (train, labels) = corners(400, 1);
        let (test, expected) = corners(200, 2);
        let (device, config) = (Device::flex(), probe());
        let sets = [&train, &test];
        let mlp = scores(sets, &labels, 2, &config, 0, &device);
        let mlp = right(&mlp, &expected);
        // Corners 2 apart, noise up to 0.5: they do not touch. A line gets at most three of
        // the four, and by symmetry does not even find those.
        assert!(mlp >= 196, "{mlp} of 200");
        let linear = linear_probe::scores(sets, &labels, 2, &config, 0, &device);
        let linear = right(&linear, &expected);
        assert!(linear <= 160, "{linear} of 200");
    }

    /// 65 rows in batches of 64: the last has one row, over which no norm can be taken.
    #[test]
    fn a_batch_of_one_row_spoils_nothing() {
        let (train, labels) = corners(65, 3);
        let fit = || scores([&train, &train], &labels, 2, &probe(), 1, &Device::flex());
        assert!(right(&fit(), &labels) >= 63);
        assert_eq!(fit(), fit(), "the same seed gives the same probe");
    }
}
