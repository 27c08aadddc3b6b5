//! A kernel: its arguments, and what a thread does with them.

use crate::thread::Thread;

/// The arguments of a kernel, passed to the device by value, and its code.
pub trait Kernel: Copy + Send + Sync + 'static {
    /// The entry point's name in the PTX.
    const NAME: &'static str;

    /// Words of shared memory of a block.
    fn shared_words(&self) -> u32;

    /// What each thread does.
    fn run<T: Thread>(&self, thread: T);
}

/// Something to be done with a kernel whose name is only known at run time.
pub trait Visitor {
    /// What comes out.
    type Output;
    /// Does it.
    fn visit<K: Kernel>(self, kernel: K) -> Self::Output;
}

/// The list of kernels. For PTX: an entry point for each. Elsewhere: their names, and a
/// way from a name and a pointer to the arguments, as a driver gets them, to the kernel.
macro_rules! kernels {
    ($($name:ident: $kernel:ty,)+) => {
        $(
            const _: () = assert!(
                crate::kernel::same(<$kernel as $crate::kernel::Kernel>::NAME, stringify!($name)),
                "the entry point is called otherwise than the kernel"
            );
        )+

        /// The names of all entry points.
        pub const NAMES: &[&str] = &[$(stringify!($name)),+];

        #[cfg(target_arch = "nvptx64")]
        mod entry {
            use super::*;

            $(
                /// Entry point; the host sees to grid, shared memory and arrays.
                ///
                /// # Safety
                /// Called by a launch with blocks of `BLOCK` threads, the kernel's
                /// shared memory, and arrays that are as long as they say.
                #[unsafe(no_mangle)]
                #[allow(unsafe_code)]
                pub unsafe extern "ptx-kernel" fn $name(kernel: $kernel) {
                    // SAFETY: as the caller vouches for.
                    let thread = unsafe { $crate::ptx::Ptx::new() };
                    $crate::kernel::Kernel::run(&kernel, thread);
                }
            )+
        }

        /// Bytes of shared memory of each kernel, with the smallest sizes: some take more
        /// for longer columns, as their documentation says.
        #[cfg(not(target_arch = "nvptx64"))]
        #[allow(unsafe_code)]
        #[must_use]
        pub fn shared_bytes() -> [(&'static str, u32); NAMES.len()] {
            [$({
                // SAFETY: kernels consist of arrays, which are addresses and lengths, and of
                // numbers, for all of which zero is a value.
                let kernel: $kernel = unsafe { core::mem::zeroed() };
                (stringify!($name), 4 * $crate::kernel::Kernel::shared_words(&kernel))
            }),+]
        }

        /// Calls `visitor` with the kernel of this name; `None` if there is none.
        ///
        /// # Safety
        /// `arguments` points to the arguments of that kernel.
        #[cfg(not(target_arch = "nvptx64"))]
        #[allow(unsafe_code)]
        pub unsafe fn with_kernel<V: $crate::kernel::Visitor>(
            name: &str,
            arguments: *const core::ffi::c_void,
            visitor: V,
        ) -> Option<V::Output> {
            match name {
                $(stringify!($name) => {
                    // SAFETY: as the caller vouches for; kernels are Copy.
                    let kernel = unsafe { arguments.cast::<$kernel>().read_unaligned() };
                    Some(visitor.visit(kernel))
                })+
                _ => None,
            }
        }
    };
}

pub(crate) use kernels;

/// Whether two strings are equal, at compile time.
pub(crate) const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}
