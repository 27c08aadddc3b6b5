//! Any rows and any temperature: an error, or a finite loss that is not negative and a
//! finite gradient that is orthogonal to its rows; the value alone is the same.

use arbitrary::Arbitrary;
use kernels_core::nt_xent::{nt_xent, nt_xent_with_grad, nt_xent_workspace_len};

use crate::number::{Number, Scalar, fill};

/// Rows and temperature.
#[derive(Arbitrary, Debug)]
pub struct Input {
    double: bool,
    rows: u8,
    dim: u8,
    temperature: Number,
    z: Vec<Number>,
}

/// See the module.
pub fn check(input: &Input) {
    if input.double {
        check_in::<f64>(input)
    } else {
        check_in::<f32>(input)
    }
}

fn check_in<T: Scalar>(input: &Input) {
    // Up to three panels of rows; mostly an even number of them.
    let rows = usize::from(input.rows % 36);
    let rows = if input.rows < 216 { rows / 2 * 2 } else { rows };
    let dim = usize::from(input.dim % 20);
    let z: Vec<T> = fill(&input.z, 0, rows * dim);
    let temperature: T = input.temperature.of();
    let mut grad = vec![T::nan(); rows * dim];
    let mut workspace = vec![T::nan(); nt_xent_workspace_len(rows, dim)];
    let with_grad = nt_xent_with_grad(&z, rows, dim, temperature, &mut grad, &mut workspace);
    workspace.fill(T::nan());
    let alone = nt_xent(&z, rows, dim, temperature, &mut workspace);
    let Ok(loss) = with_grad else { return };
    let alone = alone.expect("the gradient could be computed").wide();
    let (loss, temperature) = (loss.wide(), temperature.wide());
    assert!(loss.is_finite() && loss >= 0.0, "{loss}");
    // Two ways to the same number: each exponent is off by some u/τ.
    let u = T::epsilon().wide();
    let slack = 64.0 * u * (1.0 + 1.0 / temperature) * (1.0 + loss);
    assert!((loss - alone).abs() <= slack, "{loss} {alone}");

    for (z, grad) in z.chunks(dim).zip(grad.chunks(dim)) {
        assert!(grad.iter().all(|g| g.is_finite()));
        // Scaled: products of extreme rows overflow.
        let largest = |x: &[T]| x.iter().fold(0.0, |max, x| f64::max(max, x.wide().abs()));
        let (z_size, grad_size) = (largest(z), largest(grad));
        if grad_size == 0.0 {
            continue;
        }
        let pairs = z.iter().zip(grad);
        let cosine: f64 = pairs
            .map(|(z, g)| z.wide() / z_size * (g.wide() / grad_size))
            .sum();
        // Projection leaves the rounding of the unprojected gradient, at most 4/τ in a
        // row, divided by the norm; subnormal gradients round coarsely.
        let natural = 4.0 / temperature / z_size / grad_size;
        let subnormal = T::min_positive_value().wide() / grad_size;
        let slack = 256.0 * u * (dim as f64 + natural) + 32.0 * subnormal;
        assert!(cosine.abs() <= slack, "{cosine} > {slack}");
    }
}
