//! From the injection to the time that pixels hold for.
//!
//! Decay is corrected to the start of the scan, which files say in several places that disagree once an image was processed. QIBA's order
//! is followed: the time of the series where it is not after the acquisition; else what GE keeps in an element of its own; else
//! the time is calculated back from the frame's average activity.
//!
//! Source: QIBA's vendor-neutral pseudo-code for SUV; DICOM PS3.3 C.8.9.1.1.2, C.8.9.4.1.5; PS3.5 6.2 (DT).

use super::super::date_time::{day, seconds};
use super::inputs::Inputs;
use super::{NoSuv, within};

const DAY_S: f64 = 86_400.0;
/// A time without a day is taken for the day before where it would come after the scan, if that makes the wait no longer than this.
const LONGEST_WAIT_S: f64 = DAY_S / 2.0;

/// A time of day, and the day where it is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moment {
    /// Days since 1 January 1970.
    day: Option<f64>,
    /// Seconds of the day.
    seconds: f64,
}

impl Moment {
    /// VR DA and TM. A day that is no date is not known.
    pub(super) fn of_day_and_time(date: Option<&str>, time: &str) -> Option<Self> {
        Some(Self {
            day: date.and_then(day),
            seconds: seconds(time)?,
        })
    }

    /// VR DT, at least to the minute. All times of a file are by one clock, so that an offset from UTC tells nothing.
    pub(super) fn of_date_time(text: &str) -> Option<Self> {
        let (date, time) = text.split_at_checked(8)?;
        let time = time.split(['+', '-', '&']).next()?;
        Some(Self {
            day: Some(day(date)?),
            seconds: seconds(time)?,
        })
    }

    /// Seconds from `self` to `other`; `None` where a day is not known.
    fn until(self, other: Self) -> Option<f64> {
        Some((other.day? - self.day?) * DAY_S + other.seconds - self.seconds)
    }

    fn later(self, seconds: f64) -> Self {
        let total = self.seconds + seconds;
        Self {
            day: self.day.map(|day| day + (total / DAY_S).floor()),
            seconds: total.rem_euclid(DAY_S),
        }
    }
}

/// Seconds that the dose decayed before the time which pixels are corrected to.
pub(super) fn injection_to_scan_s(inputs: &Inputs, half_life_s: f64) -> Result<f64, NoSuv> {
    const INJECTION: &str = "the time of the injection";
    let scan = scan_start(inputs, half_life_s)?;
    let injected = inputs.injected.ok_or(NoSuv::Missing { input: INJECTION })?;
    let waited = match injected.until(scan) {
        Some(waited) => waited,
        // Its day is not said: the last such time before the scan.
        None => match scan.seconds - injected.seconds {
            waited if waited < 0.0 => {
                let waited = waited + DAY_S;
                if waited > LONGEST_WAIT_S {
                    return Err(NoSuv::Impossible { input: INJECTION });
                }
                waited
            }
            waited => waited,
        },
    };
    if (0.0..=DAY_S * 30.0).contains(&waited) {
        Ok(waited)
    } else {
        Err(NoSuv::Impossible { input: INJECTION })
    }
}

/// When the scan began.
fn scan_start(inputs: &Inputs, half_life_s: f64) -> Result<Moment, NoSuv> {
    let acquired = inputs.acquired.ok_or(NoSuv::Missing {
        input: "the time of the acquisition",
    })?;
    if let Some(series) = inputs.series
        && is_not_after(series, acquired)
    {
        return Ok(series);
    }
    if let Some(scan) = inputs.ge_scan {
        // Whoever removed names may have moved the other dates and not this one: the time of day is what is left.
        let same_day = Moment {
            day: acquired.day,
            ..scan
        };
        return Ok(if scan.seconds > acquired.seconds {
            Moment {
                day: acquired.day.map(|day| day - 1.0),
                ..scan
            }
        } else {
            same_day
        });
    }
    let start = "the start of the scan";
    let reference_s = within(inputs.reference_ms, start, 1.0..=1e9)? / 1000.0;
    let duration_s = within(inputs.duration_ms, start, 1.0..=1e9)? / 1000.0;
    let average_s = average_activity_s(duration_s, half_life_s);
    Ok(acquired.later(average_s - reference_s))
}

/// When, after a frame's beginning, its activity is what it is on average: PS3.3 C.8.9.4.1.5, example 2.
fn average_activity_s(duration_s: f64, half_life_s: f64) -> f64 {
    let constant = std::f64::consts::LN_2 / half_life_s;
    let decay = constant * duration_s;
    (decay / -(-decay).exp_m1()).ln() / constant
}

/// The series was not made after its images were acquired, as one that was processed later is.
fn is_not_after(series: Moment, acquired: Moment) -> bool {
    match series.until(acquired) {
        Some(seconds) => seconds >= 0.0,
        None => series.seconds <= acquired.seconds,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn average_activity_is_that_of_a_real_frame() {
        // A scanner's own Frame Reference Time of a frame of 300 s that began with its series: 149605.34445734 ms, half life 6586.2 s.
        assert!((average_activity_s(300.0, 6586.2) - 149.605_344_457_34).abs() < 1e-3);
    }
}
