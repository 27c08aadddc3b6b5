//! See `fuzz::sinkhorn`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: fuzz::sinkhorn::Input| fuzz::sinkhorn::check(&input));
