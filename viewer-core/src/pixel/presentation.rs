//! Presentation: display grey to P-Values.
//!
//! Last step of `stored -> modality -> VOI -> presentation`. Pure.
//! Source: DICOM PS3.3 C.11.6 (Softcopy Presentation LUT), C.7.6.3.1.2 (MONOCHROME1).

use super::lut::Lut;

/// How display grey becomes a P-Value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Presentation {
    /// Low values are dark.
    Identity,
    /// Low values are bright: MONOCHROME1, or a user's inversion.
    Inverse,
    /// The item of a Presentation LUT Sequence (2050,0010): its input is the whole range of display grey.
    Table(Lut),
    /// The same, inverted by the user.
    InverseTable(Lut),
}

impl Presentation {
    /// P-Value of a display grey, both `0.0..=1.0`.
    pub fn apply(&self, grey: f64) -> f64 {
        let by_table = |lut: &Lut| {
            let [first, last] = lut.input_range();
            lut.at_index(grey * (last - first)) / lut.full_scale()
        };
        match self {
            Self::Identity => grey,
            Self::Inverse => 1.0 - grey,
            Self::Table(lut) => by_table(lut),
            Self::InverseTable(lut) => 1.0 - by_table(lut),
        }
    }

    /// The other one.
    pub fn toggled(&self) -> Self {
        match self {
            Self::Identity => Self::Inverse,
            Self::Inverse => Self::Identity,
            Self::Table(lut) => Self::InverseTable(lut.clone()),
            Self::InverseTable(lut) => Self::Table(lut.clone()),
        }
    }

    /// The table, where there is one.
    pub(super) fn table(&self) -> Option<&Lut> {
        match self {
            Self::Identity | Self::Inverse => None,
            Self::Table(lut) | Self::InverseTable(lut) => Some(lut),
        }
    }

    /// True where the last step turns bright to dark.
    pub fn is_inverse(&self) -> bool {
        matches!(self, Self::Inverse | Self::InverseTable(_))
    }
}

#[cfg(test)]
mod tests {
    use super::super::lut::LutDescriptor;
    use super::*;

    #[test]
    fn a_table_spans_the_whole_range_of_grey() {
        let descriptor = LutDescriptor::new([3, 0, 8], false).unwrap();
        let table = Presentation::Table(descriptor.table(vec![255, 51, 0]).unwrap());
        assert_eq!(
            [0.0, 0.5, 1.0].map(|grey| table.apply(grey)),
            [1.0, 0.2, 0.0]
        );
        assert_eq!(table.toggled().apply(0.0), 0.0);
        assert_eq!(table.toggled().toggled(), table);
    }
}
