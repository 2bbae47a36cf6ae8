//! Whole instances as the viewer reads them: header, and where the frames are.

#![no_main]

use std::ops::Range;

use protocol::dicomweb::{part10, part10_header};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let read = |range: Range<usize>| {
        let end = range.end.min(bytes.len());
        bytes.get(range.start..end).unwrap_or_default().to_vec()
    };
    let _ = part10_header::header(&read);
    let Ok(pixels) = part10::find(&read) else {
        return;
    };
    for count in [1, 2, 3, 10] {
        for index in [0, 1, count - 1, count] {
            if let Ok(places) = pixels.frame(&read, index, count, 4096) {
                for place in places {
                    assert!(place.start <= place.end && place.end <= bytes.len());
                }
            }
        }
    }
});
