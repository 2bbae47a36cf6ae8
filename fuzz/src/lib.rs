//! What fuzz targets share.
//!
//! `frame` is how bytes become a frame of some shape, and what every answer has to keep; the tests of viewer-core that read
//! earlier findings take it in by its path. `stored` are readers of the gateway.

pub mod frame;
pub mod stored;

pub use frame::{decode, is_second};

/// A panic that the decoder itself catches is no finding: JPEG XL is decoded by a crate of others.
///
/// What is not caught is one all the same, as the caller of the target ends the program then.
pub fn bear_caught_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| std::panic::set_hook(Box::new(|_| {})));
}
