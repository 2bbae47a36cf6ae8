//! Draws made-up planes by the GPU and by the processor, and compares them.

use super::planes::{PlaneScene, plane_scene};
use super::{Report, TestError};
use crate::{Context, Renderer, VolumeCache, plane_way};
use viewer_core::volume::SliceState;
use viewer_core::volume::sample::is_absent;

/// Draws the first `count` planes by the GPU and by the processor, and compares greys and values; with a `side`, 3-D
/// textures have at most so many texels a side, and most volumes are cut into bricks.
///
/// # Errors
/// A plane that cannot be drawn.
pub async fn run_planes(
    context: &Context,
    count: u32,
    side: Option<u32>,
    yield_now: impl AsyncFn() + Clone + 'static,
) -> Result<Report, TestError> {
    context.learn_mixing(yield_now.clone()).await;
    let mut renderer = Renderer::new(context);
    let mut report = Report::default();
    for number in 0..count {
        let scene = plane_scene(number, side.is_some());
        let mut volumes = VolumeCache::new(context, 64 << 20);
        if let Some(side) = side {
            volumes = volumes.with_limits(side);
            report.tiled += u32::from(scene.size.iter().any(|edge| *edge > side));
        }
        let key = u64::from(number);
        let planes = std::slice::from_ref(&scene.params);
        let failed = |source| TestError::Upload {
            scene: number,
            source,
        };
        scene.upload(context, &mut volumes, key).map_err(failed)?;
        for z in volumes.missing(key, planes) {
            if scene.presence.of(z as usize) == SliceState::Here {
                let slice = &scene.slices[z as usize];
                volumes
                    .write_slice(context, key, z, slice.samples(), slice.modality())
                    .map_err(failed)?;
            }
        }
        let (params, wait) = (&scene.params, yield_now.clone());
        let drawn = renderer.plane_to_rgba(context, &volumes, key, params, wait);
        let failed = |source| TestError::Draw {
            scene: number,
            source,
        };
        let rgba = drawn.await.map_err(failed)?;
        let drawn = renderer.plane_values(context, &volumes, key, params, yield_now.clone());
        let values = drawn.await.map_err(failed)?;
        let expected = scene
            .values()
            .map_err(|_| failed(crate::DrawError::Plane))?;
        compare(&scene, (&rgba, &values), &expected, number, &mut report);
        report.scenes += 1;
        if copy(context, &mut volumes, key, &scene, &yield_now).await {
            let drawn = renderer.plane_to_rgba(context, &volumes, key, params, yield_now.clone());
            let again = drawn.await.map_err(failed)?;
            compare(&scene, (&again, &values), &expected, number, &mut report);
            report.mixed += 1;
        }
    }
    report.errors = context.take_errors();
    Ok(report)
}

/// Draws planes whose voxels the graphics card mixes, `count` of them where it can, and compares greys.
///
/// # Errors
/// A plane that cannot be drawn.
pub async fn run_mixed_planes(
    context: &Context,
    count: u32,
    yield_now: impl AsyncFn() + Clone + 'static,
) -> Result<Report, TestError> {
    context.learn_mixing(yield_now.clone()).await;
    let mut renderer = Renderer::new(context);
    let mut report = Report::default();
    for number in 1000..1000 + 40 * count {
        let scene = plane_scene(number, true);
        let mut volumes = VolumeCache::new(context, 64 << 20);
        let failed = |source| TestError::Upload {
            scene: number,
            source,
        };
        scene.upload(context, &mut volumes, 1).map_err(failed)?;
        if !copy(context, &mut volumes, 1, &scene, &yield_now).await {
            continue;
        }
        let drawn = renderer.plane_to_rgba(context, &volumes, 1, &scene.params, yield_now.clone());
        let failed = |source| TestError::Draw {
            scene: number,
            source,
        };
        let rgba = drawn.await.map_err(failed)?;
        let expected = scene
            .values()
            .map_err(|_| failed(crate::DrawError::Plane))?;
        compare(&scene, (&rgba, &expected), &expected, number, &mut report);
        report.scenes += 1;
        report.mixed += 1;
        if report.mixed == count {
            break;
        }
    }
    report.errors = context.take_errors();
    Ok(report)
}

/// Gives the graphics card a copy of a volume to mix; true where a plane is drawn from it.
async fn copy(
    context: &Context,
    volumes: &mut VolumeCache,
    key: u64,
    scene: &PlaneScene,
    yield_now: impl AsyncFn(),
) -> bool {
    let planes = std::slice::from_ref(&scene.params);
    let wanted = volumes.missing_in_copy(context, key, planes);
    for z in &wanted {
        volumes.write_to_copy(key, *z, scene.slices[*z as usize].samples());
    }
    let is_mixed = |volumes: &VolumeCache| {
        let volume = volumes.get(key);
        volume.is_some_and(|volume| plane_way::is_mixed(volume, &scene.params))
    };
    // WebGPU says later whether there was memory.
    for _ in 0..20 {
        if wanted.is_empty() || is_mixed(volumes) {
            break;
        }
        yield_now().await;
        volumes.missing_in_copy(context, key, planes);
    }
    is_mixed(volumes)
}

#[expect(clippy::cast_possible_truncation, reason = "figures of a report")]
fn compare(
    scene: &PlaneScene,
    (rgba, values): (&[u8], &[f32]),
    expected: &[f32],
    number: u32,
    report: &mut Report,
) {
    let range = scene.range();
    let [width, height] = scene.params.size;
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let (pixels, _) = rgba.as_chunks::<4>();
    let found = pixels.iter().zip(values);
    for ((x, y), ((pixel, value), expected)) in places.zip(found.zip(expected)) {
        let level = scene.level(*expected, x, y);
        let difference = pixel[0].abs_diff(level);
        let is_grey = *pixel == [pixel[0], pixel[0], pixel[0], 255];
        let is_same_kind =
            value.is_nan() == expected.is_nan() && is_absent(*value) == is_absent(*expected);
        report.channels += 1;
        report.differing += u64::from(difference != 0);
        report.between += u64::from((1..255).contains(&level));
        if !expected.is_nan() && range > 0.0 {
            let apart = (f64::from(*value) - f64::from(*expected)).abs() / range;
            if apart as f32 > report.apart {
                report.apart = apart as f32;
                report.apart_scene = number;
            }
        }
        if !is_grey || !is_same_kind {
            report.kinds += 1;
            report.kinds_scene = number;
        }
        if difference > report.worst {
            report.worst = difference;
            report.worst_scene = number;
        }
    }
}
