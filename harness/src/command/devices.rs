//! `harness devices`: what there is to compute on, and why something is not.
//!
//! For people on stderr, for programs as one line of JSON on stdout. That there is no
//! GPU is an answer, not a failure.

use std::fmt;

use clap::ValueEnum;
use serde::Serialize;

use super::print_json;
use crate::{backend::BackendKind, cli::devices::DevicesArgs, error::Error};

/// The last line on stdout.
#[derive(Serialize)]
struct Report {
    cpu: Cpu,
    /// Every value of `--backend`.
    backends: Vec<Backend>,
    /// Whether this build has the CUDA kernels.
    cuda_kernels: bool,
    /// The GPUs that the driver shows, if it was asked.
    gpus: Vec<Gpu>,
    /// Why none are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    no_gpus: Option<String>,
}

/// The processor.
#[derive(Serialize)]
struct Cpu {
    /// What `--threads 0` takes.
    threads: usize,
    /// The vector instructions that the kernels choose on it.
    instructions: &'static str,
}

/// A value of `--backend`.
#[derive(Serialize)]
struct Backend {
    name: &'static str,
    usable: bool,
    /// Why not, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// A GPU.
#[derive(Serialize)]
struct Gpu {
    ordinal: u32,
    name: String,
    compute_capability: String,
    memory_bytes: usize,
    /// The CUDA version that its driver is for.
    driver: String,
    usable: bool,
    /// Why not, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

pub(super) fn run(_: DevicesArgs) -> Result<(), Error> {
    let (gpus, no_gpus) = match gpus() {
        Ok(gpus) => (gpus, None),
        Err(reason) => (Vec::new(), Some(reason)),
    };
    let report = Report {
        cpu: Cpu {
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            instructions: instructions(),
        },
        backends: BackendKind::value_variants().iter().map(backend).collect(),
        cuda_kernels: cfg!(feature = "cuda"),
        gpus,
        no_gpus,
    };
    eprint!("{report}");
    print_json(&report)
}

fn backend(kind: &BackendKind) -> Backend {
    let reason = kind.device().err().map(|error| error.to_string());
    Backend {
        name: kind.name(),
        usable: reason.is_none(),
        reason,
    }
}

/// The GPUs, whether the kernels run on them or not.
#[cfg(feature = "cuda")]
fn gpus() -> Result<Vec<Gpu>, String> {
    let devices = kernels_cuda::cuda::devices().map_err(|error| error.to_string())?;
    let dotted = |(major, minor): (i32, i32)| format!("{major}.{minor}");
    let gpus = devices.into_iter().map(|info| {
        let reason = info.check().err().map(|error| error.to_string());
        Gpu {
            ordinal: info.ordinal,
            compute_capability: dotted(info.compute_capability),
            memory_bytes: info.memory,
            driver: dotted(info.driver),
            name: info.name,
            usable: reason.is_none(),
            reason,
        }
    });
    Ok(gpus.collect())
}

#[cfg(not(feature = "cuda"))]
fn gpus() -> Result<Vec<Gpu>, String> {
    Err(format!(
        "this build has no CUDA kernels and does not look for GPUs; `{} devices` builds one that \
         does, as the README's section \"On a GPU\" says",
        crate::backend::CUDA_BUILD
    ))
}

/// As `kernels-core` chooses them.
fn instructions() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        use std::is_x86_feature_detected as has;
        let fused = has!("fma");
        if fused && has!("avx512f") && has!("avx512bw") && has!("avx512dq") && has!("avx512vl") {
            return "AVX-512";
        }
        if fused && has!("avx2") {
            return "AVX2 and FMA";
        }
        "SSE2"
    }
    #[cfg(not(target_arch = "x86_64"))]
    "those that the program was compiled for"
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cpu {
            threads,
            instructions,
        } = self.cpu;
        writeln!(
            out,
            "CPU: {threads} threads, vector instructions: {instructions}"
        )?;
        for gpu in &self.gpus {
            writeln!(
                out,
                "NVIDIA GPU {}: {}, compute capability {}, {:.1} GiB, driver for CUDA {}: {}",
                gpu.ordinal,
                gpu.name,
                gpu.compute_capability,
                gpu.memory_bytes as f64 / f64::from(1 << 30),
                gpu.driver,
                gpu.reason.as_deref().unwrap_or("can be used")
            )?;
        }
        if self.no_gpus.is_some() {
            // Why is what `--backend cuda` says too.
            writeln!(out, "NVIDIA GPUs: none, see --backend cuda")?;
        }
        for backend in &self.backends {
            match &backend.reason {
                None => writeln!(out, "--backend {}: can be used", backend.name)?,
                Some(reason) => writeln!(out, "{reason}")?,
            }
        }
        Ok(())
    }
}
