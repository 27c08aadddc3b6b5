//! What is in a grid, and in which order.

use clap::{Args as _, Command, FromArgMatches};

use super::cells;
use crate::{
    budget::Budget,
    cell::{Cell, Part},
    options::{ReproduceArgs, SweepArgs},
};

fn reproduce(words: &str) -> Result<ReproduceArgs, clap::Error> {
    let command = ReproduceArgs::augment_args(Command::new("reproduce").no_binary_name(true));
    let matches = command.try_get_matches_from(words.split_whitespace())?;
    ReproduceArgs::from_arg_matches(&matches)
}

fn sweep(words: &str) -> Result<SweepArgs, clap::Error> {
    let command = SweepArgs::augment_args(Command::new("sweep").no_binary_name(true));
    let matches = command.try_get_matches_from(words.split_whitespace())?;
    SweepArgs::from_arg_matches(&matches)
}

fn of(cells: &[Cell], part: Part) -> impl Iterator<Item = &Cell> {
    cells.iter().filter(move |cell| cell.parts.contains(&part))
}

#[test]
fn every_budget_has_each_cell_once_and_every_part() {
    for budget in ["ci", "smoke", "small", "full"] {
        let cells = reproduce(&format!("--budget {budget}")).unwrap().cells();
        let mut ids: Vec<&str> = cells.iter().map(|cell| cell.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), cells.len(), "{budget}");
        for part in [Part::Methods, Part::Maps, Part::Lambda, Part::Epsilon] {
            assert!(of(&cells, part).count() >= 2, "{budget} {part:?}");
        }
        for cell in &cells {
            assert_eq!(
                cell.lambda.is_some(),
                cell.method == "sinsim",
                "{}",
                cell.id
            );
            assert!(
                cell.id
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "/-.".contains(c))
            );
        }
        // A point of Figure 2 without the transport term is SimCLR.
        assert!(of(&cells, Part::Lambda).any(|cell| cell.method == "simclr"));
        assert!(of(&cells, Part::Epsilon).any(|cell| cell.ot_on.as_deref() == Some("h")));
    }
    let cells = reproduce("--budget full-1000").unwrap().cells();
    assert_eq!(of(&cells, Part::Methods).count(), cells.len());
}

#[test]
fn the_budgets_have_the_size_that_they_promise() {
    // In core seconds by the model of the estimate, which is no measurement.
    let cost = |budget: &str| -> f64 {
        let cells = reproduce(&format!("--budget {budget}")).unwrap().cells();
        cells.iter().map(crate::estimate::prior).sum()
    };
    // Two minutes; two thirds of 15 minutes on two cores, because machines differ; a night.
    assert!(cost("ci") < 2.0 * 120.0, "{}", cost("ci"));
    assert!(cost("smoke") < 2.0 * 10.0 * 60.0, "{}", cost("smoke"));
    let hours = cost("small") / 2.0 / 3600.0;
    assert!((6.0..=12.0).contains(&hours), "{hours}");
}

#[test]
fn what_matters_most_comes_first() {
    let cells = reproduce("--budget small").unwrap().cells();
    let seeds: Vec<u64> = cells.iter().map(|cell| cell.seed).collect();
    assert!(seeds.is_sorted(), "seeds are outermost");
    let first = |fits: &dyn Fn(&Cell) -> bool| cells.iter().position(fits).unwrap();
    let last_method = cells
        .iter()
        .rposition(|cell| {
            cell.seed == 0 && cell.dataset != "cifar100" && cell.parts.contains(&Part::Methods)
        })
        .unwrap();
    let sweep = first(&|cell| !cell.parts.contains(&Part::Methods));
    let cifar100 = first(&|cell| cell.dataset == "cifar100");
    let seed1 = first(&|cell| cell.seed == 1);
    assert_eq!(cells[0].id, "mnist/sinsim-l0.8-e0.05-s0");
    assert_eq!(cells[1].dataset, "cifar10");
    assert_eq!(cells[2].method, "simclr");
    assert!(last_method < sweep && sweep < cifar100 && cifar100 < seed1);
}

#[test]
fn what_is_asked_for_limits_the_grid() {
    let args = reproduce("--datasets stl10 --methods simclr,vicreg,simclr --seeds 5 -- --lr 0.1");
    let args = args.unwrap();
    let ids: Vec<String> = args.cells().into_iter().map(|cell| cell.id).collect();
    assert_eq!(ids, ["stl10/simclr-s5", "stl10/vicreg-s5"]);
    let train = args.cells()[0].train_args().join(" ");
    assert!(
        train.starts_with("--dataset stl10 --method simclr --seed 5 "),
        "{train}"
    );
    assert!(train.ends_with("--lr 0.1"), "{train}");
    assert_eq!(
        args.command(),
        "harness reproduce --budget smoke --datasets stl10 --methods simclr,vicreg,simclr \
         --seeds 5 -- --lr 0.1"
    );
    // The curves go with SinSim, on a data set that was asked for.
    let cells = reproduce("--datasets stl10 --methods sinsim")
        .unwrap()
        .cells();
    assert!(of(&cells, Part::Lambda).count() >= 2);
    assert!(cells.iter().all(|cell| cell.dataset == "stl10"));
}

#[test]
fn the_tables_take_another_sinsim() {
    let args = reproduce(
        "--datasets mnist --methods sinsim,simclr,byol --seeds 0 --budget small --lambda 0.2 \
         --epsilon 0.5 --ot-on h -- --ot-form divergence --lr 0.1",
    )
    .unwrap();
    let cells = args.cells();
    assert_eq!(cells[0].id, "mnist/sinsim-l0.2-e0.5-h-s0");
    assert!(
        cells[0]
            .train_args()
            .join(" ")
            .contains("--lambda=0.2 --epsilon=0.5 --ot-on=h")
    );
    // It is a point of both curves.
    for part in [Part::Lambda, Part::Epsilon] {
        assert!(cells[0].parts.contains(&part), "{part:?}");
    }
    let command = args.command();
    assert!(
        command.contains("--lambda 0.2 --epsilon 0.5 --ot-on h"),
        "{command}"
    );
    // An option that a method does not have is not for its cells.
    for cell in &cells {
        let has = cell.args.iter().any(|word| word == "--ot-form");
        assert_eq!(has, cell.method == "sinsim", "{}", cell.id);
        assert!(cell.args.ends_with(&["--lr".to_owned(), "0.1".to_owned()]));
    }
}

#[test]
fn nonsense_is_refused() {
    for words in [
        "--datasets imagenet",
        "--methods moco",
        "--seeds -1",
        "--seeds x",
        "--budget tiny",
        "--shard 0/4",
        "--shard 5/4",
        "--jobs 0",
        "--timeout 0",
        "--timeout NaN",
        "--timeout 1e300",
        "--report-only --shard 1/2",
    ] {
        assert!(reproduce(words).is_err(), "{words}");
    }
    for words in [
        "--lambda=-1",
        "--lambda NaN",
        "--lambda inf",
        "--epsilon 0",
        "--ot-on y",
    ] {
        assert!(sweep(words).is_err(), "{words}");
    }
}

#[test]
fn a_sweep_is_every_combination() {
    let cells =
        sweep("--lambda 0,0.1,1,1.0,-0 --epsilon 0.02,0.2 --ot-on h,z --seeds 0,1").unwrap();
    let cells = cells.cells();
    // λ = 0 is SimCLR, once for all ε; 1 and 1.0 are the same, and 0 and -0.
    let seed0: Vec<&Cell> = cells.iter().filter(|cell| cell.seed == 0).collect();
    assert_eq!(seed0.len(), 1 + 2 * 2 * 2);
    assert_eq!(cells.len(), 2 * seed0.len());
    let simclr: Vec<&&Cell> = seed0
        .iter()
        .filter(|cell| cell.method == "simclr")
        .collect();
    assert_eq!(simclr[0].parts, [Part::Lambda]);
    // The base is what is asked for where the default is not: one curve through it.
    let lambda: Vec<&str> = seed0
        .iter()
        .filter(|cell| cell.parts.contains(&Part::Lambda))
        .map(|c| &*c.id)
        .collect();
    assert_eq!(
        lambda,
        [
            "mnist/sinsim-l0.1-e0.02-s0",
            "mnist/simclr-s0",
            "mnist/sinsim-l1-e0.02-s0"
        ]
    );
}

#[test]
fn a_cell_is_what_its_arguments_say() {
    let cell = cells(&["sinsim"], &[3], "--epochs 2").remove(0);
    assert_eq!(
        cell.train_args().join(" "),
        "--dataset mnist --method sinsim --seed 3 --lambda=0.8 --epsilon=0.05 --ot-on=z --epochs 2"
    );
    assert!(
        Budget::Small
            .train_args("cifar10")
            .join(" ")
            .contains("--stem torchvision")
    );
}
