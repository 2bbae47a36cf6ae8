//! The studies of the demo: who was examined when, and how.

use crate::ct::{Anatomy, Build};
use crate::dicom::{Encoding, Patient, Place, Series, Study};
use crate::scan::{Kernel, Scan};
use crate::writing::{FileJob, up_to_date, write_all};
use crate::{PhantomError, Summary};
use std::path::Path;
use std::sync::Arc;

/// Changes whenever the demo's files change, so that older folders are written anew.
const EDITION: &str = "phantom demo 1";

pub(crate) const ADA: Patient = Patient { name: "Example^Ada", id: "EX-00417", birth_date: "19650314", sex: "F" };

const ADA_2026: Study = Study {
    patient: ADA,
    accession: "A2600417",
    date: "20261012",
    time: "101530",
    description: "CT chest and abdomen with contrast",
};
const ADA_2025: Study = Study {
    patient: ADA,
    accession: "A2500388",
    date: "20250929",
    time: "143205",
    description: "CT chest and abdomen with contrast",
};

/// Writes the demo's studies into `folder`, unless it already holds them.
///
/// `progress` is told how many files are done and how many there are. The folder appears whole or not at all.
///
/// # Errors
/// [`PhantomError::ForeignFolder`] when the folder holds something else, or what went wrong with a file.
pub fn write_demo(
    folder: &Path,
    seed: u64,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Summary, PhantomError> {
    let edition = format!("{EDITION} seed {seed}");
    if let Some(summary) = up_to_date(folder, &edition) {
        return Ok(summary);
    }
    let mut jobs = Vec::new();
    chest_and_abdomen(seed, &mut jobs);
    write_all(folder, &edition, 2, &jobs, progress)
}

fn scan_jobs(scan: Scan, jobs: &mut Vec<FileJob>) {
    let scan = Arc::new(scan);
    for index in 0..scan.slices {
        let own = Arc::clone(&scan);
        jobs.push(FileJob {
            path: scan.place.path(index + 1),
            make: Box::new(move || own.file(index, Encoding::ExplicitLittle)),
        });
    }
}

/// Patient A: two dates of one body; the nodule grows from 5 to 9 mm.
fn chest_and_abdomen(seed: u64, jobs: &mut Vec<FileJob>) {
    let series = |number, description| Series { modality: "CT", number, description, body_part: "CHESTABDOMEN", model: "Phantom CT" };
    let current = Arc::new(Anatomy::new(seed));
    let prior = Arc::new(Anatomy::with_build(seed, Build { nodule_mm: 5.0, ..Build::default() }));
    let soft = Scan {
        place: Place { seed, study: ADA_2026, series: series(2, "Chest abdomen 3.0 soft tissue") },
        anatomy: Arc::clone(&current),
        kernel: Kernel::Soft,
        side: 512,
        spacing_mm: 0.75,
        top_mm: 240.0,
        step_mm: 3.0,
        slices: 160,
        contrast: Some("Made-up contrast medium"),
    };
    let lung = Scan {
        place: Place { seed, study: ADA_2026, series: series(3, "Chest 3.0 lung") },
        kernel: Kernel::Lung,
        slices: 110,
        ..soft.clone()
    };
    let earlier = Scan {
        place: Place { seed, study: ADA_2025, series: series(2, "Chest abdomen 3.0 soft tissue") },
        anatomy: prior,
        side: 400,
        spacing_mm: 0.96,
        top_mm: 238.0,
        slices: 150,
        ..soft.clone()
    };
    for scan in [soft, lung, earlier] {
        scan_jobs(scan, jobs);
    }
}
