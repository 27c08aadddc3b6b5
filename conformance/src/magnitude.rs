//! Natural sizes and condition numbers of a balanced problem's answers, from the
//! reference potentials, in `f64`: see `tolerance` for what they mean.

/// Of one problem.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Magnitude {
    /// κ, by the potentials.
    pub(crate) kappa: f64,
    /// 1 + |V|/ε: the same by the value alone.
    pub(crate) kappa_of_value: f64,
    /// max(|V|, ⟨a,|f|⟩ + ⟨b,|g|⟩), or ε where both are zero.
    pub(crate) value: f64,
    /// Σ P|C|, or ε.
    pub(crate) transport: f64,
    /// 2 max_i Σ_j P_ij max_k |x_ik − y_jk|, or 1.
    pub(crate) gradient: f64,
    /// The weakest link w.
    pub(crate) weakest: f64,
}

/// A problem with its answers, as far as there are any.
pub(crate) struct Reference<'p> {
    pub(crate) cost: &'p [f64],
    pub(crate) a: &'p [f64],
    pub(crate) b: &'p [f64],
    pub(crate) epsilon: f64,
    pub(crate) value: f64,
    pub(crate) potentials: Option<(&'p [f64], &'p [f64])>,
    /// (x, y, dim)
    pub(crate) clouds: Option<(&'p [f64], &'p [f64], usize)>,
}

impl Reference<'_> {
    pub(crate) fn magnitude(&self) -> Magnitude {
        let kappa_of_value = 1.0 + self.value.abs() / self.epsilon;
        let mut magnitude = Magnitude {
            kappa: kappa_of_value,
            kappa_of_value,
            value: self.value.abs(),
            transport: self.value.abs(),
            gradient: 1.0,
            weakest: 0.0,
        };
        if let Some((f, g)) = self.potentials {
            let reference = largest_with_mass(f, self.a) + largest_with_mass(g, self.b);
            magnitude.kappa = kappa_of_value.max(1.0 + reference / self.epsilon);
            let sum = absolute_mean(f, self.a) + absolute_mean(g, self.b);
            magnitude.value = magnitude.value.max(sum);
            let log_plan = self.log_plan(f, g);
            magnitude.weakest = weakest_link(&log_plan, self.a.len(), self.b.len()).exp();
            magnitude.transport = transport(&log_plan, self.cost);
            if let Some(clouds) = self.clouds {
                magnitude.gradient = gradient(&log_plan, clouds);
            }
        }
        for (size, fallback) in [
            (&mut magnitude.value, self.epsilon),
            (&mut magnitude.transport, self.epsilon),
            (&mut magnitude.gradient, 1.0),
        ] {
            if *size == 0.0 {
                *size = fallback;
            }
        }
        magnitude
    }

    /// `ln P_ij`: the mass itself may be too small for a number.
    fn log_plan(&self, f: &[f64], g: &[f64]) -> Vec<f64> {
        let rows = self
            .cost
            .chunks_exact(self.b.len())
            .zip(self.a.iter().zip(f));
        let entries = rows.flat_map(|(row, (&a, &f))| {
            let columns = row.iter().zip(self.b.iter().zip(g));
            columns.map(move |(&cost, (&b, &g))| {
                if a == 0.0 || b == 0.0 || cost == f64::INFINITY {
                    f64::NEG_INFINITY
                } else {
                    (a * b).ln() + (f + g - cost) / self.epsilon
                }
            })
        });
        entries.collect()
    }
}

fn largest_with_mass(potential: &[f64], weights: &[f64]) -> f64 {
    let pairs = potential.iter().zip(weights).filter(|&(_, &w)| w > 0.0);
    pairs.fold(0.0, |peak: f64, (p, _)| peak.max(p.abs()))
}

fn absolute_mean(potential: &[f64], weights: &[f64]) -> f64 {
    let pairs = potential.iter().zip(weights).filter(|&(_, &w)| w > 0.0);
    pairs.map(|(p, w)| w * p.abs()).sum()
}

fn transport(log_plan: &[f64], cost: &[f64]) -> f64 {
    let carried = log_plan.iter().zip(cost).filter(|(p, _)| p.exp() > 0.0);
    carried.map(|(p, c)| p.exp() * c.abs()).sum()
}

fn gradient(log_plan: &[f64], (x, y, dim): (&[f64], &[f64], usize)) -> f64 {
    let m = y.len() / dim;
    let rows = x.chunks_exact(dim).zip(log_plan.chunks_exact(m));
    let sums = rows.map(|(x, row)| {
        let terms = y.chunks_exact(dim).zip(row).map(|(y, p)| {
            let far = x.iter().zip(y).map(|(a, b)| (a - b).abs());
            2.0 * p.exp() * far.fold(0.0, f64::max)
        });
        terms.sum()
    });
    sums.fold(0.0, f64::max)
}

/// The least `ln P_ij` on a spanning tree of rows and columns whose least is as large as
/// possible: Prim's algorithm. Atoms without mass do not count. −∞ if mass falls into
/// parts that exchange none.
fn weakest_link(log_plan: &[f64], n: usize, m: usize) -> f64 {
    let edge = |i: usize, j: usize| {
        log_plan
            .get(i * m + j)
            .copied()
            .unwrap_or(f64::NEG_INFINITY)
    };
    let has_mass = |node: usize| {
        if node < n {
            (0..m).any(|j| edge(node, j) > f64::NEG_INFINITY)
        } else {
            (0..n).any(|i| edge(i, node - n) > f64::NEG_INFINITY)
        }
    };
    let mut outside: Vec<(usize, f64)> = (0..n + m)
        .filter(|&node| has_mass(node))
        .map(|node| (node, f64::NEG_INFINITY))
        .collect();
    let Some((mut newest, _)) = outside.pop() else {
        return f64::NEG_INFINITY;
    };
    let mut weakest = 0.0_f64;
    while !outside.is_empty() {
        for (node, link) in &mut outside {
            let (row, column) = ((*node).min(newest), (*node).max(newest));
            if row < n && column >= n {
                *link = link.max(edge(row, column - n));
            }
        }
        let strongest = outside
            .iter()
            .enumerate()
            .max_by(|x, y| x.1.1.total_cmp(&y.1.1))
            .map_or(0, |(index, _)| index);
        let (node, link) = outside.swap_remove(strongest);
        (newest, weakest) = (node, weakest.min(link));
    }
    weakest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weakest_link_is_of_the_strongest_tree() {
        // Two blocks of mass, joined by 1e-3 at the strongest.
        let plan = [0.5, 1e-4, 1e-3, 0.5_f64].map(f64::ln);
        assert!((weakest_link(&plan, 2, 2) - 1e-3_f64.ln()).abs() < 1e-12);
        let parts = [0.5, 0.0, 0.0, 0.5_f64].map(f64::ln);
        assert_eq!(weakest_link(&parts, 2, 2), f64::NEG_INFINITY);
        // A row without mass is no part.
        let empty = [0.5, 0.5, 0.0, 0.0_f64].map(f64::ln);
        assert!((weakest_link(&empty, 2, 2) - 0.5_f64.ln()).abs() < 1e-12);
    }
}
