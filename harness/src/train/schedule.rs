//! Where training stands, and the learning rate there.
//!
//! Both are functions of the step alone, so that nothing has to be saved for them
//! and a resumed run cannot disagree with an uninterrupted one.

use std::f64::consts::PI;

use crate::config::{Decay, ScheduleConfig};

/// Steps, epochs and batches of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// Optimiser steps in an epoch.
    pub steps_per_epoch: u64,
    /// Optimiser steps in the run.
    pub total_steps: u64,
    warmup_steps: f64,
    decay: Decay,
}

/// W-MSE's fall: epochs before the end, and the factor at each.
const STEPS: [f64; 2] = [50.0, 25.0];
const STEP_FACTOR: f64 = 0.2;

/// Fewer images than one step needs.
#[derive(Debug, thiserror::Error)]
#[error(
    "training: expected at least {needed} images for one step (--batch-size {batch_size} × \
     --accumulate {accumulate}), got {images}; lower them or raise --limit"
)]
pub struct TooFewImages {
    needed: usize,
    batch_size: usize,
    accumulate: usize,
    images: usize,
}

impl Plan {
    /// The plan for `images` images; an epoch's incomplete last step is left out.
    pub fn new(images: usize, config: &ScheduleConfig) -> Result<Self, TooFewImages> {
        let needed = config.batch_size.saturating_mul(config.accumulate);
        let steps_per_epoch = (images / needed) as u64;
        if steps_per_epoch == 0 {
            let ScheduleConfig {
                batch_size,
                accumulate,
                ..
            } = *config;
            return Err(TooFewImages {
                needed,
                batch_size,
                accumulate,
                images,
            });
        }
        Ok(Self {
            steps_per_epoch,
            total_steps: steps_per_epoch.saturating_mul(config.epochs as u64),
            warmup_steps: config.warmup_epochs * steps_per_epoch as f64,
            decay: config.decay,
        })
    }

    /// The epoch that step `step` belongs to.
    pub fn epoch(&self, step: u64) -> u64 {
        step / self.steps_per_epoch
    }

    /// How many steps of its epoch come before step `step`.
    pub fn step_in_epoch(&self, step: u64) -> u64 {
        step % self.steps_per_epoch
    }

    /// Learning rate of step `step`, counted from 0: a straight rise to `peak`
    /// during the warm-up, then as [`Decay`] says; the cosine is that of Loshchilov &
    /// Hutter 2017, without restarts.
    pub fn learning_rate(&self, step: u64, peak: f64) -> f64 {
        // The middle of the step: the first is not wasted at zero, nor the last.
        let at = step as f64 + 0.5;
        if at < self.warmup_steps {
            return peak * at / self.warmup_steps;
        }
        match self.decay {
            Decay::Constant => peak,
            Decay::Steps => {
                let left = (self.total_steps as f64 - at) / self.steps_per_epoch as f64;
                let fallen = STEPS.iter().filter(|&&before| left < before).count();
                peak * STEP_FACTOR.powi(fallen as i32)
            }
            Decay::Cosine => peak * self.cosine(at),
        }
    }

    /// Half a cosine from 1, where the warm-up ends, to 0.
    fn cosine(&self, at: f64) -> f64 {
        let rest = (self.total_steps as f64 - self.warmup_steps).max(1.0);
        let progress = ((at - self.warmup_steps) / rest).clamp(0.0, 1.0);
        0.5 * (1.0 + (PI * progress).cos())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(epochs: usize, batch_size: usize, accumulate: usize, warmup: f64) -> ScheduleConfig {
        ScheduleConfig {
            epochs,
            batch_size,
            accumulate,
            warmup_epochs: warmup,
            decay: Decay::Cosine,
            checkpoint_steps: 0,
            diagnostics_steps: 0,
        }
    }

    #[test]
    fn steps_are_whole_and_the_incomplete_one_is_left_out() {
        let plan = Plan::new(1000, &config(3, 64, 2, 0.0)).unwrap();
        assert_eq!((plan.steps_per_epoch, plan.total_steps), (7, 21));
        assert_eq!(
            (plan.epoch(6), plan.epoch(7), plan.step_in_epoch(9)),
            (0, 1, 2)
        );
        let error = Plan::new(127, &config(1, 64, 2, 0.0))
            .unwrap_err()
            .to_string();
        assert!(error.contains("128") && error.contains("127"), "{error}");
    }

    #[test]
    fn learning_rate_rises_then_falls_to_zero() {
        let plan = Plan::new(100, &config(10, 10, 1, 2.0)).unwrap();
        let rates: Vec<f64> = (0..100).map(|s| plan.learning_rate(s, 0.4)).collect();
        assert!(rates[..20].windows(2).all(|w| w[1] > w[0]));
        assert!(rates[20..].windows(2).all(|w| w[1] < w[0]));
        // Middle of the warm-up's first step; middle of the cosine; end of it.
        assert!((rates[0] - 0.4 * 0.5 / 20.0).abs() < 1e-15);
        assert!((plan.learning_rate(60, 0.4) - 0.2).abs() < 0.4 * PI / 4.0 / 80.0 * 1.01);
        assert!(rates[99] > 0.0 && rates[99] < 1e-4);
    }

    #[test]
    fn other_falls() {
        let plan = |decay| {
            Plan::new(
                10,
                &ScheduleConfig {
                    decay,
                    ..config(100, 10, 1, 0.0)
                },
            )
        };
        let steps = plan(Decay::Steps).unwrap();
        let rates = [0, 49, 50, 74, 75, 99].map(|s| steps.learning_rate(s, 1.0));
        // Powers of 0.2 in f64.
        let expected = [1.0, 1.0, 0.2, 0.2, 0.04, 0.04];
        assert!(
            rates
                .iter()
                .zip(expected)
                .all(|(r, e)| (r - e).abs() < 1e-15),
            "{rates:?}"
        );
        assert_eq!(plan(Decay::Constant).unwrap().learning_rate(99, 0.3), 0.3);
    }

    #[test]
    fn a_warm_up_longer_than_the_run_stays_finite() {
        let plan = Plan::new(20, &config(1, 10, 1, 5.0)).unwrap();
        assert!((0..10).all(|s| plan.learning_rate(s, 1.0).is_finite()));
    }
}
