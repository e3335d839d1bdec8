//! Fuzz target `frame`; what it does stands in `wcapd_fuzz::frame`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| wcapd_fuzz::frame(input));
