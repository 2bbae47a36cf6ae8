//! Objects with one thing wrong each: a viewer says so or leaves the thing out, and never shows a wrong picture.

use super::chain::{DX, write_table};
use super::cine::{REGIONS, US_MULTI_FRAME, region_item};
use super::forms::CAPTURE;
use super::formula::Table;
use super::matrix::three_frames;
use super::overlays::{Plane, drawing};
use super::palettes::{ENTRIES, palette, write_palette};
use super::part10::{Cells, Form, Set, Syntax, basic_offsets, encapsulated_frames};
use super::{Draft, ramp, words};
use dicom_core::Tag;
use dicom_dictionary_std::tags;

/// Part 10 files by what is wrong with them; the rest of each object is as it should be.
pub fn malformed(seed: u64) -> Vec<(&'static str, Vec<u8>)> {
    let mut all = Vec::new();
    tables(seed, &mut all);
    palettes(seed, &mut all);
    overlays(seed, &mut all);
    regions(seed, &mut all);
    numbers(seed, &mut all);
    lengths(seed, &mut all);
    all
}

type Files = Vec<(&'static str, Vec<u8>)>;

/// A grey picture of 12 bits, changed by `spoil`.
fn spoilt(
    seed: u64,
    name: &'static str,
    spoil: impl FnOnce(&mut Draft),
) -> (&'static str, Vec<u8>) {
    let form = Form::grey(32, 32, 12);
    let codes = ramp(form.area(), 0, 4095, &[]);
    let mut draft = Draft::new(seed, &format!("malformed-{name}"), "DX", DX);
    draft.rescale("0", "1", "US");
    draft.window("2048", "4096");
    let cells = Cells::Words(words(&codes));
    draft.set.pixels(&form, &cells, Syntax::ExplicitLittle);
    spoil(&mut draft);
    (name, draft.set.file(Syntax::ExplicitLittle))
}

/// LUTs whose descriptors do not fit their entries.
fn tables(seed: u64, all: &mut Files) {
    let entries: Vec<u16> = (0..1000).collect();
    let voi = |descriptor: [u16; 3]| {
        let mut item = Set::default();
        let table = Table {
            first: 0,
            bits: 12,
            entries: entries.clone(),
        };
        write_table(
            &mut item,
            tags::LUT_DESCRIPTOR,
            tags::LUT_DATA,
            &table,
            "US",
        );
        item.us(tags::LUT_DESCRIPTOR, &descriptor);
        item
    };
    for (name, descriptor) in [
        ("voi-lut-short", [4096, 0, 12]),
        ("voi-lut-bits-0", [1000, 0, 0]),
        ("voi-lut-bits-99", [1000, 0, 99]),
        ("voi-lut-65536-of-1000", [0, 0, 16]),
    ] {
        all.push(spoilt(seed, name, |draft| {
            draft.set.remove(tags::WINDOW_CENTER);
            draft.set.remove(tags::WINDOW_WIDTH);
            draft
                .set
                .items(tags::VOILUT_SEQUENCE, vec![voi(descriptor)]);
        }));
    }
    all.push(spoilt(seed, "voi-lut-two-numbers", |draft| {
        let mut item = voi([1000, 0, 12]);
        item.us(tags::LUT_DESCRIPTOR, &[1000, 0]);
        draft.set.items(tags::VOILUT_SEQUENCE, vec![item]);
    }));
    all.push(spoilt(seed, "voi-lut-empty", |draft| {
        let mut item = voi([1000, 0, 12]);
        item.us(tags::LUT_DATA, &[]);
        draft.set.items(tags::VOILUT_SEQUENCE, vec![item]);
    }));
    all.push(spoilt(seed, "voi-lut-no-items", |draft| {
        draft.set.items(tags::VOILUT_SEQUENCE, Vec::new());
    }));
    all.push(spoilt(seed, "modality-lut-short", |draft| {
        let mut item = voi([4096, 0, 16]);
        item.text(tags::MODALITY_LUT_TYPE, "LO", "OD");
        for tag in [
            tags::RESCALE_INTERCEPT,
            tags::RESCALE_SLOPE,
            tags::RESCALE_TYPE,
        ] {
            draft.set.remove(tag);
        }
        draft.set.items(tags::MODALITY_LUT_SEQUENCE, vec![item]);
    }));
}

fn palettes(seed: u64, all: &mut Files) {
    let mut add = |name: &'static str, spoil: &dyn Fn(&mut Set)| {
        let form = Form {
            photometric: "PALETTE COLOR",
            ..Form::grey(16, 16, 8)
        };
        let mut draft = Draft::new(seed, &format!("malformed-{name}"), "OT", CAPTURE);
        write_palette(&mut draft.set, &palette(0, 256, 16), false, false);
        spoil(&mut draft.set);
        let cells = Cells::Bytes((0..=255).collect());
        draft.set.pixels(&form, &cells, Syntax::ExplicitLittle);
        all.push((name, draft.set.file(Syntax::ExplicitLittle)));
    };
    add("palette-short", &|set| {
        for tag in ENTRIES {
            set.words(tag, "OW", &[40_000; 100]);
        }
    });
    add("palette-no-green", &|set| set.remove(ENTRIES[1]));
    add("palette-no-descriptor", &|set| {
        set.remove(tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR);
    });
    add("palette-segments-beyond", &|set| {
        for tag in ENTRIES {
            set.remove(tag);
        }
        for tag in [
            tags::SEGMENTED_RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            tags::SEGMENTED_GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            tags::SEGMENTED_BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
        ] {
            // An indirect segment that points at itself, then a linear one with nothing before it.
            set.words(tag, "OW", &[2, 1, 0, 0, 1, 65_535, 9]);
        }
    });
}

fn overlays(seed: u64, all: &mut Files) {
    let mut add = |name: &'static str, spoil: &dyn Fn(&mut Set)| {
        all.push(spoilt(seed, name, |draft| {
            let plane = Plane {
                group: 0x6000,
                rows: 32,
                columns: 32,
                origin: [1, 1],
                bits: drawing(32, 32),
            };
            plane.write(&mut draft.set);
            spoil(&mut draft.set);
        }));
    };
    add("overlay-short", &|set| {
        set.words(Tag(0x6000, 0x3000), "OW", &[0xffff; 10])
    });
    add("overlay-rows-0", &|set| set.us(Tag(0x6000, 0x10), &[0]));
    add("overlay-no-origin", &|set| set.remove(Tag(0x6000, 0x50)));
    add("overlay-huge", &|set| {
        set.us(Tag(0x6000, 0x10), &[65_535]);
        set.us(Tag(0x6000, 0x11), &[65_535]);
    });
    add("overlay-bit-20", &|set| {
        set.remove(Tag(0x6000, 0x3000));
        set.us(Tag(0x6000, 0x100), &[16]);
        set.us(Tag(0x6000, 0x102), &[20]);
    });
}

fn regions(seed: u64, all: &mut Files) {
    let mut add = |name: &'static str, corners: [u32; 4], deltas: [f64; 2]| {
        let form = Form {
            frames: 2,
            ..Form::colour("RGB", 96, 72)
        };
        let mut draft = Draft::new(seed, &format!("malformed-{name}"), "US", US_MULTI_FRAME);
        draft.set.text(tags::FRAME_TIME, "DS", "40");
        draft
            .set
            .at(tags::FRAME_INCREMENT_POINTER, &[tags::FRAME_TIME]);
        let region = super::Region {
            corners,
            deltas,
            ..REGIONS[0]
        };
        let items = vec![region_item(&region, [1, 1])];
        draft.set.items(tags::SEQUENCE_OF_ULTRASOUND_REGIONS, items);
        let cells = Cells::Bytes((0..form.area() * 6).map(|at| (at * 7) as u8).collect());
        draft.set.pixels(&form, &cells, Syntax::ExplicitLittle);
        all.push((name, draft.set.file(Syntax::ExplicitLittle)));
    };
    let (whole, good) = ([0, 0, 95, 71], [0.05, 0.05]);
    add("region-outside", [200, 200, 400, 300], good);
    add("region-beyond", [10, 10, u32::MAX, 5000], good);
    add("region-turned", [90, 60, 10, 10], good);
    add("region-delta-0", whole, [0.0, 0.0]);
    add("region-delta-nan", whole, [f64::NAN, 0.05]);
    add("region-delta-infinite", whole, [0.05, f64::INFINITY]);
}

/// Windows, rescales and times that are no numbers.
fn numbers(seed: u64, all: &mut Files) {
    for (name, tag, value) in [
        ("window-width-0", tags::WINDOW_WIDTH, "0"),
        ("window-width-negative", tags::WINDOW_WIDTH, "-400"),
        ("window-width-nan", tags::WINDOW_WIDTH, "NaN"),
        ("window-width-text", tags::WINDOW_WIDTH, "wide"),
        ("window-width-empty", tags::WINDOW_WIDTH, ""),
        ("window-center-text", tags::WINDOW_CENTER, "middle"),
        ("window-center-huge", tags::WINDOW_CENTER, "1e400"),
        ("rescale-slope-0", tags::RESCALE_SLOPE, "0"),
        ("rescale-slope-nan", tags::RESCALE_SLOPE, "NaN"),
        ("rescale-slope-empty", tags::RESCALE_SLOPE, ""),
        ("rescale-slope-text", tags::RESCALE_SLOPE, "steep"),
        ("rescale-intercept-empty", tags::RESCALE_INTERCEPT, ""),
        ("voi-function-unknown", tags::VOILUT_FUNCTION, "CUBIC"),
        ("pixel-spacing-0", tags::PIXEL_SPACING, "0\\0"),
        ("pixel-aspect-0", tags::PIXEL_ASPECT_RATIO, "0\\1"),
        ("frame-time-0", tags::FRAME_TIME, "0"),
    ] {
        all.push(spoilt(seed, name, |draft| draft.set.text(tag, "DS", value)));
    }
    all.push(spoilt(seed, "rescale-no-intercept", |draft| {
        draft.set.remove(tags::RESCALE_INTERCEPT);
    }));
    all.push(spoilt(seed, "bits-stored-above-allocated", |draft| {
        draft.set.us(tags::BITS_STORED, &[20]);
    }));
    all.push(spoilt(seed, "high-bit-below-stored", |draft| {
        draft.set.us(tags::HIGH_BIT, &[4]);
    }));
    all.push(spoilt(seed, "columns-0", |draft| {
        draft.set.us(tags::COLUMNS, &[0])
    }));
}

/// Pixels, frames, fragments and offset tables that do not fit one another.
fn lengths(seed: u64, all: &mut Files) {
    all.push(spoilt(seed, "pixels-short", |draft| {
        draft.set.words(tags::PIXEL_DATA, "OW", &[2000; 500]);
    }));
    all.push(spoilt(seed, "pixels-empty", |draft| {
        draft.set.words(tags::PIXEL_DATA, "OW", &[]);
    }));
    all.push(spoilt(seed, "frames-more-than-pixels", |draft| {
        draft.set.text(tags::NUMBER_OF_FRAMES, "IS", "5");
    }));
    all.push(spoilt(seed, "frames-text", |draft| {
        draft.set.text(tags::NUMBER_OF_FRAMES, "IS", "many");
    }));
    let mut add = |name: &'static str, table: &dyn Fn(&[Vec<u8>]) -> Vec<u32>, drop: bool| {
        let (mut draft, form, cells, _) = three_frames(seed, &format!("malformed-{name}"), 3);
        draft.set.pixels(&form, &cells, Syntax::Rle);
        let mut frames = encapsulated_frames(&form, &cells, Syntax::Rle);
        let offsets = table(&frames);
        if drop {
            frames.iter_mut().skip(1).for_each(Vec::clear);
        }
        draft.set.fragments(&offsets, frames);
        all.push((name, draft.set.file(Syntax::Rle)));
    };
    add("offsets-beyond", &|_| vec![0, 100_000, 200_000], false);
    add(
        "offsets-within-items",
        &|frames| {
            basic_offsets(frames, 1)
                .iter()
                .map(|at| at + at.min(&1) * 6)
                .collect()
        },
        false,
    );
    add("offsets-too-few", &|_| vec![0], false);
    add(
        "offsets-backwards",
        &|frames| basic_offsets(frames, 1).into_iter().rev().collect(),
        false,
    );
    add("fragments-empty", &|_| Vec::new(), true);
}
