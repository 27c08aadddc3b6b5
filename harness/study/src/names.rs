//! Names as a reader knows them, and the order in which papers list them.

use harness_plot::Colour;

/// Data sets in the order of the paper: name on the command line, name in print, training
/// images of the whole set.
const DATASETS: [(&str, &str, usize); 4] = [
    ("mnist", "MNIST", 60_000),
    ("cifar10", "CIFAR-10", 50_000),
    ("cifar100", "CIFAR-100", 50_000),
    // With the hundred thousand that have no label.
    ("stl10", "STL-10", 105_000),
];

/// Methods in the order of the tables: SinSim and what it adds to, then the others.
const METHODS: [(&str, &str, Colour); 7] = [
    ("sinsim", "SinSim", Colour::Blue),
    ("simclr", "SimCLR", Colour::Orange),
    ("byol", "BYOL", Colour::Green),
    ("vicreg", "VICReg", Colour::Purple),
    ("barlow", "Barlow Twins", Colour::Amber),
    ("barlow-twins", "Barlow Twins", Colour::Amber),
    ("swav", "SwAV", Colour::Sky),
];

/// The method in question.
pub const SINSIM: &str = "sinsim";
/// What it adds its term to.
pub const SIMCLR: &str = "simclr";
/// Baseline of the tables.
pub const UNTRAINED: &str = "untrained encoder";

/// A data set in print.
pub fn dataset(name: &str) -> &str {
    find_dataset(name).map_or(name, |known| known.1)
}

/// Its training images, if it is one of the paper's.
pub fn images_of(dataset: &str) -> Option<usize> {
    find_dataset(dataset).map(|known| known.2)
}

/// Its place in a table; unknown ones come last.
pub fn dataset_rank(name: &str) -> usize {
    let known = DATASETS.iter().position(|known| known.0 == name);
    known.unwrap_or(DATASETS.len())
}

/// A method in print.
pub fn method(name: &str) -> &str {
    find_method(name).map_or(name, |known| known.1)
}

/// Its colour in every figure.
pub fn colour(method: &str) -> Colour {
    find_method(method).map_or(Colour::Grey, |known| known.2)
}

/// Its place in a table; unknown ones come last, but for those beyond the paper.
pub fn method_rank(name: &str) -> usize {
    let known = METHODS.iter().position(|known| known.0 == name);
    match known {
        Some(_) if is_beyond_paper(name) => METHODS.len() + 1,
        Some(place) => place,
        None => METHODS.len(),
    }
}

/// Whether the paper says nothing of it.
pub fn is_beyond_paper(method: &str) -> bool {
    method == "swav"
}

fn find_dataset(name: &str) -> Option<&'static (&'static str, &'static str, usize)> {
    DATASETS.iter().find(|known| known.0 == name)
}

fn find_method(name: &str) -> Option<&'static (&'static str, &'static str, Colour)> {
    METHODS.iter().find(|known| known.0 == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_papers_order_and_what_is_beyond_it_last() {
        let mut names = [
            "swav", "own", "barlow", "simclr", "byol", "sinsim", "vicreg",
        ];
        names.sort_by_key(|name| method_rank(name));
        assert_eq!(
            names,
            [
                "sinsim", "simclr", "byol", "vicreg", "barlow", "own", "swav"
            ]
        );
        assert_eq!(method("own"), "own");
        let mut names = ["stl10", "own", "cifar100", "mnist", "cifar10"];
        names.sort_by_key(|name| dataset_rank(name));
        assert_eq!(names, ["mnist", "cifar10", "cifar100", "stl10", "own"]);
    }
}
