//! Every data set's official format, from files to a result.

use crate::support::{harness, result};
use harness::data::testing;

fn train(dataset: &str, root: &std::path::Path) -> serde_json::Value {
    let mut train = harness();
    train
        .args(["train", "--offline", "--dataset", dataset, "--data-dir"])
        .arg(root);
    train.arg("--out").arg(root.join(format!("run-{dataset}")));
    train.args("--batch-size 4 --epochs 1 --stem torchvision --linear-epochs 2 --mlp-epochs 2".split(' '));
    result(train.args("--head-hidden 16 --head-output 8 --threads 2".split(' ')))
}

#[test]
fn every_official_format_trains() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path();
    testing::write_tiny_mnist(root).unwrap();
    testing::write_tiny_cifar10(root).unwrap();
    testing::write_tiny_cifar100(root).unwrap();
    testing::write_tiny_stl10(root).unwrap();
    for dataset in ["mnist", "cifar10", "cifar100", "stl10"] {
        let line = train(dataset, root);
        assert_eq!(line["dataset"], dataset);
        assert_eq!(line["test_images"], testing::TEST, "{dataset}");
        let unlabeled = if dataset == "stl10" {
            testing::UNLABELED
        } else {
            0
        };
        assert_eq!(
            line["pretrain_images"],
            testing::TRAIN + unlabeled,
            "{dataset}"
        );
        assert!(line["final_loss"].as_f64().unwrap().is_finite());
    }
}
