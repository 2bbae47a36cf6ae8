//! Every photometric interpretation in every encoding that needs no codec: tiny pictures, one for each cell.
//!
//! Photometric interpretation x transfer syntax x planar configuration x bits allocated, and RLE in all arrangements of
//! fragments and offset tables.
//!
//! In big endian files a cell of 32 bits is two words, the low one first, as PS3.5 8.1.1 and the VR OW have it; there are
//! readers that take it for one number of four bytes instead.
//!
//! Source: PS3.5 8.2 and Table 8.2.1-1 ff. (which photometric interpretations a transfer syntax may have), A.4.

use super::chain::MULTI_FRAME_WORD;
use super::colour::{arranged, samples};
use super::forms::CAPTURE;
use super::formula::{Voi, byte, ybr_full};
use super::palettes::{looked_up, palette, write_palette};
use super::part10::{Cells, Form, Set, Syntax, basic_offsets, encapsulated_frames};
use super::{Answer, Draft, Picture, colours, grey, ramp, reals, words};

/// All transfer syntaxes of the matrix.
const SYNTAXES: [Syntax; 6] = [
    Syntax::ImplicitLittle,
    Syntax::ExplicitLittle,
    Syntax::ExplicitBig,
    Syntax::Deflated,
    Syntax::Rle,
    Syntax::Encapsulated,
];
const COLUMNS: u16 = 17;
const ROWS: u16 = 9;

/// One picture for each cell: photometric interpretation x transfer syntax x planar configuration x bits allocated.
///
/// Names are `matrix-PHOTOMETRIC-BITS[-planar]-SYNTAX`; fragment variants are named `fragments-...`.
pub fn encoding_matrix(seed: u64) -> Vec<Picture> {
    let mut all = Vec::new();
    for syntax in SYNTAXES {
        for bits in [8, 16, 32] {
            for photometric in ["MONOCHROME1", "MONOCHROME2"] {
                all.push(monochrome(seed, photometric, bits, syntax));
            }
            if bits < 32 {
                all.push(palettes(seed, bits, syntax));
            }
            for planar in [false, true] {
                all.push(colour(seed, "RGB", bits, planar, syntax));
                if bits == 8 {
                    all.push(colour(seed, "YBR_FULL", bits, planar, syntax));
                }
            }
        }
        if syntax != Syntax::Rle {
            all.push(bits_1(seed, syntax));
            all.push(shared_chroma(seed, syntax));
        }
    }
    all.extend(fragments(seed));
    all
}

fn draft(seed: u64, photometric: &str, bits: u16, planar: bool, syntax: Syntax) -> Draft {
    let photometric = photometric.to_ascii_lowercase().replace([' ', '_'], "-");
    let planar = if planar { "-planar" } else { "" };
    let name = format!("matrix-{photometric}-{bits}{planar}-{}", syntax.name());
    Draft::new(seed, &name, "OT", CAPTURE)
}

/// Values over the whole range of the bits allocated.
fn codes(bits: u16, area: usize) -> (i64, Vec<i64>) {
    let top = (1_i64 << bits) - 1;
    (top, ramp(area, 0, top, &[0, top / 2, top]))
}

fn cells(bits: u16, codes: &[i64]) -> Cells {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "codes fit their bits"
    )]
    match bits {
        8 => Cells::Bytes(codes.iter().map(|code| *code as u8).collect()),
        16 => Cells::Words(words(codes)),
        _ => Cells::Longs(codes.iter().map(|code| *code as u32).collect()),
    }
}

fn monochrome(seed: u64, photometric: &'static str, bits: u16, syntax: Syntax) -> Picture {
    let form = Form {
        photometric,
        ..Form::grey(COLUMNS, ROWS, bits)
    };
    let (top, codes) = codes(bits, form.area());
    let mut draft = draft(seed, photometric, bits, false, syntax);
    let (center, width) = ((top + 1) as f64 / 2.0, (top + 1) as f64 * 0.75);
    draft.window(&center.to_string(), &width.to_string());
    let voi = Voi::Linear(center, width);
    let inverse = photometric == "MONOCHROME1";
    let frames = vec![grey(&form, &reals(&codes), "", |x| {
        let p = voi.apply(x);
        if inverse { 1.0 - p } else { p }
    })];
    draft.finish_as(syntax, &form, &cells(bits, &codes), frames)
}

fn palettes(seed: u64, bits: u16, syntax: Syntax) -> Picture {
    let form = Form {
        photometric: "PALETTE COLOR",
        ..Form::grey(COLUMNS, ROWS, bits)
    };
    let (_, codes) = codes(bits, form.area());
    let tables = palette(0, 1 << bits.min(12), 16);
    let mut draft = draft(seed, form.photometric, bits, false, syntax);
    write_palette(&mut draft.set, &tables, false, false);
    let frames = vec![colours(
        &form,
        codes.iter().map(|code| looked_up(&tables, *code)),
    )];
    draft.finish_as(syntax, &form, &cells(bits, &codes), frames)
}

fn colour(
    seed: u64,
    photometric: &'static str,
    bits: u16,
    planar: bool,
    syntax: Syntax,
) -> Picture {
    let form = Form {
        planar,
        stored: bits,
        high_bit: bits - 1,
        ..Form::colour(photometric, COLUMNS, ROWS)
    };
    let top = (1_u64 << bits) - 1;
    let draft = draft(seed, photometric, bits, planar, syntax);
    let bytes = samples(seed, &draft.name, form.area());
    // A byte repeated in all places is the same fraction of a longer sample's range.
    let wide: Vec<[i64; 3]> = bytes
        .iter()
        .map(|sample| sample.map(|value| (u64::from(value) * (top / 255)) as i64))
        .collect();
    let shown = |sample: &[i64; 3]| {
        let rgb = sample.map(|value| byte(value as f64 / top as f64));
        if photometric == "RGB" {
            rgb
        } else {
            ybr_full(rgb)
        }
    };
    let frames = vec![colours(&form, wide.iter().map(shown))];
    draft.finish_as(
        syntax,
        &form,
        &cells(bits, &arranged(&wide, planar)),
        frames,
    )
}

fn bits_1(seed: u64, syntax: Syntax) -> Picture {
    let form = Form::grey(COLUMNS, ROWS, 1);
    let bits: Vec<u8> = (0..form.area())
        .map(|at| u8::from(at * at % 5 == 1))
        .collect();
    let values: Vec<f64> = bits.iter().map(|bit| f64::from(*bit)).collect();
    let frames = vec![grey(&form, &values, "", |x| x)];
    draft(seed, form.photometric, 1, false, syntax).finish_as(
        syntax,
        &form,
        &Cells::Bits(bits),
        frames,
    )
}

/// YBR_FULL_422: Y Y Cb Cr for each pair of pixels of a row of even length.
fn shared_chroma(seed: u64, syntax: Syntax) -> Picture {
    let form = Form::colour("YBR_FULL_422", COLUMNS + 1, ROWS);
    let draft = draft(seed, form.photometric, 8, false, syntax);
    let mut pixels = samples(seed, &draft.name, form.area());
    let mut bytes = Vec::new();
    for pair in pixels.chunks_mut(2) {
        let [y, cb, cr] = pair[0];
        pair[1] = [pair[1][0], cb, cr];
        bytes.extend([y, pair[1][0], cb, cr]);
    }
    let frames = vec![colours(&form, pixels.iter().map(|pixel| ybr_full(*pixel)))];
    draft.finish_as(syntax, &form, &Cells::Bytes(bytes), frames)
}

/// How many fragments a frame has, and which offset table the file has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Offsets {
    Empty,
    Basic,
    Extended,
}

fn fragments(seed: u64) -> Vec<Picture> {
    let mut all = Vec::new();
    for syntax in [Syntax::Rle, Syntax::Encapsulated] {
        for (what, frames, pieces, offsets) in [
            ("one-each-no-table", 3, 1, Offsets::Empty),
            ("one-each-basic-table", 3, 1, Offsets::Basic),
            ("one-each-extended-table", 3, 1, Offsets::Extended),
            // Only with one frame, or with a table, is it known which fragments belong together.
            ("several-no-table", 1, 3, Offsets::Empty),
            ("several-basic-table", 3, 3, Offsets::Basic),
        ] {
            let name = format!("fragments-{what}-{}", syntax.name());
            let (mut draft, form, cells, answers) = three_frames(seed, &name, frames);
            draft.set.pixels(&form, &cells, syntax);
            fragment(&mut draft.set, &form, &cells, syntax, pieces, offsets);
            all.push(draft.finish_set(syntax, answers));
        }
    }
    all
}

/// A picture of a few frames of words, ready to be cut into fragments.
pub(super) fn three_frames(
    seed: u64,
    name: &str,
    frames: usize,
) -> (Draft, Form, Cells, Vec<Answer>) {
    let form = Form {
        frames,
        ..Form::grey(COLUMNS, ROWS, 12)
    };
    let mut draft = Draft::new(seed, name, "OT", MULTI_FRAME_WORD);
    draft.window("2048", "4096");
    let voi = Voi::Linear(2048.0, 4096.0);
    let codes: Vec<i64> = (0..frames as i64)
        .flat_map(|k| ramp(form.area(), k * 300, 3000 + k * 500, &[]))
        .collect();
    let answers = codes
        .chunks(form.area())
        .map(|frame| grey(&form, &reals(frame), "", |x| voi.apply(x)))
        .collect();
    (draft, form, Cells::Words(words(&codes)), answers)
}

fn fragment(
    set: &mut Set,
    form: &Form,
    cells: &Cells,
    syntax: Syntax,
    pieces: usize,
    offsets: Offsets,
) {
    let whole = encapsulated_frames(form, cells, syntax);
    let mut cut = Vec::new();
    for frame in &whole {
        // Pieces of even length; the last one takes the rest.
        let step = (frame.len() / pieces) & !1;
        for piece in 0..pieces {
            let end = if piece + 1 == pieces {
                frame.len()
            } else {
                (piece + 1) * step
            };
            cut.push(frame[piece * step..end].to_vec());
        }
    }
    let table = basic_offsets(&cut, pieces);
    if offsets == Offsets::Extended {
        let starts: Vec<u64> = table.iter().map(|start| u64::from(*start)).collect();
        let lengths: Vec<u64> = whole.iter().map(|frame| frame.len() as u64).collect();
        set.extended_offsets(&starts, &lengths);
    }
    set.fragments(
        if offsets == Offsets::Basic {
            &table
        } else {
            &[]
        },
        cut,
    );
}
