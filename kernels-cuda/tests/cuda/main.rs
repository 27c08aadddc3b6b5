//! The device behind the driver: `scripts/cuda-stub` runs this on a driver whose device is
//! the emulated grid; with a real one it runs on the GPU.

// What another library would do with the driver.
#![allow(unsafe_code)]
// In functions that tests share.
#![allow(clippy::unwrap_used, clippy::panic)]

mod failures;
#[path = "../support/mod.rs"]
mod support;

use cust::context::CurrentContext;
use cust::memory::{CopyDestination, DeviceBuffer};
use cust::stream::{Stream, StreamFlags};
use kernels_core::cost::Cost;
use kernels_core::log_sum_exp::log_sum_exp;
use kernels_core::sinkhorn::SinkhornOptions;
use kernels_cuda::cuda::devices;
use kernels_cuda::emulator::Emulator;
use kernels_cuda::log_sum_exp::{
    log_sum_exp_of_columns, log_sum_exp_of_columns_workspace_len, log_sum_exp_of_rows,
};
use kernels_cuda::sinkhorn::{
    CostSource, Problem, divergence_workspace_len, sinkhorn_divergence_with_grad,
};
use kernels_cuda::{Buffer, Cuda, Device, DeviceError, Error, Global};
use kernels_cuda_device::log_sum_exp::LogSumExpOfRows;
use kernels_cuda_device::{Kernel, Thread};
use support::{near, normal, wide};

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
            // Two ulp of a GPU's exponential, and sums in another order.
            near("log-sum-exp", got, &wide(want), 2e-6);
        }
    }
}

/// The divergence between two clouds, and its gradients.
fn divergence<D: Device>(device: &D) -> Result<[Vec<f32>; 3], Error> {
    let (n, m, dim) = (9, 33, 5);
    let x = Buffer::of(device, &normal(3, n * dim, 0.5))?;
    let y = Buffer::of(device, &normal(4, m * dim, 0.6))?;
    let source = CostSource::Points {
        cost: Cost::SquaredEuclidean,
        x: x.array(),
        y: y.array(),
        dim,
    };
    let problem = Problem::new(source, n, m);
    let options = SinkhornOptions {
        epsilon: 0.5,
        threshold: 1e-6,
        max_iterations: 50,
    };
    let grad_x = Buffer::new(device, n * dim)?;
    let grad_y = Buffer::new(device, m * dim)?;
    let workspace = Buffer::new(device, divergence_workspace_len(&problem))?;
    let (to_x, to_y, workspace) = (grad_x.array(), grad_y.array(), workspace.array());
    let got = sinkhorn_divergence_with_grad(device, &problem, &options, to_x, to_y, workspace)?;
    Ok([vec![got.value], grad_x.to_vec()?, grad_y.to_vec()?])
}

#[test]
fn many_kernels_in_a_row() {
    let device = Cuda::new(0).unwrap();
    let got = divergence(&device).unwrap();
    let want = divergence(&Emulator::new(5)).unwrap();
    if is_stub(&device) {
        assert_eq!(got, want, "the same kernels, bit for bit");
    }
    for (got, want) in got.iter().zip(&want) {
        // As in tests/divergence.rs, where each is held to f64.
        near("divergence", got, &wide(want), 2e-5);
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
    }
    // Dropping the device waits for its kernels.
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

/// The kernel of rows with more shared memory than it needs.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct Spacious {
    kernel: LogSumExpOfRows,
    words: u32,
}

impl Kernel for Spacious {
    const NAME: &'static str = LogSumExpOfRows::NAME;

    fn shared_words(&self) -> u32 {
        self.words
    }

    fn run<T: Thread>(&self, _: T) {}
}

#[test]
fn shared_memory_beyond_48_kib() {
    let device = Cuda::new(0).unwrap();
    let x = Buffer::of(&device, &[0.0_f32; 4]).unwrap();
    let out = Buffer::new(&device, 1).unwrap();
    let kernel = LogSumExpOfRows {
        x: x.array(),
        out: out.array(),
        columns: 4,
    };
    // 64, 80 and 48 KiB.
    for words in [16 << 10, 20 << 10, 12 << 10] {
        device.launch(Spacious { kernel, words }, [1, 1]).unwrap();
        near("ln 4", &out.to_vec().unwrap(), &[4.0_f64.ln()], 1e-6);
    }
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
    let words = 1 << 20;
    let refused = device.launch(Spacious { kernel, words }, [1, 1]);
    let refused = refused.unwrap_err().to_string();
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
