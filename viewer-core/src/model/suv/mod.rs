//! Standardized uptake values: how much more of a radiopharmaceutical a place holds than an even spread would give it.
//!
//! A value is the concentration of activity, times the weight, lean mass or surface of the patient, over the dose that was left at
//! the time that the concentration holds for. [`inputs`] reads what a PET image says of these, [`timing`] finds that time.
//! An SUV is given when every input is there and sound; else the first that is not is named.
//!
//! Source: DICOM PS3.3 C.8.9.1 (units, SUV Type, decay correction), C.8.9.2 (isotope), C.8.9.4 (frame reference time); QIBA's vendor-neutral
//! pseudo-code for SUV; James, Research on Obesity, 1976; Janmahasatian et al., Clin. Pharmacokinet. 44 (2005) 1051; Du Bois and Du Bois,
//! Arch. Intern. Med. 17 (1916) 863.

pub mod inputs;
mod timing;

pub use inputs::{Inputs, Sex};

/// What activity is normalized to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SuvKind {
    /// Body weight.
    BodyWeight,
    /// Lean body mass by James, with 128 for men.
    LeanJames,
    /// Lean body mass by James, with 120 for men, as objects of old have it.
    LeanJames120,
    /// Lean body mass by Janmahasatian.
    LeanJanmahasatian,
    /// Body surface area by Du Bois.
    SurfaceArea,
    /// Ideal body weight, as the sender calculated it.
    IdealWeight,
}

impl SuvKind {
    /// What stands behind a value.
    pub fn unit(self) -> &'static str {
        match self {
            Self::BodyWeight => "SUVbw",
            Self::LeanJames => "SUVlbm (James)",
            Self::LeanJames120 => "SUVlbm (James 120)",
            Self::LeanJanmahasatian => "SUVlbm (Janmahasatian)",
            Self::SurfaceArea => "SUVbsa",
            Self::IdealWeight => "SUVibw",
        }
    }
}

/// Why there is no SUV: ends the sentence "SUV is not shown: ...".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoSuv {
    /// An input is not in the file.
    #[error("{input} is missing from the file")]
    Missing {
        /// What, in words.
        input: &'static str,
    },
    /// An input is there and cannot be right.
    #[error("{input} in the file cannot be right")]
    Impossible {
        /// What, in words.
        input: &'static str,
    },
    /// Pixels are no concentration of activity.
    #[error("the pixels are {what}, not a concentration of activity")]
    OtherUnits {
        /// What they are.
        what: &'static str,
    },
    /// A correction is not done.
    #[error("the images are not corrected for {what}")]
    NotCorrected {
        /// What for.
        what: &'static str,
    },
    /// Two or more radiopharmaceuticals were given.
    #[error("more than one radiopharmaceutical was given")]
    SeveralDoses,
    /// The formulas for lean mass are for women and men.
    #[error("lean body mass is known for women and men only")]
    NoLeanMass,
}

/// What modality values of a PET image are multiplied by.
#[derive(Debug, Clone, PartialEq)]
pub struct Suv {
    /// The kind that is shown before another is chosen, and its factor.
    pub first: (SuvKind, f64),
    body_weight: Result<f64, NoSuv>,
    weight_kg: Result<f64, NoSuv>,
    size_m: Result<f64, NoSuv>,
    sex: Option<Sex>,
}

impl Suv {
    /// Of what an image says.
    ///
    /// # Errors
    /// The first input that is missing or cannot be right.
    pub fn new(inputs: &Inputs) -> Result<Self, NoSuv> {
        let (kind, factor) = first(inputs)?;
        let body_weight = match kind {
            SuvKind::BodyWeight => Ok(factor),
            // Only what was divided out can be put back, and how exactly a sender did that is not known.
            _ => Err(NoSuv::OtherUnits {
                what: "already normalized to something else",
            }),
        };
        Ok(Self {
            first: (kind, factor),
            body_weight,
            weight_kg: weight_kg(inputs),
            size_m: size_m(inputs),
            sex: inputs.sex,
        })
    }

    /// The factor of a kind.
    ///
    /// # Errors
    /// What it takes and is not there.
    pub fn factor(&self, kind: SuvKind) -> Result<f64, NoSuv> {
        if kind == self.first.0 {
            return Ok(self.first.1);
        }
        let per_gram = self.body_weight? / (self.weight_kg? * 1000.0);
        let of_mass = |kg: f64| per_gram * kg * 1000.0;
        match kind {
            SuvKind::BodyWeight => self.body_weight,
            SuvKind::LeanJames => self.lean_james(128.0).map(of_mass),
            SuvKind::LeanJames120 => self.lean_james(120.0).map(of_mass),
            SuvKind::LeanJanmahasatian => self.lean_janmahasatian().map(of_mass),
            // In cm² where the others have grams.
            SuvKind::SurfaceArea => Ok(per_gram * self.surface_m2()? * 10_000.0),
            SuvKind::IdealWeight => Err(NoSuv::Missing {
                input: "the ideal body weight",
            }),
        }
    }

    /// James 1976, in kg.
    fn lean_james(&self, of_men: f64) -> Result<f64, NoSuv> {
        let (weight, size_cm) = (self.weight_kg?, self.size_m? * 100.0);
        let (linear, square) = match self.sex.ok_or(NoSuv::NoLeanMass)? {
            Sex::Male => (1.10, of_men),
            Sex::Female => (1.07, 148.0),
        };
        let lean = linear * weight - square * (weight / size_cm).powi(2);
        // The parabola falls again for the heaviest, to below nothing.
        let turn_kg = linear * size_cm * size_cm / (2.0 * square);
        if lean <= 0.0 || weight > turn_kg {
            return Err(NoSuv::Impossible {
                input: "lean body mass by James for this weight and size",
            });
        }
        Ok(lean)
    }

    /// Janmahasatian 2005, in kg.
    fn lean_janmahasatian(&self) -> Result<f64, NoSuv> {
        let (weight, size) = (self.weight_kg?, self.size_m?);
        let mass_index = weight / (size * size);
        let (constant, slope) = match self.sex.ok_or(NoSuv::NoLeanMass)? {
            Sex::Male => (6680.0, 216.0),
            Sex::Female => (8780.0, 244.0),
        };
        Ok(9270.0 * weight / (constant + slope * mass_index))
    }

    /// Du Bois 1916, in m².
    fn surface_m2(&self) -> Result<f64, NoSuv> {
        let (weight, size_cm) = (self.weight_kg?, self.size_m? * 100.0);
        Ok(0.007_184 * weight.powf(0.425) * size_cm.powf(0.725))
    }
}

/// The kind that the pixels lead to without more, and its factor.
fn first(inputs: &Inputs) -> Result<(SuvKind, f64), NoSuv> {
    let units = inputs.units.as_deref().ok_or(NoSuv::Missing {
        input: "the unit of the pixels",
    })?;
    match units {
        // The values are SUV already; without a type they are by weight (C.8.9.1).
        "GML" => match inputs.suv_type.as_deref() {
            None | Some("BW") => Ok((SuvKind::BodyWeight, 1.0)),
            Some("LBM") => Ok((SuvKind::LeanJames120, 1.0)),
            Some("LBMJAMES128") => Ok((SuvKind::LeanJames, 1.0)),
            Some("LBMJANMA") => Ok((SuvKind::LeanJanmahasatian, 1.0)),
            Some("IBW") => Ok((SuvKind::IdealWeight, 1.0)),
            Some(_) => Err(NoSuv::Impossible {
                input: "the SUV type",
            }),
        },
        "CM2ML" => Ok((SuvKind::SurfaceArea, 1.0)),
        "BQML" => Ok((SuvKind::BodyWeight, weight_over_dose(inputs)?)),
        "CNTS" => of_counts(inputs),
        "PROPCNTS" => Err(NoSuv::OtherUnits {
            what: "proportional to counts",
        }),
        "PROPCPS" => Err(NoSuv::OtherUnits {
            what: "proportional to counts a second",
        }),
        "CPS" => Err(NoSuv::OtherUnits {
            what: "counts a second",
        }),
        "NONE" => Err(NoSuv::OtherUnits {
            what: "without a unit",
        }),
        "PCNT" => Err(NoSuv::OtherUnits { what: "percent" }),
        _ => Err(NoSuv::OtherUnits {
            what: "in another unit",
        }),
    }
}

/// Philips keeps counts, and says in elements of its own how they become SUV, or Bq/ml where that one is not there.
fn of_counts(inputs: &Inputs) -> Result<(SuvKind, f64), NoSuv> {
    let positive =
        |factor: Option<f64>| factor.filter(|factor| *factor > 0.0 && factor.is_finite());
    if let Some(factor) = positive(inputs.philips_suv) {
        corrected(inputs)?;
        return Ok((SuvKind::BodyWeight, factor));
    }
    let Some(factor) = positive(inputs.philips_activity) else {
        return Err(NoSuv::OtherUnits { what: "counts" });
    };
    Ok((SuvKind::BodyWeight, factor * weight_over_dose(inputs)?))
}

/// Of an image in Bq/ml: grams of the patient for each Bq that was left.
fn weight_over_dose(inputs: &Inputs) -> Result<f64, NoSuv> {
    corrected(inputs)?;
    let weight_kg = weight_kg(inputs)?;
    if inputs.doses > 1 {
        return Err(NoSuv::SeveralDoses);
    }
    let dose = within(
        inputs.dose_bq,
        "the injected dose",
        // A dose in MBq, as other objects have it, lies far below.
        1e5..=1e11,
    )?;
    let dose = match inputs.decay_correction.as_deref() {
        // To the time of the injection: all of the dose was there.
        Some("ADMIN") => dose,
        Some("START") => {
            let half_life = within(inputs.half_life_s, "the half life", 1.0..=1e8)?;
            let waited = timing::injection_to_scan_s(inputs, half_life)?;
            dose * (-waited / half_life).exp2()
        }
        Some("NONE") => return Err(NoSuv::NotCorrected { what: "decay" }),
        Some(_) => {
            return Err(NoSuv::Impossible {
                input: "what decay is corrected to",
            });
        }
        None => {
            return Err(NoSuv::Missing {
                input: "what decay is corrected to",
            });
        }
    };
    Ok(weight_kg * 1000.0 / dose)
}

/// Attenuation and decay are corrected (Corrected Image).
fn corrected(inputs: &Inputs) -> Result<(), NoSuv> {
    if inputs.corrections.is_empty() {
        return Err(NoSuv::Missing {
            input: "what the images are corrected for",
        });
    }
    for (code, what) in [("ATTN", "attenuation"), ("DECY", "decay")] {
        if !inputs.corrections.iter().any(|it| it == code) {
            return Err(NoSuv::NotCorrected { what });
        }
    }
    Ok(())
}

fn weight_kg(inputs: &Inputs) -> Result<f64, NoSuv> {
    within(inputs.weight_kg, "the patient's weight", 0.2..=700.0)
}

fn size_m(inputs: &Inputs) -> Result<f64, NoSuv> {
    within(inputs.size_m, "the patient's size", 0.2..=2.8)
}

/// An input that is there and lies where patients, nuclides and doses do.
fn within(
    value: Option<f64>,
    input: &'static str,
    range: std::ops::RangeInclusive<f64>,
) -> Result<f64, NoSuv> {
    // De-identified and phantom files write 0 for what is not known.
    match value {
        None | Some(0.0) => Err(NoSuv::Missing { input }),
        Some(value) if range.contains(&value) => Ok(value),
        Some(_) => Err(NoSuv::Impossible { input }),
    }
}
