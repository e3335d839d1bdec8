//! Fuzz target `xml`; what it does stands in `wcapd_fuzz::xml`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| wcapd_fuzz::xml(input));
