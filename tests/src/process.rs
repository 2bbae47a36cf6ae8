//! Processes of the system, read from `/proc`: who descends from whom, and how much memory each holds.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Ids of all processes below one.
fn below(root: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(id) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<u32>().ok())
        else {
            continue;
        };
        // A process may end while it is read.
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        if let Some(parent) = field(&status, "PPid:") {
            children
                .entry(u32::try_from(parent).unwrap_or(0))
                .or_default()
                .push(id);
        }
    }
    let mut found = Vec::new();
    let mut open = vec![root];
    while let Some(id) = open.pop() {
        let next = children.remove(&id).unwrap_or_default();
        found.extend(&next);
        open.extend(next);
    }
    found
}

fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// All renderers below a browser.
pub(crate) fn renderers(browser: u32) -> Vec<u32> {
    let mut found = below(browser);
    found.retain(|id| {
        let command = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&command).contains("--type=renderer")
    });
    found
}

/// Resident memory of all renderers below a browser, in KiB.
pub(crate) fn renderer_rss_kib(browser: u32) -> u64 {
    let resident = |id: u32| {
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        field(&status, "VmRSS:").unwrap_or(0)
    };
    renderers(browser).into_iter().map(resident).sum()
}

/// Ends a process that was started here and waits until all below it are gone, for some seconds at most.
pub(crate) fn end(child: &mut std::process::Child) {
    let family = below(child.id());
    // It may have ended by itself.
    let _ = child.kill();
    let _ = child.wait();
    let began = Instant::now();
    let is_alive = |id: &u32| {
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        status
            .lines()
            .any(|line| line.starts_with("State:") && !line.contains('Z'))
    };
    while began.elapsed() < Duration::from_secs(5) && family.iter().any(is_alive) {
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    #[test]
    fn children_are_found_below_their_parent() {
        let mut child = std::process::Command::new("sleep")
            .arg("30")
            .spawn()
            .unwrap();
        assert!(below(std::process::id()).contains(&child.id()));
        end(&mut child);
        assert!(!below(std::process::id()).contains(&child.id()));
    }
}
