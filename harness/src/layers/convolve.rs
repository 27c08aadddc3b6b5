//! Convolution and its two gradients as matrix products on unfolded images.
//!
//! With `U` the unfolded input (depth × positions), `W` the kernel (channels out ×
//! depth) and `D` the gradient of the output: `Y = W·U`, `∂U = Wᵀ·D` (folded back),
//! `∂W = D·Uᵀ` summed over images. Positions are the long, contiguous dimension of
//! all three, which is what the product's kernels like; where an image has few
//! positions (the late stages), several images share a product.
//!
//! Images are independent and go to threads; sums over images are taken in a fixed
//! partition and order, so that results do not depend on the number of threads.

use std::cell::RefCell;

use rayon::prelude::*;

use super::{
    gemm::{Strides, product},
    unfold::{Geometry, fold, unfold},
};

/// Positions that a product should have at least, by joining images.
const JOINED: usize = 192;
/// Numbers in an unfolded tile: half of a usual second-level cache.
const TILE: usize = 1 << 17;
/// Parts whose kernel gradients are summed separately: the most threads that the
/// gradient can use, and a constant, for reproducible sums.
const PARTS: usize = 8;

thread_local! {
    /// Unfolded tile and joined output, kept between calls: fresh pages cost more
    /// than the copy that fills them.
    static SCRATCH: RefCell<(Vec<f32>, Vec<f32>)> = const { RefCell::new((Vec::new(), Vec::new())) };
}

/// How the work on a batch is cut.
#[derive(Clone, Copy)]
struct Cut {
    /// Images in a product.
    images: usize,
    /// Output rows of an image in a product; all of them where images are joined.
    rows: usize,
}

impl Cut {
    fn new(g: &Geometry, batch: usize) -> Self {
        let positions = g.positions().max(1);
        if positions < JOINED {
            // At least two products per thread of a small machine, where there are images.
            let images = JOINED.div_ceil(positions).min(batch.div_ceil(4)).max(1);
            return Self {
                images,
                rows: g.height_out(),
            };
        }
        let columns = (TILE / g.depth().max(1)).max(64);
        let rows = (columns / g.width_out().max(1)).clamp(1, g.height_out());
        Self { images: 1, rows }
    }
}

fn grown(buffer: &mut Vec<f32>, len: usize) -> &mut [f32] {
    if buffer.len() < len {
        buffer.resize(len, 0.0);
    }
    &mut buffer[..len]
}

/// Calls `work` with the row ranges of a group of images.
fn tiles(g: &Geometry, cut: Cut, mut work: impl FnMut(std::ops::Range<usize>)) {
    for start in (0..g.height_out()).step_by(cut.rows) {
        work(start..(start + cut.rows).min(g.height_out()));
    }
}

/// Unfolds rows of a group of images side by side; gives the number of columns.
fn unfold_group(
    g: &Geometry,
    images: &[f32],
    rows: &std::ops::Range<usize>,
    columns: &mut Vec<f32>,
) -> usize {
    let each = rows.len() * g.width_out();
    let count = images.len() / g.image_in();
    let pitch = each * count;
    let columns = grown(columns, g.depth() * pitch);
    for (i, image) in images.chunks_exact(g.image_in()).enumerate() {
        unfold(g, image, rows.clone(), columns, pitch, i * each);
    }
    pitch
}

/// Copies joined images' outputs, or their gradients, to channel-major columns.
fn join(g: &Geometry, images: &[f32], joined: &mut [f32]) {
    let p = g.positions();
    let pitch = images.len() / g.image_out() * p;
    for (i, image) in images.chunks_exact(g.image_out()).enumerate() {
        for (c, plane) in image.chunks_exact(p).enumerate() {
            joined[c * pitch + i * p..][..p].copy_from_slice(plane);
        }
    }
}

/// `output ← conv(input, kernel)`, NCHW, kernel `[out, in, k, k]`.
pub(super) fn forward(g: &Geometry, input: &[f32], kernel: &[f32], output: &mut [f32]) {
    let cut = Cut::new(g, input.len() / g.image_in().max(1));
    let (depth, p) = (g.depth(), g.positions());
    let weights = (kernel, Strides { row: 1, col: depth });
    output
        .par_chunks_mut(cut.images * g.image_out())
        .zip(input.par_chunks(cut.images * g.image_in()))
        .for_each(|(output, input)| {
            SCRATCH.with_borrow_mut(|(columns, joined)| {
                tiles(g, cut, |rows| {
                    let n = unfold_group(g, input, &rows, columns);
                    let size = [n, g.channels_out, depth];
                    let columns = (columns.as_slice(), Strides { row: 1, col: n });
                    if cut.images == 1 {
                        let at = rows.start * g.width_out();
                        let out = (&mut output[at..], Strides { row: 1, col: p });
                        product(size, out, columns, weights, false);
                        return;
                    }
                    let joined = grown(joined, g.channels_out * n);
                    let out = (&mut *joined, Strides { row: 1, col: n });
                    product(size, out, columns, weights, false);
                    for (i, image) in output.chunks_exact_mut(g.image_out()).enumerate() {
                        for (c, plane) in image.chunks_exact_mut(p).enumerate() {
                            plane.copy_from_slice(&joined[c * n + i * p..][..p]);
                        }
                    }
                });
            });
        });
}

/// `input_gradient ← ∂/∂input`, given the gradient of the output.
pub(super) fn backward_input(
    g: &Geometry,
    output_gradient: &[f32],
    kernel: &[f32],
    input_gradient: &mut [f32],
) {
    let cut = Cut::new(g, input_gradient.len() / g.image_in().max(1));
    let (depth, p) = (g.depth(), g.positions());
    let weights = (kernel, Strides { row: depth, col: 1 });
    input_gradient
        .par_chunks_mut(cut.images * g.image_in())
        .zip(output_gradient.par_chunks(cut.images * g.image_out()))
        .for_each(|(input, output)| {
            input.fill(0.0);
            SCRATCH.with_borrow_mut(|(columns, joined)| {
                let images = input.len() / g.image_in();
                tiles(g, cut, |rows| {
                    let each = rows.len() * g.width_out();
                    let n = images * each;
                    let gradient = if cut.images == 1 {
                        let at = rows.start * g.width_out();
                        (&output[at..], Strides { row: 1, col: p })
                    } else {
                        let joined = grown(joined, g.channels_out * n);
                        join(g, output, joined);
                        (&*joined, Strides { row: 1, col: n })
                    };
                    let columns = grown(columns, depth * n);
                    let out = (&mut *columns, Strides { row: 1, col: n });
                    product([n, depth, g.channels_out], out, gradient, weights, false);
                    for (i, image) in input.chunks_exact_mut(g.image_in()).enumerate() {
                        fold(g, image, rows.clone(), columns, n, i * each);
                    }
                });
            });
        });
}

/// `kernel_gradient ← ∂/∂kernel`, given the gradient of the output.
pub(super) fn backward_kernel(
    g: &Geometry,
    input: &[f32],
    output_gradient: &[f32],
    kernel_gradient: &mut [f32],
) {
    let batch = input.len() / g.image_in().max(1);
    let cut = Cut::new(g, batch);
    let (depth, p) = (g.depth(), g.positions());
    let share = batch.div_ceil(PARTS).next_multiple_of(cut.images).max(1);
    let parts: Vec<Vec<f32>> = input
        .par_chunks(share * g.image_in())
        .zip(output_gradient.par_chunks(share * g.image_out()))
        .map(|(input, output)| {
            let mut sum = vec![0.0; kernel_gradient_len(g)];
            let groups = input
                .chunks(cut.images * g.image_in())
                .zip(output.chunks(cut.images * g.image_out()));
            SCRATCH.with_borrow_mut(|(columns, joined)| {
                for (input, output) in groups {
                    tiles(g, cut, |rows| {
                        let n = unfold_group(g, input, &rows, columns);
                        let gradient = if cut.images == 1 {
                            let at = rows.start * g.width_out();
                            (&output[at..], Strides { row: 1, col: p })
                        } else {
                            let joined = grown(joined, g.channels_out * n);
                            join(g, output, joined);
                            (&*joined, Strides { row: 1, col: n })
                        };
                        let columns = (columns.as_slice(), Strides { row: n, col: 1 });
                        let out = (sum.as_mut_slice(), Strides { row: 1, col: depth });
                        product([depth, g.channels_out, n], out, columns, gradient, true);
                    });
                }
            });
            sum
        })
        .collect();
    kernel_gradient.fill(0.0);
    for part in parts {
        for (total, x) in kernel_gradient.iter_mut().zip(part) {
            *total += x;
        }
    }
}

fn kernel_gradient_len(g: &Geometry) -> usize {
    g.channels_out * g.depth()
}
