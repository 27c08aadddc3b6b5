//! Weights as a safetensors file that torchvision's `resnet18` loads, but for the
//! classifier: the state of each batch norm includes its counter of batches.

use std::collections::HashMap;

use safetensors::{Dtype, SafeTensorError, tensor::TensorView};

use crate::model::{ResNet18, state_dict};

/// The bytes of the file. `batches` is how many batches the running statistics have seen;
/// PyTorch asks for it, and uses it only for averages without momentum.
pub fn safetensors(
    encoder: &ResNet18,
    batches: u64,
    metadata: HashMap<String, String>,
) -> Result<Vec<u8>, SafeTensorError> {
    let entries = state_dict::state_dict(encoder);
    let batches = i64::try_from(batches).unwrap_or(i64::MAX).to_le_bytes();
    let mut tensors = Vec::with_capacity(entries.len());
    for entry in &entries {
        let bytes: Vec<u8> = entry.values.iter().flat_map(|v| v.to_le_bytes()).collect();
        tensors.push((entry.name.clone(), Dtype::F32, entry.shape.clone(), bytes));
        if let Some(norm) = entry.name.strip_suffix("running_var") {
            let name = format!("{norm}num_batches_tracked");
            tensors.push((name, Dtype::I64, Vec::new(), batches.to_vec()));
        }
    }
    let mut views = Vec::with_capacity(tensors.len());
    for (name, dtype, shape, bytes) in &tensors {
        let view = TensorView::new(*dtype, shape.clone(), bytes)?;
        views.push((name.as_str(), view));
    }
    safetensors::serialize(views, Some(metadata))
}
