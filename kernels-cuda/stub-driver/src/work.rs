//! Memory, streams, events, launches.

use std::collections::VecDeque;
use std::ffi::{c_int, c_uint, c_void};
use std::time::Instant;

use kernels_cuda::{Device, DeviceError};
use kernels_cuda_device::list::with_kernel;
use kernels_cuda_device::{BLOCK, Kernel, Visitor};

use crate::state::*;

fn words(bytes: usize) -> Result<usize, c_int> {
    if bytes.is_multiple_of(4) {
        Ok(bytes / 4)
    } else {
        Err(INVALID_VALUE)
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuMemAlloc_v2(out: *mut u64, bytes: usize) -> c_int {
    current(|driver| {
        if bytes == 0 {
            return Err(INVALID_VALUE);
        }
        if mode() == "unknown-code" {
            return Err(9_876);
        }
        let allocated = driver.emulator.allocate(bytes.div_ceil(4));
        let address = allocated.map_err(|_| OUT_OF_MEMORY)?;
        driver.allocations.insert(address, bytes);
        unsafe { out.write(address) };
        Ok(())
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuMemAllocAsync(out: *mut u64, bytes: usize, _stream: usize) -> c_int {
    unsafe { cuMemAlloc_v2(out, bytes) }
}

fn free(driver: &mut Driver, address: u64) -> Result<(), c_int> {
    driver.allocations.remove(&address).ok_or(INVALID_VALUE)?;
    driver.emulator.free(address);
    Ok(())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuMemFree_v2(address: u64) -> c_int {
    current(|driver| {
        driver.drain_all()?;
        free(driver, address)
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuMemFreeAsync(address: u64, stream: usize) -> c_int {
    current(|driver| {
        if !driver.allocations.contains_key(&address) {
            return Err(INVALID_VALUE);
        }
        driver.put(stream, Box::new(move |driver| free(driver, address)))
    })
}

/// A copy is refused at once where a device array is too short.
fn check(driver: &Driver, address: u64, bytes: usize) -> Result<usize, c_int> {
    let (start, len) = driver
        .allocations
        .range(..=address)
        .next_back()
        .ok_or(INVALID_VALUE)?;
    let end = address.checked_add(bytes as u64).ok_or(INVALID_VALUE)?;
    if end > start + *len as u64 {
        return Err(INVALID_VALUE);
    }
    words(bytes)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuMemcpyHtoDAsync_v2(
    to: u64,
    from: usize,
    bytes: usize,
    stream: usize,
) -> c_int {
    current(|driver| {
        let words = check(driver, to, bytes)?;
        let copy = move |driver: &mut Driver| {
            let from = unsafe { std::slice::from_raw_parts(from as *const u32, words) };
            driver.emulator.write(to, from).map_err(|_| INVALID_VALUE)
        };
        driver.put(stream, Box::new(copy))
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuMemcpyDtoHAsync_v2(
    to: usize,
    from: u64,
    bytes: usize,
    stream: usize,
) -> c_int {
    current(|driver| {
        let words = check(driver, from, bytes)?;
        let copy = move |driver: &mut Driver| {
            let to = unsafe { std::slice::from_raw_parts_mut(to as *mut u32, words) };
            driver.emulator.read(from, to).map_err(|_| INVALID_VALUE)
        };
        driver.put(stream, Box::new(copy))
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuMemcpyHtoD_v2(to: u64, from: usize, bytes: usize) -> c_int {
    unsafe { cuMemcpyHtoDAsync_v2(to, from, bytes, 0) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuMemcpyDtoH_v2(to: usize, from: u64, bytes: usize) -> c_int {
    unsafe { cuMemcpyDtoHAsync_v2(to, from, bytes, 0) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuStreamCreateWithPriority(
    out: *mut usize,
    _flags: c_uint,
    _priority: c_int,
) -> c_int {
    current(|driver| {
        let stream = driver.handle();
        driver.streams.insert(stream, VecDeque::new());
        unsafe { out.write(stream) };
        Ok(())
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuStreamCreate(out: *mut usize, flags: c_uint) -> c_int {
    unsafe { cuStreamCreateWithPriority(out, flags, 0) }
}

/// What the stream still holds is done.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuStreamDestroy_v2(stream: usize) -> c_int {
    current(|driver| {
        let drained = driver.drain(stream);
        driver.streams.remove(&stream).ok_or(INVALID_HANDLE)?;
        drained
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuStreamSynchronize(stream: usize) -> c_int {
    current(|driver| match stream {
        0..=2 => driver.drain_all(),
        _ if driver.streams.contains_key(&stream) => driver.drain(stream),
        _ => Err(INVALID_HANDLE),
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuCtxSynchronize() -> c_int {
    current(Driver::drain_all)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuEventCreate(out: *mut usize, _flags: c_uint) -> c_int {
    current(|driver| {
        let event = driver.handle();
        driver.events.insert(event, Event::Created);
        unsafe { out.write(event) };
        Ok(())
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuEventDestroy_v2(event: usize) -> c_int {
    current(|driver| driver.events.remove(&event).map(drop).ok_or(INVALID_HANDLE))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuEventRecord(event: usize, stream: usize) -> c_int {
    current(|driver| {
        let known = driver.events.get_mut(&event).ok_or(INVALID_HANDLE)?;
        *known = Event::Recorded(stream);
        let mark = move |driver: &mut Driver| {
            if let Some(event) = driver.events.get_mut(&event) {
                *event = Event::Done(Instant::now());
            }
            Ok(())
        };
        driver.put(stream, Box::new(mark))
    })
}

fn wait_for(driver: &mut Driver, event: usize) -> Result<(), c_int> {
    match driver.events.get(&event) {
        Some(&Event::Recorded(stream)) => driver.drain(stream),
        Some(_) => Ok(()),
        None => Err(INVALID_HANDLE),
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuEventSynchronize(event: usize) -> c_int {
    current(|driver| wait_for(driver, event))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuStreamWaitEvent(stream: usize, event: usize, _flags: c_uint) -> c_int {
    current(|driver| driver.put(stream, Box::new(move |driver| wait_for(driver, event))))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuEventQuery(event: usize) -> c_int {
    current(|driver| match driver.events.get(&event) {
        Some(Event::Recorded(_)) => Err(NOT_READY),
        Some(_) => Ok(()),
        None => Err(INVALID_HANDLE),
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuEventElapsedTime(out: *mut f32, start: usize, end: usize) -> c_int {
    current(|driver| {
        let time = |event| match driver.events.get(&event) {
            Some(&Event::Done(time)) => Ok(time),
            Some(Event::Recorded(_)) => Err(NOT_READY),
            _ => Err(INVALID_HANDLE),
        };
        let passed = time(end)?.saturating_duration_since(time(start)?);
        unsafe { out.write(passed.as_secs_f32() * 1e3) };
        Ok(())
    })
}

/// Puts a kernel into a stream.
struct Launch<'d> {
    driver: &'d mut Driver,
    stream: usize,
    grid: [u32; 2],
    shared_bytes: u32,
}

impl Visitor for Launch<'_> {
    type Output = Result<(), c_int>;

    fn visit<K: Kernel>(self, kernel: K) -> Self::Output {
        let needed = 4 * kernel.shared_words();
        if self.shared_bytes != needed {
            let got = self.shared_bytes;
            eprintln!("{}: {needed} bytes of shared memory, got {got}", K::NAME);
            return Err(INVALID_VALUE);
        }
        let grid = self.grid;
        let run = move |driver: &mut Driver| {
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
        let Function { name, shared } = *driver.functions.get(&function).ok_or(INVALID_HANDLE)?;
        let empty = grid_x == 0 || grid_y == 0;
        let large = grid_x > i32::MAX as u32 || grid_y > 65_535;
        let shape = [grid_z, block_x, block_y, block_z];
        if empty || large || shape != [1, BLOCK, 1, 1] || shared_bytes > shared || !extra.is_null()
        {
            return Err(INVALID_VALUE);
        }
        let launch = Launch {
            driver,
            stream,
            grid: [grid_x, grid_y],
            shared_bytes,
        };
        // The first parameter is the kernel; it is copied now.
        unsafe { with_kernel(name, *arguments, launch) }.unwrap_or(Err(NOT_FOUND))
    })
}
