//! Trustworthiness, the choice of images, and tables.

use super::{super::*, clouds, noise};

/// By its definition: sorted lists, and no shortcuts.
fn plain(values: &[f32], map: &[Place], dim: usize, k: usize) -> f64 {
    let n = map.len();
    let order = |i: usize, distance: &dyn Fn(usize, usize) -> f64| {
        let mut others: Vec<usize> = (0..n).filter(|&j| j != i).collect();
        others.sort_by(|&a, &b| distance(i, a).total_cmp(&distance(i, b)).then(a.cmp(&b)));
        others
    };
    let square = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(x, y)| f64::from(x - y).powi(2)).sum()
    };
    let row = |i: usize| &values[i * dim..(i + 1) * dim];
    let mut sum = 0.0;
    for i in 0..n {
        let truth = order(i, &|i, j| square(row(i), row(j)));
        for j in &order(i, &|i, j| square(&map[i], &map[j]))[..k] {
            let rank = 1 + truth.iter().position(|t| t == j).unwrap();
            sum += rank.saturating_sub(k) as f64;
        }
    }
    let (n, k) = (n as f64, k as f64);
    1.0 - 2.0 / (n * k * (2.0 * n - 3.0 * k - 1.0)) * sum
}

#[test]
fn trustworthiness_is_that_of_the_definition() {
    for (rows, dim) in [(25, 2), (40, 17), (60, 33)] {
        let (values, _) = clouds(rows, dim, 3, 2.0);
        let points = Points::new(&values, rows, dim).unwrap();
        let mut noise = noise(11);
        let chance: Vec<Place> = (0..rows).map(|_| [noise(), noise()]).collect();
        for map in [pca(&points, 2).unwrap().map(), chance] {
            for k in [1, 5, (rows - 1) / 2] {
                let found = trustworthiness(&points, &map, k).unwrap();
                let expected = plain(&values, &map, dim, k);
                // Sums of whole numbers; only the last division rounds.
                assert!((found - expected).abs() <= 1e-12, "{found}, not {expected}");
            }
        }
    }
}

#[test]
fn a_map_that_is_the_truth_is_trusted_and_chance_is_not() {
    let (values, _) = clouds(400, 2, 2, 3.0);
    let points = Points::new(&values, 400, 2).unwrap();
    let truth: Vec<Place> = values.chunks_exact(2).map(|p| [p[0], p[1]]).collect();
    assert_eq!(trustworthiness(&points, &truth, 12).unwrap(), 1.0);
    let mut noise = noise(5);
    let chance: Vec<Place> = (0..400).map(|_| [noise(), noise()]).collect();
    let found = trustworthiness(&points, &chance, 12).unwrap();
    // 4800 ranks of neighbours by chance: the mean is within some hundredths.
    assert!((found - 0.5).abs() <= 0.05, "{found}");
    // Places that are not numbers are far from each other, and no reason to stop.
    assert!(trustworthiness(&points, &[[f32::NAN; 2]; 400], 12).unwrap() <= 1.0);
    for (map, k) in [
        (&truth[1..], 12),
        (&truth[..], 0),
        (&truth[..], 200),
        (&truth[..], usize::MAX),
    ] {
        assert!(trustworthiness(&points, map, k).is_err(), "k = {k}");
    }
}

#[test]
fn images_are_drawn_evenly_and_by_the_seed() {
    // 60 of class 0, 30 of class 1, 10 of class 3.
    let labels: Vec<u16> = (0..100)
        .map(|i| [0, 1, 0, 0, 1, 0, 0, 1, 0, 3][i % 10])
        .collect();
    let counts = |chosen: &[usize]| {
        [0, 1, 2, 3].map(|class| chosen.iter().filter(|&&i| labels[i] == class).count())
    };
    let chosen = sample(&labels, 24, 1);
    assert_eq!(counts(&chosen), [8, 8, 0, 8]);
    assert!(chosen.is_sorted_by(|a, b| a < b));
    assert_eq!(chosen, sample(&labels, 24, 1));
    assert_ne!(chosen, sample(&labels, 24, 2));
    // Where a class has no more, the others go on.
    assert_eq!(counts(&sample(&labels, 50, 1)), [20, 20, 0, 10]);
    assert_eq!(sample(&labels, 25, 1).len(), 25);
    assert_eq!(sample(&labels, 1000, 1), (0..100).collect::<Vec<_>>());
    assert!(sample(&[], 5, 1).is_empty() && sample(&labels, 0, 1).is_empty());
}

#[test]
fn coordinates_are_a_table() {
    let map = [[0.1, -2.0], [1e-7, 3.5]];
    let panel = Panel {
        title: "SinSim, \"h\"".into(),
        note: String::new(),
        map: &map,
        labels: &[1, 7],
    };
    let table = csv(std::slice::from_ref(&panel), &["cat", "dog"], &[40, 5]).unwrap();
    assert_eq!(
        table,
        "panel,image,label,class,x,y\n\
         \"SinSim, \"\"h\"\"\",40,1,dog,0.1,-2\n\
         \"SinSim, \"\"h\"\"\",5,7,,0.0000001,3.5\n"
    );
    assert!(
        csv(std::slice::from_ref(&panel), &[], &[])
            .unwrap()
            .contains(",0,1,,0.1")
    );
    assert!(matches!(
        csv(&[panel], &[], &[1]),
        Err(MapError::Shape { .. })
    ));
}
