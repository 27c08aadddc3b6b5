//! What one thread of a grid sees and can do.
//!
//! Kernels are written against [`Thread`] and know nothing else of the machine: the PTX
//! build implements it by instructions, the emulated grid of `kernels-cuda` by coroutines
//! that check every access.
//!
//! A block is [`BLOCK`] threads, a warp [`WARP`]. Operations marked *block* (*warp*) are
//! collective: all threads of the block (warp) call them, in the same order.

use kernels_core::pieces::Level;

use crate::memory::{Global, Word};

/// Threads of a block: the same for all kernels.
pub const BLOCK: u32 = 256;
/// Threads of a warp.
pub const WARP: u32 = 32;
/// Warps of a block.
pub const WARPS: u32 = BLOCK / WARP;

/// A thread of a grid.
pub trait Thread: Copy {
    /// The machine's arithmetic, for the pieces of `kernels-core`.
    type Level: Level;

    /// Number in the block, less than [`BLOCK`].
    fn thread(self) -> u32;
    /// The block's place in the grid.
    fn block(self) -> [u32; 2];
    /// Blocks in the grid.
    fn grid(self) -> [u32; 2];

    /// An element of an array. `index < array.len()`.
    fn load<W: Word>(self, array: Global<W>, index: usize) -> W;
    /// Four elements from `index` on, at a multiple of 16 bytes.
    fn load4(self, array: Global<f32>, index: usize) -> [f32; 4];
    /// Writes an element.
    fn store<W: Word>(self, array: Global<W>, index: usize, value: W);

    /// A word of the block's shared memory, whose size is the kernel's.
    fn shared_load<W: Word>(self, index: u32) -> W;
    /// Four words; `index` is a multiple of 4.
    fn shared_load4(self, index: u32) -> [f32; 4];
    /// Writes a word of shared memory.
    fn shared_store<W: Word>(self, index: u32, value: W);
    /// Writes four words; `index` is a multiple of 4.
    fn shared_store4(self, index: u32, values: [f32; 4]);

    /// The square root, correctly rounded.
    fn square_root(self, x: f32) -> f32;

    /// *Block.* Every thread waits for all others; what they wrote is visible after it.
    fn barrier(self);
    /// *Warp.* The same for a warp.
    fn warp_barrier(self);
    /// *Warp.* The value of the lane whose number differs in the bits of `mask`.
    fn shuffle_xor<W: Word>(self, value: W, mask: u32) -> W;
    /// *Warp.* A product on a tensor core, `D = A·B + C` with A 16 × 8, B 8 × 8 in TF32
    /// (10 bits after the point; lower bits of the operands are ignored) and C in f32.
    /// With `group = lane / 4`, `pair = lane % 4` a lane holds
    /// `a = [A(group, pair), A(group+8, pair), A(group, pair+4), A(group+8, pair+4)]`,
    /// `b = [B(pair, group), B(pair+4, group)]` and
    /// `c = [C(group, 2·pair), C(group, 2·pair+1), C(group+8, 2·pair), C(group+8, 2·pair+1)]`
    /// (PTX: `mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32`).
    fn multiply(self, a: [f32; 4], b: [f32; 2], c: [f32; 4]) -> [f32; 4];

    /// Number in the warp.
    #[inline(always)]
    fn lane(self) -> u32 {
        self.thread() % WARP
    }

    /// The warp's number in the block.
    #[inline(always)]
    fn warp(self) -> u32 {
        self.thread() / WARP
    }
}
