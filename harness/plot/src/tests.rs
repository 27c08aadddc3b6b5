//! Figures of runs that went well, and of runs that did not.

use std::path::{Path, PathBuf};

use super::*;
use harness_run::metrics::{Numbers, Record, Sinkhorn};

/// A temporary folder, or the one that SINSIM_FIGURES names, to look at.
struct Folder(
    PathBuf,
    #[expect(dead_code, reason = "kept until the end")] Option<tempfile::TempDir>,
);

impl Folder {
    fn new() -> Self {
        match std::env::var_os("SINSIM_FIGURES") {
            Some(path) => Self(path.into(), None),
            None => {
                let temp = tempfile::tempdir().unwrap();
                Self(temp.path().to_owned(), Some(temp))
            }
        }
    }
    fn draw(&self, name: &str, draw: impl FnOnce(&Path) -> Result<(), PlotError>) -> String {
        let path = self.0.join(name);
        draw(&path).unwrap();
        std::fs::read_to_string(path).unwrap()
    }
}

/// A number in −0.5..0.5 without a pattern that an eye would see.
fn noise(i: u64) -> f64 {
    let mixed = (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 11) as f64 / (1u64 << 53) as f64 - 0.5
}

fn records(steps: u64, transport: bool) -> Vec<Record> {
    let record = |step: u64| {
        let t = step as f64 / steps as f64;
        let nt_xent = 4.6 + 0.9 * (-6.0 * t).exp() + 0.12 * noise(step);
        let value = 0.08 + 0.25 * (-4.0 * t).exp() + 0.02 * noise(step + 1000);
        let sinkhorn = Sinkhorn {
            marginal_error: 1e-3 * (3.0 * noise(step + 2000) - 1.5).exp(),
            iterations: 12.0,
            converged: true,
        };
        let warm = (t / 0.1).min(1.0);
        let mut terms = numbers([("nt_xent", nt_xent)]);
        if transport {
            terms.insert("ot".into(), value);
        }
        Record {
            step,
            epoch: 1,
            loss: terms["nt_xent"] + if transport { 0.8 * value } else { 0.0 },
            terms,
            sinkhorn: transport.then_some(sinkhorn),
            diagnostics: Numbers::new(),
            learning_rate: 1e-3 * warm * 0.5 * (1.0 + (std::f64::consts::PI * t).cos()),
            images_per_second: 400.0,
        }
    };
    (1..=steps).map(record).collect()
}

fn numbers<const N: usize>(named: [(&str, f64); N]) -> Numbers {
    named.map(|(name, value)| (name.to_owned(), value)).into()
}

fn heading() -> Heading {
    Heading {
        title: "SinSim on MNIST".into(),
        subtitle: "2 epochs, batches of 128 images, λ = 0.8, ε = 0.05, seed 0".into(),
    }
}

fn accuracies(values: [f64; 4]) -> Accuracies {
    let [trained, untrained, knn, knn_untrained] = values;
    let group = |name: &str, trained, untrained| Group {
        name: name.into(),
        trained,
        untrained,
    };
    Accuracies {
        groups: vec![
            group("linear probe", trained, untrained),
            group("20-NN", knn, knn_untrained),
        ],
        chance: Some(0.1),
    }
}

/// What every figure must be: one SVG element, with finite numbers.
fn sound(svg: &str) {
    assert!(
        svg.starts_with("<svg ") && svg.ends_with("</svg>\n"),
        "{}",
        &svg[..80]
    );
    assert_eq!(svg.matches("<svg").count(), 1);
    for bad in ["NaN", "inf", "2147483647"] {
        assert!(!svg.contains(bad), "{bad} in the figure");
    }
    assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
}

#[test]
fn a_whole_run() {
    let folder = Folder::new();
    let panels = training_panels(&records(936, true));
    let bars = accuracies([0.974, 0.861, 0.958, 0.843]);
    let svg = folder.draw("sinsim.svg", |path| {
        training_figure(path, &heading(), &panels, &bars)
    });
    sound(&svg);
    for text in [
        "SinSim on MNIST",
        "objective",
        "NT-Xent",
        "marginal error",
        "learning rate",
        "optimiser step",
        "97.4",
        "84.3",
        "chance 10 %",
        "mean of 23 steps",
    ] {
        assert!(svg.contains(text), "{text} is missing");
    }
    let panels = training_panels(&records(60, false));
    let svg = folder.draw("simclr.svg", |path| {
        training_figure(path, &heading(), &panels, &bars)
    });
    sound(&svg);
    assert!(!svg.contains("marginal error") && !svg.contains("mean of"));
    sound(&folder.draw("loss.svg", |path| loss_curve(path, &heading(), &panels)));
    sound(&folder.draw("bars.svg", |path| accuracy_bars(path, &heading(), &bars)));
}

/// What each panel shows: its title, and the names in its legend.
fn shown(panels: &[Panel]) -> Vec<(&str, Vec<&str>)> {
    panels
        .iter()
        .map(|panel| {
            let series = panel.series.iter();
            (
                panel.title.as_str(),
                series.map(|series| series.name.as_str()).collect(),
            )
        })
        .collect()
}

#[test]
fn terms_of_any_method_share_an_axis_where_they_can_be_read_on_it() {
    let with = |loss: f64, terms: Numbers| {
        move |record: Record| Record {
            loss,
            terms: terms.clone(),
            ..record
        }
    };
    let panels = |change: &dyn Fn(Record) -> Record| {
        let records = records(100, false).into_iter().map(change);
        training_panels(&records.collect::<Vec<_>>())
    };
    let rate = ("learning rate", vec!["learning rate"]);
    let vicreg = [("invariance", 0.2), ("variance", 0.5), ("covariance", 4.0)];
    assert_eq!(
        shown(&panels(&with(21.5, numbers(vicreg)))),
        [
            ("loss", vec!["objective", "covariance"]),
            (
                "terms, before their weights",
                vec!["invariance", "variance"]
            ),
            rate.clone(),
        ]
    );
    let byol = numbers([("regression_loss", 1.0)]);
    let one = [("loss: regression loss", vec!["objective"]), rate.clone()];
    assert_eq!(shown(&panels(&with(1.0, byol.clone()))), one);
    // A single term that is not the objective is shown beside it.
    let two = [("loss", vec!["objective", "regression loss"]), rate.clone()];
    assert_eq!(shown(&panels(&with(2.0, byol))), two);
    let nothing = numbers([("regularity", f64::NAN), ("zero", 0.0)]);
    let three = [
        ("loss", vec!["objective", "regularity"]),
        ("zero, before its weight", vec!["zero"]),
        rate,
    ];
    assert_eq!(shown(&panels(&with(2.0, nothing))), three);
    assert_eq!(
        shown(&training_panels(&[])),
        [
            ("loss", vec!["objective"]),
            ("learning rate", vec!["learning rate"])
        ]
    );
}

#[test]
fn diagnostics_are_drawn_where_they_were_measured() {
    let folder = Folder::new();
    let mut records = records(200, true);
    for record in records.iter_mut().step_by(50) {
        let uniformity = -3.0 + 0.2 * noise(record.step);
        record.diagnostics = numbers([("uniformity", uniformity), ("effective_rank", 30.0)]);
    }
    let panels = training_panels(&records);
    let uniformity = panels.iter().find(|panel| panel.title == "uniformity");
    assert_eq!(uniformity.unwrap().series[0].points.len(), 4);
    let svg = folder.draw("diagnostics.svg", |path| {
        loss_curve(path, &heading(), &panels)
    });
    sound(&svg);
    for text in [
        "uniformity",
        "effective rank",
        "transport, before its weight",
    ] {
        assert!(svg.contains(text), "{text} is missing");
    }
}

#[test]
fn curves_of_any_shape() {
    let folder = Folder::new();
    let (nan, inf) = (f64::NAN, f64::INFINITY);
    let flat = |value: f64| (1..=50).map(|i| (f64::from(i), value)).collect::<Vec<_>>();
    let gaps: Vec<_> = (0..200)
        .map(|i| {
            (
                i as f64,
                if i % 40 < 12 || i == 30 {
                    nan
                } else {
                    noise(i)
                },
            )
        })
        .collect();
    let shapes: Vec<(&str, Vec<(f64, f64)>)> = vec![
        ("none", vec![]),
        ("one", vec![(1.0, 5.0)]),
        ("two", vec![(1.0, 5.0), (2.0, 4.0)]),
        ("same-step", vec![(7.0, 1.0), (7.0, 2.0)]),
        ("flat", flat(3.0)),
        ("zero", flat(0.0)),
        ("all-nan", flat(nan)),
        ("gaps", gaps),
        (
            "endless",
            vec![(1.0, inf), (2.0, 1.0), (3.0, -inf), (inf, 2.0), (nan, 3.0)],
        ),
        (
            "huge",
            vec![(1.0, f64::MAX), (2.0, f64::MIN), (f64::MAX, 0.0)],
        ),
        ("tiny", vec![(0.0, 5e-324), (1.0, 0.0), (2.0, 1e-300)]),
        ("negative", vec![(1.0, -1.0), (2.0, -3.0), (3.0, -2.0)]),
        ("backwards", vec![(3.0, 1.0), (2.0, 2.0), (1.0, 3.0)]),
    ];
    for scale in [Scale::Linear, Scale::Log] {
        for (name, points) in &shapes {
            for smooth in [false, true] {
                let series = vec![Series {
                    points: points.clone(),
                    ..Series::default()
                }];
                let panel = Panel {
                    title: name.to_string(),
                    scale,
                    smooth,
                    series,
                };
                let name = format!("shape-{name}-{scale:?}-{smooth}.svg");
                let svg = folder.draw(&name, |path| loss_curve(path, &heading(), &[panel]));
                sound(&svg);
                let none = points.iter().all(|(x, y)| {
                    let shown = y.is_finite() && (scale == Scale::Linear || *y > 0.0);
                    !(x.is_finite() && shown)
                });
                assert_eq!(svg.contains("no values"), none, "{name}");
            }
        }
    }
    sound(&folder.draw("no-panel.svg", |path| {
        loss_curve(path, &Heading::default(), &[])
    }));
    let five = (0..5).map(|i| Series {
        name: format!("curve {i}"),
        points: flat(i.into()),
        colour: Colour::Purple,
    });
    let panel = Panel {
        series: five.collect(),
        ..Panel::default()
    };
    sound(&folder.draw("five.svg", |path| loss_curve(path, &heading(), &[panel])));
}

#[test]
fn accuracies_of_any_kind() {
    let folder = Folder::new();
    for (name, bars, text) in [
        ("full", accuracies([1.0, 0.0, 1.0, 0.05]), "100.0"),
        (
            "unknown",
            accuracies([f64::NAN, 0.06, f64::INFINITY, -1.0]),
            "n/a",
        ),
        ("nothing", Accuracies::default(), "test accuracy"),
    ] {
        let svg = folder.draw(&format!("bars-{name}.svg"), |path| {
            accuracy_bars(path, &heading(), &bars)
        });
        sound(&svg);
        assert!(svg.contains(text), "{name}");
    }
    let odd = Accuracies {
        chance: Some(f64::NAN),
        ..accuracies([0.5; 4])
    };
    let svg = folder.draw("bars-odd.svg", |path| accuracy_bars(path, &heading(), &odd));
    assert!(!svg.contains("chance"));
}

#[test]
fn a_long_run_makes_a_small_file_with_its_spikes() {
    let folder = Folder::new();
    let mut points: Vec<(f64, f64)> = (0..1_000_000).map(|i| (i as f64, noise(i))).collect();
    points[222_222].1 = -9.0;
    points[777_777].1 = 9.0;
    let draw = |name: &str, points: Vec<(f64, f64)>| {
        let series = vec![Series {
            points,
            ..Series::default()
        }];
        let panel = Panel {
            series,
            ..Panel::default()
        };
        folder.draw(name, |path| loss_curve(path, &heading(), &[panel]))
    };
    let svg = draw("long.svg", points);
    // Four points for each of about 1250 half pixels, ten letters each.
    assert!(svg.len() < 100_000, "{} bytes", svg.len());
    let curve = svg
        .split("<polyline")
        .max_by_key(|part| part.len())
        .unwrap();
    let points = curve
        .split("points=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let heights = points
        .split_whitespace()
        .map(|p| p.split(',').nth(1).unwrap());
    let heights: Vec<i32> = heights.map(|y| y.parse().unwrap()).collect();
    // The plot begins at 24 + 62 + 26 pixels and is 190 high, ten units each; 6 % of the
    // range are left above the spikes and below, which makes 112 %.
    let top = 1120.0 + 1900.0 * 0.06 / 1.12;
    let bottom = 1120.0 + 1900.0 * 1.06 / 1.12;
    for (name, found, expected) in [
        ("highest", heights.iter().min(), top),
        ("lowest", heights.iter().max(), bottom),
    ] {
        let found = f64::from(*found.unwrap());
        // Places are rounded to whole units.
        assert!(
            (found - expected).abs() <= 1.0,
            "{name} at {found}, not {expected}"
        );
    }
}

#[test]
fn words_are_escaped_and_folders_are_not_made_up() {
    let folder = Folder::new();
    let words = Heading {
        title: "a < b & \"c\" > 'd'".into(),
        subtitle: "</svg>".into(),
    };
    let svg = folder.draw("words.svg", |path| loss_curve(path, &words, &[]));
    sound(&svg);
    assert!(svg.contains("<title>a &lt; b &amp; \"c\" &gt; 'd'</title>"));
    let missing = folder.0.join("missing/figure.svg");
    let error = loss_curve(&missing, &words, &[]).unwrap_err();
    assert!(matches!(&error, PlotError::Write { path, .. } if *path == missing));
    assert!(error.to_string().contains("figure.svg"));
}
