//! Linear probe: multinomial logistic regression on frozen features (Table I).

use burn::{
    nn::{Linear, LinearConfig},
    tensor::{Device, Tensor},
};

use super::{
    features::Features,
    fit::{self, Classifier},
    scores::Scores,
};
use crate::config::ProbeConfig;

impl Classifier for Linear {
    const LEAST_ROWS: usize = 1;

    fn scores(&self, rows: Tensor<2>) -> Tensor<2> {
        self.forward(rows)
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
    let dim = sets[0].dim;
    let build = |device: &Device| LinearConfig::new(dim, classes).init(device);
    fit::scores(build, sets, labels, config, seed, device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::fit::testing::{draw, probe, right};

    /// Three clouds on badly scaled axes: linearly separable, far from the origin.
    fn clouds(per_class: usize, seed: u64) -> (Features, Vec<u16>) {
        draw(3 * per_class, 3, seed, |class, noise| {
            let angle = class as f32 * 2.0;
            vec![
                1000.0 + 1e-3 * (angle.cos() + noise()),
                100.0 * (angle.sin() + noise()),
                7.0,
            ]
        })
    }

    #[test]
    fn separates_what_a_line_separates() {
        let (train, labels) = clouds(100, 1);
        let (test, expected) = clouds(50, 2);
        let device = Device::flex();
        let got = scores([&train, &test], &labels, 3, &probe(), 0, &device);
        let right = right(&got, &expected);
        // The clouds do not touch (noise below 0.71, centres 1.7 apart): at least 98 %.
        assert!(right >= 147, "{right} of 150");
    }

    #[test]
    fn the_same_seed_gives_the_same_probe() {
        let (train, labels) = clouds(20, 3);
        let fit = |seed| {
            scores(
                [&train, &train],
                &labels,
                3,
                &probe(),
                seed,
                &Device::flex(),
            )
        };
        assert_eq!(fit(5), fit(5));
    }
}
