//! What the components show: plain snapshots that the engine makes after each change.
//!
//! Components are functions of these values and send [`Command`]s back; they never reach into the
//! engine, the network or the canvas.

use protocol::account::SessionState;
use protocol::gateway::Opened;
use std::rc::Rc;
use viewer_core::geometry::Projection;
use viewer_core::model::SeriesId;
use viewer_core::pixel::Window;
use viewer_core::state::{Action, Layout, Tool};
use viewer_core::tools::crosshair::Crosshair;
use viewer_core::tools::{Corners, Mark};
use viewer_core::volume::PlaneKind;

/// What a component asks for.
#[derive(Debug, Clone, PartialEq)]
#[allow(
    clippy::large_enum_variant,
    reason = "made, handled and dropped; none is kept (and on wasm32 none is large)"
)]
pub enum Command {
    /// A change of the viewing state.
    Act(Action),
    /// Where the pointer is over a viewport, in canvas pixels from its top left; `None` = left it.
    Hover(usize, Option<[f64; 2]>),
    /// The grid of viewports was laid out: rectangles in device pixels relative to the image area's
    /// top left, and the area's own size: `x, y, width, height`.
    LaidOut {
        /// One a viewport, in order; zero-sized where it is hidden.
        viewports: Vec<[u32; 4]>,
        /// The canvas.
        area: [u32; 2],
    },
    /// Opens a study from the list.
    OpenStudy {
        /// Source id.
        source: String,
        /// Study Instance UID.
        study: String,
    },
    /// Back to the study list.
    BackToList,
    /// The next (or `-1` previous) study of the list.
    NextStudy(i64),
    /// Tries again: everything that failed for lack of a connection, or the study itself.
    TryAgain,
    /// Fetches the frame on screen in this viewport once more.
    FetchAgain(usize),
    /// Takes a notice or a toast away.
    Dismiss(u32),
}

/// Which page of the app is on screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// The study list.
    List,
    /// The reader.
    Reader,
    /// The page that benchmarks open: viewports alone.
    Bench,
    /// The reader behind a shared link.
    Guest,
}

/// How far whoever has opened a shared link has come.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Access {
    /// The server is being asked what the link opened.
    #[default]
    Asked,
    /// The server is not reached; it is asked again by itself.
    Offline,
    /// It is open.
    Open(Rc<Opened>),
    /// It has ended, was taken back, or was never opened in this browser.
    Ended,
}

/// Whether whoever is logged in sits before the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Presence {
    /// There, as far as is known.
    #[default]
    Here,
    /// Nobody was there for too long: everything is hidden until the password is given again.
    Away,
    /// The session has ended.
    Gone,
}

/// Whoever is logged in; nobody where login is not configured.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Account {
    /// What the server says.
    pub session: Rc<SessionState>,
    /// Whether somebody is there.
    pub presence: Presence,
}

/// What of the screen a link can be made of.
#[derive(Debug, Clone, PartialEq)]
pub struct ToShare {
    /// Source id.
    pub source: String,
    /// Study Instance UID.
    pub study: String,
    /// Series Instance UID and name of what the active viewport shows.
    pub series: Option<(String, String)>,
    /// What is on screen.
    pub view: String,
}

/// What stands in place of the app in a frame that has no session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Gate {
    /// Nothing: the app is on screen.
    #[default]
    Open,
    /// The frame asks its user to sign in.
    SignedOut,
    /// The frame has opened a window for that.
    Waiting,
    /// This page is that window; its user has to log in first.
    Window,
    /// This page is that window, and was opened by nobody who may.
    Stray,
}

/// The reader, whole.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ReaderView {
    /// Who is on screen.
    pub banner: Banner,
    /// Groups of the series panel, one a study.
    pub rail: Vec<RailGroup>,
    /// The division of the image area.
    pub layout: Option<Layout>,
    /// Choices of a layout so far: another number asks for [`Command::LaidOut`].
    pub layouts_chosen: u32,
    /// One a viewport of the layout.
    pub viewports: Vec<ViewportView>,
    /// The active viewport.
    pub active: usize,
    /// The viewport that is shown large.
    pub large: Option<usize>,
    /// What the left button does.
    pub tool: Tool,
    /// Overlay text is shown.
    pub overlay: bool,
    /// Viewports scroll together.
    pub linked: bool,
    /// Three planes of a volume are on screen.
    pub mpr: Option<MprView>,
    /// The slab of the active viewport; `None` where nothing can have one.
    pub slab: Option<SlabView>,
    /// The active viewport holds more than one image.
    pub can_play: bool,
    /// The active viewport plays.
    pub plays: bool,
    /// Overlay planes are shown; `None` where no image on screen has any.
    pub planes: Option<bool>,
    /// Presets of the active viewport, for keys 1 to 9.
    pub presets: Vec<PresetView>,
    /// Name of the active viewport's window on the preset button, for example "Lung".
    pub preset_label: String,
    /// The active viewport's window, for the fields of the preset popover.
    pub window: Option<Window>,
    /// What concerns the whole study, at most one.
    pub notice: Option<Notice>,
    /// Short messages, at most two.
    pub toasts: Vec<Notice>,
    /// The study cannot be shown at all.
    pub failure: Option<StudyFailure>,
    /// True until the study's series are known.
    pub is_opening: bool,
    /// There is a list behind the reader to go back to, with a study before or after this one.
    pub has_next_study: bool,
    /// See [`ReaderView::has_next_study`].
    pub has_previous_study: bool,
}

/// The slab of a plane, or of images.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SlabView {
    /// Thickness, mm; 0 = none.
    pub thickness_mm: f64,
    /// Its projection, or the one that it would get.
    pub projection: Projection,
}

/// Three planes of a volume.
#[derive(Debug, Clone, PartialEq)]
pub struct MprView {
    /// Volumes of the series by name; one or none where there is nothing to choose.
    pub volumes: Vec<String>,
    /// The one on screen.
    pub chosen: usize,
}

/// The patient banner's two lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Banner {
    /// "Example, Ada"; "No name" where the file has none.
    pub name: String,
    /// "F 61 y", "12 Mar 1965", "ID EX-00417": only what is known.
    pub facts: Vec<String>,
    /// "CT chest · 14 Mar 2026 09:41".
    pub study: String,
    /// "CT chest".
    pub description: String,
    /// `YYYYMMDD`, for whoever writes dates another way.
    pub date: String,
}

/// The series of one study in the series panel.
#[derive(Debug, Clone, PartialEq)]
pub struct RailGroup {
    /// "This study", or the date of another one.
    pub title: String,
    /// Its series in order.
    pub series: Vec<RailSeries>,
}

/// The series that a small picture is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PictureOf {
    /// DICOMweb root of its source.
    pub root: String,
    /// Study Instance UID.
    pub study: String,
    /// Series Instance UID.
    pub series: String,
}

/// One series in the series panel.
#[derive(Debug, Clone, PartialEq)]
pub struct RailSeries {
    /// Which series.
    pub id: SeriesId,
    /// Series Number in words, or empty.
    pub number: String,
    /// "Lung 1.0".
    pub name: String,
    /// Modality.
    pub modality: String,
    /// Frames, or instances before the metadata have come.
    pub count: Option<usize>,
    /// What its small picture is of, once it may be asked for.
    pub picture: Option<PictureOf>,
    /// Letters of the viewports that show it: "A", "B".
    pub shown_in: Vec<char>,
    /// The active viewport shows it.
    pub is_active: bool,
    /// Holds no images: a row instead of a picture.
    pub is_document: bool,
    /// Where its documents are, once anything but the first image may be asked for.
    pub document: Option<PictureOf>,
    /// Why it shows no image, in words.
    pub note: Option<String>,
    /// Frames decoded, of `count`; `None` while nothing was asked for.
    pub loaded: Option<usize>,
    /// Frames that failed for good.
    pub failed: usize,
    /// Its metadata could not be read: in words.
    pub problem: Option<String>,
}

/// One viewport.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ViewportView {
    /// Letter: A, B, ...
    pub letter: char,
    /// A series is in it.
    pub series: Option<SeriesId>,
    /// Corner texts.
    pub corners: Corners,
    /// State marks, gravest first.
    pub marks: Vec<Mark>,
    /// What of the file was not used, in words.
    pub notes: Vec<String>,
    /// Orientation letters at the edges.
    pub letters: Letters,
    /// From 0.
    pub slice: usize,
    /// Slices of the stack.
    pub slices: usize,
    /// Runs of loaded slices, first and one past the last.
    pub loaded_runs: Vec<(usize, usize)>,
    /// Slices that failed for good.
    pub failed_slices: Vec<usize>,
    /// Where it stands in time, where its series has several times.
    pub time: Option<TimeView>,
    /// What stands in the image's place.
    pub content: Content,
    /// Which plane of a volume it shows; `None` for a stack.
    pub plane: Option<PlaneKind>,
    /// The lines in which the other planes cut it.
    pub crosshair: Option<Crosshair>,
    /// The line in which the active viewport's slice cuts a stack, canvas pixels.
    pub reference_line: Option<[[f64; 2]; 2]>,
    /// The place of a stack that was pointed at, canvas pixels.
    pub pointed: Option<[f64; 2]>,
    /// Announced to screen readers: "Image 212 of 436", "Playing, 25 fps".
    pub spoken: String,
}

/// A place in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeView {
    /// From 0.
    pub index: usize,
    /// Times of the series.
    pub count: usize,
    /// "3 / 10 \u{b7} 10 s".
    pub words: String,
}

/// What stands in a viewport.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Content {
    /// No series.
    #[default]
    Empty,
    /// The image is on its way; words such as "Loading".
    Loading(String),
    /// The canvas shows it.
    Image,
    /// It cannot be shown: title and sentence.
    Failed {
        /// "This image could not be decoded".
        title: String,
        /// Why, and what it means for the rest.
        sentence: String,
        /// Fetching again may help.
        can_fetch_again: bool,
    },
    /// A series without images, in words.
    Document(String),
}

/// Orientation letters at the edges of a viewport; empty where unknown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Letters {
    /// At the left edge.
    pub left: String,
    /// At the right edge.
    pub right: String,
    /// At the top edge.
    pub top: String,
    /// At the bottom edge.
    pub bottom: String,
}

/// One preset in the preset popover.
#[derive(Debug, Clone, PartialEq)]
pub struct PresetView {
    /// "Lung".
    pub name: String,
    /// "W 1500 L −600".
    pub values: String,
    /// It is the window on screen.
    pub is_chosen: bool,
    /// The file itself names it.
    pub is_own: bool,
}

/// Weight of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// For information.
    Neutral,
    /// Something needs attention.
    Warning,
    /// Something failed.
    Error,
}

/// A notice strip or a toast.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// For [`Command::Dismiss`].
    pub id: u32,
    /// How grave.
    pub severity: Severity,
    /// "No connection."
    pub title: String,
    /// "270 of 436 images are here and stay usable. ..."
    pub sentence: String,
    /// Offers "Try now".
    pub can_try_again: bool,
    /// Can be taken away.
    pub can_dismiss: bool,
}

/// Why no part of a study can be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StudyFailure {
    /// "This study could not be opened".
    pub title: String,
    /// "The server did not answer within 20 seconds. Nothing was changed."
    pub sentence: String,
    /// Stable code for support.
    pub code: String,
    /// When, "09:58:12".
    pub time: String,
    /// Trying again may help.
    pub can_try_again: bool,
}
