//! Damage that knows what a stream is made of: markers, lengths, numbers; seeded, so that the same damage comes again.

use std::ops::Range;

/// SplitMix64.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        value ^ (value >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}

/// The segments of a stream: marker segments of the JPEG family, the header and segments of RLE, else pieces of 16 bytes.
pub fn segments(bytes: &[u8]) -> Vec<Range<usize>> {
    let found = match bytes {
        [0xFF, 0xD8 | 0x4F, ..] => marker_segments(bytes),
        [1..=15, 0, 0, 0, 64, 0, 0, 0, ..] => run_length_segments(bytes),
        _ => Vec::new(),
    };
    if found.len() > 1 {
        return found;
    }
    let starts = (0..bytes.len()).step_by(16);
    starts.map(|at| at..(at + 16).min(bytes.len())).collect()
}

fn marker_segments(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    found.push(0..2);
    let mut at = 2;
    while let Some(&[0xFF, code, high, low]) = bytes.get(at..at + 4) {
        let length = match code {
            0x93 | 0xD0..=0xD9 => 2,
            _ => 2 + usize::from(u16::from_be_bytes([high, low])),
        };
        let mut end = (at + length).min(bytes.len());
        found.push(at..end);
        // Coded data go on to the next marker that is none of theirs.
        if matches!(code, 0xDA | 0x93 | 0xD0..=0xD7) {
            let start = end;
            let ends = |pair: &[u8]| pair[0] == 0xFF && (0x90..=0xFE).contains(&pair[1]);
            let length = bytes[start..].windows(2).position(ends);
            end = length.map_or(bytes.len(), |length| start + length);
            found.push(start..end);
        }
        at = end;
    }
    found
}

fn run_length_segments(bytes: &[u8]) -> Vec<Range<usize>> {
    let word = |index: usize| {
        let word = bytes
            .get(4 * index..4 * index + 4)
            .unwrap_or(&[0xFF, 0xFF, 0, 0]);
        word.iter()
            .rev()
            .fold(0_usize, |value, byte| value << 8 | usize::from(*byte))
    };
    let count = word(0).min(15);
    let mut edges: Vec<usize> = (1..=count)
        .map(|index| word(index).min(bytes.len()))
        .collect();
    edges.push(bytes.len());
    edges.sort_unstable();
    let mut found: Vec<Range<usize>> = (0..16).map(|index| 4 * index..4 * index + 4).collect();
    found.extend(edges.windows(2).map(|pair| pair[0]..pair[1]));
    found.retain(|range| range.end <= bytes.len());
    found
}

/// Numbers at which code breaks.
const EXTREMES: [u32; 16] = [
    0,
    1,
    2,
    3,
    0x7F,
    0x80,
    0xFE,
    0xFF,
    0x100,
    0x7FFF,
    0x8000,
    0xFFFE,
    0xFFFF,
    0x7FFF_FFFF,
    0xFFFF_FFFE,
    0xFFFF_FFFF,
];

/// A damaged copy: one to four changes, `other` is a stream of the same kind to take parts of.
pub fn mutant(bytes: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for _ in 0..=random.below(4) {
        if out.len() < 2 {
            break;
        }
        change(&mut out, other, random);
    }
    out
}

fn change(out: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let parts = segments(out);
    let part = parts[random.below(parts.len())].clone();
    // Headers are short but matter most.
    let within = |random: &mut Random| part.start + random.below(part.len().min(64));
    match random.below(13) {
        0 => {
            let place = random.below(out.len());
            out[place] ^= 1 << random.below(8);
        }
        1 => {
            let place = within(random).min(out.len() - 1);
            out[place] ^= 1 << random.below(8);
        }
        2 => {
            let place = within(random).min(out.len() - 1);
            out[place] = [0, 0xFF, 0x7F, 0x80, random.next() as u8][random.below(5)];
        }
        3 => number(out, within(random), random),
        // The length of a marker segment, or the word of an RLE header.
        4 => {
            let place = part.start + 3;
            if let Some(byte) = out.get_mut(place) {
                *byte = byte.wrapping_add([1, 255, 2, 128][random.below(4)]);
            }
        }
        5 => drop(out.drain(part)),
        6 => {
            let copy = out[part.clone()].to_vec();
            for _ in 0..=random.below(8) {
                out.splice(part.end..part.end, copy.iter().copied());
            }
        }
        7 => {
            let second = parts[random.below(parts.len())].clone();
            let (first, second) = if part.start < second.start {
                (part, second)
            } else {
                (second, part)
            };
            if first.end <= second.start {
                let turned = [
                    &out[..first.start],
                    &out[second.clone()],
                    &out[first.end..second.start],
                    &out[first.clone()],
                    &out[second.end..],
                ];
                *out = turned.concat();
            }
        }
        8 => out.truncate(random.below(out.len())),
        9 => {
            let theirs = segments(other);
            let theirs = theirs[random.below(theirs.len())].clone();
            out.splice(part, other[theirs].iter().copied());
        }
        10 => {
            out.truncate(random.below(out.len()));
            out.extend(&other[random.below(other.len())..]);
        }
        11 => {
            let start = random.below(out.len());
            let end = (start + 1 + random.below(16)).min(out.len());
            out.drain(start..end);
        }
        _ => {
            let place = random.below(out.len());
            let byte = [0, 0xFF, random.next() as u8][random.below(3)];
            let count = 1 + random.below(32);
            out.splice(place..place, std::iter::repeat_n(byte, count));
        }
    }
}

/// Writes an extreme number of one, two or four bytes, in either order.
fn number(out: &mut [u8], place: usize, random: &mut Random) {
    let value = EXTREMES[random.below(EXTREMES.len())];
    let width = [1, 2, 4][random.below(3)];
    let bytes = value.to_be_bytes();
    for index in 0..width {
        let byte = match random.below(8) {
            0 => bytes[3 - index],
            _ => bytes[4 - width + index],
        };
        if let Some(out) = out.get_mut(place + index) {
            *out = byte;
        }
    }
}
