//! Everything that can happen to the viewing state.

use super::{Layout, Turned};
use crate::geometry::{Slab, ViewPlane};
use crate::loading::FrameKey;
use crate::model::{BulkAnswer, Series, SeriesId, Stack, Study};
use crate::pixel::{Mask, Window};
use crate::tools::WindowSource;
use crate::tools::crosshair::Handle;
use std::sync::Arc;

/// What the left button (or one finger) does on an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tool {
    /// Window by dragging.
    #[default]
    Window,
    /// Scroll through the stack by dragging.
    Scroll,
    /// Move the image.
    Pan,
    /// Zoom by dragging.
    Zoom,
    /// Moves, turns and thickens the lines that cross in three planes.
    Crosshair,
}

/// A direction on screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Counter-clockwise, or the mirror across: left and right change places.
    Left,
    /// Clockwise.
    Right,
    /// The mirror down: top and bottom change places.
    Down,
}

/// A change of where and how large the image lies in its viewport.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ViewChange {
    /// By canvas pixels.
    PanBy {
        /// To the right.
        dx: f64,
        /// Downwards.
        dy: f64,
    },
    /// Around a point of the viewport in canvas pixels, or its centre.
    ZoomBy {
        /// Above 1 enlarges.
        factor: f64,
        /// The point that stays where it is.
        about: Option<[f64; 2]>,
    },
    /// By a quarter turn: `Left` or `Right`.
    Turn(Direction),
    /// On screen: `Left` = across, `Down`.
    Flip(Direction),
    /// The whole image, as large as fits; turns and flips stay.
    Fit,
    /// One pixel of the image on one of the canvas.
    OneToOne,
    /// A double tap: fit, or from there twice as large about the point.
    ToggleZoom {
        /// In canvas pixels.
        about: [f64; 2],
    },
    /// Given values; what is `None` stays. The meaning is that of the API's `setView`.
    Set {
        /// 1 = fit.
        zoom: Option<f64>,
        /// Canvas pixels from the centre.
        pan: Option<[f64; 2]>,
        /// Degrees clockwise.
        rotation: Option<f64>,
        /// Left to right on screen, before the rotation.
        flip: Option<bool>,
        /// Low values bright, against the first paint.
        invert: Option<bool>,
    },
}

/// One change. Viewports are named by their place in the layout, from 0.
#[derive(Debug, Clone, PartialEq)]
#[allow(
    clippy::large_enum_variant,
    reason = "an action is made, applied and dropped; none is kept (and on wasm32 none is large)"
)]
#[non_exhaustive]
pub enum Action {
    /// Puts another set of studies on screen; all before is left.
    Open {
        /// The studies, the first one hung first.
        studies: Vec<Study>,
    },
    /// Better attributes of an open study have come.
    StudyDescribed(Study),
    /// The series of an open study are known. Series that are known stay.
    SeriesListed(Vec<Series>),
    /// A series' metadata have come.
    StackReady {
        /// The series.
        series: SeriesId,
        /// Its frames.
        stack: Arc<Stack>,
    },
    /// The range of modality values of a series without a window of its own, found in its first frame.
    RangeFound {
        /// The series.
        series: SeriesId,
        /// The window that spans it.
        window: Window,
    },
    /// A value of a series' metadata that stands elsewhere has come, or will not.
    BulkCame {
        /// The series.
        series: SeriesId,
        /// The address that the metadata name.
        address: String,
        /// Its bytes, or why there are none.
        answer: BulkAnswer,
    },
    /// Overlay planes and shutter of a frame are ready to be drawn; `None` where it has none.
    MaskMade {
        /// The frame.
        key: FrameKey,
        /// Both in one.
        mask: Option<Mask>,
    },
    /// Shows or hides the overlay planes of images; nothing happens where no image on screen has any.
    ToggleOverlayPlanes,
    /// Plays the stack in a viewport, or stops it. What plays elsewhere stops.
    TogglePlaying(usize),
    /// Stops what plays; the slice stays.
    StopPlaying,
    /// The cine has come this far: what [`cine::step`](super::cine::step) answers.
    Played {
        /// The slice on screen.
        slice: usize,
        /// Towards higher slices.
        forwards: bool,
        /// Since when it stands there, ms of the host's clock.
        since_ms: f64,
        /// The next frame is due and not decoded.
        is_waiting: bool,
    },
    /// Plays slower (negative) or faster by steps; nothing happens while nothing plays.
    ChangeSpeed(i64),
    /// Nothing is open any more.
    Close,
    /// Divides the image area; viewports that stay keep what they show, new ones are hung.
    SetLayout(Layout),
    /// Shows three planes of the active viewport's series, or leaves them.
    ShowPlanes(bool),
    /// Shows another volume of the series that the planes show, by its place in
    /// [`SeriesVolumes::volumes`](super::mpr::SeriesVolumes::volumes).
    ChooseVolume(usize),
    /// Shows another time of a series that has several; a number without a time does nothing.
    SetTime {
        /// The viewport.
        viewport: usize,
        /// The time, from 0.
        index: usize,
    },
    /// Goes on in time, from the last to the first.
    StepTime {
        /// The viewport.
        viewport: usize,
        /// By how many.
        delta: i64,
    },
    /// The planes meet at another place, mm in LPS.
    MoveCrosshair([f64; 3]),
    /// Points at a pixel of a stack: the other stacks of its frame of reference show the place.
    PointAt {
        /// The viewport.
        viewport: usize,
        /// Canvas pixels.
        at: [f64; 2],
    },
    /// Turns the lines that cross in a viewport.
    TurnPlanes {
        /// The viewport in which they turn.
        viewport: usize,
        /// Clockwise on screen.
        degrees: f64,
        /// Which of them.
        turned: Turned,
    },
    /// A pointer that holds one of the lines that cross in a viewport, or a handle on them, goes on.
    DragCrosshair {
        /// The viewport.
        viewport: usize,
        /// What it holds.
        handle: Handle,
        /// From where, canvas pixels.
        from: [f64; 2],
        /// To where.
        to: [f64; 2],
        /// A ring turns its own line alone.
        alone: bool,
    },
    /// Shows a plane that is given in mm.
    SetPlane {
        /// The viewport.
        viewport: usize,
        /// The plane, with its slab.
        plane: ViewPlane,
        /// Its pixels keep the size that they have.
        keeps_pixels: bool,
    },
    /// Thickness of the plane in a viewport; `None` = none.
    SetSlab {
        /// The viewport.
        viewport: usize,
        /// Thickness and projection.
        slab: Option<Slab>,
    },
    /// The sentence why there are no planes has been read.
    DismissRefusal,
    /// Puts a series into a viewport.
    Assign {
        /// The viewport.
        viewport: usize,
        /// The series.
        series: SeriesId,
        /// The slice to show, else that of the first paint.
        slice: Option<usize>,
    },
    /// Makes a viewport the active one.
    Activate(usize),
    /// Makes the next (or with `-1` the previous) viewport the active one.
    ActivateNext(i64),
    /// Shows one viewport large, or all again.
    ToggleLarge(usize),
    /// The next (or previous) series in the active viewport.
    NextSeries(i64),
    /// A viewport's size in canvas pixels.
    Resize {
        /// The viewport.
        viewport: usize,
        /// Canvas pixels.
        width: u32,
        /// Canvas pixels.
        height: u32,
    },
    /// Shows a slice, from 0; beyond the ends it is the first or the last.
    SetSlice {
        /// The viewport.
        viewport: usize,
        /// The slice.
        slice: usize,
    },
    /// Scrolls by slices.
    ScrollBy {
        /// The viewport.
        viewport: usize,
        /// Positive = towards the last slice.
        delta: i64,
    },
    /// Sets a window.
    SetWindow {
        /// The viewport.
        viewport: usize,
        /// Center and width in modality units.
        window: Window,
    },
    /// Takes the window from somewhere named.
    ChooseWindow {
        /// The viewport.
        viewport: usize,
        /// From where.
        source: WindowSource,
    },
    /// Chooses the preset at a place in the list, from 0; nothing happens where there is none.
    ChoosePreset {
        /// The viewport.
        viewport: usize,
        /// Place in the list.
        index: usize,
    },
    /// Windows by dragging, CSS pixels.
    DragWindow {
        /// The viewport.
        viewport: usize,
        /// To the right: wider.
        dx: f64,
        /// Downwards: darker.
        dy: f64,
    },
    /// Moves, zooms, turns, flips.
    ChangeView {
        /// The viewport.
        viewport: usize,
        /// How.
        change: ViewChange,
    },
    /// Swaps bright and dark.
    Invert(usize),
    /// Everything as at the first paint, the slice excepted.
    Reset(usize),
    /// Chooses what the left button does.
    SetTool(Tool),
    /// Shows or hides the overlay text; orientation letters and state marks stay.
    ToggleOverlay,
    /// Viewports of the same series' frame of reference scroll together.
    ToggleLink,
}
