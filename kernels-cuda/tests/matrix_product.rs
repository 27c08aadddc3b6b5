//! Products of matrices on the emulated grid against f64.

// Helpers of tests fail as tests do.
#![allow(clippy::unwrap_used)]

mod support;

use kernels_cuda::emulator::Emulator;
use kernels_cuda::matrix_product::{Form, matrix_product};
use kernels_cuda::{Buffer, Error};
use support::normal;

const FORMS: [Form; 3] = [Form::Plain, Form::OfColumns, Form::OfRows];

struct Problem {
    form: Form,
    size: [usize; 3],
    a: Vec<f32>,
    b: Vec<f32>,
    out: Vec<f32>,
}

impl Problem {
    fn new(form: Form, size: [usize; 3]) -> Self {
        let [m, n, k] = size;
        let seed = (m + 1000 * n + 1_000_000 * k) as u64;
        Self {
            form,
            size,
            a: normal(seed + 1, m * k, 1.0),
            b: normal(seed + 2, k * n, 1.0),
            out: normal(seed + 3, m * n, 1.0),
        }
    }

    fn run(&self, factors: (f32, f32), seed: u64) -> Result<Vec<f32>, Error> {
        let device = Emulator::new(seed);
        let [a, b, out] =
            [&self.a, &self.b, &self.out].map(|elements| Buffer::of(&device, elements));
        let (a, b, out) = (a?, b?, out?);
        let arrays = [a.array(), b.array(), out.array()];
        matrix_product(
            &device, self.form, arrays[0], arrays[1], self.size, factors, arrays[2],
        )?;
        Ok(out.to_vec()?)
    }

    /// The result, and the sum of the magnitudes of what it is added from.
    fn expected(&self, (alpha, beta): (f32, f32)) -> Vec<(f64, f64)> {
        let [m, n, k] = self.size;
        let a = |i, l| match self.form {
            Form::OfColumns => self.a[l * m + i],
            _ => self.a[i * k + l],
        };
        let b = |l, j| match self.form {
            Form::OfRows => self.b[j * k + l],
            _ => self.b[l * n + j],
        };
        let element = |i: usize, j: usize| {
            let old = f64::from(beta) * f64::from(self.out[i * n + j]);
            let terms = (0..k).map(|l| f64::from(alpha) * f64::from(a(i, l)) * f64::from(b(l, j)));
            terms.fold((old, old.abs()), |(sum, size), term| {
                (sum + term, size + term.abs())
            })
        };
        let places = (0..m).flat_map(|i| (0..n).map(move |j| (i, j)));
        places.map(|(i, j)| element(i, j)).collect()
    }

    fn check(&self, factors: (f32, f32), seed: u64) {
        let got = self.run(factors, seed).unwrap();
        let want = self.expected(factors);
        assert_eq!(got.len(), want.len());
        for (at, (&got, (want, size))) in got.iter().zip(want).enumerate() {
            // A product leaves out at most 8 u of itself; the additions of a slab and of
            // slabs, a dozen in a row, are rounded at random: 2e-6 is 33 u.
            let error = (f64::from(got) - want).abs();
            assert!(
                error <= 2e-6 * size,
                "{:?} {:?} [{at}]: got {got}, want {want}",
                self.form,
                self.size
            );
        }
    }
}

#[test]
fn all_forms_and_edges() {
    let sizes = [
        [0, 3, 4],
        [3, 2, 0],
        [1, 1, 1],
        [4, 8, 12],
        [31, 33, 32],
        [64, 64, 33],
        [65, 63, 31],
        [33, 129, 100],
        [128, 20, 64],
    ];
    for form in FORMS {
        for size in sizes {
            Problem::new(form, size).check((0.5, 0.0), 3);
        }
    }
}

#[test]
fn the_old_matrix_is_added() {
    for (seed, form) in (0..).zip(FORMS) {
        Problem::new(form, [66, 68, 40]).check((-0.25, 2.0), seed);
    }
}

#[test]
fn all_interleavings_agree_to_the_bit() {
    for form in FORMS {
        let problem = Problem::new(form, [40, 36, 70]);
        let first = problem.run((1.0, 0.0), 0).unwrap();
        for seed in 1..6 {
            assert_eq!(problem.run((1.0, 0.0), seed).unwrap(), first);
        }
    }
}

/// Digits far below those that TF32 has, and integers, whose sums are exact.
#[test]
fn exact_where_the_terms_are() {
    let mut problem = Problem::new(Form::Plain, [16, 16, 64]);
    for (k, x) in problem.a.iter_mut().enumerate() {
        *x = (k * 37 % 4001) as f32 - 2000.0;
    }
    for (k, x) in problem.b.iter_mut().enumerate() {
        *x = (k * 11 % 9) as f32 - 4.0;
    }
    let got = problem.run((1.0, 0.0), 1).unwrap();
    for (got, (want, _)) in got.into_iter().zip(problem.expected((1.0, 0.0))) {
        assert_eq!(f64::from(got), want);
    }
}

#[test]
fn wrong_lengths_are_refused() {
    let mut problem = Problem::new(Form::OfRows, [2, 3, 4]);
    problem.b.pop();
    let text = problem.run((1.0, 0.0), 1).unwrap_err().to_string();
    assert_eq!(text, "matrix_product: `b` must have 12 elements, got 11");
}
