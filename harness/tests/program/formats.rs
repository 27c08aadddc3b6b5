//! Every method on every data set's official format, from files to a result.

use clap::ValueEnum;
use harness::{data::testing, loss::Method};

use crate::support::{harness, result};

fn train(method: &str, dataset: &str, root: &std::path::Path) -> serde_json::Value {
    let mut train = harness();
    train
        .args(["train", "--offline", "--dataset", dataset, "--data-dir"])
        .arg(root);
    train.args(["--method", method]);
    let out = format!("run-{method}-{dataset}");
    train.arg("--out").arg(root.join(out));
    train.args(
        "--batch-size 4 --epochs 1 --stem torchvision --linear-epochs 2 --mlp-epochs 2".split(' '),
    );
    let small = "--head-hidden 16 --head-output 8 --mlp-hidden 8 --threads 2";
    result(train.args(small.split(' ')))
}

#[test]
fn every_method_trains_on_every_official_format() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path();
    testing::write_tiny_mnist(root).unwrap();
    testing::write_tiny_cifar10(root).unwrap();
    testing::write_tiny_cifar100(root).unwrap();
    testing::write_tiny_stl10(root).unwrap();
    let methods = Method::value_variants().iter().map(|method| method.name());
    let datasets = ["mnist", "cifar10", "cifar100", "stl10"];
    for (method, dataset) in methods.flat_map(|method| datasets.map(|dataset| (method, dataset))) {
        let line = train(method, dataset, root);
        assert_eq!(
            (&line["method"], &line["dataset"]),
            (&method.into(), &dataset.into())
        );
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
