//! How the image area is divided into viewports.

use serde::{Deserialize, Serialize};

/// A grid of equal viewports, filled row by row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// Viewports above each other, 1 to 3.
    pub rows: u8,
    /// Viewports beside each other, 1 to 3.
    pub columns: u8,
}

/// Why a layout's name is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// A layout that needs a volume.
    #[error("layouts with planes or 3-D are not supported yet")]
    Volume,
    /// No layout of that name.
    #[error("a layout is rows x columns from 1x1 to 3x3")]
    Unknown,
}

impl Layout {
    /// One viewport.
    pub const SINGLE: Self = Self {
        rows: 1,
        columns: 1,
    };

    /// The layouts that the layout popover offers.
    pub const OFFERED: [Self; 9] = [
        Self {
            rows: 1,
            columns: 1,
        },
        Self {
            rows: 1,
            columns: 2,
        },
        Self {
            rows: 1,
            columns: 3,
        },
        Self {
            rows: 2,
            columns: 1,
        },
        Self {
            rows: 2,
            columns: 2,
        },
        Self {
            rows: 2,
            columns: 3,
        },
        Self {
            rows: 3,
            columns: 1,
        },
        Self {
            rows: 3,
            columns: 2,
        },
        Self {
            rows: 3,
            columns: 3,
        },
    ];

    /// Reads `"2x3"`: two rows, three columns.
    pub fn parse(name: &str) -> Result<Self, LayoutError> {
        if name.contains("mpr") || name.contains("3d") {
            return Err(LayoutError::Volume);
        }
        Self::OFFERED
            .into_iter()
            .find(|layout| layout.name() == name)
            .ok_or(LayoutError::Unknown)
    }

    /// `"2x3"` for two rows and three columns.
    pub fn name(self) -> String {
        format!("{}x{}", self.rows, self.columns)
    }

    /// Number of viewports.
    pub fn count(self) -> usize {
        usize::from(self.rows) * usize::from(self.columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_rows_by_columns() {
        assert_eq!(
            Layout::parse("1x2"),
            Ok(Layout {
                rows: 1,
                columns: 2
            })
        );
        assert_eq!(Layout::parse("mpr"), Err(LayoutError::Volume));
        assert_eq!(Layout::parse("4x4"), Err(LayoutError::Unknown));
    }
}
