//! Fuzz target `entity`; what it does stands in `wcapd_fuzz::entity`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| wcapd_fuzz::entity(input));
