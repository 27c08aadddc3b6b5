//! A solve for problems that nobody has looked at. What it tries, and from which ε, is with
//! [`solve_robust`]; `docs/numerics.md` says why.

use super::columns::for_rows;
use super::hessian::{parts, parts_mut};
use super::newton::newton_workspace_len;
use super::rows::CostRows;
use super::weights::Weights;
use super::{Annealing, Outcome, Problem, SinkhornOptions, State};
use crate::level::{Level, Task, dispatch};
use crate::{Error, Real, check, vector};

const OPERATION: &str = "solve_robust";
/// From so many times ε on, ε is lowered to where it belongs.
const ANNEALED_FROM: f64 = 100.0;
/// Iterations at every ε but the last.
const PER_LEVEL: usize = 50;
const ATTEMPTS: usize = 4;
/// What the first ε of an attempt is of the one before.
const FARTHER: f64 = 100.0;
/// With this marginal error, as a part of the mass, the potentials are those of the problem,
/// more or less: starting elsewhere would not help.
const NEAR: f64 = 1e-3;
/// Entries whose median stands for that of all.
const SAMPLE: usize = 128;

/// Workspace elements for [`solve_robust`]: the problem's, those of [`State::run_newton`], and
/// `n + m` for the best potentials.
#[must_use]
pub fn robust_workspace_len<T: Real>(problem: &Problem<'_, T>) -> usize {
    let newton = newton_workspace_len(problem.n, problem.m);
    let best = problem.n.saturating_add(problem.m);
    problem
        .workspace_len()
        .saturating_add(newton)
        .saturating_add(best)
}

/// [`super::solve`] by whatever it takes: annealing from an ε that the costs suggest,
/// Newton's method, another start. Returns the state for plan and gradients, as after
/// [`State::run`]. `options.max_iterations` bounds, but for a few steps, each of at most four
/// attempts, of which all but the hardest problems need one; [`Outcome::iterations`] counts all.
/// If none converges, the one with the smallest marginal error is returned.
///
/// Sinkhorn from zero is the fastest way to an easy problem. Where ε is far below the costs
/// it needs annealing, from the right ε; where parts of the plan exchange next to no mass,
/// Newton's method; and some costs mislead any rule for the first ε. So:
///
/// 1. From a *typical cost* c, if that is more than 100 ε: ε is lowered from c by halves, 50
///    iterations each. Otherwise from zero. Half of the iterations at most.
/// 2. What has not converged is finished by [`State::run_newton`].
/// 3. If the marginal error is then still above 1e-3 of the mass, again from 100 times as large
///    an ε, or from the width of the costs if that is less, as long as that is more than before
///    and more than 100 ε; four attempts at most.
///
/// **Typical cost**: the median permitted cost between atoms with mass, or the largest that an
/// atom has to pay even to its nearest partner, above the least. Potentials are about as large as
/// what atoms pay. The width would be a safe choice in exact arithmetic, but the largest cost may
/// be an outlier that nobody pays, and potentials as large as that cost an `f32` all digits of the
/// others. Where near partners are taken, atoms pay more than this rule says; hence 3. The
/// median is that of 128 entries.
///
/// Cost: that of the iterations, and some four passes over the costs. Memory: that of Newton's
/// method and `n + m` beside the state's, [`robust_workspace_len`].
///
/// # Errors
/// As [`super::solve`], in the first attempt; in a later one an error ends the search.
pub fn solve_robust<'s, T: Real>(
    problem: &Problem<'s, T>,
    options: &SinkhornOptions<T>,
    workspace: &'s mut [T],
) -> Result<(State<'s, T>, Outcome<T>), Error> {
    options.check(OPERATION)?;
    let workspace = check::workspace(OPERATION, workspace, robust_workspace_len(problem))?;
    let mut rest = workspace;
    let newton = check::take(&mut rest, newton_workspace_len(problem.n, problem.m));
    let kept = check::take(&mut rest, problem.n.saturating_add(problem.m));
    // At an ε like the width of the costs little can go wrong, unless it overflows itself.
    let wide = Annealing::from_scale(problem).start;
    let wide = wide.min(T::max_value().sqrt());
    let mut state = State::new(problem, wide.max(options.epsilon), rest)?;
    let width = state.range.width;
    let far = T::of(ANNEALED_FROM) * options.epsilon;
    let near = T::of(NEAR) * state.a.mass;
    let mut start = state.typical_cost();
    let mut best: Option<Outcome<T>> = None;
    for attempt in 1..=ATTEMPTS {
        let outcome = match (state.attempt(start, options, newton), best) {
            (Ok(outcome), _) => outcome,
            (Err(error), None) => return Err(error),
            // What was found before is an answer.
            (Err(_), Some(_)) => break,
        };
        if outcome.converged || outcome.marginal_error <= near {
            return Ok((state, outcome));
        }
        if best.is_none_or(|best| outcome.marginal_error < best.marginal_error) {
            best = Some(outcome);
            let (f, g) = parts_mut(kept, problem.n);
            vector::copy(f, state.f);
            vector::copy(g, state.g);
        }
        // From zero again, or from where this one began, it would be the same.
        let next = (start * T::of(FARTHER)).min(width);
        if attempt == ATTEMPTS || !(next > start && next > far) {
            break;
        }
        start = next;
    }
    let (f, g) = parts(kept, problem.n);
    state.go_back(options.epsilon, f, g)?;
    let outcome = Outcome {
        iterations: state.iterations,
        ..best.unwrap_or_default()
    };
    Ok((state, outcome))
}

impl<T: Real> State<'_, T> {
    /// From zero, by way of `start` if that is far above ε.
    fn attempt(
        &mut self,
        start: T,
        options: &SinkhornOptions<T>,
        newton: &mut [T],
    ) -> Result<Outcome<T>, Error> {
        let target = options.epsilon;
        let far = start > T::of(ANNEALED_FROM) * target;
        self.g.fill(T::zero());
        let begun = self.iterations;
        let until = |share: usize| SinkhornOptions {
            max_iterations: begun.saturating_add(share),
            ..*options
        };
        let first = until(options.max_iterations.div_ceil(2));
        let mut epsilon = if far { start } else { target };
        self.set_epsilon(epsilon)?;
        while epsilon > target {
            for _ in 0..PER_LEVEL {
                if self.iterations < first.max_iterations {
                    self.step()?;
                }
            }
            epsilon = (epsilon * T::of(0.5)).max(target);
            self.set_epsilon(epsilon)?;
        }
        if far && self.iterations >= first.max_iterations {
            // The error of the last ε is known only after a step.
            self.step()?;
        }
        let outcome = self.run(&first)?;
        if outcome.converged {
            return Ok(outcome);
        }
        self.run_newton(&until(options.max_iterations), newton)
    }

    fn typical_cost(&mut self) -> T {
        let m = self.g.len();
        let sampled = self.sample();
        let near = self.memory.columns.get_mut(..m).unwrap_or_default();
        let far = dispatch(FarthestNearest {
            rows: &self.rows,
            a: self.a.share,
            b: self.b.share,
            near,
            tile: self.memory.tiles,
        });
        match (sampled, far) {
            (Some((median, least)), Some((far, nearest))) => median.max(far) - least.min(nearest),
            (None, Some((far, nearest))) => far - nearest,
            _ => T::zero(),
        }
    }

    /// Median and least of some permitted costs between atoms with mass.
    fn sample(&self) -> Option<(T, T)> {
        let (n, m) = (self.f.len(), self.g.len());
        let mut sample = [T::infinity(); SAMPLE];
        let pairs = n.saturating_mul(m);
        // Multiples of the golden ratio, modulo 1, are spread evenly and meet no pattern.
        let place = |k: usize| {
            let turn = (k as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let place = (u128::from(turn) * pairs as u128) >> 64;
            if pairs <= SAMPLE { k } else { place as usize }
        };
        let massive = |weights: &Weights<'_, T>, k: usize| {
            let weight = weights.share.get(k);
            weight.is_some_and(|&weight| weight > T::zero())
        };
        for (k, slot) in sample.iter_mut().enumerate().take(pairs) {
            let place = place(k);
            let (i, j) = (place / m.max(1), place % m.max(1));
            if massive(&self.a, i) && massive(&self.b, j) {
                *slot = self.rows.entry(i, j).unwrap_or(T::infinity());
            }
        }
        let permitted = || sample.iter().copied().filter(|entry| entry.is_finite());
        let middle = permitted().count() / 2;
        let rank = |x: T| permitted().filter(|&entry| entry < x).count();
        let lower = permitted().filter(|&entry| rank(entry) <= middle);
        let median = lower.fold(T::neg_infinity(), T::max);
        let least = permitted().fold(T::infinity(), T::min);
        median.is_finite().then_some((median, least))
    }
}

/// The largest cost that an atom with mass has to its nearest partner, and the least of all.
struct FarthestNearest<'f, T> {
    rows: &'f CostRows<'f, T>,
    a: &'f [T],
    b: &'f [T],
    /// For each column.
    near: &'f mut [T],
    tile: &'f mut [T],
}

impl<T: Real> Task for FarthestNearest<'_, T> {
    type Output = Option<(T, T)>;

    #[inline(always)]
    fn run<L: Level>(self) -> Option<(T, T)> {
        let (near, b) = (self.near, self.b);
        near.fill(T::infinity());
        let mut far = T::neg_infinity();
        let mut least = T::infinity();
        for_rows::<L, T>(self.rows, self.a, self.a, self.tile, |_, _, costs| {
            let mut nearest = T::infinity();
            for ((near, &c), &b) in near.iter_mut().zip(costs).zip(b) {
                let cost = if b > T::zero() { c } else { T::infinity() };
                nearest = if cost < nearest { cost } else { nearest };
                *near = if cost < *near { cost } else { *near };
            }
            least = least.min(nearest);
            if nearest.is_finite() {
                far = far.max(nearest);
            }
        });
        let columns = near.iter().copied().filter(|near| near.is_finite());
        let far = columns.fold(far, T::max);
        far.is_finite().then_some((far, least))
    }
}
