//! Options of `harness reproduce`, `harness sweep` and `harness report`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, builder::PossibleValuesParser};

use crate::{
    budget::{Budget, DATASETS, METHODS},
    cell::Cell,
    grid::Request,
    shard::Shard,
    train_options,
};

mod value;

pub use value::quoted;
use value::{at_least_one, minutes, not_negative, positive};

/// Options of `harness reproduce`.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "What")]
pub struct ReproduceArgs {
    /// How much it may cost
    #[arg(long, value_enum, default_value = "smoke")]
    pub budget: Budget,
    /// Data sets, separated by commas [default: those of the budget]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    #[arg(value_parser = PossibleValuesParser::new(DATASETS))]
    pub datasets: Vec<String>,
    /// Methods, separated by commas [default: those of the budget]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    #[arg(value_parser = PossibleValuesParser::new(METHODS))]
    pub methods: Vec<String>,
    /// Seeds, separated by commas [default: those of the budget]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub seeds: Vec<u64>,
    /// Weight of SinSim's transport term in the tables [default: 0.8]
    #[arg(long, value_name = "λ", value_parser = positive)]
    pub lambda: Option<f64>,
    /// Entropic regularisation of SinSim in the tables [default: 0.05]
    #[arg(long, value_name = "ε", value_parser = positive)]
    pub epsilon: Option<f64>,
    /// Where SinSim's transport term acts in the tables [default: z]
    #[arg(long, value_parser = PossibleValuesParser::new(["h", "z"]))]
    pub ot_on: Option<String>,
    /// How it is run.
    #[command(flatten)]
    pub run: StudyArgs,
}

/// Options of `harness sweep`. Every λ is run with every ε in every place.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "What")]
pub struct SweepArgs {
    /// Weights of the transport term, separated by commas; 0 is SimCLR [default: 0.8]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    #[arg(value_parser = not_negative)]
    pub lambda: Vec<f64>,
    /// Entropic regularisations, separated by commas [default: 0.05]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    #[arg(value_parser = positive)]
    pub epsilon: Vec<f64>,
    /// Where the transport term acts, separated by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "z")]
    #[arg(value_parser = PossibleValuesParser::new(["h", "z"]))]
    pub ot_on: Vec<String>,
    /// Data sets, separated by commas
    #[arg(
        long,
        visible_alias = "dataset",
        value_name = "LIST",
        value_delimiter = ','
    )]
    #[arg(default_value = "mnist")]
    #[arg(value_parser = PossibleValuesParser::new(DATASETS.into_iter().chain(["synthetic"])))]
    pub datasets: Vec<String>,
    /// Methods, separated by commas; those without λ and ε are run once, to compare with
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        default_value = "sinsim"
    )]
    #[arg(value_parser = PossibleValuesParser::new(METHODS))]
    pub methods: Vec<String>,
    /// Seeds, separated by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "0")]
    pub seeds: Vec<u64>,
    /// Length and size of the runs: those of this budget
    #[arg(long, value_enum, default_value = "small")]
    pub budget: Budget,
    /// How it is run.
    #[command(flatten)]
    pub run: StudyArgs,
}

/// Options of `harness report`.
#[derive(Args, Clone, Debug)]
pub struct ReportArgs {
    /// Folder that `harness reproduce` or `harness sweep` wrote
    #[arg(long, value_name = "DIR")]
    pub study: PathBuf,
    /// Draw no maps that are not there
    #[arg(long)]
    pub no_maps: bool,
}

/// How a study is run.
#[derive(Args, Clone, Debug, Default)]
pub struct StudyArgs {
    /// Folder of the study; the same command with the same folder continues it
    /// [default: studies/BUDGET, or studies/sweep]
    #[arg(long, value_name = "DIR", help_heading = "Study")]
    pub out: Option<PathBuf>,
    /// Run one share of the grid, as 2/8 for the second of eight (counted from 1); when
    /// all have ended, `harness report` merges them
    #[arg(long, value_name = "I/N", help_heading = "Study")]
    pub shard: Option<Shard>,
    /// Try cells again that failed before
    #[arg(long, help_heading = "Study")]
    pub retry_failed: bool,
    /// Give a cell up after so many minutes (a retry continues it) [default: never]
    #[arg(long, value_name = "MINUTES", value_parser = minutes, help_heading = "Study")]
    pub timeout: Option<Duration>,
    /// Minutes between reports while it runs [default: 10]
    #[arg(long, value_name = "MINUTES", value_parser = minutes, help_heading = "Study")]
    pub report_every: Option<Duration>,
    /// Run nothing, write the report on what is there
    #[arg(long, conflicts_with = "shard", help_heading = "Study")]
    pub report_only: bool,

    /// Cells at once [default: as many as there are cores for; on a GPU 1]
    #[arg(long, value_name = "J", value_parser = at_least_one, help_heading = "Machine")]
    pub jobs: Option<usize>,
    /// Threads of a cell; 0 is one per core [default: 1, small networks use one core
    /// best; on a GPU 0]
    #[arg(long, value_name = "N", help_heading = "Machine")]
    pub threads: Option<usize>,
    /// What computes [default: that of the budget]
    #[arg(long, value_name = "BACKEND", help_heading = "Machine")]
    pub backend: Option<String>,
    /// Folder with one folder per data set [default: that of `harness train`]
    #[arg(long, value_name = "DIR", help_heading = "Machine")]
    pub data_dir: Option<PathBuf>,
    /// Never download: missing files are an error
    #[arg(long, help_heading = "Machine")]
    pub offline: bool,

    /// More options of `harness train`, for every cell whose method has them:
    /// `-- --batch-size 128 --ot-form divergence`
    #[arg(last = true, value_name = "TRAIN OPTIONS", help_heading = None)]
    pub train: Vec<String>,
}

impl ReproduceArgs {
    /// The grid.
    pub fn cells(&self) -> Vec<Cell> {
        let plan = self.budget.plan();
        let or = |given: &[String], plan: Vec<String>| {
            if given.is_empty() {
                plan
            } else {
                distinct(given)
            }
        };
        let request = Request {
            datasets: or(&self.datasets, plan.datasets),
            methods: or(&self.methods, plan.methods),
            seeds: if self.seeds.is_empty() {
                plan.seeds
            } else {
                distinct(&self.seeds)
            },
            leading: plan.leading,
            lambdas: plan.lambdas,
            epsilons: plan.epsilons,
            ot_on: plan.ot_on,
            maps: plan.maps,
            crossed: false,
            base_lambda: self.lambda,
            base_epsilon: self.epsilon,
            base_ot_on: self.ot_on.clone(),
        };
        self.run.cells(&request, self.budget)
    }

    /// The command, without what concerns one machine alone.
    pub fn command(&self) -> String {
        let mut words = vec![
            "harness reproduce --budget".to_owned(),
            self.budget.name().to_owned(),
        ];
        list(&mut words, "--datasets", &self.datasets);
        list(&mut words, "--methods", &self.methods);
        list(&mut words, "--seeds", &self.seeds);
        list(&mut words, "--lambda", self.lambda.as_slice());
        list(&mut words, "--epsilon", self.epsilon.as_slice());
        list(&mut words, "--ot-on", self.ot_on.as_slice());
        self.run.command(words)
    }
}

impl SweepArgs {
    /// The grid.
    pub fn cells(&self) -> Vec<Cell> {
        let request = Request {
            datasets: distinct(&self.datasets),
            methods: distinct(&self.methods),
            seeds: distinct(&self.seeds),
            leading: self.datasets.clone(),
            lambdas: distinct(&self.lambda),
            epsilons: distinct(&self.epsilon),
            ot_on: distinct(&self.ot_on),
            maps: Vec::new(),
            crossed: true,
            ..Request::default()
        };
        self.run.cells(&request, self.budget)
    }

    /// The command, without what concerns one machine alone.
    pub fn command(&self) -> String {
        let mut words = vec!["harness sweep".to_owned()];
        list(&mut words, "--lambda", &self.lambda);
        list(&mut words, "--epsilon", &self.epsilon);
        list(&mut words, "--ot-on", &self.ot_on);
        list(&mut words, "--datasets", &self.datasets);
        list(&mut words, "--methods", &self.methods);
        list(&mut words, "--seeds", &self.seeds);
        list(&mut words, "--budget", &[self.budget.name()]);
        self.run.command(words)
    }
}

impl StudyArgs {
    fn cells(&self, request: &Request, budget: Budget) -> Vec<Cell> {
        request.cells(|dataset, method| {
            let mut args = budget.train_args(dataset);
            args.extend(train_options::of_method(&self.train, method));
            args
        })
    }

    fn command(&self, mut words: Vec<String>) -> String {
        if let Some(out) = &self.out {
            words.extend(["--out".to_owned(), quoted(&out.display().to_string())]);
        }
        if let Some(backend) = &self.backend {
            words.extend(["--backend".to_owned(), quoted(backend)]);
        }
        if !self.train.is_empty() {
            words.push("--".to_owned());
            words.extend(self.train.iter().map(|word| quoted(word)));
        }
        words.join(" ")
    }

    /// Options of `harness train` that are the machine's.
    pub fn machine_args(&self, budget: Budget) -> Vec<String> {
        let mut args = Vec::new();
        if let Some(backend) = self.backend.clone().or(budget.plan().backend) {
            args.push(format!("--backend={backend}"));
        }
        if let Some(folder) = &self.data_dir {
            // A run is looked at later, perhaps from elsewhere.
            let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.clone());
            args.extend(["--data-dir".to_owned(), folder.display().to_string()]);
        }
        if self.offline {
            args.push("--offline".to_owned());
        }
        args
    }

    /// Cells at once, and threads of each.
    pub fn places(&self, budget: Budget) -> (usize, usize) {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let gpu = budget.is_for_gpu();
        let threads = self.threads.unwrap_or(if gpu { 0 } else { 1 });
        let each = if threads == 0 { cores } else { threads };
        let jobs = if gpu { 1 } else { (cores / each).max(1) };
        (self.jobs.unwrap_or(jobs), threads)
    }
}

fn list<T: ToString>(words: &mut Vec<String>, name: &str, values: &[T]) {
    if !values.is_empty() {
        let values: Vec<String> = values.iter().map(T::to_string).collect();
        words.extend([name.to_owned(), values.join(",")]);
    }
}

/// In the order given, each once.
fn distinct<T: Clone + PartialEq>(values: &[T]) -> Vec<T> {
    let mut kept: Vec<T> = Vec::new();
    for value in values {
        if !kept.contains(value) {
            kept.push(value.clone());
        }
    }
    kept
}
