//! Budgets: how long the reproduction may take, and so what a cell is.
//!
//! The sizes follow the throughput of the pure-Rust backend on one of the two busy cores of
//! a small server (Zen 3 with AVX2): ResNet-18 with torchvision's
//! stem trains on 60 images a second at 28 and at 32 pixels (the recorded
//! study in `docs/results/small`), with the full-resolution stem on an eighth of that
//! (`docs/results/speed.md`); features go seven times as fast. That is why CPU budgets give CIFAR
//! torchvision's stem, which costs accuracy and is said so in the report.

use clap::ValueEnum;

/// The paper's methods, in the order in which they are run, and SwAV beyond them.
pub const METHODS: [&str; 6] = ["sinsim", "simclr", "vicreg", "byol", "barlow-twins", "swav"];

/// The paper's data sets.
pub const DATASETS: [&str; 4] = ["mnist", "cifar10", "cifar100", "stl10"];

/// The weight of the transport term where λ is not what is varied.
pub const LAMBDA: f64 = 0.8;
/// The entropic regularisation where ε is not what is varied.
pub const EPSILON: f64 = 0.05;
/// Where the transport term acts where that is not what is varied.
pub const OT_ON: &str = "z";

/// How much a reproduction may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Budget {
    /// A minute or two: two methods, MNIST and CIFAR-10, a hundred images; shows that it works
    Ci,
    /// A quarter of an hour on 2 cores: everything once through, on a few hundred images
    Smoke,
    /// A night on 2 cores: MNIST, CIFAR-10, CIFAR-100, ten thousand images each, 3 seeds
    Small,
    /// One GPU: the published recipes at 200 epochs, all images, 3 seeds
    Full,
    /// One GPU, for weeks: the tables at 1000 epochs
    #[value(name = "full-1000")]
    Full1000,
}

/// What a budget does where nothing else is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Data sets.
    pub datasets: Vec<String>,
    /// Methods.
    pub methods: Vec<String>,
    /// Seeds.
    pub seeds: Vec<u64>,
    /// Data sets whose methods come first, and on which λ and ε are varied.
    pub leading: Vec<String>,
    /// Weights of the transport term in Figure 2; 0 is SimCLR.
    pub lambdas: Vec<f64>,
    /// Regularisations in Figure 3.
    pub epsilons: Vec<f64>,
    /// Where the transport term acts in Figure 3.
    pub ot_on: Vec<String>,
    /// Data sets that Figure 1 is drawn of.
    pub maps: Vec<String>,
    /// Points of a map.
    pub map_points: usize,
    /// Backend, where it is not the program's default.
    pub backend: Option<String>,
}

impl Budget {
    /// Name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ci => "ci",
            Self::Smoke => "smoke",
            Self::Small => "small",
            Self::Full => "full",
            Self::Full1000 => "full-1000",
        }
    }

    /// Its grid.
    pub fn plan(self) -> Plan {
        let all = Plan {
            datasets: texts(&DATASETS),
            methods: texts(&METHODS),
            seeds: vec![0, 1, 2],
            leading: texts(&["mnist", "cifar10"]),
            lambdas: vec![0.0, 0.01, 0.1, 0.3, LAMBDA, 1.0, 3.0],
            epsilons: vec![0.01, EPSILON, 0.2, 1.0],
            ot_on: texts(&["z", "h"]),
            maps: texts(&["mnist", "cifar10"]),
            map_points: 2000,
            backend: None,
        };
        match self {
            Self::Ci => Plan {
                datasets: texts(&["mnist", "cifar10"]),
                methods: texts(&["sinsim", "simclr"]),
                seeds: vec![0],
                leading: texts(&["mnist"]),
                lambdas: vec![0.0, LAMBDA, 3.0],
                epsilons: vec![EPSILON, 1.0],
                maps: texts(&["mnist"]),
                map_points: 100,
                ..all
            },
            Self::Smoke => Plan {
                seeds: vec![0, 1],
                leading: texts(&["mnist"]),
                lambdas: vec![0.0, 0.1, LAMBDA, 3.0],
                epsilons: vec![0.01, EPSILON, 1.0],
                maps: texts(&["mnist"]),
                map_points: 500,
                ..all
            },
            Self::Small => Plan {
                datasets: texts(&["mnist", "cifar10", "cifar100"]),
                ..all
            },
            Self::Full => Plan {
                leading: texts(&["cifar10"]),
                lambdas: vec![0.0, 0.01, 0.03, 0.1, 0.3, 0.5, LAMBDA, 1.0, 3.0, 10.0],
                epsilons: vec![0.01, 0.02, EPSILON, 0.1, 0.2, 0.5, 1.0],
                maps: texts(&["cifar10", "stl10"]),
                map_points: 5000,
                backend: Some("cuda".to_owned()),
                ..all
            },
            Self::Full1000 => Plan {
                leading: texts(&["cifar10"]),
                lambdas: Vec::new(),
                epsilons: Vec::new(),
                maps: texts(&["cifar10", "stl10"]),
                map_points: 5000,
                backend: Some("cuda".to_owned()),
                ..all
            },
        }
    }

    /// Arguments of `harness train` for a data set.
    pub fn train_args(self, dataset: &str) -> Vec<String> {
        let text = match (self, dataset) {
            (Self::Ci, _) => {
                "--recipe quick --stem torchvision --epochs 1 --limit 96 --batch-size 32 \
                 --test-limit 128 --linear-epochs 5 --mlp-epochs 3"
            }
            // 96 pixels: a probe looks at whole images, nine times the work of CIFAR's.
            (Self::Smoke, "stl10") => {
                "--recipe quick --stem torchvision --view-size 48 --epochs 1 --limit 256 \
                 --test-limit 256 --linear-epochs 20 --mlp-epochs 10"
            }
            (Self::Smoke, _) => {
                "--recipe quick --stem torchvision --epochs 1 --limit 512 --test-limit 500 \
                 --linear-epochs 20 --mlp-epochs 10"
            }
            (Self::Small, "stl10") => {
                "--recipe quick --stem torchvision --view-size 48 --epochs 4 --limit 5000 \
                 --test-limit 5000 --linear-epochs 100 --mlp-epochs 20"
            }
            (Self::Small, _) => {
                "--recipe quick --stem torchvision --epochs 3 --limit 10000 --test-limit 5000 \
                 --linear-epochs 100 --mlp-epochs 20"
            }
            (Self::Full, _) => "--recipe solo-learn --epochs 200",
            (Self::Full1000, _) => "--recipe solo-learn --epochs 1000",
        };
        text.split_whitespace().map(str::to_owned).collect()
    }

    /// Whether one cell has the machine to itself: it computes on the GPU.
    pub fn is_for_gpu(self) -> bool {
        matches!(self, Self::Full | Self::Full1000)
    }
}

fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}
