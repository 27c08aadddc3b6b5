//! Sizes: for a GPU, for a quick look at one, and for an emulated one or a sanitizer.

use clap::ValueEnum;

use crate::workload::Spec;

/// How large the problems are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scale {
    /// For tools that slow a GPU down by far, and for the stub driver
    Small,
    /// All parts at sizes that take seconds
    Quick,
    /// What is to be reported
    Full,
}

impl Scale {
    /// Timed runs after those that are not counted.
    pub fn repeats(self) -> usize {
        match self {
            Self::Small => 2,
            Self::Quick => 20,
            Self::Full => 30,
        }
    }

    /// Rows and columns of the problems of parity: around warps and tiles, then larger.
    pub fn pairs(self) -> &'static [(usize, usize)] {
        match self {
            Self::Small => &[(1, 1), (33, 40)],
            Self::Quick => &[(1, 1), (31, 33), (257, 64), (300, 1000)],
            Self::Full => &[
                (1, 1),
                (2, 31),
                (33, 32),
                (64, 65),
                (255, 257),
                (256, 256),
                (1000, 300),
                (1024, 1024),
                (700, 1500),
                (200, 5000),
                (4096, 4096),
            ],
        }
    }

    /// Rows of both views and numbers of a row.
    pub fn batches(self) -> &'static [(usize, usize)] {
        match self {
            Self::Small => &[(8, 3), (66, 33)],
            Self::Quick => &[(8, 3), (66, 33), (512, 128)],
            Self::Full => &[
                (8, 3),
                (62, 31),
                (66, 33),
                (128, 64),
                (258, 65),
                (512, 128),
                (1024, 256),
                (2048, 512),
            ],
        }
    }

    /// What is timed; the most important first.
    pub fn workloads(self) -> Vec<Spec> {
        let sinkhorn = |n, dim, iterations| {
            [(true, false), (false, false), (true, true)].map(|(points, streamed)| Spec::Sinkhorn {
                n,
                dim,
                iterations,
                points,
                streamed,
            })
        };
        let (transports, contrasts, images, side) = match self {
            Self::Small => (vec![(33, 5, 3)], vec![(34, 5)], (9, 12), 40),
            Self::Quick => (
                vec![(4096, 128, 50), (1024, 128, 50)],
                vec![(8192, 128), (1024, 128)],
                (1024, 2048),
                8192,
            ),
            Self::Full => (
                vec![(4096, 128, 50), (1024, 128, 50), (16384, 128, 50)],
                vec![(8192, 128), (4096, 128), (1024, 128)],
                (1024, 2048),
                8192,
            ),
        };
        let transports = transports.into_iter();
        let mut specs: Vec<Spec> = transports
            .flat_map(|(n, dim, iterations)| sinkhorn(n, dim, iterations))
            .collect();
        specs.extend(
            contrasts
                .into_iter()
                .map(|(rows, dim)| Spec::NtXent { rows, dim }),
        );
        let (images, dim) = images;
        let rows = 2 * images;
        specs.extend([
            Spec::VicReg { rows, dim },
            Spec::BarlowTwins { rows, dim },
            Spec::Byol { rows, dim },
            Spec::LogSumExp {
                side,
                of_rows: true,
            },
            Spec::LogSumExp {
                side,
                of_rows: false,
            },
            Spec::MatrixProduct { side: side / 2 },
        ]);
        specs
    }
}
