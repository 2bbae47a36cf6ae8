//! JPEG 2000.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sagitta_fuzz::decode(bytes, "1.2.840.10008.1.2.4.90"));
