//! Run-time choice of the instruction level on x86-64: the crate's only unsafe code.

// The two calls below, and nothing else in this crate.
#![allow(unsafe_code)]

use crate::level::{Fused, FusedWide, Plain, Task};

/// Runs a task at the best level of this processor.
#[inline]
pub(crate) fn dispatch<K: Task>(task: K) -> K::Output {
    // The answer is cached by the standard library: a load and a test.
    if std::is_x86_feature_detected!("avx512f")
        && std::is_x86_feature_detected!("avx512bw")
        && std::is_x86_feature_detected!("avx512dq")
        && std::is_x86_feature_detected!("avx512vl")
        && std::is_x86_feature_detected!("fma")
    {
        // SAFETY: the processor has every feature that the function was compiled for.
        unsafe { avx512(task) }
    } else if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma") {
        // SAFETY: as above.
        unsafe { avx2(task) }
    } else {
        task.run::<Plain>()
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn avx512<K: Task>(task: K) -> K::Output {
    task.run::<FusedWide>()
}

#[target_feature(enable = "avx2,fma")]
fn avx2<K: Task>(task: K) -> K::Output {
    task.run::<Fused>()
}
