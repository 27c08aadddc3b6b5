//! Files for other tools, looked at from inside; `tests/program/export.rs` has those tools
//! look at them.

use std::collections::{HashMap, HashSet};

use burn::{module::Module, tensor::Device};
use prost::Message;

use super::{npy, onnx, onnx::ModelProto, safetensors};
use crate::model::{ResNet18, StemKind, state_dict};

fn encoder(stem: StemKind) -> ResNet18 {
    ResNet18::new(stem, 3, &Device::flex()).materialize()
}

#[test]
fn every_tensor_has_torchvisions_name() {
    let bytes = safetensors(&encoder(StemKind::Torchvision), 7, HashMap::new()).unwrap();
    let file = ::safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let names: HashSet<&str> = file.names().into_iter().collect();
    // By torchvision's source: a stem, four stages of two blocks, a shortcut in three.
    let norm = [
        "weight",
        "bias",
        "running_mean",
        "running_var",
        "num_batches_tracked",
    ];
    let mut expected = HashSet::from(["conv1.weight".to_owned()]);
    let mut add_norm = |name: &str| expected.extend(norm.map(|part| format!("{name}.{part}")));
    add_norm("bn1");
    let blocks = (1..=4).flat_map(|stage| [(stage, 0), (stage, 1)]);
    for (stage, block) in blocks.clone() {
        for n in [1, 2] {
            add_norm(&format!("layer{stage}.{block}.bn{n}"));
        }
        if stage > 1 && block == 0 {
            add_norm(&format!("layer{stage}.0.downsample.1"));
        }
    }
    for (stage, block) in blocks {
        for n in [1, 2] {
            expected.insert(format!("layer{stage}.{block}.conv{n}.weight"));
        }
        if stage > 1 && block == 0 {
            expected.insert(format!("layer{stage}.0.downsample.0.weight"));
        }
    }
    let expected: HashSet<&str> = expected.iter().map(String::as_str).collect();
    assert_eq!(names, expected);
    assert_eq!(
        names.len(),
        120,
        "122 of torchvision's without fc.weight and fc.bias"
    );
    let counter = file.tensor("bn1.num_batches_tracked").unwrap();
    assert_eq!(
        (counter.shape(), counter.data()),
        (&[][..], &7_i64.to_le_bytes()[..])
    );
}

#[test]
fn the_graph_is_closed_and_has_every_weight_once() {
    for stem in [StemKind::Small, StemKind::SmallPool, StemKind::Torchvision] {
        let encoder = encoder(stem);
        let metadata = HashMap::from([("mean".to_owned(), "[0.5]".to_owned())]);
        let bytes = onnx(&encoder, stem, [3, 32, 32], &metadata);
        let model = ModelProto::decode(bytes.as_slice()).unwrap();
        assert_eq!(model.metadata_props[0].key, "mean");
        let graph = model.graph.unwrap();
        let entries = state_dict::state_dict(&encoder);
        assert_eq!(graph.initializer.len(), entries.len());
        let mut known: HashSet<&str> = HashSet::from(["images"]);
        for (tensor, entry) in graph.initializer.iter().zip(&entries) {
            assert_eq!(tensor.name, entry.name);
            let numbers: i64 = tensor.dims.iter().product();
            assert_eq!(tensor.raw_data.len() as i64, 4 * numbers);
            assert!(known.insert(&tensor.name));
        }
        // Nodes use what is known before them, and every weight is used.
        let mut used: HashSet<&str> = HashSet::new();
        for node in &graph.node {
            for input in &node.input {
                assert!(known.contains(input.as_str()), "{input} of {}", node.name);
                used.insert(input);
            }
            assert!(
                known.insert(&node.output[0]),
                "{} is twice there",
                node.output[0]
            );
        }
        assert!(
            entries
                .iter()
                .all(|entry| used.contains(entry.name.as_str()))
        );
        assert_eq!(graph.node.last().unwrap().output, ["features"]);
        // Twenty convolutions and norms, 17 rectifiers, 8 sums, mean, flatten, and a pool.
        let pools = usize::from(stem != StemKind::Small);
        assert_eq!(graph.node.len(), 20 + 20 + 17 + 8 + 2 + pools);
    }
}

/// The first array is byte for byte what `numpy.save` writes.
#[test]
fn npy_is_numpys() {
    let bytes = npy(&[2, 3], &[0.0_f32, 1.0, 2.0, 3.0, 4.0, 5.0]);
    let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
    let mut expected = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    expected.extend_from_slice(format!("{text:<117}\n").as_bytes());
    assert_eq!(expected.len(), 128);
    expected.extend((0..6).flat_map(|i| (i as f32).to_le_bytes()));
    assert_eq!(bytes, expected);
    let labels = npy(&[2], &[7_i64, -1]);
    assert!(labels.windows(17).any(|w| w == b"'shape': (2,), } "));
    let none = npy::<u8>(&[0, 3, 32, 32], &[]);
    assert_eq!(none.len() % 64, 0);
}
