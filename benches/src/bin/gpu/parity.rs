//! Every function against kernels-core in f64: the largest error, relative to the largest
//! number that is wanted.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

use kernels_cuda::Cuda;
use serde_json::{Value, json};

use crate::scale::Scale;
use crate::{Answer, losses, transport};

/// What agreement with f64 means in f32 (docs/gpu-results).
const TOLERANCE: f64 = 1e-5;

/// Numbers of the device beside those of f64.
pub struct Compared {
    quantity: &'static str,
    got: Vec<f64>,
    want: Vec<f64>,
    /// What the error is relative to, where that is more than what is wanted.
    scale: f64,
}

impl Compared {
    /// An array, or a number.
    pub fn new(
        quantity: &'static str,
        got: impl IntoIterator<Item = f32>,
        want: impl IntoIterator<Item = f64>,
    ) -> Self {
        Self {
            quantity,
            got: got.into_iter().map(f64::from).collect(),
            want: want.into_iter().collect(),
            scale: 0.0,
        }
    }

    /// Of a difference of numbers of this size: relative to them.
    pub fn at_scale(self, scale: f64) -> Self {
        Self { scale, ..self }
    }

    /// The largest difference over the largest number wanted; infinite for NaN, for a
    /// number that is finite on one side alone, and for another length.
    fn error(&self) -> f64 {
        if self.got.len() != self.want.len() {
            return f64::INFINITY;
        }
        let finite = self.want.iter().filter(|x| x.is_finite());
        let largest = finite.fold(self.scale, |largest, x| largest.max(x.abs()));
        let pairs = self.got.iter().zip(&self.want);
        let worst = pairs.map(|(got, want)| if got == want { 0.0 } else { (got - want).abs() });
        let worst = worst.fold(0.0, |worst: f64, d| if d <= worst { worst } else { d });
        if worst == 0.0 {
            0.0
        } else if worst.is_finite() {
            worst / largest.max(f64::MIN_POSITIVE)
        } else {
            f64::INFINITY
        }
    }
}

/// Collects what was compared.
pub struct Report<'d> {
    /// Where the functions run.
    pub device: &'d Cuda,
    lines: Option<File>,
    compared: usize,
    failed: usize,
}

impl Report<'_> {
    /// Does a comparison and notes how it went, whatever happens.
    pub fn case(
        &mut self,
        function: &str,
        size: &str,
        compare: impl FnOnce() -> Answer<Vec<Compared>>,
    ) {
        let (rows, problem) = match compare() {
            Ok(rows) => (rows, None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        for row in rows {
            let error = row.error();
            self.note(function, size, row.quantity, error, None);
        }
        if let Some(problem) = problem {
            self.note(function, size, "a result", f64::INFINITY, Some(&problem));
        }
    }

    fn note(
        &mut self,
        function: &str,
        size: &str,
        quantity: &str,
        error: f64,
        problem: Option<&str>,
    ) {
        let fits = error <= TOLERANCE;
        self.compared += 1;
        self.failed += usize::from(!fits);
        let verdict = if fits { "ok" } else { "OFF" };
        let problem = problem.unwrap_or_default();
        println!("{verdict:4} {function:42} {size:16} {quantity:14} {error:9.1e} {problem}");
        let line = json!({
            "function": function,
            "size": size,
            "quantity": quantity,
            // JSON has no infinity.
            "error": if error.is_finite() { json!(error) } else { Value::Null },
            "tolerance": TOLERANCE,
            "ok": fits,
            "problem": problem,
        });
        if let Some(lines) = &mut self.lines
            && let Err(error) = writeln!(lines, "{line}")
        {
            eprintln!("parity: the lines could not be written: {error}");
        }
    }
}

/// A file that lines are added to.
pub fn append(path: Option<&Path>) -> Answer<Option<File>> {
    let open = |path| OpenOptions::new().create(true).append(true).open(path);
    Ok(path.map(open).transpose()?)
}

/// All comparisons.
pub fn run(device: &Cuda, scale: Scale, lines: Option<&Path>) -> Answer<()> {
    let mut report = Report {
        device,
        lines: append(lines)?,
        compared: 0,
        failed: 0,
    };
    println!(
        "     {:42} {:16} {:14} {:>9}",
        "function", "size", "quantity", "error"
    );
    losses::all(&mut report, scale);
    transport::all(&mut report, scale);
    let (compared, failed) = (report.compared, report.failed);
    println!("{compared} compared, {failed} off by more than {TOLERANCE:.0e}");
    if failed == 0 {
        Ok(())
    } else {
        Err(format!("{failed} of {compared} are off").into())
    }
}
