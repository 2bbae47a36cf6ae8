//! Planes through volumes, as tests ask for them: what is asked, where its samples lie, how it is read back.

use crate::stage::Stage;
use phantom::volumes::Volume;
use sagitta_tests::TempFolder;
use serde_json::{Value, json};

/// A plane of the contract.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plane {
    pub center: [f64; 3],
    pub row: [f64; 3],
    pub column: [f64; 3],
    pub pixel_mm: f64,
    pub slab: Option<Slab>,
}

/// A slab of the contract.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slab {
    pub thickness_mm: f64,
    pub projection: &'static str,
    pub step_mm: f64,
}

pub fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

/// `a + b * by`
pub fn plus(a: [f64; 3], b: [f64; 3], by: f64) -> [f64; 3] {
    [a[0] + b[0] * by, a[1] + b[1] * by, a[2] + b[2] * by]
}

pub fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
    let way = plus(a, b, -1.0);
    dot(way, way).sqrt()
}

fn unit(a: [f64; 3]) -> [f64; 3] {
    a.map(|part| part / dot(a, a).sqrt())
}

/// The planes of the patient's axes as they are shown: rows to the left or to the back, columns to the back or down.
pub const AXIAL: [[f64; 3]; 2] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
pub const SAGITTAL: [[f64; 3]; 2] = [[0.0, 1.0, 0.0], [0.0, 0.0, -1.0]];
pub const CORONAL: [[f64; 3]; 2] = [[1.0, 0.0, 0.0], [0.0, 0.0, -1.0]];

impl Plane {
    pub fn new(center: [f64; 3], [row, column]: [[f64; 3]; 2], pixel_mm: f64) -> Self {
        Self {
            center,
            row,
            column,
            pixel_mm,
            slab: None,
        }
    }

    /// Where sample `(x, y)` of so many lies, LPS in mm.
    pub fn place(&self, [x, y]: [f64; 2], [width, height]: [u32; 2]) -> [f64; 3] {
        let from_middle =
            |at: f64, count: u32| (at - (f64::from(count) - 1.0) / 2.0) * self.pixel_mm;
        let along = plus(self.center, self.row, from_middle(x, width));
        plus(along, self.column, from_middle(y, height))
    }

    /// Unit vector at right angles to it.
    pub fn normal(&self) -> [f64; 3] {
        cross(self.row, self.column)
    }

    pub fn json(&self) -> Value {
        let mut plane = json!({ "center": self.center, "row": self.row, "column": self.column, "pixel_mm": self.pixel_mm });
        if let Some(slab) = self.slab {
            plane["slab_mm"] = json!(slab.thickness_mm);
            plane["projection"] = json!(slab.projection);
            plane["slab_step_mm"] = json!(slab.step_mm);
        }
        plane
    }

    /// Its values in a viewport, row by row.
    pub fn values(&self, stage: &Stage, viewport: usize, [width, height]: [u32; 2]) -> Vec<f32> {
        let script = format!(
            "(async () => {{ await window.sagitta.setPlane({viewport}, {});
               const read = await window.sagitta.planeValues({viewport}, {width}, {height});
               if (read.width !== {width} || read.height !== {height}) throw new Error('another size');
               return read.values; }})()",
            self.json()
        );
        let bytes = stage.page.eval_bytes(&script).unwrap();
        let (cells, rest) = bytes.as_chunks::<4>();
        assert!(rest.is_empty());
        let values: Vec<f32> = cells.iter().map(|cell| f32::from_le_bytes(*cell)).collect();
        assert_eq!(values.len(), width as usize * height as usize);
        values
    }
}

/// Numbers by chance, the same for the same seed (SplitMix64).
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Evenly spread from -1 to 1.
    pub fn around(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        (z >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }

    /// A place within so many mm of another along each axis.
    pub fn near(&mut self, place: [f64; 3], mm: f64) -> [f64; 3] {
        place.map(|part| part + self.around() * mm)
    }

    /// Row and column of an oblique plane.
    pub fn directions(&mut self) -> [[f64; 3]; 2] {
        loop {
            let [a, b] = [(); 2].map(|()| self.near([0.0; 3], 1.0));
            let is_usual = |a: [f64; 3]| dot(a, a) > 0.1 && dot(a, a) < 1.0;
            let normal = cross(a, b);
            if is_usual(a) && is_usual(b) && dot(normal, normal) > 0.1 {
                let row = unit(a);
                return [row, cross(unit(normal), row)];
            }
        }
    }
}

/// The folder of a made-up series.
pub fn folder_of(volume: &Volume) -> TempFolder {
    let folder = TempFolder::new(volume.name).unwrap();
    for (name, bytes) in &volume.files {
        folder.write(name, bytes).unwrap();
    }
    folder
}

/// Shows what is open in three planes and waits until all of it has come or failed.
pub fn lay_out_planes(stage: &Stage) {
    // Each new plane draws all three: a small page is drawn sooner, and what is read back has a size of its own.
    stage.page.set_viewport(900, 560, 1.0, false).unwrap();
    stage.eval("window.sagitta.setLayout('mpr').then(() => window.sagitta.complete())");
    let kinds = stage.eval("window.sagitta.viewports().map((it) => it.kind)");
    assert_eq!(kinds, json!(["mpr", "mpr", "mpr"]));
}

/// Opens a series in three planes.
pub fn open_planes(stage: &Stage, study: &str, series: &str) {
    stage.open(study, series);
    lay_out_planes(stage);
}

/// Opens a made-up series at a slice of its first volume.
pub fn open_stack(stage: &Stage, volume: &Volume) {
    let frames = &volume.parts[0].frames;
    let (instance, frame) = &frames[frames.len() / 4];
    stage.eval(&format!(
        "window.sagitta.open({{ studies: ['{}'], series: '{}', instance: '{instance}', frame: {frame} }})",
        volume.study_uid, volume.series_uid
    ));
}

/// Opens a made-up series in three planes; where it has several volumes, the first one.
pub fn open_volume(stage: &Stage, volume: &Volume) {
    open_stack(stage, volume);
    lay_out_planes(stage);
}
