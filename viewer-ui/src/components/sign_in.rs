//! What stands in place of the app in a frame without a session, and in the window where its user signs in.
//!
//! The reader speaks English; these few words are for people who have just come from a page in their own language.

use crate::components::icon::Icon;
use crate::store::Gate;
use yew::prelude::*;

/// Which words, and what the button does.
#[derive(Properties, PartialEq)]
pub struct SignInProps {
    /// Why the app is not on screen.
    pub gate: Gate,
    /// Language tag, for example `de-CH`.
    pub locale: String,
    /// The user wants to sign in.
    pub on_sign_in: Callback<()>,
}

struct Words {
    title: &'static str,
    frame: &'static str,
    button: &'static str,
    waiting: &'static str,
    again: &'static str,
    window: &'static str,
    stray: &'static str,
}

const ENGLISH: Words = Words {
    title: "Sign in to see images",
    frame: "A window opens for it. Then the images appear here.",
    button: "Sign in",
    waiting: "Go on in the window that has opened.",
    again: "Open the window again",
    window: "The login opens in a tab of its own. This window goes on by itself.",
    stray: "This window was not opened by the image viewer. You can close it.",
};

const GERMAN: Words = Words {
    title: "Zum Anzeigen der Bilder anmelden",
    frame: "Dafür öffnet sich ein Fenster. Danach erscheinen die Bilder hier.",
    button: "Anmelden",
    waiting: "Weiter geht es in dem Fenster, das sich geöffnet hat.",
    again: "Fenster noch einmal öffnen",
    window: "Die Anmeldung öffnet sich in einem eigenen Tab. Dieses Fenster macht danach von selbst weiter.",
    stray: "Dieses Fenster wurde nicht vom Bildbetrachter geöffnet. Sie können es schließen.",
};

const FRENCH: Words = Words {
    title: "Connectez-vous pour voir les images",
    frame: "Une fenêtre s’ouvre. Les images apparaissent ensuite ici.",
    button: "Se connecter",
    waiting: "Continuez dans la fenêtre qui s’est ouverte.",
    again: "Ouvrir de nouveau la fenêtre",
    window: "La connexion s’ouvre dans un onglet à part. Cette fenêtre continue ensuite d’elle-même.",
    stray: "Cette fenêtre n’a pas été ouverte par la visionneuse. Vous pouvez la fermer.",
};

const SPANISH: Words = Words {
    title: "Inicie sesión para ver las imágenes",
    frame: "Se abre una ventana para ello. Después las imágenes aparecen aquí.",
    button: "Iniciar sesión",
    waiting: "Continúe en la ventana que se ha abierto.",
    again: "Abrir la ventana otra vez",
    window: "El inicio de sesión se abre en una pestaña propia. Esta ventana continúa después por sí sola.",
    stray: "El visor no ha abierto esta ventana. Puede cerrarla.",
};

const JAPANESE: Words = Words {
    title: "画像を見るにはサインインしてください",
    frame: "サインイン用のウィンドウが開きます。その後、画像がここに表示されます。",
    button: "サインイン",
    waiting: "開いたウィンドウで続けてください。",
    again: "ウィンドウをもう一度開く",
    window: "ログインは別のタブで開きます。その後、このウィンドウは自動的に進みます。",
    stray: "このウィンドウはビューアーが開いたものではありません。閉じてかまいません。",
};

fn words(locale: &str) -> &'static Words {
    match locale.split(['-', '_']).next().unwrap_or_default() {
        "de" => &GERMAN,
        "fr" => &FRENCH,
        "es" => &SPANISH,
        "ja" => &JAPANESE,
        _ => &ENGLISH,
    }
}

/// The words and one button.
#[component]
pub fn SignIn(props: &SignInProps) -> Html {
    let words = words(&props.locale);
    let onclick = props.on_sign_in.reform(|_: MouseEvent| ());
    let (sentence, action) = match props.gate {
        Gate::Open => return Html::default(),
        Gate::SignedOut => (
            words.frame,
            html! { <button class="btn primary" {onclick}>{words.button}</button> },
        ),
        Gate::Waiting => (
            words.waiting,
            html! { <button class="btn" {onclick}>{words.again}</button> },
        ),
        Gate::Window => (
            words.window,
            html! {
                <a class="btn primary" href="auth/login" target="_blank" rel="noopener">{words.button}</a>
            },
        ),
        Gate::Stray => (words.stray, Html::default()),
    };
    html! {
        <main class="gate" lang={props.locale.clone()}>
            <div class="msgbox">
                <span class="big"><Icon name="user" /></span>
                <h1>{words.title}</h1>
                <p class="t2" role="status">{sentence}</p>
                <p class="acts">{action}</p>
            </div>
        </main>
    }
}
