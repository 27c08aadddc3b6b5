//! A study with MADE-UP numbers, and run folders to go with it: the report can be tested and
//! looked at before anything was trained. Nothing in it was measured.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use harness_study::{
    cell::{Cell, CellState, Finished, Judgement, Part, RunResult, TopK},
    study::{MapPicture, Study},
};

pub const DATASETS: [&str; 4] = ["mnist", "cifar10", "cifar100", "stl10"];
pub const METHODS: [&str; 6] = ["simclr", "sinsim", "byol", "vicreg", "barlow-twins", "swav"];
const LAMBDAS: [f64; 6] = [0.01, 0.1, 0.3, 0.8, 1.0, 3.0];
const EPSILONS: [f64; 4] = [0.01, 0.05, 0.2, 1.0];

/// A number in −0.5..0.5 that depends on all of `keys`.
fn noise(keys: &[u64]) -> f64 {
    let mixed = keys.iter().fold(0x243f_6a88_85a3_08d3u64, |state, key| {
        let mixed = (state ^ key).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
    });
    (mixed >> 11) as f64 / (1u64 << 53) as f64 - 0.5
}

/// All of the grid, complete.
pub fn complete(runs: &Path, seeds: u64) -> Study {
    let mut cells = Vec::new();
    for seed in 0..seeds {
        for d in 0..DATASETS.len() {
            for (m, method) in METHODS.iter().enumerate() {
                let mut parts = vec![Part::Methods];
                let constants = (*method == "sinsim").then_some((0.8, 0.05, "z"));
                if d < 2 && (*method == "simclr" || constants.is_some()) {
                    parts.push(Part::Lambda);
                }
                if d < 2 && constants.is_some() {
                    parts.push(Part::Epsilon);
                }
                cells.push(done(runs, (d, m, seed), constants, parts));
            }
            if d < 2 {
                for lambda in LAMBDAS.into_iter().filter(|lambda| *lambda != 0.8) {
                    cells.push(done(
                        runs,
                        (d, 1, seed),
                        Some((lambda, 0.05, "z")),
                        vec![Part::Lambda],
                    ));
                }
                for ot_on in ["z", "h"] {
                    for epsilon in EPSILONS {
                        if (ot_on, epsilon) != ("z", 0.05) {
                            cells.push(done(
                                runs,
                                (d, 1, seed),
                                Some((0.8, epsilon, ot_on)),
                                vec![Part::Epsilon],
                            ));
                        }
                    }
                }
            }
        }
    }
    study(cells, vec![map(runs, "mnist"), map(runs, "cifar10")])
}

/// A study of some cells.
pub fn study(cells: Vec<Finished>, maps: Vec<MapPicture>) -> Study {
    Study {
        name: "small (MADE-UP NUMBERS)".into(),
        command:
            "harness reproduce --budget small --seeds 0,1,2 --data-dir DATA --out studies/small"
                .into(),
        program: "harness 0.1.0".into(),
        machine: "a machine that does not exist, 2 cores, Linux".into(),
        cells,
        maps,
    }
}

type Constants = Option<(f64, f64, &'static str)>;

fn done(
    runs: &Path,
    (d, m, seed): (usize, usize, u64),
    constants: Constants,
    parts: Vec<Part>,
) -> Finished {
    let (dataset, method) = (DATASETS[d], METHODS[m]);
    let name = constants.map_or(String::new(), |(l, e, on)| format!("-l{l}-e{e}-{on}"));
    let id = format!("{dataset}/{method}{name}-s{seed}");
    let cell = Cell {
        id: id.clone(),
        dataset: dataset.into(),
        method: method.into(),
        seed,
        lambda: constants.map(|c| c.0),
        epsilon: constants.map(|c| c.1),
        ot_on: constants.map(|c| c.2.into()),
        parts,
        args: [
            "--recipe",
            "quick",
            "--epochs",
            if d == 0 { "6" } else { "12" },
            "--limit",
            "10000",
        ]
        .map(String::from)
        .to_vec(),
    };
    let base = [0.955, 0.62, 0.31, 0.57][d];
    let of_method = [0.0, 0.004, 0.012, -0.006, 0.003, -0.02][m];
    let of_constants = constants.map_or(0.0, |(l, e, on)| {
        let place = if on == "h" { -0.004 } else { 0.0 };
        0.009 * (-(l / 0.5f64).log10().powi(2)).exp() - 0.012 * (e - 0.05) + place
    });
    let top1 = base
        + of_method
        + of_constants
        + 0.012 * noise(&[d as u64, seed, 1])
        + 0.008 * noise(&[d as u64, m as u64, seed, (1e3 * of_constants.abs()) as u64]);
    let before = [0.905, 0.41, 0.15, 0.40][d] + 0.01 * noise(&[d as u64, seed, 2]);
    let steps = 1872;
    let result = RunResult {
        method: method.into(),
        dataset: dataset.into(),
        recipe: "quick".into(),
        stem: "torchvision".into(),
        backend: "flex".into(),
        epochs: if d == 0 { 6 } else { 12 },
        steps,
        batch_size: 64,
        seed,
        pretrain_images: if d == 3 { 5000 } else { 10_000 },
        train_images: if d == 3 { 5000 } else { 10_000 },
        test_images: if d == 3 { 8000 } else { 10_000 },
        trained: judgement(top1),
        untrained: judgement(before),
        train_seconds: (900.0 + 400.0 * d as f64)
            * (1.0 + 0.05 * m as f64 + 0.04 * noise(&[m as u64, seed, 3])),
    };
    let folder = runs.join(&id);
    write_run(&folder, &cell, steps, m);
    Finished {
        cell,
        state: CellState::Done(Box::new(result)),
        folder,
    }
}

fn judgement(top1: f64) -> Judgement {
    let near = |top1: f64| TopK {
        top1,
        top5: 1.0 - 0.3 * (1.0 - top1),
    };
    Judgement {
        linear: near(top1),
        mlp: near(top1 + 0.011),
        knn: near(top1 - 0.035),
    }
}

fn write_run(folder: &Path, cell: &Cell, steps: u64, m: usize) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("config.toml"), config(cell)).unwrap();
    let (from, to) = [
        (4.8, 3.1),
        (5.5, 3.7),
        (1.9, 0.4),
        (28.0, 19.0),
        (260.0, 70.0),
        (6.9, 5.2),
    ][m];
    let mut lines = String::new();
    for step in (1..=steps).step_by(6) {
        let t = step as f64 / steps as f64;
        let loss = to
            + (from - to) * (-5.0 * t).exp()
            + 0.04 * (from - to) * noise(&[step, cell.seed, m as u64]);
        writeln!(lines, "{{\"step\":{step},\"epoch\":1,\"loss\":{loss}}}").unwrap();
    }
    fs::write(folder.join("metrics.jsonl"), lines).unwrap();
}

fn config(cell: &Cell) -> String {
    let loss = match (cell.lambda, cell.epsilon, &cell.ot_on) {
        (Some(lambda), Some(epsilon), Some(on)) => {
            format!(
                "lambda = {lambda:?}\nepsilon = {epsilon:?}\not_on = \"{on}\"\ncost = \"cosine\"\n"
            )
        }
        _ => String::new(),
    };
    let view = "[[augment]]\nsize = 32\ncrop_scale = [\n    0.2,\n    1.0,\n]\nflip = 0.5\ngrayscale = 0.1\n\n\
        [augment.affine]\nprobability = 0.0\ndegrees = 0.0\ntranslate = 0.0\n\n[augment.jitter]\nprobability = 0.8\n\
        brightness = 0.4\ncontrast = 0.4\nsaturation = 0.4\nhue = 0.1\n\n[augment.blur]\nprobability = 0.0\n\n";
    format!(
        "format = 2\nrecipe = \"quick\"\nseed = {}\n\n[data]\ndataset = \"{}\"\ndata_dir = \"/somewhere\"\nlimit = 10000\n\n\
         [schedule]\nepochs = 12\nbatch_size = 64\naccumulate = 1\nwarmup_epochs = 0.25\ndecay = \"cosine\"\ncheckpoint_steps = 0\n\n\
         [optimizer]\nkind = \"adamw\"\nlr = 0.001\nmomentum = 0.9\nweight_decay = 0.0001\n\n\
         [loss]\nmethod = \"{}\"\n{loss}\n[probe]\nknn_k = 20\nknn_temperature = 0.07\nlinear_epochs = 100\nlinear_batch = 1000\n\
         linear_lr = 0.01\nlinear_weight_decay = 0.000005\nmlp_hidden = 512\n\n[compute]\nbackend = \"flex\"\nthreads = 1\n\n{view}{view}",
        cell.seed, cell.dataset, cell.method
    )
}

/// Some dots, in three panels.
fn map(runs: &Path, dataset: &str) -> MapPicture {
    let mut svg = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1000\" height=\"360\" viewBox=\"0 0 1000 360\">\
         <rect width=\"1000\" height=\"360\" fill=\"#fff\"/>",
    );
    let colours = [
        "#0072B2", "#D55E00", "#009E73", "#AA4488", "#D69600", "#56B4E9", "#666D75",
    ];
    for i in 0..900u64 {
        let (panel, class) = (i % 3, i % 7);
        let turn = std::f64::consts::TAU * class as f64 / 7.0;
        let x = 170.0 + 330.0 * panel as f64 + 95.0 * turn.cos() + 70.0 * noise(&[i, 1]);
        let y = 190.0 + 95.0 * turn.sin() + 70.0 * noise(&[i, 2]);
        write!(
            svg,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{}\"/>",
            colours[class as usize]
        )
        .unwrap();
    }
    svg.push_str("</svg>\n");
    let path: PathBuf = runs.join(format!("{dataset}-map.svg"));
    fs::create_dir_all(runs).unwrap();
    fs::write(&path, svg).unwrap();
    MapPicture {
        dataset: dataset.into(),
        svg: path,
        caption: "t-SNE of 300 made-up test images: SinSim, SimCLR, VICReg; seed 0, perplexity 30."
            .into(),
    }
}
