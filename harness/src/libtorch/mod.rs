//! LibTorch kernels that the binding does not offer, called by TorchScript.
//!
//! `tch` leaves out operations with a mask of outputs, among them the fused gradients
//! of convolution and batch norm, and the fused optimiser step. A TorchScript module of
//! a few lines (`operations.py`, in the dialect that such files hold) calls them; its
//! interpreter costs microseconds per call. LibTorch reads modules from a zip archive
//! alone, so one is made in memory: entries stored as they are, with the pickled object (no
//! attributes but `training`) beside the code.

use std::sync::LazyLock;

use tch::{CModule, IValue, Tensor};

/// Files of the module. LibTorch asks for one folder around them, of any name.
const FILES: [(&str, &[u8]); 4] = [
    ("operations/version", b"3\n"),
    ("operations/constants.pkl", b"\x80\x02)."),
    // An object of class `__torch__.Operations` with the state `{"training": True}`.
    (
        "operations/data.pkl",
        b"\x80\x02c__torch__\nOperations\n)\x81}X\x08\0\0\0training\x88sb.",
    ),
    (
        "operations/code/__torch__.py",
        include_bytes!("operations.py"),
    ),
];

static OPERATIONS: LazyLock<Option<CModule>> =
    LazyLock::new(|| CModule::load_data(&mut archive(&FILES).as_slice()).ok());

fn call(method: &str, arguments: &[IValue]) -> Option<IValue> {
    OPERATIONS.as_ref()?.method_is(method, arguments).ok()
}

/// Calls a method that gives a tensor; none if LibTorch refuses.
pub(crate) fn tensor(method: &str, arguments: &[IValue]) -> Option<Tensor> {
    match call(method, arguments)? {
        IValue::Tensor(tensor) => Some(tensor),
        _ => None,
    }
}

/// Calls a method that gives `N` tensors; none if LibTorch refuses.
pub(crate) fn tensors<const N: usize>(method: &str, arguments: &[IValue]) -> Option<[Tensor; N]> {
    match call(method, arguments)? {
        IValue::TensorList(tensors) => tensors.try_into().ok(),
        _ => None,
    }
}

/// A zip archive without compression (PKWARE's APPNOTE, sections 4.3.7, 4.3.12 and
/// 4.3.16), for entries far below 4 GiB.
fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in files {
        let at = out.len() as u32;
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        let (size, name_size) = (bytes.len() as u32, name.len() as u32);
        // Version 2.0, no flags, stored, midnight of 1 January 1980.
        let mut entry = Vec::new();
        for field in [20_u16, 0, 0, 0, 0x21] {
            entry.extend(field.to_le_bytes());
        }
        // The name's length, and that of an empty extra field.
        for field in [crc.sum(), size, size, name_size] {
            entry.extend(field.to_le_bytes());
        }
        out.extend(b"PK\x03\x04");
        out.extend(&entry);
        out.extend(name.as_bytes());
        out.extend(*bytes);
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(entry);
        // No comment, first disk, no attributes.
        directory.extend([0; 10]);
        directory.extend(at.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let (at, size, count) = (out.len(), directory.len(), files.len() as u16);
    out.extend(directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([count, count].map(u16::to_le_bytes).concat());
    out.extend([size as u32, at as u32].map(u32::to_le_bytes).concat());
    out.extend([0; 2]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Callers fall back on burn's compositions when LibTorch refuses: right in value,
    /// so that only this tells that the fused kernels are in use.
    #[test]
    fn libtorch_runs_every_method() {
        let random = |size: &[i64]| Tensor::rand(size, (tch::Kind::Float, tch::Device::Cpu));
        let images = || IValue::Tensor(random(&[2, 3, 4, 4]));
        let channels = || IValue::Tensor(random(&[3]));
        for method in ["convolution_input_gradient", "convolution_kernel_gradient"] {
            let kernel = IValue::Tensor(random(&[3, 3, 3, 3]));
            let arguments = [images(), images(), kernel, IValue::Int(1), IValue::Int(1)];
            assert!(tensor(method, &arguments).is_some(), "{method}");
        }
        let arguments = [
            images(),
            images(),
            channels(),
            channels(),
            channels(),
            IValue::Double(1e-5),
        ];
        assert!(tensors::<3>("batch_norm_gradients", &arguments).is_some());
        let list = |size: &[i64]| IValue::TensorList(vec![random(size)]);
        let time = IValue::TensorList(vec![Tensor::from(1.0_f32)]);
        let mut arguments = vec![list(&[3]), list(&[3]), list(&[3]), list(&[3]), time];
        arguments.extend([0.1, 0.9, 0.999, 0.0, 1e-8].map(IValue::Double));
        assert!(tensors::<1>("adamw", &arguments).is_some());
    }
}
