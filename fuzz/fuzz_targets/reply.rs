//! Fuzz target `reply`; what it does stands in `wcapd_fuzz::reply`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| wcapd_fuzz::reply(input));
