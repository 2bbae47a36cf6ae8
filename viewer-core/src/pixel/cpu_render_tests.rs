//! The CPU renderer against numbers made by hand, and against PS3.3's formulas in double precision.

use super::super::Window;
use super::*;

fn params() -> FrameParams {
    FrameParams::default()
}

fn view(columns: u32, rows: u32, sample_type: SampleType, data: &[u8]) -> FrameView<'_> {
    FrameView {
        rows,
        columns,
        pixels: PixelKind::grey(sample_type),
        data,
    }
}

fn reds(view: &FrameView, params: &FrameParams, width: u32, height: u32) -> Vec<u8> {
    let mut rgba = vec![7; (width * height * 4) as usize];
    render(view, params, width, height, &mut rgba);
    assert!(rgba.chunks_exact(4).all(|pixel| pixel[3] == 255));
    rgba.chunks_exact(4).map(|pixel| pixel[0]).collect()
}

#[test]
fn twice_as_large_mixes_three_quarters_and_one() {
    // Canvas pixel x lies at x / 2 - 0.25: -0.25, 0.25, 0.75, 1.25; outside of 0..=1 the edge goes on.
    let twice = FrameParams {
        pixel_from_canvas: [0.5, 0.0, 0.0, 0.5, -0.25, -0.25],
        ..params()
    };
    let found = reds(&view(2, 1, SampleType::U8, &[0, 200]), &twice, 5, 3);
    let line = [0, 50, 150, 200, 0];
    assert_eq!(found, [line, line, [0; 5]].concat());
}

#[test]
fn nearest_rounds_a_half_up_and_ends_where_the_image_ends() {
    let halves = FrameParams {
        pixel_from_canvas: [0.5, 0.0, 0.0, 1.0, -1.0, 0.0],
        interpolate: false,
        ..params()
    };
    // Columns -1, -0.5, 0, 0.5, 1, 1.5.
    let found = reds(&view(2, 1, SampleType::U8, &[10, 20]), &halves, 6, 1);
    assert_eq!(found, [0, 10, 10, 20, 20, 0]);
}

#[test]
fn padding_is_black_and_is_left_out_of_the_mix() {
    let padded = FrameParams {
        pixel_from_canvas: [0.25, 0.0, 0.0, 1.0, 0.0, 0.0],
        padding: Some(PaddingRange::new(0.0, 0.0)),
        presentation: Presentation::Inverse,
        ..params()
    };
    // Columns 0, 1/4, 1/2, 3/4, 1 between padding and 55: from the half on the pixel stands alone.
    let found = reds(&view(2, 1, SampleType::U8, &[0, 55]), &padded, 5, 1);
    assert_eq!(found, [0, 0, 200, 200, 200]);
    let floats: Vec<u8> = [0.0_f32, 55.0]
        .iter()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    let found = reds(&view(2, 1, SampleType::F32, &floats), &padded, 5, 1);
    assert_eq!(found, [0, 0, 200, 200, 200]);
}

#[test]
fn what_is_no_number_is_padding() {
    let numbers = [f64::NAN, 40.0, f64::INFINITY, 1e300];
    let data: Vec<u8> = numbers.iter().flat_map(|v| v.to_le_bytes()).collect();
    let found = reds(&view(4, 1, SampleType::F64, &data), &params(), 4, 1);
    assert_eq!(found, [0, 40, 0, 0]);
}

#[test]
fn mixing_happens_before_the_window() {
    // Half way between 0 and 100 is 50, which is above a threshold of 30 though one pixel is not.
    let threshold = FrameParams {
        pixel_from_canvas: [0.5, 0.0, 0.0, 1.0, 0.0, 0.0],
        voi: VoiLut::Linear(Window {
            center: 30.5,
            width: 1.0,
        }),
        ..params()
    };
    let found = reds(&view(2, 1, SampleType::U8, &[0, 100]), &threshold, 3, 1);
    assert_eq!(found, [0, 255, 255]);
}

#[test]
fn colour_has_its_own_channels_and_no_modality_lut() {
    let colour = FrameView {
        pixels: PixelKind {
            samples_per_pixel: 3,
            ..PixelKind::grey(SampleType::U8)
        },
        ..view(2, 1, SampleType::U8, &[10, 20, 30, 110, 220, 130])
    };
    let strange = FrameParams {
        pixel_from_canvas: [0.5, 0.0, 0.0, 1.0, 0.0, 0.0],
        modality: ModalityLut::Rescale {
            slope: 3.0,
            intercept: 99.0,
        },
        padding: Some(PaddingRange::new(10.0, 20.0)),
        ..params()
    };
    let mut rgba = [0; 12];
    render(&colour, &strange, 3, 1, &mut rgba);
    let expected = [10, 20, 30, 255, 60, 120, 80, 255, 110, 220, 130, 255];
    assert_eq!(rgba, expected);
    let inverse = FrameParams {
        presentation: Presentation::Inverse,
        ..strange
    };
    render(&colour, &inverse, 3, 1, &mut rgba);
    assert_eq!(rgba[..4], [245, 235, 225, 255]);
}

#[test]
fn a_frame_without_its_samples_is_black() {
    let short = view(2, 2, SampleType::U16, &[255; 7]);
    assert_eq!(reds(&short, &params(), 2, 1), [0, 0]);
    let empty = view(0, 0, SampleType::U16, &[]);
    assert_eq!(reds(&empty, &params(), 2, 1), [0, 0]);
}

#[test]
fn a_buffer_that_is_too_short_stays_as_it_is() {
    let mut rgba = [7; 15];
    render(
        &view(1, 1, SampleType::U8, &[9]),
        &params(),
        2,
        2,
        &mut rgba,
    );
    assert_eq!(rgba, [7; 15]);
}

/// Numbers that look like chance; xorshift of Marsaglia.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 11
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.next() as f64 / (1_u64 << 53) as f64)
    }
}

const TYPES: [SampleType; 8] = [
    SampleType::U8,
    SampleType::I8,
    SampleType::U16,
    SampleType::I16,
    SampleType::U32,
    SampleType::I32,
    SampleType::F32,
    SampleType::F64,
];

/// A smooth frame of 31 x 23 and a view of it at any angle.
fn scene(numbers: &mut Numbers, sample_type: SampleType) -> (Vec<f64>, Vec<u8>, FrameParams) {
    let (offset, height) = match sample_type {
        SampleType::U8 => (0.0, 255.0),
        SampleType::I8 => (-128.0, 255.0),
        SampleType::U16 | SampleType::U32 => (0.0, 4095.0),
        _ => (-1024.0, 4095.0),
    };
    let bend = numbers.between(0.1, 0.5);
    let stored: Vec<f64> = (0..31 * 23)
        .map(|i| {
            let wave = (f64::from(i % 31) * bend).sin() * (f64::from(i / 31) * 0.3).cos();
            (offset + height * (0.5 + 0.5 * wave)).floor()
        })
        .collect();
    let data = stored
        .iter()
        .flat_map(|value| match sample_type {
            SampleType::U8 | SampleType::I8 => vec![*value as i64 as u8],
            SampleType::U16 | SampleType::I16 => (*value as i64 as u16).to_le_bytes().to_vec(),
            SampleType::U32 | SampleType::I32 => (*value as i64 as u32).to_le_bytes().to_vec(),
            SampleType::F32 => (*value as f32).to_le_bytes().to_vec(),
            SampleType::F64 => value.to_le_bytes().to_vec(),
        })
        .collect();
    let slope = numbers.between(0.2, 3.0);
    let intercept = numbers.between(-2000.0, 2000.0);
    let (sin, cos) = if numbers.next().is_multiple_of(2) {
        (0.0, 1.0)
    } else {
        numbers.between(0.0, 6.3).sin_cos()
    };
    let step = numbers.between(0.1, 2.0);
    let params = FrameParams {
        pixel_from_canvas: [
            cos * step,
            sin * step,
            -sin * step,
            cos * step,
            numbers.between(-3.0, 15.0),
            numbers.between(-3.0, 10.0),
        ],
        modality: ModalityLut::Rescale { slope, intercept },
        voi: VoiLut::Linear(Window {
            center: slope * (offset + height / 2.0) + intercept,
            width: slope * height * numbers.between(0.2, 1.5),
        }),
        presentation: Presentation::Identity,
        padding: None,
        interpolate: true,
        ..params()
    };
    (stored, data, params)
}

/// The standard's formulas one after the other, each neighbour through the modality LUT before it is mixed.
fn by_the_book(stored: &[f64], params: &FrameParams, x: f64, y: f64) -> Option<f64> {
    let m = params.pixel_from_canvas;
    let column = m[0] * x + m[2] * y + m[4];
    let row = m[1] * x + m[3] * y + m[5];
    let is_inside = (-0.5001..30.5001).contains(&column) && (-0.5001..22.5001).contains(&row);
    let is_edge = !((-0.4999..30.4999).contains(&column) && (-0.4999..22.4999).contains(&row));
    if is_inside && is_edge {
        return None;
    }
    if !is_inside {
        return Some(0.0);
    }
    let value = |c: f64, r: f64| {
        let place = r.clamp(0.0, 22.0) * 31.0 + c.clamp(0.0, 30.0);
        params.modality.apply(stored[place as usize])
    };
    let (c, r) = (column.floor(), row.floor());
    let (fc, fr) = (column - c, row - r);
    let mixed = value(c, r) * (1.0 - fc) * (1.0 - fr)
        + value(c + 1.0, r) * fc * (1.0 - fr)
        + value(c, r + 1.0) * (1.0 - fc) * fr
        + value(c + 1.0, r + 1.0) * fc * fr;
    Some(params.presentation.apply(params.voi.apply(mixed)) * 255.0)
}

#[test]
fn every_type_is_drawn_as_the_standard_says() {
    let mut numbers = Numbers(5);
    for sample_type in TYPES {
        for _ in 0..12 {
            let (stored, data, params) = scene(&mut numbers, sample_type);
            let found = reds(&view(31, 23, sample_type, &data), &params, 40, 30);
            for (place, level) in found.iter().enumerate() {
                let (x, y) = ((place % 40) as f64, (place / 40) as f64);
                if let Some(expected) = by_the_book(&stored, &params, x, y) {
                    let difference = (f64::from(*level) - expected).abs();
                    assert!(
                        difference < 0.6,
                        "{sample_type:?} {x} {y}: {level} {expected}"
                    );
                }
            }
        }
    }
}

#[test]
fn whole_rows_are_the_same_as_single_pixels() {
    let mut numbers = Numbers(11);
    for sample_type in TYPES {
        for round in 0..8 {
            let (_, data, mut plain) = scene(&mut numbers, sample_type);
            plain.pixel_from_canvas[1] = 0.0;
            plain.pixel_from_canvas[2] = 0.0;
            plain.interpolate = round != 0;
            if round < 2 {
                plain.pixel_from_canvas = [1.0, 0.0, 0.0, 1.0, -2.0, 3.0];
            }
            // A padding value that no pixel has turns the loop over whole rows off.
            let padded = FrameParams {
                padding: Some(PaddingRange::new(4_095.0, 4_095.0)),
                ..plain.clone()
            };
            let frame = view(31, 23, sample_type, &data);
            let size = if round < 2 { 300 } else { 50 };
            assert_eq!(
                reds(&frame, &plain, size, size),
                reds(&frame, &padded, size, size),
            );
        }
    }
}

/// Two pixels of colour on a canvas of Display P3, as red, green and blue.
fn on_display_p3(color: ColorModel, data: &[u8], params: &FrameParams) -> [[u8; 3]; 2] {
    let frame = FrameView {
        pixels: PixelKind {
            samples_per_pixel: 3,
            sample_type: SampleType::U8,
            color,
        },
        ..view(2, 1, SampleType::U8, data)
    };
    let mut rgba = [0; 8];
    let params = FrameParams {
        target: ScreenColors::DisplayP3,
        ..params.clone()
    };
    render(&frame, &params, 2, 1, &mut rgba);
    [[rgba[0], rgba[1], rgba[2]], [rgba[4], rgba[5], rgba[6]]]
}

#[test]
fn colours_of_srgb_become_those_of_display_p3_and_those_of_a_profile_stay() {
    // CSS Color 4, 10.4, in double precision: 233.96 51.07 35.33, and 186.37 96.41 68.36.
    let samples = [255, 0, 0, 200, 90, 60];
    let drawn = on_display_p3(ColorModel::Rgb, &samples, &params());
    assert_eq!(drawn, [[234, 51, 35], [186, 96, 68]]);
    let drawn = on_display_p3(ColorModel::DisplayP3, &samples, &params());
    assert_eq!(drawn, [[255, 0, 0], [200, 90, 60]]);
    // YBR_FULL of red and of a grey (PS3.3 C.7.6.3.1.2); red comes back as 254, 0, 0.
    let drawn = on_display_p3(ColorModel::YbrFull, &[76, 85, 255, 77, 128, 128], &params());
    assert_eq!(drawn, [[233, 51, 35], [77, 77, 77]]);
    // The window comes first: 255 of 256 becomes white, so grey stays grey.
    let bright = FrameParams {
        voi: VoiLut::Linear(Window {
            center: 0.5,
            width: 1.0,
        }),
        ..params()
    };
    let drawn = on_display_p3(ColorModel::Rgb, &samples, &bright);
    assert_eq!(drawn, [[234, 51, 35], [255, 255, 255]]);
}

#[test]
fn on_display_p3_greys_stay_and_palettes_and_overlays_are_converted() {
    use super::super::{Lut, LutDescriptor, OverlayBits, Palette, Shutter, ShutterShape};
    let wide = FrameParams {
        target: ScreenColors::DisplayP3,
        ..params()
    };
    let draw = |params: &FrameParams| {
        let mut rgba = [0; 8];
        render(
            &view(2, 1, SampleType::U8, &[1, 200]),
            params,
            2,
            1,
            &mut rgba,
        );
        [[rgba[0], rgba[1], rgba[2]], [rgba[4], rgba[5], rgba[6]]]
    };
    assert_eq!(draw(&wide), [[1; 3], [200; 3]]);
    let table = |last: u16| -> Lut {
        let descriptor = LutDescriptor::new([2, 0, 8], false).unwrap();
        descriptor.table(vec![0, last]).unwrap()
    };
    let red = FrameParams {
        palette: Some(Arc::new(Palette::new([255, 0, 0].map(table), false))),
        ..wide.clone()
    };
    assert_eq!(draw(&red), [[234, 51, 35]; 2]);
    let overlay = OverlayBits::of_frame([1, 1], [1, 1], &[1], 0).unwrap();
    let shutter = Shutter {
        shapes: vec![ShutterShape::Rectangle {
            left: 0.0,
            right: 1.0,
            upper: 0.0,
            lower: 2.0,
        }],
        level: 40,
    };
    let masked = FrameParams {
        mask: Mask::new([2, 1], &[overlay], Some(&shutter)),
        shows_overlays: true,
        ..wide
    };
    // OVERLAY_COLOR is 240 227 164 in sRGB: 237.76 227.45 171.24.
    assert_eq!(draw(&masked), [[238, 227, 171], [40; 3]]);
}
