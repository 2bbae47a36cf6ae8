//! Pictures of every pixel form: bits allocated and stored, sign, floats, odd sizes, aspect ratios, many frames.
//!
//! Source: PS3.5 8.1.1 (pixel cells), PS3.3 C.7.6.3 (Image Pixel), C.7.6.24 (Floating Point Image Pixel).

use super::chain::MULTI_FRAME_WORD;
use super::formula::Voi;
use super::part10::{Cells, Form};
use super::{Draft, Picture, grey, ramp, reals, words};
use dicom_dictionary_std::tags;

/// Secondary Capture Image Storage.
pub(super) const CAPTURE: &str = "1.2.840.10008.5.1.4.1.1.7";
/// Multi-frame Single Bit Secondary Capture Image Storage.
const MULTI_FRAME_BIT: &str = "1.2.840.10008.5.1.4.1.1.7.1";
/// Parametric Map Storage.
const PARAMETRIC_MAP: &str = "1.2.840.10008.5.1.4.1.1.30";

pub(super) fn pictures(seed: u64) -> Vec<Picture> {
    let signed = |stored| Form {
        signed: true,
        ..Form::grey(64, 64, stored)
    };
    let high = Form {
        high_bit: 15,
        ..Form::grey(64, 64, 12)
    };
    let mut all = vec![
        bits_1(seed),
        whole(
            seed,
            "bits-8",
            &Form::grey(16, 16, 8),
            [0, 255],
            [128.0, 200.0],
            |codes| Cells::Bytes(words(codes).iter().map(|word| *word as u8).collect()),
        ),
        whole(
            seed,
            "bits-10",
            &Form::grey(32, 32, 10),
            [0, 1023],
            [512.0, 1024.0],
            |codes| Cells::Words(words(codes)),
        ),
        whole(
            seed,
            "bits-12-high-15",
            &high,
            [0, 4095],
            [2000.0, 3000.0],
            |codes| Cells::Words(words(codes).iter().map(|word| word << 4).collect()),
        ),
        whole(
            seed,
            "bits-12-signed",
            &signed(12),
            [-2048, 2047],
            [40.0, 400.0],
            |codes| Cells::Words(words(codes).iter().map(|word| word & 0xfff).collect()),
        ),
        whole(
            seed,
            "bits-16-unsigned",
            &Form::grey(64, 64, 16),
            [0, 65_535],
            [32_768.0, 65_536.0],
            |codes| Cells::Words(words(codes)),
        ),
        whole(
            seed,
            "bits-16-signed",
            &signed(16),
            [-32_768, 32_767],
            [-1000.0, 20_000.0],
            |codes| Cells::Words(words(codes)),
        ),
        whole(
            seed,
            "bits-32-unsigned",
            &Form::grey(64, 64, 32),
            [0, 4_294_967_295],
            [3_000_000_000.0, 1_000_000_000.0],
            longs,
        ),
        whole(
            seed,
            "bits-32-signed",
            &signed(32),
            [-2_147_483_648, 2_147_483_647],
            [-70_000.0, 3_000_000_000.0],
            longs,
        ),
        floats(seed, "float", false),
        floats(seed, "double-float", true),
        contradiction(seed),
        multi_frame_300(seed),
    ];
    for (name, columns, rows) in [("size-1x1", 1, 1), ("size-3x3", 3, 3), ("size-5x7", 5, 7)] {
        all.push(whole(
            seed,
            name,
            &Form::grey(columns, rows, 8),
            [0, 255],
            [100.0, 50.0],
            |codes| Cells::Bytes(words(codes).iter().map(|word| *word as u8).collect()),
        ));
    }
    all.extend([
        spaced(seed, "pixel-aspect", |draft| {
            // A pixel is twice as high as it is wide.
            draft.set.text(tags::PIXEL_ASPECT_RATIO, "IS", "2\\1");
        }),
        spaced(seed, "spacing-non-square", |draft| {
            draft.set.text(tags::PIXEL_SPACING, "DS", "0.5\\0.75");
        }),
    ]);
    all
}

fn longs(codes: &[i64]) -> Cells {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the low 32 bits are wanted"
    )]
    let low = codes.iter().map(|code| *code as u32).collect();
    Cells::Longs(low)
}

/// The whole range of codes and the edges of a window in one frame.
fn whole(
    seed: u64,
    name: &str,
    form: &Form,
    [low, high]: [i64; 2],
    [center, width]: [f64; 2],
    cells: impl Fn(&[i64]) -> Cells,
) -> Picture {
    #[expect(clippy::cast_possible_truncation, reason = "edges are near codes")]
    let edges = [center - width / 2.0, center, center + width / 2.0 - 1.0].map(|edge| edge as i64);
    let codes = ramp(form.area(), low, high, &edges);
    let mut draft = Draft::new(seed, name, "OT", CAPTURE);
    draft.window(&center.to_string(), &width.to_string());
    let voi = Voi::Linear(center, width);
    let frames = vec![grey(form, &reals(&codes), "", |x| voi.apply(x))];
    draft.finish(form, &cells(&codes), frames)
}

/// Eight frames of 35 bits, so that frames start within bytes.
fn bits_1(seed: u64) -> Picture {
    let form = Form {
        frames: 8,
        ..Form::grey(5, 7, 1)
    };
    let bits: Vec<u8> = (0..form.area() * form.frames)
        .map(|at| u8::from((at * 3 + at / 35) % 5 < 2))
        .collect();
    let frame = |bits: &[u8]| {
        let values: Vec<f64> = bits.iter().map(|bit| f64::from(*bit)).collect();
        grey(&form, &values, "", |x| x)
    };
    let frames = bits.chunks(form.area()).map(frame).collect();
    let draft = Draft::new(seed, "bits-1", "OT", MULTI_FRAME_BIT);
    draft.finish(&form, &Cells::Bits(bits), frames)
}

/// Floats between -1.5 and 2.5, with the edges of the window (0.125 and 0.875) among them.
fn floats(seed: u64, name: &str, double: bool) -> Picture {
    let form = Form {
        is_float: true,
        ..Form::grey(32, 32, 0)
    };
    // Steps of 1/256 are exact in both.
    let values: Vec<f64> = ramp(form.area(), -384, 640, &[32, 128, 224])
        .iter()
        .map(|step| *step as f64 / 256.0)
        .collect();
    let mut draft = Draft::new(seed, name, "OT", PARAMETRIC_MAP);
    draft.set.text(tags::VOILUT_FUNCTION, "CS", "LINEAR_EXACT");
    draft.window("0.5", "0.75");
    let voi = Voi::LinearExact(0.5, 0.75);
    let frames = vec![grey(&form, &values, "", |x| voi.apply(x))];
    #[expect(clippy::cast_possible_truncation, reason = "exact")]
    let cells = if double {
        Cells::Doubles(values)
    } else {
        Cells::Floats(values.iter().map(|value| *value as f32).collect())
    };
    draft.finish(&form, &cells, frames)
}

/// Pixel Representation says signed; the VR and the values of Smallest and Largest, and the window, say unsigned.
///
/// The answer goes by Pixel Representation, which the standard makes decide; both readings are among the choices.
fn contradiction(seed: u64) -> Picture {
    let form = Form {
        signed: true,
        ..Form::grey(64, 64, 16)
    };
    let codes = ramp(form.area(), 0, 60_000, &[32_768]);
    let mut draft = Draft::new(seed, "pixel-representation-contradiction", "OT", CAPTURE);
    draft.set.us(tags::SMALLEST_IMAGE_PIXEL_VALUE, &[0]);
    draft.set.us(tags::LARGEST_IMAGE_PIXEL_VALUE, &[60_000]);
    draft.window("30000", "60000");
    let voi = Voi::Linear(30_000.0, 60_000.0);
    let unsigned = reals(&codes);
    let signed: Vec<f64> = words(&codes)
        .iter()
        .map(|word| f64::from(word.cast_signed()))
        .collect();
    let answer = |values: &[f64]| vec![grey(&form, values, "", |x| voi.apply(x))];
    let mut picture = draft.finish(&form, &Cells::Words(words(&codes)), answer(&signed));
    picture.choices = vec![
        ("signed".into(), answer(&signed)),
        ("unsigned".into(), answer(&unsigned)),
    ];
    picture
}

/// 300 frames of 4 x 4; all pixels of frame k are k.
fn multi_frame_300(seed: u64) -> Picture {
    let form = Form {
        frames: 300,
        ..Form::grey(4, 4, 9)
    };
    let mut draft = Draft::new(seed, "multi-frame-300", "OT", MULTI_FRAME_WORD);
    draft.window("150", "300");
    let voi = Voi::Linear(150.0, 300.0);
    let frame = |k: u16| grey(&form, &[f64::from(k); 16], "", |x| voi.apply(x));
    let frames = (0..300).map(frame).collect();
    let cells = (0..300_u16).flat_map(|k| [k; 16]).collect();
    draft.finish(&form, &Cells::Words(cells), frames)
}

/// A disc of bytes in pixels that are not square; answers stay by stored pixel.
fn spaced(seed: u64, name: &str, describe: impl Fn(&mut Draft)) -> Picture {
    let form = Form::grey(48, 32, 8);
    let codes: Vec<i64> = (0..form.area() as i64)
        .map(|at| {
            let (column, row) = (at % 48, at / 48);
            let far = (column - 24) * (column - 24) + (row - 16) * (row - 16);
            if far <= 100 { 200 } else { column + row }
        })
        .collect();
    let mut draft = Draft::new(seed, name, "OT", CAPTURE);
    describe(&mut draft);
    draft.window("128", "256");
    let voi = Voi::Linear(128.0, 256.0);
    let frames = vec![grey(&form, &reals(&codes), "", |x| voi.apply(x))];
    let bytes = words(&codes).iter().map(|word| *word as u8).collect();
    draft.finish(&form, &Cells::Bytes(bytes), frames)
}
