//! Any rows and any temperature: an error, or a finite loss that is not negative and a
//! finite gradient that is orthogonal to its rows.
#![no_main]

use arbitrary::Arbitrary;
use kernels_core::nt_xent::{nt_xent_with_grad, nt_xent_workspace_len};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input {
    rows: u8,
    dim: u8,
    temperature: f32,
    z: Vec<f32>,
    /// Pads `z` to the right length, so that most inputs get past the shape check.
    pad: f32,
    exact: bool,
}

fuzz_target!(|input: Input| {
    let (rows, dim) = (usize::from(input.rows % 20), usize::from(input.dim % 6));
    let mut z = input.z;
    if input.exact {
        let mut entry = input.pad;
        z.resize_with(rows * dim, || {
            entry = -1.1 * entry + 0.3;
            entry
        });
    }
    let mut grad = vec![f32::NAN; rows * dim];
    let mut workspace = vec![f32::NAN; nt_xent_workspace_len(rows, dim)];
    let result =
        nt_xent_with_grad(&z, rows, dim, input.temperature, &mut grad, &mut workspace);
    if let Ok(loss) = result {
        assert!(loss.is_finite() && loss >= 0.0);
        for (z, grad) in z.chunks(dim).zip(grad.chunks(dim)) {
            assert!(grad.iter().all(|g| g.is_finite()));
            // In f64: the products overflow f32 for rows of extreme length.
            let dot = |x: &[f32], y: &[f32]| -> f64 {
                x.iter().zip(y).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
            };
            let lengths = (dot(z, z) * dot(grad, grad)).sqrt();
            // Projection leaves the rounding of the unprojected gradient, at most
            // 4/τ per row, divided by the norm; subnormal gradients round coarsely.
            let natural = 4.0 / f64::from(input.temperature);
            let subnormal = f64::from(f32::MIN_POSITIVE) * dot(z, z).sqrt();
            let slack = 1e-5 * (lengths + natural) + subnormal;
            assert!(dot(z, grad).abs() <= slack, "{} > {slack}", dot(z, grad));
        }
    }
});
