//! See `fuzz::nt_xent`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: fuzz::nt_xent::Input| fuzz::nt_xent::check(&input));
