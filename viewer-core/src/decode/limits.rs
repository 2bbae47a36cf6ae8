//! Bounds that outside bytes meet before anything is allocated.

/// What one frame may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of one decoded frame.
    pub frame_bytes: usize,
    /// Largest number of rows or columns.
    pub edge: u32,
}

impl Default for Limits {
    /// 512 MiB a frame, 65,535 rows or columns (the most that (0028,0010) can say).
    fn default() -> Self {
        Self {
            frame_bytes: 512 << 20,
            edge: 65_535,
        }
    }
}
