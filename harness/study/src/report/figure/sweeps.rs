//! Accuracy against λ and ε.

use harness_plot::{AxisOf, Chart, Cloud, Colour, Level, Sample, Scale, Size, Tile};

use super::{Figure, Kind, MEASURED, sample};
use crate::{
    cell::Part,
    names,
    summary::{Group, Probe, Setting, Spread, Summary},
};

/// Curves of the transport term's settings that differ in one constant: what they have in
/// common, and their groups.
fn families<'g, 'a>(
    groups: impl Iterator<Item = &'g Group<'a>>,
    common: impl Fn(&mut Setting<'a>),
) -> Vec<(Setting<'a>, Vec<&'g Group<'a>>)> {
    let mut all: Vec<(Setting, Vec<&Group>)> = Vec::new();
    for group in groups {
        let mut setting = group.setting;
        common(&mut setting);
        match all.iter_mut().find(|family| family.0 == setting) {
            Some(family) => family.1.push(group),
            None => all.push((setting, vec![group])),
        }
    }
    all
}

/// Colours of curves in one panel, beside SimCLR's.
const HUES: [Colour; 5] = [
    Colour::Blue,
    Colour::Green,
    Colour::Purple,
    Colour::Amber,
    Colour::Sky,
];

fn cloud(i: usize, family: &(Setting, Vec<&Group>), x: &dyn Fn(&Group) -> Option<f64>) -> Cloud {
    let of = |group: &&Group| sample(x(group)?, &group.top1(Probe::Linear), 100.0);
    let mut samples: Vec<Sample> = family.1.iter().filter_map(of).collect();
    samples.sort_by(|a, b| a.x.total_cmp(&b.x));
    Cloud {
        name: family.0.label(),
        colour: HUES[i % HUES.len()],
        samples,
    }
}

/// SimCLR and the untrained encoder.
fn levels(summary: &Summary, group: Option<&&Group>, dataset: &str) -> Vec<Level> {
    let simclr = group
        .and_then(|group| summary.reference(group))
        .and_then(|reference| reference.accuracy(Probe::Linear));
    let untrained = summary.untrained(dataset, Probe::Linear);
    let untrained = Spread::of(untrained.into_iter().map(|value| value.1));
    let level = |name: &str, colour, spread: Option<Spread>| {
        spread.map(|spread| Level {
            name: name.to_owned(),
            colour,
            value: 100.0 * spread.mean,
        })
    };
    let both = [
        level("SimCLR", Colour::Orange, simclr),
        level("untrained", Colour::Grey, untrained),
    ];
    both.into_iter().flatten().collect()
}

/// Figure 2.
pub(super) fn lambda(summary: &Summary) -> Option<Figure> {
    let mut tiles = Vec::new();
    for dataset in Summary::datasets(summary.of_part(Part::Lambda)) {
        let here = || {
            summary
                .of_part(Part::Lambda)
                .filter(|g| g.setting.dataset == dataset)
        };
        let families = families(here().filter(|g| g.setting.lambda.is_some()), |s| {
            s.lambda = None
        });
        // At weight zero there is no term: SimCLR is that point.
        let zero: Vec<&Group> = here()
            .filter(|g| g.setting.method == names::SIMCLR)
            .collect();
        let weights = families.iter().flat_map(|family| &family.1);
        let positive = weights
            .filter_map(|g| g.setting.lambda)
            .filter(|l| *l > 0.0);
        let (low, high) = positive.fold((f64::INFINITY, 0.0), |(low, high), l| {
            (f64::min(low, l), f64::max(high, l))
        });
        let log = high > 15.0 * low;
        // A logarithmic axis has no zero: it stands apart at the left.
        let zero_at = if log { low / 3.0 } else { 0.0 };
        let at = |group: &Group| match group.setting.lambda.unwrap_or(0.0) {
            weight if weight > 0.0 => Some(weight),
            _ => Some(zero_at),
        };
        let with_zero = |family: &(Setting<'_>, Vec<&Group<'_>>)| {
            let own_zero = family.1.iter().any(|g| g.setting.lambda == Some(0.0));
            !own_zero
        };
        let clouds = families.iter().enumerate().map(|(i, family)| {
            let mut cloud = cloud(i, family, &at);
            if with_zero(family) {
                let simclr = zero.iter().find(|g| g.setting.args == family.0.args);
                let point = simclr.and_then(|g| sample(zero_at, &g.top1(Probe::Linear), 100.0));
                cloud.samples.splice(0..0, point);
            }
            cloud
        });
        let clouds: Vec<Cloud> = clouds.collect();
        let first = families.first().and_then(|family| family.1.first());
        tiles.push(Tile::Chart(Chart {
            title: names::dataset(dataset).to_owned(),
            x: AxisOf {
                title: "weight λ of the transport term".to_owned(),
                scale: if log { Scale::Log } else { Scale::Linear },
                names: vec![(zero_at, "0".to_owned())],
            },
            y: AxisOf {
                title: MEASURED.to_owned(),
                ..AxisOf::default()
            },
            clouds,
            levels: levels(summary, first, dataset),
            size: Size::Large,
            curves: Vec::new(),
        }));
    }
    sweep(
        tiles,
        Kind::Lambda,
        "figure2-lambda.svg",
        "Figure 2. Accuracy against the weight λ",
        "At λ = 0 the objective is SimCLR's.",
    )
}

/// Figure 3.
pub(super) fn epsilon(summary: &Summary) -> Option<Figure> {
    let mut tiles = Vec::new();
    for dataset in Summary::datasets(summary.of_part(Part::Epsilon)) {
        let here = summary.of_part(Part::Epsilon);
        let own = here.filter(|g| g.setting.dataset == dataset && g.setting.epsilon.is_some());
        let families = families(own, |setting| setting.epsilon = None);
        let at = |group: &Group| group.setting.epsilon;
        let clouds = families
            .iter()
            .enumerate()
            .map(|(i, family)| cloud(i, family, &at));
        let first = families.first().and_then(|family| family.1.first());
        tiles.push(Tile::Chart(Chart {
            title: names::dataset(dataset).to_owned(),
            x: AxisOf {
                title: "entropic regularisation ε".to_owned(),
                scale: Scale::Log,
                ..AxisOf::default()
            },
            y: AxisOf {
                title: MEASURED.to_owned(),
                ..AxisOf::default()
            },
            clouds: clouds.collect(),
            levels: levels(summary, first, dataset),
            size: Size::Large,
            curves: Vec::new(),
        }));
    }
    sweep(
        tiles,
        Kind::Epsilon,
        "figure3-epsilon.svg",
        "Figure 3. Accuracy against ε",
        "The term acts on the projection z or on the encoder's output h.",
    )
}

fn sweep(tiles: Vec<Tile>, kind: Kind, file: &str, title: &str, note: &str) -> Option<Figure> {
    (!tiles.is_empty()).then(|| Figure {
        kind,
        file: file.to_owned(),
        title: title.to_owned(),
        subtitle: format!("Mean ± sample standard deviation over seeds. {note}"),
        caption: format!(
            "{note} Small dots: seeds; large dots and bars: mean ± sample standard deviation. \
             Dashed: levels to compare with, in the legend alone where they are off the scale."
        ),
        tiles,
        columns: 2,
        shown: usize::MAX,
    })
}
