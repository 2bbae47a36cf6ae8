//! How a made-up series becomes files: the body at each voxel, stored by each slice's rescale.

use super::lattice::Lattice;
use super::living::Scene;
use crate::PhantomError;
use crate::dicom::{Dataset, Encoding, Patient, Pixels, Place, Plane, Samples, Series, Study};
use dicom_core::VR;
use dicom_dictionary_std::tags;

/// Kind of image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Ct,
    Mr,
    Pet,
}

/// Stored value times slope plus intercept is the value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rescale {
    /// Rescale Slope.
    pub slope: f64,
    /// Rescale Intercept.
    pub intercept: f64,
}

/// Slices of a series that make one volume.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Where its voxels lie.
    pub lattice: Lattice,
    /// What it shows.
    pub scene: Scene,
    /// Its values are those of the scene and so much more.
    pub offset: f64,
    /// Of each slice.
    pub rescale: Vec<Rescale>,
    /// SOP Instance UID and frame number (from 1) of each slice, in the order of the lattice.
    pub frames: Vec<(String, u32)>,
}

impl Part {
    /// The right value at any place, LPS in mm; edges of shapes are not as voxels hold them.
    pub fn truth(&self, place_mm: [f64; 3]) -> f64 {
        self.scene.value(place_mm) + self.offset
    }

    /// True where trilinear interpolation must give [`Part::truth`]: no edge of a shape in the cell of voxels about it.
    pub fn is_plain(&self, place_mm: [f64; 3]) -> bool {
        self.scene.is_plain(place_mm, self.lattice.reach_mm())
    }

    /// The stored value of a voxel: column, row, slice.
    pub fn stored(&self, voxel: [usize; 3]) -> u16 {
        let Rescale { slope, intercept } = self.rescale[voxel[2]];
        let value = self.truth(self.lattice.patient_mm(voxel));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "held within 16 bits"
        )]
        let stored = ((value - intercept) / slope)
            .round()
            .clamp(0.0, f64::from(u16::MAX)) as u16;
        stored
    }

    /// What a probe must say of a voxel: its stored value, rescaled.
    pub fn voxel_value(&self, voxel: [usize; 3]) -> f64 {
        let Rescale { slope, intercept } = self.rescale[voxel[2]];
        f64::from(self.stored(voxel)) * slope + intercept
    }

    pub(super) fn slice_pixels(&self, slice: usize) -> Vec<u16> {
        let [columns, rows, _] = self.lattice.size;
        (0..columns * rows)
            .map(|at| self.stored([at % columns, at / columns, slice]))
            .collect()
    }
}

/// A made-up series.
#[derive(Debug, Clone, PartialEq)]
pub struct Volume {
    /// Also its Study and Series Description.
    pub name: &'static str,
    /// Names and Part 10 files.
    pub files: Vec<(String, Vec<u8>)>,
    /// Study Instance UID.
    pub study_uid: String,
    /// Series Instance UID.
    pub series_uid: String,
    /// What can be stacked, as a reader would split it.
    pub parts: Vec<Part>,
}

/// A series under construction.
pub(super) struct Draft {
    pub(super) place: Place,
    kind: Kind,
    files: Vec<(String, Vec<u8>)>,
    parts: Vec<Part>,
}

/// Distances of `count` slices from their middle one, `step` mm apart.
pub(super) fn even(count: usize, step: f64) -> Vec<f64> {
    let half = (count as f64 - 1.0) / 2.0;
    (0..count)
        .map(|index| (index as f64 - half) * step)
        .collect()
}

impl Draft {
    pub(super) fn new(seed: u64, name: &'static str, accession: &'static str, kind: Kind) -> Self {
        let place = Place {
            seed,
            study: Study {
                patient: Patient {
                    name: "Volume^Test",
                    id: "EX-VOLUMES",
                    birth_date: "19800101",
                    sex: "O",
                },
                accession,
                date: "20260601",
                time: "080000",
                description: name,
            },
            series: Series {
                modality: kind.modality(),
                number: 1,
                description: name,
                body_part: "PHANTOM",
                model: "Phantom",
            },
        };
        Self {
            place,
            kind,
            files: Vec::new(),
            parts: Vec::new(),
        }
    }

    /// A part of this kind of image without frames yet.
    pub(super) fn part(&self, lattice: Lattice, offset: f64) -> Part {
        let rescale = |slice: usize| match self.kind {
            // A power of two, so that air is -1000 exactly.
            Kind::Ct => Rescale {
                slope: 0.0625,
                intercept: -1024.0,
            },
            Kind::Mr => Rescale {
                slope: 0.043,
                intercept: -1500.0,
            },
            Kind::Pet => Rescale {
                slope: 0.08 + 0.005 * ((slice * 7) % 11) as f64,
                intercept: 0.0,
            },
        };
        Part {
            rescale: (0..lattice.size[2]).map(rescale).collect(),
            frames: Vec::new(),
            lattice,
            scene: Scene::Body,
            offset,
        }
    }

    /// Adds a file for each slice: `number` is its Instance Number, `change` has the last word on its data set.
    pub(super) fn add(
        &mut self,
        mut part: Part,
        encoding: Encoding,
        number: impl Fn(usize) -> usize,
        change: impl Fn(usize, &mut Dataset),
    ) -> Result<(), PhantomError> {
        for slice in 0..part.lattice.size[2] {
            let number = number(slice);
            let file =
                self.slice_file(&part, slice, number, encoding, &|set| change(slice, set))?;
            self.put(number, file);
            part.frames.push((self.place.instance_uid(number), 1));
        }
        self.parts.push(part);
        Ok(())
    }

    /// The file of one slice.
    pub(super) fn slice_file(
        &self,
        part: &Part,
        slice: usize,
        number: usize,
        encoding: Encoding,
        change: &dyn Fn(&mut Dataset),
    ) -> Result<Vec<u8>, PhantomError> {
        let mut set = self
            .place
            .dataset(self.kind.sop_class(), number, "ORIGINAL\\PRIMARY\\AXIAL");
        self.place.plane(&mut set, &plane(&part.lattice, slice));
        let Rescale { slope, intercept } = part.rescale[slice];
        set.decimals(tags::RESCALE_SLOPE, &[slope]);
        set.decimals(tags::RESCALE_INTERCEPT, &[intercept]);
        self.describe(&mut set, part);
        change(&mut set);
        let pixels = pixels(part, 1, part.slice_pixels(slice));
        set.into_file(&pixels, encoding)
    }

    /// What the images of a kind say beside their geometry.
    pub(super) fn describe(&self, set: &mut Dataset, part: &Part) {
        set.text(tags::PATIENT_POSITION, VR::CS, "HFS");
        set.decimals(tags::WINDOW_CENTER, &[part.offset]);
        set.text(tags::WINDOW_WIDTH, VR::DS, "2400");
        match self.kind {
            Kind::Ct => set.text(tags::RESCALE_TYPE, VR::LO, "HU"),
            Kind::Mr => set.text(tags::SCANNING_SEQUENCE, VR::CS, "SE"),
            Kind::Pet => {
                set.text(tags::UNITS, VR::CS, "BQML");
                set.text(tags::SERIES_TYPE, VR::CS, "STATIC\\IMAGE");
            }
        }
    }

    pub(super) fn put(&mut self, number: usize, file: Vec<u8>) {
        self.files.push((format!("{number:04}.dcm"), file));
    }

    pub(super) fn put_part(&mut self, part: Part) {
        self.parts.push(part);
    }

    pub(super) fn finish(self) -> Volume {
        Volume {
            name: self.place.study.description,
            files: self.files,
            study_uid: self.place.study_uid(),
            series_uid: self.place.series_uid(),
            parts: self.parts,
        }
    }
}

/// The Image Plane Module of a slice.
fn plane(lattice: &Lattice, slice: usize) -> Plane {
    let ([rx, ry, rz], [cx, cy, cz]) = (lattice.row, lattice.column);
    Plane {
        position_mm: lattice.origins_mm[slice],
        orientation: [rx, ry, rz, cx, cy, cz],
        row_spacing_mm: lattice.spacing_mm[1],
        column_spacing_mm: lattice.spacing_mm[0],
        thickness_mm: 1.0,
    }
}

/// Words of `frames` frames with the module that describes them.
pub(super) fn pixels(part: &Part, frames: usize, words: Vec<u16>) -> Pixels {
    let [columns, rows, _] = part.lattice.size;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "made-up images have at most some thousand rows"
    )]
    let side = |count: usize| count as u16;
    Pixels {
        photometric: "MONOCHROME2",
        rows: side(rows),
        columns: side(columns),
        samples_per_pixel: 1,
        bits_stored: 16,
        signed: false,
        frames,
        samples: Samples::Words(words),
    }
}

impl Kind {
    fn modality(self) -> &'static str {
        match self {
            Self::Ct => "CT",
            Self::Mr => "MR",
            Self::Pet => "PT",
        }
    }

    /// CT, MR or Positron Emission Tomography Image Storage.
    pub(super) fn sop_class(self) -> &'static str {
        match self {
            Self::Ct => "1.2.840.10008.5.1.4.1.1.2",
            Self::Mr => "1.2.840.10008.5.1.4.1.1.4",
            Self::Pet => "1.2.840.10008.5.1.4.1.1.128",
        }
    }
}
