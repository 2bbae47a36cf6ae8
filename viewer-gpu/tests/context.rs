//! What hosts meet besides pictures: limits, budgets, loss and a new start after it.

mod device;

use device::{block_on, context, yield_now};
use std::cell::Cell;
use std::rc::Rc;
use viewer_core::pixel::{FrameParams, FrameView, PixelKind, SampleType};
use viewer_gpu::{
    Backend, Content, Context, DrawError, Renderer, Scene, SceneViewport, TextureCache,
    UploadError, VolumeCache,
};

fn params() -> FrameParams {
    FrameParams::default()
}

fn grey(columns: u32, rows: u32, data: &[u8]) -> FrameView<'_> {
    FrameView {
        rows,
        columns,
        pixels: PixelKind::grey(SampleType::U8),
        data,
    }
}

fn picture(context: &Context, data: &[u8]) -> Result<Vec<u8>, DrawError> {
    let mut renderer = Renderer::new(context);
    let mut cache = TextureCache::new(context, 1000);
    let side = data.len() as u32;
    if let Err(error) = cache.upload(context, 1, &grey(side, 1, data)) {
        assert!(matches!(error, UploadError::Lost), "{error}");
    }
    block_on(renderer.render_to_rgba(context, &cache, 1, &params(), side, 1, yield_now))
}

fn scene_of(keys: &[u64]) -> Scene {
    let viewport = |key: &u64| SceneViewport {
        rect: [0, 0, 1, 1],
        content: Some(Content::Frame(*key, params())),
    };
    Scene {
        width: 1,
        height: 1,
        viewports: keys.iter().map(viewport).collect(),
    }
}

#[test]
fn a_picture_is_read_back_row_by_row() {
    let context = context();
    assert_eq!(context.backend(), Backend::Native);
    let found = picture(&context, &[3, 200, 77]).expect("drawn");
    assert_eq!(found, [3, 3, 3, 255, 200, 200, 200, 255, 77, 77, 77, 255]);
    block_on(context.finished(yield_now));
    assert_eq!(context.take_errors(), Vec::<String>::new());
}

#[test]
fn after_a_loss_everything_says_so_and_a_new_context_draws() {
    let lost = context();
    let reasons = Rc::new(Cell::new(0));
    let counter = Rc::clone(&reasons);
    lost.on_lost(Box::new(move |_| counter.set(counter.get() + 1)));
    assert!(!lost.lost());
    lost.destroy();
    assert!(lost.lost());
    assert_eq!(reasons.get(), 1);
    assert_eq!(picture(&lost, &[1]), Err(DrawError::Lost));
    block_on(lost.finished(yield_now));
    drop(lost);
    let new = context();
    assert_eq!(picture(&new, &[9]).expect("drawn"), [9, 9, 9, 255]);
}

#[test]
fn frames_that_cannot_be_drawn_are_refused() {
    let context = context();
    let mut cache = TextureCache::new(&context, 1000);
    let short = cache.upload(&context, 1, &grey(2, 2, &[0; 3]));
    assert!(matches!(short, Err(UploadError::NotDrawable)));
    assert!(!cache.contains(1));
    assert_eq!(cache.bytes(), 0);
}

#[test]
fn what_was_shown_longest_ago_goes_first_and_the_scene_stays() {
    let context = context();
    let mut cache = TextureCache::new(&context, 100);
    let data = [0; 40];
    for key in 1..=2 {
        cache
            .upload(&context, key, &grey(40, 1, &data))
            .expect("uploaded");
    }
    cache.protect(&scene_of(&[1]));
    cache
        .upload(&context, 3, &grey(40, 1, &data))
        .expect("uploaded");
    let held = |cache: &TextureCache| [1, 2, 3, 4].map(|key| cache.contains(key));
    assert_eq!(held(&cache), [true, false, true, false]);
    assert_eq!(cache.bytes(), 80);
    // The scene alone is beyond the budget: nothing of it goes.
    cache.protect(&scene_of(&[1, 3, 4]));
    cache
        .upload(&context, 4, &grey(40, 1, &data))
        .expect("uploaded");
    assert_eq!(held(&cache), [true, false, true, true]);
    assert_eq!(cache.bytes(), 120);
    // Replaced, not counted twice.
    cache
        .upload(&context, 4, &grey(20, 1, &data))
        .expect("uploaded");
    assert_eq!(cache.bytes(), 100);
    cache.evict(1);
    assert_eq!(cache.bytes(), 60);
    cache.evict_all();
    assert_eq!(cache.bytes(), 0);
}

#[test]
fn pictures_of_no_or_too_many_pixels_and_of_no_frame_are_errors() {
    let context = context();
    let mut renderer = Renderer::new(&context);
    let cache = TextureCache::new(&context, 100);
    let mut draw = |width| {
        block_on(renderer.render_to_rgba(&context, &cache, 1, &params(), width, 1, yield_now))
    };
    assert!(matches!(draw(0), Err(DrawError::Size { .. })));
    assert!(matches!(
        draw(context.max_side() + 1),
        Err(DrawError::Size { .. })
    ));
    assert_eq!(draw(1), Err(DrawError::NoFrame));
}

#[test]
fn without_a_canvas_there_is_nothing_to_draw_on() {
    let context = context();
    let mut renderer = Renderer::new(&context);
    let cache = TextureCache::new(&context, 100);
    let drawn = renderer.draw(
        &context,
        &cache,
        &VolumeCache::new(&context, 0),
        &scene_of(&[1]),
    );
    assert_eq!(drawn, Err(DrawError::NoCanvas));
    assert_eq!(context.draw_probe_colour(), Err(DrawError::NoCanvas));
}
