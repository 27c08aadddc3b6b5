//! `harness train`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use super::print_json;
use crate::{
    backend,
    cli::train::TrainArgs,
    config::TrainConfig,
    error::Error,
    run::{RunDir, interrupt::Interrupt},
    train::{Finish, Options, load, schedule::Plan, train},
};

/// Trains, and says how it ended.
pub(super) fn run(args: &TrainArgs) -> Result<ExitCode, Error> {
    let reopened = if args.resume {
        Some(reopen(args)?)
    } else {
        None
    };
    let config = match &reopened {
        Some((config, _)) => config.clone(),
        None => args.new_run()?,
    };
    config.validate()?;
    if args.print_config {
        print!("{}", config.to_toml()?);
        return Ok(ExitCode::SUCCESS);
    }
    config.compute.backend.device()?;
    backend::set_threads(config.compute.threads)?;
    let data = load(&config)?;
    Plan::new(data.pretrain.len(), &config.schedule)?;
    // Only now, when nothing foreseeable can go wrong, does a new run get its folder.
    let dir = match reopened {
        Some((_, dir)) => dir,
        None => begin(args, &config)?,
    };
    let _lock = dir.lock()?;
    dir.write_config(&config.to_toml()?)?;
    let interrupt = Interrupt::install()?;
    eprintln!(
        "run folder {}: {} on {}, seed {}, {} epochs",
        dir.path().display(),
        config.method().name(),
        config.data.dataset.name(),
        config.seed,
        config.schedule.epochs
    );
    let options = Options {
        resume: args.resume,
        stop_after: args.stop_after,
        untrained_cache: args.untrained_cache.as_deref(),
    };
    match train(&config, &data, &dir, options, interrupt)? {
        Finish::Complete(outcome) => {
            let (trained, untrained) = (&outcome.result.trained, &outcome.result.untrained);
            for (probe, trained, untrained) in [
                ("linear probe", trained.linear, untrained.linear),
                ("perceptron", trained.mlp, untrained.mlp),
                ("k-NN", trained.knn, untrained.knn),
            ] {
                let [trained, untrained] = [trained, untrained].map(|top| 100.0 * top.top1);
                eprintln!("{probe:<12} {trained:6.2} % (untrained {untrained:.2} %)");
            }
            if let Some(figure) = &outcome.figure {
                eprintln!("{figure}");
            }
            print_json(&*outcome)?;
            Ok(ExitCode::SUCCESS)
        }
        Finish::Paused => {
            eprintln!("paused as --stop-after asked; {}", resume_hint(&dir));
            Ok(ExitCode::SUCCESS)
        }
        Finish::Interrupted(signal) => {
            eprintln!("interrupted and saved; {}", resume_hint(&dir));
            Ok(ExitCode::from(signal.exit_code()))
        }
    }
}

fn resume_hint(dir: &RunDir) -> String {
    format!(
        "continue with: harness train --resume --out {}",
        dir.path().display()
    )
}

/// The folder of a new run.
fn begin(args: &TrainArgs, config: &TrainConfig) -> Result<RunDir, Error> {
    let path = args.out.clone().unwrap_or_else(|| free_folder(config));
    Ok(RunDir::create(&path)?)
}

/// The run to continue, with the options that may change.
fn reopen(args: &TrainArgs) -> Result<(TrainConfig, RunDir), Error> {
    let dir = RunDir::open(&args.out.clone().unwrap_or_default())?;
    let stored = TrainConfig::from_toml(&dir.read_config()?)?;
    let config = args.resumed(&stored).map_err(Error::Resume)?;
    Ok((config, dir))
}

/// `runs/METHOD-DATASET-sSEED`, or the first numbered one that does not exist.
fn free_folder(config: &TrainConfig) -> PathBuf {
    let name = format!(
        "{}-{}-s{}",
        config.method().name(),
        config.data.dataset.name(),
        config.seed
    );
    let numbered = |n: u32| match n {
        1 => Path::new("runs").join(&name),
        n => Path::new("runs").join(format!("{name}-{n}")),
    };
    (1..)
        .map(numbered)
        .find(|path| !path.exists())
        .unwrap_or_else(|| numbered(1))
}
