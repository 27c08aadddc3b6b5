//! The command line that all peers share.

use clap::{Parser, ValueEnum};

/// A scalar type to time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Dtype {
    /// Single precision
    F32,
    /// Double precision
    F64,
}

impl Dtype {
    /// As it is written on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }
}

/// Where the kernel gets its costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Source {
    /// An n×m matrix, built inside the timing, and the kernel stored beside it
    Matrix,
    /// The matrix alone: exponentials in every iteration
    MatrixOnly,
    /// The clouds themselves, nothing of size n×m: costs computed in every iteration
    Points,
    /// The clouds, and the kernel stored
    PointsStored,
}

impl Source {
    /// Whether there is a cost matrix.
    #[must_use]
    pub fn has_matrix(self) -> bool {
        matches!(self, Self::Matrix | Self::MatrixOnly)
    }

    /// Whether the kernel is stored.
    #[must_use]
    pub fn stores_kernel(self) -> bool {
        matches!(self, Self::Matrix | Self::PointsStored)
    }
}

/// Options of one timing.
#[derive(Clone, Debug, Parser)]
pub struct Args {
    /// Points of the first cloud; for NT-Xent the rows of both views together
    #[arg(long, default_value_t = 1024)]
    pub n: usize,
    /// Points of the second cloud (0: as many as in the first)
    #[arg(long, default_value_t = 0)]
    pub m: usize,
    /// Numbers in a point
    #[arg(long, default_value_t = 128)]
    pub d: usize,
    /// Strength of the entropic term
    #[arg(long, default_value_t = 0.05)]
    pub eps: f64,
    /// Iterations, all of which are made
    #[arg(long, default_value_t = 50)]
    pub iters: usize,
    /// Scalar type
    #[arg(long, value_enum, default_value = "f32")]
    pub dtype: Dtype,
    /// Threads
    #[arg(long, default_value_t = 2)]
    pub threads: usize,
    /// Timed runs, after one that is not counted
    #[arg(long, default_value_t = 3)]
    pub repeat: usize,
    /// Which problem
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Temperature of NT-Xent
    #[arg(long, default_value_t = 0.5)]
    pub tau: f64,
    /// Where Sinkhorn's costs come from
    #[arg(long, value_enum, default_value = "matrix")]
    pub source: Source,
}

impl Args {
    /// Reads the command line and makes the pool of threads.
    ///
    /// # Errors
    /// When the threads cannot be started.
    pub fn read() -> Result<Self, rayon::ThreadPoolBuildError> {
        let mut args = Self::parse();
        if args.m == 0 {
            args.m = args.n;
        }
        rayon::ThreadPoolBuilder::new()
            .num_threads(args.threads)
            .build_global()?;
        Ok(args)
    }
}
