//! PALETTE COLOR pictures, and grey ones with a supplemental palette.
//!
//! Source: PS3.3 C.7.6.3.1.5 and C.7.6.3.1.6 (palettes), C.7.9.2 (segments), C.7.6.19 (supplemental palette).

use super::chain::write_table;
use super::forms::CAPTURE;
use super::formula::{Table, Voi, byte};
use super::modality::{ENHANCED_MR, shared_groups};
use super::part10::{Cells, Form, Set, packed_words};
use super::{Answer, Draft, Picture, colours, grey, ramp, reals, words};
use dicom_core::Tag;
use dicom_dictionary_std::tags;

const DESCRIPTORS: [Tag; 3] = [
    tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
    tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
    tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
];
pub(super) const ENTRIES: [Tag; 3] = [
    tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
    tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
    tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
];
const SEGMENTS: [Tag; 3] = [
    tags::SEGMENTED_RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
    tags::SEGMENTED_GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
    tags::SEGMENTED_BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
];

pub(super) fn pictures(seed: u64) -> Vec<Picture> {
    let bytes = Form::grey(16, 16, 8);
    let signed = Form {
        signed: true,
        ..Form::grey(64, 64, 16)
    };
    vec![
        indexed(
            seed,
            "palette-8",
            &bytes,
            [0, 255],
            &palette(0, 256, 8),
            Packing::Packed,
        ),
        indexed(
            seed,
            "palette-8-padded",
            &bytes,
            [0, 255],
            &palette(0, 256, 8),
            Packing::Words,
        ),
        indexed(
            seed,
            "palette-16",
            &bytes,
            [0, 255],
            &palette(0, 256, 16),
            Packing::Words,
        ),
        indexed(
            seed,
            "palette-12-of-16",
            &Form::grey(64, 64, 12),
            [0, 4095],
            &palette(0, 4096, 16),
            Packing::Words,
        ),
        indexed(
            seed,
            "palette-65536",
            &Form::grey(64, 64, 16),
            [0, 65_535],
            &palette(0, 65_536, 16),
            Packing::Words,
        ),
        // Indices below the first mapped value take the first entry, those above the last one.
        indexed(
            seed,
            "palette-first-100",
            &bytes,
            [0, 255],
            &palette(100, 56, 16),
            Packing::Words,
        ),
        indexed(
            seed,
            "palette-signed",
            &signed,
            [-400, 400],
            &palette(-200, 300, 16),
            Packing::Words,
        ),
        segmented(seed, "palette-segmented", false),
        segmented(seed, "palette-segmented-8", true),
        supplemental(seed),
    ]
}

/// Three curves that differ in every entry.
pub(super) fn palette(first: i64, count: u32, bits: u16) -> [Table; 3] {
    let top = (1_u32 << bits) - 1;
    let table = |entry: &dyn Fn(u32) -> u32| Table {
        first,
        bits,
        entries: (0..count).map(|k| entry(k) as u16).collect(),
    };
    let last = count - 1;
    let rising = |k: u32| (u64::from(k) * u64::from(top) / u64::from(last)) as u32;
    [
        table(&rising),
        table(&|k| top - rising(k)),
        table(&|k| rising(k * 2 % count) ^ 1),
    ]
}

/// How entries lie in OW.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Packing {
    /// Two 8-bit entries in a word.
    Packed,
    /// Each in a word of its own.
    Words,
}

/// Colours 0..=255 of stored values: entries are fractions of the largest one that their bits hold.
pub(super) fn looked_up(tables: &[Table; 3], value: i64) -> [u8; 3] {
    tables.each_ref().map(|table| {
        let top = f64::from((1_u32 << table.bits) - 1);
        byte(f64::from(table.entry(value as f64)) / top)
    })
}

/// Writes a palette's three tables.
pub(super) fn write_palette(set: &mut Set, tables: &[Table; 3], packed: bool, signed: bool) {
    let vr = if signed { "SS" } else { "US" };
    for (k, table) in tables.iter().enumerate() {
        write_table(set, DESCRIPTORS[k], ENTRIES[k], table, vr);
        if packed {
            let bytes: Vec<u8> = table.entries.iter().map(|entry| *entry as u8).collect();
            set.words(ENTRIES[k], "OW", &packed_words(&bytes));
        }
    }
}

fn indexed(
    seed: u64,
    name: &str,
    grey: &Form,
    [low, high]: [i64; 2],
    tables: &[Table; 3],
    packing: Packing,
) -> Picture {
    let form = Form {
        photometric: "PALETTE COLOR",
        ..grey.clone()
    };
    let first = tables[0].first;
    let last = first + tables[0].entries.len() as i64 - 1;
    let mut codes = ramp(form.area(), low, high, &[first, last]);
    if form.area() as i64 == high - low + 1 {
        codes = (low..=high).collect();
    }
    let frames = vec![colours(
        &form,
        codes.iter().map(|code| looked_up(tables, *code)),
    )];
    let mut draft = Draft::new(seed, name, "OT", CAPTURE);
    write_palette(
        &mut draft.set,
        tables,
        packing == Packing::Packed,
        form.signed,
    );
    let cells = if form.stored == 8 {
        Cells::Bytes(words(&codes).iter().map(|word| *word as u8).collect())
    } else {
        Cells::Words(words(&codes))
    };
    draft.finish(&form, &cells, frames)
}

/// Segments of 256 entries and what they stand for: discrete, linear, and a repetition of the two (indirect).
///
/// 3 entries as they are; 61 up to `high`; the first two segments again; 61 and 67 to `low` and to `high` again.
fn segments(start: u16, low: u16, high: u16) -> (Vec<u16>, Vec<u16>) {
    let code = vec![
        0,
        3,
        start,
        start / 2,
        low, // discrete
        1,
        61,
        high, // linear
        2,
        2,
        0,
        0, // indirect: two segments from byte (or word) 0 on
        1,
        61,
        low, // linear
        1,
        67,
        high, // linear
    ];
    let line = |out: &mut Vec<u16>, count: u32, to: u16| {
        let from = f64::from(out.last().copied().unwrap_or(0));
        for k in 1..=count {
            let way = f64::from(k) / f64::from(count);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "between two words"
            )]
            out.push((from + (f64::from(to) - from) * way + 0.5).floor() as u16);
        }
    };
    let mut entries = Vec::new();
    for _ in 0..2 {
        entries.extend([start, start / 2, low]);
        line(&mut entries, 61, high);
    }
    line(&mut entries, 61, low);
    line(&mut entries, 67, high);
    (code, entries)
}

fn segmented(seed: u64, name: &str, bytes: bool) -> Picture {
    let form = Form {
        photometric: "PALETTE COLOR",
        ..Form::grey(16, 16, 8)
    };
    let (bits, scale) = if bytes { (8, 257) } else { (16, 1) };
    let ends = [
        [30_000, 1000, 65_000],
        [60_000, 65_535, 0],
        [500, 20_000, 40_000],
    ];
    let mut draft = Draft::new(seed, name, "OT", CAPTURE);
    let mut tables = Vec::new();
    for (k, [start, low, high]) in ends.into_iter().enumerate() {
        let (code, entries) = segments(start / scale, low / scale, high / scale);
        draft.set.us(DESCRIPTORS[k], &[256, 0, bits]);
        let stored = if bytes {
            let bytes: Vec<u8> = code.iter().map(|word| *word as u8).collect();
            // The byte offset of an indirect segment takes four bytes of the code, so 0 0 becomes 0 0 0 0.
            let at = 5 + 3 + 2;
            let wide = [&bytes[..at], &[0, 0, 0, 0], &bytes[at + 2..]].concat();
            packed_words(&wide)
        } else {
            code
        };
        draft.set.words(SEGMENTS[k], "OW", &stored);
        tables.push(Table {
            first: 0,
            bits,
            entries,
        });
    }
    let codes: Vec<i64> = (0..256).collect();
    let shown = |code: &i64| {
        let color = |k: usize| {
            let top = f64::from((1_u32 << bits) - 1);
            byte(f64::from(tables[k].entry(*code as f64)) / top)
        };
        [color(0), color(1), color(2)]
    };
    let frames = vec![colours(&form, codes.iter().map(shown))];
    let cells = Cells::Bytes((0..=255).collect());
    draft.finish(&form, &cells, frames)
}

/// Grey below 3000, colours from there on: Pixel Presentation COLOR of an enhanced MR frame.
fn supplemental(seed: u64) -> Picture {
    let form = Form::grey(64, 64, 12);
    let codes: Vec<i64> = (0..4096).collect();
    let tables = palette(3000, 1000, 16);
    let mut draft = Draft::new(seed, "palette-supplemental", "MR", ENHANCED_MR);
    draft
        .set
        .text(tags::IMAGE_TYPE, "CS", "ORIGINAL\\PRIMARY\\M\\NONE");
    draft.set.text(tags::PIXEL_PRESENTATION, "CS", "COLOR");
    write_palette(&mut draft.set, &tables, false, false);
    let mut shared = shared_groups();
    let mut voi = Set::default();
    voi.text(tags::WINDOW_CENTER, "DS", "1500");
    voi.text(tags::WINDOW_WIDTH, "DS", "3000");
    shared.items(tags::FRAME_VOILUT_SEQUENCE, vec![voi]);
    let mut frame_type = Set::default();
    frame_type.text(tags::FRAME_TYPE, "CS", "ORIGINAL\\PRIMARY\\M\\NONE");
    frame_type.text(tags::PIXEL_PRESENTATION, "CS", "COLOR");
    shared.items(tags::MR_IMAGE_FRAME_TYPE_SEQUENCE, vec![frame_type]);
    draft
        .set
        .items(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, vec![shared]);
    let mut position = Set::default();
    position.text(tags::IMAGE_POSITION_PATIENT, "DS", "0\\0\\0");
    let mut frame = Set::default();
    frame.items(tags::PLANE_POSITION_SEQUENCE, vec![position]);
    draft
        .set
        .items(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, vec![frame]);
    draft.set.text(tags::NUMBER_OF_FRAMES, "IS", "1");
    let voi = Voi::Linear(1500.0, 3000.0);
    let mut answer: Answer = grey(&form, &reals(&codes), "", |x| voi.apply(x));
    for (pixel, code) in answer.rgb.chunks_mut(3).zip(&codes) {
        if *code >= 3000 {
            pixel.copy_from_slice(&looked_up(&tables, *code));
        }
    }
    draft.finish(&form, &Cells::Words(words(&codes)), vec![answer])
}
