//! Options, recipes and configuration files.

use clap::ValueEnum;

use super::*;
use crate::loss::LossConfig;

#[test]
fn options_override_the_recipe() {
    let args = TrainArgs {
        dataset: Some(DatasetKind::Mnist),
        loss: LossArgs {
            lambda: Some(0.25),
            ..LossArgs::default()
        },
        limit: Some(7),
        view_size: Some(20),
        ..TrainArgs::default()
    };
    let config = args.new_run().unwrap();
    assert!(config.augment.iter().all(|view| view.size == 20));
    assert_eq!(config.data.limit, Some(7));
    assert_eq!(config.method(), Method::SinSim);
    assert!(matches!(&config.loss, LossConfig::SinSim(c) if c.lambda == 0.25));
}

#[test]
fn every_recipe_is_valid_and_survives_its_file() {
    for recipe in Recipe::value_variants() {
        for dataset in DatasetKind::value_variants() {
            for method in Method::value_variants() {
                let config = TrainConfig::new(*recipe, *dataset, *method);
                let text = config.to_toml().unwrap();
                assert_eq!(TrainConfig::from_toml(&text).unwrap(), config, "{text}");
                assert_eq!(config.method(), *method);
            }
        }
    }
}

#[test]
fn a_recipe_brings_its_protocol() {
    let probe = |recipe| TrainConfig::new(recipe, DatasetKind::Cifar10, Method::SimClr).probe;
    assert_eq!(probe(Recipe::Quick).linear_epochs, 100);
    for recipe in [Recipe::SoloLearn, Recipe::WMse, Recipe::Lightly] {
        assert_eq!(probe(recipe).linear_epochs, 500);
    }
    assert_eq!(probe(Recipe::SoloLearn).knn_k, 20);
    assert_eq!(probe(Recipe::WMse).knn_k, 5);
    let lightly = probe(Recipe::Lightly);
    assert_eq!((lightly.knn_k, lightly.knn_temperature), (200, 0.1));
}

#[test]
fn names_are_the_same_on_the_command_line_and_in_files() {
    for method in Method::value_variants() {
        assert_eq!(
            method.to_possible_value().unwrap().get_name(),
            method.name()
        );
        let config = TrainConfig::new(Recipe::Quick, DatasetKind::Mnist, *method);
        let line = format!("method = \"{}\"", method.name());
        assert!(config.to_toml().unwrap().contains(&line), "{line}");
    }
    for recipe in Recipe::value_variants() {
        assert_eq!(
            recipe.to_possible_value().unwrap().get_name(),
            recipe.name()
        );
        assert_eq!(serde_json::to_value(recipe).unwrap(), recipe.name());
    }
}

#[test]
fn a_configuration_file_is_a_whole_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.toml");
    let mut stored = TrainConfig::new(Recipe::Lightly, DatasetKind::Cifar10, Method::Byol);
    stored.seed = 5;
    std::fs::write(&path, stored.to_toml().unwrap()).unwrap();
    let args = TrainArgs {
        config: Some(path.clone()),
        epochs: Some(3),
        ..TrainArgs::default()
    };
    stored.schedule.epochs = 3;
    assert_eq!(args.new_run().unwrap(), stored);
    // From before the predictor had a rate of its own.
    let text = stored.to_toml().unwrap();
    let line = "predictor_lr_factor = 1.0\n";
    assert!(text.contains(line), "{text}");
    std::fs::write(&path, text.replace(line, "")).unwrap();
    assert_eq!(args.new_run().unwrap(), stored);
    std::fs::write(&path, "format = 2\nseeed = 1").unwrap();
    let message = args.new_run().unwrap_err().to_string();
    assert!(message.contains("--print-config"), "{message}");
    std::fs::remove_file(&path).unwrap();
    let message = args.new_run().unwrap_err().to_string();
    assert!(message.contains("run.toml"), "{message}");
}

#[test]
fn resuming_takes_more_epochs_but_no_other_experiment() {
    let stored = TrainArgs::default().new_run().unwrap();
    let more = TrainArgs {
        epochs: Some(9),
        threads: Some(1),
        ..TrainArgs::default()
    };
    assert_eq!(more.resumed(&stored).unwrap().schedule.epochs, 9);
    let other = TrainArgs {
        lr: Some(0.5),
        ..TrainArgs::default()
    };
    let message = other.resumed(&stored).unwrap_err();
    assert!(
        message.contains("lr = 0.001") && message.contains("lr = 0.5"),
        "{message}"
    );
    let other = TrainArgs {
        method: Some(Method::Byol),
        ..TrainArgs::default()
    };
    let message = other.resumed(&stored).unwrap_err();
    assert!(
        message.contains("sinsim") && message.contains("byol"),
        "{message}"
    );
}

#[test]
fn nonsense_is_refused_by_name() {
    let refuse = |args: TrainArgs, name: &str| {
        let checked = args.new_run().and_then(|config| config.validate());
        let message = checked.unwrap_err().to_string();
        assert!(message.starts_with(name), "{message}");
    };
    let loss = |loss| TrainArgs {
        loss,
        ..TrainArgs::default()
    };
    let d = TrainArgs::default;
    let constants = LossArgs::default;
    refuse(
        loss(LossArgs {
            epsilon: Some(f32::NAN),
            ..constants()
        }),
        "--epsilon",
    );
    refuse(
        loss(LossArgs {
            temperature: Some(0.0),
            ..constants()
        }),
        "--temperature",
    );
    refuse(
        TrainArgs {
            method: Some(Method::VicReg),
            ..loss(LossArgs {
                lambda: Some(1.0),
                ..constants()
            })
        },
        "--lambda: method vicreg",
    );
    let factor = |method, factor| TrainArgs {
        method: Some(method),
        ..loss(LossArgs {
            predictor_lr_factor: Some(factor),
            ..constants()
        })
    };
    refuse(factor(Method::Byol, 0.0), "--predictor-lr-factor");
    refuse(
        factor(Method::SimClr, 2.0),
        "--predictor-lr-factor: method simclr",
    );
    refuse(
        TrainArgs {
            prototypes: Some(3),
            ..d()
        },
        "--prototypes: method sinsim",
    );
    refuse(
        TrainArgs {
            head_layers: Some(4),
            ..d()
        },
        "--head-layers",
    );
    refuse(
        TrainArgs {
            lr: Some(f64::INFINITY),
            ..d()
        },
        "--lr",
    );
    refuse(
        TrainArgs {
            batch_size: Some(1),
            ..d()
        },
        "--batch-size",
    );
    refuse(
        TrainArgs {
            epochs: Some(0),
            ..d()
        },
        "--epochs",
    );
}

/// A study leaves out what a method does not have: its table says what that is.
#[test]
fn a_study_knows_which_options_a_method_has() {
    use clap::Parser;
    let values = |option: &str| match option {
        "--ot-cost" => "cosine",
        "--ot-scale" => "none",
        "--ot-on" => "h",
        "--ot-form" => "plain",
        "--epsilon-unit" => "absolute",
        "--max-iterations" | "--prototypes" | "--predictor-hidden" => "8",
        _ => "0.5",
    };
    for (option, methods) in harness_study::train_options::OF_METHODS {
        for method in Method::value_variants() {
            let words = [
                "harness",
                "train",
                "--method",
                method.name(),
                option,
                values(option),
            ];
            let cli = crate::cli::Cli::try_parse_from(words).unwrap();
            let crate::cli::Command::Train(args) = cli.command else {
                panic!("{words:?}");
            };
            let taken = args.new_run().is_ok();
            assert_eq!(taken, methods.contains(&method.name()), "{words:?}");
        }
    }
}
