//! The way of an operand of a matrix product from memory through registers to a slab in
//! shared memory. A slab is 32 terms of the sum for 64 rows of the left operand or columns
//! of the right one, and lies as the matrix does: a thread moves two groups of four.

use crate::four::Rows;
use crate::thread::{BLOCK, Thread};
use crate::warp_tile::{Panel, SLAB, STRIDE_ACROSS, STRIDE_ALONG};

/// Rows and columns of a block's tile.
pub const TILE: u32 = 64;
/// Words of an operand's slab.
pub(crate) const PANEL_WORDS: u32 = TILE * STRIDE_ALONG;
const _: () = assert!(SLAB * STRIDE_ACROSS == PANEL_WORDS);
const _: () = assert!(TILE * SLAB == 2 * 4 * BLOCK);

/// One operand, as a block sees it: rows of the left one, or columns of the right one, from
/// `first` on.
#[derive(Clone, Copy)]
pub(crate) struct Operand {
    /// The matrix in memory.
    pub(crate) matrix: Rows,
    /// Whether rows in memory run across the sum's index.
    pub(crate) across: bool,
    /// The first row (or column) of the block's tile.
    pub(crate) first: u32,
    /// All of them.
    pub(crate) count: u32,
    /// Where its slab begins in shared memory.
    pub(crate) words: u32,
}

impl Operand {
    /// Row and column in the slab of one of a thread's two groups of four.
    #[inline(always)]
    fn group(self, thread: u32, turn: u32) -> [u32; 2] {
        let group = thread + turn * BLOCK;
        let in_row = if self.across { TILE / 4 } else { SLAB / 4 };
        [group / in_row, group % in_row * 4]
    }

    /// A thread's share of the slab from k on.
    #[inline(always)]
    pub(crate) fn fetch<T: Thread>(self, thread: T, k: u32, end: u32) -> [[f32; 4]; 2] {
        let (row_limit, column_limit) = if self.across {
            (end, self.count)
        } else {
            (self.count, end)
        };
        [0, 1].map(|turn| {
            let [row, column] = self.group(thread.thread(), turn);
            let (row, column) = if self.across {
                (k + row, self.first + column)
            } else {
                (self.first + row, k + column)
            };
            if row < row_limit {
                self.matrix.load4(thread, row, column, column_limit)
            } else {
                [0.0; 4]
            }
        })
    }

    /// Puts it into shared memory.
    #[inline(always)]
    pub(crate) fn put<T: Thread>(self, thread: T, [first, second]: [[f32; 4]; 2]) {
        let stride = if self.across {
            STRIDE_ACROSS
        } else {
            STRIDE_ALONG
        };
        for (turn, four) in [(0, first), (1, second)] {
            let [row, column] = self.group(thread.thread(), turn);
            thread.shared_store4(self.words + row * stride + column, four);
        }
    }

    /// The slab, for the warps.
    #[inline(always)]
    pub(crate) fn panel(self) -> Panel {
        let (outer, inner) = if self.across {
            (1, STRIDE_ACROSS)
        } else {
            (STRIDE_ALONG, 1)
        };
        Panel {
            start: self.words,
            outer,
            inner,
        }
    }
}
