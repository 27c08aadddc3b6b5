//! Sums over all pairs of rows on the emulated grid against f64.

// Helpers of tests fail as tests do.
#![allow(clippy::unwrap_used)]

mod support;

use std::f32::consts::LOG2_E;

use kernels_core::log_sum_exp::log_sum_exp;
use kernels_cuda::emulator::Emulator;
use kernels_cuda::{Buffer, Device, DeviceError, Global};
use kernels_cuda_device::log_sum_exp::LogSumExpOfParts;
use kernels_cuda_device::pairs::{
    APPLY_WORDS, At, Parts, Points, REDUCE_WORDS, TILE, Terms, apply, chunks, merged, reduce,
    splits,
};
use kernels_cuda_device::{BLOCK, Kernel, Thread};
use support::{near, normal};

/// `x_i + y_j + a_i·b_j`, or `nothing` for j = i.
#[derive(Clone, Copy, Debug)]
struct Sums {
    x: Global<f32>,
    y: Global<f32>,
    nothing: f32,
}

impl Terms for Sums {
    type Row = f32;
    type Column = f32;

    fn row<T: Thread>(&self, thread: T, i: u32) -> f32 {
        thread.load(self.x, i as usize)
    }

    fn column<T: Thread>(&self, thread: T, j: u32) -> f32 {
        thread.load(self.y, j as usize)
    }

    fn term<T: Thread>(&self, _: T, row: At<f32>, column: At<f32>, product: f32) -> f32 {
        if row.index == column.index {
            self.nothing
        } else {
            row.data + column.data + product
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct ReduceSums(Points, Sums, Global<f32>);

impl Kernel for ReduceSums {
    const NAME: &'static str = "reduce_sums";

    fn shared_words(&self) -> u32 {
        REDUCE_WORDS
    }

    fn run<T: Thread>(&self, thread: T) {
        reduce(thread, &self.0, &self.1, LOG2_E, self.2);
    }
}

#[derive(Clone, Copy, Debug)]
struct ApplySums<const N: usize>(Points, Sums, Parts);

impl<const N: usize> Kernel for ApplySums<N> {
    const NAME: &'static str = "apply_sums";

    fn shared_words(&self) -> u32 {
        APPLY_WORDS
    }

    fn run<T: Thread>(&self, thread: T) {
        apply::<T, Sums, N>(thread, &self.0, &self.1, &self.2);
    }
}

#[derive(Clone, Copy, Debug)]
struct MergeParts {
    parts: Global<f32>,
    splits: u32,
    out: Global<f32>,
}

impl Kernel for MergeParts {
    const NAME: &'static str = "merge_parts";

    fn shared_words(&self) -> u32 {
        0
    }

    fn run<T: Thread>(&self, thread: T) {
        let index = (thread.block()[0] * BLOCK + thread.thread()) as usize;
        if index < self.out.len() {
            let sum = merged(thread, self.parts, self.splits, self.out.len(), index);
            thread.store(self.out, index, sum);
        }
    }
}

/// n, m, d, and inputs for them.
struct Problem {
    sizes: [usize; 3],
    a: Vec<f32>,
    b: Vec<f32>,
    x: Vec<f32>,
    y: Vec<f32>,
}

impl Problem {
    fn new(sizes: [usize; 3]) -> Self {
        let [n, m, d] = sizes;
        Self {
            sizes,
            a: normal(1, n * d, 1.0),
            b: normal(2, m * d, 1.0),
            x: normal(3, n, 3.0),
            y: normal(4, m, 3.0),
        }
    }

    /// A term in f64, and the sum of the magnitudes that it is made of.
    fn term(&self, i: usize, j: usize, nothing: f64) -> [f64; 2] {
        if i == j {
            return [nothing; 2];
        }
        let d = self.sizes[2];
        let (x, y) = (f64::from(self.x[i]), f64::from(self.y[j]));
        let rows = self.a[i * d..(i + 1) * d].iter();
        rows.zip(&self.b[j * d..(j + 1) * d])
            .map(|(&a, &b)| f64::from(a) * f64::from(b))
            .fold([x + y, x.abs() + y.abs()], |[sum, size], product| {
                [sum + product, size + product.abs()]
            })
    }
}

/// The parts of all splits, added up.
fn merge(
    device: &Emulator,
    parts: Global<f32>,
    splits: u32,
    len: usize,
) -> Result<Vec<f32>, DeviceError> {
    let out = Buffer::new(device, len)?;
    let kernel = MergeParts {
        parts,
        splits,
        out: out.array(),
    };
    let blocks = (len as u32).div_ceil(BLOCK);
    device.launch(kernel, [blocks, 1])?;
    out.to_vec()
}

fn reduced(problem: &Problem, seed: u64, most: u32) -> Result<Vec<f32>, DeviceError> {
    let [n, m, d] = problem.sizes;
    let device = Emulator::new(seed);
    let of = |values: &[f32]| Buffer::of(&device, values);
    let (a, b) = (of(&problem.a)?, of(&problem.b)?);
    let (x, y) = (of(&problem.x)?, of(&problem.y)?);
    let (rows, columns) = (n as u32, m as u32);
    let points = Points {
        a: a.array(),
        b: b.array(),
        rows,
        columns,
        dim: d as u32,
    };
    let sums = Sums {
        x: x.array(),
        y: y.array(),
        nothing: f32::NEG_INFINITY,
    };
    let splits = splits(rows, columns).min(most);
    let parts = Buffer::new(&device, 2 * splits as usize * n)?;
    let kernel = ReduceSums(points, sums, parts.array());
    device.launch(kernel, [rows.div_ceil(TILE), splits])?;
    let out = Buffer::new(&device, n)?;
    let merge = LogSumExpOfParts {
        parts: parts.array(),
        out: out.array(),
        shares: splits,
        columns: rows,
    };
    device.launch(merge, [rows.div_ceil(BLOCK), 1])?;
    out.to_vec()
}

/// Vectors and masses.
fn applied<const N: usize>(
    problem: &Problem,
    v: &[f32],
    seed: u64,
) -> Result<[Vec<f32>; 2], DeviceError> {
    let [n, m, d] = problem.sizes;
    let e = v.len() / m.max(1);
    let device = Emulator::new(seed);
    let of = |values: &[f32]| Buffer::of(&device, values);
    let (a, b, v) = (of(&problem.a)?, of(&problem.b)?, of(v)?);
    let (x, y) = (of(&problem.x)?, of(&problem.y)?);
    let (rows, columns) = (n as u32, m as u32);
    let points = Points {
        a: a.array(),
        b: b.array(),
        rows,
        columns,
        dim: d as u32,
    };
    let sums = Sums {
        x: x.array(),
        y: y.array(),
        nothing: 0.0,
    };
    let splits = splits(rows, columns);
    let vectors = Buffer::new(&device, splits as usize * n * e)?;
    let masses = Buffer::new(&device, splits as usize * n)?;
    let parts = Parts {
        values: v.array(),
        dim: e as u32,
        vectors: vectors.array(),
        masses: masses.array(),
    };
    let grid = [rows.div_ceil(TILE) * chunks::<N>(e as u32), splits];
    device.launch(ApplySums::<N>(points, sums, parts), grid)?;
    Ok([
        merge(&device, vectors.array(), splits, n * e)?,
        merge(&device, masses.array(), splits, n)?,
    ])
}

fn check_reduce(sizes: [usize; 3], seed: u64, most: u32) -> Result<(), DeviceError> {
    let problem = Problem::new(sizes);
    let got = reduced(&problem, seed, most)?;
    let want: Vec<f64> = (0..sizes[0])
        .map(|i| {
            let terms = (0..sizes[1]).map(|j| problem.term(i, j, f64::NEG_INFINITY)[0]);
            log_sum_exp(&terms.collect::<Vec<_>>())
        })
        .collect();
    // Exponents of about d are off by some u (d/16 + 8) sqrt(d) as products, and by
    // u |y| as sums: a few 1e-6 at most.
    near(&format!("{sizes:?}"), &got, &want, 3e-6);
    Ok(())
}

fn check_apply<const N: usize>(sizes: [usize; 3], e: usize, seed: u64) -> Result<(), DeviceError> {
    let problem = Problem::new(sizes);
    let [n, m, _] = sizes;
    let v = normal(5, m * e, 1.0);
    let [vectors, masses] = applied::<N>(&problem, &v, seed)?;
    for i in 0..n {
        let terms: Vec<[f64; 2]> = (0..m).map(|j| problem.term(i, j, 0.0)).collect();
        let fits = |what: &str, got: f32, factor: &dyn Fn(usize) -> f64| {
            let (mut want, mut size) = (0.0, 0.0);
            for (j, [term, parts]) in terms.iter().enumerate() {
                want += term * factor(j);
                size += parts * factor(j).abs();
            }
            // Eight u from each of the two products and a little from their sums, of
            // what is added up; u = 6e-8.
            let error = (f64::from(got) - want).abs();
            assert!(
                error <= 1e-6 * size,
                "{sizes:?} {what} {i}: {got}, {want}, of {size}"
            );
        };
        fits("mass", masses[i], &|_| 1.0);
        for k in 0..e {
            let at = |j: usize| f64::from(v[j * e + k]);
            fits("vector", vectors[i * e + k], &at);
        }
    }
    Ok(())
}

#[test]
fn sums_of_exponentials() {
    for sizes in [
        [1, 1, 1],
        [2, 1, 3],
        [1, 300, 8],
        [31, 63, 16],
        [64, 64, 17],
        [65, 129, 31],
        [63, 65, 32],
        [33, 128, 33],
        [130, 70, 64],
        [3, 257, 100],
        [5, 7, 0],
        [4, 0, 5],
    ] {
        check_reduce(sizes, 3, u32::MAX).unwrap();
        check_reduce(sizes, 4, 2).unwrap();
    }
}

#[test]
fn weighted_vectors() {
    check_apply::<1>([1, 1, 1], 1, 1).unwrap();
    check_apply::<1>([65, 70, 3], 17, 2).unwrap();
    check_apply::<2>([33, 129, 17], 31, 3).unwrap();
    check_apply::<4>([64, 64, 32], 64, 4).unwrap();
    check_apply::<4>([70, 257, 33], 65, 5).unwrap();
    check_apply::<8>([31, 65, 40], 128, 6).unwrap();
    check_apply::<8>([66, 130, 20], 129, 7).unwrap();
    check_apply::<8>([3, 5, 2], 3, 8).unwrap();
}

#[test]
fn arrays_may_begin_anywhere() {
    let problem = Problem::new([20, 30, 8]);
    let want = reduced(&problem, 1, u32::MAX).unwrap();
    let device = Emulator::new(1);
    let shifted = |values: &[f32]| {
        let padded: Vec<f32> = core::iter::once(0.0)
            .chain(values.iter().copied())
            .collect();
        Buffer::of(&device, &padded).unwrap()
    };
    let (a, b) = (shifted(&problem.a), shifted(&problem.b));
    let (x, y) = (shifted(&problem.x), shifted(&problem.y));
    let rest = |buffer: &Buffer<'_, Emulator, f32>| buffer.array().split(1).unwrap().1;
    let points = Points {
        a: rest(&a),
        b: rest(&b),
        rows: 20,
        columns: 30,
        dim: 8,
    };
    let sums = Sums {
        x: rest(&x),
        y: rest(&y),
        nothing: f32::NEG_INFINITY,
    };
    let parts = Buffer::new(&device, 40).unwrap();
    let kernel = ReduceSums(points, sums, parts.array());
    device.launch(kernel, [1, 1]).unwrap();
    let out = Buffer::new(&device, 20).unwrap();
    let merge = LogSumExpOfParts {
        parts: parts.array(),
        out: out.array(),
        shares: 1,
        columns: 20,
    };
    device.launch(merge, [1, 1]).unwrap();
    assert_eq!(out.to_vec().unwrap(), want);
}

#[test]
fn any_order_of_threads_gives_the_same_bits() {
    let problem = Problem::new([40, 150, 35]);
    let v = normal(5, 150 * 20, 1.0);
    let sums = reduced(&problem, 0, u32::MAX).unwrap();
    let products = applied::<2>(&problem, &v, 0).unwrap();
    for seed in 1..6 {
        assert_eq!(reduced(&problem, seed, u32::MAX).unwrap(), sums);
        assert_eq!(applied::<2>(&problem, &v, seed).unwrap(), products);
    }
}

#[test]
fn what_is_not_finite_shows() {
    let mut problem = Problem::new([3, 4, 5]);
    problem.a[5 + 2] = f32::NAN;
    problem.y[3] = f32::INFINITY;
    let sums = reduced(&problem, 1, u32::MAX).unwrap();
    assert_eq!(sums[0], f32::INFINITY);
    assert!(sums[1].is_nan());
    assert_eq!(sums[2], f32::INFINITY);
}

#[test]
fn splits_fill_a_gpu() {
    assert_eq!(splits(4096, 4096), 4);
    assert_eq!(splits(8192, 8192), 2);
    assert_eq!(splits(1 << 20, 1 << 20), 1);
    assert_eq!(splits(64, 100), 2);
    assert_eq!(splits(0, 100), 1);
    assert_eq!(splits(100, 0), 1);
}
