//! How much memory JPEG 2000 takes beside the stream and the frame.
//!
//! The streams say that all of their coefficients are zero: buffers are as large for them as for others.

#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

use peak_alloc::PeakAlloc;
use viewer_core::decode::{Limits, decode_frame};
use viewer_core::pixel::{Photometric, PixelFormat};

/// Counts the bytes that are held, and the most that were.
#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const ROWS: u32 = 2000;
const COLUMNS: u32 = 2500;

/// A stream of one component of 12 bits, one tile, five levels and blocks of 64 x 64 whose packets are all empty
/// (ISO/IEC 15444-1 annexes A and B.10.3).
fn stream(high_throughput: bool, reversible: bool) -> Vec<u8> {
    let mut stream = vec![0xFF, 0x4F, 0xFF, 0x51, 0, 41];
    stream.extend([if high_throughput { 0x40 } else { 0 }, 0]);
    for word in [COLUMNS, ROWS, 0, 0, COLUMNS, ROWS, 0, 0] {
        stream.extend(word.to_be_bytes());
    }
    stream.extend([0, 1, 11, 1, 1]);
    if high_throughput {
        stream.extend([0xFF, 0x50, 0, 8, 0, 2, 0, 0, 0, 0]);
    }
    stream.extend([0xFF, 0x52, 0, 12, 0, 0, 0, 1, 0, 5, 4, 4]);
    stream.extend([if high_throughput { 0x40 } else { 0 }, u8::from(reversible)]);
    // Two guard bits; exponents of 16 bands, with or without a mantissa.
    if reversible {
        stream.extend([0xFF, 0x5C, 0, 19, 0x40]);
        stream.extend([14 << 3; 16]);
    } else {
        stream.extend([0xFF, 0x5C, 0, 35, 0x42]);
        stream.extend([14 << 3, 0].repeat(16));
    }
    // A header bit of zero for each of the six resolutions.
    stream.extend([0xFF, 0x90, 0, 10, 0, 0, 0, 0, 0, 20, 0, 1, 0xFF, 0x93]);
    stream.extend([0; 6]);
    stream.extend([0xFF, 0xD9]);
    stream
}

#[test]
fn little_memory_is_needed_beside_stream_and_frame() {
    let format = PixelFormat {
        rows: ROWS,
        columns: COLUMNS,
        samples_per_pixel: 1,
        bits_allocated: 16,
        bits_stored: 12,
        high_bit: 11,
        signed: false,
        float: false,
        planar: false,
        photometric: Photometric::Monochrome2,
    };
    let output = (2 * ROWS * COLUMNS) as usize;
    for (high_throughput, most_percent) in [(true, 25), (false, 250)] {
        for reversible in [true, false] {
            let stream = stream(high_throughput, reversible);
            let before = MEMORY.current_usage();
            MEMORY.reset_peak_usage();
            let syntax = "1.2.840.10008.1.2.4.90";
            let frame = decode_frame(&stream, syntax, &format, &Limits::default()).unwrap();
            let most = MEMORY.peak_usage() - before;
            // Zero lies in the middle of the range (annex G.1).
            let middle = [0, 8].repeat(output / 2);
            assert!(frame.data == middle);
            let percent = (most - output) * 100 / output;
            println!("high throughput {high_throughput}, reversible {reversible}: {percent} %");
            assert!(percent <= most_percent, "{percent} %");
        }
    }
}
