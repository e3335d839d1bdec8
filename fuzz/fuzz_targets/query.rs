//! Fuzz target `query`; what it does stands in `wcapd_fuzz::query`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| wcapd_fuzz::query(input));
