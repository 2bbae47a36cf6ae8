//! What each operation does, a lane at a time.

use super::Lanes;

/// Lanes as an array.
pub(in crate::decode) struct Scalar;

/// Two lanes of 16 bits are one of 32, the lower bits first.
fn wide(v: [i16; 8]) -> [i32; 4] {
    std::array::from_fn(|lane| {
        let [a, b] = v[2 * lane].to_le_bytes();
        let [c, d] = v[2 * lane + 1].to_le_bytes();
        i32::from_le_bytes([a, b, c, d])
    })
}

fn narrow_pairs(v: [i32; 4]) -> [i16; 8] {
    std::array::from_fn(|lane| {
        let [a, b, c, d] = v[lane / 2].to_le_bytes();
        i16::from_le_bytes(if lane % 2 == 0 { [a, b] } else { [c, d] })
    })
}

/// `lanes` of 16 bits at a time of both in turn, from lane `first` on.
fn in_turn(a: [i16; 8], b: [i16; 8], first: usize, lanes: usize) -> [i16; 8] {
    std::array::from_fn(|lane| {
        let from = if (lane / lanes).is_multiple_of(2) {
            a
        } else {
            b
        };
        from[first + lane / (2 * lanes) * lanes + lane % lanes]
    })
}

impl Lanes for Scalar {
    type Vector = [i16; 8];

    fn load(from: &[i16; 8]) -> [i16; 8] {
        *from
    }

    fn load_unsigned(from: &[u16; 8]) -> [i16; 8] {
        from.map(u16::cast_signed)
    }

    fn store_unsigned(vector: [i16; 8], to: &mut [u16; 8]) {
        *to = vector.map(i16::cast_unsigned);
    }

    fn splat16(value: i16) -> [i16; 8] {
        [value; 8]
    }

    fn splat32(value: i32) -> [i16; 8] {
        narrow_pairs([value; 4])
    }

    fn add16(a: [i16; 8], b: [i16; 8]) -> [i16; 8] {
        std::array::from_fn(|lane| a[lane].wrapping_add(b[lane]))
    }

    fn multiply16(a: [i16; 8], b: [i16; 8]) -> [i16; 8] {
        std::array::from_fn(|lane| a[lane].wrapping_mul(b[lane]))
    }

    fn shift_right_unsigned16<const SHIFT: u32>(a: [i16; 8]) -> [i16; 8] {
        a.map(|value| (value.cast_unsigned() >> SHIFT).cast_signed())
    }

    fn min16(a: [i16; 8], b: [i16; 8]) -> [i16; 8] {
        std::array::from_fn(|lane| a[lane].min(b[lane]))
    }

    fn max16(a: [i16; 8], b: [i16; 8]) -> [i16; 8] {
        std::array::from_fn(|lane| a[lane].max(b[lane]))
    }

    fn add32(a: [i16; 8], b: [i16; 8]) -> [i16; 8] {
        let (a, b) = (wide(a), wide(b));
        narrow_pairs(std::array::from_fn(|lane| a[lane].wrapping_add(b[lane])))
    }

    fn subtract32(a: [i16; 8], b: [i16; 8]) -> [i16; 8] {
        let (a, b) = (wide(a), wide(b));
        narrow_pairs(std::array::from_fn(|lane| a[lane].wrapping_sub(b[lane])))
    }

    fn load32(from: &[u32; 4]) -> [i16; 8] {
        narrow_pairs(from.map(u32::cast_signed))
    }

    fn store32(vector: [i16; 8], to: &mut [u32; 4]) {
        *to = wide(vector).map(i32::cast_unsigned);
    }

    fn and(a: [i16; 8], b: [i16; 8]) -> [i16; 8] {
        std::array::from_fn(|lane| a[lane] & b[lane])
    }

    fn or(a: [i16; 8], b: [i16; 8]) -> [i16; 8] {
        std::array::from_fn(|lane| a[lane] | b[lane])
    }

    fn equal32(a: [i16; 8], b: [i16; 8]) -> [i16; 8] {
        let (a, b) = (wide(a), wide(b));
        narrow_pairs(std::array::from_fn(|lane| -i32::from(a[lane] == b[lane])))
    }

    fn shift_left32(a: [i16; 8], shift: u32) -> [i16; 8] {
        narrow_pairs(wide(a).map(|value| value << shift))
    }

    fn shift_right32<const SHIFT: u32>(a: [i16; 8]) -> [i16; 8] {
        narrow_pairs(wide(a).map(|value| value >> SHIFT))
    }

    fn load_in_turn(from: &[u8; 48]) -> [[[i16; 8]; 2]; 3] {
        std::array::from_fn(|place| {
            std::array::from_fn(|half| {
                std::array::from_fn(|lane| i16::from(from[3 * (8 * half + lane) + place]))
            })
        })
    }

    fn store_in_turn(lanes: [[[i16; 8]; 2]; 3], to: &mut [u8; 48]) {
        for (index, byte) in to.iter_mut().enumerate() {
            let place = index / 3;
            let value = lanes[index % 3][place / 8][place % 8];
            *byte = u8::try_from(value.max(0)).unwrap_or(u8::MAX);
        }
    }

    fn dot(a: [i16; 8], b: [i16; 8]) -> [i16; 8] {
        let product = |lane: usize| i32::from(a[lane]) * i32::from(b[lane]);
        narrow_pairs(std::array::from_fn(|lane| {
            product(2 * lane).wrapping_add(product(2 * lane + 1))
        }))
    }

    fn narrow(a: [i16; 8], b: [i16; 8]) -> [i16; 8] {
        let (a, b) = (wide(a), wide(b));
        std::array::from_fn(|lane| {
            let value = if lane < 4 { a[lane] } else { b[lane - 4] };
            i16::try_from(value).unwrap_or(if value < 0 { i16::MIN } else { i16::MAX })
        })
    }

    fn low16(a: [i16; 8], b: [i16; 8]) -> [i16; 8] {
        in_turn(a, b, 0, 1)
    }

    fn high16(a: [i16; 8], b: [i16; 8]) -> [i16; 8] {
        in_turn(a, b, 4, 1)
    }

    fn low32(a: [i16; 8], b: [i16; 8]) -> [i16; 8] {
        in_turn(a, b, 0, 2)
    }

    fn high32(a: [i16; 8], b: [i16; 8]) -> [i16; 8] {
        in_turn(a, b, 4, 2)
    }

    fn low64(a: [i16; 8], b: [i16; 8]) -> [i16; 8] {
        in_turn(a, b, 0, 4)
    }

    fn high64(a: [i16; 8], b: [i16; 8]) -> [i16; 8] {
        in_turn(a, b, 4, 4)
    }
}
