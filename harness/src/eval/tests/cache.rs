//! The feature cache: what is found again, and what is not.

use burn::{module::Module, tensor::Device};

use harness_study::cell::{Judgement, TopK};

use crate::{
    augment::Normalize,
    config::{Recipe, TrainConfig},
    data::{self, Dataset, DatasetKind},
    eval::{
        FeatureSets, Features,
        cache::{Cache, Lookup, Which},
        fingerprint,
        untrained::Kept,
    },
    loss::Method,
    model::{ResNet18, StemKind},
    run::RunDir,
};

struct Setting {
    config: TrainConfig,
    encoder: ResNet18,
    data: Dataset,
    normalize: Normalize,
}

impl Setting {
    fn new(seed: u64, limit: usize) -> Self {
        let device = Device::flex();
        device.seed(seed);
        let options = data::LoadOptions {
            limit: Some(limit),
            ..data::LoadOptions::default()
        };
        let data = data::load(DatasetKind::Synthetic, &options, &data::Silent).unwrap();
        Self {
            config: TrainConfig::new(Recipe::Quick, DatasetKind::Synthetic, Method::SinSim),
            encoder: ResNet18::new(StemKind::Torchvision, 3, &device).materialize(),
            normalize: Normalize::measure(&data.pretrain),
            data,
        }
    }

    /// The same, to be changed: a second draw would be another encoder, because tests
    /// share the generator.
    fn like(&self) -> Self {
        Self {
            config: self.config.clone(),
            encoder: self.encoder.clone(),
            data: self.data.clone(),
            normalize: self.normalize.clone(),
        }
    }

    fn cache(&self, dir: &RunDir) -> Cache {
        let (config, encoder) = (&self.config, &self.encoder);
        Cache::new(
            dir,
            Which::Trained,
            config,
            encoder,
            &self.data,
            &self.normalize,
        )
    }
}

fn sets() -> FeatureSets {
    let features = |rows: usize| Features {
        values: (0..rows * 3).map(|i| i as f32 * 0.1 - 0.7).collect(),
        rows,
        dim: 3,
    };
    FeatureSets {
        train: features(5),
        test: features(4),
    }
}

#[test]
fn what_is_kept_is_found_and_nothing_else() {
    let temp = tempfile::tempdir().unwrap();
    let dir = RunDir::create(&temp.path().join("run")).unwrap();
    let setting = Setting::new(1, 8);
    let cache = setting.cache(&dir);
    assert_eq!(cache.read(), Lookup::Absent);
    cache.write(&sets()).unwrap();
    assert_eq!(setting.cache(&dir).read(), Lookup::Found(sets()));

    // Other weights, more images, another pixel, another scaling, another backend: stale.
    let stale = |changed: &Setting, what| {
        assert_eq!(changed.cache(&dir).read(), Lookup::Stale, "{what}");
    };
    let mut other = setting.like();
    other.encoder = Setting::new(2, 8).encoder;
    stale(&other, "weights");
    let mut other = setting.like();
    other.data = Setting::new(1, 9).data;
    stale(&other, "images");
    let mut other = setting.like();
    let mut images = (*other.data.test.images).clone();
    images.pixels[77] ^= 1;
    other.data.test.images = images.into();
    stale(&other, "a pixel");
    let mut other = setting.like();
    other.normalize.mean[0] += 1e-6;
    stale(&other, "scaling");
    let mut other = setting.like();
    other.config.compute.backend = crate::backend::BackendKind::Torch;
    stale(&other, "backend");
    // The untrained encoder's are in a file of their own.
    let (config, encoder) = (&setting.config, &setting.encoder);
    let (data, normalize) = (&setting.data, &setting.normalize);
    let untrained = Cache::new(&dir, Which::Untrained, config, encoder, data, normalize);
    assert_eq!(untrained.read(), Lookup::Absent);
}

#[test]
fn a_damaged_file_is_never_believed() {
    let temp = tempfile::tempdir().unwrap();
    let dir = RunDir::create(&temp.path().join("run")).unwrap();
    let cache = Setting::new(1, 8).cache(&dir);
    cache.write(&sets()).unwrap();
    let good = std::fs::read(cache.path()).unwrap();
    // Cut anywhere, or one bit of the numbers turned.
    for length in [0, 7, 8, 100, good.len() - 4, good.len() - 1] {
        std::fs::write(cache.path(), &good[..length]).unwrap();
        assert!(matches!(cache.read(), Lookup::Damaged(_)), "{length} bytes");
    }
    let mut turned = good.clone();
    *turned.last_mut().unwrap() ^= 1;
    std::fs::write(cache.path(), &turned).unwrap();
    assert!(matches!(cache.read(), Lookup::Damaged(reason) if reason.contains("digest")));
    cache.write(&sets()).unwrap();
    assert_eq!(cache.read(), Lookup::Found(sets()));
}

#[test]
fn accuracies_are_shared_by_runs_that_begin_alike_and_no_others() {
    let key = |setting: &Setting| {
        let (config, encoder) = (&setting.config, &setting.encoder);
        fingerprint::of_judgement(config, encoder, &setting.data, &setting.normalize).unwrap()
    };
    let setting = Setting::new(1, 8);
    let mine = key(&setting);
    let mut byol = setting.like();
    byol.config = TrainConfig::new(Recipe::Quick, DatasetKind::Synthetic, Method::Byol);
    assert_eq!(key(&byol), mine, "the method does not count");

    let changes: [fn(&mut Setting); 7] = [
        |s| s.encoder = Setting::new(2, 8).encoder,
        |s| s.data = Setting::new(1, 9).data,
        |s| s.data.train.labels[0] ^= 1,
        |s| s.data.test.labels[3] ^= 1,
        |s| s.config.probe.linear_epochs += 1,
        |s| s.config.probe.knn_k += 1,
        |s| s.config.seed += 1,
    ];
    let others = changes.map(|change| {
        let mut other = setting.like();
        change(&mut other);
        key(&other)
    });
    for (i, other) in others.iter().enumerate() {
        assert_ne!(*other, mine, "change {i}");
    }

    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join("untrained");
    let kept = Kept::new(&folder, &mine);
    assert_eq!(kept.read(), None);
    let top = |top1, top5| TopK { top1, top5 };
    let judgement = Judgement {
        linear: top(0.1, 0.7),
        mlp: top(1.0 / 3.0, 1.0),
        knn: top(0.0, 0.5),
    };
    kept.write(judgement).unwrap();
    assert_eq!(Kept::new(&folder, &mine).read(), Some(judgement));
    assert_eq!(Kept::new(&folder, &others[0]).read(), None);

    // Cut, or a digit turned: not believed, and written anew.
    let path = folder.join(format!("{mine}.json"));
    let good = std::fs::read_to_string(&path).unwrap();
    for bad in [&good[..good.len() / 2], "", &good.replacen("0.7", "0.8", 1)] {
        std::fs::write(&path, bad).unwrap();
        assert_eq!(kept.read(), None, "{bad}");
    }
    kept.write(judgement).unwrap();
    assert_eq!(kept.read(), Some(judgement));
}
