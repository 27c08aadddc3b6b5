//! Layer-wise adaptive rate scaling (You, Gitman & Ginsburg 2017), which burn does
//! not have, in the clipped form of the self-supervised recipes:
//!
//! `r = η‖w‖ / (‖g‖ + β‖w‖)`, `v ← μv + min(r/lr, 1)(g + βw)`, `w ← w − lr·v`,
//!
//! with gradient `g`, weights `w`, weight decay `β`, momentum `μ` and trust `η`.
//! The clip means that no layer moves faster than plain SGD would move it.
//! Where `‖w‖` or `‖g‖` is zero, `r/lr` is taken as 1.

use burn::{
    optim::{
        LearningRate, Optimizer,
        momentum::{Momentum, MomentumConfig, MomentumState},
    },
    tensor::{Device, Tensor},
};

/// Trust coefficient η of the recipes.
const TRUST: f64 = 0.02;

/// The update rule for one group of parameters.
#[derive(Clone)]
pub(crate) struct Lars {
    velocity: Momentum,
    weight_decay: f64,
    scaled: bool,
}

impl Lars {
    pub(crate) fn new(momentum: f64, weight_decay: f64) -> Self {
        // burn's momentum dampens by 0.1 unless told otherwise.
        let velocity = MomentumConfig::new()
            .with_momentum(momentum)
            .with_dampening(0.0);
        Self {
            velocity: Momentum::new(&velocity),
            weight_decay,
            scaled: true,
        }
    }

    /// The rule for norms and biases: momentum alone.
    pub(crate) fn unscaled(self) -> Self {
        Self {
            weight_decay: 0.0,
            scaled: false,
            ..self
        }
    }
}

impl Optimizer for Lars {
    type State<const D: usize> = MomentumState<D>;

    fn step<const D: usize>(
        &self,
        lr: LearningRate,
        weights: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let decayed = if self.weight_decay == 0.0 {
            gradient.clone()
        } else {
            gradient.clone() + weights.clone().mul_scalar(self.weight_decay)
        };
        let direction = if self.scaled {
            let rate = self.clipped_rate(norm(&weights), norm(&gradient), lr);
            decayed.mul_scalar(rate)
        } else {
            decayed
        };
        let (velocity, state) = self.velocity.transform(direction, state);
        (weights - velocity.mul_scalar(lr), Some(state))
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        state.to_device(device)
    }
}

impl Lars {
    fn clipped_rate(&self, weights: f64, gradient: f64, lr: f64) -> f64 {
        if weights > 0.0 && gradient > 0.0 {
            let rate = TRUST * weights / (gradient + self.weight_decay * weights);
            (rate / lr).min(1.0)
        } else {
            1.0
        }
    }
}

fn norm<const D: usize>(tensor: &Tensor<D>) -> f64 {
    let sum: f32 = (tensor.clone() * tensor.clone()).sum().into_scalar();
    f64::from(sum).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(lars: &Lars, lr: f64, w: [f32; 2], g: [f32; 2], steps: usize) -> Vec<f32> {
        let device = Device::flex();
        let mut weights = Tensor::<1>::from_floats(w, &device);
        let mut state = None;
        for _ in 0..steps {
            let gradient = Tensor::<1>::from_floats(g, &device);
            (weights, state) = lars.step(lr, weights, gradient, state);
        }
        weights.into_data().try_to_vec().unwrap()
    }

    /// The formula again, in f64 and by hand.
    fn expected(
        lars: &Lars,
        momentum: f64,
        lr: f64,
        w: [f64; 2],
        g: [f64; 2],
        steps: usize,
    ) -> Vec<f64> {
        let (mut w, mut v) = (w.to_vec(), vec![0.0; 2]);
        for _ in 0..steps {
            let (nw, ng) = (w[0].hypot(w[1]), g[0].hypot(g[1]));
            let trust = TRUST * nw / (ng + lars.weight_decay * nw);
            let rate = if lars.scaled {
                (trust / lr).min(1.0)
            } else {
                1.0
            };
            for i in 0..2 {
                v[i] = momentum * v[i] + rate * (g[i] + lars.weight_decay * w[i]);
                w[i] -= lr * v[i];
            }
        }
        w
    }

    #[test]
    fn follows_its_formula_scaled_clipped_and_excluded() {
        let (w, g) = ([3.0_f32, -4.0], [0.5_f32, 0.25]);
        for lars in [Lars::new(0.9, 1e-2), Lars::new(0.9, 1e-2).unscaled()] {
            // 0.5: the trust ratio binds; 0.01: the clip does.
            for lr in [0.5, 0.01] {
                let got = step(&lars, lr, w, g, 5);
                let want = expected(&lars, 0.9, lr, w.map(f64::from), g.map(f64::from), 5);
                for (got, want) in got.iter().zip(want) {
                    // Five f32 updates of numbers near 4: a few ulp (5e-7) each.
                    assert!((f64::from(*got) - want).abs() <= 5e-6, "{got} {want}");
                }
            }
        }
    }

    #[test]
    fn zero_weights_and_zero_gradients_stay_finite() {
        let lars = Lars::new(0.9, 1e-4);
        assert!(
            step(&lars, 0.1, [0.0, 0.0], [1.0, 0.0], 3)
                .iter()
                .all(|w| w.is_finite())
        );
        assert!(
            step(&lars, 0.1, [1.0, 0.0], [0.0, 0.0], 3)
                .iter()
                .all(|w| w.is_finite())
        );
    }
}
