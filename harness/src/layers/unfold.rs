//! Between images and the columns of a matrix product: `unfold` (im2col) lays out,
//! for each output position, the input values under the kernel; `fold` is its
//! transpose, adding them back.

/// Shapes of a convolution without groups, dilation or bias, on square kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Geometry {
    pub(super) channels_in: usize,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) channels_out: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) padding: usize,
}

impl Geometry {
    pub(super) fn height_out(&self) -> usize {
        (self.height + 2 * self.padding).saturating_sub(self.kernel) / self.stride + 1
    }
    pub(super) fn width_out(&self) -> usize {
        (self.width + 2 * self.padding).saturating_sub(self.kernel) / self.stride + 1
    }
    /// Output positions of an image.
    pub(super) fn positions(&self) -> usize {
        self.height_out() * self.width_out()
    }
    /// Input values under the kernel: rows of the unfolded matrix.
    pub(super) fn depth(&self) -> usize {
        self.channels_in * self.kernel * self.kernel
    }
    pub(super) fn image_in(&self) -> usize {
        self.channels_in * self.height * self.width
    }
    pub(super) fn image_out(&self) -> usize {
        self.channels_out * self.positions()
    }

    /// For kernel column `k`: the output columns `from..to` that fall into the image,
    /// and the input column of output column `from`.
    fn columns(&self, k: usize) -> (usize, usize, usize) {
        let wide = self.width_out();
        // Output column o reads input column o·stride + k − padding.
        let from = self
            .padding
            .saturating_sub(k)
            .div_ceil(self.stride)
            .min(wide);
        let last = (self.width + self.padding).saturating_sub(k + 1);
        let to = if self.width + self.padding <= k {
            from
        } else {
            last / self.stride + 1
        };
        let to = to.clamp(from, wide);
        (
            from,
            to,
            (from * self.stride + k).saturating_sub(self.padding),
        )
    }

    /// Input row under kernel row `k` at output row `row`, if it is inside the image.
    fn input_row(&self, row: usize, k: usize) -> Option<usize> {
        (row * self.stride + k)
            .checked_sub(self.padding)
            .filter(|&r| r < self.height)
    }
}

/// Writes output rows `rows` of one image as columns: entry `(d, p)` at
/// `d · pitch + at + p` of `columns`.
pub(super) fn unfold(
    g: &Geometry,
    image: &[f32],
    rows: std::ops::Range<usize>,
    columns: &mut [f32],
    pitch: usize,
    at: usize,
) {
    let wide = g.width_out();
    let area = g.height * g.width;
    for (d, line) in columns.chunks_exact_mut(pitch).take(g.depth()).enumerate() {
        let (channel, ky, kx) = (
            d / (g.kernel * g.kernel),
            d / g.kernel % g.kernel,
            d % g.kernel,
        );
        let plane = &image[channel * area..(channel + 1) * area];
        let (from, to, first) = g.columns(kx);
        for (n, row) in rows.clone().enumerate() {
            let out = &mut line[at + n * wide..at + (n + 1) * wide];
            let Some(y) = g.input_row(row, ky) else {
                out.fill(0.0);
                continue;
            };
            let source = &plane[y * g.width..(y + 1) * g.width];
            out[..from].fill(0.0);
            out[to..].fill(0.0);
            if from < to {
                let out = &mut out[from..to];
                if g.stride == 1 {
                    out.copy_from_slice(&source[first..first + out.len()]);
                } else {
                    for (out, x) in out.iter_mut().zip(source[first..].iter().step_by(g.stride)) {
                        *out = *x;
                    }
                }
            }
        }
    }
}

/// Adds the columns of output rows `rows` back into one image.
pub(super) fn fold(
    g: &Geometry,
    image: &mut [f32],
    rows: std::ops::Range<usize>,
    columns: &[f32],
    pitch: usize,
    at: usize,
) {
    let wide = g.width_out();
    let area = g.height * g.width;
    for (d, line) in columns.chunks_exact(pitch).take(g.depth()).enumerate() {
        let (channel, ky, kx) = (
            d / (g.kernel * g.kernel),
            d / g.kernel % g.kernel,
            d % g.kernel,
        );
        let plane = &mut image[channel * area..(channel + 1) * area];
        let (from, to, first) = g.columns(kx);
        for (n, row) in rows.clone().enumerate() {
            let (Some(y), true) = (g.input_row(row, ky), from < to) else {
                continue;
            };
            let values = &line[at + n * wide + from..at + n * wide + to];
            let target = &mut plane[y * g.width + first..(y + 1) * g.width];
            if g.stride == 1 {
                for (target, x) in target.iter_mut().zip(values) {
                    *target += *x;
                }
            } else {
                for (target, x) in target.iter_mut().step_by(g.stride).zip(values) {
                    *target += *x;
                }
            }
        }
    }
}
