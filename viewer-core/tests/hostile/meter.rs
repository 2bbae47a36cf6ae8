//! What decoding a frame costs: bytes of memory at the peak, units of work, panics.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use peak_alloc::PeakAlloc;
use viewer_core::decode::{DecodeError, Limits, decode_frame, work};
use viewer_core::pixel::{Frame, PixelFormat};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// The allocator counts for the whole program, so one test at a time decodes.
static ALONE: Mutex<()> = Mutex::new(());
/// Where the code panicked since this was last looked at.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Beyond twice the frame, what a decoder may take.
pub const SPARE_BYTES: usize = 64 << 20;
/// How many times as much work as the undamaged frame a damaged one may cost.
pub const MOST_TIMES: u64 = 20;

/// What one call cost.
pub struct Cost {
    pub result: Result<Frame, DecodeError>,
    pub peak_bytes: usize,
    pub work: u64,
    /// Places of panics, also of those that were caught within.
    pub panics: Vec<String>,
}

/// Waits for other tests of this program.
pub fn alone() -> MutexGuard<'static, ()> {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string);
            let text = format!("{}: {panic}", place.unwrap_or_default());
            // A failed assertion of a test is said as well.
            if text.contains("tests/hostile") {
                eprintln!("{text}");
            }
            let mut panics = PANICS.lock().unwrap_or_else(PoisonError::into_inner);
            panics.push(text);
        }));
    });
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Decodes and measures. A panic that leaves the decoder is a failure of the test.
pub fn measure(bytes: &[u8], syntax: &str, format: &PixelFormat, limits: &Limits) -> Cost {
    PANICS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clear();
    work::taken();
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let result = catch_unwind(AssertUnwindSafe(|| {
        decode_frame(bytes, syntax, format, limits)
    }));
    let peak_bytes = MEMORY.peak_usage().saturating_sub(before);
    let work = work::taken().unwrap_or_default();
    let panics = std::mem::take(&mut *PANICS.lock().unwrap_or_else(PoisonError::into_inner));
    let Ok(result) = result else {
        panic!("{syntax}: a panic left the decoder: {panics:?}");
    };
    Cost {
        result,
        peak_bytes,
        work,
        panics,
    }
}

/// The most memory that something takes at a time.
pub fn peak_of<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let result = work();
    (result, MEMORY.peak_usage().saturating_sub(before))
}

/// Bytes of the frame that the attributes promise, at least one each sample.
pub fn output_bytes(format: &PixelFormat) -> usize {
    format.rows as usize
        * format.columns as usize
        * usize::from(format.samples_per_pixel)
        * usize::from(format.bits_allocated.div_ceil(8).max(1))
}
