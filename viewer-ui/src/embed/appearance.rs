//! Theme and language that the page around a frame asks for.

use crate::engine::waiting::ViewerError;
use crate::platform::page;
use std::cell::RefCell;

thread_local! {
    static LOCALE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Sets what is given.
///
/// # Errors
/// There is no such theme, or it is no language tag.
pub fn set(theme: Option<&str>, locale: Option<&str>) -> Result<(), ViewerError> {
    let refuse = |words: &str| Err(ViewerError::new("bad_argument", words));
    if let Some(theme) = theme {
        if !["dark", "light"].contains(&theme) {
            return refuse("a theme is dark or light");
        }
        page::set_root_attribute("data-theme", theme);
    }
    if let Some(locale) = locale {
        if !is_tag(locale) {
            return refuse("a locale is a language tag like de-CH");
        }
        LOCALE.set(locale.to_owned());
    }
    Ok(())
}

/// The language that was asked for; empty where none was.
pub fn locale() -> String {
    LOCALE.with_borrow(Clone::clone)
}

/// True for the form of BCP 47, section 2.1, as far as it goes by letters and lengths.
fn is_tag(text: &str) -> bool {
    let is_part = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|it| it.is_ascii_alphanumeric())
    };
    text.len() <= 35 && text.split('-').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn language_tags_have_the_form_of_bcp_47() {
        for good in ["de", "de-CH", "zh-Hant-TW", "es-419"] {
            assert!(is_tag(good), "{good}");
        }
        for bad in [
            "",
            "de_CH",
            "de-",
            "<b>",
            "a-very-long-tag-that-no-language-in-the-world-has",
        ] {
            assert!(!is_tag(bad), "{bad}");
        }
    }
}
