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

/// A stream of one component of 8 or 12 bits, one tile, five levels and blocks of 64 x 64 whose packets are all empty
/// (ISO/IEC 15444-1 annexes A and B.10.3).
fn stream(bits: u8, high_throughput: bool, reversible: bool) -> Vec<u8> {
    let mut stream = vec![0xFF, 0x4F, 0xFF, 0x51, 0, 41];
    stream.extend([if high_throughput { 0x40 } else { 0 }, 0]);
    for word in [COLUMNS, ROWS, 0, 0, COLUMNS, ROWS, 0, 0] {
        stream.extend(word.to_be_bytes());
    }
    stream.extend([0, 1, bits - 1, 1, 1]);
    if high_throughput {
        stream.extend([0xFF, 0x50, 0, 8, 0, 2, 0, 0, 0, 0]);
    }
    stream.extend([0xFF, 0x52, 0, 12, 0, 0, 0, 1, 0, 5, 4, 4]);
    stream.extend([if high_throughput { 0x40 } else { 0 }, u8::from(reversible)]);
    // Two guard bits; exponents of 16 bands, with or without a mantissa. The band that gains most has two bits more than samples.
    let exponent = (bits + 2) << 3;
    if reversible {
        stream.extend([0xFF, 0x5C, 0, 19, 0x40]);
        stream.extend([exponent; 16]);
    } else {
        stream.extend([0xFF, 0x5C, 0, 35, 0x42]);
        stream.extend([exponent, 0].repeat(16));
    }
    // A header bit of zero for each of the six resolutions.
    stream.extend([0xFF, 0x90, 0, 10, 0, 0, 0, 0, 0, 20, 0, 1, 0xFF, 0x93]);
    stream.extend([0; 6]);
    stream.extend([0xFF, 0xD9]);
    stream
}

#[test]
fn little_memory_is_needed_beside_stream_and_frame() {
    for (bits, high_throughput, most_percent) in [
        (12, true, 25),
        (12, false, 250),
        (8, true, 25),
        (8, false, 250),
    ] {
        let bytes = if bits > 8 { 2 } else { 1 };
        let format = PixelFormat {
            rows: ROWS,
            columns: COLUMNS,
            samples_per_pixel: 1,
            bits_allocated: 8 * bytes,
            bits_stored: bits.into(),
            high_bit: u16::from(bits) - 1,
            signed: false,
            float: false,
            planar: false,
            photometric: Photometric::Monochrome2,
        };
        let output = usize::from(bytes) * (ROWS * COLUMNS) as usize;
        for reversible in [true, false] {
            let stream = stream(bits, high_throughput, reversible);
            let before = MEMORY.current_usage();
            MEMORY.reset_peak_usage();
            let syntax = "1.2.840.10008.1.2.4.90";
            let frame = decode_frame(&stream, syntax, &format, &Limits::default()).unwrap();
            let most = MEMORY.peak_usage() - before;
            // Zero lies in the middle of the range (annex G.1).
            let middle: &[u8] = if bits > 8 { &[0, 8] } else { &[128] };
            assert!(frame.data == middle.repeat(output / middle.len()));
            let percent = ((most - output) * 100).div_ceil(output);
            println!(
                "{bits} bits, high throughput {high_throughput}, reversible {reversible}: {percent} %"
            );
            assert!(percent <= most_percent, "{percent} %");
        }
    }
}
