//! Pictures as files: PNG, JPEG, and GIF for several.

use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;

use super::{DrawError, Picture};

/// A file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JPEG, baseline.
    Jpeg,
    /// PNG.
    Png,
    /// GIF, which may hold several pictures.
    Gif,
}

impl Format {
    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
        }
    }
}

impl Picture {
    /// The file of one picture; `quality` is JPEG's, 1 to 100.
    ///
    /// # Errors
    /// The format does not hold it.
    pub fn file(&self, format: Format, quality: u8) -> Result<Vec<u8>, DrawError> {
        match format {
            Format::Png => self.png(),
            Format::Jpeg => self.jpeg(quality),
            Format::Gif => {
                let mut film = Film::new(self, false)?;
                film.add(self, 0)?;
                film.finish()
            }
        }
    }

    fn png(&self) -> Result<Vec<u8>, DrawError> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width, self.height);
        encoder.set_color(if self.is_colour {
            png::ColorType::Rgb
        } else {
            png::ColorType::Grayscale
        });
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Fast);
        let written = encoder.write_header().and_then(|mut writer| {
            writer.write_image_data(&self.samples)?;
            writer.finish()
        });
        written.map(|()| bytes).map_err(|_| DrawError::Written)
    }

    fn jpeg(&self, quality: u8) -> Result<Vec<u8>, DrawError> {
        let mut bytes = Vec::new();
        let kind = match self.is_colour {
            true => ExtendedColorType::Rgb8,
            false => ExtendedColorType::L8,
        };
        JpegEncoder::new_with_quality(&mut bytes, quality)
            .encode(&self.samples, self.width, self.height, kind)
            .map_err(|_| DrawError::Written)?;
        Ok(bytes)
    }
}

/// Several pictures in one GIF.
pub struct Film {
    encoder: gif::Encoder<Vec<u8>>,
}

impl Film {
    /// As large as its first picture; it begins anew after the last one, or stands still.
    ///
    /// # Errors
    /// The format does not hold it.
    pub fn new(first: &Picture, repeats: bool) -> Result<Self, DrawError> {
        let side = |pixels: u32| u16::try_from(pixels).map_err(|_| DrawError::TooLarge);
        let (width, height) = (side(first.width)?, side(first.height)?);
        let greys: Vec<u8> = (0..=u8::MAX).flat_map(|grey| [grey; 3]).collect();
        let palette: &[u8] = if first.is_colour { &[] } else { &greys };
        let mut encoder = gif::Encoder::new(Vec::new(), width, height, palette)
            .map_err(|_| DrawError::Written)?;
        if repeats {
            encoder
                .set_repeat(gif::Repeat::Infinite)
                .map_err(|_| DrawError::Written)?;
        }
        Ok(Self { encoder })
    }

    /// The next picture, shown for so many hundredths of a second. Greys are exact; colours are the nearest of 256.
    ///
    /// # Errors
    /// The format does not hold it.
    pub fn add(&mut self, picture: &Picture, hundredths: u16) -> Result<(), DrawError> {
        let side = |pixels: u32| u16::try_from(pixels).map_err(|_| DrawError::TooLarge);
        let (width, height) = (side(picture.width)?, side(picture.height)?);
        let mut frame = match picture.is_colour {
            true => gif::Frame::from_rgb_speed(width, height, &picture.samples, 10),
            false => gif::Frame {
                width,
                height,
                buffer: picture.samples.as_slice().into(),
                ..gif::Frame::default()
            },
        };
        frame.delay = hundredths;
        self.encoder
            .write_frame(&frame)
            .map_err(|_| DrawError::Written)
    }

    /// The file.
    ///
    /// # Errors
    /// It cannot be closed.
    pub fn finish(self) -> Result<Vec<u8>, DrawError> {
        self.encoder.into_inner().map_err(|_| DrawError::Written)
    }
}
