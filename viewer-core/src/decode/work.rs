//! How much work a decoder has done, for the tests that bound it: counted where debug assertions are on, else no code at all.
//!
//! A unit stands for about one sample that is computed, one coefficient or code that is read, or one entry of a table that is
//! filled: what takes time in proportion. Units depend on nothing but the stream, so a bound on them holds on any machine.
//! Codecs of other projects (JPEG XL, DEFLATE) count only what stands around them.

/// Adds units.
#[inline(always)]
#[cfg_attr(
    not(debug_assertions),
    expect(unused_variables, reason = "nothing counts")
)]
pub(super) fn count(units: usize) {
    #[cfg(debug_assertions)]
    UNITS.with(|all| all.set(all.get().saturating_add(units as u64)));
}

#[cfg(debug_assertions)]
std::thread_local! {
    static UNITS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// The units of this thread since this was last asked; `None` where nothing counts.
pub fn taken() -> Option<u64> {
    #[cfg(debug_assertions)]
    return Some(UNITS.with(std::cell::Cell::take));
    #[cfg(not(debug_assertions))]
    None
}
