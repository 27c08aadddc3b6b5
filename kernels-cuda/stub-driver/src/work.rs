//! Memory, streams, events.

use std::collections::VecDeque;
use std::ffi::{c_int, c_uint};
use std::time::Instant;

use kernels_cuda::Device;

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
