//! Overlay planes: with bits of their own, inside pixels, off the image, and over several frames.
//!
//! Source: PS3.3 C.9.2 (Overlay Plane), C.9.3 (Multi-frame Overlay); PS3.5 8.1.2 (bits in Overlay Data).

use super::chain::{DX, MULTI_FRAME_WORD};
use super::formula::Voi;
use super::part10::{Cells, Form, Set, packed_bits, packed_words};
use super::{Answer, Draft, Picture, grey, ramp, reals, words};
use dicom_core::Tag;
use dicom_dictionary_std::tags;

pub(super) fn pictures(seed: u64) -> Vec<Picture> {
    vec![
        own_bits(seed),
        in_pixels(seed),
        two_off_image(seed),
        multi_frame(seed),
    ]
}

/// A plane with bits of its own.
pub(super) struct Plane {
    /// 0x6000, 0x6002 ...
    pub(super) group: u16,
    pub(super) rows: u16,
    pub(super) columns: u16,
    /// Row and column of the first bit within the image, counted from 1.
    pub(super) origin: [i16; 2],
    /// All frames' bits.
    pub(super) bits: Vec<u8>,
}

impl Plane {
    pub(super) fn write(&self, set: &mut Set) {
        let tag = |element| Tag(self.group, element);
        set.us(tag(0x10), &[self.rows]);
        set.us(tag(0x11), &[self.columns]);
        set.text(tag(0x22), "LO", "Made-up marks");
        set.text(tag(0x40), "CS", "G");
        set.ss(tag(0x50), &self.origin);
        set.us(tag(0x100), &[1]);
        set.us(tag(0x102), &[0]);
        set.words(tag(0x3000), "OW", &packed_words(&packed_bits(&self.bits)));
    }

    /// Marks the graphics of one of its frames in an answer.
    fn mark(&self, frame: usize, answer: &mut Answer) {
        answer.overlay.resize(answer.columns * answer.rows, 0);
        let columns = usize::from(self.columns);
        let area = usize::from(self.rows) * columns;
        for (at, bit) in self.bits[frame * area..][..area].iter().enumerate() {
            let row = (at / columns) as i64 + i64::from(self.origin[0]) - 1;
            let column = (at % columns) as i64 + i64::from(self.origin[1]) - 1;
            let inside = (0..answer.rows as i64).contains(&row)
                && (0..answer.columns as i64).contains(&column);
            if inside && *bit == 1 {
                #[expect(clippy::cast_sign_loss, reason = "inside the image")]
                let place = row as usize * answer.columns + column as usize;
                answer.overlay[place] = 1;
            }
        }
    }
}

/// A frame about its edge and both diagonals: tells turned, flipped and shifted planes apart with its missing corner.
pub(super) fn drawing(columns: u16, rows: u16) -> Vec<u8> {
    let (columns, rows) = (usize::from(columns), usize::from(rows));
    (0..rows * columns)
        .map(|at| {
            let (row, column) = (at / columns, at % columns);
            let edge = row == 0 || column == 0 || row + 1 == rows || column + 1 == columns;
            let corner = row < 4 && column + 4 >= columns;
            let diagonal = row * columns / rows == column;
            u8::from((edge || diagonal) && !corner)
        })
        .collect()
}

fn base(form: &Form, mask: i64) -> (Vec<i64>, Answer) {
    let codes = ramp(form.area(), 0, mask, &[]);
    let voi = Voi::Linear(2048.0, 4096.0);
    let answer = grey(form, &reals(&codes), "", |x| voi.apply(x));
    (codes, answer)
}

/// One plane of the image's own size, from its first pixel on; its bits do not end on a byte.
fn own_bits(seed: u64) -> Picture {
    let form = Form::grey(45, 33, 12);
    let (codes, mut answer) = base(&form, 4095);
    let plane = Plane {
        group: 0x6000,
        rows: 33,
        columns: 45,
        origin: [1, 1],
        bits: drawing(45, 33),
    };
    let mut draft = Draft::new(seed, "overlay-own-bits", "DX", DX);
    draft.window("2048", "4096");
    plane.write(&mut draft.set);
    plane.mark(0, &mut answer);
    draft.finish(&form, &Cells::Words(words(&codes)), vec![answer])
}

/// Planes in bits 12 and 15 of pixels of 12 bits, as files had them before 2004.
fn in_pixels(seed: u64) -> Picture {
    let form = Form::grey(45, 33, 12);
    let (codes, mut answer) = base(&form, 4095);
    let low = drawing(45, 33);
    let high: Vec<u8> = (0..form.area()).map(|at| u8::from(at % 45 == 7)).collect();
    let mut stored = words(&codes);
    let mut draft = Draft::new(seed, "overlay-in-pixels", "DX", DX);
    draft.window("2048", "4096");
    for (group, position, bits) in [(0x6000, 12, &low), (0x6002, 15, &high)] {
        let tag = |element| Tag(group, element);
        draft.set.us(tag(0x10), &[33]);
        draft.set.us(tag(0x11), &[45]);
        draft.set.text(tag(0x40), "CS", "G");
        draft.set.ss(tag(0x50), &[1, 1]);
        draft.set.us(tag(0x100), &[16]);
        draft.set.us(tag(0x102), &[position]);
        for (word, bit) in stored.iter_mut().zip(bits) {
            *word |= u16::from(*bit) << position;
        }
    }
    answer.overlay = low.iter().zip(&high).map(|(a, b)| a | b).collect();
    draft.finish(&form, &Cells::Words(stored), vec![answer])
}

/// A plane that starts above and left of the image, and one that runs out of it at the lower right.
fn two_off_image(seed: u64) -> Picture {
    let form = Form::grey(48, 32, 12);
    let (codes, mut answer) = base(&form, 4095);
    let mut draft = Draft::new(seed, "overlay-two-off-image", "DX", DX);
    draft.window("2048", "4096");
    for (group, origin) in [(0x6000, [-7, -3]), (0x6002, [20, 30])] {
        let plane = Plane {
            group,
            rows: 21,
            columns: 27,
            origin,
            bits: drawing(27, 21),
        };
        plane.write(&mut draft.set);
        plane.mark(0, &mut answer);
    }
    draft.finish(&form, &Cells::Words(words(&codes)), vec![answer])
}

/// Four frames; the overlay's two belong to frames 2 and 3 (Image Frame Origin 2).
fn multi_frame(seed: u64) -> Picture {
    let form = Form {
        frames: 4,
        ..Form::grey(25, 19, 12)
    };
    let (codes, answer) = base(&form, 4095);
    let mut bits = drawing(25, 19);
    let second: Vec<u8> = bits.iter().rev().copied().collect();
    bits.extend(second);
    let plane = Plane {
        group: 0x6000,
        rows: 19,
        columns: 25,
        origin: [1, 1],
        bits,
    };
    let mut draft = Draft::new(seed, "overlay-multi-frame", "OT", MULTI_FRAME_WORD);
    draft.window("2048", "4096");
    plane.write(&mut draft.set);
    draft.set.text(Tag(0x6000, 0x15), "IS", "2");
    draft.set.us(Tag(0x6000, 0x51), &[2]);
    draft.set.text(tags::FRAME_TIME, "DS", "100");
    draft
        .set
        .at(tags::FRAME_INCREMENT_POINTER, &[tags::FRAME_TIME]);
    let mut frames = vec![answer; 4];
    for frame in &mut frames {
        frame.overlay = vec![0; form.area()];
    }
    plane.mark(0, &mut frames[1]);
    plane.mark(1, &mut frames[2]);
    let all = words(&codes).repeat(4);
    draft.finish(&form, &Cells::Words(all), frames)
}
