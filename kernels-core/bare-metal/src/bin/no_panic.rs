//! Links only if no panic is reachable from the functions that it calls.
//!
//! The panic handler calls a function that does not exist. The linker drops what nothing
//! calls, handler included; if a check that can fail is left in one of the kernels, the
//! handler stays and the link fails for want of `a_panic_is_reachable`. Nothing is known
//! about the arguments: `black_box` hides values and lengths.
//!
//! It has to be optimised fully, as one unit: a panic is gone when the compiler has seen
//! that it cannot happen. Not here, since the compiler does not see it there: Sinkhorn,
//! which the fuzzer covers.

#![no_std]
#![no_main]

use core::hint::black_box;
use core::panic::PanicInfo;

use cortex_m_rt::entry;
use kernels_core::barlow_twins::{self, BarlowTwinsOptions};
use kernels_core::cost::{Cost, CostScale, cost_matrix, rescale};
use kernels_core::diagnostics::{
    Spectrum, alignment, effective_rank, effective_rank_workspace_len, uniformity,
    uniformity_workspace_len,
};
use kernels_core::log_sum_exp::{LogSumExp, log_sum_exp};
use kernels_core::nt_xent::{nt_xent, nt_xent_with_grad, nt_xent_workspace_len};
use kernels_core::sinkhorn::{Annealing, CostSource, Problem, sinkhorn_workspace_len};
use kernels_core::softmax::{log_softmax, log_softmax_backward, softmax, softmax_backward};
use kernels_core::vicreg::{self, VicRegOptions};
use kernels_core::{Real, byol, sin_sim};

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
    static mut SINGLE: [[f32; 64]; 4] = [[0.0; 64]; 4];
    static mut DOUBLE: [[f64; 64]; 4] = [[0.0; 64]; 4];
    let sizes = [1, 2, 3];
    vectors(SINGLE);
    vectors(DOUBLE);
    losses(SINGLE, black_box(sizes));
    losses(DOUBLE, black_box(sizes));
    sizes_and_scales(SINGLE, black_box(sizes));
    sizes_and_scales(DOUBLE, black_box(sizes));
    loop {
        core::hint::spin_loop();
    }
}

/// Slices of unknown lengths.
fn unknown<T>(memory: &mut [[T; 64]; 4]) -> [&mut [T]; 4] {
    memory.each_mut().map(|slice| black_box(&mut slice[..]))
}

fn vectors<T: Real>(memory: &mut [[T; 64]; 4]) {
    let [x, p, out, _] = unknown(memory);
    black_box(log_sum_exp(x));
    black_box(LogSumExp::of(x).merge(LogSumExp::of(p)).finish());
    let _ = black_box(softmax(x, out));
    let _ = black_box(softmax_backward(x, p, out));
    let _ = black_box(log_softmax(x, out));
    let _ = black_box(log_softmax_backward(x, p, out));
    black_box(rescale(black_box(CostScale::Maximum), out));
}

fn losses<T: Real>(memory: &mut [[T; 64]; 4], [rows, dim, step]: [usize; 3]) {
    let [z, t, grad, workspace] = unknown(memory);
    let number = black_box(T::one());
    let _ = black_box(byol::byol(z, t, rows, dim));
    let _ = black_box(byol::byol_with_grad(z, t, rows, dim, grad));
    let _ = black_box(byol::byol_symmetric_with_grad(z, t, rows, dim, grad));
    let _ = black_box(byol::byol_momentum(step, rows, number));
    let options = black_box(VicRegOptions::default());
    let _ = black_box(vicreg::vicreg(z, rows, dim, &options, workspace));
    let _ = black_box(vicreg::vicreg_with_grad(
        z, rows, dim, &options, grad, workspace,
    ));
    let options = black_box(BarlowTwinsOptions::default());
    let _ = black_box(barlow_twins::barlow_twins(
        z, rows, dim, &options, workspace,
    ));
    let loss = barlow_twins::barlow_twins_with_grad(z, rows, dim, &options, grad, workspace);
    let _ = black_box(loss);
    let _ = black_box(alignment(z, t, rows, dim, number));
    let _ = black_box(uniformity(z, rows, dim, number, workspace));
    let spectrum = black_box(Spectrum::CovarianceEigenvalues);
    let _ = black_box(effective_rank(z, rows, dim, spectrum, workspace));
    let cost = black_box(Cost::Cosine);
    let _ = black_box(cost_matrix(cost, z, t, rows, step, dim, grad));
    let _ = black_box(nt_xent(z, rows, dim, number, workspace));
    let _ = black_box(nt_xent_with_grad(z, rows, dim, number, grad, workspace));
}

fn sizes_and_scales<T: Real>(memory: &mut [[T; 64]; 4], [n, m, dim]: [usize; 3]) {
    black_box(uniformity_workspace_len(n, dim));
    black_box(effective_rank_workspace_len(n, dim));
    black_box(vicreg::vicreg_workspace_len(n, dim));
    black_box(barlow_twins::barlow_twins_workspace_len(n, dim));
    black_box(nt_xent_workspace_len(n, dim));
    black_box(sin_sim::sin_sim_workspace_len(n, dim));
    black_box(sinkhorn_workspace_len(n, m));
    let [x, y, a, b] = unknown(memory);
    let cost = black_box(Cost::Cosine);
    for source in [
        CostSource::Matrix(&*x),
        CostSource::Points { cost, x, y, dim },
    ] {
        let problem = black_box(Problem::new(source, n, m).with_weights(a, b));
        black_box(problem.workspace_len());
        black_box(Annealing::from_scale(&problem));
    }
}
