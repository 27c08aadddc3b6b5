//! Numbers and lists as a reader expects them.

use crate::summary::Spread;

/// `91.2 ± 0.3`, of shares of 1 in percent.
pub fn percent(spread: &Spread) -> String {
    plus_minus(&spread.times(100.0), 1)
}

/// `mean ± sd`, or the mean where there is no spread.
pub fn plus_minus(spread: &Spread, digits: usize) -> String {
    let mean = fixed(spread.mean, digits);
    match spread.sd {
        Some(sd) if sd.is_finite() => format!("{mean} ± {sd:.digits$}"),
        _ => mean,
    }
}

/// Percentage points with their sign: `+0.8`.
pub fn points(share: f64) -> String {
    let text = fixed(100.0 * share, 1);
    if share > 0.0 && text != "0.0" {
        format!("+{text}")
    } else {
        text
    }
}

/// A number with so many digits, a true minus sign, and no negative zero.
pub fn fixed(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let text = format!("{value:.digits$}");
    match text.strip_prefix('-') {
        Some(rest) if rest.chars().all(|letter| "0.".contains(letter)) => rest.to_owned(),
        Some(rest) => format!("−{rest}"),
        None => text,
    }
}

/// A count with narrow spaces between thousands: `10 000`.
pub fn count(value: usize) -> String {
    let digits = value.to_string();
    if digits.len() < 5 {
        return digits;
    }
    let mut text = String::new();
    for (i, digit) in digits.char_indices() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// `1 seed`, `3 seeds`.
pub fn counted(value: usize, one: &str, many: &str) -> String {
    format!("{} {}", count(value), if value == 1 { one } else { many })
}

/// `a`, `a and b`, `a, b and c`.
pub fn list<S: AsRef<str>>(items: &[S]) -> String {
    match items {
        [] => String::new(),
        [only] => only.as_ref().to_owned(),
        [most @ .., last] => {
            let most: Vec<&str> = most.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", most.join(", "), last.as_ref())
        }
    }
}

/// What all have in common, or each with whom it is of: `5`, or `5 (MNIST, STL-10); 10
/// (CIFAR-10)`.
pub fn shared(values: &[(String, String)]) -> String {
    let mut kinds: Vec<(&str, Vec<&str>)> = Vec::new();
    for (whose, value) in values {
        match kinds.iter_mut().find(|kind| kind.0 == value) {
            Some(kind) if kind.1.contains(&whose.as_str()) => {}
            Some(kind) => kind.1.push(whose),
            None => kinds.push((value, vec![whose])),
        }
    }
    match kinds.as_slice() {
        [] => "–".to_owned(),
        [(value, _)] => (*value).to_owned(),
        kinds => {
            let of = |(value, whose): &(&str, Vec<&str>)| format!("{value} ({})", whose.join(", "));
            kinds.iter().map(of).collect::<Vec<_>>().join("; ")
        }
    }
}

/// A length of time: `48 s`, `12 min`, `3.4 h`.
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if !s.is_finite() => "–".to_owned(),
        s if s < 10.0 => format!("{s:.1} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 5400.0 => format!("{:.0} min", s / 60.0),
        s if s < 360_000.0 => format!("{:.1} h", s / 3600.0),
        s => format!("{:.0} h", s / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        let spread = Spread::of([0.912, 0.918, 0.915]).unwrap();
        assert_eq!(percent(&spread), "91.5 ± 0.3");
        assert_eq!(percent(&Spread::of([0.5]).unwrap()), "50.0");
        assert_eq!(points(0.0084), "+0.8");
        assert_eq!(points(-0.0084), "−0.8");
        assert_eq!(points(-0.0001), "0.0");
        assert_eq!(points(0.0001), "0.0");
        assert_eq!(points(f64::NAN), "–");
        assert_eq!(count(9999), "9999");
        assert_eq!(count(105_000), "105\u{202f}000");
        assert_eq!(counted(1, "seed", "seeds"), "1 seed");
    }

    #[test]
    fn lists() {
        assert_eq!(list::<&str>(&[]), "");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
        let own = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter().map(|(a, b)| (a.to_string(), b.to_string()));
            shared(&pairs.collect::<Vec<_>>())
        };
        assert_eq!(own(&[]), "–");
        assert_eq!(own(&[("A", "5"), ("B", "5")]), "5");
        assert_eq!(
            own(&[("A", "5"), ("B", "10"), ("C", "5")]),
            "5 (A, C); 10 (B)"
        );
    }

    #[test]
    fn times() {
        let words = [4.25, 48.0, 720.0, 12_240.0, f64::NAN].map(duration);
        assert_eq!(words, ["4.2 s", "48 s", "12 min", "3.4 h", "–"]);
    }
}
