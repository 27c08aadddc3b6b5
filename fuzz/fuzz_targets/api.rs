//! See `fuzz::api`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: fuzz::api::Input| fuzz::api::check(&input));
