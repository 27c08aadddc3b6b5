//! The device behind the driver: `scripts/cuda-stub` runs this on a driver whose device is
//! the emulated grid; with a real one it runs on the GPU.
//!
//! What must go wrong is asked of a child process, as the stub's failures are chosen by an
//! environment variable.

// What another library would do with the driver.
#![allow(unsafe_code)]
// In functions that tests share.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::process::Command;

use cust::context::CurrentContext;
use cust::memory::{CopyDestination, DeviceBuffer};
use cust::stream::{Stream, StreamFlags};
use kernels_core::log_sum_exp::log_sum_exp;
use kernels_cuda::cuda::devices;
use kernels_cuda::emulator::Emulator;
use kernels_cuda::log_sum_exp::{
    log_sum_exp_of_columns, log_sum_exp_of_columns_workspace_len, log_sum_exp_of_rows,
};
use kernels_cuda::{Buffer, Cuda, Device, DeviceError, Error, Global};
use kernels_cuda_device::log_sum_exp::LogSumExpOfRows;
use kernels_cuda_device::{Kernel, Thread};
use support::{near, normal};

const SHAPE: (usize, usize) = (33, 257);

/// Whether the device is the emulated grid, late as a GPU but exact.
fn is_stub(device: &Cuda) -> bool {
    device.info().name.contains("stub")
}

fn both<D: Device>(device: &D, x: &[f32], shape: (usize, usize)) -> Result<[Vec<f32>; 2], Error> {
    let (rows, columns) = shape;
    let matrix = Buffer::of(device, x)?;
    let of_rows = Buffer::new(device, rows)?;
    log_sum_exp_of_rows(device, matrix.array(), shape, of_rows.array())?;
    let of_columns = Buffer::new(device, columns)?;
    let workspace = Buffer::new(device, log_sum_exp_of_columns_workspace_len(columns))?;
    let (out, workspace) = (of_columns.array(), workspace.array());
    log_sum_exp_of_columns(device, matrix.array(), shape, out, workspace)?;
    Ok([of_rows.to_vec()?, of_columns.to_vec()?])
}

#[test]
fn from_the_host_to_the_kernels_and_back() {
    let device = Cuda::new(0).unwrap();
    for (rows, columns) in [(0, 0), (1, 1), (2, 31), SHAPE] {
        let x = normal(3, rows * columns, 10.0);
        let got = both(&device, &x, (rows, columns)).unwrap();
        let want = both(&Emulator::new(5), &x, (rows, columns)).unwrap();
        if is_stub(&device) {
            assert_eq!(got, want, "the same kernels, bit for bit");
        }
        for (got, want) in got.iter().zip(&want) {
            let want: Vec<f64> = want.iter().map(|&x| f64::from(x)).collect();
            // Two ulp of a GPU's exponential, and sums in another order.
            near("log-sum-exp", got, &want, 2e-6);
        }
    }
}

#[test]
fn memory_and_stream_of_another_library() {
    // A context for the other library, which this crate finds as the same primary one.
    let first = Cuda::new(0).unwrap();
    let context = cust::context::Context::new(cust::device::Device::get_device(0).unwrap());
    let context = context.unwrap();
    let (rows, columns) = SHAPE;
    let host = normal(9, rows * columns, 1.0);
    let x = DeviceBuffer::from_slice(&host).unwrap();
    let out = DeviceBuffer::from_slice(&vec![-1.0_f32; rows]).unwrap();
    let stream = Stream::new(StreamFlags::DEFAULT, None).unwrap();
    let name = |buffer: &DeviceBuffer<f32>| {
        Global::<f32>::new(buffer.as_device_ptr().as_raw(), buffer.len())
    };
    {
        // SAFETY: a stream of the primary context that is dropped below.
        let device = unsafe { Cuda::on_stream(0, stream.as_inner().cast()) }.unwrap();
        assert_eq!(device.stream(), stream.as_inner().cast());
        log_sum_exp_of_rows(&device, name(&x), SHAPE, name(&out)).unwrap();
        if is_stub(&first) {
            // The stub does nothing before somebody waits, and this is another stream.
            let early = kernels_cuda::device::read(&first, name(&out)).unwrap();
            assert_eq!(early, vec![-1.0; rows], "nobody waited for the stream");
        }
        stream.synchronize().unwrap();
    }
    CurrentContext::set_current(&context).unwrap();
    let mut got = vec![0.0; rows];
    out.copy_to(&mut got).unwrap();
    let row = |row: &[f32]| log_sum_exp(&row.iter().map(|&x| x.into()).collect::<Vec<f64>>());
    let want: Vec<f64> = host.chunks(columns).map(row).collect();
    // As in tests/log_sum_exp.rs.
    near("rows", &got, &want, 1e-6);
}

#[test]
fn current_context_stays() {
    let device = Cuda::new(0).unwrap();
    let thread = std::thread::spawn(move || {
        // No context is current in this thread, and none is afterwards.
        let x = Buffer::of(&device, &[0.0_f32, 0.0]).unwrap();
        let out = Buffer::new(&device, 1).unwrap();
        log_sum_exp_of_rows(&device, x.array(), (1, 2), out.array()).unwrap();
        let got = out.to_vec().unwrap();
        assert!(CurrentContext::get_device().is_err());
        got
    });
    near("ln 2", &thread.join().unwrap(), &[2.0_f64.ln()], 1e-6);
}

#[test]
fn time_passes_on_the_device() {
    let device = Cuda::new(0).unwrap();
    let x = normal(1, 256 * 16, 1.0);
    let x = Buffer::of(&device, &x).unwrap();
    let out = Buffer::new(&device, 16).unwrap();
    let work = || log_sum_exp_of_rows(&device, x.array(), (16, 256), out.array());
    let (result, milliseconds) = device.timed(work).unwrap();
    result.unwrap();
    assert!(
        milliseconds > 0.0 && milliseconds < 60_000.0,
        "{milliseconds}"
    );
}

/// The kernel of rows with other shared memory.
#[derive(Clone, Copy, Debug)]
struct Shared(u32);

impl Kernel for Shared {
    const NAME: &'static str = LogSumExpOfRows::NAME;

    fn shared_words(&self) -> u32 {
        self.0
    }

    fn run<T: Thread>(&self, _: T) {}
}

#[test]
fn launches_that_cannot_be() {
    let device = Cuda::new(0).unwrap();
    let kernel = LogSumExpOfRows {
        x: Global::empty(),
        out: Global::empty(),
        columns: 0,
    };
    device.launch(kernel, [0, 1]).unwrap();
    device.launch(kernel, [1, 0]).unwrap();
    let refused = device.launch(kernel, [1, 70_000]).unwrap_err().to_string();
    let want = "log_sum_exp_of_rows: the kernel must run to its end, got a grid of 1 × 70000 \
                blocks, where 2147483647 × 65535 is the most";
    assert_eq!(refused, want);
    let refused = device.launch(Shared(1 << 20), [1, 1]).unwrap_err();
    let refused = refused.to_string();
    assert!(
        refused.contains("got 4194304 bytes of shared memory, where"),
        "{refused}"
    );
    device.synchronize().unwrap();
}

#[test]
fn copies_outside_an_allocation() {
    let device = Cuda::new(0).unwrap();
    let x = Buffer::<_, f32>::new(&device, 64).unwrap();
    let refused = device.write(x.array().address(), &vec![0; 1 << 22]);
    let refused = refused.unwrap_err();
    assert!(matches!(refused, DeviceError::Address { .. }), "{refused}");
    let refused = device.read(16, &mut [0]).unwrap_err();
    assert!(matches!(refused, DeviceError::Address { .. }), "{refused}");
    let want = "read: expected 1 words at 0x10 of the device, got no allocation, or a shorter one";
    assert_eq!(refused.to_string(), want);
}

#[test]
fn devices_are_listed() {
    let devices = devices().unwrap();
    let first = devices.first().unwrap();
    first.check().unwrap();
    println!("{first}");
    assert_eq!(first.ordinal, 0);
    if first.name.contains("stub") {
        let want =
            "0: stub (emulated grid), compute capability 8.0, 40.0 GiB, driver for CUDA 12.4";
        assert_eq!(first.to_string(), want);
    }
    let refused = Cuda::new(1_000).unwrap_err().to_string();
    assert!(
        refused.contains("and none of number 1000; see `nvidia-smi`"),
        "{refused}"
    );
}

/// What the child process is asked for; alone it does nothing.
#[test]
fn child() {
    let Ok(question) = std::env::var("SINSIM_CHILD") else {
        return;
    };
    let x = vec![0.0; 64];
    let run = || -> Result<String, Error> {
        match question.as_str() {
            "devices" => {
                let devices = devices()?;
                let usable = devices.iter().map(|device| device.check());
                usable.collect::<Result<Vec<()>, _>>()?;
            }
            "large" => drop(Buffer::<_, f32>::new(&Cuda::new(0)?, 1 << 20)?),
            "twice" => {
                let device = Cuda::new(0)?;
                let told = both(&device, &x, (8, 8)).unwrap_err();
                let again = Buffer::of(&device, &x).unwrap_err();
                assert_eq!(told, again.into(), "a failed context stays so");
                return Err(told);
            }
            _ => return Ok(format!("{:?}", both(&Cuda::new(0)?, &x, (8, 8))?)),
        }
        Ok("done".to_owned())
    };
    match run() {
        Ok(text) => println!("<<ok: {text}>>"),
        Err(Error::Device(error)) => println!("<<{error:?}|{error}>>"),
        Err(error) => println!("<<{error}>>"),
    }
}

/// What the child says, where the driver is the stub; `None` elsewhere.
fn ask(mode: &str, question: &str, without_driver: bool) -> Option<String> {
    if !is_stub(&Cuda::new(0).unwrap()) {
        eprintln!("not asked: the driver is a real one");
        return None;
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "child", "--nocapture"]);
    child.env("SINSIM_STUB", mode).env("SINSIM_CHILD", question);
    if without_driver {
        child.env_remove("LD_LIBRARY_PATH");
    }
    let out = child.output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(
        out.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&out.stderr)
    );
    let told = text
        .split_once("<<")
        .and_then(|(_, rest)| rest.split_once(">>"));
    Some(told.unwrap_or_else(|| panic!("{text}")).0.to_owned())
}

#[track_caller]
fn told(mode: &str, question: &str, want: &[&str]) {
    if let Some(text) = ask(mode, question, mode == "no-driver") {
        for want in want {
            assert!(text.contains(want), "{text}\nlacks: {want}");
        }
    }
}

#[test]
fn no_driver() {
    let want = [
        "NoDevice",
        "got no driver (libcuda.so.1: cannot open",
        "install NVIDIA's driver",
    ];
    told("no-driver", "devices", &want);
    told("no-driver", "run", &want);
}

#[test]
fn no_device() {
    let want = [
        "NoDevice",
        "got CUDA_ERROR_NO_DEVICE (100): no CUDA-capable device",
        "nvidia-smi",
    ];
    told("no-device", "devices", &want);
    told("no-device", "run", &want);
}

#[test]
fn old_gpu() {
    let want = [
        "NoDevice",
        "capability 8.0 or later, got device 0, stub",
        "capability 7.5",
    ];
    told("old-gpu", "devices", &want);
    told("old-gpu", "run", &want);
}

#[test]
fn bad_ptx() {
    let want = [
        "Module",
        "(222)",
        "Unsupported .version 7.0",
        "update NVIDIA's driver",
    ];
    told("bad-ptx", "run", &want);
}

#[test]
fn out_of_memory() {
    let want = [
        "OutOfMemory",
        "allocate: 4194304 bytes must fit",
        "smaller batches",
    ];
    told("out-of-memory", "large", &want);
    told("out-of-memory", "run", &["ok"]);
}

#[test]
fn launch_failure() {
    let want = [
        "Launch",
        "log_sum_exp_of_parts: the kernel must run to its end",
        "CUDA_ERROR_ILLEGAL_ADDRESS (700): an illegal memory access",
        "CUDA_LAUNCH_BLOCKING=1",
    ];
    told("launch-failure", "twice", &want);
}

#[test]
fn a_code_of_a_newer_driver() {
    told(
        "unknown-code",
        "run",
        &[
            "Driver",
            "allocate: the driver must succeed, got the driver's code 9876",
        ],
    );
}

#[test]
fn without_pools() {
    told("no-pools", "run", &["ok"]);
}
