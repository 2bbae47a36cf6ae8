//! Small DICOM files written here element by element, so that a test chooses every text in them.
//!
//! Explicit VR Little Endian. Source: PS3.10 7.1 (the file), PS3.5 7.1.2 (the elements).

/// Secondary Capture Image Storage.
const PICTURE: &str = "1.2.840.10008.5.1.4.1.1.7";
/// Video Endoscopic Image Storage.
const FILM: &str = "1.2.840.10008.5.1.4.1.1.77.1.1.1";
/// Explicit VR Little Endian.
const NATIVE: &str = "1.2.840.10008.1.2.1";
/// Basic Text SR Storage.
const REPORT: &str = "1.2.840.10008.5.1.4.1.1.88.11";

/// A compressed grey picture.
#[derive(Debug, Clone)]
pub struct Coded {
    /// Transfer Syntax UID.
    pub syntax: &'static str,
    pub stream: Vec<u8>,
    pub rows: u16,
    pub columns: u16,
    /// Bits Stored, above 8.
    pub bits: u16,
}

/// A video: one stream for all frames.
#[derive(Debug, Clone)]
pub struct Film {
    /// Transfer Syntax UID.
    pub syntax: &'static str,
    pub stream: Vec<u8>,
    pub frames: usize,
    pub rows: u16,
    pub columns: u16,
}

/// What a made-up file says; the picture in it is 8 x 8 pixels, or a compressed one.
#[derive(Debug, Clone)]
pub struct Made {
    /// Number of the study: makes its UID.
    pub study: usize,
    /// Number of the series in the study.
    pub series: usize,
    /// Number of the instance in the series.
    pub instance: usize,
    pub name: String,
    pub id: String,
    pub birth_date: String,
    /// `YYYYMMDD`.
    pub date: String,
    pub accession: String,
    pub modality: &'static str,
    pub study_description: String,
    pub series_description: String,
    /// False for a report, which holds no pixels.
    pub is_picture: bool,
    pub coded: Option<Coded>,
    pub film: Option<Film>,
    /// Every pixel of the picture has this value, and is shown as it is.
    pub grey: Option<u8>,
}

impl Made {
    /// A file of a study, told apart from those of other studies by the number alone.
    pub fn of_study(study: usize) -> Self {
        Self {
            study,
            series: 1,
            instance: 1,
            name: format!("Example^Patient {study:04}"),
            id: format!("EX-{study:04}"),
            birth_date: "19600101".into(),
            date: "20260301".into(),
            accession: format!("ACC{study:04}"),
            modality: "OT",
            study_description: format!("Study number {study:04}"),
            series_description: "Pictures".into(),
            is_picture: true,
            coded: None,
            film: None,
            grey: None,
        }
    }

    /// Study Instance UID.
    pub fn study_uid(&self) -> String {
        format!("1.2.826.0.1.3680043.10.1.{}", self.study)
    }

    /// Series Instance UID.
    pub fn series_uid(&self) -> String {
        format!("{}.{}", self.study_uid(), self.series)
    }

    /// The whole file.
    pub fn bytes(&self) -> Vec<u8> {
        let class = match (self.is_picture, &self.film) {
            (_, Some(_)) => FILM,
            (true, None) => PICTURE,
            (false, None) => REPORT,
        };
        let (study, series) = (self.study_uid(), self.series_uid());
        let instance = format!("{series}.{}", self.instance);
        let mut head = Elements::default();
        head.long((0x0002, 0x0001), *b"OB", &[0, 1]);
        head.text((0x0002, 0x0002), *b"UI", class);
        head.text((0x0002, 0x0003), *b"UI", &instance);
        let coded = self.coded.as_ref().map(|coded| coded.syntax);
        let film = self.film.as_ref().map(|film| film.syntax);
        let syntax = coded.or(film).unwrap_or(NATIVE);
        head.text((0x0002, 0x0010), *b"UI", syntax);
        head.text((0x0002, 0x0012), *b"UI", "1.2.826.0.1.3680043.10.2");
        let mut set = Elements::default();
        set.text((0x0008, 0x0005), *b"CS", "ISO_IR 192");
        set.text((0x0008, 0x0016), *b"UI", class);
        set.text((0x0008, 0x0018), *b"UI", &instance);
        set.text((0x0008, 0x0020), *b"DA", &self.date);
        set.text((0x0008, 0x0030), *b"TM", "080000");
        set.text((0x0008, 0x0050), *b"SH", &self.accession);
        set.text((0x0008, 0x0060), *b"CS", self.modality);
        set.text((0x0008, 0x1030), *b"LO", &self.study_description);
        set.text((0x0008, 0x103E), *b"LO", &self.series_description);
        set.text((0x0010, 0x0010), *b"PN", &self.name);
        set.text((0x0010, 0x0020), *b"LO", &self.id);
        set.text((0x0010, 0x0030), *b"DA", &self.birth_date);
        set.text((0x0010, 0x0040), *b"CS", "F");
        if self.film.is_some() {
            // 25 frames a second.
            set.text((0x0018, 0x1063), *b"DS", "40");
        }
        set.text((0x0020, 0x000D), *b"UI", &study);
        set.text((0x0020, 0x000E), *b"UI", &series);
        set.text((0x0020, 0x0011), *b"IS", &self.series.to_string());
        set.text((0x0020, 0x0013), *b"IS", &self.instance.to_string());
        if let Some(film) = &self.film {
            set.film(film);
        } else if self.is_picture {
            set.number((0x0028, 0x0002), 1);
            set.text((0x0028, 0x0004), *b"CS", "MONOCHROME2");
            let (rows, columns, allocated, bits) = match &self.coded {
                Some(coded) => (coded.rows, coded.columns, 16, coded.bits),
                None => (8, 8, 8, 8),
            };
            for (element, number) in [
                (0x10, rows),
                (0x11, columns),
                (0x100, allocated),
                (0x101, bits),
                (0x102, bits - 1),
            ] {
                set.number((0x0028, element), number);
            }
            set.number((0x0028, 0x0103), 0);
            if self.grey.is_some() {
                // PS3.3 C.11.2.1.2.1: this window shows 0 to 255 as 0 to 255.
                set.text((0x0028, 0x1050), *b"DS", "128");
                set.text((0x0028, 0x1051), *b"DS", "256");
            }
            if let Some(coded) = &self.coded {
                set.fragment(&coded.stream);
            } else {
                let pixels = (0..64).map(|place| self.grey.unwrap_or(place * 4));
                let pixels: Vec<u8> = pixels.collect();
                set.long((0x7FE0, 0x0010), *b"OB", &pixels);
            }
        }
        let mut file = vec![0; 128];
        file.extend(b"DICM");
        let mut length = Elements::default();
        let count = u32::try_from(head.0.len()).unwrap();
        length.short((0x0002, 0x0000), *b"UL", &count.to_le_bytes());
        file.extend(length.0);
        file.extend(head.0);
        file.extend(set.0);
        file
    }
}

type Tag = (u16, u16);

/// Encoded elements, in the order of their tags.
#[derive(Default)]
struct Elements(Vec<u8>);

impl Elements {
    fn tag(&mut self, (group, element): Tag, vr: [u8; 2]) {
        self.0.extend(group.to_le_bytes());
        self.0.extend(element.to_le_bytes());
        self.0.extend(vr);
    }

    fn short(&mut self, tag: Tag, vr: [u8; 2], value: &[u8]) {
        self.tag(tag, vr);
        let length = u16::try_from(value.len()).unwrap();
        self.0.extend(length.to_le_bytes());
        self.0.extend(value);
    }

    fn long(&mut self, tag: Tag, vr: [u8; 2], value: &[u8]) {
        self.tag(tag, vr);
        let length = u32::try_from(value.len()).unwrap();
        self.0.extend([0, 0]);
        self.0.extend(length.to_le_bytes());
        self.0.extend(value);
    }

    /// Image Pixel module and Pixel Data of a video (PS3.5 8.2.7).
    fn film(&mut self, film: &Film) {
        self.number((0x0028, 0x0002), 3);
        self.text((0x0028, 0x0004), *b"CS", "YBR_PARTIAL_420");
        self.number((0x0028, 0x0006), 0);
        self.text((0x0028, 0x0008), *b"IS", &film.frames.to_string());
        for (element, number) in [
            (0x10, film.rows),
            (0x11, film.columns),
            (0x100, 8),
            (0x101, 8),
            (0x102, 7),
            (0x103, 0),
        ] {
            self.number((0x0028, element), number);
        }
        self.fragment(&film.stream);
    }

    /// Pixel Data of one frame in one fragment (PS3.5 A.4).
    fn fragment(&mut self, stream: &[u8]) {
        self.tag((0x7FE0, 0x0010), *b"OB");
        self.0.extend([0, 0, 0xFF, 0xFF, 0xFF, 0xFF]);
        // The empty offset table, then the fragment.
        self.0.extend([0xFE, 0xFF, 0x00, 0xE0, 0, 0, 0, 0]);
        let length = u32::try_from(stream.len().next_multiple_of(2)).unwrap();
        self.0.extend([0xFE, 0xFF, 0x00, 0xE0]);
        self.0.extend(length.to_le_bytes());
        self.0.extend(stream);
        self.0.resize(self.0.len() + stream.len() % 2, 0);
        self.0.extend([0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]);
    }

    /// A text, filled up to an even length.
    fn text(&mut self, tag: Tag, vr: [u8; 2], value: &str) {
        let mut bytes = value.as_bytes().to_vec();
        if bytes.len() % 2 == 1 {
            bytes.push(if vr == *b"UI" { 0 } else { b' ' });
        }
        self.short(tag, vr, &bytes);
    }

    fn number(&mut self, tag: Tag, value: u16) {
        self.short(tag, *b"US", &value.to_le_bytes());
    }
}
