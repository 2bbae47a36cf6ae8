//! RLE Lossless: byte planes, each packed by PackBits.
//!
//! Source: PS3.5 Annex G. A frame becomes a header of 16 little-endian words (number of segments, their offsets) and
//! one segment for each byte plane, most significant byte first.

/// Packs one frame of native little-endian pixels, colour by pixel.
///
/// `samples` is Samples per Pixel, `bytes` the bytes of one sample, `columns` the length of a row: runs must not cross
/// from one row into the next (PS3.5 G.3.1).
pub fn pack_frame(frame: &[u8], columns: usize, samples: usize, bytes: usize) -> Vec<u8> {
    let pixel = samples * bytes;
    let mut segments = Vec::new();
    for sample in 0..samples {
        for plane in (0..bytes).rev() {
            let offset = sample * bytes + plane;
            let plane: Vec<u8> = frame.iter().skip(offset).step_by(pixel).copied().collect();
            let mut packed = Vec::new();
            for row in plane.chunks(columns) {
                pack_row(row, &mut packed);
            }
            if packed.len() % 2 == 1 {
                packed.push(0);
            }
            segments.push(packed);
        }
    }
    let mut header = [0_u32; 16];
    header[0] = segments.len() as u32;
    let mut offset = 64;
    for (slot, segment) in header[1..].iter_mut().zip(&segments) {
        *slot = offset;
        offset += segment.len() as u32;
    }
    let mut out: Vec<u8> = header.iter().flat_map(|word| word.to_le_bytes()).collect();
    out.extend(segments.into_iter().flatten());
    out
}

/// PackBits: a run of 2 to 128 equal bytes, or 1 to 128 bytes as they are.
fn pack_row(row: &[u8], out: &mut Vec<u8>) {
    let run_at = |start: usize| {
        row[start..]
            .iter()
            .take(128)
            .take_while(|byte| **byte == row[start])
            .count()
    };
    let mut at = 0;
    while at < row.len() {
        let run = run_at(at);
        if run >= 2 {
            // The byte -(run - 1), as two's complement.
            out.push((257 - run) as u8);
            out.push(row[at]);
            at += run;
            continue;
        }
        let start = at;
        while at < row.len() && at - start < 128 && run_at(at) < 3 {
            at += 1;
        }
        out.push((at - start - 1) as u8);
        out.extend_from_slice(&row[start..at]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_packs_as_in_the_well_known_example() {
        // The sample of Apple's Technical Note TN1023, which introduced PackBits.
        let row = [
            0xAA, 0xAA, 0xAA, 0x80, 0x00, 0x2A, 0xAA, 0xAA, 0xAA, 0xAA, 0x80, 0x00, 0x2A, 0x22,
            0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA,
        ];
        let mut out = Vec::new();
        pack_row(&row, &mut out);
        let expected = [
            0xFE, 0xAA, 0x02, 0x80, 0x00, 0x2A, 0xFD, 0xAA, 0x03, 0x80, 0x00, 0x2A, 0x22, 0xF7,
            0xAA,
        ];
        assert_eq!(out, expected);
    }

    #[test]
    fn sixteen_bits_make_two_segments_with_the_high_byte_first() {
        let packed = pack_frame(&[0x34, 0x12, 0x34, 0x12], 2, 1, 2);
        assert_eq!(&packed[0..12], &[2, 0, 0, 0, 64, 0, 0, 0, 66, 0, 0, 0]);
        assert_eq!(&packed[64..], &[0xFF, 0x12, 0xFF, 0x34]);
    }
}
