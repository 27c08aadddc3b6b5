//! Augmented views per second, on one thread: what feeds the encoder.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use harness_images::{
    augment::{AugmentConfig, Normalize, Scratch, Stream, generator, view},
    data::Images,
};

fn views(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("views");
    let cases = [
        ("digits 28x28", 1, AugmentConfig::digits(28)),
        ("simclr 32x32", 3, AugmentConfig::simclr_small(32)),
        ("simclr with blur 96x96", 3, AugmentConfig::simclr_photo(96)),
    ];
    for (name, channels, config) in cases {
        let size = config.size;
        let mut images = Images::empty([channels, size, size]);
        images.pixels = (0..8 * channels * size * size)
            .map(|i| (i * 31 % 251) as u8)
            .collect();
        let normalize = Normalize::identity(channels);
        let mut scratch = Scratch::default();
        let mut out = vec![0.0; channels * size * size];
        let mut number = 0_usize;
        group.throughput(Throughput::Elements(1));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                number += 1;
                let mut rng = generator(0, 0, number as u64, Stream::ViewA);
                let image = images.get(number % 8);
                view(image, &config, &normalize, &mut rng, &mut scratch, &mut out)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, views);
criterion_main!(benches);
