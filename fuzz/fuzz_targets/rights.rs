//! Fuzz target `rights`; what it does stands in `wcapd_fuzz::rights`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| wcapd_fuzz::rights(input));
