//! A decoded picture, to check what is on screen on its pixels.

use anyhow::{Context, Result, bail};

/// Pixels of a screenshot or a captured viewport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// In device pixels.
    pub width: u32,
    /// In device pixels.
    pub height: u32,
    /// Red, green, blue of each pixel, row by row.
    pub rgb: Vec<[u8; 3]>,
}

impl Picture {
    /// Decodes a PNG of 8 bits.
    ///
    /// # Errors
    /// It is none.
    pub fn from_png(bytes: &[u8]) -> Result<Self> {
        let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        let mut reader = decoder.read_info()?;
        let size = reader
            .output_buffer_size()
            .context("the picture is too large")?;
        let mut pixels = vec![0; size];
        let frame = reader.next_frame(&mut pixels)?;
        let samples = match frame.color_type {
            png::ColorType::Grayscale => 1,
            png::ColorType::GrayscaleAlpha => 2,
            png::ColorType::Rgb => 3,
            png::ColorType::Rgba => 4,
            png::ColorType::Indexed => bail!("the palette was not applied"),
        };
        let rgb = pixels[..frame.buffer_size()]
            .chunks_exact(samples)
            .map(|pixel| match pixel {
                [grey] | [grey, _] => [*grey; 3],
                [red, green, blue, ..] => [*red, *green, *blue],
                [] => [0; 3],
            })
            .collect();
        Ok(Self {
            width: frame.width,
            height: frame.height,
            rgb,
        })
    }

    /// One pixel; `None` outside.
    pub fn at(&self, x: u32, y: u32) -> Option<[u8; 3]> {
        let inside = x < self.width && y < self.height;
        let index = y as usize * self.width as usize + x as usize;
        self.rgb.get(index).copied().filter(|_| inside)
    }

    /// How many different colours a part of the picture holds: a blank canvas has one.
    pub fn colors_within(&self, left: u32, top: u32, width: u32, height: u32) -> usize {
        let places = (top..top + height).flat_map(|y| (left..left + width).map(move |x| (x, y)));
        let colors = places.filter_map(|(x, y)| self.at(x, y));
        colors.collect::<std::collections::HashSet<_>>().len()
    }

    /// Share of pixels within a part that satisfy a condition, `0.0..=1.0`.
    pub fn share_within(
        &self,
        (left, top, width, height): (u32, u32, u32, u32),
        condition: impl Fn([u8; 3]) -> bool,
    ) -> f64 {
        let places = (top..top + height).flat_map(|y| (left..left + width).map(move |x| (x, y)));
        let colors: Vec<[u8; 3]> = places.filter_map(|(x, y)| self.at(x, y)).collect();
        let count = colors.iter().filter(|color| condition(**color)).count();
        count as f64 / colors.len().max(1) as f64
    }
}
