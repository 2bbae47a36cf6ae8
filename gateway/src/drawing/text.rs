//! Text in pictures: letters of 8 x 8 squares, each a whole number of pixels, with a border that tells them from any ground.
//!
//! A letter that the font lacks is a hollow box: what was not drawn is seen to be missing.

use font8x8::legacy::{BASIC_LEGACY, GREEK_LEGACY, HIRAGANA_LEGACY, LATIN_LEGACY};
use unicode_normalization::UnicodeNormalization as _;

use super::raster::Raster;

/// Squares along an edge of a letter.
const CELL: i64 = 8;
/// Squares from a line to the next.
const ADVANCE: i64 = 9;
/// Most letters of one text.
const MOST_LETTERS: usize = 4096;
/// Largest number of pixels along an edge of a square.
const MOST_SCALE: u32 = 8;
/// What stands for a letter that the font lacks.
const HOLLOW: [u8; 8] = [0x7f, 0x41, 0x41, 0x41, 0x41, 0x41, 0x7f, 0x00];

/// Where the lines of a text begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Justification {
    /// All on the left.
    #[default]
    Left,
    /// Around the middle.
    Center,
    /// So that all end on the right.
    Right,
}

/// Eight rows of a letter from the top; the lowest bit is the leftmost square.
fn glyph(letter: char) -> [u8; 8] {
    let code = u32::from(letter);
    let found = |table: &[[u8; 8]], first: u32| {
        let place = usize::try_from(code.checked_sub(first)?).ok()?;
        table.get(place).copied()
    };
    let drawn = found(&BASIC_LEGACY, 0)
        .or_else(|| found(&LATIN_LEGACY, 0xA0))
        .or_else(|| found(&GREEK_LEGACY, 0x390))
        .or_else(|| found(&HIRAGANA_LEGACY, 0x3040));
    match drawn {
        _ if letter.is_whitespace() => [0; 8],
        Some(rows) if rows != [0; 8] => rows,
        _ => HOLLOW,
    }
}

/// The lines of a text, without what directs printers.
pub fn lines(text: &str) -> Vec<String> {
    let composed: String = text.nfc().take(MOST_LETTERS).collect();
    let broken = composed
        .replace("\r\n", "\n")
        .replace(['\r', '\u{c}'], "\n");
    let plain = |line: &str| -> String {
        let spaced = line.replace('\t', " ");
        let letters = spaced.trim_end().chars();
        letters.filter(|letter| !letter.is_control()).collect()
    };
    let mut lines: Vec<String> = broken.split('\n').map(plain).collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

/// Letters of the longest line.
fn longest(lines: &[String]) -> i64 {
    let counts = lines.iter().map(|line| line.chars().count());
    i64::try_from(counts.max().unwrap_or(0)).unwrap_or(i64::MAX / 64)
}

/// Squares that a text takes, with its border: across and down; no text takes none.
fn squares(lines: &[String]) -> [i64; 2] {
    if lines.is_empty() {
        return [0, 0];
    }
    let count = i64::try_from(lines.len()).unwrap_or(i64::MAX / 64);
    [longest(lines) * CELL + 2, count * ADVANCE + 1]
}

/// Columns and rows of the picture that a text takes, with its border.
pub fn size(lines: &[String], scale: u32) -> [i64; 2] {
    squares(lines).map(|squares| squares * i64::from(scale))
}

/// Pixels along an edge of a square by which text of a picture is read easily.
pub fn usual_scale([width, height]: [u32; 2]) -> u32 {
    (width.min(height) / 384).clamp(1, MOST_SCALE)
}

/// The largest scale from `least` to four times as much by which a text fits into so many columns and rows; `least` where none does.
pub fn fitting_scale(lines: &[String], [columns, rows]: [f64; 2], least: u32) -> u32 {
    let [across, down] = squares(lines);
    let fits = |scale: &u32| {
        let of = |squares: i64| f64::from(u32::try_from(squares).unwrap_or(u32::MAX));
        let scale = f64::from(*scale);
        of(across) * scale <= columns && of(down) * scale <= rows
    };
    (least..=least * 4).rev().find(fits).unwrap_or(least)
}

/// Lines cut to so many letters; a word goes to the next line where it can.
pub fn wrapped(lines: &[String], most: usize) -> Vec<String> {
    let most = most.max(1);
    let mut wrapped = Vec::new();
    for line in lines {
        let mut rest: Vec<char> = line.chars().collect();
        while rest.len() > most {
            let space = rest[..=most].iter().rposition(|letter| *letter == ' ');
            let end = space.filter(|end| *end > 0).unwrap_or(most);
            let next = rest.split_off(end);
            wrapped.push(rest.iter().collect());
            rest = next
                .into_iter()
                .skip_while(|letter| *letter == ' ')
                .collect();
        }
        wrapped.push(rest.iter().collect());
    }
    wrapped
}

/// Writes a text whose border begins at a place: in a grey, with a border of black or white.
pub fn write(
    raster: &mut Raster,
    lines: &[String],
    [left, top]: [i64; 2],
    scale: u32,
    justification: Justification,
    grey: u8,
) {
    let border = if grey < 128 { u8::MAX } else { 0 };
    let (scale, longest) = (i64::from(scale), longest(lines));
    let mut set = Vec::new();
    let mut y = top + scale;
    for line in lines {
        let letters: Vec<char> = line.chars().collect();
        let slack = longest - i64::try_from(letters.len()).unwrap_or(longest);
        let indent = match justification {
            Justification::Left => 0,
            Justification::Center => slack * CELL / 2,
            Justification::Right => slack * CELL,
        };
        let mut x = left + scale + indent * scale;
        for letter in letters {
            for (row, bits) in (0_i64..).zip(glyph(letter)) {
                let columns = (0_i64..CELL).filter(|column| (bits >> column) & 1 == 1);
                set.extend(columns.map(|column| [x + column * scale, y + row * scale]));
            }
            x += CELL * scale;
        }
        y += ADVANCE * scale;
    }
    for [x, y] in &set {
        raster.rectangle([x - scale, y - scale], [3 * scale; 2], border);
    }
    for place in set {
        raster.rectangle(place, [scale; 2], grey);
    }
}

#[cfg(test)]
mod tests {
    use super::super::raster::tests::black;
    use super::*;

    fn text(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    fn written(line: &str, scale: u32, grey: u8, ground: u8) -> Vec<String> {
        let lines = text(&[line]);
        let [width, height] = size(&lines, scale).map(|edge| u32::try_from(edge).unwrap());
        let mut picture = black(width, height);
        picture.samples.fill(ground);
        let justification = Justification::default();
        let mut raster = Raster::new(&mut picture);
        write(&mut raster, &lines, [0, 0], scale, justification, grey);
        let mark = |sample: &u8| match *sample {
            found if found == grey => '#',
            found if found == ground => '.',
            _ => 'o',
        };
        let rows = picture.samples.chunks(width as usize);
        rows.map(|row| row.iter().map(mark).collect()).collect()
    }

    #[test]
    fn letters_are_squares_with_a_border() {
        let expected = [
            ".oooooo...",
            ".o####o...",
            ".oo##oo...",
            "..o##o....",
            "..o##o....",
            "..o##o....",
            ".oo##oo...",
            ".o####o...",
            ".oooooo...",
            "..........",
        ];
        assert_eq!(written("I", 1, 255, 100), expected);
        let doubled = written("I", 2, 0, 100);
        assert_eq!((doubled.len(), doubled[0].len()), (20, 20));
        assert_eq!(&doubled[2], "..oo########oo......");
    }

    #[test]
    fn a_letter_that_the_font_lacks_is_a_hollow_box() {
        for letter in ['\u{5b50}', '\u{416}', '\u{1f600}', '\u{7f}', '\u{ad}'] {
            assert_eq!(glyph(letter), HOLLOW, "{letter:?}");
        }
        for letter in [' ', '\u{a0}', '\u{3000}'] {
            assert_eq!(glyph(letter), [0; 8], "{letter:?}");
        }
        for letter in ['A', '\u{e4}', '\u{b3}', '\u{3b1}', '\u{3042}', '~'] {
            assert!(![HOLLOW, [0; 8]].contains(&glyph(letter)), "{letter:?}");
        }
        assert_ne!(glyph('\u{b2}'), glyph('\u{b3}'));
    }

    #[test]
    fn text_is_composed_and_broken_where_it_says() {
        assert_eq!(lines("a\r\nb\nc\rd"), ["a", "b", "c", "d"]);
        assert_eq!(lines("a\u{308}\tb \n\n"), ["\u{e4} b"]);
        assert_eq!(lines(" \r\n"), [""; 0]);
    }

    #[test]
    fn long_lines_go_on_below() {
        let found = wrapped(&text(&["one two three", "abcdefgh", ""]), 5);
        assert_eq!(found, ["one", "two", "three", "abcde", "fgh", ""]);
        assert_eq!(wrapped(&text(&["ab"]), 0), ["a", "b"]);
    }

    /// Two letters take 2 x 8 + 2 squares across and 9 + 1 down.
    #[test]
    fn text_is_as_large_as_its_box_allows() {
        let two = text(&["ab"]);
        assert_eq!(size(&two, 3), [54, 30]);
        assert_eq!(size(&[], 3), [0, 0]);
        assert_eq!(fitting_scale(&two, [54.0, 30.0], 1), 3);
        assert_eq!(fitting_scale(&two, [53.9, 30.0], 1), 2);
        assert_eq!(fitting_scale(&two, [1.0, 1.0], 2), 2);
        assert_eq!(fitting_scale(&two, [1e6, 1e6], 2), 8);
        assert_eq!(usual_scale([4, 3]), 1);
        assert_eq!(usual_scale([2048, 1200]), 3);
    }
}
