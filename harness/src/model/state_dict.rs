//! A module's tensors by name: what is written to `encoder.safetensors`, what is
//! digested, and how parameters are told from buffers.
//!
//! In files tensors have torchvision's names, so that other tools can read them: burn's
//! `gamma` and `beta` of a batch norm are `weight` and `bias` there, the stem is no
//! module of its own, and a shortcut is a sequence of two: `layer2.0.downsample.0.weight`.

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    tensor::{Tensor, TensorData},
};
use sha2::{Digest, Sha256};

/// One tensor of a module.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Dotted path, such as `layer1.0.conv1.weight`.
    pub name: String,
    /// Shape, outermost dimension first.
    pub shape: Vec<usize>,
    /// Values, row-major.
    pub values: Vec<f32>,
}

impl Entry {
    /// The tensor's values under a name.
    pub fn of<const D: usize>(name: impl Into<String>, tensor: Tensor<D>) -> Self {
        let data = tensor.into_data().convert::<f32>();
        Self {
            name: name.into(),
            shape: data.shape().to_vec(),
            // The conversion above makes the values f32: the cast cannot fail.
            values: data.try_to_vec().unwrap_or_default(),
        }
    }
}

/// Every float tensor of a module, in the order of its fields.
pub fn state_dict<M: Module>(module: &M) -> Vec<Entry> {
    let mut collect = Collect::default();
    module.visit(&mut collect);
    collect.entries
}

/// SHA-256 over names, shapes and values: equal digests mean equal weights, bit for bit.
pub fn digest(entries: &[Entry]) -> String {
    let mut hash = Sha256::new();
    for entry in entries {
        hash.update((entry.name.len() as u64).to_le_bytes());
        hash.update(entry.name.as_bytes());
        for &dim in &entry.shape {
            hash.update((dim as u64).to_le_bytes());
        }
        for value in &entry.values {
            hash.update(value.to_le_bytes());
        }
    }
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The entries as a safetensors file with `metadata` in its header.
pub fn to_safetensors(
    entries: &[Entry],
    metadata: std::collections::HashMap<String, String>,
) -> Result<Vec<u8>, safetensors::SafeTensorError> {
    let bytes: Vec<Vec<u8>> = entries
        .iter()
        .map(|entry| entry.values.iter().flat_map(|v| v.to_le_bytes()).collect())
        .collect();
    let mut views = Vec::with_capacity(entries.len());
    for (entry, bytes) in entries.iter().zip(&bytes) {
        let view = safetensors::tensor::TensorView::new(
            safetensors::Dtype::F32,
            entry.shape.clone(),
            bytes,
        )?;
        views.push((entry.name.as_str(), view));
    }
    safetensors::serialize(views, Some(metadata))
}

/// Whether a tensor of this name is a batch norm's running statistic: kept and
/// saved, but not trained.
fn is_buffer(name: &str) -> bool {
    name.ends_with("running_mean") || name.ends_with("running_var")
}

/// Counts numbers in parameters and in buffers.
#[derive(Default)]
pub struct Count {
    path: Path,
    /// Numbers that the optimiser moves.
    pub trainable: usize,
    /// Numbers in running statistics.
    pub buffers: usize,
}

impl ModuleVisitor for Count {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let numbers = param.val().shape().num_elements();
        if is_buffer(&self.path.name()) {
            self.buffers += numbers;
        } else {
            self.trainable += numbers;
        }
    }
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name);
    }
    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }
}

/// Where a visitor stands in the module tree.
#[derive(Default)]
pub(super) struct Path(Vec<String>);

impl Path {
    pub(super) fn push(&mut self, name: &str) {
        self.0.push(name.to_owned());
    }
    pub(super) fn pop(&mut self) {
        self.0.pop();
    }
    /// Whether this is a batch norm's running statistic.
    pub(super) fn is_buffer(&self) -> bool {
        is_buffer(&self.name())
    }
    /// The dotted path with torchvision's names.
    pub(super) fn name(&self) -> String {
        let mut parts: Vec<&str> = Vec::with_capacity(self.0.len());
        for part in &self.0 {
            let part = match (parts.last(), part.as_str()) {
                (_, "stem") => continue,
                (Some(&"downsample"), "conv") => "0",
                (Some(&"downsample"), "bn") => "1",
                (_, other) => other,
            };
            parts.push(part);
        }
        if let Some(last) = parts.last_mut() {
            *last = match *last {
                "gamma" => "weight",
                "beta" => "bias",
                other => other,
            };
        }
        parts.join(".")
    }
}

#[derive(Default)]
struct Collect {
    path: Path,
    entries: Vec<Entry>,
}

impl ModuleVisitor for Collect {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.entries.push(Entry::of(self.path.name(), param.val()));
    }
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name);
    }
    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }
}

/// Why tensors could not be put into a module.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Not a safetensors file.
    #[error("not a safetensors file: {0}; the run must have ended once for it to be written")]
    Format(#[from] safetensors::SafeTensorError),
    /// The tensors are another network's.
    #[error("tensor {name}: expected {expected}, got {got}; the file belongs to another network")]
    Tensor {
        /// The tensor's name.
        name: String,
        /// What the network has.
        expected: String,
        /// What the file has.
        got: String,
    },
}

/// Puts the tensors of a safetensors file into `module`; names and shapes must agree.
pub fn load_safetensors<M: Module>(module: M, bytes: &[u8]) -> Result<M, LoadError> {
    let file = safetensors::SafeTensors::deserialize(bytes)?;
    for entry in state_dict(&module) {
        let expected = format!("f32 {:?}", entry.shape);
        let got = file.tensor(&entry.name);
        let got = got.map(|t| format!("{} {:?}", t.dtype().to_string().to_lowercase(), t.shape()));
        let got = got.unwrap_or_else(|_| "nothing".to_owned());
        if got != expected {
            return Err(LoadError::Tensor {
                name: entry.name,
                expected,
                got,
            });
        }
    }
    Ok(module.map(&mut Fill {
        path: Path::default(),
        file,
    }))
}

/// Replaces each tensor by the file's; shapes have been checked.
struct Fill<'a> {
    path: Path,
    file: safetensors::SafeTensors<'a>,
}

impl ModuleMapper for Fill<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Ok(view) = self.file.tensor(&self.path.name()) else {
            return param;
        };
        let values: Vec<f32> = view
            .data()
            .as_chunks::<4>()
            .0
            .iter()
            .map(|bytes| f32::from_le_bytes(*bytes))
            .collect();
        let data = TensorData::new(values, view.shape().to_vec());
        param.map(|tensor| Tensor::from_data(data, &tensor.device()))
    }
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name);
    }
    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }
}
