//! The cells of a reproduction or a sweep, in the order in which they are run.
//!
//! Seeds are outermost, and what matters most comes first in each: wherever a night
//! is interrupted, what was done is a balanced report.
//!
//! A cell that several parts need (SinSim at its default is in both tables and on both
//! curves) is there once, with all its parts.

use std::collections::HashMap;

use crate::{
    budget::{EPSILON, LAMBDA, OT_ON},
    cell::{Cell, Part},
};

/// Methods of Figure 1.
pub const MAP_METHODS: [&str; 3] = ["sinsim", "simclr", "vicreg"];

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Data sets.
    pub datasets: Vec<String>,
    /// Methods.
    pub methods: Vec<String>,
    /// Seeds.
    pub seeds: Vec<u64>,
    /// Data sets that come first, and on which λ and ε are varied.
    pub leading: Vec<String>,
    /// Weights of the transport term; 0 is SimCLR.
    pub lambdas: Vec<f64>,
    /// Regularisations.
    pub epsilons: Vec<f64>,
    /// Where the transport term acts.
    pub ot_on: Vec<String>,
    /// Data sets to draw maps of.
    pub maps: Vec<String>,
    /// Every λ with every ε in every place, instead of one varied at a time.
    pub crossed: bool,
    /// λ of SinSim in the tables, if not the default.
    pub base_lambda: Option<f64>,
    /// ε of SinSim in the tables, if not the default.
    pub base_epsilon: Option<f64>,
    /// Where the term acts in the tables, if not in the default place.
    pub base_ot_on: Option<String>,
}

/// The constants of the transport term.
#[derive(Clone, Debug, PartialEq)]
struct Transport {
    lambda: f64,
    epsilon: f64,
    ot_on: String,
}

impl Request {
    /// The cells. `args` gives the arguments of `harness train` for a data set and
    /// a method.
    pub fn cells(&self, args: impl Fn(&str, &str) -> Vec<String>) -> Vec<Cell> {
        let mut grid = Grid {
            args,
            base: self.base(),
            cells: Vec::new(),
            places: HashMap::new(),
        };
        let leading = self.leading();
        let rest: Vec<&String> = self
            .datasets
            .iter()
            .filter(|name| !leading.contains(name))
            .collect();
        for &seed in &self.seeds {
            self.methods_of(&mut grid, &leading, seed);
            if self.asks("sinsim") {
                if self.crossed {
                    self.cross(&mut grid, &leading, seed);
                } else {
                    self.curves(&mut grid, &leading, seed);
                }
            }
            self.methods_of(&mut grid, &rest, seed);
        }
        if let Some(&seed) = self.seeds.first() {
            for dataset in self.maps.iter().filter(|name| self.datasets.contains(name)) {
                for method in MAP_METHODS.into_iter().filter(|name| self.asks(name)) {
                    grid.add(dataset, method, seed, None, Some(Part::Maps));
                }
            }
        }
        grid.cells
    }

    fn asks(&self, method: &str) -> bool {
        self.methods.iter().any(|name| name == method)
    }

    /// The leading data sets that are asked for; if none is, the first asked for.
    fn leading(&self) -> Vec<&String> {
        let leading: Vec<&String> = self
            .leading
            .iter()
            .filter(|name| self.datasets.contains(name))
            .collect();
        if leading.is_empty() {
            self.datasets.iter().take(1).collect()
        } else {
            leading
        }
    }

    /// The setting from which one constant at a time is varied: the default, or the
    /// first asked for where the default is not among them.
    fn base(&self) -> Transport {
        let pick = |values: &[f64], default: f64| {
            let mut usable = values.iter().copied().filter(|&value| value > 0.0);
            if values.contains(&default) {
                default
            } else {
                usable.next().unwrap_or(default)
            }
        };
        let places = &self.ot_on;
        let ot_on = match places.first() {
            Some(first) if !places.iter().any(|name| name == OT_ON) => first.clone(),
            _ => OT_ON.to_owned(),
        };
        // A reproduction varies around the default, whatever its curves' points are.
        let (lambdas, epsilons): (&[f64], &[f64]) = if self.crossed {
            (&self.lambdas, &self.epsilons)
        } else {
            (&[], &[])
        };
        Transport {
            lambda: self.base_lambda.unwrap_or(pick(lambdas, LAMBDA)),
            epsilon: self.base_epsilon.unwrap_or(pick(epsilons, EPSILON)),
            ot_on: self.base_ot_on.clone().unwrap_or(ot_on),
        }
    }

    /// Tables I and II on some of the data sets.
    fn methods_of<A: Fn(&str, &str) -> Vec<String>>(
        &self,
        grid: &mut Grid<A>,
        datasets: &[&String],
        seed: u64,
    ) {
        for method in &self.methods {
            for dataset in datasets {
                grid.add(dataset, method, seed, None, Some(Part::Methods));
            }
        }
    }

    /// Figures 2 and 3: one constant at a time.
    fn curves<A: Fn(&str, &str) -> Vec<String>>(
        &self,
        grid: &mut Grid<A>,
        datasets: &[&String],
        seed: u64,
    ) {
        // The tables' setting is a point of either curve.
        let with = |values: &[f64], base: f64| {
            let mut all = values.to_vec();
            if !all.is_empty() && !all.contains(&base) {
                all.push(base);
            }
            all
        };
        let (lambdas, epsilons) = (
            with(&self.lambdas, grid.base.lambda),
            with(&self.epsilons, grid.base.epsilon),
        );
        for lambda in lambdas {
            let point = Transport {
                lambda,
                ..grid.base.clone()
            };
            self.point(grid, datasets, seed, &point, Some(Part::Lambda));
        }
        for ot_on in &self.ot_on {
            for &epsilon in &epsilons {
                let ot_on = ot_on.clone();
                let point = Transport {
                    epsilon,
                    ot_on,
                    ..grid.base.clone()
                };
                self.point(grid, datasets, seed, &point, Some(Part::Epsilon));
            }
        }
    }

    /// Every combination. On the curves of the report are those that differ from the
    /// base in one constant; the others are in its list of cells.
    fn cross<A: Fn(&str, &str) -> Vec<String>>(
        &self,
        grid: &mut Grid<A>,
        datasets: &[&String],
        seed: u64,
    ) {
        let base = grid.base.clone();
        let or = |values: &[f64], value| {
            if values.is_empty() {
                vec![value]
            } else {
                values.to_vec()
            }
        };
        for lambda in or(&self.lambdas, base.lambda) {
            for epsilon in or(&self.epsilons, base.epsilon) {
                for ot_on in &self.ot_on {
                    let point = Transport {
                        lambda,
                        epsilon,
                        ot_on: ot_on.clone(),
                    };
                    let on_lambda = point
                        == Transport {
                            lambda,
                            ..base.clone()
                        };
                    let on_epsilon = lambda == base.lambda;
                    let mut parts = Vec::new();
                    if self.lambdas.len() > 1 && (on_lambda || lambda == 0.0) {
                        parts.push(Part::Lambda);
                    }
                    if self.epsilons.len() * self.ot_on.len() > 1 && on_epsilon {
                        parts.push(Part::Epsilon);
                    }
                    self.point(grid, datasets, seed, &point, None);
                    for part in parts {
                        self.point(grid, datasets, seed, &point, Some(part));
                    }
                }
            }
        }
    }

    /// One point of a curve on each data set. Without the transport term it is SimCLR;
    /// a negative or unreal constant is for `harness train` to refuse.
    fn point<A: Fn(&str, &str) -> Vec<String>>(
        &self,
        grid: &mut Grid<A>,
        datasets: &[&String],
        seed: u64,
        point: &Transport,
        part: Option<Part>,
    ) {
        for dataset in datasets {
            if point.lambda == 0.0 {
                grid.add(dataset, "simclr", seed, None, part);
            } else {
                grid.add(dataset, "sinsim", seed, Some(point), part);
            }
        }
    }
}

/// A grid in the making.
struct Grid<A> {
    args: A,
    base: Transport,
    cells: Vec<Cell>,
    /// Where in `cells` an id is.
    places: HashMap<String, usize>,
}

impl<A: Fn(&str, &str) -> Vec<String>> Grid<A> {
    /// Adds a cell, or a part to the cell that is there.
    fn add(
        &mut self,
        dataset: &str,
        method: &str,
        seed: u64,
        transport: Option<&Transport>,
        part: Option<Part>,
    ) {
        let transport = (method == "sinsim").then(|| transport.unwrap_or(&self.base).clone());
        let id = id(dataset, method, seed, transport.as_ref());
        let place = *self.places.entry(id.clone()).or_insert_with(|| {
            let cell = Cell {
                id,
                dataset: dataset.to_owned(),
                method: method.to_owned(),
                seed,
                lambda: transport.as_ref().map(|t| t.lambda),
                epsilon: transport.as_ref().map(|t| t.epsilon),
                ot_on: transport.map(|t| t.ot_on),
                parts: Vec::new(),
                args: (self.args)(dataset, method),
            };
            self.cells.push(cell);
            self.cells.len() - 1
        });
        if let (Some(cell), Some(part)) = (self.cells.get_mut(place), part)
            && !cell.parts.contains(&part)
        {
            cell.parts.push(part);
        }
    }
}

/// `mnist/sinsim-l0.8-e0.05-s0`: also the cell's folder below `runs/`.
fn id(dataset: &str, method: &str, seed: u64, transport: Option<&Transport>) -> String {
    let constants = transport.map_or_else(String::new, |t| {
        let place = if t.ot_on == OT_ON {
            String::new()
        } else {
            format!("-{}", t.ot_on)
        };
        format!("-l{}-e{}{place}", t.lambda, t.epsilon)
    });
    format!("{dataset}/{method}{constants}-s{seed}")
}

impl Cell {
    /// All arguments of `harness train` that make the experiment: not where it is
    /// written, where data lie, or on how many threads it computes.
    pub fn train_args(&self) -> Vec<String> {
        let mut all = vec![
            "--dataset".to_owned(),
            self.dataset.clone(),
            "--method".to_owned(),
            self.method.clone(),
            "--seed".to_owned(),
            self.seed.to_string(),
        ];
        // Not `--lambda VALUE`: a negative value would be taken for an option.
        all.extend(self.lambda.map(|value| format!("--lambda={value}")));
        all.extend(self.epsilon.map(|value| format!("--epsilon={value}")));
        all.extend(self.ot_on.as_ref().map(|place| format!("--ot-on={place}")));
        all.extend(self.args.iter().cloned());
        all
    }
}
