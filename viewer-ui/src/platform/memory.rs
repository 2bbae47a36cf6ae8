//! What is kept in the browser about servers: a few letters for each root, for a week or two.
//!
//! Never anything about patients: whoever sits here next may read it.

/// Front of the names under which it is kept.
const NAME: &str = "sagitta.ways.";
const WEEK_MS: f64 = 7.0 * 86_400_000.0;

fn storage() -> Option<web_sys::Storage> {
    // A frame or a setting may forbid it.
    web_sys::window()?.local_storage().ok()?
}

/// Weeks since 1970.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a few thousand"
)]
fn week() -> u32 {
    (js_sys::Date::now() / WEEK_MS) as u32
}

/// What is kept about a root; empty where that is nothing, or old: servers are given a new chance.
pub fn get(root: &str) -> String {
    let text = storage().and_then(|all| all.get_item(&format!("{NAME}{root}")).ok()?);
    let text = text.unwrap_or_default();
    let fresh = text.split_once(' ').filter(|(since, _)| {
        since
            .parse()
            .is_ok_and(|since: u32| since.abs_diff(week()) < 2)
    });
    fresh.map_or_else(String::new, |(_, kept)| kept.to_owned())
}

/// Keeps something about a root, where the browser lets us.
pub fn set(root: &str, text: &str) {
    if let Some(all) = storage() {
        let _ = all.set_item(&format!("{NAME}{root}"), &format!("{} {text}", week()));
    }
}
