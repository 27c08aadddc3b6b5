//! Costs between two clouds of points, by differences: no digits are lost where points
//! are close and far from the origin.
//!
//! | kernel | grid | shared memory | bytes | operations |
//! |---|---|---|---|---|
//! | [`ReciprocalNorms`] | ⌈n/8⌉ | none | `4 n d` | `2 n d` |
//! | [`ThroughDirections`] | ⌈n/8⌉ | none | `20 n d` | `6 n d` |
//! | [`CostMatrix`] | ⌈m/64⌉ × ⌈n/64⌉ | 4160 words | `4 n m` written | `3 n m d` |

use core::array::from_fn;

use num_traits::Float;

use crate::kernel::Kernel;
use crate::memory::Global;
use crate::reduce::over_lanes;
use crate::thread::{BLOCK, Thread, WARP, WARPS};

/// `1/‖x_i‖` of the rows of x; a warp for each.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ReciprocalNorms {
    /// n × dim.
    pub x: Global<f32>,
    /// n.
    pub out: Global<f32>,
    /// Numbers in a row.
    pub dim: u32,
}

impl Kernel for ReciprocalNorms {
    const NAME: &'static str = "reciprocal_norms";

    fn shared_words(&self) -> u32 {
        0
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let row = (thread.block()[0] * WARPS + thread.warp()) as usize;
        let inside = row < self.out.len();
        let mut sum = 0.0;
        let mut d = thread.lane();
        while d < self.dim && inside {
            let x = thread.load(self.x, row * self.dim as usize + d as usize);
            sum += x * x;
            d += WARP;
        }
        let sum = over_lanes(thread, sum, WARP, |a, b| a + b);
        if inside && thread.lane() == 0 {
            // A norm below the smallest normal number has no direction: an infinite
            // reciprocal makes its costs NaN, which are refused.
            let normal = sum >= f32::MIN_POSITIVE;
            let reciprocal = if normal {
                Float::sqrt(sum).recip()
            } else {
                f32::INFINITY
            };
            thread.store(self.out, row, reciprocal);
        }
    }
}

/// Takes a gradient with respect to directions `u_i = s_i x_i` back to the x:
/// `out_i ← s_i (out_i − (out_i·u_i) u_i)`; a warp for each.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ThroughDirections {
    /// n × dim.
    pub x: Global<f32>,
    /// n: reciprocal norms s.
    pub scale: Global<f32>,
    /// n × dim.
    pub out: Global<f32>,
    /// Numbers in a row.
    pub dim: u32,
}

impl Kernel for ThroughDirections {
    const NAME: &'static str = "through_directions";

    fn shared_words(&self) -> u32 {
        0
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let row = (thread.block()[0] * WARPS + thread.warp()) as usize;
        let inside = row < self.scale.len();
        let scale = if inside {
            thread.load(self.scale, row)
        } else {
            0.0
        };
        let start = row * self.dim as usize;
        let mut radial = 0.0;
        let mut d = thread.lane();
        while d < self.dim && inside {
            let index = start + d as usize;
            radial += thread.load(self.out, index) * (scale * thread.load(self.x, index));
            d += WARP;
        }
        let radial = over_lanes(thread, radial, WARP, |a, b| a + b);
        let mut d = thread.lane();
        while d < self.dim && inside {
            let index = start + d as usize;
            let unit = scale * thread.load(self.x, index);
            let tangent = thread.load(self.out, index) - radial * unit;
            thread.store(self.out, index, scale * tangent);
            d += WARP;
        }
    }
}

/// Rows and columns of a tile.
const TILE: u32 = 64;
/// Coordinates of it that are in shared memory at a time.
const SLAB: u32 = 32;
/// From one coordinate to the next in shared memory: one more than a tile, so that
/// neighbours write to different banks.
const PITCH: u32 = TILE + 1;
/// A thread has every 16th row and column.
const STEP: u32 = 16;

/// `C_ij = factor ‖s_i x_i − t_j y_j‖²`, with s and t the reciprocal norms of a cosine
/// cost, or one.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct CostMatrix {
    /// n × dim.
    pub x: Global<f32>,
    /// m × dim.
    pub y: Global<f32>,
    /// n, or empty for ones.
    pub scale_x: Global<f32>,
    /// m, or empty for ones.
    pub scale_y: Global<f32>,
    /// n × m.
    pub out: Global<f32>,
    /// Rows.
    pub n: u32,
    /// Columns.
    pub m: u32,
    /// Numbers in a point.
    pub dim: u32,
    /// 1 for the squared distance, ½ for the cosine cost.
    pub factor: f32,
}

impl Kernel for CostMatrix {
    const NAME: &'static str = "cost_matrix";

    fn shared_words(&self) -> u32 {
        2 * PITCH * SLAB
    }

    #[inline(always)]
    fn run<T: Thread>(&self, thread: T) {
        let [column_tile, row_tile] = thread.block();
        let (first_i, first_j) = (row_tile * TILE, column_tile * TILE);
        let (ti, tj) = (thread.thread() / STEP, thread.thread() % STEP);
        let mut sums = [[0.0; 4]; 4];
        let mut slab = 0;
        while slab < self.dim {
            thread.barrier();
            self.fill(thread, (self.x, self.scale_x), (first_i, self.n), slab, 0);
            self.fill(
                thread,
                (self.y, self.scale_y),
                (first_j, self.m),
                slab,
                PITCH * SLAB,
            );
            thread.barrier();
            let mut d = 0;
            while d < SLAB {
                let x: [f32; 4] = from_fn(|r| thread.shared_load(d * PITCH + ti + STEP * r as u32));
                let y: [f32; 4] = from_fn(|c| {
                    thread.shared_load(PITCH * SLAB + d * PITCH + tj + STEP * c as u32)
                });
                sums = from_fn(|r| {
                    from_fn(|c| {
                        let difference = x[r] - y[c];
                        sums[r][c] + difference * difference
                    })
                });
                d += 1;
            }
            slab += SLAB;
        }
        for (r, sums) in sums.into_iter().enumerate() {
            for (c, sum) in sums.into_iter().enumerate() {
                let i = first_i + ti + STEP * r as u32;
                let j = first_j + tj + STEP * c as u32;
                if i < self.n && j < self.m {
                    let index = i as usize * self.m as usize + j as usize;
                    thread.store(self.out, index, self.factor * sum);
                }
            }
        }
    }
}

impl CostMatrix {
    /// 64 points, 32 coordinates of each, coordinate by coordinate; zeros beyond the end.
    #[inline(always)]
    fn fill<T: Thread>(
        &self,
        thread: T,
        (points, scales): (Global<f32>, Global<f32>),
        (first, count): (u32, u32),
        slab: u32,
        shared: u32,
    ) {
        let mut slot = thread.thread();
        while slot < TILE * SLAB {
            // Neighbouring threads read neighbouring coordinates.
            let (point, d) = (slot / SLAB, slot % SLAB);
            let row = first + point;
            let mut value = 0.0;
            if row < count && slab + d < self.dim {
                let index = row as usize * self.dim as usize + (slab + d) as usize;
                value = thread.load(points, index);
                if !scales.is_empty() {
                    value *= thread.load(scales, row as usize);
                }
            }
            thread.shared_store(shared + d * PITCH + point, value);
            slot += BLOCK;
        }
    }
}
