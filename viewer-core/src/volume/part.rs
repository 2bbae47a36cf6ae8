//! A plane that several workers sample, each with its own slices: what each found, and all of it together.
//!
//! A part is a range of slices; its worker holds them and the next one, which is mixed with its last. The samples between a
//! slice and the next belong to the part of the lower one, those on the last slice of the volume to the last part: each
//! sample belongs to one part, so parts are put together without weights. Planes, maxima and minima are the same in every
//! bit as from one sampler; means are sums in double precision, added part by part, and differ by less than a
//! millionth. While slices are on their way, a part bridges them with what it holds itself.

use super::Sampler;
use super::sample::{ABSENT, is_absent};
use super::slab;
use crate::geometry::Projection;
use crate::pixel::grid::MAX_CANVAS_SIDE;
use std::ops::Range;

/// Why parts cannot be read or put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PartError {
    /// Bytes that are no part.
    #[error("the header of a part of a plane is not valid")]
    Header,
    /// Another number of bytes than the header says.
    #[error("a part of a plane has {actual} bytes, expected {expected}")]
    Length {
        /// Bytes that are there.
        actual: usize,
        /// Bytes of its shape.
        expected: usize,
    },
    /// Parts of different planes, rows or projections.
    #[error("parts of different planes cannot be put together")]
    Different,
}

/// How samples behind each other become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// There is one.
    Plane,
    /// A slab's.
    Slab(Projection),
}

const KINDS: [Kind; 4] = [
    Kind::Plane,
    Kind::Slab(Projection::Mip),
    Kind::Slab(Projection::MinIp),
    Kind::Slab(Projection::Mean),
];

/// Four numbers of 32 bits: kind, width, first row, number of rows.
const HEADER_BYTES: usize = 16;

/// A count that says that a slice was absent. Slabs have far fewer planes.
const SPOILT: u16 = u16::MAX;

/// What one part of a volume gives for rows of a plane or slab.
#[derive(Debug, Clone, PartialEq)]
pub struct PartialPlane {
    kind: Kind,
    width: u32,
    rows: Range<u32>,
    found: Found,
}

#[derive(Debug, Clone, PartialEq)]
enum Found {
    /// One value a pixel: NaN where this part has none, [`ABSENT`] in a gap.
    Values(Vec<f32>),
    /// Sums and counts of a mean.
    Sums { sums: Vec<f64>, counts: Vec<u16> },
}

impl Sampler<'_> {
    /// What the slices of [`Sampler::within`] give for these rows, as far as the viewport has them.
    pub fn partial(&self, rows: Range<u32>) -> PartialPlane {
        let [width, height] = self.size();
        let end = rows.end.min(height);
        let rows = rows.start.min(end)..end;
        let count = width as usize * rows.len();
        let kind = match self.planes_beside() {
            0 => Kind::Plane,
            _ => Kind::Slab(self.projection()),
        };
        let found = if kind == Kind::Slab(Projection::Mean) {
            let (mut sums, mut counts) = (Vec::with_capacity(count), Vec::with_capacity(count));
            self.means(rows.clone(), |means| {
                sums.extend_from_slice(&means.sums);
                counts.extend(means.counts().map(|count| {
                    count.map_or(SPOILT, |count| u16::try_from(count).unwrap_or(SPOILT))
                }));
            });
            Found::Sums { sums, counts }
        } else {
            let mut values = vec![f32::NAN; count];
            self.rows(rows.clone(), &mut values);
            Found::Values(values)
        };
        PartialPlane {
            kind,
            width,
            rows,
            found,
        }
    }
}

impl PartialPlane {
    /// Its rows of the viewport.
    pub fn rows(&self) -> Range<u32> {
        self.rows.clone()
    }

    /// Samples of a row.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Little endian bytes, to be sent to another worker: a header of 16, then 4 a pixel, or 10 for a mean.
    pub fn to_bytes(&self) -> Vec<u8> {
        let kind = KINDS.iter().position(|kind| *kind == self.kind);
        let kind = kind.and_then(|kind| u32::try_from(kind).ok()).unwrap_or(0);
        let height = self.rows.end - self.rows.start;
        let header = [kind, self.width, self.rows.start, height];
        let mut bytes: Vec<u8> = header
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect();
        match &self.found {
            Found::Values(values) => {
                let start = bytes.len();
                bytes.resize(start + values.len() * 4, 0);
                let cells = bytes[start..].as_chunks_mut().0;
                for (cell, value) in cells.iter_mut().zip(values) {
                    *cell = value.to_le_bytes();
                }
            }
            Found::Sums { sums, counts } => {
                bytes.reserve(sums.len() * 10);
                bytes.extend(sums.iter().flat_map(|sum| sum.to_le_bytes()));
                bytes.extend(counts.iter().flat_map(|count| count.to_le_bytes()));
            }
        }
        bytes
    }

    /// Reads what [`PartialPlane::to_bytes`] wrote.
    ///
    /// # Errors
    /// When the header is impossible, or there are more or fewer bytes than it says.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PartError> {
        let (header, rest) = bytes
            .split_at_checked(HEADER_BYTES)
            .ok_or(PartError::Header)?;
        let numbers = header
            .as_chunks()
            .0
            .iter()
            .map(|word| u32::from_le_bytes(*word));
        let numbers: Vec<u32> = numbers.collect();
        let [kind, width, first, height] = numbers[..] else {
            return Err(PartError::Header);
        };
        let kind = KINDS.get(kind as usize).copied().ok_or(PartError::Header)?;
        let end = first.checked_add(height).ok_or(PartError::Header)?;
        if width.max(end) > MAX_CANVAS_SIDE {
            return Err(PartError::Header);
        }
        let is_mean = kind == Kind::Slab(Projection::Mean);
        let count = u64::from(width) * u64::from(height);
        let expected = usize::try_from(count * if is_mean { 10 } else { 4 });
        let expected = expected.map_err(|_| PartError::Header)?;
        if rest.len() != expected {
            return Err(PartError::Length {
                actual: rest.len(),
                expected,
            });
        }
        let found = if is_mean {
            let (sums, counts) = rest.split_at(expected / 10 * 8);
            let (sums, counts) = (sums.as_chunks().0, counts.as_chunks().0);
            Found::Sums {
                sums: sums
                    .iter()
                    .map(|bytes| f64::from_le_bytes(*bytes))
                    .collect(),
                counts: counts
                    .iter()
                    .map(|bytes| u16::from_le_bytes(*bytes))
                    .collect(),
            }
        } else {
            let values = rest.as_chunks().0.iter();
            Found::Values(values.map(|bytes| f32::from_le_bytes(*bytes)).collect())
        };
        Ok(Self {
            kind,
            width,
            rows: first..end,
            found,
        })
    }

    /// Adds what another part gives for the same rows.
    ///
    /// # Errors
    /// When it is not of the same rows of the same plane, as far as that can be told.
    pub fn add(&mut self, part: &Self) -> Result<(), PartError> {
        if !part.is_like(self) {
            return Err(PartError::Different);
        }
        match (&mut self.found, &part.found) {
            (Found::Values(all), Found::Values(values)) => {
                for (all, value) in all.iter_mut().zip(values) {
                    *all = together(self.kind, *all, *value);
                }
            }
            (Found::Sums { sums, counts }, Found::Sums { sums: s, counts: c }) => {
                for (sum, other) in sums.iter_mut().zip(s) {
                    *sum += other;
                }
                for (count, other) in counts.iter_mut().zip(c) {
                    // Whatever is added to a spoilt count, it stays one.
                    *count = count.saturating_add(*other);
                }
            }
            _ => return Err(PartError::Different),
        }
        Ok(())
    }

    /// Puts the rows below its own to them, of the same part.
    ///
    /// # Errors
    /// When they are not the next rows of the same plane, as far as that can be told.
    pub fn append(&mut self, below: Self) -> Result<(), PartError> {
        let is_next = below.kind == self.kind
            && below.width == self.width
            && below.rows.start == self.rows.end;
        match (&mut self.found, below.found) {
            (Found::Values(all), Found::Values(mut values)) if is_next => all.append(&mut values),
            (
                Found::Sums { sums, counts },
                Found::Sums {
                    sums: mut s,
                    counts: mut c,
                },
            ) if is_next => {
                sums.append(&mut s);
                counts.append(&mut c);
            }
            _ => return Err(PartError::Different),
        }
        self.rows.end = below.rows.end;
        Ok(())
    }

    /// The values of its rows, as [`Sampler::rows`] gives them, once all parts are added.
    pub fn into_values(self) -> Vec<f32> {
        match self.found {
            Found::Values(values) => values,
            Found::Sums { sums, counts } => (sums.into_iter().zip(counts))
                .map(|(sum, count)| slab::mean(sum, (count != SPOILT).then_some(count.into())))
                .collect(),
        }
    }

    fn is_like(&self, other: &Self) -> bool {
        self.kind == other.kind && self.width == other.width && self.rows == other.rows
    }
}

/// The values of the rows from all parts of the volume, as [`Sampler::rows`] gives them; none without parts.
///
/// # Errors
/// When parts are not of the same rows of the same plane, as far as that can be told.
pub fn merge(parts: &[PartialPlane]) -> Result<Vec<f32>, PartError> {
    let Some((first, others)) = parts.split_first() else {
        return Ok(Vec::new());
    };
    let mut all = first.clone();
    others.iter().try_for_each(|part| all.add(part))?;
    Ok(all.into_values())
}

/// One value from those of two parts.
fn together(kind: Kind, a: f32, b: f32) -> f32 {
    match kind {
        // A gap makes a slab no value; of a plane, each sample is of one part alone.
        Kind::Slab(_) if is_absent(a) || is_absent(b) => ABSENT,
        Kind::Slab(projection) => {
            let value = slab::more(projection, a, b);
            if value.is_nan() { f32::NAN } else { value }
        }
        Kind::Plane if a.is_nan() && (!b.is_nan() || is_absent(b)) => b,
        Kind::Plane => a,
    }
}

#[cfg(test)]
#[path = "part_tests.rs"]
mod tests;
