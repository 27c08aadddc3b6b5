//! What is said of data sets that are whole, parts, or damaged.

use std::{fs, path::Path};

use super::shared_data;
use crate::data::{Count, DatasetKind, DatasetState, State, inventory, look, testing};

fn state(root: &Path, kind: DatasetKind) -> DatasetState {
    look(kind, root, false)
}

/// Zeros of the official size: what the quick look takes for the official file. Holes
/// where the file system has them.
fn official(root: &Path, folder: &str, name: &str, bytes: u64) {
    let path = testing::write(root, folder, name, &[]).unwrap();
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_len(bytes).unwrap();
}

#[test]
fn nothing_is_there() {
    let temp = tempfile::tempdir().unwrap();
    let found = inventory(temp.path(), true);
    assert_eq!(found.datasets.len(), 5);
    for set in &found.datasets {
        if set.dataset == DatasetKind::Synthetic {
            assert!(set.state == State::BuiltIn && set.get.is_none());
            assert_eq!((set.train.images, set.test.images), (5_000, 1_000));
            continue;
        }
        assert_eq!(set.state, State::Absent);
        assert!(set.folder.is_none() && set.bytes == 0);
        let get = set.get.as_ref().unwrap();
        assert!(get.command.contains(set.dataset.name()) && get.bytes > 10_000_000);
    }
    let table = found.to_string();
    for says in ["built in", "not there", "harness download stl10"] {
        assert!(table.contains(says), "{says} is not in:\n{table}");
    }
}

#[test]
fn official_sizes_are_complete_and_parts_are_counted() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path();
    let batch = |number: usize| format!("data_batch_{number}.bin");
    official(root, "cifar10", &batch(1), 30_730_000);
    let part = state(root, DatasetKind::Cifar10);
    assert_eq!(part.state, State::Incomplete);
    assert_eq!(part.missing.len(), 5);
    official(root, "cifar10", "test_batch.bin", 30_730_000);
    let part = state(root, DatasetKind::Cifar10);
    assert_eq!(part.state, State::Subset);
    let train = Count {
        images: 10_000,
        official: 50_000,
    };
    assert_eq!(part.train, train);
    for number in 2..=5 {
        official(root, "cifar10", &batch(number), 30_730_000);
    }
    let whole = state(root, DatasetKind::Cifar10);
    assert_eq!(whole.state, State::Complete);
    assert!(whole.get.is_none() && whole.missing.is_empty());
    assert_eq!(whole.bytes, 6 * 30_730_000);

    official(root, "cifar100", "train.bin", 153_700_000);
    official(root, "cifar100", "test.bin", 30_740_000);
    assert_eq!(state(root, DatasetKind::Cifar100).state, State::Complete);

    testing::write_tiny_stl10(root).unwrap();
    let tiny = state(root, DatasetKind::Stl10);
    assert_eq!(tiny.state, State::Subset);
    assert_eq!(tiny.unlabelled.images, testing::UNLABELED as u64);
    fs::write(root.join("stl10/stl10_binary.tar.gz.part"), [0; 77]).unwrap();
    assert_eq!(state(root, DatasetKind::Stl10).unfinished_download, 77);
}

#[test]
fn what_cannot_be_is_damaged() {
    for (bytes, says) in [
        (3073 * 2 + 1, "whole records of 3073 bytes"),
        (0, "whole records"),
        (30_730_000 + 3073, "at most 10000 records, found 10001"),
    ] {
        let temp = tempfile::tempdir().unwrap();
        testing::write_tiny_cifar10(temp.path()).unwrap();
        official(temp.path(), "cifar10", "test_batch.bin", bytes);
        let found = state(temp.path(), DatasetKind::Cifar10);
        assert_eq!(found.state, State::Damaged);
        assert!(found.problems[0].contains(says), "{:?}", found.problems);
    }
    let temp = tempfile::tempdir().unwrap();
    for bytes in [&b""[..], b"ab", b"no gzip at all"] {
        testing::write(temp.path(), "cifar100", "train.bin.gz", bytes).unwrap();
        for verify in [false, true] {
            let found = look(DatasetKind::Cifar100, temp.path(), verify);
            assert_eq!(found.state, State::Damaged, "{bytes:?}, {verify}");
        }
    }
}

#[test]
fn a_published_sum_is_held_to_when_files_are_verified() {
    let temp = tempfile::tempdir().unwrap();
    for (name, bytes) in [
        ("train_y.bin", 5_000),
        ("test_y.bin", 8_000),
        ("train_X.bin", 27_648),
        ("test_X.bin", 27_648),
    ] {
        official(temp.path(), "stl10", name, bytes);
    }
    let quick = look(DatasetKind::Stl10, temp.path(), false);
    assert_eq!(quick.state, State::Subset);
    let read = look(DatasetKind::Stl10, temp.path(), true);
    assert_eq!(read.state, State::Damaged);
    // Labels of the official number; of a part of the images the sum is not known.
    assert_eq!(read.problems.len(), 2);
    assert!(read.problems[0].contains("5a34089d4802c674881badbb80307741"));
}

#[test]
fn the_shared_data_are_what_their_readme_says() {
    let Some(root) = shared_data() else { return };
    let found = inventory(&root, true);
    println!("{found}");
    println!("{}", serde_json::to_string_pretty(&found).unwrap());
    let states = found.datasets.iter().map(|set| {
        let counts = [set.train, set.test, set.unlabelled];
        (set.dataset.name(), set.state, counts.map(|c| c.images))
    });
    let expected = [
        ("synthetic", State::BuiltIn, [5_000, 1_000, 0]),
        ("mnist", State::Complete, [60_000, 10_000, 0]),
        ("cifar10", State::Subset, [10_000, 5_000, 0]),
        ("cifar100", State::Subset, [15_000, 5_000, 0]),
        ("stl10", State::Subset, [1_000, 600, 246]),
    ];
    assert_eq!(states.collect::<Vec<_>>(), expected);
}
