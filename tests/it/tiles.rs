//! Pictures with more columns or rows than a texture of the graphics card may have.
//!
//! The address makes every card a small one: `textureLimit` is the most columns and rows of its textures.

use crate::pictures::expect_right_at;
use crate::stage::{Stage, ct_folder};
use phantom::pictures::pictures;
use sagitta_tests::Backend;

const GPU: [Backend; 2] = [Backend::WebGpu, Backend::WebGl2];

/// Nearly all made-up pictures have 32 x 32 pixels, so 16 tiles here; overlays and shutters, too, lie in tiles.
#[test]
fn pictures_in_tiles_are_shown_as_the_standard_says() {
    expect_right_at("?textureLimit=8", &pictures(7), &GPU);
}

#[test]
fn a_picture_of_more_tiles_than_the_card_takes_is_refused_in_words() {
    let folder = ct_folder(32, 1);
    for backend in GPU {
        let stage = Stage::blank(backend, folder.path());
        stage.go("?textureLimit=1");
        let study = stage.study();
        stage.eval(&format!(
            "window.sagitta.open({{ studies: ['{study}'] }}).catch(() => 0)"
        ));
        let wait = stage
            .page
            .wait_for("!!document.querySelector('.inplace')", 20);
        wait.unwrap();
        let text = stage.eval("document.querySelector('.inplace').textContent");
        println!("{}: {text}", backend.name());
        let words =
            "32 x 32 pixels is beyond this graphics card's limit of 256 tiles of 1 x 1 pixels";
        assert!(text.as_str().unwrap().contains(words), "{text}");
        stage.expect_no_problems();
    }
}
