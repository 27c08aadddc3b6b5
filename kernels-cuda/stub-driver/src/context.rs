//! Devices, contexts, error texts.

use std::ffi::{CStr, c_char, c_int, c_uint};

use crate::state::*;

const TEXTS: &[(c_int, &CStr, &CStr)] = &[
    (SUCCESS, c"CUDA_SUCCESS", c"no error"),
    (
        INVALID_VALUE,
        c"CUDA_ERROR_INVALID_VALUE",
        c"invalid argument",
    ),
    (OUT_OF_MEMORY, c"CUDA_ERROR_OUT_OF_MEMORY", c"out of memory"),
    (
        NOT_INITIALIZED,
        c"CUDA_ERROR_NOT_INITIALIZED",
        c"initialization error",
    ),
    (
        NO_DEVICE,
        c"CUDA_ERROR_NO_DEVICE",
        c"no CUDA-capable device is detected",
    ),
    (
        INVALID_DEVICE,
        c"CUDA_ERROR_INVALID_DEVICE",
        c"invalid device ordinal",
    ),
    (
        INVALID_CONTEXT,
        c"CUDA_ERROR_INVALID_CONTEXT",
        c"invalid device context",
    ),
    (
        INVALID_PTX,
        c"CUDA_ERROR_INVALID_PTX",
        c"a PTX JIT compilation failed",
    ),
    (
        UNSUPPORTED_PTX_VERSION,
        c"CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
        c"the provided PTX was compiled with an unsupported toolchain.",
    ),
    (
        INVALID_HANDLE,
        c"CUDA_ERROR_INVALID_HANDLE",
        c"invalid resource handle",
    ),
    (
        NOT_FOUND,
        c"CUDA_ERROR_NOT_FOUND",
        c"named symbol not found",
    ),
    (NOT_READY, c"CUDA_ERROR_NOT_READY", c"device not ready"),
    (
        ILLEGAL_ADDRESS,
        c"CUDA_ERROR_ILLEGAL_ADDRESS",
        c"an illegal memory access was encountered",
    ),
];

fn text(
    code: c_int,
    out: *mut *const c_char,
    of: impl Fn(&(c_int, &CStr, &CStr)) -> *const c_char,
) -> c_int {
    let known = TEXTS.iter().find(|(known, ..)| *known == code);
    unsafe { out.write(known.map_or(std::ptr::null(), of)) };
    if known.is_some() {
        SUCCESS
    } else {
        INVALID_VALUE
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuGetErrorName(code: c_int, out: *mut *const c_char) -> c_int {
    text(code, out, |(_, name, _)| name.as_ptr())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuGetErrorString(code: c_int, out: *mut *const c_char) -> c_int {
    text(code, out, |(_, _, text)| text.as_ptr())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuInit(flags: c_uint) -> c_int {
    if flags != 0 {
        return INVALID_VALUE;
    }
    if mode() == "no-device" {
        return NO_DEVICE;
    }
    driver(|driver| {
        driver.initialized = true;
        Ok(())
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuDriverGetVersion(out: *mut c_int) -> c_int {
    unsafe { out.write(12_040) };
    SUCCESS
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuDeviceGetCount(out: *mut c_int) -> c_int {
    initialized(|_| {
        unsafe { out.write(1) };
        Ok(())
    })
}

fn of_device(device: c_int, call: impl FnOnce(&mut Driver) -> Result<(), c_int>) -> c_int {
    initialized(|driver| {
        if device == 0 {
            call(driver)
        } else {
            Err(INVALID_DEVICE)
        }
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuDeviceGet(out: *mut c_int, ordinal: c_int) -> c_int {
    of_device(ordinal, |_| {
        unsafe { out.write(ordinal) };
        Ok(())
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuDeviceGetName(out: *mut c_char, len: c_int, device: c_int) -> c_int {
    of_device(device, |_| {
        let name = c"stub (emulated grid)".to_bytes_with_nul();
        let len = name
            .len()
            .min(usize::try_from(len).map_err(|_| INVALID_VALUE)?);
        unsafe { out.copy_from(name.as_ptr().cast(), len) };
        Ok(())
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuDeviceTotalMem_v2(out: *mut usize, device: c_int) -> c_int {
    of_device(device, |_| {
        unsafe {
            out.write(if mode() == "out-of-memory" {
                64 << 10
            } else {
                40 << 30
            })
        };
        Ok(())
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuDeviceGetAttribute(
    out: *mut c_int,
    which: c_int,
    device: c_int,
) -> c_int {
    of_device(device, |_| {
        let value = match (which, mode().as_str()) {
            (16, _) => 108,
            (75, "old-gpu") => 7,
            (76, "old-gpu") => 5,
            (75, _) => 8,
            (76, _) => 0,
            (97, _) => MAX_SHARED as c_int,
            (115, mode) => c_int::from(mode != "no-pools"),
            _ => return Err(INVALID_VALUE),
        };
        unsafe { out.write(value) };
        Ok(())
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuDevicePrimaryCtxRetain(out: *mut usize, device: c_int) -> c_int {
    of_device(device, |driver| {
        driver.retained += 1;
        unsafe { out.write(CONTEXT) };
        Ok(())
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuDevicePrimaryCtxRelease_v2(device: c_int) -> c_int {
    of_device(device, |driver| {
        driver.retained = driver.retained.checked_sub(1).ok_or(INVALID_CONTEXT)?;
        Ok(())
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuCtxGetCurrent(out: *mut usize) -> c_int {
    initialized(|_| {
        let current = CURRENT.with_borrow(|stack| stack.last().copied());
        unsafe { out.write(current.unwrap_or(0)) };
        Ok(())
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuCtxSetCurrent(context: usize) -> c_int {
    initialized(|_| {
        CURRENT.with_borrow_mut(|stack| {
            stack.pop();
            if context != 0 {
                stack.push(context);
            }
        });
        Ok(())
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuCtxPushCurrent_v2(context: usize) -> c_int {
    initialized(|driver| {
        if context != CONTEXT || driver.retained == 0 {
            return Err(INVALID_CONTEXT);
        }
        CURRENT.with_borrow_mut(|stack| stack.push(context));
        Ok(())
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuCtxPopCurrent_v2(out: *mut usize) -> c_int {
    initialized(|_| {
        let popped = CURRENT.with_borrow_mut(Vec::pop).ok_or(INVALID_CONTEXT)?;
        unsafe { out.write(popped) };
        Ok(())
    })
}
