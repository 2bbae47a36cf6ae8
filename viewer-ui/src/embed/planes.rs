//! Planes of the JavaScript API: the contract's `Plane` and `planeValues`.

use crate::engine::screen::ShownPlane;
use crate::engine::waiting::{Condition, ViewerError};
use crate::engine::{EngineEvent, EngineHandle};
use crate::platform::clock;
use js_sys::{Float32Array, Object, Reflect};
use serde::{Deserialize, Serialize};
use viewer_core::geometry::{Projection, Slab, ViewPlane};
use viewer_core::volume::PlaneParams;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

/// The contract's `Plane`: mm in LPS.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plane {
    center: [f64; 3],
    row: [f64; 3],
    column: [f64; 3],
    #[serde(skip_serializing_if = "Option::is_none")]
    pixel_mm: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slab_mm: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    projection: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slab_step_mm: Option<f64>,
}

/// Most samples that `planeValues` gives at once: 256 MiB.
const MOST_SAMPLES: u64 = 64 << 20;

impl Plane {
    /// What is said of a plane on screen.
    pub fn of(plane: &ViewPlane) -> Self {
        let slab = plane.slab;
        let projection = slab.map(|slab| match slab.projection {
            Projection::Mip => "mip",
            Projection::MinIp => "minip",
            Projection::Mean => "mean",
        });
        Self {
            center: plane.center.to_array(),
            row: plane.row.to_array(),
            column: plane.column.to_array(),
            pixel_mm: Some(plane.pixel_mm),
            slab_mm: slab.map(|slab| slab.thickness_mm),
            projection: projection.map(str::to_owned),
            slab_step_mm: slab.and_then(|slab| slab.step_mm),
        }
    }

    /// The plane, and whether pixels keep the size that they have on screen.
    pub fn view_plane(&self) -> Result<(ViewPlane, bool), ViewerError> {
        let refuse = |words: String| ViewerError::new("bad_argument", words);
        let pixel_mm = self.pixel_mm.unwrap_or(1.0);
        let plane = ViewPlane::new(self.center, self.row, self.column, pixel_mm);
        let mut plane = plane.map_err(|error| refuse(error.to_string()))?;
        let projection = match self.projection.as_deref() {
            None | Some("mip") => Projection::Mip,
            Some("minip") => Projection::MinIp,
            Some("mean") => Projection::Mean,
            Some(_) => return Err(refuse("a projection is mip, minip or mean".into())),
        };
        if let Some(thickness_mm) = self.slab_mm
            && thickness_mm != 0.0
        {
            let slab = Slab {
                thickness_mm,
                projection,
                step_mm: self.slab_step_mm,
            };
            let thick = plane.with_slab(slab);
            plane = thick.map_err(|error| refuse(error.to_string()))?;
        }
        Ok((plane, self.pixel_mm.is_none()))
    }
}

/// An error where so many samples cannot be given.
pub fn check_size(size: [Option<u32>; 2]) -> Result<(), ViewerError> {
    let sides = size.map(|side| u64::from(side.unwrap_or(1)));
    if sides.contains(&0) || sides[0] * sides[1] > MOST_SAMPLES {
        let words = "planeValues gives 1 to 67,108,864 samples at once";
        return Err(ViewerError::new("bad_argument", words));
    }
    Ok(())
}

/// An error where a viewport cannot show a plane: among images, only one that is parallel to them.
pub fn check_plane(
    handle: &EngineHandle,
    viewport: usize,
    plane: &ViewPlane,
) -> Result<(), ViewerError> {
    let refused = handle.with(|engine| {
        let shown = engine.state.viewports.get(viewport);
        let Some(shown) = shown else {
            return Some(("no_viewport", "there is no such viewport".into()));
        };
        if shown.plane.is_some() {
            return None;
        }
        let taken = engine.state.takes_stack_plane(viewport, plane);
        taken.err().map(|error| ("no_plane", error.to_string()))
    });
    match refused {
        None => Ok(()),
        Some((code, words)) => Err(ViewerError::new(code, words)),
    }
}

/// An error where a viewport shows no plane and no slab.
pub fn check(handle: &EngineHandle, viewport: usize) -> Result<(), ViewerError> {
    let shown = handle.with(|engine| {
        let viewport = engine.state.viewports.get(viewport)?;
        Some(viewport.plane.is_some() || engine.state.volume_of(viewport).is_some())
    });
    match shown {
        Some(true) => Ok(()),
        Some(false) => Err(ViewerError::new("no_plane", "the viewport shows no plane")),
        None => Err(ViewerError::new("no_viewport", "there is no such viewport")),
    }
}

/// Times that a plane is read anew when the graphics card was reset meanwhile, and the pause between them.
const READINGS: u32 = 4;
const PAUSE_MS: f64 = 250.0;

/// `{ width, height, values }` of a viewport's plane once it is drawn in final quality; without a size that of the
/// viewport.
pub async fn values(
    handle: &EngineHandle,
    viewport: usize,
    size: [Option<u32>; 2],
) -> Result<JsValue, JsValue> {
    let mut reading = 1;
    loop {
        let drawn = handle.with_mut(|engine| engine.waiters.promise(Condition::Drawn(viewport)));
        handle.send(EngineEvent::Looked);
        JsFuture::from(drawn).await?;
        let reading_id = begin(handle, viewport, size).map_err(JsValue::from)?;
        let readable =
            handle.with_mut(|engine| engine.waiters.promise(Condition::Readable(reading_id)));
        handle.send(EngineEvent::Looked);
        let waited = JsFuture::from(readable).await;
        let read = match waited {
            Ok(_) => read(handle, viewport, size).await,
            Err(error) => return Err(error),
        };
        handle.with_mut(|engine| engine.end_reading(reading_id));
        match read {
            Err(_) if reading < READINGS => {
                reading += 1;
                clock::sleep(PAUSE_MS).await;
            }
            read => return read.map_err(JsValue::from),
        }
    }
}

/// The plane that is read: that of the viewport with another size.
fn sized(plane: ShownPlane, [width, height]: [Option<u32>; 2]) -> ShownPlane {
    let size = plane.params.size;
    let size = [width.unwrap_or(size[0]), height.unwrap_or(size[1])];
    ShownPlane {
        params: PlaneParams {
            size,
            ..plane.params
        },
        ..plane
    }
}

/// Wants all of a plane on the screen.
fn begin(
    handle: &EngineHandle,
    viewport: usize,
    size: [Option<u32>; 2],
) -> Result<u64, ViewerError> {
    let begun = handle.with_mut(|engine| {
        let plane = sized(engine.plane_item(viewport)?, size);
        Some(engine.begin_reading(plane.volume, plane.params))
    });
    begun.ok_or_else(|| ViewerError::new("plane_failed", "there is nothing to read"))
}

async fn read(
    handle: &EngineHandle,
    viewport: usize,
    size: [Option<u32>; 2],
) -> Result<JsValue, ViewerError> {
    let failed = |words: String| ViewerError::new("plane_failed", words);
    let (size, reading) = handle
        .with_mut(|engine| {
            let ShownPlane { volume, params, .. } = sized(engine.plane_item(viewport)?, size);
            let screen = engine.screen.as_mut()?;
            Some((params.size, screen.plane_values(volume, &params)))
        })
        .ok_or_else(|| failed("there is nothing to read".into()))?;
    let values = reading.await.map_err(failed)?;
    let answer = Object::new();
    let array = Float32Array::from(values.as_slice());
    for (name, value) in [
        ("width", JsValue::from(size[0])),
        ("height", JsValue::from(size[1])),
        ("values", array.into()),
    ] {
        // A plain object takes every property.
        let _ = Reflect::set(&answer, &name.into(), &value);
    }
    Ok(answer.into())
}
