//! The driver's calls, made safe: all unsafe code of the host but the loader's.

// Calls into the driver.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::marker::PhantomData;
use std::ptr;
use std::sync::Arc;

use cust::context::{Context, ContextHandle};
use cust::device::Device;
use cust::stream::{Stream, StreamFlags};
use cust::sys::{CUevent, CUfunction, CUmodule, CUstream};
use kernels_cuda_device::{BLOCK, Kernel};

use super::Cuda;
use super::answer::Code;
use super::load::*;
use crate::error::DeviceError;

const JIT_ERROR_LOG_BUFFER: c_int = 5;
const JIT_ERROR_LOG_BUFFER_BYTES: c_int = 6;
const MAX_DYNAMIC_SHARED_BYTES: c_int = 8;

/// What the driver calls a code: its name and a sentence.
pub(super) fn describe(code: c_int) -> Option<(String, String)> {
    let text = |ask: unsafe extern "C" fn(c_int, *mut *const c_char) -> c_int| {
        let mut text = ptr::null();
        // SAFETY: the driver writes a pointer, to a string that is never freed, or null.
        unsafe {
            if ask(code, &mut text) != 0 || text.is_null() {
                return None;
            }
            Some(CStr::from_ptr(text).to_string_lossy().into_owned())
        }
    };
    Some((text(cuGetErrorName)?, text(cuGetErrorString)?))
}

/// Starts the driver; the number of devices.
pub(super) fn init() -> Result<u32, Code> {
    let mut count = 0;
    // SAFETY: the first call, which may be repeated; writes one number.
    unsafe {
        Code::check(cuInit(0))?;
        Code::check(cuDeviceGetCount(&mut count))?;
    }
    Ok(u32::try_from(count).unwrap_or(0))
}

/// An attribute by its number in `cuda.h`: for those that cust has no name for.
pub(super) fn attribute(device: Device, attribute: c_int) -> Result<i32, Code> {
    let mut value = 0;
    // SAFETY: writes one number.
    Code::check(unsafe { cuDeviceGetAttribute(&mut value, attribute, device.as_raw()) })?;
    Ok(value)
}

/// The primary context of a device, which all libraries of the process share.
#[derive(Debug)]
pub(super) struct Primary(Context);

impl Primary {
    /// Retains it; what was current in this thread stays so.
    pub(super) fn retain(device: Device) -> Result<Arc<Self>, Code> {
        let (mut before, mut context) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: the driver writes contexts or null. Retained here for its code, and then
        // by cust, which keeps it.
        unsafe {
            Code::check(cuCtxGetCurrent(&mut before))?;
            Code::check(cuDevicePrimaryCtxRetain(&mut context, device.as_raw()))?;
        }
        let context = Context::new(device);
        // SAFETY: the opposite of what is above; what was current, or none.
        unsafe {
            Code::check(cuDevicePrimaryCtxRelease_v2(device.as_raw()))?;
            Code::check(cuCtxSetCurrent(before))?;
        }
        let context = context?;
        Ok(Arc::new(Self(context)))
    }

    /// Makes it this thread's current one until the guard is dropped.
    pub(super) fn enter(&self) -> Result<Entered<'_>, Code> {
        // SAFETY: retained as long as `self` is.
        Code::check(unsafe { cuCtxPushCurrent_v2(self.0.get_inner()) })?;
        Ok(Entered(PhantomData))
    }
}

/// While it lives, calls of this thread go to the context.
#[derive(Debug)]
pub(super) struct Entered<'p>(PhantomData<(&'p Primary, *const ())>);

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        let mut popped = ptr::null_mut();
        // SAFETY: what `enter` pushed. A failure leaves nothing to do.
        let _ = unsafe { cuCtxPopCurrent_v2(&mut popped) };
    }
}

/// Where work waits in order: a stream of this crate, or another library's.
#[derive(Debug)]
pub(super) struct Queue {
    raw: CUstream,
    own: Option<Stream>,
    primary: Arc<Primary>,
}

// SAFETY: a stream may be used from any thread.
unsafe impl Send for Queue {}

impl Cuda {
    /// The device of this number on a stream of another library (`CUstream`, which is the
    /// runtime's `cudaStream_t`; null is the default stream). What that library put there
    /// before runs before, and what it puts there later runs later.
    ///
    /// # Errors
    /// As [`Cuda::new`].
    ///
    /// # Safety
    /// The stream belongs to the primary context of this device and outlives this value.
    pub unsafe fn on_stream(ordinal: u32, stream: *mut c_void) -> Result<Self, DeviceError> {
        Self::with_queue(ordinal, |primary| {
            Ok(Queue {
                raw: stream.cast(),
                own: None,
                primary: Arc::clone(primary),
            })
        })
    }
}

impl Queue {
    pub(super) fn new(primary: &Arc<Primary>) -> Result<Self, Code> {
        let _entered = primary.enter()?;
        let stream = Stream::new(StreamFlags::DEFAULT, None)?;
        Ok(Self {
            raw: stream.as_inner(),
            own: Some(stream),
            primary: Arc::clone(primary),
        })
    }

    pub(super) fn raw(&self) -> *mut c_void {
        self.raw.cast()
    }

    /// Waits until all work is done.
    pub(super) fn wait(&self) -> Result<(), Code> {
        let _entered = self.primary.enter()?;
        // SAFETY: the stream lives.
        Code::check(unsafe { cuStreamSynchronize(self.raw) })
    }

    /// Memory; `ordered`: once the work before it is done.
    pub(super) fn allocate(&self, bytes: usize, ordered: bool) -> Result<u64, Code> {
        let _entered = self.primary.enter()?;
        let mut address = 0;
        // SAFETY: the driver writes an address; the stream lives.
        Code::check(unsafe {
            if ordered {
                cuMemAllocAsync(&mut address, bytes, self.raw)
            } else {
                cuMemAlloc_v2(&mut address, bytes)
            }
        })?;
        Ok(address)
    }

    /// The opposite.
    pub(super) fn free(&self, address: u64, ordered: bool) -> Result<(), Code> {
        let _entered = self.primary.enter()?;
        // SAFETY: the driver knows its allocations and refuses other addresses.
        Code::check(unsafe {
            if ordered {
                cuMemFreeAsync(address, self.raw)
            } else {
                cuMemFree_v2(address)
            }
        })
    }

    /// Copies to the device, and waits: the words are only lent.
    pub(super) fn write(&self, address: u64, words: &[u32]) -> Result<(), Code> {
        let _entered = self.primary.enter()?;
        let bytes = size_of_val(words);
        // SAFETY: reads `bytes` bytes of `words`, which live until the copy is over. The
        // wait comes whatever the copy says, as an error may be that of earlier work.
        let (copied, waited) = unsafe {
            let copied = cuMemcpyHtoDAsync_v2(address, words.as_ptr().cast(), bytes, self.raw);
            (copied, cuStreamSynchronize(self.raw))
        };
        Code::check(copied)?;
        Code::check(waited)
    }

    /// Waits for the work before it and copies from the device.
    pub(super) fn read(&self, address: u64, words: &mut [u32]) -> Result<(), Code> {
        let _entered = self.primary.enter()?;
        let bytes = size_of_val(words);
        // SAFETY: writes `bytes` bytes of `words`, which live until the copy is over.
        let (copied, waited) = unsafe {
            let copied = cuMemcpyDtoHAsync_v2(words.as_mut_ptr().cast(), address, bytes, self.raw);
            (copied, cuStreamSynchronize(self.raw))
        };
        Code::check(copied)?;
        Code::check(waited)
    }

    /// Starts a kernel with `grid` blocks.
    pub(super) fn launch<K: Kernel>(
        &self,
        function: Function,
        kernel: K,
        [x, y]: [u32; 2],
        shared_bytes: u32,
    ) -> Result<(), Code> {
        let _entered = self.primary.enter()?;
        let mut kernel = kernel;
        let mut arguments = [ptr::from_mut(&mut kernel).cast::<c_void>()];
        // SAFETY: the function is the entry point of `K`, whose one parameter is a `K`; the
        // driver copies it before it returns. What the kernel does to the device's memory,
        // it does to arrays that the caller named.
        Code::check(unsafe {
            cuLaunchKernel(
                function.0,
                x,
                y,
                1,
                BLOCK,
                1,
                1,
                shared_bytes,
                self.raw,
                arguments.as_mut_ptr(),
                ptr::null_mut(),
            )
        })
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        if let (Some(stream), Ok(_entered)) = (self.own.take(), self.primary.enter()) {
            // The driver finishes what the stream still holds; a failure has been told.
            let _ = Stream::drop(stream);
        }
    }
}

/// An entry point of loaded kernels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Function(CUfunction);

// SAFETY: a function may be used from any thread.
unsafe impl Send for Function {}

/// Kernels in a context.
#[derive(Debug)]
pub(super) struct Kernels {
    module: CUmodule,
    primary: Arc<Primary>,
}

// SAFETY: a module may be used from any thread.
unsafe impl Send for Kernels {}

impl Kernels {
    /// Compiles PTX for the device; an error comes with the compiler's words.
    pub(super) fn load(primary: &Arc<Primary>, ptx: &CStr) -> Result<Self, (Code, String)> {
        let plain = |code| (code, String::new());
        let _entered = primary.enter().map_err(plain)?;
        let mut module = ptr::null_mut();
        let mut log = vec![0_u8; 4096];
        let mut names = [JIT_ERROR_LOG_BUFFER, JIT_ERROR_LOG_BUFFER_BYTES];
        // The size is passed in the place of a pointer.
        let mut values = [
            log.as_mut_ptr().cast::<c_void>(),
            ptr::without_provenance_mut(log.len() - 1),
        ];
        // SAFETY: text that ends in NUL; two options with a buffer and its size, which the
        // driver writes less than, so that the log ends in NUL too.
        let code = unsafe {
            cuModuleLoadDataEx(
                &mut module,
                ptx.as_ptr().cast(),
                2,
                names.as_mut_ptr(),
                values.as_mut_ptr(),
            )
        };
        Code::check(code).map_err(|code| {
            let log = CStr::from_bytes_until_nul(&log).unwrap_or_default();
            (code, log.to_string_lossy().trim().to_owned())
        })?;
        Ok(Self {
            module,
            primary: Arc::clone(primary),
        })
    }

    /// An entry point by its name.
    pub(super) fn function(&self, name: &str) -> Result<Function, Code> {
        let _entered = self.primary.enter()?;
        let name = CString::new(name).unwrap_or_default();
        let mut function = ptr::null_mut();
        // SAFETY: the module is loaded, and the name ends in NUL.
        Code::check(unsafe { cuModuleGetFunction(&mut function, self.module, name.as_ptr()) })?;
        Ok(Function(function))
    }

    /// Lets a function have so much shared memory: more than 48 KiB must be asked for.
    pub(super) fn allow_shared(&self, function: Function, bytes: u32) -> Result<(), Code> {
        let _entered = self.primary.enter()?;
        let bytes = c_int::try_from(bytes).unwrap_or(c_int::MAX);
        // SAFETY: a function of a module that is loaded.
        Code::check(unsafe { cuFuncSetAttribute(function.0, MAX_DYNAMIC_SHARED_BYTES, bytes) })
    }
}

impl Drop for Kernels {
    fn drop(&mut self) {
        if let Ok(_entered) = self.primary.enter() {
            // SAFETY: functions of it are called no more.
            let _ = unsafe { cuModuleUnload(self.module) };
        }
    }
}

/// A mark in a stream whose time the device tells.
#[derive(Debug)]
pub(super) struct Mark<'q> {
    event: CUevent,
    queue: &'q Queue,
}

impl<'q> Mark<'q> {
    /// After the work that the stream holds.
    pub(super) fn new(queue: &'q Queue) -> Result<Self, Code> {
        let _entered = queue.primary.enter()?;
        let mut event = ptr::null_mut();
        // SAFETY: the driver writes an event.
        Code::check(unsafe { cuEventCreate(&mut event, 0) })?;
        let mark = Self { event, queue };
        // SAFETY: an event and a stream that live.
        Code::check(unsafe { cuEventRecord(event, queue.raw) })?;
        Ok(mark)
    }

    /// Waits for both; milliseconds from `start` to `self`.
    pub(super) fn since(&self, start: &Self) -> Result<f32, Code> {
        let _entered = self.queue.primary.enter()?;
        let mut milliseconds = 0.0;
        // SAFETY: events that live; the driver writes one number.
        unsafe {
            Code::check(cuEventSynchronize(self.event))?;
            Code::check(cuEventElapsedTime(
                &mut milliseconds,
                start.event,
                self.event,
            ))?;
        }
        Ok(milliseconds)
    }
}

impl Drop for Mark<'_> {
    fn drop(&mut self) {
        if let Ok(_entered) = self.queue.primary.enter() {
            // SAFETY: an event of its own, used no more.
            let _ = unsafe { cuEventDestroy_v2(self.event) };
        }
    }
}
