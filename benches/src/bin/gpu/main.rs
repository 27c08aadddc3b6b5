//! kernels-cuda on a GPU: is it right, how long does it take, how far is it from what the
//! GPU allows. `scripts/gpu-check` runs it; without a GPU, on the stub driver.
//!
//! ```sh
//! gpu devices
//! gpu parity --scale full --lines parity.jsonl
//! gpu time --scale full --lines timings.jsonl
//! gpu roofline --scale full
//! ```
//!
//! | file | subject |
//! |---|---|
//! | `scale` | sizes |
//! | `parity`, `transport`, `losses` | every function against kernels-core in f64 |
//! | `workload`, `reference` | what is timed, and its value in f64 |
//! | `timing` | medians by the device's events |
//! | `profile`, `work`, `roofline` | each kernel's time, bytes and operations |

// `!(error <= tolerance)` is how a comparison lets NaN fail.
#![allow(clippy::neg_cmp_op_on_partial_ord)]

mod losses;
mod parity;
mod profile;
mod reference;
mod roofline;
mod scale;
mod timing;
mod transport;
mod work;
mod workload;

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use kernels_cuda::Cuda;
use kernels_cuda::cuda::devices;

use scale::Scale;

/// What a part of the program comes to.
pub type Answer<T> = Result<T, Box<dyn std::error::Error>>;

/// kernels-cuda on a GPU: parity, timings, roofline
#[derive(Debug, Parser)]
struct Args {
    #[command(subcommand)]
    command: Command,
    /// Number of the device
    #[arg(long, global = true, default_value_t = 0)]
    device: u32,
    /// Sizes
    #[arg(long, global = true, value_enum, default_value = "quick")]
    scale: Scale,
    /// File to which JSON lines are added
    #[arg(long, global = true)]
    lines: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The devices of this machine
    Devices,
    /// Every function beside kernels-core in f64; fails where one is off
    Parity,
    /// Medians by the device's events
    Time,
    /// Each kernel's time beside what its bytes and operations take at least
    Roofline {
        /// JSON lines of the ceilings that others measured
        #[arg(long)]
        ceilings: Option<PathBuf>,
    },
    /// One call of each timed function, for a profiler
    Once,
}

fn main() -> Answer<()> {
    let args = Args::parse();
    if matches!(args.command, Command::Devices) {
        for device in devices()? {
            println!("{device}");
        }
        return Ok(());
    }
    let device = Cuda::new(args.device)?;
    eprintln!("on {}", device.info());
    let lines = args.lines.as_deref();
    match args.command {
        Command::Devices => Ok(()),
        Command::Parity => parity::run(&device, args.scale, lines),
        Command::Time => timing::run(&device, args.scale, lines),
        Command::Roofline { ceilings } => {
            roofline::run(&device, args.scale, ceilings.as_deref(), lines)
        }
        Command::Once => timing::once(&device, args.scale),
    }
}
