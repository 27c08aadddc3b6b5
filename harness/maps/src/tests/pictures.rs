//! Pictures of maps; with SINSIM_FIGURES set to a folder, they are left there to look at.

use harness_images::data::DatasetKind;
use harness_plot::style::RGBColor;

use super::{super::*, clouds};

fn heading() -> Heading {
    Heading {
        title: "t-SNE of encoder features".into(),
        subtitle: "600 test images, perplexity 20, seed 0".into(),
    }
}

/// The size of a PNG from its header.
fn size(png: &[u8]) -> [u32; 2] {
    assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
    [16, 20].map(|at| u32::from_be_bytes(png[at..at + 4].try_into().unwrap()))
}

/// Draws, and checks what every picture must be.
fn drawn(name: &str, panels: &[Panel<'_>], key: &Key) -> String {
    let svg = picture(&heading(), panels, key).unwrap();
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    assert_eq!(svg.matches("<svg").count(), 1);
    assert!(!svg.contains("NaN") && !svg.contains("inf"));
    // The renderer reads it, so it is XML.
    let pixels = png(&svg, 2.0).unwrap();
    assert!(size(&pixels)[0] > 900);
    if let Some(folder) = std::env::var_os("SINSIM_FIGURES") {
        let path = std::path::Path::new(&folder).join(name);
        std::fs::write(path.with_extension("svg"), &svg).unwrap();
        std::fs::write(path.with_extension("png"), pixels).unwrap();
    }
    svg
}

fn panels<'a>(titles: &[&str], maps: &'a [Vec<Place>], labels: &'a [u16]) -> Vec<Panel<'a>> {
    let panel = |(title, map): (&&str, &'a Vec<Place>)| Panel {
        title: (*title).to_owned(),
        note: "trustworthiness 0.943 (12 neighbours)".into(),
        map,
        labels,
    };
    titles.iter().zip(maps).map(panel).collect()
}

fn maps(rows: usize, classes: usize, apart: &[f32]) -> (Vec<Vec<Place>>, Vec<u16>) {
    let options = TsneOptions {
        perplexity: 20.0,
        iterations: 300,
        ..TsneOptions::default()
    };
    let map = |&apart: &f32| {
        let (values, _) = clouds(rows, 30, classes, apart);
        tsne(&Points::new(&values, rows, 30).unwrap(), &options, |_| {}).unwrap()
    };
    (
        apart.iter().map(map).collect(),
        clouds(rows, 30, classes, 0.0).1,
    )
}

#[test]
fn three_methods_side_by_side() {
    let (maps, labels) = maps(600, 10, &[6.0, 4.0, 2.5]);
    let titles = ["SinSim", "SimCLR", "VICReg"];
    let key = Key::new(DatasetKind::Cifar10.classes());
    let panels = panels(&titles, &maps, &labels);
    let svg = drawn("three", &panels, &key);
    for text in titles.iter().chain(DatasetKind::Cifar10.classes()) {
        assert!(svg.contains(text), "{text} is missing");
    }
    // Each class is drawn in its colour: once in the legend and once a layer and panel.
    for entry in &key.entries {
        let RGBColor(red, green, blue) = entry.colour;
        let colour = format!("stroke=\"#{red:02X}{green:02X}{blue:02X}\"");
        assert_eq!(svg.matches(&colour).count(), 1 + 3 * 11, "{}", entry.name);
    }
    // A dot for each point and each line of the legend.
    assert_eq!(svg.matches("h0").count(), 3 * 600 + 10);
    assert!(svg.len() < 80_000, "{} bytes", svg.len());
    drawn(
        "one",
        &panels[..1],
        &Key::new(&["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]),
    );
    drawn("two", &panels[..2], &key);
    drawn("five", &[&panels[..], &panels[..2]].concat(), &key);
}

#[test]
fn a_hundred_classes() {
    let (maps, labels) = maps(900, 30, &[6.0]);
    let labels: Vec<u16> = labels.iter().map(|l| l * 3 + 1).collect();
    let classes = DatasetKind::Cifar100.classes();
    let key = Key::new(classes);
    assert_eq!((key.entries.len(), &key.others), (10, &None));
    // Each group has classes, and each class a group.
    for group in 0..10 {
        let of = (0..100)
            .filter(|&label| key.entry(label) == Some(group))
            .count();
        assert!(
            [5, 10, 15].contains(&of),
            "{}: {of}",
            key.entries[group].name
        );
    }
    let svg = drawn("hundred", &panels(&["SinSim"], &maps, &labels), &key);
    assert!(svg.contains("outdoor scenes"));
    let names: Vec<String> = (0..30).map(|i| format!("class {i}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let key = Key::new(&names);
    assert_eq!(key.entries.len(), 10);
    assert_eq!(key.entry(3), Some(1));
    assert_eq!((key.entry(4), key.entry(30)), (None, None));
    let labels: Vec<u16> = labels.iter().map(|l| l / 3).collect();
    let svg = drawn("thirty", &panels(&["SinSim"], &maps, &labels), &key);
    assert!(svg.contains("20 other classes"));
}

#[test]
fn maps_of_any_kind() {
    let key = Key::new(&["a", "b & <c>"]);
    let far = [[f32::MAX, f32::MIN], [f32::MIN, f32::MAX]];
    let maps = [vec![], vec![[3.0, 4.0]], vec![[1.0, 1.0]; 5], far.to_vec()];
    let panel = |map| Panel {
        title: "a < b & c".into(),
        note: String::new(),
        map,
        labels: &[0, 1, 1, 9, 0],
    };
    let panels: Vec<Panel<'_>> = maps
        .iter()
        .map(|map| Panel {
            labels: &[0, 1, 1, 9, 0][..map.len()],
            ..panel(map)
        })
        .collect();
    let svg = drawn("odd", &panels, &key);
    assert!(svg.contains("no points") && svg.contains("a &lt; b &amp; c"));
    drawn("none", &[], &key);
    drawn("single", &panels[1..2], &Key::new(&[]));
    let nan = [[0.0, f32::NAN]; 5];
    let error = picture(&heading(), &[panel(&nan)], &key).unwrap_err();
    assert!(
        matches!(
            error,
            MapError::Value {
                row: 0,
                column: 1,
                ..
            }
        ),
        "{error}"
    );
    let short = [[0.0, 0.0]; 2];
    assert!(matches!(
        picture(&heading(), &[panel(&short)], &key),
        Err(MapError::Shape { .. })
    ));
}

#[test]
fn letters_need_no_font_of_the_machine() {
    // The fonts that a machine may have are never loaded, so what is seen here is seen
    // everywhere: greek letters too.
    let svg = |text: &str| {
        let heading = Heading {
            title: text.into(),
            subtitle: String::new(),
        };
        png(&picture(&heading, &[], &Key::new(&[])).unwrap(), 1.0).unwrap()
    };
    let blank = svg(" ");
    for text in ["Seven", "λ ε"] {
        let drawn = svg(text);
        assert_ne!(drawn, blank, "{text} left no trace");
    }
    assert_ne!(svg("λ"), svg("ε"), "both are the box of an unknown letter");
    let figure = picture(&heading(), &[], &Key::new(&[])).unwrap();
    for scale in [0.0, -1.0, f32::NAN, 1e9] {
        assert!(
            matches!(png(&figure, scale), Err(MapError::Png(_))),
            "{scale}"
        );
    }
    assert!(matches!(png("<svg", 1.0), Err(MapError::Png(_))));
}

/// CIELAB of a colour as it is seen with `sight`, a matrix on linear RGB.
fn lab(colour: RGBColor, sight: &[[f64; 3]; 3]) -> [f64; 3] {
    let linear = [colour.0, colour.1, colour.2].map(|c| {
        let c = f64::from(c) / 255.0;
        if c <= 0.04045 {
            c / 12.92
        } else {
            ((c + 0.055) / 1.055).powf(2.4)
        }
    });
    let dot = |row: &[f64; 3], v: &[f64; 3]| row.iter().zip(v).map(|(a, b)| a * b).sum::<f64>();
    let seen = [0, 1, 2].map(|i| dot(&sight[i], &linear).clamp(0.0, 1.0));
    // sRGB to XYZ over the white point D65.
    let xyz = [
        dot(&[0.4124, 0.3576, 0.1805], &seen) / 0.9505,
        dot(&[0.2126, 0.7152, 0.0722], &seen),
        dot(&[0.0193, 0.1192, 0.9505], &seen) / 1.089,
    ]
    .map(|t| {
        if t > 0.008856 {
            t.cbrt()
        } else {
            7.787 * t + 16.0 / 116.0
        }
    });
    [
        116.0 * xyz[1] - 16.0,
        500.0 * (xyz[0] - xyz[1]),
        200.0 * (xyz[1] - xyz[2]),
    ]
}

#[test]
fn colours_are_told_apart_by_every_common_sight() {
    // G. M. Machado, M. M. Oliveira, L. A. F. Fernandes: A physiologically-based model for
    // simulation of color vision deficiency, 2009; full severity.
    let sights = [
        (
            "normal",
            [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        ),
        (
            "protanopia",
            [
                [0.152286, 1.052583, -0.204868],
                [0.114503, 0.786281, 0.099216],
                [-0.003882, -0.048116, 1.051998],
            ],
        ),
        (
            "deuteranopia",
            [
                [0.367322, 0.860646, -0.227968],
                [0.280085, 0.672501, 0.047413],
                [-0.011820, 0.042940, 0.968881],
            ],
        ),
    ];
    for (name, sight) in &sights {
        for (i, &a) in key::COLOURS.iter().enumerate() {
            for &b in &key::COLOURS[..i] {
                let (a_lab, b_lab) = (lab(a, sight), lab(b, sight));
                let square = |i: usize| (a_lab[i] - b_lab[i]).powi(2);
                let distance = (square(0) + square(1) + square(2)).sqrt();
                // About 2.3 is just noticeable side by side; dots are small and scattered.
                assert!(distance >= 10.0, "{a:?} and {b:?} with {name}: {distance}");
            }
        }
    }
}
