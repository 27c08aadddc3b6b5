//! Log-sum-exp against f64, for every driver, order and size.

use kernels_core::log_sum_exp::{LogSumExp, log_sum_exp};

/// 1 to 10⁶, around the lanes and blocks between.
const SIZES: [usize; 13] = [
    1, 2, 3, 15, 16, 17, 33, 255, 257, 1000, 4096, 65_537, 1_000_000,
];

/// Of u max(1, |m|, |result|); the module says why it does not grow with the size.
const BOUND: f64 = 3.0;

/// In f64, where a million roundings are 10⁻¹⁰.
fn reference(xs: &[f32]) -> f64 {
    let wide = || xs.iter().map(|&x| f64::from(x));
    let max = wide().fold(f64::NEG_INFINITY, f64::max);
    max + wide().map(|x| (x - max).exp()).sum::<f64>().ln()
}

/// Uniform in [0, 1), the same in every run.
fn random(len: usize, seed: u64) -> impl Iterator<Item = f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..len).map(move |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1_u64 << 24) as f32
    })
}

/// Numbers that are hard on one way or another of adding them up.
fn families(n: usize) -> Vec<(&'static str, Vec<f32>)> {
    let one_large = |large: f32, small: f32, place: usize| {
        let mut xs = vec![small; n];
        xs[place] = large;
        xs
    };
    let log_n = (n as f32).ln();
    vec![
        ("random", random(n, 1).map(|x| 20.0 * x - 10.0).collect()),
        ("narrow", random(n, 2).map(|x| 0.001 * x + 0.3).collect()),
        ("wide", random(n, 3).map(|x| 160.0 * x - 80.0).collect()),
        (
            "positive offset",
            random(n, 4).map(|x| 4.0 * x + 1e6).collect(),
        ),
        (
            "negative offset",
            random(n, 5).map(|x| 4.0 * x - 3e4).collect(),
        ),
        ("all equal", vec![-7.3; n]),
        ("all equal, log 1 = 0 in the end", vec![-log_n; n]),
        // Each small term is less than half a unit in the last place of the large one.
        ("one large first", one_large(0.0, -17.4, 0)),
        ("one large last", one_large(0.0, -17.4, n - 1)),
        (
            "one as large as the others together",
            one_large(1.0, 1.0 - log_n, n / 2),
        ),
        (
            "alternating",
            (0..n)
                .map(|k| if k % 2 == 0 { 1.7 } else { -11.3 })
                .collect(),
        ),
        (
            "alternating signs of an offset",
            (0..n)
                .map(|k| if k % 2 == 0 { 88.0 } else { -88.0 })
                .collect(),
        ),
        (
            "slow ascent",
            (0..n).map(|k| k as f32 * 1e-5 - 3.0).collect(),
        ),
        ("ascent", (0..n).map(|k| k as f32 * 0.01 - 90.0).collect()),
    ]
}

/// Every way of putting the same terms together.
fn drivers(xs: &[f32]) -> Vec<(&'static str, f32)> {
    let push = |xs: &mut dyn Iterator<Item = &f32>| {
        xs.fold(LogSumExp::identity(), |total, &x| total.push(x))
    };
    let blocks = |size: usize| {
        let parts = xs.chunks(size).map(LogSumExp::of);
        parts.fold(LogSumExp::identity(), LogSumExp::merge)
    };
    let mut tree: Vec<_> = xs.iter().map(|&x| LogSumExp::single(x)).collect();
    while tree.len() > 1 {
        let pairs = tree.chunks(2).map(|pair| match *pair {
            [left, right] => left.merge(right),
            _ => pair[0],
        });
        tree = pairs.collect();
    }
    let striped = (0..64)
        .map(|lane| push(&mut xs.iter().skip(lane).step_by(64)))
        .fold(LogSumExp::identity(), LogSumExp::merge);
    vec![
        ("slice", log_sum_exp(xs)),
        ("push", push(&mut xs.iter()).finish()),
        ("push backwards", push(&mut xs.iter().rev()).finish()),
        ("merged blocks", blocks(100).finish()),
        ("merged tree", tree[0].finish()),
        ("64 lanes", striped.finish()),
    ]
}

#[test]
fn log_sum_exp_in_f32_is_within_3_u_of_f64_up_to_a_million_terms() {
    let mut worst = (0.0_f64, String::new());
    for n in SIZES {
        for (family, xs) in families(n) {
            let mut ascending = xs.clone();
            ascending.sort_by(f32::total_cmp);
            let exact = reference(&xs);
            let max = f64::from(ascending[n - 1]);
            let unit = f64::from(f32::EPSILON) / 2.0 * exact.abs().max(max.abs()).max(1.0);
            // Descending is ascending pushed backwards.
            let orders = [("given", xs), ("ascending", ascending)];
            for (order, xs) in orders {
                for (driver, got) in drivers(&xs) {
                    let error = (f64::from(got) - exact).abs() / unit;
                    let case = format!("{driver}, {n} terms, {family}, {order}");
                    assert!(error <= BOUND, "{case}: {got} for {exact}, {error} u");
                    if error > worst.0 {
                        worst = (error, case);
                    }
                }
            }
        }
    }
    eprintln!("log-sum-exp: worst {:.2} u ({})", worst.0, worst.1);
    // A bound that nothing comes near would let it get worse unnoticed.
    assert!(worst.0 > BOUND / 3.0, "{worst:?}");
}
