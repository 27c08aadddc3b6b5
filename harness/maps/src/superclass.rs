//! The hundred classes of CIFAR-100 in ten groups.
//!
//! The data set comes with twenty superclasses of five classes each
//! (<https://www.cs.toronto.edu/~kriz/cifar.html>). Each group here is one to three of
//! them, put together by what is kin: twenty colours are still too many.

/// The groups, for a legend.
pub(super) const GROUPS: [&str; 10] = [
    "sea animals",
    "flowers and fruit",
    "people",
    "outdoor scenes",
    "large mammals",
    "smaller mammals",
    "vehicles",
    "trees",
    "household",
    "invertebrates and reptiles",
];

/// Superclasses: the group, and the classes.
const SUPERCLASSES: [(usize, [&str; 5]); 20] = [
    (0, ["beaver", "dolphin", "otter", "seal", "whale"]),
    (0, ["aquarium_fish", "flatfish", "ray", "shark", "trout"]),
    (1, ["orchid", "poppy", "rose", "sunflower", "tulip"]),
    (8, ["bottle", "bowl", "can", "cup", "plate"]),
    (1, ["apple", "mushroom", "orange", "pear", "sweet_pepper"]),
    (8, ["clock", "keyboard", "lamp", "telephone", "television"]),
    (8, ["bed", "chair", "couch", "table", "wardrobe"]),
    (
        9,
        ["bee", "beetle", "butterfly", "caterpillar", "cockroach"],
    ),
    (4, ["bear", "leopard", "lion", "tiger", "wolf"]),
    (3, ["bridge", "castle", "house", "road", "skyscraper"]),
    (3, ["cloud", "forest", "mountain", "plain", "sea"]),
    (4, ["camel", "cattle", "chimpanzee", "elephant", "kangaroo"]),
    (5, ["fox", "porcupine", "possum", "raccoon", "skunk"]),
    (9, ["crab", "lobster", "snail", "spider", "worm"]),
    (2, ["baby", "boy", "girl", "man", "woman"]),
    (9, ["crocodile", "dinosaur", "lizard", "snake", "turtle"]),
    (5, ["hamster", "mouse", "rabbit", "shrew", "squirrel"]),
    (7, ["maple", "oak", "palm", "pine", "willow"]),
    (6, ["bicycle", "bus", "motorcycle", "pickup_truck", "train"]),
    (6, ["lawn_mower", "rocket", "streetcar", "tank", "tractor"]),
];

/// The group of a class, by its name in the data set.
pub(super) fn group(class: &str) -> Option<usize> {
    let of = SUPERCLASSES
        .iter()
        .find(|(_, classes)| classes.contains(&class));
    of.map(|&(group, _)| group)
}
