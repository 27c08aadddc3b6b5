//! How often each operation runs, and with which constants.

use std::collections::HashMap;

use super::{ks_uniform, moments};
use crate::augment::{
    Affine, AugmentConfig, Blur, Jitter, JitterOp, Solarize, Stream, ViewPlan, generator,
};

const DRAWS: u64 = 20_000;

/// A decision's name, its probability and whether a plan took it.
type Event = (&'static str, f64, fn(&ViewPlan) -> bool);

fn config() -> AugmentConfig {
    AugmentConfig {
        flip: 0.5,
        grayscale: 0.1,
        affine: Affine {
            probability: 0.7,
            degrees: 15.0,
            translate: 0.1,
        },
        jitter: Jitter {
            probability: 0.8,
            brightness: 0.4,
            contrast: 1.5,
            saturation: 0.0,
            hue: 0.1,
        },
        blur: Blur {
            probability: 0.3,
            sigma: [0.1, 2.0],
        },
        solarize: Solarize {
            probability: 0.2,
            threshold: 0.25,
        },
        ..AugmentConfig::none(32)
    }
}

/// One plan per image, as the loader draws them.
fn plans(config: &AugmentConfig) -> Vec<ViewPlan> {
    let draw = |image| ViewPlan::draw(config, 32, 40, &mut generator(11, 0, image, Stream::ViewA));
    (0..DRAWS).map(draw).collect()
}

#[test]
fn each_operation_runs_as_often_as_asked_and_independently() {
    let plans = plans(&config());
    let events: [Event; 6] = [
        ("flip", 0.5, |p| p.flip),
        ("grayscale", 0.1, |p| p.grayscale),
        ("affine", 0.7, |p| p.affine.is_some()),
        ("jitter", 0.8, |p| p.jitter.is_some()),
        ("blur", 0.3, |p| p.blur.is_some()),
        ("solarize", 0.2, |p| p.solarize == Some(0.25)),
    ];
    let n = DRAWS as f64;
    // Four and a half standard deviations.
    let bound = |p: f64| 4.5 * (p * (1.0 - p) / n).sqrt();
    for (name, p, event) in events {
        let rate = plans.iter().filter(|plan| event(plan)).count() as f64 / n;
        assert!((rate - p).abs() <= bound(p), "{name}: {rate}");
        for (other, q, second) in events {
            if name != other {
                let both = plans
                    .iter()
                    .filter(|plan| event(plan) && second(plan))
                    .count();
                let rate = both as f64 / n;
                assert!(
                    (rate - p * q).abs() <= bound(p * q),
                    "{name} and {other}: {rate}"
                );
            }
        }
    }
}

#[test]
fn constants_are_uniform_in_their_ranges() {
    let plans = plans(&config());
    let uniform = |name: &str, values: Vec<f64>, least, most| {
        assert!(values.iter().all(|x| (least..=most).contains(x)), "{name}");
        let gap = ks_uniform(values, least, most);
        assert!(gap < 2.3, "{name}: {gap}");
    };
    let op = |pick: fn(&JitterOp) -> Option<f32>| -> Vec<f64> {
        let jitters = plans.iter().filter_map(|p| p.jitter);
        jitters
            .flat_map(|j| j.0)
            .filter_map(|op| pick(&op).map(f64::from))
            .collect()
    };
    // Ranges are f32 constants: 1e-6 wider than they look.
    let brightness = op(|op| {
        if let JitterOp::Brightness(f) = op {
            Some(*f)
        } else {
            None
        }
    });
    uniform("brightness", brightness, 0.6 - 1e-6, 1.4 + 1e-6);
    let contrast = op(|op| {
        if let JitterOp::Contrast(f) = op {
            Some(*f)
        } else {
            None
        }
    });
    uniform("contrast", contrast, 0.0, 2.5);
    let hue = op(|op| {
        if let JitterOp::Hue(t) = op {
            Some(*t)
        } else {
            None
        }
    });
    uniform("hue", hue, -0.1 - 1e-6, 0.1 + 1e-6);
    let saturation = op(|op| {
        if let JitterOp::Saturation(f) = op {
            Some(*f)
        } else {
            None
        }
    });
    assert!(
        saturation.iter().all(|&f| f == 1.0),
        "strength 0 is no change"
    );
    let sigma = plans.iter().filter_map(|p| p.blur).collect();
    uniform("sigma", sigma, 0.1, 2.0);
    let degrees = plans
        .iter()
        .filter_map(|p| p.affine)
        .map(|a| a.degrees)
        .collect();
    uniform("degrees", degrees, -15.0, 15.0);

    // Shifts: whole pixels up to a tenth of 32 and of 40.
    let (mean, _) = moments(
        plans
            .iter()
            .filter_map(|p| p.affine)
            .map(|a| a.shift_x.into()),
    );
    // Standard deviation 1.85 over √14,000.
    assert!(mean.abs() <= 0.08, "{mean}");
    let most =
        |pick: fn(&ViewPlan) -> Option<i32>| plans.iter().filter_map(pick).map(i32::abs).max();
    assert_eq!(most(|p| p.affine.map(|a| a.shift_x)), Some(3));
    assert_eq!(most(|p| p.affine.map(|a| a.shift_y)), Some(4));
}

#[test]
fn jitter_runs_in_every_order_equally_often() {
    let mut counts = HashMap::new();
    for jitter in plans(&config()).iter().filter_map(|p| p.jitter) {
        *counts
            .entry(jitter.0.map(|op| std::mem::discriminant(&op)))
            .or_insert(0_u32) += 1;
    }
    assert_eq!(counts.len(), 24);
    // 16,000 / 24 = 667, standard deviation 26; five of them.
    assert!(
        counts.values().all(|n| n.abs_diff(667) <= 130),
        "{:?}",
        counts.values()
    );
}

#[test]
fn one_is_always_and_zero_never() {
    let always = AugmentConfig {
        flip: 1.0,
        grayscale: 0.0,
        ..config()
    };
    assert!(plans(&always).iter().all(|p| p.flip && !p.grayscale));
    let none = AugmentConfig::none(32);
    let plan = ViewPlan::draw(&none, 32, 32, &mut generator(0, 0, 0, Stream::ViewA));
    assert_eq!(plan.crop, crate::augment::CropBox::whole(32, 32));
    assert!(plan.affine.is_none() && plan.jitter.is_none() && plan.blur.is_none());
    assert!(!plan.flip && !plan.grayscale && plan.solarize.is_none());
}

#[test]
fn switching_one_operation_off_leaves_the_others() {
    let full = config();
    let less = AugmentConfig {
        blur: Blur::default(),
        affine: Affine::default(),
        solarize: Solarize::default(),
        ..config()
    };
    for (a, b) in plans(&full).into_iter().zip(plans(&less)) {
        assert_eq!(
            ViewPlan {
                affine: None,
                blur: None,
                solarize: None,
                ..a
            },
            b
        );
    }
}
