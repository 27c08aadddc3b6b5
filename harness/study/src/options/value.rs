//! Values of options: read, and written so that a shell reads them back.

use std::time::Duration;

/// A word as a shell reads it back.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./,:+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

pub(super) fn not_negative(text: &str) -> Result<f64, String> {
    // NaN is not at least zero. Adding zero makes -0 into 0, which is SimCLR too.
    number(text, |value| value >= 0.0, "a number ≥ 0").map(|value| value + 0.0)
}

pub(super) fn positive(text: &str) -> Result<f64, String> {
    number(text, |value| value > 0.0, "a number > 0")
}

pub(super) fn minutes(text: &str) -> Result<Duration, String> {
    let value = number(text, |value| value > 0.0, "minutes, a number > 0")?;
    Duration::try_from_secs_f64(60.0 * value).map_err(|error| error.to_string())
}

pub(super) fn at_least_one(text: &str) -> Result<usize, String> {
    let value = text.parse().ok().filter(|&value| value >= 1);
    value.ok_or_else(|| "expected a whole number ≥ 1".to_owned())
}

fn number(text: &str, fits: impl Fn(f64) -> bool, expected: &str) -> Result<f64, String> {
    let value = text
        .trim()
        .parse::<f64>()
        .ok()
        .filter(|value| value.is_finite() && fits(*value));
    value.ok_or_else(|| format!("expected {expected}"))
}
