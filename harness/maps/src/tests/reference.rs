//! t-SNE by its definition, over all pairs and in f64: L. van der Maaten, G. Hinton,
//! Visualizing data using t-SNE, JMLR 9, 2008; with affinities of the nearest points
//! alone, as in van der Maaten's Accelerating t-SNE using tree-based algorithms, JMLR
//! 15, 2014.

/// Squared distances of all pairs.
fn squares(points: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let square = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum();
    points
        .iter()
        .map(|a| points.iter().map(|b| square(a, b)).collect())
        .collect()
}

/// The symmetric affinities p(i, j), which sum to 1.
pub(super) fn affinities(points: &[Vec<f64>], perplexity: f64) -> Vec<Vec<f64>> {
    let n = points.len();
    let squares = squares(points);
    let mut p = vec![vec![0.0; n]; n];
    for i in 0..n {
        let mut near: Vec<usize> = (0..n).filter(|&j| j != i).collect();
        near.sort_by(|&a, &b| squares[i][a].total_cmp(&squares[i][b]));
        near.truncate((3.0 * perplexity) as usize);
        let row = |beta: f64| -> Vec<f64> {
            let weights: Vec<f64> = near
                .iter()
                .map(|&j| (-beta * squares[i][j]).exp())
                .collect();
            let sum: f64 = weights.iter().sum();
            weights.iter().map(|w| w / sum).collect()
        };
        let entropy = |row: &[f64]| -row.iter().map(|p| p * p.max(1e-300).ln()).sum::<f64>();
        // Entropy falls with beta: halve the interval of its logarithm.
        let (mut low, mut high) = (-20.0, 20.0);
        for _ in 0..100 {
            let middle: f64 = 0.5 * (low + high);
            if entropy(&row(middle.exp())) > perplexity.ln() {
                low = middle;
            } else {
                high = middle;
            }
        }
        for (&j, weight) in near.iter().zip(row((0.5f64 * (low + high)).exp())) {
            p[i][j] += weight / (2.0 * n as f64);
            p[j][i] += weight / (2.0 * n as f64);
        }
    }
    p
}

/// Attraction and repulsion of each point of a map; their difference is a quarter of the
/// gradient of the Kullback–Leibler divergence.
pub(super) fn forces(p: &[Vec<f64>], map: &[Vec<f64>]) -> Vec<[[f64; 2]; 2]> {
    let n = map.len();
    let squares = squares(map);
    let kernel = |i: usize, j: usize| 1.0 / (1.0 + squares[i][j]);
    let pairs = || {
        (0..n)
            .flat_map(|i| (0..n).map(move |j| (i, j)))
            .filter(|(i, j)| i != j)
    };
    let z: f64 = pairs().map(|(i, j)| kernel(i, j)).sum();
    let mut forces = vec![[[0.0; 2]; 2]; n];
    for (i, j) in pairs() {
        for axis in 0..2 {
            let pull = kernel(i, j) * (map[i][axis] - map[j][axis]);
            forces[i][0][axis] += p[i][j] * pull;
            forces[i][1][axis] += kernel(i, j) / z * pull;
        }
    }
    forces
}
