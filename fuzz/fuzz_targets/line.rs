//! Fuzz target `line`; what it does stands in `wcapd_fuzz::line`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| wcapd_fuzz::line(input));
