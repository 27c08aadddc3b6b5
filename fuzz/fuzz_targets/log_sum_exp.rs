//! See `fuzz::log_sum_exp`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: fuzz::log_sum_exp::Input| fuzz::log_sum_exp::check(&input));
