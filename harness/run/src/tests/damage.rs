//! The checkpoint container: what it holds, and that no damage gets through.

use safetensors::{Dtype, tensor::TensorView};
use serde_json::json;

use super::{replaced, sample};
use crate::{
    Checkpoint,
    container::{NO_DIGEST, Problem, decode, encode},
};

fn problem(bytes: &[u8]) -> Problem {
    decode(bytes).expect_err("must be refused")
}

#[test]
fn what_went_in_comes_out() {
    let odd = Checkpoint {
        step: u64::MAX,
        epoch: 0,
        // Text that looks like the header's own, and numbers at their ends.
        meta: json!({"sha256": NO_DIGEST, "x": format!("\"sha256\":\"{NO_DIGEST}\""),
                     "u": u64::MAX, "i": i64::MIN, "ä\0": [null, true]}),
        sections: vec![
            ("z".into(), vec![]),
            (format!("\"sha256\":\"{NO_DIGEST}\""), vec![1; 3]),
            (
                "a".into(),
                format!("\"sha256\":\"{NO_DIGEST}\"").into_bytes(),
            ),
        ],
    };
    for checkpoint in [
        sample(7),
        odd,
        Checkpoint {
            sections: vec![],
            ..sample(0)
        },
    ] {
        assert_eq!(decode(&encode(&checkpoint).unwrap()).unwrap(), checkpoint);
    }
}

#[test]
fn every_flipped_bit_is_noticed() {
    let good = encode(&sample(123)).unwrap();
    for byte in 0..good.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[byte] ^= 1 << bit;
            assert!(
                decode(&bad).is_err(),
                "byte {byte} of {}, bit {bit}",
                good.len()
            );
        }
    }
}

#[test]
fn every_length_but_the_right_one_is_refused() {
    let good = encode(&sample(123)).unwrap();
    for length in 0..good.len() {
        problem(&good[..length]);
        // What a file system may leave after a power cut: the length, but no bytes.
        let mut zeros = good.clone();
        zeros[length..].fill(0);
        assert!(
            decode(&zeros).is_err() || zeros == good,
            "zeros from {length}"
        );
    }
    problem(&[good.as_slice(), b"\n"].concat());
    problem(&[good.as_slice(), good.as_slice()].concat());
}

#[test]
fn swapped_and_repeated_blocks_are_noticed() {
    let good = encode(&sample(123)).unwrap();
    for a in 0..good.len() - 1 {
        let mut bad = good.clone();
        bad.swap(a, a + 1);
        assert!(
            bad == good || decode(&bad).is_err(),
            "bytes {a} and the next"
        );
    }
}

#[test]
fn a_newer_layout_and_foreign_files_are_named() {
    let text = |from: &str, to: &str| replaced(&encode(&sample(1)).unwrap(), from, to);
    let newer = text("\"version\":\"1\"", "\"version\":\"2\"");
    assert_eq!(problem(&newer), Problem::Version { got: "2".into() });
    let other = text("sinsim-checkpoint", "somebody-elses-it");
    assert!(matches!(
        problem(&other),
        Problem::Foreign { key: "format", .. }
    ));
    let unsigned = text("\"sha256\"", "\"sha512\"");
    assert!(matches!(
        problem(&unsigned),
        Problem::Foreign { key: "sha256", .. }
    ));
    let plain = safetensors::serialize(
        [("a", TensorView::new(Dtype::U8, vec![1], b"1").unwrap())],
        None,
    );
    assert!(matches!(
        problem(&plain.unwrap()),
        Problem::Foreign { key: "format", .. }
    ));
    assert!(matches!(
        problem(b"PK\x03\x04 a zip file"),
        Problem::Container { .. }
    ));
}

#[test]
fn what_could_not_be_read_again_is_not_written() {
    let refuse = |checkpoint: Checkpoint, word: &str| {
        let message = encode(&checkpoint).unwrap_err().to_string();
        assert!(
            message.contains("step 5") && message.contains(word),
            "{message}"
        );
    };
    let twice = vec![("a".to_owned(), vec![]), ("a".to_owned(), vec![1])];
    refuse(
        Checkpoint {
            sections: twice,
            ..sample(5)
        },
        "unique",
    );
    let reserved = vec![("__metadata__".to_owned(), vec![])];
    refuse(
        Checkpoint {
            sections: reserved,
            ..sample(5)
        },
        "__metadata__",
    );
    // serde_json reads 127 levels.
    let deep = (0..200).fold(json!(0), |inner, _| json!([inner]));
    refuse(
        Checkpoint {
            meta: deep,
            ..sample(5)
        },
        "state",
    );
}

proptest::proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>, n in 0u64..64) {
        let _ = decode(&bytes);
        // A length that is believable gets past the first check.
        let _ = decode(&[&n.to_le_bytes()[..], &bytes].concat());
    }
}
