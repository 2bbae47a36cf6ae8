//! The studies of the demo: who was examined when, and how.

use crate::brain::{HeadStack, Weighting};
use crate::breast::Mammogram;
use crate::ct::{Anatomy, Build};
use crate::dicom::{Encoding, Patient, Place, Series, Study};
use crate::radiograph::{ChestRadiograph, localizer};
use crate::scan::{Kernel, Scan};
use crate::ultrasound::Cine;
use crate::writing::{FileJob, Make, up_to_date, write_all};
use crate::{PhantomError, Summary};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// Changes whenever the demo's files change, so that older folders are written anew.
const EDITION: &str = "phantom demo 5";

const ADA: Patient = patient("Example^Ada", "EX-00417", "19650314", "F");
const JOERG: Patient = patient("Beispiel^Jörg", "EX-00892", "19581102", "M");
const INIGO: Patient = patient("Ejemplo^Íñigo", "EX-01033", "19790621", "M");
const ZOFIE: Patient = patient("Příkladová^Žofie", "EX-01120", "19910808", "F");
const OLGA: Patient = patient("Примерова^Ольга", "EX-01244", "19470130", "F");
const HANAKO: Patient = patient("Mihon^Hanako=見本^花子", "EX-01377", "19830417", "F");
const ZOE: Patient = patient("Exemple^Zoé", "EX-01459", "19720919", "F");
const ELENI: Patient = patient("Παράδειγμα^Ελένη", "EX-01502", "20010512", "F");
const SAOIRSE: Patient = patient("O'Sample^Saoirse", "EX-01688", "19691225", "F");

const fn patient(
    name: &'static str,
    id: &'static str,
    birth_date: &'static str,
    sex: &'static str,
) -> Patient {
    Patient {
        name,
        id,
        birth_date,
        sex,
    }
}

const fn study(
    patient: Patient,
    accession: &'static str,
    date: &'static str,
    time: &'static str,
    description: &'static str,
) -> Study {
    Study {
        patient,
        accession,
        date,
        time,
        description,
    }
}

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
    let mut demo = Demo {
        seed,
        jobs: Vec::new(),
        studies: BTreeSet::new(),
    };
    // Long jobs come first, so that no core is left waiting for one at the end.
    demo.radiographs();
    demo.duplex();
    demo.mammograms();
    demo.chest_and_abdomen();
    demo.further_scans();
    demo.heads();
    demo.cines();
    write_all(folder, &edition, demo.studies.len(), &demo.jobs, progress)
}

/// The files still to be made.
struct Demo {
    seed: u64,
    jobs: Vec<FileJob>,
    studies: BTreeSet<&'static str>,
}

impl Demo {
    fn place(
        &self,
        study: Study,
        modality: &'static str,
        number: usize,
        description: &'static str,
    ) -> Place {
        let (body_part, model) = match modality {
            "MR" => ("HEAD", "Phantom MR"),
            "DX" => ("CHEST", "Phantom DX"),
            "MG" => ("BREAST", "Phantom MG"),
            "US" => ("ABDOMEN", "Phantom US"),
            _ => ("CHEST", "Phantom CT"),
        };
        Place {
            seed: self.seed,
            study,
            series: Series {
                modality,
                number,
                description,
                body_part,
                model,
            },
        }
    }

    fn add(&mut self, place: &Place, number: usize, make: Make) {
        self.studies.insert(place.study.accession);
        self.jobs.push(FileJob {
            path: place.path(number),
            make,
        });
    }

    fn add_scan(&mut self, scan: Scan) {
        let scan = Arc::new(scan);
        for index in 0..scan.slices {
            let own = Arc::clone(&scan);
            self.add(
                &scan.place,
                index + 1,
                Box::new(move || own.file(index, Encoding::ExplicitLittle)),
            );
        }
    }

    /// Two dates of one body: the nodule in the right upper lobe grows from 5 to 9 mm.
    fn chest_and_abdomen(&mut self) {
        let now = study(
            ADA,
            "A2600417",
            "20261012",
            "101530",
            "CT chest and abdomen with contrast",
        );
        let before = study(
            ADA,
            "A2500388",
            "20250929",
            "143205",
            "CT chest and abdomen with contrast",
        );
        let current = Arc::new(Anatomy::new(self.seed));
        let prior = Arc::new(Anatomy::with_build(
            self.seed,
            Build {
                nodule_mm: 5.0,
                ..Build::default()
            },
        ));
        let scout = self.place(now, "CT", 1, "Localizer");
        let seen = Arc::clone(&current);
        self.add(
            &scout,
            1,
            Box::new(move || localizer(&scout, &seen, Encoding::ExplicitLittle)),
        );
        let soft = Scan {
            place: self.place(now, "CT", 2, "Chest abdomen 3.0 soft tissue"),
            anatomy: current,
            kernel: Kernel::Soft,
            side: 512,
            spacing_mm: 0.75,
            top_mm: 240.0,
            step_mm: 3.0,
            slices: 160,
            contrast: Some("Made-up contrast medium"),
        };
        let lung = Scan {
            place: self.place(now, "CT", 3, "Chest 3.0 lung"),
            kernel: Kernel::Lung,
            slices: 110,
            ..soft.clone()
        };
        let earlier = Scan {
            place: self.place(before, "CT", 2, "Chest abdomen 3.0 soft tissue"),
            anatomy: prior,
            side: 384,
            spacing_mm: 1.0,
            top_mm: 238.0,
            slices: 150,
            ..soft.clone()
        };
        for scan in [soft, lung, earlier] {
            self.add_scan(scan);
        }
    }

    fn further_scans(&mut self) {
        let native = Build {
            breasts: false,
            contrast: false,
            nodule_mm: 0.0,
            table: true,
        };
        let chest = study(JOERG, "A2600512", "20260918", "084417", "CT low-dose chest");
        let abdomen = study(
            SAOIRSE,
            "A2600603",
            "20261103",
            "171902",
            "CT abdomen without contrast",
        );
        let base = Scan {
            place: self.place(chest, "CT", 2, "Chest 5.0"),
            anatomy: Arc::new(Anatomy::with_build(self.seed ^ 0x51, native)),
            kernel: Kernel::Lung,
            side: 256,
            spacing_mm: 1.5,
            top_mm: 235.0,
            step_mm: 5.0,
            slices: 62,
            contrast: None,
        };
        let lower = Scan {
            place: self.place(abdomen, "CT", 2, "Abdomen 5.0"),
            anatomy: Arc::new(Anatomy::with_build(
                self.seed ^ 0x52,
                Build {
                    breasts: true,
                    ..native
                },
            )),
            kernel: Kernel::Soft,
            top_mm: 25.0,
            slices: 52,
            ..base.clone()
        };
        self.add_scan(base);
        self.add_scan(lower);
    }

    fn radiographs(&mut self) {
        let men = Build {
            breasts: false,
            contrast: false,
            nodule_mm: 0.0,
            table: false,
        };
        let cases = [
            (
                study(JOERG, "A2600892", "20260907", "093012", "Chest PA"),
                0x51,
                men,
                1760,
                2140,
                0.2,
            ),
            (
                study(OLGA, "A2600745", "20261019", "112640", "Chest PA"),
                0x61,
                Build {
                    breasts: true,
                    ..men
                },
                880,
                1070,
                0.4,
            ),
        ];
        for (study, variant, build, columns, rows, spacing_mm) in cases {
            let place = self.place(study, "DX", 1, "Chest PA");
            let anatomy = Arc::new(Anatomy::with_build(self.seed ^ variant, build));
            let radiograph = ChestRadiograph {
                place,
                anatomy,
                columns,
                rows,
                spacing_mm,
                coarse: 3,
            };
            self.add(
                &place,
                1,
                Box::new(move || radiograph.file(Encoding::ExplicitLittle)),
            );
        }
        let hand = study(JOERG, "A2600893", "20260907", "094155", "Left hand");
        let mut place = self.place(hand, "DX", 1, "Hand PA left");
        place.series.body_part = "HAND";
        self.add(
            &place,
            1,
            Box::new(move || crate::hand::file(&place, Encoding::ExplicitLittle)),
        );
    }

    fn mammograms(&mut self) {
        let study = study(
            OLGA,
            "A2600746",
            "20261019",
            "120515",
            "Mammography both sides",
        );
        let place = self.place(study, "MG", 1, "MLO");
        for (number, right) in [(1, true), (2, false)] {
            let mammogram = Mammogram { place, right };
            self.add(
                &place,
                number,
                Box::new(move || mammogram.file(Encoding::ExplicitLittle)),
            );
        }
    }

    fn duplex(&mut self) {
        let study = study(
            INIGO,
            "A2600302",
            "20260714",
            "084530",
            "US abdomen, duplex",
        );
        let place = self.place(study, "US", 1, "Aorta, duplex");
        self.add(
            &place,
            1,
            Box::new(move || crate::duplex::file(&place, Encoding::ExplicitLittle)),
        );
    }

    fn heads(&mut self) {
        let cases = [
            study(INIGO, "A2600301", "20260714", "075803", "MR brain"),
            study(
                HANAKO,
                "A2600655",
                "20261028",
                "152210",
                "MR brain follow-up",
            ),
        ];
        for study in cases {
            for (number, weighting, description) in [
                (1, Weighting::T1, "T1 axial"),
                (2, Weighting::T2, "T2 axial"),
                (3, Weighting::Flair, "FLAIR axial"),
            ] {
                let stack = HeadStack {
                    place: self.place(study, "MR", number, description),
                    weighting,
                    slices: 24,
                    step_mm: 5.0,
                };
                for index in 0..stack.slices {
                    self.add(
                        &stack.place,
                        index + 1,
                        Box::new(move || stack.file(index, Encoding::ExplicitLittle)),
                    );
                }
            }
        }
    }

    fn cines(&mut self) {
        let cases = [
            (
                study(ZOFIE, "A2600278", "20260611", "131845", "US abdomen"),
                true,
            ),
            (
                study(ELENI, "A2600699", "20261105", "090733", "US kidney right"),
                false,
            ),
            (
                study(
                    ZOE,
                    "A2600540",
                    "20260926",
                    "160258",
                    "US abdomen with Doppler",
                ),
                true,
            ),
        ];
        for (study, flow) in cases {
            let place = self.place(study, "US", 1, "Right kidney and liver");
            let cine = Cine {
                place,
                columns: 384,
                rows: 288,
                frames: 20,
                flow,
            };
            self.add(
                &place,
                1,
                Box::new(move || cine.file(Encoding::ExplicitLittle)),
            );
        }
    }
}
