//! k-nearest-neighbour probe: cosine similarity, votes weighted by `exp(s/τ)`
//! (Wu et al. 2018, "Unsupervised feature learning via non-parametric instance
//! discrimination", section 3.4). No parameters, so nothing to tune.

use burn::tensor::{Device, Tensor};

use super::{features::Features, scores::Scores};
use crate::config::ProbeConfig;

/// Test rows whose similarities are held at a time.
const CHUNK: usize = 512;

/// Votes for each class, by test row. A class that none of the neighbours belongs to is
/// no guess, also not the fifth of five.
pub fn scores(
    [train, test]: [&Features; 2],
    labels: &[u16],
    classes: usize,
    config: &ProbeConfig,
    device: &Device,
) -> Scores {
    let k = config.knn_k.min(train.rows);
    let temperature = config.knn_temperature;
    let bank = unit_rows(train.tensor(device)).transpose();
    let queries = unit_rows(test.tensor(device));
    let mut votes = Vec::with_capacity(test.rows * classes);
    for start in (0..test.rows).step_by(CHUNK) {
        let rows = CHUNK.min(test.rows - start);
        let chunk = queries.clone().slice([start..start + rows]);
        let similarity: Vec<f32> = chunk
            .matmul(bank.clone())
            .into_data()
            .iter::<f32>()
            .collect();
        for row in similarity.chunks_exact(train.rows) {
            votes.extend(vote(row, labels, k, temperature, classes));
        }
    }
    Scores::new(votes, classes)
}

/// The weights of the `k` most similar rows, summed by class.
fn vote(
    similarity: &[f32],
    labels: &[u16],
    k: usize,
    temperature: f32,
    classes: usize,
) -> Vec<f64> {
    let mut order: Vec<usize> = (0..similarity.len()).collect();
    if k < order.len() {
        // Equal similarities are ordered by index, so that the vote is the same everywhere.
        order.select_nth_unstable_by(k, |&a, &b| {
            similarity[b].total_cmp(&similarity[a]).then(a.cmp(&b))
        });
        order.truncate(k);
        order.sort_unstable();
    }
    let mut weights = vec![f64::NEG_INFINITY; classes];
    for index in order {
        let sum = &mut weights[usize::from(labels[index])];
        *sum = sum.max(0.0) + f64::from((similarity[index] - 1.0) / temperature).exp();
    }
    weights
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

    fn probe(knn_k: usize, knn_temperature: f32) -> ProbeConfig {
        ProbeConfig {
            knn_k,
            knn_temperature,
            ..ProbeConfig::default()
        }
    }

    #[test]
    fn neighbours_vote_by_angle_not_by_length() {
        let device = Device::flex();
        let train = features(&[[1.0, 0.0], [5.0, 0.5], [0.0, 1.0], [-0.1, 9.0], [0.1, 1.0]]);
        let labels = [0, 0, 1, 1, 1];
        let test = features(&[[100.0, 1.0], [0.01, 0.2], [1.0, 0.9]]);
        let predict = |config| scores([&train, &test], &labels, 2, &config, &device).predicted();
        assert_eq!(predict(probe(2, 0.07)), [Some(0), Some(1), Some(0)]);
        // With every row voting at a high temperature the majority wins.
        assert_eq!(predict(probe(99, 1e6)), [Some(1); 3]);
    }

    #[test]
    fn a_class_without_votes_is_not_among_five() {
        let device = Device::flex();
        let train = features(&[[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]]);
        let test = features(&[[1.0, 0.0]]);
        let scores = scores([&train, &test], &[3, 4, 5], 7, &probe(2, 0.1), &device);
        let names: Vec<String> = (0..7).map(|class| class.to_string()).collect();
        let top5 = |label| scores.verdict(&[label], &names).top.top5;
        assert_eq!([0, 3, 4, 5].map(top5), [0.0, 1.0, 1.0, 0.0]);
    }

    #[test]
    fn chunks_do_not_change_the_answer() {
        let device = Device::flex();
        let row = |i: usize| [(i as f32 * 0.37).cos(), (i as f32 * 0.37).sin()];
        let train = features(&(0..97).map(row).collect::<Vec<_>>());
        let labels: Vec<u16> = (0..97).map(|i| (i % 7) as u16).collect();
        let queries: Vec<[f32; 2]> = (0..CHUNK + 3).map(|i| row(i * 3 + 1)).collect();
        let predict = |test: &Features| {
            let sets = [&train, test];
            scores(sets, &labels, 7, &probe(1, 0.1), &device).predicted()
        };
        let all = predict(&features(&queries));
        for i in [0, CHUNK - 1, CHUNK, CHUNK + 2] {
            assert_eq!(predict(&features(&queries[i..=i]))[0], all[i]);
        }
    }
}
