//! JPEG 2000.

#![no_main]

use sagitta_fuzz::{bear_caught_panics, decode};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    bear_caught_panics();
    decode(bytes, "1.2.840.10008.1.2.4.90");
});
