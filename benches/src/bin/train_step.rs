//! Times a full training step of the harness: forward, loss, backward, optimiser.
//!
//! `--rows` images of 32×32 go through the network per step (half of them view A,
//! half view B), as in `scripts/pytorch_step.py`, which prints the same line:
//!
//! ```sh
//! cargo run --release -p benches --features train-step --bin train_step -- \
//!     --stem small --rows 64 --threads 2
//! ```

use std::time::Instant;

use clap::Parser;
use harness::{
    augment::ViewBatch,
    backend::{BackendKind, set_threads},
    config::{Recipe, TrainConfig},
    data::DatasetKind,
    loss::Method,
    model::StemKind,
    train::{schedule::Plan, trainer::Trainer},
};

#[derive(Parser)]
struct Args {
    /// First layers of the encoder
    #[arg(long, value_enum, default_value = "small")]
    stem: StemKind,
    /// What computes
    #[arg(long, value_enum, default_value = "flex")]
    backend: BackendKind,
    /// Training method
    #[arg(long, value_enum, default_value = "simclr")]
    method: Method,
    /// Views in a step
    #[arg(long, default_value_t = 64)]
    rows: usize,
    /// Height and width of a view
    #[arg(long, default_value_t = 32)]
    size: usize,
    /// Threads
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Timed steps
    #[arg(long, default_value_t = 10)]
    steps: usize,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args = Args::parse();
    set_threads(args.threads)?;
    let mut config = TrainConfig::new(Recipe::Quick, DatasetKind::Cifar10, args.method);
    config.model.stem = args.stem;
    config.schedule.batch_size = args.rows / 2;
    config.compute.backend = args.backend;
    let device = args.backend.device()?;
    let plan = Plan::new(1000 * args.rows, &config.schedule)?;
    let mut trainer = Trainer::new(&config, [3, args.size, args.size], plan, &device);
    let (mut seconds, mut loss_share, mut loss) = (Vec::new(), Vec::new(), 0.0);
    let mut cpu = None;
    // Two steps are not counted: the first ones allocate and, with LibTorch, choose algorithms.
    for step in 0..args.steps + 2 {
        let batch = batch(args.rows / 2, 3 * args.size * args.size);
        if step == 2 {
            cpu = cpu_seconds();
        }
        let start = Instant::now();
        let report = trainer.step(vec![batch])?;
        let elapsed = start.elapsed().as_secs_f64();
        loss = report.terms.loss;
        if step >= 2 {
            seconds.push(elapsed);
            loss_share.push(report.loss_seconds / elapsed);
        }
    }
    let cpu = cpu_seconds()
        .zip(cpu)
        .map(|(now, then)| (now - then) / args.steps as f64);
    let median = median(&mut seconds);
    println!(
        "{}",
        serde_json::json!({
            "peer": format!("harness {}", args.backend.name()),
            "method": args.method.name(),
            "stem": args.stem.name(),
            "rows": args.rows,
            "threads": args.threads,
            "sec": median,
            "best": seconds[0],
            "cpu_sec": cpu,
            "images_per_second": args.rows as f64 / median,
            "loss_share": self::median(&mut loss_share),
            "loss": loss,
        })
    );
    Ok(())
}

/// Two views of noise: the time of a step does not depend on the pixels.
fn batch(images: usize, pixels: usize) -> ViewBatch {
    let mut state = 1_u64;
    let mut noise = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    let mut view = || (0..images * pixels).map(|_| noise()).collect::<Vec<f32>>();
    let (a, b) = (view(), view());
    ViewBatch {
        index: 0,
        images: (0..images as u32).collect(),
        a,
        b,
    }
}

/// Processor time of this process so far, where the system tells (Linux): on a machine
/// with other work it varies less than the time on the wall.
fn cpu_seconds() -> Option<f64> {
    let line = std::fs::read_to_string("/proc/self/stat").ok()?;
    // After the name in parentheses: user and system time are fields 14 and 15, in
    // hundredths of a second.
    let fields: Vec<&str> = line.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |field: usize| fields.get(field - 3)?.parse::<f64>().ok();
    Some((ticks(14)? + ticks(15)?) / 100.0)
}

/// Sorts, and gives the middle.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
