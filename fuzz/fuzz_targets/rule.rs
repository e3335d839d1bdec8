//! Fuzz target `rule`; what it does stands in `wcapd_fuzz::rule`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| wcapd_fuzz::rule(input));
