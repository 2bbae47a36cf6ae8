//! Which rows are in sight and which are in the page: a list of ten thousands keeps some sixty in it.
//!
//! All in CSS pixels; the heights are those of `list.css`.

/// How rows lie on a window of some width.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rows {
    /// Height of a row.
    pub height: f64,
    /// Height of the sticky head, which lies over the rows.
    pub head: f64,
    /// How many there are.
    pub count: usize,
}

/// Rows above and below those in sight, so that a fast scroll shows no gap.
const MARGIN: usize = 12;

impl Rows {
    /// Rows of a window `width` wide.
    pub fn of_width(width: f64, count: usize) -> Self {
        let (height, head) = if width <= 820.0 {
            (61.0, 0.0)
        } else if width <= 1560.0 {
            (44.0, 64.0)
        } else {
            (32.0, 64.0)
        };
        Self {
            height,
            head,
            count,
        }
    }

    /// Index of the row at a height, at most the count.
    fn at(self, pixels: f64) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to the number of rows"
        )]
        let index = (pixels / self.height).clamp(0.0, self.count as f64) as usize;
        index
    }

    /// Rows in sight, at least by half: the first, and one past the last.
    pub fn in_sight(self, scroll: f64, view: f64) -> (usize, usize) {
        let half = self.height / 2.0;
        let first = self.at(scroll + half).min(self.count.saturating_sub(1));
        let end = self.at(scroll + view - self.head + half).min(self.count);
        (first, end.max(first))
    }

    /// Rows in the page: the first, and one past the last.
    pub fn in_page(self, scroll: f64, view: f64) -> (usize, usize) {
        let first = self.at(scroll).min(self.count.saturating_sub(1));
        let end = (self.at(scroll + view) + 1 + MARGIN).min(self.count);
        (first.saturating_sub(MARGIN), end)
    }

    /// Where to scroll so that a row is in sight; `None` where it is.
    pub fn reveal(self, row: usize, scroll: f64, view: f64) -> Option<f64> {
        let top = row as f64 * self.height;
        let view = view - self.head;
        if top < scroll {
            Some(top)
        } else if top + self.height > scroll + view {
            Some(top + self.height - view)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDE: Rows = Rows {
        height: 32.0,
        head: 64.0,
        count: 10_000,
    };

    #[test]
    fn only_rows_near_the_screen_are_in_the_page() {
        assert_eq!(WIDE.in_page(0.0, 640.0), (0, 33));
        assert_eq!(WIDE.in_page(32_000.0, 640.0), (988, 1033));
        let few = Rows { count: 5, ..WIDE };
        assert_eq!(few.in_page(0.0, 640.0), (0, 5));
        let none = Rows { count: 0, ..WIDE };
        assert_eq!(none.in_page(0.0, 640.0), (0, 0));
    }

    #[test]
    fn a_list_that_became_shorter_than_the_scroll_position_shows_its_end() {
        let few = Rows { count: 50, ..WIDE };
        assert_eq!(few.in_page(32_000.0, 640.0), (37, 50));
        assert_eq!(few.in_sight(32_000.0, 640.0), (49, 50));
    }

    #[test]
    fn the_head_hides_two_rows_of_the_view() {
        // (64 + 28 * 32) pixels show 28 rows.
        assert_eq!(WIDE.in_sight(0.0, 960.0), (0, 28));
        assert_eq!(WIDE.in_sight(320.0, 960.0), (10, 38));
    }

    #[test]
    fn a_row_is_revealed_with_as_little_scrolling_as_needed() {
        assert_eq!(WIDE.reveal(3, 0.0, 960.0), None);
        assert_eq!(WIDE.reveal(28, 0.0, 960.0), Some(32.0));
        assert_eq!(WIDE.reveal(3, 320.0, 960.0), Some(96.0));
    }

    #[test]
    fn narrow_windows_have_two_lines_a_row() {
        assert_eq!(Rows::of_width(1920.0, 1).height, 32.0);
        assert_eq!(Rows::of_width(1366.0, 1).height, 44.0);
        assert_eq!(Rows::of_width(390.0, 1).head, 0.0);
    }
}
