//! Log-sum-exp on the emulated grid against `kernels-core` in f64.

// Helpers of tests fail as tests do.
#![allow(clippy::unwrap_used)]

mod support;

use kernels_core::log_sum_exp::log_sum_exp;
use kernels_cuda::emulator::Emulator;
use kernels_cuda::log_sum_exp::{
    log_sum_exp_of_columns, log_sum_exp_of_columns_workspace_len, log_sum_exp_of_rows,
};
use kernels_cuda::{Buffer, Error};
use support::{SIZES, near, normal};

fn both(x: &[f32], rows: usize, columns: usize, seed: u64) -> Result<[Vec<f32>; 2], Error> {
    let device = Emulator::new(seed);
    let matrix = Buffer::of(&device, x)?;
    let of_rows = Buffer::new(&device, rows)?;
    log_sum_exp_of_rows(&device, matrix.array(), (rows, columns), of_rows.array())?;
    let of_columns = Buffer::new(&device, columns)?;
    let workspace = Buffer::new(&device, log_sum_exp_of_columns_workspace_len(columns))?;
    log_sum_exp_of_columns(
        &device,
        matrix.array(),
        (rows, columns),
        of_columns.array(),
        workspace.array(),
    )?;
    Ok([of_rows.to_vec()?, of_columns.to_vec()?])
}

fn expected(x: &[f32], rows: usize, columns: usize) -> [Vec<f64>; 2] {
    let at = |i: usize, j: usize| f64::from(x[i * columns + j]);
    let row = |i| log_sum_exp(&(0..columns).map(|j| at(i, j)).collect::<Vec<_>>());
    let column = |j| log_sum_exp(&(0..rows).map(|i| at(i, j)).collect::<Vec<_>>());
    [
        (0..rows).map(row).collect(),
        (0..columns).map(column).collect(),
    ]
}

#[test]
fn rows_and_columns_of_all_sizes() {
    for &rows in &[0, 1, 2, 33] {
        for &columns in SIZES {
            let x = normal(rows as u64 + 1, rows * columns, 10.0);
            let got = both(&x, rows, columns, 7).unwrap();
            let want = expected(&x, rows, columns);
            // Exponents of about 40 are rounded by 40 u; sums of a few terms add little.
            near("rows", &got[0], &want[0], 1e-6);
            near("columns", &got[1], &want[1], 1e-6);
            let turned = normal(columns as u64, rows * columns, 10.0);
            let got = both(&turned, columns, rows, 11).unwrap();
            let want = expected(&turned, columns, rows);
            near("rows", &got[0], &want[0], 1e-6);
            near("columns", &got[1], &want[1], 1e-6);
        }
    }
}

#[test]
fn special_values() {
    let (inf, nan) = (f32::INFINITY, f32::NAN);
    let x = [-inf, -inf, 0.0, -inf, 3e38, 3e38, 1.0, inf, nan, 0.0];
    let [rows, _] = both(&x, 5, 2, 1).unwrap();
    assert_eq!(rows[..4], [-inf, 0.0, 3e38, inf]);
    assert!(rows[4].is_nan());
}

#[test]
fn wrong_lengths_are_refused() {
    let device = Emulator::new(1);
    let x = Buffer::of(&device, &[0.0_f32; 6]).unwrap();
    let out = Buffer::new(&device, 2).unwrap();
    let refused = log_sum_exp_of_rows(&device, x.array(), (2, 4), out.array());
    let text = refused.unwrap_err().to_string();
    assert_eq!(text, "log_sum_exp_of_rows: `x` must have 8 elements, got 6");
}
