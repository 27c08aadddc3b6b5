//! Faults that the emulated grid has to find.

// Helpers of tests fail as tests do.
#![allow(clippy::unwrap_used)]

use kernels_cuda::emulator::Emulator;
use kernels_cuda::{Buffer, Device, Global};
use kernels_cuda_device::{BLOCK, Kernel, Thread};

/// What a kernel does wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wrong {
    Nothing,
    NoBarrier,
    OneOverTheEnd,
    SharedOverTheEnd,
    NeverWritten,
    SharedNeverWritten,
    BlocksMeet,
    SomeLeave,
    WarpsDisagree,
    Misaligned,
}

/// Turns each block's elements around, by way of shared memory.
#[derive(Clone, Copy, Debug)]
struct Turn {
    x: Global<f32>,
    out: Global<f32>,
    wrong: Wrong,
}

impl Kernel for Turn {
    const NAME: &'static str = "turn";

    fn shared_words(&self) -> u32 {
        BLOCK
    }

    fn run<T: Thread>(&self, thread: T) {
        let (t, block) = (thread.thread(), thread.block()[0]);
        let i = (block * BLOCK + t) as usize;
        if self.wrong == Wrong::SomeLeave && t == 7 {
            return;
        }
        let over = usize::from(self.wrong == Wrong::OneOverTheEnd);
        let x: f32 = thread.load(self.x, i + over);
        if self.wrong == Wrong::Misaligned {
            thread.load4(self.x, i / 4 * 4 + 1);
        }
        if self.wrong != Wrong::SharedNeverWritten || t != 9 {
            thread.shared_store(t + u32::from(self.wrong == Wrong::SharedOverTheEnd), x);
        }
        if self.wrong != Wrong::NoBarrier {
            thread.barrier();
        }
        if self.wrong == Wrong::WarpsDisagree && t.is_multiple_of(2) {
            thread.shuffle_xor(x, 1);
        }
        let turned: f32 = thread.shared_load(BLOCK - 1 - t);
        let at = if self.wrong == Wrong::BlocksMeet {
            t as usize
        } else {
            i
        };
        thread.store(self.out, at, turned);
    }
}

fn run(wrong: Wrong, seed: u64) -> Result<Vec<f32>, String> {
    let device = Emulator::new(seed);
    let len = 2 * BLOCK as usize;
    let numbers: Vec<f32> = (0..len).map(|i| i as f32).collect();
    let x = if wrong == Wrong::NeverWritten {
        Buffer::new(&device, len).unwrap()
    } else {
        Buffer::of(&device, &numbers).unwrap()
    };
    let out = Buffer::new(&device, len).unwrap();
    let kernel = Turn {
        x: x.array(),
        out: out.array(),
        wrong,
    };
    let launched = device.launch(kernel, [2, 1]);
    launched.map_err(|error| error.to_string())?;
    Ok(out.to_vec().unwrap())
}

#[test]
fn every_fault_is_found_in_every_order() {
    for seed in 0..20 {
        for (wrong, told) in [
            (Wrong::NoBarrier, "never written"),
            (Wrong::OneOverTheEnd, "outside its array"),
            (Wrong::SharedOverTheEnd, "outside shared memory"),
            (Wrong::NeverWritten, "never written"),
            (Wrong::SharedNeverWritten, "never written"),
            (Wrong::BlocksMeet, "two threads wrote one word"),
            (Wrong::SomeLeave, "not all threads take part"),
            (Wrong::WarpsDisagree, "not all threads take part"),
            (Wrong::Misaligned, "no multiple of 16"),
        ] {
            let text = run(wrong, seed).unwrap_err();
            // Without a barrier it is one of two things, by the order of the threads.
            let race = wrong == Wrong::NoBarrier && text.contains("a race");
            assert!(
                text.contains(told) || race,
                "{wrong:?}, seed {seed}: {text}"
            );
            assert!(text.starts_with("turn: "), "{text}");
        }
    }
}

#[test]
fn what_is_right_runs() {
    let turned = run(Wrong::Nothing, 3).unwrap();
    assert_eq!(turned[..2], [255.0, 254.0]);
    assert_eq!(turned[256], 511.0);
}

#[test]
fn memory_is_given_back_and_used_up() {
    let device = Emulator::with_memory(1, 100);
    let first = Buffer::of(&device, &[1.0_f32; 60]).unwrap();
    let refused = Buffer::<_, f32>::new(&device, 41).unwrap_err();
    assert!(refused.to_string().contains("164 bytes"), "{refused}");
    let array = first.array();
    drop(first);
    assert!(Buffer::<_, f32>::new(&device, 100).is_ok());
    let gone = kernels_cuda::device::read(&device, array).unwrap_err();
    assert!(gone.to_string().contains("no allocation"), "{gone}");
}
