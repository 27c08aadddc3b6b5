//! The encoder as an ONNX graph, `images` [batch, channels, height, width] to `features`
//! [batch, 512]. It is written as the network is built, layer by layer; initializers have
//! the names of the weights in `encoder.safetensors`.

use std::collections::HashMap;

use prost::Message;

use super::onnx::{
    AttributeProto, Dimension, FLOAT, GraphProto, IR_VERSION, ModelProto, NodeProto, OPSET,
    OperatorSetIdProto, StringStringEntryProto, TensorProto, TensorShapeProto, TensorType,
    TypeProto, ValueInfoProto,
};
use crate::{
    layers::EPSILON,
    model::{FEATURES, ResNet18, StemKind, state_dict},
};

/// Name of the graph's input: normalised pixels.
const INPUT: &str = "images";
/// Name of its output.
const OUTPUT: &str = "features";

/// The bytes of the file, for images of `[channels, height, width]`. `metadata` goes into
/// the file, by the keys' order.
pub fn onnx(
    encoder: &ResNet18,
    stem: StemKind,
    [channels, height, width]: [usize; 3],
    metadata: &HashMap<String, String>,
) -> Vec<u8> {
    let mut graph = Graph::default();
    graph.encoder(stem);
    let initializer = state_dict::state_dict(encoder).into_iter();
    let initializer = initializer.map(|entry| TensorProto {
        dims: entry.shape.iter().map(|&n| n as i64).collect(),
        data_type: FLOAT,
        name: entry.name,
        raw_data: entry.values.iter().flat_map(|v| v.to_le_bytes()).collect(),
    });
    let input = [channels, height, width].map(fixed);
    let mut keys: Vec<_> = metadata.iter().collect();
    keys.sort();
    let metadata = keys.into_iter().map(|(key, value)| StringStringEntryProto {
        key: key.clone(),
        value: value.clone(),
    });
    ModelProto {
        ir_version: IR_VERSION,
        producer_name: "SinSim harness".to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        doc_string: "ResNet-18 encoder. Input: pixels in [0, 1], less `mean`, divided by `std` \
                     (metadata), per channel. Output: representations."
            .to_owned(),
        graph: Some(GraphProto {
            node: graph.nodes,
            name: "resnet18".to_owned(),
            initializer: initializer.collect(),
            input: vec![value_info(INPUT, &input)],
            output: vec![value_info(OUTPUT, &[fixed(FEATURES)])],
        }),
        opset_import: vec![OperatorSetIdProto {
            domain: String::new(),
            version: OPSET,
        }],
        metadata_props: metadata.collect(),
    }
    .encode_to_vec()
}

fn fixed(size: usize) -> Dimension {
    Dimension {
        dim_value: Some(size as i64),
        dim_param: None,
    }
}

/// A tensor of numbers with any number of rows.
fn value_info(name: &str, sizes: &[Dimension]) -> ValueInfoProto {
    let mut dim = vec![Dimension {
        dim_value: None,
        dim_param: Some("batch".to_owned()),
    }];
    dim.extend_from_slice(sizes);
    ValueInfoProto {
        name: name.to_owned(),
        r#type: Some(TypeProto {
            tensor_type: Some(TensorType {
                elem_type: FLOAT,
                shape: Some(TensorShapeProto { dim }),
            }),
        }),
        doc_string: String::new(),
    }
}

/// Nodes as they are added: each method adds an operation behind `x` and gives the name
/// of its output, which is that of the operation.
#[derive(Default)]
struct Graph {
    nodes: Vec<NodeProto>,
}

impl Graph {
    fn add(
        &mut self,
        op: &str,
        name: &str,
        input: Vec<String>,
        attribute: Vec<AttributeProto>,
    ) -> String {
        let output = if op == "Flatten" { OUTPUT } else { name };
        self.nodes.push(NodeProto {
            input,
            output: vec![output.to_owned()],
            name: name.to_owned(),
            op_type: op.to_owned(),
            attribute,
        });
        output.to_owned()
    }

    fn conv(&mut self, name: &str, x: &str, kernel: i64, stride: i64) -> String {
        let pad = kernel / 2;
        let attributes = vec![
            AttributeProto::ints("kernel_shape", &[kernel; 2]),
            AttributeProto::ints("strides", &[stride; 2]),
            AttributeProto::ints("pads", &[pad; 4]),
        ];
        let input = vec![x.to_owned(), format!("{name}.weight")];
        self.add("Conv", name, input, attributes)
    }

    fn norm(&mut self, name: &str, x: &str) -> String {
        let mut input = vec![x.to_owned()];
        let tensors = ["weight", "bias", "running_mean", "running_var"];
        input.extend(tensors.map(|tensor| format!("{name}.{tensor}")));
        let epsilon = AttributeProto::float("epsilon", EPSILON as f32);
        self.add("BatchNormalization", name, input, vec![epsilon])
    }

    fn relu(&mut self, name: &str, x: &str) -> String {
        self.add("Relu", name, vec![x.to_owned()], Vec::new())
    }

    fn block(&mut self, name: &str, x: &str, stride: i64) -> String {
        let part = |part: &str| format!("{name}.{part}");
        let y = self.conv(&part("conv1"), x, 3, stride);
        let y = self.norm(&part("bn1"), &y);
        let y = self.relu(&part("relu1"), &y);
        let y = self.conv(&part("conv2"), &y, 3, 1);
        let y = self.norm(&part("bn2"), &y);
        let shortcut = if stride == 1 {
            x.to_owned()
        } else {
            let z = self.conv(&part("downsample.0"), x, 1, stride);
            self.norm(&part("downsample.1"), &z)
        };
        let sum = self.add("Add", &part("add"), vec![y, shortcut], Vec::new());
        self.relu(&part("relu2"), &sum)
    }

    fn encoder(&mut self, stem: StemKind) {
        let (kernel, stride) = match stem {
            StemKind::Small | StemKind::SmallPool => (3, 1),
            StemKind::Torchvision => (7, 2),
        };
        let x = self.conv("conv1", INPUT, kernel, stride);
        let x = self.norm("bn1", &x);
        let mut x = self.relu("relu", &x);
        if stem != StemKind::Small {
            let attributes = vec![
                AttributeProto::ints("kernel_shape", &[3; 2]),
                AttributeProto::ints("strides", &[2; 2]),
                AttributeProto::ints("pads", &[1; 4]),
            ];
            x = self.add("MaxPool", "maxpool", vec![x], attributes);
        }
        for stage in 1..=4 {
            // The first stage keeps width and resolution: it alone has no projection.
            let stride = if stage == 1 { 1 } else { 2 };
            x = self.block(&format!("layer{stage}.0"), &x, stride);
            x = self.block(&format!("layer{stage}.1"), &x, 1);
        }
        let x = self.add("GlobalAveragePool", "avgpool", vec![x], Vec::new());
        let axis = AttributeProto::int("axis", 1);
        self.add("Flatten", "flatten", vec![x], vec![axis]);
    }
}
