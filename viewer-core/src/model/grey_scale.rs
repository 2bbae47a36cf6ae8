//! The grey-scale chain as a data set or a functional group says it.
//!
//! Source: DICOM PS3.3 C.11.1 (Modality LUT), C.11.2 (VOI LUT), C.7.6.16.2.11 (Real World Value Mapping),
//! C.8.2.1 (CT Image), C.8.9.1 (PET Series).

use super::bulk::{Table, TableSource};
use super::instance::Unit;
use super::tags;
use crate::pixel::{ModalityLut, VoiFunction, VoiLut, Window};
use protocol::dicomweb::json::Dataset;
use std::sync::Arc;

/// A way to grey that the file names.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedVoi {
    /// Its explanation, or empty.
    pub name: String,
    /// The curve, in modality units.
    pub voi: VoiLut,
}

/// An item of a LUT sequence.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedTable {
    /// LUT Explanation (0028,3003), or empty.
    pub name: String,
    /// The table.
    pub source: TableSource,
}

/// Real World Value Mapping (0040,9096): stored values to a quantity with a unit.
#[derive(Debug, Clone, PartialEq)]
pub struct RealWorldMap {
    /// LUT Label (0040,9210).
    pub label: String,
    /// Code value of the Measurement Units, UCUM.
    pub unit: Unit,
    /// First and last stored value that it is for.
    pub range: [f64; 2],
    /// Slope and intercept, or one value for each stored value of the range.
    pub values: RealWorldValues,
}

/// How a stored value is mapped.
#[derive(Debug, Clone, PartialEq)]
pub enum RealWorldValues {
    /// `slope * stored + intercept`.
    Linear {
        /// Real World Value Slope (0040,9225).
        slope: f64,
        /// Real World Value Intercept (0040,9224).
        intercept: f64,
    },
    /// Real World Value LUT Data (0040,9212).
    /// Frames share it.
    Table(Arc<[f64]>),
}

impl RealWorldMap {
    /// The quantity of a stored value; `None` outside the range.
    pub fn apply(&self, stored: f64) -> Option<f64> {
        let [first, last] = self.range;
        if !(first..=last).contains(&stored) {
            return None;
        }
        match &self.values {
            RealWorldValues::Linear { slope, intercept } => Some(slope * stored + intercept),
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "not negative within the range, and looked up with `get`"
            )]
            RealWorldValues::Table(values) => values.get((stored - first) as usize).copied(),
        }
    }
}

/// The steps to grey of one frame, with what could not be used said in words.
#[derive(Debug, Clone, PartialEq)]
pub struct GreyScale {
    /// Stored to modality values; the identity while a table is on its way.
    pub modality: ModalityLut,
    /// The Modality LUT Sequence, where there is one.
    pub modality_table: Option<TableSource>,
    /// Unit of the modality values, `""` when unknown.
    pub unit: Unit,
    /// The file's own ways to grey, its first choice first: tables, then windows.
    pub voi: Vec<NamedVoi>,
    /// VOI LUT Function of the file's windows, which a user's window keeps.
    pub function: VoiFunction,
    /// The VOI LUT Sequence.
    pub voi_tables: Vec<NamedTable>,
    windows: Vec<NamedVoi>,
    /// Real world values.
    pub real_world: Vec<RealWorldMap>,
    /// What was ignored and why.
    pub notes: Vec<String>,
}

impl GreyScale {
    /// Reads a data set, or one item of a functional group.
    pub fn of(set: &Dataset) -> Self {
        let signed = set.whole(tags::PIXEL_REPRESENTATION) == Some(1);
        let mut notes = Vec::new();
        let slope = rescale_slope(set, &mut notes);
        let intercept = set.number(tags::RESCALE_INTERCEPT);
        if set.has(tags::RESCALE_INTERCEPT) && intercept.is_none() {
            notes.push("a rescale intercept that is no number is ignored".into());
        }
        // They are required together (Type 1C); which values the other one would have given is unknown.
        match (slope, intercept) {
            (Some(_), None) if notes.is_empty() => {
                notes.push("a rescale slope without an intercept is applied with 0".into());
            }
            (None, Some(_)) if notes.is_empty() => {
                notes.push("a rescale intercept without a slope is applied with 1".into());
            }
            _ => {}
        }
        let table = set.items(tags::MODALITY_LUT_SEQUENCE);
        let table = table.first();
        let modality_table = table
            .and_then(|item| TableSource::of(item, tags::LUT_DESCRIPTOR, tags::LUT_DATA, signed));
        if table.is_some() && modality_table.is_none() {
            notes.push(format!("the modality LUT is ignored: {UNREADABLE}"));
        }
        // A unit belongs to values that were rescaled as the file means it.
        let is_whole = notes.is_empty();
        let function = match set.text(tags::VOI_LUT_FUNCTION) {
            Some(code) => VoiFunction::parse(&code).unwrap_or_else(|| {
                notes.push("an unknown VOI LUT function is drawn as LINEAR".into());
                VoiFunction::Linear
            }),
            None => VoiFunction::Linear,
        };
        let mut grey = Self {
            modality: ModalityLut::Rescale {
                slope: slope.unwrap_or(1.0),
                intercept: intercept.unwrap_or(0.0),
            },
            modality_table,
            unit: if is_whole {
                unit(set, table, slope.is_some() || intercept.is_some())
            } else {
                Unit::new()
            },
            voi: Vec::new(),
            function,
            voi_tables: voi_tables(set, &mut notes),
            windows: windows(set, function, &mut notes),
            real_world: real_world(set),
            notes,
        };
        grey.resolve();
        grey
    }

    /// Puts what one functional group says over what held so far.
    pub(super) fn overlay(&mut self, group: &Dataset) {
        let item = |tag| group.items(tag).into_iter().next();
        if let Some(item) = item(tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE) {
            let read = Self::of(&item);
            self.modality = read.modality;
            self.modality_table = None;
            if !read.unit.is_empty() {
                self.unit = read.unit;
            }
            self.notes.extend(read.notes);
        }
        if let Some(item) = item(tags::FRAME_VOI_LUT_SEQUENCE) {
            let read = Self::of(&item);
            if !read.windows.is_empty() || !read.voi_tables.is_empty() {
                self.function = read.function;
                self.windows = read.windows;
                self.voi_tables = read.voi_tables;
            }
            self.notes.extend(read.notes);
        }
        let maps = real_world(group);
        if !maps.is_empty() {
            self.real_world = maps;
        }
        self.resolve();
    }

    /// Takes a value that came from an address.
    pub(super) fn supply(&mut self, address: &str, answer: &super::BulkAnswer) {
        let tables = self.voi_tables.iter_mut().map(|table| &mut table.source);
        let mut is_mine = false;
        for table in tables.chain(&mut self.modality_table) {
            is_mine |= table.data.supply(address, answer);
        }
        if is_mine {
            self.resolve();
        }
    }

    /// Values that are still elsewhere. Those of the modality LUT are needed before anything can be drawn.
    pub fn awaited(&self) -> impl Iterator<Item = (&str, bool)> {
        let modality = self.modality_table.iter().map(|table| (table, true));
        let voi = self.voi_tables.iter().map(|table| (&table.source, false));
        modality
            .chain(voi)
            .filter_map(|(table, first)| Some((table.data.address()?, first)))
    }

    /// Makes tables of the sources that are here.
    fn resolve(&mut self) {
        match self.modality_table.as_ref().map(TableSource::table) {
            Some(Table::Ready(lut)) => self.modality = ModalityLut::Table(lut),
            Some(Table::Broken(reason)) => {
                self.modality_table = None;
                self.unit = String::new();
                self.note(format!("the modality LUT is ignored: {reason}"));
            }
            Some(Table::Awaited) | None => {}
        }
        self.voi.clear();
        let tables = std::mem::take(&mut self.voi_tables);
        for named in tables {
            match named.source.table() {
                Table::Ready(lut) => {
                    self.voi.push(NamedVoi {
                        name: named.name.clone(),
                        voi: VoiLut::Table(lut),
                    });
                    self.voi_tables.push(named);
                }
                Table::Awaited => self.voi_tables.push(named),
                Table::Broken(reason) => self.note(format!("a VOI LUT is ignored: {reason}")),
            }
        }
        self.voi.extend(self.windows.iter().cloned());
    }

    fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}

fn rescale_slope(set: &Dataset, notes: &mut Vec<String>) -> Option<f64> {
    let slope = set.number(tags::RESCALE_SLOPE);
    if set.has(tags::RESCALE_SLOPE) && slope.is_none_or(|slope| slope == 0.0) {
        notes.push("a rescale slope that is 0 or no number is ignored".into());
    }
    slope.filter(|slope| *slope != 0.0)
}

/// Why a table is ignored whose descriptor or data are absent or no numbers.
pub(super) const UNREADABLE: &str = "its descriptor or its data cannot be read";

fn voi_tables(set: &Dataset, notes: &mut Vec<String>) -> Vec<NamedTable> {
    // The input are modality values, which may be negative whatever the pixels are.
    let table = |item: &Dataset| {
        let first = item.numbers(tags::LUT_DESCRIPTOR)?.get(1).copied()?;
        let values_are_signed =
            first < 0.0 || set.whole(tags::PIXEL_REPRESENTATION) == Some(1) || is_lowered(set);
        Some(NamedTable {
            name: item.text(tags::LUT_EXPLANATION).unwrap_or_default(),
            source: TableSource::of(
                item,
                tags::LUT_DESCRIPTOR,
                tags::LUT_DATA,
                values_are_signed,
            )?,
        })
    };
    let items = set.items(tags::VOI_LUT_SEQUENCE);
    let tables: Vec<_> = items.iter().filter_map(table).collect();
    if tables.len() < items.len() {
        notes.push(format!("a VOI LUT is ignored: {UNREADABLE}"));
    }
    tables
}

/// True where the rescale makes unsigned pixels negative, as in CT.
fn is_lowered(set: &Dataset) -> bool {
    set.number(tags::RESCALE_INTERCEPT)
        .is_some_and(|intercept| intercept < 0.0)
}

/// The file's windows; several centers and widths stand in one attribute each.
fn windows(set: &Dataset, function: VoiFunction, notes: &mut Vec<String>) -> Vec<NamedVoi> {
    // One that is no number does not take the others away.
    let numbers = |tag| -> Vec<Option<f64>> {
        let texts = set.texts(tag);
        texts
            .iter()
            .map(|text| text.parse().ok().filter(|number: &f64| number.is_finite()))
            .collect()
    };
    let names = set.texts(tags::WINDOW_CENTER_WIDTH_EXPLANATION);
    let mut found = Vec::new();
    let pairs = (numbers(tags::WINDOW_CENTER).into_iter()).zip(numbers(tags::WINDOW_WIDTH));
    for (index, pair) in pairs.enumerate() {
        let is_wide_enough = |width: f64| match function {
            VoiFunction::Linear => width >= 1.0,
            VoiFunction::LinearExact | VoiFunction::Sigmoid => width > 0.0,
        };
        match pair {
            (Some(center), Some(width)) if is_wide_enough(width) => found.push(NamedVoi {
                name: names.get(index).cloned().unwrap_or_default(),
                voi: function.with(Window { center, width }),
            }),
            _ => notes.push("a window of the file is not valid and is ignored".into()),
        }
    }
    found
}

/// Unit of modality values. PS3.3 C.8.2.1: in a CT image Rescale Type is HU unless it says otherwise.
fn unit(set: &Dataset, table: Option<&Dataset>, rescaled: bool) -> Unit {
    let of_table = table.and_then(|item| item.text(tags::MODALITY_LUT_TYPE));
    if table.is_some() {
        return of_table.as_deref().map(rescale_type).unwrap_or_default();
    }
    if let Some(code) = set.text(tags::RESCALE_TYPE) {
        return rescale_type(&code);
    }
    let is_ct = set.text(tags::SOP_CLASS_UID).is_some_and(|class| {
        ["1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1"].contains(&class.as_str())
    });
    if is_ct && rescaled {
        return "HU".to_owned();
    }
    match set.text(tags::UNITS) {
        Some(code) if set.text(tags::MODALITY).as_deref() == Some("PT") => pet_unit(&code),
        _ => String::new(),
    }
}

/// Unit of a Rescale Type or Modality LUT Type, PS3.3 C.11.1.1.2.
fn rescale_type(code: &str) -> Unit {
    match code {
        "US" => String::new(),
        // Thousandths of optical density.
        "OD" => "mOD".to_owned(),
        "PCT" => "%".to_owned(),
        "MGML" => "mg/ml".to_owned(),
        // PET objects say their Units here too.
        other => match pet_unit(other) {
            known if known.is_empty() => other.to_owned(),
            known => known,
        },
    }
}

/// Unit of PET's Units (0054,1001), PS3.3 C.8.9.1.1.3.
fn pet_unit(code: &str) -> Unit {
    match code {
        "BQML" => "Bq/ml",
        "CNTS" => "counts",
        "CPS" => "counts/s",
        "GML" => "g/ml",
        "CM2" => "cm\u{b2}",
        "CM2ML" => "cm\u{b2}/ml",
        "PCNT" => "%",
        "MGMINML" => "mg/min/ml",
        "UMOLMINML" => "\u{b5}mol/min/ml",
        "MLMING" => "ml/min/g",
        "MLG" => "ml/g",
        "1CM" => "1/cm",
        "UMOLML" => "\u{b5}mol/ml",
        _ => "",
    }
    .to_owned()
}

/// Unit of a code of PS3.16 CID 84 and others: UCUM's "1" is no unit, and of its annotations those of uptake say which one it is.
fn real_world_unit(code: String) -> Unit {
    match code.as_str() {
        "1" => String::new(),
        "{SUVbw}g/ml" => "SUVbw".to_owned(),
        "{SUVlbm}g/ml" => "SUVlbm".to_owned(),
        "{SUVibw}g/ml" => "SUVibw".to_owned(),
        "{SUVbsa}cm2/ml" => "SUVbsa".to_owned(),
        annotation if annotation.starts_with('{') => String::new(),
        _ => code,
    }
}

fn real_world(set: &Dataset) -> Vec<RealWorldMap> {
    let map = |item: &Dataset| {
        let either = |a, b| item.number(a).or_else(|| item.number(b));
        let first = either(tags::REAL_WORLD_FIRST, tags::DOUBLE_REAL_WORLD_FIRST)?;
        let last = either(tags::REAL_WORLD_LAST, tags::DOUBLE_REAL_WORLD_LAST)?;
        let slope = item.number(tags::REAL_WORLD_SLOPE);
        let intercept = item.number(tags::REAL_WORLD_INTERCEPT);
        let values = match (slope, intercept) {
            (Some(slope), Some(intercept)) => RealWorldValues::Linear { slope, intercept },
            _ => RealWorldValues::Table(item.numbers(tags::REAL_WORLD_LUT_DATA)?.into()),
        };
        let unit = item.items(tags::MEASUREMENT_UNITS_CODE_SEQUENCE);
        let unit = unit.first().and_then(|code| code.text(tags::CODE_VALUE));
        Some(RealWorldMap {
            label: item.text(tags::LUT_LABEL).unwrap_or_default(),
            unit: unit.map(real_world_unit).unwrap_or_default(),
            range: [first, last],
            values,
        })
    };
    set.items(tags::REAL_WORLD_VALUE_MAPPING_SEQUENCE)
        .iter()
        .filter_map(map)
        .collect()
}
