//! Limits and the configuration file.

use super::super::{AugmentConfig, AugmentError};

fn presets() -> Vec<AugmentConfig> {
    let [a, b] = AugmentConfig::byol_small(32);
    vec![
        AugmentConfig::none(1),
        AugmentConfig::simclr_small(32),
        AugmentConfig::simclr_photo(96),
        a,
        b,
        AugmentConfig::vicreg_small(32),
        AugmentConfig::digits(28),
    ]
}

#[test]
fn presets_are_valid_and_survive_a_file() {
    for preset in presets() {
        preset.validate().unwrap();
        let text = toml::to_string_pretty(&preset).unwrap();
        assert_eq!(
            toml::from_str::<AugmentConfig>(&text).unwrap(),
            preset,
            "{text}"
        );
    }
}

#[test]
fn only_byols_second_view_is_solarized() {
    let [a, b] = AugmentConfig::byol_small(32);
    assert_eq!((a.solarize.probability, b.solarize.probability), (0.0, 0.2));
    assert_eq!(
        AugmentConfig {
            solarize: b.solarize,
            ..a
        },
        b
    );
}

#[test]
fn what_is_not_in_the_file_is_off_and_what_is_unknown_refused() {
    let text = "size = 32\ncrop_scale = [0.2, 1.0]\ncrop_ratio = [1.0, 1.0]\n\
                flip = 0.0\ngrayscale = 0.0\n";
    let config: AugmentConfig = toml::from_str(text).unwrap();
    assert_eq!(
        config,
        AugmentConfig {
            crop_scale: [0.2, 1.0],
            ..AugmentConfig::none(32)
        }
    );
    let error = toml::from_str::<AugmentConfig>(&format!("{text}grey = 0.1\n")).unwrap_err();
    assert!(error.to_string().contains("grey"), "{error}");
}

/// A field's name, and a change that spoils it.
type Spoil = (&'static str, fn(&mut AugmentConfig, f32));

#[test]
fn refuses_nonsense_and_names_the_field() {
    // Each of these is refused for values below 0, NaN and infinities.
    let fields: [Spoil; 17] = [
        ("flip", |c, v| c.flip = v),
        ("grayscale", |c, v| c.grayscale = v),
        ("crop_scale", |c, v| c.crop_scale[0] = v),
        ("crop_scale", |c, v| c.crop_scale[1] = v),
        ("crop_ratio", |c, v| c.crop_ratio[0] = v),
        ("crop_ratio", |c, v| c.crop_ratio[1] = v),
        ("affine.probability", |c, v| c.affine.probability = v),
        ("affine.degrees", |c, v| c.affine.degrees = v),
        ("affine.translate", |c, v| c.affine.translate = v),
        ("jitter.probability", |c, v| c.jitter.probability = v),
        ("jitter.brightness", |c, v| c.jitter.brightness = v),
        ("jitter.contrast", |c, v| c.jitter.contrast = v),
        ("jitter.saturation", |c, v| c.jitter.saturation = v),
        ("jitter.hue", |c, v| c.jitter.hue = v),
        ("blur.probability", |c, v| c.blur.probability = v),
        ("blur.sigma", |c, v| c.blur.sigma[0] = v),
        ("solarize.threshold", |c, v| c.solarize.threshold = v),
    ];
    for (name, spoil) in fields {
        for value in [-0.1, f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut config = AugmentConfig::simclr_photo(96);
            spoil(&mut config, value);
            let error = config.validate().unwrap_err();
            let AugmentError::Config { field, .. } = error else {
                panic!("{error}")
            };
            assert_eq!(field, name, "value {value}");
        }
    }
    // Bounds of their own.
    let bounds: [(Spoil, f32); 6] = [
        (("flip", |c, v| c.flip = v), 1.01),
        (("crop_scale", |c, v| c.crop_scale[1] = v), 1.01),
        (("crop_scale", |c, v| c.crop_scale[0] = v), 0.0),
        (("jitter.hue", |c, v| c.jitter.hue = v), 0.51),
        (("blur.sigma", |c, v| c.blur.sigma[0] = v), 0.0),
        (
            ("solarize.probability", |c, v| c.solarize.probability = v),
            1.01,
        ),
    ];
    for ((name, spoil), value) in bounds {
        let mut config = AugmentConfig::simclr_photo(96);
        spoil(&mut config, value);
        let error = config.validate().unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("augment.{name}: expected ")),
            "{error}"
        );
        assert!(error.contains(&value.to_string()), "{error}");
    }
    for size in [0, 4097] {
        let error = AugmentConfig::none(size)
            .validate()
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("augment.size") && error.contains(&size.to_string()),
            "{error}"
        );
    }
}
