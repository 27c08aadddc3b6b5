//! The one table of tolerances, and the ledger that holds every measured error to it.
//!
//! Errors are relative to the largest reference entry of their array and counted in
//! units of u, the unit roundoff (2⁻⁵³ or 2⁻²⁴), after division by the condition number
//! named below. A tolerance is at most 100 times the worst error that occurs (the
//! ledger fails otherwise), so a kernel that gets much worse is noticed, and so is a
//! table that was written by guess.

use kernels_core::Real;

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantity {
    Value,
    Transport,
    Potential,
    Plan,
    Gradient,
    SlowValue,
    UnboundedValue,
    Contrast,
    ContrastGradient,
    LogSumExp,
    Gauss,
}

/// (quantity, tolerance in u for f64, for f32).
///
/// κ = 1 + (max|f| + max|g|)/ε, the largest exponent at a pair that carries mass: an
/// exponent has a rounding error of κu, so a plan entry has that relative error, and so
/// have, up to the problem's own conditioning, all quantities of first order in the
/// plan. The value is stationary there and needs no κ.
#[rustfmt::skip]
const TABLE: [(Quantity, f64, f64); 11] = [
    // Dual value.
    (Quantity::Value,              30.0,   30.0),
    // ⟨P,C⟩ / κ.
    (Quantity::Transport,         100.0,  100.0),
    // f and g / κ. Atoms that share little mass are tied to each other weakly: the error
    // of the marginals is magnified by the reciprocal of that mass.
    (Quantity::Potential,        1000.0, 3000.0),
    // P / κ, where the reference has one.
    (Quantity::Plan,              100.0,  100.0),
    // Envelope gradient / κ.
    (Quantity::Gradient,          300.0,  300.0),
    // Value of the problems that stop unconverged (see SLOW): second order in what is
    // left, 1e-6 relative at worst. In f32 all converge as far as rounding shows.
    (Quantity::SlowValue,          3e10,    0.0),
    // Value where the error falls like 1/k, after 30,000 iterations.
    (Quantity::UnboundedValue,     3e11,    1e3),
    // Loss / (1 + 1/τ): cosines have an error of u and are divided by τ.
    (Quantity::Contrast,           10.0,    3.0),
    // Its gradient / (1 + 1/τ), rows weighted by their norms.
    (Quantity::ContrastGradient,   10.0,   10.0),
    // |error| / (1 + |value|).
    (Quantity::LogSumExp,           3.0,    3.0),
    // Closed form of two Gaussians, on grids; the grid itself is exact to 1e-14.
    (Quantity::Gauss,              30.0,   30.0),
];

/// Errors of one scalar type.
pub(crate) struct Ledger {
    unit: f64,
    single: bool,
    worst: Vec<(Quantity, f64, String)>,
    failures: Vec<String>,
}

impl Ledger {
    pub(crate) fn new<T: Real>() -> Self {
        let unit = T::epsilon().wide() / 2.0;
        Self {
            unit,
            single: unit > 1e-10,
            worst: Vec::new(),
            failures: Vec::new(),
        }
    }

    fn tolerance(&self, quantity: Quantity) -> f64 {
        let row = TABLE
            .iter()
            .find(|row| row.0 == quantity)
            .expect("every quantity has a row");
        if self.single { row.2 } else { row.1 }
    }

    /// Enters a relative error, `condition` times the unit roundoff being its natural
    /// size.
    pub(crate) fn enter(&mut self, quantity: Quantity, name: &str, error: f64, condition: f64) {
        let units = error / (condition * self.unit);
        let tolerance = self.tolerance(quantity);
        // NaN fails.
        if !(units <= tolerance) {
            self.failures.push(format!(
                "{quantity:?} of {name}: {units:.3e} u > {tolerance:.1e}"
            ));
        }
        match self.worst.iter_mut().find(|entry| entry.0 == quantity) {
            None => self.worst.push((quantity, units, name.to_owned())),
            Some(entry) if units > entry.1 => *entry = (quantity, units, name.to_owned()),
            Some(_) => {}
        }
    }

    /// Enters the largest error of an array, relative to its largest reference.
    pub(crate) fn enter_all(
        &mut self,
        quantity: Quantity,
        name: &str,
        got: &[f64],
        expected: &[f64],
        condition: f64,
    ) {
        assert_eq!(got.len(), expected.len(), "{name}");
        self.enter(quantity, name, relative_error(got, expected), condition);
    }

    pub(crate) fn fail(&mut self, message: String) {
        self.failures.push(message);
    }

    /// Every error within its tolerance, and no tolerance looser than it need be.
    pub(crate) fn close(mut self) {
        for (quantity, units, name) in core::mem::take(&mut self.worst) {
            let tolerance = self.tolerance(quantity);
            eprintln!("{quantity:?}: worst {units:.2} u of {tolerance} u allowed, in {name}");
            if !(units * 100.0 >= tolerance) {
                self.failures.push(format!(
                    "{quantity:?}: {tolerance} u is too loose: {units:.2}"
                ));
            }
        }
        assert!(self.failures.is_empty(), "{}", self.failures.join("\n"));
    }
}

/// `max|got − expected| / max|expected|`; an exact zero is no error.
fn relative_error(got: &[f64], expected: &[f64]) -> f64 {
    let scale = expected
        .iter()
        .fold(0.0, |peak: f64, value| peak.max(value.abs()));
    // `max` would drop a NaN; a sum keeps it.
    let mut error = 0.0;
    for (a, b) in got.iter().zip(expected) {
        let difference = (a - b).abs();
        if !(difference <= error) {
            error = difference;
        }
    }
    if error == 0.0 { 0.0 } else { error / scale }
}
