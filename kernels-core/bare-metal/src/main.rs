//! Entropic transport and NT-Xent with its gradient on a microcontroller: no operating
//! system, no standard library, no allocator.
//!
//! Inputs are constants, the workspace is static memory that `main` declares. What comes out is compared with values computed in f64 by the textbook's
//! formulas in another language; the exit code tells whether they agree.

#![no_std]
#![no_main]

use core::panic::PanicInfo;

use cortex_m_rt::entry;
use cortex_m_semihosting::debug::{EXIT_FAILURE, EXIT_SUCCESS, ExitStatus, exit};
use cortex_m_semihosting::hprintln;
use kernels_core::Error;
use kernels_core::cost::Cost;
use kernels_core::nt_xent::{nt_xent_with_grad, nt_xent_workspace_len};
use kernels_core::sinkhorn::{CostSource, Problem, SinkhornOptions, State};

/// Three and four points of the plane, and their weights.
const X: [f32; 6] = [0.0, 0.0, 1.0, 0.2, 0.3, 1.1];
const Y: [f32; 8] = [0.1, 0.1, 0.9, 0.4, 0.5, 0.9, 1.2, 1.0];
const A: [f32; 3] = [0.5, 0.25, 0.25];
const B: [f32; 4] = [0.25; 4];
/// Two images, two views each.
const Z: [f32; 8] = [1.0, 0.1, -0.2, 1.0, 0.9, -0.3, 0.1, 1.1];

/// `OT_ε` of the points at ε = ¼, and `⟨P,C⟩`.
const VALUE: f64 = 0.585_824_030_158_902_5;
const TRANSPORT_COST: f64 = 0.473_976_805_281_533_4;
/// NT-Xent of the views at τ = ½, and its gradient.
const LOSS: f64 = 0.223_242_823_006_376_8;
const GRADIENT: [f64; 8] = [
    -0.034_451_259_446,
    0.344_512_594_460,
    0.083_931_563_996,
    0.016_786_312_795,
    0.012_094_922_909,
    0.036_284_768_738,
    0.267_745_107_706,
    -0.024_340_464_166,
];
/// Exponents of up to 8 are rounded to `8 · 2⁻²⁴ ≈ 5e-7` in f32, relative to their terms;
/// what the threshold leaves of `⟨P,C⟩` is less.
const TOLERANCE: f64 = 1e-6;
/// Room for both calls, one after the other: NT-Xent needs 944 numbers, Sinkhorn 125.
const WORKSPACE: usize = 1024;

#[entry]
fn main() -> ! {
    static mut MEMORY: [f32; WORKSPACE] = [0.0; WORKSPACE];
    let status = match run(MEMORY) {
        Ok(true) => EXIT_SUCCESS,
        Ok(false) => {
            hprintln!("a value differs beyond {:e}", TOLERANCE);
            EXIT_FAILURE
        }
        Err(error) => {
            hprintln!("{}", error);
            EXIT_FAILURE
        }
    };
    stop(status)
}

/// Whether every result agrees.
fn run(workspace: &mut [f32]) -> Result<bool, Error> {
    let mut agree = true;
    let mut check = |name: &str, got: f32, expected: f64| {
        let difference = (f64::from(got) - expected).abs();
        hprintln!("{} = {:.7} (expected {:.7})", name, got, expected);
        agree &= difference <= TOLERANCE;
    };

    let source = CostSource::Points {
        cost: Cost::SquaredEuclidean,
        x: &X,
        y: &Y,
        dim: 2,
    };
    let problem = Problem::new(source, 3, 4).with_weights(&A, &B);
    let options = SinkhornOptions {
        epsilon: 0.25,
        threshold: 1e-6,
        max_iterations: 200,
    };
    hprintln!("Sinkhorn: workspace of {} numbers", problem.workspace_len());
    let mut state = State::new(&problem, options.epsilon, workspace)?;
    let outcome = state.run(&options)?;
    hprintln!(
        "{} iterations, converged: {}",
        outcome.iterations,
        outcome.converged
    );
    check("OT", outcome.value, VALUE);
    check("<P,C>", state.transport_cost()?, TRANSPORT_COST);

    let mut grad = [0.0; 8];
    hprintln!(
        "NT-Xent: workspace of {} numbers",
        nt_xent_workspace_len(4, 2)
    );
    let loss = nt_xent_with_grad(&Z, 4, 2, 0.5, &mut grad, workspace)?;
    check("loss", loss, LOSS);
    for (&got, &expected) in grad.iter().zip(&GRADIENT) {
        check("gradient", got, expected);
    }
    Ok(agree && outcome.converged)
}

/// Tells the debugger, and waits where there is none.
fn stop(status: ExitStatus) -> ! {
    exit(status);
    loop {
        core::hint::spin_loop();
    }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    hprintln!("{}", info);
    stop(EXIT_FAILURE)
}
