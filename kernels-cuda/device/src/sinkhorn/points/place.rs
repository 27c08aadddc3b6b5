//! Points relative to a centre, or their directions; and how far they reach.

use crate::kernel::Kernel;
use crate::memory::Global;
use crate::reduce::{block_reduce_words, larger, over_block, over_lanes};
use crate::sinkhorn::scan::ROOM;
use crate::sinkhorn::status::Status;
use crate::thread::{BLOCK, Thread, WARP, WARPS};

/// Points whose mean is the centre, at most.
const SAMPLE: u32 = 1024;

/// The mean of some of the points, evenly spaced: any centre near the clouds will do.
/// Grid: ⌈d/256⌉.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SinkhornCentre {
    /// n × dim.
    pub x: Global<f32>,
    /// dim.
    pub out: Global<f32>,
    /// Points.
    pub n: u32,
    /// Numbers in a point.
    pub dim: u32,
}

impl Kernel for SinkhornCentre {
    const NAME: &'static str = "sinkhorn_centre";

    fn shared_words(&self) -> u32 {
        0
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let d = thread.block()[0] * BLOCK + thread.thread();
        if d >= self.dim {
            return;
        }
        let step = self.n.div_ceil(SAMPLE).max(1);
        let (mut sum, mut count) = (0.0, 0.0);
        let mut row = 0;
        while row < self.n {
            let index = row as usize * self.dim as usize + d as usize;
            // Halved, so that the sum of large coordinates does not overflow early.
            sum += thread.load::<f32>(self.x, index) / SAMPLE as f32;
            count += 1.0;
            row += step;
        }
        thread.store(self.out, d as usize, sum * (SAMPLE as f32 / count));
    }
}

/// `u_i = x_i − centre`, or `s_i x_i` with the reciprocal norms s, and `‖u_i‖²`; a warp
/// for each point. Grid: ⌈n/8⌉.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SinkhornPlace {
    /// n × dim.
    pub x: Global<f32>,
    /// dim, or empty.
    pub centre: Global<f32>,
    /// n, or empty.
    pub scale: Global<f32>,
    /// n × dim.
    pub out: Global<f32>,
    /// n.
    pub squares: Global<f32>,
    /// Numbers in a point.
    pub dim: u32,
}

impl Kernel for SinkhornPlace {
    const NAME: &'static str = "sinkhorn_place";

    fn shared_words(&self) -> u32 {
        0
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let row = (thread.block()[0] * WARPS + thread.warp()) as usize;
        let inside = row < self.squares.len();
        let mut scale = 1.0;
        if inside && !self.scale.is_empty() {
            scale = thread.load(self.scale, row);
        }
        let mut square = 0.0;
        let mut d = thread.lane();
        while d < self.dim && inside {
            let index = row * self.dim as usize + d as usize;
            let mut value = scale * thread.load::<f32>(self.x, index);
            if !self.centre.is_empty() {
                value -= thread.load::<f32>(self.centre, d as usize);
            }
            thread.store(self.out, index, value);
            square += value * value;
            d += WARP;
        }
        let square = over_lanes(thread, square, WARP, |a, b| a + b);
        if inside && thread.lane() == 0 {
            thread.store(self.squares, row, square);
        }
    }
}

/// The width of the costs from the largest squares, `κ (R_x + R_y)²`. Grid: 1.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SinkhornRadius {
    /// n: ‖u‖².
    pub x: Global<f32>,
    /// m: ‖v‖².
    pub y: Global<f32>,
    /// Where the width is noted.
    pub status: Status,
    /// κ.
    pub factor: f32,
}

impl Kernel for SinkhornRadius {
    const NAME: &'static str = "sinkhorn_radius";

    fn shared_words(&self) -> u32 {
        2 * block_reduce_words(1)
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let largest = |squares: Global<f32>, scratch| {
            let mut largest = 0.0;
            let mut i = thread.thread() as usize;
            while i < squares.len() {
                largest = larger(largest, thread.load(squares, i));
                i += BLOCK as usize;
            }
            over_block(thread, largest, scratch, larger)
        };
        let (x, y) = (largest(self.x, 0), largest(self.y, WARPS));
        if thread.thread() != 0 {
            return;
        }
        // (R_x + R_y)² ≤ 2 (R_x² + R_y²).
        let width = self.factor * (2.0 * (x + y));
        self.status.store(thread, Status::WIDTH, width);
        self.status.store(thread, Status::MASKED, 0.0);
        self.status.store(thread, Status::DIVISOR, 1.0);
        if !(width <= ROOM) {
            self.status.refuse(thread, Status::BAD_COST);
        }
    }
}
