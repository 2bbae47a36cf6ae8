//! Pictures of a volume while its slices come: coarse ones early, not so many that they hold up the whole one.

use viewer_core::volume::Presence;

/// Shares of the slices from which the picture is drawn anew: the coarse one first.
const SHARES: [f64; 5] = [1.0 / 16.0, 0.125, 0.25, 0.5, 0.75];

/// Time between two of these pictures: where slices come fast, the whole one comes sooner without those in between.
const APART_MS: f64 = 1000.0;

/// Which picture of a volume on its way is drawn.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Arrival {
    /// Shares that had been reached when it was chosen.
    passed: usize,
    since_ms: f64,
}

impl Arrival {
    /// Pictures before the whole one.
    pub const STAGES: usize = SHARES.len();

    /// The picture to draw; `None` before there is one.
    pub fn stage(&self) -> Option<u32> {
        u32::try_from(self.passed).ok().filter(|stage| *stage > 0)
    }

    /// Takes note of the slices that are here. Answers when to look again where the next picture has to wait.
    pub fn advance(&mut self, presence: &Presence, now_ms: f64) -> Option<f64> {
        if presence.is_final() {
            return None;
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "slices are counted in thousands"
        )]
        let share = presence.here() as f64 / presence.count().max(1) as f64;
        let passed = SHARES.iter().filter(|known| share >= **known).count();
        let due_ms = self.since_ms + APART_MS;
        if self.passed > 0 && passed > self.passed && now_ms < due_ms {
            return Some(due_ms);
        }
        if passed != self.passed {
            *self = Self {
                passed,
                since_ms: now_ms,
            };
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use viewer_core::volume::SliceState;

    #[test]
    fn the_first_picture_comes_at_once_and_others_one_second_apart() {
        let mut presence = Presence::new(16);
        let mut arrival = Arrival::default();
        assert_eq!(arrival.advance(&presence, 0.0), None);
        assert_eq!(arrival.stage(), None);
        presence.set(0, SliceState::Here);
        assert_eq!(arrival.advance(&presence, 100.0), None);
        assert_eq!(arrival.stage(), Some(1));
        for slice in 1..4 {
            presence.set(slice, SliceState::Here);
        }
        assert_eq!(arrival.advance(&presence, 300.0), Some(1100.0));
        assert_eq!(arrival.stage(), Some(1));
        // Those in between are left out.
        assert_eq!(arrival.advance(&presence, 1100.0), None);
        assert_eq!(arrival.stage(), Some(3));
    }
}
