//! `cargo xtask bench [NAME]`: measurements, as a table and as `target/bench/NAME.json`.
//!
//! `peer` runs the viewer beside another one in one browser, `codecs` the decoders beside another's in node; `report` turns
//! samples into rows. `qido` searches 100,000 studies, `store` indexes 43,000 files and serves them.

mod beside;
mod codecs;
mod peer;
mod report;
mod server;

use anyhow::{Context, Result, bail};

/// Rounds that count, unless `--reps` says otherwise.
const ROUNDS: usize = 5;

/// Runs a benchmark; without a name, all of them.
pub fn bench(name: Option<&str>) -> Result<()> {
    match name {
        None => {
            for name in server::NAMES {
                server::measure(name)?;
            }
            codecs::codecs(rounds(std::env::args())?)?;
            peer::peer(rounds(std::env::args())?)
        }
        Some("codecs") => codecs::codecs(rounds(std::env::args())?),
        Some("peer") => peer::peer(rounds(std::env::args())?),
        Some(name) if server::NAMES.contains(&name) => server::measure(name),
        Some(other) => bail!("there is no benchmark {other}, only codecs, peer, qido and store"),
    }
}

/// Number of rounds, from `--reps N`.
fn rounds(mut arguments: impl Iterator<Item = String>) -> Result<usize> {
    if !arguments.any(|word| word == "--reps") {
        return Ok(ROUNDS);
    }
    let count = arguments.next().and_then(|word| word.parse().ok());
    count
        .filter(|count| *count > 0)
        .context("--reps needs a number of rounds")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    #[test]
    fn rounds_are_named_or_usual() {
        let of = |line: &str| rounds(line.split(' ').map(str::to_owned));
        assert_eq!(of("xtask bench peer").unwrap(), ROUNDS);
        assert_eq!(of("xtask bench peer --reps 3").unwrap(), 3);
        assert!(of("xtask bench peer --reps").is_err());
        assert!(of("xtask bench peer --reps 0").is_err());
    }
}
