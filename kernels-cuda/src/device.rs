//! What the host needs of a device, and memory that gives itself back.
//!
//! Functions of this crate are written against [`Device`]; a GPU and the emulated grid
//! implement it. Arrays are named by [`Global`], an address and a length, so memory of
//! another library in the same context can be used as it is.

use kernels_cuda_device::fill::{AddScaled, Fill};
use kernels_cuda_device::{BLOCK, Global, Kernel, Word};

use crate::error::DeviceError;

/// A device with memory of its own, on which kernels run one after the other.
pub trait Device {
    /// Words of memory; their contents are undefined.
    ///
    /// # Errors
    /// When there is no room.
    fn allocate(&self, words: usize) -> Result<u64, DeviceError>;

    /// Gives memory back. What cannot be given back stays taken.
    fn free(&self, address: u64);

    /// Copies to the device, after the kernels before it.
    ///
    /// # Errors
    /// When the array is not the device's, or a kernel before failed.
    fn write(&self, address: u64, words: &[u32]) -> Result<(), DeviceError>;

    /// Waits for the kernels before it and copies from the device.
    ///
    /// # Errors
    /// When the array is not the device's, or a kernel before failed.
    fn read(&self, address: u64, words: &mut [u32]) -> Result<(), DeviceError>;

    /// Starts a kernel with `grid` blocks, after those before it. A grid without blocks
    /// does nothing.
    ///
    /// # Errors
    /// When it cannot be started; what happens later is told by the next copy.
    fn launch<K: Kernel>(&self, kernel: K, grid: [u32; 2]) -> Result<(), DeviceError>;
}

/// An array on a device, given back when dropped.
#[derive(Debug)]
pub struct Buffer<'d, D: Device, W: Word> {
    device: &'d D,
    array: Global<W>,
}

impl<'d, D: Device, W: Word> Buffer<'d, D, W> {
    /// `len` elements of undefined contents.
    ///
    /// # Errors
    /// When there is no room.
    pub fn new(device: &'d D, len: usize) -> Result<Self, DeviceError> {
        let address = if len == 0 { 0 } else { device.allocate(len)? };
        Ok(Self {
            device,
            array: Global::new(address, len),
        })
    }

    /// A copy of these elements.
    ///
    /// # Errors
    /// When there is no room, or the copy fails.
    pub fn of(device: &'d D, elements: &[W]) -> Result<Self, DeviceError> {
        let buffer = Self::new(device, elements.len())?;
        write(device, buffer.array, elements)?;
        Ok(buffer)
    }

    /// The array's name, for functions of this crate. It must not be used after the
    /// buffer is dropped.
    #[must_use]
    pub fn array(&self) -> Global<W> {
        self.array
    }

    /// The elements.
    ///
    /// # Errors
    /// When the copy or a kernel before it fails.
    pub fn to_vec(&self) -> Result<Vec<W>, DeviceError> {
        read(self.device, self.array)
    }
}

impl<D: Device, W: Word> Drop for Buffer<'_, D, W> {
    fn drop(&mut self) {
        if !self.array.is_empty() {
            self.device.free(self.array.address());
        }
    }
}

/// Copies elements to the device.
///
/// # Errors
/// When the copy or a kernel before it fails.
pub fn write<D: Device, W: Word>(
    device: &D,
    array: Global<W>,
    elements: &[W],
) -> Result<(), DeviceError> {
    if elements.len() > array.len() {
        return Err(DeviceError::Address {
            operation: "write",
            address: array.address(),
            expected: elements.len(),
            got: "a shorter array",
        });
    }
    if elements.is_empty() {
        return Ok(());
    }
    let words: Vec<u32> = elements.iter().map(|element| element.to_bits()).collect();
    device.write(array.address(), &words)
}

/// Copies an array from the device.
///
/// # Errors
/// When the copy or a kernel before it fails.
pub fn read<D: Device, W: Word>(device: &D, array: Global<W>) -> Result<Vec<W>, DeviceError> {
    let mut words = vec![0; array.len()];
    if !words.is_empty() {
        device.read(array.address(), &mut words)?;
    }
    Ok(words.into_iter().map(W::from_bits).collect())
}

/// Copies an array on the device.
///
/// # Errors
/// When the arrays differ in length, or the copy cannot be started.
pub fn copy<D: Device>(device: &D, from: Global<f32>, to: Global<f32>) -> Result<(), DeviceError> {
    if from.len() != to.len() {
        return Err(DeviceError::Address {
            operation: "copy",
            address: to.address(),
            expected: from.len(),
            got: "an array of another length",
        });
    }
    fill(device, from, to)
}

/// Zeros on the device.
///
/// # Errors
/// When the kernel cannot be started.
pub fn zero<D: Device>(device: &D, to: Global<f32>) -> Result<(), DeviceError> {
    fill(device, Global::empty(), to)
}

fn fill<D: Device>(device: &D, from: Global<f32>, to: Global<f32>) -> Result<(), DeviceError> {
    device.launch(Fill { from, to }, shared_out(to.len()))
}

/// `to += factor · from` on the device, for arrays of one length.
pub(crate) fn add_scaled<D: Device>(
    device: &D,
    factor: f32,
    from: Global<f32>,
    to: Global<f32>,
) -> Result<(), DeviceError> {
    device.launch(AddScaled { from, to, factor }, shared_out(to.len()))
}

/// A grid of blocks that share so many elements.
pub(crate) fn shared_out(elements: usize) -> [u32; 2] {
    [elements.div_ceil(BLOCK as usize).min(1024) as u32, 1]
}
