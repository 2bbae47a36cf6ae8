//! JPEG XL, and JPEG in it.

#![no_main]

use sagitta_fuzz::{bear_caught_panics, decode, is_second};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    bear_caught_panics();
    let is_jpeg = is_second(bytes);
    decode(
        bytes,
        if is_jpeg {
            "1.2.840.10008.1.2.4.111"
        } else {
            "1.2.840.10008.1.2.4.110"
        },
    );
});
