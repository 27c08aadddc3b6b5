//! t-SNE against its definition, and on points that are hard to lay out.

use super::{
    super::{neighbours::nearest_of, tsne::start, *},
    clouds,
    reference::{affinities, forces},
};

fn options() -> TsneOptions {
    TsneOptions {
        perplexity: 8.0,
        iterations: 500,
        ..TsneOptions::default()
    }
}

fn map_of(values: &[f32], rows: usize, options: &TsneOptions) -> Vec<Place> {
    let points = Points::new(values, rows, values.len() / rows).unwrap();
    tsne(&points, options, |_| {}).unwrap()
}

fn in_f64(values: &[f32], dim: usize) -> Vec<Vec<f64>> {
    let row = |row: &[f32]| row.iter().map(|&x| f64::from(x)).collect();
    values.chunks_exact(dim).map(row).collect()
}

/// Share of points whose nearest on the map is of their class.
fn purity(map: &[Place], labels: &[u16]) -> f64 {
    let distance = |i: usize, j: usize| neighbours::squared_distance(&map[i], &map[j]);
    let right = (0..map.len())
        .filter(|&i| {
            let nearest = nearest_of(i, 1, |j| distance(i, j), map.len());
            labels[nearest[0].1] == labels[i]
        })
        .count();
    right as f64 / map.len() as f64
}

#[test]
fn three_clouds_are_three_clouds_on_the_map() {
    let (values, labels) = clouds(240, 20, 3, 8.0);
    let mut heard = Vec::new();
    let points = Points::new(&values, 240, 20).unwrap();
    let map = tsne(&points, &options(), |done| heard.push(done)).unwrap();
    assert_eq!(heard, (1..=500).collect::<Vec<_>>());
    assert_eq!(purity(&map, &labels), 1.0);
    // Apart, and not only side by side: the nearest of another class is farther from a
    // cloud's middle than any of its own.
    for class in 0..3 {
        let own = || {
            map.iter()
                .zip(&labels)
                .filter(|(_, l)| **l == class)
                .map(|(place, _)| place)
        };
        let mean = [0, 1].map(|axis| own().map(|p| p[axis]).sum::<f32>() / own().count() as f32);
        let distance = |place: &Place| neighbours::squared_distance(place, &mean);
        let radius = own().map(distance).fold(0.0, f32::max);
        let others = map
            .iter()
            .zip(&labels)
            .filter(|(_, label)| **label != class);
        let nearest = others
            .map(|(place, _)| distance(place))
            .fold(f32::INFINITY, f32::min);
        assert!(nearest > radius, "class {class}: {nearest} within {radius}");
    }
    let trust = trustworthiness(&points, &map, 8).unwrap();
    let flat = trustworthiness(&points, &pca(&points, 2).unwrap().map(), 8).unwrap();
    assert!(trust > flat && trust > 0.85, "{trust}, by PCA {flat}");
}

#[test]
fn the_same_seed_gives_the_same_bits() {
    let (values, _) = clouds(150, 12, 3, 3.0);
    let first = map_of(&values, 150, &options());
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let again = pool.install(|| map_of(&values, 150, &options()));
        assert_eq!(first, again, "with {threads} threads");
    }
    let other = TsneOptions {
        seed: 1,
        ..options()
    };
    assert_ne!(first, map_of(&values, 150, &other));
}

#[test]
fn the_first_step_goes_down_the_gradient_of_the_definition() {
    const ROWS: usize = 90;
    let (values, _) = clouds(ROWS, 6, 3, 2.0);
    let one = TsneOptions {
        iterations: 1,
        ..options()
    };
    let map = map_of(&values, ROWS, &one);
    let pca = pca(&Points::new(&values, ROWS, 6).unwrap(), 50).unwrap();
    let begin = in_f64(&start(&pca, ROWS, 0), 2);
    let p = affinities(&in_f64(&values, 6), 8.0);
    let total: f64 = p.iter().flatten().sum();
    assert!((total - 1.0).abs() <= 1e-12, "{total}");
    let rate = f64::from(one.learning_rate(ROWS));
    assert_eq!(rate, 200.0);
    let mut expected: Vec<[f64; 2]> = Vec::new();
    for (place, [pull, push]) in begin.iter().zip(forces(&p, &begin)) {
        expected.push([0, 1].map(|axis| {
            let gradient = pull[axis] - push[axis];
            // Gains begin at 1; the first step changes them as any other does.
            let gain = if gradient < 0.0 { 1.2 } else { 0.8 };
            place[axis] - rate * gain * gradient
        }));
    }
    for axis in 0..2 {
        let mean = expected.iter().map(|place| place[axis]).sum::<f64>() / ROWS as f64;
        for (found, expected) in map.iter().zip(&expected) {
            let (found, expected) = (f64::from(found[axis]), expected[axis] - mean);
            // Steps are about 1e-4 long. Cells of the tree taken for points and the
            // perplexity's tolerance leave a thousandth of that.
            assert!(
                (found - expected).abs() <= 2e-7,
                "{found:e}, not {expected:e}"
            );
        }
    }
}

#[test]
fn a_finished_map_is_at_rest_by_the_definition() {
    const ROWS: usize = 90;
    let (values, _) = clouds(ROWS, 6, 3, 2.0);
    let exact = TsneOptions {
        theta: 0.1,
        iterations: 2000,
        ..options()
    };
    let map = map_of(&values, ROWS, &exact);
    let forces = forces(
        &affinities(&in_f64(&values, 6), 8.0),
        &in_f64(map.as_flattened(), 2),
    );
    let norm = |of: &dyn Fn(&[[f64; 2]; 2], usize) -> f64| {
        let square = |force: &[[f64; 2]; 2]| of(force, 0).powi(2) + of(force, 1).powi(2);
        forces.iter().map(square).sum::<f64>().sqrt()
    };
    let pull = norm(&|force, axis| force[0][axis]);
    let left = norm(&|force, axis| force[0][axis] - force[1][axis]);
    // Attraction and repulsion cancel, where they are as strong as the map is wide.
    assert!(left / pull <= 0.01, "{left:e} of {pull:e} is left");
}

#[test]
fn points_of_any_kind_have_a_place() {
    let small = TsneOptions {
        perplexity: 2.0,
        iterations: 60,
        ..TsneOptions::default()
    };
    let mut outlier = clouds(30, 4, 3, 1.0).0;
    outlier[0] = 9e14;
    let twins: Vec<f32> = (0..40).map(|i| (i / 8) as f32).collect();
    for (name, values, rows) in [
        ("fewest", clouds(7, 3, 2, 1.0).0, 7),
        ("all the same", vec![3.0; 30], 10),
        ("on a line", (0..20).map(|i| i as f32).collect(), 20),
        ("twins", twins, 20),
        (
            "tiny",
            clouds(20, 4, 2, 1.0).0.iter().map(|x| x * 1e-25).collect(),
            20,
        ),
        (
            "huge",
            clouds(20, 4, 2, 1.0).0.iter().map(|x| x * 1e14).collect(),
            20,
        ),
        ("outlier", outlier, 30),
    ] {
        let map = map_of(&values, rows, &small);
        assert_eq!(map.len(), rows, "{name}");
        let wild = TsneOptions {
            learning_rate: Some(1e6),
            early_exaggeration: 100.0,
            ..small.clone()
        };
        assert_eq!(map_of(&values, rows, &wild).len(), rows, "{name}");
    }
}

#[test]
fn the_scale_of_the_points_does_not_matter() {
    let (values, labels) = clouds(90, 6, 3, 8.0);
    for scale in [1e-18, 1e13] {
        let values: Vec<f32> = values.iter().map(|x| x * scale).collect();
        assert_eq!(
            purity(&map_of(&values, 90, &options()), &labels),
            1.0,
            "{scale:e}"
        );
    }
}

#[test]
fn options_that_cannot_be_met_are_refused() {
    let (values, _) = clouds(30, 4, 3, 1.0);
    let points = Points::new(&values, 30, 4).unwrap();
    let refused = |change: fn(&mut TsneOptions)| {
        let mut changed = options();
        change(&mut changed);
        tsne(&points, &changed, |_| {}).unwrap_err().to_string()
    };
    let text = refused(|o| o.perplexity = 30.0);
    assert!(text.contains("up to 9"), "{text}");
    for text in [
        refused(|o| o.perplexity = f32::NAN),
        refused(|o| o.perplexity = 1.0),
        refused(|o| o.learning_rate = Some(f32::NAN)),
        refused(|o| o.learning_rate = Some(0.0)),
        refused(|o| o.early_exaggeration = 0.0),
        refused(|o| o.iterations = 0),
        refused(|o| o.theta = 0.0),
        refused(|o| o.components = 0),
    ] {
        assert!(text.contains("expected"), "{text}");
    }
    let few = Points::new(&values[..24], 6, 4).unwrap();
    assert!(matches!(
        tsne(&few, &options(), |_| {}),
        Err(MapError::TooFew { .. })
    ));
}
