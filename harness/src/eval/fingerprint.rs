//! Digests of what goes into a result: what two runs may share is told by them. Another
//! version of the program gives the same digest; where it would give other numbers, the
//! versions below are raised by hand.

use crate::{
    augment::Normalize,
    config::TrainConfig,
    data::{Dataset, Images},
    error::Error,
    model::{ResNet18, state_dict},
    run::digest,
};

/// Raised when equal inputs would give other features.
const FEATURES: &str = "1";
/// Raised when equal features would give other accuracies.
const PROBES: &str = "1";

/// Of features: weights, pixels, their scaling, the backend.
pub fn of_features(
    config: &TrainConfig,
    encoder: &ResNet18,
    data: &Dataset,
    normalize: &Normalize,
) -> String {
    let weights = state_dict::digest(&state_dict::state_dict(encoder));
    let scaling = format!("{:?} {:?}", normalize.mean, normalize.std);
    let shape = |images: &Images| format!("{:?} {}", images.shape(), images.len());
    let (train, test) = (&data.train.images, &data.test.images);
    digest::of_sections([
        ("version", FEATURES.as_bytes()),
        ("stem", config.model.stem.name().as_bytes()),
        ("weights", weights.as_bytes()),
        ("backend", config.compute.backend.name().as_bytes()),
        ("dataset", data.kind.name().as_bytes()),
        ("scaling", scaling.as_bytes()),
        ("train shape", shape(train).as_bytes()),
        ("train", train.pixels.as_slice()),
        ("test shape", shape(test).as_bytes()),
        ("test", test.pixels.as_slice()),
    ])
}

/// Of a judgement: features, labels, the probes' settings and their seed.
pub fn of_judgement(
    config: &TrainConfig,
    encoder: &ResNet18,
    data: &Dataset,
    normalize: &Normalize,
) -> Result<String, Error> {
    let features = of_features(config, encoder, data, normalize);
    let probe = serde_json::to_vec(&config.probe).map_err(Error::Json)?;
    let [train, test] = [&data.train.labels, &data.test.labels].map(|labels| {
        labels
            .iter()
            .flat_map(|l| l.to_le_bytes())
            .collect::<Vec<_>>()
    });
    Ok(digest::of_sections([
        ("version", PROBES.as_bytes()),
        ("features", features.as_bytes()),
        ("train labels", train.as_slice()),
        ("test labels", test.as_slice()),
        ("classes", data.classes.join("\n").as_bytes()),
        ("probe", probe.as_slice()),
        ("seed", &config.seed.to_le_bytes()),
    ]))
}
