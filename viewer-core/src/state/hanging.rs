//! Which series goes into which viewport when nobody has said so.

use crate::model::{Series, SeriesId};
use protocol::order;

/// Series in the order in which they are listed and hung: images before documents, then by number,
/// those without one last; what cannot be told apart stays in the server's order.
pub fn listing_order(series: &mut [Series]) {
    order::sort_by_key(series, |s| {
        (s.study, s.is_document(), s.number.unwrap_or(i64::MAX))
    });
}

/// The next series that holds images and is not shown yet, in listing order.
///
/// Localizers come after stacks: a cross-sectional series of a few images is hung when nothing else is
/// left.
pub fn next_unshown(series: &[Series], shown: &[Option<SeriesId>]) -> Option<SeriesId> {
    let free = || {
        series
            .iter()
            .filter(|s| !s.is_document() && !shown.contains(&Some(s.id)))
    };
    free()
        .find(|s| !is_localizer(s))
        .or_else(|| free().next())
        .map(|s| s.id)
}

/// Most images of a series that only shows where the others lie.
const MOST_LOCALIZERS: u32 = 3;

fn is_localizer(series: &Series) -> bool {
    matches!(series.modality.as_str(), "CT" | "MR" | "PT")
        && series
            .instance_count
            .is_some_and(|count| count <= MOST_LOCALIZERS)
        && series.frame_count() <= MOST_LOCALIZERS as usize
}

/// The series `delta` places on from `current`, among those with images; it stops at the ends.
pub fn neighbour(series: &[Series], current: Option<SeriesId>, delta: i64) -> Option<SeriesId> {
    let images: Vec<SeriesId> = series
        .iter()
        .filter(|s| !s.is_document())
        .map(|s| s.id)
        .collect();
    let last = images.len().checked_sub(1)?;
    let place = current.and_then(|id| images.iter().position(|other| *other == id));
    let Some(place) = place else {
        return images.first().copied();
    };
    let moved = i64::try_from(place).ok()?.checked_add(delta)?.max(0);
    images.get(usize::try_from(moved).ok()?.min(last)).copied()
}
