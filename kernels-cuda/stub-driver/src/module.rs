//! Modules, their entry points, launches.

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};

use kernels_cuda::{Device, DeviceError};
use kernels_cuda_device::list::{NAMES, with_kernel};
use kernels_cuda_device::{BLOCK, Kernel, Visitor};

use crate::state::*;

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuModuleLoadDataEx(
    out: *mut usize,
    image: *const c_char,
    options: c_uint,
    names: *const c_int,
    values: *const *mut c_void,
) -> c_int {
    // The error log's buffer and its size, which is passed in the place of a pointer.
    let option = |wanted: c_int| {
        let index = (0..options as usize).find(|&k| unsafe { *names.add(k) } == wanted)?;
        Some(unsafe { *values.add(index) })
    };
    let log = |text: &str| {
        if let (Some(buffer), Some(size)) = (option(5), option(6)) {
            let len = text.len().min(size.addr());
            unsafe { buffer.cast::<u8>().copy_from(text.as_ptr(), len) };
        }
    };
    current(|driver| {
        let ptx = unsafe { CStr::from_ptr(image) }.to_string_lossy();
        if mode() == "bad-ptx" {
            log("ptxas application ptx input, line 5; fatal   : Unsupported .version 7.0");
            return Err(UNSUPPORTED_PTX_VERSION);
        }
        let missing = NAMES
            .iter()
            .find(|name| !ptx.contains(&format!(".entry {name}(")));
        if let Some(name) = missing {
            log(&format!(
                "the PTX has no entry point {name}: scripts/ptx build makes it anew"
            ));
            return Err(INVALID_PTX);
        }
        let module = driver.handle();
        driver.modules.push(module);
        unsafe { out.write(module) };
        Ok(())
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuModuleUnload(module: usize) -> c_int {
    current(|driver| {
        let known = driver.modules.iter().position(|&known| known == module);
        driver.modules.swap_remove(known.ok_or(INVALID_HANDLE)?);
        Ok(())
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuModuleGetFunction(
    out: *mut usize,
    module: usize,
    name: *const c_char,
) -> c_int {
    current(|driver| {
        if !driver.modules.contains(&module) {
            return Err(INVALID_HANDLE);
        }
        let name = unsafe { CStr::from_ptr(name) }.to_string_lossy();
        let name = *NAMES
            .iter()
            .find(|&&known| known == name)
            .ok_or(NOT_FOUND)?;
        let function = driver.handle();
        driver.functions.insert(
            function,
            Function {
                name,
                shared: SHARED,
                module,
            },
        );
        unsafe { out.write(function) };
        Ok(())
    })
}

/// Only the largest dynamic shared memory.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuFuncSetAttribute(function: usize, which: c_int, value: c_int) -> c_int {
    current(|driver| {
        let function = driver.functions.get_mut(&function).ok_or(INVALID_HANDLE)?;
        let value = u32::try_from(value).map_err(|_| INVALID_VALUE)?;
        if which != 8 || value > MAX_SHARED {
            return Err(INVALID_VALUE);
        }
        function.shared = value;
        Ok(())
    })
}

/// Puts a kernel into a stream.
struct Launch<'d> {
    driver: &'d mut Driver,
    module: usize,
    stream: usize,
    grid: [u32; 2],
    shared_bytes: u32,
}

impl Visitor for Launch<'_> {
    type Output = Result<(), c_int>;

    fn visit<K: Kernel>(self, kernel: K) -> Self::Output {
        let needed = 4 * kernel.shared_words();
        if self.shared_bytes < needed {
            let got = self.shared_bytes;
            eprintln!("{}: {needed} bytes of shared memory, got {got}", K::NAME);
            return Err(INVALID_VALUE);
        }
        let (module, grid) = (self.module, self.grid);
        let run = move |driver: &mut Driver| {
            if !driver.modules.contains(&module) {
                eprintln!("{}: its module was unloaded before it ran", K::NAME);
                driver.failed = Some(ILLEGAL_ADDRESS);
                return Err(ILLEGAL_ADDRESS);
            }
            if mode() == "launch-failure" {
                driver.failed = Some(ILLEGAL_ADDRESS);
                return Err(ILLEGAL_ADDRESS);
            }
            driver
                .emulator
                .launch(kernel, grid)
                .map_err(|error: DeviceError| {
                    eprintln!("{error}");
                    driver.failed = Some(ILLEGAL_ADDRESS);
                    ILLEGAL_ADDRESS
                })
        };
        self.driver.put(self.stream, Box::new(run))
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuLaunchKernel(
    function: usize,
    grid_x: c_uint,
    grid_y: c_uint,
    grid_z: c_uint,
    block_x: c_uint,
    block_y: c_uint,
    block_z: c_uint,
    shared_bytes: c_uint,
    stream: usize,
    arguments: *const *const c_void,
    extra: *const c_void,
) -> c_int {
    current(|driver| {
        let function = driver.functions.get(&function).ok_or(INVALID_HANDLE)?;
        let Function {
            name,
            shared,
            module,
        } = *function;
        let empty = grid_x == 0 || grid_y == 0;
        let large = grid_x > i32::MAX as u32 || grid_y > 65_535;
        let shape = [grid_z, block_x, block_y, block_z];
        if empty || large || shape != [1, BLOCK, 1, 1] || shared_bytes > shared || !extra.is_null()
        {
            return Err(INVALID_VALUE);
        }
        let launch = Launch {
            driver,
            module,
            stream,
            grid: [grid_x, grid_y],
            shared_bytes,
        };
        // The first parameter is the kernel; it is copied now.
        unsafe { with_kernel(name, *arguments, launch) }.unwrap_or(Err(NOT_FOUND))
    })
}
