//! What is said of a volume as a whole: why there is none, or what was put right in it.

use super::Engine;
use crate::store::{Notice, Severity};
use viewer_core::state::Action;
use viewer_core::tools::overlay::number;
use viewer_core::volume::GridNote;

/// Ids of the notices about planes.
const REFUSAL_NOTICE: u32 = 3;
const TILT_NOTICE: u32 = 4;

impl Engine {
    /// Why there are no planes, or what was put right in them.
    pub(super) fn planes_notice(&self) -> Option<Notice> {
        if let Some(reason) = &self.state.refusal {
            return Some(Notice {
                id: REFUSAL_NOTICE,
                severity: Severity::Warning,
                title: "No planes or slabs of this series.".into(),
                sentence: super::opening::sentence(reason),
                can_try_again: false,
                can_dismiss: true,
            });
        }
        let mpr = self.state.mpr.as_ref()?;
        if self.planes.is_notice_read {
            return None;
        }
        let tilt = mpr.volume()?.grid.notes.iter().find_map(|note| match note {
            GridNote::Tilt { degrees, is_gantry } => Some((*degrees, *is_gantry)),
            _ => None,
        });
        let (degrees, is_gantry) = tilt?;
        let what = if is_gantry {
            "Gantry tilt"
        } else {
            "Shift of the slices"
        };
        Some(Notice {
            id: TILT_NOTICE,
            severity: Severity::Neutral,
            title: format!("{what} of {}\u{b0} corrected.", number(degrees, 1)),
            sentence:
                "The slices are moved back to their true positions, so distances are right in every plane."
                    .into(),
            can_try_again: false,
            can_dismiss: true,
        })
    }

    /// Takes a notice away.
    pub(super) fn dismiss(&mut self, id: u32) {
        match id {
            REFUSAL_NOTICE => self.state.apply(Action::DismissRefusal),
            TILT_NOTICE => self.planes.is_notice_read = true,
            _ => self.screen_note = None,
        }
    }
}
