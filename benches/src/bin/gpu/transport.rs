//! Parity of transport: the iteration with all its options, plan, gradients, divergence.

use benches::problem::{clouds, normal};
use kernels_core::cost::Cost;
use kernels_core::sinkhorn::{self as core, SinkhornOptions};
use kernels_cuda::sinkhorn::{
    CostSource, Problem, State, divergence_workspace_len, sinkhorn_divergence_with_grad,
};
use kernels_cuda::{Buffer, Cuda, device::read};

use crate::Answer;
use crate::losses::single;
use crate::parity::{Compared, Report};
use crate::scale::Scale;

/// Costs, weights and prices.
struct Host {
    n: usize,
    m: usize,
    cost: Vec<f64>,
    weights: Option<(Vec<f64>, Vec<f64>)>,
    rho: Option<(f32, f32)>,
}

impl Host {
    fn new(n: usize, m: usize) -> Self {
        Self {
            n,
            m,
            cost: normal(21, n * m).iter().map(|c| c.abs()).collect(),
            weights: None,
            rho: None,
        }
    }

    fn weighted(mut self) -> Self {
        // Some are zero.
        let share = |count: usize| {
            let raw: Vec<f64> = (0..count)
                .map(|i| ((i + 1) % 5) as f64 + f64::from(count == 5))
                .collect();
            let total: f64 = raw.iter().sum();
            raw.into_iter().map(|w| w / total).collect::<Vec<_>>()
        };
        self.weights = Some((share(self.n), share(self.m)));
        self
    }

    fn masked(mut self) -> Self {
        for i in 0..self.n {
            let j = (3 * i + 1) % self.m;
            if self.m > 1 && self.n > 1 {
                self.cost[i * self.m + j] = f64::INFINITY;
            }
        }
        self
    }

    fn priced(mut self, rho: (f32, f32)) -> Self {
        self.rho = Some(rho);
        self
    }
}

fn options<T>(epsilon: T, threshold: T, max_iterations: usize) -> SinkhornOptions<T> {
    SinkhornOptions {
        epsilon,
        threshold,
        max_iterations,
    }
}

/// All comparisons of this file.
pub fn all(report: &mut Report<'_>, scale: Scale) {
    for &(n, m) in scale.pairs() {
        // Large ones: what changes with size is the same for all options.
        let large = n * m > 2 << 20;
        let iterations = if scale == Scale::Small { 3 } else { 20 };
        matrix(report, "sinkhorn", &Host::new(n, m), 0.3, iterations);
        if large || n * m == 1 {
            continue;
        }
        let priced = Host::new(n, m).weighted().masked().priced((1.0, 3.0));
        matrix(
            report,
            "sinkhorn, small epsilon",
            &Host::new(n, m),
            0.05,
            iterations,
        );
        matrix(
            report,
            "sinkhorn, large epsilon",
            &Host::new(n, m),
            50.0,
            iterations,
        );
        matrix(
            report,
            "sinkhorn, weights",
            &Host::new(n, m).weighted(),
            0.3,
            iterations,
        );
        matrix(
            report,
            "sinkhorn, mask",
            &Host::new(n, m).masked(),
            0.3,
            iterations,
        );
        matrix(
            report,
            "sinkhorn, unbalanced, mask, weights",
            &priced,
            0.3,
            iterations,
        );
        let half = Host::new(n, m).priced((2.0, f32::INFINITY));
        matrix(report, "sinkhorn, half unbalanced", &half, 0.3, iterations);
    }
    let sizes: &[_] = match scale {
        Scale::Small => &[(17, 20, 5)],
        Scale::Quick => &[(35, 66, 37), (300, 200, 64)],
        Scale::Full => &[(35, 66, 37), (300, 200, 64), (1024, 1024, 128)],
    };
    for &(n, m, dim) in sizes {
        for cost in [Cost::SquaredEuclidean, Cost::Cosine] {
            points(report, cost, (n, m, dim), false);
            points(report, cost, (n, m, dim), true);
            divergence(report, cost, (n, m, dim), None);
        }
        divergence(report, Cost::SquaredEuclidean, (n, m, dim), Some(1.0));
    }
}

fn matrix(report: &mut Report<'_>, function: &str, host: &Host, epsilon: f32, iterations: usize) {
    let device = report.device;
    let size = format!("{} x {}", host.n, host.m);
    report.case(function, &size, || {
        on_both(device, host, epsilon, iterations)
    });
}

/// The same number of iterations on both sides, so that everything can be compared.
fn on_both(device: &Cuda, host: &Host, epsilon: f32, iterations: usize) -> Answer<Vec<Compared>> {
    let (n, m) = (host.n, host.m);
    let (cost, wide) = single(&host.cost);
    let cost = Buffer::of(device, &cost)?;
    let weights = host.weights.as_ref().map(|(a, b)| (single(a), single(b)));
    let held = weights.as_ref().map(|((a, _), (b, _))| -> Answer<_> {
        Ok((Buffer::of(device, a)?, Buffer::of(device, b)?))
    });
    let held = held.transpose()?;
    let mut problem = Problem::new(CostSource::Matrix(cost.array()), n, m);
    let mut twin = core::Problem::new(core::CostSource::Matrix(&wide), n, m);
    if let Some((a, b)) = &held {
        problem = problem.with_weights(a.array(), b.array());
    }
    if let Some(((_, a), (_, b))) = &weights {
        twin = twin.with_weights(a, b);
    }
    if let Some((rho_a, rho_b)) = host.rho {
        problem = problem.unbalanced(rho_a, rho_b);
        twin = twin.unbalanced(rho_a.into(), rho_b.into());
    }
    let room = Buffer::new(device, problem.workspace_len())?;
    let mut state = State::new(device, &problem, epsilon, room.array())?;
    let got = state.run(&options(epsilon, 0.0, iterations))?;
    let plan = Buffer::new(device, n * m)?;
    state.cost_gradient(plan.array())?;
    let (f, g) = state.potentials();
    let (f, g) = (read(device, f)?, read(device, g)?);

    let mut room = vec![0.0; twin.workspace_len()];
    let mut state = core::State::new(&twin, f64::from(epsilon), &mut room)?;
    let want = state.run(&options(epsilon.into(), 0.0, iterations))?;
    let mut wanted_plan = vec![0.0; n * m];
    state.cost_gradient(&mut wanted_plan)?;
    let (wanted_f, wanted_g) = state.potentials();
    Ok(vec![
        // Sums over potentials, which are of the size of the costs.
        Compared::new("value", [got.value], [want.value]).at_scale(1.0),
        Compared::new("mass", [got.mass], [want.mass]),
        Compared::new(
            "marginal error",
            [got.marginal_error],
            [want.marginal_error],
        )
        .at_scale(1.0),
        Compared::new("f", f, wanted_f.to_vec()),
        Compared::new("g", g, wanted_g.to_vec()),
        Compared::new("plan", plan.to_vec()?, wanted_plan),
    ])
}

/// Two clouds of unit vectors, in f32 and the same in f64.
type Clouds = [(Vec<f32>, Vec<f64>); 2];

fn two_clouds((n, m, dim): (usize, usize, usize)) -> Clouds {
    let (x, y) = clouds(n, m, dim, 0);
    [single(&x), single(&y)]
}

/// With the costs in memory, or `streamed`: without a matrix.
fn points(report: &mut Report<'_>, cost: Cost, size: (usize, usize, usize), streamed: bool) {
    let device = report.device;
    let (n, m, dim) = size;
    let kind = if streamed { ", streamed" } else { "" };
    let function = format!("envelope_gradient, {cost:?}{kind}");
    report.case(&function, &format!("{n} x {m} x {dim}"), || {
        let [(x, wide_x), (y, wide_y)] = two_clouds(size);
        let (x, y) = (Buffer::of(device, &x)?, Buffer::of(device, &y)?);
        let source = CostSource::Points {
            cost,
            x: x.array(),
            y: y.array(),
            dim,
        };
        let mut problem = Problem::new(source, n, m);
        if streamed {
            problem = problem.streamed();
        }
        let room = Buffer::new(device, problem.workspace_len())?;
        let grads = (Buffer::new(device, n * dim)?, Buffer::new(device, m * dim)?);
        let mut state = State::new(device, &problem, 0.5, room.array())?;
        let got = state.run(&options(0.5, 0.0, 20))?;
        state.envelope_gradient(grads.0.array(), grads.1.array())?;

        let source = core::CostSource::Points {
            cost,
            x: &wide_x,
            y: &wide_y,
            dim,
        };
        let twin = core::Problem::new(source, n, m);
        let mut room = vec![0.0; twin.workspace_len()];
        let mut state = core::State::new(&twin, 0.5, &mut room)?;
        let want = state.run(&options(0.5, 0.0, 20))?;
        let (mut to_x, mut to_y) = (vec![0.0; n * dim], vec![0.0; m * dim]);
        state.envelope_gradient(cost, &wide_x, &wide_y, dim, &mut to_x, &mut to_y)?;
        Ok(vec![
            Compared::new("value", [got.value], [want.value]),
            Compared::new("by x", grads.0.to_vec()?, to_x),
            Compared::new("by y", grads.1.to_vec()?, to_y),
        ])
    });
}

fn divergence(report: &mut Report<'_>, cost: Cost, size: (usize, usize, usize), rho: Option<f32>) {
    let device = report.device;
    let (n, m, dim) = size;
    let kind = if rho.is_some() {
        "unbalanced"
    } else {
        "balanced"
    };
    let function = format!("divergence, {cost:?}, {kind}");
    report.case(&function, &format!("{n} x {m} x {dim}"), || {
        let [(x, wide_x), (y, wide_y)] = two_clouds(size);
        let (x, y) = (Buffer::of(device, &x)?, Buffer::of(device, &y)?);
        let source = CostSource::Points {
            cost,
            x: x.array(),
            y: y.array(),
            dim,
        };
        let mut problem = Problem::new(source, n, m);
        let wide = core::CostSource::Points {
            cost,
            x: &wide_x,
            y: &wide_y,
            dim,
        };
        let mut twin = core::Problem::new(wide, n, m);
        if let Some(rho) = rho {
            problem = problem.unbalanced(rho, 2.0 * rho);
            twin = twin.unbalanced(rho.into(), (2.0 * rho).into());
        }
        let room = Buffer::new(device, divergence_workspace_len(&problem))?;
        let grads = (Buffer::new(device, n * dim)?, Buffer::new(device, m * dim)?);
        let (by_x, by_y) = (grads.0.array(), grads.1.array());
        let limits = options(0.5, 1e-6, 500);
        let got =
            sinkhorn_divergence_with_grad(device, &problem, &limits, by_x, by_y, room.array())?;
        let mut room = vec![0.0; core::divergence_workspace_len(&twin)];
        let (mut to_x, mut to_y) = (vec![0.0; n * dim], vec![0.0; m * dim]);
        let limits = options(0.5, 1e-10, 2000);
        let want =
            core::sinkhorn_divergence_with_grad(&twin, &limits, &mut to_x, &mut to_y, &mut room)?;
        // A difference of values of about the transport's; gradients likewise.
        let size = want.between.value.abs();
        let pull = 2.0 / n.min(m) as f64;
        Ok(vec![
            Compared::new("value", [got.value], [want.value]).at_scale(size),
            Compared::new(
                "within",
                [got.within_a, got.within_b],
                [want.within_a, want.within_b],
            )
            .at_scale(size),
            Compared::new("by x", grads.0.to_vec()?, to_x).at_scale(pull),
            Compared::new("by y", grads.1.to_vec()?, to_y).at_scale(pull),
        ])
    });
}
