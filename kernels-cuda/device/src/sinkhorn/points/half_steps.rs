//! Both half steps: sums over pairs, and what follows from them.

use kernels_core::elementary::Elementary;
use kernels_core::pieces::{Direct, RowSums};

use crate::kernel::Kernel;
use crate::memory::Global;
use crate::pairs::{At, Points, REDUCE_WORDS, Terms, merged_sum, reduce};
use crate::reduce::{block_reduce_words, over_block};
use crate::sinkhorn::Shared;
use crate::sinkhorn::columns::totals;
use crate::sinkhorn::rows::proceed;
use crate::sinkhorn::status::Status;
use crate::thread::{BLOCK, Thread, WARPS};

/// `h = p + ε log w − κ ‖v‖²`. Grid: ⌈n/256⌉.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SinkhornHeights {
    /// n: potentials.
    pub potentials: Global<f32>,
    /// n.
    pub weights: Global<f32>,
    /// n: ‖v‖².
    pub squares: Global<f32>,
    /// n.
    pub out: Global<f32>,
    /// ε.
    pub epsilon: f32,
    /// κ.
    pub factor: f32,
}

impl Kernel for SinkhornHeights {
    const NAME: &'static str = "sinkhorn_heights";

    fn shared_words(&self) -> u32 {
        0
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let i = (thread.block()[0] * BLOCK + thread.thread()) as usize;
        if i < self.out.len() {
            let potential = thread.load(self.potentials, i);
            let weight = thread.load(self.weights, i);
            let square = thread.load(self.squares, i);
            let height = height::<T>(potential, weight, square, self.epsilon, self.factor);
            thread.store(self.out, i, height);
        }
    }
}

/// `p + ε log w − κ ‖v‖²`; −∞ without weight.
#[inline(always)]
fn height<T: Thread>(potential: f32, weight: f32, square: f32, epsilon: f32, factor: f32) -> f32 {
    if weight > 0.0 {
        (potential - factor * square) + epsilon * weight.ln_at::<T::Level>()
    } else {
        f32::NEG_INFINITY
    }
}

/// `h_j + 2κ u_i·v_j`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct Exponents {
    heights: Global<f32>,
    twice: f32,
}

impl Terms for Exponents {
    type Row = ();
    type Column = f32;

    #[inline(always)]
    fn row<T: Thread>(&self, _: T, _: u32) {}

    #[inline(always)]
    fn column<T: Thread>(&self, thread: T, j: u32) -> f32 {
        thread.load(self.heights, j as usize)
    }

    #[inline(always)]
    fn term<T: Thread>(&self, _: T, _: At<()>, column: At<f32>, product: f32) -> f32 {
        column.data + self.twice * product
    }
}

/// Parts of `Σ_j exp((h_j + 2κ u_i·v_j)/ε)`. Grid: tiles of rows × splits.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SinkhornPointSums {
    /// The problem.
    pub shared: Shared,
    /// The side that is summed for, and the other.
    pub points: Points,
    /// h of the other.
    pub heights: Global<f32>,
    /// 2 × splits × rows.
    pub parts: Global<f32>,
    /// κ.
    pub factor: f32,
    /// Whether these are the rows' sums, the first of an iteration.
    pub first: u32,
}

impl Kernel for SinkhornPointSums {
    const NAME: &'static str = "sinkhorn_point_sums";

    fn shared_words(&self) -> u32 {
        REDUCE_WORDS
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let shared = &self.shared;
        let on = if self.first != 0 {
            // One thread of the grid passes on that all is done.
            proceed(shared, thread)
        } else {
            shared.status.load(thread, Status::STOPPED) == 0.0
        };
        if on {
            let terms = Exponents {
                heights: self.heights,
                twice: 2.0 * self.factor,
            };
            reduce(thread, &self.points, &terms, shared.rate(), self.parts);
        }
    }
}

/// What the finishing kernels of both sides share.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Finish {
    /// The problem.
    pub shared: Shared,
    /// 2 × splits × rows, of the side that is finished.
    pub parts: Global<f32>,
    /// Its ‖u‖².
    pub squares: Global<f32>,
    /// Where its next h go.
    pub heights: Global<f32>,
    /// Splits of the sums.
    pub splits: u32,
    /// κ.
    pub factor: f32,
}

impl Finish {
    /// The soft minimum of row i.
    #[inline(always)]
    fn soft_min<T: Thread>(&self, thread: T, i: u32, rows: u32) -> f32 {
        let rate = self.shared.rate();
        let sum = merged_sum(thread, self.parts, self.splits, rows, i, rate);
        let square = thread.load(self.squares, i as usize);
        self.factor * square - sum.log::<T::Level>(self.shared.epsilon)
    }

    /// Notes h of a next potential.
    #[inline(always)]
    fn put_height<T: Thread>(&self, thread: T, i: u32, potential: f32, weight: f32) {
        let square = thread.load(self.squares, i as usize);
        let (epsilon, factor) = (self.shared.epsilon, self.factor);
        let height = height::<T>(potential, weight, square, epsilon, factor);
        thread.store(self.heights, i as usize, height);
    }
}

/// Next row potentials, the marginal error of the present ones. Grid: ⌈n/256⌉, which are
/// the problem's blocks.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SinkhornPointRows(pub Finish);

impl Kernel for SinkhornPointRows {
    const NAME: &'static str = "sinkhorn_point_rows";

    fn shared_words(&self) -> u32 {
        2 * block_reduce_words(1)
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let (finish, shared) = (&self.0, &self.0.shared);
        if shared.status.load(thread, Status::STOPPED) != 0.0 {
            return;
        }
        let i = thread.block()[0] * BLOCK + thread.thread();
        let mut sums = RowSums::default();
        if i < shared.n {
            let f = thread.load(shared.f, i as usize);
            let a = thread.load(shared.a, i as usize);
            let soft_min = finish.soft_min(thread, i, shared.n);
            // Relative to its soft minimum a row sums to one.
            let out = shared
                .row_rule(thread)
                .outcome::<T::Level, Direct>(f, soft_min, 1.0);
            sums.add(a, &out);
            thread.store(shared.next_f, i as usize, out.next);
            finish.put_height(thread, i, out.next, a);
        }
        let error = over_block(thread, sums.error, 0, |a, b| a + b);
        let mass = over_block(thread, sums.mass, WARPS, |a, b| a + b);
        if thread.thread() == 0 {
            let slot = 2 * thread.block()[0] as usize;
            thread.store(shared.row_parts, slot, error);
            thread.store(shared.row_parts, slot + 1, mass);
        }
    }
}

/// Next column potentials, unless the present ones will do. Grid: ⌈max(n, m)/256⌉.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SinkhornPointColumns {
    /// The columns.
    pub finish: Finish,
    /// The marginal error that will do.
    pub threshold: f32,
    /// Whether the error is only to be noted.
    pub last: u32,
}

impl Kernel for SinkhornPointColumns {
    const NAME: &'static str = "sinkhorn_point_columns";

    fn shared_words(&self) -> u32 {
        2 * block_reduce_words(1)
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let (finish, shared) = (&self.finish, &self.finish.shared);
        if shared.status.load(thread, Status::STOPPED) != 0.0 {
            return;
        }
        let [error, mass] = totals(shared, thread);
        let stop = shared.fresh == 0 && error <= self.threshold;
        let advance = !stop && self.last == 0;
        let i = thread.block()[0] * BLOCK + thread.thread();
        if i < shared.m && advance {
            let damping = shared.column_damping(thread);
            let g = thread.load(shared.g, i as usize);
            let b = thread.load(shared.b, i as usize);
            let soft_min = finish.soft_min(thread, i, shared.m);
            let next = damping.next(g, soft_min - shared.epsilon * damping.log_mass);
            thread.store(shared.g, i as usize, next);
            finish.put_height(thread, i, next, b);
        }
        if i < shared.n && (advance || !(thread.load::<f32>(shared.a, i as usize) > 0.0)) {
            let next: f32 = thread.load(shared.next_f, i as usize);
            thread.store(shared.f, i as usize, next);
        }
        if i == 0 {
            shared.note(thread, [error, mass], stop, advance);
        }
    }
}
