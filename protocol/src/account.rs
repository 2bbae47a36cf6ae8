//! JSON of sessions and shared links, as gateway and app exchange it.

use serde::{Deserialize, Serialize};

/// `/api/session`: who is logged in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SessionState {
    /// Login is configured.
    pub login: bool,
    /// User name.
    pub user: Option<String>,
    /// Name on screen.
    pub name: Option<String>,
    /// Roles.
    pub roles: Vec<String>,
    /// Nothing is shown until the user has proved who he or she is.
    pub locked: bool,
    /// A password unlocks it; else the whole login is gone through again.
    pub password: bool,
    /// Links may be made, after a fresh login.
    pub share: bool,
    /// There can be studies in the list.
    #[serde(default)]
    pub search: bool,
    /// Users may be managed, after a fresh login.
    #[serde(default)]
    pub manage: bool,
    /// The audit record may be read, or what it says of oneself.
    #[serde(default)]
    pub audit: bool,
    /// Seconds until it ends.
    pub ends_in_s: Option<i64>,
    /// Seconds without a request until it is locked, or in a frame ends.
    pub idle_s: Option<i64>,
    /// Studies that a frame's session is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<FrameContext>,
}

/// What a frame's session is for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FrameContext {
    /// Source.
    pub source: String,
    /// Study Instance UIDs.
    pub studies: Vec<String>,
}

/// `POST /api/session/unlock`: the password once more, and for what administrators do the second factor.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unlock {
    /// The password.
    pub password: String,
    /// A code by time, or a recovery code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// `POST /api/shares`: what a link is to be.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShareWanted {
    /// Source; none is the gateway's own store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Study Instance UID.
    pub study: String,
    /// Series Instance UID, where only that is shown first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
    /// How it is shown, as the app writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view: Option<String>,
    /// Days until it ends.
    pub days: i64,
    /// How often it may be opened; none = as often as one likes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<u32>,
    /// A PIN is asked for.
    #[serde(default)]
    pub pin: bool,
    /// The files may be taken away.
    #[serde(default)]
    pub download: bool,
    /// A sentence for whoever opens it.
    #[serde(default)]
    pub note: String,
}

/// A link that was made. The secret half stands behind `#`: browsers send that to nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareMade {
    /// Its public half.
    pub id: String,
    /// Path, relative to the gateway's root.
    pub path: String,
    /// The whole address.
    pub link: String,
    /// The address as a QR code: the outline of its dark squares as the path of an SVG, one unit a square.
    pub qr: String,
    /// Squares on a side, with the quiet zone.
    pub qr_side: u32,
    /// The PIN, shown once.
    pub pin: Option<String>,
    /// When it ends, seconds since 1970.
    pub ends: i64,
}

/// A link as its maker sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareListed {
    /// Its public half.
    pub id: String,
    /// Study Instance UIDs.
    pub study: Vec<String>,
    /// When it was made, seconds since 1970.
    pub made: i64,
    /// When it ends.
    pub ends: i64,
    /// How often it was opened.
    pub uses: u32,
    /// How often it may be opened.
    pub most_uses: Option<u32>,
    /// A PIN is asked for.
    pub pin: bool,
    /// The files may be taken away.
    pub download: bool,
    /// The sentence for whoever opens it.
    pub note: String,
    /// `open`, `expired`, `revoked`, `used_up` or `locked`.
    pub state: String,
}
