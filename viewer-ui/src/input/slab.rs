//! The thickness of a plane as keys, the slider and the field of the bar change it.

use super::typed;
use viewer_core::geometry::{MAX_SLAB_MM, Projection, Slab};
use viewer_core::tools::overlay::number;

/// Thickness that a plane gets where only a projection is chosen, mm.
const FIRST_MM: f64 = 10.0;

/// A slab of a thickness in mm, at most [`MAX_SLAB_MM`]; none at 0.
pub fn of(thickness_mm: f64, projection: Projection) -> Option<Slab> {
    let thickness_mm = thickness_mm.clamp(0.0, MAX_SLAB_MM);
    (thickness_mm > 0.0).then_some(Slab {
        thickness_mm,
        projection,
        step_mm: None,
    })
}

/// The next whole thickness above (`up`) or below, mm.
pub fn stepped(thickness_mm: f64, up: bool) -> f64 {
    let next = if up {
        thickness_mm.floor() + 1.0
    } else {
        thickness_mm.ceil() - 1.0
    };
    next.clamp(0.0, MAX_SLAB_MM)
}

/// The thickness that a plane has once a projection is chosen, mm: without any it would not show.
pub fn projected_mm(thickness_mm: f64) -> f64 {
    if thickness_mm > 0.0 {
        thickness_mm
    } else {
        FIRST_MM
    }
}

/// A thickness as typed, with its unit or without, mm; `None` where it is none, or beyond [`MAX_SLAB_MM`].
pub fn typed_mm(text: &str) -> Option<f64> {
    let text = text.trim();
    let number = typed::number(text.strip_suffix("mm").unwrap_or(text))?;
    (0.0..=MAX_SLAB_MM).contains(&number).then_some(number)
}

/// "20 mm", "2.5 mm".
pub fn words(thickness_mm: f64) -> String {
    let decimals = usize::from((thickness_mm - thickness_mm.round()).abs() > 0.05);
    format!("{} mm", number(thickness_mm, decimals))
}

/// Thicknesses of one plane that were asked for and are not on screen yet: keys come faster than pictures, and each must
/// count from the one before.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Asked {
    viewport: usize,
    /// From the thickness on screen to the last one that was asked for, mm.
    thicknesses_mm: Vec<f64>,
}

impl Asked {
    /// The thickness that counts for the plane in a viewport that shows `shown_mm`. To be called for each snapshot.
    pub fn latest_mm(&mut self, viewport: usize, shown_mm: f64) -> f64 {
        let is_same = self.viewport == viewport;
        let mut on_way = self.thicknesses_mm.iter();
        match on_way.position(|it| is_same && *it == shown_mm) {
            Some(place) => {
                self.thicknesses_mm.drain(..place);
            }
            // Another plane, or something else has set it.
            None => {
                self.viewport = viewport;
                self.thicknesses_mm = vec![shown_mm];
            }
        }
        self.thicknesses_mm.last().copied().unwrap_or(shown_mm)
    }

    /// A key asks for a thickness of the plane that was asked about last.
    pub fn ask(&mut self, thickness_mm: f64) {
        self.thicknesses_mm.push(thickness_mm);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_count_from_what_was_asked_for_before_it_is_on_screen() {
        let mut asked = Asked::default();
        for (shown, latest) in [(5.0, 5.0), (5.0, 6.0), (6.0, 7.0)] {
            assert_eq!(asked.latest_mm(0, shown), latest);
            asked.ask(latest + 1.0);
        }
        assert_eq!(asked.latest_mm(0, 8.0), 8.0);
        // Up and down again: what comes on screen in between is not another hand's.
        asked.ask(9.0);
        asked.ask(8.0);
        for shown in [8.0, 9.0, 8.0] {
            assert_eq!(asked.latest_mm(0, shown), 8.0);
        }
    }

    #[test]
    fn another_plane_or_another_hand_counts_anew() {
        let mut asked = Asked::default();
        asked.latest_mm(0, 5.0);
        asked.ask(6.0);
        assert_eq!(asked.latest_mm(1, 5.0), 5.0);
        asked.ask(6.0);
        assert_eq!(asked.latest_mm(1, 50.0), 50.0);
    }

    #[test]
    fn no_thickness_is_no_slab_and_the_largest_is_the_end() {
        assert_eq!(of(0.0, Projection::Mean), None);
        assert_eq!(of(-3.0, Projection::Mean), None);
        let thickness = |mm| of(mm, Projection::MinIp).map(|slab| slab.thickness_mm);
        assert_eq!(thickness(20.0), Some(20.0));
        assert_eq!(thickness(999.0), Some(200.0));
    }

    #[test]
    fn steps_go_to_whole_millimetres() {
        for (from, up, to) in [
            (0.0, true, 1.0),
            (20.0, true, 21.0),
            (20.0, false, 19.0),
            (2.5, true, 3.0),
            (2.5, false, 2.0),
            (0.0, false, 0.0),
            (200.0, true, 200.0),
        ] {
            assert_eq!(stepped(from, up), to, "{from} {up}");
        }
    }

    #[test]
    fn a_thickness_is_typed_with_its_unit_or_without() {
        assert_eq!(typed_mm("20"), Some(20.0));
        assert_eq!(typed_mm(" 2,5 mm "), Some(2.5));
        assert_eq!(typed_mm("0"), Some(0.0));
        for text in ["", "mm", "-1", "201", "2 cm"] {
            assert_eq!(typed_mm(text), None, "{text:?}");
        }
    }

    #[test]
    fn thickness_is_said_as_the_overlay_says_it() {
        assert_eq!(words(20.0), "20 mm");
        assert_eq!(words(2.5), "2.5 mm");
        assert_eq!(words(0.0), "0 mm");
    }
}
