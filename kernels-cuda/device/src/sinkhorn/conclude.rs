//! Gauge, value, and what went wrong.
//!
//! Grid: 1. Reads potentials and weights twice.

use kernels_core::pieces::Prices;

use super::Shared;
use super::scan::ROOM;
use super::status::Status;
use crate::kernel::Kernel;
use crate::memory::Global;
use crate::reduce::{block_reduce_words, larger, over_block};
use crate::thread::{BLOCK, Thread, WARPS};

/// Fixes the gauge `⟨a,f⟩ = ⟨b,g⟩` of a balanced problem, and notes the value.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SinkhornConclude {
    /// The problem.
    pub shared: Shared,
    /// Whether the value keeps its mass term: the columns are not exact.
    pub with_mass: u32,
}

impl Kernel for SinkhornConclude {
    const NAME: &'static str = "sinkhorn_conclude";

    fn shared_words(&self) -> u32 {
        2 * block_reduce_words(1)
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let shared = &self.shared;
        let balanced = shared.rho_a == f32::INFINITY && shared.rho_b == f32::INFINITY;
        let status = shared.status;
        let (mass_a, mass_b) = (
            status.load(thread, Status::MASS_A),
            status.load(thread, Status::MASS_B),
        );
        let side = |weights, potentials, rho, scratch| {
            mean(thread, (weights, potentials), scratch, |p| {
                Prices::price_at::<T::Level, f32>(p, rho)
            })
        };
        let bad_f = worst(thread, (shared.a, shared.f), 0);
        let bad_g = worst(thread, (shared.b, shared.g), WARPS);
        let of_f = mass_a * side(shared.a, shared.f, shared.rho_a, 0);
        let of_g = mass_b * side(shared.b, shared.g, shared.rho_b, WARPS);
        if balanced {
            let shift = 0.5 * (of_g - of_f);
            add(thread, shared.f, shift);
            add(thread, shared.g, -shift);
        }
        if thread.thread() != 0 {
            return;
        }
        let sides = of_f + of_g;
        let mass = status.load(thread, Status::MASS);
        let value = if balanced && self.with_mass == 0 {
            sides
        } else {
            sides - shared.epsilon * (mass - mass_a * mass_b)
        };
        status.store(thread, Status::SIDES, sides);
        status.store(thread, Status::VALUE, value);
        if bad_f != 0.0 || bad_g != 0.0 {
            status.refuse(thread, Status::BAD_POTENTIAL);
        }
    }
}

/// The gradient of the regularised value with respect to the weights of one side, as
/// `kernels_core` has it: `p_i − ⟨w,p⟩` in a balanced problem, else
/// `φ(p_i) + ε (mass of the other side − exp(−p_i/ρ))`. Grid: 1.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SinkhornWeightGradient {
    /// The problem.
    pub shared: Shared,
    /// Shares of the side.
    pub weights: Global<f32>,
    /// Its potentials.
    pub potentials: Global<f32>,
    /// Where the gradient goes, as long as these.
    pub out: Global<f32>,
    /// Its price ρ.
    pub rho: f32,
    /// Where the other side's mass is in the status.
    pub other_mass: u32,
}

impl Kernel for SinkhornWeightGradient {
    const NAME: &'static str = "sinkhorn_weight_gradient";

    fn shared_words(&self) -> u32 {
        block_reduce_words(1)
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let shared = &self.shared;
        let balanced = shared.rho_a == f32::INFINITY && shared.rho_b == f32::INFINITY;
        let sides = (self.weights, self.potentials);
        let centre = mean(thread, sides, 0, |p| p);
        let other_mass = shared.status.load(thread, self.other_mass as usize);
        let mut i = thread.thread() as usize;
        while i < self.potentials.len() {
            let p = thread.load(self.potentials, i);
            let slope = if balanced {
                p - centre
            } else {
                let bracket = other_mass - Prices::wanted_at::<T::Level, f32>(p, self.rho);
                Prices::price_at::<T::Level, f32>(p, self.rho) + shared.epsilon * bracket
            };
            thread.store(self.out, i, slope);
            i += BLOCK as usize;
        }
    }
}

/// `out = Σ w_i (p_i − q_i)`, where what has no weight does not count: differences first,
/// so that what cancels is small. Grid: 1.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SinkhornGap {
    /// n.
    pub weights: Global<f32>,
    /// n.
    pub p: Global<f32>,
    /// n.
    pub q: Global<f32>,
    /// 1.
    pub out: Global<f32>,
}

impl Kernel for SinkhornGap {
    const NAME: &'static str = "sinkhorn_gap";

    fn shared_words(&self) -> u32 {
        block_reduce_words(1)
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let mut sum = 0.0;
        let mut i = thread.thread() as usize;
        while i < self.weights.len() {
            let weight = thread.load(self.weights, i);
            if weight > 0.0 {
                sum += weight * (thread.load(self.p, i) - thread.load(self.q, i));
            }
            i += BLOCK as usize;
        }
        let sum = over_block(thread, sum, 0, |a, b| a + b);
        if thread.thread() == 0 {
            thread.store(self.out, 0, sum);
        }
    }
}

/// *Block.* `Σ w_i term(p_i)`, where what has no weight does not count.
#[inline(always)]
fn mean<T: Thread>(
    thread: T,
    (weights, potentials): (Global<f32>, Global<f32>),
    scratch: u32,
    term: impl Fn(f32) -> f32,
) -> f32 {
    let mut sum = 0.0;
    let mut i = thread.thread() as usize;
    while i < weights.len() {
        let weight = thread.load(weights, i);
        if weight > 0.0 {
            sum += weight * term(thread.load(potentials, i));
        }
        i += BLOCK as usize;
    }
    over_block(thread, sum, scratch, |a, b| a + b)
}

/// *Block.* 1 if a potential with weight is out of range.
#[inline(always)]
fn worst<T: Thread>(
    thread: T,
    (weights, potentials): (Global<f32>, Global<f32>),
    scratch: u32,
) -> f32 {
    let mut bad = 0.0;
    let mut i = thread.thread() as usize;
    while i < weights.len() {
        let potential = thread.load(potentials, i);
        if thread.load(weights, i) > 0.0 && !(potential.abs() <= ROOM) {
            bad = 1.0;
        }
        i += BLOCK as usize;
    }
    over_block(thread, bad, scratch, larger)
}

#[inline(always)]
fn add<T: Thread>(thread: T, potentials: Global<f32>, shift: f32) {
    let mut i = thread.thread() as usize;
    while i < potentials.len() {
        thread.store(potentials, i, thread.load(potentials, i) + shift);
        i += BLOCK as usize;
    }
}
