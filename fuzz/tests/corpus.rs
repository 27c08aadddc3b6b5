//! The inputs that the campaigns found, once more.

use std::path::Path;

use arbitrary::{Arbitrary, Unstructured};

/// Decodes every file as libFuzzer's driver does.
fn replay<I: for<'a> Arbitrary<'a> + std::fmt::Debug>(target: &str, check: fn(&I)) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    let mut count = 0;
    for file in std::fs::read_dir(&folder).expect("the corpus is part of the repository") {
        let path = file.expect("readable").path();
        let bytes = std::fs::read(&path).expect("readable");
        let Ok(input) = I::arbitrary_take_rest(Unstructured::new(&bytes)) else {
            continue;
        };
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&input))).is_err() {
            panic!("{}: {input:?}", path.display());
        }
        count += 1;
    }
    assert!(count > 0, "{} is empty", folder.display());
}

#[test]
fn sinkhorn() {
    replay("sinkhorn", fuzz::sinkhorn::check);
}

#[test]
fn nt_xent() {
    replay("nt_xent", fuzz::nt_xent::check);
}

#[test]
fn log_sum_exp() {
    replay("log_sum_exp", fuzz::log_sum_exp::check);
}

#[test]
fn api() {
    replay("api", fuzz::api::check);
}
