//! Frames with more columns or rows than a texture may have: drawn in tiles, or refused in words.

mod device;

use device::{block_on, context, yield_now};
use viewer_core::pixel::{
    FrameParams, FrameView, Mask, PixelKind, SampleType, Shutter, ShutterShape, VoiLut, Window,
    cpu_render,
};
use viewer_gpu::{Context, Renderer, TextureCache, UploadError};

/// Columns and rows of the largest radiographs.
const LARGE: u32 = 8000;

/// The largest texture that every WebGL2 has.
const LEAST_SIDE: u32 = 2048;

fn grey(columns: u32, rows: u32, data: &[u8]) -> FrameView<'_> {
    FrameView {
        rows,
        columns,
        pixels: PixelKind::grey(SampleType::U8),
        data,
    }
}

/// Stored value of a pixel of [`large_frame`]: neighbours, also those in other tiles, differ.
fn stored(column: u32, row: u32) -> u16 {
    (column * 7 + row * 13 + (column / 512) * 3001 + (row / 512) * 5003) as u16
}

fn large_frame() -> Vec<u8> {
    let mut data = Vec::with_capacity((LARGE * LARGE * 2) as usize);
    for row in 0..LARGE {
        for column in 0..LARGE {
            data.extend_from_slice(&stored(column, row).to_le_bytes());
        }
    }
    data
}

fn window() -> FrameParams {
    FrameParams {
        voi: VoiLut::Linear(Window {
            center: 32_768.0,
            width: 65_536.0,
        }),
        ..FrameParams::default()
    }
}

fn draw(
    (context, cache): (&Context, &TextureCache),
    params: &FrameParams,
    [width, height]: [u32; 2],
) -> Vec<u8> {
    let mut renderer = Renderer::new(context);
    let drawn = renderer.render_to_rgba(context, cache, 1, params, width, height, yield_now);
    let drawn = block_on(drawn).expect("drawn");
    assert_eq!(context.take_errors(), Vec::<String>::new());
    drawn
}

fn worst(a: &[u8], b: &[u8]) -> u8 {
    assert_eq!(a.len(), b.len());
    let apart = a.iter().zip(b).map(|(a, b)| a.abs_diff(*b));
    apart.max().expect("a picture has pixels")
}

#[test]
fn a_frame_of_8000_pixels_a_side_is_drawn_where_textures_have_2048() {
    let context = context();
    let data = large_frame();
    let view = FrameView {
        rows: LARGE,
        columns: LARGE,
        pixels: PixelKind::grey(SampleType::U16),
        data: &data,
    };
    // Its textures alone are beyond the budget.
    let mut cache = TextureCache::new(&context, 1 << 20).with_texture_side(LEAST_SIDE);
    cache.upload(&context, 1, &view).expect("uploaded");
    assert_eq!(cache.bytes(), 16 * 2048 * 2048 * 2);

    // Pixel by pixel around the corner of four tiles, by the formula of LINEAR (PS3.3 C.11.2.1.2.1).
    let start = [2048 * 3 - 20, 2048 - 30];
    let params = FrameParams {
        pixel_from_canvas: [1.0, 0.0, 0.0, 1.0, f64::from(start[0]), f64::from(start[1])],
        ..window()
    };
    let drawn = draw((&context, &cache), &params, [64, 64]);
    for (index, pixel) in (0..).zip(drawn.as_chunks::<4>().0) {
        let value = f64::from(stored(start[0] + index % 64, start[1] + index / 64));
        let expected = ((value - 32_767.5) / 65_535.0 + 0.5) * 255.0;
        let apart = (f64::from(pixel[0]) - expected).abs();
        assert!(apart <= 1.0, "{index}: {pixel:?}, expected {expected}");
    }

    // The whole frame, a turned part of it, and its last pixel enlarged.
    let turned = [0.3, 0.9, -0.9, 0.3, 4100.25, 6100.75];
    let corner = [0.01, 0.0, 0.0, 0.01, 7998.0, 7998.0];
    for (map, size) in [
        ([15.7, 0.0, 0.0, 15.7, 3.1, 2.2], [500, 510]),
        (turned, [300, 200]),
        (corner, [180, 180]),
    ] {
        let params = FrameParams {
            pixel_from_canvas: map,
            ..window()
        };
        let mut expected = vec![0; (size[0] * size[1] * 4) as usize];
        cpu_render::render(&view, &params, size[0], size[1], &mut expected);
        let drawn = draw((&context, &cache), &params, size);
        assert!(worst(&drawn, &expected) <= 1, "{map:?}");
        let levels = drawn.iter().filter(|level| (1..255).contains(*level));
        assert!(levels.count() > drawn.len() / 2, "{map:?} shows nothing");
    }
}

#[test]
fn a_shutter_is_cut_as_its_frame_is() {
    let context = context();
    let mut cache = TextureCache::new(&context, 1 << 20).with_texture_side(16);
    let data = vec![200; 100 * 50];
    cache
        .upload(&context, 1, &grey(100, 50, &data))
        .expect("uploaded");
    // Edges by PS3.3 C.7.6.11: rows and columns count from 1, those between the edges are shown.
    let shutter = Shutter {
        shapes: vec![ShutterShape::Rectangle {
            left: 15.0,
            right: 80.0,
            upper: 10.0,
            lower: 40.0,
        }],
        level: 60,
    };
    let params = FrameParams {
        mask: Mask::new([100, 50], &[], Some(&shutter)),
        ..FrameParams::default()
    };
    let drawn = draw((&context, &cache), &params, [100, 50]);
    let at = |column: usize, row: usize| drawn[4 * ((row - 1) * 100 + column - 1)];
    for (column, row, expected) in [
        (1, 1, 60),
        (14, 20, 60),
        (16, 20, 200),
        (79, 39, 200),
        (81, 39, 60),
        (50, 9, 60),
        (50, 11, 200),
        (50, 41, 60),
        (100, 50, 60),
    ] {
        assert_eq!(at(column, row), expected, "({column}, {row})");
    }
    // A mask of another frame, too, is no part of this one.
    let other = FrameParams {
        mask: Mask::new([9, 9], &[], Some(&shutter)),
        ..FrameParams::default()
    };
    let drawn = draw((&context, &cache), &other, [100, 50]);
    assert!(drawn.as_chunks::<4>().0.iter().all(|pixel| pixel[0] == 200));
}

#[test]
fn frames_in_one_piece_and_in_tiles_are_drawn_by_one_renderer() {
    let context = context();
    let mut cache = TextureCache::new(&context, 1 << 20).with_texture_side(4);
    let small: Vec<u8> = (0..16).map(|value| value * 16).collect();
    let large: Vec<u8> = (0..96).map(|value| value * 2).collect();
    cache
        .upload(&context, 1, &grey(4, 4, &small))
        .expect("uploaded");
    cache
        .upload(&context, 2, &grey(12, 8, &large))
        .expect("uploaded");
    // Six square tiles and the empty layer that keeps WebGL2 from making a cube of them.
    assert_eq!(cache.bytes(), 16 + 7 * 16);
    let mut renderer = Renderer::new(&context);
    for _ in 0..2 {
        for (key, columns, rows, data) in [(1, 4, 4, &small), (2, 12, 8, &large)] {
            let params = FrameParams::default();
            let drawn =
                renderer.render_to_rgba(&context, &cache, key, &params, columns, rows, yield_now);
            let drawn = block_on(drawn).expect("drawn");
            let reds: Vec<u8> = drawn
                .as_chunks::<4>()
                .0
                .iter()
                .map(|pixel| pixel[0])
                .collect();
            assert_eq!(reds, *data);
        }
    }
    assert_eq!(context.take_errors(), Vec::<String>::new());
}

#[test]
fn frames_of_more_tiles_than_a_texture_has_layers_are_refused_with_the_limits() {
    let context = context();
    let mut cache = TextureCache::new(&context, 1000).with_texture_side(4);
    let data = vec![0; 4 * 256 + 1];
    let columns = 4 * 256;
    cache
        .upload(&context, 1, &grey(columns, 1, &data))
        .expect("256 tiles");
    let error = cache
        .upload(&context, 2, &grey(columns + 1, 1, &data))
        .expect_err("257 tiles");
    let limits = UploadError::TooLarge {
        columns: columns + 1,
        rows: 1,
        limit: 4,
        layers: 256,
    };
    assert_eq!(error.to_string(), limits.to_string());
    assert_eq!(
        error.to_string(),
        "a frame of 1025 x 1 pixels is beyond this graphics card's limit of 256 tiles of 4 x 4 pixels"
    );
    assert!(!cache.contains(2));
}

#[test]
fn a_frame_just_beyond_the_adapters_own_limit_is_drawn() {
    let context = context();
    let columns = context.max_side() + 1;
    let data: Vec<u8> = (0..columns).map(|column| (column % 251) as u8).collect();
    let mut cache = TextureCache::new(&context, 1000);
    cache
        .upload(&context, 1, &grey(columns, 1, &data))
        .expect("uploaded");
    let params = FrameParams {
        pixel_from_canvas: [1.0, 0.0, 0.0, 0.0, f64::from(columns - 8), 0.0],
        ..FrameParams::default()
    };
    let drawn = draw((&context, &cache), &params, [8, 1]);
    let reds: Vec<u8> = drawn
        .as_chunks::<4>()
        .0
        .iter()
        .map(|pixel| pixel[0])
        .collect();
    assert_eq!(reds, data[data.len() - 8..]);
}
