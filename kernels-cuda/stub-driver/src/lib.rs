//! A driver whose device is the emulated grid of `kernels-cuda`: for tests of the host code
//! on machines without a GPU.
//!
//! It is as late as a GPU may be: what goes to a stream is done when somebody waits for
//! that stream, so host code that forgets to wait, or gives memory back too early, is found
//! out. Kernels come as PTX, which must have every entry point of the list, and run as the
//! Rust that the PTX was made from; a fault of one is told as a GPU tells it, by the calls
//! that come later.
//!
//! `SINSIM_STUB` chooses what goes wrong:
//!
//! | value | the driver |
//! |---|---|
//! | `no-device` | finds no device |
//! | `old-gpu` | has one of compute capability 7.5 |
//! | `bad-ptx` | refuses the PTX's version |
//! | `no-pools` | has no stream-ordered allocation |
//! | `out-of-memory` | has 64 KiB of device memory |
//! | `launch-failure` | reports an illegal address when a kernel runs |
//! | `unknown-code` | answers allocations by a code that no `cuda.h` lists |
//!
//! | file | subject |
//! |---|---|
//! | `state` | what there is, and what is still to be done |
//! | `context` | devices, contexts, error texts |
//! | `module` | modules, their entry points, launches |
//! | `work` | memory, streams, events |

// `cuda.h` has the safety of its functions; here they are only written for tests.
#![allow(clippy::missing_safety_doc, clippy::undocumented_unsafe_blocks)]

mod context;
mod module;
mod state;
mod work;
