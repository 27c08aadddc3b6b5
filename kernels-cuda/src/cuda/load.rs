//! Finds the driver when the program runs, so that a program with feature `cuda` starts on a
//! machine without one, and is built on one.
//!
//! cust's functions are linked to `libcuda`, and what is linked so must be there before
//! `main`. Here every function that cust (or this crate) calls is a jump through a slot;
//! [`driver`] loads `libcuda.so.1` and fills the slots. A slot that is not filled answers
//! `CUDA_ERROR_NOT_SUPPORTED`. The linker takes these functions before it looks into a
//! libcuda, and then leaves that out of the program (`--as-needed`, rustc's default), so
//! `link/lib64/libcuda.a` may be empty. They are hidden: another library of the process
//! that calls the driver never sees them.
//!
//! This crate's own calls take codes as numbers, not as cust's enumeration: a driver that
//! is newer than cust has codes that the enumeration has not.

// Symbols, and the addresses behind them.
#![allow(unsafe_code)]

use std::arch::global_asm;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, Ordering};

use cust::sys::{CUcontext, CUdeviceptr, CUevent, CUfunction, CUmodule, CUstream};

#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
compile_error!("kernels-cuda's feature `cuda` is for Linux on x86-64 or AArch64");

const NOT_SUPPORTED: c_int = 801;
const RTLD_NOW: c_int = 2;

unsafe extern "C" {
    fn dlopen(file: *const c_char, mode: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, symbol: *const c_char) -> *mut c_void;
    fn dlerror() -> *mut c_char;
}

/// What an empty slot does: every function of the driver returns a code.
extern "C" fn missing() -> c_int {
    NOT_SUPPORTED
}

/// A function's name and the address that its calls go to.
struct Slot(&'static CStr, &'static AtomicPtr<c_void>);

macro_rules! functions {
    ($($name:ident)+) => {
        #[allow(non_upper_case_globals)]
        mod slots {
            use super::*;

            $(pub(super) static $name: AtomicPtr<c_void> =
                AtomicPtr::new(missing as *const () as *mut c_void);)+
        }

        $(jump!($name);)+

        static SLOTS: &[Slot] = &[$(Slot(
            match CStr::from_bytes_with_nul(concat!(stringify!($name), "\0").as_bytes()) {
                Ok(name) => name,
                Err(_) => c"",
            },
            &slots::$name,
        )),+];
    };
}

/// A function that passes its arguments on as they are: they stay where they came.
macro_rules! jump {
    ($name:ident) => {
        #[cfg(target_arch = "x86_64")]
        global_asm!(
            ".pushsection .text",
            concat!(".globl ", stringify!($name)),
            concat!(".hidden ", stringify!($name)),
            concat!(".type ", stringify!($name), ", @function"),
            concat!(stringify!($name), ":"),
            "jmp qword ptr [rip + {slot}]",
            ".popsection",
            slot = sym slots::$name,
        );
        #[cfg(target_arch = "aarch64")]
        global_asm!(
            ".pushsection .text",
            concat!(".globl ", stringify!($name)),
            concat!(".hidden ", stringify!($name)),
            concat!(".type ", stringify!($name), ", %function"),
            ".p2align 2",
            concat!(stringify!($name), ":"),
            "adrp x16, {slot}",
            "ldr x16, [x16, :lo12:{slot}]",
            "br x16",
            ".popsection",
            slot = sym slots::$name,
        );
    };
}

// What cust 0.3.2 and `driver.rs` call. A name that lacks is an undefined symbol for the
// linker.
functions! {
    cuArray3DCreate_v2 cuArray3DGetDescriptor_v2 cuArrayDestroy cuCtxCreate_v2
    cuCtxDestroy_v2 cuCtxGetApiVersion cuCtxGetCacheConfig cuCtxGetCurrent cuCtxGetDevice
    cuCtxGetFlags cuCtxGetLimit cuCtxGetSharedMemConfig cuCtxGetStreamPriorityRange
    cuCtxPopCurrent_v2 cuCtxPushCurrent_v2 cuCtxSetCacheConfig cuCtxSetCurrent cuCtxSetLimit
    cuCtxSetSharedMemConfig cuCtxSynchronize cuDestroyExternalMemory cuDeviceGet
    cuDeviceGetAttribute cuDeviceGetCount cuDeviceGetName cuDevicePrimaryCtxRelease_v2
    cuDevicePrimaryCtxReset_v2 cuDevicePrimaryCtxRetain cuDevicePrimaryCtxSetFlags_v2
    cuDeviceTotalMem_v2 cuDriverGetVersion cuEventCreate cuEventDestroy_v2
    cuEventElapsedTime cuEventQuery cuEventRecord cuEventSynchronize
    cuExternalMemoryGetMappedBuffer cuFuncGetAttribute cuFuncSetAttribute
    cuFuncSetCacheConfig cuFuncSetSharedMemConfig cuGetErrorName cuGetErrorString
    cuGraphAddKernelNode cuGraphCreate cuGraphDebugDotPrint cuGraphDestroy cuGraphGetEdges
    cuGraphGetNodes cuGraphKernelNodeGetParams cuGraphNodeGetType cuImportExternalMemory
    cuInit cuLaunchHostFunc cuLaunchKernel cuLinkAddData_v2 cuLinkComplete cuLinkCreate_v2
    cuLinkDestroy cuMemAdvise cuMemAllocAsync cuMemAllocHost_v2 cuMemAllocManaged
    cuMemAlloc_v2 cuMemFreeAsync cuMemFreeHost cuMemFree_v2 cuMemGetInfo_v2
    cuMemPrefetchAsync cuMemcpy2D_v2 cuMemcpyAtoH_v2 cuMemcpyDtoDAsync_v2 cuMemcpyDtoD_v2
    cuMemcpyDtoHAsync_v2 cuMemcpyDtoH_v2 cuMemcpyHtoA_v2 cuMemcpyHtoDAsync_v2
    cuMemcpyHtoD_v2 cuMemsetD16Async cuMemsetD16_v2 cuMemsetD32Async cuMemsetD32_v2
    cuMemsetD8Async cuMemsetD8_v2 cuModuleGetFunction cuModuleGetGlobal_v2 cuModuleLoad
    cuModuleLoadData cuModuleLoadDataEx cuModuleUnload
    cuOccupancyAvailableDynamicSMemPerBlock cuOccupancyMaxActiveBlocksPerMultiprocessor
    cuOccupancyMaxPotentialBlockSize cuStreamCreateWithPriority cuStreamDestroy_v2
    cuStreamGetFlags cuStreamGetPriority cuStreamSynchronize cuStreamWaitEvent
    cuSurfObjectCreate cuSurfObjectDestroy cuSurfObjectGetResourceDesc cuTexObjectCreate
    cuTexObjectDestroy cuTexObjectGetResourceDesc cuTexObjectGetResourceViewDesc
}

// What `driver.rs` calls, as `cuda.h` has it.
unsafe extern "C" {
    pub(super) fn cuGetErrorName(code: c_int, name: *mut *const c_char) -> c_int;
    pub(super) fn cuGetErrorString(code: c_int, text: *mut *const c_char) -> c_int;
    pub(super) fn cuInit(flags: c_uint) -> c_int;
    pub(super) fn cuDeviceGetCount(count: *mut c_int) -> c_int;
    pub(super) fn cuDevicePrimaryCtxRetain(context: *mut CUcontext, device: c_int) -> c_int;
    pub(super) fn cuDevicePrimaryCtxRelease_v2(device: c_int) -> c_int;
    pub(super) fn cuDeviceGetAttribute(value: *mut c_int, attribute: c_int, device: c_int)
    -> c_int;
    pub(super) fn cuCtxGetCurrent(context: *mut CUcontext) -> c_int;
    pub(super) fn cuCtxSetCurrent(context: CUcontext) -> c_int;
    pub(super) fn cuCtxPushCurrent_v2(context: CUcontext) -> c_int;
    pub(super) fn cuCtxPopCurrent_v2(context: *mut CUcontext) -> c_int;
    pub(super) fn cuModuleLoadDataEx(
        module: *mut CUmodule,
        image: *const c_void,
        options: c_uint,
        names: *mut c_int,
        values: *mut *mut c_void,
    ) -> c_int;
    pub(super) fn cuModuleUnload(module: CUmodule) -> c_int;
    pub(super) fn cuModuleGetFunction(
        f: *mut CUfunction,
        module: CUmodule,
        name: *const c_char,
    ) -> c_int;
    pub(super) fn cuFuncSetAttribute(function: CUfunction, attribute: c_int, value: c_int)
    -> c_int;
    pub(super) fn cuLaunchKernel(
        function: CUfunction,
        grid_x: c_uint,
        grid_y: c_uint,
        grid_z: c_uint,
        block_x: c_uint,
        block_y: c_uint,
        block_z: c_uint,
        shared_bytes: c_uint,
        stream: CUstream,
        arguments: *mut *mut c_void,
        extra: *mut *mut c_void,
    ) -> c_int;
    pub(super) fn cuMemAlloc_v2(address: *mut CUdeviceptr, bytes: usize) -> c_int;
    pub(super) fn cuMemAllocAsync(
        address: *mut CUdeviceptr,
        bytes: usize,
        stream: CUstream,
    ) -> c_int;
    pub(super) fn cuMemFree_v2(address: CUdeviceptr) -> c_int;
    pub(super) fn cuMemFreeAsync(address: CUdeviceptr, stream: CUstream) -> c_int;
    pub(super) fn cuMemcpyHtoDAsync_v2(
        to: CUdeviceptr,
        from: *const c_void,
        bytes: usize,
        stream: CUstream,
    ) -> c_int;
    pub(super) fn cuMemcpyDtoHAsync_v2(
        to: *mut c_void,
        from: CUdeviceptr,
        bytes: usize,
        stream: CUstream,
    ) -> c_int;
    pub(super) fn cuStreamSynchronize(stream: CUstream) -> c_int;
    pub(super) fn cuEventCreate(event: *mut CUevent, flags: c_uint) -> c_int;
    pub(super) fn cuEventDestroy_v2(event: CUevent) -> c_int;
    pub(super) fn cuEventRecord(event: CUevent, stream: CUstream) -> c_int;
    pub(super) fn cuEventSynchronize(event: CUevent) -> c_int;
    pub(super) fn cuEventElapsedTime(milliseconds: *mut f32, start: CUevent, end: CUevent)
    -> c_int;
}

/// Loads the driver, once.
///
/// # Errors
/// The dynamic loader's reason.
pub(super) fn driver() -> Result<(), String> {
    static LOADED: OnceLock<Result<(), String>> = OnceLock::new();
    LOADED.get_or_init(load).clone()
}

fn load() -> Result<(), String> {
    // SAFETY: a name that ends in NUL; the driver's own initialisation is what a program
    // linked to it would run before `main`. It is never unloaded.
    let library = unsafe { dlopen(c"libcuda.so.1".as_ptr(), RTLD_NOW) };
    if library.is_null() {
        // SAFETY: after a call that failed, a string that lives until the next call.
        let reason = unsafe {
            let reason = dlerror();
            if reason.is_null() {
                c""
            } else {
                CStr::from_ptr(reason)
            }
        };
        return Err(reason.to_string_lossy().into_owned());
    }
    for Slot(name, slot) in SLOTS {
        // SAFETY: a library that is open and a name that ends in NUL.
        let address = unsafe { dlsym(library, name.as_ptr()) };
        if !address.is_null() {
            slot.store(address, Ordering::Relaxed);
        }
    }
    Ok(())
}
