//! What a client asks of a picture.
//!
//! Source: DICOM PS3.18 section 8.3.5.1 (annotation, quality, viewport, window, colour profile).

use viewer_core::pixel::{VoiFunction, Window};

use crate::error::ApiError;

/// Longest edge of a viewport.
pub const MOST_EDGE: u32 = 4096;
/// Quality of JPEG where nothing is asked for.
const USUAL_QUALITY: u8 = 90;

/// How large a picture is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// As large as the image.
    Own,
    /// As large as fits into this.
    Within {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
        /// It may be larger than the image.
        enlarges: bool,
    },
}

impl Size {
    /// At most so many pixels along each edge, and never larger than the image.
    pub fn at_most(edge: u32) -> Self {
        Self::Within {
            width: edge,
            height: edge,
            enlarges: false,
        }
    }
}

/// A part of an image in its pixels, from the edge of the first one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    /// Left edge.
    pub left: f64,
    /// Top edge.
    pub top: f64,
    /// Columns.
    pub width: f64,
    /// Rows.
    pub height: f64,
    /// Turned round from left to right, and from top to bottom.
    pub flips: [bool; 2],
}

impl Part {
    /// All of an image of so many columns and rows.
    pub fn whole([width, height]: [f64; 2]) -> Self {
        Self {
            left: 0.0,
            top: 0.0,
            width,
            height,
            flips: [false, false],
        }
    }
}

/// A part as it is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Wanted {
    /// In pixels; what is not named reaches to the end. Negative lengths turn it round.
    Pixels {
        /// Left and top edge.
        start: [f64; 2],
        /// Columns and rows.
        length: [Option<f64>; 2],
    },
    /// From 0 to 1 along each edge: left, top, right, bottom.
    Fractions([f64; 4]),
}

impl Wanted {
    /// What of it lies in an image of so many columns and rows; `None` for nothing.
    pub fn within(self, whole: [f64; 2]) -> Option<Part> {
        let (start, length) = match self {
            Self::Pixels { start, length } => (start, length),
            Self::Fractions([left, top, right, bottom]) => {
                let length = [(right - left) * whole[0], (bottom - top) * whole[1]];
                ([left * whole[0], top * whole[1]], length.map(Some))
            }
        };
        let cut = |axis: usize| {
            let wanted = length[axis].unwrap_or(whole[axis] - start[axis]);
            let end = (start[axis] + wanted.abs()).min(whole[axis]);
            let from = start[axis].max(0.0);
            (end - from > 0.0).then_some((from, end - from, wanted < 0.0))
        };
        let ((left, width, turned), (top, height, upside)) = (cut(0)?, cut(1)?);
        Some(Part {
            left,
            top,
            width,
            height,
            flips: [turned, upside],
        })
    }
}

/// What is written into a picture, PS3.18 8.3.5.1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Annotation {
    /// Who the patient is.
    pub patient: bool,
    /// How the image was made.
    pub technique: bool,
}

/// What a client asks of a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Wish {
    /// Another window than the file's, with its function or the file's.
    pub window: Option<(Window, Option<VoiFunction>)>,
    /// How large it is.
    pub size: Size,
    /// A part of the image.
    pub part: Option<Wanted>,
    /// Quality of JPEG, 1 to 100.
    pub quality: u8,
    /// What is written into it.
    pub annotation: Annotation,
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            window: None,
            size: Size::Own,
            part: None,
            quality: USUAL_QUALITY,
            annotation: Annotation::default(),
        }
    }
}

impl Wish {
    /// Reads a query; what it does not know it leaves alone.
    ///
    /// # Errors
    /// A value that cannot be read, or asks for what is not drawn here.
    pub fn of(pairs: &[(String, String)]) -> Result<Self, ApiError> {
        let mut wish = Self::default();
        for (name, value) in pairs {
            match name.as_str() {
                "window" => wish.window = Some(window(value)?),
                "viewport" => (wish.size, wish.part) = viewport(value)?,
                "quality" => wish.quality = quality(value)?,
                "annotation" => wish.annotation = annotation(value)?,
                "iccprofile" if value != "no" => {
                    let message =
                        "pictures are sRGB without a profile: iccprofile=no is all there is";
                    return Err(ApiError::bad_request("profile_unknown", message));
                }
                _ => {}
            }
        }
        Ok(wish)
    }
}

/// `annotation=patient,technique`
///
/// # Errors
/// It names something else.
pub fn annotation(text: &str) -> Result<Annotation, ApiError> {
    let mut annotation = Annotation::default();
    let words = text.split(',').map(str::trim);
    for word in words.filter(|word| !word.is_empty()) {
        match word {
            "patient" => annotation.patient = true,
            "technique" => annotation.technique = true,
            _ => {
                let message = "annotation is patient, technique, or both with a comma between them";
                return Err(ApiError::bad_request("annotation_unknown", message));
            }
        }
    }
    Ok(annotation)
}

/// `quality=90`
///
/// # Errors
/// It is no whole number from 1 to 100.
pub fn quality(text: &str) -> Result<u8, ApiError> {
    let quality = text.trim().parse().ok().filter(|it| (1..=100).contains(it));
    quality.ok_or_else(|| {
        ApiError::bad_request("quality_invalid", "quality is a whole number from 1 to 100")
    })
}

/// `window=40,400,linear`
fn window(text: &str) -> Result<(Window, Option<VoiFunction>), ApiError> {
    let bad = || {
        ApiError::bad_request(
            "window_invalid",
            "window is center,width,function: two numbers, a width that the function may have, and \
             linear, linear-exact or sigmoid",
        )
    };
    let mut parts = text.split(',').map(str::trim);
    let mut number = || parts.next().and_then(number).ok_or_else(bad);
    let (center, width) = (number()?, number()?);
    let function = match parts.next() {
        None => None,
        Some("linear") => Some(VoiFunction::Linear),
        Some("linear-exact") => Some(VoiFunction::LinearExact),
        Some("sigmoid") => Some(VoiFunction::Sigmoid),
        Some(_) => return Err(bad()),
    };
    // PS3.3 C.11.2.1.2 and C.11.2.1.3: at least 1 for LINEAR, above 0 for the others.
    let least = match function {
        Some(VoiFunction::Linear) => width >= 1.0,
        _ => width > 0.0,
    };
    if !least || parts.next().is_some() {
        return Err(bad());
    }
    Ok((Window { center, width }, function))
}

/// `viewport=512,512,0,0,100,-100`
fn viewport(text: &str) -> Result<(Size, Option<Wanted>), ApiError> {
    let bad = || {
        ApiError::bad_request(
            "viewport_invalid",
            format!(
                "viewport is width,height, each from 1 to {MOST_EDGE}, and perhaps the part's left, \
                 top, width and height in pixels"
            ),
        )
    };
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    if !(2..=6).contains(&parts.len()) {
        return Err(bad());
    }
    let edge = |at: usize| {
        let edge = parts.get(at).and_then(|text| text.parse().ok());
        edge.filter(|edge| (1..=MOST_EDGE).contains(edge))
            .ok_or_else(bad)
    };
    let size = Size::Within {
        width: edge(0)?,
        height: edge(1)?,
        enlarges: true,
    };
    let optional = |at: usize| match parts.get(at) {
        None | Some(&"") => Ok(None),
        Some(text) => number(text).map(Some).ok_or_else(bad),
    };
    let start = [optional(2)?.unwrap_or(0.0), optional(3)?.unwrap_or(0.0)];
    let length = [optional(4)?, optional(5)?];
    if start.iter().any(|at| *at < 0.0) || length.contains(&Some(0.0)) {
        return Err(bad());
    }
    let is_whole = start == [0.0, 0.0] && length == [None, None];
    Ok((
        size,
        (!is_whole).then_some(Wanted::Pixels { start, length }),
    ))
}

/// A finite number of everyday size.
pub fn number(text: &str) -> Option<f64> {
    let is_plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    let number: f64 = text.parse().ok().filter(|_| is_plain)?;
    (number.is_finite() && number.abs() <= 1e9).then_some(number)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    fn wish(query: &[(&str, &str)]) -> Result<Wish, String> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let pairs: Vec<_> = query.iter().map(owned).collect();
        Wish::of(&pairs).map_err(|error| {
            assert_eq!(error.status, 400);
            error.code.to_owned()
        })
    }

    #[test]
    fn windows_have_the_three_functions() {
        for (text, function) in [
            ("40,400,linear", Some(VoiFunction::Linear)),
            ("40,0.5,linear-exact", Some(VoiFunction::LinearExact)),
            ("40,0.5,sigmoid", Some(VoiFunction::Sigmoid)),
            ("40,400", None),
        ] {
            let (window, found) = wish(&[("window", text)]).unwrap().window.unwrap();
            assert_eq!((window.center, found), (40.0, function), "{text}");
        }
        for text in [
            "",
            "40",
            "40,",
            "40,0,linear",
            "40,0.5,linear",
            "40,-1,sigmoid",
            "a,b,linear",
            "40,400,LUT",
            "40,400,linear,1",
            "NaN,1,linear",
            "1,inf,sigmoid",
            "1e99,1,linear",
        ] {
            let found = wish(&[("window", text)]);
            assert_eq!(found, Err("window_invalid".to_owned()), "{text}");
        }
    }

    #[test]
    fn a_viewport_names_a_size_and_perhaps_a_part() {
        let found = wish(&[("viewport", "200,100")]).unwrap();
        let size = Size::Within {
            width: 200,
            height: 100,
            enlarges: true,
        };
        assert_eq!((found.size, found.part), (size, None));
        let found = wish(&[("viewport", "200,100,5,,-10")]).unwrap();
        let part = found.part.unwrap().within([20.0, 30.0]);
        let expected = Part {
            left: 5.0,
            top: 0.0,
            width: 10.0,
            height: 30.0,
            flips: [true, false],
        };
        assert_eq!(part, Some(expected));
        for text in [
            "",
            "1",
            "0,1",
            "1,0",
            "4097,1",
            "-1,1",
            "1.5,1",
            "1,1,-1",
            "1,1,0,0,0",
            "1,1,x",
            "1,1,1,1,1,1,1",
        ] {
            let found = wish(&[("viewport", text)]);
            assert_eq!(found, Err("viewport_invalid".to_owned()), "{text}");
        }
    }

    #[test]
    fn parts_are_cut_to_the_image() {
        let pixels = |start, length| Wanted::Pixels { start, length }.within([10.0, 10.0]);
        let cut = pixels([8.0, 0.0], [Some(5.0), None]).unwrap();
        assert_eq!((cut.left, cut.width, cut.height), (8.0, 2.0, 10.0));
        assert_eq!(pixels([10.0, 0.0], [None, None]), None);
        let half = Wanted::Fractions([0.5, 0.0, 1.0, 0.25]).within([10.0, 40.0]);
        let half = half.unwrap();
        assert_eq!(
            (half.left, half.top, half.width, half.height),
            (5.0, 0.0, 5.0, 10.0)
        );
        assert_eq!(
            Wanted::Fractions([0.5, 0.5, 0.5, 1.0]).within([9.0, 9.0]),
            None
        );
    }

    #[test]
    fn annotations_are_of_two_kinds() {
        for (text, patient, technique) in [
            ("patient", true, false),
            ("technique", false, true),
            ("technique, patient", true, true),
            ("", false, false),
        ] {
            let found = wish(&[("annotation", text)]).unwrap().annotation;
            let expected = Annotation { patient, technique };
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_drawn_is_refused_in_words() {
        assert_eq!(
            wish(&[("annotation", "patient,logo")]),
            Err("annotation_unknown".to_owned())
        );
        assert_eq!(
            wish(&[("iccprofile", "displayp3")]),
            Err("profile_unknown".to_owned())
        );
        assert_eq!(
            wish(&[("quality", "101")]),
            Err("quality_invalid".to_owned())
        );
        assert_eq!(
            wish(&[("iccprofile", "no"), ("other", "x")]),
            Ok(Wish::default())
        );
        assert_eq!(wish(&[("quality", "7")]).unwrap().quality, 7);
    }
}
