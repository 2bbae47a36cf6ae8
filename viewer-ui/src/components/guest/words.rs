//! Every text of the reader behind a link, in each of its languages: a missing one does not compile.
//!
//! No jargon: never "window", "level", "UID" or "DICOM". `{0}` and `{1}` are filled in.

/// The texts of one language.
#[derive(Debug, PartialEq, Eq)]
pub struct Words {
    /// Language tag of the page.
    pub code: &'static str,
    /// Title of the page.
    pub title: &'static str,
    /// While the link's images are asked for.
    pub opening: &'static str,
    /// The server is not reached.
    pub offline: &'static str,
    /// What that means.
    pub offline_more: &'static str,
    /// The link's session is over.
    pub ended: &'static str,
    /// What to do about it.
    pub ended_more: &'static str,
    /// The study cannot be shown.
    pub not_opened: &'static str,
    /// Tries once more.
    pub again: &'static str,
    /// The patient has no name.
    pub no_name: &'static str,
    /// Names an image for screen readers.
    pub image: &'static str,
    /// Number and count of the image.
    pub position: &'static str,
    /// The image is on its way.
    pub loading: &'static str,
    /// The image cannot be shown.
    pub failed: &'static str,
    /// Images of a series that did not come.
    pub missing: &'static str,
    /// Where the screen is small.
    pub limit: &'static str,
    /// How fingers move.
    pub coach: &'static str,
    /// Takes a message away.
    pub dismiss: &'static str,
    /// Who wrote the note.
    pub note_of: &'static str,
    /// Plays the images.
    pub play: &'static str,
    /// Stops them.
    pub stop: &'static str,
    /// Names the brightness presets.
    pub brightness: &'static str,
    /// The brightness of the file.
    pub as_sent: &'static str,
    /// A brightness preset.
    pub soft_tissue: &'static str,
    /// A brightness preset.
    pub lung: &'static str,
    /// A brightness preset.
    pub bone: &'static str,
    /// A brightness preset.
    pub brain: &'static str,
    /// A brightness preset.
    pub liver: &'static str,
    /// A brightness preset.
    pub vessels: &'static str,
    /// Names the strip of series.
    pub series: &'static str,
    /// Two images beside each other.
    pub compare: &'static str,
    /// One image again.
    pub one: &'static str,
    /// Opens the sheet.
    pub more: &'static str,
    /// Swaps black and white.
    pub invert: &'static str,
    /// As at first.
    pub reset: &'static str,
    /// All files as one.
    pub download: &'static str,
    /// Who shared it.
    pub from: &'static str,
    /// Until when.
    pub until: &'static str,
    /// A report.
    pub report: &'static str,
    /// It did not come.
    pub report_failed: &'static str,
    /// Nobody has signed it.
    pub unverified: &'static str,
    /// It is longer than what is shown.
    pub cut: &'static str,
    /// The report is a file.
    pub pdf: &'static str,
    /// A document without words.
    pub nothing: &'static str,
}

/// English.
static EN: Words = Words {
    code: "en",
    title: "Images shared with you",
    opening: "Opening the images",
    offline: "No connection",
    offline_more: "What is here stays. Loading goes on by itself.",
    ended: "These images are closed",
    ended_more: "The link has ended or was taken back. Open it once more from the message that you got, or ask the person who sent it.",
    not_opened: "The images cannot be shown just now",
    again: "Try again",
    no_name: "No name",
    image: "Image",
    position: "Image {0} of {1}",
    loading: "Loading the image",
    failed: "This image cannot be shown",
    missing: "{0} images could not be loaded",
    limit: "Not for diagnosis on this screen",
    coach: "Swipe up or down through the images. Pinch to zoom. Two fingers side by side change the brightness.",
    dismiss: "Close",
    note_of: "Note from {0}",
    play: "Play",
    stop: "Stop",
    brightness: "Brightness",
    as_sent: "As sent",
    soft_tissue: "Soft tissue",
    lung: "Lung",
    bone: "Bone",
    brain: "Brain",
    liver: "Liver",
    vessels: "Vessels",
    series: "Series",
    compare: "Compare two series",
    one: "Show one series",
    more: "More",
    invert: "Invert black and white",
    reset: "Reset the view",
    download: "Download the files",
    from: "Shared by {0}",
    until: "Open until {0}",
    report: "Report",
    report_failed: "The report could not be loaded.",
    unverified: "This report is not signed yet.",
    cut: "The report is longer than what is shown here.",
    pdf: "Open the report (PDF)",
    nothing: "This part cannot be shown here.",
};

/// German.
static DE: Words = Words {
    code: "de",
    title: "Bilder für Sie",
    opening: "Die Bilder werden geöffnet",
    offline: "Keine Verbindung",
    offline_more: "Was da ist, bleibt. Das Laden geht von selbst weiter.",
    ended: "Diese Bilder sind geschlossen",
    ended_more: "Der Link ist abgelaufen oder wurde zurückgezogen. Öffnen Sie ihn noch einmal aus der Nachricht, die Sie erhalten haben, oder fragen Sie die Person, die ihn gesendet hat.",
    not_opened: "Die Bilder können gerade nicht gezeigt werden",
    again: "Erneut versuchen",
    no_name: "Ohne Namen",
    image: "Bild",
    position: "Bild {0} von {1}",
    loading: "Das Bild wird geladen",
    failed: "Dieses Bild kann nicht gezeigt werden",
    missing: "{0} Bilder konnten nicht geladen werden",
    limit: "Auf diesem Bildschirm nicht zur Diagnose",
    coach: "Wischen Sie nach oben oder unten durch die Bilder. Zwei Finger auseinander vergrößern. Zwei Finger nebeneinander ändern die Helligkeit.",
    dismiss: "Schließen",
    note_of: "Nachricht von {0}",
    play: "Abspielen",
    stop: "Anhalten",
    brightness: "Helligkeit",
    as_sent: "Wie gesendet",
    soft_tissue: "Weichteile",
    lung: "Lunge",
    bone: "Knochen",
    brain: "Gehirn",
    liver: "Leber",
    vessels: "Gefäße",
    series: "Serien",
    compare: "Zwei Serien vergleichen",
    one: "Eine Serie zeigen",
    more: "Mehr",
    invert: "Schwarz und Weiß tauschen",
    reset: "Ansicht zurücksetzen",
    download: "Dateien herunterladen",
    from: "Geteilt von {0}",
    until: "Offen bis {0}",
    report: "Befund",
    report_failed: "Der Befund konnte nicht geladen werden.",
    unverified: "Dieser Befund ist noch nicht freigegeben.",
    cut: "Der Befund ist länger, als hier gezeigt wird.",
    pdf: "Befund öffnen (PDF)",
    nothing: "Dieser Teil kann hier nicht gezeigt werden.",
};

/// French.
static FR: Words = Words {
    code: "fr",
    title: "Images partagées avec vous",
    opening: "Ouverture des images",
    offline: "Pas de connexion",
    offline_more: "Ce qui est là reste. Le chargement reprend tout seul.",
    ended: "Ces images sont fermées",
    ended_more: "Le lien est terminé ou a été retiré. Ouvrez-le encore une fois depuis le message reçu, ou demandez à la personne qui l’a envoyé.",
    not_opened: "Les images ne peuvent pas être affichées pour le moment",
    again: "Réessayer",
    no_name: "Sans nom",
    image: "Image",
    position: "Image {0} sur {1}",
    loading: "Chargement de l’image",
    failed: "Cette image ne peut pas être affichée",
    missing: "{0} images n’ont pas pu être chargées",
    limit: "Pas pour un diagnostic sur cet écran",
    coach: "Glissez vers le haut ou le bas pour passer d’une image à l’autre. Écartez deux doigts pour agrandir. Deux doigts côte à côte changent la luminosité.",
    dismiss: "Fermer",
    note_of: "Note de {0}",
    play: "Lire",
    stop: "Arrêter",
    brightness: "Luminosité",
    as_sent: "D’origine",
    soft_tissue: "Tissus mous",
    lung: "Poumon",
    bone: "Os",
    brain: "Cerveau",
    liver: "Foie",
    vessels: "Vaisseaux",
    series: "Séries",
    compare: "Comparer deux séries",
    one: "Afficher une seule série",
    more: "Plus",
    invert: "Inverser le noir et le blanc",
    reset: "Réinitialiser la vue",
    download: "Télécharger les fichiers",
    from: "Partagé par {0}",
    until: "Ouvert jusqu’au {0}",
    report: "Compte rendu",
    report_failed: "Le compte rendu n’a pas pu être chargé.",
    unverified: "Ce compte rendu n’est pas encore validé.",
    cut: "Le compte rendu est plus long que ce qui est affiché.",
    pdf: "Ouvrir le compte rendu (PDF)",
    nothing: "Cette partie ne peut pas être affichée ici.",
};

/// Spanish.
static ES: Words = Words {
    code: "es",
    title: "Imágenes compartidas con usted",
    opening: "Abriendo las imágenes",
    offline: "Sin conexión",
    offline_more: "Lo que ya está se queda. La carga sigue sola.",
    ended: "Estas imágenes están cerradas",
    ended_more: "El enlace terminó o fue retirado. Ábralo otra vez desde el mensaje que recibió, o pregunte a la persona que lo envió.",
    not_opened: "Las imágenes no se pueden mostrar ahora",
    again: "Intentar de nuevo",
    no_name: "Sin nombre",
    image: "Imagen",
    position: "Imagen {0} de {1}",
    loading: "Cargando la imagen",
    failed: "Esta imagen no se puede mostrar",
    missing: "{0} imágenes no se pudieron cargar",
    limit: "No apto para diagnóstico en esta pantalla",
    coach: "Deslice hacia arriba o abajo para pasar las imágenes. Separe dos dedos para ampliar. Dos dedos juntos cambian el brillo.",
    dismiss: "Cerrar",
    note_of: "Nota de {0}",
    play: "Reproducir",
    stop: "Parar",
    brightness: "Brillo",
    as_sent: "Original",
    soft_tissue: "Partes blandas",
    lung: "Pulmón",
    bone: "Hueso",
    brain: "Cerebro",
    liver: "Hígado",
    vessels: "Vasos",
    series: "Series",
    compare: "Comparar dos series",
    one: "Mostrar una serie",
    more: "Más",
    invert: "Invertir blanco y negro",
    reset: "Restablecer la vista",
    download: "Descargar los archivos",
    from: "Compartido por {0}",
    until: "Abierto hasta {0}",
    report: "Informe",
    report_failed: "El informe no se pudo cargar.",
    unverified: "Este informe aún no está firmado.",
    cut: "El informe es más largo de lo que se muestra.",
    pdf: "Abrir el informe (PDF)",
    nothing: "Esta parte no se puede mostrar aquí.",
};

/// Japanese.
static JA: Words = Words {
    code: "ja",
    title: "共有された画像",
    opening: "画像を開いています",
    offline: "接続がありません",
    offline_more: "表示済みの画像はそのまま使えます。読み込みは自動的に再開します。",
    ended: "画像は閉じられました",
    ended_more: "リンクの期限が切れたか、取り消されました。受け取ったメッセージからもう一度開くか、送信者にお尋ねください。",
    not_opened: "現在、画像を表示できません",
    again: "もう一度試す",
    no_name: "氏名なし",
    image: "画像",
    position: "画像 {0} / {1}",
    loading: "画像を読み込んでいます",
    failed: "この画像は表示できません",
    missing: "{0}枚の画像を読み込めませんでした",
    limit: "この画面は診断用ではありません",
    coach: "上下にスワイプして画像を送ります。2本の指を広げると拡大、2本の指を並べて動かすと明るさが変わります。",
    dismiss: "閉じる",
    note_of: "{0}からのメモ",
    play: "再生",
    stop: "停止",
    brightness: "明るさ",
    as_sent: "元の明るさ",
    soft_tissue: "軟部組織",
    lung: "肺",
    bone: "骨",
    brain: "脳",
    liver: "肝臓",
    vessels: "血管",
    series: "シリーズ",
    compare: "2つのシリーズを比較",
    one: "1つのシリーズを表示",
    more: "その他",
    invert: "白黒を反転",
    reset: "表示を元に戻す",
    download: "ファイルをダウンロード",
    from: "共有者：{0}",
    until: "有効期限：{0}",
    report: "レポート",
    report_failed: "レポートを読み込めませんでした。",
    unverified: "このレポートは未確定です。",
    cut: "レポートの一部だけを表示しています。",
    pdf: "レポートを開く（PDF）",
    nothing: "この部分はここでは表示できません。",
};

/// All languages, the first where nothing fits.
static ALL: [&Words; 5] = [&EN, &DE, &FR, &ES, &JA];

/// The language of the browser's wishes that there is first, and that wish, for dates.
pub fn of(wishes: &[String]) -> (&'static Words, String) {
    for wish in wishes {
        let language = wish.split('-').next().unwrap_or_default();
        let mut all = ALL.iter();
        if let Some(words) = all.find(|words| words.code.eq_ignore_ascii_case(language)) {
            return (words, wish.clone());
        }
    }
    (&EN, EN.code.to_owned())
}

/// A text with its gaps filled.
pub fn fill(text: &str, values: &[&str]) -> String {
    let mut filled = text.to_owned();
    for (place, value) in values.iter().enumerate() {
        filled = filled.replacen(&format!("{{{place}}}"), value, 1);
    }
    filled
}

impl Words {
    /// What a brightness preset is called here; `None` for what only an expert would choose.
    pub fn preset(&self, is_own: bool, name: &str) -> Option<String> {
        let known = match name {
            _ if is_own => self.as_sent,
            "Soft tissue" => self.soft_tissue,
            "Lung" => self.lung,
            "Bone" => self.bone,
            "Brain" => self.brain,
            "Liver" => self.liver,
            "Angio" => self.vessels,
            _ => return None,
        };
        Some(known.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All texts of a language, read from what it prints of itself.
    fn texts(words: &Words) -> Vec<(String, String)> {
        let printed = format!("{words:#?}");
        let lines = printed.lines().filter_map(|line| {
            let (name, text) = line.trim().split_once(": \"")?;
            Some((name.to_owned(), text.trim_end_matches("\",").to_owned()))
        });
        lines.collect()
    }

    fn gaps(text: &str) -> Vec<&str> {
        let mut found: Vec<&str> = ["{0}", "{1}"]
            .into_iter()
            .filter(|gap| text.contains(gap))
            .collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn every_language_has_every_text_and_the_same_gaps() {
        let english = texts(&EN);
        assert!(english.len() > 40);
        for words in ALL {
            for ((name, english), (_, text)) in english.iter().zip(texts(words)) {
                assert!(!text.trim().is_empty(), "{} {name}", words.code);
                assert_eq!(gaps(english), gaps(&text), "{} {name}", words.code);
            }
        }
    }

    #[test]
    fn other_languages_are_no_copies_of_english() {
        let english = texts(&EN);
        for words in &ALL[1..] {
            let other = texts(words);
            let pairs = english.iter().zip(&other);
            let same = pairs.filter(|(one, other)| one.1 == other.1).count();
            // Some words are the same in two languages.
            assert!(same <= 3, "{}: {same}", words.code);
        }
    }

    #[test]
    fn no_text_holds_jargon() {
        for words in ALL {
            for (name, text) in texts(words) {
                let text = text.to_lowercase();
                for jargon in [
                    "window", "fenster", "fenêtre", "ventana", "level", "uid", "dicom",
                ] {
                    assert!(!text.contains(jargon), "{} {name}: {jargon}", words.code);
                }
            }
        }
    }

    #[test]
    fn the_first_wish_that_there_is_decides() {
        let chosen = |wishes: &[&str]| {
            let wishes: Vec<String> = wishes.iter().map(|wish| (*wish).to_owned()).collect();
            let (words, locale) = of(&wishes);
            (words.code, locale)
        };
        assert_eq!(chosen(&["de-AT", "en"]), ("de", "de-AT".into()));
        assert_eq!(chosen(&["nl", "FR-be", "en"]), ("fr", "FR-be".into()));
        assert_eq!(chosen(&["ja"]), ("ja", "ja".into()));
        assert_eq!(chosen(&["fi"]), ("en", "en".into()));
        assert_eq!(chosen(&[]), ("en", "en".into()));
    }

    #[test]
    fn gaps_are_filled_in_their_places() {
        assert_eq!(fill(EN.position, &["2", "9"]), "Image 2 of 9");
        assert_eq!(fill(JA.missing, &["3"]), "3枚の画像を読み込めませんでした");
    }

    #[test]
    fn the_files_own_brightness_comes_first_and_unknown_ones_are_left_out() {
        assert_eq!(DE.preset(true, "WINDOW1").as_deref(), Some("Wie gesendet"));
        assert_eq!(DE.preset(false, "Lung").as_deref(), Some("Lunge"));
        assert_eq!(DE.preset(false, "From file 2"), None);
    }
}
