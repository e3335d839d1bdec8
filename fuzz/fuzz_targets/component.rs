//! Fuzz target `component`; what it does stands in `wcapd_fuzz::component`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| wcapd_fuzz::component(input));
