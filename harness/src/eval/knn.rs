//! k-nearest-neighbour probe: cosine similarity, votes weighted by `exp(s/τ)`
//! (Wu et al. 2018, "Unsupervised feature learning via non-parametric instance
//! discrimination", section 3.4). No parameters, so nothing to tune.

use burn::tensor::{Device, Tensor};

use super::features::Features;

/// Test rows whose similarities are held at a time.
const CHUNK: usize = 512;

/// Predicted class of each test row. Ties go to the smaller class.
pub fn predict(
    train: &Features,
    labels: &[u16],
    test: &Features,
    k: usize,
    temperature: f32,
    device: &Device,
) -> Vec<u16> {
    let k = k.min(train.rows);
    let classes = labels.iter().max().map_or(0, |&c| usize::from(c) + 1);
    let bank = unit_rows(train.tensor(device)).transpose();
    let queries = unit_rows(test.tensor(device));
    let mut predicted = Vec::with_capacity(test.rows);
    for start in (0..test.rows).step_by(CHUNK) {
        let rows = CHUNK.min(test.rows - start);
        let chunk = queries.clone().slice([start..start + rows]);
        let similarity: Vec<f32> = chunk
            .matmul(bank.clone())
            .into_data()
            .iter::<f32>()
            .collect();
        for row in similarity.chunks_exact(train.rows) {
            predicted.push(vote(row, labels, k, temperature, classes));
        }
    }
    predicted
}

/// The class with the largest weight among the `k` most similar rows.
fn vote(similarity: &[f32], labels: &[u16], k: usize, temperature: f32, classes: usize) -> u16 {
    let mut order: Vec<usize> = (0..similarity.len()).collect();
    if k < order.len() {
        // Equal similarities are ordered by index, so that the vote is the same everywhere.
        order.select_nth_unstable_by(k, |&a, &b| {
            similarity[b].total_cmp(&similarity[a]).then(a.cmp(&b))
        });
        order.truncate(k);
        order.sort_unstable();
    }
    let mut weights = vec![0.0_f64; classes];
    for index in order {
        weights[usize::from(labels[index])] +=
            f64::from((similarity[index] - 1.0) / temperature).exp();
    }
    let mut best = 0;
    for (class, weight) in weights.iter().enumerate() {
        if *weight > weights[best] {
            best = class;
        }
    }
    best as u16
}

/// Rows divided by their norms; a zero row stays zero.
fn unit_rows(matrix: Tensor<2>) -> Tensor<2> {
    let norms = (matrix.clone() * matrix.clone())
        .sum_dim(1)
        .sqrt()
        .clamp_min(1e-12);
    matrix / norms
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(rows: &[[f32; 2]]) -> Features {
        Features {
            values: rows.concat(),
            rows: rows.len(),
            dim: 2,
        }
    }

    #[test]
    fn neighbours_vote_by_angle_not_by_length() {
        let device = Device::flex();
        let train = features(&[[1.0, 0.0], [5.0, 0.5], [0.0, 1.0], [-0.1, 9.0], [0.1, 1.0]]);
        let labels = [0, 0, 1, 1, 1];
        let test = features(&[[100.0, 1.0], [0.01, 0.2], [1.0, 0.9]]);
        assert_eq!(predict(&train, &labels, &test, 2, 0.07, &device), [0, 1, 0]);
        // With every row voting at a high temperature the majority wins.
        assert_eq!(predict(&train, &labels, &test, 99, 1e6, &device), [1, 1, 1]);
    }

    #[test]
    fn chunks_do_not_change_the_answer() {
        let device = Device::flex();
        let row = |i: usize| [(i as f32 * 0.37).cos(), (i as f32 * 0.37).sin()];
        let train = features(&(0..97).map(row).collect::<Vec<_>>());
        let labels: Vec<u16> = (0..97).map(|i| (i % 7) as u16).collect();
        let queries: Vec<[f32; 2]> = (0..CHUNK + 3).map(|i| row(i * 3 + 1)).collect();
        let all = predict(&train, &labels, &features(&queries), 1, 0.1, &device);
        for i in [0, CHUNK - 1, CHUNK, CHUNK + 2] {
            let one = predict(&train, &labels, &features(&queries[i..=i]), 1, 0.1, &device);
            assert_eq!(one[0], all[i]);
        }
    }
}
