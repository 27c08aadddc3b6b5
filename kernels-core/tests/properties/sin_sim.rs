//! The combined loss is the sum of its parts.

use kernels_core::cost::{Cost, CostScale};
use kernels_core::nt_xent::{nt_xent_with_grad, nt_xent_workspace_len};
use kernels_core::sin_sim::{
    EpsilonUnit, OtForm, OtOptions, OtTerm, SinSimOptions, ot_term_with_grad,
    ot_term_workspace_len, sin_sim_with_grad, sin_sim_workspace_len,
};
use kernels_core::sinkhorn::SinkhornOptions;

const ROWS: usize = 34;
const DIM: usize = 17;

fn options(cost: Cost, scale: CostScale, lambda: f32) -> SinSimOptions<f32> {
    let sinkhorn = SinkhornOptions {
        epsilon: 0.1,
        threshold: 1e-4,
        max_iterations: 50,
    };
    SinSimOptions {
        temperature: 0.5,
        lambda,
        ot: OtOptions {
            scale,
            ..OtOptions::new(cost, sinkhorn)
        },
    }
}

fn batch() -> Vec<f32> {
    (0..ROWS * DIM)
        .map(|k| (2.3 * (k * k) as f32).sin())
        .collect()
}

#[test]
fn without_transport_it_is_nt_xent_bit_for_bit() {
    let z = batch();
    let (mut grad, mut expected) = (vec![f32::NAN; z.len()], vec![f32::NAN; z.len()]);
    let mut workspace = vec![f32::NAN; sin_sim_workspace_len(ROWS, DIM)];
    let options = options(Cost::Cosine, CostScale::None, 0.0);
    let sin_sim = sin_sim_with_grad(&z, ROWS, DIM, &options, &mut grad, &mut workspace);
    let sin_sim = sin_sim.expect("legal");
    let mut workspace = vec![f32::NAN; nt_xent_workspace_len(ROWS, DIM)];
    let loss = nt_xent_with_grad(&z, ROWS, DIM, 0.5, &mut expected, &mut workspace);
    assert_eq!(Ok(sin_sim.loss), loss);
    assert_eq!(Ok(sin_sim.nt_xent), loss);
    assert_eq!(sin_sim.ot, OtTerm::skipped());
    assert_eq!(grad, expected);
}

/// For every cost, scale and form; workspaces and gradients start as NaN, so that nothing may
/// rely on what they hold.
#[test]
fn loss_and_gradient_add_up() {
    let z = batch();
    let nan = f32::NAN;
    for cost in [Cost::SquaredEuclidean, Cost::Cosine] {
        let scales = [CostScale::None, CostScale::Maximum];
        let forms = [OtForm::Plain, OtForm::Divergence];
        for (scale, form) in scales
            .into_iter()
            .flat_map(|scale| forms.map(|form| (scale, form)))
        {
            let mut options = options(cost, scale, 0.8);
            options.ot.form = form;
            let mut grad = vec![nan; z.len()];
            let mut workspace = vec![nan; sin_sim_workspace_len(ROWS, DIM)];
            let whole = sin_sim_with_grad(&z, ROWS, DIM, &options, &mut grad, &mut workspace);
            let whole = whole.expect("legal");

            let (mut one, mut other) = (vec![nan; z.len()], vec![nan; z.len()]);
            let mut workspace = vec![nan; nt_xent_workspace_len(ROWS, DIM)];
            let nt_xent = nt_xent_with_grad(&z, ROWS, DIM, 0.5, &mut one, &mut workspace);
            let mut workspace = vec![nan; ot_term_workspace_len(ROWS / 2, DIM)];
            let ot = ot_term_with_grad(&z, ROWS, DIM, &options.ot, &mut other, &mut workspace);
            let ot = ot.expect("legal");

            assert_eq!(Ok(whole.nt_xent), nt_xent);
            assert_eq!(whole.loss, whole.nt_xent + 0.8 * whole.ot.value);
            assert!(ot.iterations > 0 && ot.transport_cost > 0.0);
            let sums = one.iter().zip(&other).map(|(one, other)| one + 0.8 * other);
            let sums: Vec<f32> = sums.collect();
            if cost == Cost::SquaredEuclidean || form == OtForm::Divergence {
                assert_eq!(whole.ot, ot);
                assert_eq!(grad, sums);
            } else {
                same_within_rounding(&whole.ot, &ot, &grad, &sums);
            }
        }
    }
}

/// The parts share their products: other roundings of costs and of gradients.
fn same_within_rounding(shared: &OtTerm<f32>, apart: &OtTerm<f32>, grad: &[f32], expected: &[f32]) {
    let u = f32::EPSILON / 2.0;
    assert_eq!(shared.converged, apart.converged);
    // Costs up to 2 with 6 u each; ⟨P,C⟩ moves with the plan's κu too, κ = 1 + 2/ε.
    for (x, y, units) in [
        (shared.value, apart.value, 20.0),
        (shared.transport_cost, apart.transport_cost, 60.0),
    ] {
        assert!((x - y).abs() <= units * u, "{x} and {y}");
    }
    // A row's terms add up to 1/(Nτ) + λ/N, over the row's length, which is above 1.
    let size = 4.0 / (ROWS / 2) as f32;
    for (x, y) in grad.iter().zip(expected) {
        assert!((x - y).abs() <= 60.0 * u * size, "{x} and {y}");
    }
}

/// Against f64, where the costs' own rounding does not count: at the sizes where a panel
/// holds the end of one view and the start of the other, where terms are kept and where they
/// are computed again, for temperatures that shift every row by its own, with priced
/// marginals, and for an ε that is too fine for shared costs.
#[test]
fn sharing_changes_nothing_but_roundings() {
    for (rows, dim) in [
        (2, 3),
        (6, 5),
        (32, 16),
        (34, 7),
        (62, 9),
        (200, 33),
        (1030, 20),
    ] {
        for (temperature, epsilon, rho) in [
            (0.5, 0.1, f64::INFINITY),
            (0.002, 0.2, 1.5),
            (0.2, 1e-13, f64::INFINITY),
        ] {
            let sinkhorn = SinkhornOptions {
                epsilon,
                threshold: 1e-10,
                max_iterations: 30,
            };
            let options = SinSimOptions {
                temperature,
                lambda: 0.7,
                ot: OtOptions {
                    rho,
                    ..OtOptions::new(Cost::Cosine, sinkhorn)
                },
            };
            let z: Vec<f64> = (0..rows * dim)
                .map(|k| (2.3 * (k * k) as f64).sin())
                .collect();
            let (mut grad, mut one, mut other) =
                (vec![0.0; z.len()], vec![0.0; z.len()], vec![0.0; z.len()]);
            let mut workspace = vec![f64::NAN; sin_sim_workspace_len(rows, dim)];
            let whole = sin_sim_with_grad(&z, rows, dim, &options, &mut grad, &mut workspace);
            let whole = whole.expect("legal");
            let nt_xent = nt_xent_with_grad(&z, rows, dim, temperature, &mut one, &mut workspace);
            let ot = ot_term_with_grad(&z, rows, dim, &options.ot, &mut other, &mut workspace);
            let (nt_xent, ot) = (nt_xent.expect("legal"), ot.expect("legal"));
            assert_eq!(whole.nt_xent, nt_xent);
            let name = format!("{rows} x {dim}, {temperature}, {epsilon}");
            // 30 iterations are not always enough, and then they are as far on both ways.
            assert!(
                (whole.ot.value - ot.value).abs() <= 1e-12,
                "{name}: {whole:?}, {ot:?}"
            );
            let largest = one.iter().fold(0.0, |peak: f64, g| peak.max(g.abs()));
            let tolerance = 1e-11;
            let size = largest.max(1.0 / rows as f64);
            for ((sum, one), other) in grad.iter().zip(&one).zip(&other) {
                let expected = one + 0.7 * other;
                assert!(
                    (sum - expected).abs() <= tolerance * size,
                    "{name}: {sum} {expected}"
                );
            }
        }
    }
}

/// Where products are too coarse, or factors leave the range, the parts are computed apart:
/// bit for bit as by themselves.
#[test]
fn what_cannot_be_shared_is_computed_apart() {
    let relative = |scale, epsilon_unit, epsilon| {
        let mut options = options(Cost::Cosine, scale, 1.0);
        options.ot.epsilon_unit = epsilon_unit;
        options.ot.sinkhorn.epsilon = epsilon;
        options
    };
    let (none, maximum) = (CostScale::None, CostScale::Maximum);
    // Two directions that are 1e-4 apart, so that the cost is 5e-9, which 1 − u·v does not see.
    let close = vec![1.0, 0.0, 1.0, 1e-4];
    let z = batch();
    let cases = [
        (&close, 2, relative(maximum, EpsilonUnit::Absolute, 0.05)),
        (&close, 2, relative(maximum, EpsilonUnit::Absolute, 100.0)),
        (&close, 2, relative(none, EpsilonUnit::Maximum, 0.05)),
        (&z, DIM, relative(none, EpsilonUnit::Absolute, 1e-5)),
        (&z, DIM, {
            let mut priced = relative(none, EpsilonUnit::Absolute, 0.1);
            priced.ot.rho = 1e-5;
            priced
        }),
        (
            &z,
            DIM,
            SinSimOptions {
                temperature: 1e38,
                ..relative(none, EpsilonUnit::Absolute, 0.1)
            },
        ),
        (
            &z,
            DIM,
            SinSimOptions {
                lambda: 1e36,
                ..relative(none, EpsilonUnit::Absolute, 0.1)
            },
        ),
    ];
    for (z, dim, options) in cases {
        let rows = z.len() / dim;
        let (mut grad, mut one, mut other) =
            (vec![0.0; z.len()], vec![0.0; z.len()], vec![0.0; z.len()]);
        let mut workspace = vec![f32::NAN; sin_sim_workspace_len(rows, dim)];
        let whole = sin_sim_with_grad(z, rows, dim, &options, &mut grad, &mut workspace);
        let whole = whole.expect("legal");
        nt_xent_with_grad(z, rows, dim, options.temperature, &mut one, &mut workspace)
            .expect("legal");
        let ot = ot_term_with_grad(z, rows, dim, &options.ot, &mut other, &mut workspace);
        assert_eq!(Ok(whole.ot), ot, "{options:?}");
        for ((sum, one), other) in grad.iter().zip(one).zip(other) {
            assert_eq!(*sum, one + options.lambda * other, "{options:?}");
        }
    }
}

/// On unit rows ‖u−v‖² = 2(1−cos): the cosine cost at ε is half the squared cost at 2ε.
#[test]
fn cosine_cost_is_half_the_squared_cost_of_directions() {
    let mut z = batch();
    for row in z.chunks_mut(DIM) {
        let norm = row.iter().map(|z| z * z).sum::<f32>().sqrt();
        row.iter_mut().for_each(|z| *z /= norm);
    }
    let run = |cost, epsilon| {
        let mut options = options(cost, CostScale::None, 1.0).ot;
        options.sinkhorn.epsilon = epsilon;
        let mut grad = vec![0.0; z.len()];
        let mut workspace = vec![0.0; ot_term_workspace_len(ROWS / 2, DIM)];
        ot_term_with_grad(&z, ROWS, DIM, &options, &mut grad, &mut workspace).expect("legal")
    };
    let (cosine, squared) = (run(Cost::Cosine, 0.1), run(Cost::SquaredEuclidean, 0.2));
    // f32, and costs up to 2: a few ulp.
    assert!((2.0 * cosine.value - squared.value).abs() <= 2e-6);
    assert!((2.0 * cosine.transport_cost - squared.transport_cost).abs() <= 2e-5);
}
