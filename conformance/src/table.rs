//! A survey as Markdown.

use crate::report::{Check, Report, Survey};
use crate::tolerance::{Kind, Quantity};
use std::fmt;

/// Counts of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Problems in the file.
    pub problems: usize,
    /// Problems that passed in both scalars.
    pub passed: usize,
    /// Problems without a kernel.
    pub not_covered: usize,
}

impl Survey {
    /// Counts of a kind; `None` is the unknown ones.
    #[must_use]
    pub fn count(&self, kind: Option<Kind>) -> Count {
        let mut count = Count::default();
        // Both scalars of a problem stand side by side.
        for pair in self.reports.chunks(2).filter(|pair| of(pair, kind)) {
            count.problems += 1;
            count.passed += usize::from(pair.iter().all(Report::passed));
            count.not_covered += usize::from(pair.iter().any(|report| !report.covered));
        }
        count
    }

    /// Whether every problem passed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.reports.iter().all(Report::passed)
    }

    fn value_error(&self, kind: Option<Kind>, scalar: &str) -> String {
        let values =
            |check: &&Check| matches!(check.quantity, Quantity::Value | Quantity::UnconvergedValue);
        self.largest(kind, scalar, |report| {
            let errors = report.checks.iter().filter(values);
            errors.map(|check| check.relative).collect()
        })
    }

    fn any_error(&self, kind: Option<Kind>, scalar: &str) -> String {
        self.largest(kind, scalar, |report| {
            let shares = report.checks.iter();
            shares.map(|check| check.units / check.tolerance).collect()
        })
    }

    fn largest(
        &self,
        kind: Option<Kind>,
        scalar: &str,
        errors: impl Fn(&Report) -> Vec<f64>,
    ) -> String {
        let mine = |report: &&Report| report.kind == kind && report.scalar == scalar;
        let all = self.reports.iter().filter(mine).flat_map(errors);
        let worst = all.fold(None, |worst: Option<f64>, error| match worst {
            // NaN is the worst.
            Some(worst) if error <= worst || worst.is_nan() => Some(worst),
            _ => Some(error),
        });
        worst.map_or_else(|| "–".to_owned(), |worst| format!("{worst:.1e}"))
    }
}

fn of(pair: &[Report], kind: Option<Kind>) -> bool {
    pair.first().is_some_and(|report| report.kind == kind)
}

impl fmt::Display for Survey {
    /// One row for each kind in the file, one for each quantity, then what failed.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "| kind | problems | passed | worst relative error of the value: f64 | f32 \
             | largest share of a tolerance: f64 | f32 |\n|---|---|---|---|---|---|---|"
        )?;
        let kinds = Kind::ALL.map(Some).into_iter().chain([None]);
        let mut total = Count::default();
        for kind in kinds {
            let count = self.count(kind);
            if count.problems == 0 {
                continue;
            }
            total.problems += count.problems;
            total.passed += count.passed;
            let name = kind.map_or("unknown", Kind::name);
            write!(out, "| {name} | {} | {}", count.problems, count.passed)?;
            if count.not_covered > 0 {
                write!(out, " (not covered: {})", count.not_covered)?;
            }
            for scalar in ["f64", "f32"] {
                write!(out, " | {}", self.value_error(kind, scalar))?;
            }
            for scalar in ["f64", "f32"] {
                write!(out, " | {}", self.any_error(kind, scalar))?;
            }
            writeln!(out, " |")?;
        }
        writeln!(
            out,
            "| all | {} | {} | | | | |",
            total.problems, total.passed
        )?;
        self.quantities(out)?;
        for failure in self.failures() {
            writeln!(out, "FAILED {failure}")?;
        }
        Ok(())
    }
}

impl Survey {
    fn quantities(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "\n| kind | quantity | scalar | compared | undetermined | worst, in units of rounding \
             times condition | allowed | where |\n|---|---|---|---|---|---|---|---|"
        )?;
        for w in self.worst() {
            let mine = |r: &&Report| r.kind == Some(w.kind) && r.scalar == w.scalar;
            let open = self
                .reports
                .iter()
                .filter(mine)
                .flat_map(|r| &r.undetermined);
            let open = open.filter(|quantity| **quantity == w.quantity).count();
            writeln!(
                out,
                "| {} | {:?} | {} | {} | {open} | {:.2} | {} | {} |",
                w.kind.name(),
                w.quantity,
                w.scalar,
                w.count,
                w.check.units,
                w.check.tolerance,
                w.name
            )?;
        }
        writeln!(out)
    }
}
