//! Native pixels, little and big endian, and streams under a native label.

#![no_main]

use sagitta_fuzz::{decode, is_second};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let is_big_endian = is_second(bytes);
    decode(
        bytes,
        if is_big_endian {
            "1.2.840.10008.1.2.2"
        } else {
            "1.2.840.10008.1.2.1"
        },
    );
});
