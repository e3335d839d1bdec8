//! Fuzz target `form`; what it does stands in `wcapd_fuzz::form`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| wcapd_fuzz::form(input));
