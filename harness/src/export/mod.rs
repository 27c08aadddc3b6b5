//! The encoder for other tools: its weights by torchvision's names, or the whole network
//! as an ONNX graph.

mod graph;
mod npy;
mod onnx;
mod safetensors;

#[cfg(test)]
mod tests;

pub use graph::onnx;
pub use npy::npy;
pub use safetensors::safetensors;
