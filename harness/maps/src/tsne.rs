//! t-SNE: a map whose neighbours are neighbours in truth, as far as a plane allows.
//!
//! The steps are those that its users have settled on (D. Kobak, P. Berens: The art of
//! using t-SNE for single-cell transcriptomics. Nature Communications 10, 2019):
//! principal components first, exact nearest neighbours in them, a start at the first
//! two components, so that the map's large shape means something, exaggerated attraction
//! for the first quarter, and a learning rate that grows with the number of points
//! (A. C. Belkina et al., same journal and year). The gradient, by the Barnes–Hut tree,
//! and the descent are those of crate `bhtsne`.
//!
//! That crate sums in an order that depends on the number of threads, and draws random
//! numbers without a seed. So it runs on one thread of its own here, and the two places
//! where it would draw are filled from outside: neighbours, and where the points begin.

use bhtsne::Neighbor;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{
    MapError, Pca, Place, Points,
    neighbours::{Near, nearest},
    pca,
};

/// What t-SNE can be told.
#[derive(Clone, Debug, PartialEq)]
pub struct TsneOptions {
    /// About how many neighbours a point has; from 2 to a third of the points.
    pub perplexity: f32,
    /// Length of a step; none is points / `early_exaggeration`, at least 200. It is that
    /// of the gradient without the factor 4: four times what scikit-learn calls so.
    pub learning_rate: Option<f32>,
    /// Steps, the first quarter of them exaggerated, but at most 250.
    pub iterations: usize,
    /// How much stronger neighbours attract each other there.
    pub early_exaggeration: f32,
    /// How large a cell may look, as a share of its distance, to be taken for one point;
    /// small is exact and slow.
    pub theta: f32,
    /// Principal components that distances are measured in.
    pub components: usize,
    /// Of the jitter that sets equal points apart at the start.
    pub seed: u64,
}

impl Default for TsneOptions {
    fn default() -> Self {
        Self {
            perplexity: 30.0,
            learning_rate: None,
            iterations: 1000,
            early_exaggeration: 12.0,
            theta: 0.5,
            components: 50,
            seed: 0,
        }
    }
}

/// Standard deviation of the first coordinate at the start: far below the distance at
/// which points feel each other, so that the start does not fix the result.
const START: f64 = 1e-4;
/// The jitter's, as a share of that.
const JITTER: f64 = 0.01;
/// The most iterations that are exaggerated.
const EXAGGERATED: usize = 250;

/// A place for each point. `tick` hears how many iterations are done.
pub fn tsne(
    points: &Points<'_>,
    options: &TsneOptions,
    mut tick: impl FnMut(usize) + Send,
) -> Result<Vec<Place>, MapError> {
    options.check(points.rows())?;
    let pca = pca(points, options.components)?;
    let start = start(&pca, points.rows(), options.seed);
    let reduced = Points::new(&pca.scores, points.rows(), pca.components)?;
    // Beyond three times the perplexity, a Gaussian has nothing left.
    let k = (3.0 * options.perplexity) as usize;
    let neighbours: Vec<Vec<Neighbor<f32>>> = nearest(&reduced, k)
        .iter()
        .map(|row| calibrated(row))
        .collect();

    let exaggerated = EXAGGERATED.min(options.iterations / 4);
    let rate = options.learning_rate(points.rows());
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let map = one.install(|| {
        // The points themselves are not looked at: their neighbours are known.
        let rows = vec![(); points.rows()];
        let mut tsne = bhtsne::tSNE::<f32, (), 2>::new(&rows);
        tsne.perplexity(options.perplexity)
            .learning_rate(rate)
            .epochs(options.iterations)
            .early_exaggeration(options.early_exaggeration)
            .stop_lying_epoch(exaggerated)
            .momentum_switch_epoch(exaggerated)
            .initial_embedding(start)
            .epoch_callback(|epoch, _| tick(epoch + 1))
            .barnes_hut_with_neighbors(options.theta, &neighbours);
        tsne.embedding()
    });
    let map: Vec<Place> = map
        .chunks_exact(2)
        .map(|place| [place[0], place[1]])
        .collect();
    let finite = |place: &Place| place.iter().all(|x| x.is_finite());
    match map.iter().position(|place| !finite(place)) {
        Some(row) => Err(MapError::Diverged { row }),
        None => Ok(map),
    }
}

/// Distances that give the same affinities as the true ones, whatever their scale: those
/// are exp(−β d²) over its sum in a row, with β found for the perplexity, so that a
/// row's d² may be shifted and scaled. The nearest is put at 0 and the mean square at 1,
/// which keeps the exponential inside of `f32` for the most remote point too.
fn calibrated(row: &[Near]) -> Vec<Neighbor<f32>> {
    let first = row.first().map_or(0.0, |near| near.0);
    let mean = row.iter().map(|near| near.0 - first).sum::<f32>() / row.len().max(1) as f32;
    let scale = if mean > 0.0 { 1.0 / mean } else { 0.0 };
    let neighbour = |&(square, index): &Near| Neighbor {
        index,
        distance: ((square - first) * scale).sqrt(),
    };
    row.iter().map(neighbour).collect()
}

/// The first two components, small, with a jitter: points that are equal would stay
/// together, and a missing second component would leave them all on a line.
pub(super) fn start(pca: &Pca, rows: usize, seed: u64) -> Vec<f32> {
    let map = pca.map();
    let square = |place: &Place| f64::from(place[0]) * f64::from(place[0]);
    let deviation = (map.iter().map(square).sum::<f64>() / rows as f64).sqrt();
    let scale = if deviation > 0.0 {
        START / deviation
    } else {
        0.0
    };
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut place = |x: &f32| {
        // Uniform, with the deviation that it should have: its half width over √3.
        let unit = f64::from(random.next_u32()) / f64::from(u32::MAX);
        let jitter = (2.0 * unit - 1.0) * 3f64.sqrt() * START * JITTER;
        (f64::from(*x) * scale + jitter) as f32
    };
    map.as_flattened().iter().map(&mut place).collect()
}

impl TsneOptions {
    /// The learning rate for so many points.
    pub fn learning_rate(&self, rows: usize) -> f32 {
        let automatic = (rows as f32 / self.early_exaggeration).max(200.0);
        self.learning_rate.unwrap_or(automatic)
    }

    fn check(&self, rows: usize) -> Result<(), MapError> {
        const OPERATION: &str = "t-SNE";
        let wrong = |name, got: String, expected| {
            Err(MapError::Option {
                operation: OPERATION,
                name,
                got,
                expected,
            })
        };
        // Forces are below the exaggeration, so that within these limits the largest
        // coordinate and its square stay inside of f32.
        if !(1.0..=100.0).contains(&self.early_exaggeration) {
            let got = self.early_exaggeration.to_string();
            return wrong("the early exaggeration", got, "1 to 100");
        }
        let rate = self.learning_rate(rows);
        if !(rate > 0.0 && rate <= 1e6) {
            return wrong(
                "the learning rate",
                rate.to_string(),
                "more than 0, up to 1000000",
            );
        }
        if !(1..=100_000).contains(&self.iterations) {
            let got = self.iterations.to_string();
            return wrong("the number of iterations", got, "1 to 100000");
        }
        if !(self.theta > 0.0 && self.theta <= 1.0) {
            return wrong("theta", self.theta.to_string(), "more than 0, up to 1");
        }
        if !(self.perplexity >= 2.0 && self.perplexity.is_finite()) {
            return wrong(
                "the perplexity",
                self.perplexity.to_string(),
                "a number from 2",
            );
        }
        // The smallest set that the smallest perplexity fits.
        if rows < 7 {
            return Err(MapError::TooFew {
                operation: OPERATION,
                least: 7,
                rows,
            });
        }
        let largest = (rows - 1) / 3;
        if self.perplexity > largest as f32 {
            return Err(MapError::Perplexity {
                perplexity: self.perplexity,
                rows,
                largest,
            });
        }
        Ok(())
    }
}
