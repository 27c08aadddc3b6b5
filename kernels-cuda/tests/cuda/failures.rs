//! What goes wrong, and how it is told. It is asked of a child process, as the stub's
//! failures are chosen by an environment variable.

use std::process::Command;

use kernels_cuda::cuda::devices;
use kernels_cuda::{Buffer, Cuda, Error};

use super::{both, is_stub};

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
    child.args(["--exact", "failures::child", "--nocapture"]);
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
