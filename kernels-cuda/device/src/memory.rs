//! Device memory as kernels see it.

use core::marker::PhantomData;

/// Four bytes: what arrays, shared memory and shuffles hold.
pub trait Word: Copy + 'static {
    /// The bits.
    fn to_bits(self) -> u32;
    /// From the bits.
    fn from_bits(bits: u32) -> Self;
}

impl Word for u32 {
    #[inline(always)]
    fn to_bits(self) -> u32 {
        self
    }

    #[inline(always)]
    fn from_bits(bits: u32) -> Self {
        bits
    }
}

impl Word for f32 {
    #[inline(always)]
    fn to_bits(self) -> u32 {
        self.to_bits()
    }

    #[inline(always)]
    fn from_bits(bits: u32) -> Self {
        Self::from_bits(bits)
    }
}

/// An array in device memory: an address of the device and a number of elements. It is a
/// name, not a borrow: using it after the memory was given back is an error of the device,
/// as it is for a pointer in CUDA, and never one of this process.
#[repr(C)]
pub struct Global<W> {
    address: u64,
    len: u64,
    word: PhantomData<W>,
}

impl<W> Clone for Global<W> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<W> Copy for Global<W> {}

impl<W> core::fmt::Debug for Global<W> {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(out, "{:#x}[{}]", self.address, self.len)
    }
}

impl<W> Global<W> {
    /// `len` elements from a device address on: memory of this crate or of another library
    /// in the same context.
    #[inline(always)]
    #[must_use]
    pub const fn new(address: u64, len: usize) -> Self {
        Self {
            address,
            len: len as u64,
            word: PhantomData,
        }
    }

    /// No elements.
    #[must_use]
    pub const fn empty() -> Self {
        Self::new(0, 0)
    }

    /// The device address of the first element.
    #[inline(always)]
    #[must_use]
    pub const fn address(self) -> u64 {
        self.address
    }

    /// Elements.
    #[inline(always)]
    #[must_use]
    pub const fn len(self) -> usize {
        self.len as usize
    }

    /// Whether there are none.
    #[inline(always)]
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.len == 0
    }

    /// The first `len` elements and the rest; `None` if there are fewer.
    #[must_use]
    pub const fn split(self, len: usize) -> Option<(Self, Self)> {
        match self.len().checked_sub(len) {
            Some(rest) => Some((
                Self::new(self.address, len),
                Self::new(self.address + 4 * len as u64, rest),
            )),
            None => None,
        }
    }
}
