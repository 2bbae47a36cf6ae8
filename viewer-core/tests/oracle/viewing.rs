//! One image on screen, from its data set on.

use protocol::dicomweb::json::Dataset;
use serde_json::{Value, json};
use std::sync::Arc;
use viewer_core::decode::{Limits, decode_frame};
use viewer_core::model::{Instance, Series, SeriesId, Stack, Study};
use viewer_core::pixel::{
    ColorModel, Frame, FrameParams, FrameView, Mask, Photometric, PixelKind, SampleType, color,
    cpu_render,
};
use viewer_core::state::{Action, ViewerState};

pub const COLUMNS: usize = 8;
pub const ROWS: usize = 6;
pub const PIXELS: usize = COLUMNS * ROWS;

/// A grey image of 16 bits with rescale 2 / -100 and window 90 / 300.
pub fn base() -> Value {
    json!({
        "00080018": {"Value": ["1.2.3"]}, "00280002": {"Value": [1]}, "00280004": {"Value": ["MONOCHROME2"]},
        "00280010": {"Value": [ROWS]}, "00280011": {"Value": [COLUMNS]}, "00280100": {"Value": [16]},
        "00280101": {"Value": [16]}, "00280102": {"Value": [15]}, "00280103": {"Value": [0]},
        "00281052": {"Value": [-100]}, "00281053": {"Value": [2]},
        "00281050": {"Value": [90]}, "00281051": {"Value": [300]},
    })
}

/// A data set with some attributes more, or other ones.
pub fn with(mut set: Value, attributes: Value) -> Value {
    let Value::Object(attributes) = attributes else {
        unreachable!("attributes are an object");
    };
    for (tag, element) in attributes {
        set[tag] = element;
    }
    set
}

/// A state that shows one image, one pixel of it on one of the canvas, and its samples.
pub struct Viewing {
    pub state: ViewerState,
    frame: Result<Frame, String>,
}

impl Viewing {
    /// The image whose stored values are 80, 81, 82 ...
    pub fn of(set: Value) -> Self {
        let bytes = (0..PIXELS as u16)
            .flat_map(|i| (80 + i).to_le_bytes())
            .collect();
        Self::with_bytes(set, bytes)
    }

    pub fn with_bytes(set: Value, bytes: Vec<u8>) -> Self {
        let Value::Object(map) = set else {
            unreachable!("a data set is an object");
        };
        let instance = Instance::from_dataset(&Dataset::from_map(map)).expect("it has a UID");
        Self::of_instance(instance, Some(bytes))
    }

    /// Of an instance; without bytes, as many zeros as it needs.
    pub fn of_instance(instance: Instance, bytes: Option<Vec<u8>>) -> Self {
        let limits = Limits {
            frame_bytes: 1 << 22,
            ..Limits::default()
        };
        let frame = (instance.format.as_ref())
            .map_err(ToString::to_string)
            .and_then(|format| {
                let zeros = || {
                    let samples =
                        u64::from(format.samples_per_pixel) * u64::from(format.bits_allocated);
                    let bits = u64::from(format.rows) * u64::from(format.columns) * samples;
                    vec![0; bits.div_ceil(8).min(1 << 22) as usize]
                };
                let bytes = bytes.unwrap_or_else(zeros);
                decode_frame(&bytes, "1.2.840.10008.1.2.1", format, &limits)
                    .map_err(|e| e.to_string())
            });
        let mask = frame.as_ref().ok().and_then(|frame| {
            let planes: Vec<_> = instance
                .overlays
                .iter()
                .filter_map(|plane| plane.bits(0))
                .collect();
            Mask::new(
                [frame.columns, frame.rows],
                &planes,
                instance.shutter.as_ref(),
            )
        });
        let [width, height] = frame
            .as_ref()
            .map_or([1, 1], |f| [f.columns.min(300), f.rows.min(300)]);
        let id = SeriesId(1);
        let mut state = ViewerState::default();
        let stack = Arc::new(Stack::from_instances(vec![instance]));
        let series = Series {
            id,
            study: 0,
            uid: "1.2".into(),
            number: None,
            modality: "OT".into(),
            description: String::new(),
            instance_count: None,
            stack: None,
        };
        for action in [
            Action::Open {
                studies: vec![Study::default()],
            },
            Action::SeriesListed(vec![series]),
            Action::StackReady { series: id, stack },
            Action::Resize {
                viewport: 0,
                width,
                height,
            },
            Action::Assign {
                viewport: 0,
                series: id,
                slice: Some(0),
            },
        ] {
            state.apply(action);
        }
        if let Some(shown) = state.viewports[0].shown(&state) {
            let key = shown.key();
            state.apply(Action::MaskMade { key, mask });
        }
        Self { state, frame }
    }

    pub fn instance(&self) -> &Instance {
        &self
            .state
            .series(SeriesId(1))
            .unwrap()
            .stack
            .as_ref()
            .unwrap()
            .instances[0]
    }

    pub fn frame(&self) -> &Frame {
        self.frame.as_ref().unwrap()
    }

    /// The stored value of a pixel, counted along the rows.
    pub fn stored(&self, place: usize) -> f64 {
        self.frame()
            .sample((place % COLUMNS) as u32, (place / COLUMNS) as u32, 0)
            .unwrap()
    }

    pub fn params(&self) -> FrameParams {
        self.state.viewports[0].frame_params(&self.state).unwrap().1
    }

    /// The picture, or why there is none.
    pub fn picture(&self) -> Result<Vec<[u8; 3]>, &'static str> {
        let frame = self.frame.as_ref().map_err(|_| "it cannot be decoded")?;
        let viewport = &self.state.viewports[0];
        let (_, params) = viewport
            .frame_params(&self.state)
            .ok_or("it is not complete")?;
        if frame.photometric == Photometric::PaletteColor && params.palette.is_none() {
            return Err("its palette is missing or not valid");
        }
        let model = ColorModel::of(frame.photometric);
        let samples = model.map(|_| color::to_samples8(frame).expect("colour of three samples"));
        let view = FrameView {
            rows: frame.rows,
            columns: frame.columns,
            pixels: PixelKind {
                samples_per_pixel: frame.samples_per_pixel,
                sample_type: model.map_or(frame.sample_type, |_| SampleType::U8),
                color: model.unwrap_or_default(),
            },
            data: samples.as_deref().unwrap_or(&frame.data),
        };
        assert!(view.is_drawable());
        let mut rgba = vec![0; (viewport.width * viewport.height * 4) as usize];
        cpu_render::render(&view, &params, viewport.width, viewport.height, &mut rgba);
        Ok(rgba
            .as_chunks::<4>()
            .0
            .iter()
            .map(|[r, g, b, _]| [*r, *g, *b])
            .collect())
    }
}
