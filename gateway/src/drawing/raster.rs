//! Lines, areas and rectangles of one grey in a picture.
//!
//! Places are measured from the outer corner of the first pixel, whose centre is at (0.5, 0.5). A pixel is on a line where its
//! centre is at most half a pixel away from it, so that a line is never broken, and in an area where its centre is.

use std::ops::Range;

use super::Picture;

/// Half the width of a line.
const HALF: f64 = 0.5;
/// Distances below this are rounding.
const CLOSE: f64 = 1e-6;
/// Places beyond this are not drawn.
const FARTHEST: f64 = 1e6;
/// Pixels that are looked at for one picture.
const MOST_WORK: u64 = 256 << 20;

/// What draws in a picture.
pub struct Raster<'a> {
    picture: &'a mut Picture,
    work: u64,
    is_complete: bool,
}

impl<'a> Raster<'a> {
    /// Over a picture.
    pub fn new(picture: &'a mut Picture) -> Self {
        Self {
            picture,
            work: MOST_WORK,
            is_complete: true,
        }
    }

    /// Columns and rows.
    pub fn size(&self) -> [u32; 2] {
        [self.picture.width, self.picture.height]
    }

    /// False where something lay too far away or was too much to be drawn.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// A line with round ends.
    pub fn line(&mut self, [from, to]: [[f64; 2]; 2], grey: u8) {
        if !is_near(from) || !is_near(to) {
            self.is_complete = false;
            return;
        }
        let along = [to[0] - from[0], to[1] - from[1]];
        let length = along[0].hypot(along[1]);
        let [width, height] = self.size();
        let rows = within(from[1].min(to[1]) - HALF, from[1].max(to[1]) + HALF, height);
        for y in rows {
            let down = f64::from(y) + 0.5 - from[1];
            let mut reach = [from[0].min(to[0]) - HALF, from[0].max(to[0]) + HALF];
            if along[1].abs() > CLOSE {
                let middle = from[0] + down * along[0] / along[1];
                let half = HALF * length / along[1].abs();
                reach = [reach[0].max(middle - half), reach[1].min(middle + half)];
            }
            let columns = within(reach[0], reach[1], width);
            if !self.spend(&columns) {
                return;
            }
            for x in columns {
                let across = f64::from(x) + 0.5 - from[0];
                let share = match length > 0.0 {
                    true => (across * along[0] + down * along[1]) / (length * length),
                    false => 0.0,
                };
                let share = share.clamp(0.0, 1.0);
                let distance = (across - share * along[0]).hypot(down - share * along[1]);
                if distance <= HALF + CLOSE {
                    self.put(x, y, grey);
                }
            }
        }
    }

    /// Lines from each place to the next.
    pub fn polyline(&mut self, places: &[[f64; 2]], grey: u8) {
        for pair in places.windows(2) {
            self.line([pair[0], pair[1]], grey);
        }
    }

    /// The area between corners, by the even-odd rule.
    pub fn fill(&mut self, corners: &[[f64; 2]], grey: u8) {
        if !corners.iter().all(|corner| is_near(*corner)) {
            self.is_complete = false;
            return;
        }
        let [width, height] = self.size();
        let ends = (f64::INFINITY, f64::NEG_INFINITY);
        let (low, high) = corners.iter().fold(ends, |(low, high), corner| {
            (low.min(corner[1]), high.max(corner[1]))
        });
        let edges = u32::try_from(corners.len()).unwrap_or(u32::MAX);
        for y in within(low, high, height) {
            if !self.spend(&(0..edges)) {
                return;
            }
            let centre = f64::from(y) + 0.5;
            let next = corners.iter().cycle().skip(1);
            let mut crossings: Vec<f64> = corners
                .iter()
                .zip(next)
                .filter(|(a, b)| (a[1] > centre) != (b[1] > centre))
                .map(|(a, b)| a[0] + (centre - a[1]) / (b[1] - a[1]) * (b[0] - a[0]))
                .collect();
            crossings.sort_by(f64::total_cmp);
            for pair in crossings.chunks_exact(2) {
                let columns = within(pair[0], pair[1], width);
                if !self.spend(&columns) {
                    return;
                }
                columns.for_each(|x| self.put(x, y, grey));
            }
        }
    }

    /// A rectangle of whole pixels, which may reach out of the picture.
    pub fn rectangle(&mut self, [left, top]: [i64; 2], [columns, rows]: [i64; 2], grey: u8) {
        let [width, height] = self.size();
        let cut = |start: i64, length: i64, most: u32| {
            let at = |place: i64| u32::try_from(place.clamp(0, i64::from(most))).unwrap_or(most);
            at(start)..at(start.saturating_add(length))
        };
        let columns = cut(left, columns, width);
        for y in cut(top, rows, height) {
            if !self.spend(&columns) {
                return;
            }
            columns.clone().for_each(|x| self.put(x, y, grey));
        }
    }

    fn put(&mut self, x: u32, y: u32, grey: u8) {
        let channels = if self.picture.is_colour { 3 } else { 1 };
        let place = (y as usize * self.picture.width as usize + x as usize) * channels;
        if let Some(samples) = self.picture.samples.get_mut(place..place + channels) {
            samples.fill(grey);
        }
    }

    /// Whether so many more pixels may be looked at.
    fn spend(&mut self, pixels: &Range<u32>) -> bool {
        let count = u64::from(pixels.end.saturating_sub(pixels.start)) + 1;
        let rest = self.work.checked_sub(count);
        self.work = rest.unwrap_or(0);
        self.is_complete &= rest.is_some();
        rest.is_some()
    }
}

fn is_near(place: [f64; 2]) -> bool {
    place.iter().all(|at| at.abs() <= FARTHEST)
}

/// Pixels of `length` whose centres lie from `low` to `high`.
fn within(low: f64, high: f64, length: u32) -> Range<u32> {
    let first = cut((low - 0.5 - CLOSE).ceil(), length);
    let end = cut((high - 0.5 + CLOSE).floor() + 1.0, length);
    first..end.max(first)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped before the cast"
)]
fn cut(place: f64, most: u32) -> u32 {
    place.clamp(0.0, f64::from(most)) as u32
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A black picture.
    pub fn black(width: u32, height: u32) -> Picture {
        Picture {
            width,
            height,
            is_colour: false,
            samples: vec![0; (width * height) as usize],
        }
    }

    fn drawn(width: u32, height: u32, draw: impl Fn(&mut Raster)) -> Vec<String> {
        let mut picture = black(width, height);
        let mut raster = Raster::new(&mut picture);
        draw(&mut raster);
        assert!(raster.is_complete());
        let mark = |sample: &u8| if *sample == 0 { '.' } else { '#' };
        let rows = picture.samples.chunks(width as usize);
        rows.map(|row| row.iter().map(mark).collect()).collect()
    }

    #[test]
    fn a_line_through_centres_is_one_pixel_wide() {
        let line = drawn(6, 3, |raster| raster.line([[1.5, 1.5], [4.5, 1.5]], 9));
        assert_eq!(line, ["......", ".####.", "......"]);
        let line = drawn(3, 3, |raster| raster.line([[0.5, 0.5], [2.5, 2.5]], 9));
        assert_eq!(line, ["#..", ".#.", "..#"]);
        let line = drawn(3, 4, |raster| raster.line([[1.5, 9.0], [1.5, 1.5]], 9));
        assert_eq!(line, ["...", ".#.", ".#.", ".#."]);
    }

    #[test]
    fn a_line_along_an_edge_marks_both_sides() {
        let line = drawn(4, 4, |raster| raster.line([[0.5, 2.0], [3.5, 2.0]], 9));
        assert_eq!(line, ["....", "####", "####", "...."]);
    }

    #[test]
    fn an_area_holds_the_pixels_whose_centres_it_holds() {
        let square = [[0.6, 0.4], [3.6, 0.4], [3.6, 2.4], [0.6, 2.4]];
        let area = drawn(5, 3, |raster| raster.fill(&square, 9));
        assert_eq!(area, [".###.", ".###.", "....."]);
        let area = drawn(2, 1, |raster| raster.fill(&[], 9));
        assert_eq!(area, [".."]);
    }

    #[test]
    fn rectangles_are_cut_to_the_picture() {
        let part = drawn(3, 2, |raster| raster.rectangle([-1, 1], [3, 5], 9));
        assert_eq!(part, ["...", "##."]);
    }

    #[test]
    fn what_is_too_far_away_or_no_number_is_not_drawn() {
        let mut picture = black(2, 2);
        let mut raster = Raster::new(&mut picture);
        raster.line([[0.0, 0.0], [1e9, f64::NAN]], 9);
        assert!(!raster.is_complete());
        assert_eq!(picture.samples, [0; 4]);
    }

    #[test]
    fn colours_are_marked_in_grey() {
        let mut picture = Picture {
            is_colour: true,
            samples: vec![1; 6],
            ..black(2, 1)
        };
        Raster::new(&mut picture).rectangle([1, 0], [1, 1], 200);
        assert_eq!(picture.samples, [1, 1, 1, 200, 200, 200]);
    }
}
