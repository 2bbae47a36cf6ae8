//! The text of a mail to whoever gets a link, in that person's language: nothing of the patient, and not the PIN.

use crate::platform::page;
use protocol::account::ShareMade;

/// A language of mails.
#[derive(Debug, Clone, Copy)]
pub struct Mail {
    /// Its own name.
    pub name: &'static str,
    tag: &'static str,
    ready: &'static str,
    until: &'static str,
    pin: &'static str,
}

/// The languages of the page behind a link; the first stands for all others.
pub const MAILS: [Mail; 5] = [
    Mail {
        name: "English",
        tag: "en-GB",
        ready: "Images are ready for you to look at:",
        until: "The link is open until {}.",
        pin: "The PIN comes to you another way.",
    },
    Mail {
        name: "Deutsch",
        tag: "de",
        ready: "Bilder liegen für Sie bereit:",
        until: "Der Link ist offen bis {}.",
        pin: "Die PIN erhalten Sie auf anderem Weg.",
    },
    Mail {
        name: "Français",
        tag: "fr",
        ready: "Des images sont à votre disposition :",
        until: "Le lien est ouvert jusqu’au {}.",
        pin: "Le code PIN vous parviendra par un autre moyen.",
    },
    Mail {
        name: "Español",
        tag: "es",
        ready: "Tiene imágenes a su disposición:",
        until: "El enlace está abierto hasta el {}.",
        pin: "El PIN le llegará por otra vía.",
    },
    Mail {
        name: "日本語",
        tag: "ja",
        ready: "画像をご覧いただけます。",
        until: "このリンクは{}まで有効です。",
        pin: "PINは別の方法でお知らせします。",
    },
];

/// Index of the language that stands first in a list of wishes; 0 where none of them is known.
pub fn first_of(wishes: &[String]) -> usize {
    let index = |wish: &String| {
        let wished = wish.get(..2)?.to_lowercase();
        MAILS.iter().position(|mail| mail.tag.starts_with(&wished))
    };
    wishes.iter().find_map(index).unwrap_or(0)
}

impl Mail {
    /// The text for a link.
    pub fn text(&self, made: &ShareMade) -> String {
        let until = page::local_date(made.ends as f64, self.tag, true);
        self.text_until(&made.link, &until, made.pin.is_some())
    }

    fn text_until(&self, link: &str, until: &str, has_pin: bool) -> String {
        let until = self.until.replace("{}", until);
        let pin = if has_pin { self.pin } else { "" };
        let text = format!("{}\n\n{link}\n\n{until}\n\n{pin}", self.ready);
        format!("{}\n", text.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_language_that_is_known_counts() {
        let of =
            |wishes: &[&str]| first_of(&wishes.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(of(&[]), 0);
        assert_eq!(of(&["nl", "de-AT", "fr"]), 1);
        assert_eq!(of(&["fr-CA"]), 2);
        assert_eq!(of(&["ES"]), 3);
        assert_eq!(of(&["ja", "en"]), 4);
        assert_eq!(of(&["é", "x"]), 0);
    }

    #[test]
    fn every_mail_has_link_and_end_and_speaks_of_a_pin_only_where_there_is_one() {
        for mail in MAILS {
            let text = mail.text_until("https://a.test/s", "2 May", true);
            assert!(text.contains("\n\nhttps://a.test/s\n\n"), "{text}");
            assert!(text.contains("2 May") && !text.contains('{'), "{text}");
            assert!(text.ends_with(&format!("\n\n{}\n", mail.pin)), "{text}");
            assert!(mail.pin.contains("PIN"), "{text}");
            let text = mail.text_until("https://a.test/s", "2 May", false);
            assert!(!text.contains("PIN") && text.ends_with('\n'), "{text}");
        }
    }
}
