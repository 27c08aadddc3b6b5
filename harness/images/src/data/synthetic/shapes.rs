//! The ten classes, as signed distances.
//!
//! Coordinates are those of the object: its centre is the origin, it reaches about as
//! far as 1, and `v` points down. A distance is negative inside and, near the edge,
//! that to the edge; [`cover`] turns it into a share of a pixel. Textures are patterns
//! cut out of a disc or a rounded square, so that their outline says nothing.

/// What an object looks like, apart from its colours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) class: usize,
    /// Cells of a texture per unit.
    pub(super) frequency: f32,
    /// Shift of the texture, in cells.
    pub(super) phase: (f32, f32),
    /// Whether a texture's patch is round.
    pub(super) round: bool,
}

impl Shape {
    /// Share of the pixel at (u, v) that is covered; a pixel is `pixel` units wide.
    pub(super) fn coverage(&self, u: f32, v: f32, pixel: f32) -> f32 {
        let patch = if self.round {
            length(u, v) - 0.95
        } else {
            square(u, v, 0.85)
        };
        let distance = match self.class {
            0 => length(u, v) - 0.85,
            1 => (length(u, v) - 0.7).abs() - 0.21,
            2 => triangle(u, v + 0.15),
            3 => square(u, v, 0.72),
            4 => bar(u, v).min(bar(v, u)),
            5 => star(u, v),
            6 => crescent(u, v),
            7 => patch.max(self.stripes(u)),
            8 => patch.max(self.checkers(u, v)),
            _ => patch.max(self.dots(u, v)),
        };
        cover(distance, pixel)
    }

    fn stripes(&self, u: f32) -> f32 {
        // 0 in the middle of a stripe, 1 in the middle of a gap.
        let wave = triangle_wave(u * self.frequency + self.phase.0);
        (wave - 0.5) * 0.5 / self.frequency
    }

    fn checkers(&self, u: f32, v: f32) -> f32 {
        let a = triangle_wave(u * self.frequency + self.phase.0) - 0.5;
        let b = triangle_wave(v * self.frequency + self.phase.1) - 0.5;
        // The product's sign is the colour, the smaller factor the way to the edge.
        let near = a.abs().min(b.abs()) * 0.5 / self.frequency;
        if a * b < 0.0 { -near } else { near }
    }

    fn dots(&self, u: f32, v: f32) -> f32 {
        let a = triangle_wave(u * self.frequency + self.phase.0) * 0.5;
        let b = triangle_wave(v * self.frequency + self.phase.1) * 0.5;
        (length(a, b) - 0.3) / self.frequency
    }
}

/// Share of a pixel that lies within an edge at this distance from its middle.
pub(super) fn cover(distance: f32, pixel: f32) -> f32 {
    (0.5 - distance / pixel).clamp(0.0, 1.0)
}

/// Length of a vector.
pub(super) fn length(u: f32, v: f32) -> f32 {
    (u * u + v * v).sqrt()
}

/// Rises from 0 at whole numbers to 1 half-way between them.
fn triangle_wave(x: f32) -> f32 {
    2.0 * (x - (x + 0.5).floor()).abs()
}

fn square(u: f32, v: f32, half: f32) -> f32 {
    u.abs().max(v.abs()) - half
}

/// Equal sides, one corner up; the edges are 0.5 from the centre.
fn triangle(u: f32, v: f32) -> f32 {
    const SIN_60: f32 = 0.866_025_4;
    let slanted = SIN_60 * u.abs() - 0.5 * v;
    slanted.max(v) - 0.52
}

fn bar(u: f32, v: f32) -> f32 {
    (u.abs() - 0.95).max(v.abs() - 0.27)
}

/// Five points at distance 1, notches at 0.4.
fn star(u: f32, v: f32) -> f32 {
    // Folding twice across the mirror axes leaves a tenth of the star: the edge between
    // the point straight up and the notch 36° beside it.
    const AXES: [(f32, f32); 2] = [(0.809_017, 0.587_785_25), (-0.809_017, 0.587_785_25)];
    let (mut x, mut y) = (u.abs(), -v);
    for (a, b) in AXES {
        // Reflect what lies beyond the axis that is normal to (a, -b).
        let beyond = 2.0 * (x * a - y * b).max(0.0);
        x -= beyond * a;
        y += beyond * b;
    }
    x = x.abs();
    // The edge from (0, 1) to the notch: a line with the unit normal NORMAL.
    const NOTCH: (f32, f32) = (0.4 * 0.587_785_25, 0.4 * 0.809_017);
    let (along_x, along_y) = (NOTCH.0, NOTCH.1 - 1.0);
    let scale = length(along_x, along_y);
    // Positive on the far side from the centre.
    (x * -along_y + (y - 1.0) * along_x) / scale
}

/// A disc that another has bitten into from the right.
fn crescent(u: f32, v: f32) -> f32 {
    let disc = length(u, v) - 0.92;
    let bite = length(u - 0.5, v) - 0.72;
    disc.max(-bite)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Share of the square [-1, 1]² that a class covers, by sampling.
    fn area(class: usize) -> f32 {
        let shape = Shape {
            class,
            frequency: 2.0,
            phase: (0.3, 0.7),
            round: false,
        };
        let side = 200;
        let at = |i: usize| (i as f32 + 0.5) * 2.0 / side as f32 - 1.0;
        let sum: f32 = (0..side * side)
            .map(|i| shape.coverage(at(i % side), at(i / side), 2.0 / side as f32))
            .sum();
        sum / (side * side) as f32
    }

    #[test]
    fn areas_are_those_of_geometry() {
        let pi = std::f32::consts::PI;
        // (class, area of the shape / 4): 200 samples a side leave the edges uncertain by
        // some 0.1 %, the approximate distances at corners by as much again.
        let known = [
            (0, pi * 0.85 * 0.85 / 4.0),
            (1, pi * (0.91 * 0.91 - 0.49 * 0.49) / 4.0),
            (3, 0.72 * 0.72),
            (4, 2.0 * 0.95 * 0.27 - 0.27 * 0.27),
            // Ten triangles between centre, point and notch: 10 · ½ · 1 · 0.4 · sin 36°.
            (5, 5.0 * 0.4 * 0.587_785_25 / 4.0),
            (8, 0.85 * 0.85 / 2.0),
        ];
        for (class, expected) in known {
            let got = area(class);
            assert!(
                (got - expected).abs() <= 0.01,
                "class {class}: {got}, expected {expected}"
            );
        }
    }
}
