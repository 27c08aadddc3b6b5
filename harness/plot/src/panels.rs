//! Which panels show a run: the objective with its terms, the transport problem, the
//! diagnostics and the learning rate, as far as the records have them.
//!
//! Methods differ in their terms and in the size of these: VICReg's covariance is a
//! hundred times its variance, a transport term a fiftieth of NT-Xent. Curves share an
//! axis only where both can be read on it ([`SHARE`]); the others get panels below.

use harness_run::metrics::{Numbers, Record};

use super::{
    series::{Panel, Scale, Series},
    style::Colour,
};

/// Curves share an axis if their typical sizes differ by this factor at most: the
/// smaller one then still moves on a tenth of the height.
const SHARE: f64 = 10.0;

/// For terms, in turn; blue is the objective's.
const TERMS: [Colour; 4] = [Colour::Orange, Colour::Green, Colour::Purple, Colour::Sky];

/// The panels of a run, from the top.
pub fn training_panels(records: &[Record]) -> Vec<Panel> {
    let mut panels = objective(records);
    let marginal_error = curve(records, "marginal error", Colour::Purple, |record| {
        record.sinkhorn.map(|sinkhorn| sinkhorn.marginal_error)
    });
    if !marginal_error.points.is_empty() {
        panels.push(Panel {
            title: "marginal error of the transport plan (L1)".to_owned(),
            scale: Scale::Log,
            smooth: true,
            series: vec![marginal_error],
        });
    }
    for series in named(records, |record| &record.diagnostics) {
        panels.push(Panel {
            title: series.name.clone(),
            series: vec![Series {
                colour: Colour::Green,
                ..series
            }],
            ..Panel::default()
        });
    }
    let rate = curve(records, "learning rate", Colour::Grey, |record| {
        Some(record.learning_rate)
    });
    panels.push(Panel {
        title: rate.name.clone(),
        series: vec![rate],
        ..Panel::default()
    });
    panels
}

/// The objective and its terms, those of one size in one panel.
fn objective(records: &[Record]) -> Vec<Panel> {
    let objective = curve(records, "objective", Colour::Blue, |record| {
        Some(record.loss)
    });
    let mut terms = named(records, |record| &record.terms);
    if let [term] = terms.as_slice()
        && same(&term.points, &objective.points)
    {
        // The objective is its only term: one curve, not two on top of each other.
        let title = format!("loss: {}", term.name);
        return vec![panel(title, vec![objective])];
    }
    for (term, colour) in terms.iter_mut().zip(TERMS.into_iter().cycle()) {
        term.colour = colour;
    }
    // Each joins the first panel whose first curve is of its size.
    let mut groups = vec![vec![objective]];
    for term in terms {
        match groups.iter_mut().find(|group| share(&group[0], &term)) {
            Some(group) => group.push(term),
            None => groups.push(vec![term]),
        }
    }
    let panels = groups.into_iter().enumerate().map(|(i, series)| {
        let title = match (i, series.as_slice()) {
            (0, _) => "loss".to_owned(),
            (_, [term]) => format!("{}, before its weight", term.name),
            _ => "terms, before their weights".to_owned(),
        };
        panel(title, series)
    });
    panels.collect()
}

fn panel(title: String, series: Vec<Series>) -> Panel {
    Panel {
        title,
        smooth: true,
        series,
        ..Panel::default()
    }
}

/// The records that have a value. One that is not finite stays, as a gap.
fn curve(
    records: &[Record],
    name: &str,
    colour: Colour,
    value: impl Fn(&Record) -> Option<f64>,
) -> Series {
    let point = |record: &Record| Some((record.step as f64, value(record)?));
    Series {
        name: name.to_owned(),
        points: records.iter().filter_map(point).collect(),
        colour,
    }
}

/// A curve for every name that occurs, in the names' order.
fn named(records: &[Record], numbers: impl Fn(&Record) -> &Numbers) -> Vec<Series> {
    let mut names: Vec<&String> = records.iter().flat_map(|r| numbers(r).keys()).collect();
    names.sort_unstable();
    names.dedup();
    let curve = |name: &String| {
        let value = |record: &Record| numbers(record).get(name).copied();
        curve(records, &label(name), Colour::default(), value)
    };
    names.into_iter().map(curve).collect()
}

/// A name of `metrics.jsonl`, for a reader.
fn label(name: &str) -> String {
    match name {
        "nt_xent" => "NT-Xent".to_owned(),
        "ot" => "transport".to_owned(),
        name => name.replace('_', " "),
    }
}

/// Whether two curves show the same values, up to what a line's width hides. Steps at
/// which neither is a number count as equal, such at which one is not do not.
fn same(one: &[(f64, f64)], other: &[(f64, f64)]) -> bool {
    let close = |(a, b): (&(f64, f64), &(f64, f64))| {
        let both_missing = !a.1.is_finite() && !b.1.is_finite();
        a.0 == b.0 && (both_missing || (a.1 - b.1).abs() <= 1e-3 * a.1.abs())
    };
    one.len() == other.len() && one.iter().zip(other).all(close)
}

/// Whether two curves can be read on one axis.
fn share(one: &Series, other: &Series) -> bool {
    let (one, other) = (typical(&one.points), typical(&other.points));
    // Nothing to be read is no reason for a panel of its own.
    let both = one.zip(other);
    both.is_none_or(|(one, other)| one <= SHARE * other && other <= SHARE * one)
}

/// Median size of the values, if there are any.
fn typical(points: &[(f64, f64)]) -> Option<f64> {
    let finite = points.iter().map(|point| point.1.abs());
    let mut sizes: Vec<f64> = finite.filter(|size| size.is_finite()).collect();
    sizes.sort_unstable_by(f64::total_cmp);
    sizes.get(sizes.len() / 2).copied()
}
