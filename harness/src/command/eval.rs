//! `harness eval`: judges the encoder of a finished run again.

use harness_study::cell::TopK;
use serde::Serialize;

use super::{
    features::{FinishedRun, Source},
    print_json, verdict_table,
};
use crate::{
    cli::eval::EvalArgs,
    config::TrainConfig,
    error::Error,
    eval::{Probe, Verdict, cache::Which},
};

/// The last line on stdout, and `eval-PROBE.json`.
#[derive(Serialize)]
struct Report<'a> {
    run: String,
    probe: Probe,
    method: &'static str,
    dataset: &'static str,
    seed: u64,
    train_images: usize,
    test_images: usize,
    features: Source,
    #[serde(flatten)]
    verdict: &'a Verdict,
    /// The encoder that training began with, where `--untrained` asks for it.
    untrained: Option<TopK>,
}

pub(super) fn run(args: &EvalArgs) -> Result<(), Error> {
    let run = FinishedRun::open(&args.run, |config| configure(args, config))?;
    let (data, normalize) = run.data()?;
    let (config, device) = (&run.config, &run.device);
    let judge = |which| {
        let (sets, source) = run.features(which, &data, &normalize, !args.features.no_cache)?;
        let verdict = sets.judge(args.probe, &data, &config.probe, config.seed, device);
        Ok::<_, Error>((verdict, source))
    };
    let (verdict, source) = judge(Which::Trained)?;
    let untrained = if args.untrained {
        Some(judge(Which::Untrained)?.0.top)
    } else {
        None
    };
    verdict_table::print(&verdict, untrained);
    let report = Report {
        run: run.dir.path().display().to_string(),
        probe: args.probe,
        method: config.method().name(),
        dataset: config.data.dataset.name(),
        seed: config.seed,
        train_images: data.train.images.len(),
        test_images: data.test.images.len(),
        features: source,
        verdict: &verdict,
        untrained,
    };
    let name = format!("eval-{}.json", args.probe.name());
    let text = serde_json::to_string_pretty(&report).map_err(Error::Json)?;
    run.dir.write_file_atomic(&name, text.as_bytes())?;
    print_json(&report)
}

/// What the command line changes.
fn configure(args: &EvalArgs, config: &mut TrainConfig) {
    args.features.configure(config);
    let probe = &mut config.probe;
    probe.knn_k = args.knn_k.unwrap_or(probe.knn_k);
    probe.knn_temperature = args.knn_temperature.unwrap_or(probe.knn_temperature);
    probe.mlp_hidden = args.mlp_hidden.unwrap_or(probe.mlp_hidden);
    probe.mlp_epochs = args.mlp_epochs.unwrap_or(probe.mlp_epochs);
    probe.linear_epochs = args.linear_epochs.unwrap_or(probe.linear_epochs);
}
