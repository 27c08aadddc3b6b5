//! Links only if no panic is reachable from the public functions of `kernels-core`.
//!
//! The panic handler calls a function that does not exist. The linker drops what nothing
//! calls, handler included; if a check that can fail is left in one of the kernels, the
//! handler stays and the link fails for want of `a_panic_is_reachable`. Nothing is known
//! about the arguments: `black_box` hides values and lengths, those inside a state too.
//!
//! It has to be optimised fully, as one unit: a panic is gone when the compiler has seen
//! that it cannot happen. All functions are here that compute, for both scalars, as they
//! are without an allocator; not here are `Debug` and `Display`, which are the standard
//! library's, and the feature `owned`, whose memory may run out.

#![no_std]
#![no_main]

use core::hint::black_box;
use core::panic::PanicInfo;

use cortex_m_rt::entry;
use kernels_core::barlow_twins::{self, BarlowTwinsOptions};
use kernels_core::cost::{Cost, CostScale, cost_matrix, rescale};
use kernels_core::log_sum_exp::{LogSumExp, log_sum_exp};
use kernels_core::normalize::{normalize_rows, normalize_rows_backward};
use kernels_core::nt_xent::{nt_xent, nt_xent_with_grad, nt_xent_workspace_len};
use kernels_core::pieces::{NtXentRow, Plain, ScaledSum};
use kernels_core::sin_sim::{
    self, EpsilonUnit, OtForm, OtOptions, SinSimOptions, ot_term_with_grad, sin_sim_with_grad,
};
use kernels_core::sinkhorn::{self, *};
use kernels_core::softmax::{log_softmax, log_softmax_backward, softmax, softmax_backward};
use kernels_core::swav::{SwavOptions, swav_with_grad, swav_workspace_len};
use kernels_core::vicreg::{self, VicRegOptions};
use kernels_core::{Real, byol, diagnostics, elementary};

unsafe extern "C" {
    /// Nowhere defined.
    fn a_panic_is_reachable() -> !;
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: a program that contains this call does not link, and so does not run.
    unsafe { a_panic_is_reachable() }
}

#[entry]
fn main() -> ! {
    static mut SINGLE: [[f32; 64]; 8] = [[0.0; 64]; 8];
    static mut DOUBLE: [[f64; 64]; 8] = [[0.0; 64]; 8];
    all(SINGLE);
    all(DOUBLE);
    loop {
        core::hint::spin_loop();
    }
}

fn all<T: Real>(memory: &mut [[T; 64]; 8]) {
    let sizes = black_box([1, 2, 3]);
    vectors(memory);
    losses(memory, sizes);
    embeddings(memory, sizes);
    problems(memory, sizes);
    batches(memory, sizes);
    lengths::<T>(sizes);
}

/// Slices of unknown lengths.
fn unknown<T>(memory: &mut [[T; 64]; 8]) -> [&mut [T]; 8] {
    memory.each_mut().map(|slice| black_box(&mut slice[..]))
}

fn vectors<T: Real>(memory: &mut [[T; 64]; 8]) {
    let [x, p, out, ..] = unknown(memory);
    black_box(log_sum_exp(x));
    black_box(LogSumExp::of(x).merge(LogSumExp::of(p)).finish());
    let number = black_box(T::one());
    black_box(LogSumExp::single(number).push(number));
    let sum = ScaledSum::identity().push::<Plain, 4>(black_box([number; 4]), number);
    black_box(sum.merge::<Plain>(black_box(sum), number).log::<Plain>(number));
    black_box(NtXentRow::new::<Plain>(number));
    black_box(elementary::exp_m1_at::<Plain, T>(number));
    black_box(elementary::ln_1p_at::<Plain, T>(number));
    let _ = black_box(softmax(x, out));
    let _ = black_box(softmax_backward(x, p, out));
    let _ = black_box(log_softmax(x, out));
    let _ = black_box(log_softmax_backward(x, p, out));
    black_box(rescale(black_box(CostScale::Maximum), out));
    elementary::exp_in_place(out);
    elementary::ln_in_place(out);
}

fn losses<T: Real>(memory: &mut [[T; 64]; 8], [rows, dim, step]: [usize; 3]) {
    let [z, t, grad, workspace, other_grad, ..] = unknown(memory);
    let number = black_box(T::one());
    let _ = black_box(byol::byol(z, t, rows, dim));
    let _ = black_box(byol::byol_with_grad(z, t, rows, dim, grad));
    let _ = black_box(byol::byol_symmetric_with_grad(z, t, rows, dim, grad));
    let _ = black_box(byol::byol_momentum(step, rows, number));
    let options = black_box(VicRegOptions::default());
    let _ = black_box(vicreg::vicreg(z, rows, dim, &options, workspace));
    let loss = vicreg::vicreg_with_grad(z, rows, dim, &options, grad, workspace);
    let _ = black_box(loss);
    let options = black_box(BarlowTwinsOptions::default());
    let loss = barlow_twins::barlow_twins(z, rows, dim, &options, workspace);
    let _ = black_box(loss);
    let loss = barlow_twins::barlow_twins_with_grad(z, rows, dim, &options, grad, workspace);
    let _ = black_box(loss);
    let _ = black_box(nt_xent(z, rows, dim, number, workspace));
    let _ = black_box(nt_xent_with_grad(z, rows, dim, number, grad, workspace));
    let ot = OtOptions {
        cost: black_box(Cost::Cosine),
        scale: black_box(CostScale::Maximum),
        form: black_box(OtForm::Divergence),
        rho: number,
        epsilon_unit: black_box(EpsilonUnit::Maximum),
        sinkhorn: options_of(step),
    };
    let _ = black_box(OtOptions::new(ot.cost, ot.sinkhorn));
    if let Ok(units) = black_box(ot.units("no_panic", number)) {
        black_box((ot.sinkhorn_at(&units), ot.is_relative()));
    }
    let _ = black_box(ot_term_with_grad(z, rows, dim, &ot, grad, workspace));
    let options = SinSimOptions {
        temperature: number,
        lambda: number,
        ot,
    };
    let _ = black_box(sin_sim_with_grad(z, rows, dim, &options, grad, workspace));
    let options = black_box(SwavOptions::default());
    let loss = swav_with_grad(z, t, rows, dim, &options, grad, other_grad, workspace);
    let _ = black_box(loss);
}

fn embeddings<T: Real>(memory: &mut [[T; 64]; 8], [rows, dim, n]: [usize; 3]) {
    let [z, t, out, workspace, ..] = unknown(memory);
    let number = black_box(T::one());
    let _ = black_box(normalize_rows(z, rows, dim, out, t));
    let _ = black_box(normalize_rows_backward(z, t, dim, out));
    let _ = black_box(cost_matrix(
        black_box(Cost::Cosine),
        z,
        t,
        rows,
        n,
        dim,
        out,
    ));
    let _ = black_box(diagnostics::alignment(z, t, rows, dim, number));
    let _ = black_box(diagnostics::uniformity(z, rows, dim, number, workspace));
    let spectrum = black_box(diagnostics::Spectrum::CovarianceEigenvalues);
    let rank = diagnostics::effective_rank(z, rows, dim, spectrum, workspace);
    let _ = black_box(rank);
    let _ = black_box(diagnostics::symmetric_eigenvalues(out, n, dim, workspace));
}

fn options_of<T: Real>(max_iterations: usize) -> SinkhornOptions<T> {
    black_box(SinkhornOptions {
        epsilon: T::one(),
        threshold: T::one(),
        max_iterations,
    })
}

/// Any problem.
fn problem<'a, T: Real>([x, y, a, b]: [&'a [T]; 4], [n, m, dim]: [usize; 3]) -> Problem<'a, T> {
    let cost = black_box(Cost::Cosine);
    let mut source = CostSource::Points { cost, x, y, dim };
    if black_box(false) {
        source = CostSource::Matrix(x);
    }
    black_box(Problem::new(source, n, m).with_weights(a, b))
}

fn problems<T: Real>(memory: &mut [[T; 64]; 8], sizes: [usize; 3]) {
    let [x, y, a, b, workspace, out, more, _] = unknown(memory);
    let data = [&*x, &*y, &*a, &*b];
    let problem = problem(data, sizes);
    let (options, number) = (options_of(sizes[0]), black_box(T::one()));
    let _ = black_box(sinkhorn::solve(&problem, &options, workspace));
    let schedule = black_box(Annealing::from_scale(&problem));
    let annealed = solve_annealed(&problem, &options, &schedule, workspace);
    let _ = black_box(annealed.is_ok());
    let robust = solve_robust(&problem, &options, workspace);
    let _ = black_box(robust.is_ok());
    black_box(robust_workspace_len(&problem));
    black_box(divergence_workspace_len(&problem));
    let _ = black_box(sinkhorn_divergence(&problem, &options, workspace));
    let divergence = sinkhorn_divergence_with_grad(&problem, &options, out, more, workspace);
    let _ = black_box(divergence);
    if let Ok(state) = State::new(&problem, number, workspace) {
        let mut state = black_box(state);
        run(&mut state, &options, data, out);
        read(&mut state, data, sizes, [&mut *out, &mut *more]);
        differentiate(&mut state, data, sizes, [out, more]);
    }
}

fn run<T: Real>(
    state: &mut State<'_, T>,
    options: &SinkhornOptions<T>,
    [x, ..]: [&[T]; 4],
    workspace: &mut [T],
) {
    let state = black_box(state);
    let _ = black_box(state.step());
    let _ = black_box(state.run(options));
    let _ = black_box(state.run_relaxed(options));
    let _ = black_box(state.run_newton(options, workspace));
    let _ = black_box(state.set_epsilon(options.epsilon));
    let _ = black_box(state.warm_start(x));
    black_box((state.iterations(), state.marginal_error()));
    black_box((state.potentials(), state.weights()));
}

fn read<T: Real>(
    state: &mut State<'_, T>,
    [x, ..]: [&[T]; 4],
    [i, j, width]: [usize; 3],
    [out, workspace]: [&mut [T]; 2],
) {
    let state = black_box(state);
    let _ = black_box(state.plan(i, j));
    let _ = black_box(state.plan_row(i, out));
    let _ = black_box(state.transport_cost());
    let _ = black_box(state.apply_plan(x, width, out));
    let _ = black_box(state.apply_plan_transpose(x, width, out));
    let _ = black_box(state.barycentric_projection(x, width, out));
    let _ = black_box(state.primal_value(workspace));
    let _ = black_box(state.duality_gap(workspace));
}

fn differentiate<T: Real>(
    state: &mut State<'_, T>,
    [x, y, a, b]: [&[T]; 4],
    [dim, iterations, _]: [usize; 3],
    [out, workspace]: [&mut [T]; 2],
) {
    let (state, cost, number) = (black_box(state), black_box(Cost::Cosine), T::one());
    let _ = black_box(state.cost_gradient(out));
    let _ = black_box(state.weight_gradient(out, workspace));
    let _ = black_box(state.envelope_gradient(cost, x, y, dim, out, workspace));
    let cotangents = black_box(Cotangents {
        value: number,
        transport_cost: number,
        f: Some(a),
        g: Some(b),
    });
    let solver = black_box(ImplicitOptions {
        tolerance: number,
        max_iterations: iterations,
    });
    let mut parts = out.chunks_mut(8);
    let mut part = || black_box(parts.next().unwrap_or_default());
    let mut gradients = black_box(Gradients {
        cost: Some(part()),
        points: Some(PointGradients {
            cost,
            x,
            y,
            dim,
            grad_x: part(),
            grad_y: part(),
        }),
        weights: Some((part(), part())),
    });
    let solve = state.implicit_gradient(&cotangents, &solver, &mut gradients, workspace);
    let _ = black_box(solve);
    if let Ok(recording) = state.record(iterations, workspace) {
        let mut recording = black_box(recording);
        let _ = black_box(recording.gradient(&cotangents, black_box(&mut gradients)));
        let _ = black_box(recording.transport_cost());
        black_box((recording.outcome(), recording.state().iterations()));
    }
}

fn batches<T: Real>(memory: &mut [[T; 64]; 8], sizes: [usize; 3]) {
    let [x, y, a, b, workspace, f, g, plans] = unknown(memory);
    let problem = problem([&*x, &*y, &*a, &*b], sizes);
    let batch = black_box(Batch::new(problem, sizes[1]));
    black_box((batch.problem(sizes[0]).is_some(), batch.workspace_len()));
    let mut outcomes = [Outcome::default(); 4];
    let outputs = BatchOutputs::new(black_box(&mut outcomes))
        .with_potentials(f, g)
        .with_plans(plans);
    let mut outputs = black_box(outputs);
    if black_box(true) {
        outputs.grad_x = outputs.f.take();
        outputs.grad_y = outputs.g.take();
    }
    let _ = black_box(solve_batch(
        &batch,
        &options_of(sizes[2]),
        outputs,
        workspace,
    ));
}

fn lengths<T: Real>([n, m, dim]: [usize; 3]) {
    black_box(diagnostics::uniformity_workspace_len(n, dim));
    black_box(diagnostics::effective_rank_workspace_len(n, dim));
    black_box(vicreg::vicreg_workspace_len(n, dim));
    black_box(barlow_twins::barlow_twins_workspace_len(n, dim));
    black_box(nt_xent_workspace_len(n, dim));
    black_box(swav_workspace_len(n, dim));
    black_box(sin_sim::sin_sim_workspace_len(n, dim));
    black_box(sin_sim::ot_term_workspace_len(n, dim));
    black_box(sinkhorn_workspace_len(n, m));
    black_box(newton_workspace_len(n, m));
    black_box(gap_workspace_len(n, m));
    black_box(implicit_workspace_len(n, m));
    black_box(unrolled_workspace_len(n, m, dim));
    let problem = problem::<T>([&[]; 4], [n, m, dim]);
    black_box(problem.with_stored_kernel().workspace_len());
    black_box(problem.unbalanced(T::one(), T::one()).is_balanced());
}
