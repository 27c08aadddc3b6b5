//! A picture: ground, clutter, the object, something before it, light and noise.

use super::{
    dice::Dice,
    shapes::{Shape, cover, length},
};

const SIDE: usize = 32;

type Color = [f32; 3];

/// Two colours and the line along which one turns into the other.
struct Gradient {
    from: Color,
    to: Color,
    direction: (f32, f32),
}

impl Gradient {
    /// At (x, y) in [-1, 1]².
    fn at(&self, x: f32, y: f32) -> Color {
        let share = 0.5 + 0.35 * (x * self.direction.0 + y * self.direction.1);
        mix(self.from, self.to, share.clamp(0.0, 1.0))
    }
}

/// A line with round ends, in pixels.
struct Stroke {
    from: (f32, f32),
    to: (f32, f32),
    half_width: f32,
    color: Color,
}

impl Stroke {
    fn coverage(&self, x: f32, y: f32) -> f32 {
        let (dx, dy) = (self.to.0 - self.from.0, self.to.1 - self.from.1);
        let (px, py) = (x - self.from.0, y - self.from.1);
        let squared = (dx * dx + dy * dy).max(1e-6);
        let along = ((px * dx + py * dy) / squared).clamp(0.0, 1.0);
        cover(
            length(px - along * dx, py - along * dy) - self.half_width,
            1.0,
        )
    }
}

/// All that a picture is drawn from, except its noise.
pub(super) struct Scene {
    ground: Gradient,
    /// Amplitude, wave vector and phase of a swell in the ground.
    swell: (f32, (f32, f32), f32),
    behind: Vec<Stroke>,
    before: Vec<Stroke>,
    shape: Shape,
    paint: Gradient,
    /// Centre of the object, in pixels.
    centre: (f32, f32),
    /// Its size, in pixels.
    radius: f32,
    turn: (f32, f32),
    /// Light falls off along a direction by this share.
    light: (f32, f32),
    noise: f32,
}

impl Scene {
    /// A random scene with an object of `class`.
    pub(super) fn random(class: usize, dice: &mut Dice) -> Self {
        let ground = gradient(dice, 0.25);
        let middle = mix(ground.from, ground.to, 0.5);
        let paint = contrasting(dice, middle);
        let radius = dice.between(8.0, 12.5);
        let reach = 15.0 - radius;
        let centre = (
            15.5 + dice.between(-reach, reach),
            15.5 + dice.between(-reach, reach),
        );
        let frequency = radius / dice.between(4.0, 5.5);
        let shape = Shape {
            class,
            frequency,
            phase: (dice.unit(), dice.unit()),
            round: dice.chance(0.5),
        };
        let wave = dice.turn(std::f32::consts::PI);
        let pace = dice.between(0.1, 0.5);
        Self {
            ground,
            swell: (
                dice.between(0.0, 0.05),
                (wave.0 * pace, wave.1 * pace),
                dice.between(0.0, 6.3),
            ),
            behind: (0..dice.below(3)).map(|_| stroke(dice, 12.0)).collect(),
            before: (0..dice.below(2)).map(|_| stroke(dice, 8.0)).collect(),
            shape,
            paint,
            centre,
            radius,
            turn: dice.turn(0.5),
            light: (dice.between(-0.3, 0.3), dice.between(-0.3, 0.3)),
            noise: dice.between(0.01, 0.06),
        }
    }

    /// Draws into three planes of 32×32.
    pub(super) fn render(&self, dice: &mut Dice, out: &mut [u8]) {
        let area = SIDE * SIDE;
        for i in 0..area {
            let (x, y) = ((i % SIDE) as f32, (i / SIDE) as f32);
            let color = self.color(x, y);
            for (channel, value) in color.into_iter().enumerate() {
                let noisy = (value + self.noise * dice.noise()).clamp(0.0, 1.0);
                out[channel * area + i] = (noisy * 255.0 + 0.5) as u8;
            }
        }
    }

    fn color(&self, x: f32, y: f32) -> Color {
        let half = SIDE as f32 / 2.0;
        // In [-1, 1], across the picture.
        let (u, v) = ((x + 0.5) / half - 1.0, (y + 0.5) / half - 1.0);
        let (amplitude, wave, phase) = self.swell;
        let swell = amplitude * libm::sinf(x * wave.0 + y * wave.1 + phase);
        let mut color = self.ground.at(u, v).map(|value| value + swell);
        for stroke in &self.behind {
            color = mix(color, stroke.color, stroke.coverage(x, y));
        }
        let (dx, dy) = (
            (x - self.centre.0) / self.radius,
            (y - self.centre.1) / self.radius,
        );
        let (a, b) = (
            self.turn.0 * dx + self.turn.1 * dy,
            self.turn.0 * dy - self.turn.1 * dx,
        );
        let covered = self.shape.coverage(a, b, 1.0 / self.radius);
        color = mix(color, self.paint.at(u, v), covered);
        for stroke in &self.before {
            color = mix(color, stroke.color, stroke.coverage(x, y));
        }
        let light = 1.0 + self.light.0 * u + self.light.1 * v;
        color.map(|value| value * light)
    }
}

/// A colour near grey. Views of one image share its colours, and a picture with
/// strong ones is told from all others by them alone: a network that is asked to tell
/// pictures apart would look at nothing else.
fn muted(dice: &mut Dice) -> Color {
    let color = dice.color();
    mix([lightness(color); 3], color, 0.25)
}

/// `share` of `b`, the rest of `a`.
fn mix(a: Color, b: Color, share: f32) -> Color {
    std::array::from_fn(|i| a[i] + (b[i] - a[i]) * share)
}

/// A gradient whose second colour differs from the first by up to `spread`.
fn gradient(dice: &mut Dice, spread: f32) -> Gradient {
    let (from, other) = (muted(dice), muted(dice));
    let direction = dice.turn(std::f32::consts::PI);
    Gradient {
        from,
        to: mix(from, other, spread * 2.0 * dice.unit()),
        direction,
    }
}

/// A gradient that stands out against a colour. Lightness differs by a third at least,
/// this way or that, for colours alone are lost in a grey view.
fn contrasting(dice: &mut Dice, ground: Color) -> Gradient {
    let mut paint = gradient(dice, 0.3);
    let middle = lightness(mix(paint.from, paint.to, 0.5));
    let base = lightness(ground);
    let gap = dice.between(0.3, 0.5);
    // Up or down at random where both fit into [0, 1].
    let up = if base + gap > 0.95 {
        false
    } else if base - gap < 0.05 {
        true
    } else {
        dice.chance(0.5)
    };
    let wanted = if up { base + gap } else { base - gap };
    let shift = |color: Color| color.map(|value| (value + wanted - middle).clamp(0.0, 1.0));
    paint.from = shift(paint.from);
    paint.to = shift(paint.to);
    paint
}

fn lightness(color: Color) -> f32 {
    0.3 * color[0] + 0.59 * color[1] + 0.11 * color[2]
}

/// A stroke of random place and direction, up to `longest` pixels long.
fn stroke(dice: &mut Dice, longest: f32) -> Stroke {
    let from = (dice.between(0.0, 31.0), dice.between(0.0, 31.0));
    let (cos, sin) = dice.turn(std::f32::consts::PI);
    let span = dice.between(4.0, longest);
    Stroke {
        from,
        to: (from.0 + cos * span, from.1 + sin * span),
        half_width: dice.between(0.5, 1.4),
        color: muted(dice),
    }
}
