//! The palette of an image, as its data set says it.
//!
//! Source: DICOM PS3.3 C.7.9 (Palette Color Lookup Table), C.7.6.19 (Supplemental Palette Color Lookup Table).

use super::bulk::{BulkValue, Table, TableKind, TableSource, descriptor_of};
use super::tags;
use crate::pixel::{Palette, Photometric, PixelFormat};
use protocol::dicomweb::json::{Dataset, Tag};
use std::sync::Arc;

/// What is known of an image's palette.
#[derive(Debug, Clone, PartialEq)]
pub struct PaletteSource {
    channels: [TableSource; 3],
    is_supplemental: bool,
    ready: Option<Arc<Palette>>,
    broken: Option<String>,
}

/// Descriptor, data and segmented data of one channel.
const CHANNELS: [[Tag; 3]; 3] = [
    [0x0028_1101, 0x0028_1201, 0x0028_1221],
    [0x0028_1102, 0x0028_1202, 0x0028_1222],
    [0x0028_1103, 0x0028_1203, 0x0028_1223],
];

impl PaletteSource {
    /// Reads the palette of an image; `None` where it has none and needs none. One that is needed and cannot be
    /// used is there with its reason.
    pub(super) fn of(set: &Dataset, format: &PixelFormat) -> Option<Self> {
        let is_needed = format.photometric == Photometric::PaletteColor;
        let is_supplemental = !is_needed
            && format.photometric == Photometric::Monochrome2
            && matches!(
                set.text(tags::PIXEL_PRESENTATION).as_deref(),
                Some("COLOR" | "MIXED")
            );
        if !is_needed && !is_supplemental {
            return None;
        }
        let channel = |[descriptor, plain, segmented]: [Tag; 3]| {
            let (data, kind) = match BulkValue::of(set, plain) {
                Some(data) => (data, TableKind::Palette),
                None => (BulkValue::of(set, segmented)?, TableKind::SegmentedPalette),
            };
            Some(TableSource {
                descriptor: descriptor_of(set, descriptor, format.signed)?,
                data,
                kind,
            })
        };
        let [red, green, blue] = CHANNELS.map(channel);
        let Some(channels) = red.zip(green).zip(blue).map(|((r, g), b)| [r, g, b]) else {
            let nothing = TableSource {
                descriptor: Err(crate::pixel::LutError::Descriptor),
                data: BulkValue::Lost("it is not complete".into()),
                kind: TableKind::Palette,
            };
            return is_needed.then(|| Self {
                channels: [nothing.clone(), nothing.clone(), nothing],
                is_supplemental: false,
                ready: None,
                broken: Some("it has not three tables".into()),
            });
        };
        let mut source = Self {
            channels,
            is_supplemental,
            ready: None,
            broken: None,
        };
        source.resolve();
        Some(source)
    }

    /// The palette, where all of it is here.
    pub fn ready(&self) -> Option<&Arc<Palette>> {
        self.ready.as_ref()
    }

    /// Why it cannot be used.
    pub fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }

    /// True where it only adds colours to a grey image.
    pub fn is_supplemental(&self) -> bool {
        self.is_supplemental
    }

    pub(super) fn awaited(&self) -> impl Iterator<Item = &str> {
        self.channels
            .iter()
            .filter_map(|table| table.data.address())
    }

    pub(super) fn supply(&mut self, address: &str, answer: &super::BulkAnswer) {
        let mut is_mine = false;
        for channel in &mut self.channels {
            is_mine |= channel.data.supply(address, answer);
        }
        if is_mine {
            self.resolve();
        }
    }

    fn resolve(&mut self) {
        let [red, green, blue] = [0, 1, 2].map(|index: usize| self.channels[index].table());
        match (red, green, blue) {
            (Table::Ready(red), Table::Ready(green), Table::Ready(blue)) => {
                let palette = Palette::new([red, green, blue], self.is_supplemental);
                self.ready = Some(Arc::new(palette));
            }
            (Table::Broken(reason), ..)
            | (_, Table::Broken(reason), _)
            | (.., Table::Broken(reason)) => {
                self.broken = Some(reason);
            }
            _ => {}
        }
    }
}
