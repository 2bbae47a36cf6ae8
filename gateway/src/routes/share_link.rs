//! The address of a link as others type or photograph it.

use std::fmt::Write as _;

use axum::extract::FromRequestParts;
use axum::http::header::HOST;
use axum::http::request::Parts;
use qrcode::{EcLevel, QrCode};

use crate::error::ApiError;
use crate::state::Shared;

/// The address of the gateway as the browser knows it, without a slash at the end.
#[derive(Debug)]
pub struct Root(pub String);

impl FromRequestParts<Shared> for Root {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, ApiError> {
        if let Some(url) = &state.public_url {
            return Ok(Self(url.clone()));
        }
        // It is one of our names: no handler runs before that is checked.
        let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
        let host = host.ok_or_else(ApiError::internal)?;
        let scheme = if state.has_tls { "https" } else { "http" };
        Ok(Self(format!("{scheme}://{host}{}", state.base_path)))
    }
}

/// Light squares around a code that readers ask for (ISO/IEC 18004, 5.3.8).
const QUIET: usize = 4;

/// A QR code as the path of an SVG in which a square is one unit, and its side with the quiet zone; `None` for a text that is
/// too long.
pub fn qr(text: &str) -> Option<(String, u32)> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let side = code.width();
    let colors = code.to_colors();
    let mut path = String::new();
    for (y, row) in colors.chunks(side).enumerate() {
        let is_dark = |x: usize| {
            row.get(x)
                .is_some_and(|color| *color == qrcode::Color::Dark)
        };
        let mut x = 0;
        while x < side {
            let run = (x..side).take_while(|at| is_dark(*at)).count();
            if run > 0 {
                let (left, top) = (x + QUIET, y + QUIET);
                // A text takes every write.
                let _ = write!(path, "M{left} {top}h{run}v1h-{run}z");
            }
            x += run.max(1);
        }
    }
    Some((path, u32::try_from(side + 2 * QUIET).ok()?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    /// The three corners of every code (ISO/IEC 18004, 5.3.3): a dark square of 7, in it a light one of 5, in it a dark one
    /// of 3.
    #[test]
    fn a_code_has_its_three_corners_and_a_quiet_zone() {
        let (path, side) = qr("https://viewer.example.org/s#v1.a.b").unwrap();
        let side = usize::try_from(side).unwrap();
        let mut dark = vec![vec![false; side]; side];
        for run in path.split('M').filter(|run| !run.is_empty()) {
            let (place, rest) = run.split_once('h').unwrap();
            let (x, y) = place.split_once(' ').unwrap();
            let (x, y): (usize, usize) = (x.parse().unwrap(), y.parse().unwrap());
            let length: usize = rest.split('v').next().unwrap().parse().unwrap();
            dark[y][x..x + length].fill(true);
        }
        let last = side - 4 - 7;
        for (left, top) in [(4, 4), (last, 4), (4, last)] {
            for y in 0..7 {
                for x in 0..7 {
                    let ring = x.min(y).min(6 - x).min(6 - y);
                    assert_eq!(dark[top + y][left + x], ring != 1, "{x} {y}");
                }
            }
        }
        let in_quiet = |at: usize| at < 4 || at >= side - 4;
        for (y, row) in dark.iter().enumerate() {
            for (x, is_dark) in row.iter().enumerate() {
                assert!(!is_dark || !(in_quiet(x) || in_quiet(y)));
            }
        }
    }
}
