//! From values to places: the range that is shown, the ticks on it, their labels.

/// How values are laid out along an axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// Equal distances are equal differences.
    #[default]
    Linear,
    /// Equal distances are equal ratios; values that are not positive are gaps.
    Log,
}

/// Larger values are shown as this: differences of such values are still finite.
const LARGEST: f64 = 1e300;
/// And on a logarithmic axis smaller ones as this: its inverse is finite.
const SMALLEST: f64 = 1e-300;

/// A range of values on a screen.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    scale: Scale,
    /// Ends of the range, on the scale (logarithms on a logarithmic one). `low < high`.
    low: f64,
    high: f64,
}

impl Axis {
    /// The range of those of `values` that can be shown, with `margin` (a fraction of
    /// it) at both ends. There is a range even if there are no values, or equal ones.
    pub(super) fn around(scale: Scale, values: impl Iterator<Item = f64>, margin: f64) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.filter_map(|value| on_scale(scale, value)) {
            low = low.min(value);
            high = high.max(value);
        }
        if low > high {
            return Self {
                scale,
                low: 0.0,
                high: 1.0,
            };
        }
        // Closer than this, ticks would differ in digits that nobody reads.
        let least = match scale {
            Scale::Linear => 1e-6 * low.abs().max(high.abs()),
            Scale::Log => 0.01,
        };
        if high - low <= least {
            let half = match scale {
                Scale::Linear if high == 0.0 => 1.0,
                Scale::Linear => (0.1 * high.abs()).max(SMALLEST),
                Scale::Log => 0.5,
            };
            return Self {
                scale,
                low: low - half,
                high: high + half,
            };
        }
        let margin = margin * (high - low);
        Self {
            scale,
            low: low - margin,
            high: high + margin,
        }
    }

    /// A linear axis between two values, which must not be equal.
    pub(super) fn between(low: f64, high: f64) -> Self {
        Self {
            scale: Scale::Linear,
            low,
            high,
        }
    }

    /// Where on the axis a value is: 0 at its beginning, 1 at its end. `None` for
    /// what cannot be shown.
    pub(super) fn fraction(&self, value: f64) -> Option<f64> {
        on_scale(self.scale, value).map(|value| (value - self.low) / (self.high - self.low))
    }

    /// Ticks with their labels, about `count` of them, rising.
    pub(super) fn ticks(&self, count: usize) -> Vec<(f64, String)> {
        match self.scale {
            Scale::Linear => linear_ticks(self.low, self.high, count, 0.0),
            Scale::Log => self.log_ticks(count),
        }
    }

    /// As [`Axis::ticks`], at whole numbers alone.
    pub(super) fn whole_ticks(&self, count: usize) -> Vec<(f64, String)> {
        linear_ticks(self.low, self.high, count, 1.0)
    }

    fn log_ticks(&self, count: usize) -> Vec<(f64, String)> {
        // A power of ten and its logarithm are rounded: the ends of the range count.
        let (low, high) = (self.low - 1e-9, self.high + 1e-9);
        // Beyond these, margins alone are shown.
        let (first, last) = (
            low.max(-300.0).ceil() as i32,
            high.min(300.0).floor() as i32,
        );
        let decades = usize::try_from(last - first + 1).unwrap_or(0);
        let power = |exponent| 10f64.powi(exponent);
        // 1, 10, 100; with many decades only some, with one or none 1, 2, 5, 10.
        let values: Vec<f64> = if decades > 1 {
            (first..=last)
                .step_by(decades.div_ceil(count + 1))
                .map(power)
                .collect()
        } else {
            let parts =
                (first - 1..=last).flat_map(|e| [1.0, 2.0, 5.0].map(|part| part * power(e)));
            parts
                .filter(|part| (low..=high).contains(&part.log10()))
                .collect()
        };
        if decades < 2 && values.len() < 2 {
            return linear_ticks(10f64.powf(low), 10f64.powf(high), count, 0.0);
        }
        let plain = values.iter().all(|value| (1e-3..1e4).contains(value));
        values
            .into_iter()
            .map(|value| (value, short(value, plain)))
            .collect()
    }
}

/// A value as the axis sees it; `None` if it cannot.
fn on_scale(scale: Scale, value: f64) -> Option<f64> {
    match scale {
        Scale::Linear if value.is_finite() => Some(value.clamp(-LARGEST, LARGEST)),
        Scale::Log if value.is_finite() && value > 0.0 => {
            Some(value.clamp(SMALLEST, LARGEST).log10())
        }
        _ => None,
    }
}

/// Multiples of 1, 2 or 5 times a power of ten, at least `least` apart.
fn linear_ticks(low: f64, high: f64, count: usize, least: f64) -> Vec<(f64, String)> {
    let rough = ((high - low) / count.max(1) as f64).max(least);
    let power = 10f64.powf(rough.log10().floor());
    // The nearest in ratio: √2, √10 and √50 are half way.
    let step = power
        * match rough / power {
            m if m < 1.414 => 1.0,
            m if m < 3.162 => 2.0,
            m if m < 7.071 => 5.0,
            _ => 10.0,
        };
    let (first, last) = ((low / step).ceil(), (high / step).floor());
    // False for NaN too: whatever the numbers are, there are few ticks.
    if !(step > 0.0 && (0.0..=3.0 * count.max(1) as f64).contains(&(last - first))) {
        return Vec::new();
    }
    let largest = low.abs().max(high.abs());
    // Zero comes as -0 from `ceil`; adding +0 makes it plain.
    let values = (0..=(last - first) as u32).map(|i| (first + f64::from(i)) * step + 0.0);
    values
        .map(|value| (value, tick_label(value, step, largest)))
        .collect()
}

/// A number with as many digits as its neighbours need.
fn tick_label(value: f64, step: f64, largest: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if !(1e-4..1e7).contains(&largest) {
        let digits = (largest.log10().floor() - step.log10().floor()).clamp(0.0, 8.0);
        return scientific(value, digits as usize);
    }
    let digits = (-step.log10().floor()).clamp(0.0, 12.0) as usize;
    grouped(&format!("{value:.digits$}"))
}

/// A power of ten, or a small multiple of one, plainly or as a power.
fn short(value: f64, plain: bool) -> String {
    if plain {
        format!("{value}")
    } else {
        scientific(value, 0)
    }
}

/// `2×10⁻⁴`; the factor 1 is left out.
fn scientific(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$e}");
    let (factor, power) = text.split_once('e').unwrap_or((&text, "0"));
    let raised = |c| match c {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        c => c
            .to_digit(10)
            .and_then(|d| char::from_u32('⁰' as u32 + d))
            .unwrap_or(c),
    };
    let power: String = power.chars().map(raised).collect();
    match factor.replace('-', "−") {
        factor if factor == "1" => format!("10{power}"),
        factor => format!("{factor}×10{power}"),
    }
}

/// Thin spaces between thousands, from five digits on, and a true minus sign.
fn grouped(number: &str) -> String {
    let (sign, digits) = match number.strip_prefix('-') {
        Some(digits) => ("−", digits),
        None => ("", number),
    };
    let (whole, rest) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut text = String::new();
    for (i, digit) in whole.char_indices() {
        if whole.len() > 4 && i > 0 && (whole.len() - i).is_multiple_of(3) {
            text.push('\u{2009}');
        }
        text.push(digit);
    }
    format!("{sign}{text}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis, count: usize) -> Vec<String> {
        axis.ticks(count)
            .into_iter()
            .map(|(_, label)| label)
            .collect()
    }

    fn around(scale: Scale, values: &[f64]) -> Axis {
        Axis::around(scale, values.iter().copied(), 0.0)
    }

    #[test]
    fn ticks_are_round_and_labels_as_long_as_they_must_be() {
        let l = Scale::Linear;
        assert_eq!(
            labels(&around(l, &[0.0, 1.0]), 5),
            ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]
        );
        assert_eq!(labels(&around(l, &[4.81, 5.44]), 3), ["5.0", "5.2", "5.4"]);
        assert_eq!(
            labels(&around(l, &[0.0, 5e-4]), 3),
            ["0", "0.0002", "0.0004"]
        );
        assert_eq!(
            labels(&around(l, &[0.0, 3e-6]), 3),
            ["0", "10⁻⁶", "2×10⁻⁶", "3×10⁻⁶"]
        );
        assert_eq!(labels(&around(l, &[-1.0, 1.0]), 2), ["−1", "0", "1"]);
        assert_eq!(
            labels(&around(l, &[0.0, 4e4]), 2),
            ["0", "20\u{2009}000", "40\u{2009}000"]
        );
        let steps = around(l, &[1.0, 3.0]).whole_ticks(6);
        assert_eq!(
            steps.iter().map(|(at, _)| *at).collect::<Vec<_>>(),
            [1.0, 2.0, 3.0]
        );
    }

    #[test]
    fn logarithmic_ticks_follow_the_decades() {
        let l = Scale::Log;
        assert_eq!(
            labels(&around(l, &[1e-3, 1.0]), 4),
            ["0.001", "0.01", "0.1", "1"]
        );
        assert_eq!(labels(&around(l, &[1.5e-3, 6e-3]), 4), ["0.002", "0.005"]);
        assert_eq!(
            labels(&around(l, &[1.3e-3, 1.85e-3]), 3),
            ["0.0014", "0.0016", "0.0018"]
        );
        assert_eq!(
            labels(&around(l, &[1e-8, 1e-4]), 2),
            ["10⁻⁸", "10⁻⁶", "10⁻⁴"]
        );
    }

    #[test]
    fn any_numbers_give_a_range_and_a_few_ticks_inside() {
        let odd = [
            0.0,
            -0.0,
            1.0,
            -1.0,
            1.0 + f64::EPSILON,
            5e-324,
            -5e-324,
            1e-300,
            1e300,
            f64::MAX,
            f64::MIN,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            1e15,
            0.1,
        ];
        for scale in [Scale::Linear, Scale::Log] {
            for a in odd {
                for b in odd {
                    let axis = Axis::around(scale, [a, b].into_iter(), 0.05);
                    assert!(axis.low < axis.high, "{axis:?} of {a} and {b}");
                    for value in [a, b] {
                        let shown = value.is_finite() && (scale == Scale::Linear || value > 0.0);
                        let at = axis.fraction(value);
                        assert_eq!(at.is_some(), shown, "{value} on {axis:?}");
                        assert!(
                            at.is_none_or(|at| (0.0..=1.0).contains(&at)),
                            "{value}: {at:?}"
                        );
                    }
                    for count in [0, 1, 5] {
                        let ticks = axis.ticks(count);
                        assert!(ticks.len() <= 20, "{} ticks on {axis:?}", ticks.len());
                        for (value, label) in &ticks {
                            let at = axis.fraction(*value);
                            let at = at.unwrap_or_else(|| panic!("{value} on {axis:?}"));
                            // Rounding of the logarithm at the ends.
                            assert!((-1e-6..=1.0 + 1e-6).contains(&at), "{label} at {at}");
                            assert!(label.chars().count() <= 16, "{label} on {axis:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_flat_curve_lies_in_the_middle() {
        for value in [0.0, 3.0, -2e-7, 1e9] {
            let at = around(Scale::Linear, &[value, value])
                .fraction(value)
                .unwrap();
            // Two roundings of numbers near 1.
            assert!((at - 0.5).abs() <= 1e-12, "{value} at {at}");
        }
    }
}
