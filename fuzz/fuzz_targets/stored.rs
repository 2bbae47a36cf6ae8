//! Files as the gateway reads them: header, fragments, and which belong to which frame.

#![no_main]

use sagitta_fuzz::stored::fragments::Fragments;
use sagitta_fuzz::stored::input::Input;
use sagitta_fuzz::stored::scan::{ScanLimits, scan};

const LIMITS: ScanLimits = ScanLimits {
    depth: 32,
    elements: 100_000,
    inline_bytes: 1 << 20,
    inflated_bytes: 8 << 20,
};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let path = std::env::temp_dir().join(format!("sagitta-fuzz-{}", std::process::id()));
    if std::fs::write(&path, bytes).is_err() {
        return;
    }
    let Ok(found) = scan(&path, &LIMITS) else {
        return;
    };
    let Some(place) = found.pixels.filter(|place| place.length.is_none()) else {
        return;
    };
    let Ok(mut input) = Input::open(&path) else {
        return;
    };
    if input.skip(place.offset).is_err() {
        return;
    }
    let is_rle = found.transfer_syntax == "1.2.840.10008.1.2.5";
    let Ok(fragments) = Fragments::walk(&mut input, is_rle) else {
        return;
    };
    for count in [1, 2, 3, 1000] {
        fragments.is_clear(count);
        for frame in fragments.frames(count, &[0, 10]).unwrap_or_default() {
            assert!(frame.start <= frame.end && frame.end <= fragments.list.len());
        }
    }
});
