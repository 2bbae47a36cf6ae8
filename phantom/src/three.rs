//! One small CT, one radiograph and one colour cine, each a study: for tests against another server.

use crate::PhantomError;
use crate::ct::Anatomy;
use crate::dicom::{Encoding, Patient, Place, Series, Study};
use crate::radiograph::ChestRadiograph;
use crate::scan::{Kernel, Scan};
use crate::ultrasound::Cine;
use std::sync::Arc;

/// Files by name: `ct/0.dcm` ... `ct/7.dcm` of 128 x 128 in 16 bits, head to foot, `dx.dcm` of 352 x 428 (columns x rows) in 16
/// bits, and `us.dcm`, 4 frames of 192 x 144 in RGB. Pixel Data is the last element of each.
///
/// # Errors
/// [`PhantomError::Encode`] when a data set cannot be encoded.
pub fn three(seed: u64, encoding: Encoding) -> Result<Vec<(String, Vec<u8>)>, PhantomError> {
    let place = |modality, accession, description, body_part| Place {
        seed,
        study: Study {
            patient: Patient {
                name: "Example^Ada",
                id: "EX-THREE",
                birth_date: "19650314",
                sex: "F",
            },
            accession,
            date: "20260601",
            time: "080000",
            description,
        },
        series: Series {
            modality,
            number: 1,
            description,
            body_part,
            model: "Phantom",
        },
    };
    let anatomy = Arc::new(Anatomy::new(seed));
    let scan = Scan {
        place: place("CT", "B0000001", "CT chest", "CHEST"),
        anatomy: Arc::clone(&anatomy),
        kernel: Kernel::Soft,
        side: 128,
        spacing_mm: 3.0,
        top_mm: 60.0,
        step_mm: 5.0,
        slices: 8,
        contrast: None,
    };
    let mut files = Vec::new();
    for index in 0..scan.slices {
        files.push((format!("ct/{index}.dcm"), scan.file(index, encoding)?));
    }
    let radiograph = ChestRadiograph {
        place: place("DX", "B0000002", "Chest PA", "CHEST"),
        anatomy,
        columns: 352,
        rows: 428,
        spacing_mm: 1.0,
        coarse: 3,
    };
    files.push(("dx.dcm".into(), radiograph.file(encoding)?));
    let cine = Cine {
        place: place("US", "B0000003", "US abdomen", "ABDOMEN"),
        columns: 192,
        rows: 144,
        frames: 4,
        flow: true,
    };
    files.push(("us.dcm".into(), cine.file(encoding)?));
    Ok(files)
}
